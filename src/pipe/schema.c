/* The JSON Schema (draft 2020-12) of documents, made from the tables that read them. */
#include "core/codes.h"
#include "core/util.h"
#include "pipe/document.h"
#include "pipe/emit.h"
#include "pipe/read.h"

#include <stdio.h>
#include <string.h>

/* A text that holds a variable may be anything. */
#define VARIABLE "\\$\\{"

struct schema {
    struct leat *leat;
    struct lt_emit emit;
    struct lt_arena arena;
    const char **names; /* options written so far */
    size_t n;
};

static void put_word(struct schema *s, const char *key, const char *word)
{
    lt_emit_key(&s->emit, key);
    lt_emit_word(&s->emit, word);
}

static void put_list(struct schema *s, const char *key, const char *const *texts)
{
    lt_emit_key(&s->emit, key);
    lt_emit_list(&s->emit);
    for (; *texts; texts++) {
        lt_emit_text(&s->emit, *texts);
    }
    lt_emit_end(&s->emit);
}

static void put_reference(struct schema *s, const char *key, const char *definition,
                          const char *help)
{
    lt_emit_key(&s->emit, key);
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "$ref");
    lt_emit_text(&s->emit, lt_arena_format(&s->arena, "#/$defs/%s", definition));
    if (help) {
        lt_emit_pair(&s->emit, "description", help);
    }
    lt_emit_end(&s->emit);
}

/* --- options -------------------------------------------------------------------------------- */

/* {"type": ...} or {"type": "string", "pattern": ...} as one of several. */
static void put_type(struct schema *s, const char *type)
{
    lt_emit_map(&s->emit);
    lt_emit_pair(&s->emit, "type", type);
    lt_emit_end(&s->emit);
}

static void put_pattern(struct schema *s, const char *pattern)
{
    lt_emit_map(&s->emit);
    lt_emit_pair(&s->emit, "type", "string");
    lt_emit_pair(&s->emit, "pattern", pattern);
    lt_emit_end(&s->emit);
}

static void put_choices(struct schema *s, const char *choices)
{
    bool word = false;
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "enum");
    lt_emit_list(&s->emit);
    for (const char *p = choices; p && *p;) {
        size_t len = strcspn(p, "|");
        const char *text = lt_arena_strndup(&s->arena, p, len);
        lt_emit_text(&s->emit, text ? text : "");
        word = word || (text && (!strcmp(text, "off") || !strcmp(text, "on") ||
                                 !strcmp(text, "yes") || !strcmp(text, "no")));
        p += len + (p[len] == '|');
    }
    lt_emit_end(&s->emit);
    lt_emit_end(&s->emit);
    if (word) {
        put_type(s, "boolean"); /* what other readers of YAML make of it */
    }
}

static void put_option_type(struct schema *s, const struct leat_option *option)
{
    lt_emit_key(&s->emit, "anyOf");
    lt_emit_list(&s->emit);
    switch (option->kind) {
    case LEAT_OPTION_BOOL:
        put_type(s, "boolean");
        put_pattern(s, "^(true|false|yes|no|on|off|0|1)$|" VARIABLE);
        break;
    case LEAT_OPTION_INT:
        lt_emit_map(&s->emit);
        lt_emit_pair(&s->emit, "type", "integer");
        put_word(s, "minimum", "0");
        lt_emit_end(&s->emit);
        put_pattern(s, "^[0-9]+$|" VARIABLE);
        break;
    case LEAT_OPTION_SIZE:
    case LEAT_OPTION_DURATION:
        put_type(s, "number");
        put_pattern(s, "^[0-9.]+ ?[A-Za-z]*$|" VARIABLE);
        break;
    case LEAT_OPTION_CHOICE:
        put_choices(s, option->choices);
        put_pattern(s, VARIABLE);
        break;
    case LEAT_OPTION_TEXT:
    case LEAT_OPTION_SECRET:
    case LEAT_OPTION_LIST:
        break;
    }
    lt_emit_end(&s->emit);
}

static const char *definition_of(const struct leat_option *option)
{
    return !strcmp(option->name, "query")                                           ? "sql"
           : !strcmp(option->name, "rename") || !strcmp(option->name, "cast")       ? "pairs"
           : option->kind == LEAT_OPTION_LIST                                       ? "texts"
           : option->kind == LEAT_OPTION_TEXT || option->kind == LEAT_OPTION_SECRET ? "text"
                                                                                    : NULL;
}

/* Options of one name, of several connectors, are one; the first says of which kind, unless they
 * differ: then any text will do. */
static bool differs(struct schema *s, const struct leat_option *option)
{
    const struct leat_connector *connector;
    for (size_t i = 0; (connector = leat_connector_at(s->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name; o++) {
            if (!strcmp(o->name, option->name) &&
                (o->kind != option->kind ||
                 (o->choices && option->choices && strcmp(o->choices, option->choices)))) {
                return true;
            }
        }
    }
    return false;
}

static void put_option(struct schema *s, const struct leat_option *option, bool in_step)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!strcmp(s->names[i], option->name)) {
            return;
        }
    }
    bool action = !in_step && lt_mode_find(option->name);
    bool key = (lt_is_step_key(option->name) && !action) || !strcmp(option->name, "also");
    const char **names = lt_arena_more(&s->arena, s->names, s->n, sizeof *names);
    if (key || !names) {
        return;
    }
    s->names = names;
    names[s->n++] = option->name;
    const char *definition = differs(s, option) ? "text" : definition_of(option);
    if (definition) {
        put_reference(s, option->name, definition, option->help);
        return;
    }
    lt_emit_key(&s->emit, option->name);
    lt_emit_map(&s->emit);
    lt_emit_pair(&s->emit, "description", option->help);
    put_option_type(s, option);
    lt_emit_end(&s->emit);
}

/* `in_step`: without those that are keys of steps anyway. */
static void put_options(struct schema *s, bool in_step)
{
    const struct leat_connector *connector;
    s->n = 0;
    for (const struct leat_option *o = leat_plan_options(); o->name; o++) {
        put_option(s, o, in_step);
    }
    for (size_t i = 0; (connector = leat_connector_at(s->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name; o++) {
            put_option(s, o, in_step);
        }
    }
}

/* --- definitions ---------------------------------------------------------------------------- */

static void begin_definition(struct schema *s, const char *name, const char *type)
{
    lt_emit_key(&s->emit, name);
    lt_emit_map(&s->emit);
    if (type) {
        lt_emit_pair(&s->emit, "type", type);
    }
}

/* Definitions that no table says, as they stand. */
static const char *const fixed[][2] = {
    {"text", "{\"type\": [\"string\", \"number\", \"boolean\"]}"},
    {"texts", "{\"anyOf\": [{\"$ref\": \"#/$defs/text\"}, {\"type\": \"array\", \"items\": "
              "{\"$ref\": \"#/$defs/text\"}}]}"},
    {"pairs", "{\"anyOf\": [{\"$ref\": \"#/$defs/texts\"}, {\"type\": \"object\", "
              "\"additionalProperties\": {\"$ref\": \"#/$defs/text\"}}]}"},
    {"sql", "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"object\", \"properties\": "
            "{\"file\": {\"type\": \"string\"}}, \"required\": [\"file\"], "
            "\"additionalProperties\": false}]}"},
    {"named",
     "{\"type\": [\"object\", \"null\"], \"additionalProperties\": {\"type\": [\"string\", "
     "\"number\", \"boolean\", \"null\"]}}"},
    {"duration", "{\"type\": [\"string\", \"number\"], \"pattern\": "
                 "\"^[0-9.]+ ?[a-z]*$|"
                 "\\\\$\\\\{"
                 "\"}"},
    {"hook", "{\"type\": \"object\", \"properties\": {\"sql\": {\"type\": \"string\"}, \"in\": "
             "{\"type\": \"string\"}, \"command\": {\"type\": \"string\"}, \"webhook\": {\"type\": "
             "\"string\", \"pattern\": \"^https?://|"
             "\\\\$\\\\{"
             "\"}, \"method\": {\"enum\": "
             "[\"GET\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\"]}, \"headers\": {\"type\": "
             "\"object\"}, \"body\": {}, \"timeout\": {\"$ref\": \"#/$defs/duration\"}}, "
             "\"additionalProperties\": false, \"oneOf\": [{\"required\": [\"sql\", \"in\"]}, "
             "{\"required\": [\"command\"], \"not\": {\"required\": [\"in\"]}}, {\"required\": "
             "[\"webhook\"], \"not\": {\"required\": [\"in\"]}}]}"},
    {"hookList", "{\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": \"#/$defs/hook\"}, {\"type\": "
                 "\"array\", \"items\": {\"$ref\": \"#/$defs/hook\"}}]}"},
    {"hooks",
     "{\"type\": \"object\", \"properties\": {\"before\": {\"$ref\": \"#/$defs/hookList\"}, "
     "\"after\": {\"$ref\": \"#/$defs/hookList\"}, \"on-error\": {\"$ref\": "
     "\"#/$defs/hookList\"}}, \"additionalProperties\": false}"},
    {"streams", "{\"anyOf\": [{\"type\": \"string\", \"minLength\": 1}, {\"type\": \"object\", "
                "\"minProperties\": 1, \"additionalProperties\": {\"$ref\": \"#/$defs/said\"}}, "
                "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"anyOf\": [{\"type\": "
                "\"string\"}, {\"$ref\": \"#/$defs/stream\", \"required\": [\"name\"]}, {\"type\": "
                "\"object\", \"minProperties\": 1, \"maxProperties\": 1, \"additionalProperties\": "
                "{\"$ref\": \"#/$defs/said\"}}]}}]}"},
    {"said", "{\"anyOf\": [{\"type\": \"null\"}, {\"const\": \"skip\"}, {\"$ref\": "
             "\"#/$defs/mode\"}, {\"$ref\": \"#/$defs/stream\"}]}"},
};

static void put_fixed(struct schema *s)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(fixed); i++) {
        lt_emit_key(&s->emit, fixed[i][0]);
        lt_emit_word(&s->emit, fixed[i][1]);
    }
    begin_definition(s, "mode", NULL);
    lt_emit_key(&s->emit, "enum");
    lt_emit_list(&s->emit);
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        lt_emit_text(&s->emit, m->word);
    }
    lt_emit_end(&s->emit);
    lt_emit_end(&s->emit);
}

static void put_stream(struct schema *s)
{
    begin_definition(s, "stream", "object");
    lt_emit_key(&s->emit, "properties");
    lt_emit_map(&s->emit);
    put_reference(s, "name", "text", "A stream's name, or a pattern");
    put_reference(s, "mode", "mode", "What is done with it");
    put_reference(s, "to", "text", "Its name at the destination");
    put_reference(s, "select", "texts", "Another word for columns");
    lt_emit_key(&s->emit, "skip");
    lt_emit_word(&s->emit, "{\"type\": [\"boolean\", \"string\"]}");
    put_options(s, false);
    lt_emit_end(&s->emit);
    put_word(s, "additionalProperties", "false");
    lt_emit_end(&s->emit);
}

/* --- steps ---------------------------------------------------------------------------------- */

static const struct {
    const char *name, *definition, *help;
} step_keys[] = {
    {"description", "text", "For people"},
    {"needs", "texts", "Names of steps that must have gone well before"},
    {"from", "text", "The source: a URL, a connection with or without a stream, a path"},
    {"to", "texts", "The destination, or several: the same read is written to all"},
    {"mode", "mode", "What is done with the streams; copy when nothing is said"},
    {"streams", "streams", "Which streams, and what of each"},
    {"select", "texts", "Another word for columns"},
    {"sql", "sql", "Statements to run"},
    {"in", "text", "The connection on which statements run"},
    {"pipe", "text", "Another document to run"},
    {"hooks", "hooks", "What is done before, after, and on an error"},
};

static void put_step_properties(struct schema *s)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(step_keys); i++) {
        put_reference(s, step_keys[i].name, step_keys[i].definition, step_keys[i].help);
    }
    lt_emit_key(&s->emit, "if");
    lt_emit_word(&s->emit, "{\"enum\": [\"success\", \"failed\", \"always\"]}");
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        if (m->is_key) {
            put_reference(s, m->word, "text", m->help);
        }
    }
    put_options(s, true);
}

/* Exactly one thing that a step does, and what that needs. */
static void put_actions(struct schema *s)
{
    static const char *const others[] = {
        "{\"required\": [\"sql\", \"in\"]}",
        "{\"required\": [\"pipe\"]}",
        "{\"required\": [\"from\", \"to\"]}",
    };
    lt_emit_key(&s->emit, "oneOf");
    lt_emit_list(&s->emit);
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        if (m->is_key) {
            lt_emit_word(
                &s->emit,
                lt_arena_format(&s->arena,
                                "{\"required\": [\"%s\", \"to\"], \"properties\": {\"%s\": "
                                "{\"type\": \"string\"}}, \"not\": {\"required\": [\"mode\"]}}",
                                m->word, m->word));
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(others); i++) {
        lt_emit_word(&s->emit, others[i]);
    }
    lt_emit_end(&s->emit);
}

/* Options that an action has not, where no stream of the step is said to be of another. */
static void put_untaken(struct schema *s, const struct lt_mode *mode)
{
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "if");
    lt_emit_word(&s->emit,
                 lt_arena_format(&s->arena,
                                 "{\"anyOf\": [{\"required\": [\"%s\"], \"properties\": {\"%s\": "
                                 "{\"type\": \"string\"}}}, {\"properties\": {\"mode\": "
                                 "{\"const\": \"%s\"}}, \"required\": [\"mode\"]}%s], \"not\": "
                                 "{\"required\": [\"streams\"]}}",
                                 mode->word, mode->word, mode->word,
                                 mode == lt_modes ? ", {\"required\": [\"from\"], \"not\": "
                                                    "{\"required\": [\"mode\"]}}"
                                                  : ""));
    lt_emit_key(&s->emit, "then");
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "propertyNames");
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "not");
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "enum");
    lt_emit_list(&s->emit);
    for (const struct leat_option *o = leat_plan_options(); o->name; o++) {
        if (!leat_action_takes(mode->action, o->name) && strcmp(o->name, mode->word)) {
            lt_emit_text(&s->emit, o->name);
        }
    }
    for (int i = 0; i < 5; i++) {
        lt_emit_end(&s->emit);
    }
}

static void put_limits(struct schema *s)
{
    put_actions(s);
    lt_emit_key(&s->emit, "allOf");
    lt_emit_list(&s->emit);
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        if (m->is_key) {
            put_untaken(s, m);
        }
    }
    lt_emit_end(&s->emit);
}

static void put_step(struct schema *s)
{
    begin_definition(s, "step", "object");
    lt_emit_key(&s->emit, "properties");
    lt_emit_map(&s->emit);
    put_reference(s, "name", "text", "What other steps call it");
    put_reference(s, "vars", "named", "Values of variables for the pipe");
    put_step_properties(s);
    lt_emit_end(&s->emit);
    put_word(s, "additionalProperties", "false");
    put_limits(s);
    lt_emit_end(&s->emit);
}

/* --- the document --------------------------------------------------------------------------- */

static const char *const document_keys[][2] = {
    {"$schema", "{\"type\": \"string\"}"},
    {"name", "{\"$ref\": \"#/$defs/text\"}"},
    {"vars", "{\"$ref\": \"#/$defs/named\"}"},
    {"connections", "{\"$ref\": \"#/$defs/named\"}"},
    {"defaults", "{\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": \"#/$defs/options\"}]}"},
    {"every", "{\"$ref\": \"#/$defs/duration\"}"},
    {"cron",
     "{\"type\": \"string\", \"pattern\": \"^\\\\s*(@[a-z]+|\\\\S+(\\\\s+\\\\S+){4})\\\\s*$|"
     "\\\\$\\\\{\"}"},
    {"timezone", "{\"type\": \"string\"}"},
    {"steps", "{\"anyOf\": [{\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": "
              "\"#/$defs/step\"}}, {\"type\": \"object\", \"minProperties\": 1, "
              "\"additionalProperties\": {\"$ref\": \"#/$defs/step\"}}]}"},
};

static void put_document(struct schema *s)
{
    static const char *const only[] = {"$schema",  "name",     "description", "connections",
                                       "vars",     "defaults", "every",       "cron",
                                       "timezone", "hooks",    "steps",       NULL};
    begin_definition(s, "document", "object");
    lt_emit_key(&s->emit, "properties");
    lt_emit_map(&s->emit);
    for (size_t i = 0; i < LT_ARRAY_LEN(document_keys); i++) {
        lt_emit_key(&s->emit, document_keys[i][0]);
        lt_emit_word(&s->emit, document_keys[i][1]);
    }
    put_step_properties(s);
    lt_emit_end(&s->emit);
    put_word(s, "additionalProperties", "false");
    put_word(s, "not",
             "{\"anyOf\": [{\"required\": [\"every\", \"cron\"]}, {\"required\": [\"timezone\"], "
             "\"not\": {\"required\": [\"cron\"]}}]}");
    put_word(s, "if", "{\"required\": [\"steps\"]}");
    lt_emit_key(&s->emit, "then");
    lt_emit_map(&s->emit);
    lt_emit_key(&s->emit, "propertyNames");
    lt_emit_map(&s->emit);
    put_list(s, "enum", only);
    lt_emit_end(&s->emit);
    lt_emit_end(&s->emit);
    lt_emit_key(&s->emit, "else");
    lt_emit_map(&s->emit);
    put_limits(s);
    lt_emit_end(&s->emit);
    lt_emit_end(&s->emit);
}

static void put_schema(struct schema *s)
{
    lt_emit_map(&s->emit);
    lt_emit_pair(&s->emit, "$schema", "https://json-schema.org/draft/2020-12/schema");
    lt_emit_pair(&s->emit, "title", "A pipe of leat");
    put_word(s, "if", "{\"type\": \"object\", \"required\": [\"transformGroups\"]}");
    put_word(s, "then", "true");
    put_word(s, "else", "{\"$ref\": \"#/$defs/document\"}");
    lt_emit_key(&s->emit, "$defs");
    lt_emit_map(&s->emit);
    put_fixed(s);
    begin_definition(s, "options", "object");
    lt_emit_key(&s->emit, "properties");
    lt_emit_map(&s->emit);
    put_options(s, false);
    lt_emit_end(&s->emit);
    put_word(s, "additionalProperties", "false");
    lt_emit_end(&s->emit);
    put_stream(s);
    put_step(s);
    put_document(s);
    lt_emit_end(&s->emit);
    lt_emit_end(&s->emit);
}

int leat_pipe_schema(struct leat *leat, char **ret_text, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    struct schema s = {.leat = leat, .emit = {.out = &out, .json = true}};
    put_schema(&s);
    int rc = s.arena.failed ? lt_fail_oom(err) : LEAT_OK;
    lt_arena_done(&s.arena);
    return lt_emit_take(&s.emit, rc, ret_text, err);
}
