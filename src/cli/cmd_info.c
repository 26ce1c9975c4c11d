#include "cli/cli.h"

#include <string.h>

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
    printf("%s: %s\n", c->name, c->summary);
    for (const struct leat_option *o = c->options; o && o->name; o++) {
        printf("  %-20s %s%s%s%s\n", o->name, o->help, o->fallback ? " (default " : "",
               o->fallback ? o->fallback : "", o->fallback ? ")" : "");
    }
    return 0;
}

int cmd_version(struct cli *cli)
{
    (void)cli;
    printf("leat %s\n", leat_version());
    return 0;
}
