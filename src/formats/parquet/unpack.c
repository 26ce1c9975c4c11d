/* See unpack.h. Eight numbers fill `width` bytes whatever the width, so that a group of eight is
 * unpacked by loads and shifts that are constants once the width is: one function a width, called
 * for many groups at a time. Each number is cut out of an 8-byte load, which reaches behind the
 * group; groups too near the end are copied to a place with room behind them. */
#include "formats/parquet/unpack.h"

#include "core/util.h"

#include <string.h>

#include "core/banned.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed numbers are loaded as they are");

#define GROUP 8
/* How far the loads reach behind a group. */
#define SLACK 9
#define WIDTH_MAX 64

static inline uint64_t load(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

#define VALUE(w, i) out[i] = (uint32_t)(load(in + (i) * (w) / 8) >> ((i) * (w) % 8)) & mask;
#define GROUPS(w)                                                                                  \
    static void groups_##w(const uint8_t *in, uint32_t *out, int64_t n)                            \
    {                                                                                              \
        const uint32_t mask = (uint32_t)(((uint64_t)1 << (w)) - 1);                                \
        for (; n > 0; n--, in += (w), out += GROUP) {                                              \
            VALUE(w, 0)                                                                            \
            VALUE(w, 1)                                                                            \
            VALUE(w, 2)                                                                            \
            VALUE(w, 3)                                                                            \
            VALUE(w, 4)                                                                            \
            VALUE(w, 5)                                                                            \
            VALUE(w, 6)                                                                            \
            VALUE(w, 7)                                                                            \
        }                                                                                          \
    }
/* clang-format off */
#define WIDTHS(X)                                                                                  \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)         \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)
WIDTHS(GROUPS)

#define NAME(w) groups_##w,
static void (*const groups[])(const uint8_t *in, uint32_t *out, int64_t n) = {NULL, WIDTHS(NAME)};
/* clang-format on */

/* How many groups can be unpacked where they are. */
static int64_t groups_in_place(const uint8_t *in, const uint8_t *end, int width, int64_t n)
{
    int64_t len = end - in;
    return len < SLACK ? 0 : LT_MIN(n / GROUP, (len - SLACK) / width);
}

/* The group at `in` as far as it lies before `end`, with zeros behind. */
static const uint8_t *group_copy(const uint8_t *in, const uint8_t *end, int width,
                                 uint8_t copy[WIDTH_MAX + SLACK])
{
    memset(copy, 0, WIDTH_MAX + SLACK);
    memcpy(copy, in, (size_t)LT_MIN((int64_t)width, end - in));
    return copy;
}

void lt_pq_unpack32(const uint8_t *in, const uint8_t *end, int width, int64_t first, uint32_t *out,
                    int64_t n)
{
    if (!width) {
        memset(out, 0, (size_t)n * sizeof(*out));
        return;
    }
    in += first / GROUP * width;
    int64_t skip = first % GROUP;
    while (n > 0) {
        int64_t whole = skip ? 0 : groups_in_place(in, end, width, n);
        int64_t made = whole * GROUP;
        if (whole) {
            groups[width](in, out, whole);
            in += whole * width;
        } else {
            uint8_t copy[WIDTH_MAX + SLACK];
            uint32_t values[GROUP];
            groups[width](group_copy(in, end, width, copy), values, 1);
            made = LT_MIN(n, GROUP - skip);
            memcpy(out, values + skip, (size_t)made * sizeof(*out));
            in += width;
            skip = 0;
        }
        out += made;
        n -= made;
    }
}

/* Widths over 32: rare enough for one function. A number may reach into a ninth byte. */
static void wide_groups(const uint8_t *in, uint64_t *out, int64_t n, int width)
{
    const uint64_t mask = UINT64_MAX >> (64 - width);
    for (; n > 0; n--, in += width, out += GROUP) {
        for (int i = 0; i < GROUP; i++) {
            const uint8_t *p = in + i * width / 8;
            int shift = i * width % 8;
            uint64_t x = load(p) >> shift;
            x |= shift + width > 64 ? (uint64_t)p[8] << (64 - shift) : 0;
            out[i] = x & mask;
        }
    }
}

static void unpack_narrow(const uint8_t *in, const uint8_t *end, int width, int64_t first,
                          uint64_t *out, int64_t n)
{
    uint32_t values[256];
    while (n > 0) {
        int64_t k = LT_MIN(n, (int64_t)LT_ARRAY_LEN(values));
        lt_pq_unpack32(in, end, width, first, values, k);
        for (int64_t i = 0; i < k; i++) {
            out[i] = values[i];
        }
        first += k;
        out += k;
        n -= k;
    }
}

void lt_pq_unpack64(const uint8_t *in, const uint8_t *end, int width, int64_t first, uint64_t *out,
                    int64_t n)
{
    if (width <= 32) {
        unpack_narrow(in, end, width, first, out, n);
        return;
    }
    in += first / GROUP * width;
    int64_t skip = first % GROUP;
    while (n > 0) {
        int64_t whole = skip ? 0 : groups_in_place(in, end, width, n);
        int64_t made = whole * GROUP;
        if (whole) {
            wide_groups(in, out, whole, width);
            in += whole * width;
        } else {
            uint8_t copy[WIDTH_MAX + SLACK];
            uint64_t values[GROUP];
            wide_groups(group_copy(in, end, width, copy), values, 1, width);
            made = LT_MIN(n, GROUP - skip);
            memcpy(out, values + skip, (size_t)made * sizeof(*out));
            in += width;
            skip = 0;
        }
        out += made;
        n -= made;
    }
}

void lt_pq_unpack_bits(const uint8_t *in, int64_t first, uint8_t *out, int64_t n)
{
    int64_t i = 0;
    for (; i < n && (first + i) % 8; i++) {
        out[i] = in[(first + i) / 8] >> ((first + i) % 8) & 1;
    }
    in += (first + i) / 8;
    for (; i + 8 <= n; i += 8, in++) {
        /* Each byte keeps the one bit of its own place; adding 127 carries it to the top. */
        uint64_t x = *in * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
        x = (x + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
        memcpy(out + i, &x, sizeof(x));
    }
    for (int bit = 0; i < n; i++, bit++) {
        out[i] = *in >> bit & 1;
    }
}
