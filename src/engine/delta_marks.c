/* Deltas of sources without cursors: a mark says what the source held at the last time, and what
 * came since is read. */
#include "engine/delta.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

/* Loads what came after delta->before.mark up to `mark`, and keeps that one. */
static int load(struct lt_delta *delta, const char *since, const char *mark, struct leat_error *err)
{
    struct lt_slice slice;
    char *value = NULL;
    int rc = lt_watermark_print_mark(mark, &value, err);
    const struct leat_state_row own = {
        .key = delta->before.key, .value = value, .before = delta->before.value, .check = true};
    lt_delta_slice(delta, &slice);
    slice.since = since;
    slice.until = mark;
    slice.state = &own;
    slice.n_state = 1;
    rc = rc ? rc : lt_delta_load(delta, &slice, err);
    free(value);
    return rc;
}

int lt_delta_run_marks(struct lt_delta *delta, struct leat_error *err)
{
    static const char *const of_cursors[] = {"start", "end", "window", "delta-size", "lookback"};
    const struct lt_settings *s = &delta->run->plan->settings;
    const struct leat_stream_name name = {delta->job->dest_ns[0], delta->job->dest_names[0]};
    struct lt_side *source = *delta->source;
    struct leat_read_plan plan;
    char *mark = NULL;
    bool news = false, refresh = lt_delta_refreshes(delta);
    for (size_t i = 0; i < LT_ARRAY_LEN(of_cursors); i++) {
        if (lt_settings_text(s, of_cursors[i])) {
            return lt_fail(err, LT_E_USAGE, "--%s needs a cursor, which %s has not", of_cursors[i],
                           source->connector->name);
        }
    }
    int rc = lt_watermark_read(*delta->dest, &name, delta->key, NULL, &delta->before, err);
    const char *since = rc || refresh ? NULL : delta->before.mark;
    if (!rc && !delta->before.mark) {
        rc = lt_delta_probe(delta, err);
    }
    lt_run_read_plan(delta->run, source, delta->job, &plan);
    rc = rc ? rc : source->connector->source->mark(source->ep, &plan, since, &mark, &news, err);
    if (!rc && !news && since) {
        struct lt_slice slice;
        lt_delta_slice(delta, &slice);
        slice.nothing = true;
        rc = lt_delta_note_nothing(delta, &slice, err);
    } else if (!rc) {
        rc = load(delta, since, mark, err);
    }
    free(mark);
    return rc;
}
