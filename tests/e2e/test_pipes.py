"""Data on standard output and from standard input."""
import os
import subprocess
import sys

import pyarrow as pa
import pytest

import readers

pytestmark = pytest.mark.quick


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    return path


def test_an_arrow_stream_on_standard_output_is_read_by_pyarrow(leat, pg_db):
    pg_db.execute("create table t as select g as id, 'n' || g as name "
                  "from generate_series(1, 100000) g")
    producer = leat.start("cp", pg_db.stream("t"), "arrows:-")
    script = ("import sys, pyarrow as pa; t = pa.ipc.open_stream(sys.stdin.buffer).read_all(); "
              "print(t.num_rows, sum(t['id'].to_pylist()), t['name'][99999].as_py()[:1])")
    told = subprocess.run([sys.executable, "-c", script], stdin=producer.stdout,
                          capture_output=True, text=True, check=True, timeout=60).stdout
    producer.stdout.close()
    err = producer.stderr.read().decode()
    assert producer.wait() == 0, err
    assert told.split() == ["100000", "5000050000", "n"]
    assert "100,000 rows" in err


def test_an_arrow_stream_on_standard_input_becomes_a_table(leat, tmp_path):
    table = pa.table({"id": [1, 2, 3], "name": ["a", None, ""]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    leat.ok("cp", "arrows:-", f"sqlite:{tmp_path}/s.db#t", stdin=sink.getvalue().to_pybytes())
    assert readers.sqlite_table(tmp_path / "s.db", "t")[1] == [(1, "a"), (2, None), (3, "")]


@pytest.mark.asan
def test_csv_flows_through_standard_input_and_output(leat):
    done = leat.ok("cp", "csv:-", "csv:-", stdin=b'a,b\n1,\n2,""\n')
    assert done.stdout == 'a,b\n1,\n2,""\n'


@pytest.mark.asan
def test_standard_input_is_sniffed(leat, csv_file, tmp_path):
    leat.ok("cp", "-", tmp_path / "a.arrow", stdin=csv_file.read_bytes())
    assert readers.arrow_table(tmp_path / "a.arrow")[1] == [(1, "one"), (2, "two")]
    stream = leat.ok("cp", csv_file, "arrows:-", binary=True).stdout
    done = leat.ok("cp", "-", "csv:-", stdin=stream)
    assert done.stdout == "id,name\n1,one\n2,two\n"


def test_an_arrow_stream_that_ends_early_is_an_error(leat, csv_file, tmp_path):
    stream = leat.ok("cp", csv_file, "arrows:-", binary=True).stdout
    leat.fails((1, 75), ("source-cut", "corrupt-file"), "cp", "arrows:-", tmp_path / "x.csv",
               stdin=stream[:-40])
    assert not (tmp_path / "x.csv").exists()


def test_a_reader_that_goes_away_ends_the_copy_as_a_failure(leat, pg_db):
    pg_db.execute("create table t as select g as id from generate_series(1, 2000000) g")
    child = leat.start("cp", pg_db.stream("t"), "csv:-")
    child.stdout.read(100)
    child.stdout.close()
    err = child.stderr.read()
    assert child.wait(timeout=30) not in (0, -11, -6), err


def test_a_format_flag_means_the_side_whose_name_says_nothing(leat, tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n")
    leat.ok("cp", tmp_path / "a.csv", f"{tmp_path}/out/", "--format=arrow")
    assert [path.name for path in (tmp_path / "out").glob("a.*")] == ["a.arrow"]
    done = leat.ok("cp", tmp_path / "out" / "a.arrow", "-", "--format=csv")
    assert done.stdout == "n\n1\n"
    (tmp_path / "b.data").write_text("n\n2\n")
    assert leat.ok("cp", tmp_path / "b.data", "csv:-", "--format=csv").stdout == "n\n2\n"
    # what the location itself says holds against the name
    leat.fails(1, ("corrupt-file", "bad-data"), "cp", f"arrow:{tmp_path}/a.csv", "csv:-")
    (tmp_path / "c.data").write_text("n\n3\n")
    leat.ok("cp", f"csv:{tmp_path}/c.data", tmp_path / "c.other", "--format=arrow")
    assert leat.ok("cp", f"arrow:{tmp_path}/c.other", "csv:-", "--format=arrow").stdout == "n\n3\n"


def test_a_format_that_seeks_comes_through_pipes_and_codecs_and_leaves_nothing(leat, tmp_path):
    import gzip

    import pyarrow as pa
    import pyarrow.parquet
    pa.parquet.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), tmp_path / "t.parquet")
    data = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress(data))
    temp = tmp_path / "temp"
    temp.mkdir()
    env = {"TMPDIR": str(temp)}
    want = "b,a\nx,1\ny,2\n"
    # standard input is known by its first bytes
    assert leat.ok("cp", "-", "csv:-", "--columns=b,a", stdin=data, env=env).stdout == want
    assert leat.ok("cp", tmp_path / "t.parquet.gz", "csv:-", "--columns=b,a", env=env).stdout == want
    assert list(temp.iterdir()) == []
    done = leat("cp", "-", "csv:-", stdin=data, env={"TMPDIR": str(tmp_path / "none")})
    assert done.returncode and "TMPDIR" in done.stderr


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("piped", [False, True])
def test_compression_is_about_what_is_written(leat, csv_file, tmp_path, packed, piped):
    import gzip

    import pyarrow.parquet
    text = csv_file.read_bytes()
    if packed:
        csv_file.write_bytes(gzip.compress(text))
    source = "csv:-" if piped else csv_file

    def copy(dest, codec):
        leat.ok("cp", source, dest, "--compression", codec, "--replace",
                stdin=csv_file.read_bytes() if piped else None)

    for codec in ("snappy", "gzip", "zstd", "brotli"):
        copy(tmp_path / "o.parquet", codec)
        file = pa.parquet.ParquetFile(tmp_path / "o.parquet")
        assert file.metadata.row_group(0).column(0).compression == codec.upper()
        assert file.read().column("name").to_pylist() == ["one", "two"]
    copy(tmp_path / "o.arrow", "lz4")
    assert pa.ipc.open_file(tmp_path / "o.arrow").read_all()["id"].to_pylist() == [1, 2]
    copy(f"csv:{tmp_path}/o", "gzip")
    assert gzip.decompress((tmp_path / "o").read_bytes()) == text


def test_the_url_of_a_source_says_its_codec_for_sure(leat, csv_file):
    leat.fails(1, "corrupt-file", "cp", f"csv:{csv_file}?compression=zstd", "csv:-")


@pytest.mark.parametrize("mode", ["--replace", "--append"])
def test_a_pipe_as_a_file_is_refused_at_once_and_never_read(leat, csv_file, tmp_path, mode):
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDWR)  # a reader that waited for a writer would hang
    try:
        for place in (f"csv:{tmp_path}/pipe", "csv:/dev/stdout"):
            done = leat.fails(2, "invalid", "cp", csv_file, place, mode)
            assert "is no regular file, which cannot be replaced" in done.stderr
            assert done.stdout == ""
    finally:
        os.close(end)
