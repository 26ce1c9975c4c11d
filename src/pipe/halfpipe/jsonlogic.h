/* JsonLogic rules (jsonlogic.com) over records: {"==": [{"var": "status"}, "new"]}. */
#ifndef LT_PIPE_HALFPIPE_JSONLOGIC_H
#define LT_PIPE_HALFPIPE_JSONLOGIC_H

#include "pipe/halfpipe/internal.h"

struct hp_logic;

/* [invalid] with the place in the rule, or the operation that is not known. */
int hp_logic_new(const char *rule, struct hp_logic **ret_logic, struct leat_error *err);
void hp_logic_free(struct hp_logic *logic); /* NULL is fine */

/* Applies the rule to every record of a batch, viewed as a struct: each() gets the result, for the call:
 * a text as it is, anything else as JSON. */
enum hp_logic_kind { HP_LOGIC_NULL, HP_LOGIC_TEXT, HP_LOGIC_OTHER };
typedef int hp_logic_fn(void *arg, int64_t row, enum hp_logic_kind kind, const char *text,
                        size_t len);
int hp_logic_run(struct hp_logic *logic, const struct lt_view *batch, hp_logic_fn *each, void *arg,
                 struct leat_error *err);

#endif
