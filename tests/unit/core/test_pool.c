/* The pool: every item once, errors told, workers apart. */
#include "core/pool.h"

#include "core/codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 1000

struct tally {
    _Atomic int items[ITEMS];
    _Atomic int at_work[LT_POOL_THREADS_MAX];
    size_t fails_from; /* items from here on fail */
};

static int count(void *arg, size_t item, int worker, struct leat_error *err)
{
    struct tally *tally = arg;
    assert_int_equal(atomic_fetch_add(&tally->at_work[worker], 1), 0);
    atomic_fetch_add(&tally->items[item], 1);
    atomic_fetch_sub(&tally->at_work[worker], 1);
    return item >= tally->fails_from ? lt_fail(err, LT_E_INVALID, "item %zu", item) : LEAT_OK;
}

static void pool_calls_every_item_once_loop_after_loop(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads += 2) {
        struct lt_pool *pool;
        struct tally tally = {.fails_from = ITEMS};
        assert_int_equal(lt_pool_new(threads, &pool, NULL), LEAT_OK);
        assert_in_range(lt_pool_threads(pool), 1, threads);
        for (int loop = 1; loop <= 200; loop++) {
            assert_int_equal(lt_pool_run(pool, ITEMS, count, &tally, NULL), LEAT_OK);
            for (size_t i = 0; i < ITEMS; i++) {
                assert_int_equal(tally.items[i], loop);
            }
        }
        assert_int_equal(lt_pool_run(pool, 0, count, &tally, NULL), LEAT_OK);
        lt_pool_free(pool);
    }
}

static void pool_stops_at_a_failure_and_tells_the_first(void **state)
{
    (void)state;
    struct lt_pool *pool;
    assert_int_equal(lt_pool_new(4, &pool, NULL), LEAT_OK);
    for (int loop = 0; loop < 100; loop++) {
        struct tally tally = {.fails_from = 10};
        struct leat_error err = {0};
        assert_int_equal(lt_pool_run(pool, ITEMS, count, &tally, &err), LEAT_INVALID);
        assert_string_equal(err.message, "item 10");
        assert_int_equal(tally.items[ITEMS - 1], 0);
        tally.fails_from = ITEMS;
        assert_int_equal(lt_pool_run(pool, 5, count, &tally, &err), LEAT_OK);
    }
    lt_pool_free(pool);
    lt_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_calls_every_item_once_loop_after_loop),
        cmocka_unit_test(pool_stops_at_a_failure_and_tells_the_first),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
