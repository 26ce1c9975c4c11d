"""leat diff: exactly the records that differ, whatever the systems, the key and its collation."""
import json
import random
import sqlite3
import subprocess
import uuid

import pytest

NUMBERS = [str(i) for i in range(1, 21)]
WORDS = ["a", "A", "b", "B", "ä", "Ä", "z", "Z", "i", "I", "ı", "İ", "aa", "ab", "Ab", "a b", "a-b",
         "a_b", "10", "9", "1", "straße", "strasse", "ß", "é", "e", "E", "😀", "日本", "_", "-", "~"]
COLLATIONS = {
    "C": ('collate "C"', ""),
    "en_US": ("collate leat_en", "create collation leat_en (provider = icu, locale = 'en-US')"),
    "de_DE": ("collate leat_de", "create collation leat_de (provider = icu, locale = 'de-DE')"),
    "tr_TR": ("collate leat_tr", "create collation leat_tr (provider = icu, locale = 'tr-TR')"),
    "case-insensitive": ("collate leat_ci", "create collation leat_ci (provider = icu, "
                         "locale = 'und-u-ks-level1', deterministic = false)"),
}


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def found(done, key="id"):
    """{key: status} of what was told, each once."""
    told = [(tuple(line[k] for k in key) if isinstance(key, tuple) else line[key],
             line["#diffStatus"]) for line in lines(done)]
    assert len(dict(told)) == len(told), told
    return dict(told)


def sqlite(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement) if isinstance(statement, str) else \
                connection.executemany(*statement)
    connection.close()
    return path


def test_records_and_messages_in_one_pipe_do_not_tear_each_other(leat, tmp_path):
    made = [f"create table t{i} (id integer primary key, name text)" for i in range(6)]
    rows = [f"insert into t{i} select value, printf('%0997d', value) from generate_series"
            for i in range(6)]
    counted = "with recursive generate_series(value) as (select 1 union all select value + 1 " \
              "from generate_series where value < 7) "
    sqlite(tmp_path / "a.db", *made, *(counted + row for row in rows))
    sqlite(tmp_path / "b.db", *made)
    for command in (["diff"], ["diff", "--progress", "json"]):
        child = leat.start(*command, "-a", tmp_path / "a.db", tmp_path / "b.db",
                           stderr=subprocess.STDOUT)
        text, _ = child.communicate(timeout=100)
        records = [line for line in text.decode().splitlines() if "#diffStatus" in line]
        assert len(records) == 42
        assert all(json.loads(line)["#diffStatus"] == "NEW" for line in records)


def test_one_of_the_keys_1_to_20_missing_is_exactly_one_difference(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int primary key, name text)",
                  "insert into t select i, 'n' || i from generate_series(1, 20) i",
                  "create table gap as select * from t where id <> 7")
    done = leat("diff", pg_db.stream("t"), pg_db.stream("gap"))
    assert done.returncode == 3
    assert lines(done) == [{"id": 7, "#diffStatus": "NEW", "#stream": "public.t"}]
    path = sqlite(tmp_path / "gap.db", "create table t (id integer primary key, name text)",
                  ("insert into t values (?, ?)", [(i, f"n{i}") for i in range(1, 21) if i != 7]))
    assert found(leat("diff", pg_db.stream("t"), path)) == {7: "NEW"}
    assert found(leat("diff", path, pg_db.stream("t"))) == {7: "DELETED"}
    assert leat("diff", pg_db.stream("t"), pg_db.stream("t")).returncode == 0


def test_numbers_that_are_text_are_compared_as_text(leat, tmp_path):
    """The same keys as text: their order is another one, the differences are the same."""
    a = sqlite(tmp_path / "a.db", "create table t (id text primary key)",
               ("insert into t values (?)", [(n,) for n in NUMBERS]))
    b = sqlite(tmp_path / "b.db", "create table t (id text primary key)",
               ("insert into t values (?)", [(n,) for n in NUMBERS if n != "7"]))
    assert found(leat("diff", a, b)) == {"7": "NEW"}


@pytest.mark.parametrize("name", COLLATIONS)
def test_text_keys_of_any_collation(leat, pg_db, tmp_path, name):
    collation, made = COLLATIONS[name]
    words = WORDS
    if name == "case-insensitive":
        kept = {}
        for word in WORDS:  # what it takes for the same is one key there
            kept.setdefault(word.lower().replace("ä", "a").replace("é", "e").replace("ß", "ss")
                            .replace("ı", "i").replace("i̇", "i"), word)
        words = list(kept.values())
    if made:
        pg_db.execute(made)
    pg_db.execute(f"create table t (k text {collation} primary key, v int)",
                  "create table u (k text collate \"C\" primary key, v int)")
    with pg_db.connect() as connection:
        for table, rows in (("t", words), ("u", words[1:])):
            connection.cursor().executemany(f"insert into {table} values (%s, 1)",
                                            [(word,) for word in rows])
        connection.execute("update u set v = 2 where k = %s", [words[5]])
    wanted = {words[0]: "NEW", words[5]: "CHANGED"}
    assert found(leat("diff", pg_db.stream("t"), pg_db.stream("u")), "k") == wanted
    path = sqlite(tmp_path / "x.db", "create table t (k text collate nocase, v int)",
                  ("insert into t values (?, 1)", [(word,) for word in words]))
    assert found(leat("diff", path, pg_db.stream("u"), "-p", "k"), "k") == wanted
    assert leat("diff", path, pg_db.stream("t"), "-p", "k").returncode == 0


def test_keys_of_several_columns_uuids_and_decimals(leat, pg_db, tmp_path):
    rng = random.Random(5)
    ids = [uuid.UUID(int=rng.getrandbits(128)) for _ in range(200)]
    pg_db.execute("create table t (a uuid, b numeric(12,3), c timestamptz, v text, "
                  "primary key (a, b, c))")
    rows = [(rng.choice(ids[:20]), f"{rng.randint(-9999, 9999) / 8:.3f}",
             f"20{rng.randint(10, 40)}-01-0{rng.randint(1, 9)} 12:00:00.{rng.randint(0, 999):03}Z", "x")
            for _ in range(500)]
    with pg_db.connect() as connection:
        connection.cursor().executemany("insert into t values (%s, %s, %s, %s) on conflict do nothing",
                                        rows)
    path = tmp_path / "t.parquet"
    leat.ok("cp", pg_db.stream("t"), path)
    leat.ok("cp", pg_db.stream("t"), f"sqlite:{tmp_path / 't.db'}#t")
    with pg_db.connect() as connection:
        gone = connection.execute("delete from t where ctid in (select ctid from t order by random() "
                                  "limit 3) returning *").fetchall()
        changed = connection.execute("update t set v = 'y' where ctid in (select ctid from t order by "
                                     "random() limit 4) returning *").fetchall()
    for other in (path, f"sqlite:{tmp_path / 't.db'}#t"):
        told = lines(leat("diff", pg_db.stream("t"), other, "-p", "a,b,c"))
        assert sorted(line["#diffStatus"] for line in told) == ["CHANGED"] * 4 + ["DELETED"] * 3
        assert {line["a"] for line in told} == {str(row[0]) for row in gone + changed}
        assert all(line["v"] == {"source": "y", "destination": "x"} for line in told if "v" in line)


@pytest.mark.parametrize("key", ["int8 generated always as identity", "uuid default gen_random_uuid()",
                                 "numeric", "float8", "date", "bytea", "time", "bool", "char(5)"])
def test_a_table_of_keys_only(leat, pg_db, key):
    values = {"numeric": "i * 0.1 - 5", "float8": "i * 0.1 - 5", "date": "date '2020-01-01' + i * 100",
              "bytea": "decode(md5(i::text), 'hex')", "time": "time '00:00' + i * interval '7 minutes'",
              "bool": "i = 1", "char(5)": "chr(64 + i) || 'x'"}
    kind = key.split()[0]
    n = 2 if kind == "bool" else 50
    pg_db.execute(f"create table t (k {key} primary key)")
    if kind in values:
        pg_db.execute(f"insert into t select {values[kind]} from generate_series(1, {n}) i")
    else:
        pg_db.execute(f"insert into t select from generate_series(1, {n}) i")
    pg_db.execute("create table u as select * from t", "delete from u where k = (select k from u "
                  "offset 1 limit 1)")
    done = leat("diff", pg_db.stream("t"), pg_db.stream("u"))
    assert done.returncode == 3, done.stderr
    assert [line["#diffStatus"] for line in lines(done)] == ["NEW"]
    assert leat("diff", pg_db.stream("t"), pg_db.stream("t")).returncode == 0


def test_values_are_the_same_by_what_they_mean(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int primary key, n numeric, f float8, j jsonb, c char(6), d date,"
                  " at timestamptz, b bool, x bytea)",
                  "insert into t values (1, 1.10, 'NaN', '{\"a\": 1, \"b\": [1, 2]}', 'ab', "
                  "'2024-02-29', '2024-02-29 12:00:00.123456+02', true, '\\x00ff'), "
                  "(2, 'NaN', '-0', 'null', '', 'epoch', 'epoch', false, ''), "
                  "(3, null, null, null, null, null, null, null, null)",
                  "create table u (id int8 primary key, n numeric(20,5), f float8, j json, c text, "
                  "d timestamp, at timestamptz, b bool, x bytea)",
                  "insert into u select id, nullif(n, 'NaN'), f, '{ \"b\" : [1,2], \"a\":1 }', c, d, "
                  "at, b, x from t where id = 1",
                  "insert into u values (3)")
    done = leat("diff", pg_db.stream("t"), pg_db.stream("u"))
    assert found(done) == {2: "NEW"}, done.stdout
    pg_db.execute("update u set n = 1.10001, x = '\\x00fe' where id = 1", "delete from t where id = 2")
    told = lines(leat("diff", pg_db.stream("t"), pg_db.stream("u")))
    assert told == [{"id": 1, "#diffStatus": "CHANGED", "#stream": "public.t",
                     "n": {"source": 1.1, "destination": 1.10001},
                     "x": {"source": "\\x00ff", "destination": "\\x00fe"}}]


def test_times_count_to_the_coarser_of_two_resolutions(leat, pg_db, tmp_path):
    import datetime
    import pyarrow as pa
    import pyarrow.parquet as pq
    base = datetime.datetime(2024, 5, 1, 12)
    pq.write_table(pa.table({"id": [1, 2], "at": pa.array([base, base], pa.timestamp("ms"))}),
                   tmp_path / "t.parquet")
    pg_db.execute("create table t (id int primary key, at timestamp)",
                  "insert into t values (1, '2024-05-01 12:00:00.000900'), "
                  "(2, '2024-05-01 12:00:00.001')")
    told = 'compared "at" in milliseconds'
    done = leat("diff", pg_db.stream("t"), tmp_path / "t.parquet")
    assert found(done) == {2: "CHANGED"} and told in done.stderr
    pg_db.execute("update t set at = '2024-05-01 12:00:00.000900' where id = 2")
    for verb, way in (("diff", 1), ("verify", 1), ("verify", -1), ("sync batch", -1)):
        done = leat.ok(*verb.split(), *[pg_db.stream("t"), tmp_path / "t.parquet"][::way], f"--report={leat.home}/r.json")
        assert told in done.stderr, verb
        [stream] = json.loads((leat.home / "r.json").read_text(encoding="utf-8"))["streams"]
        assert stream["resolution"] == '"at" in milliseconds'
    leat.ok("diff", pg_db.stream("t"), pg_db.stream("t"), f"--report={leat.home}/r.json")
    assert json.loads((leat.home / "r.json").read_text(encoding="utf-8"))["streams"][0]["resolution"] == ""


def test_what_cannot_be_compared_is_refused(leat, pg_db, tmp_path):
    a = sqlite(tmp_path / "a.db", "create table t (id int, v int)", "insert into t values (1, 1)",
               "insert into t values (1, 2)", "create table n (id int, v int)",
               "insert into n values (null, 2)")
    b = sqlite(tmp_path / "b.db", "create table t (id int, v int)", "create table n (id int, v int)")
    leat.fails((1, 2), "duplicate-key", "diff", f"{a}#t", f"{b}#t", "-p", "id")
    leat.fails((1, 2), "null-key", "diff", f"{a}#n", f"{b}#n", "-p", "id")
    leat.fails(2, "usage", "diff", f"{a}#t", f"{b}#t")
    leat.fails(2, "unknown-column", "diff", f"{a}#t", f"{b}#t", "-p", "nix")
    leat.fails(2, "not-found", "diff", f"{a}#t", f"{b}#nix", "-p", "id")
    leat.fails(2, "unknown-option", "diff", f"{a}#t", f"{b}#t", "-p", "id", "--limit", "3")
    leat.fails(2, "unsupported", "diff", f"{a}#t", "csv:-", "-p", "id")


def test_columns_conditions_samples_and_an_end(leat, tmp_path):
    rows = [(i, i, i * 2) for i in range(1000)]
    a = sqlite(tmp_path / "a.db", "create table t (id integer primary key, x int, y int)",
               ("insert into t values (?, ?, ?)", rows))
    b = sqlite(tmp_path / "b.db", "create table t (id integer primary key, x int, y int)",
               ("insert into t values (?, ?, ?)", rows), "update t set x = -1 where id % 2",
               "update t set y = -1 where id = 500")
    assert found(leat("diff", a, b, "--columns", "y", "-p", "id")) == {500: "CHANGED"}
    assert len(found(leat("diff", a, b, "--where", "id < 100"))) == 50
    assert len(found(leat("diff", a, b, "--stop-after", "7"))) == 7
    picked = found(leat("diff", a, b, "--sample", "10%"))
    assert 10 < len(picked) < 150
    assert set(picked) < set(found(leat("diff", a, b)))
    summary = lines(leat("diff", a, b, "--summary"))
    assert summary == [{"stream": "t", "new": 0, "changed": 501, "deleted": 0, "equal": 499,
                        "columns": {"x": 500, "y": 1}}]
    table = leat("diff", a, b, "--where", "id = 1", "--as", "table").stdout
    assert [line.split() for line in table.splitlines()[2:]] == [["CHANGED", "1", "x", "1", "-1"]]
    everything = lines(leat("diff", a, b, "--where", "id = 1", "-a"))[0]
    assert everything["y"] == 2 and everything["x"] == {"source": 1, "destination": -1}


def test_columns_of_one_side_only_are_told(leat, tmp_path):
    a = sqlite(tmp_path / "a.db", "create table t (id integer primary key, x int, more int)")
    b = sqlite(tmp_path / "b.db", "create table t (id integer primary key, x int, audit text)")
    done = leat("diff", a, b)
    assert done.returncode == 3
    assert 'only at the source: "more"; only at the destination: "audit"' in done.stderr
    assert leat("diff", a, b, "--columns", "x", "-p", "id").returncode == 0


def test_many_streams_in_one_command(leat, tmp_path):
    made = [f"create table t{i} (id integer primary key, v int)" for i in range(5)]
    a = sqlite(tmp_path / "a.db", *made, "insert into t3 values (1, 1)")
    b = sqlite(tmp_path / "b.db", *made, "insert into t4 values (1, 1)")
    told = {(line["#stream"], line["#diffStatus"]) for line in lines(leat("diff", a, b))}
    assert told == {("t3", "NEW"), ("t4", "DELETED")}


def test_memory_stays_within_its_bound_while_sorting(leat, tmp_path):
    """Two files in no order, many times larger than --memory."""
    rng = random.Random(3)
    keys = rng.sample(range(10**9), 200_000)
    for name in ("a", "b"):
        rng.shuffle(keys)
        with open(tmp_path / f"{name}.csv", "w", encoding="ascii") as file:
            file.write("id,text\n")
            file.writelines(f"{key},{key * 7919 % 10**40:0>100}\n" for key in keys[:-1])
    peak = leat.peak_kib
    left = set((tmp_path / "a.csv").read_text().split()) ^ set((tmp_path / "b.csv").read_text().split())
    done = leat("diff", tmp_path / "a.csv", tmp_path / "b.csv", "-p", "id", "--memory", "16MiB")
    assert done.returncode == 3, done.stderr
    assert set(found(done)) == {int(line.split(",")[0]) for line in left} and len(left) == 2
    leat.ok("cp", tmp_path / "a.csv", tmp_path / "c.csv")
    assert peak("diff", tmp_path / "a.csv", tmp_path / "c.csv", "-p", "id",
                "--memory", "16MiB") < 48 * 1024


SYSTEMS = ["postgres", "sqlite", "parquet", "csv", "jsonl", "arrow"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_pair_of_systems(leat, pg_db, tmp_path, system):
    """The same table in six systems; then a copy of it with a record changed, one gone, one new."""
    pg_db.execute("create table t (id int primary key, name text, n numeric(12,2), at timestamp, "
                  "day date, ok bool, f float8)",
                  "insert into t select i, case when i % 5 > 0 then 'n' || i || '.10' end, "
                  "i * 1.10, timestamp '2024-01-01' + i * interval '1.25 s', date '2020-01-01' + i, "
                  "i % 2 = 0, i / 8.0 from generate_series(1, 40) i",
                  "create table u as select * from t", "alter table u add primary key (id)",
                  "update u set n = 0 where id = 9", "delete from u where id = 10",
                  "insert into u (id) values (11000)")
    places = {}
    for table in ("t", "u"):
        for each in SYSTEMS[2:] if table == "u" else [system]:
            places[table, each] = tmp_path / f"{table}.{each}"
        places[table, "sqlite"] = f"sqlite:{tmp_path / table}.db#{table}"
        places[table, "postgres"] = pg_db.stream(table)
        for (name, each), place in places.items():
            if name == table and each != "postgres":
                leat.ok("cp", pg_db.stream(table), place)
    wanted = {9: "CHANGED", 10: "NEW", 11000: "DELETED"}
    for other in SYSTEMS:
        done = leat("diff", places["t", system], places["u", other], "-p", "id")
        assert found(done) == wanted, (other, done.stdout, done.stderr)
        change = [line for line in lines(done) if line["#diffStatus"] == "CHANGED"][0]
        assert {column: [float(value) for value in both.values()]
                for column, both in change.items() if isinstance(both, dict)} == {"n": [9.9, 0.0]}
        assert leat("verify", places["u", other], places["u", "postgres"], "-p", "id").returncode == 0


# --- key ranges by hash --------------------------------------------------------------------------


def skipped(done):
    text = done.stderr.partition(" compared, ")[2].partition(" skipped by hash")
    return int(text[0].replace(",", "")) if text[1] else 0


@pytest.mark.parametrize("key", ["id", "a,b", "k"])
def test_equal_key_ranges_are_not_read(leat, pg_db, key):
    pg_db.execute(
        "create type mood as enum ('sad', 'ok')",
        "create table t as select i::int8 as id, i % 100 as a, i / 100 as b, md5(i::text) as k, "
        "i * 0.10 as n, case when i % 7 > 0 then timestamptz 'epoch' + i * interval '1 h' end as at, "
        "array[i, i + 1] as l, '{\"a\": 1}'::jsonb as j, 'ok'::mood as m, i * interval '1 s' as s, "
        "'x'::char(3) as c, i / 3.0::float8 as f, decode(md5(i::text), 'hex') as x, date '2000-01-01' "
        "+ i % 5000 as d from generate_series(1, 60000) i",
        f"alter table t add primary key ({key})", "create table u (like t including all)",
        "insert into u select * from t order by k",
        "set default_statistics_target = 300",  # looks at every row: ranges are cut alike each time
        "analyze t", "analyze u")
    done = leat.ok("diff", pg_db.stream("t"), pg_db.stream("u"))
    assert skipped(done) == 60000 and " 0 compared" in done.stderr
    pg_db.execute("update u set n = n + 0.0000 where id < 1000",  # 1.10 and 1.1000 are the same
                  "delete from u where id = 31000", "update u set m = 'sad' where id = 31001",
                  "update u set at = null where id = 31002",
                  # values that change places: the same sum of every column
                  "update t set f = case id when 31003 then 1 else 2 end where id in (31003, 31004)",
                  "update u set f = case id when 31003 then 2 else 1 end where id in (31003, 31004)")
    whole = leat("diff", pg_db.stream("t"), pg_db.stream("u"), "--hash-ranges", "off")
    assert skipped(whole) == 0
    wanted = {31000: "NEW", **{i: "CHANGED" for i in range(31001, 31005)}}
    if key != "id":
        columns = key.split(",")
        with pg_db.connect() as connection:
            rows = connection.execute(f"select id, {key} from t where id between 31000 and 31004")
            wanted = {row[1:] if len(columns) > 1 else row[1]: wanted[row[0]] for row in rows}
    told = tuple(key.split(",")) if "," in key else key
    assert found(whole, told) == wanted
    done = leat("diff", pg_db.stream("t"), pg_db.stream("u"))
    # Five ranges at most, of 2,000 rows each as samples of 40 cut them: 10,000, give or take 700.
    assert found(done, told) == wanted and skipped(done) > 45000, done.stderr
    synced = leat.ok("sync", "batch", pg_db.stream("t"), pg_db.stream("u"))
    assert "1 inserted, 4 updated" in synced.stderr and "compared by hash and key" in synced.stderr
    assert pg_db.rows("(select * from t except select * from u) x") == []


def test_types_that_differ_are_not_hashed(leat, pg_db):
    pg_db.execute("create table t as select i as id, i::numeric as v from generate_series(1, 60000) i",
                  "alter table t add primary key (id)", "create table u (id int primary key, v int)",
                  "insert into u select id, v from t", "analyze t", "analyze u")
    done = leat.ok("diff", pg_db.stream("t"), pg_db.stream("u"))
    assert skipped(done) == 0 and "60,000 compared" in done.stderr


def test_verify_tells_what_differs(leat, pg_db, tmp_path):
    pg_db.execute("create table t as select i as id, i * 1.5 as v, 'x' as w from generate_series(1, 500) i")
    path = tmp_path / "t.parquet"
    leat.ok("cp", pg_db.stream("t"), path)
    done = leat.ok("verify", pg_db.stream("t"), path)
    assert "counts and checksums equal" in done.stderr and done.stdout == ""
    pg_db.execute("update t set v = 0 where id = 3", "delete from t where id = 4")
    done = leat("verify", pg_db.stream("t"), path)
    assert done.returncode == 3 and done.stdout == ""  # without a key no record has a name
    assert "499 rows at the source and 500 at the destination" in done.stderr
    assert 'checksums of "v" differ' in done.stderr
    assert found(leat("verify", pg_db.stream("t"), path, "-p", "id")) == {3: "CHANGED", 4: "DELETED"}


@pytest.mark.parametrize("n", [1, 5000])
def test_verify_sees_values_that_stand_in_other_rows(leat, pg_db, tmp_path, n):
    """Each column holds the same values on both sides; only which of them belong together differs."""
    path = sqlite(tmp_path / "k.db", "create table t (id integer primary key, v text)",
                  ("insert into t values (?, ?)", [(i, f"v{i}") for i in range(1, 2 * n + 1)]))
    pg_db.execute("create table t (id int primary key, v text)",
                  f"insert into t select i, 'v' || i from generate_series(1, {2 * n}) i")
    assert leat("verify", f"sqlite:{path}#t", pg_db.stream("t")).returncode == 0
    pg_db.execute("update t set v = 'v' || 3 - id where id in (1, 2)")
    done = leat("verify", f"sqlite:{path}#t", pg_db.stream("t"))
    assert done.returncode == 3 and found(done) == {1: "CHANGED", 2: "CHANGED"}


def test_verify_sees_values_that_stand_in_other_rows_without_a_key(leat, pg_db, tmp_path):
    path = sqlite(tmp_path / "k.db", "create table t (a int, b int)",
                  "insert into t values (1, 1), (2, 2), (2, 2)")
    pg_db.execute("create table t (a bigint, b numeric(5,1))", "insert into t values (1, 2), (2, 1), (2, 2)",
                  "create table u (a bigint, b numeric(5,1))", "insert into u values (2, 2), (1, 1), (2, 2)")
    done = leat("verify", f"sqlite:{path}#t", pg_db.stream("t"))
    assert done.returncode == 3 and "the same values, but in other rows" in done.stderr
    assert leat("verify", f"sqlite:{path}#t", pg_db.stream("u")).returncode == 0


def test_a_dry_run_tells_columns_and_types_and_reads_nothing(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int primary key, n numeric(10,2), at timestamp, more int)")
    a = sqlite(tmp_path / "a.db", "create table t (id integer primary key, n numeric, c text)")
    for command in (("diff",), ("verify",), ("sync", "batch")):
        text = leat.ok(*command, pg_db.stream("t"), a, "--dry-run").stdout
        assert "int32 and int64, as int64" in text and 'only at the destination: "c"' in text
    assert "CREATE TABLE" in leat.ok("sync", "batch", pg_db.stream("t"), tmp_path / "new.db", "-n").stdout
    assert not (tmp_path / "new.db").exists()


def test_columns_and_types_alone(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id int primary key, n numeric(10,2))", "insert into t values (1, 2)",
                  "create table u (like t including all)")
    assert leat("diff", pg_db.stream("t"), pg_db.stream("u"), "--schema-only").returncode == 0
    pg_db.execute("alter table u alter n type numeric(12,2)")
    done = leat("diff", pg_db.stream("t"), pg_db.stream("u"), "--schema-only")
    assert done.returncode == 3 and '"n": numeric(10,2) and numeric(12,2)' in done.stderr


def test_the_report_tells_what_was_compared(leat, tmp_path):
    a = sqlite(tmp_path / "a.db", "create table t (id integer primary key)", "insert into t values (1)")
    b = sqlite(tmp_path / "b.db", "create table t (id integer primary key)", "insert into t values (2)")
    leat("diff", a, b, "--report", tmp_path / "report.json")
    stream = json.loads((tmp_path / "report.json").read_text())["streams"][0]
    assert stream["rows"]["inserted"] == stream["rows"]["deleted"] == 1
    assert stream["rows_compared"] == 0 and stream["proof"] == "different"
    leat.fails(2, "usage", "diff", a, b, "--report", "-")


def test_values_that_only_text_can_tell_are_compared_as_text(leat, pg_db):
    pg_db.execute("create table t (id int primary key, at timestamptz)",
                  "insert into t values (1, 'infinity'), (2, '-infinity'), (3, 'epoch')",
                  "create table u as select * from t", "update u set at = 'infinity' where id = 2")
    for cast in ((), ("--cast", "at=utf8")):  # found out, or said
        done = leat("diff", pg_db.stream("t"), pg_db.stream("u"), *cast)
        assert found(done) == {2: "CHANGED"}, done.stderr
        assert lines(done)[0]["at"] == {"source": "-infinity", "destination": "infinity"}
