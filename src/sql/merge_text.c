/* The statements of a merge from their forms: {part a b} in a form is one of the parts below, of
 * the tables that go by the aliases a and b. */
#include "sql/merge_parts.h"

#include "core/util.h"

#include <ctype.h>
#include <stdio.h>

/* One statement being written; `a` and `b` are the aliases of the part at hand, "" for none. */
struct text {
    const struct lt_merge *merge;
    struct lt_buf *out;
    char a[16], b[16];
};

static int quote(const struct text *text, const char *name)
{
    return lt_dialect_quote(text->merge->dialect, name, text->out);
}

/* a."name", or "name" without an alias. */
static int column(const struct text *text, const char *alias, const char *name)
{
    return (*alias ? lt_buf_printf(text->out, "%s.", alias) : LEAT_OK) | quote(text, name);
}

static bool is_key(const struct lt_merge *merge, const char *name)
{
    for (size_t k = 0; k < merge->n_keys; k++) {
        if (!strcmp(merge->keys[k], name)) {
            return true;
        }
    }
    return false;
}

static const struct lt_merge_column *find(const struct lt_merge *merge, const char *name)
{
    for (size_t i = 0; i < merge->n_columns; i++) {
        if (!strcmp(merge->columns[i].name, name)) {
            return &merge->columns[i];
        }
    }
    return NULL;
}

static bool is_settable(const struct lt_merge *merge, const struct lt_merge_column *column)
{
    return !column->fixed && !is_key(merge, column->name);
}

static bool is_soft(const struct lt_merge *merge)
{
    return merge->flags & LEAT_WRITE_SOFT_DELETE && merge->mode != LEAT_HISTORY;
}

/* Whether rows can be made to give up what they hold in this index before others take it. */
static bool can_move(const struct lt_merge *merge, const struct lt_merge_unique *unique)
{
    if (merge->referenced && !unique->nullable) {
        return false;
    }
    for (size_t i = 0; i < unique->n_columns; i++) {
        const struct lt_merge_column *found = find(merge, unique->columns[i]);
        if (found && is_settable(merge, found)) {
            return true;
        }
    }
    return false;
}

static bool has_moves(const struct lt_merge *merge)
{
    bool any = false;
    for (size_t i = 0; i < merge->n_uniques; i++) {
        any = any || can_move(merge, &merge->uniques[i]);
    }
    return any;
}

bool lt_merge_nulls(const struct lt_merge *merge, const char *column)
{
    bool nulls = false;
    for (size_t i = 0; i < merge->n_uniques && merge->referenced; i++) {
        const struct lt_merge_unique *unique = &merge->uniques[i];
        nulls = nulls || (can_move(merge, unique) && !strcmp(unique->nullable, column));
    }
    return nulls;
}

static bool has_kept(const struct lt_merge *merge)
{
    bool any = merge->n_kept > 0;
    for (size_t i = 0; i < merge->n_columns; i++) {
        any = any || (merge->columns[i].fixed && !is_key(merge, merge->columns[i].name));
    }
    return any;
}

uint32_t lt_merge_has(const struct lt_merge *merge)
{
    const struct lt_merge_words *words = merge->dialect->merge;
    bool soft = is_soft(merge), moves = has_moves(merge), set = soft;
    for (size_t i = 0; i < merge->n_columns; i++) {
        set = set || is_settable(merge, &merge->columns[i]);
    }
    const struct {
        uint32_t need;
        bool has;
    } needs[] = {
        {LT_NEED_UNIQUE, merge->unique_key},
        {LT_NEED_NOT_UNIQUE, !merge->unique_key},
        {LT_NEED_FROM_CURSOR, merge->from_cursor},
        {LT_NEED_REMOVES, merge->deleted || merge->mode == LEAT_CHANGES},
        {LT_NEED_SOFT, soft},
        {LT_NEED_HARD, !soft},
        {LT_NEED_SET, set},
        {LT_NEED_MOVES, moves && !merge->referenced},
        {LT_NEED_NULLS, moves && merge->referenced},
        {LT_NEED_KEPT, has_kept(merge)},
        {LT_NEED_NOT_KEPT, !has_kept(merge)},
        {LT_NEED_DEFER, words->defer != NULL},
        {LT_NEED_ANALYZE, words->analyze != NULL},
        {LT_NEED_INDEX, merge->index != NULL},
        {LT_NEED_DELETED, merge->deleted != NULL},
        {LT_NEED_ALONE, merge->flags & LEAT_WRITE_ALONE},
    };
    uint32_t bits = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(needs); i++) {
        bits |= needs[i].has ? needs[i].need : 0;
    }
    return bits;
}

/* --- parts: names -------------------------------------------------------------------------- */

static int put_target(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->target);
}

static int put_staging(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->staging);
}

static int put_index(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->index);
}

/* {work x}: the table x of this merge. */
static int put_work(const struct text *text)
{
    char name[64];
    snprintf(name, sizeof name, "_leat_%s_%u", text->a, text->merge->number);
    return lt_buf_puts(text->out, text->merge->dialect->merge->temp) | quote(text, name);
}

/* {make x}: what comes before the query that fills it. Its schema is in the words. */
static int put_make(const struct text *text)
{
    const struct lt_merge_words *words = text->merge->dialect->merge;
    char name[64];
    snprintf(name, sizeof name, "_leat_%s_%u", text->a, text->merge->number);
    return lt_buf_puts(text->out, words->make) | quote(text, name) |
           lt_buf_puts(text->out, words->made);
}

static int put_analyze(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->dialect->merge->analyze);
}

static int put_defer(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->dialect->merge->defer);
}

static int put_check(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->dialect->merge->check);
}

static int put_differs(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->dialect->merge->differs);
}

static int put_overriding(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->dialect->merge->overriding);
}

static int put_abort(const struct text *text)
{
    return text->merge->abort ? lt_buf_puts(text->out, "OR ABORT ") : LEAT_OK;
}

static int put_tombstone(const struct text *text)
{
    return column(text, text->a, LEAT_DELETED_COLUMN);
}

static int put_valid_from(const struct text *text)
{
    return column(text, text->a, LEAT_FROM_COLUMN);
}

static int put_valid_to(const struct text *text)
{
    return column(text, text->a, LEAT_TO_COLUMN);
}

static int put_current(const struct text *text)
{
    return column(text, text->a, LEAT_CURRENT_COLUMN);
}

static int put_op(const struct text *text)
{
    return column(text, text->a, text->merge->op ? text->merge->op : "");
}

static int put_seq(const struct text *text)
{
    return lt_buf_printf(text->out, "%s%s%s", text->a, *text->a ? "." : "", text->merge->seq);
}

/* --- parts: lists and conditions ----------------------------------------------------------- */

/* A key where it is compared. */
static int key_column(const struct text *text, const char *alias, size_t k)
{
    const char *const *order = text->merge->key_order;
    return column(text, alias, text->merge->keys[k]) |
           lt_buf_puts(text->out, order && order[k] ? order[k] : "");
}

static int put_keys(const struct text *text)
{
    int failed = LEAT_OK;
    for (size_t k = 0; k < text->merge->n_keys; k++) {
        failed |= lt_buf_puts(text->out, k ? ", " : "") | key_column(text, text->a, k);
    }
    return failed;
}

static int put_match(const struct text *text)
{
    int failed = LEAT_OK;
    for (size_t k = 0; k < text->merge->n_keys; k++) {
        failed |= lt_buf_puts(text->out, k ? " AND " : "");
        failed |= key_column(text, text->a, k) | lt_buf_puts(text->out, " = ");
        failed |= key_column(text, text->b, k);
    }
    return failed;
}

/* Rows of an outer join without a partner: a key equals nothing when it is null. */
static int put_absent(const struct text *text)
{
    return column(text, text->a, text->merge->keys[0]) | lt_buf_puts(text->out, " IS NULL");
}

static int put_alive(const struct text *text)
{
    int failed = column(text, text->a, text->merge->keys[0]);
    failed |= lt_buf_puts(text->out, " IS NOT NULL");
    if (is_soft(text->merge)) {
        failed |= lt_buf_puts(text->out, " AND ") | put_tombstone(text);
        failed |= lt_buf_puts(text->out, " IS NULL");
    }
    return failed;
}

static int put_null_key(const struct text *text)
{
    int failed = LEAT_OK;
    for (size_t k = 0; k < text->merge->n_keys; k++) {
        failed |= lt_buf_puts(text->out, k ? " OR " : "");
        failed |= column(text, text->a, text->merge->keys[k]);
        failed |= lt_buf_puts(text->out, " IS NULL");
    }
    return failed;
}

static int cursor_column(const struct text *text, size_t i)
{
    const char *const *order = text->merge->cursor_order;
    return column(text, text->a, text->merge->cursor[i]) |
           lt_buf_puts(text->out, order && order[i] ? order[i] : "");
}

/* From when a record is valid. */
static int put_at(const struct text *text)
{
    return text->merge->from_cursor ? cursor_column(text, 0)
                                    : lt_buf_puts(text->out, text->merge->now);
}

static int put_now(const struct text *text)
{
    return lt_buf_puts(text->out, text->merge->now);
}

/* Records of which only the last counts. */
static int put_group(const struct text *text)
{
    int failed = put_keys(text);
    if (text->merge->mode == LEAT_HISTORY && text->merge->from_cursor) {
        failed |= lt_buf_puts(text->out, ", ") | put_at(text);
    }
    return failed;
}

static int put_earliest(const struct text *text)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < text->merge->n_cursor; i++) {
        failed |= cursor_column(text, i) | lt_buf_puts(text->out, " ASC NULLS FIRST, ");
    }
    return failed | put_seq(text);
}

static int put_gone(const struct text *text)
{
    const char *deleted = text->merge->deleted;
    return deleted ? column(text, text->a, deleted) | lt_buf_puts(text->out, " IS TRUE")
                   : lt_buf_puts(text->out, "(1 = 0)");
}

/* What a soft delete writes. The record may know no more of the row than its key. */
static int put_bury(const struct text *text)
{
    const char *deleted = text->merge->deleted;
    int failed = quote(text, LEAT_DELETED_COLUMN);
    failed |= lt_buf_printf(text->out, " = %s", text->merge->now);
    if (deleted && !is_key(text->merge, deleted)) {
        failed |= lt_buf_puts(text->out, ", ") | quote(text, deleted);
        failed |= lt_buf_puts(text->out, " = ") | column(text, text->a, deleted);
    }
    return failed;
}

static int put_columns(const struct text *text)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < text->merge->n_columns; i++) {
        failed |= lt_buf_puts(text->out, i ? ", " : "");
        failed |= column(text, text->a, text->merge->columns[i].name);
    }
    return failed;
}

/* Of a row that is inserted again: what the record brings ... */
static int put_brought(const struct text *text)
{
    bool any = false;
    int failed = LEAT_OK;
    for (size_t i = 0; i < text->merge->n_columns; i++) {
        const struct lt_merge_column *at = &text->merge->columns[i];
        if (!at->fixed || is_key(text->merge, at->name)) {
            failed |= lt_buf_puts(text->out, any ? ", " : "") | column(text, text->a, at->name);
            any = true;
        }
    }
    return failed;
}

/* ... and what it takes from its old self. */
static int put_kept(const struct text *text)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < text->merge->n_columns; i++) {
        const struct lt_merge_column *at = &text->merge->columns[i];
        if (at->fixed && !is_key(text->merge, at->name)) {
            failed |= lt_buf_puts(text->out, ", ") | column(text, text->a, at->name);
        }
    }
    for (size_t i = 0; i < text->merge->n_kept; i++) {
        bool tombstone = is_soft(text->merge) && !strcmp(text->merge->kept[i], LEAT_DELETED_COLUMN);
        failed |= tombstone
                      ? LEAT_OK
                      : lt_buf_puts(text->out, ", ") | column(text, text->a, text->merge->kept[i]);
    }
    return failed;
}

static int put_set(const struct text *text)
{
    bool any = false;
    int failed = LEAT_OK;
    for (size_t i = 0; i < text->merge->n_columns; i++) {
        const struct lt_merge_column *at = &text->merge->columns[i];
        if (!is_settable(text->merge, at)) {
            continue;
        }
        failed |= lt_buf_puts(text->out, any ? ", " : "") | quote(text, at->name);
        failed |= lt_buf_puts(text->out, " = ") | column(text, text->a, at->name);
        any = true;
    }
    if (is_soft(text->merge)) {
        failed |= lt_buf_puts(text->out, any ? ", " : "") | quote(text, LEAT_DELETED_COLUMN);
        failed |= lt_buf_puts(text->out, " = NULL");
    }
    return failed;
}

static int compared(const struct text *text, const char *alias, const struct lt_merge_column *at)
{
    return column(text, alias, at->name) |
           lt_buf_puts(text->out, at->by_text ? text->merge->dialect->merge->text : "");
}

static int pair_differs(const struct text *text, const struct lt_merge_column *at)
{
    return compared(text, text->a, at) |
           lt_buf_printf(text->out, " %s ", text->merge->dialect->merge->differs) |
           compared(text, text->b, at);
}

/* Whether the rows a and b differ in a column that can be set. Never null. */
static int put_differ(const struct text *text)
{
    bool any = false;
    int failed = lt_buf_byte(text->out, '(');
    for (size_t i = 0; i < text->merge->n_columns; i++) {
        const struct lt_merge_column *at = &text->merge->columns[i];
        if (is_settable(text->merge, at)) {
            failed |= lt_buf_puts(text->out, any ? " OR " : "") | pair_differs(text, at);
            any = true;
        }
    }
    if (is_soft(text->merge)) {
        failed |= lt_buf_puts(text->out, any ? " OR " : "") | put_tombstone(text);
        failed |= lt_buf_puts(text->out, " IS NOT NULL");
        any = true;
    }
    return failed | lt_buf_puts(text->out, any ? ")" : "1 = 0)");
}

/* --- parts: rows that make way for each other ---------------------------------------------- */

static int unique_differs(const struct text *text, const struct lt_merge_unique *unique)
{
    bool any = false;
    int failed = lt_buf_byte(text->out, '(');
    for (size_t i = 0; i < unique->n_columns; i++) {
        const struct lt_merge_column *at = find(text->merge, unique->columns[i]);
        if (at && is_settable(text->merge, at)) {
            failed |= lt_buf_puts(text->out, any ? " OR " : "") | pair_differs(text, at);
            any = true;
        }
    }
    return failed | lt_buf_byte(text->out, ')');
}

/* Another row holds what this one is to have. */
static int is_taken(const struct text *text, const struct lt_merge_unique *unique)
{
    const struct lt_merge *merge = text->merge;
    int failed =
        lt_buf_printf(text->out, " AND EXISTS (SELECT 1 FROM %s AS o WHERE ", merge->target);
    for (size_t i = 0; i < unique->n_columns; i++) {
        const struct lt_merge_column *at = find(merge, unique->columns[i]);
        bool comes = at && (!at->fixed || is_key(merge, at->name));
        failed |= column(text, "o", unique->columns[i]) | lt_buf_puts(text->out, " = ");
        failed |= column(text, comes ? text->b : text->a, unique->columns[i]);
        failed |= lt_buf_puts(text->out, " AND ");
    }
    for (size_t k = 0; k < merge->n_keys; k++) {
        failed |= lt_buf_puts(text->out, k ? " OR " : "(") | key_column(text, "o", k);
        failed |= lt_buf_printf(text->out, " %s ", merge->dialect->merge->differs);
        failed |= key_column(text, text->a, k);
    }
    return failed | lt_buf_puts(text->out, "))");
}

/* A branch of the CASE that decides: rows that cannot simply be updated where they are, for another
 * holds, until it is moved itself, what they are to have. */
static int put_when_moved(const struct text *text)
{
    bool any = false;
    int failed = LEAT_OK;
    for (size_t i = 0; i < text->merge->n_uniques; i++) {
        const struct lt_merge_unique *unique = &text->merge->uniques[i];
        if (!can_move(text->merge, unique)) {
            continue;
        }
        failed |= lt_buf_puts(text->out, any ? " OR " : "WHEN ") | unique_differs(text, unique);
        failed |= unique->plain ? is_taken(text, unique) : LEAT_OK;
        any = true;
    }
    return failed | lt_buf_puts(text->out, any ? " THEN 'r' " : "");
}

static int put_nulls(const struct text *text)
{
    int failed = LEAT_OK;
    bool any = false;
    for (size_t i = 0; i < text->merge->n_uniques; i++) {
        const struct lt_merge_unique *unique = &text->merge->uniques[i];
        bool again = false;
        for (size_t j = 0; j < i && unique->nullable; j++) {
            const char *before = text->merge->uniques[j].nullable;
            again = again || (before && !strcmp(before, unique->nullable));
        }
        if (can_move(text->merge, unique) && !again) {
            failed |= lt_buf_puts(text->out, any ? ", " : "") | quote(text, unique->nullable);
            failed |= lt_buf_puts(text->out, " = NULL");
            any = true;
        }
    }
    return failed;
}

/* --- expansion ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*put)(const struct text *text);
} parts[] = {
    {"abort", put_abort},
    {"absent", put_absent},
    {"alive", put_alive},
    {"analyze", put_analyze},
    {"at", put_at},
    {"brought", put_brought},
    {"bury", put_bury},
    {"check", put_check},
    {"columns", put_columns},
    {"current", put_current},
    {"defer", put_defer},
    {"differ", put_differ},
    {"differs", put_differs},
    {"earliest", put_earliest},
    {"gone", put_gone},
    {"group", put_group},
    {"index", put_index},
    {"kept", put_kept},
    {"keys", put_keys},
    {"make", put_make},
    {"match", put_match},
    {"now", put_now},
    {"null_key", put_null_key},
    {"nulls", put_nulls},
    {"op", put_op},
    {"overriding", put_overriding},
    {"seq", put_seq},
    {"set", put_set},
    {"staging", put_staging},
    {"target", put_target},
    {"tombstone", put_tombstone},
    {"valid_from", put_valid_from},
    {"valid_to", put_valid_to},
    {"when_moved", put_when_moved},
    {"work", put_work},
};

/* Takes the next word of a part, at most 15 bytes. */
static const char *word(const char *at, char out[16])
{
    size_t n = 0;
    for (at += *at == ' '; *at && !strchr(" }", *at); at++) {
        if (n < 15) {
            out[n++] = *at;
        }
    }
    out[n] = 0;
    return at;
}

int lt_merge_expand(const struct lt_merge *merge, const char *form, struct lt_buf *out)
{
    struct text text = {.merge = merge, .out = out};
    int failed = LEAT_OK;
    while (*form && !failed) {
        char name[16];
        size_t plain = strcspn(form, "{"), i = 0;
        failed |= lt_buf_append(out, form, plain);
        form += plain;
        if (!*form) {
            break;
        }
        form = word(form + 1, name);
        form = word(form, text.a);
        form = word(form, text.b) + 1;
        while (i < LT_ARRAY_LEN(parts) && strcmp(parts[i].name, name) != 0) {
            i++;
        }
        /* The forms are constants of ours; the unit tests expand each. */
        failed |= i < LT_ARRAY_LEN(parts) ? parts[i].put(&text) : LEAT_INTERNAL;
    }
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}
