/* Columns of the text formats: types that are given, and what is made of them. */
#include "columnar/schema.h"
#include "core/util.h"
#include "formats/text_reader.h"

#include <stdlib.h>

int lt_text_set_field(struct lt_text_reader *reader, int64_t i, struct ArrowSchema *field,
                      struct leat_error *err)
{
    struct ArrowSchema *column = reader->schema.children[i];
    int status = lt_schema_set_name(field, column->name, err);
    if (status) {
        lt_schema_done(field);
        return status;
    }
    field->flags |= ARROW_FLAG_NULLABLE;
    lt_schema_done(column);
    lt_schema_move(field, column);
    return LEAT_OK;
}

int lt_text_retype(struct lt_text_reader *reader, int64_t i, const struct ArrowSchema *types,
                   bool *ret_set, struct leat_error *err)
{
    int64_t at = lt_schema_find(types, reader->schema.children[i]->name);
    struct ArrowSchema field = {0};
    *ret_set = at >= 0;
    if (at < 0) {
        return LEAT_OK;
    }
    int status = lt_schema_copy(types->children[at], &field, err);
    field.flags |= LT_FLAG_INFERRED;
    return status ? status : lt_text_set_field(reader, i, &field, err);
}

/* What each row will take in a batch beside its text: values, or offsets. */
static int64_t row_cost(const struct lt_batch_builder *builder)
{
    int64_t cost = 0;
    for (int64_t i = 0; i < builder->n_columns; i++) {
        int32_t width = builder->columns[i].type.width;
        cost += width > 0 && width <= 32 ? width : 4;
    }
    return cost;
}

int lt_text_make_builder(struct lt_text_reader *reader, struct leat_error *err)
{
    lt_batch_builder_done(&reader->builder);
    int status = lt_batch_builder_init(&reader->builder, &reader->schema, err);
    if (!status) {
        *reader->row_cost = row_cost(&reader->builder);
    }
    return status;
}

/* --- --types ---------------------------------------------------------------------------------- */

static int split_type(struct lt_text_reader *reader, const char *text, size_t len,
                      lt_text_type_fn *each, struct leat_error *err)
{
    char *item = lt_strndup(text, len);
    if (!item) {
        return lt_fail_oom(err);
    }
    int status;
    char *equals = strrchr(item, '=');
    if (equals) {
        *equals = 0;
        status = each(reader, item, equals + 1, err);
    } else {
        status = lt_fail(err, LT_E_INVALID, "--types needs COLUMN=TYPE, found \"%.*s\"",
                         lt_text_shown(item, len), item);
    }
    free(item);
    return status;
}

/* Splits at commas outside parentheses and angle brackets: a=decimal(10,2),b=struct<x: a, y: b>. */
static int split_types(struct lt_text_reader *reader, const char *list, lt_text_type_fn *each,
                       struct leat_error *err)
{
    int status = LEAT_OK;
    while (!status && list && *list) {
        size_t len = 0;
        int depth = 0;
        while (list[len] && (depth > 0 || list[len] != ',')) {
            depth +=
                (list[len] == '(' || list[len] == '<') - (list[len] == ')' || list[len] == '>');
            len++;
        }
        status = split_type(reader, list, len, each, err);
        list += len + (list[len] == ',');
    }
    return status;
}

int lt_text_each_type(struct lt_text_reader *reader, const struct lt_format_options *options,
                      lt_text_type_fn *each, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; options && i < options->n_params && !status; i++) {
        if (!strcmp(options->params[i].name, "types")) {
            status = split_types(reader, options->params[i].value, each, err);
        }
    }
    return status;
}

bool lt_text_is_carried(const struct lt_format_options *options, int64_t i)
{
    struct lt_type type;
    return options->losses && !options->schema_whole &&
           !lt_type_of(options->schema->children[i], &type, NULL) && type.id == LT_UTF8 &&
           type.logical == LT_PLAIN;
}

int lt_text_parse_type(const char *name, const char *type, struct ArrowSchema *ret_field,
                       struct leat_error *err)
{
    int status = lt_type_parse(type, ret_field, err);
    if (status) {
        leat_error_place(err, "--types %.*s", lt_text_shown(name, strlen(name)), name);
    }
    return status;
}
