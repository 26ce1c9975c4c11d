/* Fields of a step's input as text, batch by batch. */
#ifndef LT_PIPE_HALFPIPE_FIELDS_H
#define LT_PIPE_HALFPIPE_FIELDS_H

#include "pipe/halfpipe/internal.h"

struct hp_fields {
    const struct ArrowSchema *schema; /* of the input */
    int64_t *columns;                 /* of it */
    size_t n;
    struct lt_view *views;
    struct hp_texts *texts;
};

/* The fields that a list ("a,b") names; all when it names none, sorted by name or in their order. */
int hp_fields_init(struct hp_fields *fields, const struct hp_step *input, const char *list,
                   bool sorted, struct leat_error *err);
/* Makes the texts of a batch, whose memory they borrow for nulls. */
int hp_fields_fill(struct hp_fields *fields, const struct ArrowArray *batch,
                   struct leat_error *err);
void hp_fields_done(struct hp_fields *fields);

#endif
