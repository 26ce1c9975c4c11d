/* Files, fence and roll-forward of a toy directory; see toy_store.h. */
#include "toy_store.h"

#include "core/codes.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_POLL_MS 10

int toy_step(struct leat_endpoint *ep, const char *name, struct leat_error *err)
{
    const struct leat_host *host = ep->host;
    return host->step ? host->step(host->arg, name, err) : LEAT_OK;
}

char *toy_path(const struct leat_endpoint *ep, const char *prefix, const char *id)
{
    return lt_format("%s/.leat/%s%s", ep->root, prefix, id);
}

int toy_lock(struct leat_endpoint *ep, int64_t timeout_ms, int *ret_fd, struct leat_error *err)
{
    char *path = toy_path(ep, "lock", "");
    if (!path) {
        return lt_fail_oom(err);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (fd < 0) {
        return lt_fail_errno(err, errno, "cannot open the lock of a toy directory");
    }
    int64_t until = lt_now_us() + timeout_ms * 1000;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        int why = ep->cancelled ? LEAT_CANCELLED : lt_now_us() >= until ? LEAT_UNAVAILABLE : 0;
        if (why) {
            close(fd);
            return why == LEAT_CANCELLED
                       ? lt_fail(err, LT_E_CANCELLED, "cancelled while waiting for the lock")
                       : lt_fail(err, LT_E_DESTINATION_BUSY, "another load holds the directory");
        }
        lt_sleep_ms(LOCK_POLL_MS, NULL);
    }
    *ret_fd = fd;
    return LEAT_OK;
}

int toy_read_file(const char *path, struct lt_buf *out, struct leat_error *err)
{
    uint8_t block[65536];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return lt_fail_errno(err, errno, "cannot open %s", path);
    }
    int status = LEAT_OK;
    while (!status && (n = read(fd, block, sizeof block)) > 0) {
        status = lt_buf_append(out, block, (size_t)n) ? lt_fail_oom(err) : LEAT_OK;
    }
    if (!status && n < 0) {
        status = lt_fail_errno(err, errno, "cannot read %s", path);
    }
    close(fd);
    return status;
}

int toy_write_file(const char *path, const void *data, size_t len, struct leat_error *err)
{
    char *temporary = lt_format("%s.new", path);
    int status = LEAT_OK;
    if (!temporary) {
        return lt_fail_oom(err);
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t at = 0; fd >= 0 && at < len;) {
        ssize_t n = write(fd, (const char *)data + at, len - at);
        if (n < 0) {
            close(fd);
            fd = -1;
            break;
        }
        at += (size_t)n;
    }
    if (fd < 0 || close(fd) || rename(temporary, path)) {
        status = lt_fail_errno(err, errno, "cannot write %s", path);
    }
    free(temporary);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path) && errno != ENOENT;
}

void toy_remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- manifests: lines of a word and its values ------------------------------------------------ */

static int hex_read(const char *text, struct lt_buf *out)
{
    unsigned byte;
    for (; text[0] && text[1]; text += 2) {
        if (sscanf(text, "%2x", &byte) != 1 || lt_buf_byte(out, (uint8_t)byte)) {
            return LEAT_BAD_DATA;
        }
    }
    return LEAT_OK;
}

static int manifest_line(struct toy_manifest *manifest, char *line, struct leat_error *err)
{
    char *value = strchr(line, ' ');
    if (!value) {
        return lt_fail(err, LT_E_CORRUPT, "a manifest line without a value");
    }
    *value++ = 0;
    if (!strcmp(line, "load")) {
        manifest->load_id = lt_strdup(value);
    } else if (!strcmp(line, "source")) {
        manifest->source_id = lt_strdup(value);
    } else if (!strcmp(line, "schema")) {
        return hex_read(value, &manifest->schema) ? lt_fail(err, LT_E_CORRUPT, "not a schema")
                                                  : LEAT_OK;
    } else if (!strcmp(line, "part")) {
        char *name = strchr(value, ' ');
        return name ? toy_manifest_add(manifest, name + 1, strtoll(value, NULL, 10), err)
                    : lt_fail(err, LT_E_CORRUPT, "a part without a name");
    }
    return LEAT_OK;
}

int toy_manifest_read(const struct leat_endpoint *ep, const char *stream,
                      struct toy_manifest *ret_manifest, struct leat_error *err)
{
    struct toy_manifest manifest = {0};
    struct lt_buf text = LT_BUF_INIT;
    char *path = lt_format("%s/%s/manifest", ep->root, stream), *rest = NULL;
    int status = path ? toy_read_file(path, &text, err) : lt_fail_oom(err);
    if (status == LEAT_NOT_FOUND) {
        lt_fail(err, LT_E_NOT_FOUND, "no stream \"%s\"", stream);
    }
    char *line = status ? NULL : strtok_r((char *)text.data, "\n", &rest);
    for (; !status && line; line = strtok_r(NULL, "\n", &rest)) {
        status = manifest_line(&manifest, line, err);
    }
    if (!status && (!manifest.load_id || !manifest.schema.len)) {
        status = lt_fail(err, LT_E_CORRUPT, "manifest of \"%s\" is not whole", stream);
    }
    if (status) {
        toy_manifest_done(&manifest);
    } else {
        *ret_manifest = manifest;
    }
    free(path);
    lt_buf_done(&text);
    return status;
}

int toy_manifest_add(struct toy_manifest *manifest, const char *name, int64_t rows,
                     struct leat_error *err)
{
    size_t n = manifest->n_parts;
    struct toy_part_file *parts = realloc(manifest->parts, (n + 1) * sizeof *parts);
    if (!parts) {
        return lt_fail_oom(err);
    }
    manifest->parts = parts;
    parts[n].name = lt_strdup(name);
    parts[n].rows = rows;
    if (!parts[n].name) {
        return lt_fail_oom(err);
    }
    manifest->n_parts++;
    manifest->rows += rows;
    return LEAT_OK;
}

int toy_manifest_write(const struct toy_manifest *manifest, const char *path,
                       struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int failed = lt_buf_printf(&text, "load %s\nsource %s\nschema ", manifest->load_id,
                               manifest->source_id ? manifest->source_id : "-");
    for (size_t i = 0; i < manifest->schema.len; i++) {
        failed = failed || lt_buf_printf(&text, "%02x", manifest->schema.data[i]);
    }
    failed = failed || lt_buf_puts(&text, "\n");
    for (size_t i = 0; i < manifest->n_parts; i++) {
        failed =
            failed || lt_buf_printf(&text, "part %lld %s\n", (long long)manifest->parts[i].rows,
                                    manifest->parts[i].name);
    }
    int status = failed ? lt_fail_oom(err) : toy_write_file(path, text.data, text.len, err);
    lt_buf_done(&text);
    return status;
}

void toy_manifest_done(struct toy_manifest *manifest)
{
    for (size_t i = 0; i < manifest->n_parts; i++) {
        free(manifest->parts[i].name);
    }
    free(manifest->parts);
    free(manifest->load_id);
    free(manifest->source_id);
    lt_buf_done(&manifest->schema);
    memset(manifest, 0, sizeof *manifest);
}

/* --- finishing a load ---------------------------------------------------------------------- */

static bool manifest_names(const struct toy_manifest *manifest, const char *file)
{
    for (size_t i = 0; i < manifest->n_parts; i++) {
        if (!strcmp(manifest->parts[i].name, file)) {
            return true;
        }
    }
    return !strcmp(file, "manifest");
}

/* Removes the files of a stream that its manifest does not name (those replaced). */
static int drop_unnamed(const struct leat_endpoint *ep, const char *stream, struct leat_error *err)
{
    struct toy_manifest manifest;
    int status = toy_manifest_read(ep, stream, &manifest, err);
    if (status) {
        return status;
    }
    char *folder = lt_format("%s/%s", ep->root, stream);
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (entry->d_name[0] != '.' && !manifest_names(&manifest, entry->d_name)) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
    toy_manifest_done(&manifest);
    return LEAT_OK;
}

/* Moves `from` to `to`; a source that is gone was moved by an earlier attempt. */
static int move_once(const char *from, const char *to, struct leat_error *err)
{
    if (rename(from, to) && errno != ENOENT) {
        return lt_fail_errno(err, errno, "cannot rename %s", from);
    }
    return LEAT_OK;
}

/* One line of a commit mark: "part STAGED STREAM FILE", "manifest STAGED STREAM manifest", or
 * "state STREAM KEY VALUE", which only stays in the record. */
static int install_line(struct leat_endpoint *ep, const char *id, char *line,
                        struct leat_error *err)
{
    char kind[16], what[64], stream[256], file[128];
    char *from = NULL, *to = NULL;
    int status = LEAT_OK;
    if (sscanf(line, "%15s %63s %255s %127s", kind, what, stream, file) != 4) {
        return lt_fail(err, LT_E_CORRUPT, "a commit mark that cannot be read");
    }
    if (!strcmp(kind, "state")) {
        return LEAT_OK;
    }
    from = lt_format("%s/.leat/load-%s/%s", ep->root, id, what);
    to = lt_format("%s/%s", ep->root, stream);
    if (!from || !to) {
        status = lt_fail_oom(err);
    } else if (mkdir(to, 0700) && errno != EEXIST) {
        status = lt_fail_errno(err, errno, "cannot make %s", to);
    }
    if (!status) {
        free(to);
        to = lt_format("%s/%s/%s", ep->root, stream, file);
        status = to ? move_once(from, to, err) : lt_fail_oom(err);
    }
    if (!status && !strcmp(kind, "manifest")) {
        status = drop_unnamed(ep, stream, err);
    }
    free(from);
    free(to);
    return status;
}

int toy_install(struct leat_endpoint *ep, const char *id, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT, record = LT_BUF_INIT;
    char *mark = toy_path(ep, "commit-", id), *done = toy_path(ep, "done-", id);
    char *staging = toy_path(ep, "load-", id), *rest = NULL;
    int status = mark && done && staging ? toy_read_file(mark, &text, err) : lt_fail_oom(err);
    status = status ? status : toy_step(ep, "toydir:install:before", err);
    if (!status && lt_buf_append(&record, text.data, text.len)) {
        status = lt_fail_oom(err);
    }
    char *line = status || !text.len ? NULL : strtok_r((char *)text.data, "\n", &rest);
    for (; !status && line; line = strtok_r(NULL, "\n", &rest)) {
        status = install_line(ep, id, line, err);
        status = status ? status : toy_step(ep, "toydir:install:between", err);
    }
    status = status ? status : toy_write_file(done, record.data, record.len, err);
    status = status ? status : toy_step(ep, "toydir:install:recorded", err);
    if (!status) {
        toy_remove_tree(staging);
        unlink(mark);
        status = toy_step(ep, "toydir:install:after", err);
    }
    lt_buf_done(&text);
    lt_buf_done(&record);
    free(mark);
    free(done);
    free(staging);
    return status;
}

/* Calls each(id) for the entries of ROOT/.leat that begin with the prefix. */
static int each_entry(struct leat_endpoint *ep, const char *prefix, const char *keep, bool install,
                      int64_t *ret_n, struct leat_error *err)
{
    char *folder = toy_path(ep, "", ""), *path;
    DIR *dir = folder ? opendir(folder) : NULL;
    size_t len = strlen(prefix);
    int status = LEAT_OK;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; !status && entry; entry = readdir(dir)) {
        const char *id = entry->d_name + len;
        if (strncmp(entry->d_name, prefix, len) || strchr(id, '.') || (keep && !strcmp(id, keep))) {
            continue;
        }
        (*ret_n)++;
        if (install) {
            status = toy_install(ep, id, err);
        } else if ((path = toy_path(ep, prefix, id))) {
            toy_remove_tree(path);
            free(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
    return status;
}

int toy_roll_forward(struct leat_endpoint *ep, struct leat_error *err)
{
    int64_t n = 0;
    return each_entry(ep, "commit-", NULL, true, &n, err);
}

int toy_sweep(struct leat_endpoint *ep, const char *keep, int64_t *ret_removed,
              struct leat_error *err)
{
    int status = toy_roll_forward(ep, err);
    return status ? status : each_entry(ep, "load-", keep, false, ret_removed, err);
}
