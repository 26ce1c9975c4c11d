"""Sources and destinations of deltas and syncs: tables that change, and what arrived, read by others."""
import datetime
import decimal
import glob
import sqlite3

import readers

COLUMNS = ("id", "name", "total", "updated_at")
DDL = ("create table {table} (id bigint {key}, name text, total numeric(12,2), "
       "updated_at timestamp{null})")


def moment(value):
    """A time as text, the same from whatever system."""
    if isinstance(value, datetime.datetime):
        value = (value.astimezone(datetime.timezone.utc) if value.tzinfo else value)
        value = value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if value is None or value == "":
        return None
    value = value.replace("T", " ").removesuffix("Z")
    whole, _, part = value.partition(".")
    return f"{whole}.{part:0<6}"


def canonical(row):
    """(id, name, total, updated_at) as values that compare."""
    key, name, total, updated_at = row
    return (int(key), None if name is None else str(name),
            None if total is None or total == "" else
            decimal.Decimal(str(total)).quantize(decimal.Decimal("0.01")), moment(updated_at))


class SqliteTable:
    """A table of a SQLite database, as a source or a destination."""
    name = "sqlite"
    merges = True

    def __init__(self, folder, table="orders", file="shop.db"):
        self.path = folder / file
        self.table = table

    @property
    def location(self):
        return f"sqlite:{self.path}#{self.table}"

    def create(self, key="primary key", null=" not null"):
        self.execute(DDL.format(table=self.table, key=key, null=null))

    def execute(self, *statements):
        connection = sqlite3.connect(self.path, timeout=30)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def query(self, sql):
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def exists(self):
        return self.path.exists() and bool(self.query(
            f"select 1 from sqlite_master where name = '{self.table}'"))

    def rows(self):
        return sorted(canonical(row) for row in
                      self.query(f"select id, name, total, updated_at from {self.table}"))


class PostgresTable:
    name = "postgres"
    merges = True

    def __init__(self, db, table="orders"):
        self.db = db
        self.table = table

    @property
    def location(self):
        return f"{self.db.url}#public.{self.table}"

    def create(self, key="primary key", null=" not null"):
        self.execute(DDL.format(table=self.table, key=key, null=null))

    def execute(self, *statements):
        self.db.execute(*statements)

    def query(self, sql):
        with self.db.connect() as connection:
            return connection.execute(sql).fetchall()

    def exists(self):
        return self.query(f"select to_regclass('public.{self.table}')")[0][0] is not None

    def rows(self):
        return sorted(canonical(row) for row in
                      self.query(f"select id, name, total, updated_at from {self.table}"))


class Directory:
    """A directory of files of one format: deltas add files, so every version of a record is there."""
    merges = False

    def __init__(self, folder, form, table="orders"):
        self.name = form
        self.format = form
        self.table = table
        self.folder = folder / f"out-{form}"

    @property
    def location(self):
        return f"{self.folder}/#{self.table}"

    def options(self):
        return ["--format", self.format]

    def files(self):
        return sorted(glob.glob(f"{self.folder}/**/{self.table}*.{self.format}", recursive=True))

    def exists(self):
        return bool(self.files())

    def versions(self):
        read = {"csv": readers.csv_table, "parquet": readers.parquet_table}[self.format]
        found = []
        for path in self.files():
            names, rows = read(path)
            found += [canonical(tuple(dict(zip(names, row))[name] for name in COLUMNS))
                      for row in rows]
        return sorted(found, key=lambda row: (row[0], row[3] or "", str(row[1]), str(row[2])))

    def rows(self):
        """The latest version of every record."""
        latest = {row[0]: row for row in self.versions()}
        return sorted(latest.values())


def options_of(place):
    return place.options() if isinstance(place, Directory) else []
