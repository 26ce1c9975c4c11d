"""Deltas and syncs killed at random times, cut off, and robbed of the reply to COMMIT, while their
source goes on changing. After a clean run a synced destination equals its source, and a delta's does
but for deletes; no record is doubled or lost, and nothing is left behind."""
import json
import os
import random
import time

import pytest

from conftest import fresh_database, kill_after, wait_for
from deltas import Directory, PostgresTable, SqliteTable, options_of

pytestmark = pytest.mark.kills

KILLS = int(os.environ.get("LEAT_KILLS", "60"))
SEED = int(os.environ.get("LEAT_SEED", "20261121"))
ROWS = 4_000

# Command, source, destination, and what is to be said. A sync writes deletes too.
JOBS = {
    "delta-postgres-postgres": (("cp", "delta"), "postgres", "postgres", ("-d", "updated_at")),
    "delta-postgres-sqlite": (("cp", "delta"), "postgres", "sqlite",
                              ("-d", "updated_at,id", "--strategy", "delete+insert")),
    "delta-sqlite-postgres": (("cp", "delta"), "sqlite", "postgres",
                              ("-d", "updated_at", "--delta-size", "20m")),
    "delta-sqlite-sqlite": (("cp", "delta"), "sqlite", "sqlite", ("-d", "updated_at")),
    "delta-postgres-parquet": (("cp", "delta"), "postgres", "parquet", ("-d", "updated_at")),
    "delta-sqlite-csv": (("cp", "delta"), "sqlite", "csv", ("-d", "updated_at,id")),
    "sync-postgres-postgres": (("sync", "batch"), "postgres", "postgres", ("-p", "id")),
    "sync-sqlite-postgres": (("sync", "batch"), "sqlite", "postgres", ("-p", "id")),
    "sync-postgres-sqlite": (("sync", "batch"), "postgres", "sqlite", ("-p", "id")),
}
FAULTS = ("kill", "kill", "kill", "cut", "reply")


class Changing:
    """A table whose clock is its own: every round is a minute later, so stamps are settled."""

    def __init__(self, place, deletes, rng):
        self.place = place
        self.deletes = deletes
        self.rng = rng
        self.minute = 0
        self.last = 0
        place.create()

    def stamp(self):
        self.minute += 1
        return f"2026-03-{1 + self.minute // 1440:02d} " \
               f"{self.minute // 60 % 24:02d}:{self.minute % 60:02d}:00"

    def grow(self, rows):
        at = self.stamp()
        values = ", ".join(f"({i}, 'n{i}', {i % 1000}.5, '{at}')"
                           for i in range(self.last + 1, self.last + rows + 1))
        self.last += rows
        self.place.execute(f"insert into {self.place.table} values {values}")

    def change(self):
        self.grow(self.rng.randint(1, 300))
        at, third = self.stamp(), self.rng.randint(2, 40)
        self.place.execute(f"update {self.place.table} set name = 'r{self.minute}', "
                           f"updated_at = '{at}' where id % {third} = 0")
        if self.deletes:
            self.place.execute(f"delete from {self.place.table} where id % 97 = "
                               f"{self.rng.randint(0, 96)}")


def left_behind(dest, folder):
    """What is there beside the stream and leat's records of it."""
    if isinstance(dest, PostgresTable):
        left = [name for name in dest.db.tables() if name != dest.table]
        return left + dest.query("select locktype, objid from pg_locks where locktype = 'advisory'") \
            + dest.query("select gid from pg_prepared_xacts")
    if isinstance(dest, SqliteTable):
        names = [row[0] for row in dest.query("select name from sqlite_master where type = 'table'")]
        return [name for name in names if name not in (dest.table, "_leat_state", "_leat_load")] \
            + [p.name for p in folder.glob("dest.db-journal")]
    listed = json.loads((dest.folder / "_leat_manifest.json").read_text(encoding="utf-8"))
    files = {file["path"] for stream in listed["streams"] for file in stream["files"]}
    return [p.name for p in dest.folder.iterdir()
            if p.name not in files | {"_leat_manifest.json"}]


def is_right(source, dest, deletes):
    """Equal, or equal but for deletes; every version of a record once."""
    rows = dest.rows()
    assert len({row[0] for row in rows}) == len(rows), "a record is there twice"
    if isinstance(dest, Directory):
        versions = dest.versions()
        assert len(set(versions)) == len(versions), "a version is there twice"
    assert rows == source.rows()


def place(kind, folder, name, database):
    if kind == "postgres":
        return PostgresTable(database())
    return SqliteTable(folder, file=name + ".db") if kind == "sqlite" else Directory(folder, kind)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", JOBS)
def test_changes_killed_at_any_time_are_neither_lost_nor_doubled(leat, request, proxy, tmp_path,
                                                                 name):
    command, of, to, options = JOBS[name]
    print(f"\nLEAT_SEED={SEED}")
    rng = random.Random(f"{SEED}-{name}")
    folder = tmp_path / "places"
    folder.mkdir()
    deletes = command[0] == "sync"
    source = place(of, folder, "source", lambda: request.getfixturevalue("pg_db"))
    dest = place(to, folder, "dest", lambda: request.getfixturevalue("pg_db2"))
    changing = Changing(source, deletes, rng)
    changing.grow(ROWS)

    def arguments(port=None):
        at = dest.db.stream(dest.table, port) if port else dest.location
        return [*command, source.location, at, *options_of(dest), *options]

    def settle():
        if isinstance(dest, PostgresTable):
            assert wait_for(lambda: dest.query(
                "select count(*) from pg_stat_activity where datname = current_database() and "
                "pid <> pg_backend_pid() and backend_type = 'client backend'")[0][0] == 0, 20)

    began = time.monotonic()
    leat.ok(*arguments())
    span = time.monotonic() - began
    counts = {"kill": 0, "cut": 0, "reply": 0, "clean": 0}
    kills = -(-KILLS // len(JOBS))
    for i in range(kills):
        changing.change()
        fault = rng.choice(FAULTS) if to == "postgres" else "kill"
        if fault == "kill":
            child = leat.start(*arguments())
            after = rng.uniform(0, span) if i % 2 else rng.uniform(0.5, 1.05) * span
            counts["kill"] += kill_after(child, after) < 0
            child.communicate()
        else:
            spoiled = proxy(drop_commit_reply=True, times=1) if fault == "reply" else \
                proxy(cut_upload_after=rng.randint(200, 60_000), times=rng.randint(1, 2))
            done = leat(*arguments(spoiled.port))
            assert done.returncode in (0, 1, 75), done.stderr
            counts[fault] += spoiled.struck
        if i % 3 == 2 or i == kills - 1:
            settle()
            leat.ok(*arguments())
            is_right(source, dest, deletes)
            assert left_behind(dest, folder) == [], f"seed {SEED}, round {i}"
            counts["clean"] += 1
    print(name, counts)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [job for job, said in JOBS.items() if "postgres" in said[1:3]])
def test_changes_survive_servers_that_die(leat, own_pg, tmp_path, name):
    """The server of either side or of both stops at once and comes back, at any time of a run. It
    may forget what it had just loaded, rows and watermark alike; the source forgets nothing."""
    command, of, to, options = JOBS[name]
    print(f"\nLEAT_SEED={SEED}")
    rng = random.Random(f"{SEED}-restart-{name}")
    deletes = command[0] == "sync"
    ends = []
    with fresh_database(own_pg) as one, fresh_database(own_pg) as two:
        one.execute(f"alter database {one.name} set synchronous_commit = on")
        source = place(of, tmp_path, "source", lambda: one)
        dest = place(to, tmp_path, "dest", lambda: two)
        changing = Changing(source, deletes, rng)
        changing.grow(ROWS)
        arguments = [*command, source.location, dest.location, *options_of(dest), *options]
        began = time.monotonic()
        leat.ok(*arguments)
        span = time.monotonic() - began
        for i in range(max(2, KILLS // 30)):
            changing.change()
            child = leat.start(*arguments, f"--retries={5 * (i % 2)}")
            time.sleep(rng.uniform(0, 1.1) * span)
            own_pg.restart("immediate")
            _, err = child.communicate(timeout=60)
            ends.append(child.returncode)
            assert child.returncode in (0, 75) or b"outcome-unknown" in err, err
            leat.ok(*arguments)
            is_right(source, dest, deletes)
            assert left_behind(dest, tmp_path) == [], f"seed {SEED}, round {i}"
    print(name, "ended with", ends)
