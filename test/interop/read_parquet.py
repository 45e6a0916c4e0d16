"""Reads Parquet files with engines of different make and prints what each finds as one JSON document.

usage: read_parquet.py FILE...   {engine: {file: rows}}; rows as lists of values in order of the columns. An integer is decimal
text, a time its microseconds, a float the hex of its bits (NaN: "nan"), NULL null. What an engine says of a file that it
cannot read is text in place of the rows.
"""
import datetime
import json
import math
import struct
import sys

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value).hex()
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


def fastparquet(path):
    import fastparquet
    import pandas

    frame = fastparquet.ParquetFile(path, pandas_nulls=True).to_pandas()
    columns = []
    for name in frame.columns:
        values = frame[name]
        if str(values.dtype).startswith("datetime64"):
            columns.append([None if pandas.isna(value) else str(value.value // 1000) for value in values])
        elif str(values.dtype) == "float64":
            columns.append([text(float(value)) for value in values])
        else:
            columns.append([None if value is pandas.NA or value is None else text(value.item() if hasattr(value, "item") else value) for value in values])
    return [list(row) for row in zip(*columns)]


ENGINES = [pyarrow_whole, pyarrow_dataset, datafusion, arro3, polars_whole, polars_streaming, fastparquet]


def attempt(engine, path):
    try:
        return engine(path)
    except ImportError:
        raise
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


print(json.dumps({engine.__name__: {path: attempt(engine, path) for path in sys.argv[1:]} for engine in ENGINES}))
