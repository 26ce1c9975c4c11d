"""The same rows through every pair of systems, judged at the far end by an independent reader."""
import json
import os

import pyarrow as pa
import pytest

import readers

SYSTEMS = ["sqlite", "postgres", "csv", "jsonl", "parquet", "arrow"]
FLIGHTS_ROWS = 20_000
# The 3,000,000 rows of flights-3m go through a tour that reads and writes every system once;
# LEAT_PAIRS=all sends them through all pairs.
TOUR = ["parquet", "postgres", "arrow", "sqlite", "csv", "jsonl", "parquet"]
FLIGHTS_3M = {"date": "TIMESTAMP", "delay": "BIGINT", "distance": "BIGINT", "origin": "VARCHAR",
              "destination": "VARCHAR"}
FLIGHTS_JSON = {"delay": "BIGINT", "distance": "BIGINT", "time": "DOUBLE"}


class Place:
    """Where one stream lies in one system: its name for leat, and its rows."""

    def __init__(self, system, name, folder, db):
        self.system = system
        self.name = name
        self.db = db
        self.path = folder / ("shop.db" if system == "sqlite" else f"{name}.{system}")

    @property
    def location(self):
        if self.system == "postgres":
            return self.db.stream(self.name)
        return f"sqlite:{self.path}#{self.name}" if self.system == "sqlite" else str(self.path)

    def table(self):
        if self.system == "postgres":
            return readers.pg_table(self.db.url, f'public."{self.name}"')
        if self.system == "sqlite":
            return readers.sqlite_table(self.path, self.name)
        return getattr(readers, f"{self.system}_table")(self.path)

    def sum(self, types):
        """Rows and a sum over them, of a table too large to compare row by row."""
        path = {"sqlite": (self.path, self.name), "postgres": self.name}.get(self.system, self.path)
        return readers.large_sum(self.system, path, types, self.db and self.db.url)


class Original:
    """A file the tests did not make: its rows, and which columns have which property."""

    def __init__(self, location, table, float32=(), casts=None, json=()):
        self.location = location
        self.columns, self.rows = table
        self.float32 = float32
        self.casts = casts or {}  # what the user says of columns that CSV forgets the type of
        self.json = json  # columns of JSON: their values of several kinds are its text elsewhere


def vega(name, **properties):
    def load(request, folder):
        path = request.getfixturevalue("data") / name
        read = readers.json_table if path.suffix == ".json" else readers.csv_table
        return Original(str(path), read(path), **properties)

    return load


def flights(request, folder):
    with pa.OSFile(str(request.getfixturevalue("data") / "flights-200k.arrow")) as file:
        table = pa.ipc.open_file(file).read_all().slice(0, FLIGHTS_ROWS)
    path = folder / "flights.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return Original(str(path), readers.arrow_table(path), float32=(2,))


def of_chinook(table):
    def load(request, folder):
        chinook = request.getfixturevalue("chinook")
        return Original(f"sqlite:{chinook}#{table}", readers.sqlite_table(chinook, table))

    return load


ORIGINALS = {
    "airports": vega("airports.csv"),
    "zipcodes": vega("zipcodes.csv", casts={0: "utf8"}),
    "birdstrikes": vega("birdstrikes.csv"),
    "movies": vega("movies.json", casts={0: "json"}, json=(0,)),
    "flights": flights,
    "track": of_chinook("Track"),
    "customer": of_chinook("Customer"),
}


@pytest.fixture(scope="module", params=ORIGINALS)
def original(request, tmp_path_factory):
    return request.param, ORIGINALS[request.param](request, tmp_path_factory.mktemp("original"))


def kept_as_json(original, row, system):
    """A row of the original as the far end has it; PostgreSQL and JSON Lines give JSON's values."""
    if system in ("postgres", "jsonl") or not original.json:
        return row
    return tuple(json.dumps(value, ensure_ascii=False) if i in original.json and value is not None else value
                 for i, value in enumerate(row))


def in_one_order(expected, rows):
    """Neither end promises an order; rows that differ in theirs are sorted by their text."""
    def key(row):
        return ["" if value is None else str(value) for value in row]

    if rows and key(rows[0]) != key(expected[0]):
        return sorted(expected, key=key), sorted(rows, key=key)
    return expected, rows


@pytest.mark.parametrize("near", SYSTEMS)
def test_rows_are_equal_at_the_far_end_of_every_pair(original, near, leat, pg_db, tmp_path):
    name, original = original
    first = Place(near, name, tmp_path, pg_db)
    leat.ok("cp", original.location, first.location)
    # CSV forgets what text with leading zeros was; the user says so, as the help tells them to.
    casts = [f"--cast={original.columns[i]}={type_}" for i, type_ in original.casts.items()] if near == "csv" else []
    for far in SYSTEMS:
        second = Place(far, f"{name}_far", tmp_path, pg_db)
        leat.ok("cp", first.location, second.location, *casts)
        columns, rows = second.table()
        assert columns == original.columns
        expected = [kept_as_json(original, row, far) for row in original.rows]
        try:
            readers.assert_same_rows(*in_one_order(expected, rows), original.float32)
        except AssertionError as wrong:
            raise AssertionError(f"{near} to {far}: {wrong}") from None
        if far in ("postgres", "arrow", "parquet"):
            for i in (i for i, type_ in original.casts.items() if type_ == "utf8"):
                assert all(isinstance(row[i], str) for row in rows), f"{near} to {far}"


@pytest.mark.parametrize("near", SYSTEMS)
def test_200_thousand_rows_of_json_have_equal_sums_at_the_far_end_of_every_pair(near, leat, data, pg_db, tmp_path):
    source = data / "flights-200k.json"
    expected = readers.large_sum("json", source, FLIGHTS_JSON)
    first = Place(near, "flights", tmp_path, pg_db)
    leat.ok("cp", source, first.location)
    for far in SYSTEMS:
        second = Place(far, "flights_far", tmp_path, pg_db)
        leat.ok("cp", first.location, second.location)
        assert second.sum(FLIGHTS_JSON) == expected, f"{near} to {far}"


def every_pair():
    """A tour over all ordered pairs, those of a system with itself included."""
    left = {near: [near] + [far for far in SYSTEMS if far != near] for near in SYSTEMS}
    tour, way = [], ["parquet"]
    while way:  # Hierholzer's
        if left[way[-1]]:
            way.append(left[way[-1]].pop())
        else:
            tour.append(way.pop())
    return tour[::-1]


@pytest.mark.timeout(1800)
def test_3_million_rows_have_equal_sums_after_each_step_of_a_tour(leat, data, pg_db, tmp_path):
    source = data / "flights-3m.parquet"
    expected = readers.large_sum("parquet", source, FLIGHTS_3M)
    assert expected[0] == 3_000_000
    systems = every_pair() if os.environ.get("LEAT_PAIRS") == "all" else TOUR
    near = Place(systems[0], "step0", tmp_path, pg_db)
    leat.ok("cp", source, near.location)
    for number, system in enumerate(systems[1:], 1):
        far = Place(system, f"step{number}", tmp_path / f"{number % 2}", pg_db)
        far.path.parent.mkdir(exist_ok=True)
        leat.ok("cp", near.location, far.location)
        assert far.sum(FLIGHTS_3M) == expected, f"{near.system} to {system}"
        if near.system == "postgres":
            pg_db.execute(f"drop table {near.name}")
        else:
            near.path.unlink()
        near = far


def whole(system, name, folder, db):
    """The location that holds the tables of a whole database, and what says the format."""
    if system == "postgres":
        db.execute(f"create schema {name}")
        return f"{db.url}#{name}.", []
    if system == "sqlite":
        return f"sqlite:{folder}/{name}.db", []
    return f"{folder}/{name}-{system}/", [f"--format={system}"]


def table_of_whole(system, name, table, folder, db):
    if system == "postgres":
        return readers.pg_table(db.url, f'{name}."{table}"')
    if system == "sqlite":
        return readers.sqlite_table(folder / f"{name}.db", table)
    return getattr(readers, f"{system}_table")(folder / f"{name}-{system}" / f"{table}.{system}")


@pytest.mark.parametrize("near", SYSTEMS)
def test_a_whole_database_is_equal_at_the_far_end_of_every_pair(near, leat, chinook, pg_db, tmp_path):
    tables = [name for kind, name, *_ in readers.sqlite_table(chinook, "sqlite_schema")[1] if kind == "table"
              and not name.startswith("sqlite_")]
    assert len(tables) == 11
    first, options = whole(near, "near", tmp_path, pg_db)
    leat.ok("cp", chinook, first, *options)
    types = [f"--schema-from={chinook}"] if near in ("csv", "jsonl") else []
    for far in SYSTEMS:
        second, options = whole(far, f"far_{far}", tmp_path, pg_db)
        leat.ok("cp", first, second, *types, *options)
        for table in tables:
            columns, rows = table_of_whole(far, f"far_{far}", table, tmp_path, pg_db)
            wanted, expected = readers.sqlite_table(chinook, table)
            assert columns == wanted, f"{near} to {far}: {table}"
            try:
                readers.assert_same_rows(*in_one_order(expected, rows))
            except AssertionError as wrong:
                raise AssertionError(f"{near} to {far}: {table}: {wrong}") from None


@pytest.mark.quick
@pytest.mark.asan
def test_a_csv_file_becomes_a_sqlite_table_with_inferred_types(leat, tmp_path):
    (tmp_path / "orders.csv").write_text("id,zip,total,day,note\n1,00501,9.5,2024-02-29,\n"
                                         '2,10001,-3,2023-01-01,""\n', encoding="utf-8")
    done = leat.ok("cp", tmp_path / "orders.csv", f"sqlite:{tmp_path}/shop.db")
    columns, rows = readers.sqlite_table(tmp_path / "shop.db", "orders")
    assert columns == ["id", "zip", "total", "day", "note"]
    assert rows[0][:4] == (1, "00501", 9.5, "2024-02-29") and rows[0][4] is None
    assert rows[1][4] == ""
    assert "orders: 2 rows" in done.stderr and done.stdout == ""


@pytest.mark.quick
@pytest.mark.asan
@pytest.mark.threads
def test_a_postgres_table_is_copied_to_every_other_system_and_back(leat, pg_db, tmp_path):
    pg_db.execute(
        "create table t (id bigint primary key, name text, amount numeric(12,2), at timestamptz, "
        "flag boolean, raw bytea, day date, ratio double precision)",
        "insert into t select g, case when g % 7 = 0 then null else 'näme ' || g end, g / 8.0, "
        "timestamptz '2024-01-01 00:00:00+00' + g * interval '1 second', g % 2 = 0, "
        "decode(lpad(to_hex(g), 8, '0'), 'hex'), date '2000-01-01' + g, g / 3.0::float8 "
        "from generate_series(1, 5000) g")
    expected = pg_db.rows("t")
    hops = [pg_db.stream("t"), str(tmp_path / "t.arrow"), f"sqlite:{tmp_path}/t.db#t",
            pg_db.stream("t2")]
    for source, destination in zip(hops, hops[1:]):
        leat.ok("cp", source, destination)
    readers.assert_same_rows(expected, pg_db.rows("t2"))
    leat.ok("cp", pg_db.stream("t"), pg_db.stream("t3"))
    assert pg_db.rows("t3") == expected
