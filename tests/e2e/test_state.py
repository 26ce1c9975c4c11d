"""The state store: what is recorded of runs, and its tables up and down, in both systems."""
import json
import re
import sqlite3

import pytest

REVISIONS = ["7d9871ef8afa", "fe9eed6d812f", "c5c34dd0b8f2"]


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    return path


class Store:
    """A store of either kind: where it is, and an independent look into it."""

    def __init__(self, kind, location, connect):
        self.kind = kind
        self.location = location
        self.connect = connect

    def query(self, sql):
        connection = self.connect()
        try:
            rows = connection.execute(self.spelt(sql)).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    def execute(self, *statements):
        connection = self.connect()
        try:
            for statement in statements:
                connection.execute(self.spelt(statement))
            connection.commit()
        finally:
            connection.close()

    def spelt(self, sql):
        """dpo. and leat. are schemas of PostgreSQL's."""
        return sql if self.kind == "postgres" else sql.replace("dpo.", "").replace("leat.", "")

    def time(self, number):
        """A moment, `number` seconds after one that is always the same."""
        return (f"timestamptz '2020-01-01 00:00:00+00' + interval '{number} s'"
                if self.kind == "postgres" else str(1577836800000000 + number * 1000000))

    def tables(self):
        if self.kind == "postgres":
            return {f"{schema}.{name}" for schema, name in self.query(
                "select schemaname, tablename from pg_tables where schemaname in "
                "('dpo', 'leat', 'public')")}
        return {name for name, in self.query(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")}


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path):
    if request.param == "sqlite":
        path = tmp_path / "records" / "state.db"
        return Store("sqlite", str(path), lambda: sqlite3.connect(path))
    database = request.getfixturevalue("pg_db")
    return Store("postgres", database.url, database.connect)


# --- runs -----------------------------------------------------------------------------------------

def test_every_copy_is_recorded_whether_it_went_well_or_not(leat, store, csv_file, tmp_path):
    leat.ok("cp", csv_file, tmp_path / "orders.arrow", "--state", store.location)
    leat.fails(2, "not-found", "cp", csv_file, tmp_path / "no" / "x.arrow", "--state",
               store.location)
    listed = [json.loads(line) for line in leat.ok(
        "runs", "--json", "--state", store.location).stdout.splitlines()]
    assert [(run["status"], run["error_code"], run["rows_written"], run["streams_failed"])
            for run in listed] == [("failed", "not-found", 0, 1), ("ok", None, 2, 0)]
    assert store.query("select run_id, command, status, rows_read, streams from leat.run "
                       "order by run_id")[0] == (listed[1]["run"], "cp", "ok", 2, 1)
    streams = store.query("select run_id, ordinal, source, committed, rows_written, error_code "
                          "from leat.run_stream order by run_id")
    assert [row[1:] for row in streams] == [(0, "orders", 1, 2, None),
                                            (0, "orders", 0, 0, "not-found")]


def test_one_run_is_shown_with_its_report_and_its_errors(leat, store, csv_file, tmp_path):
    leat.ok("cp", csv_file, tmp_path / "orders.arrow", "--state", store.location, "--report",
            tmp_path / "report.json")
    run, = store.query("select run_id from leat.run")[0]
    shown = json.loads(leat.ok("runs", run[:12], "--json", "--state", store.location).stdout)
    assert shown["report"] == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    text = leat.ok("runs", run, "--state", store.location).stdout
    assert "orders -> " in text and "2 rows" in text
    leat.fails(2, "not-found", "runs", "ffffffff", "--state", store.location)
    leat.fails(2, "invalid", "runs", "'; drop table run", "--state", store.location)


def test_runs_are_kept_in_the_state_home_unless_none_is_said(leat, csv_file):
    leat.ok("cp", csv_file, "arrow:-", "--state", "none", binary=True)
    path = leat.home / "state" / "leat" / "state.db"
    assert not path.exists()
    leat.ok("cp", csv_file, "arrow:-", binary=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    leat.ok("cp", csv_file, "arrow:-", binary=True, env={"LEAT_STATE": "none"})
    header, _, row = leat.ok("runs").stdout.splitlines()
    assert header.split() == ["run", "started", "command", "status", "streams", "rows", "bytes", "took", "error"]
    for name in ("started", "command", "status"):  # aligned
        assert row[header.index(name) - 1] == " " != row[header.index(name)]
    leat.fails(2, "usage", "runs", "--state", "none")


def test_a_run_goes_on_with_a_warning_where_the_default_store_cannot_be_opened(leat, csv_file,
                                                                               tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    env = {"XDG_STATE_HOME": str(tmp_path / "file")}
    done = leat.ok("cp", csv_file, tmp_path / "orders.arrow", env=env)
    assert "the run is not recorded" in done.stderr
    assert "2 rows" in done.stderr


def test_a_store_asked_for_by_name_must_be_there_before_anything_is_touched(leat, csv_file,
                                                                            tmp_path):
    (tmp_path / "file").write_text("no database\n" * 100, encoding="utf-8")
    leat.fails((1, 2), "corrupt-file", "cp", csv_file, tmp_path / "orders.arrow", "--state",
               tmp_path / "file")
    leat.fails(2, "unknown-scheme", "cp", csv_file, tmp_path / "orders.arrow", "--state",
               "mysql://u@h/d")
    assert not (tmp_path / "orders.arrow").exists()


def test_passwords_are_not_recorded(leat, pg_db, csv_file):
    leat.ok("cp", csv_file, f"{pg_db.url}#public.orders")
    path = leat.home / "state" / "leat"
    assert not any(b"pa55-w0rd" in file.read_bytes() for file in path.iterdir())


def test_many_runs_may_end_at_once(leat, store, csv_file):
    """The first of them makes the store, while the others want it made."""
    children = [leat.start("cp", csv_file, "arrow:-", "--state", store.location) for _ in range(12)]
    for child in children:
        _, err = child.communicate(timeout=100)
        assert child.returncode == 0, err
        assert b"not recorded" not in err, err
    assert store.query("select count(*) from leat.run") == [(12,)]


# --- tables ---------------------------------------------------------------------------------------

def test_the_tables_go_up_and_down_and_up_again(leat, store):
    state = ["--state", store.location]
    leat.ok("state", "upgrade", *state)
    full = store.tables()
    assert leat.ok("state", "current", *state).stdout == "leat: 0002 (head)\n" \
                                                         "dpo: c5c34dd0b8f2 (head)\n"
    assert leat.ok("state", "downgrade", "-1", *state).stdout == "leat: 0002 -> 0001\n"
    leat.ok("state", "downgrade", "base", *state)
    leat.ok("state", "downgrade", "base", *state, "--tables", "dpo")
    assert {name.split(".")[-1] for name in store.tables()} == {"leat_version",
                                                               "alembic_version_dpo"}
    leat.ok("state", "downgrade", "base", *state)
    for revision in REVISIONS:
        leat.ok("state", "upgrade", revision[:4], *state, "--tables", "dpo")
        assert revision in leat.ok("state", "current", *state).stdout
    leat.ok("state", "upgrade", "+1", *state)
    leat.ok("state", "upgrade", *state)
    assert store.tables() == full


@pytest.mark.parametrize("to", ["-1", "base"])
def test_what_was_taken_down_stays_until_it_is_taken_up(leat, store, csv_file, tmp_path, to):
    state = ["--state", store.location]
    leat.ok("state", "upgrade", *state)
    leat.ok("state", "downgrade", to, *state)
    leat.ok("state", "downgrade", to, "--tables", "dpo", *state)
    at = leat.ok("state", "current", *state).stdout
    for command in (["execution", "list"], ["runs"], ["execution", "init"],
                    ["cp", csv_file, tmp_path / "x.arrow"]):
        done = leat.fails(2, "state-schema", *command, *state)
        assert "leat state upgrade" in done.stderr
        assert leat.ok("state", "current", *state).stdout == at
    leat.ok("state", "upgrade", "+1", *state)
    leat.fails(2, "state-schema", *([] if to == "base" else ["execution"]),
               *(["runs"] if to == "base" else ["list"]), *state)
    leat.ok("state", "upgrade", *state)
    leat.ok("execution", "list", *state)
    leat.ok("runs", *state)


def test_an_ordinary_older_file_is_moved_when_it_is_opened(leat, csv_file, tmp_path):
    state = ["--state", tmp_path / "state.db"]
    leat.ok("state", "upgrade", *state)
    leat.ok("state", "downgrade", "-1", *state)
    with sqlite3.connect(tmp_path / "state.db") as db:  # as an older leat made it
        db.execute("pragma user_version = 0")
    db.close()
    leat.ok("cp", csv_file, "arrow:-", *state, binary=True)
    assert "leat: 0002 (head)" in leat.ok("state", "current", *state).stdout


def test_a_revision_that_does_not_exist_or_lies_the_other_way_is_refused(leat, store):
    state = ["--state", store.location]
    leat.ok("state", "upgrade", *state)
    leat.fails(2, "not-found", "state", "upgrade", "0009", *state)
    leat.fails(2, "not-found", "state", "downgrade", "-9", *state)
    leat.fails(2, "invalid", "state", "downgrade", "000", *state)
    leat.ok("state", "downgrade", "0001", *state)
    leat.fails(2, "invalid", "state", "downgrade", "0002", *state)


def test_data_survive_the_way_up_and_down(leat, store):
    state = ["--state", store.location, "--tables", "dpo"]
    one, two = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
    leat.ok("state", "upgrade", REVISIONS[0], *state)
    store.execute(
        "insert into dpo.data_pipeline_execution (id, created_on, last_updated_on, "
        f"execution_time_ms, status) values ('{one}', {store.time(0)}, {store.time(60)}, 60000, "
        f"'COMPLETED'), ('{two}', {store.time(100)}, {store.time(160)}, null, 'INITIALISED')",
        *["insert into dpo.model_checksum (execution_id, created_on, last_updated_on, type, name, "
          f"checksum) values ('{one}', {store.time(i)}, {store.time(i + 1)}, '{kind}', '{name}', "
          f"'{name * 3}')" for i, (kind, name) in enumerate(
              [("LOAD", "a"), ("LOAD", "b"), ("TRANSFORM", "a")])])
    leat.ok("state", "upgrade", "head", *state)
    executions = store.query("select cast(execution_id as text), status, created_on = started_on, "
                             "completed_on = updated_on, execution_time_ms from dpo.execution "
                             "order by 1")
    assert [tuple(row) for row in executions] == [(one, "COMPLETED", True, True, 60000),
                                                  (two, "INITIALISED", True, None, None)]
    steps = store.query("select step_name, status, completed_on, rows_processed, count(*), "
                        "count(distinct execution_step_model_id) from dpo.execution_step s join "
                        "dpo.execution_step_model m on m.execution_step_id = s.execution_step_id "
                        "group by 1, 2, 3, 4 order by 1")
    assert [tuple(row) for row in steps] == [("LOAD", "UNKNOWN", None, None, 2, 2),
                                             ("TRANSFORM", "UNKNOWN", None, None, 1, 1)]
    leat.ok("state", "downgrade", "-1", *state)
    assert [tuple(row) for row in store.query(
        "select type, name, checksum from dpo.execution_model order by 1, 2")] == [
            ("LOAD", "a", "aaa"), ("LOAD", "b", "bbb"), ("TRANSFORM", "a", "aaa")]
    assert store.query("select count(*) from dpo.execution") == [(2,)]
    leat.ok("state", "upgrade", "head", *state)
    assert store.query("select count(*) from dpo.execution_step_model") == [(3,)]


@pytest.mark.parametrize("how", ["state", "dpo-migrate", "by hand"])
def test_what_describes_executions_goes_with_them(leat, store, how):
    state = ["--state", store.location]
    chosen = "33333333-3333-3333-3333-333333333333"
    leat.ok("execution", "init", "--id", chosen, "--pipeline", "nightly", *state)
    step = leat.ok("step", "init", chosen, "load", "/", "no-such-file", "--trust-mtime",
                   *state).stdout.strip()
    leat.ok("step", "fail", step, "--reason", "why", *state)
    if how == "by hand":  # as the original, which knows nothing of leat's tables
        store.execute("delete from dpo.execution_step", "delete from dpo.execution")
    else:
        if how == "state":
            leat.ok("state", "downgrade", "base", "--tables", "dpo", *state)
        else:
            url = store.location if store.kind == "postgres" else f"sqlite:///{store.location}"
            leat.ok("dpo-migrate", url, "downgrade", "base")
        for table in ("execution_info", "step_info", "model_file"):
            assert store.query(f"select count(*) from leat.{table}") == [(0,)]
        leat.ok("state", "upgrade", *state)
    leat.ok("execution", "init", "--id", chosen, "--pipeline", "other", *state)
    listed, = leat.ok("execution", "list", "--json", *state).stdout.splitlines()
    assert (json.loads(listed)["pipeline"], json.loads(listed)["error"]) == ("other", None)


def test_a_move_that_fails_leaves_everything_as_it_was(leat, pg_db):
    state = ["--state", pg_db.url, "--tables", "dpo"]
    leat.ok("state", "upgrade", "head", *state)
    pg_db.execute("insert into dpo.execution (execution_id, execution_time_ms) values "
                  "('11111111-1111-4111-8111-111111111111', 3000000000)")
    leat.fails(1, "value-range", "state", "downgrade", "-1", *state)
    assert "dpo: c5c34dd0b8f2 (head)" in leat.ok("state", "current", "--state", pg_db.url).stdout
    assert pg_db.count("dpo.execution") == 1
    assert pg_db.count("dpo.execution_step") == 0


def test_upgrades_at_once_are_done_one_after_the_other(leat, store):
    children = [leat.start("state", "upgrade", "--state", store.location) for _ in range(6)]
    said = b""
    for child in children:
        out, err = child.communicate(timeout=100)
        assert child.returncode == 0, err
        said += out
    assert said.count(b"->") == 5, said


def test_a_newer_store_is_refused_and_an_older_shared_one_is_not_moved_unasked(leat, pg_db,
                                                                              csv_file):
    state = ["--state", pg_db.url]
    leat.ok("state", "upgrade", *state)
    leat.ok("state", "downgrade", "-1", *state)
    done = leat.fails(2, "state-schema", "cp", csv_file, "arrow:-", *state)
    assert "leat state upgrade" in done.stderr
    pg_db.execute("update leat.leat_version set version_num = '9999'")
    leat.fails(2, "state-schema", "runs", *state)


@pytest.mark.parametrize("first", [["state", "upgrade"], ["runs"]])
def test_a_role_named_as_the_schema_is_warned(leat, pg_db, first):
    role = f"other_{pg_db.name}"
    pg_db.execute(f"create role {role} login superuser password 'other-pw'")
    other = f"postgres://{role}:other-pw@127.0.0.1:{pg_db.server.port}/{pg_db.name}"
    assert "leat" not in leat.ok(*first, "--state", other).stderr
    pg_db.execute("drop schema leat cascade", f"drop owned by {role}", f"drop role {role}")
    done = leat.ok(*first, "--state", pg_db.url)  # by the role leat
    assert "the schema leat is the first in this role's search path" in done.stderr
    pg_db.execute("drop schema leat cascade",
                  f"alter role leat in database {pg_db.name} set search_path to public")
    assert "schema leat" not in leat.ok(*first, "--state", pg_db.url).stderr


# --- commands of two words --------------------------------------------------------------------------

@pytest.mark.quick
def test_commands_of_two_words_have_help_completion_and_a_manual_page(leat):
    assert leat.ok("help", "state", "upgrade").stdout.startswith("leat state upgrade [REVISION]\n")
    assert "state downgrade" in leat.ok("help", "state").stdout
    assert leat.ok("state", "--help").stdout == leat.ok("help", "state").stdout
    page = leat.ok("docs", "man", "state", "upgrade").stdout
    assert page.startswith(".TH LEAT\\-STATE\\-UPGRADE 1") and "leat\\-state\\-upgrade" in page
    seconds = leat.ok("complete", "--", "state", "").stdout
    assert {"upgrade", "downgrade", "current", "history"} <= set(re.findall(r"^\w+", seconds, re.M))
    assert leat.ok("complete", "--", "state", "upgrade", "--tab").stdout.startswith("--tables\t")
    done = leat.fails(2, "usage", "state", "upgrad")
    assert "did you mean leat state upgrade?" in done.stderr
    leat.fails(2, "usage", "state")
    leat.fails(2, "usage", "help", "cp", "nonsense")
    assert leat.ok("help", "cp", "snap").stdout == leat.ok("help", "cp").stdout
