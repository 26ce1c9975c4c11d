"""How records travel: handed on as bytes, or read by several connections, with the same result."""
import threading

import pyarrow.ipc
import pytest

BIG = ("create table big as select g as id, repeat(md5(g::text), 6) as text, g / 7.0::float8 as f "
       "from generate_series(1, 200000) g")


def arrow(path):
    with pyarrow.ipc.open_file(path) as file:
        return file.read_all()


@pytest.mark.quick
def test_equal_tables_hand_their_bytes_on(leat, pg_db):
    pg_db.execute("create table a as select g as id, (g / 3.0)::numeric(12,4) as n, "
                  "case when g % 3 > 0 then md5(g::text) end as t from generate_series(1, 5000) g",
                  "create table b (like a)")
    done = leat.ok("cp", pg_db.stream("a"), pg_db.stream("b"), "--append", "-v")
    assert "pass-through" in done.stderr
    assert pg_db.rows("b") == pg_db.rows("a")


def test_a_new_table_takes_bytes_too(leat, pg_db):
    pg_db.execute("create table a as select g as id, now() as at, array[g, null] as l "
                  "from generate_series(1, 5000) g")
    done = leat.ok("cp", pg_db.stream("a"), pg_db.stream("c"), "-v")
    assert "pass-through" in done.stderr
    assert pg_db.rows("c") == pg_db.rows("a")


@pytest.mark.parametrize("column, value, kept", [
    ("numeric(10,2)", "1.25::numeric(12,4)", True),
    ("numeric(10,1)", "1.25::numeric(12,4)", False),
    ("timestamp(0)", "timestamp '2024-01-01 00:00:00.5'", False),
    ("varchar(2)", "'abc'::text", False),
    ("bigint", "7::int", True),
])
def test_other_types_go_by_columns_and_lose_nothing(leat, pg_db, column, value, kept):
    pg_db.execute(f"create table a as select 1 as id, {value} as v",
                  f"create table b (id int, v {column})")
    arguments = ("cp", pg_db.stream("a"), pg_db.stream("b"), "--append", "-v")
    done = leat(*arguments)
    assert "pass-through" not in done.stderr
    assert (done.returncode == 0) == kept, done.stderr
    assert 'goes by columns, not as bytes: "v" is' in done.stderr
    if kept:
        assert pg_db.rows("b") == pg_db.rows("a")
    else:
        assert pg_db.count("b") == 0


@pytest.mark.parametrize("option", ["--verify", "--on-error=skip"])
def test_what_must_look_at_records_goes_by_columns(leat, pg_db, tmp_path, option):
    pg_db.execute("create table a as select g as id from generate_series(1, 100) g")
    more = [f"--rejects={tmp_path}/r"] if "skip" in option else []
    done = leat.ok("cp", pg_db.stream("a"), pg_db.stream("c"), option, "-v", *more)
    assert "columnar" in done.stderr and "goes by columns, not as bytes" in done.stderr
    assert pg_db.count("c") == 100


def test_several_connections_read_every_row_once(leat, pg_db, tmp_path):
    pg_db.execute(BIG)
    done = leat.ok("cp", pg_db.stream("big"), f"{tmp_path}/big.arrow", "--parallel=4", "-v")
    assert "read by" in done.stderr
    table = arrow(tmp_path / "big.arrow")
    assert sorted(table["id"].to_pylist()) == list(range(1, 200001))
    alone = leat.ok("cp", pg_db.stream("big"), f"{tmp_path}/one.arrow", "--parallel=1", "-v")
    assert "read by" not in alone.stderr
    assert arrow(tmp_path / "one.arrow").sort_by("id").equals(table.sort_by("id"))


def test_several_connections_see_one_moment(leat, pg_db, tmp_path):
    """While rows move from one end of the table to the other, none is missed or read twice."""
    pg_db.execute(BIG)
    over = threading.Event()

    def shuffle():
        with pg_db.connect() as other:
            at = 0
            while not over.is_set():
                at = at % 200000 + 1000
                other.execute("update big set f = f + 1 where id between %s and %s",
                              (at - 999, at))
                other.commit()

    mover = threading.Thread(target=shuffle)
    mover.start()
    try:
        for _ in range(3):
            leat.ok("cp", pg_db.stream("big"), f"{tmp_path}/big.arrow", "--parallel=4",
                    "--replace")
            ids = arrow(tmp_path / "big.arrow")["id"].to_pylist()
            assert sorted(ids) == list(range(1, 200001))
    finally:
        over.set()
        mover.join()


def test_a_bad_value_in_any_partition_stops_all(leat, pg_db, tmp_path):
    pg_db.execute(BIG, "alter table big add d date",
                  "update big set d = 'infinity' where id = 150000")
    leat.fails(1, "value-range", "cp", pg_db.stream("big"), f"{tmp_path}/big.arrow",
               "--parallel=4")
    assert not (tmp_path / "big.arrow").exists()
