"""The same rows through every pair of systems, judged at the far end by an independent reader."""
import pyarrow as pa
import pytest

import readers

SYSTEMS = ["sqlite", "postgres", "csv", "arrow"]
FLIGHTS_ROWS = 20_000


class Place:
    """Where one stream lies in one system: its name for leat, and its rows."""

    def __init__(self, system, name, folder, db):
        self.system = system
        self.name = name
        self.db = db
        self.path = folder / {"sqlite": "shop.db", "postgres": "", "csv": f"{name}.csv",
                              "arrow": f"{name}.arrow"}[system]

    @property
    def location(self):
        return {"sqlite": f"sqlite:{self.path}#{self.name}", "csv": str(self.path),
                "arrow": str(self.path),
                "postgres": self.db.stream(self.name) if self.db else ""}[self.system]

    def table(self):
        if self.system == "postgres":
            return readers.pg_table(self.db.url, self.name)
        if self.system == "sqlite":
            return readers.sqlite_table(self.path, self.name)
        return readers.csv_table(self.path) if self.system == "csv" else \
            readers.arrow_table(self.path)


class Original:
    """A file the tests did not make: its rows, and which columns have which property."""

    def __init__(self, location, table, float32=(), text=()):
        self.location = location
        self.columns, self.rows = table
        self.float32 = float32
        self.text = text  # columns that must stay text, whatever they look like


def vega(name, **properties):
    def load(request, tmp_path):
        path = request.getfixturevalue("data") / f"{name}.csv"
        return Original(str(path), readers.csv_table(path), **properties)

    return load


def flights(request, tmp_path):
    source = request.getfixturevalue("data") / "flights-200k.arrow"
    with pa.OSFile(str(source)) as file:
        table = pa.ipc.open_file(file).read_all().slice(0, FLIGHTS_ROWS)
    path = tmp_path / "flights-original.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return Original(str(path), readers.arrow_table(path), float32=(2,))


def chinook(table):
    def load(request, tmp_path):
        path = request.getfixturevalue("chinook")
        return Original(f"sqlite:{path}#{table}", readers.sqlite_table(path, table))

    return load


ORIGINALS = {
    "airports": vega("airports"),
    "zipcodes": vega("zipcodes", text=(0,)),
    "birdstrikes": vega("birdstrikes"),
    "flights": flights,
    "track": chinook("Track"),
    "customer": chinook("Customer"),
    "employee": chinook("Employee"),
    "invoice": chinook("Invoice"),
}


@pytest.mark.parametrize("far", SYSTEMS)
@pytest.mark.parametrize("near", SYSTEMS)
@pytest.mark.parametrize("name", ORIGINALS)
def test_rows_are_equal_at_the_far_end_of_a_pair(name, near, far, leat, request, tmp_path):
    original = ORIGINALS[name](request, tmp_path)
    db = request.getfixturevalue("pg_db") if "postgres" in (near, far) else None
    folders = [tmp_path / "near", tmp_path / "far"]
    for folder in folders:
        folder.mkdir()
    first = Place(near, name, folders[0], db)
    # In one database the second copy needs another name.
    second = Place(far, f"{name}_far", folders[1], db)
    # CSV forgets what text with leading zeros was; the user says so, as the help tells them to.
    casts = [f"--cast={original.columns[i]}=utf8" for i in original.text] if near == "csv" else []

    leat.ok("cp", original.location, first.location)
    leat.ok("cp", first.location, second.location, *casts)

    columns, rows = second.table()
    assert columns == original.columns
    # Neither end promises an order; the rows are compared as sorted by their text.
    def key(row):
        return [str(_canonical(value)) for value in row]

    expected = original.rows
    if rows and [key(row) for row in rows[:1]] != [key(row) for row in expected[:1]]:
        rows, expected = sorted(rows, key=key), sorted(expected, key=key)
    readers.assert_same_rows(expected, rows, original.float32)
    if far in ("postgres", "arrow"):
        for column in original.text:
            assert all(isinstance(row[column], str) for row in rows[:100])


def _canonical(value):
    return "" if value is None else value


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
