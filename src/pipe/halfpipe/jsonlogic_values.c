/* Values of JsonLogic, which are JavaScript's: what each is as a truth, a number or a text, and when
 * two are equal. */
#include "pipe/halfpipe/jsonlogic_parts.h"

#include "columnar/text.h"
#include "core/json.h"
#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>

#define SPACE_MAX ((size_t)64 << 20) /* what one record may take */

/* --- memory --------------------------------------------------------------------------------- */

void *hp_logic_take(struct hp_logic *logic, size_t size)
{
    struct hp_logic_block *block = logic->blocks;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!block || block->size - block->used < size) {
        size_t room = LT_MAX(size, (size_t)4096);
        logic->taken += room;
        block = logic->taken > SPACE_MAX ? NULL : malloc(sizeof *block + room);
        if (!block) {
            logic->failed = true;
            return NULL;
        }
        *block = (struct hp_logic_block){.before = logic->blocks, .size = room};
        logic->blocks = block;
    }
    void *at = (char *)block->data + block->used;
    block->used += size;
    return at;
}

void hp_logic_give_back(struct hp_logic *logic)
{
    while (logic->blocks && logic->blocks->before) {
        struct hp_logic_block *before = logic->blocks->before;
        free(logic->blocks);
        logic->blocks = before;
    }
    if (logic->blocks) {
        logic->blocks->used = 0;
        logic->taken = logic->blocks->size;
    }
}

/* --- values --------------------------------------------------------------------------------- */

bool hp_js_is_true(const struct hp_js *v)
{
    switch (v->kind) {
    case HP_JS_TRUTH:
        return v->truth;
    case HP_JS_NUMBER:
        return v->number != 0;
    case HP_JS_TEXT:
    case HP_JS_LIST:
        return v->len > 0;
    default:
        return false;
    }
}

long double hp_js_to_number(const struct hp_js *v)
{
    char copy[64], *end;
    switch (v->kind) {
    case HP_JS_NUMBER:
        return v->number;
    case HP_JS_TRUTH:
        return v->truth;
    case HP_JS_NOTHING:
        return 0;
    case HP_JS_TEXT:
        if (v->len >= sizeof copy) {
            return (long double)NAN;
        }
        memcpy(copy, v->text, v->len);
        copy[v->len] = 0;
        if (!copy[strspn(copy, " \t\r\n")]) {
            return 0;
        }
        /* C knows words for numbers that JavaScript does not. */
        const char *word = copy + strspn(copy, " \t\r\n+-");
        if (isalpha((unsigned char)*word) && strncmp(word, "Infinity", 8)) {
            return (long double)NAN;
        }
        long double n = strtold(copy, &end);
        return end[strspn(end, " \t\r\n")] ? (long double)NAN : n;
    default:
        return (long double)NAN;
    }
}

static int print_number(long double n, struct lt_buf *out)
{
    char text[32];
    if (n == floorl(n) && fabsl(n) < 1e18L) {
        return lt_buf_printf(out, "%lld", (long long)n);
    }
    lt_double_format((double)n, text);
    return lt_buf_puts(out, text);
}

int hp_js_print(const struct hp_js *v, bool json, struct lt_buf *out)
{
    int rc = LEAT_OK;
    switch (v->kind) {
    case HP_JS_NOTHING:
        return lt_buf_puts(out, json ? "null" : "");
    case HP_JS_TRUTH:
        return lt_buf_puts(out, v->truth ? "true" : "false");
    case HP_JS_NUMBER:
        return print_number(v->number, out);
    case HP_JS_TEXT:
        return json ? lt_json_quote(out, v->text, v->len) : lt_buf_append(out, v->text, v->len);
    case HP_JS_LIST:
        rc = json ? lt_buf_byte(out, '[') : LEAT_OK;
        for (size_t i = 0; !rc && i < v->len; i++) {
            rc = i ? lt_buf_byte(out, ',') : LEAT_OK;
            rc = rc ? rc : hp_js_print(&v->items[i], json, out);
        }
        return rc || !json ? rc : lt_buf_byte(out, ']');
    }
    return rc;
}

struct hp_js hp_js_keep_text(struct hp_logic_scope *scope, struct lt_buf *buf, int rc)
{
    char *copy = rc ? NULL : hp_logic_take(scope->logic, buf->len + 1);
    if (copy) {
        memcpy(copy, lt_buf_text(buf), buf->len + 1);
    }
    scope->logic->failed = scope->logic->failed || rc;
    struct hp_js v = copy ? hp_js_text(copy, buf->len) : hp_js_nothing;
    lt_buf_done(buf);
    return v;
}

struct hp_js hp_js_to_text(struct hp_logic_scope *scope, const struct hp_js *v)
{
    struct lt_buf buf = LT_BUF_INIT;
    if (v->kind == HP_JS_TEXT) {
        return *v;
    }
    int rc = hp_js_print(v, false, &buf);
    return hp_js_keep_text(scope, &buf, rc);
}

static bool same_text(const struct hp_js *a, const struct hp_js *b)
{
    return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

bool hp_js_is_same(const struct hp_js *a, const struct hp_js *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case HP_JS_TRUTH:
        return a->truth == b->truth;
    case HP_JS_NUMBER:
        return a->number == b->number;
    case HP_JS_TEXT:
        return same_text(a, b);
    case HP_JS_LIST:
        return false; /* two objects */
    default:
        return true;
    }
}

bool hp_js_is_equal(const struct hp_js *a, const struct hp_js *b)
{
    if (a->kind == b->kind || a->kind == HP_JS_NOTHING || b->kind == HP_JS_NOTHING) {
        return hp_js_is_same(a, b);
    }
    return a->kind != HP_JS_LIST && b->kind != HP_JS_LIST &&
           hp_js_to_number(a) == hp_js_to_number(b);
}
