"""Does to a table what other programs do, with deltalake.

usage: maintain_table.py FOLDER OPERATION...   prints the rows of the table as its own engine counts them
"""
import json
import os
import sys

import pyarrow
from deltalake import DeltaTable, Field, QueryBuilder, write_deltalake
from deltalake.schema import PrimitiveType


def log_files(folder):
    log = os.path.join(folder, "_delta_log")
    return [os.path.join(log, name) for name in sorted(os.listdir(log)) if name.endswith(".json") and name != "_last_checkpoint"]


def clean_log(folder):
    """As a program does whose retention is over: only the newest checkpoint and what follows it stay."""
    DeltaTable(folder).create_checkpoint()
    for file in log_files(folder):
        os.unlink(file)


def drop_hint(folder):
    os.unlink(os.path.join(folder, "_delta_log", "_last_checkpoint"))


def rows(folder):
    return DeltaTable(folder).to_pyarrow_table()


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
    "drop-hint": drop_hint,
    "count": lambda folder: None,
}

folder, *operations = sys.argv[1:]
for operation in operations:
    OPERATIONS[operation](folder)
batches = QueryBuilder().register("t", DeltaTable(folder)).execute("SELECT count(*) AS n FROM t").read_all()
print(json.dumps(int(batches.column("n")[0].as_py())))
