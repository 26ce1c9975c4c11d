/* From places in the text to columns: one loop a type, chosen once a column. The common types
 * have a way of their own here for their common form; everything else, and every refusal, goes
 * through convert_one(), which knows which kinds of JSON values a type takes. */
#include "formats/json/json.h"

#include "columnar/text_fast.h"
#include "core/util.h"

/* --- kinds ----------------------------------------------------------------------------------- */

enum kind { KIND_STRING, KIND_NUMBER, KIND_BOOL, KIND_NESTED };

static enum kind kind_of(const uint8_t *text)
{
    switch (text[0]) {
    case '"':
        return KIND_STRING;
    case 't':
    case 'f':
        return KIND_BOOL;
    case '{':
    case '[':
        return KIND_NESTED;
    default:
        return KIND_NUMBER;
    }
}

static bool is_plain_text(const struct lt_type *type)
{
    return lt_type_is_text(type->id) && (type->logical == LT_PLAIN || type->logical == LT_FOREIGN);
}

static bool is_number_type(const struct lt_type *type)
{
    return lt_type_is_integer(type->id) || (type->id >= LT_FLOAT16 && type->id <= LT_DECIMAL256) ||
           type->logical == LT_NUMERIC;
}

static bool is_binary(const struct lt_type *type)
{
    return (type->id == LT_BINARY || type->id == LT_LARGE_BINARY || type->id == LT_FIXED_BINARY) &&
           type->logical != LT_UUID;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(text, word, len);
}

/* What a type that was inferred takes: the kind of value that the sample had. */
static bool is_expected(const struct lt_type *type, enum kind kind, const char *text, size_t len)
{
    if (lt_type_is_nested(type->id)) {
        return kind == KIND_NESTED;
    }
    if (type->id == LT_BOOL) {
        return kind == KIND_BOOL;
    }
    if (is_number_type(type)) {
        return kind == KIND_NUMBER || (kind == KIND_STRING && (is_word(text, len, "NaN") ||
                                                               is_word(text, len, "Infinity") ||
                                                               is_word(text, len, "-Infinity")));
    }
    return kind == KIND_STRING;
}

static const char *unexpected(enum kind kind)
{
    static const char *const why[] = {
        [KIND_STRING] = "a string, where the sample had other values",
        [KIND_NUMBER] = "a number, where the sample had other values",
        [KIND_BOOL] = "true or false, where the sample had other values",
        [KIND_NESTED] = "an object or array, where the sample had other values",
    };
    return why[kind];
}

/* --- any value, any type --------------------------------------------------------------------- */

/* A number of more digits than a double is sure to keep is taken only when the double, written
 * out, is the same number. */
static int exact_f64(struct lt_builder *builder, const char *text, size_t len, const char **ret_why)
{
    struct lt_number given, kept;
    double value;
    char shortest[32];
    int status = lt_double_parse(text, len, &value, ret_why);
    if (status) {
        return status;
    }
    if (lt_number_scan(text, len, &given) && given.kind == LT_NUMBER_FINITE &&
        given.n_digits > 15) {
        int n = lt_double_format(value, shortest);
        if (!lt_number_scan(shortest, (size_t)n, &kept) || !lt_number_same_digits(&given, &kept)) {
            return lt_refuse(ret_why, "more digits than float64 holds (out of range)");
        }
    }
    return lt_builder_f64(builder, value);
}

/* The characters of a value: what a string says, anything else as it is written. */
static int text_of(const struct lt_jsonl_cells *cells, const struct lt_jsonl_slot *slot,
                   const char **ret_text, size_t *ret_len, const char **ret_why)
{
    const uint8_t *text = cells->text + slot->start;
    size_t len = slot->info & LT_JSONL_LEN;
    if (text[0] == '"') {
        text++;
        len -= 2;
        if (slot->info & LT_JSONL_ESCAPED) {
            int status = lt_jsonl_unescape(text, len, cells->scratch, ret_why);
            if (status) {
                return status;
            }
            text = (const uint8_t *)lt_buf_text(cells->scratch);
            len = cells->scratch->len;
        }
    }
    *ret_text = (const char *)text;
    *ret_len = len;
    return LEAT_OK;
}

static int convert_one(const struct lt_jsonl_cells *cells, const struct lt_jsonl_slot *slot,
                       struct lt_builder *builder, const char **ret_why)
{
    const struct lt_type *type = &builder->type;
    const uint8_t *raw = cells->text + slot->start;
    enum kind kind = kind_of(raw);
    const char *text;
    size_t len;
    /* The scanner has checked it; nothing but its bytes is kept. */
    if (type->logical == LT_JSON) {
        return lt_builder_bytes_value(builder, raw, slot->info & LT_JSONL_LEN);
    }
    int status = text_of(cells, slot, &text, &len, ret_why);
    if (status) {
        return status;
    }
    if (cells->strict && !is_expected(type, kind, text, len)) {
        return lt_refuse(ret_why, unexpected(kind));
    }
    if (is_plain_text(type)) {
        return lt_builder_bytes_value(builder, text, len);
    }
    if (lt_type_is_nested(type->id) && kind != KIND_NESTED) {
        return lt_refuse(ret_why, "not a JSON object or array");
    }
    if (is_binary(type) && kind != KIND_STRING) {
        return lt_refuse(ret_why, "bytes must be a JSON string");
    }
    if (is_binary(type) && cells->base64) {
        return lt_jsonl_base64_parse(builder, text, len, ret_why);
    }
    if (type->id == LT_FLOAT64 && cells->strict) {
        return exact_f64(builder, text, len, ret_why);
    }
    return lt_text_parse(builder, text, len, ret_why);
}

/* --- loops ----------------------------------------------------------------------------------- */

/* Every loop is this one around its own way to append the value of `slot`, whose bytes are
 * `text`, `len`; `status` is its result. */
#define EACH_VALUE(append) EACH_BUT(text[0] == 'n', append)
#define EACH_BUT(is_null, append)                                                                  \
    do {                                                                                           \
        for (int64_t i = *row; i < cells->rows; i++) {                                             \
            const struct lt_jsonl_slot *slot = &cells->slots[i];                                   \
            const uint8_t *text = cells->text + slot->start;                                       \
            int status;                                                                            \
            if (!slot->info || (is_null)) {                                                        \
                status = lt_builder_null(builder);                                                 \
            } else {                                                                               \
                size_t len = slot->info & LT_JSONL_LEN;                                            \
                (void)len;                                                                         \
                status = (append);                                                                 \
            }                                                                                      \
            if (status) {                                                                          \
                *row = i;                                                                          \
                return status;                                                                     \
            }                                                                                      \
        }                                                                                          \
        *row = cells->rows;                                                                        \
        return LEAT_OK;                                                                            \
    } while (0)

#define CONVERT convert_one(cells, slot, builder, ret_why)

static int convert_any(const struct lt_jsonl_cells *cells, struct lt_builder *builder, int64_t *row,
                       const char **ret_why)
{
    EACH_VALUE(CONVERT);
}

static int convert_text(const struct lt_jsonl_cells *cells, struct lt_builder *builder,
                        int64_t *row, const char **ret_why)
{
    EACH_VALUE(text[0] == '"' && !(slot->info & LT_JSONL_ESCAPED)
                   ? lt_builder_bytes_value(builder, text + 1, len - 2)
                   : CONVERT);
}

static int convert_json(const struct lt_jsonl_cells *cells, struct lt_builder *builder,
                        int64_t *row)
{
    EACH_BUT(text[0] == 'n' && !cells->own_null, lt_builder_bytes_value(builder, text, len));
}

static int convert_bool(const struct lt_jsonl_cells *cells, struct lt_builder *builder,
                        int64_t *row, const char **ret_why)
{
    EACH_VALUE(text[0] == 't' || text[0] == 'f' ? lt_builder_bool(builder, text[0] == 't')
                                                : CONVERT);
}

static int convert_i64(const struct lt_jsonl_cells *cells, struct lt_builder *builder, int64_t *row,
                       const char **ret_why)
{
    int64_t value;
    EACH_VALUE(slot->info & LT_JSONL_INTEGER && lt_fast_i64(text, len, &value)
                   ? lt_builder_i64(builder, value)
                   : CONVERT);
}

static int convert_f64(const struct lt_jsonl_cells *cells, struct lt_builder *builder, int64_t *row,
                       const char **ret_why)
{
    double value;
    EACH_VALUE(lt_fast_f64(text, len, &value) ? lt_builder_f64(builder, value) : CONVERT);
}

/* Strings that hold escapes are no dates. */
static int convert_date(const struct lt_jsonl_cells *cells, struct lt_builder *builder,
                        int64_t *row, const char **ret_why)
{
    int64_t days;
    EACH_VALUE(text[0] == '"' && lt_fast_date(text + 1, len - 2, &days)
                   ? lt_builder_i32(builder, (int32_t)days)
                   : CONVERT);
}

static int convert_timestamp(const struct lt_jsonl_cells *cells, struct lt_builder *builder,
                             int64_t *row, const char **ret_why)
{
    bool zoned = builder->type.zone && builder->type.zone[0];
    int64_t us;
    EACH_VALUE(text[0] == '"' && lt_fast_timestamp(text + 1, len - 2, zoned, &us)
                   ? lt_builder_i64(builder, us)
                   : CONVERT);
}

int lt_jsonl_convert(const struct lt_jsonl_cells *cells, struct lt_builder *builder, int64_t *row,
                     const char **ret_why)
{
    const struct lt_type *type = &builder->type;
    if (lt_builder_reserve(builder, cells->rows - *row)) {
        return LEAT_NO_MEMORY;
    }
    switch (type->id) {
    case LT_BOOL:
        return convert_bool(cells, builder, row, ret_why);
    case LT_INT64:
        return convert_i64(cells, builder, row, ret_why);
    case LT_FLOAT64:
        return convert_f64(cells, builder, row, ret_why);
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return type->logical == LT_JSON      ? convert_json(cells, builder, row)
               : type->logical == LT_NUMERIC ? convert_any(cells, builder, row, ret_why)
                                             : convert_text(cells, builder, row, ret_why);
    case LT_DATE32:
        return convert_date(cells, builder, row, ret_why);
    case LT_TIMESTAMP:
        return type->unit == LT_MICRO ? convert_timestamp(cells, builder, row, ret_why)
                                      : convert_any(cells, builder, row, ret_why);
    default:
        return convert_any(cells, builder, row, ret_why);
    }
}
