/* What the modes with keys are fed, and what a destination must hold then: a model of them that
 * knows no SQL.
 *
 * Round 1 inserts. Round 2 updates some rows (some of them twice), repeats some, deletes some and
 * inserts others. Round 3 updates again, brings deleted rows back, deletes others, and has records
 * that come late. A later round is never loaded before an earlier one. */
#include "conf.h"

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 4096
#define HOUR ((int64_t)3600 * 1000000)

const char *const keyed_key[1] = {"id"}, *const keyed_cursor[1] = {"at"};

bool conf_is_keyed(enum leat_write_mode mode)
{
    return mode != LEAT_REPLACE && mode != LEAT_APPEND;
}

static void must(int status)
{
    if (status) {
        abort();
    }
}

void keyed_schema(enum leat_write_mode mode, struct ArrowSchema *ret_schema)
{
    struct ArrowSchema *field;
    must(lt_schema_init_struct(ret_schema, 0, NULL));
    must(lt_schema_add_field(ret_schema, "l", "id", 0, &field, NULL));
    must(lt_schema_add_field(ret_schema, "u", "name", ARROW_FLAG_NULLABLE, &field, NULL));
    must(lt_schema_add_field(ret_schema, "tsu:", "at", 0, &field, NULL));
    must(lt_schema_add_field(ret_schema, "b", "gone", ARROW_FLAG_NULLABLE, &field, NULL));
    if (mode == LEAT_CHANGES) {
        must(lt_schema_add_field(ret_schema, "u", "_leat_op", 0, &field, NULL));
    }
}

/* As a table of this mode is read. */
static void table_schema(enum leat_write_mode mode, struct ArrowSchema *ret_schema)
{
    struct ArrowSchema *field;
    keyed_schema(LEAT_MERGE, ret_schema);
    if (mode == LEAT_HISTORY) {
        must(lt_schema_add_field(ret_schema, "tsu:", LEAT_FROM_COLUMN, 0, &field, NULL));
        must(lt_schema_add_field(ret_schema, "tsu:", LEAT_TO_COLUMN, ARROW_FLAG_NULLABLE, &field,
                                 NULL));
        must(lt_schema_add_field(ret_schema, "b", LEAT_CURRENT_COLUMN, 0, &field, NULL));
    }
}

/* --- records ------------------------------------------------------------------------------- */

struct event {
    int64_t id, at; /* at: in hours */
    int round;      /* that wrote its name */
    char op;
};

struct events {
    struct event of[EVENTS_MAX];
    size_t n;
};

static void add(struct events *events, int64_t id, int64_t at, int round, char op)
{
    if (events->n == EVENTS_MAX) {
        abort();
    }
    events->of[events->n++] = (struct event){id, at, round, op};
}

/* Row i of a part in this round, as it comes. */
static void row_events(struct events *events, enum leat_write_mode mode, int round, int i,
                       int64_t id)
{
    bool history = mode == LEAT_HISTORY;
    if (round == 1 && i < 30) {
        add(events, id, 10, 1, 'i');
    } else if (round == 2 && i < 5) {
        add(events, id, 20, 2, 'u');
        add(events, id, 19, 9, 'u'); /* comes last, and is older */
    } else if (round == 2 && i < 10) {
        add(events, id, 20, 2, 'u');
    } else if (round == 2 && i < 15) {
        add(events, id, 10, 1, 'u'); /* nothing new */
    } else if (round == 2 && i < 20) {
        add(events, id, 21, 2, 'd');
    } else if (round == 2 && i >= 30) {
        add(events, id, 20, 2, 'i');
    } else if (round == 3 && i < 5) {
        add(events, id, 30, 3, 'u');
    } else if (round == 3 && i >= 15 && i < 20) {
        add(events, id, 30, 3, 'i');
    } else if (round == 3 && i >= 20 && i < 25 && history) {
        add(events, id, 30, 3, 'u');
        add(events, id, 15, 8, 'u'); /* late */
    } else if (round == 3 && i >= 30 && i < 35) {
        add(events, id, 31, 3, 'd');
    }
}

static void part_events(struct events *events, enum leat_write_mode mode, int stream, int round,
                        int part)
{
    for (int i = 0; i < CONF_ROWS; i++) {
        row_events(events, mode, round, i, stream * 100000 + part * 1000 + i);
    }
}

static void name_of(const struct event *event, char *name, size_t size)
{
    snprintf(name, size, "n%lld of %d \xc3\xa9\t\"x\\", (long long)event->id, event->round);
}

/* The values of a record; `columns` as in keyed_schema(). */
static void put_record(struct lt_batch_builder *builder, const struct event *event)
{
    char name[64];
    name_of(event, name, sizeof name);
    must(lt_builder_i64(&builder->columns[0], event->id));
    if (event->id % 7 == 0) {
        must(lt_builder_null(&builder->columns[1]));
    } else {
        must(lt_builder_bytes_value(&builder->columns[1], name, strlen(name)));
    }
    must(lt_builder_i64(&builder->columns[2], event->at * HOUR));
}

void keyed_batch(enum leat_write_mode mode, int stream, int round, int part,
                 struct ArrowArray *ret_batch)
{
    static struct events events;
    struct ArrowSchema schema;
    struct lt_batch_builder builder;
    events.n = 0;
    part_events(&events, mode, stream, round, part);
    keyed_schema(mode, &schema);
    must(lt_batch_builder_init(&builder, &schema, NULL));
    for (size_t i = 0; i < events.n; i++) {
        const struct event *event = &events.of[i];
        put_record(&builder, event);
        must(lt_builder_bool(&builder.columns[3], mode != LEAT_CHANGES && event->op == 'd'));
        if (mode == LEAT_CHANGES) {
            must(lt_builder_bytes_value(&builder.columns[4], &event->op, 1));
        }
    }
    must(lt_batch_builder_finish(&builder, (int64_t)events.n, ret_batch, NULL));
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
}

int64_t keyed_rows(enum leat_write_mode mode, int round)
{
    static struct events events;
    events.n = 0;
    for (int part = 0; part < CONF_PARTS; part++) {
        part_events(&events, mode, 0, round, part);
    }
    return (int64_t)events.n;
}

/* --- the model ----------------------------------------------------------------------------- */

static int by_key_and_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->at > y->at) - (x->at < y->at);
}

/* All events of the first n rounds, by key and time, what is told twice only once. */
static void all_events(struct events *events, enum leat_write_mode mode, int stream, int n)
{
    events->n = 0;
    for (int round = 1; round <= n; round++) {
        for (int part = 0; part < CONF_PARTS; part++) {
            part_events(events, mode, stream, round, part);
        }
    }
    qsort(events->of, events->n, sizeof *events->of, by_key_and_time);
    size_t kept = 0;
    for (size_t i = 0; i < events->n; i++) {
        if (!kept || by_key_and_time(&events->of[kept - 1], &events->of[i]) != 0) {
            events->of[kept++] = events->of[i];
        }
    }
    events->n = kept;
}

static void model(enum leat_write_mode mode, int stream, int n, struct content *ret_content)
{
    static struct events events;
    struct ArrowSchema schema;
    struct lt_batch_builder builder;
    struct ArrowArray batch;
    int64_t rows = 0;
    memset(ret_content, 0, sizeof *ret_content);
    all_events(&events, mode, stream, n);
    table_schema(mode, &schema);
    must(lt_batch_builder_init(&builder, &schema, NULL));
    for (size_t i = 0; i < events.n; i++) {
        const struct event *event = &events.of[i];
        bool last = i + 1 == events.n || events.of[i + 1].id != event->id;
        if (event->op == 'd' || (mode != LEAT_HISTORY && !last)) {
            continue;
        }
        put_record(&builder, event);
        must(lt_builder_bool(&builder.columns[3], false));
        if (mode == LEAT_HISTORY) {
            must(lt_builder_i64(&builder.columns[4], event->at * HOUR));
            must(last ? lt_builder_null(&builder.columns[5])
                      : lt_builder_i64(&builder.columns[5], events.of[i + 1].at * HOUR));
            must(lt_builder_bool(&builder.columns[6], last));
        }
        rows++;
    }
    must(lt_batch_builder_finish(&builder, rows, &batch, NULL));
    must(content_add(ret_content, &schema, &batch, NULL));
    content_sort(ret_content);
    lt_array_done(&batch);
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
}

int keyed_read(enum leat_write_mode mode, int stream, struct content *ret_content,
               struct leat_error *err)
{
    struct ArrowSchema schema;
    table_schema(mode, &schema);
    int status = content_read_as(conf.url, conf.names[stream], &schema, ret_content, err);
    lt_schema_done(&schema);
    return status;
}

/* The first line that is in one alone, for whoever reads the report. */
static void tell_difference(const struct content *expected, const struct content *found, char *why,
                            size_t size)
{
    size_t i = 0;
    while (i < expected->n && i < found->n && !strcmp(expected->lines[i], found->lines[i])) {
        i++;
    }
    snprintf(why, size, "%zu rows expected%s, %zu found%s; expected %s, found %s", expected->n,
             expected->absent ? " (absent)" : "", found->n, found->absent ? " (absent)" : "",
             i < expected->n ? expected->lines[i] : "no more",
             i < found->n ? found->lines[i] : "no more");
}

bool keyed_hold(enum leat_write_mode mode, int n, char *why, size_t size)
{
    bool good = true;
    struct leat_error *err = leat_error_new();
    for (int stream = 0; stream < CONF_STREAMS && good; stream++) {
        struct content expected = {0}, found = {0};
        if (n < 0) {
            expected.absent = true;
        } else {
            model(mode, stream, n, &expected);
        }
        good = !keyed_read(mode, stream, &found, err);
        if (!good) {
            snprintf(why, size, "[%s] %s", err->code, err->message);
        } else if (!content_equal(&expected, &found)) {
            tell_difference(&expected, &found, why, size);
            good = false;
        }
        content_done(&expected);
        content_done(&found);
    }
    leat_error_free(err);
    return good;
}

/* --- counts -------------------------------------------------------------------------------- */

/* Length of what tells rows apart at the start of a line: the id, and of a history when the row
 * begins, which is the time of its record. */
static size_t key_len(const char *text, bool history)
{
    size_t len = strcspn(text, "|");
    if (history) {
        for (int columns = 0; columns < 2 && text[len]; columns++) {
            len += 1 + strcspn(text + len + 1, "|");
        }
    }
    return len;
}

/* How many lines of `a` have no line with their key in `b`; *ret_changed: have another one. */
static int64_t missing(const struct content *a, const struct content *b, bool history,
                       int64_t *ret_changed)
{
    int64_t n = 0;
    *ret_changed = 0;
    for (size_t i = 0; i < a->n; i++) {
        size_t len = key_len(a->lines[i], history), j = 0;
        while (j < b->n && (key_len(b->lines[j], history) != len ||
                            strncmp(a->lines[i], b->lines[j], len) != 0)) {
            j++;
        }
        n += j == b->n;
        *ret_changed += j < b->n && strcmp(a->lines[i], b->lines[j]) != 0;
    }
    return n;
}

bool keyed_counts(const struct job *job, const struct content *before, const struct content *after,
                  const struct leat_row_counts *counts, char *why, size_t size)
{
    bool history = job->mode == LEAT_HISTORY, good;
    int64_t changed, records = keyed_rows(job->mode, job->round);
    int64_t inserted = missing(after, before, history, &changed);
    int64_t deleted = missing(before, after, history, &changed);
    snprintf(why, size,
             "counted %lld inserted, %lld updated, %lld deleted, %lld unchanged, %lld superseded; "
             "seen %lld inserted, %lld changed, %lld deleted of %lld records",
             (long long)counts->inserted, (long long)counts->updated, (long long)counts->deleted,
             (long long)counts->unchanged, (long long)counts->superseded, (long long)inserted,
             (long long)changed, (long long)deleted, (long long)records);
    if (job->mode == LEAT_DELETE_INSERT) { /* what it replaces is deleted and inserted */
        return counts->inserted - counts->deleted == inserted - deleted && !counts->updated &&
               counts->inserted >= inserted && counts->superseded <= records;
    }
    if (history) { /* rows closed by a deletion count as deleted, the others as updated */
        return counts->inserted == inserted && counts->updated + counts->deleted == changed;
    }
    good = counts->inserted == inserted && counts->deleted == deleted && counts->updated == changed;
    return good && counts->inserted + counts->updated + counts->deleted + counts->unchanged +
                           counts->superseded ==
                       records;
}
