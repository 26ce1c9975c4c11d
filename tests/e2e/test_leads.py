"""A marketing table as transfer services are tried with: what a tenant's full and incremental
transfers must bring, and what must stop them."""
import datetime
import uuid

import pytest

DAY = datetime.date(2025, 7, 1)
# How many records of each customer were updated on the first, second and third of July.
UPDATED = {"Customer1": (87, 152, 90), "Customer2": (86, 169, 75), "Customer3": (75, 177, 89)}
COLUMNS = ("id uuid not null, created_at timestamp not null, updated_at timestamp not null, "
           "customer_id text not null, name text not null, email text not null, "
           "score integer not null, notes text")
TENANT = ["--where", "customer_id = 'Customer1'", "--columns", "id,created_at,updated_at,name,email,score,notes"]
CURSOR = ["-p", "id", "-d", "updated_at"]


def records():
    made = []
    for customer, days in UPDATED.items():
        for day, count in enumerate(days):
            for i in range(count):
                n = len(made) * 7919 % 10000 + 1
                updated = datetime.datetime.combine(DAY, datetime.time()) + datetime.timedelta(
                    days=day, seconds=i * 86399 // count)
                made.append((uuid.UUID(int=len(made) * 0x9E3779B97F4A7C15 % (1 << 128)),
                             updated - datetime.timedelta(seconds=min(i, 3600)), updated, customer,
                             f"User{n}", f"user{n}@example.com", n % 101,
                             f"This is a note for User{n}."))
    return made


@pytest.fixture
def leads(pg_db):
    pg_db.execute(f"create table leads ({COLUMNS})")
    with pg_db.connect() as connection, connection.cursor() as cursor:
        cursor.executemany("insert into leads values (%s, %s, %s, %s, %s, %s, %s, %s)", records())
        connection.commit()
    assert pg_db.count("leads") == 1000
    return pg_db.stream("leads")


def expected(low=None, high=None):
    """What a tenant has, without the column that tells tenants apart."""
    return sorted(r[:3] + r[4:] for r in records() if r[3] == "Customer1" and
                  (low is None or low <= r[2].date() < high))


def test_a_tenants_full_and_incremental_transfers(leat, leads, pg_db2):
    full, part = pg_db2.stream("whole"), pg_db2.stream("part")
    for _ in range(2):
        leat.ok("cp", leads, full, *TENANT)
        assert pg_db2.count("whole") == 329
    assert sorted(pg_db2.rows("whole")) == expected()
    leat.ok("cp", "delta", leads, part, *CURSOR, *TENANT, "--window", "2025-07-01..2025-07-02")
    assert pg_db2.count("part") == 87
    assert sorted(pg_db2.rows("part")) == expected(DAY, DAY + datetime.timedelta(days=1))
    for days, count in ((2, 87 + 152), (2, 87 + 152), (3, 329)):
        until = DAY + datetime.timedelta(days=days)
        leat.ok("cp", "delta", leads, part, *CURSOR, *TENANT, "--end", str(until))
        assert pg_db2.count("part") == count
    assert sorted(pg_db2.rows("part")) == expected()


def test_a_window_without_records_makes_the_table(leat, leads, pg_db2):
    leat.ok("cp", "delta", leads, pg_db2.stream("part"), *CURSOR, *TENANT, "--window",
            "2010-01-01..2010-01-02")
    assert pg_db2.count("part") == 0


def test_what_is_not_there_is_named(leat, leads, pg_db, pg_db2):
    dest = pg_db2.stream("part")
    leat.fails(2, "not-found", "cp", pg_db.stream("leads_of_none"), dest)
    leat.fails(2, "unknown-column", "cp", "delta", leads, dest, "-p", "no_such_id", "-d", "updated_at")
    leat.fails(75, "unavailable", "cp", "postgres://nobody@127.0.0.1:1/none#leads", dest, "--retries=0")
    leat.fails(75, "unavailable", "cp", leads, "postgres://nobody@127.0.0.1:1/none#part", "--retries=0")
    assert "part" not in pg_db2.tables()


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_column_dropped_on_one_side_stops_a_strict_transfer(leat, leads, pg_db, pg_db2, side):
    dest = pg_db2.stream("leads")
    delta = ["cp", "delta", leads, dest, *CURSOR]
    leat.ok(*delta, "--end", "2025-07-02")
    (pg_db if side == "source" else pg_db2).execute("alter table leads drop column score")
    leat.fails(2, "column-mismatch", *delta, "--schema", "strict")
    assert pg_db2.count("leads") == 87 + 86 + 75


def test_a_full_transfer_takes_the_place_of_another_table(leat, leads, pg_db2):
    pg_db2.execute("create table leads (id int, something text)", "insert into leads values (1, 'x')")
    leat.ok("cp", leads, pg_db2.stream("leads"), "--recreate", "--replace", *TENANT)
    assert sorted(pg_db2.rows("leads")) == expected()
