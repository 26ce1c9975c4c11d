/* Between jsonlogic.c, which reads rules, jsonlogic_ops.c, which has their operations, and
 * jsonlogic_values.c. */
#ifndef LT_PIPE_HALFPIPE_JSONLOGIC_PARTS_H
#define LT_PIPE_HALFPIPE_JSONLOGIC_PARTS_H

#include "pipe/halfpipe/jsonlogic.h"
#include "pipe/yaml.h"

#include <math.h>

enum hp_js_kind { HP_JS_NOTHING, HP_JS_TRUTH, HP_JS_NUMBER, HP_JS_TEXT, HP_JS_LIST };

/* Texts and lists lie in the memory of the record, in the batch or in the rule. */
struct hp_js {
    enum hp_js_kind kind;
    bool truth;
    long double number; /* so that every whole number of 64 bits is exact */
    const char *text;
    size_t len; /* of the text; items of the list */
    const struct hp_js *items;
};

struct hp_logic_scope {
    struct hp_logic *logic;
    const struct lt_view *batch;
    int64_t row;
    const struct hp_js *item;        /* inside map and its like; NULL: the record */
    const struct hp_js *accumulator; /* of reduce */
};

struct hp_logic_node;
typedef struct hp_js hp_logic_op_fn(struct hp_logic_scope *scope, const struct hp_logic_node *node);

/* A rule: an operation with its arguments, a list of rules, or a value. */
struct hp_logic_node {
    hp_logic_op_fn *run; /* NULL: `value`, or with `lists` the list of the arguments */
    const char *op;
    bool lists;
    struct hp_js value;
    struct hp_logic_node *args;
    size_t n;
};

/* Memory of one record's values, all given back together. */
struct hp_logic_block {
    struct hp_logic_block *before;
    size_t used, size;
    max_align_t data[];
};

struct hp_logic {
    struct lt_yaml *yaml;
    struct hp_logic_node root;
    struct hp_logic_block *blocks;
    size_t taken;
    bool failed; /* no memory, or more of it than a record may take */
};

/* --- jsonlogic_ops.c */
/* Gives a node its operation; false: there is none of that name. */
bool hp_logic_find_op(const char *name, struct hp_logic_node *node);
/* What the rule makes of the scope's record; nothing once the memory has failed. */
struct hp_js hp_logic_eval(struct hp_logic_scope *scope, const struct hp_logic_node *node);

/* --- jsonlogic_values.c */
/* Memory for the record at hand; NULL, and `failed`, when there is none. */
void *hp_logic_take(struct hp_logic *logic, size_t size);
/* All but the oldest block go, which is used again. */
void hp_logic_give_back(struct hp_logic *logic);

static const struct hp_js hp_js_nothing = {.kind = HP_JS_NOTHING};

static inline struct hp_js hp_js_truth(bool is)
{
    return (struct hp_js){.kind = HP_JS_TRUTH, .truth = is};
}

static inline struct hp_js hp_js_number(long double n)
{
    return isnan(n) ? hp_js_nothing : (struct hp_js){.kind = HP_JS_NUMBER, .number = n};
}

static inline struct hp_js hp_js_text(const char *text, size_t len)
{
    return (struct hp_js){.kind = HP_JS_TEXT, .text = text, .len = len};
}

bool hp_js_is_true(const struct hp_js *v);
/* As JavaScript makes a number of it; NaN: it is none. */
long double hp_js_to_number(const struct hp_js *v);
/* As text: `json` with quotes and brackets, else as JavaScript's String(). */
int hp_js_print(const struct hp_js *v, bool json, struct lt_buf *out);
/* What was printed (`rc` its status) as a text of the record; empties the buffer. */
struct hp_js hp_js_keep_text(struct hp_logic_scope *scope, struct lt_buf *buf, int rc);
struct hp_js hp_js_to_text(struct hp_logic_scope *scope, const struct hp_js *v);
bool hp_js_is_same(const struct hp_js *a, const struct hp_js *b);  /* === */
bool hp_js_is_equal(const struct hp_js *a, const struct hp_js *b); /* == */

#endif
