"""--schema-from: files that say no types are read with those of a table, and come back as it was."""
import pytest

TABLE = """create table src (
    id int not null, part smallint not null, name varchar(40), price numeric(12,4) not null,
    flag boolean, day date, at timestamp, seen timestamptz, t time, span interval,
    doc jsonb, raw bytea, tag uuid, address inet, tags text[], exact numeric, small real,
    primary key (part, id))"""
ROWS = [
    """(1, 2, '007', 1.5000, true, '2024-02-29', '2024-02-29 12:00:00.123456',
        '2024-02-29 12:00Z', '23:59:59.5', '1 mon 2 days 03:04:05', '{"a": [1, null]}',
        '\\x00ff', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', '10.0.0.0/8', '{a,"b,c",NULL}',
        123456789012345678901234567890.5, 0.1)""",
    """(2, 1, '', 20, null, null, null, null, null, null, null, null, null, null, null, null, null)""",
    """(3, 1, 'true', 0.0001, false, '0001-01-01', '9999-12-31 23:59:59', null, '00:00',
        '00:00:01', '"x"', '', '00000000-0000-0000-0000-000000000000', '::1', '{}', 'NaN', 1e30)"""]
SAME = """select count(*), count(*) filter (where x::text = y::text)
          from src x full join dst y on (x.part, x.id) = (y.part, y.id)"""
COLUMNS = """select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute
             where attrelid = %s::regclass and attnum > 0 order by attnum"""
KEY = """select pg_get_constraintdef(oid) from pg_constraint
         where conrelid = %s::regclass and contype = 'p'"""


@pytest.fixture
def source(pg_db):
    pg_db.execute(TABLE, f"insert into src values {', '.join(ROWS)}")
    return pg_db


def described(database, table):
    with database.connect() as connection:
        return (connection.execute(COLUMNS, [table]).fetchall(),
                connection.execute(KEY, [table]).fetchall())


@pytest.mark.parametrize("ending", ["csv", "csv.zst", "tsv", "jsonl", "jsonl.gz"])
def test_a_table_comes_back_from_a_file_as_it_was(leat, source, tmp_path, ending):
    path = tmp_path / f"src.{ending}"
    leat.ok("cp", source.stream("src"), path)
    leat.ok("cp", path, source.stream("dst"), f"--schema-from={source.stream('src')}")
    with source.connect() as connection:
        assert connection.execute(SAME).fetchone() == (3, 3)
    assert described(source, "dst") == described(source, "src")


def test_without_it_types_are_guessed(leat, source, tmp_path):
    """What the option is for: it would not be the same."""
    leat.ok("cp", source.stream("src"), tmp_path / "src.csv")
    leat.ok("cp", tmp_path / "src.csv", source.stream("dst"))
    assert described(source, "dst") != described(source, "src")


def test_the_types_of_a_file_will_do_as_well(leat, source, tmp_path):
    leat.ok("cp", source.stream("src"), tmp_path / "src.arrow")
    leat.ok("cp", tmp_path / "src.arrow", tmp_path / "src.csv")
    leat.ok("cp", tmp_path / "src.csv", source.stream("dst"),
            f"--schema-from={tmp_path}/src.arrow")
    with source.connect() as connection:
        assert connection.execute(SAME).fetchone() == (3, 3)
    assert described(source, "dst") == described(source, "src")


def test_a_cast_counts_for_more_and_other_columns_are_as_ever(leat, tmp_path):
    (tmp_path / "a.csv").write_text("id,x,new\n1,2,3\n", encoding="utf-8")
    done = leat.ok("cp", tmp_path / "a.csv", tmp_path / "o.arrow", "--cast=x=int8", "--dry-run",
                   f"--schema-from={leat_types(leat, tmp_path)}")
    assert "id                       decimal(10,2) -> decimal(10,2)" in done.stdout
    assert "x                        int8 -> int8" in done.stdout
    assert "new                      int64 -> int64" in done.stdout
    assert "gone" not in done.stdout


def leat_types(leat, tmp_path):
    """A file whose columns have types that nothing would infer."""
    (tmp_path / "t.csv").write_text("id,x,gone\n1,1,1\n", encoding="utf-8")
    leat.ok("cp", tmp_path / "t.csv", tmp_path / "t.arrow",
            "--cast=id=decimal(10,2),x=utf8,gone=int16")
    return tmp_path / "t.arrow"


def test_renamed_columns_are_found_by_either_name(leat, tmp_path):
    (tmp_path / "a.csv").write_text("old,x\n1,2\n", encoding="utf-8")
    types = leat_types(leat, tmp_path)
    done = leat.ok("cp", tmp_path / "a.csv", tmp_path / "o.arrow", "--rename=old=id", "--dry-run",
                   f"--schema-from={types}")
    assert "id                       decimal(10,2) -> decimal(10,2)" in done.stdout


def test_many_streams_take_the_types_of_those_of_their_names(leat, source, tmp_path):
    source.execute("create table more (id int primary key, n numeric(5,1))",
                   "insert into more values (1, 2.5)", "create schema copy")
    leat.ok("cp", source.url + "#public.", f"{tmp_path}/dump/")
    leat.ok("cp", f"{tmp_path}/dump/", source.url + "#copy.",
            f"--schema-from={source.url}#public.")
    for table in ("src", "more"):
        assert described(source, f"copy.{table}") == described(source, f"public.{table}")


def test_nulls_where_it_takes_none_are_refused(leat, source, tmp_path):
    (tmp_path / "a.csv").write_text("id,part,price\n1,,2\n", encoding="utf-8")
    done = leat.fails(1, "not-null", "cp", tmp_path / "a.csv", tmp_path / "o.arrow",
                      f"--schema-from={source.stream('src')}")
    assert 'column "part"' in done.stderr


def test_what_it_names_must_be_there(leat, source, tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n", encoding="utf-8")
    for location in (source.stream("none"), tmp_path / "none.arrow",
                     "postgres://nobody@127.0.0.1:1/x#t"):
        done = leat.fails((1, 2, 75), ("not-found", "unavailable"), "cp", tmp_path / "a.csv",
                          tmp_path / "o.arrow", f"--schema-from={location}", "--retries=0")
        assert "--schema-from" in done.stderr
        assert not (tmp_path / "o.arrow").exists()


def test_it_is_in_the_dry_run_of_a_new_table(leat, source, tmp_path):
    leat.ok("cp", source.stream("src"), tmp_path / "src.csv")
    done = leat.ok("cp", tmp_path / "src.csv", source.stream("dst"), "--dry-run",
                   f"--schema-from={source.stream('src')}")
    assert "inet" in done.stdout and "character varying(40)" in done.stdout
    assert 'PRIMARY KEY ("part", "id")' in done.stdout
