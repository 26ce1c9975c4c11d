"""--with indexes,defaults: what a new table has beside columns and key."""
import json
import sqlite3
import time

import pytest

TABLE = """
CREATE TABLE {0} (id bigint PRIMARY KEY, k int DEFAULT 5, name text DEFAULT 'it''s', at timestamptz DEFAULT now(),
  d date DEFAULT CURRENT_DATE, u uuid DEFAULT gen_random_uuid(), ok boolean NOT NULL DEFAULT true,
  x numeric(10,2) DEFAULT 1.50, neg int DEFAULT -7, lo text, j jsonb DEFAULT '{{}}'::jsonb, e text DEFAULT upper('a'),
  b text DEFAULT 'a\\b', s serial,
  CONSTRAINT {0}_k_u UNIQUE (k, name) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT {0}_pos CHECK (k > 0));
CREATE INDEX {0}_name ON {0} (name DESC, k NULLS FIRST) INCLUDE (lo);
CREATE INDEX {0}_low ON {0} (lower(name)) WHERE ok;
CREATE UNIQUE INDEX {0}_u ON {0} (u);
CREATE INDEX {0}_pat ON {0} (name text_pattern_ops, lo COLLATE "C");
CREATE INDEX {0}_gin ON {0} USING gin (j jsonb_path_ops);
CREATE INDEX {0}_hash ON {0} USING hash (lo);
CREATE FUNCTION {0}_f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE INDEX {0}_own ON {0} ({0}_f(name));
INSERT INTO {0} (id, k, name) SELECT i, i, 'n' || i FROM generate_series(1, 300) i;
"""
DEFINITIONS = ("SELECT replace(indexdef, 'dest.', 'public.') FROM pg_indexes WHERE schemaname = '{}' AND tablename = '{}' "
               "AND indexname NOT LIKE '%own' ORDER BY indexname")
CONSTRAINTS = ("SELECT conname, contype, condeferrable, condeferred, pg_get_constraintdef(oid) FROM pg_constraint "
               "WHERE conrelid = '{}'::regclass ORDER BY conname")
DEFAULTS = ("SELECT column_name, column_default FROM information_schema.columns WHERE table_schema = '{}' AND "
            "table_name = '{}' AND column_name <> 's' ORDER BY ordinal_position")


def rows(db, query):
    with db.connect() as connection:
        return connection.execute(query).fetchall()


def test_indexes_constraints_checks_and_defaults_come_along(leat, pg_db):
    pg_db.execute(TABLE.format("t"), "CREATE SCHEMA dest")
    done = leat.ok("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--with", "indexes,defaults")
    for query in (DEFINITIONS, DEFAULTS):
        assert rows(pg_db, query.format("dest", "t")) == rows(pg_db, query.format("public", "t"))
    assert rows(pg_db, CONSTRAINTS.format("dest.t")) == rows(pg_db, CONSTRAINTS.format("public.t"))
    assert '"t_own" is not made' in done.stderr  # it calls a function of the user's
    assert not rows(pg_db, "SELECT 1 FROM pg_indexes WHERE schemaname = 'dest' AND indexname = 't_own'")


def test_without_the_word_there_is_only_the_key(leat, pg_db):
    pg_db.execute(TABLE.format("t"), "CREATE SCHEMA dest")
    leat.ok("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t")
    assert rows(pg_db, "SELECT indexname FROM pg_indexes WHERE schemaname = 'dest' AND tablename = 't'") == [("t_pkey",)]
    assert {row[1] for row in rows(pg_db, DEFAULTS.format("dest", "t"))} == {None}


def test_names_that_are_taken_are_made_of_table_and_columns(leat, pg_db):
    pg_db.execute(TABLE.format("t"))
    leat.ok("cp", pg_db.stream("t"), pg_db.stream("other"), "--with", "indexes")
    assert {row[0] for row in rows(pg_db, "SELECT indexname FROM pg_indexes WHERE tablename = 'other'")} == {
        "other_pkey", "other_k_name_key", "other_u_idx", "other_name_k_idx", "other_expr_idx", "other_name_lo_idx",
        "other_j_idx", "other_lo_idx"}


def test_renamed_columns_are_indexed_under_their_new_names(leat, pg_db):
    pg_db.execute(TABLE.format("t"), "CREATE SCHEMA dest")
    done = leat.ok("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--with", "indexes,defaults",
                   "--columns", "id,k,name,u", "--rename", "name=label")
    columns = dict(rows(pg_db, "SELECT indexname, regexp_replace(indexdef, '.*USING', '') FROM pg_indexes "
                           "WHERE schemaname = 'dest' AND tablename = 't'"))
    assert columns == {"t_pkey": " btree (id)", "t_k_u": " btree (k, label)", "t_u": " btree (u)"}
    assert '"t_low" is not made' in done.stderr and '"t_name" is not made' in done.stderr
    assert dict(rows(pg_db, DEFAULTS.format("dest", "t")))["label"] == "'it''s'::text"


def test_meta_prints_and_makes_them(leat, pg_db):
    pg_db.execute(TABLE.format("t"), "CREATE SCHEMA dest")
    words = ("cp", "meta", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--with", "indexes,defaults")
    printed = leat.ok(*words).stdout
    assert 'CREATE UNIQUE INDEX "t_u" ON "dest"."t" USING btree ("u")' in printed
    assert "DEFAULT 'it''s'" in printed
    leat.ok(*words, "-e")
    assert rows(pg_db, DEFINITIONS.format("dest", "t")) == rows(pg_db, DEFINITIONS.format("public", "t"))


def test_nulls_in_a_unique_index_stay_distinct(leat, pg_db, tmp_path):
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as lite:
        lite.executescript("CREATE TABLE t (a INTEGER, b TEXT, UNIQUE (a, b)); CREATE TABLE w (a INTEGER);"
                           "INSERT INTO t VALUES (1, NULL), (1, NULL), (2, 'x');")
    leat.ok("cp", f"{path}#t", pg_db.stream("t"), "--with", "indexes")  # nulls are not equal in either
    assert rows(pg_db, "SELECT count(*) FROM t") == [(3,)]
    pg_db.execute("CREATE TABLE s (a int UNIQUE NULLS NOT DISTINCT)", "INSERT INTO s VALUES (1), (NULL)")
    done = leat.ok("cp", pg_db.stream("s"), path, "--with", "indexes")
    assert "nulls are equal in it" in done.stderr


def test_sqlite_takes_and_gives_what_both_can_say(leat, pg_db, tmp_path):
    pg_db.execute(TABLE.format("t"))
    path = tmp_path / "x.db"
    done = leat.ok("cp", pg_db.stream("t"), path, "--with", "indexes,defaults")
    for left in ('index "t_gin"', 'index "t_low"', 'index "t_pat"', 'check "t_pos"', 'column "u"', 'column "e"'):
        assert left in done.stderr
    with sqlite3.connect(path) as lite:
        made = dict(lite.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 't'"))
        lite.execute("INSERT INTO t (id, s) VALUES (1000, 0)")
        row = lite.execute("SELECT k, name, d = date('now'), at LIKE '____-__-__T__:__:__Z', ok, x, neg, j, b FROM t "
                           "WHERE id = 1000").fetchone()
    assert {name for name in made if not name.startswith("sqlite_")} == {"t_k_u", "t_u", "t_hash", "t_name"}
    assert made["t_name"] == 'CREATE INDEX "t_name" ON "t" ("name" DESC, "k")'
    assert row == (5, "it's", 1, 1, 1, "1.50", -7, "{}", "a\\b")
    pg_db.execute("CREATE SCHEMA back")
    leat.ok("cp", f"{path}#t", f"{pg_db.url}#back.t", "--with", "indexes,defaults")
    assert {row[0] for row in rows(pg_db, "SELECT indexname FROM pg_indexes WHERE schemaname = 'back' AND tablename = 't'")} == {
        "t_pkey", "t_k_u", "t_u", "t_hash", "t_name"}
    defaults = dict(rows(pg_db, DEFAULTS.format("back", "t")))
    assert (defaults["k"], defaults["ok"], defaults["d"], defaults["at"]) == ("5", "true", "CURRENT_DATE", "now()")


def test_a_file_cannot_smuggle_an_expression(leat, pg_db, tmp_path):
    pg_db.execute("CREATE TABLE t (a int DEFAULT length('abc'), b int DEFAULT 3)", "INSERT INTO t VALUES (1, 1)")
    path = tmp_path / "t.parquet"
    leat.ok("cp", pg_db.stream("t"), path, "--with", "defaults")
    done = leat.ok("cp", path, pg_db.stream("u"), "--with", "defaults")
    assert 'default of column "a" is not made' in done.stderr
    assert rows(pg_db, DEFAULTS.format("public", "u")) == [("a", None), ("b", "3")]


def test_a_load_killed_while_it_builds_leaves_nothing_and_locks_nobody(leat, pg_db):
    pg_db.execute("CREATE SCHEMA dest", "CREATE TABLE t (id int PRIMARY KEY, name text)",
                  "CREATE INDEX t_slow ON t (md5(repeat(name, 1000000)))",
                  # At the source it is not kept, or filling that would take a quarter of a minute too.
                  "UPDATE pg_index SET indisready = false WHERE indexrelid = 't_slow'::regclass",
                  "INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) i")
    building = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND state = 'active'"
    killed = leat.start("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--with", "indexes")
    until(lambda: rows(pg_db, building))
    killed.kill()
    killed.wait()
    until(lambda: not rows(pg_db, building))
    assert rows(pg_db, "SELECT to_regclass('dest.t')") == [(None,)]
    leat.ok("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--lock-timeout", "2s")
    assert rows(pg_db, "SELECT count(*) FROM dest.t") == [(3000,)]


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_load_that_is_taken_over_has_them_too(leat, pg_db):
    """Who commits reads what is to be made from the record of the load."""
    pg_db.execute(TABLE.format("t"), "CREATE SCHEMA dest",
                  "INSERT INTO t (id, k, name, lo) SELECT i, i, 'n' || i, repeat('x', 90) FROM generate_series(301, 30000) i")
    words = ("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--with", "indexes,defaults", "--resume", "--immutable")
    killed = leat.start(*words)
    until(lambda: rows(pg_db, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE %INDEX%' AND state = 'active'"), 30)
    killed.kill()
    killed.wait()
    report = leat.home / "report.json"
    leat.ok(*words, "--report", report)
    [stream] = json.loads(report.read_text(encoding="utf-8"))["streams"]
    assert stream["resumed"]["rows"] > 0
    assert rows(pg_db, "SELECT count(*) FROM dest.t") == [(30000,)]
    for query in (DEFINITIONS, DEFAULTS):
        assert rows(pg_db, query.format("dest", "t")) == rows(pg_db, query.format("public", "t"))
    assert rows(pg_db, CONSTRAINTS.format("dest.t")) == rows(pg_db, CONSTRAINTS.format("public.t"))


def test_a_serial_column_goes_on_counting(leat, pg_db):
    """It is made as an identity, moved on behind the rows: a sequence of its own is none of --with."""
    pg_db.execute("CREATE SCHEMA dest", "CREATE TABLE t (id serial PRIMARY KEY, v text)",
                  "INSERT INTO t (v) VALUES ('a'), ('b')")
    leat.ok("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t")
    pg_db.execute("INSERT INTO dest.t (v) VALUES ('c')")
    assert rows(pg_db, "SELECT id, v FROM dest.t ORDER BY id") == [(1, "a"), (2, "b"), (3, "c")]


def test_a_sequence_of_others_is_no_default_and_told(leat, pg_db):
    pg_db.execute("CREATE SCHEMA dest", "CREATE SEQUENCE sq",
                  "CREATE TABLE t (id int PRIMARY KEY, s bigint NOT NULL DEFAULT nextval('sq'))",
                  "INSERT INTO t (id) VALUES (1)")
    done = leat.ok("cp", f"{pg_db.url}#public.t", f"{pg_db.url}#dest.t", "--with", "defaults")
    assert 'default of column "s"' in done.stderr


def test_a_default_that_the_type_cannot_hold_is_left_out(leat, pg_db, tmp_path):
    with sqlite3.connect(tmp_path / "d.db") as db:
        db.execute("CREATE TABLE t (id integer PRIMARY KEY, i int DEFAULT 9223372036854775808, "
                   "k int DEFAULT 7)")
        db.execute("INSERT INTO t VALUES (1, 1, 1)")
    done = leat.ok("cp", f"sqlite:{tmp_path}/d.db#t", pg_db.stream("t"), "--with", "defaults")
    assert 'default of column "i"' in done.stderr
    pg_db.execute("INSERT INTO t (id) VALUES (5)")
    assert rows(pg_db, "SELECT i, k FROM t WHERE id = 5") == [(None, 7)]


KEYS = ("SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND "
        "connamespace = '{}'::regnamespace ORDER BY conname")


def test_meta_prints_foreign_keys_after_all_tables_and_psql_can_run_it(leat, pg_db, tmp_path):
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as lite:
        lite.executescript("CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER DEFAULT 7 REFERENCES parent (id) "
                           "ON DELETE CASCADE, o INTEGER REFERENCES other (id)); CREATE INDEX by_p ON child (p);"
                           "CREATE TABLE other (id INTEGER PRIMARY KEY); CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    words = ("cp", "meta", path, f"{pg_db.url}#public.", "--with", "foreign-keys,indexes,defaults")
    assert "FOREIGN KEY" not in leat.ok(*words[:4]).stdout
    assert leat.ok(*words, "--exclude", "parent,other").stdout.count("FOREIGN KEY") == 0
    printed = leat.ok(*words).stdout
    assert printed.rindex("CREATE TABLE") < printed.index("ADD CONSTRAINT") and printed.count("ADD CONSTRAINT") == 2
    assert "DEFAULT 7" in printed and "CREATE INDEX" in printed
    pg_db.execute(printed)
    assert rows(pg_db, KEYS.format("public")) == [("child", "FOREIGN KEY (o) REFERENCES other(id)"),
                                                  ("child", "FOREIGN KEY (p) REFERENCES parent(id) ON DELETE CASCADE")]
    assert leat.ok(*words).stdout == ""  # all is there


def test_foreign_keys_follow_columns_and_tables_to_their_new_names(leat, pg_db, tmp_path):
    pg_db.execute("CREATE SCHEMA s", "CREATE SCHEMA d", "CREATE TABLE s.a (id int, site int, PRIMARY KEY (id, site))",
                  "CREATE TABLE s.b (id int, site int, FOREIGN KEY (id, site) REFERENCES s.a (id, site))",
                  "INSERT INTO s.a VALUES (1, 1)", "INSERT INTO s.b VALUES (1, 1)")
    leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.n_{{stream}}", "--rename", "site=place", "--with", "foreign-keys")
    assert rows(pg_db, KEYS.format("d")) == [("d.n_b", "FOREIGN KEY (id, place) REFERENCES d.n_a(id, place)")]
    path = tmp_path / "d.db"
    leat.ok("cp", f"{pg_db.url}#s.*", path, "--rename", "site=place", "--with", "foreign-keys")
    with sqlite3.connect(path) as lite:
        assert {(row[2], row[3], row[4]) for row in lite.execute("PRAGMA foreign_key_list(b)")} == {
            ("a", "id", "id"), ("a", "place", "place")}


def test_a_foreign_key_of_a_column_that_stays_behind_is_left_out_with_a_word(leat, pg_db):
    pg_db.execute("CREATE SCHEMA s", "CREATE SCHEMA d", "CREATE TABLE s.a (id int PRIMARY KEY, k int)",
                  "CREATE TABLE s.b (id int PRIMARY KEY, k int REFERENCES s.a)")
    done = leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.", "--columns", "id", "--with", "foreign-keys", "--allow-empty")
    assert "foreign key to a is not made" in done.stderr and rows(pg_db, KEYS.format("d")) == []


@pytest.mark.asan
def test_a_foreign_key_to_columns_that_are_no_key_there_is_left_out_with_a_word(leat, pg_db):
    pg_db.execute("CREATE SCHEMA s", "CREATE SCHEMA d", "CREATE SCHEMA e",
                  "CREATE TABLE s.a (id int PRIMARY KEY, k int UNIQUE)", "INSERT INTO s.a VALUES (1, 5)",
                  "CREATE TABLE s.b (id int PRIMARY KEY REFERENCES s.a, k int REFERENCES s.a (k))", "INSERT INTO s.b VALUES (1, 5)")
    for _ in range(2):
        done = leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#d.", "--with", "foreign-keys")
        assert "b_k_fkey to a is not made" in done.stderr and "--with indexes" in done.stderr
        assert rows(pg_db, KEYS.format("d")) == [("d.b", "FOREIGN KEY (id) REFERENCES d.a(id)")]
    done = leat.ok("cp", f"{pg_db.url}#s.*", f"{pg_db.url}#e.", "--with", "foreign-keys,indexes")
    assert "not made" not in done.stderr and len(rows(pg_db, KEYS.format("e"))) == 2
