/* What a vault holds, in memory, and as the JSON document that its file seals. */
#ifndef LT_VAULT_ITEMS_H
#define LT_VAULT_ITEMS_H

#include "core/buf.h"
#include "leat/config.h"

#define LT_ITEM_NAME_MAX 256
#define LT_ITEM_VALUE_MAX ((size_t)64 << 10)
#define LT_ITEMS_MAX 100000

struct lt_item {
    enum leat_item_kind kind;
    char *name;
    char *value;
};

/* Sorted by kind and name. Zero-initialise. */
struct lt_items {
    struct lt_item *items;
    size_t n, cap;
};

/* Clears every value before it is freed; the struct is empty afterwards. */
void lt_items_done(struct lt_items *items);
/* NULL: it is not there. */
const struct lt_item *lt_items_find(const struct lt_items *items, enum leat_item_kind kind,
                                    const char *name);
/* The closest name of the kind, or NULL. */
const char *lt_items_closest(const struct lt_items *items, enum leat_item_kind kind,
                             const char *name);
/* Over an old one only where `replace` says so, else [exists]; the same value is fine. */
int lt_items_put(struct lt_items *items, enum leat_item_kind kind, const char *name,
                 const char *value, bool replace, struct leat_error *err);
/* False when it was not there. */
bool lt_items_remove(struct lt_items *items, enum leat_item_kind kind, const char *name);
int lt_items_copy(const struct lt_items *from, struct lt_items *to, struct leat_error *err);

/* The document, secret; and back into an empty struct: [vault-damaged]. */
int lt_items_write(const struct lt_items *items, struct lt_buf *out, struct leat_error *err);
int lt_items_read(const char *text, size_t len, struct lt_items *items, struct leat_error *err);

/* "connection", "default" */
const char *lt_item_kind_name(enum leat_item_kind kind);

#endif
