/* Fields to system types: the field's own where it has one, else as the dialect's table says. */
#include "sql/dialect_parts.h"

#include "core/codes.h"
#include "core/util.h"

const struct leat_type_out *lt_dialect_row(const struct lt_dialect *dialect, const char *name)
{
    const struct leat_type_out *row = dialect->out;
    while (row->canonical && strcmp(row->canonical, name)) {
        row++;
    }
    return row;
}

/* The storage class that the out table is keyed by. */
static const char *class_of(const struct lt_type *type)
{
    switch (type->logical) {
    case LT_JSON:
        return "json";
    case LT_UUID:
        return "uuid";
    case LT_NUMERIC:
        return "numeric";
    default:
        break;
    }
    static const char *const names[] = {
#define CLASS_NAME(name, text, width) [LT_##name] = text,
        LT_TYPE_MAP(CLASS_NAME)
#undef CLASS_NAME
    };
    switch (type->id) {
    case LT_DECIMAL32:
    case LT_DECIMAL64:
        return "decimal";
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return "utf8";
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
        return "binary";
    case LT_DATE64:
        return "date";
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
        return "interval";
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return "list";
    case LT_TIMESTAMP:
        return type->zone && *type->zone ? "timestamptz" : "timestamp";
    default:
        return names[type->id];
    }
}

bool lt_dialect_stands_for(const struct ArrowSchema *field, struct ArrowSchema *ret_type)
{
    static const char prefix[] = "arrow:";
    char source[LT_DIALECT_TYPE_MAX];
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && type.logical == LT_FOREIGN &&
           lt_type_is_text(type.id) &&
           lt_schema_meta_text(field, LT_META_SOURCE_TYPE, source, sizeof source) &&
           !strncmp(source, prefix, sizeof prefix - 1) &&
           !lt_type_parse(source + sizeof prefix - 1, ret_type, NULL);
}

bool lt_dialect_same_storage(const struct ArrowSchema *field, const struct ArrowSchema *other)
{
    struct lt_type a, b;
    struct ArrowSchema meant;
    if (lt_dialect_stands_for(field, &meant)) {
        bool same = lt_dialect_same_storage(&meant, other);
        lt_schema_done(&meant);
        return same;
    }
    if (lt_type_of(field, &a, NULL) || lt_type_of(other, &b, NULL) ||
        strcmp(class_of(&a), class_of(&b))) {
        return false;
    }
    if (!strcmp(class_of(&a), "decimal")) {
        return a.precision == b.precision && a.scale == b.scale;
    }
    if (!strcmp(class_of(&a), "list")) {
        return field->n_children == 1 && other->n_children == 1 &&
               lt_dialect_same_storage(field->children[0], other->children[0]);
    }
    return true;
}

static int refuse_type(const struct ArrowSchema *field, const char *note, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    if (lt_type_print(field, &name)) {
        lt_buf_clear(&name);
    }
    int status =
        lt_fail(err, LT_E_UNSUPPORTED_TYPE, "no type here can hold %s%s%s",
                name.len ? lt_buf_text(&name) : "this type", note ? ": " : "", note ? note : "");
    if (field->name && *field->name) {
        leat_error_place(err, "column \"%s\"", field->name);
    }
    lt_buf_done(&name);
    return status;
}

static bool is_list_of_lists(const struct ArrowSchema *field, const char *name)
{
    struct lt_type item;
    return !strcmp(name, "list") && field->n_children == 1 &&
           !lt_type_of(field->children[0], &item, NULL) && !strcmp(class_of(&item), "list");
}

int lt_dialect_table_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                          struct lt_buf *out, struct leat_error *err)
{
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    if (status) {
        return status;
    }
    const char *name = class_of(&type);
    const struct leat_type_out *row = lt_dialect_row(dialect, name);
    if (row->system && strstr(row->system, "$1") && is_list_of_lists(field, name)) {
        row = lt_dialect_row(dialect, "struct"); /* an array's elements are not of one length */
    }
    if (!row->canonical || !row->system) {
        return refuse_type(field, row->canonical ? row->note : NULL, err);
    }
    for (const char *at = row->system; *at; at++) {
        int failed = 0;
        if (at[0] != '$') {
            failed = lt_buf_byte(out, (uint8_t)*at);
        } else if (*++at == '1' && !strcmp(name, "list") && field->n_children == 1) {
            status = lt_dialect_type(dialect, field->children[0], out, err);
            if (status) {
                return status;
            }
        } else {
            failed = lt_buf_printf(out, "%d", *at == '1' ? type.precision : type.scale);
        }
        if (failed) {
            return lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

/* Whether `made` reads back as the type it was made for. Text and bytes of other layouts in memory
 * (large_utf8, binary_view) are the same to every system. */
static bool is_exact(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                     const char *made)
{
    struct ArrowSchema back = {.release = NULL};
    struct lt_buf printed = LT_BUF_INIT, wanted = LT_BUF_INIT;
    struct lt_type type;
    bool exact = !lt_dialect_parse(dialect, made, &back, NULL) && !lt_type_print(&back, &printed) &&
                 !lt_type_of(field, &type, NULL);
    if (exact && type.logical == LT_PLAIN && type.id != LT_FIXED_BINARY &&
        (!strcmp(class_of(&type), "utf8") || !strcmp(class_of(&type), "binary"))) {
        exact = !lt_buf_puts(&wanted, class_of(&type));
    } else {
        exact = exact && !lt_type_print(field, &wanted);
    }
    exact = exact && !strcmp(lt_buf_text(&printed), lt_buf_text(&wanted));
    lt_schema_done(&back);
    lt_buf_done(&printed);
    lt_buf_done(&wanted);
    return exact;
}

int lt_dialect_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                    struct lt_buf *out, struct leat_error *err)
{
    char own[LT_DIALECT_TYPE_MAX];
    struct lt_buf made = LT_BUF_INIT;
    struct lt_type type;
    bool same;
    if (lt_dialect_own_type(dialect, field, own, &same) && same) {
        return lt_buf_puts(out, own) ? lt_fail_oom(err) : LEAT_OK;
    }
    struct ArrowSchema meant;
    if (lt_dialect_stands_for(field, &meant)) {
        int made_status = lt_dialect_type(dialect, &meant, out, err);
        lt_schema_done(&meant);
        return made_status;
    }
    int status = lt_type_of(field, &type, err);
    if (!status && type.id == LT_DICTIONARY && field->dictionary) {
        return lt_dialect_type(dialect, field->dictionary, out, err);
    }
    status = status ? status : lt_dialect_table_type(dialect, field, &made, err);
    if (!status && dialect->storage_words && !is_exact(dialect, field, lt_buf_text(&made))) {
        status = lt_dialect_put_canonical(dialect, field, lt_buf_text(&made), out, err);
    } else if (!status && lt_buf_append(out, lt_buf_text(&made), made.len)) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&made);
    return status;
}
