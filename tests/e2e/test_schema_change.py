"""--schema evolve, strict, check, ignore: what becomes of a table that is not what comes; judged by psycopg and sqlite3."""
import json
import sqlite3

import pytest

TYPE = ("select format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end "
        "from pg_attribute where attrelid = 't'::regclass and attname = %s")

# Of the destination, of the source, what it becomes, a value at the source.
WIDER = [
    ("varchar(5)", "varchar(20)", "character varying(20)", "'a longer text'"),
    ("varchar(5)", "text", "text", "'a longer text'"),
    ("char(3)", "char(5)", "character(5)", "'abcde'"),
    ("varchar(3)", "char(5)", "character varying(5)", "'abcde'"),
    ("timestamp(3)", "timestamp(6)", "timestamp(6) without time zone", "'2026-01-01 10:00:00.123456'"),
    ("timestamptz(0)", "timestamptz", "timestamp with time zone", "'2026-01-01 10:00:00.5+00'"),
    ("time(0)", "time(6)", "time(6) without time zone", "'10:00:00.123456'"),
    ("int[]", "bigint[]", "bigint[]", "'{5000000000,null}'"),
    ("varchar(2)[]", "varchar(9)[]", "character varying(9)[]", "'{long text}'"),
    ("bit varying(3)", "bit varying(5)", "bit varying(5)", "B'10101'"),
    ("bit varying(3)", "bit(5)", "bit varying(5)", "B'10101'"),
    ("numeric(5,2)", "numeric(7,2)", "numeric(7,2)", "12345.67"),
    ("numeric(5,2)", "numeric(5,3)", "numeric(6,3)", "12.345"),
    ("numeric(5,2)", "numeric", "numeric", "123456789.123"),
    ("smallint", "bigint", "bigint", "5000000000"),
    ("real", "double precision", "double precision", "0.1"),
]

# Of the destination, of the source, the statement that it would take.
OTHER = [
    ("int", "text", "TYPE text"),
    ("int", "double precision", "TYPE double precision"),
    ("bigint", "double precision", "TYPE numeric"),
    ("date", "timestamp", "TYPE timestamp without time zone"),
    ("bit(3)", "bit(5)", 'TYPE bit(5) USING "v"::text::bit(5)'),
    ("boolean", "int", 'TYPE integer USING "v"::text::integer'),
    ("uuid", "text", "TYPE text"),
]


@pytest.fixture
def pair(pg_db, pg_db2):
    """pair(type of the source's v, of the destination's): two tables t (id, at, v)."""
    def make(source, dest):
        for db, kind in ((pg_db, source), (pg_db2, dest)):
            db.execute(f"create table t (id int primary key, at int not null, v {kind})")
        return pg_db, pg_db2
    return make


def type_of(db, column="v"):
    with db.connect() as connection:
        return connection.execute(TYPE, [column]).fetchone()[0]


def texts(db):
    with db.connect() as connection:
        return connection.execute("select v::text from t order by id").fetchall()


def delta(leat, pair, *more):
    return leat("cp", "delta", pair[0].stream("t"), pair[1].stream("t"), "-d", "at", *more)


@pytest.mark.parametrize("has, comes, becomes, value", WIDER, ids=lambda each: str(each)[:24])
def test_a_column_takes_the_type_that_holds_both(leat, pair, has, comes, becomes, value):
    source, dest = pair(comes, has)
    source.execute(f"insert into t values (1, 1, {value})")
    meta = leat.ok("cp", "meta", source.stream("t"), dest.stream("t"))
    statement = f'ALTER TABLE "public"."t" ALTER COLUMN "v" TYPE {becomes}'
    assert statement in meta.stdout
    assert type_of(dest) != becomes
    done = delta(leat, (source, dest))
    assert done.returncode == 0, done.stderr
    assert type_of(dest) == becomes and texts(dest) == texts(source)
    again = leat.ok("cp", "meta", source.stream("t"), dest.stream("t"))
    assert "ALTER" not in again.stdout


@pytest.mark.parametrize("has, comes", [(row[1], row[0]) for row in WIDER if row[0] != "numeric(5,2)"
                                        or row[1] != "numeric(5,3)"], ids=lambda each: each)
def test_a_wider_table_stays_as_it_is(leat, pair, has, comes):
    source, dest = pair(comes, has)
    before = type_of(dest)
    if not (has.startswith("bit(") or has.startswith("char(") and comes.startswith("varchar")):
        assert "ALTER" not in leat.ok("cp", "meta", source.stream("t"), dest.stream("t")).stdout
        assert delta(leat, (source, dest)).returncode == 0
        assert delta(leat, (source, dest), "--schema", "strict").returncode == 0
    assert type_of(dest) == before


@pytest.mark.parametrize("has, comes, statement", OTHER, ids=lambda each: each[:24])
def test_a_type_that_none_holds_with_it_stops_and_says_what_it_takes(leat, pair, has, comes,
                                                                     statement):
    source, dest = pair(comes, has)
    whole = f'ALTER TABLE "public"."t" ALTER COLUMN "v" {statement}'
    for more in ((), ("--schema", "strict")):
        stop = leat.fails(2, "column-mismatch", "cp", "delta", source.stream("t"),
                          dest.stream("t"), "-d", "at", *more)
        assert whole in stop.stderr
    dest.execute(whole)  # it is a statement that PostgreSQL takes, after which nothing stops
    assert delta(leat, (source, dest)).returncode == 0


def test_not_null_stays_and_a_null_that_comes_stops_the_run(leat, pair):
    source, dest = pair("int", "int not null")
    source.execute("insert into t values (1, 1, 1)")
    report = leat.home.parent / "report.json"
    assert delta(leat, (source, dest), "--report", report).returncode == 0
    drift = json.loads(report.read_text())["streams"][0]["drift"]
    assert '"v" may be null and stays NOT NULL' in drift
    source.execute("insert into t values (2, 2, null)")
    leat.fails(1, "not-null", "cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at")
    assert type_of(dest) == "integer not null" and texts(dest) == [("1",)]


def test_strict_names_every_difference_at_once(leat, pg_db, pg_db2):
    pg_db.execute("create table t (id int primary key, at int not null, v bigint, w text, "
                  "added date, n int)", "insert into t values (1, 1, 1, 'x', null, null)")
    pg_db2.execute("create table t (id int primary key, at int not null, v smallint, w int, "
                   "gone text, n int not null, g int generated always as (id * 2) stored)",
                   "insert into t values (1, 1, 1, 2, 'stale', 3)")
    before = pg_db2.rows("t")
    for command in (("cp", "delta", pg_db.stream("t"), pg_db2.stream("t"), "-d", "at"),
                    ("cp", pg_db.stream("t"), pg_db2.stream("t"), "--replace")):
        stop = leat.fails(2, "column-mismatch", *command, "--schema", "strict").stderr
        for part in ('ALTER COLUMN "v" TYPE bigint', 'ALTER COLUMN "w" TYPE text',
                     'ADD COLUMN "added" date', 'DROP COLUMN "gone"',
                     'ALTER COLUMN "n" DROP NOT NULL'):
            assert f'ALTER TABLE "public"."t" {part}' in stop, part
        assert '"g"' not in stop
    assert pg_db2.rows("t") == before


@pytest.mark.parametrize("fault", ["added", "gone", "narrower", "other", "nulls"])
def test_strict_stops_at_each_kind_of_difference(leat, pair, fault):
    source, dest = pair("int", {"narrower": "smallint", "other": "text[]",
                                "nulls": "int not null"}.get(fault, "int"))
    if fault in ("added", "gone"):
        (source if fault == "added" else dest).execute("alter table t add column x int")
    source.execute("insert into t values (1, 1, 1)")
    leat.fails(2, "column-mismatch", "cp", "delta", source.stream("t"), dest.stream("t"),
               "-d", "at", "--schema", "strict")
    leat.fails(2, "column-mismatch", "cp", source.stream("t"), dest.stream("t"), "--replace",
               "--schema", "strict")
    leat.fails(2, "column-mismatch", "sync", "batch", source.stream("t"), dest.stream("t"),
               "--schema", "strict")
    assert dest.count("t") == 0


def test_sqlite_stops_with_statements_it_takes(leat, tmp_path):
    source, dest = tmp_path / "s.db", tmp_path / "d.db"
    with sqlite3.connect(source) as db:
        db.execute("create table t (id integer primary key, at integer, v integer, w text)")
        db.execute("insert into t values (1, 1, 5000000000, 'x')")
    with sqlite3.connect(dest) as db:
        db.execute("create table t (id integer primary key, at integer, v int32_integer, "
                   "w varchar(2))")
        db.execute("insert into t values (2, 0, 7, 'y')")
    stop = leat.fails(2, "column-mismatch", "cp", "delta", f"{source}#t", f"{dest}#t", "-d", "at",
                      "-p", "id").stderr
    start = stop.index("ALTER TABLE")
    with sqlite3.connect(dest) as db:
        db.executescript(stop[start:stop.index('DROP COLUMN "v_old"') + len('DROP COLUMN "v_old"')])
    leat.ok("cp", "delta", f"{source}#t", f"{dest}#t", "-d", "at", "-p", "id")
    with sqlite3.connect(dest) as db:
        assert db.execute("select id, v, w from t order by id").fetchall() == \
            [(1, 5000000000, "x"), (2, 7, "y")]


def test_a_sync_keeps_lengths_that_are_the_same(leat, pair):
    source, dest = pair("varchar(20)", "varchar(20)")
    source.execute("insert into t values (1, 1, 'a')")
    leat.ok("sync", "batch", source.stream("t"), dest.stream("t"))
    assert type_of(dest) == "character varying(20)" and texts(dest) == [("a",)]


def test_a_sync_widens_where_a_row_needs_it(leat, pair):
    source, dest = pair("varchar(20)", "varchar(3)")
    source.execute("insert into t values (1, 1, 'a longer one')")
    leat.ok("sync", "batch", source.stream("t"), dest.stream("t"))
    assert type_of(dest) == "character varying(20)" and texts(dest) == [("a longer one",)]


def drift_of(leat, tmp_path, *command):
    report = tmp_path / "report.json"
    leat.ok(*command, "--report", report)
    return json.loads(report.read_text())["streams"][0]["drift"]


@pytest.mark.parametrize("policy", ["check", "ignore", "evolve"])
@pytest.mark.parametrize("mode", ["delta", "sync", "copy"])
def test_the_report_says_all_that_differs(leat, tmp_path, pg_db, pg_db2, mode, policy):
    pg_db.execute("create table t (id int primary key, at int not null, v bigint)",
                  "insert into t values (1, 1, 1)")
    pg_db2.execute("create table t (id int primary key, at int not null, v smallint, extra text)")
    command = {"delta": ("cp", "delta"), "sync": ("sync", "batch"), "copy": ("cp",)}[mode]
    more = {"delta": ("-d", "at"), "sync": (), "copy": ("--replace",)}[mode]
    drift = drift_of(leat, tmp_path, *command, pg_db.stream("t"), pg_db2.stream("t"), *more,
                     "--schema", policy)
    assert '"extra" does not come' in drift
    assert ('"v" becomes bigint from smallint' if policy == "evolve" else
            '"v" comes as bigint and stays smallint: its values are checked') in drift


def test_a_delta_with_nothing_new_still_says_what_differs(leat, tmp_path, pair):
    source, dest = pair("int", "int")
    source.execute("insert into t values (1, 1, 1)")
    leat.ok("cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at")
    dest.execute("alter table t add column extra int")
    drift = drift_of(leat, tmp_path, "cp", "delta", source.stream("t"), dest.stream("t"),
                     "-d", "at")
    assert '"extra" does not come' in drift


def test_a_sync_that_is_only_tried_says_what_it_would_do(leat, pair):
    source, dest = pair("varchar(20)", "varchar(3)")
    source.execute("alter table t add column extra int",
                   "insert into t values (1, 1, 'same', 1), (2, 1, 'other', 2), (3, 1, 'new', 3)")
    dest.execute("insert into t values (2, 1, 'old'), (8, 1, 'go'), (9, 1, 'go')")
    before = dest.rows("t")
    plan = leat.ok("sync", "batch", source.stream("t"), dest.stream("t"), "-n").stdout
    assert "to be inserted: 2, updated: 1, deleted: 2; left as they are: 0" in plan
    assert 'ALTER TABLE "public"."t" ALTER COLUMN "v" TYPE character varying(20)' in plan
    assert 'ALTER TABLE "public"."t" ADD COLUMN "extra" integer' in plan
    assert dest.rows("t") == before and type_of(dest) == "character varying(3)"
    leat.fails(2, "too-many-deletes", "sync", "batch", source.stream("t"), dest.stream("t"), "-n",
               "--max-delete", "1")
    leat.ok("sync", "batch", source.stream("t"), dest.stream("t"))
    again = leat.ok("sync", "batch", source.stream("t"), dest.stream("t"), "-n").stdout
    assert "to be inserted: 0, updated: 0, deleted: 0; left as they are: 3" in again
    assert "ALTER" not in again


def test_a_sync_into_files_that_is_only_tried_says_that_they_are_written_anew(leat, tmp_path):
    for name, text in (("a.csv", "id,v\n1,a\n2,b\n"), ("b.csv", "id,v\n2,c\n")):
        (tmp_path / name).write_text(text)
    plan = leat.ok("sync", "batch", tmp_path / "a.csv", tmp_path / "b.csv", "-p", "id", "-n").stdout
    assert "to be inserted: 1, updated: 1, deleted: 0" in plan and "written anew" in plan
    assert (tmp_path / "b.csv").read_text() == "id,v\n2,c\n"


@pytest.mark.parametrize("to", ["postgres", "sqlite"])
def test_a_sync_deletes_rows_with_nulls_where_the_source_has_none(leat, tmp_path, pg_db, pg_db2,
                                                                  to):
    pg_db.execute("create table t (id int primary key, v text not null, n int not null)",
                  "insert into t values (1, 'a', 1)")
    rows = "insert into t values (1, 'b', null), (2, null, null), (3, 'x', 3)"
    table = "create table t (id int primary key, v text, n int)"
    if to == "postgres":
        pg_db2.execute(table, rows)
        leat.ok("sync", "batch", pg_db.stream("t"), pg_db2.stream("t"))
        assert pg_db2.rows("t") == [(1, "a", 1)]
        return
    with sqlite3.connect(tmp_path / "d.db") as db:
        db.execute(table)
        db.execute(rows)
    leat.ok("sync", "batch", pg_db.stream("t"), f"{tmp_path}/d.db#t")
    with sqlite3.connect(tmp_path / "d.db") as db:
        assert db.execute("select * from t").fetchall() == [(1, "a", 1)]


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_a_sync_with_nothing_to_write_says_that_nothing_was_altered(leat, tmp_path, pg_db, pg_db2, system):
    pg_db.execute("create table t (id int primary key, v bigint)", "insert into t values (1, 1)")
    pg_db2.execute("create table t (id int primary key, v smallint, extra int)", "insert into t values (1, 1)")
    if system == "sqlite":
        leat.ok("cp", pg_db.stream("t"), f"{tmp_path}/t.db#t")
    source = pg_db.stream("t") if system == "postgres" else f"sqlite:{tmp_path}/t.db#t"
    drift = drift_of(leat, tmp_path, "sync", "batch", source, pg_db2.stream("t"))
    assert drift.startswith("with the next rows that differ: ") and '"v" becomes bigint from smallint' in drift
    assert pg_db2.rows("information_schema.columns where table_name = 't' and data_type = 'smallint'")
    pg_db2.execute("alter table t alter v type bigint")
    if system == "sqlite":
        pg_db2.execute("alter table t alter id type bigint")
    assert drift_of(leat, tmp_path, "sync", "batch", source, pg_db2.stream("t")) == '"extra" does not come'
