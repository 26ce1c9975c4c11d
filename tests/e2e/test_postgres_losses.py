"""What PostgreSQL or Arrow has no place for: it stops, or --on-loss and --cast say what becomes of it."""
import datetime
import decimal
import re

import psycopg
import pyarrow as pa
import pytest


def write_arrow(path, **columns):
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path


def read_arrow(path):
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


UNREADABLE = [("date", "'infinity'"), ("date", "'-infinity'"), ("timestamp", "'infinity'"),
              ("timestamptz", "'294276-12-31 23:59:59+00'"), ("time", "'24:00'"), ("numeric(10,2)", "'NaN'"),
              ("interval", "'2562048 hours'"), ("int[]", "'{{1,2},{3,4}}'"), ("int[]", "'[0:0]={5}'"),
              ("numeric(10,2)[]", "'{NaN}'")]


@pytest.mark.parametrize("type_, value", UNREADABLE, ids=[f"{t}-{v}".replace("'", "") for t, v in UNREADABLE])
def test_value_arrow_cannot_hold_becomes_null_or_text_when_told(type_, value, leat, pg_db, tmp_path):
    pg_db.execute(f"create table t (a int, v {type_}, w {type_})",
                  f"insert into t values (1, {value}, {value}), (2, {value}, null)")
    path = tmp_path / "t.arrow"
    done = leat.fails(1, "value-range", "cp", pg_db.stream("t"), path)
    assert re.search(r'public\.t: row 1:? column "v"', done.stderr), done.stderr
    done = leat.ok("cp", pg_db.stream("t"), path, "--on-loss=null")
    table = read_arrow(path)
    assert table["a"].to_pylist() == [1, 2]
    assert table["v"].null_count == 2 and table["w"].null_count == 2
    path.unlink()
    leat.ok("cp", pg_db.stream("t"), path, "--on-loss=text")
    with pg_db.connect() as connection:
        connection.execute("set intervalstyle = 'iso_8601'; set timezone = 'UTC'")
        text = connection.execute("select v::text from t where a = 1").fetchone()[0]
    assert read_arrow(path)["v"].to_pylist() == [text, text]
    assert read_arrow(path)["w"].to_pylist() == [text, None]


def test_record_with_a_lost_value_next_to_a_rejected_one_loses_nothing_else(leat, pg_db, tmp_path):
    """Losses of one row must not reach into the next."""
    pg_db.execute("create table t (id int, a date, b time)",
                  "insert into t values (1, 'infinity', '24:00'), (2, '2024-01-01', '01:00'), "
                  "(3, '2024-01-02', '24:00'), (4, '2024-01-03', '02:00')")
    leat.ok("cp", pg_db.stream("t"), tmp_path / "t.arrow", "--on-loss=null")
    table = read_arrow(tmp_path / "t.arrow")
    day = datetime.date
    assert table["a"].to_pylist() == [None, day(2024, 1, 1), day(2024, 1, 2), day(2024, 1, 3)]
    assert table["b"].to_pylist() == [None, datetime.time(1), None, datetime.time(2)]


MICROS_2024 = 1_704_164_645_123_456  # 2024-01-02 03:04:05.123456
UNWRITABLE = {
    "zero byte": ("text", pa.array(["a\0b", "x"])),
    "zero in jsonb": ("jsonb", pa.array(['{"a": "\\u0000"}', '"\\\\u0000"'])),
    "long varchar": ("varchar(3)", pa.array(["äbcd", "äbc"])),
    "blanks past varchar": ("varchar(3)", pa.array(["abc ", "abc"])),
    "long char": ("char(3)", pa.array(["abcd", "abc   "])),
    "long name": ("name", pa.array(["x" * 64, "x" * 63])),
    "long element": ("varchar(3)[]", pa.array([["abcd"], ["abc"]])),
    "fraction of timestamp(3)": ("timestamp(3)", pa.array([MICROS_2024, MICROS_2024 - 456], pa.timestamp("us"))),
    "fraction of timestamptz(0)": ("timestamptz(0)", pa.array([1, 10**6], pa.timestamp("us", "UTC"))),
    "fraction of time(2)": ("time(2)", pa.array([1000, 10000], pa.time64("us"))),
    "fraction of timetz(1)": ("timetz(1)", pa.array(["01:02:03.45+02", "01:02:03.40+02"])),
    "nanoseconds": ("timestamp", pa.array([1, 1000], pa.timestamp("ns"))),
    "before 4713 BC": ("date", pa.array([-2440589, -2440588], pa.date32())),
    "after 294276": ("timestamp", pa.array([2**63 - 1, 0], pa.timestamp("ms"))),
    "interval of nanoseconds": ("interval", pa.array([(0, 0, 1), (1, 2, 1000)], pa.month_day_nano_interval())),
    "interval of days for months": ("interval year to month",
                                    pa.array([(1, 1, 0), (1, 0, 0)], pa.month_day_nano_interval())),
    "interval of months for years": ("interval year", pa.array([(1, 0, 0), (12, 0, 0)], pa.month_day_nano_interval())),
    "interval past its fraction": ("interval(1)", pa.array([(0, 0, 10**7), (0, 0, 10**8)],
                                                           pa.month_day_nano_interval())),
    "money": ("money", pa.array([decimal.Decimal("92233720368547758.08"), decimal.Decimal("92233720368547758.07")],
                                pa.decimal128(19, 2))),
    "char of two bytes": ('"char"', pa.array(["ab", "a"])),
    "digits past numeric(100,2)": ("numeric(100,2)", pa.array(["0.001", "0.010"])),
    "digits before numeric(100,2)": ("numeric(100,2)", pa.array(["1" + "0" * 98, "9" * 98 + ".99"])),
    "infinity for numeric(100,2)": ("numeric(100,2)", pa.array(["Infinity", "NaN"])),
    "numeric overflow": ("numeric(5,2)", pa.array([decimal.Decimal("1000.00"), decimal.Decimal("999.99")],
                                                  pa.decimal128(10, 2))),
    "oid": ("oid", pa.array([2**32, 2**32 - 1], pa.int64())),
}


@pytest.mark.parametrize("with_text_copy", [False, True], ids=["binary", "text"])
@pytest.mark.parametrize("what", UNWRITABLE)
def test_value_the_column_would_change_is_refused_or_becomes_null(what, with_text_copy, leat, pg_db, tmp_path):
    """The first value has no place in the column, the second just has one."""
    type_, values = UNWRITABLE[what]
    extra = ", i inet" if with_text_copy else ""  # has no binary form here
    pg_db.execute(f"create table t (id int, v {type_}{extra})")
    path = write_arrow(tmp_path / "t.arrow", id=pa.array([1, 2]), v=values,
                       **({"i": pa.array(["::1", None])} if with_text_copy else {}))
    done = leat.fails(1, "value-range", "cp", path, pg_db.stream("t"))
    assert 'row 1' in done.stderr and 'column "v"' in done.stderr, done.stderr
    assert pg_db.count("t") == 0
    leat.ok("cp", path, pg_db.stream("t"), "--on-loss=null")
    with pg_db.connect() as connection:
        assert connection.execute("select id, v is null from t order by id").fetchall() == [(1, True), (2, False)]


def test_loss_in_a_column_without_nulls_stops(leat, pg_db, tmp_path):
    pg_db.execute("create table d (v date not null)", "insert into d values ('infinity')")
    done = leat.fails(1, "value-range", "cp", pg_db.stream("d"), tmp_path / "d.arrow", "--on-loss=null")
    assert done.stderr.count("public.d") == 1
    pg_db.execute("create table t (id int, v varchar(3) not null)")
    path = write_arrow(tmp_path / "t.arrow", id=pa.array([1]), v=pa.array(["abcd"]))
    leat.fails(1, "value-range", "cp", path, pg_db.stream("t"), "--on-loss=null")
    assert pg_db.count("t") == 0


def test_type_the_destination_lacks_stops_and_is_named(leat, pg_db, pg_db2):
    """One that statements alone cannot make again: an extension's."""
    pg_db.execute("create extension hstore", "create table t (id int, m hstore, ms hstore[])",
                  "insert into t values (1, 'a=>1', '{b=>2}')")
    done = leat.fails((1, 2), "unsupported-type", "cp", pg_db.stream("t"), pg_db2.stream("t"))
    assert "hstore" in done.stderr and 'column "m"' in done.stderr and "CREATE EXTENSION" in done.stderr
    assert pg_db2.tables() == []
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("t"), "--cast=m=utf8", "--cast=ms=utf8")
    assert pg_db2.rows("t") == [(1, '"a"=>"1"', '{"\\"b\\"=>\\"2\\""}')]
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("u"), "--on-loss=text")
    assert pg_db2.rows("u") == pg_db2.rows("t")


def has_locale(db, locale):
    with db.connect() as connection:
        try:
            connection.execute(f"set lc_monetary = '{locale}'")
        except psycopg.Error:
            return False
    return True


def test_money_arrives_as_it_was_whatever_the_locale(leat, pg_db, pg_db2, tmp_path):
    """A point that separates thousands, or a currency without cents, must not multiply it. Locales
    that the machine lacks are left out; C is everywhere."""
    pg_db.execute("create table t (id int, m money, i inet)", "insert into t values (1, '1234.50', '::1')",
                  "create table whole (id int, m money)", "insert into whole values (1, '1234')")
    for locale in filter(lambda name: has_locale(pg_db2, name), ["C", "de_DE.UTF-8", "ja_JP.UTF-8"]):
        pg_db2.execute(f"alter database {pg_db2.name} set lc_monetary = '{locale}'",
                       "drop table if exists t, whole", "create table t (id int, m money, i inet)",
                       "create table whole (id int, m money)")
        for name, value in (("t", decimal.Decimal("1234.50")), ("whole", decimal.Decimal(1234))):
            done = leat("cp", pg_db.stream(name), pg_db2.stream(name))
            if done.returncode == 0:
                with pg_db2.connect() as connection:
                    assert connection.execute(f"select m::numeric from {name}").fetchone() == (value,), locale
            else:
                assert "[value-range]" in done.stderr and name == "t" and locale.startswith("ja"), done.stderr


ENDLESS = ("create table {0} (id int primary key, d date, t timestamp, z timestamptz, c time, n numeric(9,2))",
           "insert into {0} values (1, 'infinity', '-infinity', 'infinity', '24:00', 'NaN'), (2, '-infinity', 'infinity', "
           "'294276-12-31 23:59:59+00', '12:00', 1.5), (3, '2024-02-29', '2024-02-29 12:00', 'epoch', null, null)")


@pytest.mark.asan
@pytest.mark.parametrize("there", [False, True])
def test_what_only_its_text_can_tell_goes_between_two_servers_and_is_verified(leat, pg_db, pg_db2, there):
    pg_db.execute(*(statement.format("t") for statement in ENDLESS))
    if there:
        pg_db2.execute(ENDLESS[0].format("t"), "insert into t values (9, null, null, null, null, null)")
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("t"), "--verify", "--replace")
    types = ("select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't'::regclass "
             "and attnum > 0 order by 1")
    texts = "select id, d::text, t::text, z::text, c::text, n::text from t order by 1"
    with pg_db.connect() as one, pg_db2.connect() as other:
        assert one.execute(types).fetchall() == other.execute(types).fetchall()
        assert one.execute(texts).fetchall() == other.execute(texts).fetchall()
    leat.ok("verify", pg_db.stream("t"), pg_db2.stream("t"))
    leat.ok("verify", pg_db.stream("t"), pg_db2.stream("t"), "--columns", "id,d,z")
    pg_db2.execute("update t set d = '-infinity' where id = 1", "update t set z = 'infinity' where id = 2")
    done = leat("verify", pg_db.stream("t"), pg_db2.stream("t"))
    assert done.returncode == 3, done.stderr
    assert '"infinity"' in done.stdout and "294276-12-31" in done.stdout


def test_a_narrower_column_still_refuses_what_it_cannot_hold(leat, pg_db, pg_db2):
    pg_db.execute(*(statement.format("t") for statement in ENDLESS))
    pg_db2.execute("create table t (id int primary key, d timestamp)")
    leat.fails(1, "value-range", "cp", pg_db.stream("t"), pg_db2.stream("t"), "--columns", "id,d")
    assert pg_db2.count("t") == 0
