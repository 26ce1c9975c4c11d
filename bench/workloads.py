"""What is measured: each workload, and its arms."""
import data
import peers
from arms import (LEAT, LIMIT, PEER, Arm, Workload, commands, dlt, duckdb, ingestr, leat, limit,
                  psql, python, shell, sling, twice, unit)
from places import File, Indexed, Sqlite, Table, Tables
from server import INDEXED

MEMORY = "COPY FROM of rows in memory"
THEN_INDEX = "psql binary | psql, then CREATE INDEX"
COUNTED = "leat --count"


def pg(table):
    return "{url}#public." + table


def to_parquet(source):
    return (f"COPY (SELECT * FROM read_csv('{source}', header=true)) TO '{{dir}}/out.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)")


def pg_to_pg(t):
    src, dst, copy_in = pg(t), pg(t + "_dst"), f"COPY {t}_dst FROM STDIN"
    copy_out = f"COPY {t} TO STDOUT"
    there = Table(t, database="peer_dst")
    return Workload("pg-pg", f"{t}: PostgreSQL to PostgreSQL", t, Table(f"{t}_dst", made=True), [
        unit(t),
        limit("COPY binary forwarded in C", "forward", "{url}", t, f"{t}_dst"),
        *twice("leat", src, dst, "--append"),
        leat(COUNTED, src, dst, "--append", "--count"),
        leat("leat --verify (checksums read back)", src, dst, "--append", "--verify"),
        shell("psql binary | psql", psql(copy_out + " (FORMAT binary)"),
              psql(copy_in + " (FORMAT binary)")),
        shell("psql text | psql", psql(copy_out), psql(copy_in)),
        shell("pg_dump | psql", ("pg_dump", "{url}", "-a", "-t", t),
              ("sed", f"s/public.{t} /public.{t}_dst /"), ("psql", "{url}", "-Xq"), out="pg_dump.out"),
        shell("pgcopydb", peers.pgcopydb("{base}/peer_dst", "--filters", "{dir}/only.ini"),
              place=there, file=("only.ini", peers.PGCOPYDB_FILTER.replace("{table}", t))),
        shell("pgloader", ("pgloader", "{dir}/pgloader.load"), out="pgloader.out", place=there,
              file=("pgloader.load", peers.PGLOADER.replace("{table}", t))),
        sling(peers.sling_from("{url}", f"public.{t}"), peers.sling_to("{url}", f"public.{t}_dst"),
              "--mode", "truncate"),
        ingestr("{sqlalchemy}", f"public.{t}", "{sqlalchemy}", f"ingestr_dst.{t}",
                Table(f"ingestr_dst.{t}")),
        dlt("postgres", "postgres", t, Table(f"dlt_dst.{t}")),
    ])


def pg_to_pg_indexes(t):
    """The whole copy of a table that is new there, with its key and four indexes."""
    src, dst = "{base}/" + INDEXED, "{base}/indexed_dst"
    place = Indexed(t, database="indexed_dst")

    def copy_and_index(bench):
        columns = ", ".join(f'"{name}" {kind}' for name, kind in bench.columns(t))
        return commands(
            psql(f"COPY {t} TO STDOUT (FORMAT binary)", database=src),
            psql(f"CREATE TABLE {t} ({columns})", f"COPY {t} FROM STDIN (FORMAT binary)",
                 *data.INDEXES[t], database=dst))(bench)
    return Workload("pg-pg-indexes", f"{t}: PostgreSQL to PostgreSQL, a key and four indexes", t,
                    place, [
        *twice("leat", src + "#public." + t, dst + "#public." + t, "--with", "indexes"),
        leat("leat --parallel 4", src + "#public." + t, dst + "#public." + t, "--with", "indexes",
             "--parallel", "4"),
        Arm(THEN_INDEX, PEER, copy_and_index, ("psql",)),
        shell("pg_dump | psql", ("pg_dump", src, "-t", t), ("psql", dst, "-Xq"), out="pg_dump.out"),
        shell("pgcopydb", peers.pgcopydb(dst, source=src, tables=1, indexes=4)),
    ], inputs=("indexed",))


def pg_to_parquet(t):
    out = "{dir}/out.parquet"
    return Workload("pg-parquet", f"{t}: PostgreSQL to Parquet (zstd)", t,
                    File("out.parquet", "parquet"), [
        unit(t),
        leat("leat, one connection", pg(t), out, "--parallel", "1"),
        *twice("leat, two connections", pg(t), out, "--parallel", "2"),
        duckdb("psql csv | duckdb", to_parquet("/dev/stdin"), 2,
            psql(f"COPY {t} TO STDOUT (FORMAT csv, HEADER)")),
        python("connectorx + pyarrow", ("pyarrow", "connectorx"), peers.CONNECTORX,
               address="{url}", table=t),
        python("SQLAlchemy + pyarrow", ("psycopg2", "pyarrow", "sqlalchemy"), peers.SQLALCHEMY,
               table=t),
        shell("odbc2parquet", peers.odbc2parquet(t)),
        sling(peers.sling_from("{url}", f"public.{t}"), peers.sling_file("tgt", out)),
        ingestr("{sqlalchemy}", f"public.{t}", "parquet://" + out, t, None),
        dlt("postgres", "parquet", t, File("dlt_out", "parquet", f"dlt_dst/{t}/*")),
    ])


def pg_to_csv(t, ending, tool):
    out = "{dir}/out.csv" + ending
    pipe = [psql(f"COPY {t} TO STDOUT (FORMAT csv, HEADER)")] + ([tool] if tool else [])
    own = [] if ending == ".zst" else [
        dlt("postgres", "csv" + ending, t, File("dlt_out", "csv", f"dlt_dst/{t}/*"))]
    if not ending:
        own.append(ingestr("{sqlalchemy}", f"public.{t}", "csv://" + out, t, None))
    return Workload("pg-csv" + ending, f"{t}: PostgreSQL to CSV{ending}", t,
                    File("out.csv" + ending, "csv"), [
        unit(t),
        *twice("leat", pg(t), out),
        shell("psql" + (" | " + " ".join(tool) if tool else ""), *pipe, out="out.csv" + ending),
        sling(peers.sling_from("{url}", f"public.{t}"), peers.sling_file("tgt", out)),
        *own,
    ])


def into_pg(t, kind):
    """From a file, or from SQLite."""
    path = "{dir}/in." + kind
    file, to = peers.sling_file("src", path), peers.sling_to("{url}", f"public.{t}_dst")
    source, ours, uri, name = {
        "csv": (file, path, "csv://" + path, t), "parquet": (file, path, "parquet://" + path, t),
        "db": (peers.sling_from(peers.SQLITE + path, "main.t"), f"sqlite:{path}#t",
               "sqlite:///" + path, "t")}[kind]
    system = {"csv": "CSV", "parquet": "Parquet", "db": "SQLite"}[kind]
    special = {"csv": [shell("psql \\copy", psql(
                   f"\\copy {t}_dst from '{path}' (format csv, header)"))],
               "parquet": [],
               "db": [shell("sqlite3 csv | psql", ("sqlite3", "-csv", path, "SELECT * FROM t"),
                            psql(f"COPY {t}_dst FROM STDIN (FORMAT csv)")),
                      shell("pgloader", ("pgloader", "{dir}/pgloader.load"), out="pgloader.out",
                            place=Table("t", database="peer_dst"),
                            file=("pgloader.load", peers.PGLOADER_SQLITE))]}[kind]
    return Workload(f"{system.lower()}-pg", f"{t}: {system} to PostgreSQL", t,
                    Table(f"{t}_dst", made=True), [
        unit(t),
        limit(MEMORY, "load", "{url}", f"SELECT * FROM {t}", f"{t}_dst", printed=True),
        *twice("leat", ours, pg(t + "_dst"), "--append"),
        *special,
        sling(source, to, "--mode", "truncate"),
        ingestr(uri, name, "{sqlalchemy}", f"ingestr_dst.{t}", Table(f"ingestr_dst.{t}")),
        dlt(system.lower(), "postgres", t, Table(f"dlt_dst.{t}")),
    ], inputs=("in." + kind,))


def csv_to_parquet(t):
    path, out = "{dir}/in.csv", "{dir}/out.parquet"
    sql = to_parquet(path)
    return Workload("csv-parquet", f"{t}: CSV to Parquet (zstd)", t, File("out.parquet", "parquet"), [
        unit(t),
        leat("leat, 1 thread", path, out, "--parallel", "1"),
        *twice("leat, 2 threads", path, out, "--parallel", "2"),
        duckdb("duckdb, 1 thread", sql, 1), duckdb("duckdb, 2 threads", sql, 2),
        sling(peers.sling_file("src", path), peers.sling_file("tgt", out)),
        ingestr("csv://" + path, t, "parquet://" + out, t, None),
        dlt("csv", "parquet", t, File("dlt_out", "parquet", f"dlt_dst/{t}/*")),
    ], inputs=("in.csv",))


def pg_to_sqlite(t):
    return Workload("pg-sqlite", f"{t}: PostgreSQL to SQLite", t, Sqlite("out.db", made=True), [
        unit(t),
        limit("COPY text into prepared INSERTs in C", "sqlite", "{url}", f"SELECT * FROM {t}",
              "{dir}/out.db"),
        *twice("leat", pg(t), "sqlite:{dir}/out.db#t", "--append", "--no-state"),
        shell("psql csv | sqlite3 .import", psql(f"COPY {t} TO STDOUT (FORMAT csv)"),
              ("sqlite3", "{dir}/out.db", ".mode csv", ".import /dev/stdin t")),
        sling(peers.sling_from("{url}", f"public.{t}"),
              peers.sling_to(peers.SQLITE + "{dir}/out.db", "main.t")),
        ingestr("{sqlalchemy}", f"public.{t}", "sqlite:///{dir}/ingestr.db", f"main.{t}",
                Sqlite("ingestr.db", t)),
        dlt("postgres", "sqlite", t, Sqlite("dlt__dlt_dst.db", t, more=("dlt.db",))),
    ])


def encode(threads):
    return python(f"DuckDB encoding its own table, {threads} thread" + "s" * (threads > 1),
                  ("duckdb",), peers.ENCODE, LIMIT, printed=True, threads=str(threads))


def sqlite_to_parquet(t):
    path, out = "{dir}/in.db", "{dir}/out.parquet"
    return Workload("sqlite-parquet", f"{t}: SQLite to Parquet (zstd)", t,
                    File("out.parquet", "parquet"), [
        unit(t),
        limit("sqlite3_step and every column in C", "scan", path, "t"),
        encode(1), encode(2),
        *twice("leat", f"sqlite:{path}#t", out),
        duckdb("sqlite3 csv | duckdb", to_parquet("/dev/stdin"), 2,
            ("sqlite3", "-csv", "-header", path, "SELECT * FROM t")),
        python("connectorx + pyarrow", ("pyarrow", "connectorx"), peers.CONNECTORX,
               address=peers.SQLITE + path, table="t"),
        sling(peers.sling_from(peers.SQLITE + path, "main.t"), peers.sling_file("tgt", out)),
        ingestr("sqlite:///" + path, "t", "parquet://" + out, t, None),
        dlt("sqlite", "parquet", t, File("dlt_out", "parquet", f"dlt_dst/{t}/*")),
    ], inputs=("in.db", "in-sqlite.parquet"))


def tiny_tables(count):
    other, place = "{base}/tiny_dst", Tables("tiny_dst", "tiny")
    name = f"{count:,} tables of 100 rows: PostgreSQL to PostgreSQL"
    return Workload("tiny", name, "tiny", place, [
        *twice("leat", "{url}#tiny.*", other + "#tiny."),
        shell("pg_dump | psql", ("pg_dump", "{url}", "-n", "tiny"), ("psql", other, "-Xq"),
              out="pg_dump.out"),
        shell("pgcopydb", peers.pgcopydb(other)),
        shell("sling", ("sling", "run", "-r", "{dir}/tiny.yaml"),
              file=("tiny.yaml", peers.SLING_WILDCARD)),
        python("dlt", ("sqlalchemy", "connectorx", "dlt"), peers.DLT_SCHEMA),
    ])


def workloads(table):
    indexed = [pg_to_pg_indexes(table)] if table in data.INDEXES else []
    return [pg_to_pg(table), *indexed, pg_to_parquet(table), pg_to_csv(table, "", None),
            pg_to_csv(table, ".zst", ("zstd", "-1", "-c")),
            pg_to_csv(table, ".gz", ("gzip", "-1", "-c")), into_pg(table, "parquet"),
            into_pg(table, "csv"), into_pg(table, "db"), csv_to_parquet(table),
            pg_to_sqlite(table), sqlite_to_parquet(table)]
