/* Times by Go's layouts, in which a reference time (Mon Jan 2 15:04:05 MST 2006) stands for its
 * parts; see "Constants" of Go's package time. */
#include "pipe/halfpipe/internal.h"

#include "columnar/text.h"
#include "core/util.h"

#include <stdio.h>
#include <time.h>

struct moment {
    struct tm tm;
    int64_t nanos;
    long offset_s;
};

typedef int put_fn(const struct moment *at, struct lt_buf *out);

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

static int offset(const struct moment *at, const char *colon, bool zulu, struct lt_buf *out)
{
    long minutes = at->offset_s / 60;
    if (zulu && !at->offset_s) {
        return lt_buf_byte(out, 'Z');
    }
    long size = minutes < 0 ? -minutes : minutes;
    return lt_buf_printf(out, "%c%02ld%s%02ld", minutes < 0 ? '-' : '+', size / 60, colon,
                         size % 60);
}

#define PUT(name, ...)                                                                             \
    static int put_##name(const struct moment *at, struct lt_buf *out)                             \
    {                                                                                              \
        return lt_buf_printf(out, __VA_ARGS__);                                                    \
    }
PUT(year, "%04d", at->tm.tm_year + 1900)
PUT(short_year, "%02d", (at->tm.tm_year + 1900) % 100)
PUT(month_name, "%s", months[at->tm.tm_mon])
PUT(month_short, "%.3s", months[at->tm.tm_mon])
PUT(month2, "%02d", at->tm.tm_mon + 1)
PUT(month1, "%d", at->tm.tm_mon + 1)
PUT(day_name, "%s", days[at->tm.tm_wday])
PUT(day_short, "%.3s", days[at->tm.tm_wday])
PUT(day_of_year, "%03d", at->tm.tm_yday + 1)
PUT(day2, "%02d", at->tm.tm_mday)
PUT(day_blank, "%2d", at->tm.tm_mday)
PUT(day1, "%d", at->tm.tm_mday)
PUT(hour24, "%02d", at->tm.tm_hour)
PUT(hour12_2, "%02d", at->tm.tm_hour % 12 ? at->tm.tm_hour % 12 : 12)
PUT(hour12, "%d", at->tm.tm_hour % 12 ? at->tm.tm_hour % 12 : 12)
PUT(minute2, "%02d", at->tm.tm_min)
PUT(minute1, "%d", at->tm.tm_min)
PUT(second2, "%02d", at->tm.tm_sec)
PUT(second1, "%d", at->tm.tm_sec)
PUT(half_upper, "%s", at->tm.tm_hour < 12 ? "AM" : "PM")
PUT(half_lower, "%s", at->tm.tm_hour < 12 ? "am" : "pm")
PUT(zone, "%s", at->tm.tm_zone ? at->tm.tm_zone : "UTC")

static int put_offset(const struct moment *at, struct lt_buf *out)
{
    return offset(at, "", false, out);
}

static int put_offset_colon(const struct moment *at, struct lt_buf *out)
{
    return offset(at, ":", false, out);
}

static int put_zulu(const struct moment *at, struct lt_buf *out)
{
    return offset(at, "", true, out);
}

static int put_zulu_colon(const struct moment *at, struct lt_buf *out)
{
    return offset(at, ":", true, out);
}

/* Longer ones first where one begins with another. */
static const struct {
    const char *text;
    put_fn *put;
} parts[] = {
    {"January", put_month_name},
    {"Monday", put_day_name},
    {"2006", put_year},
    {"Jan", put_month_short},
    {"Mon", put_day_short},
    {"MST", put_zone},
    {"Z07:00", put_zulu_colon},
    {"Z0700", put_zulu},
    {"-07:00", put_offset_colon},
    {"-0700", put_offset},
    {"002", put_day_of_year},
    {"01", put_month2},
    {"02", put_day2},
    {"03", put_hour12_2},
    {"04", put_minute2},
    {"05", put_second2},
    {"06", put_short_year},
    {"15", put_hour24},
    {"_2", put_day_blank},
    {"PM", put_half_upper},
    {"pm", put_half_lower},
    {"1", put_month1},
    {"2", put_day1},
    {"3", put_hour12},
    {"4", put_minute1},
    {"5", put_second1},
};

/* ".000" or ",999": so many digits of the fraction, with nines without its last zeros. */
static size_t put_fraction(const char *layout, const struct moment *at, struct lt_buf *out, int *rc)
{
    char digits[16];
    char digit = layout[1];
    size_t n = 0;
    while (layout[1 + n] == digit && n < 9) {
        n++;
    }
    snprintf(digits, sizeof digits, "%09lld", (long long)at->nanos);
    size_t show = n;
    while (digit == '9' && show && digits[show - 1] == '0') {
        show--;
    }
    if (show) {
        *rc = lt_buf_append(out, layout, 1);
        *rc = *rc ? *rc : lt_buf_append(out, digits, show);
    }
    return n + 1;
}

static int put_one(const char **layout, const struct moment *at, struct lt_buf *out)
{
    int rc = LEAT_OK;
    const char *p = *layout;
    if ((*p == '.' || *p == ',') && (p[1] == '0' || p[1] == '9')) {
        *layout += put_fraction(p, at, out, &rc);
        return rc;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(parts); i++) {
        size_t len = strlen(parts[i].text);
        if (!strncmp(p, parts[i].text, len)) {
            *layout += len;
            return parts[i].put(at, out);
        }
    }
    *layout += 1;
    return lt_buf_append(out, p, 1);
}

int hp_go_time(const char *layout, int64_t seconds, int64_t nanos, bool local, struct lt_buf *out)
{
    struct moment at = {.nanos = nanos};
    time_t when = (time_t)seconds;
    if (!(local ? localtime_r(&when, &at.tm) : gmtime_r(&when, &at.tm))) {
        return LEAT_BAD_DATA;
    }
    at.offset_s = local ? at.tm.tm_gmtoff : 0;
    at.tm.tm_zone = local ? at.tm.tm_zone : "UTC";
    int rc = LEAT_OK;
    while (!rc && *layout) {
        rc = put_one(&layout, &at, out);
    }
    return rc;
}

bool hp_rfc3339(const char *text, int64_t *ret_seconds, int64_t *ret_nanos)
{
    unsigned year, month, day, hour, minute, second, zone_hour = 0, zone_minute = 0;
    int used = 0;
    int64_t nanos = 0, scale = 100000000;
    if (sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second,
               &used) != 6 ||
        month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    const char *p = text + used;
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10) {
            nanos += (*p - '0') * scale;
        }
    }
    char sign = *p++;
    if (sign == '+' || sign == '-') {
        if (sscanf(p, "%2u:%2u%n", &zone_hour, &zone_minute, &used) != 2 || zone_hour > 23 ||
            zone_minute > 59) {
            return false;
        }
        p += used;
    } else if (sign != 'Z' && sign != 'z') {
        return false;
    }
    int64_t shift = ((int64_t)zone_hour * 60 + zone_minute) * 60;
    int64_t days_since = lt_days_of_date((int64_t)year, month, day), back_year;
    unsigned back_month, back_day;
    lt_date_of_days(days_since, &back_year, &back_month, &back_day);
    if (*p || back_month != month || back_day != day) {
        return false;
    }
    *ret_seconds =
        days_since * 86400 + hour * 3600 + minute * 60 + second - (sign == '-' ? -shift : shift);
    *ret_nanos = nanos;
    return true;
}
