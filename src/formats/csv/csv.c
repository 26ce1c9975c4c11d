/* The CSV format: its row in the table of formats, its options, its dialect. */
#include "formats/csv/csv.h"

#include "core/codec.h"
#include "core/util.h"

#include <strings.h>

const struct leat_option lt_csv_read_options[] = {
    {"delimiter", LEAT_OPTION_TEXT, NULL, "CHAR",
     "One ASCII character, or tab, comma, semicolon, pipe, space. Without it the first lines "
     "decide among , ; tab and |, and a name ending in .tsv means tab"},
    {"quote", LEAT_OPTION_TEXT, "\"", "CHAR",
     "The character around fields that hold delimiters or line ends; none: there is no such"},
    {"header", LEAT_OPTION_CHOICE, "yes", "auto|yes|no",
     "Whether the first record names the columns. auto: when none of its fields is empty, doubled, "
     "or reads as a number, date, time or boolean. Without a header they are column1, column2 ..."},
    {"null", LEAT_OPTION_TEXT, "", "TEXT",
     "The unquoted field that means null. By default the empty one; with another, the empty field "
     "is the empty text"},
    {"sample-rows", LEAT_OPTION_INT, "20480", "N",
     "Records looked at to infer column types, of the first 4 MiB at most; 0: all is text"},
    {"types", LEAT_OPTION_LIST, NULL, "COLUMN=TYPE,...",
     "Types of columns, instead of inferred ones"},
    {"ragged", LEAT_OPTION_CHOICE, "error", "error|fill",
     "Records with too few fields are errors, or are filled up with nulls. Too many always are "
     "errors"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

const struct leat_option lt_csv_write_options[] = {
    {"delimiter", LEAT_OPTION_TEXT, NULL, "CHAR",
     "One ASCII character, or tab, comma, semicolon, pipe, space. Without it a comma, or tab for a "
     "name ending in .tsv"},
    {"quote", LEAT_OPTION_TEXT, "\"", "CHAR", "The character around fields that need it"},
    {"header", LEAT_OPTION_BOOL, "true", NULL, "Begin with a record of the column names"},
    {"null", LEAT_OPTION_TEXT, "", "TEXT",
     "What is written for null, unquoted. Text that equals it is quoted"},
    {"line-ending", LEAT_OPTION_CHOICE, "lf", "lf|crlf", "What ends each record"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

/* One ASCII character, or its name; `none` allows 0. */
static int parse_char(const char *option, const char *value, bool none, uint8_t *ret_byte,
                      struct leat_error *err)
{
    static const struct {
        const char *name;
        uint8_t byte;
    } names[] = {
        {"tab", '\t'}, {"\\t", '\t'},  {"comma", ','},  {"semicolon", ';'},
        {"pipe", '|'}, {"space", ' '}, {"double", '"'}, {"single", '\''},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcasecmp(value, names[i].name)) {
            *ret_byte = names[i].byte;
            return LEAT_OK;
        }
    }
    if (none && (!value[0] || !strcasecmp(value, "none"))) {
        *ret_byte = 0;
        return LEAT_OK;
    }
    uint8_t byte = (uint8_t)value[0];
    if (!byte || value[1] || byte > 0x7e || byte == '\r' || byte == '\n') {
        return lt_fail(err, LT_E_INVALID, "--%s must be one ASCII character and no line end",
                       option);
    }
    *ret_byte = byte;
    return LEAT_OK;
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

/* The null marker is compared with raw fields, so it can hold none of the bytes that end one. */
static int check_null_marker(const struct lt_csv_dialect *dialect, struct leat_error *err)
{
    for (size_t i = 0; i < dialect->null_len; i++) {
        uint8_t byte = (uint8_t)dialect->null[i];
        if (byte == '\r' || byte == '\n' || byte == dialect->delimiter ||
            (byte == dialect->quote && byte)) {
            return lt_fail(err, LT_E_INVALID,
                           "--null must hold neither delimiter, quote nor line end");
        }
    }
    return LEAT_OK;
}

int lt_csv_dialect_init(struct lt_csv_dialect *dialect, const struct lt_format_options *options,
                        const struct leat_option *table, const char *name, struct leat_error *err)
{
    bool reading = table == lt_csv_read_options;
    const char *delimiter = lt_format_option(options, table, "delimiter");
    int status = LEAT_OK;
    memset(dialect, 0, sizeof *dialect);
    if (delimiter) {
        status = parse_char("delimiter", delimiter, false, &dialect->delimiter, err);
    } else {
        dialect->delimiter = is_named_tsv(name) ? '\t' : reading ? 0 : ',';
    }
    if (!status) {
        status = parse_char("quote", lt_format_option(options, table, "quote"), reading,
                            &dialect->quote, err);
    }
    if (status) {
        return status;
    }
    if (dialect->quote && dialect->quote == dialect->delimiter) {
        return lt_fail(err, LT_E_INVALID, "--quote and --delimiter are the same character");
    }
    dialect->null = lt_format_option(options, table, "null");
    dialect->null_len = strlen(dialect->null);
    return check_null_marker(dialect, err);
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

/* Fields that `delimiter` makes of the line at *at, which moves to the next one; 0 when the line
 * has no end in the text and `whole` is false. */
static size_t fields_of_line(const uint8_t *text, size_t len, uint8_t quote, uint8_t delimiter,
                             bool whole, size_t *at)
{
    size_t fields = 1;
    bool quoted = false;
    for (size_t i = *at; i < len; i++) {
        uint8_t byte = text[i];
        if (quote && byte == quote) {
            quoted = !quoted;
        } else if (!quoted && (byte == '\n' || byte == '\r')) {
            *at = i + 1 + (byte == '\r' && i + 1 < len && text[i + 1] == '\n');
            return fields;
        } else if (!quoted && byte == delimiter) {
            fields++;
        }
    }
    *at = len;
    return whole ? fields : 0;
}

uint8_t lt_csv_sniff_delimiter(const uint8_t *text, size_t len, uint8_t quote, bool whole)
{
    static const uint8_t candidates[] = {',', ';', '\t', '|'};
    const int lines_max = 10;
    uint8_t best = ',';
    size_t best_score = 0;
    for (size_t c = 0; c < LT_ARRAY_LEN(candidates); c++) {
        size_t at = 0, first = 0;
        bool even = true;
        for (int line = 0; line < lines_max && at < len; line++) {
            size_t fields = fields_of_line(text, len, quote, candidates[c], whole || !line, &at);
            if (!fields) {
                break;
            }
            first = line ? first : fields;
            even = even && fields == first;
        }
        /* A delimiter that gives every line the same number of fields beats any that does not. */
        size_t score = first < 2 ? 0 : even ? first + len : first;
        if (score > best_score) {
            best = candidates[c];
            best_score = score;
        }
    }
    return best;
}

/* Text that is neither JSON nor binary: CSV cannot be told from other text for certain, so this
 * format is asked last. */
static bool sniff(const uint8_t *data, size_t len)
{
    size_t valid = lt_utf8_valid_prefix(data, len);
    /* The last character may be cut. */
    if (!len || len - valid > 3 || memchr(data, 0, len)) {
        return false;
    }
    size_t i = len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (i < len && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n')) {
        i++;
    }
    return i < len && data[i] != '{' && data[i] != '[';
}

static const char *refuses(const struct ArrowSchema *field)
{
    struct lt_type type;
    return lt_type_of(field, &type, NULL) ? "a type leat has no text form for" : NULL;
}

static const char *const extensions[] = {"csv", "tsv", NULL};

const struct lt_format lt_format_csv = {
    .name = "csv",
    .summary = "Delimited text (RFC 4180), types inferred when read",
    .extensions = extensions,
    .read_options = lt_csv_read_options,
    .write_options = lt_csv_write_options,
    .binary = false,
    .sniff = sniff,
    .read_open = lt_csv_read_open,
    .read_schema = lt_csv_read_schema,
    .read_next = lt_csv_read_next,
    .read_close = lt_csv_read_close,
    .read_retype = lt_csv_read_retype,
    .refuses = refuses,
    .write_open = lt_csv_write_open,
    .write_batch = lt_csv_write_batch,
    .write_finish = lt_csv_write_finish,
    .write_close = lt_csv_write_close,
    .types_in = lt_csv_types_in,
    .types_out = lt_csv_types_out,
};
