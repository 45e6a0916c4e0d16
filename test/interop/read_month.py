"""Counts the rows of one symbol and month of a Delta table with engines of different make, and prints what each finds and how long it took.

usage: read_month.py FOLDER SYMBOL FIRST_DATE LAST_DATE   {engine: {"rows": n, "price": sum, "seconds": s}}, or {"error": text}
"""
import datetime
import json
import sys
import time


def deltalake_engine(folder, symbol, first, last):
    from deltalake import DeltaTable, QueryBuilder

    where = f"symbol = '{symbol}' AND date BETWEEN '{first}' AND '{last}'"
    batches = QueryBuilder().register("t", DeltaTable(folder)).execute(f"SELECT count(*) AS n, sum(price) AS p FROM t WHERE {where}").read_all()
    return int(batches.column("n")[0].as_py()), batches.column("p")[0].as_py()


def parts(folder, symbol, first, last):
    from deltalake import DeltaTable

    return DeltaTable(folder).file_uris(file_pruning_predicate=f"symbol = '{symbol}' AND date BETWEEN '{first}' AND '{last}'")


def pyarrow_dataset(folder, symbol, first, last):
    import pyarrow
    import pyarrow.compute
    import pyarrow.dataset

    field = pyarrow.dataset.field
    folders = pyarrow.dataset.partitioning(pyarrow.schema({"venue": pyarrow.string(), "symbol": pyarrow.string()}), flavor="hive")
    dataset = pyarrow.dataset.dataset(parts(folder, symbol, first, last), partitioning=folders)
    rows = dataset.to_table(columns=["price"], filter=(field("date") >= day(first)) & (field("date") <= day(last)))
    return rows.num_rows, pyarrow.compute.sum(rows["price"]).as_py()


def polars_delta(folder, symbol, first, last):
    import polars

    column = polars.col
    frame = polars.scan_delta(folder).filter(column("symbol") == symbol, column("date").is_between(day(first), day(last)))
    return priced(frame)


def polars_parts(folder, symbol, first, last):
    import polars

    frame = polars.scan_parquet(parts(folder, symbol, first, last), hive_schema={"venue": polars.String, "symbol": polars.String})
    return priced(frame.filter(polars.col("date").is_between(day(first), day(last))))


def priced(frame):
    import polars

    column = polars.col
    row = frame.select(polars.len().alias("n"), column("price").sum()).collect()
    return row["n"][0], row["price"][0]


def day(text):
    return datetime.date.fromisoformat(text)


def attempt(engine, arguments):
    started = time.perf_counter()
    try:
        rows, price = engine(*arguments)
        return {"rows": rows, "price": price, "seconds": round(time.perf_counter() - started, 2)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


print(json.dumps({engine.__name__: attempt(engine, sys.argv[1:]) for engine in [deltalake_engine, pyarrow_dataset, polars_parts, polars_delta]}))
