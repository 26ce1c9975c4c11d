"""Random schemas and values through chains of systems: nothing is lost or changed silently.

Every case makes its tables with pyarrow or psycopg, copies them, and compares typed values as
independent readers see them. Where a destination cannot hold a value, the run must fail with a code
and a place, and the destination must be as it was.

LEAT_PROPERTY is the number of cases, LEAT_PROPERTY_SEED the first seed (a failure names its own).
A case is one table. Tables of PostgreSQL's own types are copied many to a command; the chains that
begin with an Arrow file take a command for each step, so there are fewer of them.
"""
import datetime
import decimal
import json
import math
import os
import random
import sqlite3
import struct

import psycopg
import pg_random
import pyarrow as pa
import postgres
import pytest
from pg_random import ODD_NAMES, ODD_TEXTS
from psycopg.adapt import Loader
from psycopg.pq import Format

CASES = int(os.environ.get("LEAT_PROPERTY", "500"))
CHAINS = max(1, CASES // 50)
SEED = int(os.environ.get("LEAT_PROPERTY_SEED", "20240607"))

DAYS_MIN, DAYS_MAX = -2440588, 2145042904  # what PostgreSQL has room for: 4713 BC to 5874897
MICROS_MIN, MICROS_MAX = -210866803200000000, 2**63 - 1
YEAR_1 = (datetime.date(1, 1, 1) - datetime.date(1970, 1, 1)).days
YEAR_9999 = (datetime.date(9999, 12, 31) - datetime.date(1970, 1, 1)).days
DAY_US = 86_400_000_000


# --- kinds of columns ----------------------------------------------------------------------------


class Kind:
    """A type, how to make its values, and what a value is apart from the system it lies in.

    `make` gives the canonical value: integers for dates and times, (months, days, nanoseconds) for
    intervals, Decimal, str, bytes, bool, float, list. `arrow` builds an array from them.
    """

    def __init__(self, name, type_, make, sqlite_bad=None, pg_bad=None, csv=True):
        self.name = name
        self.type = type_
        self.make = make
        self.sqlite_bad = sqlite_bad or (lambda value: False)
        self.pg_bad = pg_bad or (lambda value: False)
        self.csv = csv

    def column(self, rng, rows, good):
        """Values with nulls between them, each of them good."""
        nulls = rng.choice([0, 0.2, 0.2, 1])
        values = []
        for _ in range(rows):
            value = None if rng.random() < nulls else self.make(rng)
            while value is not None and not good(self, value):
                value = self.make(rng)
            values.append(value)
        return values


def integers(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def make(rng):
        pick = rng.choice([low, high, low + 1, high - 1, 0, 1, None, None, None])
        return rng.randint(low, high) if pick is None else pick

    name = f"{'' if signed else 'u'}int{bits}"
    return Kind(name, getattr(pa, name)(), make)


def floats(bits):
    code, as_int = ("<f", "<I") if bits == 32 else ("<d", "<Q")

    def make(rng):
        pick = rng.choice([0.0, -0.0, 1.0, 0.1, math.inf, -math.inf, math.nan, 1e22, 123456789.0, None, None,
                           None])
        if pick is not None:
            return struct.unpack(code, struct.pack(code, pick))[0]
        low = rng.choice([0, 0, (1 << bits) - (1 << bits - 1)])  # denormals, or any sign
        raw = low + rng.choice([rng.randrange(1, 1000), rng.randrange(1 << bits - 1)])
        return struct.unpack(code, struct.pack(as_int, raw))[0]

    return Kind(f"float{bits}", pa.float32() if bits == 32 else pa.float64(), make,
                sqlite_bad=math.isnan)


def decimals(precision, scale):
    def make(rng):
        digits = rng.choice([1, precision, precision, rng.randint(1, precision)])
        unscaled = rng.choice([0, 10**digits - 1, rng.randrange(10**digits)]) * rng.choice([1, -1])
        return decimal.Decimal(unscaled).scaleb(-scale, decimal.Context(prec=80, Emax=999, Emin=-999))

    type_ = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    return Kind(f"decimal({precision},{scale})", type_, make)


def texts():
    def make(rng):
        if rng.random() < 0.6:
            return rng.choice(ODD_TEXTS)
        if rng.random() < 0.05:
            return "zero\x00byte"
        alphabet = rng.choice(["ab", "'\"\\,\n\r\t", "aé日😀\u0301\u200d\ufffd"])
        return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 20)))

    return Kind("utf8", pa.string(), make, pg_bad=lambda v: "\x00" in v)


def binaries():
    def make(rng):
        return rng.choice([b"", b"\x00", b"\\x00", b"\xff\xfe", rng.randbytes(rng.randint(0, 40))])

    return Kind("binary", pa.binary(), make)


def temporal(name, type_, low, high, picks, pg_bad=None):
    def make(rng):
        pick = rng.choice([*picks, None, None, None])
        return rng.randint(low, high) if pick is None else pick

    return Kind(name, type_, make, pg_bad=pg_bad)


def intervals(unit_ns):
    def make(rng):
        pick = rng.choice([(0, 0, 0), (1, -2, 3 * unit_ns), (-14, 2, -500 * unit_ns), (0, 0, -unit_ns), None])
        return pick or (rng.randint(-1000, 1000), rng.randint(-1000, 1000),
                        rng.randint(-10**12, 10**12) * unit_ns)

    return Kind("interval", pa.month_day_nano_interval(), make, pg_bad=lambda v: v[2] % 1000 != 0)


def outside(low, high):
    return lambda value: not low <= value <= high


def lists(item):
    def make(rng):
        return [None if rng.random() < 0.2 else item.make(rng) for _ in range(rng.choice([0, 1, 2, 5]))]

    def any_bad(bad):
        return lambda value: any(bad(each) for each in value if each is not None)

    return Kind(f"list<{item.name}>", pa.list_(pa.field("item", item.type)), make,
                pg_bad=any_bad(item.pg_bad))  # to SQLite they go as JSON, which holds all


DAY_PICKS = [0, -1, YEAR_1, YEAR_9999, YEAR_1 - 1, YEAR_9999 + 1, -719529]
MICRO_PICKS = [0, -1, 1, YEAR_1 * DAY_US, (YEAR_9999 + 1) * DAY_US - 1, (YEAR_9999 + 1) * DAY_US,
               YEAR_1 * DAY_US - 1]

SCALARS = [
    Kind("bool", pa.bool_(), lambda rng: rng.random() < 0.5),
    *(integers(bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)),
    floats(32), floats(64),
    *(decimals(p, s) for p, s in ((1, 0), (9, 2), (18, 18), (38, 0), (38, 10), (38, 38), (76, 0), (76, 38))),
    texts(), binaries(),
    temporal("date", pa.date32(), DAYS_MIN - 1000, 2**31 - 1, DAY_PICKS + [DAYS_MIN, DAYS_MAX],
             outside(DAYS_MIN, DAYS_MAX)),
    temporal("time", pa.time64("us"), 0, DAY_US - 1, [0, DAY_US - 1, 1, 1000]),
    temporal("time(ns)", pa.time64("ns"), 0, DAY_US * 1000 - 1, [0, 1000, 1], lambda v: v % 1000 != 0),
    temporal("time(s)", pa.time32("s"), 0, 86399, [0, 86399]),
    temporal("timestamp", pa.timestamp("us"), -2**62, 2**62, MICRO_PICKS + [MICROS_MIN, MICROS_MIN - 1],
             outside(MICROS_MIN, MICROS_MAX)),
    temporal("timestamp(s)", pa.timestamp("s"), -10**10, 10**10, [0, -1]),
    temporal("timestamp(ns)", pa.timestamp("ns"), -2**63, 2**63 - 1, [0, -1, -1000, 1001],
             lambda v: v % 1000 != 0),
    temporal("timestamptz", pa.timestamp("us", "UTC"), -2**62, 2**62, MICRO_PICKS,
             outside(MICROS_MIN, MICROS_MAX)),
    temporal("timestamptz(ms)", pa.timestamp("ms", "UTC"), -10**13, 10**13, [0, -1]),
    intervals(1000), intervals(1),
]
KINDS = SCALARS + [lists(kind) for kind in SCALARS]


# --- tables --------------------------------------------------------------------------------------


def build(kind_type, values):
    """An Arrow array of canonical values, laid out by pyarrow."""
    if pa.types.is_list(kind_type):
        flat = [each for value in values if value is not None for each in value]
        offsets, at = [], 0
        for value in values:
            offsets.append(None if value is None else at)
            at += len(value or ())
        items = build(kind_type.value_type, flat)
        return pa.ListArray.from_arrays(pa.array(offsets + [at], pa.int32()), items, type=kind_type)
    if pa.types.is_temporal(kind_type) and not pa.types.is_interval(kind_type):
        width = pa.int32() if kind_type.bit_width == 32 else pa.int64()
        return pa.array(values, width).view(kind_type)
    return pa.array([pa.MonthDayNano(v) if isinstance(v, tuple) else v for v in values], kind_type)


def taken_apart(array):
    """Canonical values of an Arrow array; what build() was given."""
    type_ = array.type
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in taken_apart(chunk)]
    if pa.types.is_list(type_):
        items = taken_apart(array.values)
        offsets, valid = array.offsets.to_pylist(), array.is_valid().to_pylist()
        return [items[offsets[i]:offsets[i + 1]] if valid[i] else None for i in range(len(array))]
    if pa.types.is_temporal(type_) and not pa.types.is_interval(type_):
        array = array.view(pa.int32() if type_.bit_width == 32 else pa.int64())
    return [tuple(v) if isinstance(v, pa.MonthDayNano) else v for v in array.to_pylist()]


class Table:
    """A random schema and its rows; the first column, `id`, says which row is which."""

    def __init__(self, rng, good, kinds=None, columns=None, rows=None):
        self.rows = rng.choice([0, 1, 2, 30, 30, 200]) if rows is None else rows
        count = rng.choice([1, 3, 6, 6, 12]) if columns is None else columns
        names = rng.sample(ODD_NAMES, min(count, len(ODD_NAMES)))
        names += [f"c{i}" for i in range(count - len(names))]
        rng.shuffle(names)
        self.names = ["id"] + names
        self.kinds = [KINDS_BY_NAME["int64"]] + [rng.choice(kinds or KINDS) for _ in names]
        self.values = [list(range(self.rows))] + [kind.column(rng, self.rows, good)
                                                  for kind in self.kinds[1:]]

    def arrow(self):
        fields = [pa.field(name, kind.type) for name, kind in zip(self.names, self.kinds)]
        return pa.table([build(kind.type, values) for kind, values in zip(self.kinds, self.values)],
                        schema=pa.schema(fields))

    def write(self, path):
        table = self.arrow()
        table.validate(full=True)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(1, self.rows // 2 + 1))

    def __str__(self):
        return ", ".join(f"{n!r} {k.name}" for n, k in zip(self.names, self.kinds)) + f"; {self.rows} rows"


KINDS_BY_NAME = {kind.name: kind for kind in KINDS}


def read_arrow(path):
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    table.validate(full=True)
    return table


def plain(value, signed_zero=True):
    """A value such that equal ones compare equal, and -0.0 and NaN are themselves."""
    if isinstance(value, float):
        sign = math.copysign(1, value) if signed_zero else 0
        return "NaN" if value != value else ("float", value, sign)
    if isinstance(value, decimal.Decimal):
        return str(value)
    return [plain(each, signed_zero) for each in value] if isinstance(value, list) else value


def assert_columns(table, found, note, signed_zero=True):
    """found: canonical values by column, as another reader saw them."""
    for name, kind, want, have in zip(table.names, table.kinds, table.values, found):
        assert len(have) == len(want), f"{note}: {len(have)} rows of {len(want)}; {table}"
        for row, (a, b) in enumerate(zip(want, have)):
            if plain(a, signed_zero) != plain(b, signed_zero):
                raise AssertionError(f"{note}: column {name!r} ({kind.name}) row {row}: "
                                     f"{b!r} where {a!r} belongs; {table}")


def in_unit(type_from, type_to):
    """How to multiply a count of one unit to get it in another (dates and times)."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    return per_second[type_to.unit], per_second[type_from.unit]


def as_kind(kind_type, array):
    """The array's canonical values as they would be in the kind's own type."""
    values = taken_apart(array)
    have = array.type
    want = kind_type
    if pa.types.is_list(want) and pa.types.is_list(have):
        want, have = want.value_type, have.value_type
    if hasattr(want, "unit") and hasattr(have, "unit") and want.unit != have.unit:
        up, down = in_unit(have, want)

        def scale(value):
            if value is None:
                return None
            if isinstance(value, list):
                return [scale(each) for each in value]
            assert value * up % down == 0
            return value * up // down

        values = [scale(value) for value in values]
    if pa.types.is_integer(want) and pa.types.is_decimal(have):
        values = [[None if v is None else int(v) for v in value] if isinstance(value, list) else
                  None if value is None else int(value) for value in values]
    return values


def assert_arrow_file(table, path, note, signed_zero=True):
    found = read_arrow(path)
    assert found.column_names == table.names, note
    order = found["id"].to_pylist()
    places = [place for place, _ in sorted(enumerate(order), key=lambda pair: pair[1])]
    found = found.take(pa.array(places, pa.int64())) if order != sorted(order) else found
    assert_columns(table, [as_kind(kind.type, column)
                           for kind, column in zip(table.kinds, found.columns)], note,
                   signed_zero)


# --- readers of the middle -----------------------------------------------------------------------


def raw_loader(decode):
    class Raw(Loader):
        format = Format.BINARY

        def load(self, data):
            return decode(bytes(data))

    return Raw


EPOCH_DAYS, EPOCH_US = 10957, 946684800 * 10**6  # 2000-01-01, from which PostgreSQL counts


def _interval(raw):
    micros, days, months = struct.unpack(">qii", raw)
    return months, days, micros * 1000


RAW = {"date": lambda raw: struct.unpack(">i", raw)[0] + EPOCH_DAYS,
       "time": lambda raw: struct.unpack(">q", raw)[0],
       "timestamp": lambda raw: struct.unpack(">q", raw)[0] + EPOCH_US,
       "timestamptz": lambda raw: struct.unpack(">q", raw)[0] + EPOCH_US,
       "interval": _interval}


def read_pg(db, name, table):
    """The rows by column, dates and times as the server's own integers."""
    with db.connect() as connection:
        for type_, decode in RAW.items():
            connection.adapters.register_loader(type_, raw_loader(decode))
        cursor = connection.cursor(binary=True)
        rows = cursor.execute(psycopg.sql.SQL("select * from {} order by 1").format(
            psycopg.sql.Identifier(name))).fetchall()
        assert [column.name for column in cursor.description] == table.names
    columns = [list(column) for column in zip(*rows)] or [[] for _ in table.names]
    return [[from_pg(kind.type, value) for value in column]
            for kind, column in zip(table.kinds, columns)]


def from_pg(type_, value):
    """What PostgreSQL holds, in the units of the Arrow type."""
    if value is None:
        return None
    if pa.types.is_list(type_):
        return [from_pg(type_.value_type, each) for each in value]
    if hasattr(type_, "unit") and isinstance(value, int):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[type_.unit]
        assert value * per_second % 10**6 == 0
        return value * per_second // 10**6
    return int(value) if pa.types.is_integer(type_) else value


def read_sqlite(path, name, table):
    """Columns whose storage tells the value without leat's conventions; others are None."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        quoted = '"' + name.replace('"', '""') + '"'
        cursor = connection.execute(f"select * from {quoted} order by 1")
        assert [column[0] for column in cursor.description] == table.names
        rows = cursor.fetchall()
    finally:
        connection.close()
    columns = [list(column) for column in zip(*rows)] or [[] for _ in table.names]
    return [[None if v is None else from_sqlite(kind, v) for v in column]
            for kind, column in zip(table.kinds, columns)]


def from_sqlite(kind, value):
    if kind.name == "bool":
        assert value in (0, 1)
        return bool(value)
    if pa.types.is_decimal(kind.type):
        assert isinstance(value, str)
        return decimal.Decimal(value)
    if kind.name == "uint64":
        assert isinstance(value, str)
        return int(value)
    if kind.name == "date" and len(value) == 10 and value >= "0001":
        return (datetime.date.fromisoformat(value) - datetime.date(1970, 1, 1)).days
    return value


def told_by_sqlite(kind, value):
    """Whether read_sqlite() can give the canonical value by itself."""
    if kind.name.startswith(("list", "time", "interval")):
        return False
    if isinstance(value, float) and value == 0:
        return False  # SQLite stores whole reals as integers, which know no -0.0
    return kind.name != "date" or value is None or YEAR_1 <= value <= YEAR_9999


# --- the cases -----------------------------------------------------------------------------------


@pytest.fixture(params=range(CHAINS))
def rng(request):
    seed = SEED + request.param
    print(f"\nLEAT_PROPERTY=1 LEAT_PROPERTY_SEED={seed} shows this case again")
    return random.Random(seed)


def name_of_stream(rng):
    return rng.choice(["t", "Odd Name", "select", "ünï", "it's"])


def pg_location(db, name):
    return db.stream('"' + name.replace('"', '""') + '"')


def good_for(*systems):
    def good(kind, value):
        return not (("postgres" in systems and kind.pg_bad(value)) or
                    ("sqlite" in systems and kind.sqlite_bad(value)))

    return good


def spoil(rng, table, bad):
    """Puts one value into the table that `bad` says is bad; False when no column takes one."""
    at = [i for i in range(1, len(table.kinds))]
    rng.shuffle(at)
    for column in at:
        kind = table.kinds[column]
        for _ in range(200):
            value = kind.make(rng)
            if bad(kind, value) and table.rows:
                table.values[column][rng.randrange(table.rows)] = value
                return table.names[column]
    return None


def pg_can_name(table):
    return all(len(name.encode()) <= 63 for name in table.names)


def test_arrow_through_postgres_and_back(rng, leat, pg_db, tmp_path):
    table = Table(rng, good_for("postgres"))
    source, back = tmp_path / "in.arrow", tmp_path / "out.arrow"
    table.write(source)
    stream = name_of_stream(rng)
    verify = rng.choice([(), ("--verify",)])
    leat.ok("cp", source, pg_location(pg_db, stream), *verify)
    assert_columns(table, read_pg(pg_db, stream, table), "in PostgreSQL")
    leat.ok("cp", pg_location(pg_db, stream), back, *verify)
    assert_arrow_file(table, back, "back from PostgreSQL")
    again = tmp_path / "again.arrow"
    leat.ok("cp", source, again, *verify)
    assert_arrow_file(table, again, "Arrow to Arrow")


def test_arrow_through_sqlite_and_back(rng, leat, tmp_path):
    table = Table(rng, good_for("sqlite"))
    source, back, base = tmp_path / "in.arrow", tmp_path / "out.arrow", tmp_path / "x.db"
    table.write(source)
    stream = name_of_stream(rng)
    verify = rng.choice([(), ("--verify",)])
    leat.ok("cp", source, f"sqlite:{base}#\"{stream}\"", *verify)
    found = read_sqlite(base, stream, table)
    told = [[have if told_by_sqlite(kind, want) else want for want, have in zip(wants, haves)]
            for kind, wants, haves in zip(table.kinds, table.values, found)]
    assert_columns(table, told, "in SQLite")
    leat.ok("cp", f"sqlite:{base}#\"{stream}\"", back, *verify)
    assert_arrow_file(table, back, "back from SQLite", signed_zero=False)


def casts_of(table):
    """--cast of every column to the type it had."""
    return ",".join(f"{quoted(name)}={kind.name}" for name, kind in zip(table.names, table.kinds))


def quoted(name):
    return '"' + name.replace('"', '""') + '"' if not name.isalnum() else name


def test_arrow_through_csv_and_back(rng, leat, tmp_path):
    table = Table(rng, good_for())
    ending = rng.choice(["csv", "tsv", "csv.gz", "csv.zst", "csv.lz4"])
    source, back, middle = tmp_path / "in.arrow", tmp_path / "out.arrow", tmp_path / f"x.{ending}"
    table.write(source)
    leat.ok("cp", source, middle)
    leat.ok("cp", middle, back, f"--cast={casts_of(table)}")
    assert_arrow_file(table, back, f"back from {ending}")


def test_a_value_the_destination_cannot_hold_leaves_it_as_it_was(rng, leat, pg_db, tmp_path):
    system = rng.choice(["postgres", "sqlite"])
    bad = (lambda kind, value: kind.pg_bad(value)) if system == "postgres" else \
        (lambda kind, value: kind.sqlite_bad(value))
    able = [kind for kind in KINDS if any(bad(kind, kind.make(random.Random(i))) for i in range(300))]
    table = Table(rng, good_for(system), kinds=able, rows=rng.choice([1, 5, 100]))
    column = spoil(rng, table, bad)
    if column is None:
        return
    source, base = tmp_path / "in.arrow", tmp_path / "x.db"
    table.write(source)
    place = pg_location(pg_db, "t") if system == "postgres" else f"sqlite:{base}#t"
    done = leat.fails(1, "value-range", "cp", source, place)
    assert "row " in done.stderr, done.stderr
    assert column.replace("\t", " ").replace("\n", " ") in done.stderr, done.stderr
    assert "destination unchanged" in done.stderr
    if system == "postgres":
        assert pg_db.tables() == []
    else:
        assert "t" not in sqlite_names(base)
    # The same over rows that are there: they stay.
    before = Table(rng, good_for(system), kinds=[KINDS_BY_NAME["int64"]], rows=3)
    before.names, before.kinds = table.names, table.kinds
    before.values = [[0, 1, 2]] + [[None] * 3 for _ in table.kinds[1:]]
    before.write(tmp_path / "before.arrow")
    leat.ok("cp", tmp_path / "before.arrow", place)
    mode = rng.choice(["--replace", "--append"])
    leat.fails(1, "value-range", "cp", source, place, mode)
    found = read_pg(pg_db, "t", table) if system == "postgres" else read_sqlite(base, "t", table)
    assert_columns(before, found, "after a failed load")
    # And set aside, the others arrive.
    rejects = tmp_path / "bad.jsonl"
    done = leat("cp", source, place, "--replace", "--on-error=skip", f"--rejects={rejects}", "--allow-empty")
    assert done.returncode == 4, done.stderr
    lines = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    gone = [row for row in range(table.rows)
            if any(values[row] is not None and bad(kind, values[row])
                   for kind, values in zip(table.kinds, table.values))]
    assert len(lines) == len(gone) and all(line["code"] == "value-range" for line in lines)
    assert all(f"row {row + 1}" in line["place"] for line, row in zip(lines, gone))
    assert all(json.loads(line["record"])["id"] == row for line, row in zip(lines, gone))
    table.values = [[v for row, v in enumerate(values) if row not in gone] for values in table.values]
    table.rows -= len(gone)
    if system == "postgres":
        assert_columns(table, read_pg(pg_db, "t", table), "after the bad rows were set aside")
    else:
        assert sqlite_names(base) and len(read_sqlite(base, "t", table)[0]) == table.rows


def sqlite_names(path):
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return [row[0] for row in connection.execute("select name from sqlite_master")]
    finally:
        connection.close()


@pytest.mark.parametrize("columns, rows", [(299, 20), (0, 3), (1, 0)])
def test_tables_of_many_columns_one_or_no_rows_survive_every_system(columns, rows, leat, pg_db, tmp_path):
    table = Table(random.Random(columns), good_for("postgres", "sqlite"), kinds=SCALARS, columns=columns, rows=rows)
    hops = [str(tmp_path / "in.arrow"), pg_db.stream("t"), f"sqlite:{tmp_path}/x.db#t",
            str(tmp_path / "m.csv"), str(tmp_path / "out.arrow")]
    table.write(hops[0])
    for near, far in zip(hops, hops[1:]):
        casts = [f"--cast={casts_of(table)}"] if near.endswith(".csv") else []
        leat.ok("cp", near, far, *casts)
    assert_arrow_file(table, hops[-1], "at the end", signed_zero=False)


# --- PostgreSQL's own types ----------------------------------------------------------------------

# What a copy goes through, whether the table at the end is made by leat, and the file of a stream.
# CSV, JSON Lines and SQLite know fewer types than PostgreSQL, so there the table is there already.
FORMATS = {"csv": False, "jsonl": False, "sqlite": False, "arrow": True, "arrows": True, "parquet": True}
BATCH = 25


def batch_of(first, version):
    """As many random tables as one command copies, each from a seed of its own."""
    names = random.Random(SEED + first).sample(pg_random.ODD_TABLES, 3)
    return [pg_random.PgTable(SEED + i, names[i - first] if i - first < len(names) else f"t{i - first}", version,
                              FORMATS)
            for i in range(first, min(first + BATCH, CASES))]


def outcomes(path):
    """By stream: None, or the code of its error."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return {stream["source"].removeprefix("near."): stream["error"] and stream["error"]["code"]
            for stream in report["streams"]}


def assert_same_tables(tables, db, schema, how, failed):
    with db.connect() as connection:
        connection.execute("set extra_float_digits = 3")
        for table in tables:
            signed_zero = how != "sqlite"
            want = table.seen(connection, "near", signed_zero)
            have = table.seen(connection, schema, signed_zero)
            if have[0] != want[0]:
                failed.append(f"by way of {how}: columns {have[0]} of {want[0]}; {table}")
            elif have[1] != want[1]:
                row = next((pair for pair in zip(want[1], have[1]) if pair[0] != pair[1]), "their number")
                failed.append(f"by way of {how}: rows differ: {str(row)[:3000]}; {table}")


def copy_all(tables, how, leat, source, place, folder, failed):
    """Every table of schema near; returns those that are there, for the others must be refused."""
    report = folder / f"{how}.json"
    done = leat("cp", source, *place, "--keep-going", f"--report={report}")
    codes = outcomes(report)
    for table in tables:
        wanted = "value-range" if how in table.refused else None
        if codes[table.name] != wanted:
            failed.append(f"to {how}: {codes[table.name]} where {wanted} belongs; {table}: {done.stderr[:3000]}")
    assert done.returncode == (1 if any(codes.values()) else 0), done.stderr
    return [table for table in tables if codes[table.name] is None]


def through(tables, middle, leat, db, folder, failed):
    """By way of files of a format, or a SQLite database, into a schema of its own."""
    place = [f"sqlite:{folder}/m.db"] if middle == "sqlite" else [f"{folder}/{middle}/", f"--format={middle}"]
    good = copy_all(tables, middle, leat, f"{db.url}#near.", place, folder, failed)
    if middle != "sqlite":
        assert len([*(folder / middle).glob("*." + middle)]) == len(good), "files of tables that were refused"
    db.execute(f'create schema "{middle}"',
               *([] if FORMATS[middle] else [table.ddl(f'"{middle}"') for table in good]))
    done = leat("cp", place[0], f"{db.url}#{middle}.", "--keep-going")
    if done.returncode != 0:
        failed.append(f"from {middle}: {done.stderr[:6000]}; " + "; ".join(map(str, good)))
    else:
        assert_same_tables(good, db, f'"{middle}"', middle, failed)


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_postgres_tables_are_unchanged_by_a_way_through_every_format(first, leat, pg, pg_db, tmp_path):
    print(f"\nLEAT_PROPERTY={CASES} LEAT_PROPERTY_SEED={SEED}: tables {first} to {first + BATCH - 1}")
    tables = batch_of(first, postgres.version())
    pg_db.execute("create schema near", "create schema direct",
                  *[line for line in pg_random.TYPES.strip().split("\n") if line],
                  *[table.ddl("near") for table in tables])
    with pg_db.connect() as connection:
        for table in tables:
            table.fill(connection, "near")
    failed = []
    for middle in FORMATS:
        through(tables, middle, leat, pg_db, tmp_path, failed)
    good = copy_all(tables, "direct", leat, f"{pg_db.url}#near.", [f"{pg_db.url}#direct.", "--verify"], tmp_path,
                    failed)
    assert_same_tables(good, pg_db, "direct", "direct", failed)
    assert not failed, "\n".join(failed)


def test_text_of_a_csv_file_reaches_an_existing_column_as_it_is(leat, pg_db, tmp_path):
    values = ("1.10", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "2024-01-01T10:00:00+02:00", "TRUE", "1e5")
    path, base = tmp_path / "in.csv", tmp_path / "x.db"
    path.write_text("v,u,t,b,e\n" + ",".join(values) + "\n", encoding="utf-8")
    pg_db.execute("create table texts (v text, u text, t varchar(40), b text, e text)",
                  "create table exact (v numeric, u uuid, t timestamptz, b bool, e real)",
                  "create table bytes (a bytea, f real, j json)")
    leat.ok("cp", path, pg_db.stream("texts"), "--verify")
    assert pg_db.rows("texts") == [values]
    connection = sqlite3.connect(base)
    connection.execute("create table texts (v text, u text, t text, b text, e text)")
    connection.close()
    leat.ok("cp", "csv:-", f"sqlite:{base}#texts", "--also", pg_db.stream("texts"), "--replace",
            stdin=path.read_bytes())
    assert pg_db.rows("texts") == [values] == [
        tuple(row) for row in sqlite3.connect(base).execute("select * from texts")]
    leat.ok("cp", path, pg_db.stream("exact"))
    assert str(pg_db.rows("exact")[0][0]) == "1.10"
    path.write_text("a,f,j\n\\x00ff,0.1,1.10\n", encoding="utf-8")
    leat.ok("cp", path, pg_db.stream("bytes"))
    with pg_db.connect() as connection:
        assert connection.execute("select a, f::text, j::text from bytes").fetchall() == [
            (b"\x00\xff", "0.1", "1.10")]


def test_values_that_arrow_has_no_place_for_are_read_as_text_when_asked(leat, pg_db, tmp_path):
    pg_db.execute("create table t (d date, t time, z timestamptz, m int[], n numeric(5,2))",
                  "insert into t values ('infinity', '24:00', '-infinity', '{{1,2},{3,4}}', 'NaN')")
    out = tmp_path / "out.arrow"
    leat.fails(1, "value-range", "cp", pg_db.stream("t"), out)
    assert not out.exists()
    leat.ok("cp", pg_db.stream("t"), out, *[f"--cast={name}=utf8" for name in "dtzmn"])
    assert list(read_arrow(out).to_pylist()[0].values()) == [
        "infinity", "24:00:00", "-infinity", "{{1,2},{3,4}}", "NaN"]


def test_names_that_the_server_would_cut_are_refused(leat, pg_db, tmp_path):
    with pa.OSFile(str(tmp_path / "in.arrow"), "wb") as file:
        table = pa.table({"ä" * 32: [1], "b": [2]})
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    done = leat.fails(2, "invalid", "cp", tmp_path / "in.arrow", pg_db.stream("t"))
    assert "63 bytes" in done.stderr and "--rename" in done.stderr
    assert pg_db.tables() == []


def test_nested_lists_become_json_in_postgres(leat, pg_db, tmp_path):
    with pa.OSFile(str(tmp_path / "in.arrow"), "wb") as file:
        table = pa.table({"n": pa.array([[[1], [2, 3]], [], None, [None, [None]]],
                                        pa.list_(pa.list_(pa.int32())))})
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    leat.ok("cp", tmp_path / "in.arrow", pg_db.stream("t"), "--verify")
    with pg_db.connect() as connection:
        assert connection.execute("select n from t").fetchall() == [
            ([[1], [2, 3]],), ([],), (None,), ([None, [None]],)]


def test_a_rejected_sqlite_row_keeps_its_bytes(leat, tmp_path):
    base, rejects = tmp_path / "x.db", tmp_path / "bad.jsonl"
    connection = sqlite3.connect(base)
    connection.execute("create table t (a text)")
    connection.execute("insert into t values (x'00ff'), (cast(x'ff41' as text)), ('good')")
    connection.commit()
    connection.close()
    done = leat("cp", f"sqlite:{base}#t", tmp_path / "out.csv", "--on-error=skip", f"--rejects={rejects}")
    assert done.returncode == 4, done.stderr
    lines = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert [json.loads(line["record"]) for line in lines] == [{"a": "\\x00ff"}, {"a": "\\xff41"}]
    done = leat.fails(1, "value-syntax", "cp", f"sqlite:{base}#t", tmp_path / "out.csv")
    assert "CAST" in done.stderr
