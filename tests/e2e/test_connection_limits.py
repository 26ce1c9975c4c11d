"""A role that may have few connections: a copy goes on with those it gets, and says so."""
import contextlib

import pytest

import readers

ROWS = 120_000


@contextlib.contextmanager
def limited(pg, database, limit):
    database.execute(f"create role few login password 'few' connection limit {limit}",
                     "grant all on schema public to few",
                     "grant all on all tables in schema public to few")
    try:
        yield pg.url(database.name, user="few", password="few")
    finally:
        database.execute("drop owned by few", "drop role few")


@pytest.fixture
def wide(pg_db):
    """Large enough to be read by several connections."""
    pg_db.execute(f"create table t as select g as id, repeat(md5(g::text), 4) as v "
                  f"from generate_series(1, {ROWS}) g")
    return pg_db


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_table_is_read_by_the_connections_that_are_to_be_had(leat, pg, wide, tmp_path, limit):
    with limited(pg, wide, limit) as url:
        done = leat.ok("cp", f"{url}#public.t", tmp_path / "t.csv", "--parallel", "4",
                       "--retries=0")
    assert "connection" in done.stderr and "too many connections" in done.stderr
    assert done.stderr.count("too many connections") == 1
    assert sorted(int(row[0]) for row in readers.csv_table(tmp_path / "t.csv")[1]) == \
        list(range(1, ROWS + 1))


def test_no_connection_at_all_is_a_passing_fault(leat, pg, wide, tmp_path):
    with limited(pg, wide, 0) as url:
        done = leat.fails(75, "unavailable", "cp", f"{url}#public.t", tmp_path / "t.csv",
                          "--retries=0")
    assert "privileges" not in done.stderr
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize("limit", [2, 3, 4])
def test_several_tables_are_read_with_few_connections(leat, pg, wide, tmp_path, limit):
    wide.execute(*(f"create table s{i} as select {i} as id" for i in range(5)))
    with limited(pg, wide, limit) as url:
        leat.ok("cp", f"{url}#public.*", f"{tmp_path}/few/", "--format", "csv", "--retries=0",
                "--parallel", "4")
    assert len(readers.csv_table(tmp_path / "few" / "t.csv")[1]) == ROWS
    for i in range(5):
        assert readers.csv_table(tmp_path / "few" / f"s{i}.csv")[1] == [(str(i),)]
