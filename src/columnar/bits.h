/* Bitmaps as Arrow keeps them: bit i is bit i & 7 of byte i >> 3. */
#ifndef LT_BITS_H
#define LT_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool lt_bit(const uint8_t *bits, int64_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}

static inline void lt_bit_set(uint8_t *bits, int64_t i)
{
    bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}

static inline void lt_bit_clear(uint8_t *bits, int64_t i)
{
    bits[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

/* How many of bits [first, first + n) are set. */
static inline int64_t lt_bits_count(const uint8_t *bits, int64_t first, int64_t n)
{
    int64_t count = 0, end = first + n;
    for (; first < end && first & 7; first++) {
        count += lt_bit(bits, first);
    }
    for (; end - first >= 64; first += 64) {
        uint64_t word;
        memcpy(&word, bits + (first >> 3), sizeof word);
        count += __builtin_popcountll(word);
    }
    for (; first < end; first++) {
        count += lt_bit(bits, first);
    }
    return count;
}

/* Copies n bits from bit `first` of `from` to bit `at` of `to`, whose bits from there on are 0. */
static inline void lt_bits_copy(const uint8_t *from, int64_t first, uint8_t *to, int64_t at,
                                int64_t n)
{
    int64_t end = first + n;
    for (; first < end && at & 7; first++, at++) {
        to[at >> 3] |= (uint8_t)(lt_bit(from, first) << (at & 7));
    }
    for (int shift = first & 7; end - first >= 8; first += 8, at += 8) {
        const uint8_t *byte = from + (first >> 3);
        /* Unaligned, eight bits always reach into the next byte, so it is there to be read. */
        to[at >> 3] = shift ? (uint8_t)(byte[0] >> shift | byte[1] << (8 - shift)) : byte[0];
    }
    for (; first < end; first++, at++) {
        to[at >> 3] |= (uint8_t)(lt_bit(from, first) << (at & 7));
    }
}

#endif
