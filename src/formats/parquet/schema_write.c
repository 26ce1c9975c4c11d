/* What a schema becomes before it is written, and ARROW:schema. See schema_write.h. */
#include "formats/parquet/schema_write.h"

#include "core/codes.h"
#include "formats/arrow/message.h"
#include "formats/parquet/write.h"

#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

/* --- stored types -------------------------------------------------------------------------- */

static int take_meta(void *arg, const char *key, size_t key_len, const char *value,
                     size_t value_len)
{
    char *k = lt_strndup(key, key_len), *v = lt_strndup(value, value_len);
    int status = k && v ? lt_schema_set_meta(arg, k, v, NULL) : LEAT_NO_MEMORY;
    free(k);
    free(v);
    return status;
}

/* The field becomes one of its dictionary's values; what it says itself stays. */
static int drop_dictionary(struct ArrowSchema *field, struct leat_error *err)
{
    struct ArrowSchema values;
    lt_schema_move(field->dictionary, &values);
    int status = lt_schema_set_name(&values, field->name, err);
    values.flags |= field->flags & ARROW_FLAG_NULLABLE;
    if (!status && lt_schema_meta_each(field, take_meta, &values)) {
        status = lt_fail_oom(err);
    }
    if (status) {
        lt_schema_move(&values, field->dictionary);
        return status;
    }
    lt_schema_done(field);
    lt_schema_move(&values, field);
    return LEAT_OK;
}

/* Text that stands for an interval says so, unless its source said where it came from. */
static int intervals_to_text(struct ArrowSchema *field, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    int status =
        lt_buf_puts(&name, "arrow:") || lt_type_print(field, &name) ? lt_fail_oom(err) : LEAT_OK;
    if (!status && !lt_schema_meta(field, LT_META_SOURCE_TYPE, NULL)) {
        status = lt_schema_set_meta(field, LT_META_SOURCE_TYPE, lt_buf_text(&name), err);
    }
    lt_buf_done(&name);
    return status ? status : lt_schema_set_format(field, "u", err);
}

static int store(struct ArrowSchema *field, bool text, int depth, struct leat_error *err)
{
    int status = LEAT_OK;
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    while (field->dictionary && !status) {
        status = drop_dictionary(field, err);
    }
    if (!status && (!strcmp(field->format, "vu") || !strcmp(field->format, "vz"))) {
        status = lt_schema_set_format(field, field->format[1] == 'u' ? "u" : "z", err);
    }
    if (!status && text && !strncmp(field->format, "ti", 2)) {
        status = intervals_to_text(field, err);
    }
    for (int64_t i = 0; i < field->n_children && !status; i++) {
        status = store(field->children[i], text, depth + 1, err);
    }
    return status;
}

int lt_pq_schema_stored(const struct ArrowSchema *schema, bool text, struct ArrowSchema *ret_schema,
                        struct leat_error *err)
{
    struct ArrowSchema copy;
    int status = lt_schema_copy(schema, &copy, err);
    if (status) {
        return status;
    }
    status = store(&copy, text, 0, err);
    if (status) {
        lt_schema_done(&copy);
        return status;
    }
    lt_schema_move(&copy, ret_schema);
    return LEAT_OK;
}

/* --- what cannot be stored ----------------------------------------------------------------- */

static const char *refuses(const struct ArrowSchema *field, int depth)
{
    struct lt_type type;
    if (field->dictionary) {
        return refuses(field->dictionary, depth + 1);
    }
    if (depth > LT_TYPE_DEPTH_MAX || lt_type_of(field, &type, NULL)) {
        return "a type that leat cannot read";
    }
    switch (type.id) {
    case LT_STRUCT:
        if (!field->n_children) {
            return "a struct without members";
        }
        break;
    case LT_FIXED_BINARY:
        if (!type.width) {
            return "values of no bytes, binary(0)";
        }
        break;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        if (type.scale < 0 || type.scale > type.precision) {
            return "a decimal whose scale is negative or greater than its precision";
        }
        break;
    default:
        break;
    }
    for (int64_t i = 0; i < field->n_children; i++) {
        const char *why = refuses(field->children[i], depth + 1);
        if (why) {
            return why;
        }
    }
    return NULL;
}

const char *lt_pq_refuses(const struct ArrowSchema *field)
{
    return refuses(field, 0);
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcasecmp(*x, *y);
}

/* Snowflake, BigQuery, Spark and Hive compare names without case: a file with "id" and "ID" can be
 * read by none of them. */
int lt_pq_check_names(const struct ArrowSchema *schema, struct leat_error *err)
{
    size_t n = (size_t)schema->n_children;
    const char **names = calloc(n ? n : 1, sizeof *names);
    int status = names ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < n && !status; i++) {
        names[i] = schema->children[i]->name ? schema->children[i]->name : "";
    }
    if (!status) {
        qsort(names, n, sizeof *names, compare_names);
    }
    for (size_t i = 1; i < n && !status; i++) {
        if (!strcasecmp(names[i - 1], names[i])) {
            status = lt_fail(err, LT_E_DUPLICATE_COLUMN,
                             "the columns \"%s\" and \"%s\" differ in case only; most readers of "
                             "Parquet take them for one",
                             names[i - 1], names[i]);
        }
    }
    free(names);
    return status;
}

/* --- ARROW:schema -------------------------------------------------------------------------- */

static int put_base64(const uint8_t *data, size_t len, struct lt_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (lt_buf_reserve(out, (len + 2) / 3 * 4)) {
        return LEAT_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        char quad[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                        left > 1 ? digits[bits >> 6 & 63] : '=',
                        left > 2 ? digits[bits & 63] : '='};
        lt_buf_append(out, quad, sizeof quad);
    }
    return LEAT_OK;
}

/* An encapsulated message: marker, length, metadata padded to eight bytes; a schema has no body. */
int lt_pq_arrow_schema(const struct ArrowSchema *schema, struct lt_buf *out, struct leat_error *err)
{
    static const uint8_t zeros[8];
    struct lt_buf message = LT_BUF_INIT;
    struct ArrowSchema stored;
    struct lt_fbw fbw;
    int status = lt_pq_schema_stored(schema, true, &stored, err);
    if (status) {
        return status;
    }
    lt_fbw_start(&fbw);
    status = lt_ipc_write_schema(&fbw, &stored, err);
    if (!status) {
        size_t pad = (8 - fbw.buf.len % 8) % 8;
        uint32_t head[2] = {LT_IPC_CONTINUATION, (uint32_t)(fbw.buf.len + pad)};
        bool failed = fbw.oom || lt_buf_append(&message, head, sizeof head) ||
                      lt_buf_append(&message, fbw.buf.data, fbw.buf.len) ||
                      lt_buf_append(&message, zeros, pad) ||
                      put_base64(message.data, message.len, out);
        status = failed ? lt_fail_oom(err) : LEAT_OK;
    }
    lt_fbw_done(&fbw);
    lt_buf_done(&message);
    lt_schema_done(&stored);
    return status;
}
