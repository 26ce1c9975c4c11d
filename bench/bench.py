"""Measures leat against what is possible and against its peers, and writes one table.

    bench/run [--table leads] [--rows 5000000] [--runs 5] [--only WORDS] [--out FILE]

Arms of one workload take turns, run after run, so that what the machine does besides meets all of
them alike; ratios are of medians, with the least and greatest of the pairs beside them. L is one
connection reading the table by COPY binary to nowhere, in the same runs."""
import argparse
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.parse

import arms
import data
import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/servers"))
import postgres  # noqa: E402

MIB = 1 << 20
ENVIRONMENT = {**os.environ, "PGCONNECT_TIMEOUT": "10", "RUNTIME__DLTHUB_TELEMETRY": "false",
               "SLING_DISABLE_TELEMETRY": "true", "INGESTR_DISABLE_TELEMETRY": "true"}


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
                              stdout=subprocess.PIPE).stdout.strip()


class Bench:
    """One server, one folder, and the names by which arms reach them."""

    def __init__(self, server, folder, peers):
        self.server, self.dir, self.peers = server, folder, peers
        self.url = server.url()
        self.leat = ROOT / "build/leat"
        self.limit = folder / "limit"
        self.python = peers / "venv/bin/python" if (peers / "venv").exists() else sys.executable
        parts = urllib.parse.urlsplit(self.url)
        plain = self.url.replace("postgres:", "postgresql:", 1)
        self.names = {"url": self.url, "dir": folder, "base": self.url.rsplit("/", 1)[0],
                      "sqlalchemy": plain, "base_sqlalchemy": plain.rsplit("/", 1)[0],
                      "driver_url": plain.replace(":", "+psycopg2:", 1), "port": parts.port,
                      "user": parts.username, "password": parts.password}
        self.sums = {}
        include = subprocess.run(["pg_config", "--includedir"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.strip()
        subprocess.run(["cc", "-O2", "-I" + include, str(ROOT / "bench/limit.c"), "-o",
                        str(self.limit), "-lpq", "-lsqlite3"], check=True)

    def path(self, name):
        return self.dir / name

    def tool(self, name):
        """Where a program is, among the peers' own folders too; python:X is a module."""
        if name.startswith("python:"):
            return subprocess.run([self.python, "-c", "import " + name[7:]],
                                  stderr=subprocess.DEVNULL).returncode == 0
        found = shutil.which(str(self.server.bin / name)) or shutil.which(name)
        for folder in ("bin", "venv/bin", "ingestr/bin"):
            found = found or shutil.which(str(self.peers / folder / name))
        return found

    def table_sum(self, table, database="postgres"):
        """Rows and an order-independent checksum of every value, by the server."""
        return self.server.sql(f"SELECT count(*) || ' ' || coalesce(sum(hashtextextended("
                               f"t::text, 0)::numeric), 0) FROM {table} t", database)

    def rows(self, table):
        return self.server.sql(f"SELECT count(*) FROM {table}")

    def source_sum(self, table):
        if table not in self.sums:
            self.sums[table] = self.table_sum(table)
        return self.sums[table]

    def tiny_count(self, database):
        tables = self.server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'tiny' AND "
                                 "tablename LIKE 't%'", database)
        rows = self.server.sql(
            "SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM "
            "%I.%I', schemaname, tablename), false, true, '')))[1]::text::int) FROM pg_tables "
            "WHERE schemaname = 'tiny' AND tablename LIKE 't%'", database)
        return f"{rows} in {tables}"

    def file_count(self, path, kind=None):
        """Rows of a file, or of all of that kind in a folder, as DuckDB reads them."""
        kind = kind or path.suffix[1:]
        reader = "read_parquet" if kind == "parquet" else "read_csv"
        more = "" if kind == "parquet" else ", header=true"
        path = f"{path}/**/*.{kind}" if path.is_dir() else path
        return subprocess.run([self.python, "-c", "import duckdb; print(duckdb.sql(\"SELECT "
                               f"count(*) FROM {reader}('{path}'{more})\").fetchall()[0][0])"],
                              check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def sqlite_table(self, path, table):
        columns = self.server.sql(f"SELECT string_agg(attname, ',' ORDER BY attnum) FROM "
                                  f"pg_attribute WHERE attrelid = '{table}'::regclass AND "
                                  "attnum > 0")
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE t (" + ",".join(c + " TEXT" for c in columns.split(",")) + ")")

    def sqlite_count(self, path, table):
        with sqlite3.connect(path) as db:
            return str(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def need(self, table, name):
        """A file that a workload reads, made when first wanted."""
        if not self.path(name).exists():
            place = f"sqlite:{self.path(name)}#t" if name.endswith(".db") else self.path(name)
            subprocess.run([self.leat, "cp", f"{self.url}#public.{table}", place, "-q"],
                           check=True)


def agrees(bench, workload, arm):
    """What arrived: all rows, and where it is a table of the same types all values."""
    wanted, found = workload.expected(bench), (arm.count or workload.count)(bench)
    return found == wanted or (" " not in found and found == wanted.split()[0])


def reset_peers(bench, arm):
    """What the peers that write elsewhere left there."""
    shutil.rmtree(bench.path("dlt_out"), ignore_errors=True)
    if arm.file:
        name, text = arm.file
        bench.path(name).write_text(text.format(**bench.names), encoding="utf-8")
        bench.server.sql("DROP DATABASE IF EXISTS peer_dst")
        bench.server.sql("CREATE DATABASE peer_dst")
    elif arm.count:
        bench.server.sql("DROP SCHEMA IF EXISTS dlt_dst, ingestr_dst CASCADE")


def once(bench, workload, arm, log):
    workload.reset(bench, arm)
    reset_peers(bench, arm)
    if workload.table != "tiny":
        bench.server.sql("CHECKPOINT")
    taken = measure.run(arm.command(bench), ENVIRONMENT,
                        bench.server.pid, bench.path(arm.out) if arm.out else None, log)
    if arm.seconds_printed:
        taken.wall = float(taken.output)
    if arm.kind != arms.LIMIT and not agrees(bench, workload, arm):
        raise measure.Failed("what arrived is not what was sent")
    return taken


def run_workload(bench, workload, runs, log):
    """Results by arm; an arm that fails once is out, and its reason is told."""
    taken, reasons = {}, {}
    here = []
    for arm in workload.arms:
        missing = arm.missing(bench)
        if missing:
            reasons[arm.name] = "not installed: " + ", ".join(missing)
        else:
            here.append(arm)
    for turn in range(runs):
        for arm in here:
            if arm.name in reasons:
                continue
            try:
                taken.setdefault(arm.name, []).append(once(bench, workload, arm, log))
            except (measure.Failed, subprocess.CalledProcessError) as fault:
                reasons[arm.name] = str(fault)
                taken.pop(arm.name, None)
        print(f"  {workload.name}: {turn + 1} of {runs}", file=sys.stderr, flush=True)
    return taken, reasons


def median(values):
    return statistics.median(values)


def rows_of(bench, workload):
    return int(workload.expected(bench).split()[0])


def report(bench, workload, taken, reasons, unit):
    """One workload's part of the table. `unit`: walls of L, a run each, or None."""
    lines = [f"### {workload.name}", "", "| arm | wall | wall/L | client CPU s | server CPU s | "
             "rows per client CPU s | peak MiB |", "|---|---|---|---|---|---|---|"]
    for arm in workload.arms:
        if arm.name not in taken:
            lines.append(f"| {arm.name} | {reasons[arm.name]} | | | | | |")
            continue
        runs = taken[arm.name]
        wall = median([r.wall for r in runs])
        cpu = median([r.client for r in runs])
        ratio = ""
        if unit:
            ratios = sorted(r.wall / u for r, u in zip(runs, unit))
            ratio = f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        lines.append(f"| {arm.name} | {wall:.2f} s | {ratio} | {cpu:.2f} | "
                     f"{median([r.server for r in runs]):.2f} | "
                     f"{rows_of(bench, workload) / max(cpu, 0.01):,.0f} | "
                     f"{max(r.peak for r in runs) / MIB:.0f} |")
    return "\n".join(lines) + "\n"


def measure_unit(bench, table, runs):
    """L: the walls of reading the table to nowhere."""
    arm = [[bench.limit, "read", bench.url, f"SELECT * FROM {table}"]]
    return [measure.run(arm, dict(os.environ), bench.server.pid).wall for _ in range(runs)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    env = os.environ.get
    parser.add_argument("--table", default=env("BENCH_TABLE", "leads"), choices=sorted(data.TABLES))
    parser.add_argument("--rows", type=int, default=int(env("BENCH_ROWS", "1000000")))
    parser.add_argument("--runs", type=int, default=int(env("BENCH_RUNS", "5")))
    parser.add_argument("--tiny", type=int, default=int(env("BENCH_TINY", "1000")))
    parser.add_argument("--only", default="", help="workloads whose name holds this")
    parser.add_argument("--out", default="", help="the table goes here too")
    parser.add_argument("--peers", default=env("BENCH_PEERS", str(ROOT / "build/peers")))
    options = parser.parse_args()
    parts = []
    with Server() as server, tempfile.TemporaryDirectory(prefix="leat-bench-") as folder:
        bench = Bench(server, pathlib.Path(folder), pathlib.Path(options.peers))
        data.make(server, options.table, options.rows)
        server.sql(f"CREATE TABLE {options.table}_dst (LIKE {options.table})")
        wanted = [w for w in arms.workloads(options.table) if options.only in w.name]
        if options.tiny and options.only in arms.tiny_tables().name:
            data.make_tiny(server, options.tiny)
            wanted.append(arms.tiny_tables())
        with open(bench.path("log"), "wb") as log:
            for workload in wanted:
                unit = None
                for name in workload.inputs:
                    bench.need(workload.table, name)
                if workload.table != "tiny":
                    unit = measure_unit(bench, workload.table, options.runs)
                taken, reasons = run_workload(bench, workload, options.runs, log)
                parts.append(report(bench, workload, taken, reasons, unit))
                print(parts[-1], flush=True)
        shutil.copy(bench.path("log"), ROOT / "build/bench.log")
    if options.out:
        head = f"{options.rows:,} rows of {options.table}, {options.runs} runs, arms in turn\n\n"
        pathlib.Path(options.out).write_text(head + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
