/* Keys whose bytes sort as they do, equality by meaning, common types, and rows gathered. */
#include "columnar_test.h"

#include "columnar/common.h"
#include "columnar/equal.h"
#include "columnar/gather.h"
#include "columnar/keys.h"
#include "columnar/text.h"

#include <stdio.h>

/* A batch of columns of these types, row by row from texts; NULL is null. */
struct batch {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct lt_view view;
};

static void batch_make(struct batch *batch, const char *const *types, int64_t n_columns,
                       const char *const *texts, int64_t rows)
{
    struct leat_error err = {0};
    struct lt_batch_builder builder;
    assert_int_equal(lt_schema_init_struct(&batch->schema, 0, &err), LEAT_OK);
    for (int64_t c = 0; c < n_columns; c++) {
        struct ArrowSchema field;
        assert_int_equal(lt_type_parse(types[c], &field, &err), LEAT_OK);
        assert_int_equal(lt_schema_add(&batch->schema, &field, &err), LEAT_OK);
    }
    assert_int_equal(lt_batch_builder_init(&builder, &batch->schema, &err), LEAT_OK);
    for (int64_t i = 0; i < rows * n_columns; i++) {
        const char *why = "", *text = texts[i];
        struct lt_builder *column = &builder.columns[i % n_columns];
        int status =
            text ? lt_text_parse(column, text, strlen(text), &why) : lt_builder_null(column);
        if (status) {
            fail_msg("%s '%s': %s", types[i % n_columns], text, why);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&builder, rows, &batch->array, &err), LEAT_OK);
    assert_int_equal(lt_view_init(&batch->view, &batch->schema, &batch->array, &err), LEAT_OK);
    lt_batch_builder_done(&builder);
}

static void batch_done(struct batch *batch)
{
    lt_view_done(&batch->view);
    lt_array_done(&batch->array);
    lt_schema_done(&batch->schema);
}

/* --- keys ----------------------------------------------------------------------------------- */

static void keys_of(struct batch *batch, int64_t n, struct ArrowSchema *field,
                    struct ArrowArray *column, struct lt_view *view)
{
    struct leat_error err = {0};
    struct lt_key_maker maker;
    assert_int_equal(lt_key_maker_init(&maker, &batch->schema, n, NULL, &err), LEAT_OK);
    assert_int_equal(lt_key_maker_field(&maker, "key", field, &err), LEAT_OK);
    if (lt_key_maker_run(&maker, &batch->view, 1, column, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(lt_view_init(view, field, column, &err), LEAT_OK);
    lt_key_maker_done(&maker);
}

/* The rows are in ascending order, each pair of them; those marked = are the same as the one
 * before. */
static void check_order(const char *const *types, int64_t n_columns, const char *const *texts,
                        int64_t rows)
{
    struct batch batch;
    struct ArrowSchema field;
    struct ArrowArray column;
    struct lt_view keys;
    batch_make(&batch, types, n_columns, texts, rows);
    keys_of(&batch, n_columns, &field, &column, &keys);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < rows; j++) {
            int order = lt_key_compare(&keys, i, &keys, j);
            if ((order > 0) - (order < 0) != (i > j) - (i < j)) {
                fail_msg("%s: '%s' and '%s' are in the wrong order", types[0], texts[i * n_columns],
                         texts[j * n_columns]);
            }
        }
    }
    assert_int_equal(lt_keys_disorder(&keys), -1);
    lt_view_done(&keys);
    lt_array_done(&column);
    lt_schema_done(&field);
    batch_done(&batch);
}

#define CHECK_ORDER(type, ...)                                                                     \
    do {                                                                                           \
        const char *const types[] = {type}, *const texts[] = {__VA_ARGS__};                        \
        check_order(types, 1, texts, sizeof texts / sizeof *texts);                                \
    } while (0)

static void keys_of_one_column_sort_as_their_values_do(void **state)
{
    (void)state;
    CHECK_ORDER("int8", "-128", "-1", "0", "1", "127");
    CHECK_ORDER("int32", "-2147483648", "-256", "-1", "0", "9", "10", "2147483647");
    CHECK_ORDER("int64", "-9223372036854775808", "-1", "0", "255", "256", "9223372036854775807");
    CHECK_ORDER("uint64", "0", "255", "256", "18446744073709551615");
    CHECK_ORDER("float64", "-Infinity", "-1e300", "-1", "-1e-300", "0", "1e-300", "2", "10",
                "Infinity", "NaN");
    CHECK_ORDER("float32", "-Infinity", "-1.5", "0", "1.5", "Infinity", "NaN");
    CHECK_ORDER("decimal(10,2)", "-100.01", "-100.00", "-0.01", "0.00", "0.01", "9.99", "10.00");
    CHECK_ORDER("decimal(60,3)", "-99999999999999999999999999999999999999999.000", "-1.000",
                "0.000", "0.001", "99999999999999999999999999999999999999999.000");
    CHECK_ORDER("numeric", "-Infinity", "-1e20", "-100.5", "-100", "-99.9", "-0.01", "0", "0.009",
                "0.01", "0.1", "1", "1.0000001", "9", "10", "123456789012345678901234567890",
                "Infinity", "NaN");
    CHECK_ORDER("utf8", "", " ", "10", "9", "A", "AA", "B", "a", "aa", "b", "\xc3\xa4",
                "\xf0\x9f\x98\x80");
    CHECK_ORDER("binary", "\\x", "\\x00", "\\x0000", "\\x00ff", "\\x01", "\\xff", "\\xff00");
    CHECK_ORDER("date", "-0043-03-15", "1969-12-31", "1970-01-01", "9999-12-31", "+10000-01-01");
    CHECK_ORDER("timestamp", "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00",
                "2024-02-29 12:00:00.000001");
    CHECK_ORDER("time", "00:00:00", "12:00:00", "23:59:59.999999");
    CHECK_ORDER("uuid", "00000000-0000-0000-0000-000000000001",
                "7fffffff-0000-0000-0000-000000000000", "ffffffff-0000-0000-0000-000000000000");
    CHECK_ORDER("bool", "false", "true");
}

static void keys_of_several_columns_sort_by_the_first_that_differs(void **state)
{
    const char *const types[] = {"utf8", "int32"};
    const char *const texts[] = {"", "-1", "", "5", "a", "-7", "a", "9", "a\1", "-100", "aa", "-9"};
    const char *const mixed[] = {"numeric", "binary", "utf8"};
    const char *const rows[] = {"-5",  "\\x00", "z", "-5", "\\x0001", "a", "-5",  "\\x01", "",
                                "1.0", "\\x",   "b", "1",  "\\x",     "c", "NaN", "\\x",   ""};
    (void)state;
    check_order(types, 2, texts, 6);
    check_order(mixed, 3, rows, 6);
}

static void keys_that_mean_the_same_are_the_same(void **state)
{
    const char *const numeric[] = {"numeric"}, *const values[] = {"1.10", "1.1", "01.100", "11e-1"};
    const char *const real[] = {"float64"}, *const zeros[] = {"0", "-0"};
    const struct {
        const char *const *types, *const *texts;
        int64_t rows;
    } cases[] = {{numeric, values, 4}, {real, zeros, 2}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct batch batch;
        struct ArrowSchema field;
        struct ArrowArray column;
        struct lt_view keys;
        batch_make(&batch, cases[i].types, 1, cases[i].texts, cases[i].rows);
        keys_of(&batch, 1, &field, &column, &keys);
        for (int64_t row = 1; row < cases[i].rows; row++) {
            assert_int_equal(lt_key_compare(&keys, 0, &keys, row), 0);
        }
        assert_int_equal(lt_keys_disorder(&keys), 1);
        lt_view_done(&keys);
        lt_array_done(&column);
        lt_schema_done(&field);
        batch_done(&batch);
    }
}

static void a_null_in_a_key_is_refused_with_its_row(void **state)
{
    const char *const types[] = {"int32"}, *const texts[] = {"1", "2", NULL};
    struct leat_error err = {0};
    struct lt_key_maker maker;
    struct ArrowArray column;
    struct batch batch;
    (void)state;
    batch_make(&batch, types, 1, texts, 3);
    assert_int_equal(lt_key_maker_init(&maker, &batch.schema, 1, NULL, &err), LEAT_OK);
    assert_int_equal(lt_key_maker_run(&maker, &batch.view, 101, &column, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "null-key");
    assert_non_null(strstr(err.place, "row 103"));
    lt_key_maker_done(&maker);
    batch_done(&batch);
}

static void json_and_nested_columns_make_no_keys(void **state)
{
    const char *const names[] = {"json", "list<int32>", "interval", "struct<a: int32>"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct batch batch;
        struct leat_error err = {0};
        struct lt_key_maker maker;
        batch_make(&batch, &names[i], 1, NULL, 0);
        assert_int_equal(lt_key_maker_init(&maker, &batch.schema, 1, NULL, &err), LEAT_UNSUPPORTED);
        lt_key_maker_done(&maker);
        batch_done(&batch);
    }
}

static void runs_of_keys_are_found_by_halving(void **state)
{
    const char *const types[] = {"int32"};
    const char *texts[300];
    char numbers[300][8];
    struct batch batch;
    struct ArrowSchema field;
    struct ArrowArray column;
    struct lt_view keys;
    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%d", 2 * i);
        texts[i] = numbers[i];
    }
    batch_make(&batch, types, 1, texts, 300);
    keys_of(&batch, 1, &field, &column, &keys);
    for (int64_t from = 0; from < 300; from += 7) {
        for (int64_t to = from; to < 300; to++) {
            assert_int_equal(lt_keys_below(&keys, from, &keys, to), to - from);
            assert_int_equal(lt_keys_same(&keys, from, &keys, from, 300 - to), 300 - to);
        }
    }
    assert_int_equal(lt_keys_same(&keys, 0, &keys, 1, 299), 0);
    lt_view_done(&keys);
    lt_array_done(&column);
    lt_schema_done(&field);
    batch_done(&batch);
}

/* --- equality ------------------------------------------------------------------------------- */

static bool is_equal(const char *type, const char *a, const char *b, bool padded)
{
    struct batch x, y;
    uint8_t differs = 0;
    batch_make(&x, &type, 1, &a, 1);
    batch_make(&y, &type, 1, &b, 1);
    assert_int_equal(
        lt_equal_column(&x.view.children[0], 0, &y.view.children[0], 0, 1, padded, &differs),
        LEAT_OK);
    batch_done(&x);
    batch_done(&y);
    return !differs;
}

static void values_are_equal_by_what_they_mean(void **state)
{
    const struct {
        const char *type, *a, *b;
        bool equal, padded;
    } cases[] = {
        {"numeric", "1.10", "1.1", true, false},
        {"numeric", "1e2", "100", true, false},
        {"numeric", "-0", "0.00", true, false},
        {"numeric", "NaN", "NaN", true, false},
        {"numeric", "Infinity", "-Infinity", false, false},
        {"numeric", "1.1", "1.11", false, false},
        {"numeric", "1.1", "-1.1", false, false},
        {"numeric", "11", "1.1", false, false},
        {"float64", "NaN", "NaN", true, false},
        {"float64", "-0", "0", true, false},
        {"float64", "0.1", "0.2", false, false},
        {"float32", "NaN", "1", false, false},
        {"json", "{\"a\": 1, \"b\": [1, 2]}", "{\"b\":[1,2],\"a\":1}", true, false},
        {"json", "{\"a\": 1}", "{\"a\": 2}", false, false},
        {"json", "[1,2]", "[2,1]", false, false},
        {"utf8", "a", "a ", false, false},
        {"utf8", "a", "a   ", true, true},
        {"utf8", "a", " a", false, true},
        {"utf8", "", NULL, false, false},
        {"utf8", "", NULL, false, true},
        {"utf8", NULL, NULL, true, false},
        {"int32", "0", NULL, false, false},
        {"int32", NULL, NULL, true, false},
        {"bool", "true", "false", false, false},
        {"bool", "true", "true", true, false},
        {"decimal(10,2)", "1.10", "1.10", true, false},
        {"decimal(60,2)", "1.10", "1.11", false, false},
        {"list<float64>", "[1, null, -0.0]", "[1, null, 0]", true, false},
        {"list<int32>", "[1, 2]", "[1]", false, false},
        {"struct<a: utf8, b: int32>", "{\"a\": \"x\", \"b\": 1}", "{\"a\": \"x\", \"b\": null}",
         false, false},
        {"interval", "P1M", "P30D", false, false},
        {"binary", "\\x00", "\\x", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (is_equal(cases[i].type, cases[i].a, cases[i].b, cases[i].padded) != cases[i].equal) {
            fail_msg("%s: '%s' and '%s'", cases[i].type, cases[i].a ? cases[i].a : "null",
                     cases[i].b ? cases[i].b : "null");
        }
    }
}

/* Every column against itself with one row changed, at all distances. */
static void whole_columns_tell_exactly_the_rows_that_differ(void **state)
{
    enum { ROWS = 200 };
    const char *const types[] = {"int8", "int16",   "int32", "int64",     "decimal(12,2)",
                                 "utf8", "float64", "bool",  "timestamp", "numeric"};
    uint64_t seed = 11;
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        const char *a[ROWS + 3], *b[ROWS];
        bool changed[ROWS];
        bool flag = !strcmp(types[t], "bool"), time = !strcmp(types[t], "timestamp");
        const char *values[] = {flag   ? "true"
                                : time ? "2024-01-01 00:00:00"
                                       : "1",
                                flag   ? "false"
                                : time ? "2024-01-02 00:00:00"
                                       : "2",
                                NULL};
        struct batch x, y;
        uint8_t differs[ROWS] = {0};
        for (int i = 0; i < ROWS; i++) {
            a[i + 3] = values[test_random(&seed) % 3];
            b[i] = test_random(&seed) % 9 ? a[i + 3] : values[test_random(&seed) % 3];
            changed[i] = a[i + 3] != b[i];
        }
        a[0] = a[1] = a[2] = values[0];
        batch_make(&x, &types[t], 1, a, ROWS + 3);
        batch_make(&y, &types[t], 1, b, ROWS);
        assert_int_equal(
            lt_equal_column(&x.view.children[0], 3, &y.view.children[0], 0, ROWS, false, differs),
            LEAT_OK);
        for (int i = 0; i < ROWS; i++) {
            if (differs[i] != changed[i]) {
                fail_msg("%s, row %d", types[t], i);
            }
        }
        batch_done(&x);
        batch_done(&y);
    }
}

/* --- common types --------------------------------------------------------------------------- */

static void the_common_type_holds_both(void **state)
{
    static const struct {
        const char *a, *b, *common; /* NULL: none */
        bool coarser, a_ordered;
    } cases[] = {
        {"int32", "int64", "int64", false, true},
        {"uint8", "int8", "int64", false, true},
        {"uint64", "int32", "decimal(20,0)", false, true},
        {"bool", "int32", "int32", false, true},
        {"bool", "bool", "bool", false, true},
        {"decimal(10,2)", "decimal(8,4)", "decimal(12,4)", false, true},
        {"int32", "decimal(8,4)", "decimal(24,4)", false, true},
        {"decimal(60,0)", "decimal(60,40)", "numeric", false, true},
        {"numeric", "decimal(10,2)", "numeric", false, true},
        {"float64", "decimal(10,2)", "numeric", false, true},
        {"float32", "float64", "float64", false, true},
        {"date", "timestamp", "timestamp", false, true},
        {"timestamp(ns)", "timestamp", "timestamp", true, true},
        {"timestamp", "timestamp(ms)", "timestamp(ms)", true, true},
        {"timestamptz(ns)", "timestamptz", "timestamptz", true, true},
        {"timestamp", "timestamptz", NULL, false, false},
        {"time(ns)", "time", "time", true, true},
        {"utf8", "int32", "int32", false, false},
        {"int32", "utf8", "utf8", false, false},
        {"json", "utf8", "utf8", false, false},
        {"uuid", "utf8", "utf8", false, false},
        {"uuid", "uuid", "uuid", false, true},
        {"binary(4)", "binary", "binary", false, true},
        {"list<int32>", "int32", NULL, false, false},
        {"interval", "int32", NULL, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ArrowSchema a, b, field;
        struct lt_common common;
        struct leat_error err = {0};
        struct lt_buf name = LT_BUF_INIT;
        assert_int_equal(lt_type_parse(cases[i].a, &a, &err), LEAT_OK);
        assert_int_equal(lt_type_parse(cases[i].b, &b, &err), LEAT_OK);
        int rc = lt_common_type(&a, &b, &field, &common, &err);
        if (!rc != (cases[i].common != NULL)) {
            fail_msg("%s and %s: %s", cases[i].a, cases[i].b, err.message);
        }
        if (!rc) {
            assert_int_equal(lt_type_print(&field, &name), LEAT_OK);
            if (strcmp(lt_buf_text(&name), cases[i].common) || common.coarser != cases[i].coarser ||
                common.a_ordered != cases[i].a_ordered) {
                fail_msg("%s and %s: %s", cases[i].a, cases[i].b, lt_buf_text(&name));
            }
            lt_schema_done(&field);
        }
        lt_buf_done(&name);
        lt_schema_done(&a);
        lt_schema_done(&b);
    }
}

static void finer_times_are_cut_downwards(void **state)
{
    const char *const types[] = {"timestamp"};
    const char *const texts[] = {"1970-01-01 00:00:01.999999", "1969-12-31 23:59:58.000001", NULL};
    struct batch batch;
    struct ArrowSchema coarse;
    struct leat_error err = {0};
    (void)state;
    batch_make(&batch, types, 1, texts, 3);
    assert_int_equal(lt_type_parse("timestamp(s)", &coarse, &err), LEAT_OK);
    assert_int_equal(lt_coarsen(batch.schema.children[0], &coarse, batch.array.children[0], &err),
                     LEAT_OK);
    assert_int_equal(lt_view_set(&batch.view, &batch.array, &err), LEAT_OK);
    assert_int_equal(lt_view_i64(&batch.view.children[0], 0), 1000000);
    assert_int_equal(lt_view_i64(&batch.view.children[0], 1), -2000000);
    assert_true(lt_view_is_null(&batch.view.children[0], 2));
    lt_schema_done(&coarse);
    batch_done(&batch);
}

/* --- gathering ------------------------------------------------------------------------------ */

static void gathered_rows_are_those_that_were_picked(void **state)
{
    enum { ROWS = 60, RUNS = 25 };
    struct leat_error err = {0};
    struct ArrowSchema schema, field;
    struct ArrowArray batches[2], made;
    struct lt_view views[2], view;
    struct lt_batch_builder builder;
    struct lt_gather_run runs[RUNS];
    uint64_t seed = 5;
    int64_t rows = 0, at = 0;
    (void)state;
    assert_int_equal(lt_schema_init_struct(&schema, 0, &err), LEAT_OK);
    assert_int_equal(lt_type_parse(TEST_TYPES, &field, &err), LEAT_OK);
    assert_int_equal(lt_schema_add(&schema, &field, &err), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&builder, &schema, &err), LEAT_OK);
    for (int k = 0; k < 2; k++) {
        for (int row = 0; row < ROWS; row++) {
            assert_int_equal(test_append(&builder.columns[0], &seed), LEAT_OK);
        }
        assert_int_equal(lt_batch_builder_finish(&builder, ROWS, &batches[k], &err), LEAT_OK);
        assert_int_equal(lt_view_init(&views[k], &schema, &batches[k], &err), LEAT_OK);
    }
    for (int i = 0; i < RUNS; i++) {
        int64_t first = test_random(&seed) % ROWS;
        int64_t n = test_random(&seed) % (ROWS - first + 1);
        runs[i] = (struct lt_gather_run){&views[test_random(&seed) % 2], first, n};
        rows += n;
    }
    assert_int_equal(lt_gather(&builder, runs, RUNS), LEAT_OK);
    assert_int_equal(lt_batch_builder_finish(&builder, rows, &made, &err), LEAT_OK);
    assert_int_equal(lt_array_check(&schema, &made, true, &err), LEAT_OK);
    assert_int_equal(lt_view_init(&view, &schema, &made, &err), LEAT_OK);
    for (int i = 0; i < RUNS; i++) {
        for (int64_t k = 0; k < runs[i].rows; k++, at++) {
            struct lt_buf want = LT_BUF_INIT, have = LT_BUF_INIT;
            test_render(runs[i].batch, runs[i].first + k, &want);
            test_render(&view, at, &have);
            assert_string_equal(lt_buf_text(&want), lt_buf_text(&have));
            lt_buf_done(&want);
            lt_buf_done(&have);
        }
    }
    lt_view_done(&view);
    lt_array_done(&made);
    for (int k = 0; k < 2; k++) {
        lt_view_done(&views[k]);
        lt_array_done(&batches[k]);
    }
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_one_column_sort_as_their_values_do),
        cmocka_unit_test(keys_of_several_columns_sort_by_the_first_that_differs),
        cmocka_unit_test(keys_that_mean_the_same_are_the_same),
        cmocka_unit_test(a_null_in_a_key_is_refused_with_its_row),
        cmocka_unit_test(json_and_nested_columns_make_no_keys),
        cmocka_unit_test(runs_of_keys_are_found_by_halving),
        cmocka_unit_test(values_are_equal_by_what_they_mean),
        cmocka_unit_test(whole_columns_tell_exactly_the_rows_that_differ),
        cmocka_unit_test(the_common_type_holds_both),
        cmocka_unit_test(finer_times_are_cut_downwards),
        cmocka_unit_test(gathered_rows_are_those_that_were_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
