/* Bit-packed numbers, least significant bit first (Encodings.md, "Run Length Encoding /
 * Bit-Packing Hybrid"): the one place that unpacks them. */
#ifndef LT_PARQUET_UNPACK_H
#define LT_PARQUET_UNPACK_H

#include <stdint.h>

/* Unpacks the numbers first .. first + n - 1 of those that begin at `in`, `width` bits each (0..32,
 * 0..64). The caller has checked that their bits lie before `end`; nothing from there on is
 * read. */
void lt_pq_unpack32(const uint8_t *in, const uint8_t *end, int width, int64_t first, uint32_t *out,
                    int64_t n);
void lt_pq_unpack64(const uint8_t *in, const uint8_t *end, int width, int64_t first, uint64_t *out,
                    int64_t n);

/* n bits as bytes 0 or 1, from bit `first` on; the same rules. */
void lt_pq_unpack_bits(const uint8_t *in, int64_t first, uint8_t *out, int64_t n);

#endif
