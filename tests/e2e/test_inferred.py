"""Files whose types are only inferred, beside columns that exist: both ways the same values.

What arrives is read by psycopg and sqlite3; the files are Python's own, or leat's.
"""
import json
import sqlite3
import struct

import pytest

import readers

# JSON texts by how a guess would take the whole column.
SCALARS = {
    "numbers": ['"5"', '"1.50"', '"7"'],
    "words": ['"true"', '"false"', '"true"'],
    "objects": ['"{\\"a\\":1}"', '"[1]"', '"null"'],
    "strings": ['"x"', '""', '" "'],
    "dates": ['"2024-02-29"', '"2024-03-01"', '"0001-01-01"'],
    "times": ['"12:00:00.50"', '"12:00:00"', '"00:00:00"'],
    "stamps": ['"2024-01-01T00:00:00"', '"2024-01-01 00:00:00.50"', '"2024-01-01"'],
    "moments": ['"2024-01-01T00:00:00Z"', '"2024-01-01T00:00:00+02"', '"2024-01-01 00:00:00Z"'],
    "uuids": ['"6BA7B810-9DAD-11D1-80B4-00C04FD430C8"', '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"', "null"],
    "bools": ["true", "false", "true"],
    "wholes": ["5", "-1", "12345678901234567890123"],
    "fractions": ["1.10", "0.1", "12345678901234567.10"],
    "lists": ["[1, \"1\"]", "[]", "[null]"],
    "mixed": ['"5"', "5", "{\"a\": \"1.0\"}"],
}


def fill(db, texts, table="t"):
    values = ", ".join(f"({i}, %s)" for i in range(len(texts)))
    with db.connect() as connection:
        connection.execute(f"create table {table} (id int primary key, c jsonb)")
        connection.execute(f"insert into {table} values {values}", texts)


@pytest.mark.asan
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_json_of_any_kind_comes_back_from_a_file_as_it_was(leat, pg_db, tmp_path, ending):
    names = [name for name in SCALARS if name != "uuids" or ending == "csv"]  # JSON Lines: null is a null
    with pg_db.connect() as connection:
        connection.execute("create table t (id int primary key, " + ", ".join(f"{name} jsonb" for name in names) + ")")
        for row in range(3):
            connection.execute(f"insert into t values ({row}{', %s' * len(names)})", [SCALARS[name][row] for name in names])
        connection.execute("create table o (like t including all)")
    file = tmp_path / f"t.{ending}"
    leat.ok("cp", pg_db.stream("t"), file)
    leat.ok("cp", file, pg_db.stream("o"))
    texts = "select id, " + ", ".join(f"{name}::text" for name in names) + " from {} order by 1"
    with pg_db.connect() as connection:
        assert connection.execute(texts.format("o")).fetchall() == connection.execute(texts.format("t")).fetchall()
    leat.ok("verify", file, pg_db.stream("t"))
    assert leat("diff", pg_db.stream("o"), file).stdout == ""
    assert "nothing to be done" in leat.ok("sync", "batch", file, pg_db.stream("t")).stderr
    pg_db.execute("update o set " + ", ".join(f"{name} = '\"other\"'" for name in names) + " where id = 0")
    [told] = [json.loads(line) for line in leat("diff", file, pg_db.stream("o")).stdout.splitlines()]
    assert set(names) < set(told)  # each kind is told from another reading
    leat.ok("sync", "batch", file, pg_db.stream("o"))
    with pg_db.connect() as connection:
        assert connection.execute(texts.format("o")).fetchall() == connection.execute(texts.format("t")).fetchall()


def test_a_string_that_reads_as_another_value_is_not_equal_to_it(leat, pg_db, tmp_path):
    fill(pg_db, ["5", "true", '{"a": 1}'])
    file = tmp_path / "t.jsonl"
    file.write_text("".join(json.dumps({"id": i, "c": c}) + "\n" for i, c in enumerate(["5", "true", '{"a": 1}'])))
    done = leat("diff", file, pg_db.stream("t"))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [0, 1, 2], done.stderr
    assert leat("verify", file, pg_db.stream("t")).returncode == 3


def test_lists_of_json_are_read_as_json_too(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int primary key, c jsonb[], f real[])",
                  "insert into t values (1, array['\"5\"', '5']::jsonb[], array[1.1, 2.5]), (2, array['\"true\"']::jsonb[], '{}')",
                  "create table o (like t including all)")
    file = tmp_path / "t.jsonl"
    leat.ok("cp", pg_db.stream("t"), file)
    for nested in ((), ("--nested", "struct")):
        leat.ok("cp", file, pg_db.stream("o"), "--replace", *nested)
        with pg_db.connect() as connection:
            assert connection.execute("select id, c::text, f::text from t order by 1").fetchall() == connection.execute(
                "select id, c::text, f::text from o order by 1").fetchall()
        assert leat("verify", file, pg_db.stream("o"), *nested).returncode == 0


def test_json_of_sqlite_comes_back_from_json_lines(leat, tmp_path):
    with sqlite3.connect(tmp_path / "t.db") as base:
        base.execute("create table t (id integer primary key, c json)")
        base.execute("create table o (id integer primary key, c json)")
        base.executemany("insert into t values (?, ?)", enumerate(['"5"', '"true"', '"x"']))
    leat.ok("cp", f"{tmp_path}/t.db#t", tmp_path / "t.jsonl")
    leat.ok("cp", tmp_path / "t.jsonl", f"{tmp_path}/t.db#o")
    with sqlite3.connect(tmp_path / "t.db") as base:
        assert base.execute("select c from o order by id").fetchall() == [('"5"',), ('"true"',), ('"x"',)]
    assert leat("verify", tmp_path / "t.jsonl", f"{tmp_path}/t.db#o").returncode == 0


def test_csv_for_a_json_column_is_json_text(leat, pg_db, tmp_path):
    pg_db.execute("create table o (id int primary key, b jsonb, c jsonb)")
    file = tmp_path / "t.csv"
    file.write_text('id,b,c\n1,TRUE,"""x"""\n2,false,1.10\n')
    leat.ok("cp", file, pg_db.stream("o"))
    with pg_db.connect() as connection:
        assert connection.execute("select b::text, c::text from o order by id").fetchall() == [
            ("true", '"x"'), ("false", "1.10")]
    file.write_text("id,b,c\n1,true,2024-01-01T00:00:00Z\n")
    done = leat.fails(1, "value-syntax", "cp", file, pg_db.stream("o"))
    assert "t.csv" in done.stderr and '"c"' in done.stderr


def test_two_destinations_that_would_read_a_column_differently_are_refused(leat, pg_db, tmp_path):
    pg_db.execute("create table a (id int primary key, c jsonb)", "create table b (id int primary key, c text)",
                  "create table d (id int primary key, c jsonb)")
    file = tmp_path / "t.jsonl"
    file.write_text('{"id":1,"c":"5"}\n')
    leat.ok("cp", file, pg_db.stream("a"), "--also", pg_db.stream("d"))
    for name in "ad":
        assert pg_db.rows(name) == [(1, "5")]
    done = leat.fails(1, "column-mismatch", "cp", file, pg_db.stream("a"), "--also", pg_db.stream("b"), "--replace")
    assert '"c"' in done.stderr
    assert pg_db.rows("a") == [(1, "5")] and pg_db.count("b") == 0


@pytest.mark.asan
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_reals_and_bytes_against_a_file_settle(leat, pg_db, tmp_path, ending):
    pg_db.execute("create table t (id int primary key, f float4, b bytea, n numeric(9,3), x text)",
                  "insert into t values (1, 1.1, '\\xff00', 1.1, '1.10'), (2, 16777216, '', 2, '7'), "
                  "(3, '-infinity', 'abc', null, null), (4, 3.4e38, '\\x5c78', 0.125, '')")
    file = tmp_path / f"t.{ending}"
    for verb in (("sync", "batch"), ("verify",), ("diff",)):
        leat.ok(*verb, pg_db.stream("t"), file)
        leat.ok(*verb, pg_db.stream("t"), file)
    done = leat.ok("sync", "batch", pg_db.stream("t"), file)
    assert "nothing to be done" in done.stderr
    leat.ok("verify", file, pg_db.stream("t"))
    _, rows = readers.csv_table(file) if ending == "csv" else readers.jsonl_table(file)
    assert [(row[2], row[4]) for row in rows] == [("\\xff00", "1.10"), ("\\x", "7"), ("\\x616263", None), ("\\x5c78", "")]
    pg_db.execute("update t set f = 1.1000001 where id = 1", "update t set b = '\\xff01' where id = 2")
    done = leat("diff", pg_db.stream("t"), file)
    assert sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == [1, 2], done.stderr
    leat.ok("sync", "batch", file, pg_db.stream("t"))
    with pg_db.connect() as connection:
        assert connection.execute("select f::text, b from t where id < 3 order by id").fetchall() == [
            ("1.1", b"\xff\x00"), ("1.6777216e+07", b"")]
    leat.ok("verify", file, pg_db.stream("t"))


@pytest.mark.parametrize("type_, good", [("mood", "ok"), ("inet", "1.1.1.1"), ("int4range", "empty"), ("xml", "<a/>")])
def test_a_value_that_only_the_server_refuses_is_placed_and_no_wrong_remedy_told(leat, pg_db, tmp_path, type_, good):
    pg_db.execute("create type mood as enum ('sad', 'ok')", f"create table t (id int primary key, m {type_})",
                  f"insert into t values (9, '{good}')")
    (tmp_path / "em.csv").write_text(f"id,m\n1,{good}\n2,<bad\n3,{good}\n")
    for options in ((), ("--on-error", "skip", "--rejects", tmp_path / "bad.jsonl"), ("--on-loss", "null")):
        done = leat("cp", tmp_path / "em.csv", pg_db.stream("t"), "--append", *options)
        assert done.returncode == 1 and "public.t: row 2" in done.stderr and '"m"' in done.stderr, done.stderr
        assert "--cast" not in done.stderr and "--on-error" not in done.stderr, done.stderr
        assert [row[0] for row in pg_db.rows("t", "id")] == [9]


# --- declared types stay ---------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("command", ["sync", "delta", "folder"])
def test_inferred_types_do_not_alter_a_declared_column(leat, pg_db, tmp_path, ending, command):
    pg_db.execute("create table ci (id int primary key, s smallint, n numeric(6,2), v varchar(5))",
                  "insert into ci values (1, 1, 1.5, 'a')")
    texts = {"csv": ["id,s,n,v\n1,1,1.5,a\n", "id,s,n,v\n2,2,3.25,bcdef\n"],
             "jsonl": ['{"id":1,"s":1,"n":1.5,"v":"a"}\n', '{"id":2,"s":2,"n":3.25,"v":"bcdef"}\n']}[ending]
    folder = tmp_path / "lake" / "ci"
    folder.mkdir(parents=True)
    for i, text in enumerate(texts):
        (folder / f"{i}.{ending}").write_text(text)
    file = tmp_path / f"ci.{ending}"
    file.write_text(texts[0] + (texts[1].split("\n", 1)[1] if ending == "csv" else texts[1]))
    args = {"sync": ["sync", "batch", file], "folder": ["sync", "batch", "--as-stream", "ci", f"{folder}/"],
            "delta": ["cp", "delta", "-p", "id", file]}[command]
    done = leat(*args, pg_db.stream("ci"))
    assert done.returncode == 0, done.stderr
    with pg_db.connect() as connection:
        types = connection.execute("select format_type(atttypid, atttypmod) from pg_attribute where "
                                   "attrelid = 'ci'::regclass and attnum > 0 order by attnum").fetchall()
    assert [t for (t,) in types if not t.startswith("timestamp")] == \
        ["integer", "smallint", "numeric(6,2)", "character varying(5)"]
    assert [row[:2] + (str(row[2]), row[3]) for row in pg_db.rows("ci")] == \
        [(1, 1, "1.50", "a"), (2, 2, "3.25", "bcdef")]


def test_an_inferred_value_that_its_column_does_not_hold_is_refused(leat, pg_db, tmp_path):
    pg_db.execute("create table ci (id int primary key, s smallint)", "insert into ci values (1, 1)")
    (tmp_path / "ci.csv").write_text("id,s\n1,1\n2,70000\n")
    done = leat("sync", "batch", tmp_path / "ci.csv", pg_db.stream("ci"))
    assert done.returncode != 0 and "[value-range]" in done.stderr, done.stderr
    assert pg_db.rows("ci") == [(1, 1)]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_number_is_not_rounded_to_a_real(leat, pg_db, tmp_path, ending):
    def write(*values):
        file = tmp_path / f"r.{ending}"
        file.write_text("f\n" + "".join(f"{v}\n" for v in values) if ending == "csv" else
                        "".join(f'{{"f":{v}}}\n' for v in values))
        return file
    pg_db.execute("create table r (f real)")
    held = ["1.1", "0.12345679", "16777216", "1.10000002", "3.4028235e38", "-2.5"]
    assert leat("cp", write(*held), pg_db.stream("r")).returncode == 0
    floats = struct.unpack(f"{len(held)}f", struct.pack(f"{len(held)}f", *map(float, held)))
    assert [f for (f,) in pg_db.rows("(select f::float8 from r) x")] == sorted(floats)
    for value in ("16777217", "0.123456789012", "-1.100000001"):
        done = leat("cp", "--append", write("1.5", value), pg_db.stream("r"))
        assert done.returncode != 0 and "[value-range]" in done.stderr, (value, done.stderr)
    assert pg_db.count("r") == len(held)
