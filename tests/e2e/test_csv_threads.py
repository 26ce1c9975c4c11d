"""One large CSV file read and written by several threads: the same records, lines and bytes."""
import csv
import gzip
import hashlib
import subprocess
import zlib

import pyarrow as pa
import pyarrow.ipc
import pytest

ROWS = 120_000  # some 8 MB, 3 MB compressed: well past where other threads are taken on
BAD = 100_001


def text(i):
    """With delimiters, quotes and line ends of both kinds, and hardly to be compressed."""
    return f'say "{i}",\nand {hashlib.md5(str(i).encode()).hexdigest()[:i % 33]}\r'


def make(path, bad=None):
    """Records of three lines each."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("id,text,ratio\n")
        for i in range(ROWS):
            number = "oops" if i == bad else i
            file.write('{},"{}",{}\n'.format(number, text(i).replace('"', '""'), i / 8))
    return path


def expected():
    return [(i, text(i), i / 8) for i in range(ROWS)]


def arrow_rows(path):
    table = pa.ipc.open_file(path).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns)))


@pytest.mark.threads
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_large_file_is_read_in_order_by_several_threads(leat, tmp_path, ending):
    source = make(tmp_path / "in.csv")
    if ending == ".gz":
        source = tmp_path / "in.csv.gz"
        data = (tmp_path / "in.csv").read_bytes()
        source.write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:], 1))
    elif ending == ".zst":
        leat.ok("cp", source, tmp_path / "in.arrow")
        source = tmp_path / "in.csv.zst"
        leat.ok("cp", tmp_path / "in.arrow", source)
    leat.ok("cp", source, tmp_path / "out.arrow", "--parallel=4")
    assert arrow_rows(tmp_path / "out.arrow") == expected()


@pytest.mark.threads
def test_a_fault_far_into_a_large_file_names_its_line(leat, tmp_path):
    source = make(tmp_path / "in.csv", BAD)
    line = 3 * BAD + 2  # after the header, three lines for each record
    for parallel in (1, 4):
        done = leat.fails((1, 2), "value-syntax", "cp", source, tmp_path / "out.arrow",
                          f"--parallel={parallel}")
        assert f"in.csv:{line} column \"id\"" in done.stderr
        assert not (tmp_path / "out.arrow").exists()
    done = leat("cp", source, tmp_path / "out.arrow", "--parallel=4", "--on-error=skip",
                f"--rejects={tmp_path}/rejects.jsonl")
    assert done.returncode == 4, done.stderr  # some records were rejected
    assert f'in.csv:{line} column' in (tmp_path / "rejects.jsonl").read_text()
    assert arrow_rows(tmp_path / "out.arrow") == [row for row in expected() if row[0] != BAD]


@pytest.mark.threads
@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_what_several_threads_compress_other_programs_read(leat, tmp_path, ending):
    source = make(tmp_path / "in.csv")
    leat.ok("cp", source, tmp_path / "plain.csv")
    plain = (tmp_path / "plain.csv").read_bytes()
    with open(tmp_path / "plain.csv", encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.reader(file)) == ROWS + 1
    written = set()
    for parallel in (1, 2, 4):
        path = tmp_path / f"out{parallel}.csv.{ending}"
        leat.ok("cp", source, path, f"--parallel={parallel}")
        written.add(path.read_bytes())
    (packed,) = written  # the same bytes, however many threads made them
    if ending == "gz":
        assert subprocess.run(["gzip", "-dc"], input=packed, check=True,
                              stdout=subprocess.PIPE).stdout == plain
        one = zlib.decompressobj(31)  # one member: some readers stop after the first
        assert one.decompress(packed) == plain and one.eof and not one.unused_data
    else:
        assert pa.input_stream(pa.BufferReader(packed), compression="zstd").read() == plain


@pytest.mark.threads
@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_large_compressed_file_that_is_cut_is_never_the_end(leat, tmp_path, ending):
    source = make(tmp_path / "in.csv")
    whole = tmp_path / f"whole.csv.{ending}"
    leat.ok("cp", source, whole)
    data = whole.read_bytes()
    assert len(data) > 3 << 19
    cut = tmp_path / f"cut.csv.{ending}"
    cut.write_bytes(data[:-5])
    leat.fails((1, 75), ("source-cut", "corrupt-file"), "cp", cut, tmp_path / "out.arrow",
               "--parallel=4")
    assert not (tmp_path / "out.arrow").exists()
