#include "engine/rejects.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct lt_rejects {
    pthread_mutex_t mutex; /* guards all below */
    FILE *file;            /* NULL: counting only */
    char *path;
    int64_t count, errors_max;
    struct lt_buf line;
};

/* It holds data that was refused elsewhere: a new file is for nobody else to read. */
static FILE *open_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (fd >= 0 && !file) {
        close(fd);
    }
    return file;
}

int lt_rejects_open(const char *path, int64_t errors_max, struct lt_rejects **ret_rejects,
                    struct leat_error *err)
{
    struct lt_rejects *rejects = calloc(1, sizeof *rejects);
    if (!rejects) {
        return lt_fail_oom(err);
    }
    pthread_mutex_init(&rejects->mutex, NULL);
    rejects->errors_max = errors_max;
    rejects->path = lt_strdup(path);
    int rc = rejects->path ? LEAT_OK : lt_fail_oom(err);
    if (!rc && strcmp(path, "none")) {
        rejects->file = open_private(path);
        if (!rejects->file) {
            rc = lt_fail_errno(err, errno, "cannot write the rejects file %s", path);
        }
    }
    if (rc) {
        lt_rejects_close(rejects, NULL);
        return rc;
    }
    *ret_rejects = rejects;
    return LEAT_OK;
}

static int write_line(struct lt_rejects *rejects, const struct lt_stream_rejects *from,
                      const struct leat_reject *reject, struct leat_error *err)
{
    lt_buf_clear(&rejects->line);
    struct lt_json json = {.out = &rejects->line};
    lt_json_object(&json);
    lt_json_key(&json, "stream");
    lt_json_text(&json, from->stream);
    lt_json_key(&json, "attempt");
    lt_json_int(&json, from->attempt);
    lt_json_key(&json, "place");
    lt_json_text(&json, reject->place);
    lt_json_key(&json, "code");
    lt_json_text(&json, reject->code);
    lt_json_key(&json, "reason");
    lt_json_text(&json, reject->reason);
    lt_json_key(&json, "record");
    /* JSON cannot hold other bytes, and a replaced record would not be the record. */
    if (reject->record &&
        lt_utf8_valid_prefix(reject->record, reject->record_len) == reject->record_len) {
        lt_json_text_n(&json, reject->record, reject->record_len);
    } else {
        lt_json_null(&json);
    }
    lt_json_object_end(&json);
    if (json.failed || lt_buf_byte(&rejects->line, '\n')) {
        return lt_fail_oom(err);
    }
    if (fwrite(rejects->line.data, 1, rejects->line.len, rejects->file) != rejects->line.len) {
        return lt_fail_errno(err, errno, "cannot write the rejects file %s", rejects->path);
    }
    return LEAT_OK;
}

static int reject_one(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct lt_stream_rejects *stream = arg;
    struct lt_rejects *rejects = stream->rejects;
    int rc = LEAT_OK;
    if (stream->instead && reject->column && reject->code &&
        !strcmp(reject->code, lt_codes[LT_E_VALUE_RANGE].code)) {
        return stream->instead->lost(stream->instead->arg, reject, err);
    }
    pthread_mutex_lock(&rejects->mutex);
    rejects->count++;
    atomic_fetch_add_explicit(&stream->count, 1, memory_order_relaxed);
    if (rejects->file) {
        rc = write_line(rejects, stream, reject, err);
    }
    if (!rc && rejects->count > rejects->errors_max) {
        rc = lt_fail(err, LT_E_TOO_MANY_REJECTS,
                     "more than %lld records were rejected; the last one: %s",
                     (long long)rejects->errors_max, reject->reason ? reject->reason : "");
        leat_error_place(err, "%s", reject->place ? reject->place : stream->stream);
    }
    pthread_mutex_unlock(&rejects->mutex);
    return rc;
}

void lt_rejects_stream(struct lt_rejects *rejects, const char *stream, int attempt,
                       struct lt_stream_rejects *ret_sink)
{
    ret_sink->rejects = rejects;
    ret_sink->stream = stream;
    ret_sink->attempt = attempt;
    ret_sink->instead = NULL;
    atomic_init(&ret_sink->count, 0);
    ret_sink->sink = (struct leat_reject_sink){sizeof ret_sink->sink, ret_sink, reject_one};
}

void lt_rejects_forget(struct lt_rejects *rejects, int64_t n)
{
    if (rejects) {
        pthread_mutex_lock(&rejects->mutex);
        rejects->count -= n;
        pthread_mutex_unlock(&rejects->mutex);
    }
}

int64_t lt_rejects_count(struct lt_rejects *rejects)
{
    if (!rejects) {
        return 0;
    }
    pthread_mutex_lock(&rejects->mutex);
    int64_t count = rejects->count;
    pthread_mutex_unlock(&rejects->mutex);
    return count;
}

int lt_rejects_close(struct lt_rejects *rejects, struct leat_error *err)
{
    int rc = LEAT_OK;
    if (!rejects) {
        return LEAT_OK;
    }
    if (rejects->file && fclose(rejects->file)) {
        rc = lt_fail_errno(err, errno, "cannot write the rejects file %s", rejects->path);
    }
    lt_buf_done(&rejects->line);
    free(rejects->path);
    pthread_mutex_destroy(&rejects->mutex);
    free(rejects);
    return rc;
}
