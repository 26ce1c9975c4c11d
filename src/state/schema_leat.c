/* leat's own tables, revision by revision. docs/state-store.md describes the newest. */
#include "core/util.h"
#include "state/migrate.h"

/* --- 1: runs and leases ----------------------------------------------------------------------- */

#define RUNS_UP(schema, time, number, json)                                                        \
    "CREATE TABLE " schema "run ("                                                                 \
    " run_id varchar(32) PRIMARY KEY,"                                                             \
    " command varchar(100) NOT NULL,"                                                              \
    " status varchar(50) NOT NULL,"                                                                \
    " started_on " time " NOT NULL,"                                                               \
    " elapsed_us " number " NOT NULL,"                                                             \
    " streams " number " NOT NULL,"                                                                \
    " streams_failed " number " NOT NULL,"                                                         \
    " rows_read " number " NOT NULL,"                                                              \
    " rows_written " number " NOT NULL,"                                                           \
    " rows_rejected " number " NOT NULL,"                                                          \
    " bytes " number " NOT NULL,"                                                                  \
    " error_code varchar(50),"                                                                     \
    " host varchar(250) NOT NULL,"                                                                 \
    " pid " number " NOT NULL,"                                                                    \
    " report " json " NOT NULL);"                                                                  \
    "CREATE INDEX run_started_on ON " schema "run (started_on);"                                   \
    "CREATE TABLE " schema "run_stream ("                                                          \
    " run_id varchar(32) NOT NULL REFERENCES " schema "run (run_id) ON DELETE CASCADE,"            \
    " ordinal " number " NOT NULL,"                                                                \
    " source text NOT NULL,"                                                                       \
    " destination text NOT NULL,"                                                                  \
    " load_id varchar(64) NOT NULL,"                                                               \
    " committed " number " NOT NULL,"                                                              \
    " rows_read " number " NOT NULL,"                                                              \
    " rows_written " number " NOT NULL,"                                                           \
    " rows_rejected " number " NOT NULL,"                                                          \
    " bytes " number " NOT NULL,"                                                                  \
    " elapsed_us " number " NOT NULL,"                                                             \
    " error_code varchar(50),"                                                                     \
    " PRIMARY KEY (run_id, ordinal));"                                                             \
    "CREATE INDEX run_stream_load_id ON " schema "run_stream (load_id);"                           \
    "CREATE INDEX run_stream_destination ON " schema "run_stream (destination);"                   \
    "CREATE TABLE " schema "lease ("                                                               \
    " name varchar(250) PRIMARY KEY,"                                                              \
    " holder varchar(32) NOT NULL,"                                                                \
    " fence " number " NOT NULL,"                                                                  \
    " host varchar(250) NOT NULL,"                                                                 \
    " pid " number " NOT NULL,"                                                                    \
    " taken_on " time " NOT NULL,"                                                                 \
    " beat_on " time " NOT NULL,"                                                                  \
    " ttl_us " number " NOT NULL)"

#define RUNS_DOWN(schema)                                                                          \
    "DROP TABLE " schema "lease; DROP TABLE " schema "run_stream; DROP TABLE " schema "run"

/* --- 2: what the orchestrator's tables have no place for --------------------------------------- */

#define EXECUTIONS_UP(schema, time, number, uuid)                                                  \
    "CREATE TABLE " schema "execution_info ("                                                      \
    " execution_id " uuid " PRIMARY KEY,"                                                          \
    " pipeline varchar(250) NOT NULL,"                                                             \
    " failed_on " time ","                                                                         \
    " error text);"                                                                                \
    "CREATE INDEX execution_info_pipeline ON " schema "execution_info (pipeline);"                 \
    "CREATE TABLE " schema "step_info ("                                                           \
    " execution_step_id " uuid " PRIMARY KEY,"                                                     \
    " failed_on " time ","                                                                         \
    " error text);"                                                                                \
    "CREATE TABLE " schema "model_file ("                                                          \
    " path text PRIMARY KEY,"                                                                      \
    " size " number " NOT NULL,"                                                                   \
    " mtime_ns " number " NOT NULL,"                                                               \
    " device " number " NOT NULL,"                                                                 \
    " inode " number " NOT NULL,"                                                                  \
    " checksum varchar(100) NOT NULL)"

#define EXECUTIONS_DOWN(schema)                                                                    \
    "DROP TABLE " schema "model_file; DROP TABLE " schema "step_info; DROP TABLE " schema          \
    "execution_info"

static const struct lt_migration steps[] = {
    {"0001",
     "runs and leases",
     {{RUNS_UP("", "INTEGER", "INTEGER", "TEXT"), RUNS_DOWN("")},
      {RUNS_UP("leat.", "timestamp with time zone", "bigint", "json"), RUNS_DOWN("leat.")}},
     {NULL}},
    {"0002",
     "pipelines, failures, files known by their times",
     {{EXECUTIONS_UP("", "INTEGER", "INTEGER", "TEXT"), EXECUTIONS_DOWN("")},
      {EXECUTIONS_UP("leat.", "timestamp with time zone", "bigint", "uuid"),
       EXECUTIONS_DOWN("leat.")}},
     {NULL}},
};

#define VERSION_TABLE "(version_num varchar(32) NOT NULL PRIMARY KEY)"

const struct lt_tables lt_tables_leat = {
    .name = "leat",
    .steps = steps,
    .n = LT_ARRAY_LEN(steps),
    .lock = 0x6c65617473746174, /* "leatstat" */
    .held = 1,
    .version =
        {{"SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'leat_version'",
          "CREATE TABLE leat_version " VERSION_TABLE},
         {"SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class c"
          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
          " WHERE n.nspname = 'leat' AND c.relname = 'leat_version') THEN 'leat.leat_version' END",
          "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'leat')"
          " THEN CREATE SCHEMA leat; END IF; END $$;"
          "CREATE TABLE leat.leat_version " VERSION_TABLE}},
};
