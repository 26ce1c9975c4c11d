"""Every file of apache/parquet-testing, as tests/data/parquet-testing.json says: read, and equal to
what an independent reader makes of it; or refused, and how.

LEAT_TEST_PARQUET is a checkout of that repository, or a copy of its folders data and bad_data. A
file there that the manifest does not name fails the test, so that none goes unread.
"""
import collections
import csv
import json
import os
import pathlib
import resource

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from arrow_equal import compare
from conftest import ROOT, needed

MANIFEST = ROOT / "tests" / "data" / "parquet-testing.json"
FOLDERS = ("data", "bad_data")
# What is not a Parquet file: expectations, keys, filters, scripts.
OTHER = {".csv", ".json", ".bin", ".py", ".yaml", ".md"}
# The one file whose values are of 1 GiB, and what they are: its authors give no other judge.
LARGE = "data/large_string_map.brotli.parquet"
LARGE_BYTES = 1 << 30
LARGE_PIECE = 1 << 24
LARGE_MEMORY = 8 << 30
LARGE_SECONDS = 500
# Far beyond what these files take, and far below what a length that is believed would take.
ADDRESS_SPACE = 1 << 30
ASAN_LIMIT = ":max_allocation_size_mb=512"
counts = collections.Counter()

# Types that the manifest names and that are no aliases of pyarrow's.
TYPES = {"map<string, string>": pa.map_(pa.string(), pa.string())}


def manifest():
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def files():
    path = os.environ.get("LEAT_TEST_PARQUET", "")
    if not path or not pathlib.Path(path, "data").is_dir():
        needed("no Parquet test files: set LEAT_TEST_PARQUET to a checkout of parquet-testing")
    return pathlib.Path(path)


@pytest.fixture(scope="module", autouse=True)
def tally(request):
    yield
    line = ", ".join(f"{counts[name]} {name}" for name in (
        "equal", "refused", "checksum", "crashes"))
    if counts:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\nparquet-testing: {line}")


# --- what the file holds, by others ----------------------------------------------------------------


def by_pyarrow(path, _row):
    return pq.ParquetFile(path, page_checksum_verification=True).read()


def by_pyarrow_int96_us(path, _row):
    return pq.read_table(path, coerce_int96_timestamp_unit="us", page_checksum_verification=True)


def by_values(_path, row):
    """What no reader at hand reads: the values are in the manifest."""
    def column(name, values):
        type_ = TYPES.get(row["types"][name]) or pa.type_for_alias(row["types"][name])
        if pa.types.is_map(type_):
            values = [[tuple(pair) for pair in value] for value in values]
        return pa.array(values, type_)
    return pa.table({name: column(name, values) for name, values in row["values"].items()})


JUDGES = {"pyarrow": by_pyarrow, "pyarrow-int96-us": by_pyarrow_int96_us, "values": by_values}


def compare_csv(table, path):
    """Against the values that the file's authors published beside it, as text."""
    with open(path, encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    assert [name.strip(" :") for name in table.column_names] == [name.strip(" :") for name in names]
    got = [["" if value is None else str(value) for value in column.to_pylist()]
           for column in table.columns]
    assert [list(row) for row in zip(*got)] == rows


# --- the tests -------------------------------------------------------------------------------------


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def copy(leat, path, target, *options):
    """leat cp, with as much memory as it should need; a sanitizer takes address space by itself."""
    if "asan" in leat.binary.parent.name:
        limit = {"env": {"ASAN_OPTIONS": leat.env.get("ASAN_OPTIONS", "") + ASAN_LIMIT}}
    else:
        limit = {"preexec_fn": limited}
    counts["crashes"] += 1  # unless it ends by itself
    done = leat("cp", f"parquet:{path}", target, *options, **limit)
    counts["crashes"] -= 1
    return done


def judge_read(done, target, path, row, files):
    assert done.returncode == 0, done.stderr
    with pa.OSFile(str(target)) as file:
        table = pa.ipc.open_file(file).read_all()
    table.validate(full=True)
    compare(table, JUDGES[row.get("judge", "pyarrow")](path, row))
    if "csv" in row:
        compare_csv(table, files / row["csv"])


def judge_refusal(done, target, row):
    assert done.returncode == row["status"], done.stderr
    assert f"[{row['code']}]" in done.stderr, done.stderr
    assert row["message"] in done.stderr, done.stderr
    assert pathlib.PurePath(row["file"]).name in done.stderr, done.stderr
    assert not target.exists()


@pytest.mark.asan
@pytest.mark.parametrize("row", [row for row in manifest() if row["file"] != LARGE],
                         ids=lambda row: row["file"])
def test_parquet_testing_file(leat, files, tmp_path, row):
    path, target = files / row["file"], tmp_path / "out.arrow"
    done = copy(leat, path, target)
    if row["expect"] == "equal":
        judge_read(done, target, path, row, files)
    else:
        judge_refusal(done, target, row)
    counts[row["expect"]] += 1


def test_every_file_is_in_the_manifest(files):
    there = {str(path.relative_to(files)) for folder in FOLDERS
             for path in (files / folder).rglob("*") if path.is_file() and path.suffix not in OTHER}
    assert there == {row["file"] for row in manifest()}


def test_int96_beyond_nanoseconds_is_refused_with_the_unit_that_holds_it(leat, files, tmp_path):
    path, target = files / "data" / "int96_from_spark.parquet", tmp_path / "out.arrow"
    done = copy(leat, path, target, "--int96-unit", "ns")
    judge_refusal(done, target, {"file": path, "status": 1, "code": "value-range",
                                 "message": "--int96-unit us"})


def available_memory():
    """Bytes that can be had without swapping: free pages and the page cache, which a build fills."""
    with open("/proc/meminfo", encoding="ascii") as info:
        kib = next(line for line in info if line.startswith("MemAvailable:")).split()[1]
    return int(kib) << 10


@pytest.mark.timeout(LARGE_SECONDS + 60)
def test_strings_of_more_than_two_gib_in_one_chunk(leat, files):
    """MAP(STRING, INT32) of two rows, each one key of 2^30 times "a" and the value 1."""
    if available_memory() < LARGE_MEMORY:
        needed(f"less than {LARGE_MEMORY >> 30} GiB of free memory")
    child = leat.start("cp", f"parquet:{files / LARGE}", "arrows:-")
    rows = 0
    with pa.ipc.open_stream(child.stdout) as reader:
        assert str(reader.schema.field("arr").type.key_type) == "string"
        for batch in reader:
            entries = batch.column(0)
            assert entries.offsets.to_pylist() == list(range(len(entries) + 1))
            assert entries.items.to_pylist() == [1] * len(entries)
            assert pc.binary_length(entries.keys).to_pylist() == [LARGE_BYTES] * len(entries)
            text, piece = entries.keys.buffers()[2], pa.py_buffer(b"a" * LARGE_PIECE)
            assert all(text.slice(at, LARGE_PIECE).equals(piece)
                       for at in range(0, LARGE_BYTES * len(entries), LARGE_PIECE))
            rows += len(entries)
    assert child.wait(LARGE_SECONDS) == 0, child.stderr.read()
    assert rows == 2
    counts["equal"] += 1
