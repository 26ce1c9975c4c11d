"""Types of users' own are made at a PostgreSQL destination that lacks them: enums, domains, composites
and ranges, with all they are made of. Their definitions are read from the catalogue by psycopg."""
import subprocess

import psycopg
import pytest

TYPES = """
create schema kinds;
create collation kinds.bytes from "C";
create type mood as enum ('sad', 'ok', 'häppy', '', 'a "b", c', 'it''s');
create type "Möd Ü.x" as enum ('x', 'y');
create type kinds.colour as enum ('red', 'green');
create domain positive as int check (value > 0);
create domain named as varchar(10) collate kinds.bytes not null default 'x';
create domain twice as positive constraint below check (value < 1000) check (value <> 13);
create domain feel as mood default 'ok' check (value <> 'sad');
create domain feels as mood[];
create domain price as numeric(8,2);
create type pair as (x int, "Y z" text collate kinds.bytes, n numeric(5,1));
create type deep as (p pair, at timestamptz, m mood[], f feel, ps pair[], c kinds.colour);
create type span as range (subtype = float8, subtype_diff = float8mi);
create type empty as enum ();
comment on type mood is 'how one''s day is';
comment on domain positive is 'more than nothing';
"""

TABLE = """
create table t (id int primary key, m mood, ms mood[], u "Möd Ü.x", us "Möd Ü.x"[], c kinds.colour,
    p positive, tw twice, f feel, fs feels, pr price, na named, pa pair, pas pair[], d deep, s span, ss span[],
    tws twice[], b bytea, e empty)
"""

ROWS = """
insert into t values
(1, 'a "b", c', '{sad,"it''s",""}', 'y', '{x,NULL,y}', 'green', 5, 999, 'häppy', '{sad}', 1.25, 'ab',
 row(1, 'a,"b', 2.5), array[row(1, null, null)::pair, null, row(null, '', 0)::pair],
 row(row(1, 'x', null)::pair, '2024-02-29 13:14:15.000001+00', '{ok,sad}', 'ok', array[row(7, 'q', 1)::pair], 'red'),
 '[1.5,2]', '{"[1,2)",empty}', '{1,2}', '\\x00ff', null),
(2, null, null, null, null, null, null, null, null, null, null, 'x', null, null, null, null, null, null, null, null),
(3, '', '{}', 'x', '{}', 'red', 1, 1, '', '{}', 0, 'y', row(null, null, null), '{}', row(null, null, null, null, null,
 null), 'empty', '{}', '{}', '', null)
"""

# Everything that a definition says, by schema and name; places are left out where they may differ.
DEFINED = """
select n.nspname, t.typname, t.typtype::text, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
  (select collname from pg_collation c where c.oid = t.typcollation),
  (select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = t.oid),
  (select array_agg(conname || ' ' || pg_get_constraintdef(oid) order by conname) from pg_constraint
     where contypid = t.oid and contype = 'c'),
  (select array_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' ||
     coalesce((select collname from pg_collation c where c.oid = attcollation), '-') order by attnum)
     from pg_attribute where attrelid = t.typrelid and t.typtype = 'c' and attnum > 0),
  (select format_type(rngsubtype, null) || ' ' || rngsubdiff::text from pg_range where rngtypid = t.oid),
  obj_description(t.oid, 'pg_type')
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where n.nspname !~ '^(pg_|information_schema)' and (t.typtype in ('e', 'd', 'r') or
  t.typtype = 'c' and (select relkind from pg_class c where c.oid = t.typrelid) = 'c')
order by 1, 2
"""

COLUMNS = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
"""


def ask(db, sql, *values):
    with db.connect() as connection:
        return connection.execute(sql, values or None).fetchall()


def defined(db):
    return ask(db, DEFINED)


def columns(db, table="t"):
    return ask(db, COLUMNS, table)


def texts(db, table="t"):
    return ask(db, f"select q::text from {table} q order by 1")


def labels(db, name):
    return [row[0] for row in ask(db, "select enumlabel from pg_enum where enumtypid = %s::regtype "
                                      "order by enumsortorder", name)]


@pytest.fixture
def near(pg_db):
    pg_db.execute(TYPES, TABLE, ROWS)
    return pg_db


@pytest.fixture
def far(pg_db2):
    """A destination whose types get other numbers than the source's."""
    pg_db2.execute("create schema kinds", 'create collation kinds.bytes from "C"',
                   *(f"create type other{i} as enum ('a')" for i in range(7)),
                   *(f"drop type other{i}" for i in range(7)))
    return pg_db2


def test_every_kind_of_type_is_made_as_it_was(leat, near, far):
    leat.ok("cp", near.stream("t"), far.stream("t"), "--verify")
    assert defined(far) == defined(near)
    assert columns(far) == columns(near)
    assert texts(far) == texts(near)
    # What they say holds: a check is a check.
    with pytest.raises(psycopg.errors.CheckViolation):
        far.execute("insert into t (id, na, tw) values (9, 'a', 13)")
    # A second time all is there, and is used.
    leat.ok("cp", near.stream("t"), far.stream("t"))
    leat.ok("cp", near.stream("t"), far.stream("again"), "--verify")
    assert columns(far, "again") == columns(near)
    assert texts(far, "again") == texts(near)


def schema(db, name="public"):
    return f"{db.url}#{name}."


def test_many_streams_at_once_share_their_types(leat, near, far):
    """Workers do not stand in each other's way, and types come before the first table."""
    near.execute(*(f"create table s{i} (id int primary key, m mood, d deep, tw twice[])" for i in range(12)),
                 *(f"insert into s{i} select n, 'ok', row(row(n, 'x', 1)::pair, now(), '{{sad}}', 'ok', null, 'red')::deep,"
                   f" array[n + 20] from generate_series(1, 20) n" for i in range(12)))
    leat.ok("cp", f"{near.url}#public.*", schema(far), "--parallel=4")
    assert defined(far) == defined(near)
    for i in range(12):
        assert texts(far, f"s{i}") == texts(near, f"s{i}")


def test_several_commands_at_once_make_a_type_once(leat, pg_db, pg_db2):
    pg_db.execute("create type mood as enum ('sad', 'ok')", "create domain feel as mood",
                  *(f"create table t{i} (m feel)" for i in range(6)),
                  *(f"insert into t{i} values ('ok')" for i in range(6)))
    runs = [leat.start("cp", pg_db.stream(f"t{i}"), pg_db2.stream(f"t{i}"), stderr=subprocess.PIPE)
            for i in range(6)]
    said = [(run.communicate()[1], run.returncode) for run in runs]
    assert [code for _, code in said] == [0] * 6, said
    assert [pg_db2.rows(f"t{i}") for i in range(6)] == [[("ok",)]] * 6


def test_types_of_the_tables_own_schema_move_with_it(leat, near, far):
    far.execute("create schema app")
    leat.ok("cp", f"{near.url}#public.*", schema(far, "app"))
    assert [(row[0], row[1]) for row in defined(far)] == sorted(
        ("kinds" if row[0] == "kinds" else "app", row[1]) for row in defined(near))
    assert [[value and value.replace("app.", "") for value in row] for row in columns(far, "app.t")] == \
        [list(row) for row in columns(near)]
    assert texts(far, "app.t") == texts(near)


@pytest.fixture
def clash(pg_db, pg_db2):
    """A type of the source, another one of its name at the destination, and tables around it."""
    def make(there, here, column="mood"):
        pg_db.execute(*there, "create table aa (id int)", f"create table t (id int, v {column})",
                      "insert into aa select generate_series(1, 9000)")
        pg_db2.execute(*here)
        return pg_db, pg_db2
    return make


CLASHES = {
    "labels": (["create type mood as enum ('a', 'b', 'c', 'd')"], ["create type mood as enum ('a', 'c')"],
               ["lacks the labels 'b', 'd'", "ADD VALUE IF NOT EXISTS 'b' AFTER 'a'",
                "ADD VALUE IF NOT EXISTS 'd' AFTER 'c'"]),
    "order": (["create type mood as enum ('a', 'b')"], ["create type mood as enum ('b', 'a')"], ["order", "'b'"]),
    "kind": (["create type mood as enum ('a', 'b')"], ["create domain mood as text"], ["it is domain", "an enum"]),
    "base": (["create domain mood as int"], ["create domain mood as bigint"], ["base type is bigint", "integer"]),
    "null": (["create domain mood as int not null"], ["create domain mood as int"], ["nullability", "NOT NULL"]),
    "check": (["create domain mood as int check (value > 0)"], ["create domain mood as int"],
              ["it lacks CHECK ((VALUE > 0))"]),
    "more checks": (["create domain mood as int"], ["create domain mood as int check (value > 0)"],
                    ["the source's lacks CHECK ((VALUE > 0))"]),
    "default": (["create domain mood as int default 1"], ["create domain mood as int default 2"], ["default is 2"]),
    "attribute": (["create type mood as (x int, y text)"], ["create type mood as (x int, y varchar)"],
                  ['attribute "y" is character varying', "text"]),
    "attributes": (["create type mood as (x int, y text)"], ["create type mood as (x int)"], ["attribute 2", "none"]),
    "nested": (["create type pair as (x int)", "create type mood as (p pair[])"],
               ["create type pair as (x int, y int)"], ['pair"', "attribute 2"]),
    "table": (["create type mood as (x int)"], ["create table mood (x int)"], ["another kind"]),
}


@pytest.mark.parametrize("name", CLASHES)
def test_another_type_of_the_name_stops_before_anything_is_copied(name, clash, leat):
    there, here, words = CLASHES[name]
    near, far = clash(there, here)
    tables, before = far.tables(), defined(far)
    done = leat.fails((1, 2), "unsupported-type", "cp", f"{near.url}#public.*", schema(far))
    assert 'column "v"' in done.stderr and all(word in done.stderr for word in words), done.stderr
    assert (far.tables(), defined(far)) == (tables, before)
    # As text it goes all the same.
    leat.ok("cp", near.stream("t"), far.stream("t2"), "--on-loss=text")
    assert columns(far, "t2")[1] == ("v", "text")


def test_missing_labels_are_added_where_the_schema_may_evolve(leat, clash):
    near, far = clash(["create type mood as enum ('a', 'b;''\"', 'c', 'd')", "create domain feel as mood"],
                      ["create type mood as enum ('a', 'c', 'own')"], "feel[]")
    near.execute("insert into t values (1, '{a,d}')")
    leat.ok("cp", near.stream("t"), far.stream("t"), "--schema=evolve")
    assert [label for label in labels(far, "mood") if label != "own"] == ["a", "b;'\"", "c", "d"]
    assert texts(far) == texts(near)


def test_labels_of_a_column_that_is_there(leat, pg_db, pg_db2):
    pg_db.execute("create type mood as enum ('new', 'a', 'b', 'c')", "create table t (id int primary key, m mood, ms mood[])",
                  "insert into t values (1, 'new', '{b,c}')")
    pg_db2.execute("create type feeling as enum ('a', 'c')", "create table t (id int primary key, m feeling, ms feeling[])",
                   "insert into t values (7, 'a', '{c}')")
    done = leat.fails((1, 2), "column-mismatch", "cp", pg_db.stream("t"), pg_db2.stream("t"), "--replace")
    assert "ALTER TYPE \"public\".\"feeling\" ADD VALUE IF NOT EXISTS 'new' BEFORE 'a'" in done.stderr
    assert "ADD VALUE IF NOT EXISTS 'b' AFTER 'a'" in done.stderr
    assert labels(pg_db2, "feeling") == ["a", "c"] and pg_db2.count("t") == 1
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("t"), "--append", "--schema=evolve")
    assert labels(pg_db2, "feeling") == ["new", "a", "b", "c"]
    assert texts(pg_db2) == [("(1,new,\"{b,c}\")",), ("(7,a,{c})",)]


def test_deltas_and_syncs_make_types_and_add_labels(leat, pg_db, pg_db2):
    pg_db.execute("create type mood as enum ('sad', 'ok')", "create domain age as int check (value >= 0)",
                  "create type pair as (m mood, a age)",
                  "create table t (id int primary key, at timestamptz default now() - interval '1 hour', m mood, p pair[])",
                  "insert into t (id, m, p) values (1, 'sad', array[row('ok', 5)::pair])")
    delta = "cp", "delta", pg_db.stream("t"), pg_db2.stream("d"), "--key=id", "--cursor=at"
    sync = "sync", "batch", pg_db.stream("t"), pg_db2.stream("s")
    leat.ok(*delta)
    leat.ok(*sync)
    assert defined(pg_db2) == defined(pg_db)
    pg_db.execute("alter type mood add value 'meh' after 'sad'")
    pg_db.execute("update t set m = 'ok'", "insert into t (id, at, m, p) values (2, now() - interval '1 minute', 'meh', "
                                           "array[row('meh', 6)::pair])")
    leat.ok(*delta)
    leat.ok(*sync)
    assert labels(pg_db2, "mood") == ["sad", "meh", "ok"]
    assert texts(pg_db2, "s") == texts(pg_db)
    assert texts(pg_db2, "d")[-1:] == texts(pg_db)[-1:]
    # A column that is new, of a type that is.
    pg_db.execute("create type hue as enum ('red')", "alter table t add h hue", "update t set h = 'red', at = now()")
    leat.ok(*delta)
    leat.ok(*sync)
    assert labels(pg_db2, "hue") == ["red"] and columns(pg_db2, "s") == columns(pg_db)
    assert texts(pg_db2, "s") == texts(pg_db)


def test_plans_tell_the_statements_and_make_nothing(leat, near, far):
    near.execute("create table zz (id int primary key, m mood)")
    done = leat.ok("cp", "meta", f"{near.url}#public.*", schema(far), "--dry-run")
    assert done.stdout.count("CREATE TYPE \"public\".\"mood\" AS ENUM ('sad', 'ok', 'häppy', '', 'a \"b\", c', 'it''s')") == 1
    assert 'CREATE DOMAIN "public"."twice" AS "public"."positive"' in done.stdout
    assert [row[1] for row in defined(far)] == []
    far.execute(done.stdout)  # the statements can be run as they are
    assert defined(far) == defined(near) and columns(far) == columns(near)
    done = leat.ok("cp", near.stream("t"), far.stream("other"), "--dry-run")
    assert "CREATE TYPE" not in done.stdout


def test_copied_structure_alone_has_its_types(leat, near, far):
    leat.ok("cp", "meta", f"{near.url}#public.*", schema(far), "--execute")
    assert defined(far) == defined(near) and columns(far) == columns(near) and far.count("t") == 0


def test_only_types_of_columns_that_go_are_made(leat, near, far):
    leat.ok("cp", near.stream("t"), far.stream("t"), "--columns=id,u,m", "--cast=m=utf8")
    assert [row[1] for row in defined(far)] == ["Möd Ü.x"]


def test_schema_that_is_missing_is_named_before_anything_is_copied(leat, near, pg_db2):
    near.execute("create table aa (id int)", "insert into aa select generate_series(1, 9000)")
    done = leat.fails((1, 2), "unsupported-type", "cp", f"{near.url}#public.*", schema(pg_db2))
    assert 'CREATE SCHEMA "kinds"' in done.stderr
    assert pg_db2.tables() == [] and defined(pg_db2) == []


def test_loads_in_parts_and_atomic_ones_make_types(leat, near, far):
    near.execute("create table big (id int primary key, m mood, ms mood[], p pair, tw twice)",
                 "insert into big select n, 'ok', '{sad,ok}', row(n, 'x', 1)::pair, 14 from generate_series(1, 60000) n",
                 "analyze big")
    leat.ok("cp", near.stream("big"), far.stream("big"), "--parallel=3", "--verify")
    assert texts(far, "big") == texts(near, "big")
    far.execute("drop table big", 'drop type pair, mood cascade')
    leat.ok("cp", f"{near.url}#public.*", schema(far), "--atomic")
    assert defined(far) == defined(near) and texts(far) == texts(near)


@pytest.mark.parametrize("ending", ["arrow", "parquet"])
def test_files_in_between_keep_what_is_safe_of_a_type(ending, leat, near, far, tmp_path):
    """Labels and attributes are only names; an expression of a file is nobody's to run."""
    near.execute("create table f (id int, m mood, c kinds.colour[], pa pair, p positive)",
                 "insert into f values (1, 'it''s', '{red}', row(1, 'x', 2), 4)")
    leat.ok("cp", near.stream("f"), tmp_path / f"f.{ending}")
    done = leat.ok("cp", tmp_path / f"f.{ending}", far.stream("f"))
    assert texts(far, "f") == texts(near, "f")
    assert columns(far, "f") == columns(near, "f")[:-1] + [("p", "integer")]
    assert "no domain positive" in done.stderr


# --- later loads into tables that leat made --------------------------------------------------------


def test_the_types_that_were_made_are_no_difference_later(leat, pg_db, pg_db2):
    """A domain, an enum, an array of it and a composite, in a schema that is called otherwise here."""
    pg_db.execute("create schema s", "create domain s.pos as numeric(10,2) check (value > 0)",
                  "create type s.e as enum ('x')", "create type s.c as (a int, b text)",
                  "create table s.t (id int primary key, p s.pos, e s.e, es s.e[], c s.c)",
                  "insert into s.t values (1, 1.5, 'x', '{x}', '(1,b)')")
    pg_db2.execute("create schema q")
    source, dest = f"{pg_db.url}#s.t", f"{pg_db2.url}#q.t"
    assert leat("cp", source, dest).returncode == 0
    pg_db.execute("insert into s.t values (2, 2.5, 'x', '{}', '(2,b)')")
    for policy in ("strict", "evolve", "check"):
        done = leat("cp", "--schema", policy, source, dest)
        assert done.returncode == 0, done.stderr
        assert "stays" not in done.stderr and "comes as" not in done.stderr, done.stderr
    assert len(pg_db2.rows("q.t")) == 2


def test_another_domain_is_a_difference(leat, pg_db, pg_db2):
    for db, check in ((pg_db, "value > 0"), (pg_db2, "value > 1")):
        db.execute(f"create domain pos as numeric(10,2) check ({check})", "create table t (id int, p pos)")
    pg_db.execute("insert into t values (1, 1.5)")
    done = leat("cp", "--schema", "strict", pg_db.stream("t"), pg_db2.stream("t"))
    assert done.returncode != 0 and "[column-mismatch]" in done.stderr, done.stderr
    assert pg_db2.rows("t") == []


def test_a_sync_of_one_stream_adds_the_labels_that_its_enum_lacks(leat, pg_db, pg_db2):
    for db in (pg_db, pg_db2):
        db.execute("create type en as enum ('x', 'z')", "create table e (id int primary key, e en)",
                   "insert into e values (1, 'x')")
    pg_db.execute("alter type en add value 'y' before 'z'")
    pg_db.execute("insert into e values (2, 'y')")
    done = leat("sync", "batch", pg_db.stream("e"), pg_db2.stream("e"))
    assert done.returncode == 0, done.stderr
    assert pg_db2.rows("e") == [(1, "x"), (2, "y")]
    assert pg_db2.rows("unnest(enum_range(null::en))") == [("x",), ("y",), ("z",)]
