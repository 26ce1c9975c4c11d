/* See declared.h. First what both declare in the dialect's own words, then canonical types. */
#include "sql/declared.h"

#include "columnar/cast.h"
#include "columnar/widen.h"
#include "core/codes.h"
#include "core/util.h"

#include <limits.h>
#include <stdio.h>

/* --- words of one family -------------------------------------------------------------------- */

static const struct lt_type_family *family_of(const struct lt_dialect *dialect,
                                              const struct lt_type_words *words)
{
    const struct lt_type_family *row = dialect->families;
    while (row && row->name && strcmp(row->name, words->name) != 0) {
        row++;
    }
    return row && row->name ? row : NULL;
}

/* The first type's name with the other argument, where that is a limit. */
static int put_type(const struct lt_type_family *row, int argument, struct lt_buf *out)
{
    return argument == INT_MAX ? lt_buf_puts(out, row->name)
                               : lt_buf_printf(out, "%s(%d)", row->name, argument);
}

/* Both of one family. LT_FIT_WIDER: what holds both goes to `wide`. */
static enum lt_fit family_fit(const struct lt_type_family *has, int has_argument,
                              const struct lt_type_family *comes, int comes_argument,
                              const char *comes_text, struct lt_buf *wide)
{
    bool larger = comes_argument > has_argument;
    if (has->kind == LT_TYPE_ANY || comes->kind == LT_TYPE_ANY) {
        return LT_FIT_HOLDS;
    }
    if (has->kind == LT_TYPE_VARYING && comes->kind != LT_TYPE_VARYING) {
        return larger && !put_type(has, comes_argument, wide) ? LT_FIT_WIDER : LT_FIT_HOLDS;
    }
    if (has->kind == LT_TYPE_PADDED && comes->kind == LT_TYPE_VARYING) {
        return comes_argument == INT_MAX ? LT_FIT_CHECKED : LT_FIT_OTHER;
    }
    if (has->kind == LT_TYPE_EXACT) {
        return has->kind == comes->kind && has_argument == comes_argument ? LT_FIT_HOLDS
                                                                          : LT_FIT_OTHER;
    }
    return larger && !lt_buf_puts(wide, comes_text) ? LT_FIT_WIDER : LT_FIT_HOLDS;
}

static int argument_of(const struct lt_type_family *row, const struct lt_type_words *words)
{
    return words->args[0] >= 0 ? words->args[0] : row->bare;
}

/* A column of text whose length nobody looks at. */
static bool takes_any_text(const struct lt_dialect *dialect, const char *has,
                           const struct ArrowSchema *comes)
{
    struct lt_type_words words;
    struct lt_type type;
    const struct lt_type_family *row =
        lt_dialect_split(has, &words) && !words.list ? family_of(dialect, &words) : NULL;
    return row && row->kind == LT_TYPE_ANY && !lt_type_of(comes, &type, NULL) &&
           lt_type_is_text(type.id) && (type.logical == LT_PLAIN || type.logical == LT_FOREIGN);
}

/* False: the texts are not of one family, and canonical types have to tell. */
static bool words_fit(const struct lt_dialect *dialect, const char *has, const char *comes,
                      enum lt_fit *ret_fit, struct lt_buf *wide)
{
    struct lt_type_words a, b;
    if (!strcmp(has, comes)) {
        *ret_fit = LT_FIT_HOLDS;
        return true;
    }
    if (!lt_dialect_split(has, &a) || !lt_dialect_split(comes, &b) || a.list || b.list) {
        return false;
    }
    const struct lt_type_family *x = family_of(dialect, &a), *y = family_of(dialect, &b);
    if (!x || !y || strcmp(x->family, y->family) != 0) {
        return false;
    }
    *ret_fit = family_fit(x, argument_of(x, &a), y, argument_of(y, &b), comes, wide);
    return true;
}

/* --- canonical types ------------------------------------------------------------------------ */

/* The cast, as if nulls did not matter. */
static enum lt_cast_kind cast_kind(const struct ArrowSchema *from, const struct ArrowSchema *to)
{
    struct ArrowSchema nullable = *to;
    nullable.flags |= ARROW_FLAG_NULLABLE;
    return lt_cast_kind(from, &nullable);
}

/* Text on its way into what the system reads from text: an enum, an address. */
static bool is_read_by_system(const struct ArrowSchema *comes, const struct ArrowSchema *column)
{
    struct lt_type a, b;
    return !lt_type_of(comes, &a, NULL) && !lt_type_of(column, &b, NULL) && lt_type_is_text(a.id) &&
           lt_type_is_text(b.id) && (a.logical == LT_PLAIN || a.logical == LT_FOREIGN) &&
           b.logical == LT_FOREIGN;
}

static enum lt_fit canonical_fit(const struct ArrowSchema *comes, const struct ArrowSchema *column,
                                 struct ArrowSchema *ret_field)
{
    if (lt_widens(comes, column)) {
        return LT_FIT_HOLDS;
    }
    if (!lt_widen(column, comes, ret_field, NULL)) {
        return LT_FIT_WIDER;
    }
    return is_read_by_system(comes, column)           ? LT_FIT_CHECKED
           : cast_kind(comes, column) <= LT_CAST_SAFE ? LT_FIT_HOLDS
                                                      : LT_FIT_OTHER;
}

/* --- both ----------------------------------------------------------------------------------- */

/* The DDL type of a list's elements, taken from its own. */
static bool element_text(const struct lt_buf *type, struct lt_buf *out)
{
    size_t len = type->len;
    const char *text = lt_buf_text(type);
    return len > 2 && !strcmp(text + len - 2, "[]") && !lt_buf_append(out, text, len - 2);
}

static int field_of(const struct lt_dialect *dialect, const char *text,
                    const struct ArrowSchema *column, struct ArrowSchema *ret_field,
                    struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int status = lt_dialect_parse(dialect, text, &field, err);
    status = status ? status : lt_schema_set_name(&field, column->name ? column->name : "", err);
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    field.flags =
        (field.flags & ~(int64_t)ARROW_FLAG_NULLABLE) | (column->flags & ARROW_FLAG_NULLABLE);
    lt_schema_move(&field, ret_field);
    return LEAT_OK;
}

/* Lists by their elements: an array of the wider element type holds both. *ret_are false: they are
 * no lists of the dialect's own. */
static int list_fit(const struct lt_dialect *dialect, const struct lt_buf *has,
                    const struct lt_buf *comes, bool *ret_are, enum lt_fit *ret_fit,
                    struct lt_buf *wide, struct leat_error *err)
{
    struct ArrowSchema a = {.release = NULL}, b = {.release = NULL}, both = {.release = NULL};
    struct lt_buf x = LT_BUF_INIT, y = LT_BUF_INIT;
    int status = LEAT_OK;
    *ret_are = element_text(has, &x) && element_text(comes, &y);
    if (*ret_are) {
        status = lt_dialect_parse(dialect, lt_buf_text(&x), &a, err);
        status = status ? status : lt_dialect_parse(dialect, lt_buf_text(&y), &b, err);
        status = status ? status : lt_declared_fit(dialect, &b, &a, ret_fit, &both, err);
    }
    if (!status && *ret_are && *ret_fit == LT_FIT_WIDER) {
        status = lt_dialect_type(dialect, &both, wide, err);
        status = status || !lt_buf_puts(wide, "[]") ? status : lt_fail_oom(err);
    }
    lt_schema_done(&a);
    lt_schema_done(&b);
    lt_schema_done(&both);
    lt_buf_done(&x);
    lt_buf_done(&y);
    return status;
}

bool lt_declared_is_text(const struct lt_dialect *dialect, const char *type)
{
    struct lt_type_words words;
    const struct lt_type_family *row =
        lt_dialect_split(type, &words) && !words.list ? family_of(dialect, &words) : NULL;
    return row && !strcmp(row->family, "text");
}

int lt_declared_fit(const struct lt_dialect *dialect, const struct ArrowSchema *comes,
                    const struct ArrowSchema *column, enum lt_fit *ret_fit,
                    struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct lt_buf has = LT_BUF_INIT, want = LT_BUF_INIT, wide = LT_BUF_INIT;
    struct lt_type type;
    size_t len;
    int status = LEAT_OK;
    if (lt_schema_meta(column, LT_META_DOMAIN, &len)) {
        *ret_fit = cast_kind(comes, column) == LT_CAST_REFUSED ? LT_FIT_OTHER : LT_FIT_CHECKED;
        return LEAT_OK; /* the user's own type says what it takes */
    }
    /* A type that the dialect has no word for is held against the column by its canonical one. */
    if (lt_type_of(comes, &type, NULL) || type.id == LT_NULL ||
        lt_dialect_type(dialect, column, &has, NULL) ||
        lt_dialect_type(dialect, comes, &want, NULL)) {
        *ret_fit = canonical_fit(comes, column, ret_field);
    } else if (takes_any_text(dialect, lt_buf_text(&has), comes)) {
        *ret_fit = LT_FIT_HOLDS;
    } else if (!words_fit(dialect, lt_buf_text(&has), lt_buf_text(&want), ret_fit, &wide)) {
        bool lists = false;
        status = list_fit(dialect, &has, &want, &lists, ret_fit, &wide, err);
        if (!status && !lists) {
            *ret_fit = canonical_fit(comes, column, ret_field);
        }
    }
    if (!status && *ret_fit == LT_FIT_WIDER && wide.len) {
        status = field_of(dialect, lt_buf_text(&wide), column, ret_field, err);
    }
    lt_buf_done(&has);
    lt_buf_done(&want);
    lt_buf_done(&wide);
    return status;
}
