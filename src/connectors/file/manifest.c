/* The manifest of a directory, and intents, which have the same form: JSON, written whole under a
 * temporary name and renamed. */
#include "connectors/file/internal.h"

#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

#define MANIFEST_VERSION 1
#define MANIFEST_BYTES_MAX ((size_t)256 << 20)
#define READ_STEP ((size_t)64 << 10)

/* --- freeing ------------------------------------------------------------------------------- */

void lt_fc_entry_done(struct fc_entry *entry)
{
    for (size_t i = 0; i < entry->n_files; i++) {
        free(entry->files[i].path);
        free(entry->files[i].temp);
    }
    for (size_t i = 0; i < entry->n_columns; i++) {
        free(entry->columns[i].name);
        free(entry->columns[i].type);
    }
    for (size_t i = 0; i < entry->n_state; i++) {
        free(entry->state[i].key);
        free(entry->state[i].value);
    }
    for (size_t i = 0; i < entry->n_removes; i++) {
        free(entry->removes[i]);
    }
    free(entry->files);
    free(entry->columns);
    free(entry->state);
    free(entry->removes);
    free(entry->name);
    free(entry->source_id);
    free(entry->load_id);
    free(entry->mode);
    free(entry->loaded_at);
    *entry = (struct fc_entry){.name = NULL};
}

void lt_fc_manifest_done(struct fc_manifest *manifest)
{
    for (size_t i = 0; i < manifest->n_entries; i++) {
        lt_fc_entry_done(&manifest->entries[i]);
    }
    for (size_t i = 0; i < manifest->n_loads; i++) {
        free(manifest->loads[i]);
    }
    free(manifest->entries);
    free(manifest->loads);
    *manifest = (struct fc_manifest){.entries = NULL};
}

struct fc_entry *lt_fc_manifest_find(const struct fc_manifest *manifest, const char *stream)
{
    for (size_t i = 0; i < manifest->n_entries; i++) {
        if (!strcmp(manifest->entries[i].name, stream)) {
            return &manifest->entries[i];
        }
    }
    return NULL;
}

bool lt_fc_manifest_lists(const struct fc_manifest *manifest, const char *path)
{
    for (size_t i = 0; i < manifest->n_entries; i++) {
        for (size_t k = 0; k < manifest->entries[i].n_files; k++) {
            if (!strcmp(manifest->entries[i].files[k].path, path)) {
                return true;
            }
        }
    }
    return false;
}

/* --- reading ------------------------------------------------------------------------------- */

static bool is_plain_part(const char *part, size_t len)
{
    return len && !(len == 1 && *part == '.') && !(len == 2 && !memcmp(part, "..", 2));
}

/* A path below the directory and nothing else: the manifest says which files are removed. */
static bool is_plain_path(const char *path)
{
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        if (!is_plain_part(path, (size_t)(slash - path))) {
            return false;
        }
    }
    return is_plain_part(path, strlen(path));
}

static bool read_files(const struct lt_json_value *list, struct fc_entry *entry)
{
    size_t n = lt_json_count(list);
    entry->files = calloc(n + 1, sizeof *entry->files);
    for (size_t i = 0; entry->files && i < n; i++) {
        const struct lt_json_value *item = lt_json_at(list, i);
        struct fc_file *file = &entry->files[entry->n_files++];
        const char *temp = lt_json_string(lt_json_get(item, "temp"), NULL);
        file->path = lt_strdup(lt_json_string(lt_json_get(item, "path"), ""));
        file->temp = temp ? lt_strdup(temp) : NULL;
        file->rows = lt_json_integer(lt_json_get(item, "rows"), -1);
        file->bytes = lt_json_integer(lt_json_get(item, "bytes"), -1);
        snprintf(file->checksum, sizeof file->checksum, "%s",
                 lt_json_string(lt_json_get(item, "xxh3"), ""));
        snprintf(file->load_id, sizeof file->load_id, "%s",
                 lt_json_string(lt_json_get(item, "load_id"), ""));
        if (!file->path || !is_plain_path(file->path) || (temp && !file->temp) ||
            (temp && (!is_plain_path(temp) || strchr(temp, '/')))) {
            return false;
        }
    }
    return entry->files != NULL;
}

static bool read_columns(const struct lt_json_value *list, struct fc_entry *entry)
{
    size_t n = lt_json_count(list);
    entry->columns = calloc(n + 1, sizeof *entry->columns);
    for (size_t i = 0; entry->columns && i < n; i++) {
        const struct lt_json_value *item = lt_json_at(list, i);
        struct fc_column *column = &entry->columns[entry->n_columns++];
        column->name = lt_strdup(lt_json_string(lt_json_get(item, "name"), ""));
        column->type = lt_strdup(lt_json_string(lt_json_get(item, "type"), ""));
        column->nullable = lt_json_integer(lt_json_get(item, "nullable"), 1) != 0;
        if (!column->name || !column->type) {
            return false;
        }
    }
    return entry->columns != NULL;
}

static bool read_state(const struct lt_json_value *list, struct fc_entry *entry)
{
    size_t n = lt_json_count(list);
    entry->state = calloc(n + 1, sizeof *entry->state);
    for (size_t i = 0; entry->state && i < n; i++) {
        const struct lt_json_value *item = lt_json_at(list, i);
        struct fc_pair *pair = &entry->state[entry->n_state++];
        pair->key = lt_strdup(lt_json_string(lt_json_get(item, "key"), ""));
        pair->value = lt_strdup(lt_json_string(lt_json_get(item, "value"), ""));
        if (!pair->key || !pair->value) {
            return false;
        }
    }
    return entry->state != NULL;
}

static bool read_texts(const struct lt_json_value *list, char ***ret_texts, size_t *ret_n)
{
    size_t n = lt_json_count(list);
    *ret_texts = calloc(n + 1, sizeof **ret_texts);
    for (size_t i = 0; *ret_texts && i < n; i++) {
        char *text = lt_strdup(lt_json_string(lt_json_at(list, i), ""));
        (*ret_texts)[(*ret_n)++] = text;
        if (!text || !is_plain_path(text)) {
            return false;
        }
    }
    return *ret_texts != NULL;
}

static bool read_entry(const struct lt_json_value *item, struct fc_entry *entry)
{
    entry->name = lt_strdup(lt_json_string(lt_json_get(item, "name"), ""));
    entry->source_id = lt_strdup(lt_json_string(lt_json_get(item, "source_id"), ""));
    entry->load_id = lt_strdup(lt_json_string(lt_json_get(item, "load_id"), ""));
    entry->mode = lt_strdup(lt_json_string(lt_json_get(item, "mode"), ""));
    entry->loaded_at = lt_strdup(lt_json_string(lt_json_get(item, "loaded_at"), ""));
    entry->rows = lt_json_integer(lt_json_get(item, "rows"), -1);
    return entry->name && entry->source_id && entry->load_id && entry->mode && entry->loaded_at &&
           read_files(lt_json_get(item, "files"), entry) &&
           read_columns(lt_json_get(item, "schema"), entry) &&
           read_state(lt_json_get(item, "state"), entry) &&
           read_texts(lt_json_get(item, "removes"), &entry->removes, &entry->n_removes);
}

static int parse(const char *text, size_t len, struct fc_manifest *manifest, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    int status = lt_json_doc_parse(text, len, &doc, err);
    if (status) {
        return status;
    }
    const struct lt_json_value *root = lt_json_root(doc);
    const struct lt_json_value *streams = lt_json_get(root, "streams");
    int64_t version = lt_json_integer(lt_json_get(root, "version"), 0);
    size_t n = lt_json_count(streams);
    if (version != MANIFEST_VERSION) {
        status = lt_fail(err, LT_E_UNSUPPORTED,
                         "a manifest of version %lld, which this leat does "
                         "not know",
                         (long long)version);
        goto out;
    }
    manifest->no_record = lt_json_integer(lt_json_get(root, "no_record"), 0) != 0;
    manifest->entries = calloc(n + 1, sizeof *manifest->entries);
    bool good = manifest->entries &&
                read_texts(lt_json_get(root, "loads"), &manifest->loads, &manifest->n_loads);
    for (size_t i = 0; i < n && good; i++) {
        good = read_entry(lt_json_at(streams, i), &manifest->entries[manifest->n_entries++]);
    }
    status = good ? LEAT_OK : lt_fail(err, LT_E_CORRUPT, "not a manifest that leat wrote");
out:
    lt_json_doc_free(doc);
    return status;
}

int lt_fc_manifest_read(struct leat_endpoint *ep, const char *path,
                        struct fc_manifest *ret_manifest, struct leat_error *err)
{
    struct lt_file_options options = lt_fc_file_options(ep);
    struct fc_manifest manifest = {.entries = NULL};
    struct lt_source *source = NULL;
    struct lt_buf text = LT_BUF_INIT;
    size_t len = 1;
    if (access(path, F_OK) != 0) {
        *ret_manifest = manifest;
        return LEAT_OK;
    }
    int status = lt_source_file(path, &options, &source, err);
    while (!status && len) {
        status = lt_buf_reserve(&text, READ_STEP) ? lt_fail_oom(err) : LEAT_OK;
        status =
            status ? status : lt_source_read(source, text.data + text.len, READ_STEP, &len, err);
        text.len += status ? 0 : len;
        if (!status && text.len > MANIFEST_BYTES_MAX) {
            status = lt_fail(err, LT_E_LIMIT, "a manifest of more than 256 MiB");
        }
    }
    lt_source_close(source);
    status = status ? status : parse(lt_buf_text(&text), text.len, &manifest, err);
    lt_buf_done(&text);
    if (status) {
        leat_error_place(err, "%s", path);
        lt_fc_manifest_done(&manifest);
        return status;
    }
    *ret_manifest = manifest;
    return LEAT_OK;
}

/* --- writing ------------------------------------------------------------------------------- */

static void put_pair(struct lt_json *json, const char *key, const char *value)
{
    lt_json_key(json, key);
    lt_json_text(json, value);
}

static void put_number(struct lt_json *json, const char *key, int64_t value)
{
    lt_json_key(json, key);
    lt_json_int(json, value);
}

static void put_file(struct lt_json *json, const struct fc_file *file)
{
    lt_json_object(json);
    put_pair(json, "path", file->path);
    if (file->temp) {
        put_pair(json, "temp", file->temp);
    }
    put_number(json, "rows", file->rows);
    put_number(json, "bytes", file->bytes);
    put_pair(json, "xxh3", file->checksum);
    if (*file->load_id) {
        put_pair(json, "load_id", file->load_id);
    }
    lt_json_object_end(json);
}

static void put_list(struct lt_json *json, const char *key, char *const *texts, size_t n)
{
    lt_json_key(json, key);
    lt_json_array(json);
    for (size_t i = 0; i < n; i++) {
        lt_json_text(json, texts[i]);
    }
    lt_json_array_end(json);
}

static void put_entry(struct lt_json *json, const struct fc_entry *entry)
{
    lt_json_object(json);
    put_pair(json, "name", entry->name);
    put_pair(json, "source_id", entry->source_id);
    put_pair(json, "load_id", entry->load_id);
    put_pair(json, "mode", entry->mode);
    put_pair(json, "loaded_at", entry->loaded_at);
    put_number(json, "rows", entry->rows);
    lt_json_key(json, "files");
    lt_json_array(json);
    for (size_t i = 0; i < entry->n_files; i++) {
        put_file(json, &entry->files[i]);
    }
    lt_json_array_end(json);
    lt_json_key(json, "schema");
    lt_json_array(json);
    for (size_t i = 0; i < entry->n_columns; i++) {
        lt_json_object(json);
        put_pair(json, "name", entry->columns[i].name);
        put_pair(json, "type", entry->columns[i].type);
        put_number(json, "nullable", entry->columns[i].nullable);
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
    lt_json_key(json, "state");
    lt_json_array(json);
    for (size_t i = 0; i < entry->n_state; i++) {
        lt_json_object(json);
        put_pair(json, "key", entry->state[i].key);
        put_pair(json, "value", entry->state[i].value);
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
    if (entry->n_removes) {
        put_list(json, "removes", entry->removes, entry->n_removes);
    }
    lt_json_object_end(json);
}

static int format_manifest(const struct fc_manifest *manifest, struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    lt_json_object(&json);
    put_number(&json, "version", MANIFEST_VERSION);
    if (manifest->no_record) {
        put_number(&json, "no_record", 1);
    }
    put_list(&json, "loads", manifest->loads, manifest->n_loads);
    lt_json_key(&json, "streams");
    lt_json_array(&json);
    for (size_t i = 0; i < manifest->n_entries; i++) {
        put_entry(&json, &manifest->entries[i]);
    }
    lt_json_array_end(&json);
    lt_json_object_end(&json);
    return json.failed || lt_buf_byte(out, '\n');
}

int lt_fc_manifest_write(struct leat_endpoint *ep, const char *path, const char *load_id,
                         const struct fc_manifest *manifest, struct leat_error *err)
{
    struct lt_file_options options = {.durable = true};
    struct lt_buf text = LT_BUF_INIT;
    struct lt_sink *sink = NULL;
    size_t dir = (size_t)(lt_fc_base(path) - path);
    char *temp = lt_format("%.*s.leat-%s-manifest.tmp", (int)dir, path, load_id);
    int status = !temp || format_manifest(manifest, &text) ? lt_fail_oom(err) : LEAT_OK;
    (void)ep; /* not to be stopped half way: a cancelled run still has its commit carried out */
    status = status ? status : lt_sink_file(temp, &options, &sink, err);
    status = status ? status : lt_sink_write(sink, text.data, text.len, err);
    status = status ? status : lt_sink_finish(sink, err);
    lt_sink_close(sink);
    status = status ? status : lt_file_replace(temp, path, err);
    if (status && temp) {
        unlink(temp);
    }
    free(temp);
    lt_buf_done(&text);
    return status;
}
