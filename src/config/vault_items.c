#include "config/vault_items.h"

#include "core/codes.h"
#include "core/crypt.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static const char *const kind_names[] = {
    [LEAT_ITEM_CONNECTION] = "connection",
    [LEAT_ITEM_DEFAULT] = "default",
};

const char *lt_item_kind_name(enum leat_item_kind kind)
{
    return kind_names[kind];
}

static void item_done(struct lt_item *item)
{
    free(item->name);
    lt_crypt_free_text(item->value);
}

void lt_items_done(struct lt_items *items)
{
    for (size_t i = 0; i < items->n; i++) {
        item_done(&items->items[i]);
    }
    free(items->items);
    *items = (struct lt_items){0};
}

static int compare(const struct lt_item *item, enum leat_item_kind kind, const char *name)
{
    return item->kind != kind ? (item->kind < kind ? -1 : 1) : strcmp(item->name, name);
}

/* Where it is, or where it belongs. */
static size_t position(const struct lt_items *items, enum leat_item_kind kind, const char *name,
                       bool *ret_found)
{
    size_t low = 0, high = items->n;
    *ret_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare(&items->items[mid], kind, name);
        if (!c) {
            *ret_found = true;
            return mid;
        }
        if (c < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

const struct lt_item *lt_items_find(const struct lt_items *items, enum leat_item_kind kind,
                                    const char *name)
{
    bool found;
    size_t at = position(items, kind, name, &found);
    return found ? &items->items[at] : NULL;
}

const char *lt_items_closest(const struct lt_items *items, enum leat_item_kind kind,
                             const char *name)
{
    const char **names = malloc((items->n + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && i < items->n; i++) {
        if (items->items[i].kind == kind) {
            names[n++] = items->items[i].name;
        }
    }
    const char *close = NULL;
    if (names) {
        names[n] = NULL;
        close = lt_closest(name, names);
    }
    free(names);
    return close;
}

static int check(const struct lt_items *items, const char *name, const char *value,
                 struct leat_error *err)
{
    size_t len = strlen(name);
    if (!len || len > LT_ITEM_NAME_MAX || lt_utf8_valid_prefix(name, len) != len) {
        return lt_fail(err, LT_E_INVALID, "a name in the vault has 1 to %d bytes of UTF-8",
                       LT_ITEM_NAME_MAX);
    }
    len = strlen(value);
    if (len > LT_ITEM_VALUE_MAX || lt_utf8_valid_prefix(value, len) != len) {
        return lt_fail(err, LT_E_INVALID, "the value of %s is no UTF-8, or larger than %zu bytes",
                       name, LT_ITEM_VALUE_MAX);
    }
    return items->n < LT_ITEMS_MAX
               ? LEAT_OK
               : lt_fail(err, LT_E_LIMIT, "a vault holds %d items at most", LT_ITEMS_MAX);
}

static int insert(struct lt_items *items, size_t at, struct lt_item *item, struct leat_error *err)
{
    if (items->n == items->cap) {
        size_t cap = items->cap ? 2 * items->cap : 16;
        struct lt_item *more = realloc(items->items, cap * sizeof *more);
        if (!more) {
            return lt_fail_oom(err);
        }
        items->items = more;
        items->cap = cap;
    }
    memmove(items->items + at + 1, items->items + at, (items->n - at) * sizeof *item);
    items->items[at] = *item;
    items->n++;
    return LEAT_OK;
}

int lt_items_put(struct lt_items *items, enum leat_item_kind kind, const char *name,
                 const char *value, bool replace, struct leat_error *err)
{
    int rc = check(items, name, value, err);
    if (rc) {
        return rc;
    }
    bool found;
    size_t at = position(items, kind, name, &found);
    if (found && !strcmp(items->items[at].value, value)) {
        return LEAT_OK;
    }
    if (found && !replace) {
        return lt_fail(err, LT_E_EXISTS, "the %s %s is there already", kind_names[kind], name);
    }
    struct lt_item item = {kind, found ? NULL : lt_strdup(name), lt_strdup(value)};
    if (!item.value || (!found && !item.name)) {
        item_done(&item);
        return lt_fail_oom(err);
    }
    if (found) {
        lt_crypt_free_text(items->items[at].value);
        items->items[at].value = item.value;
        return LEAT_OK;
    }
    rc = insert(items, at, &item, err);
    if (rc) {
        item_done(&item);
    }
    return rc;
}

bool lt_items_remove(struct lt_items *items, enum leat_item_kind kind, const char *name)
{
    bool found;
    size_t at = position(items, kind, name, &found);
    if (found) {
        item_done(&items->items[at]);
        items->n--;
        memmove(items->items + at, items->items + at + 1, (items->n - at) * sizeof *items->items);
    }
    return found;
}

int lt_items_copy(const struct lt_items *from, struct lt_items *to, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < from->n; i++) {
        const struct lt_item *item = &from->items[i];
        rc = lt_items_put(to, item->kind, item->name, item->value, false, err);
    }
    if (rc) {
        lt_items_done(to);
    }
    return rc;
}

/* --- the document --------------------------------------------------------------------------- */

int lt_items_write(const struct lt_items *items, struct lt_buf *out, struct leat_error *err)
{
    /* Room for all of it at once: growing would leave copies behind. An escape is 6 bytes long. */
    size_t room = 64;
    for (size_t i = 0; i < items->n; i++) {
        room += 64 + 6 * (strlen(items->items[i].name) + strlen(items->items[i].value));
    }
    if (lt_buf_reserve(out, room)) {
        return lt_fail_oom(err);
    }
    struct lt_json json = {.out = out};
    lt_json_object(&json);
    lt_json_key(&json, "items");
    lt_json_array(&json);
    for (size_t i = 0; i < items->n; i++) {
        lt_json_object(&json);
        lt_json_key(&json, "kind");
        lt_json_text(&json, kind_names[items->items[i].kind]);
        lt_json_key(&json, "name");
        lt_json_text(&json, items->items[i].name);
        lt_json_key(&json, "value");
        lt_json_text(&json, items->items[i].value);
        lt_json_object_end(&json);
    }
    lt_json_array_end(&json);
    lt_json_object_end(&json);
    return json.failed ? lt_fail_oom(err) : LEAT_OK;
}

static int read_item(const struct lt_json_value *value, struct lt_items *items)
{
    const char *kind = lt_json_string(lt_json_get(value, "kind"), "");
    const char *name = lt_json_string(lt_json_get(value, "name"), "");
    const char *text = lt_json_string(lt_json_get(value, "value"), NULL);
    for (size_t i = 0; text && i < LT_ARRAY_LEN(kind_names); i++) {
        if (!strcmp(kind, kind_names[i])) {
            return lt_items_put(items, (enum leat_item_kind)i, name, text, false, NULL);
        }
    }
    return LEAT_BAD_DATA;
}

int lt_items_read(const char *text, size_t len, struct lt_items *items, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    int rc = lt_json_doc_parse(text, len, &doc, NULL);
    const struct lt_json_value *list = rc ? NULL : lt_json_get(lt_json_root(doc), "items");
    size_t n = lt_json_count(list);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = read_item(lt_json_at(list, i), items);
    }
    lt_json_doc_free(doc);
    if (rc || !list) {
        lt_items_done(items);
        return rc == LEAT_NO_MEMORY
                   ? lt_fail_oom(err)
                   : lt_fail(err, LT_E_VAULT_DAMAGED, "the vault holds what leat never wrote");
    }
    return LEAT_OK;
}
