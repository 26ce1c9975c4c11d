/* `fault+URL`: any other connector, failing on demand.
 *
 *   LEAT_FAULT=STEP[:N]:ACTION   at the Nth time (1) STEP is reached
 *       kill         SIGKILL to this process
 *       stop         SIGSTOP to this process, which goes on from there when it is continued
 *       error        the step fails with LEAT_UNAVAILABLE
 *       lose-reply   the step is done, then LEAT_OUTCOME_UNKNOWN is reported (commit only)
 *   LEAT_FAULT_TRACE=FILE        one line for every step reached
 *
 * Steps are the calls of the contract, each "CALL:before" and "CALL:after" (begin, attach,
 * part_open, part_write, part_seal, commit, release, abort, read_next), and what the inner
 * connector tells host->step(). */
#include "toy.h"

#include "core/buf.h"
#include "core/codes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCHEME "fault+"
#define STEP_MAX 128
#define SCHEME_MAX 64

enum action { ACTION_NONE, ACTION_KILL, ACTION_STOP, ACTION_ERROR, ACTION_LOSE_REPLY };

struct leat_endpoint {
    const struct leat_connector *inner;
    struct leat_endpoint *ep;
    const struct leat_host *outer_host;
    struct leat_host host;
    char step[STEP_MAX];
    enum action action;
    int at;
    atomic_int reached;
    int trace_fd;
};

struct leat_reader {
    struct leat_endpoint *owner;
    struct leat_reader *inner;
};

struct leat_load {
    struct leat_endpoint *owner;
    struct leat_load *inner;
};

struct leat_part {
    struct leat_endpoint *owner;
    struct leat_part *inner;
};

/* What takes the place of the inner plan's state. */
struct plan_state {
    struct leat_endpoint *owner;
    void *inner;
};

/* --- the faults ---------------------------------------------------------------------------- */

static int read_fault(struct leat_endpoint *ep, const char *text, struct leat_error *err)
{
    static const char *const names[] = {"", "kill", "stop", "error", "lose-reply"};
    char *end;
    snprintf(ep->step, sizeof ep->step, "%s", text);
    char *action = strrchr(ep->step, ':');
    if (action) {
        *action++ = 0;
        for (int i = ACTION_KILL; i <= ACTION_LOSE_REPLY; i++) {
            if (!strcmp(action, names[i])) {
                ep->action = (enum action)i;
            }
        }
    }
    if (!ep->action) {
        return lt_fail(err, LT_E_INVALID, "LEAT_FAULT is STEP[:N]:kill|stop|error|lose-reply");
    }
    ep->at = 1;
    char *count = strrchr(ep->step, ':');
    long n = count ? strtol(count + 1, &end, 10) : 0;
    if (n > 0 && n < 1000000 && !*end) {
        *count = 0;
        ep->at = (int)n;
    }
    return LEAT_OK;
}

/* True when the fault is due at this step; a kill does not come back. */
static bool due(struct leat_endpoint *ep, const char *step)
{
    char line[STEP_MAX + 1];
    if (ep->trace_fd >= 0) {
        int len = snprintf(line, sizeof line, "%s\n", step);
        if (len > 0 && write(ep->trace_fd, line, (size_t)len) < 0) {
            abort();
        }
    }
    if (!ep->action || strcmp(ep->step, step) || atomic_fetch_add(&ep->reached, 1) + 1 != ep->at) {
        return false;
    }
    if (ep->action == ACTION_KILL) {
        raise(SIGKILL);
    }
    if (ep->action == ACTION_STOP) {
        raise(SIGSTOP);
        return false;
    }
    return true;
}

static int fault(struct leat_endpoint *ep, const char *step, struct leat_error *err)
{
    return due(ep, step) ? lt_fail(err, LT_E_UNAVAILABLE, "asked to fail at %s", step) : LEAT_OK;
}

static int inner_step(void *arg, const char *name, struct leat_error *err)
{
    struct leat_endpoint *ep = arg;
    const struct leat_host *host = ep->outer_host;
    int status = host->step ? host->step(host->arg, name, err) : LEAT_OK;
    return status ? status : fault(ep, name, err);
}

/* The inner connector sees our host; all but step() goes on to the real one. */
static void inner_log(void *arg, enum leat_log_level level, const char *line)
{
    const struct leat_host *host = ((struct leat_endpoint *)arg)->outer_host;
    if (host->log) {
        host->log(host->arg, level, line);
    }
}

static int inner_cancelled(void *arg)
{
    const struct leat_host *host = ((struct leat_endpoint *)arg)->outer_host;
    return host->cancelled ? host->cancelled(host->arg) : 0;
}

static int64_t inner_memory(void *arg)
{
    const struct leat_host *host = ((struct leat_endpoint *)arg)->outer_host;
    return host->memory(host->arg);
}

static const struct leat_connector *inner_connector(void *arg, const char *name)
{
    const struct leat_host *host = ((struct leat_endpoint *)arg)->outer_host;
    return host->connector ? host->connector(host->arg, name) : NULL;
}

/* --- endpoint ------------------------------------------------------------------------------ */

static void fault_close(struct leat_endpoint *ep)
{
    if (!ep) {
        return;
    }
    if (ep->ep) {
        ep->inner->close(ep->ep);
    }
    if (ep->trace_fd >= 0) {
        close(ep->trace_fd);
    }
    free(ep);
}

static int find_inner(struct leat_endpoint *ep, const char *url, struct leat_error *err)
{
    char scheme[SCHEME_MAX];
    size_t len = strcspn(url, ":");
    if (len >= sizeof scheme || !url[len]) {
        return lt_fail(err, LT_E_INVALID, "fault+ needs the URL of another connector after it");
    }
    memcpy(scheme, url, len);
    scheme[len] = 0;
    ep->inner = inner_connector(ep, scheme);
    return ep->inner ? LEAT_OK
                     : lt_fail(err, LT_E_UNKNOWN_SCHEME, "no connector \"%s\" to wrap", scheme);
}

static int fault_open(const struct leat_config *config, struct leat_endpoint **ret_ep,
                      struct leat_error *err)
{
    const char *wanted = getenv("LEAT_FAULT"), *trace = getenv("LEAT_FAULT_TRACE");
    const char *url = config->url;
    struct leat_config inner_config = *config;
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep) {
        return lt_fail_oom(err);
    }
    ep->trace_fd = -1;
    ep->outer_host = config->host;
    ep->host = (struct leat_host){sizeof ep->host, ep,         inner_log,      inner_cancelled,
                                  inner_memory,    inner_step, inner_connector};
    if (!strncmp(url, SCHEME, strlen(SCHEME))) {
        url += strlen(SCHEME);
    }
    int status = find_inner(ep, url, err);
    if (!status && wanted && *wanted) {
        status = read_fault(ep, wanted, err);
    }
    if (!status && trace && *trace) {
        ep->trace_fd = open(trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
    inner_config.url = url;
    inner_config.host = &ep->host;
    status = status ? status : ep->inner->open(&inner_config, &ep->ep, err);
    if (status) {
        fault_close(ep);
        return status;
    }
    *ret_ep = ep;
    return LEAT_OK;
}

static int fault_check(struct leat_endpoint *ep, struct leat_check *ret_check,
                       struct leat_error *err)
{
    return ep->inner->check ? ep->inner->check(ep->ep, ret_check, err)
                            : lt_fail(err, LT_E_UNSUPPORTED, "no check");
}

static void fault_cancel(struct leat_endpoint *ep)
{
    if (ep->inner->cancel) {
        ep->inner->cancel(ep->ep);
    }
}

static const struct leat_capabilities *fault_capabilities(struct leat_endpoint *ep)
{
    return ep->inner->capabilities(ep->ep);
}

static int no_such(struct leat_error *err, const char *what)
{
    return lt_fail(err, LT_E_UNSUPPORTED, "the wrapped connector has no %s", what);
}

/* --- catalogue ----------------------------------------------------------------------------- */

static int fault_discover(struct leat_endpoint *ep, const char *ns_pattern,
                          const char *name_pattern, leat_stream_fn *each, void *arg,
                          struct leat_error *err)
{
    const struct leat_catalog_ops *ops = ep->inner->catalog;
    return ops && ops->discover ? ops->discover(ep->ep, ns_pattern, name_pattern, each, arg, err)
                                : no_such(err, "discover");
}

static int fault_describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                          struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                          struct leat_error *err)
{
    const struct leat_catalog_ops *ops = ep->inner->catalog;
    return ops && ops->describe ? ops->describe(ep->ep, name, ret_schema, ret_info, err)
                                : no_such(err, "describe");
}

static int fault_resolve(struct leat_endpoint *ep, const char *text, char *ret_ns, char *ret_name,
                         size_t size, struct leat_error *err)
{
    const struct leat_catalog_ops *ops = ep->inner->catalog;
    if (ops && ops->resolve) {
        return ops->resolve(ep->ep, text, ret_ns, ret_name, size, err);
    }
    /* What the contract says an absent resolve means. */
    const char *dot = strchr(text, '.');
    bool split = dot && ep->inner->capabilities(ep->ep)->flags & LEAT_HAS_NAMESPACES;
    int ns = snprintf(ret_ns, size, "%.*s", split ? (int)(dot - text) : 0, text);
    int name = snprintf(ret_name, size, "%s", split ? dot + 1 : text);
    return ns < 0 || name < 0 || (size_t)ns >= size || (size_t)name >= size
               ? lt_fail(err, LT_E_INVALID, "a name too long")
               : LEAT_OK;
}

static const struct leat_catalog_ops fault_catalog = {fault_discover, fault_describe,
                                                      fault_resolve};

/* --- source -------------------------------------------------------------------------------- */

static int fault_snapshot_take(struct leat_endpoint *ep, char *ret_token, size_t size,
                               struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->snapshot_take ? ops->snapshot_take(ep->ep, ret_token, size, err)
                                     : no_such(err, "snapshot");
}

static int fault_snapshot_join(struct leat_endpoint *ep, const char *token, struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->snapshot_join ? ops->snapshot_join(ep->ep, token, err)
                                     : no_such(err, "snapshot");
}

static void fault_snapshot_release(struct leat_endpoint *ep)
{
    const struct leat_source_ops *ops = ep->inner->source;
    if (ops && ops->snapshot_release) {
        ops->snapshot_release(ep->ep);
    }
}

static int fault_split(struct leat_endpoint *ep, const struct leat_read_plan *plan, int n,
                       leat_partition_fn *each, void *arg, struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->split ? ops->split(ep->ep, plan, n, each, arg, err) : each(arg, NULL, 0, -1);
}

static int fault_bounds(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                        const char *const *columns, size_t n_columns, int64_t wait_ms,
                        struct leat_bounds *ret_bounds, struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->bounds
               ? ops->bounds(ep->ep, plan, columns, n_columns, wait_ms, ret_bounds, err)
               : no_such(err, "bounds");
}

static int fault_start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                       struct leat_reader **ret_reader, struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->owner = ep;
    int status = ops ? ops->start(ep->ep, plan, &reader->inner, err) : no_such(err, "source");
    if (status) {
        free(reader);
    } else {
        *ret_reader = reader;
    }
    return status;
}

static int fault_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                        struct leat_error *err)
{
    return reader->owner->inner->source->schema(reader->inner, ret_schema, err);
}

static int fault_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                      struct leat_error *err)
{
    int status = fault(reader->owner, "read_next:before", err);
    return status ? status : reader->owner->inner->source->next(reader->inner, ret_payload, err);
}

static void fault_finish(struct leat_reader *reader)
{
    if (reader) {
        reader->owner->inner->source->finish(reader->inner);
        free(reader);
    }
}

static int fault_key_split(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                           int64_t rows_per_range, leat_key_fn *each, void *arg,
                           struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->key_split ? ops->key_split(ep->ep, plan, rows_per_range, each, arg, err)
                                 : no_such(err, "key_split");
}

static int fault_hash_ranges(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                             const char *const *const *cuts, size_t n_cuts, leat_hash_fn *each,
                             void *arg, struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->hash_ranges ? ops->hash_ranges(ep->ep, plan, cuts, n_cuts, each, arg, err)
                                   : no_such(err, "hash_ranges");
}

static int fault_mark(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                      const char *since, char **ret_mark, bool *ret_news, struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->mark ? ops->mark(ep->ep, plan, since, ret_mark, ret_news, err)
                            : no_such(err, "mark");
}

static int fault_fingerprint(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                             bool immutable, char **ret_text, bool *ret_ordered,
                             struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->fingerprint
               ? ops->fingerprint(ep->ep, plan, immutable, ret_text, ret_ordered, err)
               : no_such(err, "fingerprint");
}

static int fault_expect(struct leat_endpoint *ep, const struct leat_stream_name *names, size_t n,
                        struct leat_error *err)
{
    const struct leat_source_ops *ops = ep->inner->source;
    return ops && ops->expect ? ops->expect(ep->ep, names, n, err) : LEAT_OK;
}

static int fault_retype(struct leat_reader *reader, const struct ArrowSchema *types,
                        struct leat_error *err)
{
    const struct leat_source_ops *ops = reader->owner->inner->source;
    return ops->retype ? ops->retype(reader->inner, types, err) : LEAT_OK;
}

static int fault_explain(struct leat_reader *reader, char *ret_text, size_t size,
                         struct leat_error *err)
{
    const struct leat_source_ops *ops = reader->owner->inner->source;
    ret_text[0] = '\0';
    return ops->explain ? ops->explain(reader->inner, ret_text, size, err) : LEAT_OK;
}

static int fault_choose(struct leat_reader *reader, enum leat_payload_kind kind,
                        struct leat_error *err)
{
    const struct leat_source_ops *ops = reader->owner->inner->source;
    return ops->choose ? ops->choose(reader->inner, kind, err) : no_such(err, "choose");
}

static const struct leat_source_ops fault_source = {
    fault_snapshot_take, fault_snapshot_join, fault_snapshot_release,
    fault_split,         fault_bounds,        fault_start,
    fault_schema,        fault_next,          fault_finish,
    fault_key_split,     fault_hash_ranges,   fault_retype,
    fault_explain,       fault_choose,        fault_mark,
    fault_fingerprint,   fault_expect};

/* --- load ---------------------------------------------------------------------------------- */

static int fault_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
                      struct leat_load_plan *ret_plan, struct leat_error *err)
{
    struct plan_state *state = calloc(1, sizeof *state);
    struct leat_load_plan plan = *ret_plan;
    if (!state) {
        return lt_fail_oom(err);
    }
    if (!ep->inner->load) {
        free(state);
        return no_such(err, "load");
    }
    int status = ep->inner->load->plan(ep->ep, want, &plan, err);
    if (status) {
        free(state);
        return status;
    }
    state->owner = ep;
    state->inner = plan.state;
    plan.state = state;
    *ret_plan = plan;
    return LEAT_OK;
}

static void fault_plan_release(struct leat_load_plan *plan)
{
    struct plan_state *state = plan->state;
    if (state) {
        plan->state = state->inner;
        state->owner->inner->load->plan_release(plan);
        plan->state = NULL;
        free(state);
    }
}

static int wrap_load(struct leat_endpoint *ep, struct leat_load *inner, struct leat_load **ret_load,
                     struct leat_error *err)
{
    struct leat_load *load = calloc(1, sizeof *load);
    if (!load) {
        return lt_fail_oom(err);
    }
    load->owner = ep;
    load->inner = inner;
    *ret_load = load;
    return LEAT_OK;
}

static int fault_begin(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                       struct leat_load **ret_load, struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    struct leat_load_plan inner_plan = *plan;
    struct leat_load *inner = NULL;
    inner_plan.state = ((struct plan_state *)plan->state)->inner;
    int status = fault(ep, "begin:before", err);
    status = status ? status : ops->begin(ep->ep, &inner_plan, &inner, err);
    if (status) {
        return status;
    }
    status = fault(ep, "begin:after", err);
    status = status ? status : wrap_load(ep, inner, ret_load, err);
    if (status) {
        ops->abort(inner);
    }
    return status;
}

static int fault_token(struct leat_load *load, char *ret_token, size_t size, struct leat_error *err)
{
    const struct leat_load_ops *ops = load->owner->inner->load;
    return ops->token ? ops->token(load->inner, ret_token, size, err) : no_such(err, "token");
}

static int fault_attach(struct leat_endpoint *ep, const char *token, struct leat_load **ret_load,
                        struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    struct leat_load *inner = NULL;
    if (!ops || !ops->attach) {
        return no_such(err, "attach");
    }
    int status = fault(ep, "attach:before", err);
    status = status ? status : ops->attach(ep->ep, token, &inner, err);
    if (status) {
        return status;
    }
    status = fault(ep, "attach:after", err);
    status = status ? status : wrap_load(ep, inner, ret_load, err);
    if (status) {
        ops->release(inner);
    }
    return status;
}

static int fault_part_open(struct leat_load *load, const struct leat_part_plan *plan,
                           struct leat_part **ret_part, struct leat_error *err)
{
    const struct leat_load_ops *ops = load->owner->inner->load;
    struct leat_part *part = calloc(1, sizeof *part);
    int status = part ? fault(load->owner, "part_open:before", err) : lt_fail_oom(err);
    status = status ? status : ops->part_open(load->inner, plan, &part->inner, err);
    if (status) {
        free(part);
        return status;
    }
    part->owner = load->owner;
    status = fault(load->owner, "part_open:after", err);
    if (status) {
        ops->part_close(part->inner);
        free(part);
    } else {
        *ret_part = part;
    }
    return status;
}

static int fault_part_write(struct leat_part *part, struct leat_payload *payload,
                            struct leat_error *err)
{
    int status = fault(part->owner, "part_write:before", err);
    status = status ? status : part->owner->inner->load->part_write(part->inner, payload, err);
    return status ? status : fault(part->owner, "part_write:after", err);
}

static int fault_part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                           struct leat_error *err)
{
    int status = fault(part->owner, "part_seal:before", err);
    status = status ? status : part->owner->inner->load->part_seal(part->inner, ret_receipt, err);
    return status ? status : fault(part->owner, "part_seal:after", err);
}

static void fault_part_close(struct leat_part *part)
{
    if (part) {
        part->owner->inner->load->part_close(part->inner);
        free(part);
    }
}

static int fault_read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                           struct leat_error *err)
{
    const struct leat_load_ops *ops = load->owner->inner->load;
    if (!ops->read_back) {
        return no_such(err, "read_back");
    }
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->owner = load->owner;
    int status = ops->read_back(load->inner, stream, &reader->inner, err);
    if (status) {
        free(reader);
    } else {
        *ret_reader = reader;
    }
    return status;
}

static int fault_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                        struct leat_error *err)
{
    struct leat_endpoint *ep = load->owner;
    int status = fault(ep, "commit:before", err);
    status = status ? status : ep->inner->load->commit(load->inner, what, ret_already, err);
    /* Once it is done, no failure may say that it is not. */
    if (!status && due(ep, "commit:after")) {
        status = lt_fail(err, LT_E_OUTCOME_UNKNOWN, "asked to lose the reply of the commit");
    }
    return status;
}

static int fault_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
                         enum leat_outcome *ret_outcome, struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    return ops && ops->outcome ? ops->outcome(ep->ep, want, ret_outcome, err)
                               : no_such(err, "outcome");
}

static void fault_abort(struct leat_load *load)
{
    if (load) {
        due(load->owner, "abort:before");
        load->owner->inner->load->abort(load->inner);
        due(load->owner, "abort:after");
        free(load);
    }
}

static void fault_release(struct leat_load *load)
{
    if (load) {
        due(load->owner, "release:before");
        load->owner->inner->load->release(load->inner);
        due(load->owner, "release:after");
        free(load);
    }
}

static int fault_sweep(struct leat_endpoint *ep, const struct leat_stream_name *streams,
                       size_t n_streams, int64_t *ret_removed, struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    if (!ops || !ops->sweep) {
        *ret_removed = 0;
        return LEAT_OK;
    }
    return ops->sweep(ep->ep, streams, n_streams, ret_removed, err);
}

static int fault_complete(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                          size_t n_streams, struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    return ops && ops->complete ? ops->complete(ep->ep, streams, n_streams, err) : LEAT_OK;
}

static int fault_state(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                       leat_state_fn *each, void *arg, struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    return ops && ops->state ? ops->state(ep->ep, stream, each, arg, err) : no_such(err, "state");
}

static int fault_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                           const char *key, const char *value, struct leat_error *err)
{
    const struct leat_load_ops *ops = ep->inner->load;
    return ops && ops->state_set ? ops->state_set(ep->ep, stream, key, value, err)
                                 : no_such(err, "state_set");
}

static int fault_resumed(struct leat_load *load, struct leat_resumed *ret_resumed,
                         struct leat_error *err)
{
    const struct leat_load_ops *ops = load->owner->inner->load;
    return ops->resumed ? ops->resumed(load->inner, ret_resumed, err) : no_such(err, "resumed");
}

static const struct leat_load_ops fault_load = {
    .plan = fault_plan,
    .plan_release = fault_plan_release,
    .begin = fault_begin,
    .token = fault_token,
    .attach = fault_attach,
    .part_open = fault_part_open,
    .part_write = fault_part_write,
    .part_seal = fault_part_seal,
    .part_close = fault_part_close,
    .read_back = fault_read_back,
    .commit = fault_commit,
    .outcome = fault_outcome,
    .abort = fault_abort,
    .release = fault_release,
    .sweep = fault_sweep,
    .complete = fault_complete,
    .state = fault_state,
    .state_set = fault_state_set,
    .resumed = fault_resumed,
};

const struct leat_connector fault_connector = {
    .size = sizeof fault_connector,
    .abi = LEAT_CONNECTOR_ABI,
    .name = "fault",
    .summary = "Any other connector, failing on demand: fault+URL",
    .open = fault_open,
    .close = fault_close,
    .check = fault_check,
    .cancel = fault_cancel,
    .capabilities = fault_capabilities,
    .catalog = &fault_catalog,
    .source = &fault_source,
    .load = &fault_load,
};
