/* Dictionaries of a stream. A batch is kept as it came until a record batch needs it: dictionaries
 * may hold others, in any order. Plain values that came in one batch are used where they lie;
 * others are decoded into a column, to which deltas are appended. */
#include "formats/arrow/dictionary.h"

#include "core/codes.h"

#include <stdlib.h>

struct chunk {
    struct lt_ipc_node node;
    struct lt_ipc_body *owner;
};

struct lt_ipc_dictionary {
    int64_t id;
    const struct lt_ipc_field *field; /* of the values as sent */
    struct lt_ipc_field decoded;
    struct chunk *chunks;
    size_t n_chunks;
    size_t taken; /* chunks already in the column */
    struct lt_ipc_column column;
    struct lt_ipc_node node; /* of the column */
    bool ready;              /* node is of the column as it is */
    bool busy;               /* being decoded: met again, it holds itself */
};

static struct lt_ipc_dictionary *find(const struct lt_ipc_dictionaries *set, int64_t id)
{
    for (size_t i = 0; i < set->n; i++) {
        if (set->items[i].id == id) {
            return &set->items[i];
        }
    }
    return NULL;
}

static int add(struct lt_ipc_dictionaries *set, const struct lt_ipc_field *field,
               struct leat_error *err)
{
    struct lt_ipc_dictionary *known = find(set, field->dictionary_id);
    if (known) {
        return lt_ipc_field_same(known->field, field->values)
                   ? LEAT_OK
                   : lt_fail(err, LT_E_CORRUPT, "columns of different types share a dictionary");
    }
    struct lt_ipc_dictionary *items = realloc(set->items, (set->n + 1) * sizeof *items);
    if (!items) {
        return lt_fail_oom(err);
    }
    set->items = items;
    items[set->n] = (struct lt_ipc_dictionary){.id = field->dictionary_id, .field = field->values};
    int rc = lt_ipc_field_decoded(field->values, &items[set->n].decoded, err);
    set->n += !rc;
    return rc;
}

static int add_all(struct lt_ipc_dictionaries *set, const struct lt_ipc_field *field,
                   struct leat_error *err)
{
    int rc = LEAT_OK;
    if (field->values) {
        rc = add(set, field, err);
        return rc ? rc : add_all(set, field->values, err);
    }
    for (int64_t i = 0; i < field->n_children && !rc && !field->plain; i++) {
        rc = add_all(set, &field->children[i], err);
    }
    return rc;
}

int lt_ipc_dictionaries_init(struct lt_ipc_dictionaries *set, const struct lt_ipc_field *root,
                             struct leat_error *err)
{
    *set = (struct lt_ipc_dictionaries){0};
    int rc = add_all(set, root, err);
    if (rc) {
        lt_ipc_dictionaries_done(set);
    }
    return rc;
}

static void empty(struct lt_ipc_dictionary *d)
{
    for (size_t i = 0; i < d->n_chunks; i++) {
        lt_ipc_node_done(&d->chunks[i].node);
        lt_ipc_body_unref(d->chunks[i].owner);
    }
    free(d->chunks);
    d->chunks = NULL;
    d->n_chunks = d->taken = 0;
    lt_ipc_column_done(&d->column);
    lt_ipc_node_done(&d->node);
    d->ready = false;
}

void lt_ipc_dictionaries_done(struct lt_ipc_dictionaries *set)
{
    for (size_t i = 0; i < set->n; i++) {
        empty(&set->items[i]);
        lt_ipc_field_done(&set->items[i].decoded);
    }
    free(set->items);
    *set = (struct lt_ipc_dictionaries){0};
}

int lt_ipc_dictionaries_read(struct lt_ipc_dictionaries *set, const struct lt_ipc_message *message,
                             struct lt_ipc_body *body, bool replace, struct leat_error *err)
{
    struct lt_ipc_dictionary *d = find(set, message->dictionary_id);
    struct chunk chunk;
    if (!d) {
        return lt_fail(err, LT_E_CORRUPT, "a dictionary belongs to no column");
    }
    if (!message->delta && d->n_chunks && !replace) {
        return lt_fail(err, LT_E_CORRUPT, "a file replaces a dictionary, which only streams may");
    }
    int rc = lt_ipc_batch_read(message, d->field, false, body, &chunk.node, &chunk.owner, err);
    if (rc) {
        return rc;
    }
    if (!message->delta) {
        empty(d);
    }
    struct chunk *chunks = realloc(d->chunks, (d->n_chunks + 1) * sizeof *chunks);
    if (!chunks) {
        lt_ipc_node_done(&chunk.node);
        lt_ipc_body_unref(chunk.owner);
        return lt_fail_oom(err);
    }
    d->chunks = chunks;
    d->chunks[d->n_chunks++] = chunk;
    d->ready = false;
    return LEAT_OK;
}

/* Appends a chunk to the column and lets go of it. */
static int take_chunk(struct lt_ipc_dictionaries *set, struct lt_ipc_dictionary *d,
                      struct chunk *chunk, struct leat_error *err)
{
    int64_t n = chunk->node.length, budget = LT_IPC_VALUE_MAX;
    int64_t *rows = n <= budget / 8 ? malloc(n ? (size_t)n * 8 : 1) : NULL;
    if (!rows) {
        return n <= budget / 8 ? lt_fail_oom(err)
                               : lt_fail(err, LT_E_LIMIT, "a dictionary has too many entries");
    }
    for (int64_t i = 0; i < n; i++) {
        rows[i] = i;
    }
    budget -= (int64_t)d->column.data.len;
    int rc = lt_ipc_dictionaries_resolve(set, d->field, &chunk->node, err);
    if (!rc) {
        rc = lt_ipc_take(d->field, &chunk->node, rows, n, &d->column, &budget, err);
    }
    free(rows);
    lt_ipc_node_done(&chunk->node);
    lt_ipc_body_unref(chunk->owner);
    chunk->owner = NULL;
    return rc;
}

/* Makes a dictionary's values readable through *ret_node and *ret_field. */
static int prepare(struct lt_ipc_dictionaries *set, struct lt_ipc_dictionary *d,
                   const struct lt_ipc_node **ret_node, const struct lt_ipc_field **ret_field,
                   struct leat_error *err)
{
    if (d->field->plain && d->n_chunks == 1) {
        *ret_node = &d->chunks[0].node;
        *ret_field = d->field;
        return LEAT_OK;
    }
    if (d->busy) {
        return lt_fail(err, LT_E_CORRUPT, "a dictionary holds itself");
    }
    int rc = LEAT_OK;
    d->busy = true;
    for (; d->taken < d->n_chunks && !rc; d->taken++) {
        rc = take_chunk(set, d, &d->chunks[d->taken], err);
    }
    d->busy = false;
    if (!rc && !d->ready) {
        lt_ipc_node_done(&d->node);
        rc = lt_ipc_column_node(&d->decoded, &d->column, &d->node, err);
        d->ready = !rc;
    }
    *ret_node = &d->node;
    *ret_field = &d->decoded;
    return rc;
}

int lt_ipc_dictionaries_resolve(struct lt_ipc_dictionaries *set, const struct lt_ipc_field *field,
                                struct lt_ipc_node *node, struct leat_error *err)
{
    int rc = LEAT_OK;
    if (field->values) {
        struct lt_ipc_dictionary *d = find(set, field->dictionary_id);
        if (!d || !d->n_chunks) {
            return LEAT_OK; /* an error only when an index asks for it */
        }
        return prepare(set, d, &node->dictionary, &node->dictionary_field, err);
    }
    for (int64_t i = 0; i < node->n_children && !rc && !field->plain; i++) {
        rc = lt_ipc_dictionaries_resolve(set, &field->children[i], &node->children[i], err);
    }
    return rc;
}
