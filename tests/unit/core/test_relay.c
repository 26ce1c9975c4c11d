/* The relay: jobs come back in order, each done once, whoever does them. */
#include "core/relay.h"

#include "core/codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define JOBS 2000

struct work {
    int given[LT_RELAY_SLOTS_MAX], made[LT_RELAY_SLOTS_MAX];
    int fails; /* the job that does; -1: none */
};

static int square(void *arg, size_t slot, struct leat_error *err)
{
    struct work *work = arg;
    /* Uneven, so that later jobs end before earlier ones. */
    volatile int spin = work->given[slot] % 7 * 300;
    while (spin > 0) {
        spin--;
    }
    work->made[slot] += work->given[slot];
    return work->given[slot] == work->fails
               ? lt_fail(err, LT_E_INVALID, "job %d", work->given[slot])
               : LEAT_OK;
}

static void relay_gives_jobs_back_in_order_each_done_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        struct work work = {.fails = 1234};
        struct lt_relay *relay;
        struct leat_error err = {0};
        size_t slots = lt_relay_slots_for(threads), slot;
        int put = 0, taken = 0;
        assert_int_equal(lt_relay_new(threads, slots, square, &work, &relay, NULL), LEAT_OK);
        while (taken < JOBS) {
            if (put < JOBS && lt_relay_room(relay, &slot) && !lt_relay_ready(relay)) {
                assert_true(lt_relay_jobs(relay) < slots);
                work.given[slot] = put++;
                work.made[slot] = 1;
                lt_relay_put(relay);
                continue;
            }
            int status = lt_relay_take(relay, &slot, &err);
            assert_int_equal(work.given[slot], taken);
            assert_int_equal(work.made[slot], taken + 1);
            assert_int_equal(status, taken == 1234 ? LEAT_INVALID : LEAT_OK);
            taken++;
        }
        assert_string_equal(err.message, "job 1234");
        assert_int_equal(lt_relay_jobs(relay), 0);
        assert_false(lt_relay_ready(relay));
        lt_relay_free(relay);
    }
}

static void relay_is_freed_with_jobs_left(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct work work = {.fails = -1};
        struct lt_relay *relay;
        size_t slot;
        assert_int_equal(lt_relay_new(3, 4, square, &work, &relay, NULL), LEAT_OK);
        for (int i = 0; i < round % 5; i++) {
            assert_true(lt_relay_room(relay, &slot));
            work.given[slot] = i;
            lt_relay_put(relay);
        }
        assert_int_equal(lt_relay_room(relay, &slot), round % 5 < 4);
        lt_relay_free(relay);
    }
    lt_relay_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relay_gives_jobs_back_in_order_each_done_once),
        cmocka_unit_test(relay_is_freed_with_jobs_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
