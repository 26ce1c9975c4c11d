/* Hashes, clocks, ids, names and numbers. UTF-8 and wildcards as well. */
#include "core/util.h"

#include "core/buf.h"
#include "core/codes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/banned.h"

#define SLEEP_STEP_MS 50

/* Length of the valid sequence at data[0], 0 when there is none. Unicode Standard, table 3-7
 * ("Well-Formed UTF-8 Byte Sequences"): only the second byte's range depends on the first. */
static size_t utf8_sequence(const uint8_t *data, size_t len)
{
    uint8_t first = data[0];
    if (first < 0x80) {
        return 1;
    }
    size_t n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (n == 0 || n > len) {
        return 0;
    }
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (data[1] < low || data[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

size_t lt_utf8_valid_prefix(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    size_t at = 0;
    while (at < len) {
        /* Most text is ASCII: eight bytes at a time while no top bit is set. */
        while (len - at >= 8) {
            uint64_t word;
            memcpy(&word, bytes + at, 8);
            if (word & 0x8080808080808080u) {
                break;
            }
            at += 8;
        }
        while (at < len && bytes[at] < 0x80) {
            at++;
        }
        while (at < len && bytes[at] >= 0x80) {
            size_t n = utf8_sequence(bytes + at, len - at);
            if (!n) {
                return at;
            }
            at += n;
        }
    }
    return at;
}

uint64_t lt_hash(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t lt_now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t lt_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

/* Where the kernel gives no random bytes (a seccomp filter, say) ids need only differ, not be
 * secret: clock, process, address and a counter are hashed instead. */
static void random_bytes(uint8_t *bytes, size_t len)
{
    static uint64_t counter;
    if (getrandom(bytes, len, GRND_NONBLOCK) == (ssize_t)len) {
        return;
    }
    uint64_t seed[5] = {(uint64_t)clock_us(CLOCK_MONOTONIC), (uint64_t)clock_us(CLOCK_REALTIME),
                        (uint64_t)getpid(), (uint64_t)(uintptr_t)bytes,
                        __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED)};
    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = XXH3_64bits_withSeed(seed, sizeof(seed), at);
        memcpy(bytes + at, &word, LT_MIN(len - at, (size_t)8));
    }
}

void lt_new_id(char ret_id[33])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t id[16];
    uint64_t ms = (uint64_t)(lt_wall_us() / 1000);
    for (int i = 0; i < 6; i++) {
        id[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    random_bytes(id + 6, 10);
    /* RFC 9562 section 5.7: version 7 and variant 10. */
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    for (size_t i = 0; i < sizeof(id); i++) {
        ret_id[2 * i] = hex[id[i] >> 4];
        ret_id[2 * i + 1] = hex[id[i] & 15];
    }
    ret_id[32] = 0;
}

void lt_sleep_ms(int64_t ms, const volatile int *cancel)
{
    int64_t start = lt_now_us() / 1000;
    for (;;) {
        if (cancel && __atomic_load_n(cancel, __ATOMIC_ACQUIRE)) {
            return;
        }
        /* Counted from what has passed, not from a deadline: no sum can overflow. */
        int64_t left = ms - (lt_now_us() / 1000 - start);
        if (left <= 0) {
            return;
        }
        if (cancel && left > SLEEP_STEP_MS) {
            left = SLEEP_STEP_MS;
        }
        struct timespec step = {(time_t)(left / 1000), (long)(left % 1000) * 1000000};
        nanosleep(&step, NULL);
    }
}

static int fold(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

size_t lt_edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LT_EDIT_LEN_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_len; j++) {
        last[j] = before[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = fold(a[i - 1]) == fold(b[j - 1]);
            size_t best = last[j - 1] + (same ? 0 : 1);
            best = LT_MIN(best, last[j] + 1);
            best = LT_MIN(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1])) {
                best = LT_MIN(best, before[j - 2] + 1);
            }
            row[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_len];
}

const char *lt_closest(const char *word, const char *const *names)
{
    size_t len = strlen(word);
    if (len > LT_EDIT_LEN_MAX) {
        return NULL;
    }
    const char *closest = NULL;
    size_t least = len / 3 + 1;
    for (; *names; names++) {
        size_t name_len = strlen(*names);
        if (name_len > LT_EDIT_LEN_MAX) {
            continue;
        }
        size_t distance = lt_edit_distance(word, len, *names, name_len);
        if (distance < least) {
            least = distance;
            closest = *names;
        }
    }
    return closest;
}

static size_t character_len(const char *text)
{
    size_t n = utf8_sequence((const uint8_t *)text, strnlen(text, 4));
    return n ? n : 1;
}

bool lt_wildcard_match(const char *pattern, const char *text)
{
    /* Only the last run can need another try: what matched before it stays matched. */
    const char *run = NULL;
    const char *run_text = NULL;
    while (*text) {
        if (*pattern == '*' || *pattern == '%') {
            run = ++pattern;
            run_text = text;
        } else if (*pattern == '?') {
            pattern++;
            text += character_len(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (run) {
            pattern = run;
            run_text += character_len(run_text);
            text = run_text;
        } else {
            return false;
        }
    }
    while (*pattern == '*' || *pattern == '%') {
        pattern++;
    }
    return *pattern == 0;
}

bool lt_wildcard_has(const char *text)
{
    return strpbrk(text, "*%?") != NULL;
}

int lt_parse_int(const char *text, int64_t *ret_value)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (!digits[0] || digits[strspn(digits, "0123456789")]) {
        return LEAT_INVALID;
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno) {
        return LEAT_INVALID;
    }
    *ret_value = (int64_t)value;
    return LEAT_OK;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* Digits and one of the units, whatever its case; LEAT_INVALID without a word otherwise. */
static int parse_with_unit(const char *text, const struct unit *units, size_t n_units,
                           int64_t *ret_value)
{
    size_t n_digits = strspn(text, "0123456789");
    char digits[24];
    int64_t number;
    if (n_digits == 0 || n_digits >= sizeof(digits)) {
        return LEAT_INVALID;
    }
    memcpy(digits, text, n_digits);
    digits[n_digits] = 0;
    if (lt_parse_int(digits, &number)) {
        return LEAT_INVALID;
    }
    for (size_t i = 0; i < n_units; i++) {
        if (strcasecmp(text + n_digits, units[i].name) == 0) {
            int64_t value;
            if (__builtin_mul_overflow(number, units[i].factor, &value)) {
                return LEAT_INVALID;
            }
            *ret_value = value;
            return LEAT_OK;
        }
    }
    return LEAT_INVALID;
}

int lt_parse_size(const char *text, int64_t *ret_bytes, struct leat_error *err)
{
    static const struct unit units[] = {
        {"", 1},
        {"b", 1},
        {"k", 1024},
        {"kib", 1024},
        {"kb", 1000},
        {"m", 1 << 20},
        {"mib", 1 << 20},
        {"mb", 1000000},
        {"g", 1 << 30},
        {"gib", 1 << 30},
        {"gb", 1000000000},
        {"t", 1LL << 40},
        {"tib", 1LL << 40},
        {"tb", 1000000000000},
    };
    if (parse_with_unit(text, units, LT_ARRAY_LEN(units), ret_bytes)) {
        lt_fail(err, LT_E_INVALID, "\"%s\" is no size", text);
        leat_error_remedy(err, "write a whole number and a unit, as in 96MiB, 1G or 500k");
        return LEAT_INVALID;
    }
    return LEAT_OK;
}

int lt_parse_duration(const char *text, int64_t *ret_ms, struct leat_error *err)
{
    static const struct unit units[] = {
        {"", 1000},     {"ms", 1},      {"s", 1000},     {"sec", 1000},    {"m", 60000},
        {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
    };
    if (parse_with_unit(text, units, LT_ARRAY_LEN(units), ret_ms)) {
        lt_fail(err, LT_E_INVALID, "\"%s\" is no duration", text);
        leat_error_remedy(err, "write a whole number and a unit, as in 2h, 30s or 500ms");
        return LEAT_INVALID;
    }
    return LEAT_OK;
}

static uint64_t magnitude(int64_t n)
{
    return n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;
}

const char *lt_human_bytes(int64_t bytes, char text[LT_HUMAN_MAX])
{
    static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    const char *sign = bytes < 0 ? "-" : "";
    uint64_t n = magnitude(bytes);
    if (n < 1000) {
        snprintf(text, LT_HUMAN_MAX, "%s%u B", sign, (unsigned)n);
        return text;
    }
    uint64_t divisor = 1000;
    size_t i = 0;
    uint64_t tenths;
    for (;; i++, divisor *= 1000) {
        /* Two steps, for ten times the largest count would not fit. */
        tenths = n / divisor * 10 + (n % divisor * 10 + divisor / 2) / divisor;
        if (tenths < 10000 || i + 1 == LT_ARRAY_LEN(names)) {
            break;
        }
    }
    snprintf(text, LT_HUMAN_MAX, "%s%u.%u %s", sign, (unsigned)(tenths / 10),
             (unsigned)(tenths % 10), names[i]);
    return text;
}

const char *lt_human_time(int64_t us, char text[LT_HUMAN_MAX])
{
    const char *sign = us < 0 ? "-" : "";
    uint64_t n = magnitude(us);
    uint64_t s = (n + 500000) / 1000000;
    if (n < 1000) {
        snprintf(text, LT_HUMAN_MAX, "%s%u us", sign, (unsigned)n);
    } else if (n < 999500) {
        snprintf(text, LT_HUMAN_MAX, "%s%u ms", sign, (unsigned)((n + 500) / 1000));
    } else if (n < 59950000) {
        unsigned tenths = (unsigned)((n + 50000) / 100000);
        snprintf(text, LT_HUMAN_MAX, "%s%u.%u s", sign, tenths / 10, tenths % 10);
    } else if (s < 3600) {
        snprintf(text, LT_HUMAN_MAX, "%s%u min %02u s", sign, (unsigned)(s / 60),
                 (unsigned)(s % 60));
    } else {
        snprintf(text, LT_HUMAN_MAX, "%s%llu h %02u min", sign, (unsigned long long)(s / 3600),
                 (unsigned)(s % 3600 / 60));
    }
    return text;
}

const char *lt_human_count(int64_t n, char text[LT_HUMAN_MAX])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)magnitude(n));
    char *to = text;
    if (n < 0) {
        *to++ = '-';
    }
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = 0;
    return text;
}

size_t lt_name_last_part(const char *name)
{
    size_t start = 0;
    bool quoted = false;
    for (size_t i = 0; name[i]; i++) {
        quoted ^= name[i] == '"';
        start = name[i] == '.' && !quoted ? i + 1 : start;
    }
    return start;
}
