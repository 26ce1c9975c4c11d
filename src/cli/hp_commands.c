/* Halfpipe's commands and flags. */
#include "cli/hp.h"

#include "core/util.h"

#include <string.h>

#define FLAGS_END                                                                                  \
    {                                                                                              \
        NULL, 0, false, false, NULL, HP_NONE, NULL, NULL                                           \
    }
#define VALUE(name, letter, fallback, how, to, help)                                               \
    {                                                                                              \
        name, letter, false, false, fallback, how, to, help                                        \
    }
#define SWITCH(name, letter, how, to, help)                                                        \
    {                                                                                              \
        name, letter, true, false, NULL, how, to, help                                             \
    }
#define NEEDED(name, letter, how, to, help)                                                        \
    {                                                                                              \
        name, letter, false, true, NULL, how, to, help                                             \
    }

#define LEVEL(fallback) VALUE("log-level", 'l', fallback, HP_PASS, "log-level", "what to log")
#define STATS VALUE("stats", 'L', "5", HP_NONE, NULL, "seconds between statistics")
#define OUTPUT                                                                                     \
    VALUE("output", 'o', NULL, HP_OWN, NULL, "print the pipe, as yaml or json, and run nothing"),  \
        SWITCH("include-connections", 'I', HP_OWN, NULL, "with -o: with the connections' URLs")
#define REPEAT VALUE("repeat", 'i', "0", HP_OWN, NULL, "run again every so many seconds")
#define KEYS NEEDED("primary-keys", 'p', HP_PASS, "key", "columns that name a record")
#define STAGING                                                                                    \
    VALUE("stage", 's', NULL, HP_NONE, NULL, "external stage, for Snowflake alone"),               \
        VALUE("s3-bucket", 'b', NULL, HP_NONE, NULL, "bucket, for Snowflake alone"),               \
        VALUE("s3-prefix", 'P', NULL, HP_NONE, NULL, "prefix in the bucket"),                      \
        VALUE("s3-region", 'R', "eu-west-1", HP_NONE, NULL, "region of the bucket")
#define CSV                                                                                        \
    VALUE("csv-prefix", 'c', NULL, HP_OWN, NULL, "how names of files begin"),                      \
        VALUE("csv-bytes", 'y', "104857600", HP_OWN, NULL, "a new file past so many bytes"),       \
        VALUE("csv-rows", 'r', "0", HP_OWN, NULL, "a new file after so many rows")
#define COPY                                                                                       \
    STAGING, CSV,                                                                                  \
        VALUE("csv-header", 'f', NULL, HP_OWN, NULL, "columns of the files, in their order"),      \
        VALUE("csv-regexp", 'X', ".+\\.csv.*", HP_NONE, NULL, "which objects of a bucket"),        \
        VALUE("commit-batch-size", 'B', "10000", HP_NONE, NULL, "a copy is one transaction"),      \
        SWITCH("append", 'a', HP_OWN, NULL, "do not empty the target first"), REPEAT,              \
        LEVEL("warn"), OUTPUT, STATS

static const struct hp_flag snap_flags[] = {COPY, FLAGS_END};
static const struct hp_flag delta_flags[] = {
    COPY,
    VALUE("delta-driver", 'd', "LAST_MODIFIED", HP_PASS, "cursor", "the column that grows"),
    VALUE("primary-keys", 'p', NULL, HP_PASS, "key", "columns that name a record"),
    VALUE("delta-size", 'D', "1", HP_NONE, NULL, "all that is new is read at once"),
    VALUE("delta-sec", 'F', NULL, HP_NONE, NULL, "likewise"),
    VALUE("start-date", 'G', "19000101T000000", HP_OWN, NULL, "the first watermark"),
    VALUE("start-sequence", 'H', "0", HP_OWN, NULL, "the same of numbers"),
    VALUE("exec-batch-size", 'E', "1000", HP_NONE, NULL, "leat chooses itself"),
    FLAGS_END};
static const struct hp_flag meta_flags[] = {
    SWITCH("execute-ddl", 'e', HP_TRUE, "execute", "run the statements"), LEVEL("error"),
    FLAGS_END};
static const struct hp_flag sync_flags[] = {
    KEYS,
    VALUE("commit-batch-size", 'B', "10000", HP_OWN, NULL, "changes of one transaction; all"),
    VALUE("sql-txt-batch-num-rows", 'S', "1000", HP_NONE, NULL, "leat chooses itself"),
    STAGING,
    CSV,
    REPEAT,
    LEVEL("warn"),
    OUTPUT,
    STATS,
    FLAGS_END};
static const struct hp_flag events_flags[] = {
    KEYS,
    VALUE("target-rowId-field", 't', "ORIGIN_ROWID", HP_NONE, NULL,
          "column for the source's ROWID"),
    VALUE("commit-batch-size", 'B', "10000", HP_NONE, NULL, "changes of one transaction"),
    STAGING,
    CSV,
    LEVEL("warn"),
    OUTPUT,
    STATS,
    FLAGS_END};
static const struct hp_flag diff_flags[] = {
    KEYS,
    VALUE("abort-after", 'n', "0", HP_OWN, NULL, "fail after so many differences; 0: never"),
    SWITCH("output-all-fields", 'a', HP_OWN, NULL, "print all columns"),
    LEVEL("error"),
    OUTPUT,
    STATS,
    FLAGS_END};
static const struct hp_flag pipe_flags[] = {
    NEEDED("file", 'f', HP_OWN, NULL, "the document"),
    SWITCH("web-service", 'w', HP_LATER, "the HTTP service", "serve, and run it"),
    VALUE("address", 'a', "0.0.0.0", HP_NONE, NULL, "of the service"),
    VALUE("port", 'p', "8080", HP_NONE, NULL, "of the service"),
    VALUE("log-level", 'l', "info", HP_OWN, NULL, "what to log"),
    VALUE("stats", 'L', "5", HP_OWN, NULL, "seconds between statistics; 0: none"),
    FLAGS_END};
static const struct hp_flag serve_flags[] = {
    VALUE("address", 'a', "0.0.0.0", HP_NONE, NULL, "to listen at"),
    VALUE("port", 'p', "8080", HP_NONE, NULL, "to listen at"), LEVEL("info"), STATS, FLAGS_END};
static const struct hp_flag query_flags[] = {
    SWITCH("dry-run", 'd', HP_OWN, NULL, "print the statement"),
    SWITCH("print-header", 'x', HP_OWN, NULL, "print the names of the columns first"),
    LEVEL("error"), FLAGS_END};
static const struct hp_flag stage_flags[] = {
    NEEDED("stage", 's', HP_NONE, NULL, "its name"),
    NEEDED("s3-url", 'u', HP_NONE, NULL, "where it is"),
    VALUE("s3-key", 'K', NULL, HP_NONE, NULL, "AWS_ACCESS_KEY_ID"),
    VALUE("s3-secret", 'S', NULL, HP_NONE, NULL, "AWS_SECRET_ACCESS_KEY"),
    SWITCH("execute-ddl", 'e', HP_NONE, NULL, "run the statement"),
    LEVEL("error"),
    FLAGS_END};
static const struct hp_flag connection_flags[] = {
    NEEDED("connection-name", 'c', HP_OWN, NULL, "its name"),
    VALUE("dsn", 'd', NULL, HP_OWN, NULL, "its URL"),
    SWITCH("force", 'f', HP_OWN, NULL, "replace one that is there"),
    VALUE("s3-bucket", 'b', NULL, HP_OWN, NULL, "s3://BUCKET"),
    VALUE("s3-prefix", 'P', NULL, HP_NONE, NULL, "prefix in the bucket"),
    VALUE("s3-region", 'R', "eu-west-1", HP_NONE, NULL, "region of the bucket"),
    FLAGS_END};
static const struct hp_flag connection_remove_flags[] = {
    NEEDED("connection-name", 'c', HP_OWN, NULL, "its name"), FLAGS_END};
static const struct hp_flag default_flags[] = {
    NEEDED("key", 'k', HP_OWN, NULL, "the flag's long name"),
    NEEDED("value", 'v', HP_OWN, NULL, "its value from now on"),
    SWITCH("force", 'f', HP_OWN, NULL, "replace one that is there"), FLAGS_END};
static const struct hp_flag default_remove_flags[] = {
    NEEDED("key", 'k', HP_OWN, NULL, "the flag's long name"), FLAGS_END};
static const struct hp_flag user_flags[] = {
    VALUE("login-days", 'd', "1", HP_NONE, NULL, "for so many days"), FLAGS_END};
static const struct hp_flag none[] = {FLAGS_END};

#define PLACES "<connection>.[<schema>.]<object> <connection>.[<schema>.]<object>"

const struct hp_command hp_commands[] = {
    {"config connections add", "<type>", 1, 1, connection_flags, "config connections add",
     hp_connection_add, "store a connection"},
    {"config connections list", "", 0, 0, none, NULL, hp_connections_list, "list the connections"},
    {"config connections remove", "", 0, 0, connection_remove_flags, "config connections remove",
     hp_connection_remove, "remove a connection"},
    {"config defaults add", "", 0, 0, default_flags, "config defaults add", hp_default_add,
     "store a flag's default value"},
    {"config defaults list", "", 0, 0, none, NULL, hp_defaults_list, "list the default values"},
    {"config defaults remove", "", 0, 0, default_remove_flags, "config defaults remove",
     hp_default_remove, "remove a default value"},
    {"cp snap", PLACES, 2, 2, snap_flags, "cp", hp_cp_snap, "copy a table"},
    {"cp delta", PLACES, 2, 2, delta_flags, "cp delta", hp_cp_delta, "copy what is new of a table"},
    {"cp meta", PLACES, 2, 2, meta_flags, "cp meta", hp_cp_meta, "print or run the CREATE TABLE"},
    {"create stage", "<connection>", 1, 1, stage_flags, "Snowflake", hp_later,
     "make an external stage"},
    {"create demo", "{install|uninstall} <oracle-connection> <snowflake-connection>", 3, 3,
     stage_flags, "Snowflake and Oracle", hp_later, "make tables to try things on"},
    {"diff", PLACES, 2, 2, diff_flags, "diff", hp_diff, "print the records that differ"},
    {"pipe", "", 0, 0, pipe_flags, NULL, hp_pipe, "run a document"},
    {"query", "<connection> <words of the statement>", 2, -1, query_flags, "query", hp_query,
     "run a query"},
    {"serve", "", 0, 0, serve_flags, "the HTTP service", hp_later, "serve over HTTP"},
    {"sync batch", PLACES, 2, 2, sync_flags, "sync batch", hp_sync_batch,
     "make the target equal to the source"},
    {"sync events", PLACES, 2, 2, events_flags, "streams of changes", hp_later,
     "follow a table's changes"},
    {"user login", "<auth-key>", 0, 1, user_flags, NULL, hp_user, "accepted: nothing is licensed"},
    {"user logout", "", 0, 0, none, NULL, hp_user, "accepted"},
    {"version", "", 0, 0, none, NULL, hp_version, "print the version"},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

/* Other words for the same. */
static const char *const removes[] = {"rm", "del", "delete"};

static bool is_same(const char *word, const char *wanted, size_t len)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(removes); i++) {
        if (!strcmp(word, removes[i]) && len == 6 && !strncmp(wanted, "remove", 6)) {
            return true;
        }
    }
    return strlen(word) == len && !strncmp(word, wanted, len);
}

/* How many of the words are those of a command; 0: they are not. */
static int matches(const char *wanted, const char *const *words, int n)
{
    int used = 0;
    for (; *wanted; used++) {
        size_t len = strcspn(wanted, " ");
        if (used >= n || !is_same(words[used], wanted, len)) {
            return 0;
        }
        wanted += len + (wanted[len] == ' ');
    }
    return used;
}

const struct hp_command *hp_command(const char *const *words, int n, int *ret_used)
{
    for (const struct hp_command *c = hp_commands; c->words; c++) {
        *ret_used = matches(c->words, words, n);
        if (*ret_used) {
            return c;
        }
    }
    return NULL;
}
