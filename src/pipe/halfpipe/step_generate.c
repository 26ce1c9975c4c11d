/* GenerateRows, and ranges cut out of the first record's span. */
#include "pipe/halfpipe/types.h"

#include "columnar/text.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* --- GenerateRows --------------------------------------------------------------------------- */

struct generator {
    struct hp_pairs constants;
    int64_t n, sleep_s, made, sequence;
    struct lt_batch_builder builder;
};

static int open_generate(struct hp_step *step, struct leat_error *err)
{
    struct generator *state = calloc(1, sizeof *state);
    const char *sequence = hp_value(step->def, "sequenceFieldName");
    int64_t at;
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    state->sequence = -1;
    int rc = hp_number(step->def, "numRows", &state->n, err);
    rc = rc ? rc : hp_number(step->def, "sleepIntervalSeconds", &state->sleep_s, err);
    rc = rc ? rc
            : hp_pairs_parse(hp_value(step->def, "fieldNamesValuesCSV"), true, &state->constants,
                             err);
    if (!rc && !state->constants.n && !*sequence) {
        rc = lt_fail(err, LT_E_INVALID, "it needs fieldNamesValuesCSV or sequenceFieldName");
    }
    rc = rc ? rc : lt_schema_init_struct(&step->schema, 0, err);
    for (size_t i = 0; !rc && i < state->constants.n; i++) {
        rc = hp_schema_put(&step->schema, "u", state->constants.items[i].left, &at, err);
    }
    rc = rc || !*sequence ? rc : hp_schema_put(&step->schema, "l", sequence, &state->sequence, err);
    return rc ? rc : lt_batch_builder_init(&state->builder, &step->schema, err);
}

static int put_row(struct hp_step *step, struct generator *state)
{
    int rc = LEAT_OK;
    for (int64_t c = 0; !rc && c < step->schema.n_children; c++) {
        const char *text = NULL;
        for (size_t i = 0; i < state->constants.n; i++) {
            const struct hp_pair *pair = &state->constants.items[i];
            text = strcmp(pair->left, step->schema.children[c]->name) ? text : pair->right;
        }
        struct lt_builder *column = &state->builder.columns[c];
        rc = c == state->sequence ? lt_builder_i64(column, state->made + 1)
                                  : lt_builder_bytes_value(column, text, strlen(text));
    }
    state->made++;
    return rc;
}

static int next_generate(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct generator *state = step->state;
    int64_t most = state->sleep_s ? 1 : HP_ROWS_MAX, rows = LT_MIN(most, state->n - state->made);
    int rc = LEAT_OK;
    if (rows <= 0) {
        return LEAT_OK;
    }
    rc = state->sleep_s ? hp_run_sleep(step->flow->run, state->sleep_s * 1000, err) : LEAT_OK;
    for (int64_t i = 0; !rc && i < rows; i++) {
        rc = put_row(step, state) ? lt_fail_oom(err) : LEAT_OK;
    }
    return rc ? rc : lt_batch_builder_finish(&state->builder, rows, ret_batch, err);
}

static void close_generate(struct hp_step *step)
{
    struct generator *state = step->state;
    if (state) {
        hp_pairs_done(&state->constants);
        lt_batch_builder_done(&state->builder);
    }
    free(state);
    step->state = NULL;
}

/* --- ranges --------------------------------------------------------------------------------- */

/* From `low` to `high` in steps; all in units of 10^-scale, or of a timestamp. */
struct ranges {
    struct ArrowArray record; /* the first that came in, one row */
    bool passes, any, over;
    lt_int128 low, high, step;
    int scale, digits;
    int64_t low_at, high_at;
    char format[32];
};

static int first_record(struct hp_step *step, struct ranges *state, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL};
    int rc = hp_pull(step->inputs[0], &state->record, err);
    if (!rc && state->record.release && state->record.length > 1) {
        rc = lt_array_slice(&state->record, 0, 1, err);
    }
    /* What follows is not looked at, but its queries end well. */
    bool more = state->record.release;
    while (!rc && more) {
        rc = hp_pull(step->inputs[0], &batch, err);
        more = batch.release;
        lt_array_done(&batch);
    }
    return rc;
}

static int put_fields(struct hp_step *step, struct ranges *state, const char *low, const char *high,
                      struct leat_error *err)
{
    state->passes = hp_is_on(step->def, "passInputFieldsToOutput");
    int rc = state->passes ? lt_schema_copy(&step->inputs[0]->schema, &step->schema, err)
                           : lt_schema_init_struct(&step->schema, 0, err);
    rc = rc ? rc
            : hp_schema_put(&step->schema, state->format, hp_value(step->def, low), &state->low_at,
                            err);
    return rc ? rc
              : hp_schema_put(&step->schema, state->format, hp_value(step->def, high),
                              &state->high_at, err);
}

/* A number of the record's field, with its fraction. */
static int read_number(struct hp_step *step, const struct ranges *state, const char *key,
                       struct lt_buf *ret_text, struct leat_error *err)
{
    struct lt_view view = {0};
    int64_t at = 0;
    int rc = hp_field(step->inputs[0], hp_value(step->def, key), &at, err);
    rc = rc ? rc
            : lt_view_init(&view, step->inputs[0]->schema.children[at], state->record.children[at],
                           err);
    if (!rc && lt_view_is_null(&view, 0)) {
        rc = lt_fail(err, LT_E_INVALID, "field \"%s\" is null: there is no range",
                     hp_value(step->def, key));
    } else if (!rc && lt_text_format(&view, 0, ret_text)) {
        rc = lt_fail_oom(err);
    }
    lt_view_done(&view);
    return rc;
}

/* Beyond it a number of 38 digits is none, or 0. */
#define EXPONENT_MAX 1000

/* Digits behind the point that the text needs; of 1e-3 three. */
static int fraction_of(const char *text)
{
    const char *point = strchr(text, '.'), *e = strpbrk(text, "eE");
    size_t len = e ? (size_t)(e - text) : strlen(text);
    int digits = point ? (int)(text + len - point - 1) : 0;
    long power = e ? strtol(e + 1, NULL, 10) : 0;
    return LT_MAX(digits - (int)LT_MAX(LT_MIN(power, EXPONENT_MAX), -EXPONENT_MAX), 0);
}

static int find_numbers(struct hp_step *step, struct ranges *state, struct leat_error *err)
{
    struct lt_buf low = LT_BUF_INIT, high = LT_BUF_INIT;
    const char *why = "", *size = hp_value(step->def, "intervalSize");
    int rc = read_number(step, state, "inputFieldName4LowNum", &low, err);
    rc = rc ? rc : read_number(step, state, "inputFieldName4HighNum", &high, err);
    state->scale =
        LT_MIN(LT_MAX(fraction_of(lt_buf_text(&low)), fraction_of(lt_buf_text(&high))), 30);
    if (!rc &&
        (lt_decimal_parse(lt_buf_text(&low), low.len, 38, state->scale, &state->low, &why) ||
         lt_decimal_parse(lt_buf_text(&high), high.len, 38, state->scale, &state->high, &why) ||
         lt_decimal_parse(size, strlen(size), 38, state->scale, &state->step, &why))) {
        rc = lt_fail(err, LT_E_VALUE_SYNTAX, "the span is no span of numbers: %s", why);
    }
    lt_buf_done(&low);
    lt_buf_done(&high);
    return rc;
}

static int open_numbers(struct hp_step *step, struct leat_error *err)
{
    struct ranges *state = calloc(1, sizeof *state);
    int64_t digits = 0;
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    int rc = hp_number(step->def, "outputLeftPaddedNumZeros", &digits, err);
    if (!rc && digits > 100) {
        rc = lt_fail(err, LT_E_INVALID, "outputLeftPaddedNumZeros is 100 at most");
    }
    state->digits = (int)digits;
    rc = rc ? rc : first_record(step, state, err);
    state->over = !state->record.release;
    rc = rc || state->over ? rc : find_numbers(step, state, err);
    if (!rc && !state->over && state->step <= 0) {
        rc = lt_fail(err, LT_E_INVALID, "intervalSize is above 0");
    }
    if (state->digits) {
        snprintf(state->format, sizeof state->format, "u");
    } else if (state->scale) {
        snprintf(state->format, sizeof state->format, "d:38,%d", state->scale);
    } else {
        bool small = state->low >= INT64_MIN && state->high <= INT64_MAX - state->step;
        snprintf(state->format, sizeof state->format, "%s", small ? "l" : "d:38,0");
    }
    return rc ? rc
              : put_fields(step, state, "outputFieldName4LowNum", "outputFieldName4HighNum", err);
}

static int read_instant(struct hp_step *step, const struct ranges *state, const char *name,
                        lt_int128 *ret_micros, struct leat_error *err)
{
    struct lt_view view = {0};
    struct lt_buf text = LT_BUF_INIT;
    int64_t at = 0, seconds = 0, nanos = 0;
    int rc = hp_field(step->inputs[0], name, &at, err);
    rc = rc ? rc
            : lt_view_init(&view, step->inputs[0]->schema.children[at], state->record.children[at],
                           err);
    if (!rc && lt_view_is_null(&view, 0)) {
        rc = lt_fail(err, LT_E_INVALID, "field \"%s\" is null: there is no range", name);
    }
    if (!rc && !hp_instant(&view, 0, &seconds, &nanos)) {
        /* Systems without a type for it have text. */
        bool text_type = view.type.id == LT_UTF8 && !lt_text_format(&view, 0, &text);
        for (size_t i = 0; text_type && i < text.len; i++) {
            text.data[i] = i == 10 && text.data[i] == ' ' ? 'T' : text.data[i];
        }
        char *zoned =
            text_type ? lt_format("%s%s%s", lt_buf_text(&text), text.len == 10 ? "T00:00:00" : "",
                                  text.len == 10 || text.len == 19 ? "Z" : "")
                      : NULL;
        if (!zoned || !hp_rfc3339(zoned, &seconds, &nanos)) {
            rc = lt_fail(err, LT_E_VALUE_SYNTAX, "field \"%s\" is no date or time", name);
        }
        free(zoned);
    }
    *ret_micros = (lt_int128)seconds * 1000000 + nanos / 1000;
    lt_buf_done(&text);
    lt_view_done(&view);
    return rc;
}

static int find_dates(struct hp_step *step, struct ranges *state, struct leat_error *err)
{
    const char *to = hp_value(step->def, "inputFieldName4ToDate");
    const char *literal = hp_value(step->def, "toDate");
    int64_t seconds = lt_wall_us() / 1000000, nanos = 0;
    int rc =
        read_instant(step, state, hp_value(step->def, "inputFieldName4FromDate"), &state->low, err);
    if (*to) {
        return rc ? rc : read_instant(step, state, to, &state->high, err);
    }
    if (!rc && strcasecmp(literal, "now") && !hp_rfc3339(literal, &seconds, &nanos)) {
        rc = lt_fail(err, LT_E_INVALID, "toDate is now, or a time such as 2026-11-21T00:00:00Z");
    }
    state->high = (lt_int128)seconds * 1000000 + nanos / 1000;
    return rc;
}

static int open_dates(struct hp_step *step, struct leat_error *err)
{
    struct ranges *state = calloc(1, sizeof *state);
    int64_t seconds = 0;
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    int rc = hp_number(step->def, "intervalSeconds", &seconds, err);
    if (!rc && !seconds) {
        rc = lt_fail(err, LT_E_INVALID, "intervalSeconds is above 0");
    }
    if (!rc && !*hp_value(step->def, "inputFieldName4ToDate") && !*hp_value(step->def, "toDate")) {
        rc = lt_fail(err, LT_E_INVALID, "it needs inputFieldName4ToDate or toDate");
    }
    state->step = (lt_int128)seconds * 1000000;
    rc = rc ? rc : first_record(step, state, err);
    state->over = !state->record.release;
    rc = rc || state->over ? rc : find_dates(step, state, err);
    snprintf(state->format, sizeof state->format, "tsu:UTC");
    return rc ? rc
              : put_fields(step, state, "outputFieldName4LowDate", "outputFieldName4HiDate", err);
}

/* --- rows of ranges ------------------------------------------------------------------------- */

static int put_value(const struct ranges *state, struct lt_builder *column, lt_int128 value,
                     struct lt_buf *text)
{
    if (column->type.id == LT_UTF8) {
        lt_buf_clear(text);
        int rc = lt_decimal_format(value < 0 ? -value : value, state->scale, text);
        int sign = value < 0, zeros = LT_MAX(state->digits - sign - (int)text->len, 0);
        rc = rc || !sign ? rc : lt_buf_append(&column->data, "-", 1);
        for (int i = 0; !rc && i < zeros; i++) {
            rc = lt_buf_append(&column->data, "0", 1);
        }
        return rc ? rc : lt_builder_bytes_value(column, text->data, text->len);
    }
    int64_t small = (int64_t)value;
    return column->type.id == LT_DECIMAL128 ? lt_builder_fixed(column, &value, sizeof value)
                                            : lt_builder_i64(column, small);
}

/* The next ranges: whole ones, and what is left at the end; one even where nothing is between. */
static int64_t next_ranges(struct ranges *state, struct lt_builder *low, struct lt_builder *high,
                           int *rc)
{
    int64_t n = 0;
    struct lt_buf text = LT_BUF_INIT;
    while (!*rc && !state->over && n < HP_ROWS_MAX) {
        bool whole = state->step <= state->high - state->low;
        if (!whole && !(state->low < state->high || !state->any)) {
            state->over = true;
            break;
        }
        lt_int128 end = whole ? state->low + state->step : state->high;
        *rc = put_value(state, low, state->low, &text);
        *rc = *rc ? *rc : put_value(state, high, end, &text);
        state->low = end;
        state->any = true;
        state->over = !whole;
        n++;
    }
    lt_buf_done(&text);
    return n;
}

/* The record's fields, as often as there are ranges. */
static int repeat_record(struct hp_step *step, const struct ranges *state, int64_t n,
                         struct ArrowArray *ret_batch, struct leat_error *err)
{
    const struct ArrowSchema *schema = &step->inputs[0]->schema;
    int64_t *rows = calloc((size_t)n, sizeof *rows);
    int rc =
        rows ? lt_array_take(schema, &state->record, rows, n, ret_batch, err) : lt_fail_oom(err);
    free(rows);
    return rc;
}

static int make_batch(struct hp_step *step, struct ranges *state, int64_t n, struct ArrowArray *low,
                      struct ArrowArray *high, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL}, half = {.release = NULL};
    int rc = state->passes ? repeat_record(step, state, n, &batch, err)
                           : lt_array_init(&batch, 1, 0, err);
    if (rc) {
        return rc;
    }
    batch.length = n;
    rc = hp_batch_put(&batch, state->low_at, low, &half, err);
    return rc ? rc : hp_batch_put(&half, state->high_at, high, ret_batch, err);
}

static int next_range_batch(struct hp_step *step, struct ArrowArray *ret_batch,
                            struct leat_error *err)
{
    struct ranges *state = step->state;
    struct lt_builder low = {0}, high = {0};
    struct ArrowArray lows = {.release = NULL}, highs = {.release = NULL};
    int64_t n = 0;
    int put = LEAT_OK;
    if (state->over) {
        return LEAT_OK;
    }
    int rc = lt_builder_init(&low, step->schema.children[state->low_at], err);
    rc = rc ? rc : lt_builder_init(&high, step->schema.children[state->high_at], err);
    if (!rc) {
        n = next_ranges(state, &low, &high, &put);
        rc = put ? lt_fail_oom(err) : LEAT_OK;
    }
    rc = rc ? rc : lt_builder_finish(&low, &lows, err);
    rc = rc ? rc : lt_builder_finish(&high, &highs, err);
    if (!rc && n) {
        rc = make_batch(step, state, n, &lows, &highs, ret_batch, err);
    }
    lt_array_done(&lows);
    lt_array_done(&highs);
    lt_builder_done(&low);
    lt_builder_done(&high);
    return rc;
}

static void close_ranges(struct hp_step *step)
{
    struct ranges *state = step->state;
    if (state) {
        lt_array_done(&state->record);
    }
    free(state);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_generate = {open_generate, next_generate, close_generate};
const struct lt_halfpipe_ops hp_ops_number_ranges = {open_numbers, next_range_batch, close_ranges};
const struct lt_halfpipe_ops hp_ops_date_ranges = {open_dates, next_range_batch, close_ranges};
