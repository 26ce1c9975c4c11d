"""Values that Arrow has no place for, between two PostgreSQL servers: nothing has to be asked for.

What arrives is read by psycopg, as the server's own text.
"""
import json

import pytest

KINDS = ("create type mood as enum ('a', 'b')",)
TABLE = ("create table {0} (id int primary key, d date, e date, t timestamp, z timestamptz, c time, n numeric(9, 2), "
         "a int[], i interval, ds date[], v inet, m mood, r int4range)")
ROWS = ("insert into {0} values (1, '2024-01-01', '2024-01-02', '2024-01-01', '2024-01-01', '12:00', 1.5, '{{1}}', '1 day', "
        "'{{2024-01-01}}', '1.1.1.1', 'a', '[1,2)'), (2, 'infinity', '-infinity', '-infinity', 'infinity', '24:00', 'NaN', "
        "'{{{{1,2}},{{3,4}}}}', '2562048 hours', '{{infinity}}', '1.1.1.1', 'b', 'empty')")


def texts(db, table="t"):
    with db.connect() as connection:
        columns = [row[0] for row in connection.execute(
            "select attname || '::text' from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum", [table])]
        types = connection.execute("select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
                                   "%s::regclass and attnum > 0 order by attnum", [table]).fetchall()
        return types, connection.execute(f"select {', '.join(columns)} from {table} order by id").fetchall()


@pytest.fixture
def endless(pg_db):
    pg_db.execute(*KINDS, TABLE.format("t"), ROWS.format("t"), "insert into t values (3)")
    return pg_db


@pytest.mark.asan
def test_such_values_are_copied_verified_compared_and_synced(leat, endless, pg_db2):
    here, there = endless.stream("t"), pg_db2.stream("t")
    leat.ok("cp", here, there, "--verify")
    assert texts(pg_db2) == texts(endless)
    leat.ok("verify", here, there)
    assert "nothing to be done" in leat.ok("sync", "batch", here, there).stderr
    endless.execute("update t set d = '-infinity', n = 2.5, a = '{{1}}', t = 'infinity' where id = 2",
                    "update t set e = 'infinity' where id = 1", "delete from t where id = 3",
                    "insert into t select 4, d, e, t, z, c, 'NaN', a, i, ds, v, m, r from t where id = 2")
    done = leat("diff", here, there)
    told = {line["id"]: set(line) for line in map(json.loads, done.stdout.splitlines())}
    assert told.keys() == {1, 2, 3, 4} and {"d", "n", "a", "t"} < told[2] and "z" not in told[2], done.stderr
    assert leat("verify", here, there).returncode == 3
    done = leat.ok("sync", "batch", here, there, "--verify")
    assert "1 inserted, 2 updated, 1 deleted" in done.stderr, done.stderr
    assert texts(pg_db2) == texts(endless)


def test_a_table_that_a_sync_makes_gets_them_too(leat, endless, pg_db2):
    leat.ok("sync", "batch", endless.stream("t"), pg_db2.stream("t"))
    assert texts(pg_db2) == texts(endless)
    endless.execute("insert into t select 5, d, e, t, z, c, n, a, i, ds, v, m, r from t where id = 2")
    leat.ok("cp", "delta", endless.stream("t"), pg_db2.stream("u"), "--cursor", "id")
    assert texts(pg_db2, "u")[1] == texts(endless)[1]
    endless.execute("insert into t select 6, d, e, t, z, c, n, a, i, ds, v, m, r from t where id = 2")
    leat.ok("cp", "delta", endless.stream("t"), pg_db2.stream("u"), "--cursor", "id")
    assert texts(pg_db2, "u")[1] == texts(endless)[1]


def test_tables_that_refer_to_each_other_are_synced_with_them(leat, pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create table a (id int primary key, d date)",
                   "create table b (id int primary key, a int references a, d date)")
    pg_db.execute("insert into a values (1, 'infinity')", "insert into b values (1, 1, '-infinity')")
    pg_db2.execute("insert into a values (2, '-infinity')", "insert into b values (2, 2, 'infinity')")
    leat.ok("sync", "batch", f"{pg_db.url}#public.", f"{pg_db2.url}#public.")
    for name in "ab":
        assert texts(pg_db2, name) == texts(pg_db, name)


def test_differences_that_were_told_are_not_told_again(leat, pg_db, pg_db2):
    for db, change in ((pg_db, 0), (pg_db2, 7)):
        db.execute("create table t (id int primary key, n int, d date)",
                   f"insert into t select i, i + case when i in (3, 70000, 140000) then {change} else 0 end, "
                   "'2024-01-01' from generate_series(1, 150000) i")
    pg_db.execute("update t set d = 'infinity' where id = 139000", "delete from t where id = 5")
    pg_db2.execute("delete from t where id = 150000")
    done = leat("diff", pg_db.stream("t"), pg_db2.stream("t"))
    told = [(line["id"], line["#diffStatus"]) for line in map(json.loads, done.stdout.splitlines())]
    assert told == [(3, "CHANGED"), (5, "DELETED"), (70000, "CHANGED"), (139000, "CHANGED"), (140000, "CHANGED"),
                    (150000, "NEW")], done.stderr
    assert done.returncode == 3 and "1 new, 4 changed, 1 deleted" in done.stderr


def test_a_key_may_be_infinite(leat, pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create table t (at timestamptz primary key, n int)",
                   "insert into t values ('infinity', 1), ('-infinity', 2), ('epoch', 3), ('2024-01-01 00:00:00.5', 4), "
                   "('0044-03-15 BC', 5)")
    pg_db.execute("update t set n = n + 1 where at in ('infinity', 'epoch')", "delete from t where n = 4 and at < 'infinity'")
    leat.ok("sync", "batch", pg_db.stream("t"), pg_db2.stream("t"))
    with pg_db.connect() as one, pg_db2.connect() as other:
        query = "select at::text, n from t order by t.at"
        assert one.execute(query).fetchall() == other.execute(query).fetchall()
    leat.ok("verify", pg_db.stream("t"), pg_db2.stream("t"))


def test_columns_of_the_same_type_that_end_in_another_are_left_as_they_are(leat, pg_db, pg_db2):
    pg_db.execute("create table t (id int primary key, d date, e date, f date)",
                  "insert into t values (1, 'infinity', '2024-01-01', '2024-01-02')")
    pg_db2.execute("create table t (id int primary key, d date, e timestamp, f text)")
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("t"), "--cast", "f=utf8")
    with pg_db2.connect() as connection:
        assert connection.execute("select d::text, e::text, f from t").fetchall() == [
            ("infinity", "2024-01-01 00:00:00", "2024-01-02")]


def test_remedies_are_those_of_the_command(leat, pg_db, pg_db2):
    pg_db.execute("create table t (id int primary key, d date)", "insert into t values (1, 'infinity')")
    pg_db2.execute("create table t (id int primary key, d timestamp)", "insert into t values (1, 'infinity')")
    for verb in ("diff", "verify"):
        done = leat.fails(1, "value-range", verb, pg_db.stream("t"), pg_db2.stream("t"))
        assert "--cast 'd=utf8'" in done.stderr and "--on-loss" not in done.stderr
        leat.ok(verb, pg_db.stream("t"), pg_db2.stream("t"), "--cast", "d=utf8")
    done = leat.fails(1, "value-range", "sync", "batch", pg_db.stream("t"), pg_db2.stream("t"))
    assert "--columns" in done.stderr and "--cast" not in done.stderr and "--on-loss" not in done.stderr
    leat.ok("sync", "batch", pg_db.stream("t"), pg_db2.stream("t"), "--columns", "id")
