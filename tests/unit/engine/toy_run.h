/* A source and a destination that do as a test says. Everything is in two structs, reset by
 * toy_reset(); what the engine may call from several threads is atomic. */
#ifndef TOY_RUN_H
#define TOY_RUN_H

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/view.h"
#include "core/codes.h"
#include "core/util.h"
#include "leat/leat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOY_STREAMS_MAX 8
#define TOY_DESTS_MAX 3
#define TOY_SCRIPT_MAX 8
#define TOY_ROWS_MAX 100000

enum toy_snapshot { SNAPSHOT_NONE, SNAPSHOT_SHARED, SNAPSHOT_OWN, SNAPSHOT_UNSUPPORTED };

/* What the source is to do, and what was done to it. Streams hold the ids 1..rows. */
static struct toy_source {
    int n_streams;
    const char *ns[TOY_STREAMS_MAX];
    const char *names[TOY_STREAMS_MAX];
    int64_t rows, batch_rows;
    uint32_t flags;
    bool no_columns;
    bool bad_names;          /* every tenth name is "x", the others are numbers */
    int slow_ms;             /* for each batch */
    bool hangs;              /* next() waits for cancel() */
    const char *fail_stream; /* NULL: each */
    int fail_batch;          /* 0: never */
    int fail_status;
    atomic_int fail_times;
    bool lies; /* about rows */
    int rejects_per_batch;
    int losses_per_batch; /* of column "id", unless it is wanted as text */
    bool stubborn;        /* also then */
    enum toy_snapshot snapshot;
    atomic_int opens, closes, starts, finishes, takes, joins, cancels, describes, live_batches;
    int64_t limit_seen;
} src;

static struct toy_dest {
    uint32_t flags;
    int loads_max;
    enum leat_atomicity atomicity;
    atomic_int busy_times;
    bool turned;      /* its schema has the columns the other way round */
    bool name_is_int; /* and casts name to int64 */
    int fail_batch, fail_status;
    atomic_int fail_times;
    int slow_ms;
    int seal_lie;                /* added to rows_inserted */
    int rejects_first;           /* refuses so many records */
    int losses_first;            /* tells of so many values of "id" */
    bool refuses_integers;       /* has no type for them */
    bool not_null;               /* "id" takes no nulls */
    atomic_bool id_is_text;      /* what was planned */
    bool corrupt;                /* reads back something else */
    bool short_back;             /* reads back a row less than it took */
    int commits[TOY_SCRIPT_MAX]; /* statuses, by turn */
    enum leat_outcome outcomes[TOY_SCRIPT_MAX];
    int outcome_status;
    bool commit_hidden;    /* a commit that reports a lost reply did happen */
    bool cancel_at_commit; /* the user cancels just when the reply is lost */
    struct leat *leat;
    atomic_int opens, closes, plans, plan_releases, begins, aborts, releases, commit_calls,
        outcome_calls, completes;
    _Atomic int64_t rows, id_sum; /* committed */
    atomic_int streams;           /* committed */
} dst[TOY_DESTS_MAX];

static pthread_mutex_t toy_mutex = PTHREAD_MUTEX_INITIALIZER;

struct leat_endpoint {
    const struct leat_host *host;
    struct toy_dest *dest; /* NULL: the source */
    atomic_bool cancelled;
    bool has_snapshot;
    struct leat_capabilities caps;
};

struct leat_reader {
    struct leat_endpoint *ep;
    struct ArrowSchema schema;
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    bool loses;
    int stream;
    int batch;
    int64_t next_id, rows, given;
    int64_t *ids; /* read back: these instead */
    bool bad;
};

static void toy_reset(void)
{
    static const char *const names[] = {"one",  "two", "three", "four",
                                        "five", "six", "seven", "eight"};
    memset(&src, 0, sizeof src);
    memset(dst, 0, sizeof dst);
    src.n_streams = 1;
    src.rows = 1000;
    src.batch_rows = 100;
    for (int i = 0; i < TOY_STREAMS_MAX; i++) {
        src.names[i] = names[i];
        src.ns[i] = "";
    }
    for (int d = 0; d < TOY_DESTS_MAX; d++) {
        dst[d].flags = LEAT_CAN_STREAMS;
        dst[d].atomicity = LEAT_ATOMIC_LOAD;
    }
}

/* --- endpoints ------------------------------------------------------------------------------ */

static int toy_open(const struct leat_config *config, struct leat_endpoint **ret_ep,
                    struct leat_error *err)
{
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep) {
        return lt_fail_oom(err);
    }
    ep->host = config->host;
    ep->caps = (struct leat_capabilities){.size = sizeof ep->caps, .default_namespace = ""};
    if (!strncmp(config->url, "toydst:", 7)) {
        ep->dest = &dst[config->url[7] - 'a'];
        ep->caps.flags = ep->dest->flags;
        ep->caps.loads_max = ep->dest->loads_max;
        atomic_fetch_add(&ep->dest->opens, 1);
    } else {
        ep->caps.flags = src.flags;
        atomic_fetch_add(&src.opens, 1);
    }
    *ret_ep = ep;
    return LEAT_OK;
}

static void toy_close(struct leat_endpoint *ep)
{
    if (ep) {
        atomic_fetch_add(ep->dest ? &ep->dest->closes : &src.closes, 1);
        free(ep);
    }
}

static void toy_cancel(struct leat_endpoint *ep)
{
    atomic_store(&ep->cancelled, true);
    if (!ep->dest) {
        atomic_fetch_add(&src.cancels, 1);
    }
}

static const struct leat_capabilities *toy_caps(struct leat_endpoint *ep)
{
    return &ep->caps;
}

/* Sleeps unless cancelled; ms < 0: until cancelled. */
static int toy_wait(struct leat_endpoint *ep, int ms, struct leat_error *err)
{
    for (int i = 0; (ms < 0 || i < ms) && !atomic_load(&ep->cancelled); i++) {
        lt_sleep_ms(1, NULL);
    }
    return atomic_load(&ep->cancelled) ? lt_fail(err, LT_E_CANCELLED, "the toy was cancelled")
                                       : LEAT_OK;
}

static bool toy_due(atomic_int *times)
{
    int left = atomic_load(times);
    while (left > 0 && !atomic_compare_exchange_weak(times, &left, left - 1)) {
    }
    return left > 0;
}

/* --- source --------------------------------------------------------------------------------- */

static int toy_schema(struct ArrowSchema *ret_schema, struct leat_error *err)
{
    int rc = lt_schema_init_struct(ret_schema, 0, err);
    if (!rc && !src.no_columns) {
        rc = lt_schema_add_field(ret_schema, "l", "id", ARROW_FLAG_NULLABLE, NULL, err);
        rc = rc ? rc : lt_schema_add_field(ret_schema, "u", "name", ARROW_FLAG_NULLABLE, NULL, err);
    }
    return rc;
}

static int toy_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                        leat_stream_fn *each, void *arg, struct leat_error *err)
{
    (void)ep;
    (void)ns_pattern;
    (void)err;
    int rc = 0;
    for (int i = 0; !rc && i < src.n_streams; i++) {
        const struct leat_stream_info info = {.size = sizeof info,
                                              .name = {src.ns[i], src.names[i]},
                                              .rows_estimate = src.rows,
                                              .bytes_estimate = 100 - i};
        rc = lt_wildcard_match(name_pattern, src.names[i]) ? each(arg, &info) : 0;
    }
    return rc;
}

static int toy_find(const char *name)
{
    for (int i = 0; i < src.n_streams; i++) {
        if (!strcmp(src.names[i], name)) {
            return i;
        }
    }
    return -1;
}

static int toy_describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                        struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                        struct leat_error *err)
{
    (void)ep;
    atomic_fetch_add(&src.describes, 1);
    if (toy_find(name->name) < 0) {
        return lt_fail(err, LT_E_NOT_FOUND, "no stream %s", name->name);
    }
    *ret_info = (struct leat_stream_info){
        .size = sizeof *ret_info, .name = *name, .rows_estimate = src.rows, .bytes_estimate = 7};
    return toy_schema(ret_schema, err);
}

static inline int toy_take(struct leat_endpoint *ep, char *ret_token, size_t size,
                           struct leat_error *err)
{
    if (src.snapshot == SNAPSHOT_UNSUPPORTED) {
        return lt_fail(err, LT_E_UNSUPPORTED, "no snapshots here");
    }
    atomic_fetch_add(&src.takes, 1);
    ep->has_snapshot = true;
    snprintf(ret_token, size, "%s", src.snapshot == SNAPSHOT_SHARED ? "token" : "");
    return LEAT_OK;
}

static inline int toy_join(struct leat_endpoint *ep, const char *token, struct leat_error *err)
{
    if (strcmp(token, "token")) {
        return lt_fail(err, LT_E_INTERNAL, "no such snapshot");
    }
    atomic_fetch_add(&src.joins, 1);
    ep->has_snapshot = true;
    return LEAT_OK;
}

static int toy_start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                     struct leat_reader **ret_reader, struct leat_error *err)
{
    int stream = toy_find(plan->stream.name);
    if (stream < 0) {
        return lt_fail(err, LT_E_NOT_FOUND, "no stream %s", plan->stream.name);
    }
    if (src.snapshot == SNAPSHOT_SHARED && src.n_streams > 1 && !ep->has_snapshot) {
        return lt_fail(err, LT_E_INTERNAL, "read outside of the snapshot");
    }
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    *reader = (struct leat_reader){
        .ep = ep, .rejects = plan->rejects, .stream = stream, .next_id = 1, .rows = src.rows};
    int64_t typed = plan->types ? lt_schema_find(plan->types, "id") : -1;
    reader->losses = plan->losses;
    reader->loses = src.stubborn || typed < 0 || strcmp(plan->types->children[typed]->format, "u");
    pthread_mutex_lock(&toy_mutex);
    src.limit_seen = plan->limit;
    pthread_mutex_unlock(&toy_mutex);
    atomic_fetch_add(&src.starts, 1);
    int rc = toy_schema(&reader->schema, err);
    if (rc) {
        free(reader);
        return rc;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

static int toy_reader_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                             struct leat_error *err)
{
    return lt_schema_copy(&reader->schema, ret_schema, err);
}

static int toy_batch(const struct leat_reader *reader, int64_t rows, struct ArrowArray *ret_array,
                     struct leat_error *err)
{
    struct lt_batch_builder batch;
    int rc = lt_batch_builder_init(&batch, &reader->schema, err);
    for (int64_t i = 0; !rc && i < rows && !src.no_columns; i++) {
        int64_t id = reader->ids ? reader->ids[reader->next_id - 1 + i] : reader->next_id + i;
        char text[32];
        id += reader->bad;
        snprintf(text, sizeof text, "%lld", (long long)id);
        rc = lt_builder_i64(&batch.columns[0], id);
        rc = rc ? rc
                : lt_builder_bytes_value(&batch.columns[1],
                                         src.bad_names && id % 10 == 0 ? "x" : text,
                                         src.bad_names && id % 10 == 0 ? 1 : strlen(text));
    }
    rc = rc ? rc : lt_batch_builder_finish(&batch, rows, ret_array, err);
    lt_batch_builder_done(&batch);
    return rc;
}

static int toy_tell_reject(const struct leat_reject_sink *sink, struct leat_error *err)
{
    const struct leat_reject reject = {.size = sizeof reject,
                                       .place = "toy",
                                       .code = "value-syntax",
                                       .reason = "it was asked for",
                                       .record = "r\xff",
                                       .record_len = 2};
    return sink ? sink->reject(sink->arg, &reject, err)
                : lt_fail(err, LT_E_VALUE_SYNTAX, "a bad record");
}

static int toy_tell_loss(const struct leat_loss_sink *sink, struct leat_error *err)
{
    const struct leat_reject what = {.size = sizeof what,
                                     .place = "toy: column \"id\"",
                                     .code = "value-range",
                                     .reason = "it cannot be held",
                                     .column = "id"};
    int rc = sink ? sink->lost(sink->arg, &what, err)
                  : lt_fail(err, LT_E_VALUE_RANGE, "it cannot be held");
    if (!sink) {
        leat_error_place(err, "column \"id\"");
    }
    return rc;
}

static int toy_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                    struct leat_error *err)
{
    int64_t rows = LT_MIN(src.batch_rows, reader->rows - reader->next_id + 1);
    ret_payload->kind = LEAT_PAYLOAD_NONE;
    int rc = toy_wait(reader->ep, reader->ids ? 0 : src.hangs ? -1 : src.slow_ms, err);
    if (rc || rows <= 0) {
        return rc;
    }
    reader->batch++;
    bool fails = !reader->ids && reader->batch == src.fail_batch &&
                 (!src.fail_stream || !strcmp(src.fail_stream, src.names[reader->stream]));
    if (fails && toy_due(&src.fail_times)) {
        return leat_fail(err, (enum leat_status)src.fail_status, "the toy source fails");
    }
    for (int i = 0; !rc && !reader->ids && i < src.rejects_per_batch; i++) {
        rc = toy_tell_reject(reader->rejects, err);
    }
    for (int i = 0; !rc && !reader->ids && reader->loses && i < src.losses_per_batch; i++) {
        rc = toy_tell_loss(reader->losses, err);
    }
    rc = rc ? rc : toy_batch(reader, rows, &ret_payload->batch, err);
    if (rc) {
        return rc;
    }
    ret_payload->kind = LEAT_PAYLOAD_BATCH;
    ret_payload->rows = rows + src.lies;
    ret_payload->row_first = reader->next_id;
    reader->next_id += rows;
    return LEAT_OK;
}

static void toy_finish(struct leat_reader *reader)
{
    if (reader) {
        if (!reader->ids) {
            atomic_fetch_add(&src.finishes, 1);
        }
        lt_schema_done(&reader->schema);
        free(reader);
    }
}

/* --- destination ---------------------------------------------------------------------------- */

struct leat_load {
    struct toy_dest *dest;
    struct leat_endpoint *ep;
    const struct leat_write_plan *want;
    int64_t rows, id_sum, n_ids;
    int64_t *ids;
};

struct leat_part {
    struct leat_load *load;
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    struct ArrowSchema schema;
    struct leat_receipt receipt;
    int batch;
};

static int toy_taken(const struct toy_dest *dest, const struct ArrowSchema *from,
                     struct ArrowSchema *ret_schema, struct leat_error *err)
{
    int rc = lt_schema_init_struct(ret_schema, 0, err);
    for (int64_t i = 0; !rc && i < from->n_children; i++) {
        struct ArrowSchema field = {0};
        int64_t at = dest->turned ? from->n_children - 1 - i : i;
        rc = lt_schema_copy(from->children[at], &field, err);
        if (!rc && dest->name_is_int && !strcmp(field.name, "name")) {
            rc = lt_schema_set_format(&field, "l", err);
        }
        bool id = !rc && !strcmp(field.name, "id");
        if (id && dest->not_null) {
            field.flags &= ~ARROW_FLAG_NULLABLE;
        }
        if (id && dest->refuses_integers && strcmp(field.format, "u")) {
            rc = lt_fail(err, LT_E_UNSUPPORTED_TYPE, "no integers here");
            leat_error_place(err, "column \"id\"");
        }
        rc = rc ? rc : lt_schema_add(ret_schema, &field, err);
        lt_schema_done(&field);
    }
    return rc;
}

static int toy_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
                    struct leat_load_plan *ret_plan, struct leat_error *err)
{
    struct leat_load_stream *streams = calloc(want->n_streams, sizeof *streams);
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < want->n_streams; i++) {
        streams[i] = (struct leat_load_stream){.size = sizeof *streams,
                                               .parts_max = 1,
                                               .payloads = LEAT_PAYLOAD_BATCH,
                                               .rows_before = -1,
                                               .route = lt_strdup("kept in memory")};
        rc = toy_taken(ep->dest, want->streams[i].schema, &streams[i].schema, err);
    }
    if (rc) {
        for (size_t i = 0; i < want->n_streams; i++) {
            lt_schema_done(&streams[i].schema);
            free(streams[i].route);
        }
        free(streams);
        return rc;
    }
    int64_t id = lt_schema_find(&streams[0].schema, "id");
    ep->dest->id_is_text = id >= 0 && !strcmp(streams[0].schema.children[id]->format, "u");
    *ret_plan = (struct leat_load_plan){.size = sizeof *ret_plan,
                                        .streams = streams,
                                        .n_streams = want->n_streams,
                                        .atomicity = ep->dest->atomicity,
                                        .state = ep};
    atomic_fetch_add(&ep->dest->plans, 1);
    return rc;
}

static void toy_plan_release(struct leat_load_plan *plan)
{
    /* A plan may lean on its endpoint: a sanitizer sees it when that is gone. */
    atomic_fetch_add(&((struct leat_endpoint *)plan->state)->dest->plan_releases, 1);
    for (size_t i = 0; i < plan->n_streams; i++) {
        lt_schema_done(&plan->streams[i].schema);
        free(plan->streams[i].route);
    }
    free(plan->streams);
}

static int toy_begin(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                     struct leat_load **ret_load, struct leat_error *err)
{
    (void)plan;
    if (toy_due(&ep->dest->busy_times)) {
        return lt_fail(err, LT_E_DESTINATION_BUSY, "somebody else is at it");
    }
    struct leat_load *load = calloc(1, sizeof *load);
    load->dest = ep->dest;
    load->ep = ep;
    load->ids = calloc(TOY_ROWS_MAX, sizeof *load->ids);
    atomic_fetch_add(&ep->dest->begins, 1);
    *ret_load = load;
    return LEAT_OK;
}

static void toy_load_free(struct leat_load *load)
{
    free(load->ids);
    free(load);
}

static void toy_abort(struct leat_load *load)
{
    if (load) {
        atomic_fetch_add(&load->dest->aborts, 1);
        toy_load_free(load);
    }
}

static void toy_release(struct leat_load *load)
{
    if (load) {
        atomic_fetch_add(&load->dest->releases, 1);
        toy_load_free(load);
    }
}

static int toy_part_open(struct leat_load *load, const struct leat_part_plan *plan,
                         struct leat_part **ret_part, struct leat_error *err)
{
    struct leat_part *part = calloc(1, sizeof *part);
    *part = (struct leat_part){.load = load, .rejects = plan->rejects, .losses = plan->losses};
    part->receipt = (struct leat_receipt){.size = sizeof part->receipt, .id = plan->id};
    (void)err;
    *ret_part = part;
    return LEAT_OK;
}

static int toy_part_write(struct leat_part *part, struct leat_payload *payload,
                          struct leat_error *err)
{
    struct toy_dest *dest = part->load->dest;
    int rc = toy_wait(part->load->ep, dest->slow_ms, err);
    part->batch++;
    if (!rc && part->batch == dest->fail_batch && toy_due(&dest->fail_times)) {
        rc = leat_fail(err, (enum leat_status)dest->fail_status, "the toy destination fails");
    }
    for (; !rc && part->receipt.rows_rejected < dest->rejects_first;) {
        rc = toy_tell_reject(part->rejects, err);
        part->receipt.rows_rejected += !rc;
    }
    for (int i = 0; !rc && part->batch == 1 && i < dest->losses_first && !dest->id_is_text; i++) {
        rc = toy_tell_loss(part->losses, err);
    }
    int64_t skip = part->batch == 1 ? dest->rejects_first : 0;
    const struct ArrowArray *batch = &payload->batch;
    int64_t n_columns = batch->n_children;
    for (int64_t i = skip; !rc && i < batch->length; i++) {
        const struct ArrowArray *ids = n_columns && !dest->id_is_text
                                           ? batch->children[dest->turned ? n_columns - 1 : 0]
                                           : NULL;
        int64_t id = ids ? ((const int64_t *)ids->buffers[1])[ids->offset + i] : 0;
        part->load->id_sum += id;
        if (part->load->n_ids < TOY_ROWS_MAX) {
            part->load->ids[part->load->n_ids++] = id;
        }
    }
    if (!rc) {
        part->receipt.rows_inserted += batch->length - skip;
        part->load->rows += batch->length - skip;
    }
    return rc;
}

static int toy_part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                         struct leat_error *err)
{
    (void)err;
    *ret_receipt = part->receipt;
    ret_receipt->rows_inserted += part->load->dest->seal_lie;
    return LEAT_OK;
}

static void toy_part_close(struct leat_part *part)
{
    free(part);
}

static int toy_read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                         struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    (void)stream;
    *reader = (struct leat_reader){.ep = load->ep,
                                   .next_id = 1,
                                   .rows = load->n_ids - load->dest->short_back,
                                   .ids = load->ids,
                                   .bad = load->dest->corrupt};
    *ret_reader = reader;
    return toy_schema(&reader->schema, err);
}

static void toy_commit_rows(struct leat_load *load, size_t n_streams)
{
    atomic_fetch_add(&load->dest->rows, load->rows);
    atomic_fetch_add(&load->dest->id_sum, load->id_sum);
    atomic_fetch_add(&load->dest->streams, (int)n_streams);
}

static int toy_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                      struct leat_error *err)
{
    int turn = atomic_fetch_add(&load->dest->commit_calls, 1);
    int rc = turn < TOY_SCRIPT_MAX ? load->dest->commits[turn] : 0;
    *ret_already = false;
    if (!rc || (rc == LEAT_OUTCOME_UNKNOWN && load->dest->commit_hidden)) {
        toy_commit_rows(load, what->n_receipts);
    }
    if (load->dest->cancel_at_commit) {
        leat_cancel(load->dest->leat);
    }
    return rc ? leat_fail(err, (enum leat_status)rc, "the toy's commit fails") : LEAT_OK;
}

static int toy_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
                       enum leat_outcome *ret_outcome, struct leat_error *err)
{
    int turn = atomic_fetch_add(&ep->dest->outcome_calls, 1);
    if (strlen(want->load_id) != 32 || !want->streams[0].schema->release ||
        (want->n_params && !want->params[0].name)) {
        return lt_fail(err, LT_E_INTERNAL, "the write plan is gone");
    }
    if (ep->dest->outcome_status) {
        return leat_fail(err, (enum leat_status)ep->dest->outcome_status, "the toy cannot tell");
    }
    *ret_outcome = ep->dest->outcomes[LT_MIN(turn, TOY_SCRIPT_MAX - 1)];
    return LEAT_OK;
}

static int toy_complete(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                        size_t n_streams, struct leat_error *err)
{
    atomic_fetch_add(&ep->dest->completes, 1);
    return n_streams && streams[0].schema->release ? LEAT_OK
                                                   : lt_fail(err, LT_E_INTERNAL, "no schema");
}

static const struct leat_option toy_options[] = {
    {
        "toy-mark",
        LEAT_OPTION_TEXT,
        NULL,
        "TEXT",
        "Nothing",
    },
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};
static const struct leat_catalog_ops toy_catalog = {.discover = toy_discover,
                                                    .describe = toy_describe};
static struct leat_source_ops toy_source_ops = {
    .start = toy_start, .schema = toy_reader_schema, .next = toy_next, .finish = toy_finish};
static const struct leat_source_ops toy_back_ops = {
    .schema = toy_reader_schema, .next = toy_next, .finish = toy_finish};
static const struct leat_load_ops toy_load_ops = {.plan = toy_plan,
                                                  .plan_release = toy_plan_release,
                                                  .begin = toy_begin,
                                                  .part_open = toy_part_open,
                                                  .part_write = toy_part_write,
                                                  .part_seal = toy_part_seal,
                                                  .part_close = toy_part_close,
                                                  .read_back = toy_read_back,
                                                  .commit = toy_commit,
                                                  .outcome = toy_outcome,
                                                  .abort = toy_abort,
                                                  .release = toy_release,
                                                  .complete = toy_complete};
static const struct leat_connector toy_source_connector = {.size = sizeof toy_source_connector,
                                                           .abi = LEAT_CONNECTOR_ABI,
                                                           .name = "toysrc",
                                                           .summary = "a toy",
                                                           .open = toy_open,
                                                           .close = toy_close,
                                                           .cancel = toy_cancel,
                                                           .capabilities = toy_caps,
                                                           .catalog = &toy_catalog,
                                                           .source = &toy_source_ops};
static const struct leat_connector toy_dest_connector = {.size = sizeof toy_dest_connector,
                                                         .abi = LEAT_CONNECTOR_ABI,
                                                         .name = "toydst",
                                                         .summary = "a toy",
                                                         .options = toy_options,
                                                         .open = toy_open,
                                                         .close = toy_close,
                                                         .cancel = toy_cancel,
                                                         .capabilities = toy_caps,
                                                         .source = &toy_back_ops,
                                                         .load = &toy_load_ops};

#endif
