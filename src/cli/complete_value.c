/* Values of options, for completion. */
#include "cli/complete.h"

#include "leat/config.h"

#include "core/util.h"

#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define NAME_MAX_BYTES 64

/* Prints the value if it begins as what was typed. */
static void put(const struct value_begun *at, const char *value, size_t len)
{
    size_t begun = strlen(at->begun);
    if (begun <= len && !strncmp(value, at->begun, begun)) {
        printf("%.*s%.*s\n", (int)at->before_len, at->before, (int)len, value);
    }
}

static void put_text(const struct value_begun *at, const char *value)
{
    put(at, value, strlen(value));
}

/* Whether an element of a list stands in what was typed already. */
static bool is_there(const char *list, size_t list_len, const char *word, size_t len)
{
    const char *end = list + list_len;
    for (const char *p = list; p < end; p += strcspn(p, ",") + 1) {
        if (strcspn(p, ",") == len && !strncmp(p, word, len)) {
            return true;
        }
    }
    return false;
}

/* The words of "a|b" and "a,b" that stand for themselves: "none" of "FILE|none", all of "stop|skip". */
static void put_words(const char *words, bool all, const struct value_begun *at)
{
    bool list = !all && strchr(words, ',');
    const char *comma = list ? strrchr(at->begun, ',') : NULL;
    struct value_begun last = *at;
    char before[1024];
    if (strchr(words, '[')) {
        return; /* a syntax */
    }
    if (comma) {
        snprintf(before, sizeof before, "%.*s%.*s", (int)at->before_len, at->before,
                 (int)(comma + 1 - at->begun), at->begun);
        last = (struct value_begun){before, strlen(before), comma + 1};
    }
    for (const char *p = words; *p; p += strspn(p, "|,")) {
        size_t len = strcspn(p, "|,");
        bool itself = all || (strspn(p, LOWER "+-0123456789") == len && strchr(LOWER, *p));
        if (itself && !(comma && is_there(at->begun, (size_t)(comma - at->begun), p, len))) {
            put(&last, p, len);
        }
        p += len;
    }
}

/* --- what there is -------------------------------------------------------------------------- */

static void put_formats(struct cli *cli, const struct value_begun *at)
{
    const struct leat_connector *connector;
    put_text(at, "table");
    for (size_t i = 0; (connector = leat_connector_at(cli->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name; o++) {
            if (!strcmp(o->name, "format") && o->choices) {
                put_words(o->choices, true, at);
                return;
            }
        }
    }
}

/* Those that `leat describe --as` knows. */
static void put_systems(struct cli *cli, const struct value_begun *at)
{
    const struct leat_connector *connector;
    struct leat_format format = {.size = sizeof format};
    for (size_t i = 0; (connector = leat_connector_at(cli->leat, i)); i++) {
        if (connector->types_out) {
            put_text(at, connector->name);
        }
    }
    for (size_t i = 0; leat_format_at(cli->leat, i, &format); i++) {
        if (format.types_out) {
            put_text(at, format.name);
        }
    }
}

static int put_connection(void *arg, const struct leat_connection *connection)
{
    put_text(arg, connection->name);
    return 0;
}

static void put_connections(struct cli *cli, const struct value_begun *at)
{
    (void)cli;
    leat_connections(put_connection, (void *)(uintptr_t)at, NULL); /* a locked vault gives none */
}

static void put_places(struct cli *cli, const struct value_begun *at)
{
    put_connections(cli, at);
    puts(FILES_LINE);
}

/* By what the help calls the value. */
static const struct {
    const char *choices, *option; /* option NULL: any */
    void (*put)(struct cli *cli, const struct value_begun *at);
} kinds[] = {
    {"FORMAT", NULL, put_formats},
    {"SYSTEM", NULL, put_systems},
    {"LOCATION", NULL, put_places},
    {"DST", NULL, put_places},
    {"NAME", "connection-name", put_connections},
};

void complete_value(struct cli *cli, const struct leat_option *option, const struct value_begun *at)
{
    const char *choices = option->choices ? option->choices : "";
    if (option->kind == LEAT_OPTION_BOOL) {
        put_words("true|false", true, at);
        return;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        if (!strcmp(kinds[i].choices, choices) &&
            (!kinds[i].option || !strcmp(kinds[i].option, option->name))) {
            kinds[i].put(cli, at);
            return;
        }
    }
    put_words(choices, option->kind == LEAT_OPTION_CHOICE, at);
    if (option->kind == LEAT_OPTION_TEXT && !strchr(choices, ',')) {
        puts(FILES_LINE);
    }
}

void complete_alias(const struct command *command, const char *name, size_t len,
                    const struct value_begun *at)
{
    char text[NAME_MAX_BYTES];
    const char *value;
    snprintf(text, sizeof text, "%.*s", (int)len, name);
    for (size_t i = 0; (value = cli_alias_value(command, text, i)); i++) {
        put_text(at, value);
    }
}
