/* See ahead.h. */
#include "core/ahead.h"

#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define BUFFERS 3
#define BUFFER_BYTES (LT_AHEAD_BYTES / BUFFERS)

/* What one read of the inner source gave. */
struct buffer {
    uint8_t *data;
    size_t len, at; /* at: bytes given on */
    int64_t position;
    int status;
    struct leat_error error;
};

struct ahead {
    struct lt_source base;
    struct lt_source *inner; /* the thread's, once it runs */
    int64_t straight;        /* bytes read without it */
    bool running, alone;     /* alone: there is no thread to be had */
    pthread_t thread;
    struct buffer buffers[BUFFERS]; /* number n is buffers[n % BUFFERS] */
    pthread_mutex_t mutex;          /* guards all below */
    pthread_cond_t changed;
    uint64_t filled, used; /* buffers in between are the reader's, the others the thread's */
    bool over;             /* the source is being closed */
};

static void *read_ahead(void *arg)
{
    struct ahead *self = arg;
    bool ended = false;
    pthread_mutex_lock(&self->mutex);
    while (!self->over && !ended) {
        if (self->filled - self->used == BUFFERS) {
            pthread_cond_wait(&self->changed, &self->mutex);
            continue;
        }
        struct buffer *buffer = &self->buffers[self->filled % BUFFERS];
        pthread_mutex_unlock(&self->mutex);
        buffer->at = buffer->len = 0;
        leat_error_clear(&buffer->error);
        buffer->status =
            lt_source_read(self->inner, buffer->data, BUFFER_BYTES, &buffer->len, &buffer->error);
        buffer->position = self->inner->position;
        ended = buffer->status || !buffer->len;
        pthread_mutex_lock(&self->mutex);
        self->filled++;
        pthread_cond_signal(&self->changed);
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

static void start(struct ahead *self)
{
    bool ready = true;
    for (size_t i = 0; i < BUFFERS && ready; i++) {
        self->buffers[i].data = malloc(BUFFER_BYTES);
        ready = self->buffers[i].data;
    }
    self->running = ready && !lt_thread_start(&self->thread, read_ahead, self, NULL);
    self->alone = !self->running;
}

static int read_straight(struct ahead *self, void *data, size_t size, size_t *ret_len,
                         struct leat_error *err)
{
    int status = lt_source_read(self->inner, data, size, ret_len, err);
    self->straight += status ? 0 : (int64_t)*ret_len;
    self->base.position = self->inner->position;
    return status;
}

static int ahead_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                      struct leat_error *err)
{
    struct ahead *self = (struct ahead *)source;
    if (!self->running && !self->alone && self->straight >= LT_AHEAD_START) {
        start(self);
    }
    if (!self->running) {
        return read_straight(self, data, size, ret_len, err);
    }
    pthread_mutex_lock(&self->mutex);
    while (self->filled == self->used) {
        pthread_cond_wait(&self->changed, &self->mutex);
    }
    pthread_mutex_unlock(&self->mutex);
    struct buffer *buffer = &self->buffers[self->used % BUFFERS];
    if (buffer->status) {
        if (err) {
            *err = buffer->error;
        }
        return buffer->status;
    }
    size_t n = LT_MIN(size, buffer->len - buffer->at);
    *ret_len = n;
    if (n) {
        memcpy(data, buffer->data + buffer->at, n);
    }
    buffer->at += n;
    source->position = buffer->position;
    if (n && buffer->at == buffer->len) { /* the end stays where it is, to be met again */
        pthread_mutex_lock(&self->mutex);
        self->used++;
        pthread_cond_signal(&self->changed);
        pthread_mutex_unlock(&self->mutex);
    }
    return LEAT_OK;
}

static void ahead_close(struct lt_source *source)
{
    struct ahead *self = (struct ahead *)source;
    if (self->running) {
        pthread_mutex_lock(&self->mutex);
        self->over = true;
        pthread_cond_signal(&self->changed);
        pthread_mutex_unlock(&self->mutex);
        pthread_join(self->thread, NULL);
    }
    for (size_t i = 0; i < BUFFERS; i++) {
        free(self->buffers[i].data);
    }
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    lt_source_close(self->inner);
    free(self);
}

static const struct lt_source_ops ahead_ops = {ahead_read, NULL, ahead_close};

int lt_source_ahead(struct lt_source *inner, struct lt_source **ret_source, struct leat_error *err)
{
    struct ahead *self = calloc(1, sizeof *self);
    if (!self) {
        lt_source_close(inner);
        return lt_fail_oom(err);
    }
    self->base = (struct lt_source){
        .ops = &ahead_ops, .name = inner->name, .size = inner->size, .position = inner->position};
    self->inner = inner;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->changed, NULL);
    *ret_source = &self->base;
    return LEAT_OK;
}
