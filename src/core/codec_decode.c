/* Decompression: one decoder, a switch over the three libraries, serves whole buffers and streams
 * alike. */
#include "core/codec_parts.h"

#include "core/codes.h"
#include "core/util.h"

#include <limits.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/banned.h"

/* 128 MiB of window, what `zstd --ultra` writes without --long; more is refused. */
#define ZSTD_WINDOW_LOG_MAX 27

struct decoder {
    enum lt_codec codec;
    bool ready;
    bool in_frame; /* a frame has begun and not ended: the input must not end here */
    bool any_frame;
    union {
        z_stream gzip;
        ZSTD_DCtx *zstd;
        LZ4F_dctx *lz4;
    } u;
};

static int decoder_init(struct decoder *decoder, enum lt_codec codec, struct leat_error *err)
{
    memset(decoder, 0, sizeof(*decoder));
    decoder->codec = codec;
    switch (codec) {
    case LT_CODEC_GZIP:
        decoder->ready = inflateInit2(&decoder->u.gzip, GZIP_WINDOW_BITS) == Z_OK;
        break;
    case LT_CODEC_ZSTD:
        decoder->u.zstd = ZSTD_createDCtx();
        decoder->ready = decoder->u.zstd != NULL;
        if (decoder->ready) {
            ZSTD_DCtx_setParameter(decoder->u.zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
        }
        break;
    case LT_CODEC_LZ4:
        decoder->ready =
            !LZ4F_isError(LZ4F_createDecompressionContext(&decoder->u.lz4, LZ4F_VERSION));
        break;
    case LT_CODEC_NONE:
        return lt_fail(err, LT_E_INTERNAL, "a decoder was made for no codec");
    }
    return decoder->ready ? LEAT_OK : lt_fail_oom(err);
}

static void decoder_done(struct decoder *decoder)
{
    if (!decoder->ready) {
        return;
    }
    if (decoder->codec == LT_CODEC_GZIP) {
        inflateEnd(&decoder->u.gzip);
    } else if (decoder->codec == LT_CODEC_ZSTD) {
        ZSTD_freeDCtx(decoder->u.zstd);
    } else {
        LZ4F_freeDecompressionContext(decoder->u.lz4);
    }
    decoder->ready = false;
}

static int corrupt(const struct decoder *decoder, const char *why, struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "the %s data is damaged: %s", lt_codec_name(decoder->codec),
                   why);
}

static int gzip_step(struct decoder *decoder, const uint8_t *in, size_t *in_len, uint8_t *out,
                     size_t *out_len, struct leat_error *err)
{
    z_stream *z = &decoder->u.gzip;
    /* A new member after the end of one: RFC 1952 section 2.2. */
    if (!decoder->in_frame && decoder->any_frame && inflateReset(z) != Z_OK) {
        return lt_fail(err, LT_E_INTERNAL, "zlib could not be reset");
    }
    z->next_in = (Bytef *)(uintptr_t)in;
    z->avail_in = (uInt)LT_MIN(*in_len, (size_t)UINT_MAX);
    uInt given = z->avail_in;
    z->next_out = out;
    z->avail_out = (uInt)LT_MIN(*out_len, (size_t)UINT_MAX);
    uInt room = z->avail_out;
    int rc = inflate(z, Z_NO_FLUSH);
    *in_len = given - z->avail_in;
    *out_len = room - z->avail_out;
    if (rc == Z_MEM_ERROR) {
        return lt_fail_oom(err);
    }
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
        return corrupt(decoder, z->msg ? z->msg : "it needs a dictionary", err);
    }
    decoder->in_frame = rc != Z_STREAM_END;
    return LEAT_OK;
}

static int zstd_step(struct decoder *decoder, const uint8_t *in, size_t *in_len, uint8_t *out,
                     size_t *out_len, struct leat_error *err)
{
    ZSTD_inBuffer from = {in, *in_len, 0};
    ZSTD_outBuffer to = {out, *out_len, 0};
    size_t rc = ZSTD_decompressStream(decoder->u.zstd, &to, &from);
    if (ZSTD_isError(rc)) {
        switch (ZSTD_getErrorCode(rc)) {
        case ZSTD_error_memory_allocation:
            return lt_fail_oom(err);
        case ZSTD_error_frameParameter_windowTooLarge:
            return lt_fail(err, LT_E_LIMIT, "the zstd data needs a window of more than %d MiB",
                           1 << (ZSTD_WINDOW_LOG_MAX - 20));
        default:
            return corrupt(decoder, ZSTD_getErrorName(rc), err);
        }
    }
    *in_len = from.pos;
    *out_len = to.pos;
    decoder->in_frame = rc != 0;
    return LEAT_OK;
}

static int lz4_step(struct decoder *decoder, const uint8_t *in, size_t *in_len, uint8_t *out,
                    size_t *out_len, struct leat_error *err)
{
    size_t rc = LZ4F_decompress(decoder->u.lz4, out, out_len, in, in_len, NULL);
    if (LZ4F_isError(rc)) {
        const char *why = LZ4F_getErrorName(rc);
        return strstr(why, "allocation") ? lt_fail_oom(err) : corrupt(decoder, why, err);
    }
    decoder->in_frame = rc != 0;
    return LEAT_OK;
}

/* Decodes from in to out, at most *in_len and *out_len bytes; both become what was used. May be
 * called without input inside a frame: the libraries hold output back. */
static int decoder_step(struct decoder *decoder, const uint8_t *in, size_t *in_len, uint8_t *out,
                        size_t *out_len, struct leat_error *err)
{
    int status;
    if (decoder->codec == LT_CODEC_GZIP) {
        status = gzip_step(decoder, in, in_len, out, out_len, err);
    } else if (decoder->codec == LT_CODEC_ZSTD) {
        status = zstd_step(decoder, in, in_len, out, out_len, err);
    } else {
        status = lz4_step(decoder, in, in_len, out, out_len, err);
    }
    decoder->any_frame = true;
    return status;
}

/* Decodes until the output is full or the input used up and its last frame ended. */
static int decode_all(struct decoder *decoder, const uint8_t *in, size_t len, uint8_t *out,
                      size_t raw_len, struct leat_error *err)
{
    size_t in_at = 0, out_at = 0;
    /* Once `out` is full, one more byte shows whether the data would go on. */
    uint8_t beyond;
    while (in_at < len || decoder->in_frame) {
        bool full = out_at == raw_len;
        size_t used = len - in_at;
        size_t made = full ? 1 : raw_len - out_at;
        bool was_in_frame = decoder->in_frame;
        int status =
            decoder_step(decoder, in + in_at, &used, full ? &beyond : out + out_at, &made, err);
        if (status) {
            return status;
        }
        if (full && made) {
            return corrupt(decoder, "it holds more bytes than its file says", err);
        }
        in_at += used;
        out_at += made;
        if (!used && !made && decoder->in_frame == was_in_frame) {
            return corrupt(decoder, "it ends too early", err);
        }
    }
    if (out_at < raw_len || !decoder->any_frame) {
        return corrupt(decoder, "it holds fewer bytes than its file says", err);
    }
    return LEAT_OK;
}

uint32_t lt_crc32(uint32_t crc, const void *data, size_t len)
{
    return (uint32_t)crc32_z(crc, data, len);
}

int lt_codec_decompress(enum lt_codec codec, const void *data, size_t len, void *out,
                        size_t raw_len, struct leat_error *err)
{
    if (codec == LT_CODEC_NONE) {
        if (len != raw_len) {
            return lt_fail(err, LT_E_CORRUPT, "a buffer of %zu bytes should have %zu", len,
                           raw_len);
        }
        if (len) {
            memcpy(out, data, len);
        }
        return LEAT_OK;
    }
    struct decoder decoder;
    int status = decoder_init(&decoder, codec, err);
    if (!status) {
        status = decode_all(&decoder, data, len, out, raw_len, err);
    }
    decoder_done(&decoder);
    return status;
}

/* --- a source that decodes ----------------------------------------------------------------- */

struct decoding_source {
    struct lt_source base;
    struct lt_source *inner;
    struct decoder decoder;
    size_t at; /* buffer[at..len) is not decoded yet */
    size_t len;
    bool ended; /* the inner source has no more */
    uint8_t buffer[STREAM_BUFFER_BYTES];
};

static int refill(struct decoding_source *self, struct leat_error *err)
{
    self->at = self->len = 0;
    int status = lt_source_read(self->inner, self->buffer, sizeof(self->buffer), &self->len, err);
    self->ended = !status && self->len == 0;
    return status;
}

static int decoding_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                         struct leat_error *err)
{
    struct decoding_source *self = (struct decoding_source *)source;
    struct decoder *decoder = &self->decoder;
    for (;;) {
        if (self->at < self->len || decoder->in_frame) {
            size_t used = self->len - self->at;
            size_t made = size;
            bool had_input = used > 0;
            bool was_in_frame = decoder->in_frame;
            int status = decoder_step(decoder, self->buffer + self->at, &used, data, &made, err);
            if (!status && had_input && !used && !made && decoder->in_frame == was_in_frame) {
                status = corrupt(decoder, "it cannot be read on", err);
            }
            if (status) {
                leat_error_place(err, "%s", source->name);
                return status;
            }
            self->at += used;
            source->position = self->inner->position - (int64_t)(self->len - self->at);
            if (made) {
                *ret_len = made;
                return LEAT_OK;
            }
        }
        if (self->at < self->len) {
            continue;
        }
        if (self->ended) {
            break;
        }
        int status = refill(self, err);
        if (status) {
            return status;
        }
    }
    if (decoder->in_frame || !decoder->any_frame) {
        lt_fail(err, LT_E_CORRUPT, "the file ends in the middle of its %s data",
                lt_codec_name(decoder->codec));
        leat_error_place(err, "%s", source->name);
        return LEAT_BAD_DATA;
    }
    *ret_len = 0;
    return LEAT_OK;
}

static void decoding_close(struct lt_source *source)
{
    struct decoding_source *self = (struct decoding_source *)source;
    decoder_done(&self->decoder);
    lt_source_close(self->inner);
    free(self);
}

static const struct lt_source_ops decoding_ops = {decoding_read, NULL, decoding_close};

int lt_source_decompress(struct lt_source *inner, enum lt_codec codec,
                         struct lt_source **ret_source, struct leat_error *err)
{
    if (codec == LT_CODEC_NONE) {
        *ret_source = inner;
        return LEAT_OK;
    }
    struct decoding_source *self = calloc(1, sizeof(*self));
    int status = self ? decoder_init(&self->decoder, codec, err) : lt_fail_oom(err);
    if (status) {
        leat_error_place(err, "%s", inner->name);
        lt_source_close(inner);
        free(self);
        return status;
    }
    self->base.ops = &decoding_ops;
    self->base.name = inner->name;
    self->base.size = inner->size;
    self->base.position = inner->position;
    self->inner = inner;
    *ret_source = &self->base;
    return LEAT_OK;
}
