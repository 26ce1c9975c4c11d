/* The JSON Lines format: its row in the table of formats, and its options. */
#include "formats/json/json.h"

#include <strings.h>

#define BINARY_HELP "How bytes stand in strings: \\x and hex digits, or base64"

const struct leat_option lt_jsonl_read_options[] = {
    {"json-input", LEAT_OPTION_CHOICE, "auto", "auto|lines|array",
     "lines: records one after another, with line ends, blanks or nothing between them. array: one "
     "JSON array of all records. auto: array when the first bytes are [{, [[ or []"},
    {"sample-rows", LEAT_OPTION_INT, "20480", "N",
     "Records looked at to find columns and infer their types, of the first 4 MiB at most, or more "
     "when the number is given; 0: only the first one, and all is json"},
    {"types", LEAT_OPTION_LIST, NULL, "COLUMN=TYPE,...",
     "Types of columns, instead of inferred ones; also of columns that no sampled record has"},
    {"nested", LEAT_OPTION_CHOICE, "json", "json|struct",
     "Objects and arrays as values: json keeps their text, struct makes struct and list columns"},
    {"infer-strings", LEAT_OPTION_BOOL, "true", NULL,
     "Columns of strings that all are dates, timestamps, times or UUIDs become that"},
    {"unknown-keys", LEAT_OPTION_CHOICE, "error", "error|ignore",
     "Keys that no sampled record had make a record bad, or are passed over"},
    {"missing", LEAT_OPTION_CHOICE, "null", "null|error",
     "A record that lacks one of the columns has a null there, or is bad"},
    {"duplicate-keys", LEAT_OPTION_CHOICE, "error", "error|first|last",
     "A key twice in one record makes it bad, or one of the values counts"},
    {"json-null", LEAT_OPTION_CHOICE, "null", "null|value",
     "What null is in a column of json: a null, as elsewhere, or a value of its own, JSON's null; "
     "then there is a null only where the key is missing"},
    {"header", LEAT_OPTION_CHOICE, "no", "auto|yes|no",
     "For records that are arrays: whether the first one names the columns. auto: when it holds "
     "nothing but different strings. Without a header they are c1, c2 ..."},
    {"binary", LEAT_OPTION_CHOICE, "hex", "hex|base64", BINARY_HELP},
    {"record-max", LEAT_OPTION_SIZE, "256MiB", "SIZE", "The most bytes of one record, below 1 GiB"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

const struct leat_option lt_jsonl_write_options[] = {
    {"json-layout", LEAT_OPTION_CHOICE, "lines", "lines|array",
     "One object a line, or one JSON array of them all"},
    {"nulls", LEAT_OPTION_CHOICE, "keep", "keep|omit",
     "Nulls are written as null, or their keys are left out"},
    {"json-null", LEAT_OPTION_CHOICE, "null", "null|value",
     "null: JSON's own null in a column of json is a value that does not fit (--on-loss). value: "
     "it "
     "is written as null, and a null leaves its key out, to be read with the same option"},
    {"json-numbers", LEAT_OPTION_CHOICE, "number", "number|string",
     "string: decimals, numerics, and integers past 2^53 are written as strings, for readers that "
     "know no number but float64"},
    {"binary", LEAT_OPTION_CHOICE, "hex", "hex|base64", BINARY_HELP},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

bool lt_jsonl_option_is(const struct lt_format_options *options, const struct leat_option *table,
                        const char *name, const char *word)
{
    return !strcasecmp(lt_format_option(options, table, name), word);
}

bool lt_jsonl_option_on(const struct lt_format_options *options, const struct leat_option *table,
                        const char *name)
{
    const char *value = lt_format_option(options, table, name);
    return !value[0] || !strcasecmp(value, "true") || !strcasecmp(value, "yes") ||
           !strcmp(value, "1");
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        at++;
    }
    return at;
}

/* An object or an array, and what can stand first in one. */
static bool sniff(const uint8_t *data, size_t len)
{
    const uint8_t *end = data + len;
    bool mark = len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3);
    const uint8_t *at = skip_blanks(data + (mark ? 3 : 0), end);
    if (at == end || (*at != '{' && *at != '[')) {
        return false;
    }
    const uint8_t *next = skip_blanks(at + 1, end);
    if (next == end) {
        return false;
    }
    return *at == '{' ? *next == '"' || *next == '}'
                      : *next && strchr("{[]\"-0123456789tfn", *next) != NULL;
}

static const char *refuses(const struct ArrowSchema *field)
{
    struct lt_type type;
    return lt_type_of(field, &type, NULL) ? "a type leat has no JSON form for" : NULL;
}

static const char *const extensions[] = {"jsonl", "ndjson", "json", NULL};

const struct lt_format lt_format_jsonl = {
    .name = "jsonl",
    .summary = "JSON Lines, NDJSON and JSON arrays of objects, types inferred when read",
    .extensions = extensions,
    .read_options = lt_jsonl_read_options,
    .write_options = lt_jsonl_write_options,
    .binary = false,
    .sniff = sniff,
    .read_open = lt_jsonl_read_open,
    .read_schema = lt_text_read_schema,
    .read_next = lt_text_read_next,
    .read_close = lt_jsonl_read_close,
    .read_retype = lt_jsonl_read_retype,
    .read_explain = lt_jsonl_read_explain,
    .refuses = refuses,
    .write_open = lt_jsonl_write_open,
    .write_batch = lt_jsonl_write_batch,
    .write_finish = lt_jsonl_write_finish,
    .write_close = lt_jsonl_write_close,
    .types_in = lt_jsonl_types_in,
    .types_out = lt_jsonl_types_out,
    .alias = "json",
    .no_append = lt_jsonl_no_append,
};
