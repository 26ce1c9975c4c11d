"""sync batch of tables that refer to each other: what goes is deleted children first, what comes is
inserted parents first, so that a destination with foreign keys takes it."""
import sqlite3

import pytest

TABLES = ("parent", "child", "grandchild", "alone")
DDL = ["CREATE TABLE parent (id int PRIMARY KEY, name text)",
       "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent (id))",
       "CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child (id))",
       "CREATE TABLE alone (id int PRIMARY KEY)"]


def rows_of(first, last, name="a"):
    return {"parent": [(i, name) for i in range(first, last)],
            "child": [(i, i) for i in range(first, last)],
            "grandchild": [(i, i) for i in range(first, last)],
            "alone": [(i,) for i in range(first, last)]}


def fill(run, rows):
    for table in TABLES:
        for row in rows[table]:
            run(f"INSERT INTO {table} VALUES ({', '.join(repr(value) for value in row)})")


def make_sqlite(path, rows):
    db = sqlite3.connect(path)
    for statement in DDL:
        db.execute(statement)
    fill(db.execute, rows)
    db.commit()
    db.close()


def sqlite_rows(path):
    db = sqlite3.connect(path)
    try:
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
                for table in TABLES}
    finally:
        db.close()


@pytest.fixture(params=["sqlite", "postgres"])
def destination(request, tmp_path):
    """A place with the tables and rows 1 to 20, and what reads them."""
    if request.param == "sqlite":
        path = tmp_path / "to.db"
        make_sqlite(path, rows_of(1, 21))
        return f"sqlite:{path}", lambda: sqlite_rows(path)
    db = request.getfixturevalue("pg_db")
    db.execute(*DDL)
    fill(db.execute, rows_of(1, 21))
    return f"{db.url}#public.", lambda: {table: sorted(db.rows(table)) for table in TABLES}


def test_deletes_go_up_and_inserts_down_the_foreign_keys(leat, tmp_path, destination):
    place, rows = destination
    source = tmp_path / "from.db"
    make_sqlite(source, rows_of(8, 40, "b"))
    done = leat.ok("sync", "batch", source, place, "--verify")
    assert rows() == sqlite_rows(source)
    assert "4 streams: " in done.stderr and "failed" not in done.stderr
    assert "13 updated" in done.stderr and "7 deleted" in done.stderr
    again = leat.ok("sync", "batch", source, place)
    assert again.stderr.count("nothing to be done") == 4


def test_a_guard_of_one_stops_all_before_anything_is_written(leat, tmp_path, destination):
    place, rows = destination
    source, before = tmp_path / "from.db", rows()
    make_sqlite(source, {**rows_of(8, 40, "b"), "grandchild": [(9, 9)]})
    done = leat.fails(2, "too-many-deletes", "sync", "batch", source, place, "--max-delete", "10",
                      "--exclude", "alone")
    assert "not finished, for grandchild failed" in done.stderr
    assert "3 failed" in done.stderr and rows() == before


def test_tables_that_refer_to_each_other_in_a_circle_are_synced_too(leat, tmp_path):
    paths = [tmp_path / "from.db", tmp_path / "to.db"]
    for path, ids in zip(paths, ((2, 3, 4), (1, 2, 3))):
        db = sqlite3.connect(path)
        db.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES b (id));"
                         "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id));")
        db.executemany("INSERT INTO a VALUES (?1, NULL)", [(i,) for i in ids])
        db.executemany("INSERT INTO b VALUES (?1, ?1)", [(i,) for i in ids])
        db.commit()
        db.close()
    leat.ok("sync", "batch", *paths)
    leat.ok("diff", *paths)


@pytest.fixture
def family(pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create table p (id int primary key, up int references p on delete cascade)",
                   "create table c (id int primary key, p int references p on delete cascade)",
                   "insert into p values (1, null), (2, 1), (3, null), (4, 3)", "insert into c values (1, 1), (2, 2), (3, 2)")
    return pg_db, pg_db2, ("sync", "batch", f"{pg_db.url}#public.", f"{pg_db2.url}#public.")


@pytest.mark.asan
def test_rows_that_none_refers_to_any_more_go_though_keys_cascade(leat, family):
    source, destination, sync = family
    source.execute("delete from p where id in (2, 3)")  # with the rows of both tables below them
    leat.ok(*sync)
    for table in "pc":
        assert sorted(destination.rows(table)) == sorted(source.rows(table))
    assert len(destination.rows("p")) == 1


@pytest.mark.parametrize("action", ["cascade", "set null", "set default"])
def test_rows_that_others_do_refer_to_are_spared(leat, family, action):
    source, destination, sync = family
    destination.execute(f"create table stranger (p int references p on delete {action})", "insert into stranger values (4)")
    source.execute("delete from p where id = 2")
    leat.ok(*sync)
    source.execute("delete from p where id = 4")
    done = leat.fails((1, 2), "destination-holds-rows", *sync)
    assert "stranger_p_fkey" in done.stderr and "p_up_fkey" not in done.stderr
    assert destination.rows("stranger") == [(4,)] and len(destination.rows("p")) == 3


def test_rows_of_the_table_itself_that_stay_are_spared(leat, family):
    source, destination, sync = family
    before = sorted(destination.rows("p"))
    source.execute("update p set up = null where id = 4", "delete from p where id = 3")
    done = leat.fails((1, 2), "destination-holds-rows", *sync)
    assert "p_up_fkey" in done.stderr and sorted(destination.rows("p")) == before
