#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/options.h"

#include <stdlib.h>
#include <string.h>

static struct lt_settings settings;
static struct leat_error err;

static int clean(void **state)
{
    (void)state;
    lt_settings_done(&settings);
    leat_error_clear(&err);
    return 0;
}

static int set(const char *name, const char *value)
{
    const struct leat_option *option = lt_option_find(lt_plan_options, name);
    assert_non_null(option);
    return lt_settings_set(&settings, option, value, &err);
}

static void every_option_has_help_a_valid_fallback_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (const struct leat_option *o = lt_plan_options; o->name; o++) {
        assert_non_null(o->help);
        assert_int_not_equal(o->help[strlen(o->help) - 1], '.');
        assert_ptr_equal(lt_option_find(lt_plan_options, o->name), o);
        if (o->fallback) {
            assert_int_equal(lt_option_check(o, o->fallback, &err), LEAT_OK);
        }
    }
    assert_null(lt_option_find(NULL, "replace"));
}

static void values_are_checked_by_kind_when_set(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"replace", "Yes"},     {"replace", "off"},   {"limit", "0"},           {"memory", "96MiB"},
        {"lock-timeout", "2h"}, {"on-error", "skip"}, {"retries", "2147483647"}};
    static const char *const bad[][2] = {{"replace", "perhaps"},
                                         {"replace", ""},
                                         {"limit", "-1"},
                                         {"limit", "1x"},
                                         {"limit", "99999999999999999999"},
                                         {"memory", "much"},
                                         {"lock-timeout", "soon"},
                                         {"on-error", "ski"},
                                         {"on-error", "stop|skip"},
                                         {"limit", NULL},
                                         {"where", NULL},
                                         {"columns", NULL}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(set(good[i][0], good[i][1]), LEAT_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(set(bad[i][0], bad[i][1]), LEAT_INVALID);
        assert_string_equal(err.code, "usage");
    }
    assert_false(lt_settings_bool(&settings, "replace")); /* the last good one */
    assert_int_equal(set("replace", NULL), LEAT_OK);
    assert_true(lt_settings_bool(&settings, "replace"));
}

static void numbers_come_in_bytes_and_milliseconds_with_fallbacks(void **state)
{
    (void)state;
    assert_int_equal(lt_settings_number(&settings, "memory"), 96 << 20);
    assert_int_equal(lt_settings_number(&settings, "lock-timeout"), 10000);
    assert_int_equal(set("memory", "1k"), LEAT_OK);
    assert_int_equal(set("memory", "2k"), LEAT_OK);
    assert_int_equal(lt_settings_number(&settings, "memory"), 2048);
    assert_null(lt_settings_text(&settings, "limit"));
}

static void assert_list(const char *const *want)
{
    char **list = NULL;
    size_t n = 0, i = 0;
    assert_int_equal(lt_settings_list(&settings, "columns", &list, &n, &err), LEAT_OK);
    for (; want[i]; i++) {
        assert_non_null(list[i]);
        assert_string_equal(list[i], want[i]);
    }
    assert_int_equal(n, i);
    assert_null(list[n]);
    lt_list_free(list);
}

static void lists_add_up_and_part_at_commas_outside_brackets_and_quotes(void **state)
{
    (void)state;
    assert_list((const char *const[]){NULL});
    set("columns", "a,b=decimal(12,2)");
    set("columns", "\"x,y\",struct<a: int32, b: map<k, v>>,,c)(d,e)");
    assert_list((const char *const[]){"a", "b=decimal(12,2)", "\"x,y\"",
                                      "struct<a: int32, b: map<k, v>>", "", "c)(d,e)", NULL});
}

static void names_are_read_plain_and_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *rest;
    } rows[] = {{"a=b", "a", "=b"},         {"a b", "a b", ""},     {"\"a=b\"=c", "a=b", "=c"},
                {"\"a\"\"b\"", "a\"b", ""}, {"a\"b", "a\"b", ""},   {"\"\"\"\"=x", "\"", "=x"},
                {"", NULL, NULL},           {"=a", NULL, NULL},     {"\"a", NULL, NULL},
                {"\"\"", NULL, NULL},       {"\"a\"b", NULL, NULL}, {"\"a\"\"", NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = rows[i].text;
        char *name = lt_name_take(&text, '=');
        if (rows[i].name) {
            assert_non_null(name);
            assert_string_equal(name, rows[i].name);
            assert_string_equal(text, rows[i].rest);
        } else {
            if (name || text) {
                fail_msg("%s was read as %s", rows[i].text, name ? name : "NULL");
            }
        }
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_option_has_help_a_valid_fallback_and_a_name_of_its_own,
                                  clean),
        cmocka_unit_test_teardown(values_are_checked_by_kind_when_set, clean),
        cmocka_unit_test_teardown(numbers_come_in_bytes_and_milliseconds_with_fallbacks, clean),
        cmocka_unit_test_teardown(lists_add_up_and_part_at_commas_outside_brackets_and_quotes,
                                  clean),
        cmocka_unit_test_teardown(names_are_read_plain_and_quoted, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
