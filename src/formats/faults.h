/* Inside the formats whose files know types: values of a batch that their columns cannot hold, and
 * the sinks that are told of them. Nothing here is touched while all values fit. */
#ifndef LT_FORMATS_FAULTS_H
#define LT_FORMATS_FAULTS_H

#include "columnar/view.h"
#include "formats/format.h"

/* A value at fault: of a column, in a row of a batch. */
struct lt_fault {
    int64_t row;
    uint32_t column;
    uint32_t why; /* index of lt_faults.reasons */
};

/* Those of one batch. Zero-initialise, with the sinks and the name. */
struct lt_faults {
    const struct leat_reject_sink *rejects; /* NULL: the first record at fault ends the read */
    const struct leat_loss_sink *losses;    /* NULL: what does not fit is a matter of its record */
    const char *name;                       /* of the file, for places; NULL: none */
    bool known;         /* values at fault stand in the batch as they are, and may be shown */
    struct lt_buf list; /* struct lt_fault */
    struct leat_error *reasons; /* each once */
    size_t n_reasons;
};

void lt_faults_done(struct lt_faults *faults);

/* Whether a sink wants to be told of values at fault for this reason: then they may stand in the
 * batch, as anything, until lt_faults_settle(). */
bool lt_faults_take(const struct lt_faults *faults, const struct leat_error *why);
/* Whether it is then a loss, and its record stays. */
bool lt_faults_lose(const struct lt_faults *faults, const struct leat_error *why);
/* The number of a reason. */
int lt_faults_reason(struct lt_faults *faults, const struct leat_error *why, uint32_t *ret_why,
                     struct leat_error *err);
/* Notes a value at fault. A column may be at fault several times in a row, which counts once. */
int lt_faults_add(struct lt_faults *faults, int64_t row, size_t column, uint32_t why,
                  struct leat_error *err);

/* Notes every value of the batch with text that is not valid UTF-8. */
int lt_faults_add_text(struct lt_faults *faults, const struct ArrowSchema *schema,
                       const struct ArrowArray *batch, struct leat_error *err);

static inline bool lt_faults_any(const struct lt_faults *faults)
{
    return faults->list.len > 0;
}

/* Tells the sinks of all that was noted of this batch, in the order of its rows, and forgets it:
 * `row_first` is the number of its first row, from 1. *ret_batch, unless NULL, is a copy of the
 * batch in which values that are lost are null, each column's whole, and without the records that
 * were set aside: it may have no rows. Nothing was noted: nothing is told, and it stays released. */
int lt_faults_tell(struct lt_faults *faults, const struct ArrowSchema *schema,
                   const struct ArrowArray *batch, int64_t row_first, struct ArrowArray *ret_batch,
                   struct leat_error *err);
/* The same, the copy taking the place of the batch. On failure that is as it was. */
int lt_faults_settle(struct lt_faults *faults, const struct ArrowSchema *schema,
                     struct ArrowArray *batch, int64_t row_first, struct leat_error *err);

#endif
