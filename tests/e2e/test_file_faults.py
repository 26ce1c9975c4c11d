"""A disk that fails at any one call: each write, rename and sync of a copy in turn. What the copy
says of the destination is what is there, and run again it brings its rows once."""
import errno
import pathlib
import shutil
import sqlite3
import subprocess

import pytest

ROWS = {"old": ["1"], "new": ["2"]}


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    library = tmp_path_factory.mktemp("faults") / "file_faults.so"
    source = pathlib.Path(__file__).with_name("file_faults.c")
    subprocess.run([shutil.which("cc"), "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC",
                    "-o", library, source, "-ldl"], check=True)
    return library


def directory_rows(folder):
    """As the files have them that a reader is to see: leat has recovered before."""
    return sorted(line for file in folder.rglob("*.csv") if not file.name.startswith(".")
                  for line in file.read_text().splitlines()[1:])


def sqlite_rows(path):
    if not path.exists():
        return []
    with sqlite3.connect(path) as db:
        return sorted(str(row[0]) for row in db.execute("select id from t"))


def file_rows(path):
    return path.read_text().splitlines()[1:]


DESTINATIONS = {
    "directory": ("out/#t", ["--format=csv"], lambda tmp: directory_rows(tmp / "out")),
    "file": ("out.csv", [], lambda tmp: file_rows(tmp / "out.csv")),
    "sqlite": ("sqlite:out.db#t", [], lambda tmp: sqlite_rows(tmp / "out.db")),
}


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("kind, mode", [("directory", "append"), ("directory", "replace"), ("file", "replace"),
                                        ("sqlite", "append")])
def test_a_disk_that_fails_once_never_doubles_or_loses_rows(leat, preload, tmp_path, kind, mode, number):
    leat.cwd = tmp_path
    location, options, rows = DESTINATIONS[kind]
    both = sorted(ROWS["old"] + ROWS["new"]) if mode == "append" else ROWS["new"]
    for word in ROWS:
        (tmp_path / f"{word}.csv").write_text("\n".join(["id", *ROWS[word], ""]))
    copy = ("cp", "new.csv", location, f"--{mode}", *options)
    ends, at, log = set(), 0, tmp_path / "struck"
    while True:
        at += 1
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        for file in [*tmp_path.glob("out.*"), *tmp_path.glob(".out*")]:
            file.unlink()
        leat.ok("cp", "old.csv", location, *options)
        log.unlink(missing_ok=True)
        done = leat(*copy, env={"LD_PRELOAD": str(preload), "LEAT_FAULT_AT": str(at),
                                              "LEAT_FAULT_ERRNO": str(number), "LEAT_FAULT_LOG": str(log)})
        if not log.exists():
            break
        assert "connection" not in done.stderr  # there is none
        if kind == "directory":
            leat.ok("cp", location, "seen.csv", "--replace")  # a reader recovers
        if done.returncode == 0:
            assert rows(tmp_path) == both, (at, done.stderr)
        elif "outcome-unknown" in done.stderr:
            assert rows(tmp_path) in (ROWS["old"], both), (at, done.stderr)
        else:
            assert rows(tmp_path) == ROWS["old"], (at, done.stderr)
            leat.ok(*copy)
            assert rows(tmp_path) == both, (at, done.stderr)
        ends.add(done.returncode)
    assert at > 20 and 0 in ends  # it did strike
    assert number == errno.EIO or len(ends) > 1  # what may pass is tried again
