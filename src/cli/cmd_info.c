#include "cli/cli.h"

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

int cmd_connectors(struct cli *cli)
{
    struct leat_error err = {0};
    const struct leat_connector *c;
    if (!cli->n_args) {
        for (size_t i = 0; (c = leat_connector_at(cli->leat, i)); i++) {
            printf("%-10s %s%s\t%s\n", c->name, c->source ? "r" : "-", c->load ? "w" : "-",
                   c->summary);
        }
        return 0;
    }
    c = leat_connector_by_name(cli->leat, cli->args[0], &err);
    if (!c) {
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
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
