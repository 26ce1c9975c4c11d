/* See gzip_sink.h. */
#include "core/gzip_sink.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/library.h"
#include "core/relay.h"
#include "core/util.h"

#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/banned.h"

#define GZIP_BLOCK ((size_t)256 << 10)
#define ZLIB_LEVEL_FAST 1
#define ZLIB_MEMORY_LEVEL 8
#define ZLIB_WINDOW_RAW (-15) /* the largest window, without any wrapper */
#define ISAL_LEVEL 2
#define ISAL_LEVEL_BYTES ISAL_DEF_LVL2_DEFAULT

/* RFC 1952 section 2.3: deflate, no flags, no time, no extra flags, an unknown system. */
static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
/* RFC 1951 section 3.2.3: a last block with fixed codes that holds nothing but its end. */
static const uint8_t last_block[] = {3, 0};

/* --- the library that compresses ------------------------------------------------------------ */

#define ISAL_MAP(X)                                                                                \
    X(isal_deflate_init)                                                                           \
    X(isal_deflate)

static struct {
    ISAL_MAP(LT_LIBRARY_MEMBER)
} isal;
static const char *const isal_symbols[] = {ISAL_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library isal_library = LT_LIBRARY("libisal", "2", "libisal2", isal_symbols, isal);
static pthread_once_t isal_once = PTHREAD_ONCE_INIT;

static void load_isal(void)
{
    lt_library_load(&isal_library);
}

/* --- blocks --------------------------------------------------------------------------------- */

/* What one thread at a time works on. Each compressor is made when its slot is first used. */
struct block {
    uint8_t *in;
    size_t in_len;
    uint32_t crc; /* of `in` */
    struct lt_buf out;
    struct isal_zstream *isal;
    uint8_t *isal_level;
    z_stream zlib;
    bool zlib_ready;
};

struct gzip_sink {
    struct lt_sink base;
    struct lt_sink *inner;
    int level;
    bool with_isal, begun, over;
    struct lt_relay *relay;
    size_t slot; /* being filled; its in_len bytes are there */
    struct block blocks[LT_RELAY_SLOTS_MAX];
    size_t n_blocks;
    uint32_t crc, bytes; /* of all blocks written, as the trailer has them */
};

/* What no block exceeds: deflate stores what does not shrink, in pieces of 64 KiB less one with 5
 * bytes each; the flush takes as much. */
static size_t bound(size_t len)
{
    return len + (len >> 8) + 1024;
}

static int deflate_isal(struct block *block, struct leat_error *err)
{
    if (!block->isal) {
        block->isal = malloc(sizeof *block->isal);
        block->isal_level = malloc(ISAL_LEVEL_BYTES);
        if (!block->isal || !block->isal_level) {
            return lt_fail_oom(err);
        }
    }
    struct isal_zstream *z = block->isal;
    isal.isal_deflate_init(z);
    z->level = ISAL_LEVEL;
    z->level_buf = block->isal_level;
    z->level_buf_size = ISAL_LEVEL_BYTES;
    z->flush = FULL_FLUSH;
    z->next_in = block->in;
    z->avail_in = (uint32_t)block->in_len;
    z->next_out = block->out.data;
    z->avail_out = (uint32_t)block->out.cap;
    if (isal.isal_deflate(z) != COMP_OK || z->avail_in || !z->avail_out) {
        return lt_fail(err, LT_E_INTERNAL, "gzip could not compress");
    }
    block->out.len = z->total_out;
    return LEAT_OK;
}

static int deflate_zlib(struct block *block, int level, struct leat_error *err)
{
    z_stream *z = &block->zlib;
    int rc = block->zlib_ready ? deflateReset(z)
                               : deflateInit2(z, level, Z_DEFLATED, ZLIB_WINDOW_RAW,
                                              ZLIB_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (rc != Z_OK) {
        return rc == Z_MEM_ERROR ? lt_fail_oom(err)
                                 : lt_fail(err, LT_E_INTERNAL, "zlib could not be set up");
    }
    block->zlib_ready = true;
    z->next_in = block->in;
    z->avail_in = (uInt)block->in_len;
    z->next_out = block->out.data;
    z->avail_out = (uInt)block->out.cap;
    if (deflate(z, Z_FULL_FLUSH) != Z_OK || z->avail_in || !z->avail_out) {
        return lt_fail(err, LT_E_INTERNAL, "gzip could not compress");
    }
    block->out.len = (size_t)(z->next_out - block->out.data);
    return LEAT_OK;
}

static int compress_block(void *arg, size_t slot, struct leat_error *err)
{
    struct gzip_sink *self = arg;
    struct block *block = &self->blocks[slot];
    lt_buf_clear(&block->out);
    if (lt_buf_reserve(&block->out, bound(block->in_len))) {
        return lt_fail_oom(err);
    }
    block->crc = (uint32_t)crc32_z(0, block->in, block->in_len);
    return self->with_isal ? deflate_isal(block, err) : deflate_zlib(block, self->level, err);
}

static void block_done(struct block *block)
{
    if (block->zlib_ready) {
        deflateEnd(&block->zlib);
    }
    free(block->isal);
    free(block->isal_level);
    free(block->in);
    lt_buf_done(&block->out);
}

/* --- the sink ------------------------------------------------------------------------------- */

/* Writes the oldest block. */
static int write_block(struct gzip_sink *self, struct leat_error *err)
{
    size_t slot;
    int status = lt_relay_take(self->relay, &slot, err);
    struct block *block = &self->blocks[slot];
    if (status) {
        leat_error_place(err, "%s", self->base.name);
        return status;
    }
    self->crc = (uint32_t)crc32_combine(self->crc, block->crc, (z_off_t)block->in_len);
    self->bytes += (uint32_t)block->in_len; /* modulo 2^32, as the trailer wants it */
    if (!self->begun) {
        self->begun = true;
        status = lt_sink_write(self->inner, header, sizeof header, err);
    }
    return status ? status : lt_sink_write(self->inner, block->out.data, block->out.len, err);
}

/* The block that takes more input; NULL after a failure. */
static struct block *open_block(struct gzip_sink *self, int *ret_status, struct leat_error *err)
{
    size_t slot;
    *ret_status = LEAT_OK;
    while (!*ret_status && (lt_relay_ready(self->relay) || !lt_relay_room(self->relay, &slot))) {
        *ret_status = write_block(self, err);
    }
    if (*ret_status) {
        return NULL;
    }
    (void)lt_relay_room(self->relay, &slot);
    struct block *block = &self->blocks[slot];
    if (!block->in && !(block->in = malloc(GZIP_BLOCK))) {
        *ret_status = lt_fail_oom(err);
        return NULL;
    }
    if (slot != self->slot) {
        self->slot = slot;
        block->in_len = 0;
    }
    return block;
}

static void put_block(struct gzip_sink *self)
{
    lt_relay_put(self->relay);
    self->slot = SIZE_MAX;
}

static int take_bytes(struct gzip_sink *self, const uint8_t *data, size_t size,
                      struct leat_error *err)
{
    int status = LEAT_OK;
    while (size && !status) {
        struct block *block = open_block(self, &status, err);
        if (block) {
            size_t n = LT_MIN(size, GZIP_BLOCK - block->in_len);
            memcpy(block->in + block->in_len, data, n);
            block->in_len += n;
            data += n;
            size -= n;
            if (block->in_len == GZIP_BLOCK) {
                put_block(self);
            }
        }
    }
    return status;
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static int end_member(struct gzip_sink *self, struct leat_error *err)
{
    int status = LEAT_OK;
    uint8_t end[sizeof last_block + 8];
    if (self->slot != SIZE_MAX && self->blocks[self->slot].in_len) {
        put_block(self);
    }
    while (!status && lt_relay_jobs(self->relay)) {
        status = write_block(self, err);
    }
    if (!status && !self->begun) {
        status = lt_sink_write(self->inner, header, sizeof header, err);
    }
    memcpy(end, last_block, sizeof last_block);
    put_u32(end + sizeof last_block, self->crc);
    put_u32(end + sizeof last_block + 4, self->bytes);
    status = status ? status : lt_sink_write(self->inner, end, sizeof end, err);
    return status ? status : lt_sink_finish(self->inner, err);
}

static int refuse_more(struct gzip_sink *self, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_INTERNAL, "bytes were written after the end");
    leat_error_place(err, "%s", self->base.name);
    return status;
}

static int gzip_write(struct lt_sink *sink, const void *data, size_t size, struct leat_error *err)
{
    struct gzip_sink *self = (struct gzip_sink *)sink;
    int status = self->over ? refuse_more(self, err) : take_bytes(self, data, size, err);
    /* After a failure the member has a hole: it must not be ended as if it were whole. */
    self->over = self->over || status;
    sink->position += status ? 0 : (int64_t)size;
    return status;
}

static int gzip_finish(struct lt_sink *sink, struct leat_error *err)
{
    struct gzip_sink *self = (struct gzip_sink *)sink;
    int status = self->over ? refuse_more(self, err) : end_member(self, err);
    self->over = true;
    return status;
}

static void gzip_close(struct lt_sink *sink)
{
    struct gzip_sink *self = (struct gzip_sink *)sink;
    lt_relay_free(self->relay);
    for (size_t i = 0; i < self->n_blocks; i++) {
        block_done(&self->blocks[i]);
    }
    lt_sink_close(self->inner);
    free(self);
}

static const struct lt_sink_ops gzip_ops = {gzip_write, gzip_finish, gzip_close};

int lt_sink_gzip(struct lt_sink *inner, int level, int threads, struct lt_sink **ret_sink,
                 struct leat_error *err)
{
    struct gzip_sink *self = calloc(1, sizeof *self);
    int status = self ? LEAT_OK : lt_fail_oom(err);
    if (!status) {
        pthread_once(&isal_once, load_isal);
        self->base = (struct lt_sink){.ops = &gzip_ops, .name = inner->name};
        self->inner = inner;
        self->with_isal = !level && !isal_library.fault[0];
        self->level = level ? level : ZLIB_LEVEL_FAST;
        self->slot = SIZE_MAX;
        self->crc = (uint32_t)crc32_z(0, NULL, 0);
        self->n_blocks = lt_relay_slots_for(threads);
        status = lt_relay_new(threads, self->n_blocks, compress_block, self, &self->relay, err);
    }
    if (status) {
        leat_error_place(err, "%s", inner->name);
        lt_sink_close(inner);
        free(self);
        return status;
    }
    *ret_sink = &self->base;
    return LEAT_OK;
}
