/* leat dpo-migrate: the tables of the orchestrator up and down, by their own revisions. */
#include "cli/cli.h"

#include "leat/state.h"

#include <string.h>

#define EXIT_REVISION 255 /* as the original's migration tool ends */

static void print_move(void *arg, const char *tables, const char *from, const char *to)
{
    (void)tables;
    fprintf(stderr, "%s %s -> %s\n", (const char *)arg, from, to);
}

static int current(struct leat_state *state, struct leat_error *err)
{
    const char *id, *title;
    int at = -1;
    int rc = leat_state_current(state, LEAT_TABLES_DPO, &at, err);
    if (!rc && leat_state_revision(LEAT_TABLES_DPO, at, &id, &title)) {
        bool more = leat_state_revision(LEAT_TABLES_DPO, at + 1, &(const char *){NULL}, &title);
        printf("%s%s\n", id, more ? "" : " (head)");
    }
    return rc;
}

static int history(void)
{
    const char *id, *title, *before = "<base>";
    char lines[8][160];
    int n = 0;
    for (; n < 8 && leat_state_revision(LEAT_TABLES_DPO, n, &id, &title); n++) {
        const char *next, *unused;
        bool more = leat_state_revision(LEAT_TABLES_DPO, n + 1, &next, &unused);
        snprintf(lines[n], sizeof lines[n], "%s -> %s%s, %s", before, id, more ? "" : " (head)",
                 title);
        before = id;
    }
    while (n--) { /* the newest first */
        puts(lines[n]);
    }
    return LEAT_OK;
}

static int move(struct leat_state *state, const char *action, const char *revision,
                struct leat_error *err)
{
    return strcmp(action, "upgrade")
               ? leat_state_downgrade(state, LEAT_TABLES_DPO, revision, print_move, "downgrade",
                                      err)
               : leat_state_upgrade(state, LEAT_TABLES_DPO, revision, print_move, "upgrade", err);
}

int cmd_dpo_migrate(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    const char *action = cli->args[1], *revision = cli->n_args > 2 ? cli->args[2] : NULL;
    bool moves = !strcmp(action, "upgrade") || !strcmp(action, "downgrade");
    bool looks = !strcmp(action, "current") || !strcmp(action, "history");
    int rc = LEAT_OK;
    if ((!moves && !looks) || moves != (revision != NULL)) {
        rc = leat_fail_as(&err, LEAT_INVALID, "usage",
                          "leat dpo-migrate takes CONNECTION and upgrade REVISION, "
                          "downgrade REVISION, current or history");
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    if (!strcmp(action, "history")) {
        return history();
    }
    rc = leat_state_open(cli->args[0], LEAT_STATE_SQLALCHEMY | LEAT_STATE_AS_IS, &state, &err);
    if (!rc) {
        rc = moves ? move(state, action, revision, &err) : current(state, &err);
    }
    leat_state_close(state);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    }
    bool revision_fault = !*err.sqlstate && (rc == LEAT_NOT_FOUND || rc == LEAT_INVALID);
    return !rc ? 0 : revision_fault && moves ? EXIT_REVISION : EXIT_FAILED;
}
