"""Where an arm's rows arrive: how the place is made ready, and what lies there afterwards, told by
a reader that is not leat.

`rows()` counts; `total()` adds a checksum of all values, whatever their order, and must then be
the same as `wanted()` says of the source. Values are compared as text of the source's types, with
blanks at the end left out, for that is how char(n) differs between systems."""
import csv
import shutil
import sqlite3
import subprocess

import measure
import server
from arms import LEAT


class Unreadable(Exception):
    """The rows cannot be compared: a column is missing, or of a type that does not fit."""


def hashed(bench, table):
    """The same sum in PostgreSQL as READ makes of files."""
    texts = ", ".join(f"rtrim(coalesce({name}::text, ''))" for name, _ in bench.columns(table))
    return bench.server.sql(
        f"SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(concat_ws('|', {texts})), 1, "
        f"8))::bit(32)::bigint), 0) FROM {table}")


def sum_of(bench, table, place):
    """Asks for rows and checksum of a place with the columns of a table."""
    columns = ", ".join(f't."{name}"' for name, _ in bench.columns(table))
    return (f"SELECT count(*) || ' ' || coalesce(sum(hashtextextended(ROW({columns})::text, 0)"
            f"::numeric), 0) FROM {place} t")


class Table:
    """A table of the server. `made`: the bench makes it, anew each time, for one of the peers gives
    it other types; else the arm does."""
    is_file = False

    def __init__(self, name, made=False, database="postgres"):
        self.name, self.made, self.database = name, made, database

    def reset(self, bench, table, arm):
        if self.database != "postgres":
            bench.server.sql(f"DROP DATABASE IF EXISTS {self.database}")
            bench.server.sql(f"CREATE DATABASE {self.database}")
        elif "." in self.name:
            bench.server.sql(f"DROP SCHEMA IF EXISTS {self.name.split('.')[0]} CASCADE")
        else:
            bench.server.sql(f"DROP TABLE IF EXISTS {self.name}")
        if self.made:
            bench.server.sql(f"CREATE TABLE {self.name} (LIKE {table})")

    def ask(self, bench, sql):
        try:
            return bench.server.sql(sql, self.database)
        except subprocess.CalledProcessError as fault:
            raise Unreadable(measure.last_error(fault.stderr)) from fault

    def rows(self, bench):
        return int(self.ask(bench, f"SELECT count(*) FROM {self.name}"))

    def total(self, bench, table):
        return self.ask(bench, sum_of(bench, table, self.name))

    def wanted(self, bench, table):
        return bench.once(("sum", table),
                          lambda: bench.server.sql(sum_of(bench, table, table)))

    def size(self, bench):
        return 0


class Indexed(Table):
    """A table in a database of its own, with the indexes that it has in the bench's own one."""

    indexes = ("SELECT string_agg(d, '; ' ORDER BY d) FROM (SELECT indexdef AS d FROM pg_indexes "
               "WHERE schemaname = 'public' AND tablename = '{table}' UNION ALL SELECT conname || ' ' "
               "|| pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' AND conrelid = "
               "'public.{table}'::regclass) q")

    def total(self, bench, table):
        return f"{super().total(bench, table)} {self.ask(bench, self.indexes.format(table=table))}"

    def wanted(self, bench, table):
        wanted = bench.once(("indexes", table), lambda: bench.server.sql(
            self.indexes.format(table=table), server.INDEXED))
        return f"{super().wanted(bench, table)} {wanted}"


DUCKDB_TYPES = (("timestamp without", "TIMESTAMP"), ("uuid", "UUID"), ("numeric(", ""),
                ("date", "DATE"), ("bigint", "BIGINT"), ("integer", "BIGINT"))

READ = """
import duckdb
duckdb.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
print(*duckdb.execute(\"""SELECT count(*), {sum} FROM {reader}\""").fetchone())
"""


def as_text(name, pg_type):
    for start, to in DUCKDB_TYPES:
        if pg_type.startswith(start):
            return f'rtrim(coalesce(CAST(CAST("{name}" AS {to or pg_type}) AS VARCHAR), \'\'))'
    return f'rtrim(coalesce(CAST("{name}" AS VARCHAR), \'\'))'


class File:
    """A file, or with `pattern` those of a folder."""
    is_file = True

    def __init__(self, name, kind, pattern=None):
        self.name, self.kind, self.pattern = name, kind, pattern

    def reset(self, bench, table, arm):
        shutil.rmtree(bench.path(self.name), ignore_errors=True)
        bench.path(self.name).unlink(missing_ok=True)

    def files(self, bench):
        if self.pattern:
            return [p for p in bench.path(self.name).glob(self.pattern) if p.is_file()]
        return [p for p in [bench.path(self.name)] if p.exists()]

    def read(self, bench, what, names=None):
        names = names or [str(p) for p in self.files(bench)]
        if not names:
            raise Unreadable("no file is there")
        kind, more = (("read_parquet", "") if self.kind == "parquet" else
                      ("read_csv", ", header=true, all_varchar=true"))
        done = subprocess.run([bench.python, "-c", READ.format(
            sum=what, reader=f"{kind}({names}{more})")], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if done.returncode:
            raise Unreadable(measure.last_error(done.stderr))
        return done.stdout.strip()

    def rows(self, bench):
        return int(self.read(bench, "0").split()[0])

    def total(self, bench, table, names=None):
        texts = ", ".join(as_text(*column) for column in bench.columns(table))
        return self.read(bench, f"sum(('0x' || substr(md5(concat_ws('|', {texts})), 1, 8))::BIGINT)",
                         names)

    def wanted(self, bench, table):
        return bench.once(("hash", table), lambda: hashed(bench, table))

    def size(self, bench):
        return sum(p.stat().st_size for p in self.files(bench))


class Sqlite(File):
    """A table of an SQLite file. `made`: with columns of text."""

    def __init__(self, name, table="t", made=False, more=()):
        super().__init__(name, "csv")
        self.table, self.made, self.more = table, made, more

    def reset(self, bench, table, arm):
        for name in (self.name, *self.more):
            for end in ("", "-wal", "-shm", "-journal"):
                bench.path(name + end).unlink(missing_ok=True)
        if self.made:
            with sqlite3.connect(bench.path(self.name)) as db:
                db.execute("CREATE TABLE t (" + ",".join(
                    f'"{name}" TEXT' for name, _ in bench.columns(table)) + ")")

    def select(self, bench, what):
        try:
            return sqlite3.connect(bench.path(self.name)).execute(
                f"SELECT {what} FROM {self.table}")
        except sqlite3.Error as fault:
            raise Unreadable(str(fault)) from fault

    def rows(self, bench):
        return self.select(bench, "count(*)").fetchone()[0]

    def total(self, bench, table, names=None):
        """By way of a CSV file, so that one reader knows the types."""
        path = bench.path("check.csv")
        names = [name for name, _ in bench.columns(table)]
        found = self.select(bench, ", ".join(f'"{n}"' for n in names))
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(found)
        total = super().total(bench, table, [str(path)])
        path.unlink()
        return total


class Tables:
    """The many small tables, in a database of their own."""
    is_file = False

    def __init__(self, database, schema):
        self.database, self.schema = database, schema

    def reset(self, bench, table, arm):
        bench.server.sql(f"DROP DATABASE IF EXISTS {self.database}")
        bench.server.sql(f"CREATE DATABASE {self.database}")
        if arm.kind == LEAT:  # the others bring it along
            bench.server.sql(f"CREATE SCHEMA {self.schema}", self.database)

    def count(self, bench, database):
        tables = bench.server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = '"
                                  f"{self.schema}' AND tablename LIKE 't%'", database)
        rows = bench.server.sql(
            "SELECT coalesce(sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c "
            "FROM %I.%I', schemaname, tablename), false, true, '')))[1]::text::int), 0) FROM "
            f"pg_tables WHERE schemaname = '{self.schema}' AND tablename LIKE 't%'", database)
        return f"{rows} in {tables}"

    def rows(self, bench):
        return int(self.count(bench, self.database).split()[0])

    def total(self, bench, table):
        return self.count(bench, self.database)

    def wanted(self, bench, table):
        return bench.once("tiny", lambda: self.count(bench, "postgres"))

    def size(self, bench):
        return 0
