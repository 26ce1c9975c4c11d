"""Types through SQLite: what a table declares, what its values are, and what comes back.

The judge of what SQLite holds is Python's sqlite3, of what leat gives, pyarrow.
"""
import datetime
import decimal
import json
import math
import random
import sqlite3
import string

import pyarrow as pa
import pyarrow.ipc
import pytest

DAY = datetime.date
AT = datetime.datetime
UTC = datetime.timezone.utc
D = decimal.Decimal


def write_arrow(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read_arrow(path):
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def declared(path, table):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return {name: kind for name, kind in connection.execute(
            "select name, type from pragma_table_info(?)", [table])}
    finally:
        connection.close()


def stored(path, sql):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def make(path, *statements, rows=()):
    """A database; rows: (statement, list of parameters)."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    for statement, values in rows:
        connection.executemany(statement, values)
    connection.commit()
    connection.close()
    return path


# type, values, what SQLite is to store of the first value: (typeof, value)
ROUND_TRIP = {
    "null": (pa.null(), [None, None], ("null", None)),
    "bool": (pa.bool_(), [True, False], ("integer", 1)),
    "int8": (pa.int8(), [-128, 127], ("integer", -128)),
    "int16": (pa.int16(), [-(1 << 15), (1 << 15) - 1], ("integer", -(1 << 15))),
    "int32": (pa.int32(), [-(1 << 31), (1 << 31) - 1], ("integer", -(1 << 31))),
    "int64": (pa.int64(), [-(1 << 63), (1 << 63) - 1], ("integer", -(1 << 63))),
    "uint8": (pa.uint8(), [255, 0], ("integer", 255)),
    "uint16": (pa.uint16(), [65535, 0], ("integer", 65535)),
    "uint32": (pa.uint32(), [(1 << 32) - 1, 0], ("integer", (1 << 32) - 1)),
    "uint64": (pa.uint64(), [(1 << 64) - 1, 0, 1 << 63], ("text", b"18446744073709551615")),
    "float16": (pa.float16(), [1.5, -65504.0, math.inf, 6e-8], ("real", 1.5)),
    "float32": (pa.float32(), [0.1, -math.inf, 3.4e38, 1e-45], None),
    "float64": (pa.float64(), [0.1, math.inf, 5e-324, 1.7976931348623157e308], ("real", 0.1)),
    "decimal(5,2)": (pa.decimal128(5, 2), [D("1.10"), D("-999.99")], ("text", b"1.10")),
    "decimal(38,0)": (pa.decimal128(38, 0), [D("9" * 38), D(0)], ("text", b"9" * 38)),
    "decimal(76,10)": (pa.decimal256(76, 10), [D("1.1000000000"), D("-" + "9" * 66)], None),
    "decimal256(30,2)": (pa.decimal256(30, 2), [D("1.10")], ("text", b"1.10")),
    "utf8": (pa.utf8(), ["", "a'b\"", "\u00e9\U0001f600", "1.10", "x\0y"], ("text", b"")),
    "large_utf8": (pa.large_utf8(), ["x"], ("text", b"x")),
    "binary": (pa.binary(), [b"\0\xff", b"", b"1.10"], ("blob", b"\0\xff")),
    "binary(3)": (pa.binary(3), [b"\0\xff1"], ("blob", b"\0\xff1")),
    "date": (pa.date32(), [DAY(2024, 2, 29), DAY(1, 1, 1), DAY(9999, 12, 31)],
             ("text", b"2024-02-29")),
    "date64": (pa.date64(), [DAY(2024, 2, 29)], ("text", b"2024-02-29")),
    "time(s)": (pa.time32("s"), [datetime.time(13, 14, 15)], ("text", b"13:14:15")),
    "time(ms)": (pa.time32("ms"), [datetime.time(13, 14, 15, 1000)], None),
    "time": (pa.time64("us"), [datetime.time(23, 59, 59, 999999)], ("text", b"23:59:59.999999")),
    "time(ns)": (pa.time64("ns"), [86399999999999, 1], ("text", b"23:59:59.999999999")),
    "timestamp(s)": (pa.timestamp("s"), [AT(2024, 2, 29, 1, 2, 3)], None),
    "timestamp(ms)": (pa.timestamp("ms"), [AT(1969, 12, 31, 23, 59, 59, 1000)], None),
    "timestamp": (pa.timestamp("us"), [AT(2024, 2, 29, 1, 2, 3, 456)], None),
    "timestamp(ns)": (pa.timestamp("ns"), [1, -1], ("text", b"1970-01-01 00:00:00.000000001")),
    "timestamptz": (pa.timestamp("us", "UTC"), [AT(2024, 2, 29, 1, 2, 3, 456, UTC)], None),
    "timestamptz(ns)": (pa.timestamp("ns", "UTC"), [1], None),
    "timestamptz(s)": (pa.timestamp("s", "UTC"), [AT(2024, 2, 29, tzinfo=UTC)], None),
    "duration": (pa.duration("us"), [datetime.timedelta(days=-1, microseconds=1)], None),
    "duration(ns)": (pa.duration("ns"), [1, (1 << 63) - 1], None),
    "duration(s)": (pa.duration("s"), [datetime.timedelta(seconds=90)], ("text", b"PT1M30S")),
    "interval": (pa.month_day_nano_interval(), [pa.MonthDayNano([14, -3, 5])], None),
    "list<int64>": (pa.list_(pa.int64()), [[1, None, -(1 << 63)], []],
                    ("text", b"[1,null,-9223372036854775808]")),
    "list<list<utf8>>": (pa.list_(pa.list_(pa.utf8())), [[["a\"", None], None, []]], None),
    "list<float32>": (pa.list_(pa.float32()), [[0.1, None]], None),
    "fixed_list": (pa.list_(pa.int32(), 2), [[1, 2]], None),
    "struct": (pa.struct([("a b", pa.int32()), ("c", pa.decimal128(5, 2)), ("d", pa.binary())]),
               [{"a b": 1, "c": D("1.10"), "d": b"\0\xff"}, {"a b": None, "c": None, "d": None}],
               None),
    "map": (pa.map_(pa.utf8(), pa.int64()), [[("x", 1), ("y", None)], []], None),
    "dictionary": (pa.dictionary(pa.int32(), pa.utf8()), ["a", "b", "a"], ("text", b"a")),
}
# what the type is called when its values come back the same in another layout of memory
COMES_BACK_AS = {"large_utf8": pa.utf8(), "dictionary": pa.utf8()}


def plain(array):
    """Values to compare; Python has no words for nanoseconds."""
    if str(array.type).startswith(("time64", "timestamp", "duration")):
        return array.cast(pa.int64()).to_pylist()
    return array.to_pylist()


@pytest.mark.parametrize("name", ROUND_TRIP)
def test_a_type_comes_back_as_it_was(leat, tmp_path, name):
    kind, values, first = ROUND_TRIP[name]
    array = pa.array(values + [None], kind) if kind != pa.float16() else \
        pa.array(values + [None], pa.float32()).cast(kind)
    table = pa.table({"v": array, "other": pa.array(range(len(array)), pa.int64())})
    write_arrow(tmp_path / "in.arrow", table)
    base = f"sqlite:{tmp_path}/x.db#t"
    leat.ok("cp", tmp_path / "in.arrow", base, "--verify")
    if first:
        assert stored(tmp_path / "x.db", "select typeof(v), v from t limit 1") == [
            (first[0].encode(), first[1])]
    leat.ok("cp", base, tmp_path / "out.arrow")
    back = read_arrow(tmp_path / "out.arrow")
    assert back.schema.field("v").type == COMES_BACK_AS.get(name, kind)
    assert plain(back["v"].combine_chunks()) == plain(array)
    # and a copy of the table made from what was read declares the same
    leat.ok("cp", base, f"sqlite:{tmp_path}/y.db#t")
    assert declared(tmp_path / "y.db", "t") == declared(tmp_path / "x.db", "t")
    columns = "typeof(v), v, other"
    assert stored(tmp_path / "y.db", f"select {columns} from t order by other") == \
        stored(tmp_path / "x.db", f"select {columns} from t order by other")


PG_TYPES = ["smallint", "integer", "bigint", "real", "double precision", "numeric(10,2)", "numeric",
            "varchar(40)", "char(3)", "text", "bytea", "uuid", "jsonb", "date", "time",
            "timestamp", "timestamptz", "interval", "boolean", "inet", "cidr", "point", "int4range",
            "integer[]", "mood"]
PG_VALUES = {"mood": "'1.10'", "inet": "'10.0.0.1'", "cidr": "'10.0.0.0/8'", "point": "'(1,2)'",
             "int4range": "'[1,3)'", "integer[]": "'{1,NULL}'", "uuid": "gen_random_uuid()",
             "jsonb": "'{\"a\": 1}'", "bytea": "'\\x00ff'",
             "date": "'2024-02-29'", "time": "'1:02:03'", "timestamp": "'2024-02-29 1:02:03'",
             "timestamptz": "'2024-02-29 1:02:03+2'", "interval": "'1 month 2 days'",
             "boolean": "true", "text": "'1.10'", "varchar(40)": "'1.10'", "char(3)": "'1.1'"}


def test_postgres_types_survive_the_way_through_sqlite(leat, tmp_path, pg_db):
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(PG_TYPES))
    values = ", ".join(PG_VALUES.get(kind, "1") for kind in PG_TYPES)
    pg_db.execute("create type mood as enum ('1.10', 'b')", f"create table a ({columns})",
                  f"insert into a values ({values}), ({', '.join(['null'] * len(PG_TYPES))})")
    leat.ok("cp", pg_db.stream("a"), f"sqlite:{tmp_path}/x.db#a", "--verify")
    leat.ok("cp", f"sqlite:{tmp_path}/x.db#a", pg_db.stream("b"), "--verify")
    with pg_db.connect() as connection:
        def types(table):
            return connection.execute(
                "select attname, format_type(atttypid, atttypmod) from pg_attribute where "
                "attrelid = %s::regclass and attnum > 0 order by attnum", [table]).fetchall()

        def rows(table):
            return connection.execute(f"select {table}::text from {table}").fetchall()
        assert types("b") == types("a")
        assert sorted(rows("b")) == sorted(rows("a"))


def test_a_whole_number_that_is_the_key_is_the_row_number(leat, tmp_path):
    make(tmp_path / "a.db", "create table t (id int32_integer primary key, n int32_integer)",
         "insert into t values (7, 8)")
    leat.ok("cp", f"sqlite:{tmp_path}/a.db#t", f"sqlite:{tmp_path}/b.db#t")
    assert declared(tmp_path / "b.db", "t") == {"id": "INTEGER", "n": "int32_integer"}
    assert stored(tmp_path / "b.db", "select rowid, id, n from t") == [(7, 7, 8)]
