/* leat cp meta: tables are made or altered, and no record is moved. It is a load of nothing: what
 * plan() says is what would be done, and an empty load does it. */
#include "engine/unit.h"

#include "core/codes.h"

#include <stdlib.h>

/* How a stream without records is written: so that nothing of what is there goes, unless it was
 * said that the table is to be made anew. */
static void make_slice(const struct lt_run *run, const struct lt_side *dest, char *const *keys,
                       size_t n_keys, struct lt_slice *ret_slice)
{
    bool anew = run->write_flags & LEAT_WRITE_RECREATE;
    bool merges = n_keys && dest->caps->modes & 1u << LEAT_MERGE;
    *ret_slice = (struct lt_slice){
        .nothing = true,
        .mode = anew     ? LEAT_REPLACE
                : merges ? LEAT_MERGE
                         : LEAT_APPEND,
        .flags = anew ? LEAT_WRITE_RECREATE | LEAT_WRITE_FORCE | LEAT_WRITE_ALLOW_EMPTY : 0,
        .keys = merges && !anew ? (const char *const *)keys : NULL,
        .n_keys = merges && !anew ? n_keys : 0};
}

/* Names as the destination calls them, without their quotes. */
static int find_keys(const struct lt_run *run, char ***ret_keys, size_t *ret_n,
                     struct leat_error *err)
{
    int rc = lt_settings_list(&run->plan->settings, "key", ret_keys, ret_n, err);
    for (size_t i = 0; !rc && i < *ret_n; i++) {
        const char *text = (*ret_keys)[i];
        char *name = lt_name_take(&text, 0);
        char *new_name = name ? lt_strdup(lt_wishes_new_name(&run->wishes, name)) : NULL;
        rc = new_name ? LEAT_OK
             : name   ? lt_fail_oom(err)
                      : lt_fail(err, LT_E_USAGE, "\"%s\" is no name of a column", (*ret_keys)[i]);
        free(name);
        if (!rc) {
            free((*ret_keys)[i]);
            (*ret_keys)[i] = new_name;
        }
    }
    return rc;
}

int lt_meta_run(struct lt_run *run, struct lt_side **source, struct lt_side **dests, size_t job,
                struct leat_error *err)
{
    struct lt_slice slice;
    char **keys = NULL;
    size_t n = 0;
    int rc = find_keys(run, &keys, &n, err);
    if (!rc) {
        make_slice(run, dests[0], keys, n, &slice);
        run->jobs.items[job].slice = &slice;
        rc = lt_unit_run(run, source, dests, job, 1, err);
        run->jobs.items[job].slice = NULL;
    }
    lt_list_free(keys);
    return rc;
}

int lt_meta_describe(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                     size_t job, struct lt_buf *out, struct leat_error *err)
{
    struct lt_slice slice;
    char **keys = NULL;
    size_t n = 0;
    int rc = find_keys(run, &keys, &n, err);
    if (!rc) {
        make_slice(run, dests[0], keys, n, &slice);
        run->jobs.items[job].slice = &slice;
        rc = lt_unit_describe(run, source, dests, job, 1, out, err);
        run->jobs.items[job].slice = NULL;
    }
    lt_list_free(keys);
    return rc;
}
