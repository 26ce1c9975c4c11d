/* What a match finds, told to the observer record by record. */
#ifndef LT_DIFFERENCE_H
#define LT_DIFFERENCE_H

#include "engine/pair.h"

/* One record of a batch as an array of its own, which owns nothing. */
struct lt_window {
    struct ArrowArray array, *columns, **pointers;
    const void *nothing; /* no validity */
};

/* What was told of one stream, over all attempts: a later one leaves it out. */
struct lt_told {
    int64_t n;
    struct lt_buf key; /* the last one's, as bytes */
};

struct lt_differences {
    const struct lt_pair *pair;
    const struct leat_observer *observer; /* may be NULL */
    struct ArrowSchema schema;
    struct lt_window a, b;
    bool *differs;
    struct lt_told *told;
    bool again; /* some of these were told before */
};

/* After a failure too it wants lt_differences_done(). *told is the caller's. */
int lt_differences_init(struct lt_differences *differences, const struct lt_pair *pair,
                        const struct leat_observer *observer, struct lt_told *told,
                        struct leat_error *err);
void lt_differences_done(struct lt_differences *differences);
/* A lt_match_fn; `arg` is the struct. */
int lt_differences_tell(void *arg, const struct lt_match_rows *rows, struct leat_error *err);

#endif
