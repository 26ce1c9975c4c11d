/* Many small things of one life. */
#include "core/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void arena_things_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct lt_arena arena = {NULL, false};
    unsigned char *all[2000];
    for (size_t i = 0; i < 2000; i++) {
        size_t size = i % 97;
        all[i] = lt_arena_alloc(&arena, size);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(all[i][k], 0);
        }
        memset(all[i], (int)i, size);
    }
    for (size_t i = 0; i < 2000; i++) {
        for (size_t k = 0; k < i % 97; k++) {
            assert_int_equal(all[i][k], (unsigned char)i);
        }
    }
    unsigned char *large = lt_arena_alloc(&arena, 1 << 20);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_false(arena.failed);
    lt_arena_done(&arena);
}

static void arena_arrays_keep_what_they_hold_as_they_grow(void **state)
{
    (void)state;
    struct lt_arena arena = {NULL, false};
    size_t *numbers = NULL;
    for (size_t i = 0; i < 1000; i++) {
        numbers = lt_arena_more(&arena, numbers, i, sizeof *numbers);
        assert_non_null(numbers);
        numbers[i] = i;
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(numbers[i], i);
    }
    assert_string_equal(lt_arena_format(&arena, "%s %d", "a", 7), "a 7");
    assert_string_equal(lt_arena_strndup(&arena, "abc", 2), "ab");
    lt_arena_done(&arena);
}

static void arena_says_that_memory_was_not_to_be_had(void **state)
{
    (void)state;
    struct lt_arena arena = {NULL, false};
    assert_null(lt_arena_alloc(&arena, SIZE_MAX));
    assert_true(arena.failed);
    lt_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_things_are_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_arrays_keep_what_they_hold_as_they_grow),
        cmocka_unit_test(arena_says_that_memory_was_not_to_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
