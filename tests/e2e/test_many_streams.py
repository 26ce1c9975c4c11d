"""Whole namespaces: selection, keep-going, all or nothing, one moment for all."""
import json
import sqlite3
import threading

import pytest

import readers

TABLES = ["alpha", "beta", "gamma", "tmp_delta"]


@pytest.fixture
def shop(pg_db):
    for table in TABLES:
        pg_db.execute(f"create table {table} as select g as id, '{table}' as name "
                      "from generate_series(1, 1000) g")
    return pg_db


def tables_of(path):
    return sorted(row[1] for row in readers.sqlite_table(path, "sqlite_schema")[1]
                  if row[0] == "table" and not row[1].startswith(("_leat", "sqlite_")))


@pytest.mark.quick
@pytest.mark.parametrize("pattern", ["", "*"])
def test_a_namespace_is_copied_table_by_table(leat, shop, tmp_path, pattern):
    done = leat.ok("cp", shop.stream(pattern), f"sqlite:{tmp_path}/shop.db")
    assert tables_of(tmp_path / "shop.db") == TABLES
    for table in TABLES:
        assert len(readers.sqlite_table(tmp_path / "shop.db", table)[1]) == 1000
        assert f"{table}: 1,000 rows" in done.stderr


def test_include_and_exclude_choose_among_streams(leat, shop, tmp_path):
    leat.ok("cp", shop.stream(""), f"sqlite:{tmp_path}/a.db", "--exclude=tmp_*")
    assert tables_of(tmp_path / "a.db") == TABLES[:3]
    leat.ok("cp", shop.stream(""), f"sqlite:{tmp_path}/b.db", "--include=*a", "--exclude=alpha")
    assert tables_of(tmp_path / "b.db") == ["beta", "gamma", "tmp_delta"]


def test_a_pattern_that_matches_nothing_is_refused(leat, shop, tmp_path):
    leat.fails(2, "not-found", "cp", shop.stream("zz*"), f"sqlite:{tmp_path}/a.db")


def test_a_directory_takes_a_file_a_stream_and_gives_them_back(leat, shop, tmp_path):
    folder = tmp_path / "backup"
    leat.ok("cp", shop.stream(""), f"{folder}/", "--format=arrow")
    assert {f"{table}.arrow" for table in TABLES} <= {p.name for p in folder.iterdir()}
    leat.ok("cp", f"{folder}/", f"sqlite:{tmp_path}/back.db")
    assert tables_of(tmp_path / "back.db") == TABLES
    assert len(readers.arrow_table(folder / "beta.arrow")[1]) == 1000


def test_keep_going_copies_the_others_after_one_fails(leat, shop, pg, tmp_path):
    path = tmp_path / "shop.db"
    leat.ok("cp", shop.stream("beta"), f"sqlite:{path}#beta")
    import sqlite3
    connection = sqlite3.connect(path)
    connection.executescript("delete from beta; drop table beta; "
                             "create table beta (id integer check (id < 10), name text)")
    connection.close()
    done = leat("cp", shop.stream(""), f"sqlite:{path}", "--keep-going")
    assert done.returncode == 1, done.stderr
    assert "beta" in done.stderr
    for table in ("alpha", "gamma", "tmp_delta"):
        assert len(readers.sqlite_table(path, table)[1]) == 1000
    assert readers.sqlite_table(path, "beta")[1] == []


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_atomic_commits_all_streams_or_none(leat, shop, tmp_path, system):
    path = tmp_path / "shop.db"
    if system == "sqlite":
        import sqlite3
        connection = sqlite3.connect(path)
        connection.execute("create table gamma (id integer check (id < 10), name text)")
        connection.commit()
        connection.close()
        destination = f"sqlite:{path}"
    else:
        shop.execute("create schema away",
                     "create table away.gamma (id integer check (id < 10), name text)")
        destination = f"{shop.url}#away."
    done = leat("cp", shop.stream(""), destination, "--atomic")
    assert done.returncode == 1, done.stderr
    if system == "sqlite":
        assert tables_of(path) == ["gamma"] and readers.sqlite_table(path, "gamma")[1] == []
    else:
        with shop.connect() as connection:
            left = connection.execute("select relname from pg_class where relkind = 'r' and "
                                      "relnamespace = 'away'::regnamespace and "
                                      "relname !~ '^_leat_(state|load)$'").fetchall()
        assert left == [("gamma",)]
    leat.ok("cp", shop.stream(""), destination, "--atomic", "--exclude=gamma")


def test_all_streams_are_read_as_of_one_moment(leat, pg_db, tmp_path):
    """A writer moves a unit from one table to the other all the time; the sum never changes."""
    pg_db.execute("create table left_side as select g as id, 1 as n from generate_series(1, 40000) g",
                  "create table right_side as select g as id, 0 as n from generate_series(1, 40000) g")
    stop = threading.Event()

    def move():
        with pg_db.connect() as connection:
            i = 0
            while not stop.is_set():
                i = i % 40000 + 1
                connection.execute("update left_side set n = n - 1 where id = %s", [i])
                connection.execute("update right_side set n = n + 1 where id = %s", [i])
                connection.commit()

    writer = threading.Thread(target=move)
    pg_db.execute("create index on left_side (id)", "create index on right_side (id)")
    writer.start()
    try:
        for i in range(3):
            path = tmp_path / f"copy{i}.db"
            leat.ok("cp", pg_db.stream("*_side"), f"sqlite:{path}", "--parallel=2")
            total = sum(row[1] for table in ("left_side", "right_side")
                        for row in readers.sqlite_table(path, table)[1])
            assert total == 40_000
    finally:
        stop.set()
        writer.join()


def test_a_chinook_database_moves_to_postgres_with_keys(leat, chinook, pg_db):
    leat.ok("cp", f"sqlite:{chinook}", f"{pg_db.url}#public.")
    tables = [row[1] for row in readers.sqlite_table(chinook, "sqlite_schema")[1]
              if row[0] == "table" and not row[1].startswith("sqlite_")]
    assert set(pg_db.tables()) >= set(tables)
    for table in tables:
        assert pg_db.count(f'"{table}"') == len(readers.sqlite_table(chinook, table)[1])
    with pg_db.connect() as connection:
        keys = connection.execute("select count(*) from pg_constraint where contype = 'p' and "
                                  "connamespace = 'public'::regnamespace and "
                                  "conrelid::regclass::text !~ '_leat'").fetchone()[0]
    assert keys == len(tables)


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_views_among_several_streams_are_told_of_or_left_out(leat, pg_db, tmp_path, system):
    ddl = ("create table t (id int primary key)", "insert into t values (1), (2)", "create view v as select id from t",
           "create view w as select id from t where id > 1")
    source, out = (f"{pg_db.url}#public.*", tmp_path / "out.db") if system == "postgres" else (
        tmp_path / "in.db", tmp_path / "out.db")
    if system == "postgres":
        pg_db.execute(*ddl, "create materialized view m as select id from t")
    else:
        with sqlite3.connect(tmp_path / "in.db") as lite:
            lite.executescript(";".join(ddl))

    def copied(*options):
        out.unlink(missing_ok=True)
        done = leat.ok("cp", source, f"sqlite:{out}", *options)
        with sqlite3.connect(out) as lite:
            names = {name for (name,) in lite.execute("select name from sqlite_master where type = 'table'")}
        return {name for name in names if not name.startswith("_leat")}, done.stderr

    views = {"v", "w", "m"} if system == "postgres" else {"v", "w"}
    tables, told = copied()
    assert tables == {"t"} | views and f"{len(views)} views become tables" in told and "--views" in told
    tables, told = copied("--views", "copy")
    assert tables == {"t"} | views and "become" not in told
    tables, told = copied("--views", "skip")
    assert tables == {"t"} and "become" not in told
    assert copied("--views", "skip", "--include", "t,w")[0] == {"t", "w"}
    leat.ok("verify", source, f"sqlite:{out}", "--views", "skip", "--include", "t,w")
    shown = leat.ok("streams", source, "--json")
    assert shown.stdout.count('"view"') == len(views) and shown.stderr == ""
    (leat.home / "p.yaml").write_text(f"from: {json.dumps(str(source).replace('#public.*', ''))}\nto: 'sqlite:{out}'\n"
                                      "streams: {'*': {views: skip}, w: {}}\n")
    out.unlink()
    leat.ok("pipe", "run", "p.yaml", "-q")
    with sqlite3.connect(out) as lite:
        names = {name for (name,) in lite.execute("select name from sqlite_master where type = 'table'")}
    assert {"t", "w"} == {name for name in names if not name.startswith("_leat")}


SMALL = {'odd "name" {1,2}\\': "(id int PRIMARY KEY, n numeric(10,2), t text[])", "Ünicode": "(id int, v varchar(7) NOT NULL)",
         "of_domain": "(id public.positive, at timestamptz(3))", "nothing": "()", "refers": "(id int REFERENCES source.t01)"}


def shapes(db, schema):
    """Every column and key, as the server tells it."""
    with db.connect() as connection:
        return connection.execute(
            "SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description("
            "a.attrelid, a.attnum), obj_description(c.oid, 'pg_class'), (SELECT array_agg(contype::text ORDER BY 1) FROM "
            "pg_constraint k WHERE k.conrelid = c.oid) FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND "
            f"a.attnum > 0 WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE "
            "'\\_leat%' ORDER BY 1, 2").fetchall()


@pytest.mark.asan
@pytest.mark.parametrize("parallel", ["1", "3"])
def test_many_small_tables_keep_their_own_columns(leat, pg_db, parallel):
    """The source is asked about many of them at once; none may get what was said of another."""
    names = [f"t{i:02}" for i in range(150)]
    pg_db.execute("CREATE SCHEMA source", "CREATE SCHEMA target", "CREATE DOMAIN public.positive AS int CHECK (value > 0)")
    for i, name in enumerate(names):
        columns = ", ".join(f"c{k} {('int', 'text', 'date')[(i + k) % 3]}" for k in range(i % 7))
        pg_db.execute(f"CREATE TABLE source.{name} (id int PRIMARY KEY{', ' * bool(columns)}{columns})",
                      f"INSERT INTO source.{name} SELECT generate_series(1, {i})",
                      f"COMMENT ON COLUMN source.{name}.id IS 'of {name}'", f"COMMENT ON TABLE source.{name} IS '{name}'")
    for name, columns in SMALL.items():
        quoted = name.replace('"', '""')
        pg_db.execute(f'CREATE TABLE source."{quoted}" {columns}')
    leat.ok("cp", f"{pg_db.url}#source.", f"{pg_db.url}#target.", "--parallel", parallel, "--with", "foreign-keys")
    assert shapes(pg_db, "target") == shapes(pg_db, "source")
    with pg_db.connect() as connection:
        for i, name in enumerate(names):
            assert connection.execute(f"SELECT count(*), sum(id) FROM target.{name}").fetchone() == (
                i, i * (i + 1) // 2 or None), name
