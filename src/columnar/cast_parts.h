/* What the plan of a cast (cast.c) hands to the loops that run it (cast_run.c and its kinds: cast_fixed.c,
 * cast_built.c, cast_nested.c). */
#ifndef LT_CAST_PARTS_H
#define LT_CAST_PARTS_H

#include "columnar/builder.h"
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "columnar/text_parts.h"
#include "core/codes.h"

/* One loop each. */
enum lt_cast_op {
    LT_OP_NULLS,      /* nothing but nulls */
    LT_OP_COPY,       /* fixed-width bytes and bools as they are */
    LT_OP_INTEGER,    /* integer to integer */
    LT_OP_TO_FLOAT,   /* integer or float to float */
    LT_OP_FROM_FLOAT, /* float to integer */
    LT_OP_EXACT,      /* integer or decimal to integer or decimal, up to 128 bits */
    LT_OP_BOOL_INTEGER,
    LT_OP_INTEGER_BOOL,
    LT_OP_TICKS,       /* dates, times, timestamps, durations: by a factor */
    LT_OP_BYTES,       /* text and binary of any layout */
    LT_OP_FORMAT,      /* to text */
    LT_OP_FORMAT_JSON, /* to JSON */
    LT_OP_PARSE,       /* from text */
    LT_OP_VIA_TEXT,    /* text in between */
    LT_OP_LIST,        /* lists and maps */
    LT_OP_STRUCT
};

/* How one field becomes another: a tree, as the types are. */
struct lt_cast_step {
    enum lt_cast_op op;
    enum lt_cast_kind kind;              /* nullability not counted */
    bool check_nulls;                    /* the new field may hold none */
    bool decode;                         /* the old field is a dictionary */
    bool hides_nulls;                    /* FORMAT: JSON's own nulls may be among its values */
    bool exact;                          /* VIA_TEXT: reading back must give the old value */
    const struct ArrowSchema *from, *to; /* inside the schemas of the plan */
    struct lt_type from_type, to_type;   /* a dictionary's: that of its values */
    int64_t multiply, divide, whole;     /* TICKS: ticks must be a multiple of `whole` */
    struct lt_builder builder;           /* BYTES, FORMAT, PARSE, VIA_TEXT, NULLS */
    struct lt_builder decoder;           /* with decode: builds the plain old column */
    struct lt_cast_step *children;       /* as many as `to` has */
    int64_t n_children;
    int64_t child_from; /* as a child: its place in the old struct; -1: nulls */
};

/* The whole of it, for batches (cast_batch.c). */
struct lt_cast {
    struct ArrowSchema from, to;
    struct lt_view view; /* of the last batch; field NULL before the first */
    struct lt_cast_step *columns;
    int64_t *map; /* column of `from`, or -1 */
    int64_t n_columns;
    const struct lt_cast_losses *losses; /* NULL: what does not fit is a misfit */
    int64_t *uses; /* of each column of `from`, how many are to be moved out of it */
};

/* Rows of one column, a bit each. */
struct lt_marks {
    struct lt_buf bits; /* empty: none */
    int64_t first_row;  /* valid when bits is not empty, as are the others */
    enum lt_code code;  /* of the first row */
    const char *why;
};

static inline bool lt_marked(const struct lt_marks *marks, int64_t row)
{
    return marks->bits.len && marks->bits.data[row >> 3] >> (row & 7) & 1;
}

/* Rows of one column that did not fit. With `keeps_lost` those whose value the new type cannot hold
 * are kept apart from those that are bad in themselves. */
struct lt_misfits {
    struct lt_marks bad;
    struct lt_marks lost;
    bool keeps_lost;
};

static inline bool lt_misfit_at(const struct lt_misfits *misfits, int64_t row)
{
    return lt_marked(&misfits->bad, row) || lt_marked(&misfits->lost, row);
}

static inline void lt_misfits_done(struct lt_misfits *misfits)
{
    lt_buf_done(&misfits->bad.bits);
    lt_buf_done(&misfits->lost.bits);
}

/* Marks `row` of `rows`. Rows may be marked in any order; the least is the first. */
int lt_misfit_mark(struct lt_misfits *misfits, int64_t row, int64_t rows, enum lt_code code,
                   const char *why);

/* Runs one step over a whole view. Misfits are marked and become nulls. LEAT_OK or an error that
 * is none of a value (LEAT_NO_MEMORY). */
int lt_cast_column(struct lt_cast_step *step, const struct lt_view *view,
                   struct lt_misfits *misfits, struct ArrowArray *ret_array,
                   struct leat_error *err);
/* The same of one kind of steps, which cast_run.c chooses; none of them decodes or checks nulls. */
int lt_cast_fixed(const struct lt_cast_step *step, const struct lt_view *view,
                  struct lt_misfits *misfits, struct ArrowArray *ret_array, struct leat_error *err);
int lt_cast_built(struct lt_cast_step *step, const struct lt_view *view, struct lt_misfits *misfits,
                  struct ArrowArray *ret_array, struct leat_error *err);
int lt_cast_list(struct lt_cast_step *step, const struct lt_view *view, struct lt_misfits *misfits,
                 struct ArrowArray *ret_array, struct leat_error *err);
int lt_cast_struct(struct lt_cast_step *step, const struct lt_view *view,
                   struct lt_misfits *misfits, struct ArrowArray *ret_array,
                   struct leat_error *err);

/* Gives a finished array the validity of the view, without the misfits. */
int lt_cast_validity(const struct lt_view *view, const struct lt_misfits *misfits,
                     struct ArrowArray *array, struct leat_error *err);

#endif
