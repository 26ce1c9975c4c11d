"""Tables that foreign keys of others point to, copied again: their rows stay where they are and are
brought to what the source has."""
import pytest

SWALLOW = ("create function swallow() returns trigger language plpgsql as 'begin return null; end'",)
ALTER = ("create function alters() returns trigger language plpgsql as $$ begin new.k := 'mine'; return new; end $$",
         "create trigger alters before update on u for each row execute function alters()")


def make(pg_db, *more):
    pg_db.execute("create table u (id int primary key, k text)", "create table c (id int primary key, u int references u)",
                  "insert into u values (1, 'a'), (2, 'b')", "insert into c values (1, 1)", *more)


def copy(pg_db, pg_db2, *more):
    return ("cp", f"{pg_db.url}#public.", f"{pg_db2.url}#public.", "--with", "foreign-keys", *more)


@pytest.mark.parametrize("more", [(), ("--verify",), ("--parallel", "2")])
@pytest.mark.parametrize("event, change", [("update", "update u set k = 'new' where id = 2"),
                                           ("insert", "insert into u values (3, 'c')"),
                                           ("delete", "delete from u where id = 2")])
def test_rows_that_a_trigger_swallows_are_noticed(leat, pg_db, pg_db2, event, change, more):
    make(pg_db)
    leat.ok(*copy(pg_db, pg_db2))
    pg_db2.execute(*SWALLOW, f"create trigger swallows before {event} on u for each row execute function swallow()")
    leat.ok(*copy(pg_db, pg_db2, *more))  # nothing is to be done
    pg_db.execute(change)
    done = leat.fails(1, "count-mismatch", *copy(pg_db, pg_db2, *more))
    assert "swallows" in done.stderr
    assert sorted(pg_db2.rows("u")) == [(1, "a"), (2, "b")] and pg_db2.rows("c") == [(1, 1)]
    pg_db2.execute("drop trigger swallows on u")
    leat.ok(*copy(pg_db, pg_db2, *more))
    assert sorted(pg_db2.rows("u")) == sorted(pg_db.rows("u"))


@pytest.mark.asan
@pytest.mark.parametrize("more", [(), ("--parallel", "2")])
def test_verify_reads_the_table_and_not_what_was_staged(leat, pg_db, pg_db2, more):
    make(pg_db)
    leat.ok(*copy(pg_db, pg_db2))
    leat.ok(*copy(pg_db, pg_db2, "--verify", *more))
    pg_db2.execute(*ALTER)
    pg_db.execute("update u set k = 'new' where id = 2")
    done = leat.fails((1, 3), "verify-mismatch", *copy(pg_db, pg_db2, "--verify", *more))
    assert "alters" in done.stderr
    assert sorted(pg_db2.rows("u")) == [(1, "a"), (2, "b")]


def test_rows_that_are_alike_are_left_alone(leat, pg_db, pg_db2):
    make(pg_db)
    leat.ok(*copy(pg_db, pg_db2))
    with pg_db2.connect() as connection:
        before = dict(connection.execute("select id, xmin::text from u").fetchall())
    pg_db.execute("update u set k = null where id = 2")
    leat.ok(*copy(pg_db, pg_db2))
    with pg_db2.connect() as connection:
        after = dict(connection.execute("select id, xmin::text from u").fetchall())
    assert [row for row in before if before[row] != after[row]] == [2]


UNIQUE = {"moved": ("update c set u = 1", "delete from u where id = 2", "insert into u values (3, 'b')"),
          "swapped": ("update u set k = k || '_'", "update u set k = 'b' where id = 1", "update u set k = 'a' where id = 2"),
          "handed on": ("delete from c where u = 2", "update u set k = 'z' where id = 2", "update u set k = 'b' where id = 1"),
          "of rows that go together": ("delete from c where u = 2", "delete from u where id = 2", "insert into u values (3, 'b')")}


@pytest.mark.asan
@pytest.mark.parametrize("more", [(), ("--verify",)])
@pytest.mark.parametrize("column", ["k text unique", "k text not null unique"])
@pytest.mark.parametrize("change", UNIQUE)
def test_unique_values_go_from_row_to_row(leat, pg_db, pg_db2, change, column, more):
    for db in (pg_db, pg_db2):
        db.execute(f"create table u (id int primary key, {column})",
                   "create table c (id int primary key, u int references u)")
    pg_db.execute("insert into u values (1, 'a'), (2, 'b')", "insert into c values (1, 1), (2, 2)")
    leat.ok(*copy(pg_db, pg_db2))
    pg_db.execute(*UNIQUE[change])
    leat.ok(*copy(pg_db, pg_db2, *more))
    assert sorted(pg_db2.rows("u")) == sorted(pg_db.rows("u"))
    assert sorted(pg_db2.rows("c")) == sorted(pg_db.rows("c"))


def test_unique_values_go_from_row_to_row_down_a_chain_of_tables(leat, pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create table u (id int primary key, k text unique)",
                   "create table c (id int primary key, u int references u on delete cascade)",
                   "create table g (id int primary key, c int references c on delete cascade)")
    pg_db.execute("insert into u values (1, 'a'), (2, 'b')", "insert into c values (1, 1), (2, 2)",
                  "insert into g values (1, 1), (2, 2)")
    leat.ok(*copy(pg_db, pg_db2))
    pg_db.execute("delete from u where id = 2", "insert into u values (3, 'b')", "insert into c values (3, 3)",
                  "insert into g values (3, 3)")
    leat.ok(*copy(pg_db, pg_db2, "--verify"))
    for table in "ucg":
        assert sorted(pg_db2.rows(table)) == sorted(pg_db.rows(table))
