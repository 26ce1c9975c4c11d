/* leat config explain: what every option of a command would be, and what says so. */
#include "cli/args.h"
#include "cli/connections.h"
#include "cli/table.h"

#include "core/json.h"
#include "core/url.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

struct explaining {
    struct cli *cli;
    bool json;
    struct table table;
    struct lt_buf text;
};

static void print_row(struct explaining *e, const char *kind, const char *name, const char *value,
                      const char *origin)
{
    if (!e->json) {
        const char *const cells[] = {name, value ? value : "", origin};
        for (size_t i = 0; i < LT_ARRAY_LEN(cells); i++) {
            table_cell(&e->table, cells[i], strlen(cells[i]));
        }
        return;
    }
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    lt_json_object(&json);
    lt_json_key(&json, kind);
    lt_json_text(&json, name);
    lt_json_key(&json, "value");
    lt_json_text(&json, value);
    lt_json_key(&json, "origin");
    lt_json_text(&json, origin);
    lt_json_object_end(&json);
    puts(lt_buf_text(&line));
    lt_buf_done(&line);
}

/* The values that were set: the last one, of a list all, each with what set it. */
static void explain_option(struct explaining *e, const struct leat_option *option)
{
    const struct cli_values *values = e->cli->values;
    size_t n = 0;
    for (size_t i = 0; i < values->n; i++) {
        n += !strcmp(values->items[i].name, option->name);
    }
    if (!n) {
        print_row(e, "option", option->name, option->fallback, "built-in");
        return;
    }
    for (size_t i = 0; i < values->n; i++) {
        const struct cli_set_value *set = &values->items[i];
        if (strcmp(set->name, option->name) || (--n && option->kind != LEAT_OPTION_LIST)) {
            continue;
        }
        lt_buf_clear(&e->text);
        int rc = option->kind == LEAT_OPTION_SECRET ? lt_buf_puts(&e->text, "***")
                                                    : lt_redact(&e->text, set->value);
        print_row(e, "option", option->name, rc ? "" : lt_buf_text(&e->text), set->origin);
    }
}

static void explain_table(struct explaining *e, const struct leat_option *table)
{
    for (; table && table->name; table++) {
        explain_option(e, table);
    }
}

static void explain_options(struct explaining *e)
{
    struct cli *cli = e->cli;
    const struct command *command = cli->command;
    const struct leat_connector *connector;
    explain_table(e, command->options);
    explain_table(e, cli_options);
    if (!(command->takes & TAKES_PLAN)) {
        return;
    }
    for (const struct leat_option *o = leat_plan_options(); o->name; o++) {
        if (cli_takes(command, o->name)) {
            explain_option(e, o);
        }
    }
    for (size_t i = 0; (connector = leat_connector_at(cli->leat, i)); i++) {
        explain_table(e, connector->options);
    }
}

/* Arguments that are names of connections. */
static void explain_places(struct explaining *e)
{
    for (int i = 0; i < e->cli->n_args; i++) {
        char name[CONNECTION_NAME_MAX + 1];
        struct leat_connection found;
        struct leat_error err = {0};
        size_t len = strcspn(e->cli->args[i], ".#");
        if (!len || len >= sizeof name || strcspn(e->cli->args[i], "/:@?") < len) {
            continue;
        }
        memcpy(name, e->cli->args[i], len);
        name[len] = 0;
        if (!leat_connection_find(name, &found, &err) && !cli_redacted(found.url, &e->text, NULL)) {
            print_row(e, "connection", name, lt_buf_text(&e->text), found.origin);
        }
    }
}

int cmd_config_explain(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"name", false}, {"value", false}, {"from", false}};
    struct leat_error err = {0};
    struct cli_values values = {.items = NULL};
    struct explaining e = {.cli = cli, .text = LT_BUF_INIT};
    int n = cli->n_args, first = 0, rc;
    if (n && (!strcmp(cli->args[0], "--help") || !strcmp(cli->args[0], "-h"))) {
        cli_help(stdout, cli->leat, cli->command);
        return 0;
    }
    char **words = calloc((size_t)n + 1, sizeof *words);
    e.json = n && !strcmp(cli->args[0], "--json");
    first = e.json;
    for (int i = first; words && i < n; i++) {
        words[i - first] = (char *)(uintptr_t)cli->args[i];
    }
    rc = words ? table_init(&e.table, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns), &err)
               : leat_fail(&err, LEAT_NO_MEMORY, "out of memory");
    cli->values = &values;
    rc = rc ? rc : cli_parse_noting(cli, n - first, words, &err);
    if (!rc) {
        explain_places(&e);
        explain_options(&e);
        if (e.table.n_cells) {
            table_flush(&e.table);
        }
    } else {
        cli_print_error(cli, &err, NULL);
    }
    table_done(&e.table);
    lt_buf_done(&e.text);
    cli->values = NULL;
    free(values.items);
    free(words);
    return cli_exit_status(rc, NULL);
}
