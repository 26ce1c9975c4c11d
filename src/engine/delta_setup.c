/* What a delta of one stream is: its cursor, its keys, how it is written. */
#include "engine/delta.h"

#include "columnar/schema.h"
#include "core/codes.h"
#include "core/util.h"
#include "engine/stream_source.h"
#include "engine/unit.h"

#include <stdio.h>
#include <stdlib.h>

static const struct lt_settings *settings(const struct lt_delta *delta)
{
    return &delta->run->plan->settings;
}

/* --- schema and cursor ---------------------------------------------------------------------- */

/* The source's columns, and those of the destination's records with what becomes of them. */
static int find_schema(struct lt_delta *delta, struct ArrowSchema *ret_records,
                       struct leat_error *err)
{
    struct lt_flow flow;
    int rc = lt_flow_start(delta->run, delta->job, *delta->source, 1, &flow, err);
    rc = rc ? rc : lt_schema_copy(&flow.source_schema, &delta->schema, err);
    rc = rc ? rc : lt_schema_copy(&flow.schema, ret_records, err);
    lt_flow_done(&flow);
    return rc;
}

static int find_cursor(struct lt_delta *delta, const struct ArrowSchema *records,
                       struct leat_error *err)
{
    const struct leat_source_ops *ops = (*delta->source)->connector->source;
    char **names = NULL;
    size_t n = 0;
    int rc = lt_settings_list(settings(delta), "cursor", &names, &n, err);
    if (!rc && n && !ops->bounds) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s is not read by a cursor",
                     (*delta->source)->connector->name);
        if (ops->mark) {
            leat_error_remedy(err, "leave -d away: files are told apart by themselves");
        }
    } else if (!rc && !n && !ops->mark && !delta->given) {
        rc = lt_fail(err, LT_E_USAGE, "what has changed is told by a cursor: name it with -d");
    }
    rc = rc ? rc : lt_cursor_init(&delta->cursor, names, n, &delta->schema, err);
    for (size_t i = 0; !rc && i < delta->cursor.n; i++) {
        const char *name = lt_wishes_new_name(&delta->run->wishes, delta->cursor.names[i]);
        delta->cursor_to[i] = lt_schema_find(records, name) < 0 ? NULL : name;
    }
    lt_list_free(names);
    return rc;
}

/* --- keys ----------------------------------------------------------------------------------- */

/* Every key named, as the destination calls it. */
static int take_names(struct lt_delta *delta, char **names, const struct ArrowSchema *records,
                      struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && names[i]; i++) {
        const char *text = names[i];
        char *name = lt_name_take(&text, 0);
        const char *new_name = name ? lt_wishes_new_name(&delta->run->wishes, name) : NULL;
        if (!name) {
            rc = lt_fail(err, LT_E_USAGE, "\"%s\" is no name of a column", names[i]);
        } else if (lt_schema_find(records, new_name) < 0) {
            rc = lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\" for the key", name);
        } else {
            delta->keys[delta->n_keys] = lt_strdup(new_name);
            rc = delta->keys[delta->n_keys++] ? LEAT_OK : lt_fail_oom(err);
        }
        free(name);
    }
    return rc;
}

static bool has_all(const struct lt_delta *delta, char **names, const struct ArrowSchema *records)
{
    bool all = true;
    for (size_t i = 0; all && names[i]; i++) {
        const char *text = names[i];
        char *name = lt_name_take(&text, 0);
        all = name && lt_schema_find(records, lt_wishes_new_name(&delta->run->wishes, name)) >= 0;
        free(name);
    }
    return all;
}

/* Columns of the records that are their source's primary key, in its order. */
static size_t declared_keys(const struct ArrowSchema *records, const char **ret_names)
{
    size_t n = 0;
    for (int64_t place = 1; place <= records->n_children; place++) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)place);
        bool found = false;
        for (int64_t i = 0; !found && i < records->n_children; i++) {
            found = lt_schema_meta_is(records->children[i], LT_META_KEY, number);
            if (found) {
                ret_names[n++] = records->children[i]->name;
            }
        }
        if (!found) {
            break;
        }
    }
    return n;
}

static int find_keys(struct lt_delta *delta, const struct ArrowSchema *records,
                     struct leat_error *err)
{
    char **names = NULL;
    size_t n = 0, columns = (size_t)records->n_children;
    const char **declared = calloc(columns + 1, sizeof *declared);
    int rc = lt_settings_list(settings(delta), "key", &names, &n, err);
    delta->keys = calloc(LT_MAX(n, columns) + 1, sizeof *delta->keys);
    if (!rc && (!declared || !delta->keys)) {
        rc = lt_fail_oom(err);
    }
    size_t n_declared = rc ? 0 : declared_keys(records, declared);
    /* Of many streams those that lack a named column go by their own key. */
    bool own = !n || (n_declared && delta->run->jobs.n > 1 && !has_all(delta, names, records));
    rc = rc || own ? rc : take_names(delta, names, records, err);
    for (size_t i = 0; !rc && own && i < n_declared; i++) {
        delta->keys[i] = lt_strdup(declared[i]);
        delta->n_keys = i + 1;
        rc = delta->keys[i] ? LEAT_OK : lt_fail_oom(err);
    }
    /* Every column of the declared key is among those named: these tell records apart too. */
    size_t covered = 0;
    for (size_t i = 0; !rc && i < n_declared; i++) {
        for (size_t k = 0; k < delta->n_keys; k++) {
            covered += !strcmp(declared[i], delta->keys[k]);
        }
    }
    delta->keys_declared = n_declared > 0 && covered == n_declared;
    lt_list_free(names);
    free(declared);
    return rc;
}

/* --- strategy ------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum leat_write_mode mode;
    bool keyed;
} strategies[] = {
    {"merge", LEAT_MERGE, true},
    {"delete+insert", LEAT_DELETE_INSERT, true},
    {"append", LEAT_APPEND, false},
    {"history", LEAT_HISTORY, true},
};

static bool can_do(const struct lt_delta *delta, enum leat_write_mode mode)
{
    return mode == LEAT_APPEND || ((*delta->dest)->caps->modes & 1u << mode);
}

/* Without a word of the user: merge where there is a key, and append where the destination can do
 * nothing else. A table without a key is not appended to unasked, for that doubles what changes. */
static int choose_strategy(struct lt_delta *delta, const char **ret_word, struct leat_error *err)
{
    const char *said = lt_settings_text(settings(delta), "strategy");
    *ret_word = said ? said : !can_do(delta, LEAT_MERGE) || !delta->cursor.n ? "append" : "merge";
    if (!said && delta->cursor.n && !delta->n_keys && can_do(delta, LEAT_MERGE)) {
        int rc = lt_fail(err, LT_E_USAGE, "the stream has no key to merge by");
        leat_error_remedy(err, "name it with -p; --strategy append suits records that never "
                               "change");
        return rc;
    }
    if (!said && !delta->cursor.n && delta->n_keys && can_do(delta, LEAT_MERGE)) {
        *ret_word = "merge";
    }
    return LEAT_OK;
}

static int check_strategy(struct lt_delta *delta, const char *word, struct leat_error *err)
{
    const struct lt_settings *s = settings(delta);
    if (!can_do(delta, delta->mode)) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be written by --strategy %s",
                       (*delta->dest)->connector->name, word);
    }
    if (delta->keyed && !delta->n_keys) {
        return lt_fail(err, LT_E_USAGE, "--strategy %s needs a key: name it with -p", word);
    }
    if (!delta->keyed && lt_settings_text(s, "lookback")) {
        return lt_fail(err, LT_E_USAGE,
                       "--lookback would append records again: it needs a strategy with a key");
    }
    if (!delta->keyed && !strcmp(lt_settings_text(s, "null-cursor"), "include")) {
        return lt_fail(err, LT_E_USAGE,
                       "--null-cursor include would append these records every time: it needs a "
                       "strategy with a key");
    }
    if (!delta->keyed && (delta->deleted || delta->flags & LEAT_WRITE_SOFT_DELETE)) {
        return lt_fail(err, LT_E_USAGE,
                       "an append deletes nothing: --deleted-column and "
                       "--soft-delete need a strategy with a key");
    }
    if (delta->flags & LEAT_WRITE_SOFT_DELETE && !delta->deleted) {
        return lt_fail(err, LT_E_USAGE,
                       "a delta sees deletes only where --deleted-column tells of them; `leat "
                       "sync batch` finds all");
    }
    if (lt_settings_text(s, "window") && lt_settings_bool(s, "full-refresh")) {
        return lt_fail(err, LT_E_USAGE, "--full-refresh takes everything, --window a part");
    }
    if (delta->mode == LEAT_HISTORY && lt_settings_bool(s, "full-refresh")) {
        return lt_fail(err, LT_E_USAGE,
                       "--full-refresh would end the history; drop the table if that is meant");
    }
    return LEAT_OK;
}

static int find_strategy(struct lt_delta *delta, const struct ArrowSchema *records,
                         struct leat_error *err)
{
    const struct lt_settings *s = settings(delta);
    const char *word, *deleted = lt_settings_text(s, "deleted-column");
    int rc = choose_strategy(delta, &word, err);
    for (size_t i = 0; !rc && i < LT_ARRAY_LEN(strategies); i++) {
        if (!strcmp(strategies[i].word, word)) {
            delta->mode = strategies[i].mode;
            delta->keyed = strategies[i].keyed;
        }
    }
    delta->flags = lt_settings_bool(s, "soft-delete") ? LEAT_WRITE_SOFT_DELETE : 0;
    if (!rc && deleted) {
        delta->deleted = lt_wishes_new_name(&delta->run->wishes, deleted);
        int64_t at = lt_schema_find(records, delta->deleted);
        struct lt_type type;
        rc = at < 0 ? lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", deleted)
                    : lt_type_of(records->children[at], &type, err);
        if (!rc && type.id != LT_BOOL) {
            rc = lt_fail(err, LT_E_USAGE, "--deleted-column: \"%s\" is no boolean; --cast %s=bool",
                         deleted, deleted);
        }
    }
    return rc ? rc : check_strategy(delta, word, err);
}

/* Records that say themselves what becomes of them leave nothing to choose. */
static int take_op(struct lt_delta *delta, const struct ArrowSchema *records,
                   struct leat_error *err)
{
    const char *op = delta->run->plan->stream_op;
    if (!op) {
        return LEAT_OK;
    }
    delta->op = lt_wishes_new_name(&delta->run->wishes, op);
    delta->mode = LEAT_CHANGES;
    if (lt_schema_find(records, delta->op) < 0) {
        return lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", op);
    }
    return check_strategy(delta, "changes", err);
}

int lt_delta_setup(struct lt_delta *delta, struct leat_error *err)
{
    const struct lt_settings *s = settings(delta);
    struct ArrowSchema records = {.release = NULL};
    delta->given = (*delta->source)->connector == &lt_connector_stream_source;
    delta->by_state = !delta->given && !strcmp(lt_settings_text(s, "watermark"), "state");
    delta->moves = !lt_settings_text(s, "window");
    delta->key = lt_watermark_key(delta->run, delta->job);
    int rc = delta->key ? LEAT_OK : lt_fail_oom(err);
    if (!rc && delta->by_state && lt_settings_bool(s, "no-state")) {
        rc = lt_fail(err, LT_E_USAGE,
                     "without state there is no watermark: --watermark target "
                     "reads the greatest cursor of the destination's rows");
    }
    rc = rc ? rc : find_schema(delta, &records, err);
    rc = rc ? rc : find_cursor(delta, &records, err);
    rc = rc ? rc : find_keys(delta, &records, err);
    rc = rc ? rc : find_strategy(delta, &records, err);
    rc = rc || !delta->given ? rc : take_op(delta, &records, err);
    if (!rc && !delta->cursor.n && !delta->by_state && !delta->given) {
        rc = lt_fail(err, LT_E_USAGE, "--watermark target needs a cursor");
    }
    lt_schema_done(&records);
    return rc;
}

/* --- the destination ------------------------------------------------------------------------ */

/* Appending to rows of which nobody knows how far they go would double some. */
static int refuse_rows(const struct lt_delta *delta, int64_t rows, struct leat_error *err)
{
    int rc = rows >= 0
                 ? lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                           "it holds %lld rows and no watermark of this source", (long long)rows)
                 : lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                           "it may hold rows, and no watermark of this source");
    leat_error_remedy(err, "`leat state set` says how far they go, --start where to begin; "
                           "--full-refresh starts over");
    leat_error_place(err, "%s", delta->job->dest_names[0]);
    return rc;
}

/* Whether the watermark came while the destination was looked at, with the rows that are there. */
static bool came_meanwhile(const struct lt_delta *delta)
{
    const struct leat_stream_name name = {delta->job->dest_ns[0], delta->job->dest_names[0]};
    struct lt_watermark now;
    int rc = lt_watermark_read(*delta->dest, &name, delta->key,
                               delta->cursor.n ? &delta->cursor : NULL, &now, NULL);
    bool came = !rc && now.value;
    lt_watermark_done(&now);
    return came;
}

int lt_delta_probe(struct lt_delta *delta, struct leat_error *err)
{
    struct lt_unit_try unit;
    struct lt_slice slice;
    const struct lt_settings *s = settings(delta);
    lt_delta_slice(delta, &slice);
    delta->job->slice = &slice;
    int rc = lt_unit_init(&unit, delta->run, delta->source, delta->dest, delta->index, 1, err);
    unit.attempt = 1;
    rc = rc ? rc : lt_unit_find_schemas(&unit, err);
    rc = rc ? rc : lt_unit_plan(&unit, 0, err);
    if (!rc) {
        const struct leat_load_stream *to = &unit.dests[0].plan.streams[0];
        delta->fresh = !to->exists;
        delta->rows_before = to->exists ? to->rows_before : 0;
        if (to->exists && to->rows_before && !delta->keyed && !lt_settings_text(s, "start") &&
            !lt_settings_text(s, "window") && !lt_delta_refreshes(delta)) {
            rc = refuse_rows(delta, to->rows_before, err);
            delta->made_by_other = delta->by_state && came_meanwhile(delta);
        }
    }
    lt_unit_done(&unit);
    delta->job->slice = NULL;
    return rc;
}
