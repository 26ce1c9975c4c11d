/* A comparison in words, for --dry-run: key, columns and the types they are compared in. */
#include "core/codes.h"
#include "core/util.h"
#include "engine/compare_run.h"
#include "engine/ranges.h"

/* "id: int32 and int64, as int64". */
static int describe_column(const struct lt_pair *pair, int64_t i, struct lt_buf *out)
{
    const struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    const struct ArrowSchema *common = pair->schema.children[i];
    int rc = lt_buf_printf(out, "  %-24s ", common->name);
    if (a->from[i] < 0 || b->from[i] < 0) {
        rc = rc ? rc : lt_type_print(common, out);
        return rc ? rc
                  : lt_buf_puts(out, a->from[i] < 0 ? ", only at the destination\n"
                                                    : ", only at the source\n");
    }
    rc = rc ? rc : lt_type_print(a->own.children[a->from[i]], out);
    rc = rc ? rc : lt_buf_puts(out, " and ");
    rc = rc ? rc : lt_type_print(b->own.children[b->from[i]], out);
    rc = rc ? rc : lt_buf_puts(out, ", as ");
    rc = rc ? rc : lt_type_print(common, out);
    rc = rc || !pair->common[i].coarser ? rc : lt_buf_puts(out, ", finer digits cut");
    rc = rc || !pair->padded[i] ? rc : lt_buf_puts(out, ", without trailing blanks");
    return rc ? rc : lt_buf_puts(out, i < pair->n_keys ? " (key)\n" : "\n");
}

int lt_pair_describe(const struct lt_pair *pair, struct lt_buf *out)
{
    int rc = lt_buf_printf(out, "%s and %s: %s\n", pair->job->label,
                           pair->destination.side->location->text,
                           pair->n_keys ? lt_pair_way(pair) : "read in any order");
    for (int64_t i = 0; !rc && i < pair->n_columns; i++) {
        rc = describe_column(pair, i, out);
    }
    if (!rc && pair->only_source.len) {
        rc = lt_buf_printf(out, "  only at the source: %s\n", lt_buf_text(&pair->only_source));
    }
    if (!rc && pair->only_destination.len) {
        rc = lt_buf_printf(out, "  only at the destination: %s\n",
                           lt_buf_text(&pair->only_destination));
    }
    return rc;
}

int lt_compare_describe(struct lt_run *run, struct lt_worker *worker, size_t job,
                        struct lt_buf *out, struct leat_error *err)
{
    struct lt_pair pair = {.run = NULL};
    unsigned how = run->plan->action == LEAT_ACTION_VERIFY ? LT_PAIR_KEYLESS : 0;
    int rc =
        lt_pair_open(&pair, run, &run->jobs.items[job], worker->source, worker->dests[0], how, err);
    rc = rc ? rc : lt_pair_describe(&pair, out) ? lt_fail_oom(err) : LEAT_OK;
    lt_pair_done(&pair);
    return rc;
}
