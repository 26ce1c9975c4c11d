/* Checksums: blind to order and storage, and to nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "columnar/builder.h"
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/util.h"

#include <stdlib.h>

/* The sum of one column of these values; NULL is null. */
static uint64_t sum_of(const char *type, const char *const *texts, int64_t n)
{
    struct leat_error err = {0};
    struct lt_batch_builder builder;
    struct ArrowSchema schema, field;
    struct ArrowArray batch;
    uint64_t sums[2] = {0, 0};

    assert_int_equal(lt_schema_init_struct(&schema, 0, &err), LEAT_OK);
    if (lt_type_parse(type, &field, &err)) {
        fail_msg("%s: %s", type, err.message);
    }
    assert_int_equal(lt_schema_add(&schema, &field, &err), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&builder, &schema, &err), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        const char *why = "";
        int status = texts[i] ? lt_text_parse(&builder.columns[0], texts[i], strlen(texts[i]), &why)
                              : lt_builder_null(&builder.columns[0]);
        if (status) {
            fail_msg("%s '%s': %s", type, texts[i], why);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&builder, n, &batch, &err), LEAT_OK);
    assert_int_equal(lt_checksum_add(&schema, &batch, sums, &err), LEAT_OK);
    lt_array_done(&batch);
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
    return sums[0];
}

static uint64_t one(const char *type, const char *text)
{
    return sum_of(type, &text, 1);
}

static void the_sum_does_not_depend_on_the_order_of_rows(void **state)
{
    const char *a[] = {"1", "2", NULL, "4"}, *b[] = {"4", NULL, "1", "2"};

    (void)state;
    assert_true(sum_of("int64", a, 4) == sum_of("int64", b, 4));
    assert_true(sum_of("utf8", a, 4) == sum_of("utf8", b, 4));
    assert_true(sum_of("decimal(5,2)", a, 4) == sum_of("decimal(5,2)", b, 4));
}

static void the_sum_over_batches_is_the_sum_of_their_sums(void **state)
{
    const char *a[] = {"1", "2", NULL, "4"};

    (void)state;
    assert_true(sum_of("int64", a, 4) == sum_of("int64", a, 2) + sum_of("int64", a + 2, 2));
}

static void the_sum_changes_with_any_value_any_null_and_the_number_of_rows(void **state)
{
    const char *base[] = {"1", "2", NULL, "4"};
    const char *const others[][4] = {
        {"1", "2", NULL, "5"}, {"1", "2", "0", "4"}, {"1", "3", NULL, "3"}, {"2", "2", NULL, "3"}};

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(others); i++) {
        assert_true(sum_of("int32", base, 4) != sum_of("int32", others[i], 4));
        assert_true(sum_of("utf8", base, 4) != sum_of("utf8", others[i], 4));
    }
    assert_true(sum_of("int32", base, 4) != sum_of("int32", base, 3));
    assert_true(sum_of("int32", base, 3) != sum_of("int32", base, 2));
    assert_true(one("utf8", "") != one("utf8", NULL));
}

/* Pairs of (type, text) that are the same value, or are not. */
static const struct {
    const char *a_type, *a, *b_type, *b;
    bool equal;
} pairs[] = {
    {"int8", "5", "int64", "5", true},
    {"int32", "-5", "int64", "-5", true},
    {"uint64", "18446744073709551615", "decimal(20,0)", "18446744073709551615", true},
    {"uint64", "18446744073709551615", "int64", "-1", false},
    {"int64", "5", "decimal(5,2)", "5.00", true},
    {"int64", "500", "decimal(9,2)", "500.00", true},
    {"decimal(5,2)", "1.10", "decimal(5,1)", "1.1", true},
    {"decimal(5,2)", "1.10", "decimal(60,20)", "1.1", true},
    {"decimal(5,2)", "1.10", "numeric", "1.1", true},
    {"decimal(5,2)", "1.10", "numeric", "+001.100e0", true},
    {"decimal(5,2)", "0.00", "int8", "0", true},
    {"decimal(5,2)", "0.00", "numeric", "-0.0", true},
    {"decimal(5,2)", "1.10", "decimal(5,2)", "-1.10", false},
    {"decimal(5,2)", "1.10", "decimal(5,2)", "11.00", false},
    {"decimal(76,0)", "1234567890123456789012345678901234567890", "numeric",
     "1234567890123456789012345678901234567890", true},
    {"decimal(76,0)", "1234567890123456789012345678901234567890", "numeric",
     "123456789012345678901234567890123456789e1", true},
    {"decimal(76,0)", "1234567890123456789012345678901234567890", "numeric",
     "-1234567890123456789012345678901234567890", false},
    {"numeric", "1e50", "numeric", "1e51", false},
    {"numeric", "NaN", "numeric", "Infinity", false},
    {"numeric", "-Infinity", "numeric", "Infinity", false},
    {"numeric", "5", "utf8", "5", false},
    {"int64", "5", "utf8", "5", false},
    {"int64", "5", "float64", "5", false},
    {"int64", "1", "bool", "true", false},
    {"float32", "0.5", "float64", "0.5", true},
    {"float16", "0.5", "float64", "0.5", true},
    {"float64", "-0", "float64", "0", true},
    {"float32", "NaN", "float64", "NaN", true},
    {"float64", "1", "float64", "-1", false},
    {"utf8", "a", "large_utf8", "a", true},
    {"utf8", "{}", "json", "{}", false},
    {"utf8", "a", "utf8", "A", false},
    {"utf8", "a", "binary", "\\x61", false},
    {"binary(2)", "\\x0102", "binary", "\\x0102", true},
    {"uuid", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "binary(16)",
     "\\x0a1b2c3d4e5f60718293a4b5c6d7e8f9", false},
    {"date", "2024-02-29", "date64", "2024-02-29", true},
    {"date", "2024-02-29", "timestamp", "2024-02-29", false},
    {"timestamp", "2024-02-29 01:02:03", "timestamp(ns)", "2024-02-29 01:02:03", true},
    {"timestamp", "2024-02-29 01:02:03", "timestamptz", "2024-02-29 01:02:03Z", false},
    {"timestamptz", "2024-02-29 01:02:03+01", "timestamptz(s)", "2024-02-29 00:02:03Z", true},
    {"time(s)", "01:02:03", "time(ns)", "01:02:03", true},
    {"time(s)", "01:02:03", "duration(s)", "PT1H2M3S", false},
    {"interval_months", "P1M", "interval", "P1M", true},
    {"interval_day_time", "P1DT1S", "interval", "P1DT1S", true},
    {"interval", "P1M", "interval", "P30D", false},
    {"list<int32>", "[1,2]", "large_list<int64>", "[1,2]", true},
    {"list<int32>", "[1,2]", "fixed_list<int8, 2>", "[1,2]", true},
    {"list<int32>", "[1,2]", "list<int32>", "[2,1]", false},
    {"list<list<int32>>", "[[1],[2]]", "list<list<int32>>", "[[1,2],[]]", false},
    {"list<int32>", "[null]", "list<int32>", "[]", false},
    {"struct<a: int32, b: int8>", "{\"a\":1,\"b\":2}", "struct<a: int64, b: int8>",
     "{\"b\":2,\"a\":1}", true},
    {"struct<a: int32, b: int32>", "{\"a\":1,\"b\":2}", "struct<a: int32, b: int32>",
     "{\"a\":2,\"b\":1}", false},
    {"map<utf8, int32>", "{\"a\":1}", "map<utf8, int64>", "{\"a\":1}", true},
    {"int32", NULL, "utf8", NULL, true},
};

static void equal_values_have_equal_sums_whatever_their_storage(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        bool equal = one(pairs[i].a_type, pairs[i].a) == one(pairs[i].b_type, pairs[i].b);
        if (equal != pairs[i].equal) {
            fail_msg("%s %s and %s %s have %s sums", pairs[i].a_type,
                     pairs[i].a ? pairs[i].a : "null", pairs[i].b_type,
                     pairs[i].b ? pairs[i].b : "null", equal ? "equal" : "different");
        }
    }
}

static void json_has_the_sum_of_what_it_says(void **state)
{
    static const char *const same[][2] = {
        {"{\"a\":1,\"b\":[true,null]}", " { \"b\" : [true ,null] , \"a\":1 }\n"},
        {"\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80\\u000a/\""},
        {"[100, 1.10, -0, 1e-3]", "[1e2,1.1,0,0.001]"},
        {"[]", " [ ] "},
    };
    static const char *const other[][2] = {
        {"[1,2]", "[2,1]"},     {"{\"a\":\"b\"}", "{\"b\":\"a\"}"},
        {"1", "\"1\""},         {"{}", "[]"},
        {"[[1],2]", "[[1,2]]"}, {"1", "-1"},
        {"null", "\"null\""},   {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"12", "120"},
    };

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(same); i++) {
        assert_true(one("json", same[i][0]) == one("json", same[i][1]));
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(other); i++) {
        if (one("json", other[i][0]) == one("json", other[i][1])) {
            fail_msg("%s and %s have one sum", other[i][0], other[i][1]);
        }
    }
}

/* The sums of rows of two whole numbers: of both columns, and of the rows. */
static void sum_rows(const int64_t (*rows)[2], int64_t n, uint64_t *sums)
{
    struct leat_error err = {0};
    struct lt_batch_builder builder;
    struct ArrowSchema schema;
    struct ArrowArray batch;

    assert_int_equal(lt_schema_init_struct(&schema, 0, &err), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&schema, "l", "a", 0, NULL, &err), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&schema, "l", "b", 0, NULL, &err), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&builder, &schema, &err), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(lt_builder_integer(&builder.columns[0], rows[i][0]), LEAT_OK);
        assert_int_equal(lt_builder_integer(&builder.columns[1], rows[i][1]), LEAT_OK);
    }
    assert_int_equal(lt_batch_builder_finish(&builder, n, &batch, &err), LEAT_OK);
    assert_int_equal(lt_checksum_add(&schema, &batch, sums, &err), LEAT_OK);
    lt_array_done(&batch);
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
}

static void the_rows_sum_tells_values_that_changed_rows(void **state)
{
    static const int64_t a[][2] = {{1, 1}, {2, 2}, {2, 2}}, b[][2] = {{1, 2}, {2, 1}, {2, 2}};
    static const int64_t c[][2] = {{2, 2}, {1, 1}, {2, 2}};
    static const int64_t d[][2] = {{1, 2}}, e[][2] = {{2, 1}};
    uint64_t of_a[3] = {0}, of_b[3] = {0}, of_c[3] = {0}, of_d[3] = {0}, of_e[3] = {0};

    (void)state;
    sum_rows(a, 3, of_a);
    sum_rows(b, 3, of_b);
    assert_true(of_a[0] == of_b[0] && of_a[1] == of_b[1] && of_a[2] != of_b[2]);
    sum_rows(c, 1, of_c); /* two batches, other order */
    sum_rows(c + 1, 2, of_c);
    assert_memory_equal(of_a, of_c, sizeof of_a);
    sum_rows(d, 1, of_d);
    sum_rows(e, 1, of_e);
    assert_true(of_d[2] != of_e[2]);
}

/* The sums are stored in receipts and run records: they may never change between versions. */
static void sums_stay_what_they_were(void **state)
{
    (void)state;
    assert_true(one("int64", "5") == UINT64_C(0x0dcf18cd2515edce));
    assert_true(one("numeric", "1.5") == UINT64_C(0xe54a3e7d59ca0d39));
    assert_true(one("utf8", "leat") == UINT64_C(0x763059fb7135edd4));
    assert_true(one("list<int8>", "[1,null]") == UINT64_C(0x11614d34965ccaef));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_does_not_depend_on_the_order_of_rows),
        cmocka_unit_test(the_sum_over_batches_is_the_sum_of_their_sums),
        cmocka_unit_test(the_sum_changes_with_any_value_any_null_and_the_number_of_rows),
        cmocka_unit_test(equal_values_have_equal_sums_whatever_their_storage),
        cmocka_unit_test(json_has_the_sum_of_what_it_says),
        cmocka_unit_test(the_rows_sum_tells_values_that_changed_rows),
        cmocka_unit_test(sums_stay_what_they_were),
    };

    return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
