/* One part: a file being written under a temporary name, or standard output. */
#include "connectors/file/internal.h"

#include "core/charset.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "core/banned.h"

#define COPY_BYTES ((size_t)256 << 10)
#define NAME_BYTES_MAX 170 /* of the stream's name in a temporary file's, which has 255 */

struct leat_part {
    struct leat_load *load;
    struct fc_stream *stream;
    struct fc_out *out;     /* the one file; NULL where there are partitions */
    struct fc_parts *parts; /* a file for each */
    struct fc_outputs outputs;
    struct leat_param params[FC_PARAMS_MAX];
    struct leat_receipt receipt;
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    struct leat_reject_sink own_rejects; /* what the writer is given: these count, and pass on */
    struct leat_loss_sink own_losses;
    bool copying; /* what is written stood in the file before: it must not change */
    struct fc_shared shared;
    bool repeated; /* sealed by an earlier attempt: writes are passed over */
};

/* --- names --------------------------------------------------------------------------------- */

char *lt_fc_temp_path(const struct leat_load *load, const struct leat_part_id *id, uint32_t n)
{
    return lt_format("%s.leat-%s-%u-%u-%u-%.*s.tmp", load->dir, load->want->load_id, id->part,
                     id->attempt, n, NAME_BYTES_MAX, load->streams[id->stream].lock_name);
}

bool lt_fc_is_temp(const char *name, const char *stream, char ret_load[33])
{
    if (strncmp(name, ".leat-", 6) != 0 || strspn(name + 6, "0123456789abcdef") != 32) {
        return false;
    }
    const char *at = name + 6 + 32;
    for (int i = 0; i < 3; i++) {
        size_t digits = *at == '-' ? strspn(at + 1, "0123456789") : 0;
        if (!digits) {
            return false;
        }
        at += 1 + digits;
    }
    size_t len = strnlen(stream, NAME_BYTES_MAX);
    if (*at != '-' || strncmp(at + 1, stream, len) != 0 || strcmp(at + 1 + len, ".tmp") != 0) {
        return false;
    }
    memcpy(ret_load, name + 6, 32);
    ret_load[32] = 0;
    return true;
}

bool lt_fc_table_has(const struct leat_option *table, const char *name)
{
    while (table && table->name && strcmp(table->name, name) != 0) {
        table++;
    }
    return table && table->name;
}

static bool is_among(const struct leat_param *params, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(params[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* What only reading knows (lines to skip, comments) is said of the source, not of what is read
 * back. */
static size_t drop_source_params(const struct lt_format *format, struct leat_param *params,
                                 size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (lt_fc_table_has(format->write_options, params[i].name)) {
            params[kept++] = params[i];
        }
    }
    return kept;
}

static bool is_tsv(const struct fc_stream *stream)
{
    size_t stem = stream->path ? strlen(stream->path) : 0;
    if (stream->path) {
        lt_codec_of_path(stream->path, &stem);
    }
    return stem > 4 && !strncasecmp(stream->path + stem - 4, ".tsv", 4);
}

size_t lt_fc_stream_params(const struct leat_load *load, const struct fc_stream *stream,
                           const struct leat_option *table,
                           struct leat_param ret_params[FC_PARAMS_MAX])
{
    /* What was written is known: reading it back leaves nothing to be guessed. */
    const struct {
        const char *name, *value;
        bool by_dialect; /* which says it, when one was chosen */
    } known[] = {{"delimiter", is_tsv(stream) ? "tab" : "comma", !is_tsv(stream)},
                 {"quote", "\"", true},
                 {"encoding", "utf-8", false}};
    size_t n =
        lt_fc_pick_params(load->ep, load->want->params, load->want->n_params, table, ret_params);
    if (table == stream->format->read_options) {
        n = drop_source_params(stream->format, ret_params, n);
    }
    bool dialect = is_among(ret_params, n, "dialect");
    for (size_t i = 0; i < LT_ARRAY_LEN(known); i++) {
        if (lt_fc_table_has(table, known[i].name) && !is_among(ret_params, n, known[i].name) &&
            !(dialect && known[i].by_dialect) && n < FC_PARAMS_MAX) {
            ret_params[n++] = (struct leat_param){known[i].name, known[i].value};
        }
    }
    return n;
}

/* --- what an existing file begins with ----------------------------------------------------- */

static bool without_header(const struct leat_part *part)
{
    const struct leat_write_plan *want = part->load->want;
    const char *header = lt_fc_param(part->load->ep, want->params, want->n_params, "header");
    return header &&
           (!strcasecmp(header, "no") || !strcasecmp(header, "false") || !strcmp(header, "0"));
}

static int check_old_schema(const struct leat_part *part, const struct ArrowSchema *old,
                            struct leat_error *err)
{
    const struct ArrowSchema *schema = &part->stream->schema;
    bool names = part->stream->format->binary || !without_header(part);
    bool same = old->n_children == schema->n_children;
    for (int64_t i = 0; same && names && i < schema->n_children; i++) {
        same = !strcmp(old->children[i]->name, schema->children[i]->name);
    }
    if (same && part->stream->format->binary) {
        same = lt_schema_same(old, schema, true);
    }
    if (same) {
        return LEAT_OK;
    }
    struct lt_buf has = LT_BUF_INIT, comes = LT_BUF_INIT;
    for (int64_t i = 0; i < old->n_children; i++) {
        lt_buf_printf(&has, "%s%s ", i ? ", " : "", old->children[i]->name);
        lt_type_print(old->children[i], &has);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        lt_buf_printf(&comes, "%s%s ", i ? ", " : "", schema->children[i]->name);
        lt_type_print(schema->children[i], &comes);
    }
    int status = lt_fail(err, LT_E_COLUMN_MISMATCH,
                         "the file has the columns %s; what is to be appended has %s",
                         lt_buf_text(&has), lt_buf_text(&comes));
    leat_error_place(err, "%s", part->stream->path);
    leat_error_remedy(err, "--columns, --rename or --cast bring them in line");
    lt_buf_done(&has);
    lt_buf_done(&comes);
    return status;
}

/* Text formats: the old bytes as they are, with a line end after the last record. */
static int copy_bytes(struct leat_part *part, const struct fc_read *read, struct leat_error *err)
{
    struct fc_bytes bytes = {.source = NULL};
    size_t len = 1;
    uint8_t last = '\n';
    uint8_t *data = malloc(COPY_BYTES);
    int status = data ? lt_fc_open_bytes(part->load->ep, read, &bytes, err) : lt_fail_oom(err);
    while (!status && len) {
        status = lt_source_read(bytes.source, data, COPY_BYTES, &len, err);
        if (!status && len) {
            last = data[len - 1];
            status = lt_sink_write(part->out->sink, data, len, err);
        }
    }
    if (!status && last != '\n' && last != '\r') {
        status = lt_sink_write(part->out->sink, "\n", 1, err);
    }
    lt_source_close(bytes.source);
    free(data);
    return status;
}

static int copy_batches(struct leat_part *part, struct fc_one *old, struct leat_error *err)
{
    for (;;) {
        struct ArrowArray batch = {.release = NULL};
        int status = lt_fc_one_next(old, &batch, err);
        if (status || !batch.release) {
            return status;
        }
        status = part->stream->format->write_batch(part->out->writer, &batch, err);
        lt_array_done(&batch);
        if (status) {
            return status;
        }
    }
}

/* Bytes can be put behind text only where characters do not depend on those before. */
static int check_encoding(const struct leat_part *part, const struct leat_param *params, size_t n,
                          struct leat_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *value = params[i].value;
        if (!strcmp(params[i].name, "encoding") && lt_charset_is_unicode(value) &&
            !lt_charset_is_utf8(value)) {
            int status =
                lt_fail(err, LT_E_UNSUPPORTED, "nothing can be appended to text in %s", value);
            leat_error_place(err, "%s", part->stream->path);
            leat_error_remedy(err, "write a file of its own, or --replace");
            return status;
        }
    }
    return LEAT_OK;
}

/* Opens the file appended to and checks its columns. */
static int open_old(struct leat_part *part, struct leat_param params[FC_PARAMS_MAX],
                    struct fc_read *read, struct fc_one **ret_old, struct leat_error *err)
{
    struct fc_stream *stream = part->stream;
    struct ArrowSchema old = {.release = NULL};
    *read = (struct fc_read){
        .path = stream->path,
        .format = stream->format,
        .params = params,
        .n_params = lt_fc_stream_params(part->load, stream, stream->format->read_options, params),
        /* A file without a header takes its names from what is appended. */
        .types = lt_fc_table_has(stream->format->write_options, "header") ? &stream->schema : NULL,
        .types_whole = true,
        .limit = -1};
    int status = check_encoding(part, params, read->n_params, err);
    status = status ? status : lt_fc_one_open(part->load->ep, read, ret_old, err);
    status = status ? status : lt_fc_one_schema(*ret_old, &old, err);
    status = status ? status : check_old_schema(part, &old, err);
    lt_schema_done(&old);
    return status;
}

/* --- values that do not fit ---------------------------------------------------------------- */

static int refuse_old(const struct leat_part *part, const struct leat_reject *told,
                      struct leat_error *err)
{
    int status = lt_fail(err, LT_E_UNSUPPORTED, "a record of the file cannot be written again: %s",
                         told->reason);
    leat_error_place(err, "%s: %s", part->stream->path, told->place);
    leat_error_remedy(err, "write a file of its own, or --replace");
    return status;
}

static int pass_reject(void *arg, const struct leat_reject *told, struct leat_error *err)
{
    struct leat_part *part = arg;
    int status = part->copying ? refuse_old(part, told, err)
                               : part->rejects->reject(part->rejects->arg, told, err);
    part->receipt.rows_rejected += !status;
    return status;
}

static int pass_loss(void *arg, const struct leat_reject *told, struct leat_error *err)
{
    struct leat_part *part = arg;
    return part->copying ? refuse_old(part, told, err)
                         : part->losses->lost(part->losses->arg, told, err);
}

static void take_sinks(struct leat_part *part, const struct leat_part_plan *plan)
{
    part->rejects = plan->rejects;
    part->losses = plan->losses;
    part->own_rejects = (struct leat_reject_sink){sizeof part->own_rejects, part, pass_reject};
    part->own_losses = (struct leat_loss_sink){sizeof part->own_losses, part, pass_loss};
    part->shared = (struct fc_shared){.id = plan->id,
                                      .rejects = part->rejects ? &part->own_rejects : NULL,
                                      .losses = part->losses ? &part->own_losses : NULL,
                                      .threads = plan->threads,
                                      .rows_rejected = &part->receipt.rows_rejected};
}

/* --- opening ------------------------------------------------------------------------------- */

static int refuse_append(const struct leat_part *part, const char *why, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_UNSUPPORTED, "%s", why);
    leat_error_place(err, "%s", part->stream->path);
    leat_error_remedy(err, "write a file of its own, or --replace");
    return status;
}

/* `old` is what stands in the file already, of a text format; else NULL. */
static int open_writer(struct leat_part *part, struct fc_one *old, struct leat_error *err)
{
    const struct lt_format *format = part->stream->format;
    struct lt_format_options options = {
        .params = part->params,
        .n_params =
            lt_fc_stream_params(part->load, part->stream, format->write_options, part->params),
        .rejects = part->shared.rejects,
        .losses = part->shared.losses,
        .memory = part->load->ep->host->memory(part->load->ep->host->arg),
        .threads = part->shared.threads};
    static const char *const once[] = {"header", "bom"}; /* at the beginning of a file */
    for (size_t i = 0; i < LT_ARRAY_LEN(once) && old; i++) {
        if (lt_fc_table_has(format->write_options, once[i]) && options.n_params < FC_PARAMS_MAX) {
            part->params[options.n_params++] = (struct leat_param){once[i], "false"};
        }
    }
    int status = lt_format_check_options(&options, format->write_options, format->name, err);
    const char *why = status || !old ? NULL : lt_fc_no_append(old, &options);
    status = why ? refuse_append(part, why, err) : status;
    return status ? status : lt_fc_out_begin(part->out, &part->stream->schema, &options, err);
}

static int begin_file(struct leat_part *part, struct leat_error *err)
{
    bool old = part->stream->append_old, binary = part->stream->format->binary;
    struct leat_param params[FC_PARAMS_MAX];
    struct fc_one *reader = NULL;
    struct fc_read read;
    int status = old ? open_old(part, params, &read, &reader, err) : LEAT_OK;
    if (!status && old && !binary) {
        status = copy_bytes(part, &read, err);
    }
    status = status ? status : open_writer(part, binary ? NULL : reader, err);
    if (!status && old && binary) {
        part->copying = true;
        status = copy_batches(part, reader, err);
        part->copying = false;
    }
    lt_fc_one_close(reader);
    return status;
}

static int begin_part(struct leat_part *part, struct leat_error *err)
{
    struct leat_load *load = part->load;
    char *temp = NULL;
    if (part->stream->n_partitions) {
        return lt_fc_parts_new(load, part->stream, &part->shared, &part->outputs, &part->parts,
                               err);
    }
    if (load->ep->kind != FC_STANDARD) {
        temp = lt_fc_temp_path(load, &part->shared.id, 0);
        if (!temp) {
            return lt_fail_oom(err);
        }
    }
    int status = lt_fc_out_open(load, part->stream, &part->shared, temp, 0, &part->out, err);
    return status ? status : begin_file(part, err);
}

static const struct leat_receipt *find_sealed(struct leat_load *load, const struct leat_part_id *id)
{
    for (size_t i = 0; i < load->n_sealed; i++) {
        const struct leat_receipt *receipt = &load->sealed[i].receipt;
        if (receipt->id.stream == id->stream && receipt->id.part == id->part) {
            return receipt;
        }
    }
    return NULL;
}

int lt_fc_part_open(struct leat_load *load, const struct leat_part_plan *plan,
                    struct leat_part **ret_part, struct leat_error *err)
{
    if (plan->id.stream >= load->n_streams || plan->payload != LEAT_PAYLOAD_BATCH ||
        plan->id.part != 0) {
        return lt_fail(err, LT_E_INTERNAL, "a part that the plan does not know");
    }
    struct leat_part *part = calloc(1, sizeof *part);
    if (!part) {
        return lt_fail_oom(err);
    }
    part->load = load;
    part->stream = &load->streams[plan->id.stream];
    part->receipt = (struct leat_receipt){.size = sizeof part->receipt, .id = plan->id};
    take_sinks(part, plan);
    pthread_mutex_lock(&load->mutex);
    const struct leat_receipt *earlier = find_sealed(load, &plan->id);
    if (earlier) {
        part->receipt = *earlier;
        part->repeated = true;
    }
    pthread_mutex_unlock(&load->mutex);
    int status = part->repeated ? LEAT_OK : begin_part(part, err);
    if (status) {
        lt_fc_part_close(part);
        return status;
    }
    *ret_part = part;
    return LEAT_OK;
}

int lt_fc_part_write(struct leat_part *part, struct leat_payload *payload, struct leat_error *err)
{
    if (part->repeated) {
        return LEAT_OK;
    }
    if (payload->kind != LEAT_PAYLOAD_BATCH || !payload->batch.release) {
        return lt_fail(err, LT_E_INTERNAL, "a payload that is no batch");
    }
    if (lt_fc_cancelled(part->load->ep)) {
        return lt_fail(err, LT_E_CANCELLED, "the run was stopped");
    }
    int64_t rejected = part->receipt.rows_rejected;
    int status = part->parts ? lt_fc_parts_write(part->parts, &payload->batch, err)
                             : lt_fc_out_write(part->out, &payload->batch, err);
    if (!status) {
        rejected = part->receipt.rows_rejected - rejected;
        part->receipt.rows_inserted += payload->batch.length - rejected;
    }
    return status;
}

/* --- sealing ------------------------------------------------------------------------------- */

int lt_fc_outputs_add(struct fc_outputs *outputs, struct fc_out *out, const char *within,
                      struct leat_error *err)
{
    struct fc_output *grown = realloc(outputs->files, (outputs->n + 1) * sizeof *grown);
    outputs->files = grown ? grown : outputs->files;
    char *place = lt_strdup(within);
    if (!grown || !place) {
        free(place);
        return lt_fail_oom(err);
    }
    grown[outputs->n++] = (struct fc_output){.temp = out->temp,
                                             .within = place,
                                             .rows = out->rows,
                                             .bytes = out->digest.bytes,
                                             .checksum = out->digest.hash};
    out->temp = NULL;
    out->made = false;
    return LEAT_OK;
}

void lt_fc_outputs_done(struct fc_outputs *outputs, bool remove)
{
    for (size_t i = 0; i < outputs->n; i++) {
        if (remove && outputs->files[i].temp) {
            unlink(outputs->files[i].temp);
        }
        free(outputs->files[i].temp);
        free(outputs->files[i].within);
    }
    free(outputs->files);
    *outputs = (struct fc_outputs){.files = NULL};
}

static int keep_receipt(struct leat_part *part, struct leat_error *err)
{
    struct leat_load *load = part->load;
    int status = LEAT_OK;
    pthread_mutex_lock(&load->mutex);
    struct fc_sealed *grown = realloc(load->sealed, (load->n_sealed + 1) * sizeof *grown);
    if (grown) {
        load->sealed = grown;
        grown[load->n_sealed++] =
            (struct fc_sealed){.receipt = part->receipt, .outputs = part->outputs};
        part->outputs = (struct fc_outputs){.files = NULL};
    } else {
        status = lt_fail_oom(err);
    }
    pthread_mutex_unlock(&load->mutex);
    return status;
}

/* The files of the part, and what the receipt says of them together. */
static int finish_files(struct leat_part *part, struct leat_error *err)
{
    int status;
    if (part->parts) {
        status = lt_fc_parts_finish(part->parts, err);
    } else {
        status = lt_fc_out_finish(part->out, err);
        status = status ? status : lt_fc_outputs_add(&part->outputs, part->out, "", err);
    }
    for (size_t i = 0; !status && i < part->outputs.n; i++) {
        part->receipt.bytes += part->outputs.files[i].bytes;
        uint64_t before = part->receipt.checksum;
        part->receipt.checksum = (before << 1 | before >> 63) ^ part->outputs.files[i].checksum;
    }
    const char *temp = !status && part->outputs.n == 1 ? part->outputs.files[0].temp : NULL;
    snprintf(part->receipt.staging, sizeof part->receipt.staging, "%.191s",
             temp ? lt_fc_base(temp) : "");
    return status;
}

int lt_fc_part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                    struct leat_error *err)
{
    if (!part->repeated) {
        int status = lt_fc_step(part->load->ep, "file:seal:before", err);
        status = status ? status : finish_files(part, err);
        status = status ? status : lt_fc_step(part->load->ep, "file:seal:after", err);
        status = status ? status : keep_receipt(part, err);
        if (status) {
            return status;
        }
        part->repeated = true; /* nothing more is written, and the files stay */
    }
    memcpy(ret_receipt, &part->receipt, LT_MIN(ret_receipt->size, sizeof part->receipt));
    return LEAT_OK;
}

void lt_fc_part_close(struct leat_part *part)
{
    if (!part) {
        return;
    }
    lt_fc_parts_free(part->parts);
    lt_fc_out_close(part->out);
    lt_fc_outputs_done(&part->outputs, true);
    free(part);
}
