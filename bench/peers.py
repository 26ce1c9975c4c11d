"""How the peers are told to do a workload's work: commands and small programs, each in the way its
own documentation shows for speed. `{url}`, `{dir}` and so on are filled in by the arms.

A peer that cannot write where leat does (into a table that exists, under its own name) writes
elsewhere, and its arm says where the rows are to be counted."""

# sling connects with TLS unless told.
SLING_URL = "{url}?sslmode=disable"


def sling(source, target, *more):
    return ("sling", "run", *source, *target, *more)


def sling_db(side, stream):
    return (f"--{side}-conn", SLING_URL, "--src-stream" if side == "src" else "--tgt-object", stream)


def ingestr(table, place):
    return ("ingestr", "ingest", "--yes", "--progress", "log", "--source-uri", "{sqlalchemy}",
            "--source-table", f"public.{table}", "--dest-uri", "{sqlalchemy}", "--dest-table", place,
            "--full-refresh")


def pgcopydb(target, *more):
    return ("pgcopydb", "clone", "--source", "{url}", "--target", target, "--table-jobs", "2",
            "--index-jobs", "2", "--skip-extensions", "--no-owner", "--dir", "{dir}/pgcopydb",
            "--restart", "--not-consistent", *more)


PGCOPYDB_FILTER = "[include-only-table]\npublic.{table}\n"

PGLOADER = """LOAD DATABASE FROM {sqlalchemy} INTO {base_sqlalchemy}/peer_dst
 WITH create tables, include drop, workers = 2, concurrency = 1
 INCLUDING ONLY TABLE NAMES MATCHING '{table}' IN SCHEMA 'public';
"""

DLT = """
import dlt
from dlt.sources.sql_database import sql_table
to = {destination}
p = dlt.pipeline("bench", destination=to, dataset_name="dlt_dst", pipelines_dir="{dir}/dlt")
p.run(sql_table("{driver_url}", table="{table}", backend="connectorx"), table_name="{table}",
      loader_file_format="{format}", write_disposition="replace").raise_on_failed_jobs()"""
DLT_POSTGRES = 'dlt.destinations.postgres("{sqlalchemy}")'
DLT_FILES = 'dlt.destinations.filesystem("{dir}/dlt_out")'

CONNECTORX = """
import connectorx, pyarrow.parquet
t = connectorx.read_sql("{url}", "SELECT * FROM {table}", return_type="arrow")
pyarrow.parquet.write_table(t, "{dir}/out.parquet", compression="zstd")"""

# The way of Pontoon: rows by SQLAlchemy, columns by pyarrow.
SQLALCHEMY = """
import pyarrow as pa, pyarrow.parquet as pq, sqlalchemy as sa
with sa.create_engine("{driver_url}").connect() as c:
    rows = c.execution_options(stream_results=True, yield_per=50000).execute(
        sa.text("SELECT * FROM {table}"))
    names, out = list(rows.keys()), None
    for part in rows.partitions():
        b = pa.Table.from_pydict(dict(zip(names, ([str(v) if type(v).__name__ == "UUID" else v
             for v in col] for col in zip(*part)))))
        out = out or pq.ParquetWriter("{dir}/out.parquet", b.schema, compression="zstd")
        out.write_table(b)
    out.close()"""


def odbc2parquet(table):
    return ("odbc2parquet", "-q", "query", "--connection-string", "Driver={{PostgreSQL Unicode}};"
            "Server=127.0.0.1;Port={port};Database=postgres;Uid={user};Pwd={password};"
            "UseDeclareFetch=1;Fetch=50000", "--column-compression-default", "zstd",
            "{dir}/out.parquet", f"SELECT * FROM {table}")
