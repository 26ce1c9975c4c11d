/* TableInput, TableInputWithArgs, TableInputWithReplacements: queries as records. */
#include "pipe/halfpipe/input.h"
#include "pipe/halfpipe/types.h"

#include "columnar/text.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* --- streams -------------------------------------------------------------------------------- */

int hp_stream_failed(struct ArrowArrayStream *stream, int code, struct leat_error *err)
{
    const char *text = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    text = text ? text : strerror(code);
    const char *end = *text == '[' ? strchr(text, ']') : NULL;
    for (size_t i = 0; end && i < LT_CODES_N; i++) {
        size_t len = strlen(lt_codes[i].code);
        if (len == (size_t)(end - text) - 1 && !memcmp(text + 1, lt_codes[i].code, len)) {
            const char *rest = end + 1;
            return leat_fail_as(err, lt_codes[i].status, lt_codes[i].code, "%s",
                                rest + strspn(rest, " "));
        }
    }
    return lt_fail(err, LT_E_SOURCE_CUT, "%s", text);
}

int hp_query_open(struct hp_step *step, const char *key, const char *sql, struct hp_query *query,
                  struct leat_error *err)
{
    *query = (struct hp_query){.plan = NULL};
    size_t len = strlen(sql);
    while (len && (isspace((unsigned char)sql[len - 1]) || sql[len - 1] == ';')) {
        len--;
    }
    char *trimmed = lt_strndup(sql, len);
    if (!trimmed) {
        return lt_fail_oom(err);
    }
    int rc = hp_plan_source(step, key, &query->plan, err);
    rc = rc ? rc : leat_plan_set(query->plan, "query", trimmed, err);
    rc = rc ? rc : leat_read(query->plan, &query->stream, err);
    int code = rc ? 0 : query->stream.get_schema(&query->stream, &step->schema);
    if (code) {
        step->schema.release = NULL;
        rc = hp_stream_failed(&query->stream, code, err);
    }
    free(trimmed);
    return rc;
}

int hp_query_next(struct hp_query *query, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int code = query->stream.get_next(&query->stream, ret_batch);
    if (code) {
        ret_batch->release = NULL;
        return hp_stream_failed(&query->stream, code, err);
    }
    return LEAT_OK;
}

void hp_query_close(struct hp_query *query)
{
    if (query->stream.release) {
        query->stream.release(&query->stream);
    }
    leat_plan_free(query->plan);
    *query = (struct hp_query){.plan = NULL};
}

/* --- the plain one -------------------------------------------------------------------------- */

static const char connection_key[] = "databaseConnectionName";

static int open_sql(struct hp_step *step, const char *sql, struct leat_error *err)
{
    struct hp_query *query = calloc(1, sizeof *query);
    step->state = query;
    return query ? hp_query_open(step, connection_key, sql, query, err) : lt_fail_oom(err);
}

static int open_input(struct hp_step *step, struct leat_error *err)
{
    return open_sql(step, hp_value(step->def, "sqlText"), err);
}

static int next_input(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int rc = hp_query_next(step->state, ret_batch, err);
    if (!rc && !ret_batch->release) {
        hp_query_close(step->state); /* what it reads is free to be written */
    }
    return rc;
}

static void close_input(struct hp_step *step)
{
    if (step->state) {
        hp_query_close(step->state);
    }
    free(step->state);
    step->state = NULL;
}

/* --- replacements --------------------------------------------------------------------------- */

/* What comes in is waited for, and means nothing else. */
static int drain_inputs(struct hp_step *step, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL};
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < step->n_inputs; i++) {
        do {
            lt_array_done(&batch);
            rc = hp_pull(step->inputs[i], &batch, err);
        } while (!rc && batch.release);
    }
    return rc;
}

static int open_replacements(struct hp_step *step, struct leat_error *err)
{
    struct hp_pairs pairs = {0};
    int rc = drain_inputs(step, err);
    rc = rc ? rc : hp_pairs_parse(hp_value(step->def, "replacements"), true, &pairs, err);
    struct hp_swap *swaps = calloc(pairs.n + 1, sizeof *swaps);
    for (size_t i = 0; swaps && i < pairs.n; i++) {
        swaps[i] = (struct hp_swap){pairs.items[i].left, pairs.items[i].right};
    }
    char *sql = !rc && swaps ? hp_swapped(hp_value(step->def, "sqlText"), swaps, pairs.n) : NULL;
    if (!rc) {
        rc = sql ? open_sql(step, sql, err) : lt_fail_oom(err);
    }
    free(sql);
    free(swaps);
    hp_pairs_done(&pairs);
    return rc;
}

/* --- arguments ------------------------------------------------------------------------------ */

/* A value as a literal of SQL: numbers as they are, all else in quotes. */
static int put_literal(struct lt_buf *out, const struct lt_view *column, int64_t row)
{
    enum lt_type_id id = column->type.id;
    bool plain = lt_type_is_integer(id) || id == LT_DECIMAL32 || id == LT_DECIMAL64 ||
                 id == LT_DECIMAL128 || id == LT_DECIMAL256;
    struct lt_buf text = LT_BUF_INIT;
    if (lt_view_is_null(column, row)) {
        return lt_buf_puts(out, "NULL");
    }
    int rc = lt_text_format(column, row, &text);
    if (!rc && plain) {
        /* In parentheses, or a minus before it would begin a comment. */
        rc = lt_buf_printf(out, "(%s)", lt_buf_text(&text));
    } else if (!rc && id == LT_BOOL) {
        rc = lt_buf_puts(out, lt_view_bool(column, row) ? "true" : "false");
    } else if (!rc) {
        rc = lt_buf_byte(out, '\'');
        for (size_t i = 0; !rc && i < text.len; i++) {
            rc = text.data[i] == '\'' ? lt_buf_byte(out, '\'') : LEAT_OK;
            rc = rc ? rc : lt_buf_byte(out, text.data[i]);
        }
        rc = rc ? rc : lt_buf_byte(out, '\'');
    }
    lt_buf_done(&text);
    return rc;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Length of a place for an argument: ?, $1, :1, :name, @p1. 0: it is none. */
static size_t place_at(const char *sql, size_t i)
{
    size_t len = 1;
    bool dollar = sql[i] == '$' || sql[i] == '@';
    if (sql[i] == '?') {
        return sql[i + 1] == '?' || sql[i + 1] == '|' || sql[i + 1] == '&' ? 0 : 1;
    }
    if (!dollar && sql[i] != ':') {
        return 0;
    }
    if (i && (is_word(sql[i - 1]) || sql[i - 1] == ':' || sql[i - 1] == sql[i])) {
        return 0; /* a::b, and what belongs to a name */
    }
    if (sql[i] == '@' && sql[i + len] == 'p') {
        len++;
    }
    size_t from = len;
    while (is_word(sql[i + len]) && (!dollar || isdigit((unsigned char)sql[i + len]))) {
        len++;
    }
    return len > from ? len : 0;
}

/* Length of what is no place whatever it looks like: text, quoted names, comments. */
static size_t quoted_at(const char *p)
{
    if (*p == '\'' || *p == '"' || *p == '`') {
        size_t len = 1;
        while (p[len] && p[len] != *p) {
            len++;
        }
        return len + (p[len] != 0);
    }
    if (p[0] == '-' && p[1] == '-') {
        return strcspn(p, "\n");
    }
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end ? (size_t)(end - p) + 2 : strlen(p);
    }
    return 0;
}

/* Puts the literals where the places are: ? and names in their order, numbers by what they say. */
static int bind(const char *sql, char *const *literals, size_t n, struct lt_buf *out,
                struct leat_error *err)
{
    size_t used = 0;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && sql[i];) {
        size_t len = quoted_at(sql + i), place = len ? 0 : place_at(sql, i);
        int64_t number = 0;
        if (!place) {
            len = len ? len : 1;
            rc = lt_buf_append(out, sql + i, len);
            i += len;
            continue;
        }
        size_t skip = 1 + (sql[i] == '@' && sql[i + 1] == 'p');
        for (size_t k = skip; k < place && isdigit((unsigned char)sql[i + k]) && number < 1000;
             k++) {
            number = number * 10 + (sql[i + k] - '0');
        }
        size_t at = number ? (size_t)number - 1 : used++;
        if (at >= n) {
            return lt_fail(err, LT_E_INVALID, "sqlText has a place for argument %zu of %zu", at + 1,
                           n);
        }
        rc = lt_buf_puts(out, literals[at]);
        i += place;
    }
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

/* The literals of the last record's fields. */
static int last_literals(struct hp_step *step, const struct hp_pairs *fields, char **literals,
                         bool *ret_any, struct leat_error *err)
{
    struct hp_step *input = step->inputs[0];
    struct ArrowArray batch = {.release = NULL}, last = {.release = NULL};
    int rc = LEAT_OK;
    do {
        lt_array_done(&last);
        lt_array_move(&batch, &last);
        rc = hp_pull(input, &batch, err);
    } while (!rc && batch.release);
    for (size_t i = 0; !rc && last.release && i < fields->n; i++) {
        struct lt_view view = {0};
        struct lt_buf text = LT_BUF_INIT;
        int64_t at = 0;
        rc = hp_field(input, fields->items[i].left, &at, err);
        rc = rc ? rc : lt_view_init(&view, input->schema.children[at], last.children[at], err);
        if (!rc) {
            rc = put_literal(&text, &view, last.length - 1);
            literals[i] = rc ? NULL : lt_buf_take(&text);
            rc = literals[i] ? LEAT_OK : lt_fail_oom(err);
        }
        lt_buf_done(&text);
        lt_view_done(&view);
    }
    *ret_any = last.release != NULL;
    lt_array_done(&last);
    lt_array_done(&batch);
    return rc;
}

static int open_args(struct hp_step *step, struct leat_error *err)
{
    struct hp_pairs fields = {0};
    struct lt_buf sql = LT_BUF_INIT;
    bool any = false;
    int rc = hp_pairs_parse(hp_value(step->def, "readDataUsingFields"), false, &fields, err);
    char **literals = calloc(fields.n + 1, sizeof *literals);
    rc = rc || literals ? rc : lt_fail_oom(err);
    rc = rc ? rc : last_literals(step, &fields, literals, &any, err);
    if (!rc && !any) {
        rc = lt_fail(err, LT_E_INVALID, "no record came in that could have been the arguments");
    }
    rc = rc ? rc : bind(hp_value(step->def, "sqlText"), literals, fields.n, &sql, err);
    rc = rc ? rc : open_sql(step, lt_buf_text(&sql), err);
    for (size_t i = 0; literals && i < fields.n; i++) {
        free(literals[i]);
    }
    free(literals);
    lt_buf_done(&sql);
    hp_pairs_done(&fields);
    return rc;
}

const struct lt_halfpipe_ops hp_ops_table_input = {open_input, next_input, close_input};
const struct lt_halfpipe_ops hp_ops_table_input_args = {open_args, next_input, close_input};
const struct lt_halfpipe_ops hp_ops_table_input_replacements = {open_replacements, next_input,
                                                                close_input};
