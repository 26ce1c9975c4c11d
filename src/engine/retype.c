/* Inferred types give way to those of the destination.
 *
 * A reader that only guessed its types (CSV) would lose what a text is before it comes to a
 * destination that could hold it: 1.10 inferred as float64 arrives in a text column as 1.1, the
 * number 0.1 fits float64 but then no float32. So before the first batch the reader is told the
 * destination's types, where going by way of the inferred one could lose something, and the text
 * is read as that at once. Other pairs are left to the cast, which takes more (1.0 for an
 * integer). */
#include "engine/flow.h"

#include "columnar/schema.h"

/* True when a text read as `to` can be more exact than the same by way of `from`. */
static bool is_better(const struct lt_type *from, const struct lt_type *to)
{
    bool text = lt_type_is_text(to->id);
    if (from->id == to->id && from->logical == to->logical) {
        return false;
    }
    if (text && to->logical == LT_JSON) {
        return lt_type_is_integer(from->id) || from->id == LT_FLOAT64;
    }
    switch (to->id) {
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return from->id == LT_FLOAT64;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
        return lt_type_is_text(from->id) && to->logical == LT_PLAIN;
    default:
        return text && (to->logical == LT_PLAIN || to->logical == LT_FOREIGN ||
                        (to->logical == LT_NUMERIC && from->id == LT_FLOAT64));
    }
}

/* What column `column` of the source is called after the transform; NULL: left out, or the user
 * said its type. */
static const char *name_after(const struct lt_flow *flow, const char *column)
{
    const char *name = lt_wishes_new_name(&flow->run->wishes, column);
    if (lt_schema_find(&flow->job->typing.all, column) >= 0) {
        return NULL;
    }
    return lt_schema_find(&flow->schema, name) >= 0 ? name : NULL;
}

/* The type to read a column as: what the destinations take, plain text where they differ. */
static int choose(const struct ArrowSchema *field, const char *name,
                  const struct ArrowSchema *const *taken, size_t n_taken,
                  struct ArrowSchema *ret_field, struct leat_error *err)
{
    const struct ArrowSchema *wanted = NULL;
    struct lt_type from, to;
    bool differ = false;
    int rc = lt_type_of(field, &from, err);
    for (size_t d = 0; !rc && d < n_taken; d++) {
        int64_t i = lt_schema_find(taken[d], name);
        rc = i < 0 ? LEAT_OK : lt_type_of(taken[d]->children[i], &to, err);
        if (!rc && i >= 0 && is_better(&from, &to)) {
            differ |= n_taken > 1;
            wanted = taken[d]->children[i];
        }
    }
    if (rc || !wanted) {
        return rc;
    }
    rc = differ ? lt_type_parse("utf8", ret_field, err) : lt_schema_copy(wanted, ret_field, err);
    return rc ? rc : lt_schema_set_name(ret_field, field->name, err);
}

int lt_flow_retype(struct lt_flow *flow, const struct ArrowSchema *const *taken, size_t n_taken,
                   struct leat_error *err)
{
    const struct leat_source_ops *ops = flow->source->connector->source;
    struct ArrowSchema types = {0};
    if (!ops->retype) {
        return LEAT_OK;
    }
    int rc = lt_schema_init_struct(&types, 0, err);
    for (int64_t i = 0; !rc && i < flow->source_schema.n_children; i++) {
        const struct ArrowSchema *field = flow->source_schema.children[i];
        struct ArrowSchema made = {0};
        const char *name = name_after(flow, field->name);
        rc = name ? choose(field, name, taken, n_taken, &made, err) : LEAT_OK;
        if (!rc && made.release) {
            rc = lt_schema_add(&types, &made, err);
        }
        lt_schema_done(&made);
    }
    if (!rc && types.n_children) {
        rc = ops->retype(flow->reader, &types, err);
        lt_schema_done(&flow->source_schema);
        lt_schema_done(&flow->schema);
        lt_cast_free(flow->cast);
        flow->cast = NULL;
        rc = rc ? rc : ops->schema(flow->reader, &flow->source_schema, err);
        rc = rc ? rc
                : lt_transform_new(&flow->run->wishes, &flow->job->typing, &flow->source_schema,
                                   &flow->schema, &flow->cast, err);
    }
    lt_schema_done(&types);
    return rc;
}
