"""Parquet files of random shape, written by pyarrow in every way it has, read by leat.

What pyarrow wrote and what leat gave out as Arrow must be the same table: types, nulls, nesting.

LEAT_PROPERTY is the number of cases, LEAT_PROPERTY_SEED the first seed (a failure names its own).
"""
import datetime
import decimal
import os
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CASES = int(os.environ.get("LEAT_PROPERTY", "40"))
SEED = int(os.environ.get("LEAT_PROPERTY_SEED", "20261121"))

FLAT = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
        pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(),
        pa.large_string(), pa.binary(), pa.large_binary(), pa.binary(1), pa.binary(16),
        pa.decimal128(7, 1), pa.decimal128(18, 3), pa.decimal128(38, 10), pa.decimal256(76, 5),
        pa.date32(), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.timestamp("ms"),
        pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ns", "UTC"), pa.duration("us"),
        pa.null()]
ENCODINGS = {pa.int32(): ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
             pa.int64(): ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
             pa.float32(): ["BYTE_STREAM_SPLIT"], pa.float64(): ["BYTE_STREAM_SPLIT"],
             pa.string(): ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
             pa.bool_(): ["RLE"], pa.binary(16): ["DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"]}


def random_field(rng, name, depth):
    type_ = random_type(rng, depth)
    return pa.field(name, type_, nullable=pa.types.is_null(type_) or rng.random() < 0.7)


def random_type(rng, depth):
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(FLAT)
    shape = rng.choice(["list", "large_list", "fixed_list", "struct", "map"])
    if shape == "struct":
        return pa.struct([random_field(rng, f"m{i}", depth - 1) for i in range(rng.randint(1, 3))])
    item = random_field(rng, "item", depth - 1)
    if pa.types.is_null(item.type):  # which pyarrow cannot write into lists
        item = pa.field("item", pa.int32())
    if shape == "map":
        return pa.map_(pa.string(), pa.field("value", item.type))
    return (pa.list_(item, 2) if shape == "fixed_list"
            else pa.list_(item) if shape == "list" else pa.large_list(item))


class Values:
    """Makes values: how many are null, and from how many each is chosen, is one choice a column."""

    def __init__(self, rng):
        self.rng = rng
        self.nulls = rng.choice([0, 0.05, 0.5, 1])
        self.spread = rng.choice([2, 50, 10**9])

    def number(self):
        return self.rng.randint(-self.spread, self.spread)

    def integer(self, type_):
        bits = type_.bit_width
        low, high = ((-(1 << bits - 1), (1 << bits - 1) - 1)
                     if pa.types.is_signed_integer(type_) else (0, (1 << bits) - 1))
        if self.rng.random() < 0.1:
            return self.rng.choice([low, high])
        return max(low, min(high, self.number()))

    def field(self, field):
        if field.nullable and self.rng.random() < self.nulls:
            return None
        return self.value(field.type)

    def nested(self, type_):
        rng = self.rng
        if pa.types.is_map(type_):
            return [(f"k{i}", self.field(type_.item_field)) for i in range(rng.choice([0, 1, 3]))]
        if pa.types.is_struct(type_):
            return {field.name: self.field(field) for field in type_}
        n = type_.list_size if pa.types.is_fixed_size_list(type_) else rng.choice([0, 0, 1, 2, 9])
        return [self.field(type_.value_field) for _ in range(n)]

    def value(self, type_):
        rng = self.rng
        if pa.types.is_null(type_):
            return None
        if pa.types.is_nested(type_):
            return self.nested(type_)
        if pa.types.is_boolean(type_):
            return rng.random() < 0.5
        if pa.types.is_integer(type_):
            return self.integer(type_)
        if pa.types.is_floating(type_):
            return rng.randint(-self.spread % 100 - 1, 100) / 4
        if pa.types.is_string(type_) or pa.types.is_large_string(type_):
            return rng.choice(["", "ä€", "x" * rng.randint(0, 40)]) + str(self.number())
        if pa.types.is_fixed_size_binary(type_):
            return bytes(rng.randint(0, min(255, self.spread)) for _ in range(type_.byte_width))
        if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
            return bytes([rng.randint(0, 255)]) * rng.randint(0, 9)
        if pa.types.is_decimal(type_):
            most = min(10**type_.precision - 1, self.spread**8)
            return decimal.Decimal(rng.randint(-most, most)).scaleb(
                -type_.scale, decimal.Context(prec=80))
        if pa.types.is_date(type_):
            return datetime.date(1970, 1, 1) + datetime.timedelta(days=rng.randint(-9999, 99999))
        if pa.types.is_time(type_):
            return datetime.time(rng.randint(0, 23), rng.randint(0, 59), 3, 5000)
        return rng.randint(-10**9, 10**9) * 1000  # timestamps and durations


def random_table(rng):
    rows = rng.choice([0, 1, 7, 300, 3000])
    fields = [random_field(rng, f"c{i}", rng.choice([0, 0, 1, 3])) for i in range(rng.randint(1, 6))]
    columns = []
    for field in fields:
        values = Values(rng)
        columns.append(pa.array([values.field(field) for _ in range(rows)], field.type))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def random_ways(rng, table):
    ways = {"compression": rng.choice(["none", "snappy", "zstd", "gzip", "brotli", "lz4"]),
            "data_page_version": rng.choice(["1.0", "2.0"]),
            "data_page_size": rng.choice([100, 1000, 1 << 20]),
            "row_group_size": rng.choice([max(1, table.num_rows // 7), 1000, 10**6]),
            "write_batch_size": rng.choice([3, 64, 1024]),
            "write_page_checksum": rng.random() < 0.5,
            "use_dictionary": rng.random() < 0.5}
    if rng.random() < 0.3:
        ways["dictionary_pagesize_limit"] = 200  # so that pages without it follow
    if not ways["use_dictionary"]:
        ways["column_encoding"] = {field.name: rng.choice(ENCODINGS[field.type])
                                   for field in table.schema if field.type in ENCODINGS}
    return ways


@pytest.mark.parametrize("seed", range(SEED, SEED + CASES))
def test_file_written_by_pyarrow_arrives_as_the_table_it_was(leat, tmp_path, seed):
    rng = random.Random(seed)
    table = random_table(rng)
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, **random_ways(rng, table))
    memory = ["--memory", "9MiB"] if rng.random() < 0.5 else []
    leat.ok("cp", path, tmp_path / "t.arrow", *memory)
    got = pa.ipc.open_file(tmp_path / "t.arrow").read_all()
    got.validate(full=True)
    assert got.schema.types == table.schema.types
    assert got.equals(table), f"seed {seed}"


def test_row_groups_and_columns_are_read_alone(leat, tmp_path):
    table = pa.table({"a": range(100), "b": [str(i) for i in range(100)]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=10)
    leat.ok("cp", tmp_path / "t.parquet", tmp_path / "t.arrow", "--row-groups", "0,3-4",
            "--columns", "b")
    got = pa.ipc.open_file(tmp_path / "t.arrow").read_all()
    assert got.column_names == ["b"]
    assert got.column("b").to_pylist() == [str(i) for i in [*range(10), *range(30, 50)]]


def test_int96_is_never_silently_wrong(leat, tmp_path):
    """pyarrow writes INT96; year 9999 is past nanoseconds, and nanoseconds are past microseconds."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"t": pa.array([datetime.datetime(9999, 12, 31)],
                                           pa.timestamp("us"))}), path,
                   use_deprecated_int96_timestamps=True)
    leat.ok("cp", path, tmp_path / "us.arrow")
    got = pa.ipc.open_file(tmp_path / "us.arrow").read_all().column("t")
    assert got.type == pa.timestamp("us")
    leat.fails(1, "value-range", "cp", path, tmp_path / "ns.arrow", "--int96-unit", "ns")
    pq.write_table(pa.table({"t": pa.array([1], pa.timestamp("ns"))}), path,
                   use_deprecated_int96_timestamps=True)
    leat.fails(1, "value-range", "cp", path, tmp_path / "us.arrow")
    leat.ok("cp", path, tmp_path / "ns.arrow", "--int96-unit", "ns")
    got = pa.ipc.open_file(tmp_path / "ns.arrow").read_all().column("t")
    assert got.cast(pa.int64()).to_pylist() == [1]
