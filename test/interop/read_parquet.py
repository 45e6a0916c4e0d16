"""Reads Parquet files and Delta tables with engines of different make and prints what each finds as one JSON document.

usage: read_parquet.py FILE_OR_TABLE...   {engine: {path: rows}}, those of tables by `ts_ns`; rows as lists of values in order of the columns. An integer is decimal
text, a time its microseconds, a float the hex of its bits (NaN: "nan"), NULL null. What an engine says of a file that it
cannot read is text in place of the rows.
"""
import datetime
import json
import math
import os
import struct
import sys

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value).hex()
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    return str(value)


def of_arrow(table):
    return [list(row) for row in zip(*([text(value) for value in column.to_pylist()] for column in table.columns))]


def pyarrow_whole(path):
    import pyarrow.parquet

    return of_arrow(pyarrow.parquet.read_table(path))


def pyarrow_dataset(path):
    import pyarrow.dataset

    return of_arrow(pyarrow.dataset.dataset(path).to_table())


def datafusion(path):
    import datafusion
    import pyarrow

    frame = datafusion.SessionContext().read_parquet(path)
    return of_arrow(pyarrow.Table.from_batches(frame.collect(), schema=frame.schema()))


def arro3(path):
    # Rust's Parquet crate without a query engine around it.
    import arro3.io
    import pyarrow

    return of_arrow(pyarrow.table(arro3.io.read_parquet(path).read_all()))


def polars_whole(path):
    import polars

    return of_arrow(polars.read_parquet(path).to_arrow())


def polars_streaming(path):
    import polars

    return of_arrow(polars.scan_parquet(path).collect(engine="streaming").to_arrow())


def deltalake_engine(folder):
    import pyarrow
    from deltalake import DeltaTable, QueryBuilder

    return of_arrow(pyarrow.table(QueryBuilder().register("t", DeltaTable(folder)).execute("SELECT * FROM t ORDER BY ts_ns").read_all()))


def deltalake_rewritten(folder):
    """Every row read and written by deltalake: a merge that changes nothing, then all parts of a partition in one."""
    import shutil
    import tempfile

    from deltalake import DeltaTable

    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        rows = DeltaTable(copy).to_pyarrow_table()
        merge = DeltaTable(copy).merge(rows, "s.ts_ns = t.ts_ns", source_alias="s", target_alias="t")
        merge.when_matched_update_all().execute()
        DeltaTable(copy).update(updates={"row": "row"})
        DeltaTable(copy).delete("row < 0")
        DeltaTable(copy).optimize.compact()
        DeltaTable(copy).optimize.z_order(["seq"])
        return deltalake_engine(copy)


def polars_delta(folder):
    import polars

    return of_arrow(polars.scan_delta(folder).sort("ts_ns").collect(engine="streaming").to_arrow())


FILE_ENGINES = [pyarrow_whole, pyarrow_dataset, datafusion, arro3, polars_whole, polars_streaming]
TABLE_ENGINES = [deltalake_engine, deltalake_rewritten, polars_delta]


def attempt(engine, path):
    try:
        return engine(path)
    except ImportError:
        raise
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


files = [path for path in sys.argv[1:] if not os.path.isdir(path)]
tables = [path for path in sys.argv[1:] if os.path.isdir(path)]
found = {engine.__name__: {path: attempt(engine, path) for path in files} for engine in FILE_ENGINES}
found |= {engine.__name__: {path: attempt(engine, path) for path in tables} for engine in TABLE_ENGINES}
print(json.dumps(found))
