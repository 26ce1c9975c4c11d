"""Connections cut and stalled, locks of others, full disks, readers that go away: the destination is
as it was, the message says why, and the exit status tells passing faults from lasting ones."""
import os
import pathlib
import random
import resource
import sqlite3
import subprocess
import time

import psycopg
import pytest

import readers
from conftest import needed, wait_for

ROWS = 60_000
SEED = int(os.environ.get("LEAT_SEED", "20240607"))


@pytest.fixture
def places(pg_db):
    """public.t to be read, public.d with an old row."""
    pg_db.execute(f"create table t as select g as id, md5(g::text) as name "
                  f"from generate_series(1, {ROWS}) g",
                  "create table d (id int, name text)", "insert into d values (0, 'old')")
    return pg_db


# --- cut and stalled -----------------------------------------------------------------------------

def offsets():
    rng = random.Random(SEED)
    return [0, 1, 9, 100, 700, 2_000, 6_000] + [rng.randrange(8_000, 2_500_000) for _ in range(8)]


def test_a_source_cut_at_any_byte_is_never_taken_for_its_end(leat, places, proxy, tmp_path):
    out = tmp_path / "out.csv"
    for offset in offsets():
        cut = proxy(cut_after=offset)
        leat.fails(75, ("source-cut", "unavailable"), "cp", places.stream("t", cut.port), out,
                   "--retries=0")
        assert cut.struck, offset
        assert list(tmp_path.glob("*out.csv*")) == [], offset
    # The same cuts, but only once each: the retry brings every row.
    for offset in offsets()[::3]:
        cut = proxy(cut_after=offset, times=1)
        done = leat("cp", places.stream("t", cut.port), out, "--replace")
        if done.returncode == 0:
            assert len(readers.csv_table(out)[1]) == ROWS, offset
        else:
            assert done.returncode == 75, done.stderr


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_destination_cut_at_any_byte_is_old_or_new(leat, places, proxy, mode):
    for offset in offsets():
        cut = proxy(cut_upload_after=offset)
        leat.fails(75, "unavailable", "cp", places.stream("t"), places.stream("d", cut.port),
                   f"--{mode}", "--retries=0")
        assert places.rows("d") == [(0, "old")], offset
    cut = proxy(cut_upload_after=700_000, times=2)
    leat.ok("cp", places.stream("t"), places.stream("d", cut.port), f"--{mode}")
    assert cut.struck == 2
    assert places.count("d") == ROWS + (mode == "append")


def keepalive_timers(port):
    """Seconds until the kernel probes connections to a port; None: no such timer runs."""
    found = []
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        kind, when = fields[5].split(":")
        if fields[2].endswith(f":{port:04X}") and fields[3] == "01":
            found.append(int(when, 16) / os.sysconf("SC_CLK_TCK") if kind == "02" else None)
    return found


def test_a_peer_that_vanished_would_be_noticed_by_keepalive(leat, places, tmp_path):
    if not pathlib.Path("/proc/net/tcp").exists():
        needed("no /proc/net/tcp")
    child = leat.start("cp", places.url, tmp_path / "x.csv", "--query", "select 1 as a, pg_sleep(30)")

    def probed():
        timers = keepalive_timers(places.server.port)
        return any(timer is not None and timer <= 30 for timer in timers)

    try:
        assert wait_for(probed), keepalive_timers(places.server.port)
    finally:
        child.terminate()
        child.communicate()


@pytest.mark.parametrize("role", ["source", "destination"])
def test_a_terminated_server_process_is_a_passing_fault(leat, places, tmp_path, role):
    def go(retries):
        slow = ("--query", "select 1 as id, pg_sleep(1.5)::text as name")
        to = tmp_path / "x.csv" if role == "source" else places.stream("d")
        child = leat.start("cp", places.url, to, *slow, f"--retries={retries}", "--replace")
        wanted = "pg_sleep" if role == "source" else "copy %%from stdin"
        with psycopg.connect(places.url, autocommit=True) as connection:
            assert wait_for(lambda: connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
                "'leat' and query ilike '%%' || %s || '%%'",
                (wanted.replace("%%", "%"),)).fetchall() != [])
        _, err = child.communicate(timeout=30)
        return child.returncode, err

    status, err = go(0)
    assert status == 75, err
    assert b"unchanged" in err
    assert places.rows("d") == [(0, "old")]
    status, err = go(3)
    assert status == 0, err
    assert (places.count("d") if role == "destination"
            else len(readers.csv_table(tmp_path / "x.csv")[1])) == 1


def test_timeouts_of_the_role_are_not_those_of_a_copy(leat, places):
    places.execute("drop role if exists hasty", "create role hasty superuser login password 'x'",
                   *(f"alter role hasty set {name} = '40ms'" for name in
                     ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")))
    url = places.server.url(places.name, user="hasty", password="x")
    leat.ok("cp", f"{url}#public.t", f"{url}#public.d", "--replace")
    assert places.count("d") == ROWS


# --- locks ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", [("--replace",), ("--append",), ("--replace", "--truncate"),
                                  ("--replace", "--recreate")])
def test_a_lock_on_the_destination_names_its_holder(leat, places, mode):
    with psycopg.connect(places.url, application_name="backup") as holder:
        holder.execute("lock table d in access exclusive mode")
        began = time.monotonic()
        done = leat.fails(75, "destination-busy", "cp", places.stream("t"), places.stream("d"), *mode,
                          "--lock-timeout=300ms", "--retries=0")
        assert time.monotonic() - began < 5
        assert "(backup)" in done.stderr and str(holder.info.backend_pid) in done.stderr
    assert places.rows("d") == [(0, "old")]


def test_a_row_lock_at_the_destination_is_waited_for_no_longer_than_told(leat, places):
    with psycopg.connect(places.url, application_name="clerk") as holder:
        holder.execute("select * from d for update")
        done = leat.fails(75, "destination-busy", "cp", places.stream("t"), places.stream("d"),
                          "--replace", "--lock-timeout=300ms", "--retries=0")
        assert "(clerk)" in done.stderr
    assert places.rows("d") == [(0, "old")]


def test_a_lock_on_the_source_names_its_holder(leat, places, tmp_path):
    with psycopg.connect(places.url, application_name="migration") as holder:
        holder.execute("lock table t in access exclusive mode")
        done = leat.fails(75, "unavailable", "cp", places.stream("t"), tmp_path / "x.csv",
                          "--lock-timeout=300ms", "--retries=0")
        assert "(migration)" in done.stderr and "destination unchanged" in done.stderr
    leat.ok("cp", places.stream("t"), tmp_path / "x.csv")


# --- full disks ----------------------------------------------------------------------------------

@pytest.fixture
def small(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
                              capture_output=True, check=False)
    if mounting.returncode:
        needed("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("place", ["x.csv", "x.arrow", "x.csv.gz", "x.db#t", "lake/"])
def test_a_full_disk_leaves_nothing_of_a_new_destination(leat, places, small, place):
    done = leat.fails(1, "no-space", "cp", places.stream("t"), f"{small}/{place}")
    assert "destination unchanged" in done.stderr
    assert files(small) == []


def test_a_full_disk_leaves_the_old_rows_of_a_database(leat, places, small):
    connection = sqlite3.connect(small / "x.db")
    connection.execute("create table t (id integer, name text)")
    connection.execute("insert into t values (0, 'old')")
    connection.commit()
    connection.close()
    leat.fails(1, "no-space", "cp", places.stream("t"), f"{small}/x.db#t", "--replace")
    assert readers.sqlite_table(small / "x.db", "t")[1] == [(0, "old")]


@pytest.mark.parametrize("place", ["x.csv", "x.arrow", "x.db#t", "lake/"])
def test_a_limit_on_the_size_of_files_is_a_lack_of_space(leat, places, tmp_path, place):
    folder = tmp_path / "out"
    folder.mkdir()

    def limit():
        import signal
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and a shell does not

    leat.fails(1, "no-space", "cp", places.stream("t"), f"{folder}/{place}", preexec_fn=limit)
    assert files(folder) == []


def test_a_full_tablespace_leaves_the_old_rows(leat, places, small):
    account = places.server.as_user
    if not account:
        needed("the server must run as a user of its own: be root")
    # The folders above are the test run's own and private: the server is to find its way through.
    for folder in (small, *(up for up in small.parents if up.stat().st_uid == os.getuid()
                            and not up.stat().st_mode & 0o001)):
        os.chmod(folder, 0o755)
    os.chown(small, account["user"], account["group"])
    with psycopg.connect(places.url, autocommit=True) as connection:
        try:
            connection.execute(f"create tablespace small location '{small}'")
        except psycopg.Error as cannot:
            needed(str(cannot))
        connection.execute("create table s (id int, name text) tablespace small")
        connection.execute("insert into s values (0, 'old')")
        leat.fails(1, "no-space", "cp", places.stream("t"), places.stream("s"), "--replace")
        assert connection.execute("select * from s").fetchall() == [(0, "old")]
        connection.execute("drop table s")
        connection.execute("drop tablespace small")


def test_a_report_that_does_not_fit_is_not_left_in_part(leat, places, small, tmp_path):
    (small / "fill").write_bytes(b"x" * (1 << 20))
    leat.fails(1, "no-space", "cp", places.stream("d"), tmp_path / "x.csv", "--report",
               small / "report.json")
    assert files(small) == ["fill"]
    assert len(readers.csv_table(tmp_path / "x.csv")[1]) == 1
    leat.fails(1, "no-space", "cp", places.stream("d"), tmp_path / "x.csv", "--report", "/dev/full")
    assert pathlib.Path("/dev/full").exists()


def test_rejects_that_cannot_be_written_stop_the_copy(leat, tmp_path):
    (tmp_path / "a.csv").write_text("id\n" + "x\n1\n" * 300, encoding="utf-8")
    leat.fails(1, "no-space", "cp", tmp_path / "a.csv", f"{tmp_path}/x.db", "--cast", "id=int64",
               "--on-error=skip", "--rejects", "/dev/full")
    assert not (tmp_path / "x.db").exists()


@pytest.mark.asan
def test_a_full_standard_output_is_told_as_incomplete(leat, places):
    with open("/dev/full", "wb") as full:
        child = leat.start("cp", places.stream("t"), "csv:-", stdout=full)
        _, err = child.communicate(timeout=30)
    assert child.returncode == 1, err
    assert b"[no-space]" in err and b"incomplete" in err and b"trying again" not in err


# --- readers that go away ------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["csv:-", "arrows:-"])
def test_a_reader_that_has_had_enough_ends_the_copy_quietly_and_once(leat, places, form):
    child = leat.start("cp", places.stream("t"), form)
    child.stdout.read(10)
    child.stdout.close()
    err = child.stderr.read()
    assert child.wait(timeout=30) == 141, err
    assert err == b""


def test_a_list_whose_reader_has_gone_is_no_news_either(leat, places):
    reader, writer = os.pipe()
    os.close(reader)
    child = leat.start("streams", places.url, stdout=writer)
    os.close(writer)
    _, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (141, b"")


def test_what_went_to_standard_output_is_never_sent_twice(leat, places, proxy):
    cut = proxy(cut_after=25_000_000, times=1)
    url = places.server.url(places.name, port=cut.port)
    child = leat.start("cp", url, "csv:-", "--query", "select g as id, md5(g::text) as name from "
                       "generate_series(1, 1000000) g")
    out, err = child.communicate(timeout=60)
    assert cut.struck == 1
    assert child.returncode == 75, err
    assert b"incomplete" in err and b"trying again" not in err, err
    lines = out.decode().splitlines()
    assert lines.count("id,name") == 1 and len(lines) == len(set(lines))


# --- at the same time ----------------------------------------------------------------------------

def destination_count(place, folder, db):
    if place == "postgres":
        return db.count("many")
    if place == "sqlite":
        return len(readers.sqlite_table(folder / "x.db", "many")[1])
    if place == "file":
        return len(readers.csv_table(folder / "x.csv")[1])
    return sum(len(readers.csv_table(path)[1]) for path in (folder / "lake").glob("*.csv"))


@pytest.mark.parametrize("mode", ["replace", "append"])
@pytest.mark.parametrize("place", ["postgres", "sqlite", "file", "directory"])
def test_three_runs_into_one_place_follow_each_other(leat, places, tmp_path, place, mode):
    folder = tmp_path / "out"
    folder.mkdir()
    to = {"postgres": places.stream("many"), "sqlite": f"{folder}/x.db#many",
          "file": f"{folder}/x.csv", "directory": f"{folder}/lake/#many"}[place]
    children = [leat.start("cp", places.stream("t"), to, f"--{mode}") for _ in range(3)]
    for child in children:
        _, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
    assert destination_count(place, folder, places) == ROWS * (3 if mode == "append" else 1)
    assert [name for name in files(folder) if "leat-" in name] == []


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_place_is_not_copied_onto_itself_even_under_another_name(leat, places, tmp_path, mode):
    leat.ok("cp", places.stream("t"), f"{tmp_path}/x.db#t")
    leat.ok("cp", places.stream("t"), tmp_path / "x.csv")
    (tmp_path / "alias.db").symlink_to(tmp_path / "x.db")
    twice = ROWS * (2 if mode == "append" else 1)
    for place in (places.stream("t"), f"{tmp_path}/x.db#t", tmp_path / "x.csv"):
        leat.fails(2, "usage", "cp", place, place, f"--{mode}")
    # With a rollback journal the reader may be shut out by the writer: then nothing is changed.
    done = leat("cp", f"{tmp_path}/alias.db#t", f"{tmp_path}/x.db#t", f"--{mode}", "--retries=0",
                "--lock-timeout=1s")
    assert done.returncode in (0, 75), done.stderr
    assert len(readers.sqlite_table(tmp_path / "x.db", "t")[1]) == \
        (twice if done.returncode == 0 else ROWS)
    connection = sqlite3.connect(tmp_path / "x.db")
    assert connection.execute("pragma journal_mode = wal").fetchone() == ("wal",)
    connection.close()
    before = len(readers.sqlite_table(tmp_path / "x.db", "t")[1])
    leat.ok("cp", f"{tmp_path}/alias.db#t", f"{tmp_path}/x.db#t", f"--{mode}")
    assert len(readers.sqlite_table(tmp_path / "x.db", "t")[1]) == \
        before * (2 if mode == "append" else 1)
    leat.ok("cp", places.stream("t").replace("127.0.0.1", "localhost"), places.stream("t"),
            f"--{mode}")
    assert places.count("t") == twice


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_readers_of_sqlite_see_old_or_new_rows_during_a_replace(leat, places, tmp_path, journal):
    path = tmp_path / "x.db"
    writer = sqlite3.connect(path)
    writer.execute(f"pragma journal_mode = {journal}")
    writer.execute("create table d (id integer, name text)")
    writer.execute("insert into d values (0, 'old')")
    writer.commit()
    writer.close()
    seen = set()
    child = leat.start("cp", places.stream("t"), f"{path}#d", "--replace")
    reader = sqlite3.connect(path, timeout=20)
    while child.poll() is None:
        seen.add(reader.execute("select count(*) from d").fetchone()[0])
    _, err = child.communicate()
    assert child.returncode == 0, err
    seen.add(reader.execute("select count(*) from d").fetchone()[0])
    assert seen <= {1, ROWS} and ROWS in seen


def test_a_replace_leaves_older_readers_and_dependants_alone(leat, places):
    places.execute(
        "alter table d add primary key (id)", "create view v as select count(*) as n from d",
        "create table child (id int references d (id))", "create index on d (name)", "comment on table d is 'kept'",
        "create table log (word text)", "create function note() returns trigger language plpgsql as "
        "$$ begin insert into log values (tg_op); return null; end $$",
        "create trigger noted after insert on d for each statement execute function note()",
        "create publication p for table d", "grant select on d to public",
        "alter table d enable row level security", "create policy q on d using (id < 5)")
    facts = ("select (select relacl::text from pg_class where relname = 'd'), obj_description("
             "'d'::regclass), (select count(*) from pg_policies), (select count(*) from "
             "pg_publication_tables), (select count(*) from pg_indexes where tablename = 'd'), "
             "(select count(*) from pg_constraint where confrelid = 'd'::regclass), 'd'::regclass::oid")
    with places.connect() as old:
        old.execute("set transaction isolation level repeatable read")
        assert old.execute("select id from d").fetchall() == [(0,)]
        with places.connect() as connection:
            before = connection.execute(facts).fetchone()
        for _ in range(2):
            leat.ok("cp", places.stream("t"), places.stream("d"), "--replace")
        assert old.execute("select id from d").fetchall() == [(0,)]
    with places.connect() as connection:
        assert connection.execute(facts).fetchone() == before
        assert connection.execute("select n from v").fetchone() == (ROWS,)
        assert connection.execute("select count(*) > 0 from log").fetchone() == (True,)
