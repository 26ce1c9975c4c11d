/* The one seam to zlib, zstd and lz4: whole buffers (Arrow IPC, later Parquet pages) and
 * streams (file.csv.gz, file.csv.zst, file.arrow.lz4).
 *
 * Gzip reading accepts concatenated members. Every size from outside is checked before memory is
 * taken. A stream that ends inside a frame is [corrupt-file], never the end. */
#ifndef LT_CODEC_H
#define LT_CODEC_H

#include "core/buf.h"
#include "core/bytes.h"

enum lt_codec { LT_CODEC_NONE, LT_CODEC_GZIP, LT_CODEC_ZSTD, LT_CODEC_LZ4 };

/* By name ("none", "gzip", "gz", "zstd", "zst", "lz4"); LEAT_INVALID with the list of names. */
int lt_codec_parse(const char *name, enum lt_codec *ret_codec, struct leat_error *err);
const char *lt_codec_name(enum lt_codec codec);
/* By file name ending: .gz .zst .zstd .lz4; *ret_stem_len is the length without that ending. */
enum lt_codec lt_codec_of_path(const char *path, size_t *ret_stem_len);
/* By magic bytes, at least 4 of them. */
enum lt_codec lt_codec_sniff(const void *data, size_t len);

/* Appends the compressed frame (zstd frame, lz4 frame, gzip member) of one buffer. */
int lt_codec_compress(enum lt_codec codec, int level, const void *data, size_t len,
                      struct lt_buf *out, struct leat_error *err);
/* Decompresses exactly raw_len bytes into `out`; more or fewer is LEAT_BAD_DATA. */
int lt_codec_decompress(enum lt_codec codec, const void *data, size_t len, void *out,
                        size_t raw_len, struct leat_error *err);

/* CRC-32 as zlib, gzip and PNG have it: over `data`, going on from `crc` (0 at first). */
uint32_t lt_crc32(uint32_t crc, const void *data, size_t len);

/* Wraps a source or sink, taking it over (also on failure). LT_CODEC_NONE gives it back as it
 * is. Closing the wrapper closes what it wraps. level 0: the codec's fast one (gzip as
 * gzip_sink.h has it, zstd 1, lz4 0). `threads`, the caller's included, may compress (gzip, zstd);
 * the bytes written are the same for any number. With 0 none but the caller's does, and as little
 * memory is taken as can be: for many files at a time. */
int lt_source_decompress(struct lt_source *inner, enum lt_codec codec,
                         struct lt_source **ret_source, struct leat_error *err);
int lt_sink_compress(struct lt_sink *inner, enum lt_codec codec, int level, int threads,
                     struct lt_sink **ret_sink, struct leat_error *err);

#endif
