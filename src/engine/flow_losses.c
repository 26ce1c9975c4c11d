/* What a flow does about values that do not fit: who is told, what was lost, which column to carry as
 * text. */
#include "columnar/schema.h"
#include "core/codes.h"
#include "core/util.h"
#include "engine/flow.h"

#include <stdlib.h>

static bool dest_takes_null(const void *arg, const char *column)
{
    const struct lt_flow_dest *dest = arg;
    int64_t i = lt_schema_find(&dest->schema, column);
    return i < 0 || dest->schema.children[i]->flags & ARROW_FLAG_NULLABLE;
}

static bool takes_null(const void *arg, const char *column)
{
    const struct lt_flow_names *names = arg;
    const struct lt_flow *flow = names->flow;
    const char *name = names->of_source ? lt_wishes_new_name(&flow->run->wishes, column) : column;
    bool takes = true;
    for (size_t d = 0; takes && d < flow->n_dests; d++) {
        takes = dest_takes_null(&flow->dests[d], name);
    }
    return takes;
}

void lt_flow_losses_init(struct lt_flow *flow)
{
    lt_losses_init(&flow->read_losses, flow->run->on_loss, flow->job->label);
    lt_losses_init(&flow->losses, flow->run->on_loss, flow->job->label);
    flow->read_losses.takes_null = flow->losses.takes_null = takes_null;
    flow->read_losses.takes_null_arg = &flow->names_source;
    flow->losses.takes_null_arg = &flow->names_destination;
    flow->names_source = (struct lt_flow_names){flow, true};
    flow->names_destination = (struct lt_flow_names){flow, false};
    flow->read_losses.nulls_refused_later = flow->losses.nulls_refused_later =
        flow->run->rejects != NULL;
}

void lt_flow_dest_losses_init(struct lt_flow_dest *dest)
{
    lt_losses_init(&dest->losses, dest->flow->run->on_loss, dest->flow->job->label);
    dest->losses.takes_null = dest_takes_null;
    dest->losses.takes_null_arg = dest;
    lt_losses_init(&dest->part_losses, dest->flow->run->on_loss, dest->flow->job->label);
    dest->part_losses.takes_null = dest_takes_null;
    dest->part_losses.takes_null_arg = dest;
    if (dest->flow->run->on_loss == LT_LOSS_TEXT) {
        dest->rejects.instead = &dest->part_losses.sink;
    }
}

int lt_flow_loosen(struct lt_flow *flow, struct leat_error *err)
{
    const struct lt_column_wishes *wishes = &flow->run->wishes;
    struct ArrowSchema *from = &flow->source_schema, *to = &flow->schema;
    if (flow->run->on_loss == LT_LOSS_NULL) {
        int64_t *map = calloc((size_t)to->n_children + 1, sizeof *map);
        if (!map) {
            return lt_fail_oom(err);
        }
        for (int64_t i = 0; i < from->n_children; i++) {
            from->children[i]->flags |= ARROW_FLAG_NULLABLE;
        }
        for (int64_t i = 0; i < to->n_children; i++) {
            to->children[i]->flags |= ARROW_FLAG_NULLABLE;
            map[i] = lt_schema_find(from, lt_wishes_old_name(wishes, to->children[i]->name));
        }
        lt_cast_free(flow->cast);
        flow->cast = NULL;
        int rc = lt_cast_new(from, to, map, &flow->cast, err);
        free(map);
        if (rc) {
            return rc;
        }
    }
    lt_cast_on_loss(flow->cast, lt_losses_casting(&flow->losses));
    int rc = LEAT_OK;
    for (size_t d = 0; !rc && d < flow->n_dests; d++) {
        struct lt_flow_dest *dest = &flow->dests[d];
        lt_cast_free(dest->cast);
        dest->cast = NULL;
        rc = lt_cast_by_name(to, &dest->schema, &dest->cast, err);
        if (!rc) {
            lt_cast_on_loss(dest->cast, lt_losses_casting(&dest->losses));
        }
    }
    return rc;
}

/* Adds what one leg lost of columns that the destination has. */
static int add_lost(const struct lt_flow *flow, const struct lt_flow_dest *dest,
                    const struct lt_losses *losses, struct lt_lost *lost)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < losses->lost.n; i++) {
        const struct lt_lost_column *column = &losses->lost.columns[i];
        const char *name = losses == &flow->read_losses
                               ? lt_wishes_new_name(&flow->run->wishes, column->name)
                               : column->name;
        if (lt_schema_find(&dest->schema, name) >= 0) {
            rc = lt_lost_add(lost, name, column->values, column->reason);
        }
    }
    return rc;
}

int lt_flow_lost(const struct lt_flow *flow, const struct lt_flow_dest *dest,
                 struct lt_lost *ret_lost)
{
    struct lt_lost lost = {.columns = NULL};
    int rc = add_lost(flow, dest, &flow->read_losses, &lost);
    rc = rc ? rc : add_lost(flow, dest, &flow->losses, &lost);
    rc = rc ? rc : add_lost(flow, dest, &dest->losses, &lost);
    rc = rc ? rc : add_lost(flow, dest, &dest->part_losses, &lost);
    if (rc) {
        lt_lost_done(&lost);
        return rc;
    }
    *ret_lost = lost;
    return LEAT_OK;
}

char *lt_flow_misfit(const struct lt_flow *flow, const struct leat_error *err,
                     struct leat_error *ret_why)
{
    const struct lt_column_wishes *wishes = &flow->run->wishes;
    if (strcmp(err->code, lt_codes[LT_E_VALUE_RANGE].code)) {
        return NULL;
    }
    if (flow->read_losses.misfit) {
        *ret_why = flow->read_losses.why;
        return lt_strdup(flow->read_losses.misfit);
    }
    const struct lt_losses *leg = flow->losses.misfit ? &flow->losses : NULL;
    for (size_t d = 0; !leg && d < flow->n_dests; d++) {
        const struct lt_flow_dest *dest = &flow->dests[d];
        leg = dest->losses.misfit        ? &dest->losses
              : dest->part_losses.misfit ? &dest->part_losses
                                         : NULL;
    }
    *ret_why = leg ? leg->why : *err;
    if (leg) {
        return lt_strdup(lt_wishes_old_name(wishes, leg->misfit));
    }
    /* Whoever failed knows of no losses; where it says which column, that will do. */
    char *named = lt_error_column(err);
    bool own = named && lt_schema_find(&flow->source_schema, named) >= 0;
    const char *name = !named ? NULL : own ? named : lt_wishes_old_name(wishes, named);
    char *column = name && lt_schema_find(&flow->source_schema, name) >= 0 ? lt_strdup(name) : NULL;
    free(named);
    return column;
}

static bool is_text(const struct ArrowSchema *field)
{
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && lt_type_is_text(type.id) && type.logical == LT_PLAIN;
}

bool lt_flow_takes_text(const struct lt_flow *flow, const struct leat_error *err)
{
    char *named = lt_error_column(err);
    const char *name = named ? lt_wishes_new_name(&flow->run->wishes, named) : NULL;
    int64_t at = name ? lt_schema_find(&flow->schema, name) : -1;
    bool takes = at < 0 || !is_text(flow->schema.children[at]);
    for (size_t d = 0; takes && at >= 0 && d < flow->n_dests; d++) {
        const struct lt_flow_dest *dest = &flow->dests[d];
        int64_t there = lt_schema_find(&dest->schema, name);
        takes = dest->made || there < 0 || is_text(dest->schema.children[there]);
    }
    free(named);
    return takes;
}
