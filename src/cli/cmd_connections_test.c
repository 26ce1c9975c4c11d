/* leat config connections test: logs in, and says what is there and what may be done. */
#include "cli/args.h"
#include "cli/connections.h"
#include "cli/table.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/url.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

struct testing {
    struct cli *cli;
    struct leat_error *err;
    const char *name;
    bool json;
    int failed;
    struct table table;
};

#define MAY_MAX 64

/* "read, create, write" */
static const char *may(const struct leat_check *check, char text[MAY_MAX])
{
    const struct {
        bool can;
        const char *word;
    } words[] = {{check->can_read, "read"},
                 {check->can_create, "create"},
                 {check->can_write, "write"},
                 {check->can_replicate, "replicate"}};
    size_t len = 0;
    text[0] = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (words[i].can) {
            len +=
                (size_t)snprintf(text + len, MAY_MAX - len, "%s%s", len ? ", " : "", words[i].word);
        }
    }
    return len ? text : "nothing";
}

static void put_text(struct lt_json *json, const char *key, const char *text)
{
    lt_json_key(json, key);
    lt_json_text(json, text);
}

static void put_bool(struct lt_json *json, const char *key, bool value)
{
    lt_json_key(json, key);
    lt_json_bool(json, value);
}

static void put_ms(struct lt_json *json, const char *key, int64_t us)
{
    lt_json_key(json, key);
    lt_json_double(json, (double)us / 1000);
}

static void print_line(struct lt_json *json)
{
    lt_json_object_end(json);
    puts(lt_buf_text(json->out));
    lt_buf_done(json->out);
}

static void print_check_json(const struct testing *testing, const struct leat_check *check)
{
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    lt_json_object(&json);
    put_text(&json, "name", testing->name);
    put_bool(&json, "ok", true);
    put_text(&json, "system", check->system);
    put_text(&json, "version", check->version);
    put_text(&json, "user", check->user);
    put_ms(&json, "connect_ms", check->connect_us);
    put_ms(&json, "round_trip_ms", check->round_trip_us);
    put_bool(&json, "can_read", check->can_read);
    put_bool(&json, "can_create", check->can_create);
    put_bool(&json, "can_write", check->can_write);
    put_bool(&json, "can_replicate", check->can_replicate);
    print_line(&json);
}

static void cell(struct testing *testing, const char *text)
{
    table_cell(&testing->table, text, strlen(text));
}

static int show_check(void *arg, const struct leat_check *check)
{
    struct testing *testing = arg;
    char words[MAY_MAX], ms[32];
    if (testing->json) {
        print_check_json(testing, check);
        return LEAT_OK;
    }
    cell(testing, testing->name);
    cell(testing, "ok");
    cell(testing, check->system ? check->system : "");
    cell(testing, check->version ? check->version : "");
    cell(testing, check->user ? check->user : "");
    snprintf(ms, sizeof ms, "%.1f", (double)check->connect_us / 1000);
    cell(testing, ms);
    snprintf(ms, sizeof ms, "%.1f", (double)check->round_trip_us / 1000);
    cell(testing, ms);
    cell(testing, may(check, words));
    return LEAT_OK;
}

static void show_failure(struct testing *testing, const struct leat_error *why)
{
    if (testing->json) {
        struct lt_buf line = LT_BUF_INIT;
        struct lt_json json = {.out = &line};
        lt_json_object(&json);
        put_text(&json, "name", testing->name);
        put_bool(&json, "ok", false);
        put_text(&json, "code", why->code);
        put_text(&json, "message", why->message);
        put_text(&json, "sqlstate", why->sqlstate);
        print_line(&json);
    } else {
        cell(testing, testing->name);
        cell(testing, why->code);
        for (int i = 0; i < 6; i++) {
            cell(testing, "");
        }
    }
}

static int test_url(struct testing *testing, const char *url, struct leat_error *err)
{
    struct cli *cli = testing->cli;
    struct leat_plan *plan = NULL;
    const char *timeout =
        cli_find_option(cli, "connect-timeout") ? cli_value(cli, "connect-timeout") : NULL;
    int rc = leat_plan_new(cli->leat, &plan, err);
    rc = rc ? rc : leat_plan_source(plan, url, err);
    rc = rc || !timeout ? rc : leat_plan_set(plan, "connect-timeout", timeout, err);
    rc = rc ? rc : leat_check(plan, show_check, testing, err);
    leat_plan_free(plan);
    return rc;
}

static int test_one(struct testing *testing, const char *name)
{
    struct leat_error err = {0};
    struct leat_connection connection;
    /* What was to be a name may be a URL. */
    struct lt_buf shown = LT_BUF_INIT;
    testing->name = lt_redact(&shown, name) ? "***" : lt_buf_text(&shown);
    int rc = leat_connection_find(name, &connection, &err);
    rc = rc ? rc : test_url(testing, connection.url, &err);
    if (rc) {
        testing->failed++;
        if (!*err.place || !strchr(err.place, ' ')) {
            leat_error_place(&err, "%s", name);
        }
        cli_print_error(testing->cli, &err, NULL);
        show_failure(testing, &err);
    }
    lt_buf_done(&shown);
    return rc == LEAT_CANCELLED ? rc : LEAT_OK;
}

int cli_test_connections(struct cli *cli, const char *const *names, int n)
{
    static const struct table_column columns[] = {
        {"name", false}, {"result", false},  {"system", false},       {"version", false},
        {"user", false}, {"login ms", true}, {"round trip ms", true}, {"may", false}};
    struct leat_error err = {0};
    struct testing testing = {.cli = cli, .err = &err};
    testing.json = cli->command->options && cli_find_option(cli, "json") && cli_on(cli, "json");
    int rc =
        table_init(&testing.table, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns), &err);
    for (int i = 0; !rc && i < n; i++) {
        rc = test_one(&testing, names[i]);
    }
    if (testing.table.n_cells) {
        table_flush(&testing.table);
    }
    table_done(&testing.table);
    if (rc && rc != LEAT_CANCELLED) {
        cli_print_error(cli, &err, NULL);
    }
    return rc ? cli_exit_status(rc, NULL) : testing.failed ? EXIT_FAILED : 0;
}

/* --- all of them ---------------------------------------------------------------------------- */

struct names {
    struct cli *cli;
    const char **items;
    int n;
};

static int add_name(void *arg, const struct leat_connection *connection)
{
    struct names *names = arg;
    const char **items = realloc(names->items, ((size_t)names->n + 1) * sizeof *items);
    const char *name = cli_join(names->cli, (const char *[]){connection->name, NULL});
    names->items = items ? items : names->items;
    if (!items || !name) {
        return LEAT_NO_MEMORY;
    }
    items[names->n++] = name;
    return LEAT_OK;
}

int cmd_connections_test(struct cli *cli)
{
    struct leat_error err = {0};
    struct names names = {.cli = cli};
    if (cli->n_args) {
        return cli_test_connections(cli, cli->args, cli->n_args);
    }
    int rc = leat_connections(add_name, &names, &err);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    } else if (!names.n && !cli->quiet) {
        fputs("leat: there are no connections; `leat config connections add` makes one\n", stderr);
    }
    int status = rc ? cli_exit_status(rc, NULL) : cli_test_connections(cli, names.items, names.n);
    free(names.items);
    return status;
}
