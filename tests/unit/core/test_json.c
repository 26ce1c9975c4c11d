/* The JSON writer; what it writes is read back by jansson. */
#include "core/json.h"

#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void json_places_commas_and_brackets_at_every_level(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    lt_json_object(&json);
    lt_json_key(&json, "a");
    lt_json_array(&json);
    lt_json_int(&json, INT64_MIN);
    lt_json_array(&json);
    lt_json_array_end(&json);
    lt_json_object(&json);
    lt_json_object_end(&json);
    lt_json_array_end(&json);
    lt_json_key(&json, "b");
    lt_json_text(&json, NULL);
    lt_json_key(&json, "c");
    lt_json_bool(&json, true);
    lt_json_key(&json, "d");
    lt_json_raw(&json, "[false]", 7);
    lt_json_object_end(&json);
    assert_int_equal(json.failed, LEAT_OK);
    assert_int_equal(json.depth, 0);
    assert_string_equal(lt_buf_text(&out), "{\"a\":[-9223372036854775808,"
                                           "[],{}],\"b\":null,\"c\":true,\"d\":[false]}");
    lt_buf_done(&out);
}

static void json_strings_come_back_from_a_parser_as_they_were(void **state)
{
    (void)state;
    char text[160];
    size_t len = 0;
    for (int c = 1; c < 128; c++) {
        text[len++] = (char)c;
    }
    memcpy(text + len, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
    len += 9;
    text[len] = 0;
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(lt_json_quote(&out, text, len), LEAT_OK);
    json_t *value = json_loads(lt_buf_text(&out), JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_string_equal(json_string_value(value), text);
    json_decref(value);
    lt_buf_clear(&out);
    assert_int_equal(lt_json_quote(&out, "a\0b", 3), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "\"a\\u0000b\"");
    lt_buf_clear(&out);
    assert_int_equal(lt_json_quote(&out, "", 0), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "\"\"");
    lt_buf_done(&out);
}

static void json_doubles_read_back_bit_for_bit_in_any_locale(void **state)
{
    (void)state;
    static const double values[] = {0.0,     -0.0,   0.1,  1.0 / 3,    1e300, DBL_MIN,
                                    DBL_MAX, 5e-324, 1e15, 123456.789, -2.5};
    const char *locales[] = {"C", "de_DE.UTF-8", "ps_AF.UTF-8"};
    for (size_t l = 0; l < 3; l++) {
        if (!setlocale(LC_NUMERIC, locales[l])) {
            continue;
        }
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            struct lt_buf out = LT_BUF_INIT;
            struct lt_json json = {.out = &out};
            lt_json_double(&json, values[i]);
            assert_null(strchr(lt_buf_text(&out), ','));
            setlocale(LC_NUMERIC, "C");
            double back = strtod(lt_buf_text(&out), NULL);
            assert_memory_equal(&back, &values[i], sizeof(back));
            setlocale(LC_NUMERIC, locales[l]);
            lt_buf_done(&out);
        }
    }
    setlocale(LC_NUMERIC, "C");
}

static void json_doubles_are_short_and_what_json_lacks_is_a_string(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    lt_json_array(&json);
    lt_json_double(&json, 0.1);
    lt_json_double(&json, (double)NAN);
    lt_json_double(&json, -(double)INFINITY);
    lt_json_array_end(&json);
    assert_string_equal(lt_buf_text(&out), "[0.1,\"NaN\",\"-Infinity\"]");
    lt_buf_done(&out);
}

static void json_nesting_past_its_limit_fails_and_stays_failed(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    for (int i = 0; i < LT_JSON_DEPTH_MAX; i++) {
        lt_json_array(&json);
    }
    lt_json_int(&json, 1);
    lt_json_int(&json, 2);
    assert_int_equal(json.failed, LEAT_OK);
    assert_string_equal(lt_buf_text(&out) + LT_JSON_DEPTH_MAX, "1,2");
    lt_json_array(&json);
    lt_json_array_end(&json);
    for (int i = 0; i < LT_JSON_DEPTH_MAX; i++) {
        lt_json_array_end(&json);
    }
    lt_json_text(&json, "more");
    assert_int_equal(json.failed, LEAT_NO_MEMORY);
    assert_int_equal(json.depth, 0);
    lt_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_places_commas_and_brackets_at_every_level),
        cmocka_unit_test(json_strings_come_back_from_a_parser_as_they_were),
        cmocka_unit_test(json_doubles_read_back_bit_for_bit_in_any_locale),
        cmocka_unit_test(json_doubles_are_short_and_what_json_lacks_is_a_string),
        cmocka_unit_test(json_nesting_past_its_limit_fails_and_stays_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
