/* One stream's sync. Both sides are compared first, and what is to be done is kept; only then, with
 * no reader open any more, is the destination written, if it has to be. So an equal destination is
 * not touched, a guard stops before anything is, and systems whose readers keep writers out are no
 * exception. Who writes there meanwhile is noticed by the load: [conflict], and it is compared
 * again. */
#include "engine/sync_parts.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/compare_run.h"
#include "engine/unit.h"

#include <stdlib.h>

#define CHANGES_BYTES_MIN (64 << 10)

static struct lt_result *result_of(const struct lt_syncing *sync)
{
    return lt_run_result(sync->run, sync->index, 0);
}

/* --- guards -------------------------------------------------------------------------------- */

static int parse_max_delete(const char *text, int64_t rows, int64_t *ret_max,
                            struct leat_error *err)
{
    char *end = NULL;
    *ret_max = -1;
    if (!text) {
        return LEAT_OK;
    }
    double value = strtod(text, &end);
    bool percent = *end == '%' && !end[1];
    if (end == text || (*end && !percent) || !(value >= 0) || value > (percent ? 100 : 1e18)) {
        return lt_fail(err, LT_E_USAGE,
                       "--max-delete is a number of rows, or a part of them such as 10%%");
    }
    *ret_max = (int64_t)(percent ? value * (double)rows / 100 : value);
    return LEAT_OK;
}

static int check_guards(const struct lt_syncing *sync, int64_t deletes, int64_t *ret_max,
                        struct leat_error *err)
{
    const struct lt_settings *s = &sync->run->plan->settings;
    int64_t rows = sync->counts.destination - sync->marked;
    int rc = parse_max_delete(lt_settings_text(s, "max-delete"), rows, ret_max, err);
    if (rc) {
        return rc;
    }
    if (sync->counts.source == 0 && deletes && !lt_settings_bool(s, "allow-empty")) {
        return lt_fail(err, LT_E_EMPTY_SOURCE,
                       "the source gave no rows, and the destination holds %lld", (long long)rows);
    }
    return *ret_max >= 0 && deletes > *ret_max
               ? lt_fail(err, LT_E_TOO_MANY_DELETES,
                         "%lld of %lld rows would be deleted, and --max-delete allows %lld",
                         (long long)deletes, (long long)rows, (long long)*ret_max)
               : LEAT_OK;
}

/* --- comparing ----------------------------------------------------------------------------- */

/* The destination's record was deleted softly before. */
static bool is_marked(const struct lt_pair *pair, const struct lt_view *b, int64_t row)
{
    return pair->n_written < pair->n_columns &&
           !lt_view_is_null(&b->children[pair->n_written], row);
}

/* Rows of one op, but for those marked as deleted: a deleted one is so already (LT_CHANGES_N), a
 * changed one comes back. */
static int keep_but(struct lt_syncing *sync, const struct lt_match_rows *rows, enum lt_change op,
                    enum lt_change marked, struct leat_error *err)
{
    const struct lt_view *batch = op == LT_CHANGE_DELETE ? rows->b : rows->a;
    int64_t first = op == LT_CHANGE_DELETE ? rows->b_first : rows->a_first, from = 0;
    int rc = LEAT_OK;
    for (int64_t k = 0; !rc && k <= rows->n; k++) {
        if (k < rows->n && !is_marked(&sync->pair, rows->b, rows->b_first + k)) {
            continue;
        }
        if (k > from) {
            rc = lt_changes_add(&sync->changes, op, batch, first + from, k - from, err);
        }
        if (!rc && k < rows->n && marked != LT_CHANGES_N) {
            rc = lt_changes_add(&sync->changes, marked, batch, first + k, 1, err);
        }
        sync->marked += k < rows->n && op == LT_CHANGE_DELETE;
        from = k + 1;
    }
    return rc;
}

static int keep(void *arg, const struct lt_match_rows *rows, struct leat_error *err)
{
    struct lt_syncing *sync = arg;
    if (!sync->keeps) {
        return LEAT_OK;
    }
    switch (rows->kind) {
    case LEAT_NEW:
        return lt_changes_add(&sync->changes, LT_CHANGE_INSERT, rows->a, rows->a_first, rows->n,
                              err);
    case LEAT_CHANGED:
        return keep_but(sync, rows, LT_CHANGE_UPDATE, LT_CHANGE_REVIVE, err);
    default:
        return keep_but(sync, rows, LT_CHANGE_DELETE, LT_CHANGES_N, err);
    }
}

/* What the source says of a column's type, where that is the one it is written in. */
static int keep_type_words(const struct ArrowSchema *own, struct ArrowSchema *to,
                           struct leat_error *err)
{
    static const char *const keys[] = {LT_META_SOURCE_TYPE, LT_META_TYPES};
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < LT_ARRAY_LEN(keys); i++) {
        size_t len;
        const char *value = lt_schema_meta(own, keys[i], &len);
        char *words = value ? lt_strndup(value, len) : NULL;
        rc = !value  ? LEAT_OK
             : words ? lt_schema_set_meta(to, keys[i], words, err)
                     : lt_fail_oom(err);
        free(words);
    }
    return rc;
}

/* The columns that are written, in the types that they are compared in. Where that is the source's
 * own, what the source says of it (the length of a text) goes along: the table is held against it. */
static int written_columns(const struct lt_pair *pair, struct ArrowSchema *ret_schema,
                           struct leat_error *err)
{
    const int64_t kept = ARROW_FLAG_NULLABLE | LT_FLAG_INFERRED;
    struct ArrowSchema schema = {.release = NULL};
    int rc = lt_schema_copy(&pair->schema, &schema, err);
    for (int64_t i = 0; !rc && i < pair->n_written; i++) {
        const struct ArrowSchema *own = pair->source.own.children[pair->source.from[i]];
        struct ArrowSchema *to = schema.children[i];
        bool same = !strcmp(own->format, to->format) && own->n_children == to->n_children;
        rc = same ? keep_type_words(own, to, err) : LEAT_OK;
        to->flags = (to->flags & ~kept) | (own->flags & kept);
    }
    if (rc) {
        lt_schema_done(&schema);
        return rc;
    }
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}

static int compare(struct lt_syncing *sync, struct leat_error *err)
{
    const struct lt_settings *s = &sync->run->plan->settings;
    bool soft = lt_settings_bool(s, "soft-delete");
    unsigned how = LT_PAIR_WRITES | (soft ? LT_PAIR_SOFT : 0);
    struct lt_pair *pair = &sync->pair;
    struct ArrowSchema written = {.release = NULL};
    sync->keeps = (*sync->dest)->caps->modes & 1u << LEAT_CHANGES;
    if (soft && !sync->keeps) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s is written anew, so that no deleted row can stay",
                       (*sync->dest)->location->text);
    }
    int rc = lt_pair_open(pair, sync->run, sync->job, *sync->source, *sync->dest, how, err);
    rc = rc ? rc : written_columns(pair, &written, err);
    rc = rc ? rc
            : lt_changes_init(&sync->changes, &written, pair->n_written,
                              LT_MAX(pair->sort_bytes / sync->together, CHANGES_BYTES_MIN), err);
    lt_schema_done(&written);
    rc = rc ? rc : lt_pair_start(pair, err);
    rc = rc ? rc : lt_match(pair, keep, sync, &sync->counts, err);
    lt_pair_close(pair);
    sync->counts.deleted -= sync->marked;
    sync->retyped =
        rc && lt_side_can(*sync->dest, LEAT_TAKES_OWN_TEXT) && lt_pair_note_misfit(pair, true, err);
    return rc ? rc : lt_changes_end(&sync->changes, err);
}

/* --- writing ------------------------------------------------------------------------------- */

static void add(struct leat_stream_result *sum, const struct leat_stream_result *one)
{
    sum->rows_written += one->rows_written;
    sum->bytes += one->bytes;
    sum->counts.inserted += one->counts.inserted;
    sum->counts.updated += one->counts.updated;
    sum->counts.deleted += one->counts.deleted;
}

static int load(struct lt_syncing *sync, struct lt_slice *slice, struct lt_side **source,
                struct leat_error *err)
{
    struct lt_result *result = result_of(sync);
    result->pub.committed = false;
    sync->loading = true;
    sync->job->slice = slice;
    int rc = lt_unit_run(sync->run, source, sync->dest, sync->index, 1, err);
    sync->job->slice = NULL;
    if (!rc) {
        add(&sync->sum, &result->pub);
        sync->loading = false;
        sync->loads++;
    }
    return rc;
}

/* The key's columns as the destination calls them; the array is the caller's. */
static const char **key_names(const struct lt_pair *pair)
{
    const char **keys = calloc((size_t)pair->n_keys + 1, sizeof *keys);
    for (int64_t i = 0; keys && i < pair->n_keys; i++) {
        keys[i] = pair->schema.children[i]->name;
    }
    return keys;
}

/* The destination made sure of them before each commit, so that nothing can differ here. */
static int assert_counts(const struct lt_syncing *sync, struct leat_error *err)
{
    const struct lt_match_counts *want = &sync->counts;
    const struct leat_row_counts *done = &sync->sum.counts;
    if (done->inserted == want->inserted && done->updated == want->updated &&
        done->deleted == want->deleted) {
        return LEAT_OK;
    }
    return lt_fail(err, LT_E_INTERNAL,
                   "committed, though %lld rows were to be inserted, %lld updated and %lld deleted "
                   "and %lld, %lld and %lld were",
                   (long long)want->inserted, (long long)want->updated, (long long)want->deleted,
                   (long long)done->inserted, (long long)done->updated, (long long)done->deleted);
}

/* How kept changes are written. */
static struct lt_slice changes_slice(const struct lt_syncing *sync, const char *const *keys,
                                     struct leat_row_counts *counts)
{
    bool soft = lt_settings_bool(&sync->run->plan->settings, "soft-delete");
    return (struct lt_slice){.mode = LEAT_CHANGES,
                             .flags =
                                 (soft ? LEAT_WRITE_SOFT_DELETE : 0) |
                                 LEAT_WRITE_ALLOW_EMPTY, /* few changes are no emptied source */
                             .keys = keys,
                             .n_keys = (size_t)sync->pair.n_keys,
                             .op = LT_CHANGES_OP,
                             .deletes_max = sync->deletes_max,
                             .counts = counts};
}

/* What writing would do to the table's columns, as statements; out NULL: nothing is to be written,
 * and the result is told what differs. */
static int plan_changes(struct lt_syncing *sync, struct lt_buf *out, struct leat_error *err)
{
    struct leat_row_counts counts = lt_changes_counts(&sync->changes);
    const char **keys = key_names(&sync->pair);
    struct lt_slice slice = changes_slice(sync, keys, &counts);
    struct lt_side side;
    if (!keys) {
        return lt_fail_oom(err);
    }
    lt_changes_side(&sync->changes, sync->run, &side);
    sync->job->slice = &slice;
    int rc = lt_side_freshen(sync->dest, false, err);
    rc = rc    ? rc
         : out ? lt_unit_describe(sync->run, &side, sync->dest, sync->index, 1, out, err)
               : lt_unit_note_drift(sync->run, &side, sync->dest, sync->index, err);
    sync->job->slice = NULL;
    free(keys);
    return rc;
}

/* Changes [from, to) in the order they are kept; none at all is a load too, which may alter. */
static int write_changes(struct lt_syncing *sync, int64_t from, int64_t to, struct leat_error *err)
{
    const struct lt_settings *s = &sync->run->plan->settings;
    const char *batch = lt_settings_text(s, "commit-batch-size");
    struct lt_changes *changes = &sync->changes;
    int64_t step = LT_MAX(to - from, 1);
    static const char partly[] =
        "partly new: the batches before it are committed, and the next run "
        "goes on";
    const char **keys = key_names(&sync->pair);
    struct lt_side side, *source = &side;
    struct leat_row_counts counts;
    struct lt_slice slice = changes_slice(sync, keys, &counts);
    if (!keys) {
        return lt_fail_oom(err);
    }
    if (batch && !lt_parse_int(batch, &step)) {
        step = LT_MAX(step, 1);
    }
    lt_changes_side(changes, sync->run, &side);
    int rc = LEAT_OK;
    int64_t first = from;
    do {
        changes->first = first;
        changes->n = LT_MIN(step, to - first);
        counts = lt_changes_counts(changes);
        rc = load(sync, &slice, &source, err);
        first += step;
        if (!rc) {
            result_of(sync)->partly = partly;
        }
    } while (!rc && first < to);
    free(keys);
    return rc;
}

/* --key as the destination will call its columns; a NULL-terminated list of the caller's. */
static int name_keys(const struct lt_syncing *sync, char ***ret_keys, size_t *ret_n,
                     struct leat_error *err)
{
    int rc = lt_settings_list(&sync->run->plan->settings, "key", ret_keys, ret_n, err);
    for (size_t i = 0; !rc && i < *ret_n; i++) {
        const char *rest = (*ret_keys)[i];
        char *name = lt_name_take(&rest, 0);
        char *fresh = name ? lt_strdup(lt_wishes_new_name(&sync->run->wishes, name)) : NULL;
        free(name);
        if (!fresh) {
            return rest ? lt_fail_oom(err) : lt_fail(err, LT_E_USAGE, "--key names no column");
        }
        free((*ret_keys)[i]);
        (*ret_keys)[i] = fresh;
    }
    return rc;
}

/* All of the source: the destination is not there, or can only be written as a whole. */
static int write_all(struct lt_syncing *sync, bool there, struct leat_error *err)
{
    const struct lt_settings *s = &sync->run->plan->settings;
    char **keys = NULL;
    size_t n_keys = 0;
    struct lt_slice slice = {.mode = LEAT_REPLACE,
                             .flags =
                                 (there ? LEAT_WRITE_FORCE : 0) |
                                 (lt_settings_bool(s, "allow-empty") ? LEAT_WRITE_ALLOW_EMPTY : 0),
                             .deletes_max = -1};
    if (!lt_side_can_be_read_again(*sync->source)) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "%s has to be written anew, and the source can be read only once",
                       (*sync->dest)->location->text);
    }
    int rc = lt_side_freshen(sync->source, true, err);
    rc = rc ? rc : lt_side_freshen(sync->dest, false, err);
    rc = rc ? rc : name_keys(sync, &keys, &n_keys, err);
    slice.keys = n_keys ? (const char *const *)keys : NULL;
    slice.n_keys = n_keys;
    rc = rc ? rc : load(sync, &slice, sync->source, err);
    lt_list_free(keys);
    return rc;
}

/* --verify: both are read once more, and nothing may differ any longer. */
static int compare_again(struct lt_syncing *sync, struct leat_error *err)
{
    struct lt_syncing again;
    lt_sync_init(&again, sync->run, sync->source, sync->dest, sync->index);
    int rc = lt_side_freshen(sync->dest, false, err);
    rc = rc ? rc : compare(&again, err);
    sync->retyped = again.retyped;
    int64_t left = again.counts.inserted + again.counts.updated + again.counts.deleted;
    if (!rc && left && again.keeps) {
        rc = lt_fail(err, LT_E_VERIFY_MISMATCH,
                     "%lld rows still differ after the load: somebody else writes to one of the "
                     "two, or triggers change rows",
                     (long long)left);
    }
    lt_sync_done(&again);
    return rc;
}

/* --- the result ---------------------------------------------------------------------------- */

/* A load says of itself that it is one transaction: several are not. */
static char *how_loaded(const char *how, const char *loaded, int64_t loads)
{
    static const char one[] = "one transaction";
    const char *at = loads > 1 ? strstr(loaded, one) : NULL;
    return at ? lt_format("%s; %.*s%lld transactions%s", how, (int)(at - loaded), loaded,
                          (long long)loads, at + sizeof one - 1)
              : lt_format("%s; %s", how, loaded);
}

static int note(struct lt_syncing *sync, bool wrote, bool verified, struct leat_error *err)
{
    struct lt_result *result = result_of(sync);
    const char *loaded = result->route && wrote ? result->route : "nothing to be done";
    const char *how = sync->pair.ranges ? "compared by hash and key" : "compared by key";
    char *route = how_loaded(how, loaded, sync->loads);
    int rc = route ? lt_result_set_words(result, route,
                                         verified ? "counts equal, and equal when compared again"
                                                  : "counts equal",
                                         err)
                   : lt_fail_oom(err);
    free(route);
    rc = rc ? rc : lt_result_note_resolution(result, &sync->pair, err);
    lt_compare_note(result, &sync->counts);
    result->pub.rows_written = sync->sum.rows_written;
    result->pub.bytes = sync->sum.bytes;
    result->pub.committed = true;
    result->partly = NULL;
    return rc;
}

/* --- the whole ----------------------------------------------------------------------------- */

/* A destination that is not there is made by a copy; so is a file of JSON without a record, which
 * has no columns yet. */
static int look(struct lt_syncing *sync, bool *ret_there, struct leat_error *err)
{
    struct lt_side *dest = *sync->dest;
    const struct leat_catalog_ops *catalog = dest->connector->catalog;
    const char *name = lt_side_can(dest, LEAT_CAN_STREAMS) ? sync->job->dest_names[0] : "";
    const struct leat_stream_name stream = {sync->job->dest_ns[0], name};
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema schema = {.release = NULL};
    if (!catalog || !catalog->describe) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be compared", dest->connector->name);
    }
    int rc = catalog->describe(dest->ep, &stream, &schema, &info, err);
    *ret_there = !rc && schema.n_children > 0;
    lt_schema_done(&schema);
    if (rc == LEAT_NOT_FOUND) {
        leat_error_clear(err);
        rc = LEAT_OK;
    }
    return rc;
}

int lt_sync_begin(struct lt_syncing *sync, struct leat_error *err)
{
    bool there = false;
    int rc = lt_side_freshen(sync->source, true, err);
    rc = rc ? rc : lt_side_freshen(sync->dest, false, err);
    rc = rc ? rc : look(sync, &there, err);
    if (rc || !there) {
        sync->made = !rc;
        return rc ? rc : write_all(sync, false, err);
    }
    rc = compare(sync, err);
    rc = rc ? rc : check_guards(sync, sync->counts.deleted, &sync->deletes_max, err);
    const struct lt_match_counts *counts = &sync->counts;
    sync->differs = counts->inserted || counts->updated || counts->deleted;
    sync->widens = sync->pair.only_source.len && sync->run->schema_policy == LEAT_SCHEMA_EVOLVE;
    return rc;
}

int64_t lt_sync_deletes(const struct lt_syncing *sync)
{
    return sync->made || !sync->keeps ? 0 : sync->changes.rows[LT_CHANGE_DELETE];
}

int lt_sync_write(struct lt_syncing *sync, enum lt_sync_part part, struct leat_error *err)
{
    if (sync->made || !(sync->differs || sync->widens)) {
        return LEAT_OK;
    }
    if (!sync->keeps) {
        return part == LT_SYNC_DELETES ? LEAT_OK : write_all(sync, true, err);
    }
    int64_t deletes = lt_sync_deletes(sync), rows = lt_changes_rows(&sync->changes);
    int64_t from = part == LT_SYNC_REST ? deletes : 0;
    int64_t to = part == LT_SYNC_DELETES ? deletes : rows;
    if (from == to && (part == LT_SYNC_DELETES || sync->loads)) {
        return LEAT_OK;
    }
    int rc = write_changes(sync, from, to, err);
    if (!rc && to < rows) {
        result_of(sync)->pub.committed = false; /* not all of it */
    }
    return rc || to < rows ? rc : assert_counts(sync, err);
}

int lt_sync_finish(struct lt_syncing *sync, struct leat_error *err)
{
    bool verify = sync->run->verify && sync->keeps && sync->differs;
    bool idle = !sync->made && sync->keeps && !sync->differs && !sync->widens;
    int rc = sync->made || !verify ? LEAT_OK : compare_again(sync, err);
    rc = rc || !idle ? rc : plan_changes(sync, NULL, err); /* what differs is told all the same */
    return rc || sync->made ? rc : note(sync, sync->differs || sync->widens, verify, err);
}

void lt_sync_init(struct lt_syncing *sync, struct lt_run *run, struct lt_side **source,
                  struct lt_side **dest, size_t job)
{
    *sync = (struct lt_syncing){.run = run,
                                .job = &run->jobs.items[job],
                                .index = job,
                                .source = source,
                                .dest = dest,
                                .together = 1,
                                .deletes_max = -1};
}

void lt_sync_done(struct lt_syncing *sync)
{
    if (sync->run) {
        lt_pair_done(&sync->pair);
        lt_changes_done(&sync->changes);
        free(sync->counts.columns);
        sync->run = NULL;
    }
}

/* One stream by itself. */
static int sync_once(struct lt_syncing *sync, struct leat_error *err)
{
    int rc = lt_sync_begin(sync, err);
    rc = rc ? rc : lt_sync_write(sync, LT_SYNC_ALL, err);
    return rc ? rc : lt_sync_finish(sync, err);
}

/* What the batches before the one that failed have committed. */
static void note_partly(const struct lt_syncing *sync)
{
    struct leat_stream_result *pub = &result_of(sync)->pub;
    pub->rows_written = sync->sum.rows_written;
    pub->bytes = sync->sum.bytes;
    pub->counts = sync->sum.counts;
    pub->counts.size = sizeof pub->counts;
}

bool lt_sync_is_conflict(const struct leat_error *err)
{
    return err && !strcmp(err->code, lt_codes[LT_E_CONFLICT].code);
}

int lt_sync_run(struct lt_run *run, struct lt_side **source, struct lt_side **dest, size_t job,
                struct leat_error *err)
{
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    int conflicts = 0;
    struct leat_stream_result sum = {.rows_written = 0}; /* over all tries */
    for (int64_t tries = 1;; tries++) {
        struct lt_syncing sync;
        lt_sync_init(&sync, run, source, dest, job);
        sync.sum = sum;
        lt_run_result(run, job, 0)->pub.attempts = (int)tries;
        int rc = sync_once(&sync, err);
        sum = sync.sum;
        if (rc && !result_of(&sync)->in_doubt) {
            note_partly(&sync);
        }
        lt_sync_done(&sync);
        bool again = rc == LEAT_UNAVAILABLE && !sync.loading && tries <= retries;
        if (rc && lt_sync_is_conflict(err) && ++conflicts <= LT_SYNC_CONFLICTS_MAX) {
            lt_log(LT_LOG_INFO, "%s: somebody wrote to the destination meanwhile: compared again",
                   sync.job->label);
            again = true;
        }
        if (rc && sync.retyped) {
            again = true;
            tries--;
        }
        if (rc && rc != LEAT_OUTCOME_UNKNOWN && atomic_load(&run->leat->cancelled)) {
            return lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
        }
        if (!rc || !again || !lt_side_can_be_read_again(*source)) {
            if (rc && err && !err->place[0]) {
                leat_error_place(err, "%s", sync.job->label);
            }
            return rc;
        }
        (*source)->stale = (*dest)->stale = true;
        rc =
            rc == LEAT_UNAVAILABLE ? lt_run_back_off(run, sync.job->label, &wait_ms, err) : LEAT_OK;
        if (rc) {
            return rc;
        }
    }
}

static int describe_counts(const struct lt_syncing *sync, struct lt_buf *out)
{
    const struct lt_match_counts *n = &sync->counts;
    bool anew = !sync->keeps && (n->inserted || n->updated || n->deleted);
    return lt_buf_printf(out,
                         "  to be inserted: %lld, updated: %lld, deleted: %lld; left as they are: "
                         "%lld%s\n",
                         (long long)n->inserted, (long long)n->updated, (long long)n->deleted,
                         (long long)(n->unchanged + n->skipped),
                         anew ? "; written anew as a whole" : "");
}

/* What would be done: everything is compared, and nothing written. */
int lt_sync_describe(struct lt_run *run, struct lt_worker *worker, size_t job, struct lt_buf *out,
                     struct leat_error *err)
{
    struct lt_syncing sync;
    lt_sync_init(&sync, run, &worker->source, worker->dests, job);
    bool there = false;
    int rc = look(&sync, &there, err);
    if (!rc && !there) {
        rc = lt_unit_describe(run, worker->source, worker->dests, job, 1, out, err);
    } else if (!rc) {
        rc = compare(&sync, err);
        rc = rc ? rc : lt_pair_describe(&sync.pair, out) ? lt_fail_oom(err) : LEAT_OK;
        rc = rc ? rc : describe_counts(&sync, out) ? lt_fail_oom(err) : LEAT_OK;
        rc = rc ? rc : check_guards(&sync, sync.counts.deleted, &sync.deletes_max, err);
        bool strict = run->schema_policy == LEAT_SCHEMA_STRICT;
        bool writes = lt_changes_rows(&sync.changes) || sync.pair.only_source.len || strict;
        rc = rc || !sync.keeps || !writes ? rc : plan_changes(&sync, out, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", sync.job->label);
    }
    lt_sync_done(&sync);
    return rc;
}
