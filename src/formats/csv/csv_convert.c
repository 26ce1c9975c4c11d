/* From field positions to columns: one loop a type, chosen once a column. The common types have
 * a parser of their own here for their common form; everything else, and every refusal, goes to
 * lt_text_parse(), which knows all forms and the reasons. */
#include "formats/csv/csv.h"

#include "columnar/text_fast.h"
#include "core/util.h"

#include <ctype.h>

static const uint8_t *unescape(const struct lt_csv_cells *cells, const struct lt_csv_field *field,
                               size_t *ret_len)
{
    struct lt_buf *out = cells->scratch;
    const uint8_t *from = cells->text + field->start;
    const uint8_t *end = from + (field->info & LT_CSV_LEN);
    uint8_t quote = cells->dialect->quote;
    lt_buf_clear(out);
    if (lt_buf_reserve(out, (size_t)(end - from))) {
        return NULL;
    }
    uint8_t *to = out->data;
    while (from < end) {
        const uint8_t *found = memchr(from, quote, (size_t)(end - from));
        /* The scanner saw to it that quotes come in twos; the first of each is kept. */
        const uint8_t *stop = found ? found + 1 : end;
        memcpy(to, from, (size_t)(stop - from));
        to += stop - from;
        from = found ? LT_MIN(stop + 1, end) : end;
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    *ret_len = out->len;
    return out->data;
}

/* The byte that \ and the `n` characters at `at` stand for; *ret_used of them make it. */
static uint8_t postgres_code(const uint8_t *at, size_t n, size_t *ret_used)
{
    static const char letters[] = "bfnrtv", values[] = "\b\f\n\r\t\v";
    const char *letter = at[0] ? strchr(letters, at[0]) : NULL;
    unsigned value = 0;
    size_t used = 0;
    *ret_used = 1;
    if (letter) {
        return (uint8_t)values[letter - letters];
    }
    if (at[0] == 'x') {
        for (used = 1; used < LT_MIN(n, (size_t)3) && isxdigit(at[used]); used++) {
            value = value * 16 +
                    (unsigned)(at[used] <= '9' ? at[used] - '0' : (at[used] | 0x20) - 'a' + 10);
        }
        used = used > 1 ? used : 0;
    } else {
        for (; used < LT_MIN(n, (size_t)3) && at[used] >= '0' && at[used] <= '7'; used++) {
            value = value * 8 + (unsigned)(at[used] - '0');
        }
    }
    if (!used) {
        return at[0];
    }
    *ret_used = used;
    return (uint8_t)value;
}

static uint8_t mysql_code(uint8_t letter)
{
    static const char letters[] = "bnrtZ", values[] = "\b\n\r\t\x1a";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return letter == '0' ? 0 : found ? (uint8_t)values[found - letters] : letter;
}

/* As unescape(), where a character other than the quote escapes; doubled quotes do too. */
static const uint8_t *unescape_any(const struct lt_csv_cells *cells,
                                   const struct lt_csv_field *field, size_t *ret_len)
{
    const struct lt_csv_dialect *dialect = cells->dialect;
    struct lt_buf *out = cells->scratch;
    const uint8_t *from = cells->text + field->start;
    const uint8_t *end = from + (field->info & LT_CSV_LEN);
    bool quoted = field->info & LT_CSV_QUOTED;
    lt_buf_clear(out);
    if (lt_buf_reserve(out, (size_t)(end - from))) {
        return NULL;
    }
    uint8_t *to = out->data;
    while (from < end) {
        size_t left = (size_t)(end - from), used = 1;
        if (*from == dialect->escape && left > 1) {
            from++;
            *to++ = dialect->codes == LT_CSV_CODES_POSTGRES ? postgres_code(from, left - 1, &used)
                    : dialect->codes == LT_CSV_CODES_MYSQL  ? mysql_code(*from)
                                                            : *from;
            from += used;
            continue;
        }
        *to++ = *from++;
        from += quoted && to[-1] == dialect->quote && from < end && *from == dialect->quote;
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    *ret_len = out->len;
    return out->data;
}

const uint8_t *lt_csv_cell_unescape(const struct lt_csv_cells *cells,
                                    const struct lt_csv_field *field, size_t *ret_len)
{
    return cells->dialect->escape ? unescape_any(cells, field, ret_len)
                                  : unescape(cells, field, ret_len);
}

/* --- nulls ---------------------------------------------------------------------------------- */

static inline bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Whether the last of these bytes was escaped: an odd number of escapes stands before it. */
static bool ends_escaped(const uint8_t *text, size_t len, uint8_t escape)
{
    size_t n = 0;
    while (n + 1 < len && text[len - 2 - n] == escape) {
        n++;
    }
    return escape && n % 2;
}

static void trim(struct lt_csv_field *field, const uint8_t *text, uint8_t escape)
{
    uint32_t len = field->info & LT_CSV_LEN, flags = field->info & ~LT_CSV_LEN;
    while (len && is_blank(text[field->start])) {
        field->start++;
        len--;
    }
    while (len && is_blank(text[field->start + len - 1]) &&
           !ends_escaped(text + field->start, len, escape)) {
        len--;
    }
    field->info = flags | len;
}

void lt_csv_mark_nulls(struct lt_csv_field *fields, int64_t n, const uint8_t *text,
                       const struct lt_csv_dialect *dialect)
{
    for (int64_t i = 0; i < n; i++) {
        struct lt_csv_field *field = &fields[i];
        bool quoted = field->info & LT_CSV_QUOTED;
        if (!quoted && dialect->trim) {
            trim(field, text, dialect->escape);
        }
        /* Escapes are part of a marker, as \N shows: it is compared as it was written. */
        if ((!quoted || dialect->null_quoted) &&
            lt_csv_is_word(&dialect->nulls, text + field->start, field->info & LT_CSV_LEN, false)) {
            field->info |= LT_CSV_ABSENT;
        }
    }
}

/* --- loops ---------------------------------------------------------------------------------- */

/* Every loop is this one around its own way to append `text`, `len`; `status` is its result. */
#define EACH_VALUE(append)                                                                         \
    do {                                                                                           \
        for (int64_t i = *row; i < cells->rows; i++) {                                             \
            const struct lt_csv_field *field = lt_csv_cell(cells, i, column);                      \
            int status;                                                                            \
            if (lt_csv_cell_null(cells, field)) {                                                  \
                status = lt_builder_null(builder);                                                 \
            } else {                                                                               \
                size_t len;                                                                        \
                const uint8_t *text = lt_csv_cell_text(cells, field, &len);                        \
                status = !text ? LEAT_NO_MEMORY : (append);                                        \
            }                                                                                      \
            if (status) {                                                                          \
                *row = i;                                                                          \
                return status;                                                                     \
            }                                                                                      \
        }                                                                                          \
        *row = cells->rows;                                                                        \
        return LEAT_OK;                                                                            \
    } while (0)

#define PARSE lt_text_parse(builder, (const char *)text, len, ret_why)

static int convert_any(const struct lt_csv_cells *cells, int64_t column, struct lt_builder *builder,
                       int64_t *row, const char **ret_why)
{
    EACH_VALUE(PARSE);
}

/* The reader has checked the UTF-8 of whole batches. */
static int convert_text_any(const struct lt_csv_cells *cells, int64_t column,
                            struct lt_builder *builder, int64_t *row)
{
    EACH_VALUE(lt_builder_bytes_value(builder, text, len));
}

#define SHORT 16 /* bytes of most texts, copied without a call where as many may be loaded */

/* Text of 32-bit offsets: all lengths are known beforehand, so that nothing is asked for each value
 * but whether it is null. Fields that hold doubled quotes go the long way, with those after them. */
static int convert_text(const struct lt_csv_cells *cells, int64_t column,
                        struct lt_builder *builder, int64_t *row)
{
    size_t total = 0, at = builder->data.len;
    const uint8_t *load_end = cells->text_end - LT_MIN(cells->text_end - cells->text, SHORT);
    for (int64_t i = *row; i < cells->rows; i++) {
        total += lt_csv_cell(cells, i, column)->info & LT_CSV_LEN;
    }
    if (builder->type.id != LT_UTF8 || total > INT32_MAX - at) {
        return convert_text_any(cells, column, builder, row);
    }
    if (lt_buf_reserve(&builder->data, total + SHORT) || lt_builder_offsets_start(builder)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *data = builder->data.data;
    int32_t *offsets = (int32_t *)(void *)builder->offsets.data;
    for (; *row < cells->rows; ++*row) {
        const struct lt_csv_field *field = lt_csv_cell(cells, *row, column);
        const uint8_t *text = cells->text + field->start;
        size_t len = field->info & LT_CSV_LEN;
        if ((field->info & LT_CSV_ESCAPED) || lt_csv_cell_null(cells, field)) {
            int64_t rest = *row;
            struct lt_csv_cells one = *cells;
            one.rows = rest + 1;
            builder->data.len = at;
            int status = convert_text_any(&one, column, builder, &rest);
            if (status) {
                return status;
            }
            at = builder->data.len;
            data = builder->data.data;
            offsets = (int32_t *)(void *)builder->offsets.data;
            continue;
        }
        if (len <= SHORT && text <= load_end) {
            memcpy(data + at, text, SHORT);
        } else {
            memcpy(data + at, text, len);
        }
        at += len;
        offsets[builder->length + 1] = (int32_t)at;
        builder->offsets.len += sizeof *offsets;
        if (lt_builder_valid(builder)) {
            builder->offsets.len -= sizeof *offsets;
            return LEAT_NO_MEMORY;
        }
        builder->data.len = at;
    }
    data[at] = 0;
    return LEAT_OK;
}

static int convert_uuid(const struct lt_csv_cells *cells, int64_t column,
                        struct lt_builder *builder, int64_t *row, const char **ret_why)
{
    uint8_t bytes[16];
    EACH_VALUE(lt_fast_uuid(text, len, bytes) ? lt_builder_fixed(builder, bytes, sizeof bytes)
                                              : PARSE);
}

static int convert_decimal(const struct lt_csv_cells *cells, int64_t column,
                           struct lt_builder *builder, int64_t *row, const char **ret_why)
{
    int precision = builder->type.precision, scale = builder->type.scale;
    int64_t value;
    lt_int128 wide;
    EACH_VALUE(lt_fast_decimal(text, len, precision, scale, &value)
                   ? (wide = value, lt_builder_fixed(builder, &wide, sizeof wide))
                   : PARSE);
}

static int convert_i64(const struct lt_csv_cells *cells, int64_t column, struct lt_builder *builder,
                       int64_t *row, const char **ret_why)
{
    int64_t value;
    EACH_VALUE(lt_fast_i64(text, len, &value) ? lt_builder_i64(builder, value) : PARSE);
}

static int convert_f64(const struct lt_csv_cells *cells, int64_t column, struct lt_builder *builder,
                       int64_t *row, const char **ret_why)
{
    double value;
    EACH_VALUE(lt_fast_f64(text, len, &value) ? lt_builder_f64(builder, value) : PARSE);
}

static int convert_date(const struct lt_csv_cells *cells, int64_t column,
                        struct lt_builder *builder, int64_t *row, const char **ret_why)
{
    int64_t days;
    EACH_VALUE(lt_fast_date(text, len, &days) ? lt_builder_i32(builder, (int32_t)days) : PARSE);
}

static int convert_timestamp(const struct lt_csv_cells *cells, int64_t column,
                             struct lt_builder *builder, int64_t *row, const char **ret_why)
{
    bool zoned = builder->type.zone && builder->type.zone[0];
    int64_t us;
    EACH_VALUE(lt_fast_timestamp(text, len, zoned, &us) ? lt_builder_i64(builder, us) : PARSE);
}

const char lt_csv_not_utf8[] = "text that is not valid UTF-8";

/* Codes may have put bytes into it that are none. */
static int append_decoded(struct lt_builder *builder, const uint8_t *text, size_t len,
                          const char **ret_why)
{
    if (lt_utf8_valid_prefix(text, len) != len) {
        *ret_why = lt_csv_not_utf8;
        return LEAT_BAD_DATA;
    }
    return lt_builder_bytes_value(builder, text, len);
}

static int convert_decoded(const struct lt_csv_cells *cells, int64_t column,
                           struct lt_builder *builder, int64_t *row, const char **ret_why)
{
    EACH_VALUE(append_decoded(builder, text, len, ret_why));
}

static int convert_value(const struct lt_csv_cells *cells, int64_t column,
                         struct lt_builder *builder, int64_t *row, const char **ret_why)
{
    const struct lt_csv_values *values = &cells->dialect->values;
    EACH_VALUE(lt_csv_value_parse(values, builder, text, len, cells->work, ret_why));
}

int lt_csv_convert(const struct lt_csv_cells *cells, int64_t column, struct lt_builder *builder,
                   int64_t *row, const char **ret_why)
{
    const struct lt_type *type = &builder->type;
    if (lt_builder_reserve(builder, cells->rows - *row)) {
        return LEAT_NO_MEMORY;
    }
    if (lt_csv_values_has(&cells->dialect->values, type)) {
        return convert_value(cells, column, builder, row, ret_why);
    }
    switch (type->id) {
    case LT_INT64:
        return convert_i64(cells, column, builder, row, ret_why);
    case LT_FLOAT64:
        return convert_f64(cells, column, builder, row, ret_why);
    case LT_UTF8:
    case LT_LARGE_UTF8:
        if (type->logical == LT_PLAIN || type->logical == LT_FOREIGN) {
            if (cells->dialect->codes) {
                return convert_decoded(cells, column, builder, row, ret_why);
            }
            return convert_text(cells, column, builder, row);
        }
        return convert_any(cells, column, builder, row, ret_why);
    case LT_FIXED_BINARY:
        return type->logical == LT_UUID && type->width == 16
                   ? convert_uuid(cells, column, builder, row, ret_why)
                   : convert_any(cells, column, builder, row, ret_why);
    case LT_DECIMAL128:
        return convert_decimal(cells, column, builder, row, ret_why);
    case LT_DATE32:
        return convert_date(cells, column, builder, row, ret_why);
    case LT_TIMESTAMP:
        if (type->unit == LT_MICRO) {
            return convert_timestamp(cells, column, builder, row, ret_why);
        }
        return convert_any(cells, column, builder, row, ret_why);
    default:
        return convert_any(cells, column, builder, row, ret_why);
    }
}
