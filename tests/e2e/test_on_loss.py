"""--on-loss: values that a type or a destination cannot hold stop the run, become null, or make
their column text. What arrives is read by the destination's own programs."""
import json
import sqlite3

import pyarrow as pa
import pyarrow.parquet
import pytest

import readers

# A row that any destination can hold, then one value a row that none but text can.
PG_TABLE = """create table src (
    id int primary key, d date, ts timestamp, tz timestamptz, ti time, n numeric(10,2), a int[])"""
PG_ROWS = [
    "(1, '2024-02-29', '2024-02-29 12:00', '2024-02-29 12:00Z', '12:00', 1.50, '{1,2}')",
    "(2, 'infinity', null, null, null, null, null)",
    "(3, null, '-infinity', null, null, null, null)",
    "(4, null, null, 'infinity', null, null, null)",
    "(5, null, null, null, '24:00', null, null)",
    "(6, null, null, null, null, 'NaN', null)",
    "(7, null, null, null, null, null, '[0:1]={1,2}')"]
LOST = {2: "d", 3: "ts", 4: "tz", 5: "ti", 6: "n", 7: "a"}
AS_TEXT = {2: "infinity", 3: "-infinity", 4: "infinity", 5: "24:00:00", 6: "NaN", 7: "[0:1]={1,2}"}


def report_of(leat, *arguments):
    """The one stream's result, from the run's report."""
    path = leat.home / "report.json"
    leat.ok(*arguments, f"--report={path}")
    return json.loads(path.read_text(encoding="utf-8"))["streams"][0]


def lost_columns(result):
    return {loss["column"]: loss["values"] for loss in result["losses"] if not loss["as_text"]}


def text_columns(result):
    return {loss["column"] for loss in result["losses"] if loss["as_text"]}


def arrow(path, **columns):
    """An Arrow file of these columns, each a list or a pyarrow array; pa.field for types."""
    table = pa.table({name: values for name, values in columns.items()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path


@pytest.fixture
def pg_source(pg_db):
    pg_db.execute(PG_TABLE, f"insert into src values {', '.join(PG_ROWS)}")
    return pg_db


def destination(kind, tmp_path):
    """(location, a function that gives column names and rows)"""
    path = tmp_path / f"out.{kind}"
    if kind == "sqlite":
        return f"sqlite:{path}#dst", lambda: readers.sqlite_table(path, "dst")
    read = {"csv": readers.csv_table, "arrow": readers.arrow_table, "parquet": parquet_table,
            "jsonl": jsonl_table}[kind]
    return path, lambda: read(path)


def parquet_table(path):
    table = pyarrow.parquet.read_table(path)
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns)))


def jsonl_table(path):
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list(rows[0]), [tuple(row.values()) for row in rows]


KINDS = ["arrow", "parquet", "sqlite", "csv", "jsonl"]

# --- values their source has and the types on the way have not ---------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", sorted(LOST))
def test_each_stops_by_default_and_names_column_and_remedy(leat, pg_db, tmp_path, kind, row):
    pg_db.execute(PG_TABLE, f"insert into src values {PG_ROWS[0]}, {PG_ROWS[row - 1]}")
    place, _ = destination(kind, tmp_path)
    done = leat.fails(1, "value-range", "cp", pg_db.stream("src"), place)
    assert f'column "{LOST[row]}"' in done.stderr and "row 2" in done.stderr
    assert f"--cast {LOST[row]}=utf8" in done.stderr and "--on-loss" in done.stderr
    assert "infinity" not in done.stderr  # no data in messages
    # The remedy works.
    result = report_of(leat, "cp", pg_db.stream("src"), place, f"--cast={LOST[row]}=utf8")
    assert result["rows_written"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_each_becomes_null_and_is_counted(leat, pg_source, tmp_path, kind):
    place, read = destination(kind, tmp_path)
    result = report_of(leat, "cp", pg_source.stream("src"), place, "--on-loss=null")
    assert lost_columns(result) == dict.fromkeys(LOST.values(), 1)
    assert result["values_lost"] == 6 and result["rows_written"] == 7
    assert result["rows_rejected"] == 0 and not text_columns(result)
    names, rows = read()
    rows = {int(row[0]): row for row in rows}
    assert len(rows) == 7 and all(value is not None for value in rows[1])
    for row, column in LOST.items():
        assert rows[row][names.index(column)] is None


@pytest.mark.parametrize("kind", KINDS)
def test_each_makes_its_column_text_and_nothing_is_lost(leat, pg_source, tmp_path, kind):
    place, read = destination(kind, tmp_path)
    result = report_of(leat, "cp", pg_source.stream("src"), place, "--on-loss=text")
    assert text_columns(result) == set(LOST.values())
    assert result["values_lost"] == 0 and result["attempts"] == 1
    names, rows = read()
    rows = {int(row[0]): row for row in rows}
    assert len(rows) == 7
    for row, column in LOST.items():
        assert rows[row][names.index(column)] == AS_TEXT[row]
    assert rows[1][names.index("d")] == "2024-02-29"
    assert rows[1][names.index("a")] == "{1,2}"


def test_the_final_line_and_verbose_tell_what_was_done(leat, pg_source, tmp_path):
    done = leat.ok("cp", pg_source.stream("src"), tmp_path / "a.arrow", "--on-loss=null")
    assert '1 value lost (made null) in column "d"' in done.stderr
    done = leat.ok("cp", pg_source.stream("src"), tmp_path / "b.arrow", "--on-loss=text", "-v")
    assert 'column "d" as text' in done.stderr
    assert 'info: public.src: column "d" is carried as text: ' in done.stderr
    assert "trying again" not in done.stderr


# --- values the destination has no place for ----------------------------------------------------


@pytest.fixture
def floats(tmp_path):
    return arrow(tmp_path / "f.arrow", id=[1, 2, 3], x=[1.5, float("nan"), None])


@pytest.mark.asan
def test_nan_into_sqlite(leat, floats, tmp_path):
    place, read = destination("sqlite", tmp_path)
    done = leat.fails(1, "value-range", "cp", floats, place)
    assert "--cast x=utf8" in done.stderr and "--on-loss" in done.stderr
    result = report_of(leat, "cp", floats, place, "--on-loss=null", "--verify")
    assert lost_columns(result) == {"x": 1} and "lost" in result["proof"]
    assert read()[1] == [(1, 1.5), (2, None), (3, None)]
    result = report_of(leat, "cp", floats, place, "--on-loss=text", "--replace", "--recreate")
    assert text_columns(result) == {"x"}
    assert read()[1] == [(1, "1.5"), (2, "NaN"), (3, None)]


@pytest.mark.asan
@pytest.mark.parametrize("batch", [1, 70000])
def test_casts_of_values_that_do_not_fit(leat, tmp_path, batch):
    """Also far into the stream, after batches that were fine."""
    source = arrow(tmp_path / "f.arrow", id=list(range(batch + 1)),
                   x=[2.0] * batch + [2.5], big=[1] * batch + [900])
    casts = "--cast=x=int32,big=int8"
    done = leat.fails(1, "value-range", "cp", source, tmp_path / "o.csv", casts)
    assert f"row {batch + 1}" in done.stderr and not (tmp_path / "o.csv").exists()
    result = report_of(leat, "cp", source, tmp_path / "o.csv", casts, "--on-loss=null")
    assert lost_columns(result) == {"x": 1, "big": 1}
    rows = readers.csv_table(tmp_path / "o.csv")[1]
    assert len(rows) == batch + 1 and rows[-1] == (str(batch), None, None)
    assert rows[0] == ("0", "2", "1")
    result = report_of(leat, "cp", source, tmp_path / "o.csv", casts, "--on-loss=text")
    assert text_columns(result) == {"x", "big"}
    rows = readers.csv_table(tmp_path / "o.csv")[1]
    assert len(rows) == batch + 1 and rows[-1] == (str(batch), "2.5", "900")


def test_renamed_columns_are_named_as_cast_takes_them(leat, floats, tmp_path):
    done = leat.fails(1, "value-range", "cp", floats, tmp_path / "o.csv", "--cast=x=int8",
                      "--rename=x=y,id=x")
    assert "--cast x=utf8" in done.stderr
    result = report_of(leat, "cp", floats, tmp_path / "o.csv", "--cast=x=int8",
                       "--rename=x=y,id=x", "--on-loss=text")
    assert text_columns(result) == {"y"}
    assert readers.csv_table(tmp_path / "o.csv") == (["x", "y"],
                                                     [("1", "1.5"), ("2", "NaN"), ("3", None)])


def test_a_zero_byte_in_text_into_postgres(leat, pg_db, tmp_path):
    source = arrow(tmp_path / "z.arrow", id=[1, 2], t=["a", "a\0b"])
    done = leat.fails(1, "value-range", "cp", source, pg_db.stream("dst"))
    assert 'column "t"' in done.stderr
    result = report_of(leat, "cp", source, pg_db.stream("dst"), "--on-loss=null")
    assert lost_columns(result) == {"t": 1}
    assert pg_db.rows("dst") == [(1, "a"), (2, None)]
    # It is text already: there is nothing else to carry it as.
    leat.fails(1, "value-range", "cp", source, pg_db.stream("other"), "--on-loss=text")
    assert "other" not in pg_db.tables()


# --- where no null may be, where no text may be -------------------------------------------------


def test_a_required_column_makes_it_an_error_again(leat, pg_db, floats):
    pg_db.execute("create table dst (id bigint, x int not null)", "insert into dst values (7, 8)")
    done = leat.fails(1, "value-range", "cp", floats, pg_db.stream("dst"), "--on-loss=null",
                      "--replace", "--limit=2")
    assert 'column "x"' in done.stderr
    assert pg_db.rows("dst") == [(7, 8)]


def test_a_required_column_with_rejects_sets_the_record_aside(leat, pg_db, floats, tmp_path):
    pg_db.execute("create table dst (id bigint, x int not null)")
    rejects = tmp_path / "bad.jsonl"
    done = leat("cp", floats, pg_db.stream("dst"), "--on-loss=null", "--on-error=skip",
                f"--rejects={rejects}")
    assert done.returncode == 4, done.stderr
    assert pg_db.rows("dst") == []
    assert len(rejects.read_text(encoding="utf-8").splitlines()) == 3


def test_a_source_without_nulls_keeps_its_promise(leat, pg_db, tmp_path):
    """The new table has NOT NULL, so the value cannot become one; a nullable one takes it."""
    pg_db.execute("create table src (id int primary key, d date not null)",
                  "insert into src values (1, 'infinity')")
    place, read = destination("sqlite", tmp_path)
    done = leat.fails(1, "value-range", "cp", pg_db.stream("src"), place, "--on-loss=null")
    assert 'column "d"' in done.stderr
    with sqlite3.connect(tmp_path / "out.sqlite") as connection:
        connection.execute("create table dst (id integer, d date)")
    result = report_of(leat, "cp", pg_db.stream("src"), place, "--on-loss=null")
    assert lost_columns(result) == {"d": 1}
    assert read()[1] == [(1, None)]


def test_an_existing_column_of_another_type_stays_an_error(leat, pg_db, floats):
    pg_db.execute("create table dst (id bigint, x int)", "insert into dst values (7, 8)")
    done = leat.fails(1, "value-range", "cp", floats, pg_db.stream("dst"), "--on-loss=text",
                      "--replace")
    assert 'column "x"' in done.stderr and "--recreate" in done.stderr
    assert pg_db.rows("dst") == [(7, 8)]
    leat.ok("cp", floats, pg_db.stream("dst"), "--on-loss=text", "--replace", "--recreate",
            "--cast=x=int32")
    assert pg_db.rows("dst") == [(1, "1.5"), (2, "NaN"), (3, None)]


def test_an_existing_text_column_takes_it(leat, pg_db, floats):
    pg_db.execute("create table dst (id bigint, x text)")
    leat.ok("cp", floats, pg_db.stream("dst"), "--on-loss=text", "--cast=x=int32")
    assert pg_db.rows("dst") == [(1, "1.5"), (2, "NaN"), (3, None)]


# --- what cannot be begun afresh ----------------------------------------------------------------


def test_standard_input_and_output_cannot_be_begun_afresh(leat, floats, tmp_path):
    arguments = ["--cast=x=int8", "--on-loss=text"]
    done = leat.fails(1, "value-range", "cp", floats, "csv:-", *arguments)
    assert "--cast" in done.stderr
    done = leat.fails(1, "value-range", "cp", "csv:-", tmp_path / "o.csv", *arguments,
                      stdin=b"id,x\n1,900\n")
    assert "--cast" in done.stderr and not (tmp_path / "o.csv").exists()
    done = leat.ok("cp", "csv:-", tmp_path / "o.csv", "--cast=x=utf8", stdin=b"id,x\n1,900\n")
    assert readers.csv_table(tmp_path / "o.csv")[1] == [("1", "900")]


# --- with other options -------------------------------------------------------------------------


def test_several_destinations_have_their_own_losses(leat, floats, tmp_path):
    path = leat.home / "report.json"
    leat.ok("cp", floats, f"sqlite:{tmp_path}/a.db#dst", f"--also={tmp_path}/b.arrow",
            "--on-loss=null", f"--report={path}")
    results = json.loads(path.read_text(encoding="utf-8"))["streams"]
    assert [lost_columns(result) for result in results] == [{"x": 1}, {}]
    assert readers.sqlite_table(tmp_path / "a.db", "dst")[1][1] == (2, None)
    rows = readers.arrow_table(tmp_path / "b.arrow")[1]
    assert rows[1][1] != rows[1][1]  # NaN
    leat.ok("cp", floats, f"sqlite:{tmp_path}/c.db#dst", f"--also={tmp_path}/d.arrow",
            "--on-loss=text")
    assert readers.sqlite_table(tmp_path / "c.db", "dst")[1][1] == (2, "NaN")
    assert readers.arrow_table(tmp_path / "d.arrow")[1][1] == (2, "NaN")


def test_streams_committed_together_are_begun_afresh_together(leat, tmp_path):
    with sqlite3.connect(tmp_path / "in.db") as connection:
        connection.executescript(
            "create table a (id integer, x real); insert into a values (1, 1.5);"
            "create table b (id integer, x real); insert into b values (1, 2), (2, 2.5);")
    leat.ok("cp", tmp_path / "in.db", f"sqlite:{tmp_path}/out.db", "--atomic",
            "--cast=x=int32", "--on-loss=text", f"--report={leat.home}/r.json")
    results = json.loads((leat.home / "r.json").read_text(encoding="utf-8"))["streams"]
    assert all(result["committed"] and result["attempts"] == 1 for result in results)
    assert readers.sqlite_table(tmp_path / "out.db", "a")[1] == [(1, "1.5")]
    assert readers.sqlite_table(tmp_path / "out.db", "b")[1] == [(1, "2"), (2, "2.5")]


def test_texts_that_are_no_such_value_are_records_to_be_refused(leat, tmp_path):
    """x is no int8, and no loss; 900 is an int, and one."""
    source = arrow(tmp_path / "t.arrow", id=[1, 2, 3], x=["5", "x", "900"])
    for policy in ("null", "text"):
        leat.fails(1, "value-syntax", "cp", source, tmp_path / "o.csv", "--cast=x=int8",
                   f"--on-loss={policy}", "--limit=2")
    done = leat("cp", source, tmp_path / "o.csv", "--cast=x=int8", "--on-loss=null",
                "--on-error=skip", f"--rejects={tmp_path}/bad.jsonl")
    assert done.returncode == 4, done.stderr
    assert readers.csv_table(tmp_path / "o.csv")[1] == [("1", "5"), ("3", None)]
    assert len((tmp_path / "bad.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_a_copy_that_hands_bytes_on_loses_nothing(leat, pg_source):
    done = leat.ok("cp", pg_source.stream("src"), pg_source.stream("dst"), "--on-loss=null")
    assert "lost" not in done.stderr
    with pg_source.connect() as connection:
        assert connection.execute(
            "select count(*) from src x join dst y on x.id = y.id where x::text = y::text"
        ).fetchone() == (7,)
