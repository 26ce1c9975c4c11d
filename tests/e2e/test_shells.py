"""Completion, tried in the shells themselves; manual pages, rendered."""
import re
import shutil
import socket
import sqlite3
import subprocess
import time

import pytest

from conftest import needed
from terminal import Terminal

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile"], "source <(leat completion bash)"),
    "zsh": (["zsh", "-f"], "source <(leat completion zsh)"),
    "fish": (["fish", "--no-config"], "leat completion fish | source"),
}


@pytest.fixture
def at_shell(leat):
    """Opens a terminal with a shell that has read leat's completion."""
    opened = []

    def open_one(shell):
        for program in ("tmux", shell):
            if not shutil.which(program):
                needed(f"no {program} here: apt install {program}")
        command, setting = SHELLS[shell]
        window = Terminal(leat, columns=100, env={"LEAT_CONN_WAREHOUSE": "sqlite:w.db"},
                          shell=command)
        opened.append(window)
        if shell == "fish":
            window.type("function fish_prompt; echo '$ '; end; set -g fish_greeting; "
                        "set -g fish_autosuggestion_enabled 0")
        window.type(setting)
        return window

    yield open_one
    for each in opened:
        each.__exit__()


def completed(window, begun, whole):
    """Types the beginning of a line and Tab, and waits until it stands there whole."""
    window.tmux("send-keys", "C-u")
    window.tmux("send-keys", "-l", begun)
    window.wait_for(lambda screen: begun in screen)
    window.tmux("send-keys", "Tab")
    window.wait_for(lambda screen: whole in screen)
    window.tmux("send-keys", "C-u")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_choices_connections_and_files(leat, at_shell, shell):
    (leat.home / "orders-of-today.csv").write_text("id\n1\n", encoding="utf-8")
    window = at_shell(shell)
    completed(window, "leat desc", "leat describe")
    completed(window, "leat execution last", "leat execution last-successful")
    completed(window, "leat cp del", "leat cp delta")
    completed(window, "leat cp delta a b --lookb", "leat cp delta a b --lookback")
    completed(window, "leat cp a b --on-error sk", "leat cp a b --on-error skip")
    completed(window, "leat cp a b --on-error=sk", "leat cp a b --on-error=skip")
    completed(window, "leat query warehouse 'select 1' --format parq", "--format parquet")
    completed(window, "leat describe a.csv --as sql", "leat describe a.csv --as sqlite")
    completed(window, "leat describe a.csv --as=sql", "leat describe a.csv --as=sqlite")
    completed(window, "leat cp a b --on-loss te", "leat cp a b --on-loss text")
    completed(window, "leat cp a b --schema igno", "leat cp a b --schema ignore")
    completed(window, "leat cp a b --mode incr", "leat cp a b --mode incremental")
    completed(window, "leat cp a b --with foreign-keys,ind", "--with foreign-keys,indexes")
    completed(window, "leat cp a b --with=foreign-keys,ind", "--with=foreign-keys,indexes")
    completed(window, "leat config defaults add on-error sk", "leat config defaults add on-error skip")
    completed(window, "leat streams wareh", "leat streams warehouse")
    completed(window, "leat cp orders-of", "leat cp orders-of-today.csv")
    completed(window, "leat help comple", "leat help complet")


@pytest.mark.parametrize("shell", SHELLS)
def test_its_script_is_read_without_a_word(leat, shell):
    if not shutil.which(shell):
        needed(f"no {shell} here: apt install {shell}")
    script = leat.ok("completion", shell).stdout
    done = subprocess.run([*SHELLS[shell][0], "-c", script], env=leat.env, check=False,
                          capture_output=True, text=True, timeout=60)
    # Outside of an editor zsh has no completion to be told of.
    assert done.returncode == 0 and done.stderr == "", done.stderr


def words(leat, *given, env=None):
    lines = leat.ok("complete", "--", *given, env=env).stdout.splitlines()
    return [line.split("\t")[0] for line in lines]


@pytest.mark.quick
def test_what_may_follow_is_told_by_the_tables(leat):
    assert words(leat, "verif") == ["verify"]
    assert {"delta", "meta", ":files"} <= set(words(leat, "cp", ""))
    assert words(leat, "cp", "a", "--format=jso") == ["--format=jsonl", "--format=json"]
    assert words(leat, "cp", "a", "--format", "=", "parq") == ["parquet"]
    assert words(leat, "diff", "a", "b", "--as", "") == ["table", "json"]
    assert words(leat, "query", "a", "--format", "") == ["table", "csv", "jsonl", "json", "arrow", "arrows", "parquet"]
    assert {"postgres", "sqlite", "csv", "parquet"} <= set(words(leat, "describe", "a", "--as", ""))
    assert words(leat, "cp", "a", "b", "--mode=") == [f"--mode={each}" for each in (
        "full-refresh", "truncate", "snapshot", "append", "incremental", "merge",
        "ro", "rw", "rwc", "immutable")]  # and those of SQLite
    assert words(leat, "cp", "delta", "a", "b", "--incremental-strategy", "d") == ["delete+insert"]
    assert words(leat, "cp", "a", "--with", "indexes,") == ["indexes,foreign-keys", "indexes,defaults"]
    assert words(leat, "step", "compare", "x", "--changes=added,r") == ["--changes=added,removed"]
    assert words(leat, "cp", "--state", "no") == ["none", ":files"]
    assert words(leat, "cp", "--replace=") == ["--replace=true", "--replace=false"]
    assert words(leat, "cp", "--partition-by", "d") == []
    assert "warehouse" in words(leat, "cp", "a", "b", "--also", "w", env={"LEAT_CONN_WAREHOUSE": "sqlite:w.db"})
    assert words(leat, "config", "defaults", "add", "on-lo") == ["on-loss"]
    assert words(leat, "config", "defaults", "add", "on-loss", "") == ["error", "null", "text"]
    # A connector's own flag takes no value either.
    assert ":files" in words(leat, "cp", "--null-quoted", "")
    # An option of one action is none of another's.
    assert words(leat, "cp", "a", "b", "--lookb") == []
    # A flag takes no value: what stands behind it is an argument.
    assert ":files" in words(leat, "cp", "--quiet", "")
    assert "warehouse" in words(leat, "query", "ware", env={"LEAT_CONN_WAREHOUSE": "sqlite:w.db"})
    assert words(leat, "no-such-command", "") == [] == words(leat)


def test_streams_of_a_connection_are_candidates(leat, pg_db, tmp_path):
    with sqlite3.connect(tmp_path / "w.db") as lite:
        lite.executescript("create table orders (a); create table odds (a); create table \"a b\" (c);"
                           "create view seen as select 1")
    pg_db.execute("create schema s", "create table s.deep (a int)", "create table flat (a int)")
    env = {"LEAT_CONN_W": f"sqlite:{tmp_path}/w.db", "LEAT_CONN_PG": pg_db.url}
    assert words(leat, "cp", "w.", env=env) == ["w.odds", "w.orders", "w.seen", ":files"]
    assert words(leat, "diff", "a.csv", "w.or", env=env) == ["w.orders", ":files"]
    assert words(leat, "cp", "pg.fl", env=env) == ["pg.flat", ":files"]
    assert words(leat, "cp", "pg.s.", env=env) == ["pg.s.deep", ":files"]
    assert "w.orders\ttable" in leat.ok("complete", "--", "streams", "w.", env=env).stdout


def test_a_connection_that_does_not_answer_is_silent_and_soon_given_up(leat, tmp_path):
    asked = tmp_path / "asked"
    for url in ("postgres://127.0.0.1:1/x", "postgres://u:${cmd:touch " + str(asked) + "}@127.0.0.1:1/x", "nonsense"):
        done = leat("complete", "--", "cp", "down.", env={"LEAT_CONN_DOWN": url})
        assert (done.returncode, done.stdout, done.stderr) == (0, ":files\n", "")
    assert not asked.exists()  # nothing is run for a Tab
    with socket.socket() as listener:  # takes the connection, and says nothing
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"postgres://127.0.0.1:{listener.getsockname()[1]}/x?connect_timeout=60"
        started = time.monotonic()
        done = leat("complete", "--", "cp", "down.", env={"LEAT_CONN_DOWN": url, "LEAT_CONN_DOWN_TOO": "sqlite:x.db"})
        assert done.returncode == 0 and done.stderr == "" and time.monotonic() - started < 20


def commands(leat):
    """Names of all commands, as the reference has them."""
    text = leat.ok("docs", "commands").stdout
    heads = [line[8:] for line in text.splitlines() if line.startswith("## leat ")]
    names = []
    for head in heads:
        plain = [word for word in head.split() if word.islower() and word[0].isalpha()]
        names.append(" ".join(plain))
    return names


@pytest.mark.quick
def test_every_command_has_a_manual_page_that_renders_without_a_warning(leat):
    if not shutil.which("groff"):
        needed("no groff here: apt install groff-base")
    names = ["leat", *commands(leat)]
    assert len(names) > 25 and "cp delta" in names
    for name in names:
        page = leat.ok("docs", "man", *name.split()).stdout
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-K", "utf8"], input=page,
                              capture_output=True, text=True, check=True, timeout=60)
        assert done.stderr == "", f"{name}: {done.stderr}"
        shown = re.sub(".\b", "", done.stdout)  # a bold letter is struck twice
        assert "NAME" in shown and "EXIT STATUS" in shown


@pytest.mark.quick
def test_man_shows_a_page(leat, tmp_path):
    if not shutil.which("man"):
        needed("no man here: apt install man-db")
    path = tmp_path / "leat-cp.1"
    path.write_text(leat.ok("docs", "man", "cp").stdout, encoding="utf-8")
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", path], check=True,
                          env={**leat.env, "MANWIDTH": "80", "LANG": "C.UTF-8"},
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and "leat cp" in re.sub(".\b", "", done.stdout)
