/* The names of codecs, and how their data begin. */
#include "core/codec.h"

#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

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
