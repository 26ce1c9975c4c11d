/* The options, schemes and endings of the file connector: its own, and those of every format.
 *
 * Formats say theirs in their own tables (formats/format.h), and this connector takes them all, so
 * that the engine hands them over. The tables here are put together from those when the library is
 * loaded: help, manual pages and parsing look at them before anything is opened, and they must
 * stay as they are from then on. They lie in memory of fixed size; whoever adds a format that does
 * not fit is told by the assertion at the next start. */
#include "connectors/file/internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "core/banned.h"

#define OPTIONS_MAX 96
#define NAMES_MAX 64
#define TEXT_MAX 65536

static const struct leat_option own[] = {
    {"format", LEAT_OPTION_CHOICE, NULL, NULL,
     "Format of the file; by default its name or its first bytes tell"},
    {"compression", LEAT_OPTION_CHOICE, NULL, "none|gzip|zstd|lz4",
     "Compression of the whole file, by default told by its name"},
    {"layout", LEAT_OPTION_CHOICE, NULL, "flat|hive",
     "Writing a directory: files beside each other, or for each stream a directory of its own, "
     "with "
     "directories of partitions in it"},
    {"partition-by", LEAT_OPTION_LIST, NULL, "[NAME=]COLUMN[:hour|day|month|year]",
     "Writing a directory: a directory for each value of these columns, or for each such span of "
     "time"},
    {"file-name", LEAT_OPTION_TEXT, NULL, "TEMPLATE",
     "Writing a directory: names of its files, of {stream}, {load}, {date}, {time} and {n}; {load} "
     "must be among them"},
    {"as-stream", LEAT_OPTION_TEXT, NULL, "NAME",
     "Reading a directory or pattern: all its files are one stream of this name"},
};
#define OWN_N (sizeof own / sizeof own[0])

struct leat_option lt_fc_options[OPTIONS_MAX + 1];
const char *lt_fc_schemes[NAMES_MAX + 1];
const char *lt_fc_extensions[NAMES_MAX + 1];

static char text[TEXT_MAX];
static size_t text_len;

/* Adds to the text that is being put together; text_end() ends it. */
static void text_add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void text_add(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + text_len, TEXT_MAX - text_len, format, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < TEXT_MAX - text_len - 1);
    text_len += (size_t)n;
}

static const char *text_end(size_t start)
{
    text[text_len++] = 0;
    return text + start;
}

/* Whether `word` is one of "a|b|c". */
static bool has_choice(const char *choices, const char *word, size_t len)
{
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (strcspn(at, "|") == len && !strncasecmp(at, word, len)) {
            return true;
        }
    }
    return false;
}

/* "a|b" and "b|c" are "a|b|c". */
static const char *join_choices(const char *a, const char *b)
{
    size_t start = text_len;
    text_add("%s", a);
    for (const char *at = b; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        size_t len = strcspn(at, "|");
        if (!has_choice(a, at, len)) {
            text_add("|%.*s", (int)len, at);
        }
    }
    return text_end(start);
}

static bool table_has(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return true;
        }
    }
    return false;
}

bool lt_fc_takes(struct leat_endpoint *ep, const char *option, bool writing)
{
    size_t stem = strlen(ep->path);
    const struct lt_format *format = ep->format;
    for (size_t i = 0; i < OWN_N; i++) {
        if (!strcmp(own[i].name, option)) {
            return true;
        }
    }
    lt_codec_of_path(ep->path, &stem);
    if (!format && ep->kind == FC_FILE) {
        format = lt_format_by_path(ep->path, stem);
    } else if (!format && ep->kind == FC_DIRECTORY && writing) {
        format = lt_format_by_name("csv"); /* as plan.c has it */
    }
    /* A file whose bytes tell its format, or files of several. */
    return !format || table_has(writing ? format->write_options : format->read_options, option);
}

static const struct leat_option *find(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

/* What several tables say of one option, so that whatever one of them takes is taken. A default
 * that is not everyone's is none; reading and writing may name it differently (yes, true). */
static void join(struct leat_option *to, const struct leat_option *from, bool same_format)
{
    if (to->kind == LEAT_OPTION_CHOICE && from->kind == LEAT_OPTION_CHOICE) {
        to->choices = join_choices(to->choices, from->choices);
    } else if (to->kind == LEAT_OPTION_BOOL && from->kind == LEAT_OPTION_CHOICE) {
        to->kind = LEAT_OPTION_CHOICE;
        to->choices = from->choices;
    } else if (to->kind != from->kind && from->kind != LEAT_OPTION_BOOL) {
        to->kind = LEAT_OPTION_TEXT;
    }
    if (!same_format && to->fallback && (!from->fallback || strcmp(to->fallback, from->fallback))) {
        to->fallback = NULL;
    }
}

static void take_table(const struct leat_option *table, const struct leat_option *of_same_format,
                       size_t *n)
{
    for (; table && table->name; table++) {
        size_t at = 0;
        while (at < *n && strcmp(lt_fc_options[at].name, table->name) != 0) {
            at++;
        }
        if (at < *n) {
            join(&lt_fc_options[at], table, find(of_same_format, table->name));
        } else {
            assert(*n < OPTIONS_MAX);
            lt_fc_options[(*n)++] = *table;
        }
    }
}

/* --- help ---------------------------------------------------------------------------------- */

/* What format `f` says of an option: `way` 0 reading, 1 writing; NULL: nothing. */
static const char *help_of(size_t f, int way, const char *name)
{
    const struct leat_option *option =
        find(way ? lt_formats[f]->write_options : lt_formats[f]->read_options, name);
    return option ? option->help : NULL;
}

static bool says(size_t f, const char *name, const char *help)
{
    const char *reading = help_of(f, 0, name), *writing = help_of(f, 1, name);
    return (reading && !strcmp(reading, help)) || (writing && !strcmp(writing, help));
}

static bool said_before(size_t f, int way, const char *name, const char *help)
{
    for (size_t i = 0; i < f; i++) {
        if (says(i, name, help)) {
            return true;
        }
    }
    return way && help_of(f, 0, name) && !strcmp(help_of(f, 0, name), help);
}

/* "csv: One ASCII character ...", a sentence for every different thing that formats say. */
static const char *make_help(const char *name, const char *first)
{
    size_t start = text_len;
    text_add("%s", first ? first : "");
    for (size_t f = 0; lt_formats[f]; f++) {
        for (int way = 0; way < 2; way++) {
            const char *help = help_of(f, way, name);
            if (!help || said_before(f, way, name, help)) {
                continue;
            }
            const char *other = help_of(f, !way, name);
            bool full = text_len > start && text[text_len - 1] == '.';
            text_add("%s%s", full ? " " : text_len > start ? ". " : "", lt_formats[f]->name);
            for (size_t i = f + 1; lt_formats[i]; i++) {
                text_add("%s%s", says(i, name, help) ? ", " : "",
                         says(i, name, help) ? lt_formats[i]->name : "");
            }
            text_add("%s: %s",
                     !other || !strcmp(other, help) ? ""
                     : way                          ? ", writing"
                                                    : ", reading",
                     help);
        }
    }
    return text_end(start);
}

/* --- names --------------------------------------------------------------------------------- */

static void add_name(const char **names, const char *name)
{
    size_t n = 0;
    while (names[n]) {
        if (!strcasecmp(names[n++], name)) {
            return;
        }
    }
    assert(n < NAMES_MAX);
    names[n] = name;
}

/* A scheme is the name of a format or one of its endings. */
static void take_names(const struct lt_format *format)
{
    add_name(lt_fc_schemes, format->name);
    for (size_t i = 0; format->extensions[i]; i++) {
        add_name(lt_fc_schemes, format->extensions[i]);
        add_name(lt_fc_extensions, format->extensions[i]);
    }
}

__attribute__((constructor)) static void assemble(void)
{
    size_t n = 0, start = text_len;
    for (size_t f = 0; lt_formats[f]; f++) {
        const char *alias = lt_formats[f]->alias;
        text_add("%s%s%s%s", f ? "|" : "", lt_formats[f]->name, alias ? "|" : "",
                 alias ? alias : "");
        take_names(lt_formats[f]);
    }
    const char *format_names = text_end(start);
    for (; n < OWN_N; n++) {
        lt_fc_options[n] = own[n];
        lt_fc_options[n].choices = own[n].choices ? own[n].choices : format_names;
    }
    for (size_t f = 0; lt_formats[f]; f++) {
        take_table(lt_formats[f]->read_options, NULL, &n);
        take_table(lt_formats[f]->write_options, lt_formats[f]->read_options, &n);
    }
    for (size_t i = 0; i < n; i++) {
        lt_fc_options[i].help = make_help(lt_fc_options[i].name, i < OWN_N ? own[i].help : NULL);
    }
}
