/* The SQLite connector: its URL, its options, what it can do. */
#include "connectors/sqlite/sqlite.h"

#include "connectors/sqlite/internal.h"
#include "core/url.h"
#include "core/util.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "core/banned.h"

static const struct leat_option options[] = {
    {"mode", LEAT_OPTION_CHOICE, "rwc", "ro|rw|rwc|immutable",
     "ro only reads; rw wants the file to exist; rwc lets a load make it; immutable reads without "
     "locks a file that nobody writes, such as one on a read-only medium"},
    {"attach", LEAT_OPTION_LIST, NULL, "NAME=FILE,...",
     "Read further database files beside this one: their tables are NAME.TABLE, in queries too"},
    {"date-numbers", LEAT_OPTION_CHOICE, "refuse", "refuse|unix|unix-ms|julian",
     "What numbers in columns declared DATE, DATETIME or TIMESTAMP count: seconds or milliseconds "
     "since 1970, or Julian days"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

static const char *const aliases[] = {"sqlite3", NULL};
static const char *const extensions[] = {"db", "db3", "sqlite", "sqlite3", NULL};
static const char *const commit_steps[] = {"commit", NULL};

/* sqlite:path, sqlite:/abs, sqlite:///rel and sqlite:////abs (as SQLAlchemy reads them). */
static int path_of_url(const struct lt_url *url, char **ret_path, struct leat_error *err)
{
    const char *path = url->path ? url->path : "";
    if (url->host && *url->host) {
        int status = lt_fail(err, LT_E_INVALID, "a SQLite URL has no host");
        leat_error_remedy(err, "write sqlite:PATH");
        return status;
    }
    if (url->has_authority && path[0] == '/') {
        path++;
    }
    if (!*path) {
        return lt_fail(err, LT_E_INVALID, "the SQLite URL names no file");
    }
    if (!strcmp(path, ":memory:")) {
        int status = lt_fail(err, LT_E_UNSUPPORTED,
                             "a database in memory ends with the connection that made it");
        leat_error_remedy(err, "name a file");
        return status;
    }
    *ret_path = lt_strdup(path);
    return *ret_path ? LEAT_OK : lt_fail_oom(err);
}

/* One NAME=FILE. */
static int add_attached(struct leat_endpoint *ep, const char *text, size_t len,
                        struct leat_error *err)
{
    const char *mark = memchr(text, '=', len);
    if (!mark || mark == text || mark + 1 == text + len) {
        return lt_fail(err, LT_E_INVALID, "attach takes NAME=FILE");
    }
    struct sq_attached *grown = realloc(ep->attached, (ep->n_attached + 1) * sizeof *grown);
    if (!grown) {
        return lt_fail_oom(err);
    }
    ep->attached = grown;
    struct sq_attached file = {.name = lt_strndup(text, (size_t)(mark - text)),
                               .path = lt_strndup(mark + 1, (size_t)(text + len - mark - 1))};
    int status = file.name && file.path ? LEAT_OK : lt_fail_oom(err);
    if (!status && (lt_sq_namespace(ep, file.name) || !strcasecmp(file.name, "temp"))) {
        status = lt_fail(err, LT_E_INVALID, "\"%s\" is taken: attach the file by another name",
                         file.name);
    }
    if (status) {
        free(file.name);
        free(file.path);
        return status;
    }
    ep->attached[ep->n_attached++] = file;
    return LEAT_OK;
}

static int set_attached(struct leat_endpoint *ep, const char *value, struct leat_error *err)
{
    int status = LEAT_OK;
    for (const char *at = value; at && *at && !status;) {
        size_t len = strcspn(at, ",");
        status = add_attached(ep, at, len, err);
        at += len + (at[len] == ',');
    }
    return status;
}

struct word {
    const char *text;
    int value;
};

static int set_word(const struct word *words, const char *name, const char *value, int *ret_value,
                    struct leat_error *err)
{
    for (; words->text; words++) {
        if (value && !strcmp(value, words->text)) {
            *ret_value = words->value;
            return LEAT_OK;
        }
    }
    const struct leat_option *option = options;
    while (strcmp(option->name, name) != 0) {
        option++;
    }
    return lt_fail(err, LT_E_INVALID, "%s is one of %s", name, option->choices);
}

static int set_option(struct leat_endpoint *ep, const char *name, const char *value,
                      struct leat_error *err)
{
    static const struct word modes[] = {{"ro", SQ_READ_ONLY},
                                        {"rw", SQ_READ_WRITE},
                                        {"rwc", SQ_READ_WRITE_CREATE},
                                        {"immutable", SQ_IMMUTABLE},
                                        {NULL, 0}};
    static const struct word numbers[] = {{"refuse", SQ_NUMBERS_REFUSED},
                                          {"unix", SQ_NUMBERS_UNIX},
                                          {"unix-ms", SQ_NUMBERS_UNIX_MS},
                                          {"julian", SQ_NUMBERS_JULIAN},
                                          {NULL, 0}};
    int chosen = 0, status;
    if (!strcmp(name, "attach")) {
        return set_attached(ep, value, err);
    }
    if (!strcmp(name, "date-numbers")) {
        status = set_word(numbers, name, value, &chosen, err);
        ep->numbers = status ? ep->numbers : (enum sq_numbers)chosen;
        return status;
    }
    if (strcmp(name, "mode") != 0) {
        return lt_fail(err, LT_E_UNKNOWN_OPTION, "a SQLite URL has no parameter \"%s\"", name);
    }
    status = set_word(modes, name, value, &chosen, err);
    ep->mode = status ? ep->mode : (enum sq_mode)chosen;
    return status;
}

/* True when parameters follow the path: ? and NAME=. */
static bool has_params(const char *path)
{
    const char *mark = strrchr(path, '?');
    size_t len = mark ? strcspn(mark + 1, "=&/") : 0;
    return len && mark[1 + len] == '=';
}

/* A path written as it is (no //) that exists, or holds neither parameters nor a percent sign, is
 * meant as it stands: files may have % and ? in their names. */
static bool is_plain_path(const char *url, const char **ret_path)
{
    const char *colon = strchr(url, ':');
    const char *path = colon ? colon + 1 : url;
    *ret_path = path;
    return *path && strncmp(path, "//", 2) != 0 && strcmp(path, ":memory:") != 0 &&
           (access(path, F_OK) == 0 || (!has_params(path) && !strchr(path, '%')));
}

static int configure(struct leat_endpoint *ep, const struct leat_config *config,
                     struct leat_error *err)
{
    struct lt_url url = {.scheme = NULL};
    const char *plain = NULL;
    int status = LEAT_OK;
    if (is_plain_path(config->url, &plain)) {
        ep->path = lt_strdup(plain);
        status = ep->path ? LEAT_OK : lt_fail_oom(err);
    } else {
        status = lt_url_parse(config->url, &url, err);
        status = status ? status : path_of_url(&url, &ep->path, err);
    }
    for (size_t i = 0; i < url.n_params && !status; i++) {
        status = set_option(ep, url.params[i].key, url.params[i].value, err);
    }
    for (size_t i = 0; i < config->n_params && !status; i++) {
        status = set_option(ep, config->params[i].name, config->params[i].value, err);
    }
    lt_url_done(&url);
    return status;
}

static void sq_close(struct leat_endpoint *ep)
{
    if (ep) {
        lt_sq_disconnect(ep->conn);
        for (size_t i = 0; i < ep->n_attached; i++) {
            free(ep->attached[i].name);
            free(ep->attached[i].path);
        }
        free(ep->attached);
        free(ep->path);
        free(ep);
    }
}

static int sq_open(const struct leat_config *config, struct leat_endpoint **ret_ep,
                   struct leat_error *err)
{
    const struct lt_sqlite *api = NULL;
    int status = lt_sqlite_load(&api, err);
    if (status) {
        return status;
    }
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep) {
        return lt_fail_oom(err);
    }
    ep->api = api;
    ep->host = config->host;
    ep->lock_timeout_ms = config->lock_timeout_ms;
    ep->no_state = config->no_state;
    ep->capabilities = (struct leat_capabilities){
        .size = sizeof ep->capabilities,
        .flags = LEAT_CAN_QUERY | LEAT_CAN_PREDICATE | LEAT_CAN_PROJECT | LEAT_CAN_LIMIT |
                 LEAT_CAN_ORDER | LEAT_CAN_STREAMS,
        .payloads_out = LEAT_PAYLOAD_BATCH,
        .payloads_in = LEAT_PAYLOAD_BATCH,
        .readers_max = 0,
        .loads_max = 1,
        .default_namespace = "",
        .commit_steps = commit_steps,
        /* UPDATE ... FROM came with 3.33. */
        .modes = ep->api->sqlite3_libversion_number() < 3033000
                     ? 0
                     : 1u << LEAT_REPLACE | 1u << LEAT_APPEND | 1u << LEAT_MERGE |
                           1u << LEAT_DELETE_INSERT | 1u << LEAT_CHANGES | 1u << LEAT_HISTORY,
    };
    status = configure(ep, config, err);
    if (status) {
        sq_close(ep);
        return status;
    }
    if (ep->n_attached) {
        ep->capabilities.flags |= LEAT_HAS_NAMESPACES;
        ep->capabilities.default_namespace = SQ_MAIN;
    }
    *ret_ep = ep;
    return LEAT_OK;
}

static bool can_create(const struct leat_endpoint *ep)
{
    const char *slash = strrchr(ep->path, '/');
    char *folder = slash ? lt_strndup(ep->path, (size_t)(slash - ep->path) + 1) : lt_strdup(".");
    bool can = folder && access(folder, W_OK | X_OK) == 0;
    free(folder);
    return can;
}

static int sq_check(struct leat_endpoint *ep, struct leat_check *ret_check, struct leat_error *err)
{
    struct leat_check check = {.size = ret_check->size,
                               .system = "SQLite",
                               .version = ep->api->sqlite3_libversion(),
                               .user = ""};
    bool write = ep->mode < SQ_READ_ONLY;
    if (lt_sq_exists(ep) || ep->mode != SQ_READ_WRITE_CREATE) {
        struct sq_conn *conn = NULL;
        int64_t tables;
        int status = lt_sq_own(ep, &conn, err);
        status = status ? status
                        : lt_sq_int(conn, "SELECT count(*) FROM sqlite_master", NULL, NULL, 0,
                                    &tables, err);
        if (status) {
            return status;
        }
        check.can_read = true;
        write = write && access(ep->path, W_OK) == 0;
    }
    /* The journal is made beside the database. */
    check.can_write = check.can_create = write && can_create(ep);
    memcpy(ret_check, &check, LT_MIN(ret_check->size, sizeof check));
    return LEAT_OK;
}

static void sq_cancel(struct leat_endpoint *ep)
{
    lt_cancel_set(&ep->cancel);
}

static const struct leat_capabilities *sq_capabilities(struct leat_endpoint *ep)
{
    return &ep->capabilities;
}

static int sq_execute(struct leat_endpoint *ep, const char *sql, int64_t *ret_rows,
                      struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    int status = lt_sq_connect(ep, SQ_USE_WRITE, &conn, err);
    status = status ? status : lt_sq_script(conn, sql, false, err);
    if (!status && ret_rows) {
        *ret_rows = ep->api->sqlite3_total_changes(conn->db);
    }
    lt_sq_disconnect(conn);
    return status;
}

static int sq_quote(struct leat_endpoint *ep, const char *identifier, char *out, size_t size)
{
    (void)ep;
    struct lt_buf text = LT_BUF_INIT;
    size_t used = strnlen(out, size);
    int status = lt_sq_quote(&text, identifier) ? LEAT_NO_MEMORY : LEAT_OK;
    if (!status && text.len >= size - used) {
        status = LEAT_INVALID;
    }
    if (!status) {
        memcpy(out + used, lt_buf_text(&text), text.len + 1);
    }
    lt_buf_done(&text);
    return status;
}

static const struct leat_sql_ops sql_ops = {.execute = sq_execute,
                                            .quote = sq_quote,
                                            .run = lt_sq_run,
                                            .rows_columns = lt_sq_rows_columns,
                                            .rows_next = lt_sq_rows_next,
                                            .rows_close = lt_sq_rows_close};

const struct leat_connector lt_connector_sqlite = {
    .size = sizeof lt_connector_sqlite,
    .abi = LEAT_CONNECTOR_ABI,
    .name = "sqlite",
    .aliases = aliases,
    .summary = "SQLite database files",
    .options = options,
    .open = sq_open,
    .close = sq_close,
    .check = sq_check,
    .cancel = sq_cancel,
    .capabilities = sq_capabilities,
    .catalog = &lt_sq_catalog,
    .source = &lt_sq_source,
    .load = &lt_sq_load,
    .sql = &sql_ops,
    .extensions = extensions,
    .types_in = lt_sqlite_types_in,
    .types_out = lt_sqlite_types_out,
    .ddl = lt_sq_ddl,
};
