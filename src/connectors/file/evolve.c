/* Columns of further parts of a stream: what its manifest has, and what comes. */
#include "connectors/file/internal.h"

#include "columnar/widen.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

struct evolving {
    enum leat_schema_policy policy;
    struct ArrowSchema parts; /* of the parts to come */
    struct ArrowSchema all;   /* of all files together */
    struct lt_buf faults, drift;
};

static int say(struct lt_buf *words, const char *name, const char *what)
{
    return lt_buf_printf(words, "%s\"%s\" %s", words->len ? "; " : "", name, what);
}

static int say_types(struct lt_buf *words, const struct ArrowSchema *from,
                     const struct ArrowSchema *to, const char *between)
{
    int failed = lt_buf_printf(words, "%s\"%s\" ", words->len ? "; " : "", from->name);
    failed |= lt_type_print(from, words) | lt_buf_puts(words, between);
    return failed | lt_type_print(to, words);
}

/* A column that the files lack. */
static int take_new(struct evolving *e, const struct ArrowSchema *field, struct leat_error *err)
{
    switch (e->policy) {
    case LEAT_SCHEMA_IGNORE:
        return say(&e->drift, field->name, "is left out") ? lt_fail_oom(err) : LEAT_OK;
    case LEAT_SCHEMA_EVOLVE: {
        int status = lt_schema_add_copy(&e->parts, field, 0, err);
        status = status ? status : lt_schema_add_copy(&e->all, field, ARROW_FLAG_NULLABLE, err);
        return status || !say(&e->drift, field->name, "is new") ? status : lt_fail_oom(err);
    }
    default:
        return say(&e->faults, field->name, "is not among the columns of the files there")
                   ? lt_fail_oom(err)
                   : LEAT_OK;
    }
}

/* A column that they have: `old` is its place in e->all. */
static int take_known(struct evolving *e, const struct ArrowSchema *field, int64_t old,
                      struct leat_error *err)
{
    struct ArrowSchema *has = e->all.children[old], wide = {.release = NULL};
    bool evolve = e->policy == LEAT_SCHEMA_EVOLVE;
    int64_t nullable = field->flags & ARROW_FLAG_NULLABLE;
    int status = LEAT_OK, failed = LEAT_OK;
    if (!lt_widens(field, has) && evolve && !lt_widen(has, field, &wide, NULL)) {
        failed = say_types(&e->drift, has, &wide, " becomes ");
        lt_schema_done(has);
        lt_schema_move(&wide, has);
    } else if (lt_cast_kind(field, has) >
               (evolve && !lt_widens(field, has) ? LT_CAST_SAFE : LT_CAST_CHECKED)) {
        failed = say_types(&e->faults, field, has, " does not fit into ");
        return failed ? lt_fail_oom(err) : LEAT_OK;
    } else if (e->policy == LEAT_SCHEMA_STRICT && nullable & ~has->flags) {
        return say(&e->faults, has->name, "may be null, and is not so far") ? lt_fail_oom(err)
                                                                            : LEAT_OK;
    } else if (!lt_widens(field, has)) {
        failed = say_types(e->policy == LEAT_SCHEMA_STRICT ? &e->faults : &e->drift, field, has,
                           " is written as ");
    }
    /* Types are the manifest's, and metadata what comes with the records. */
    struct ArrowSchema made = {.release = NULL};
    bool same = lt_widens(field, has) && lt_widens(has, field);
    status = failed ? lt_fail_oom(err) : lt_schema_copy(same ? field : has, &made, err);
    if (!status) {
        made.flags = (made.flags & ~ARROW_FLAG_NULLABLE) | nullable;
        has->flags |= nullable;
        status = lt_schema_add(&e->parts, &made, err);
    }
    lt_schema_done(&made);
    return status;
}

/* Columns that do not come are null in the parts to come. */
static int take_missing(struct evolving *e, const struct ArrowSchema *incoming,
                        struct leat_error *err)
{
    for (int64_t i = 0; i < e->all.n_children; i++) {
        struct ArrowSchema *has = e->all.children[i];
        if (lt_schema_find(incoming, has->name) >= 0) {
            continue;
        }
        bool never = !(has->flags & ARROW_FLAG_NULLABLE);
        bool fault = e->policy == LEAT_SCHEMA_STRICT || (e->policy == LEAT_SCHEMA_CHECK && never);
        if (say(fault ? &e->faults : &e->drift, has->name,
                fault && never ? "may not be null, and does not come" : "does not come")) {
            return lt_fail_oom(err);
        }
        has->flags |= ARROW_FLAG_NULLABLE;
    }
    return LEAT_OK;
}

int lt_fc_evolve(const struct fc_entry *entry, struct fc_stream *stream,
                 struct ArrowSchema *ret_all, char **ret_drift, struct leat_error *err)
{
    struct evolving e = {.policy = stream->want->schema_policy};
    int status = lt_schema_init_struct(&e.parts, 0, err);
    status = status ? status : lt_fc_entry_types(entry, &e.all, err);
    status = status ? status : take_missing(&e, &stream->schema, err);
    for (int64_t i = 0; i < stream->schema.n_children && !status; i++) {
        const struct ArrowSchema *field = stream->schema.children[i];
        int64_t old = lt_schema_find(&e.all, field->name);
        status = old < 0 ? take_new(&e, field, err) : take_known(&e, field, old, err);
    }
    if (!status && e.faults.len) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH, "%s", lt_buf_text(&e.faults));
        leat_error_remedy(err, "%s",
                          e.policy == LEAT_SCHEMA_EVOLVE
                              ? "--cast or --columns bring the source in line"
                              : "--schema evolve takes new columns and wider types; --columns, "
                                "--rename or --cast bring the source in line");
    }
    char *drift = !status && ret_drift && e.drift.len ? lt_strdup(lt_buf_text(&e.drift)) : NULL;
    if (!status && ret_drift && e.drift.len && !drift) {
        status = lt_fail_oom(err);
    }
    if (!status) {
        lt_schema_done(&stream->schema);
        lt_schema_move(&e.parts, &stream->schema);
        lt_schema_move(&e.all, ret_all);
        if (ret_drift) {
            *ret_drift = drift;
        }
    }
    lt_schema_done(&e.parts);
    lt_schema_done(&e.all);
    lt_buf_done(&e.faults);
    lt_buf_done(&e.drift);
    return status;
}
