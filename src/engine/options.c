#include "engine/options.h"

#include "leat/leat.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

const struct leat_option lt_plan_options[] = {
    {"replace", LEAT_OPTION_BOOL, "false", NULL,
     "Let the destination's rows become exactly the source's, also where leat did not write "
     "them. Without it, cp replaces only what is absent, empty, a single file, or was last "
     "written by leat from this same source"},
    {"append", LEAT_OPTION_BOOL, "false", NULL, "Add the rows to what the destination holds"},
    {"recreate", LEAT_OPTION_BOOL, "false", NULL,
     "Replace the table's definition as well as its rows"},
    {"truncate", LEAT_OPTION_BOOL, "false", NULL,
     "Empty the table with TRUNCATE: faster, but readers with an older snapshot see it empty"},
    {"allow-empty", LEAT_OPTION_BOOL, "false", NULL,
     "Let a source without rows replace a destination that holds some"},
    {"key", LEAT_OPTION_LIST, NULL, "NAME,...",
     "Columns that name a record, unique together; the primary key when not given"},
    {"cursor", LEAT_OPTION_LIST, NULL, "NAME,...",
     "Columns that grow with every change of a record, compared as rows: a time of change, a "
     "number "
     "that is counted up"},
    {"schema", LEAT_OPTION_CHOICE, NULL, "evolve|strict|check|ignore",
     "What to do where columns of the source and of an existing table differ: add new ones and "
     "widen types where no value can change, stop at any difference, stop where the table lacks a "
     "column and check values one by one, or that but leave such columns out. evolve for deltas "
     "and syncs, check for copies"},
    {"commit-batch-size", LEAT_OPTION_INT, NULL, "N",
     "Write so many changes with each commit, instead of all with one; a sync that was cut short "
     "goes on from what is there"},
    {"max-delete", LEAT_OPTION_TEXT, NULL, "N|PERCENT",
     "Stop, with nothing changed, where more rows would be deleted: a number, or a part of the "
     "destination's rows such as 10%"},
    {"hash-ranges", LEAT_OPTION_CHOICE, "auto", "auto|off",
     "Where both systems have the same hash, compare key ranges by it first and read only those "
     "that differ"},
    {"sample", LEAT_OPTION_TEXT, NULL, "PERCENT",
     "Compare only so many of the keys, such as 1%: those that a hash of the key picks, the same "
     "ones on both sides"},
    {"schema-only", LEAT_OPTION_BOOL, "false", NULL,
     "Compare columns and their types, and no record"},
    {"strategy", LEAT_OPTION_CHOICE, NULL, "merge|delete+insert|append|history",
     "How changed records are written: update or insert by key, delete by key and insert, only "
     "insert, or keep every version of a row with the time it was valid. merge where there is a "
     "key and the destination can"},
    {"full-refresh", LEAT_OPTION_BOOL, "false", NULL,
     "Start over: replace what is there by all records, and go on from their watermark"},
    {"watermark", LEAT_OPTION_CHOICE, "state", "state|target",
     "Where it says how far the last run came: its record in the destination, or the greatest "
     "cursor among the destination's own rows"},
    {"lookback", LEAT_OPTION_TEXT, NULL, "TIME|NUMBER",
     "Read again so much before the watermark, for records that are stamped late"},
    {"start", LEAT_OPTION_TEXT, NULL, "VALUE",
     "Only records whose cursor is at or above this, as 2026-11-21 or 1000"},
    {"end", LEAT_OPTION_TEXT, NULL, "VALUE", "Only records whose cursor is below this"},
    {"window", LEAT_OPTION_TEXT, NULL, "FROM..TO",
     "Read the records from FROM up to but without TO again, and leave the watermark where it is"},
    {"delta-size", LEAT_OPTION_TEXT, NULL, "TIME|NUMBER",
     "Part a long history into ranges of so much of the cursor, each committed by itself"},
    {"null-cursor", LEAT_OPTION_CHOICE, "error", "error|skip|include",
     "What to do with records whose cursor is null: stop, leave them out, or take them every time"},
    {"without-cursor", LEAT_OPTION_CHOICE, "error", "error|skip",
     "What to do with streams, of several, that lack a column of the cursor: stop before any is "
     "read, or leave them out"},
    {"settle-timeout", LEAT_OPTION_DURATION, "10s", "TIME",
     "How long to wait for transactions that are writing the source, where the cursor is no time"},
    {"soft-delete", LEAT_OPTION_BOOL, "false", NULL,
     "Keep deleted rows, with the time in the column _leat_deleted"},
    {"deleted-column", LEAT_OPTION_TEXT, NULL, "NAME",
     "A boolean column of the source that says that its record is deleted"},
    {"execute", LEAT_OPTION_BOOL, "false", NULL, "Run the statements instead of printing them"},
    {"columns", LEAT_OPTION_LIST, NULL, "NAME,...",
     "Copy only these columns of the source, in this order"},
    {"rename", LEAT_OPTION_LIST, NULL, "OLD=NEW,...",
     "Give columns other names at the destination"},
    {"cast", LEAT_OPTION_LIST, NULL, "NAME=TYPE,...",
     "Turn columns (by their source names) into another type, such as total=decimal(12,2); files "
     "are read with these types from the start"},
    {"schema-from", LEAT_OPTION_TEXT, NULL, "LOCATION",
     "Take types, nullability and keys of columns, by name, from this stream: to read files that "
     "do "
     "not say them, and to make tables. --cast counts for more"},
    {"where", LEAT_OPTION_TEXT, NULL, "SQL",
     "Copy only rows for which this condition holds, in the source's own language"},
    {"limit", LEAT_OPTION_INT, NULL, "N", "Stop after N rows of each stream"},
    {"query", LEAT_OPTION_TEXT, NULL, "SQL",
     "Read the result of this query instead of a table; the destination must be named"},
    {"include", LEAT_OPTION_LIST, NULL, "PATTERN,...",
     "Of several streams, only those whose name matches (* any run of characters)"},
    {"exclude", LEAT_OPTION_LIST, NULL, "PATTERN,...", "Leave out streams whose name matches"},
    {"views", LEAT_OPTION_CHOICE, NULL, "copy|skip",
     "What becomes of views, materialized ones too, of several streams: taken like tables, by the "
     "rows they have now, which is said in a warning when this option is not; or left out, but for "
     "those that a name without * asks for"},
    {"also", LEAT_OPTION_LIST, NULL, "DST",
     "Write the same read to this destination too; may be given several times"},
    {"keep-going", LEAT_OPTION_BOOL, "false", NULL,
     "Go on with the other streams after one has failed"},
    {"atomic", LEAT_OPTION_BOOL, "false", NULL,
     "Commit all streams of the command together, or none"},
    {"with", LEAT_OPTION_LIST, NULL, "foreign-keys,indexes,defaults",
     "Carry over more than keys, nullability, identities and comments, where a table is made"},
    {"verify", LEAT_OPTION_BOOL, "false", NULL,
     "Read what was written back before the commit and compare a checksum of every column"},
    {"count", LEAT_OPTION_BOOL, "false", NULL,
     "Have the rows counted where they arrived, before the commit, beside what the destination "
     "says "
     "it took; --verify does it as well"},
    {"on-error", LEAT_OPTION_CHOICE, "stop", "stop|skip",
     "What to do with a record that leat itself must refuse"},
    {"on-loss", LEAT_OPTION_CHOICE, "error", "error|null|text",
     "What to do with a value that the destination, or its type, cannot hold: stop (or what "
     "--on-error says), make it null and count it, or carry the whole column as text"},
    {"rejects", LEAT_OPTION_TEXT, NULL, "FILE",
     "Write skipped records, with place and reason, to this file as JSON lines"},
    {"max-errors", LEAT_OPTION_INT, "1000", "N", "Stop after so many skipped records"},
    {"parallel", LEAT_OPTION_INT, NULL, "N",
     "Streams copied at a time, and with fewer streams the connections and threads that share a "
     "large one; "
     "the lesser of the processors and 4 when not given"},
    {"memory", LEAT_OPTION_SIZE, "96MiB", "SIZE",
     "Bound of the whole process's memory, shared by queues and batches"},
    {"retries", LEAT_OPTION_INT, "3", "N",
     "How often a stream is tried again after a passing fault"},
    {"lock-timeout", LEAT_OPTION_DURATION, "10s", "TIME",
     "How long to wait for locks that others hold on the destination"},
    {"connect-timeout", LEAT_OPTION_DURATION, "15s", "TIME", "How long to wait for a connection"},
    {"resume", LEAT_OPTION_BOOL, "false", NULL,
     "Keep what a load that is killed or cut off had written in whole parts, and go on from what "
     "an earlier one with --resume kept, where that is exact; else start over and say why. Rows "
     "are staged, which costs time"},
    {"part-rows", LEAT_OPTION_INT, "1000000", "N",
     "With --resume: rows of a part that is kept; tables that are read by their blocks are cut by "
     "these"},
    {"immutable", LEAT_OPTION_BOOL, "false", NULL,
     "Your word that nothing changes the source: with --resume a load of a live table goes on, "
     "too"},
    {"snapshot", LEAT_OPTION_TEXT, NULL, "TOKEN",
     "Read the source as of the moment that `leat snapshot hold` holds; with --resume a load of a "
     "live table goes on as long as it does"},
    {"no-state", LEAT_OPTION_BOOL, "false", NULL,
     "Keep no record of the load in the destination (_leat_state)"},
    {"state-schema", LEAT_OPTION_TEXT, NULL, "NAME",
     "Namespace of the destination that holds leat's records; default: the table's own"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

#define BIT(action) (1u << LEAT_ACTION_##action)
#define WRITES (BIT(COPY) | BIT(DELTA) | BIT(SYNC))
#define COMPARES (BIT(SYNC) | BIT(DIFF) | BIT(VERIFY))

/* Options that not every action knows. */
static const struct {
    const char *name;
    uint32_t actions;
} uses[] = {
    {"replace", BIT(COPY)},
    {"append", BIT(COPY)},
    {"recreate", BIT(COPY) | BIT(META)},
    {"truncate", BIT(COPY)},
    {"allow-empty", BIT(COPY) | BIT(SYNC) | BIT(DELTA)},
    {"key", BIT(DELTA) | BIT(META) | COMPARES},
    {"cursor", BIT(DELTA)},
    {"limit", BIT(COPY)},
    {"schema", WRITES | BIT(META)},
    {"strategy", BIT(DELTA)},
    {"full-refresh", BIT(DELTA)},
    {"watermark", BIT(DELTA)},
    {"lookback", BIT(DELTA)},
    {"start", BIT(DELTA)},
    {"end", BIT(DELTA)},
    {"window", BIT(DELTA)},
    {"delta-size", BIT(DELTA)},
    {"null-cursor", BIT(DELTA)},
    {"without-cursor", BIT(DELTA)},
    {"settle-timeout", BIT(DELTA)},
    {"soft-delete", BIT(DELTA) | BIT(SYNC)},
    {"deleted-column", BIT(DELTA)},
    {"execute", BIT(META)},
    {"resume", BIT(COPY)},
    {"snapshot", BIT(COPY)},
    {"part-rows", BIT(COPY)},
    {"immutable", BIT(COPY)},
    {"also", BIT(COPY)},
    {"atomic", BIT(COPY)},
    {"with", BIT(COPY) | BIT(META)},
    {"verify", WRITES},
    {"count", BIT(COPY)},
    {"no-state", WRITES},
    {"commit-batch-size", BIT(SYNC)},
    {"max-delete", BIT(SYNC)},
    {"hash-ranges", COMPARES},
    {"sample", BIT(DIFF)},
    {"schema-only", BIT(DIFF)},
    {"on-error", BIT(COPY) | BIT(DELTA)},
    {"on-loss", BIT(COPY) | BIT(DELTA)},
    {"rejects", BIT(COPY) | BIT(DELTA)},
    {"max-errors", BIT(COPY) | BIT(DELTA)},
};

const char *lt_action_name(enum leat_action action)
{
    static const char *const names[] = {
        [LEAT_ACTION_COPY] = "cp",      [LEAT_ACTION_DELTA] = "cp delta",
        [LEAT_ACTION_META] = "cp meta", [LEAT_ACTION_SYNC] = "sync batch",
        [LEAT_ACTION_DIFF] = "diff",    [LEAT_ACTION_VERIFY] = "verify",
    };
    return (size_t)action < LT_ARRAY_LEN(names) ? names[action] : NULL;
}

bool leat_action_takes(enum leat_action action, const char *option)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(uses); i++) {
        if (!strcmp(uses[i].name, option)) {
            return uses[i].actions & 1u << action;
        }
    }
    return lt_option_find(lt_plan_options, option) != NULL;
}

const struct leat_option *lt_option_find(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

static bool is_bool(const char *value, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1", "off", "on"};
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (!strcasecmp(value, words[i])) {
            *ret_value = i & 1;
            return true;
        }
    }
    return false;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        if (strcspn(p, "|") == len && !strncmp(p, value, len)) {
            return true;
        }
    }
    return false;
}

int lt_option_check(const struct leat_option *option, const char *value, struct leat_error *err)
{
    int64_t number;
    bool flag;
    switch (option->kind) {
    case LEAT_OPTION_BOOL:
        return is_bool(value, &flag)
                   ? LEAT_OK
                   : lt_fail(err, LT_E_USAGE, "--%s is true or false", option->name);
    case LEAT_OPTION_INT:
        return lt_parse_int(value, &number) || number < 0
                   ? lt_fail(err, LT_E_USAGE, "--%s takes a whole number, 0 or more", option->name)
                   : LEAT_OK;
    case LEAT_OPTION_SIZE:
        return lt_parse_size(value, &number, NULL)
                   ? lt_fail(err, LT_E_USAGE, "--%s takes a size such as 96MiB", option->name)
                   : LEAT_OK;
    case LEAT_OPTION_DURATION:
        return lt_parse_duration(value, &number, NULL)
                   ? lt_fail(err, LT_E_USAGE, "--%s takes a time such as 30s", option->name)
                   : LEAT_OK;
    case LEAT_OPTION_CHOICE:
        return is_choice(option->choices, value)
                   ? LEAT_OK
                   : lt_fail(err, LT_E_USAGE, "--%s is one of %s", option->name, option->choices);
    case LEAT_OPTION_TEXT:
    case LEAT_OPTION_SECRET:
    case LEAT_OPTION_LIST:
        break;
    }
    return LEAT_OK;
}

int leat_option_check(const struct leat_option *option, const char *value, struct leat_error *err)
{
    if (!value && option->kind != LEAT_OPTION_BOOL) {
        return lt_fail(err, LT_E_USAGE, "--%s needs a value", option->name);
    }
    return lt_option_check(option, value ? value : "true", err);
}

int lt_settings_set(struct lt_settings *settings, const struct leat_option *option,
                    const char *value, struct leat_error *err)
{
    int rc = leat_option_check(option, value, err);
    if (rc) {
        return rc;
    }
    value = value ? value : "true";
    struct leat_param *items = realloc(settings->items, (settings->n + 1) * sizeof *items);
    if (!items) {
        return lt_fail_oom(err);
    }
    settings->items = items;
    char *name_copy = lt_strdup(option->name);
    char *value_copy = lt_strdup(value);
    if (!name_copy || !value_copy) {
        free(name_copy);
        free(value_copy);
        return lt_fail_oom(err);
    }
    items[settings->n].name = name_copy;
    items[settings->n++].value = value_copy;
    return LEAT_OK;
}

void lt_settings_done(struct lt_settings *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        free((char *)settings->items[i].name);
        free((char *)settings->items[i].value);
    }
    free(settings->items);
    memset(settings, 0, sizeof *settings);
}

const char *lt_settings_text(const struct lt_settings *settings, const char *name)
{
    for (size_t i = settings->n; i-- > 0;) {
        if (!strcmp(settings->items[i].name, name)) {
            return settings->items[i].value;
        }
    }
    const struct leat_option *option = lt_option_find(lt_plan_options, name);
    return option ? option->fallback : NULL;
}

bool lt_settings_bool(const struct lt_settings *settings, const char *name)
{
    bool flag = false;
    const char *text = lt_settings_text(settings, name);
    return text && is_bool(text, &flag) && flag;
}

int64_t lt_settings_number(const struct lt_settings *settings, const char *name)
{
    const struct leat_option *option = lt_option_find(lt_plan_options, name);
    const char *text = lt_settings_text(settings, name);
    int64_t number = 0;
    assert(option && text);
    if (option->kind == LEAT_OPTION_SIZE) {
        lt_parse_size(text, &number, NULL);
    } else if (option->kind == LEAT_OPTION_DURATION) {
        lt_parse_duration(text, &number, NULL);
    } else {
        lt_parse_int(text, &number);
    }
    return number;
}

void lt_list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        free(list[i]);
    }
    free(list);
}

/* Appends the elements of one comma-separated text. Commas inside parentheses, as in
 * decimal(12,2), and inside double quotes do not part. */
static int add_elements(const char *text, char ***list, size_t *n)
{
    while (*text) {
        int depth = 0;
        bool quoted = false;
        size_t len = 0;
        for (; text[len] && (depth > 0 || quoted || text[len] != ','); len++) {
            quoted ^= text[len] == '"';
            depth += quoted ? 0
                            : (text[len] == '(' || text[len] == '<') -
                                  (text[len] == ')' || text[len] == '>');
            depth = LT_MAX(depth, 0);
        }
        char **bigger = realloc(*list, (*n + 2) * sizeof **list);
        if (!bigger) {
            return LEAT_NO_MEMORY;
        }
        *list = bigger;
        bigger[*n] = lt_strndup(text, len);
        if (!bigger[*n]) {
            return LEAT_NO_MEMORY;
        }
        bigger[++*n] = NULL;
        text += len + (text[len] == ',');
    }
    return LEAT_OK;
}

int lt_settings_list(const struct lt_settings *settings, const char *name, char ***ret_list,
                     size_t *ret_n, struct leat_error *err)
{
    size_t n = 0;
    char **list = calloc(1, sizeof *list);
    int rc = list ? LEAT_OK : LEAT_NO_MEMORY;
    for (size_t i = 0; !rc && i < settings->n; i++) {
        if (!strcmp(settings->items[i].name, name)) {
            rc = add_elements(settings->items[i].value, &list, &n);
        }
    }
    if (rc) {
        lt_list_free(list);
        return lt_fail_oom(err);
    }
    *ret_list = list;
    *ret_n = n;
    return LEAT_OK;
}

char *lt_name_take(const char **text, char end)
{
    const char *p = *text;
    if (*p != '"') {
        size_t len = 0;
        while (p[len] && p[len] != end) {
            len++;
        }
        *text = len ? p + len : NULL;
        return len ? lt_strndup(p, len) : NULL;
    }
    char *name = lt_strdup(p);
    size_t n = 0;
    bool closed = false;
    for (p++; name && *p; p++) {
        closed = *p == '"' && *++p != '"';
        if (closed) {
            break;
        }
        name[n++] = *p;
    }
    if (name && (n == 0 || !closed || (*p && *p != end))) {
        free(name);
        *text = NULL;
        return NULL;
    }
    if (name) {
        name[n] = 0;
        *text = p;
    }
    return name;
}
