/* Reading files: what they are (name, codec, format, first bytes), listing, and reading batches. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

struct leat_reader {
    const struct lt_format *format;
    struct lt_source *source;
    struct lt_format_reader *reader;
    struct leat_reader *current; /* itself, or the one of its chain that is being read */
    int64_t row;                 /* number of the next record, from 1 */
    int64_t left;                /* records still wanted; -1: all */
    struct leat_reader *chain;   /* read after this one; owned */
    struct leat_param params[FC_PARAMS_MAX];
};

/* --- looking ahead ------------------------------------------------------------------------- */

struct peek_source {
    struct lt_source base;
    struct lt_source *inner;
    size_t len, at; /* of the bytes looked at */
    uint8_t data[FC_PEEK];
};

static void follow(struct peek_source *peek)
{
    peek->base.position = peek->inner->position - (int64_t)(peek->len - peek->at);
}

static int peek_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                     struct leat_error *err)
{
    struct peek_source *peek = (struct peek_source *)source;
    if (peek->at < peek->len) {
        *ret_len = LT_MIN(size, peek->len - peek->at);
        memcpy(data, peek->data + peek->at, *ret_len);
        peek->at += *ret_len;
        follow(peek);
        return LEAT_OK;
    }
    int status = lt_source_read(peek->inner, data, size, ret_len, err);
    peek->base.position = peek->inner->position;
    return status;
}

static int peek_read_at(struct lt_source *source, int64_t offset, void *data, size_t size,
                        struct leat_error *err)
{
    struct peek_source *peek = (struct peek_source *)source;
    return peek->inner->ops->read_at(peek->inner, offset, data, size, err);
}

static void peek_close(struct lt_source *source)
{
    struct peek_source *peek = (struct peek_source *)source;
    lt_source_close(peek->inner);
    free(peek);
}

static const struct lt_source_ops peek_ops = {.read = peek_read, .close = peek_close};
static const struct lt_source_ops peek_seek_ops = {
    .read = peek_read, .read_at = peek_read_at, .close = peek_close};

int lt_fc_peek(struct lt_source *inner, struct lt_source **ret_source, const uint8_t **ret_data,
               size_t *ret_len, struct leat_error *err)
{
    struct peek_source *peek = calloc(1, sizeof *peek);
    int status = peek ? lt_source_read_full(inner, peek->data, sizeof peek->data, &peek->len, err)
                      : lt_fail_oom(err);
    if (status) {
        free(peek);
        lt_source_close(inner);
        return status;
    }
    peek->base.ops = inner->ops->read_at ? &peek_seek_ops : &peek_ops;
    peek->base.name = inner->name; /* lives as long as inner */
    peek->base.size = inner->size;
    peek->inner = inner;
    *ret_source = &peek->base;
    *ret_data = peek->data;
    *ret_len = peek->len;
    return LEAT_OK;
}

/* --- bytes --------------------------------------------------------------------------------- */

/* The codec: as given, by its magic bytes, else by name. Arrow's own option is not the file's. */
static int choose_codec(struct leat_endpoint *ep, const struct fc_read *read, const uint8_t *data,
                        size_t len, enum lt_codec *ret_codec, struct leat_error *err)
{
    size_t stem = strlen(read->path);
    const struct lt_format *format = read->format ? read->format : ep->format;
    if (read->codec_known) {
        *ret_codec = read->codec;
        return LEAT_OK;
    }
    enum lt_codec sniffed = len >= 4 ? lt_codec_sniff(data, len) : LT_CODEC_NONE;
    enum lt_codec named = lt_codec_of_path(read->path, &stem);
    if (!format) {
        format = lt_format_by_path(read->path, stem);
    }
    *ret_codec = sniffed ? sniffed : named;
    if (ep->compression && !sniffed && (!format || !format->binary)) {
        return lt_codec_parse(ep->compression, ret_codec, err);
    }
    return LEAT_OK;
}

static int unknown_format(const struct fc_read *read, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_INVALID, "neither its name nor its first bytes tell the format");
    leat_error_place(err, "%s", read->path);
    leat_error_remedy(err, "say --format csv, jsonl, arrow or arrows");
    return status;
}

int lt_fc_open_bytes(struct leat_endpoint *ep, const struct fc_read *read,
                     struct lt_source **ret_source, const struct lt_format **ret_format,
                     struct leat_error *err)
{
    struct lt_file_options options = lt_fc_file_options(ep);
    const struct lt_format *format = read->format ? read->format : ep->format;
    struct lt_source *source = NULL;
    const uint8_t *data = NULL;
    enum lt_codec codec = LT_CODEC_NONE;
    size_t len = 0, stem = strlen(read->path);
    int status = lt_source_file(read->path, &options, &source, err);
    status = status ? status : lt_fc_peek(source, &source, &data, &len, err);
    if (status) {
        return status;
    }
    status = choose_codec(ep, read, data, len, &codec, err);
    if (status) {
        lt_source_close(source);
        return status;
    }
    if (codec != LT_CODEC_NONE) {
        status = lt_source_decompress(source, codec, &source, err);
        status = status ? status : lt_fc_peek(source, &source, &data, &len, err);
        if (status) {
            return status;
        }
    }
    lt_codec_of_path(read->path, &stem);
    format = format ? format : lt_format_by_path(read->path, stem);
    format = format ? format : lt_format_sniff(data, len);
    if (!format) {
        lt_source_close(source);
        return unknown_format(read, err);
    }
    *ret_source = source;
    *ret_format = format;
    return LEAT_OK;
}

/* --- the reader ---------------------------------------------------------------------------- */

static void fc_finish(struct leat_reader *reader)
{
    while (reader) {
        struct leat_reader *next = reader->chain;
        if (reader->reader) {
            reader->format->read_close(reader->reader);
        }
        lt_source_close(reader->source);
        free(reader);
        reader = next;
    }
}

void lt_fc_reader_chain(struct leat_reader *reader, struct leat_reader *then)
{
    while (reader->chain) {
        reader = reader->chain;
    }
    reader->chain = then;
}

int lt_fc_reader_new(struct leat_endpoint *ep, const struct fc_read *read,
                     struct leat_reader **ret_reader, struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->current = reader;
    reader->row = 1;
    reader->left = read->limit;
    int status = lt_fc_open_bytes(ep, read, &reader->source, &reader->format, err);
    if (!status) {
        struct lt_format_options options = {
            .params = reader->params,
            .n_params = lt_fc_pick_params(ep, read->params, read->n_params,
                                          reader->format->read_options, reader->params),
            .schema = read->types,
            .schema_whole = read->types_whole,
            .batch_rows_max = read->batch_rows_max,
            .batch_bytes_max = read->batch_bytes_max,
            .rejects = read->rejects,
        };
        status = lt_format_check_options(&options, reader->format->read_options,
                                         reader->format->name, err);
        status = status ? status
                        : reader->format->read_open(reader->source, &options, &reader->reader, err);
    }
    if (status) {
        fc_finish(reader);
        return status;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

static int fc_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                     struct leat_error *err)
{
    return reader->format->read_schema(reader->reader, ret_schema, err);
}

static int fc_retype(struct leat_reader *reader, const struct ArrowSchema *types,
                     struct leat_error *err)
{
    int status = LEAT_OK;
    for (; reader && !status; reader = reader->chain) {
        if (reader->format->read_retype) {
            status = reader->format->read_retype(reader->reader, types, err);
        }
    }
    return status;
}

static int fc_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                   struct leat_error *err)
{
    struct leat_payload payload = {.size = ret_payload->size, .kind = LEAT_PAYLOAD_NONE};
    int status = LEAT_OK;
    while (!status && reader->left != 0 && !payload.batch.release) {
        struct leat_reader *at = reader->current;
        status = at->format->read_next(at->reader, &payload.batch, err);
        if (!status && !payload.batch.release) {
            if (!at->chain) {
                break;
            }
            reader->current = at->chain;
        }
    }
    if (!status && payload.batch.release) {
        if (reader->left >= 0 && payload.batch.length > reader->left) {
            status = lt_array_slice(&payload.batch, 0, reader->left, err);
        }
        payload.kind = LEAT_PAYLOAD_BATCH;
        payload.rows = payload.batch.length;
        payload.row_first = reader->row;
        reader->row += payload.rows;
        reader->left -= reader->left >= 0 ? payload.rows : 0;
    }
    if (status) {
        lt_array_done(&payload.batch);
        return status;
    }
    memcpy(ret_payload, &payload, LT_MIN(ret_payload->size, sizeof payload));
    return LEAT_OK;
}

bool lt_fc_has_records(struct leat_endpoint *ep, const char *path)
{
    struct fc_read read = {.path = path, .limit = 1, .batch_rows_max = 1};
    struct leat_payload payload = {.size = sizeof payload};
    struct leat_reader *reader = NULL;
    struct stat st;
    if (stat(path, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0)) {
        return false;
    }
    int status = lt_fc_reader_new(ep, &read, &reader, NULL);
    status = status ? status : fc_next(reader, &payload, NULL);
    bool has = status || (payload.kind == LEAT_PAYLOAD_BATCH && payload.rows > 0);
    leat_x_payload_release(&payload);
    fc_finish(reader);
    return has;
}

/* --- listing ------------------------------------------------------------------------------- */

/* A stream: one file, or all those the manifest lists for it. */
struct stream_files {
    char *name;
    char **paths;
    size_t n;
    struct ArrowSchema types; /* of the manifest; released when there is none */
};

struct listing {
    struct stream_files *streams;
    size_t n;
};

static void stream_files_done(struct stream_files *stream)
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
        stream_files_done(&listing->streams[i]);
    }
    free(listing->streams);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct stream_files *)a)->name, ((const struct stream_files *)b)->name);
}

static int add_path(struct stream_files *stream, const char *dir, const char *name,
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
static int add_stream(struct listing *listing, char *name, struct stream_files **ret_stream,
                      struct leat_error *err)
{
    struct stream_files *grown = realloc(listing->streams, (listing->n + 1) * sizeof *grown);
    listing->streams = grown ? grown : listing->streams;
    if (!grown || !name) {
        free(name);
        return lt_fail_oom(err);
    }
    *ret_stream = &grown[listing->n++];
    **ret_stream = (struct stream_files){.name = name};
    return LEAT_OK;
}

static int add_file(struct listing *listing, const char *dir, const char *file, char *name,
                    struct leat_error *err)
{
    struct stream_files *stream = NULL;
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
    struct stream_files *stream = NULL;
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
    char *name = ep->kind == FC_STANDARD ? lt_strdup("stdin") : lt_fc_stream_name(ep->path);
    return add_file(listing, "", ep->path, name, err);
}

static int64_t size_of(const struct stream_files *stream)
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

static int fc_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
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
        const struct stream_files *stream = &listing.streams[i];
        if (!name_pattern || lt_wildcard_match(name_pattern, stream->name)) {
            struct leat_stream_info info = {.size = sizeof info,
                                            .name = {.ns = "", .name = stream->name},
                                            .kind = LEAT_FILE,
                                            .rows_estimate = -1,
                                            .bytes_estimate = size_of(stream)};
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

/* The files of a stream, moved out of the listing. Two of one name (orders.csv, orders.arrow) must
 * be named with their endings. */
static int find_stream(struct leat_endpoint *ep, const char *name, struct stream_files *ret_stream,
                       struct leat_error *err)
{
    struct listing listing = {.streams = NULL};
    struct stream_files *found = NULL;
    int status = list_files(ep, &listing, err);
    for (size_t i = 0; i < listing.n && !status; i++) {
        struct stream_files *stream = &listing.streams[i];
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
        *found = (struct stream_files){.name = NULL};
    }
    listing_done(&listing);
    return status;
}

/* --- reading a stream ---------------------------------------------------------------------- */

static int check_same(struct leat_reader *first, struct leat_reader *next, const char *path,
                      struct leat_error *err)
{
    struct ArrowSchema a = {.release = NULL}, b = {.release = NULL};
    int status = fc_schema(first, &a, err);
    status = status ? status : fc_schema(next, &b, err);
    if (!status && !lt_schema_same(&a, &b, true)) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH,
                         "its columns are not those of the stream's "
                         "first file");
        leat_error_place(err, "%s", path);
    }
    lt_schema_done(&a);
    lt_schema_done(&b);
    return status;
}

/* One reader over all files of a stream, of the same columns. */
static int open_stream(struct leat_endpoint *ep, const struct stream_files *stream,
                       const struct fc_read *how, struct leat_reader **ret_reader,
                       struct leat_error *err)
{
    struct leat_reader *first = NULL;
    int status = LEAT_OK;
    for (size_t i = 0; i < stream->n && !status; i++) {
        struct fc_read read = *how;
        struct leat_reader *next = NULL;
        read.path = stream->paths[i];
        read.types_whole = !how->types && stream->types.release;
        read.types = read.types_whole ? &stream->types : how->types;
        status = lt_fc_reader_new(ep, &read, &next, err);
        if (!status && first) {
            lt_fc_reader_chain(first, next);
            status = check_same(first, next, read.path, err);
        } else if (!status) {
            first = next;
        }
    }
    if (status) {
        fc_finish(first);
        return status;
    }
    *ret_reader = first;
    return LEAT_OK;
}

static int fc_describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                       struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                       struct leat_error *err)
{
    struct stream_files stream = {.name = NULL};
    struct fc_read how = {.limit = -1};
    struct leat_reader *reader = NULL;
    if (ep->kind == FC_STANDARD) {
        return lt_fail(err, LT_E_UNSUPPORTED, "standard input can only be read");
    }
    int status = find_stream(ep, name->name, &stream, err);
    status = status ? status : open_stream(ep, &stream, &how, &reader, err);
    status = status ? status : fc_schema(reader, ret_schema, err);
    if (!status && ret_info) {
        struct leat_stream_info info = {.size = ret_info->size,
                                        .name = *name,
                                        .kind = LEAT_FILE,
                                        .rows_estimate = -1,
                                        .bytes_estimate = size_of(&stream)};
        memcpy(ret_info, &info, LT_MIN(ret_info->size, sizeof info));
    }
    fc_finish(reader);
    stream_files_done(&stream);
    return status;
}

static int fc_start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                    struct leat_reader **ret_reader, struct leat_error *err)
{
    struct stream_files stream = {.name = NULL};
    if (plan->query || plan->predicate || plan->cursor || plan->columns || plan->n_order ||
        plan->partition) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "files are read whole: no queries, predicates, cursors or orders");
    }
    int status = find_stream(ep, plan->stream.name, &stream, err);
    struct fc_read how = {
        .params = plan->params,
        .n_params = plan->n_params,
        .types = plan->types,
        .rejects = plan->rejects,
        .limit = plan->limit,
        .batch_rows_max = plan->batch_rows_max,
        .batch_bytes_max = plan->batch_bytes_max,
    };
    status = status ? status : open_stream(ep, &stream, &how, ret_reader, err);
    stream_files_done(&stream);
    return status;
}

const struct leat_catalog_ops lt_fc_catalog = {.discover = fc_discover, .describe = fc_describe};

const struct leat_source_ops lt_fc_source = {.start = fc_start,
                                             .schema = fc_schema,
                                             .next = fc_next,
                                             .finish = fc_finish,
                                             .retype = fc_retype};
