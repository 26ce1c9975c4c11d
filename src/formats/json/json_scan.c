/* Records: where each begins and ends, which columns its values belong to, and where they lie.
 *
 * A record is scanned in one go. When the text ends inside it, what was noted of it is taken back
 * and it is tried again once the text has doubled, so that a record of any size is scanned at most
 * twice over. A fault of grammar ends the reading, unless records stand on lines of their own:
 * then only the line is lost. */
#include "formats/json/json.h"

#include "core/util.h"

#include <stdio.h>

void lt_jsonl_scan_init(struct lt_jsonl_scan *scan)
{
    *scan = (struct lt_jsonl_scan){
        .line = 1, .first_key = LT_JSONL_NONE, .record_max = LT_JSONL_RECORD_MAX};
}

void lt_jsonl_scan_done(struct lt_jsonl_scan *scan)
{
    lt_buf_done(&scan->text);
    lt_buf_done(&scan->cells);
    lt_buf_done(&scan->rows);
    lt_buf_done(&scan->scratch);
    lt_jsonl_keys_done(&scan->keys);
}

/* Notes that the record cannot be delivered, though its end can be found. The first such fault
 * counts. Returns it for more to be said, or NULL. */
static struct lt_jsonl_fault *wrong(struct lt_jsonl_scan *scan, enum lt_code code,
                                    const uint8_t *at, const char *why)
{
    if (scan->wrong) {
        return NULL;
    }
    scan->wrong = true;
    scan->fault = (struct lt_jsonl_fault){
        .code = code,
        .why = why,
        .at = (size_t)(at - scan->text.data),
        .line = scan->line,
    };
    return &scan->fault;
}

/* The column's name is kept: the column may be taken back with its record. */
static void name_column(struct lt_jsonl_scan *scan, struct lt_jsonl_fault *fault, uint32_t column)
{
    const struct lt_jsonl_key *key = &scan->keys.items[column];
    size_t len = LT_MIN(key->len, sizeof fault->name - 1);
    memcpy(fault->name, key->name, len);
    fault->name[len] = 0;
}

/* --- cells ----------------------------------------------------------------------------------- */

/* The cell that the record has for the column already. */
static struct lt_jsonl_cell *cell_of(struct lt_jsonl_scan *scan, uint32_t column)
{
    struct lt_jsonl_cell *cell =
        (struct lt_jsonl_cell *)(void *)(scan->cells.data + scan->cells.len);
    do {
        cell--;
    } while (cell->column != column);
    return cell;
}

static enum lt_jsonl_step add_doubled(struct lt_jsonl_scan *scan, const struct lt_jsonl_cell *cell)
{
    if (scan->doubled == LT_JSONL_DOUBLED_LAST) {
        *cell_of(scan, cell->column) = *cell;
    } else if (scan->doubled == LT_JSONL_DOUBLED_ERROR) {
        struct lt_jsonl_fault *fault = wrong(scan, LT_E_CORRUPT, scan->text.data + cell->start,
                                             "the record has this key twice");
        if (fault) {
            name_column(scan, fault, cell->column);
            fault->remedy = "--duplicate-keys first or last chooses one of its values";
        }
    }
    return LT_JSONL_GOOD;
}

static inline enum lt_jsonl_step add_cell(struct lt_jsonl_scan *scan, uint32_t column,
                                          const uint8_t *from, const uint8_t *to, uint32_t info)
{
    struct lt_jsonl_key *key = &scan->keys.items[column];
    struct lt_jsonl_cell cell = {.start = (uint32_t)(from - scan->text.data),
                                 .info = info | (uint32_t)(to - from),
                                 .column = column};
    if (key->stamp == scan->stamp) {
        return add_doubled(scan, &cell);
    }
    key->stamp = scan->stamp;
    if (lt_buf_reserve(&scan->cells, sizeof cell)) {
        return LT_JSONL_OOM;
    }
    memcpy(scan->cells.data + scan->cells.len, &cell, sizeof cell);
    scan->cells.len += sizeof cell;
    return LT_JSONL_GOOD;
}

/* A new column; LT_JSONL_NONE in *ret_column when there can be none. */
static enum lt_jsonl_step add_column(struct lt_jsonl_scan *scan, const uint8_t *at,
                                     const char *name, size_t len, uint32_t *ret_column)
{
    *ret_column = LT_JSONL_NONE;
    if (memchr(name, 0, len)) {
        wrong(scan, LT_E_CORRUPT, at, "a key holds U+0000, which no name of a column can");
        return LT_JSONL_GOOD;
    }
    if (scan->keys.n == LT_JSONL_COLUMNS_MAX) {
        lt_jsonl_bad(scan, at, "more than 65,536 different keys");
        scan->fault.code = LT_E_LIMIT;
        scan->fault.remedy = "objects used as maps fit no table: nest them under one key";
        return LT_JSONL_BAD;
    }
    *ret_column = lt_jsonl_keys_add(&scan->keys, name, len);
    return *ret_column == LT_JSONL_NONE ? LT_JSONL_OOM : LT_JSONL_GOOD;
}

/* --- objects --------------------------------------------------------------------------------- */

/* A key that is not where it was in the record before: `text` between its quotes. */
static enum lt_jsonl_step find_column(struct lt_jsonl_scan *scan, const uint8_t *text, size_t len,
                                      uint32_t info, uint32_t *ret_column)
{
    const char *name = (const char *)text, *why;
    size_t name_len = len;
    *ret_column = LT_JSONL_NONE;
    if (info & LT_JSONL_ESCAPED) {
        int status = lt_jsonl_unescape(text, len, &scan->scratch, &why);
        if (status == LEAT_NO_MEMORY) {
            return LT_JSONL_OOM;
        }
        if (status) {
            wrong(scan, LT_E_CORRUPT, text, "half of a surrogate pair in a key");
            return LT_JSONL_GOOD;
        }
        name = lt_buf_text(&scan->scratch);
        name_len = scan->scratch.len;
    }
    *ret_column = lt_jsonl_keys_find(&scan->keys, name, name_len);
    if (*ret_column != LT_JSONL_NONE) {
        return LT_JSONL_GOOD;
    }
    if (!scan->closed) {
        return add_column(scan, text, name, name_len, ret_column);
    }
    if (!scan->ignore) {
        struct lt_jsonl_fault *fault =
            wrong(scan, LT_E_COLUMN_MISMATCH, text, "a key that no sampled record had");
        if (fault) {
            fault->key = fault->at;
            fault->key_len = len;
        }
    }
    return LT_JSONL_GOOD;
}

/* From a key's opening quote to behind its closing one. */
static inline enum lt_jsonl_step read_key(struct lt_jsonl_scan *scan, const uint8_t **at,
                                          uint32_t *ret_column)
{
    const uint8_t *text = *at + 1;
    uint32_t before = scan->before, info = 0;
    uint32_t guess = before == LT_JSONL_NONE ? scan->first_key : scan->keys.items[before].next;
    if (guess < scan->keys.n) {
        const struct lt_jsonl_key *key = &scan->keys.items[guess];
        size_t left = (size_t)(scan->text.data + scan->text.len - text);
        if (key->plain && key->len < left && text[key->len] == '"' &&
            !memcmp(text, key->name, key->len)) {
            *at = text + key->len + 1;
            *ret_column = scan->before = guess;
            return LT_JSONL_GOOD;
        }
    }
    *at = text;
    enum lt_jsonl_step step = lt_jsonl_skip_string(scan, at, &info);
    step = step ? step : find_column(scan, text, (size_t)(*at - 1 - text), info, ret_column);
    if (!step && *ret_column != LT_JSONL_NONE) {
        *(before == LT_JSONL_NONE ? &scan->first_key : &scan->keys.items[before].next) =
            *ret_column;
        scan->before = *ret_column;
    }
    return step;
}

static inline enum lt_jsonl_step read_member(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    uint32_t column = LT_JSONL_NONE, info = 0;
    if (**at != '"') {
        return lt_jsonl_bad(scan, *at, "a key was expected, in double quotes");
    }
    enum lt_jsonl_step step = read_key(scan, at, &column);
    if (step) {
        return step;
    }
    const uint8_t *value = lt_jsonl_skip_blanks(scan, *at);
    if (*value != ':') {
        return lt_jsonl_bad(scan, value, "a colon was expected after a key");
    }
    *at = value = lt_jsonl_skip_blanks(scan, value + 1);
    step = lt_jsonl_skip_value(scan, at, &info);
    if (step || column == LT_JSONL_NONE) {
        return step;
    }
    return add_cell(scan, column, value, *at, info);
}

static enum lt_jsonl_step read_object(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    scan->before = LT_JSONL_NONE;
    *at = lt_jsonl_skip_blanks(scan, *at + 1);
    if (**at == '}') {
        ++*at;
        return LT_JSONL_GOOD;
    }
    for (;;) {
        enum lt_jsonl_step step = read_member(scan, at);
        if (step) {
            return step;
        }
        *at = lt_jsonl_skip_blanks(scan, *at);
        if (**at == '}') {
            ++*at;
            return LT_JSONL_GOOD;
        }
        if (**at != ',') {
            return lt_jsonl_bad(scan, *at, "a comma or } was expected");
        }
        *at = lt_jsonl_skip_blanks(scan, *at + 1);
    }
}

/* --- arrays as records ----------------------------------------------------------------------- */

/* The column of the value at place `i`, made where it is new. */
static enum lt_jsonl_step column_at(struct lt_jsonl_scan *scan, const uint8_t *at, uint32_t i,
                                    uint32_t *ret_column)
{
    *ret_column = i;
    if (i < scan->keys.n) {
        return LT_JSONL_GOOD;
    }
    *ret_column = LT_JSONL_NONE;
    if (scan->closed) {
        if (!scan->ignore) {
            wrong(scan, LT_E_COLUMN_MISMATCH, at,
                  "the record has more values than there are "
                  "columns");
        }
        return LT_JSONL_GOOD;
    }
    char name[16];
    int len = snprintf(name, sizeof name, "c%u", i + 1);
    return add_column(scan, at, name, (size_t)len, ret_column);
}

static enum lt_jsonl_step read_array(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    *at = lt_jsonl_skip_blanks(scan, *at + 1);
    if (**at == ']') {
        ++*at;
        return LT_JSONL_GOOD;
    }
    for (uint32_t i = 0;; i++) {
        uint32_t column = LT_JSONL_NONE, info = 0;
        const uint8_t *value = *at;
        enum lt_jsonl_step step = lt_jsonl_skip_value(scan, at, &info);
        step = step ? step : column_at(scan, value, i, &column);
        if (!step && column != LT_JSONL_NONE) {
            step = add_cell(scan, column, value, *at, info);
        }
        if (step) {
            return step;
        }
        *at = lt_jsonl_skip_blanks(scan, *at);
        if (**at == ']') {
            ++*at;
            return LT_JSONL_GOOD;
        }
        if (**at != ',') {
            return lt_jsonl_bad(scan, *at, "a comma or ] was expected");
        }
        *at = lt_jsonl_skip_blanks(scan, *at + 1);
    }
}

/* --- one record ------------------------------------------------------------------------------ */

/* What a scan that comes to nothing takes back. */
struct mark {
    size_t cells;
    uint32_t keys;
    int64_t line;
};

static void take_back(struct lt_jsonl_scan *scan, const struct mark *mark)
{
    scan->cells.len = mark->cells;
    scan->line = mark->line;
    lt_jsonl_keys_truncate(&scan->keys, mark->keys);
}

/* The first column that the record lacks. */
static void check_complete(struct lt_jsonl_scan *scan, const uint8_t *at, size_t cells)
{
    if ((scan->cells.len - cells) / sizeof(struct lt_jsonl_cell) >= scan->keys.n) {
        return;
    }
    uint32_t column = 0;
    while (column < scan->keys.n && scan->keys.items[column].stamp == scan->stamp) {
        column++;
    }
    struct lt_jsonl_fault *fault = column == scan->keys.n ? NULL
                                                          : wrong(scan, LT_E_COLUMN_MISMATCH, at,
                                                                  "the record has no such key");
    if (fault) {
        name_column(scan, fault, column);
        fault->remedy = "--missing null reads missing keys as null";
    }
}

/* Checks on a record whose end was found. */
static void check_record(struct lt_jsonl_scan *scan, const uint8_t *from, const uint8_t *to,
                         size_t cells)
{
    if (scan->high) {
        size_t len = (size_t)(to - from), valid = lt_utf8_valid_prefix(from, len);
        if (valid != len) {
            scan->wrong = false; /* no other fault matters then */
            wrong(scan, LT_E_INVALID_UTF8, from + valid, "the record is not valid UTF-8");
        }
    }
    if (scan->closed && scan->complete) {
        check_complete(scan, from, cells);
    }
}

static enum lt_jsonl_step read_record(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    const uint8_t *from = *at;
    size_t cells = scan->cells.len;
    enum lt_jsonl_step step;
    uint32_t info = 0;
    uint8_t first = **at;
    scan->high = 0;
    scan->wrong = false;
    scan->stamp++;
    if (!scan->shaped && (first == '{' || first == '[')) {
        scan->arrays = first == '[';
        scan->shaped = true;
    }
    if (first == '{' && !scan->arrays) {
        step = read_object(scan, at);
    } else if (first == '[' && scan->arrays) {
        step = read_array(scan, at);
    } else {
        step = lt_jsonl_skip_value(scan, at, &info);
        if (!step && *at == scan->text.data + scan->text.len && !scan->whole) {
            step = LT_JSONL_CUT; /* digits may follow */
        }
        if (!step) {
            wrong(scan, LT_E_CORRUPT, from,
                  !scan->shaped  ? "a record must be a JSON object, or an array of its values"
                  : scan->arrays ? "a record that is no array, among arrays"
                                 : "a record that is no object, among objects");
        }
    }
    if (!step) {
        check_record(scan, from, *at, cells);
    }
    return step;
}

static enum lt_jsonl_found too_long(struct lt_jsonl_scan *scan, const struct lt_text_record *record)
{
    scan->fault = (struct lt_jsonl_fault){
        .code = LT_E_LIMIT,
        .why = "a record of more bytes than --record-max",
        .remedy = "a bracket or quote that is never closed reads like this; else raise "
                  "--record-max",
        .at = record->start,
        .line = record->line,
        .record = *record,
    };
    return LT_JSONL_BROKEN;
}

/* Whether reading can go on behind the line on which the broken record began: records so far
 * stood on lines of their own, and the next line begins like one. LT_JSONL_CUT: not known yet. */
static enum lt_jsonl_step find_line_end(struct lt_jsonl_scan *scan, size_t *ret_end)
{
    const uint8_t *text = scan->text.data, *end = text + scan->text.len;
    const uint8_t *line_end =
        memchr(text + scan->row_start, '\n', scan->text.len - scan->row_start);
    const uint8_t *at = line_end ? line_end : end;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        at++;
    }
    if (at == end && !scan->whole) {
        return LT_JSONL_CUT;
    }
    *ret_end = line_end ? (size_t)(line_end - text) : scan->text.len;
    return at == end || *at == (scan->arrays ? '[' : '{') ? LT_JSONL_GOOD : LT_JSONL_BAD;
}

/* A fault of grammar: the line is left out, or nothing more can be read. */
static enum lt_jsonl_found broken(struct lt_jsonl_scan *scan, struct lt_text_record *record)
{
    size_t end = 0;
    bool cut = scan->fault.at >= scan->text.len;
    bool lines = scan->resume && scan->state == LT_JSONL_BETWEEN && !scan->spanned && !cut &&
                 scan->fault.code != LT_E_LIMIT;
    enum lt_jsonl_step step = lines ? find_line_end(scan, &end) : LT_JSONL_BAD;
    if (step == LT_JSONL_CUT) {
        return LT_JSONL_MORE;
    }
    record->end = (uint32_t)(step ? LT_MAX(scan->fault.at, record->start) : end);
    scan->fault.record = *record;
    if (step) {
        return LT_JSONL_BROKEN;
    }
    scan->pos = end;
    return LT_JSONL_BAD_RECORD;
}

static enum lt_jsonl_found take_record(struct lt_jsonl_scan *scan, const uint8_t *to,
                                       const struct mark *mark, struct lt_jsonl_row *row)
{
    row->record.end = (uint32_t)(to - scan->text.data);
    row->n = (uint32_t)(scan->cells.len / sizeof(struct lt_jsonl_cell)) - row->first;
    scan->pos = row->record.end;
    scan->spanned = scan->spanned || scan->line != mark->line;
    scan->state = scan->state == LT_JSONL_BETWEEN ? LT_JSONL_BETWEEN : LT_JSONL_ARRAY_NEXT;
    if (scan->wrong) {
        int64_t line = scan->line;
        take_back(scan, mark);
        scan->line = line;
        scan->fault.record = row->record;
        return LT_JSONL_BAD_RECORD;
    }
    return lt_buf_append(&scan->rows, row, sizeof *row) ? LT_JSONL_NO_MEMORY : LT_JSONL_FULL;
}

/* Scans the record at pos. LT_JSONL_FULL: it was added to the rows. */
static enum lt_jsonl_found next_record(struct lt_jsonl_scan *scan)
{
    const uint8_t *at = scan->text.data + scan->pos;
    struct mark mark = {scan->cells.len, scan->keys.n, scan->line};
    struct lt_jsonl_row row = {
        .record = {.start = (uint32_t)scan->pos, .line = scan->line},
        .first = (uint32_t)(mark.cells / sizeof(struct lt_jsonl_cell)),
    };
    scan->row_start = scan->pos;
    enum lt_jsonl_step step = read_record(scan, &at);
    size_t used = step == LT_JSONL_BAD ? LT_MIN(scan->fault.at, scan->text.len)
                  : step               ? scan->text.len
                                       : (size_t)(at - scan->text.data);
    if (step != LT_JSONL_OOM && (int64_t)(used - scan->row_start) > scan->record_max) {
        take_back(scan, &mark);
        return too_long(scan, &row.record);
    }
    if (!step) {
        return take_record(scan, at, &mark, &row);
    }
    take_back(scan, &mark);
    enum lt_jsonl_found found = step == LT_JSONL_BAD   ? broken(scan, &row.record)
                                : step == LT_JSONL_CUT ? LT_JSONL_MORE
                                                       : LT_JSONL_NO_MEMORY;
    if (found == LT_JSONL_MORE) {
        scan->need = scan->text.len + (scan->text.len - scan->row_start);
    }
    return found;
}

/* --- between records ------------------------------------------------------------------------- */

static enum lt_jsonl_found stop_at(struct lt_jsonl_scan *scan, const char *why)
{
    const uint8_t *at = scan->text.data + scan->pos;
    struct lt_text_record here = {
        .start = (uint32_t)scan->pos, .end = (uint32_t)scan->pos, .line = scan->line};
    scan->row_start = scan->pos;
    if (lt_jsonl_bad(scan, at, why) == LT_JSONL_CUT) {
        return LT_JSONL_MORE;
    }
    if (scan->pos == scan->text.len) {
        scan->fault.why = "the input ends inside the array around its records";
    }
    scan->fault.record = here;
    return LT_JSONL_BROKEN;
}

/* A [ at the very beginning: around all records, or the first of many arrays. The byte after it
 * tells: an array whose own first value is an array is much rarer than an array of arrays. */
static enum lt_jsonl_found begin(struct lt_jsonl_scan *scan)
{
    const uint8_t *at = scan->text.data + scan->pos, *end = scan->text.data + scan->text.len;
    enum lt_jsonl_layout layout = scan->layout;
    if (*at == '[' && layout == LT_JSONL_AUTO) {
        const uint8_t *next = at + 1;
        while (next < end && (*next == ' ' || *next == '\t' || *next == '\r' || *next == '\n')) {
            next++;
        }
        if (next == end && !scan->whole) {
            return LT_JSONL_MORE;
        }
        layout = *next == '{' || *next == '[' || *next == ']' ? LT_JSONL_ARRAY : LT_JSONL_RECORDS;
    }
    if (layout == LT_JSONL_ARRAY) {
        if (*at != '[') {
            return stop_at(scan, "the [ around all records was expected");
        }
        scan->pos++;
        scan->state = LT_JSONL_ARRAY_FIRST;
    } else {
        scan->state = LT_JSONL_BETWEEN;
    }
    return LT_JSONL_FULL;
}

/* Goes to the beginning of the next record: LT_JSONL_FULL. */
static enum lt_jsonl_found find_record(struct lt_jsonl_scan *scan)
{
    for (;;) {
        const uint8_t *text = scan->text.data;
        scan->pos = (size_t)(lt_jsonl_skip_blanks(scan, text + scan->pos) - text);
        bool at_end = scan->pos == scan->text.len;
        uint8_t byte = text[scan->pos];
        enum lt_jsonl_found found = LT_JSONL_FULL;
        switch (scan->state) {
        case LT_JSONL_BEGIN:
            if (at_end) {
                return scan->whole ? LT_JSONL_END : LT_JSONL_MORE;
            }
            found = begin(scan);
            if (found != LT_JSONL_FULL) {
                return found;
            }
            continue;
        case LT_JSONL_BETWEEN:
            return !at_end ? LT_JSONL_FULL : scan->whole ? LT_JSONL_END : LT_JSONL_MORE;
        case LT_JSONL_ARRAY_FIRST:
        case LT_JSONL_ARRAY_NEXT:
            if (byte == ']') {
                scan->state = LT_JSONL_ARRAY_DONE;
            } else if (scan->state == LT_JSONL_ARRAY_FIRST) {
                return at_end ? stop_at(scan, "") : LT_JSONL_FULL;
            } else if (byte == ',') {
                scan->state = LT_JSONL_ARRAY_RECORD;
            } else {
                return stop_at(scan, "a comma or ] was expected after a record of the array");
            }
            scan->pos++;
            continue;
        case LT_JSONL_ARRAY_RECORD:
            return at_end ? stop_at(scan, "") : LT_JSONL_FULL;
        default:
            if (!at_end) {
                return stop_at(scan, "something stands behind the array around all records");
            }
            return scan->whole ? LT_JSONL_END : LT_JSONL_MORE;
        }
    }
}

static bool is_full(const struct lt_jsonl_scan *scan, int64_t rows_max, int64_t bytes_max)
{
    int64_t rows = lt_jsonl_scan_rows(scan);
    if (!rows) {
        return false;
    }
    int64_t text = (int64_t)lt_jsonl_scan_row(scan, rows - 1)->record.end -
                   (int64_t)lt_jsonl_scan_row(scan, 0)->record.start;
    return rows >= rows_max || text + rows * scan->row_cost >= bytes_max;
}

enum lt_jsonl_found lt_jsonl_scan_run(struct lt_jsonl_scan *scan, int64_t rows_max,
                                      int64_t bytes_max)
{
    enum lt_jsonl_found found = LT_JSONL_FULL;
    while (found == LT_JSONL_FULL && !is_full(scan, rows_max, bytes_max)) {
        if (scan->text.len < scan->need && !scan->whole) {
            return LT_JSONL_MORE;
        }
        scan->need = 0;
        found = find_record(scan);
        if (found == LT_JSONL_FULL) {
            found = next_record(scan);
        }
    }
    return found;
}

void lt_jsonl_scan_compact(struct lt_jsonl_scan *scan)
{
    lt_buf_drop(&scan->text, scan->pos);
    scan->need -= LT_MIN(scan->need, scan->pos);
    scan->pos = 0;
    lt_buf_clear(&scan->rows);
    lt_buf_clear(&scan->cells);
}
