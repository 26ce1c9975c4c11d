/* What comes, matched with what a table has. */
#include "sql/dialect.h"

#include "columnar/cast.h"
#include "core/codes.h"

static int add_fault(struct lt_buf *faults, const char *fmt, ...) LEAT_PRINTF(2, 3);

static int add_fault(struct lt_buf *faults, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int failed = faults->len ? lt_buf_puts(faults, "; ") : LEAT_OK;
    failed |= lt_buf_vprintf(faults, fmt, args);
    va_end(args);
    return failed;
}

static int refused_pair(const struct ArrowSchema *from, const struct ArrowSchema *to,
                        struct lt_buf *faults, struct leat_error *err)
{
    struct lt_buf a = LT_BUF_INIT, b = LT_BUF_INIT;
    int failed = lt_type_print(from, &a);
    failed |= lt_type_print(to, &b);
    failed |= add_fault(faults, "column \"%s\" is %s in the source and %s in the table",
                        from->name ? from->name : "", lt_buf_text(&a), lt_buf_text(&b));
    lt_buf_done(&a);
    lt_buf_done(&b);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

static int match_columns(const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                         struct ArrowSchema *result, struct lt_buf *faults, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *from = incoming->children[i];
        int64_t found = lt_schema_find(table, from->name ? from->name : "");
        if (found < 0) {
            status =
                add_fault(faults, "the table has no column \"%s\"", from->name ? from->name : "")
                    ? lt_fail_oom(err)
                    : LEAT_OK;
            continue;
        }
        const struct ArrowSchema *to = table->children[found];
        if (lt_cast_kind(from, to) == LT_CAST_REFUSED) {
            status = refused_pair(from, to, faults, err);
        }
        status = status ? status : lt_schema_add_copy(result, to, 0, err);
    }
    for (int64_t i = 0; i < table->n_children && !status; i++) {
        const struct ArrowSchema *field = table->children[i];
        if (lt_schema_meta_is(field, LT_META_REQUIRED, "1") &&
            lt_schema_find(incoming, field->name) < 0 &&
            add_fault(faults, "the table demands column \"%s\", which the source lacks",
                      field->name)) {
            status = lt_fail_oom(err);
        }
    }
    return status;
}

int lt_dialect_match(const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                     struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema result = {.release = NULL};
    struct lt_buf faults = LT_BUF_INIT;
    int status = lt_schema_init_struct(&result, 0, err);
    status = status ? status : match_columns(incoming, table, &result, &faults, err);
    if (!status && faults.len) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH, "%s", lt_buf_text(&faults));
    }
    if (!status) {
        lt_schema_move(&result, ret_schema);
    }
    lt_schema_done(&result);
    lt_buf_done(&faults);
    return status;
}
