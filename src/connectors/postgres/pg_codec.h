/* COPY (FORMAT binary) and (FORMAT text) to batches and back, without any connection. */
#ifndef LT_PG_CODEC_H
#define LT_PG_CODEC_H

#include "columnar/builder.h"
#include "columnar/view.h"
#include "leat/connector.h"

/* What the bytes of one field mean on the wire. */
enum pg_wire {
    PG_WIRE_TEXT_CAST, /* none of these: read as text, written by COPY text */
    PG_WIRE_BOOL,
    PG_WIRE_INT2,
    PG_WIRE_INT4,
    PG_WIRE_INT8,
    PG_WIRE_OID,
    PG_WIRE_FLOAT4,
    PG_WIRE_FLOAT8,
    PG_WIRE_NUMERIC,
    PG_WIRE_TEXT,
    PG_WIRE_JSONB,
    PG_WIRE_BYTEA,
    PG_WIRE_DATE,
    PG_WIRE_TIME,
    PG_WIRE_TIMESTAMP,
    PG_WIRE_INTERVAL,
    PG_WIRE_UUID,
    PG_WIRE_CHAR, /* "char": one byte; as text "", a letter, or \\ooo for what is no ASCII */
    PG_WIRE_MONEY /* cents of the server's lc_monetary, 64 bits; a decimal(19,s) */
};

struct pg_wire_row {
    uint32_t oid, array_oid;
    enum pg_wire wire;
};

/* By type oid, also of the array types; PG_WIRE_TEXT_CAST for all others. */
enum pg_wire pg_wire_of_oid(uint32_t oid, bool *ret_list, uint32_t *ret_element_oid);

#define PG_MONEY_DIGITS 19 /* of a decimal that holds every money */

#define PG_COPY_SIGNATURE "PGCOPY\n\377\r\n"
#define PG_COPY_HEADER_LEN 19 /* signature with its NUL, flags, length of the extension */

/* --- decoding ------------------------------------------------------------------------------ */

/* What is decoded where the tuple is taken apart, because so many columns are of it. */
enum pg_plain { PG_PLAIN_NONE, PG_PLAIN_4_BYTES, PG_PLAIN_8_BYTES, PG_PLAIN_TEXT };

struct pg_decode_column {
    enum pg_wire wire;
    enum pg_plain plain;
    uint32_t bytes; /* a value must have; 0: any */
    bool list;
    uint32_t element_oid; /* list: what the array must say */
    bool check_utf8;
    int32_t scale;      /* decimals */
    uint64_t limit[4];  /* ... are below this: 10^precision, least significant word first */
    enum lt_type_id id; /* of the value, or of the list's elements */
    bool lost;          /* of the next tuple it becomes NULL */
};

struct pg_decoder {
    struct pg_decode_column *columns;
    int64_t n_columns;
    struct lt_batch_builder batch;
    int64_t rows;      /* in the batch being built */
    int64_t row_bytes; /* fixed part of a row */
    int64_t var_bytes; /* variable part of the rows so far */
    bool header_read, trailer_read;
    int64_t refused;    /* the column whose value pg_decode() refused last */
    bool refused_range; /* ... because its type has no such value; else it is no valid text */
    bool losing;        /* some column is `lost` */
    const struct ArrowSchema *schema; /* borrowed */
};

/* wires[i] and list of column i; a PG_WIRE_TEXT_CAST column comes as text. Refuses pairs that do
 * not belong together. */
int pg_decoder_init(struct pg_decoder *decoder, const struct ArrowSchema *schema,
                    const enum pg_wire *wires, const uint32_t *element_oids, bool check_utf8,
                    struct leat_error *err);
void pg_decoder_done(struct pg_decoder *decoder);

enum pg_decoded { PG_DECODED_ROW, PG_DECODED_NOTHING, PG_DECODED_REFUSED };

/* Splits one CopyData message: skips the header when it comes first, and sees the trailer.
 * *ret_data, *ret_len are the tuple, empty when there is none in it. */
int pg_copy_frame(bool *header_read, bool *trailer_read, const uint8_t *data, size_t len,
                  const uint8_t **ret_data, size_t *ret_len, struct leat_error *err);

/* Appends the tuple of one CopyData message. PG_DECODED_REFUSED: a value does not fit; nothing
 * was appended, *err says which. Any other fault fails the call. */
int pg_decode(struct pg_decoder *decoder, const uint8_t *data, size_t len,
              enum pg_decoded *ret_what, struct leat_error *err);
/* Makes the value that was refused last a NULL, for when the same message is decoded once more;
 * pg_decoder_keep() ends that, before the next message. */
void pg_decoder_lose(struct pg_decoder *decoder);
void pg_decoder_keep(struct pg_decoder *decoder);
static inline int64_t pg_decoder_bytes(const struct pg_decoder *decoder)
{
    return decoder->rows * decoder->row_bytes + decoder->var_bytes;
}
int pg_decoder_finish(struct pg_decoder *decoder, struct ArrowArray *ret_array,
                      struct leat_error *err);

/* --- what a column's modifiers allow (pg_limit.c) ------------------------------------------ */

/* The server changes some values silently to what a column's modifiers say: it rounds times and
 * numerics, cuts names and blanks. Such values are refused before they go. All zero: any value. */
struct pg_limit {
    int32_t chars_max;        /* varchar(n), char(n), in characters */
    int32_t bytes_max;        /* name */
    bool padded;              /* char(n): blanks at its end do not count */
    bool any;                 /* something of this is set */
    bool finite;              /* numeric: no infinity */
    int32_t precision, scale; /* numeric(p,s); precision 0: any */
    int64_t multiple;         /* microseconds that a time must be a multiple of; 0: any */
    int32_t months;           /* interval: months must be a multiple of; 0: any */
    bool no_days, no_time;    /* interval year to month and its like */
    bool fraction;            /* text of timetz(p): fraction_max counts */
    int32_t fraction_max;
};

/* For values of a type (the elements' where it is an array) with the column's modifier (-1:
 * none). */
void pg_limit_of(uint32_t type_oid, int32_t modifier, int server_version,
                 struct pg_limit *ret_limit);

/* --- encoding ------------------------------------------------------------------------------ */

struct pg_encode_column {
    enum pg_wire wire;
    bool list;
    uint32_t element_oid;
    int64_t field_bytes; /* most a fixed-width field takes with its length; 4 for others */
    struct pg_limit limit;
    bool limited;
    int64_t lost_row; /* becomes NULL; -1: none */
    struct lt_view view;
    bool viewed;
};

struct pg_encoder {
    struct pg_encode_column *columns;
    int64_t n_columns;
    int64_t row_bytes;
    int64_t refused;                  /* the column whose value pg_encode() refused last */
    bool text;                        /* COPY text: some column has no binary form here */
    const struct ArrowSchema *schema; /* borrowed */
};

/* limits NULL: none. */
int pg_encoder_init(struct pg_encoder *encoder, const struct ArrowSchema *schema,
                    const enum pg_wire *wires, const uint32_t *element_oids,
                    const struct pg_limit *limits, struct leat_error *err);
void pg_encoder_done(struct pg_encoder *encoder);
/* Shows it the batch whose rows are encoded next. */
int pg_encoder_batch(struct pg_encoder *encoder, const struct ArrowArray *batch,
                     struct leat_error *err);
/* Appends one row. *ret_refused with *err filled: a value does not fit and nothing was appended. */
int pg_encode(struct pg_encoder *encoder, int64_t row, struct lt_buf *out, bool *ret_refused,
              struct leat_error *err);
/* Makes the value that was refused last a NULL, for the next pg_encode() of the same row. */
void pg_encoder_lose(struct pg_encoder *encoder, int64_t row);
int pg_encode_header(const struct pg_encoder *encoder, struct lt_buf *out);
int pg_encode_trailer(const struct pg_encoder *encoder, struct lt_buf *out);

#endif
