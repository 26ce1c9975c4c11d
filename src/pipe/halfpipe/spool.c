#include "pipe/halfpipe/spool.h"

#include "pipe/halfpipe/input.h"

#include "core/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct hp_spool {
    struct hp_step *from;
    char path[512];
    struct ArrowArrayStream back;
    int pull_rc;
    struct leat_error error;
    char text[2048];
};

static const char connection_key[] = "databaseConnectionName";

bool hp_spool_is_needed(const struct hp_step *step)
{
    const struct lt_halfpipe *pipe = step->flow->run->pipe;
    const char *to = hp_value(step->def, connection_key);
    const struct hp_connection *mine = NULL;
    for (size_t i = 0; i < pipe->n_connections; i++) {
        mine = strcmp(pipe->connections[i].name, to) ? mine : &pipe->connections[i];
    }
    if (!mine || strcmp(mine->type, "sqlite")) {
        return false;
    }
    for (size_t i = 0; i < step->flow->n; i++) {
        const struct hp_def *def = step->flow->steps[i].def;
        if (def != step->def && !strncmp(def->type->name, "TableInput", 10)) {
            const char *from = hp_value(def, connection_key);
            for (size_t k = 0; k < pipe->n_connections; k++) {
                if (!strcmp(pipe->connections[k].name, from) &&
                    !strcmp(pipe->connections[k].type, "sqlite")) {
                    return true; /* the same file may have several names */
                }
            }
        }
    }
    return false;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct hp_spool *spool = stream->private_data;
    return lt_schema_copy(&spool->from->schema, out, NULL) ? ENOMEM : 0;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct hp_spool *spool = stream->private_data;
    spool->pull_rc = hp_pull(spool->from, out, &spool->error);
    if (spool->pull_rc) {
        lt_error_format(&spool->error, spool->text, sizeof spool->text);
        return EIO;
    }
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    return ((struct hp_spool *)stream->private_data)->text;
}

static void stream_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static int make_path(struct hp_spool *spool, struct leat_error *err)
{
    const char *base = getenv("TMPDIR");
    snprintf(spool->path, sizeof spool->path, "%s/leat-spool-XXXXXX",
             base && *base ? base : "/tmp");
    int fd = mkstemp(spool->path);
    if (fd < 0) {
        int code = errno;
        spool->path[0] = 0;
        return lt_fail_errno(err, code, "cannot make a temporary file");
    }
    close(fd);
    return LEAT_OK;
}

int hp_spool_new(struct hp_step *from, struct hp_spool **ret_spool, struct leat_error *err)
{
    struct leat *leat = from->flow->run->pipe->leat;
    struct hp_spool *spool = calloc(1, sizeof *spool);
    if (!spool) {
        return lt_fail_oom(err);
    }
    spool->from = from;
    struct ArrowArrayStream stream = {.get_schema = stream_schema,
                                      .get_next = stream_next,
                                      .get_last_error = stream_error,
                                      .release = stream_release,
                                      .private_data = spool};
    int rc = make_path(spool, err);
    rc = rc ? rc : leat_format_write(leat, &stream, "arrow", spool->path, NULL, 0, err);
    if (rc && spool->pull_rc && err) {
        *err = spool->error;
        rc = spool->pull_rc;
    }
    rc = rc ? rc : leat_format_read(leat, "arrow", spool->path, NULL, 0, &spool->back, err);
    if (rc) {
        hp_spool_free(spool);
        return rc;
    }
    *ret_spool = spool;
    return LEAT_OK;
}

int hp_spool_next(struct hp_spool *spool, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int code = spool->back.get_next(&spool->back, ret_batch);
    if (code) {
        ret_batch->release = NULL;
        return hp_stream_failed(&spool->back, code, err);
    }
    return LEAT_OK;
}

void hp_spool_free(struct hp_spool *spool)
{
    if (!spool) {
        return;
    }
    if (spool->back.release) {
        spool->back.release(&spool->back);
    }
    if (spool->path[0]) {
        unlink(spool->path);
    }
    free(spool);
}
