/* Text that is accepted as a value must format to text that is read as the same value. The first
 * byte picks the type. */
#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "columnar/text_parts.h"
#include "core/util.h"

#include <stdlib.h>

static const char *const types[] = {
    "bool",
    "int8",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "decimal(5,2)",
    "decimal(38,10)",
    "decimal(76,30)",
    "numeric",
    "utf8",
    "binary",
    "binary(3)",
    "json",
    "uuid",
    "date",
    "date64",
    "time(s)",
    "time",
    "time(ns)",
    "timestamp(s)",
    "timestamp",
    "timestamptz(ns)",
    "duration",
    "interval",
    "interval_day_time",
    "interval_months",
    "list<int32>",
    "fixed_list<utf8, 2>",
    "struct<a: decimal(9,3), b: list<utf8>, c: json>",
    "map<int32, float64>",
    "list<struct<k: map<utf8, list<bool>>>>",
};

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* Parses into a fresh column and appends what is formatted from it; false when refused. */
static bool through(const struct ArrowSchema *field, const char *text, size_t len,
                    struct lt_buf *out)
{
    struct lt_builder builder;
    struct ArrowArray array;
    struct lt_view view;
    const char *why = NULL;
    int status;

    require(!lt_builder_init(&builder, field, NULL));
    status = lt_text_parse(&builder, text, len, &why);
    require(status != LEAT_BAD_DATA || (why && builder.length == 0));
    require(!lt_builder_finish(&builder, &array, NULL));
    require(!lt_array_check(field, &array, true, NULL));
    if (!status) {
        struct lt_buf json = LT_BUF_INIT;
        require(!lt_view_init(&view, field, &array, NULL) && view.length == 1);
        require(!lt_text_format(&view, 0, out));
        require(!lt_text_format_json(&view, 0, &json));
        require(!lt_json_why_invalid(lt_buf_text(&json), json.len));
        lt_buf_done(&json);
        lt_view_done(&view);
    }
    lt_array_done(&array);
    lt_builder_done(&builder);
    return !status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ArrowSchema field;
    struct lt_buf first = LT_BUF_INIT, second = LT_BUF_INIT;

    if (!size) {
        return 0;
    }
    require(!lt_type_parse(types[data[0] % LT_ARRAY_LEN(types)], &field, NULL));
    if (through(&field, (const char *)data + 1, size - 1, &first)) {
        require(through(&field, lt_buf_text(&first), first.len, &second));
        require(first.len == second.len &&
                !memcmp(lt_buf_text(&first), lt_buf_text(&second), first.len));
    }
    lt_buf_done(&first);
    lt_buf_done(&second);
    lt_schema_done(&field);
    return 0;
}
