"""Values that a file's own format or type cannot hold: --on-loss and --on-error skip reach them in
every format, when files are read and when they are written."""
import json
import struct

import pyarrow as pa
import pyarrow.parquet
import pytest

import readers

JSON = {b"ARROW:extension:name": b"arrow.json"}


def write_arrow(path, table):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path


def rows_of(path):
    table = (pa.ipc.open_file(str(path)).read_all() if path.suffix == ".arrow"
             else pyarrow.parquet.read_table(path))
    return table.to_pylist()


def lost(leat, *arguments):
    """How many values of each column a run with --on-loss null says to be lost."""
    path = leat.home / "report.json"
    leat.ok(*arguments, "--on-loss=null", f"--report={path}")
    result = json.loads(path.read_text(encoding="utf-8"))["streams"][0]
    return {loss["column"]: loss["values"] for loss in result["losses"]}


def set_aside(leat, tmp_path, *arguments):
    """The lines of the rejects file."""
    path = tmp_path / "rejects.jsonl"
    done = leat(*arguments, "--on-error=skip", f"--rejects={path}")
    assert done.returncode == 4, done.stderr
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- Parquet and Arrow, read --------------------------------------------------------------------

NOON = 1577880000000000000  # 2020-01-01 12:00 in nanoseconds


@pytest.fixture(params=[True, False], ids=["dictionary", "plain"])
def int96(request, tmp_path):
    """Row 3 has a part of a microsecond in each column, row 2000 in the list."""
    times = [NOON, None, NOON + 1] + [NOON + 1000 * i for i in range(3, 2000)]
    lists = [[NOON], [], [NOON, NOON + 1], None] + [[NOON] * (i % 3) for i in range(4, 1999)]
    lists.append([NOON, NOON + 7, NOON + 9])
    stamp = pa.timestamp("ns")
    table = pa.table({"id": range(1, 2001), "t": pa.array(times, stamp),
                      "l": pa.array(lists, pa.list_(stamp)),
                      "s": pa.array([{"x": t} for t in times], pa.struct([("x", stamp)]))})
    path = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(table, path, use_deprecated_int96_timestamps=True,
                                use_dictionary=request.param, data_page_size=1000,
                                row_group_size=700)
    return path


def micros(table):
    """The rows' timestamps as whole numbers of microseconds, what is below cut off."""
    stamp = pa.timestamp("us")
    types = {"t": stamp, "l": pa.list_(stamp), "s": pa.struct([("x", stamp)])}
    table = table.select(list(types)).cast(pa.schema(types.items()), safe=False)
    whole = pa.schema({"t": pa.int64(), "l": pa.list_(pa.int64()),
                       "s": pa.struct([("x", pa.int64())])}.items())
    return table.cast(whole).to_pylist()


@pytest.mark.asan
def test_parts_of_microseconds_in_int96(leat, int96, tmp_path):
    out = tmp_path / "out.arrow"
    done = leat.fails(1, "value-range", "cp", int96, out)
    assert 'column "t"' in done.stderr and "--int96-unit ns" in done.stderr
    assert lost(leat, "cp", int96, out) == {"t": 1, "l": 2, "s": 1}
    rows = rows_of(out)
    assert len(rows) == 2000
    assert rows[2] == {"id": 3, "t": None, "l": None, "s": None}
    assert rows[1] == {"id": 2, "t": None, "l": [], "s": {"x": None}} and rows[1999]["l"] is None
    whole = micros(pyarrow.parquet.read_table(int96))
    rows = micros(pa.ipc.open_file(str(out)).read_all())
    for i in set(range(2000)) - {2, 1999}:
        assert rows[i] == whole[i], i
    lines = set_aside(leat, tmp_path, "cp", int96, out, "--replace")
    assert [line["place"] for line in lines] == [
        f'{int96}: row 3, column "t"', f'{int96}: row 2000, column "l"']
    assert json.loads(lines[1]["record"])["id"] == 2000
    assert [row["id"] for row in rows_of(out)] == [i for i in range(1, 2001) if i not in (3, 2000)]


def broken_text(values):
    return pa.array(values, pa.binary()).view(pa.utf8())


@pytest.mark.parametrize("kind", ["arrow", "dictionary.arrow", "parquet"])
@pytest.mark.asan
def test_text_that_is_not_utf8_makes_its_record_a_bad_one(leat, tmp_path, kind):
    text = broken_text([b"x", b"\xf0\x90", b"z", b"v"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 2, 4]),
                                     broken_text([b"a", b"b", b"c", b"\xff"]))
    path = tmp_path / f"in.{kind}"
    columns = {"id": [1, 2, 3, 4], "t": text, "l": lists}
    if kind == "dictionary.arrow":
        columns["d"] = pa.DictionaryArray.from_arrays(pa.array([0, 0, 1, 0]),
                                                      broken_text([b"ok", b"\xc3"]))
    if kind == "parquet":
        pyarrow.parquet.write_table(pa.table(columns), path, store_schema=False)
    else:
        write_arrow(path, pa.table(columns))
    out = tmp_path / "out.jsonl"
    leat.fails(1, "invalid-utf8", "cp", path, out)
    leat.fails(1, "invalid-utf8", "cp", path, out, "--on-loss=null")  # no loss, but a bad record
    lines = set_aside(leat, tmp_path, "cp", path, out)
    bad = {2: "t", 4: "l"} | ({3: "d"} if kind == "dictionary.arrow" else {})
    assert [line["place"] for line in lines] == [f'{path}: row {row}, column "{bad[row]}"'
                                                 for row in sorted(bad)]
    kept = [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert kept == [row for row in (1, 2, 3, 4) if row not in bad]


# --- Parquet, written ---------------------------------------------------------------------------


@pytest.fixture
def odd_values(tmp_path):
    """Arrow holds times past midnight and decimals past their digits; Parquet does not."""
    times = pa.array([1, 86400000000, None, -1, 5], pa.int64()).view(pa.time64("us"))
    dates = pa.array([0, 86400000, 1, None, 86400000], pa.int64()).view(pa.date64())
    digits = b"".join(struct.pack("<qq", v, -(v < 0)) for v in (1, 999, 1000, -999, -1000))
    decimals = pa.Array.from_buffers(pa.decimal128(3, 0), 5, [None, pa.py_buffer(digits)])
    lists = pa.ListArray.from_arrays(
        pa.array([0, 1, 3, 3, 4, 5]),
        pa.array([1, 2, 86400000000, 3, 4], pa.int64()).view(pa.time64("us")))
    structs = pa.StructArray.from_arrays([decimals, pa.array([1, 2, 3, 4, 5])], ["d", "i"])
    return write_arrow(tmp_path / "in.arrow", pa.table(
        {"id": [1, 2, 3, 4, 5], "t": times, "d": dates, "n": decimals, "l": lists, "s": structs}))


@pytest.mark.asan
def test_what_parquet_cannot_hold(leat, odd_values, tmp_path):
    out = tmp_path / "out.parquet"
    leat.fails(1, "value-range", "cp", odd_values, out)
    assert lost(leat, "cp", odd_values, out, "--verify") == {"t": 2, "d": 1, "n": 2, "l": 1, "s": 2}
    rows = rows_of(out)
    nulls = {(row["id"], name) for row in rows for name in "tdnls" if row[name] is None}
    assert nulls == {(2, "t"), (2, "l"), (3, "t"), (3, "d"), (3, "n"), (3, "s"), (4, "t"),
                     (4, "d"), (5, "n"), (5, "s")}
    lines = set_aside(leat, tmp_path, "cp", odd_values, out, "--replace")
    assert [line["place"] for line in lines] == [
        'row 2, column "t"', 'row 3, column "d"', 'row 4, column "t"', 'row 5, column "n"']
    assert json.loads(lines[0]["record"])["t"] == "PT24H"  # as it was
    assert [row["id"] for row in rows_of(out)] == [1]
    leat.ok("cp", odd_values, out, "--on-loss=text", "--replace")
    assert [row["t"] for row in rows_of(out)] == [
        "00:00:00.000001", "PT24H", None, "PT-0.000001S", "00:00:00.000005"]


def test_rows_set_aside_by_a_writer_are_not_counted_as_written(leat, odd_values, tmp_path):
    path = leat.home / "report.json"
    leat("cp", odd_values, tmp_path / "out.parquet", "--on-error=skip",
         f"--rejects={tmp_path}/r.jsonl", f"--report={path}")
    result = json.loads(path.read_text(encoding="utf-8"))["streams"][0]
    assert (result["rows_read"], result["rows_written"], result["rows_rejected"]) == (5, 1, 4)


# --- text formats, read -------------------------------------------------------------------------

TEXTS = {"csv": "a,d\n1,2020-01-01\n900,infinity\n3,\n",
         "jsonl": '{"a":1,"d":"2020-01-01"}\n{"a":900,"d":"infinity"}\n{"a":3,"d":null}\n'}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("option", ["--types=a=int8,d=date", "--cast=a=int8,d=date"])
@pytest.mark.asan
def test_a_value_past_its_type_in_a_text_file(leat, tmp_path, kind, option):
    path, out = tmp_path / f"in.{kind}", tmp_path / "out.arrow"
    path.write_text(TEXTS[kind], encoding="utf-8")
    leat.fails(1, "value-range", "cp", path, out, option)
    assert lost(leat, "cp", path, out, option) == {"a": 1, "d": 1}
    assert [row["a"] for row in rows_of(out)] == [1, None, 3]
    if option.startswith("--types"):
        leat.ok("cp", path, out, option, "--on-loss=text", "--replace")
        assert [list(row.values()) for row in rows_of(out)] == [
            ["1", "2020-01-01"], ["900", "infinity"], ["3", None]]


def test_a_number_past_the_inferred_type(leat, tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "out.arrow"
    path.write_text("a\n1\n2\n99999999999999999999\n", encoding="utf-8")
    assert lost(leat, "cp", path, out, "--sample-rows=2") == {"a": 1}
    assert [row["a"] for row in rows_of(out)] == [1, 2, None]
    leat.ok("cp", path, out, "--sample-rows=2", "--on-loss=text", "--replace")
    assert [row["a"] for row in rows_of(out)] == ["1", "2", "99999999999999999999"]


# --- JSON's own null ----------------------------------------------------------------------------


@pytest.fixture
def json_nulls(tmp_path):
    schema = pa.schema([pa.field("id", pa.int64()), pa.field("j", pa.string(), metadata=JSON),
                        pa.field("l", pa.list_(pa.field("item", pa.string(), metadata=JSON)))])
    return write_arrow(tmp_path / "in.arrow", pa.table(
        [pa.array([1, 2, 3]), pa.array(["null", '{"a":null}', None]),
         pa.array([["1"], ["1", None], ["null"]], pa.list_(pa.string()))], schema=schema))


def test_jsons_own_null_is_no_null(leat, json_nulls, tmp_path):
    out = tmp_path / "out.jsonl"
    done = leat.fails(1, "value-range", "cp", json_nulls, out)
    assert 'row 1, column "j"' in done.stderr and "--json-null value" in done.stderr
    assert lost(leat, "cp", json_nulls, out) == {"j": 1, "l": 1}
    assert [line["place"] for line in set_aside(leat, tmp_path, "cp", json_nulls, out)] == [
        'row 1, column "j"', 'row 3, column "l"']
    leat.ok("cp", json_nulls, out, "--cast=j=utf8", "--columns=id,j", "--replace")
    assert readers_json(out)[0] == {"id": 1, "j": "null"}


def readers_json(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.asan
def test_jsons_own_null_is_kept_when_told(leat, json_nulls, tmp_path):
    out, back = tmp_path / "out.jsonl", tmp_path / "back.arrow"
    leat.ok("cp", json_nulls, out, "--json-null=value", "--columns=id,j", "--verify")
    assert readers_json(out) == [{"id": 1, "j": None}, {"id": 2, "j": {"a": None}}, {"id": 3}]
    leat.ok("cp", out, back, "--json-null=value")
    assert [row["j"] for row in rows_of(back)] == ["null", '{"a":null}', None]
    leat.ok("cp", out, back, "--replace")
    assert [row["j"] for row in rows_of(back)] == [None, '{"a":null}', None]


def test_jsons_own_null_in_lists(leat, json_nulls, tmp_path):
    out = tmp_path / "out.csv"
    done = leat.fails(1, "value-range", "cp", json_nulls, out)
    assert 'row 3, column "l"' in done.stderr
    assert lost(leat, "cp", json_nulls, out) == {"l": 1}
    assert readers.csv_table(out)[1] == [
        ("1", "null", "[1]"), ("2", '{"a":null}', "[1,null]"), ("3", None, None)]
    leat.fails(1, "value-range", "cp", json_nulls, f"sqlite:{tmp_path}/out.db#t")
    assert lost(leat, "cp", json_nulls, f"sqlite:{tmp_path}/out.db#t") == {"l": 1}
    assert readers.sqlite_table(tmp_path / "out.db", "t")[1] == [
        (1, "null", "[1]"), (2, '{"a":null}', "[1,null]"), (3, None, None)]
