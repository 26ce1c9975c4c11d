"""How the peers are told to do a workload's work: commands and small programs, each in the way its
own documentation shows for speed. `{url}`, `{dir}` and so on are filled in by the arms.

A peer that cannot write where leat does (into a table that exists, under its own name) writes
elsewhere, and its arm says where the rows are to be counted."""

# Before the path of an SQLite file.
SQLITE = "sqlite://"


def sling_url(url):
    """sling connects with TLS unless told."""
    return url if url.startswith(SQLITE) else url + "?sslmode=disable"


def sling_from(url, stream):
    return ("--src-conn", sling_url(url), "--src-stream", stream)


def sling_to(url, table):
    return ("--tgt-conn", sling_url(url), "--tgt-object", table)


def sling_file(side, path):
    return ("--src-stream" if side == "src" else "--tgt-object", "file://" + path)


# All tables of a schema by one line.
SLING_WILDCARD = """source: "{url}?sslmode=disable"
target: "{base}/tiny_dst?sslmode=disable"
defaults:
  mode: full-refresh
  object: tiny.{{stream_table}}
streams:
  tiny.*:
"""


def pgcopydb(target, *more, source="{url}", tables=2, indexes=2):
    return ("pgcopydb", "clone", "--source", source, "--target", target, "--table-jobs", tables,
            "--index-jobs", indexes, "--skip-extensions", "--no-owner", "--dir", "{dir}/pgcopydb",
            "--restart", "--not-consistent", *more)


PGCOPYDB_FILTER = "[include-only-table]\npublic.{table}\n"

PGLOADER = """LOAD DATABASE FROM {sqlalchemy} INTO {base_sqlalchemy}/peer_dst
 WITH create tables, include drop, workers = 2, concurrency = 1
 INCLUDING ONLY TABLE NAMES MATCHING '{table}' IN SCHEMA 'public';
"""

PGLOADER_SQLITE = """LOAD DATABASE FROM sqlite://{dir}/in.db INTO {base_sqlalchemy}/peer_dst
 WITH create tables, include drop, workers = 2, concurrency = 1
 INCLUDING ONLY TABLE NAMES LIKE 't';
"""

DLT = """
import os
os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "{plain}"
import dlt
{source}
to = {destination}
p = dlt.pipeline("bench", destination=to, dataset_name="dlt_dst", pipelines_dir="{dir}/dlt")
p.run(rows, table_name="{table}", {form}write_disposition="replace").raise_on_failed_jobs()"""
DLT_SQL = """from dlt.sources.sql_database import sql_table
rows = sql_table("%s", table="%s", backend="connectorx")"""
DLT_FILE = """from dlt.sources.filesystem import filesystem, %s as read
rows = filesystem("file://{dir}", file_glob="%s") | read(use_pyarrow=True)"""
DLT_FROM = {"postgres": DLT_SQL % ("{driver_url}", "{table}"),
            "sqlite": DLT_SQL % ("sqlite:///{dir}/in.db", "t"),
            "csv": DLT_FILE % ("read_csv_duckdb", "in.csv"),
            "parquet": DLT_FILE % ("read_parquet", "in.parquet")}
DLT_FILES = 'dlt.destinations.filesystem("{dir}/dlt_out")'
DLT_TO = {"postgres": ('dlt.destinations.postgres("{sqlalchemy}")', 'loader_file_format="csv", '),
          "parquet": (DLT_FILES, 'loader_file_format="parquet", '),
          "csv": (DLT_FILES, 'loader_file_format="csv", '),
          "csv.gz": (DLT_FILES, 'loader_file_format="csv", '),
          "sqlite": ('dlt.destinations.sqlalchemy("sqlite:///{dir}/dlt.db")', "")}

# All tables of a schema.
DLT_SCHEMA = """
import dlt
from dlt.sources.sql_database import sql_database
to = dlt.destinations.postgres("{base_sqlalchemy}/tiny_dst")
p = dlt.pipeline("bench", destination=to, dataset_name="tiny", pipelines_dir="{dir}/dlt")
p.run(sql_database("{driver_url}", schema="tiny", backend="connectorx"), loader_file_format="csv",
      write_disposition="replace").raise_on_failed_jobs()"""

DUCKDB = """
import duckdb
duckdb.execute("SET threads={threads}")
duckdb.execute(\"""{sql}\""")"""

# The encoding alone, of a table that lies in DuckDB's own memory: seconds of wall and of CPU.
ENCODE = """
import duckdb, time
duckdb.execute("CREATE TABLE t AS FROM '{dir}/in-sqlite.parquet'")
duckdb.execute("SET threads={threads}")
wall, cpu = time.perf_counter(), time.process_time()
duckdb.execute("COPY t TO '{dir}/out.parquet' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - wall, time.process_time() - cpu)"""

CONNECTORX = """
import connectorx, pyarrow.parquet
t = connectorx.read_sql("{address}", "SELECT * FROM {table}", return_type="arrow")
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
