/* Lists within one text: "a,b" and "old:new,...". */
#include "pipe/halfpipe/internal.h"

#include <stdlib.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The element of `len` bytes without blanks around it, then without quotes ("" within them is "). */
static char *trimmed(const char *text, size_t len)
{
    while (len && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len && is_blank(text[len - 1])) {
        len--;
    }
    bool quoted = len > 1 && text[0] == '"' && text[len - 1] == '"';
    char *copy = quoted ? lt_strndup(text + 1, len - 2) : lt_strndup(text, len);
    size_t n = 0;
    for (size_t i = 0; copy && quoted && copy[i]; i++) {
        copy[n++] = copy[i];
        i += copy[i] == '"' && copy[i + 1] == '"';
    }
    if (copy && quoted) {
        copy[n] = 0;
    }
    return copy;
}

/* Bytes up to `end`, outside of quotes, or the whole. */
static size_t run_to(const char *text, size_t len, char end)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < len && (quoted || text[i] != end); i++) {
        quoted ^= text[i] == '"';
    }
    return i;
}

static int add(struct hp_pairs *pairs, const char *text, size_t len, bool two,
               struct leat_error *err)
{
    size_t left = two ? run_to(text, len, ':') : len;
    if (two && left == len) {
        return lt_fail(err, LT_E_INVALID, "element %zu has no colon: a:b,c:d", pairs->n + 1);
    }
    struct hp_pair *items = realloc(pairs->items, (pairs->n + 1) * sizeof *items);
    if (!items) {
        return lt_fail_oom(err);
    }
    pairs->items = items;
    struct hp_pair *pair = &items[pairs->n++];
    pair->left = trimmed(text, left);
    pair->right = two ? trimmed(text + left + 1, len - left - 1) : NULL;
    if (!pair->left || (two && !pair->right)) {
        return lt_fail_oom(err);
    }
    return *pair->left ? LEAT_OK : lt_fail(err, LT_E_INVALID, "element %zu is empty", pairs->n);
}

int hp_pairs_parse(const char *text, bool pairs, struct hp_pairs *ret_pairs, struct leat_error *err)
{
    size_t len = strlen(text);
    int rc = LEAT_OK;
    *ret_pairs = (struct hp_pairs){NULL, 0};
    while (!rc && len) {
        size_t n = run_to(text, len, ',');
        rc = add(ret_pairs, text, n, pairs, err);
        n += n < len;
        text += n;
        len -= n;
    }
    return rc;
}

void hp_pairs_done(struct hp_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->items[i].left);
        free(pairs->items[i].right);
    }
    free(pairs->items);
    *pairs = (struct hp_pairs){NULL, 0};
}
