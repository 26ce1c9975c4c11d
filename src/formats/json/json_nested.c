/* Structs and lists from sampled objects and arrays.
 *
 * What is walked here was checked by the scanner, so that nothing is checked again. Where no
 * struct can be made (keys twice in one object, more members than a struct should have, nesting
 * past what types allow) the value is json. */
#include "formats/json/json.h"

#include "columnar/schema.h"

#include <stdlib.h>

#define DEPTH_MAX (LT_TYPE_DEPTH_MAX - 4) /* of the types made here, below their column */
#define MEMBERS_MAX 1000                  /* of one struct */
#define MEMBERS_ALL_MAX 20000             /* of all structs of a stream */

static const uint8_t *skip_blanks(const uint8_t *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
        at++;
    }
    return at;
}

/* From behind the opening quote to the closing one. */
static const uint8_t *string_end(const uint8_t *at, uint32_t *info)
{
    while (*at != '"') {
        if (*at == '\\') {
            *info |= LT_JSONL_ESCAPED;
            at++;
        }
        at++;
    }
    return at;
}

/* Behind a value, which is not walked into. */
static const uint8_t *value_end(const uint8_t *at, uint32_t *info)
{
    int depth = 0;
    uint32_t bits = LT_JSONL_INTEGER;
    do {
        if (*at == '"') {
            at = string_end(at + 1, &bits) + 1;
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else {
            bits &= *at == '.' || *at == 'e' || *at == 'E' ? ~LT_JSONL_INTEGER : ~0u;
            at++;
        }
    } while (depth || !memchr(",]} \t\r\n", *at, 8));
    *info = bits;
    return at;
}

/* The member of that name, made where it is new; NULL without memory. */
static struct lt_jsonl_seen *find_member(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen,
                                         const char *name, size_t len, size_t hint)
{
    for (size_t n = 0; n < seen->n_members; n++) {
        struct lt_jsonl_seen *member = &seen->members[(hint + n) % seen->n_members];
        if (member->len == len && !memcmp(member->name, name, len)) {
            return member;
        }
    }
    struct lt_jsonl_seen *grown =
        realloc(seen->members, (seen->n_members + 1) * sizeof *seen->members);
    if (!grown) {
        return NULL;
    }
    seen->members = grown;
    grown[seen->n_members] = (struct lt_jsonl_seen){.name = lt_strndup(name, len), .len = len};
    infer->members++;
    return grown[seen->n_members].name ? &grown[seen->n_members++] : NULL;
}

/* The member whose key's text is `text`; *ret_member NULL where it can be none. */
static int member_of(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen, const uint8_t *text,
                     size_t len, uint32_t info, size_t hint, struct lt_jsonl_seen **ret_member)
{
    struct lt_buf scratch = LT_BUF_INIT;
    const char *name = (const char *)text, *why;
    int status = LEAT_OK;
    *ret_member = NULL;
    if (info & LT_JSONL_ESCAPED) {
        status = lt_jsonl_unescape(text, len, &scratch, &why);
        name = lt_buf_text(&scratch);
        len = scratch.len;
    }
    if (status == LEAT_BAD_DATA || (!status && memchr(name, 0, len))) {
        seen->classes |= LT_JSONL_UNEVEN;
        status = LEAT_OK;
    } else if (!status) {
        *ret_member = find_member(infer, seen, name, len, hint);
        status = *ret_member ? LEAT_OK : LEAT_NO_MEMORY;
    }
    lt_buf_done(&scratch);
    return status;
}

static int infer_part(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *part, const uint8_t **at,
                      int depth)
{
    const uint8_t *from = *at;
    uint32_t info = 0;
    *at = value_end(from, &info);
    if (*from == 'n') {
        return LEAT_OK;
    }
    info |= (uint32_t)(*at - from);
    return lt_jsonl_infer_value(infer, part, from, info, depth + 1);
}

static int infer_object(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen, const uint8_t *at,
                        int depth)
{
    uint64_t stamp = ++infer->stamp;
    at = skip_blanks(at + 1);
    for (size_t i = 0; *at != '}' && !(seen->classes & LT_JSONL_UNEVEN); i++) {
        struct lt_jsonl_seen *member = NULL;
        uint32_t info = 0;
        const uint8_t *key = at + 1;
        at = string_end(key, &info);
        int status = member_of(infer, seen, key, (size_t)(at - key), info, i, &member);
        if (status || !member) {
            return status;
        }
        if (member->stamp == stamp || seen->n_members > MEMBERS_MAX ||
            infer->members > MEMBERS_ALL_MAX) {
            seen->classes |= LT_JSONL_UNEVEN;
            return LEAT_OK;
        }
        member->stamp = stamp;
        at = skip_blanks(skip_blanks(at + 1) + 1); /* over the colon */
        status = infer_part(infer, member, &at, depth);
        if (status) {
            return status;
        }
        at = skip_blanks(at);
        at = *at == ',' ? skip_blanks(at + 1) : at;
    }
    return LEAT_OK;
}

static int infer_array(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen, const uint8_t *at,
                       int depth)
{
    at = skip_blanks(at + 1);
    if (!seen->item && !(seen->item = calloc(1, sizeof *seen->item))) {
        return LEAT_NO_MEMORY;
    }
    while (*at != ']') {
        int status = infer_part(infer, seen->item, &at, depth);
        if (status) {
            return status;
        }
        at = skip_blanks(at);
        at = *at == ',' ? skip_blanks(at + 1) : at;
    }
    return LEAT_OK;
}

int lt_jsonl_infer_nested(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen,
                          const uint8_t *text, int depth)
{
    if (depth >= DEPTH_MAX) {
        seen->classes |= LT_JSONL_UNEVEN;
    }
    if (seen->classes & LT_JSONL_UNEVEN) {
        return LEAT_OK;
    }
    return *text == '{' ? infer_object(infer, seen, text, depth)
                        : infer_array(infer, seen, text, depth);
}

/* --- types ------------------------------------------------------------------------------------ */

static int add_part(const struct lt_jsonl_seen *part, const char *name, struct ArrowSchema *parent,
                    struct leat_error *err)
{
    struct ArrowSchema field = {0};
    int status = lt_jsonl_infer_type(part, &field, err);
    status = status ? status : lt_schema_set_name(&field, name, err);
    status = status ? status : lt_schema_add(parent, &field, err);
    lt_schema_done(&field);
    return status;
}

int lt_jsonl_nested_type(const struct lt_jsonl_seen *seen, struct ArrowSchema *ret_field,
                         bool *ret_made, struct leat_error *err)
{
    struct ArrowSchema field = {0};
    int status;
    *ret_made = false;
    if (seen->classes & LT_JSONL_UNEVEN || (!seen->n_members && !seen->item)) {
        return LEAT_OK;
    }
    if (seen->item) {
        status = lt_schema_init(&field, "+l", NULL, err);
        status = status ? status : add_part(seen->item, "item", &field, err);
    } else {
        status = lt_schema_init_struct(&field, 0, err);
        for (size_t i = 0; i < seen->n_members && !status; i++) {
            status = add_part(&seen->members[i], seen->members[i].name, &field, err);
        }
    }
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    field.flags |= ARROW_FLAG_NULLABLE;
    *ret_field = field;
    *ret_made = true;
    return LEAT_OK;
}
