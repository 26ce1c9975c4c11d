#!/usr/bin/env python3
"""Writes the small files in tests/data/parquet, which test_parquet_read reads.

    .venv/bin/python tests/data/make_parquet.py

Made with pyarrow; what they hold is in the tables below, and the tests know it.
"""
import decimal
import pathlib
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent / "parquet"


def flat():
    """40 rows in three row groups: dictionaries, nulls, pages of checksums, Snappy."""
    n = 40
    return pa.table({
        "id": pa.array(range(n), pa.int64()),
        "name": pa.array([None if i % 7 == 3 else f"n{i % 5}é" for i in range(n)]),
        "price": pa.array([decimal.Decimal(i * 125 - 300).scaleb(-2) for i in range(n)],
                          pa.decimal128(9, 2)),
        "at": pa.array([None if i % 4 == 0 else i * 1_000_001 for i in range(n)],
                       pa.timestamp("us", "UTC")),
        "flag": pa.array([None if i == 5 else i % 3 == 0 for i in range(n)]),
    }, pa.schema([pa.field("id", pa.int64(), nullable=False), ("name", pa.string()),
                  ("price", pa.decimal128(9, 2)), ("at", pa.timestamp("us", "UTC")),
                  ("flag", pa.bool_())]))


def nested():
    """Lists, structs and maps with every kind of emptiness; pages of version 2, Zstandard."""
    point = pa.struct([pa.field("x", pa.int32(), nullable=False), ("tags", pa.list_(pa.string()))])
    return pa.table({
        "l": pa.array([[1, None, 3], [], None, [4]], pa.list_(pa.int32())),
        "s": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}, {"a": 2, "b": "y"}],
                      pa.struct([("a", pa.int64()), ("b", pa.string())])),
        "m": pa.array([[("k", 1), ("l", None)], None, [], [("m", 3)]],
                      pa.map_(pa.string(), pa.int64())),
        "p": pa.array([[{"x": 1, "tags": ["a", "b"]}, None], None, [{"x": 2, "tags": None}],
                       [{"x": 3, "tags": []}, {"x": 4, "tags": [None]}]], pa.list_(point)),
    })


def types():
    """Types that need ARROW:schema or a conversion; no dictionaries; gzip."""
    us = [0, 86_400_000_000, None]
    return pa.table({
        "i8": pa.array([-128, 127, None], pa.int8()),
        "u16": pa.array([0, 65535, None], pa.uint16()),
        "u64": pa.array([0, 2**64 - 1, None], pa.uint64()),
        "f2": pa.array([0.5, -2.0, None], pa.float16()),
        "d38": pa.array([decimal.Decimal("-1." + "9" * 10), decimal.Decimal(10), None],
                        pa.decimal128(38, 10)),
        "d76": pa.array([decimal.Decimal("-7"), decimal.Decimal(10) ** 60, None],
                        pa.decimal256(70, 5)),
        "t": pa.array([1, 86_399_999, None], pa.time32("ms")),
        "z": pa.array(us, pa.timestamp("us", "Europe/Paris")),
        "dur": pa.array(us, pa.duration("us")),
        "u": pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2).bytes, None], pa.uuid()),
        "big": pa.array(["a", "", None], pa.large_string()),
        "delta": pa.array(["apple", "apricot", None]),
        "pair": pa.array([[1, 2], None, [3, None]], pa.list_(pa.int32(), 2)),
        "none": pa.nulls(3),
        "fixed": pa.array([{"a": [1, 2]}, None, {"a": [3, None]}], pa.struct(
            [pa.field("a", pa.list_(pa.int32(), 2), nullable=False)])),
    })


def main():
    HERE.mkdir(exist_ok=True)
    pq.write_table(flat(), HERE / "flat.parquet", compression="snappy", row_group_size=15,
                   write_page_checksum=True, store_schema=False, write_statistics=False)
    pq.write_table(nested(), HERE / "nested.parquet", compression="zstd", data_page_version="2.0",
                   store_schema=False, write_statistics=False)
    pq.write_table(types(), HERE / "types.parquet", compression="gzip", use_dictionary=False,
                   column_encoding={"u64": "DELTA_BINARY_PACKED", "f2": "BYTE_STREAM_SPLIT",
                                    "big": "DELTA_LENGTH_BYTE_ARRAY", "delta": "DELTA_BYTE_ARRAY"},
                   write_statistics=False)


if __name__ == "__main__":
    main()
