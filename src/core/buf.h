/* Growing bytes, or text: the one buffer type of the tree.
 *
 * `data` is NULL or malloc'ed and always followed by a NUL byte that `len` does not count, so a
 * buffer holding text can be printed. Zero-initialise with LT_BUF_INIT, empty with
 * lt_buf_clear(), free with lt_buf_done(). All calls that grow return LEAT_OK or LEAT_NO_MEMORY
 * (also past LT_BUF_MAX) and leave the buffer as it was on failure. */
#ifndef LT_BUF_H
#define LT_BUF_H

#include "leat/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define LT_BUF_MAX ((size_t)1 << 40)
/* clang-format off */
#define LT_BUF_INIT {NULL, 0, 0}
/* clang-format on */

struct lt_buf {
    uint8_t *data;
    size_t len;
    size_t cap; /* bytes usable without growing, the final NUL not counted */
};

/* Makes room for `more` bytes past len. Grows by half at least. */
int lt_buf_grow(struct lt_buf *buf, size_t more);

static inline int lt_buf_reserve(struct lt_buf *buf, size_t more)
{
    return buf->cap - buf->len >= more && buf->data ? LEAT_OK : lt_buf_grow(buf, more);
}

static inline int lt_buf_append(struct lt_buf *buf, const void *data, size_t len)
{
    if (lt_buf_reserve(buf, len)) {
        return LEAT_NO_MEMORY;
    }
    if (len) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = 0;
    return LEAT_OK;
}

static inline int lt_buf_byte(struct lt_buf *buf, uint8_t byte)
{
    if (lt_buf_reserve(buf, 1)) {
        return LEAT_NO_MEMORY;
    }
    buf->data[buf->len++] = byte;
    buf->data[buf->len] = 0;
    return LEAT_OK;
}

static inline int lt_buf_puts(struct lt_buf *buf, const char *text)
{
    return lt_buf_append(buf, text, strlen(text));
}

int lt_buf_printf(struct lt_buf *buf, const char *fmt, ...) LEAT_PRINTF(2, 3);
int lt_buf_vprintf(struct lt_buf *buf, const char *fmt, va_list args) LEAT_PRINTF(2, 0);

/* The text so far; "" when nothing was written. Valid until the next change. */
static inline const char *lt_buf_text(const struct lt_buf *buf)
{
    return buf->data ? (const char *)buf->data : "";
}

/* Removes the first `n` bytes (n <= len), moving the rest down. */
void lt_buf_drop(struct lt_buf *buf, size_t n);

static inline void lt_buf_clear(struct lt_buf *buf)
{
    buf->len = 0;
    if (buf->data) {
        buf->data[0] = 0;
    }
}

/* Hands the bytes to the caller, who frees them; the buffer is empty afterwards. NULL only
 * without memory (an empty buffer gives an empty string). */
char *lt_buf_take(struct lt_buf *buf);

void lt_buf_done(struct lt_buf *buf);

/* malloc'ed printf; NULL without memory. */
char *lt_format(const char *fmt, ...) LEAT_PRINTF(1, 2);
/* malloc'ed copy of `len` bytes plus a NUL. */
char *lt_strndup(const char *text, size_t len);
/* malloc'ed copy; NULL for NULL or without memory. */
char *lt_strdup(const char *text);

#endif
