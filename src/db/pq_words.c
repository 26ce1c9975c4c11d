#include "db/pq_words.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Another name for a keyword of libpq, and for its values where they differ. A value that no row has
 * is taken over as it is; rows of one name stand together. */
static const struct {
    const char *name, *keyword;
    const char *value, *means;
} words[] = {
    {"applicationName", "application_name", NULL, NULL},
    {"connectTimeout", "connect_timeout", NULL, NULL},
    {"loginTimeout", "connect_timeout", NULL, NULL},
    {"tcpKeepAlive", "keepalives", "true", "1"},
    {"tcpKeepAlive", "keepalives", "false", "0"},
    {"targetServerType", "target_session_attrs", "any", "any"},
    {"targetServerType", "target_session_attrs", "primary", "primary"},
    {"targetServerType", "target_session_attrs", "master", "primary"},
    {"targetServerType", "target_session_attrs", "secondary", "standby"},
    {"targetServerType", "target_session_attrs", "slave", "standby"},
    {"targetServerType", "target_session_attrs", "preferSecondary", "prefer-standby"},
    {"targetServerType", "target_session_attrs", "preferSlave", "prefer-standby"},
    {"loadBalanceHosts", "load_balance_hosts", "true", "random"},
    {"loadBalanceHosts", "load_balance_hosts", "false", "disable"},
    {"kerberosServerName", "krbsrvname", NULL, NULL},
    /* JDBC's ssl=true asks for a certificate that is checked; asyncpg's has libpq's own modes. */
    {"ssl", "sslmode", "true", "verify-full"},
    {"ssl", "sslmode", "false", "disable"},
};

/* The schema to be looked in: JDBC's and Prisma's. */
static const char *const schema_words[] = {"currentSchema", "schema"};

/* About the other driver, and nothing that the server, the login or safety would notice. */
static const char *const harmless[] = {
    "adaptiveFetch",
    "assumeMinServerVersion",
    "autosave",
    "binaryTransfer",
    "connection_limit",
    "databaseMetadataCacheFields",
    "defaultRowFetchSize",
    "disableColumnSanitiser",
    "loggerFile",
    "loggerLevel",
    "logUnclosedConnections",
    "pgbouncer",
    "pool_timeout",
    "prepareThreshold",
    "preparedStatementCacheQueries",
    "preparedStatementCacheSizeMiB",
    "prepared_statement_cache_size",
    "preferQueryMode",
    "reWriteBatchedInserts",
    "receiveBufferSize",
    "sendBufferSize",
    "socketTimeout",
    "socket_timeout",
    "statement_cache_size",
    "stringtype",
    "unknownLength",
};

/* Adds "-c search_path=..." to the options there are. */
static int add_schema(struct lt_pq_params *params, const char *schema, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    char **options = NULL;
    for (size_t i = 0; i < params->n; i++) {
        options = strcmp(params->keywords[i], "options") ? options : &params->values[i];
    }
    int rc =
        lt_buf_printf(&text, "%s%s-c search_path=", options ? *options : "", options ? " " : "");
    for (; !rc && *schema; schema++) {
        /* A backslash keeps a blank, or itself, in its word. */
        bool special = *schema == ' ' || *schema == '\\';
        rc = lt_buf_printf(&text, "%s%c", special ? "\\" : "", *schema);
    }
    char *taken = rc ? NULL : lt_buf_take(&text);
    lt_buf_done(&text);
    if (!taken) {
        return lt_fail_oom(err);
    }
    if (options) {
        free(*options);
        *options = taken;
        return LEAT_OK;
    }
    rc = lt_pq_params_add(params, "options", taken, err);
    free(taken);
    return rc;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcasecmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

int lt_pq_words_take(struct lt_pq_params *params, const char *name, const char *value,
                     bool *ret_known, struct leat_error *err)
{
    const char *keyword = NULL;
    *ret_known = true;
    if (is_one_of(name, schema_words, LT_ARRAY_LEN(schema_words))) {
        return add_schema(params, value, err);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (strcasecmp(words[i].name, name)) {
            continue;
        }
        keyword = words[i].keyword;
        if (words[i].value && !strcasecmp(words[i].value, value)) {
            value = words[i].means;
            break;
        }
    }
    if (keyword) {
        return lt_pq_params_add(params, keyword, value, err);
    }
    *ret_known = is_one_of(name, harmless, LT_ARRAY_LEN(harmless));
    return LEAT_OK;
}
