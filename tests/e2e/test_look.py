"""Looking at a place: query, streams, describe."""
import json
import os
import pty
import signal
import sqlite3
import time

import pyarrow.ipc
import pyarrow.parquet
import pytest

DDL = ("CREATE TABLE goods (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2))",
       "INSERT INTO goods VALUES (1, 'tea', 3.50), (2, 'pot', NULL), (3, '', 4)")


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    db = sqlite3.connect(path)
    for statement in DDL:
        db.execute(statement)
    db.execute("CREATE VIEW dear AS SELECT * FROM goods WHERE price > 3.7")
    db.commit()
    db.close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, shop):
    """The shop as a file, and on a server."""
    if request.param == "sqlite":
        return shop
    db = request.getfixturevalue("pg_db")
    db.execute(*DDL, "CREATE VIEW dear AS SELECT * FROM goods WHERE price > 3.7", "ANALYZE")
    return db.url


# --- query ---------------------------------------------------------------------------------------

@pytest.mark.asan
def test_rows_of_a_query_in_every_format(leat, place, tmp_path):
    sql = "SELECT id, name, price FROM goods ORDER BY id"
    out = leat.ok("query", place, sql).stdout
    assert out.splitlines() == ["id,name,price", "1,tea,3.50", "2,pot,", '3,"",4.00']
    assert leat.ok("query", place, "--no-header", sql).stdout == out.split("\n", 1)[1]
    assert leat.ok("query", place, "-x", sql).stdout == out
    lines = leat.ok("query", place, *sql.split(), "--format", "jsonl").stdout.splitlines()
    assert json.loads(lines[1]) == {"id": 2, "name": "pot", "price": None}
    table = pyarrow.ipc.open_stream(
        leat.ok("query", place, sql, "--format=arrows", binary=True).stdout).read_all()
    assert table.column("name").to_pylist() == ["tea", "pot", ""]
    (tmp_path / "out.parquet").write_bytes(
        leat.ok("query", place, sql, "--format=parquet", "--limit=2", binary=True).stdout)
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet").num_rows == 2
    shown = leat.ok("query", place, sql, "--format", "table").stdout.splitlines()
    assert shown == ["id  name  price", "--  ----  -----", " 1  tea    3.50", " 2  pot    NULL",
                     " 3         4.00"]


def test_the_statement_comes_from_words_a_file_or_standard_input(leat, shop, tmp_path):
    path = tmp_path / "q.sql"
    path.write_text("-- how many\nSELECT count(*) AS n FROM goods\n;", encoding="utf-8")
    for given in (["--file", path], ["-"], ["select", "count(*)", "as", "n", "from", "goods"]):
        assert leat.ok("query", shop, *given, stdin=path.read_bytes()).stdout == "n\n3\n"
    assert leat.ok("query", "nowhere:x", "select 1", "-n").stdout == "select 1\n"
    assert leat.ok("query", "nowhere:x", "-d", "select", "1").stdout == "select 1\n"
    leat.fails(2, "usage", "query", shop, "select 1", "--file", path)
    leat.fails(2, "usage", "query", shop)
    leat.fails(2, "usage", "query", shop, " ; -- nothing")
    assert "NUL byte at 7" in leat.fails(2, "usage", "query", shop, "-", stdin=b"select \0 1").stderr
    assert "UTF-8" in leat.fails(2, "usage", "query", shop, "-", stdin=b"select '\xff'").stderr
    leat.fails(2, ("not-found", "io"), "query", shop, "--file", "none.sql")


def test_a_huge_statement_is_run_and_a_monstrous_one_refused(leat, shop, pg_db):
    text = "x" * (20 << 20)
    out = leat.ok("query", pg_db.url, "-", stdin=f"SELECT length('{text}') AS n".encode()).stdout
    assert out == f"n\n{len(text)}\n"
    leat.fails(2, "usage", "query", shop, "-", stdin=b"select 1 --" + b"x" * (64 << 20))


@pytest.mark.asan
def test_statements_that_are_no_queries_say_what_they_changed(leat, place):
    assert "3 rows changed" in leat.ok("query", place, "UPDATE goods SET name = name").stderr
    done = leat.ok("query", place, "CREATE TABLE more (id INTEGER)")
    assert done.stdout == "" and ("done" in done.stderr or "0 rows changed" in done.stderr)
    assert "1 row changed" in leat.ok("query", place, "insert into more values (1)").stderr
    out = leat.ok("query", place, "INSERT INTO more VALUES (2), (3) RETURNING id, id AS id").stdout
    assert out.splitlines()[1:] == ["2,2", "3,3"] and out.startswith("id,id_2")
    # Run once, whatever its rows are shown as.
    out = leat.ok("query", place, "INSERT INTO more VALUES (4) RETURNING id", "--format",
                  "table").stdout
    assert out.splitlines() == ["id", "--", "4"]
    assert leat.ok("query", place, "SELECT count(*) AS n FROM more").stdout == "n\n4\n"
    done = leat.fails(2, ("invalid", "unknown-column"), "query", place,
                      "INSERT INTO more VALUES (1) RETURNING nothing")
    assert done.stdout == ""
    for shown in ("csv", "table"):
        out = leat.ok("query", place, "INSERT INTO more VALUES (5), (6), (7) RETURNING id, 'x' AS x",
                      "--format", shown, "--limit", "2",
                      *(["--delimiter", ";"] if shown == "csv" else [])).stdout
        assert [line for line in out.splitlines() if line.endswith("x")][1:] == (
            ["5;x", "6;x"] if shown == "csv" else ["5   x", "6   x"])
    assert leat.ok("query", place, "SELECT ';' AS a -- ; \n; -- the end").stdout == "a\n;\n"


def test_explanations_settings_and_changes_within_a_query_give_their_rows(leat, pg_db, shop):
    assert "Result" in leat.ok("query", pg_db.url, "EXPLAIN SELECT 1").stdout
    assert leat.ok("query", pg_db.url, "SHOW server_encoding").stdout.endswith("UTF8\n")
    pg_db.execute("CREATE TABLE t (id int)")
    out = leat.ok("query", pg_db.url, "WITH new AS (INSERT INTO t VALUES (1), (2) RETURNING id) "
                                      "SELECT sum(id) AS s FROM new").stdout
    assert out == "s\n3\n" and len(pg_db.rows("t")) == 2
    leat.fails(2, "unsupported", "query", pg_db.url, "COPY t TO STDOUT")
    # Who looks at a few rows of a change does not undo it.
    leat.ok("query", pg_db.url, "INSERT INTO t SELECT generate_series(1, 200000) RETURNING id",
            "--limit", "2")
    assert len(pg_db.rows("t")) == 200002
    assert "goods" in leat.ok("query", shop, "PRAGMA table_list").stdout
    for several in ("SELECT 1; SELECT 2", "VALUES (1); DELETE FROM goods"):
        leat.fails(2, "unsupported", "query", shop, several)
    leat.fails(2, "unsupported", "query", pg_db.url, "SELECT 1; SELECT 2")
    leat.fails(2, "unsupported", "query", pg_db.url, "SELECT 1; SELECT 2", "--format=table")


def test_what_has_no_sql_says_so(leat, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n", encoding="utf-8")
    leat.fails(2, "unsupported", "query", path, "SELECT 1")
    leat.fails(2, "unsupported", "query", path, "DELETE FROM a")
    leat.fails(2, "usage", "query", path, "SELECT 1", "--format", "cvs")
    leat.fails(2, "not-found", "query", tmp_path / "none.db", "SELECT 1")
    assert not (tmp_path / "none.db").exists()


def test_ctrl_c_cancels_on_the_server(leat, pg_db):
    for sql in ("SELECT pg_sleep(60) /*seen*/", "DO $$ BEGIN PERFORM pg_sleep(60); END $$ /*seen*/"):
        child = leat.start("query", pg_db.url, sql)
        with pg_db.connect() as watch:
            watch.autocommit = True
            running = ("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%/*seen*/%%' AND "
                       "state = 'active' AND pid <> pg_backend_pid()")
            until = time.monotonic() + 30
            while not watch.execute(running).fetchone()[0]:
                assert time.monotonic() < until and child.poll() is None, child.stderr.read()
                time.sleep(0.02)
            child.send_signal(signal.SIGINT)
            sent = time.monotonic()
            while watch.execute(running).fetchone()[0]:
                assert time.monotonic() < sent + 1, "still running after a second"
                time.sleep(0.02)
        assert child.wait(20) == 130


def test_a_reader_that_had_enough_ends_it_quietly(leat, pg_db):
    for extra in ([], ["--format", "table"]):
        child = leat.start("query", pg_db.url, "SELECT generate_series(1, 5000000) AS n", *extra)
        assert child.stdout.readline() and child.stdout.readline()
        child.stdout.close()
        assert child.wait(60) == 141 and child.stderr.read() == b""


def test_the_first_rows_do_not_wait_for_the_last(leat, pg_db):
    sql = "SELECT n, CASE WHEN n = 20000 THEN pg_sleep(60) END FROM generate_series(1, 20000) AS n"
    child = leat.start("query", pg_db.url, sql, "--format", "table")
    started = time.monotonic()
    assert child.stdout.readline() and time.monotonic() - started < 30
    child.send_signal(signal.SIGINT)
    child.stdout.read()
    assert child.wait(20) == 130


def test_a_table_of_any_length_takes_little_memory(leat, pg_db):
    sql = "SELECT n, repeat('x', 100) AS t FROM generate_series(1, {}) AS n"
    few = leat.peak_kib("query", pg_db.url, sql.format(5000), "--format", "table")
    many = leat.peak_kib("query", pg_db.url, sql.format(300000), "--format", "table")
    assert many < few + 8 * 1024


def test_later_rows_that_are_wider_get_a_header_of_their_own(leat, shop):
    sql = ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3000) "
           "SELECT CASE WHEN n > 2500 THEN 'a much wider value ' || n ELSE 'v' || n END AS v FROM r")
    lines = leat.ok("query", shop, sql, "--format", "table").stdout.splitlines()
    assert lines.count("v") >= 2 and "a much wider value 3000" in lines
    values = [line for line in lines if line.startswith(("v1", "v2", "a "))]
    assert len([line for line in values if line != "v"]) > 1000


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_bytes_never_go_to_a_terminal(leat, shop, name):
    main, side = pty.openpty()
    child = leat.start("query", shop, "SELECT 1 AS a", "--format", name, stdout=side)
    os.close(side)
    assert child.wait(20) == 2 and b"terminal" in child.stderr.read()
    os.close(main)


def test_control_characters_and_odd_texts_do_a_table_no_harm(leat, pg_db):
    sql = ("SELECT E'\\x1b[2Jgone' AS \"a\tb\", E'\\u202eright' AS b, E'\\u200b\\u0301x' AS c, "
           "repeat(E'\\u0301', 500) AS d, E'\\\\x00'::bytea AS e, ARRAY[1,NULL] AS f, 'NULL' AS g")
    out = leat.ok("query", pg_db.url, sql, "--format", "table").stdout
    assert "\x1b" not in out and "\u202e" not in out and "\\x1b[2Jgone" in out
    assert "\\u202eright" in out and "a\\tb" in out and '"NULL"' in out and "[1,null]" in out
    assert "\\x00" in out and out.count("\u0301") < 40


# --- streams -------------------------------------------------------------------------------------

def test_streams_by_pattern_as_lines_and_as_json(leat, place):
    names = {line.split("\t")[0].split(".")[-1]: line.split("\t")[1]
             for line in leat.ok("streams", place).stdout.splitlines()}
    assert set(names) == {"goods", "dear"} and names["goods"] == "3" and names["dear"] == ""
    for pattern in ("g*", "g%", "?oods", "goods"):
        (line,) = leat.ok("streams", place, pattern, "--json").stdout.splitlines()
        told = json.loads(line)
        assert told["stream"] == "goods" and told["kind"] == "table" and told["rows"] == 3
    assert json.loads(leat.ok("streams", place, "dear", "--json").stdout)["kind"] == "view"
    leat.fails(2, "not-found", "streams", place, "x*")
    assert "goods" in leat.fails(2, "not-found", "streams", place, "godos").stderr
    leat.fails(2, "usage", "streams", f"{place}#goods", "g*")


def test_streams_of_all_namespaces(leat, pg_db):
    pg_db.execute("CREATE SCHEMA sales", "CREATE TABLE sales.orders (id int)",
                  "CREATE TABLE orders (id int)", "CREATE TABLE _1 (id int)",
                  "CREATE TABLE x1 (id int)")
    lines = leat.ok("streams", pg_db.url, "*.ord%").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["public.orders", "sales.orders"]
    lines = leat.ok("streams", pg_db.url, "sales.*").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["sales.orders"]
    lines = leat.ok("streams", pg_db.url, "_1*").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["public._1"]


def test_streams_of_a_directory(leat, tmp_path):
    for name in ("a", "ab", "b"):
        (tmp_path / f"{name}.csv").write_text("id\n1\n", encoding="utf-8")
    told = [json.loads(line) for line in
            leat.ok("streams", f"{tmp_path}/", "a*", "--json").stdout.splitlines()]
    assert sorted(each["stream"] for each in told) == ["a", "ab"]
    assert all(each["kind"] == "file" and each["bytes"] == 5 for each in told)


def test_commands_that_look_have_no_options_of_writing(leat, shop):
    for command in (("query", shop, "SELECT 1"), ("streams", shop), ("describe", shop, "goods")):
        shown = leat.ok("help", command[0]).stdout
        assert "--truncate" not in shown and "--atomic" not in shown and "--where" in shown
        for option in ("--replace", "--count"):
            assert f"has no option {option}" in leat.fails(2, "unknown-option", *command, option).stderr
        leat.ok(*command, env={"LEAT_REPLACE": "1"})  # of the variables of all commands it is passed over
    assert "--truncate" in leat.ok("help", "cp").stdout


@pytest.mark.parametrize("form", ("yaml", "json"))
def test_a_query_as_a_pipe_gives_the_same_rows(leat, shop, tmp_path, form):
    query = ("query", shop, "SELECT id,\n  name FROM goods ORDER BY id -- $ {x}", "--no-header", "--limit", "2")
    document = tmp_path / f"q.{form}"
    document.write_text(leat.ok(*query, "--as-pipe", form).stdout, encoding="utf-8")
    leat.ok("pipe", "check", document)
    assert leat.ok("pipe", "run", document).stdout == leat.ok(*query).stdout == "1,tea\n2,pot\n"
    as_json = leat.ok(*query[:3], "--format", "jsonl", "--as-pipe", form).stdout
    assert "jsonl:-" in as_json
    leat.fails(2, "usage", *query, "--format", "table", "--as-pipe", form)


@pytest.mark.parametrize("form", ("yaml", "json"))
def test_a_statement_as_a_pipe_does_the_same(leat, shop, tmp_path, form):
    statement = ("query", shop, "DELETE FROM goods WHERE id = 1; UPDATE goods SET name = '${x}'", "--as-pipe", form)
    document = tmp_path / f"q.{form}"
    document.write_text(leat.ok(*statement).stdout, encoding="utf-8")
    assert leat.ok("query", shop, "SELECT count(*) FROM goods", "--no-header").stdout == "3\n"
    leat.ok("pipe", "run", document)
    assert leat.ok("query", shop, "SELECT id, name FROM goods ORDER BY 1", "--no-header").stdout == "2,${x}\n3,${x}\n"
    leat.fails(2, "usage", *statement, "--limit", "3")


def test_a_statement_with_a_secret_as_a_pipe_keeps_it_out(leat, pg_db):
    done = leat.ok("query", pg_db.url, "CREATE USER x PASSWORD 'geheim'", "--as-pipe", "yaml")
    assert "geheim" not in done.stdout + done.stderr and "set LEAT_SQL" in done.stdout


# --- describe ------------------------------------------------------------------------------------

def test_describe_tells_columns_keys_nulls_comments_and_identities(leat, pg_db):
    pg_db.execute("CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY, b text NOT NULL, "
                  "c numeric(10,2), d inet, e timestamptz[], PRIMARY KEY (b, a))",
                  "COMMENT ON TABLE t IS 'of things'", "COMMENT ON COLUMN t.c IS 'in euros'")
    told = json.loads(leat.ok("describe", pg_db.stream("t"), "--json").stdout)
    assert told["namespace"] == "public" and told["stream"] == "t" and told["kind"] == "table"
    assert told["comment"] == "of things"
    columns = {column["name"]: column for column in told["columns"]}
    assert list(columns) == list("abcde")
    assert [columns[name]["key"] for name in "abcde"] == [2, 1, None, None, None]
    assert [columns[name]["nullable"] for name in "abcde"] == [False, False, True, True, True]
    assert columns["a"]["identity"] == "always" and columns["c"]["comment"] == "in euros"
    assert columns["c"]["type"] == "decimal(10,2)" and "inet" in columns["d"]["source_type"]
    assert columns["d"]["as"]["postgres"] == "inet" and columns["c"]["as"]["parquet"] == "DECIMAL"
    assert set(columns["a"]["as"]) >= {"postgres", "sqlite", "csv", "jsonl", "arrow", "parquet"}
    shown = leat.ok("describe", pg_db.url, "t").stdout
    assert shown.startswith("public.t: table") and "of things" in shown
    assert "identity (always)" in shown and "in euros" in shown and "numeric(10,2)" in shown


EXTRAS = ("CREATE TABLE other (x int, y text, PRIMARY KEY (x, y))",
          "CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'it''s' NOT NULL, c int DEFAULT 5 "
          "CHECK (c > 0), d timestamptz DEFAULT now(), e int GENERATED ALWAYS AS (c * 2) STORED, "
          "f text, CONSTRAINT b_is_one UNIQUE (b, c) DEFERRABLE, CONSTRAINT to_other "
          "FOREIGN KEY (c, f) REFERENCES other ON DELETE CASCADE)",
          "CREATE INDEX partly ON t (lower(f), c DESC NULLS LAST) INCLUDE (d) WHERE c > 1",
          "CREATE INDEX by_hash ON t USING hash (f)")


def test_describe_tells_indexes_foreign_keys_checks_and_defaults(leat, pg_db):
    pg_db.execute(*EXTRAS)
    told = json.loads(leat.ok("describe", pg_db.stream("t"), "--json").stdout)
    columns = {column["name"]: column for column in told["columns"]}
    assert [columns[name]["default"] for name in "abcd"] == [
        None, {"constant": "it's"}, {"constant": "5"}, {"is": "now"}]
    assert [name for name in "abcdef" if columns[name]["generated"]] == ["e"]
    indexes = {index["name"]: index for index in told["indexes"]}
    assert set(indexes) == {"b_is_one", "partly", "by_hash"}
    assert indexes["b_is_one"]["unique"] and indexes["b_is_one"]["constraint"]
    assert [column["name"] for column in indexes["b_is_one"]["columns"]] == ["b", "c"]
    assert indexes["partly"]["columns"] == [{"expr": "lower(f)", "nulls": "last"},
                                            {"name": "c", "desc": True, "nulls": "last"}]
    assert indexes["partly"]["include"] == ["d"] and indexes["partly"]["where"] == "(c > 1)"
    assert told["foreign_keys"] == [
        {"name": "to_other", "columns": ["c", "f"], "ref_ns": "public", "ref_table": "other",
         "ref_columns": ["x", "y"], "on_delete": "CASCADE", "on_update": "NO ACTION"}]
    assert told["checks"] == [{"name": "t_c_check", "expr": "(c > 0)"}]
    shown = leat.ok("describe", pg_db.url, "t").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "b utf8 no default 'it''s'" in lines
    assert "e int32 postgres:integer yes generated" in lines
    assert "b_is_one b, c unique constraint, deferrable" in lines
    assert "by_hash f hash" in lines
    assert "partly lower(f), c desc nulls last include (d), where (c > 1)" in lines
    assert "to_other c, f public.other (x, y) on delete CASCADE" in lines
    assert "t_c_check (c > 0)" in lines
    plain = json.loads(leat.ok("describe", pg_db.stream("other"), "--json").stdout)
    assert plain["indexes"] == plain["foreign_keys"] == plain["checks"] == []


def test_describe_tells_what_sqlite_and_a_file_know(leat, tmp_path):
    db = sqlite3.connect(tmp_path / "s.db")
    db.executescript("create table p (k integer primary key); create table c (id integer primary key, "
                     "k int references p, v text default 'x', w int as (k + 1) unique); "
                     "create index v_of_c on c (v collate nocase desc) where v is not null;")
    db.close()
    told = json.loads(leat.ok("describe", tmp_path / "s.db", "c", "--json").stdout)
    columns = {column["name"]: column for column in told["columns"]}
    assert columns["v"]["default"] == {"constant": "x"} and columns["w"]["generated"] is True
    assert {index["name"] for index in told["indexes"]} >= {"v_of_c"}
    assert [key["ref_table"] for key in told["foreign_keys"]] == ["p"]
    shown = leat.ok("describe", tmp_path / "s.db", "c").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "k p (k)" in lines and "v_of_c v collate nocase desc of some rows" in lines
    assert "w unique constraint" in lines
    leat.ok("cp", f"{tmp_path}/s.db#c", tmp_path / "c.parquet")
    kept = json.loads(leat.ok("describe", tmp_path / "c.parquet", "--json").stdout)
    assert kept["stream"] == "c" and isinstance(kept["indexes"], list)


def test_a_files_own_words_about_indexes_are_not_believed(leat, tmp_path):
    for number, text in enumerate(("[", '{"name": 3}', '[1, "a", null, {"columns": {"x": 1}}]',
                                   '[{"name": "' + "n" * 5000 + '", "columns": [{"name": "a\\u001b[1m"}]}]')):
        schema = pyarrow.schema([("a", pyarrow.int32())], {"leat.indexes": text,
                                                           "leat.foreign_keys": text})
        path = tmp_path / f"{number}.arrow"
        with pyarrow.ipc.new_file(path, schema) as writer:
            writer.write_table(pyarrow.table({"a": pyarrow.array([1], pyarrow.int32())}, schema=schema))
        told = leat.ok("describe", path, "--json").stdout
        assert json.loads(told)["columns"][0]["name"] == "a"
        assert "\x1b" not in leat.ok("describe", path).stdout


TYPES = ("a bigint PRIMARY KEY, b text NOT NULL, c numeric(10,2), d boolean, e date, f timestamp, "
         "g double precision, h bytea, i uuid, j jsonb, k int[], l numeric, m smallint, n time, "
         "o timestamptz, p interval, q inet, r varchar(20)")


def test_the_statement_for_a_system_is_what_that_system_runs(leat, pg_db, tmp_path):
    pg_db.execute(f"CREATE TABLE t ({TYPES})")
    sql = leat.ok("describe", pg_db.stream("t"), "--as", "sqlite").stdout
    made = sqlite3.connect(tmp_path / "made.db")
    made.executescript(sql)
    made.close()
    leat.ok("cp", "meta", pg_db.stream("t"), tmp_path / "copied.db", "-e")
    for name in ("made", "copied"):
        db = sqlite3.connect(tmp_path / f"{name}.db")
        (text,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 't'").fetchone()
        db.close()
        assert text == sql.rstrip(";\n")
    sql = leat.ok("describe", tmp_path / "made.db", "t", "--as", "postgres").stdout
    pg_db.execute("CREATE SCHEMA made", "SET search_path = made", sql)
    leat.ok("cp", "meta", f"{tmp_path}/made.db#t", f"{pg_db.url}#copied", "-e")
    columns = ("SELECT column_name, data_type, is_nullable FROM information_schema.columns "
               "WHERE table_schema = '{}' AND table_name = '{}' ORDER BY ordinal_position")
    with pg_db.connect() as connection:
        one = connection.execute(columns.format("made", "t")).fetchall()
        two = connection.execute(columns.format("public", "copied")).fetchall()
    assert one == two and len(one) == 18


PLACES = ("postgres", "sqlite", "csv")


@pytest.mark.parametrize("source", PLACES)
@pytest.mark.parametrize("destination", PLACES)
def test_meta_prints_what_it_does_for_every_pair(leat, pg_db, tmp_path, source, destination):
    pg_db.execute("CREATE TABLE t (a int, b text NOT NULL, c numeric(10,2), PRIMARY KEY (b, a))",
                  "COMMENT ON TABLE t IS 'it''s'", "COMMENT ON COLUMN t.c IS 'in euros'",
                  "CREATE SCHEMA made", "INSERT INTO t VALUES (1, 'x', 2)")
    leat.ok("cp", pg_db.stream("t"), f"sqlite:{tmp_path}/from.db")
    leat.ok("cp", pg_db.stream("t"), tmp_path / "t.csv")
    sources = {"postgres": pg_db.stream("t"), "sqlite": f"sqlite:{tmp_path}/from.db#t",
               "csv": tmp_path / "t.csv"}
    destinations = {"postgres": f"{pg_db.url}#made.", "sqlite": tmp_path / "to.db",
                    "csv": tmp_path / "to.csv"}
    pair = ("cp", "meta", sources[source], destinations[destination])
    sql = leat.ok(*pair).stdout
    if destination == "csv":
        assert sql == "" and "nothing to be made" in leat.ok(*pair).stderr
        return
    if source != "csv":
        assert "PRIMARY KEY (\"b\", \"a\")" in sql and "\"b\" text NOT NULL" in sql.replace(
            "TEXT", "text")
    if (source, destination) == ("postgres", "postgres"):
        assert "IS 'it''s'" in sql and "\"c\" IS 'in euros'" in sql
    # Run by hand it makes what leat itself does.
    if destination == "postgres":
        pg_db.execute(*[part for part in sql.split(";") if part.strip()])
    else:
        db = sqlite3.connect(tmp_path / "to.db")
        db.executescript(sql)
        db.close()
    done = leat.ok(*pair)
    assert done.stdout == "" and "nothing to be made" in done.stderr


def test_describe_of_files_and_of_several_streams(leat, tmp_path, shop):
    path = tmp_path / "a.csv"
    path.write_text("id,at,t\n1,2026-01-02,x\n", encoding="utf-8")
    sql = leat.ok("describe", path, "--as", "postgres").stdout
    assert sql.startswith('CREATE TABLE "a" ("id" bigint, "at" date, "t" text)')
    told = json.loads(leat.ok("describe", path, "--json").stdout)
    assert told["kind"] == "file" and [c["type"] for c in told["columns"]] == ["int64", "date",
                                                                              "utf8"]
    leat.ok("cp", shop, f"{tmp_path}/lake/", "--format", "parquet")
    several = leat.ok("describe", f"{tmp_path}/lake/", "--as", "sqlite").stdout.splitlines()
    assert len(several) == 2 and all(line.endswith(";") for line in several)
    assert "DECIMAL" in leat.ok("describe", shop, "goods", "--as", "parquet").stdout
    leat.fails(2, "not-found", "describe", shop, "nothing")
    leat.fails(2, "unknown-scheme", "describe", shop, "goods", "--as", "oracel")


# --- many streams --------------------------------------------------------------------------------

def test_names_by_template_at_the_destination(leat, shop, tmp_path):
    leat.ok("cp", shop, f"{tmp_path}/to.db#x_{{stream}}_{{date}}", "--exclude", "dear")
    db = sqlite3.connect(tmp_path / "to.db")
    (name,) = db.execute("SELECT name FROM sqlite_master WHERE name LIKE 'x%'").fetchone()
    assert name.startswith("x_goods_20") and len(name) == len("x_goods_") + 8
    assert leat.ok("diff", shop, f"{tmp_path}/to.db#x_{{stream}}_{{date}}", "--include", "goods")
    report = leat.home / "r.json"
    leat.ok("cp", shop, f"{tmp_path}/to.db#{{stream}}_{{run_id}}_{{time}}_{{{{a}}}}", "--exclude",
            "dear", f"--report={report}")
    told = json.loads(report.read_text(encoding="utf-8"))
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    (name,) = [name for name in names if told["run_id"] in name]
    assert name.startswith("goods_") and name.endswith("_{a}")
    assert told["streams"][0]["destination"].endswith(name)
    assert leat.ok("runs", told["run_id"]).stdout.startswith(told["run_id"])
    done = leat.fails(2, "usage", "cp", shop, f"{tmp_path}/to.db#{{tabel}}_x")
    assert "{tabel}" in done.stderr and "{run_id}" in done.stderr
    db.close()


@pytest.mark.parametrize("command", [["cp", "meta"], ["cp", "meta", "-e"], ["sync", "batch"],
                                     ["cp"], ["cp", "delta", "-d", "id"]])
def test_wildcards_and_templates_are_alike_in_every_command(leat, shop, tmp_path, command):
    db = sqlite3.connect(shop)
    db.executescript("CREATE TABLE gone (id INTEGER PRIMARY KEY); INSERT INTO gone VALUES (1);"
                     "CREATE TABLE left_out (id INTEGER PRIMARY KEY)")
    db.commit()
    db.close()
    to = f"{tmp_path}/to.db#copy_{{stream}}"
    words = [word for word in command if not word.startswith("-") and word != "id"]
    options = command[len(words):]
    done = leat.ok(*words, f"{shop}#g*", to, *options)
    if command == ["cp", "meta"]:
        assert 'CREATE TABLE "copy_goods"' in done.stdout and '"copy_gone"' in done.stdout
        return
    assert "2 streams: " in done.stderr
    names = [row[0] for row in sqlite3.connect(tmp_path / "to.db").execute(
        "SELECT name FROM sqlite_master WHERE name LIKE 'copy%' ORDER BY 1")]
    assert names == ["copy_gone", "copy_goods"]
    if "meta" not in command:
        assert "2 equal" in leat.ok("verify", f"{shop}#g*", to).stderr
        assert "2 streams: 2 equal, 0 different" in leat.ok("diff", f"{shop}#g*", to).stderr
        assert leat.ok("diff", shop, to, "--include", "g*", "--exclude", "gone")


def test_a_delta_of_streams_without_its_cursor_stops_before_any(leat, shop, tmp_path):
    db = sqlite3.connect(shop)
    db.executescript("CREATE TABLE plain (a INT); CREATE TABLE simple (a INT)")
    db.commit()
    db.close()
    done = leat.fails(2, "unknown-column", "cp", "delta", shop, tmp_path / "to.db", "-d", "id",
                      "--exclude", "dear")
    assert "2 of 3 streams have no column id: plain, simple" in done.stderr
    assert not (tmp_path / "to.db").exists()
    done = leat.ok("cp", "delta", shop, tmp_path / "to.db", "-d", "id", "--exclude", "dear",
                   "--without-cursor", "skip")
    assert "plain, simple" in done.stderr and "goods: 3 rows" in done.stderr


def test_a_run_of_many_says_how_many_failed(leat, shop, tmp_path):
    leat.ok("cp", shop, tmp_path / "to.db", "--exclude", "dear")
    db = sqlite3.connect(tmp_path / "to.db")
    db.executescript("DELETE FROM _leat_state; DELETE FROM _leat_load; "
                     "CREATE TABLE dear (id INT); INSERT INTO dear VALUES (7)")
    db.commit()
    db.close()
    done = leat(*("cp", shop, tmp_path / "to.db", "--keep-going", "--log-format", "json"))
    summary = json.loads(done.stderr.splitlines()[-1])
    assert summary["level"] == "summary" and summary["streams"] == 2 and summary["failed"] == 2
    one = leat.ok("cp", shop, tmp_path / "two.db", "--include", "goods")
    assert "streams:" not in one.stderr
