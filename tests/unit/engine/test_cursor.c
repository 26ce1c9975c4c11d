#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "columnar/schema.h"
#include "engine/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ArrowSchema schema;
static struct lt_cursor cursor;
static struct leat_error err;

static int clean(void **state)
{
    (void)state;
    lt_cursor_done(&cursor);
    lt_schema_done(&schema);
    schema.release = NULL;
    leat_error_clear(&err);
    return 0;
}

/* A cursor over columns c0, c1, ... of these types. */
static int cursor_of(const char *const *types, size_t n)
{
    char names[LEAT_CURSOR_COLUMNS_MAX][8];
    char *list[LEAT_CURSOR_COLUMNS_MAX];
    clean(NULL);
    assert_int_equal(lt_schema_init_struct(&schema, 0, &err), LEAT_OK);
    for (size_t i = 0; i < n; i++) {
        struct ArrowSchema field;
        snprintf(names[i], sizeof names[i], "c%zu", i);
        list[i] = names[i];
        assert_int_equal(lt_type_parse(types[i], &field, &err), LEAT_OK);
        assert_int_equal(lt_schema_set_name(&field, names[i], &err), LEAT_OK);
        assert_int_equal(lt_schema_add(&schema, &field, &err), LEAT_OK);
    }
    return lt_cursor_init(&cursor, list, n, &schema, &err);
}

static void one(const char *type)
{
    assert_int_equal(cursor_of(&type, 1), LEAT_OK);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void values_compare_by_their_type_not_by_their_text(void **state)
{
    static const struct {
        const char *type, *low, *high;
    } rows[] = {
        {"int64", "9", "10"},
        {"int64", "-10", "-9"},
        {"int64", "-1", "0"},
        {"int64", "9223372036854775806", "9223372036854775807"},
        {"uint64", "9223372036854775807", "18446744073709551615"},
        {"decimal(20,4)", "1.0999", "1.1"},
        {"decimal(20,4)", "99.9999", "100"},
        {"numeric", "123456789012345678901234567890123456789012345", "1e45"},
        {"numeric", "-0.001", "-0.0001"},
        {"date", "2026-09-30", "2026-10-01"},
        {"date", "9999-12-31", "+10000-01-01"},
        {"timestamp", "2026-11-21 10:00:00", "2026-11-21 10:00:00.000001"},
        {"timestamptz", "2026-11-21 10:00:00Z", "2026-11-21 10:00:00.5Z"},
        {"utf8", "10", "9"},
        {"utf8", "Z", "a"},
        {"utf8", "", "a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        one(rows[i].type);
        const struct lt_cursor_column *column = cursor.columns;
        assert_int_equal(sign(lt_cursor_compare_column(column, rows[i].low, rows[i].high)), -1);
        assert_int_equal(sign(lt_cursor_compare_column(column, rows[i].high, rows[i].low)), 1);
        assert_int_equal(lt_cursor_compare_column(column, rows[i].low, rows[i].low), 0);
    }
}

static void equal_values_of_other_spelling_are_equal(void **state)
{
    (void)state;
    one("decimal(10,2)");
    assert_int_equal(lt_cursor_compare_column(cursor.columns, "1.10", "1.1"), 0);
    assert_int_equal(lt_cursor_compare_column(cursor.columns, "-0", "0.00"), 0);
    one("timestamp");
    assert_int_equal(lt_cursor_compare_column(cursor.columns, "2026-11-21T10:00:00.500",
                                              "2026-11-21 10:00:00.5"),
                     0);
}

static void rows_compare_by_the_first_column_that_differs(void **state)
{
    static const char *const types[] = {"timestamp", "int64"};
    struct lt_cursor_row a = {{(char *)(uintptr_t) "2026-11-21 10:00:00", (char *)(uintptr_t) "9"}};
    struct lt_cursor_row b = {
        {(char *)(uintptr_t) "2026-11-21 10:00:00", (char *)(uintptr_t) "10"}};
    struct lt_cursor_row c = {{(char *)(uintptr_t) "2026-11-21 10:00:01", (char *)(uintptr_t) "1"}};
    (void)state;
    assert_int_equal(cursor_of(types, 2), LEAT_OK);
    assert_int_equal(sign(lt_cursor_compare(&cursor, &a, &b)), -1);
    assert_int_equal(sign(lt_cursor_compare(&cursor, &c, &b)), 1);
    char *text = lt_cursor_row_print(&cursor, &b);
    assert_string_equal(text, "[\"2026-11-21 10:00:00\",\"10\"]");
    free(text);
}

static void steps_are_counted_in_the_columns_own_unit(void **state)
{
    static const struct {
        const char *type, *value, *step;
        int sign;
        const char *moved;
    } rows[] = {
        {"int64", "100", "30", -1, "70"},
        {"int64", "9223372036854775807", "1", 1, "9223372036854775808"},
        {"decimal(10,2)", "1.10", "0.05", -1, "1.05"},
        {"numeric", "1.5", "0.001", 1, "1.501"},
        {"date", "2026-03-01", "1d", -1, "2026-02-28"},
        {"date", "2026-03-01", "1h", -1, "2026-02-28"}, /* a part of a day counts whole */
        {"timestamp", "2026-03-01 00:30:00", "2h", -1, "2026-02-28 22:30:00"},
        {"timestamptz", "2026-03-01 00:00:00.25Z", "500ms", 1, "2026-03-01 00:00:00.750Z"},
        {"timestamp", "2026-03-01 00:00:00", "0s", -1, "2026-03-01 00:00:00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *moved = NULL;
        one(rows[i].type);
        assert_int_equal(lt_cursor_shift(cursor.columns, rows[i].value, "--x", rows[i].step,
                                         rows[i].sign, &moved, &err),
                         LEAT_OK);
        assert_string_equal(moved, rows[i].moved);
        free(moved);
    }
}

static void steps_of_another_kind_are_refused_with_the_option(void **state)
{
    static const char *const rows[][3] = {
        {"int64", "1", "2h"},
        {"int64", "1", "-5"},
        {"int64", "1", "0.5"},
        {"utf8", "a", "1"},
        {"timestamp", "2026-03-01 00:00:00", "soon"},
        {"date", "2026-03-01", "x"},
        {"numeric", "1e60", "1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *moved = NULL;
        one(rows[i][0]);
        assert_int_not_equal(
            lt_cursor_shift(cursor.columns, rows[i][1], "--lookback", rows[i][2], -1, &moved, &err),
            LEAT_OK);
        assert_non_null(strstr(err.message, "--lookback"));
        assert_null(moved);
    }
}

static void values_of_users_become_canonical_or_are_refused(void **state)
{
    static const char *const rows[][3] = {
        {"timestamp", "2026-11-21", "2026-11-21 00:00:00"},
        {"timestamp", "2026-11-21T10:00:00.5", "2026-11-21 10:00:00.500"},
        {"timestamptz", "2026-11-21T10:00:00+02:00", "2026-11-21 08:00:00Z"},
        {"timestamptz", "2026-11-21", "2026-11-21 00:00:00Z"},
        {"date", "2026-11-21", "2026-11-21"},
        {"int64", "17", "17"},
        {"int64", "1.5", NULL},
        {"int64", "NaN", NULL},
        {"date", "yesterday", NULL},
        {"timestamp", "2026-13-01", NULL},
        {"utf8", "any", "any"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = NULL;
        one(rows[i][0]);
        int rc = lt_cursor_read(cursor.columns, "--start", rows[i][1], &text, &err);
        if (rows[i][2]) {
            assert_int_equal(rc, LEAT_OK);
            assert_string_equal(text, rows[i][2]);
        } else {
            assert_int_equal(rc, LEAT_INVALID);
            assert_null(text);
        }
        free(text);
    }
}

static void types_without_an_exact_order_are_refused_with_a_remedy(void **state)
{
    static const char *const types[] = {"float64", "float32", "bool",        "json",
                                        "binary",  "time",    "list<int64>", "interval"};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_int_equal(cursor_of(&types[i], 1), LEAT_UNSUPPORTED);
        assert_non_null(strstr(err.message, types[i]));
        assert_true(err.remedy[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(values_compare_by_their_type_not_by_their_text, clean),
        cmocka_unit_test_teardown(equal_values_of_other_spelling_are_equal, clean),
        cmocka_unit_test_teardown(rows_compare_by_the_first_column_that_differs, clean),
        cmocka_unit_test_teardown(steps_are_counted_in_the_columns_own_unit, clean),
        cmocka_unit_test_teardown(steps_of_another_kind_are_refused_with_the_option, clean),
        cmocka_unit_test_teardown(values_of_users_become_canonical_or_are_refused, clean),
        cmocka_unit_test_teardown(types_without_an_exact_order_are_refused_with_a_remedy, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
