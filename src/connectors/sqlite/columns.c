/* A table's columns and those that come: what a new table is made of, what an existing one is
 * given, what is left out. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"
#include "sql/evolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

bool lt_sq_is_keyed(enum leat_write_mode mode)
{
    return mode == LEAT_MERGE || mode == LEAT_DELETE_INSERT || mode == LEAT_CHANGES ||
           mode == LEAT_HISTORY;
}

static bool is_soft(const struct leat_write_stream *want)
{
    return lt_sq_is_keyed(want->mode) && want->mode != LEAT_HISTORY &&
           want->flags & LEAT_WRITE_SOFT_DELETE;
}

static bool is_op(const struct leat_write_stream *want, const char *name)
{
    return want->mode == LEAT_CHANGES && want->op && !strcmp(want->op, name);
}

static bool is_history(const char *name)
{
    return !strcasecmp(name, LEAT_FROM_COLUMN) || !strcasecmp(name, LEAT_TO_COLUMN) ||
           !strcasecmp(name, LEAT_CURRENT_COLUMN);
}

bool lt_sq_from_cursor(const struct leat_write_stream *want)
{
    struct lt_type type;
    int64_t at = want->mode == LEAT_HISTORY && want->n_cursor
                     ? lt_schema_find(want->schema, want->cursor[0])
                     : -1;
    return at >= 0 && !lt_type_of(want->schema->children[at], &type, NULL) &&
           (type.id == LT_TIMESTAMP || type.id == LT_DATE32 || type.id == LT_DATE64);
}

/* --- keys ---------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct sq_key *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

int lt_sq_keys(const struct leat_write_stream *want, struct sq_keys *ret_keys,
               struct leat_error *err)
{
    struct sq_keys keys = {.n = 0};
    bool named = want->keys && want->n_keys;
    size_t wanted = named ? want->n_keys : (size_t)want->schema->n_children;
    for (size_t i = 0; i < wanted; i++) {
        char place[24] = "";
        int64_t at = named ? lt_schema_find(want->schema, want->keys[i]) : (int64_t)i;
        if (at < 0) {
            return lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no key column \"%s\"",
                           want->keys[i]);
        }
        const struct ArrowSchema *field = want->schema->children[at];
        if (!named && !lt_schema_meta_text(field, LT_META_KEY, place, sizeof place)) {
            continue;
        }
        if (keys.n == SQ_KEYS_MAX) {
            return lt_fail(err, LT_E_LIMIT, "a key has at most %d columns", SQ_KEYS_MAX);
        }
        keys.of[keys.n++] =
            (struct sq_key){field->name, named ? (int64_t)i : strtoll(place, NULL, 10)};
    }
    if (!keys.n) {
        int status = lt_fail(err, LT_E_INVALID, "nothing tells which columns are the key");
        leat_error_remedy(err, "name them with -p");
        return status;
    }
    qsort(keys.of, keys.n, sizeof *keys.of, by_place);
    *ret_keys = keys;
    return LEAT_OK;
}

/* --- new tables ---------------------------------------------------------------------------- */

static int add_own(struct ArrowSchema *schema, const char *type, const char *name, int64_t flags,
                   struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int status = lt_type_parse(type, &field, err);
    status = status ? status : lt_schema_set_name(&field, name, err);
    if (!status) {
        field.flags = flags;
        status = lt_schema_add(schema, &field, err);
    }
    lt_schema_done(&field);
    return status;
}

/* "From" and "until" have the type of the cursor that they are taken from. */
static int add_history(const struct leat_write_stream *want, struct ArrowSchema *schema,
                       struct leat_error *err)
{
    struct lt_buf type = LT_BUF_INIT;
    int64_t at = lt_sq_from_cursor(want) ? lt_schema_find(want->schema, want->cursor[0]) : -1;
    int failed = at >= 0 ? lt_type_print(want->schema->children[at], &type)
                         : lt_buf_puts(&type, "timestamptz");
    int status =
        failed ? lt_fail_oom(err) : add_own(schema, lt_buf_text(&type), LEAT_FROM_COLUMN, 0, err);
    status = status ? status
                    : add_own(schema, lt_buf_text(&type), LEAT_TO_COLUMN, ARROW_FLAG_NULLABLE, err);
    status = status ? status : add_own(schema, "bool", LEAT_CURRENT_COLUMN, 0, err);
    lt_buf_done(&type);
    return status;
}

static int set_keys(const struct leat_write_stream *want, struct ArrowSchema *schema,
                    struct leat_error *err)
{
    struct sq_keys keys;
    char place[24];
    int status = lt_sq_keys(want, &keys, err);
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        status = lt_schema_set_meta(schema->children[i], LT_META_KEY, NULL, err);
    }
    if (!status && want->mode == LEAT_HISTORY) {
        keys.of[keys.n++] = (struct sq_key){LEAT_FROM_COLUMN, 0};
    }
    for (size_t k = 0; k < keys.n && !status; k++) {
        int64_t at = lt_schema_find(schema, keys.of[k].name);
        snprintf(place, sizeof place, "%zu", k + 1);
        status = lt_schema_set_meta(schema->children[at], LT_META_KEY, place, err);
    }
    return status;
}

static bool has_key(const struct ArrowSchema *schema)
{
    size_t len;
    bool has = false;
    for (int64_t i = 0; i < schema->n_children; i++) {
        has = has || lt_schema_meta(schema->children[i], LT_META_KEY, &len);
    }
    return has;
}

int lt_sq_new_columns(const struct leat_write_stream *want, const struct ArrowSchema *incoming,
                      struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    int status = lt_schema_init_struct(&schema, 0, err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        if (!is_op(want, incoming->children[i]->name)) {
            status = lt_schema_copy(incoming->children[i], &field, err);
            status = status ? status : lt_schema_add(&schema, &field, err);
            lt_schema_done(&field);
        }
    }
    if (!status && want->mode == LEAT_HISTORY) {
        status = add_history(want, &schema, err);
    } else if (!status && is_soft(want)) {
        status = add_own(&schema, "timestamptz", LEAT_DELETED_COLUMN, ARROW_FLAG_NULLABLE, err);
    }
    /* Several rows may share the key that is deleted by, where the source has another. */
    bool own = want->mode == LEAT_DELETE_INSERT && has_key(incoming);
    if (!status && lt_sq_is_keyed(want->mode) && !own) {
        status = set_keys(want, &schema, err);
    }
    if (status) {
        lt_schema_done(&schema);
        return status;
    }
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}

/* --- existing tables ----------------------------------------------------------------------- */

/* The columns of an existing table that can be written. One of no declared type takes what comes
 * as it comes. */
static int writable_schema(const struct leat_write_stream *want, const struct sq_table *table,
                           const struct ArrowSchema *incoming, struct ArrowSchema *ret_schema,
                           struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    int status = lt_schema_init_struct(&schema, 0, err);
    for (int64_t i = 0; i < table->schema.n_children && !status; i++) {
        const struct ArrowSchema *own = table->schema.children[i];
        size_t len;
        if (lt_schema_meta(own, LT_META_GENERATED, &len) ||
            (want->mode == LEAT_HISTORY && is_history(own->name))) {
            continue;
        }
        int64_t at = table->untyped[i] ? lt_schema_find(incoming, own->name) : -1;
        struct ArrowSchema field = {.release = NULL};
        status = lt_schema_copy(at >= 0 ? incoming->children[at] : own, &field, err);
        if (!status) {
            field.flags = own->flags;
        }
        if (!status && at >= 0 && lt_schema_meta_is(own, LT_META_REQUIRED, "1")) {
            status = lt_schema_set_meta(&field, LT_META_REQUIRED, "1", err);
        }
        status = status ? status : lt_schema_add(&schema, &field, err);
        lt_schema_done(&field);
    }
    if (status) {
        lt_schema_done(&schema);
        return status;
    }
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}

/* SQLite folds the case of names. */
static bool has_column(const struct sq_table *table, const char *name)
{
    for (int64_t i = 0; i < table->schema.n_children; i++) {
        if (!strcasecmp(table->schema.children[i]->name, name)) {
            return true;
        }
    }
    return false;
}

static int put_alter(const struct sq_table *table, const struct ArrowSchema *field,
                     struct lt_buf *ddl, struct leat_error *err)
{
    int failed = lt_buf_puts(ddl, ddl->len ? "; ALTER TABLE " : "ALTER TABLE ");
    failed |= lt_sq_quote(ddl, table->name) | lt_buf_puts(ddl, " ADD COLUMN ");
    failed |= lt_sq_quote(ddl, field->name) | lt_buf_byte(ddl, ' ');
    return failed ? lt_fail_oom(err) : lt_dialect_type(&lt_dialect_sqlite, field, ddl, err);
}

/* What columns are matched, added and left out. */
struct matching {
    const struct leat_write_stream *want;
    const struct sq_table *table;
    struct ArrowSchema known;  /* to be matched with the table's */
    struct ArrowSchema result; /* what parts are written in */
    struct lt_buf *ddl;
    struct lt_drift drift;
};

static int say(struct matching *m, const char *name, const char *what, struct leat_error *err)
{
    return lt_drift_say(&m->drift, name, what) ? lt_fail_oom(err) : LEAT_OK;
}

static int sort_column(struct matching *m, const struct ArrowSchema *field, struct leat_error *err)
{
    if (is_op(m->want, field->name)) {
        return LEAT_OK;
    }
    struct ArrowSchema wanted = {.release = NULL};
    enum lt_column_change change = LT_COLUMN_AS_IS;
    bool hidden = lt_schema_find(m->drift.table, field->name) < 0 &&
                  has_column(m->table, field->name); /* generated, or in other letters */
    int status = hidden ? LEAT_OK : lt_drift_column(&m->drift, field, &change, &wanted, err);
    lt_schema_done(&wanted);
    if (!status && change == LT_COLUMN_AS_IS) {
        status = lt_schema_add_copy(&m->known, field, 0, err);
    } else if (!status && change == LT_COLUMN_NEW) {
        status = put_alter(m->table, field, m->ddl, err);
        status = status ? status : say(m, field->name, "is added", err);
    }
    return status;
}

static int join_result(struct matching *m, const struct ArrowSchema *incoming,
                       const struct ArrowSchema *matched, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *field = incoming->children[i];
        int64_t at = lt_schema_find(matched, field->name);
        if (at >= 0) {
            status = lt_schema_add_copy(&m->result, matched->children[at], 0, err);
        } else if (!is_op(m->want, field->name) && m->want->schema_policy == LEAT_SCHEMA_EVOLVE) {
            status = lt_schema_add_copy(&m->result, field, ARROW_FLAG_NULLABLE, err);
        }
    }
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        if (is_op(m->want, incoming->children[i]->name)) {
            status = lt_schema_add_copy(&m->result, incoming->children[i], 0, err);
        }
    }
    return status;
}

/* Leat's own columns of the mode. */
static int match_own(struct matching *m, struct leat_error *err)
{
    struct ArrowSchema own = {.release = NULL};
    int status = LEAT_OK;
    if (m->want->mode == LEAT_HISTORY &&
        (!has_column(m->table, LEAT_FROM_COLUMN) || !has_column(m->table, LEAT_TO_COLUMN) ||
         !has_column(m->table, LEAT_CURRENT_COLUMN))) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH,
                         "the table keeps no history: it lacks the columns " LEAT_FROM_COLUMN
                         ", " LEAT_TO_COLUMN " and " LEAT_CURRENT_COLUMN);
        leat_error_remedy(err, "load a history into a table of its own");
    }
    if (!status && is_soft(m->want) && !has_column(m->table, LEAT_DELETED_COLUMN)) {
        status = lt_schema_init_struct(&own, 0, err);
        status = status
                     ? status
                     : add_own(&own, "timestamptz", LEAT_DELETED_COLUMN, ARROW_FLAG_NULLABLE, err);
        status = status ? status : put_alter(m->table, own.children[0], m->ddl, err);
        status = status ? status : say(m, LEAT_DELETED_COLUMN, "is added", err);
        lt_schema_done(&own);
    }
    return status;
}

int lt_sq_match(const struct leat_write_stream *want, const struct sq_table *table,
                const struct ArrowSchema *incoming, struct ArrowSchema *ret_schema,
                struct lt_buf *ddl, char **ret_drift, struct leat_error *err)
{
    struct ArrowSchema writable = {.release = NULL}, matched = {.release = NULL};
    struct lt_buf quoted = LT_BUF_INIT;
    struct matching m = {.want = want,
                         .table = table,
                         .ddl = ddl,
                         .drift = {.dialect = &lt_dialect_sqlite,
                                   .policy = want->schema_policy,
                                   .table = &writable,
                                   .keys = want->keys,
                                   .n_keys = want->n_keys}};
    int status = lt_schema_init_struct(&m.known, 0, err);
    status = status ? status : lt_schema_init_struct(&m.result, 0, err);
    status = status || !lt_sq_quote(&quoted, table->name) ? status : lt_fail_oom(err);
    m.drift.quoted = lt_buf_text(&quoted);
    status = status ? status : writable_schema(want, table, incoming, &writable, err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        status = sort_column(&m, incoming->children[i], err);
    }
    status = status ? status : match_own(&m, err);
    status = status ? status : lt_drift_end(&m.drift, incoming, err);
    status = status ? status : lt_dialect_match(&m.known, &writable, &matched, err);
    status = status ? status : join_result(&m, incoming, &matched, err);
    if (!status && m.drift.words.len) {
        *ret_drift = lt_strdup(lt_buf_text(&m.drift.words));
        status = *ret_drift ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status) {
        lt_schema_move(&m.result, ret_schema);
    }
    lt_schema_done(&m.known);
    lt_schema_done(&m.result);
    lt_schema_done(&writable);
    lt_schema_done(&matched);
    lt_drift_done(&m.drift);
    lt_buf_done(&quoted);
    return status;
}
