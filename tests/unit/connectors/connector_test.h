/* What the tests of connectors share: a host, a directory of their own, rows as text, loads step by
 * step. Include it after defining CONNECTOR and
 * TEST_FILE. */
#ifndef CONNECTOR_TEST_H
#define CONNECTOR_TEST_H

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "columnar/view.h"
#include "core/buf.h"
#include "leat/connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LOAD_A "0123456789abcdef0123456789abcdef"
#define LOAD_B "fedcba9876543210fedcba9876543210"

struct fixture {
    char dir[64];
    char path[128];
    char url[160]; /* of `path` */
    struct leat_host host;
    char logged[2048];
    const char *fail_step; /* the step at which the host says no */
    const char *kill_step; /* ... or the process ends */
    bool cancelled;
    char *rejects; /* what was refused, a line each */
    size_t rejected;
};

static inline void host_log(void *arg, enum leat_log_level level, const char *line)
{
    struct fixture *f = arg;
    (void)level;
    snprintf(f->logged, sizeof f->logged, "%s", line);
}

static inline int host_cancelled(void *arg)
{
    return ((struct fixture *)arg)->cancelled;
}

static inline int64_t host_memory(void *arg)
{
    (void)arg;
    return 16 << 20;
}

static inline int host_step(void *arg, const char *name, struct leat_error *err)
{
    struct fixture *f = arg;
    if (f->kill_step && !strcmp(name, f->kill_step)) {
        _exit(7);
    }
    return f->fail_step && !strcmp(name, f->fail_step)
               ? leat_fail(err, LEAT_UNAVAILABLE, "the test says no")
               : LEAT_OK;
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/leat-test-XXXXXX");
    if (!mkdtemp(f->dir)) {
        free(f);
        return -1;
    }
    snprintf(f->path, sizeof f->path, "%s/" TEST_FILE, f->dir);
    snprintf(f->url, sizeof f->url, "%s:%s", CONNECTOR->name, f->path);
    f->host = (struct leat_host){.size = sizeof f->host,
                                 .arg = f,
                                 .log = host_log,
                                 .cancelled = host_cancelled,
                                 .memory = host_memory,
                                 .step = host_step};
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    int rc = system(command);
    free(f->rejects);
    free(f);
    return rc;
}

static inline struct leat_endpoint *open_url(struct fixture *f, const char *url)
{
    struct leat_config config = {
        .size = sizeof config, .url = url, .host = &f->host, .lock_timeout_ms = 60};
    struct leat_endpoint *ep = NULL;
    struct leat_error err = {.status = LEAT_OK};
    if (CONNECTOR->open(&config, &ep, &err)) {
        fail_msg("open: %s", err.message);
    }
    return ep;
}

static inline struct leat_endpoint *open_ep(struct fixture *f)
{
    return open_url(f, f->url);
}

static inline void take_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                              struct lt_buf *out)
{
    struct lt_view view;
    assert_int_equal(lt_view_init(&view, schema, batch, NULL), LEAT_OK);
    for (int64_t row = 0; row < batch->length; row++) {
        for (int64_t c = 0; c < view.n_children; c++) {
            lt_buf_puts(out, c ? "|" : out->len ? "\n" : "");
            if (lt_view_is_null(&view.children[c], row)) {
                lt_buf_puts(out, "NULL");
            } else {
                assert_int_equal(lt_text_format(&view.children[c], row, out), LEAT_OK);
            }
        }
    }
    lt_view_done(&view);
}

/* Reads to the end; the text of all rows, and of the schema ("a:int64 b:utf8!" with ! for not
 * nullable). */
static inline int drain(struct leat_reader *reader, struct lt_buf *types, struct lt_buf *rows,
                        struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    assert_int_equal(CONNECTOR->source->schema(reader, &schema, err), LEAT_OK);
    for (int64_t i = 0; i < schema.n_children; i++) {
        const struct ArrowSchema *field = schema.children[i];
        lt_buf_printf(types, "%s%s:", i ? " " : "", field->name);
        assert_int_equal(lt_type_print(field, types), LEAT_OK);
        lt_buf_puts(types, field->flags & ARROW_FLAG_NULLABLE ? "" : "!");
    }
    int status = LEAT_OK;
    for (;;) {
        struct leat_payload payload = {.size = sizeof payload};
        status = CONNECTOR->source->next(reader, &payload, err);
        if (status || payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        assert_int_equal(payload.kind, LEAT_PAYLOAD_BATCH);
        assert_int_equal(payload.rows, payload.batch.length);
        assert_int_equal(lt_array_check(&schema, &payload.batch, true, err), LEAT_OK);
        take_batch(&schema, &payload.batch, rows);
        leat_x_payload_release(&payload);
    }
    lt_schema_done(&schema);
    return status;
}

static inline struct leat_read_plan plan_of(const char *stream)
{
    return (struct leat_read_plan){.size = sizeof(struct leat_read_plan),
                                   .stream = {.name = stream},
                                   .limit = -1,
                                   .payloads = LEAT_PAYLOAD_BATCH};
}

static inline int take_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct fixture *f = arg;
    (void)err;
    char *more = lt_format("%s%s [%s] %.*s\n", f->rejects ? f->rejects : "", reject->place,
                           reject->code, (int)reject->record_len, reject->record);
    free(f->rejects);
    f->rejects = more;
    f->rejected++;
    return LEAT_OK;
}

/* Notes what was lost, as take_reject() does; "no" in the column's name stops. */
static inline int take_loss(void *arg, const struct leat_reject *what, struct leat_error *err)
{
    struct fixture *f = arg;
    char *more = lt_format("%s%s [%s] %s\n", f->rejects ? f->rejects : "", what->place, what->code,
                           what->column);
    free(f->rejects);
    f->rejects = more;
    f->rejected++;
    return strstr(what->column, "no") ? leat_fail(err, LEAT_BAD_DATA, "the test says no") : LEAT_OK;
}

/* "a:int64! b:utf8" as a schema; ! says not nullable, # key. */
static inline struct ArrowSchema schema_of(const char *text)
{
    struct ArrowSchema schema = {.release = NULL};
    char *copy = lt_strdup(text), *save = NULL;
    assert_int_equal(lt_schema_init_struct(&schema, 0, NULL), LEAT_OK);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *type = strchr(word, ':');
        *type++ = 0;
        bool required = strchr(type, '!') != NULL, key = strchr(type, '#') != NULL;
        type[strcspn(type, "!#")] = 0;
        struct ArrowSchema field = {.release = NULL};
        assert_int_equal(lt_type_parse(type, &field, NULL), LEAT_OK);
        assert_int_equal(lt_schema_set_name(&field, word, NULL), LEAT_OK);
        field.flags = required || key ? 0 : ARROW_FLAG_NULLABLE;
        if (key) {
            assert_int_equal(lt_schema_set_meta(&field, LT_META_KEY, "1", NULL), LEAT_OK);
        }
        assert_int_equal(lt_schema_add(&schema, &field, NULL), LEAT_OK);
    }
    free(copy);
    return schema;
}

/* Rows as text ("1|a\n2|NULL") as a batch. */
static inline struct leat_payload batch_of(const struct ArrowSchema *schema, const char *text)
{
    struct lt_batch_builder builder;
    struct leat_payload payload = {
        .size = sizeof payload, .kind = LEAT_PAYLOAD_BATCH, .row_first = 1};
    assert_int_equal(lt_batch_builder_init(&builder, schema, NULL), LEAT_OK);
    while (*text) {
        size_t line = strcspn(text, "\n");
        for (int64_t c = 0; c < builder.n_columns; c++) {
            size_t len = strcspn(text, "|\n");
            const char *why = "";
            int status = len == 4 && !memcmp(text, "NULL", 4)
                             ? lt_builder_null(&builder.columns[c])
                             : lt_text_parse(&builder.columns[c], text, len, &why);
            if (status) {
                fail_msg("column %d of %.*s: %s", (int)c, (int)line, text, why);
            }
            text += len + (text[len] != 0);
        }
        payload.rows++;
    }
    assert_int_equal(lt_batch_builder_finish(&builder, payload.rows, &payload.batch, NULL),
                     LEAT_OK);
    lt_batch_builder_done(&builder);
    return payload;
}

/* One load of one stream, step by step. */
struct one_load {
    struct ArrowSchema schema;
    struct leat_write_stream stream;
    struct leat_write_plan want;
    struct leat_load_plan plan;
    struct leat_load *load;
    struct leat_receipt receipt;
};

static inline void load_init(struct one_load *l, const char *stream, const char *schema,
                             enum leat_write_mode mode, uint32_t flags, const char *load_id)
{
    *l = (struct one_load){.load = NULL};
    l->schema = schema_of(schema);
    l->stream = (struct leat_write_stream){.size = sizeof l->stream,
                                           .name = {.name = stream},
                                           .schema = &l->schema,
                                           .source_id = "test:source",
                                           .mode = mode,
                                           .flags = flags,
                                           .parts_wanted = 4,
                                           .payloads = LEAT_PAYLOAD_BATCH};
    l->want = (struct leat_write_plan){
        .size = sizeof l->want, .load_id = load_id, .streams = &l->stream, .n_streams = 1};
}

static inline int load_begin(struct one_load *l, struct leat_endpoint *ep, struct leat_error *err)
{
    l->plan = (struct leat_load_plan){.size = sizeof l->plan};
    int status = CONNECTOR->load->plan(ep, &l->want, &l->plan, err);
    if (!status) {
        status = CONNECTOR->load->begin(ep, &l->plan, &l->load, err);
    }
    return status;
}

static inline int load_write_losing(struct one_load *l, const char *rows,
                                    const struct leat_reject_sink *rejects,
                                    const struct leat_loss_sink *losses, struct leat_error *err)
{
    struct leat_part_plan plan = {
        .size = sizeof plan, .payload = LEAT_PAYLOAD_BATCH, .rejects = rejects, .losses = losses};
    struct leat_part *part = NULL;
    struct leat_payload payload = batch_of(&l->plan.streams[0].schema, rows);
    int status = CONNECTOR->load->part_open(l->load, &plan, &part, err);
    status = status ? status : CONNECTOR->load->part_write(part, &payload, err);
    leat_x_payload_release(&payload);
    l->receipt.size = sizeof l->receipt;
    status = status ? status : CONNECTOR->load->part_seal(part, &l->receipt, err);
    CONNECTOR->load->part_close(part);
    return status;
}

static inline int load_write(struct one_load *l, const char *rows,
                             const struct leat_reject_sink *rejects, struct leat_error *err)
{
    return load_write_losing(l, rows, rejects, NULL, err);
}

static inline int load_commit(struct one_load *l, int64_t expected, bool *ret_already,
                              struct leat_error *err)
{
    struct leat_commit what = {
        .size = sizeof what,
        .receipts = &l->receipt,
        .n_receipts = l->receipt.size ? 1 : 0,
        .guards = {.size = sizeof what.guards, .rows_expected = &expected, .rows_deleted_max = -1}};
    return CONNECTOR->load->commit(l->load, &what, ret_already, err);
}

static inline void load_done(struct one_load *l)
{
    CONNECTOR->load->plan_release(&l->plan);
    lt_schema_done(&l->schema);
}

/* A whole load; fails the test with the error's words. */
static inline void assert_load(struct fixture *f, const char *stream, const char *schema,
                               enum leat_write_mode mode, uint32_t flags, const char *id,
                               const char *rows)
{
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    bool already = true;
    load_init(&l, stream, schema, mode, flags, id);
    if (load_begin(&l, ep, &err) || load_write(&l, rows, NULL, &err) ||
        load_commit(&l, -1, &already, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    assert_false(already);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
}

/* A load that must fail somewhere, and leaves the error. */
static inline int load_fails(struct fixture *f, const char *stream, const char *schema,
                             enum leat_write_mode mode, uint32_t flags, const char *rows,
                             struct leat_error *err)
{
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    bool already;
    load_init(&l, stream, schema, mode, flags, LOAD_B);
    int status = load_begin(&l, ep, err);
    status = status ? status : load_write(&l, rows, NULL, err);
    status = status ? status : load_commit(&l, -1, &already, err);
    assert_int_not_equal(status, LEAT_OK);
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    return status;
}

#endif
