"""Random histories of a table, replayed with deltas in between: inserts, updates, deletes, records
that commit late or are stamped late, equal stamps, sessions in other time zones. A delta's
destination holds the source less its deletes after every run."""
import os
import random
import time

import pytest

from deltas import Directory, PostgresTable, SqliteTable, moment, options_of

HISTORIES = int(os.environ.get("LEAT_HISTORIES", "24"))
SEED = int(os.environ.get("LEAT_SEED", "20261121"))
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")


class PostgresHistory:
    """Sessions of their own time zones; some keep a transaction open for a while."""

    def __init__(self, db, rng, shape):
        self.table = PostgresTable(db, "t")
        self.rng = rng
        self.shape = shape
        self.slow = []
        zone = "timestamptz" if shape["zoned"] else "timestamp"
        db.execute("create sequence ver",
                   f"create table t (id bigint primary key, v text, at {zone} not null, "
                   "ver bigint not null)")

    def session(self):
        connection = self.table.db.connect()
        if self.shape["zones"]:
            connection.execute(f"set timezone = '{self.rng.choice(ZONES)}'")
        return connection

    stamp, late, version = "localtimestamp", "localtimestamp - interval '20 min'", "nextval('ver')"

    def run(self, statements, keep_open):
        connection = self.session()
        for statement in statements:
            connection.execute(statement)
        if keep_open:
            self.slow.append(connection)
        else:
            connection.commit()
            connection.close()

    def end_slow(self, all_of_them=False):
        while self.slow and (all_of_them or self.rng.random() < 0.5):
            connection = self.slow.pop(0)
            connection.commit() if self.rng.random() < 0.8 else connection.rollback()
            connection.close()

    def locked(self):
        return len(self.slow) > 0


class SqliteHistory:
    """One writer, stamps to the millisecond."""

    def __init__(self, folder, rng, shape):
        self.table = SqliteTable(folder, "t", "source.db")
        self.rng = rng
        self.shape = shape
        self.table.execute("create table t (id bigint primary key, v text, at timestamp not null, "
                           "ver bigint not null)")

    stamp = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    late = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-20 minutes')"
    version = "(select coalesce(max(ver), 0) + 1 from t)"

    def run(self, statements, keep_open):
        self.table.execute(*statements)

    def end_slow(self, all_of_them=False):
        pass

    def locked(self):
        return False


def rows_of(place, order=0):
    if isinstance(place, Directory):
        place = LatestVersions(place)
        return place.rows()
    return sorted((row[0], row[1], moment(row[2]), row[3])
                  for row in place.query("select id, v, at, ver from t"))


class LatestVersions:
    def __init__(self, directory):
        self.directory = directory

    def versions(self):
        import readers
        read = {"csv": readers.csv_table, "parquet": readers.parquet_table}[self.directory.format]
        return [(int(row[0]), row[1], moment(row[2]), int(row[3]))
                for path in self.directory.files() for row in read(path)[1]]

    def rows(self):
        latest = {}
        for row in sorted(self.versions(), key=lambda row: row[3]):
            latest[row[0]] = row
        return sorted(latest.values())


def shape_of(rng):
    """What this history is about. Late stamps and zones need a look-back that is longer."""
    of, to = rng.choice(("postgres", "sqlite")), rng.choice(("postgres", "sqlite", "csv", "parquet"))
    keyed = to in ("postgres", "sqlite")
    cursor = rng.choice(("at", "at,id", "ver", "ver,id"))
    late = keyed and cursor.startswith("at") and rng.random() < 0.5
    zoned = of == "postgres" and rng.random() < 0.5
    # Clocks of other zones in a column without one are late by up to a day.
    zones = of == "postgres" and (zoned or not keyed or cursor.startswith("ver") or late)
    if zones and not zoned and not keyed and cursor.startswith("at"):
        zones = False
    options = ["-d", cursor, "-p", "id"] if keyed else ["-d", cursor]
    if late:
        options += ["--lookback", "1h" if zoned or not zones else "28h"]
    if keyed and rng.random() < 0.3:
        options += ["--strategy", "delete+insert"]
    if rng.random() < 0.3:
        options += ["--delta-size", "5" if cursor.startswith("ver") else "1s"]
    if cursor.startswith("ver"):
        options += ["--settle-timeout", "50ms"]
    return {"of": of, "to": to, "keyed": keyed, "late": late, "zoned": zoned, "zones": zones,
            "cursor": cursor, "options": options}


def step(history, rng, ids, free):
    """A transaction or two; `free` are the ids that no open one has changed."""
    late = history.shape["late"] and rng.random() < 0.4
    stamp = history.late if late else history.stamp
    statements, touched = [], set()
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(("insert", "insert", "update", "update", "delete", "all"))
        candidates = sorted(free - touched)
        if kind == "insert" or not candidates:
            key = len(ids) + 1
            ids.add(key)
            statements.append(f"insert into t values ({key}, 'v{rng.randint(0, 999)}', {stamp}, "
                              f"{history.version})")
        elif kind == "all" and not history.locked():
            # Equal stamps, and equal versions, of many.
            statements.append(f"update t set v = v || '+', at = {stamp}, ver = x.n from "
                              f"(select {history.version} as n) x where id % 3 = "
                              f"{rng.randint(0, 2)}")
        else:
            key = rng.choice(candidates)
            touched.add(key)
            statements.append(f"delete from t where id = {key}" if kind == "delete" else
                              f"update t set v = 'u{rng.randint(0, 999)}', at = {stamp}, "
                              f"ver = {history.version} where id = {key}")
    keep_open = rng.random() < 0.3 and history.shape["of"] == "postgres"
    if keep_open:
        statements = [s for s in statements if "where id %" not in s]
        free -= touched
    history.run(statements, keep_open)
    return touched if keep_open else set()


@pytest.mark.parametrize("number", range(HISTORIES))
def test_a_delta_holds_the_source_less_its_deletes(leat, request, tmp_path, number):
    rng = random.Random(SEED + number)
    shape = shape_of(rng)
    print(f"LEAT_SEED={SEED + number}", shape)
    history = (PostgresHistory(request.getfixturevalue("pg_db"), rng, shape)
               if shape["of"] == "postgres" else SqliteHistory(tmp_path, rng, shape))
    dest = {"postgres": lambda: PostgresTable(request.getfixturevalue("pg_db2"), "t"),
            "sqlite": lambda: SqliteTable(tmp_path, "t", "dest.db")}.get(
                shape["to"], lambda: Directory(tmp_path, shape["to"], "t"))()
    ids = set()
    held = []

    def delta(*more):
        return leat("cp", "delta", history.table.location, dest.location, *options_of(dest),
                    *shape["options"], "--retries", "0", *more)

    def check(source):
        """What is there of the source's records is what they are; of others nobody knows."""
        there = {row[0]: row for row in rows_of(dest)}
        assert {key: there.get(key) for key in source} == source
        assert set(there) <= ids

    def source_rows():
        return {row[0]: row for row in rows_of(history.table)}

    for _ in range(rng.randint(4, 7)):
        for _ in range(rng.randint(1, 3)):
            locked = set().union(*held) if history.locked() else set()
            step_ids = step(history, rng, ids, ids - locked)
            if step_ids:
                held.append(step_ids)
        done = delta()
        # An append of counted records waits for whoever is writing.
        waits = not shape["keyed"] and shape["cursor"].startswith("ver") and history.locked()
        assert done.returncode == 0 or (waits and done.returncode == 75), done.stderr
        if shape["keyed"]:
            check(source_rows())
        history.end_slow()
        if not history.locked():
            held.clear()
    history.end_slow(all_of_them=True)
    if shape["of"] == "sqlite":
        time.sleep(1.1)  # the running second is not over: it may bring equal stamps
    done = delta()
    assert done.returncode == 0, done.stderr
    check(source_rows())
    if not shape["keyed"]:
        versions = LatestVersions(dest).versions()
        assert len(set(versions)) == len(versions), "a version came twice"
