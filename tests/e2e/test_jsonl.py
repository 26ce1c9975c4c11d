"""JSON Lines through the program, compared with what Python, DuckDB and pyarrow read."""
import decimal
import gzip
import json
import sqlite3

import duckdb
import pyarrow as pa
import pytest

import readers
from conftest import ROOT, needed

DATA = ROOT / "build" / "data"

# Arrays of objects without values of several kinds: the columns and types leat must find.
PLAIN = {
    "flights-200k": {"delay": "int64", "distance": "int64"},
    "cars": {"Name": "string", "Miles_per_Gallon": "double", "Year": "date32[day]"},
    "football": {"date": "date32[day]", "home_score": "int64"},
    "penguins": {"Species": "string", "Beak Length (mm)": "double"},
    "budget": None,
    "jobs": None,
    "population": None,
    "barley": None,
    "ohlc": None,
}


def vega(name):
    path = DATA / f"{name}.json"
    if not path.exists():
        needed("the vega-datasets files: run tools/fetch-data")
    return path


def arrow(path):
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def plain(value):
    """A value out of Arrow as JSON would have it."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


@pytest.mark.parametrize("name", PLAIN)
def test_an_array_of_objects_arrives_as_python_reads_it(leat, tmp_path, name):
    leat.ok("cp", vega(name), tmp_path / "out.arrow")
    table = arrow(tmp_path / "out.arrow")
    records = json.loads(vega(name).read_text(encoding="utf-8-sig"))
    columns = list(dict.fromkeys(key for record in records for key in record))
    assert table.column_names == columns
    for column in columns:
        field = table.schema.field(column)
        if b"leat.numeric" in (field.metadata or {}):  # more than 15 digits: as they are written
            texts = json.loads(vega(name).read_text(encoding="utf-8-sig"), parse_float=str,
                               parse_int=str)
            assert table[column].to_pylist() == [record.get(column) for record in texts]
            continue
        expected = [record.get(column) for record in records]
        assert [plain(value) for value in table[column].to_pylist()] == expected
    for column, kind in (PLAIN[name] or {}).items():
        assert str(table.schema.field(column).type) == kind


def test_titles_that_are_numbers_are_kept_as_what_they_are(leat, tmp_path):
    leat.ok("cp", vega("movies"), tmp_path / "out.arrow")
    leat.ok("cp", vega("movies"), tmp_path / "text.arrow", "--types", "Title=utf8")
    records = json.loads(vega("movies").read_text(encoding="utf-8"))
    table, text = arrow(tmp_path / "out.arrow"), arrow(tmp_path / "text.arrow")
    titles = [record["Title"] for record in records]
    assert any(isinstance(title, int) for title in titles)
    assert table.schema.field("Title").type == pa.json_()
    assert [title and json.loads(title) for title in table["Title"].to_pylist()] == titles
    assert text["Title"].to_pylist() == [title if title is None else str(title)
                                         for title in titles]
    for column in table.column_names[1:]:
        assert [plain(v) for v in table[column].to_pylist()] == [r[column] for r in records]


def test_nested_values_become_structs_and_lists_when_told(leat, tmp_path):
    records = [{"id": 1, "tags": ["a", "b"], "at": {"x": 1.5, "on": "2024-02-29"}},
               {"id": 2, "tags": [], "at": None}, {"id": 3, "at": {"x": None, "on": "2024-03-01"}}]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    leat.ok("cp", path, tmp_path / "out.arrow", "--nested", "struct")
    table = arrow(tmp_path / "out.arrow")
    assert str(table.schema.field("at").type) == "struct<x: double, on: date32[day]>"
    expected = [{"id": r["id"], "tags": r.get("tags"), "at": r.get("at")} for r in records]
    assert [plain(row) for row in table.to_pylist()] == expected
    leat.ok("cp", path, tmp_path / "json.arrow")
    raw = arrow(tmp_path / "json.arrow")
    assert raw["at"].to_pylist()[0] == json.dumps(records[0]["at"])


@pytest.mark.quick
@pytest.mark.parametrize("name", ["movies", "flights-2k", "football", "miserables"])
def test_json_to_sqlite_and_back_is_the_same_json(leat, tmp_path, name):
    leat.ok("cp", vega(name), tmp_path / "a.jsonl")
    leat.ok("cp", tmp_path / "a.jsonl", tmp_path / "x.db")
    leat.ok("cp", f"{tmp_path / 'x.db'}#a", tmp_path / "b.jsonl")
    first = (tmp_path / "a.jsonl").read_text(encoding="utf-8")
    assert first == (tmp_path / "b.jsonl").read_text(encoding="utf-8")
    records = json.loads(vega(name).read_text(encoding="utf-8"))
    records = records if isinstance(records, list) else [records]
    columns = list(dict.fromkeys(key for record in records for key in record))
    written = [json.loads(line) for line in first.splitlines()]
    assert written == [{c: r.get(c) for c in columns} for r in records]


def test_duckdb_reads_what_leat_wrote_and_the_other_way_round(leat, tmp_path):
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    duckdb.execute(f"""copy (select range::bigint as id, 'n' || range as name, range / 8.0 as share,
        range % 3 = 0 as good, date '2024-02-28' + range::int as day,
        timestamp '2024-02-29 12:00:00' + interval 1 second * range as moment
        from range(50000)) to '{path}' (format json)""")
    leat.ok("cp", path, tmp_path / "out.arrow")
    leat.ok("cp", tmp_path / "out.arrow", out, "--verify")
    table = arrow(tmp_path / "out.arrow")
    assert [str(field.type) for field in table.schema] == [
        "int64", "string", "double", "bool", "date32[day]", "timestamp[us]"]
    types = ("columns={id:'bigint',name:'text',share:'double',good:'bool',day:'date',"
             "moment:'timestamp'}")
    query = "select * from read_json('{}', {}) order by id"
    assert (duckdb.execute(query.format(out, types)).fetchall()
            == duckdb.execute(query.format(path, types)).fetchall())


@pytest.mark.quick
def test_numbers_keep_every_digit(leat, tmp_path, pg_db):
    numbers = ["9223372036854775808", "-99999999999999999999999999999999999999", "0"]
    fractions = ["0.12345678901234567890123456789", "1e-30", "100.10"]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f'{{"big":{b},"exact":{e}}}\n' for b, e in zip(numbers, fractions)),
                    encoding="utf-8")
    leat.ok("cp", path, tmp_path / "out.arrow")
    table = arrow(tmp_path / "out.arrow")
    assert table["big"].to_pylist() == [decimal.Decimal(n) for n in numbers]
    assert table["exact"].to_pylist() == fractions
    leat.ok("cp", path, tmp_path / "x.db")
    leat.ok("cp", f"{tmp_path / 'x.db'}#in", tmp_path / "back.jsonl")
    assert (tmp_path / "back.jsonl").read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    leat.ok("cp", path, pg_db.stream("numbers"))
    with pg_db.connect() as connection:
        rows = connection.execute("select big, exact from numbers order by big desc").fetchall()
    assert rows == [(decimal.Decimal(n), decimal.Decimal(f))
                    for n, f in sorted(zip(numbers, fractions), key=lambda p: -int(p[0]))]


@pytest.mark.quick
def test_an_existing_table_gives_the_types(leat, tmp_path):
    path, db = tmp_path / "t.jsonl", tmp_path / "x.db"
    path.write_text('{"code":1.10,"mixed":"x","n":"7"}\n{"code":2,"mixed":5,"n":"8"}\n',
                    encoding="utf-8")
    with sqlite3.connect(db) as connection:
        connection.execute("create table t (code text, mixed text, n integer)")
    leat.ok("cp", path, f"{db}#t")
    assert readers.sqlite_table(db, "t")[1] == [("1.10", "x", 7), ("2", "5", 8)]


@pytest.mark.quick
def test_standard_streams_gzip_and_the_names_of_the_format(leat, tmp_path):
    text = b'\xef\xbb\xbf{"a":1}\r\n\r\n{"a":2,"b":"x"}'
    for place in ("json:-", "jsonl:-", "ndjson:-"):
        done = leat.ok("cp", place, "csv:-", stdin=gzip.compress(text))
        assert done.stdout == "a,b\n1,\n2,x\n"
    assert leat.ok("cp", "-", "csv:-", stdin=text).stdout == "a,b\n1,\n2,x\n"  # told by its bytes
    done = leat.ok("cp", "json:-", "-", "--format", "json", "--json-layout", "array",
                   "--nulls", "omit", stdin=text)
    assert json.loads(done.stdout) == [{"a": 1}, {"a": 2, "b": "x"}]
    leat.ok("cp", "json:-", tmp_path / "out.ndjson.gz", stdin=text)
    with gzip.open(tmp_path / "out.ndjson.gz", "rt", encoding="utf-8") as file:
        assert file.read() == '{"a":1,"b":null}\n{"a":2,"b":"x"}\n'


def test_a_directory_keeps_columns_that_its_files_do_not_show(leat, tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table empty (id integer, name text)")
        connection.execute("create table sparse (id integer, name text)")
        connection.execute("insert into sparse values (1, null)")
    lake = f"{tmp_path / 'lake'}/"
    leat.ok("cp", tmp_path / "x.db", lake, "--format", "jsonl", "--nulls", "omit")
    assert (tmp_path / "lake" / "empty.jsonl").read_bytes() == b""
    assert (tmp_path / "lake" / "sparse.jsonl").read_bytes() == b'{"id":1}\n'
    leat.ok("cp", lake, tmp_path / "back.db")
    assert readers.sqlite_table(tmp_path / "back.db", "empty") == (["id", "name"], [])
    assert readers.sqlite_table(tmp_path / "back.db", "sparse") == (["id", "name"], [(1, None)])


@pytest.mark.quick
def test_records_are_appended_to_lines_and_never_behind_an_array(leat, tmp_path):
    path, lines, array = tmp_path / "in.jsonl", tmp_path / "lines.jsonl", tmp_path / "array.json"
    path.write_text('{"a":1,"b":"x"}', encoding="utf-8")
    leat.ok("cp", path, lines)
    leat.ok("cp", path, lines, "--append")
    assert lines.read_text(encoding="utf-8") == '{"a":1,"b":"x"}\n' * 2
    leat.ok("cp", path, array, "--json-layout", "array")
    before = array.read_bytes()
    leat.fails((1, 2), "unsupported", "cp", path, array, "--append")
    leat.fails((1, 2), "unsupported", "cp", path, lines, "--append", "--json-layout", "array")
    assert array.read_bytes() == before
    assert lines.read_text(encoding="utf-8") == '{"a":1,"b":"x"}\n' * 2


BAD = [
    ('{"a":1}\n{"a":oops}\n', "corrupt-file", "in.jsonl:2"),
    ('{"a":1}\n{"a":', "corrupt-file", "in.jsonl:2"),
    ('[{"a":1},\n{"a":2}', "corrupt-file", "in.jsonl:2"),
    ('{"a":1}\n[1]\n', "corrupt-file", "in.jsonl:2"),
    ('{"a":1}\n\n{"a":2,"a":3}\n', "corrupt-file", 'in.jsonl:3 column "a"'),
    ('{"a":"x"}\n{"a":"\\ud800"}\n', "value-syntax", 'in.jsonl:2 column "a"'),
    ('{"a":"\udcff"}\n', "invalid-utf8", "in.jsonl:1"),
    ('{"a":1}\n{"a":"late"}\n', "value-syntax", 'in.jsonl:2 column "a"'),
    ('{"a":1}\n{"a":1.5}\n', "value-syntax", 'in.jsonl:2 column "a"'),
    ('{"a":1}\n{"a":2,"b":3}\n', "column-mismatch", 'in.jsonl:2 column "b"'),
]


@pytest.mark.quick
@pytest.mark.asan
@pytest.mark.parametrize("text, code, place", BAD)
def test_bad_input_is_refused_with_its_place(leat, tmp_path, text, code, place):
    path = tmp_path / "in.jsonl"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    done = leat.fails((1, 2), code, "cp", path, tmp_path / "out.csv", "--sample-rows", "1")
    assert f"{place}:" in done.stderr, done.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.quick
def test_bad_records_are_set_aside_with_their_text(leat, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"a":1}\n{"a":oops}\n{"a":2,"b":3}\n{"a":"x"}\n{"a":5}\n', encoding="utf-8")
    rejects = tmp_path / "bad.jsonl"
    done = leat("cp", path, tmp_path / "out.csv", "--sample-rows", "1", "--on-error", "skip",
                "--rejects", rejects)
    assert done.returncode == 4, done.stderr
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "a\n1\n5\n"
    told = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert [(each["code"], each["record"]) for each in told] == [
        ("corrupt-file", '{"a":oops}'), ("column-mismatch", '{"a":2,"b":3}'),
        ("value-syntax", '{"a":"x"}')]


def test_a_large_document_takes_no_more_memory_than_a_small_one(leat, tmp_path):
    path = tmp_path / "big.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write("[")
        for i in range(1200000):
            file.write(f'{"," if i else ""}\n  {{"id": {i}, "name": "a name like many others", '
                       f'"tags": ["x", {i}], "share": {i / 4}}}')
        file.write("\n]\n")
    assert path.stat().st_size > 90 << 20
    peak = leat.peak_kib("cp", path, tmp_path / "out.arrow")
    assert peak < 110 << 10, f"{peak} KiB"
    assert arrow(tmp_path / "out.arrow").num_rows == 1200000


def test_json_that_is_only_deep_is_told_with_the_limit_and_a_remedy(leat, pg_db, tmp_path):
    deep = "[" * 1000 + "]" * 1000
    (tmp_path / "deep.jsonl").write_text(f'{{"a":1}}\n{{"a":{deep}}}\n', encoding="utf-8")
    done = leat.fails((1, 2, 71, 74), "limit", "cp", tmp_path / "deep.jsonl", tmp_path / "x.csv")
    assert "512 levels" in done.stderr and "deep.jsonl:2" in done.stderr
    assert "as a string" in done.stderr and "--memory" not in done.stderr
    pg_db.execute("create table d (j jsonb)", f"insert into d values ('{deep}')")
    done = leat.fails(1, "value-range", "cp", pg_db.stream("d"), tmp_path / "y.jsonl")
    assert "512 levels" in done.stderr and "is no JSON" not in done.stderr
    leat.ok("cp", pg_db.stream("d"), tmp_path / "y.jsonl", "--cast", "j=utf8")
    with (tmp_path / "y.jsonl").open(encoding="utf-8") as lines:
        assert json.loads(next(lines))["j"] == deep
