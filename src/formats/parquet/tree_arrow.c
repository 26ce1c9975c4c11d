/* `ARROW:schema`: the Arrow schema that a file was written from, kept beside Parquet's own as one
 * encapsulated IPC message in base64. It says what Parquet has no word for. */
#include "core/codes.h"
#include "core/util.h"
#include "formats/arrow/message.h"
#include "formats/parquet/tree_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

#define KEY "ARROW:schema"

static int restore_field(struct ArrowSchema *field, const struct ArrowSchema *original,
                         struct leat_error *err);

/* --- the message --------------------------------------------------------------------------- */

static int base64_digit(uint8_t c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* Appends the bytes up to the first character that is no digit: padding, or the end. */
static int base64_decode(struct lt_pq_bytes text, struct lt_buf *out)
{
    uint32_t bits = 0;
    int n_bits = 0;
    if (lt_buf_reserve(out, text.len / 4 * 3 + 3)) {
        return LEAT_NO_MEMORY;
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0) {
            break;
        }
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out->data[out->len++] = (uint8_t)(bits >> n_bits);
        }
    }
    return LEAT_OK;
}

/* False when it cannot be read: the file's own schema does. */
static bool read_message(const struct lt_buf *bytes, struct ArrowSchema *ret_schema)
{
    struct lt_ipc_message message;
    struct lt_ipc_field layout = {.id = LT_NULL};
    uint32_t word = 0;
    size_t at = 0;
    if (bytes->len >= 8) {
        memcpy(&word, bytes->data, 4);
    }
    if (word == LT_IPC_CONTINUATION) { /* streams before Arrow 0.15 begin with the length */
        at = 4;
        memcpy(&word, bytes->data + 4, 4);
    }
    at += 4;
    if (at > bytes->len || word > bytes->len - at ||
        lt_ipc_message_read(bytes->data + at, word, &message, NULL) ||
        message.kind != LT_IPC_SCHEMA ||
        lt_ipc_schema_read(&message.schema, ret_schema, &layout, NULL)) {
        return false;
    }
    lt_ipc_field_done(&layout);
    return true;
}

/* --- what agrees ----------------------------------------------------------------------------- */

static bool is_decimal(enum lt_type_id id)
{
    return id == LT_DECIMAL32 || id == LT_DECIMAL64 || id == LT_DECIMAL128 || id == LT_DECIMAL256;
}

/* Whether values of a column read as `mine` can be given as `theirs`. */
static bool is_storage_of(const struct lt_type *mine, const struct lt_type *theirs)
{
    static const struct {
        enum lt_type_id mine, theirs;
    } pairs[] = {
        {LT_UTF8, LT_LARGE_UTF8}, {LT_BINARY, LT_LARGE_BINARY}, {LT_LIST, LT_LARGE_LIST},
        {LT_LIST, LT_FIXED_LIST}, {LT_INT64, LT_DURATION},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        if (mine->id == pairs[i].mine && theirs->id == pairs[i].theirs) {
            return true;
        }
    }
    if (is_decimal(mine->id) && is_decimal(theirs->id)) {
        return mine->precision == theirs->precision && mine->scale == theirs->scale;
    }
    if (mine->id != theirs->id || mine->width != theirs->width) {
        return false;
    }
    switch (mine->id) {
    case LT_TIMESTAMP:
    case LT_TIME32:
    case LT_TIME64:
        return mine->unit == theirs->unit && !mine->zone[0] == !theirs->zone[0];
    default:
        return true;
    }
}

static bool same_name(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    return !strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

/* --- giving it back --------------------------------------------------------------------------- */

struct copying {
    struct ArrowSchema *field;
    struct leat_error *err;
};

/* Values that are no text have no place in our metadata. */
static int copy_pair(void *arg, const char *key, size_t key_len, const char *value,
                     size_t value_len)
{
    struct copying *copying = arg;
    if (memchr(key, 0, key_len) || memchr(value, 0, value_len)) {
        return LEAT_OK;
    }
    char *k = lt_strndup(key, key_len), *v = lt_strndup(value, value_len);
    int status =
        k && v ? lt_schema_set_meta(copying->field, k, v, copying->err) : lt_fail_oom(copying->err);
    free(k);
    free(v);
    return status;
}

/* A zone belongs to a moment whatever its unit is here: Parquet has no seconds. */
static int restore_zone(struct ArrowSchema *field, const struct lt_type *mine,
                        const struct lt_type *theirs, struct leat_error *err)
{
    static const char units[] = {
        [LT_SECOND] = 's', [LT_MILLI] = 'm', [LT_MICRO] = 'u', [LT_NANO] = 'n'};
    if (mine->id != LT_TIMESTAMP || theirs->id != LT_TIMESTAMP || !mine->zone[0] ||
        !theirs->zone[0]) {
        return LEAT_OK;
    }
    char *format = lt_format("ts%c:%s", units[mine->unit], theirs->zone);
    int status = format ? lt_schema_set_format(field, format, err) : lt_fail_oom(err);
    free(format);
    return status;
}

static int restore_children(struct ArrowSchema *field, const struct ArrowSchema *original,
                            bool by_name, struct leat_error *err)
{
    int status = LEAT_OK;
    if (field->n_children != original->n_children) {
        return LEAT_OK;
    }
    for (int64_t i = 0; i < field->n_children && !status; i++) {
        if (!by_name || same_name(field->children[i], original->children[i])) {
            status = restore_field(field->children[i], original->children[i], err);
        }
    }
    return status;
}

static int restore_field(struct ArrowSchema *field, const struct ArrowSchema *original,
                         struct leat_error *err)
{
    struct lt_type mine, theirs;
    struct copying copying = {field, err};
    if (lt_type_of(field, &mine, NULL) || lt_type_of(original, &theirs, NULL)) {
        return LEAT_OK;
    }
    bool storage = is_storage_of(&mine, &theirs);
    int status = storage ? LEAT_OK : restore_zone(field, &mine, &theirs, err);
    if (!storage) {
        return status;
    }
    status = lt_schema_meta_each(original, copy_pair, &copying);
    status = status ? status : restore_children(field, original, mine.id == LT_STRUCT, err);
    /* Last: `mine` points into the format. */
    return status ? status : lt_schema_set_format(field, original->format, err);
}

int lt_pq_restore_arrow(const struct lt_pq_footer *footer, struct ArrowSchema *schema,
                        struct leat_error *err)
{
    struct ArrowSchema original = {.release = NULL};
    struct lt_buf bytes = LT_BUF_INIT;
    int status = LEAT_OK;
    for (size_t i = 0; i < footer->n_pairs && !status && !original.release; i++) {
        const struct lt_pq_pair *pair = &footer->pairs[i];
        if (pair->value.data && pair->key.len == strlen(KEY) &&
            !memcmp(pair->key.data, KEY, strlen(KEY))) {
            lt_buf_clear(&bytes);
            status = base64_decode(pair->value, &bytes) ? lt_fail_oom(err) : LEAT_OK;
            if (!status && read_message(&bytes, &original)) {
                status = restore_children(schema, &original, true, err);
            }
        }
    }
    lt_schema_done(&original);
    lt_buf_done(&bytes);
    return status;
}
