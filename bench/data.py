"""The tables that are measured, made by SQL so that any size costs little to make."""

# A marketing table: text mostly, as transfer tools are tried with.
LEADS = """
CREATE TABLE {name} AS SELECT md5('id' || g)::uuid AS id, at AS created_at,
  at + make_interval(secs => hashint8(g + 1) & 65535) AS updated_at,
  'Customer' || 1 + (hashint8(g + 2) & 1023) % 10 AS customer_id, 'User' || n AS name,
  'user' || n || '@example.com' AS email, (hashint8(g + 3) & 1023) % 101 AS score,
  'This is a note for User' || n || '.' AS notes
FROM (SELECT g, timestamp '2024-01-01' + make_interval(secs => (hashint8(g) & 1048575) % 864000)
  AS at, 1 + (hashint8(g + 4) & 1048575) % 10000 AS n
  FROM generate_series(1::bigint, {rows}) g) q"""

# TPC-H's lineitem: keys, decimals, dates and short text.
LINEITEM = """
CREATE TABLE {name} AS SELECT g / 4 + 1 AS l_orderkey,
  1 + (hashint8(g) & 1048575) % 200000 AS l_partkey,
  1 + (hashint8(g + 1) & 1048575) % 10000 AS l_suppkey, (g % 4 + 1)::int AS l_linenumber,
  (1 + (hashint8(g + 2) & 1023) % 50)::numeric(15,2) AS l_quantity,
  ((hashint8(g + 3) & 16777215) % 10494950 / 100.0)::numeric(15,2) AS l_extendedprice,
  ((hashint8(g + 4) & 1023) % 11 / 100.0)::numeric(15,2) AS l_discount,
  ((hashint8(g + 5) & 1023) % 9 / 100.0)::numeric(15,2) AS l_tax,
  substr('NRA', 1 + (hashint8(g + 6) & 1023) % 3, 1)::char(1) AS l_returnflag,
  substr('OF', 1 + (hashint8(g + 7) & 1), 1)::char(1) AS l_linestatus,
  day AS l_shipdate, day + 30 AS l_commitdate, day + (hashint8(g + 8) & 31) AS l_receiptdate,
  (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])
    [1 + (hashint8(g + 9) & 3)]::char(25) AS l_shipinstruct,
  (ARRAY['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])
    [1 + (hashint8(g + 10) & 1023) % 7]::char(10) AS l_shipmode,
  substr(md5(g::text), 1, 10 + (hashint8(g + 11) & 15))::varchar(44) AS l_comment
FROM (SELECT g, date '1992-01-02' + (hashint8(g + 12) & 4095) % 2526 AS day
  FROM generate_series(1::bigint, {rows}) g) q"""

# One column of most types, with nulls.
WIDE = """
CREATE TABLE {name} AS SELECT g AS id, g::int AS i4, (g % 30000)::smallint AS i2, g % 2 = 0 AS flag,
  g / 7.0::float8 AS f8, (g / 3.0)::float4 AS f4, (g / 100.0)::numeric(18,4) AS dec,
  CASE WHEN g % 10 > 0 THEN md5(g::text) END AS text, decode(md5(g::text), 'hex') AS bytes,
  md5(g::text)::uuid AS uuid, date '2000-01-01' + (g % 9000)::int AS day,
  time '00:00' + make_interval(secs => g % 86400) AS time,
  timestamptz '2020-01-01' + make_interval(secs => g) AS at,
  json_build_object('a', g, 'b', md5(g::text))::jsonb AS doc, ARRAY[g, g + 1, NULL] AS list,
  make_interval(days => (g % 100)::int) AS span
FROM generate_series(1::bigint, {rows}) g"""

# The key and four indexes of a table, as applications have them. `wide` has none.
INDEXES = {
    "leads": ("ALTER TABLE leads ADD PRIMARY KEY (id)",
              "CREATE INDEX leads_email ON leads (email)",
              "CREATE INDEX leads_created ON leads (created_at)",
              "CREATE INDEX leads_updated ON leads (updated_at DESC)",
              "CREATE INDEX leads_customer_score ON leads (customer_id, score)"),
    "lineitem": ("ALTER TABLE lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber)",
                 "CREATE INDEX lineitem_part ON lineitem (l_partkey, l_suppkey)",
                 "CREATE INDEX lineitem_supp ON lineitem (l_suppkey)",
                 "CREATE INDEX lineitem_shipped ON lineitem (l_shipdate)",
                 "CREATE INDEX lineitem_received ON lineitem (l_receiptdate, l_shipmode)")}

TABLES = {"leads": LEADS, "lineitem": LINEITEM, "wide": WIDE}
TINY_SCHEMA = "tiny"


def columns_sql(count):
    """A table of so many integer columns."""
    return ("CREATE TABLE {name} AS SELECT " +
            ", ".join(f"g + {i} AS c{i}" for i in range(count)) +
            " FROM generate_series(1::bigint, {rows}) g")


def make(server, name, rows, database="postgres"):
    server.sql(TABLES[name].format(name=name, rows=rows), database)
    server.sql(f"VACUUM ANALYZE {name}", database)


def make_indexed(server, name, rows, database):
    """The same table once more, alone in a database of its own, with its key and indexes."""
    server.sql(f"DROP DATABASE IF EXISTS {database}")
    server.sql(f"CREATE DATABASE {database}")
    make(server, name, rows, database)
    for statement in INDEXES[name]:
        server.sql(statement, database)


def make_tiny(server, tables, rows=100):
    statements = [f"CREATE SCHEMA {TINY_SCHEMA}"]
    for i in range(tables):
        statements.append(f"CREATE TABLE {TINY_SCHEMA}.t{i} AS SELECT g AS id, md5(g::text) AS v, "
                          f"now() AS at FROM generate_series(1::bigint, {rows}) g")
    server.sql(";\n".join(statements))
