"""Every type of PostgreSQL with its extremes, through every route that can hold it.

What arrived is compared by the server's own text of each value and by format_type() of each column.
A case says which codes stop a route whose middle cannot hold its values.
"""
import dataclasses

import postgres
import pytest
from conftest import fresh_database

TYPES = """
create type mood as enum ('sad', 'ok', 'häppy', '', 'a "b", c');
create type pair as (x int, y text);
create type deep as (p pair, at timestamptz, m mood[]);
create domain positive as int check (value > 0);
create domain named as varchar(10) not null default 'x';
create domain twice as positive check (value < 1000);
create domain price as numeric(8,2);
create domain ints as int[];
create domain feel as mood;
create type "My Type" as enum ('x');
create schema app;
create type app.kind as enum ('k1', 'k2');
create extension if not exists hstore;
create extension if not exists citext;
"""

BIG = "1" * 700 + "." + "9" * 600


@dataclasses.dataclass
class Case:
    """A column type and literals of it. only_text: literals that go by the server's text alone.
    not_json: those that JSON inside a file makes another (JSON's own null becomes a null, and blanks
    around a value go)."""

    type: str
    values: list
    only_text: list = dataclasses.field(default_factory=list)
    not_json: list = dataclasses.field(default_factory=list)
    since: int = 11  # the server's version
    not_null: bool = False


def q(*values):
    """Quoted literals."""
    return ["'" + value.replace("'", "''") + "'" for value in values]


CASES = [
    Case("boolean", ["true", "false"]),
    Case("smallint", ["-32768", "32767", "0"]),
    Case("integer", ["-2147483648", "2147483647", "0"]),
    Case("bigint", ["-9223372036854775808", "9223372036854775807", "0"]),
    Case("oid", ["0", "4294967295"]),
    Case("xid", q("0", "4294967295")),
    Case("cid", q("7")),
    Case("xid8", q("0", "18446744073709551615"), since=13),
    Case("real", q("NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "0.1")),
    Case("double precision", q("NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "0.1")),
    Case("numeric", q("0", "0.00", "-1.10", "1e20", BIG, "-" + BIG, "0." + "0" * 900 + "1", "NaN",
                      "12345678901234567890123456789012345678901234567890")),
    Case("numeric ", q("Infinity", "-Infinity"), since=14),
    Case("numeric(10,2)", q("0", "-99999999.99", "99999999.99", "0.01"), only_text=q("NaN")),
    Case("numeric(38,10)", q("9" * 28 + "." + "9" * 10, "-0.0000000001")),
    Case("numeric(76,38)", q("9" * 38 + "." + "9" * 38, "-" + "9" * 38 + "." + "9" * 38)),
    Case("numeric(1000,500)", q("9" * 500 + "." + "9" * 500, "NaN")),
    Case("numeric(5,-2)", q("1200", "-9999900"), since=15),
    Case("numeric(3,5)", q("0.00999", "-0.00001"), since=15),
    Case("money", q("-92233720368547758.08", "92233720368547758.07", "0.01", "1234.5")),
    Case("text", q("", " ", "häß 😀 \U0010ffff", "tab\tnew\nline\r\\N\\.", "it's", "\x01\x7f", "x" * 10000)),
    Case("character varying", q("", "abc")),
    Case("character varying(5)", q("", "häß😀x", "ab   ")),
    Case("character(5)", q("", "abc", "häß😀x")),
    Case("character(1)", q("", "x")),
    Case("bpchar", q("ab ", "")),
    Case("name", q("", "x" * 63)),
    Case('"char"', ["''", "'a'", '\'"\'', "'\\'", "(-1)::\"char\"", "(-128)::\"char\"", "65::\"char\""]),
    Case("citext", q("", "MiXed")),
    Case("json", q('{"b": 1, "a" :2, "a":3}', "1e400", '"\\u0000"'), not_json=q("null", ' [1, "x"] ')),
    Case("jsonb", q('{"b": 1, "a" :2, "a":3}', "1" * 60, '"\\\\u0000 \\u00e9"', '[1.10, true, "x"]'),
         not_json=q("null")),
    Case("jsonpath", q("$.a[*] ? (@ > 1)", "strict $"), since=12),
    Case("uuid", q("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")),
    Case("bytea", ["''", "'\\x00ff5c27'", "decode(repeat('00', 5000), 'hex')"]),
    Case("date", q("4713-11-24 BC", "0001-01-01 BC", "0001-01-01", "2024-02-29", "9999-12-31", "10000-01-01",
                   "5874897-12-31"), only_text=q("infinity", "-infinity")),
    Case("time without time zone", q("00:00", "23:59:59.999999", "13:14:15.1"), only_text=q("24:00")),
    Case("time(2) without time zone", q("23:59:59.99")),
    Case("time with time zone", q("00:00+15:59", "23:59:59.999999-15:59", "24:00-15:59:59")),
    Case("time(0) with time zone", q("23:59:59+02")),
    Case("timestamp without time zone", q("4713-11-24 00:00:00 BC", "1969-12-31 23:59:59.999999", "2024-02-29 13:14:15",
                                          "294246-12-31 23:59:59.999999"),
         only_text=q("294276-12-31 23:59:59.999999", "infinity", "-infinity")),
    Case("timestamp(0) without time zone", q("2024-02-29 13:14:15")),
    Case("timestamp(3) without time zone", q("2024-02-29 13:14:15.123")),
    Case("timestamp with time zone", q("4713-11-24 00:00:00+00 BC", "2024-02-29 13:14:15.000001+05:45",
                                       "294246-12-31 23:59:59+00"),
         only_text=q("294276-12-31 23:59:59.999999+00", "infinity", "-infinity")),
    Case("timestamp(3) with time zone", q("2024-02-29 13:14:15.123+00")),
    Case("interval", q("0", "1 year 2 months -3 days 4:05:06.000007", "-178000000 years", "2147483647 days",
                       "2562047 hours", "-0.000001 seconds"),
         only_text=q("2562048 hours", "-292000 years 2000000 days 2000000000:00:00")),
    Case("interval ", [], only_text=q("infinity", "-infinity"), since=17),
    Case("interval(2)", q("1 day 1.25 seconds")),
    Case("interval year to month", q("3 years -1 months", "7 months")),
    Case("interval year", q("3 years")),
    Case("interval day to second(3)", q("4 days 5:06:07.123")),
    Case("interval hour to minute", q("5:06")),
    Case("interval day", q("-4 days")),
    Case("inet", q("192.168.0.1", "192.168.0.1/24", "::1", "2001:db8::/32", "0.0.0.0/0")),
    Case("cidr", q("192.168.0.0/24", "::/0")),
    Case("macaddr", q("08:00:2b:01:02:03")),
    Case("macaddr8", q("08:00:2b:01:02:03:04:05")),
    Case("bit(5)", q("10101", "00000")),
    Case("bit(1)", q("1")),
    Case("bit varying(5)", q("", "101")),
    Case("bit varying", q("", "1" * 300)),
    Case("point", q("(0,0)", "(1e300,-0.1)", "(Infinity,NaN)")),
    Case("line", q("{1,-1,0}")),
    Case("lseg", q("[(0,0),(1,1)]")),
    Case("box", q("(1,1),(0,0)")),
    Case("path", q("[(0,0),(1,1)]", "((0,0),(1,1))")),
    Case("polygon", q("((0,0),(1,1),(1,0))")),
    Case("circle", q("<(0,0),0.1>")),
    Case("xml", q("<a>ß</a>", "text &amp; <b/>", '<?xml version="1.0"?><a/>')),
    Case("tsvector", q("", "'a':1A 'it''s':2 'b c':3,4")),
    Case("tsquery", q("'a' & !'b' | 'c' <-> 'd':*A")),
    Case("pg_lsn", q("0/0", "FFFFFFFF/FFFFFFFF")),
    Case("tid", q("(0,0)", "(4294967295,65535)")),
    Case("regclass", q("pg_class", "-")),
    Case("regtype", q("integer", "numeric")),
    Case("regproc", q("now")),
    Case("regprocedure", q("abs(integer)")),
    Case("regoperator", q("+(integer,integer)")),
    Case("regnamespace", q("pg_catalog")),
    Case("regrole", q("leat")),
    Case("regconfig", q("english")),
    Case("txid_snapshot", q("10:20:10,14,15")),
    Case("int2vector", q("1 2 3")),
    Case("oidvector", q("1 2 3")),
    Case("int4range", q("empty", "[1,5)", "(,)", "[2147483647,)")),
    Case("int8range", q("[1,9223372036854775807)")),
    Case("numrange", q("(1.50,2.500]", "[NaN,NaN]", "(,1e100)")),
    Case("daterange", q("[2024-02-29,2024-03-01)", "[-infinity,infinity)")),
    Case("tsrange", q('["2024-02-29 01:02:03.000001","infinity"]')),
    Case("tstzrange", q('["2024-02-29 01:02:03+00",)')),
    Case("int4multirange", q("{}", "{[1,5),[7,9)}"), since=14),
    Case("tstzmultirange", q('{["2024-02-29 01:02:03+00",)}'), since=14),
    # user's own
    Case("mood", q("sad", "häppy", "", 'a "b", c')),
    Case('"My Type"', q("x")),
    Case("app.kind", q("k1", "k2")),
    Case("pair", ["row(1, 'a \"b\", (c)')::pair", "row(null, '')::pair", "row(null, null)::pair"]),
    Case("deep", ["row(row(1, 'x')::pair, '2024-02-29 01:02:03+00', '{sad,NULL}')::deep"]),
    Case("positive", ["1", "2147483647"]),
    Case("twice", ["1", "999"]),
    Case("price", ["999999.99"]),
    Case("named", q("", "häß"), not_null=True),
    Case("ints", q("{1,2}", "{}"), only_text=q("{{1},{2}}")),
    Case("feel", q("ok")),
    Case("hstore", q('"a"=>"1", "b c"=>NULL', "")),
    # arrays
    Case("boolean[]", q("{t,f,NULL}", "{}")),
    Case("integer[]", q("{1,NULL,-2147483648}", "{}", "{NULL}"),
         only_text=q("{{1,2},{3,4}}", "[0:1]={5,6}", "{{{1}},{{2}}}", "[2:3][-1:0]={{1,2},{3,4}}")),
    Case("bigint[]", q("{9223372036854775807}")),
    Case("xid8[]", q("{18446744073709551615,NULL}"), since=13),
    Case("double precision[]", q("{NaN,Infinity,-0,0.1}")),
    Case("numeric[]", q("{NaN,0.00," + BIG + "}")),
    Case("numeric(10,2)[]", q("{1.10,NULL,-99999999.99}"), only_text=q("{NaN}")),
    Case("money[]", q('{"-92233720368547758.08",NULL}')),
    Case("text[]", q('{"","NULL",NULL,"a,b","{\\"x\\"}","back\\\\slash"," "}'), only_text=q("{{a,b},{c,d}}")),
    Case("character varying(5)[]", q("{häß😀x,ab}")),
    Case("character(5)[]", q("{abc,NULL}")),
    Case("name[]", q("{a,b}")),
    Case('"char"[]', ["array['a', '']::\"char\"[]"]),
    Case('"char"[] ', ["array['a', (-1)::\"char\"]::\"char\"[]"], since=15),  # no UTF-8 before, as text
    Case("citext[]", q("{MiXed,NULL}")),
    Case("json[]", q('{"{\\"a\\": 1}",NULL,null}')),
    Case("jsonb[]", q('{"{\\"a\\": 1}"}'), not_json=q('{"null"}')),
    Case("uuid[]", q("{ffffffff-ffff-ffff-ffff-ffffffffffff,NULL}")),
    Case("bytea[]", ["array['\\x00ff'::bytea, '', null]"]),
    Case("date[]", q("{2024-02-29,\"0001-01-01 BC\",NULL}"), only_text=q("{infinity}")),
    Case("time without time zone[]", q("{23:59:59.999999}"), only_text=q("{24:00}")),
    Case("time with time zone[]", q("{23:59:59.999999-15:59,NULL}")),
    Case("timestamp(3) without time zone[]", q("{\"2024-02-29 13:14:15.123\",NULL}")),
    Case("timestamp with time zone[]", q("{\"2024-02-29 13:14:15+00\"}"), only_text=q("{-infinity}")),
    Case("interval[]", q("{\"1 year -3 days 4:05:06\",NULL}")),
    Case("inet[]", q("{192.168.0.1/24,NULL,::1}", "{}"), only_text=q("{{::1},{::2}}")),
    Case("bit varying(5)[]", q("{101,NULL}")),
    Case("box[]", q("{(1,1),(0,0);(3,3),(2,2)}")),
    Case("point[]", q('{"(0,0)",NULL}')),
    Case("xml[]", q('{<a/>,"<b c=\\"1\\"/>"}')),
    Case("int4range[]", q('{"[1,5)",empty,NULL}')),
    Case("mood[]", q('{sad,NULL,"a \\"b\\", c",""}', "{}"), only_text=q("{{sad},{ok}}")),
    Case("app.kind[]", q("{k1,NULL}")),
    Case("pair[]", ["array[row(1, 'a \"b\"')::pair, null]"]),
    Case("positive[]", q("{1,NULL}"), only_text=q("{{1}}")),
    Case("hstore[]", ["array['\"a\"=>\"1\"'::hstore]"]),
]
CASES = [case for case in CASES if case.since <= postgres.version()]  # what this server has


@pytest.fixture(scope="module")
def databases(pg):
    """Two databases with the same types of the user's own."""
    with fresh_database(pg) as near, fresh_database(pg) as far:
        for db in (near, far):
            db.execute(*[line for line in TYPES.strip().split(";\n") if line])
        yield near, far


@pytest.fixture
def two(databases):
    for db in databases:
        db.execute("drop table if exists t, _leat_state, _leat_load")
    return databases


def fill(db, case, values):
    db.execute(f"create table t (id int primary key, v {case.type})",
               *(f"insert into t values ({i}, {value})" for i, value in enumerate(values)))


def exact_type(db):
    with db.connect() as connection:
        return connection.execute("select format_type(atttypid, atttypmod) from pg_attribute "
                                  "where attrelid = 't'::regclass and attname = 'v'").fetchone()[0]


def seen(db):
    """The column's exact type and the server's text of its values."""
    with db.connect() as connection:
        connection.execute("set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres'; set timezone = 'UTC'; "
                           "set extra_float_digits = 3; set bytea_output = 'hex'")
        # As bytes: a "char" of a server before 16 need not be valid UTF-8. In an array char(n) keeps
        # its blanks, and a null is none of its texts.
        rows = connection.execute("select id, v is null, encode(textsend(format('%s', array[v])), 'escape') "
                                  "from t order by id").fetchall()
    return exact_type(db), rows


def start(case, two, texts=False, json=True):
    """The table at the near side, with a null; texts: and with what only goes by text; json: and
    with what no JSON in a file can tell."""
    near, far = two
    nulls = [] if case.not_null else ["null"]
    fill(near, case, case.values + (case.only_text if texts else []) + (case.not_json if json else []) + nulls)
    return near, far


def same_table(case, far):
    far.execute(f"create table t (id int primary key, v {case.type})")


each_type = pytest.mark.parametrize("case", CASES, ids=[case.type.replace("/", "_") for case in CASES])


@each_type
def test_type_and_values_arrive_in_a_new_table(case, two, leat):
    near, far = start(case, two)
    leat.ok("cp", near.stream("t"), far.stream("t"))
    assert seen(far) == seen(near)


@each_type
def test_arrow_file_in_between_changes_nothing(case, two, leat, tmp_path):
    near, far = start(case, two)
    leat.ok("cp", near.stream("t"), tmp_path / "t.arrow")
    leat.ok("cp", tmp_path / "t.arrow", far.stream("t"), "--verify")
    assert seen(far) == seen(near)
    far.execute("drop table t")
    same_table(case, far)
    leat.ok("cp", tmp_path / "t.arrow", far.stream("t"), "--verify")
    assert seen(far) == seen(near)


@each_type
@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_file_in_between_changes_nothing_for_a_table_that_is_there(case, ending, two, leat, tmp_path):
    """Of JSON Lines and CSV the destination's types say what a text is. Parquet knows types, and a table
    that is made from it is the same, too."""
    near, far = start(case, two, json=ending == "parquet")
    path = tmp_path / f"t.{ending}"
    leat.ok("cp", near.stream("t"), path)
    same_table(case, far)
    leat.ok("cp", path, far.stream("t"), "--verify")
    assert seen(far) == seen(near)
    if ending == "parquet":
        far.execute("drop table t")
        leat.ok("cp", path, far.stream("t"), "--verify")
        assert seen(far) == seen(near)


@each_type
def test_text_of_its_own_type_carries_every_value(case, two, leat, tmp_path):
    near, far = start(case, two, texts=True)
    quoted = '"postgres:' + exact_type(near).replace('"', '""') + '"'
    leat.ok("cp", near.stream("t"), tmp_path / "t.arrow", f"--cast=v=text({quoted})")
    leat.ok("cp", tmp_path / "t.arrow", far.stream("t"), "--verify")
    assert seen(far) == seen(near)
    far.execute("drop table t")
    same_table(case, far)
    leat.ok("cp", tmp_path / "t.arrow", far.stream("t"), "--verify")
    assert seen(far) == seen(near)


@pytest.mark.parametrize("case", [case for case in CASES if case.only_text],
                         ids=[case.type for case in CASES if case.only_text])
def test_value_that_arrow_cannot_hold_stops_with_its_place(case, two, leat, tmp_path):
    near, _ = start(case, two)
    for i, value in enumerate(case.only_text):
        near.execute("delete from t where id > 999", f"insert into t values ({1000 + i}, {value})")
        done = leat.fails(1, "value-range", "cp", near.stream("t"), tmp_path / "t.arrow")
        assert "public.t" in done.stderr and 'column "v"' in done.stderr, done.stderr
        assert not (tmp_path / "t.arrow").exists()
        leat.ok("cp", near.stream("t"), tmp_path / "t.arrow", "--cast=v=utf8")
        (tmp_path / "t.arrow").unlink()
