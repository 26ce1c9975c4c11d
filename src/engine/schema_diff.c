/* leat diff --schema-only: columns, their types, nullability and key, and no record.
 *
 * Two systems of one kind are held against each other as they declare a column: text and varchar(5)
 * differ there. Between systems canonical types count, for none can declare another's; and whether
 * nulls may come, and the key, only where both are databases: a file may not know. */
#include "engine/compare_run.h"
#include "engine/pair.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

struct comparing {
    struct lt_run *run;
    const struct lt_pair *pair;
    bool same_system, databases;
    struct lt_buf words; /* the report's */
    int64_t counts[LEAT_SCHEMA_DIFFERENCES_N], equal;
    bool stopped;
};

/* --- types in words ------------------------------------------------------------------------- */

/* As the system declares it; the canonical name where it declares none. */
static int put_declared(const struct lt_pair_side *side, const struct ArrowSchema *field,
                        struct lt_buf *out)
{
    const struct leat_connector *connector = side->side->connector;
    struct ArrowSchema schema = {.release = NULL};
    struct leat_write_stream want = {
        .size = sizeof want, .name = {"", "t"}, .schema = &schema, .rows_estimate = -1};
    char *text = NULL;
    int rc = connector->ddl ? lt_schema_init_struct(&schema, 0, NULL) : LEAT_UNSUPPORTED;
    rc = rc ? rc : lt_schema_add_copy(&schema, field, 0, NULL);
    rc = rc ? rc : connector->ddl(&want, 0, &text, NULL);
    rc = rc ? lt_type_print(field, out) : lt_buf_puts(out, text);
    lt_schema_done(&schema);
    free(text);
    return rc;
}

static int forget_source_types(struct ArrowSchema *field)
{
    int rc = lt_schema_set_meta(field, LT_META_SOURCE_TYPE, NULL, NULL);
    for (int64_t i = 0; !rc && i < field->n_children; i++) {
        rc = forget_source_types(field->children[i]);
    }
    return rc;
}

/* The canonical type alone, whatever the source calls it. */
static int put_canonical(const struct ArrowSchema *field, struct lt_buf *out)
{
    struct ArrowSchema bare = {.release = NULL};
    int rc = lt_schema_copy(field, &bare, NULL);
    rc = rc ? rc : forget_source_types(&bare);
    rc = rc ? rc : lt_type_print(&bare, out);
    lt_schema_done(&bare);
    return rc;
}

/* --- one column ------------------------------------------------------------------------------ */

static int key_place(const struct ArrowSchema *field)
{
    char place[24];
    return lt_schema_meta_text(field, LT_META_KEY, place, sizeof place) ? atoi(place) : 0;
}

static void fill(const struct ArrowSchema *field, const struct lt_buf *type,
                 struct leat_schema_column *ret_column)
{
    *ret_column = (struct leat_schema_column){.type = lt_buf_text(type),
                                              .nullable = field->flags & ARROW_FLAG_NULLABLE,
                                              .key = key_place(field)};
}

static int say(struct comparing *c, const char *name, const struct leat_schema_column *a,
               const struct leat_schema_column *b)
{
    struct lt_buf *out = &c->words;
    int rc = lt_buf_printf(out, "%s\"%s\"", out->len ? "; " : "", name);
    if (!a || !b) {
        return rc ? rc
                  : lt_buf_printf(out, " %s only at the %s", a ? a->type : b->type,
                                  a ? "source" : "destination");
    }
    const char *separator = ": ";
    if (!rc && strcmp(a->type, b->type) != 0) {
        rc = lt_buf_printf(out, "%s%s and %s", separator, a->type, b->type);
        separator = ", ";
    }
    if (!rc && c->databases && a->nullable != b->nullable) {
        rc = lt_buf_printf(out, "%s%s and %s", separator, a->nullable ? "null" : "not null",
                           b->nullable ? "null" : "not null");
        separator = ", ";
    }
    return rc || !c->databases || a->key == b->key
               ? rc
               : lt_buf_printf(out, "%skey column %d and %d (0: none)", separator, a->key, b->key);
}

/* Tells one difference; a or b NULL: there is no such column. */
static int tell(struct comparing *c, const char *name, const struct leat_schema_column *a,
                const struct leat_schema_column *b, struct leat_error *err)
{
    const struct leat_observer *observer = c->run->observer;
    const struct leat_schema_difference difference = {.size = sizeof difference,
                                                      .kind = !b   ? LEAT_COLUMN_ADDED
                                                              : !a ? LEAT_COLUMN_DROPPED
                                                                   : LEAT_COLUMN_CHANGED,
                                                      .stream = c->pair->job->label,
                                                      .column = name,
                                                      .source = a,
                                                      .destination = b};
    c->counts[difference.kind]++;
    if (say(c, name, a, b)) {
        return lt_fail_oom(err);
    }
    if (!c->stopped && observer &&
        observer->size > offsetof(struct leat_observer, schema_difference) &&
        observer->schema_difference) {
        c->stopped = observer->schema_difference(observer->arg, &difference);
    }
    return LEAT_OK;
}

/* A column that both have. */
static int compare_column(struct comparing *c, const struct ArrowSchema *from,
                          const struct ArrowSchema *to, struct leat_error *err)
{
    struct lt_buf types[5] = {LT_BUF_INIT, LT_BUF_INIT, LT_BUF_INIT, LT_BUF_INIT, LT_BUF_INIT};
    struct leat_schema_column a, b;
    int failed = put_declared(&c->pair->source, from, &types[0]) ||
                 put_declared(&c->pair->destination, to, &types[1]) ||
                 put_canonical(from, &types[2]) || put_canonical(to, &types[3]) ||
                 put_declared(&c->pair->destination, from, &types[4]);
    int rc = failed ? lt_fail_oom(err) : LEAT_OK;
    fill(from, &types[0], &a);
    fill(to, &types[1], &b);
    size_t first = c->same_system ? 0 : 2;
    bool same = !strcmp(lt_buf_text(&types[first]), lt_buf_text(&types[first + 1]));
    /* Or what the destination would declare for it: SQLite's key is an INTEGER of 64 bits. */
    same = same || (c->databases && !c->same_system &&
                    !strcmp(lt_buf_text(&types[4]), lt_buf_text(&types[1])));
    bool keyed = a.key && b.key; /* no null is in a key, whatever is declared */
    same = same && (!c->databases || ((a.nullable == b.nullable || keyed) && a.key == b.key));
    if (!rc && same) {
        c->equal++;
    } else if (!rc) {
        rc = tell(c, to->name, &a, &b, err);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(types); i++) {
        lt_buf_done(&types[i]);
    }
    return rc;
}

static int only_one(struct comparing *c, const struct lt_pair_side *side,
                    const struct ArrowSchema *field, struct leat_error *err)
{
    struct lt_buf type = LT_BUF_INIT;
    struct leat_schema_column column;
    int rc = put_declared(side, field, &type) ? lt_fail_oom(err) : LEAT_OK;
    fill(field, &type, &column);
    rc = rc ? rc
            : tell(c, field->name, side->is_source ? &column : NULL,
                   side->is_source ? NULL : &column, err);
    lt_buf_done(&type);
    return rc;
}

/* --- the stream ------------------------------------------------------------------------------- */

static int compare_columns(struct comparing *c, struct leat_error *err)
{
    const struct ArrowSchema *a = &c->pair->source.own, *b = &c->pair->destination.own;
    int rc = LEAT_OK;
    for (int64_t i = 0; !rc && i < a->n_children; i++) {
        int64_t at = lt_schema_find(b, a->children[i]->name);
        rc = at < 0 ? only_one(c, &c->pair->source, a->children[i], err)
                    : compare_column(c, a->children[i], b->children[at], err);
    }
    for (int64_t i = 0; !rc && !lt_pair_chooses(c->pair) && i < b->n_children; i++) {
        if (lt_schema_find(a, b->children[i]->name) < 0) {
            rc = only_one(c, &c->pair->destination, b->children[i], err);
        }
    }
    return rc;
}

int lt_schema_diff(struct lt_run *run, struct lt_pair *pair, struct lt_result *result,
                   struct leat_error *err)
{
    const struct leat_connector *a = pair->source.side->connector;
    const struct leat_connector *b = pair->destination.side->connector;
    struct comparing c = {.run = run, .pair = pair, .databases = a->ddl && b->ddl};
    c.same_system = c.databases && !strcmp(a->name, b->name);
    int rc = compare_columns(&c, err);
    rc = rc ? rc
         : lt_result_set_text(&result->drift, &result->pub.drift, lt_buf_text(&c.words))
             ? lt_fail_oom(err)
             : LEAT_OK;
    if (!rc) {
        result->pub.counts.inserted = c.counts[LEAT_COLUMN_ADDED];
        result->pub.counts.deleted = c.counts[LEAT_COLUMN_DROPPED];
        result->pub.counts.updated = c.counts[LEAT_COLUMN_CHANGED];
        result->pub.counts.unchanged = c.equal;
        rc = lt_result_set_words(result, "columns compared", c.words.len ? "different" : "equal",
                                 err);
    }
    lt_buf_done(&c.words);
    return rc;
}
