/* --on-loss: what becomes of values that a type cannot hold.
 *
 *     error  the reader, a cast or the destination refuses the record, as ever
 *     null   the value becomes null and is counted here, by column, for the report
 *     text   the column at fault is remembered; the stream fails, and its unit begins it afresh
 *            with that column carried as text (unit.c)
 *
 * A stream has three legs on which a value may be lost: its reader, the transform's cast, and for
 * each destination the cast to its types with its part. Each leg counts for itself. */
#ifndef LT_LOSSES_H
#define LT_LOSSES_H

#include "columnar/cast.h"
#include "engine/transform.h"

#include <pthread.h>

enum lt_on_loss { LT_LOSS_ERROR, LT_LOSS_NULL, LT_LOSS_TEXT };

/* "error", "null", "text". */
enum lt_on_loss lt_on_loss_of(const char *text);

/* How many values of one column, and why the first of them. Strings owned. */
struct lt_lost_column {
    char *name;
    int64_t values;
    char *reason;
};

struct lt_lost {
    struct lt_lost_column *columns;
    size_t n;
};

int lt_lost_add(struct lt_lost *lost, const char *column, int64_t values, const char *reason);
void lt_lost_done(struct lt_lost *lost);

/* Whether a column, named as its leg does, may hold a null at all destinations of the leg. */
typedef bool lt_takes_null_fn(const void *arg, const char *column);

/* One leg of one attempt. The struct must stay where it is. */
struct lt_losses {
    enum lt_on_loss policy;
    const char *stream;       /* for places */
    bool nulls_refused_later; /* records with nulls where none may be are set aside further on */
    lt_takes_null_fn *takes_null;
    const void *takes_null_arg;
    pthread_mutex_t mutex; /* guards lost, misfit and why */
    struct lt_lost lost;
    char *misfit; /* with LT_LOSS_TEXT: the column that did not fit; NULL: none yet */
    struct leat_error why;
    struct leat_loss_sink sink;    /* for readers and parts */
    struct lt_cast_losses casting; /* for casts */
};

void lt_losses_init(struct lt_losses *losses, enum lt_on_loss policy, const char *stream);
void lt_losses_done(struct lt_losses *losses);
/* What a reader or a part is given: NULL with LT_LOSS_ERROR. */
const struct leat_loss_sink *lt_losses_sink(const struct lt_losses *losses);
const struct lt_cast_losses *lt_losses_casting(const struct lt_losses *losses);

/* Puts what could be done about a value or type that does not fit into *err, unless whoever failed
 * knew something better than the code's own remedy. */
void lt_loss_remedy(struct leat_error *err, const struct lt_column_wishes *wishes);
/* The same where nothing is carried, only compared, and perhaps written then: --on-loss is no option
 * there. */
void lt_loss_compared_remedy(struct leat_error *err, bool written);
/* The column that the place of *err names, as it does by convention: column "NAME", the last one
 * counting. malloc'ed; NULL: none. */
char *lt_error_column(const struct leat_error *err);

#endif
