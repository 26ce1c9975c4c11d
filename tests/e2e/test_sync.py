"""leat sync batch: equal afterwards, written only where it differed, guards before anything changes.

LEAT_HISTORIES is the number of random histories (6), LEAT_HISTORIES_SEED the first seed."""
import json
import os
import random
import re
import signal
import sqlite3

import pytest

import readers
from conftest import kill_after, wait_for

HISTORIES = int(os.environ.get("LEAT_HISTORIES", "6"))
SEED = int(os.environ.get("LEAT_HISTORIES_SEED", "20261121"))
FILES = {"csv": readers.csv_table, "jsonl": readers.jsonl_table, "parquet": readers.parquet_table,
         "arrow": readers.arrow_table}


def told(done):
    """{'inserted': n, ...} of the last line."""
    return {word: int(n.replace(",", "")) for n, word in
            re.findall(r"([\d,]+) (inserted|updated|deleted|unchanged)", done.stderr)}


def nothing(done):
    return "nothing to be done" in done.stderr


# --- ends ----------------------------------------------------------------------------------------


class Postgres:
    system = "postgres"
    types = {"k": "int", "t": "text", "n": "numeric(12,2)", "at": "timestamp", "x": "bytea", "f": "float8"}

    def __init__(self, db, table):
        self.db, self.table, self.location = db, table, db.stream(table)

    def run(self, sql, *values):
        with self.db.connect() as connection:
            connection.execute(sql.replace("?", "%s") if values else sql, values or None)

    def rows(self):
        return self.db.rows(self.table)

    def exists(self):
        return self.table in self.db.tables()


class Sqlite:
    system = "sqlite"
    types = {"k": "integer", "t": "text", "n": "decimal(12,2)", "at": "timestamp", "x": "blob", "f": "real"}

    def __init__(self, path, table):
        self.path, self.table, self.location = path, table, f"sqlite:{path}#{table}"

    def run(self, sql, *values):
        connection = sqlite3.connect(self.path)
        with connection:
            connection.execute(sql, values)
        connection.close()

    def rows(self):
        connection = sqlite3.connect(self.path)
        rows = connection.execute(f'select * from "{self.table}" order by 1').fetchall()
        connection.close()
        return rows


class File:
    def __init__(self, folder, system):
        self.system, self.path = system, folder / f"copy.{system}"
        self.location = self.path

    def rows(self):
        return FILES[self.system](self.path)[1]


@pytest.fixture
def end(tmp_path, pg_db):
    def make(system, table):
        if system == "postgres":
            return Postgres(pg_db, table)
        return Sqlite(tmp_path / f"{table}.db", table) if system == "sqlite" else File(tmp_path, system)
    return make


def assert_equal(source, destination, key=0):
    readers.assert_same_rows(readers.sort_rows([tuple(row) for row in source.rows()], key),
                             readers.sort_rows([tuple(row) for row in destination.rows()], key))


# --- one thing at a time -------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_only_what_differs_is_written(leat, end, pg_db, system):
    source = end("postgres", "s")
    source.run("create table s (k int primary key, t text, n numeric(12,2))")
    source.run("insert into s select i, 't' || i, i * 1.25 from generate_series(1, 1000) i")
    destination = end(system, "d")
    made = leat.ok("sync", "batch", source.location, destination.location)
    assert "1,000 rows" in made.stderr
    assert_equal(source, destination)
    assert nothing(leat.ok("sync", "batch", source.location, destination.location))
    source.run("delete from s where k <= 3")
    source.run("update s set t = 'changed' where k in (10, 20)")
    source.run("insert into s values (5000, null, 0)")
    done = leat.ok("sync", "batch", source.location, destination.location)
    assert told(done) == {"inserted": 1, "updated": 2, "deleted": 3, "unchanged": 995}
    assert_equal(source, destination)
    assert nothing(leat.ok("sync", "batch", source.location, destination.location))


def test_rows_that_are_equal_are_not_even_touched(leat, end, pg_db):
    """Their row versions stay: xmin is the transaction that wrote them."""
    source, destination = end("postgres", "s"), end("postgres", "d")
    source.run("create table s as select i as k, 'x' as t from generate_series(1, 500) i")
    pg_db.execute("create table d as select * from s", "update s set t = 'y' where k = 77")
    with pg_db.connect() as connection:
        before = dict(connection.execute("select k, xmin::text from d").fetchall())
    leat.ok("sync", "batch", source.location, destination.location, "-p", "k")
    with pg_db.connect() as connection:
        after = dict(connection.execute("select k, xmin::text from d").fetchall())
    assert [k for k in before if before[k] != after[k]] == [77]


def test_deletes_that_would_reach_other_tables_are_refused(leat, end, pg_db):
    source, destination = end("postgres", "s"), end("postgres", "d")
    source.run("create table s as select i as k, 'x' as t from generate_series(1, 5) i")
    pg_db.execute("create table d (k int primary key, t text)", "insert into d select * from s",
                  "create table child (d int references d on delete cascade)",
                  "insert into child values (5)", "update s set t = 'y' where k = 1")
    sync = ("sync", "batch", source.location, destination.location, "-p", "k")
    assert told(leat.ok(*sync))["updated"] == 1  # nothing was to be deleted
    source.run("delete from s where k = 5")
    refused = leat.fails((1, 2), "destination-holds-rows", *sync)
    assert "child" in refused.stderr and len(pg_db.rows("child")) == 1
    assert len(destination.rows()) == 5
    leat.ok(*sync, "--soft-delete")
    assert len(destination.rows()) == 5 and len(pg_db.rows("child")) == 1


@pytest.mark.parametrize("over", ["create view v as select n from d",
                                  "alter table d add g int generated always as (n + 1) stored"])
@pytest.mark.parametrize("command", ["sync", "merge", "append"])
def test_narrower_columns_that_something_depends_on_are_kept_by_schema_ignore(leat, end, pg_db, over,
                                                                              command):
    source, destination = end("sqlite", "s"), end("postgres", "d")
    source.run("create table s (k integer primary key, n int)")
    source.run("insert into s values (1, 10), (2, 20)")
    pg_db.execute("create table d (k int primary key, n int)", over)
    run = {"sync": ("sync", "batch", source.location, destination.location, "-p", "k"),
           "merge": ("cp", "delta", source.location, destination.location, "-d", "k"),
           "append": ("cp", "delta", source.location, destination.location, "-d", "k",
                      "--strategy", "append")}[command]
    refused = leat(*run)
    assert refused.returncode and "--schema ignore keeps" in refused.stderr, refused.stderr
    assert destination.rows() == []
    leat.ok(*run, "--schema", "ignore")
    assert [row[:2] for row in destination.rows()] == [(1, 10), (2, 20)]
    source.run("insert into s values (3, 3000000000)")
    leat.fails(1, "value-range", *run, "--schema", "ignore")
    assert len(destination.rows()) == 2


@pytest.mark.parametrize("action", ["", "on delete cascade"])
def test_rows_of_a_sqlite_table_that_others_refer_to_do_not_go(leat, end, tmp_path, action):
    source, destination = end("sqlite", "s"), end("sqlite", "d")
    source.run("create table s (k integer primary key, t text)")
    source.run("insert into s values (1, 'a'), (2, 'b')")
    for sql in ("create table d (k integer primary key, t text)",
                "insert into d values (1, 'a'), (2, 'x'), (3, 'c')",
                f"create table child (d int references D (k) {action})",
                "create table keyed (k text primary key, d int references d) without rowid",
                "create table broken (t text references d (t))", "insert into broken values ('c')",
                "insert into child values (2), (3), (77)",  # 77 dangled before
                "insert into keyed values ('q', 3), ('r', 88)"):
        destination.run(sql)
    sync = ("sync", "batch", source.location, destination.location, "-p", "k")
    before = destination.rows()
    refused = leat.fails((1, 2), "destination-holds-rows", *sync)
    assert "child, keyed" in refused.stderr and destination.rows() == before
    destination.run("delete from child where d = 3")
    assert "of keyed refer" in leat.fails((1, 2), "destination-holds-rows", *sync).stderr
    leat.ok(*sync, "--soft-delete")
    assert len(destination.rows()) == 3
    destination.run("update keyed set d = 2 where d = 3")
    destination.run("update d set _leat_deleted = null")
    assert told(leat.ok(*sync))["deleted"] == 1
    assert len(destination.rows()) == 2


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_unique_values_that_change_places(leat, end, system):
    source, destination = end(system, "s"), end("postgres" if system == "sqlite" else "sqlite", "d")
    for each in (source, destination):
        each.run(f"create table {each.table} (k int primary key, u int unique, t text)")
        for row in [(1, 10, "a"), (2, 20, "b"), (3, 30, "c"), (4, 40, "d")]:
            each.run(f"insert into {each.table} values (?, ?, ?)", *row)
    source.run(f"update {source.table} set u = u + 1000")
    for k, u in [(1, 20), (2, 30), (3, 10)]:  # a ring
        source.run(f"update {source.table} set u = ? where k = ?", u, k)
    source.run(f"delete from {source.table} where k = 4")
    source.run(f"insert into {source.table} values (5, 40, 'e')")  # takes what a deleted row had
    done = leat.ok("sync", "batch", source.location, destination.location)
    assert told(done) == {"inserted": 1, "updated": 3, "deleted": 1}
    assert_equal(source, destination)


def test_guards_stop_before_anything_is_changed(leat, end):
    source, destination = end("sqlite", "s"), end("postgres", "d")
    source.run("create table s (k integer primary key, t text)")
    for k in range(100):
        source.run("insert into s values (?, 'x')", k)
    leat.ok("sync", "batch", source.location, destination.location)
    source.run("delete from s where k < 30")
    for limit in ("29", "29%"):
        done = leat.fails((1, 2), "too-many-deletes", "sync", "batch", source.location,
                          destination.location, "--max-delete", limit)
        assert "destination unchanged" in done.stderr
    assert len(destination.rows()) == 100
    leat.ok("sync", "batch", source.location, destination.location, "--max-delete", "30%")
    assert_equal(source, destination)
    source.run("delete from s")
    leat.fails((1, 2), "empty-source", "sync", "batch", source.location, destination.location)
    assert len(destination.rows()) == 70
    leat.ok("sync", "batch", source.location, destination.location, "--allow-empty")
    assert destination.rows() == []


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_in_steps_and_a_cut_short_one_goes_on(leat, end, system):
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s as select i as k, md5(i::text) as t from generate_series(1, 500) i")
    source.run("alter table s add primary key (k)")
    leat.ok("sync", "batch", source.location, destination.location)
    source.run("delete from s where k % 5 = 0")
    source.run("update s set t = 'x' where k % 3 = 0")
    source.run("insert into s select i, 'new' from generate_series(1001, 1100) i")
    done = leat.ok("sync", "batch", source.location, destination.location, "--commit-batch-size", "70")
    assert told(done) == {"inserted": 100, "updated": 133, "deleted": 100, "unchanged": 267}
    assert "in 5 transactions" in done.stderr and "one transaction" not in done.stderr
    assert_equal(source, destination)


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_a_later_batch_that_fails_leaves_those_before(leat, end, system):
    source, destination = end("sqlite", "s"), end(system, "d")
    for each in (source, destination):
        each.run(f"create table {each.table} (k integer primary key, u integer unique)")
        each.run(f"insert into {each.table} values (1, 10), (2, 20), (3, 30)")
    for k, u in [(1, 15), (2, -1), (3, 20), (2, 30)]:  # 2 and 3 change places
        source.run(f"update s set u = {u} where k = {k}")
    sync = ("sync", "batch", source.location, destination.location)
    report = leat.home / "report.json"
    failed = leat(*sync, "--commit-batch-size", "1", "--report", report)
    assert failed.returncode != 0 and destination.rows() == [(1, 15), (2, 20), (3, 30)]
    [stream] = json.loads(report.read_text(encoding="utf-8"))["streams"]
    assert stream["rows_written"] == 1 and not stream["committed"]
    assert "unchanged" not in failed.stderr and "batches before it are committed" in failed.stderr
    assert told(leat.ok(*sync)) == {"updated": 2, "unchanged": 1}
    assert_equal(source, destination)


@pytest.mark.parametrize("kind, one, other", [
    ("interval", "1 month", "30 days"), ("box", "(1,1),(0,0)", "(2,1),(1,0)"),
    ("circle", "<(0,0),1>", "<(5,5),1>"), ("path", "[(0,0),(1,1)]", "[(0,0),(9,9)]"),
    ("lseg", "[(0,0),(1,1)]", "[(0,0),(2,2)]"), ("interval[]", "{1 month}", "{30 days}")])
def test_values_that_only_the_server_calls_equal_are_written(leat, end, kind, one, other):
    source, destination = end("postgres", "s"), end("postgres", "d")
    for each, value in ((source, one), (destination, other)):
        each.run(f"create table {each.table} (k int primary key, v {kind})")
        each.run(f"insert into {each.table} values (1, '{value}')")
    done = leat.ok("sync", "batch", source.location, destination.location)
    assert told(done)["updated"] == 1
    with source.db.connect() as connection:
        texts = connection.execute("select (select v::text from s), (select v::text from d)").fetchone()
    assert texts[0] == texts[1]


def test_counts_are_checked_before_the_commit(leat, end):
    """A trigger leaves one row as it is: nothing of the sync stays."""
    source, destination = end("postgres", "s"), end("postgres", "d")
    for each in (source, destination):
        each.run(f"create table {each.table} (k int primary key, v text)")
    source.run("insert into s values (1, 'new'), (2, 'b')")
    destination.run("insert into d values (1, 'old'), (3, 'c')")
    destination.run("create function leave() returns trigger language plpgsql as "
                    "'begin return null; end'")
    destination.run("create trigger leave before update on d for each row execute function leave()")
    failed = leat("sync", "batch", source.location, destination.location)
    assert failed.returncode in (1, 2) and "destination unchanged" in failed.stderr
    assert "[count-mismatch]" in failed.stderr and "trigger leave" in failed.stderr
    assert destination.rows() == [(1, "old"), (3, "c")]


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_deleted_rows_may_stay_marked(leat, end, system):
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s (k int primary key, t text)")
    source.run("insert into s select i, 't' || i from generate_series(1, 10) i")
    sync = ("sync", "batch", source.location, destination.location, "--soft-delete")
    leat.ok(*sync)
    source.run("delete from s where k in (3, 4)")
    assert told(leat.ok(*sync)) == {"deleted": 2, "unchanged": 8}
    marked = {row[0]: row[-1] for row in destination.rows()}
    assert len(marked) == 10 and sorted(k for k in marked if marked[k] is not None) == [3, 4]
    assert nothing(leat.ok(*sync))
    source.run("insert into s values (3, 'back')")
    leat.ok(*sync)
    back = {row[0]: row for row in destination.rows()}
    assert back[3][1] == "back" and back[3][-1] is None and back[4][-1] is not None
    assert nothing(leat.ok(*sync))


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_columns_that_the_destination_lacks(leat, end, system):
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s (k int primary key, t text)")
    source.run("insert into s select i, 't' || i from generate_series(1, 10) i")
    leat.ok("sync", "batch", source.location, destination.location)
    source.run("alter table s add more int")
    source.run("update s set more = k where k < 4")
    leat.fails((1, 2), "column-mismatch", "sync", "batch", source.location, destination.location,
               "--schema", "strict")
    assert nothing(leat.ok("sync", "batch", source.location, destination.location,
                           "--schema", "ignore"))
    done = leat.ok("sync", "batch", source.location, destination.location)
    assert told(done) == {"updated": 3, "unchanged": 7}
    assert_equal(source, destination)
    source.run("alter table s add empty int")
    leat.ok("sync", "batch", source.location, destination.location)
    assert_equal(source, destination)
    assert nothing(leat.ok("sync", "batch", source.location, destination.location))


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_killed_syncs_leave_nothing_that_the_next_trips_over(leat, end, system):
    rng = random.Random(SEED)
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s as select i as k, md5(i::text) as t from generate_series(1, 20000) i")
    source.run("alter table s add primary key (k)")
    leat.ok("sync", "batch", source.location, destination.location)
    source.run("delete from s where k % 5 = 0")
    source.run("update s set t = 'x' where k % 3 = 0")
    source.run("insert into s select i, 'new' from generate_series(30001, 33000) i")
    for _ in range(4):
        steps = rng.choice([(), ("--commit-batch-size", "2000")])
        kill_after(leat.start("sync", "batch", source.location, destination.location, *steps),
                   rng.uniform(0.02, 0.6))
    leat.ok("sync", "batch", source.location, destination.location)
    assert_equal(source, destination)
    assert nothing(leat.ok("sync", "batch", source.location, destination.location))


def test_only_rows_of_a_condition(leat, end):
    source, destination = end("postgres", "s"), end("postgres", "d")
    for each in (source, destination):
        each.run(f"create table {each.table} (k int primary key, t text)")
    source.run("insert into s select i, 's' from generate_series(1, 20) i")
    destination.run("insert into d select i, 'd' from generate_series(11, 30) i")
    leat.ok("sync", "batch", source.location, destination.location, "--where", "k <= 15")
    assert {row[0]: row[1] for row in destination.rows()} == \
        {**{k: "s" for k in range(1, 16)}, **{k: "d" for k in range(16, 31)}}


@pytest.mark.parametrize("name", ["d.jsonl", "d.csv", "d.parquet"])
def test_a_file_without_records_is_kept_in_step_too(leat, end, tmp_path, name):
    source, destination = end("postgres", "s"), tmp_path / name
    source.run(f"create table {source.table} (k int primary key, t text)")
    leat.ok("sync", "batch", source.location, destination)
    source.run("insert into s values (1, 'a'), (2, null)")
    leat.ok("sync", "batch", source.location, destination)
    leat.ok("verify", source.location, destination, "-p", "k")
    assert nothing(leat.ok("sync", "batch", source.location, destination, "-p", "k"))


def test_many_tables_at_once(leat, pg_db, tmp_path):
    pg_db.execute(*(f"create table t{i} as select k, {i} as v from generate_series(1, 50) k"
                    for i in range(4)),
                  *(f"alter table t{i} add primary key (k)" for i in range(4)))
    target = f"sqlite:{tmp_path / 'all.db'}"
    source = pg_db.url + "#public."
    leat.ok("sync", "batch", source, target)
    pg_db.execute("update t2 set v = 99 where k = 1", "drop table t3")
    done = leat.ok("sync", "batch", source, target)
    assert done.stderr.count("nothing to be done") == 2 and "1 updated" in done.stderr
    assert readers.sqlite_table(tmp_path / "all.db", "t2")[1][0] == (1, 99)


def test_what_another_system_cannot_take_changes_nothing(leat, end):
    source, destination = end("sqlite", "s"), end("postgres", "d")
    source.run("create table s (k integer primary key, t text)")
    source.run("insert into s values (1, 'long enough')")
    destination.run("create table d (k int primary key, t varchar(3))")
    destination.run("insert into d values (2, 'abc')")
    done = leat("sync", "batch", source.location, destination.location, "--schema", "check")
    assert done.returncode in (1, 2) and "destination unchanged" in done.stderr
    assert destination.rows() == [(2, "abc")]


@pytest.mark.parametrize("system", [*FILES])
def test_files_are_written_anew_when_anything_differs(leat, end, system):
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s (k int primary key, t text, n numeric(12,2), at timestamp)")
    source.run("insert into s select i, 't' || i, i * 1.10, '2024-01-01'::timestamp + i * interval "
               "'1.5 s' from generate_series(1, 50) i")
    leat.ok("sync", "batch", source.location, destination.location, "-p", "k")
    written = os.stat(destination.path).st_ino
    assert nothing(leat.ok("sync", "batch", source.location, destination.location, "-p", "k"))
    assert os.stat(destination.path).st_ino == written
    source.run("update s set n = 0 where k = 7")
    assert told(leat.ok("sync", "batch", source.location, destination.location, "-p", "k")) == \
        {"updated": 1, "unchanged": 49}
    assert_equal(source, destination)


# --- histories -----------------------------------------------------------------------------------

KEYS = {"k": lambda rng: rng.randint(-10**9, 10**9), "t": lambda rng: rng.choice("aAbBäß10 9") * rng.
        randint(1, 3) + str(rng.randint(0, 999)), "x": lambda rng: rng.randbytes(rng.randint(0, 4))}
VALUES = {"t": lambda rng: rng.choice(["", "a", "A", "ä", "x" * 50, "1.10", "\n", None]),
          "n": lambda rng: rng.choice([None, f"{rng.randint(-10**6, 10**6) / 100:.2f}"]),
          "at": lambda rng: rng.choice([None, f"20{rng.randint(10, 40)}-03-0{rng.randint(1, 9)} "
                                              f"11:22:33.{rng.randint(1, 999):03}"]),
          "f": lambda rng: rng.choice([None, 0.5, -1e300, rng.random()]),
          "k": lambda rng: rng.choice([None, 0, rng.randint(-10**9, 10**9)])}


class History:
    """A table that changes at random, and another that was equal once."""

    def __init__(self, seed, source, destination):
        rng = self.rng = random.Random(seed)
        self.ends = source, destination
        kinds = rng.sample(list(KEYS), rng.choice([1, 1, 2]))
        self.keys = [f"key{i}" for i in range(len(kinds))]
        values = rng.choices(list(VALUES), k=rng.randint(0, 5))
        self.makers = [KEYS[kind] for kind in kinds] + [VALUES[kind] for kind in values]
        self.names = self.keys + [f"v{i}" for i in range(len(values))]
        self.columns = [f"{name} {{{kind}}}{' not null' if name in self.keys else ''}"
                        for name, kind in zip(self.names, kinds + values)]

    def create(self, end):
        columns = ", ".join(self.columns).format(**end.types)
        end.run(f"create table {end.table} ({columns}, primary key ({', '.join(self.keys)}))")

    def key(self, row):
        return row[:len(self.keys)]

    def insert(self, end, rows):
        marks = ", ".join("?" * len(self.names))
        for row in rows:
            end.run(f"insert into {end.table} values ({marks})", *row)

    def where(self):
        return " and ".join(f"{key} = ?" for key in self.keys)

    def random_rows(self, n, taken):
        rows = {}
        for _ in range(n):
            row = tuple(make(self.rng) for make in self.makers)
            if self.key(row) not in taken:
                rows[self.key(row)] = row
        return rows

    def mutate(self, end, rows):
        """Some rows go, some change, some are new."""
        keys = list(rows)
        for key in self.rng.sample(keys, self.rng.randint(0, len(keys) // 4)):
            end.run(f"delete from {end.table} where {self.where()}", *key)
            del rows[key]
        for key in self.rng.sample(list(rows), self.rng.randint(0, len(rows) // 4)):
            row = key + tuple(make(self.rng) for make in self.makers[len(key):])
            for name, value in zip(self.names[len(key):], row[len(key):]):
                end.run(f"update {end.table} set {name} = ? where {self.where()}", value, *key)
            rows[key] = row
        fresh = self.random_rows(self.rng.randint(0, 15), rows)
        self.insert(end, fresh.values())
        rows.update(fresh)


def differences(source, destination):
    kinds = {key: "NEW" if key not in destination else "DELETED" if key not in source else "CHANGED"
             for key in {**source, **destination}}
    return sorted(kind for key, kind in kinds.items()
                  if kind != "CHANGED" or source[key] != destination[key])


@pytest.mark.parametrize("seed", range(SEED, SEED + HISTORIES))
def test_a_history_of_random_changes(leat, end, seed):
    rng = random.Random(seed)
    source = end(rng.choice(["postgres", "sqlite"]), "s")
    destination = end(rng.choice(["postgres", "sqlite"]), "d")
    print(f"LEAT_HISTORIES=1 LEAT_HISTORIES_SEED={seed}: {source.system} to {destination.system}")
    history = History(seed, source, destination)
    rows = history.random_rows(rng.randint(0, 60), {})
    history.create(source)
    history.create(destination)
    history.insert(source, rows.values())
    leat.ok("sync", "batch", source.location, destination.location)
    there = dict(rows)
    for _ in range(3):
        history.mutate(source, rows)
        if rng.random() < 0.5:
            history.mutate(destination, there)
        done = leat("diff", source.location, destination.location)
        wanted = differences(rows, there)
        assert done.returncode == (3 if wanted else 0), done.stderr
        assert sorted(json.loads(line)["#diffStatus"] for line in done.stdout.splitlines()) == wanted
        steps = rng.choice([(), (), ("--commit-batch-size", "3")])
        done = leat.ok("sync", "batch", source.location, destination.location, "--allow-empty", *steps)
        assert nothing(done) == (not wanted), done.stderr
        there = dict(rows)
        key = slice(0, len(history.keys))
        readers.assert_same_rows(sorted(map(tuple, source.rows()), key=lambda row: repr(row[key])),
                                 sorted(map(tuple, destination.rows()), key=lambda row: repr(row[key])))
        assert nothing(leat.ok("sync", "batch", source.location, destination.location))
        assert leat("verify", source.location, destination.location).returncode == 0


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_a_new_table_gets_the_key_that_was_named(leat, end, system):
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s as select i as k, 'x' as t from generate_series(1, 5) i")
    leat.ok("sync", "batch", source.location, destination.location, "-p", "k")
    assert_equal(source, destination)
    source.run("update s set t = 'y' where k = 1")
    assert told(leat.ok("sync", "batch", source.location, destination.location)) == \
        {"updated": 1, "unchanged": 4}  # by its own primary key


@pytest.mark.parametrize("system", ["postgres", "sqlite"])
def test_verify_compares_again(leat, end, system):
    source, destination = end("postgres", "s"), end(system, "d")
    source.run("create table s (k int primary key, t text)")
    source.run("insert into s select i, 't' || i from generate_series(1, 100) i")
    leat.ok("sync", "batch", source.location, destination.location, "--verify")
    source.run("delete from s where k < 4")
    source.run("update s set t = 'x' where k = 50")
    done = leat.ok("sync", "batch", source.location, destination.location, "--verify")
    assert "equal when compared again" in done.stderr
    if system == "postgres":  # a trigger that has an opinion of its own
        destination.run("create function f() returns trigger language plpgsql as "
                        "'begin new.t := upper(new.t); return new; end'")
        destination.run("create trigger g before insert or update on d for each row "
                        "execute function f()")
        source.run("update s set t = 'lower' where k = 60")
        leat.fails(1, "verify-mismatch", "sync", "batch", source.location, destination.location,
                   "--verify")


@pytest.mark.parametrize("command", [("cp",), ("sync", "batch")])
def test_copies_and_syncs_repeat_until_they_are_told_to_stop(leat, tmp_path, command):
    def execute(file, sql):
        with sqlite3.connect(tmp_path / file, timeout=30) as db:
            return db.execute(sql).fetchall()

    execute("a.db", "create table t (id integer primary key, v text)")
    execute("a.db", "insert into t values (1, 'a')")
    child = leat.start(*command, f"sqlite:{tmp_path}/a.db#t", f"sqlite:{tmp_path}/b.db#t", "-i", "100ms")
    assert wait_for(lambda: (tmp_path / "b.db").exists() and
                    execute("b.db", "select 1 from sqlite_master where name = 't'"))
    execute("a.db", "insert into t values (2, 'b')")
    assert wait_for(lambda: len(execute("b.db", "select * from t")) == 2)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
