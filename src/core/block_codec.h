/* Compression of whole buffers, as Parquet pages need it: zlib, zstd, lz4, snappy and brotli
 * behind one call each way. Streams and frames are codec.h's.
 *
 * snappy and brotli are loaded when first used; where one is missing, the error names the package
 * that brings it. Every size from outside is checked before memory is taken. */
#ifndef LT_BLOCK_CODEC_H
#define LT_BLOCK_CODEC_H

#include "core/buf.h"
#include "leat/error.h"

#include <stdint.h>

enum lt_block_codec {
    LT_BLOCK_NONE,
    LT_BLOCK_SNAPPY, /* raw format, no framing */
    LT_BLOCK_GZIP,   /* a gzip member; read: zlib's wrapper and several members as well */
    LT_BLOCK_BROTLI,
    LT_BLOCK_ZSTD,
    LT_BLOCK_LZ4,       /* raw block */
    LT_BLOCK_LZ4_HADOOP /* read only: Hadoop's frames, else a raw block, else an lz4 frame */
};

/* Longest block, packed or not: Parquet counts a page's bytes in 32 bits with a sign. */
#define LT_BLOCK_BYTES_MAX ((size_t)INT32_MAX)

/* The libraries' own contexts, kept from call to call and used by one thread at a time. */
struct lt_block_context;
int lt_block_context_new(struct lt_block_context **ret_context, struct leat_error *err);
void lt_block_context_free(struct lt_block_context *context);

/* LEAT_OK when the codec's library is there; else LEAT_UNSUPPORTED with the package to install. */
int lt_block_check(enum lt_block_codec codec, struct leat_error *err);

/* Appends the compressed form of one buffer. level 0: the codec's default for speed (zstd 1,
 * gzip 6, brotli 4; the others have none). */
int lt_block_pack(struct lt_block_context *context, enum lt_block_codec codec, int level,
                  const void *data, size_t len, struct lt_buf *out, struct leat_error *err);
/* Decompresses exactly raw_len bytes into `out`; more or fewer is LEAT_BAD_DATA. No bytes unpack to
 * no bytes whatever the codec (`out` may be NULL). After a failure `out` holds anything. */
int lt_block_unpack(struct lt_block_context *context, enum lt_block_codec codec, const void *data,
                    size_t len, void *out, size_t raw_len, struct leat_error *err);
/* The same into `out`, which is emptied first and empty after a failure. No memory is taken for a
 * raw_len that the data cannot become. */
int lt_block_unpack_buf(struct lt_block_context *context, enum lt_block_codec codec,
                        const void *data, size_t len, struct lt_buf *out, size_t raw_len,
                        struct leat_error *err);

#endif
