/* Connections of a document, and plans with them. */
#include "pipe/halfpipe/internal.h"

#include "leat/config.h"

#include "core/log.h"
#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>

/* Types that Halfpipe has, and which of leat's connectors each needs. */
static const struct {
    const char *type, *connector, *needs;
} types[] = {
    {"oracle", "oracle", "Oracle"},
    {"snowflake", "snowflake", "Snowflake"},
    {"sqlserver", "sqlserver", "SQL Server"},
    {"odbc+sqlserver", "odbc", "ODBC"},
    {"odbc", "odbc", "ODBC"},
    {"netezza", "netezza", "Netezza"},
    {"s3", "s3", "S3"},
    {"mockOracle", "oracle", "Oracle"},
};

int hp_connection_check(struct leat *leat, const char *type, struct leat_error *err)
{
    struct leat_error own = {0};
    const char *connector = type, *needs = NULL;
    for (size_t i = 0; i < LT_ARRAY_LEN(types); i++) {
        if (!strcmp(types[i].type, type)) {
            connector = types[i].connector;
            needs = types[i].needs;
        }
    }
    if (leat_connector_by_name(leat, connector, &own)) {
        return LEAT_OK;
    }
    if (needs) {
        lt_fail(err, LT_E_UNSUPPORTED, "type %s needs a connector for %s, which this leat has not",
                type, needs);
        leat_error_remedy(err, "`leat connectors` lists what there is");
        return LEAT_UNSUPPORTED;
    }
    int rc = lt_fail(err, LT_E_INVALID, "there is no type of connection \"%s\"", type);
    leat_error_remedy(err, "%s", own.remedy);
    return rc;
}

/* --- locations ------------------------------------------------------------------------------ */

static const struct hp_connection *find(const struct hp_step *step, const char *name)
{
    const struct lt_halfpipe *pipe = step->flow->run->pipe;
    for (size_t i = 0; i < pipe->n_connections; i++) {
        if (!strcmp(pipe->connections[i].name, name)) {
            return &pipe->connections[i];
        }
    }
    return NULL;
}

/* The connection's URL, malloc'ed and secret: its own, or the stored one's. */
static int url_of(const struct hp_step *step, const char *key, char **ret_url,
                  struct leat_error *err)
{
    const struct hp_connection *connection = find(step, hp_value(step->def, key));
    struct leat_connection stored = {.size = sizeof stored};
    if (!connection) {
        return lt_fail(err, LT_E_INVALID, "there is no connection \"%s\"",
                       hp_value(step->def, key));
    }
    int rc = connection->url ? LEAT_OK : leat_connection_find(connection->logical, &stored, err);
    if (rc) {
        leat_error_place(err, "connection %s", connection->name);
        return rc;
    }
    char *url = lt_strdup(connection->url ? connection->url : stored.url);
    if (!url) {
        return lt_fail_oom(err);
    }
    *ret_url = url;
    return LEAT_OK;
}

static void forget(char *url)
{
    if (url) {
        explicit_bzero(url, strlen(url));
    }
    free(url);
}

int hp_plan_new(struct hp_step *step, const char *memory, enum leat_action action,
                struct leat_plan **ret_plan, struct leat_error *err)
{
    const struct lt_halfpipe *pipe = step->flow->run->pipe;
    struct leat_plan *plan = NULL;
    int rc = leat_plan_new(pipe->leat, &plan, err);
    rc = rc ? rc : leat_plan_action(plan, action, err);
    rc = rc ? rc : leat_plan_set(plan, "memory", memory, err);
    for (size_t i = 0; !rc && i < pipe->n_settings; i++) {
        rc = leat_action_takes(action, pipe->settings[i].name)
                 ? leat_plan_set_default(plan, pipe->settings[i].name, pipe->settings[i].value, err)
                 : LEAT_OK;
    }
    if (rc) {
        leat_plan_free(plan);
        return rc;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

int hp_plan_source(struct hp_step *step, const char *key, struct leat_plan **ret_plan,
                   struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    char *url = NULL;
    int rc = url_of(step, key, &url, err);
    rc = rc ? rc : hp_plan_new(step, HP_MEMORY_READ, LEAT_ACTION_COPY, &plan, err);
    rc = rc ? rc : leat_plan_source(plan, url, err);
    forget(url);
    if (rc) {
        leat_plan_free(plan);
        return rc;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

/* A name in SQL's quotes, percent-encoded as a parameter of a URL. */
static int put_name(struct lt_buf *out, const char *name)
{
    int rc = lt_buf_puts(out, "%22");
    for (const char *p = name; !rc && *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"') {
            rc = lt_buf_puts(out, "%22%22");
        } else if (isalnum(c) || c == '_' || c == '-') {
            rc = lt_buf_byte(out, c);
        } else {
            rc = lt_buf_printf(out, "%%%02X", c);
        }
    }
    return rc ? rc : lt_buf_puts(out, "%22");
}

/* The connection's URL with that table instead of one that it names itself; secret. */
static int put_table(struct lt_buf *out, const char *url, const char *ns, const char *table)
{
    const char *hash = strrchr(url, '#');
    size_t len = hash && !strchr(hash, '}') ? (size_t)(hash - url) : strlen(url);
    int rc = lt_buf_append(out, url, len);
    rc = rc ? rc : lt_buf_puts(out, memchr(url, '?', len) ? "&table=" : "?table=");
    rc = rc || !*ns ? rc : put_name(out, ns);
    rc = rc || !*ns ? rc : lt_buf_byte(out, '.');
    return rc ? rc : put_name(out, table);
}

typedef int place_fn(struct leat_plan *plan, const char *location, struct leat_error *err);

static int give_table(struct hp_step *step, const char *key, const char *ns, const char *table,
                      place_fn *give, struct leat_plan *plan, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    char *url = NULL;
    int rc = url_of(step, key, &url, err);
    if (!rc && put_table(&text, url, ns, table)) {
        rc = lt_fail_oom(err);
    }
    rc = rc ? rc : give(plan, lt_buf_text(&text), err);
    forget(url);
    if (text.data) {
        explicit_bzero(text.data, text.len);
    }
    lt_buf_done(&text);
    return rc;
}

int hp_plan_destination(struct hp_step *step, const char *key, const char *ns, const char *table,
                        struct leat_plan *plan, struct leat_error *err)
{
    return give_table(step, key, ns, table, leat_plan_destination, plan, err);
}

static int ignore(void *arg, const struct leat_stream_info *info)
{
    (void)arg;
    (void)info;
    return LEAT_OK;
}

int hp_table_check(struct hp_step *step, const char *key, const char *ns, const char *table,
                   struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = hp_plan_new(step, HP_MEMORY_READ, LEAT_ACTION_COPY, &plan, err);
    rc = rc ? rc : give_table(step, key, ns, table, leat_plan_source, plan, err);
    rc = rc ? rc : leat_list(plan, ignore, NULL, err);
    leat_plan_free(plan);
    return rc;
}
