/* Values as Halfpipe writes them. */
#include "pipe/halfpipe/internal.h"

#include "columnar/text.h"

#include <stdio.h>
#include <time.h>

static const int64_t units[] = {1, 1000, 1000000, 1000000000};

bool hp_instant(const struct lt_view *column, int64_t row, int64_t *ret_seconds, int64_t *ret_nanos)
{
    int64_t value;
    int64_t per_second = units[column->type.unit];
    switch (column->type.id) {
    case LT_DATE32:
        *ret_seconds = (int64_t)lt_view_i32(column, row) * 86400;
        *ret_nanos = 0;
        return true;
    case LT_DATE64:
        value = lt_view_i64(column, row);
        per_second = 1000;
        break;
    case LT_TIMESTAMP:
        value = lt_view_i64(column, row);
        break;
    default:
        return false;
    }
    int64_t rest = value % per_second;
    rest += rest < 0 ? per_second : 0;
    *ret_seconds = (value - rest) / per_second;
    *ret_nanos = rest * (1000000000 / per_second);
    return true;
}

/* YYYYMMDDTHHMMSS[.fraction]+0000: points in time are in UTC. */
static int put_instant(int64_t seconds, int64_t nanos, struct lt_buf *out)
{
    int64_t days = seconds / 86400, year, left = seconds % 86400;
    unsigned month, day;
    if (left < 0) {
        left += 86400;
        days--;
    }
    lt_date_of_days(days, &year, &month, &day);
    int rc = lt_buf_printf(out, "%04lld%02u%02uT%02d%02d%02d", (long long)year, month, day,
                           (int)(left / 3600), (int)(left / 60 % 60), (int)(left % 60));
    if (!rc && nanos) {
        char digits[16];
        size_t len = (size_t)snprintf(digits, sizeof digits, ".%09lld", (long long)nanos);
        while (digits[len - 1] == '0') {
            len--;
        }
        rc = lt_buf_append(out, digits, len);
    }
    return rc ? rc : lt_buf_puts(out, "+0000");
}

/* A float's text without an exponent. */
static int put_plain(const char *text, size_t len, struct lt_buf *out)
{
    const char *e = memchr(text, 'e', len);
    if (!e) {
        return lt_buf_append(out, text, len);
    }
    char digits[40];
    size_t n = 0, before = 0;
    bool negative = *text == '-', dot = false;
    for (const char *p = text + negative; p < e && n < sizeof digits; p++) {
        dot = dot || *p == '.';
        before += !dot;
        if (*p != '.') {
            digits[n++] = *p;
        }
    }
    int power = 0;
    for (const char *p = e + 1 + (e[1] == '-' || e[1] == '+'); p < text + len; p++) {
        power = power * 10 + (*p - '0');
    }
    int point = (int)before + (e[1] == '-' ? -power : power); /* digits before the point */
    int rc = negative ? lt_buf_byte(out, '-') : LEAT_OK;
    rc = rc || point > 0 ? rc : lt_buf_puts(out, "0.");
    for (int i = point; !rc && i < 0; i++) {
        rc = lt_buf_byte(out, '0');
    }
    for (int i = 0; !rc && i < (int)n; i++) {
        rc = i && i == point ? lt_buf_byte(out, '.') : LEAT_OK;
        rc = rc ? rc : lt_buf_byte(out, (uint8_t)digits[i]);
    }
    for (int i = (int)n; !rc && i < point; i++) {
        rc = lt_buf_byte(out, '0');
    }
    return rc;
}

/* --- columns -------------------------------------------------------------------------------- */

typedef int put_fn(const struct lt_view *column, int64_t row, struct lt_buf *out);

static inline int fill(struct hp_texts *texts, const struct lt_view *column, put_fn *put)
{
    int64_t *ends = (int64_t *)(void *)texts->ends.data;
    int rc = LEAT_OK;
    for (int64_t row = 0; !rc && row < column->length; row++) {
        rc = lt_view_is_null(column, row) ? LEAT_OK : put(column, row, &texts->bytes);
        ends[row] = (int64_t)texts->bytes.len;
    }
    return rc;
}

static int put_bytes(const struct lt_view *column, int64_t row, struct lt_buf *out)
{
    size_t len;
    const uint8_t *bytes = lt_view_bytes(column, row, &len);
    return lt_buf_append(out, bytes, len);
}

static int put_integer(const struct lt_view *column, int64_t row, struct lt_buf *out)
{
    char digits[24], *p = digits + sizeof digits;
    int64_t value = lt_view_integer_but_u64(column, row);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) {
        *--p = '-';
    }
    return lt_buf_append(out, p, (size_t)(digits + sizeof digits - p));
}

static int put_time(const struct lt_view *column, int64_t row, struct lt_buf *out)
{
    int64_t seconds = 0, nanos = 0;
    hp_instant(column, row, &seconds, &nanos);
    return put_instant(seconds, nanos, out);
}

static int put_float(const struct lt_view *column, int64_t row, struct lt_buf *out)
{
    char text[32];
    int len = column->type.id == LT_FLOAT32 ? lt_float_format(lt_view_f32(column, row), text)
                                            : lt_double_format(lt_view_f64(column, row), text);
    return put_plain(text, (size_t)len, out);
}

static int put_other(const struct lt_view *column, int64_t row, struct lt_buf *out)
{
    return lt_text_format(column, row, out);
}

static int fill_by_type(struct hp_texts *texts, const struct lt_view *column)
{
    bool plain = column->type.logical == LT_PLAIN || column->type.logical == LT_JSON ||
                 column->type.logical == LT_NUMERIC;
    switch (column->type.id) {
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return fill(texts, column, put_bytes);
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_FIXED_BINARY:
        return plain ? fill(texts, column, put_bytes) : fill(texts, column, put_other);
    case LT_INT8:
    case LT_INT16:
    case LT_INT32:
    case LT_INT64:
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
        return fill(texts, column, put_integer);
    case LT_DATE32:
    case LT_DATE64:
    case LT_TIMESTAMP:
        return fill(texts, column, put_time);
    case LT_FLOAT32:
    case LT_FLOAT64:
        return fill(texts, column, put_float);
    default:
        return fill(texts, column, put_other);
    }
}

int hp_texts_fill(struct hp_texts *texts, const struct lt_view *column, struct leat_error *err)
{
    lt_buf_clear(&texts->bytes);
    lt_buf_clear(&texts->ends);
    if (lt_buf_reserve(&texts->ends, (size_t)column->length * sizeof(int64_t)) ||
        fill_by_type(texts, column)) {
        return lt_fail_oom(err);
    }
    texts->ends.len = (size_t)column->length * sizeof(int64_t);
    return LEAT_OK;
}

void hp_texts_done(struct hp_texts *texts)
{
    lt_buf_done(&texts->bytes);
    lt_buf_done(&texts->ends);
}
