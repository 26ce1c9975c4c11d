/* Compression: one encoder, a switch over the three libraries, serves whole buffers and streams
 * alike. */
#include "core/codec_parts.h"

#include "core/codes.h"
#include "core/gzip_sink.h"
#include "core/util.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "core/banned.h"

/* What one of libzstd's threads compresses at a time, and how many of them there are. */
#define ZSTD_JOB_BYTES (1 << 20)
#define ZSTD_WORKERS_MAX 4
#define GZIP_LEVEL_FAST 1 /* of files; whole buffers take choose_level()'s */

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
