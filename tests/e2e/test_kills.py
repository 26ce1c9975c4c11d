"""Killed at random times and at every step of the protocol, cut off from the reply to COMMIT, and
with servers that restart: the destination is old or new, nothing is doubled, the next run succeeds,
and nothing is left behind."""
import json
import os
import random
import sqlite3
import time

import psycopg
import pyarrow as pa
import pytest

import readers
from conftest import kill_after, wait_for

pytestmark = pytest.mark.kills

KILLS = int(os.environ.get("LEAT_KILLS", "60"))
SEED = int(os.environ.get("LEAT_SEED", "20240607"))
OLD_ROWS = 3_000
NEW_ROWS = 120_000


class Target:
    """One kind of destination: how to put the old rows there, read it, and see what is left.

    fresh: there are no old rows, nor a table or file that could hold them
    tables: one is copied by name; several by a whole schema, beside each other or, atomic, as one
    """
    modes = ("replace", "append")

    def __init__(self, db, folder, mode, fresh=False, tables=1, atomic=False):
        self.db = db
        self.folder = folder
        self.mode = mode
        self.fresh = fresh
        self.atomic = atomic
        self.tables = [f"t{i}" for i in range(tables)]
        self.new_rows = NEW_ROWS // tables
        db.execute("create schema source", "create schema target")
        for table in self.tables:
            db.execute(f"create table source.{table} as select g::bigint as id, 'new'::text as kind, "
                       f"md5(g::text) as filler from generate_series(1, {self.new_rows}) g",
                       f"alter table source.{table} alter id set not null")

    def __str__(self):
        return " ".join([self.name, self.mode, "fresh" if self.fresh else "existing",
                         f"{len(self.tables)} streams", "atomic" if self.atomic else ""]).strip()

    def source(self):
        return f"{self.db.url}#source." + (self.tables[0] if len(self.tables) == 1 else "")

    def arguments(self, port=None, wrap=""):
        return ["cp", self.source(), wrap + self.location(port), f"--{self.mode}",
                *(["--atomic"] if self.atomic else [])]

    def state_of(self, table):
        """'old', 'new', or what it holds instead."""
        rows, kinds, distinct = self.read(table)
        before = 0 if self.fresh else OLD_ROWS
        after = self.new_rows + (before if self.mode == "append" else 0)
        if rows == distinct == before and kinds == (("old",) if before else ()):
            return "old"
        if rows == distinct == after and kinds == (("new",) if after == self.new_rows
                                                   else ("new", "old")):
            return "new"
        return f"{table}: {rows} rows ({distinct} distinct) of {kinds}"

    def state(self):
        """Of all tables: 'old' and 'new' where they agree, 'some' where they may differ."""
        states = {self.state_of(table) for table in self.tables}
        if states == {"old", "new"} and not self.atomic:
            return "some"
        return states.pop() if len(states) == 1 else f"a mix: {sorted(states)}"


class ToPostgres(Target):
    name = "postgres"

    def location(self, port=None):
        return f"{self.db.server.url(self.db.name, port=port)}#target." + \
            (self.tables[0] if len(self.tables) == 1 else "")

    def put_old(self):
        self.db.execute("drop schema target cascade", "create schema target")
        for table in [] if self.fresh else self.tables:
            self.db.execute(f"create table target.{table} (id bigint, kind text, filler text)",
                            f"insert into target.{table} select -g, 'old', 'x' "
                            f"from generate_series(1, {OLD_ROWS}) g")

    def read(self, table):
        with self.db.connect() as connection:
            if not connection.execute("select to_regclass(%s)", (f"target.{table}",)).fetchone()[0]:
                return 0, (), 0
            rows, kinds, distinct = connection.execute(
                "select count(*), array_agg(distinct kind order by kind), count(distinct id) "
                f"from target.{table}").fetchone()
        return rows, tuple(kinds or ()), distinct

    def left_behind(self):
        with self.db.connect() as connection:
            found = [name for name, in connection.execute(
                "select relname from pg_class where relnamespace = 'target'::regnamespace "
                "and relkind <> 'i'") if name not in (*self.tables, "_leat_state", "_leat_load")]
            found += connection.execute(
                "select relname from pg_class where relpersistence = 't' and relkind = 'r'").fetchall()
            found += connection.execute("select locktype, objid from pg_locks where "
                                        "locktype = 'advisory'").fetchall()
            found += connection.execute("select gid from pg_prepared_xacts").fetchall()
            if connection.execute("select to_regclass('target._leat_load')").fetchone()[0]:
                found += connection.execute("select load_id, status from target._leat_load "
                                            "where status <> 'committed'").fetchall()
        return found


class ToSqlite(Target):
    name = "sqlite"

    @property
    def path(self):
        return self.folder / "target.db"

    def location(self, port=None):
        return f"sqlite:{self.path}" + (f"#{self.tables[0]}" if len(self.tables) == 1 else "")

    def put_old(self):
        for path in self.folder.glob("target.db*"):
            path.unlink()
        if self.fresh:
            return
        connection = sqlite3.connect(self.path)
        for table in self.tables:
            connection.execute(f"create table {table} (id integer, kind text, filler text)")
            connection.executemany(f"insert into {table} values (?, 'old', 'x')",
                                   [(-i,) for i in range(1, OLD_ROWS + 1)])
        connection.commit()
        connection.close()

    def read(self, table):
        if not self.path.exists():
            return 0, (), 0
        connection = sqlite3.connect(self.path)  # may write: it rolls a hot journal back
        rows = distinct = 0
        kinds = ""
        if connection.execute("select 1 from sqlite_schema where name = ?", (table,)).fetchone():
            rows, kinds, distinct = connection.execute(
                "select count(*), group_concat(distinct kind), count(distinct id) "
                f"from {table}").fetchone()
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        connection.close()
        return rows, tuple(sorted(filter(None, (kinds or "").split(",")))), distinct

    def left_behind(self):
        tables = [row[1] for row in readers.sqlite_table(self.path, "sqlite_schema")[1]
                  if row[0] == "table" and row[1] not in (*self.tables, "_leat_state", "_leat_load")]
        return tables + [p.name for p in self.folder.iterdir()
                         if p.name not in ("target.db", "target.db-wal", "target.db-shm")]


def write_arrow(path, rows):
    table = pa.table({"id": [-i for i in range(1, rows + 1)], "kind": ["old"] * rows,
                      "filler": ["x"] * rows})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def tally(rows):
    return len(rows), tuple(sorted({row[1] for row in rows})), len({row[0] for row in rows})


class ToFile(Target):
    name = "file"
    modes = ("replace",)

    @property
    def path(self):
        return self.folder / "target.arrow"

    def location(self, port=None):
        return f"file:{self.path}"

    def put_old(self):
        self.path.unlink(missing_ok=True)
        if not self.fresh:
            write_arrow(self.path, OLD_ROWS)

    def read(self, table):
        return tally(readers.arrow_table(self.path)[1]) if self.path.exists() else (0, (), 0)

    def left_behind(self):
        return [p.name for p in self.folder.iterdir() if p.name != "target.arrow"]


class ToDirectory(Target):
    """Read as its manifest says; what the manifest does not list must not be there afterwards."""
    name = "directory"

    def location(self, port=None):
        return f"file:{self.folder}/lake/?format=arrow" + \
            (f"#{self.tables[0]}" if len(self.tables) == 1 else "")

    @property
    def lake(self):
        return self.folder / "lake"

    def put_old(self):
        if self.lake.exists():
            for path in self.lake.iterdir():
                path.unlink()
        if not self.fresh:
            self.db.leat.ok("cp", "arrow:" + str(self.old()), self.lake_of(self.tables[0]))
            for table in self.tables[1:]:
                self.db.leat.ok("cp", "arrow:" + str(self.old()), self.lake_of(table))

    def lake_of(self, table):
        return f"file:{self.lake}/?format=arrow#{table}"

    def old(self):
        path = self.folder.parent / "old.arrow"
        if not path.exists():
            write_arrow(path, OLD_ROWS)
        return path

    def manifest(self):
        path = self.lake / "_leat_manifest.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"streams": []}

    def settle(self):
        """Whoever opens the directory next carries out what a dead load was committed to."""
        if self.lake.exists():
            self.db.leat("streams", f"file:{self.lake}/")

    def read(self, table):
        self.settle()
        rows = []
        for stream in self.manifest()["streams"]:
            if stream["name"] == table:
                for file in stream["files"]:
                    rows += readers.arrow_table(self.lake / file["path"])[1]
        return tally(rows)

    def left_behind(self):
        listed = {file["path"] for stream in self.manifest()["streams"] for file in stream["files"]}
        return [p.name for p in self.lake.iterdir()
                if p.name not in listed | {"_leat_manifest.json"}]


KINDS = [(kind, mode, fresh, 1, False) for kind in (ToPostgres, ToSqlite, ToFile, ToDirectory)
         for mode in kind.modes for fresh in (False, True)]
KINDS += [(kind, "replace", False, 4, atomic) for kind in (ToPostgres, ToSqlite, ToDirectory)
          for atomic in (False, True)]
KINDS += [(ToPostgres, "append", False, 4, True)]


def name_of(kind, mode, fresh, tables, atomic):
    return "-".join([kind.name, mode, "fresh" if fresh else "existing", str(tables)] +
                    (["atomic"] if atomic else []))


@pytest.fixture(params=KINDS, ids=[name_of(*kind) for kind in KINDS])
def target(request, leat, pg_db, tmp_path):
    kind, *rest = request.param
    return make(kind, leat, pg_db, tmp_path, *rest)


def make(kind, leat, pg_db, tmp_path, *rest):
    folder = tmp_path / "target"
    folder.mkdir()
    pg_db.leat = leat
    return kind(pg_db, folder, *rest)


def settled(target):
    """The state once the server has noticed that its client is gone."""
    with target.db.connect() as connection:
        connection.autocommit = True
        assert wait_for(lambda: connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid() and backend_type = 'client backend'").fetchone()[0] == 0,
            10), "a session of a dead process goes on"
    return target.state()


def recovers(leat, target, what):
    """Old or new; and the next run makes it new, once, with nothing left behind."""
    state = settled(target)
    assert state in ("old", "new", "some"), f"{what}: {state}"
    # An append that had happened is not asked for again: that would rightly add the rows twice.
    if state == "old" or target.mode == "replace":
        leat.ok(*target.arguments())
        after = target.state()
        assert after == "new", f"{what}, then run again: {after}"
        left = target.left_behind()
        assert left == [], f"{what}: left behind {left}"
    return state


@pytest.mark.timeout(1800)
def test_a_copy_killed_at_any_time_leaves_old_or_new_and_can_be_run_again(leat, target):
    print(f"\nLEAT_SEED={SEED}")
    rng = random.Random(f"{SEED}-{target}")
    target.put_old()
    began = time.monotonic()
    leat.ok(*target.arguments())
    span = time.monotonic() - began
    seen = {"old": 0, "new": 0, "some": 0}
    struck = 0
    kills = -(-KILLS // len(KINDS))
    for i in range(kills):
        target.put_old()
        # Half of the kills aim at the last third, where the commit is.
        after = rng.uniform(0, span) if i % 2 else rng.uniform(0.66, 1.05) * span
        child = leat.start(*target.arguments())
        struck += kill_after(child, after) < 0
        child.communicate()
        seen[recovers(leat, target, f"seed {SEED}, killed after {after:.4f} s")] += 1
    print(f"{target}: {struck} of {kills} runs killed in time; {seen['old']} left the old rows, "
          f"{seen['new']} the new ones, {seen['some']} each table old or new")


STEP_KINDS = [kind for kind in KINDS if kind[3] == 1 or kind[4]]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", STEP_KINDS, ids=[name_of(*kind) for kind in STEP_KINDS])
def test_a_copy_killed_at_every_step_leaves_old_or_new(leat, pg_db, modules, tmp_path, kind):
    target = make(kind[0], leat, pg_db, tmp_path, *kind[1:])
    trace = tmp_path / "trace"
    arguments = target.arguments(wrap="fault+")
    env = {"LEAT_PLUGIN_PATH": str(modules)}
    target.put_old()
    leat.ok(*arguments, env={**env, "LEAT_FAULT_TRACE": str(trace)})
    steps = {}
    for step in trace.read_text(encoding="utf-8").split():
        steps[step] = steps.get(step, 0) + 1
    assert "commit:before" in steps and "commit:after" in steps
    print()
    for step, times in steps.items():
        for count in sorted({1, times}):
            target.put_old()
            child = leat.start(*arguments, env={**env, "LEAT_FAULT": f"{step}:{count}:kill"})
            _, err = child.communicate(timeout=60)
            # Which of many parallel writes is the last may differ from run to run.
            assert child.returncode == -9 or count > 1, f"{step}:{count}: {err}"
            state = recovers(leat, target, f"killed at {step} #{count}")
            print(f"{target} killed at {step} #{count}: {state}")
            if step in ("commit:after", "release:before", "release:after") and \
                    child.returncode == -9:
                assert state == "new"
            if step in ("begin:before", "begin:after", "part_seal:before", "commit:before") and \
                    child.returncode == -9:
                assert state == "old"


REPLIES = [("replace", False), ("append", False), ("append", True)]


@pytest.mark.parametrize("mode, fresh", REPLIES)
def test_a_commit_whose_reply_is_lost_is_found_and_never_doubled(leat, pg_db, proxy, tmp_path, mode,
                                                                 fresh):
    target = make(ToPostgres, leat, pg_db, tmp_path, mode, fresh)
    for strikes in (1, 2, 3):  # making the tables of records is a commit of its own
        target.put_old()
        cut = proxy(drop_commit_reply=True, times=strikes)
        done = leat(*target.arguments(cut.port))
        assert cut.struck >= 1, "the COMMIT was not seen on the wire"
        assert target.state() == "new", done.stderr
        assert done.returncode == 0, done.stderr
        assert target.left_behind() == []


@pytest.mark.parametrize("mode, fresh", REPLIES)
def test_every_commit_reply_lost_is_told_as_unknown_or_found(leat, pg_db, proxy, tmp_path, mode,
                                                             fresh):
    target = make(ToPostgres, leat, pg_db, tmp_path, mode, fresh)
    target.put_old()
    cut = proxy(drop_commit_reply=True)
    done = leat(*target.arguments(cut.port))
    assert cut.struck >= 1
    assert target.state() in ("old", "new")
    if target.state() == "old":
        assert done.returncode != 0, done.stderr


@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", ["immediate", "fast"])
@pytest.mark.parametrize("kind, mode, tables", [(ToPostgres, "replace", 1), (ToPostgres, "append", 1),
                                                (ToPostgres, "replace", 4), (ToSqlite, "append", 1),
                                                (ToDirectory, "replace", 4)])
def test_a_server_that_restarts_at_any_time_leaves_old_or_new(leat, own_pg, tmp_path, kind, mode,
                                                              tables, how):
    from conftest import Database
    print(f"\nLEAT_SEED={SEED}")
    target = make(kind, leat, Database(own_pg, "postgres"), tmp_path, mode, False, tables, tables > 1)
    rng = random.Random(f"{SEED}-restart-{target}-{how}")
    seen = {"old": 0, "new": 0}
    for i in range(max(2, KILLS // 50)):
        target.put_old()
        after = rng.uniform(0.02, 0.6)
        retries = 5 if i % 2 else 0
        child = leat.start(*target.arguments(), f"--retries={retries}")
        time.sleep(after)
        own_pg.restart(how)
        _, err = child.communicate(timeout=60)
        state = recovers(leat, target, f"seed {SEED}, restarted after {after:.4f} s: {err.decode()}")
        seen[state] += 1
        # Status 0 is a promise; a failure after the commit is not one, but must say so.
        if child.returncode == 0:
            assert state == "new", err
        else:
            assert child.returncode == 75 or b"outcome-unknown" in err, err
            assert state == "old" or b"outcome-unknown" in err, err
            # The first connection is not tried again, and a snapshot ends with its server.
            assert not retries or tables > 1 or b"trying again" not in err, err
    print(f"{target}, restarted ({how}): {seen}")


def test_a_killed_server_process_is_no_reason_to_lose_or_double_rows(leat, pg_db, tmp_path):
    """The backends, not the client: at the source, at the destination, again and again."""
    target = make(ToPostgres, leat, pg_db, tmp_path, "append")
    rng = random.Random(f"{SEED}-backends")
    print(f"\nLEAT_SEED={SEED}")
    for _ in range(max(4, KILLS // 20)):
        target.put_old()
        child = leat.start(*target.arguments(), "--retries=20")
        until = time.monotonic() + rng.uniform(0.05, 0.8)
        with psycopg.connect(pg_db.url, autocommit=True) as connection:
            while time.monotonic() < until and child.poll() is None:
                connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where "
                                   "application_name = 'leat' and random() < 0.5")
                time.sleep(rng.uniform(0.01, 0.3))
        _, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
        assert target.state() == "new", err
        assert target.left_behind() == []
