"""Help, errors, streams of output: how the program behaves towards people and scripts."""
import json
import os
import pty
import signal
import sqlite3
import time

import pytest

pytestmark = pytest.mark.quick


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    return path


@pytest.mark.asan
@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["cp", "--help"], ["help", "cp"],
                                       ["help", "errors"], ["version"], ["connectors"],
                                       ["completion", "bash"]])
def test_help_goes_to_standard_output_with_status_0(leat, arguments):
    done = leat.ok(*arguments)
    assert done.stdout.strip() and done.stderr == ""


def test_connectors_are_listed_as_objects(leat):
    listed = [json.loads(line) for line in leat.ok("connectors", "--json").stdout.splitlines()]
    assert {c["connector"] for c in listed} >= {"file", "postgres", "sqlite"}
    for short in listed:
        whole = json.loads(leat.ok("connectors", short["connector"], "--json").stdout)
        assert whole.items() >= short.items() and whole["options"]
        text = leat.ok("connectors", short["connector"]).stdout
        assert all(f"--{option['name']}" in text for option in whole["options"])
        assert all(option["help"] and option["kind"] for option in whole["options"])
    password = json.loads(leat.ok("connectors", "postgres", "--json").stdout)["options"][0]
    assert (password["name"], password["kind"], password["default"]) == ("password", "secret", None)
    assert "csv" in [f["name"] for f in json.loads(
        leat.ok("connectors", "file", "--json").stdout)["formats"]]
    leat.fails(2, "unknown-scheme", "connectors", "nosuch", "--json")


@pytest.mark.asan
@pytest.mark.parametrize("arguments, meant", [
    (["cpp", "a", "b"], "cp"), (["cp", "a.csv", "b.csv", "--replcae"], "replace"),
    (["cp", "a.csv", "b.csv", "--log-fromat=json"], "log-format")])
def test_misspelt_words_are_answered_with_the_closest(leat, arguments, meant):
    done = leat(*arguments)
    assert done.returncode == 2 and meant in done.stderr and done.stdout == ""


def test_options_that_neither_side_takes_are_errors_that_say_whose_they_are(leat, csv_file,
                                                                            tmp_path):
    db = tmp_path / "a.db"
    leat.ok("cp", csv_file, db)
    for arguments in (["cp", db, f"sqlite:{tmp_path}/b.db", "--delimiter=;"],
                      ["streams", db, "--delimiter=;"]):
        done = leat.fails(2, "unknown-option", *arguments)
        assert "option of file" in done.stderr and not (tmp_path / "b.db").exists()
    # One side knows it.
    leat.ok("cp", db, tmp_path / "b.csv", "--delimiter=;")
    # The connector does, but for another format.
    leat.fails(2, "unknown-option", "cp", db, tmp_path / "b.arrow", "--delimiter=;")
    leat.fails(2, "unknown-option", "cp", csv_file, tmp_path / "c.csv", "--line-endings=lf")
    # An environment is shared by many commands.
    leat.ok("cp", db, f"sqlite:{tmp_path}/b.db", env={"LEAT_DELIMITER": ";"})
    leat.ok("cp", db, tmp_path / "c.csv", env={"LEAT_DELIMITER": ";"})
    assert (tmp_path / "c.csv").read_text(encoding="utf-8").startswith("id;name")


@pytest.mark.asan
@pytest.mark.parametrize("arguments", [["cp"], ["cp", "a.csv"], ["cp", "a", "b", "c"],
                                       ["cp", "a.csv", "b.csv", "--limit=x"],
                                       ["cp", "a.csv", "b.csv", "--memory=lots"],
                                       ["cp", "a.csv", "b.csv", "--on-error=never"]])
def test_wrong_usage_has_status_2(leat, arguments):
    done = leat(*arguments)
    assert done.returncode == 2 and (done.stderr or done.stdout)


def test_usage_errors_name_the_help_that_explains_them(leat):
    assert "leat help cp" in leat.fails(2, "usage", "cp", "a.csv").stderr


def test_a_reader_that_had_enough_of_the_help_is_not_told_of_an_error(leat):
    reader, writer = os.pipe()
    os.close(reader)
    child = leat.start("help", "cp", stdout=writer)
    os.close(writer)
    assert child.wait(20) == 141 and child.stderr.read() == b""


def test_a_full_device_under_the_help_is_told(leat):
    with open("/dev/full", "wb") as full:
        child = leat.start("help", "cp", stdout=full)
        assert child.wait(20) == 1 and b"[io]" in child.stderr.read()


def test_a_copy_says_one_line_a_stream_on_standard_error_and_nothing_else(leat, csv_file, tmp_path):
    done = leat.ok("cp", csv_file, tmp_path / "out.arrow")
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("orders: 2 rows, ")
    assert "counts equal" in lines[0]


def test_quiet_says_nothing_on_success_and_still_tells_of_failures(leat, csv_file, tmp_path):
    done = leat.ok("cp", csv_file, tmp_path / "out.arrow", "-q")
    assert done.stdout == "" and done.stderr == ""
    done = leat("cp", tmp_path / "none.csv", tmp_path / "out.arrow", "-q")
    assert done.returncode == 2 and "[not-found]" in done.stderr


def test_errors_have_code_place_and_remedy_on_one_line(leat, csv_file, tmp_path):
    done = leat.fails(2, "unknown-column", "cp", csv_file, tmp_path / "o.csv", "--columns=nmae")
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("leat: [unknown-column] ")


def test_json_logs_are_json_line_by_line(leat, csv_file, tmp_path):
    done = leat.ok("cp", csv_file, tmp_path / "out.arrow", "--log-format=json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["result"] and lines[0]["rows"] == 2
    done = leat("cp", tmp_path / "none.csv", tmp_path / "o.arrow", "--log-format=json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[-1]["level"] == "error" and lines[-1]["code"] == "not-found"


def test_overviews_fit_80_columns(leat):
    for words in (["--help"], ["help", "config"], ["help", "step"], ["help", "state"]):
        shown = leat.ok(*words).stdout
        assert max(map(len, shown.splitlines())) <= 80, words


def test_the_report_tells_rows_route_and_proof(leat, csv_file, tmp_path):
    report = tmp_path / "report.json"
    leat.ok("cp", csv_file, tmp_path / "out.arrow", f"--report={report}")
    told = json.loads(report.read_text(encoding="utf-8"))
    stream = told["streams"][0]
    assert stream["rows_read"] == stream["rows_written"] == 2 and stream["committed"] is True
    assert stream["route"] and stream["proof"] and told["error"] is None


def test_a_dry_run_reports_what_would_be_done(leat, csv_file, tmp_path):
    report = tmp_path / "report.json"
    words = leat.ok("cp", csv_file, f"sqlite:{tmp_path}/out.db", "-n", "--report", report).stdout
    told = json.loads(report.read_text(encoding="utf-8"))
    [stream] = told["streams"]
    assert told["dry_run"] is True and told["error"] is None
    assert stream["plan"] == words and "CREATE TABLE" in words and stream["route"]
    assert (stream["committed"], stream["attempts"], stream["load_id"]) == (False, 0, "")
    assert not (tmp_path / "out.db").exists()
    # On standard output it stands alone.
    alone = json.loads(leat.ok("cp", csv_file, f"sqlite:{tmp_path}/out.db", "-n", "--report=-").stdout)
    assert alone["streams"][0]["plan"] == words
    leat.ok("cp", csv_file, f"sqlite:{tmp_path}/out.db", "--report", report)
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["dry_run"] is False and told["streams"][0]["plan"] is None


def test_a_dry_run_of_several_streams_reports_each_with_its_own_words(leat, tmp_path):
    db = sqlite3.connect(tmp_path / "s.db")
    db.executescript("create table a (x int primary key); create table b (y int references a);"
                     "insert into a values (1)")
    db.close()
    report = tmp_path / "report.json"
    for words, streams in ((["cp", f"{tmp_path}/s.db"], "ab"), (["cp", "meta", f"{tmp_path}/s.db"], "ab"),
                           (["cp", "delta", "-d", "x", f"{tmp_path}/s.db#a"], "a"),
                           (["sync", "batch", f"{tmp_path}/s.db#a"], "a")):
        done = leat.ok(*words, f"{tmp_path}/t.db", "-n", "--report", report)
        told = json.loads(report.read_text(encoding="utf-8"))
        plans = {stream["source"]: stream["plan"] for stream in told["streams"]}
        assert told["dry_run"] and set(plans) == set(streams), words
        assert all(plan and plan in done.stdout for plan in plans.values()), words
        assert len(set(plans.values())) == len(streams), words
        report.unlink()
    leat.fails(2, "column-mismatch", "cp", f"{tmp_path}/s.db#a", f"{tmp_path}/s.db#b", "-n", "--append",
               "--schema", "strict", "--report", report)
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["error"]["code"] == told["streams"][0]["error"]["code"] == "column-mismatch"


def test_a_dry_run_of_a_comparison_and_of_a_pipe_is_reported(leat, csv_file, tmp_path):
    report = tmp_path / "report.json"
    words = leat.ok("diff", csv_file, csv_file, "-p", "id", "-n", "--report", report).stdout
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["dry_run"] and told["streams"][0]["plan"] == words and words
    pipe = tmp_path / "p.yaml"
    pipe.write_text(leat.ok("cp", csv_file, tmp_path / "o.csv", "--as-pipe", "yaml").stdout, encoding="utf-8")
    words = leat.ok("pipe", "run", pipe, "-n", "--report", report).stdout
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["dry_run"] and told["plan"] == words and told["steps"] == []
    assert not (tmp_path / "o.csv").exists()
    leat.ok("pipe", "run", pipe, "--report", report)
    told = json.loads(report.read_text(encoding="utf-8"))
    assert not told["dry_run"] and told["plan"] is None and len(told["steps"]) == 1


def test_the_report_of_a_failed_run_holds_its_error(leat, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"id,name\n1,\xff\n")
    report = tmp_path / "report.json"
    done = leat("cp", bad, tmp_path / "out.arrow", f"--report={report}")
    assert done.returncode in (1, 2)
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["error"]["code"] == "invalid-utf8"


def test_flags_can_come_from_the_environment_and_the_command_line_wins(leat, csv_file, tmp_path):
    leat.ok("cp", csv_file, tmp_path / "a.csv", env={"LEAT_LIMIT": "1"})
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").count("\n") == 2
    leat.ok("cp", csv_file, tmp_path / "b.csv", "--limit=2", env={"LEAT_LIMIT": "1"})
    assert (tmp_path / "b.csv").read_text(encoding="utf-8").count("\n") == 3


def test_named_connections_come_from_the_environment(leat, csv_file, tmp_path):
    env = {"LEAT_CONN_SHOP": f"sqlite:{tmp_path}/shop.db"}
    leat.ok("cp", csv_file, "shop.orders", env=env)
    done = leat.ok("cp", "shop.orders", "csv:-", env=env)
    assert done.stdout.splitlines()[0] == "id,name"


def on_a_terminal(leat, *arguments, env=None):
    """Runs with standard error on a terminal of its own; what it wrote there."""
    mine, its = pty.openpty()
    child = leat.start(*arguments, env={"TERM": "xterm", **(env or {})}, stderr=its)
    os.close(its)
    text = b""
    try:
        while block := os.read(mine, 4096):
            text += block
    except OSError:
        pass
    os.close(mine)
    child.communicate()
    return text


def test_colour_only_on_a_terminal_and_never_with_no_color(leat, tmp_path):
    arguments = ["cp", tmp_path / "none.csv", tmp_path / "out.csv"]
    assert "\x1b" not in leat(*arguments).stderr
    assert b"\x1b[" in on_a_terminal(leat, *arguments)
    assert b"\x1b[3" not in on_a_terminal(leat, *arguments, env={"NO_COLOR": "1"})


def test_binary_data_never_goes_to_a_terminal(leat, csv_file):
    mine, its = pty.openpty()
    child = leat.start("cp", csv_file, "arrow:-", stdout=its)
    os.close(its)
    _, err = child.communicate(timeout=60)
    os.close(mine)
    assert child.returncode == 2 and b"terminal" in err


def test_progress_as_json_is_for_machines(leat, pg_db, tmp_path):
    pg_db.execute("create table t as select g as id, md5(g::text) as x "
                  "from generate_series(1, 1500000) g")
    done = leat.ok("cp", pg_db.stream("t"), tmp_path / "t.csv", "--progress=json",
                   "--log-format=json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines].count("result") == 1
    assert any(line["level"] == "progress" for line in lines)
    assert all(line["level"] in ("progress", "result") for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_within_a_second_and_leaves_nothing(leat, pg_db, tmp_path, number):
    pg_db.execute("create table t as select g as id, md5(g::text) as x "
                  "from generate_series(1, 1000000) g",
                  "create view slow as select id, x, pg_sleep(0.001)::text as z from t")
    for destination in (f"sqlite:{tmp_path}/t.db#t", str(tmp_path / "t.csv"),
                        pg_db.stream("copy")):
        child = leat.start("cp", pg_db.stream("slow"), destination)
        time.sleep(0.7)
        assert child.poll() is None
        began = time.monotonic()
        child.send_signal(number)
        _, err = child.communicate(timeout=30)
        assert time.monotonic() - began < 3
        assert child.returncode == 128 + number, err
    assert not (tmp_path / "t.csv").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name not in ("home", "t.db")] == []
    assert pg_db.tables() == ["t"]
