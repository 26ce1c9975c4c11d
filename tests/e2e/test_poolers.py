"""What stands between leat and a primary server: poolers that hand sessions round, and replicas."""
import os
import pathlib
import shutil
import subprocess

import psycopg
import pytest

import pgbouncer as pgbouncer_server
import postgres as postgres_server
import readers
from conftest import needed

TABLES = ["alpha", "beta", "gamma"]


@pytest.fixture
def pooler(pg):
    try:
        server = pgbouncer_server.Pgbouncer(pg)
    except FileNotFoundError as missing:
        needed(str(missing))
    with server:
        yield server


@pytest.fixture
def shop(pg_db):
    for table in TABLES:
        pg_db.execute(f"create table {table} (id int primary key, name text, at timestamptz, n money)",
                      f"insert into {table} select g, '{table}', '2024-02-03 04:05:06+07', g "
                      "from generate_series(1, 2000) g")
    return pg_db


def left_behind(database):
    """Locks that outlived their load, and sessions whose settings were changed for good."""
    with database.connect() as connection:
        return connection.execute("select count(*) from pg_locks where locktype = 'advisory' and "
                                  "database = (select oid from pg_database where datname = "
                                  "current_database())").fetchone()[0]


def settings_behind(pooler, database):
    found = set()
    for _ in range(8):
        with psycopg.connect(pooler.url(database.name), prepare_threshold=None) as connection:
            for name in ("lock_timeout", "intervalstyle", "statement_timeout"):
                found.add(connection.execute(f"show {name}").fetchone()[0])
    return found


def test_tables_go_in_and_out_through_a_pooler(leat, pooler, shop, pg_db2, tmp_path):
    done = leat.ok("cp", "-v", f"{pooler.url(shop.name)}#public.", f"{pooler.url(pg_db2.name)}#public.",
                   "--parallel=4")
    assert "a pooler stands before the server" in done.stderr
    for table in TABLES:
        assert pg_db2.rows(table) == shop.rows(table)
    shop.execute("delete from beta where id > 10")
    leat.ok("cp", f"{pooler.url(shop.name)}#public.", f"{pooler.url(pg_db2.name)}#public.", "--verify")
    assert pg_db2.rows("beta") == shop.rows("beta") and pg_db2.count("gamma") == 2000
    leat.ok("cp", f"{pooler.url(shop.name)}#public.alpha", f"sqlite:{tmp_path}/a.db#alpha")
    assert len(readers.sqlite_table(tmp_path / "a.db", "alpha")[1]) == 2000
    assert left_behind(pg_db2) == 0
    assert settings_behind(pooler, pg_db2) == settings_behind(pooler, shop) == {"0", "postgres"}


def test_queries_are_read_through_a_pooler(leat, pooler, shop, tmp_path):
    leat.ok("cp", pooler.url(shop.name), "--query", "select id, name from alpha where id < 4",
            f"{tmp_path}/out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4


def test_a_lock_of_others_is_not_waited_for_longer_behind_a_pooler(leat, pooler, shop, pg_db2):
    leat.ok("cp", shop.stream("alpha"), pg_db2.stream("alpha"))
    with pg_db2.connect() as other:
        other.execute("lock table alpha in access exclusive mode")
        leat.fails(75, "destination-busy", "cp", f"{shop.url}#public.alpha",
                   f"{pooler.url(pg_db2.name)}#public.alpha", "--lock-timeout=300ms", "--retries=0")
        other.rollback()
    assert left_behind(pg_db2) == 0
    leat.ok("cp", shop.stream("alpha"), f"{pooler.url(pg_db2.name)}#public.alpha")


def test_a_load_that_fails_behind_a_pooler_leaves_nothing(leat, pooler, shop, pg_db2):
    pg_db2.execute("create table alpha (id int check (id < 1500), name text, at timestamptz, n money)",
                   "insert into alpha values (7, 'old', now(), 1)")
    done = leat("cp", shop.stream("alpha"), f"{pooler.url(pg_db2.name)}#public.alpha", "--append")
    assert done.returncode == 1, done.stderr
    assert [row[1] for row in pg_db2.rows("alpha")] == ["old"]
    assert left_behind(pg_db2) == 0


@pytest.fixture
def standby(pg):
    """A streaming replica of the session's server."""
    port = postgres_server.free_port()
    data = pg.root / "standby"
    environment = {"PATH": os.environ["PATH"], "HOME": str(pg.root), "LC_ALL": "C.UTF-8",
                   "PGPASSWORD": postgres_server.PASSWORD}

    def run(program, *arguments):
        with open(pg.root / "standby.log", "ab") as log:
            subprocess.run([str(pathlib.Path(pg.bin) / program), *map(str, arguments)], check=True,
                           cwd=pg.root, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                           stderr=log, **pg.as_user)

    run("pg_basebackup", "-h", "127.0.0.1", "-p", pg.port, "-U", postgres_server.USER, "-D", data,
        "-R", "-X", "stream", "-c", "fast")
    with open(data / "postgresql.conf", "a", encoding="utf-8") as conf:
        conf.write(f"port = {port}\n")
    try:
        run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", pg.root / "standby-server.log", "start")
        yield port
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(data, ignore_errors=True)


def test_a_replica_is_read_in_one_snapshot_by_several_connections(leat, shop, standby, tmp_path):
    done = leat.ok("cp", "-v", f"{shop.server.url(shop.name, port=standby)}#public.",
                   f"{tmp_path}/out/", "--format=csv", "--parallel=2")
    assert "one after the other" not in done.stderr
    for table in TABLES:
        assert len((tmp_path / "out" / f"{table}.csv").read_text().splitlines()) == 2001


def test_a_replica_is_not_loaded(leat, shop, standby):
    leat.fails(2, "denied", "cp", shop.stream("alpha"),
               f"{shop.server.url(shop.name, port=standby)}#public.other")
