/* What a unit would do, in words: --dry-run. */
#include "engine/unit.h"

#include "core/codes.h"

/* The statements alone, and what differs as comments: to be kept, or run by somebody else. */
static int describe_ddl(struct lt_unit_try *unit, size_t d, struct lt_buf *out)
{
    const struct leat_load_stream *to = &unit->dests[d].plan.streams[0];
    int rc = LEAT_OK;
    if (to->drift && *to->drift) {
        rc = lt_buf_printf(out, "-- %s: %s\n", lt_unit_job(unit, 0)->label, to->drift);
    }
    if (!rc && to->ddl) {
        size_t len = strlen(to->ddl);
        while (len && strchr("; \n", to->ddl[len - 1])) {
            len--;
        }
        rc = lt_buf_printf(out, "%.*s;\n", (int)len, to->ddl);
    }
    return rc;
}

static int describe_one(struct lt_unit_try *unit, size_t d, struct lt_buf *out)
{
    char words[512];
    const struct leat_load_stream *to = &unit->dests[d].plan.streams[0];
    const struct lt_job *job = lt_unit_job(unit, 0);
    const struct ArrowSchema *from = &unit->flow.schema; /* as the destinations have it read */
    const char *ns = job->dest_ns[d];
    int rc = lt_buf_printf(out, "%s -> %s (%s%s%s): %s\n", job->label,
                           (*unit->dests[d].side)->location->text, ns, *ns ? "." : "",
                           job->dest_names[d], to->route ? to->route : "written directly");
    lt_flow_explain(&unit->flow, words, sizeof words);
    if (!rc && *words) {
        rc = lt_buf_printf(out, "  read: %s\n", words);
    }
    if (!rc && to->exists) {
        rc = to->rows_before >= 0
                 ? lt_buf_printf(out, "  it exists and holds %lld rows%s\n",
                                 (long long)to->rows_before, to->ours ? ", written by leat" : "")
                 : lt_buf_printf(out, "  it exists\n");
    }
    for (int64_t i = 0; !rc && i < to->schema.n_children; i++) {
        /* lt_unit_plan() saw to it that there is one. */
        const struct ArrowSchema *field =
            from->children[lt_schema_find(from, to->schema.children[i]->name)];
        rc = lt_buf_printf(out, "  %-24s ", field->name);
        rc = rc ? rc : lt_type_print(field, out);
        rc = rc ? rc : lt_buf_puts(out, " -> ");
        rc = rc ? rc : lt_type_print(to->schema.children[i], out);
        rc = rc ? rc : lt_buf_puts(out, field->flags & ARROW_FLAG_NULLABLE ? "\n" : " not null\n");
    }
    if (!rc && to->ddl) {
        rc = lt_buf_printf(out, "  %s\n", to->ddl);
    }
    return rc;
}

/* *ret_again: not yet, for a column is to be carried as text first. */
static int describe_once(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                         size_t job, struct lt_buf *out, bool *ret_again, struct leat_error *err)
{
    struct lt_unit_try unit;
    int rc = lt_unit_init(&unit, run, &source, (struct lt_side **)dests, job, 1, err);
    rc = rc ? rc : lt_resume_look(&unit, err);
    rc = rc ? rc : lt_unit_find_schemas(&unit, err);
    rc = rc ? rc : lt_resume_plan(&unit, err);
    for (size_t d = 0; !rc && d < unit.n_dests; d++) {
        rc = lt_unit_plan(&unit, d, err);
    }
    rc = rc ? rc : lt_unit_retype(&unit, 0, err);
    for (size_t d = 0; !rc && d < unit.n_dests; d++) {
        const struct lt_slice *slice = run->jobs.items[job].slice;
        bool ddl = run->plan->action == LEAT_ACTION_META || (slice && slice->op);
        rc = (ddl ? describe_ddl : describe_one)(&unit, d, out) ? lt_fail_oom(err) : LEAT_OK;
    }
    *ret_again = rc && unit.again;
    lt_unit_done(&unit);
    return rc;
}

int lt_unit_describe(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                     size_t job, struct lt_buf *out, struct leat_error *err)
{
    bool again;
    int rc;
    do {
        rc = describe_once(run, source, dests, job, out, &again, err);
    } while (again && lt_side_can_be_read_again(source));
    return rc;
}

int lt_unit_note_drift(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                       size_t job, struct leat_error *err)
{
    struct lt_result *result = lt_run_result(run, job, 0);
    struct lt_buf words = LT_BUF_INIT;
    struct leat_error own = {.status = LEAT_OK};
    int rc = lt_unit_describe(run, source, dests, job, &words, &own);
    bool mismatch = rc && !strcmp(own.code, lt_codes[LT_E_COLUMN_MISMATCH].code);
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
