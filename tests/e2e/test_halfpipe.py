"""Documents of Halfpipe, and its command line: what they print, write and leave behind, read by
something that is not leat."""
import csv
import gzip
import io
import json
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import kill_after, leat_binary
from readers import sqlite_table

STAFF = [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
FRESH = [(1, "a"), (2, "b"), (3, "see"), (5, "e")]
STAMPED = re.compile(r"staffdiff-\d{8}T\d{6}_000001\.csv\.gz")


def make(path, table, columns, rows, sql=None):
    with sqlite3.connect(path) as connection:
        connection.execute(sql or f"create table {table}({columns})")
        marks = ",".join("?" * len(rows[0])) if rows else ""
        connection.executemany(f"insert into {table} values({marks})", rows)
    return path


@pytest.fixture
def folder(leat):
    """The working folder, with two systems that have one table."""
    make(leat.home / "hr.db", "staff", "code integer primary key, label text", FRESH)
    make(leat.home / "copy.db", "staff", "code integer primary key, label text", STAFF)
    return leat.home


def document(groups, **connections):
    """Groups are {name: [(step, type, data[, parts])]}, run one after the other."""
    made = {}
    for name, steps in groups.items():
        kind, steps = steps if isinstance(steps, tuple) else ("sequential", steps)
        made[name] = {"type": kind, "sequence": [step[0] for step in steps], "steps": {
            step[0]: {"type": step[1], "data": step[2], **({"steps": step[3]} if step[3:] else {})}
            for step in steps}}
    return {"schemaVersion": 3, "type": "once", "sequence": list(made), "transformGroups": made,
            "connections": {name: {"type": url.split(":")[0], "data": {"dsn": url}}
                            for name, url in connections.items()}}


def run(leat, doc, status=0, **options):
    (leat.home / "doc.json").write_text(json.dumps(doc))
    done = leat("hp", "pipe", "-f", "doc.json", "-L", "0", "-l", "error", **options)
    assert done.returncode == status, (done.returncode, done.stderr)
    return done


def printed(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def show(step):
    return ("show", "StdOutPassThrough", {"readDataFromStep": step})


def read(name, sql, connection="hr"):
    return (name, "TableInput", {"databaseConnectionName": connection, "sqlText": sql})


# --- the example of its documentation -------------------------------------------------------------

EXAMPLE = """\
schemaVersion: 3
description: compare staff on two systems and keep the differences
connections:
  hr:   {type: sqlite, logicalName: hr,   data: {dsn: "sqlite:hr.db"}}
  copy: {type: sqlite, logicalName: copy}        # no data: loaded from the store
type: once
sequence: [compare]
transformGroups:
  compare:
    type: sequential
    sequence: [fresh, stale, delta, show, save]
    steps:
      fresh: {type: TableInput, data: {databaseConnectionName: hr,   sqlText: "select code, label from staff order by code"}}
      stale: {type: TableInput, data: {databaseConnectionName: copy, sqlText: "select code, label from staff order by code"}}
      delta: {type: MergeDiff, data: {readNewDataFromStep: fresh, readOldDataFromStep: stale, joinKeys: "code:code",
              compareKeys: "label:label", flagFieldName: "#what", outputIdenticalRows: "false"}}
      show:  {type: StdOutPassThrough, data: {readDataFromStep: delta, outputFieldsCsv: "code,#what", abortAfterNumRecords: "0"}}
      save:  {type: CSVFileWriter, data: {readDataFromStep: show, outputDir: "out", fileNamePrefix: staffdiff,
              fileNameSuffixAppendCreationStamp: "true", fileNameExtension: csv, useGzip: "true", headerFieldsCSV: "code,label,#what",
              maxFileRows: "0", maxFileBytes: "0", outputFieldName4FilePath: "#file"}}
"""
EXAMPLE_LINES = ('{"code": "3", "#what": "C"}\n{"code": "4", "#what": "D"}\n'
                 '{"code": "5", "#what": "N"}\n')


@pytest.mark.parametrize("command", [("hp", "pipe", "-f"), ("pipe", "run")])
def test_example_document_prints_and_saves_the_differences(leat, folder, command):
    (folder / "staff.yaml").write_text(EXAMPLE)
    leat.ok("config", "connections", "add", "copy", "sqlite:copy.db")
    done = leat.ok(*command, "staff.yaml")
    assert done.stdout == EXAMPLE_LINES
    files = [path.name for path in (folder / "out").iterdir()]
    assert len(files) == 1 and STAMPED.fullmatch(files[0]), files
    text = gzip.decompress((folder / "out" / files[0]).read_bytes()).decode()
    assert text == "code,label,#what\n3,see,C\n4,d,D\n5,e,N\n"


def test_program_called_hp_is_halfpipe(leat, folder):
    link = folder / "hp"
    link.symlink_to(leat_binary())
    (folder / "staff.yaml").write_text(EXAMPLE)
    env = {**leat.env, "LEAT_CONN_COPY": "sqlite:copy.db"}
    done = subprocess.run([link, "pipe", "-f", "staff.yaml"], cwd=folder, env=env, check=False,
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, EXAMPLE_LINES), done.stderr
    assert "Stats for compare.delta (MergeDiff) complete" in done.stderr
    assert "totalRowsProcessed=3" in done.stderr


# --- faults ---------------------------------------------------------------------------------------

def test_a_connection_that_is_no_map_is_a_fault(leat, folder):
    wrong = EXAMPLE.replace("connections:", "connections:\n  copy2: copy.db", 1)
    wrong = wrong.replace("databaseConnectionName: copy", "databaseConnectionName: copy2")
    (folder / "bad.yaml").write_text(wrong)
    done = leat("pipe", "check", "bad.yaml")
    assert done.returncode == 2 and "a connection is a map" in done.stderr


def test_every_fault_has_its_line_and_column(leat, folder):
    wrong = (EXAMPLE.replace("{type: TableInput, data: {databaseConnectionName: hr,",
                             "{type: TableInptu, data: {databaseConnectionName: hr,")
             .replace("databaseConnectionName: copy", "databaseConnectionName: copi")
             .replace("flagFieldName", "flagfieldName")
             .replace("readDataFromStep: show", "readDataFromStep: shwo")
             .replace('maxFileRows: "0"', "maxFileRows: few").replace('useGzip: "true"',
                                                                      "useGzip: untrue"))
    (folder / "bad.yaml").write_text(wrong)
    lines = wrong.splitlines()

    def place(line, text):
        return f"bad.yaml:{line}:{lines[line - 1].index(text) + 1}:"
    done = leat("pipe", "check", "bad.yaml")
    assert done.returncode == 2, done.stderr
    for line, at, message, remedy in [
            (13, "TableInptu", 'used by step "fresh"', "did you mean TableInput?"),
            (14, "copi", 'no connection "copi"', "did you mean copy?"),
            (15, "{type", "needs flagFieldName", ""),
            (16, "flagfieldName", 'no key "flagfieldName"', "did you mean flagFieldName?"),
            (18, "shwo", 'no step "shwo"', "did you mean show?"),
            (19, "untrue", "useGzip is true or false", ""),
            (20, "few", "maxFileRows is a whole number", "")]:
        found = [each for each in done.stderr.splitlines() if place(line, at) in each]
        assert found and message in found[0] and remedy in found[0], (line, at, done.stderr)


@pytest.mark.parametrize("kind, url, needs", [
    ("oracle", "oracle://u/p@//h:1521/x", "Oracle"), ("snowflake", "snowflake://u:p@a/d", "Snowflake"),
    ("sqlserver", "sqlserver://u:p@h/d", "SQL Server"), ("s3", "s3://b", "S3"),
    ("odbc+sqlserver", "odbc+sqlserver://u:p@h/d", "ODBC"), ("netezza", "netezza://u/p@//h/d", "Netezza")])
def test_connections_that_need_a_later_connector_are_refused_by_name(leat, folder, kind, url, needs):
    doc = document({"g": [read("t", "select 1")]}, hr=url)
    doc["connections"]["hr"]["type"] = kind
    done = run(leat, doc, 1)
    assert "doc.json:1:" in done.stderr and f"needs a connector for {needs}" in done.stderr
    assert "p@" not in done.stderr


@pytest.mark.parametrize("kind, needs", [
    ("SnowflakeLoader", "Snowflake"), ("SnowflakeMerge", "Snowflake"), ("SnowflakeSync", "Snowflake"),
    ("CopyFilesToS3", "S3"), ("S3BucketList", "S3"),
    ("OracleContinuousQueryNotificationToRdbms", "Oracle"),
    ("OracleContinuousQueryNotificationToSnowflake", "Oracle")])
def test_steps_that_need_a_later_connector_are_refused_by_name(leat, folder, kind, needs):
    done = run(leat, document({"g": [("x", kind, {})]}), 1)
    assert "doc.json:1:" in done.stderr and f"needs a connector for {needs}" in done.stderr


# --- steps ----------------------------------------------------------------------------------------

def test_merge_diff_compares_numbers_as_numbers(leat, folder):
    """Twenty keys of which one is missing are one difference, not 23."""
    make(folder / "n.db", "new", "k integer, v text", [(i, "x") for i in range(1, 21)])
    make(folder / "n.db", "old", "k integer, v text", [(i, "x") for i in range(1, 21) if i != 2])
    done = run(leat, document({"g": [
        read("new", "select * from new order by k", "n"), read("old", "select * from old order by k", "n"),
        ("d", "MergeDiff", {"readNewDataFromStep": "new", "readOldDataFromStep": "old",
                            "joinKeys": "k:k", "compareKeys": "v:v", "flagFieldName": "f"}),
        show("d")]}, n="sqlite:n.db"))
    assert printed(done) == [{"f": "N", "k": "2", "v": "x"}]


def test_merge_diff_tells_null_from_empty_and_fractions_of_seconds(leat, folder, pg_db):
    pg_db.execute("create table a(k int, t text, s timestamp, n numeric)",
                  "create table b(id bigint, t text, s timestamp, n numeric)",
                  "insert into a values (1, null, '2026-01-01', 1.10), (2, 'x', '2026-01-01 0:0:0.5', 2),"
                  " (3, 'x', null, 12345678901234567890.5)",
                  "insert into b values (1, '', '2026-01-01', 1.1), (2, 'x', '2026-01-01', 2),"
                  " (3, 'x', null, 12345678901234567890.5)")
    done = run(leat, document({"g": [
        read("new", "select * from a order by k", "pg"), read("old", "select * from b order by id", "pg"),
        ("d", "MergeDiff", {"readNewDataFromStep": "new", "readOldDataFromStep": "old",
                            "joinKeys": "id:k", "compareKeys": "t:t,s:s,n:n", "flagFieldName": "f",
                            "outputIdenticalRows": "true"}),
        ("show", "StdOutPassThrough", {"readDataFromStep": "d", "outputFieldsCsv": "k,t,s,f"})]},
        pg=pg_db.url))
    assert printed(done) == [
        {"k": "1", "t": None, "s": "20260101T000000+0000", "f": "C"},
        {"k": "2", "t": "x", "s": "20260101T000000.5+0000", "f": "C"},
        {"k": "3", "t": "x", "s": None, "f": "I"}]


def test_merge_diff_stops_at_disorder(leat, folder):
    done = run(leat, document({"g": [
        read("new", "select code, label from staff order by code desc"),
        read("old", "select code, label from staff order by code", "copy"),
        ("d", "MergeDiff", {"readNewDataFromStep": "new", "readOldDataFromStep": "old",
                            "joinKeys": "code:code", "flagFieldName": "f"}), show("d")]},
        hr="sqlite:hr.db", copy="sqlite:copy.db"), 1)
    assert "[disorder]" in done.stderr and "step new" in done.stderr


def sync_steps(target="copy", key="code", size="2", table="staff"):
    return [
        read("new", "select code, label from staff order by code"),
        read("old", f"select {key} as code, label from {table} order by 1", target),
        ("d", "MergeDiff", {"readNewDataFromStep": "new", "readOldDataFromStep": "old",
                            "joinKeys": "code:code", "compareKeys": "label:label",
                            "flagFieldName": "#f"}),
        ("s", "TableSync", {"readDataFromStep": "d", "databaseConnectionName": target,
                            "outputTable": table, "flagFieldName": "#f", "commitBatchSize": size,
                            "commitSequenceKeyName": "#n", "keyCols": f"code:{key}",
                            "otherCols": "label:label"})]


def test_table_sync_makes_sqlite_equal_and_numbers_its_transactions(leat, folder):
    doc = document({"g": sync_steps() + [show("s")]}, hr="sqlite:hr.db", copy="sqlite:copy.db")
    done = run(leat, doc)
    assert [(row["code"], row["#f"], row["#n"]) for row in printed(done)] == [
        ("3", "C", "1"), ("4", "D", "1"), ("5", "N", "2")]
    assert sorted(sqlite_table(folder / "copy.db", "staff")[1]) == FRESH
    assert run(leat, doc).stdout == ""


def test_table_sync_and_merge_write_postgres(leat, folder, pg_db):
    pg_db.execute('create schema "S x"', 'create table "S x"."T.t"(id int primary key, label text, '
                  "more text default 'kept')", """insert into "S x"."T.t" values (3, 'c'), (9, 'z')""")
    steps = sync_steps("pg", "id", "10000", '"S x"."T.t"')
    steps[3][2].update(outputSchemaName="S x", outputTable="T.t")
    run(leat, document({"g": steps}, hr="sqlite:hr.db", pg=pg_db.url))
    assert pg_db.rows('"S x"."T.t"') == [(1, "a", "kept"), (2, "b", "kept"), (3, "see", "kept"),
                                         (5, "e", "kept")]
    run(leat, document({"g": [
        read("t", "select 5 as k, 'new' as v union all select 6, 'six'"),
        ("m", "TableMerge", {"readDataFromStep": "t", "databaseConnectionName": "pg",
                             "outputSchemaName": "S x", "outputTable": "T.t", "execBatchSize": "1",
                             "keyCols": "k:id", "otherCols": "v:label"})]},
        hr="sqlite:hr.db", pg=pg_db.url))
    assert pg_db.rows('"S x"."T.t"')[3:] == [(5, "new", "kept"), (6, "six", "kept")]


def test_table_sync_of_keys_alone_inserts_what_comes(leat, folder):
    make(folder / "o.db", "t", "a text, b text", [("old", "row")])
    sync = {"readDataFromStep": "t", "databaseConnectionName": "o", "outputTable": "t",
            "flagFieldName": "f", "keyCols": "a:a,b:b", "commitBatchSize": "2"}
    run(leat, document({"g": [
        read("t", "select 'x' as a, null as b, 'N' as f union all select 'x', null, 'N' union all "
             "select 'old', 'row', 'D' union all select 'y', 'z', 'N'"),
        ("s", "TableSync", sync)]}, hr="sqlite:hr.db", o="sqlite:o.db"))
    assert sqlite_table(folder / "o.db", "t")[1] == [("x", None), ("x", None), ("y", "z")]


@pytest.mark.parametrize("rows, code", [("select 9 as code, 'x' as label, 'C' as f", "conflict"),
                                        ("select 1 as code, 'x' as label, 'N' as f", "conflict"),
                                        ("select 1 as code, 'x' as label, 'Q' as f", "value-syntax")])
def test_table_sync_never_passes_over_a_row(leat, folder, rows, code):
    done = run(leat, document({"g": [read("t", rows), (
        "s", "TableSync", {"readDataFromStep": "t", "databaseConnectionName": "copy",
                           "outputTable": "staff", "flagFieldName": "f", "keyCols": "code:code",
                           "otherCols": "label:label"})]},
        hr="sqlite:hr.db", copy="sqlite:copy.db"), 1)
    assert f"[{code}]" in done.stderr, done.stderr
    assert sqlite_table(folder / "copy.db", "staff")[1] == STAFF


def test_sql_exec_runs_each_statement_and_counts_rows(leat, folder, pg_db):
    pg_db.execute("create table t(a int)", "insert into t values (1), (2)")
    done = run(leat, document({"g": [
        read("t", "select 'update t set a = a + 10' as q union all select 'delete from t where a = 11'"),
        ("x", "SqlExec", {"readDataFromStep": "t", "databaseConnectionName": "pg",
                          "sqlQueryFieldName": "q", "sqlRowsAffectedFieldName": "n"}),
        ("show", "StdOutPassThrough", {"readDataFromStep": "x", "outputFieldsCsv": "n"})]},
        hr="sqlite:hr.db", pg=pg_db.url))
    assert [row["n"] for row in printed(done)] == ["2", "1"]
    assert pg_db.rows("t") == [(12,)]


def test_queries_take_arguments_and_replacements_once(leat, folder):
    """What is put in is data: neither its quotes nor its places for arguments count."""
    done = run(leat, document({"args": [
        read("a", "select 1 as n, 'never' as t union all select 3, 'it''s ? :1 -- x'"),
        ("q", "TableInputWithArgs", {"databaseConnectionName": "hr", "readDataFromStep": "a",
                                     "readDataUsingFields": "n,t", "sqlText":
                                     "select code, ? as n, :2 as t, '?' as \"q?\" /* ? */ from staff "
                                     "where code = $1;"}), show("q")],
        "text": [("q", "TableInputWithReplacements", {
            "databaseConnectionName": "hr", "replacements": "${a}:${b},${b}:2",
            "sqlText": "select '${a}' as a, ${b} as b"}), show("q")]}, hr="sqlite:hr.db"))
    assert printed(done) == [{"code": "3", "n": "3", "q?": "?", "t": "it's ? :1 -- x"},
                             {"a": "${b}", "b": "2"}]


def test_csv_files_rotate_and_their_manifest_reads_back(leat, folder):
    make(folder / "c.db", "t", "a integer, b text, c blob",
         [(1, 'say "x", y', b"\x01\xff"), (2, None, None), (3, "", b""), (4, " lead", b"q"),
          (5, "two\nlines", b"z")])
    done = run(leat, document({"g": [
        read("t", "select * from t", "c"),
        ("w", "CSVFileWriter", {"readDataFromStep": "t", "outputDir": "d/e", "fileNamePrefix": "p",
                                "fileNameExtension": "csv", "maxFileRows": "2",
                                "headerFieldsCSV": "b,a,c"}),
        ("m", "ManifestWriter", {"readDataFromStep": "w", "outputDir": "d/e", "fileNamePrefix": "p",
                                 "fileNameSuffixAppendCreationStamp": "true",
                                 "fileNameSuffixDateTimeFormat": "2006", "fileNameExtension": "man"}),
        ("r", "ManifestReader", {"readDataFromStep": "m", "bucketName": "./d", "bucketPrefix": "e",
                                 "inputFieldName4ManifestName": "#ManifestName",
                                 "outputFieldName4DataFileName": "f"}), show("r")]},
        c="sqlite:c.db"))
    assert printed(done) == [{"f": f"p_{n:06}.csv"} for n in (1, 2, 3)]
    year = time.strftime("%Y")
    files = {path.name: path.read_bytes() for path in (folder / "d" / "e").iterdir()}
    assert files == {"p_000001.csv": b'b,a,c\n"say ""x"", y",1,\x01\xff\n,2,\n',
                     "p_000002.csv": b'b,a,c\n"",3,""\n" lead",4,q\n',
                     "p_000003.csv": b'b,a,c\n"two\nlines",5,z\n',
                     f"p-{year}_000001.man": b"FileName\np_000001.csv\np_000002.csv\np_000003.csv\n"}


def test_csv_file_past_its_bytes_keeps_the_row_that_passed_them(leat, folder):
    run(leat, document({"g": [
        ("t", "GenerateRows", {"fieldNamesValuesCSV": "a:1234567", "numRows": "5"}),
        ("w", "CSVFileWriter", {"readDataFromStep": "t", "outputDir": "d", "fileNamePrefix": "p",
                                "maxFileBytes": "12", "useGzip": "true"})]}))
    sizes = [gzip.decompress(path.read_bytes()).decode() for path in sorted((folder / "d").iterdir())]
    assert sizes == ["a\n1234567\n1234567\n"] * 2 + ["a\n1234567\n"]


def test_ranges_cut_the_first_record(leat, folder, pg_db):
    done = run(leat, document({"n": [
        read("t", "select 9007199254740993 as lo, 9007199254741003 as hi, 'k' as k union all select 1, 2, 'z'"),
        ("r", "NumberRangeGenerator", {
            "readDataFromStep": "t", "inputFieldName4LowNum": "lo", "inputFieldName4HighNum": "hi",
            "intervalSize": "6", "outputLeftPaddedNumZeros": "18", "outputFieldName4LowNum": "l",
            "outputFieldName4HighNum": "h", "passInputFieldsToOutput": "false"}), show("r")],
        "d": [read("t", "select timestamptz '2026-01-01 01:00+01' as lo, 'k' as k", "pg"),
              ("r", "DateRangeGenerator", {
                  "readDataFromStep": "t", "inputFieldName4FromDate": "lo",
                  "toDate": "2026-01-02T12:00:00Z", "intervalSeconds": "86400",
                  "outputFieldName4LowDate": "l", "outputFieldName4HiDate": "h",
                  "passInputFieldsToOutput": "true"}),
              ("show", "StdOutPassThrough", {"readDataFromStep": "r", "outputFieldsCsv": "k,l,h"})],
        "same": [read("t", "select 7 as lo, 7 as hi"),
                 ("r", "NumberRangeGenerator", {
                     "readDataFromStep": "t", "inputFieldName4LowNum": "lo",
                     "inputFieldName4HighNum": "hi", "intervalSize": "6", "outputFieldName4LowNum": "l",
                     "outputFieldName4HighNum": "h"}), show("r")]}, hr="sqlite:hr.db", pg=pg_db.url))
    assert printed(done) == [
        {"h": "009007199254740999", "l": "009007199254740993"},
        {"h": "009007199254741003", "l": "009007199254740999"},
        {"k": "k", "l": "20260101T000000+0000", "h": "20260102T000000+0000"},
        {"k": "k", "l": "20260102T000000+0000", "h": "20260102T120000+0000"},
        {"h": "7", "l": "7"}]


def filtered(kind, metadata):
    return [read("t", "select 9 as n, 'a' as s union all select 10, 'b' union all select null, 'c' "
                 "union all select 3, 'd'"),
            ("f", "FilterRows", {"readDataFromStep": "t", "filterType": kind,
                                 "filterMetadata": metadata}), show("f")]


@pytest.mark.parametrize("kind, metadata, wanted", [
    ("GetMax", "n", ["b"]), ("LastRow", "", ["d"]), ("AbortAfter", "4", ["a", "b", "c", "d"]),
    ("JsonLogic", '{"and": [{">": [{"var": "n"}, 3]}, {"in": [{"var": "s"}, ["b", "d", "q"]]}]}', ["b"]),
    ("JsonLogic", '{"==": [{"var": "n"}, null]}', ["c"])])
def test_filter_keeps(leat, folder, kind, metadata, wanted):
    done = run(leat, document({"g": filtered(kind, metadata)}, hr="sqlite:hr.db"))
    assert [row["s"] for row in printed(done)] == wanted


def test_filter_and_output_abort_after_so_many(leat, folder):
    done = run(leat, document({"g": filtered("AbortAfter", "3")}, hr="sqlite:hr.db"), 1)
    assert "more than 3 records came" in done.stderr
    done = run(leat, document({"g": [read("t", "select code from staff"), (
        "show", "StdOutPassThrough", {"readDataFromStep": "t", "abortAfterNumRecords": "2"})]},
        hr="sqlite:hr.db"), 1)
    assert [row["code"] for row in printed(done)] == ["1", "2"]


def test_mapper_makes_fields_one_after_the_other(leat, folder):
    parts = [
        ("AddConstants", {"fieldName": "i", "fieldType": "integer", "fieldValue": "-7"}),
        ("AddConstants", {"fieldName": "d", "fieldType": "date",
                          "fieldValue": "2018-10-28T02:01:01+01:00"}),
        ("RegexpReplace", {"fieldName": "t", "regexpMatch": r"(?P<day>\d{2})/(\d+)",
                           "regexpReplace": "$2-${day}.$1x$$", "resultField": "r"}),
        ("RegexpReplace", {"fieldName": "t", "regexpMatch": "none", "regexpReplace": "",
                           "resultField": "kept", "propagateInput": "true"}),
        ("RegexpReplace", {"fieldName": "t", "regexpMatch": "none", "regexpReplace": "",
                           "resultField": "gone"}),
        ("ConcatenateFieldsAB", {"fieldNameA": "i", "fieldNameB": "r", "resultField": "t"}),
        ("JsonLogic", {"rule": '{"cat": [{"substr": [{"var": "t"}, 0, 2]}, "/", {"%": [17, 5]}, '
                       '{"if": [{"<": [1, {"var": "i"}]}, "yes", null]}]}', "resultField": "j"})]
    done = run(leat, document({"g": [
        ("t", "GenerateRows", {"fieldNamesValuesCSV": "t:21/11", "numRows": "1"}),
        ("m", "FieldMapper", {"readDataFromStep": "t"},
         [{"type": kind, "data": data} for kind, data in parts]), show("m")]}))
    assert printed(done) == [{"d": "20181028T010101+0000", "gone": "", "i": "-7", "j": "-7/2",
                              "kept": "21/11", "r": "11-21.$", "t": "-711-21.$"}]


def test_combiner_and_product_unite_their_inputs(leat, folder):
    done = run(leat, document({"union": [
        read("a", "select 1 as n, 'x' as a"), read("b", "select 2.5 as n, 'y' as b"),
        ("c", "ChannelCombiner", {"readDataFromStep1": "a", "readDataFromStep2": "b"}), show("c")],
        "product": [
            read("a", "select 1 as a union all select 2"), read("b", "select 'p' as b union all select 'q'"),
            ("c", "MergeStreamsCartesian", {}, [{"type": "a"}, {"type": "b"}]), show("c")]},
        hr="sqlite:hr.db"))
    rows = printed(done)
    assert sorted(rows[:2], key=str) == sorted(
        [{"a": "x", "b": None, "n": "1"}, {"a": None, "b": "y", "n": "2.5"}], key=str)
    assert sorted((row["a"], row["b"]) for row in rows[2:]) == [
        ("1", "p"), ("1", "q"), ("2", "p"), ("2", "q")]


def test_product_refuses_a_field_of_two_inputs(leat, folder):
    steps = [read("a", "select 1 as n"), read("b", "select 2 as n"),
             ("c", "MergeStreamsCartesian", {}, [{"type": "a"}, {"type": "b"}]), show("c")]
    assert "[duplicate-column]" in run(leat, document({"g": steps}, hr="sqlite:hr.db"), 1).stderr
    steps[2][2]["allowFieldOverwrite"] = "true"
    assert printed(run(leat, document({"g": steps}, hr="sqlite:hr.db"))) == [{"n": "1"}]


def test_injection_runs_its_group_for_each_record_and_a_bridge_hears_of_it(leat, folder):
    """What is put in is not looked through again, and a group that is injected runs by that alone."""
    doc = document({
        "listen": ("background", [
            ("b", "ChannelBridge", {"readDataFromStep": "q"}),
            ("w", "CSVFileWriter", {"readDataFromStep": "b", "outputDir": "heard",
                                    "fileNamePrefix": "p"})]),
        "drive": [
            read("t", "select 1 as n, '${n}' as s, '2026-11-21' as d union all select 3, 'it', 'x'"),
            ("i", "MetadataInjection", {
                "readDataFromStep": "t", "executeTransformName": "inner",
                "replaceVariableWithFieldNameCSV": "${n}:n,${s}:s"})],
        "inner": [("q", "TableInput", {"databaseConnectionName": "hr", "sqlText":
                                       "select code, '${s}' as s from staff where code = ${n}"})]},
        hr="sqlite:hr.db")
    run(leat, doc)
    assert (folder / "heard" / "p_000001.csv").read_text() == "code,s\n1,${n}\n3,it\n"


def test_steps_that_read_one_step_share_its_records(leat, folder):
    make(folder / "m.db", "t", "a integer", [(i,) for i in range(50000)])
    writer = {"readDataFromStep": "t", "outputDir": "d"}
    run(leat, document({"g": [
        read("t", "select * from t", "m"),
        ("w", "CSVFileWriter", {**writer, "fileNamePrefix": "one"}),
        ("v", "CSVFileWriter", {**writer, "fileNamePrefix": "two"})]}, m="sqlite:m.db"))
    found = [int(row[0]) for path in (folder / "d").iterdir()
             for row in list(csv.reader(io.StringIO(path.read_text())))[1:]]
    assert sorted(found) == list(range(50000))


# --- runs -----------------------------------------------------------------------------------------

def test_a_group_repeats_from_start_to_start_until_it_is_stopped(leat, folder):
    doc = document({"g": [("t", "GenerateRows", {"sequenceFieldName": "n", "numRows": "1"}), show("t")]})
    doc.update(type="repeating", repeatMetadata={"sleepSeconds": 1})
    (folder / "doc.json").write_text(json.dumps(doc))
    child = leat.start("hp", "pipe", "-f", "doc.json", "-L", "0")
    began = time.monotonic()
    assert [child.stdout.readline() for _ in range(3)] == [b'{"n": "1"}\n'] * 3
    took = time.monotonic() - began
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == 0
    assert 1.5 < took < 15


def test_steps_of_a_document_are_steps_of_its_execution(leat, folder):
    rows = ("gen", "GenerateRows", {"sequenceFieldName": "n", "numRows": "9"})
    for name, groups, status in (
            ("good", {"g": [rows, ("show", "StdOutPassThrough", {"readDataFromStep": "gen"})]}, 0),
            ("bad", {"g": [rows], "h": [read("t", "select * from nowhere")]}, 2)):
        (leat.home / f"{name}.json").write_text(json.dumps(document(groups, hr="sqlite:hr.db")))
        done = leat("pipe", "run", f"{name}.json", "--report", "report.json")
        assert done.returncode == status, done.stderr
        execution, = leat.ok("execution", "list", "--pipeline", name, "--json").stdout.splitlines()
        execution = json.loads(execution)["execution"]
        steps = [json.loads(line) for line in
                 leat.ok("step", "list", execution, "--json").stdout.splitlines()]
        told = json.loads((leat.home / "report.json").read_text())["steps"]
        ends = {"done": "COMPLETED", "failed": "FAILED"}
        assert sorted((s["name"], s["status"], s["rows_processed"]) for s in steps) == sorted(
            (s["step"].upper(), ends[s["status"]], s["rows"]) for s in told)
        assert {s["name"]: s["rows_processed"] for s in steps}["G.GEN"] == 9
        assert {s["models"] for s in steps} == {1}  # the document
    assert "nowhere" in {s["name"]: s["error"] for s in steps}["H.T"]


def test_a_failed_step_stops_groups_beside_it(leat, folder):
    doc = document({
        "for_ever": ("repeating", [("t", "GenerateRows", {"sequenceFieldName": "n", "numRows": "9",
                                                          "sleepIntervalSeconds": "60"})]),
        "bad": [read("t", "select * from nowhere")]}, hr="sqlite:hr.db")
    done = run(leat, doc, 1)
    assert "step bad.t (TableInput)" in done.stderr and "nowhere" in done.stderr


def test_a_read_that_breaks_off_is_no_end(leat, folder, pg_db, proxy):
    pg_db.execute("create table big as select i as code, repeat('x', 200) as label "
                  "from generate_series(1, 20000) i", "create table staff(code int primary key, label text)",
                  "insert into staff select i, 'old' from generate_series(1, 20000) i")
    cut = proxy(cut_after=1000000)
    steps = sync_steps("pg")
    steps[0] = read("new", "select code, label from big order by code", "cut")
    done = run(leat, document({"g": steps}, cut=pg_db.server.url(pg_db.name, port=cut.port),
                              pg=pg_db.url), 1)
    assert "step g.new (TableInput)" in done.stderr, done.stderr
    assert pg_db.count("staff") == 20000


def test_kills_during_a_sync_leave_the_table_whole(leat, folder, pg_db):
    """Every transaction is all there or not at all; the next run goes on."""
    rows = 6000
    make(folder / "k.db", "staff", "code integer primary key, label text",
         [(i, "new") for i in range(rows)])
    pg_db.execute("create table staff(code int primary key, label text)",
                  f"insert into staff select i, 'old' from generate_series(0, {rows - 1}) i")
    (folder / "doc.json").write_text(json.dumps(document(
        {"g": sync_steps("pg", size="1000")}, hr="sqlite:k.db", pg=pg_db.url)))
    seen = set()
    status = None
    for number in range(18):
        child = leat.start("hp", "pipe", "-f", "doc.json", "-L", "0")
        status = kill_after(child, 0.02 * 1.3 ** number)
        child.communicate()
        with pg_db.connect() as connection:
            new = connection.execute("select count(*) from staff where label = 'new'").fetchone()[0]
        seen.add(new)
        assert new % 1000 == 0 and pg_db.count("staff") == rows
        if status == 0:
            break
    leat.ok("hp", "pipe", "-f", "doc.json", "-L", "0")
    assert pg_db.rows("staff") == [(i, "new") for i in range(rows)]
    assert len(seen) > 1


def test_memory_stays_bounded_on_a_million_rows(leat, folder):
    with sqlite3.connect(folder / "big.db") as connection:
        connection.execute("create table t(i integer primary key, a text, b text, c real)")
        connection.execute("insert into t with recursive n(i) as (select 1 union all select i + 1 "
                           "from n where i < 1000000) select i, 'name ' || i as a, "
                           "'lorem ipsum dolor sit amet' as b, i * 1.25 as c from n")
    both = [read("a", "select * from t order by i", "big"), read("b", "select * from t order by i", "big"),
            ("d", "MergeDiff", {"readNewDataFromStep": "a", "readOldDataFromStep": "b",
                                "joinKeys": "i:i", "compareKeys": "a:a,b:b,c:c", "flagFieldName": "f",
                                "outputIdenticalRows": "true"}),
            ("w", "CSVFileWriter", {"readDataFromStep": "d", "outputDir": "out", "fileNamePrefix": "p",
                                    "useGzip": "true"})]
    (folder / "doc.json").write_text(json.dumps(document({"g": both}, big="sqlite:big.db")))
    peak = leat.peak_kib("hp", "pipe", "-f", "doc.json", "-L", "0", "-l", "error")
    with gzip.open(folder / "out" / "p_000001.csv.gz", "rt") as file:
        assert sum(1 for _ in file) == 1000001
    sanitized = "ASAN_OPTIONS" in leat.env or "UBSAN_OPTIONS" in leat.env
    assert sanitized or peak < 96 * 1024, peak


# --- the command line -----------------------------------------------------------------------------

@pytest.fixture
def hp(leat, folder):
    leat.env.update(LEAT_CONN_HR="sqlite:hr.db", LEAT_CONN_COPY="sqlite:copy.db")
    return lambda *arguments, **options: leat("hp", *arguments, **options)


def test_help_lists_commands_and_bare_groups_print_it(hp):
    done = hp()
    assert done.returncode == 0
    for words in ("config connections add", "cp snap", "sync events", "query", "version"):
        assert f"hp {words} " in done.stdout
    assert [hp(*words).returncode for words in (["cp"], ["cp", "anything"], ["config"], ["nonsense"])] == [
        0, 0, 0, 1]
    flags = hp("cp", "delta", "--help").stdout
    for flag in ("-s, --stage", "-D, --delta-size", "-G, --start-date", "-y, --csv-bytes"):
        assert flag in flags
    assert hp("user", "login", "a.b.c").returncode == 0


def test_snapshot_empties_the_target_unless_it_appends(hp, folder):
    """Rows that leat did not write go as well, as Halfpipe has it."""
    assert hp("cp", "snap", "hr.staff", "copy.staff").returncode == 0
    assert sqlite_table(folder / "copy.db", "staff")[1] == FRESH
    assert hp("cp", "snap", "hr.staff", "copy.more").returncode == 0
    assert hp("cp", "snap", "hr.staff", "copy.staff", "-a").returncode == 1  # the key forbids it
    with sqlite3.connect(folder / "hr.db") as connection:
        connection.execute("create table plain as select * from staff")
    for flags in ([], ["-a"], ["--append=true", "-l", "error"]):
        assert hp("cp", "snap", "hr.plain", "copy.plain", *flags).returncode == 0
    assert len(sqlite_table(folder / "copy.db", "plain")[1]) == 12


def test_delta_goes_on_from_the_targets_rows(hp, folder):
    assert hp("cp", "delta", "hr.staff", "copy.staff", "-d", "code", "-p", "code").returncode == 0
    assert sqlite_table(folder / "copy.db", "staff")[1] == [(1, "a"), (2, "b"), (3, "c"), (4, "d"),
                                                            (5, "e")]


def test_sync_diff_and_query(hp, folder):
    done = hp("diff", "hr.staff", "copy.staff", "-p", "code")
    assert (done.returncode, done.stdout) == (
        1, '{"code": "3", "#diffStatus": "CHANGED"}\n{"code": "4", "#diffStatus": "DELETED"}\n'
           '{"code": "5", "#diffStatus": "NEW"}\n')
    done = hp("diff", "hr.staff", "copy.staff", "-p", "code", "-a", "-n1")
    assert (done.returncode, done.stdout) == (
        1, '{"code": "3", "label": "see", "#diffStatus": "CHANGED"}\n')
    assert hp("sync", "batch", "hr.staff", "copy.staff", "-p", "code", "-B", "1").returncode == 0
    assert sqlite_table(folder / "copy.db", "staff")[1] == FRESH
    assert hp("diff", "hr.staff", "copy.staff", "-p", "code").returncode == 0
    sql = ("query", "copy", "select *", "from staff", "where code > 2")
    assert hp(*sql).stdout == "3,see\n5,e\n"
    assert hp(*sql, "-x").stdout == "code,label\n3,see\n5,e\n"
    assert hp(*sql, "-d").stdout == "select * from staff where code > 2\n"
    assert hp("cp", "meta", "hr.staff", "copy.other").stdout.startswith("CREATE TABLE")


def test_snapshot_into_a_folder_is_files_and_a_manifest(hp, folder):
    assert hp("cp", "snap", "hr.staff", "./lake/", "-r", "3", "-f", "label,code").returncode == 0
    names = sorted(path.name for path in (folder / "lake").iterdir())
    stem = names[0].rsplit("_", 1)[0]
    assert re.fullmatch(r"staff-\d{8}T\d{6}", stem)
    assert [name for name in names if name.endswith(".csv.gz")] == [
        f"{stem}_000001.csv.gz", f"{stem}_000002.csv.gz"]
    manifest = next((folder / "lake").glob("*.man"))
    assert manifest.read_text() == f"FileName\n{stem}_000001.csv.gz\n{stem}_000002.csv.gz\n"
    text = gzip.decompress((folder / "lake" / f"{stem}_000002.csv.gz").read_bytes())
    assert text == b"label,code\ne,5\n"
    printed_pipe = json.loads(hp("cp", "snap", "hr.staff", "./lake/", "-o", "json").stdout)
    assert printed_pipe["connections"] == {"source": {"type": "sqlite", "logicalName": "hr"}}
    (folder / "again.json").write_text(json.dumps(printed_pipe))
    assert hp("pipe", "-f", "again.json").returncode == 0


def test_flags_of_staging_and_of_stacks_are_accepted_where_there_is_no_staging(hp, folder):
    assert hp("--print-stack", "cp", "snap", "hr.staff", "copy.staff", "-s", "stage", "-b", "bucket",
              "-P", "in/it", "-R", "eu-west-2", "-c", "x", "-y", "7").returncode == 0
    assert hp("cp", "snap", "hr.staff", "copy.staff", "--print-stack").returncode == 0
    assert "cp snap" in hp("--print-stack").stdout


def test_snapshots_within_one_second_do_not_write_over_each_other(hp, folder):
    for place in ("./lake/", "file:lake", "file:lake"):
        assert hp("cp", "snap", "hr.staff", place, "-r", "2").returncode == 0
    manifests = sorted((folder / "lake").glob("*.man"))
    assert len(manifests) == 3
    named = [line for each in manifests for line in each.read_text().splitlines()[1:]]
    assert len(set(named)) == len(named) == len(list((folder / "lake").glob("*.csv.gz")))


@pytest.mark.parametrize("flags", (["-H", "2"], ["-G", "19000101T000000", "-H", "2"]))
def test_the_first_watermark_is_of_the_drivers_own_kind(hp, folder, flags):
    with sqlite3.connect(folder / "hr.db") as db:
        db.executescript("create table counted (n integer primary key, at timestamp);"
                         "insert into counted values (1, '2026-11-01 00:00:00'), (2, '2026-11-02 00:00:00'),"
                         " (3, '2026-11-03 00:00:00')")
    assert hp("cp", "delta", "hr.counted", "copy.counted", "-d", "n", "-p", "n", *flags).returncode == 0
    with sqlite3.connect(folder / "copy.db") as db:
        assert db.execute("select n from counted order by 1").fetchall() == [(2,), (3,)]
    assert hp("cp", "delta", "hr.counted", "copy.timed", "-d", "at", "-p", "n", "-G", "20261103T000000",
              "-H", "0").returncode == 0
    with sqlite3.connect(folder / "copy.db") as db:
        assert db.execute("select n from timed").fetchall() == [(3,)]


def test_connections_and_defaults_are_listed_as_halfpipe_does(hp, leat):
    assert hp("config", "connections", "add", "postgres", "-c", "wh", "-d", "postgres://joe:geheim@db.example/wh").returncode == 0
    assert hp("config", "defaults", "add", "-k", "log-level", "-v", "info").returncode == 0
    listed = hp("config", "connections", "list").stdout
    assert "wh:\n  type = postgres\n  dsn = postgres://joe:" in listed and "geheim" not in listed
    assert hp("config", "defaults", "list").stdout == "log-level=info\n"


@pytest.mark.parametrize("arguments, message", [
    (["cp", "snap", "hr.staff"], "requires <connection>"),
    (["cp", "snap", "hr.staff", "copy.staff", "--nonsense"], "unknown flag: --nonsense"),
    (["cp", "snap", "hr.staff", "copy.staff", "-Q"], "unknown shorthand flag: 'Q'"),
    (["cp", "snap", "hr.staff", "copy.staff", "-c"], "flag needs an argument: -c"),
    (["diff", "hr.staff", "copy.staff"], 'required flag(s) "primary-keys" not set'),
    (["sync", "events", "hr.staff", "copy.staff", "-p", "code"], "which this leat has not"),
    (["create", "stage", "hr", "-s", "x", "-u", "y"], "Snowflake"),
    (["serve"], "HTTP service")])
def test_wrong_command_lines_say_what_is_wrong(hp, arguments, message):
    done = hp(*arguments)
    assert done.returncode == 1 and message in done.stderr, done.stderr


def test_variables_alone_run_a_copy(hp, folder):
    side = {"HP_12FACTOR_MODE": "1", "HP_COMMAND": "cp", "HP_SUBCOMMAND": "snap",
            "HP_SOURCE_TYPE": "sqlite", "HP_SOURCE_DSN": "sqlite:hr.db", "HP_SOURCE_OBJECT": "staff",
            "HP_TARGET_TYPE": "sqlite", "HP_TARGET_DSN": "sqlite:copy.db", "HP_TARGET_OBJECT": "staff",
            "HP_APPEND": "false", "HP_LOG_LEVEL": "error"}
    assert hp("ignored", env=side).returncode == 0
    assert sqlite_table(folder / "copy.db", "staff")[1] == FRESH
    done = hp(env={**side, "HP_SUBCOMMAND": "foo"})
    assert done.returncode == 1
    assert "invalid combination of command (cp) and subcommand (foo)" in done.stderr
    done = hp(env={**side, "HP_TARGET_DSN": ""})
    assert done.returncode == 1 and "please supply values for HP_TARGET_DSN" in done.stderr


def test_stored_connections_are_leats(hp, folder):
    assert hp("config", "connections", "add", "sqlite", "-c", "kept", "-d", "sqlite:hr.db").returncode == 0
    assert hp("config", "connections", "add", "sqlite", "-c", "kept", "-d", "sqlite:x.db").returncode == 1
    assert hp("query", "kept", "select count(*) from staff").stdout == "4\n"
    assert "kept" in hp("config", "connections", "list").stdout
    assert hp("config", "connections", "rm", "-c", "kept").returncode == 0
    assert hp("query", "kept", "select 1").returncode == 1


def test_pipe_show_writes_the_document_as_it_is_understood(leat, tmp_path):
    doc = document({"all": [
        ("rows", "GenerateRows", {"fieldNamesValuesCSV": "t:${WHAT}", "numRows": "2"}),
        ("map", "FieldMapper", {"readDataFromStep": "rows"}, [
            {"type": "JsonLogic", "data": {"rule": '{"+": [{"var": "t"}, 1]}', "resultField": "j"}}]), show("map")]},
        db=f"sqlite:{tmp_path}/x.db", far="postgres://u:hunter2pw@h.example/db")
    (leat.home / "doc.json").write_text(json.dumps(doc))
    shown = leat.ok("pipe", "show", "doc.json", "--json", "--var", "WHAT=41").stdout
    told = json.loads(shown)
    assert "hunter2pw" not in shown and "${WHAT}" not in shown
    assert told["connections"]["db"]["data"]["dsn"] == f"sqlite:{tmp_path}/x.db"
    group = told["transformGroups"]["all"]
    assert group["sequence"] == ["rows", "map", "show"]
    assert group["steps"]["rows"] == {"type": "GenerateRows", "data": {"fieldNamesValuesCSV": "t:41", "numRows": "2"}}
    assert group["steps"]["map"]["steps"] == doc["transformGroups"]["all"]["steps"]["map"]["steps"]
    # What is shown is a document that does the same, in both forms.
    (leat.home / "shown.yaml").write_text(leat.ok("pipe", "show", "doc.json", "--var", "WHAT=41").stdout)
    rows = printed(run(leat, told))
    assert [row["j"] for row in rows] == ["42", "42"]
    assert printed(leat.ok("hp", "pipe", "-f", "shown.yaml", "-L", "0", "-l", "error")) == rows
