/* The table of codes, and filling and printing errors. */
#include "core/codes.h"

#include "core/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void codes_are_sorted_fit_the_error_and_are_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_CODES_N; i++) {
        assert_true(lt_codes[i].status != LEAT_OK);
        assert_true(strlen(lt_codes[i].code) < sizeof(((struct leat_error *)0)->code));
        assert_true(strlen(lt_codes[i].remedy) < sizeof(((struct leat_error *)0)->remedy));
        assert_true(strlen(lt_codes[i].text) > 0);
        if (i) {
            assert_true(strcmp(lt_codes[i - 1].code, lt_codes[i].code) < 0);
        }
    }
}

static void every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int a = LEAT_OK; a <= LEAT_INTERNAL; a++) {
        for (int b = LEAT_OK; b < a; b++) {
            assert_string_not_equal(leat_status_name((enum leat_status)a),
                                    leat_status_name((enum leat_status)b));
        }
    }
    assert_string_equal(leat_status_name((enum leat_status)99), "internal");
    assert_string_equal(leat_status_name((enum leat_status) - 1), "internal");
}

static void errors_may_be_null_everywhere(void **state)
{
    (void)state;
    assert_int_equal(leat_fail(NULL, LEAT_DENIED, "x"), LEAT_DENIED);
    assert_int_equal(leat_fail_as(NULL, LEAT_DENIED, "c", "x"), LEAT_DENIED);
    assert_int_equal(lt_fail(NULL, LT_E_CORRUPT, "x"), LEAT_BAD_DATA);
    assert_int_equal(lt_fail_errno(NULL, ENOSPC, "x"), LEAT_NO_SPACE);
    assert_int_equal(lt_fail_oom(NULL), LEAT_NO_MEMORY);
    leat_error_place(NULL, "x");
    leat_error_remedy(NULL, "x");
    leat_error_clear(NULL);
    leat_error_free(NULL);
}

static void failing_replaces_whatever_an_earlier_failure_left(void **state)
{
    (void)state;
    struct leat_error *err = leat_error_new();
    assert_int_equal(lt_fail_errno(err, ENOENT, "cannot open"), LEAT_NOT_FOUND);
    assert_int_equal(err->sys_errno, ENOENT);
    leat_error_place(err, "somewhere");
    /* The old message is an argument of the new one. */
    assert_int_equal(leat_fail(err, LEAT_CONFLICT, "again: %s", err->message), LEAT_CONFLICT);
    assert_string_equal(err->message, "again: cannot open: No such file or directory");
    assert_string_equal(err->code, "conflict");
    assert_string_equal(err->place, "");
    assert_string_equal(err->remedy, "");
    assert_int_equal(err->sys_errno, 0);
    leat_error_clear(err);
    assert_int_equal(err->status, LEAT_OK);
    leat_error_free(err);
}

static void an_error_prints_as_code_place_message_and_remedy(void **state)
{
    (void)state;
    struct leat_error err;
    char text[512];
    lt_fail(&err, LT_E_VALUE_RANGE, "does not fit %s", "decimal(12,2)");
    leat_error_remedy(&err, "try --cast total=float64");
    leat_error_place(&err, "column \"total\"");
    leat_error_place(&err, "orders.csv:%d", 81234);
    int len = lt_error_format(&err, text, sizeof(text));
    assert_string_equal(text, "[value-range] orders.csv:81234: column \"total\": does not fit "
                              "decimal(12,2); try --cast total=float64");
    assert_int_equal(len, strlen(text));
    leat_fail_as(&err, LEAT_INVALID, "mine", "bare");
    assert_int_equal(lt_error_format(&err, text, 8), 11);
    assert_string_equal(text, "[mine] ");
    lt_error_format(&err, text, sizeof(text));
    assert_string_equal(text, "[mine] bare");
}

static void places_are_cut_between_characters_with_the_outermost_kept(void **state)
{
    (void)state;
    struct leat_error err;
    for (int pad = 0; pad < 4; pad++) {
        lt_fail(&err, LT_E_IO, "x");
        char inner[400];
        memset(inner, 'a', (size_t)pad);
        for (size_t i = (size_t)pad; i + 3 <= sizeof(inner); i += 3) {
            memcpy(inner + i, "\xe2\x82\xac", 3);
        }
        inner[pad + 396 - 3] = 0;
        leat_error_place(&err, "%s", inner);
        leat_error_place(&err, "outer");
        assert_memory_equal(err.place, "outer: ", 7);
        size_t len = strlen(err.place);
        assert_true(len >= 252 && len <= 255);
        assert_int_equal(lt_utf8_valid_prefix(err.place, len), len);
        for (int i = 0; i < 100; i++) {
            leat_error_place(&err, "again and again");
        }
        assert_true(strlen(err.place) <= 255);
    }
}

static void messages_are_one_line_of_valid_utf8_however_long(void **state)
{
    (void)state;
    struct leat_error err;
    lt_fail(&err, LT_E_SERVER, "ERROR: a\nDETAIL:\tb \xff\xc3");
    assert_string_equal(err.message, "ERROR: a DETAIL: b ??");
    char *long_text = malloc(20001);
    for (size_t i = 0; i + 1 < 20001; i += 2) {
        memcpy(long_text + i, "\xc3\xa9", 2);
    }
    long_text[20000] = 0;
    lt_fail(&err, LT_E_SERVER, ".%s", long_text);
    size_t len = strlen(err.message);
    assert_true(len >= 1021 && len <= 1023);
    assert_int_equal(lt_utf8_valid_prefix(err.message, len), len);
    free(long_text);
}

static void messages_places_and_remedies_are_redacted(void **state)
{
    (void)state;
    struct leat_error err;
    lt_fail(&err, LT_E_UNAVAILABLE, "cannot reach postgres://joe:hunter2@db/x");
    leat_error_place(&err, "password='hunter2' host=db");
    leat_error_remedy(&err, "?sslpassword=hunter2");
    assert_null(strstr(err.message, "hunter2"));
    assert_null(strstr(err.place, "hunter2"));
    assert_null(strstr(err.remedy, "hunter2"));
    assert_string_equal(err.message, "cannot reach postgres://joe:***@db/x");
    /* Also where the URL straddles the end of what the message keeps. */
    for (int pad = 980; pad < 1024; pad++) {
        lt_fail(&err, LT_E_UNAVAILABLE, "%*s postgres://joe:hunter2@db/x", pad, "");
        assert_null(strstr(err.message, "hu"));
    }
    for (int pad = 4060; pad < 4096; pad++) {
        lt_fail(&err, LT_E_UNAVAILABLE, "%*s postgres://joe:hunter2@db/x", pad, "");
        assert_null(strstr(err.message, "hu"));
    }
}

static void errno_chooses_the_code_where_it_says_more(void **state)
{
    (void)state;
    static const struct {
        int sys_errno;
        enum lt_code code;
    } rows[] = {
        {ENOSPC, LT_E_NO_SPACE},       {EDQUOT, LT_E_NO_SPACE},  {EACCES, LT_E_DENIED},
        {ENOENT, LT_E_NOT_FOUND},      {ENOMEM, LT_E_NO_MEMORY}, {EISDIR, LT_E_INVALID},
        {ETIMEDOUT, LT_E_UNAVAILABLE}, {EIO, LT_E_IO},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct leat_error err;
        int status = lt_fail_errno(&err, rows[i].sys_errno, "cannot write %s", "f");
        assert_int_equal(status, lt_codes[rows[i].code].status);
        assert_string_equal(err.code, lt_codes[rows[i].code].code);
        assert_memory_equal(err.message, "cannot write f: ", 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_sorted_fit_the_error_and_are_explained),
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(errors_may_be_null_everywhere),
        cmocka_unit_test(failing_replaces_whatever_an_earlier_failure_left),
        cmocka_unit_test(an_error_prints_as_code_place_message_and_remedy),
        cmocka_unit_test(places_are_cut_between_characters_with_the_outermost_kept),
        cmocka_unit_test(messages_are_one_line_of_valid_utf8_however_long),
        cmocka_unit_test(messages_places_and_remedies_are_redacted),
        cmocka_unit_test(errno_chooses_the_code_where_it_says_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
