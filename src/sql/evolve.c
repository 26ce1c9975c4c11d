/* See evolve.h. */
#include "sql/evolve.h"

#include "columnar/cast.h"
#include "columnar/widen.h"
#include "core/codes.h"

static int copy_as(const struct ArrowSchema *field, enum lt_column_change change,
                   enum lt_column_change *ret_change, struct ArrowSchema *ret_field,
                   struct leat_error *err)
{
    int status = lt_schema_copy(field, ret_field, err);
    if (!status) {
        ret_field->flags |= ARROW_FLAG_NULLABLE;
        *ret_change = change;
    }
    return status;
}

int lt_evolve_column(enum leat_schema_policy policy, const struct ArrowSchema *field,
                     const struct ArrowSchema *table, enum lt_column_change *ret_change,
                     struct ArrowSchema *ret_field, struct leat_error *err)
{
    int64_t at = lt_schema_find(table, field->name);
    struct ArrowSchema wide = {.release = NULL};
    *ret_change = LT_COLUMN_AS_IS;
    if (at < 0 && policy == LEAT_SCHEMA_IGNORE) {
        *ret_change = LT_COLUMN_LEFT_OUT;
        return LEAT_OK;
    }
    if (policy != LEAT_SCHEMA_EVOLVE) {
        return LEAT_OK;
    }
    if (at < 0) {
        return copy_as(field, LT_COLUMN_NEW, ret_change, ret_field, err);
    }
    if (lt_widens(field, table->children[at]) ||
        lt_widen(table->children[at], field, &wide, NULL)) {
        return LEAT_OK;
    }
    lt_schema_move(&wide, ret_field);
    *ret_change = LT_COLUMN_WIDER;
    return LEAT_OK;
}

int lt_evolve_sql(const struct lt_dialect *dialect, const char *quoted, const char *column,
                  enum lt_column_change change, const char *type, struct lt_buf *out)
{
    int failed = lt_buf_printf(out, "%sALTER TABLE %s %s COLUMN ", out->len ? "; " : "", quoted,
                               change == LT_COLUMN_NEW ? "ADD" : "ALTER");
    failed |= lt_dialect_quote(dialect, column, out);
    return failed | lt_buf_printf(out, change == LT_COLUMN_NEW ? " %s" : " TYPE %s", type);
}

static int needed(const struct lt_dialect *dialect, const char *quoted,
                  const struct ArrowSchema *field, const struct ArrowSchema *table,
                  struct lt_buf *out)
{
    struct lt_buf type = LT_BUF_INIT;
    int64_t at = lt_schema_find(table, field->name);
    int failed = LEAT_OK;
    if (at < 0 || lt_cast_kind(field, table->children[at]) == LT_CAST_REFUSED) {
        failed = lt_dialect_type(dialect, field, &type, NULL) ||
                 lt_evolve_sql(dialect, quoted, field->name,
                               at < 0 ? LT_COLUMN_NEW : LT_COLUMN_WIDER, lt_buf_text(&type), out);
    }
    lt_buf_done(&type);
    return failed;
}

void lt_evolve_remedy(const struct lt_dialect *dialect, const char *quoted,
                      const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                      struct leat_error *err)
{
    struct lt_buf all = LT_BUF_INIT, one = LT_BUF_INIT;
    static const char more[] = "; ...";
    size_t room = err ? sizeof err->remedy - sizeof more : 0;
    int failed = LEAT_OK;
    for (int64_t i = 0; i < incoming->n_children + table->n_children && !failed && err; i++) {
        bool comes = i < incoming->n_children;
        const struct ArrowSchema *field =
            comes ? incoming->children[i] : table->children[i - incoming->n_children];
        lt_buf_clear(&one);
        if (comes) {
            failed = needed(dialect, quoted, field, table, &one);
        } else if (lt_schema_meta_is(field, LT_META_REQUIRED, "1") &&
                   lt_schema_find(incoming, field->name) < 0) {
            failed = lt_buf_printf(&one, "ALTER TABLE %s ALTER COLUMN ", quoted) ||
                     lt_dialect_quote(dialect, field->name, &one) ||
                     lt_buf_puts(&one, " DROP NOT NULL");
        }
        if (!failed && one.len && all.len + one.len + 2 > room) {
            failed = lt_buf_puts(&all, all.len ? more : "");
            break;
        }
        failed = failed || (one.len && (lt_buf_puts(&all, all.len ? "; " : "") ||
                                        lt_buf_puts(&all, lt_buf_text(&one))));
    }
    if (!failed && all.len) {
        leat_error_remedy(err, "%s", lt_buf_text(&all));
    }
    lt_buf_done(&all);
    lt_buf_done(&one);
}
