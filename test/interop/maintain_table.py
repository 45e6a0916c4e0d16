"""Does to tables what other programs do, with deltalake.

A line of stdin is `FOLDER<tab>OPERATION OPERATION …`; the answer is a line of JSON: {"rows": n}, as its own engine counts them
then, or {"error": text}.
"""
import datetime
import json
import os
import sys

import pyarrow
import pyarrow.compute
from deltalake import DeltaTable, Field, QueryBuilder, write_deltalake
from deltalake.schema import PrimitiveType


def log_files(folder):
    log = os.path.join(folder, "_delta_log")
    return [os.path.join(log, name) for name in sorted(os.listdir(log)) if name.endswith(".json") and name != "_last_checkpoint"]


def clean_log(folder, kept=1):
    """As a program does whose retention is over: the newest checkpoint stays, and the last versions."""
    DeltaTable(folder).create_checkpoint()
    files = log_files(folder)
    for file in files[: len(files) - kept]:
        os.unlink(file)


def drop_hint(folder):
    os.unlink(os.path.join(folder, "_delta_log", "_last_checkpoint"))


def rows(folder):
    return DeltaTable(folder).to_pyarrow_table()


def a_day_later(folder):
    """Rows of the day behind the last one."""
    table = rows(folder).slice(0, 3)
    last = pyarrow.compute.max(rows(folder)["ts_ns"]).as_py()
    times = pyarrow.array([last + 3_600_000_000_000] * 3)
    table = table.set_column(table.schema.get_field_index("ts_ns"), table.schema.field("ts_ns"), times)
    date = datetime.date(2024, 3, 5)
    return table.set_column(table.schema.get_field_index("date"), table.schema.field("date"), pyarrow.array([date] * 3))


OPERATIONS = {
    "compact": lambda folder: DeltaTable(folder).optimize.compact(),
    "z-order": lambda folder: DeltaTable(folder).optimize.z_order(["price"]),
    "delete-rows": lambda folder: DeltaTable(folder).delete("price < 103"),
    "delete-day": lambda folder: DeltaTable(folder).delete("date = '2024-03-01'"),
    "delete-all": lambda folder: DeltaTable(folder).delete(),
    "update": lambda folder: DeltaTable(folder).update(predicate="price = 103", updates={"price": "1.5"}),
    "merge": lambda folder: DeltaTable(folder)
    .merge(rows(folder).slice(0, 3), "s.ts_ns = t.ts_ns AND s.date = t.date", source_alias="s", target_alias="t")
    .when_matched_delete()
    .execute(),
    "overwrite": lambda folder: write_deltalake(folder, rows(folder), mode="overwrite"),
    "append": lambda folder: write_deltalake(folder, rows(folder).slice(0, 2), mode="append"),
    "append-later": lambda folder: write_deltalake(folder, a_day_later(folder), mode="append"),
    "vacuum": lambda folder: DeltaTable(folder).vacuum(0, dry_run=False, enforce_retention_duration=False),
    "restore": lambda folder: DeltaTable(folder).restore(0),
    "add-column": lambda folder: DeltaTable(folder).alter.add_columns([Field("note", PrimitiveType("string"), nullable=True)]),
    "add-decimal": lambda folder: DeltaTable(folder).alter.add_columns([Field("fee", PrimitiveType("decimal(10,2)"), nullable=True)]),
    "append-column": lambda folder: write_deltalake(
        folder,
        rows(folder).slice(0, 1).append_column("note", pyarrow.array(["x"])),
        mode="append",
        schema_mode="merge",
    ),
    "append-only": lambda folder: DeltaTable(folder).alter.set_table_properties({"delta.appendOnly": "true"}),
    "change-feed": lambda folder: DeltaTable(folder).alter.set_table_properties({"delta.enableChangeDataFeed": "true"}),
    "constraint": lambda folder: DeltaTable(folder).alter.add_constraint({"positive": "price > 0"}),
    "rename": lambda folder: DeltaTable(folder).alter.set_table_name("other"),
    "checkpoint": lambda folder: DeltaTable(folder).create_checkpoint(),
    "clean-log": clean_log,
    "clean-log-whole": lambda folder: clean_log(folder, 0),
    "drop-hint": drop_hint,
    "count": lambda folder: None,
}


def answer(folder, operations):
    try:
        for operation in operations:
            OPERATIONS[operation](folder)
        batches = QueryBuilder().register("t", DeltaTable(folder)).execute("SELECT count(*) AS n FROM t").read_all()
        return {"rows": int(batches.column("n")[0].as_py())}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    folder, operations = line.rstrip("\n").split("\t")
    print(json.dumps(answer(folder, operations.split())), flush=True)
