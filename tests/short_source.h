/* A source over memory that hands out at most `step` bytes a read: for tests and fuzzers. */
#ifndef LT_TEST_SHORT_SOURCE_H
#define LT_TEST_SHORT_SOURCE_H

#include "core/bytes.h"

#include <stdint.h>
#include <string.h>

struct short_source {
    struct lt_source base;
    const uint8_t *data;
    size_t len, at, step;
};

static inline int short_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                             struct leat_error *err)
{
    struct short_source *s = (struct short_source *)source;
    size_t n = s->len - s->at;
    (void)err;
    n = n < size ? n : size;
    n = n < s->step ? n : s->step;
    if (n) {
        memcpy(data, s->data + s->at, n);
    }
    s->at += n;
    s->base.position += (int64_t)n;
    *ret_len = n;
    return LEAT_OK;
}

static inline void short_close(struct lt_source *source)
{
    (void)source;
}

/* step 0: all at once. */
static inline void short_source_open(struct short_source *s, const char *name, const void *data,
                                     size_t len, size_t step)
{
    static const struct lt_source_ops ops = {.read = short_read, .close = short_close};
    *s = (struct short_source){.base = {.ops = &ops, .name = name, .size = -1},
                               .data = data,
                               .len = len,
                               .step = step ? step : SIZE_MAX};
}

#endif
