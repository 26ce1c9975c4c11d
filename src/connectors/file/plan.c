/* How a load into files would be done: formats, names, and what may be overwritten. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

/* The directory that is worked in: "" or ending in /. malloc'ed. */
char *lt_fc_dir_of(const struct leat_endpoint *ep)
{
    if (ep->kind == FC_STANDARD) {
        return lt_strdup("");
    }
    return ep->kind == FC_DIRECTORY
               ? lt_strdup(ep->path)
               : lt_strndup(ep->path, (size_t)(lt_fc_base(ep->path) - ep->path));
}

/* A stream's name as a file name: / and a leading dot as %XX, and % too, so that no two streams
 * share a file. */
char *lt_fc_safe_name(const char *stream)
{
    struct lt_buf out = LT_BUF_INIT;
    int failed = LEAT_OK;
    for (const char *at = stream; *at; at++) {
        bool plain =
            *at != '/' && *at != '%' && (unsigned char)*at >= ' ' && (*at != '.' || at > stream);
        failed |= plain ? lt_buf_byte(&out, (uint8_t)*at)
                        : lt_buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*at);
    }
    char *name = failed ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    return name;
}

static const char *codec_ending(enum lt_codec codec)
{
    switch (codec) {
    case LT_CODEC_GZIP:
        return ".gz";
    case LT_CODEC_ZSTD:
        return ".zst";
    case LT_CODEC_LZ4:
        return ".lz4";
    default:
        return "";
    }
}

/* Arrow keeps the codec inside; the whole file is compressed only where its name says so. */
static int choose_codec(struct leat_endpoint *ep, const struct leat_write_plan *want,
                        struct fc_stream *stream, struct leat_error *err)
{
    size_t stem = strlen(ep->path);
    const char *given = lt_fc_param(ep, want->params, want->n_params, "compression");
    stream->codec = ep->kind == FC_FILE ? lt_codec_of_path(ep->path, &stem) : LT_CODEC_NONE;
    if (!given || stream->format->binary) {
        return LEAT_OK;
    }
    enum lt_codec codec;
    int status = lt_codec_parse(given, &codec, err);
    if (!status && stream->codec && codec && codec != stream->codec) {
        status = lt_fail(err, LT_E_INVALID, "the name %s says another codec than --compression %s",
                         lt_fc_base(ep->path), given);
    }
    stream->codec = status || (stream->codec && !codec) ? stream->codec : codec;
    return status;
}

static int choose_format(struct leat_endpoint *ep, const struct leat_write_plan *want,
                         struct fc_stream *stream, struct leat_error *err)
{
    const char *given = ep->format ? NULL : lt_fc_param(ep, want->params, want->n_params, "format");
    size_t stem = strlen(ep->path);
    lt_codec_of_path(ep->path, &stem);
    stream->format = given ? lt_format_by_name(given) : ep->format;
    if (given && !stream->format) {
        return lt_fail(err, LT_E_UNKNOWN_SCHEME, "no format is called \"%s\"", given);
    }
    if (!stream->format && ep->kind == FC_FILE) {
        stream->format = lt_format_by_path(ep->path, stem);
    } else if (!stream->format) {
        stream->format = lt_format_by_name("csv");
    }
    if (!stream->format) {
        int status =
            lt_fail(err, LT_E_INVALID, "the name %s does not tell a format", lt_fc_base(ep->path));
        leat_error_remedy(err, "say --format with one of %s, or end a directory in /",
                          lt_fc_options[0].choices);
        return status;
    }
    return LEAT_OK;
}

static int check_types(const struct fc_stream *stream, struct leat_error *err)
{
    for (int64_t i = 0; i < stream->schema.n_children && stream->format->refuses; i++) {
        const char *why = stream->format->refuses(stream->schema.children[i]);
        if (why) {
            int status = lt_fail(err, LT_E_UNSUPPORTED_TYPE, "%s cannot hold it: %s",
                                 stream->format->name, why);
            leat_error_place(err, "column \"%s\"", stream->schema.children[i]->name);
            return status;
        }
    }
    return LEAT_OK;
}

/* A headerless file tells columns by their places alone. */
static int check_places(struct leat_endpoint *ep, const struct leat_write_plan *want,
                        const struct fc_entry *entry, const struct fc_stream *stream,
                        struct leat_error *err)
{
    const char *header = lt_fc_param(ep, want->params, want->n_params, "header");
    bool same = (int64_t)entry->n_columns == stream->schema.n_children;
    if (!lt_fc_table_has(stream->format->write_options, "header") || !header ||
        (strcmp(header, "no") != 0 && strcmp(header, "false") != 0)) {
        return LEAT_OK;
    }
    for (size_t i = 0; same && i < entry->n_columns; i++) {
        same = !strcmp(entry->columns[i].name, stream->schema.children[i]->name);
    }
    return same ? LEAT_OK
                : lt_fail(err, LT_E_COLUMN_MISMATCH,
                          "files without header need the columns of "
                          "those that are there, in their order");
}

/* Further parts of a stream take the columns of those there. */
static int match_columns(struct leat_endpoint *ep, const struct leat_write_plan *want,
                         struct fc_stream *stream, struct leat_error *err)
{
    struct fc_manifest manifest = {.entries = NULL};
    struct ArrowSchema all = {.release = NULL};
    char *path = lt_format("%s" FC_MANIFEST, ep->path);
    int status = path ? lt_fc_manifest_read(ep, path, &manifest, err) : lt_fail_oom(err);
    const struct fc_entry *entry =
        status ? NULL : lt_fc_manifest_find(&manifest, stream->want->name.name);
    if (entry && entry->n_files && entry->n_columns) {
        status = lt_fc_evolve(entry, stream, &all, &stream->drift, err);
        status = status ? status : check_places(ep, want, entry, stream, err);
    }
    lt_schema_done(&all);
    lt_fc_manifest_done(&manifest);
    free(path);
    return status;
}

int lt_fc_stream_init(struct leat_endpoint *ep, const struct leat_write_plan *want, size_t index,
                      struct fc_stream *ret_stream, struct leat_error *err)
{
    struct fc_stream stream = {.want = &want->streams[index], .lock = FC_LOCK_NONE};
    const char *name = stream.want->name.name;
    int status = choose_format(ep, want, &stream, err);
    status = status ? status : choose_codec(ep, want, &stream, err);
    status = status ? status : lt_schema_copy(stream.want->schema, &stream.schema, err);
    if (!status && ep->kind == FC_DIRECTORY && stream.want->mode == LEAT_APPEND && name) {
        status = match_columns(ep, want, &stream, err);
    }
    status = status ? status : check_types(&stream, err);
    status = status ? status : lt_fc_layout(ep, want, &stream, err);
    if (!status && ep->kind == FC_DIRECTORY) {
        stream.lock_name = name && *name ? lt_fc_safe_name(name) : NULL;
        stream.ending =
            lt_format(".%s%s", stream.format->extensions[0], codec_ending(stream.codec));
        status = stream.lock_name && stream.ending ? LEAT_OK
                 : name && *name                   ? lt_fail_oom(err)
                                 : lt_fail(err, LT_E_INVALID, "a stream without a name");
    } else if (!status) {
        struct stat st;
        stream.path = lt_strdup(ep->path);
        stream.lock_name = lt_strdup(lt_fc_base(ep->path));
        stream.append_old = ep->kind == FC_FILE && stream.want->mode == LEAT_APPEND &&
                            stat(ep->path, &st) == 0 && st.st_size > 0;
        status = stream.path && stream.lock_name ? LEAT_OK : lt_fail_oom(err);
    }
    if (status) {
        lt_fc_stream_done(&stream);
        return status;
    }
    *ret_stream = stream;
    return LEAT_OK;
}

void lt_fc_stream_done(struct fc_stream *stream)
{
    lt_schema_done(&stream->schema);
    lt_fc_unlock(&stream->lock);
    free(stream->lock_name);
    free(stream->path);
    free(stream->ending);
    free(stream->drift);
    free(stream->name_template);
    for (size_t i = 0; i < stream->n_partitions; i++) {
        free(stream->partitions[i].name);
    }
    free(stream->partitions);
    *stream = (struct fc_stream){.lock = FC_LOCK_NONE};
}

/* --- what is there ------------------------------------------------------------------------- */

/* A file of the name this load wants, which no manifest of leat's lists, is somebody else's. */
static int plan_directory(struct leat_endpoint *ep, const struct fc_stream *stream,
                          struct leat_load_stream *plan, struct leat_error *err)
{
    const struct leat_write_stream *want = stream->want;
    struct fc_manifest manifest = {.entries = NULL};
    char *path = lt_format("%s" FC_MANIFEST, ep->path);
    char *name = lt_format("%s%s", stream->lock_name, stream->ending);
    char *file = name ? lt_format("%s%s", ep->path, name) : NULL;
    /* The files of a load that died after its intent are leat's, though no manifest says so yet. */
    int status = path && file ? lt_fc_recover(ep, ep->path, err) : lt_fail_oom(err);
    status = status ? status : lt_fc_manifest_read(ep, path, &manifest, err);
    if (!status) {
        const struct fc_entry *entry = lt_fc_manifest_find(&manifest, want->name.name);
        bool there = !stream->hive && access(file, F_OK) == 0;
        bool foreign = there && !lt_fc_manifest_lists(&manifest, name);
        plan->exists = there || entry;
        plan->ours = entry && want->source_id && !strcmp(entry->source_id, want->source_id);
        plan->rows_before = entry ? entry->rows : there ? -1 : 0;
        bool forced = want->flags & LEAT_WRITE_FORCE;
        bool holds = foreign ? lt_fc_has_records(ep, file) : entry && !plan->ours && entry->rows;
        if (want->mode == LEAT_REPLACE && holds && !forced) {
            status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                             "%s holds rows that leat did not write from this source",
                             foreign ? file : want->name.name);
        }
        plan->route = lt_format("%s files%s, then the manifest",
                                want->mode == LEAT_APPEND ? "further" : "new",
                                stream->n_partitions ? " in directories of partitions" : "");
    }
    lt_fc_manifest_done(&manifest);
    free(path);
    free(name);
    free(file);
    return status;
}

static int plan_file(struct leat_endpoint *ep, const struct fc_stream *stream,
                     struct leat_load_stream *plan, struct leat_error *err)
{
    struct stat st;
    plan->exists = stat(ep->path, &st) == 0;
    if (plan->exists && !S_ISREG(st.st_mode)) { /* before it is opened: a pipe would be read */
        return lt_fail(err, LT_E_INVALID, "%s is no regular file, which cannot be replaced",
                       ep->path);
    }
    plan->rows_before = plan->exists && lt_fc_has_records(ep, ep->path) ? -1 : 0;
    plan->route = lt_strdup(stream->append_old ? "old and new records into a new file, renamed"
                                               : "written beside and renamed");
    return LEAT_OK;
}

static int plan_standard(const struct leat_endpoint *ep, const struct fc_stream *stream,
                         struct leat_load_stream *plan, struct leat_error *err)
{
    if (!ep->program && (stream->format->binary || stream->codec) && isatty(STDOUT_FILENO)) {
        return lt_fail(err, LT_E_INVALID, "%s is not for a terminal", stream->format->name);
    }
    plan->route = lt_strdup("written directly");
    return LEAT_OK;
}

static int plan_stream(struct leat_endpoint *ep, const struct leat_write_plan *want, size_t index,
                       struct leat_load_stream *ret_plan, struct leat_error *err)
{
    struct fc_stream stream = {.lock = FC_LOCK_NONE};
    struct leat_load_stream plan = {.size = sizeof plan, .payloads = LEAT_PAYLOAD_BATCH};
    enum leat_write_mode mode = want->streams[index].mode;
    if (mode != LEAT_REPLACE && mode != LEAT_APPEND) {
        int refused = lt_fail(err, LT_E_UNSUPPORTED, "rows in files cannot be changed one by one");
        leat_error_remedy(err, "--strategy append adds files; `leat sync` writes them anew where "
                               "anything differs");
        return refused;
    }
    int status = lt_fc_stream_init(ep, want, index, &stream, err);
    if (status) {
        return status;
    }
    status = ep->kind == FC_DIRECTORY  ? plan_directory(ep, &stream, &plan, err)
             : ep->kind == FC_STANDARD ? plan_standard(ep, &stream, &plan, err)
                                       : plan_file(ep, &stream, &plan, err);
    if (!status && !plan.route) {
        status = lt_fail_oom(err);
    }
    plan.parts_max = 1; /* a stream is written by one thread */
    plan.drift = stream.drift;
    stream.drift = NULL;
    lt_schema_move(&stream.schema, &plan.schema);
    lt_fc_stream_done(&stream);
    if (status) {
        lt_schema_done(&plan.schema);
        free(plan.route);
        free(plan.drift);
        return status;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

int lt_fc_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
               struct leat_load_plan *ret_plan, struct leat_error *err)
{
    struct leat_load_plan plan = {.size = sizeof plan,
                                  .atomicity = ep->kind == FC_DIRECTORY  ? LEAT_ATOMIC_MANIFEST
                                               : ep->kind == FC_STANDARD ? LEAT_ATOMIC_NONE
                                                                         : LEAT_ATOMIC_LOAD,
                                  .serial = ep->kind == FC_STANDARD,
                                  .state = (void *)(uintptr_t)want};
    if (ep->kind == FC_GLOB) {
        return lt_fail(err, LT_E_INVALID, "a pattern cannot be written to");
    }
    if (want->shared) {
        return lt_fail(err, LT_E_UNSUPPORTED, "a load into files cannot be shared by processes");
    }
    if (want->n_streams != 1 && ep->kind != FC_DIRECTORY) {
        int status = lt_fail(err, LT_E_INVALID, "several streams do not fit into one file");
        leat_error_remedy(err, "end the path in / for a directory");
        return status;
    }
    plan.streams = calloc(want->n_streams + 1, sizeof *plan.streams);
    int status = plan.streams ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < want->n_streams && !status; i++) {
        status = plan_stream(ep, want, i, &plan.streams[i], err);
        plan.n_streams += !status;
    }
    if (status) {
        leat_error_place(err, "%s", ep->path);
        lt_fc_plan_release(&plan);
        return status;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

void lt_fc_plan_release(struct leat_load_plan *plan)
{
    for (size_t i = 0; i < plan->n_streams; i++) {
        lt_schema_done(&plan->streams[i].schema);
        free(plan->streams[i].route);
        free(plan->streams[i].drift);
    }
    free(plan->streams);
    plan->streams = NULL;
    plan->n_streams = 0;
}
