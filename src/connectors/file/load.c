/* Loads into files.
 *
 * A single file is written beside its place and renamed: that rename is the commit. A directory's
 * commit point is an intent file; what it says is then carried out step by step (commit.c) by this
 * load or by whoever comes next. Standard output is written directly. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "core/banned.h"

/* --- begin --------------------------------------------------------------------------------- */

/* A load that died after its intent is committed: its files wait to be renamed. Intents are only
 * written under the stream's lock, which whoever sweeps holds. */
static bool has_intent(const char *dir, const char *load_id)
{
    char *path = lt_fc_intent_path(dir, load_id);
    bool has = !path || access(path, F_OK) == 0;
    free(path);
    return has;
}

/* Removes temporary files of one stream, under its lock: of all loads but `spare`, or with
 * only_load of that one. */
static int sweep_stream(const char *dir, const char *stream, const char *spare,
                        const char *only_load, int64_t *removed, struct leat_error *err)
{
    char load_id[33];
    struct dirent *entry;
    DIR *handle = opendir(*dir ? dir : ".");
    if (!handle) {
        return errno == ENOENT ? LEAT_OK
                               : lt_fail_errno(err, errno, "cannot list the directory %s", dir);
    }
    while ((entry = readdir(handle))) {
        if (!lt_fc_is_temp(entry->d_name, stream, load_id) || (spare && !strcmp(load_id, spare)) ||
            (only_load && strcmp(load_id, only_load) != 0) || has_intent(dir, load_id)) {
            continue;
        }
        char *path = lt_format("%s%s", dir, entry->d_name);
        if (path && unlink(path) == 0) {
            ++*removed;
        }
        free(path);
    }
    closedir(handle);
    return LEAT_OK;
}

static void load_free(struct leat_load *load)
{
    for (size_t i = 0; i < load->n_streams; i++) {
        lt_fc_stream_done(&load->streams[i]);
    }
    for (size_t i = 0; i < load->n_sealed; i++) {
        lt_fc_outputs_done(&load->sealed[i].outputs, false);
    }
    pthread_mutex_destroy(&load->mutex);
    free(load->streams);
    free(load->sealed);
    free(load->dir);
    free(load);
}

static void fc_abort(struct leat_load *load)
{
    int64_t removed = 0;
    if (!load) {
        return;
    }
    for (size_t i = 0; i < load->n_streams && !load->committed; i++) {
        sweep_stream(load->dir, load->streams[i].lock_name, NULL, load->want->load_id, &removed,
                     NULL);
        lt_fc_unlock(&load->streams[i].lock);
    }
    if (load->made_dir && !load->committed) {
        rmdir(load->dir); /* only an empty one goes */
    }
    load_free(load);
}

static void fc_release(struct leat_load *load)
{
    if (load) {
        load_free(load);
    }
}

static int begin_stream(struct leat_load *load, size_t index, struct leat_error *err)
{
    struct leat_endpoint *ep = load->ep;
    struct fc_stream *stream = &load->streams[index];
    int64_t removed = 0;
    int status = lt_fc_stream_init(ep, load->want, index, stream, err);
    if (status) {
        return status;
    }
    load->n_streams = index + 1;
    if (ep->kind == FC_STANDARD) {
        return LEAT_OK;
    }
    status = lt_fc_lock(ep, load->dir, stream->lock_name, ep->lock_timeout_ms, &stream->lock, err);
    if (!status && stream->path) {
        struct stat st; /* the file may have come or gone while we waited */
        stream->append_old = load->want->streams[index].mode == LEAT_APPEND &&
                             stat(stream->path, &st) == 0 && st.st_size > 0;
    }
    return status ? status
                  : sweep_stream(load->dir, stream->lock_name, load->want->load_id, NULL, &removed,
                                 err);
}

/* What plan() found may have changed before the locks were there. */
static int plan_again(struct leat_load *load, const struct leat_load_plan *promised,
                      struct leat_error *err)
{
    struct leat_load_plan plan = {.size = sizeof plan};
    int status = lt_fc_plan(load->ep, load->want, &plan, err);
    for (size_t i = 0; i < plan.n_streams && !status; i++) {
        if (!lt_schema_same(&plan.streams[i].schema, &promised->streams[i].schema, true) ||
            !lt_schema_same(&plan.streams[i].schema, &load->streams[i].schema, true)) {
            status = lt_fail(err, LT_E_DESTINATION_BUSY,
                             "another load changed the columns of %s meanwhile",
                             load->want->streams[i].name.name);
        }
    }
    lt_fc_plan_release(&plan);
    return status;
}

static int fc_begin(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                    struct leat_load **ret_load, struct leat_error *err)
{
    struct leat_load *load = calloc(1, sizeof *load);
    if (!load) {
        return lt_fail_oom(err);
    }
    load->ep = ep;
    load->want = plan->state;
    pthread_mutex_init(&load->mutex, NULL);
    load->dir = lt_fc_dir_of(ep);
    load->streams = calloc(load->want->n_streams + 1, sizeof *load->streams);
    int status = load->dir && load->streams ? LEAT_OK : lt_fail_oom(err);
    if (!status && ep->kind == FC_DIRECTORY) {
        load->made_dir = mkdir(load->dir, 0777) == 0;
        if (!load->made_dir && errno != EEXIST) {
            status = lt_fail_errno(err, errno, "cannot make the directory %s", load->dir);
        }
        status = status ? status : lt_fc_recover(ep, load->dir, err);
    }
    for (size_t i = 0; i < load->want->n_streams && !status; i++) {
        status = begin_stream(load, i, err);
    }
    status = status ? status : plan_again(load, plan, err);
    if (status) {
        fc_abort(load);
        return status;
    }
    *ret_load = load;
    return LEAT_OK;
}

/* --- reading back -------------------------------------------------------------------------- */

static int add_back(struct fc_stream_files *files, const struct fc_output *output,
                    struct leat_error *err)
{
    struct fc_place *grown = realloc(files->files, (files->n + 1) * sizeof *grown);
    files->files = grown ? grown : files->files;
    if (!grown) {
        return lt_fail_oom(err);
    }
    grown[files->n] = (struct fc_place){
        .path = lt_strdup(output->temp), .within = lt_strdup(output->within), .bytes = -1};
    files->n++;
    return grown[files->n - 1].path && grown[files->n - 1].within ? LEAT_OK : lt_fail_oom(err);
}

/* What was written is read as what it is: by its schema, with the columns that directories hold. */
static int fc_read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                        struct leat_error *err)
{
    const struct fc_stream *own = &load->streams[stream];
    struct fc_stream_files files = {.hive = own->hive};
    struct leat_param params[FC_PARAMS_MAX];
    if (load->ep->kind == FC_STANDARD || own->append_old) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s",
                       load->ep->kind == FC_STANDARD
                           ? "standard output cannot be read back"
                           : "records appended to a file cannot be told from earlier ones");
    }
    int status = lt_schema_copy(&own->schema, &files.types, err);
    for (size_t i = 0; i < load->n_sealed && !status; i++) {
        const struct fc_outputs *outputs = &load->sealed[i].outputs;
        for (size_t k = 0; load->sealed[i].receipt.id.stream == stream && k < outputs->n && !status;
             k++) {
            status = add_back(&files, &outputs->files[k], err);
        }
    }
    if (!status && !files.n) {
        status = lt_fail(err, LT_E_INTERNAL, "no part of the stream was sealed");
    }
    struct fc_read read = {.format = own->format,
                           .codec = own->codec,
                           .codec_known = true,
                           .params = params,
                           .n_params =
                               lt_fc_stream_params(load, own, own->format->read_options, params),
                           .limit = -1};
    if (status) {
        lt_fc_stream_files_done(&files);
        return status;
    }
    return lt_fc_reader_new(load->ep, &files, &read, ret_reader, err);
}

/* --- guards -------------------------------------------------------------------------------- */

static int64_t rows_of(const struct leat_commit *what, uint32_t stream)
{
    int64_t rows = 0;
    for (size_t i = 0; i < what->n_receipts; i++) {
        rows += what->receipts[i].id.stream == stream ? what->receipts[i].rows_inserted : 0;
    }
    return rows;
}

static bool holds_records(struct leat_load *load, const struct fc_manifest *manifest,
                          uint32_t stream)
{
    if (load->ep->kind == FC_FILE) {
        return lt_fc_has_records(load->ep, load->ep->path);
    }
    const struct fc_entry *entry =
        lt_fc_manifest_find(manifest, load->want->streams[stream].name.name);
    return entry && entry->rows != 0;
}

static int check_guards(struct leat_load *load, const struct leat_commit *what,
                        const struct fc_manifest *manifest, struct leat_error *err)
{
    if (what->n_state && load->ep->kind != FC_DIRECTORY) {
        return lt_fail(err, LT_E_UNSUPPORTED, "a file keeps no state");
    }
    for (uint32_t i = 0; i < load->n_streams; i++) {
        const struct leat_write_stream *want = &load->want->streams[i];
        int64_t rows = rows_of(what, i), sealed = 0;
        for (size_t k = 0; k < load->n_sealed; k++) {
            const struct leat_receipt *receipt = &load->sealed[k].receipt;
            sealed += receipt->id.stream == i ? receipt->rows_inserted : 0;
        }
        int64_t expected = what->guards.rows_expected ? what->guards.rows_expected[i] : -1;
        if (rows != sealed || (expected >= 0 && expected != rows)) {
            return lt_fail(err, LT_E_COUNT_MISMATCH, "%s: %lld rows were expected, %lld written",
                           want->name.name ? want->name.name : load->ep->path,
                           (long long)(expected >= 0 ? expected : rows), (long long)sealed);
        }
        bool allowed = what->guards.allow_empty || (want->flags & LEAT_WRITE_ALLOW_EMPTY);
        if (want->mode == LEAT_REPLACE && rows == 0 && !allowed && load->ep->kind != FC_STANDARD &&
            holds_records(load, manifest, i)) {
            return lt_fail(err, LT_E_EMPTY_SOURCE, "%s: no rows would replace those there are",
                           want->name.name ? want->name.name : load->ep->path);
        }
    }
    return LEAT_OK;
}

/* A stream of which no part was opened still becomes a file: its header or schema. */
static int seal_missing(struct leat_load *load, struct leat_error *err)
{
    for (uint32_t i = 0; i < load->n_streams; i++) {
        bool found = false;
        for (size_t k = 0; k < load->n_sealed; k++) {
            found = found || load->sealed[k].receipt.id.stream == i;
        }
        if (found) {
            continue;
        }
        struct leat_part_plan plan = {
            .size = sizeof plan, .id = {.stream = i}, .payload = LEAT_PAYLOAD_BATCH};
        struct leat_receipt receipt = {.size = sizeof receipt};
        struct leat_part *part = NULL;
        int status = lt_fc_part_open(load, &plan, &part, err);
        status = status ? status : lt_fc_part_seal(part, &receipt, err);
        lt_fc_part_close(part);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

/* --- committing a directory ---------------------------------------------------------------- */

static char *now_text(void)
{
    time_t now = (time_t)(lt_wall_us() / 1000000);
    struct tm tm;
    char text[32];
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return lt_strdup(text);
}

static int entry_file(const struct leat_load *load, const struct fc_stream *stream, bool beside,
                      const struct fc_output *output, struct fc_entry *entry,
                      struct leat_error *err)
{
    struct fc_file *grown = realloc(entry->files, (entry->n_files + 1) * sizeof *grown);
    entry->files = grown ? grown : entry->files;
    if (!grown) {
        return lt_fail_oom(err);
    }
    struct fc_file *file = &grown[entry->n_files];
    *file = (struct fc_file){
        .temp = lt_strdup(lt_fc_base(output->temp)),
        .path = lt_fc_final_name(load, stream, output->within, entry->n_files, beside),
        .rows = output->rows,
        .bytes = output->bytes};
    snprintf(file->checksum, sizeof file->checksum, "%016" PRIx64, output->checksum);
    snprintf(file->load_id, sizeof file->load_id, "%s", load->want->load_id);
    entry->n_files++;
    entry->rows += file->rows;
    return file->temp && file->path ? LEAT_OK : lt_fail_oom(err);
}

static int entry_files(const struct leat_load *load, uint32_t stream, bool beside,
                       struct fc_entry *entry, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->n_sealed && !status; i++) {
        const struct fc_outputs *outputs = &load->sealed[i].outputs;
        for (size_t k = 0; load->sealed[i].receipt.id.stream == stream && k < outputs->n && !status;
             k++) {
            status =
                entry_file(load, &load->streams[stream], beside, &outputs->files[k], entry, err);
        }
    }
    return status;
}

static int entry_columns(const struct ArrowSchema *schema, struct fc_entry *entry,
                         struct leat_error *err)
{
    entry->columns = calloc((size_t)schema->n_children + 1, sizeof *entry->columns);
    for (int64_t i = 0; entry->columns && i < schema->n_children; i++) {
        struct lt_buf type = LT_BUF_INIT;
        struct fc_column *column = &entry->columns[entry->n_columns++];
        column->name = lt_strdup(schema->children[i]->name);
        column->type = lt_type_print(schema->children[i], &type) ? NULL : lt_buf_take(&type);
        column->nullable = schema->children[i]->flags & ARROW_FLAG_NULLABLE;
        lt_buf_done(&type);
        if (!column->name || !column->type) {
            return lt_fail_oom(err);
        }
    }
    return entry->columns ? LEAT_OK : lt_fail_oom(err);
}

/* The columns of all files that the stream then has. */
static int all_columns(const struct leat_load *load, uint32_t stream, const struct fc_entry *old,
                       struct fc_entry *entry, struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[stream];
    struct fc_stream coming = {.want = want, .lock = FC_LOCK_NONE};
    struct ArrowSchema all = {.release = NULL};
    if (want->mode != LEAT_APPEND || !old || !old->n_files || !old->n_columns) {
        return entry_columns(&load->streams[stream].schema, entry, err);
    }
    int status = lt_schema_copy(want->schema, &coming.schema, err);
    status = status ? status : lt_fc_evolve(old, &coming, &all, NULL, err);
    status = status ? status : entry_columns(&all, entry, err);
    lt_schema_done(&coming.schema);
    lt_schema_done(&all);
    return status;
}

/* Files of earlier loads that the new ones do not overwrite. */
static int entry_removes(const struct fc_entry *old, struct fc_entry *entry, struct leat_error *err)
{
    entry->removes = calloc(old->n_files + 1, sizeof *entry->removes);
    for (size_t i = 0; entry->removes && i < old->n_files; i++) {
        bool kept = false;
        for (size_t k = 0; k < entry->n_files && !kept; k++) {
            kept = !strcmp(entry->files[k].path, old->files[i].path);
        }
        if (!kept) {
            char *path = lt_strdup(old->files[i].path);
            if (!path) {
                return lt_fail_oom(err);
            }
            entry->removes[entry->n_removes++] = path;
        }
    }
    return entry->removes ? LEAT_OK : lt_fail_oom(err);
}

/* A name that is neither ours nor allowed to be overwritten must be free. */
static int check_names(const struct leat_load *load, const struct fc_manifest *manifest,
                       const struct leat_write_stream *want, const struct fc_entry *entry,
                       struct leat_error *err)
{
    for (size_t i = 0; i < entry->n_files; i++) {
        const char *name = entry->files[i].path;
        char *path = lt_format("%s%s", load->dir, name);
        bool there = path && access(path, F_OK) == 0;
        bool ours = lt_fc_manifest_lists(manifest, name);
        bool foreign = there && !ours && lt_fc_has_records(load->ep, path);
        bool taken = there && (ours || foreign) && want->mode == LEAT_APPEND;
        free(path);
        if (taken) {
            return lt_fail(err, LT_E_CONFLICT, "%s%s is there already", load->dir, name);
        }
        if (!path || (foreign && !(want->flags & LEAT_WRITE_FORCE))) {
            return path ? lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                                  "%s%s holds rows that leat did not write", load->dir, name)
                        : lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

static int make_entry(const struct leat_load *load, const struct leat_commit *what,
                      const struct fc_manifest *manifest, uint32_t stream, struct fc_entry *entry,
                      struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[stream];
    const struct fc_entry *old = lt_fc_manifest_find(manifest, want->name.name);
    char *plain = lt_format("%s%s%s", load->dir, load->streams[stream].lock_name,
                            load->streams[stream].ending);
    bool append = want->mode == LEAT_APPEND;
    bool beside = append && plain && (old || access(plain, F_OK) == 0);
    int status = plain ? LEAT_OK : lt_fail_oom(err);
    free(plain);
    entry->name = lt_strdup(want->name.name);
    entry->source_id = lt_strdup(want->source_id ? want->source_id : "");
    entry->load_id = lt_strdup(load->want->load_id);
    entry->mode = lt_strdup(append ? "append" : "replace");
    entry->loaded_at = now_text();
    if (!entry->name || !entry->source_id || !entry->load_id || !entry->mode || !entry->loaded_at) {
        status = lt_fail_oom(err);
    }
    status = status ? status : entry_files(load, stream, beside, entry, err);
    status = status ? status : all_columns(load, stream, old, entry, err);
    status = status ? status : lt_fc_state_join(old, append, what, stream, entry, err);
    status = status ? status : check_names(load, manifest, want, entry, err);
    return status || append || !old ? status : entry_removes(old, entry, err);
}

static int make_intent(struct leat_load *load, const struct leat_commit *what,
                       const struct fc_manifest *manifest, struct fc_manifest *intent,
                       struct leat_error *err)
{
    intent->no_record = load->ep->no_state;
    intent->entries = calloc(load->n_streams + 1, sizeof *intent->entries);
    int status = intent->entries ? LEAT_OK : lt_fail_oom(err);
    for (uint32_t i = 0; i < load->n_streams && !status; i++) {
        status = make_entry(load, what, manifest, i, &intent->entries[intent->n_entries++], err);
    }
    return status;
}

static bool lists_load(const struct fc_manifest *manifest, const char *load_id)
{
    for (size_t i = 0; i < manifest->n_loads; i++) {
        if (!strcmp(manifest->loads[i], load_id)) {
            return true;
        }
    }
    return false;
}

/* Once its intent is there the load is committed, even if writing it failed after that (the
 * directory could not be synced): a failure on the way leaves it to whoever asks next. */
static int carry_out(struct leat_load *load, const char *intent_path,
                     const struct fc_manifest *intent, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    const char *id = load->want->load_id;
    int status = lt_fc_manifest_write(load->ep, intent_path, id, intent, &why);
    if (status && !has_intent(load->dir, id)) {
        if (err) {
            *err = why;
        }
        return status;
    }
    load->committed = true;
    status = status ? status : lt_fc_step(load->ep, "file:intent:after", &why);
    status = status ? status : lt_fc_roll_forward(load->ep, load->dir, id, &why);
    if (status) {
        status = lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                         "the commit was begun and could not be ended: %.900s", why.message);
        leat_error_place(err, "%s", load->dir);
    }
    return status;
}

static int commit_directory(struct leat_load *load, const struct leat_commit *what, bool *already,
                            struct leat_error *err)
{
    struct leat_endpoint *ep = load->ep;
    struct fc_manifest manifest = {.entries = NULL}, intent = {.entries = NULL};
    struct fc_lock lock = FC_LOCK_NONE;
    char *path = lt_format("%s" FC_MANIFEST, load->dir);
    char *intent_path = lt_fc_intent_path(load->dir, load->want->load_id);
    int status = path && intent_path ? LEAT_OK : lt_fail_oom(err);
    status =
        status ? status : lt_fc_lock(ep, load->dir, FC_MANIFEST, ep->lock_timeout_ms, &lock, err);
    status = status ? status : lt_fc_manifest_read(ep, path, &manifest, err);
    *already = !status && lists_load(&manifest, load->want->load_id);
    if (!status && !*already) {
        status = check_guards(load, what, &manifest, err);
        status = status ? status : make_intent(load, what, &manifest, &intent, err);
        status = status ? status : lt_fc_step(ep, "file:intent:before", err);
        status = status ? status : carry_out(load, intent_path, &intent, err);
    }
    lt_fc_unlock(&lock);
    lt_fc_manifest_done(&manifest);
    lt_fc_manifest_done(&intent);
    free(path);
    free(intent_path);
    return status;
}

/* --- committing a file --------------------------------------------------------------------- */

enum mark { MARK_OURS, MARK_OTHER, MARK_UNKNOWN };

/* Whose load wrote the file, as far as its file system can tell. */
static enum mark mark_of(const char *path, const char *load_id)
{
#ifdef __linux__
    char id[64];
    ssize_t len = getxattr(path, "user.leat.load", id, sizeof id);
    if (len < 0) {
        return errno == ENODATA || errno == ENOENT ? MARK_OTHER : MARK_UNKNOWN;
    }
    return (size_t)len == strlen(load_id) && !memcmp(id, load_id, (size_t)len) ? MARK_OURS
                                                                               : MARK_OTHER;
#else
    (void)load_id;
    return access(path, F_OK) == 0 ? MARK_UNKNOWN : MARK_OTHER;
#endif
}

static int commit_file(struct leat_load *load, const struct leat_commit *what, bool *already,
                       struct leat_error *err)
{
    struct fc_manifest none = {.entries = NULL};
    const char *path = load->streams[0].path;
    *already = mark_of(path, load->want->load_id) == MARK_OURS;
    if (*already) {
        return LEAT_OK;
    }
    int status = check_guards(load, what, &none, err);
    const char *temp = status ? NULL : load->sealed[0].outputs.files[0].temp;
    status = status ? status : lt_fc_step(load->ep, "file:rename:before", err);
    status = status ? status : lt_file_replace(temp, path, err);
    load->committed = temp && access(temp, F_OK) != 0;
    if (!status && lt_fc_step(load->ep, "file:rename:after", err)) {
        status = LEAT_OUTCOME_UNKNOWN;
    }
    if (status && load->committed) {
        status = lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                         "%s was renamed, but may not outlive a power failure", path);
    }
    return status;
}

static void tell_counts(const struct leat_load *load, const struct leat_commit *what)
{
    for (uint32_t i = 0; what->ret_counts && i < load->n_streams; i++) {
        what->ret_counts[i] = (struct leat_row_counts){.size = sizeof what->ret_counts[i],
                                                       .inserted = rows_of(what, i)};
    }
}

static int fc_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                     struct leat_error *err)
{
    struct fc_manifest none = {.entries = NULL};
    bool already = false;
    int status = seal_missing(load, err);
    if (!status && load->ep->kind == FC_STANDARD) {
        status = check_guards(load, what, &none, err);
    } else if (!status) {
        status = load->ep->kind == FC_DIRECTORY ? commit_directory(load, what, &already, err)
                                                : commit_file(load, what, &already, err);
    }
    if (!status) {
        /* The parts of a load that was committed before are of no use any more. */
        int64_t removed = 0;
        for (size_t i = 0; i < load->n_streams && already; i++) {
            sweep_stream(load->dir, load->streams[i].lock_name, NULL, load->want->load_id, &removed,
                         NULL);
        }
        load->committed = true;
        *ret_already = already;
        tell_counts(load, what);
    }
    return status;
}

/* --- afterwards ---------------------------------------------------------------------------- */

/* The base name by which temporary files and locks of a stream go. */
static int lock_name(struct leat_endpoint *ep, const struct leat_stream_name *name, char **ret_name,
                     struct leat_error *err)
{
    *ret_name = ep->kind == FC_DIRECTORY ? lt_fc_safe_name(name->name ? name->name : "")
                                         : lt_strdup(lt_fc_base(ep->path));
    return *ret_name ? LEAT_OK : lt_fail_oom(err);
}

/* Whether the load's mark lies there: in a directory its intent or the manifest, else the file's
 * own attribute. */
static int is_committed(struct leat_endpoint *ep, const struct leat_write_plan *want,
                        const char *dir, bool *ret_committed, struct leat_error *err)
{
    if (ep->kind != FC_DIRECTORY) {
        *ret_committed = mark_of(ep->path, want->load_id) == MARK_OURS;
        return LEAT_OK;
    }
    struct fc_manifest manifest = {.entries = NULL};
    char *path = lt_format("%s" FC_MANIFEST, dir);
    bool intent = has_intent(dir, want->load_id);
    int status = path ? lt_fc_recover(ep, dir, err) : lt_fail_oom(err);
    status = status ? status : lt_fc_manifest_read(ep, path, &manifest, err);
    *ret_committed = !status && (intent || lists_load(&manifest, want->load_id));
    lt_fc_manifest_done(&manifest);
    free(path);
    return status;
}

static int outcome_by_lock(struct leat_endpoint *ep, const struct leat_write_plan *want,
                           const char *dir, enum leat_outcome *ret_outcome, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    struct fc_lock lock = FC_LOCK_NONE;
    char *name = NULL;
    int64_t temps = 0;
    int status = want->n_streams ? lock_name(ep, &want->streams[0].name, &name, err) : LEAT_OK;
    if (status || !name) {
        return status;
    }
    int locked = lt_fc_lock(ep, dir, name, 0, &lock, &why);
    if (locked == LEAT_UNAVAILABLE) {
        *ret_outcome = LEAT_LOAD_IN_FLIGHT;
        free(name);
        return LEAT_OK;
    }
    /* Its process may have committed it just before it let the lock go. */
    bool committed = false;
    if (!locked) {
        status = is_committed(ep, want, dir, &committed, err);
    }
    if (!locked && !status && !committed) {
        status = sweep_stream(dir, name, NULL, want->load_id, &temps, err);
    }
    lt_fc_unlock(&lock);
    free(name);
    if (committed) {
        *ret_outcome = LEAT_LOAD_COMMITTED;
        return LEAT_OK;
    }
    bool blind =
        ep->no_state || (ep->kind == FC_FILE && mark_of(ep->path, want->load_id) == MARK_UNKNOWN);
    if (!status && blind && temps == 0) {
        return lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                       "%s keeps no record of loads, and the load's own files are gone", ep->path);
    }
    *ret_outcome = LEAT_LOAD_ABSENT;
    return status;
}

static int fc_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
                      enum leat_outcome *ret_outcome, struct leat_error *err)
{
    if (ep->kind == FC_STANDARD) {
        return lt_fail(err, LT_E_OUTCOME_UNKNOWN, "standard output cannot be asked");
    }
    char *dir = lt_fc_dir_of(ep);
    bool committed = false;
    int status = dir ? is_committed(ep, want, dir, &committed, err) : lt_fail_oom(err);
    if (!status && committed) {
        *ret_outcome = LEAT_LOAD_COMMITTED;
    } else if (!status && ep->kind == FC_DIRECTORY && access(dir, F_OK) != 0) {
        *ret_outcome = LEAT_LOAD_ABSENT;
    } else if (!status) {
        status = outcome_by_lock(ep, want, dir, ret_outcome, err);
    }
    free(dir);
    return status;
}

static int sweep_one(struct leat_endpoint *ep, const char *dir, const struct leat_stream_name *name,
                     int64_t *removed, struct leat_error *err)
{
    struct fc_lock lock = FC_LOCK_NONE;
    char *base = NULL;
    int status = lock_name(ep, name, &base, err);
    /* A stream that is locked is at work: its files are not orphans. */
    if (!status && !lt_fc_lock(ep, dir, base, 0, &lock, NULL)) {
        status = sweep_stream(dir, base, NULL, NULL, removed, err);
        lt_fc_unlock(&lock);
    }
    free(base);
    return status;
}

static int fc_sweep(struct leat_endpoint *ep, const struct leat_stream_name *streams,
                    size_t n_streams, int64_t *ret_removed, struct leat_error *err)
{
    int64_t removed = 0;
    char *dir = lt_fc_dir_of(ep);
    int status = dir ? LEAT_OK : lt_fail_oom(err);
    bool there = dir && access(*dir ? dir : ".", F_OK) == 0;
    if (!status && there && ep->kind == FC_DIRECTORY) {
        status = lt_fc_recover(ep, dir, err);
    }
    for (size_t i = 0; i < n_streams && !status && there && ep->kind != FC_STANDARD; i++) {
        status = sweep_one(ep, dir, &streams[i], &removed, err);
    }
    free(dir);
    if (!status && ret_removed) {
        *ret_removed = removed;
    }
    return status;
}

const struct leat_load_ops lt_fc_load = {
    .plan = lt_fc_plan,
    .plan_release = lt_fc_plan_release,
    .begin = fc_begin,
    .part_open = lt_fc_part_open,
    .part_write = lt_fc_part_write,
    .part_seal = lt_fc_part_seal,
    .part_close = lt_fc_part_close,
    .read_back = fc_read_back,
    .commit = fc_commit,
    .outcome = fc_outcome,
    .abort = fc_abort,
    .release = fc_release,
    .sweep = fc_sweep,
    .state = lt_fc_state,
    .state_set = lt_fc_state_set,
};
