"""leat diff --schema-only: every column that is not the same, of every stream, and why."""
import json
import sqlite3

import pytest


def differences(leat, *command, status=3):
    done = leat("diff", *command, "--schema-only", "--as", "json")
    assert done.returncode == status, done.stderr
    return {(each["#stream"], each["column"]): each for each in
            map(json.loads, done.stdout.splitlines())}


def test_columns_types_nullability_and_key_are_told(leat, pg_db, pg_db2):
    pg_db.execute("create table t (id int primary key, a timestamptz, b text not null, c json, "
                  "d varchar(5), e timestamp(3), same numeric(5,2), only_here date)")
    pg_db2.execute("create table t (id int not null, a timestamp, b text, c jsonb, d varchar(9), "
                   "e timestamp(6), same numeric(5,2), only_there int not null)")
    found = differences(leat, pg_db.stream("t"), pg_db2.stream("t"))
    told = {name: each["#diffStatus"] for (_, name), each in found.items()}
    assert told == {"id": "CHANGED", "a": "CHANGED", "b": "CHANGED", "c": "CHANGED",
                    "d": "CHANGED", "e": "CHANGED", "only_here": "ADDED", "only_there": "DROPPED"}
    a = found["public.t", "a"]
    assert a["source"]["type"] == "timestamp with time zone"
    assert a["destination"] == {"type": "timestamp without time zone", "nullable": True,
                                "key": None}
    assert [found["public.t", "b"][side]["nullable"] for side in ("source", "destination")] == \
        [False, True]
    assert [found["public.t", "id"][side]["key"] for side in ("source", "destination")] == [1, None]
    assert [found["public.t", "c"][side]["type"] for side in ("source", "destination")] == \
        ["json", "jsonb"]
    assert found["public.t", "only_there"]["source"] is None
    assert found["public.t", "only_here"]["destination"] is None


def test_all_streams_of_a_namespace_are_compared(leat, pg_db, pg_db2):
    for db, kind in ((pg_db, "timestamptz"), (pg_db2, "timestamp")):
        db.execute(*[f"create table t{i} (id int primary key, v {kind if i < 3 else 'int'})"
                     for i in range(1, 5)])
    found = differences(leat, pg_db.url + "#public.", pg_db2.url + "#public.")
    assert sorted(found) == [("public.t1", "v"), ("public.t2", "v")]
    done = leat("diff", pg_db.url + "#public.", pg_db2.url + "#public.", "--schema-only")
    assert "2 equal, 2 different" in done.stderr and "not compared" not in done.stderr


def test_equal_columns_are_equal(leat, pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create table t (id int primary key, v varchar(7), w timestamptz(3), x text[])")
    assert differences(leat, pg_db.stream("t"), pg_db2.stream("t"), status=0) == {}


def test_between_systems_canonical_types_count(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int not null primary key, v varchar(7), n numeric(5,2), "
                  "j jsonb, w timestamptz, big bigint)")
    leat.ok("cp", pg_db.stream("t"), f"{tmp_path}/d.db#t")
    assert differences(leat, pg_db.stream("t"), f"{tmp_path}/d.db#t", status=0) == {}
    leat.ok("cp", pg_db.stream("t"), f"{tmp_path}/t.parquet")
    assert differences(leat, pg_db.stream("t"), f"{tmp_path}/t.parquet", status=0) == {}
    with sqlite3.connect(tmp_path / "e.db") as db:
        db.execute("create table t (id integer primary key, v text, n decimal(5,2), j json, "
                   "w timestamptz, big text)")
    found = differences(leat, pg_db.stream("t"), f"{tmp_path}/e.db#t")
    assert found["public.t", "big"]["source"]["type"] == "bigint"
    assert found["public.t", "big"]["destination"]["type"] == "TEXT"
    assert ("public.t", "v") not in found and ("public.t", "n") not in found


def test_summary_table_and_stop(leat, pg_db, pg_db2):
    pg_db.execute("create table t (id int primary key, a int, b int)")
    pg_db2.execute("create table t (id int primary key, a bigint, c int)")
    command = ("diff", pg_db.stream("t"), pg_db2.stream("t"), "--schema-only")
    done = leat(*command, "--summary", "--as", "json")
    assert json.loads(done.stdout) == {"stream": "public.t", "added": 1, "changed": 1,
                                       "dropped": 1, "equal": 1}
    table = leat(*command, "--as", "table")
    assert table.returncode == 3
    assert "integer" in table.stdout and "bigint" in table.stdout and "ADDED" in table.stdout
    one = leat(*command, "--as", "json", "--stop-after", "1")
    assert one.returncode == 3 and len(one.stdout.splitlines()) == 1


def test_columns_that_were_chosen_are_all_that_is_compared(leat, pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create table t (id int primary key, v int, w int)", "insert into t values (1, 1, 1)")
    pg_db2.execute("alter table t add column x int")
    for verb in ("diff", "verify"):
        done = leat(verb, pg_db.stream("t"), pg_db2.stream("t"), "--columns", "id,v")
        assert done.returncode == 0 and "only at the destination" not in done.stderr
    assert differences(leat, pg_db.stream("t"), pg_db2.stream("t"), "--columns", "id,v",
                       status=0) == {}
    done = leat("diff", pg_db.stream("t"), pg_db2.stream("t"))
    assert 'only at the destination: "x"' in done.stderr


def test_a_column_that_the_destination_computes_is_left_out_of_a_sync(leat, pg_db, pg_db2):
    pg_db.execute("create table t (id int primary key, v int, g int)",
                  "insert into t values (1, 1, 77), (2, 2, 77)")
    pg_db2.execute("create table t (id int primary key, v int, "
                   "g int generated always as (v * 2) stored)", "insert into t values (1, 9)")
    done = leat.ok("sync", "batch", pg_db.stream("t"), pg_db2.stream("t"))
    assert '"g" is not compared' in done.stderr
    assert pg_db2.rows("t") == [(1, 1, 2), (2, 2, 4)]
    leat.ok("sync", "batch", pg_db.stream("t"), pg_db2.stream("t"))
    assert leat("diff", pg_db.stream("t"), pg_db2.stream("t")).returncode == 3
