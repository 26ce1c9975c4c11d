"""Readers that know nothing of leat, and equality of values across systems."""
import datetime
import decimal
import json
import sqlite3
import struct
import tempfile
import uuid

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq


def pg_connect(url):
    # The server is told not to wait for its log, so that leat has to ask for it; what a test puts
    # there must outlive a crash all the same.
    return psycopg.connect(url, connect_timeout=10, options="-c synchronous_commit=on")


def pg_table(url, table):
    """(column names, rows) in no particular order."""
    with pg_connect(url) as connection:
        cursor = connection.execute(f"select * from {table}")
        return [column.name for column in cursor.description], cursor.fetchall()


def sqlite_table(path, table):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        cursor = connection.execute(f'select * from "{table}"')
        return [column[0] for column in cursor.description], cursor.fetchall()
    finally:
        connection.close()


def arrow_table(path):
    with pa.OSFile(str(path)) as file:
        try:
            table = pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            table = pa.ipc.open_stream(file).read_all()
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns)))


def parquet_table(path):
    table = pq.read_table(path)
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns)))


def _rows_of(records):
    names = list(records[0]) if records else []
    assert all(list(record) == names for record in records), "not every record has the same keys"
    return names, [tuple(record.values()) for record in records]


def jsonl_table(path):
    with open(path, encoding="utf-8") as file:
        return _rows_of([json.loads(line) for line in file])


def json_table(path):
    """An array of objects."""
    with open(path, encoding="utf-8") as file:
        return _rows_of(json.load(file))


def csv_table(path):
    """All as text; an unquoted empty field is None, a quoted one ''."""
    cursor = duckdb.connect().execute(
        "select * from read_csv(?, header=true, all_varchar=true, delim=',', quote='\"', "
        "escape='\"', nullstr='', allow_quoted_nulls=false, strict_mode=false)", [str(path)])
    return [column[0] for column in cursor.description], cursor.fetchall()


def _number(value):
    return decimal.Decimal(repr(value)) if isinstance(value, float) else decimal.Decimal(value)


def _from_text(text, like):
    """What this text is as a value of the other's type."""
    if isinstance(like, bool):
        return {"true": True, "false": False, "t": True, "f": False, "1": True, "0": False}[text]
    if isinstance(like, (int, decimal.Decimal)):
        return decimal.Decimal(text)
    if isinstance(like, float):
        return float(text)
    if isinstance(like, datetime.datetime):
        value = datetime.datetime.fromisoformat(text.replace("/", "-").replace("Z", "+00:00"))
        return value
    if isinstance(like, datetime.date):
        return datetime.date.fromisoformat(text.replace("/", "-")[:10])
    if isinstance(like, datetime.time):
        return datetime.time.fromisoformat(text)
    if isinstance(like, uuid.UUID):
        return uuid.UUID(text)
    if isinstance(like, bytes):
        return bytes.fromhex(text.removeprefix("\\x"))
    return text


def _utc(value):
    return value.astimezone(datetime.timezone.utc).replace(tzinfo=None) if value.tzinfo else value


def same(a, b, float32=False):
    """True when two values mean the same, whatever system each came from."""
    if a is None or b is None:
        return a is None and b is None
    if isinstance(a, str) != isinstance(b, str):
        try:
            a, b = (_from_text(a, b), b) if isinstance(a, str) else (a, _from_text(b, a))
        except (ValueError, KeyError, decimal.InvalidOperation):
            return False
    if isinstance(a, datetime.datetime) and isinstance(b, datetime.datetime):
        return _utc(a) == _utc(b)
    if isinstance(a, datetime.datetime) and isinstance(b, datetime.date):
        return a == datetime.datetime(b.year, b.month, b.day)
    if isinstance(b, datetime.datetime) and isinstance(a, datetime.date):
        return same(b, a)
    numbers = (int, float, decimal.Decimal)
    if isinstance(a, numbers) and isinstance(b, numbers):
        if float32:
            return struct.pack("<f", float(a)) == struct.pack("<f", float(b))
        if isinstance(a, float) and isinstance(b, float):
            return a == b or (a != a and b != b)
        return _number(a) == _number(b)
    return a == b


def assert_same_rows(expected, found, float32=()):
    """Rows in order; names the first place that differs. float32: columns of single precision."""
    assert len(found) == len(expected), f"{len(found)} rows, {len(expected)} expected"
    for number, (want, have) in enumerate(zip(expected, found)):
        assert len(want) == len(have), f"row {number}: {len(have)} columns, not {len(want)}"
        for column, (a, b) in enumerate(zip(want, have)):
            if a is not b and not same(a, b, column in float32):
                raise AssertionError(f"row {number}, column {column}: {b!r} where {a!r} belongs")


def sort_rows(rows, key):
    """By a unique column, as text: text sorts alike in whatever system it lay."""
    return sorted(rows, key=lambda row: str(row[key]))


# --- sums of large tables ------------------------------------------------------------------------


def _sqlite_batches(path, table, types):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    names = ", ".join(f'"{name}"' for name in types)
    cursor = connection.execute(f'select {names} from "{table}"')
    try:
        while rows := cursor.fetchmany(100_000):
            yield pa.table([pa.array([None if value is None else str(value) for value in column], pa.string())
                            for column in zip(*rows)], names=list(types))
    finally:
        connection.close()


def large_sum(system, path, types, url=None):
    """(rows, sum of a hash of each row) by DuckDB, in no order. types: DuckDB's, by column; url: of
    the PostgreSQL server that holds the table named by the path; of SQLite path is (file, table)."""
    duck = duckdb.connect()
    columns = ", ".join(f'cast("{name}" as {type_}) as "{name}"' for name, type_ in types.items())
    add_up = f"select count(*), sum(hash(t)::hugeint) from (select {columns} from {{}}) t"
    texts = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in types) + "}"
    if system == "sqlite":
        sums = []
        for batch in _sqlite_batches(*path, types):
            duck.register("batch", batch)
            sums.append(duck.execute(add_up.format("batch")).fetchall()[0])
            duck.unregister("batch")
        return tuple(map(sum, zip(*sums)))
    if system == "postgres":
        with tempfile.NamedTemporaryFile(suffix=".csv") as file, pg_connect(url) as connection:
            with connection.cursor().copy(f"copy {path} to stdout (format csv, header)") as copy:
                for block in copy:
                    file.write(block)
            file.flush()
            return duck.execute(add_up.format(f"read_csv('{file.name}', columns={texts})")).fetchall()[0]
    if system == "arrow":
        with pa.memory_map(str(path)) as file:
            duck.register("whole", pa.ipc.open_file(file).read_all())
            return duck.execute(add_up.format("whole")).fetchall()[0]
    reader = {"csv": f"read_csv('{path}', header=true, columns={texts})",
              "jsonl": f"read_json('{path}', format='newline_delimited', columns={texts})",
              "json": f"read_json('{path}', format='array', columns={texts})",
              "parquet": f"read_parquet('{path}')"}[system]
    return duck.execute(add_up.format(reader)).fetchall()[0]
