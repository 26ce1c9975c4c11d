/* Parquet's metadata (parquet.thrift): the footer, page headers, column and offset indexes, as
 * plain structs, read from and written in Thrift's compact protocol.
 *
 * Reading: everything is bounds-checked against the bytes given, nesting and counts are limited,
 * unknown fields and union members are passed over. Texts and bytes are borrowed from the bytes
 * read (which must outlive the struct) and are not NUL-terminated. Errors are [corrupt-file] or
 * [unsupported] without a place, which callers add. */
#ifndef LT_PARQUET_META_H
#define LT_PARQUET_META_H

#include "core/buf.h"
#include "leat/error.h"

#include <stdbool.h>
#include <stdint.h>

#define LT_PQ_MAGIC "PAR1"
#define LT_PQ_MAGIC_ENCRYPTED "PARE"
#define LT_PQ_TAIL 8 /* footer length and magic */

/* Numbers of the format; each list is X(name, number, text). */
#define LT_PQ_TYPE_MAP(X)                                                                          \
    X(BOOLEAN, 0, "BOOLEAN")                                                                       \
    X(INT32, 1, "INT32")                                                                           \
    X(INT64, 2, "INT64")                                                                           \
    X(INT96, 3, "INT96")                                                                           \
    X(FLOAT, 4, "FLOAT")                                                                           \
    X(DOUBLE, 5, "DOUBLE")                                                                         \
    X(BYTE_ARRAY, 6, "BYTE_ARRAY")                                                                 \
    X(FLBA, 7, "FIXED_LEN_BYTE_ARRAY")

#define LT_PQ_ENCODING_MAP(X)                                                                      \
    X(PLAIN, 0, "PLAIN")                                                                           \
    X(PLAIN_DICTIONARY, 2, "PLAIN_DICTIONARY")                                                     \
    X(RLE, 3, "RLE")                                                                               \
    X(BIT_PACKED, 4, "BIT_PACKED")                                                                 \
    X(DELTA_BINARY_PACKED, 5, "DELTA_BINARY_PACKED")                                               \
    X(DELTA_LENGTH_BYTE_ARRAY, 6, "DELTA_LENGTH_BYTE_ARRAY")                                       \
    X(DELTA_BYTE_ARRAY, 7, "DELTA_BYTE_ARRAY")                                                     \
    X(RLE_DICTIONARY, 8, "RLE_DICTIONARY")                                                         \
    X(BYTE_STREAM_SPLIT, 9, "BYTE_STREAM_SPLIT")                                                   \
    X(ALP, 10, "ALP")

#define LT_PQ_CODEC_MAP(X)                                                                         \
    X(UNCOMPRESSED, 0, "UNCOMPRESSED")                                                             \
    X(SNAPPY, 1, "SNAPPY")                                                                         \
    X(GZIP, 2, "GZIP")                                                                             \
    X(LZO, 3, "LZO")                                                                               \
    X(BROTLI, 4, "BROTLI")                                                                         \
    X(LZ4, 5, "LZ4")                                                                               \
    X(ZSTD, 6, "ZSTD")                                                                             \
    X(LZ4_RAW, 7, "LZ4_RAW")

#define LT_PQ_CONVERTED_MAP(X)                                                                     \
    X(UTF8, 0, "UTF8")                                                                             \
    X(MAP, 1, "MAP")                                                                               \
    X(MAP_KEY_VALUE, 2, "MAP_KEY_VALUE")                                                           \
    X(LIST, 3, "LIST")                                                                             \
    X(ENUM, 4, "ENUM")                                                                             \
    X(DECIMAL, 5, "DECIMAL")                                                                       \
    X(DATE, 6, "DATE")                                                                             \
    X(TIME_MILLIS, 7, "TIME_MILLIS")                                                               \
    X(TIME_MICROS, 8, "TIME_MICROS")                                                               \
    X(TIMESTAMP_MILLIS, 9, "TIMESTAMP_MILLIS")                                                     \
    X(TIMESTAMP_MICROS, 10, "TIMESTAMP_MICROS")                                                    \
    X(UINT_8, 11, "UINT_8")                                                                        \
    X(UINT_16, 12, "UINT_16")                                                                      \
    X(UINT_32, 13, "UINT_32")                                                                      \
    X(UINT_64, 14, "UINT_64")                                                                      \
    X(INT_8, 15, "INT_8")                                                                          \
    X(INT_16, 16, "INT_16")                                                                        \
    X(INT_32, 17, "INT_32")                                                                        \
    X(INT_64, 18, "INT_64")                                                                        \
    X(JSON, 19, "JSON")                                                                            \
    X(BSON, 20, "BSON")                                                                            \
    X(INTERVAL, 21, "INTERVAL")

/* Members of the LogicalType union, by field id. */
#define LT_PQ_LOGICAL_MAP(X)                                                                       \
    X(STRING, 1, "STRING")                                                                         \
    X(MAP, 2, "MAP")                                                                               \
    X(LIST, 3, "LIST")                                                                             \
    X(ENUM, 4, "ENUM")                                                                             \
    X(DECIMAL, 5, "DECIMAL")                                                                       \
    X(DATE, 6, "DATE")                                                                             \
    X(TIME, 7, "TIME")                                                                             \
    X(TIMESTAMP, 8, "TIMESTAMP")                                                                   \
    X(INTEGER, 10, "INTEGER")                                                                      \
    X(UNKNOWN, 11, "UNKNOWN")                                                                      \
    X(JSON, 12, "JSON")                                                                            \
    X(BSON, 13, "BSON")                                                                            \
    X(UUID, 14, "UUID")                                                                            \
    X(FLOAT16, 15, "FLOAT16")                                                                      \
    X(VARIANT, 16, "VARIANT")                                                                      \
    X(GEOMETRY, 17, "GEOMETRY")                                                                    \
    X(GEOGRAPHY, 18, "GEOGRAPHY")

#define LT_PQ_ENUM(prefix, name, number) prefix##name = number,
enum lt_pq_type {
#define X(name, number, text) LT_PQ_ENUM(LT_PQ_, name, number)
    LT_PQ_TYPE_MAP(X)
#undef X
};
enum lt_pq_encoding {
#define X(name, number, text) LT_PQ_ENUM(LT_PQ_ENC_, name, number)
    LT_PQ_ENCODING_MAP(X)
#undef X
};
enum lt_pq_codec {
#define X(name, number, text) LT_PQ_ENUM(LT_PQ_CODEC_, name, number)
    LT_PQ_CODEC_MAP(X)
#undef X
};
enum lt_pq_converted {
    LT_PQ_CONV_NONE = -1,
#define X(name, number, text) LT_PQ_ENUM(LT_PQ_CONV_, name, number)
    LT_PQ_CONVERTED_MAP(X)
#undef X
};
enum lt_pq_logical {
    LT_PQ_LOGICAL_NONE = 0,
#define X(name, number, text) LT_PQ_ENUM(LT_PQ_LOGICAL_, name, number)
    LT_PQ_LOGICAL_MAP(X)
#undef X
        LT_PQ_LOGICAL_OTHER =
            1000 /* a member this version does not know: the physical type counts */
};
#undef LT_PQ_ENUM

enum lt_pq_repetition { LT_PQ_REQUIRED, LT_PQ_OPTIONAL, LT_PQ_REPEATED };
enum lt_pq_page_type { LT_PQ_PAGE_DATA, LT_PQ_PAGE_INDEX, LT_PQ_PAGE_DICTIONARY, LT_PQ_PAGE_V2 };
enum lt_pq_unit { LT_PQ_MILLIS = 1, LT_PQ_MICROS, LT_PQ_NANOS };
enum lt_pq_order { LT_PQ_UNORDERED, LT_PQ_ASCENDING, LT_PQ_DESCENDING };

/* Text for messages; "?" for numbers out of range. */
const char *lt_pq_type_name(int type);
const char *lt_pq_encoding_name(int encoding);
const char *lt_pq_codec_name(int codec);

struct lt_pq_bytes {
    const uint8_t *data; /* NULL: absent */
    size_t len;
};

struct lt_pq_element {
    int32_t type; /* enum lt_pq_type; -1: a group */
    int32_t type_length;
    int32_t repetition; /* enum lt_pq_repetition; the root has none: LT_PQ_REQUIRED */
    struct lt_pq_bytes name;
    int32_t n_children;
    int32_t converted; /* LT_PQ_CONV_NONE: none */
    int32_t scale, precision;
    int32_t field_id; /* -1: none */
    int32_t logical;  /* enum lt_pq_logical */
    bool utc;         /* TIME, TIMESTAMP: adjusted to UTC */
    int32_t unit;     /* TIME, TIMESTAMP: enum lt_pq_unit; 0 unknown */
    int32_t bit_width;
    bool is_signed; /* INTEGER */
};

/* Absent bounds have data NULL. Only min_value and max_value are written. */
struct lt_pq_statistics {
    bool present;
    struct lt_pq_bytes min, max; /* legacy */
    struct lt_pq_bytes min_value, max_value;
    int64_t null_count, distinct_count; /* -1: absent */
    bool min_exact, max_exact;
};

struct lt_pq_encoding_stats {
    int32_t page_type, encoding, count;
};

struct lt_pq_pair {
    struct lt_pq_bytes key, value;
};

struct lt_pq_chunk {
    struct lt_pq_bytes file_path; /* data in another file: refused by name */
    bool encrypted;
    int32_t type;
    int32_t *encodings;
    size_t n_encodings;
    struct lt_pq_bytes *path; /* path_in_schema */
    size_t n_path;
    int32_t codec;
    int64_t num_values, uncompressed_size, compressed_size;
    int64_t data_page_offset, index_page_offset, dictionary_page_offset; /* -1: absent */
    struct lt_pq_statistics statistics;
    struct lt_pq_encoding_stats *encoding_stats;
    size_t n_encoding_stats;
    int64_t bloom_offset; /* -1: absent */
    int32_t bloom_length;
    int64_t offset_index_offset, column_index_offset; /* -1: absent */
    int32_t offset_index_length, column_index_length;
};

struct lt_pq_row_group {
    struct lt_pq_chunk *chunks;
    size_t n_chunks;
    int64_t total_byte_size, num_rows, file_offset, total_compressed_size;
    int32_t ordinal; /* -1: absent */
};

struct lt_pq_footer {
    int32_t version;
    struct lt_pq_element *elements; /* depth first, the root at 0 */
    size_t n_elements;
    int64_t num_rows;
    struct lt_pq_row_group *groups;
    size_t n_groups;
    struct lt_pq_pair *pairs;
    size_t n_pairs;
    struct lt_pq_bytes created_by;
    bool encrypted;                /* columns are, behind a plain footer */
    size_t n_column_orders;        /* writing: one TYPE_ORDER a leaf */
    struct lt_pq_bytes raw_groups; /* writing: row groups written before, which come first */
    size_t n_raw_groups;
    bool *type_order; /* reading: leaf i has a defined order; NULL: none has */
};

struct lt_pq_page {
    int32_t type; /* enum lt_pq_page_type */
    int32_t uncompressed_size, compressed_size;
    bool has_crc;
    uint32_t crc;
    /* of data pages v1 and v2 and dictionary pages */
    int32_t num_values;
    int32_t encoding;
    int32_t def_encoding, rep_encoding; /* v1 */
    bool is_sorted;                     /* dictionary */
    int32_t num_nulls, num_rows;        /* v2 */
    int32_t def_len, rep_len;           /* v2: bytes of levels */
    bool is_compressed;                 /* v2 */
    struct lt_pq_statistics statistics;
};

struct lt_pq_page_location {
    int64_t offset;
    int32_t compressed_size; /* header included */
    int64_t first_row;
};

struct lt_pq_offset_index {
    struct lt_pq_page_location *pages;
    size_t n_pages;
};

struct lt_pq_column_index {
    bool *null_pages;
    struct lt_pq_bytes *min_values, *max_values;
    int64_t *null_counts; /* NULL: absent */
    size_t n_pages;
    int32_t order; /* enum lt_pq_order */
};

/* --- reading (meta_read.c) ------------------------------------------------------------------ */

/* The footer's bytes, without length and magic. done() frees what was allocated; it takes
 * half-read ones. */
int lt_pq_footer_read(const uint8_t *data, size_t len, struct lt_pq_footer *ret_footer,
                      struct leat_error *err);
void lt_pq_footer_done(struct lt_pq_footer *footer);
/* One page header at the start of `data`; *ret_used is its length. LEAT_BAD_DATA with *ret_short
 * set when the header goes on behind `len`. */
int lt_pq_page_read(const uint8_t *data, size_t len, struct lt_pq_page *ret_page, size_t *ret_used,
                    bool *ret_short, struct leat_error *err);
int lt_pq_offset_index_read(const uint8_t *data, size_t len, struct lt_pq_offset_index *ret_index,
                            struct leat_error *err);
void lt_pq_offset_index_done(struct lt_pq_offset_index *index);
int lt_pq_column_index_read(const uint8_t *data, size_t len, struct lt_pq_column_index *ret_index,
                            struct leat_error *err);
void lt_pq_column_index_done(struct lt_pq_column_index *index);

/* --- writing (meta_write.c): appends to `out`; LEAT_OK or LEAT_NO_MEMORY ---------------------- */

int lt_pq_footer_write(const struct lt_pq_footer *footer, struct lt_buf *out);
/* One row group as an element of the footer's list: for raw_groups, so that a long file's groups
 * need not be kept as structs. */
int lt_pq_row_group_write(const struct lt_pq_row_group *group, struct lt_buf *out);
int lt_pq_page_write(const struct lt_pq_page *page, struct lt_buf *out);
int lt_pq_offset_index_write(const struct lt_pq_offset_index *index, struct lt_buf *out);
int lt_pq_column_index_write(const struct lt_pq_column_index *index, struct lt_buf *out);

#endif
