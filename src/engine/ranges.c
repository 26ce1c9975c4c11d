#include "engine/ranges.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/util.h"

#include <stdlib.h>

#define ROWS_MIN 50000 /* of a stream for which it is worth asking */
#define RANGES_WANTED 200
#define RANGE_ROWS_MIN 2000
#define RANGE_ROWS_MAX 100000
#define CUTS_MAX 4096

/* One side's hashes, found by a thread of its own. */
struct hashing {
    struct lt_pair_side *side;
    const struct lt_ranges *ranges;
    struct leat_read_plan plan;
    int64_t *rows;
    uint64_t *hashes;
    pthread_t thread;
    int status;
    struct leat_error error;
};

void lt_ranges_free(struct lt_ranges *ranges)
{
    if (!ranges) {
        return;
    }
    for (size_t i = 0; i < ranges->n_cuts; i++) {
        lt_list_free(ranges->cuts[i]);
    }
    free(ranges->cuts);
    free(ranges->items);
    free(ranges);
}

/* --- whether it can be ---------------------------------------------------------------------- */

static bool same_declared(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    char x[128] = "", y[128] = "";
    lt_schema_meta_text(a, LT_META_SOURCE_TYPE, x, sizeof x);
    lt_schema_meta_text(b, LT_META_SOURCE_TYPE, y, sizeof y);
    return lt_schema_same(a, b, false) && !strcmp(x, y);
}

static bool has_ops(const struct lt_side *side)
{
    const struct leat_source_ops *ops = side->connector->source;
    return side->caps->hash_format && ops->key_split && ops->hash_ranges;
}

/* Both agree on the hash, and what is hashed is what would be compared. */
static bool can_hash(const struct lt_pair *pair)
{
    const struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    const struct lt_settings *s = &pair->run->plan->settings;
    bool can = a->ordered && b->ordered && has_ops(a->side) && has_ops(b->side) &&
               !strcmp(a->side->caps->hash_format, b->side->caps->hash_format) &&
               pair->sample == UINT64_MAX && !pair->job->typing.all.n_children &&
               !strcmp(lt_settings_text(s, "hash-ranges"), "auto");
    for (int64_t i = 0; can && i < pair->n_columns; i++) {
        can = a->from[i] >= 0 && b->from[i] >= 0 &&
              same_declared(a->own.children[a->from[i]], b->own.children[b->from[i]]);
    }
    return can;
}

/* About as many rows as the source has; -1: not known. */
static int64_t estimate(const struct lt_pair *pair)
{
    const struct lt_side *side = pair->source.side;
    const struct leat_catalog_ops *catalog = side->connector->catalog;
    struct leat_stream_info info = {.size = sizeof info, .rows_estimate = -1};
    struct ArrowSchema schema = {.release = NULL};
    const struct leat_stream_name name = {pair->job->ns, pair->job->name};
    if (pair->job->rows_estimate >= 0 || pair->job->kind == LEAT_QUERY || !catalog ||
        !catalog->describe) {
        return pair->job->rows_estimate;
    }
    catalog->describe(side->ep, &name, &schema, &info, NULL);
    lt_schema_done(&schema);
    return info.rows_estimate;
}

/* --- cuts ----------------------------------------------------------------------------------- */

struct cutting {
    struct lt_ranges *ranges;
    int64_t n_keys;
};

static int take_cut(void *arg, const char *const *key)
{
    struct cutting *cutting = arg;
    struct lt_ranges *ranges = cutting->ranges;
    size_t n = (size_t)cutting->n_keys;
    if (ranges->n_cuts == CUTS_MAX) {
        return LEAT_OK; /* the last range is a longer one */
    }
    char **copy = calloc(n + 1, sizeof *copy);
    bool ok = copy;
    for (size_t i = 0; ok && i < n; i++) {
        copy[i] = lt_strdup(key[i]);
        ok = copy[i];
    }
    if (!ok) {
        lt_list_free(copy);
        return LEAT_NO_MEMORY;
    }
    ranges->cuts[ranges->n_cuts++] = copy;
    return LEAT_OK;
}

static int find_cuts(const struct lt_pair_side *side, int64_t rows, struct lt_ranges *ranges,
                     struct leat_error *err)
{
    struct leat_read_plan plan;
    struct cutting cutting = {ranges, side->pair->n_keys};
    lt_pair_plan(side, NULL, &plan);
    int64_t wanted = LT_MIN(LT_MAX(rows / RANGES_WANTED, RANGE_ROWS_MIN), RANGE_ROWS_MAX);
    ranges->cuts = calloc(CUTS_MAX + 1, sizeof *ranges->cuts);
    if (!ranges->cuts) {
        return lt_fail_oom(err);
    }
    int rc = side->side->connector->source->key_split(side->side->ep, &plan, wanted, take_cut,
                                                      &cutting, err);
    return rc == LEAT_NO_MEMORY ? lt_fail_oom(err) : rc;
}

/* --- hashes --------------------------------------------------------------------------------- */

static int take_hash(void *arg, size_t range, int64_t rows, uint64_t hash)
{
    struct hashing *hashing = arg;
    if (range > hashing->ranges->n_cuts) {
        return LEAT_INTERNAL;
    }
    hashing->rows[range] += rows;
    hashing->hashes[range] += hash;
    return LEAT_OK;
}

static void *hash_side(void *arg)
{
    struct hashing *hashing = arg;
    struct lt_side *side = hashing->side->side;
    hashing->status = side->connector->source->hash_ranges(
        side->ep, &hashing->plan, (const char *const *const *)hashing->ranges->cuts,
        hashing->ranges->n_cuts, take_hash, hashing, &hashing->error);
    return NULL;
}

static int hashing_init(struct hashing *hashing, struct lt_pair_side *side,
                        const struct lt_ranges *ranges, struct leat_error *err)
{
    *hashing = (struct hashing){.side = side, .ranges = ranges};
    hashing->rows = calloc(ranges->n_cuts + 1, sizeof *hashing->rows);
    hashing->hashes = calloc(ranges->n_cuts + 1, sizeof *hashing->hashes);
    lt_pair_plan(side, NULL, &hashing->plan);
    return hashing->rows && hashing->hashes ? LEAT_OK : lt_fail_oom(err);
}

static void hashing_done(struct hashing *hashing)
{
    free(hashing->rows);
    free(hashing->hashes);
}

/* Both sides at the same time. */
static int hash_both(struct hashing *a, struct hashing *b, struct leat_error *err)
{
    int rc = lt_thread_start(&a->thread, hash_side, a, err);
    if (rc) {
        return rc;
    }
    hash_side(b);
    if (b->status && a->side->side->connector->cancel) {
        a->side->side->stale = true;
        a->side->side->connector->cancel(a->side->side->ep);
    }
    pthread_join(a->thread, NULL);
    const struct hashing *bad = b->status ? b : a;
    if (bad->status && err) {
        *err = bad->error;
    }
    return bad->status;
}

/* The ranges that differ, neighbours joined. */
static int keep_different(struct lt_ranges *ranges, const struct hashing *a,
                          const struct hashing *b, struct leat_error *err)
{
    int64_t differ = 0;
    size_t n = ranges->n_cuts + 1, last = SIZE_MAX;
    ranges->items = calloc(n + 1, sizeof *ranges->items);
    if (!ranges->items) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        if (a->rows[i] == b->rows[i] && a->hashes[i] == b->hashes[i]) {
            ranges->rows_skipped += a->rows[i];
            continue;
        }
        differ += a->rows[i];
        if (last != SIZE_MAX && last + 1 == i) {
            ranges->n--;
        } else {
            ranges->items[ranges->n].low = (int64_t)i - 1;
        }
        ranges->items[ranges->n++].high = i + 1 < n ? (int64_t)i : -1;
        last = i;
    }
    lt_log(LT_LOG_INFO, "%s: %lld rows lie in key ranges whose hashes differ, %lld do not",
           a->side->pair->job->label, (long long)differ, (long long)ranges->rows_skipped);
    return LEAT_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int find(struct lt_pair *pair, int64_t rows, struct lt_ranges *ranges,
                struct leat_error *err)
{
    struct hashing a = {.rows = NULL}, b = {.rows = NULL};
    int rc = find_cuts(&pair->source, rows, ranges, err);
    rc = rc ? rc : hashing_init(&a, &pair->source, ranges, err);
    rc = rc ? rc : hashing_init(&b, &pair->destination, ranges, err);
    rc = rc ? rc : hash_both(&a, &b, err);
    rc = rc ? rc : keep_different(ranges, &a, &b, err);
    hashing_done(&a);
    hashing_done(&b);
    return rc;
}

int lt_ranges_find(struct lt_pair *pair, struct lt_ranges **ret_ranges, struct leat_error *err)
{
    int64_t rows = can_hash(pair) ? estimate(pair) : -1;
    *ret_ranges = NULL;
    if (rows < ROWS_MIN) {
        return LEAT_OK;
    }
    struct lt_ranges *ranges = calloc(1, sizeof *ranges);
    if (!ranges) {
        return lt_fail_oom(err);
    }
    int rc = find(pair, rows, ranges, err);
    bool none = !rc && ranges->rows_skipped == 0 && ranges->n;
    if (rc || none) {
        lt_ranges_free(ranges);
        ranges = NULL;
    }
    if (rc == LEAT_UNSUPPORTED) {
        leat_error_clear(err);
        rc = LEAT_OK;
    }
    *ret_ranges = ranges;
    return rc;
}
