/* What a unit would do, in words: --dry-run. */
#include "engine/unit.h"

#include "core/codes.h"

#include <stdlib.h>

/* Statements that other streams may need as well stand once. */
static int describe_shared(struct lt_unit_try *unit, size_t d, const char *indent,
                           struct lt_buf *out)
{
    const struct leat_load_stream *to = &unit->dests[d].plan.streams[0];
    struct lt_buf *shown = &unit->run->shown;
    size_t known = offsetof(struct leat_load_stream, shared_ddl) + sizeof to->shared_ddl;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && to->size >= known && to->shared_ddl && to->shared_ddl[i]; i++) {
        char *text = lt_format("%zu:%s", d, to->shared_ddl[i]);
        bool there = false;
        for (size_t at = 0; text && at < shown->len && !there;
             at += strlen((char *)shown->data + at) + 1) {
            there = !strcmp((char *)shown->data + at, text);
        }
        if (!text || (!there && (lt_buf_append(shown, text, strlen(text) + 1) ||
                                 lt_buf_printf(out, "%s%s;\n", indent, to->shared_ddl[i])))) {
            rc = LEAT_NO_MEMORY;
        }
        free(text);
    }
    return rc;
}

/* The statements alone, and what differs as comments: to be kept, or run by somebody else. */
static int describe_ddl(struct lt_unit_try *unit, size_t d, size_t i, struct lt_buf *out)
{
    const struct leat_load_stream *to = &unit->dests[d].plan.streams[i];
    int rc = LEAT_OK;
    if (to->drift && *to->drift) {
        rc = lt_buf_printf(out, "-- %s: %s\n", lt_unit_job(unit, i)->label, to->drift);
    }
    rc = rc ? rc : describe_shared(unit, d, "", out);
    if (!rc && to->ddl) {
        size_t len = strlen(to->ddl);
        while (len && strchr("; \n", to->ddl[len - 1])) {
            len--;
        }
        rc = lt_buf_printf(out, "%.*s;\n", (int)len, to->ddl);
    }
    return rc;
}

static int describe_one(struct lt_unit_try *unit, size_t d, size_t i, struct lt_buf *out)
{
    char words[512] = "";
    const struct leat_load_stream *to = &unit->dests[d].plan.streams[i];
    const struct lt_job *job = lt_unit_job(unit, i);
    /* Of a single stream as the destinations have it read. */
    const struct ArrowSchema *from = unit->flow_started ? &unit->flow.schema : &unit->schemas[i];
    const char *ns = job->dest_ns[d];
    int rc = lt_buf_printf(out, "%s -> %s (%s%s%s): %s\n", job->label,
                           (*unit->dests[d].side)->location->text, ns, *ns ? "." : "",
                           job->dest_names[d], to->route ? to->route : "written directly");
    if (unit->flow_started) {
        lt_flow_explain(&unit->flow, words, sizeof words);
    }
    if (!rc && *words) {
        rc = lt_buf_printf(out, "  read: %s\n", words);
    }
    if (!rc && to->exists) {
        rc = to->rows_before >= 0
                 ? lt_buf_printf(out, "  it exists and holds %lld rows%s\n",
                                 (long long)to->rows_before, to->ours ? ", written by leat" : "")
                 : lt_buf_printf(out, "  it exists\n");
    }
    for (int64_t c = 0; !rc && c < to->schema.n_children; c++) {
        /* lt_unit_plan() saw to it that there is one. */
        const struct ArrowSchema *field =
            from->children[lt_schema_find(from, to->schema.children[c]->name)];
        rc = lt_buf_printf(out, "  %-24s ", field->name);
        rc = rc ? rc : lt_type_print(field, out);
        rc = rc ? rc : lt_buf_puts(out, " -> ");
        rc = rc ? rc : lt_type_print(to->schema.children[c], out);
        rc = rc ? rc : lt_buf_puts(out, field->flags & ARROW_FLAG_NULLABLE ? "\n" : " not null\n");
    }
    rc = rc ? rc : describe_shared(unit, d, "  ", out);
    if (!rc && to->ddl) {
        rc = lt_buf_printf(out, "  %s\n", to->ddl);
    }
    return rc;
}

/* *ret_again: not yet, for a column is to be carried as text first. */
static int describe_once(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                         size_t first, size_t n, struct lt_buf *out, bool *ret_again,
                         struct leat_error *err)
{
    struct lt_unit_try unit;
    int rc = lt_unit_init(&unit, run, &source, (struct lt_side **)dests, first, n, err);
    rc = rc ? rc : lt_resume_look(&unit, err);
    rc = rc ? rc : lt_unit_find_schemas(&unit, err);
    rc = rc ? rc : lt_resume_plan(&unit, err);
    for (size_t d = 0; !rc && d < unit.n_dests; d++) {
        rc = lt_unit_plan(&unit, d, err);
    }
    rc = rc || !unit.flow_started ? rc : lt_unit_retype(&unit, 0, err);
    const struct lt_slice *slice = run->jobs.items[first].slice;
    bool ddl = run->plan->action == LEAT_ACTION_META || (slice && slice->op);
    for (size_t i = 0; !rc && i < n; i++) {
        for (size_t d = 0; !rc && d < unit.n_dests; d++) {
            size_t start = out->len;
            rc = (ddl ? describe_ddl : describe_one)(&unit, d, i, out) ? lt_fail_oom(err) : LEAT_OK;
            if (!rc && run->report && run->report->dry &&
                lt_result_add_preview(lt_run_result(run, first + i, d), lt_buf_text(out) + start)) {
                rc = lt_fail_oom(err);
            }
        }
    }
    *ret_again = rc && unit.again;
    lt_unit_done(&unit);
    return rc;
}

int lt_unit_describe(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                     size_t first, size_t n, struct lt_buf *out, struct leat_error *err)
{
    bool again;
    int rc;
    do {
        rc = describe_once(run, source, dests, first, n, out, &again, err);
    } while (again && lt_side_can_be_read_again(source));
    return rc;
}

/* Nothing is to be written, and so nothing of the table is altered: what a load would do. */
static int say_later(struct lt_result *result, const struct lt_buf *described)
{
    struct lt_buf words = LT_BUF_INIT;
    bool alters = described->len > 2 && !strcmp(lt_buf_text(described) + described->len - 2, ";\n");
    if (!alters || !result->drift) {
        return LEAT_OK;
    }
    int rc = lt_buf_printf(&words, "with the next rows that differ: %s", result->drift);
    rc = rc ? rc : lt_result_set_text(&result->drift, &result->pub.drift, lt_buf_text(&words));
    lt_buf_done(&words);
    return rc;
}

int lt_unit_note_drift(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                       size_t job, struct leat_error *err)
{
    struct lt_result *result = lt_run_result(run, job, 0);
    struct lt_buf words = LT_BUF_INIT;
    struct leat_error own = {.status = LEAT_OK};
    int rc = lt_unit_describe(run, source, dests, job, 1, &words, &own);
    memset(result->load_id, 0, sizeof result->load_id); /* there is no load */
    bool mismatch = rc && !strcmp(own.code, lt_codes[LT_E_COLUMN_MISMATCH].code);
    if (!rc && say_later(result, &words)) {
        rc = lt_fail_oom(&own);
    }
    lt_buf_done(&words);
    if (mismatch && run->schema_policy != LEAT_SCHEMA_STRICT) {
        return lt_result_set_text(&result->drift, &result->pub.drift, own.message)
                   ? lt_fail_oom(err)
                   : LEAT_OK;
    }
    if (rc && err) {
        *err = own;
    }
    return rc;
}
