/* Inferred types give way to those of the destination.
 *
 * A reader that only guessed its types (CSV) would lose what a text is before it comes to a
 * destination that could hold it: 1.10 inferred as float64 arrives in a text column as 1.1, the
 * number 0.1 fits float64 but then no float32. So before the first batch the reader is told the
 * destination's types, where going by way of the inferred one could lose something, and the text
 * is read as that at once. Other pairs are left to the cast, which takes more (1.0 for an
 * integer). */
#include "engine/retype.h"

#include "columnar/schema.h"
#include "core/codes.h"
#include "engine/flow.h"

static bool reads_better(const struct ArrowSchema *from, const struct ArrowSchema *to, int depth);

/* Of plain values. */
static bool value_reads_better(const struct lt_type *from, const struct lt_type *to)
{
    bool text = lt_type_is_text(to->id);
    if (from->id == to->id && from->logical == to->logical) {
        return false;
    }
    if (text && to->logical == LT_JSON) {
        return true; /* "5" is another JSON value than 5, and 1.10 than 1.1 */
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
    case LT_FIXED_BINARY:
        return lt_type_is_text(from->id) && to->logical == LT_PLAIN;
    default:
        return text && (to->logical == LT_PLAIN || to->logical == LT_FOREIGN ||
                        (to->logical == LT_NUMERIC && from->id == LT_FLOAT64));
    }
}

/* Text readers build no views and no dictionaries; whole columns of them have a plain name. */
static bool is_built(const struct ArrowSchema *field, int depth)
{
    struct lt_type type;
    bool built = depth <= LT_TYPE_DEPTH_MAX && !lt_type_of(field, &type, NULL) &&
                 type.id != LT_DICTIONARY && type.id != LT_UTF8_VIEW && type.id != LT_BINARY_VIEW;
    for (int64_t i = 0; built && i < field->n_children; i++) {
        built = is_built(field->children[i], depth + 1);
    }
    return built;
}

static bool children_read_better(const struct ArrowSchema *from, const struct ArrowSchema *to,
                                 bool by_name, int depth)
{
    for (int64_t i = 0; i < to->n_children; i++) {
        int64_t at = by_name ? lt_schema_find(from, to->children[i]->name) : i;
        if (at >= 0 && at < from->n_children &&
            reads_better(from->children[at], to->children[i], depth + 1)) {
            return true;
        }
    }
    return false;
}

static bool reads_better(const struct ArrowSchema *from, const struct ArrowSchema *to, int depth)
{
    struct lt_type a, b;
    if (depth > LT_TYPE_DEPTH_MAX || lt_type_of(from, &a, NULL) || lt_type_of(to, &b, NULL)) {
        return false;
    }
    if (lt_type_is_nested(a.id) && a.id == b.id) {
        return (depth || is_built(to, 0)) &&
               children_read_better(from, to, a.id == LT_STRUCT, depth);
    }
    return value_reads_better(&a, &b);
}

bool lt_reads_better(const struct ArrowSchema *inferred, const struct ArrowSchema *wanted)
{
    return reads_better(inferred, wanted, 0);
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

static bool is_json(const struct ArrowSchema *field)
{
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && type.logical == LT_JSON;
}

/* A JSON value and the text that it says are not the same: no reading gives both. */
static int no_one_reading(const struct ArrowSchema *field, struct leat_error *err)
{
    int rc = lt_fail(err, LT_E_COLUMN_MISMATCH,
                     "one destination has the column as json and another has not");
    leat_error_place(err, "column \"%s\"", field->name);
    leat_error_remedy(err, "--cast says what to read it as, or copy to one after the other");
    return rc;
}

/* The type to read a column as: what the destinations take, plain text where they differ. */
static int choose(const struct ArrowSchema *field, const char *name,
                  const struct ArrowSchema *const *taken, size_t n_taken,
                  struct ArrowSchema *ret_field, struct leat_error *err)
{
    const struct ArrowSchema *wanted = NULL, *first = NULL;
    bool differ = false, json = false;
    for (size_t d = 0; d < n_taken; d++) {
        int64_t i = lt_schema_find(taken[d], name);
        const struct ArrowSchema *to = i < 0 ? NULL : taken[d]->children[i];
        if (to) {
            differ = differ || (first && !lt_schema_same(first, to, false));
            json = json || is_json(to);
            first = first ? first : to;
            wanted = lt_reads_better(field, to) ? to : wanted;
        }
    }
    if (!wanted) {
        return LEAT_OK;
    }
    if (differ && json) {
        return no_one_reading(field, err);
    }
    int rc =
        differ ? lt_type_parse("utf8", ret_field, err) : lt_schema_copy(wanted, ret_field, err);
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
