/* Cursors: the columns of a stream that grow with every change, and values of them. A value is a
 * canonical text (columnar/text.h), a row of a cursor has one a column. */
#ifndef LT_CURSOR_H
#define LT_CURSOR_H

#include "leat/connector.h"

#include "columnar/type.h"

enum lt_cursor_kind { LT_CURSOR_NUMBER, LT_CURSOR_DATE, LT_CURSOR_TIMESTAMP, LT_CURSOR_BYTES };

struct lt_cursor_column {
    char *name; /* at the source */
    enum lt_cursor_kind kind;
    enum lt_unit unit; /* of timestamps */
    bool zoned;
    bool integer;  /* of numbers: no fraction */
    bool nullable; /* as the source says */
    int scale;     /* of decimals; -1: any */
    char *type;    /* its name, for messages */
};

struct lt_cursor {
    struct lt_cursor_column columns[LEAT_CURSOR_COLUMNS_MAX];
    const char *names[LEAT_CURSOR_COLUMNS_MAX]; /* the same names */
    size_t n;
};

/* Texts are malloc'ed; the first is NULL when there is no row. */
struct lt_cursor_row {
    char *texts[LEAT_CURSOR_COLUMNS_MAX];
};

/* Looks the columns up in the source's schema. [unknown-column], or [unsupported] with a remedy for
 * types without an exact order (floats, JSON, ...). */
int lt_cursor_init(struct lt_cursor *cursor, char *const *names, size_t n,
                   const struct ArrowSchema *schema, struct leat_error *err);
void lt_cursor_done(struct lt_cursor *cursor);
static inline bool lt_cursor_is_time(const struct lt_cursor *cursor)
{
    return cursor->n && (cursor->columns[0].kind == LT_CURSOR_DATE ||
                         cursor->columns[0].kind == LT_CURSOR_TIMESTAMP);
}

static inline bool lt_cursor_row_is_set(const struct lt_cursor_row *row)
{
    return row->texts[0] != NULL;
}

void lt_cursor_row_done(struct lt_cursor_row *row);
/* `to` is released first. */
int lt_cursor_row_copy(const struct lt_cursor_row *from, struct lt_cursor_row *to,
                       struct leat_error *err);
/* Takes over the first `n` texts of `texts`, which become NULL. */
void lt_cursor_row_take(struct lt_cursor_row *row, char **texts, size_t n);

/* Below, at or above 0. Rows compare column by column. */
int lt_cursor_compare_column(const struct lt_cursor_column *column, const char *a, const char *b);
int lt_cursor_compare(const struct lt_cursor *cursor, const struct lt_cursor_row *a,
                      const struct lt_cursor_row *b);

/* A value as a user writes it (2026-11-21, 2026-11-21T10:00, +1_000) in canonical form, malloc'ed.
 * `what` is the option it came from. */
int lt_cursor_read(const struct lt_cursor_column *column, const char *what, const char *text,
                   char **ret_text, struct leat_error *err);
/* Whether a value of the column is a number that no other comes after. */
bool lt_cursor_is_endless(const struct lt_cursor_column *column, const char *text);
/* The value moved by `sign` (1 or -1) times `step`: a duration for times, a number for numbers;
 * malloc'ed. A step of zero changes nothing. */
int lt_cursor_shift(const struct lt_cursor_column *column, const char *text, const char *what,
                    const char *step, int sign, char **ret_text, struct leat_error *err);

/* For people: the value, or a JSON array of a compound cursor's; malloc'ed, NULL without memory.
 * "" when there is none. */
char *lt_cursor_row_print(const struct lt_cursor *cursor, const struct lt_cursor_row *row);

#endif
