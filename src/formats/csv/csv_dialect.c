/* Dialects: the presets as data, and options to what scanner and writer work with. */
#include "core/codec.h"
#include "core/util.h"
#include "formats/csv/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* What a preset says of an option, for one direction or (BOTH) for both. */
enum way { BOTH, READ, WRITE };

#define SETTINGS_MAX 12

/* docs/formats/csv.md shows this table and says where each row comes from. Only what differs from
 * the options' own defaults is named. */
static const struct preset {
    const char *name;
    bool end_mark, escape_in_quotes; /* as in struct lt_csv_dialect */
    struct {
        enum way way;
        const char *option, *value;
    } settings[SETTINGS_MAX];
} presets[] = {
    {.name = "rfc4180",
     .settings = {{BOTH, "delimiter", ","}, {BOTH, "quote", "\""}, {WRITE, "line-ending", "crlf"}}},
    {.name = "postgres",
     .escape_in_quotes = true,
     .settings = {{BOTH, "delimiter", ","}, {BOTH, "quote", "\""}, {BOTH, "header", "no"}}},
    {.name = "postgres-text",
     .end_mark = true,
     .settings = {{BOTH, "delimiter", "tab"},
                  {BOTH, "quote", "none"},
                  {BOTH, "escape", "\\"},
                  {BOTH, "escape-codes", "postgres"},
                  {BOTH, "null", "\\N"},
                  {BOTH, "header", "no"}}},
    {.name = "excel",
     .settings = {{BOTH, "quote", "\""}, {WRITE, "bom", "true"}, {WRITE, "line-ending", "crlf"}}},
    {.name = "mysql",
     .settings = {{BOTH, "delimiter", "tab"},
                  {BOTH, "quote", "none"},
                  {BOTH, "escape", "\\"},
                  {BOTH, "escape-codes", "mysql"},
                  {BOTH, "null", "\\N"},
                  {BOTH, "header", "no"},
                  {READ, "record-end", "lf"},
                  {WRITE, "true", "1"},
                  {WRITE, "false", "0"},
                  {BOTH, "binary", "plain-hex"}}},
    {.name = "snowflake",
     .settings = {{BOTH, "delimiter", ","},
                  {BOTH, "quote", "\""},
                  {BOTH, "null", ",\\N"},
                  {BOTH, "header", "no"},
                  {BOTH, "binary", "plain-hex"}}},
    {.name = "redshift",
     .settings = {{BOTH, "delimiter", ","},
                  {BOTH, "quote", "\""},
                  {READ, "null", ",\\N"},
                  {WRITE, "null", "\\N,"},
                  {BOTH, "header", "no"},
                  {BOTH, "binary", "plain-hex"}}},
    {.name = "bigquery",
     .settings = {{BOTH, "delimiter", ","}, {BOTH, "quote", "\""}, {BOTH, "binary", "base64"}}},
};

static const struct preset *preset_of(const struct lt_format_options *options,
                                      const struct leat_option *table)
{
    const char *name = lt_format_option(options, table, "dialect");
    for (size_t i = 0; name && i < LT_ARRAY_LEN(presets); i++) {
        if (!strcasecmp(presets[i].name, name)) {
            return &presets[i];
        }
    }
    return NULL;
}

static bool is_given(const struct lt_format_options *options, const char *name)
{
    for (size_t i = 0; options && i < options->n_params; i++) {
        if (!strcmp(options->params[i].name, name)) {
            return true;
        }
    }
    return false;
}

const char *lt_csv_option(const struct lt_format_options *options, const struct leat_option *table,
                          const char *name)
{
    enum way other = table == lt_csv_read_options ? WRITE : READ;
    const struct preset *preset = is_given(options, name) ? NULL : preset_of(options, table);
    for (size_t i = 0; preset && i < SETTINGS_MAX && preset->settings[i].option; i++) {
        if (preset->settings[i].way != other && !strcmp(preset->settings[i].option, name)) {
            return preset->settings[i].value;
        }
    }
    return lt_format_option(options, table, name);
}

bool lt_csv_is_excel(const struct lt_format_options *options, const struct leat_option *table)
{
    const char *name = lt_format_option(options, table, "dialect");
    return name && !strcasecmp(name, "excel");
}

/* --- single options ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    char byte;
} names[] = {
    {"tab", '\t'},  {"comma", ','},  {"semicolon", ';'}, {"pipe", '|'},       {"space", ' '},
    {"point", '.'}, {"double", '"'}, {"single", '\''},   {"backslash", '\\'}, {"hash", '#'},
};

static bool named_byte(const char *value, uint8_t *ret_byte)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcasecmp(value, names[i].name)) {
            *ret_byte = (uint8_t)names[i].byte;
            return true;
        }
    }
    return false;
}

/* One ASCII character, or its name; 0 for none. */
static int parse_char(const char *option, const char *value, uint8_t *ret_byte,
                      struct leat_error *err)
{
    *ret_byte = 0;
    if (!value || !value[0] || !strcasecmp(value, "none") || named_byte(value, ret_byte)) {
        return LEAT_OK;
    }
    uint8_t byte = (uint8_t)value[0];
    if (value[1] || byte > 0x7e || byte == '\r' || byte == '\n') {
        return lt_fail(err, LT_E_INVALID, "--%s must be one ASCII character and no line end",
                       option);
    }
    *ret_byte = byte;
    return LEAT_OK;
}

/* \t, \x01, \001 or a byte as it is; moves *at past it. */
static bool take_byte(const char **at, uint8_t *ret_byte)
{
    const char *p = *at;
    unsigned value = (uint8_t)*p;
    int n = 1;
    if (p[0] == '\\' && p[1] == 't') {
        value = '\t';
        n = 2;
    } else if (p[0] == '\\' && p[1] == 'x') {
        n = 2;
        if (sscanf(p + 2, "%2x%n", &value, &n) != 1 || n != 2) {
            return false;
        }
        n += 2;
    } else if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3') {
        if (sscanf(p + 1, "%3o%n", &value, &n) != 1 || n != 3) {
            return false;
        }
        n += 1;
    }
    *at = p + n;
    *ret_byte = (uint8_t)value;
    return value != 0 && value <= 0xff;
}

static int parse_delimiter(struct lt_csv_dialect *dialect, const char *value,
                           struct leat_error *err)
{
    uint8_t byte = 0;
    size_t n = 0;
    bool good = *value != 0;
    if (named_byte(value, &byte)) {
        lt_csv_dialect_delimit(dialect, byte);
        return LEAT_OK;
    }
    while (*value && good) {
        good = n < LT_CSV_DELIMITER_MAX && take_byte(&value, &byte) && byte != '\r' && byte != '\n';
        dialect->delimiter_text[n++ % LT_CSV_DELIMITER_MAX] = (char)byte;
    }
    if (!good || lt_utf8_valid_prefix(dialect->delimiter_text, n) != n) {
        int status = lt_fail(err, LT_E_INVALID,
                             "--delimiter must be 1 to %d bytes of UTF-8, without line ends and "
                             "zeros",
                             LT_CSV_DELIMITER_MAX);
        leat_error_remedy(err, "for example , or tab or || or \\x01");
        return status;
    }
    dialect->delimiter_text[n] = 0;
    dialect->delimiter_len = (uint8_t)n;
    dialect->delimiter = (uint8_t)dialect->delimiter_text[0];
    return LEAT_OK;
}

void lt_csv_dialect_delimit(struct lt_csv_dialect *dialect, uint8_t delimiter)
{
    dialect->delimiter = delimiter;
    dialect->delimiter_len = 1;
    dialect->delimiter_text[0] = (char)delimiter;
    dialect->delimiter_text[1] = 0;
}

/* Splits at commas. An empty text is one empty word. */
static int parse_words(const char *option, const char *value, struct lt_csv_words *words,
                       struct leat_error *err)
{
    words->n = 0;
    if (!value) {
        return LEAT_OK;
    }
    words->text = lt_strdup(value);
    if (!words->text) {
        return lt_fail_oom(err);
    }
    const char *at = words->text;
    for (;;) {
        size_t len = strcspn(at, ",");
        if (words->n == LT_CSV_WORDS_MAX) {
            return lt_fail(err, LT_E_INVALID, "--%s has more than %d words", option,
                           LT_CSV_WORDS_MAX);
        }
        words->words[words->n++] = (struct lt_csv_word){at, len};
        if (!at[len]) {
            return LEAT_OK;
        }
        at += len + 1;
    }
}

bool lt_csv_is_word(const struct lt_csv_words *words, const void *text, size_t len, bool any_case)
{
    for (size_t i = 0; i < words->n; i++) {
        const struct lt_csv_word *word = &words->words[i];
        if (word->len == len &&
            !(any_case ? strncasecmp(text, word->text, len) : memcmp(text, word->text, len))) {
            return true;
        }
    }
    return false;
}

int lt_csv_parse_bool(const char *option, const char *value, bool *ret_value,
                      struct leat_error *err)
{
    static const char *const words[] = {"true", "yes", "1", "", "false", "no", "0"};
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (!strcasecmp(value, words[i])) {
            *ret_value = i < 4;
            return LEAT_OK;
        }
    }
    return lt_fail(err, LT_E_INVALID, "--%s must be true or false", option);
}

/* The place of a word in a list "a|b|c". */
static unsigned choice_of(const char *value, const char *const *choices)
{
    unsigned i = 0;
    while (choices[i + 1] && strcasecmp(value, choices[i]) != 0) {
        i++;
    }
    return i;
}

/* True for "orders.tsv", and for "orders.tsv.gz". */
static bool is_named_tsv(const char *name)
{
    size_t len = 0;
    if (!name) {
        return false;
    }
    if (lt_codec_of_path(name, &len) == LT_CODEC_NONE) {
        len = strlen(name);
    }
    return len > 4 && !strncasecmp(name + len - 4, ".tsv", 4);
}

/* --- values --------------------------------------------------------------------------------- */

static int take_marks(struct lt_csv_values *values, const struct lt_format_options *options,
                      const struct leat_option *table, struct leat_error *err)
{
    const char *thousands = lt_csv_option(options, table, "thousands");
    uint8_t decimal, named = 0;
    int status = parse_char("decimal", lt_csv_option(options, table, "decimal"), &decimal, err);
    if (status) {
        return status;
    }
    values->decimal = decimal ? (char)decimal : '.';
    if (named_byte(thousands, &named)) {
        values->thousands[0] = (char)named;
    } else if (strcasecmp(thousands, "none") != 0) {
        size_t len = strlen(thousands);
        if (len > LT_CSV_MARK_MAX || lt_utf8_valid_prefix(thousands, len) != len) {
            return lt_fail(err, LT_E_INVALID, "--thousands must be one character");
        }
        memcpy(values->thousands, thousands, len + 1);
    }
    char bad[] = "0123456789+-eE\r\n\"";
    if (strchr(bad, values->decimal) || (values->thousands[0] && strchr(bad, *values->thousands))) {
        return lt_fail(err, LT_E_INVALID, "--decimal and --thousands cannot be parts of numbers");
    }
    if (values->thousands[0] == values->decimal) {
        return lt_fail(err, LT_E_INVALID, "--decimal and --thousands are the same character");
    }
    values->any = values->any || values->decimal != '.' || values->thousands[0];
    return LEAT_OK;
}

static int take_pattern(const char *option, unsigned needs, unsigned may,
                        const struct lt_format_options *options, const struct leat_option *table,
                        struct lt_time_pattern *pattern, bool *ret_has, struct leat_error *err)
{
    const char *text = lt_csv_option(options, table, option);
    if (!text || !*text) {
        return LEAT_OK;
    }
    int status = lt_time_pattern_init(pattern, text, needs, may, err);
    if (status) {
        leat_error_place(err, "--%s", option);
    }
    *ret_has = true;
    return status;
}

static int take_values(struct lt_csv_values *values, const struct lt_format_options *options,
                       const struct leat_option *table, struct leat_error *err)
{
    static const char *const binaries[] = {"hex", "plain-hex", "base64", NULL};
    const unsigned whole = LT_PATTERN_DATE | LT_PATTERN_TIME | LT_PATTERN_ZONE;
    int status = take_marks(values, options, table, err);
    if (!status) {
        status = take_pattern("date-format", LT_PATTERN_DATE, LT_PATTERN_DATE, options, table,
                              &values->date, &values->has_date, err);
    }
    if (!status) {
        status = take_pattern("time-format", LT_PATTERN_TIME, LT_PATTERN_TIME, options, table,
                              &values->time, &values->has_time, err);
    }
    if (!status) {
        status = take_pattern("timestamp-format", LT_PATTERN_DATE, whole, options, table,
                              &values->timestamp, &values->has_timestamp, err);
    }
    status = status ? status
                    : parse_words("true", lt_csv_option(options, table, "true"), &values->yes, err);
    status = status
                 ? status
                 : parse_words("false", lt_csv_option(options, table, "false"), &values->no, err);
    if (status) {
        return status;
    }
    if (!values->yes.n != !values->no.n) {
        return lt_fail(err, LT_E_INVALID, "--true and --false need each other");
    }
    for (size_t i = 0; i < values->yes.n; i++) {
        if (lt_csv_is_word(&values->no, values->yes.words[i].text, values->yes.words[i].len,
                           true)) {
            return lt_fail(err, LT_E_INVALID, "--true and --false share a word");
        }
    }
    values->binary = choice_of(lt_csv_option(options, table, "binary"), binaries);
    values->any = values->any || values->has_date || values->has_time || values->has_timestamp ||
                  values->yes.n || values->binary;
    return LEAT_OK;
}

/* --- dialects ------------------------------------------------------------------------------- */

static bool holds(const char *text, size_t len, uint8_t byte)
{
    return byte && memchr(text, byte, len);
}

/* Null markers are compared with raw fields, so they can hold none of the bytes that end one. */
static int check_null_markers(const struct lt_csv_dialect *dialect, struct leat_error *err)
{
    for (size_t i = 0; i < dialect->nulls.n; i++) {
        const struct lt_csv_word *word = &dialect->nulls.words[i];
        if (holds(word->text, word->len, '\r') || holds(word->text, word->len, '\n') ||
            (dialect->delimiter_len && word->len &&
             memmem(word->text, word->len, dialect->delimiter_text, dialect->delimiter_len)) ||
            holds(word->text, word->len, dialect->quote)) {
            return lt_fail(err, LT_E_INVALID,
                           "--null must hold neither delimiter, quote nor line end");
        }
    }
    return LEAT_OK;
}

int lt_csv_dialect_check(const struct lt_csv_dialect *dialect, struct leat_error *err)
{
    const struct {
        const char *option;
        uint8_t byte;
    } special[] = {
        {"quote", dialect->quote}, {"escape", dialect->escape}, {"comment", dialect->comment}};
    for (size_t i = 0; i < LT_ARRAY_LEN(special); i++) {
        if (holds(dialect->delimiter_text, dialect->delimiter_len, special[i].byte)) {
            return lt_fail(err, LT_E_INVALID, "--%s and --delimiter are the same character",
                           special[i].option);
        }
        for (size_t k = 0; k < i; k++) {
            if (special[i].byte && special[i].byte == special[k].byte) {
                return lt_fail(err, LT_E_INVALID, "--%s and --%s are the same character",
                               special[k].option, special[i].option);
            }
        }
    }
    return check_null_markers(dialect, err);
}

static int take_characters(struct lt_csv_dialect *dialect, const struct lt_format_options *options,
                           const struct leat_option *table, const char *name,
                           struct leat_error *err)
{
    static const char *const codes[] = {"none", "postgres", "mysql", NULL};
    bool reading = table == lt_csv_read_options;
    const char *delimiter = lt_csv_option(options, table, "delimiter");
    const char *quote = lt_csv_option(options, table, "quote");
    int status = LEAT_OK;
    if (is_named_tsv(name) && !is_given(options, "delimiter")) {
        delimiter = "tab"; /* a name tells more than a dialect */
    }
    if (delimiter || !reading) {
        status = parse_delimiter(dialect, delimiter ? delimiter : ",", err);
    }
    dialect->quote_given = quote != NULL;
    status = status ? status : parse_char("quote", quote ? quote : "\"", &dialect->quote, err);
    status = status ? status
                    : parse_char("escape", lt_csv_option(options, table, "escape"),
                                 &dialect->escape, err);
    status = status ? status
                    : parse_char("comment", lt_csv_option(options, table, "comment"),
                                 &dialect->comment, err);
    if (dialect->escape == dialect->quote) {
        dialect->escape = 0; /* doubled quotes, that is */
    }
    dialect->codes =
        dialect->escape ? choice_of(lt_csv_option(options, table, "escape-codes"), codes) : 0;
    return status;
}

static int take_nulls(struct lt_csv_dialect *dialect, const struct lt_format_options *options,
                      const struct leat_option *table, struct leat_error *err)
{
    int status = parse_words("null", lt_csv_option(options, table, "null"), &dialect->nulls, err);
    status = status ? status
                    : lt_csv_parse_bool("null-quoted", lt_csv_option(options, table, "null-quoted"),
                                        &dialect->null_quoted, err);
    if (status) {
        return status;
    }
    dialect->null = dialect->nulls.words[0].text;
    dialect->null_len = dialect->nulls.words[0].len;
    if (table == lt_csv_read_options) {
        status =
            lt_csv_parse_bool("trim", lt_csv_option(options, table, "trim"), &dialect->trim, err);
        dialect->marks = dialect->nulls.n > 1 || dialect->null_quoted || dialect->trim ||
                         (dialect->escape && dialect->null_len);
        dialect->null_len = dialect->marks ? SIZE_MAX : dialect->null_len;
    }
    return status;
}

int lt_csv_dialect_init(struct lt_csv_dialect *dialect, const struct lt_format_options *options,
                        const struct leat_option *table, const char *name, struct leat_error *err)
{
    memset(dialect, 0, sizeof *dialect);
    const struct preset *preset = preset_of(options, table);
    dialect->name = preset ? preset->name : NULL;
    dialect->end_mark = preset && preset->end_mark;
    dialect->escape_in_quotes = preset && preset->escape_in_quotes;
    int status = take_characters(dialect, options, table, name, err);
    status = status ? status : take_nulls(dialect, options, table, err);
    status = status ? status : take_values(&dialect->values, options, table, err);
    return status ? status : lt_csv_dialect_check(dialect, err);
}

void lt_csv_dialect_done(struct lt_csv_dialect *dialect)
{
    free(dialect->nulls.text);
    free(dialect->values.yes.text);
    free(dialect->values.no.text);
    memset(dialect, 0, sizeof *dialect);
}
