/* Which streams a location holds: files of a directory or pattern, and what a manifest lists. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

struct listing {
    struct fc_stream_files *streams;
    size_t n;
};

void lt_fc_stream_files_done(struct fc_stream_files *stream)
{
    for (size_t i = 0; i < stream->n; i++) {
        free(stream->paths[i]);
    }
    free(stream->paths);
    free(stream->name);
    lt_schema_done(&stream->types);
}

static void listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->n; i++) {
        lt_fc_stream_files_done(&listing->streams[i]);
    }
    free(listing->streams);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fc_stream_files *)a)->name,
                  ((const struct fc_stream_files *)b)->name);
}

static int add_path(struct fc_stream_files *stream, const char *dir, const char *name,
                    struct leat_error *err)
{
    char **grown = realloc(stream->paths, (stream->n + 1) * sizeof *grown);
    char *path = lt_format("%s%s", dir, name);
    stream->paths = grown ? grown : stream->paths;
    if (!grown || !path) {
        free(path);
        return lt_fail_oom(err);
    }
    grown[stream->n++] = path;
    return LEAT_OK;
}

/* Takes `name` over. */
static int add_stream(struct listing *listing, char *name, struct fc_stream_files **ret_stream,
                      struct leat_error *err)
{
    struct fc_stream_files *grown = realloc(listing->streams, (listing->n + 1) * sizeof *grown);
    listing->streams = grown ? grown : listing->streams;
    if (!grown || !name) {
        free(name);
        return lt_fail_oom(err);
    }
    *ret_stream = &grown[listing->n++];
    **ret_stream = (struct fc_stream_files){.name = name};
    return LEAT_OK;
}

static int add_file(struct listing *listing, const char *dir, const char *file, char *name,
                    struct leat_error *err)
{
    struct fc_stream_files *stream = NULL;
    int status = add_stream(listing, name, &stream, err);
    return status ? status : add_path(stream, dir, file, err);
}

/* The types the manifest keeps: CSV would infer each file's by itself. */
static int entry_types(const struct fc_entry *entry, struct ArrowSchema *types,
                       struct leat_error *err)
{
    int status = lt_schema_init_struct(types, 0, err);
    for (size_t i = 0; i < entry->n_columns && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        /* A type this leat cannot name is left to the file itself. */
        if (!lt_type_parse(entry->columns[i].type, &field, NULL)) {
            status = lt_schema_set_name(&field, entry->columns[i].name, err);
            status = status ? status : lt_schema_add(types, &field, err);
        }
        lt_schema_done(&field);
    }
    return status;
}

static int add_entry(struct listing *listing, const char *dir, const struct fc_entry *entry,
                     struct leat_error *err)
{
    struct fc_stream_files *stream = NULL;
    int status = add_stream(listing, lt_strdup(entry->name), &stream, err);
    status = status ? status : entry_types(entry, &stream->types, err);
    for (size_t i = 0; i < entry->n_files && !status; i++) {
        status = add_path(stream, dir, entry->files[i].path, err);
    }
    return status;
}

/* Whether a file of a directory is a stream: not hidden, not the manifest, of a known format. */
static bool is_stream_file(const struct leat_endpoint *ep, const char *dir, const char *name)
{
    size_t stem = strlen(name);
    const char *pattern = ep->kind == FC_GLOB ? lt_fc_base(ep->path) : NULL;
    if (name[0] == '.' || !strcmp(name, FC_MANIFEST) ||
        (pattern && !lt_wildcard_match(pattern, name))) {
        return false;
    }
    lt_codec_of_path(name, &stem);
    const struct lt_format *format = lt_format_by_path(name, stem);
    if (!pattern && !format) {
        return false;
    }
    struct stat st;
    char *path = lt_format("%s%s", dir, name);
    bool regular = path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return regular;
}

static int list_manifest(struct leat_endpoint *ep, const char *dir, struct fc_manifest *manifest,
                         struct listing *listing, struct leat_error *err)
{
    char *path = lt_format("%s" FC_MANIFEST, dir);
    int status = path ? lt_fc_manifest_read(ep, path, manifest, err) : lt_fail_oom(err);
    for (size_t i = 0; i < manifest->n_entries && !status; i++) {
        if (manifest->entries[i].n_files) {
            status = add_entry(listing, dir, &manifest->entries[i], err);
        }
    }
    free(path);
    return status;
}

static int list_directory(struct leat_endpoint *ep, struct listing *listing, struct leat_error *err)
{
    struct fc_manifest manifest = {.entries = NULL};
    char *dir = lt_fc_dir_of(ep);
    DIR *handle = dir ? opendir(*dir ? dir : ".") : NULL;
    int status = !dir      ? lt_fail_oom(err)
                 : !handle ? lt_fail_errno(err, errno, "cannot list the directory")
                           : LEAT_OK;
    if (status && dir) {
        leat_error_place(err, "%s", dir);
    }
    if (!status && ep->kind == FC_DIRECTORY) {
        /* Between an intent and its manifest some files are new and some old. */
        status = lt_fc_recover(ep, dir, err);
        status = status ? status : list_manifest(ep, dir, &manifest, listing, err);
    }
    struct dirent *entry;
    while (!status && (entry = readdir(handle))) {
        if (is_stream_file(ep, dir, entry->d_name) &&
            !lt_fc_manifest_lists(&manifest, entry->d_name)) {
            status = add_file(listing, dir, entry->d_name, lt_fc_stream_name(entry->d_name), err);
        }
    }
    if (handle) {
        closedir(handle);
    }
    if (listing->n) {
        qsort(listing->streams, listing->n, sizeof *listing->streams, by_name);
    }
    lt_fc_manifest_done(&manifest);
    free(dir);
    return status;
}

static int list_files(struct leat_endpoint *ep, struct listing *listing, struct leat_error *err)
{
    if (ep->kind == FC_DIRECTORY || ep->kind == FC_GLOB) {
        return list_directory(ep, listing, err);
    }
    char *name = ep->kind == FC_STANDARD ? lt_strdup(ep->program ? "memory" : "stdin")
                                         : lt_fc_stream_name(ep->path);
    return add_file(listing, "", ep->path, name, err);
}

int64_t lt_fc_size_of(const struct fc_stream_files *stream)
{
    int64_t size = 0;
    for (size_t i = 0; i < stream->n; i++) {
        struct stat st;
        if (stat(stream->paths[i], &st) != 0 || !S_ISREG(st.st_mode)) {
            return -1;
        }
        size += st.st_size;
    }
    return size;
}

int lt_fc_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                   leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct listing listing = {.streams = NULL};
    int status = LEAT_OK;
    if (!ns_pattern || !*ns_pattern || lt_wildcard_match(ns_pattern, "")) {
        status = list_files(ep, &listing, err);
    }
    if (!status && ep->kind == FC_FILE && access(ep->path, F_OK) != 0) {
        status = lt_fail(err, LT_E_NOT_FOUND, "there is no file %s", ep->path);
    }
    for (size_t i = 0; i < listing.n && !status; i++) {
        const struct fc_stream_files *stream = &listing.streams[i];
        if (!name_pattern || lt_wildcard_match(name_pattern, stream->name)) {
            struct leat_stream_info info = {.size = sizeof info,
                                            .name = {.ns = "", .name = stream->name},
                                            .kind = LEAT_FILE,
                                            .rows_estimate = -1,
                                            .bytes_estimate = lt_fc_size_of(stream)};
            status = each(arg, &info);
        }
    }
    listing_done(&listing);
    return status;
}

static int no_such_stream(const struct leat_endpoint *ep, const struct listing *listing,
                          const char *name, struct leat_error *err)
{
    const char **names = calloc(listing->n + 1, sizeof *names);
    for (size_t i = 0; names && i < listing->n; i++) {
        names[i] = listing->streams[i].name;
    }
    int status = lt_fail(err, LT_E_NOT_FOUND, "%s has no stream \"%s\"", ep->path, name);
    const char *close = names ? lt_closest(name, names) : NULL;
    if (close) {
        leat_error_remedy(err, "did you mean \"%s\"?", close);
    }
    free(names);
    return status;
}

int lt_fc_find_stream(struct leat_endpoint *ep, const char *name,
                      struct fc_stream_files *ret_stream, struct leat_error *err)
{
    struct listing listing = {.streams = NULL};
    struct fc_stream_files *found = NULL;
    int status = list_files(ep, &listing, err);
    for (size_t i = 0; i < listing.n && !status; i++) {
        struct fc_stream_files *stream = &listing.streams[i];
        if (name && stream->n == 1 && !strcmp(name, lt_fc_base(stream->paths[0]))) {
            found = stream;
            break;
        }
        bool same = !name || !*name || !strcmp(name, stream->name);
        if (same && found) {
            status =
                lt_fail(err, LT_E_INVALID, "%s and %s are both \"%s\"", lt_fc_base(found->paths[0]),
                        lt_fc_base(stream->paths[0]), name ? name : "");
            leat_error_remedy(err, "name the file with its endings");
        }
        found = same ? stream : found;
    }
    if (!status && !found) {
        status = no_such_stream(ep, &listing, name ? name : "", err);
    }
    if (!status) {
        *ret_stream = *found;
        *found = (struct fc_stream_files){.name = NULL};
    }
    listing_done(&listing);
    return status;
}
