#include "csv_util.h"

/* Reads one column of the values and expects this type, and the same texts again unless `rows` says
 * otherwise. */
static void expect_type(const char *const *values, const char *type, const char *rows)
{
    struct lt_buf text = LT_BUF_INIT, types = LT_BUF_INIT, same = LT_BUF_INIT;
    assert_int_equal(lt_buf_puts(&text, "a,b\n"), LEAT_OK);
    for (size_t i = 0; values[i]; i++) {
        assert_int_equal(lt_buf_printf(&text, "%s,x\n", values[i]), LEAT_OK);
        assert_int_equal(lt_buf_printf(&same, "%s|x\n", values[i][0] ? values[i] : "<null>"),
                         LEAT_OK);
    }
    assert_int_equal(lt_buf_printf(&types, "a %s, b utf8", type), LEAT_OK);
    expect_rows(lt_buf_text(&text), PAIRS("delimiter", ","), lt_buf_text(&types),
                rows ? rows : lt_buf_text(&same));
    lt_buf_done(&text);
    lt_buf_done(&types);
    lt_buf_done(&same);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void inference_takes_whole_numbers_for_int64(void **state)
{
    (void)state;
    expect_type(VALUES("0", "-1", "9223372036854775807", "-9223372036854775808", ""), "int64",
                NULL);
}

static void inference_keeps_integers_past_64_bits_exact(void **state)
{
    (void)state;
    expect_type(VALUES("1", "9223372036854775808"), "numeric", NULL);
    expect_type(VALUES("-9223372036854775809"), "numeric", NULL);
    expect_type(VALUES("123456789012345678901234567890"), "numeric", NULL);
}

static void inference_leaves_leading_zeros_and_plus_signs_text(void **state)
{
    (void)state;
    expect_type(VALUES("00501", "10001"), "utf8", NULL);
    expect_type(VALUES("+1", "2"), "utf8", NULL);
    expect_type(VALUES("-007"), "utf8", NULL);
    expect_type(VALUES("00.5"), "utf8", NULL);
    expect_type(VALUES("01e5"), "utf8", NULL);
}

static void inference_takes_short_decimals_for_float64(void **state)
{
    (void)state;
    expect_type(VALUES("1.5", "-0.25", "3", ""), "float64", NULL);
    expect_type(VALUES("0.000000000000123", "123456789012.345"), "float64",
                "1.23e-13|x\n123456789012.345|x\n");
}

static void inference_keeps_long_decimals_exact(void **state)
{
    (void)state;
    expect_type(VALUES("1.10", "1234567890123456.78"), "numeric", NULL);
    expect_type(VALUES("0.5", "1234567890123456"), "numeric", NULL);
    expect_type(VALUES("0.1234567890123456789"), "numeric", NULL);
}

static void inference_takes_exponents_for_float64(void **state)
{
    (void)state;
    expect_type(VALUES("1e3", "2.5E-3", "-1e+2", "7"), "float64",
                "1000|x\n0.0025|x\n-100|x\n7|x\n");
    expect_type(VALUES("1e999"), "utf8", NULL);
    expect_type(VALUES("1e3", "123456789012345678"), "utf8", NULL);
}

static void inference_keeps_the_sign_of_zero(void **state)
{
    (void)state;
    expect_type(VALUES("-0", "1"), "float64", NULL);
}

static void inference_takes_nan_for_a_number_only_beside_numbers(void **state)
{
    (void)state;
    expect_type(VALUES("NaN", "1.5", "-Infinity"), "float64", NULL);
    expect_type(VALUES("NaN", "1234567890123456.75"), "numeric", NULL);
    expect_type(VALUES("NaN", "NaN"), "utf8", NULL);
}

static void inference_takes_only_the_words_true_and_false_for_bool(void **state)
{
    (void)state;
    expect_type(VALUES("true", "FALSE", "True"), "bool", "true|x\nfalse|x\ntrue|x\n");
    expect_type(VALUES("t", "f"), "utf8", NULL);
    expect_type(VALUES("yes", "no"), "utf8", NULL);
    expect_type(VALUES("0", "1"), "int64", NULL);
}

static void inference_knows_dates_and_times(void **state)
{
    (void)state;
    expect_type(VALUES("2024-02-29", "1969-12-31", ""), "date", NULL);
    expect_type(VALUES("13:14:15", "00:00:00.250"), "time", NULL);
    expect_type(VALUES("2024-02-29 13:14:15", "2024-02-29T13:14:15.25"), "timestamp",
                "2024-02-29 13:14:15|x\n2024-02-29 13:14:15.250|x\n");
    expect_type(VALUES("2024-02-29 13:14:15Z", "2024-02-29T15:14:15.123456+02:00"), "timestamptz",
                "2024-02-29 13:14:15Z|x\n2024-02-29 13:14:15.123456Z|x\n");
    expect_type(VALUES("2024-02-29 13:14:15.123456789"), "timestamp(ns)", NULL);
    expect_type(VALUES("2024-02-29", "2024-02-29 13:14:15"), "timestamp",
                "2024-02-29 00:00:00|x\n2024-02-29 13:14:15|x\n");
}

static void inference_leaves_what_is_in_no_calendar_text(void **state)
{
    (void)state;
    expect_type(VALUES("2023-02-29"), "utf8", NULL);
    expect_type(VALUES("2024-13-01"), "utf8", NULL);
    expect_type(VALUES("2024-01-01 25:00:00"), "utf8", NULL);
    expect_type(VALUES("13:61:00"), "utf8", NULL);
    expect_type(VALUES("0000-00-00"), "utf8", NULL);
}

static void inference_leaves_zoned_beside_zoneless_timestamps_text(void **state)
{
    (void)state;
    expect_type(VALUES("2024-02-29 13:14:15", "2024-02-29 13:14:15Z"), "utf8", NULL);
}

static void inference_knows_uuids(void **state)
{
    (void)state;
    expect_type(VALUES("01234567-89ab-cdef-0123-456789abcdef"), "uuid", NULL);
    expect_type(VALUES("01234567-89ab-cdef-0123-456789abcdeg"), "utf8", NULL);
}

static void inference_leaves_mixtures_and_empty_columns_text(void **state)
{
    (void)state;
    expect_type(VALUES("1", "x"), "utf8", NULL);
    expect_type(VALUES("1", "true"), "utf8", NULL);
    expect_type(VALUES("2024-02-29", "1"), "utf8", NULL);
    expect_type(VALUES("", ""), "utf8", NULL);
    expect_type(VALUES("1", " 2"), "utf8", NULL);
    expect_type(VALUES("-", "."), "utf8", NULL);
    expect_type(VALUES("1.", "2"), "utf8", NULL);
}

static void inference_counts_a_quoted_empty_field_as_text(void **state)
{
    (void)state;
    expect_rows("a,b\n\"1\",2\n\"\",3\n", NULL, "a utf8, b int64", "1|2\n|3\n");
    expect_rows("a,b\n\"1\",2\n,3\n", NULL, "a int64, b int64", "1|2\n<null>|3\n");
}

static void inference_looks_at_the_sample_only(void **state)
{
    (void)state;
    expect_rows("a\n1\n2\n", PAIRS("sample-rows", "0"), "a utf8", "1\n2\n");
    expect_failure("a\n1\n2\nx\n", PAIRS("sample-rows", "2"), "value-syntax",
                   "orders.csv:4 column \"a\"");
    expect_rows("a\n1\n2\nx\n", PAIRS("sample-rows", "3"), "a utf8", "1\n2\nx\n");
}

static void inference_gives_types_that_every_sampled_value_fits(void **state)
{
    static const char alphabet[] = "0123456789--::..eETZ+ ,naftru";
    unsigned seed = 424242;
    (void)state;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 3000; round++) {
        struct lt_buf text = LT_BUF_INIT;
        struct dump dump;
        int rows = 1 + rand_r(&seed) % 3;
        assert_int_equal(lt_buf_puts(&text, "a\n"), LEAT_OK);
        for (int row = 0; row < rows; row++) {
            static const char *const starts[] = {
                "", "1", "-", "2024-02-2", "2024-02-29 1", "13:14:1", "1.2", "true", "Na"};
            assert_int_equal(lt_buf_puts(&text, starts[rand_r(&seed) % 9]), LEAT_OK);
            for (int n = rand_r(&seed) % 6; n > 0; n--) {
                assert_int_equal(
                    lt_buf_byte(&text, (uint8_t)alphabet[rand_r(&seed) % (sizeof alphabet - 1)]),
                    LEAT_OK);
            }
            assert_int_equal(lt_buf_byte(&text, '\n'), LEAT_OK);
        }
        read_text(lt_buf_text(&text), PAIRS("delimiter", "|"), &dump);
        if (dump.status) {
            fail_msg("%s: %s in <%s>", dump.err.place, dump.err.message, lt_buf_text(&text));
        }
        assert_int_equal(dump.n_rows, rows);
        dump_done(&dump);
        lt_buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_takes_whole_numbers_for_int64),
        cmocka_unit_test(inference_keeps_integers_past_64_bits_exact),
        cmocka_unit_test(inference_leaves_leading_zeros_and_plus_signs_text),
        cmocka_unit_test(inference_takes_short_decimals_for_float64),
        cmocka_unit_test(inference_keeps_long_decimals_exact),
        cmocka_unit_test(inference_takes_exponents_for_float64),
        cmocka_unit_test(inference_keeps_the_sign_of_zero),
        cmocka_unit_test(inference_takes_nan_for_a_number_only_beside_numbers),
        cmocka_unit_test(inference_takes_only_the_words_true_and_false_for_bool),
        cmocka_unit_test(inference_knows_dates_and_times),
        cmocka_unit_test(inference_leaves_what_is_in_no_calendar_text),
        cmocka_unit_test(inference_leaves_zoned_beside_zoneless_timestamps_text),
        cmocka_unit_test(inference_knows_uuids),
        cmocka_unit_test(inference_leaves_mixtures_and_empty_columns_text),
        cmocka_unit_test(inference_counts_a_quoted_empty_field_as_text),
        cmocka_unit_test(inference_looks_at_the_sample_only),
        cmocka_unit_test(inference_gives_types_that_every_sampled_value_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
