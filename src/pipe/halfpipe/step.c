/* Steps opened, pulled and closed. */
#include "pipe/halfpipe/internal.h"

#include "core/util.h"

/* The step that an error comes from is the first that sees it. */
static void place(struct hp_step *step, struct leat_error *err)
{
    if (err && !strstr(err->place, "step ")) {
        step->failed = true;
        leat_error_place(err, "step %s.%s (%s)", step->flow->group->name, step->def->name,
                         step->def->type->name);
    }
}

static int open_locked(struct hp_step *step, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < step->n_inputs; i++) {
        rc = hp_step_open(step->inputs[i], err);
    }
    if (!rc) {
        atomic_store(&step->began_us, lt_now_us());
        atomic_store(&step->stage, 1);
        step->opened = true;
        rc = step->def->type->ops->open(step, err);
        if (rc) {
            place(step, err);
            step->ended = true;
        }
    }
    return rc;
}

int hp_step_open(struct hp_step *step, struct leat_error *err)
{
    int rc = hp_run_check(step->flow->run, err);
    pthread_mutex_lock(&step->lock);
    if (!rc && step->opened && step->ended && !step->schema.release) {
        rc = lt_fail(err, LT_E_CANCELLED, "step %s failed", step->def->name);
    } else if (!rc && !step->opened) {
        rc = open_locked(step, err);
    }
    pthread_mutex_unlock(&step->lock);
    return rc;
}

static int pull_locked(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int rc = LEAT_OK;
    struct ArrowArray batch = {.release = NULL};
    while (!rc && !step->ended) {
        rc = hp_run_check(step->flow->run, err);
        rc = rc ? rc : step->def->type->ops->next(step, &batch, err);
        if (rc) {
            place(step, err);
            lt_array_done(&batch);
            step->ended = true;
        } else if (!batch.release) {
            step->ended = true;
            atomic_store(&step->ended_us, lt_now_us());
            atomic_store(&step->stage, 2);
        } else if (batch.length) {
            atomic_fetch_add(&step->rows, batch.length);
            break;
        } else {
            lt_array_done(&batch);
        }
    }
    lt_array_move(&batch, ret_batch);
    return rc;
}

int hp_pull(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    ret_batch->release = NULL;
    pthread_mutex_lock(&step->lock);
    int rc = pull_locked(step, ret_batch, err);
    pthread_mutex_unlock(&step->lock);
    return rc;
}
