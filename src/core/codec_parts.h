/* What decoding (codec_decode.c) and encoding (codec_encode.c) share. */
#ifndef LT_CORE_CODEC_PARTS_H
#define LT_CORE_CODEC_PARTS_H

#include "core/codec.h"

#define STREAM_BUFFER_BYTES ((size_t)256 * 1024)
/* What one call into a library is given: bounds its output for lz4, and fits zlib's counters. */
#define STEP_BYTES ((size_t)64 * 1024)
/* zlib's window bits: the largest window, and 16 to ask for the gzip wrapper. */
#define GZIP_WINDOW_BITS (15 + 16)

#endif
