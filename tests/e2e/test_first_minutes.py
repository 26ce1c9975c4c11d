"""The README's first ten minutes: its commands, as they stand there, in one shell of a new user."""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import leat_binary
from postgres import PASSWORD

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
TABLES = 1000


def commands():
    """The lines behind a prompt of that section's blocks."""
    section = README.read_text(encoding="utf-8").split("## The first ten minutes\n", 1)[1]
    blocks = re.findall(r"^```\n(.*?)^```$", section.split("\n## ", 1)[0], re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.timeout(300)
def test_the_first_ten_minutes(pg_db, pg_db2, tmp_path):
    pg_db.execute("create schema shop", *(
        f"create table shop.t{i:04d} (id int primary key, name text not null, price numeric(10,2)); "
        f"insert into shop.t{i:04d} select g, 'n' || g, g / 7.0 from generate_series(1, 5) g"
        for i in range(TABLES)))
    home = tmp_path / "home"
    home.mkdir()
    lines = commands()
    assert len(lines) >= 10
    script = "set -e\n" + "".join(f"echo '$' {line.splitlines()[0]!r} >&2; {line}\n" for line in lines)
    env = {"PATH": f"{leat_binary().parent}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8",
           "SHOP_URL": pg_db.url, "COPY_URL": pg_db2.url}
    done = subprocess.run(["bash", "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr

    def sums(database, schema):
        with database.connect() as connection:
            return [connection.execute(f"select count(*), sum(price), max(name) from {schema}.t{i:04d}")
                    .fetchone() for i in range(0, TABLES, 37)]

    assert sums(pg_db2, "shop") == sums(pg_db, "shop")
    with pg_db2.connect() as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'shop' and "
                                  "tablename like 't____'").fetchone()[0] == TABLES
