/* Parquet's own words for its numbers, for messages. */
#include "formats/parquet/meta.h"

#include "core/banned.h"

const char *lt_pq_type_name(int type)
{
    switch (type) {
#define X(name, number, text)                                                                      \
    case number:                                                                                   \
        return text;
        LT_PQ_TYPE_MAP(X)
#undef X
    default:
        return "?";
    }
}

const char *lt_pq_encoding_name(int encoding)
{
    switch (encoding) {
#define X(name, number, text)                                                                      \
    case number:                                                                                   \
        return text;
        LT_PQ_ENCODING_MAP(X)
#undef X
    default:
        return "?";
    }
}

const char *lt_pq_codec_name(int codec)
{
    switch (codec) {
#define X(name, number, text)                                                                      \
    case number:                                                                                   \
        return text;
        LT_PQ_CODEC_MAP(X)
#undef X
    default:
        return "?";
    }
}
