/* Reading ahead: the same bytes, the same end, the same failure at the same place. */
#include "../../short_source.h"
#include "core/ahead.h"
#include "core/codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES ((size_t)3 << 20)

/* Fails once `fails_at` bytes were given. */
struct failing_source {
    struct short_source s;
    size_t fails_at;
    int closed;
};

static int failing_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                        struct leat_error *err)
{
    struct failing_source *self = (struct failing_source *)source;
    if (self->s.at >= self->fails_at) {
        return lt_fail(err, LT_E_CORRUPT, "cut at %zu", self->s.at);
    }
    return short_read(source, data, size, ret_len, err);
}

static void count_close(struct lt_source *source)
{
    ((struct failing_source *)source)->closed++;
}

static uint8_t *pattern(void)
{
    uint8_t *data = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++) {
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    return data;
}

static void open_failing(struct failing_source *inner, const uint8_t *data, size_t step,
                         size_t fails_at, struct lt_source **ret_source)
{
    static const struct lt_source_ops ops = {.read = failing_read, .close = count_close};
    short_source_open(&inner->s, "file.gz", data, BYTES, step);
    inner->s.base.ops = &ops;
    inner->fails_at = fails_at;
    inner->closed = 0;
    assert_int_equal(lt_source_ahead(&inner->s.base, ret_source, NULL), LEAT_OK);
}

static void ahead_gives_the_same_bytes_then_the_end_or_the_failure(void **state)
{
    (void)state;
    static const size_t steps[] = {1000, 65536, SIZE_MAX}, ends[] = {1 << 19, 2500000, SIZE_MAX};
    uint8_t *data = pattern(), *got = malloc(BYTES + 1);
    for (int i = 0; i < 9; i++) {
        struct failing_source inner;
        struct lt_source *source;
        struct leat_error err = {0};
        size_t at = 0, n = 1;
        int status = LEAT_OK;
        open_failing(&inner, data, steps[i % 3], ends[i / 3], &source);
        while (!status && n) {
            status = lt_source_read(source, got + at, i % 2 ? 777 : BYTES - at + 1, &n, &err);
            at += status ? 0 : n;
        }
        assert_int_equal(status, ends[i / 3] < BYTES ? LEAT_BAD_DATA : LEAT_OK);
        assert_int_equal(at, inner.s.at);
        assert_memory_equal(got, data, at);
        assert_int_equal(lt_source_read(source, got, 1, &n, &err), status); /* and again */
        assert_true(status || !n);
        assert_int_equal(source->position, at);
        lt_source_close(source);
        assert_int_equal(inner.closed, 1);
    }
    free(data);
    free(got);
}

static void ahead_is_closed_at_any_point(void **state)
{
    (void)state;
    uint8_t *data = pattern(), *got = malloc(BYTES);
    for (size_t stop = 0; stop < BYTES; stop += 300000) {
        struct failing_source inner;
        struct lt_source *source;
        size_t at = 0, n;
        open_failing(&inner, data, 10000, SIZE_MAX, &source);
        while (at < stop) {
            assert_int_equal(lt_source_read(source, got, 50000, &n, NULL), LEAT_OK);
            at += n;
        }
        lt_source_close(source);
        assert_int_equal(inner.closed, 1);
    }
    free(data);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ahead_gives_the_same_bytes_then_the_end_or_the_failure),
        cmocka_unit_test(ahead_is_closed_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
