/* See codec.h. One decoder and one encoder, each a switch over the three libraries, serve whole
 * buffers and streams alike. */
#include "core/codec.h"

#include "core/codes.h"
#include "core/gzip_sink.h"
#include "core/util.h"

#include <limits.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/banned.h"

#define STREAM_BUFFER_BYTES ((size_t)256 * 1024)
/* What one call into a library is given: bounds its output for lz4, and fits zlib's counters. */
#define STEP_BYTES ((size_t)64 * 1024)
/* 128 MiB of window, what `zstd --ultra` writes without --long; more is refused. */
#define ZSTD_WINDOW_LOG_MAX 27
/* What one of libzstd's threads compresses at a time, and how many of them there are. */
#define ZSTD_JOB_BYTES (1 << 20)
#define ZSTD_WORKERS_MAX 4
/* zlib's window bits: the largest window, and 16 to ask for the gzip wrapper. */
#define GZIP_WINDOW_BITS (15 + 16)
#define GZIP_LEVEL_FAST 1 /* of files; whole buffers take choose_level()'s */

/* --- names --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum lt_codec codec;
} codec_names[] = {
    {"none", LT_CODEC_NONE}, {"gzip", LT_CODEC_GZIP}, {"gz", LT_CODEC_GZIP},
    {"zstd", LT_CODEC_ZSTD}, {"zst", LT_CODEC_ZSTD},  {"lz4", LT_CODEC_LZ4},
};

int lt_codec_parse(const char *name, enum lt_codec *ret_codec, struct leat_error *err)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(codec_names); i++) {
        if (strcasecmp(name, codec_names[i].name) == 0) {
            *ret_codec = codec_names[i].codec;
            return LEAT_OK;
        }
    }
    lt_fail(err, LT_E_INVALID, "\"%s\" is no compression", name);
    leat_error_remedy(err, "one of none, gzip, zstd, lz4");
    return LEAT_INVALID;
}

const char *lt_codec_name(enum lt_codec codec)
{
    switch (codec) {
    case LT_CODEC_GZIP:
        return "gzip";
    case LT_CODEC_ZSTD:
        return "zstd";
    case LT_CODEC_LZ4:
        return "lz4";
    case LT_CODEC_NONE:
        break;
    }
    return "none";
}

enum lt_codec lt_codec_of_path(const char *path, size_t *ret_stem_len)
{
    static const struct {
        const char *ending;
        enum lt_codec codec;
    } rows[] = {
        {".gz", LT_CODEC_GZIP},
        {".zst", LT_CODEC_ZSTD},
        {".zstd", LT_CODEC_ZSTD},
        {".lz4", LT_CODEC_LZ4},
    };
    size_t len = strlen(path);
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        size_t ending_len = strlen(rows[i].ending);
        /* A file that is called ".gz" has no ending. */
        if (len > ending_len && path[len - ending_len - 1] != '/' &&
            strcasecmp(path + len - ending_len, rows[i].ending) == 0) {
            *ret_stem_len = len - ending_len;
            return rows[i].codec;
        }
    }
    *ret_stem_len = len;
    return LT_CODEC_NONE;
}

enum lt_codec lt_codec_sniff(const void *data, size_t len)
{
    if (len < 4) {
        return LT_CODEC_NONE;
    }
    /* RFC 1952 section 2.3.1 (8 is deflate, the only method); RFC 8878 section 3.1.1;
     * "LZ4 Frame Format Description", General Structure. */
    if (memcmp(data, "\x1f\x8b\x08", 3) == 0) {
        return LT_CODEC_GZIP;
    }
    if (memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0) {
        return LT_CODEC_ZSTD;
    }
    if (memcmp(data, "\x04\x22\x4d\x18", 4) == 0) {
        return LT_CODEC_LZ4;
    }
    return LT_CODEC_NONE;
}

/* Level 0 becomes the codec's fast one; LEAT_INVALID for one it does not have. */
static int choose_level(enum lt_codec codec, int *level, struct leat_error *err)
{
    int least = 1, most = 9, fast = 6;
    if (codec == LT_CODEC_ZSTD) {
        least = ZSTD_minCLevel();
        most = ZSTD_maxCLevel();
        fast = 1;
    } else if (codec == LT_CODEC_LZ4) {
        least = 0;
        most = LZ4F_compressionLevel_max();
        fast = 0;
    }
    if (*level == 0) {
        *level = fast;
    }
    if (*level < least || *level > most) {
        lt_fail(err, LT_E_INVALID, "%s has no level %d", lt_codec_name(codec), *level);
        leat_error_remedy(err, "choose a level from %d to %d", LT_MAX(least, 1), most);
        return LEAT_INVALID;
    }
    return LEAT_OK;
}

static LZ4F_preferences_t lz4_preferences(int level, bool checksum)
{
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    preferences.compressionLevel = level;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.contentChecksumFlag =
        checksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
    return preferences;
}

/* --- decoding ------------------------------------------------------------------------------ */

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

/* --- encoding ------------------------------------------------------------------------------ */

struct encoder {
    enum lt_codec codec;
    bool ready;
    bool begun; /* lz4: the frame header is written */
    LZ4F_preferences_t preferences;
    union {
        z_stream gzip;
        ZSTD_CCtx *zstd;
        LZ4F_cctx *lz4;
    } u;
};

static int encoder_init(struct encoder *encoder, enum lt_codec codec, int level,
                        struct leat_error *err)
{
    memset(encoder, 0, sizeof(*encoder));
    int status = choose_level(codec, &level, err);
    if (status) {
        return status;
    }
    encoder->codec = codec;
    switch (codec) {
    case LT_CODEC_GZIP:
        encoder->ready = deflateInit2(&encoder->u.gzip, level, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
                                      Z_DEFAULT_STRATEGY) == Z_OK;
        break;
    case LT_CODEC_ZSTD:
        encoder->u.zstd = ZSTD_createCCtx();
        encoder->ready = encoder->u.zstd != NULL;
        if (encoder->ready) {
            ZSTD_CCtx_setParameter(encoder->u.zstd, ZSTD_c_compressionLevel, level);
            ZSTD_CCtx_setParameter(encoder->u.zstd, ZSTD_c_checksumFlag, 1);
        }
        break;
    case LT_CODEC_LZ4:
        encoder->preferences = lz4_preferences(level, true);
        encoder->ready =
            !LZ4F_isError(LZ4F_createCompressionContext(&encoder->u.lz4, LZ4F_VERSION));
        break;
    case LT_CODEC_NONE:
        return lt_fail(err, LT_E_INTERNAL, "an encoder was made for no codec");
    }
    return encoder->ready ? LEAT_OK : lt_fail_oom(err);
}

static void encoder_done(struct encoder *encoder)
{
    if (!encoder->ready) {
        return;
    }
    if (encoder->codec == LT_CODEC_GZIP) {
        deflateEnd(&encoder->u.gzip);
    } else if (encoder->codec == LT_CODEC_ZSTD) {
        ZSTD_freeCCtx(encoder->u.zstd);
    } else {
        LZ4F_freeCompressionContext(encoder->u.lz4);
    }
    encoder->ready = false;
}

static int encoder_failed(const struct encoder *encoder, const char *why, struct leat_error *err)
{
    if (strstr(why, "llocation")) {
        return lt_fail_oom(err);
    }
    return lt_fail(err, LT_E_INTERNAL, "%s could not compress: %s", lt_codec_name(encoder->codec),
                   why);
}

static int lz4_encode(struct encoder *encoder, const uint8_t *in, size_t in_len, bool end,
                      uint8_t *out, size_t *out_len, struct leat_error *err)
{
    size_t room = *out_len, made = 0;
    size_t rc = 0;
    if (!encoder->begun) {
        rc = LZ4F_compressBegin(encoder->u.lz4, out, room, &encoder->preferences);
        made += LZ4F_isError(rc) ? 0 : rc;
        encoder->begun = true;
    }
    if (!LZ4F_isError(rc) && in_len) {
        rc = LZ4F_compressUpdate(encoder->u.lz4, out + made, room - made, in, in_len, NULL);
        made += LZ4F_isError(rc) ? 0 : rc;
    }
    if (!LZ4F_isError(rc) && end) {
        rc = LZ4F_compressEnd(encoder->u.lz4, out + made, room - made, NULL);
        made += LZ4F_isError(rc) ? 0 : rc;
    }
    if (LZ4F_isError(rc)) {
        return encoder_failed(encoder, LZ4F_getErrorName(rc), err);
    }
    *out_len = made;
    return LEAT_OK;
}

/* Takes up to STEP_BYTES of input, *in_len becomes what was taken; `end` ends the frame. `out` has
 * encoder_room() bytes. *ret_more: call again, with what is left of the input, before going on. */
static int encoder_step(struct encoder *encoder, const uint8_t *in, size_t *in_len, bool end,
                        uint8_t *out, size_t *out_len, bool *ret_more, struct leat_error *err)
{
    if (encoder->codec == LT_CODEC_GZIP) {
        z_stream *z = &encoder->u.gzip;
        uInt given = (uInt)*in_len, room = (uInt)*out_len;
        z->next_in = (Bytef *)(uintptr_t)in;
        z->avail_in = given;
        z->next_out = out;
        z->avail_out = room;
        int rc = deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            return encoder_failed(encoder, z->msg ? z->msg : "stream error", err);
        }
        *in_len = given - z->avail_in;
        *out_len = room - z->avail_out;
        *ret_more = end ? rc != Z_STREAM_END : z->avail_in > 0;
        return LEAT_OK;
    }
    if (encoder->codec == LT_CODEC_ZSTD) {
        ZSTD_inBuffer from = {in, *in_len, 0};
        ZSTD_outBuffer to = {out, *out_len, 0};
        size_t rc =
            ZSTD_compressStream2(encoder->u.zstd, &to, &from, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(rc)) {
            return encoder_failed(encoder, ZSTD_getErrorName(rc), err);
        }
        *ret_more = end ? rc != 0 : from.pos < from.size;
        *in_len = from.pos;
        *out_len = to.pos;
        return LEAT_OK;
    }
    *ret_more = false;
    return lz4_encode(encoder, in, *in_len, end, out, out_len, err);
}

/* The output space a step must be given. Only lz4 insists on it: its calls do not stop half-way,
 * so it is what any one step may give. */
static size_t encoder_room(const struct encoder *encoder)
{
    if (encoder->codec != LT_CODEC_LZ4) {
        return STEP_BYTES;
    }
    return LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(STEP_BYTES, &encoder->preferences) +
           LZ4F_compressBound(0, &encoder->preferences);
}

static int gzip_whole(int level, const uint8_t *data, size_t len, struct lt_buf *out,
                      struct leat_error *err)
{
    struct encoder encoder;
    int status = encoder_init(&encoder, LT_CODEC_GZIP, level, err);
    bool more = !status;
    for (size_t at = 0; more && !status;) {
        size_t used = LT_MIN(len - at, STEP_BYTES);
        bool end = at + used == len;
        if (lt_buf_reserve(out, STEP_BYTES)) {
            status = lt_fail_oom(err);
            break;
        }
        size_t made = STEP_BYTES;
        status =
            encoder_step(&encoder, data + at, &used, end, out->data + out->len, &made, &more, err);
        if (!status) {
            at += used;
            out->len += made;
            more = more || !end;
        }
    }
    encoder_done(&encoder);
    return status;
}

int lt_codec_compress(enum lt_codec codec, int level, const void *data, size_t len,
                      struct lt_buf *out, struct leat_error *err)
{
    size_t before = out->len;
    int status = LEAT_OK;
    data = len ? data : "";
    if (codec == LT_CODEC_NONE) {
        return lt_buf_append(out, data, len) ? lt_fail_oom(err) : LEAT_OK;
    }
    if (codec == LT_CODEC_GZIP) {
        status = gzip_whole(level, data, len, out, err);
    } else {
        status = choose_level(codec, &level, err);
        LZ4F_preferences_t preferences = lz4_preferences(level, false);
        size_t bound = 0;
        if (!status && len < LT_BUF_MAX) {
            /* The size goes into the header, so that readers can check it. */
            preferences.frameInfo.contentSize = len;
            bound = codec == LT_CODEC_ZSTD ? ZSTD_compressBound(len)
                                           : LZ4F_compressFrameBound(len, &preferences);
        }
        if (!status && (bound == 0 || lt_buf_reserve(out, bound))) {
            status = lt_fail_oom(err);
        }
        if (!status) {
            uint8_t *to = out->data + out->len;
            size_t made = codec == LT_CODEC_ZSTD
                              ? ZSTD_compress(to, bound, data, len, level)
                              : LZ4F_compressFrame(to, bound, data, len, &preferences);
            bool failed = codec == LT_CODEC_ZSTD ? ZSTD_isError(made) : LZ4F_isError(made);
            status = failed ? lt_fail_oom(err) : LEAT_OK;
            out->len += failed ? 0 : made;
        }
    }
    if (status) {
        out->len = before;
    }
    if (out->data) {
        out->data[out->len] = 0;
    }
    return status;
}

/* --- a sink that encodes ------------------------------------------------------------------- */

struct encoding_sink {
    struct lt_sink base;
    struct lt_sink *inner;
    struct encoder encoder;
    uint8_t *buffer; /* output of one or more steps, `room` of it for the next one */
    size_t len;
    size_t cap;
    size_t room;
    bool over; /* finished or failed */
};

static int drain(struct encoding_sink *self, struct leat_error *err)
{
    size_t len = self->len;
    self->len = 0;
    return len ? lt_sink_write(self->inner, self->buffer, len, err) : LEAT_OK;
}

static int encode(struct encoding_sink *self, const uint8_t *data, size_t size, bool end,
                  struct leat_error *err)
{
    bool more = end;
    while (size || more) {
        if (self->cap - self->len < self->room) {
            int status = drain(self, err);
            if (status) {
                return status;
            }
        }
        size_t used = LT_MIN(size, STEP_BYTES);
        size_t made = self->cap - self->len;
        int status = encoder_step(&self->encoder, data, &used, end, self->buffer + self->len, &made,
                                  &more, err);
        if (status) {
            leat_error_place(err, "%s", self->base.name);
            return status;
        }
        data += used;
        size -= used;
        self->len += made;
    }
    return LEAT_OK;
}

static int encoding_call(struct encoding_sink *self, const void *data, size_t size, bool end,
                         struct leat_error *err)
{
    if (self->over) {
        lt_fail(err, LT_E_INTERNAL, "bytes were written after the end");
        leat_error_place(err, "%s", self->base.name);
        return LEAT_INTERNAL;
    }
    int status = encode(self, data, size, end, err);
    if (!status && end) {
        status = drain(self, err);
    }
    if (!status && end) {
        status = lt_sink_finish(self->inner, err);
    }
    /* After a failure the frame has a hole: it must not be ended as if it were whole. */
    self->over = status || end;
    return status;
}

static int encoding_write(struct lt_sink *sink, const void *data, size_t size,
                          struct leat_error *err)
{
    int status = encoding_call((struct encoding_sink *)sink, data, size, false, err);
    if (!status) {
        sink->position += (int64_t)size;
    }
    return status;
}

static int encoding_finish(struct lt_sink *sink, struct leat_error *err)
{
    static const uint8_t nothing;
    return encoding_call((struct encoding_sink *)sink, &nothing, 0, true, err);
}

static void encoding_close(struct lt_sink *sink)
{
    struct encoding_sink *self = (struct encoding_sink *)sink;
    encoder_done(&self->encoder);
    lt_sink_close(self->inner);
    free(self->buffer);
    free(self);
}

/* Has libzstd compress on threads of its own. What it writes does not depend on how many they are,
 * only on there being any: so there is always one. A libzstd without threads refuses and goes on
 * as ever. */
static void compress_beside(ZSTD_CCtx *zstd, int threads)
{
    int n = LT_MIN(LT_MAX(threads - 1, 1), ZSTD_WORKERS_MAX);
    if (!ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_nbWorkers, n))) {
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_jobSize, ZSTD_JOB_BYTES);
    }
}

static const struct lt_sink_ops encoding_ops = {encoding_write, encoding_finish, encoding_close};

int lt_sink_compress(struct lt_sink *inner, enum lt_codec codec, int level, int threads,
                     struct lt_sink **ret_sink, struct leat_error *err)
{
    if (codec == LT_CODEC_NONE) {
        *ret_sink = inner;
        return LEAT_OK;
    }
    if (codec == LT_CODEC_GZIP && threads > 0 && level >= 0 && level <= 9) {
        return lt_sink_gzip(inner, level, threads, ret_sink, err);
    }
    if (codec == LT_CODEC_GZIP && level == 0) {
        level = GZIP_LEVEL_FAST;
    }
    struct encoding_sink *self = calloc(1, sizeof(*self));
    int status = self ? encoder_init(&self->encoder, codec, level, err) : lt_fail_oom(err);
    if (!status && codec == LT_CODEC_ZSTD && threads > 0) {
        compress_beside(self->encoder.u.zstd, threads);
    }
    if (!status) {
        self->room = encoder_room(&self->encoder);
        self->cap = STREAM_BUFFER_BYTES + self->room;
        self->buffer = malloc(self->cap);
        status = self->buffer ? LEAT_OK : lt_fail_oom(err);
    }
    if (status) {
        leat_error_place(err, "%s", inner->name);
        if (self) {
            encoder_done(&self->encoder);
        }
        lt_sink_close(inner);
        free(self);
        return status;
    }
    self->base.ops = &encoding_ops;
    self->base.name = inner->name;
    self->inner = inner;
    *ret_sink = &self->base;
    return LEAT_OK;
}
