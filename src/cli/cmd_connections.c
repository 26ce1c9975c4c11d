/* leat config connections: add, list, show and remove. */
#include "cli/args.h"
#include "cli/connections.h"
#include "cli/table.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/url.h"
#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- names and URLs ------------------------------------------------------------------------- */

int cli_check_connection_name(const char *name, struct leat_error *err)
{
    bool good = isalpha((unsigned char)name[0]) || name[0] == '_';
    for (const char *p = name; *p && good; p++) {
        good = isalnum((unsigned char)*p) || *p == '_' || *p == '-';
    }
    if (good && strlen(name) <= CONNECTION_NAME_MAX) {
        return LEAT_OK;
    }
    lt_fail(err, LT_E_USAGE, "\"%.64s\" is no name for a connection", name);
    leat_error_remedy(err, "a letter, then letters, digits, _ and -, %d at most",
                      CONNECTION_NAME_MAX);
    return LEAT_INVALID;
}

int cli_check_url(struct cli *cli, const char *url, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    if (!strchr(url, ':')) {
        lt_fail(err, LT_E_USAGE, "a connection is kept as a URL");
        leat_error_remedy(err, "such as postgres://user@host/database or sqlite:/path/to/file.db");
        return LEAT_INVALID;
    }
    if (!strncmp(url, "${", 2)) {
        return LEAT_OK; /* a reference to a whole URL need not be there yet */
    }
    int rc = leat_plan_new(cli->leat, &plan, err);
    rc = rc ? rc : leat_plan_source(plan, url, err);
    leat_plan_free(plan);
    return rc;
}

void cli_connector_of(const char *url, char *name, size_t size)
{
    if (!strncasecmp(url, "jdbc:", 5)) {
        url += 5;
    }
    snprintf(name, size, "%.*s", (int)LT_MIN(strcspn(url, ":+"), size - 1), url);
    if (!strchr(url, ':')) {
        snprintf(name, size, "?");
    }
}

int cli_redacted(const char *url, struct lt_buf *text, struct leat_error *err)
{
    lt_buf_clear(text);
    if (!strchr(url, ':')) {
        return lt_buf_puts(text, "(no URL)") ? lt_fail_oom(err) : LEAT_OK;
    }
    return lt_redact(text, url) ? lt_fail_oom(err) : LEAT_OK;
}

/* --- add ------------------------------------------------------------------------------------ */

/* A DSN of a type, in Halfpipe's form: its scheme may be left out, and is not another's. */
static int url_of_dsn(struct cli *cli, const char *type, const char *dsn, const char **ret_url,
                      struct leat_error *err)
{
    char scheme[64];
    const struct leat_connector *wanted = leat_connector_by_name(cli->leat, type, err);
    if (!wanted) {
        return LEAT_INVALID;
    }
    if (!strchr(dsn, ':')) {
        *ret_url = cli_join(cli, (const char *[]){type, ":", dsn, NULL});
        return *ret_url ? LEAT_OK : lt_fail_oom(err);
    }
    cli_connector_of(dsn, scheme, sizeof scheme);
    const struct leat_connector *said = leat_connector_by_name(cli->leat, scheme, err);
    if (!said) {
        return LEAT_INVALID;
    }
    *ret_url = dsn;
    return said == wanted
               ? LEAT_OK
               : lt_fail(err, LT_E_USAGE, "the DSN is of %s, not of %s", said->name, wanted->name);
}

/* A URL from standard input, so that it stands in no list of processes or of commands. */
static int read_url(struct cli *cli, const char **ret_url, struct leat_error *err)
{
    char line[8192];
    if (!fgets(line, sizeof line, stdin)) {
        return lt_fail(err, LT_E_USAGE, "there is no URL on standard input");
    }
    line[strcspn(line, "\r\n")] = 0;
    *ret_url = cli_join(cli, (const char *[]){line, NULL});
    explicit_bzero(line, sizeof line);
    return *ret_url ? LEAT_OK : lt_fail_oom(err);
}

/* NAME URL; TYPE -c NAME -d DSN; or what is missing of these is asked for. */
static int take_connection(struct cli *cli, struct wanted_connection *wanted,
                           struct leat_error *err)
{
    const char *dsn = cli_value(cli, "dsn");
    wanted->name = cli_value(cli, "connection-name");
    if (!wanted->name && !dsn) {
        wanted->name = cli->n_args ? cli->args[0] : NULL;
        wanted->url = cli->n_args > 1 ? cli->args[1] : NULL;
    } else if (cli->n_args != 1 || !wanted->name || !dsn) {
        lt_fail(err, LT_E_USAGE, "say either NAME URL, or TYPE -c NAME -d DSN");
        return LEAT_INVALID;
    } else {
        return url_of_dsn(cli, cli->args[0], dsn, &wanted->url, err);
    }
    if (wanted->url && !strcmp(wanted->url, "-")) {
        return read_url(cli, &wanted->url, err);
    }
    return wanted->url ? LEAT_OK : cli_ask_connection(cli, wanted, err);
}

int cli_put_connection(struct cli *cli, const struct wanted_connection *wanted, bool replace,
                       struct leat_error *err)
{
    struct leat_vault *vault;
    struct leat_connection found;
    int rc = cli_check_connection_name(wanted->name, err);
    rc = rc ? rc : cli_check_url(cli, wanted->url, err);
    rc = rc ? rc : leat_used_vault(&vault, err);
    rc = rc ? rc
            : leat_vault_put(vault, LEAT_ITEM_CONNECTION, wanted->name, wanted->url, replace, err);
    if (rc || cli->quiet) {
        return rc;
    }
    fprintf(stderr, "connection \"%s\" added\n", wanted->name);
    if (!leat_connection_find(wanted->name, &found, NULL) && strcmp(found.origin, "vault") != 0) {
        fprintf(stderr, "leat: warn: %s counts for more, as long as it is set\n", found.origin);
    }
    return LEAT_OK;
}

int cmd_connections_add(struct cli *cli)
{
    struct leat_error err = {0};
    struct wanted_connection wanted = {.name = NULL};
    int rc = take_connection(cli, &wanted, &err);
    rc = rc ? rc : cli_put_connection(cli, &wanted, cli_on(cli, "force"), &err);
    if (rc) {
        if (!strcmp(err.code, lt_codes[LT_E_EXISTS].code)) {
            leat_error_remedy(&err, "--force replaces it");
        }
        cli_print_error(cli, &err, NULL);
    }
    return cli_exit_status(rc, NULL);
}

/* --- list and show -------------------------------------------------------------------------- */

struct listing {
    struct leat_error *err;
    bool json;
    struct table table;
    struct lt_buf text;
};

static void print_json(const struct leat_connection *connection, const char *url)
{
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    char connector[64];
    cli_connector_of(connection->url, connector, sizeof connector);
    const char *const pairs[][2] = {{"name", connection->name},
                                    {"connector", connector},
                                    {"url", url},
                                    {"origin", connection->origin}};
    lt_json_object(&json);
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        lt_json_key(&json, pairs[i][0]);
        lt_json_text(&json, pairs[i][1]);
    }
    lt_json_object_end(&json);
    puts(lt_buf_text(&line));
    lt_buf_done(&line);
}

static int list_one(void *arg, const struct leat_connection *connection)
{
    struct listing *listing = arg;
    int rc = cli_redacted(connection->url, &listing->text, listing->err);
    const char *url = lt_buf_text(&listing->text);
    if (rc || listing->json) {
        if (!rc) {
            print_json(connection, url);
        }
        return rc;
    }
    char connector[64];
    cli_connector_of(connection->url, connector, sizeof connector);
    const char *const cells[] = {connection->name, connector, url, connection->origin};
    for (size_t i = 0; i < LT_ARRAY_LEN(cells); i++) {
        table_cell(&listing->table, cells[i], strlen(cells[i]));
    }
    return listing->table.failed ? lt_fail_oom(listing->err) : LEAT_OK;
}

int cmd_connections_list(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"name", false}, {"connector", false}, {"url", false}, {"from", false}};
    struct leat_error err = {0};
    struct listing listing = {.err = &err, .json = cli_on(cli, "json"), .text = LT_BUF_INIT};
    int rc =
        table_init(&listing.table, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns), &err);
    rc = rc ? rc : leat_connections(list_one, &listing, &err);
    /* Those of variables are shown also where the vault cannot be read. */
    if (listing.table.n_cells) {
        table_flush(&listing.table);
    }
    table_done(&listing.table);
    lt_buf_done(&listing.text);
    return cli_end(cli, rc, &err);
}

static void show_line(const char *key, const char *value)
{
    if (value && *value) {
        printf("%-10s %s\n", key, value);
    }
}

/* The parts of a URL, which a person reads more easily. */
static void show_parts(const char *url)
{
    struct lt_url parts;
    if (!strncasecmp(url, "jdbc:", 5)) {
        url += 5;
    }
    if (lt_url_parse(url, &parts, NULL)) {
        return;
    }
    show_line("user", parts.user);
    show_line("password", parts.password ? "***" : NULL);
    show_line("host", parts.host);
    show_line("port", parts.port);
    if (parts.host) {
        show_line("database", parts.path + (*parts.path == '/'));
    }
    lt_url_done(&parts);
}

int cmd_connections_show(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_connection connection;
    struct lt_buf url = LT_BUF_INIT;
    int rc = leat_connection_find(cli->args[0], &connection, &err);
    rc = rc ? rc : cli_redacted(connection.url, &url, &err);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    } else if (cli_on(cli, "json")) {
        print_json(&connection, lt_buf_text(&url));
    } else {
        char connector[64];
        cli_connector_of(connection.url, connector, sizeof connector);
        show_line("name", connection.name);
        show_line("connector", connector);
        show_line("url", lt_buf_text(&url));
        show_parts(connection.url);
        show_line("from", connection.origin);
    }
    lt_buf_done(&url);
    return cli_exit_status(rc, NULL);
}

/* --- remove --------------------------------------------------------------------------------- */

static int remove_one(struct leat_vault *vault, const char *name, struct leat_error *err)
{
    struct leat_connection found;
    int rc = leat_vault_remove(vault, LEAT_ITEM_CONNECTION, name, err);
    if (rc == LEAT_NOT_FOUND && !leat_connection_find(name, &found, NULL)) {
        leat_error_remedy(err, "it is made by the %s", found.origin);
    }
    return rc;
}

int cmd_connections_remove(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    const char *said = cli_value(cli, "connection-name");
    if (said) {
        cli->args[cli->n_args++] = said;
    }
    int rc = cli->n_args ? leat_used_vault(&vault, &err)
                         : lt_fail(&err, LT_E_USAGE, "name the connections to remove");
    for (int i = 0; !rc && i < cli->n_args; i++) {
        rc = remove_one(vault, cli->args[i], &err);
        if (!rc && !cli->quiet) {
            fprintf(stderr, "connection \"%s\" removed\n", cli->args[i]);
        }
    }
    return cli_end(cli, rc, &err);
}
