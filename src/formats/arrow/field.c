/* Column layouts: freeing, comparing, deriving. */
#include "core/codes.h"
#include "formats/arrow/message.h"

#include <stdlib.h>

void lt_ipc_field_done(struct lt_ipc_field *field)
{
    for (int64_t i = 0; i < field->n_children; i++) {
        lt_ipc_field_done(&field->children[i]);
    }
    if (field->values) {
        lt_ipc_field_done(field->values);
        free(field->values);
    }
    free(field->children);
    *field = (struct lt_ipc_field){0};
}

int lt_ipc_field_decoded(const struct lt_ipc_field *field, struct lt_ipc_field *ret_field,
                         struct leat_error *err)
{
    if (field->values) {
        return lt_ipc_field_decoded(field->values, ret_field, err);
    }
    struct lt_ipc_field copy = {.id = field->id, .width = field->width, .plain = true};
    if (field->id == LT_UTF8_VIEW || field->id == LT_BINARY_VIEW) {
        copy.id = field->id == LT_UTF8_VIEW ? LT_UTF8 : LT_BINARY;
        copy.width = 0;
    }
    if (field->n_children) {
        copy.children = calloc((size_t)field->n_children, sizeof *copy.children);
        if (!copy.children) {
            return lt_fail_oom(err);
        }
        copy.n_children = field->n_children;
    }
    for (int64_t i = 0; i < field->n_children; i++) {
        int rc = lt_ipc_field_decoded(&field->children[i], &copy.children[i], err);
        if (rc) {
            lt_ipc_field_done(&copy);
            return rc;
        }
    }
    *ret_field = copy;
    return LEAT_OK;
}

bool lt_ipc_field_same(const struct lt_ipc_field *a, const struct lt_ipc_field *b)
{
    if (a->id != b->id || a->width != b->width || a->n_children != b->n_children ||
        !a->values != !b->values) {
        return false;
    }
    if (a->values &&
        (a->dictionary_id != b->dictionary_id || !lt_ipc_field_same(a->values, b->values))) {
        return false;
    }
    for (int64_t i = 0; i < a->n_children; i++) {
        if (!lt_ipc_field_same(&a->children[i], &b->children[i])) {
            return false;
        }
    }
    return true;
}

int lt_ipc_field_of(const struct ArrowSchema *schema, struct lt_ipc_field *ret_field,
                    struct leat_error *err)
{
    struct lt_ipc_field field = {.plain = true};
    struct lt_type type;
    int rc = lt_type_of(schema, &type, err);
    if (rc) {
        return rc;
    }
    field.id = type.id;
    field.width = type.width;
    if (schema->dictionary) {
        /* The format of a dictionary-encoded field is that of its indexes. */
        struct ArrowSchema index = {.format = schema->format, .name = "", .flags = schema->flags};
        rc = lt_type_of(&index, &type, err);
        field.id = type.id;
        field.width = type.width;
        field.values = rc ? NULL : calloc(1, sizeof *field.values);
        if (rc || !field.values) {
            return rc ? rc : lt_fail_oom(err);
        }
        rc = lt_ipc_field_of(schema->dictionary, field.values, err);
    } else if (schema->n_children) {
        field.children = calloc((size_t)schema->n_children, sizeof *field.children);
        if (!field.children) {
            return lt_fail_oom(err);
        }
        field.n_children = schema->n_children;
    }
    field.plain = !field.values && field.id != LT_UTF8_VIEW && field.id != LT_BINARY_VIEW;
    for (int64_t i = 0; i < field.n_children && !rc; i++) {
        rc = lt_ipc_field_of(schema->children[i], &field.children[i], err);
        field.plain = field.plain && field.children[i].plain;
    }
    if (rc) {
        lt_ipc_field_done(&field);
        return rc;
    }
    *ret_field = field;
    return LEAT_OK;
}
