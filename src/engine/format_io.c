/* Formats by themselves: plans of one file and one stream, made and run in a call. The formats are
 * reached through the connector of files, for the engine knows none of them. */
#include "core/codes.h"
#include "engine/read.h"

static int new_plan(struct leat *leat, const struct leat_param *options, size_t n_options,
                    struct leat_plan **ret_plan, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = leat_plan_new(leat, &plan, err);
    for (size_t i = 0; !rc && i < n_options; i++) {
        rc = leat_plan_set(plan, options[i].name, options[i].value, err);
    }
    if (rc) {
        leat_plan_free(plan);
        return rc;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

/* Takes the plan over. */
static int read_plan(struct leat_plan *plan, int rc, struct ArrowArrayStream *ret_stream,
                     struct leat_error *err)
{
    rc = rc ? rc : lt_read_owned(plan, ret_stream, err);
    if (rc) {
        leat_plan_free(plan);
    }
    return rc;
}

int leat_format_read(struct leat *leat, const char *format, const char *path,
                     const struct leat_param *options, size_t n_options,
                     struct ArrowArrayStream *ret_stream, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = new_plan(leat, options, n_options, &plan, err);
    if (rc) {
        return rc;
    }
    return read_plan(plan, lt_plan_add_path(plan, format, path, false, err), ret_stream, err);
}

int leat_format_read_bytes(struct leat *leat, const char *format, const void *data, size_t size,
                           const struct leat_param *options, size_t n_options,
                           struct ArrowArrayStream *ret_stream, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = new_plan(leat, options, n_options, &plan, err);
    if (rc) {
        return rc;
    }
    return read_plan(plan, leat_plan_source_bytes(plan, format, data, size, err), ret_stream, err);
}

/* Runs a plan, and frees it. `rc` is how adding its destination went. */
static int write_plan(struct leat_plan *plan, int rc, struct ArrowArrayStream *stream,
                      struct leat_error *err)
{
    rc = rc ? rc : leat_plan_source_stream(plan, stream, "stream", err);
    rc = rc ? rc : leat_run(plan, NULL, NULL, err);
    leat_plan_free(plan);
    return rc;
}

int leat_format_write(struct leat *leat, struct ArrowArrayStream *stream, const char *format,
                      const char *path, const struct leat_param *options, size_t n_options,
                      struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = new_plan(leat, options, n_options, &plan, err);
    if (rc) {
        return rc;
    }
    return write_plan(plan, lt_plan_add_path(plan, format, path, true, err), stream, err);
}

int leat_format_write_bytes(struct leat *leat, struct ArrowArrayStream *stream, const char *format,
                            leat_write_fn *write, void *arg, const struct leat_param *options,
                            size_t n_options, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = new_plan(leat, options, n_options, &plan, err);
    if (rc) {
        return rc;
    }
    return write_plan(plan, leat_plan_destination_bytes(plan, format, write, arg, err), stream,
                      err);
}
