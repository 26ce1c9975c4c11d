#!/usr/bin/env python3
"""Runs the conformance program over one connector: starts its server, passes its quirks.

    run.py SUBJECT CONFORMANCE-PROGRAM BUILD-FOLDER

Where a server is missing the test is skipped with what to install, but fails in CI. Of the modes
with keys LEAT_CONFORMANCE_ONLY lets one run on PostgreSQL as it is built in; its module runs all.
"""
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "servers"))
import postgres  # noqa: E402


def toydir(run, work, *more):
    root = work / "toy"
    return run(f"toydir:{root}", "twice=yes", f"reset=rm -rf {root}/conf_*",
               f"probe=ls {root}/.leat | grep -E 'load-|commit-' || true", *more)


def sqlite(run, work):
    path = work / "conf.db"
    # Journals belong to SQLite itself while the file is open; nobody has it open by then.
    return run(f"sqlite:{path}", f"reset=rm -f {path} {path}-journal {path}-wal {path}-shm",
               f"probe=ls {work} | grep -v -E '^conf.db(-wal|-shm)?$' ; "
               f"sqlite3 {path} \"select name from sqlite_schema where name like '\\_leat\\_%' "
               "escape '\\' and name not in ('_leat_state', '_leat_load')\"")


def file(run, work):
    root = work / "files"
    root.mkdir()
    # Its source side takes each file of a directory for a stream: what several parts, or an append,
    # spread over files is read back file by file only.
    return run(f"file:{root}/", f"reset=rm -rf {root}; mkdir {root}", "append=no", "parts=1", "param.format=arrow",
               f"probe=ls -A {root} | grep -v -E '^(conf_[abc]\\.arrow|_leat.*\\.json)$' || true")


def pg(run, work, *more):
    with postgres.Postgres() as server:
        psql = (f"PGPASSWORD={postgres.PASSWORD} {server.bin}/psql -h 127.0.0.1 -p {server.port} "
                f"-U {postgres.USER} -d postgres -X -q -At -v ON_ERROR_STOP=1")
        drop = ("set client_min_messages = error; drop table if exists conf_a, conf_b, conf_c")
        left = ("select relname from pg_class c join pg_namespace n on n.oid = relnamespace "
                "where relkind in ('r','S') and nspname !~ '^(pg_|information_schema)' "
                "and relname !~ '^(conf_[abc]|_leat_state|_leat_load)$'")
        return run(server.url(), "ns=public", f"reset={psql} -c {shlex.quote(drop)}",
                   f"probe={psql} -c {shlex.quote(left)}", *more)


def main():
    subject, program, build = sys.argv[1:4]

    # A process is forked for each load that is to be killed. What the address sanitizer keeps of
    # freed memory, 256 MB of it by default, would be most of the cost of that.
    asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=16"]))

    def run(url, *quirks):
        return subprocess.run([program, url, *quirks], check=False,
                              env={**os.environ, "ASAN_OPTIONS": asan}).returncode

    if subject.endswith("-module"):
        module = pathlib.Path(build, f"leat-{subject.removesuffix('-module')}.so")
        if not module.exists():
            print(f"1..0 # SKIP no {module.name} in this build")
            return 0
        more = [f"module={module}"]
    else:
        more = []
    with tempfile.TemporaryDirectory(prefix="leat-conformance-") as work:
        work = pathlib.Path(work)
        try:
            if subject == "postgres-direct":  # one process and one transaction
                return pg(run, work, "parts=1", "only=merge")
            if subject == "postgres" and "LEAT_CONFORMANCE_ONLY" in os.environ:
                more.append("only=" + os.environ["LEAT_CONFORMANCE_ONLY"])
            if subject.startswith("postgres"):
                return pg(run, work, *more)
            if subject.startswith("toydir"):
                return toydir(run, work, *more)
            return {"sqlite": sqlite, "file": file}[subject](run, work)
        except FileNotFoundError as missing:
            if os.environ.get("CI") == "true":
                print(f"Bail out! {missing}")
                return 1
            print(f"1..0 # SKIP {missing}")
            return 0


if __name__ == "__main__":
    sys.exit(main())
