"""leat state show, set and reset; leat cp meta; Pontoon's windows."""
import datetime
import json
import sqlite3

import pytest

from deltas import DDL, PostgresTable, SqliteTable


@pytest.fixture(params=["sqlite", "postgres"])
def dest(request, tmp_path):
    return SqliteTable(tmp_path, file="dest.db") if request.param == "sqlite" else \
        PostgresTable(request.getfixturevalue("pg_db"))


@pytest.fixture
def source(tmp_path):
    made = SqliteTable(tmp_path, file="source.db")
    made.create()
    made.execute(*[f"insert into orders values ({i}, 'n{i}', 1, '2026-11-{i:02d} 00:00:00')"
                   for i in range(1, 11)])
    return made


def value_of(done):
    stream, value = done.stdout.rstrip("\n").split("\t")
    assert stream == "orders"
    return json.loads(value) if value else None


def test_a_watermark_is_shown_set_and_forgotten(leat, source, dest):
    places = [source.location, dest.location]
    delta = ["cp", "delta", *places, "-d", "updated_at"]
    assert value_of(leat.ok("state", "show", *places)) is None
    leat.ok(*delta)
    assert value_of(leat.ok("state", "show", *places)) == {
        "cursor": ["updated_at"], "value": ["2026-11-10 00:00:00"]}
    dest.execute("delete from orders where id > 3")
    assert "nothing new" in leat.ok(*delta).stderr
    leat.ok("state", "set", *places, "2026-11-05", "-d", "updated_at")
    leat.ok(*delta)
    assert [row[0] for row in dest.rows()] == [1, 2, 3, 5, 6, 7, 8, 9, 10]
    leat.ok("state", "reset", *places)
    assert value_of(leat.ok("state", "show", *places)) is None
    leat.ok(*delta)
    assert dest.rows() == source.rows()


def test_a_watermark_by_hand_is_of_its_cursors_type(leat, source, dest):
    places = [source.location, dest.location]
    leat.ok("cp", "delta", *places, "-d", "updated_at,id")
    leat.fails(2, "usage", "state", "set", *places, "soon", "-d", "updated_at")
    leat.fails(2, "usage", "state", "set", *places, "2026-11-05")
    leat.fails(2, "usage", "state", "set", *places, '["2026-11-05"]', "-d", "updated_at,id")
    leat.ok("state", "set", *places, '["2026-11-05", "7"]', "-d", "updated_at,id")
    assert value_of(leat.ok("state", "show", *places))["value"] == ["2026-11-05 00:00:00", "7"]


def test_a_condition_has_a_watermark_of_its_own(leat, source, dest):
    delta = ["cp", "delta", source.location, dest.location, "-d", "updated_at", "--where"]
    leat.ok(*delta, "id % 2 = 1")
    leat.ok(*delta, "id % 2 = 0")
    assert dest.rows() == source.rows()


def test_meta_prints_what_it_then_runs_and_that_again_does_nothing(leat, source, dest):
    meta = ["cp", "meta", source.location, dest.location]
    said = leat.ok(*meta).stdout
    assert "CREATE TABLE" in said.upper() and said.rstrip().endswith(";")
    assert not dest.exists()
    dest.execute(said)
    assert dest.exists() and leat.ok(*meta).stdout == ""
    dest.execute("drop table orders")
    for _ in range(2):
        leat.ok(*meta, "-e")
        assert dest.exists() and dest.rows() == []
    leat.ok("cp", "delta", source.location, dest.location, "-d", "updated_at")
    leat.ok(*meta, "-e")
    assert dest.rows() == source.rows()


def test_meta_alters_a_table_that_lacks_a_column(leat, source, tmp_path):
    dest = SqliteTable(tmp_path, file="dest.db")
    dest.execute("create table orders (id bigint primary key, name text)")
    meta = ["cp", "meta", source.location, dest.location]
    leat.fails(2, "column-mismatch", *meta, "--schema", "strict")
    said = leat.ok(*meta).stdout
    assert said.upper().count("ADD COLUMN") == 2
    leat.ok(*meta, "-e")
    assert [column[0] for column in sqlite3.connect(dest.path).execute(
        "select name from pragma_table_info('orders')")] == ["id", "name", "total", "updated_at"]
    assert leat.ok(*meta).stdout == ""


def test_meta_of_many_streams(leat, tmp_path, pg_db):
    path = tmp_path / "many.db"
    with sqlite3.connect(path) as connection:
        for i in range(5):
            connection.execute(DDL.format(table=f"t{i}", key="primary key", null=""))
    leat.ok("cp", "meta", path, f"{pg_db.url}#", "-e", "--exclude", "t3")
    assert pg_db.tables() == ["t0", "t1", "t2", "t4"]


# --- Pontoon's memory source: 100 records, 29 of Customer1, over five days -------------------------

DAYS = (("Customer1", (7, 7, 7, 6, 2)), ("Customer2", (10, 8, 8, 4, 2)),
        ("Customer3", (11, 7, 7, 4, 10)))


@pytest.fixture
def transfers(tmp_path):
    source = SqliteTable(tmp_path, "pontoon_transfer_test", "memory.db")
    source.execute("create table pontoon_transfer_test (id text primary key, created_at timestamp, "
                   "updated_at timestamp not null, customer_id text, score integer)")
    number = 0
    for customer, days in DAYS:
        for day, count in enumerate(days, 1):
            for _ in range(count):
                number += 1
                source.execute("insert into pontoon_transfer_test values "
                               f"('{number}', '2025-01-01 00:00:00', '2025-01-{day:02d} 00:00:00', "
                               f"'{customer}', {number % 10 + 1})")
    assert number == 100
    return source


@pytest.fixture(params=["sqlite", "postgres"])
def target(request, tmp_path):
    return SqliteTable(tmp_path, "target", "target.db") if request.param == "sqlite" else \
        PostgresTable(request.getfixturevalue("pg_db"), "target")


def test_windows_of_a_customer_count_as_in_pontoon(leat, transfers, target, tmp_path):
    def rows_read(*arguments):
        report = tmp_path / "report.json"
        leat.ok("cp", "delta", transfers.location, target.location, "-d", "updated_at", "--where",
                "customer_id = 'Customer1'", "--report", report, "--verify", *arguments)
        return json.loads(report.read_text(encoding="utf-8"))["streams"][0]["rows_read"]

    def held():
        return target.query("select count(*), count(distinct id) from target")[0]

    for _ in range(2):
        assert rows_read("--full-refresh") == 29 and tuple(held()) == (29, 29)
    for day, rows in ((2, 7), (2, 7), (3, 7), (4, 6)):
        start = datetime.date(2025, 1, day)
        window = f"{start}..{start + datetime.timedelta(days=1)}"
        assert rows_read("--window", window) == rows
        assert tuple(held()) == (29, 29)
    assert rows_read("--window", "2010-01-01..2010-02-01") == 0
    leat.fails(2, "not-found", "cp", "delta", f"sqlite:{transfers.path}#nobody", target.location,
               "-d", "updated_at")
    leat.fails(2, "unknown-column", "cp", "delta", transfers.location, target.location, "-d",
               "updated_at", "-p", "nothing")
    assert tuple(held()) == (29, 29)
