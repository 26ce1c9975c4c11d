"""Files that are written while they are read."""
import os

import pytest

from conftest import wait_for

LINES = 600_000


def position(child, path):
    """How far the child has read the file; None where it does not have it open."""
    folder = f"/proc/{child.pid}/fd"
    for fd in os.listdir(folder):
        try:
            if os.path.realpath(f"{folder}/{fd}") == str(path):
                with open(f"/proc/{child.pid}/fdinfo/{fd}", encoding="ascii") as info:
                    return int(info.readline().split()[1])
        except FileNotFoundError:
            continue
    return None


def begin(leat, source, *arguments):
    """A copy whose output nobody takes yet, so that it stands in the middle of its source."""
    child = leat.start("cp", source, "csv:-", "--retries=0", *arguments)
    assert wait_for(lambda: (position(child, source) or 0) > 1_000_000)
    assert position(child, source) < source.stat().st_size
    return child


@pytest.fixture(params=["csv", "jsonl"])
def source(request, tmp_path):
    path = (tmp_path / f"in.{request.param}").resolve()
    line = '{"id":1%06d,"text":"some more of it, so that pipes and buffers are full of it"}\n'
    if request.param == "csv":
        line = "1%06d,some more of it so that pipes and buffers are full of it\n"
    with path.open("w", encoding="utf-8") as out:
        if request.param == "csv":
            out.write("id,text\n")
        out.writelines(line % i for i in range(LINES))
    return path


def test_a_file_written_anew_while_it_is_read_is_told(leat, source):
    child = begin(leat, source)
    with source.open("r+b") as out:
        out.seek(-20_000, os.SEEK_END)
        byte = out.read(1)
        out.seek(-20_000, os.SEEK_END)
        out.write(byte)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 75, err
    assert b"[source-cut]" in err and b"the file was changed while it was read" in err
    assert source.name.encode() in err and b"run again" in err


def test_a_file_that_grew_is_read_and_told(leat, source):
    last = source.read_bytes().splitlines(keepends=True)[-1]
    child = begin(leat, source)
    with source.open("ab") as out:
        out.write(last)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.count(b"\n") == LINES + 2
    assert err.count(b"the file grew while it was read") == 1
