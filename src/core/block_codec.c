/* See block_codec.h. One row a codec; snappy and brotli come from tables of functions that are
 * filled when first used. */
#include "core/block_codec.h"

#include "core/codes.h"
#include "core/library.h"
#include "core/util.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <lz4.h>
#include <lz4frame.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/banned.h"

/* zlib's window bits: the largest window, and what asks for the gzip wrapper or for either. */
#define WINDOW_BITS 15
#define WINDOW_GZIP (WINDOW_BITS + 16)
#define WINDOW_ANY (WINDOW_BITS + 32)
#define ZLIB_MEMORY_LEVEL 8
/* Sizes up to the first are believed, and sizes of so many times the data. */
#define TRUST_BYTES ((size_t)16 << 20)
#define TRUST_RATIO ((size_t)256)
/* Each chunk of Hadoop's block format has its two sizes in front. */
#define HADOOP_SIZE 4

struct lt_block_context {
    bool inflate_ready, deflate_ready;
    int deflate_level;
    z_stream inflate, deflate;
    ZSTD_DCtx *zstd_in;
    ZSTD_CCtx *zstd_out;
    LZ4F_dctx *lz4_frame;
};

/* --- libraries loaded when first used ------------------------------------------------------- */

#define SNAPPY_MAP(X)                                                                              \
    X(snappy_compress)                                                                             \
    X(snappy_uncompress)                                                                           \
    X(snappy_max_compressed_length)                                                                \
    X(snappy_uncompressed_length)

#define BROTLI_IN_MAP(X)                                                                           \
    X(BrotliDecoderCreateInstance)                                                                 \
    X(BrotliDecoderDecompressStream)                                                               \
    X(BrotliDecoderDestroyInstance)                                                                \
    X(BrotliDecoderGetErrorCode)                                                                   \
    X(BrotliDecoderErrorString)

#define BROTLI_OUT_MAP(X)                                                                          \
    X(BrotliEncoderCompress)                                                                       \
    X(BrotliEncoderMaxCompressedSize)

static struct {
    SNAPPY_MAP(LT_LIBRARY_MEMBER)
} snappy;
static struct {
    BROTLI_IN_MAP(LT_LIBRARY_MEMBER)
} brotli_in;
static struct {
    BROTLI_OUT_MAP(LT_LIBRARY_MEMBER)
} brotli_out;
static const char *const snappy_symbols[] = {SNAPPY_MAP(LT_LIBRARY_SYMBOL)};
static const char *const brotli_in_symbols[] = {BROTLI_IN_MAP(LT_LIBRARY_SYMBOL)};
static const char *const brotli_out_symbols[] = {BROTLI_OUT_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library snappy_library =
    LT_LIBRARY("libsnappy", "1", "libsnappy1v5", snappy_symbols, snappy);
static struct lt_library brotli_libraries[] = {
    LT_LIBRARY("libbrotlidec", "1", "libbrotli1", brotli_in_symbols, brotli_in),
    LT_LIBRARY("libbrotlienc", "1", "libbrotli1", brotli_out_symbols, brotli_out)};
static pthread_once_t snappy_once = PTHREAD_ONCE_INIT, brotli_once = PTHREAD_ONCE_INIT;

static void load_snappy(void)
{
    lt_library_load(&snappy_library);
}

static void load_brotli(void)
{
    lt_library_load(&brotli_libraries[0]);
    lt_library_load(&brotli_libraries[1]);
}

int lt_block_check(enum lt_block_codec codec, struct leat_error *err)
{
    if (codec == LT_BLOCK_SNAPPY) {
        pthread_once(&snappy_once, load_snappy);
        return lt_library_check(&snappy_library, "snappy", err);
    }
    if (codec == LT_BLOCK_BROTLI) {
        pthread_once(&brotli_once, load_brotli);
        int status = lt_library_check(&brotli_libraries[0], "brotli", err);
        return status ? status : lt_library_check(&brotli_libraries[1], "brotli", err);
    }
    return LEAT_OK;
}

/* --- contexts ------------------------------------------------------------------------------- */

int lt_block_context_new(struct lt_block_context **ret_context, struct leat_error *err)
{
    struct lt_block_context *context = calloc(1, sizeof(*context));
    if (!context) {
        return lt_fail_oom(err);
    }
    *ret_context = context;
    return LEAT_OK;
}

void lt_block_context_free(struct lt_block_context *context)
{
    if (!context) {
        return;
    }
    if (context->inflate_ready) {
        inflateEnd(&context->inflate);
    }
    if (context->deflate_ready) {
        deflateEnd(&context->deflate);
    }
    ZSTD_freeDCtx(context->zstd_in);
    ZSTD_freeCCtx(context->zstd_out);
    LZ4F_freeDecompressionContext(context->lz4_frame);
    free(context);
}

/* --- unpacking ------------------------------------------------------------------------------ */

struct packed {
    const uint8_t *data;
    size_t len;
};

static int corrupt(const char *name, const char *why, struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "the %s data is damaged: %s", name, why);
}

static int wrong_size(const char *name, bool too_many, struct leat_error *err)
{
    return corrupt(name,
                   too_many ? "it holds more bytes than its file says"
                            : "it holds fewer bytes than its file says",
                   err);
}

static int unpack_none(struct lt_block_context *context, struct packed in, uint8_t *out,
                       size_t raw_len, struct leat_error *err)
{
    (void)context;
    if (in.len != raw_len) {
        return lt_fail(err, LT_E_CORRUPT, "a block of %zu bytes should have %zu", in.len, raw_len);
    }
    memcpy(out, in.data, raw_len);
    return LEAT_OK;
}

static int unpack_snappy(struct lt_block_context *context, struct packed in, uint8_t *out,
                         size_t raw_len, struct leat_error *err)
{
    (void)context;
    size_t len = 0;
    if (snappy.snappy_uncompressed_length((const char *)in.data, in.len, &len) != SNAPPY_OK) {
        return corrupt("snappy", "it does not begin with its length", err);
    }
    if (len != raw_len) {
        return wrong_size("snappy", len > raw_len, err);
    }
    if (snappy.snappy_uncompress((const char *)in.data, in.len, (char *)out, &len) != SNAPPY_OK) {
        return corrupt("snappy", "it breaks the rules of its format", err);
    }
    return LEAT_OK;
}

static int inflate_begin(struct lt_block_context *context, struct leat_error *err)
{
    z_stream *z = &context->inflate;
    if (!context->inflate_ready) {
        context->inflate_ready = inflateInit2(z, WINDOW_ANY) == Z_OK;
        return context->inflate_ready ? LEAT_OK : lt_fail_oom(err);
    }
    return inflateReset(z) == Z_OK ? LEAT_OK
                                   : lt_fail(err, LT_E_INTERNAL, "zlib could not be reset");
}

/* Members follow one another (RFC 1952 section 2.2). Once `out` is full, one more byte of room
 * shows whether the data would go on. */
static int unpack_gzip(struct lt_block_context *context, struct packed in, uint8_t *out,
                       size_t raw_len, struct leat_error *err)
{
    z_stream *z = &context->inflate;
    uint8_t beyond;
    size_t left = raw_len;
    int status = inflate_begin(context, err);
    z->next_in = (Bytef *)(uintptr_t)in.data;
    z->avail_in = (uInt)in.len;
    while (!status) {
        z->next_out = left ? out + (raw_len - left) : &beyond;
        z->avail_out = left ? (uInt)left : 1;
        uInt room = z->avail_out, given = z->avail_in;
        int rc = inflate(z, Z_FINISH);
        uInt made = room - z->avail_out;
        if (rc != Z_STREAM_END && rc != Z_OK && rc != Z_BUF_ERROR) {
            return rc == Z_MEM_ERROR
                       ? lt_fail_oom(err)
                       : corrupt("gzip", z->msg ? z->msg : "it needs a dictionary", err);
        }
        if (made > left) {
            return wrong_size("gzip", true, err);
        }
        left -= made;
        if (rc != Z_STREAM_END) {
            if (!made && given == z->avail_in) {
                return corrupt("gzip", "it ends too early", err);
            }
        } else if (!z->avail_in) {
            return left ? wrong_size("gzip", false, err) : LEAT_OK;
        } else {
            status = inflate_begin(context, err);
        }
    }
    return status;
}

static int brotli_fault(BrotliDecoderState *state, BrotliDecoderResult result, size_t room,
                        struct leat_error *err)
{
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
        return wrong_size("brotli", true, err);
    }
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) {
        return corrupt("brotli", "it ends too early", err);
    }
    if (result == BROTLI_DECODER_RESULT_SUCCESS) {
        return room ? wrong_size("brotli", false, err)
                    : corrupt("brotli", "other bytes follow it", err);
    }
    BrotliDecoderErrorCode code = brotli_in.BrotliDecoderGetErrorCode(state);
    /* The codes of failed allocations are the block from -21 to -30. */
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES) {
        return lt_fail_oom(err);
    }
    return corrupt("brotli", brotli_in.BrotliDecoderErrorString(code), err);
}

/* The one codec without a bound: a few bytes can become anything. The buffer doubles as it fills. */
static int grow_brotli(struct packed in, struct lt_buf *out, size_t raw_len, struct leat_error *err)
{
    BrotliDecoderState *state = brotli_in.BrotliDecoderCreateInstance(NULL, NULL, NULL);
    int status = state ? LEAT_OK : lt_fail_oom(err);
    BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    while (!status && result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && out->len < raw_len) {
        size_t room = LT_MIN(LT_MAX(out->len, TRUST_BYTES), raw_len - out->len), left = room;
        if (lt_buf_reserve(out, room)) {
            status = lt_fail_oom(err);
        } else {
            uint8_t *to = out->data + out->len;
            result =
                brotli_in.BrotliDecoderDecompressStream(state, &in.len, &in.data, &left, &to, NULL);
            out->len += room - left;
        }
    }
    if (!status && (result != BROTLI_DECODER_RESULT_SUCCESS || in.len || out->len < raw_len)) {
        status = brotli_fault(state, result, raw_len - out->len, err);
    }
    brotli_in.BrotliDecoderDestroyInstance(state);
    return status;
}

static int unpack_brotli(struct lt_block_context *context, struct packed in, uint8_t *out,
                         size_t raw_len, struct leat_error *err)
{
    (void)context;
    BrotliDecoderState *state = brotli_in.BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (!state) {
        return lt_fail_oom(err);
    }
    BrotliDecoderResult result =
        brotli_in.BrotliDecoderDecompressStream(state, &in.len, &in.data, &raw_len, &out, NULL);
    int status = LEAT_OK;
    if (result != BROTLI_DECODER_RESULT_SUCCESS || in.len || raw_len) {
        status = brotli_fault(state, result, raw_len, err);
    }
    brotli_in.BrotliDecoderDestroyInstance(state);
    return status;
}

static int unpack_zstd(struct lt_block_context *context, struct packed in, uint8_t *out,
                       size_t raw_len, struct leat_error *err)
{
    if (!context->zstd_in && !(context->zstd_in = ZSTD_createDCtx())) {
        return lt_fail_oom(err);
    }
    size_t rc = ZSTD_decompressDCtx(context->zstd_in, out, raw_len, in.data, in.len);
    if (!ZSTD_isError(rc)) {
        return rc == raw_len ? LEAT_OK : wrong_size("zstd", false, err);
    }
    switch (ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        return lt_fail_oom(err);
    case ZSTD_error_dstSize_tooSmall:
        return wrong_size("zstd", true, err);
    default:
        return corrupt("zstd", ZSTD_getErrorName(rc), err);
    }
}

static int unpack_lz4(struct lt_block_context *context, struct packed in, uint8_t *out,
                      size_t raw_len, struct leat_error *err)
{
    (void)context;
    int made = LZ4_decompress_safe((const char *)in.data, (char *)out, (int)in.len, (int)raw_len);
    if (made < 0) {
        return corrupt("lz4", "it breaks the rules of its format, or holds too many bytes", err);
    }
    return (size_t)made == raw_len ? LEAT_OK : wrong_size("lz4", false, err);
}

static uint32_t hadoop_size(struct packed *in)
{
    const uint8_t *b = in->data;
    in->data += HADOOP_SIZE;
    in->len -= HADOOP_SIZE;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Blocks, each its raw size and then chunks (compressed size, data) until it is complete. */
static bool unpack_hadoop(struct packed in, uint8_t *out, size_t raw_len)
{
    size_t block_left = 0;
    while (in.len) {
        if (!block_left) {
            if (in.len < HADOOP_SIZE || (block_left = hadoop_size(&in)) > raw_len) {
                return false;
            }
            continue;
        }
        size_t len;
        if (in.len < HADOOP_SIZE || !(len = hadoop_size(&in)) || len > in.len) {
            return false;
        }
        int made =
            LZ4_decompress_safe((const char *)in.data, (char *)out, (int)len, (int)block_left);
        if (made < 0) {
            return false;
        }
        in.data += len;
        in.len -= len;
        out += made;
        raw_len -= (size_t)made;
        block_left -= (size_t)made;
    }
    return !block_left && !raw_len;
}

static bool unpack_lz4_frame(LZ4F_dctx *lz4, struct packed in, uint8_t *out, size_t raw_len)
{
    size_t hint = 1;
    while (in.len) {
        size_t used = in.len, made = raw_len;
        hint = LZ4F_decompress(lz4, out, &made, in.data, &used, NULL);
        if (LZ4F_isError(hint) || (!used && !made)) {
            return false;
        }
        in.data += used;
        in.len -= used;
        out += made;
        raw_len -= made;
    }
    return !hint && !raw_len;
}

/* parquet-format, Compression.md, "LZ4": what was written under this name was never one format. */
static int unpack_lz4_hadoop(struct lt_block_context *context, struct packed in, uint8_t *out,
                             size_t raw_len, struct leat_error *err)
{
    if (unpack_hadoop(in, out, raw_len) || !unpack_lz4(context, in, out, raw_len, NULL)) {
        return LEAT_OK;
    }
    if (!context->lz4_frame &&
        LZ4F_isError(LZ4F_createDecompressionContext(&context->lz4_frame, LZ4F_VERSION))) {
        return lt_fail_oom(err);
    }
    LZ4F_resetDecompressionContext(context->lz4_frame);
    if (unpack_lz4_frame(context->lz4_frame, in, out, raw_len)) {
        return LEAT_OK;
    }
    return lt_fail(err, LT_E_CORRUPT,
                   "the lz4 data is damaged: as Hadoop's blocks, one block or a frame it does not "
                   "give %zu bytes",
                   raw_len);
}

/* --- packing -------------------------------------------------------------------------------- */

static int too_large(const char *name, struct leat_error *err)
{
    return lt_fail(err, LT_E_LIMIT, "the block is too large for %s", name);
}

static int pack_none(struct lt_block_context *context, int level, struct packed in,
                     struct lt_buf *out, struct leat_error *err)
{
    (void)context, (void)level;
    return lt_buf_append(out, in.data, in.len) ? lt_fail_oom(err) : LEAT_OK;
}

/* Room for a library to write to. */
static uint8_t *room(struct lt_buf *out, size_t bound, struct leat_error *err)
{
    if (lt_buf_reserve(out, bound)) {
        lt_fail_oom(err);
        return NULL;
    }
    return out->data + out->len;
}

static void wrote(struct lt_buf *out, size_t len)
{
    out->len += len;
    out->data[out->len] = 0;
}

static int pack_snappy(struct lt_block_context *context, int level, struct packed in,
                       struct lt_buf *out, struct leat_error *err)
{
    (void)context, (void)level;
    size_t made = snappy.snappy_max_compressed_length(in.len);
    uint8_t *to = room(out, made, err);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    if (snappy.snappy_compress((const char *)in.data, in.len, (char *)to, &made) != SNAPPY_OK) {
        return lt_fail(err, LT_E_INTERNAL, "snappy could not compress a block");
    }
    wrote(out, made);
    return LEAT_OK;
}

static int deflate_begin(struct lt_block_context *context, int level, struct leat_error *err)
{
    z_stream *z = &context->deflate;
    if (context->deflate_ready && context->deflate_level == level) {
        return deflateReset(z) == Z_OK ? LEAT_OK
                                       : lt_fail(err, LT_E_INTERNAL, "zlib could not be reset");
    }
    if (context->deflate_ready) {
        deflateEnd(z);
    }
    context->deflate_level = level;
    context->deflate_ready = deflateInit2(z, level, Z_DEFLATED, WINDOW_GZIP, ZLIB_MEMORY_LEVEL,
                                          Z_DEFAULT_STRATEGY) == Z_OK;
    return context->deflate_ready ? LEAT_OK : lt_fail_oom(err);
}

static int pack_gzip(struct lt_block_context *context, int level, struct packed in,
                     struct lt_buf *out, struct leat_error *err)
{
    z_stream *z = &context->deflate;
    int status = deflate_begin(context, level, err);
    if (status) {
        return status;
    }
    size_t bound = deflateBound(z, in.len);
    if (bound > UINT32_MAX) {
        return too_large("gzip", err);
    }
    uint8_t *to = room(out, bound, err);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    z->next_in = (Bytef *)(uintptr_t)in.data;
    z->avail_in = (uInt)in.len;
    z->next_out = to;
    z->avail_out = (uInt)bound;
    if (deflate(z, Z_FINISH) != Z_STREAM_END) {
        return lt_fail(err, LT_E_INTERNAL, "zlib could not compress a block");
    }
    wrote(out, bound - z->avail_out);
    return LEAT_OK;
}

static int pack_brotli(struct lt_block_context *context, int level, struct packed in,
                       struct lt_buf *out, struct leat_error *err)
{
    (void)context;
    size_t made = brotli_out.BrotliEncoderMaxCompressedSize(in.len);
    if (!made) {
        return too_large("brotli", err);
    }
    uint8_t *to = room(out, made, err);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    /* With room for the bound, memory is all that it can lack. */
    if (!brotli_out.BrotliEncoderCompress(level, BROTLI_DEFAULT_WINDOW, BROTLI_DEFAULT_MODE, in.len,
                                          in.data, &made, to)) {
        return lt_fail_oom(err);
    }
    wrote(out, made);
    return LEAT_OK;
}

static int pack_zstd(struct lt_block_context *context, int level, struct packed in,
                     struct lt_buf *out, struct leat_error *err)
{
    if (!context->zstd_out && !(context->zstd_out = ZSTD_createCCtx())) {
        return lt_fail_oom(err);
    }
    size_t bound = ZSTD_compressBound(in.len);
    uint8_t *to = room(out, bound, err);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    size_t rc = ZSTD_compressCCtx(context->zstd_out, to, bound, in.data, in.len, level);
    if (ZSTD_isError(rc)) {
        return ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation
                   ? lt_fail_oom(err)
                   : lt_fail(err, LT_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(rc));
    }
    wrote(out, rc);
    return LEAT_OK;
}

static int pack_lz4(struct lt_block_context *context, int level, struct packed in,
                    struct lt_buf *out, struct leat_error *err)
{
    (void)context, (void)level;
    int bound = LZ4_compressBound((int)in.len);
    if (bound <= 0) {
        return too_large("lz4", err);
    }
    uint8_t *to = room(out, (size_t)bound, err);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    int made = LZ4_compress_default((const char *)in.data, (char *)to, (int)in.len, bound);
    if (made <= 0) {
        return lt_fail(err, LT_E_INTERNAL, "lz4 could not compress a block");
    }
    wrote(out, (size_t)made);
    return LEAT_OK;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct row {
    const char *name;
    int fast, least, most; /* levels; all 0: it has none */
    size_t ratio;          /* bytes that one byte of it can become, at most */
    int (*pack)(struct lt_block_context *context, int level, struct packed in, struct lt_buf *out,
                struct leat_error *err); /* NULL: read only */
    int (*unpack)(struct lt_block_context *context, struct packed in, uint8_t *out, size_t raw_len,
                  struct leat_error *err);
} rows[] = {
    [LT_BLOCK_NONE] = {"none", 0, 0, 0, 1, pack_none, unpack_none},
    [LT_BLOCK_SNAPPY] = {"snappy", 0, 0, 0, 64, pack_snappy, unpack_snappy},
    [LT_BLOCK_GZIP] = {"gzip", 6, 1, 9, 1100, pack_gzip, unpack_gzip},
    [LT_BLOCK_BROTLI] = {"brotli", 4, 1, BROTLI_MAX_QUALITY, SIZE_MAX, pack_brotli, unpack_brotli},
    [LT_BLOCK_ZSTD] = {"zstd", 1, 1, 22, 32768, pack_zstd, unpack_zstd},
    [LT_BLOCK_LZ4] = {"lz4", 0, 0, 0, 256, pack_lz4, unpack_lz4},
    [LT_BLOCK_LZ4_HADOOP] = {"lz4 in Hadoop's frames", 0, 0, 0, 256, NULL, unpack_lz4_hadoop},
};

int lt_block_pack(struct lt_block_context *context, enum lt_block_codec codec, int level,
                  const void *data, size_t len, struct lt_buf *out, struct leat_error *err)
{
    const struct row *row = &rows[codec];
    int status = lt_block_check(codec, err);
    if (status) {
        return status;
    }
    if (!row->pack) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s is read, not written", row->name);
    }
    if (len > LT_BLOCK_BYTES_MAX) {
        return too_large(row->name, err);
    }
    level = level ? level : row->fast;
    if (level < row->least || level > row->most) {
        lt_fail(err, LT_E_INVALID, "%s has no level %d", row->name, level);
        if (row->most) {
            leat_error_remedy(err, "choose a level from %d to %d", row->least, row->most);
        }
        return LEAT_INVALID;
    }
    return row->pack(context, level, (struct packed){data ? data : (const void *)"", len}, out,
                     err);
}

int lt_block_unpack(struct lt_block_context *context, enum lt_block_codec codec, const void *data,
                    size_t len, void *out, size_t raw_len, struct leat_error *err)
{
    int status = lt_block_check(codec, err);
    if (status || (!len && !raw_len)) {
        return status;
    }
    const struct row *row = &rows[codec];
    if (!len) {
        return lt_fail(err, LT_E_CORRUPT, "a block of %zu bytes has no data", raw_len);
    }
    if (len > LT_BLOCK_BYTES_MAX || raw_len > LT_BLOCK_BYTES_MAX) {
        return too_large(row->name, err);
    }
    /* Libraries are not asked to write to no place at all. */
    uint8_t nothing;
    return row->unpack(context, (struct packed){data, len}, raw_len ? out : &nothing, raw_len, err);
}

/* Refuses a size that the data cannot become, before memory is taken for it. */
static int check_size(enum lt_block_codec codec, const void *data, size_t len, size_t raw_len,
                      struct leat_error *err)
{
    const struct row *row = &rows[codec];
    if (len < (raw_len - 1) / row->ratio) {
        return wrong_size(row->name, false, err);
    }
    if (codec == LT_BLOCK_ZSTD) {
        unsigned long long first = ZSTD_getFrameContentSize(data, len);
        if (first == ZSTD_CONTENTSIZE_ERROR) {
            return corrupt(row->name, "it does not begin with a frame", err);
        }
        /* Another frame may follow the first. */
        if (first != ZSTD_CONTENTSIZE_UNKNOWN && first > raw_len) {
            return wrong_size(row->name, true, err);
        }
    }
    return LEAT_OK;
}

int lt_block_unpack_buf(struct lt_block_context *context, enum lt_block_codec codec,
                        const void *data, size_t len, struct lt_buf *out, size_t raw_len,
                        struct leat_error *err)
{
    lt_buf_clear(out);
    int status = lt_block_check(codec, err);
    if (status || (!len && !raw_len)) {
        return status;
    }
    if (!raw_len || !len || len > LT_BLOCK_BYTES_MAX || raw_len > LT_BLOCK_BYTES_MAX) {
        return lt_block_unpack(context, codec, data, len, NULL, raw_len, err);
    }
    bool trusted = raw_len <= TRUST_BYTES || raw_len / TRUST_RATIO <= len;
    if (!trusted && codec == LT_BLOCK_BROTLI) {
        status = grow_brotli((struct packed){data, len}, out, raw_len, err);
        out->len = status ? 0 : raw_len;
        return status;
    }
    status = check_size(codec, data, len, raw_len, err);
    if (!status && lt_buf_reserve(out, raw_len)) {
        return lt_fail_oom(err);
    }
    status = status ? status : lt_block_unpack(context, codec, data, len, out->data, raw_len, err);
    if (!status) {
        out->len = raw_len;
        out->data[raw_len] = 0;
    }
    return status;
}
