/* Casts of random values between all pairs of types: none crashes, a safe one refuses nothing, and
 * what was taken comes back as the same value.
 *
 * The first two bytes pick the types, the rest are the values' texts, a line each; an empty line is
 * a null. */
#include "columnar/builder.h"
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/util.h"

#include <stdlib.h>

static const char *const types[] = {
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "decimal(5,2)",
    "decimal(18,0)",
    "decimal(38,9)",
    "decimal(76,30)",
    "numeric",
    "utf8",
    "large_utf8",
    "json",
    "uuid",
    "binary",
    "binary(4)",
    "date",
    "date64",
    "time(s)",
    "time",
    "time(ns)",
    "timestamp(s)",
    "timestamp(ms)",
    "timestamp",
    "timestamp(ns)",
    "timestamptz",
    "duration",
    "interval",
    "list<int32>",
    "list<utf8>",
    "struct<a: int32, b: utf8>",
    "struct<a: int64, b: utf8>",
};

#define ROWS_MAX 200

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* A stream of one column of that type. */
static void make_schema(const char *type, struct ArrowSchema *schema)
{
    struct ArrowSchema field;
    require(!lt_type_parse(type, &field, NULL) && !lt_schema_set_name(&field, "c", NULL));
    require(!lt_schema_init_struct(schema, 0, NULL) && !lt_schema_add(schema, &field, NULL));
}

static void make_batch(const struct ArrowSchema *schema, const char *text, size_t len,
                       struct ArrowArray *batch)
{
    struct lt_batch_builder builder;
    require(!lt_batch_builder_init(&builder, schema, NULL));
    struct lt_builder *column = &builder.columns[0];
    while (len && column->length < ROWS_MAX) {
        const char *end = memchr(text, '\n', len), *why;
        size_t line = end ? (size_t)(end - text) : len;
        if (!line) {
            require(!lt_builder_null(column));
        } else {
            int status = lt_text_parse(column, text, line, &why);
            require(!status || status == LEAT_BAD_DATA);
        }
        text += line + !!end;
        len -= line + !!end;
    }
    require(!lt_batch_builder_finish(&builder, column->length, batch, NULL));
    lt_batch_builder_done(&builder);
}

/* Casts, giving the input up; false when the pair is refused. Marks what did not fit. */
static bool cast(const struct ArrowSchema *from, const struct ArrowSchema *to,
                 struct ArrowArray *batch, struct ArrowArray *out, struct lt_cast_rejects *rejects)
{
    struct lt_cast *made = NULL;
    struct leat_error err = {0};
    enum lt_cast_kind kind = lt_cast_kind(from->children[0], to->children[0]);
    int status = lt_cast_new(from, to, NULL, &made, &err);
    require((status == LEAT_OK) == (kind != LT_CAST_REFUSED));
    if (status) {
        require(err.code[0] && err.message[0]);
        batch->release(batch);
        return false;
    }
    int64_t rows = batch->length;
    require(!lt_cast_run(made, batch, 1, out, rejects, &err) && out->length == rows);
    require(!lt_array_check(to, out, true, &err));
    require(kind == LT_CAST_CHECKED || !rejects->rows);
    lt_cast_free(made);
    return true;
}

static bool rejected(const struct lt_cast_rejects *rejects, int64_t row)
{
    return rejects->rows && (rejects->drop.data[row >> 3] >> (row & 7) & 1);
}

/* -0.0 is the one value that an integer or a decimal takes and gives back as another. */
static bool same_text(const struct lt_buf *a, const struct lt_buf *b)
{
    const char *x = lt_buf_text(a), *y = lt_buf_text(b);
    return !strcmp(x, y) || (!strcmp(x, "-0") && !strcmp(y, "0"));
}

static void compare(const struct ArrowSchema *schema, const struct ArrowArray *before,
                    const struct ArrowArray *after, const struct lt_cast_rejects *there,
                    const struct lt_cast_rejects *back)
{
    struct lt_view a, b;
    struct lt_buf x = LT_BUF_INIT, y = LT_BUF_INIT;
    require(!lt_view_init(&a, schema, before, NULL) && !lt_view_init(&b, schema, after, NULL));
    const struct lt_view *from = &a.children[0], *to = &b.children[0];
    for (int64_t row = 0; row < from->length; row++) {
        if (rejected(there, row) || rejected(back, row)) {
            continue;
        }
        require(lt_view_is_null(from, row) == lt_view_is_null(to, row));
        if (!lt_view_is_null(from, row)) {
            lt_buf_clear(&x);
            lt_buf_clear(&y);
            require(!lt_text_format(from, row, &x) && !lt_text_format(to, row, &y));
            require(same_text(&x, &y));
        }
    }
    lt_view_done(&a);
    lt_view_done(&b);
    lt_buf_done(&x);
    lt_buf_done(&y);
}

/* Text has many forms of one value, and a bare number's scale goes with the type. */
static bool has_one_form(const struct ArrowSchema *schema)
{
    struct lt_type type;
    require(!lt_type_of(schema->children[0], &type, NULL));
    return !lt_type_is_text(type.id) && !lt_type_is_nested(type.id) && type.id != LT_BINARY;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ArrowSchema from, to;
    struct ArrowArray batch = {0}, kept = {0}, out = {0}, again = {0};
    struct lt_cast_rejects there = {0}, back = {0};
    if (size < 2) {
        return 0;
    }
    make_schema(types[data[0] % LT_ARRAY_LEN(types)], &from);
    make_schema(types[data[1] % LT_ARRAY_LEN(types)], &to);
    make_batch(&from, (const char *)data + 2, size - 2, &batch);
    require(!lt_array_share(&batch, NULL) && !lt_array_hold(&batch, &kept, NULL));
    if (cast(&from, &to, &batch, &out, &there) && cast(&to, &from, &out, &again, &back) &&
        has_one_form(&from)) {
        compare(&from, &kept, &again, &there, &back);
    }
    lt_array_done(&again);
    lt_array_done(&kept);
    lt_buf_done(&there.drop);
    lt_buf_done(&back.drop);
    lt_schema_done(&from);
    lt_schema_done(&to);
    return 0;
}
