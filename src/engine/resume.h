/* --resume: a load whose sealed parts stay when it is cut off, and that goes on from those of an
 * earlier run or attempt.
 *
 * That is exact where the source tells that its records are the same again (its fingerprint), and
 * everything else that makes rows of them is the same: options, columns, the cut into partitions.
 * All of that goes into one text that stands at the destination with the load, so that another
 * machine finds it as well. Where it is not exact the stream is loaded as ever, and it is said why.
 *
 *     resume.c       from the plan to the commit, and after a failure
 *     resume_plan.c  whether it is exact, and the text */
#ifndef LT_RESUME_H
#define LT_RESUME_H

#include "engine/parts.h"

struct lt_unit_try;

struct lt_resume {
    char *fingerprint; /* of the source; NULL: it is not exact, or was not asked for */
    char *key;         /* write_plan.resume; NULL: the load is one as ever */
    bool on;           /* the load was begun so */
    bool passing;      /* it failed for something that passes: what it sealed stays */
    struct lt_parts parts;
};

/* Before the read is started: whether the source is the same again. */
int lt_resume_look(struct lt_unit_try *unit, struct leat_error *err);
/* Once it is, and before the destination plans: cuts the stream, and makes the text. */
int lt_resume_plan(struct lt_unit_try *unit, struct leat_error *err);
/* Loads of this one's text that earlier attempts of the run saw open; NULL: none. */
const char *lt_resume_open_loads(const struct lt_unit_try *unit);
/* After the destination's plan, which may not keep parts. */
int lt_resume_planned(struct lt_unit_try *unit, struct leat_error *err);
/* After the beginning: takes what was sealed, or says why it starts over. */
int lt_resume_begun(struct lt_unit_try *unit, struct leat_error *err);
/* Has the flow go on behind it. */
void lt_resume_flow(struct lt_unit_try *unit);
/* Before the commit: [source-changed] if what was added to earlier parts is of another source. */
int lt_resume_check(struct lt_unit_try *unit, struct leat_error *err);
/* The load that failed is to be left for a later one; says so. */
bool lt_resume_keeps(struct lt_unit_try *unit);
void lt_resume_done(struct lt_resume *resume);

/* resume_plan.c */
/* Notes in log and report that the stream is loaded from its beginning. */
int lt_resume_not(struct lt_unit_try *unit, const char *why, struct leat_error *err);
/* What of the two texts differs, in words. */
const char *lt_resume_difference(const char *key, const char *other);

#endif
