/* StdOutPassThrough: a line of JSON for each record. */
#include "pipe/halfpipe/fields.h"
#include "pipe/halfpipe/types.h"

#include "core/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct state {
    struct hp_fields fields;
    struct lt_buf *names; /* "name": with what stands before it */
    struct lt_buf lines;
    int64_t most, written;
};

static int open_stdout(struct hp_step *step, struct leat_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    const struct ArrowSchema *schema = &step->inputs[0]->schema;
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    int rc = hp_number(step->def, "abortAfterNumRecords", &state->most, err);
    rc = rc ? rc
            : hp_fields_init(&state->fields, step->inputs[0],
                             hp_value(step->def, "outputFieldsCsv"), true, err);
    state->names = calloc(state->fields.n + 1, sizeof *state->names);
    rc = rc || state->names ? rc : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < state->fields.n; i++) {
        const char *name = schema->children[state->fields.columns[i]]->name;
        struct lt_buf *out = &state->names[i];
        if (lt_buf_puts(out, i ? ", " : "{") || lt_json_quote(out, name, strlen(name)) ||
            lt_buf_puts(out, ": ")) {
            rc = lt_fail_oom(err);
        }
    }
    return rc ? rc : lt_schema_copy(schema, &step->schema, err);
}

static bool is_binary(enum lt_type_id id)
{
    return id == LT_BINARY || id == LT_LARGE_BINARY || id == LT_FIXED_BINARY;
}

/* Bytes that are no text are written as \x and their hex digits. */
static int put_bytes(struct lt_buf *out, const char *text, size_t len)
{
    int rc = lt_buf_puts(out, "\"\\\\x");
    for (size_t i = 0; !rc && i < len; i++) {
        rc = lt_buf_printf(out, "%02x", (unsigned char)text[i]);
    }
    return rc ? rc : lt_buf_byte(out, '"');
}

static int put_record(struct state *state, int64_t row)
{
    struct lt_buf *out = &state->lines;
    int rc = state->fields.n ? LEAT_OK : lt_buf_byte(out, '{');
    for (size_t i = 0; !rc && i < state->fields.n; i++) {
        size_t len;
        const struct lt_view *view = &state->fields.views[i];
        const char *text = hp_text_at(&state->fields.texts[i], row, &len);
        rc = lt_buf_append(out, state->names[i].data, state->names[i].len);
        if (!rc && lt_view_is_null(view, row)) {
            rc = lt_buf_puts(out, "null");
        } else if (!rc) {
            rc = is_binary(view->type.id) && view->type.logical == LT_PLAIN
                     ? put_bytes(out, text, len)
                     : lt_json_quote(out, text, len);
        }
    }
    return rc ? rc : lt_buf_puts(out, "}\n");
}

static int write_lines(struct state *state, struct leat_error *err)
{
    if (fwrite(state->lines.data, 1, state->lines.len, stdout) != state->lines.len ||
        fflush(stdout)) {
        int code = errno;
        int rc = lt_fail_errno(err, code, "standard output could not be written");
        if (err) {
            err->sys_errno = code;
        }
        return rc;
    }
    return LEAT_OK;
}

static int next_stdout(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct state *state = step->state;
    int rc = hp_pull(step->inputs[0], ret_batch, err);
    if (rc || !ret_batch->release) {
        return rc;
    }
    lt_buf_clear(&state->lines);
    rc = hp_fields_fill(&state->fields, ret_batch, err);
    bool over = false;
    for (int64_t row = 0; !rc && !over && row < ret_batch->length; row++) {
        rc = put_record(state, row) ? lt_fail_oom(err) : LEAT_OK;
        over = ++state->written == state->most;
    }
    rc = rc ? rc : write_lines(state, err);
    if (!rc && over) {
        rc = lt_fail(err, LT_E_LIMIT,
                     "%lld records were written, and abortAfterNumRecords allows no "
                     "more",
                     (long long)state->written);
        leat_error_remedy(err, "%s", "");
    }
    return rc;
}

static void close_stdout(struct hp_step *step)
{
    struct state *state = step->state;
    if (state) {
        for (size_t i = 0; state->names && i < state->fields.n; i++) {
            lt_buf_done(&state->names[i]);
        }
        free(state->names);
        hp_fields_done(&state->fields);
        lt_buf_done(&state->lines);
    }
    free(state);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_stdout = {open_stdout, next_stdout, close_stdout};
