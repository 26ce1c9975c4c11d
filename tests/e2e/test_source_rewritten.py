"""A table of the source is truncated or written anew while a run goes on. The server shows such a table empty to whoever
looks at an older moment, without a word; leat must copy what was there, or say that it is gone."""
import contextlib
import time

import pytest

BLOCKED = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%COPY (%'"
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
IN_TRIGGER = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%CREATE TABLE%'"


def until(db, sql, seconds=60):
    end = time.monotonic() + seconds
    with db.connect() as connection:
        connection.autocommit = True
        while not connection.execute(sql).fetchall():
            assert time.monotonic() < end, sql
            time.sleep(0.01)


@pytest.fixture
def db(pg_db):
    pg_db.execute("CREATE SCHEMA source", "CREATE SCHEMA target", "CREATE TABLE source.a (n int)",
                  "INSERT INTO source.a SELECT generate_series(1, 1000)")
    return pg_db


@pytest.fixture
def held(db):
    """Whoever makes a table in `target` waits, as long as there is a row in `hold`."""
    db.execute("CREATE TABLE public.hold AS SELECT 1",
               "CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN WHILE current_query() LIKE "
               "'%\"target\"%' AND EXISTS (SELECT 1 FROM public.hold) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$",
               "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.wait()")
    return db


def cp(db, what, *more):
    return "cp", f"{db.url}#source.{what}", f"{db.url}#target.{'' if what == '*' else what}", *more


@contextlib.contextmanager
def snapshot(db):
    """The token of this moment."""
    with db.connect() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield connection.execute("SELECT pg_export_snapshot()").fetchone()[0]


def reload_before(db, child, table, rows, blocked=BLOCKED):
    """Truncates the table and fills it again, in a transaction that ends once the reader waits for it."""
    until(db, IN_TRIGGER)
    with db.connect() as loader:
        loader.execute(f"TRUNCATE source.{table}")
        loader.execute(f"INSERT INTO source.{table} SELECT generate_series({rows})")
        db.execute("DELETE FROM public.hold")
        until(db, blocked)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return err


@pytest.mark.parametrize("options", [(), ("--cast=n=utf8",), ("--where", "n > 0"), ("--query", "SELECT n FROM source.a")])
def test_a_read_that_waits_for_a_reload_has_the_new_rows(leat, held, options):
    child = leat.start(*cp(held, "a", *options) if "--query" not in options else
                       ("cp", held.url, f"{held.url}#target.a", *options))
    reload_before(held, child, "a", "1, 500")
    assert held.count("target.a") == 500


def test_several_connections_wait_as_well(leat, held):
    """They ask first how large the table is, and wait there."""
    held.execute("INSERT INTO source.a SELECT generate_series(1, 600000)", "ANALYZE source.a")
    child = leat.start(*cp(held, "a", "--parallel", "2", "--cast=n=utf8", "-v"))
    assert b"read by one connection" not in reload_before(held, child, "a", "1, 700000", WAITING)
    assert held.count("target.a") == 700000


def test_partitions_of_a_parent_are_waited_for_as_well(leat, held):
    held.execute("CREATE TABLE source.p (n int) PARTITION BY RANGE (n)",
                 "CREATE TABLE source.low PARTITION OF source.p FOR VALUES FROM (0) TO (100)",
                 "CREATE TABLE source.high PARTITION OF source.p FOR VALUES FROM (100) TO (1000)",
                 "INSERT INTO source.p SELECT generate_series(0, 999)")
    child = leat.start(*cp(held, "p"))
    reload_before(held, child, "high", "200, 299")
    assert held.count("target.p") == 200


@pytest.mark.asan
@pytest.mark.parametrize("change", [
    "TRUNCATE source.b", "ALTER TABLE source.b ALTER n TYPE bigint",
    "DROP TABLE source.b; CREATE TABLE source.b AS SELECT generate_series(1, 30) AS n"])
def test_a_table_that_changes_after_the_moment_of_a_run_is_told(leat, held, change):
    """`a` is larger, and comes first; by the time `b` is read it is another."""
    held.execute("CREATE TABLE source.b (n int)", "INSERT INTO source.b SELECT generate_series(1, 40)",
                 "CREATE TABLE target.b (n int)", "INSERT INTO target.b VALUES (7)")
    child = leat.start(*cp(held, "*", "--parallel", "1", "--keep-going", "--replace", "--retries", "0"))
    until(held, IN_TRIGGER)
    held.execute(*change.split("; "), "INSERT INTO source.b SELECT generate_series(1, 20)", "DELETE FROM public.hold")
    _, err = child.communicate(timeout=60)
    assert child.returncode != 0 and b"[source-cut] source.b" in err and b"truncated" in err, err
    assert held.count("target.a") == 1000
    assert held.rows("target.b") == [(7,)]


FAMILY = ["CREATE TABLE source.p (n int) PARTITION BY RANGE (n)",
          "CREATE TABLE source.low PARTITION OF source.p FOR VALUES FROM (0) TO (100)",
          "CREATE TABLE source.high PARTITION OF source.p FOR VALUES FROM (100) TO (1000)"]
PARENT = ["CREATE TABLE source.p (n int)", "CREATE TABLE source.low () INHERITS (source.p)"]
VIEW = ["CREATE TABLE source.low (n int)", "CREATE MATERIALIZED VIEW source.p AS SELECT * FROM source.low WITH NO DATA"]


@pytest.mark.parametrize("make, change", [
    (FAMILY, "TRUNCATE source.low"), (FAMILY, "DROP TABLE source.high"),
    (FAMILY, "ALTER TABLE source.p DETACH PARTITION source.low"), (PARENT, "TRUNCATE source.low"),
    (PARENT, "DROP TABLE source.low"), (VIEW, "REFRESH MATERIALIZED VIEW source.p")],
    ids=["truncated", "dropped", "detached", "child-truncated", "child-dropped", "view-refreshed"])
def test_so_is_a_part_of_a_table(leat, db, make, change):
    db.execute(*make, "INSERT INTO source.low SELECT generate_series(0, 99)", *(
        ["REFRESH MATERIALIZED VIEW source.p"] if make is VIEW else []))
    with snapshot(db) as token:
        leat.ok(*cp(db, "p", "--snapshot", token))
        db.execute(change)
        done = leat.fails((1, 75), "source-cut", *cp(db, "p", "--snapshot", token, "--retries", "0"))
        assert "truncated" in done.stderr
    assert db.count("target.p") == 100


def test_what_leaves_a_table_where_it_is_does_no_harm(leat, db):
    db.execute(*FAMILY, "INSERT INTO source.p SELECT generate_series(0, 99)")
    with snapshot(db) as token:
        db.execute("INSERT INTO source.p SELECT generate_series(50, 149)", "DELETE FROM source.a WHERE n > 10",
                   "CREATE TABLE source.more PARTITION OF source.p FOR VALUES FROM (1000) TO (2000)",
                   "ALTER TABLE source.a ADD COLUMN later int DEFAULT 7", "CREATE INDEX ON source.a (n)")
        leat.ok(*cp(db, "*", "--include", "a", "--snapshot", token))
        leat.ok(*cp(db, "p", "--snapshot", token))
    assert db.count("target.a") == 1000 and db.count("target.p") == 100


def test_a_table_made_after_the_moment_is_told(leat, db):
    with snapshot(db) as token:
        db.execute("CREATE TABLE source.new AS SELECT generate_series(1, 9) AS n")
        leat.fails((1, 75), "source-cut", *cp(db, "new", "--snapshot", token, "--retries", "0"))
