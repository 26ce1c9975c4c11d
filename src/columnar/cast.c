/* The plan of a cast: which of the loops turns each column into its new type. */
#include "columnar/cast_parts.h"
#include "core/util.h"

#include <stdlib.h>

/* Types that are cast alike. */
enum cast_class {
    CLASS_NULL,
    CLASS_BOOL,
    CLASS_INTEGER,
    CLASS_FLOAT,
    CLASS_DECIMAL,
    CLASS_NUMERIC,
    CLASS_TEXT, /* of foreign types too */
    CLASS_JSON,
    CLASS_BINARY,
    CLASS_UUID,
    CLASS_DATE,
    CLASS_TIME,
    CLASS_STAMP,
    CLASS_STAMP_ZONED,
    CLASS_DURATION,
    CLASS_INTERVAL,
    CLASS_LIST,
    CLASS_STRUCT,
    CLASS_MAP,
    CLASSES_N
};

/* The lattice: a row for each class that is cast, a column for each it may become. A cell is the
 * kind (= same where the storage is, s safe, c checked, - refused) and the loop:
 *   n nulls, k copy, i integer, f to float, g from float, x exact, b bool to integer,
 *   d integer to bool, t ticks, y bytes, w write text, j write JSON, p parse text,
 *   v via text, e via text when no digit is lost, l list, m struct.
 * refine() lowers c to s or = where the two types in question allow it. */
static const char lattice[CLASSES_N][CLASSES_N * 3 + 1] = {
    /*          nul boo int flo dec num txt jsn bin uid dat tim ts  tsz dur itv lst str map */
    /* null */ "=n sn sn sn sn sn sn sn sn sn sn sn sn sn sn sn sn sn sn ",
    /* bool */ "-  =k sb -  -  -  sw sj -  -  -  -  -  -  -  -  -  -  -  ",
    /* int  */ "-  cd ci cf cx sw sw sj -  -  -  -  -  -  -  -  -  -  -  ",
    /* flt  */ "-  -  cg cf cv sw sw sj -  -  -  -  -  -  -  -  -  -  -  ",
    /* dec  */ "-  -  cx ce cx sw sw sj -  -  -  -  -  -  -  -  -  -  -  ",
    /* num  */ "-  -  cv ce cp =y =y sj -  -  -  -  -  -  -  -  -  -  -  ",
    /* txt  */ "-  cp cp cp cp cp =y cp sy cp cp cp cp cp cp cp cp cp cp ",
    /* jsn  */ "-  cp cp cp cp cp =y =y sy -  -  -  -  -  -  -  cp cp cp ",
    /* bin  */ "-  -  -  -  -  -  cy -  =y cy -  -  -  -  -  -  -  -  -  ",
    /* uid  */ "-  -  -  -  -  -  sw sj sy =k -  -  -  -  -  -  -  -  -  ",
    /* dat  */ "-  -  -  -  -  -  sw sj -  -  ct -  ct -  -  -  -  -  -  ",
    /* tim  */ "-  -  -  -  -  -  sw sj -  -  -  ct -  -  -  -  -  -  -  ",
    /* ts   */ "-  -  -  -  -  -  sw sj -  -  ct -  ct -  -  -  -  -  -  ",
    /* tsz  */ "-  -  -  -  -  -  sw sj -  -  -  -  -  ct -  -  -  -  -  ",
    /* dur  */ "-  -  -  -  -  -  sw sj -  -  -  -  -  -  ct cv -  -  -  ",
    /* itv  */ "-  -  -  -  -  -  sw sj -  -  -  -  -  -  -  cv -  -  -  ",
    /* lst  */ "-  -  -  -  -  -  sj sj -  -  -  -  -  -  -  -  cl -  -  ",
    /* str  */ "-  -  -  -  -  -  sj sj -  -  -  -  -  -  -  -  -  cm -  ",
    /* map  */ "-  -  -  -  -  -  sj sj -  -  -  -  -  -  -  -  -  -  cl ",
};

static enum cast_class class_of(const struct lt_type *type)
{
    if (lt_type_is_integer(type->id)) {
        return CLASS_INTEGER;
    }
    switch (type->id) {
    case LT_NULL:
        return CLASS_NULL;
    case LT_BOOL:
        return CLASS_BOOL;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        return CLASS_FLOAT;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return CLASS_DECIMAL;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return type->logical == LT_JSON      ? CLASS_JSON
               : type->logical == LT_NUMERIC ? CLASS_NUMERIC
                                             : CLASS_TEXT;
    case LT_FIXED_BINARY:
        return type->logical == LT_UUID ? CLASS_UUID : CLASS_BINARY;
    case LT_DATE32:
    case LT_DATE64:
        return CLASS_DATE;
    case LT_TIME32:
    case LT_TIME64:
        return CLASS_TIME;
    case LT_TIMESTAMP:
        return *type->zone ? CLASS_STAMP_ZONED : CLASS_STAMP;
    case LT_DURATION:
        return CLASS_DURATION;
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
    case LT_INTERVAL:
        return CLASS_INTERVAL;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return CLASS_LIST;
    case LT_STRUCT:
        return CLASS_STRUCT;
    case LT_MAP:
        return CLASS_MAP;
    default:
        return CLASS_BINARY;
    }
}

static enum lt_cast_op op_of(char letter)
{
    switch (letter) {
    case 'n':
        return LT_OP_NULLS;
    case 'i':
        return LT_OP_INTEGER;
    case 'f':
        return LT_OP_TO_FLOAT;
    case 'g':
        return LT_OP_FROM_FLOAT;
    case 'x':
        return LT_OP_EXACT;
    case 'b':
        return LT_OP_BOOL_INTEGER;
    case 'd':
        return LT_OP_INTEGER_BOOL;
    case 't':
        return LT_OP_TICKS;
    case 'y':
        return LT_OP_BYTES;
    case 'w':
        return LT_OP_FORMAT;
    case 'j':
        return LT_OP_FORMAT_JSON;
    case 'p':
        return LT_OP_PARSE;
    case 'e':
    case 'v':
        return LT_OP_VIA_TEXT;
    case 'l':
        return LT_OP_LIST;
    case 'm':
        return LT_OP_STRUCT;
    default:
        return LT_OP_COPY;
    }
}

/* --- what two types of the lattice allow --------------------------------------------------- */

/* Storage that another schema may simply be put on. Decimals may gain precision. */
static bool same_storage(const struct lt_type *a, const struct lt_type *b)
{
    return a->id == b->id && a->unit == b->unit && a->scale == b->scale && a->width == b->width &&
           a->precision <= b->precision && !*a->zone == !*b->zone;
}

static bool is_unsigned(enum lt_type_id id)
{
    return id >= LT_UINT8 && id <= LT_UINT64;
}

static bool integer_fits(const struct lt_type *from, const struct lt_type *to)
{
    if (is_unsigned(from->id) == is_unsigned(to->id)) {
        return from->width <= to->width;
    }
    return is_unsigned(from->id) && from->width < to->width;
}

static bool float_fits(const struct lt_type *from, const struct lt_type *to)
{
    static const int mantissa[] = {[LT_FLOAT16] = 11, [LT_FLOAT32] = 24, [LT_FLOAT64] = 53};

    if (lt_type_is_integer(from->id)) {
        return from->width * 8 <= mantissa[to->id];
    }
    return from->id <= to->id;
}

/* Digits before the point that values of the type may have. */
static int whole_digits(const struct lt_type *type)
{
    static const int digits[] = {
        [LT_INT8] = 3,  [LT_INT16] = 5,  [LT_INT32] = 10,  [LT_INT64] = 19,
        [LT_UINT8] = 3, [LT_UINT16] = 5, [LT_UINT32] = 10, [LT_UINT64] = 20};

    return lt_type_is_integer(type->id) ? digits[type->id] : type->precision - type->scale;
}

static bool exact_fits(const struct lt_type *from, const struct lt_type *to)
{
    int from_scale = lt_type_is_integer(from->id) ? 0 : from->scale;

    if (lt_type_is_integer(to->id)) {
        /* One digit less than the greatest value has is always safe. */
        return from_scale <= 0 && whole_digits(from) < whole_digits(to) && !is_unsigned(to->id);
    }
    return to->scale >= from_scale && whole_digits(to) >= whole_digits(from);
}

/* Nanoseconds in one tick of the type. */
static int64_t tick_nanos(const struct lt_type *type)
{
    if (type->id == LT_DATE32) {
        return INT64_C(86400000000000);
    }
    return lt_unit_ticks(LT_NANO) / lt_unit_ticks(type->id == LT_DATE64 ? LT_MILLI : type->unit);
}

/* Sets the factors; true when every value fits. */
static bool ticks_fit(struct lt_cast_step *step)
{
    const struct lt_type *from = &step->from_type, *to = &step->to_type;
    int64_t before = tick_nanos(from), after = tick_nanos(to);
    int64_t day = INT64_C(86400000000000);

    step->multiply = before > after ? before / after : 1;
    step->divide = after > before ? after / before : 1;
    step->whole = class_of(to) == CLASS_DATE && before < day ? day / before : 1;
    if (step->divide > 1 || step->whole > 1) {
        return false;
    }
    /* A day of 32 bits times a day's milliseconds stays within 64 bits; microseconds do not. */
    return step->multiply == 1 || class_of(from) == CLASS_TIME ||
           (from->id == LT_DATE32 && after >= 1000000);
}

/* Lowers a kind that the table gives for the worst pair of two classes. */
static enum lt_cast_kind refine(struct lt_cast_step *step)
{
    const struct lt_type *from = &step->from_type, *to = &step->to_type;
    bool same = same_storage(from, to) && class_of(from) == class_of(to), fits = false;

    switch (step->op) {
    case LT_OP_INTEGER:
        fits = integer_fits(from, to);
        break;
    case LT_OP_TO_FLOAT:
        fits = float_fits(from, to);
        break;
    case LT_OP_EXACT:
        fits = exact_fits(from, to);
        if (from->id == LT_DECIMAL256 || to->id == LT_DECIMAL256) {
            step->op = LT_OP_VIA_TEXT;
        }
        break;
    case LT_OP_TICKS:
        fits = ticks_fit(step);
        break;
    case LT_OP_VIA_TEXT:
        fits = to->id == LT_INTERVAL && class_of(from) == CLASS_INTERVAL;
        break;
    default:
        break;
    }
    return same ? LT_CAST_SAME : fits ? LT_CAST_SAFE : LT_CAST_CHECKED;
}

/* Bytes with another layout: safe unless a length is fixed or text must be checked. */
static enum lt_cast_kind bytes_kind(const struct lt_cast_step *step, char kind)
{
    const struct lt_type *from = &step->from_type, *to = &step->to_type;

    if (kind == '=' && same_storage(from, to)) {
        return LT_CAST_SAME;
    }
    if (to->id == LT_FIXED_BINARY) {
        return from->id == LT_FIXED_BINARY && from->width == to->width ? LT_CAST_SAFE
                                                                       : LT_CAST_CHECKED;
    }
    return kind == 'c' ? LT_CAST_CHECKED : LT_CAST_SAFE;
}

/* --- steps --------------------------------------------------------------------------------- */

static int step_init(struct lt_cast_step *step, const struct ArrowSchema *from,
                     const struct ArrowSchema *to, int depth, struct leat_error *err);

static void step_done(struct lt_cast_step *step)
{
    for (int64_t i = 0; i < step->n_children; i++) {
        step_done(&step->children[i]);
    }
    free(step->children);
    lt_builder_done(&step->builder);
    lt_builder_done(&step->decoder);
    memset(step, 0, sizeof *step);
}

static void raise_kind(struct lt_cast_step *step, enum lt_cast_kind kind)
{
    step->kind = LT_MAX(step->kind, kind);
}

static int children_new(struct lt_cast_step *step, int64_t n, struct leat_error *err)
{
    step->children = calloc((size_t)(n ? n : 1), sizeof *step->children);
    if (!step->children) {
        return lt_fail_oom(err);
    }
    step->n_children = n;
    return LEAT_OK;
}

static void child_kind(struct lt_cast_step *step, const struct lt_cast_step *child)
{
    raise_kind(step, child->kind);
    if (child->check_nulls) {
        raise_kind(step, LT_CAST_CHECKED);
    }
}

static int list_init(struct lt_cast_step *step, int depth, struct leat_error *err)
{
    const struct lt_type *from = &step->from_type, *to = &step->to_type;
    int status = children_new(step, 1, err);

    status = status ? status
                    : step_init(&step->children[0], step->from->children[0], step->to->children[0],
                                depth + 1, err);
    if (status) {
        return status;
    }
    step->kind = from->id == to->id ? LT_CAST_SAME : LT_CAST_SAFE;
    if (to->id == LT_FIXED_LIST && (from->id != LT_FIXED_LIST || from->width != to->width)) {
        step->kind = LT_CAST_REFUSED; /* nulls would have to be given elements */
    }
    child_kind(step, &step->children[0]);
    return LEAT_OK;
}

/* Members are matched by name; the entries of maps, whose names are free, by place. */
static int struct_init(struct lt_cast_step *step, bool by_place, int depth, struct leat_error *err)
{
    const struct ArrowSchema *from = step->from, *to = step->to;
    int64_t taken = 0;
    int status = children_new(step, to->n_children, err);

    step->kind = LT_CAST_SAME;
    for (int64_t i = 0; !status && i < to->n_children; i++) {
        struct lt_cast_step *child = &step->children[i];
        const char *name = to->children[i]->name;
        int64_t place = by_place ? i : lt_schema_find(from, name ? name : "");
        child->child_from = place;
        if (place < 0) {
            child->to = to->children[i];
            child->op = LT_OP_NULLS;
            raise_kind(step, to->children[i]->flags & ARROW_FLAG_NULLABLE ? LT_CAST_SAFE
                                                                          : LT_CAST_REFUSED);
            continue;
        }
        taken++;
        status = step_init(child, from->children[place], to->children[i], depth + 1, err);
        child->child_from = place;
        raise_kind(step, place == i ? LT_CAST_SAME : LT_CAST_SAFE);
        child_kind(step, child);
    }
    if (taken < from->n_children) {
        step->kind = LT_CAST_REFUSED; /* a member would be dropped */
    }
    return status;
}

static int nested_init(struct lt_cast_step *step, int depth, struct leat_error *err)
{
    struct lt_cast_step *entries;
    int status;

    if (class_of(&step->from_type) == CLASS_LIST) {
        return list_init(step, depth, err);
    }
    if (step->op == LT_OP_STRUCT) {
        return struct_init(step, false, depth, err);
    }
    status = children_new(step, 1, err);
    if (status) {
        return status;
    }
    entries = &step->children[0];
    entries->from = step->from->children[0];
    entries->to = step->to->children[0];
    status = lt_type_of(entries->from, &entries->from_type, err);
    status = status ? status : lt_type_of(entries->to, &entries->to_type, err);
    if (status) {
        return status;
    }
    entries->op = LT_OP_STRUCT;
    status = struct_init(entries, true, depth + 1, err);
    step->kind = entries->kind;
    return status;
}

/* The type of a field's values; *ret_decode says that a dictionary lies between. */
static int value_type(const struct ArrowSchema *field, struct lt_type *ret_type, bool *ret_decode,
                      struct leat_error *err)
{
    struct lt_type outer;
    int status = lt_type_of(field, &outer, err);

    *ret_decode = !status && field->dictionary;
    *ret_type = outer;
    if (status || !field->dictionary) {
        return status;
    }
    status = lt_type_of(field->dictionary, ret_type, err);
    ret_type->logical = outer.logical;
    return status;
}

static bool is_view(enum lt_type_id id)
{
    return id == LT_UTF8_VIEW || id == LT_BINARY_VIEW;
}

static int step_init(struct lt_cast_step *step, const struct ArrowSchema *from,
                     const struct ArrowSchema *to, int depth, struct leat_error *err)
{
    const char *cell;
    bool to_dictionary;
    int status;

    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    step->from = from;
    step->to = to;
    status = value_type(from, &step->from_type, &step->decode, err);
    status = status ? status : value_type(to, &step->to_type, &to_dictionary, err);
    if (status) {
        return status;
    }
    step->check_nulls = (from->flags & ARROW_FLAG_NULLABLE || step->from_type.id == LT_NULL) &&
                        !(to->flags & ARROW_FLAG_NULLABLE) && step->to_type.id != LT_NULL;
    if (to_dictionary || is_view(step->to_type.id)) {
        /* Nothing builds these: they are taken over or not at all. */
        step->kind = lt_schema_same(from, to, false) ? LT_CAST_SAME : LT_CAST_REFUSED;
        return LEAT_OK;
    }
    cell = &lattice[class_of(&step->from_type)][class_of(&step->to_type) * 3];
    step->op = op_of(cell[1]);
    step->exact = cell[1] == 'e';
    step->kind = cell[0] == 's'   ? LT_CAST_SAFE
                 : cell[0] == '-' ? LT_CAST_REFUSED
                 : cell[0] == '=' ? LT_CAST_SAME
                                  : LT_CAST_CHECKED;
    if (step->op == LT_OP_BYTES) {
        step->kind = bytes_kind(step, cell[0]);
    } else if (step->op == LT_OP_LIST || step->op == LT_OP_STRUCT) {
        status = nested_init(step, depth, err);
    } else if (cell[0] == 'c' && step->op != LT_OP_PARSE) {
        step->kind = refine(step);
    }
    if (step->decode) {
        bool builds = !lt_type_is_nested(step->from_type.id) && !is_view(step->from_type.id) &&
                      !from->dictionary->dictionary;
        raise_kind(step, builds ? LT_CAST_SAFE : LT_CAST_REFUSED);
    }
    return status;
}

/* Builders for all steps that need one. */
static int step_builders(struct lt_cast_step *step, struct leat_error *err)
{
    int status = LEAT_OK;

    if (step->decode) {
        status = lt_builder_init(&step->decoder, step->from->dictionary, err);
    }
    step->hides_nulls = lt_type_is_nested(step->from_type.id) && lt_text_holds_json(step->from);
    switch (step->op) {
    case LT_OP_NULLS:
    case LT_OP_BYTES:
    case LT_OP_FORMAT:
    case LT_OP_FORMAT_JSON:
    case LT_OP_PARSE:
    case LT_OP_VIA_TEXT:
        status = status ? status : lt_builder_init(&step->builder, step->to, err);
        break;
    default:
        break;
    }
    for (int64_t i = 0; !status && i < step->n_children; i++) {
        status = step_builders(&step->children[i], err);
    }
    return status;
}

enum lt_cast_kind lt_cast_kind(const struct ArrowSchema *from, const struct ArrowSchema *to)
{
    struct lt_cast_step step = {0};
    enum lt_cast_kind kind;

    if (step_init(&step, from, to, 0, NULL)) {
        step.kind = LT_CAST_REFUSED;
    }
    if (step.check_nulls) {
        raise_kind(&step, LT_CAST_CHECKED);
    }
    kind = step.kind;
    step_done(&step);
    return kind;
}

/* --- whole schemas ------------------------------------------------------------------------- */

/* "int64 cannot become date". */
static int refuse_pair(const struct ArrowSchema *from, const struct ArrowSchema *to,
                       struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int status;

    if (lt_type_print(from, &text) || lt_buf_puts(&text, " cannot become ") ||
        lt_type_print(to, &text)) {
        lt_buf_done(&text);
        return lt_fail_oom(err);
    }
    status = lt_fail(err, LT_E_CAST, "%s", lt_buf_text(&text));
    leat_error_place(err, "column \"%s\"", to->name ? to->name : "");
    lt_buf_done(&text);
    return status;
}

static int column_init(struct lt_cast *cast, int64_t i, struct leat_error *err)
{
    struct lt_cast_step *step = &cast->columns[i];
    const struct ArrowSchema *to = cast->to.children[i];
    int64_t place = cast->map[i];
    int status;

    if (place < -1 || place >= cast->from.n_children) {
        return lt_fail(err, LT_E_INTERNAL, "a cast from a column that there is not");
    }
    if (place < 0) {
        step->to = to;
        step->op = LT_OP_NULLS;
        step->kind = LT_CAST_SAFE;
        return step_builders(step, err);
    }
    status = step_init(step, cast->from.children[place], to, 0, err);
    if (status) {
        return status;
    }
    if (step->kind == LT_CAST_REFUSED) {
        return refuse_pair(step->from, to, err);
    }
    if (step->kind == LT_CAST_SAME) {
        cast->uses[place]++;
        return LEAT_OK;
    }
    return step_builders(step, err);
}

int lt_cast_new(const struct ArrowSchema *from, const struct ArrowSchema *to, const int64_t *map,
                struct lt_cast **ret_cast, struct leat_error *err)
{
    struct lt_cast *cast = calloc(1, sizeof *cast);
    int64_t n = to->n_children;
    int status;

    if (!cast) {
        return lt_fail_oom(err);
    }
    status = lt_schema_copy(from, &cast->from, err);
    status = status ? status : lt_schema_copy(to, &cast->to, err);
    if (!status) {
        cast->columns = calloc((size_t)n + 1, sizeof *cast->columns);
        cast->map = calloc((size_t)n + 1, sizeof *cast->map);
        cast->uses = calloc((size_t)from->n_children + 1, sizeof *cast->uses);
        status = cast->columns && cast->map && cast->uses ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && !map && from->n_children < n) {
        status = lt_fail(err, LT_E_INTERNAL, "a cast to more columns than there are");
    }
    if (!status) {
        cast->n_columns = n;
    }
    for (int64_t i = 0; !status && i < n; i++) {
        cast->map[i] = map ? map[i] : i;
        status = column_init(cast, i, err);
    }
    if (status) {
        lt_cast_free(cast);
        return status;
    }
    *ret_cast = cast;
    return LEAT_OK;
}

void lt_cast_free(struct lt_cast *cast)
{
    if (!cast) {
        return;
    }
    for (int64_t i = 0; i < cast->n_columns; i++) {
        step_done(&cast->columns[i]);
    }
    lt_view_done(&cast->view);
    lt_schema_done(&cast->from);
    lt_schema_done(&cast->to);
    free(cast->columns);
    free(cast->map);
    free(cast->uses);
    free(cast);
}

void lt_cast_on_loss(struct lt_cast *cast, const struct lt_cast_losses *losses)
{
    cast->losses = losses;
}

bool lt_cast_is_identity(const struct lt_cast *cast)
{
    bool same = cast->n_columns == cast->from.n_children;

    for (int64_t i = 0; same && i < cast->n_columns; i++) {
        const struct lt_cast_step *step = &cast->columns[i];
        same = cast->map[i] == i && step->kind == LT_CAST_SAME && !step->check_nulls;
    }
    return same;
}
