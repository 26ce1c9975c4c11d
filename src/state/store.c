/* Opening a store, and its tables. */
#include "state/store.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

static const struct lt_tables *const all_tables[] = {
    [LEAT_TABLES_LEAT] = &lt_tables_leat,
    [LEAT_TABLES_DPO] = &lt_tables_dpo,
};

/* --- opening -------------------------------------------------------------------------------- */

/* $XDG_STATE_HOME/leat/state.db, which the XDG Base Directory Specification lets default to
 * ~/.local/state; relative paths in the variable do not count. */
static int default_location(char **ret_path, struct leat_error *err)
{
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (base && *base == '/') {
        *ret_path = lt_format("%s/leat/state.db", base);
    } else if (home && *home) {
        *ret_path = lt_format("%s/.local/state/leat/state.db", home);
    } else {
        lt_fail(err, LT_E_NOT_FOUND, "neither HOME nor XDG_STATE_HOME says where state is kept");
        leat_error_remedy(err, "--state PATH says it");
        return LEAT_NOT_FOUND;
    }
    return *ret_path ? LEAT_OK : lt_fail_oom(err);
}

static int wrong_revision(const struct leat_state *state, const struct lt_tables *tables, int at,
                          struct leat_error *err)
{
    lt_fail(err, LT_E_STATE_SCHEMA, "the tables of %s in %s are at the revision %s, not %s",
            tables->name, lt_db_name(state->db), lt_tables_id(tables, at),
            lt_tables_id(tables, tables->n - 1));
    if (state->flags & LEAT_STATE_SQLALCHEMY) {
        leat_error_remedy(err, "`leat dpo-migrate CONNECTION upgrade head` makes them");
    }
    return LEAT_INVALID;
}

/* Makes absent tables, and moves those of a SQLite file to the newest revision; what was taken down
 * on purpose stays there. */
static int need(struct leat_state *state, const struct lt_tables *tables, struct leat_error *err)
{
    int at = -1;
    int rc = lt_tables_at(state->db, tables, &at, err);
    if (rc || at == tables->n - 1) {
        return rc;
    }
    bool held = true;
    if (!(state->flags & (LEAT_STATE_AS_IS | LEAT_STATE_SQLALCHEMY))) {
        rc = lt_tables_held(state->db, tables, at, &held, err);
    }
    return rc      ? rc
           : !held ? lt_tables_move(state->db, tables, "head", true, NULL, NULL, err)
                   : wrong_revision(state, tables, at, err);
}

int lt_state_need_dpo(struct leat_state *state, struct leat_error *err)
{
    int rc = LEAT_OK;
    if (!state->dpo_ready) {
        rc = lt_db_be_durable(state->db, err);
        rc = rc ? rc : need(state, &lt_tables_dpo, err);
        state->dpo_ready = !rc;
    }
    return rc;
}

int leat_state_open(const char *location, unsigned flags, struct leat_state **ret_state,
                    struct leat_error *err)
{
    struct leat_state *state = calloc(1, sizeof *state);
    if (!state) {
        return lt_fail_oom(err);
    }
    state->flags = flags;
    bool alchemy = flags & LEAT_STATE_SQLALCHEMY;
    int rc = LEAT_OK;
    if (location) {
        state->location = lt_strdup(location);
        rc = state->location ? LEAT_OK : lt_fail_oom(err);
    } else {
        rc = default_location(&state->location, err);
    }
    if (!rc) {
        /* A database of the original's is made by its migrations alone, SQLite's file with it. */
        rc = lt_db_open(state->location, alchemy ? LT_DB_FORM_SQLALCHEMY : LT_DB_FORM_LEAT,
                        !alchemy || flags & LEAT_STATE_AS_IS, &state->db, err);
    }
    if (!rc && !(flags & (LEAT_STATE_AS_IS | LEAT_STATE_SQLALCHEMY))) {
        rc = need(state, &lt_tables_leat, err);
    }
    if (rc) {
        leat_error_place(err, "state store");
        leat_state_close(state);
        return rc;
    }
    *ret_state = state;
    return LEAT_OK;
}

void leat_state_close(struct leat_state *state)
{
    if (!state) {
        return;
    }
    lt_db_close(state->db);
    if (state->location) {
        explicit_bzero(state->location, strlen(state->location)); /* may hold a password */
    }
    free(state->location);
    free(state);
}

const char *leat_state_location(const struct leat_state *state)
{
    return lt_db_name(state->db);
}

/* --- its tables ------------------------------------------------------------------------------- */

struct teller {
    leat_moved_fn *moved;
    void *arg;
};

static void tell(void *arg, const struct lt_tables *tables, const char *from, const char *to)
{
    const struct teller *teller = arg;
    teller->moved(teller->arg, tables->name, from, to);
}

static int move(struct leat_state *state, enum leat_state_tables tables, const char *to, bool up,
                leat_moved_fn *moved, void *arg, struct leat_error *err)
{
    struct teller teller = {moved, arg};
    state->dpo_ready = false;
    int rc = lt_db_be_durable(state->db, err);
    return rc ? rc
              : lt_tables_move(state->db, all_tables[tables], to, up, moved ? tell : NULL, &teller,
                               err);
}

int leat_state_upgrade(struct leat_state *state, enum leat_state_tables tables, const char *to,
                       leat_moved_fn *moved, void *arg, struct leat_error *err)
{
    return move(state, tables, to, true, moved, arg, err);
}

int leat_state_downgrade(struct leat_state *state, enum leat_state_tables tables, const char *to,
                         leat_moved_fn *moved, void *arg, struct leat_error *err)
{
    return move(state, tables, to, false, moved, arg, err);
}

int leat_state_current(struct leat_state *state, enum leat_state_tables tables, int *ret_index,
                       struct leat_error *err)
{
    return lt_tables_at(state->db, all_tables[tables], ret_index, err);
}

bool leat_state_revision(enum leat_state_tables tables, int i, const char **ret_id,
                         const char **ret_title)
{
    if (i < 0 || i >= all_tables[tables]->n) {
        return false;
    }
    *ret_id = all_tables[tables]->steps[i].id;
    *ret_title = all_tables[tables]->steps[i].title;
    return true;
}
