"""Random tables that pyarrow writes as Parquet, in every way it can: leat reads what pyarrow reads.

LEAT_PROPERTY is the number of tables (times 10), LEAT_PROPERTY_SEED the first seed; a failure names
its own.
"""
import decimal
import os
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arrow_equal import compare

CASES = int(os.environ.get("LEAT_PROPERTY", "10"))
SEED = int(os.environ.get("LEAT_PROPERTY_SEED", "20240607"))
TABLES = 10
LETTERS = "abcxyz 0é漢\n\""

# Of each physical type, the encodings that it can have; pyarrow writes one of them for a column.
ENCODINGS = {
    "BOOLEAN": ["PLAIN", "RLE"],
    "INT32": ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "INT64": ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "FLOAT": ["PLAIN", "BYTE_STREAM_SPLIT"],
    "DOUBLE": ["PLAIN", "BYTE_STREAM_SPLIT"],
    "BYTE_ARRAY": ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    "FIXED_LEN_BYTE_ARRAY": ["PLAIN", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"],
}


class Draw:
    """Types and functions that draw their values, from one source of randomness."""

    def __init__(self, rnd):
        self.rnd = rnd

    def text(self):
        return "".join(self.rnd.choice(LETTERS)
                       for _ in range(self.rnd.choice([0, 1, 3, 8, 20, 70])))

    def whole(self, type_, low, high):
        near = (max(low, -5), min(high, 5))
        return type_, lambda: self.rnd.randrange(*self.rnd.choice([near, (low, high)]))

    def decimal(self, type_):
        top = 10 ** type_.precision
        return type_, lambda: decimal.Decimal(self.rnd.randrange(1 - top, top)).scaleb(
            -type_.scale, decimal.Context(prec=80))

    def one_of(self, type_, *values):
        return type_, lambda: self.rnd.choice(values)

    def scalar(self):
        ints = [(pa.int8(), 1 << 7), (pa.int16(), 1 << 15), (pa.int32(), 1 << 31),
                (pa.int64(), 1 << 63), (pa.date32(), 100000), (pa.timestamp("us"), 1 << 55),
                (pa.timestamp("ms", "UTC"), 1 << 50), (pa.timestamp("ns", "Europe/Oslo"), 1 << 62),
                (pa.duration("us"), 1 << 60)]
        naturals = [(pa.uint8(), 1 << 8), (pa.uint16(), 1 << 16), (pa.uint32(), 1 << 32),
                    (pa.uint64(), 1 << 64), (pa.time32("ms"), 86_400_000),
                    (pa.time64("us"), 86_400_000_000), (pa.time64("ns"), 86_400_000_000_000)]
        specials = (0.0, -0.0, 1.5, -1e300, float("nan"), float("inf"))
        decimals = [pa.decimal128(5, 2), pa.decimal128(18, 0), pa.decimal128(38, 10),
                    pa.decimal256(60, 3)]
        return self.rnd.choice([
            *[self.whole(type_, -top, top) for type_, top in ints],
            *[self.whole(type_, 0, top) for type_, top in naturals],
            *map(self.decimal, decimals),
            self.one_of(pa.bool_(), True, False),
            self.one_of(pa.float16(), 0.5, -2.0, 1.0),
            self.one_of(pa.float32(), *specials),
            self.one_of(pa.float64(), *specials, self.rnd.random()),
            (pa.string(), self.text), (pa.large_string(), self.text),
            (pa.binary(), lambda: self.text().encode()),
            (pa.binary(5), lambda: self.rnd.randbytes(5)),
        ])

    def value(self, depth):
        """A type of at most this depth, and what draws its values."""
        kind = self.rnd.random()
        if not depth or kind < 0.55:
            type_, draw = self.scalar()
            if self.rnd.random() < 0.5:  # few values, for dictionaries
                few = [draw() for _ in range(self.rnd.choice([1, 3, 50]))]
                return type_, lambda: self.rnd.choice(few)
            return type_, draw
        if kind < 0.72:
            field, draw = self.field("element", depth - 1)
            return pa.list_(field), lambda: [draw() for _ in range(self.rnd.choice([0, 1, 2, 5]))]
        if kind < 0.88:
            members = [self.field(f"f{i}", depth - 1) for i in range(self.rnd.randrange(1, 4))]
            return (pa.struct([field for field, _ in members]),
                    lambda: {field.name: draw() for field, draw in members})
        field, draw = self.field("value", depth - 1, nullable=True)
        return (pa.map_(pa.string(), field),
                lambda: [(self.text(), draw()) for _ in range(self.rnd.choice([0, 1, 3]))])

    def field(self, name, depth, nullable=None):
        type_, draw = self.value(depth)
        nullable = self.rnd.random() < 0.7 if nullable is None else nullable
        share = self.rnd.choice([0, 0.1, 0.9]) if nullable else 0
        return (pa.field(name, type_, nullable=nullable),
                lambda: None if self.rnd.random() < share else draw())

    def table(self):
        fields = [self.field(f"c{i}", self.rnd.choice([0, 0, 1, 2, 3]))
                  for i in range(self.rnd.randrange(1, 6))]
        rows = self.rnd.choice([0, 1, 7, 100, 1000, 3000])
        return pa.table([pa.array([draw() for _ in range(rows)], field.type)
                         for field, draw in fields], schema=pa.schema([f for f, _ in fields]))


def write(rnd, table, path):
    """One of the many ways to write it."""
    options = {
        "compression": rnd.choice(["none", "snappy", "gzip", "zstd", "brotli", "lz4"]),
        "data_page_version": rnd.choice(["1.0", "2.0"]),
        "data_page_size": rnd.choice([100, 5000, 1 << 20]),
        "row_group_size": rnd.choice([13, 500, 100000]),
        "write_batch_size": rnd.choice([1, 50, 1024]),
        "write_page_checksum": rnd.random() < 0.5,
        "write_page_index": rnd.random() < 0.5,
        "store_schema": rnd.random() < 0.5,
        "store_decimal_as_integer": rnd.random() < 0.5,
        "use_compliant_nested_type": rnd.random() < 0.8,
    }
    if rnd.random() < 0.5:
        options["dictionary_pagesize_limit"] = rnd.choice([64, 1 << 20])
    else:
        options["use_dictionary"] = False
        pq.write_table(table.slice(0, 0), path, **options)
        schema = pq.ParquetFile(path).schema
        options["column_encoding"] = {
            schema.column(i).path: rnd.choice(ENCODINGS[schema.column(i).physical_type])
            for i in range(len(schema))}
    pq.write_table(table, path, **options)
    return options


@pytest.mark.asan
@pytest.mark.parametrize("case", range(CASES))
def test_what_pyarrow_wrote_is_read_as_pyarrow_reads_it(leat, tmp_path, case):
    seed = SEED + case
    print(f"\nLEAT_PROPERTY=1 LEAT_PROPERTY_SEED={seed} shows this case again")
    rnd = random.Random(seed)
    for number in range(TABLES):
        source, target = tmp_path / f"{number}.parquet", tmp_path / f"{number}.arrow"
        print(number, write(rnd, Draw(rnd).table(), source))
        leat.ok("cp", source, target)
        with pa.OSFile(str(target)) as file:
            got = pa.ipc.open_file(file).read_all()
        got.validate(full=True)
        compare(got, pq.ParquetFile(source).read())
