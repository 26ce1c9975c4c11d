/* What the tests of columnar share: seeded random batches of every type, and a plain rendering
 * of values that knows nothing of runs, slices or copies. */
#ifndef COLUMNAR_TEST_H
#define COLUMNAR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "columnar/view.h"

#include <stdlib.h>

/* Every type a builder builds. */
#define TEST_TYPES                                                                                 \
    "struct<a: int8, b: uint16, c: int64, d: bool, e: utf8, f: large_binary, g: binary(5), "       \
    "h: decimal(20,2), i: list<struct<x: int32, y: list<utf8>>>, j: fixed_list<bool, 3>, "         \
    "k: map<utf8, float64>, l: null, m: timestamp, n: interval, o: large_list<int16>, "            \
    "p: struct<q: bool, r: fixed_list<utf8, 2>>, s: decimal(60,3), t: float16, u: json>"

static inline uint32_t test_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static inline int test_append(struct lt_builder *builder, uint64_t *seed)
{
    char bytes[64];
    enum lt_type_id id = builder->type.id;
    size_t n = test_random(seed) % 4;
    int status = LEAT_OK;
    if (test_random(seed) % 5 == 0) {
        return lt_builder_null(builder);
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)('a' + test_random(seed) % 26);
    }
    if (id == LT_NULL) {
        return lt_builder_null(builder);
    }
    if (id == LT_BOOL) {
        return lt_builder_bool(builder, test_random(seed) & 1);
    }
    if (lt_type_is_varlen(id)) {
        return lt_builder_bytes_value(builder, bytes, n * 5);
    }
    if (!lt_type_is_nested(id)) {
        return lt_builder_fixed(builder, bytes, (size_t)builder->type.width);
    }
    n = id == LT_STRUCT ? 1 : id == LT_FIXED_LIST ? (size_t)builder->type.width : n;
    for (size_t k = 0; k < n; k++) {
        for (int64_t i = 0; !status && i < builder->n_children; i++) {
            status = test_append(&builder->children[i], seed);
        }
    }
    return status ? status : lt_builder_nested(builder);
}

static inline void test_render(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    int64_t first, end;
    size_t len;
    assert_in_range(row, 0, view->length - 1);
    if (lt_view_is_null(view, row)) {
        lt_buf_puts(out, "~");
        return;
    }
    switch (view->dictionary ? LT_DICTIONARY : view->type.id) {
    case LT_DICTIONARY:
        test_render(view->dictionary, lt_view_integer(view, row, NULL), out);
        return;
    case LT_BOOL:
        lt_buf_puts(out, lt_view_bool(view, row) ? "t" : "f");
        return;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
    case LT_MAP:
        lt_view_list(view, row, &first, &end);
        lt_buf_puts(out, "[");
        for (; first < end; first++) {
            test_render(&view->children[0], first, out);
            lt_buf_puts(out, ",");
        }
        lt_buf_puts(out, "]");
        return;
    case LT_STRUCT:
        lt_buf_puts(out, "{");
        for (int64_t i = 0; i < view->n_children; i++) {
            test_render(&view->children[i], row, out);
            lt_buf_puts(out, ",");
        }
        lt_buf_puts(out, "}");
        return;
    default: {
        const uint8_t *bytes = lt_view_bytes(view, row, &len);
        for (size_t i = 0; i < len; i++) {
            lt_buf_printf(out, "%02x", bytes[i]);
        }
    }
    }
}

/* The text of all rows, one a line; free it. */
static inline char *test_rows(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    struct lt_view view;
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    int status = lt_view_init(&view, schema, array, &err);
    if (status) {
        fail_msg("%s: %s", err.place, err.message);
    }
    for (int64_t row = 0; row < view.length; row++) {
        test_render(&view, row, &out);
        lt_buf_puts(&out, "\n");
    }
    lt_view_done(&view);
    return lt_buf_take(&out);
}

/* `rows` random rows of the named struct type. */
static inline void test_batch(const char *type, int64_t rows, uint64_t *seed,
                              struct ArrowSchema *ret_schema, struct ArrowArray *ret_array)
{
    struct lt_batch_builder batch;
    struct leat_error err = {0};
    assert_int_equal(lt_type_parse(type, ret_schema, &err), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&batch, ret_schema, &err), LEAT_OK);
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < batch.n_columns; i++) {
            assert_int_equal(test_append(&batch.columns[i], seed), LEAT_OK);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&batch, rows, ret_array, &err), LEAT_OK);
    lt_batch_builder_done(&batch);
}

static inline void *test_copy(const void *data, size_t size)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) {
        memcpy(copy, data, size);
    }
    return copy;
}

/* Six values in the view layout: short, long (two data buffers), null, empty, long, short. */
static inline void test_views(struct ArrowSchema *ret_schema, struct ArrowArray *ret_array)
{
    static const char first[] = "a long value in the first buffer";
    static const char second[] = "and a long one in the second";
    struct leat_error err = {0};
    int64_t sizes[2] = {sizeof first - 1, sizeof second - 1};
    uint8_t values[6][16] = {{0}};
    int32_t long_first[4] = {sizeof first - 1, 0, 0, 0};
    int32_t long_second[4] = {sizeof second - 1 - 4, 0, 1, 4};
    uint8_t valid = 0x3b;
    values[0][0] = 5;
    memcpy(values[0] + 4, "short", 5);
    memcpy(&long_first[1], first, 4);
    memcpy(values[1], long_first, 16);
    memcpy(&long_second[1], second + 4, 4);
    memcpy(values[4], long_second, 16);
    memset(values[2], 0xee, 16);
    values[5][0] = 12;
    memcpy(values[5] + 4, "twelve bytes", 12);
    assert_int_equal(lt_schema_init(ret_schema, "vu", "views", &err), LEAT_OK);
    assert_int_equal(lt_array_init(ret_array, 5, 0, &err), LEAT_OK);
    ret_array->length = 6;
    ret_array->null_count = 1;
    ret_array->buffers[0] = test_copy(&valid, 1);
    ret_array->buffers[1] = test_copy(values, sizeof values);
    ret_array->buffers[2] = test_copy(first, sizeof first - 1);
    ret_array->buffers[3] = test_copy(second, sizeof second - 1);
    ret_array->buffers[4] = test_copy(sizes, sizeof sizes);
}

/* Six uint8 indexes, the third null, into a dictionary of three texts, read from offset 1. */
static inline void test_dictionary(struct ArrowSchema *ret_schema, struct ArrowArray *ret_array)
{
    static const uint8_t indexes[7] = {99, 2, 0, 77, 1, 1, 2};
    uint8_t valid = 0x76;
    struct leat_error err = {0};
    struct ArrowSchema values;
    struct lt_builder builder;
    assert_int_equal(lt_schema_init(ret_schema, "C", "dictionary", &err), LEAT_OK);
    assert_int_equal(lt_schema_init(&values, "u", "", &err), LEAT_OK);
    assert_int_equal(lt_array_init(ret_array, 2, 0, &err), LEAT_OK);
    ret_array->dictionary = calloc(1, sizeof *ret_array->dictionary);
    assert_non_null(ret_array->dictionary);
    assert_int_equal(lt_builder_init(&builder, &values, &err), LEAT_OK);
    lt_builder_bytes_value(&builder, "red", 3);
    lt_builder_bytes_value(&builder, "green", 5);
    lt_builder_bytes_value(&builder, "", 0);
    assert_int_equal(lt_builder_finish(&builder, ret_array->dictionary, &err), LEAT_OK);
    lt_builder_done(&builder);
    assert_int_equal(lt_schema_set_dictionary(ret_schema, &values, &err), LEAT_OK);
    ret_array->length = 6;
    ret_array->offset = 1;
    ret_array->null_count = -1;
    ret_array->buffers[0] = test_copy(&valid, 1);
    ret_array->buffers[1] = test_copy(indexes, sizeof indexes);
}

#endif
