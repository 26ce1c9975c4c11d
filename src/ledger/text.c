#include "ledger/text.h"

#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/random.h>
#include <wctype.h>

#define GUID_BYTES 16

/* --- ids ------------------------------------------------------------------------------------ */

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10;
}

static void print_bytes(const uint8_t *bytes, char *ret_guid)
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret_guid;
    for (int i = 0; i < GUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = 0;
}

int lt_guid_parse(const char *text, char ret_guid[LEAT_GUID_MAX], struct leat_error *err)
{
    uint8_t bytes[GUID_BYTES];
    bool braces = *text == '{', good = true;
    const char *at = text + braces;
    for (int i = 0; good && i < GUID_BYTES; i++) {
        good = isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1]);
        if (good) {
            bytes[i] = (uint8_t)(digit(at[0]) * 16 + digit(at[1]));
            at += 2;
            at += *at == '-' && (i & 1) && i < GUID_BYTES - 1;
        }
    }
    good = good && (!braces || *at++ == '}') && !*at;
    if (!good) {
        return lt_fail(err, LT_E_INVALID, "invalid input syntax for type uuid: \"%.100s\"", text);
    }
    print_bytes(bytes, ret_guid);
    return LEAT_OK;
}

void lt_guid_print(const uint8_t bytes[16], char ret_guid[LEAT_GUID_MAX])
{
    uint8_t copy[GUID_BYTES];
    memcpy(copy, bytes, sizeof copy);
    copy[6] = (copy[6] & 0x0f) | 0x40; /* version 4, RFC 9562 section 5.4 */
    copy[8] = (copy[8] & 0x3f) | 0x80;
    print_bytes(copy, ret_guid);
}

int lt_random(void *data, size_t n, struct leat_error *err)
{
    uint8_t *at = data;
    while (n) {
        ssize_t got = getrandom(at, LT_MIN(n, 256), 0);
        if (got < 0 && errno != EINTR) {
            return lt_fail_errno(err, errno, "no random bytes");
        }
        at += LT_MAX(got, 0);
        n -= (size_t)LT_MAX(got, 0);
    }
    return LEAT_OK;
}

/* --- code points ---------------------------------------------------------------------------- */

uint32_t lt_code_point(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    size_t len = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if (len > strlen(*text) || lt_utf8_valid_prefix(at, len) != len) {
        *text += 1;
        return 0xdc00u + *at;
    }
    uint32_t point = len == 1 ? *at : *at & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        point = point << 6 | (at[i] & 0x3f);
    }
    *text += len;
    return point;
}

size_t lt_code_points(const char *text)
{
    size_t n = 0;
    for (; *text; n++) {
        lt_code_point(&text);
    }
    return n;
}

static int put_point(struct lt_buf *out, uint32_t point)
{
    uint8_t bytes[4];
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    bytes[0] = (uint8_t)(len == 1 ? point : (0xf00u >> len & 0xf0) | point);
    return lt_buf_append(out, bytes, len);
}

/* --- capitals ------------------------------------------------------------------------------- */

/* Code points whose capital form is more than one: Unicode's SpecialCasing.txt, those without a
 * condition. Sorted. */
static const struct {
    uint16_t point, upper[3];
} special[] = {
    // clang-format off
    
{0x00DF, {0x0053, 0x0053, 0}},
        {0x0149, {0x02BC, 0x004E, 0}},
        {0x01F0, {0x004A, 0x030C, 0}},
        {0x0390, {0x0399, 0x0308, 0x0301}},
        {0x03B0, {0x03A5, 0x0308, 0x0301}},
        {0x0587, {0x0535, 0x0552, 0}},
        {0x1E96, {0x0048, 0x0331, 0}},
        {0x1E97, {0x0054, 0x0308, 0}},
        {0x1E98, {0x0057, 0x030A, 0}},
        {0x1E99, {0x0059, 0x030A, 0}},
        {0x1E9A, {0x0041, 0x02BE, 0}},
        {0x1F50, {0x03A5, 0x0313, 0}},
        {0x1F52, {0x03A5, 0x0313, 0x0300}},
        {0x1F54, {0x03A5, 0x0313, 0x0301}},
        {0x1F56, {0x03A5, 0x0313, 0x0342}},
        {0x1F80, {0x1F08, 0x0399, 0}},
        {0x1F81, {0x1F09, 0x0399, 0}},
        {0x1F82, {0x1F0A, 0x0399, 0}},
        {0x1F83, {0x1F0B, 0x0399, 0}},
        {0x1F84, {0x1F0C, 0x0399, 0}},
        {0x1F85, {0x1F0D, 0x0399, 0}},
        {0x1F86, {0x1F0E, 0x0399, 0}},
        {0x1F87, {0x1F0F, 0x0399, 0}},
        {0x1F88, {0x1F08, 0x0399, 0}},
        {0x1F89, {0x1F09, 0x0399, 0}},
        {0x1F8A, {0x1F0A, 0x0399, 0}},
        {0x1F8B, {0x1F0B, 0x0399, 0}},
        {0x1F8C, {0x1F0C, 0x0399, 0}},
        {0x1F8D, {0x1F0D, 0x0399, 0}},
        {0x1F8E, {0x1F0E, 0x0399, 0}},
        {0x1F8F, {0x1F0F, 0x0399, 0}},
        {0x1F90, {0x1F28, 0x0399, 0}},
        {0x1F91, {0x1F29, 0x0399, 0}},
        {0x1F92, {0x1F2A, 0x0399, 0}},
        {0x1F93, {0x1F2B, 0x0399, 0}},
        {0x1F94, {0x1F2C, 0x0399, 0}},
        {0x1F95, {0x1F2D, 0x0399, 0}},
        {0x1F96, {0x1F2E, 0x0399, 0}},
        {0x1F97, {0x1F2F, 0x0399, 0}},
        {0x1F98, {0x1F28, 0x0399, 0}},
        {0x1F99, {0x1F29, 0x0399, 0}},
        {0x1F9A, {0x1F2A, 0x0399, 0}},
        {0x1F9B, {0x1F2B, 0x0399, 0}},
        {0x1F9C, {0x1F2C, 0x0399, 0}},
        {0x1F9D, {0x1F2D, 0x0399, 0}},
        {0x1F9E, {0x1F2E, 0x0399, 0}},
        {0x1F9F, {0x1F2F, 0x0399, 0}},
        {0x1FA0, {0x1F68, 0x0399, 0}},
        {0x1FA1, {0x1F69, 0x0399, 0}},
        {0x1FA2, {0x1F6A, 0x0399, 0}},
        {0x1FA3, {0x1F6B, 0x0399, 0}},
        {0x1FA4, {0x1F6C, 0x0399, 0}},
        {0x1FA5, {0x1F6D, 0x0399, 0}},
        {0x1FA6, {0x1F6E, 0x0399, 0}},
        {0x1FA7, {0x1F6F, 0x0399, 0}},
        {0x1FA8, {0x1F68, 0x0399, 0}},
        {0x1FA9, {0x1F69, 0x0399, 0}},
        {0x1FAA, {0x1F6A, 0x0399, 0}},
        {0x1FAB, {0x1F6B, 0x0399, 0}},
        {0x1FAC, {0x1F6C, 0x0399, 0}},
        {0x1FAD, {0x1F6D, 0x0399, 0}},
        {0x1FAE, {0x1F6E, 0x0399, 0}},
        {0x1FAF, {0x1F6F, 0x0399, 0}},
        {0x1FB2, {0x1FBA, 0x0399, 0}},
        {0x1FB3, {0x0391, 0x0399, 0}},
        {0x1FB4, {0x0386, 0x0399, 0}},
        {0x1FB6, {0x0391, 0x0342, 0}},
        {0x1FB7, {0x0391, 0x0342, 0x0399}},
        {0x1FBC, {0x0391, 0x0399, 0}},
        {0x1FC2, {0x1FCA, 0x0399, 0}},
        {0x1FC3, {0x0397, 0x0399, 0}},
        {0x1FC4, {0x0389, 0x0399, 0}},
        {0x1FC6, {0x0397, 0x0342, 0}},
        {0x1FC7, {0x0397, 0x0342, 0x0399}},
        {0x1FCC, {0x0397, 0x0399, 0}},
        {0x1FD2, {0x0399, 0x0308, 0x0300}},
        {0x1FD3, {0x0399, 0x0308, 0x0301}},
        {0x1FD6, {0x0399, 0x0342, 0}},
        {0x1FD7, {0x0399, 0x0308, 0x0342}},
        {0x1FE2, {0x03A5, 0x0308, 0x0300}},
        {0x1FE3, {0x03A5, 0x0308, 0x0301}},
        {0x1FE4, {0x03A1, 0x0313, 0}},
        {0x1FE6, {0x03A5, 0x0342, 0}},
        {0x1FE7, {0x03A5, 0x0308, 0x0342}},
        {0x1FF2, {0x1FFA, 0x0399, 0}},
        {0x1FF3, {0x03A9, 0x0399, 0}},
        {0x1FF4, {0x038F, 0x0399, 0}},
        {0x1FF6, {0x03A9, 0x0342, 0}},
        {0x1FF7, {0x03A9, 0x0342, 0x0399}},
        {0x1FFC, {0x03A9, 0x0399, 0}},
        {0xFB00, {0x0046, 0x0046, 0}},
        {0xFB01, {0x0046, 0x0049, 0}},
        {0xFB02, {0x0046, 0x004C, 0}},
        {0xFB03, {0x0046, 0x0046, 0x0049}},
        {0xFB04, {0x0046, 0x0046, 0x004C}},
        {0xFB05, {0x0053, 0x0054, 0}},
        {0xFB06, {0x0053, 0x0054, 0}},
        {0xFB13, {0x0544, 0x0546, 0}},
        {0xFB14, {0x0544, 0x0535, 0}},
        {0xFB15, {0x0544, 0x053B, 0}},
        {0xFB16, {0x054E, 0x0546, 0}},
        {0xFB17, {0x0544, 0x053D, 0}} // clang-format on
};

static const uint16_t *special_of(uint32_t point)
{
    size_t low = 0, high = LT_ARRAY_LEN(special);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (special[middle].point == point) {
            return special[middle].upper;
        }
        if (special[middle].point < point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static locale_t unicode;

static void find_locale(void)
{
    static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8"};
    for (size_t i = 0; !unicode && i < LT_ARRAY_LEN(names); i++) {
        unicode = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
    }
}

static uint32_t simple_upper(uint32_t point)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (point < 0x80) {
        return (uint32_t)(point >= 'a' && point <= 'z' ? point - 32 : point);
    }
    pthread_once(&once, find_locale);
    return unicode ? (uint32_t)towupper_l((wint_t)point, unicode) : point;
}

int lt_upper(const char *text, struct lt_buf *out, struct leat_error *err)
{
    int failed = lt_buf_append(out, "", 0);
    if (lt_utf8_valid_prefix(text, strlen(text)) != strlen(text)) {
        return lt_fail(err, LT_E_INVALID_UTF8, "the name is not valid UTF-8");
    }
    while (*text && !failed) {
        uint32_t point = lt_code_point(&text);
        const uint16_t *many = special_of(point);
        failed = many ? LEAT_OK : put_point(out, simple_upper(point));
        for (int i = 0; many && i < 3 && many[i]; i++) {
            failed |= put_point(out, many[i]);
        }
    }
    return failed ? lt_fail_oom(err) : LEAT_OK;
}
