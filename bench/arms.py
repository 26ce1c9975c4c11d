"""Workloads and arms, and the ways in which an arm's command is put together.

An arm is a function of a Bench that returns what to run: a list of commands joined by pipes. Arms
whose program is not installed are left out and named in the table."""
import peers

LEAT, LIMIT, PEER = "leat", "limit", "peer"
L = "COPY binary to nowhere in C (L)"
AGAIN = " (again)"


class Arm:
    """`place` says where this arm's rows arrive, if not where the workload's do; `out` names the
    file that takes the last command's output; `printed`: the arm prints the seconds that count,
    wall and perhaps CPU; `file` is a pair of a name and a text that it needs beside it."""

    def __init__(self, name, kind, command, needs=(), place=None, out=None, printed=False,
                 file=None):
        self.name, self.kind, self.command, self.needs = name, kind, command, needs
        self.place, self.out, self.printed, self.file = place, out, printed, file

    def missing(self, bench):
        return [n for n in self.needs if not bench.tool(n)]


class Workload:
    """`key` is its short name, `table` what it moves, `inputs` the files it reads."""

    def __init__(self, key, name, table, place, arms, inputs=()):
        self.key, self.name, self.table, self.place = key, name, table, place
        self.arms, self.inputs = arms, inputs


def unit(table):
    """L: one connection reading the table, measured in turn with the others."""
    return Arm(L, LIMIT, lambda b: [[b.limit, "read", b.url, f"SELECT * FROM {table}"]])


def leat(name, *arguments):
    return Arm(name, LEAT, lambda b: [[b.leat, "cp", *(a.format(**b.names) for a in arguments),
                                       "-q"]])


def twice(name, *arguments):
    """The same again as a control: what differs between the two is chance."""
    return [leat(name, *arguments), leat(name + AGAIN, *arguments)]


def limit(name, *arguments, printed=False):
    return Arm(name, LIMIT, lambda b: [[b.limit, *(a.format(**b.names) for a in arguments)]],
               printed=printed)


def commands(*pipe):
    """Commands joined by pipes; {names} are filled in."""
    def command(bench):
        return [[bench.tool(c[0]) or c[0], *(str(a).format(**bench.names) for a in c[1:])]
                for c in pipe]
    return command


def shell(name, *pipe, **more):
    """A peer made of programs."""
    return Arm(name, PEER, commands(*pipe), tuple(dict.fromkeys(c[0] for c in pipe)), **more)


def python(name, needs, code, kind=PEER, place=None, printed=False, **names):
    """A program in Python; `names` may themselves hold {names}."""
    def command(bench):
        more = {key: text.format(**bench.names) for key, text in names.items()}
        return [[bench.python, "-c", code.format(**bench.names, **more)]]
    return Arm(name, kind, command, tuple("python:" + n for n in needs), place=place,
               printed=printed)


def sling(source, target, *more, place=None):
    return shell("sling", ("sling", "run", *source, *target, *more), place=place)


def ingestr(source, table, target, to, place):
    return shell("ingestr", (
        "ingestr", "ingest", "--yes", "--progress", "log", "--full-refresh", "--source-uri", source,
        "--source-table", table, "--dest-uri", target, "--dest-table", to), place=place)


def dlt(source, target, table, place):
    """`source` and `target` are of peers.DLT_FROM and peers.DLT_TO."""
    destination, form = peers.DLT_TO[target]
    return python("dlt", ("sqlalchemy", "connectorx", "dlt"), peers.DLT, place=place,
                  source=peers.DLT_FROM[source].replace("{table}", table), table=table,
                  destination=destination, form=form, plain=str(not target.endswith(".gz")))


def duckdb(name, sql, threads, *before):
    """DuckDB at the end of a pipe, or alone."""
    def command(bench):
        return [*commands(*before)(bench),
                [bench.python, "-c", peers.DUCKDB.format(threads=threads,
                                                         sql=sql.format(**bench.names))]]
    return Arm(name, PEER, command, tuple(c[0] for c in before) + ("python:duckdb",))


def psql(*statements, database="{url}"):
    """Several are one transaction."""
    words = [word for one in statements for word in ("-c", one)]
    return ("psql", database, "-Xq1" if len(statements) > 1 else "-Xq", "-v", "ON_ERROR_STOP=1",
            *words)
