#include "cli/table.h"

#include "core/codes.h"
#include "core/display.h"
#include "core/util.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A window ends with so many cells or bytes; the first one soon, to show something early. */
#define CELLS_MAX 65536
#define FIRST_ROWS 100
#define ROWS_MAX 2000
#define TEXT_MAX ((size_t)1 << 20)
#define VALUE_COLUMNS_MAX 4096 /* of one value, where no terminal says less */
#define GAP 2
#define NARROW 6 /* a column is not made narrower; below that rows are lists */
#define NUMBER 20
#define COLUMNS_USUAL 80
#define NULL_TEXT "NULL"

int cli_terminal_columns(int fd)
{
    struct winsize size;
    if (!isatty(fd)) {
        return 0;
    }
    return ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col ? COLUMNS_USUAL : size.ws_col;
}

int table_init(struct table *table, FILE *out, bool color, const struct table_column *columns,
               size_t n, struct leat_error *err)
{
    *table = (struct table){.out = out, .n = n};
    table->fits = cli_terminal_columns(fileno(out)) > 0;
    table->color = color && table->fits;
    table->widths = calloc(n + 1, sizeof *table->widths);
    table->cells = calloc(LT_MAX(n, CELLS_MAX) + 1, sizeof *table->cells);
    bool made = table->widths && table->cells;
    for (size_t i = 0; made && i < n; i++) {
        struct table_width *width = &table->widths[i];
        struct lt_buf name = LT_BUF_INIT;
        made = !lt_display_put(&name, columns[i].name, strlen(columns[i].name), VALUE_COLUMNS_MAX,
                               &width->name_columns);
        width->name = made ? lt_buf_take(&name) : NULL;
        made = width->name != NULL;
        width->right = columns[i].right;
        width->natural = width->name_columns;
        lt_buf_done(&name);
    }
    if (!made) {
        table_done(table);
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

void table_done(struct table *table)
{
    for (size_t i = 0; table->widths && i < table->n; i++) {
        free(table->widths[i].name);
    }
    free(table->widths);
    free(table->cells);
    lt_buf_done(&table->text);
    lt_buf_done(&table->line);
    *table = (struct table){.out = NULL};
}

/* --- widths --------------------------------------------------------------------------------- */

static int total(const struct table *table)
{
    int64_t sum = 0;
    for (size_t i = 0; i < table->n; i++) {
        sum += table->widths[i].shown + (i ? GAP : 0);
    }
    return (int)LT_MIN(sum, INT_MAX);
}

/* No column wider than `most`; numbers, which say nothing when they are cut, only where `all`. */
static void cap(struct table *table, int most, bool all)
{
    for (size_t i = 0; i < table->n; i++) {
        struct table_width *width = &table->widths[i];
        bool spared = width->right && !all && width->natural <= NUMBER;
        width->shown = spared ? width->natural : LT_MIN(width->natural, most);
    }
}

/* The widest cap under which the columns fit beside each other; false when there is none. */
static bool fit(struct table *table, int available, bool all)
{
    int low = NARROW - 1, high = available;
    while (low < high) {
        int middle = low + (high - low + 1) / 2;
        cap(table, middle, all);
        if (total(table) <= available) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    cap(table, low, all);
    return low >= NARROW;
}

/* What the narrower columns leave over goes to the cut ones, from the left. */
static void give_rest(struct table *table, int available)
{
    int rest = available - total(table);
    for (size_t i = 0; i < table->n && rest > 0; i++) {
        struct table_width *width = &table->widths[i];
        int more = LT_MIN(width->natural - width->shown, rest);
        width->shown += more;
        rest -= more;
    }
}

/* Chooses the widths for the window; true when they are not those of the last header. */
static bool choose_widths(struct table *table)
{
    int available = table->fits ? cli_terminal_columns(fileno(table->out)) : INT_MAX;
    bool changed = !table->headed;
    int *before = calloc(table->n + 1, sizeof *before);
    if (!before) {
        table->failed = LEAT_NO_MEMORY;
        return false;
    }
    for (size_t i = 0; i < table->n; i++) {
        before[i] = table->widths[i].shown;
    }
    cap(table, INT_MAX, true);
    if (total(table) > available) {
        table->as_list =
            table->as_list || !(fit(table, available, false) || fit(table, available, true));
        give_rest(table, available);
    }
    for (size_t i = 0; i < table->n; i++) {
        changed = changed || before[i] != table->widths[i].shown;
    }
    free(before);
    return changed;
}

/* --- printing ------------------------------------------------------------------------------- */

static void put_blanks(struct table *table, int n, char blank)
{
    for (int i = 0; i < n; i++) {
        table->failed |= lt_buf_byte(&table->line, (uint8_t)blank);
    }
}

/* A text in so many columns, cut where it is longer; the last column has no blanks behind it. */
static void put(struct table *table, const char *text, size_t len, int columns, int shown,
                bool right, bool last, const char *style)
{
    size_t start = table->line.len;
    if (columns > shown) {
        table->failed |= lt_display_put(&table->line, text, len, shown, &columns);
    } else {
        put_blanks(table, right ? shown - columns : 0, ' ');
        start = table->line.len;
        table->failed |= lt_buf_append(&table->line, text, len);
    }
    if (style && !table->failed) {
        /* Around what was just written. */
        struct lt_buf styled = LT_BUF_INIT;
        table->failed |=
            lt_buf_printf(&styled, "\033[%sm%s\033[0m", style, lt_buf_text(&table->line) + start);
        table->line.len = start;
        table->failed |= lt_buf_append(&table->line, lt_buf_text(&styled), styled.len);
        lt_buf_done(&styled);
    }
    put_blanks(table, last || right ? 0 : shown - columns, ' ');
    put_blanks(table, last ? 0 : GAP, ' ');
}

static void end_line(struct table *table)
{
    while (table->line.len && table->line.data[table->line.len - 1] == ' ') {
        table->line.len--; /* the last cells may be empty */
    }
    table->failed |= lt_buf_byte(&table->line, '\n');
    if (!table->failed) {
        fwrite(table->line.data, 1, table->line.len, table->out);
    }
    lt_buf_clear(&table->line);
}

static void print_header(struct table *table)
{
    if (table->headed) {
        end_line(table);
    }
    table->headed = true;
    for (size_t i = 0; i < table->n; i++) {
        const struct table_width *width = &table->widths[i];
        put(table, width->name, strlen(width->name), width->name_columns, width->shown,
            width->right, i + 1 == table->n, table->color ? "1" : NULL);
    }
    end_line(table);
    for (size_t i = 0; i < table->n; i++) {
        put_blanks(table, table->widths[i].shown, '-');
        put_blanks(table, i + 1 < table->n ? GAP : 0, ' ');
    }
    end_line(table);
}

static void put_cell(struct table *table, size_t cell, int shown, bool right, bool last)
{
    const struct table_cell *c = &table->cells[cell];
    put(table, lt_buf_text(&table->text) + c->start, c->len, c->columns, shown, right, last,
        c->null && table->color ? "2" : NULL);
}

static void print_row(struct table *table, size_t first)
{
    for (size_t i = 0; i < table->n; i++) {
        put_cell(table, first + i, table->widths[i].shown, table->widths[i].right,
                 i + 1 == table->n);
    }
    end_line(table);
}

/* A row as lines "name  value". */
static void print_list(struct table *table, size_t first, int64_t number)
{
    int names = 0, available = cli_terminal_columns(fileno(table->out));
    for (size_t i = 0; i < table->n; i++) {
        names = LT_MAX(names, table->widths[i].name_columns);
    }
    names = LT_MIN(names, LT_MAX(available / 2, NARROW));
    table->failed |= lt_buf_printf(&table->line, "-- row %lld", (long long)number);
    end_line(table);
    for (size_t i = 0; i < table->n; i++) {
        const struct table_width *width = &table->widths[i];
        put(table, width->name, strlen(width->name), width->name_columns, names, false, false,
            table->color ? "1" : NULL);
        put_cell(table, first + i, LT_MAX(available - names - GAP, NARROW), false, true);
        end_line(table);
    }
}

static void print_lists(struct table *table)
{
    size_t rows = table->n_cells / table->n;
    for (size_t r = 0; r < rows; r++) {
        print_list(table, r * table->n, table->rows - (int64_t)(rows - r) + 1);
    }
}

void table_flush(struct table *table)
{
    if (table->failed || !table->n) {
        return;
    }
    bool changed = choose_widths(table);
    if (table->as_list) {
        print_lists(table);
    } else {
        if (changed && !table->no_header) {
            print_header(table);
        }
        for (size_t at = 0; at + table->n <= table->n_cells; at += table->n) {
            print_row(table, at);
        }
    }
    table->windows++;
    table->n_cells = 0;
    lt_buf_clear(&table->text);
    fflush(table->out);
}

/* --- cells ---------------------------------------------------------------------------------- */

static bool is_full(const struct table *table)
{
    size_t rows = table->n_cells / table->n;
    return rows >= (table->windows ? ROWS_MAX : FIRST_ROWS) ||
           table->n_cells + table->n > CELLS_MAX || table->text.len > TEXT_MAX;
}

void table_cell(struct table *table, const char *text, size_t len)
{
    if (table->failed) {
        return;
    }
    struct table_cell *cell = &table->cells[table->n_cells];
    struct table_width *width = &table->widths[table->n_cells % table->n];
    /* A text that says NULL is quoted, so that only nulls look like one. */
    bool quoted = text && len == strlen(NULL_TEXT) && !memcmp(text, NULL_TEXT, len);
    *cell = (struct table_cell){.start = table->text.len, .null = !text};
    if (!text || quoted) {
        text = quoted ? "\"" NULL_TEXT "\"" : NULL_TEXT;
        len = strlen(text);
    }
    table->failed |= lt_display_put(&table->text, text, len, VALUE_COLUMNS_MAX, &cell->columns);
    cell->len = table->text.len - cell->start;
    width->natural = LT_MAX(width->natural, cell->columns);
    table->n_cells++;
    if (table->n_cells % table->n == 0) {
        table->rows++;
        if (is_full(table)) {
            table_flush(table);
        }
    }
}
