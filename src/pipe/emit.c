#include "pipe/emit.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "pipe/yaml.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static void put(struct lt_emit *emit, const char *text)
{
    int rc = text ? lt_buf_puts(emit->out, text) : LEAT_NO_MEMORY;
    emit->failed = emit->failed ? emit->failed : rc;
}

static void indent(struct lt_emit *emit, int n)
{
    for (; n > 0; n--) {
        put(emit, " ");
    }
}

/* Before a key of a map or an element of a list. */
static void start_item(struct lt_emit *emit)
{
    if (!emit->depth) {
        return;
    }
    bool first = !emit->levels[emit->depth - 1].any;
    int column = emit->levels[emit->depth - 1].indent;
    if (emit->json) {
        put(emit, first ? "\n" : ",\n");
        indent(emit, 2 * emit->depth);
    } else {
        bool inside = first && emit->levels[emit->depth - 1].in_list;
        put(emit, first && emit->levels[emit->depth - 1].after_key ? "\n" : "");
        indent(emit, inside ? 0 : column);
        put(emit, emit->levels[emit->depth - 1].map ? "" : "- ");
    }
    emit->levels[emit->depth - 1].any = true;
}

static void begin(struct lt_emit *emit, bool map)
{
    bool in_list = emit->depth && !emit->levels[emit->depth - 1].map;
    int column = emit->depth ? emit->levels[emit->depth - 1].indent + 2 : 0;
    if (in_list) {
        start_item(emit);
    }
    assert(emit->depth < LT_EMIT_DEPTH_MAX);
    emit->levels[emit->depth].map = map;
    emit->levels[emit->depth].any = false;
    emit->levels[emit->depth].after_key = emit->after_key;
    emit->levels[emit->depth].in_list = in_list;
    emit->levels[emit->depth].indent = column;
    emit->depth++;
    emit->after_key = false;
    put(emit, !emit->json ? "" : map ? "{" : "[");
}

void lt_emit_map(struct lt_emit *emit)
{
    begin(emit, true);
}

void lt_emit_list(struct lt_emit *emit)
{
    begin(emit, false);
}

void lt_emit_end(struct lt_emit *emit)
{
    emit->depth--;
    bool map = emit->levels[emit->depth].map, any = emit->levels[emit->depth].any;
    if (emit->json && any) {
        put(emit, "\n");
        indent(emit, 2 * emit->depth);
    }
    if (emit->json) {
        put(emit, map ? "}" : "]");
        put(emit, emit->depth ? "" : "\n");
    } else if (!any) {
        put(emit, emit->levels[emit->depth].after_key ? " " : "");
        put(emit, map ? "{}\n" : "[]\n");
    }
}

/* 1000, 10% and 15m, but nothing that another reader takes for a fraction, a date or a time. */
static bool is_plain_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    if (!*unit) {
        return digits == 1 || *text != '0';
    }
    return !strcmp(unit, "%") ||
           (!strchr("eExXoObB", *unit) &&
            strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(unit));
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a text is itself without quotes: no sign of YAML's in a place where it means something,
 * and no word that is more than a word. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (!strcasecmp(words[i], text)) {
            return false;
        }
    }
    if (*text >= '0' && *text <= '9') {
        return is_plain_number(text);
    }
    if (!is_letter(*text) && !strchr("/_$", *text) && strncmp(text, "./", 2)) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        bool inside = p > text && p[1], between = inside && p[1] != ' ' && p[-1] != ' ';
        bool good = is_letter(*p) || (*p >= '0' && *p <= '9') || strchr("_./+@$()=<>;^-*%{}", *p) ||
                    (strchr(":#", *p) && between) || (strchr(" ,?'!", *p) && inside);
        if (!good) {
            return false;
        }
    }
    return *text != 0;
}

static bool has_special(const char *text)
{
    unsigned code;
    bool any = false;
    for (const char *p = text; !any && *p; p++) {
        any = lt_yaml_special_at(p, &code) > 0;
    }
    return any;
}

/* As a block: lines of their own, where the block says the same as the text. */
static bool is_block(const char *text)
{
    size_t len = strlen(text);
    if (!strchr(text, '\n') || strchr(" \n\t", text[0]) || strpbrk(text, "\r\t") ||
        (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n')) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' && *p != '\n') {
            return false;
        }
    }
    return !has_special(text);
}

static void put_block(struct lt_emit *emit, const char *text)
{
    size_t len = strlen(text);
    int column = emit->depth ? emit->levels[emit->depth - 1].indent + 2 : 2;
    put(emit, text[len - 1] == '\n' ? "|\n" : "|-\n");
    while (*text) {
        size_t line = strcspn(text, "\n");
        indent(emit, line ? column : 0);
        emit->failed = emit->failed ? emit->failed : lt_buf_append(emit->out, text, line);
        put(emit, "\n");
        text += line + (text[line] == '\n');
    }
}

static void put_quoted(struct lt_emit *emit, const char *text)
{
    struct lt_buf quoted = LT_BUF_INIT;
    int rc = lt_json_quote(&quoted, text, strlen(text));
    for (const char *p = lt_buf_text(&quoted); !rc && *p;) {
        unsigned code;
        size_t len = lt_yaml_special_at(p, &code);
        rc = len ? lt_buf_printf(emit->out, "\\u%04x", code) : lt_buf_byte(emit->out, (uint8_t)*p);
        p += len ? len : 1;
    }
    emit->failed = emit->failed ? emit->failed : rc;
    lt_buf_done(&quoted);
}

static void before_value(struct lt_emit *emit)
{
    if (emit->after_key) {
        put(emit, emit->json ? "" : " ");
        emit->after_key = false;
    } else {
        start_item(emit);
    }
}

void lt_emit_key(struct lt_emit *emit, const char *key)
{
    start_item(emit);
    if (emit->json || !is_plain(key)) {
        put_quoted(emit, key);
    } else {
        put(emit, key);
    }
    put(emit, emit->json ? ": " : ":");
    emit->after_key = true;
}

void lt_emit_text(struct lt_emit *emit, const char *text)
{
    before_value(emit);
    if (!text) {
        emit->failed = LEAT_NO_MEMORY;
        return;
    }
    if (!emit->json && is_block(text)) {
        put_block(emit, text);
        return;
    }
    if (!emit->json && is_plain(text)) {
        put(emit, text);
    } else {
        put_quoted(emit, text);
    }
    put(emit, emit->json ? "" : "\n");
}

void lt_emit_word(struct lt_emit *emit, const char *word)
{
    before_value(emit);
    put(emit, word);
    put(emit, emit->json ? "" : "\n");
}

void lt_emit_pair(struct lt_emit *emit, const char *key, const char *text)
{
    lt_emit_key(emit, key);
    lt_emit_text(emit, text);
}

void lt_emit_comment(struct lt_emit *emit, const char *text)
{
    if (!emit->json) {
        put(emit, "# ");
        put(emit, text);
        put(emit, "\n");
    }
}

int lt_emit_escaped(struct lt_buf *out, const char *text)
{
    static const char *const later[] = {"${env:", "${file:", "${cmd:"};
    int rc = LEAT_OK;
    for (; !rc && *text; text++) {
        bool kept = false;
        for (size_t i = 0; i < LT_ARRAY_LEN(later); i++) {
            kept = kept || !strncmp(text, later[i], strlen(later[i]));
        }
        rc = !strncmp(text, "${", 2) && !kept ? lt_buf_byte(out, '$') : LEAT_OK;
        rc = rc ? rc : lt_buf_byte(out, (uint8_t)*text);
    }
    return rc;
}

int lt_emit_take(struct lt_emit *emit, int rc, char **ret_text, struct leat_error *err)
{
    char *text = rc || emit->failed ? NULL : lt_buf_take(emit->out);
    lt_buf_done(emit->out);
    if (rc || !text) {
        return rc ? rc : lt_fail_oom(err);
    }
    *ret_text = text;
    return LEAT_OK;
}
