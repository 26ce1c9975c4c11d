"""leat execution and leat step; many models; many processes at once."""
import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

from test_dpo import dpo_database, dpo_file, postgres_dpo  # noqa: F401  pylint: disable=unused-import
from test_state import store  # noqa: F401  pylint: disable=unused-import

NONE = "NO_LAST_SUCCESSFUL_EXECUTION"
MODELS = int(os.environ.get("LEAT_MODELS", "4000"))
SECONDS = float(os.environ.get("LEAT_EXECUTION_SECONDS", "4"))
PROCESSES = 20


class Pipe:
    def __init__(self, leat, store):
        self.leat = leat
        self.store = store

    def __call__(self, *arguments, **others):
        return self.leat(*arguments, "--state", self.store.location, **others)

    def ok(self, *arguments, **others):
        return self.leat.ok(*arguments, "--state", self.store.location, **others).stdout[:-1]

    def fails(self, status, code, *arguments):
        return self.leat.fails(status, code, *arguments, "--state", self.store.location).stderr

    def json(self, *arguments):
        return [json.loads(line) for line in self.ok(*arguments, "--json").splitlines()]


@pytest.fixture
def pipe(leat, store):  # noqa: F811
    return Pipe(leat, store)


@pytest.fixture
def models(tmp_path):
    base = tmp_path / "models"
    base.mkdir()
    for name in ("same", "changed", "gone"):
        (base / f"{name}.sql").write_text(name, encoding="utf-8")
    return base


def run_once(pipe, models, pipeline="nightly"):
    execution = pipe.ok("execution", "init", "--pipeline", pipeline)
    step = pipe.ok("step", "init", execution, "load", models, "**/*")
    return execution, step


def test_a_step_is_compared_with_the_last_success_of_its_own_pipeline(pipe, models):
    first, step = run_once(pipe, models)
    assert pipe.ok("step", "compare", step).split() == ["changed", "gone", "same"]
    pipe.ok("step", "complete", step, "--rows", "12")
    pipe.ok("execution", "complete", first)
    other, _ = run_once(pipe, models, "weekly")
    (models / "changed.sql").write_text("new", encoding="utf-8")
    (models / "added.sql").write_text("new", encoding="utf-8")
    os.remove(models / "gone.sql")
    pipe.ok("execution", "complete", other)
    _, step = run_once(pipe, models)
    assert pipe.ok("step", "compare", step) == "added\nchanged"
    assert pipe.json("step", "compare", step, "--changes", "removed,modified") == [
        {"model": "changed", "change": "modified"}, {"model": "gone", "change": "removed"}]
    # Each name is ended by it: ok() takes the last one off.
    assert pipe.ok("step", "compare", step, first, "--separator", "comma") == "added,changed"
    assert pipe.ok("step", "compare", step, first, "--separator", "nul") == "added\0changed"
    assert pipe.ok("step", "compare", step, NONE).split() == ["added", "changed", "same"]
    assert pipe.ok("execution", "last-successful", "--pipeline", "nightly") == first
    assert pipe.ok("execution", "last-successful", "--pipeline", "weekly") == other
    assert pipe.ok("execution", "last-successful") == NONE
    assert pipe.json("execution", "last-successful") == [{"execution": None}]


def test_a_step_that_is_new_to_the_pipeline_was_added_as_a_whole(pipe, models):
    first, _ = run_once(pipe, models)
    pipe.ok("execution", "complete", first)
    second, _ = run_once(pipe, models)
    step = pipe.ok("step", "init", second, "transform", models, "s*")
    assert pipe.ok("step", "compare", step) == "same"
    assert pipe.ok("step", "compare", step, first) == "same"
    pipe.fails(2, "not-found", "step", "compare", step, "12345678-1234-4234-8234-123456789abc")


def test_a_failed_execution_is_no_success_and_tells_its_reason(pipe, models):
    execution, step = run_once(pipe, models)
    pipe.ok("step", "fail", step, "--reason", "no \"rows\"")
    pipe.ok("execution", "fail", execution, "--reason", "step load failed")
    assert pipe.ok("execution", "last-successful", "--pipeline", "nightly") == NONE
    shown, = pipe.json("execution", "show", execution)
    assert (shown["status"], shown["error"]) == ("FAILED", "step load failed")
    assert shown["failed_unix_us"] >= shown["started_unix_us"]
    assert [(each["status"], each["error"], each["models"]) for each in shown["step_list"]] == [
        ("FAILED", "no \"rows\"", 3)]
    assert pipe.json("step", "list", execution) == shown["step_list"]
    header, _, *steps = pipe.ok("step", "list", execution).splitlines()
    assert header.split()[:4] == ["step", "status", "name", "models"] and len(steps) == len(shown["step_list"])
    pipe.ok("execution", "complete", execution)
    assert pipe.json("execution", "show", execution)[0]["error"] is None


def test_executions_are_listed_by_pipeline_the_newest_first(pipe):
    ids = [pipe.ok("execution", "init", "--pipeline", name) for name in ("a", "b", "a")]
    assert [each["execution"] for each in pipe.json("execution", "list")] == ids[::-1]
    assert [each["execution"] for each in pipe.json("execution", "list", "--pipeline", "a")] == [
        ids[2], ids[0]]
    header, _, row = pipe.ok("execution", "list", "--limit", "1").splitlines()
    assert header.split() == ["execution", "started", "status", "pipeline", "steps", "took", "error"]
    assert row[header.index("pipeline"):].startswith("a ") and row.startswith(ids[2])
    pipe.fails(2, "id-taken", "execution", "init", "--id", ids[0])


def test_a_completed_execution_is_not_opened_again_unasked(pipe, models):
    execution, _ = run_once(pipe, models)
    assert pipe.ok("execution", "completed-at", execution) == ""
    pipe.ok("execution", "complete", execution)
    assert pipe.ok("execution", "completed-at", execution)
    pipe.fails(2, "completed", "step", "init", execution, "more", models, "*")
    pipe.ok("step", "init", execution, "more", models, "*", "--reopen")
    assert pipe.ok("execution", "last-successful", "--pipeline", "nightly") == NONE


def test_two_files_with_one_name_are_refused_and_both_are_named(pipe, models):
    (models / "same.txt").write_text("other", encoding="utf-8")
    execution = pipe.ok("execution", "init")
    said = pipe.fails(2, "duplicate-model", "step", "init", execution, "load", models, "*")
    assert f"{models}/same.sql" in said and f"{models}/same.txt" in said
    assert pipe.json("step", "list", execution) == []
    pipe.ok("step", "init", execution, "load", models, "*", "--duplicates", "last")


def checksums(pipe, step):
    return dict(map(tuple, pipe.store.query(
        f"select model_name, checksum from dpo.execution_step_model where execution_step_id = "
        f"'{step}'")))


def test_trusted_times_spare_reading_and_nothing_else_does(pipe, models):
    long_ago = time.time() - 3600
    for path in models.iterdir():
        os.utime(path, (long_ago, long_ago))

    def step(*options):
        execution = pipe.ok("execution", "init")
        return checksums(pipe, pipe.ok("step", "init", execution, "load", models, "*", *options))

    first = step("--trust-mtime")
    changed = models / "changed.sql"
    changed.write_text("CHANGED", encoding="utf-8")  # as long as before
    os.utime(changed, (long_ago, long_ago))
    assert step("--trust-mtime") == first
    assert step()["changed"] == hashlib.sha256(b"CHANGED").hexdigest()
    os.utime(changed, (long_ago, long_ago + 1))
    assert step("--trust-mtime")["changed"] == hashlib.sha256(b"CHANGED").hexdigest()


# --- many ---------------------------------------------------------------------------------------------

@pytest.mark.timeout(900)  # with LEAT_MODELS=100000
def test_many_models_take_little_more_than_hashing_them_and_little_memory(leat, tmp_path):
    base = tmp_path / "many"
    for i in range(MODELS):
        if i % 1000 == 0:
            folder = base / f"f{i // 1000}"
            folder.mkdir(parents=True)
        (folder / f"model_{i}.sql").write_bytes(f"{i:016}".encode() * 64)
    state = ["--state", str(tmp_path / "state.db")]

    def measure(command):
        start = time.monotonic()
        subprocess.run(command, check=True, shell=True, stdout=subprocess.DEVNULL, env=leat.env)
        return time.monotonic() - start

    ratios = []
    for _ in range(3):
        execution = leat.ok("execution", "init", *state).stdout.strip()
        other = measure(f"find {base} -type f -print0 | xargs -0 -P2 sha256sum")
        ours = measure(f"{leat.binary} step init {execution} load {base} '**/*.sql' "
                       f"--state {state[1]}")
        ratios.append(ours / other)
    print("leat / find | xargs -P2 sha256sum:", [round(ratio, 2) for ratio in ratios])
    peak = leat.peak_kib("step", "init", execution, "again", base, "**/*.sql", *state)
    print("peak KiB:", peak)
    assert leat.ok("execution", "show", execution, "--json", *state).stdout.count(
        f'"models":{MODELS}') == 2
    assert peak < 64 * 1024
    if MODELS >= 100000:  # with fewer the start of two programs is what is measured
        assert min(ratios) <= 1.3, ratios


CYCLE = """
set -e
while [ -e {flag} ]; do
    e=$({leat} dpo -l ERROR {url} init-execution)
    s=$({leat} dpo -l ERROR {url} init-step $e load {base} '*.sql')
    last=$({leat} dpo -l ERROR {url} get-last-successful-execution)
    {leat} dpo -l ERROR {url} compare-step-models $s NO_LAST_SUCCESSFUL_EXECUTION >/dev/null
    {leat} dpo -l ERROR {url} complete-step $s -r 1
    {leat} dpo -l ERROR {url} complete-execution $e
    echo $e
done
"""


@pytest.mark.timeout(300)  # with LEAT_EXECUTION_SECONDS=60
def test_many_processes_at_once_and_some_killed_leave_nothing_half_written(
        leat, dpo_database, models, tmp_path):  # noqa: F811
    dpo_database.execute("truncate dpo.execution cascade")
    dpo = postgres_dpo(leat, dpo_database)
    flag = tmp_path / "go"
    flag.touch()
    script = CYCLE.format(leat=leat.binary, url=dpo.location, base=models, flag=flag)
    children = [subprocess.Popen(["bash", "-c", script], env=leat.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, start_new_session=True)
                for _ in range(PROCESSES)]
    time.sleep(SECONDS)
    killed = children[::4]
    for child in killed:
        os.killpg(child.pid, signal.SIGKILL)
    flag.unlink()
    cycles = 0
    for child in children:
        out, err = child.communicate(timeout=100)
        assert child in killed or (child.returncode, err) == (0, b""), err
        cycles += out.count(b"\n")
    print("cycles:", cycles)
    completed, = dpo.rows("select count(*) from dpo.execution where status = 'COMPLETED'")[0]
    assert completed >= cycles > 0
    # A step is there with all its models, or not at all.
    assert dpo.rows("select count(*) from dpo.execution_step s where (select count(*) from "
                    "dpo.execution_step_model m where m.execution_step_id = s.execution_step_id) "
                    "<> 3 or s.status = 'INITIALISED'") == [(0,)]
    assert dpo.rows("select count(*) from dpo.execution e where status = 'IN_PROGRESS' and not "
                    "exists (select from dpo.execution_step s where s.execution_id = "
                    "e.execution_id)") == [(0,)]
    open_ones, = dpo.rows("select count(*) from dpo.execution where status <> 'COMPLETED'")[0]
    assert open_ones <= len(killed)
