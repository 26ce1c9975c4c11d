/* Sources and sinks in memory. */
#include "core/bytes.h"

#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void memory_source_gives_its_bytes_once_and_then_the_end(void **state)
{
    (void)state;
    struct lt_source *source = NULL;
    struct leat_error err;
    assert_int_equal(lt_source_memory("hello", 5, "h.txt", &source, &err), LEAT_OK);
    assert_string_equal(source->name, "h.txt");
    assert_int_equal(source->size, 5);
    char data[8];
    size_t len = 99;
    assert_int_equal(lt_source_read(source, data, 2, &len, &err), LEAT_OK);
    assert_int_equal(len, 2);
    assert_int_equal(source->position, 2);
    assert_int_equal(lt_source_read_full(source, data, sizeof(data), &len, &err), LEAT_OK);
    assert_int_equal(len, 3);
    assert_memory_equal(data, "llo", 3);
    assert_int_equal(lt_source_read(source, data, sizeof(data), &len, &err), LEAT_OK);
    assert_int_equal(len, 0);
    lt_source_close(source);
    lt_source_close(NULL);
}

static void memory_source_read_at_checks_both_ends_and_moves_nothing(void **state)
{
    (void)state;
    struct lt_source *source = NULL;
    struct leat_error err;
    assert_int_equal(lt_source_memory("0123456789", 10, "digits", &source, &err), LEAT_OK);
    char data[16];
    assert_int_equal(source->ops->read_at(source, 4, data, 6, &err), LEAT_OK);
    assert_memory_equal(data, "456789", 6);
    assert_int_equal(source->ops->read_at(source, 10, data, 0, &err), LEAT_OK);
    assert_int_equal(source->ops->read_at(source, 5, data, 6, &err), LEAT_BAD_DATA);
    assert_string_equal(err.place, "digits");
    assert_int_equal(source->ops->read_at(source, -1, data, 1, &err), LEAT_BAD_DATA);
    assert_int_equal(source->ops->read_at(source, INT64_MAX, data, 1, &err), LEAT_BAD_DATA);
    assert_int_equal(source->ops->read_at(source, 1, data, SIZE_MAX, &err), LEAT_BAD_DATA);
    assert_int_equal(source->position, 0);
    lt_source_close(source);
}

static void memory_source_may_be_empty(void **state)
{
    (void)state;
    struct lt_source *source = NULL;
    assert_int_equal(lt_source_memory(NULL, 0, NULL, &source, NULL), LEAT_OK);
    assert_non_null(source->name);
    char byte;
    size_t len = 1;
    assert_int_equal(lt_source_read(source, &byte, 1, &len, NULL), LEAT_OK);
    assert_int_equal(len, 0);
    lt_source_close(source);
}

static void memory_sink_appends_and_refuses_bytes_after_the_end(void **state)
{
    (void)state;
    struct lt_buf buf = LT_BUF_INIT;
    struct lt_sink *sink = NULL;
    struct leat_error err;
    assert_int_equal(lt_buf_puts(&buf, "before "), LEAT_OK);
    assert_int_equal(lt_sink_memory(&buf, &sink, &err), LEAT_OK);
    assert_int_equal(lt_sink_write(sink, "abc", 3, &err), LEAT_OK);
    assert_int_equal(lt_sink_write(sink, NULL, 0, &err), LEAT_OK);
    assert_int_equal(sink->position, 3);
    assert_int_equal(lt_sink_finish(sink, &err), LEAT_OK);
    assert_int_equal(lt_sink_write(sink, "d", 1, &err), LEAT_INTERNAL);
    lt_sink_close(sink);
    lt_sink_close(NULL);
    assert_string_equal(lt_buf_text(&buf), "before abc");
    lt_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_source_gives_its_bytes_once_and_then_the_end),
        cmocka_unit_test(memory_source_read_at_checks_both_ends_and_moves_nothing),
        cmocka_unit_test(memory_source_may_be_empty),
        cmocka_unit_test(memory_sink_appends_and_refuses_bytes_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
