"""Types of users' own are made at a PostgreSQL destination that lacks them: enums, domains, composites
and ranges, with all they are made of. Their definitions are read from the catalogue by psycopg."""
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
