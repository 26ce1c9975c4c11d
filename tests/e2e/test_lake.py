"""Directories as destinations and sources of deltas, read by programs that are not leat."""
import contextlib
import datetime
import json
import random
import sqlite3
import subprocess

import duckdb
import pytest
import readers

DAY = datetime.datetime(2026, 3, 1)


def fill(path, first, rows, more=()):
    connection = sqlite3.connect(path)
    connection.execute("create table if not exists t (id integer primary key, at timestamp, "
                       "country text)")
    for statement in more:
        connection.execute(statement)
    connection.executemany(
        "insert into t (id, at, country) values (?, ?, ?)",
        [(i, (DAY + datetime.timedelta(hours=i)).isoformat(" "), (None, "DE", "a/b")[i % 3])
         for i in range(first, first + rows)])
    connection.commit()
    connection.close()


def delta(leat, source, lake, *more, check=True):
    run = leat.ok if check else leat
    return run("cp", "delta", f"sqlite:{source}#t", f"{lake}/", "--strategy", "append", "-d", "at,id",
               "--format", "parquet", *more)


def manifest_of(lake):
    (stream,) = json.loads((lake / "_leat_manifest.json").read_text(encoding="utf-8"))["streams"]
    return stream


def test_a_lake_is_a_hive_data_set_to_others(leat, tmp_path):
    source, lake = tmp_path / "s.db", tmp_path / "lake"
    fill(source, 0, 100)
    delta(leat, source, lake, "--partition-by", "country,at:day")
    fill(source, 100, 50)
    delta(leat, source, lake, "--partition-by", "country,at:day")
    assert "nothing new" in delta(leat, source, lake, "--partition-by", "country,at:day").stderr
    found = duckdb.sql("select id, country, cast(\"at\" as date) = dt from "
                       f"read_parquet('{lake}/t/**/*.parquet', hive_partitioning = true) "
                       "order by id").fetchall()
    assert found == [(i, (None, "DE", "a/b")[i % 3], True) for i in range(150)]
    listed = manifest_of(lake)["files"]
    assert sum(file["rows"] for file in listed) == 150
    assert all((lake / file["path"]).stat().st_size == file["bytes"] for file in listed)
    leat.ok("diff", f"sqlite:{source}#t", f"{lake}/#t", "-p", "id")


def test_columns_that_come_later_are_null_before(leat, tmp_path):
    source, lake = tmp_path / "s.db", tmp_path / "lake"
    fill(source, 0, 10)
    delta(leat, source, lake)
    fill(source, 10, 10, ["alter table t add column more real"])
    delta(leat, source, lake, "--schema", "evolve")
    leat.ok("cp", f"{lake}/#t", tmp_path / "whole.parquet")
    names, rows = readers.parquet_table(tmp_path / "whole.parquet")
    assert names == ["id", "at", "country", "more"] and len(rows) == 20
    fill(source, 20, 5, ["alter table t add column other text"])
    leat.fails((1, 2), "column-mismatch", "cp", "delta", f"sqlite:{source}#t", f"{lake}/",
               "--strategy", "append", "-d", "at,id", "--schema", "strict", "--format", "parquet")
    assert len(manifest_of(lake)["files"]) == 2


def test_new_files_alone_are_taken(leat, tmp_path):
    inbox, target = tmp_path / "in", tmp_path / "d.db"
    inbox.mkdir()
    location = f"csv:{inbox}/*.csv?as-stream=t#t"
    (inbox / "b.csv").write_text("id,v\n1,x\n2,y\n")
    leat.ok("cp", "delta", location, f"sqlite:{target}#t", "-p", "id")
    assert "nothing new" in leat.ok("cp", "delta", location, f"sqlite:{target}#t", "-p", "id").stderr
    (inbox / "a.csv").write_text("v,id\nY,2\nz,3\n")
    leat.ok("cp", "delta", location, f"sqlite:{target}#t", "-p", "id")
    assert sorted(readers.sqlite_table(target, "t")[1]) == [(1, "x"), (2, "Y"), (3, "z")]
    (inbox / "b.csv").write_text("id,v\n1,changed\n")
    leat.fails(2, "source-changed", "cp", "delta", location, f"sqlite:{target}#t", "-p", "id")


@pytest.mark.parametrize("seed", range(6))
def test_killed_deltas_into_a_lake_lose_and_double_nothing(leat, tmp_path, seed):
    source, lake = tmp_path / "s.db", tmp_path / "lake"
    chance = random.Random(seed)
    rows = 0
    for _ in range(4):
        fill(source, rows, 300)
        rows += 300
        child = leat.start("cp", "delta", f"sqlite:{source}#t", f"{lake}/", "--strategy", "append",
                           "-d", "at,id", "--format", "parquet", "--partition-by", "at:day")
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(chance.random() * 0.12)
        child.kill()
        child.communicate()
    delta(leat, source, lake, "--partition-by", "at:day")
    found = duckdb.sql(f"select id from read_parquet('{lake}/t/**/*.parquet') order by id").fetchall()
    assert found == [(i,) for i in range(rows)]
    listed = {file["path"] for file in manifest_of(lake)["files"]}
    assert {str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file()} == \
        listed | {"_leat_manifest.json"}
