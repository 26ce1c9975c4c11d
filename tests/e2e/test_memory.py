"""Memory is bounded by --memory, whatever the size of the table."""
import pytest

ROWS = 5_000_000
SMALL = 1_000_000
LIMIT_KIB = 96 * 1024


@pytest.fixture(scope="module")
def big(pg):
    """One database with both tables, for all tests of this file."""
    from conftest import Database
    from readers import pg_connect
    with pg_connect(pg.url()) as connection:
        connection.autocommit = True
        connection.execute("create database memory")
    db = Database(pg, "memory")
    for name, rows in (("big", ROWS), ("small", SMALL)):
        db.execute(f"create unlogged table {name} as select g as id, md5(g::text) as name, "
                   f"g / 7.0::float8 as ratio, timestamptz '2024-01-01' + g * interval '1 second' "
                   f"as at from generate_series(1, {rows}) g")
    yield db
    with pg_connect(pg.url()) as connection:
        connection.autocommit = True
        connection.execute("drop database memory with (force)")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["arrow", "parquet", "csv", "sqlite", "postgres", "postgres-columnar"])
def test_memory_does_not_grow_with_the_table(leat, big, tmp_path, kind):
    def destination(name):
        return {"arrow": tmp_path / f"{name}.arrow", "csv": tmp_path / f"{name}.csv.zst",
                "parquet": tmp_path / f"{name}.parquet",
                "sqlite": f"sqlite:{tmp_path}/{name}.db#t"}.get(kind, big.stream(f"copy_of_{name}"))

    # A cast on the way makes even the copy between two PostgreSQL tables decode and encode.
    # So many connections from the start: else a second one may come for the large table alone.
    options = ["--parallel=2"] + (["--cast=ratio=utf8"] if kind == "postgres-columnar" else [])
    peaks = {}
    # How far the queue fills depends on who is faster at the moment: so it is kept short, of the
    # small table the worst of three runs counts and of the large one the best. What grows
    # with the table grows in each.
    for name, runs, of in (("small", 3, max), ("big", 3, min)):
        peaks[name] = of(leat.peak_kib("cp", big.stream(name), destination(name), "--replace",
                                       "--memory=8MiB", *options) for _ in range(runs))
    print(f"{kind}: {peaks['small']} KiB for {SMALL} rows, {peaks['big']} KiB for {ROWS}")
    # Parquet holds the compressed pages of one row group, which the small table does not fill.
    held = 32 * 1024 if kind == "parquet" else 0
    assert peaks["big"] <= peaks["small"] * 1.10 + 1024 + held
    assert leat.peak_kib("cp", big.stream("big"), destination("big"), "--replace",
                         *options) < LIMIT_KIB
    if kind.startswith("postgres"):
        assert big.count("copy_of_big") == ROWS
        big.execute("drop table copy_of_big, copy_of_small")


@pytest.mark.timeout(300)
def test_reading_files_is_bounded_too(leat, big, tmp_path):
    leat.ok("cp", big.stream("big"), tmp_path / "big.arrow")
    leat.ok("cp", tmp_path / "big.arrow", tmp_path / "big.csv")
    for source, to in (("big.arrow", "again.arrow"), ("big.csv", "again2.arrow")):
        peak = leat.peak_kib("cp", tmp_path / source, tmp_path / to)
        print(f"{source}: {peak} KiB")
        assert peak < LIMIT_KIB


def random_columns(n, rows):
    """Of 64 bits, so that nothing repeats and nothing gets smaller."""
    import os
    import pyarrow as pa
    return pa.table([pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(os.urandom(8 * rows))])
                     for _ in range(n)], names=[f"c{i}" for i in range(n)])


@pytest.mark.timeout(300)
def test_many_columns_of_parquet_are_read_within_memory(leat, tmp_path):
    """A page of each, with its dictionary, takes a quarter of a gigabyte."""
    import pyarrow as pa
    import pyarrow.parquet
    whole = random_columns(500, 20000)
    pyarrow.parquet.write_table(whole, tmp_path / "in.parquet")
    for memory, most in (("96MiB", LIMIT_KIB), ("32MiB", 56 * 1024)):
        peak = leat.peak_kib("cp", tmp_path / "in.parquet", tmp_path / "out.arrow", "--replace",
                             f"--memory={memory}")
        print(f"--memory {memory}: {peak} KiB")
        assert peak < most
    assert pa.ipc.open_file(str(tmp_path / "out.arrow")).read_all().equals(whole)


@pytest.mark.timeout(300)
def test_many_columns_of_parquet_are_written_within_memory(leat, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet
    table = random_columns(300, 40000)
    with pa.OSFile(str(tmp_path / "in.arrow"), "wb") as file:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=1000)
    for memory, most in (("96MiB", LIMIT_KIB), ("32MiB", 56 * 1024)):
        peak = leat.peak_kib("cp", tmp_path / "in.arrow", tmp_path / "out.parquet", "--replace",
                             f"--memory={memory}")
        print(f"--memory {memory}: {peak} KiB")
        assert peak < most
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet").equals(table)
