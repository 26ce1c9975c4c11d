/* ManifestWriter and ManifestReader: a CSV list of files' names, the mark that all are there. */
#include "pipe/halfpipe/fields.h"
#include "pipe/halfpipe/outfile.h"
#include "pipe/halfpipe/types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char header[] = "FileName";

/* --- writing -------------------------------------------------------------------------------- */

struct writer {
    struct hp_fields fields;
    struct hp_names names;
    struct lt_buf out;
    int64_t dir, name, path; /* fields that it makes */
    int64_t files;
    bool over;
};

static int open_writer(struct hp_step *step, struct leat_error *err)
{
    struct writer *state = calloc(1, sizeof *state);
    const struct hp_def *def = step->def;
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    int rc = hp_fields_init(&state->fields, step->inputs[0],
                            hp_value(def, "inputFieldName4FilePath"), false, err);
    rc = rc ? rc : hp_names_init(&state->names, def, false, "manifest-output", err);
    rc = rc ? rc : lt_schema_init_struct(&step->schema, 0, err);
    rc = rc ? rc
            : hp_schema_put(&step->schema, "u", hp_value(def, "outputFieldName4ManifestDir"),
                            &state->dir, err);
    rc = rc ? rc
            : hp_schema_put(&step->schema, "u", hp_value(def, "outputFieldName4ManifestName"),
                            &state->name, err);
    rc = rc ? rc
            : hp_schema_put(&step->schema, "u", hp_value(def, "outputFieldName4ManifestFullPath"),
                            &state->path, err);
    if (!rc && lt_buf_printf(&state->out, "%s\n", header)) {
        rc = lt_fail_oom(err);
    }
    return rc;
}

static int add_names(struct writer *state, const struct ArrowArray *batch, struct leat_error *err)
{
    int rc = hp_fields_fill(&state->fields, batch, err);
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        size_t len;
        const char *path = hp_text_at(&state->fields.texts[0], row, &len);
        const char *slash = memrchr(path, '/', len);
        const char *name = slash ? slash + 1 : path;
        if (hp_csv_field(&state->out, name, len - (size_t)(name - path), false) ||
            lt_buf_byte(&state->out, '\n')) {
            rc = lt_fail_oom(err);
        }
        state->files++;
    }
    return rc;
}

static int write_manifest(struct hp_step *step, struct ArrowArray *ret_batch,
                          struct leat_error *err)
{
    struct writer *state = step->state;
    struct hp_outfile file = {.sink = NULL};
    char *path = NULL;
    int rc = hp_outfile_open(&file, &state->names, err);
    rc = rc ? rc : lt_sink_write(file.sink, state->out.data, state->out.len, err);
    rc = rc ? rc : hp_outfile_finish(&file, &path, err);
    hp_outfile_done(&file);
    char *slash = path ? strrchr(path, '/') : NULL;
    char *dir = slash ? lt_strndup(path, (size_t)(slash - path) + 1) : NULL;
    rc = rc || dir ? rc : lt_fail_oom(err);
    const struct {
        int64_t at;
        const char *text;
    } columns[] = {{state->dir, dir}, {state->name, slash ? slash + 1 : ""}, {state->path, path}};
    struct ArrowArray batch = {.release = NULL}, column = {.release = NULL}, made;
    rc = rc ? rc : lt_array_init(&batch, 1, 0, err);
    batch.length = 1;
    for (size_t i = 0; !rc && i < 3; i++) {
        rc = hp_constant_column("u", columns[i].text, 1, &column, err);
        rc = rc ? rc : hp_batch_put(&batch, columns[i].at, &column, &made, err);
        if (!rc) {
            lt_array_move(&made, &batch);
        }
    }
    if (!rc) {
        lt_array_move(&batch, ret_batch);
    }
    lt_array_done(&batch);
    free(dir);
    free(path);
    return rc;
}

static int next_writer(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct writer *state = step->state;
    struct ArrowArray batch;
    int rc = LEAT_OK;
    if (state->over) {
        return LEAT_OK;
    }
    while (!rc && !state->over) {
        rc = hp_pull(step->inputs[0], &batch, err);
        state->over = !rc && !batch.release;
        rc = rc || state->over ? rc : add_names(state, &batch, err);
        lt_array_done(&batch);
    }
    return rc || !state->files ? rc : write_manifest(step, ret_batch, err);
}

static void close_writer(struct hp_step *step)
{
    struct writer *state = step->state;
    if (state) {
        hp_fields_done(&state->fields);
        hp_names_done(&state->names);
        lt_buf_done(&state->out);
    }
    free(state);
    step->state = NULL;
}

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
    struct hp_fields fields;
    char *dir;
    char **names; /* read, not yet given */
    size_t n;
};

static int open_reader(struct hp_step *step, struct leat_error *err)
{
    struct reader *state = calloc(1, sizeof *state);
    const char *bucket = hp_value(step->def, "bucketName");
    const char *prefix = hp_value(step->def, "bucketPrefix");
    int64_t at;
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    const char *path = strncmp(bucket, "file:", 5) ? bucket : bucket + 5;
    path = strncmp(path, "//", 2) ? path : path + 2;
    if (strstr(path, "://") || (path == bucket && *bucket != '/' && *bucket != '.')) {
        int rc = lt_fail(err, LT_E_UNSUPPORTED,
                         "bucketName \"%.100s\" needs a connector for S3, which this leat has not",
                         bucket);
        leat_error_remedy(err, "a folder is written as ./PATH, /PATH or file:PATH");
        return rc;
    }
    state->dir = lt_format("%s%s%s", path, *prefix ? "/" : "", prefix);
    int rc = state->dir
                 ? hp_fields_init(&state->fields, step->inputs[0],
                                  hp_value(step->def, "inputFieldName4ManifestName"), false, err)
                 : lt_fail_oom(err);
    rc = rc ? rc : lt_schema_init_struct(&step->schema, 0, err);
    return rc ? rc
              : hp_schema_put(&step->schema, "u",
                              hp_value(step->def, "outputFieldName4DataFileName"), &at, err);
}

/* A line's name, without the quotes of CSV. */
static int add_name(struct reader *state, char *line, struct leat_error *err)
{
    size_t len = strcspn(line, "\r\n"), n = 0;
    line[len] = 0;
    if (!len) {
        return LEAT_OK;
    }
    for (size_t i = *line == '"'; *line == '"' && i < len; i++) {
        if (line[i] != '"' || line[i + 1] == '"') {
            line[n++] = line[i];
            i += line[i] == '"';
        }
    }
    char **names = realloc(state->names, (state->n + 1) * sizeof *names);
    state->names = names ? names : state->names;
    char *copy = names ? lt_strndup(line, n ? n : len) : NULL;
    if (!copy) {
        return lt_fail_oom(err);
    }
    names[state->n++] = copy;
    return LEAT_OK;
}

static int read_manifest(struct reader *state, const char *name, size_t len, struct leat_error *err)
{
    char *path = lt_format("%s/%.*s", state->dir, (int)len, name), *line = NULL;
    size_t room = 0;
    FILE *file = path ? fopen(path, "re") : NULL;
    int rc = LEAT_OK;
    if (!file) {
        rc = path ? lt_fail_errno(err, errno, "cannot open the manifest %s", path)
                  : lt_fail_oom(err);
    }
    for (int64_t n = 0; !rc && getline(&line, &room, file) > 0; n++) {
        if (!n && strncmp(line, header, sizeof header - 1) != 0) {
            rc = lt_fail(err, LT_E_CORRUPT, "%s does not begin with %s: it is no manifest", path,
                         header);
        } else if (n) {
            rc = add_name(state, line, err);
        }
    }
    if (!rc && ferror(file)) {
        rc = lt_fail_errno(err, errno, "cannot read the manifest %s", path);
    }
    if (file) {
        fclose(file);
    }
    free(line);
    free(path);
    return rc;
}

static int next_reader(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct reader *state = step->state;
    struct ArrowArray batch;
    bool over = false;
    int rc = LEAT_OK;
    while (!rc && !over && !state->n) {
        rc = hp_pull(step->inputs[0], &batch, err);
        over = !rc && !batch.release;
        rc = rc || over ? rc : hp_fields_fill(&state->fields, &batch, err);
        for (int64_t row = 0; !rc && !over && row < batch.length; row++) {
            size_t len;
            const char *name = hp_text_at(&state->fields.texts[0], row, &len);
            rc = read_manifest(state, name, len, err);
        }
        lt_array_done(&batch);
    }
    if (!rc && state->n) {
        rc = hp_text_batch(state->names, state->n, ret_batch, err);
        for (size_t i = 0; i < state->n; i++) {
            free(state->names[i]);
        }
        state->n = 0;
    }
    return rc;
}

static void close_reader(struct hp_step *step)
{
    struct reader *state = step->state;
    if (state) {
        for (size_t i = 0; i < state->n; i++) {
            free(state->names[i]);
        }
        free(state->names);
        free(state->dir);
        hp_fields_done(&state->fields);
    }
    free(state);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_manifest_writer = {open_writer, next_writer, close_writer};
const struct lt_halfpipe_ops hp_ops_manifest_reader = {open_reader, next_reader, close_reader};
