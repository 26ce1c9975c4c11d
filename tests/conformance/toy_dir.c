/* `toydir:PATH`: each stream a directory of part files, a manifest that says which of them count,
 * and a commit of idempotent steps behind one mark. The smallest connector that uses the whole
 * load contract: parts, attach, outcome, sweep, a fence, state rows. */
#include "toy.h"
#include "toy_batch.h"
#include "toy_store.h"

#include "core/codes.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_FORMAT "toybin"
#define STREAMS_MAX 1024
#define PARTS_MAX 64
#define FRAME_BYTES_MAX ((uint64_t)1 << 31)

/* --- endpoint ------------------------------------------------------------------------------ */

static void toy_close(struct leat_endpoint *ep)
{
    if (ep) {
        free(ep->root);
        free(ep);
    }
}

static int toy_open(const struct leat_config *config, struct leat_endpoint **ret_ep,
                    struct leat_error *err)
{
    const char *path = strchr(config->url, ':');
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    if (!path || !path[1]) {
        free(ep);
        return lt_fail(err, LT_E_INVALID, "a toy directory needs a path: toydir:PATH");
    }
    if (!ep || !(ep->root = lt_strdup(path + 1))) {
        toy_close(ep);
        return lt_fail_oom(err);
    }
    ep->host = config->host;
    ep->lock_timeout_ms = config->lock_timeout_ms;
    if (mkdir(ep->root, 0700) && errno != EEXIST) {
        int status = lt_fail_errno(err, errno, "cannot make %s", ep->root);
        toy_close(ep);
        return status;
    }
    char *inside = toy_path(ep, "", "");
    if (!inside || (mkdir(inside, 0700) && errno != EEXIST)) {
        int status = lt_fail_errno(err, errno, "cannot make %s/.leat", ep->root);
        free(inside);
        toy_close(ep);
        return status;
    }
    free(inside);
    *ret_ep = ep;
    return LEAT_OK;
}

static int toy_check(struct leat_endpoint *ep, struct leat_check *ret_check, struct leat_error *err)
{
    (void)ep, (void)err;
    *ret_check = (struct leat_check){.size = sizeof *ret_check,
                                     .system = "toy directory",
                                     .version = "1",
                                     .user = "",
                                     .can_read = true,
                                     .can_create = true,
                                     .can_write = true};
    return LEAT_OK;
}

static void toy_cancel(struct leat_endpoint *ep)
{
    ep->cancelled = 1;
}

static const char *const toy_steps[] = {"mark", "install", "record", "clean", NULL};

static const struct leat_capabilities toy_caps = {
    .size = sizeof toy_caps,
    .flags = LEAT_CAN_ATTACH | LEAT_CAN_STREAMS,
    .payloads_out = LEAT_PAYLOAD_BATCH | LEAT_PAYLOAD_BYTES,
    .payloads_in = LEAT_PAYLOAD_BATCH | LEAT_PAYLOAD_BYTES,
    .bytes_format = BYTES_FORMAT,
    .loads_max = 1,
    .default_namespace = "",
    .commit_steps = toy_steps,
};

static const struct leat_capabilities *toy_capabilities(struct leat_endpoint *ep)
{
    (void)ep;
    return &toy_caps;
}

/* --- catalogue ----------------------------------------------------------------------------- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static struct leat_stream_info stream_info(const char *name, int64_t rows)
{
    return (struct leat_stream_info){.size = sizeof(struct leat_stream_info),
                                     .name = {"", name},
                                     .kind = LEAT_FILE,
                                     .rows_estimate = rows,
                                     .bytes_estimate = -1};
}

static int toy_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                        leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct dirent **entries = NULL;
    int n = scandir(ep->root, &entries, not_hidden, by_name), status = LEAT_OK;
    (void)ns_pattern;
    if (n < 0) {
        return lt_fail_errno(err, errno, "cannot list %s", ep->root);
    }
    for (int i = 0; i < n; i++) {
        struct toy_manifest manifest;
        const char *name = entries[i]->d_name;
        if (!status && (!name_pattern || lt_wildcard_match(name_pattern, name)) &&
            !toy_manifest_read(ep, name, &manifest, NULL)) {
            struct leat_stream_info info = stream_info(name, manifest.rows);
            status = each(arg, &info);
            toy_manifest_done(&manifest);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int toy_describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                        struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                        struct leat_error *err)
{
    struct toy_manifest manifest;
    int status = toy_manifest_read(ep, name->name, &manifest, err);
    if (status) {
        return status;
    }
    status = toy_schema_read(manifest.schema.data, manifest.schema.len, ret_schema, err);
    *ret_info = stream_info(name->name, manifest.rows);
    toy_manifest_done(&manifest);
    return status;
}

static const struct leat_catalog_ops toy_catalog = {toy_discover, toy_describe, NULL};

/* --- reading ------------------------------------------------------------------------------- */

/* Its files are all open from start() on: a load that replaces them takes nothing away. */
struct leat_reader {
    struct leat_endpoint *ep;
    struct ArrowSchema schema;
    int *fds;
    size_t n_fds, at;
    uint32_t payloads;
    int64_t row;
};

static void toy_finish(struct leat_reader *reader)
{
    if (!reader) {
        return;
    }
    for (size_t i = 0; i < reader->n_fds; i++) {
        close(reader->fds[i]);
    }
    if (reader->schema.release) {
        reader->schema.release(&reader->schema);
    }
    free(reader->fds);
    free(reader);
}

static int reader_add(struct leat_reader *reader, const char *path, struct leat_error *err)
{
    int *fds = realloc(reader->fds, (reader->n_fds + 1) * sizeof *fds);
    if (!fds) {
        return lt_fail_oom(err);
    }
    reader->fds = fds;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return lt_fail_errno(err, errno, "cannot open %s", path);
    }
    fds[reader->n_fds++] = fd;
    return LEAT_OK;
}

static int toy_start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                     struct leat_reader **ret_reader, struct leat_error *err)
{
    struct toy_manifest manifest;
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->ep = ep;
    reader->payloads = plan->payloads;
    reader->row = 1;
    int status = toy_manifest_read(ep, plan->stream.name, &manifest, err);
    if (status) {
        toy_finish(reader);
        return status;
    }
    status = toy_schema_read(manifest.schema.data, manifest.schema.len, &reader->schema, err);
    for (size_t i = 0; !status && i < manifest.n_parts; i++) {
        char *path = lt_format("%s/%s/%s", ep->root, plan->stream.name, manifest.parts[i].name);
        status = path ? reader_add(reader, path, err) : lt_fail_oom(err);
        free(path);
    }
    toy_manifest_done(&manifest);
    if (status) {
        toy_finish(reader);
    } else {
        *ret_reader = reader;
    }
    return status;
}

static int toy_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                      struct leat_error *err)
{
    struct lt_buf bytes = LT_BUF_INIT;
    int status = toy_schema_write(&reader->schema, &bytes, err);
    status = status ? status : toy_schema_read(bytes.data, bytes.len, ret_schema, err);
    lt_buf_done(&bytes);
    return status;
}

static int read_whole(int fd, void *data, size_t len, size_t *ret_len, struct leat_error *err)
{
    size_t at = 0;
    while (at < len) {
        ssize_t n = read(fd, (char *)data + at, len - at);
        if (n < 0) {
            return lt_fail_errno(err, errno, "cannot read a part file");
        }
        if (n == 0) {
            break;
        }
        at += (size_t)n;
    }
    *ret_len = at;
    return LEAT_OK;
}

/* The next frame, moving over the ends of files; *ret_data NULL at the true end. */
static int next_frame(struct leat_reader *reader, struct toy_frame *frame, void **ret_data,
                      struct leat_error *err)
{
    size_t len = 0;
    int status = LEAT_OK;
    *ret_data = NULL;
    for (; reader->at < reader->n_fds; reader->at++) {
        status = read_whole(reader->fds[reader->at], frame, sizeof *frame, &len, err);
        if (status || len) {
            break;
        }
    }
    if (status || reader->at == reader->n_fds) {
        return status;
    }
    if (len != sizeof *frame || frame->magic != TOY_FRAME_MAGIC || frame->len > FRAME_BYTES_MAX) {
        return lt_fail(err, LT_E_CORRUPT, "a part file without a frame where one belongs");
    }
    void *data = malloc((size_t)frame->len + 1);
    if (!data) {
        return lt_fail_oom(err);
    }
    status = read_whole(reader->fds[reader->at], data, (size_t)frame->len, &len, err);
    if (!status && len != frame->len) {
        status = lt_fail(err, LT_E_SOURCE_CUT, "a part file ends inside a frame");
    }
    if (status) {
        free(data);
    } else {
        *ret_data = data;
    }
    return status;
}

static int toy_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                    struct leat_error *err)
{
    struct toy_frame frame;
    void *data = NULL;
    struct leat_payload payload = {.size = ret_payload->size};
    if (reader->ep->cancelled) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    int status = next_frame(reader, &frame, &data, err);
    if (status || !data) {
        if (!status) {
            *ret_payload = payload;
        }
        return status;
    }
    payload.rows = frame.rows;
    payload.row_first = reader->row;
    if (reader->payloads & LEAT_PAYLOAD_BATCH) {
        payload.kind = LEAT_PAYLOAD_BATCH;
        status = toy_batch_read(&reader->schema, data, (size_t)frame.len, &payload.batch, err);
        free(data);
    } else {
        payload.kind = LEAT_PAYLOAD_BYTES;
        payload.bytes = payload.bytes_arg = data;
        payload.bytes_len = (size_t)frame.len;
        payload.bytes_release = free;
    }
    if (!status) {
        reader->row += frame.rows;
        *ret_payload = payload;
    }
    return status;
}

static const struct leat_source_ops toy_source = {
    .start = toy_start, .schema = toy_schema, .next = toy_next, .finish = toy_finish};

/* --- loading ------------------------------------------------------------------------------- */

struct leat_load {
    struct leat_endpoint *ep;
    const struct leat_write_plan *want; /* NULL after an attach */
    char id[64];
    int lock_fd; /* -1 after an attach */
    size_t n_streams;
    struct ArrowSchema *schemas;
};

struct leat_part {
    struct leat_load *load;
    struct leat_part_id id;
    int fd; /* -1: an earlier attempt was sealed, this one's rows are not needed */
    char *temporary;
    int64_t rows;
    int64_t bytes;
};

static void toy_plan_release(struct leat_load_plan *plan)
{
    for (size_t i = 0; i < plan->n_streams; i++) {
        struct leat_load_stream *stream = &plan->streams[i];
        if (stream->schema.release) {
            stream->schema.release(&stream->schema);
        }
        free(stream->ddl);
        free(stream->route);
    }
    free(plan->streams);
    plan->streams = NULL;
    plan->n_streams = 0;
}

static int plan_stream(struct leat_endpoint *ep, const struct leat_write_stream *want,
                       struct leat_load_stream *stream, struct leat_error *err)
{
    struct toy_manifest manifest = {0};
    struct lt_buf schema = LT_BUF_INIT;
    int status = toy_schema_check(want->schema, err);
    status = status ? status : toy_schema_write(want->schema, &schema, err);
    status = status ? status : toy_schema_read(schema.data, schema.len, &stream->schema, err);
    if (!status && want->mode != LEAT_REPLACE && want->mode != LEAT_APPEND) {
        status = lt_fail(err, LT_E_UNSUPPORTED, "a toy directory only replaces and appends");
    }
    if (status) {
        lt_buf_done(&schema);
        return status;
    }
    stream->size = sizeof *stream;
    stream->payloads = want->payloads & (LEAT_PAYLOAD_BATCH | LEAT_PAYLOAD_BYTES);
    stream->parts_max = PARTS_MAX;
    stream->route = lt_strdup("part files behind a manifest");
    stream->exists = !toy_manifest_read(ep, want->name.name, &manifest, NULL);
    if (stream->exists) {
        stream->rows_before = manifest.rows;
        stream->ours =
            manifest.source_id && want->source_id && !strcmp(manifest.source_id, want->source_id);
        bool same = manifest.schema.len == schema.len &&
                    !memcmp(manifest.schema.data, schema.data, schema.len);
        if (want->mode == LEAT_APPEND && !same) {
            status = lt_fail(err, LT_E_COLUMN_MISMATCH, "the stream there has other columns");
        } else if (want->mode == LEAT_REPLACE && stream->rows_before && !stream->ours &&
                   !(want->flags & LEAT_WRITE_FORCE)) {
            status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS, "%s holds rows of others",
                             want->name.name);
        }
    }
    toy_manifest_done(&manifest);
    lt_buf_done(&schema);
    return status;
}

static int toy_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
                    struct leat_load_plan *ret_plan, struct leat_error *err)
{
    struct leat_load_plan plan = {.size = sizeof plan, .atomicity = LEAT_ATOMIC_MANIFEST};
    if (want->n_streams > STREAMS_MAX) {
        return lt_fail(err, LT_E_LIMIT, "more than %d streams in one load", STREAMS_MAX);
    }
    plan.streams = calloc(want->n_streams + 1, sizeof *plan.streams);
    if (!plan.streams) {
        return lt_fail_oom(err);
    }
    plan.n_streams = want->n_streams;
    plan.state = (void *)(uintptr_t)want;
    for (size_t i = 0; i < want->n_streams; i++) {
        int status = plan_stream(ep, &want->streams[i], &plan.streams[i], err);
        if (status) {
            leat_error_place(err, "%s", want->streams[i].name.name);
            toy_plan_release(&plan);
            return status;
        }
    }
    *ret_plan = plan;
    return LEAT_OK;
}

static void toy_release(struct leat_load *load)
{
    if (!load) {
        return;
    }
    for (size_t i = 0; i < load->n_streams; i++) {
        if (load->schemas[i].release) {
            load->schemas[i].release(&load->schemas[i]);
        }
    }
    if (load->lock_fd >= 0) {
        close(load->lock_fd);
    }
    free(load->schemas);
    free(load);
}

static void toy_abort(struct leat_load *load)
{
    char *staging = load ? toy_path(load->ep, "load-", load->id) : NULL;
    if (staging) {
        toy_remove_tree(staging);
    }
    free(staging);
    toy_release(load);
}

/* load-ID/plan: the schemas, for processes that attach. */
static int write_plan_file(struct leat_load *load, const struct leat_load_plan *plan,
                           struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT, schema = LT_BUF_INIT;
    char *path = lt_format("%s/.leat/load-%s/plan", load->ep->root, load->id);
    int status = path ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !status && i < plan->n_streams; i++) {
        lt_buf_clear(&schema);
        status = toy_schema_write(&plan->streams[i].schema, &schema, err);
        uint64_t len = schema.len;
        if (!status && (lt_buf_append(&text, &len, sizeof len) ||
                        lt_buf_append(&text, schema.data, schema.len))) {
            status = lt_fail_oom(err);
        }
    }
    status = status ? status : toy_write_file(path, text.data, text.len, err);
    lt_buf_done(&text);
    lt_buf_done(&schema);
    free(path);
    return status;
}

static int read_plan_file(struct leat_load *load, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    char *path = lt_format("%s/.leat/load-%s/plan", load->ep->root, load->id);
    int status = path ? toy_read_file(path, &text, err) : lt_fail_oom(err);
    load->schemas = calloc(STREAMS_MAX, sizeof *load->schemas);
    if (!status && !load->schemas) {
        status = lt_fail_oom(err);
    }
    for (size_t at = 0; !status && at < text.len;) {
        uint64_t len = 0;
        if (text.len - at >= sizeof len) {
            memcpy(&len, text.data + at, sizeof len);
        }
        at += sizeof len;
        if (!len || at > text.len || len > text.len - at || load->n_streams == STREAMS_MAX) {
            status = lt_fail(err, LT_E_CORRUPT, "the plan of load %s cannot be read", load->id);
            break;
        }
        status = toy_schema_read(text.data + at, (size_t)len, &load->schemas[load->n_streams], err);
        load->n_streams += !status;
        at += (size_t)len;
    }
    lt_buf_done(&text);
    free(path);
    return status;
}

static int toy_begin(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                     struct leat_load **ret_load, struct leat_error *err)
{
    const struct leat_write_plan *want = plan->state;
    struct leat_load *load = calloc(1, sizeof *load);
    int64_t swept = 0;
    if (!load) {
        return lt_fail_oom(err);
    }
    load->ep = ep;
    load->want = want;
    load->lock_fd = -1;
    snprintf(load->id, sizeof load->id, "%s", want->load_id);
    char *staging = toy_path(ep, "load-", load->id);
    int status =
        staging ? toy_lock(ep, ep->lock_timeout_ms, &load->lock_fd, err) : lt_fail_oom(err);
    status = status ? status : toy_sweep(ep, NULL, &swept, err);
    status = status ? status : toy_step(ep, "toydir:begin:before", err);
    if (!status && mkdir(staging, 0700)) {
        status = lt_fail_errno(err, errno, "cannot make the staging directory");
    }
    status = status ? status : write_plan_file(load, plan, err);
    status = status ? status : read_plan_file(load, err);
    status = status ? status : toy_step(ep, "toydir:begin:after", err);
    free(staging);
    if (status) {
        toy_abort(load);
    } else {
        *ret_load = load;
    }
    return status;
}

static int toy_token(struct leat_load *load, char *ret_token, size_t size, struct leat_error *err)
{
    int len = snprintf(ret_token, size, "%s", load->id);
    return len < 0 || (size_t)len >= size ? lt_fail(err, LT_E_INTERNAL, "the token has no room")
                                          : LEAT_OK;
}

static int toy_attach(struct leat_endpoint *ep, const char *token, struct leat_load **ret_load,
                      struct leat_error *err)
{
    struct leat_load *load = calloc(1, sizeof *load);
    if (!load) {
        return lt_fail_oom(err);
    }
    load->ep = ep;
    load->lock_fd = -1;
    snprintf(load->id, sizeof load->id, "%s", token);
    int status = read_plan_file(load, err);
    if (status) {
        toy_release(load);
    } else {
        *ret_load = load;
    }
    return status;
}

/* --- parts --------------------------------------------------------------------------------- */

static char *part_path(const struct leat_part *part, const char *ending)
{
    return lt_format("%s/.leat/load-%s/s%u-p%u%s", part->load->ep->root, part->load->id,
                     part->id.stream, part->id.part, ending);
}

static void toy_part_close(struct leat_part *part)
{
    if (!part) {
        return;
    }
    if (part->fd >= 0) {
        close(part->fd);
        unlink(part->temporary);
    }
    free(part->temporary);
    free(part);
}

static int toy_part_open(struct leat_load *load, const struct leat_part_plan *plan,
                         struct leat_part **ret_part, struct leat_error *err)
{
    struct leat_part *part = calloc(1, sizeof *part);
    if (!part) {
        return lt_fail_oom(err);
    }
    part->load = load;
    part->id = plan->id;
    part->fd = -1;
    char *sealed = part_path(part, ".receipt");
    part->temporary = lt_format("%s/.leat/load-%s/s%u-p%u-a%u.tmp", load->ep->root, load->id,
                                plan->id.stream, plan->id.part, plan->id.attempt);
    int status = sealed && part->temporary ? LEAT_OK : lt_fail_oom(err);
    if (!status && plan->id.stream >= load->n_streams) {
        status = lt_fail(err, LT_E_INVALID, "no stream %u in this load", plan->id.stream);
    }
    if (!status && access(sealed, F_OK)) {
        part->fd = open(part->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (part->fd < 0) {
            status = lt_fail_errno(err, errno, "cannot make a part file");
        }
    }
    free(sealed);
    if (status) {
        toy_part_close(part);
    } else {
        *ret_part = part;
    }
    return status;
}

static int write_whole(int fd, const void *data, size_t len, struct leat_error *err)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const char *)data + at, len - at);
        if (n < 0) {
            return lt_fail_errno(err, errno, "cannot write a part file");
        }
        at += (size_t)n;
    }
    return LEAT_OK;
}

static int toy_part_write(struct leat_part *part, struct leat_payload *payload,
                          struct leat_error *err)
{
    const struct ArrowSchema *schema = &part->load->schemas[part->id.stream];
    struct lt_buf bytes = LT_BUF_INIT;
    struct toy_frame frame = {TOY_FRAME_MAGIC, (uint32_t)payload->rows, payload->bytes_len};
    const void *data = payload->bytes;
    int status = LEAT_OK;
    if (part->fd < 0) {
        return LEAT_OK;
    }
    if (payload->kind == LEAT_PAYLOAD_BATCH) {
        frame.rows = (uint32_t)payload->batch.length;
        status = toy_batch_write(schema, &payload->batch, &bytes, err);
        frame.len = bytes.len;
        data = bytes.data;
    } else {
        struct ArrowArray batch; /* foreign bytes are believed only after they were read */
        status = toy_batch_read(schema, data, payload->bytes_len, &batch, err);
        if (!status) {
            frame.rows = (uint32_t)batch.length;
            batch.release(&batch);
        }
    }
    status = status ? status : write_whole(part->fd, &frame, sizeof frame, err);
    status = status ? status : write_whole(part->fd, data, (size_t)frame.len, err);
    lt_buf_done(&bytes);
    if (!status) {
        part->rows += frame.rows;
        part->bytes += (int64_t)(sizeof frame + frame.len);
    }
    return status;
}

static int earlier_receipt(const char *path, struct leat_receipt *ret_receipt,
                           struct leat_error *err)
{
    struct lt_buf bytes = LT_BUF_INIT;
    int status = toy_read_file(path, &bytes, err);
    if (!status && bytes.len != sizeof *ret_receipt) {
        status = lt_fail(err, LT_E_CORRUPT, "a receipt of the wrong size");
    }
    if (!status) {
        memcpy(ret_receipt, bytes.data, sizeof *ret_receipt);
    }
    lt_buf_done(&bytes);
    return status;
}

static int toy_part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                         struct leat_error *err)
{
    char *sealed = part_path(part, ".bin"), *path = part_path(part, ".receipt");
    struct leat_receipt receipt = {
        .size = sizeof receipt, .id = part->id, .rows_inserted = part->rows, .bytes = part->bytes};
    int status = sealed && path ? LEAT_OK : lt_fail_oom(err);
    if (!status && part->fd < 0) {
        status = earlier_receipt(path, ret_receipt, err);
        goto out;
    }
    snprintf(receipt.staging, sizeof receipt.staging, "s%u-p%u.bin", part->id.stream,
             part->id.part);
    status = status ? status : toy_step(part->load->ep, "toydir:seal:before", err);
    if (!status && rename(part->temporary, sealed)) {
        status = lt_fail_errno(err, errno, "cannot seal a part file");
    }
    status = status ? status : toy_step(part->load->ep, "toydir:seal:renamed", err);
    status = status ? status : toy_write_file(path, &receipt, sizeof receipt, err);
    if (!status) {
        close(part->fd);
        part->fd = -1;
        *ret_receipt = receipt;
    }
out:
    free(sealed);
    free(path);
    return status;
}

/* --- commit -------------------------------------------------------------------------------- */

static int check_guards(struct leat_load *load, const struct leat_commit *what, const int64_t *rows,
                        struct leat_error *err)
{
    for (size_t i = 0; i < load->n_streams; i++) {
        const struct leat_write_stream *stream = &load->want->streams[i];
        struct toy_manifest before = {0};
        if (what->guards.rows_expected && what->guards.rows_expected[i] >= 0 &&
            what->guards.rows_expected[i] != rows[i]) {
            return lt_fail(err, LT_E_COUNT_MISMATCH, "%s: parts hold another count of rows",
                           stream->name.name);
        }
        if (rows[i] || what->guards.allow_empty || stream->mode != LEAT_REPLACE) {
            continue;
        }
        bool holds = !toy_manifest_read(load->ep, stream->name.name, &before, NULL) && before.rows;
        toy_manifest_done(&before);
        if (holds) {
            return lt_fail(err, LT_E_EMPTY_SOURCE, "%s would be emptied", stream->name.name);
        }
    }
    return LEAT_OK;
}

/* The manifest a stream will have: what is kept of the old one, and this load's parts. */
static int write_manifest(struct leat_load *load, const struct leat_commit *what, uint32_t stream,
                          struct lt_buf *mark, struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[stream];
    struct toy_manifest manifest = {0};
    char name[128], *path = NULL;
    int status = LEAT_OK;
    if (want->mode != LEAT_APPEND ||
        toy_manifest_read(load->ep, want->name.name, &manifest, NULL)) {
        manifest.source_id = lt_strdup(want->source_id ? want->source_id : "-");
        status = toy_schema_write(&load->schemas[stream], &manifest.schema, err);
    }
    free(manifest.load_id);
    manifest.load_id = lt_strdup(load->id);
    for (size_t i = 0; !status && i < what->n_receipts; i++) {
        const struct leat_receipt *receipt = &what->receipts[i];
        if (receipt->id.stream != stream) {
            continue;
        }
        snprintf(name, sizeof name, "%s-%u.bin", load->id, receipt->id.part);
        status = toy_manifest_add(&manifest, name, receipt->rows_inserted, err);
        if (!status &&
            lt_buf_printf(mark, "part %s %s %s\n", receipt->staging, want->name.name, name)) {
            status = lt_fail_oom(err);
        }
    }
    path = lt_format("%s/.leat/load-%s/manifest-%u", load->ep->root, load->id, stream);
    if (!status &&
        (!path || !manifest.load_id ||
         lt_buf_printf(mark, "manifest manifest-%u %s manifest\n", stream, want->name.name))) {
        status = lt_fail_oom(err);
    }
    status = status ? status : toy_manifest_write(&manifest, path, err);
    free(path);
    toy_manifest_done(&manifest);
    return status;
}

static int sum_receipts(struct leat_load *load, const struct leat_commit *what, int64_t *rows,
                        struct leat_error *err)
{
    for (size_t i = 0; i < what->n_receipts; i++) {
        const struct leat_receipt *receipt = &what->receipts[i];
        struct stat info;
        char *path = lt_format("%s/.leat/load-%s/%s", load->ep->root, load->id, receipt->staging);
        bool there = path && !stat(path, &info) && info.st_size == receipt->bytes;
        free(path);
        if (!there || receipt->id.stream >= load->n_streams) {
            return lt_fail(err, LT_E_COUNT_MISMATCH, "a sealed part is not where it was left");
        }
        rows[receipt->id.stream] += receipt->rows_inserted;
    }
    return LEAT_OK;
}

static int toy_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                      struct leat_error *err)
{
    struct leat_endpoint *ep = load->ep;
    struct lt_buf mark = LT_BUF_INIT;
    char *path = toy_path(ep, "commit-", load->id), *done = toy_path(ep, "done-", load->id);
    int64_t *rows = calloc(load->n_streams + 1, sizeof *rows);
    int status = path && done && rows ? LEAT_OK : lt_fail_oom(err);
    bool already = !status && !access(done, F_OK);
    if (status || already) {
        goto out;
    }
    if (load->lock_fd < 0) {
        status = lt_fail(err, LT_E_INVALID, "only the process that began a load commits it");
        goto out;
    }
    status = sum_receipts(load, what, rows, err);
    status = status ? status : check_guards(load, what, rows, err);
    for (uint32_t i = 0; !status && i < load->n_streams; i++) {
        status = write_manifest(load, what, i, &mark, err);
    }
    for (size_t i = 0; !status && i < what->n_state; i++) {
        const struct leat_state_row *row = &what->state[i];
        if (lt_buf_printf(&mark, "state %u %s %s\n", row->stream, row->key, row->value)) {
            status = lt_fail_oom(err);
        }
    }
    status = status ? status : toy_step(ep, "toydir:mark:before", err);
    status = status ? status : toy_write_file(path, mark.data, mark.len, err);
    if (status) {
        goto out;
    }
    /* From here on the load has happened: whoever comes next finishes what fails below. */
    if (toy_step(ep, "toydir:mark:after", NULL) || toy_install(ep, load->id, NULL)) {
        status = lt_fail(err, LT_E_OUTCOME_UNKNOWN, "the commit mark is set, but not all is done");
    }
out:
    if (!status) {
        *ret_already = already;
    }
    lt_buf_done(&mark);
    free(path);
    free(done);
    free(rows);
    return status;
}

static int toy_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
                       enum leat_outcome *ret_outcome, struct leat_error *err)
{
    char *done = toy_path(ep, "done-", want->load_id);
    char *staging = toy_path(ep, "load-", want->load_id);
    int lock_fd = -1;
    int status = done && staging ? LEAT_OK : lt_fail_oom(err);
    if (!status && toy_lock(ep, 0, &lock_fd, NULL)) {
        *ret_outcome = access(done, F_OK) ? LEAT_LOAD_IN_FLIGHT : LEAT_LOAD_COMMITTED;
    } else if (!status) {
        status = toy_roll_forward(ep, err);
        if (!status && access(done, F_OK)) {
            toy_remove_tree(staging);
            *ret_outcome = LEAT_LOAD_ABSENT;
        } else if (!status) {
            *ret_outcome = LEAT_LOAD_COMMITTED;
        }
        close(lock_fd);
    }
    free(done);
    free(staging);
    return status;
}

static int toy_sweep_op(struct leat_endpoint *ep, const struct leat_stream_name *streams,
                        size_t n_streams, int64_t *ret_removed, struct leat_error *err)
{
    int lock_fd = -1;
    int64_t removed = 0;
    (void)streams, (void)n_streams;
    int status = toy_lock(ep, ep->lock_timeout_ms, &lock_fd, err);
    if (!status) {
        status = toy_sweep(ep, NULL, &removed, err);
        close(lock_fd);
    }
    if (!status) {
        *ret_removed = removed;
    }
    return status;
}

static const struct leat_load_ops toy_load = {
    .plan = toy_plan,
    .plan_release = toy_plan_release,
    .begin = toy_begin,
    .token = toy_token,
    .attach = toy_attach,
    .part_open = toy_part_open,
    .part_write = toy_part_write,
    .part_seal = toy_part_seal,
    .part_close = toy_part_close,
    .commit = toy_commit,
    .outcome = toy_outcome,
    .abort = toy_abort,
    .release = toy_release,
    .sweep = toy_sweep_op,
};

const struct leat_connector toydir_connector = {
    .size = sizeof toydir_connector,
    .abi = LEAT_CONNECTOR_ABI,
    .name = "toydir",
    .summary = "A directory of part files, to prove the contract",
    .open = toy_open,
    .close = toy_close,
    .check = toy_check,
    .cancel = toy_cancel,
    .capabilities = toy_capabilities,
    .catalog = &toy_catalog,
    .source = &toy_source,
    .load = &toy_load,
};
