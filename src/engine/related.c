/* Streams whose tables at the destination refer to each other: which, and in what order. */
#include "columnar/schema.h"
#include "core/codes.h"
#include "core/json_read.h"
#include "engine/run.h"

#include <stdlib.h>
#include <strings.h>

#define FOREIGN_KEYS "leat.foreign_keys"

struct relation {
    size_t child, parent; /* jobs */
};

struct relations {
    struct relation *items;
    size_t n;
};

/* The job whose table a foreign key names; jobs.n: none of them. A name that differs in case alone
 * may be another table: then it is an order without need. */
static size_t find_job(const struct lt_run *run, size_t d, const char *ns, const char *name)
{
    size_t i = 0;
    while (i < run->jobs.n) {
        const struct lt_job *job = &run->jobs.items[i];
        bool same_ns = !ns || !*job->dest_ns[d] || !strcasecmp(ns, job->dest_ns[d]);
        if (same_ns && !strcasecmp(name, job->dest_names[d])) {
            break;
        }
        i++;
    }
    return i;
}

static int add_relation(struct relations *relations, size_t child, size_t parent)
{
    struct relation *items = realloc(relations->items, (relations->n + 1) * sizeof *items);
    if (!items) {
        return LEAT_NO_MEMORY;
    }
    relations->items = items;
    items[relations->n++] = (struct relation){child, parent};
    return LEAT_OK;
}

/* What a table's own description says of its foreign keys. */
static int add_relations(const struct lt_run *run, size_t d, size_t job,
                         const struct ArrowSchema *schema, struct relations *relations,
                         struct leat_error *err)
{
    size_t len;
    const char *text = lt_schema_meta(schema, FOREIGN_KEYS, &len);
    struct lt_json_doc *doc = NULL;
    int rc = LEAT_OK;
    if (!text || lt_json_doc_parse(text, len, &doc, NULL)) {
        return LEAT_OK;
    }
    const struct lt_json_value *keys = lt_json_root(doc);
    for (size_t i = 0; !rc && i < lt_json_count(keys); i++) {
        const struct lt_json_value *key = lt_json_at(keys, i);
        const char *table = lt_json_string(lt_json_get(key, "ref_table"), NULL);
        const char *ns = lt_json_string(lt_json_get(key, "ref_ns"), NULL);
        size_t parent = table ? find_job(run, d, ns, table) : run->jobs.n;
        if (parent < run->jobs.n && parent != job && add_relation(relations, job, parent)) {
            rc = lt_fail_oom(err);
        }
    }
    lt_json_doc_free(doc);
    return rc;
}

struct presence {
    const struct lt_run *run;
    size_t d;
    const char *ns;
    bool *there; /* one a job */
};

static int note_presence(void *arg, const struct leat_stream_info *info)
{
    struct presence *presence = arg;
    for (size_t i = 0; i < presence->run->jobs.n; i++) {
        const struct lt_job *job = &presence->run->jobs.items[i];
        if (!strcmp(job->dest_ns[presence->d], presence->ns) &&
            !strcasecmp(job->dest_names[presence->d], info->name.name)) {
            presence->there[i] = !info->no_foreign_keys;
        }
    }
    return LEAT_OK;
}

/* Which jobs have a table at destination d that may refer to others: asked once a namespace, for a new destination has none,
 * and asking for each would cost as much as making it. */
static int find_present(const struct lt_run *run, struct lt_side *dest, size_t d, bool *there,
                        struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        const char *ns = run->jobs.items[i].dest_ns[d];
        size_t before = 0;
        while (before < i && strcmp(run->jobs.items[before].dest_ns[d], ns) != 0) {
            before++;
        }
        struct presence presence = {run, d, ns, there};
        if (before == i) {
            rc = dest->connector->catalog->discover(dest->ep, *ns ? ns : NULL, "*", note_presence,
                                                    &presence, err);
        }
        if (rc == LEAT_NOT_FOUND) { /* a database that is still to be made */
            leat_error_clear(err);
            rc = LEAT_OK;
        }
    }
    return rc;
}

static int find_relations(const struct lt_run *run, struct lt_side *dest, size_t d,
                          struct relations *relations, struct leat_error *err)
{
    bool *there = calloc(run->jobs.n + 1, sizeof *there);
    int rc = there ? find_present(run, dest, d, there, err) : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        const struct lt_job *job = &run->jobs.items[i];
        const struct leat_stream_name name = {job->dest_ns[d], job->dest_names[d]};
        struct leat_stream_info info = {.size = sizeof info};
        struct ArrowSchema schema = {.release = NULL};
        if (!there[i]) {
            continue;
        }
        rc = dest->connector->catalog->describe(dest->ep, &name, &schema, &info, err);
        if (rc == LEAT_NOT_FOUND) { /* its name differs in case, or it has just gone */
            leat_error_clear(err);
            rc = LEAT_OK;
        } else {
            rc = rc ? rc : add_relations(run, d, i, &schema, relations, err);
        }
        lt_schema_done(&schema);
    }
    free(there);
    return rc;
}

/* True when the job refers to one that has no place yet. */
static bool waits(const struct relations *relations, size_t job, const bool *placed)
{
    for (size_t r = 0; r < relations->n; r++) {
        if (relations->items[r].child == job && !placed[relations->items[r].parent]) {
            return true;
        }
    }
    return false;
}

static bool is_tied(const struct relations *relations, size_t job)
{
    for (size_t r = 0; r < relations->n; r++) {
        if (relations->items[r].child == job || relations->items[r].parent == job) {
            return true;
        }
    }
    return false;
}

/* Tied jobs first, those behind which none waits any more before the others; a circle is broken at
 * its first. */
static int sort_jobs(struct lt_run *run, const struct relations *relations, size_t *ret_n,
                     struct leat_error *err)
{
    size_t n = run->jobs.n, at = 0;
    struct lt_job *sorted = calloc(n + 1, sizeof *sorted);
    bool *placed = calloc(n + 1, sizeof *placed), *tied = calloc(n + 1, sizeof *tied);
    if (!sorted || !placed || !tied) {
        free(sorted);
        free(placed);
        free(tied);
        return lt_fail_oom(err);
    }
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        tied[i] = is_tied(relations, i);
        left += tied[i];
    }
    *ret_n = left;
    while (left) {
        size_t before = left, first = n;
        for (size_t i = 0; i < n; i++) {
            bool open = tied[i] && !placed[i];
            if (open && !waits(relations, i, placed)) {
                placed[i] = true;
                sorted[at++] = run->jobs.items[i];
                left--;
            } else if (open && first == n) {
                first = i;
            }
        }
        if (left == before) {
            placed[first] = true;
            sorted[at++] = run->jobs.items[first];
            left--;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!placed[i]) {
            sorted[at++] = run->jobs.items[i];
        }
    }
    memcpy(run->jobs.items, sorted, n * sizeof *sorted);
    free(sorted);
    free(placed);
    free(tied);
    return LEAT_OK;
}

/* A sync's changes come in one after the other wherever they are; of a copy it matters only where
 * keys are held meanwhile. Deltas have a watermark each. */
static bool takes_together(const struct lt_run *run, const struct lt_side *dest)
{
    const struct leat_catalog_ops *catalog = dest->connector->catalog;
    bool knows = dest->connector->sql && catalog && catalog->describe && catalog->discover;
    switch (run->plan->action) {
    case LEAT_ACTION_SYNC:
        return knows && dest->caps->modes & 1u << LEAT_CHANGES;
    case LEAT_ACTION_COPY:
        return knows && !run->atomic && dest->caps->flags & LEAT_KEYS_HOLD;
    default:
        return false;
    }
}

int lt_jobs_relate(struct lt_run *run, struct lt_side *const *dests, struct leat_error *err)
{
    struct relations relations = {.items = NULL};
    int rc = LEAT_OK;
    for (size_t d = 0; !rc && run->jobs.n > 1 && d < run->plan->n_destinations; d++) {
        if (takes_together(run, dests[d])) {
            rc = find_relations(run, dests[d], d, &relations, err);
        }
    }
    if (!rc && relations.n) {
        rc = sort_jobs(run, &relations, &run->related_n, err);
    }
    free(relations.items);
    return rc;
}
