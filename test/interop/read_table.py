"""Reads tables as other programs would and prints what they hold as one JSON document.

usage: read_table.py FOLDER...   one entry per folder; a 64-bit value is decimal text, a float is its hex, NULL is null
"""
import json
import sys

import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
from deltalake import DeltaTable


def text(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return value.hex()
    return str(value)


def describe(folder):
    table = DeltaTable(folder)
    # deltalake resolves the log, PyArrow reads the parts it names.
    rows = table.to_pyarrow_table().sort_by("ts_ns")
    dataset = table.to_pyarrow_dataset()
    parts = [uri.removeprefix("file://") for uri in table.file_uris()]
    return {
        "version": table.version(),
        "name": table.metadata().name,
        "partitions": table.metadata().partition_columns,
        "types": {field.name: str(field.type) for field in rows.schema},
        "parts": parts,
        "partRows": sum(pyarrow.parquet.read_metadata(part).num_rows for part in parts),
        "rows": [{name: text(value) for name, value in row.items()} for row in rows.to_pylist()],
        "sums": {name: str(pyarrow.compute.sum(rows[name].cast(pyarrow.decimal128(38, 0))).as_py()) for name in ("ts_ns", "seq")},
        "nulls": {name: rows[name].null_count for name in rows.column_names},
        # Found one by one through the bounds in the log, which have to be exact for it.
        "found": sum(dataset.count_rows(filter=pyarrow.dataset.field("ts_ns") == value) for value in rows["ts_ns"].to_pylist()),
        "runs": [entry.get("run") for entry in table.history()],
    }


print(json.dumps([describe(folder) for folder in sys.argv[1:]]))
