/* The orchestrator's tables, with the revisions of the program they come from: a database may be
 * moved by either. docs/dpo.md says where going up or down differs from the original.
 *
 * SQLite holds them under the same names without a schema; ids are text in the form PostgreSQL
 * prints them, times whole microseconds since 1970. */
#include "core/util.h"
#include "state/migrate.h"

/* --- 7d9871ef8afa: executions and models -------------------------------------------------------- */

#define INITIAL_UP(schema, time, now, uuid, serial)                                                \
    "CREATE TABLE " schema "data_pipeline_execution ("                                             \
    " id " uuid " NOT NULL PRIMARY KEY,"                                                           \
    " created_on " time " NOT NULL" now ","                                                        \
    " last_updated_on " time " NOT NULL" now ","                                                   \
    " execution_time_ms integer,"                                                                  \
    " status varchar(50) NOT NULL DEFAULT 'INITIALISED');"                                         \
    "CREATE TABLE " schema "model_checksum ("                                                      \
    " id " serial " PRIMARY KEY,"                                                                  \
    " execution_id " uuid " NOT NULL REFERENCES " schema "data_pipeline_execution (id),"           \
    " created_on " time " NOT NULL" now ","                                                        \
    " last_updated_on " time " NOT NULL" now ","                                                   \
    " type varchar(100) NOT NULL,"                                                                 \
    " name varchar(250) NOT NULL,"                                                                 \
    " checksum varchar(100) NOT NULL)"

#define INITIAL_DOWN(schema)                                                                       \
    "DROP TABLE " schema "model_checksum; DROP TABLE " schema "data_pipeline_execution"

/* In a database whose role may not create schemas one that is there already will do. */
#define MAKE_SCHEMA                                                                                \
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'dpo')"        \
    " THEN CREATE SCHEMA dpo; END IF; END $$;"

/* --- fe9eed6d812f: names ------------------------------------------------------------------------ */

#define RENAME_UP(schema)                                                                          \
    "ALTER TABLE " schema "model_checksum RENAME TO execution_model;"                              \
    "ALTER TABLE " schema "data_pipeline_execution RENAME TO execution"

#define RENAME_DOWN(schema)                                                                        \
    "ALTER TABLE " schema "execution_model RENAME TO model_checksum;"                              \
    "ALTER TABLE " schema "execution RENAME TO data_pipeline_execution"

/* --- c5c34dd0b8f2: steps and statistics --------------------------------------------------------- */

/* A random id in both systems, without an extension: gen_random_uuid() came with PostgreSQL 13. */
#define PG_UUID                                                                                    \
    "overlay(overlay(md5(random()::text || random()::text || clock_timestamp()::text)"             \
    " placing '4' from 13) placing substr('89ab', 1 + floor(random() * 4)::integer, 1)"            \
    " from 17)::uuid"
#define SQLITE_UUID                                                                                \
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||"                             \
    " substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + abs(random() % 4), 1) ||"         \
    " substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"

#define STEPS_TABLES(schema, time, now, uuid, number)                                              \
    "CREATE TABLE " schema "execution ("                                                           \
    " execution_id " uuid " NOT NULL PRIMARY KEY,"                                                 \
    " created_on " time " NOT NULL" now ","                                                        \
    " updated_on " time " NOT NULL" now ","                                                        \
    " status varchar(50) NOT NULL DEFAULT 'INITIALISED',"                                          \
    " started_on " time " NOT NULL" now ","                                                        \
    " completed_on " time ","                                                                      \
    " execution_time_ms " number ");"                                                              \
    "CREATE TABLE " schema "execution_step ("                                                      \
    " execution_step_id " uuid " NOT NULL PRIMARY KEY,"                                            \
    " created_on " time " NOT NULL" now ","                                                        \
    " updated_on " time " NOT NULL" now ","                                                        \
    " execution_id " uuid " NOT NULL REFERENCES " schema "execution (execution_id),"               \
    " step_name varchar(100) NOT NULL,"                                                            \
    " status varchar(50) NOT NULL DEFAULT 'INITIALISED',"                                          \
    " started_on " time " NOT NULL" now ","                                                        \
    " completed_on " time ","                                                                      \
    " execution_time_ms " number ","                                                               \
    " rows_processed " number ");"                                                                 \
    "CREATE TABLE " schema "execution_step_model ("                                                \
    " execution_step_model_id " uuid " NOT NULL PRIMARY KEY,"                                      \
    " created_on " time " NOT NULL" now ","                                                        \
    " updated_on " time " NOT NULL" now ","                                                        \
    " execution_step_id " uuid " NOT NULL REFERENCES " schema                                      \
    "execution_step (execution_step_id),"                                                          \
    " model_name varchar(250) NOT NULL,"                                                           \
    " checksum varchar(100) NOT NULL);"                                                            \
    "CREATE INDEX execution_step_execution_id ON " schema "execution_step (execution_id);"         \
    "CREATE INDEX execution_step_model_step_id ON " schema                                         \
    "execution_step_model (execution_step_id);"

/* An execution that was never completed has no time of completion. */
#define STEPS_COPY(schema, uuid)                                                                   \
    "INSERT INTO " schema "execution (execution_id, created_on, updated_on, status, started_on,"   \
    " completed_on, execution_time_ms)"                                                            \
    " SELECT id, created_on, last_updated_on, status, created_on,"                                 \
    " CASE WHEN status = 'COMPLETED' THEN last_updated_on END, execution_time_ms"                  \
    " FROM " schema "old_execution;"                                                               \
    "INSERT INTO " schema "execution_step (execution_step_id, created_on, updated_on,"             \
    " execution_id, step_name, status, started_on)"                                                \
    " SELECT " uuid ", g.first, g.last, g.execution_id, g.type, 'UNKNOWN', g.first"                \
    " FROM (SELECT execution_id, type, min(created_on) AS first, max(last_updated_on) AS last"     \
    " FROM " schema "old_execution_model GROUP BY execution_id, type) g;"                          \
    "INSERT INTO " schema "execution_step_model (execution_step_model_id, created_on,"             \
    " updated_on, execution_step_id, model_name, checksum)"                                        \
    " SELECT " uuid ", m.created_on, m.last_updated_on, s.execution_step_id, m.name, m.checksum"   \
    " FROM " schema "old_execution_model m JOIN " schema "execution_step s"                        \
    " ON s.execution_id = m.execution_id AND s.step_name = m.type ORDER BY m.id;"                  \
    "DROP TABLE " schema "old_execution_model; DROP TABLE " schema "old_execution"

#define STEPS_UP(schema, time, now, uuid, number, make_uuid)                                       \
    "ALTER TABLE " schema "execution_model RENAME TO old_execution_model;"                         \
    "ALTER TABLE " schema                                                                          \
    "execution RENAME TO old_execution;" STEPS_TABLES(schema, time, now, uuid, number)             \
        STEPS_COPY(schema, make_uuid)

#define STEPS_DOWN(schema, time, now, uuid, integer, primary, model_primary)                       \
    "ALTER TABLE " schema "execution RENAME TO old_execution;"                                     \
    "CREATE TABLE " schema "execution ("                                                           \
    " id " uuid " NOT NULL,"                                                                       \
    " created_on " time " NOT NULL" now ","                                                        \
    " last_updated_on " time " NOT NULL" now ","                                                   \
    " execution_time_ms integer,"                                                                  \
    " status varchar(50) NOT NULL DEFAULT 'INITIALISED',"                                          \
    " CONSTRAINT " primary " PRIMARY KEY (id));"                                                   \
    "CREATE TABLE " schema "execution_model ("                                                     \
    " id " uuid " NOT NULL,"                                                                       \
    " execution_id " uuid " NOT NULL REFERENCES " schema "execution (id),"                         \
    " created_on " time " NOT NULL" now ","                                                        \
    " last_updated_on " time " NOT NULL" now ","                                                   \
    " type varchar(100) NOT NULL,"                                                                 \
    " name varchar(250) NOT NULL,"                                                                 \
    " checksum varchar(100) NOT NULL,"                                                             \
    " CONSTRAINT " model_primary " PRIMARY KEY (id));"                                             \
    "INSERT INTO " schema "execution (id, created_on, last_updated_on, execution_time_ms, status)" \
    " SELECT execution_id, created_on, updated_on, " integer ", status"                            \
    " FROM " schema "old_execution;"                                                               \
    "INSERT INTO " schema "execution_model (id, execution_id, created_on, last_updated_on, type,"  \
    " name, checksum)"                                                                             \
    " SELECT m.execution_step_model_id, s.execution_id, m.created_on, m.updated_on, s.step_name,"  \
    " m.model_name, m.checksum FROM " schema "execution_step_model m JOIN " schema                 \
    "execution_step s ON s.execution_step_id = m.execution_step_id;"                               \
    "DROP TABLE " schema "execution_step_model; DROP TABLE " schema "execution_step;"              \
    "DROP TABLE " schema "old_execution"

#define PG_TIME "timestamp with time zone"
#define PG_NOW " DEFAULT now()"

static const struct lt_migration steps[] = {
    {"7d9871ef8afa",
     "executions and checksums of models",
     {{INITIAL_UP("", "INTEGER", "", "TEXT", "INTEGER"), INITIAL_DOWN("")},
      {MAKE_SCHEMA INITIAL_UP("dpo.", PG_TIME, PG_NOW, "uuid", "serial"), INITIAL_DOWN("dpo.")}},
     {"execution_info", "model_file", NULL}},
    {"fe9eed6d812f",
     "shorter names of tables",
     {{RENAME_UP(""), RENAME_DOWN("")}, {RENAME_UP("dpo."), RENAME_DOWN("dpo.")}},
     {NULL}},
    {"c5c34dd0b8f2",
     "steps and statistics",
     {{STEPS_UP("", "INTEGER", "", "TEXT", "INTEGER", SQLITE_UUID),
       STEPS_DOWN("", "INTEGER", "", "TEXT", "execution_time_ms", "execution_pkey1",
                  "execution_model_pkey")},
      {STEPS_UP("dpo.", PG_TIME, PG_NOW, "uuid", "bigint", PG_UUID),
       STEPS_DOWN("dpo.", PG_TIME, PG_NOW, "uuid", "execution_time_ms::integer", "execution_pkey1",
                  "execution_model_pkey")}},
     {"step_info", NULL}},
};

#define VERSION_TABLE(name)                                                                        \
    "alembic_version_dpo (version_num varchar(32) NOT NULL,"                                       \
    " CONSTRAINT " name " PRIMARY KEY (version_num))"

/* In PostgreSQL the version table lies in the first schema of the search path; where this role may
 * create nothing there, as in a "public" of PostgreSQL 15 and later, beside the tables. */
const struct lt_tables lt_tables_dpo = {
    .name = "dpo",
    .steps = steps,
    .n = LT_ARRAY_LEN(steps),
    .lock = 0x6c65617464706f00, /* "leatdpo" */
    .held = 2,
    .version =
        {{"SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version_dpo'",
          "CREATE TABLE " VERSION_TABLE("alembic_version_dpo_pkc")},
         {"SELECT CASE WHEN to_regclass('alembic_version_dpo') IS NOT NULL"
          " THEN to_regclass('alembic_version_dpo')::text"
          " WHEN EXISTS (SELECT FROM pg_catalog.pg_class c"
          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dpo'"
          " AND c.relname = 'alembic_version_dpo') THEN 'dpo.alembic_version_dpo' END",
          "DO $$ BEGIN IF current_schema() IS NOT NULL"
          " AND has_schema_privilege(current_schema(), 'CREATE') THEN"
          " CREATE TABLE " VERSION_TABLE(
              "alembic_version_dpo_pkc") "; ELSE"
                                         " IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace "
                                         "WHERE nspname = 'dpo')"
                                         " THEN CREATE SCHEMA dpo; END IF;"
                                         " CREATE TABLE dpo." VERSION_TABLE(
                                             "alembic_version_dpo_pkc") "; END IF; END $$"}},
};
