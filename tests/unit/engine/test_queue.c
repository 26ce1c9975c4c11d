#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/thread.h"
#include "core/util.h"
#include "engine/queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BOUND 100
#define ROUNDS 2000
#define THREADS 3

static atomic_int live;           /* payloads not yet released */
static _Atomic int64_t in_flight; /* bytes pushed and not yet popped, as the threads saw it */

static void release(void *arg)
{
    free(arg);
    atomic_fetch_sub(&live, 1);
}

static struct leat_payload payload_of(int64_t rows)
{
    struct leat_payload payload = {
        .size = sizeof payload, .kind = LEAT_PAYLOAD_BYTES, .bytes_release = release, .rows = rows};
    payload.bytes_arg = malloc(1);
    payload.bytes = payload.bytes_arg;
    atomic_fetch_add(&live, 1);
    return payload;
}

static struct lt_queue *make(void)
{
    struct lt_queue *queue = NULL;
    assert_int_equal(lt_queue_new(BOUND, &queue, NULL), LEAT_OK);
    return queue;
}

static void queue_gives_payloads_in_order_and_none_for_ever_after_end(void **state)
{
    (void)state;
    struct lt_queue *queue = make();
    struct leat_payload payload;
    for (int i = 1; i <= 3; i++) {
        payload = payload_of(i);
        assert_int_equal(lt_queue_push(queue, &payload, 10), LEAT_OK);
        assert_int_equal(payload.kind, LEAT_PAYLOAD_NONE);
    }
    lt_queue_end(queue);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(lt_queue_pop(queue, &payload), LEAT_OK);
        assert_int_equal(payload.rows, i);
        leat_x_payload_release(&payload);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lt_queue_pop(queue, &payload), LEAT_OK);
        assert_int_equal(payload.kind, LEAT_PAYLOAD_NONE);
    }
    lt_queue_free(queue);
    assert_int_equal(live, 0);
}

static void queue_takes_a_payload_larger_than_its_bound_when_empty(void **state)
{
    (void)state;
    struct lt_queue *queue = make();
    struct leat_payload payload = payload_of(1);
    assert_int_equal(lt_queue_push(queue, &payload, 10 * BOUND), LEAT_OK);
    lt_queue_free(queue); /* with what is left in it */
    assert_int_equal(live, 0);
}

static void queue_push_returns_cancelled_and_keeps_the_payload_once_closed(void **state)
{
    (void)state;
    struct lt_queue *queue = make();
    struct leat_payload payload = payload_of(7);
    lt_queue_close(queue);
    assert_int_equal(lt_queue_push(queue, &payload, 1), LEAT_CANCELLED);
    assert_int_equal(payload.rows, 7);
    leat_x_payload_release(&payload);
    assert_int_equal(lt_queue_pop(queue, &payload), LEAT_CANCELLED);
    lt_queue_free(queue);
    assert_int_equal(live, 0);
}

struct waiting {
    struct lt_queue *queue;
    bool pushes;
    int rc;
    enum leat_payload_kind kind;
};

static void *wait_inside(void *arg)
{
    struct waiting *w = arg;
    struct leat_payload payload = {.size = sizeof payload};
    if (w->pushes) {
        payload = payload_of(1);
        w->rc = lt_queue_push(w->queue, &payload, BOUND);
    } else {
        w->rc = lt_queue_pop(w->queue, &payload);
    }
    w->kind = payload.kind;
    leat_x_payload_release(&payload);
    return NULL;
}

static struct waiting wait_and(struct lt_queue *queue, bool pushes, void (*wake)(struct lt_queue *))
{
    struct waiting w = {.queue = queue, .pushes = pushes, .rc = -1};
    pthread_t thread;
    assert_int_equal(lt_thread_start(&thread, wait_inside, &w, NULL), LEAT_OK);
    lt_sleep_ms(20, NULL);
    wake(queue);
    pthread_join(thread, NULL);
    return w;
}

static void queue_push_returns_cancelled_when_closed_while_waiting(void **state)
{
    (void)state;
    struct lt_queue *queue = make();
    struct leat_payload payload = payload_of(1);
    assert_int_equal(lt_queue_push(queue, &payload, BOUND), LEAT_OK);
    assert_int_equal(wait_and(queue, true, lt_queue_close).rc, LEAT_CANCELLED);
    lt_queue_free(queue);
    assert_int_equal(live, 0);
}

static void queue_pop_wakes_on_close_and_on_end(void **state)
{
    (void)state;
    struct lt_queue *queue = make();
    assert_int_equal(wait_and(queue, false, lt_queue_close).rc, LEAT_CANCELLED);
    lt_queue_free(queue);
    queue = make();
    struct waiting w = wait_and(queue, false, lt_queue_end);
    assert_int_equal(w.rc, LEAT_OK);
    assert_int_equal(w.kind, LEAT_PAYLOAD_NONE);
    lt_queue_free(queue);
}

static void *push_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        int64_t bytes = 1 + i % 40;
        struct leat_payload payload = payload_of(bytes);
        if (lt_queue_push(arg, &payload, bytes)) {
            leat_x_payload_release(&payload);
            break;
        }
        atomic_fetch_add(&in_flight, bytes);
    }
    return NULL;
}

static void queue_never_holds_more_than_its_bound_between_many_threads(void **state)
{
    (void)state;
    struct lt_queue *queue = make();
    pthread_t threads[THREADS];
    int64_t most = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(lt_thread_start(&threads[i], push_many, queue, NULL), LEAT_OK);
    }
    for (int i = 0; i < THREADS * ROUNDS; i++) {
        struct leat_payload payload;
        assert_int_equal(lt_queue_pop(queue, &payload), LEAT_OK);
        int64_t now = atomic_fetch_sub(&in_flight, payload.rows);
        most = LT_MAX(most, now);
        leat_x_payload_release(&payload);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    /* A push is counted after it was let in, and a pop before it is: never more than the bound,
     * and what is between the pop and its count. */
    assert_true(most <= BOUND + 40);
    assert_int_equal(in_flight, 0);
    assert_int_equal(live, 0);
    lt_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_gives_payloads_in_order_and_none_for_ever_after_end),
        cmocka_unit_test(queue_takes_a_payload_larger_than_its_bound_when_empty),
        cmocka_unit_test(queue_push_returns_cancelled_and_keeps_the_payload_once_closed),
        cmocka_unit_test(queue_push_returns_cancelled_when_closed_while_waiting),
        cmocka_unit_test(queue_pop_wakes_on_close_and_on_end),
        cmocka_unit_test(queue_never_holds_more_than_its_bound_between_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
