#include "engine/queue.h"

#include "core/codes.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct leat_payload payload;
    int64_t bytes;
    struct item *next;
};

struct lt_queue {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t room, filled;
    struct item *first, **last;
    int64_t bytes_used, bytes_max;
    int64_t waits;
    bool ended, closed;
};

int lt_queue_new(int64_t bytes_max, struct lt_queue **ret_queue, struct leat_error *err)
{
    struct lt_queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        return lt_fail_oom(err);
    }
    assert(bytes_max > 0);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->room, NULL);
    pthread_cond_init(&queue->filled, NULL);
    queue->last = &queue->first;
    queue->bytes_max = bytes_max;
    *ret_queue = queue;
    return LEAT_OK;
}

void lt_queue_free(struct lt_queue *queue)
{
    if (!queue) {
        return;
    }
    while (queue->first) {
        struct item *item = queue->first;
        queue->first = item->next;
        leat_x_payload_release(&item->payload);
        free(item);
    }
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->room);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

int lt_queue_push(struct lt_queue *queue, struct leat_payload *payload, int64_t bytes)
{
    struct item *item = calloc(1, sizeof *item);
    if (!item) {
        return LEAT_NO_MEMORY;
    }
    pthread_mutex_lock(&queue->mutex);
    while (!queue->closed && queue->bytes_used > 0 &&
           queue->bytes_used + bytes > queue->bytes_max) {
        pthread_cond_wait(&queue->room, &queue->mutex);
    }
    if (queue->closed) {
        pthread_mutex_unlock(&queue->mutex);
        free(item);
        return LEAT_CANCELLED;
    }
    assert(!queue->ended);
    item->payload = *payload;
    item->bytes = bytes;
    memset(payload, 0, sizeof *payload);
    payload->size = sizeof *payload;
    *queue->last = item;
    queue->last = &item->next;
    queue->bytes_used += bytes;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
    return LEAT_OK;
}

int lt_queue_pop(struct lt_queue *queue, struct leat_payload *ret_payload)
{
    struct item *item = NULL;
    int rc = LEAT_OK;
    pthread_mutex_lock(&queue->mutex);
    queue->waits += !queue->closed && !queue->ended && !queue->first;
    while (!queue->closed && !queue->ended && !queue->first) {
        pthread_cond_wait(&queue->filled, &queue->mutex);
    }
    if (queue->closed) {
        rc = LEAT_CANCELLED;
    } else if (queue->first) {
        item = queue->first;
        queue->first = item->next;
        if (!queue->first) {
            queue->last = &queue->first;
        }
        queue->bytes_used -= item->bytes;
        pthread_cond_broadcast(&queue->room);
    }
    pthread_mutex_unlock(&queue->mutex);
    if (rc) {
        return rc;
    }
    memset(ret_payload, 0, sizeof *ret_payload);
    ret_payload->size = sizeof *ret_payload;
    if (item) {
        *ret_payload = item->payload;
        free(item);
    }
    return LEAT_OK;
}

int64_t lt_queue_waits(struct lt_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    int64_t waits = queue->waits;
    pthread_mutex_unlock(&queue->mutex);
    return waits;
}

void lt_queue_end(struct lt_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->ended = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
}

void lt_queue_close(struct lt_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->mutex);
}
