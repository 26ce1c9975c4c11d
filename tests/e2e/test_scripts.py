"""Texts of several statements, by query, by a pipe's step and by a hook."""
import sqlite3

import pytest

OPEN = "a transaction is still open, so nothing of it was kept; add COMMIT"


class Place:
    def __init__(self, url, rows):
        self.url, self.rows = url, rows

    def values(self):
        return sorted(a for a, in self.rows("SELECT a FROM t"))

    def names(self):
        return {name for name, in self.rows(self.list_tables)}


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """A table t with the value 1, as a file and on a server."""
    if request.param == "postgres":
        db = request.getfixturevalue("pg_db")
        db.execute("CREATE TABLE t (a int UNIQUE)", "INSERT INTO t VALUES (1)")

        def ask(sql):
            with db.connect() as connection:
                return connection.execute(sql).fetchall()

        found = Place(db.url, ask)
        found.list_tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return found
    path = tmp_path / "m.db"

    def rows(sql):
        db = sqlite3.connect(path)
        found = db.execute(sql).fetchall()
        db.commit()
        db.close()
        return found

    rows("CREATE TABLE t (a int UNIQUE)")
    rows("INSERT INTO t VALUES (1)")
    found = Place(f"sqlite:{path}", rows)
    found.list_tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return found


@pytest.fixture(params=["query", "step", "hook"])
def script(request, leat, place):
    """Runs a text one of the ways; its status must be good, or name the code given."""
    def run(sql, code=None):
        if request.param == "query":
            arguments = ["query", place.url, sql]
        else:
            indented = "".join(f"        {line}\n" for line in sql.splitlines())
            body = f"sql: |\n{indented}      in: place\n"
            (leat.home / "s.yaml").write_text(
                f"connections: {{place: '{place.url}'}}\n" +
                (f"steps:\n    - {body}" if request.param == "step" else
                 f"hooks:\n  before:\n    - {body}steps:\n  - {{sql: DELETE FROM t WHERE a = -1, "
                 "in: place}\n"), encoding="utf-8")
            arguments = ["pipe", "run", "s.yaml"]
        if code is None:
            return leat.ok(*arguments)
        return leat.fails((1, 2), code, *arguments)
    return run


@pytest.mark.asan
@pytest.mark.parametrize("sql", ["BEGIN; INSERT INTO t VALUES (99)", "BEGIN",
                                 "INSERT INTO t SELECT max(a) + 1 FROM t;\nBEGIN; DELETE FROM t; -- the end"])
def test_a_transaction_left_open_is_an_error(script, place, sql):
    assert OPEN in script(sql, "open-transaction").stderr
    assert place.values() in ([1], [1, 2])
    script(f"{sql.replace('-- the end', '')}; COMMIT")  # as the remedy says


def test_a_transaction_left_open_ends_with_status_1(leat, place):
    leat.fails(1, "open-transaction", "query", place.url, "BEGIN; INSERT INTO t VALUES (99)")
    if place.url.startswith("sqlite:"):
        leat.fails(1, "open-transaction", "query", place.url, "SAVEPOINT x; DELETE FROM t")
        leat.ok("query", place.url, "SAVEPOINT x; INSERT INTO t VALUES (2); RELEASE x")
        assert place.values() == [1, 2]
    else:
        leat.fails(1, "open-transaction", "query", place.url, "START TRANSACTION; DELETE FROM t")
        leat.fails((1, 2), "open-transaction", "query", place.url,  # told behind its rows
                   "BEGIN; INSERT INTO t VALUES (2) RETURNING a")
        assert place.values() == [1]


@pytest.mark.asan
def test_several_statements_are_kept_all_or_not_at_all(script, place):
    script("CREATE TABLE u (a int);\nINSERT INTO u VALUES (1); INSERT INTO t VALUES (2);\n"
           "INSERT INTO t VALUES (1)", ("server", "duplicate-key"))
    script("INSERT INTO t VALUES (3); INSERT INTO nowhere VALUES (1)",
           ("invalid", "not-found", "server"))
    script("INSERT INTO t VALUES (3); INSRT INTO t VALUES (4)", ("invalid", "server"))
    assert place.values() == [1] and place.names() == {"t"}
    script("CREATE TABLE u (a int); -- one; two\nINSERT INTO u VALUES (1);\n/* ; */;"
           "INSERT INTO t VALUES (2); DROP TABLE u;;")
    assert place.values() == [1, 2] and place.names() == {"t"}
    script("BEGIN; INSERT INTO t VALUES (5); COMMIT; INSERT INTO nowhere VALUES (1)",
           ("invalid", "not-found", "server"))
    assert place.values() == [1, 2, 5]  # it says itself what belongs together


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "f.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (a int)")
    db.close()

    def rows(sql):
        db = sqlite3.connect(path)
        found = db.execute(sql).fetchall()
        db.close()
        return found
    return path, rows


@pytest.mark.asan
@pytest.mark.parametrize("sql", [
    "INSERT INTO t VALUES (1); SELECT a FROM t",
    "INSERT INTO t VALUES (1); PRAGMA journal_mode = wal; PRAGMA table_list",
    "BEGIN; INSERT INTO t VALUES (1) RETURNING a; COMMIT",
    "INSERT INTO t VALUES (1); INSERT INTO u VALUES (';'); COMMIT; VALUES (1)",
    "CREATE TABLE u (a); INSERT INTO u VALUES (1); SELECT a FROM u",  # known when u is there
    "CREATE TABLE u (trigger int); INSERT INTO u VALUES (1) RETURNING trigger",
])
def test_rows_of_one_of_several_are_refused_and_nothing_is_run(leat, file, sql):
    path, rows = file
    leat.fails(2, "unsupported", "query", f"sqlite:{path}", sql)
    assert rows("SELECT count(*) FROM t") == [(0,)] and rows("PRAGMA journal_mode") == [("delete",)]
    assert rows("SELECT name FROM sqlite_master") == [("t",)]


@pytest.mark.asan
def test_triggers_and_what_cannot_run_inside_a_transaction(leat, file):
    path, rows = file
    leat.ok("query", f"sqlite:{path}", """
        CREATE TABLE log (a int);
        CREATE TEMP TRIGGER IF NOT EXISTS x AFTER INSERT ON log BEGIN SELECT 1; SELECT 2; END;
        CREATE TRIGGER tr AFTER INSERT ON t BEGIN
          INSERT INTO log VALUES (CASE WHEN new.a > 7 THEN 2 ELSE ';' END); DELETE FROM log WHERE 0;
        END;
        INSERT INTO t VALUES (7)""")
    assert rows("SELECT a FROM log") == [(";",)]
    leat.ok("query", f"sqlite:{path}", "CREATE TRIGGER one AFTER DELETE ON t BEGIN SELECT 1; END;")
    leat.ok("query", f"sqlite:{path}", "INSERT INTO t VALUES (8); VACUUM; PRAGMA user_version = 5")
    assert rows("PRAGMA user_version") == [(5,)] and len(rows("SELECT * FROM t")) == 2
    leat.ok("query", f"sqlite:{path}", f"ATTACH '{path}2' AS o; CREATE TABLE o.x (a); DETACH o")
    (leat.home / "s.yaml").write_text(
        f"steps:\n- {{sql: 'PRAGMA journal_mode = wal; SELECT 1', in: 'sqlite:{path}'}}\n",
        encoding="utf-8")
    leat.ok("pipe", "run", "s.yaml")  # rows that nobody looks at
    assert rows("PRAGMA journal_mode") == [("wal",)]
