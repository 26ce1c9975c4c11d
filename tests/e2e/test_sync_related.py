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
