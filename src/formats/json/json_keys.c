/* The names of columns: found by hash, numbered in the order of their first appearance. */
#include "formats/json/json.h"

#include "core/util.h"

#include <stdlib.h>

#define SLOTS_MIN 64u

static uint32_t hash_of(const char *name, size_t len)
{
    uint64_t hash = lt_hash(name, len);
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t slot_of(const struct lt_jsonl_keys *keys, const char *name, size_t len,
                        uint32_t hash)
{
    uint32_t mask = keys->n_slots - 1, at = hash & mask;
    while (keys->slots[at]) {
        const struct lt_jsonl_key *key = &keys->items[keys->slots[at] - 1];
        if (key->hash == hash && key->len == len && !memcmp(key->name, name, len)) {
            break;
        }
        at = (at + 1) & mask;
    }
    return at;
}

uint32_t lt_jsonl_keys_find(const struct lt_jsonl_keys *keys, const char *name, size_t len)
{
    if (!keys->n_slots) {
        return LT_JSONL_NONE;
    }
    uint32_t slot = keys->slots[slot_of(keys, name, len, hash_of(name, len))];
    return slot ? slot - 1 : LT_JSONL_NONE;
}

/* At most half of the slots are ever used. */
static bool grow(struct lt_jsonl_keys *keys)
{
    if (keys->n == keys->cap) {
        uint32_t cap = keys->cap ? keys->cap * 2 : SLOTS_MIN / 2;
        struct lt_jsonl_key *items = realloc(keys->items, cap * sizeof *items);
        if (!items) {
            return false;
        }
        keys->items = items;
        keys->cap = cap;
    }
    if ((keys->n + 1) * 2 <= keys->n_slots) {
        return true;
    }
    uint32_t n_slots = keys->n_slots ? keys->n_slots * 2 : SLOTS_MIN;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) {
        return false;
    }
    free(keys->slots);
    keys->slots = slots;
    keys->n_slots = n_slots;
    for (uint32_t i = 0; i < keys->n; i++) {
        const struct lt_jsonl_key *key = &keys->items[i];
        slots[slot_of(keys, key->name, key->len, key->hash)] = i + 1;
    }
    return true;
}

/* No byte of it is ever written as an escape, and none can end a string. */
static bool is_plain(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)name[i] < 0x20 || name[i] == '"' || name[i] == '\\') {
            return false;
        }
    }
    return true;
}

uint32_t lt_jsonl_keys_add(struct lt_jsonl_keys *keys, const char *name, size_t len)
{
    char *copy = lt_strndup(name, len);
    if (!copy || !grow(keys)) {
        free(copy);
        return LT_JSONL_NONE;
    }
    uint32_t column = keys->n++;
    keys->items[column] = (struct lt_jsonl_key){.name = copy,
                                                .len = len,
                                                .hash = hash_of(name, len),
                                                .next = LT_JSONL_NONE,
                                                .plain = is_plain(name, len)};
    keys->slots[slot_of(keys, name, len, keys->items[column].hash)] = column + 1;
    return column;
}

void lt_jsonl_keys_truncate(struct lt_jsonl_keys *keys, uint32_t n)
{
    /* The last one added stands at the end of its run of slots, so that nothing moves up. */
    while (keys->n > n) {
        struct lt_jsonl_key *key = &keys->items[--keys->n];
        keys->slots[slot_of(keys, key->name, key->len, key->hash)] = 0;
        free(key->name);
    }
}

void lt_jsonl_keys_done(struct lt_jsonl_keys *keys)
{
    for (uint32_t i = 0; i < keys->n; i++) {
        free(keys->items[i].name);
    }
    free(keys->items);
    free(keys->slots);
    memset(keys, 0, sizeof *keys);
}
