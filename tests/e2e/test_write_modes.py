"""What may be overwritten, and what becomes of the table that was there."""
import sqlite3

import pytest

import readers
from conftest import wait_for


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    return path


@pytest.fixture(params=["postgres", "sqlite"])
def dest(request, tmp_path):
    """(location, rows, make) of one destination table that does not exist yet."""
    if request.param == "postgres":
        db = request.getfixturevalue("pg_db")
        return db.stream("orders"), lambda: db.rows("orders"), db.execute
    path = tmp_path / "shop.db"

    return (f"sqlite:{path}#orders",
            lambda: sorted(readers.sqlite_table(path, "orders")[1]),
            lambda *statements: write_sqlite(path, *statements))


ROWS = [(1, "one"), (2, "two")]


@pytest.mark.quick
def test_an_absent_table_is_made_and_may_be_written_again_by_the_same_source(leat, dest, csv_file):
    location, rows, _ = dest
    leat.ok("cp", csv_file, location)
    assert rows() == ROWS
    csv_file.write_text("id,name\n3,three\n", encoding="utf-8")
    leat.ok("cp", csv_file, location)
    assert rows() == [(3, "three")]


@pytest.mark.asan
def test_rows_that_leat_did_not_write_are_not_replaced_unasked(leat, dest, csv_file):
    location, rows, execute = dest
    execute("create table orders (id bigint, name text)", "insert into orders values (9, 'mine')")
    done = leat.fails(2, "destination-holds-rows", "cp", csv_file, location)
    assert "--replace" in done.stderr and "--append" in done.stderr
    assert rows() == [(9, "mine")]
    leat.ok("cp", csv_file, location, "--append")
    assert rows() == [*ROWS, (9, "mine")]
    leat.ok("cp", csv_file, location, "--replace")
    assert rows() == ROWS


def test_an_empty_table_is_filled_without_being_asked(leat, dest, csv_file):
    location, rows, execute = dest
    execute("create table orders (id bigint, name text)")
    leat.ok("cp", csv_file, location)
    assert rows() == ROWS


def test_another_source_must_say_replace(leat, dest, csv_file, tmp_path):
    location, rows, _ = dest
    leat.ok("cp", csv_file, location)
    other = tmp_path / "other.csv"
    other.write_text("id,name\n5,five\n", encoding="utf-8")
    leat.fails(2, "destination-holds-rows", "cp", other, location)
    assert rows() == ROWS
    leat.ok("cp", other, location, "--replace")
    assert rows() == [(5, "five")]


@pytest.mark.parametrize("remade", ["(id bigint, name text)", "(id bigint not null, name text)"])
def test_a_table_that_others_made_anew_is_not_the_one_leat_wrote(leat, dest, csv_file, remade):
    location, rows, execute = dest
    execute("create table orders (id bigint, name text)")
    leat.ok("cp", csv_file, location)
    execute("drop table orders", f"create table orders {remade}",
            "insert into orders values (9, 'mine')")
    leat.fails(2, "destination-holds-rows", "cp", csv_file, location)
    assert rows() == [(9, "mine")]


def test_other_tables_and_a_vacuum_leave_a_sqlite_table_the_one_leat_wrote(leat, csv_file, tmp_path):
    path = tmp_path / "shop.db"
    import sqlite3
    with sqlite3.connect(path) as connection:
        connection.execute("create table gone (id)")
        connection.execute("create table orders (id bigint, name text)")
    leat.ok("cp", csv_file, f"sqlite:{path}#orders")
    with sqlite3.connect(path) as connection:
        connection.execute("drop table gone")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("vacuum")
    connection.close()
    leat.ok("cp", csv_file, f"sqlite:{path}#orders")


def test_no_rows_replace_some_rows_only_when_allowed(leat, dest, csv_file):
    location, rows, _ = dest
    leat.ok("cp", csv_file, location)
    csv_file.write_text("id,name\n", encoding="utf-8")
    leat.fails((1, 2), "empty-source", "cp", csv_file, location, "--replace", "--cast=id=int64")
    assert rows() == ROWS
    leat.ok("cp", csv_file, location, "--replace", "--allow-empty", "--cast=id=int64")
    assert rows() == []


def test_append_twice_doubles_and_says_so_by_its_counts(leat, dest, csv_file):
    location, rows, _ = dest
    for _ in range(2):
        done = leat.ok("cp", csv_file, location, "--append")
        assert "2 rows" in done.stderr
    assert rows() == sorted(ROWS * 2)


def test_replace_and_append_together_are_a_usage_error(leat, csv_file, tmp_path):
    leat.fails(2, "usage", "cp", csv_file, f"sqlite:{tmp_path}/x.db#t", "--replace", "--append")
    assert not (tmp_path / "x.db").exists()


def test_replace_keeps_definition_grants_and_views(leat, pg_db, csv_file):
    pg_db.execute("create table orders (id bigint primary key, name varchar(40) default 'x')",
                  "create view seen as select name from orders",
                  "create index by_name on orders (name)",
                  "insert into orders values (9, 'old')", "grant select on orders to public")
    leat.ok("cp", csv_file, pg_db.stream("orders"), "--replace")
    assert pg_db.rows("orders") == ROWS and pg_db.rows("seen") == [("one",), ("two",)]
    with pg_db.connect() as connection:
        kept = connection.execute(
            "select (select count(*) from pg_indexes where tablename = 'orders'), "
            "has_table_privilege('public', 'orders', 'select'), "
            "(select column_default is not null and character_maximum_length = 40 "
            " from information_schema.columns where table_name = 'orders' and column_name = 'name')"
        ).fetchone()
    assert kept == (2, True, True)


def test_recreate_replaces_the_definition_too(leat, pg_db, csv_file):
    pg_db.execute("create table orders (other int)", "insert into orders values (1)")
    leat.fails(2, "column-mismatch", "cp", csv_file, pg_db.stream("orders"), "--replace")
    leat.ok("cp", csv_file, pg_db.stream("orders"), "--replace", "--recreate")
    assert pg_db.rows("orders") == ROWS


def test_readers_see_old_or_new_and_never_an_empty_table(leat, pg_db, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id,name\n" + "".join(f"{i},n\n" for i in range(100_000)), encoding="utf-8")
    pg_db.execute("create table orders (id bigint, name text)",
                  "insert into orders select g, 'o' from generate_series(1, 500) g")
    child = leat.start("cp", path, pg_db.stream("orders"), "--replace")
    seen = set()
    with pg_db.connect() as connection:
        connection.autocommit = True
        connection.execute("set lock_timeout = '20s'")
        while child.poll() is None:
            seen.add(connection.execute("select count(*) from orders").fetchone()[0])
    assert child.wait() == 0, child.stderr.read()
    assert seen <= {500, 100_000} and 500 in seen


@pytest.mark.quick
def test_a_single_file_is_replaced_as_a_whole(leat, csv_file, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("something else\n", encoding="utf-8")
    leat.ok("cp", csv_file, out)
    assert readers.csv_table(out) == (["id", "name"], [("1", "one"), ("2", "two")])


def test_columns_rename_cast_where_limit_and_query_shape_the_copy(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int, name text, total numeric(10,2))",
                  "insert into t select g, 'n' || g, g * 1.5 from generate_series(1, 100) g")
    out = tmp_path / "out.arrow"
    leat.ok("cp", pg_db.stream("t"), out, "--columns=total,id", "--rename=id=key",
            "--cast=total=float64", "--where=id <= 10", "--limit=5")
    columns, rows = readers.arrow_table(out)
    assert columns == ["total", "key"] and len(rows) == 5
    assert all(isinstance(total, float) and total == key * 1.5 for total, key in rows)
    leat.ok("cp", pg_db.url, out, "--query=select id * 2 as double from t where id < 4 order by id")
    assert readers.arrow_table(out) == (["double"], [(2,), (4,), (6,)])


def test_also_writes_the_same_read_to_a_further_destination(leat, pg_db, tmp_path):
    pg_db.execute("create table t as select g as id from generate_series(1, 3000) g")
    leat.ok("cp", pg_db.stream("t"), tmp_path / "a.arrow", "--also", tmp_path / "b.csv",
            "--also", f"sqlite:{tmp_path}/c.db#t")
    assert len(readers.arrow_table(tmp_path / "a.arrow")[1]) == 3000
    assert len(readers.csv_table(tmp_path / "b.csv")[1]) == 3000
    assert len(readers.sqlite_table(tmp_path / "c.db", "t")[1]) == 3000


@pytest.mark.asan
def test_verify_compares_what_was_written(leat, pg_db, csv_file, tmp_path):
    for location in (pg_db.stream("orders"), f"sqlite:{tmp_path}/v.db#orders",
                     tmp_path / "v.arrow"):
        done = leat.ok("cp", csv_file, location, "--verify")
        assert "2 rows" in done.stderr and ("checksum" in done.stderr or "equal" in done.stderr)


@pytest.mark.parametrize("more", [(), ("--parallel=3",), ("--resume", "--part-rows=1000")])
def test_count_counts_the_rows_of_this_load(leat, pg_db, pg_db2, more):
    """Before the commit, among rows that were there; in one transaction and staged."""
    pg_db.execute("create table orders as select i as id, repeat('x', 100) as name from generate_series(1, 5000) i")
    for mode, rows in (("--replace", 5000), ("--append", 10000), ("--replace", 5000)):
        done = leat.ok("cp", pg_db.stream("orders"), pg_db2.stream("orders"), mode, "--count", *more)
        assert "5,000 rows" in done.stderr and "counted at the destination" in done.stderr
        assert pg_db2.rows("(select count(*) from orders) c") == [(rows,)]


@pytest.mark.parametrize("mode", ["--replace", "--append"])
def test_count_is_of_every_kind_of_destination(leat, dest, csv_file, mode):
    location, rows, execute = dest
    execute("create table orders (id bigint, name text)", "insert into orders values (9, 'mine')")
    done = leat.ok("cp", csv_file, location, mode, "--count")
    assert "counted at the destination" in done.stderr
    assert rows() == (ROWS if mode == "--replace" else [*ROWS, (9, "mine")])


def test_dry_run_shows_the_plan_and_touches_nothing(leat, dest, csv_file):
    location, rows, execute = dest
    execute("create table orders (id bigint, name text)")
    done = leat.ok("cp", csv_file, location, "--dry-run")
    assert "orders" in done.stdout and rows() == []


def test_rows_that_come_between_planning_and_loading_are_not_deleted(leat, pg_db, csv_file):
    pg_db.execute("create table orders (id bigint, name text)")
    with pg_db.connect() as other, pg_db.connect() as watcher:
        watcher.autocommit = True
        other.execute("insert into orders values (9, 'theirs')")
        child = leat.start("cp", csv_file, pg_db.stream("orders"), "--retries", "0")
        assert wait_for(lambda: watcher.execute(
            "select 1 from pg_locks where not granted").fetchone())
        other.commit()
    assert child.communicate(timeout=30) and child.returncode != 0
    assert pg_db.rows("orders") == [(9, "theirs")]


# The larger table refers to the smaller one, refers to itself, and is referred to.
TREE = ("create table owners (id int primary key, name text)",
        "create table animals (id int primary key, owner int not null references owners, "
        "mother int references animals)",
        "create table visits (animal int not null references animals, day date)")


def fill_tree(connection, schema, first):
    last = first + 2
    connection.execute(f"insert into {schema}.owners select n, 'x' from "
                       f"generate_series({first}, {last}) n")
    connection.execute(f"insert into {schema}.animals select n * 100 + k, n, "
                       f"nullif(n * 100 + k - 1, n * 100) from generate_series({first}, {last}) n, "
                       "generate_series(1, 50) k")
    connection.execute(f"insert into {schema}.visits select id, date '2024-01-01' + k from "
                       f"{schema}.animals, generate_series(1, 4) k")


def tree(db, schema):
    return [db.rows(f"{schema}.{table}", "1, 2") for table in ("owners", "animals", "visits")]


@pytest.mark.asan
@pytest.mark.parametrize("mode", [(), ("--truncate",)])
def test_tables_that_refer_to_each_other_are_replaced_together(leat, pg_db, mode):
    with pg_db.connect() as connection:
        for schema in ("s", "d"):
            connection.execute(f"create schema {schema}")
            connection.execute(f"set search_path = {schema}")
            for statement in TREE:
                connection.execute(statement)
        fill_tree(connection, "s", 1)
    leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.", "--atomic", *mode)
    assert tree(pg_db, "d") == tree(pg_db, "s")
    # Some parents go, some come: neither order of whole tables would do.
    pg_db.execute("truncate s.owners cascade")
    with pg_db.connect() as connection:
        fill_tree(connection, "s", 3)
    leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.", *mode)  # --atomic is not needed for that
    assert tree(pg_db, "d") == tree(pg_db, "s")
    pg_db.execute("truncate s.owners cascade")
    with pg_db.connect() as connection:
        fill_tree(connection, "s", 2)
    leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.", "--atomic", *mode)
    assert tree(pg_db, "d") == tree(pg_db, "s")
    leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.", "--atomic", "--replace", "--verify", *mode)
    assert tree(pg_db, "d") == tree(pg_db, "s")


SHOP = """
PRAGMA foreign_keys = 0; DROP TABLE IF EXISTS parent; DROP TABLE IF EXISTS child; DROP TABLE IF EXISTS grandchild;
DROP TABLE IF EXISTS lone;
CREATE TABLE grandchild (id INTEGER PRIMARY KEY, child INTEGER REFERENCES child (id) ON DELETE SET NULL);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE,
  other INTEGER REFERENCES child (id) ON DELETE CASCADE);
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE lone (id INTEGER PRIMARY KEY);
"""
SHOP_TABLES = ("parent", "child", "grandchild", "lone")


def fill_shop(path, first, last, more=""):
    with sqlite3.connect(path) as lite:
        lite.executescript(SHOP + more)
        for n in range(first, last + 1):
            lite.execute("INSERT INTO parent VALUES (?, ?)", (n, f"p{n}"))
            lite.executemany("INSERT INTO child VALUES (?, ?, ?)",
                             [(n * 10 + k, n, n * 10 + k - 1 if k else None) for k in range(3)])
            lite.executemany("INSERT INTO grandchild VALUES (?, ?)", [(n * 100 + k, n * 10 + k % 3) for k in range(9)])
            lite.execute("INSERT INTO lone VALUES (?)", (n,))
    with sqlite3.connect(path) as lite:
        return [lite.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in SHOP_TABLES]


def shop_at(db):
    return [db.rows(table) for table in SHOP_TABLES]


@pytest.mark.asan
def test_tables_with_foreign_keys_are_copied_again(leat, pg_db, tmp_path):
    path = tmp_path / "shop.db"
    copy = ("cp", path, f"{pg_db.url}#public.", "--with", "foreign-keys")
    for first, last in ((1, 5), (3, 9), (3, 9), (20, 22)):  # parents stay, come and go
        rows = fill_shop(path, first, last)
        shown = leat.ok(*copy, "--dry-run").stdout
        assert ("upsert and delete what is gone" in shown) == (first > 1)
        leat.ok(*copy, "--verify")
        assert shop_at(pg_db) == rows
    with pg_db.connect() as connection:
        keys = connection.execute("select conname from pg_constraint where contype = 'f'").fetchall()
    assert len(keys) == 3


def test_a_row_that_a_cascade_would_take_stops_the_copy(leat, pg_db, tmp_path):
    path = tmp_path / "shop.db"
    rows = fill_shop(path, 1, 3)
    copy = ("cp", path, f"{pg_db.url}#public.", "--with", "foreign-keys")
    leat.ok(*copy)
    fill_shop(path, 2, 3, "INSERT INTO child VALUES (5, 1, NULL);")  # its parent is gone
    done = leat(*copy)
    assert done.returncode != 0 and "child_parent_fkey" in done.stderr
    assert shop_at(pg_db)[:3] == rows[:3]


@pytest.mark.parametrize("action", ["", "on delete cascade"])
def test_a_key_of_a_table_that_is_not_copied_is_never_hurt(leat, pg_db, tmp_path, action):
    path = tmp_path / "shop.db"
    rows = fill_shop(path, 1, 3)
    copy = ("cp", path, f"{pg_db.url}#public.", "--with", "foreign-keys")
    leat.ok(*copy)
    pg_db.execute(f"create table stranger (p int references parent {action})", "insert into stranger values (1)")
    fill_shop(path, 2, 4)
    done = leat(*copy)
    assert done.returncode != 0 and "stranger" in done.stderr and "drop" in done.stderr
    assert shop_at(pg_db)[:3] == rows[:3] and pg_db.rows("stranger") == [(1,)]
    pg_db.execute("drop table stranger")
    leat.ok(*copy)
    assert len(pg_db.rows("parent")) == 3


def test_two_rows_of_one_key_are_never_one_row_less(leat, pg_db, tmp_path):
    pg_db.execute("create table keys (id bigint primary key)",
                  "create table users (key bigint references keys)", "insert into keys values (1)")
    source = tmp_path / "keys.csv"
    source.write_text("id\n1\n2\n2\n", encoding="utf-8")
    done = leat("cp", source, pg_db.stream("keys"), "--replace")
    assert done.returncode == 1, done.stderr
    assert pg_db.rows("keys") == [(1,)]


def test_records_of_another_login_are_named_before_anything_is_loaded(leat, pg_db, csv_file):
    leat.ok("cp", csv_file, pg_db.stream("orders"))
    pg_db.execute("create role narrow login password 'narrow'",
                  "create table theirs (id bigint, name text)",
                  "grant all on theirs to narrow", "grant usage on schema public to narrow",
                  "grant select on _leat_state to narrow")
    stream = pg_db.stream("theirs").replace("://", "://narrow:narrow@", 1)
    stream = stream if stream.count("@") == 1 else stream.replace(
        stream[stream.index("@") + 1:stream.rindex("@") + 1], "", 1)
    try:
        done = leat.fails((1, 2), "denied", "cp", csv_file, stream)
        assert "GRANT SELECT, INSERT, UPDATE, DELETE ON _leat_load, _leat_state" in done.stderr
        leat.ok("cp", csv_file, stream, "--no-state")
        pg_db.execute("grant select, insert, update on _leat_load, _leat_state to narrow")
        leat.ok("cp", csv_file, stream, "--replace")
        assert pg_db.rows("theirs") == ROWS
    finally:
        pg_db.execute("drop owned by narrow", "drop role narrow")


def write_sqlite(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


CONFLICTS = {  # how the destination's table is declared; what is there stays there
    "replace": "id integer primary key, a text unique on conflict replace, b int",
    "ignore": "id integer primary key, a text unique /* a */ On\nConflict/**/Ignore, b int",
    "table": "id integer primary key, a text, b int, unique (a) on conflict replace",
}


@pytest.mark.parametrize("word", CONFLICTS)
@pytest.mark.parametrize("command", [("cp", "--append"), ("cp", "--replace"),
                                     ("cp", "delta", "-d", "id", "-p", "id"),
                                     ("cp", "delta", "-d", "id", "--strategy", "append", "--start", "0"),
                                     ("cp", "delta", "-d", "id", "-p", "id", "--strategy", "delete+insert"),
                                     ("sync", "batch")], ids=" ".join)
def test_clauses_on_conflict_of_a_sqlite_table_lose_no_rows(leat, tmp_path, command, word):
    source, destination = tmp_path / "s.db", tmp_path / "d.db"
    write_sqlite(source, "create table t (id integer primary key, a text, b int)",
                       "insert into t values (1, 'p', 1), (2, 'q', 2), (3, 'p', 3)")
    write_sqlite(destination, f"create table t ({CONFLICTS[word]})", "insert into t values (2, 'p', 9), (3, 'r', 9)")
    done = leat(*command, f"sqlite:{source}#t", f"sqlite:{destination}#t")
    assert done.returncode != 0 and "UNIQUE constraint failed: t.a" in done.stderr, done.stderr
    assert "do not apply" in done.stderr and "destination unchanged" in done.stderr
    assert readers.sqlite_table(destination, "t")[1] == [(2, "p", 9), (3, "r", 9)]
    write_sqlite(source, "update t set a = 's' where id = 3")
    write_sqlite(destination, "delete from t where id = 3", "update t set a = 'z', id = 4")
    leat.ok(*command, f"sqlite:{source}#t", f"sqlite:{destination}#t")
    rows = [(1, "p", 1), (2, "q", 2), (3, "s", 3)]
    gone = "--replace" in command or "sync" in command
    assert readers.sqlite_table(destination, "t")[1] == rows + ([] if gone else [(4, "z", 9)])


def test_conflicts_in_triggers_stay_theirs(leat, tmp_path):
    """No clause in the table itself: what its triggers say about conflicts holds."""
    source, destination = tmp_path / "s.csv", tmp_path / "d.db"
    source.write_text("id,a\n1,p\n2,p\n", encoding="utf-8")
    write_sqlite(destination, "create table t (id integer primary key, a text)", "create table seen (a text unique)",
                       "create trigger g after insert on t begin insert or ignore into seen values (new.a); end")
    leat.ok("cp", source, f"sqlite:{destination}#t", "--append")
    assert readers.sqlite_table(destination, "seen")[1] == [("p",)]
