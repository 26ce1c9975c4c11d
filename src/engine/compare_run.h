/* Runs that compare: diff and verify. */
#ifndef LT_COMPARE_RUN_H
#define LT_COMPARE_RUN_H

#include "engine/pair.h"

/* The action reads both sides and writes none. */
bool lt_action_compares(enum leat_action action);
/* All streams of the run, one after the other, with the worker's sides. */
int lt_compare_run(struct lt_run *run, struct lt_worker *worker, struct leat_error *err);

/* --sample: the greatest hash of a key that is looked at. */
int lt_compare_sample(const struct lt_settings *settings, uint64_t *ret_sample,
                      struct leat_error *err);
/* What a match counted, as the result tells it. */
void lt_compare_note(struct lt_result *result, const struct lt_match_counts *counts);
int64_t lt_compare_count(const struct leat_row_counts *counts);
/* What the pair's columns were compared in, where one side can say more. */
int lt_result_note_resolution(struct lt_result *result, const struct lt_pair *pair,
                              struct leat_error *err);
/* schema_diff.c. Compares the columns of a pair opened for these alone, and fills the result. */
int lt_schema_diff(struct lt_run *run, struct lt_pair *pair, struct lt_result *result,
                   struct leat_error *err);
/* How the two are brought together, in words. */
const char *lt_pair_way(const struct lt_pair *pair);
/* pair_describe.c. Appends what an opened pair compares: key, columns, types. LEAT_OK or
 * LEAT_NO_MEMORY. */
int lt_pair_describe(const struct lt_pair *pair, struct lt_buf *out);
/* Appends what a comparison of that job would compare; nothing is read. */
int lt_compare_describe(struct lt_run *run, struct lt_worker *worker, size_t job,
                        struct lt_buf *out, struct leat_error *err);
int lt_result_set_words(struct lt_result *result, const char *route, const char *proof,
                        struct leat_error *err);

#endif
