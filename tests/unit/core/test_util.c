/* UTF-8, ids, similar names, wildcards, numbers, and the small things around threads. */
#include "core/util.h"

#include "core/thread.h"
#include "leat/connector.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void utf8_takes_every_scalar_value_and_no_surrogate(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t b[4];
        size_t n;
        if (c < 0x80) {
            n = 1;
            b[0] = (uint8_t)c;
        } else if (c < 0x800) {
            n = 2;
            b[0] = (uint8_t)(0xc0 | c >> 6);
        } else if (c < 0x10000) {
            n = 3;
            b[0] = (uint8_t)(0xe0 | c >> 12);
        } else {
            n = 4;
            b[0] = (uint8_t)(0xf0 | c >> 18);
        }
        for (size_t i = 1; i < n; i++) {
            b[i] = (uint8_t)(0x80 | ((c >> (6 * (n - 1 - i))) & 0x3f));
        }
        size_t want = c >= 0xd800 && c < 0xe000 ? 0 : n;
        if (lt_utf8_valid_prefix(b, n) != want) {
            fail_msg("U+%04X", c);
        }
        if (n > 1 && lt_utf8_valid_prefix(b, n - 1) != 0) {
            fail_msg("U+%04X cut short", c);
        }
    }
}

static void utf8_stops_at_each_invalid_sequence_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xc2\xc2",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe1\x80",
        "\xe1\x80\x41",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xef\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf0\x90\x80\x41",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
    };
    char text[64];
    for (size_t i = 0; i < LT_ARRAY_LEN(invalid); i++) {
        size_t n = strlen(invalid[i]);
        for (size_t pad = 0; pad < 20; pad++) {
            memset(text, 'a', sizeof(text));
            memcpy(text + pad, invalid[i], n);
            assert_int_equal(lt_utf8_valid_prefix(text, pad + n), pad);
            assert_int_equal(lt_utf8_valid_prefix(text, sizeof(text)), pad);
        }
        memcpy(text, "\xe2\x82\xac", 3);
        memcpy(text + 3, invalid[i], n);
        assert_int_equal(lt_utf8_valid_prefix(text, 3 + n), 3);
    }
    assert_int_equal(lt_utf8_valid_prefix("", 0), 0);
    assert_int_equal(lt_utf8_valid_prefix(NULL, 0), 0);
    assert_int_equal(lt_utf8_valid_prefix("a\0b", 3), 3);
}

static void hash_is_xxh3_as_published(void **state)
{
    (void)state;
    /* The empty input, seed 0: XXH3_64bits of the reference implementation. */
    assert_true(lt_hash("", 0) == 0x2d06800538d394c2u);
    assert_true(lt_hash("a", 1) != lt_hash("b", 1));
}

static void ids_are_hexadecimal_distinct_and_sorted_by_time(void **state)
{
    (void)state;
    char last[33] = "";
    for (int i = 0; i < 5; i++) {
        char id[33], twin[33];
        lt_new_id(id);
        lt_new_id(twin);
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_int_equal(id[12], '7');
        assert_string_not_equal(id, twin);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, twin, sizeof(last));
        lt_sleep_ms(2, NULL);
        last[12] = 0; /* only the time is in order */
    }
}

static void closest_finds_slips_and_nothing_far_off(void **state)
{
    (void)state;
    static const char *const names[] = {"orders", "customers", "order_items", "id", NULL};
    assert_string_equal(lt_closest("ordres", names), "orders");
    assert_string_equal(lt_closest("Orders", names), "orders");
    assert_string_equal(lt_closest("custmers", names), "customers");
    assert_string_equal(lt_closest("orderitems", names), "order_items");
    assert_null(lt_closest("payments", names));
    assert_null(lt_closest("", names));
    assert_null(lt_closest("ix", names));
    static const char *const none[] = {NULL};
    assert_null(lt_closest("x", none));
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[299] = 0;
    assert_null(lt_closest(longest, names));
    const char *const long_names[] = {longest, NULL};
    assert_null(lt_closest("aaa", long_names));
}

static void wildcards_match_runs_and_single_characters(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"%", "abc", true},
        {"a*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "acb", false},
        {"a*b*c", "aXbYbZc", true},
        {"*.csv", "a.csv.csv", true},
        {"*ab", "aab", true},
        {"?", "a", true},
        {"?", "", false},
        {"?", "\xe2\x82\xac", true},
        {"a?", "a", false},
        {"*?", "\xc3\xa9", true},
        {"Abc", "abc", false},
        {"[a]", "a", false},
        {"[a]", "[a]", true},
        {"a**b", "ab", true},
        {"abc", "ab", false},
        {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        if (lt_wildcard_match(rows[i].pattern, rows[i].text) != rows[i].match) {
            fail_msg("\"%s\" on \"%s\"", rows[i].pattern, rows[i].text);
        }
    }
    assert_true(lt_wildcard_has("a%"));
    assert_true(lt_wildcard_has("a?b"));
    assert_false(lt_wildcard_has("public.orders"));
}

static void integers_are_parsed_whole_or_not_at_all(void **state)
{
    (void)state;
    int64_t n = 42;
    assert_int_equal(lt_parse_int("-9223372036854775808", &n), LEAT_OK);
    assert_true(n == INT64_MIN);
    assert_int_equal(lt_parse_int("007", &n), LEAT_OK);
    assert_int_equal(n, 7);
    static const char *const wrong[] = {"",    "-",   "+1",  " 1",  "1 ",
                                        "0x1", "1e3", "--1", "1.0", "9223372036854775808"};
    for (size_t i = 0; i < LT_ARRAY_LEN(wrong); i++) {
        n = 42;
        assert_int_equal(lt_parse_int(wrong[i], &n), LEAT_INVALID);
        assert_int_equal(n, 42);
    }
}

static void sizes_have_binary_and_decimal_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        {"0", 0},
        {"1048576", 1048576},
        {"96MiB", 96LL << 20},
        {"500k", 512000},
        {"500kB", 500000},
        {"1G", 1LL << 30},
        {"1gb", 1000000000},
        {"2TiB", 2LL << 40},
        {"7b", 7},
        {"3m", 3 << 20},
        {"9223372036854775807", INT64_MAX},
    };
    struct leat_error err;
    int64_t bytes;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        assert_int_equal(lt_parse_size(rows[i].text, &bytes, &err), LEAT_OK);
        assert_true(bytes == rows[i].bytes);
    }
    static const char *const wrong[] = {"",
                                        "k",
                                        "-1k",
                                        "1.5G",
                                        "1 k",
                                        "1kk",
                                        "1x",
                                        "9000000T",
                                        "99999999999999999999",
                                        "1000000000000000000000000000"};
    for (size_t i = 0; i < LT_ARRAY_LEN(wrong); i++) {
        bytes = 5;
        assert_int_equal(lt_parse_size(wrong[i], &bytes, &err), LEAT_INVALID);
        assert_int_equal(bytes, 5);
        assert_true(strlen(err.remedy) > 0);
    }
}

static void durations_are_seconds_without_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"30", 30000},  {"30s", 30000},   {"500ms", 500},    {"2h", 7200000}, {"1d", 86400000},
        {"5m", 300000}, {"5min", 300000}, {"1w", 604800000}, {"0", 0},
    };
    struct leat_error err;
    int64_t ms;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        assert_int_equal(lt_parse_duration(rows[i].text, &ms, &err), LEAT_OK);
        assert_true(ms == rows[i].ms);
    }
    static const char *const wrong[] = {"", "s", "-1s", "1y", "1h30m", "9223372036854775807"};
    for (size_t i = 0; i < LT_ARRAY_LEN(wrong); i++) {
        assert_int_equal(lt_parse_duration(wrong[i], &ms, &err), LEAT_INVALID);
    }
}

static void human_forms_round_without_showing_a_thousand(void **state)
{
    (void)state;
    char text[LT_HUMAN_MAX];
    assert_string_equal(lt_human_bytes(0, text), "0 B");
    assert_string_equal(lt_human_bytes(999, text), "999 B");
    assert_string_equal(lt_human_bytes(1000, text), "1.0 kB");
    assert_string_equal(lt_human_bytes(999949, text), "999.9 kB");
    assert_string_equal(lt_human_bytes(999950, text), "1.0 MB");
    assert_string_equal(lt_human_bytes(1100000000, text), "1.1 GB");
    assert_string_equal(lt_human_bytes(INT64_MIN, text), "-9.2 EB");
    assert_string_equal(lt_human_time(850, text), "850 us");
    assert_string_equal(lt_human_time(999499, text), "999 ms");
    assert_string_equal(lt_human_time(999500, text), "1.0 s");
    assert_string_equal(lt_human_time(2900000, text), "2.9 s");
    assert_string_equal(lt_human_time(59950000, text), "1 min 00 s");
    assert_string_equal(lt_human_time(3599499999, text), "59 min 59 s");
    assert_string_equal(lt_human_time(7500000000, text), "2 h 05 min");
    assert_true(strlen(lt_human_time(INT64_MIN, text)) < LT_HUMAN_MAX);
    assert_string_equal(lt_human_count(0, text), "0");
    assert_string_equal(lt_human_count(999, text), "999");
    assert_string_equal(lt_human_count(1204331, text), "1,204,331");
    assert_string_equal(lt_human_count(INT64_MIN, text), "-9,223,372,036,854,775,808");
}

static void *signals_blocked(void *arg)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    *(int *)arg = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT);
    return NULL;
}

static void threads_start_with_signals_blocked_and_leave_the_callers_alone(void **state)
{
    (void)state;
    int blocked = 0;
    pthread_t thread;
    assert_int_equal(lt_thread_start(&thread, signals_blocked, &blocked, NULL), LEAT_OK);
    pthread_join(thread, NULL);
    assert_true(blocked);
    signals_blocked(&blocked);
    assert_false(blocked);
}

static void *cancel_soon(void *arg)
{
    lt_sleep_ms(20, NULL);
    lt_cancel_set(arg);
    return NULL;
}

static void sleep_ends_soon_after_a_cancel(void **state)
{
    (void)state;
    struct lt_cancel cancel = {0};
    pthread_t thread;
    assert_false(lt_cancel_is(&cancel));
    assert_int_equal(lt_thread_start(&thread, cancel_soon, &cancel, NULL), LEAT_OK);
    int64_t start = lt_now_us();
    lt_sleep_ms(60000, &cancel.flag);
    assert_true(lt_now_us() - start < 30000000);
    assert_true(lt_cancel_is(&cancel));
    pthread_join(thread, NULL);
    lt_sleep_ms(-5, NULL);
}

static int released;

static void release_array(struct ArrowArray *array)
{
    released++;
    array->release = NULL;
}

static void release_bytes(void *arg)
{
    (void)arg;
    released++;
}

static void payloads_are_released_once_whatever_they_hold(void **state)
{
    (void)state;
    leat_x_payload_release(NULL);
    struct leat_payload payload = {.size = sizeof(payload), .kind = LEAT_PAYLOAD_BATCH};
    payload.batch.release = release_array;
    leat_x_payload_release(&payload);
    leat_x_payload_release(&payload);
    assert_int_equal(released, 1);
    payload.kind = LEAT_PAYLOAD_BYTES;
    payload.bytes_release = release_bytes;
    leat_x_payload_release(&payload);
    leat_x_payload_release(&payload);
    assert_int_equal(released, 2);
    /* Moved out by whoever kept it. */
    payload.kind = LEAT_PAYLOAD_BATCH;
    payload.batch.release = NULL;
    leat_x_payload_release(&payload);
    assert_int_equal(payload.kind, LEAT_PAYLOAD_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_takes_every_scalar_value_and_no_surrogate),
        cmocka_unit_test(utf8_stops_at_each_invalid_sequence_wherever_it_stands),
        cmocka_unit_test(hash_is_xxh3_as_published),
        cmocka_unit_test(ids_are_hexadecimal_distinct_and_sorted_by_time),
        cmocka_unit_test(closest_finds_slips_and_nothing_far_off),
        cmocka_unit_test(wildcards_match_runs_and_single_characters),
        cmocka_unit_test(integers_are_parsed_whole_or_not_at_all),
        cmocka_unit_test(sizes_have_binary_and_decimal_units),
        cmocka_unit_test(durations_are_seconds_without_a_unit),
        cmocka_unit_test(human_forms_round_without_showing_a_thousand),
        cmocka_unit_test(threads_start_with_signals_blocked_and_leave_the_callers_alone),
        cmocka_unit_test(sleep_ends_soon_after_a_cancel),
        cmocka_unit_test(payloads_are_released_once_whatever_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
