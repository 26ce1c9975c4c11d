/* lt_buf: growing, printing, giving away. */
#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void buf_is_empty_text_before_anything_is_written(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    assert_string_equal(lt_buf_text(&buf), "");
    lt_buf_done(&buf);
    lt_buf_done(&buf);
}

static void buf_stays_terminated_while_it_grows_byte_by_byte(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(lt_buf_byte(&buf, (uint8_t)('a' + i % 26)), LEAT_OK);
        assert_int_equal(buf.data[buf.len], 0);
    }
    assert_int_equal(buf.len, 5000);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(buf.data[i], 'a' + i % 26);
    }
    lt_buf_done(&buf);
}

static void buf_refuses_to_grow_past_its_limit_and_keeps_its_bytes(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    assert_int_equal(lt_buf_puts(&buf, "kept"), LEAT_OK);
    assert_int_equal(lt_buf_reserve(&buf, LT_BUF_MAX), LEAT_NO_MEMORY);
    assert_int_equal(lt_buf_reserve(&buf, SIZE_MAX), LEAT_NO_MEMORY);
    assert_string_equal(lt_buf_text(&buf), "kept");
    lt_buf_done(&buf);
}

static void buf_printf_appends_texts_longer_than_its_room(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    assert_int_equal(lt_buf_printf(&buf, "%s", ""), LEAT_OK);
    assert_int_equal(lt_buf_printf(&buf, "n=%d ", 7), LEAT_OK);
    assert_int_equal(lt_buf_printf(&buf, "%0500d", 1), LEAT_OK);
    assert_int_equal(buf.len, 504);
    assert_memory_equal(buf.data, "n=7 000", 7);
    assert_int_equal(buf.data[503], '1');
    assert_int_equal(buf.data[504], 0);
    lt_buf_done(&buf);
}

static void buf_printf_fills_the_room_exactly(void **state)
{
    (void)state;
    for (int n = 60; n < 70; n++) {
        struct lt_buf buf = LT_BUF_INIT;
        assert_int_equal(lt_buf_printf(&buf, "%0*d", n, 3), LEAT_OK);
        assert_int_equal(buf.len, n);
        assert_int_equal(strlen(lt_buf_text(&buf)), n);
        lt_buf_done(&buf);
    }
}

static void buf_drop_keeps_the_rest(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    lt_buf_drop(&buf, 0);
    assert_int_equal(lt_buf_puts(&buf, "header body"), LEAT_OK);
    lt_buf_drop(&buf, 7);
    assert_string_equal(lt_buf_text(&buf), "body");
    lt_buf_drop(&buf, 4);
    assert_string_equal(lt_buf_text(&buf), "");
    lt_buf_done(&buf);
}

static void buf_take_gives_the_text_away_and_an_empty_one_too(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    char *text = lt_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(lt_buf_puts(&buf, "mine"), LEAT_OK);
    text = lt_buf_take(&buf);
    assert_string_equal(text, "mine");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    free(text);
}

static void strings_are_copied_and_null_stays_null(void **state)
{
    (void)state;
    assert_null(lt_strdup(NULL));
    char *text = lt_strndup("abcdef", 3);
    assert_string_equal(text, "abc");
    free(text);
    text = lt_format("%s-%d", "x", 12);
    assert_string_equal(text, "x-12");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_is_empty_text_before_anything_is_written),
        cmocka_unit_test(buf_stays_terminated_while_it_grows_byte_by_byte),
        cmocka_unit_test(buf_refuses_to_grow_past_its_limit_and_keeps_its_bytes),
        cmocka_unit_test(buf_printf_appends_texts_longer_than_its_room),
        cmocka_unit_test(buf_printf_fills_the_room_exactly),
        cmocka_unit_test(buf_drop_keeps_the_rest),
        cmocka_unit_test(buf_take_gives_the_text_away_and_an_empty_one_too),
        cmocka_unit_test(strings_are_copied_and_null_stays_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
