"""SIGINT and SIGTERM in every phase: the program ends within a second, with 130 or 143, and leaves
nothing behind, neither here nor in a server."""
import os
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from conftest import wait_for

SECONDS_MAX = 1.0
SLACK = float(os.environ.get("LEAT_SLACK", "1.0"))  # for a machine that is busy otherwise


def sessions(db):
    with db.connect() as connection:
        return connection.execute("select state, query from pg_stat_activity where datname = "
                                  "current_database() and pid <> pg_backend_pid() and "
                                  "application_name = 'leat'").fetchall()


def is_running(db, fragment):
    return any(fragment in query and state == "active" for state, query in sessions(db))


def stop(child, number=signal.SIGINT):
    """Sends the signal; returns what the program said. It must end in time, and say how."""
    assert child.poll() is None, f"it ended before it was stopped: {child.stderr.read()}"
    began = time.monotonic()
    child.send_signal(number)
    try:
        # Not communicate(): it would close standard input, and so give the program an end of data.
        child.wait(timeout=10)
        err = child.stderr.read()
    except subprocess.TimeoutExpired:
        child.kill()
        pytest.fail(f"it did not end; it said {child.communicate()[1]}")
    finally:
        if child.stdin:
            child.stdin.close()
    took = time.monotonic() - began
    assert took < SECONDS_MAX + SLACK, f"it took {took:.2f} s to end"
    assert child.returncode == 128 + number, err
    assert b"[cancelled]" in err, err
    return err


def leaves_the_server(db):
    assert wait_for(lambda: not sessions(db), 3), f"still in the server: {sessions(db)}"


@pytest.fixture
def black_hole():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def full_backlog():
    """A port whose queue of connections is full: the kernel does not even answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
@pytest.mark.parametrize("role", ["source", "destination"])
def test_while_a_server_says_nothing(leat, black_hole, tmp_path, role, number):
    (tmp_path / "a.csv").write_text("id\n1\n", encoding="utf-8")
    silent = f"postgres://u:p@127.0.0.1:{black_hole}/d#public.t"
    places = (silent, tmp_path / "x.csv") if role == "source" else (tmp_path / "a.csv", silent)
    child = leat.start("cp", *places)
    time.sleep(0.3)
    stop(child, number)
    assert not (tmp_path / "x.csv").exists()


def test_while_a_server_does_not_even_answer(leat, full_backlog, tmp_path):
    child = leat.start("cp", f"postgres://u:p@127.0.0.1:{full_backlog}/d#public.t", tmp_path / "x.csv")
    time.sleep(0.3)
    stop(child)


@BOTH
@pytest.mark.parametrize("role", ["source", "destination"])
def test_while_waiting_for_a_lock_in_postgres(leat, pg_db, tmp_path, role, number):
    pg_db.execute("create table t (id int)", "insert into t values (1)")
    (tmp_path / "a.csv").write_text("id\n1\n", encoding="utf-8")
    with pg_db.connect() as holder:
        holder.execute("lock table t in access exclusive mode")
        places = (pg_db.stream("t"), tmp_path / "x.csv") if role == "source" \
            else (tmp_path / "a.csv", pg_db.stream("t"))
        child = leat.start("cp", *places, "--replace", "--lock-timeout=60s")
        time.sleep(0.7)
        stop(child, number)
        leaves_the_server(pg_db)
    assert pg_db.rows("t") == [(1,)]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["a.csv"]


@BOTH
def test_during_a_slow_query(leat, pg_db, tmp_path, number):
    child = leat.start("cp", pg_db.url, tmp_path / "x.csv", "--query",
                       "select g, pg_sleep(5) from generate_series(1, 10) g")
    assert wait_for(lambda: is_running(pg_db, "pg_sleep"))
    stop(child, number)
    leaves_the_server(pg_db)
    assert list(tmp_path.glob("*x.csv*")) == []


def test_during_a_slow_trigger_at_the_destination(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int)", "create function slow() returns trigger language plpgsql "
                  "as $$ begin perform pg_sleep(5); return new; end $$",
                  "create trigger slow before insert on t for each row execute function slow()")
    (tmp_path / "a.csv").write_text("id\n1\n2\n", encoding="utf-8")
    child = leat.start("cp", tmp_path / "a.csv", pg_db.stream("t"), "--append")
    assert wait_for(lambda: is_running(pg_db, "COPY"))
    time.sleep(0.2)
    stop(child)
    leaves_the_server(pg_db)
    assert pg_db.rows("t") == []


def big(pg_db):
    pg_db.execute("create table big as select g as id, md5(g::text) as a, md5(g::text) as b "
                  "from generate_series(1, 1500000) g", "create table kept as select 1 as id, "
                  "'a'::text as a, 'b'::text as b")


@BOTH
@pytest.mark.parametrize("mode", ["--replace", "--append"])
def test_in_the_middle_of_a_copy_between_tables(leat, pg_db, mode, number):
    big(pg_db)
    child = leat.start("cp", pg_db.stream("big"), pg_db.stream("kept"), mode)
    assert wait_for(lambda: sum("COPY" in query for _, query in sessions(pg_db)) == 2)
    time.sleep(0.1)
    stop(child, number)
    leaves_the_server(pg_db)
    assert pg_db.rows("kept") == [(1, "a", "b")]
    with pg_db.connect() as connection:
        assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'"
                                  ).fetchone() == (0,)


@pytest.mark.parametrize("place", ["x.csv", "x.arrow", "x.csv.gz", "x.db#t", "lake/"])
def test_in_the_middle_of_a_copy_to_files(leat, pg_db, tmp_path, place):
    big(pg_db)
    folder = tmp_path / "out"
    folder.mkdir()
    child = leat.start("cp", pg_db.stream("big"), f"{folder}/{place}")
    assert wait_for(lambda: any("COPY" in query for _, query in sessions(pg_db)))
    time.sleep(0.2)
    stop(child)
    leaves_the_server(pg_db)
    assert [str(path) for path in folder.rglob("*") if path.is_file()] == []


def test_while_standard_input_brings_nothing(leat, tmp_path, pg_db):
    for place in (tmp_path / "x.csv", tmp_path / "x.db#t", pg_db.stream("t")):
        for start in (b"", b"id,name\n1,one\n"):
            child = leat.start("cp", "csv:-", place, stdin=subprocess.PIPE)
            child.stdin.write(start)
            child.stdin.flush()
            time.sleep(0.3)
            stop(child)
    leaves_the_server(pg_db)
    assert pg_db.tables() == []
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []


def test_while_nobody_reads_standard_output(leat, pg_db):
    big(pg_db)
    child = leat.start("cp", pg_db.stream("big"), "csv:-")
    time.sleep(0.7)
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)  # the pipe is still full: it must not wait for a reader
    assert child.wait(timeout=SECONDS_MAX + SLACK) == 143
    assert time.monotonic() - began < SECONDS_MAX + SLACK
    child.communicate()
    leaves_the_server(pg_db)


@pytest.mark.parametrize("role", ["source", "destination"])
def test_while_waiting_for_a_lock_in_sqlite(leat, tmp_path, role):
    path = tmp_path / "a.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("create table t (id integer)")
    holder.execute("insert into t values (1)")
    (tmp_path / "a.csv").write_text("id\n2\n", encoding="utf-8")
    holder.execute("begin exclusive")
    places = (f"{path}#t", tmp_path / "x.csv") if role == "source" else \
        (tmp_path / "a.csv", f"{path}#t")
    child = leat.start("cp", *places, "--replace", "--lock-timeout=60s")
    time.sleep(0.5)
    stop(child)
    holder.execute("rollback")
    assert holder.execute("select id from t").fetchall() == [(1,)]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["a.csv", "a.db"]


def test_during_a_slow_query_of_sqlite(leat, tmp_path):
    sqlite3.connect(tmp_path / "a.db").execute("create table t (id integer)")
    child = leat.start("cp", tmp_path / "a.db", tmp_path / "x.csv", "--query",
                       "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1e12)"
                       " select count(*) from n")
    time.sleep(0.5)
    stop(child)
    assert list(tmp_path.glob("*x.csv*")) == []


def test_while_waiting_to_try_again(leat, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        child = leat.start("cp", f"postgres://u:p@127.0.0.1:{nobody.getsockname()[1]}/d#public.t",
                           tmp_path / "x.csv", "--retries=100")
        time.sleep(0.7)
        if child.poll() is None:  # opening the first connection may not be tried again
            stop(child)
        else:
            assert child.returncode == 75
            child.communicate()


def test_a_second_signal_ends_it_at_once(leat, pg_db, tmp_path):
    """The first cancels; a server that hangs may keep that waiting."""
    pg_db.execute("create table t (id int)", "insert into t values (1)")
    child = leat.start("cp", pg_db.url, tmp_path / "x.csv", "--query", "select pg_sleep(20)")
    assert wait_for(lambda: is_running(pg_db, "pg_sleep"))
    with pg_db.connect() as connection:
        pids = connection.execute("select pid from pg_stat_activity where query ~ 'pg_sleep' and "
                                  "pid <> pg_backend_pid()").fetchall()
    for pid, in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        child.send_signal(signal.SIGINT)
        time.sleep(0.05)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=10)
        assert time.monotonic() - began < 0.3
        assert child.returncode == 130
    finally:
        for pid, in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_hangs_does_not_keep_the_first_signal_waiting(leat, pg_db, tmp_path):
    child = leat.start("cp", pg_db.url, tmp_path / "x.csv", "--query", "select pg_sleep(20)")
    assert wait_for(lambda: is_running(pg_db, "pg_sleep"))
    with pg_db.connect() as connection:
        pids = connection.execute("select pid from pg_stat_activity where query ~ 'pg_sleep' and "
                                  "pid <> pg_backend_pid()").fetchall()
    for pid, in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        stop(child)
    finally:
        for pid, in pids:
            os.kill(pid, signal.SIGCONT)
    leaves_the_server(pg_db)


def test_a_copy_of_many_streams(leat, pg_db, tmp_path):
    pg_db.execute(*(f"create table t{i} as select g as id, md5(g::text) as a from "
                    "generate_series(1, 400000) g" for i in range(6)))
    for place in (f"{tmp_path}/lake/", f"{tmp_path}/x.db", f"{pg_db.url}#copy."):
        for more in ((), ("--atomic",)):
            pg_db.execute("drop schema if exists copy cascade", "create schema copy")
            child = leat.start("cp", f"{pg_db.url}#public.t*", place, "--parallel=4", *more)
            assert wait_for(lambda: any("COPY" in query for _, query in sessions(pg_db)))
            time.sleep(0.1)
            stop(child)
            leaves_the_server(pg_db)
    assert [str(path) for path in tmp_path.rglob("*.leat*")] == []
