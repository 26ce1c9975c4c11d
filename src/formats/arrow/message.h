/* The metadata of Arrow IPC: Schema, RecordBatch, DictionaryBatch and Footer, to and from their
 * FlatBuffers tables (Schema.fbs, Message.fbs and File.fbs of the Arrow columnar format).
 *
 * Nothing here reads or writes a source; errors are [corrupt-file] or [unsupported] without a
 * place, which callers add. */
#ifndef LT_IPC_MESSAGE_H
#define LT_IPC_MESSAGE_H

#include "columnar/schema.h"
#include "core/codec.h"
#include "formats/arrow/flatbuf.h"

/* Names, zones and metadata of one schema from outside, together. */
#define LT_IPC_TEXT_MAX ((size_t)64 << 20)

#define LT_IPC_CONTINUATION 0xFFFFFFFFu
#define LT_IPC_ALIGN 64 /* of buffers within a body */

/* How a column is laid out in record batches: one node of a tree in schema order. */
struct lt_ipc_field {
    enum lt_type_id id; /* of what the batch holds: of the indexes when dictionary-encoded */
    int32_t width;      /* bytes of a fixed-width value; elements of FIXED_LIST */
    bool plain;         /* no views and no dictionaries here or below: handed out as stored */
    int64_t dictionary_id;
    struct lt_ipc_field *values; /* dictionary-encoded: the layout of the values, else NULL */
    struct lt_ipc_field *children;
    int64_t n_children;
};

void lt_ipc_field_done(struct lt_ipc_field *field);
/* The layout of `field` once decoded: views become offsets, dictionaries their values. */
int lt_ipc_field_decoded(const struct lt_ipc_field *field, struct lt_ipc_field *ret_field,
                         struct leat_error *err);
bool lt_ipc_field_same(const struct lt_ipc_field *a, const struct lt_ipc_field *b);
/* The layout of columns we hold, from their schema. */
int lt_ipc_field_of(const struct ArrowSchema *schema, struct lt_ipc_field *ret_field,
                    struct leat_error *err);

enum lt_ipc_kind { LT_IPC_SCHEMA = 1, LT_IPC_DICTIONARY = 2, LT_IPC_BATCH = 3 };

/* A message's header. Its vectors point into the metadata it was read from and at `fb`: it must
 * not be copied. */
struct lt_ipc_message {
    struct lt_fb fb;
    enum lt_ipc_kind kind;
    int64_t body_len;
    struct lt_fb_table schema; /* SCHEMA */
    int64_t dictionary_id;     /* DICTIONARY */
    bool delta;
    int64_t rows; /* DICTIONARY, BATCH */
    struct lt_fb_vector nodes;
    struct lt_fb_vector buffers;
    struct lt_fb_vector variadic;
    enum lt_codec codec;
};

/* Reads a message's metadata; ret_message keeps pointing into `data`. */
int lt_ipc_message_read(const void *data, size_t len, struct lt_ipc_message *ret_message,
                        struct leat_error *err);

/* Reads a Schema table into the schema to show (decoded types) and the layout as stored: a
 * struct of all columns. */
int lt_ipc_schema_read(const struct lt_fb_table *table, struct ArrowSchema *ret_schema,
                       struct lt_ipc_field *ret_field, struct leat_error *err);

/* Where a message lies in a file. meta_len counts prefix and padding. */
struct lt_ipc_block {
    int64_t offset;
    int64_t meta_len;
    int64_t body_len;
};

struct lt_ipc_footer {
    struct lt_ipc_block *dictionaries;
    size_t n_dictionaries;
    struct lt_ipc_block *batches;
    size_t n_batches;
};

/* Reads a footer and its schema. Every block must lie in [8, footer_at). */
int lt_ipc_footer_read(const void *data, size_t len, int64_t footer_at,
                       struct lt_ipc_footer *ret_footer, struct ArrowSchema *ret_schema,
                       struct lt_ipc_field *ret_field, struct leat_error *err);
void lt_ipc_footer_done(struct lt_ipc_footer *footer);

/* --- writing: each fills a started lt_fbw, whose oom is checked by the caller ---------------- */

/* What a record batch's header says. nodes and buffers are pairs of int64: length and null
 * count; offset and length. */
struct lt_ipc_batch_head {
    int64_t rows;
    const int64_t *nodes;
    size_t n_nodes;
    const int64_t *buffers;
    size_t n_buffers;
    enum lt_codec codec;
    int64_t body_len;
};

int lt_ipc_write_schema(struct lt_fbw *w, const struct ArrowSchema *schema, struct leat_error *err);
void lt_ipc_write_batch_head(struct lt_fbw *w, const struct lt_ipc_batch_head *head);
int lt_ipc_write_footer(struct lt_fbw *w, const struct ArrowSchema *schema,
                        const struct lt_ipc_block *batches, size_t n_batches,
                        struct leat_error *err);

/* --- numbers of the format, shared by reading and writing ------------------------------------ */

enum lt_ipc_type {
    LT_IPC_TYPE_NULL = 1,
    LT_IPC_TYPE_INT,
    LT_IPC_TYPE_FLOAT,
    LT_IPC_TYPE_BINARY,
    LT_IPC_TYPE_UTF8,
    LT_IPC_TYPE_BOOL,
    LT_IPC_TYPE_DECIMAL,
    LT_IPC_TYPE_DATE,
    LT_IPC_TYPE_TIME,
    LT_IPC_TYPE_TIMESTAMP,
    LT_IPC_TYPE_INTERVAL,
    LT_IPC_TYPE_LIST,
    LT_IPC_TYPE_STRUCT,
    LT_IPC_TYPE_UNION,
    LT_IPC_TYPE_FIXED_BINARY,
    LT_IPC_TYPE_FIXED_LIST,
    LT_IPC_TYPE_MAP,
    LT_IPC_TYPE_DURATION,
    LT_IPC_TYPE_LARGE_BINARY,
    LT_IPC_TYPE_LARGE_UTF8,
    LT_IPC_TYPE_LARGE_LIST,
    LT_IPC_TYPE_RUN_END,
    LT_IPC_TYPE_BINARY_VIEW,
    LT_IPC_TYPE_UTF8_VIEW,
    LT_IPC_TYPE_LIST_VIEW,
    LT_IPC_TYPE_LARGE_LIST_VIEW
};

#define LT_IPC_V4 3
#define LT_IPC_V5 4

/* Field ids, in the order of the tables in the .fbs files. A union takes two: type and value. */
enum { MESSAGE_VERSION, MESSAGE_KIND, MESSAGE_HEADER, MESSAGE_BODY_LEN, MESSAGE_META };
enum { SCHEMA_ENDIAN, SCHEMA_FIELDS, SCHEMA_META, SCHEMA_FEATURES };
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_KIND,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_META
};
enum { PAIR_KEY, PAIR_VALUE };
enum { ENCODING_ID, ENCODING_INDEX };
enum { DICTIONARY_ID, DICTIONARY_DATA, DICTIONARY_DELTA };
enum { BATCH_ROWS, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION, BATCH_VARIADIC };
enum { COMPRESSION_CODEC, COMPRESSION_METHOD };
enum { FOOTER_VERSION, FOOTER_SCHEMA, FOOTER_DICTIONARIES, FOOTER_BATCHES, FOOTER_META };

#define LT_IPC_PAIR_BYTES 16  /* FieldNode and Buffer: two int64 */
#define LT_IPC_BLOCK_BYTES 24 /* Block: int64, int32, four bytes unused, int64 */

#endif
