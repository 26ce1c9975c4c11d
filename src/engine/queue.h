/* The queue between one reader side and one destination: payloads, bounded in bytes.
 *
 * Any number of threads may push and pop. The queue is full when bytes_used is at bytes_max, but
 * an empty queue takes anything, for otherwise a payload larger than the bound could never pass.
 * It ends in one of two ways: end(), after which what is queued can still be popped, and then
 * LEAT_PAYLOAD_NONE comes for ever; or close(), after which every call, waiting ones included,
 * returns LEAT_CANCELLED at once and what was queued is released by free().
 *
 * One mutex guards everything; nothing is called back while it is held. */
#ifndef LT_QUEUE_H
#define LT_QUEUE_H

#include "leat/connector.h"

struct lt_queue;

int lt_queue_new(int64_t bytes_max, struct lt_queue **ret_queue, struct leat_error *err);
/* Releases what is left. No thread may be inside. NULL is fine. */
void lt_queue_free(struct lt_queue *queue);

/* Waits for room, then appends. On LEAT_OK the payload's contents were moved out (its kind is
 * NONE); else LEAT_CANCELLED and it is untouched. */
int lt_queue_push(struct lt_queue *queue, struct leat_payload *payload, int64_t bytes);

/* Waits for a payload. After end() and all was popped: kind NONE. LEAT_CANCELLED once closed. */
int lt_queue_pop(struct lt_queue *queue, struct leat_payload *ret_payload);

/* How many pops found the queue empty and had to wait. */
int64_t lt_queue_waits(struct lt_queue *queue);

void lt_queue_end(struct lt_queue *queue);
void lt_queue_close(struct lt_queue *queue);

#endif
