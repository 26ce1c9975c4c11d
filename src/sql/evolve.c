/* See evolve.h. */
#include "sql/evolve.h"

#include "columnar/cast.h"
#include "core/codes.h"
#include "core/util.h"
#include "sql/declared.h"

/* Columns of leat's own are none of the stream's. */
static const char own_prefix[] = "_leat_";

void lt_drift_done(struct lt_drift *drift)
{
    lt_buf_done(&drift->faults);
    lt_buf_done(&drift->needed);
    lt_buf_done(&drift->words);
}

static int start_item(struct lt_buf *list)
{
    return list->len ? lt_buf_puts(list, "; ") : LEAT_OK;
}

int lt_drift_say(struct lt_drift *drift, const char *name, const char *what)
{
    return start_item(&drift->words) || lt_buf_printf(&drift->words, "\"%s\" %s", name, what)
               ? LEAT_NO_MEMORY
               : LEAT_OK;
}

/* --- statements ----------------------------------------------------------------------------- */

int lt_evolve_sql(const struct lt_dialect *dialect, const char *quoted, const char *column,
                  enum lt_column_change change, const char *type, struct lt_buf *out)
{
    int failed = lt_buf_printf(out, "%sALTER TABLE %s %s COLUMN ", out->len ? "; " : "", quoted,
                               change == LT_COLUMN_NEW ? "ADD" : "ALTER");
    failed |= lt_dialect_quote(dialect, column, out);
    return failed | lt_buf_printf(out, change == LT_COLUMN_NEW ? " %s" : " TYPE %s", type);
}

/* What ALTER COLUMN is where a system has none: the column is made anew at the table's end. */
static int put_anew(struct lt_drift *drift, const char *column, const char *type)
{
    struct lt_buf name = LT_BUF_INIT, old = LT_BUF_INIT, plain = LT_BUF_INIT;
    int failed = lt_buf_printf(&plain, "%s_old", column);
    failed = failed || lt_dialect_quote(drift->dialect, column, &name);
    failed = failed || lt_dialect_quote(drift->dialect, lt_buf_text(&plain), &old);
    const char *n = lt_buf_text(&name), *o = lt_buf_text(&old), *t = drift->quoted;
    failed = failed || start_item(&drift->needed) ||
             lt_buf_printf(&drift->needed,
                           "ALTER TABLE %s RENAME COLUMN %s TO %s; ALTER TABLE %s ADD COLUMN %s "
                           "%s; UPDATE %s SET %s = %s; ALTER TABLE %s DROP COLUMN %s",
                           t, n, o, t, n, type, t, n, o, t, o);
    lt_buf_done(&name);
    lt_buf_done(&old);
    lt_buf_done(&plain);
    return failed;
}

/* "ALTER TABLE t <verb> COLUMN "c"<rest>". */
static int put_alter(struct lt_drift *drift, const char *verb, const char *column, const char *rest)
{
    struct lt_buf *out = &drift->needed;
    return start_item(out) ||
           lt_buf_printf(out, "ALTER TABLE %s %s COLUMN ", drift->quoted, verb) ||
           lt_dialect_quote(drift->dialect, column, out) || lt_buf_puts(out, rest);
}

static bool is_number(const struct lt_type *type)
{
    return lt_type_is_integer(type->id) || type->logical == LT_NUMERIC || type->precision > 0 ||
           type->id == LT_FLOAT16 || type->id == LT_FLOAT32 || type->id == LT_FLOAT64;
}

static bool is_day(const struct lt_type *type)
{
    return type->id == LT_DATE32 || type->id == LT_DATE64 ||
           (type->id == LT_TIMESTAMP && !(type->zone && *type->zone));
}

/* True where the system turns the column's values into the other type without being told how. */
static bool turns_by_itself(const struct lt_dialect *dialect, const struct ArrowSchema *column,
                            const struct ArrowSchema *to, const char *type)
{
    struct lt_type a, b;
    bool known = !lt_type_of(column, &a, NULL) && !lt_type_of(to, &b, NULL);
    return lt_declared_is_text(dialect, type) || (known && is_number(&a) && is_number(&b)) ||
           (known && is_day(&a) && is_day(&b));
}

/* The type that the column would have to be given, where no wider one holds both. */
static int put_other_type(const struct lt_drift *drift, const struct ArrowSchema *field,
                          const struct ArrowSchema *column, struct lt_buf *type,
                          struct leat_error *err)
{
    struct ArrowSchema numeric = {.release = NULL}, nullable = *field;
    struct lt_type a, b;
    nullable.flags |= ARROW_FLAG_NULLABLE;
    bool numbers = !lt_type_of(field, &a, NULL) && !lt_type_of(column, &b, NULL) && is_number(&a) &&
                   is_number(&b) && lt_cast_kind(column, &nullable) > LT_CAST_SAFE;
    int status = numbers ? lt_type_parse("numeric", &numeric, err) : LEAT_OK;
    status =
        status ? status : lt_dialect_type(drift->dialect, numbers ? &numeric : field, type, err);
    lt_schema_done(&numeric);
    return status;
}

/* Notes the statement that gives a column another type; *type is that type. */
static int need_type(struct lt_drift *drift, const struct ArrowSchema *field,
                     const struct ArrowSchema *column, const char *type)
{
    struct lt_buf rest = LT_BUF_INIT;
    int failed;
    if (!drift->dialect->retypes) {
        return put_anew(drift, column->name, type) ? LEAT_NO_MEMORY : LEAT_OK;
    }
    failed = lt_buf_printf(&rest, " TYPE %s", type);
    if (!failed && !turns_by_itself(drift->dialect, column, field, type)) {
        failed = lt_buf_puts(&rest, " USING ") ||
                 lt_dialect_quote(drift->dialect, column->name, &rest) ||
                 lt_buf_printf(&rest, "::text::%s", type);
    }
    failed = failed || put_alter(drift, "ALTER", column->name, lt_buf_text(&rest));
    lt_buf_done(&rest);
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}

/* --- one column ----------------------------------------------------------------------------- */

static bool is_key(const struct lt_drift *drift, const struct ArrowSchema *column)
{
    size_t len;
    bool key = lt_schema_meta(column, LT_META_KEY, &len) != NULL;
    for (size_t i = 0; i < drift->n_keys; i++) {
        key = key || !strcmp(drift->keys[i], column->name);
    }
    return key;
}

/* A column that the table lacks. */
static int take_new(struct lt_drift *drift, const struct ArrowSchema *field,
                    enum lt_column_change *ret_change, struct ArrowSchema *ret_field,
                    struct leat_error *err)
{
    struct lt_buf type = LT_BUF_INIT;
    int status;
    if (drift->policy == LEAT_SCHEMA_IGNORE) {
        *ret_change = LT_COLUMN_LEFT_OUT;
        return lt_drift_say(drift, field->name, "is left out") ? lt_fail_oom(err) : LEAT_OK;
    }
    if (drift->policy == LEAT_SCHEMA_EVOLVE) {
        status = lt_schema_copy(field, ret_field, err);
        if (!status) {
            ret_field->flags |= ARROW_FLAG_NULLABLE;
            *ret_change = LT_COLUMN_NEW;
        }
        return status;
    }
    status = lt_dialect_type(drift->dialect, field, &type, err);
    if (!status && (start_item(&drift->faults) ||
                    lt_buf_printf(&drift->faults, "the table has no column \"%s\"", field->name) ||
                    lt_evolve_sql(drift->dialect, drift->quoted, field->name, LT_COLUMN_NEW,
                                  lt_buf_text(&type), &drift->needed))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&type);
    return status;
}

/* What both are called: as the dialect declares them, canonically where that says the same. */
static int name_types(const struct lt_drift *drift, const struct ArrowSchema *field,
                      const struct ArrowSchema *column, struct lt_buf *from, struct lt_buf *to)
{
    int failed = lt_dialect_type(drift->dialect, field, from, NULL) ||
                 lt_dialect_type(drift->dialect, column, to, NULL);
    if (failed || !strcmp(lt_buf_text(from), lt_buf_text(to))) {
        lt_buf_clear(from);
        lt_buf_clear(to);
        failed = lt_type_print(field, from) || lt_type_print(column, to);
    }
    return failed;
}

/* A type that does not hold what comes: a fault, or a word in the report. */
static int take_type(struct lt_drift *drift, const struct ArrowSchema *field,
                     const struct ArrowSchema *column, enum lt_fit fit,
                     const struct ArrowSchema *wide, struct leat_error *err)
{
    struct lt_buf from = LT_BUF_INIT, to = LT_BUF_INIT, type = LT_BUF_INIT;
    bool refused = lt_cast_kind(field, column) == LT_CAST_REFUSED;
    bool stops = drift->policy == LEAT_SCHEMA_STRICT || refused ||
                 (drift->policy == LEAT_SCHEMA_EVOLVE && fit != LT_FIT_CHECKED);
    int failed = name_types(drift, field, column, &from, &to);
    int status = failed          ? lt_fail_oom(err)
                 : !stops        ? LEAT_OK
                 : wide->release ? lt_dialect_type(drift->dialect, wide, &type, err)
                                 : put_other_type(drift, field, column, &type, err);
    struct lt_buf *out = stops ? &drift->faults : &drift->words;
    if (!status &&
        (start_item(out) ||
         lt_buf_printf(out,
                       stops ? "column \"%s\" is %s in the source and %s in the table"
                             : "\"%s\" comes as %s and stays %s: its values are checked",
                       column->name, lt_buf_text(&from), lt_buf_text(&to)) ||
         (stops && need_type(drift, wide->release ? wide : field, column, lt_buf_text(&type))))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&from);
    lt_buf_done(&to);
    lt_buf_done(&type);
    return status;
}

/* Nulls that may come where none may be. Evolving keeps NOT NULL: it is the destination's own word,
 * and most sources do not know their columns' nullability. */
static int take_nulls(struct lt_drift *drift, const struct ArrowSchema *field,
                      const struct ArrowSchema *column, struct leat_error *err)
{
    int failed;
    if (!(field->flags & ARROW_FLAG_NULLABLE) || column->flags & ARROW_FLAG_NULLABLE ||
        is_key(drift, column)) {
        return LEAT_OK;
    }
    if (drift->policy != LEAT_SCHEMA_STRICT) {
        failed = lt_drift_say(drift, column->name, "may be null and stays NOT NULL");
        return failed ? lt_fail_oom(err) : LEAT_OK;
    }
    struct lt_buf type = LT_BUF_INIT;
    int status = lt_dialect_type(drift->dialect, column, &type, err);
    failed = status || start_item(&drift->faults) ||
             lt_buf_printf(&drift->faults,
                           "column \"%s\" may be null in the source and is NOT NULL in the table",
                           column->name) ||
             (drift->dialect->retypes ? put_alter(drift, "ALTER", column->name, " DROP NOT NULL")
                                      : put_anew(drift, column->name, lt_buf_text(&type)));
    lt_buf_done(&type);
    return status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
}

/* A type that was only inferred from text is nobody's word against the declared one: the values are
 * checked as they come. */
static bool stays_declared(const struct ArrowSchema *field, const struct ArrowSchema *column)
{
    return field->flags & LT_FLAG_INFERRED && lt_cast_kind(field, column) != LT_CAST_REFUSED;
}

int lt_drift_column(struct lt_drift *drift, const struct ArrowSchema *field,
                    enum lt_column_change *ret_change, struct ArrowSchema *ret_field,
                    struct leat_error *err)
{
    int64_t at = lt_schema_find(drift->table, field->name);
    struct ArrowSchema wide = {.release = NULL};
    enum lt_fit fit;
    *ret_change = LT_COLUMN_AS_IS;
    if (at < 0) {
        return take_new(drift, field, ret_change, ret_field, err);
    }
    const struct ArrowSchema *column = drift->table->children[at];
    int status = lt_declared_fit(drift->dialect, field, column, &fit, &wide, err);
    if (!status && (drift->same || (fit != LT_FIT_HOLDS && stays_declared(field, column)))) {
        fit = LT_FIT_HOLDS;
    }
    status = status ? status : take_nulls(drift, field, column, err);
    if (!status && fit == LT_FIT_WIDER && drift->policy == LEAT_SCHEMA_EVOLVE &&
        drift->dialect->retypes) {
        lt_schema_move(&wide, ret_field);
        *ret_change = LT_COLUMN_WIDER;
    } else if (!status && fit != LT_FIT_HOLDS) {
        status = take_type(drift, field, column, fit, &wide, err);
    }
    lt_schema_done(&wide);
    return status;
}

/* --- the whole ------------------------------------------------------------------------------ */

/* A column that does not come: rows get its default, rows that are updated keep what they have. */
static int take_gone(struct lt_drift *drift, const struct ArrowSchema *column)
{
    size_t len;
    bool required = lt_schema_meta_is(column, LT_META_REQUIRED, "1");
    bool strict = drift->policy == LEAT_SCHEMA_STRICT;
    if (lt_schema_meta(column, LT_META_GENERATED, &len) ||
        !strncmp(column->name, own_prefix, sizeof own_prefix - 1)) {
        return LEAT_OK;
    }
    if (!strict && !required) {
        return lt_drift_say(drift, column->name, "does not come");
    }
    int failed = start_item(&drift->faults) ||
                 lt_buf_printf(&drift->faults,
                               required ? "the table demands column \"%s\", which the source lacks"
                                        : "the source has no column \"%s\"",
                               column->name);
    return failed || (strict || !drift->dialect->retypes
                          ? put_alter(drift, "DROP", column->name, "")
                          : put_alter(drift, "ALTER", column->name, " DROP NOT NULL"));
}

int lt_drift_end(struct lt_drift *drift, const struct ArrowSchema *incoming, struct leat_error *err)
{
    for (int64_t i = 0; i < drift->table->n_children; i++) {
        const struct ArrowSchema *column = drift->table->children[i];
        if (lt_schema_find(incoming, column->name) < 0 && take_gone(drift, column)) {
            return lt_fail_oom(err);
        }
    }
    if (!drift->faults.len) {
        return LEAT_OK;
    }
    int status = lt_fail(err, LT_E_COLUMN_MISMATCH, "%s", lt_buf_text(&drift->faults));
    leat_error_remedy(err, "%s", lt_buf_text(&drift->needed));
    return status;
}
