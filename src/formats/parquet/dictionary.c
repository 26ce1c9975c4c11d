/* Dictionaries: open addressing, probed from the slot the hash says. See dictionary.h. */
#include "formats/parquet/dictionary.h"

#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

#define SLOTS_MIN 1024
#define VALUE_BYTES_START 4096

struct lt_pq_slot {
    uint32_t hash;
    uint32_t number; /* from 1; 0: free */
};

void lt_pq_dictionary_init(struct lt_pq_dictionary *dictionary, int32_t width, int64_t *budget)
{
    *dictionary = (struct lt_pq_dictionary){.width = width, .budget = budget};
}

void lt_pq_dictionary_clear(struct lt_pq_dictionary *dictionary)
{
    if (dictionary->n_slots > SLOTS_MIN) {
        lt_pq_dictionary_done(dictionary);
        return;
    }
    if (dictionary->n_slots) {
        memset(dictionary->slots, 0, dictionary->n_slots * sizeof *dictionary->slots);
    }
    dictionary->n = 0;
    lt_buf_clear(&dictionary->values);
    lt_buf_clear(&dictionary->offsets);
}

void lt_pq_dictionary_done(struct lt_pq_dictionary *dictionary)
{
    if (dictionary->budget) {
        __atomic_fetch_add(dictionary->budget, dictionary->taken, __ATOMIC_RELAXED);
    }
    free(dictionary->slots);
    lt_buf_done(&dictionary->values);
    lt_buf_done(&dictionary->offsets);
    lt_pq_dictionary_init(dictionary, dictionary->width, dictionary->budget);
}

struct lt_pq_bytes lt_pq_dictionary_value(const struct lt_pq_dictionary *dictionary, uint32_t i)
{
    if (dictionary->width) {
        size_t width = (size_t)dictionary->width;
        return (struct lt_pq_bytes){dictionary->values.data + i * width, width};
    }
    const int32_t *offsets = (const int32_t *)(const void *)dictionary->offsets.data;
    return (struct lt_pq_bytes){dictionary->values.data + offsets[i],
                                (size_t)(offsets[i + 1] - offsets[i])};
}

/* --- room ---------------------------------------------------------------------------------- */

static bool take(struct lt_pq_dictionary *dictionary, size_t bytes)
{
    int64_t left = __atomic_sub_fetch(dictionary->budget, (int64_t)bytes, __ATOMIC_RELAXED);
    if (left < 0) {
        __atomic_fetch_add(dictionary->budget, (int64_t)bytes, __ATOMIC_RELAXED);
        return false;
    }
    dictionary->taken += (int64_t)bytes;
    return true;
}

static int grow_slots(struct lt_pq_dictionary *dictionary)
{
    uint32_t n = dictionary->n_slots ? dictionary->n_slots * 2 : SLOTS_MIN;
    struct lt_pq_slot *slots = calloc(n, sizeof *slots);
    if (!slots) {
        return LEAT_NO_MEMORY;
    }
    for (uint32_t i = 0; i < dictionary->n_slots; i++) {
        if (dictionary->slots[i].number) {
            uint32_t at = dictionary->slots[i].hash & (n - 1);
            while (slots[at].number) {
                at = (at + 1) & (n - 1);
            }
            slots[at] = dictionary->slots[i];
        }
    }
    free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->n_slots = n;
    return LEAT_OK;
}

/* Makes room for one more value of `len` bytes. *ret_full: there is none to be had. */
static int make_room(struct lt_pq_dictionary *dictionary, size_t len, bool *ret_full)
{
    struct lt_buf *values = &dictionary->values;
    *ret_full = true;
    if (len > LT_PQ_DICTIONARY_BYTES || values->len + len > LT_PQ_DICTIONARY_BYTES ||
        dictionary->n == LT_PQ_DICTIONARY_VALUES) {
        return LEAT_OK;
    }
    if (dictionary->n >= dictionary->n_slots / 2) {
        size_t more = dictionary->n_slots ? dictionary->n_slots : SLOTS_MIN;
        if (!take(dictionary, more * sizeof *dictionary->slots)) {
            return LEAT_OK;
        }
        int status = grow_slots(dictionary);
        if (status) {
            return status;
        }
    }
    if (values->cap - values->len < len) {
        size_t more = LT_MAX(LT_MAX(values->cap, len), VALUE_BYTES_START);
        if (!take(dictionary, more)) {
            return LEAT_OK;
        }
        if (lt_buf_reserve(values, more)) {
            return LEAT_NO_MEMORY;
        }
    }
    *ret_full = false;
    return LEAT_OK;
}

/* --- looking up ---------------------------------------------------------------------------- */

static inline uint32_t mix(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(key >> 32);
}

/* Up to 16 bytes are taken as two words that may overlap; more go through XXH3. */
static inline uint32_t hash_bytes(const uint8_t *data, size_t len)
{
    uint64_t a = 0, b = 0;
    if (len > 16) {
        return (uint32_t)lt_hash(data, len);
    }
    if (len >= 8) {
        memcpy(&a, data, 8);
        memcpy(&b, data + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&a, data, 4);
        memcpy(&b, data + len - 4, 4);
    } else if (len) {
        a = (uint64_t)data[0] | (uint64_t)data[len / 2] << 8 | (uint64_t)data[len - 1] << 16;
    }
    a = (a ^ len) * 0xff51afd7ed558ccdu;
    return mix((a ^ a >> 29) + b);
}

/* A new value, into the free slot `at`. *ret_number 0: no room for it. */
static int add_value(struct lt_pq_dictionary *dictionary, const void *data, size_t len,
                     uint32_t hash, uint32_t at, uint32_t *ret_number)
{
    bool full;
    uint32_t slots_before = dictionary->n_slots;
    int status = make_room(dictionary, len, &full);
    *ret_number = 0;
    if (status || full) {
        return status;
    }
    if (dictionary->n_slots != slots_before) {
        at = hash & (dictionary->n_slots - 1);
        while (dictionary->slots[at].number) {
            at = (at + 1) & (dictionary->n_slots - 1);
        }
    }
    if (!dictionary->width) {
        int32_t end = (int32_t)(dictionary->values.len + len), zero = 0;
        if ((!dictionary->n && lt_buf_append(&dictionary->offsets, &zero, sizeof zero)) ||
            lt_buf_append(&dictionary->offsets, &end, sizeof end)) {
            return LEAT_NO_MEMORY;
        }
    }
    if (lt_buf_append(&dictionary->values, data, len)) {
        return LEAT_NO_MEMORY;
    }
    dictionary->n++;
    dictionary->slots[at] = (struct lt_pq_slot){hash, dictionary->n};
    *ret_number = dictionary->n;
    return LEAT_OK;
}

/* The loop over values, once for each kind: `LEN`, `HASH` and `SAME` see `data` and slot `at`. */
#define LOOK_UP(DATA, LEN, HASH, SAME)                                                             \
    int64_t i = 0;                                                                                 \
    int status = LEAT_OK;                                                                          \
    for (; i < n; i++) {                                                                           \
        const uint8_t *data = (DATA);                                                              \
        size_t len = (LEN);                                                                        \
        uint32_t hash = (HASH), mask = dictionary->n_slots - 1, at = hash & mask, number = 0;      \
        while (dictionary->n_slots && (number = dictionary->slots[at].number) != 0) {              \
            if (dictionary->slots[at].hash == hash && (SAME)) {                                    \
                break;                                                                             \
            }                                                                                      \
            at = (at + 1) & mask;                                                                  \
        }                                                                                          \
        if (!number) {                                                                             \
            status = add_value(dictionary, data, len, hash, at, &number);                          \
            if (!number) {                                                                         \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
        numbers[i] = number - 1;                                                                   \
    }                                                                                              \
    *ret_n = i;                                                                                    \
    return status;

static inline uint32_t load_4(const uint8_t *data)
{
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return value;
}

static inline uint64_t load_8(const uint8_t *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
    return value;
}

static int add_4(struct lt_pq_dictionary *dictionary, const uint8_t *values, int64_t n,
                 uint32_t *numbers, int64_t *ret_n)
{
    LOOK_UP(values + 4 * i, 4, mix(load_4(data)),
            load_4(dictionary->values.data + 4 * (size_t)(number - 1)) == load_4(data))
}

static int add_8(struct lt_pq_dictionary *dictionary, const uint8_t *values, int64_t n,
                 uint32_t *numbers, int64_t *ret_n)
{
    LOOK_UP(values + 8 * i, 8, mix(load_8(data) ^ load_8(data) >> 32),
            load_8(dictionary->values.data + 8 * (size_t)(number - 1)) == load_8(data))
}

static int add_fixed(struct lt_pq_dictionary *dictionary, const uint8_t *values, int64_t n,
                     uint32_t *numbers, int64_t *ret_n)
{
    size_t width = (size_t)dictionary->width;
    LOOK_UP(values + width * (size_t)i, width, hash_bytes(data, len),
            !memcmp(dictionary->values.data + width * (number - 1), data, width))
}

int lt_pq_dictionary_add(struct lt_pq_dictionary *dictionary, const void *values, int64_t n,
                         uint32_t *numbers, int64_t *ret_n)
{
    switch (dictionary->width) {
    case 4:
        return add_4(dictionary, values, n, numbers, ret_n);
    case 8:
        return add_8(dictionary, values, n, numbers, ret_n);
    default:
        return add_fixed(dictionary, values, n, numbers, ret_n);
    }
}

static inline bool same_bytes(const struct lt_pq_dictionary *dictionary, uint32_t number,
                              const uint8_t *data, size_t len)
{
    struct lt_pq_bytes value = lt_pq_dictionary_value(dictionary, number - 1);
    return value.len == len && !memcmp(value.data, data, len);
}

int lt_pq_dictionary_add_bytes(struct lt_pq_dictionary *dictionary,
                               const struct lt_pq_bytes *values, int64_t n, uint32_t *numbers,
                               int64_t *ret_n)
{
    LOOK_UP(values[i].data, values[i].len, hash_bytes(data, len),
            same_bytes(dictionary, number, data, len))
}
