/* State of streams, in the manifest beside the files it speaks of. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

static int no_state(const struct leat_endpoint *ep, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_UNSUPPORTED, "%s keeps no state",
                         ep->no_state ? "with --no-state, a directory" : "a single file");
    leat_error_place(err, "%s", ep->path);
    leat_error_remedy(err, "%s",
                      ep->no_state ? "leave --no-state out"
                                   : "end the path in / for a directory of files");
    return status;
}

static struct fc_pair *find(const struct fc_entry *entry, const char *key)
{
    for (size_t i = 0; entry && i < entry->n_state; i++) {
        if (!strcmp(entry->state[i].key, key)) {
            return &entry->state[i];
        }
    }
    return NULL;
}

/* Sets a key of an entry that has room for one more; value NULL removes it. */
static int set(struct fc_entry *entry, const char *key, const char *value, struct leat_error *err)
{
    struct fc_pair *pair = find(entry, key);
    char *copy = value ? lt_strdup(value) : NULL;
    if (value && !copy) {
        return lt_fail_oom(err);
    }
    if (pair && !value) {
        free(pair->key);
        free(pair->value);
        *pair = entry->state[--entry->n_state];
    } else if (pair) {
        free(pair->value);
        pair->value = copy;
    } else if (value) {
        char *name = lt_strdup(key);
        if (!name) {
            free(copy);
            return lt_fail_oom(err);
        }
        entry->state[entry->n_state++] = (struct fc_pair){name, copy};
    }
    return LEAT_OK;
}

static int check(const struct fc_entry *old, const struct leat_state_row *row,
                 struct leat_error *err)
{
    const struct fc_pair *pair = find(old, row->key);
    bool same = pair ? row->before && !strcmp(pair->value, row->before) : !row->before;
    return !row->check || same
               ? LEAT_OK
               : lt_fail(err, LT_E_CONFLICT,
                         "the %s kept with the files is not the one this run began with", row->key);
}

int lt_fc_state_join(const struct fc_entry *old, bool keep, const struct leat_commit *what,
                     uint32_t stream, struct fc_entry *entry, struct leat_error *err)
{
    size_t n = (old ? old->n_state : 0) + what->n_state;
    entry->state = calloc(n + 1, sizeof *entry->state);
    int status = entry->state ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; keep && old && i < old->n_state && !status; i++) {
        status = set(entry, old->state[i].key, old->state[i].value, err);
    }
    for (size_t i = 0; i < what->n_state && !status; i++) {
        const struct leat_state_row *row = &what->state[i];
        if (row->stream == stream) {
            status = check(old, row, err);
            status = status ? status : set(entry, row->key, row->value, err);
        }
    }
    return status;
}

/* The manifest as it is once whatever was begun is carried out. */
static int read_whole(struct leat_endpoint *ep, struct fc_manifest *manifest,
                      struct leat_error *err)
{
    char *path = lt_format("%s" FC_MANIFEST, ep->path);
    int status = path ? lt_fc_recover(ep, ep->path, err) : lt_fail_oom(err);
    status = status ? status : lt_fc_manifest_read(ep, path, manifest, err);
    free(path);
    return status;
}

int lt_fc_state(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                leat_state_fn *each, void *arg, struct leat_error *err)
{
    struct fc_manifest manifest = {.entries = NULL};
    if (ep->kind != FC_DIRECTORY || ep->no_state) {
        return no_state(ep, err);
    }
    int status = read_whole(ep, &manifest, err);
    const struct fc_entry *entry =
        status ? NULL : lt_fc_manifest_find(&manifest, stream->name ? stream->name : "");
    for (size_t i = 0; entry && i < entry->n_state && !status; i++) {
        status = each(arg, entry->state[i].key, entry->state[i].value);
    }
    lt_fc_manifest_done(&manifest);
    return status;
}

/* Under both locks. */
static int set_locked(struct leat_endpoint *ep, const char *name, const char *key,
                      const char *value, struct leat_error *err)
{
    struct fc_manifest manifest = {.entries = NULL};
    char id[33];
    char *path = lt_format("%s" FC_MANIFEST, ep->path);
    int status = path ? lt_fc_manifest_read(ep, path, &manifest, err) : lt_fail_oom(err);
    struct fc_entry *entry = status ? NULL : lt_fc_manifest_find(&manifest, name);
    if (!status && !entry) {
        status = lt_fail(err, LT_E_NOT_FOUND, "no load of leat wrote a stream \"%s\" here", name);
        leat_error_place(err, "%s", ep->path);
    }
    if (!status) {
        struct fc_pair *grown = realloc(entry->state, (entry->n_state + 1) * sizeof *grown);
        entry->state = grown ? grown : entry->state;
        status = grown ? set(entry, key, value, err) : lt_fail_oom(err);
    }
    lt_new_id(id);
    status = status ? status : lt_fc_manifest_write(ep, path, id, &manifest, err);
    lt_fc_manifest_done(&manifest);
    free(path);
    return status;
}

int lt_fc_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                    const char *key, const char *value, struct leat_error *err)
{
    struct fc_lock fence = FC_LOCK_NONE, lock = FC_LOCK_NONE;
    if (ep->kind != FC_DIRECTORY || ep->no_state) {
        return no_state(ep, err);
    }
    const char *name = stream->name ? stream->name : "";
    char *safe = lt_fc_safe_name(name);
    int status = safe ? lt_fc_recover(ep, ep->path, err) : lt_fail_oom(err);
    status = status ? status : lt_fc_lock(ep, ep->path, safe, ep->lock_timeout_ms, &fence, err);
    status =
        status ? status : lt_fc_lock(ep, ep->path, FC_MANIFEST, ep->lock_timeout_ms, &lock, err);
    status = status ? status : set_locked(ep, name, key, value, err);
    lt_fc_unlock(&lock);
    lt_fc_unlock(&fence);
    free(safe);
    return status;
}
