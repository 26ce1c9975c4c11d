/* DELTA_BINARY_PACKED (Encodings.md, "Delta Encoding"). Additions wrap around, as the writer's
 * subtractions did: all arithmetic is unsigned. */
#include "formats/parquet/decode.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/unpack.h"

#include "core/banned.h"

#define CHUNK 512

static uint64_t unzigzag(uint64_t x)
{
    return (x >> 1) ^ (0 - (x & 1));
}

static int check_shape(uint64_t block, uint64_t miniblocks, uint64_t total, struct leat_error *err)
{
    if (!block || block > INT32_MAX || !miniblocks || miniblocks > block || block % miniblocks ||
        block / miniblocks % 32) {
        return lt_fail(err, LT_E_CORRUPT,
                       "delta-packed numbers in blocks of %llu with %llu parts: each part holds a "
                       "multiple of 32",
                       (unsigned long long)block, (unsigned long long)miniblocks);
    }
    if (total > INT32_MAX) {
        return lt_fail(err, LT_E_CORRUPT, "more delta-packed numbers than a page can hold");
    }
    return LEAT_OK;
}

int lt_pq_delta_init(struct lt_pq_delta *delta, int bits, const uint8_t *data, const uint8_t *end,
                     int64_t n_values, struct leat_error *err)
{
    uint64_t block, miniblocks, total, first;
    int status = lt_pq_varint(&data, end, &block, err);
    status = status ? status : lt_pq_varint(&data, end, &miniblocks, err);
    status = status ? status : lt_pq_varint(&data, end, &total, err);
    status = status ? status : lt_pq_varint(&data, end, &first, err);
    status = status ? status : check_shape(block, miniblocks, total, err);
    if (status) {
        return status;
    }
    if ((int64_t)total < n_values) {
        return lt_fail(err, LT_E_CORRUPT, "%lld delta-packed numbers where the page says %lld",
                       (long long)total, (long long)n_values);
    }
    memset(delta, 0, sizeof(*delta));
    delta->data = data;
    delta->end = end;
    delta->bits = bits;
    delta->at_first = true;
    delta->left = (int64_t)total;
    delta->n_miniblocks = (int64_t)miniblocks;
    delta->miniblock_values = (int64_t)(block / miniblocks);
    delta->last = unzigzag(first);
    return LEAT_OK;
}

static int next_block(struct lt_pq_delta *delta, struct leat_error *err)
{
    uint64_t min_delta;
    int status = lt_pq_varint(&delta->data, delta->end, &min_delta, err);
    if (status) {
        return status;
    }
    if (delta->end - delta->data < delta->n_miniblocks) {
        return lt_pq_short(err);
    }
    delta->min_delta = unzigzag(min_delta);
    delta->widths = delta->data;
    delta->data += delta->n_miniblocks;
    delta->miniblock = 0;
    return LEAT_OK;
}

/* Widths of miniblocks that carry no value are anything, and are not looked at. The padding of the
 * last one may be missing. */
static int next_miniblock(struct lt_pq_delta *delta, struct leat_error *err)
{
    if (!delta->widths || delta->miniblock == delta->n_miniblocks) {
        int status = next_block(delta, err);
        if (status) {
            return status;
        }
    }
    int width = delta->widths[delta->miniblock++];
    if (width > delta->bits) {
        return lt_fail(err, LT_E_CORRUPT, "delta-packed numbers of %d bits for values of %d", width,
                       delta->bits);
    }
    int64_t there = delta->end - delta->data;
    int64_t values = LT_MIN(delta->left, delta->miniblock_values);
    if (values * width > there * 8) {
        return lt_pq_short(err);
    }
    delta->width = width;
    delta->packed = delta->data;
    delta->packed_at = 0;
    delta->packed_left = values;
    delta->data += LT_MIN(there, delta->miniblock_values / 8 * width);
    return LEAT_OK;
}

int lt_pq_delta_end(const struct lt_pq_delta *delta, const uint8_t **ret_end,
                    struct leat_error *err)
{
    struct lt_pq_delta rest = *delta;
    rest.left -= rest.packed_left + (rest.at_first && rest.left);
    while (rest.left) {
        int status = next_miniblock(&rest, err);
        if (status) {
            return status;
        }
        rest.left -= rest.packed_left;
    }
    *ret_end = rest.data;
    return LEAT_OK;
}

/* Prepares the next 1..n numbers: *ret_n of them. 0: the header's value is next. */
static int prepare(struct lt_pq_delta *delta, int64_t n, int64_t *ret_n, struct leat_error *err)
{
    if (n > delta->left) {
        return lt_pq_short(err);
    }
    if (!delta->at_first && !delta->packed_left) {
        int status = next_miniblock(delta, err);
        if (status) {
            return status;
        }
    }
    *ret_n = delta->at_first ? 0 : LT_MIN(LT_MIN(n, delta->packed_left), CHUNK);
    return LEAT_OK;
}

static void consumed(struct lt_pq_delta *delta, int64_t n)
{
    delta->packed_at += n;
    delta->packed_left -= n;
    delta->left -= n;
}

/* The numbers' sums for one type; `rise` is what each adds besides what was packed. */
#define SUM_UP(type, unpack)                                                                       \
    {                                                                                              \
        type packed[CHUNK], last = (type)delta->last, rise = (type)delta->min_delta;               \
        if (!delta->width) {                                                                       \
            for (int64_t i = 0; i < n; i++) {                                                      \
                out[i] = last += rise;                                                             \
            }                                                                                      \
        } else {                                                                                   \
            unpack(delta->packed, delta->end, delta->width, delta->packed_at, packed, n);          \
            for (int64_t i = 0; i < n; i++) {                                                      \
                out[i] = last += rise + packed[i];                                                 \
            }                                                                                      \
        }                                                                                          \
        delta->last = last;                                                                        \
    }

static void sum_up32(struct lt_pq_delta *delta, uint32_t *out, int64_t n)
{
    SUM_UP(uint32_t, lt_pq_unpack32)
}

static void sum_up64(struct lt_pq_delta *delta, uint64_t *out, int64_t n)
{
    SUM_UP(uint64_t, lt_pq_unpack64)
}

/* The next n numbers, of 8 bytes (`wide`) or of 4. */
static int get(struct lt_pq_delta *delta, void *out, bool wide, int64_t n, struct leat_error *err)
{
    uint32_t *narrow_out = out;
    uint64_t *wide_out = out;
    for (int64_t i = 0, k = 0; i < n; i += k) {
        int status = prepare(delta, n - i, &k, err);
        if (status) {
            return status;
        }
        if (!k) {
            if (wide) {
                wide_out[i] = delta->last;
            } else {
                narrow_out[i] = (uint32_t)delta->last;
            }
            delta->at_first = false;
            delta->left--;
            k = 1;
            continue;
        }
        if (wide) {
            sum_up64(delta, wide_out + i, k);
        } else {
            sum_up32(delta, narrow_out + i, k);
        }
        consumed(delta, k);
    }
    return LEAT_OK;
}

int lt_pq_delta_get32(struct lt_pq_delta *delta, int32_t *out, int64_t n, struct leat_error *err)
{
    return get(delta, out, false, n, err);
}

int lt_pq_delta_get64(struct lt_pq_delta *delta, int64_t *out, int64_t n, struct leat_error *err)
{
    return get(delta, out, true, n, err);
}
