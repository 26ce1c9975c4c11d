/* Dates, times, timestamps and intervals as text, in the proleptic Gregorian calendar. */
#include "columnar/text_parts.h"
#include "core/util.h"

#define DAY_SECONDS 86400
#define NANOS_PER_SECOND 1000000000
#define YEAR_DIGITS_MAX 12 /* a timestamp in seconds reaches the year 292277026596 */

static const char *const why_date = "not a date (year-month-day)";
static const char *const why_time = "not a time of day (hours:minutes:seconds)";
static const char *const why_timestamp = "not a timestamp";
static const char *const why_interval = "not an ISO 8601 interval (P1Y2M3DT4H5M6S)";
static const char *const why_fraction = "more fraction digits than the unit of its type";

int64_t lt_unit_ticks(enum lt_unit unit)
{
    static const int64_t ticks[] = {1, 1000, 1000000, NANOS_PER_SECOND};

    return ticks[unit];
}

/* --- days ---------------------------------------------------------------------------------- */

/* Years are counted from March on, so that the leap day is the last of its year; 400 years, an
 * era, have 146,097 days. */
int64_t lt_days_of_date(int64_t year, unsigned month, unsigned day)
{
    int64_t era, year_of_era, day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468; /* days from 0000-03-01 to 1970-01-01 */
}

void lt_date_of_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    /* Taken apart before the shift to 0000-03-01, which could overflow at the end of int64. */
    int64_t era = days / 146097, day_of_era = days % 146097 + 719468 % 146097;
    int64_t year_of_era, day_of_year, month;

    era += 719468 / 146097;
    if (day_of_era < 0) {
        day_of_era += 146097;
        era--;
    } else if (day_of_era >= 146097) {
        day_of_era -= 146097;
        era++;
    }
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (unsigned)(month < 10 ? month + 3 : month - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        return 29;
    }
    return days[month - 1];
}

/* --- parsing: each piece moves *at on, and returns false without a reason ------------------- */

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') <= 9;
}

static bool two_digits(const char **at, const char *end, unsigned *ret_value)
{
    const char *p = *at;

    if (end - p < 2 || !is_digit(p[0]) || !is_digit(p[1])) {
        return false;
    }
    *ret_value = (unsigned)((p[0] - '0') * 10 + (p[1] - '0'));
    *at = p + 2;
    return true;
}

static bool one_char(const char **at, const char *end, char c)
{
    if (*at == end || **at != c) {
        return false;
    }
    ++*at;
    return true;
}

static int date_piece(const char **at, const char *end, int64_t *ret_days, const char **ret_why)
{
    const char *p = *at, *first;
    bool negative = false;
    int64_t year = 0;
    unsigned month, day;

    if (p < end && (*p == '+' || *p == '-')) {
        negative = *p++ == '-';
    }
    for (first = p; p < end && is_digit(*p) && p - first < YEAR_DIGITS_MAX; p++) {
        year = year * 10 + (*p - '0');
    }
    if (p - first < 4 || !one_char(&p, end, '-') || !two_digits(&p, end, &month) ||
        !one_char(&p, end, '-') || !two_digits(&p, end, &day)) {
        return lt_refuse(ret_why, why_date);
    }
    year = negative ? -year : year;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return lt_refuse(ret_why, "no such day in the calendar");
    }
    *ret_days = lt_days_of_date(year, month, day);
    *at = p;
    return LEAT_OK;
}

/* Digits after the point, as ticks of the unit. */
static int fraction_piece(const char **at, const char *end, enum lt_unit unit, int64_t *ret_ticks,
                          const char **ret_why)
{
    int64_t ticks = 0, place = lt_unit_ticks(unit);
    const char *p = *at;

    if (p == end || !is_digit(*p)) {
        return lt_refuse(ret_why, why_time);
    }
    for (; p < end && is_digit(*p); p++) {
        place /= 10;
        if (!place && *p != '0') {
            return lt_refuse(ret_why, why_fraction);
        }
        ticks += place * (*p - '0');
    }
    *ret_ticks = ticks;
    *at = p;
    return LEAT_OK;
}

/* hh:mm[:ss[.fraction]] as seconds and ticks. */
static int time_piece(const char **at, const char *end, enum lt_unit unit, int64_t *ret_seconds,
                      int64_t *ret_ticks, const char **ret_why)
{
    unsigned hour, minute, second = 0;
    int status;

    *ret_ticks = 0;
    if (!two_digits(at, end, &hour) || !one_char(at, end, ':') || !two_digits(at, end, &minute)) {
        return lt_refuse(ret_why, why_time);
    }
    if (one_char(at, end, ':')) {
        if (!two_digits(at, end, &second)) {
            return lt_refuse(ret_why, why_time);
        }
        if (one_char(at, end, '.') &&
            (status = fraction_piece(at, end, unit, ret_ticks, ret_why)) != LEAT_OK) {
            return status;
        }
    }
    if (hour == 24 && !minute && !second && !*ret_ticks) {
        return lt_refuse(ret_why, "24:00 has no place in a time of day");
    }
    if (second == 60 && minute < 60 && hour < 24) {
        return lt_refuse(ret_why, "a leap second has no place in the type");
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return lt_refuse(ret_why, why_time);
    }
    *ret_seconds = ((int64_t)hour * 60 + minute) * 60 + second;
    return LEAT_OK;
}

/* Z, UTC, +hh, +hhmm, +hh:mm, +hh:mm:ss, as seconds east of Greenwich. */
static bool zone_piece(const char **at, const char *end, int64_t *ret_seconds)
{
    unsigned hour, minute = 0, second = 0;
    bool negative, colon;

    *ret_seconds = 0;
    if (one_char(at, end, 'Z') || one_char(at, end, 'z')) {
        return true;
    }
    if (end - *at >= 3 && !memcmp(*at, "UTC", 3)) {
        *at += 3;
        return true;
    }
    if (*at == end || (**at != '+' && **at != '-')) {
        return false;
    }
    negative = *(*at)++ == '-';
    if (!two_digits(at, end, &hour)) {
        return false;
    }
    colon = one_char(at, end, ':');
    if ((colon || *at < end) && !two_digits(at, end, &minute)) {
        return false;
    }
    if (colon && one_char(at, end, ':') && !two_digits(at, end, &second)) {
        return false;
    }
    if (hour > 15 || minute > 59 || second > 59) {
        return false;
    }
    *ret_seconds = ((int64_t)hour * 60 + minute) * 60 + second;
    if (negative) {
        *ret_seconds = -*ret_seconds;
    }
    return true;
}

/* The words of databases for the ends of time; they need a policy, not a guess. */
static bool is_infinite(const char *text, size_t len)
{
    static const char word[] = "infinity";

    if (len && (*text == '-' || *text == '+')) {
        text++;
        len--;
    }
    if (len != sizeof word - 1) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

int lt_date_parse(const char *text, size_t len, int64_t *ret_days, const char **ret_why)
{
    const char *at = text, *end = text + len;
    int64_t days;
    int status;

    if (is_infinite(text, len)) {
        return lt_refuse(ret_why, "an infinite date has no place in the type");
    }
    status = date_piece(&at, end, &days, ret_why);
    if (status) {
        return status;
    }
    if (at != end) {
        return lt_refuse(ret_why, why_date);
    }
    *ret_days = days;
    return LEAT_OK;
}

int lt_time_parse(const char *text, size_t len, enum lt_unit unit, int64_t *ret_ticks,
                  const char **ret_why)
{
    const char *at = text, *end = text + len;
    int64_t seconds, ticks, zone;
    int status = time_piece(&at, end, unit, &seconds, &ticks, ret_why);

    if (status) {
        return status;
    }
    if (at != end) {
        return lt_refuse(ret_why,
                         zone_piece(&at, end, &zone) && at == end ? "has a time zone" : why_time);
    }
    *ret_ticks = seconds * lt_unit_ticks(unit) + ticks;
    return LEAT_OK;
}

int lt_timestamp_parse(const char *text, size_t len, enum lt_unit unit, bool zoned,
                       int64_t *ret_ticks, const char **ret_why)
{
    const char *at = text, *end = text + len;
    int64_t days, seconds = 0, ticks = 0, zone = 0;
    lt_int128 total;
    bool has_zone = false;
    int status;

    if (is_infinite(text, len)) {
        return lt_refuse(ret_why, "an infinite timestamp has no place in the type");
    }
    status = date_piece(&at, end, &days, ret_why);
    if (!status && at != end) {
        if (*at != ' ' && *at != 'T' && *at != 't') {
            return lt_refuse(ret_why, why_timestamp);
        }
        at++;
        status = time_piece(&at, end, unit, &seconds, &ticks, ret_why);
    }
    if (status) {
        return status;
    }
    if (at != end) {
        (void)one_char(&at, end, ' ');
        has_zone = zone_piece(&at, end, &zone);
        if (!has_zone || at != end) {
            return lt_refuse(ret_why, why_timestamp);
        }
    }
    if (has_zone != zoned) {
        return lt_refuse(ret_why, zoned ? "no time zone" : "has a time zone");
    }
    total = ((lt_int128)days * DAY_SECONDS + seconds - zone) * lt_unit_ticks(unit) + ticks;
    if (total > INT64_MAX || total < INT64_MIN) {
        return lt_refuse(ret_why, "out of range for a timestamp of its unit");
    }
    *ret_ticks = (int64_t)total;
    return LEAT_OK;
}

/* --- intervals ----------------------------------------------------------------------------- */

/* One component: [+-] digits [. digits] and its letter. */
struct component {
    int64_t whole;
    int64_t nanos; /* of the fraction, with the sign of the number */
    bool fraction;
    char letter;
};

static int component_piece(const char **at, const char *end, struct component *ret_component,
                           const char **ret_why)
{
    struct component c = {0};
    bool negative = false;
    const char *p = *at, *first;

    if (p < end && (*p == '+' || *p == '-')) {
        negative = *p++ == '-';
    }
    for (first = p; p < end && is_digit(*p); p++) {
        if (c.whole > (INT64_MAX - 9) / 10) {
            return lt_refuse(ret_why, "out of range for an interval");
        }
        c.whole = c.whole * 10 + (*p - '0');
    }
    if (p == first) {
        return lt_refuse(ret_why, why_interval);
    }
    if (p < end && (*p == '.' || *p == ',')) {
        p++;
        c.fraction = true;
        if (fraction_piece(&p, end, LT_NANO, &c.nanos, ret_why)) {
            return LEAT_BAD_DATA;
        }
    }
    if (p == end) {
        return lt_refuse(ret_why, why_interval);
    }
    c.letter = *p++;
    if (negative) {
        c.whole = -c.whole;
        c.nanos = -c.nanos;
    }
    *ret_component = c;
    *at = p;
    return LEAT_OK;
}

/* Adds one component; false when its letter is unknown or out of order. *place is the place in
 * `letters` up to which components were read; those after the T follow the dash. */
static bool component_add(const struct component *c, bool in_time, size_t *place,
                          struct lt_interval *interval)
{
    static const char letters[] = "YMWD-HMS";
    const char *found = strchr(letters + (in_time ? LT_MAX(*place, 5) : *place), c->letter);

    if (!c->letter || c->letter == '-' || !found || (!in_time && found - letters > 3) ||
        (c->fraction && c->letter != 'S')) {
        return false;
    }
    *place = (size_t)(found - letters) + 1;
    switch (found - letters) {
    case 0:
        return !__builtin_mul_overflow(c->whole, 12, &interval->months);
    case 1:
        return !__builtin_add_overflow(interval->months, c->whole, &interval->months);
    case 2:
        return !__builtin_mul_overflow(c->whole, 7, &interval->days);
    case 3:
        return !__builtin_add_overflow(interval->days, c->whole, &interval->days);
    case 5:
        interval->nanos += (lt_int128)c->whole * 3600 * NANOS_PER_SECOND;
        break;
    case 6:
        interval->nanos += (lt_int128)c->whole * 60 * NANOS_PER_SECOND;
        break;
    default:
        interval->nanos += (lt_int128)c->whole * NANOS_PER_SECOND + c->nanos;
        break;
    }
    return true;
}

int lt_interval_parse(const char *text, size_t len, struct lt_interval *ret_interval,
                      const char **ret_why)
{
    struct lt_interval interval = {0, 0, 0};
    const char *at = text, *end = text + len;
    bool negative = false, in_time = false, any = false;
    size_t place = 0;

    if (at < end && (*at == '+' || *at == '-')) {
        negative = *at++ == '-';
    }
    if (!one_char(&at, end, 'P')) {
        return lt_refuse(ret_why, why_interval);
    }
    while (at < end) {
        struct component c;
        if (!in_time && one_char(&at, end, 'T')) {
            in_time = true;
            any = false; /* the T demands a component of its own */
        }
        if (component_piece(&at, end, &c, ret_why)) {
            return LEAT_BAD_DATA;
        }
        if (!component_add(&c, in_time, &place, &interval)) {
            return lt_refuse(ret_why, why_interval);
        }
        any = true;
    }
    if (!any) {
        return lt_refuse(ret_why, why_interval);
    }
    if (negative) {
        if (interval.months == INT64_MIN || interval.days == INT64_MIN) {
            return lt_refuse(ret_why, "out of range for an interval");
        }
        interval = (struct lt_interval){-interval.months, -interval.days, -interval.nanos};
    }
    *ret_interval = interval;
    return LEAT_OK;
}

/* --- formatting ---------------------------------------------------------------------------- */

static char *put_two(char *at, unsigned value)
{
    *at++ = (char)('0' + value / 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

/* Years 0000 to 9999 as they are, others with sign; at least four digits. */
static char *put_date(char *at, int64_t days)
{
    int64_t year;
    unsigned month, day;
    char digits[20];
    int n;

    lt_date_of_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) {
        *at++ = year < 0 ? '-' : '+';
    }
    n = lt_u64_digits(year < 0 ? 0 - (uint64_t)year : (uint64_t)year, digits);
    for (int i = n; i < 4; i++) {
        *at++ = '0';
    }
    memcpy(at, digits, (size_t)n);
    at += n;
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    return put_two(at, day);
}

/* Nothing for zero, else the point and 3, 6 or 9 digits. */
static char *put_fraction(char *at, int64_t nanos)
{
    int places = 9;

    if (!nanos) {
        return at;
    }
    while (nanos % 1000 == 0) {
        nanos /= 1000;
        places -= 3;
    }
    *at++ = '.';
    for (int i = places - 1; i >= 0; i--) {
        at[i] = (char)('0' + nanos % 10);
        nanos /= 10;
    }
    return at + places;
}

/* seconds within a day */
static char *put_time(char *at, int64_t seconds, int64_t nanos)
{
    at = put_two(at, (unsigned)(seconds / 3600));
    *at++ = ':';
    at = put_two(at, (unsigned)(seconds / 60 % 60));
    *at++ = ':';
    at = put_two(at, (unsigned)(seconds % 60));
    return put_fraction(at, nanos);
}

int lt_date_format(int64_t days, struct lt_buf *out)
{
    char text[48];

    return lt_buf_append(out, text, (size_t)(put_date(text, days) - text));
}

int lt_time_format(int64_t ticks, enum lt_unit unit, struct lt_buf *out)
{
    int64_t per_second = lt_unit_ticks(unit);
    char text[32];

    if (ticks < 0 || ticks / per_second >= DAY_SECONDS) {
        /* No time of day, though a foreign producer may store one: said as what it counts. */
        struct lt_interval interval = {0, 0, (lt_int128)ticks * (NANOS_PER_SECOND / per_second)};
        return lt_interval_format(&interval, out);
    }
    return lt_buf_append(out, text,
                         (size_t)(put_time(text, ticks / per_second,
                                           ticks % per_second * (NANOS_PER_SECOND / per_second)) -
                                  text));
}

int lt_timestamp_format(int64_t ticks, enum lt_unit unit, bool zoned, struct lt_buf *out)
{
    int64_t per_second = lt_unit_ticks(unit);
    int64_t seconds = ticks / per_second, rest = ticks % per_second, days, second_of_day;
    char text[80], *at;

    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    days = seconds / DAY_SECONDS;
    second_of_day = seconds % DAY_SECONDS;
    if (second_of_day < 0) {
        second_of_day += DAY_SECONDS;
        days--;
    }
    at = put_date(text, days);
    *at++ = ' ';
    at = put_time(at, second_of_day, rest * (NANOS_PER_SECOND / per_second));
    if (zoned) {
        *at++ = 'Z';
    }
    return lt_buf_append(out, text, (size_t)(at - text));
}

static int put_component(struct lt_buf *out, int64_t value, char letter)
{
    char text[24], *at = text;

    if (!value) {
        return LEAT_OK;
    }
    if (value < 0) {
        *at++ = '-';
    }
    at += lt_u64_digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, at);
    *at++ = letter;
    return lt_buf_append(out, text, (size_t)(at - text));
}

static int put_seconds(struct lt_buf *out, int64_t nanos)
{
    int64_t whole = nanos / NANOS_PER_SECOND, rest = nanos % NANOS_PER_SECOND;
    char text[48], *at = text;

    if (!nanos) {
        return LEAT_OK;
    }
    if (nanos < 0) {
        *at++ = '-';
        whole = -whole;
        rest = -rest;
    }
    at += lt_u64_digits((uint64_t)whole, at);
    if (rest) {
        at = put_fraction(at, rest);
        while (at[-1] == '0') {
            at--;
        }
    }
    *at++ = 'S';
    return lt_buf_append(out, text, (size_t)(at - text));
}

int lt_interval_format(const struct lt_interval *interval, struct lt_buf *out)
{
    const lt_int128 minute = (lt_int128)60 * NANOS_PER_SECOND;
    size_t before = out->len;
    int failed = lt_buf_byte(out, 'P');

    failed = failed || put_component(out, interval->months / 12, 'Y');
    failed = failed || put_component(out, interval->months % 12, 'M');
    failed = failed || put_component(out, interval->days, 'D');
    if (interval->nanos || out->len == before + 1) {
        failed = failed || lt_buf_byte(out, 'T');
        failed = failed || put_component(out, (int64_t)(interval->nanos / (minute * 60)), 'H');
        failed = failed || put_component(out, (int64_t)(interval->nanos / minute % 60), 'M');
        failed = failed || put_seconds(out, (int64_t)(interval->nanos % minute));
        if (!interval->nanos) {
            failed = failed || lt_buf_puts(out, "0S");
        }
    }
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}
