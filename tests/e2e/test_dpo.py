"""The command line of dpo: transcripts in the order, words and exit status of the original, on its
PostgreSQL and on SQLite; what its database holds afterwards; and databases it wrote."""
import hashlib
import os
import pathlib
import re
import sqlite3
import subprocess
import time

import pytest

from conftest import fresh_database, leat_binary
from test_state import REVISIONS, Store

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n")
NONE = "NO_LAST_SUCCESSFUL_EXECUTION"
NIL = "00000000-0000-0000-0000-000000000000"
UNKNOWN = "12345678-1234-4234-8234-123456789abc"
BIGINT_MAX = 9223372036854775807


class Dpo:
    """dpo on one database, and an independent look into that."""

    def __init__(self, leat, kind, location, store):
        self.leat = leat
        self.kind = kind
        self.location = location
        self.store = store

    def __call__(self, *arguments, options=(), **others):
        return self.leat("dpo", *options, self.location, *arguments, **others)

    def ok(self, *arguments, **others):
        """The one line it prints, without its end."""
        done = self(*arguments, **others)
        assert done.returncode == 0, done.stderr
        assert not done.stdout or done.stdout.endswith("\n")
        return done.stdout[:-1]

    def fails(self, *arguments, **others):
        """Exit status 1, one line on standard error, nothing on standard output."""
        done = self(*arguments, **others)
        assert (done.returncode, done.stdout) == (1, ""), (done.returncode, done.stdout,
                                                           done.stderr)
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("leat: ["), done.stderr
        assert "pa55-w0rd" not in done.stderr
        return done.stderr

    def refuses(self, *arguments, **others):
        """A usage error, before anything was connected to."""
        done = self(*arguments, **others)
        assert (done.returncode, done.stdout) == (2, ""), (done.returncode, done.stdout)
        assert "error:" in done.stderr.splitlines()[-1], done.stderr
        return done.stderr

    def rows(self, sql):
        return [tuple(row) for row in self.store.query(sql)]

    def models(self, step):
        return dict(self.rows("select model_name, checksum from dpo.execution_step_model where "
                              f"execution_step_id = '{step}' order by 1"))

    def step(self, execution, base, *patterns, name="LOAD"):
        return self.ok("init-step", execution, name, base, *(patterns or ("*",)))


def sqlite_dpo(leat, path):
    return Dpo(leat, "sqlite", f"sqlite:///{path}",
               Store("sqlite", str(path), lambda: sqlite3.connect(path)))


def postgres_dpo(leat, database):
    url = database.url.replace("postgres://", "postgresql+psycopg2://")
    return Dpo(leat, "postgres", url, Store("postgres", url, database.connect))


@pytest.fixture(scope="module")
def dpo_database(pg):
    """One database for many tests, each of which empties it: making one takes longer than a test."""
    with fresh_database(pg) as database:
        subprocess.run([leat_binary(), "dpo-migrate", database.url, "upgrade", "head"], check=True,
                       stderr=subprocess.DEVNULL)
        yield database


@pytest.fixture(scope="module")
def dpo_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("dpo") / "dpo.db"
    subprocess.run([leat_binary(), "dpo-migrate", f"sqlite:///{path}", "upgrade", "head"],
                   check=True, stderr=subprocess.DEVNULL)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def dpo(request, leat, tmp_path):
    """The tables at head, and empty."""
    if request.param == "sqlite":
        path = tmp_path / "dpo.db"
        path.write_bytes(request.getfixturevalue("dpo_file").read_bytes())
        return sqlite_dpo(leat, path)
    database = request.getfixturevalue("dpo_database")
    database.execute("truncate dpo.execution cascade")
    return postgres_dpo(leat, database)


@pytest.fixture
def tree(tmp_path):
    """Writes files below a folder: tree({"a.sql": "text"})."""
    base = tmp_path / "models"
    base.mkdir()

    def write(files):
        for name, text in files.items():
            path = base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return base

    return write


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


# --- init-execution ---------------------------------------------------------------------------------

def test_an_execution_is_begun_and_has_a_random_id(dpo):
    first, second = dpo("init-execution"), dpo("init-execution")
    assert GUID.fullmatch(first.stdout) and GUID.fullmatch(second.stdout)
    assert first.stdout != second.stdout and first.stderr == ""
    assert dpo.rows("select status, completed_on, execution_time_ms, created_on = updated_on, "
                    "created_on = started_on from dpo.execution") == [
                        ("INITIALISED", None, None, 1, 1)] * 2


@pytest.mark.parametrize("option", [["-id"], ["--execution-id"], ["--exec"], ["-i"]])
def test_the_option_for_an_id_without_one_makes_a_random_id(dpo, option):
    assert GUID.fullmatch(dpo.ok("init-execution", *option) + "\n")


@pytest.mark.parametrize("text", [
    UNKNOWN, UNKNOWN.upper(), "{" + UNKNOWN + "}", UNKNOWN.replace("-", ""),
    "1234-5678-1234-4234-8234-1234-5678-9abc"])
def test_a_chosen_id_is_read_as_postgresql_reads_it(dpo, text):
    assert dpo.ok("init-execution", "-id", text) == UNKNOWN
    assert dpo.rows("select cast(execution_id as text) from dpo.execution") == [(UNKNOWN,)]


def test_the_ways_to_write_an_option(dpo):
    ids = [UNKNOWN[:-1] + str(i) for i in range(4)]
    assert dpo.ok("init-execution", f"-id={ids[0]}") == ids[0]
    assert dpo.ok("init-execution", f"--execution-id={ids[1]}") == ids[1]
    assert dpo.ok("init-execution", "--execution-id", ids[2]) == ids[2]
    assert dpo.ok("init-execution", "--exec", ids[3]) == ids[3]


def test_the_nil_id_is_an_id(dpo):
    assert dpo.ok("init-execution", "-id", NIL) == NIL


@pytest.mark.parametrize("text", ["", "nonsense", UNKNOWN[:-1], UNKNOWN + "0", "{" + UNKNOWN,
                                  "12345-678-1234-4234-8234-123456789abc"])
def test_a_text_that_is_no_id_fails(dpo, text):
    assert f'invalid input syntax for type uuid: "{text}"' in dpo.fails("init-execution", "-id",
                                                                        text)
    assert dpo.rows("select 1 from dpo.execution") == []


def test_an_id_in_use_fails_and_changes_nothing(dpo):
    dpo.ok("init-execution", "-id", UNKNOWN)
    before = dpo.rows("select * from dpo.execution")
    assert UNKNOWN in dpo.fails("init-execution", "-id", UNKNOWN)
    assert dpo.rows("select * from dpo.execution") == before


# --- get-last-successful-execution, get-execution-completion-timestamp ----------------------------------

def test_without_a_success_there_is_the_constant(dpo):
    assert dpo.ok("get-last-successful-execution") == NONE
    dpo.ok("init-execution")
    assert dpo.ok("get-last-successful-execution") == NONE


def test_the_last_success_is_the_one_completed_last_not_the_one_begun_last(dpo):
    first, second = dpo.ok("init-execution"), dpo.ok("init-execution")
    dpo.ok("complete-execution", second)
    dpo.ok("complete-execution", first)
    assert dpo.ok("get-last-successful-execution") == first
    dpo.ok("complete-execution", second)
    assert dpo.ok("get-last-successful-execution") == second


def test_ties_are_broken_by_the_time_of_creation(dpo):
    dpo.store.execute(*[
        "insert into dpo.execution (execution_id, created_on, updated_on, started_on, status) "
        f"values ('{UNKNOWN[:-1]}{i}', {dpo.store.time(i % 2)}, {dpo.store.time(9)}, "
        f"{dpo.store.time(0)}, 'COMPLETED')" for i in range(2)])
    assert dpo.ok("get-last-successful-execution") == UNKNOWN[:-1] + "1"


def test_an_execution_that_is_not_completed_has_an_empty_time(dpo):
    execution = dpo.ok("init-execution")
    done = dpo("get-execution-completion-timestamp", execution)
    assert (done.returncode, done.stdout) == (0, "\n")


@pytest.mark.parametrize("part, shown", [(".5", ".500000"), (".000001", ".000001"), ("", "")])
def test_the_time_of_completion_is_iso_8601_with_six_digits_or_none(dpo, part, shown):
    execution = dpo.ok("init-execution")
    value = (f"timestamptz '2020-02-03 04:05:06{part}+00'" if dpo.kind == "postgres"
             else str(1580702706000000 + int(float("0" + part) * 1000000)))
    dpo.store.execute(f"update dpo.execution set completed_on = {value}")
    text = dpo.ok("get-execution-completion-timestamp", execution, env={"PGTZ": "UTC"})
    assert text == f"2020-02-03T04:05:06{shown}+00:00"


@pytest.mark.parametrize("zone, shown", [("Asia/Kolkata", "2020-02-03T09:35:06+05:30"),
                                         ("America/New_York", "2020-02-02T23:05:06-05:00")])
def test_the_time_of_completion_is_in_the_time_zone_of_the_session(leat, pg_db, zone, shown):
    dpo = postgres_dpo(leat, pg_db)
    leat.ok("dpo-migrate", dpo.location, "upgrade", "head")
    execution = dpo.ok("init-execution")
    pg_db.execute("update dpo.execution set completed_on = '2020-02-03 04:05:06+00'")
    assert dpo.ok("get-execution-completion-timestamp", execution, env={"PGTZ": zone}) == shown


def test_the_constant_has_the_time_of_now(dpo):
    text = dpo.ok("get-execution-completion-timestamp", NONE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:\d\d", text)


@pytest.mark.parametrize("command", ["get-execution-completion-timestamp", "complete-execution",
                                     "complete-step"])
def test_an_unknown_id_fails_and_is_named(dpo, command):
    assert UNKNOWN in dpo.fails(command, UNKNOWN)
    assert "invalid input syntax" in dpo.fails(command, "nonsense")


@pytest.mark.parametrize("command", ["complete-execution", "complete-step"])
def test_the_constant_cannot_be_completed(dpo, command):
    dpo.fails(command, NONE)
    dpo.fails(command, NONE.lower())


# --- init-step ------------------------------------------------------------------------------------------

def test_a_step_holds_a_checksum_for_each_model(dpo, tree):
    base = tree({"one.sql": "select 1", "two.dots.sql": "2", "sub/three.sql": "", "LF.sql": "a\n"})
    execution = dpo.ok("init-execution")
    step = dpo.ok("init-step", execution, "load", base, "**/*.sql")
    assert GUID.fullmatch(step + "\n")
    assert dpo.models(step) == {"one": sha("select 1"), "two.dots": sha("2"), "three": sha(""),
                                "LF": sha("a\n")}
    assert dpo.rows("select step_name, status, completed_on, rows_processed, started_on = "
                    "created_on, started_on <= updated_on from dpo.execution_step") == [
                        ("LOAD", "IN_PROGRESS", None, None, 1, 1)]
    assert dpo.rows("select status, updated_on >= created_on from dpo.execution") == [
        ("IN_PROGRESS", 1)]


@pytest.mark.parametrize("file, name", [
    ("two.dots.sql", "two.dots"), ("a.tar.gz", "a.tar"), (".dotfile", ".dotfile"),
    (".dot.sql", ".dot"), ("trail.", "trail."), ("plain", "plain"), ("Größe.sql", "Größe"),
    ("with blank.sql", "with blank"), ("tab\tand\nnewline.sql", "tab\tand\nnewline"),
    ("back\\slash.sql", "back\\slash")])
def test_the_name_of_a_model_is_its_file_without_the_last_extension(dpo, tree, file, name):
    step = dpo.step(dpo.ok("init-execution"), tree({file: "x"}))
    assert dpo.models(step) == {name: sha("x")}


@pytest.mark.parametrize("given, stored", [("transform", "TRANSFORM"), ("", ""), ("Straße", "STRASSE"),
                                           ("été ﬁn", "ÉTÉ FIN"), ("x" * 100, "X" * 100),
                                           ("é" * 100, "É" * 100)])
def test_any_text_is_the_name_of_a_step_in_capitals(dpo, tree, given, stored):
    dpo.step(dpo.ok("init-execution"), tree({}), name=given)
    assert dpo.rows("select step_name from dpo.execution_step") == [(stored,)]


def test_a_name_may_be_used_again_and_no_match_is_fine(dpo, tree):
    base, execution = tree({}), dpo.ok("init-execution")
    assert dpo.step(execution, base, "*.sql") != dpo.step(execution, base, "*.sql")
    assert dpo.rows("select count(*) from dpo.execution_step") == [(2,)]


def damage(dpo):
    return dpo.rows("select cast(execution_id as text), status from dpo.execution order by 1"), \
        dpo.rows("select count(*) from dpo.execution_step")


FAILING_STEPS = {
    "no such base path": ["{e}", "LOAD", "{base}/none", "*"],
    "the base path is a file": ["{e}", "LOAD", "{base}/a.sql", "*"],
    "an unknown execution": [UNKNOWN, "LOAD", "{base}", "*"],
    "no id": ["nonsense", "LOAD", "{base}", "*"],
    "the constant": [NONE, "LOAD", "{base}", "*"],
    "a name of 101 characters": ["{e}", "x" * 101, "{base}", "*"],
    "two stars and more": ["{e}", "LOAD", "{base}", "**.sql"],
    "an empty pattern": ["{e}", "LOAD", "{base}", ""],
    "an absolute pattern": ["{e}", "LOAD", "{base}", "/etc/*"],
    "a dot": ["{e}", "LOAD", "{base}", "."],
    "a range backwards": ["{e}", "LOAD", "{base}", "[c-a].sql"],
    "a good and a bad pattern": ["{e}", "LOAD", "{base}", "*.sql", "a**"],
}


@pytest.mark.parametrize("case", FAILING_STEPS)
def test_a_step_that_fails_leaves_nothing_behind(dpo, tree, case):
    base, execution = tree({"a.sql": "1"}), dpo.ok("init-execution")
    dpo.ok("complete-execution", execution)
    before = damage(dpo)
    dpo.fails("init-step", *[part.format(e=execution, base=base) for part in FAILING_STEPS[case]])
    assert damage(dpo) == before


def test_a_model_whose_name_is_too_long_or_no_text_fails(dpo, tree):
    execution = dpo.ok("init-execution")
    dpo.fails("init-step", execution, "LOAD", tree({"x" * 251: ""}), "*")
    long = tree({}) / "deep"
    long.mkdir()
    (long / ("é" * 120 + ".sql")).write_text("", encoding="utf-8")
    dpo.step(execution, long)
    os.remove(tree({}) / ("x" * 251))
    with open(os.path.join(os.fsencode(tree({})), b"\xff.sql"), "w", encoding="utf-8"):
        pass
    dpo.fails("init-step", execution, "LOAD", tree({}), "*")


def test_of_two_files_with_one_name_the_later_pattern_wins(dpo, tree):
    base = tree({"a.sql": "sql", "a.txt": "txt", "sub/a.sql": "sub"})
    execution = dpo.ok("init-execution")
    assert dpo.models(dpo.step(execution, base, "*.sql", "*.txt")) == {"a": sha("txt")}
    assert dpo.models(dpo.step(execution, base, "*.txt", "*.sql")) == {"a": sha("sql")}
    assert dpo.models(dpo.step(execution, base, "**/*.sql")) == {"a": sha("sub")}
    assert dpo.models(dpo.step(execution, base, "*.sql", "a.sql", "./*.sql")) == {"a": sha("sql")}


def test_a_step_of_a_completed_execution_opens_it_again_with_a_warning(dpo, tree):
    execution = dpo.ok("init-execution")
    dpo.ok("complete-execution", execution)
    done = dpo("init-step", execution, "LOAD", tree({}), "*")
    assert done.returncode == 0 and GUID.fullmatch(done.stdout)
    assert "WARNING" in done.stderr and execution in done.stderr
    assert dpo.ok("get-last-successful-execution") == NONE
    assert dpo.ok("get-execution-completion-timestamp", execution) != ""


def test_the_base_path_is_taken_relative_to_the_working_directory(dpo, tree):
    base = tree({"sub/a.sql": ""})
    dpo.leat.cwd = base.parent
    execution = dpo.ok("init-execution")
    for path in (base.name, f"./{base.name}/", f"{base.name}/sub/.."):
        assert list(dpo.models(dpo.step(execution, path, "**/*.sql"))) == ["a"]


# --- compare-step-models --------------------------------------------------------------------------------

@pytest.fixture
def two_steps(dpo, tree):
    """A step, changes, and a step of the next execution."""
    base = tree({"same.sql": "1", "modified.sql": "1", "gone.sql": "1", "crlf.sql": "a\n",
                 "moved.sql": "m", "ext.sql": "e"})
    first = dpo.ok("init-execution")
    old = dpo.step(first, base, "**/*")
    dpo.ok("complete-execution", first)
    for name in ("gone.sql", "moved.sql", "ext.sql"):
        os.remove(base / name)
    os.utime(base / "same.sql", (1, 1))
    tree({"modified.sql": "2", "added.sql": "3", "Added2.sql": "4", "crlf.sql": "a\r\n",
          "sub/moved.sql": "m", "ext.txt": "e"})
    second = dpo.ok("init-execution")
    return first, second, old, dpo.step(second, base, "**/*")


def test_added_and_modified_models_are_told_in_the_order_of_code_points(dpo, two_steps):
    first, _, _, step = two_steps
    done = dpo("compare-step-models", step, first)
    assert (done.returncode, done.stdout) == (0, "Added2 added crlf modified\n")


def test_compared_with_none_all_models_are_told_and_the_step_need_not_be_there(dpo, two_steps):
    assert dpo.ok("compare-step-models", two_steps[3], NONE) == \
        "Added2 added crlf ext modified moved same"
    done = dpo("compare-step-models", UNKNOWN, NONE)
    assert (done.returncode, done.stdout) == (0, "\n")


def test_nothing_changed_is_an_empty_line(dpo, two_steps):
    done = dpo("compare-step-models", two_steps[3], two_steps[1])
    assert (done.returncode, done.stdout) == (0, "\n")


@pytest.mark.parametrize("step, previous", [(UNKNOWN, "{0}"), ("{3}", UNKNOWN), ("{3}", "nonsense"),
                                            ("nonsense", "{0}"), ("{3}", NONE.lower())])
def test_comparing_what_is_not_there_fails(dpo, two_steps, step, previous):
    dpo.fails("compare-step-models", step.format(*two_steps), previous.format(*two_steps))


def test_a_previous_execution_without_such_a_step_fails_and_says_so(dpo, two_steps, tree):
    step = dpo.step(two_steps[1], tree({}), name="TRANSFORM")
    assert "no step TRANSFORM" in dpo.fails("compare-step-models", step, two_steps[0])


def test_of_several_steps_of_a_name_the_latest_counts(dpo, two_steps, tree):
    first, _, old, step = two_steps
    dpo.step(first, tree({}), "**/*")
    dpo.ok("complete-step", old)
    assert dpo.ok("compare-step-models", step, first) == ""


# --- complete-step, complete-execution --------------------------------------------------------------------

STEP_LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - dpo\.commands\.CompleteStepCommand\.CompleteStepCommand - "
    r"INFO - Completed Execution Step: LOAD; Started On: [^;]+; Completed On: [^;]+; "
    r"Execution Time: \d+h \d+m \d+s; Models Processed: 1; Rows Processed: (.*)\.\n")


@pytest.mark.parametrize("arguments, rows, shown", [
    ([], None, "N/A"), (["-r"], None, "N/A"), (["-r", "13"], 13, "13"), (["-r13"], 13, "13"),
    (["--rows-processed=1234567"], 1234567, "1,234,567"), (["--rows", "5"], 5, "5"),
    (["-r", " +1_000 "], 1000, "1,000"), (["-r", "-5"], -5, "-5"), (["-r", "0"], 0, "0"),
    (["-r", str(BIGINT_MAX)], BIGINT_MAX, "9,223,372,036,854,775,807"),
    ([f"-r{-BIGINT_MAX - 1}"], -BIGINT_MAX - 1, "-9,223,372,036,854,775,808")])
def test_a_step_is_completed_with_its_rows(dpo, tree, arguments, rows, shown):
    step = dpo.step(dpo.ok("init-execution"), tree({"a.sql": ""}))
    done = dpo("complete-step", *arguments, step) if arguments and arguments != ["-r"] \
        else dpo("complete-step", step, *arguments)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert STEP_LINE.fullmatch(done.stderr).group(1) == shown
    assert dpo.rows("select status, rows_processed, execution_time_ms >= 0, completed_on >= "
                    "started_on from dpo.execution_step") == [("COMPLETED", rows, 1, 1)]


def test_completing_again_sets_time_and_rows_anew(dpo, tree):
    step = dpo.step(dpo.ok("init-execution"), tree({}))
    dpo.ok("complete-step", step, "-r", "7")
    first = dpo.rows("select completed_on from dpo.execution_step")
    dpo.ok("complete-step", step)
    assert dpo.rows("select rows_processed from dpo.execution_step") == [(None,)]
    assert dpo.rows("select completed_on from dpo.execution_step") > first


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "1" * 400])
def test_rows_beyond_a_bigint_fail_and_change_nothing(dpo, tree, text):
    step = dpo.step(dpo.ok("init-execution"), tree({}))
    assert "bigint out of range" in dpo.fails("complete-step", step, f"-r{text}")
    assert dpo.rows("select status from dpo.execution_step") == [("IN_PROGRESS",)]


@pytest.mark.parametrize("text", ["1.5", "many", "", "1__0", "_1", "1_", "+", "0x10", "1 0"])
def test_rows_that_are_no_whole_number_are_a_usage_error(dpo, text):
    assert "-r/--rows-processed" in dpo.refuses("complete-step", UNKNOWN, "-r", text)


def test_an_execution_is_completed_with_open_steps_and_again(dpo, tree):
    execution = dpo.ok("init-execution")
    dpo.step(execution, tree({}))
    for _ in range(2):
        done = dpo("complete-execution", execution)
        assert (done.returncode, done.stdout) == (0, "")
        assert re.fullmatch(r".* - dpo\.commands\.CompleteExecutionCommand\.CompleteExecutionCommand"
                            rf" - INFO - Completed Execution ID: {execution}; Started On: [^;]+; "
                            r"Completed On: [^;]+; Execution Time: 0h 0m \d+s\.\n", done.stderr)
    assert dpo.rows("select status, execution_time_ms >= 0 from dpo.execution") == [
        ("COMPLETED", 1)]


def test_a_time_of_more_than_a_day_is_told_in_hours(dpo):
    execution = dpo.ok("init-execution")
    moment = ("now() - interval '30 hours 2 minutes 3.9 seconds'" if dpo.kind == "postgres" else
              str(int(time.time() * 1000000) - 108123900000))
    dpo.store.execute(f"update dpo.execution set started_on = {moment}")
    assert "Execution Time: 30h 2m " in dpo("complete-execution", execution).stderr


# --- arguments ----------------------------------------------------------------------------------------------

USAGE_ERRORS = [
    ["complete-step"], ["complete-step", UNKNOWN, UNKNOWN], ["complete-execution"],
    ["complete-execution", UNKNOWN, "more"], ["compare-step-models", UNKNOWN],
    ["compare-step-models", UNKNOWN, UNKNOWN, UNKNOWN], ["init-step", UNKNOWN, "LOAD", "."],
    ["init-step"], ["get-execution-completion-timestamp"], ["get-last-successful-execution", "x"],
    ["init-execution", "x"], ["init-execution", "--id", UNKNOWN], ["init-execution", "-x"],
    ["complete-step", UNKNOWN, "-l"], ["complete-step", UNKNOWN, "--log-level", "DEBUG"],
    ["complete-step", "-r", UNKNOWN], ["complete-step", UNKNOWN, "-r", "-1_0"], ["nonsense"],
    ["Init-Execution"], ["--version"], ["persist-models"], ["compare-models", "a", "b"],
    ["get-execution-last-updated-timestamp", UNKNOWN], ["init-executio"]]


@pytest.mark.quick
@pytest.mark.parametrize("arguments", USAGE_ERRORS, ids=" ".join)
def test_a_wrong_command_line_is_a_usage_error_and_connects_nowhere(leat, arguments):
    Dpo(leat, "none", "postgresql://nobody@127.0.0.1:1/none", None).refuses(*arguments)


@pytest.mark.quick
@pytest.mark.parametrize("options", [["-l", "debug"], ["-l", "TRACE"], ["--log-level="], ["-x"],
                                     ["-l"]])
def test_a_wrong_log_level_is_a_usage_error(leat, options):
    Dpo(leat, "none", "postgresql://nobody@127.0.0.1:1/none", None).refuses(
        "init-execution", options=options)


@pytest.mark.quick
def test_older_names_say_what_took_their_place(leat):
    old = Dpo(leat, "none", "postgresql://nobody@127.0.0.1:1/none", None)
    assert "init-step" in old.refuses("persist-models", "a", "b")
    assert "compare-step-models" in old.refuses("compare-models")
    assert "get-execution-completion-timestamp" in old.refuses(
        "get-execution-last-updated-timestamp")


@pytest.mark.quick
def test_help_connects_nowhere(leat):
    for arguments in (["-h"], ["--help"], ["--he"], ["init-step", "--help"]):
        done = leat.ok("dpo", *arguments)
        assert "compare-step-models" in done.stdout and done.stderr == ""
    done = leat.ok("dpo", "anything", "complete-step", "-h")
    assert "--rows-processed" in done.stdout


@pytest.mark.quick
def test_without_a_command_the_status_is_1_and_without_a_connection_2(leat):
    assert leat("dpo", "postgresql://h/d").returncode == 1
    assert leat("dpo").returncode == 2


def test_the_program_may_be_called_dpo(dpo, tmp_path):
    link = tmp_path / "dpo"
    link.symlink_to(pathlib.Path(dpo.leat.binary).resolve())
    done = subprocess.run([link, dpo.location, "init-execution"], env=dpo.leat.env, check=True,
                          capture_output=True, text=True)
    assert GUID.fullmatch(done.stdout)
    (tmp_path / "dpo-migrate").symlink_to(link)
    done = subprocess.run([tmp_path / "dpo-migrate", dpo.location, "current"], env=dpo.leat.env,
                          check=True, capture_output=True, text=True)
    assert done.stdout == REVISIONS[2] + " (head)\n"


@pytest.mark.parametrize("level, lines", [("CRITICAL", 0), ("ERROR", 0), ("WARNING", 0), ("INFO", 1),
                                          ("DEBUG", 2)])
def test_the_log_level_says_what_is_logged_and_never_the_password(dpo, level, lines):
    execution = dpo.ok("init-execution")
    for options in (["-l", level], [f"--log-level={level}"], [f"-l{level}"]):
        done = dpo("complete-execution", execution, options=options)
        assert done.returncode == 0 and done.stderr.count("\n") == lines, done.stderr
        assert "pa55-w0rd" not in done.stderr


def test_two_hyphens_end_the_options(dpo, tree):
    base = tree({"-x.sql": "1"})
    step = dpo.ok("init-step", dpo.ok("init-execution"), "LOAD", "--", base, "-x.sql")
    assert list(dpo.models(step)) == ["-x"]


# --- connections --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_connection_strings_are_read_as_sqlalchemy_reads_them(leat, pg_db, scheme):
    leat.ok("dpo-migrate", pg_db.url, "upgrade", "head")
    with pg_db.connect() as connection:
        connection.execute("drop role if exists \"o'p@q\"")
        connection.execute("create role \"o'p@q\" login superuser password 'p@ss/w:rd%41'")
        host = f"127.0.0.1:{pg_db.server.port}/{pg_db.name}"
    user = "o'p%40q"
    for password in ("p%40ss%2Fw%3Ard%2541", "p@ss/w:rd%2541"):
        done = leat.ok("dpo", f"{scheme}://{user}:{password}@{host}?connect_timeout=5",
                       "get-last-successful-execution")
        assert done.stdout == NONE + "\n"
    socket = f"{scheme}://{user}:p%40ss%2Fw%3Ard%2541@/{pg_db.name}?host={pg_db.server.root}" \
             f"&port={pg_db.server.port}"
    assert leat.ok("dpo", socket, "get-last-successful-execution").stdout == NONE + "\n"
    done = leat("dpo", f"{scheme}://{user}:wrong-pw@{host}", "init-execution")
    assert done.returncode == 1 and "wrong-pw" not in done.stderr and "[denied]" in done.stderr
    pg_db.execute("drop role \"o'p@q\"")


@pytest.mark.parametrize("location", ["nonsense", "mysql://u:secret-pw@h/d", "://", "",
                                      "sqlite:////no/such/folder/x.db"])
def test_a_connection_string_that_cannot_be_used_fails(leat, location):
    done = leat("dpo", location, "init-execution")
    assert (done.returncode, done.stdout) == (1, "") and "secret-pw" not in done.stderr


def test_without_the_tables_or_with_older_ones_it_fails_and_says_which(leat, pg_db):
    dpo = postgres_dpo(leat, pg_db)
    assert "base" in dpo.fails("init-execution")
    for revision in REVISIONS[:2]:
        leat.ok("dpo-migrate", dpo.location, "upgrade", revision)
        assert revision in dpo.fails("init-execution")


# --- patterns -------------------------------------------------------------------------------------------------

PATTERNS = ["*", "**/*", "*.sql", "?.sql", "**/?.*", "[abc].sql", "[a-c]*", "[!a]*", "[!a-c].sql",
            "[]a].sql", "[[]x", "{a,b}.sql", ".*", "**/.*", "sub/*", "*/*.sql", "*/", "sub/../a.sql",
            "../models/*.sql", "./*.sql", "sub//deep/*", "a.sql", "none.sql", "link/*", "*/x.sql",
            "**/x.sql", "**/deep/*", "**/**/*.sql", "sub/**/*.sql", "dir.sql/*", "dangling", "[ä-ü].sql",
            "**", "sub/**", "é*", "*[", "[a", "[-a].sql", "[a-].sql", "[a\\].sql", "**/*/*.sql"]


@pytest.mark.parametrize("batch", range(0, len(PATTERNS), 6))
def test_patterns_find_what_pathlib_finds(leat, tmp_path, tree, batch):
    base = tree({name: name for name in (
        "a.sql", "b.sql", "c.sql", "].sql", "[x", "{a,b}.sql", ".dot.sql", ".hid/h.sql", "sub/s.sql",
        "sub/deep/d.sql", "sub/deep/e", "ä.sql", "é.txt", "-.sql", "*[", "[a", "\\.sql", "dir.sql/in",
        "other/x.sql")})
    (base / "link").symlink_to(base / "other")
    (base / "filelink.sql").symlink_to(base / "sub" / "s.sql")
    (base / "dangling").symlink_to(base / "nowhere")
    dpo = sqlite_dpo(leat, tmp_path / "glob.db")
    leat.ok("dpo-migrate", dpo.location, "upgrade", "head")
    execution = dpo.ok("init-execution")
    for pattern in PATTERNS[batch:batch + 6]:
        # The original runs on Python 3.7: later ones changed what a last slash and "**" mean.
        expected = {path.stem for path in base.glob(pattern.rstrip("/")) if path.is_file()
                    and not pattern.endswith("**")}
        assert set(dpo.models(dpo.step(execution, base, pattern))) == expected, pattern


def test_a_folder_that_may_not_be_read_is_passed_over_and_a_file_is_not(leat, tmp_path, tree):
    if os.getuid() != 0:
        run_as = {}
    else:
        run_as = {"preexec_fn": lambda: os.setuid(65534)}
    base = tree({"closed/a.sql": "1", "open/b.sql": "2"})
    os.chmod(base / "closed", 0)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and path != pathlib.Path("/"):
            os.chmod(path, path.stat().st_mode | 0o055)
    state = tmp_path / "records"
    state.mkdir(mode=0o777)
    os.chmod(state, 0o777)
    dpo = sqlite_dpo(leat, state / "glob.db")
    assert leat("dpo-migrate", dpo.location, "upgrade", "head", **run_as).returncode == 0
    execution = dpo.ok("init-execution", **run_as)
    step = dpo("init-step", execution, "LOAD", base, "**/*.sql", **run_as)
    assert step.returncode == 0, step.stderr
    os.chmod(base / "open" / "b.sql", 0)
    assert "b.sql" in dpo.fails("init-step", execution, "LOAD", base, "**/*.sql", **run_as)
    os.chmod(base / "closed", 0o700)


# --- the tables -----------------------------------------------------------------------------------------------

CONSTRAINTS = {"execution_pkey", "execution_step_pkey", "execution_step_execution_id_fkey",
               "execution_step_model_pkey", "execution_step_model_execution_step_id_fkey"}
COLUMNS = {
    "execution": [("execution_id", "uuid", "NO"), ("created_on", "timestamptz", "NO"),
                  ("updated_on", "timestamptz", "NO"), ("status", "varchar", "NO"),
                  ("started_on", "timestamptz", "NO"), ("completed_on", "timestamptz", "YES"),
                  ("execution_time_ms", "int8", "YES")],
    "execution_step": [("execution_step_id", "uuid", "NO"), ("created_on", "timestamptz", "NO"),
                       ("updated_on", "timestamptz", "NO"), ("execution_id", "uuid", "NO"),
                       ("step_name", "varchar", "NO"), ("status", "varchar", "NO"),
                       ("started_on", "timestamptz", "NO"), ("completed_on", "timestamptz", "YES"),
                       ("execution_time_ms", "int8", "YES"), ("rows_processed", "int8", "YES")],
    "execution_step_model": [("execution_step_model_id", "uuid", "NO"),
                             ("created_on", "timestamptz", "NO"),
                             ("updated_on", "timestamptz", "NO"),
                             ("execution_step_id", "uuid", "NO"), ("model_name", "varchar", "NO"),
                             ("checksum", "varchar", "NO")]}


def test_the_tables_at_head_are_those_of_the_original(leat, pg_db):
    for way in ("upgrade head", "downgrade base", "upgrade head", "downgrade -1", "upgrade +1"):
        leat.ok("dpo-migrate", pg_db.url, *way.split())
        if way.startswith("downgrade"):
            continue
        with pg_db.connect() as connection:
            # PostgreSQL 18 has NOT NULL among the constraints.
            assert {row[0] for row in connection.execute(
                "select conname from pg_constraint c join pg_namespace n on n.oid = connamespace "
                "where nspname = 'dpo' and contype <> 'n'")} == CONSTRAINTS
            for table, columns in COLUMNS.items():
                assert connection.execute(
                    "select column_name, udt_name, is_nullable from information_schema.columns "
                    f"where table_schema = 'dpo' and table_name = '{table}' order by "
                    "ordinal_position").fetchall() == columns
    assert pg_db.rows("alembic_version_dpo") == [(REVISIONS[2],)]


# What the original's own statements are like, in a database it alone has written.
ORIGINAL = """
create schema dpo;
create table alembic_version_dpo (version_num varchar(32) not null,
    constraint alembic_version_dpo_pkc primary key (version_num));
insert into alembic_version_dpo values ('c5c34dd0b8f2');
create table dpo.execution (execution_id uuid not null, created_on timestamptz default now() not null,
    updated_on timestamptz default now() not null, status varchar(50) default 'INITIALISED' not null,
    started_on timestamptz default now() not null, completed_on timestamptz,
    execution_time_ms bigint, primary key (execution_id));
create table dpo.execution_step (execution_step_id uuid not null,
    created_on timestamptz default now() not null, updated_on timestamptz default now() not null,
    execution_id uuid not null references dpo.execution, step_name varchar(100) not null,
    status varchar(50) default 'INITIALISED' not null, started_on timestamptz default now() not null,
    completed_on timestamptz, execution_time_ms bigint, rows_processed bigint,
    primary key (execution_step_id));
create table dpo.execution_step_model (execution_step_model_id uuid not null,
    created_on timestamptz default now() not null, updated_on timestamptz default now() not null,
    execution_step_id uuid not null references dpo.execution_step, model_name varchar(250) not null,
    checksum varchar(100) not null, primary key (execution_step_model_id));
insert into dpo.execution (execution_id) values ('{e}');
insert into dpo.execution_step (execution_step_id, execution_id, step_name) values ('{s}', '{e}', 'LOAD');
insert into dpo.execution_step_model values (gen_random_uuid(), now(), now(), '{s}', 'a', '{sha}');
"""


def test_what_the_original_began_is_completed_compared_and_moved(leat, pg_db, tree):
    dpo = postgres_dpo(leat, pg_db)
    execution, step = UNKNOWN, NIL
    text = ORIGINAL.format(e=execution, s=step, sha=sha("1")).replace("gen_random_uuid()",
                                                                      f"'{UNKNOWN}'")
    pg_db.execute(*[each for each in text.split(";\n") if each.strip()])
    dpo.ok("complete-step", step, "-r", "3")
    dpo.ok("complete-execution", execution)
    assert dpo.ok("get-last-successful-execution") == execution
    ours = dpo.step(dpo.ok("init-execution"), tree({"a.sql": "1", "b.sql": "2"}))
    assert dpo.ok("compare-step-models", ours, execution) == "b"
    assert leat.ok("dpo-migrate", dpo.location, "current").stdout == REVISIONS[2] + " (head)\n"
    for way in ("downgrade 7d98", "upgrade head"):
        leat.ok("dpo-migrate", dpo.location, *way.split())
    assert pg_db.count("dpo.execution_step_model") == 3
    assert dpo.ok("get-last-successful-execution") == execution


def test_a_role_with_ordinary_rights_moves_the_tables(leat, pg_db):
    pg_db.execute("drop role if exists plain", "create role plain login password 'plain-pw'",
                  f"grant create, connect on database {pg_db.name} to plain",
                  "revoke create on schema public from public")
    url = f"postgresql+psycopg2://plain:plain-pw@127.0.0.1:{pg_db.server.port}/{pg_db.name}"
    leat.ok("dpo-migrate", url, "upgrade", "head")
    assert pg_db.rows("dpo.alembic_version_dpo") == [(REVISIONS[2],)]
    assert GUID.fullmatch(leat.ok("dpo", url, "init-execution").stdout)
    leat.ok("dpo-migrate", url, "downgrade", "base")
    leat.ok("dpo-migrate", url, "upgrade", "head")
    pg_db.execute("drop owned by plain", "drop role plain")


def test_moves_name_their_revisions_and_unknown_ones_end_with_255(leat, pg_db):
    assert leat.ok("dpo-migrate", pg_db.url, "current").stdout == ""
    history = leat.ok("dpo-migrate", pg_db.url, "history").stdout.splitlines()
    assert [line.split()[2].rstrip(",") for line in history] == REVISIONS[::-1]
    for arguments in (["upgrade", "nonsense"], ["upgrade", "+4"], ["downgrade", "-1"]):
        done = leat("dpo-migrate", pg_db.url, *arguments)
        assert (done.returncode, done.stdout) == (255, ""), done.stderr
    leat.ok("dpo-migrate", pg_db.url, "upgrade", "+2")
    for arguments, said in ((["upgrade", "+9"], f"+9 goes too far: above {REVISIONS[1]} there is 1 revision;"),
                            (["downgrade", "-5"], f"-5 goes too far: below {REVISIONS[1]} there are 2 revisions;")):
        done = leat("dpo-migrate", pg_db.url, *arguments)
        assert done.returncode == 255 and said in done.stderr, done.stderr
    assert leat.ok("dpo-migrate", pg_db.url, "current").stdout == REVISIONS[1] + "\n"
    leat.ok("dpo-migrate", pg_db.url, "downgrade", "base")
    leat.ok("dpo-migrate", pg_db.url, "downgrade", "base")
    assert leat("dpo-migrate", pg_db.url, "upgrade").returncode == 2
