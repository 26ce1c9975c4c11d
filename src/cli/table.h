/* Rows as an aligned table for people, in bounded memory: the widths of columns come from a window of
 * rows, and grow with a later one, below a header of its own. Where the columns do not fit beside each
 * other each row is shown as a list of names and values. */
#ifndef LT_TABLE_H
#define LT_TABLE_H

#include "leat/error.h"

#include "core/buf.h"

#include <stdbool.h>
#include <stdio.h>

struct table_column {
    const char *name;
    bool right; /* numbers */
};

struct table_cell {
    size_t start, len; /* of the window's text */
    int columns;
    bool null;
};

struct table_width {
    char *name; /* as it is shown */
    int name_columns;
    bool right;
    int natural; /* columns of the widest value so far */
    int shown;
};

struct table {
    FILE *out;
    bool fits, color; /* to the terminal that `out` is */
    bool no_header;
    bool as_list; /* from some window on */
    bool headed;
    struct table_width *widths;
    size_t n;
    struct lt_buf text, line;
    struct table_cell *cells; /* of the window's rows */
    size_t n_cells;
    int64_t rows; /* shown, those of the window included */
    int64_t windows;
    int failed; /* LEAT_NO_MEMORY */
};

/* Names are copied. Colours and the terminal's width count where `out` is one. */
int table_init(struct table *table, FILE *out, bool color, const struct table_column *columns,
               size_t n, struct leat_error *err);
/* The next cell of the row at work; text NULL is a null. Nothing happens any more once it failed. */
void table_cell(struct table *table, const char *text, size_t len);
/* Prints the rows that were kept so far. */
void table_flush(struct table *table);
/* Frees it; what was not flushed is gone. */
void table_done(struct table *table);

/* Columns of the terminal that the descriptor is; 0 where it is none. */
int cli_terminal_columns(int fd);

#endif
