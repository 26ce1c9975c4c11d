/* leat config defaults: values of options that count where nothing else says any. */
#include "cli/args.h"
#include "cli/connections.h"
#include "cli/table.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/url.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 512

/* Options that every table has and no default may be kept of: read before the vault is, or for one
 * command line only. */
static const char *const never[] = {"help", "env-file"};

/* Calls each() for every table of options that a default can be of, until it says stop. */
typedef bool table_fn(void *arg, const struct leat_option *table);
static bool each_table(struct cli *cli, table_fn *each, void *arg)
{
    const struct leat_connector *connector;
    bool stop = each(arg, leat_plan_options()) || each(arg, cli_options);
    for (const struct command *c = cli_commands; !stop && c->name; c++) {
        stop = cli_reads_defaults(c) && c->options && each(arg, c->options);
    }
    for (size_t i = 0; !stop && (connector = leat_connector_at(cli->leat, i)); i++) {
        stop = connector->options && each(arg, connector->options);
    }
    return stop;
}

/* An option that several tables have may take other values in each: one is enough. */
struct judging {
    const char *name, *value;
    bool found;
    bool secret;
    struct leat_error why;
    const char *names[NAMES_MAX]; /* for "did you mean" */
    size_t n_names;
};

static bool judge(void *arg, const struct leat_option *table)
{
    struct judging *judging = arg;
    for (; table->name; table++) {
        if (judging->n_names + 1 < NAMES_MAX) {
            judging->names[judging->n_names++] = table->name;
        }
        if (strcmp(table->name, judging->name)) {
            continue;
        }
        judging->found = true;
        judging->secret = judging->secret || table->kind == LEAT_OPTION_SECRET;
        if (!judging->value || !leat_option_check(table, judging->value, &judging->why)) {
            return true;
        }
    }
    return false;
}

int cli_check_default(struct cli *cli, const char *name, const char *value, struct leat_error *err)
{
    struct judging judging = {.name = name, .value = value};
    for (size_t i = 0; i < LT_ARRAY_LEN(never); i++) {
        if (!strcmp(never[i], name)) {
            return lt_fail(err, LT_E_USAGE, "--%s can have no stored default", name);
        }
    }
    if (each_table(cli, judge, &judging)) {
        return LEAT_OK;
    }
    if (judging.found) {
        if (err) {
            *err = judging.why;
        }
        return LEAT_INVALID;
    }
    const char *close = lt_closest(name, judging.names);
    lt_fail(err, LT_E_UNKNOWN_OPTION, "there is no option --%s", name);
    if (close) {
        leat_error_remedy(err, "did you mean %s?", close);
    }
    return LEAT_INVALID;
}

bool cli_default_is_secret(struct cli *cli, const char *name)
{
    struct judging judging = {.name = name};
    each_table(cli, judge, &judging);
    return judging.secret;
}

/* An option's name as leat has it, without the hyphens that some will write. */
static const char *option_name(const char *said)
{
    return cli_option_meant(!strncmp(said, "--", 2) ? said + 2 : said);
}

int cmd_defaults_add(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault;
    const char *name = cli_value(cli, "option"), *value = cli_value(cli, "value");
    int at = 0;
    name = !name && at < cli->n_args ? cli->args[at++] : name;
    value = !value && at < cli->n_args ? cli->args[at++] : value;
    int rc = name && value && at == cli->n_args
                 ? LEAT_OK
                 : lt_fail(&err, LT_E_USAGE, "say an option and its value");
    name = rc ? name : option_name(name);
    rc = rc ? rc : cli_check_default(cli, name, value, &err);
    rc = rc ? rc : leat_used_vault(&vault, &err);
    rc =
        rc ? rc : leat_vault_put(vault, LEAT_ITEM_DEFAULT, name, value, cli_on(cli, "force"), &err);
    if (rc) {
        if (!strcmp(err.code, lt_codes[LT_E_EXISTS].code)) {
            leat_error_remedy(&err, "--force replaces it");
        }
        cli_print_error(cli, &err, NULL);
    } else if (!cli->quiet) {
        fprintf(stderr, "default of --%s stored\n", name);
    }
    return cli_exit_status(rc, NULL);
}

struct listing {
    struct cli *cli;
    bool json;
    struct table table;
    struct lt_buf text;
};

static void print_json(const char *name, const char *value)
{
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    lt_json_object(&json);
    lt_json_key(&json, "option");
    lt_json_text(&json, name);
    lt_json_key(&json, "value");
    lt_json_text(&json, value);
    lt_json_object_end(&json);
    puts(lt_buf_text(&line));
    lt_buf_done(&line);
}

static int list_one(void *arg, const char *name, const char *value)
{
    struct listing *listing = arg;
    bool secret = cli_default_is_secret(listing->cli, name);
    lt_buf_clear(&listing->text);
    int rc = secret ? lt_buf_puts(&listing->text, "***") : lt_redact(&listing->text, value);
    if (!rc && listing->json) {
        print_json(name, lt_buf_text(&listing->text));
    } else if (!rc) {
        table_cell(&listing->table, name, strlen(name));
        table_cell(&listing->table, lt_buf_text(&listing->text), listing->text.len);
    }
    return rc;
}

int cmd_defaults_list(struct cli *cli)
{
    static const struct table_column columns[] = {{"option", false}, {"value", false}};
    struct leat_error err = {0};
    struct leat_vault *vault;
    struct listing listing = {.cli = cli, .json = cli_on(cli, "json"), .text = LT_BUF_INIT};
    int rc =
        table_init(&listing.table, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns), &err);
    rc = rc ? rc : leat_used_vault(&vault, &err);
    rc = rc ? rc : leat_vault_each(vault, LEAT_ITEM_DEFAULT, list_one, &listing, &err);
    if (!rc && listing.table.n_cells) {
        table_flush(&listing.table);
    }
    table_done(&listing.table);
    lt_buf_done(&listing.text);
    return cli_end(cli, rc, &err);
}

int cmd_defaults_remove(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    const char *said = cli_value(cli, "option");
    if (said) {
        cli->args[cli->n_args++] = said;
    }
    int rc = cli->n_args ? leat_used_vault(&vault, &err)
                         : lt_fail(&err, LT_E_USAGE, "name the options to forget the values of");
    for (int i = 0; !rc && i < cli->n_args; i++) {
        const char *name = option_name(cli->args[i]);
        rc = leat_vault_remove(vault, LEAT_ITEM_DEFAULT, name, &err);
        if (!rc && !cli->quiet) {
            fprintf(stderr, "default of --%s removed\n", name);
        }
    }
    return cli_end(cli, rc, &err);
}
