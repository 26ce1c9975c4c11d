/* Jobs that a few threads do beside their owner, taken back in the order they were given: blocks to
 * compress, batches to convert. What a job works on lies in a slot, of which there are a fixed
 * number; so memory is bounded, and an owner that is ahead works along.
 *
 *   lt_relay_new(threads, slots, convert, reader, &relay, err);
 *   while (lt_relay_room(relay, &slot)) { fill slots[slot]; lt_relay_put(relay); }
 *   while (lt_relay_jobs(relay)) { status = lt_relay_take(relay, &slot, err); use slots[slot]; }
 *
 * All calls come from the owner's thread. A slot belongs to the owner until lt_relay_put() and
 * again from lt_relay_take() on, to one thread of the relay in between; no call holds a lock
 * meanwhile. */
#ifndef LT_RELAY_H
#define LT_RELAY_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>

#define LT_RELAY_THREADS_MAX 16
#define LT_RELAY_SLOTS_MAX 32

struct lt_relay;

/* Does the job in a slot, on any thread. *err is the call's own. */
typedef int lt_relay_fn(void *arg, size_t slot, struct leat_error *err);

/* Slots that keep so many threads busy: one each, and one that the owner fills. */
size_t lt_relay_slots_for(int threads);
/* `threads` are those at work, the owner's included: with 1 none is started and jobs are done in
 * lt_relay_take(). Others are started once jobs wait; where the system gives fewer, there are
 * fewer. */
int lt_relay_new(int threads, size_t slots, lt_relay_fn *fn, void *arg, struct lt_relay **ret_relay,
                 struct leat_error *err);
/* Waits for the jobs at work; others are not begun. NULL is fine. */
void lt_relay_free(struct lt_relay *relay);

/* The slot to be filled next; false: all are jobs. */
bool lt_relay_room(const struct lt_relay *relay, size_t *ret_slot);
/* Makes that slot a job. */
void lt_relay_put(struct lt_relay *relay);
/* Jobs put and not taken. */
size_t lt_relay_jobs(const struct lt_relay *relay);
/* Whether lt_relay_take() would return at once. */
bool lt_relay_ready(struct lt_relay *relay);
/* The oldest job, of which there must be one, once it is done, by the caller if need be: its slot
 * and what its call returned. */
int lt_relay_take(struct lt_relay *relay, size_t *ret_slot, struct leat_error *err);

#endif
