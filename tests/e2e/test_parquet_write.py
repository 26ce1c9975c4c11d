"""Parquet that leat writes: read back by pyarrow, DuckDB, hyparquet and parquet-wasm, and looked at
byte by byte by parquet_walk.py."""
import datetime
import decimal
import json
import math
import pathlib
import random
import shutil
import subprocess
import uuid

import duckdb
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from conftest import ROOT, needed
from parquet_walk import check_file

SEED = 20261121
ROWS = 3000
DAY_US = 86_400_000_000
RLE_DICTIONARY, PLAIN = 8, 0


# --- tables -----------------------------------------------------------------------------------


def make_text(rng, i):
    """Empty, short, long, and long with characters of several bytes at the place of the cut."""
    kind = i % 9
    if kind == 0:
        return ""
    if kind == 1:
        return "x" * 63 + "é" + str(rng.randrange(9))
    if kind == 2:
        return "\U0010ffff" * 15 + "\U0001f600" * 2 + str(i)
    if kind == 3:
        return "grün \U0001f600 " * rng.randrange(1, 12)
    return f"value {rng.randrange(100_000)}"


FLOATS = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.5]


def makers(rng):
    """Column name to (type, value of row i)."""
    day = datetime.date(1970, 1, 1)
    def digits(n, scale):
        def value(i):
            if i % 11 < 2:
                number = (10 ** n - 1) * (1 - i % 11 * 2)
            else:
                number = rng.randrange(-10 ** n + 1, 10 ** n)
            with decimal.localcontext() as context:
                context.prec = 80
                return decimal.Decimal(number).scaleb(-scale)
        return value

    def whole(low, high):
        return lambda i: (low, high)[i % 7] if i % 7 < 2 else rng.randint(low, high)

    made = {
        "null": (pa.null(), lambda i: None),
        "bool": (pa.bool_(), lambda i: rng.random() < 0.3),
        "float16": (pa.float16(), lambda i: FLOATS[i % 7] if i % 7 != 5 else i % 100 / 4),
        "float32": (pa.float32(), lambda i: FLOATS[i % 7] if i < 2000 else rng.randrange(99) / 8),
        "float64": (pa.float64(), lambda i: FLOATS[i % 7] if i < 2000 else rng.random()),
        "zeros": (pa.float64(), lambda i: (0.0, -0.0)[i % 2]),
        "utf8": (pa.string(), lambda i: make_text(rng, i)),
        "large_utf8": (pa.large_string(), lambda i: make_text(rng, i)),
        "word": (pa.string(), lambda i: rng.choice(["one", "two", "three", "", "ü"])),
        "binary": (pa.binary(), lambda i: bytes([i % 256]) * rng.randrange(5)),
        "large_binary": (pa.large_binary(), lambda i: b"\xff" * rng.randrange(4)),
        "bytes_ff": (pa.binary(), lambda i: b"a\xff" * 40 + bytes([rng.randrange(256)])),
        "fixed": (pa.binary(5), lambda i: bytes([i % 251, 0, 255, 1, 2])),
        "date32": (pa.date32(), lambda i: day + datetime.timedelta(rng.randrange(-9999, 9999))),
        "date64": (pa.date64(), lambda i: day + datetime.timedelta(rng.randrange(-9999, 9999))),
        "decimal9": (pa.decimal128(9, 2), digits(9, 2)),
        "decimal18": (pa.decimal128(18, 18), digits(18, 18)),
        "decimal19": (pa.decimal128(19, 0), digits(19, 0)),
        "decimal38": (pa.decimal128(38, 10), digits(38, 10)),
        "decimal76": (pa.decimal256(76, 0), digits(76, 0)),
        "decimal256_9": (pa.decimal256(9, 2), digits(9, 2)),
        "decimal32": (pa.decimal32(7, 2), digits(7, 2)),
        "decimal64": (pa.decimal64(15, 2), digits(15, 2)),
        "ascending": (pa.int64(), lambda i: i // 3),
        "descending": (pa.int32(), lambda i: -i),
        "all_null": (pa.string(), lambda i: None),
    }
    for bits in (8, 16, 32, 64):
        made[f"int{bits}"] = (getattr(pa, f"int{bits}")(), whole(-2 ** (bits - 1), 2 ** (bits - 1) - 1))
        made[f"uint{bits}"] = (getattr(pa, f"uint{bits}")(), whole(0, 2 ** bits - 1))
    for unit, per_second in (("s", 1), ("ms", 10 ** 3), ("us", 10 ** 6), ("ns", 10 ** 9)):
        time = pa.time32(unit) if per_second < 10 ** 6 else pa.time64(unit)
        made[f"time_{unit}"] = (time, whole(0, 86400 * per_second - 1))
        made[f"timestamp_{unit}"] = (pa.timestamp(unit), whole(-2 ** 31 * per_second, 2 ** 32 * per_second))
        made[f"timestamptz_{unit}"] = (pa.timestamp(unit, "Europe/Berlin"), whole(0, 2 ** 31 * per_second))
        made[f"duration_{unit}"] = (pa.duration(unit), whole(-10 ** 9, 10 ** 9))
    return made


def fill(type_, make, rows, nulls=True):
    values = [None if nulls and i % 13 == 5 else make(i) for i in range(rows)]
    if pa.types.is_float16(type_):
        return pa.array(values, pa.float32()).cast(type_)
    return pa.array(values, type_)


def flat_table(rows=ROWS, seed=SEED):
    rng = random.Random(seed)
    columns = {name: fill(type_, make, rows) for name, (type_, make) in makers(rng).items()}
    table = pa.table(columns)
    required = pa.array([rng.randrange(50) for _ in range(rows)], pa.int64())
    table = table.append_column(pa.field("required", pa.int64(), nullable=False), required)
    text = pa.array([f"r{rng.randrange(9)}" for _ in range(rows)])
    return table.append_column(pa.field("required_text", pa.string(), nullable=False), text)


def nested_table(rows=3000, seed=SEED):
    rng = random.Random(seed)

    def some(make, n=5):
        return [None if rng.random() < 0.2 else make() for _ in range(rng.randrange(n))]

    def number():
        return rng.randrange(-40, 40)

    def word():
        return rng.choice(["", "a", "bb", "something longer " * 9])

    made = {
        "list": (pa.list_(pa.int32()), lambda i: some(number)),
        "list_text": (pa.list_(pa.string()), lambda i: some(word, 40 if i % 50 == 0 else 3)),
        "large_list": (pa.large_list(pa.string()), lambda i: some(word)),
        "fixed_list": (pa.list_(pa.int16(), 3), lambda i: [number(), None, number()]),
        "list_of_lists": (pa.list_(pa.list_(pa.bool_())), lambda i: some(lambda: some(lambda: True))),
        "three_deep": (pa.list_(pa.list_(pa.list_(pa.int64()))),
                       lambda i: some(lambda: some(lambda: some(number)))),
        "struct": (pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
                   lambda i: {"a": number(), "b": rng.choice([None, some(word)])}),
        "structs": (pa.list_(pa.struct([("x", pa.float64()), ("y", pa.struct([("z", pa.string())]))])),
                    lambda i: some(lambda: {"x": number() / 4, "y": rng.choice([None, {"z": word()}])})),
        "map": (pa.map_(pa.string(), pa.int32()),
                lambda i: [(str(k), rng.choice([None, k])) for k in range(rng.randrange(4))]),
        "map_of_lists": (pa.map_(pa.int64(), pa.list_(pa.decimal128(20, 2))),
                         lambda i: [(k, some(lambda: decimal.Decimal(number()))) for k in range(2)]),
        "list_uint8": (pa.list_(pa.uint8()), lambda i: [b % 256 for b in range(rng.randrange(9))]),
        "list_null": (pa.list_(pa.null()), lambda i: [None] * rng.randrange(3)),
        "struct_of_map": (pa.struct([("m", pa.map_(pa.string(), pa.struct([("v", pa.date32())])))]),
                          lambda i: {"m": [("k", {"v": datetime.date(2024, 2, 29)})] * (i % 2)}),
    }
    return pa.table({name: fill(type_, make, rows) for name, (type_, make) in made.items()})


def write_arrow(path, table, batch_rows=1700):
    """As a file of several batches, an empty one among them."""
    with ipc.new_file(str(path), table.schema) as writer:
        for at, batch in enumerate(table.to_batches(max_chunksize=batch_rows)):
            writer.write_batch(batch)
            if not at:
                writer.write_batch(batch.slice(0, 0))
    return path


def parquet_type(type_):
    """What a type of Arrow is once it went through Parquet with ARROW:schema."""
    seconds = "s" == getattr(type_, "unit", "")
    if pa.types.is_date64(type_):
        return pa.date32()
    if pa.types.is_time32(type_):
        return pa.time32("ms")
    if pa.types.is_timestamp(type_) and seconds:
        return pa.timestamp("ms", type_.tz)
    return type_


def key_of(value):
    """NaN equals NaN and zeros have signs."""
    return struct_bits(value) if isinstance(value, float) else value


def struct_bits(value):
    return "nan" if math.isnan(value) else (value, math.copysign(1, value))


def same_table(got, want):
    assert got.column_names == want.column_names
    assert got.num_rows == want.num_rows
    for field in want.schema:
        type_ = got.schema.field(field.name).type
        # Rust's reader gives the zone's name up where the file has milliseconds for seconds.
        utc = pa.timestamp("ms", "UTC") if field.type == pa.timestamp("s", "Europe/Berlin") else None
        assert type_ in (field.type, parquet_type(field.type), utc), field.name
        assert got.schema.field(field.name).nullable == field.nullable
        column = want[field.name].cast(type_) if type_ != field.type else want[field.name]
        if pa.types.is_floating(type_):
            assert list(map(key_of, got[field.name].to_pylist())) == list(
                map(key_of, column.to_pylist())), field.name
        else:
            assert got[field.name].combine_chunks().equals(column.combine_chunks()), field.name


def copy(leat, tmp_path, table, *options, name="out.parquet"):
    source = write_arrow(tmp_path / "in.arrow", table)
    leat.ok("cp", source, tmp_path / name, "--replace", *options)
    return tmp_path / name


def read(path):
    return pq.read_table(path, page_checksum_verification=True)


# --- every type, codec, encoding ----------------------------------------------------------------


VARIANTS = {
    "default": [],
    "v2": ["--data-page-version=2"],
    "plain": ["--dictionary=false"],
    "v2-plain-uncompressed": ["--data-page-version=2", "--dictionary=false", "--compression=none"],
    "modern": ["--parquet-encoding=modern", "--dictionary=false"],
    "modern-v2-dictionary": ["--parquet-encoding=modern", "--data-page-version=2"],
    "delta": ["--parquet-encoding=delta", "--dictionary=false", "--compression=none"],
    "delta-byte-array": ["--parquet-encoding=delta-byte-array", "--dictionary=false"],
    "byte-stream-split": ["--parquet-encoding=byte-stream-split", "--dictionary=false"],
    "small": ["--row-group-size=64KiB", "--page-size=2KiB"],
    "small-v2": ["--row-group-size=64KiB", "--page-size=2KiB", "--data-page-version=2"],
    "small-modern": ["--row-group-size=100KiB", "--page-size=1KiB", "--parquet-encoding=modern"],
    **{codec: [f"--compression={codec}"] for codec in ("snappy", "gzip", "brotli", "lz4", "none")},
    "zstd-19": ["--compression=zstd", "--compression-level=19"],
    "gzip-v2": ["--compression=gzip", "--data-page-version=2", "--compression-level=1"],
    "snappy-v2": ["--compression=snappy", "--data-page-version=2"],
    "brotli-v2-small": ["--compression=brotli", "--data-page-version=2", "--page-size=2KiB"],
    "lz4-v2": ["--compression=lz4", "--data-page-version=2"],
}
TABLES = {"flat": flat_table(), "nested": nested_table()}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_type_is_read_as_it_was(leat, tmp_path, table, variant):
    want = TABLES[table]
    path = copy(leat, tmp_path, want, *VARIANTS[variant])
    same_table(read(path), want)
    file = check_file(path)
    if "row-group-size" in str(VARIANTS[variant]):
        assert len(file.meta[4]) > (3 if table == "flat" else 1)
    if "page-size=" in str(VARIANTS[variant]):
        assert all(len(pages) > len(file.meta[4]) for path, pages in file.seen.items()
                   if path in {("utf8",), ("list_text", "list", "element")})


@pytest.mark.parametrize("variant", ["default", "v2", "modern", "modern-v2-dictionary", "small-v2",
                                     "snappy", "gzip", "brotli", "lz4"])
@pytest.mark.parametrize("table", TABLES)
def test_duckdb_reads_the_same(leat, tmp_path, table, variant):
    want = TABLES[table]
    path = copy(leat, tmp_path, want, *VARIANTS[variant])
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        got = connection.sql(f"from read_parquet('{path}')").to_arrow_table()
    for field in want.schema:
        duck_same(field, got[field.name], want[field.name])


def duck_same(field, got, want):
    """One column; what DuckDB has no type for comes as the nearest it has."""
    type_ = field.type
    if field.name == "list_null":
        assert got.null_count == want.null_count
    elif pa.types.is_null(type_):
        assert got.null_count == len(want)
    elif pa.types.is_duration(type_):
        assert got.equals(want.cast(pa.int64())), field.name
    elif pa.types.is_decimal(type_) and type_.precision > 38:
        assert got.is_null().equals(want.is_null())
        assert got.drop_null().to_pylist() == pytest.approx(
            [float(v) for v in want.drop_null().to_pylist()], rel=1e-14)
    elif pa.types.is_timestamp(type_):
        assert (got.type.tz is not None) == (type_.tz is not None)
        wanted = want.cast(pa.timestamp(got.type.unit, type_.tz))
        assert got.cast(pa.int64()).equals(wanted.cast(pa.int64())), field.name
    elif pa.types.is_time(type_):
        assert got.cast(pa.int64()).equals(want.cast(got.type).cast(pa.int64())), field.name
    elif pa.types.is_floating(type_):
        assert list(map(key_of, got.to_pylist())) == list(map(key_of, want.to_pylist())), field.name
    else:
        assert got.to_pylist() == want.to_pylist(), field.name


DUCK_TYPES = {
    "bool": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER",
    "int64": "BIGINT", "uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER",
    "uint64": "UBIGINT", "float16": "FLOAT", "float32": "FLOAT", "float64": "DOUBLE",
    "utf8": "VARCHAR", "large_utf8": "VARCHAR", "binary": "BLOB", "fixed": "BLOB",
    "date32": "DATE", "date64": "DATE", "decimal9": "DECIMAL(9,2)", "decimal18": "DECIMAL(18,18)",
    "decimal19": "DECIMAL(19,0)", "decimal38": "DECIMAL(38,10)", "decimal32": "DECIMAL(7,2)",
    "decimal64": "DECIMAL(15,2)", "time_s": "TIME", "time_ms": "TIME", "time_us": "TIME",
    "timestamp_s": "TIMESTAMP", "timestamp_ms": "TIMESTAMP", "timestamp_us": "TIMESTAMP",
    "timestamp_ns": "TIMESTAMP_NS", "timestamptz_ms": "TIMESTAMP WITH TIME ZONE",
    "timestamptz_us": "TIMESTAMP WITH TIME ZONE", "duration_us": "BIGINT", "word": "VARCHAR",
    "list": "INTEGER[]", "large_list": "VARCHAR[]", "fixed_list": "SMALLINT[]",
    "list_of_lists": "BOOLEAN[][]", "struct": "STRUCT(a BIGINT, b VARCHAR[])",
    "map": "MAP(VARCHAR, INTEGER)", "map_of_lists": "MAP(BIGINT, DECIMAL(20,2)[])",
}


def test_duckdb_sees_the_types_that_were_meant(leat, tmp_path):
    seen = {}
    for name, table in TABLES.items():
        path = copy(leat, tmp_path, table, name=f"{name}.parquet")
        seen.update((row[0], row[1]) for row in
                    duckdb.sql(f"describe from read_parquet('{path}')").fetchall())
    assert {name: seen[name] for name in DUCK_TYPES} == DUCK_TYPES


def test_annotations_are_those_of_the_specification(leat, tmp_path):
    """Old readers know converted types only, new ones want logical types: both are there."""
    path = copy(leat, tmp_path, TABLES["flat"])
    logical = {leaf.path[0]: (leaf.type, leaf.element.get(6), leaf.element.get(10))
               for leaf in check_file(path).leaves}
    boolean, int32, int64, flba, array = 0, 1, 2, 7, 6
    unit = {"ms": 1, "us": 2, "ns": 3}
    assert logical["bool"] == (boolean, None, None)
    assert logical["int32"] == (int32, None, None)
    assert logical["int64"] == (int64, None, None)
    assert logical["int16"] == (int32, 16, {10: {1: 16, 2: True}})
    assert logical["uint64"] == (int64, 14, {10: {1: 64, 2: False}})
    assert logical["utf8"] == (array, 0, {1: {}})
    assert logical["binary"] == (array, None, None)
    assert logical["decimal9"] == (int32, 5, {5: {1: 2, 2: 9}})
    assert logical["decimal18"] == (int64, 5, {5: {1: 18, 2: 18}})
    assert logical["decimal19"] == (flba, 5, {5: {1: 0, 2: 19}})
    assert logical["decimal256_9"] == (int32, 5, {5: {1: 2, 2: 9}})
    assert logical["date64"] == (int32, 6, {6: {}})
    assert logical["null"] == (int32, None, {11: {}})
    assert logical["float16"] == (flba, None, {15: {}})
    assert logical["time_us"] == (int64, None, {7: {1: False, 2: {unit["us"]: {}}}})
    assert logical["timestamp_us"] == (int64, None, {8: {1: False, 2: {unit["us"]: {}}}})
    assert logical["timestamptz_us"] == (int64, 10, {8: {1: True, 2: {unit["us"]: {}}}})
    assert logical["timestamptz_s"] == (int64, 9, {8: {1: True, 2: {unit["ms"]: {}}}})
    assert logical["timestamptz_ns"] == (int64, None, {8: {1: True, 2: {unit["ns"]: {}}}})
    widths = {leaf.path[0]: leaf.width for leaf in check_file(path).leaves if leaf.type == flba}
    assert {n: widths[n] for n in ("float16", "fixed", "decimal19", "decimal38", "decimal76")} == {
        "float16": 2, "fixed": 5, "decimal19": 9, "decimal38": 16, "decimal76": 32}


# --- meanings beside the storage ------------------------------------------------------------------


def meaning_table():
    ids = [uuid.UUID(int=i * 7919) for i in range(50)]
    interval = [None if i % 9 == 1 else pa.MonthDayNano([i, -i, i * 1_000_000]) for i in range(50)]
    numeric = pa.field("n", pa.string(), metadata={"leat.numeric": "1", "leat.comment": "ünits"})
    table = pa.table({
        "u": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([i.bytes for i in ids], pa.binary(16))),
        "j": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}'] * 50)),
        "i": pa.array(interval),
        "li": pa.array([[x, None] for x in interval], pa.list_(pa.month_day_nano_interval())),
    })
    return table.append_column(numeric, pa.array(["1.50", "NaN"] * 25)), ids


def test_uuid_json_numeric_and_metadata_come_back(leat, tmp_path):
    table, ids = meaning_table()
    path = copy(leat, tmp_path, table)
    got = read(path)
    assert got.schema.field("u").type == pa.uuid() and got["u"].to_pylist() == ids
    assert got.schema.field("j").type == pa.json_() and got["j"].to_pylist() == ['{"a": 1}'] * 50
    assert got.schema.field("n").metadata[b"leat.numeric"] == b"1"
    assert got.schema.field("n").metadata[b"leat.comment"] == "ünits".encode()
    leaves = {leaf.path[0]: leaf for leaf in check_file(path).leaves}
    assert leaves["u"].width == 16 and leaves["u"].element[10] == {14: {}}
    assert leaves["j"].element[10] == {1: {}}, "STRING is what most readers take"
    assert duckdb.sql(f"select u from '{path}'").fetchall()[3][0] == ids[3]
    path = copy(leat, tmp_path, table, "--parquet-json=json")
    leaves = {leaf.path[0]: leaf for leaf in check_file(path).leaves}
    assert leaves["j"].element[10] == {12: {}} and leaves["j"].element[6] == 19
    assert duckdb.sql(f"select j.a from '{path}' limit 1").fetchall()[0][0] in (1, "1")


def test_intervals_are_text_that_says_what_it_was(leat, tmp_path):
    table, _ = meaning_table()
    got = read(copy(leat, tmp_path, table))
    assert got["i"].to_pylist()[:3] == ["PT0S", None, "P2M-2DT0.002S"]
    assert got["li"].to_pylist()[2] == ["P2M-2DT0.002S", None]
    assert got.schema.field("i").metadata[b"leat.source_type"] == b"arrow:interval"


def test_int96_only_when_asked(leat, tmp_path):
    values = [0, -1, 1, 1_700_000_000_123_456_789, -2_208_988_800_000_000_000, None]
    table = pa.table({"ns": pa.array(values, pa.timestamp("ns")),
                      "us": pa.array([v and v // 1000 for v in values], pa.timestamp("us")),
                      "s": pa.array([v and v // 10 ** 9 for v in values], pa.timestamp("s", "UTC"))})
    path = copy(leat, tmp_path, table, "--parquet-timestamps=int96")
    assert {leaf.type for leaf in check_file(path).leaves} == {3}
    got = pq.read_table(path)
    for name in table.column_names:
        want = table[name].cast(pa.timestamp("ns", table[name].type.tz)).cast(pa.int64())
        assert got[name].cast(pa.int64()).to_pylist() == want.to_pylist()
    assert {leaf.type for leaf in check_file(copy(leat, tmp_path, table)).leaves} == {2}


# --- dictionaries, pages, groups ------------------------------------------------------------------


def encodings(file, name):
    return [page.encoding for page in file.seen[name,]]


def test_dictionaries_are_used_while_they_pay(leat, tmp_path):
    rng = random.Random(SEED)
    n = 120_000
    late = [f"{i % 100:040d}" for i in range(40_000)] + [f"{rng.random():.38f}" for _ in range(80_000)]
    table = pa.table({
        "repeats": pa.array([f"w{rng.randrange(900)}" for _ in range(n)]),
        "unique": pa.array(range(n)),
        "unique_text": pa.array([f"{i:020d}" for i in range(n)]),
        "repeats_then_not": pa.array(late),
        "halves": pa.array([rng.randrange(300) / 2 for _ in range(n)]),
        "uuid_like": pa.array([rng.randrange(70).to_bytes(16, "big") for _ in range(n)], pa.binary(16)),
    })
    path = copy(leat, tmp_path, table, "--compression=none")
    assert read(path).equals(table)
    file = check_file(path)
    for name in ("repeats", "halves", "uuid_like"):
        assert set(encodings(file, name)) == {RLE_DICTIONARY}, name
    for name in ("unique", "unique_text"):
        assert set(encodings(file, name)) == {PLAIN}, name
    late = encodings(file, "repeats_then_not")
    assert late[0] == RLE_DICTIONARY and late[-1] == PLAIN and late == sorted(late, reverse=True)
    assert duckdb.sql(f"select count(distinct unique_text), count(distinct repeats_then_not) "
                      f"from '{path}'").fetchall() == [(n, len(set(table["repeats_then_not"].to_pylist())))]


def test_a_full_dictionary_does_not_spell_out_what_it_stood_for(leat, tmp_path):
    """A thousand times 300 kB, then values that fill the dictionary: 300 MB must not be held."""
    big = "x" * 300_000
    n = 1000
    chunks = [pa.chunked_array([pa.array([big] * 20)] * (n // 20)).combine_chunks()]
    many = pa.array([f"{i:0600d}" for i in range(2000)])
    table = pa.table({"t": pa.chunked_array([*chunks, many])})
    source = write_arrow(tmp_path / "in.arrow", table, batch_rows=20)
    peak = leat.peak_kib("cp", source, tmp_path / "out.parquet")
    assert peak < 96 * 1024
    assert read(tmp_path / "out.parquet").equals(table.combine_chunks())
    found = encodings(check_file(tmp_path / "out.parquet"), "t")
    assert found[0] == RLE_DICTIONARY and found[-1] == PLAIN


def test_pages_and_groups_end_where_they_were_told_to(leat, tmp_path):
    n = 100_000
    table = pa.table({"a": pa.array(range(n)), "b": pa.array([i % 5 for i in range(n)])})
    path = copy(leat, tmp_path, table, "--row-group-size=400KiB", "--page-size=16KiB",
                "--dictionary=false", "--compression=none")
    file = check_file(path)
    assert read(path).equals(table)
    assert all(page.header[2] <= 17 * 1024 for page in file.seen["a",])
    sizes = [group[2] for group in file.meta[4]]
    assert all(390 * 1024 < size < 480 * 1024 for size in sizes[:-1]) and len(sizes) == 4
    file = check_file(copy(leat, tmp_path, table))
    assert len(file.meta[4]) == 1 and len(file.seen["a",]) == 5, "20,000 rows a page at most"


def test_indexes_of_a_long_file_lie_between_its_groups(leat, tmp_path):
    """What is kept of row groups until the footer has a bound: then their indexes are written."""
    n = 65_000
    columns = [pa.array([(i * k) % 97 for i in range(n)], pa.int8()) for k in range(1, 9)]
    table = pa.table({f"c{i}": columns[i % 8] for i in range(136)})
    path = copy(leat, tmp_path, table, "--row-group-size=1")
    file = check_file(path)
    groups = file.meta[4]
    assert len(groups) > 100 and read(path).equals(table)
    assert groups[0][1][0][4] < groups[-1][5], "the first group's indexes, before the last group"
    assert duckdb.sql(f"select sum(c0), sum(c135) from '{path}' where c1 = 5").fetchall() == [
        tuple(sum(v for v, key in zip(table[name].to_pylist(), table["c1"].to_pylist()) if key == 5)
              for name in ("c0", "c135"))]


def test_large_values_have_pages_of_their_own(leat, tmp_path):
    big = [bytes([i]) * 3_000_000 for i in range(5)] + [None, b""]
    table = pa.table({"b": pa.array(big, pa.binary()), "l": pa.array([[x] for x in big], pa.list_(pa.binary()))})
    path = copy(leat, tmp_path, table, "--dictionary=false")
    assert read(path).equals(table)
    assert len(check_file(path).seen["b",]) >= 5


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_or_none(leat, tmp_path, rows):
    for name, table in TABLES.items():
        table = table.slice(0, rows)
        path = copy(leat, tmp_path, table, name=f"{name}.parquet")
        same_table(read(path), table)
        file = check_file(path)
        assert len(file.meta[4]) == rows
        assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(rows,)]


def test_sliced_and_encoded_input(leat, tmp_path):
    """Dictionaries and views, and batches that begin anywhere."""
    words = ["", "a", "something longer than twelve bytes", None, "ÿ"]
    text = [words[i % 5] for i in range(4000)]
    table = pa.table({
        "d": pa.array(text).dictionary_encode(),
        "v": pa.array(text, pa.string_view()),
        "bv": pa.array([t and t.encode() for t in text], pa.binary_view()),
        "dl": pa.array([[t, None] for t in text], pa.list_(pa.string_view())),
        "n": pa.array([[i, None] for i in range(4000)], pa.list_(pa.int64())),
    }).slice(7, 3001)
    path = copy(leat, tmp_path, table)
    got = read(path)
    for name in table.column_names:
        assert got[name].to_pylist() == table[name].to_pylist(), name
    check_file(path)


# --- what is refused ------------------------------------------------------------------------------


REFUSED = {
    "names that differ in case": (pa.table({"id": [1], "ID": [2]}), "duplicate-column", "--rename"),
    "a struct without members": (pa.table({"s": pa.array([{}], pa.struct([]))}), "unsupported-type",
                                 "struct without members"),
    "binary of no bytes": (pa.table({"b": pa.array([b""], pa.binary(0))}), "unsupported-type", "binary(0)"),
    "a negative scale": (pa.table({"d": pa.array([decimal.Decimal(100)], pa.decimal128(5, -2))}),
                         "unsupported-type", "scale"),
    "seconds past what milliseconds hold": (pa.table({"t": pa.array([1, 2 ** 60], pa.timestamp("s"))}),
                                            "value-range", "row 2"),
    "24:00:00": (pa.table({"t": pa.array([None, DAY_US - 1, DAY_US], pa.time64("us"))}),
                 "value-range", "row 3"),
    "half a day as a date": (pa.table({"d": pa.Array.from_buffers(
        pa.date64(), 1, [None, pa.py_buffer((43_200_000).to_bytes(8, "little"))])}),
                             "value-range", "row 1"),
    "too many digits": (pa.table({"d": pa.Array.from_buffers(
        pa.decimal128(5, 2), 1, [None, pa.py_buffer((100_000).to_bytes(16, "little"))])}),
                        "value-range", "precision"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refuses(leat, tmp_path, what):
    table, code, word = REFUSED[what]
    source = write_arrow(tmp_path / "in.arrow", table)
    done = leat("cp", source, tmp_path / "out.parquet")
    assert done.returncode != 0 and f"[{code}]" in done.stderr and word in done.stderr, done.stderr
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("options,word", [
    (["--compression=lzo"], "compression"), (["--compression-level=23"], "1 to 22"),
    (["--compression=snappy", "--compression-level=1"], "no levels"),
    (["--data-page-version=3"], "1|2"), (["--page-size=0"], "page-size"),
    (["--page-size=1GiB"], "page-size"), (["--row-group-size=0"], "row-group-size"),
    (["--parquet-encoding=rle"], "parquet-encoding")])
def test_refuses_options(leat, tmp_path, options, word):
    source = write_arrow(tmp_path / "in.arrow", pa.table({"a": [1]}))
    done = leat("cp", source, tmp_path / "out.parquet", *options)
    assert done.returncode != 0 and word in done.stderr, done.stderr


# --- readers of other languages ---------------------------------------------------------------------


def node_reader(reader, path, *arguments):
    modules = ROOT / "build" / "node_modules"
    if not shutil.which("node") or not (modules / ".version").exists():
        needed("node, or its readers, are missing: run tools/setup test")
    script = pathlib.Path(__file__).parent / "read_parquet.mjs"
    done = subprocess.run(["node", script, modules, reader, path, *arguments], capture_output=True,
                          text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def from_json(value):
    """What read_parquet.mjs wrote, as Python has it."""
    if isinstance(value, list):
        return [from_json(v) for v in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"int"}:
        return int(value["int"])
    if value.keys() == {"float"}:
        return float(value["float"].replace("Infinity", "inf"))
    if value.keys() == {"hex"}:
        return bytes.fromhex(value["hex"])
    if value.keys() == {"date"}:
        return value["date"]
    return {key: from_json(inner) for key, inner in value.items()}


def for_json(type_, value):
    if value is None:
        return None
    if pa.types.is_map(type_):
        return {str(key): for_json(type_.item_type, inner) for key, inner in value}
    if pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        return [for_json(type_.value_type, inner) for inner in value]
    if pa.types.is_struct(type_):
        return {field.name: for_json(field.type, value[field.name]) for field in type_}
    if pa.types.is_date(type_):
        return value.isoformat() + "T00:00:00.000Z"
    if pa.types.is_timestamp(type_):
        moment = value.astimezone(datetime.timezone.utc) if value.tzinfo else value
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    if pa.types.is_decimal(type_):
        return float(value)
    return value


# What JavaScript's numbers and dates hold exactly, and hyparquet does not show as text.
JS_COLUMNS = ["null", "bool", "float32", "float64", "utf8", "large_utf8", "word", "fixed", "date32",
              "decimal9", "int8", "int16", "int32", "int64", "uint8", "uint16", "ascending",
              "descending", "all_null", "timestamp_s", "timestamp_ms", "timestamptz_ms", "required",
              "duration_us"]
JS_NESTED = ["list", "list_text", "large_list", "fixed_list", "list_of_lists", "three_deep",
             "struct", "structs", "map", "list_uint8"]


@pytest.mark.parametrize("variant", ["default", "v2", "snappy", "gzip", "brotli", "lz4", "modern",
                                     "small-v2"])
@pytest.mark.parametrize("table,columns", [("flat", JS_COLUMNS), ("nested", JS_NESTED)])
def test_hyparquet_reads_the_same(leat, tmp_path, table, columns, variant):
    want = TABLES[table].select(columns)
    path = copy(leat, tmp_path, want, *VARIANTS[variant])
    rows = [from_json(json.loads(line)) for line in node_reader("hyparquet", path).splitlines()]
    assert len(rows) == want.num_rows
    for field in want.schema:
        column = want[field.name]
        if pa.types.is_duration(field.type):
            column = column.cast(pa.int64())
        values = [for_json(field.type, v) for v in column.to_pylist()]
        got = [row[field.name] for row in rows]
        if pa.types.is_floating(field.type):
            # JSON writes -0 as 0.
            values = [v and ("nan" if math.isnan(v) else v) for v in values]
            got = [v and ("nan" if math.isnan(v) else v) for v in got]
        if pa.types.is_decimal(field.type):
            assert got == pytest.approx(values), field.name
        else:
            assert got == values, field.name


@pytest.mark.parametrize("variant", ["default", "v2", "snappy", "gzip", "brotli", "lz4", "modern",
                                     "modern-v2-dictionary", "delta-byte-array", "small",
                                     "small-v2"])
@pytest.mark.parametrize("table", TABLES)
def test_parquet_wasm_reads_the_same(leat, tmp_path, table, variant):
    """The Rust implementation; what it gives is Arrow, which pyarrow compares."""
    want = TABLES[table]
    path = copy(leat, tmp_path, want, *VARIANTS[variant])
    node_reader("parquet-wasm", path, tmp_path / "out.arrows")
    with ipc.open_stream(str(tmp_path / "out.arrows")) as stream:
        same_table(stream.read_all(), want)
