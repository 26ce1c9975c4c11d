"""The server that a bench starts, and the folder and names by which arms reach what they move."""
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse

import data

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/servers"))
import postgres  # noqa: E402

MIB = 1 << 20
INDEXED = "indexed"  # the database whose table has indexes


def environment():
    """What arms run with: nothing is sent home. sling fetches a DuckDB for Parquet when it meets
    some; where DUCKDB_PATH names none, its own writer is used, so that it runs without a network."""
    more = {"PGCONNECT_TIMEOUT": "10", "RUNTIME__DLTHUB_TELEMETRY": "false",
            "SLING_DISABLE_TELEMETRY": "true", "INGESTR_DISABLE_TELEMETRY": "true"}
    if "DUCKDB_PATH" not in os.environ:
        more["SLING_DUCKDB_COMPUTE"] = "false"
    return {**os.environ, **more}


class Server(postgres.Postgres):
    def start(self):
        super().start()
        with open(self.data / "postgresql.auto.conf", "a", encoding="utf-8") as conf:
            conf.write("shared_buffers = '1GB'\nmax_wal_size = '16GB'\nautovacuum = off\n"
                       "max_locks_per_transaction = 2000\n")
        self.restart("fast")
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])
        return self

    def sql(self, text, database="postgres"):
        text = "SET client_min_messages = warning; " + text if "DATABASE" not in text else text
        return subprocess.run([str(self.bin / "psql"), self.url(database), "-XqtA", "-v",
                               "ON_ERROR_STOP=1"], input=text, check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.strip()

    def version(self):
        return self.sql("SHOW server_version").split()[0]


class Bench:
    """One server, one folder, and the names by which arms reach them."""

    def __init__(self, server, folder, peers):
        self.server, self.dir, self.peers = server, folder, peers
        self.url = server.url()
        self.leat = ROOT / "build/leat"
        self.limit = folder / "limit"
        self.python = peers / "venv/bin/python" if (peers / "venv").exists() else sys.executable
        self.environment = environment()
        parts = urllib.parse.urlsplit(self.url)
        plain = self.url.replace("postgres:", "postgresql:", 1)
        self.names = {"url": self.url, "dir": folder, "base": self.url.rsplit("/", 1)[0],
                      "leat": self.leat, "sqlalchemy": plain,
                      "base_sqlalchemy": plain.rsplit("/", 1)[0],
                      "driver_url": plain.replace(":", "+psycopg2:", 1), "port": parts.port,
                      "user": parts.username, "password": parts.password}
        self.kept, self.tools, self.rows = {}, {}, 0
        include = subprocess.run(["pg_config", "--includedir"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.strip()
        subprocess.run(["cc", "-O2", "-I" + include, str(ROOT / "bench/limit.c"), "-o",
                        str(self.limit), "-lpq", "-lsqlite3"], check=True)

    def path(self, name):
        return self.dir / name

    def once(self, what, find):
        """What is asked often and does not change: found the first time."""
        if what not in self.kept:
            self.kept[what] = find()
        return self.kept[what]

    def tool(self, name):
        """Where a program is, among the peers' own folders too; python:X is a module."""
        if name not in self.tools:
            self.tools[name] = self.find_tool(name)
        return self.tools[name]

    def find_tool(self, name):
        if name.startswith("python:"):
            return subprocess.run([self.python, "-c", "import " + name[7:]],
                                  stderr=subprocess.DEVNULL).returncode == 0
        found = shutil.which(str(self.server.bin / name)) or shutil.which(name)
        for folder in ("bin", "venv/bin", "ingestr/bin"):
            found = found or shutil.which(str(self.peers / folder / name))
        return found

    def columns(self, table):
        """Names and types of a table of the source, in order."""
        return self.once(("columns", table), lambda: [line.split("\t") for line in self.server.sql(
            "SELECT attname || E'\\t' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE "
            f"attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum").splitlines()])

    def make(self, table, rows):
        """A table to read, the only one of its size that is there."""
        for name in data.TABLES:
            self.server.sql(f"DROP TABLE IF EXISTS {name}, {name}_dst")
        for path in self.dir.glob("in*"):
            path.unlink()
        self.kept.clear()
        self.rows = rows
        data.make(self.server, table, rows)

    def need(self, table, name):
        """What a workload reads beside the table, made when first wanted."""
        source = f"{self.url}#public.{table}"
        if name == "indexed":  # not a file: a database
            self.once("indexed", lambda: data.make_indexed(self.server, table, self.rows, INDEXED))
            return
        if name == "in-sqlite.parquet":  # as it comes out of SQLite, types and all
            self.need(table, "in.db")
            source = f"sqlite:{self.path('in.db')}#t"
        if not self.path(name).exists():
            place = f"sqlite:{self.path(name)}#t" if name.endswith(".db") else self.path(name)
            subprocess.run([self.leat, "cp", source, place, "-q"], check=True)
