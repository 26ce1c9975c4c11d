"""Every kind of relation and column that PostgreSQL has, as source and as destination."""
import postgres
import pytest


def rows_of(db, sql):
    with db.connect() as connection:
        return connection.execute(sql).fetchall()


def columns_of(db, table):
    return rows_of(db, f"select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute "
                       f"where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped order by attnum")


@pytest.fixture
def shop(pg_db):
    pg_db.execute(
        "create table t (id int primary key, name text)", "insert into t select g, 'n' || g from generate_series(1, 9) g",
        "create view v as select id, upper(name) as name from t where id > 3",
        "create materialized view m as select * from t where id < 4",
        "create table p (id int, day date, primary key (id, day)) partition by range (day)",
        "create table p1 partition of p for values from ('2024-01-01') to ('2025-01-01') partition by list (id)",
        "create table p1a partition of p1 for values in (1, 2)", "create table p1z partition of p1 default",
        "create table p2 partition of p default",
        "insert into p values (1, '2024-02-03'), (7, '2024-02-03'), (9, '2030-01-01')",
        "create table parent (id int, a text)", "create table child (b int) inherits (parent)",
        "insert into parent values (1, 'p')", "insert into child values (2, 'c', 5)")
    return pg_db


@pytest.mark.quick
@pytest.mark.parametrize("name, query", [
    ("v", "select * from v"), ("m", "select * from m"), ("p", "select * from p"), ("p1", "select * from p1"),
    ("p1a", "select * from p1a"), ("parent", "select * from parent"), ("child", "select * from child")])
def test_every_kind_of_relation_is_read(shop, leat, name, query):
    leat.ok("cp", shop.stream(name), shop.stream(f"{name}_copy"))
    assert sorted(rows_of(shop, f"select * from {name}_copy")) == sorted(rows_of(shop, query))


def test_partitions_are_filled_through_their_parent_and_replaced(shop, pg_db2, leat):
    pg_db2.execute("create table p (id int, day date, primary key (id, day)) partition by hash (id)",
                   "create table h0 partition of p for values with (modulus 2, remainder 0)",
                   "create table h1 partition of p for values with (modulus 2, remainder 1)")
    for _ in range(2):
        leat.ok("cp", shop.stream("p"), pg_db2.stream("p"))
        assert sorted(rows_of(pg_db2, "select * from p")) == sorted(rows_of(shop, "select * from p"))


def test_whole_schema_lists_a_partitioned_table_once(shop, pg_db2, leat):
    leat.ok("cp", f"{shop.url}#public.*", f"{pg_db2.url}#public.")
    assert sorted(rows_of(pg_db2, "select * from p")) == sorted(rows_of(shop, "select * from p"))
    assert "p1a" not in pg_db2.tables()


def test_foreign_table_of_a_file_is_read(pg, pg_db, leat):
    path = pg.root / "people.csv"
    path.write_text("1,ä\n2,\n", encoding="utf-8")
    path.chmod(0o644)
    pg_db.execute("create extension file_fdw", "create server files foreign data wrapper file_fdw",
                  f"create foreign table f (id int, name text) server files options (filename '{path}', format 'csv')")
    leat.ok("cp", pg_db.stream("f"), pg_db.stream("copy"))
    assert pg_db.rows("copy") == [(1, "ä"), (2, None)]


def test_foreign_table_of_another_database_is_read_and_not_written(pg, pg_db, pg_db2, leat):
    pg_db2.execute("create table far (id int, v numeric(5,2))", "insert into far values (1, 1.50)")
    pg_db.execute("create extension postgres_fdw",
                  "create server other foreign data wrapper postgres_fdw options "
                  f"(host '127.0.0.1', port '{pg.port}', dbname '{pg_db2.name}')",
                  "create user mapping for current_user server other options (user 'leat', "
                  "password 'pa55-w0rd-of-leat')",
                  "create foreign table near (id int, v numeric(5,2)) server other options (table_name 'far')")
    leat.ok("cp", pg_db.stream("near"), pg_db.stream("copy"))
    assert [(i, str(v)) for i, v in pg_db.rows("copy")] == [(1, "1.50")]
    leat.fails((1, 2), "unsupported", "cp", pg_db.stream("copy"), pg_db.stream("near"), "--append")


# What columns the server can compute: stored ones from version 12 on, virtual ones from 18 on.
GENERATED = [kind for kind, since in (("stored", 12), ("virtual", 18)) if since <= postgres.version()]


@pytest.mark.parametrize("kind", GENERATED)
def test_generated_and_identity_columns_are_read_and_left_to_the_server(pg_db, pg_db2, leat, kind):
    ddl = ("create table t (id int generated always as identity primary key, a int, "
           f"twice int generated always as (a * 2) {kind})")
    pg_db.execute(ddl, "insert into t (a) values (1), (5)", "delete from t where a = 1")
    pg_db2.execute(ddl)
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("t"))
    assert pg_db2.rows("t") == [(2, 5, 10)]
    pg_db2.execute("insert into t (a) values (7)")
    assert pg_db2.rows("t") == [(2, 5, 10), (3, 7, 14)]
    # Where leat makes the table, what was computed is kept as it is.
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("fresh"))
    assert pg_db2.rows("fresh") == [(2, 5, 10)]


def test_dropped_columns_leave_no_trace(pg_db, leat):
    pg_db.execute("create table t (a int, gone text, b text, late int default 7)", "insert into t values (1, 'x', 'y')",
                  "alter table t drop gone", "alter table t add more numeric(5,1) default 1.5",
                  "create table far (dead int, b text, a int, more numeric(5,1), late int)", "alter table far drop dead")
    leat.ok("cp", pg_db.stream("t"), pg_db.stream("fresh"))
    leat.ok("cp", pg_db.stream("t"), pg_db.stream("far"))
    assert pg_db.rows("fresh") == rows_of(pg_db, "select * from t")
    assert rows_of(pg_db, "select a, b, late, more from far") == rows_of(pg_db, "select * from t")


def test_table_without_columns_keeps_its_rows(pg_db, leat, tmp_path):
    pg_db.execute("create table t ()", "insert into t default values", "insert into t default values",
                  "create table far ()")
    leat.ok("cp", pg_db.stream("t"), pg_db.stream("fresh"))
    leat.ok("cp", pg_db.stream("t"), pg_db.stream("far"))
    assert pg_db.count("fresh") == 2 and pg_db.count("far") == 2
    leat.ok("cp", pg_db.stream("t"), tmp_path / "t.arrow")
    leat.ok("cp", tmp_path / "t.arrow", pg_db.stream("back"))
    assert pg_db.count("back") == 2


def test_names_of_any_characters_and_of_63_bytes(pg_db, pg_db2, leat):
    long = "ü" * 31 + "x"
    table, column = 'Ta"b.le é', 'select "x", y.z\\'
    quoted = ['"' + name.replace('"', '""') + '"' for name in (table, column)]
    for db in (pg_db, pg_db2):
        db.execute('create schema "My Schema"')
    pg_db.execute(f'create table "My Schema".{quoted[0]} ("{long}" int primary key, {quoted[1].replace("%", "%%")} text)',
                  f'insert into "My Schema".{quoted[0]} values (1, \'x\')',
                  f'create table "{long}" (a int)', f'insert into "{long}" values (3)')
    location = f'#"My Schema".{quoted[0]}'
    leat.ok("cp", f"{pg_db.url}{location}", f"{pg_db2.url}{location}")
    assert rows_of(pg_db2, f'select "{long}", {quoted[1]} from "My Schema".{quoted[0]}') == [(1, "x")]
    leat.ok("cp", f"{pg_db.url}#public.{long}", f"{pg_db2.url}#public.{long}")
    assert rows_of(pg_db2, f'select * from "{long}"') == [(3,)]
    leat.fails((1, 2), "invalid", "cp", f"{pg_db.url}#public.{long}", f"{pg_db2.url}#public.{long}x")


def test_temporary_tables_of_others_are_neither_listed_nor_found(pg_db, leat):
    with pg_db.connect() as connection:
        connection.execute("create temporary table hidden (a int)")
        connection.commit()
        leat.fails((1, 2), "not-found", "cp", pg_db.stream("hidden"), "csv:-")


def test_row_level_security_is_said_when_read_and_refused_when_written(pg, pg_db, leat):
    pg_db.execute("create table t (id int, who text)", "insert into t values (1, 'reader'), (2, 'other')",
                  "alter table t enable row level security", "create policy own on t using (who = current_user)",
                  f"create role reader_{pg_db.name} login password 'readers-pass'",
                  f"grant select, insert, delete on t to reader_{pg_db.name}",
                  f"update t set who = 'reader_{pg_db.name}' where id = 1",
                  f"grant create on schema public to reader_{pg_db.name}")
    url = pg.url(pg_db.name, user=f"reader_{pg_db.name}", password="readers-pass")
    try:
        done = leat.ok("cp", f"{url}#public.t", "csv:-")
        assert done.stdout.splitlines()[1:] == [f"1,reader_{pg_db.name}"]
        assert "row-level security" in done.stderr
        done = leat.fails((1, 2, 77), "denied", "cp", pg_db.stream("t"), f"{url}#public.t", "--append")
        assert "row-level security" in done.stderr
        done = leat.ok("cp", pg_db.stream("t"), "csv:-")
        assert len(done.stdout.splitlines()) == 3 and "row-level" not in done.stderr
    finally:
        pg_db.execute(f"drop owned by reader_{pg_db.name}", f"drop role reader_{pg_db.name}")


@pytest.mark.parametrize("route", ["direct", "arrow"])
def test_large_and_toasted_values_arrive_whole(pg_db, leat, tmp_path, route):
    pg_db.execute("create table t (id int, a text, b bytea, j jsonb, n numeric, l text[], e text)",
                  "alter table t alter e set storage external",
                  "insert into t select g, repeat(md5(g::text), 300000), decode(repeat(md5(g::text), 200000), 'hex'), "
                  "jsonb_build_object('k', repeat(md5(g::text), 100000)), repeat('9', 30000)::numeric, "
                  "array_fill(repeat('x', 1000), array[5000]), repeat(md5(g::text), 10000) "
                  "from generate_series(1, 3) g")
    source = pg_db.stream("t")
    if route == "arrow":
        leat.ok("cp", source, tmp_path / "t.arrow")
        source = tmp_path / "t.arrow"
    leat.ok("cp", source, pg_db.stream("far"))
    check = "select id, md5(a), md5(b), md5(j::text), md5(n::text), md5(l::text), md5(e) from {} order by 1"
    assert rows_of(pg_db, check.format("far")) == rows_of(pg_db, check.format("t"))


def test_unlogged_tables_and_comments_keys_and_defaults_on_the_way(pg_db, pg_db2, leat):
    pg_db.execute("create unlogged table t (b varchar(5) not null, a numeric(5,2), primary key (a, b))",
                  "comment on column t.a is 'price, \"net\"'", "insert into t values ('x', 1.5)")
    leat.ok("cp", pg_db.stream("t"), pg_db2.stream("t"))
    assert columns_of(pg_db2, "t") == columns_of(pg_db, "t")
    assert rows_of(pg_db2, "select col_description('t'::regclass, 2)") == [('price, "net"',)]
    assert rows_of(pg_db2, "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 't'::regclass and "
                           "contype = 'p'") == [("PRIMARY KEY (a, b)",)]


def test_a_table_of_the_most_columns_is_told_of_leats_own(leat, pg_db, pg_db2):
    pg_db.execute("create table w (" + ", ".join(f"c{i} int" for i in range(1600)) +
                  ", primary key (c0))", "insert into w (c0) values (1)")
    leat.ok("cp", pg_db.stream("w"), pg_db2.stream("w"))
    pg_db.execute("update w set c1 = 7")
    done = leat.fails(2, "unsupported", "sync", "batch", pg_db.stream("w"), pg_db2.stream("w"))
    assert "at most 1600 columns" in done.stderr and "helper table" in done.stderr
    assert pg_db2.rows("w")[0][:2] == (1, None)
