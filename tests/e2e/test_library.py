"""libleat in another language, without a wheel: streams by the C interface, types, casts, formats.

The library is loaded with ctypes; what it gives is read by pyarrow and DuckDB, and pushed into it
is what pyarrow makes.
"""
import ctypes
import datetime
import decimal
import errno
import json

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from library import Library, LeatError, Stream

ROWS = 5000


@pytest.fixture
def lib():
    library = Library()
    yield library
    library.close()


@pytest.fixture(scope="module")
def table():
    """Some of every common type, in several batches, with nulls."""
    n = range(ROWS)
    return pa.table({
        "id": pa.array(n, pa.int64()),
        "name": pa.array([None if i % 7 == 0 else f"näme {i}" for i in n], pa.string()),
        "price": pa.array([decimal.Decimal(i).scaleb(-2) for i in n], pa.decimal128(12, 2)),
        "day": pa.array([datetime.date(2024, 1, 1) + datetime.timedelta(i) for i in n]),
        "at": pa.array([datetime.datetime(2024, 1, 1) + datetime.timedelta(0, i, i) for i in n],
                       pa.timestamp("us")),
        "ratio": pa.array([None if i % 11 == 0 else i / 8 for i in n], pa.float64()),
        "good": pa.array([i % 3 == 0 for i in n], pa.bool_())})


@pytest.fixture
def stored(lib, table, tmp_path, request):
    """A location of each kind that holds the table, written by pushing the stream into leat."""
    kind = request.param
    if kind == "postgres":
        database = request.getfixturevalue("pg_db")
        place = database.stream("things")
    else:
        place = {"sqlite": f"sqlite:{tmp_path}/a.db#things", "csv": tmp_path / "things.csv",
                 "csv.gz": tmp_path / "things.csv.gz", "arrow": tmp_path / "things.arrow",
                 "arrows": tmp_path / "things.arrows",
                 "jsonl": tmp_path / "things.jsonl",
                 "parquet": tmp_path / "things.parquet"}[kind]
    report = json.loads(lib.load(table, place))
    assert report["streams"][0]["committed"] and report["streams"][0]["rows_written"] == ROWS
    return place


KINDS = ["postgres", "sqlite", "csv", "csv.gz", "jsonl", "arrow", "arrows", "parquet"]
CASTS = "name=utf8,price=decimal(12,2),day=date,at=timestamp,ratio=float64"


READERS = {"arrow": lambda data: pa.ipc.open_file(pa.py_buffer(data)).read_all(),
           "arrows": lambda data: pa.ipc.open_stream(pa.py_buffer(data)).read_all(),
           "parquet": lambda data: pyarrow.parquet.read_table(pa.BufferReader(data))}


def same(found, table):
    assert found.column_names == table.column_names
    assert found.num_rows == table.num_rows
    assert found.sort_by("id").to_pylist() == table.to_pylist()


@pytest.mark.parametrize("stored", KINDS, indirect=True)
def test_a_stream_is_read_by_pyarrow(lib, stored, table):
    stream = lib.read(stored, cast=CASTS)
    found = stream.table()
    assert stream.released  # moved into pyarrow, and released there
    stream.keep.free()
    same(found, table)
    assert found.schema.field("price").type == pa.decimal128(12, 2)


@pytest.mark.parametrize("stored", KINDS, indirect=True)
def test_a_stream_is_taken_by_duckdb_as_it_is(lib, stored, table):
    stream = lib.read(stored, cast=CASTS)
    found = duckdb.connect().execute(
        "select count(*), sum(id), count(name), sum(price), max(day), count(ratio) from stream"
    ).fetchone()
    stream.keep.free()
    price = sum(decimal.Decimal(i).scaleb(-2) for i in range(ROWS))
    assert found == (ROWS, sum(range(ROWS)), table["name"].length() - table["name"].null_count,
                     price, datetime.date(2024, 1, 1) + datetime.timedelta(ROWS - 1),
                     ROWS - table["ratio"].null_count)


def test_a_stream_is_released_before_its_end_and_its_batches_live_on(lib, table, tmp_path):
    lib.write_file(table, tmp_path / "t.arrow")
    stream = lib.read(tmp_path / "t.arrow")
    reader = stream.reader()
    first = reader.read_next_batch()
    del reader
    stream.keep.free()
    assert first.to_pylist() == table.slice(0, first.num_rows).to_pylist()
    unread = lib.read(tmp_path / "t.arrow")
    unread.release()
    assert unread.released
    unread.keep.free()


def test_a_fault_on_the_way_is_told_by_get_last_error(lib, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("id\n" + "1\n" * 30000 + "x\n", encoding="utf-8")
    stream = lib.read(path)
    with pytest.raises(pa.ArrowInvalid, match=r"\[value-syntax\] .*bad\.csv:30002"):
        stream.table()
    stream.keep.free()


def test_faults_at_once_have_code_place_and_remedy(lib, tmp_path):
    with pytest.raises(LeatError) as failed:
        lib.read(tmp_path / "none.csv")
    assert failed.value.code == "not-found"
    with pytest.raises(LeatError, match="did you mean --columns") as failed:
        lib.read_file(tmp_path / "none.csv", colums="a")
    assert failed.value.code == "unknown-option"
    with pytest.raises(LeatError) as failed:
        lib.read_file(tmp_path / "none.csv", format_="cvs")
    assert failed.value.code == "unknown-scheme"
    with pytest.raises(LeatError) as failed:
        lib.read_file(tmp_path / "none.csv", format_="postgres")
    assert failed.value.code == "unknown-scheme"


def test_types_have_names_both_ways(lib):
    for name in ("int64", "decimal(12,2)", "timestamp(ns)", "timestamptz", "uuid", "json",
                 "list<struct<a: int8, \"b c\": utf8>>", "map<utf8, float64>", "binary(4)"):
        assert lib.type_name(lib.type(name)) == name
    assert lib.type_name(lib.type("bigint")) == "int64"
    with pytest.raises(LeatError, match="int64"):
        lib.type("itn64")


def test_casts_have_the_kind_of_the_documentation(lib):
    assert lib.cast_kind("int32", "int32") == "same"
    assert lib.cast_kind("int32", "int64") == "safe"
    assert lib.cast_kind("int64", "int32") == "checked"
    assert lib.cast_kind("utf8", "date") == "checked"
    assert lib.cast_kind("date", "int32") == "refused"


def test_a_stream_is_cast_by_column_names(lib):
    source = pa.table({"a": pa.array([1, 2, None, 300], pa.int64()), "b": ["1", "2", "3", "4"],
                       "left_out": [1, 2, 3, 4]})
    wanted = pa.schema([("b", pa.int16()), ("a", pa.int8())])
    stream = lib.cast_stream(source, wanted, null=True)
    assert stream.table().to_pydict() == {"b": [1, 2, 3, 4], "a": [1, 2, None, None]}
    assert stream.released
    stream = lib.cast_stream(source, wanted)
    with pytest.raises(pa.ArrowInvalid, match=r'\[value-range\] row 4: column "a"'):
        stream.table()
    with pytest.raises(LeatError) as failed:
        lib.cast_stream(source, pa.schema([("nope", pa.int8())]))
    assert failed.value.code == "column-mismatch"
    with pytest.raises(LeatError) as failed:
        lib.cast_stream(source, pa.schema([("a", pa.date32())]))
    assert failed.value.code == "cast"


def test_a_lost_value_stays_an_error_where_the_column_takes_no_null(lib):
    source = pa.table({"a": pa.array([1, 300], pa.int64())})
    stream = lib.cast_stream(source, pa.schema([pa.field("a", pa.int8(), nullable=False)]), True)
    with pytest.raises(pa.ArrowInvalid, match="value-range"):
        stream.table()


def test_formats_are_listed_with_options_and_types(lib):
    formats = {f.name.decode(): f for f in lib.formats()}
    assert {"csv", "jsonl", "arrow", "arrows", "parquet"} <= set(formats)
    csv = formats["csv"]
    assert csv.summary and csv.extensions[0] == b"csv" and not csv.binary
    options, i = [], 0
    while csv.read_options[i].name:
        options.append(csv.read_options[i].name.decode())
        i += 1
    assert {"delimiter", "null"} <= set(options)
    for format_ in formats.values():
        assert format_.types_in[0].canonical and format_.types_out[0].canonical


@pytest.mark.parametrize("format_", ["csv", "jsonl", "arrow", "arrows", "parquet"])
def test_bytes_are_written_and_read_without_a_file(lib, table, format_):
    data = lib.write_bytes(table, format_)
    same(lib.read_bytes(data, format_, cast=CASTS).table(), table)
    same(lib.read_bytes(data, cast=CASTS).table(), table)  # known by its first bytes
    if format_ in READERS:
        same(READERS[format_](data), table)


def test_options_of_formats_and_plans_go_along(lib):
    source = pa.table({"a": [1, 2], "b": ["x", None]})
    assert lib.write_bytes(source, "csv", delimiter=";", null="-", header="no") == b"1;x\n2;-\n"
    found = lib.read_bytes(b"a;b\n1;x\n2;y\n", "csv", columns="b", rename="b=c", limit=1).table()
    assert found.to_pydict() == {"c": ["x"]}


def test_compressed_bytes_are_known_by_themselves(lib):
    data = lib.write_bytes(pa.table({"a": [1, 2]}), "csv", compression="gzip")
    assert data[:2] == b"\x1f\x8b"
    assert lib.read_bytes(data).table().to_pydict() == {"a": [1, 2]}


def test_what_the_program_does_not_take_is_an_error(lib, table):
    with pytest.raises(LeatError) as failed:
        lib.write_bytes(table, "csv", write=lambda *_: errno.ENOSPC)
    assert failed.value.code == "no-space"


def test_files_are_written_whole_or_not_at_all(lib, table, tmp_path):
    path = tmp_path / "a#b c.csv"  # taken as it is
    lib.write_file(table, path)
    same(lib.read_file(path, cast=CASTS).table(), table)

    def batches():
        yield table.to_batches()[0]
        raise ValueError("half way")

    with pytest.raises(LeatError, match="half way"):
        lib.write_file(pa.RecordBatchReader.from_batches(table.schema, batches()),
                       tmp_path / "half.csv")
    assert not (tmp_path / "half.csv").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_batches_that_break_their_schema_are_not_believed(lib):
    """Offsets that go back, as a faulty program may make them."""
    offsets = pa.py_buffer(b"\0\0\0\0\5\0\0\0\3\0\0\0")
    bad = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abcdef")])
    broken = pa.table({"a": bad})
    with pytest.raises(LeatError):
        lib.write_bytes(broken, "csv")


def test_a_capsule_that_nobody_took_leaves_the_stream_to_its_owner(lib, tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n", encoding="utf-8")
    stream = lib.read_file(tmp_path / "t.csv")
    assert isinstance(stream, Stream)
    capsule = stream.__arrow_c_stream__()
    del capsule
    assert not stream.released
    assert stream.table().to_pydict() == {"a": [1]}
    assert stream.released
    assert ctypes.sizeof(stream.struct) == 5 * ctypes.sizeof(ctypes.c_void_p)
