/* Columns that a destination cannot hold as they are, or that had a value it cannot: with --on-loss
 * text the next attempt carries them as text. */
#include "engine/unit.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <stdlib.h>

/* The next attempt carries the column as text, unless this one did. */
static int carry_as_text(struct lt_unit_try *unit, size_t i, const char *column,
                         const char *own_type, const struct leat_error *why, struct leat_error *err)
{
    struct lt_job *job = lt_unit_job(unit, i);
    bool fresh = false;
    int rc = lt_typing_add_text(&job->typing, column, own_type, why, &fresh, err);
    if (rc || !fresh) {
        return rc;
    }
    unit->again = true;
    lt_log(LT_LOG_INFO, "%s: column \"%s\" is carried as text: %s", job->label, column,
           why->message);
    return LEAT_OK;
}

static bool is_text(const struct ArrowSchema *field)
{
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && lt_type_is_text(type.id) && type.logical == LT_PLAIN;
}

/* A destination has no type for a column: it names the column, and where only one stream has it
 * in another type than text, that is the one. *err is what the destination said. */
void lt_unit_note_refused(struct lt_unit_try *unit, struct leat_error *err)
{
    if (unit->run->on_loss != LT_LOSS_TEXT || !err ||
        strcmp(err->code, lt_codes[LT_E_UNSUPPORTED_TYPE].code)) {
        return;
    }
    char *column = lt_error_column(err);
    size_t found = 0, at = 0;
    for (size_t i = 0; column && i < unit->n; i++) {
        int64_t k = lt_schema_find(&unit->schemas[i], column);
        if (k >= 0 && !is_text(unit->schemas[i].children[k])) {
            found++;
            at = i;
        }
    }
    if (found == 1) {
        const struct leat_error why = *err;
        carry_as_text(unit, at, lt_wishes_old_name(&unit->run->wishes, column), NULL, &why, err);
    }
    free(column);
}

/* Where a column is carried as text the destination's must be text, or it is as it was. The text of
 * a type is text, too, while a destination has it in that type. */
int lt_unit_check_texts(const struct lt_unit_try *unit, size_t i, const struct ArrowSchema *taken,
                        struct leat_error *err)
{
    const struct lt_typing *typing = &lt_unit_job(unit, i)->typing;
    for (size_t k = 0; k < typing->n_texts; k++) {
        const struct lt_text_column *text = &typing->texts[k];
        const char *name = lt_wishes_new_name(&unit->run->wishes, text->name);
        int64_t at = lt_schema_find(taken, name);
        struct lt_type type;
        if (at < 0 || is_text(taken->children[at]) ||
            (text->own && !lt_type_of(taken->children[at], &type, NULL) &&
             lt_type_is_text(type.id))) {
            continue;
        }
        if (err) {
            *err = text->why;
        }
        if (!text->own) {
            leat_error_remedy(err, "the column there is no text: --recreate makes it anew, "
                                   "--on-loss null leaves such values out");
        }
        return text->why.status;
    }
    return LEAT_OK;
}

/* The source's name for the type of a column that destinations of its own kind have as well and
 * take the text of; false: there is none, or not all destinations are such. */
static bool find_own_type(const struct lt_unit_try *unit, const char *column, char *ret_type,
                          size_t size)
{
    const struct leat_connector *kind = (*unit->source)->connector;
    const struct ArrowSchema *schema = &unit->flow.source_schema;
    int64_t at = schema->release ? lt_schema_find(schema, column) : -1;
    bool same = at >= 0 && kind->sql != NULL;
    for (size_t d = 0; same && d < unit->n_dests; d++) {
        same = (*unit->dests[d].side)->connector == kind &&
               lt_side_can(*unit->dests[d].side, LEAT_TAKES_OWN_TEXT);
    }
    return same && lt_schema_meta_text(schema->children[at], LT_META_SOURCE_TYPE, ret_type, size) &&
           !strncmp(ret_type, kind->name, strlen(kind->name)) &&
           ret_type[strlen(kind->name)] == ':';
}

/* Nobody said a type for the column, and all destinations have the one that it comes in. */
static bool goes_unchanged(const struct lt_unit_try *unit, size_t i,
                           const struct ArrowSchema *field)
{
    const struct lt_flow *flow = &unit->flow;
    const char *name = lt_wishes_new_name(&unit->run->wishes, field->name);
    bool same = lt_schema_find(&lt_unit_job(unit, i)->typing.casts, field->name) < 0;
    for (size_t d = 0; same && d < flow->n_dests; d++) {
        const struct ArrowSchema *taken = &flow->dests[d].schema;
        int64_t at = lt_schema_find(taken, name);
        same = at >= 0 && lt_schema_same(field, taken->children[at], false);
    }
    return same;
}

/* Where one column has a value that only its type's text can tell, others of that type often have. */
static void carry_others(struct lt_unit_try *unit, size_t i, const char *own_type,
                         const struct leat_error *why, struct leat_error *err)
{
    const struct ArrowSchema *schema = &unit->flow.source_schema;
    char type[256];
    for (int64_t k = 0; k < schema->n_children; k++) {
        const struct ArrowSchema *field = schema->children[k];
        if (goes_unchanged(unit, i, field) && find_own_type(unit, field->name, type, sizeof type) &&
            !strcmp(type, own_type)) {
            carry_as_text(unit, i, field->name, own_type, why, err);
        }
    }
}

/* The flow failed for a value: its column may do better as text, or between systems of one kind as
 * the text of its type, by which nothing of it is lost. */
void lt_unit_note_misfit(struct lt_unit_try *unit, size_t i, struct leat_error *err)
{
    struct leat_error why;
    char own[256];
    enum lt_on_loss on_loss = unit->run->on_loss;
    char *column = err && on_loss != LT_LOSS_NULL ? lt_flow_misfit(&unit->flow, err, &why) : NULL;
    if (column && on_loss == LT_LOSS_TEXT) {
        carry_as_text(unit, i, column, NULL, &why, err);
    } else if (column && find_own_type(unit, column, own, sizeof own)) {
        carry_as_text(unit, i, column, own, &why, err);
        carry_others(unit, i, own, &why, err);
    }
    free(column);
}
