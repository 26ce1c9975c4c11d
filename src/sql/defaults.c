/* Defaults of columns: from the expression a system shows to what it is, and back. */
#include "sql/extras.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* --- reading an expression ----------------------------------------------------------------- */

/* Words for the moment and for a random number, as systems show them. */
static const struct {
    const char *text, *is;
} moments[] = {
    {"now()", "now"},
    {"current_timestamp", "now"},
    {"current_timestamp()", "now"},
    {"localtimestamp", "now"},
    {"transaction_timestamp()", "now"},
    {"datetime('now')", "now"},
    {"strftime('%Y-%m-%dT%H:%M:%SZ', 'now')", "now"},
    {"current_date", "date"},
    {"date('now')", "date"},
    {"current_time", "time"},
    {"localtime", "time"},
    {"time('now')", "time"},
    {"gen_random_uuid()", "uuid"},
};

/* Blanks around, and parentheses around the whole. */
static void strip(const char **text, size_t *len)
{
    for (;;) {
        while (*len && isspace((unsigned char)**text)) {
            (*text)++, (*len)--;
        }
        while (*len && isspace((unsigned char)(*text)[*len - 1])) {
            (*len)--;
        }
        int depth = 0;
        size_t i = 0;
        bool quoted = false;
        for (; i < *len; i++) {
            char c = (*text)[i];
            quoted = c == '\'' ? !quoted : quoted;
            depth += !quoted && c == '(' ? 1 : !quoted && c == ')' ? -1 : 0;
            if (!depth) {
                break;
            }
        }
        if (*len < 2 || **text != '(' || i + 1 != *len) {
            return;
        }
        (*text)++;
        *len -= 2;
    }
}

/* "::character varying(10)", "::numeric(4,2)[]", or nothing. */
static bool is_casts(const char *text, size_t len)
{
    if (len && (len < 3 || text[0] != ':' || text[1] != ':')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && !memchr("_ .:\"(),[]", text[i], 11)) {
            return false;
        }
    }
    return true;
}

/* A number with its sign: how long it is; 0: it is none. */
static size_t number_len(const char *text, size_t len)
{
    size_t i = len && (*text == '-' || *text == '+'), digits = 0;
    for (; i < len && (isdigit((unsigned char)text[i]) || text[i] == '.'); i++) {
        digits += text[i] != '.';
    }
    if (digits && i < len && (text[i] == 'e' || text[i] == 'E')) {
        size_t at = i + 1 + (i + 1 < len && (text[i + 1] == '-' || text[i + 1] == '+'));
        for (i = at; i < len && isdigit((unsigned char)text[i]); i++) {
        }
    }
    return digits ? i : 0;
}

/* 'it''s', or E'a\\b' as PostgreSQL writes a backslash: its value, and how long it is. */
static size_t take_quoted(const char *text, size_t len, struct lt_buf *value, int *failed)
{
    bool escapes = len > 1 && (*text == 'E' || *text == 'e') && text[1] == '\'';
    size_t i = escapes ? 1 : 0;
    if (i >= len || text[i] != '\'') {
        return 0;
    }
    for (i++; i < len; i++) {
        if (text[i] == '\'' && !(i + 1 < len && text[i + 1] == '\'')) {
            return i + 1;
        }
        if (escapes && text[i] == '\\' && !(i + 1 < len && text[i + 1] == '\\')) {
            return 0; /* an escape of another kind */
        }
        i += text[i] == '\'' || (escapes && text[i] == '\\');
        *failed |= lt_buf_byte(value, (uint8_t)text[i]);
    }
    return 0;
}

/* A literal and casts of it. */
static bool is_constant(const char *text, size_t len, struct lt_buf *value, int *failed)
{
    size_t taken = number_len(text, len);
    if (taken) {
        *failed |= lt_buf_append(value, text, taken);
    } else if ((len == 4 && !strncasecmp(text, "true", 4)) ||
               (len == 5 && !strncasecmp(text, "false", 5))) {
        *failed |= lt_buf_puts(value, len == 4 ? "true" : "false");
        taken = len;
    } else {
        taken = take_quoted(text, len, value, failed);
    }
    if (!taken && len > 2 && *text == '(') { /* (-5)::bigint */
        size_t inner = number_len(text + 1, len - 1);
        taken = inner && text[inner + 1] == ')' ? inner + 2 : 0;
        *failed |= taken ? lt_buf_append(value, text + 1, inner) : LEAT_OK;
    }
    return taken && is_casts(text + taken, len - taken);
}

static const char *moment_of(const char *text, size_t len)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(moments); i++) {
        if (strlen(moments[i].text) == len && !strncasecmp(moments[i].text, text, len)) {
            return moments[i].is;
        }
    }
    return NULL;
}

int lt_default_set(struct ArrowSchema *field, const char *sql, const char *server,
                   struct leat_error *err)
{
    size_t len = strlen(sql);
    const char *text = sql;
    struct lt_buf out = LT_BUF_INIT, value = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    int failed = LEAT_OK;
    strip(&text, &len);
    if (!len || (len >= 4 && !strncasecmp(text, "null", 4) && is_casts(text + 4, len - 4))) {
        return LEAT_OK;
    }
    const char *moment = moment_of(text, len);
    bool constant = !moment && is_constant(text, len, &value, &failed);
    lt_json_object(&json);
    lt_json_key(&json, moment ? "is" : constant ? "constant" : "expr");
    lt_json_text_n(&json,
                   moment     ? moment
                   : constant ? lt_buf_text(&value)
                              : sql,
                   moment     ? strlen(moment)
                   : constant ? value.len
                              : strlen(sql));
    if (!moment && !constant && server) {
        lt_json_key(&json, "server");
        lt_json_text(&json, server);
    }
    lt_json_object_end(&json);
    int status = failed || json.failed
                     ? lt_fail_oom(err)
                     : lt_schema_set_meta(field, LT_META_DEFAULT, lt_buf_text(&out), err);
    lt_buf_done(&out);
    lt_buf_done(&value);
    return status;
}

/* --- writing one --------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
    return *text && number_len(text, strlen(text)) == strlen(text);
}

/* A whole number that the type can hold. */
static bool is_integer_of(enum lt_type_id id, const char *text)
{
    static const struct {
        enum lt_type_id id;
        int64_t low, high;
    } ranges[] = {{LT_INT8, INT8_MIN, INT8_MAX},    {LT_INT16, INT16_MIN, INT16_MAX},
                  {LT_INT32, INT32_MIN, INT32_MAX}, {LT_INT64, INT64_MIN, INT64_MAX},
                  {LT_UINT8, 0, UINT8_MAX},         {LT_UINT16, 0, UINT16_MAX},
                  {LT_UINT32, 0, UINT32_MAX},       {LT_UINT64, 0, INT64_MAX}};
    int64_t number;
    for (size_t i = 0; i < LT_ARRAY_LEN(ranges); i++) {
        if (ranges[i].id == id) {
            return !lt_parse_int(text, &number) && number >= ranges[i].low &&
                   number <= ranges[i].high;
        }
    }
    return false;
}

/* true and false, as systems without a type of their own count them. */
static const char *bool_word(const char *text, bool number)
{
    bool yes = !strcasecmp(text, "true") || !strcasecmp(text, "t") || !strcmp(text, "1");
    bool no = !strcasecmp(text, "false") || !strcasecmp(text, "f") || !strcmp(text, "0");
    return yes ? (number ? "1" : "true") : no ? (number ? "0" : "false") : NULL;
}

static bool is_float(enum lt_type_id id)
{
    return id == LT_FLOAT16 || id == LT_FLOAT32 || id == LT_FLOAT64;
}

static bool is_decimal(enum lt_type_id id)
{
    return id == LT_DECIMAL32 || id == LT_DECIMAL64 || id == LT_DECIMAL128 || id == LT_DECIMAL256;
}

static bool is_temporal(enum lt_type_id id)
{
    return id == LT_TIMESTAMP || id == LT_DATE32 || id == LT_DATE64 || id == LT_TIME32 ||
           id == LT_TIME64;
}

/* A constant as a literal of the column's type; false where none of it is sure. */
static bool put_constant(const struct lt_dialect *dialect, const struct lt_type *type,
                         const char *text, struct lt_buf *out, int *failed)
{
    bool typed = dialect->extras->typed;
    bool zoned = type->id == LT_TIMESTAMP && type->zone && *type->zone;
    if (type->id == LT_BOOL) {
        const char *word = bool_word(text, !typed);
        *failed |= word ? lt_buf_puts(out, word) : LEAT_OK;
        return word;
    }
    if (lt_type_is_integer(type->id) || is_float(type->id)) {
        bool fits = is_float(type->id) ? is_number(text) : is_integer_of(type->id, text);
        const char *word = fits ? text : bool_word(text, true);
        *failed |= word ? lt_buf_puts(out, word) : LEAT_OK;
        return word;
    }
    bool plain = type->logical == LT_PLAIN && lt_type_is_text(type->id);
    bool fits = plain || (is_decimal(type->id) || type->logical == LT_NUMERIC ? is_number(text)
                          : is_temporal(type->id)
                              ? isdigit((unsigned char)*text) && (typed || !zoned)
                              : typed || type->logical == LT_UUID || type->logical == LT_JSON);
    *failed |= fits ? lt_dialect_literal(dialect, text, out) : LEAT_OK;
    return fits;
}

/* What is the moment of the insert in a column of this type; NULL: it has no such. */
static const char *moment_text(const struct lt_extra_words *words, const struct lt_type *type,
                               const char *is)
{
    bool now = !strcmp(is, "now"), date = now || !strcmp(is, "date");
    switch (type->id) {
    case LT_TIMESTAMP:
        return !date                       ? NULL
               : !now                      ? words->date
               : type->zone && *type->zone ? words->now_zoned
                                           : words->now;
    case LT_DATE32:
    case LT_DATE64:
        return date ? words->date : NULL;
    case LT_TIME32:
    case LT_TIME64:
        return now || !strcmp(is, "time") ? words->time : NULL;
    default:
        return type->logical == LT_UUID && !strcmp(is, "uuid") ? words->uuid : NULL;
    }
}

/* The expression of a default; false where the dialect has none. */
static bool put_value(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                      const char *server, struct lt_buf *out, int *failed)
{
    size_t len = 0;
    const char *text = lt_schema_meta(field, LT_META_DEFAULT, &len);
    struct lt_json_doc *doc = NULL;
    struct lt_type type;
    if (!text || !dialect->extras || lt_type_of(field, &type, NULL) ||
        lt_json_doc_parse(text, len, &doc, NULL)) {
        return false;
    }
    const struct lt_json_value *root = lt_json_root(doc);
    const char *constant = lt_json_string(lt_json_get(root, "constant"), NULL);
    const char *is = lt_json_string(lt_json_get(root, "is"), NULL);
    const char *expr = lt_json_string(lt_json_get(root, "expr"), NULL);
    bool put = false;
    if (constant) {
        put = put_constant(dialect, &type, constant, out, failed);
    } else if (is) {
        const char *word = moment_text(dialect->extras, &type, is);
        *failed |= word ? lt_buf_puts(out, word) : LEAT_OK;
        put = word;
    } else if (expr && server && !strcmp(lt_json_string(lt_json_get(root, "server"), ""), server)) {
        *failed |= lt_buf_printf(out, "(%s)", expr);
        put = true;
    }
    lt_json_doc_free(doc);
    return put;
}

int lt_defaults_fit(const struct lt_dialect *dialect, struct ArrowSchema *schema,
                    const char *server, lt_left_out_fn *tell, void *arg, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        struct ArrowSchema *field = schema->children[i];
        struct lt_buf value = LT_BUF_INIT;
        int failed = LEAT_OK;
        if (lt_schema_meta(field, LT_META_DEFAULT, &(size_t){0}) &&
            !put_value(dialect, field, server, &value, &failed)) {
            char *what = lt_format("the default of column \"%s\"", field->name);
            if (what && tell) {
                tell(arg, what, "it is no constant and nothing that both systems have");
            }
            failed |= what ? LEAT_OK : LEAT_NO_MEMORY;
            free(what);
            status = lt_schema_set_meta(field, LT_META_DEFAULT, NULL, err);
        }
        status = !status && failed ? lt_fail_oom(err) : status;
        lt_buf_done(&value);
    }
    return status;
}

/* Which expressions may be taken over was asked by lt_defaults_fit(): what is left, may. */
int lt_default_put(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                   struct lt_buf *out)
{
    struct lt_buf value = LT_BUF_INIT;
    char server[64] = "";
    size_t len = 0;
    const char *text = lt_schema_meta(field, LT_META_DEFAULT, &len);
    struct lt_json_doc *doc = NULL;
    if (text && !lt_json_doc_parse(text, len, &doc, NULL)) {
        const char *named = lt_json_string(lt_json_get(lt_json_root(doc), "server"), "");
        snprintf(server, sizeof server, "%s", named);
        lt_json_doc_free(doc);
    }
    int failed = LEAT_OK;
    if (put_value(dialect, field, server, &value, &failed) && !failed) {
        failed = lt_buf_puts(out, " DEFAULT ") || lt_buf_append(out, value.data, value.len);
    }
    lt_buf_done(&value);
    return failed;
}
