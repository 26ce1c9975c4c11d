/* The Arrow types of Parquet's leaves: logical types ("LogicalTypes.md" of the format's
 * specification) and the older converted ones, over the physical type. */
#include "formats/parquet/tree_parts.h"

#include "core/codes.h"

#include <stdio.h>

#include "core/banned.h"

/* One leaf's type as far as it is found. */
struct leaf {
    char format[48];         /* of the Arrow C interface */
    const char *extension;   /* NULL: none */
    const char *source_type; /* NULL: none */
    char source_text[64];
};

static bool set_format(struct leaf *leaf, bool fits, const char *format)
{
    if (fits) {
        snprintf(leaf->format, sizeof leaf->format, "%s", format);
    }
    return fits;
}

/* The older annotations are said in the words of the newer. Their timestamps are moments: what has
 * no zone could not be said with them. */
static struct lt_pq_element modern(const struct lt_pq_element *element)
{
    static const struct {
        int32_t logical, unit, bit_width;
        bool is_signed;
    } words[] = {
        [LT_PQ_CONV_UTF8] = {LT_PQ_LOGICAL_STRING, 0, 0, false},
        [LT_PQ_CONV_ENUM] = {LT_PQ_LOGICAL_ENUM, 0, 0, false},
        [LT_PQ_CONV_DECIMAL] = {LT_PQ_LOGICAL_DECIMAL, 0, 0, false},
        [LT_PQ_CONV_DATE] = {LT_PQ_LOGICAL_DATE, 0, 0, false},
        [LT_PQ_CONV_TIME_MILLIS] = {LT_PQ_LOGICAL_TIME, LT_PQ_MILLIS, 0, false},
        [LT_PQ_CONV_TIME_MICROS] = {LT_PQ_LOGICAL_TIME, LT_PQ_MICROS, 0, false},
        [LT_PQ_CONV_TIMESTAMP_MILLIS] = {LT_PQ_LOGICAL_TIMESTAMP, LT_PQ_MILLIS, 0, false},
        [LT_PQ_CONV_TIMESTAMP_MICROS] = {LT_PQ_LOGICAL_TIMESTAMP, LT_PQ_MICROS, 0, false},
        [LT_PQ_CONV_UINT_8] = {LT_PQ_LOGICAL_INTEGER, 0, 8, false},
        [LT_PQ_CONV_UINT_16] = {LT_PQ_LOGICAL_INTEGER, 0, 16, false},
        [LT_PQ_CONV_UINT_32] = {LT_PQ_LOGICAL_INTEGER, 0, 32, false},
        [LT_PQ_CONV_UINT_64] = {LT_PQ_LOGICAL_INTEGER, 0, 64, false},
        [LT_PQ_CONV_INT_8] = {LT_PQ_LOGICAL_INTEGER, 0, 8, true},
        [LT_PQ_CONV_INT_16] = {LT_PQ_LOGICAL_INTEGER, 0, 16, true},
        [LT_PQ_CONV_INT_32] = {LT_PQ_LOGICAL_INTEGER, 0, 32, true},
        [LT_PQ_CONV_INT_64] = {LT_PQ_LOGICAL_INTEGER, 0, 64, true},
        [LT_PQ_CONV_JSON] = {LT_PQ_LOGICAL_JSON, 0, 0, false},
        [LT_PQ_CONV_BSON] = {LT_PQ_LOGICAL_BSON, 0, 0, false},
        [LT_PQ_CONV_INTERVAL] = {LT_PQ_LOGICAL_NONE, 0, 0, false},
    };
    struct lt_pq_element made = *element;
    if (made.logical == LT_PQ_LOGICAL_NONE && made.converted >= 0 &&
        made.converted <= LT_PQ_CONV_INTERVAL) {
        made.logical = words[made.converted].logical;
        made.unit = words[made.converted].unit;
        made.bit_width = words[made.converted].bit_width;
        made.is_signed = words[made.converted].is_signed;
        made.utc = made.logical == LT_PQ_LOGICAL_TIMESTAMP;
    }
    return made;
}

/* The type without any annotation. */
static int physical_type(const struct lt_pq_element *e, struct leaf *leaf, struct leat_error *err)
{
    static const char *const formats[] = {
        [LT_PQ_BOOLEAN] = "b",    [LT_PQ_INT32] = "i", [LT_PQ_INT64] = "l",
        [LT_PQ_INT96] = "tsn:",   [LT_PQ_FLOAT] = "f", [LT_PQ_DOUBLE] = "g",
        [LT_PQ_BYTE_ARRAY] = "z", [LT_PQ_FLBA] = NULL};
    if (e->type < 0 || e->type > LT_PQ_FLBA) {
        return lt_fail(err, LT_E_UNSUPPORTED, "physical type %d is none that leat knows", e->type);
    }
    if (e->type != LT_PQ_FLBA) {
        set_format(leaf, true, formats[e->type]);
        return LEAT_OK;
    }
    if (e->type_length < 1) {
        return lt_fail(err, LT_E_CORRUPT, "values of a fixed length of %d bytes", e->type_length);
    }
    if (e->type_length > LT_PQ_FIXED_MAX) {
        return lt_fail(err, LT_E_LIMIT, "values of a fixed length beyond %d bytes",
                       LT_PQ_FIXED_MAX);
    }
    snprintf(leaf->format, sizeof leaf->format, "w:%d", e->type_length);
    return LEAT_OK;
}

static bool integer_type(const struct lt_pq_element *e, struct leaf *leaf)
{
    static const struct {
        int32_t type, bit_width;
        const char *formats[2]; /* unsigned, signed */
    } widths[] = {{LT_PQ_INT32, 8, {"C", "c"}},
                  {LT_PQ_INT32, 16, {"S", "s"}},
                  {LT_PQ_INT32, 32, {"I", "i"}},
                  {LT_PQ_INT64, 64, {"L", "l"}}};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        if (widths[i].type == e->type && widths[i].bit_width == e->bit_width) {
            return set_format(leaf, true, widths[i].formats[e->is_signed]);
        }
    }
    return false;
}

static bool time_type(const struct lt_pq_element *e, struct leaf *leaf)
{
    switch (e->unit) {
    case LT_PQ_MILLIS:
        return set_format(leaf, e->type == LT_PQ_INT32, "ttm");
    case LT_PQ_MICROS:
        return set_format(leaf, e->type == LT_PQ_INT64, "ttu");
    case LT_PQ_NANOS:
        return set_format(leaf, e->type == LT_PQ_INT64, "ttn");
    default:
        return false;
    }
}

static bool timestamp_type(const struct lt_pq_element *e, struct leaf *leaf)
{
    static const char units[] = {[LT_PQ_MILLIS] = 'm', [LT_PQ_MICROS] = 'u', [LT_PQ_NANOS] = 'n'};
    if (e->type != LT_PQ_INT64 || e->unit < LT_PQ_MILLIS || e->unit > LT_PQ_NANOS) {
        return false;
    }
    snprintf(leaf->format, sizeof leaf->format, "ts%c:%s", units[e->unit], e->utc ? "UTC" : "");
    return true;
}

/* Decimals longer than Arrow's longest stay the bytes they are. */
static int decimal_type(const struct lt_pq_element *e, struct leaf *leaf, bool *ret_is,
                        struct leat_error *err)
{
    *ret_is = false;
    if (e->type != LT_PQ_INT32 && e->type != LT_PQ_INT64 && e->type != LT_PQ_FLBA &&
        e->type != LT_PQ_BYTE_ARRAY) {
        return LEAT_OK;
    }
    if (e->precision < 1 || e->scale < 0 || e->scale > e->precision) {
        return lt_fail(err, LT_E_CORRUPT, "a decimal of %d digits, %d of them fraction",
                       e->precision, e->scale);
    }
    if (e->precision <= 76) {
        snprintf(leaf->format, sizeof leaf->format, "d:%d,%d%s", e->precision, e->scale,
                 e->precision > 38 ? ",256" : "");
        *ret_is = true;
        return LEAT_OK;
    }
    snprintf(leaf->source_text, sizeof leaf->source_text, "parquet:decimal(%d,%d)", e->precision,
             e->scale);
    leaf->source_type = leaf->source_text;
    return LEAT_OK;
}

/* Sets the annotated type; false when there is none, or it does not fit the physical type. */
static bool logical_type(const struct lt_pq_element *e, struct leaf *leaf)
{
    bool bytes = e->type == LT_PQ_BYTE_ARRAY;
    switch (e->logical) {
    case LT_PQ_LOGICAL_STRING:
        return set_format(leaf, bytes, "u");
    case LT_PQ_LOGICAL_ENUM:
        leaf->source_type = bytes ? "parquet:enum" : NULL;
        return set_format(leaf, bytes, "u");
    case LT_PQ_LOGICAL_JSON:
        leaf->extension = bytes ? "arrow.json" : NULL;
        return set_format(leaf, bytes, "u");
    case LT_PQ_LOGICAL_BSON:
        leaf->source_type = bytes ? "parquet:bson" : NULL;
        return false;
    case LT_PQ_LOGICAL_GEOMETRY:
        leaf->source_type = bytes ? "parquet:geometry" : NULL;
        return false;
    case LT_PQ_LOGICAL_GEOGRAPHY:
        leaf->source_type = bytes ? "parquet:geography" : NULL;
        return false;
    case LT_PQ_LOGICAL_DATE:
        return set_format(leaf, e->type == LT_PQ_INT32, "tdD");
    case LT_PQ_LOGICAL_TIME:
        return time_type(e, leaf);
    case LT_PQ_LOGICAL_TIMESTAMP:
        return timestamp_type(e, leaf);
    case LT_PQ_LOGICAL_INTEGER:
        return integer_type(e, leaf);
    case LT_PQ_LOGICAL_UNKNOWN:
        return set_format(leaf, true, "n");
    case LT_PQ_LOGICAL_UUID:
        leaf->extension = e->type == LT_PQ_FLBA && e->type_length == 16 ? "arrow.uuid" : NULL;
        return set_format(leaf, leaf->extension != NULL, "w:16");
    case LT_PQ_LOGICAL_FLOAT16:
        return set_format(leaf, e->type == LT_PQ_FLBA && e->type_length == 2, "e");
    case LT_PQ_LOGICAL_NONE: /* INTERVAL has no newer word */
        return set_format(leaf,
                          e->converted == LT_PQ_CONV_INTERVAL && e->type == LT_PQ_FLBA &&
                              e->type_length == 12,
                          "tin");
    default:
        return false;
    }
}

int lt_pq_leaf_field(const struct lt_pq_element *element, const char *name,
                     struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct lt_pq_element e = modern(element);
    struct leaf leaf = {.format = ""};
    struct ArrowSchema field = {.release = NULL};
    bool is = false;
    int status = physical_type(&e, &leaf, err);
    if (!status && e.logical == LT_PQ_LOGICAL_DECIMAL) {
        status = decimal_type(&e, &leaf, &is, err);
    } else if (!status) {
        logical_type(&e, &leaf);
    }
    status = status ? status : lt_schema_init(&field, leaf.format, name, err);
    if (!status) {
        field.flags = 0;
    }
    if (!status && leaf.extension) {
        status = lt_schema_set_meta(&field, LT_META_EXTENSION, leaf.extension, err);
    }
    if (!status && leaf.source_type) {
        status = lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, leaf.source_type, err);
    }
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    lt_schema_move(&field, ret_field);
    return LEAT_OK;
}
