/* Small things every part needs: UTF-8, hashes, clocks, random ids, similar names. */
#ifndef LT_UTIL_H
#define LT_UTIL_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LT_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define LT_MIN(a, b) ((a) < (b) ? (a) : (b))
#define LT_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Length of the valid UTF-8 prefix: equals len when all is valid. No surrogates, no overlong
 * forms, at most U+10FFFF. */
size_t lt_utf8_valid_prefix(const void *data, size_t len);

/* XXH3, 64 bits, seed 0. */
uint64_t lt_hash(const void *data, size_t len);

/* Monotonic and wall clocks. */
int64_t lt_now_us(void);
int64_t lt_wall_us(void);

/* A new id: 32 lower-case hex digits and a NUL, sorted by time (48 bits of milliseconds, then
 * random bits, as UUID version 7 does). */
void lt_new_id(char ret_id[33]);

/* Sleeps, but wakes within 50 ms once *cancel is non-zero. cancel may be NULL. */
void lt_sleep_ms(int64_t ms, const volatile int *cancel);

/* How many letters are to be changed, added, taken away or exchanged with the next, case aside. Both
 * at most LT_EDIT_LEN_MAX bytes long. */
#define LT_EDIT_LEN_MAX 96
size_t lt_edit_distance(const char *a, size_t a_len, const char *b, size_t b_len);

/* Edit distance, for "did you mean": the closest of `names` (NULL-terminated) within a third of
 * the word's length, or NULL. */
const char *lt_closest(const char *word, const char *const *names);

/* Shell-like match, case-sensitive: * and % any run, ? one character; no classes. */
bool lt_wildcard_match(const char *pattern, const char *text);
bool lt_wildcard_has(const char *text);
/* Where the last part of a dotted name begins, as in schema.table; dots in quotes part nothing. */
size_t lt_name_last_part(const char *name);

/* strtoll with full checking: digits only (leading - allowed), LEAT_INVALID otherwise. */
int lt_parse_int(const char *text, int64_t *ret_value);
/* "96MiB", "1G", "500k", "1048576": binary for KiB/MiB/GiB and bare k/m/g. */
int lt_parse_size(const char *text, int64_t *ret_bytes, struct leat_error *err);
/* "2h", "30s", "500ms", "1d": milliseconds. A bare number is seconds. */
int lt_parse_duration(const char *text, int64_t *ret_ms, struct leat_error *err);

/* Human forms into a caller's buffer: "1.1 GB" (decimal units), "2.9 s", "1,204,331". */
#define LT_HUMAN_MAX 32
const char *lt_human_bytes(int64_t bytes, char text[LT_HUMAN_MAX]);
const char *lt_human_time(int64_t us, char text[LT_HUMAN_MAX]);
const char *lt_human_count(int64_t n, char text[LT_HUMAN_MAX]);

#endif
