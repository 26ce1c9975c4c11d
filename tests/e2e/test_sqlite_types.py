"""Types through SQLite: what a table declares, what its values are, and what comes back.

The judge of what SQLite holds is Python's sqlite3, of what leat gives, pyarrow.
"""
import datetime
import decimal
import math
import random
import sqlite3

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


# --- what declared types and values are read as --------------------------------------------------

READ_AS = {
    # declared, values, type, values read; or an error's code
    "INTEGER": ([1, None, -(1 << 63)], pa.int64(), None),
    "INTEGER of whole reals": ("BIGINT", [1, 2.0], pa.int64(), [1, 2]),
    "INTEGER that holds text": ("INTEGER", [1, "x"], "value-syntax"),
    "INTEGER that holds a fraction": ("INTEGER", [1.5], "value-range"),
    "INTEGER that holds a blob": ("INTEGER", [b"1"], "value-syntax"),
    "VARCHAR(3) is no limit": ("VARCHAR(3)", ["abcdef"], pa.utf8(), ["abcdef"]),
    "TEXT": (["", "1.10", "x\0y"], pa.utf8(), None),
    "TEXT that holds a blob": ("TEXT", ["a", b"b"], "value-syntax"),
    "TEXT keeps numbers as text": ("TEXT", [1, 1.5], pa.utf8(), ["1", "1.5"]),
    "REAL": ([0.1, -1e308, math.inf, None], pa.float64(), None),
    "REAL of integers": ("REAL", [1, 2], pa.float64(), [1.0, 2.0]),
    "REAL that holds text": ("REAL", ["x"], "value-syntax"),
    "BLOB": ([b"", b"\0\xff"], pa.binary(), None),
    "BLOB that holds text": ("BLOB", ["x"], "value-syntax"),
    "BOOLEAN": ("BOOLEAN", [0, 1, None], pa.bool_(), [False, True, None]),
    "BOOLEAN of words": ("BOOLEAN", ["true", "false"], pa.bool_(), [True, False]),
    "BOOLEAN that holds 2": ("BOOLEAN", [2], "value-range"),
    "DECIMAL(5,2)": ("DECIMAL(5,2)", [1, 1.1, "-2.25"], pa.decimal128(5, 2),
                     [D("1.00"), D("1.10"), D("-2.25")]),
    "DECIMAL(5,2) of three places": ("DECIMAL(5,2)", [1.125], "value-syntax"),
    "DECIMAL_TEXT(30,2)": ("DECIMAL_TEXT(30,2)", ["9" * 28 + ".10"], pa.decimal128(30, 2),
                           [D("9" * 28 + ".10")]),
    "DATE": ("DATE", ["2024-02-29", "2024-02-29 00:00:00"], pa.date32(),
             [DAY(2024, 2, 29)] * 2),
    "DATE that holds a time": ("DATE", ["2024-02-29 01:00:00"], "value-syntax"),
    "DATE that is none": ("DATE", ["2024-02-30"], "value-syntax"),
    "DATE of numbers": ("DATE", [1709164800], "value-syntax"),
    "DATETIME": ("DATETIME", ["2024-02-29", "2024-02-29T01:02:03.5"], pa.timestamp("us"),
                 [AT(2024, 2, 29), AT(2024, 2, 29, 1, 2, 3, 500000)]),
    "TIME": ("TIME", ["01:02", "01:02:03.25"], pa.time64("us"),
             [datetime.time(1, 2), datetime.time(1, 2, 3, 250000)]),
    "UUID": ("UUID", ["00112233-4455-6677-8899-aabbccddeeff"], pa.uuid(), None),
    "JSON": ("JSON", ['{"a": 1.10}', 5], pa.json_(), ['{"a": 1.10}', "5"]),
    # no type is declared, or none that SQLite knows: the values say
    "untyped integers": ("", [1, None, 1 << 62], pa.int64(), [1, None, 1 << 62]),
    "untyped reals": ("", [1.5, 2], pa.float64(), [1.5, 2.0]),
    "untyped reals beside great integers": ("", [1.5, (1 << 53) + 1], pa.utf8(),
                                            ["1.5", "9007199254740993"]),
    "untyped texts": ("", ["a", ""], pa.utf8(), ["a", ""]),
    "untyped blobs": ("", [b"a"], pa.binary(), [b"a"]),
    "untyped texts beside numbers": ("", ["a", 1], pa.utf8(), ["a", "1"]),
    "untyped blobs beside texts": ("", [b"a", "a"], "unsupported-type"),
    "untyped nothing": ("", [None], pa.utf8(), [None]),
    "a name unknown": ("MONEY", [1, 2.5], pa.float64(), [1.0, 2.5]),
    "affinity by INT": ("POINT", [5], pa.int64(), [5]),
    "affinity by CHAR": ("MY_CHARS", ["a"], pa.utf8(), ["a"]),
    "affinity by DOUB": ("DOUBLETTE", [1.5], pa.float64(), [1.5]),
    "negative zero without affinity": ("", [-0.0, 1.5], pa.float64(), [-0.0, 1.5]),
}


@pytest.mark.parametrize("case", READ_AS)
def test_a_column_is_read_by_its_declaration_and_its_values(leat, tmp_path, case):
    what = READ_AS[case]
    if not isinstance(what[0], str):
        what = (case, what[0], what[1], what[0])
    kind, values = what[:2]
    base = make(tmp_path / "x.db", f"create table t (v {kind})",
                rows=[("insert into t values (?)", [(value,) for value in values])])
    if len(what) == 3:
        done = leat.fails((1, 2), what[2], "cp", f"sqlite:{base}#t", tmp_path / "out.arrow")
        assert 'column "v"' in done.stderr
        return
    leat.ok("cp", f"sqlite:{base}#t", tmp_path / "out.arrow")
    back = read_arrow(tmp_path / "out.arrow")["v"].combine_chunks()
    wanted = values if what[3] is None else what[3]
    if back.type == pa.uuid():
        assert [str(value) for value in back.to_pylist()] == wanted
        return
    assert back.type == what[2]
    assert repr(back.to_pylist()) == repr(wanted)


MOMENT = AT(2024, 2, 29, 13, 14, 15, 250000)
SECONDS = 1709212455
NUMBERS = {
    # declared, option, value, type, value read or an error's code
    "unix seconds": ("DATETIME", "unix", SECONDS, pa.timestamp("us"), MOMENT.replace(microsecond=0)),
    "unix seconds with a fraction": ("TIMESTAMP", "unix", SECONDS + 0.25, pa.timestamp("us"), MOMENT),
    "before 1970": ("TIMESTAMP", "unix", -0.5, pa.timestamp("us"), AT(1969, 12, 31, 23, 59, 59, 500000)),
    "milliseconds": ("DATETIME", "unix-ms", SECONDS * 1000 + 250, pa.timestamp("us"), MOMENT),
    "nanoseconds wanted": ("TIMESTAMP_NS", "unix-ms", 1, pa.timestamp("ns"), AT(1970, 1, 1, 0, 0, 0, 1000)),
    "a date": ("DATE", "unix", -86400, pa.date32(), DAY(1969, 12, 31)),
    "a date with a time": ("DATE", "unix", 86401, None, "value-range"),
    "Julian days": ("DATETIME", "julian", "select julianday('2024-02-29 13:14:15.250')",
                    pa.timestamp("us"), MOMENT),
    "a Julian date": ("DATE", "julian", 2460369.5, pa.date32(), DAY(2024, 2, 29)),
    "no Julian day": ("DATETIME", "julian", 1e12, None, "value-range"),
    "far too many seconds": ("DATETIME", "unix", 1 << 62, None, "value-range"),
    "far too many nanoseconds": ("TIMESTAMP_NS", "unix", 1 << 42, None, "value-range"),
    "text beside numbers": ("DATETIME", "unix", "2024-02-29 13:14:15.25", pa.timestamp("us"), MOMENT),
    "nothing said": ("DATETIME", "refuse", 1, None, "value-syntax"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_moments_when_it_is_said_what_they_count(leat, tmp_path, case):
    declared_as, option, value, kind, wanted = NUMBERS[case]
    base = make(tmp_path / "x.db", f"create table t (v {declared_as})")
    if isinstance(value, str) and value.startswith("select"):
        make(base, f"insert into t {value}")
    else:
        make(base, rows=[("insert into t values (?)", [(value,)])])
    command = ("cp", f"sqlite:{base}?date-numbers={option}#t", tmp_path / "out.arrow")
    if kind is None:
        done = leat.fails(1, wanted, *command)
        assert ("--date-numbers" in done.stderr) == (option == "refuse")
        return
    leat.ok(*command)
    back = read_arrow(tmp_path / "out.arrow")["v"].combine_chunks()
    assert back.type == kind
    if kind == pa.timestamp("ns"):
        back = back.cast(pa.timestamp("us"))
    assert back.to_pylist() == [wanted]


def test_text_that_is_no_utf8_is_refused_and_can_be_had_as_bytes(leat, tmp_path):
    base = make(tmp_path / "x.db", "create table t (v text)",
                "insert into t values (cast(x'ff41' as text))")
    done = leat.fails(1, "invalid-utf8", "cp", f"sqlite:{base}#t", tmp_path / "out.arrow")
    assert "CAST" in done.stderr
    leat.ok("cp", f"sqlite:{base}", tmp_path / "out.arrow", "--query",
            "select cast(v as blob) as v from t")
    assert read_arrow(tmp_path / "out.arrow")["v"].to_pylist() == [b"\xffA"]


def test_a_type_that_is_asked_for_is_read_exactly(leat, tmp_path):
    base = make(tmp_path / "x.db", "create table t (a integer, b real, c text, d date)",
                "insert into t values (9007199254740993, 0.1, '1.10', '2024-02-29')",
                "insert into t values ('x', 'NaN', '-0', 'soon')")
    leat.ok("cp", f"sqlite:{base}#t", tmp_path / "out.arrow", "--cast",
            "a=utf8,b=utf8,c=decimal(10,2),d=utf8")
    back = read_arrow(tmp_path / "out.arrow")
    assert back.to_pylist() == [
        {"a": "9007199254740993", "b": "0.1", "c": D("1.10"), "d": "2024-02-29"},
        {"a": "x", "b": "NaN", "c": D("0.00"), "d": "soon"}]


def test_values_that_do_not_fit_become_null_or_the_column_text_when_asked(leat, tmp_path):
    base = make(tmp_path / "x.db", "create table t (a integer, b text, d date)",
                "insert into t values (1, 'x', '2024-02-29'), ('bad', x'00', 5)")
    done = leat.ok("cp", f"sqlite:{base}#t", tmp_path / "out.arrow", "--on-loss=null")
    assert done.stderr.count("lost") == 3
    assert read_arrow(tmp_path / "out.arrow").to_pylist() == [
        {"a": 1, "b": "x", "d": DAY(2024, 2, 29)}, {"a": None, "b": None, "d": None}]
    leat.ok("cp", f"sqlite:{base}#t", tmp_path / "out.arrow", "--on-loss=text", "--columns=a,d")
    assert read_arrow(tmp_path / "out.arrow").to_pylist() == [
        {"a": "1", "d": "2024-02-29"}, {"a": "bad", "d": "5"}]


def test_values_that_sqlite_cannot_hold_become_null_when_asked(leat, tmp_path):
    write_arrow(tmp_path / "in.arrow", pa.table({
        "f": pa.array([1.5, math.nan], pa.float64()), "u": pa.array([1, 1 << 63], pa.uint64())}))
    base = make(tmp_path / "x.db", "create table t (f real, u integer)")
    leat.fails((1, 2), "value-range", "cp", tmp_path / "in.arrow", f"sqlite:{base}#t")
    done = leat.ok("cp", tmp_path / "in.arrow", f"sqlite:{base}#t", "--on-loss=null")
    assert done.stderr.count("lost") == 2
    assert stored(base, "select * from t") == [(1.5, 1), (None, None)]


# --- tables of every kind ------------------------------------------------------------------------

TABLES = {
    "without rowid": ("create table t (a text, b integer, c, primary key (b, a)) without rowid",
                      [("x", 1, 2.5), ("w", 1, None)], None),
    "strict": ("create table t (a int, b integer, c real, d text, e blob, f any) strict",
               [(1, 2, 3.0, "4", b"5", 6)], None),
    "composite key": ("create table t (a integer, b text, primary key (a, b))", [(1, "x")], None),
    "autoincrement": ("create table t (id integer primary key autoincrement, v text default 'd')",
                      [(7, "x"), (9, None)], None),
    "generated columns": ("create table t (a integer, b integer generated always as (a + 1), "
                          "c text as ('<' || a || '>') stored)", [(1,), (2,)],
                          [(1, 2, "<1>"), (2, 3, "<2>")]),
    "reserved and odd names": ('create table t ("select" int, "a b" text, "\u00fc""q" int, [x] int)',
                               [(1, "b", 2, 3)], None),
    "expression defaults": ("create table t (a int default (1 + 2), b text default current_date)",
                            [(5, "x")], None),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_any_kind_is_read_whole(leat, tmp_path, name):
    ddl, rows, wanted = TABLES[name]
    places = ", ".join("?" * len(rows[0]))
    base = make(tmp_path / "x.db", ddl)
    connection = sqlite3.connect(base)
    names = [row[0] for row in connection.execute("select name from pragma_table_info('t')")]
    columns = ", ".join('"' + each.replace('"', '""') + '"' for each in names[:len(rows[0])])
    connection.executemany(f"insert into t ({columns}) values ({places})", rows)
    connection.commit()
    connection.close()
    leat.ok("cp", f"sqlite:{base}#t", tmp_path / "out.arrow")
    back = read_arrow(tmp_path / "out.arrow")
    found = [tuple(row.values()) for row in back.to_pylist()]
    assert sorted(found, key=repr) == sorted(wanted or rows, key=repr)
    # a copy leaves generated columns to what they are: values of the new table
    leat.ok("cp", f"sqlite:{base}#t", f"sqlite:{tmp_path}/y.db#t", "--verify")
    assert [tuple(row) for row in sorted(sqlite3.connect(tmp_path / "y.db").execute(
        "select * from t").fetchall(), key=repr)] == sorted(wanted or rows, key=repr)


def test_generated_columns_of_an_existing_table_are_not_written(leat, tmp_path):
    base = make(tmp_path / "x.db", "create table t (a integer, b integer as (a * 2), c text)")
    (tmp_path / "in.csv").write_text("a,c\n4,x\n")
    leat.ok("cp", tmp_path / "in.csv", f"sqlite:{base}#t", "--append")
    assert stored(base, "select a, b, c from t") == [(4, 8, b"x")]
    (tmp_path / "in.csv").write_text("a,b,c\n4,9,x\n")
    done = leat.fails((1, 2), "column-mismatch", "cp", tmp_path / "in.csv", f"sqlite:{base}#t",
                      "--append")
    assert '"b"' in done.stderr


def test_views_and_virtual_tables_are_read_and_their_insides_are_not_listed(leat, tmp_path):
    base = make(tmp_path / "x.db", "create virtual table f using fts5(title, body)",
                "insert into f values ('a', 'b c')", "create table t (n integer)",
                "insert into t values (1), (2)",
                "create view v as select n, n * 1.5 as x from t where n > 1")
    leat.ok("cp", f"sqlite:{base}", f"{tmp_path}/out/", "--format=arrow")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.arrow")) == [
        "f.arrow", "t.arrow", "v.arrow"]
    assert read_arrow(tmp_path / "out" / "f.arrow").to_pylist() == [{"title": "a", "body": "b c"}]
    assert read_arrow(tmp_path / "out" / "v.arrow").to_pylist() == [{"n": 2, "x": 3.0}]


def test_a_row_of_2000_columns_and_a_large_value_pass(leat, tmp_path):
    names = [f"c{i}" for i in range(2000)]
    large = random.Random(1).randbytes(3 << 20)
    base = make(tmp_path / "x.db", f"create table t ({', '.join(name for name in names)})",
                rows=[(f"insert into t values ({', '.join('?' * 2000)})",
                       [tuple(range(2000)), (None,) * 2000])])
    make(base, "create table b (v blob)", rows=[("insert into b values (?)", [(large,)] * 5)])
    leat.ok("cp", f"sqlite:{base}", f"sqlite:{tmp_path}/y.db", "--verify")
    assert stored(tmp_path / "y.db", "select * from t limit 1") == [tuple(range(2000))]
    assert stored(tmp_path / "y.db", "select v from b") == [(large,)] * 5


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_read_sees_one_moment_while_another_program_writes(leat, tmp_path, journal):
    base = make(tmp_path / "x.db", "create table t (a integer, b)",
                rows=[("insert into t values (?, ?)", [(i, "x" * 100) for i in range(20000)])])
    connection = sqlite3.connect(base, isolation_level=None)
    connection.execute(f"pragma journal_mode = {journal}")
    child = leat.start("cp", f"sqlite:{base}#t", tmp_path / "out.arrow")
    done = 0
    while child.poll() is None:
        # every moment has as many rows as the first one, and one sum
        connection.execute("pragma busy_timeout = 60000")
        connection.execute("begin immediate")
        connection.execute("update t set a = a + 1 where a = (select max(a) from t)")
        connection.execute("update t set a = a - 1 where a = (select min(a) from t)")
        connection.execute("commit")
        done += 1
    assert child.returncode == 0, child.communicate()[1]
    child.communicate()
    assert done > 0
    back = read_arrow(tmp_path / "out.arrow")["a"].to_pylist()
    assert len(back) == 20000 and sum(back) == sum(range(20000))


def test_a_reader_that_is_kept_out_says_so_after_the_lock_timeout(leat, tmp_path):
    base = make(tmp_path / "x.db", "create table t (a)", "insert into t values (1)")
    connection = sqlite3.connect(base, isolation_level=None)
    connection.execute("begin exclusive")
    done = leat.fails(75, "unavailable", "cp", f"sqlite:{base}#t", tmp_path / "out.arrow",
                      "--lock-timeout=100ms", "--retries=0")
    assert "locked" in done.stderr
    connection.execute("rollback")
    leat.ok("cp", f"sqlite:{base}#t", tmp_path / "out.arrow", "--lock-timeout=100ms")


# --- several files -------------------------------------------------------------------------------


def test_attached_files_are_read_by_their_names(leat, tmp_path):
    a = make(tmp_path / "a.db", "create table t (n integer)", "insert into t values (1)")
    b = make(tmp_path / "b%?.db", "create table t (n text)", "insert into t values ('b')",
             "create table u (n text references t(n))", "insert into u values ('u')")
    leat.ok("cp", f"sqlite:{a}#other.T", tmp_path / "out.arrow", f"--attach=other={b}")
    assert read_arrow(tmp_path / "out.arrow")["n"].to_pylist() == ["b"]
    leat.ok("cp", f"sqlite:{a}#t", tmp_path / "out.arrow", f"--attach=other={b}")
    assert read_arrow(tmp_path / "out.arrow")["n"].to_pylist() == [1]
    leat.ok("cp", f"sqlite:{a}#other.*", f"{tmp_path}/out/", "--format=arrow",
            f"--attach=other={b}")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.arrow")) == ["t.arrow", "u.arrow"]
    leat.ok("cp", f"sqlite:{a}?attach=o={tmp_path}/b%25%3f.db", tmp_path / "out.arrow",
            "--query=select t.n, u.n as m from t, o.u")
    assert read_arrow(tmp_path / "out.arrow").to_pylist() == [{"n": 1, "m": "u"}]


@pytest.mark.parametrize("value, code", [
    ("x=none.db", "not-found"), ("main=a.db", "invalid"), ("x", "invalid"), ("=a.db", "invalid")])
def test_what_cannot_be_attached_is_refused_and_not_made(leat, tmp_path, value, code):
    leat.cwd = tmp_path
    make(tmp_path / "a.db", "create table t (n integer)")
    leat.fails((1, 2, 66), code, "cp", "sqlite:a.db#t", "out.arrow", f"--attach={value}")
    assert not (tmp_path / "none.db").exists()


def test_a_stream_of_no_attached_file_is_not_found(leat, tmp_path):
    a = make(tmp_path / "a.db", "create table t (n integer)")
    done = leat.fails((1, 2), "not-found", "cp", f"sqlite:{a}#y.t", tmp_path / "out.arrow",
                      f"--attach=x={a}")
    assert '"y"' in done.stderr


def test_an_immutable_file_is_read_without_locks_and_never_written(leat, tmp_path):
    base = make(tmp_path / "a%?#.db", "create table t (n integer)", "insert into t values (1)")
    connection = sqlite3.connect(base, isolation_level=None)
    connection.execute("begin exclusive")  # locks are not looked at
    escaped = str(base).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    leat.ok("cp", f"sqlite:///{escaped}#t", tmp_path / "out.arrow", "--mode=immutable",
            "--lock-timeout=100ms")
    assert read_arrow(tmp_path / "out.arrow")["n"].to_pylist() == [1]
    connection.execute("rollback")
    plain_base = make(tmp_path / "b.db", "create table t (n integer)")
    leat.fails((1, 2, 77), "denied", "cp", tmp_path / "out.arrow",
               f"sqlite:{plain_base}?mode=immutable#t", "--append")


INFINITIES = [(1, b"real", math.inf), (2, b"real", -math.inf), (3, b"real", 1.5), (4, b"integer", 2), (5, b"null", None)]


@pytest.mark.parametrize("there", [None, "numeric", "decimal"])
@pytest.mark.parametrize("command", [("cp", "--append"), ("sync", "batch")], ids=" ".join)
def test_infinities_of_numeric_columns_stay_reals(leat, tmp_path, command, there):
    source = make(tmp_path / "s.db", "create table n (id integer primary key, x numeric)",
                  "insert into n values (1, 9e999), (2, -9e999), (3, 1.5), (4, 2), (5, null)")
    destination = tmp_path / "d.db"
    if there:
        make(destination, f"create table n (id integer primary key, x {there})")
    leat.ok(*command, f"sqlite:{source}#n", f"sqlite:{destination}#n")
    assert stored(destination, "select id, typeof(x), x from n order by id") == INFINITIES
    assert "equal" in leat.ok("diff", f"sqlite:{source}#n", f"sqlite:{destination}#n").stderr
    done = leat.ok("sync", "batch", f"sqlite:{source}#n", f"sqlite:{destination}#n")
    assert "nothing to be done" in done.stderr


def test_infinities_of_postgres_are_reals_in_numeric_columns(leat, pg_db, tmp_path):
    pg_db.execute("create table n (id int primary key, x float8, y numeric)",
                  "insert into n values (1, 'Infinity', '-Infinity'), (2, 1.5, 2)")
    destination = make(tmp_path / "d.db", "create table n (id integer primary key, x numeric, y numeric)")
    leat.ok("cp", pg_db.stream("n"), f"sqlite:{destination}#n", "--append")
    assert stored(destination, "select typeof(x), x, typeof(y), y from n order by id") == [
        (b"real", math.inf, b"real", -math.inf), (b"real", 1.5, b"integer", 2)]
    leat.ok("cp", pg_db.stream("n"), f"sqlite:{tmp_path / 'new.db'}#n")
    assert stored(tmp_path / "new.db", "select typeof(x), x, typeof(y), y from n where id = 1") == [
        (b"real", math.inf, b"text", b"-Infinity")]


def test_numbers_that_a_column_of_integers_should_not_hold_stop_a_copy_and_a_sync(leat, tmp_path):
    """They are not carried as text unasked, into a column of another type than the source's."""
    source = make(tmp_path / "s.db", "create table w (id integer primary key, i int)",
                  "insert into w values (1, 1.5), (2, 2)")
    here, there, new = f"sqlite:{source}#w", tmp_path / "d.db", tmp_path / "new.db"
    for command in (("cp",), ("sync", "batch")):
        done = leat.fails(1, "value-range", *command, here, f"sqlite:{new}#w")
        assert 'row 1 column "i"' in done.stderr and "as int64" in done.stderr
        assert not new.exists()
    make(there, "create table w (id integer primary key, i int)", "insert into w values (1, 1.5), (2, 7)")
    for command in (("cp", "--replace"), ("sync", "batch")):
        leat.fails(1, "value-range", *command, here, f"sqlite:{there}#w")
        assert stored(there, "select i from w order by id") == [(1.5,), (7,)]
    assert '"source":"2","destination":"7"' in leat("diff", here, f"sqlite:{there}#w").stdout
    leat.ok("cp", here, f"sqlite:{new}#w", "--cast", "i=float64")
    assert stored(new, "select i from w order by id") == [(1.5,), (2.0,)] and declared(new, "w")["i"] == "REAL"
