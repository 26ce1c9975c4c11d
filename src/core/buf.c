/* See buf.h. */
#include "core/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

/* Small enough not to matter, large enough that a line of text grows once. */
#define FIRST_CAP 64

int lt_buf_grow(struct lt_buf *buf, size_t more)
{
    assert(buf->len <= buf->cap);
    if (more > LT_BUF_MAX || buf->len > LT_BUF_MAX - more) {
        return LEAT_NO_MEMORY;
    }
    size_t need = buf->len + more;
    size_t cap = buf->cap + buf->cap / 2;
    if (cap < need) {
        cap = need;
    }
    if (cap < FIRST_CAP) {
        cap = FIRST_CAP;
    }
    if (cap > LT_BUF_MAX) {
        cap = LT_BUF_MAX;
    }
    uint8_t *data = realloc(buf->data, cap + 1);
    if (!data && cap > need) {
        /* The half more was only there for speed. */
        cap = need;
        data = realloc(buf->data, cap + 1);
    }
    if (!data) {
        return LEAT_NO_MEMORY;
    }
    buf->data = data;
    buf->cap = cap;
    buf->data[buf->len] = 0;
    return LEAT_OK;
}

int lt_buf_vprintf(struct lt_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int status = LEAT_NO_MEMORY;
    /* Most texts fit into what is already there: one pass then, else a second one. */
    if (lt_buf_reserve(buf, 1)) {
        goto out;
    }
    size_t room = buf->cap - buf->len;
    int len = vsnprintf((char *)buf->data + buf->len, room + 1, fmt, args);
    if (len < 0) {
        buf->data[buf->len] = 0;
        goto out;
    }
    if ((size_t)len > room) {
        buf->data[buf->len] = 0;
        if (lt_buf_reserve(buf, (size_t)len)) {
            goto out;
        }
        vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, again);
    }
    buf->len += (size_t)len;
    status = LEAT_OK;
out:
    va_end(again);
    return status;
}

int lt_buf_printf(struct lt_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int status = lt_buf_vprintf(buf, fmt, args);
    va_end(args);
    return status;
}

void lt_buf_drop(struct lt_buf *buf, size_t n)
{
    assert(n <= buf->len);
    if (!n) {
        return;
    }
    memmove(buf->data, buf->data + n, buf->len - n);
    buf->len -= n;
    buf->data[buf->len] = 0;
}

char *lt_buf_take(struct lt_buf *buf)
{
    if (lt_buf_reserve(buf, 0)) {
        return NULL;
    }
    char *text = (char *)buf->data;
    *buf = (struct lt_buf)LT_BUF_INIT;
    return text;
}

void lt_buf_done(struct lt_buf *buf)
{
    if (buf) {
        free(buf->data);
        *buf = (struct lt_buf)LT_BUF_INIT;
    }
}

char *lt_format(const char *fmt, ...)
{
    struct lt_buf buf = LT_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    int status = lt_buf_vprintf(&buf, fmt, args);
    va_end(args);
    if (status) {
        lt_buf_done(&buf);
        return NULL;
    }
    return lt_buf_take(&buf);
}

char *lt_strndup(const char *text, size_t len)
{
    if (len >= LT_BUF_MAX) {
        return NULL;
    }
    char *copy = malloc(len + 1);
    if (!copy) {
        return NULL;
    }
    if (len) {
        memcpy(copy, text, len);
    }
    copy[len] = 0;
    return copy;
}

char *lt_strdup(const char *text)
{
    return text ? lt_strndup(text, strlen(text)) : NULL;
}
