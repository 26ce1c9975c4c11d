"""What is measured: workloads, and in each the arms (leat, the limit, the peers).

An arm is a function of a Bench that returns what to run: a list of commands joined by pipes, with
`out` naming the file that takes the last one's output. Arms whose program is not installed are
left out and named at the end."""
import shutil

import peers

LEAT, LIMIT, PEER = "leat", "limit", "peer"


class Arm:
    """`count` says where this arm's rows lie, if not where the workload has them; `file` is a pair
    of a name and a text that it needs beside it."""

    def __init__(self, name, kind, command, needs=(), out=None, seconds_printed=False, count=None,
                 file=None):
        self.name, self.kind, self.command, self.needs = name, kind, command, needs
        self.out, self.seconds_printed, self.count, self.file = out, seconds_printed, count, file

    def missing(self, bench):
        return [n for n in self.needs if not bench.tool(n)]


class Workload:
    """`reset` puts the destination back, `count` says how many rows lie there and their checksum
    (both by a reader that is not leat)."""

    def __init__(self, name, table, arms, reset, count, expected=None, inputs=()):
        self.name, self.table, self.arms, self.inputs = name, table, arms, inputs
        self.reset, self.count = reset, count
        self.expected = expected or (lambda bench: bench.source_sum(table))


def leat(*arguments):
    def command(bench):
        return [[bench.leat, "cp", *(a.format(**bench.names) for a in arguments), "-q"]]
    return command


def shell(*commands):
    """Commands joined by pipes; {names} are filled in."""
    def command(bench):
        return [[bench.tool(c[0]) or c[0], *(str(a).format(**bench.names) for a in c[1:])]
                for c in commands]
    return command


def python(needs, code, name=None, count=None, **names):
    """`names` may themselves hold {names}."""
    def command(bench):
        more = {key: text.format(**bench.names) for key, text in names.items()}
        return [[bench.python, "-c", code.format(**bench.names, **more)]]
    return Arm(name or needs[-1], PEER, command, tuple("python:" + n for n in needs), count=count)


def dlt(table, destination, format_, count):
    return python(("sqlalchemy", "connectorx", "dlt"), peers.DLT, count=count, table=table,
                  destination=destination, format=format_)


def in_peer_database(table):
    return lambda bench: bench.table_sum(table, "peer_dst")


def psql(sql, *more):
    return ("psql", "{url}", "-Xq", "-v", "ON_ERROR_STOP=1", "-c", sql, *more)


def to_table(table):
    """Made anew: one of the peers gives it other types."""
    def reset(bench, arm):
        bench.server.sql(f"DROP TABLE IF EXISTS {table}_dst")
        bench.server.sql(f"CREATE TABLE {table}_dst (LIKE {table})")
    return reset, lambda bench: bench.table_sum(f"{table}_dst")


def to_file(name):
    def reset(bench, arm):
        shutil.rmtree(bench.path(name), ignore_errors=True)
        bench.path(name).unlink(missing_ok=True)
    return reset, lambda bench: bench.file_count(bench.path(name))


def pg_to_pg(t):
    reset, count = to_table(t)
    src, dst = "{url}#public." + t, "{url}#public." + t + "_dst"
    copy_out = f"COPY {t} TO STDOUT"
    copy_in = f"COPY {t}_dst FROM STDIN"
    return Workload(f"{t}: PostgreSQL to PostgreSQL", t, [
        Arm("COPY binary forwarded in C", LIMIT,
            lambda b: [[b.limit, "forward", b.url, t, f"{t}_dst"]]),
        Arm("leat", LEAT, leat(src, dst, "--append")),
        Arm("leat (again)", LEAT, leat(src, dst, "--append")),
        Arm("psql binary | psql", PEER, shell(psql(copy_out + " (FORMAT binary)"),
                                              psql(copy_in + " (FORMAT binary)")), ("psql",)),
        Arm("psql text | psql", PEER, shell(psql(copy_out), psql(copy_in)), ("psql",)),
        Arm("pg_dump | psql", PEER, lambda b: [
            [b.tool("sh"), "-c", f"pg_dump '{b.url}' -a -t {t} | sed 's/public.{t} /public.{t}_dst /'"
             f" | psql '{b.url}' -Xq"]], ("pg_dump", "psql")),
        Arm("pgcopydb", PEER, shell(peers.pgcopydb("{base}/peer_dst", "--filters", "{dir}/only.ini")),
            ("pgcopydb",), count=in_peer_database(t),
            file=("only.ini", peers.PGCOPYDB_FILTER.replace("{table}", t))),
        Arm("pgloader", PEER, shell(("pgloader", "{dir}/pgloader.load")), ("pgloader",),
            out="pgloader.log", count=in_peer_database(t),
            file=("pgloader.load", peers.PGLOADER.replace("{table}", t))),
        Arm("sling", PEER, shell(peers.sling(
            peers.sling_db("src", f"public.{t}"), peers.sling_db("tgt", f"public.{t}_dst"),
            "--mode", "truncate")), ("sling",)),
        Arm("ingestr", PEER, shell(peers.ingestr(t, f"ingestr_dst.{t}")), ("ingestr",),
            count=lambda b: b.rows(f"ingestr_dst.{t}")),
        dlt(t, peers.DLT_POSTGRES, "csv", lambda b: b.rows(f"dlt_dst.{t}")),
    ], reset, count)


def pg_to_parquet(t):
    reset, count = to_file("out.parquet")
    duck = ("COPY (SELECT * FROM read_csv('/dev/stdin', header=true)) TO '{dir}/out.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)")
    return Workload(f"{t}: PostgreSQL to Parquet (zstd)", t, [
        Arm("COPY binary to nowhere in C", LIMIT,
            lambda b: [[b.limit, "read", b.url, f"SELECT * FROM {t}"]]),
        Arm("leat, one connection", LEAT,
            leat("{url}#public." + t, "{dir}/out.parquet", "--parallel", "1")),
        Arm("leat, two connections", LEAT,
            leat("{url}#public." + t, "{dir}/out.parquet", "--parallel", "2")),
        Arm("leat, two connections (again)", LEAT,
            leat("{url}#public." + t, "{dir}/out.parquet", "--parallel", "2")),
        Arm("psql csv | duckdb", PEER, lambda b: [
            shell(psql(f"COPY {t} TO STDOUT (FORMAT csv, HEADER)"))(b)[0],
            [b.python, "-c", "import duckdb; duckdb.execute('SET threads=2'); duckdb.execute(\"" +
             duck.format(**b.names) + "\")"]], ("psql", "python:duckdb")),
        python(("pyarrow", "connectorx"), peers.CONNECTORX, table=t),
        python(("psycopg2", "pyarrow", "sqlalchemy"), peers.SQLALCHEMY, "pyarrow + SQLAlchemy",
               table=t),
        Arm("odbc2parquet", PEER, shell(peers.odbc2parquet(t)), ("odbc2parquet",)),
        dlt(t, peers.DLT_FILES, "parquet", lambda b: b.file_count(b.path("dlt_out"), "parquet")),
    ], reset, count)


def pg_to_csv(t, ending, tool):
    name = "out.csv" + ending
    reset, count = to_file(name)
    pipe = [psql(f"COPY {t} TO STDOUT (FORMAT csv, HEADER)")] + ([tool] if tool else [])
    label = "psql" + (" | " + " ".join(tool) if tool else "")
    return Workload(f"{t}: PostgreSQL to CSV{ending}", t, [
        Arm("COPY binary to nowhere in C", LIMIT,
            lambda b: [[b.limit, "read", b.url, f"SELECT * FROM {t}"]]),
        Arm("leat", LEAT, leat("{url}#public." + t, "{dir}/" + name)),
        Arm("leat (again)", LEAT, leat("{url}#public." + t, "{dir}/" + name)),
        Arm(label, PEER, shell(*pipe), ("psql",) + ((tool[0],) if tool else ()), out=name),
        Arm("sling", PEER, shell(peers.sling(
            peers.sling_db("src", f"public.{t}"), ("--tgt-object", "file://{dir}/" + name))),
            ("sling",)),
    ], reset, count)


def into_pg(t, ending):
    reset, count = to_table(t)
    return Workload(f"{t}: {ending} to PostgreSQL", t, [
        Arm("COPY FROM of rows in memory", LIMIT,
            lambda b: [[b.limit, "load", b.url, f"SELECT * FROM {t}", f"{t}_dst"]],
            seconds_printed=True),
        Arm("leat", LEAT, leat("{dir}/in." + ending, "{url}#public." + t + "_dst", "--append")),
        Arm("leat (again)", LEAT,
            leat("{dir}/in." + ending, "{url}#public." + t + "_dst", "--append")),
    ] + ([Arm("psql \\copy", PEER, shell(psql(
        "\\copy " + t + "_dst from '{dir}/in.csv' (format csv, header)")), ("psql",)),
          Arm("sling", PEER, shell(peers.sling(
              ("--src-stream", "file://{dir}/in.csv"), peers.sling_db("tgt", f"public.{t}_dst"),
              "--mode", "truncate")), ("sling",))] if ending == "csv" else []), reset, count, inputs=("in." + ending,))


def csv_to_parquet(t):
    reset, count = to_file("out.parquet")
    duck = ("COPY (SELECT * FROM read_csv('{dir}/in.csv', header=true)) TO '{dir}/out.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)")
    def duckdb(threads):
        return lambda b: [[b.python, "-c", f"import duckdb; duckdb.execute('SET threads={threads}');"
                           "duckdb.execute(\"" + duck.format(**b.names) + "\")"]]
    def ours(threads):
        return leat("{dir}/in.csv", "{dir}/out.parquet", "--parallel", str(threads))
    return Workload(f"{t}: CSV to Parquet (zstd)", t, [
        Arm("leat, 1 thread", LEAT, ours(1)), Arm("leat, 2 threads", LEAT, ours(2)),
        Arm("leat, 2 threads (again)", LEAT, ours(2)),
        Arm("duckdb, 1 thread", PEER, duckdb(1), ("python:duckdb",)),
        Arm("duckdb, 2 threads", PEER, duckdb(2), ("python:duckdb",)),
    ], reset, count, inputs=("in.csv",))


def pg_to_sqlite(t):
    def reset(bench, arm):
        for name in ("out.db", "out.db-wal", "out.db-shm"):
            bench.path(name).unlink(missing_ok=True)
        bench.sqlite_table(bench.path("out.db"), t)
    return Workload(f"{t}: PostgreSQL to SQLite", t, [
        Arm("COPY text into prepared INSERTs in C", LIMIT,
            lambda b: [[b.limit, "sqlite", b.url, f"SELECT * FROM {t}", b.path("out.db")]]),
        Arm("leat", LEAT, leat("{url}#public." + t, "sqlite:{dir}/out.db#t", "--append",
                               "--no-state")),
        Arm("leat (again)", LEAT, leat("{url}#public." + t, "sqlite:{dir}/out.db#t", "--append",
                                       "--no-state")),
        Arm("psql csv | sqlite3 .import", PEER, shell(
            psql(f"COPY {t} TO STDOUT (FORMAT csv)"),
            ("sqlite3", "{dir}/out.db", ".mode csv", ".import /dev/stdin t")), ("psql", "sqlite3")),
    ], reset, lambda bench: bench.sqlite_count(bench.path("out.db"), "t"))


def sqlite_to_parquet(t):
    reset, count = to_file("out.parquet")
    return Workload(f"{t}: SQLite to Parquet (zstd)", t, [
        Arm("leat", LEAT, leat("sqlite:{dir}/in.db#t", "{dir}/out.parquet")),
        Arm("leat (again)", LEAT, leat("sqlite:{dir}/in.db#t", "{dir}/out.parquet")),
        Arm("sqlite3 scan to nowhere", LIMIT, shell(
            ("sqlite3", "{dir}/in.db", "SELECT * FROM t")), ("sqlite3",), out="scan"),
    ], reset, count, inputs=("in.db",))


def tiny_tables():
    def reset(bench, arm):
        bench.server.sql("DROP DATABASE IF EXISTS tiny_dst")
        bench.server.sql("CREATE DATABASE tiny_dst")
        if arm.kind == LEAT:  # the others bring it along
            bench.server.sql("CREATE SCHEMA tiny", "tiny_dst")
    other = "{base}/tiny_dst"
    return Workload("1,000 tables of 100 rows: PostgreSQL to PostgreSQL", "tiny", [
        Arm("leat", LEAT, leat("{url}#tiny.*", other + "#tiny.")),
        Arm("leat (again)", LEAT, leat("{url}#tiny.*", other + "#tiny.")),
        Arm("pg_dump | psql", PEER, shell(("pg_dump", "{url}", "-n", "tiny"),
                                          ("psql", other, "-Xq")), ("pg_dump", "psql"), out="log"),
        Arm("pgcopydb", PEER, shell(peers.pgcopydb(other)), ("pgcopydb",)),
    ], reset, lambda bench: bench.tiny_count("tiny_dst"), lambda bench: bench.tiny_count("postgres"))


def workloads(table):
    return [pg_to_pg(table), pg_to_parquet(table), pg_to_csv(table, "", None),
            pg_to_csv(table, ".zst", ("zstd", "-1", "-c")),
            pg_to_csv(table, ".gz", ("gzip", "-1", "-c")), into_pg(table, "parquet"),
            into_pg(table, "csv"), csv_to_parquet(table), pg_to_sqlite(table),
            sqlite_to_parquet(table)]
