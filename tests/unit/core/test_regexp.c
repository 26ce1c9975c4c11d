/* Regular expressions: what is replaced by what, and what is refused. */
#include "core/regexp.h"

#include "core/codes.h"
#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int replace(const char *pattern, const char *text, size_t len, const char *with,
                   struct lt_buf *out, bool *ret_matched, struct leat_error *err)
{
    struct lt_regexp *regexp = NULL;
    int rc = lt_regexp_new(pattern, &regexp, err);
    rc = rc ? rc : lt_regexp_replace(regexp, text, len, with, out, ret_matched, err);
    lt_regexp_free(regexp);
    return rc;
}

static void every_match_is_replaced_by_the_template(void **state)
{
    static const struct {
        const char *pattern, *text, *with, *wanted; /* NULL: no match, and nothing appended */
    } rows[] = {
        {"a", "banana", "o", "bonono"},
        {"x", "banana", "o", NULL},
        {"", "ab", "-", "-a-b-"},
        {"", "", "-", "-"},
        {"b*", "abc", "-", "-a-c-"}, /* no empty match right behind another */
        {"(\\w+) (\\w+)", "one two", "$2 $1", "two one"},
        {"(\\w+) (\\w+)", "one two", "${2}x$1x", "twox"}, /* the group "1x" is none */
        {"(?P<k>\\d+)", "a1b22", "<$k>", "a<1>b<22>"},
        {"(?<k>\\d+)", "a1", "${k}${gone}", "a1"},
        {"a", "a", "$$1", "$1"},
        {"a", "a", "$", "$"},
        {"a", "a", "${", "${"},
        {"a", "a", "$9", ""},
        {"a(x)?", "a", "[$1]", "[]"}, /* a group that took no part */
        {"a$", "a\n", "b", NULL},     /* $ is the end of the text alone */
        {"(?m)^", "a\nb", ">", ">a\n>b"},
        {"(?i)A", "aA", "x", "xx"},
        {".", "\xc3\xa4\xe2\x82\xac", "_", "__"}, /* characters, not bytes */
        {"", "\xc3\xa4", "-", "-\xc3\xa4-"},
        {"\\bb", "ab b", "x", "ab x"},
    };
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct lt_buf out = LT_BUF_INIT;
        struct leat_error err = {0};
        bool matched = false;
        if (replace(rows[i].pattern, rows[i].text, strlen(rows[i].text), rows[i].with, &out,
                    &matched, &err)) {
            fail_msg("/%s/: %s", rows[i].pattern, err.message);
        }
        assert_int_equal(matched, rows[i].wanted != NULL);
        const char *wanted = rows[i].wanted ? rows[i].wanted : "";
        if (strcmp(lt_buf_text(&out), wanted) != 0) {
            fail_msg("/%s/ in %s: %s, not %s", rows[i].pattern, rows[i].text, lt_buf_text(&out),
                     wanted);
        }
        lt_buf_done(&out);
    }
}

static void what_was_in_the_buffer_stays_in_front(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    bool matched = false;
    assert_int_equal(lt_buf_puts(&out, "kept:"), LEAT_OK);
    assert_int_equal(replace("b", "abc", 3, "B", &out, &matched, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "kept:aBc");
    lt_buf_done(&out);
}

static void a_text_with_zero_bytes_is_text_to_its_end(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    bool matched = false;
    assert_int_equal(replace("b", "a\0b", 3, "c", &out, &matched, NULL), LEAT_OK);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "a\0c", 3);
    lt_buf_done(&out);
}

static void a_pattern_that_is_none_is_refused_with_its_place(void **state)
{
    static const char *const patterns[] = {"(", "a{2,1}", "[z-a]", "\\C", "(?P<1>a)", "*a"};
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(patterns); i++) {
        struct lt_regexp *regexp = NULL;
        struct leat_error err = {0};
        assert_int_equal(lt_regexp_new(patterns[i], &regexp, &err), LEAT_INVALID);
        assert_null(regexp);
        assert_non_null(strstr(err.message, "at character "));
    }
}

static void text_that_is_not_utf8_and_endless_matches_stop(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    bool matched = false;
    assert_int_equal(replace("a", "\xff", 1, "", &out, &matched, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, lt_codes[LT_E_INVALID_UTF8].code);
    static const char many[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX";
    leat_error_clear(&err);
    assert_int_not_equal(replace("(a|aa|a?)+$", many, sizeof many - 1, "", &out, &matched, &err),
                         LEAT_OK);
    assert_string_equal(err.code, lt_codes[LT_E_LIMIT].code);
    lt_regexp_free(NULL);
    lt_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_match_is_replaced_by_the_template),
        cmocka_unit_test(what_was_in_the_buffer_stays_in_front),
        cmocka_unit_test(a_text_with_zero_bytes_is_text_to_its_end),
        cmocka_unit_test(a_pattern_that_is_none_is_refused_with_its_place),
        cmocka_unit_test(text_that_is_not_utf8_and_endless_matches_stop),
    };
    return cmocka_run_group_tests_name("regexp", tests, NULL, NULL);
}
