/* From field positions to columns: one loop a type, chosen once a column. The common types have
 * a parser of their own here for their common form; everything else, and every refusal, goes to
 * lt_text_parse(), which knows all forms and the reasons. */
#include "formats/csv/csv.h"

#include "columnar/text_fast.h"
#include "core/util.h"

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

const uint8_t *lt_csv_cell_text(const struct lt_csv_cells *cells, const struct lt_csv_field *field,
                                size_t *ret_len)
{
    if (field->info & LT_CSV_ESCAPED) {
        return unescape(cells, field, ret_len);
    }
    *ret_len = field->info & LT_CSV_LEN;
    return cells->text + field->start;
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
static int convert_text(const struct lt_csv_cells *cells, int64_t column,
                        struct lt_builder *builder, int64_t *row)
{
    EACH_VALUE(lt_builder_bytes_value(builder, text, len));
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

int lt_csv_convert(const struct lt_csv_cells *cells, int64_t column, struct lt_builder *builder,
                   int64_t *row, const char **ret_why)
{
    const struct lt_type *type = &builder->type;
    if (lt_builder_reserve(builder, cells->rows - *row)) {
        return LEAT_NO_MEMORY;
    }
    switch (type->id) {
    case LT_INT64:
        return convert_i64(cells, column, builder, row, ret_why);
    case LT_FLOAT64:
        return convert_f64(cells, column, builder, row, ret_why);
    case LT_UTF8:
    case LT_LARGE_UTF8:
        if (type->logical == LT_PLAIN || type->logical == LT_FOREIGN) {
            return convert_text(cells, column, builder, row);
        }
        return convert_any(cells, column, builder, row, ret_why);
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
