/* Reading Arrow IPC: messages one after the other, or by the footer of a file; each record batch
 * is given out in slices of bounded size. */
#include "core/codes.h"
#include "core/util.h"
#include "formats/arrow/dictionary.h"
#include "formats/arrow/ipc.h"
#include "formats/faults.h"

#include <stdlib.h>

#define META_MAX ((int64_t)256 << 20) /* bytes of one message's metadata, or of a footer */
#define BODY_MAX ((int64_t)1 << 40)
/* From a source that cannot say how long it is, so much is read at once, then twice as much: what
 * a damaged length makes us allocate stays within twice of what really came. */
#define GROW_START ((int64_t)16 << 20)

enum { MODE_STREAM, MODE_FILE_FORWARD, MODE_FILE_SEEK };

struct lt_format_reader {
    struct lt_source *source;
    int mode;
    int64_t at;         /* where the next byte is read from */
    bool source_failed; /* the last error names the source already */
    int fault;          /* what ended it: whatever was being read is not whole */
    struct leat_error fault_error;
    uint8_t peeked[8]; /* a stream's first bytes, read to look for the magic */
    size_t n_peeked;

    struct ArrowSchema schema; /* as given out */
    struct lt_ipc_field field; /* as stored */
    struct lt_ipc_field decoded;
    struct lt_ipc_dictionaries dictionaries;
    struct lt_ipc_footer footer;
    size_t block; /* next: dictionaries first, then batches */

    struct lt_ipc_body *meta; /* of the message at hand */
    struct lt_ipc_message message;
    int64_t n_batches; /* record batches begun */
    int64_t n_dictionaries;
    bool ended;

    struct lt_ipc_node batch; /* the one being given out */
    struct lt_ipc_body *owner;
    int64_t row;
    int64_t slice_rows;
    bool bad_text; /* some of its text is not valid, which a sink is told of slice by slice */
    int64_t *rows; /* scratch: row numbers of a slice */
    int64_t rows_max;
    int64_t bytes_max;
    int64_t rows_done; /* given out or set aside */
    struct lt_faults faults;
};

/* --- bytes --------------------------------------------------------------------------------- */

/* Reads up to n bytes where the reader stands. */
static int fetch(struct lt_format_reader *r, void *data, int64_t n, int64_t *ret_len,
                 struct leat_error *err)
{
    size_t kept = 0, len = 0;
    int rc;
    if (r->mode == MODE_FILE_SEEK) {
        rc = r->source->ops->read_at(r->source, r->at, data, (size_t)n, err);
        len = (size_t)n;
    } else {
        kept = LT_MIN(r->n_peeked, (size_t)n);
        memcpy(data, r->peeked, kept);
        memmove(r->peeked, r->peeked + kept, r->n_peeked - kept);
        r->n_peeked -= kept;
        rc = kept == (size_t)n ? LEAT_OK
                               : lt_source_read_full(r->source, (uint8_t *)data + kept,
                                                     (size_t)n - kept, &len, err);
    }
    if (rc) {
        r->source_failed = true;
        return rc;
    }
    r->at += (int64_t)(kept + len);
    *ret_len = (int64_t)(kept + len);
    return LEAT_OK;
}

static int cut(struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "the data ends inside a message");
}

/* Bytes left, -1 unknown. Only a source that can seek knows its size in bytes as we count them. */
static int64_t remaining(const struct lt_format_reader *r)
{
    return r->source->ops->read_at && r->source->size >= 0 ? r->source->size - r->at : -1;
}

/* Reads n bytes into new memory. */
static int fetch_block(struct lt_format_reader *r, int64_t n, struct lt_ipc_body **ret_body,
                       struct leat_error *err)
{
    int64_t left = remaining(r), have = 0, got = 0;
    int64_t cap = left >= 0 ? n : LT_MIN(n, GROW_START);
    struct lt_ipc_body *body = NULL;
    if (left >= 0 && n > left) {
        return cut(err);
    }
    for (;;) {
        struct lt_ipc_body *bigger = lt_ipc_body_new(cap);
        if (!bigger) {
            lt_ipc_body_unref(body);
            return lt_fail_oom(err);
        }
        if (have) {
            memcpy(bigger->data, body->data, (size_t)have);
        }
        lt_ipc_body_unref(body);
        body = bigger;
        int rc = cap > have ? fetch(r, body->data + have, cap - have, &got, err) : LEAT_OK;
        if (!rc && got < cap - have) {
            rc = cut(err);
        }
        if (rc) {
            lt_ipc_body_unref(body);
            return rc;
        }
        have = cap;
        if (have == n) {
            *ret_body = body;
            return LEAT_OK;
        }
        cap = LT_MIN(n, 2 * cap);
    }
}

/* --- messages ------------------------------------------------------------------------------ */

/* Reads a message's prefix and metadata into r->message; *ret_end at the end of the stream,
 * marked or, where nothing was begun, plain. */
static int read_head(struct lt_format_reader *r, bool *ret_end, struct leat_error *err)
{
    uint32_t prefix;
    int32_t len;
    int64_t got;
    int rc = fetch(r, &prefix, 4, &got, err);
    *ret_end = false;
    if (rc) {
        return rc;
    }
    if (got == 0 && r->mode == MODE_STREAM) {
        *ret_end = true;
        return LEAT_OK;
    }
    if (got < 4) {
        return cut(err);
    }
    memcpy(&len, &prefix, sizeof len);
    /* Before Arrow 0.15 the length came first, without marker. */
    if (prefix == LT_IPC_CONTINUATION) {
        rc = fetch(r, &len, 4, &got, err);
        if (rc || got < 4) {
            return rc ? rc : cut(err);
        }
    }
    if (len == 0) {
        *ret_end = true;
        return LEAT_OK;
    }
    if (len < 8 || len > META_MAX) {
        return lt_fail(err, LT_E_CORRUPT, "a message has an impossible length");
    }
    lt_ipc_body_unref(r->meta);
    r->meta = NULL;
    rc = fetch_block(r, len, &r->meta, err);
    if (!rc) {
        rc = lt_ipc_message_read(r->meta->data, (size_t)len, &r->message, err);
    }
    if (!rc && r->message.body_len > BODY_MAX) {
        rc = lt_fail(err, LT_E_LIMIT, "a message body of more than %lld GiB",
                     (long long)(BODY_MAX >> 30));
    }
    return rc;
}

/* Moves on to the next message of a file that is read by its footer. */
static int seek_head(struct lt_format_reader *r, bool *ret_end, struct leat_error *err)
{
    const struct lt_ipc_footer *f = &r->footer;
    if (r->block == f->n_dictionaries + f->n_batches) {
        *ret_end = true;
        return LEAT_OK;
    }
    bool dictionary = r->block < f->n_dictionaries;
    const struct lt_ipc_block *block =
        dictionary ? &f->dictionaries[r->block] : &f->batches[r->block - f->n_dictionaries];
    r->block++;
    r->at = block->offset;
    int rc = read_head(r, ret_end, err);
    if (rc) {
        return rc;
    }
    if (*ret_end || r->at != block->offset + block->meta_len ||
        r->message.body_len != block->body_len ||
        r->message.kind != (dictionary ? LT_IPC_DICTIONARY : LT_IPC_BATCH)) {
        return lt_fail(err, LT_E_CORRUPT, "the footer does not fit the messages");
    }
    return LEAT_OK;
}

/* After the last message of a file that could not be read from its end: the rest must be a
 * footer that fits what was read. */
static int check_tail(struct lt_format_reader *r, struct leat_error *err)
{
    struct lt_buf tail = LT_BUF_INIT;
    struct lt_ipc_footer footer = {0};
    struct ArrowSchema schema = {.release = NULL};
    struct lt_ipc_field field = {0};
    int64_t start = r->at, got = 1;
    int32_t len = 0;
    int rc = LEAT_OK;
    while (!rc && got) {
        if (tail.len > (size_t)META_MAX || lt_buf_reserve(&tail, 65536)) {
            rc = lt_fail_oom(err);
            break;
        }
        rc = fetch(r, tail.data + tail.len, 65536, &got, err);
        tail.len += rc ? 0 : (size_t)got;
    }
    size_t end = LT_IPC_MAGIC_LEN + 4;
    if (!rc && tail.len >= end) {
        memcpy(&len, tail.data + tail.len - end, 4);
    }
    if (!rc && (tail.len < end ||
                memcmp(tail.data + tail.len - LT_IPC_MAGIC_LEN, LT_IPC_MAGIC, LT_IPC_MAGIC_LEN) ||
                len < 0 || (size_t)len > tail.len - end)) {
        rc = lt_fail(err, LT_E_CORRUPT, "the file has no footer: it was not written to its end");
    }
    if (!rc) {
        size_t at = tail.len - end - (size_t)len;
        rc = lt_ipc_footer_read(tail.data + at, (size_t)len, start + (int64_t)at, &footer, &schema,
                                &field, err);
    }
    if (!rc && ((int64_t)footer.n_batches != r->n_batches ||
                (int64_t)footer.n_dictionaries != r->n_dictionaries ||
                !lt_ipc_field_same(&field, &r->field))) {
        rc = lt_fail(err, LT_E_CORRUPT, "the footer does not fit the messages");
    }
    lt_buf_done(&tail);
    lt_ipc_footer_done(&footer);
    lt_ipc_field_done(&field);
    lt_schema_done(&schema);
    return rc;
}

/* Drops the batch at hand. */
static void drop_batch(struct lt_format_reader *r)
{
    lt_ipc_node_done(&r->batch);
    lt_ipc_body_unref(r->owner);
    r->owner = NULL;
    r->row = 0;
}

/* Text that is not valid is noted where a sink takes it, once all else was checked. */
static int check_array(struct lt_format_reader *r, const struct ArrowArray *array,
                       struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    int rc = lt_array_check(&r->schema, array, true, &why);
    r->bad_text = rc && lt_faults_take(&r->faults, &why);
    if (r->bad_text) {
        return lt_array_check(&r->schema, array, false, err);
    }
    if (rc && err) {
        *err = why;
    }
    return rc;
}

/* A batch that needs no decoding is checked once, whole, before anyone reads a slice. Others are
 * checked as decoded, slice by slice. */
static int check_batch(struct lt_format_reader *r, struct leat_error *err)
{
    struct ArrowArray whole;
    if (!r->field.plain) {
        return lt_ipc_dictionaries_resolve(&r->dictionaries, &r->field, &r->batch, err);
    }
    int rc = lt_ipc_export(&r->field, &r->batch, r->owner, 0, r->batch.length, &whole, err);
    if (!rc) {
        rc = check_array(r, &whole, err);
        whole.release(&whole);
    }
    return rc;
}

static int take_message(struct lt_format_reader *r, struct leat_error *err)
{
    struct lt_ipc_body *body = NULL;
    int rc;
    bool dictionary = r->message.kind == LT_IPC_DICTIONARY;
    if (r->message.kind == LT_IPC_SCHEMA) {
        return lt_fail(err, LT_E_CORRUPT, "a second schema in one stream");
    }
    *(dictionary ? &r->n_dictionaries : &r->n_batches) += 1;
    rc = fetch_block(r, r->message.body_len, &body, err);
    if (rc) {
        return rc;
    }
    if (dictionary) {
        rc = lt_ipc_dictionaries_read(&r->dictionaries, &r->message, body, r->mode == MODE_STREAM,
                                      err);
    } else {
        drop_batch(r);
        rc = lt_ipc_batch_read(&r->message, &r->field, true, body, &r->batch, &r->owner, err);
        if (!rc) {
            rc = check_batch(r, err);
        }
        if (!rc && r->batch.length) {
            int64_t each = r->owner->len / r->batch.length + 1;
            r->slice_rows = LT_MAX(1, LT_MIN(r->rows_max, r->bytes_max / each));
        }
    }
    lt_ipc_body_unref(body);
    return rc;
}

/* Reads on until there is a batch with rows, or the end. */
static int next_batch(struct lt_format_reader *r, struct leat_error *err)
{
    while (!r->ended && r->row == r->batch.length) {
        bool end = false;
        int rc = r->mode == MODE_FILE_SEEK ? seek_head(r, &end, err) : read_head(r, &end, err);
        if (!rc && end) {
            rc = r->mode == MODE_FILE_FORWARD ? check_tail(r, err) : LEAT_OK;
            r->ended = !rc;
            drop_batch(r);
        } else if (!rc) {
            rc = take_message(r, err);
        }
        if (rc) {
            return rc;
        }
    }
    return LEAT_OK;
}

/* --- slices -------------------------------------------------------------------------------- */

static int make_column(struct lt_format_reader *r, int64_t i, int64_t rows, int64_t *budget,
                       struct ArrowArray *ret_array, struct leat_error *err)
{
    const struct lt_ipc_field *field = &r->field.children[i];
    struct lt_ipc_column column = {0};
    if (field->plain) {
        return lt_ipc_export(field, &r->batch.children[i], r->owner, r->row, rows, ret_array, err);
    }
    int rc = lt_ipc_take(field, &r->batch.children[i], r->rows, rows, &column, budget, err);
    if (!rc) {
        rc = lt_ipc_column_finish(&r->decoded.children[i], &column, ret_array, err);
    }
    lt_ipc_column_done(&column);
    return rc;
}

static int make_slice(struct lt_format_reader *r, int64_t rows, int64_t *budget,
                      struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray batch;
    int rc = lt_ipc_array_new(1, r->field.n_children, NULL, &batch, err);
    if (rc) {
        return rc;
    }
    batch.length = rows;
    for (int64_t i = 0; !r->field.plain && i < rows; i++) {
        r->rows[i] = r->row + i;
    }
    for (int64_t i = 0; i < r->field.n_children && !rc; i++) {
        rc = make_column(r, i, rows, budget, batch.children[i], err);
    }
    if (!rc && !r->field.plain) {
        rc = check_array(r, &batch, err);
    }
    if (rc) {
        batch.release(&batch);
        return rc;
    }
    *ret_batch = batch;
    return LEAT_OK;
}

/* The next slice. How much views and dictionaries unfold to is known only on the way: a slice
 * that grows past its budget is made again with half the rows. */
static int next_slice(struct lt_format_reader *r, struct ArrowArray *ret_batch,
                      struct leat_error *err)
{
    int64_t rows = LT_MIN(r->slice_rows, r->batch.length - r->row);
    for (;;) {
        int64_t budget = rows > 1 ? 4 * r->bytes_max : LT_IPC_VALUE_MAX;
        int rc = make_slice(r, rows, &budget, ret_batch, err);
        if (!rc) {
            r->row += rows;
            return LEAT_OK;
        }
        if (budget >= 0 || rows == 1) {
            return rc;
        }
        leat_error_clear(err);
        rows = (rows + 1) / 2;
    }
}

/* --- the reader ---------------------------------------------------------------------------- */

static int fail_at(struct lt_format_reader *r, int rc, bool in_batch, struct leat_error *err)
{
    if (rc && !r->source_failed) {
        if (in_batch) {
            leat_error_place(err, "batch %lld", (long long)LT_MAX(r->n_batches, 1));
        }
        leat_error_place(err, "%s", r->source->name);
    }
    return rc;
}

static int open_footer(struct lt_format_reader *r, struct leat_error *err)
{
    uint8_t end[LT_IPC_MAGIC_LEN + 4];
    int64_t size = r->source->size, got;
    int32_t len;
    struct lt_ipc_body *body;
    int rc;
    if (size < 8 + (int64_t)sizeof end) {
        return lt_fail(err, LT_E_CORRUPT, "the file has no footer: it was not written to its end");
    }
    r->at = size - (int64_t)sizeof end;
    rc = fetch(r, end, sizeof end, &got, err);
    if (rc) {
        return rc;
    }
    memcpy(&len, end, 4);
    int64_t footer_at = size - (int64_t)sizeof end - len;
    if (memcmp(end + 4, LT_IPC_MAGIC, LT_IPC_MAGIC_LEN) || len <= 0 || len > META_MAX ||
        footer_at < 8) {
        return lt_fail(err, LT_E_CORRUPT, "the file has no footer: it was not written to its end");
    }
    r->at = footer_at;
    rc = fetch_block(r, len, &body, err);
    if (!rc) {
        rc = lt_ipc_footer_read(body->data, (size_t)len, footer_at, &r->footer, &r->schema,
                                &r->field, err);
        lt_ipc_body_unref(body);
    }
    return rc;
}

static int open_messages(struct lt_format_reader *r, struct leat_error *err)
{
    bool end;
    int rc = read_head(r, &end, err);
    if (rc) {
        return rc;
    }
    if (end || r->message.kind != LT_IPC_SCHEMA || r->message.body_len) {
        return lt_fail(err, LT_E_CORRUPT, "the data does not begin with an Arrow schema");
    }
    return lt_ipc_schema_read(&r->message.schema, &r->schema, &r->field, err);
}

static int open_reader(struct lt_format_reader *r, struct leat_error *err)
{
    int64_t got;
    r->mode = MODE_STREAM;
    int rc = fetch(r, r->peeked, sizeof r->peeked, &got, err);
    if (rc) {
        return rc;
    }
    if (got == 0) {
        return lt_fail(err, LT_E_CORRUPT, "the data is empty: an Arrow stream has a schema");
    }
    if (got >= LT_IPC_MAGIC_LEN && !memcmp(r->peeked, LT_IPC_MAGIC, LT_IPC_MAGIC_LEN)) {
        bool seek = r->source->ops->read_at && r->source->size >= 0;
        r->mode = seek ? MODE_FILE_SEEK : MODE_FILE_FORWARD;
    } else {
        r->n_peeked = (size_t)got;
        r->at = 0;
    }
    rc = r->mode == MODE_FILE_SEEK ? open_footer(r, err) : open_messages(r, err);
    if (!rc) {
        rc = lt_ipc_field_decoded(&r->field, &r->decoded, err);
    }
    if (!rc) {
        rc = lt_ipc_dictionaries_init(&r->dictionaries, &r->field, err);
    }
    if (!rc && !r->field.plain) {
        r->rows = malloc((size_t)r->rows_max * sizeof *r->rows);
        rc = r->rows ? LEAT_OK : lt_fail_oom(err);
    }
    return rc;
}

int lt_ipc_read_open(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err)
{
    int rc = lt_format_check_options(options, lt_ipc_read_options, "arrow", err);
    if (rc) {
        return rc;
    }
    struct lt_format_reader *r = calloc(1, sizeof *r);
    if (!r) {
        return lt_fail_oom(err);
    }
    r->source = source;
    r->faults.name = source->name;
    r->faults.rejects = options ? options->rejects : NULL;
    r->faults.losses = options ? options->losses : NULL;
    r->rows_max = options && options->batch_rows_max > 0 ? options->batch_rows_max : LT_BATCH_ROWS;
    r->rows_max = LT_MIN(r->rows_max, LT_IPC_VALUE_MAX / 8);
    r->bytes_max =
        options && options->batch_bytes_max > 0 ? options->batch_bytes_max : LT_BATCH_BYTES;
    r->bytes_max = LT_MIN(LT_MAX(r->bytes_max, 65536), LT_IPC_VALUE_MAX / 4);
    rc = fail_at(r, open_reader(r, err), false, err);
    if (rc) {
        lt_ipc_read_close(r);
        return rc;
    }
    *ret_reader = r;
    return LEAT_OK;
}

int lt_ipc_read_schema(struct lt_format_reader *r, struct ArrowSchema *ret_schema,
                       struct leat_error *err)
{
    return lt_schema_copy(&r->schema, ret_schema, err);
}

/* The next slice's records that stay, perhaps none of them; released at the end. */
static int read_slice(struct lt_format_reader *r, struct ArrowArray *batch, struct leat_error *err)
{
    int rc = next_batch(r, err);
    batch->release = NULL;
    if (!rc && r->ended) {
        return LEAT_OK;
    }
    rc = rc ? rc : next_slice(r, batch, err);
    if (!rc && r->bad_text) {
        rc = lt_faults_add_text(&r->faults, &r->schema, batch, err);
    }
    if (rc) {
        return fail_at(r, rc, true, err);
    }
    int64_t rows = batch->length;
    rc = lt_faults_settle(&r->faults, &r->schema, batch, r->rows_done + 1, err);
    r->rows_done += rows;
    return rc;
}

int lt_ipc_read_next(struct lt_format_reader *r, struct ArrowArray *ret_batch,
                     struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL};
    while (!r->fault) {
        lt_array_done(&batch);
        r->fault = read_slice(r, &batch, &r->fault_error);
        if (!r->fault && (!batch.release || batch.length)) {
            *ret_batch = batch;
            return LEAT_OK;
        }
    }
    lt_array_done(&batch);
    if (err) {
        *err = r->fault_error;
    }
    return r->fault;
}

void lt_ipc_read_close(struct lt_format_reader *r)
{
    if (!r) {
        return;
    }
    drop_batch(r);
    lt_ipc_dictionaries_done(&r->dictionaries);
    lt_ipc_footer_done(&r->footer);
    lt_ipc_field_done(&r->field);
    lt_ipc_field_done(&r->decoded);
    lt_schema_done(&r->schema);
    lt_ipc_body_unref(r->meta);
    lt_faults_done(&r->faults);
    free(r->rows);
    free(r);
}
