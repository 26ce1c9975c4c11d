"""Records that leat itself must refuse: stop, or set aside with place and reason."""
import json

import pytest

import readers


@pytest.fixture
def bad_csv(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,total\n1,10\nx,11\n3,tall\n4,13\n", encoding="utf-8")
    return path


CASTS = "--cast=id=int64,total=int16"


@pytest.mark.quick
@pytest.mark.asan
def test_the_first_bad_record_stops_by_default(leat, bad_csv, tmp_path):
    done = leat.fails(1, "value-syntax", "cp", bad_csv, tmp_path / "out.arrow", CASTS)
    assert "in.csv" in done.stderr and '"id"' in done.stderr
    assert not (tmp_path / "out.arrow").exists()


@pytest.mark.quick
@pytest.mark.asan
def test_skipped_records_are_written_with_place_code_and_reason(leat, bad_csv, tmp_path):
    rejects = tmp_path / "bad.jsonl"
    done = leat("cp", bad_csv, tmp_path / "out.arrow", CASTS, "--on-error=skip",
                f"--rejects={rejects}")
    assert done.returncode == 4, done.stderr
    assert readers.arrow_table(tmp_path / "out.arrow")[1] == [(1, 10), (4, 13)]
    lines = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 2
    assert all(line["code"] == "value-syntax" and "in.csv" in line["place"] for line in lines)
    assert ":3" in lines[0]["place"] and ":4" in lines[1]["place"]
    assert any("tall" in json.dumps(line) for line in lines)  # the record itself is kept
    assert oct(rejects.stat().st_mode & 0o077) == "0o0"  # it holds data: for nobody else


def test_too_many_rejects_stop_the_run_and_leave_the_destination(leat, bad_csv, tmp_path):
    out = tmp_path / "out.arrow"
    leat.fails(1, "too-many-rejects", "cp", bad_csv, out, CASTS, "--on-error=skip",
               f"--rejects={tmp_path}/bad.jsonl", "--max-errors=1")
    assert not out.exists()


def test_values_out_of_range_are_rejected_on_the_way_into_a_table(leat, pg_db, tmp_path):
    pg_db.execute("create table src as select g as id, g * 1000 as n from generate_series(1, 100) g",
                  "create table dst (id bigint, n smallint)")
    rejects = tmp_path / "bad.jsonl"
    done = leat("cp", pg_db.stream("src"), pg_db.stream("dst"), "--on-error=skip",
                f"--rejects={rejects}")
    assert done.returncode == 4, done.stderr
    assert pg_db.rows("dst") == [(i, i * 1000) for i in range(1, 33)]
    assert len(rejects.read_text(encoding="utf-8").splitlines()) == 68
