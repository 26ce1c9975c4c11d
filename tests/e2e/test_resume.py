"""--resume: loads that are killed and go on from the parts they had sealed. What arrived is compared
with the source by readers that are not leat; how much was there already, with the destination's own
records."""
import json
import os
import random
import shutil
import signal
import sqlite3
import time

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import kill_after, wait_for

pytestmark = pytest.mark.kills

KILLS = max(12, int(os.environ.get("LEAT_KILLS", "60")) // 5)
SEED = int(os.environ.get("LEAT_SEED", "20240607"))
ROWS = 40_000
PART_ROWS = 3_000
OLD_ROWS = 100


def record(i):
    return i, f"name {i}", i * 7 % 1000


class Source:
    """ROWS records in one kind of place."""
    options = ()

    def __init__(self, db, folder):
        self.db = db
        self.folder = folder
        self.put(ROWS)

    def location(self):
        return str(self.path)


class Csv(Source):
    name = "source.csv"

    @property
    def path(self):
        return self.folder / self.name

    def put(self, rows):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("id,name,n\n")
            file.writelines("{},{},{}\n".format(*record(i)) for i in range(1, rows + 1))


class Parquet(Csv):
    name = "source.parquet"

    def put(self, rows):
        columns = list(zip(*(record(i) for i in range(1, rows + 1))))
        table = pa.table({"id": columns[0], "name": columns[1], "n": columns[2]})
        pq.write_table(table, self.path, row_group_size=7_000)


class Sqlite(Csv):
    name = "source.db"

    def location(self):
        return f"sqlite:{self.path}#source"

    def put(self, rows):
        self.path.unlink(missing_ok=True)
        connection = sqlite3.connect(self.path)
        connection.execute("create table source (id integer, name text, n integer)")
        connection.executemany("insert into source values (?, ?, ?)",
                               (record(i) for i in range(1, rows + 1)))
        connection.commit()
        connection.close()


class Postgres(Source):
    """Pages are nearly empty, so that there are enough of them to be cut."""
    options = ("--immutable",)

    def location(self):
        return f"{self.db.url}#source.source"

    def put(self, rows):
        self.db.execute(
            "create schema if not exists source", "drop table if exists source.source",
            "create table source.source (id bigint, name text, n bigint, filler text) "
            "with (fillfactor = 10)",
            "insert into source.source select g, 'name ' || g, g * 7 % 1000, repeat('x', 100) "
            f"from generate_series(1, {rows}) g")


SOURCES = {"csv": Csv, "parquet": Parquet, "sqlite": Sqlite, "postgres": Postgres}
MODES = {"new": [], "append": ["--append"], "replace": ["--replace"]}


class Copy:
    """A copy of a source into a table, its records there, and what a load has left."""

    def __init__(self, leat, source, mode="new"):
        self.leat = leat
        self.db = source.db
        self.source = source
        self.mode = mode
        self.report_path = source.folder / "report.json"
        self.db.execute("create schema if not exists target")

    def reset(self):
        self.db.execute("drop table if exists target.t",
                        "drop table if exists target._leat_load, target._leat_state")
        if self.mode != "new":
            self.db.execute("create table target.t (id bigint, name text, n bigint)",
                            f"insert into target.t select -g, 'old', 0 from "
                            f"generate_series(1, {OLD_ROWS}) g")

    def arguments(self, *more, wrap=""):
        return ["cp", self.source.location(), f"{wrap}{self.db.url}#target.t", "--resume",
                f"--part-rows={PART_ROWS}", "--report", str(self.report_path),
                *(["--columns", "id,name,n"] if isinstance(self.source, Postgres) else []),
                *MODES[self.mode], *self.source.options, *more]

    def run(self, *more):
        """Runs it to its end; what its report says of the stream."""
        self.leat.ok(*self.arguments(*more))
        return json.loads(self.report_path.read_text(encoding="utf-8"))["streams"][0]

    def sealed(self, connection=None):
        """(parts, rows) that open loads have at the destination."""
        if not connection:
            with self.db.connect() as own:
                return self.sealed(own)
        if not connection.execute("select to_regclass('target._leat_load')").fetchone()[0]:
            return 0, 0
        return connection.execute(
            "select count(*), coalesce(sum(l.rows), 0)::bigint from target._leat_load l join "
            "target._leat_load h on h.load_id = l.load_id and h.stream = -1 where l.part >= 0 "
            "and h.status = 'open'").fetchone()

    def settle(self):
        """The state once the server has noticed that its client is gone."""
        with self.db.connect() as connection:
            connection.autocommit = True
            assert wait_for(lambda: connection.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and "
                "pid <> pg_backend_pid() and backend_type = 'client backend' and query not like "
                "'%pg_export_snapshot%'").fetchone()[0] == 0,
                10), "a session of a dead process goes on"
        return self.sealed()

    def kill_at(self, modules, step, times=1):
        """Runs it until the step, where it is killed; (parts, rows) it left."""
        child = self.leat.start(*self.arguments(wrap="fault+"), env={
            "LEAT_PLUGIN_PATH": str(modules), "LEAT_FAULT": f"{step}:{times}:kill"})
        _, err = child.communicate(timeout=60)
        assert child.returncode == -9, err
        return self.settle()

    def holds(self, rows=ROWS):
        with self.db.connect() as connection:
            got = connection.execute("select id, name, n from target.t order by id").fetchall()
        old = [] if self.mode != "append" else [(-i, "old", 0) for i in range(OLD_ROWS, 0, -1)]
        return got == old + [record(i) for i in range(1, rows + 1)]

    def is_clean(self):
        with self.db.connect() as connection:
            left = connection.execute(
                "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where "
                "nspname = 'target' and relkind in ('r', 'S') and relname not in "
                "('t', '_leat_state', '_leat_load')").fetchall()
            left += connection.execute("select load_id, status from target._leat_load where stream "
                                       ">= 0 or status not in ('committed', 'swept')").fetchall()
        return left == []


@pytest.fixture(name="make")
def make_fixture(leat, pg_db, tmp_path):
    def make(kind, mode="new"):
        copy = Copy(leat, SOURCES[kind](pg_db, tmp_path), mode)
        copy.reset()
        return copy
    return make


def kill_with(copy, more, seconds):
    """Kills a run once it has sealed so many parts more, and then some time; False when it ended
    before. Without regard to how fast the machine just is."""
    wanted = copy.sealed()[0] + more
    child = copy.leat.start(*copy.arguments())
    with copy.db.connect() as connection:
        connection.autocommit = True
        while child.poll() is None and copy.sealed(connection)[0] < wanted:
            time.sleep(0.002)
    hit = kill_after(child, seconds) < 0
    child.communicate()
    return hit


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_load_killed_at_any_time_goes_on_until_it_is_done(make, kind):
    print(f"\nLEAT_SEED={SEED}")
    rng = random.Random(f"{SEED}-resume-{kind}")
    copies = {mode: make(kind, mode) for mode in MODES}
    resumed = struck = 0
    for i in range(-(-KILLS // len(SOURCES))):
        copy = copies[list(MODES)[i % len(MODES)]]
        copy.reset()
        for _ in range(rng.randint(1, 3)):
            # Every other time at once, so that however fast the machine some are cut in the middle.
            more, seconds = (3, 0) if i % 2 else (rng.randint(0, 5), rng.uniform(0, 0.05))
            hit = kill_with(copy, more, seconds)
            struck += hit
            if not hit:
                break
        parts, rows = copy.settle()
        what = f"{kind} {copy.mode}, seed {SEED}, #{i}: {parts} parts with {rows} rows were there"
        if hit:
            said = copy.run()
            assert said["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}, what
            assert said["rows_read"] == said["rows_written"] == ROWS, what
            resumed += rows > 0
        assert copy.holds(), what
        assert copy.is_clean(), what
        print(what)
    assert struck and resumed, f"{struck} runs were killed and {resumed} resumed"


STEPS = ["begin:after", "part_open:after", "part_write:after", "part_seal:before",
         "postgres:part:seal:before", "postgres:part:seal:after", "part_seal:after",
         "commit:before", "postgres:commit:before", "postgres:commit:state"]


@pytest.mark.parametrize("mode", MODES)
def test_a_load_killed_at_every_step_goes_on_from_there(make, modules, mode):
    copy = make("csv", mode)
    for step in STEPS:
        copy.reset()
        many = step.split(":")[0] not in ("begin", "commit") and ":commit:" not in step
        parts, rows = copy.kill_at(modules, step, 5 if many else 1)
        assert (parts > 0) == (step != "begin:after"), step
        said = copy.run()
        assert said["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}, step
        assert copy.holds() and copy.is_clean(), step
        print(f"killed at {step}: {parts} parts with {rows} rows were there")


def test_a_load_that_takes_over_is_killed_as_it_does(make, modules):
    copy = make("csv")
    before = copy.kill_at(modules, "part_seal:after", 4)
    assert copy.kill_at(modules, "postgres:begin:taken") == before
    after = copy.kill_at(modules, "part_seal:after", 3)
    assert after[0] == before[0] + 3
    said = copy.run("--verify")
    assert said["resumed"]["parts"] == after[0]
    assert said["proof"] == "counts and checksums equal"
    assert copy.holds() and copy.is_clean()


def test_parts_may_have_another_size_when_a_load_goes_on(make, modules):
    copy = make("csv")
    parts, rows = copy.kill_at(modules, "part_seal:after", 4)
    said = copy.run("--part-rows=1234")
    assert said["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}
    assert copy.holds() and copy.is_clean()


def test_all_blocks_of_a_table_are_read_again_to_verify(make, modules):
    copy = make("postgres")
    parts, rows = copy.kill_at(modules, "part_seal:after", 2)
    said = copy.run("--verify")
    assert said["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}
    assert said["proof"] == "counts and checksums equal" and said["rows_read"] == ROWS
    assert copy.holds() and copy.is_clean()


def test_a_small_table_that_is_all_there_is_only_committed(make, modules):
    copy = make("postgres")
    copy.source.put(500)
    assert copy.kill_at(modules, "commit:before") == (1, 500)
    said = copy.run()
    assert said["resumed"] == {"parts": 1, "rows": 500, "why_not": ""}
    assert said["rows_read"] == said["rows_written"] == 500 and said["bytes"] == 0
    assert copy.holds(500) and copy.is_clean()


@pytest.mark.parametrize("rows", [0, 1, PART_ROWS, PART_ROWS + 1])
def test_sizes_at_the_edges_of_parts(make, modules, rows):
    copy = make("csv")
    copy.source.put(rows)
    parts = copy.kill_at(modules, "commit:before")
    assert parts == (-(-rows // PART_ROWS), rows)
    assert copy.run()["resumed"] == {"parts": parts[0], "rows": rows, "why_not": ""}
    assert copy.holds(rows) and copy.is_clean()


def test_a_run_without_resume_sweeps_what_was_kept(make, modules):
    copy = make("csv")
    assert copy.kill_at(modules, "part_seal:after", 4)[0] == 4
    arguments = [each for each in copy.arguments() if each != "--resume"]
    copy.leat.ok(*arguments)
    said = json.loads(copy.report_path.read_text(encoding="utf-8"))["streams"][0]
    assert said["resumed"] == {"parts": 0, "rows": 0, "why_not": ""}
    assert copy.holds() and copy.is_clean()


def starts_over(copy, why, *more, rows=ROWS):
    done = copy.leat.ok(*copy.arguments(*more))
    said = json.loads(copy.report_path.read_text(encoding="utf-8"))["streams"][0]["resumed"]
    assert said["parts"] == said["rows"] == 0 and why in said["why_not"], said
    assert why in done.stderr, done.stderr
    assert copy.holds(rows) and copy.is_clean()


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_that_changed_is_loaded_from_its_beginning(make, modules, kind):
    copy = make(kind)
    assert copy.kill_at(modules, "part_seal:after", 2)[0] == 2
    copy.source.put(ROWS + 500)
    starts_over(copy, "the source has changed since", rows=ROWS + 500)


def test_a_file_of_the_same_size_and_time_but_other_bytes_is_another_one(make, modules):
    copy = make("csv")
    assert copy.kill_at(modules, "part_seal:after", 2)[0] == 2
    path = copy.source.path
    stat = path.stat()
    text = path.read_bytes()
    with open(path, "r+b") as file:
        file.write(text.replace(b"name 1,", b"name 2,", 1))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    said = copy.run()["resumed"]
    assert said["parts"] == 0 and "the source has changed since" in said["why_not"]


@pytest.mark.parametrize("more, why", [
    (["--cast", "n=int32"], "other options"), (["--limit", str(ROWS)], "other options"),
    (["--null", "name 7"], "other options")])
def test_another_plan_is_loaded_from_its_beginning(make, modules, more, why):
    copy = make("csv")
    assert copy.kill_at(modules, "part_seal:after", 2)[0] == 2
    said = copy.run(*more)["resumed"]
    assert said["parts"] == 0 and why in said["why_not"], said
    assert copy.is_clean()


def test_a_destination_that_changed_is_loaded_from_the_beginning(make, modules):
    copy = make("csv", "append")
    assert copy.kill_at(modules, "part_seal:after", 2)[0] == 2
    copy.db.execute("alter table target.t alter n type integer")
    starts_over(copy, "another way")


def test_a_table_dropped_and_made_again_is_another_one(make, modules):
    copy = make("csv", "replace")
    assert copy.kill_at(modules, "part_seal:after", 2)[0] == 2
    copy.db.execute("drop table target.t",
                    "create table target.t (id bigint, name text, n bigint)")
    starts_over(copy, "another way")


@pytest.mark.parametrize("arguments, why", [
    (["--on-error", "skip", "--rejects", "rejects.json"], "set aside"),
    (["--on-loss", "null"], "may be lost"), (["--no-state"], "no record of loads")])
def test_what_cannot_be_resumed_exactly_says_why_and_is_loaded(make, arguments, why):
    copy = make("csv")
    done = copy.leat.ok(*copy.arguments(*arguments))
    said = json.loads(copy.report_path.read_text(encoding="utf-8"))["streams"][0]["resumed"]
    assert why in said["why_not"] and why in done.stderr
    assert copy.holds()


def test_a_live_table_a_query_and_standard_input_say_why(make, leat, pg_db, tmp_path):
    copy = make("postgres")
    copy.source.options = ()
    assert "--immutable" in copy.run()["resumed"]["why_not"]
    assert copy.holds()
    to = f"{pg_db.url}#target.u"
    done = leat.ok("cp", pg_db.url, to, "--query", "select 1 as a", "--resume", "--immutable")
    assert "a query may give other records" in done.stderr
    done = leat.ok("cp", "csv:-", to, "--resume", "--replace", stdin=b"a\n1\n")
    assert "standard input comes only once" in done.stderr
    done = leat.ok("cp", make("csv").source.location(), f"sqlite:{tmp_path}/x.db", "--resume")
    assert "nothing but whole loads" in done.stderr


def test_a_load_whose_process_lives_is_not_taken_over(make, modules):
    copy = make("csv")
    first = copy.leat.start(*copy.arguments(wrap="fault+"), env={
        "LEAT_PLUGIN_PATH": str(modules), "LEAT_FAULT": "part_seal:after:3:stop"})
    try:
        assert wait_for(lambda: copy.sealed()[0] == 3, 30)
        copy.leat.fails(75, "destination-busy", *copy.arguments("--lock-timeout=500ms",
                                                                 "--retries=0"))
        assert copy.sealed()[0] == 3
    finally:
        first.kill()
        first.communicate()
    copy.settle()
    assert copy.run()["resumed"]["parts"] == 3
    assert copy.holds() and copy.is_clean()


def waits_for_fence(db):
    with psycopg.connect(db.url, autocommit=True) as connection:
        return wait_for(lambda: connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted and "
            "database = (select oid from pg_database where datname = current_database())"
            ).fetchone()[0] == 1, 30)


def start_and_stop(copy, modules, parts):
    """A run that is stopped with the fence in its hands, once it has sealed two parts more."""
    first = copy.leat.start(*copy.arguments(wrap="fault+"), env={
        "LEAT_PLUGIN_PATH": str(modules), "LEAT_FAULT": "part_seal:after:2:stop"})
    assert wait_for(lambda: copy.sealed()[0] == parts + 2, 30)
    return first


def is_refused(child, told=b""):
    _, err = child.communicate(timeout=60)
    assert child.returncode == 2, err
    assert b"[conflict]" in err and b"another run finished this load" in err, err
    assert b"not resumed" not in told + err, err


@pytest.mark.parametrize("mode, killed", [*((mode, True) for mode in MODES), ("append", False)])
def test_of_two_at_once_one_goes_on_and_the_other_finds_it_finished(make, modules, mode, killed):
    copy = make("csv", mode)
    parts, rows = copy.kill_at(modules, "part_seal:after", 6) if killed else (0, 0)
    first = start_and_stop(copy, modules, parts)
    try:
        second = copy.leat.start(*copy.arguments("--report", str(copy.source.folder / "two.json")))
        assert waits_for_fence(copy.db), second.poll()
    finally:
        first.send_signal(signal.SIGCONT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    is_refused(second)
    said = json.loads(copy.report_path.read_text(encoding="utf-8"))["streams"][0]["resumed"]
    assert said == {"parts": parts, "rows": rows, "why_not": ""}
    assert copy.holds() and copy.is_clean()


def test_what_was_finished_between_two_tries_of_a_waiting_run_is_not_loaded_again(make, modules):
    copy = make("csv", "append")
    first = start_and_stop(copy, modules, copy.kill_at(modules, "part_seal:after", 6)[0])
    told = b""
    try:
        second = copy.leat.start(*copy.arguments("--lock-timeout=300ms"))
        while b"trying again" not in told:
            line = second.stderr.readline()
            assert line, told
            told += line
        second.send_signal(signal.SIGSTOP)
    finally:
        first.send_signal(signal.SIGCONT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    second.send_signal(signal.SIGCONT)
    is_refused(second, told)
    assert copy.holds() and copy.is_clean()


def test_a_cut_connection_goes_on_from_the_sealed_parts_at_once(make):
    copy = make("csv", "append")
    child = copy.leat.start(*copy.arguments("--retries=20"))
    cut = 0
    with psycopg.connect(copy.db.url, autocommit=True) as connection:
        while child.poll() is None and cut < 3:
            if copy.sealed()[0] > 2 * cut:
                cut += connection.execute(
                    "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity where "
                    "application_name = 'leat'").fetchone()[0]
            time.sleep(0.005)
    _, err = child.communicate(timeout=90)
    assert child.returncode == 0, err
    said = json.loads(copy.report_path.read_text(encoding="utf-8"))["streams"][0]
    assert not cut or said["attempts"] > 1 and said["resumed"]["rows"] > 0, (cut, said)
    assert copy.holds() and copy.is_clean()


def test_a_cancelled_load_says_what_it_keeps_and_goes_on(make, modules):
    copy = make("csv")
    child = copy.leat.start(*copy.arguments(wrap="fault+"), env={
        "LEAT_PLUGIN_PATH": str(modules), "LEAT_FAULT": "part_seal:after:2:stop"})
    assert wait_for(lambda: copy.sealed()[0] >= 2, 30)
    child.terminate()
    child.send_signal(signal.SIGCONT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 143, err
    assert b"stay at the destination" in err
    parts, rows = copy.settle()
    assert copy.run()["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}
    assert copy.holds() and copy.is_clean()


def test_a_directory_of_files_goes_on_and_knows_when_one_came(make, modules):
    copy = make("csv")
    folder = copy.source.folder / "many"
    folder.mkdir()
    lines = copy.source.path.read_text(encoding="utf-8").splitlines(keepends=True)
    for i in range(4):
        (folder / f"{i}.csv").write_text(lines[0] + "".join(lines[1 + i * 10_000:
                                                                  1 + (i + 1) * 10_000]))
    copy.source.location = lambda: f"csv:{folder}/*.csv?as-stream=source"
    parts, rows = copy.kill_at(modules, "part_seal:after", 8)
    assert copy.run()["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}
    assert copy.holds() and copy.is_clean()
    copy.reset()
    copy.kill_at(modules, "part_seal:after", 8)
    shutil.copy(folder / "0.csv", folder / "4.csv")
    assert "has changed" in copy.run()["resumed"]["why_not"]


def test_a_process_that_lost_its_load_to_another_can_add_nothing(make, modules):
    """Its locks went with a session; it does not know, and goes on when it is woken."""
    copy = make("csv")
    first = copy.leat.start(*copy.arguments("--retries=0", wrap="fault+"), env={
        "LEAT_PLUGIN_PATH": str(modules), "LEAT_FAULT": "part_seal:after:3:stop"})
    try:
        assert wait_for(lambda: copy.sealed()[0] == 3, 30)
        with psycopg.connect(copy.db.url, autocommit=True) as connection:
            connection.execute("select pg_terminate_backend(pid) from pg_locks where locktype = "
                               "'advisory' and database = (select oid from pg_database where "
                               "datname = current_database())")
            assert wait_for(lambda: connection.execute(
                "select count(*) from pg_locks where locktype = 'advisory'").fetchone()[0] == 0)
        second = copy.leat.start(*copy.arguments(wrap="fault+"), env={
            "LEAT_PLUGIN_PATH": str(modules), "LEAT_FAULT": "part_seal:after:2:stop"})
        try:
            assert wait_for(lambda: copy.sealed()[0] == 5, 30)
            first.send_signal(signal.SIGCONT)
            _, err = first.communicate(timeout=60)
            assert first.returncode != 0 and b"taken over" in err, err
            assert copy.sealed()[0] == 5
        finally:
            second.send_signal(signal.SIGCONT)
        _, err = second.communicate(timeout=60)
        assert second.returncode == 0, err
    finally:
        first.kill()
    said = json.loads(copy.report_path.read_text(encoding="utf-8"))["streams"][0]
    assert said["resumed"]["parts"] == 3
    assert copy.holds() and copy.is_clean()


@pytest.fixture(name="snapshot")
def snapshot_fixture(leat):
    """Call it for the token of a snapshot that is held for the rest of the test, and its process."""
    holders = []

    def hold(url):
        holders.append(leat.start("snapshot", "hold", url, "--for", "10m"))
        return holders[-1].stdout.readline().decode().strip(), holders[-1]

    yield hold
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_a_load_of_a_live_table_goes_on_in_the_snapshot_that_is_held(make, modules, snapshot):
    copy = make("postgres")
    token, _ = snapshot(copy.db.url)
    copy.source.options = ("--snapshot", token)
    parts, rows = copy.kill_at(modules, "part_seal:after", 2)
    assert 0 < rows < ROWS
    copy.db.execute("delete from source.source where id % 3 = 0",
                    "update source.source set name = 'changed' where id % 3 = 1",
                    "insert into source.source select g, 'late', 0, repeat('y', 100) from "
                    f"generate_series({ROWS + 1}, {ROWS + 9000}) g")
    with copy.db.connect() as connection:
        connection.autocommit = True
        connection.execute("vacuum source.source")
    said = copy.run()
    assert said["resumed"] == {"parts": parts, "rows": rows, "why_not": ""}
    assert copy.holds() and copy.is_clean()


def test_another_snapshot_or_a_table_written_anew_starts_over(make, modules, snapshot):
    copy = make("postgres")
    copy.source.options = ("--snapshot", snapshot(copy.db.url)[0])
    copy.kill_at(modules, "part_seal:after", 2)
    with copy.db.connect() as connection:
        connection.autocommit = True
        connection.execute("vacuum full source.source")
    copy.leat.fails((1, 75), "source-cut", *copy.arguments("--retries", "0"))
    copy.source.options = ("--snapshot", snapshot(copy.db.url)[0])
    starts_over(copy, "the source has changed since")
    copy.reset()
    copy.kill_at(modules, "part_seal:after", 2)
    copy.db.execute("insert into source.source select 40001, 'name 40001', 40001 * 7 % 1000, ''")
    copy.source.options = ("--snapshot", snapshot(copy.db.url)[0])
    starts_over(copy, "the source has changed since", rows=ROWS + 1)


def test_a_snapshot_that_nobody_holds_any_more_is_told(make, snapshot):
    copy = make("postgres")
    token, holder = snapshot(copy.db.url)
    holder.terminate()
    _, err = holder.communicate(timeout=20)
    assert holder.returncode == 143, err
    copy.source.options = ("--snapshot", token)
    done = copy.leat.fails(2, "not-found", *copy.arguments())
    assert "leat snapshot hold" in done.stderr
    copy.leat.fails(2, "unsupported", "cp", make("csv").source.location(),
                    f"{copy.db.url}#target.t", "--snapshot", token)
    copy.leat.fails(2, "unsupported", "snapshot", "hold", f"sqlite:{copy.source.folder}/x.db")


def test_a_snapshot_is_held_as_long_as_was_said_and_read_by_all_copies(leat, pg_db, snapshot):
    pg_db.execute("create table public.a as select 1 as x", "create table public.b as select 1 as x",
                  "create schema target")
    token, _ = snapshot(pg_db.url)
    pg_db.execute("insert into public.a values (2)", "insert into public.b values (2)")
    leat.ok("cp", f"{pg_db.url}#public.a", f"{pg_db.url}#target.a", "--snapshot", token)
    leat.ok("cp", f"{pg_db.url}#public.", f"{pg_db.url}#target.", "--snapshot", token,
            "--include", "b")
    assert pg_db.rows("target.a") == pg_db.rows("target.b") == [(1,)]
    assert leat.ok("snapshot", "hold", pg_db.url, "--for", "100ms").stdout.strip() != token
