"""Fixtures of the end-to-end tests: the program, a PostgreSQL server, a proxy that misbehaves."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "servers"))

import postgres as postgres_server  # noqa: E402
from proxy import Proxy  # noqa: E402
from readers import pg_connect  # noqa: E402

IN_CI = os.environ.get("CI") == "true"
RUN_SECONDS_MAX = 100


def needed(what):
    """A thing the test needs is missing: a failure in CI, a skip with a hint on a user's machine."""
    if IN_CI:
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def build_folder():
    return pathlib.Path(os.environ.get("LEAT_BUILD", ROOT / "build"))


def leat_binary():
    path = pathlib.Path(os.environ.get("LEAT_BIN", build_folder() / "leat")).absolute()
    if not path.exists():
        pytest.exit(f"no {path}: run `make build`", returncode=3)
    return path


class Leat:
    """Runs the program in a clean environment with a home of its own."""

    def __init__(self, home):
        self.binary = leat_binary()
        self.home = home
        self.cwd = home
        keep = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "TMPDIR")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env.update(HOME=str(home), XDG_CONFIG_HOME=str(home / "config"),
                        XDG_STATE_HOME=str(home / "state"), XDG_CACHE_HOME=str(home / "cache"),
                        XDG_RUNTIME_DIR=str(home), TZ="UTC")

    def start(self, *arguments, env=None, **options):
        """A Popen of the program; `env` adds to its environment."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([str(self.binary), *map(str, arguments)], cwd=self.cwd,
                                env={**self.env, **(env or {})}, **options)

    def __call__(self, *arguments, env=None, stdin=None, binary=False, preexec_fn=None):
        """Runs it to its end. stdin: bytes for its standard input."""
        child = self.start(*arguments, env=env, preexec_fn=preexec_fn,
                           stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        try:
            out, err = child.communicate(stdin, timeout=RUN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            pytest.fail(f"leat {' '.join(map(str, arguments))} did not end; it said: {err!r}")
        err = err.decode("utf-8", "replace")
        assert "Sanitizer" not in err, err
        assert child.returncode >= 0, f"ended by signal {-child.returncode}: {err}"
        return subprocess.CompletedProcess(child.args, child.returncode,
                                           out if binary else out.decode("utf-8"), err)

    def ok(self, *arguments, **options):
        done = self(*arguments, **options)
        assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}"
        return done

    def fails(self, status, code, *arguments, **options):
        """It must end with this exit status (or one of them) and name this error code."""
        done = self(*arguments, **options)
        wanted = status if isinstance(status, tuple) else (status,)
        assert done.returncode in wanted, f"exit status {done.returncode}: {done.stderr}"
        codes = code if isinstance(code, tuple) else (code,)
        assert any(f"[{each}]" in done.stderr for each in codes), done.stderr
        return done

    def peak_kib(self, *arguments):
        """Runs it and returns its own largest resident size, in KiB.

        Started from a small process: the kernel counts what a process was before its exec, too,
        and pytest is large.
        """
        script = ("import os, sys; pid = os.fork() or os.execv(sys.argv[1], sys.argv[1:]); "
                  "_, status, usage = os.wait4(pid, 0); "
                  "print(usage.ru_maxrss); sys.exit(os.waitstatus_to_exitcode(status) & 255)")
        done = subprocess.run([sys.executable, "-I", "-S", "-c", script, str(self.binary),
                               *map(str, arguments)], cwd=self.cwd, env=self.env, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.splitlines()[-1])  # what it printed itself is in front


@pytest.fixture
def leat(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Leat(home)


@pytest.fixture(scope="session")
def pg():
    """A PostgreSQL cluster for the whole session."""
    try:
        server = postgres_server.Postgres()
    except FileNotFoundError as missing:
        needed(str(missing))
    with server:
        yield server


class Database:
    """A fresh database: its URLs for leat, and an independent connection."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.url = server.url(name)

    def stream(self, table, port=None):
        return f"{self.server.url(self.name, port=port)}#public.{table}"

    def connect(self):
        return pg_connect(self.url)

    def execute(self, *statements):
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, table, order="1"):
        with self.connect() as connection:
            return connection.execute(f"select * from {table} order by {order}").fetchall()

    def count(self, table):
        with self.connect() as connection:
            return connection.execute(f"select count(*) from {table}").fetchone()[0]

    def tables(self):
        """Every relation of users, leat's own records apart."""
        with self.connect() as connection:
            return [row[0] for row in connection.execute(
                "select relname from pg_class c join pg_namespace n on n.oid = relnamespace "
                "where relkind in ('r', 'p', 'S', 'm') and nspname !~ '^(pg_|information_schema)' "
                "and relname not in ('_leat_state', '_leat_load') order by 1")]


@contextlib.contextmanager
def fresh_database(pg):
    pg.databases += 1
    name = f"t{pg.databases}"
    with pg_connect(pg.url()) as connection:
        connection.autocommit = True
        connection.execute(f"create database {name}")
    yield Database(pg, name)
    with pg_connect(pg.url()) as connection:
        connection.autocommit = True
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = "
                           "%s", [name])
        connection.execute(f"drop database {name}")


@pytest.fixture
def pg_db(pg):
    with fresh_database(pg) as database:
        yield database


@pytest.fixture
def pg_db2(pg):
    """Another one, on the same server."""
    with fresh_database(pg) as database:
        yield database


@pytest.fixture
def own_pg():
    """A server of this test alone, that nobody else misses while it is away."""
    with postgres_server.Postgres() as server:
        yield server


@pytest.fixture
def proxy(pg):
    """Call it for a proxy to the server: proxy(cut_after=..., drop_commit_reply=...)."""
    opened = []

    def make(**options):
        opened.append(Proxy(("127.0.0.1", pg.port), **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def data():
    """The folder of vega-datasets."""
    folder = ROOT / "build" / "data"
    if not (folder / ".version").exists():
        needed("no test data: run tools/fetch-data")
    return folder


@pytest.fixture(scope="session")
def chinook():
    path = os.environ.get("LEAT_TEST_CHINOOK", "")
    if not path or not pathlib.Path(path).exists():
        needed("no Chinook database: set LEAT_TEST_CHINOOK to Chinook_Sqlite.sqlite")
    return pathlib.Path(path)


@pytest.fixture(scope="session")
def modules():
    """The folder of the loadable test connectors."""
    folder = build_folder() / "tests" / "conformance"
    if not (folder / "leat-fault.so").exists():
        needed("the test connectors are not built: meson setup with -Dtests=true")
    return folder


def wait_for(condition, seconds=10.0):
    """Polls until the condition holds; False when it never did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def kill_after(child, seconds):
    """SIGKILL after a time, unless it ended before; its exit status."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        return child.wait()
