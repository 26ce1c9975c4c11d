/* Columns whose values only the text of a system can tell (infinite dates, 24:00, arrays of several
 * dimensions), and which both sides have in the same type: from the first such value on they are
 * compared as text of that type, and written as it. */
#include "core/codes.h"
#include "core/log.h"
#include "engine/flow.h"
#include "engine/pair.h"

#include <stdlib.h>

#define TYPE_MAX 256

/* Is the column of both sides one and the same type of one kind of system? Then *ret_type is its
 * name there. */
static bool is_same_type(const struct lt_pair *pair, const char *name, char ret_type[TYPE_MAX])
{
    char there[TYPE_MAX];
    const struct ArrowSchema *from = &pair->source.given, *to = &pair->destination.given;
    const char *new_name = lt_wishes_new_name(&pair->run->wishes, name);
    int64_t i = from->release ? lt_schema_find(from, name) : -1;
    int64_t k = to->release ? lt_schema_find(to, new_name) : -1;
    return i >= 0 && k >= 0 && pair->source.side->connector == pair->destination.side->connector &&
           lt_schema_same(from->children[i], to->children[k], false) &&
           lt_schema_meta_text(from->children[i], LT_META_SOURCE_TYPE, ret_type, TYPE_MAX) &&
           lt_schema_meta_text(to->children[k], LT_META_SOURCE_TYPE, there, sizeof there) &&
           !strcmp(ret_type, there);
}

static bool is_key(const struct lt_pair *pair, const char *name)
{
    const char *new_name = lt_wishes_new_name(&pair->run->wishes, name);
    bool found = false;
    for (int64_t i = 0; i < pair->n_keys; i++) {
        found = found || !strcmp(pair->schema.children[i]->name, new_name);
    }
    return found;
}

static bool add_text(struct lt_pair *pair, const char *column, const char *type,
                     const struct leat_error *why)
{
    bool fresh = false;
    if (lt_typing_add_text(&pair->job->typing, column, type, why, &fresh, NULL) || !fresh) {
        return false;
    }
    lt_log(LT_LOG_INFO, "%s: column \"%s\" is compared as text: %s", pair->job->label, column,
           why->message);
    return true;
}

bool lt_pair_note_misfit(struct lt_pair *pair, bool with_keys, const struct leat_error *err)
{
    char type[TYPE_MAX], other[TYPE_MAX];
    char *named =
        err && !strcmp(err->code, lt_codes[LT_E_VALUE_RANGE].code) ? lt_error_column(err) : NULL;
    const char *column = named ? lt_wishes_old_name(&pair->run->wishes, named) : NULL;
    bool same = column && is_same_type(pair, column, type);
    if (named && !same) {
        column = named;
        same = is_same_type(pair, column, type);
    }
    const struct lt_typing *typing = &pair->job->typing;
    bool added = same && (with_keys || !is_key(pair, column)) && add_text(pair, column, type, err);
    /* Where one column has such values, others of its type often do. */
    const struct ArrowSchema *given = &pair->source.given;
    for (int64_t i = 0; added && i < given->n_children; i++) {
        const char *name = given->children[i]->name;
        if (is_same_type(pair, name, other) && !strcmp(type, other) && !is_key(pair, name) &&
            lt_schema_find(&typing->casts, name) < 0) {
            add_text(pair, name, type, err);
        }
    }
    free(named);
    return added;
}
