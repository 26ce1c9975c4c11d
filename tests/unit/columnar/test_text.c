/* Values as text: what is read, what is refused and why, and that nothing is lost on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "columnar/array.h"
#include "columnar/schema.h"
#include "columnar/text_parts.h"
#include "core/util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUND_TRIPS 200000

static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int seed(void **state)
{
    const char *given = getenv("LEAT_TEST_SEED");

    (void)state;
    random_state = given ? strtoull(given, NULL, 0) : 20240229;
    print_message("# seed %llu (LEAT_TEST_SEED)\n", (unsigned long long)random_state);
    return 0;
}

/* Parses one text as a type and gives back what is formatted from it, as text or as JSON; or "!"
 * and the reason of the refusal. */
static const char *through(const char *type, const char *text, bool json)
{
    static struct lt_buf out;
    struct leat_error err = {0};
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_builder builder;
    struct lt_view view;
    const char *why = NULL;
    int status;

    lt_buf_done(&out);
    assert_int_equal(lt_type_parse(type, &field, &err), LEAT_OK);
    assert_int_equal(lt_builder_init(&builder, &field, &err), LEAT_OK);
    /* A null before it, so that truncation and offsets are not those of the first row. */
    assert_int_equal(lt_builder_null(&builder), LEAT_OK);
    status = lt_text_parse(&builder, text, strlen(text), &why);
    if (status) {
        assert_int_equal(status, LEAT_BAD_DATA);
        assert_non_null(why);
        assert_int_equal(builder.length, 1);
        lt_buf_printf(&out, "!%s", why);
    }
    assert_int_equal(lt_builder_finish(&builder, &array, &err), LEAT_OK);
    assert_int_equal(lt_array_check(&field, &array, true, &err), LEAT_OK);
    if (!status) {
        assert_int_equal(lt_view_init(&view, &field, &array, &err), LEAT_OK);
        assert_int_equal(
            json ? lt_text_format_json(&view, 1, &out) : lt_text_format(&view, 1, &out), LEAT_OK);
        lt_view_done(&view);
    }
    lt_array_done(&array);
    lt_builder_done(&builder);
    lt_schema_done(&field);
    return lt_buf_text(&out);
}

struct text_case {
    const char *type, *text, *want; /* want NULL: the text itself */
};

static void check_cases(const struct text_case *cases, size_t n, bool json)
{
    size_t failed = 0;

    for (size_t i = 0; i < n; i++) {
        const char *want = cases[i].want ? cases[i].want : cases[i].text;
        const char *got = through(cases[i].type, cases[i].text, json);
        if (strcmp(got, want)) {
            print_error("%s: '%s' gives '%s', not '%s'\n", cases[i].type, cases[i].text, got, want);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

#define NESTED "struct<a: int32, b: list<utf8>>"
#define HUGE76 "-999999999999999999999999999999999999999999999999999999999999999999999999999.9"

static const struct text_case canonical[] = {
    {"bool", "true", NULL},
    {"bool", "false", NULL},
    {"int8", "-128", NULL},
    {"int8", "127", NULL},
    {"int16", "-32768", NULL},
    {"int32", "2147483647", NULL},
    {"int64", "-9223372036854775808", NULL},
    {"int64", "9223372036854775807", NULL},
    {"uint8", "255", NULL},
    {"uint32", "4294967295", NULL},
    {"uint64", "18446744073709551615", NULL},
    {"float64", "0.1", NULL},
    {"float64", "-0", NULL},
    {"float64", "1e+20", NULL},
    {"float64", "123456789012345", NULL},
    {"float64", "0.30000000000000004", NULL},
    {"float64", "5e-324", NULL},
    {"float64", "1.7976931348623157e+308", NULL},
    {"float64", "NaN", NULL},
    {"float64", "Infinity", NULL},
    {"float64", "-Infinity", NULL},
    {"float32", "0.1", NULL},
    {"float32", "16777216", NULL},
    {"float32", "3.4028235e+38", NULL},
    {"float32", "1e-45", NULL},
    {"float32", "1.10000002", "1.1"},
    {"float32", "-0.10000000149011612", "-0.1"},
    {"float16", "0.1", NULL},
    {"float16", "65504", "6.55e+04"},
    {"float16", "-Infinity", NULL},
    {"decimal(5,2)", "123.40", NULL},
    {"decimal(5,2)", "-0.05", NULL},
    {"decimal(38,0)", "99999999999999999999999999999999999999", NULL},
    {"decimal(38,38)", "-0.00000000000000000000000000000000000001", NULL},
    {"decimal(76,1)", HUGE76, NULL},
    {"decimal(76,1)", "0.0", NULL},
    {"decimal(76,76)",
     "0.0000000000000000000000000000000000000000000000000000000000000000000000000001", NULL},
    {"numeric", "007.50", NULL},
    {"numeric", "-Infinity", NULL},
    {"numeric", "1e-1000", NULL},
    {"utf8", " Grüße, 世界 ", NULL},
    {"binary", "\\x00ff", NULL},
    {"binary", "\\x", NULL},
    {"binary(2)", "\\xbeef", NULL},
    {"json", "{\"a\": [1, 2.50, \"\\u00e9\"]}", NULL},
    {"uuid", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", NULL},
    {"date", "2024-02-29", NULL},
    {"date", "0000-02-29", NULL},
    {"date", "+10000-01-01", NULL},
    {"date", "-0043-03-15", NULL},
    {"date64", "1969-12-31", NULL},
    {"time", "13:14:15.123456", NULL},
    {"time", "00:00:00", NULL},
    {"time(s)", "23:59:59", NULL},
    {"time(ns)", "01:02:03.000000004", NULL},
    {"timestamp", "2024-02-29 13:14:15.500", NULL},
    {"timestamp", "1969-12-31 23:59:59.999999", NULL},
    {"timestamp(s)", "+292277026596-12-04 15:30:07", NULL},
    {"timestamp(ns)", "1677-09-21 00:12:43.145224192", NULL},
    {"timestamptz", "2024-02-29 13:14:15.123Z", NULL},
    {"interval", "P1Y2M3DT4H5M6.7S", NULL},
    {"interval", "PT0S", NULL},
    {"interval", "P-1Y-2M3DT-0.000000001S", NULL},
    {"duration", "PT-26H", NULL},
    {"interval_months", "P-1M", NULL},
    {"interval_day_time", "P-1DT0.001S", NULL},
    {"list<int64>", "[1,null,-3]", NULL},
    {"list<int64>", "[]", NULL},
    {"fixed_list<bool, 2>", "[true,null]", NULL},
    {"map<int32, utf8>", "{\"1\":\"a\",\"2\":null}", NULL},
    {NESTED, "{\"a\":1,\"b\":[\"x\\\"y\",\"\"]}", NULL},
    {"list<decimal(6,2)>", "[1.50,-2.00]", NULL},
    {"list<binary>", "[\"\\\\x00\"]", NULL},
    {"list<float64>", "[\"NaN\",1.5]", NULL},
    {"list<json>", "[{\"k\":[]},7]", NULL},
};

static void canonical_texts_are_read_and_written_unchanged(void **state)
{
    (void)state;
    check_cases(canonical, LT_ARRAY_LEN(canonical), false);
}

static const struct text_case generous[] = {
    {"bool", " YES ", "true"},
    {"bool", "Off", "false"},
    {"bool", "T", "true"},
    {"bool", "0", "false"},
    {"int32", "+07", "7"},
    {"float64", "1.0", "1"},
    {"float64", ".5", "0.5"},
    {"float64", "5.", "5"},
    {"float64", "+inf", "Infinity"},
    {"float64", "1E3", "1000"},
    {"float64", "1e15", "1e+15"},
    {"float64", "0e999999999999999999", "0"},
    {"float64", "123456789012345678", "1.2345678901234568e+17"},
    {"decimal(5,2)", "1e2", "100.00"},
    {"decimal(5,2)", "1.2300", "1.23"},
    {"decimal(5,2)", "0012.5e1", "125.00"},
    {"decimal(3,0)", "100.000", "100"},
    {"date", "10000-01-01", "+10000-01-01"},
    {"date", "-0000-01-01", "0000-01-01"},
    {"time", "13:14", "13:14:00"},
    {"time", "13:14:15.5", "13:14:15.500"},
    {"time(s)", "13:14:15.000000000000", "13:14:15"},
    {"timestamp", "2024-02-29T13:14:15", "2024-02-29 13:14:15"},
    {"timestamp", "2024-02-29", "2024-02-29 00:00:00"},
    {"timestamptz", "2024-02-29 13:14:15+05:30", "2024-02-29 07:44:15Z"},
    {"timestamptz", "2024-02-29T23:30:00-0100", "2024-03-01 00:30:00Z"},
    {"timestamptz", "2024-02-29 13:14:15 UTC", "2024-02-29 13:14:15Z"},
    {"timestamptz", "2024-02-29 13:14:15+01", "2024-02-29 12:14:15Z"},
    {"uuid", "{0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9}", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
    {"uuid", "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
    {"binary", "\\XAb", "\\xab"},
    {"interval", "-P1YT2S", "P-1YT-2S"},
    {"interval", "P2W1D", "P15D"},
    {"interval", "PT0,5S", "PT0.5S"},
    {"duration", "P1DT1S", "PT24H1S"},
    {NESTED, " { \"b\" : null , \"a\" : 2 } ", "{\"a\":2,\"b\":null}"},
    {NESTED, "{}", "{\"a\":null,\"b\":null}"},
    {"list<utf8>", "[\"\\ud83d\\ude00\\n\"]", "[\"\xf0\x9f\x98\x80\\n\"]"},
    {"list<date>", "[\"2024-02-29\"]", "[\"2024-02-29\"]"},
    {"list<numeric>", "[1.50,\"+.5\",\"NaN\"]", "[1.50,0.5,\"NaN\"]"},
};

static void other_spellings_are_read_and_written_canonically(void **state)
{
    (void)state;
    check_cases(generous, LT_ARRAY_LEN(generous), false);
}

static const struct text_case refused[] = {
    {"bool", "2", "!not true or false"},
    {"int32", "", "!not a whole number"},
    {"int32", "+", "!not a whole number"},
    {"int32", "1.0", "!not a whole number"},
    {"int32", "2147483648", "!out of range for int32"},
    {"int8", "-129", "!out of range for int8"},
    {"uint8", "-1", "!out of range for uint8"},
    {"uint64", "18446744073709551616", "!out of range for uint64"},
    {"int64", "99999999999999999999999999", "!out of range for int64"},
    {"float64", "1e400", "!out of range for float64"},
    {"float64", "1e-400", "!out of range for float64"},
    {"float32", "1e39", "!out of range for float32"},
    {"float16", "65520", "!out of range for float16"},
    {"float32", "16777217", "!more digits than float32 holds (out of range)"},
    {"float32", "-0.123456789012", "!more digits than float32 holds (out of range)"},
    {"float64", "0x10", "!not a number"},
    {"float64", "1e", "!not a number"},
    {"float64", ".", "!not a number"},
    {"float64", "-nan", "!not a number"},
    {"float64", "1,5", "!not a number"},
    {"decimal(5,2)", "1.234", "!more fraction digits than the scale of its decimal"},
    {"decimal(5,2)", "1000", "!out of range for its decimal"},
    {"decimal(5,2)", "1e99999999999999999999", "!out of range for its decimal"},
    {"decimal(5,2)", "NaN", "!NaN and infinity have no place in a decimal"},
    {"decimal(76,1)", "1.25", "!more fraction digits than the scale of its decimal"},
    {"numeric", "1.2.3", "!not a number"},
    {"numeric", " 1", "!not a number"},
    {"utf8", "\xc3\x28", "!not valid UTF-8"},
    {"utf8", "\xed\xa0\x80", "!not valid UTF-8"},
    {"binary", "abc", "!not \\x and pairs of hex digits"},
    {"binary", "\\xabc", "!not \\x and pairs of hex digits"},
    {"binary", "\\xgg", "!not \\x and pairs of hex digits"},
    {"binary(2)", "\\xab", "!not as many bytes as its type has"},
    {"uuid", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8fg", "!not a uuid"},
    {"uuid", "0a1b2c3d-4e5f-60718293-a4b5c6d7e8f9-", "!not a uuid"},
    {"uuid", "", "!not a uuid"},
    {"date", "2023-02-29", "!no such day in the calendar"},
    {"date", "2024-13-01", "!no such day in the calendar"},
    {"date", "24-01-01", "!not a date (year-month-day)"},
    {"date", "2024-01-01 ", "2024-01-01"},
    {"date", "2024-01-01 00:00:00", "!not a date (year-month-day)"},
    {"date", "999999999-01-01", "!out of range for a date"},
    {"date", "infinity", "!an infinite date has no place in the type"},
    {"time", "24:00:00", "!24:00 has no place in a time of day"},
    {"time", "24:00:01", "!not a time of day (hours:minutes:seconds)"},
    {"time", "23:59:60", "!a leap second has no place in the type"},
    {"time", "12:60:00", "!not a time of day (hours:minutes:seconds)"},
    {"time", "12:00:00Z", "!has a time zone"},
    {"time", "12:00:00.1234567", "!more fraction digits than the unit of its type"},
    {"timestamp", "2024-02-29 12:00:00Z", "!has a time zone"},
    {"timestamp", "2024-02-29 12:00:00+02", "!has a time zone"},
    {"timestamp", "2024-02-29x12:00:00", "!not a timestamp"},
    {"timestamp", "-infinity", "!an infinite timestamp has no place in the type"},
    {"timestamp", "+999999-01-01 00:00:00", "!out of range for a timestamp of its unit"},
    {"timestamp(ns)", "2262-04-11 23:47:16.854775808", "!out of range for a timestamp of its unit"},
    {"timestamptz", "2024-02-29 12:00:00", "!no time zone"},
    {"timestamptz", "2024-02-29", "!no time zone"},
    {"timestamptz", "2024-02-29 12:00:00+16", "!not a timestamp"},
    {"timestamptz", "2024-02-29 12:00:00+1", "!not a timestamp"},
    {"interval", "P", "!not an ISO 8601 interval (P1Y2M3DT4H5M6S)"},
    {"interval", "P1YT", "!not an ISO 8601 interval (P1Y2M3DT4H5M6S)"},
    {"interval", "P1M1Y", "!not an ISO 8601 interval (P1Y2M3DT4H5M6S)"},
    {"interval", "P1.5Y", "!not an ISO 8601 interval (P1Y2M3DT4H5M6S)"},
    {"interval", "1 day", "!not an ISO 8601 interval (P1Y2M3DT4H5M6S)"},
    {"interval", "P200000000Y", "!out of range for an interval"},
    {"interval", "P99999999999999999999Y", "!out of range for an interval"},
    {"duration", "P1M", "!months have no fixed duration"},
    {"null", "", "!a column of nulls holds no value"},
    {"json", "", "!not JSON: it ends too early"},
    {"json", "{\"a\":}", "!not JSON"},
    {"json", "[1,]", "!not JSON"},
    {"json", "01", "!not JSON: something stands behind its value"},
    {"json", "1.", "!not JSON: a number ends in its point"},
    {"json", "\"\\x\"", "!not JSON: an unknown escape"},
    {"json", "\"\\u12G4\"", "!not JSON: a bad \\u escape"},
    {"json", "\"a", "!not JSON: a string without end"},
    {"json", "\"\t\"", "!not JSON: a control character in a string"},
    {"json", "\"\xff\"", "!not valid UTF-8"},
    {"list<int32>", "null", "!a JSON null instead of a nested value"},
    {"list<int32>", "[1,2", "!not JSON"},
    {"list<int32>", "[1,\"x\"]", "!not a whole number"},
    {"list<int32>", "[[1]]", "!not a whole number"},
    {"list<int32>", "[1] 2", "!not JSON: something stands behind its value"},
    {"list<utf8>", "[1]", "!not a JSON string"},
    {"list<utf8>", "[\"\\ud800\"]", "!half of a surrogate pair in a JSON string"},
    {"fixed_list<int32, 2>", "[1]", "!not as many elements as its list has"},
    {NESTED, "{\"c\":1}", "!a member that its struct does not have"},
    {NESTED, "{\"a\":1,\"a\":1}", "!a member that is there twice"},
    {NESTED, "{\"a\":1,\"b\":[\"x\",7]}", "!not a JSON string"},
    {"map<int32, utf8>", "{\"x\":\"a\"}", "!not a whole number"},
};

static void texts_that_do_not_fit_are_refused_with_their_reason(void **state)
{
    (void)state;
    check_cases(refused, LT_ARRAY_LEN(refused), false);
}

static const struct text_case as_json[] = {
    {"bool", "true", NULL},
    {"uint64", "18446744073709551615", NULL},
    {"decimal(38,1)", "1234567890123456789012345678901234567.8", NULL},
    {"float64", "Infinity", "\"Infinity\""},
    {"float64", "1e+20", NULL},
    {"numeric", "-007.", "-7.0"},
    {"numeric", "1.e5", "1.0e5"},
    {"numeric", "NaN", "\"NaN\""},
    {"utf8", "a\"b\\", "\"a\\\"b\\\\\""},
    {"json", "{\"a\" :1}", NULL},
    {"binary", "\\x01", "\"\\\\x01\""},
    {"date", "2024-02-29", "\"2024-02-29\""},
    {"interval", "P1D", "\"P1D\""},
    {"uuid", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "\"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\""},
};

static void values_become_valid_json(void **state)
{
    (void)state;
    check_cases(as_json, LT_ARRAY_LEN(as_json), true);
    for (size_t i = 0; i < LT_ARRAY_LEN(canonical); i++) {
        const char *text = through(canonical[i].type, canonical[i].text, true);
        const char *why = lt_json_why_invalid(text, strlen(text));
        if (why) {
            fail_msg("%s: %s", text, why);
        }
    }
}

static void json_deeper_than_its_limit_is_refused(void **state)
{
    static char text[2 * (LT_JSON_TEXT_DEPTH_MAX + 1)];
    size_t deep = LT_JSON_TEXT_DEPTH_MAX;

    (void)state;
    memset(text, '[', deep + 1);
    memset(text + deep + 1, ']', deep + 1);
    assert_null(lt_json_why_invalid(text + 1, 2 * deep));
    assert_string_equal(lt_json_why_invalid(text, 2 * deep + 2), lt_json_too_deep);
}

static void doubles_survive_their_shortest_text(void **state)
{
    (void)state;
    for (int i = 0; i < ROUND_TRIPS; i++) {
        uint64_t bits = random_bits();
        double value, back;
        char text[32], shorter[32];
        const char *why;
        int len;
        if (i % 2) { /* amounts, as people have them */
            value = (double)(int64_t)(bits >> 24) / (double[]){1, 10, 100, 1000, 1e6}[bits % 5];
        } else {
            memcpy(&value, &bits, sizeof value);
        }
        if (!isfinite(value)) {
            continue;
        }
        len = lt_double_format(value, text);
        assert_int_equal(lt_double_parse(text, (size_t)len, &back, &why), LEAT_OK);
        assert_memory_equal(&value, &back, sizeof value);
        assert_true(strtod(text, NULL) == value);
        snprintf(shorter, sizeof shorter, "%.15g", value);
        if (strtod(shorter, NULL) == value && fabs(value) > 1e-300) {
            assert_string_equal(text, shorter);
        }
    }
}

static void floats_survive_their_shortest_text(void **state)
{
    (void)state;
    for (int i = 0; i < ROUND_TRIPS; i++) {
        uint32_t bits = (uint32_t)random_bits();
        float value, back;
        char text[32];
        const char *why;
        int len;
        if (i % 2) {
            value = (float)(int32_t)(bits % 1000000) / 100;
        } else {
            memcpy(&value, &bits, sizeof value);
        }
        if (!isfinite(value)) {
            continue;
        }
        len = lt_float_format(value, text);
        assert_int_equal(lt_float_parse(text, (size_t)len, &back, &why), LEAT_OK);
        assert_memory_equal(&value, &back, sizeof value);
        assert_true(strtof(text, NULL) == value);
    }
}

static void every_half_survives_its_text(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 65536; half++) {
        double value = lt_half_to_double((uint16_t)half), back;
        char text[32];
        const char *why;
        int len = lt_half_format((uint16_t)half, text);
        assert_int_equal(lt_double_parse(text, (size_t)len, &back, &why), LEAT_OK);
        if (isnan(value)) {
            assert_true(isnan(back));
        } else {
            assert_int_equal(lt_half_of_double(back), half);
        }
    }
}

/* Texts of other programs: digits cut anywhere, any exponent. strtod is the judge. */
static void doubles_are_read_as_strtod_reads_them(void **state)
{
    (void)state;
    for (int i = 0; i < ROUND_TRIPS / 4; i++) {
        char text[64];
        double value;
        const char *why;
        int digits = 1 + (int)(random_bits() % 18);
        int len =
            snprintf(text, sizeof text, "%llu.%lluE%d", (unsigned long long)(random_bits() % 10000),
                     (unsigned long long)(random_bits() >> (64 - 3 * digits)),
                     (int)(random_bits() % 80) - 40);
        assert_int_equal(lt_double_parse(text, (size_t)len, &value, &why), LEAT_OK);
        assert_true(value == strtod(text, NULL));
        if (i % 2) {
            float single;
            if (!lt_float_parse(text, (size_t)len, &single, &why)) {
                assert_true(single == strtof(text, NULL));
            }
        }
    }
}

static lt_int128 random_decimal(int *ret_precision)
{
    lt_int128 limit = 1, value;

    *ret_precision = 1 + (int)(random_bits() % 38);
    for (int i = 0; i < *ret_precision; i++) {
        limit *= 10;
    }
    value = (lt_int128)((lt_uint128)random_bits() << 64 | random_bits()) % limit;
    return value;
}

static void decimals_survive_their_text_at_every_scale(void **state)
{
    struct lt_buf text = LT_BUF_INIT;

    (void)state;
    for (int i = 0; i < ROUND_TRIPS; i++) {
        int precision, scale;
        lt_int128 value = random_decimal(&precision), back = 0;
        struct lt_number number;
        struct lt_int256 wide;
        const char *why = "";
        scale = (int)(random_bits() % (uint64_t)(precision + 3)) - 2;
        lt_buf_clear(&text);
        assert_int_equal(lt_decimal_format(value, scale, &text), LEAT_OK);
        assert_int_equal(
            lt_decimal_parse(lt_buf_text(&text), text.len, precision, scale, &back, &why), LEAT_OK);
        assert_true(value == back);
        assert_true(lt_number_scan(lt_buf_text(&text), text.len, &number));
        assert_int_equal(lt_decimal256_of_number(&number, 76, scale, &wide, &why), LEAT_OK);
        assert_true(wide.limbs[0] == (uint64_t)value);
        assert_true(wide.limbs[1] == (uint64_t)(value >> 64));
        assert_true(wide.limbs[3] == (value < 0 ? UINT64_MAX : 0));
    }
    lt_buf_done(&text);
}

static void wide_decimals_survive_their_text(void **state)
{
    struct lt_buf text = LT_BUF_INIT;

    (void)state;
    for (int i = 0; i < ROUND_TRIPS / 4; i++) {
        struct lt_int256 value = {{random_bits(), random_bits(), random_bits(), 0}}, back;
        struct lt_number number;
        const char *why = "";
        int scale = (int)(random_bits() % 77);
        value.limbs[3] = random_bits() >> 8 >> random_bits() % 56;
        if (i % 2) { /* negative: the complement */
            for (int k = 0; k < 4; k++) {
                value.limbs[k] = ~value.limbs[k];
            }
        }
        lt_buf_clear(&text);
        assert_int_equal(lt_decimal256_format(&value, scale, &text), LEAT_OK);
        assert_true(lt_number_scan(lt_buf_text(&text), text.len, &number));
        assert_int_equal(lt_decimal256_of_number(&number, 76, scale, &back, &why), LEAT_OK);
        assert_memory_equal(&value, &back, sizeof value);
    }
    lt_buf_done(&text);
}

static void timestamps_survive_their_text_in_every_unit(void **state)
{
    struct lt_buf text = LT_BUF_INIT;

    (void)state;
    for (int i = 0; i < ROUND_TRIPS; i++) {
        int64_t value = (int64_t)random_bits() >> random_bits() % 40, back = 0;
        enum lt_unit unit = (enum lt_unit)(random_bits() % 4);
        bool zoned = random_bits() % 2;
        const char *why = "";
        lt_buf_clear(&text);
        assert_int_equal(lt_timestamp_format(value, unit, zoned, &text), LEAT_OK);
        if (lt_timestamp_parse(lt_buf_text(&text), text.len, unit, zoned, &back, &why) ||
            back != value) {
            fail_msg("%lld in unit %d is %s: %s", (long long)value, (int)unit, lt_buf_text(&text),
                     why);
        }
    }
    lt_buf_done(&text);
}

static void the_ends_of_int64_survive_as_timestamps(void **state)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX};
    struct lt_buf text = LT_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(ends); i++) {
        for (int unit = LT_SECOND; unit <= LT_NANO; unit++) {
            int64_t back = 0;
            const char *why = "";
            lt_buf_clear(&text);
            lt_timestamp_format(ends[i], (enum lt_unit)unit, true, &text);
            assert_int_equal(lt_timestamp_parse(lt_buf_text(&text), text.len, (enum lt_unit)unit,
                                                true, &back, &why),
                             LEAT_OK);
            assert_true(back == ends[i]);
        }
    }
    lt_buf_done(&text);
}

static void days_and_dates_agree_over_a_whole_era_and_both_ends(void **state)
{
    int64_t year, expected = -719528; /* 0000-01-01 */
    unsigned month, day;

    (void)state;
    for (int64_t y = 0; y < 400; y++) {
        for (unsigned m = 1; m <= 12; m++) {
            static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            bool leap = y % 4 == 0 && (y % 100 != 0 || y == 0);
            unsigned n = lengths[m - 1] + (m == 2 && leap);
            for (unsigned d = 1; d <= n; d++, expected++) {
                assert_true(lt_days_of_date(y, m, d) == expected);
                lt_date_of_days(expected, &year, &month, &day);
                assert_true(year == y && month == m && day == d);
            }
        }
    }
    for (int64_t days = -3000000000; days <= 3000000000; days += 999999937) {
        lt_date_of_days(days, &year, &month, &day);
        assert_true(lt_days_of_date(year, month, day) == days);
    }
}

/* A column of random values of a fixed width, some of them null, most small. */
static void random_column(struct lt_builder *builder, int64_t rows)
{
    size_t width = (size_t)builder->type.width;

    for (int64_t row = 0; row < rows; row++) {
        uint64_t bits[4];
        uint64_t shift = random_bits() % 64;
        for (int i = 0; i < 4; i++) {
            bits[i] = i ? (random_bits() % 16 ? 0 : UINT64_MAX) : random_bits() >> shift;
        }
        if (width > 8 && random_bits() % 2) {
            bits[0] = 0 - bits[0];
            bits[1] = UINT64_MAX;
        }
        assert_int_equal(random_bits() % 8 ? lt_builder_fixed(builder, bits, width)
                                           : lt_builder_null(builder),
                         LEAT_OK);
    }
}

static void assert_column_as_its_values(const char *type, const char *format)
{
    struct ArrowSchema field, text_field;
    struct ArrowArray array;
    struct lt_builder builder, text;
    struct lt_view view;
    struct lt_buf one = LT_BUF_INIT;
    int64_t rows = 2000;

    assert_int_equal(lt_type_parse(type, &field, NULL), LEAT_OK);
    assert_int_equal(lt_schema_init(&text_field, format, "t", NULL), LEAT_OK);
    assert_int_equal(lt_builder_init(&builder, &field, NULL), LEAT_OK);
    assert_int_equal(lt_builder_init(&text, &text_field, NULL), LEAT_OK);
    random_column(&builder, rows);
    assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
    assert_int_equal(lt_view_init(&view, &field, &array, NULL), LEAT_OK);
    assert_int_equal(lt_text_format_column(&view, &text), LEAT_OK);
    assert_int_equal(text.length, rows);
    assert_int_equal(text.null_count, view.null_count);
    for (int64_t row = 0, at = 0; row < rows; row++) {
        lt_buf_clear(&one);
        if (!lt_view_is_null(&view, row)) {
            assert_int_equal(lt_text_format(&view, row, &one), LEAT_OK);
        }
        if (one.len > text.data.len - (size_t)at ||
            memcmp(lt_buf_text(&one), text.data.data + at, one.len) != 0) {
            fail_msg("%s: row %lld is not %s", type, (long long)row, lt_buf_text(&one));
        }
        at += (int64_t)one.len;
        assert_true(row + 1 < rows || at == (int64_t)text.data.len);
    }
    lt_buf_done(&one);
    lt_view_done(&view);
    lt_array_done(&array);
    lt_builder_done(&builder);
    lt_builder_done(&text);
    lt_schema_done(&field);
    lt_schema_done(&text_field);
}

static void a_column_has_the_texts_of_its_values(void **state)
{
    static const char *const types[] = {
        "int8",           "int16",         "int32",         "int64",          "uint8",
        "uint16",         "uint32",        "uint64",        "float64",        "float32",
        "date",           "timestamp",     "timestamptz",   "timestamp(ns)",  "time",
        "uuid",           "binary(5)",     "decimal(38,0)", "decimal(18,18)", "decimal(15,2)",
        "decimal(38,30)", "decimal(60,5)", "duration",
    };

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(types); i++) {
        assert_column_as_its_values(types[i], "u");
        assert_column_as_its_values(types[i], "U");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_texts_are_read_and_written_unchanged),
        cmocka_unit_test(other_spellings_are_read_and_written_canonically),
        cmocka_unit_test(texts_that_do_not_fit_are_refused_with_their_reason),
        cmocka_unit_test(values_become_valid_json),
        cmocka_unit_test(json_deeper_than_its_limit_is_refused),
        cmocka_unit_test(doubles_survive_their_shortest_text),
        cmocka_unit_test(floats_survive_their_shortest_text),
        cmocka_unit_test(every_half_survives_its_text),
        cmocka_unit_test(doubles_are_read_as_strtod_reads_them),
        cmocka_unit_test(decimals_survive_their_text_at_every_scale),
        cmocka_unit_test(wide_decimals_survive_their_text),
        cmocka_unit_test(timestamps_survive_their_text_in_every_unit),
        cmocka_unit_test(the_ends_of_int64_survive_as_timestamps),
        cmocka_unit_test(days_and_dates_agree_over_a_whole_era_and_both_ends),
        cmocka_unit_test(a_column_has_the_texts_of_its_values),
    };

    return cmocka_run_group_tests_name("text", tests, seed, NULL);
}
