/* A plan as the engine holds it, and the run made from it. */
#ifndef LT_PLAN_H
#define LT_PLAN_H

#include "config/location.h"
#include "engine/options.h"
#include "engine/session.h"

struct leat_plan {
    struct leat *leat;
    enum leat_action action;
    bool has_source;
    struct lt_location source;
    struct ArrowArrayStream stream; /* with release != NULL: the source is this */
    char *stream_name, *stream_op;  /* its column that says what is to be done; NULL: none */
    struct leat_bytes source_bytes; /* size 0: none */
    struct lt_location *destinations;
    struct leat_bytes *destination_bytes; /* one for each destination; size 0: none */
    size_t n_destinations;
    struct lt_settings settings; /* options of lt_plan_options */
    struct lt_settings extras;   /* options of connectors and formats */
    struct lt_settings defaults; /* the same, where nobody need know them */
};

/* Parses a location with the session's schemes and endings. */
int lt_plan_location(struct leat_plan *plan, const char *text, bool destination,
                     struct lt_location *ret_location, struct leat_error *err);
/* What stands for standard input or output at one of the plan's locations; NULL: the process's. */
const struct leat_bytes *lt_plan_bytes(const struct leat_plan *plan,
                                       const struct lt_location *location);
/* Adds a path as it is, in a format by name, or as its name and bytes tell (NULL). */
int lt_plan_add_path(struct leat_plan *plan, const char *format, const char *path, bool destination,
                     struct leat_error *err);
/* extras.c. [unknown-option] for an option of connectors that neither these, the source's and the
 * destinations', nor --schema-from's know. */
int lt_plan_check_extras(struct leat_plan *plan, struct leat_error *err);
/* [usage] where options contradict each other or something is missing. */
int lt_plan_check(const struct leat_plan *plan, struct leat_error *err);

#endif
