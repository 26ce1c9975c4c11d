"""Deltas and syncs into PostgreSQL: what its tables do beyond rows and keys, judged by psycopg."""
import threading

import pytest

from conftest import needed

SOURCE = "create table t (id int primary key, at timestamptz not null, v text)"


@pytest.fixture
def pair(pg_db, pg_db2):
    """Two databases, the first one with a table to read."""
    pg_db.execute(SOURCE)
    return pg_db, pg_db2


def fill(db, *rows, at="2026-01-01"):
    """Rows (id, v), stamped."""
    with db.connect() as connection:
        for id_, v in rows:
            connection.execute(
                "insert into t (id, at, v) values (%s, %s, %s) on conflict (id) do update set "
                "at = excluded.at, v = excluded.v", [id_, at, v])


def delta(leat, pair, *more):
    return leat.ok("cp", "delta", pair[0].stream("t"), pair[1].stream("t"), "-d", "at", *more)


def sync(leat, pair, *more):
    return leat.ok("sync", "batch", pair[0].stream("t"), pair[1].stream("t"), *more)


def values(db, columns="id, v", where="true"):
    with db.connect() as connection:
        return connection.execute(f"select {columns} from t where {where} order by 1").fetchall()


@pytest.mark.quick
def test_a_delta_makes_the_table_with_its_key_and_merges_into_it(leat, pair):
    source, dest = pair
    fill(source, (1, "a"), (2, "b"))
    delta(leat, pair)
    fill(source, (2, "B"), (3, "c"), at="2026-02-01")
    delta(leat, pair)
    assert values(dest) == [(1, "a"), (2, "B"), (3, "c")]
    with dest.connect() as connection:
        assert connection.execute("select pg_get_constraintdef(oid) from pg_constraint where "
                                  "conrelid = 't'::regclass and contype = 'p'"
                                  ).fetchall() == [("PRIMARY KEY (id)",)]
    assert dest.tables() == ["t", "t_pkey"] or dest.tables() == ["t"]


def test_of_several_records_of_a_key_the_latest_makes_the_row(leat, pair):
    source, dest = pair
    source.execute("drop table t", "create table t (id int, at timestamptz, v text)",
                   "insert into t values (1, '2026-01-02', 'late'), (1, '2026-01-01', 'early'), "
                   "(2, '2026-01-01', 'only')")
    delta(leat, pair, "-p", "id")
    assert values(dest) == [(1, "late"), (2, "only")]
    source.execute("insert into t values (2, '2026-01-04', 'newest'), (2, '2026-01-03', 'new')")
    delta(leat, pair, "-p", "id")
    assert values(dest) == [(1, "late"), (2, "newest")]


@pytest.mark.parametrize("unique", [
    "alter table t add unique (v)",
    "alter table t add unique (v) deferrable",
    "create unique index on t (lower(v)) where v is not null",
    "alter table t add exclude (v with =)",
])
def test_values_that_swap_rows_pass_unique_constraints(leat, pair, unique):
    source, dest = pair
    dest.execute(SOURCE, unique, "alter table t add column mine int default 7")
    fill(source, (1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e"))
    delta(leat, pair)
    dest.execute("update t set mine = id")
    # 1 and 2 swap, 3 -> 4 -> 5 is a chain, and a new row takes what 3 gave up.
    with source.connect() as connection:
        connection.execute("delete from t where id <= 5")
    fill(source, (1, "b"), (2, "a"), (3, "d"), (4, "e"), (5, "z"), (6, "c"), at="2026-02-01")
    delta(leat, pair)
    assert values(dest, "id, v, mine") == [(1, "b", 1), (2, "a", 2), (3, "d", 3), (4, "e", 4),
                                           (5, "z", 5), (6, "c", 7)]


def test_values_swap_in_rows_that_others_point_to(leat, pair):
    source, dest = pair
    dest.execute(SOURCE, "create unique index on t (v)",
                 "create table child (t int references t on delete cascade)")
    fill(source, (1, "a"), (2, "b"))
    delta(leat, pair)
    dest.execute("insert into child values (1), (2)")
    fill(source, (1, "x"), (2, "x2"))
    fill(source, (1, "b"), (2, "a"), at="2026-02-01")
    delta(leat, pair)
    assert values(dest) == [(1, "b"), (2, "a")]
    assert dest.count("child") == 2
    fill(source, (3, "c"), at="2026-03-01")
    done = leat.fails(2, "destination-holds-rows", "cp", "delta", source.stream("t"),
                      dest.stream("t"), "-d", "at", "--strategy", "delete+insert")
    assert "child" in done.stderr


def test_generated_identity_and_own_columns_stay(leat, pair):
    source, dest = pair
    dest.execute("create table t (id int primary key, at timestamptz not null, v text, "
                 "n bigint generated always as identity, twice text generated always as (v || v) "
                 "stored, note text default 'new')")
    fill(source, (1, "a"), (2, "b"))
    delta(leat, pair)
    dest.execute("update t set note = 'mine'")
    fill(source, (2, "B"), (3, "c"), at="2026-02-01")
    delta(leat, pair)
    assert values(dest, "id, v, n, twice, note") == [
        (1, "a", 1, "aa", "mine"), (2, "B", 2, "BB", "mine"), (3, "c", 3, "cc", "new")]


@pytest.mark.parametrize("action", ["cascade", "set null", "set default"])
@pytest.mark.parametrize("way", [delta, sync])
def test_a_swap_that_foreign_keys_would_pass_on_is_refused(leat, pair, action, way):
    source, dest = pair
    dest.execute(SOURCE, "create unique index on t (v)",
                 f"create table child (id int, v text references t (v) on update {action})")
    fill(source, (1, "a"), (2, "b"))
    way(leat, pair)
    dest.execute("insert into child values (1, 'a'), (2, 'b')")
    fill(source, (3, "c"), at="2026-02-01")
    way(leat, pair)
    fill(source, (1, "x"), (2, "x2"))
    fill(source, (1, "b"), (2, "a"), (4, "d"), at="2026-03-01")
    verb = ["cp", "delta", "-d", "at"] if way is delta else ["sync", "batch"]
    done = leat.fails(1, "destination-holds-rows", *verb[:2], source.stream("t"),
                      dest.stream("t"), *verb[2:])
    assert "child (child_v_fkey)" in done.stderr
    assert values(dest) == [(1, "a"), (2, "b"), (3, "c")]
    with dest.connect() as connection:
        assert connection.execute("select id, v from child order by 1"
                                  ).fetchall() == [(1, "a"), (2, "b")]
    # What takes nothing from another row is passed on as the key says.
    fill(source, (1, "q"), (2, "b"), at="2026-04-01")
    way(leat, pair)
    assert values(dest) == [(1, "q"), (2, "b"), (3, "c"), (4, "d")]
    with dest.connect() as connection:
        assert connection.execute("select v from child order by id").fetchall() == [
            ("q" if action == "cascade" else None,), ("b",)]
    # The remedy.
    dest.execute("alter table child drop constraint child_v_fkey, "
                 "add foreign key (v) references t (v) deferrable", "update child set v = 'q'")
    fill(source, (1, "x"))
    fill(source, (1, "b"), (2, "q"), at="2026-05-01")
    way(leat, pair)
    assert values(dest) == [(1, "b"), (2, "q"), (3, "c"), (4, "d")]


def test_intervals_that_postgresql_takes_for_equal_are_compared_by_what_they_say(leat, pair):
    source, dest = pair
    more = "alter table t add column i interval, add column l interval[]"
    source.execute(more, "insert into t values (1, '2026-01-01', 'a', '1 mon', '{1 day}')")
    dest.execute(SOURCE, more)
    sync(leat, pair)
    source.execute("update t set i = '30 days', l = '{24:00}'")
    sync(leat, pair)
    assert values(dest, "i::text, l::text") == [("30 days", "{24:00:00}")]
    source.execute("update t set i = '1 mon', l = '{1 day}', at = '2026-02-01'")
    delta(leat, pair)
    assert values(dest, "i::text, l::text") == [("1 mon", '{"1 day"}')]


FOLDING = {
    "collation": ("create collation ci (provider = icu, locale = 'und-u-ks-level2', "
                  "deterministic = false)", "text collate ci"),
    "citext": ("create extension citext", "citext"),
}


@pytest.fixture(params=list(FOLDING))
def folding(request, pair):
    """A source of keys that are text, and the type of a destination's key that folds case."""
    source, dest = pair
    make, type_ = FOLDING[request.param]
    with dest.connect() as connection:
        there = connection.execute("select from pg_available_extensions where name = 'citext'")
        if request.param == "citext" and not there.rowcount:
            needed("citext, of PostgreSQL's contributed extensions, is missing: run tools/setup test")
    dest.execute(make)
    source.execute("drop table t", "create table t (id text primary key, at timestamptz, v text)")
    return type_


@pytest.mark.parametrize("mode", [
    (), ("--soft-delete", "--deleted-column", "gone"), ("--strategy", "delete+insert"),
    ("--strategy", "history")])
def test_keys_that_a_collation_takes_for_equal_are_keys_of_their_own(leat, pair, folding, mode):
    source, dest = pair
    history = " , _leat_valid_from timestamptz, _leat_valid_to timestamptz, _leat_current bool"
    dest.execute(f"create table t (id {folding}, at timestamptz, v text, gone bool"
                 f"{history if 'history' in mode else ''})")
    source.execute("alter table t add column gone bool")
    fill(source, ("B", "x"), ("b", "y"))
    delta(leat, pair, "-p", "id", *mode)
    order = 'id::text collate "C", v'
    assert values(dest, order) == [("B", "x"), ("b", "y")]
    fill(source, ("B", "x"), ("b", "z"), ("c", "n"), at="2026-02-01")
    delta(leat, pair, "-p", "id", *mode)
    now = "_leat_current" if "history" in mode else "true"
    assert values(dest, order, now) == [("B", "x"), ("b", "z"), ("c", "n")]
    if not mode:
        source.execute("delete from t where id = 'B'", "update t set v = 'q' where id = 'b'",
                       "insert into t values ('C', '2026-01-01', 'N')")
        sync(leat, pair, "-p", "id")
        assert values(dest, order) == [("C", "N"), ("b", "q"), ("c", "n")]


def test_keys_that_a_unique_index_takes_for_equal_are_refused(leat, pair, folding):
    source, dest = pair
    dest.execute(f"create table t (id {folding} primary key, at timestamptz, v text)")
    fill(source, ("B", "x"), ("b", "y"))
    places = [source.stream("t"), dest.stream("t")]
    leat.fails(1, "duplicate-key", "cp", "delta", *places, "-d", "at")
    leat.fails(1, "duplicate-key", "sync", "batch", *places)
    assert dest.count("t") == 0
    source.execute("delete from t where id = 'b'")
    delta(leat, pair)
    source.execute("delete from t")
    fill(source, ("b", "y"), at="2026-02-01")
    leat.fails(1, "duplicate-key", "cp", "delta", *places, "-d", "at")
    assert values(dest, "id::text, v") == [("B", "x")]
    sync(leat, pair)
    assert values(dest, "id::text, v") == [("b", "y")]


def test_keys_of_citext_in_a_table_that_is_made_are_told_apart_or_refused(leat, pair):
    source, dest = pair
    for db in pair:
        with db.connect() as connection:
            if not connection.execute("select from pg_available_extensions where name = 'citext'"
                                      ).rowcount:
                needed("citext, of PostgreSQL's contributed extensions, is missing: run tools/setup test")
        db.execute("create extension citext")
    source.execute("drop table t", "create table t (id citext, at timestamptz, v text)",
                   "insert into t values ('B', '2026-01-01', 'x'), ('b', '2026-01-01', 'y')")
    leat.fails(1, "duplicate-key", "cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at",
               "-p", "id")
    assert dest.tables() == []
    source.execute("update t set id = 'B', at = '2026-01-02' where v = 'y'")
    delta(leat, pair, "-p", "id")
    assert values(dest, "id::text, v") == [("B", "y")]


def test_types_without_an_equality_are_compared_all_the_same(leat, pair):
    source, dest = pair
    source.execute("alter table t add column j json, add column p point, add column c text",
                   "insert into t values (1, '2026-01-01', 'a', '{\"a\": 1}', '(1,2)', 'x'), "
                   "(2, '2026-01-01', 'b', null, null, 'y')")
    dest.execute("create collation ci (provider = icu, locale = 'und-u-ks-level2', "
                 "deterministic = false)",
                 "create table t (id int primary key, at timestamptz, v text, j json, p point, "
                 "c text collate ci)")
    sync(leat, pair)
    source.execute("update t set j = '{\"a\":  1}', c = 'X' where id = 1")
    report = sync(leat, pair)
    assert values(dest, "id, j::text, p::text, c") == [(1, '{"a":  1}', "(1,2)", "X"),
                                                       (2, None, None, "y")]
    assert report.returncode == 0


def test_a_key_that_is_null_or_doubled_stops_the_load(leat, pair):
    source, dest = pair
    source.execute("alter table t drop constraint t_pkey, alter column id drop not null",
                   "insert into t values (null, '2026-01-01', 'x')")
    dest.execute("create table t (id int, at timestamptz, v text)")
    leat.fails(1, "null-key", "cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at",
               "-p", "id")
    source.execute("delete from t", "insert into t values (1, '2026-01-01', 'x')")
    dest.execute("insert into t values (1, '2025-01-01', 'one'), (1, '2025-01-01', 'two')")
    leat.fails(1, "duplicate-key", "cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at",
               "-p", "id")
    assert values(dest, "v") == [("one",), ("two",)]


def test_new_columns_are_added_and_types_widened(leat, pair):
    source, dest = pair
    fill(source, (1, "a"))
    delta(leat, pair)
    source.execute("alter table t alter column id type bigint, add column extra numeric(10,2)")
    source.execute("insert into t values (5000000000, '2026-02-01', 'b', 1.50)")
    stop = leat.fails(2, "column-mismatch", "cp", "delta", source.stream("t"), dest.stream("t"),
                      "-d", "at", "--schema", "strict")
    assert 'ALTER TABLE "public"."t" ADD COLUMN "extra" numeric(10,2)' in stop.stderr
    plan = leat.ok("cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at", "-n")
    assert 'ALTER COLUMN "id" TYPE bigint' in plan.stdout + plan.stderr
    assert values(dest, "id, v") == [(1, "a")]
    delta(leat, pair)
    assert [(int(a), b, None if c is None else str(c)) for a, b, c in
            values(dest, "id, v, extra")] == [(1, "a", None), (5000000000, "b", "1.50")]
    source.execute("alter table t add column unwanted int", "update t set at = '2026-03-01'")
    delta(leat, pair, "--schema", "ignore")
    with dest.connect() as connection:
        assert connection.execute("select count(*) from pg_attribute where attrelid = "
                                  "'t'::regclass and attname = 'unwanted'").fetchone() == (0,)


def test_a_load_that_fails_leaves_the_columns_as_they_were(leat, pair):
    source, dest = pair
    fill(source, (1, "a"))
    delta(leat, pair)
    dest.execute("alter table t add check (v <> 'bad')")
    source.execute("alter table t add column extra int")
    fill(source, (2, "bad"), at="2026-02-01")
    assert leat("cp", "delta", source.stream("t"), dest.stream("t"), "-d", "at").returncode == 1
    with dest.connect() as connection:
        assert connection.execute("select count(*) from pg_attribute where attrelid = "
                                  "'t'::regclass and attname = 'extra'").fetchone() == (0,)


def test_copies_evolve_too_when_asked(leat, pair):
    source, dest = pair
    fill(source, (1, "a"))
    leat.ok("cp", source.stream("t"), dest.stream("t"))
    source.execute("alter table t add column extra int default 4")
    leat.fails(2, "column-mismatch", "cp", source.stream("t"), dest.stream("t"))
    leat.ok("cp", source.stream("t"), dest.stream("t"), "--schema", "evolve")
    assert values(dest, "id, v, extra") == [(1, "a", 4)]


def test_a_history_keeps_every_version(leat, pair):
    source, dest = pair
    fill(source, (1, "a"), (2, "b"))
    delta(leat, pair, "--strategy", "history")
    fill(source, (1, "A"), at="2026-02-01")
    delta(leat, pair, "--strategy", "history")
    with dest.connect() as connection:
        rows = connection.execute(
            "select id, v, _leat_valid_from::date::text, _leat_valid_to::date::text, _leat_current "
            "from t order by id, _leat_valid_from").fetchall()
    assert [(row[0], row[1], row[3] is None, row[4]) for row in rows] == [
        (1, "a", False, False), (1, "A", True, True), (2, "b", True, True)]
    assert rows[0][3] == rows[1][2]


def test_a_soft_delete_marks_and_coming_back_unmarks(leat, pair):
    source, dest = pair
    fill(source, (1, "a"), (2, "b"))
    sync(leat, pair)
    source.execute("delete from t where id = 1")
    sync(leat, pair, "--soft-delete")
    assert values(dest, "id, _leat_deleted is not null") == [(1, True), (2, False)]
    fill(source, (1, "again"))
    sync(leat, pair, "--soft-delete")
    assert values(dest, "id, v, _leat_deleted is not null") == [(1, "again", False),
                                                                (2, "b", False)]


def test_readers_see_the_old_rows_or_the_new(leat, pair):
    source, dest = pair
    source.execute("insert into t select i, '2026-01-01', 'old' from generate_series(1, 20000) i")
    delta(leat, pair)
    source.execute("update t set v = 'new', at = '2026-02-01'")
    seen, stop = set(), threading.Event()

    def read():
        with dest.connect() as connection:
            connection.autocommit = True
            while not stop.is_set():
                seen.add(connection.execute("select min(v), max(v), count(*) from t").fetchone())

    reader = threading.Thread(target=read)
    reader.start()
    delta(leat, pair)
    stop.set()
    reader.join()
    assert seen <= {("old", "old", 20000), ("new", "new", 20000)}
    assert values(dest, "count(*)", "v = 'new'") == [(20000,)]
