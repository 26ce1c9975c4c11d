"""Readers that know nothing of leat, and equality of values across systems."""
import datetime
import decimal
import sqlite3
import struct
import uuid

import duckdb
import psycopg
import pyarrow as pa


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
