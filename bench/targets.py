"""What leat is to show, line by line: an arm, a measure of it, and the limit. Nothing here is a
result; report.py holds the figures of a run against it.

Measures: `wall`, `client` (CPU seconds), `rate` (rows per client CPU second), `peak` (memory) and
`size` (of the file). The limit is of the ratio to `against`, turn by turn (to the larger where
several are named), or where there is none a number of MiB. Limits that differ from table to table
are a dict."""
from arms import L
from workloads import COUNTED, MEMORY, THEN_INDEX


class Target:
    def __init__(self, workload, arm, measure, limit, against=(), spread=False):
        self.workload, self.arm, self.measure, self.limit = workload, arm, measure, limit
        self.against = (against,) if isinstance(against, str) else against
        self.spread = spread  # what A/A differs by is allowed on top

    def at_least(self):
        return self.measure == "rate"


FORWARD = "COPY binary forwarded in C"
DUCK_PIPE = "psql csv | duckdb"
TWO = "leat, two connections"

TARGETS = [
    Target("pg-pg", "leat", "wall", 1.05, FORWARD, spread=True),
    Target("pg-pg", COUNTED, "wall", 1.15, FORWARD),
    Target("pg-pg", "leat", "wall", 0.65, "pgcopydb"),
    Target("pg-pg", "leat", "client", 1.3, FORWARD),
    Target("pg-pg", "leat", "peak", 32),
    Target("pg-pg-indexes", "leat", "wall", 1.0, "pgcopydb"),
    Target("pg-pg-indexes", "leat", "wall", 1.0, THEN_INDEX),
    Target("pg-parquet", "leat, one connection", "wall", 1.15, L),
    Target("pg-parquet", TWO, "wall", 1.0, L),
    Target("pg-parquet", TWO, "rate", {"leads": 3.0, "lineitem": 1.8}, DUCK_PIPE),
    Target("pg-parquet", TWO, "peak", 96),
    Target("pg-parquet", TWO, "size", 1.05, DUCK_PIPE),
    Target("parquet-pg", "leat", "wall", 1.1, MEMORY),
    Target("csv-pg", "leat", "wall", 1.1, MEMORY),
    Target("csv-parquet", "leat, 1 thread", "wall", 1.0, "duckdb, 1 thread"),
    Target("csv-parquet", "leat, 2 threads", "wall", 1.0, "duckdb, 2 threads"),
    Target("csv-parquet", "leat, 1 thread", "peak", 0.5, "duckdb, 1 thread"),
    Target("csv-parquet", "leat, 2 threads", "peak", 0.5, "duckdb, 2 threads"),
    Target("pg-csv.zst", "leat", "wall", 1.3, L),
    Target("pg-csv.gz", "leat", "wall", 0.7, "psql | gzip -1 -c"),
    Target("pg-sqlite", "leat", "wall", 1.2, "COPY text into prepared INSERTs in C"),
    Target("sqlite-parquet", "leat", "wall", 1.25, ("sqlite3_step and every column in C",
                                                    "DuckDB encoding its own table, 2 threads")),
    Target("tiny", "leat", "wall", 1.0, "pg_dump | psql"),
    Target("tiny", "leat", "peak", 32),
]

# On every workload that they can run, of theirs at most so much.
PEERS = ("sling", "ingestr", "dlt")
OF_PEERS = (("client", 1 / 3), ("wall", 1.0))
# The arm of leat's that is held against them, where it is not simply "leat".
OURS = {"pg-parquet": TWO, "csv-parquet": "leat, 2 threads"}


def own(key):
    """The lines of one workload that name their own limits."""
    return [t for t in TARGETS if t.workload == key]


def against_peers(key):
    return [Target(key, OURS.get(key, "leat"), measure, limit, peer)
            for peer in PEERS for measure, limit in OF_PEERS]


def of_workload(key):
    return own(key) + against_peers(key)
