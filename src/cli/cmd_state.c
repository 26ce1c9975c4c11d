/* leat state ...: the store's tables, up and down. */
#include "cli/cli.h"

#include "leat/state.h"

#include <string.h>

static const char *const table_names[] = {
    [LEAT_TABLES_LEAT] = "leat",
    [LEAT_TABLES_DPO] = "dpo",
};

static void print_move(void *arg, const char *tables, const char *from, const char *to)
{
    (void)arg;
    printf("%s: %s -> %s\n", tables, from, to);
}

static enum leat_state_tables chosen(const struct cli *cli)
{
    return strcmp(cli_value(cli, "tables"), "dpo") ? LEAT_TABLES_LEAT : LEAT_TABLES_DPO;
}

int cmd_state_upgrade(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    const char *to = cli->n_args ? cli->args[0] : "head";
    int rc = cli_open_state(cli, LEAT_STATE_AS_IS, &state, &err);
    if (!rc && !cli->n_args) { /* all of it */
        rc = leat_state_upgrade(state, LEAT_TABLES_DPO, to, print_move, NULL, &err);
    }
    rc = rc ? rc
            : leat_state_upgrade(state, cli->n_args ? chosen(cli) : LEAT_TABLES_LEAT, to,
                                 print_move, NULL, &err);
    leat_state_close(state);
    return cli_end(cli, rc, &err);
}

int cmd_state_downgrade(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    int rc = cli_open_state(cli, LEAT_STATE_AS_IS, &state, &err);
    rc = rc ? rc : leat_state_downgrade(state, chosen(cli), cli->args[0], print_move, NULL, &err);
    leat_state_close(state);
    return cli_end(cli, rc, &err);
}

static const char *id_of(enum leat_state_tables tables, int at, bool *ret_head)
{
    const char *id = "base", *title;
    leat_state_revision(tables, at, &id, &title);
    *ret_head = at >= 0 && !leat_state_revision(tables, at + 1, &(const char *){NULL}, &title);
    return id;
}

int cmd_state_current(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    int rc = cli_open_state(cli, LEAT_STATE_AS_IS, &state, &err);
    for (enum leat_state_tables t = LEAT_TABLES_LEAT; !rc && t <= LEAT_TABLES_DPO; t++) {
        int at = -1;
        bool head;
        rc = leat_state_current(state, t, &at, &err);
        if (!rc) {
            const char *id = id_of(t, at, &head);
            printf("%s: %s%s\n", table_names[t], id, head ? " (head)" : "");
        }
    }
    leat_state_close(state);
    return cli_end(cli, rc, &err);
}

int cmd_state_history(struct cli *cli)
{
    (void)cli;
    for (enum leat_state_tables t = LEAT_TABLES_LEAT; t <= LEAT_TABLES_DPO; t++) {
        const char *id, *title;
        for (int i = 0; leat_state_revision(t, i, &id, &title); i++) {
            bool head;
            id_of(t, i, &head);
            printf("%s: %s%s, %s\n", table_names[t], id, head ? " (head)" : "", title);
        }
    }
    return 0;
}
