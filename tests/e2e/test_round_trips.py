"""What a table costs in statements: for many small ones that is the time they take."""
import re

import pytest

COLUMNS = "id int primary key, name text, price numeric(10,2), at timestamptz"


def logged(database):
    """Its URL; what is sent there stands in the server's log, the test's own queries do not."""
    return f"{database.url}?options=-c%20log_statement%3Dall"


def fill(database, first, last):
    for i in range(first, last):
        database.execute(f"create table t{i:03d} ({COLUMNS})",
                         f"insert into t{i:03d} select g, 'n' || g, g, now() "
                         "from generate_series(1, 10) g")


def statements(leat, pg, source, target, *more):
    """What one command sends to both servers."""
    path = pg.root / "server.log"
    start = path.stat().st_size
    leat.ok("cp", f"{logged(source)}#public.", f"{logged(target)}#public.", *more)
    with open(path, encoding="utf-8", errors="replace") as log:
        log.seek(start)
        return re.findall(r"LOG:  (?:statement|execute [^:]*): (.*)", log.read())


def a_further_table(leat, pg, source, target, *more):
    """Tables of one command differ only in their names: the rest is what a connection costs, and
    whether ten tables keep a second one busy is a matter of time. It rounds away."""
    fill(source, 0, 10)
    few = statements(leat, pg, source, target, *more)
    fill(source, 10, 50)
    target.execute("drop schema public cascade", "create schema public")
    many = statements(leat, pg, source, target, *more)
    assert len(target.tables()) == 50 and target.count("t049") == 10
    assert len(many) - len(few) >= 40
    return (len(many) - len(few)) // 40


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_further_small_table_takes_few_statements(leat, pg, pg_db, pg_db2, parallel):
    """Reading it takes three, for its facts, columns and rows; making, filling and recording it
    eight or nine."""
    assert a_further_table(leat, pg, pg_db, pg_db2, f"--parallel={parallel}") <= 12


def test_replacing_a_small_table_takes_few_statements(leat, pg, pg_db, pg_db2):
    fill(pg_db, 0, 40)
    leat.ok("cp", f"{pg_db.url}#public.", f"{pg_db2.url}#public.")
    sent = statements(leat, pg, pg_db, pg_db2, "--parallel=1")
    assert pg_db2.count("t039") == 10
    assert len(sent) <= 40 * 22 + 40
