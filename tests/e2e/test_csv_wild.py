"""CSV as other programs write and read it: each dialect against a program that has it."""
import csv
import datetime
import decimal
import os
import pathlib
import random
import shutil
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import readers
from conftest import needed

SEED = int(os.environ.get("LEAT_TEST_SEED", "20261121"))

# What texts can be made of: everything that has a meaning in some dialect.
PIECES = [",", ";", "\t", "|", "||", '"', "'", "\\", "\\N", "\\.", "\n", "\r", "\r\n", " ", "NA", "NULL", "#",
          "a", "b7", "é", "日本", "\U0001f600", "\ufeff", "n", "t", "x41", "\x01", "\x1a", "0"]


def texts(count, seed=SEED, pieces=None):
    """(number, text or None, text or None) with nulls and empty texts among them."""
    choose = random.Random(seed)
    rows = []
    for number in range(count):
        cells = []
        for _ in range(2):
            kind = choose.random()
            cells.append(None if kind < 0.1 else "" if kind < 0.2 else "".join(
                choose.choice(pieces or PIECES) for _ in range(choose.randrange(1, 6))))
        rows.append((number, *cells))
    return rows


def write_plain(path, rows):
    """RFC 4180, nulls empty and empty texts quoted, written by hand."""
    def field(value):
        return "" if value is None else '"' + str(value).replace('"', '""') + '"'
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("id,a,b\n")
        for row in rows:
            file.write(",".join(field(value) for value in row) + "\n")


@pytest.fixture
def plain(tmp_path):
    """A file of awkward texts, as Arrow, and its rows."""
    rows = texts(400)
    write_plain(tmp_path / "plain.csv", rows)
    return tmp_path / "plain.csv", rows


def to_arrow(leat, path, tmp_path, *options):
    leat.ok("cp", path, tmp_path / "back.arrow", "--replace", *options)
    return readers.arrow_table(tmp_path / "back.arrow")[1]


TYPES = "--types=id=int64,a=utf8,b=utf8"
BARE_TYPES = "--types=column1=int64,column2=utf8,column3=utf8"
DIALECTS = {"rfc4180": TYPES, "excel": TYPES, "bigquery": TYPES, "postgres": BARE_TYPES,
            "postgres-text": BARE_TYPES, "mysql": BARE_TYPES, "snowflake": BARE_TYPES,
            "redshift": BARE_TYPES}


@pytest.fixture
def arrow(leat, plain, tmp_path):
    leat.ok("cp", plain[0], tmp_path / "plain.arrow", TYPES, "--delimiter=,", "--quote=double")
    return tmp_path / "plain.arrow", plain[1]


@pytest.mark.quick
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_dialect_reads_what_it_wrote(leat, arrow, tmp_path, dialect):
    path, rows = arrow
    out = tmp_path / "out.csv"
    leat.ok("cp", path, out, f"--dialect={dialect}", "--delimiter=,", "--verify")
    assert to_arrow(leat, out, tmp_path, f"--dialect={dialect}", "--delimiter=,",
                    DIALECTS[dialect]) == rows


# --- PostgreSQL ----------------------------------------------------------------------------------


def copy_in(db, path, options):
    with db.connect() as connection, connection.cursor() as cursor:
        with cursor.copy(f"copy t from stdin with ({options})") as copy:
            copy.write(path.read_bytes())


def copy_out(db, path, options):
    with db.connect() as connection, connection.cursor() as cursor, open(path, "wb") as file:
        with cursor.copy(f"copy (select * from t order by id) to stdout with ({options})") as copy:
            for block in copy:
                file.write(block)


PG_DIALECTS = [("postgres", "format csv"), ("postgres-text", "format text"),
               ("postgres --header=yes", "format csv, header match"),
               ("postgres --delimiter=; --quote=single --null=NA --escape=backslash",
                "format csv, delimiter ';', quote '''', null 'NA', escape '\\'"),
               ("postgres-text --delimiter=| --null=nil", "format text, delimiter '|', null 'nil'"),
               ("postgres --encoding=utf-8 --quoting=all", "format csv")]


@pytest.mark.parametrize("ours,theirs", PG_DIALECTS)
def test_postgres_copies_in_what_leat_wrote(leat, arrow, pg_db, tmp_path, ours, theirs):
    path, rows = arrow
    pg_db.execute("create table t (id bigint, a text, b text)")
    leat.ok("cp", path, tmp_path / "out.csv", *f"--dialect={ours}".split())
    copy_in(pg_db, tmp_path / "out.csv", theirs)
    assert pg_db.rows("t") == rows


@pytest.mark.parametrize("ours,theirs", PG_DIALECTS)
def test_leat_reads_what_postgres_copied_out(leat, pg_db, tmp_path, ours, theirs):
    rows = texts(400, SEED + 1, [piece for piece in PIECES if "\x00" not in piece])
    pg_db.execute("create table t (id bigint, a text, b text)")
    with pg_db.connect() as connection, connection.cursor() as cursor:
        cursor.executemany("insert into t values (%s, %s, %s)", rows)
    copy_out(pg_db, tmp_path / "in.csv", theirs.replace("header match", "header"))
    types = TYPES if "header" in theirs else BARE_TYPES
    ours = ours.removesuffix(" --quoting=all")  # of no use to reading
    assert to_arrow(leat, tmp_path / "in.csv", tmp_path, *f"--dialect={ours}".split(),
                    types) == rows


def test_postgres_and_leat_agree_on_types_in_text(leat, pg_db, tmp_path):
    pg_db.execute("create table t (id bigint, n numeric(10,2), f double precision, d date, "
                  "at timestamp, z timestamptz, b boolean, x bytea)",
                  "insert into t values (1, -1234.50, 0.1, '2024-02-29', '2024-02-29 13:14:15.25', "
                  "'2024-02-29 13:14:15+01', true, '\\x00ff5c'), (2, null, 'NaN', null, null, null, "
                  "false, '')")
    before = pg_db.rows("t")
    for dialect in ("postgres", "postgres-text"):
        leat.ok("cp", pg_db.stream("t"), tmp_path / "t.csv", "--replace", f"--dialect={dialect}")
        pg_db.execute("delete from t")
        copy_in(pg_db, tmp_path / "t.csv", "format csv" if dialect == "postgres" else "format text")
        after = pg_db.rows("t")
        assert [str(value) for row in after for value in row] == \
            [str(value) for row in before for value in row]


# --- MariaDB -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory):
    """A function that runs SQL in a server of its own, without network, and gives its output."""
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    client, install = shutil.which("mariadb"), shutil.which("mariadb-install-db")
    if not (server and client and install):
        needed("no MariaDB here: apt install mariadb-server")
    folder = tmp_path_factory.mktemp("m")
    as_root = ["--user=root"] if os.getuid() == 0 else []
    subprocess.run([install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal",
                    *as_root], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(folder / "log", "wb") as log:
        child = subprocess.Popen([server, "--no-defaults", f"--datadir={folder}/data",
                                  f"--socket={folder}/s", "--skip-networking", "--local-infile=1",
                                  *as_root], stdout=log, stderr=log)

    def run(sql, check=True):
        return subprocess.run([client, "--no-defaults", f"--socket={folder}/s", "-uroot", "--local-infile=1",
                               "--default-character-set=utf8mb4", "-N", "-e", sql], check=check,
                              capture_output=True).stdout

    for _ in range(300):
        if (folder / "s").exists() and run("select 1", check=False):
            break
        assert child.poll() is None, (folder / "log").read_text(encoding="utf-8", errors="replace")
        subprocess.run(["sleep", "0.1"], check=True)
    run("create database d character set utf8mb4")
    yield run
    child.terminate()
    child.wait(60)


def hex_rows(rows):
    return [(number, *(value if value is None else value.encode().hex().upper() for value in cells))
            for number, *cells in rows]


def test_mariadb_loads_what_leat_wrote_and_leat_reads_what_it_dumped(leat, arrow, mariadb, tmp_path):
    path, rows = arrow
    out, dump = tmp_path / "out.txt", tmp_path / "dump.txt"
    leat.ok("cp", path, f"csv:{out}", "--dialect=mysql")
    mariadb("drop table if exists d.t; create table d.t (id bigint, a text, b text)")
    mariadb(f"load data local infile '{out}' into table d.t character set utf8mb4")
    found = mariadb("select id, hex(a), hex(b) from d.t order by id").decode()
    lines = [tuple(None if field == "NULL" else field for field in line.split("\t"))
             for line in found.splitlines()]
    assert [(int(number), *cells) for number, *cells in lines] == hex_rows(rows)
    mariadb(f"select * from d.t order by id into outfile '{dump}' character set utf8mb4")
    assert to_arrow(leat, f"csv:{dump}", tmp_path, "--dialect=mysql", BARE_TYPES) == rows


# --- Python, DuckDB ------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize("options,dialect", [
    (["--dialect=excel"], {"dialect": "excel"}),
    (["--dialect=excel", "--quoting=all"], {"dialect": "excel"}),
    (["--quote=single", "--delimiter=|"], {"delimiter": "|", "quotechar": "'"}),
    (["--escape=\\", "--delimiter=;"], {"delimiter": ";", "escapechar": "\\", "doublequote": False}),
    (["--quote=none", "--escape=\\", "--delimiter=tab", "--null=\\N"],
     {"delimiter": "\t", "escapechar": "\\", "quoting": csv.QUOTE_NONE}),
])
def test_python_reads_what_leat_wrote(leat, arrow, tmp_path, options, dialect):
    path, rows = arrow
    out = tmp_path / "out.csv"
    leat.ok("cp", path, out, *options)
    with open(out, encoding="utf-8-sig" if "excel" in options[0] else "utf-8", newline="") as file:
        found = list(csv.reader(file, **dialect))
    null = "N" if "--null=\\N" in options else ""  # Python takes \N for N
    assert found[0] == ["id", "a", "b"]
    assert found[1:] == [[str(number), *(null if cell is None else cell for cell in cells)]
                         for number, *cells in rows]


@pytest.mark.quick
@pytest.mark.parametrize("options,dialect", [
    (["--dialect=excel"], {"dialect": "excel"}),
    (["--quote=single", "--delimiter=|", "--record-end=lf"],
     {"delimiter": "|", "quotechar": "'", "lineterminator": "\n"}),
    (["--escape=\\", "--delimiter=;"],
     {"delimiter": ";", "escapechar": "\\", "doublequote": False}),
    (["--quote=none", "--escape=\\", "--delimiter=tab", "--record-end=lf"],
     {"delimiter": "\t", "escapechar": "\\", "quoting": csv.QUOTE_NONE, "lineterminator": "\n"}),
])
def test_leat_reads_what_python_wrote(leat, tmp_path, options, dialect):
    pieces = [piece for piece in PIECES if "\r" not in piece] if dialect.get("quoting") else PIECES
    rows = [(number, a or "x", b or "y") for number, a, b in texts(300, SEED + 2, pieces)]
    with open(tmp_path / "in.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **dialect)
        writer.writerow(["id", "a", "b"])
        writer.writerows(rows)
    assert to_arrow(leat, tmp_path / "in.csv", tmp_path, *options, TYPES) == rows


def test_duckdb_reads_and_writes_what_leat_does(leat, arrow, tmp_path):
    path, rows = arrow
    leat.ok("cp", path, tmp_path / "out.csv", "--dialect=bigquery", "--null=\\N", "--delimiter=|")
    found = duckdb.connect().execute(
        "select id, a, b from read_csv(?, header=true, delim='|', quote='\"', escape='\"', "
        "nullstr='\\N', allow_quoted_nulls=false, new_line='\\n', strict_mode=false, "
        "columns={'id': 'BIGINT', 'a': 'VARCHAR', 'b': 'VARCHAR'}) order by id",
        [str(tmp_path / "out.csv")]).fetchall()
    assert found == rows
    connection = duckdb.connect()
    connection.execute("create table t (id bigint, a varchar, b varchar)")
    connection.executemany("insert into t values (?, ?, ?)", rows)
    connection.execute(f"copy t to '{tmp_path}/duck.csv' (header, delimiter '|', nullstr '\\N')")
    assert to_arrow(leat, tmp_path / "duck.csv", tmp_path, "--delimiter=|", "--null=\\N",
                    TYPES) == rows


def test_values_of_a_country_come_in_and_go_out(leat, tmp_path):
    (tmp_path / "de.csv").write_bytes(
        "Bericht;vom 1.3.\n# Stand\nBetrag;Tag;Zeit;Ort;aktiv\n"
        "1.234.567,89;29.02.2024;29.02.2024 13:14;München;ja\n-0,5;01.03.2024;;Köln;nein\n"
        .encode("windows-1252"))
    how = ["--encoding=windows-1252", "--decimal=comma", "--thousands=point",
           "--date-format=%d.%m.%Y", "--timestamp-format=%d.%m.%Y %H:%M", "--true=ja", "--false=nein"]
    rows = to_arrow(leat, tmp_path / "de.csv", tmp_path, *how, "--skip-lines=1", "--comment=#",
                    "--types=Betrag=decimal(12,2)")
    assert rows == [
        (decimal.Decimal("1234567.89"), datetime.date(2024, 2, 29),
         datetime.datetime(2024, 2, 29, 13, 14), "München", True),
        (decimal.Decimal("-0.50"), datetime.date(2024, 3, 1), None, "Köln", False)]
    leat.ok("cp", tmp_path / "back.arrow", tmp_path / "out.csv", *how, "--delimiter=;", "--verify")
    assert (tmp_path / "out.csv").read_bytes().decode("windows-1252").splitlines() == [
        "Betrag;Tag;Zeit;Ort;aktiv", "1.234.567,89;29.02.2024;29.02.2024 13:14;München;ja",
        "-0,50;01.03.2024;;Köln;nein"]


# --- encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["latin1", "windows-1251", "utf-16", "utf-16be", "utf-32le", "shift_jis",
                                      "euc-jp", "gb18030"])
def test_encodings_agree_with_iconv(leat, tmp_path, encoding):
    if not shutil.which("iconv"):
        needed("no iconv program here")
    text = {"latin1": "Ærøskøbing", "windows-1251": "Москва", "shift_jis": "日本語ソ", "euc-jp": "日本語"}.get(
        encoding, "Ω 日本 \U0001f600")
    content = f'id,name\n1,"{text}, ""x"""\n2,y\n'
    (tmp_path / "utf8.csv").write_text(content, encoding="utf-8")
    coded = subprocess.run(["iconv", "-f", "utf-8", "-t", encoding, tmp_path / "utf8.csv"],
                           check=True, capture_output=True).stdout
    (tmp_path / "coded.csv").write_bytes(coded)
    assert to_arrow(leat, tmp_path / "coded.csv", tmp_path, f"--encoding={encoding}") == [
        (1, f'{text}, "x"'), (2, "y")]
    leat.ok("cp", tmp_path / "back.arrow", tmp_path / "out.csv", f"--encoding={encoding}", "--verify")
    decoded = subprocess.run(["iconv", "-f", encoding, "-t", "utf-8", tmp_path / "out.csv"],
                             check=True, capture_output=True).stdout
    assert decoded.decode("utf-8") == content


@pytest.mark.quick
def test_characters_an_encoding_lacks_stop_the_run_and_leave_nothing(leat, tmp_path):
    (tmp_path / "in.csv").write_text("id,name\n1,x\n2,日本\n", encoding="utf-8")
    done = leat.fails(1, "value-range", "cp", f"csv:{tmp_path}/in.csv?encoding=utf-8",
                      f"csv:{tmp_path}/out.csv?encoding=latin1")
    assert "row 2" in done.stderr and "name" in done.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.quick
def test_bad_input_is_placed_by_line_in_utf16_too(leat, tmp_path):
    (tmp_path / "in.csv").write_bytes("pre\r\nid,n\r\n\"a\r\nb\",1\r\n7\r\n".encode("utf-16"))
    done = leat.fails(1, "corrupt-file", "cp", tmp_path / "in.csv", tmp_path / "o.arrow", "--skip-lines=1")
    assert "in.csv:5" in done.stderr
    (tmp_path / "in.csv").write_bytes(b"id,n\n1,x\n2,\x81\n")
    done = leat.fails(1, "corrupt-file", "cp", tmp_path / "in.csv", tmp_path / "o.arrow", "--encoding=windows-1252")
    assert "in.csv:3" in done.stderr and "offset 11" in done.stderr


@pytest.mark.quick
def test_appending_keeps_to_the_dialect_and_writes_no_second_mark(leat, tmp_path):
    (tmp_path / "in.csv").write_text("id,name\n1,x\n2,y\n", encoding="utf-8")
    for _ in range(2):
        leat.ok("cp", tmp_path / "in.csv", f"csv:{tmp_path}/out.csv?dialect=excel", "--append")
    assert (tmp_path / "out.csv").read_bytes() == \
        b"\xef\xbb\xbfid,name\r\n1,x\r\n2,y\r\n1,x\r\n2,y\r\n"
    for _ in range(2):
        leat.ok("cp", tmp_path / "in.csv", f"csv:{tmp_path}/pg.csv?dialect=postgres", "--append")
    assert (tmp_path / "pg.csv").read_bytes() == b"1,x\n2,y\n1,x\n2,y\n"
    leat.ok("cp", tmp_path / "in.csv", f"csv:{tmp_path}/u.csv?encoding=utf-16")
    before = pathlib.Path(tmp_path / "u.csv").read_bytes()
    leat.fails((1, 2), "unsupported", "cp", tmp_path / "in.csv", f"csv:{tmp_path}/u.csv?encoding=utf-16",
               "--append")
    assert pathlib.Path(tmp_path / "u.csv").read_bytes() == before


@pytest.mark.parametrize("table", [
    {"id": [1, 2], "t": ["'abc'", "'d'"]},
    {"''": ["'a'", "'b'"]},
    {"a;b": ["x;y", "z;w"]},
    {"a|b|c": ["1|2|3", "4|5|6"], "d": ["x", "y"]},
    {"a\tb": ["x\ty", "z\tw"]},
    {"t": ["x|'a'"] + ["y"] * 100_000 + ["'z'"]},
])
def test_leat_is_not_misled_by_quotes_and_delimiters_in_its_own_files(leat, tmp_path, table):
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    leat.ok("cp", tmp_path / "in.parquet", tmp_path / "x.csv")
    leat.ok("cp", tmp_path / "x.csv", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").to_pydict() == table
