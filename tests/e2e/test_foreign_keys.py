"""Foreign keys of large tables: added unchecked after the last table, and then proven on several connections. Whatever
happens meanwhile, no key is left that says less than it should without a word."""
import signal
import time

import pytest

CHILDREN = {"a": 5000, "b": 4800, "c": 4600}  # rows of 1.9 kB: each is worth a connection, and the largest comes first
KEYS = ("SELECT conrelid::regclass::text, conname, convalidated, obj_description(oid, 'pg_constraint') FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = 'target'::regnamespace ORDER BY 1, 2")
PROVING = ("SELECT pid FROM pg_stat_activity WHERE query LIKE '%VALIDATE CONSTRAINT%' AND state = 'active' "
           "AND backend_type = 'client backend' AND pid <> pg_backend_pid()")
WHOLE = [(f"target.{t}", f"{t}_{end}", True, None) for t in CHILDREN for end in ("p_fkey", "q_fkey")]


def rows(db, sql):
    with db.connect() as connection:
        return connection.execute(sql).fetchall()


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def tables(pg_db):
    """Three children of one parent, each with another one of its own kind as well."""
    pg_db.execute("CREATE SCHEMA source", "CREATE SCHEMA target",
                  "CREATE TABLE source.p (id int PRIMARY KEY)", "INSERT INTO source.p SELECT generate_series(1, 1000)",
                  "CREATE TABLE source.q (id int PRIMARY KEY)", "INSERT INTO source.q SELECT generate_series(1, 1000)")
    for name, count in CHILDREN.items():
        pg_db.execute(f"CREATE TABLE source.{name} (id int PRIMARY KEY, p int, q int, v text)",
                      f"INSERT INTO source.{name} SELECT i, 1 + i % 1000, 1 + i % 999, repeat('x', 1900) FROM "
                      f"generate_series(1, {count}) i", f"ANALYZE source.{name}",
                      *(f"ALTER TABLE source.{name} ADD CONSTRAINT {name}_{to}_fkey FOREIGN KEY ({to}) REFERENCES "
                        f"source.{to} ON DELETE CASCADE NOT VALID" for to in ("p", "q")))
    return pg_db


@pytest.fixture
def held(tables):
    """Whoever validates a key waits, as long as there is a row in `hold`."""
    tables.execute(
        "CREATE TABLE public.hold AS SELECT 1",
        "CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN WHILE current_query() LIKE "
        "'%VALIDATE CONSTRAINT%' AND EXISTS (SELECT 1 FROM public.hold) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$",
        "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.wait()")
    return tables


def arguments(db, *more):
    return ("cp", f"{db.url}#source.", f"{db.url}#target.", "--with", "foreign-keys", "--parallel", "3", *more)


def orphan(db, table, column):
    """A row without a parent, which the key of the source does not know of."""
    db.execute("SET session_replication_role = replica",
               f"UPDATE source.{table} SET {column} = 5000 WHERE id = 77")


def assert_whole(db):
    assert rows(db, KEYS) == WHOLE
    for name, count in CHILDREN.items():
        assert rows(db, f"SELECT count(*) FROM target.{name}") == [(count,)]


@pytest.mark.parametrize("parallel, told", [("3", "6 foreign keys are checked by 3 connections"), ("1", None)])
def test_all_keys_are_there_and_proven(leat, tables, parallel, told):
    done = leat.ok(*arguments(tables, "-v", "--parallel", parallel))
    assert (told in done.stderr) if told else ("foreign keys are checked" not in done.stderr), done.stderr
    assert_whole(tables)
    assert rows(tables, "SELECT DISTINCT confdeltype::text FROM pg_constraint WHERE contype = 'f' AND connamespace = "
                        "'target'::regnamespace") == [("c",)]
    leat.ok(*arguments(tables))
    assert_whole(tables)


@pytest.mark.parametrize("parallel", ["3", "1"])
def test_a_row_without_a_parent_ends_in_the_same_error_on_one_connection_and_on_several(leat, tables, parallel):
    orphan(tables, "b", "q")
    orphan(tables, "c", "p")
    done = leat(*arguments(tables, "--parallel", parallel))
    assert done.returncode == 1, done.stderr
    assert "target.b: foreign key b_q_fkey" in done.stderr and "23503" in done.stderr
    assert "copy tables that refer to each other in one command" in done.stderr and "c_p_fkey" not in done.stderr
    there = rows(tables, KEYS)
    assert there[:3] == WHOLE[:3] and set(there) <= set(WHOLE), there
    assert {"b_q_fkey", "c_p_fkey"}.isdisjoint(name for _, name, _, _ in there)
    assert rows(tables, "SELECT count(*) FROM target.c") == [(CHILDREN["c"],)]


def test_rows_that_come_while_keys_are_proven_are_held_to_them(leat, held):
    child = leat.start(*arguments(held))
    until(lambda: len(rows(held, PROVING)) == 3)
    waiting = rows(held, KEYS)
    assert len(waiting) == 6 and {(valid, said) for _, _, valid, said in waiting} == {
        (False, "leat: rows are not checked yet")}
    with pytest.raises(Exception, match="a_p_fkey"):
        held.execute("INSERT INTO target.a VALUES (0, 5000, 1, 'x')")
    held.execute("INSERT INTO target.a VALUES (0, 1, 1, 'x')", "DELETE FROM target.a WHERE id = 0",
                 "DELETE FROM public.hold")
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert_whole(held)


def test_what_a_killed_run_leaves_the_next_one_proves(leat, held):
    child = leat.start(*arguments(held))
    until(lambda: len(rows(held, PROVING)) == 3)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=20)
    held.execute("DELETE FROM public.hold")
    until(lambda: not rows(held, PROVING))
    assert any(not valid for _, _, valid, _ in rows(held, KEYS))
    assert "VALIDATE CONSTRAINT" in leat.ok("cp", "meta", *arguments(held)[1:5]).stdout
    leat.ok(*arguments(held))
    assert_whole(held)


def test_an_interrupted_run_leaves_no_key_that_is_not_proven(leat, held):
    child = leat.start(*arguments(held))
    until(lambda: len(rows(held, PROVING)) == 3)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert child.returncode not in (0, -signal.SIGTERM)
    assert rows(held, KEYS) == []
    held.execute("DELETE FROM public.hold")
    leat.ok(*arguments(held))
    assert_whole(held)


def test_a_key_that_others_left_unproven_is_none_of_ours(leat, tables):
    """Who made it so had a reason; leat adds what is missing and leaves it alone."""
    leat.ok("cp", f"{tables.url}#source.", f"{tables.url}#target.")
    tables.execute("ALTER TABLE target.a ADD CONSTRAINT a_p_fkey FOREIGN KEY (p) REFERENCES target.p NOT VALID")
    leat.ok(*arguments(tables))
    assert rows(tables, KEYS) == [("target.a", "a_p_fkey", False, None), *WHOLE[1:]]


def test_a_key_that_cannot_be_added_does_not_hide_a_row_without_a_parent_before_it(leat, tables):
    orphan(tables, "a", "p")
    leat.ok("cp", f"{tables.url}#source.", f"{tables.url}#target.")
    tables.execute("ALTER TABLE target.b ALTER q TYPE text")
    done = leat(*arguments(tables))
    assert done.returncode == 1 and "target.a: foreign key a_p_fkey" in done.stderr, done.stderr
    # b_p may have been proven meanwhile; a table with a key is loaded, and its keys are added, before those without.
    tables.execute("ALTER TABLE target.b DROP CONSTRAINT IF EXISTS b_p_fkey",
                   "UPDATE source.a SET p = 1 WHERE id = 77")
    done = leat(*arguments(tables))
    assert done.returncode != 0 and "target.b: foreign key b_q_fkey" in done.stderr, done.stderr
    assert rows(tables, KEYS) == WHOLE[:3]
