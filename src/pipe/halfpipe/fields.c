#include "pipe/halfpipe/fields.h"

#include <stdlib.h>

static void sort(struct hp_fields *fields)
{
    for (size_t i = 1; i < fields->n; i++) {
        int64_t column = fields->columns[i];
        const char *name = fields->schema->children[column]->name;
        size_t k = i;
        for (; k && strcmp(fields->schema->children[fields->columns[k - 1]]->name, name) > 0; k--) {
            fields->columns[k] = fields->columns[k - 1];
        }
        fields->columns[k] = column;
    }
}

int hp_fields_init(struct hp_fields *fields, const struct hp_step *input, const char *list,
                   bool sorted, struct leat_error *err)
{
    struct hp_pairs names = {0};
    *fields = (struct hp_fields){.schema = &input->schema};
    int rc = hp_pairs_parse(list, false, &names, err);
    fields->n = names.n ? names.n : (size_t)input->schema.n_children;
    fields->columns = calloc(fields->n + 1, sizeof *fields->columns);
    fields->views = calloc(fields->n + 1, sizeof *fields->views);
    fields->texts = calloc(fields->n + 1, sizeof *fields->texts);
    if (!rc && !(fields->columns && fields->views && fields->texts)) {
        rc = lt_fail_oom(err);
    }
    for (size_t i = 0; !rc && i < fields->n; i++) {
        fields->columns[i] = (int64_t)i;
        rc = names.n ? hp_field(input, names.items[i].left, &fields->columns[i], err) : LEAT_OK;
    }
    if (!rc && !names.n && sorted) {
        sort(fields);
    }
    hp_pairs_done(&names);
    return rc;
}

int hp_fields_fill(struct hp_fields *fields, const struct ArrowArray *batch, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < fields->n; i++) {
        const struct ArrowArray *column = batch->children[fields->columns[i]];
        rc = lt_view_next(&fields->views[i], fields->schema->children[fields->columns[i]], column,
                          err);
        rc = rc ? rc : hp_texts_fill(&fields->texts[i], &fields->views[i], err);
    }
    return rc;
}

void hp_fields_done(struct hp_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (fields->views) {
            lt_view_done(&fields->views[i]);
        }
        if (fields->texts) {
            hp_texts_done(&fields->texts[i]);
        }
    }
    free(fields->columns);
    free(fields->views);
    free(fields->texts);
    *fields = (struct hp_fields){.schema = NULL};
}
