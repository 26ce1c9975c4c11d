/* Running a load by the contract alone, in one process or two; see conf.h. */
#include "conf.h"

#include "columnar/cast.h"
#include "columnar/schema.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAULT_SCHEME "fault+"
#define LOCK_TIMEOUT_MS 2000
#define URL_MAX 1024
#define RECEIPTS_MAX (CONF_STREAMS * CONF_PARTS)

/* One load under way. */
struct load {
    struct job *job;
    const struct leat_connector *connector;
    struct leat_endpoint *ep;
    const struct leat_write_plan *want;
    struct leat_load_plan plan;
    struct leat_load *load;
    struct leat_receipt receipts[RECEIPTS_MAX];
    size_t n_receipts;
};

/* What the records of a job look like; kept for good. */
static const struct ArrowSchema *schema_of(const struct job *job)
{
    static struct ArrowSchema schemas[LEAT_HISTORY + 1], plain;
    struct ArrowSchema *schema = job->round ? &schemas[job->mode] : &plain;
    if (!schema->release && job->round) {
        keyed_schema(job->mode, schema);
    } else if (!schema->release) {
        conf_schema(schema);
    }
    return schema;
}

/* A load that may be taken over has one stream. */
static int streams_of(const struct job *job)
{
    return job->resume ? 1 : CONF_STREAMS;
}

static void fill_keyed(struct leat_write_stream *stream, const struct job *job)
{
    stream->keys = keyed_key;
    stream->n_keys = 1;
    stream->cursor = keyed_cursor;
    stream->n_cursor = 1;
    stream->op = job->mode == LEAT_CHANGES ? "_leat_op" : NULL;
    stream->deleted = job->mode == LEAT_CHANGES ? NULL : "gone";
}

static void fill_stream(struct leat_write_stream *stream, const struct job *job, const char *name)
{
    *stream = (struct leat_write_stream){
        .size = sizeof *stream,
        .name = {conf.ns, name},
        .schema = schema_of(job),
        .source_id = job->source_id ? job->source_id : "conformance",
        .mode = job->mode,
        .flags = job->flags,
        .parts_wanted = conf.parts,
        .payloads = LEAT_PAYLOAD_BATCH,
    };
    if (job->round) {
        fill_keyed(stream, job);
    }
}

const struct leat_write_plan *job_plan(struct job *job, bool shared)
{
    static struct leat_write_stream streams[CONF_STREAMS];
    static struct leat_write_plan want;
    static char load_id[33];
    for (int i = 0; i < CONF_STREAMS; i++) {
        fill_stream(&streams[i], job, conf.names[i]);
    }
    if (!job->load_id[0]) {
        lt_new_id(job->load_id);
    }
    snprintf(load_id, sizeof load_id, "%s", job->load_id);
    want = (struct leat_write_plan){.size = sizeof want,
                                    .load_id = load_id,
                                    .streams = streams,
                                    .n_streams = (size_t)streams_of(job),
                                    .resume = job->resume,
                                    .shared = shared && !job->resume,
                                    .params = conf.params,
                                    .n_params = conf.n_params};
    return &want;
}

/* The environment the fault connector reads when it is opened. */
static void set_fault(const struct job *job, bool child)
{
    char trace[URL_MAX];
    unsetenv("LEAT_FAULT");
    unsetenv("LEAT_FAULT_TRACE");
    if (job->fault && job->fault_in_child == child) {
        setenv("LEAT_FAULT", job->fault, 1);
    }
    if (job->trace) {
        snprintf(trace, sizeof trace, "%s.%s", job->trace, child ? "child" : "main");
        setenv("LEAT_FAULT_TRACE", trace, 1);
    }
}

static int open_for(struct load *load, bool child, struct leat_error *err)
{
    struct job *job = load->job;
    char url[URL_MAX];
    bool wrapped = job->fault || job->trace;
    set_fault(job, child);
    snprintf(url, sizeof url, "%s%s", wrapped ? FAULT_SCHEME : "", conf.url);
    return conf_open(url, job->lock_timeout_ms ? job->lock_timeout_ms : LOCK_TIMEOUT_MS,
                     &load->connector, &load->ep, err);
}

static int write_batch(struct load *load, struct leat_part *part, int stream, int number,
                       struct leat_error *err)
{
    struct leat_payload payload = {.size = sizeof payload, .kind = LEAT_PAYLOAD_BATCH};
    struct lt_cast *cast = NULL;
    struct ArrowArray batch = {0};
    const struct ArrowSchema *to = &load->plan.streams[stream].schema;
    int64_t map[16];
    for (int64_t i = 0; i < to->n_children; i++) {
        map[i] = lt_schema_find(schema_of(load->job), to->children[i]->name);
    }
    int status = lt_cast_new(schema_of(load->job), to, map, &cast, err);
    if (load->job->round) {
        keyed_batch(load->job->mode, stream, load->job->round, number, &batch);
    } else {
        conf_batch(stream, load->job->version, number, &batch);
    }
    payload.rows = batch.length;
    if (!status) {
        status = lt_cast_run(cast, &batch, 1, &payload.batch, NULL, err);
    } else {
        lt_array_done(&batch);
    }
    status = status ? status : load->connector->load->part_write(part, &payload, err);
    leat_x_payload_release(&payload);
    lt_cast_free(cast);
    return status;
}

/* One attempt of one part. `rows` are those numbers of the suite's parts that it holds. */
static int one_attempt(struct load *load, struct leat_part_plan *plan, int step, bool seal,
                       struct leat_receipt *ret_receipt, struct leat_error *err)
{
    const struct leat_load_ops *ops = load->connector->load;
    struct leat_part *part = NULL;
    int status = ops->part_open(load->load, plan, &part, err);
    for (int i = (int)plan->id.part; !status && i < CONF_PARTS; i += step) {
        status = write_batch(load, part, (int)plan->id.stream, i, err);
    }
    if (!status && seal) {
        ret_receipt->size = sizeof *ret_receipt;
        status = ops->part_seal(part, ret_receipt, err);
    }
    ops->part_close(part);
    return status;
}

/* A part of the destination takes every `step`th part of the suite's data. */
static int one_part(struct load *load, int stream, int number, int step, struct leat_error *err)
{
    struct leat_part_plan plan = {.size = sizeof plan,
                                  .id = {(uint32_t)stream, (uint32_t)number, 0},
                                  .payload = LEAT_PAYLOAD_BATCH};
    struct leat_receipt *receipt = &load->receipts[load->n_receipts],
                        again = {.size = sizeof again};
    int status = LEAT_OK;
    if (load->job->retry) {
        status = one_attempt(load, &plan, step, false, receipt, err);
        plan.id.attempt++;
    }
    status = status ? status : one_attempt(load, &plan, step, true, receipt, err);
    if (!status && load->job->retry && load->plan.streams[stream].parts_max > 1) {
        plan.id.attempt++;
        status = one_attempt(load, &plan, step, true, &again, err);
        if (!status && again.rows_inserted != receipt->rows_inserted) {
            status = lt_fail(err, LT_E_INTERNAL, "a sealed part was not found again");
        }
    }
    load->n_receipts += !status;
    return status;
}

static bool is_sealed(const struct load *load, int stream, int number)
{
    for (size_t i = 0; i < load->n_receipts; i++) {
        if (load->receipts[i].id.stream == (uint32_t)stream &&
            load->receipts[i].id.part == (uint32_t)number) {
            return true;
        }
    }
    return false;
}

/* What begin() found of an earlier load. */
static int take_over(struct load *load, struct leat_error *err)
{
    struct leat_resumed resumed = {.size = sizeof resumed};
    struct job *job = load->job;
    if (!job->resume) {
        return LEAT_OK;
    }
    int status = load->connector->load->resumed(load->load, &resumed, err);
    if (!status && (resumed.n_receipts > RECEIPTS_MAX || (resumed.n_receipts && !resumed.taken))) {
        status = lt_fail(err, LT_E_INTERNAL, "receipts that are none of the load's");
    }
    if (!status) {
        job->taken = resumed.taken;
        job->taken_parts = (int)resumed.n_receipts;
        snprintf(job->found, sizeof job->found, "%s", resumed.resume ? resumed.resume : "");
        snprintf(job->load_id, sizeof job->load_id, "%s", resumed.load_id);
        for (size_t i = 0; i < resumed.n_receipts; i++) {
            load->receipts[load->n_receipts++] = resumed.receipts[i];
        }
    }
    return status;
}

/* The parts whose number modulo `processes` is `which`, of every stream. */
static int my_parts(struct load *load, int which, int processes, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int stream = 0; !status && stream < streams_of(load->job); stream++) {
        int parts = LT_MIN(load->plan.streams[stream].parts_max, conf.parts);
        int last = load->job->leave ? LT_MIN(parts, load->job->leave) : parts;
        for (int i = which; !status && i < last; i += processes) {
            status = is_sealed(load, stream, i) ? LEAT_OK : one_part(load, stream, i, parts, err);
        }
    }
    return status;
}

/* The second process: attaches, fills its parts, sends the receipts. Does not return. */
static void attached(struct load *parent, const char *token, int fd)
{
    struct load load = {.job = parent->job, .want = parent->want, .plan = parent->plan};
    struct leat_error *err = leat_error_new();
    int status = open_for(&load, true, err);
    status = status ? status : load.connector->load->attach(load.ep, token, &load.load, err);
    status = status ? status : my_parts(&load, 1, 2, err);
    if (load.load) {
        load.connector->load->release(load.load);
    }
    size_t len = load.n_receipts * sizeof *load.receipts;
    if (!status && write(fd, load.receipts, len) != (ssize_t)len) {
        status = LEAT_UNAVAILABLE;
    }
    if (status && getenv("CONFORMANCE_VERBOSE")) {
        fprintf(stderr, "# attached process: [%s] %s\n", err->code, err->message);
    }
    if (load.ep) {
        load.connector->close(load.ep);
    }
    _exit(status);
}

static int fill_parts(struct load *load, struct leat_error *err)
{
    char token[4096];
    int fds[2], ended = 0, processes = load->want->shared ? 2 : 1;
    pid_t child = -1;
    load->job->processes = processes;
    load->job->parts = LT_MIN(load->plan.streams[0].parts_max, conf.parts);
    if (processes == 1) {
        return my_parts(load, 0, 1, err);
    }
    int status = load->connector->load->token(load->load, token, sizeof token, err);
    if (status || pipe(fds)) {
        return status ? status : lt_fail(err, LT_E_IO, "no pipe");
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        close(fds[0]);
        attached(load, token, fds[1]);
    }
    close(fds[1]);
    status = my_parts(load, 0, processes, err);
    for (struct leat_receipt receipt; read(fds[0], &receipt, sizeof receipt) == sizeof receipt;) {
        load->receipts[load->n_receipts++] = receipt;
    }
    close(fds[0]);
    waitpid(child, &ended, 0);
    if (!status && (!WIFEXITED(ended) || WEXITSTATUS(ended))) {
        status = lt_fail(err, LT_E_UNAVAILABLE, "the attached process failed");
    }
    return status;
}

/* Rows of stream 0, as they will be. */
static int read_back(struct load *load, struct leat_error *err)
{
    struct leat_reader *reader = NULL;
    int64_t rows = 0;
    if (!load->job->read_back || !load->connector->load->read_back) {
        return LEAT_OK;
    }
    int status = load->connector->load->read_back(load->load, 0, &reader, err);
    while (!status) {
        struct leat_payload payload = {.size = sizeof payload};
        status = load->connector->source->next(reader, &payload, err);
        rows += status ? 0 : payload.rows;
        if (status || payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        leat_x_payload_release(&payload);
    }
    if (reader) {
        load->connector->source->finish(reader);
    }
    load->job->rows_read_back = rows;
    return status;
}

static int commit(struct load *load, struct leat_error *err)
{
    const struct job *job = load->job;
    struct leat_state_row state = {.key = "conformance",
                                   .value = job->value ? job->value : "1",
                                   .before = job->before && *job->before ? job->before : NULL,
                                   .check = job->before != NULL};
    int64_t rows[CONF_STREAMS] = {0};
    struct leat_commit what = {.size = sizeof what,
                               .receipts = load->receipts,
                               .n_receipts = load->n_receipts,
                               .state = &state,
                               .n_state = 1,
                               .ret_counts = load->job->round ? load->job->counts : NULL};
    bool already = false;
    for (int i = 0; i < CONF_STREAMS; i++) {
        load->job->counts[i].size = sizeof load->job->counts[i];
        rows[i] = load->job->round     ? keyed_rows(job->mode, job->round)
                  : load->job->version ? CONF_ROWS * CONF_PARTS
                                       : 0;
        rows[i] += load->job->wrong_count;
    }
    what.guards = (struct leat_guards){.size = sizeof what.guards,
                                       .rows_expected = rows,
                                       .allow_empty = load->job->flags & LEAT_WRITE_ALLOW_EMPTY,
                                       .rows_deleted_max = job->no_deletes ? 0 : -1};
    int status = load->connector->load->commit(load->load, &what, &already, err);
    if (!status && already) {
        status = lt_fail(err, LT_E_INTERNAL, "a first commit said that it had been done before");
    }
    if (!status && load->job->commit_twice) {
        status = load->connector->load->commit(load->load, &what, &already, err);
        if (!status && !already) {
            status = lt_fail(err, LT_E_INTERNAL, "a second commit did not say `already`");
        }
    }
    return status;
}

static void end_load(struct load *load, int status, bool committing)
{
    if (!load->load) {
        return;
    }
    if (!status || (committing && status == LEAT_OUTCOME_UNKNOWN)) {
        load->connector->load->release(load->load);
    } else {
        load->connector->load->abort(load->load);
    }
}

int job_run(struct job *job, struct leat_error *err)
{
    struct load load = {.job = job, .plan = {.size = sizeof load.plan}};
    bool planned = false, committing = false;
    int status = open_for(&load, false, err);
    if (status) {
        return status;
    }
    const struct leat_capabilities *caps = load.connector->capabilities(load.ep);
    bool shared = (caps->flags & LEAT_CAN_ATTACH) && conf.parts > 1 && !job->resume;
    load.want = job_plan(job, shared);
    status = load.connector->load->plan(load.ep, load.want, &load.plan, err);
    planned = !status;
    status = status ? status : load.connector->load->begin(load.ep, &load.plan, &load.load, err);
    status = status ? status : take_over(&load, err);
    status = status ? status : fill_parts(&load, err);
    status = status ? status : read_back(&load, err);
    if (!status && job->while_open) {
        job->while_open(job);
    }
    if (!status && !job->leave) {
        committing = true;
        status = commit(&load, err);
    }
    end_load(&load, status, committing);
    if (planned) {
        load.connector->load->plan_release(&load.plan);
    }
    load.connector->close(load.ep);
    return status;
}

int job_run_apart(struct job *job)
{
    int ended = 0;
    lt_new_id(job->load_id);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct leat_error *err = leat_error_new();
        int status = job_run(job, err);
        if (status && getenv("CONFORMANCE_VERBOSE")) {
            fprintf(stderr, "# apart: [%s] %s\n", err->code, err->message);
        }
        _exit(status);
    }
    waitpid(child, &ended, 0);
    /* What the killed process had attached comes to us (we are the subreaper): wait it out. */
    while (waitpid(-1, NULL, 0) > 0) {
    }
    return ended;
}

int job_outcome(const struct job *job, enum leat_outcome *ret_outcome, struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep;
    struct job copy = *job;
    const struct leat_write_plan *want = job_plan(&copy, false);
    int status = conf_open(conf.url, LOCK_TIMEOUT_MS, &connector, &ep, err);
    for (int tries = 0; !status && tries < 200; tries++) {
        status = connector->load->outcome(ep, want, ret_outcome, err);
        if (status || *ret_outcome != LEAT_LOAD_IN_FLIGHT) {
            break;
        }
        lt_sleep_ms(50, NULL); /* a server may take a while to notice that its client is gone */
    }
    if (ep) {
        connector->close(ep);
    }
    return status;
}

/* --- bytes --------------------------------------------------------------------------------- */

static int pump(const struct leat_connector *connector, struct leat_reader *reader,
                struct leat_part *part, int64_t *rows, struct leat_error *err)
{
    for (;;) {
        struct leat_payload payload = {.size = sizeof payload};
        int status = connector->source->next(reader, &payload, err);
        if (status || payload.kind == LEAT_PAYLOAD_NONE) {
            return status;
        }
        if (payload.kind != LEAT_PAYLOAD_BYTES) {
            status = lt_fail(err, LT_E_INTERNAL, "bytes were asked for, something else came");
        }
        *rows += payload.rows;
        status = status ? status : connector->load->part_write(part, &payload, err);
        leat_x_payload_release(&payload);
        if (status) {
            return status;
        }
    }
}

static int load_bytes(const struct leat_connector *connector, struct leat_endpoint *ep,
                      struct leat_reader *reader, const struct leat_write_plan *want,
                      struct leat_error *err)
{
    const struct leat_load_ops *ops = connector->load;
    struct leat_load_plan plan = {.size = sizeof plan};
    struct leat_load *load = NULL;
    struct leat_part *part = NULL;
    struct leat_part_plan part_plan = {.size = sizeof part_plan, .payload = LEAT_PAYLOAD_BYTES};
    struct leat_receipt receipt = {.size = sizeof receipt};
    int64_t rows = 0;
    bool already;
    int status = ops->plan(ep, want, &plan, err);
    if (status) {
        return status;
    }
    if (!(plan.streams[0].payloads & LEAT_PAYLOAD_BYTES)) {
        status = lt_fail(err, LT_E_INTERNAL, "the plan does not take the bytes of its own source");
    }
    status = status ? status : ops->begin(ep, &plan, &load, err);
    status = status ? status : ops->part_open(load, &part_plan, &part, err);
    status = status ? status : pump(connector, reader, part, &rows, err);
    status = status ? status : ops->part_seal(part, &receipt, err);
    ops->part_close(part);
    struct leat_commit what = {.size = sizeof what, .receipts = &receipt, .n_receipts = 1};
    what.guards = (struct leat_guards){
        .size = sizeof what.guards, .rows_expected = &rows, .rows_deleted_max = -1};
    status = status ? status : ops->commit(load, &what, &already, err);
    if (load && status) {
        ops->abort(load);
    } else if (load) {
        ops->release(load);
    }
    ops->plan_release(&plan);
    return status;
}

int job_copy_bytes(const char *from, const char *to, enum leat_write_mode mode,
                   struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *source = NULL, *dest = NULL;
    struct leat_reader *reader = NULL;
    struct ArrowSchema schema = {0};
    char load_id[33];
    struct leat_read_plan read = {.size = sizeof read,
                                  .stream = {conf.ns, from},
                                  .limit = -1,
                                  .payloads = LEAT_PAYLOAD_BYTES};
    int status = conf_open(conf.url, LOCK_TIMEOUT_MS, &connector, &source, err);
    status = status ? status : conf_open(conf.url, LOCK_TIMEOUT_MS, &connector, &dest, err);
    if (!status) {
        const struct leat_capabilities *caps = connector->capabilities(source);
        if (!(caps->payloads_out & caps->payloads_in & LEAT_PAYLOAD_BYTES)) {
            status = LEAT_UNSUPPORTED;
            goto out;
        }
        status = connector->source->start(source, &read, &reader, err);
    }
    status = status ? status : connector->source->schema(reader, &schema, err);
    if (!status) {
        struct leat_write_stream stream = {.size = sizeof stream,
                                           .name = {conf.ns, to},
                                           .schema = &schema,
                                           .source_id = "conformance-bytes",
                                           .mode = mode,
                                           .flags = LEAT_WRITE_FORCE,
                                           .parts_wanted = 1,
                                           .payloads = LEAT_PAYLOAD_BYTES | LEAT_PAYLOAD_BATCH,
                                           .bytes_format =
                                               connector->capabilities(source)->bytes_format};
        struct leat_write_plan want = {.size = sizeof want,
                                       .load_id = load_id,
                                       .streams = &stream,
                                       .n_streams = 1,
                                       .params = conf.params,
                                       .n_params = conf.n_params};
        lt_new_id(load_id);
        status = load_bytes(connector, dest, reader, &want, err);
    }
out:
    if (reader) {
        connector->source->finish(reader);
    }
    lt_schema_done(&schema);
    if (source) {
        connector->close(source);
    }
    if (dest) {
        connector->close(dest);
    }
    return status;
}
