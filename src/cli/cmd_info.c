/* leat connectors, leat version. */
#include "cli/cli.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"

#include <string.h>

static void put_words(const char *title, const char *first, const char *const *words,
                      const char *before, const char *after)
{
    if (!first && !(words && *words)) {
        return;
    }
    printf("%s", title);
    if (first) {
        printf(" %s%s%s", before, first, after);
    }
    for (; words && *words; words++) {
        printf(" %s%s%s", before, *words, after);
    }
    putchar('\n');
}

static void show_connector(const struct leat_connector *c)
{
    struct leat_format format = {.size = sizeof format};
    printf("%s: %s\n\n", c->name, c->summary);
    printf("It can be %s.\n", c->source && c->load ? "read and written"
                              : c->source          ? "read"
                                                   : "written");
    put_words("URLs:", c->name, c->aliases, "", ":...");
    put_words("Endings of local paths:", NULL, c->extensions, ".", "");
    if (c->format && c->format(0, &format)) {
        puts("\nFormats");
    }
    for (size_t i = 0; c->format && c->format(i, &format); i++) {
        printf("  %-10s %s\n", format.name, format.summary);
    }
    if (c->options && c->options->name) {
        puts("\nOptions, in a URL (?name=value), as flags, or as variables (LEAT_<NAME>)");
        cli_each_option(stdout, c->options, cli_option_help);
    }
}

/* --- as JSON -------------------------------------------------------------------------------- */

static void json_words(struct lt_json *json, const char *key, const char *const *words)
{
    lt_json_key(json, key);
    lt_json_array(json);
    for (; words && *words; words++) {
        lt_json_text(json, *words);
    }
    lt_json_array_end(json);
}

static void json_formats(struct lt_json *json, const struct leat_connector *c)
{
    struct leat_format format = {.size = sizeof format};
    lt_json_key(json, "formats");
    lt_json_array(json);
    for (size_t i = 0; c->format && c->format(i, &format); i++) {
        lt_json_object(json);
        lt_json_key(json, "name");
        lt_json_text(json, format.name);
        lt_json_key(json, "summary");
        lt_json_text(json, format.summary);
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
}

static void json_options(struct lt_json *json, const struct leat_option *options)
{
    static const char *const kinds[] = {
        [LEAT_OPTION_TEXT] = "text",     [LEAT_OPTION_SECRET] = "secret",
        [LEAT_OPTION_BOOL] = "bool",     [LEAT_OPTION_INT] = "int",
        [LEAT_OPTION_SIZE] = "size",     [LEAT_OPTION_DURATION] = "duration",
        [LEAT_OPTION_CHOICE] = "choice", [LEAT_OPTION_LIST] = "list"};
    lt_json_key(json, "options");
    lt_json_array(json);
    for (; options && options->name; options++) {
        /* Of a module's tables anything may come. */
        const char *kind = kinds[LT_MIN((size_t)options->kind, LT_ARRAY_LEN(kinds) - 1)];
        const char *const pairs[][2] = {{"name", options->name},
                                        {"kind", kind},
                                        {"default", options->fallback},
                                        {"values", options->choices},
                                        {"help", options->help}};
        lt_json_object(json);
        for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
            lt_json_key(json, pairs[i][0]);
            lt_json_text(json, pairs[i][1]);
        }
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
}

/* One object, a line; `all`: with what can be set. */
static int print_json(const struct leat_connector *c, bool all, struct leat_error *err)
{
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    lt_json_object(&json);
    lt_json_key(&json, "connector");
    lt_json_text(&json, c->name);
    lt_json_key(&json, "summary");
    lt_json_text(&json, c->summary);
    lt_json_key(&json, "reads");
    lt_json_bool(&json, c->source != NULL);
    lt_json_key(&json, "writes");
    lt_json_bool(&json, c->load != NULL);
    json_words(&json, "aliases", c->aliases);
    json_words(&json, "extensions", c->extensions);
    if (all) {
        json_formats(&json, c);
        json_options(&json, c->options);
    }
    lt_json_object_end(&json);
    int rc = json.failed ? lt_fail_oom(err) : LEAT_OK;
    if (!rc) {
        puts(lt_buf_text(&line));
    }
    lt_buf_done(&line);
    return rc;
}

/* --- commands ------------------------------------------------------------------------------- */

static int list_connectors(struct cli *cli)
{
    struct leat_error err = {0};
    const struct leat_connector *c;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && (c = leat_connector_at(cli->leat, i)); i++) {
        if (cli_on(cli, "json")) {
            rc = print_json(c, false, &err);
        } else {
            printf("%-10s %s%s\t%s\n", c->name, c->source ? "r" : "-", c->load ? "w" : "-",
                   c->summary);
        }
    }
    return cli_end(cli, rc, &err);
}

int cmd_connectors(struct cli *cli)
{
    struct leat_error err = {0};
    const struct leat_connector *c;
    if (!cli->n_args) {
        return list_connectors(cli);
    }
    c = leat_connector_by_name(cli->leat, cli->args[0], &err);
    if (!c) {
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    if (cli_on(cli, "json")) {
        return cli_end(cli, print_json(c, true, &err), &err);
    }
    show_connector(c);
    return 0;
}

int cmd_version(struct cli *cli)
{
    (void)cli;
    printf("leat %s\n", leat_version());
    return 0;
}
