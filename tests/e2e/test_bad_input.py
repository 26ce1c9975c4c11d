"""Everything that can be wrong: the exit status, the code in brackets, and a destination that is as
it was."""
import ctypes
import os
import resource
import signal
import subprocess
import threading
import time

import pyarrow as pa
import pytest

import postgres as postgres_server
import readers
from conftest import needed, wait_for

KEPT = [(1, "kept"), (2, "kept too")]


@pytest.fixture
def kept(pg_db):
    """A destination table with rows of its own, which every failure must leave alone."""
    pg_db.execute("create table kept (id bigint, name text)",
                  "insert into kept values (1, 'kept'), (2, 'kept too')")
    return pg_db


def is_kept(db):
    assert db.rows("kept") == KEPT
    assert db.tables() == [t for t in db.tables() if not t.startswith("_leat_")]


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    return path


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.asan
def test_unknown_scheme_is_refused(leat, csv_file, tmp_path):
    done = leat.fails(2, "unknown-scheme", "cp", csv_file, "postgers://localhost/db#t")
    assert "postgres" in done.stderr  # did you mean
    leat.fails(2, "unknown-scheme", "cp", "nosuch:thing", tmp_path / "out.csv")


@pytest.mark.quick
def test_missing_file_is_refused(leat, tmp_path):
    leat.fails(2, "not-found", "cp", tmp_path / "orders.csv", tmp_path / "out.arrow")
    assert not (tmp_path / "out.arrow").exists()


def test_unknown_table_is_refused_with_the_closest_name(leat, kept, tmp_path):
    done = leat.fails(2, "not-found", "cp", kept.stream("kepd"), tmp_path / "out.csv")
    assert "kept" in done.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.quick
@pytest.mark.asan
def test_unknown_column_is_refused_with_the_closest_name(leat, csv_file, tmp_path):
    for option in ("--columns=id,nmae", "--rename=nmae=x", "--cast=nmae=utf8"):
        done = leat.fails(2, "unknown-column", "cp", csv_file, tmp_path / "out.arrow", option)
        assert "name" in done.stderr
    assert not (tmp_path / "out.arrow").exists()


def test_unknown_database_is_refused(leat, pg, csv_file):
    leat.fails((1, 2, 75), ("not-found", "denied", "unavailable"), "cp", csv_file,
               f"{pg.url('no_such_database')}#t")


# --- rights --------------------------------------------------------------------------------------


def test_wrong_password_is_refused_and_never_echoed(leat, pg, pg_db, csv_file, tmp_path):
    secret = "Wr0ng-S3cret"
    url = f"{pg.url(pg_db.name, password=secret)}#public.t"
    for arguments in (("cp", csv_file, url), ("cp", url, tmp_path / "out.csv"), ("streams", url)):
        for loud in ((), ("-v", "-v"), ("--log-format", "json"), ("--log-level", "trace")):
            done = leat.fails(2, "denied", *arguments, *loud) if "json" not in loud else \
                leat(*arguments, *loud)
            assert done.returncode == 2, done.stderr
            assert secret not in done.stderr + done.stdout


def test_no_permission_to_read_or_write_is_refused(leat, pg, kept, csv_file, tmp_path):
    kept.execute("create role guest login password 'guest'")
    try:
        url = pg.url(kept.name, user="guest", password="guest")
        leat.fails(2, "denied", "cp", f"{url}#public.kept", tmp_path / "out.csv")
        leat.fails(2, "denied", "cp", csv_file, f"{url}#public.kept", "--append")
        leat.fails(2, "denied", "cp", csv_file, f"{url}#public.new_one")
        assert not (tmp_path / "out.csv").exists()
        is_kept(kept)
    finally:
        kept.execute("drop owned by guest", "drop role guest")


def without_the_rights_of_root():
    """Root may write anywhere by CAP_DAC_OVERRIDE (1): a program started now goes without it."""
    if os.getuid() == 0 and ctypes.CDLL(None).prctl(24, 1, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
        raise OSError("cannot drop CAP_DAC_OVERRIDE")


def test_directory_without_write_permission_is_refused(leat, csv_file, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    leat.fails((1, 2), "denied", "cp", csv_file, folder / "out.csv",
               preexec_fn=without_the_rights_of_root)
    assert list(folder.iterdir()) == []


# --- broken sources ------------------------------------------------------------------------------


@pytest.mark.parametrize("raw, code", [
    (b"id,name\n1,one\n2,\xff\xfe\n", "invalid-utf8"),
    (b'id,name\n1,one\n2,"two\n', ("corrupt-file", "source-cut", "value-syntax")),
    (b"id,name\n1,one\n2,two,three\n", ("corrupt-file", "value-syntax")),
], ids=["invalid utf-8", "open quote at the end", "too many fields"])
def test_broken_csv_stops_with_its_line(leat, kept, tmp_path, raw, code):
    path = tmp_path / "bad.csv"
    path.write_bytes(raw)
    done = leat.fails((1, 2), code, "cp", path, kept.stream("kept"), "--replace")
    assert "bad.csv" in done.stderr and "two" not in done.stderr
    is_kept(kept)


@pytest.mark.asan
@pytest.mark.parametrize("ending", ["gz", "zst", "lz4"])
def test_truncated_compressed_file_is_never_the_end_of_the_data(leat, tmp_path, ending):
    rows = "".join(f"{i},{i * i % 7919}\n" for i in range(60_000))
    (tmp_path / "in.csv").write_text("a,b\n" + rows, encoding="utf-8")
    leat.ok("cp", tmp_path / "in.csv", tmp_path / f"whole.csv.{ending}")
    whole = (tmp_path / f"whole.csv.{ending}").read_bytes()
    path, out = tmp_path / f"cut.csv.{ending}", tmp_path / "out.arrow"
    for size in (len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        leat.fails((1, 75), ("source-cut", "corrupt-file"), "cp", path, out)
        assert not out.exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(("out", ".out"))] == []


@pytest.mark.asan
def test_truncated_or_damaged_arrow_file_is_refused(leat, tmp_path):
    table = pa.table({"a": list(range(50_000)), "b": [str(i) for i in range(50_000)]})
    whole_path = tmp_path / "whole.arrow"
    with pa.OSFile(str(whole_path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    whole = whole_path.read_bytes()
    path, out = tmp_path / "bad.arrow", tmp_path / "out.csv"
    for bad in (whole[:len(whole) // 2], whole[:-3], whole[:-200] + b"\xff" * 100 + whole[-100:]):
        path.write_bytes(bad)
        leat.fails((1, 2, 75), ("corrupt-file", "source-cut"), "cp", path, out)
        assert not out.exists()


@pytest.mark.quick
@pytest.mark.asan
def test_value_out_of_range_stops_with_place_but_without_the_value(leat, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,total\n1,10\n2,71234567\n3,12\n", encoding="utf-8")
    done = leat.fails(1, "value-range", "cp", path, tmp_path / "out.arrow", "--cast=total=int16")
    assert "in.csv" in done.stderr and "total" in done.stderr and "71234567" not in done.stderr
    assert not (tmp_path / "out.arrow").exists()


def test_value_the_destination_column_cannot_hold_leaves_it_unchanged(leat, kept, tmp_path):
    kept.execute("create table narrow (id smallint, name varchar(3))",
                 "insert into narrow values (1, 'abc')")
    path = tmp_path / "in.csv"
    path.write_text("id,name\n7,ab\n700000,abc\n", encoding="utf-8")
    leat.fails((1, 2), ("value-range", "server"), "cp", path, kept.stream("narrow"), "--replace")
    path.write_text("id,name\n7,ab\n8,abcdef\n", encoding="utf-8")
    leat.fails((1, 2), ("value-range", "server"), "cp", path, kept.stream("narrow"), "--replace")
    assert kept.rows("narrow") == [(1, "abc")]
    is_kept(kept)


def test_null_for_a_not_null_column_leaves_the_destination_unchanged(leat, kept, tmp_path):
    kept.execute("create table strict (id bigint, name text not null)",
                 "insert into strict values (1, 'x')")
    path = tmp_path / "in.csv"
    path.write_text("id,name\n7,seven\n8,\n", encoding="utf-8")
    leat.fails((1, 2), ("not-null", "server"), "cp", path, kept.stream("strict"), "--replace")
    assert kept.rows("strict") == [(1, "x")]


def test_columns_that_do_not_fit_are_all_listed_before_anything_is_read(leat, kept, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,alpha,beta\n1,2,3\n", encoding="utf-8")
    done = leat.fails(2, "column-mismatch", "cp", path, kept.stream("kept"), "--append")
    assert "alpha" in done.stderr and "beta" in done.stderr
    is_kept(kept)


# --- destinations --------------------------------------------------------------------------------


def small_disk(folder):
    """A file system of 1 MiB mounted at the folder; False where that is not allowed."""
    return os.getuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "leat-test", str(folder)], check=False,
        stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("name", ["out.csv", "out.arrow", "sqlite"])
def test_full_disk_leaves_the_old_destination_whole(leat, pg_db, tmp_path, name):
    pg_db.execute("create table big as select g as id, md5(g::text) as text "
                  "from generate_series(1, 100000) g",
                  "create table small as select 1 as id, 'old'::text as text")
    folder = tmp_path / "disk"
    folder.mkdir()
    if not small_disk(folder):
        needed("a full disk needs root and the right to mount")
    try:
        path = folder / ("out.db" if name == "sqlite" else name)
        location = f"sqlite:{path}#out" if name == "sqlite" else str(path)
        leat.ok("cp", pg_db.stream("small"), location)
        before = path.read_bytes()
        leat.fails(1, "no-space", "cp", pg_db.stream("big"), location, "--replace")
        if name == "sqlite":
            assert readers.sqlite_table(path, "out")[1] == [(1, "old")]
        else:
            assert path.read_bytes() == before
        assert sorted(p.name for p in folder.iterdir()) == [path.name]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.quick
def test_file_size_limit_stops_the_run_and_leaves_no_file(leat, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("a\n" + "12345678\n" * 100_000, encoding="utf-8")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    leat.fails(1, "no-space", "cp", path, tmp_path / "out.csv",
               preexec_fn=limit)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "in.csv"]


@pytest.mark.quick
def test_full_standard_output_is_an_error(leat, csv_file):
    with open("/dev/full", "wb") as full:
        child = leat.start("cp", csv_file, "csv:-", stdout=full)
        _, err = child.communicate(timeout=60)
    assert child.returncode != 0 and b"[" in err


@pytest.mark.quick
def test_directory_as_single_file_destination_is_refused_and_untouched(leat, csv_file, tmp_path):
    folder = tmp_path / "orders.csv"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    done = leat("cp", csv_file, folder)
    assert done.returncode in (0, 1, 2)
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "mine"
    if done.returncode == 0:  # a directory that exists takes a file a stream
        assert sorted(p.name for p in folder.iterdir() if not p.name.startswith("_leat")) == \
            ["in.csv", "mine.txt"]


# --- connections ---------------------------------------------------------------------------------


def test_source_connection_cut_in_the_middle_is_never_the_end(leat, kept, proxy, tmp_path):
    kept.execute("create table big as select g as id, md5(g::text) as text "
                 "from generate_series(1, 200000) g")
    cut = proxy(cut_after=2_000_000)
    for destination in (kept.stream("copy"), str(tmp_path / "out.arrow"),
                        f"sqlite:{tmp_path}/out.db#copy"):
        leat.fails(75, ("source-cut", "unavailable"), "cp", kept.stream("big", port=cut.port),
                   destination, "--retries=0")
    assert cut.struck >= 3
    assert "copy" not in kept.tables() or kept.count("copy") == 0
    assert not (tmp_path / "out.arrow").exists()
    is_kept(kept)


def test_source_connection_cut_once_is_tried_again(leat, pg_db, proxy, tmp_path):
    pg_db.execute("create table big as select g as id from generate_series(1, 200000) g")
    cut = proxy(cut_after=500_000, times=1)
    done = leat.ok("cp", pg_db.stream("big", port=cut.port), f"sqlite:{tmp_path}/out.db#big")
    assert cut.struck == 1, done.stderr
    _, rows = readers.sqlite_table(tmp_path / "out.db", "big")
    assert len(rows) == 200_000 and len(set(rows)) == 200_000


def test_destination_connection_cut_in_the_middle_leaves_it_unchanged(leat, kept, proxy, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,name\n" + "".join(f"{i},name {i}\n" for i in range(100_000)),
                    encoding="utf-8")
    cut = proxy(cut_upload_after=600_000)
    leat.fails(75, ("unavailable", "outcome-unknown", "server"), "cp", path,
               kept.stream("kept", port=cut.port), "--replace", "--retries=0")
    assert wait_for(lambda: kept.rows("kept") == KEPT)
    is_kept(kept)


def test_destination_server_restarted_in_the_middle_leaves_old_or_new(leat, tmp_path, pg_db):
    pg_db.execute("create table big as select g as id, md5(g::text) as text "
                  "from generate_series(1, 600000) g")
    with postgres_server.Postgres() as other:
        with readers.pg_connect(other.url()) as connection:
            connection.execute("create table big (id bigint, text text)")
            connection.execute("insert into big values (1, 'old')")
        destination = f"{other.url()}#public.big"
        child = leat.start("cp", pg_db.stream("big"), destination, "--replace", "--retries=0")
        time.sleep(0.25)
        other.restart("immediate")
        _, err = child.communicate(timeout=60)
        err = err.decode()
        with readers.pg_connect(other.url()) as connection:
            rows = connection.execute("select count(*), min(text) from big").fetchone()
        if child.returncode == 0:
            assert rows[0] == 600_000
        else:
            assert child.returncode in (1, 75) and "[" in err
            assert rows == (1, "old"), err
        leat.ok("cp", pg_db.stream("big"), destination, "--replace")
        with readers.pg_connect(other.url()) as connection:
            assert connection.execute("select count(*) from big").fetchone()[0] == 600_000


def test_nobody_listening_is_a_passing_fault(leat, csv_file):
    port = postgres_server.free_port()
    leat.fails(75, "unavailable", "cp", csv_file, f"postgres://u:p@127.0.0.1:{port}/db#t",
               "--retries=0")


def test_two_runs_into_one_table_never_mix(leat, pg_db, tmp_path):
    sources = []
    for letter in "ab":
        path = tmp_path / f"{letter}.csv"
        path.write_text("id,who\n" + "".join(f"{i},{letter}\n" for i in range(50_000)),
                        encoding="utf-8")
        sources.append(path)
    for destination, read in (
            (pg_db.stream("shared"), lambda: pg_db.rows("shared")),
            (f"sqlite:{tmp_path}/shared.db#shared",
             lambda: readers.sqlite_table(tmp_path / "shared.db", "shared")[1])):
        results = []

        def run(path, to=destination, results=results):
            child = leat.start("cp", path, to, "--replace")
            _, err = child.communicate(timeout=90)
            results.append((child.returncode, err.decode()))

        threads = [threading.Thread(target=run, args=(path,)) for path in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert any(status == 0 for status, _ in results), results
        for status, err in results:
            assert status == 0 or "[destination-busy]" in err, err
        rows = read()
        assert len(rows) == 50_000 and len({row[1] for row in rows}) == 1


def test_a_held_destination_is_busy_after_the_lock_timeout(leat, kept, csv_file):
    with kept.connect() as holder:
        holder.execute("lock table kept in access exclusive mode")
        began = time.monotonic()
        leat.fails(75, "destination-busy", "cp", csv_file, kept.stream("kept"), "--replace",
                   "--lock-timeout=500ms", "--retries=0")
        assert time.monotonic() - began < 20
    is_kept(kept)
