/* FlatBuffers reading and writing ("FlatBuffers internals" describes the layout): little-endian;
 * a table starts with a signed distance back to its vtable, which holds two lengths and then, for
 * each field, its place in the table, 0 for absent. Offsets point forward from where they are. */
#include "formats/arrow/flatbuf.h"

#include <assert.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

/* Positions are 32 bits wide, and so many bytes of metadata are never meant. */
#define FB_LEN_MAX ((size_t)INT32_MAX)

static uint32_t u32_at(const struct lt_fb *fb, size_t pos)
{
    uint32_t value;
    memcpy(&value, fb->data + pos, sizeof value);
    return value;
}

static uint16_t u16_at(const struct lt_fb *fb, size_t pos)
{
    uint16_t value;
    memcpy(&value, fb->data + pos, sizeof value);
    return value;
}

static bool fits(const struct lt_fb *fb, size_t pos, size_t size)
{
    return pos <= fb->len && fb->len - pos >= size;
}

static bool table_at(struct lt_fb *fb, size_t pos, struct lt_fb_table *ret_table)
{
    *ret_table = (struct lt_fb_table){0};
    if (!fits(fb, pos, 4)) {
        goto bad;
    }
    int64_t vtable = (int64_t)pos - (int32_t)u32_at(fb, pos);
    if (vtable < 0 || !fits(fb, (size_t)vtable, 4)) {
        goto bad;
    }
    unsigned vtable_len = u16_at(fb, (size_t)vtable);
    unsigned table_len = u16_at(fb, (size_t)vtable + 2);
    if (vtable_len < 4 || vtable_len % 2 || !fits(fb, (size_t)vtable, vtable_len) ||
        table_len < 4 || !fits(fb, pos, table_len)) {
        goto bad;
    }
    *ret_table = (struct lt_fb_table){.fb = fb,
                                      .pos = pos,
                                      .vtable = (size_t)vtable,
                                      .vtable_len = vtable_len,
                                      .table_len = table_len};
    return true;
bad:
    fb->bad = true;
    return false;
}

bool lt_fb_root(struct lt_fb *fb, struct lt_fb_table *ret_table)
{
    *ret_table = (struct lt_fb_table){0};
    if (fb->len < 8 || fb->len > FB_LEN_MAX) {
        fb->bad = true;
        return false;
    }
    return table_at(fb, u32_at(fb, 0), ret_table);
}

/* Where a field of `size` bytes lies; 0 when absent. */
static size_t field_at(const struct lt_fb_table *table, unsigned field, size_t size)
{
    if (!table->fb || 4 + 2 * field + 2 > table->vtable_len) {
        return 0;
    }
    unsigned at = u16_at(table->fb, table->vtable + 4 + 2 * (size_t)field);
    if (!at) {
        return 0;
    }
    if (at < 4 || at + size > table->table_len) {
        table->fb->bad = true;
        return 0;
    }
    return table->pos + at;
}

#define FB_SCALAR(name, type)                                                                      \
    type lt_fb_##name(const struct lt_fb_table *table, unsigned field, type fallback)              \
    {                                                                                              \
        size_t at = field_at(table, field, sizeof fallback);                                       \
        if (at) {                                                                                  \
            memcpy(&fallback, table->fb->data + at, sizeof fallback);                              \
        }                                                                                          \
        return fallback;                                                                           \
    }
FB_SCALAR(i8, int8_t)
FB_SCALAR(i16, int16_t)
FB_SCALAR(i32, int32_t)
FB_SCALAR(i64, int64_t)
#undef FB_SCALAR

/* Follows the offset at `at`; 0 when it leads outside. */
static size_t follow(struct lt_fb *fb, size_t at)
{
    size_t to = at + u32_at(fb, at);
    if (to == at || !fits(fb, to, 4)) {
        fb->bad = true;
        return 0;
    }
    return to;
}

bool lt_fb_table(const struct lt_fb_table *table, unsigned field, struct lt_fb_table *ret_table)
{
    size_t at = field_at(table, field, 4);
    size_t to = at ? follow(table->fb, at) : 0;
    if (!to) {
        *ret_table = (struct lt_fb_table){0};
        return false;
    }
    return table_at(table->fb, to, ret_table);
}

bool lt_fb_vector(const struct lt_fb_table *table, unsigned field, size_t size,
                  struct lt_fb_vector *ret_vector)
{
    *ret_vector = (struct lt_fb_vector){0};
    size_t at = field_at(table, field, 4);
    size_t to = at ? follow(table->fb, at) : 0;
    if (!to) {
        return false;
    }
    size_t count = u32_at(table->fb, to);
    if (count > (table->fb->len - to - 4) / size) {
        table->fb->bad = true;
        return false;
    }
    *ret_vector = (struct lt_fb_vector){.fb = table->fb, .pos = to + 4, .count = count};
    return true;
}

const char *lt_fb_string(const struct lt_fb_table *table, unsigned field, size_t *ret_len)
{
    struct lt_fb_vector bytes;
    *ret_len = 0;
    if (!lt_fb_vector(table, field, 1, &bytes)) {
        return NULL;
    }
    *ret_len = bytes.count;
    return (const char *)table->fb->data + bytes.pos;
}

bool lt_fb_vector_table(const struct lt_fb_vector *vector, size_t i, struct lt_fb_table *ret_table)
{
    assert(i < vector->count);
    size_t to = follow(vector->fb, vector->pos + 4 * i);
    if (!to) {
        *ret_table = (struct lt_fb_table){0};
        return false;
    }
    return table_at(vector->fb, to, ret_table);
}

int64_t lt_fb_vector_i64(const struct lt_fb_vector *vector, size_t at)
{
    int64_t value;
    memcpy(&value, vector->fb->data + vector->pos + at, sizeof value);
    return value;
}

int32_t lt_fb_vector_i32(const struct lt_fb_vector *vector, size_t at)
{
    return (int32_t)u32_at(vector->fb, vector->pos + at);
}

/* --- writing ------------------------------------------------------------------------------- */

static void zeros(struct lt_fbw *w, size_t n)
{
    if (w->oom || n > FB_LEN_MAX - w->buf.len || lt_buf_reserve(&w->buf, n)) {
        w->oom = true;
        return;
    }
    memset(w->buf.data + w->buf.len, 0, n + 1);
    w->buf.len += n;
}

/* Pads until len + ahead is a multiple of `align`. */
static void pad(struct lt_fbw *w, size_t ahead, size_t align)
{
    zeros(w, (align - (w->buf.len + ahead) % align) % align);
}

void lt_fbw_start(struct lt_fbw *w)
{
    *w = (struct lt_fbw){.buf = LT_BUF_INIT};
    zeros(w, 4);
}

void lt_fbw_done(struct lt_fbw *w)
{
    lt_buf_done(&w->buf);
}

void lt_fbw_set(struct lt_fbw *w, size_t slot, const void *value, size_t size)
{
    if (!w->oom) {
        assert(slot + size <= w->buf.len);
        memcpy(w->buf.data + slot, value, size);
    }
}

void lt_fbw_i8(struct lt_fbw *w, size_t slot, int8_t value)
{
    lt_fbw_set(w, slot, &value, sizeof value);
}

void lt_fbw_i16(struct lt_fbw *w, size_t slot, int16_t value)
{
    lt_fbw_set(w, slot, &value, sizeof value);
}

void lt_fbw_i32(struct lt_fbw *w, size_t slot, int32_t value)
{
    lt_fbw_set(w, slot, &value, sizeof value);
}

void lt_fbw_i64(struct lt_fbw *w, size_t slot, int64_t value)
{
    lt_fbw_set(w, slot, &value, sizeof value);
}

static void link_to(struct lt_fbw *w, size_t slot, size_t pos)
{
    lt_fbw_i32(w, slot, (int32_t)(pos - slot));
}

void lt_fbw_table(struct lt_fbw *w, size_t slot, const uint8_t *sizes, unsigned n,
                  struct lt_fbw_table *ret_table)
{
    uint16_t vtable[2 + LT_FBW_FIELDS_MAX] = {0};
    size_t at = 4;
    assert(n <= LT_FBW_FIELDS_MAX);
    /* Widest first: with the table starting four bytes before a multiple of eight, every field
     * then falls on a multiple of its own size without padding. */
    for (unsigned size = 8; size; size /= 2) {
        for (unsigned i = 0; i < n; i++) {
            if (sizes[i] == size) {
                vtable[2 + i] = (uint16_t)at;
                at += size;
            }
        }
    }
    size_t vtable_len = 4 + 2 * (size_t)n;
    vtable[0] = (uint16_t)vtable_len;
    vtable[1] = (uint16_t)at;
    pad(w, vtable_len + 4, 8);
    size_t vtable_pos = w->buf.len;
    zeros(w, vtable_len + at);
    size_t pos = vtable_pos + vtable_len;
    lt_fbw_set(w, vtable_pos, vtable, vtable_len);
    lt_fbw_i32(w, pos, (int32_t)vtable_len);
    for (unsigned i = 0; i < n; i++) {
        ret_table->slots[i] = pos + vtable[2 + i];
    }
    link_to(w, slot, pos);
}

size_t lt_fbw_vector(struct lt_fbw *w, size_t slot, size_t count, size_t size, size_t align)
{
    if (count > FB_LEN_MAX / size) {
        w->oom = true;
        return 0;
    }
    pad(w, 4, align < 4 ? 4 : align);
    size_t pos = w->buf.len;
    zeros(w, 4 + count * size);
    lt_fbw_i32(w, pos, (int32_t)count);
    link_to(w, slot, pos);
    return pos + 4;
}

void lt_fbw_string(struct lt_fbw *w, size_t slot, const char *text, size_t len)
{
    size_t pos = lt_fbw_vector(w, slot, len, 1, 4);
    if (len) {
        lt_fbw_set(w, pos, text, len);
    }
    zeros(w, 1);
}
