"""leat cp delta: what changed since the last time, once, however it came about."""
import json
import signal
import sqlite3
import time

import pytest

import readers
from conftest import wait_for
from deltas import Directory, PostgresTable, SqliteTable, options_of

SOURCES = ("sqlite", "postgres")
DESTINATIONS = ("sqlite", "postgres", "parquet", "csv")


@pytest.fixture
def place(request, tmp_path):
    """place("postgres"), place("csv", "destination") and so on."""
    def make(kind, role="source"):
        if kind == "sqlite":
            return SqliteTable(tmp_path, file=f"{role}.db")
        if kind == "postgres":
            return PostgresTable(request.getfixturevalue(
                "pg_db" if role == "source" else "pg_db2"))
        return Directory(tmp_path, kind)
    return make


@pytest.fixture
def delta(leat, tmp_path):
    """Runs `leat cp delta` and returns its report's stream, with the lines it said."""
    def run(source, dest, *arguments, status=0, code=None):
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        command = ["cp", "delta", source.location, dest.location, *options_of(dest),
                   "--report", report, *arguments]
        if code:
            return leat.fails(status, code, *command)
        done = leat.ok(*command)
        stream = json.loads(report.read_text(encoding="utf-8"))["streams"][0]
        return {**stream, "said": done.stderr}
    return run


def fill(source, first, last, stamp="2026-11-01 10:00:00"):
    source.execute(*[f"insert into {source.table} values ({i}, 'name {i}', {i}.25, '{stamp}')"
                     for i in range(first, last + 1)])


def made(source, dest):
    """A source of 20 records, and the destination's rows are its own."""
    source.create()
    fill(source, 1, 10)
    fill(source, 11, 20, "2026-11-02 10:00:00.5")
    return source, dest


# --- pairs ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("to", DESTINATIONS)
@pytest.mark.parametrize("of", SOURCES)
def test_a_delta_brings_what_changed_and_nothing_else(delta, place, of, to):
    source, dest = made(place(of), place(to, "destination"))
    first = delta(source, dest, "-d", "updated_at")
    assert first["rows_read"] == first["rows"]["inserted"] == 20
    assert first["watermark_before"] == ""
    assert dest.rows() == source.rows()

    nothing = delta(source, dest, "-d", "updated_at")
    assert nothing["rows_read"] == 0 and "nothing new" in nothing["said"]

    fill(source, 21, 23, "2026-11-03 00:00:00")
    source.execute("update orders set name = 'changed', updated_at = '2026-11-03 01:00:00' "
                   "where id in (3, 15)")
    second = delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()
    assert second["watermark_before"] == first["watermark_after"]
    if dest.merges:
        assert second["rows"]["inserted"] == 3 and second["rows"]["updated"] == 2
    else:
        assert second["rows_read"] == 5 and len(dest.versions()) == 25
    assert "nothing new" in delta(source, dest, "-d", "updated_at")["said"]


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_delta_of_a_directory_brings_its_new_files(delta, place, form, to):
    source, files, dest = place("sqlite"), place(form), place(to, "destination")
    made(source, files)
    delta(source, files, "-d", "updated_at")
    types = ["--cast", "total=decimal(12,2),updated_at=timestamp"] if form == "csv" else []
    assert delta(files, dest, "-p", "id", *types)["rows_read"] == 20
    assert dest.rows() == source.rows()
    assert "nothing new" in delta(files, dest, "-p", "id", *types)["said"]
    source.execute("update orders set name = 'later', updated_at = '2026-11-05 00:00:00' "
                   "where id = 7")
    delta(source, files, "-d", "updated_at")
    assert delta(files, dest, "-p", "id", *types)["rows_read"] == 1
    assert dest.rows() == source.rows()


# --- ties and lateness ----------------------------------------------------------------------------

@pytest.mark.parametrize("to", DESTINATIONS)
def test_a_transaction_that_commits_after_a_later_stamp_was_read_is_not_lost(delta, place, to):
    source, dest = place("postgres"), place(to, "destination")
    source.create()
    fill(source, 1, 2)
    with source.db.connect() as slow:
        slow.execute("insert into orders values (100, 'slow', 1, localtimestamp)")
        source.execute("insert into orders values (101, 'quick', 1, localtimestamp)")
        delta(source, dest, "-d", "updated_at")
        there = {row[0] for row in dest.rows()}
        # Strategies with a key read on to what is seen; an append waits for what is settled.
        assert there == ({1, 2, 101} if dest.merges else {1, 2})
        slow.commit()
    done = delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()
    if not dest.merges:
        assert len(dest.versions()) == 4
    assert done["watermark_after"] >= done["watermark_before"]


@pytest.mark.parametrize("to", ["postgres", "csv"])
def test_numbers_of_a_transaction_still_writing_are_waited_for(delta, leat, place, to):
    source, dest = place("postgres"), place(to, "destination")
    source.create()
    fill(source, 1, 2)
    slow = source.db.connect()
    slow.execute("insert into orders values (3, 'slow', 1, '2026-11-01')")
    fill(source, 4, 4)
    strategy = [] if dest.merges else ["--strategy", "append"]
    if dest.merges:
        kept = delta(source, dest, "-d", "id", "--settle-timeout", "100ms", *strategy)
        assert kept["watermark_after"] == "" and "the watermark stays" in kept["said"]
    else:
        delta(source, dest, "-d", "id", "--settle-timeout", "100ms", "--retries", "0", *strategy,
              status=75, code="unavailable")
    delta_that_waits(leat, source, dest, slow, *strategy)
    assert [row[0] for row in dest.rows()] == [1, 2, 3, 4]


def delta_that_waits(leat, source, dest, slow, *more):
    """A delta by id that waits for the connection `slow`, which then commits."""
    child = leat.start("cp", "delta", source.location, dest.location, *options_of(dest), "-d", "id", *more)
    assert wait_for(lambda: source.query(
        "select count(*) from pg_stat_activity where query like '%virtualtransaction%' "
        "and pid <> pg_backend_pid()")[0][0] > 0)
    slow.commit()
    slow.close()
    assert child.wait(60) == 0


@pytest.mark.parametrize("to", ["postgres", "csv"])
def test_a_record_that_was_waited_for_may_be_below_all_that_were_seen(delta, leat, place, to):
    """Its number lies between the watermark and the least that was seen before the wait."""
    source, dest = place("postgres"), place(to, "destination")
    source.create()
    fill(source, 1, 2)
    strategy = [] if dest.merges else ["--strategy", "append"]
    delta(source, dest, "-d", "id", *strategy)
    source.execute("delete from orders where id = 2")  # nothing has the watermark's number
    slow = source.db.connect()
    slow.execute("insert into orders values (3, 'slow', 1, '2026-11-01')")
    fill(source, 4, 4)
    delta_that_waits(leat, source, dest, slow, *strategy)
    assert [row[0] for row in dest.rows()] == [1, 2, 3, 4]


@pytest.mark.parametrize("to", DESTINATIONS)
def test_ties_are_neither_lost_nor_doubled(delta, place, to):
    """Records of the running second: more of the same stamp may come."""
    source, dest = place("sqlite"), place(to, "destination")
    source.create()
    for i in range(1, 13):
        source.execute(f"insert into orders values ({i}, 'n', 1, datetime('now'))")
        delta(source, dest, "-d", "updated_at")
    assert wait_for(lambda: source.query("select max(updated_at) < datetime('now') from orders")
                    == [(1,)])
    delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()
    if not dest.merges:
        assert len(dest.versions()) == 12


@pytest.mark.parametrize("of", SOURCES)
def test_a_lookback_takes_late_records_and_an_append_refuses_it(delta, place, of):
    source, dest, files = made(place(of), place("sqlite", "destination")) + (place("csv"),)
    delta(source, dest, "-d", "updated_at")
    fill(source, 30, 30, "2026-11-02 09:30:00")
    fill(source, 31, 31, "2026-11-02 08:00:00")
    assert "nothing new" in delta(source, dest, "-d", "updated_at")["said"]
    delta(source, dest, "-d", "updated_at", "--lookback", "1h")
    assert {row[0] for row in dest.rows()} == {*range(1, 21), 30}
    delta(source, dest, "-d", "updated_at", "--lookback", "3h")
    assert dest.rows() == source.rows()
    delta(source, files, "-d", "updated_at", "--lookback", "1h", status=2, code="usage")


def test_transactions_that_a_login_does_not_see_are_waited_for(delta, leat, place, pg_db):
    """Without pg_monitor nobody tells when others' transactions began."""
    source, dest = place("postgres"), place("csv")
    source.create()
    fill(source, 1, 2)
    role = f"reader_{pg_db.name}"
    source.execute(f"create role {role} login password 'secret'",
                   f"grant select on orders to {role}")
    url = pg_db.server.url(pg_db.name, user=role, password="secret")
    with pg_db.connect() as slow:
        slow.execute("insert into orders values (3, 'slow', 1, localtimestamp)")
        command = ["cp", "delta", f"{url}#public.orders", dest.location, "--format", "csv", "-d",
                   "updated_at"]
        said = leat.fails(2, "unsupported", *command, "--settle-timeout", "100ms")
        assert "pg_monitor" in said.stderr
        child = leat.start(*command)
        time.sleep(0.3)
        assert child.poll() is None
        slow.commit()
    assert child.wait(60) == 0
    assert [row[0] for row in dest.rows()] == [1, 2, 3]
    source.execute(f"drop owned by {role}", f"drop role {role}")


def test_a_delta_goes_by_the_index(delta, place, pg_db):
    source, dest = place("postgres"), place("sqlite", "destination")
    source.create()
    source.execute("insert into orders select g, 'n', 1, timestamp '2026-01-01' + g * interval "
                   "'1 s' from generate_series(1, 50000) g", "create index on orders (updated_at)",
                   "analyze orders")
    delta(source, dest, "-d", "updated_at")

    def scans():
        return source.query("select seq_scan, idx_scan from pg_stat_user_tables")[0]
    source.execute("update orders set name = 'x', updated_at = '2026-11-01' where id = 7")
    time.sleep(1.2)  # the server counts scans once a second
    before = scans()
    assert delta(source, dest, "-d", "updated_at")["rows_read"] == 2
    assert wait_for(lambda: scans()[1] > before[1])
    assert scans()[0] == before[0]


@pytest.mark.parametrize("kind", ["partitioned", "view", "query"])
def test_what_is_no_plain_table_is_read_by_a_cursor_too(leat, place, kind):
    source, dest = place("postgres"), place("sqlite", "destination")
    source.execute(
        "create table base (id bigint, name text, total numeric(12,2), updated_at timestamp not "
        "null, primary key (id, updated_at)) partition by range (updated_at)",
        "create table p1 partition of base for values from ('2026-01-01') to ('2026-06-01')",
        "create table p2 partition of base for values from ('2026-06-01') to ('2027-01-01')",
        "create view seen as select * from base where id < 100")

    def insert(key, day):
        source.execute(f"insert into base values ({key}, 'n{key}', 1, '{day} 10:00:00')")
    insert(1, "2026-02-01")
    insert(2, "2026-07-01")
    place_of = {"partitioned": f"{source.db.url}#public.base", "view": f"{source.db.url}#public.seen",
                "query": source.db.url}[kind]
    command = ["cp", "delta", place_of, dest.location, "-d", "updated_at", "-p", "id",
               *(["--query", "select * from base -- all"] if kind == "query" else [])]
    leat.ok(*command)
    insert(3, "2026-08-01")
    # A transaction writing a partition holds the watermark back.
    with source.db.connect() as slow:
        slow.execute("insert into base values (4, 'slow', 1, localtimestamp)")
        insert(5, "2026-09-01")
        leat.ok(*command)
        slow.commit()
    leat.ok(*command)
    assert [row[0] for row in dest.rows()] == [1, 2, 3, 4, 5]


# --- cursors --------------------------------------------------------------------------------------

CURSORS = {
    "integer": ("bigint", [str(i * 3 - 10) for i in range(40)]),
    "decimal": ("numeric(20,6)", [f"{i}.{i:06d}" for i in range(40)]),
    "date": ("date", [f"2026-{1 + i // 20:02d}-{1 + i % 20:02d}" for i in range(40)]),
    "timestamp": ("timestamp", [f"2026-11-02 01:30:{i:02d}.{i * 7:06d}" for i in range(40)]),
    "text": ("text", sorted(["", "a", "A", "á", "zz", "Z", "10", "9", "\U0001F600", "a b", "_"]
                            + [f"k{i:03d}" for i in range(29)], key=lambda s: s.encode())),
}


@pytest.mark.parametrize("kind", CURSORS)
@pytest.mark.parametrize("of", SOURCES)
def test_cursors_of_every_kind_step_over_each_record_once(leat, place, of, kind, tmp_path):
    source, dest = place(of), place("csv")
    sql_type, values = CURSORS[kind]
    source.execute(f"create table orders (id bigint not null, c {sql_type} not null)")
    seen = []
    for start in range(0, len(values), 10):
        quoted = ["'" + value.replace("'", "''") + "'" for value in values]
        source.execute(*[f"insert into orders values ({i}, {quoted[i]})"
                         for i in range(start, start + 10)])
        leat.ok("cp", "delta", source.location, dest.location, "--format", "csv", "-d", "c",
                "--strategy", "append")
        seen.append(len(dest.files()))
    ids = [int(row[0]) for path in dest.files() for row in readers.csv_table(path)[1]]
    assert sorted(ids) == list(range(40))
    assert seen == [1, 2, 3, 4]


def test_a_zoned_cursor_is_a_point_in_time(delta, place):
    source, dest = place("postgres"), place("postgres", "destination")
    source.execute("create table orders (id bigint primary key, name text, total numeric(12,2), "
                   "updated_at timestamptz not null)")
    source.execute("set timezone = 'Asia/Kolkata'",
                   "insert into orders values (1, 'a', 1, '2026-11-01 12:00')")
    delta(source, dest, "-d", "updated_at")
    source.execute("set timezone = 'America/New_York'",
                   "insert into orders values (2, 'b', 1, '2026-11-01 03:00')")
    done = delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()
    assert done["watermark_after"] == "2026-11-01 08:00:00Z"


@pytest.mark.parametrize("to", ["sqlite", "csv"])
@pytest.mark.parametrize("of", SOURCES)
def test_compound_cursors_compare_as_rows(delta, place, of, to):
    source, dest = place(of), place(to, "destination")
    source.create()
    fill(source, 1, 5)
    done = delta(source, dest, "-d", "updated_at,id")
    assert json.loads(done["watermark_after"])[1] == "5"
    fill(source, 6, 7)
    fill(source, 8, 8, "2026-11-01 10:00:01")
    assert delta(source, dest, "-d", "updated_at,id")["rows_read"] in (3, 4)
    assert dest.rows() == source.rows()
    if not dest.merges:
        assert len(dest.versions()) == 8


@pytest.mark.parametrize("of", SOURCES)
@pytest.mark.parametrize("column", ["real", "json"])
def test_a_cursor_without_an_exact_order_is_refused(delta, place, of, column):
    source, dest = place(of), place("csv")
    if (of, column) == ("sqlite", "real"):
        column = "double"
    source.execute(f"create table orders (id bigint not null, c {column})")
    said = delta(source, dest, "-d", "c", "--strategy", "append", status=2, code="unsupported")
    assert "no exact order" in said.stderr and "name a column" in said.stderr
    said = delta(source, dest, "-d", "idd", "--strategy", "append", status=2,
                 code="unknown-column")
    assert 'did you mean "id"' in said.stderr


@pytest.mark.parametrize("of", SOURCES)
def test_null_cursors_go_by_the_policy(delta, place, of):
    source, dest = place(of), place("sqlite", "destination")
    source.create(null="")
    fill(source, 1, 3)
    source.execute("insert into orders values (9, 'no time', 1, null)")
    delta(source, dest, "-d", "updated_at", status=1, code="null-cursor")
    delta(source, dest, "-d", "updated_at", "--null-cursor", "skip")
    assert [row[0] for row in dest.rows()] == [1, 2, 3]
    delta(source, dest, "-d", "updated_at", "--null-cursor", "include")
    assert dest.rows() == source.rows()
    source.execute("update orders set name = 'still none' where id = 9")
    delta(source, dest, "-d", "updated_at", "--null-cursor", "include")
    assert dest.rows() == source.rows()


# --- ranges ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("of", SOURCES)
@pytest.mark.parametrize("to", ["sqlite", "parquet"])
def test_ranges_are_committed_one_by_one_and_gaps_are_skipped(delta, place, of, to):
    source, dest = place(of), place(to, "destination")
    source.create()
    for day in (1, 2, 3, 25):
        fill(source, day * 10, day * 10 + 4, f"2026-11-{day:02d} 12:00:00")
    fill(source, 5, 5, "1926-11-20 00:00:00")  # a hundred years are no reason for ranges
    done = delta(source, dest, "-d", "updated_at", "--delta-size", "1d", "--end", "2026-11-20", "-v")
    assert done["rows_read"] == done["rows_written"] == 16
    assert done["watermark_after"] == "2026-11-03 12:00:00"
    if not dest.merges:
        assert len(dest.files()) == 4
    assert delta(source, dest, "-d", "updated_at")["rows_read"] in (0, 5, 10)


def test_numbers_are_parted_by_numbers(delta, place):
    source, dest = place("sqlite"), place("csv")
    source.create()
    fill(source, 1, 100)
    delta(source, dest, "-d", "id", "--delta-size", "30", "--strategy", "append")
    assert len(dest.files()) == 4 and dest.rows() == source.rows()
    delta(source, dest, "-d", "id", "--delta-size", "0", "--strategy", "append",
          "--full-refresh", status=2, code="usage")
    delta(source, dest, "-d", "id", "--delta-size", "1d", "--strategy", "append",
          "--full-refresh", status=2, code="usage")
    said = delta(source, dest, "-d", "updated_at", "--delta-size", "30", "--strategy", "append",
                 "--full-refresh", status=2, code="usage")
    assert "how long a range is" in said.stderr


@pytest.mark.parametrize("of", SOURCES)
def test_start_end_and_window(delta, place, of):
    source, dest = place(of), place("sqlite", "destination")
    source.create()
    for day in range(1, 6):
        fill(source, day, day, f"2026-11-{day:02d} 00:00:00")
    delta(source, dest, "-d", "updated_at", "--start", "2026-11-02", "--end", "2026-11-04")
    assert [row[0] for row in dest.rows()] == [2, 3]
    done = delta(source, dest, "-d", "updated_at", "--window", "2026-11-01..2026-11-02")
    assert [row[0] for row in dest.rows()] == [1, 2, 3]
    assert done["watermark_before"] == done["watermark_after"] == "2026-11-03 00:00:00"
    delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()
    delta(source, dest, "-d", "updated_at", "--window", "2026-11-01", status=2, code="usage")
    delta(source, dest, "-d", "updated_at", "--start", "yesterday", status=2, code="usage")


@pytest.mark.parametrize("to", DESTINATIONS)
def test_a_window_is_not_appended_twice(delta, place, to):
    source, dest = place("sqlite"), place(to, "destination")
    source.create()
    for day in range(1, 6):
        fill(source, day, day, f"2026-11-{day:02d} 00:00:00")
    append = ["-d", "updated_at", "--strategy", "append"]
    refused = {"status": 2, "code": "destination-holds-rows"}
    delta(source, dest, *append, "--start", "2026-11-02", "--end", "2026-11-04")
    assert [row[0] for row in dest.rows()] == [2, 3]
    delta(source, dest, *append, "--window", "2026-11-02..2026-11-03", **refused)
    delta(source, dest, *append, "--window", "2026-11-04..2026-11-05", **refused)  # the next run's
    if to in ("sqlite", "postgres"):
        delta(source, dest, *append, "--window", "2026-11-01..2026-11-02")
    else:
        delta(source, dest, *append, "--window", "2026-11-01..2026-11-02", **refused)
    delta(source, dest, *append)
    told = [row[0] for row in dest.rows()]
    assert told == ([1, 2, 3, 4, 5] if to in ("sqlite", "postgres") else [2, 3, 4, 5])


@pytest.mark.parametrize("to", ["parquet", "csv"])
def test_a_directory_takes_a_window_only_while_it_is_empty(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    window = ["-d", "updated_at", "--strategy", "append", "--window", "2026-11-01..2026-11-30"]
    delta(source, dest, *window)
    rows = dest.rows()
    delta(source, dest, *window, status=2, code="destination-holds-rows")
    assert rows and dest.rows() == rows


# --- beginnings -----------------------------------------------------------------------------------

@pytest.mark.parametrize("to", DESTINATIONS)
@pytest.mark.parametrize("of", SOURCES)
def test_an_empty_source_makes_the_table_and_succeeds(delta, place, of, to):
    source, dest = place(of), place(to, "destination")
    source.create()
    delta(source, dest, "-d", "updated_at")
    assert dest.exists() and dest.rows() == []
    assert "nothing new" in delta(source, dest, "-d", "updated_at")["said"]
    fill(source, 1, 3)
    delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_several_sources_of_one_table_are_kept_apart(delta, place, to):
    dest = place(to, "destination")
    sources = [place("sqlite"), place("postgres")]
    for i, source in enumerate(sources):
        source.create()
        fill(source, 1 + i * 100, 3 + i * 100, f"2026-11-{9 - i:02d} 00:00:00")
        delta(source, dest, "-d", "updated_at")
    for i, source in enumerate(sources):
        fill(source, 4 + i * 100, 4 + i * 100, f"2026-11-{10 - i:02d} 00:00:00")
        delta(source, dest, "-d", "updated_at")
    assert dest.rows() == sorted(sources[0].rows() + sources[1].rows())


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_a_full_refresh_lets_the_other_sources_start_over_too(delta, place, to):
    """Their rows are gone with all others: their watermarks must not stay."""
    dest, sources = place(to, "destination"), [place("sqlite"), place("postgres")]
    for i, source in enumerate(sources):
        source.create()
        fill(source, 1 + i * 100, 3 + i * 100)
        delta(source, dest, "-d", "updated_at")
    delta(sources[0], dest, "-d", "updated_at", "--full-refresh")
    assert dest.rows() == sources[0].rows()
    delta(sources[1], dest, "-d", "updated_at")
    assert dest.rows() == sorted(sources[0].rows() + sources[1].rows())
    delta(sources[0], dest, "-d", "updated_at", "--full-refresh", "--window",
          "2026-11-01..2026-11-02", status=2, code="usage")


@pytest.mark.parametrize("to", DESTINATIONS)
def test_a_full_refresh_from_an_emptied_source_is_asked_for(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    delta(source, dest, "-d", "updated_at")
    rows = dest.rows()
    source.execute("delete from orders")
    delta(source, dest, "-d", "updated_at", "--full-refresh", status=2, code="empty-source")
    assert dest.rows() == rows
    delta(source, dest, "-d", "updated_at", "--full-refresh", "--allow-empty")
    assert dest.rows() == []
    delta(source, dest, "-d", "updated_at", "--full-refresh")
    assert dest.rows() == []


@pytest.mark.parametrize("to", DESTINATIONS)
def test_a_full_refresh_starts_over(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    delta(source, dest, "-d", "updated_at")
    source.execute("delete from orders where id > 5")
    done = delta(source, dest, "-d", "updated_at", "--full-refresh")
    assert dest.rows() == source.rows()
    assert done["watermark_after"].startswith("2026-11-01")
    fill(source, 50, 50, "2026-11-01 11:00:00")
    delta(source, dest, "-d", "updated_at")
    assert dest.rows() == source.rows()


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_a_dropped_table_starts_over_by_itself(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    delta(source, dest, "-d", "updated_at")
    dest.execute("drop table orders")
    assert delta(source, dest, "-d", "updated_at")["watermark_before"] == ""
    assert dest.rows() == source.rows()


@pytest.mark.parametrize("cursor, last", [("n", "NaN"), ("id,n", "NaN"), ("n", "Infinity")])
def test_a_watermark_that_nothing_could_pass_is_refused(leat, pg_db, tmp_path, cursor, last):
    """NaN is above all numbers: rows that come later would never be read."""
    pg_db.execute("create table s (id int, n numeric)",
                  f"insert into s values (1, 5), (2, 7), (2, '{last}')")
    words = ["cp", "delta", pg_db.stream("s"), tmp_path / "d.db", "--strategy", "append", "-d", cursor]
    assert 'column "n"' in leat.fails((1, 2), "value-range", *words).stderr
    leat.ok(*words, "--where", "n < 'Infinity'")
    with sqlite3.connect(tmp_path / "d.db") as lite:
        assert lite.execute("select count(*) from s").fetchone() == (2,)


def test_another_cursor_than_the_watermarks_is_refused(delta, place):
    source, dest = made(place("sqlite"), place("sqlite", "destination"))
    delta(source, dest, "-d", "updated_at")
    said = delta(source, dest, "-d", "id", status=2, code="usage")
    assert "the cursor updated_at" in said.stderr
    delta(source, dest, "-d", "id", "--full-refresh")
    fill(source, 21, 21)
    delta(source, dest, "-d", "id")
    assert dest.rows() == source.rows()


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_the_target_itself_can_be_the_watermark(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    arguments = ["-d", "updated_at", "--watermark", "target", "--no-state"]
    assert delta(source, dest, *arguments)["rows_read"] == 20
    fill(source, 21, 21, "2026-11-03 00:00:00")
    done = delta(source, dest, *arguments)
    assert done["watermark_before"] == "2026-11-02 10:00:00.500" and dest.rows() == source.rows()
    delta(source, dest, "-d", "updated_at", "--no-state", status=2, code="usage")


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_appending_to_rows_without_a_watermark_is_refused(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    dest.create(key="")
    fill(dest, 1, 10)
    said = delta(source, dest, "-d", "updated_at", "--strategy", "append", status=2,
                 code="destination-holds-rows")
    assert "no watermark" in said.stderr
    delta(source, dest, "-d", "updated_at", "--strategy", "append", "--start", "2026-11-02")
    assert dest.rows() == source.rows()


def test_a_stream_without_a_key_says_what_to_do(delta, place):
    source, dest = place("sqlite"), place("sqlite", "destination")
    source.create(key="")
    fill(source, 1, 3)
    said = delta(source, dest, "-d", "updated_at", status=2, code="usage")
    assert "-p" in said.stderr and "append" in said.stderr
    delta(source, dest, "-d", "updated_at", "-p", "id")
    source.execute("update orders set name = 'x', updated_at = '2026-11-09 00:00:00' where id = 2")
    delta(source, dest, "-d", "updated_at", "-p", "id")
    assert dest.rows() == source.rows()


def test_many_streams_each_by_themselves(leat, place, tmp_path):
    source = place("postgres")
    source.execute("create table a (id bigint primary key, at timestamp not null)",
                   "create table b (id bigint primary key, at timestamp not null)",
                   "insert into a values (1, '2026-11-01')",
                   "insert into b values (1, '2026-11-05'), (2, '2026-11-06')")
    dest = f"sqlite:{tmp_path}/all.db"
    leat.ok("cp", "delta", f"{source.db.url}#public.", dest, "-d", "at")
    source.execute("insert into a values (2, '2026-11-02')")
    done = leat.ok("cp", "delta", f"{source.db.url}#public.", dest, "-d", "at")
    assert "nothing new since 2026-11-06" in done.stderr
    for table in ("a", "b"):
        assert len(readers.sqlite_table(tmp_path / "all.db", table)[1]) == 2


# --- deletes, history, schema -----------------------------------------------------------------------

@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_a_deleted_column_deletes(delta, place, to):
    source, dest = place("postgres"), place(to, "destination")
    source.execute("create table orders (id bigint primary key, name text, total numeric(12,2), "
                   "updated_at timestamp not null, gone boolean not null default false)")
    fill(source, 1, 5)
    delta(source, dest, "-d", "updated_at", "--deleted-column", "gone")
    source.execute("update orders set gone = true, updated_at = '2026-11-09 00:00:00' where id in (2, 4)")
    done = delta(source, dest, "-d", "updated_at", "--deleted-column", "gone")
    assert [row[0] for row in dest.rows()] == [1, 3, 5]
    assert done["rows"]["deleted"] == 2


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_history_keeps_every_version(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    delta(source, dest, "-d", "updated_at", "--strategy", "history")
    source.execute("update orders set name = 'second', updated_at = '2026-11-09 00:00:00' "
                   "where id = 4")
    delta(source, dest, "-d", "updated_at", "--strategy", "history")
    versions = dest.query("select name, _leat_valid_to is null from orders where id = 4 "
                          "order by _leat_valid_from")
    assert [(name, bool(current)) for name, current in versions] == [("name 4", False),
                                                                     ("second", True)]
    assert len(dest.query("select 1 from orders")) == 21


@pytest.mark.parametrize("to", ["sqlite"])
def test_a_new_column_is_added_and_told(delta, place, to):
    source, dest = made(place("sqlite"), place(to, "destination"))
    delta(source, dest, "-d", "updated_at")
    source.execute("alter table orders add column note text",
                   "update orders set note = 'n', updated_at = '2026-11-09 00:00:00' where id = 1")
    delta(source, dest, "-d", "updated_at", "--schema", "strict", status=2, code="column-mismatch")
    done = delta(source, dest, "-d", "updated_at")
    assert "note" in done["drift"]
    assert dest.query("select note from orders where id = 1") == [("n",)]


# --- again and again -------------------------------------------------------------------------------

def test_repeating_runs_end_after_the_one_at_work(leat, place):
    source, dest = made(place("sqlite"), place("csv"))
    child = leat.start("cp", "delta", source.location, dest.location, "--format", "csv", "-d",
                       "updated_at", "-i", "200ms")
    assert wait_for(dest.exists)
    fill(source, 21, 21, "2026-11-03 00:00:00")
    assert wait_for(lambda: len(dest.files()) == 2)
    started = time.monotonic()
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == 0
    assert time.monotonic() - started < 15
    assert dest.rows() == source.rows()


def test_two_runs_at_once_count_once(leat, place):
    """Whoever loses is told so, or comes second and finds nothing new."""
    source, dest = made(place("sqlite"), place("csv"))
    command = ["cp", "delta", source.location, dest.location, "--format", "csv", "-d", "updated_at"]
    children = [leat.start(*command) for _ in range(4)]
    said = [child.communicate(timeout=60)[1].decode() for child in children]
    assert any(child.returncode == 0 for child in children)
    for child, words in zip(children, said):
        assert child.returncode == 0 or "[conflict]" in words or "[destination-" in words, words
    assert dest.versions() == source.rows()


def test_of_two_appends_at_once_the_later_says_conflict(leat, pg_db):
    """Both have read the watermark when the first commits, and the key refuses the second's rows."""
    pg_db.execute("create table s (id bigint primary key)", "insert into s values (1)")
    command = ["cp", "delta", pg_db.stream("s"), pg_db.stream("d"), "-d", "id", "--strategy",
               "append"]
    leat.ok(*command)
    pg_db.execute("insert into s values (2)")
    with pg_db.connect() as holder:
        holder.execute("lock table d in exclusive mode")
        children = [leat.start(*command) for _ in range(2)]
        with pg_db.connect() as seen:
            seen.autocommit = True
            assert wait_for(lambda: seen.execute(
                "select count(distinct pid) from pg_locks where not granted and database = (select "
                "oid from pg_database where datname = current_database())").fetchone()[0] == 2)
    said = [child.communicate(timeout=60)[1].decode() for child in children]
    assert sorted(child.returncode == 0 for child in children) == [False, True], said
    loser = next(words for child, words in zip(children, said) if child.returncode)
    assert "[conflict]" in loser and "run again" in loser, loser
    assert pg_db.rows("d") == [(1,), (2,)]


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_of_a_directory_of_deltas_the_latest_record_of_a_key_makes_a_new_table(delta, place, to):
    """The files declare the source's key, and yet hold several versions of a record."""
    source, lake = made(place("sqlite"), place("parquet", "destination"))
    delta(source, lake, "-d", "updated_at")
    for hour in range(1, 4):
        source.execute(f"update orders set name = 'at {hour}', "
                       f"updated_at = '2026-11-03 0{hour}:00:00' where id in (2, {hour + 5})")
        delta(source, lake, "-d", "updated_at")
    dest = place(to, "destination")
    first = delta(lake, dest, "-p", "id")
    assert dest.rows() == source.rows()
    assert first["rows_read"] == 26 and first["rows"]["inserted"] == 20
    assert "nothing new" in delta(lake, dest, "-p", "id")["said"]
    source.execute("update orders set name = 'later', updated_at = '2026-11-04 00:00:00' "
                   "where id = 2")
    delta(source, lake, "-d", "updated_at")
    assert delta(lake, dest, "-p", "id")["rows"]["updated"] == 1
    assert dest.rows() == source.rows()
    dest.execute("insert into orders (id, name, updated_at) values (99, 'x', '2026-11-05 00:00:00')",
                 "update orders set name = 'else' where id = 4")
    again = delta(lake, dest, "-p", "id", "--full-refresh")
    assert dest.rows() == source.rows() and again["rows_read"] == 27
    assert "nothing new" in delta(lake, dest, "-p", "id")["said"]


@pytest.mark.parametrize("to", ["postgres", "sqlite"])
def test_first_appends_that_meet_in_an_absent_table_double_nothing(delta, leat, place, to):
    """Who comes second reads the watermark that the first one left."""
    source, dest = made(place("sqlite"), place(to, "destination"))
    command = ["cp", "delta", source.location, dest.location, "-d", "updated_at", "--strategy",
               "append"]
    for _ in range(4):
        children = [leat.start(*command) for _ in range(4)]
        for child in children:
            _, said = child.communicate(timeout=60)
            assert child.returncode == 0, said.decode()
        assert dest.rows() == source.rows()
        dest.execute(f"drop table {dest.table}")
