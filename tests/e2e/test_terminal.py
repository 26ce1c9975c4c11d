"""What people see: screens of a real terminal emulator, kept as golden text."""
import re
import sqlite3

import pytest

from conftest import needed
from terminal import Terminal, check_golden, have

ESCAPE = "\x1b"


@pytest.fixture
def terminal(leat):
    """Opens terminals of the program's home; all are closed in the end."""
    if not have("tmux"):
        needed("no tmux here: apt install tmux")
    opened = []

    def open_one(columns=80, rows=24, **env):
        opened.append(Terminal(leat, columns, rows, env))
        return opened[-1]

    yield open_one
    for each in opened:
        each.__exit__()


@pytest.fixture
def shop(leat):
    db = sqlite3.connect(leat.home / "shop.db")
    db.executescript(
        "CREATE TABLE goods (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2), "
        "note TEXT); CREATE TABLE orders (id INTEGER PRIMARY KEY, goods INTEGER REFERENCES goods);"
        "CREATE VIEW cheap AS SELECT * FROM goods WHERE price < 5;")
    db.executemany("INSERT INTO goods VALUES (?, ?, ?, ?)", [
        (1, "tea", 3.5, None), (2, "お茶の葉", 12, "wide"), (3, "cafe\u0301", 4.25, "combining"),
        (4, "🫖 pot", 20, "two\nlines\tand\x1b[31m red"), (5, "long " + "x" * 90, 1, "NULL"),
        (6, "", 0, "")])
    db.executemany("INSERT INTO orders VALUES (?, ?)", [(i, i % 6 + 1) for i in range(1, 1001)])
    db.commit()
    db.close()


def test_a_session_at_80_columns(terminal, shop):
    window = terminal()
    check_golden("streams", window.run("leat streams shop.db"))
    check_golden("query", window.run("leat query shop.db 'SELECT * FROM goods ORDER BY id'"))
    check_golden("describe", window.run("leat describe shop.db#goods"))
    check_golden("mistakes", window.run("leat qurey shop.db", "leat cp shop.db#godos a.csv",
                                        "leat cp shop.db a.db --replcae"))
    check_golden("copy", window.run("leat cp shop.db copy.db --exclude cheap",
                                    "leat diff shop.db#goods copy.db#goods"))


def test_a_narrow_terminal_shows_lists_and_cuts_what_is_too_wide(terminal, shop):
    window = terminal(columns=40)
    check_golden("query_narrow", window.run(
        "leat query shop.db 'SELECT *, note AS again, note AS a, note AS b, note AS c FROM goods "
        "WHERE id IN (1, 4)'"))
    check_golden("streams_narrow", window.run("leat streams shop.db"))


def test_differences_keep_their_columns_apart(terminal, shop, leat):
    leat.ok("cp", "shop.db", "copy.db", "--exclude", "cheap")
    db = sqlite3.connect(leat.home / "copy.db")
    db.execute("UPDATE goods SET name = 'tea, of another kind altogether', price = 4 WHERE id < 3")
    db.execute("DELETE FROM goods WHERE id = 6")
    db.commit()
    db.close()
    check_golden("diff", terminal().run("leat diff shop.db#goods copy.db#goods"))


def test_colours_are_for_terminals_that_want_them(terminal, shop):
    line = "leat query shop.db 'SELECT NULL AS n'"
    window = terminal()
    window.run(line)
    assert f"{ESCAPE}[1mn" in window.screen("-e") and f"{ESCAPE}[2mNULL" in window.screen("-e")
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        setting = " ".join(f"{name}={value}" for name, value in variables.items())
        window.run(f"{setting} {line}")
        assert "NULL" in window.screen() and ESCAPE not in window.screen("-e")


@pytest.fixture
def slow_rows(leat):
    """A command that gives rows and waits, till the file `go` is there, and gives the rest."""
    (leat.home / "rows.sh").write_text(
        "echo id,name\nseq -f '%.0f,some name of a row' 1 200000\n"
        "while [ ! -e go ]; do sleep 0.05; done\necho 0,end\n", encoding="utf-8")
    return "sh rows.sh | leat cp csv:- rows.csv"


PROGRESS = re.compile(r"^\S+: [\d,]+ rows, .*$", re.M)


def progress_of(screen):
    """The screen's progress lines; the last line of a run has "counts equal"."""
    return [line for line in PROGRESS.findall(screen) if "equal" not in line]


def test_progress_stands_on_one_line_that_goes_away(terminal, slow_rows, leat):
    window = terminal()
    window.type(slow_rows)
    screen = window.wait_for(progress_of)
    assert len(progress_of(screen)) == 1 and "rows/s" in progress_of(screen)[0]
    (leat.home / "go").touch()
    screen = window.wait_for(lambda screen: screen.count("$") == 2)
    assert not progress_of(screen), screen
    assert "200,001 rows" in screen


def test_progress_fits_a_terminal_that_became_narrow(terminal, slow_rows, leat):
    window = terminal(columns=100)
    window.type(slow_rows)
    window.wait_for(progress_of)
    window.resize(30)
    screen = window.wait_for(lambda screen: any(line.endswith("…") for line in progress_of(screen)))
    assert all(len(line) < 30 for line in progress_of(screen) if line.endswith("…"))
    window.resize(100)
    window.wait_for(lambda screen: any("rows/s" in line for line in progress_of(screen)))
    (leat.home / "go").touch()
    assert "counts equal" in window.wait_for(lambda screen: "200,001 rows" in screen)


def test_a_dumb_terminal_gets_no_line_that_it_could_not_take_back(terminal, slow_rows, leat):
    window = terminal()
    window.type("export TERM=dumb")
    (leat.home / "go").touch()
    window.type(f"{slow_rows} && echo done")
    screen = window.wait_for(lambda screen: "\ndone" in screen)
    assert not progress_of(screen) and ESCAPE not in window.screen("-e")


def test_every_size_of_a_terminal_holds_its_tables(terminal, shop):
    window = terminal(columns=80)
    for columns in (20, 33, 57, 120):
        window.resize(columns)
        screen = window.run("leat query shop.db --file /dev/stdin <<< 'SELECT id, name FROM goods'")
        lines = [line for line in screen.splitlines() if "…" in line]
        assert bool(lines) == (columns < 100) and all(line.endswith("…") for line in lines), screen


def test_a_passphrase_is_asked_for_and_not_shown(terminal, shop, leat):
    secret = "correct horse battery"
    leat.ok("config", "connections", "add", "here", f"sqlite:{leat.home}/shop.db",
            env={"LEAT_PASSPHRASE": secret})
    window = terminal()
    window.type("leat user login")
    window.wait_for(lambda screen: "assphrase" in screen)
    window.type(secret)
    screen = window.wait_for(lambda screen: screen.rstrip("\n").endswith("\n$"))
    try:
        assert "horse" not in screen
        check_golden("passphrase", screen)
        assert "goods" in leat.ok("streams", "here").stdout  # nobody need be asked any more
    finally:
        leat("user", "logout")
