/* Which columns of two streams are compared, as which types, and which of them are the key. */
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/pair.h"

#include <stdio.h>
#include <stdlib.h>

/* Places of the primary key's columns, in its order; how many there are. */
static size_t primary_key(const struct ArrowSchema *schema, int64_t *places)
{
    size_t n = 0;
    for (size_t want = 1; want <= LEAT_CURSOR_COLUMNS_MAX; want++) {
        char place[24];
        snprintf(place, sizeof place, "%zu", want);
        for (int64_t i = 0; i < schema->n_children; i++) {
            if (lt_schema_meta_is(schema->children[i], LT_META_KEY, place) && n + 1 == want) {
                places[n++] = i;
            }
        }
    }
    return n;
}

/* One column that --key names, as it is called at either side, in what the transform gives. */
static int find_key(const struct lt_pair *pair, const char *text, int64_t *ret_at,
                    struct leat_error *err)
{
    const char *rest = text;
    const struct ArrowSchema *own = &pair->source.own;
    char *name = lt_name_take(&rest, 0);
    if (!name) {
        return rest ? lt_fail_oom(err)
                    : lt_fail(err, LT_E_USAGE, "--key takes names of columns, parted by commas");
    }
    *ret_at = lt_schema_find(own, lt_wishes_new_name(&pair->run->wishes, name));
    *ret_at = *ret_at < 0 ? lt_schema_find(own, name) : *ret_at;
    int rc = *ret_at >= 0 ? LEAT_OK
                          : lt_fail(err, LT_E_UNKNOWN_COLUMN, "%s has no column \"%s\" for its key",
                                    pair->job->label, name);
    free(name);
    return rc;
}

/* Places of the key's columns in source.own. */
static int find_keys(const struct lt_pair *pair, int64_t *places, size_t *ret_n,
                     struct leat_error *err)
{
    char **given = NULL;
    size_t n = 0;
    int rc = lt_settings_list(&pair->run->plan->settings, "key", &given, &n, err);
    if (!rc && n > LEAT_CURSOR_COLUMNS_MAX) {
        rc = lt_fail(err, LT_E_USAGE, "a key has at most %d columns", LEAT_CURSOR_COLUMNS_MAX);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        rc = find_key(pair, given[i], &places[i], err);
        for (size_t k = 0; !rc && k < i; k++) {
            rc = places[k] != places[i] ? LEAT_OK
                                        : lt_fail(err, LT_E_USAGE, "--key names a column twice");
        }
    }
    lt_list_free(given);
    if (!rc && !n) {
        n = primary_key(&pair->source.own, places);
    }
    if (!rc && !n) {
        int64_t there[LEAT_CURSOR_COLUMNS_MAX];
        size_t m = primary_key(&pair->destination.own, there);
        for (size_t i = 0; i < m; i++) {
            const char *name = pair->destination.own.children[there[i]]->name;
            places[n] = lt_schema_find(&pair->source.own, name);
            n += places[n] >= 0;
        }
        n = n == m ? n : 0;
    }
    *ret_n = n;
    return rc;
}

/* Finer digits of one side will not count. A sync's source keeps them: what cannot be written is no
 * match either. */
static int note_coarse(struct lt_pair *pair, const struct ArrowSchema *from,
                       const struct ArrowSchema *common, struct leat_error *err)
{
    static const char *const words[] = {[LT_SECOND] = "seconds",
                                        [LT_MILLI] = "milliseconds",
                                        [LT_MICRO] = "microseconds",
                                        [LT_NANO] = "nanoseconds"};
    struct lt_type fine, type;
    int rc = lt_type_of(common, &type, err);
    rc = rc ? rc : lt_type_of(from, &fine, err);
    if (rc || (pair->how & LT_PAIR_WRITES && fine.unit > type.unit)) {
        return rc;
    }
    return lt_buf_printf(&pair->coarse, "%s\"%s\" in %s", pair->coarse.len ? ", " : "",
                         common->name, words[type.unit])
               ? lt_fail_oom(err)
               : LEAT_OK;
}

/* Adds a column to those compared; -1 where a side has none, which counts as nulls. */
static int add_column(struct lt_pair *pair, int64_t from, int64_t to, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int64_t at = pair->n_columns;
    const struct ArrowSchema *a = from < 0 ? NULL : pair->source.own.children[from];
    const struct ArrowSchema *b = to < 0 ? NULL : pair->destination.own.children[to];
    int rc = lt_common_type(a ? a : b, b ? b : a, &field, &pair->common[at], err);
    rc = rc ? rc : lt_schema_add(&pair->schema, &field, err);
    lt_schema_done(&field);
    if (rc) {
        return rc;
    }
    pair->source.from[at] = from;
    pair->destination.from[at] = to;
    pair->padded[at] = pair->common[at].padded;
    pair->n_columns++;
    return pair->common[at].coarser ? note_coarse(pair, a, pair->schema.children[at], err)
                                    : LEAT_OK;
}

static int add_name(struct lt_buf *names, const char *name, struct leat_error *err)
{
    return lt_buf_printf(names, "%s\"%s\"", names->len ? ", " : "", name) ? lt_fail_oom(err)
                                                                          : LEAT_OK;
}

static bool is_key(const int64_t *keys, size_t n_keys, int64_t column)
{
    bool found = false;
    for (size_t k = 0; k < n_keys; k++) {
        found = found || keys[k] == column;
    }
    return found;
}

/* A column that the destination lacks: told, or what --schema makes of it. */
static int add_missing(struct lt_pair *pair, int64_t column, struct leat_error *err)
{
    const char *name = pair->source.own.children[column]->name;
    int rc = add_name(&pair->only_source, name, err);
    if (rc || !(pair->how & LT_PAIR_WRITES) || pair->run->schema_policy == LEAT_SCHEMA_IGNORE) {
        return rc;
    }
    if (pair->run->schema_policy == LEAT_SCHEMA_EVOLVE) {
        return add_column(pair, column, -1, err);
    }
    rc = lt_fail(err, LT_E_COLUMN_MISMATCH, "the destination has no column \"%s\"", name);
    leat_error_remedy(err, "--schema evolve adds it, --schema ignore or --columns leave it out");
    return rc;
}

bool lt_pair_chooses(const struct lt_pair *pair)
{
    return pair->run->wishes.n_columns > 0;
}

/* A column that the destination computes by itself: a sync cannot write it, so it is none of what
 * has to be equal. */
static bool is_computed(const struct lt_pair *pair, const struct ArrowSchema *field)
{
    size_t len;
    bool computed =
        pair->how & LT_PAIR_WRITES && lt_schema_meta(field, LT_META_GENERATED, &len) != NULL;
    if (computed) {
        lt_log(LT_LOG_WARN,
               "%s: column \"%s\" is not compared: the destination computes it by itself",
               pair->job->label, field->name);
    }
    return computed;
}

static int match_columns(struct lt_pair *pair, const int64_t *keys, size_t n_keys,
                         struct leat_error *err)
{
    const struct ArrowSchema *a = &pair->source.own, *b = &pair->destination.own;
    int rc = LEAT_OK;
    for (size_t k = 0; !rc && k < n_keys; k++) {
        const char *name = a->children[keys[k]]->name;
        int64_t at = lt_schema_find(b, name);
        rc = at >= 0
                 ? add_column(pair, keys[k], at, err)
                 : lt_fail(err, LT_E_UNKNOWN_COLUMN, "%s has no column \"%s\", which is in the key",
                           pair->destination.side->location->text, name);
    }
    pair->n_keys = (int64_t)n_keys;
    for (int64_t i = 0; !rc && i < a->n_children; i++) {
        int64_t at = lt_schema_find(b, a->children[i]->name);
        if (at < 0) {
            rc = add_missing(pair, i, err);
        } else if (!is_key(keys, n_keys, i) && !is_computed(pair, b->children[at])) {
            rc = add_column(pair, i, at, err);
        }
    }
    pair->n_written = pair->n_columns;
    for (int64_t i = 0; !rc && i < b->n_children; i++) {
        bool mark = !strcmp(b->children[i]->name, LEAT_DELETED_COLUMN);
        if (lt_schema_find(a, b->children[i]->name) < 0 && mark && pair->how & LT_PAIR_SOFT) {
            rc = add_column(pair, -1, i, err);
        } else if (lt_schema_find(a, b->children[i]->name) < 0 && !lt_pair_chooses(pair)) {
            rc = add_name(&pair->only_destination, b->children[i]->name, err);
        }
    }
    return rc;
}

int lt_pair_find_columns(struct lt_pair *pair, struct leat_error *err)
{
    int64_t keys[LEAT_CURSOR_COLUMNS_MAX];
    bool keyless = pair->how & LT_PAIR_KEYLESS;
    size_t n_keys = 0;
    size_t n = (size_t)(pair->source.own.n_children + pair->destination.own.n_children) + 1;
    pair->common = calloc(n, sizeof *pair->common);
    pair->padded = calloc(n, sizeof *pair->padded);
    pair->source.from = calloc(n, sizeof *pair->source.from);
    pair->destination.from = calloc(n, sizeof *pair->destination.from);
    if (!pair->common || !pair->padded || !pair->source.from || !pair->destination.from) {
        return lt_fail_oom(err);
    }
    int rc = lt_schema_init_struct(&pair->schema, 0, err);
    rc = rc ? rc : find_keys(pair, keys, &n_keys, err);
    if (!rc && !n_keys && !keyless) {
        rc = lt_fail(err, LT_E_USAGE, "%s has no primary key: say which columns name a record",
                     pair->job->label);
        leat_error_remedy(err, "-p NAME,... names them");
    }
    pair->unordered = keyless;
    return rc ? rc : match_columns(pair, keys, n_keys, err);
}
