"""Random tables of PostgreSQL's own types: schemas and values as text the server reads.

Values are made so that the server takes each; what it made of them is what has to come back. A
poison is a value that only the server's own text can tell (infinity among dates and its kind): a
table with one must stop a copy into any file.
"""
import dataclasses
import decimal
import json
import random
import struct
import uuid

TYPES = """
create type mood as enum ('sad', 'ok', 'h,"p''y', '{}', '', 'NULL');
create type pair as (x int, y text);
create type deep as (p pair, at timestamptz, m mood[]);
create domain positive as int check (value > 0);
create domain price as numeric(8,2);
create domain feel as mood;
create domain codes as varchar(9)[];
"""

ODD_TEXTS = ["", " ", "'", '"', '""', "\\", "\\.", "\\N", "NULL", "null", "\n", "\r", "\r\n", "\t",
             "a\nb", "\\x41", "😀", "e\u0301", "\u00e9", "\u202eabc", "\ufeff", "\x01", "\x7f", ",",
             ";", "{}", "{a,b}", "[1]", "007", "+5", "1e5", "-0", "NaN", "true", "2024-02-29",
             "ab  ", "  ab", "x" * 3000, "\U0010ffff", "\u2028", "--", "$1", "%s", "\v\f", "日本語",
             "\u0085", "\ufffd", "#", "'a'", '"a"', "a\u00a0b", "\\u0000", "{\"a\": 1}"]
ODD_NAMES = ["a b", 'q"uote', "UPPER", "Ünïcode", "select", "from", "it's", "a.b", "a,b", "%", "日本",
             "x" * 63, "\\", "semi;colon", "1st", "ctid2", "😀", "new\nline", " lead", "tab\there",
             "#", "[0]", "{", "null", "$x", "a=b", "\ufefft", "''", "trail "]
ODD_TABLES = ["Odd Name", "select", "ünï", "it's", "semi;colon", "a,b", "(x)", "😀", "100%", "x&y=1"]
MEGABYTE = 1 << 20
DAY_LAST = 2147483493      # julian, 5874897-12-31
STAMP_LAST = 109192578     # julian: microseconds since 1970 still fit 64 bits
INTERVAL_US = 9223372036854775  # nanoseconds still fit 64 bits


# --- makers of values ----------------------------------------------------------------------------


def whole(bits):
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return lambda rng: str(rng.choice([low, high, 0, -1, rng.randint(low, high), rng.randint(-99, 99)]))


def natural(bits):
    return lambda rng: str(rng.choice([0, (1 << bits) - 1, rng.randrange(1 << bits)]))


def real(bits):
    as_float, as_int = ("<f", "<I") if bits == 32 else ("<d", "<Q")
    picks = ["Infinity", "-Infinity", "-0", "0.1", "0", "1e-45" if bits == 32 else "5e-324",
             "3.4028235e38" if bits == 32 else "1.7976931348623157e308", "9007199254740993", "1e22"]

    def make(rng):
        if rng.random() < 0.5:
            return rng.choice(picks)
        value = struct.unpack(as_float, struct.pack(as_int, rng.getrandbits(bits)))[0]
        return repr(value) if value == value else "0.3"

    return make


def digits(rng, count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def numeric(rng):
    """Of any size, with zeros at its end."""
    if rng.random() < 0.3:
        return rng.choice(["NaN", "Infinity", "-Infinity", "0", "0.000", "1e500", "1e-300", "10000", "0.00010000",
                           "9" * 400 + "." + "9" * 40, "-1." + "0" * 50, "1e131000", "1e-16000"])
    long = rng.choice([3, 20, 40, 90, 300])
    return rng.choice(["", "-"]) + digits(rng, rng.randint(1, long)) + rng.choice(
        ["", "." + digits(rng, rng.randint(1, long))])


def decimal_of(precision, scale):
    """Unscaled numbers of up to so many digits; scale may be negative or more than precision."""
    def make(rng):
        count = rng.choice([1, precision, rng.randint(1, precision)])
        unscaled = rng.choice(["0", "9" * count, digits(rng, count)])
        value = decimal.Decimal(rng.choice(["", "-"]) + unscaled)
        return f"{value}e{-scale}"

    return make


def text(rng):
    if rng.random() < 0.5:
        return rng.choice(ODD_TEXTS)
    alphabet = rng.choice(["ab", "'\"\\,\n\r\t{}", "aé日😀\u0301\u200d\ufffd", [chr(c) for c in range(1, 128)]])
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 40)))


def short_text(limit):
    return lambda rng: text(rng)[:limit]


def blank_padded(limit):
    return lambda rng: text(rng)[:limit].rstrip(" ")


def raw(rng):
    return "\\x" + rng.randbytes(rng.choice([0, 1, 2, 30, 300])).hex()


def clock(rng):
    second = rng.choice([0, 1, 43199, 86399, rng.randrange(86400)])
    micros = rng.choice([0, 1, 999999, 500000, rng.randrange(10**6)])
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{micros:06}"


def day(rng):
    return "J" + str(rng.choice([0, 2440587, 2440588, 1721060, 1721426, 5373484, 5373485, DAY_LAST,
                                 rng.randint(0, DAY_LAST), rng.randint(2400000, 2500000)]))


def stamp(rng, zone=""):
    julian = rng.choice([0, 2440587, 2440588, 1721060, 1721425, 1721426, 5373484, 5373485, STAMP_LAST,
                         rng.randint(0, STAMP_LAST), rng.randint(2400000, 2500000)])
    return f"J{julian} {clock(rng)}{zone}"


def stamp_tz(rng):
    return stamp(rng, rng.choice(["+00", "+00", "Z", "-00"]))


def clock_tz(rng):
    return clock(rng)[:8] + rng.choice(["+00", "-08", "+05:45", "+15:59:59", "-15:59:59"])


def span(rng):
    if rng.random() < 0.3:
        return rng.choice(["0", "-00:00:00.5", "178000000 years", "2147483647 days", "-1 year +2 days -03:00:00",
                           "1 mon -2 days +03:04:05.000006", "2562047 hours", "-2562047 hours", "1 year -13 mons"])
    micros = rng.choice([1, -1, rng.randint(-10**9, 10**9), rng.randint(-INTERVAL_US, INTERVAL_US)])
    seconds, rest = divmod(abs(micros), 10**6)
    return (f"{rng.randint(-2000, 2000)} mons {rng.randint(-2000, 2000)} days "
            f"{'-' if micros < 0 else ''}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:06}")


def json_value(rng, depth):
    if depth == 0 or rng.random() < 0.4:
        return rng.choice(['"' + rng.choice(["", "a", "é😀", "\\n\\t\\\"\\\\", "\\u00e9\\ud83d\\ude00", "\\/", "2024-02-29",
                                             "\\\\u0000", "null"]) + '"',
                           "true", "false", "null", "0", "-0", "1.10", "1e5", "12345678901234567890.10",
                           str(rng.randint(-2**70, 2**70)), "1E-7", "0.1"])
    parts = [json_value(rng, depth - 1) for _ in range(rng.choice([0, 1, 3]))]
    blank = rng.choice(["", "", " "])
    if rng.random() < 0.5:
        return "[" + f",{blank}".join(parts) + "]"
    names = [json.dumps(rng.choice(["a", "b", "", "é", "a b", '"', "c"])) for _ in parts]
    return "{" + ",".join(f"{name}{blank}:{blank}{part}" for name, part in zip(names, parts)) + "}"


def json_text(rng):
    """Not JSON's own null, which JSON in a file does not tell from a null (docs/types.md)."""
    while True:
        value = json_value(rng, rng.randint(0, 4))
        if value != "null":
            return value


def json_own(rng):
    return rng.choice([json_text(rng), json_text(rng), '"\\u0000"', '{"a":1,"a":2}', "1e400"])


# Strings of one form each: what infers types takes them for something else, if it may.
JSON_STRINGS = (["5", "1.50", "-7"], ["true", "false"], ["2024-02-29", "0001-01-01"], ["12:00:00", "23:59:59.50"],
                ["2024-01-01T00:00:00", "2024-01-01 12:00:00.50"], ["2024-01-01T00:00:00Z", "2024-01-01 00:00:00+02"],
                ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"],
                ['{"a":1}', "[1]", "null"], ["x", ""])
JSON_OTHERS = (["true", "false"], ["5", "-7", "12345678901234567890123"], ["1.10", "0.1", "1E-7"])


def json_of_one_form(rng):
    """Makes the values of a column that has scalars of one form only."""
    if rng.random() < 0.6:
        return choice(*map(json.dumps, rng.choice(JSON_STRINGS)))
    return choice(*rng.choice(JSON_OTHERS))


def bits(count):
    return lambda rng: "".join(rng.choice("01") for _ in range(count))


def bits_up_to(count):
    return lambda rng: "".join(rng.choice("01") for _ in range(rng.randint(0, count)))


def address(rng):
    four = ".".join(str(rng.choice([0, 10, 127, 255])) for _ in range(4))
    six = ":".join(f"{rng.getrandbits(16):x}" for _ in range(8))
    return rng.choice([four, f"{four}/{rng.randint(0, 32)}", six, f"{six}/{rng.randint(0, 128)}", "::", "::1"])


def octets(count):
    return lambda rng: ":".join(f"{rng.getrandbits(8):02x}" for _ in range(count))


def range_of(make, order):
    """A range of two values in order; sometimes without an end, or empty."""
    def ranged(rng):
        if rng.random() < 0.15:
            return "empty"
        low, high = sorted([make(rng), make(rng)], key=order)
        low, high = rng.choice(["", f'"{low}"']), rng.choice(["", f'"{high}"'])
        return rng.choice("[(") + low + "," + high + rng.choice("])")

    return ranged


def small(rng):
    return str(rng.randint(-10**6, 10**6))


def short_decimal(rng):
    return f"{rng.randint(-10**9, 10**9)}.{digits(rng, rng.randint(1, 5))}"


def late_day(rng):
    return f"J{rng.randint(2400000, 2500000)}"


def late_stamp(rng):
    return f"J{rng.randint(2400000, 2500000)} {clock(rng)}"


def ranges_together(make):
    return lambda rng: "{" + ",".join(make(rng) for _ in range(rng.choice([0, 1, 3]))) + "}"


INT_RANGE = range_of(small, int)
NUM_RANGE = range_of(short_decimal, decimal.Decimal)
DAY_RANGE = range_of(late_day, str)
STAMP_RANGE = range_of(late_stamp, str)


def words(rng):
    return " ".join("'" + rng.choice(["a", "b c", "it''s", "é", "\\\\"]) + "'" +
                    rng.choice(["", ":1", ":2A,7B", ":16383"]) for _ in range(rng.choice([0, 1, 4])))


def query(rng):
    return rng.choice(["", "'a'", "'a' & !'b' | 'c d'", "'a':*A <-> 'b'", "('x' | 'y') <2> 'z'"])


def markup(rng):
    return rng.choice(["<a>b</a>", "x &amp; y", "<a b=\"c'd\">ß<b/>\n</a>", "", "<![CDATA[<&]]>", "<!-- -->"])


def coordinate(rng):
    return rng.choice(["0", "-0.1", "1e300", "5e-324", "Infinity", repr(rng.uniform(-1e3, 1e3))])


def point(rng):
    return f"({coordinate(rng)},{coordinate(rng)})"


def pair(rng):
    inner = text(rng).replace("\\", "\\\\").replace('"', '\\"')
    return "(" + rng.choice(["", str(rng.randint(-9, 9))]) + "," + rng.choice(["", f'"{inner}"']) + ")"


def deep(rng):
    inner = pair(rng).replace("\\", "\\\\").replace('"', '\\"')
    return f'("{inner}","{stamp_tz(rng)}",' + rng.choice(['""', '"{sad,NULL,ok}"', "{}", ""]).replace('""', "") + ")"


def choice(*values):
    return lambda rng: rng.choice(values)


@dataclasses.dataclass
class PgType:
    """poisons: values that stop a copy into a file of any format; they are the server's text."""

    name: str
    make: object
    poisons: tuple = ()
    arrays: bool = True
    since: int = 11


FIXED = [
    PgType("boolean", choice("t", "f")),
    PgType("smallint", whole(16)), PgType("integer", whole(32)), PgType("bigint", whole(64)),
    PgType("oid", natural(32)), PgType("xid", natural(32)), PgType("xid8", natural(64), since=13),
    PgType("real", real(32)), PgType("double precision", real(64)),
    PgType("numeric", numeric, since=14),
    PgType("money", lambda rng: rng.choice(["-92233720368547758.08", "92233720368547758.07", "0.01", short_decimal(rng)])),
    PgType("text", text), PgType("varchar", text), PgType("bpchar", text),
    PgType("name", short_text(15)), PgType('"char"', choice("", "a", '"', "\\", ","), arrays=False),
    PgType("bytea", raw), PgType("uuid", lambda rng: str(uuid.UUID(int=rng.getrandbits(128)))),
    PgType("date", day, ("infinity", "-infinity")),
    PgType("time", clock, ("24:00:00",)),
    PgType("timetz", lambda rng: rng.choice([clock_tz(rng), "24:00:00+00"])),
    PgType("timestamp", stamp, ("infinity", "-infinity", "294276-12-31 23:59:59.999999")),
    PgType("timestamptz", stamp_tz, ("infinity", "-infinity", "294276-12-31 23:59:59.999999+00")),
    PgType("interval", span, ("2562048 hours", "-292000 years 2000000 days 2000000000:00:00")),
    PgType("interval year to month", lambda rng: f"{rng.randint(-9999, 9999)} mons"),
    PgType("interval day to second(2)", lambda rng: f"{rng.randint(-99, 99)} days {clock(rng)[:11]}"),
    PgType("json", json_own), PgType("jsonb", json_text),
    PgType("jsonpath", choice("$.a[*] ? (@ > 1)", "strict $", '$."a b"'), since=12),
    PgType("inet", address), PgType("cidr", choice("192.168.0.0/24", "::/0", "10.0.0.0/8", "2001:db8::/32")),
    PgType("macaddr", octets(6)), PgType("macaddr8", octets(8)),
    PgType("bit varying", bits_up_to(100)),
    PgType("int4range", INT_RANGE), PgType("int8range", INT_RANGE), PgType("numrange", NUM_RANGE),
    PgType("daterange", DAY_RANGE), PgType("tsrange", STAMP_RANGE), PgType("tstzrange", STAMP_RANGE),
    PgType("int4multirange", ranges_together(INT_RANGE), since=14),
    PgType("tstzmultirange", ranges_together(STAMP_RANGE), since=14),
    PgType("xml", markup), PgType("tsvector", words), PgType("tsquery", query),
    PgType("point", point), PgType("box", lambda rng: f"{point(rng)},{point(rng)}", arrays=False),
    PgType("path", lambda rng: f"[{point(rng)},{point(rng)}]"), PgType("circle", lambda rng: f"<{point(rng)},0.5>"),
    PgType("pg_lsn", lambda rng: f"{rng.getrandbits(32):X}/{rng.getrandbits(32):X}"),
    PgType("mood", choice("sad", "ok", 'h,"p\'y', "{}", "", "NULL")),
    PgType("feel", choice("sad", "ok", "")),
    PgType("pair", pair), PgType("deep", deep),
    PgType("positive", lambda rng: str(rng.randint(1, 2**31 - 1))),
    PgType("price", decimal_of(8, 2), ("NaN",), arrays=False),  # in an array it is the server's text
    PgType("codes", choice("{}", "{a,NULL}", '{"x y","\\""}'), ('{{a},{b}}',), arrays=False),
]


def with_arguments(rng, version):
    """A type whose arguments are random, too."""
    kind = rng.choice(["numeric", "numeric", "varchar", "char", "bit", "varbit", "time", "stamp", "stamptz"])
    count, places = rng.choice([1, 2, 5, 31, 60]), rng.randint(0, 6)
    if kind == "numeric":
        precision = rng.choice([1, 4, 9, 10, 18, 19, 38, 39, 76, 77, 200])
        low, high = (-3, precision + 3) if version >= 15 else (0, precision)
        scale = rng.choice([0, precision, rng.randint(0, precision), rng.randint(low, high)])
        bounded = scale >= 0 and precision <= 76 and scale <= precision
        return PgType(f"numeric({precision},{scale})", decimal_of(precision, scale), ("NaN",) if bounded else ())
    return {
        "varchar": PgType(f"varchar({count})", short_text(count)),
        "char": PgType(f"char({count})", blank_padded(count)),
        "bit": PgType(f"bit({count})", bits(count)), "varbit": PgType(f"varbit({count})", bits_up_to(count)),
        "time": PgType(f"time({places})", lambda rng: clock(rng)[:8]),
        "stamp": PgType(f"timestamp({places})", lambda rng: stamp(rng)[:-7] + ".0"),
        "stamptz": PgType(f"timestamptz({places})", lambda rng: stamp(rng)[:-7] + "+00"),
    }[kind]


# --- tables --------------------------------------------------------------------------------------


def sql_name(name):
    return '"' + name.replace('"', '""') + '"'


def array_text(items):
    return "{" + ",".join("NULL" if item is None else '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
                          for item in items) + "}"


class Column:
    def __init__(self, rng, name, version):
        types = [type_ for type_ in FIXED if type_.since <= version]
        self.name = name
        self.type = with_arguments(rng, version) if rng.random() < 0.25 else rng.choice(types)
        if self.type.name in ("json", "jsonb") and rng.random() < 0.5:
            self.type = PgType(self.type.name, json_of_one_form(rng))
        self.many = self.type.arrays and rng.random() < 0.25
        self.nulls = rng.choice([0, 0.2, 0.2, 1])
        self.not_null = self.nulls == 0 and rng.random() < 0.5

    @property
    def ddl(self):
        return (f"{sql_name(self.name)} {self.type.name}{'[]' if self.many else ''}"
                f"{' not null' if self.not_null else ''}")

    def value(self, rng):
        if rng.random() < self.nulls:
            return None
        if not self.many:
            return self.type.make(rng)
        items = [None if rng.random() < 0.2 else self.type.make(rng) for _ in range(rng.choice([0, 1, 3]))]
        return array_text(items)

    def poison(self, rng):
        if self.many and rng.random() < 0.3 and self.type.name == "integer":
            return rng.choice(["{{1,2},{3,4}}", "[0:1]={5,6}"])
        value = rng.choice(self.type.poisons)
        return array_text([value]) if self.many else value


class PgTable:
    """A random schema and its rows, all of it text. refused: formats that cannot hold a value of it."""

    def __init__(self, seed, name, version, formats):
        rng = random.Random(seed)
        self.seed, self.name, self.refused = seed, name, set()
        names = rng.sample(ODD_NAMES + [f"c{i}" for i in range(20)], rng.choice([1, 3, 6, 6, 12]))
        self.columns = [Column(rng, each, version) for each in names]
        count = rng.choice([0, 1, 3, 20, 20, 60])
        self.rows = [[str(row)] + [column.value(rng) for column in self.columns] for row in range(count)]
        self._add_megabyte(rng)
        self._add_poison(rng, formats)
        self._add_nan(rng)

    def _add_megabyte(self, rng):
        wide = [i for i, c in enumerate(self.columns) if c.type.name in ("text", "varchar") and not c.many]
        if wide and self.rows and rng.random() < 0.1:
            alphabet = rng.choice(["x", 'a"\n,\\', "é日😀", "\t '"])
            unit = "".join(rng.choice(alphabet) for _ in range(64))
            repeats = MEGABYTE // len(unit.encode()) + 1
            rng.choice(self.rows)[rng.choice(wide) + 1] = unit * repeats

    def _add_poison(self, rng, formats):
        able = [i for i, column in enumerate(self.columns) if column.type.poisons]
        if able and self.rows and rng.random() < 0.15:
            at = rng.choice(able)
            rng.choice(self.rows)[at + 1] = self.columns[at].poison(rng)
            self.refused = set(formats)

    def _add_nan(self, rng):
        """NaN, which all hold but SQLite; inside of arrays it is JSON's text there, too."""
        able = [i for i, column in enumerate(self.columns) if column.type.name in ("real", "double precision")]
        if able and self.rows and rng.random() < 0.2:
            at = rng.choice(able)
            many = self.columns[at].many
            rng.choice(self.rows)[at + 1] = "{NaN}" if many else "NaN"
            self.refused |= set() if many else {"sqlite"}

    def ddl(self, schema):
        columns = ", ".join(["id int primary key"] + [column.ddl for column in self.columns])
        return f"create table {schema}.{sql_name(self.name)} ({columns})"

    def fill(self, connection, schema):
        with connection.cursor().copy(f"copy {schema}.{sql_name(self.name)} from stdin") as copy:
            for row in self.rows:
                copy.write_row(row)

    def seen(self, connection, schema, signed_zero=True):
        """Types and rows by the server's own word. SQLite keeps -0.0 as 0.0 (docs/types.md)."""
        name = f"{schema}.{sql_name(self.name)}"
        types = connection.execute(
            "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute "
            "where attrelid = %s::text::regclass and attnum > 0 order by attnum", [name]).fetchall()
        plain = {column.name for column in self.columns
                 if column.type.name in ("real", "double precision") and not column.many}
        values = ", ".join(f"({sql_name(each)} + 0.0::real) as {sql_name(each)}"
                           if not signed_zero and each in plain else sql_name(each) for each, _, _ in types)
        rows = connection.execute(f"select r::text from (select {values} from {name}) r order by id").fetchall()
        return types, [row[0] for row in rows]

    def __str__(self):
        return f"LEAT_PROPERTY=1 LEAT_PROPERTY_SEED={self.seed}: {self.ddl('x')}; {len(self.rows)} rows"
