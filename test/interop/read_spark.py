"""Runs the lines of a page in a Spark session, then reads tables with it and prints what they hold as one JSON document.

usage: read_spark.py JARS TABLE...   JARS: paths with commas between; the lines of the page come on stdin and may use `spark`

An entry per table: column -> [type, count, figure, figure], all of them texts. The figures are the sum and the sum of absolute
values of a number, the first and the last of a time (microseconds since the epoch) or a day, how many are true, how long texts are.
"""
import json
import sys

from pyspark.sql import SparkSession

FIGURES = {
    "bigint": ("sum(cast({0} as decimal(38, 0)))", "sum(abs(cast({0} as decimal(38, 0))))"),
    "int": ("sum({0})", "sum(abs({0}))"),
    "double": ("sum({0})", "sum(abs({0}))"),
    "timestamp": ("min(unix_micros({0}))", "max(unix_micros({0}))"),
    "date": ("min({0})", "max({0})"),
    "boolean": ("count_if({0})", "count_if(not {0})"),
    "string": ("sum(length({0}))", "count(distinct {0})"),
}


def session(jars):
    settings = {
        "spark.jars": jars,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # Tables of some thousand rows.
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def describe(spark, table):
    frame = spark.read.format("delta").load(table)
    types = dict(frame.dtypes)
    asked = []
    for name, kind in types.items():
        first, last = FIGURES[kind]
        quoted = f"`{name}`"
        asked += [f"string({figure})" for figure in (f"count({quoted})", first.format(quoted), last.format(quoted))]
    found = list(frame.selectExpr(*asked).first())
    return {name: [kind, *found[3 * i : 3 * i + 3]] for i, (name, kind) in enumerate(types.items())}


def said_by(attempt):
    """The message of what `attempt` raises; null where it does not."""
    try:
        attempt()
    except Exception as error:
        return str(error)
    return None


spark = session(sys.argv[1])
tables = sys.argv[2:]
# With the settings that Spark has by itself.
vectorised = said_by(lambda: spark.read.format("delta").load(tables[0]).collect())
page = sys.stdin.read()
scope = {"spark": spark}
exec(compile(page, "page", "exec"), scope)
shown = scope["bars"]
print(
    "\n"
    + json.dumps(
        {
            "vectorised": vectorised,
            "page": {"types": shown.dtypes, "first": str(shown.where("symbol = 'btcusdt'").orderBy("ts").first()["ts"]), "rows": shown.count()},
            "tables": {table: describe(spark, table) for table in tables},
        }
    )
)
spark.stop()
