/* What the first bytes of a CSV input tell of it, where nobody said. */
#include "core/util.h"
#include "formats/csv/csv.h"

#define LINES_MAX 20

/* Whether the line at `at` is a comment. */
static bool is_comment(const struct lt_csv_sample *sample, size_t at)
{
    return sample->comment && at < sample->len && sample->text[at] == sample->comment;
}

static size_t after_line_end(const struct lt_csv_sample *sample, size_t i)
{
    bool crlf = sample->text[i] == '\r' && i + 1 < sample->len && sample->text[i + 1] == '\n';
    return i + 1 + crlf;
}

/* Fields that `delimiter` makes of the line at *at, which moves to the next one; 0 when the line
 * has no end in the text and `whole` is false. */
static size_t fields_of_line(const struct lt_csv_sample *sample, uint8_t quote, uint8_t delimiter,
                             bool whole, size_t *at)
{
    size_t fields = 1;
    bool quoted = false;
    for (size_t i = *at; i < sample->len; i++) {
        uint8_t byte = sample->text[i];
        if (sample->escape && byte == sample->escape) {
            i++;
        } else if (quote && byte == quote) {
            quoted = !quoted;
        } else if (!quoted && (byte == '\n' || byte == '\r')) {
            *at = after_line_end(sample, i);
            return fields;
        } else if (!quoted && byte == delimiter) {
            fields++;
        }
    }
    *at = sample->len;
    return whole ? fields : 0;
}

/* Lines without a meaning: comments, and empty ones. */
static size_t skip_idle(const struct lt_csv_sample *sample, size_t at)
{
    while (at < sample->len) {
        size_t i = at;
        bool comment = is_comment(sample, at);
        while (comment && i < sample->len && sample->text[i] != '\n' && sample->text[i] != '\r') {
            i++;
        }
        if (i == sample->len || (sample->text[i] != '\n' && sample->text[i] != '\r')) {
            return comment ? sample->len : at;
        }
        at = after_line_end(sample, i);
    }
    return at;
}

static const uint8_t delimiters[] = {',', ';', '\t', '|'};

uint8_t lt_csv_sniff_delimiter(const struct lt_csv_sample *sample, uint8_t quote)
{
    uint8_t best = ',';
    size_t best_score = 0;
    for (size_t c = 0; c < LT_ARRAY_LEN(delimiters); c++) {
        size_t at = 0, first = 0;
        bool even = true;
        for (int line = 0; line < LINES_MAX; line++) {
            at = skip_idle(sample, at);
            size_t fields = at < sample->len ? fields_of_line(sample, quote, delimiters[c],
                                                              sample->whole || !line, &at)
                                             : 0;
            if (!fields) {
                break;
            }
            first = line ? first : fields;
            even = even && fields == first;
        }
        /* A delimiter that gives every line the same number of fields beats any that does not. */
        size_t score = first < 2 ? 0 : even ? first + sample->len : first;
        if (score > best_score) {
            best = delimiters[c];
            best_score = score;
        }
    }
    return best;
}

static bool is_delimiter(uint8_t byte, uint8_t delimiter)
{
    return delimiter ? byte == delimiter : memchr(delimiters, byte, sizeof delimiters) != NULL;
}

uint8_t lt_csv_sniff_quote(const struct lt_csv_sample *sample, uint8_t delimiter)
{
    const uint8_t *text = sample->text;
    size_t opening = 0;
    bool begins = true;
    if (!sample->len || memchr(text, '"', sample->len)) {
        return '"';
    }
    for (size_t i = 0; i < sample->len; i++) {
        if (!begins || text[i] != '\'') {
            begins = text[i] == '\n' || text[i] == '\r' || is_delimiter(text[i], delimiter);
            continue;
        }
        /* The field must end with a quote that is not doubled, on its own line: an apostrophe that
         * begins a word finds some other one further down. */
        size_t end = i + 1;
        while (end < sample->len && text[end] != '\n' && text[end] != '\r' &&
               (text[end] != '\'' || (end + 1 < sample->len && text[end + 1] == '\''))) {
            end += text[end] == '\'' ? 2 : 1;
        }
        if (end < sample->len && text[end] != '\'') {
            return '"';
        }
        if (end >= sample->len) {
            return !sample->whole && opening ? '\'' : '"';
        }
        uint8_t after = end + 1 < sample->len ? text[end + 1] : '\n';
        if (after != '\n' && after != '\r' && !is_delimiter(after, delimiter)) {
            return '"';
        }
        opening++;
        begins = false;
        i = end;
    }
    return opening ? '\'' : '"';
}

bool lt_csv_is_sep(const uint8_t *text, size_t len)
{
    return len == 5 && text[3] == '=' && !strncasecmp((const char *)text, "sep", 3) &&
           text[4] >= '\t' && text[4] <= 0x7e && text[4] != '\n' && text[4] != '\r' &&
           text[4] != '"';
}

size_t lt_csv_sniff_sep(const struct lt_csv_sample *sample, bool excel, uint8_t *ret_delimiter)
{
    const uint8_t *text = sample->text;
    size_t quoted = excel && sample->len > 1 && text[0] == '"', at = quoted;
    *ret_delimiter = 0;
    if (sample->len < at + 6 + quoted || !lt_csv_is_sep(text + at, 5)) {
        return 0;
    }
    uint8_t byte = text[at + 4];
    at += 5;
    if (quoted && text[at++] != '"') {
        return 0;
    }
    if (text[at] != '\n' && text[at] != '\r') {
        return 0;
    }
    at = after_line_end(sample, at);
    size_t next = at;
    while (next < sample->len && (text[next] == '\n' || text[next] == '\r')) {
        next++;
    }
    if (!excel && next == sample->len) { /* then it is all there is: a header */
        *ret_delimiter = byte == ',' ? ';' : ',';
        return 0;
    }
    *ret_delimiter = byte;
    return at;
}

const char *lt_csv_sniff_encoding(const uint8_t *data, size_t len)
{
    static const struct {
        const char *mark;
        size_t len;
        const char *name;
    } marks[] = {{"\xef\xbb\xbf", 3, "utf-8"},
                 {"\xff\xfe\0\0", 4, "utf-32le"},
                 {"\0\0\xfe\xff", 4, "utf-32be"},
                 {"\xff\xfe", 2, "utf-16le"},
                 {"\xfe\xff", 2, "utf-16be"}};
    for (size_t i = 0; i < LT_ARRAY_LEN(marks); i++) {
        if (len >= marks[i].len && !memcmp(data, marks[i].mark, marks[i].len)) {
            return marks[i].name;
        }
    }
    /* Every other byte of ASCII in UTF-16 is a zero, and no text in UTF-8 holds many; those that
     * may hold some are not all printable beside them. */
    size_t zeros[2] = {0, 0}, pairs = LT_MIN(len, (size_t)512) / 2;
    bool printable = true;
    for (size_t i = 0; i < pairs * 2; i++) {
        uint8_t other = data[i ^ 1];
        zeros[i & 1] += !data[i];
        printable &= data[i] || (other >= ' ' && other < 0x7f) || strchr("\t\n\r", other);
    }
    if (pairs < 2 || len % 2 > (len >= 512) || (zeros[0] && zeros[1]) || !printable) {
        return NULL;
    }
    return zeros[1] * 10 >= pairs * 7 ? "utf-16le" : zeros[0] * 10 >= pairs * 7 ? "utf-16be" : NULL;
}
