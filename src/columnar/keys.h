/* Keys of records as bytes that compare (memcmp, then by length) as the keys themselves do.
 *
 * Order of values, ascending: numbers as numbers with NaN behind all others and the two zeros
 * equal, false before true, text and binary by their bytes, dates and times as points in time,
 * uuids by their bytes. A key of several columns compares by its first, then by its second, and so
 * on. Records whose keys have the same bytes have the same key.
 *
 * The keys of a batch are a column themselves (binary, or binary(n) where all have one width), so
 * they can travel with it.
 *
 * Example:
 *   struct lt_key_maker maker;
 *   struct ArrowArray column;
 *   int status = lt_key_maker_init(&maker, &schema, 2, NULL, err);    the first two columns
 *   status = status ? status : lt_key_maker_run(&maker, &view, 1, &column, err);
 *   ...
 *   lt_key_maker_done(&maker); */
#ifndef LT_KEYS_H
#define LT_KEYS_H

#include "columnar/array.h"
#include "columnar/view.h"

struct lt_key_maker {
    int64_t n;     /* columns, from the first on */
    int64_t width; /* bytes of every key; 0: they vary */
    bool *padded;  /* a column each: trailing blanks count for nothing (char(n)) */
    struct lt_buf scratch;
};

/* [unsupported] names a column that cannot be in a key (json, nested, interval). `padded` NULL:
 * no column is. Dictionaries and *_VIEW columns are to be decoded first. */
int lt_key_maker_init(struct lt_key_maker *maker, const struct ArrowSchema *schema, int64_t n,
                      const bool *padded, struct leat_error *err);
void lt_key_maker_done(struct lt_key_maker *maker);
/* The field that the key column has. */
int lt_key_maker_field(const struct lt_key_maker *maker, const char *name,
                       struct ArrowSchema *ret_field, struct leat_error *err);
/* The keys of a batch, viewed as a struct. [null-key] names row (from first_row on) and column. */
int lt_key_maker_run(struct lt_key_maker *maker, const struct lt_view *batch, int64_t first_row,
                     struct ArrowArray *ret_column, struct leat_error *err);

static inline int lt_key_bytes_compare(const uint8_t *a, size_t a_len, const uint8_t *b,
                                       size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* Views of key columns of the same maker, or of two whose columns have the same types. */
static inline int lt_key_compare(const struct lt_view *a, int64_t i, const struct lt_view *b,
                                 int64_t j)
{
    size_t a_len, b_len;
    const uint8_t *x = lt_view_bytes(a, i, &a_len), *y = lt_view_bytes(b, j, &b_len);
    return lt_key_bytes_compare(x, a_len, y, b_len);
}

/* Length without trailing blanks. */
size_t lt_trimmed(const uint8_t *bytes, size_t len);

/* How many of n keys from a's i and b's j on are the same, up to the first pair that is not. */
int64_t lt_keys_same(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                     int64_t n);
/* How many keys of a, which ascend, are below b's j, from i on. */
int64_t lt_keys_below(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j);
/* The first row whose key does not come behind its predecessor's, at least 1; -1: none. */
int64_t lt_keys_disorder(const struct lt_view *keys);

#endif
