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
        free(stream->files[i].path);
        free(stream->files[i].within);
    }
    free(stream->files);
    free(stream->name);
    lt_schema_done(&stream->types);
    *stream = (struct fc_stream_files){.name = NULL};
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

static int add_path(struct fc_stream_files *stream, const char *dir, const char *within,
                    const struct fc_file *listed, struct leat_error *err)
{
    struct fc_place *grown = realloc(stream->files, (stream->n + 1) * sizeof *grown);
    stream->files = grown ? grown : stream->files;
    if (!grown) {
        return lt_fail_oom(err);
    }
    struct fc_place *file = &grown[stream->n++];
    *file = (struct fc_place){.path = lt_format("%s%s", dir, within),
                              .within = lt_strdup(within),
                              .bytes = listed ? listed->bytes : -1};
    if (listed) {
        memcpy(file->checksum, listed->checksum, sizeof file->checksum);
    }
    return file->path && file->within ? LEAT_OK : lt_fail_oom(err);
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
    return status ? status : add_path(stream, dir, file, NULL, err);
}

/* The types the manifest keeps: CSV would infer each file's by itself. */
int lt_fc_entry_types(const struct fc_entry *entry, struct ArrowSchema *ret_types,
                      struct leat_error *err)
{
    struct ArrowSchema types = {.release = NULL};
    int status = lt_schema_init_struct(&types, 0, err);
    for (size_t i = 0; i < entry->n_columns && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        /* A type this leat cannot name is left to the file itself. */
        if (!lt_type_parse(entry->columns[i].type, &field, NULL)) {
            status = lt_schema_set_name(&field, entry->columns[i].name, err);
            field.flags = entry->columns[i].nullable ? ARROW_FLAG_NULLABLE : 0;
            status = status ? status : lt_schema_add(&types, &field, err);
        }
        lt_schema_done(&field);
    }
    if (status) {
        lt_schema_done(&types);
        return status;
    }
    lt_schema_move(&types, ret_types);
    return LEAT_OK;
}

static int add_entry(struct listing *listing, const char *dir, const struct fc_entry *entry,
                     struct leat_error *err)
{
    struct fc_stream_files *stream = NULL;
    int status = add_stream(listing, lt_strdup(entry->name), &stream, err);
    status = status ? status : lt_fc_entry_types(entry, &stream->types, err);
    for (size_t i = 0; i < entry->n_files && !status; i++) {
        status = add_path(stream, dir, entry->files[i].path, &entry->files[i], err);
        stream->hive = stream->hive || strchr(entry->files[i].path, '/');
    }
    if (!status) {
        stream->listed = true;
    }
    return status;
}

/* Whether a directory's entry may be read: not hidden, not the manifest, of a known format. */
static bool is_stream_file(const char *pattern, const char *name)
{
    size_t stem = strlen(name);
    if (name[0] == '.' || !strcmp(name, FC_MANIFEST) ||
        (pattern && !lt_wildcard_match(pattern, name))) {
        return false;
    }
    lt_codec_of_path(name, &stem);
    return pattern || lt_format_by_path(name, stem);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **names;
    size_t n;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->names[i]);
    }
    free(names->names);
}

/* All names of a directory, sorted, so that files come in one order wherever they lie. */
static int read_names(const char *dir, struct names *names, struct leat_error *err)
{
    DIR *handle = opendir(*dir ? dir : ".");
    struct dirent *entry;
    int status = LEAT_OK;
    if (!handle) {
        status = lt_fail_errno(err, errno, "cannot list the directory");
        leat_error_place(err, "%s", dir);
        return status;
    }
    while (!status && (entry = readdir(handle))) {
        char **grown = realloc(names->names, (names->n + 1) * sizeof *grown);
        names->names = grown ? grown : names->names;
        if (grown) {
            grown[names->n] = lt_strdup(entry->d_name);
            names->n += grown[names->n] != NULL;
        }
        status = grown && grown[names->n - 1] ? LEAT_OK : lt_fail_oom(err);
    }
    closedir(handle);
    if (names->n) {
        qsort(names->names, names->n, sizeof *names->names, by_text);
    }
    return status;
}

static mode_t kind_of(const char *dir, const char *name)
{
    struct stat st;
    char *path = lt_format("%s%s", dir, name);
    mode_t kind = path && stat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;
    free(path);
    return kind;
}

/* The files below `within`, a directory of partitions or one that holds such; files that lie in no
 * partition are streams of their own elsewhere. */
static int walk_hive(const char *dir, const char *within, int depth, struct fc_stream_files *stream,
                     struct leat_error *err)
{
    struct names names = {.names = NULL};
    char *path = lt_format("%s%s", dir, within);
    int status = path ? read_names(path, &names, err) : lt_fail_oom(err);
    if (!status && depth > FC_HIVE_DEPTH_MAX) {
        status = lt_fail(err, LT_E_LIMIT, "more than %d directories of partitions in one another",
                         FC_HIVE_DEPTH_MAX);
        leat_error_place(err, "%s", path);
    }
    for (size_t i = 0; i < names.n && !status; i++) {
        const char *name = names.names[i];
        mode_t kind = *name == '.' || *name == '_' ? 0 : kind_of(path, name);
        bool part = kind == S_IFDIR && strchr(name, '=') > name;
        char *next = lt_format("%s%s%s", within, name, part ? "/" : "");
        if (!next) {
            status = lt_fail_oom(err);
        } else if (part) {
            status = walk_hive(dir, next, depth + 1, stream, err);
        } else if (kind == S_IFREG && depth > 0 && is_stream_file(NULL, name)) {
            status = add_path(stream, dir, next, NULL, err);
        }
        free(next);
    }
    free(path);
    names_done(&names);
    return status;
}

/* Whether leat's own files lie below the directory `within`. */
static bool manifest_owns(const struct fc_manifest *manifest, const char *within)
{
    for (size_t i = 0; i < manifest->n_entries; i++) {
        for (size_t k = 0; k < manifest->entries[i].n_files; k++) {
            if (!strncmp(manifest->entries[i].files[k].path, within, strlen(within))) {
                return true;
            }
        }
    }
    return false;
}

/* A stream of directories of partitions, named `name` (taken over), if there are files in them. */
static int add_hive(struct listing *listing, const char *dir, const char *within, char *name,
                    struct leat_error *err)
{
    struct fc_stream_files *stream = NULL;
    int status = add_stream(listing, name, &stream, err);
    status = status ? status : walk_hive(dir, within, 0, stream, err);
    if (stream && (status || !stream->n)) {
        lt_fc_stream_files_done(stream);
        listing->n--;
    } else if (stream) {
        stream->hive = true;
    }
    return status;
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

/* The same for files that are to be one stream with others. */
static int join_hive(struct fc_stream_files *stream, const char *dir, const char *within,
                     struct leat_error *err)
{
    size_t before = stream->n;
    int status = walk_hive(dir, within, 0, stream, err);
    stream->hive = stream->hive || stream->n > before;
    return status;
}

/* The last name of a directory's path, which ends in /. malloc'ed. */
static char *base_of_dir(const char *dir)
{
    size_t end = strlen(dir);
    while (end && dir[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin && dir[begin - 1] != '/') {
        begin--;
    }
    return end > begin ? lt_strndup(dir + begin, end - begin) : lt_strdup("files");
}

/* One name of a directory: a stream, or files of one. */
static int list_name(struct leat_endpoint *ep, const char *dir, const char *name,
                     const struct fc_manifest *manifest, struct listing *listing,
                     struct leat_error *err)
{
    const char *pattern = ep->kind == FC_GLOB ? lt_fc_base(ep->path) : NULL;
    if (is_stream_file(pattern, name) && kind_of(dir, name) == S_IFREG &&
        !lt_fc_manifest_lists(manifest, name)) {
        return ep->as_stream ? add_path(&listing->streams[0], dir, name, NULL, err)
                             : add_file(listing, dir, name, lt_fc_stream_name(name), err);
    }
    if (pattern || *name == '.' || *name == '_' || strchr(name, '=') ||
        kind_of(dir, name) != S_IFDIR) {
        return LEAT_OK;
    }
    char *within = lt_format("%s/", name);
    int status = within ? LEAT_OK : lt_fail_oom(err);
    if (!status && ep->as_stream) {
        status = join_hive(&listing->streams[0], dir, within, err);
    } else if (!status && !manifest_owns(manifest, within)) {
        status = add_hive(listing, dir, within, lt_strdup(name), err);
    }
    free(within);
    return status;
}

/* Directories of partitions right here are one stream, which the directory names. */
static int list_own_hive(struct leat_endpoint *ep, const char *dir, const struct names *names,
                         const struct fc_manifest *manifest, struct listing *listing,
                         struct leat_error *err)
{
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->names[i];
        if (*name != '.' && *name != '_' && strchr(name, '=') > name &&
            kind_of(dir, name) == S_IFDIR && !manifest_owns(manifest, name)) {
            return ep->as_stream ? join_hive(&listing->streams[0], dir, "", err)
                                 : add_hive(listing, dir, "", base_of_dir(dir), err);
        }
    }
    return LEAT_OK;
}

static int list_directory(struct leat_endpoint *ep, struct listing *listing, struct leat_error *err)
{
    struct fc_manifest manifest = {.entries = NULL};
    struct names names = {.names = NULL};
    struct fc_stream_files *one = NULL;
    char *dir = lt_fc_dir_of(ep);
    int status = dir ? LEAT_OK : lt_fail_oom(err);
    if (!status && ep->kind == FC_DIRECTORY && !ep->as_stream) {
        /* Between an intent and its manifest some files are new and some old. */
        status = lt_fc_recover(ep, dir, err);
        status = status ? status : list_manifest(ep, dir, &manifest, listing, err);
    } else if (!status && ep->as_stream) {
        status = add_stream(listing, lt_strdup(ep->as_stream), &one, err);
    }
    status = status ? status : read_names(dir, &names, err);
    for (size_t i = 0; i < names.n && !status; i++) {
        status = list_name(ep, dir, names.names[i], &manifest, listing, err);
    }
    if (!status && ep->kind == FC_DIRECTORY) {
        status = list_own_hive(ep, dir, &names, &manifest, listing, err);
    }
    if (!status && one && !listing->streams[0].n) {
        lt_fc_stream_files_done(&listing->streams[0]);
        memmove(listing->streams, listing->streams + 1, --listing->n * sizeof *listing->streams);
    }
    if (listing->n) {
        qsort(listing->streams, listing->n, sizeof *listing->streams, by_name);
    }
    names_done(&names);
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
    int status = add_file(listing, "", ep->path, name, err);
    if (!status) {
        /* Marks know a file by its name, from wherever it is named. */
        struct fc_place *file = &listing->streams[0].files[0];
        free(file->within);
        file->within = lt_strdup(lt_fc_base(ep->path));
        status = file->within ? LEAT_OK : lt_fail_oom(err);
    }
    return status;
}

int64_t lt_fc_size_of(const struct fc_stream_files *stream)
{
    int64_t size = 0;
    for (size_t i = 0; i < stream->n; i++) {
        struct stat st;
        if (stat(stream->files[i].path, &st) != 0 || !S_ISREG(st.st_mode)) {
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
        if (name && stream->n == 1 && !strcmp(name, lt_fc_base(stream->files[0].path))) {
            found = stream;
            break;
        }
        bool same = !name || !*name || !strcmp(name, stream->name);
        if (same && found) {
            status = lt_fail(err, LT_E_INVALID, "%s and %s are both \"%s\"",
                             lt_fc_base(found->files[0].path), lt_fc_base(stream->files[0].path),
                             name ? name : "");
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
