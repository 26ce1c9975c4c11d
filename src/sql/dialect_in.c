/* System types to fields: as a catalog names them, and as DDL writes them. */
#include "sql/dialect_parts.h"

#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>

static const struct leat_type_in *type_in(const struct lt_dialect *dialect, const char *system)
{
    for (const struct leat_type_in *row = dialect->in; row->system; row++) {
        if (!strcmp(row->system, system)) {
            return row;
        }
    }
    return NULL;
}

/* The row's canonical name with its arguments put in; the bare one when they are absent or a
 * decimal could not hold them. */
static int expand_canonical(const struct leat_type_in *row, int arg1, int arg2, struct lt_buf *out)
{
    const char *form = row->canonical;
    bool bare = strchr(form, '$') && arg1 < 0;
    if (strstr(form, "decimal(")) {
        int scale = LT_MAX(arg2, 0);
        bare = bare || arg1 < 1 || arg1 > 76 || scale > arg1;
    }
    if (bare && row->bare) {
        return lt_buf_puts(out, row->bare);
    }
    for (const char *at = form; *at; at++) {
        int failed = 0;
        if (at[0] == '$' && (at[1] == '1' || at[1] == '2')) {
            failed = lt_buf_printf(out, "%d", LT_MAX(at[1] == '1' ? arg1 : arg2, 0));
            at++;
        } else {
            failed = lt_buf_byte(out, (uint8_t)*at);
        }
        if (failed) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

/* True for the type that utf8 or binary itself becomes here: its name says nothing more, and with
 * it in the metadata plain text would look like a type Arrow has no word for. */
static bool is_plain_text(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                          const char *system_full)
{
    struct lt_buf made = LT_BUF_INIT;
    bool plain = (!strcmp(field->format, "u") || !strcmp(field->format, "z")) && !field->metadata &&
                 !lt_dialect_table_type(dialect, field, &made, NULL) &&
                 !strcasecmp(lt_buf_text(&made), system_full);
    lt_buf_done(&made);
    return plain;
}

int lt_dialect_field(const struct lt_dialect *dialect, const char *system, const char *system_full,
                     int arg1, int arg2, struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    struct lt_buf text = LT_BUF_INIT;
    const struct leat_type_in *row = type_in(dialect, system);
    int status = row ? expand_canonical(row, arg1, arg2, &text) : lt_buf_puts(&text, "utf8");
    if (status) {
        status = lt_fail_oom(err);
        goto out;
    }
    status = lt_type_parse(lt_buf_text(&text), &field, err);
    if (status) {
        goto out;
    }
    lt_buf_clear(&text);
    if (is_plain_text(dialect, &field, system_full)) {
        lt_schema_move(&field, ret_field);
        goto out;
    }
    if (lt_buf_printf(&text, "%s:%s", dialect->name, system_full)) {
        status = lt_fail_oom(err);
        goto out;
    }
    status = lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, lt_buf_text(&text), err);
    if (!status) {
        lt_schema_move(&field, ret_field);
    }
out:
    lt_schema_done(&field);
    lt_buf_done(&text);
    return status;
}

bool lt_dialect_split(const char *text, struct lt_type_words *words)
{
    size_t len = strlen(text), used = 0;
    *words = (struct lt_type_words){.args = {-1, -1}};
    if (len + 2 > sizeof words->name) {
        return false;
    }
    while (len >= 2 && !strncmp(text + len - 2, "[]", 2)) {
        words->list = true;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '(') {
            for (int n = 0; i < len && text[i] != ')'; n++) {
                long value = strtol(text + i + 1, NULL, 10);
                if (n < 2 && value >= 0 && value <= INT32_MAX) {
                    words->args[n] = (int)value;
                } else if (n == 1) {
                    words->args[0] = -1; /* numeric(5,-2) is no decimal: as without arguments */
                }
                for (i++; i < len && text[i] != ',' && text[i] != ')'; i++) {
                }
            }
        } else {
            words->name[used++] = (char)tolower((unsigned char)text[i]);
        }
    }
    while (used && words->name[used - 1] == ' ') {
        used--;
    }
    words->name[used] = 0;
    return used > 0;
}

int lt_dialect_foreign_list(const struct lt_dialect *dialect, const char *system_full,
                            struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    char *source = lt_format("%s:%s", dialect->name, system_full);
    size_t len = source ? strlen(source) : 0;
    int status = source ? lt_type_parse("list<utf8>", &field, err) : lt_fail_oom(err);
    status = status ? status : lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, source, err);
    if (!status && len > 2 && !strcmp(source + len - 2, "[]")) {
        source[len - 2] = 0;
        status = lt_schema_set_meta(field.children[0], LT_META_SOURCE_TYPE, source, err);
    }
    if (!status) {
        lt_schema_move(&field, ret_field);
    }
    lt_schema_done(&field);
    free(source);
    return status;
}

/* True where the dialect has arrays of what its elements are. */
static bool has_arrays(const struct lt_dialect *dialect)
{
    const struct leat_type_out *row = lt_dialect_row(dialect, "list");
    return row->system && strstr(row->system, "$1[]");
}

int lt_dialect_parse(const struct lt_dialect *dialect, const char *text,
                     struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct lt_type_words words;
    if (lt_dialect_canonical(dialect, text, ret_field)) {
        return LEAT_OK;
    }
    if (!lt_dialect_split(text, &words)) {
        return lt_dialect_field(dialect, "", text, -1, -1, ret_field, err);
    }
    const char *system = words.name;
    for (const struct lt_type_alias *row = dialect->aliases; row && row->alias; row++) {
        if (!strcmp(row->alias, words.name)) {
            system = row->system;
            break;
        }
    }
    char element[LT_DIALECT_TYPE_MAX + 1];
    if (words.list) {
        element[0] = '_';
        memcpy(element + 1, system, strlen(system) + 1);
        system = element;
    }
    if (words.list && has_arrays(dialect) && !type_in(dialect, system)) {
        return lt_dialect_foreign_list(dialect, text, ret_field, err);
    }
    return lt_dialect_field(dialect, system, text, words.args[0], words.args[1], ret_field, err);
}
