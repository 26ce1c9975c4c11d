/* Columns of text on a terminal. The expected ones are those of Unicode's East Asian Width and
 * general category, looked up by hand. */
#include "core/display.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void shown(const char *text, size_t len, int max, const char *wanted, int columns)
{
    struct lt_buf out = LT_BUF_INIT;
    int used = -1;
    assert_int_equal(lt_display_put(&out, text, len, max, &used), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), wanted);
    assert_int_equal(used, columns);
    lt_buf_done(&out);
}

static void characters_take_none_one_or_two_columns(void **state)
{
    (void)state;
    static const struct {
        uint32_t character;
        int columns;
    } rows[] = {{'a', 1},    {0xe9, 1},    {0xad, 1},    {0x301, 0},   {0x200b, 0},  {0x200d, 0},
                {0xfe0f, 0}, {0x20ac, 1},  {0x1100, 2},  {0x1160, 0},  {0x3042, 2},  {0x4e00, 2},
                {0xff21, 2}, {0xff71, 1},  {0xac00, 2},  {0x1f600, 2}, {0x1fad6, 2}, {0x20000, 2},
                {0x2026, 1}, {0xe0100, 0}, {0x1f1e6, 1}, {0x3000, 2},  {0x303f, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (lt_display_columns(rows[i].character) != rows[i].columns) {
            fail_msg("U+%04X takes %d", (unsigned)rows[i].character,
                     lt_display_columns(rows[i].character));
        }
    }
}

static void what_is_too_wide_ends_in_an_ellipsis_within_the_columns(void **state)
{
    (void)state;
    shown("abc", 3, 3, "abc", 3);
    shown("abcd", 4, 3, "ab…", 3);
    shown("abcd", 4, 1, "…", 1);
    shown("abcd", 4, 0, "", 0);
    shown("お茶", 6, 4, "お茶", 4);
    shown("お茶の", 9, 4, "お…", 3); /* half of a wide character is none */
    shown("e\u0301x", 4, 1, "…", 1);
    shown("e\u0301", 3, 1, "e\u0301", 1);
}

static void what_would_move_the_cursor_is_made_visible(void **state)
{
    (void)state;
    shown("a\nb\tc\r", 6, 20, "a\\nb\\tc\\r", 9);
    shown("\x1b[2J\x7f", 5, 20, "\\x1b[2J\\x7f", 11);
    shown("\0", 1, 20, "\\x00", 4);
    shown("\xc2\x9b", 2, 20, "\\u009b", 6);
    shown("\u202eab\u2066", 8, 20, "\\u202eab\\u2066", 14);
    shown("\xff\xc3", 2, 20, "\\xff\\xc3", 8);
    shown("\xed\xa0\x80", 3, 20, "\\xed\\xa0\\x80", 12); /* a surrogate */
    shown("ab\ncd", 5, 4, "ab…", 3);
}

static void marks_without_end_end(void **state)
{
    (void)state;
    struct lt_buf text = LT_BUF_INIT, out = LT_BUF_INIT;
    int used;
    lt_buf_puts(&text, "a");
    for (int i = 0; i < 10000; i++) {
        lt_buf_puts(&text, "\u0301");
    }
    lt_buf_puts(&text, "b");
    assert_int_equal(lt_display_put(&out, lt_buf_text(&text), text.len, 10, &used), LEAT_OK);
    assert_int_equal(used, 2);
    assert_true(out.len < 64 && out.data[out.len - 1] == 'b');
    lt_buf_done(&text);
    lt_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_take_none_one_or_two_columns),
        cmocka_unit_test(what_is_too_wide_ends_in_an_ellipsis_within_the_columns),
        cmocka_unit_test(what_would_move_the_cursor_is_made_visible),
        cmocka_unit_test(marks_without_end_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
