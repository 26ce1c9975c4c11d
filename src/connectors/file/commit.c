/* Carrying out the intent of a directory load.
 *
 * Once an intent lies in the directory the load is committed: whoever comes next finishes it, and
 * every step may be repeated. Renames first, then the manifest, which is what readers go by, then
 * the files of earlier loads go, then the intent. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define LOADS_KEPT 100
#define INTENT_PREFIX ".leat-"
#define INTENT_SUFFIX ".commit"
#define MANIFEST_TEMP_SUFFIX "-manifest.tmp"
#define ID_LEN 32

char *lt_fc_intent_path(const char *dir, const char *load_id)
{
    return lt_format("%s" INTENT_PREFIX "%s" INTENT_SUFFIX, dir, load_id);
}

/* The directories that a path needs below `dir`, each durable in the one above. */
static int make_parents(const char *dir, char *path, struct leat_error *err)
{
    int status = LEAT_OK;
    for (char *at = path + strlen(dir); !status && (at = strchr(at, '/')); at++) {
        *at = 0;
        if (mkdir(path, 0777) == 0) {
            status = lt_file_sync_parent(path, err);
        } else if (errno != EEXIST) {
            status = lt_fail_errno(err, errno, "cannot make the directory %s", path);
        }
        *at = '/';
    }
    return status;
}

static int rename_file(const char *dir, const struct fc_file *file, struct leat_error *err)
{
    char *temp = lt_format("%s%s", dir, file->temp);
    char *path = lt_format("%s%s", dir, file->path);
    int status = temp && path ? LEAT_OK : lt_fail_oom(err);
    if (!status && access(temp, F_OK) == 0) {
        status = make_parents(dir, path, err);
        status = status ? status : lt_file_replace(temp, path, err);
    } else if (!status && access(path, F_OK) != 0) {
        status = lt_fail(err, LT_E_CORRUPT, "both %s and %s of a committed load are gone",
                         file->temp, file->path);
    }
    free(temp);
    free(path);
    return status;
}

/* Moves entry `from` into the manifest's `to`: appended files join those there. */
static int join_entry(struct fc_entry *to, struct fc_entry *from, struct leat_error *err)
{
    if (!strcmp(from->mode, "append") && to->n_files) {
        struct fc_file *files = calloc(to->n_files + from->n_files + 1, sizeof *files);
        if (!files) {
            return lt_fail_oom(err);
        }
        memcpy(files, to->files, to->n_files * sizeof *files);
        if (from->n_files) {
            memcpy(files + to->n_files, from->files, from->n_files * sizeof *files);
        }
        free(from->files);
        free(to->files);
        from->files = files;
        from->n_files += to->n_files;
        from->rows += to->rows > 0 ? to->rows : 0;
        to->files = NULL;
        to->n_files = 0;
    }
    lt_fc_entry_done(to);
    *to = *from;
    *from = (struct fc_entry){.name = NULL};
    return LEAT_OK;
}

static int join_manifest(struct fc_manifest *manifest, struct fc_manifest *intent,
                         const char *load_id, struct leat_error *err)
{
    for (size_t i = 0; i < manifest->n_loads; i++) {
        if (!strcmp(manifest->loads[i], load_id)) {
            return LEAT_OK; /* an earlier attempt came this far */
        }
    }
    struct fc_entry *grown =
        realloc(manifest->entries, (manifest->n_entries + intent->n_entries + 1) * sizeof *grown);
    char **loads = realloc(manifest->loads, (manifest->n_loads + 1) * sizeof *loads);
    manifest->entries = grown ? grown : manifest->entries;
    manifest->loads = loads ? loads : manifest->loads;
    char *id = lt_strdup(load_id);
    if (!grown || !loads || !id) {
        free(id);
        return lt_fail_oom(err);
    }
    manifest->loads[manifest->n_loads++] = id;
    while (manifest->n_loads > LOADS_KEPT) {
        free(manifest->loads[0]);
        memmove(manifest->loads, manifest->loads + 1, --manifest->n_loads * sizeof *loads);
    }
    for (size_t i = 0; i < intent->n_entries; i++) {
        struct fc_entry *from = &intent->entries[i];
        for (size_t k = 0; k < from->n_files; k++) {
            free(from->files[k].temp);
            from->files[k].temp = NULL;
        }
        struct fc_entry *to = lt_fc_manifest_find(manifest, from->name);
        if (!to) {
            to = &manifest->entries[manifest->n_entries++];
            *to = (struct fc_entry){.name = NULL};
        }
        int status = join_entry(to, from, err);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

static int update_manifest(struct leat_endpoint *ep, const char *dir, const char *load_id,
                           struct fc_manifest *intent, struct leat_error *err)
{
    struct fc_manifest manifest = {.entries = NULL};
    char *path = lt_format("%s" FC_MANIFEST, dir);
    int status = path ? lt_fc_manifest_read(ep, path, &manifest, err) : lt_fail_oom(err);
    status = status ? status : join_manifest(&manifest, intent, load_id, err);
    for (size_t i = 0; i < manifest.n_entries; i++) {
        for (size_t k = 0; k < manifest.entries[i].n_removes; k++) {
            free(manifest.entries[i].removes[k]);
        }
        manifest.entries[i].n_removes = 0;
    }
    status = status ? status : lt_fc_manifest_write(ep, path, load_id, &manifest, err);
    lt_fc_manifest_done(&manifest);
    free(path);
    return status;
}

/* What goes, read out of the intent before its entries move into the manifest. */
static int list_removes(const struct fc_manifest *intent, const char *dir, struct lt_buf *paths)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < intent->n_entries; i++) {
        for (size_t k = 0; k < intent->entries[i].n_removes; k++) {
            failed |= lt_buf_printf(paths, "%s%s", dir, intent->entries[i].removes[k]);
            failed |= lt_buf_byte(paths, 0);
        }
    }
    return failed;
}

/* Directories of partitions go with their last file. */
static void remove_empty(const char *dir, const char *path)
{
    char *copy = lt_strdup(path), *slash;
    while (copy && (slash = strrchr(copy + strlen(dir), '/'))) {
        *slash = 0;
        if (rmdir(copy) != 0) {
            break;
        }
    }
    free(copy);
}

int lt_fc_roll_forward(struct leat_endpoint *ep, const char *dir, const char *load_id,
                       struct leat_error *err)
{
    struct fc_manifest intent = {.entries = NULL};
    struct lt_buf removes = LT_BUF_INIT;
    char *path = lt_fc_intent_path(dir, load_id);
    int status = path ? lt_fc_manifest_read(ep, path, &intent, err) : lt_fail_oom(err);
    if (!status && list_removes(&intent, dir, &removes)) {
        status = lt_fail_oom(err);
    }
    for (size_t i = 0; i < intent.n_entries && !status; i++) {
        for (size_t k = 0; k < intent.entries[i].n_files && !status; k++) {
            status = lt_fc_step(ep, "file:rename:before", err);
            status = status ? status : rename_file(dir, &intent.entries[i].files[k], err);
        }
    }
    status = status ? status : lt_fc_step(ep, "file:manifest:before", err);
    if (!status && !intent.no_record) {
        status = update_manifest(ep, dir, load_id, &intent, err);
    }
    status = status ? status : lt_fc_step(ep, "file:clean:before", err);
    for (size_t at = 0; at < removes.len && !status; at += strlen((char *)removes.data + at) + 1) {
        if (unlink((char *)removes.data + at) != 0 && errno != ENOENT) {
            status = lt_fail_errno(err, errno, "cannot remove %s", (char *)removes.data + at);
        }
        remove_empty(dir, (char *)removes.data + at);
    }
    if (!status && unlink(path) != 0 && errno != ENOENT) {
        status = lt_fail_errno(err, errno, "cannot remove %s", path);
    }
    status = status ? status : lt_fc_step(ep, "file:clean:after", err);
    lt_fc_manifest_done(&intent);
    lt_buf_done(&removes);
    free(path);
    return status;
}

/* Whether a name is a load's id between the prefix and this suffix. */
static bool is_of_load(const char *name, const char *suffix, char ret_load[ID_LEN + 1])
{
    size_t prefix = strlen(INTENT_PREFIX);
    if (strlen(name) != prefix + ID_LEN + strlen(suffix) ||
        strncmp(name, INTENT_PREFIX, prefix) != 0 || strcmp(name + prefix + ID_LEN, suffix) != 0) {
        return false;
    }
    memcpy(ret_load, name + prefix, ID_LEN);
    ret_load[ID_LEN] = 0;
    return strspn(ret_load, "0123456789abcdef") == ID_LEN;
}

/* Intents and manifests are only written under the lock of the manifest: where it can be had, the
 * temporary file of one belongs to a dead process. Who cannot have it, or may not remove the file,
 * leaves it to the next. */
static void remove_dead_temp(struct leat_endpoint *ep, const char *dir, const char *name,
                             struct fc_lock *lock)
{
    if (lock->fd < 0 && lt_fc_lock(ep, dir, FC_MANIFEST, 0, lock, NULL)) {
        return;
    }
    char *path = lt_format("%s%s", dir, name);
    if (path) {
        unlink(path);
    }
    free(path);
}

int lt_fc_recover(struct leat_endpoint *ep, const char *dir, struct leat_error *err)
{
    char load_id[ID_LEN + 1];
    struct fc_lock lock = FC_LOCK_NONE;
    struct dirent *entry;
    int status = LEAT_OK;
    DIR *handle = opendir(*dir ? dir : ".");
    if (!handle) {
        return errno == ENOENT ? LEAT_OK
                               : lt_fail_errno(err, errno, "cannot list the directory %s", dir);
    }
    while (!status && (entry = readdir(handle))) {
        lt_fc_remove_dead_lock(dir, entry->d_name);
        if (is_of_load(entry->d_name, MANIFEST_TEMP_SUFFIX, load_id)) {
            remove_dead_temp(ep, dir, entry->d_name, &lock);
            continue;
        }
        if (!is_of_load(entry->d_name, INTENT_SUFFIX, load_id)) {
            continue;
        }
        if (lock.fd < 0) {
            status = lt_fc_lock(ep, dir, FC_MANIFEST, ep->lock_timeout_ms, &lock, err);
        }
        char *path = status ? NULL : lt_fc_intent_path(dir, load_id);
        /* Its own process may have finished it while we waited for the lock. */
        if (path && access(path, F_OK) == 0) {
            status = lt_fc_roll_forward(ep, dir, load_id, err);
        }
        free(path);
    }
    closedir(handle);
    lt_fc_unlock(&lock);
    return status;
}
