/* What a store holds, for the files that implement leat/state.h. */
#ifndef LT_STATE_STORE_H
#define LT_STATE_STORE_H

#include "leat/state.h"
#include "state/db.h"
#include "state/migrate.h"

struct leat_state {
    struct lt_db *db;
    char *location;
    unsigned flags;
    bool dpo_ready; /* the orchestrator's tables were seen at their newest revision */
};

/* Makes the orchestrator's tables ready, or says what is wrong with them. */
int lt_state_need_dpo(struct leat_state *state, struct leat_error *err);

#endif
