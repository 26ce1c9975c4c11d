/* Patterns of dates and times: compiled to a list of pieces, then run over texts both ways. */
#include "columnar/time_pattern.h"

#include "columnar/text_parts.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <strings.h>

#define DAY_SECONDS 86400
#define NANOS INT64_C(1000000000)
#define YEAR_DIGITS_MAX 12

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
static const char *const halves[] = {"AM", "PM"};

static const char why_form[] = "not of the form of the pattern";
static const char why_calendar[] = "no such day in the calendar";

/* What one text says; members that its pattern has no piece for stay 0. */
struct moment {
    int64_t year;
    unsigned month, day, day_of_year, hour, minute, second, half;
    int weekday;                /* -1: not said */
    int64_t nanos, epoch, zone; /* zone: seconds east of Greenwich */
    int digits;                 /* of the fraction */
};

/* --- compiling ------------------------------------------------------------------------------ */

static bool has_op(const struct lt_time_pattern *pattern, const char *kinds)
{
    for (size_t i = 0; i < pattern->n; i++) {
        if (pattern->ops[i].kind && strchr(kinds, pattern->ops[i].kind)) {
            return true;
        }
    }
    return false;
}

static int refuse(struct leat_error *err, const char *why)
{
    int status = lt_fail(err, LT_E_INVALID, "%s", why);
    leat_error_remedy(err, "for example %%d/%%m/%%Y, or %%Y-%%m-%%d %%H:%%M:%%S");
    return status;
}

static int add_op(struct lt_time_pattern *pattern, uint8_t kind, uint8_t arg,
                  struct leat_error *err)
{
    if (pattern->n == LT_PATTERN_OPS_MAX) {
        return refuse(err, "the pattern is too long");
    }
    pattern->ops[pattern->n++] = (struct lt_pattern_op){kind, arg};
    return LEAT_OK;
}

/* Directives that stand for several. */
static const char *shorthand(char letter)
{
    switch (letter) {
    case 'F':
        return "%Y-%m-%d";
    case 'T':
        return "%H:%M:%S";
    case 'R':
        return "%H:%M";
    case 'D':
        return "%m/%d/%y";
    default:
        return NULL;
    }
}

/* One directive, *at just after its %; moves past it. */
static int compile_directive(struct lt_time_pattern *pattern, const char **at,
                             struct leat_error *err)
{
    static const char letters[] = "YymbBdejaAHIpMSfzZs%";
    const char *p = *at;
    uint8_t arg = 0;
    if ((*p == '-' && p[1] && strchr("dmHIMSj", p[1])) || (*p == ':' && p[1] == 'z')) {
        arg = (uint8_t)*p++;
    } else if ((*p == '3' || *p == '6' || *p == '9') && p[1] == 'f') {
        arg = (uint8_t)(*p++ - '0');
    }
    const char *several = shorthand(*p);
    if (!*p || (!several && !strchr(letters, *p))) {
        return refuse(err, "the pattern has a directive that is not known");
    }
    *at = p + 1;
    if (*p == '%') {
        return add_op(pattern, 0, '%', err);
    }
    if (!several) {
        return add_op(pattern, (uint8_t)*p, arg, err);
    }
    int status = LEAT_OK;
    for (; *several && !status; several++) {
        bool directive = *several == '%';
        several += directive;
        status = add_op(pattern, directive ? (uint8_t)*several : 0,
                        directive ? 0 : (uint8_t)*several, err);
    }
    return status;
}

/* A final Z behind a time of day means what %z would. */
static void settle_zulu(struct lt_time_pattern *pattern)
{
    struct lt_pattern_op *last = pattern->n ? &pattern->ops[pattern->n - 1] : NULL;
    if (last && !last->kind && last->arg == 'Z' && has_op(pattern, "HI") &&
        !has_op(pattern, "zZ")) {
        *last = (struct lt_pattern_op){'!', 'Z'};
    }
}

static int settle(struct lt_time_pattern *pattern, unsigned needs, unsigned may,
                  struct leat_error *err)
{
    bool epoch = has_op(pattern, "s");
    bool day = has_op(pattern, "j") || (has_op(pattern, "mbB") && has_op(pattern, "de"));
    settle_zulu(pattern);
    if (has_op(pattern, "I") != has_op(pattern, "p")) {
        return refuse(err, "the pattern needs both %I and %p, or %H");
    }
    if ((has_op(pattern, "H") && has_op(pattern, "I")) ||
        (epoch && has_op(pattern, "YymbBdejaAHIpMSzZ!"))) {
        return refuse(err, "the pattern says one thing twice");
    }
    pattern->has = (epoch || (day && has_op(pattern, "Yy")) ? LT_PATTERN_DATE : 0) |
                   (epoch || has_op(pattern, "HI") ? LT_PATTERN_TIME : 0) |
                   (has_op(pattern, "zZ!") ? LT_PATTERN_ZONE : 0);
    if (needs & ~pattern->has) {
        return refuse(err, needs & ~pattern->has & LT_PATTERN_DATE
                               ? "the pattern needs a year, a month and a day"
                               : "the pattern needs the hour of the day");
    }
    bool time_parts =
        (pattern->has & (LT_PATTERN_TIME | LT_PATTERN_ZONE)) || has_op(pattern, "MSf");
    if ((!(may & LT_PATTERN_TIME) && time_parts) ||
        (!(may & LT_PATTERN_DATE) && has_op(pattern, "YymbBdejaAs")) ||
        (!(may & LT_PATTERN_ZONE) && pattern->has & LT_PATTERN_ZONE)) {
        return refuse(err, "the pattern has parts that its kind of value has not");
    }
    if ((has_op(pattern, "MSf") && !(pattern->has & LT_PATTERN_TIME)) ||
        (has_op(pattern, "S") && !has_op(pattern, "M")) ||
        (has_op(pattern, "f") && !has_op(pattern, "Ss"))) {
        return refuse(err, "the pattern leaves out a part between two others");
    }
    return LEAT_OK;
}

int lt_time_pattern_init(struct lt_time_pattern *pattern, const char *text, unsigned needs,
                         unsigned may, struct leat_error *err)
{
    int status = LEAT_OK;
    memset(pattern, 0, sizeof *pattern);
    while (*text && !status) {
        char c = *text++;
        status =
            c == '%' ? compile_directive(pattern, &text, err) : add_op(pattern, 0, (uint8_t)c, err);
    }
    return status ? status : settle(pattern, needs, may, err);
}

/* --- reading -------------------------------------------------------------------------------- */

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') <= 9;
}

/* Whether the piece after `i` begins with digits, so that the one before it must have all of its
 * own. */
static bool digits_follow(const struct lt_time_pattern *pattern, size_t i)
{
    const struct lt_pattern_op *next = i + 1 < pattern->n ? &pattern->ops[i + 1] : NULL;
    return next &&
           (next->kind ? strchr("YymdejHIMSfs", next->kind) != NULL : is_digit((char)next->arg));
}

/* From `least` to `most` digits. */
static bool take_number(const char **at, const char *end, int least, int most, unsigned *ret_value)
{
    unsigned value = 0;
    int n = 0;
    for (; n < most && *at < end && is_digit(**at); n++) {
        value = value * 10 + (unsigned)(*(*at)++ - '0');
    }
    *ret_value = value;
    return n >= least;
}

/* One of `n` names, its first three letters where `shortened`. */
static bool take_name(const char **at, const char *end, const char *const *names, unsigned n,
                      bool shortened, unsigned *ret_index)
{
    for (unsigned i = 0; i < n; i++) {
        size_t len = shortened ? 3 : strlen(names[i]);
        if ((size_t)(end - *at) >= len && !strncasecmp(*at, names[i], len)) {
            *at += len;
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool take_year(const char **at, const char *end, bool fixed, int64_t *ret_year)
{
    const char *p = *at;
    bool sign = !fixed && p < end && (*p == '-' || *p == '+');
    bool negative = sign && *p == '-';
    int64_t year = 0;
    const char *first = p += sign;
    int most = fixed ? 4 : YEAR_DIGITS_MAX;
    while (p < end && p - first < most && is_digit(*p)) {
        year = year * 10 + (*p++ - '0');
    }
    *ret_year = negative ? -year : year;
    *at = p;
    return p - first >= 4;
}

static bool take_fraction(const char **at, const char *end, struct moment *m)
{
    int64_t place = NANOS / 10;
    int n = 0;
    for (; *at < end && is_digit(**at); n++, place /= 10) {
        int digit = *(*at)++ - '0';
        if (!place && digit) {
            return false;
        }
        m->nanos += place * digit;
        m->digits = digit ? n + 1 : m->digits;
    }
    return n > 0;
}

static bool take_zone(const char **at, const char *end, int64_t *ret_zone)
{
    unsigned hour, minute = 0, second = 0;
    if (*at < end && (**at == 'Z' || **at == 'z')) {
        ++*at;
        return true;
    }
    if (*at == end || (**at != '+' && **at != '-')) {
        return false;
    }
    bool negative = *(*at)++ == '-';
    if (!take_number(at, end, 2, 2, &hour)) {
        return false;
    }
    bool colon = *at < end && **at == ':';
    *at += colon;
    if ((colon || (*at < end && is_digit(**at))) && !take_number(at, end, 2, 2, &minute)) {
        return false;
    }
    if (colon && *at < end && **at == ':') {
        ++*at;
        if (!take_number(at, end, 2, 2, &second)) {
            return false;
        }
    }
    int64_t zone = ((int64_t)hour * 60 + minute) * 60 + second;
    *ret_zone = negative ? -zone : zone;
    return hour <= 15 && minute <= 59 && second <= 59;
}

static bool take_epoch(const char **at, const char *end, int64_t *ret_seconds)
{
    bool negative = *at < end && **at == '-';
    int64_t value = 0;
    int n = 0;
    for (*at += negative; *at < end && is_digit(**at) && n < 18; n++) {
        value = value * 10 + (*(*at)++ - '0');
    }
    *ret_seconds = negative ? -value : value;
    return n > 0;
}

static bool take_zone_name(const char **at, const char *end, bool zulu)
{
    static const char *const names[] = {"UTC", "GMT"};
    unsigned index;
    if (*at < end && **at == 'Z') {
        ++*at;
        return true;
    }
    return !zulu && take_name(at, end, names, 2, false, &index);
}

static bool take_op(const struct lt_time_pattern *pattern, size_t i, const char **at,
                    const char *end, struct moment *m)
{
    const struct lt_pattern_op *op = &pattern->ops[i];
    bool fixed = digits_follow(pattern, i);
    int least = fixed ? 2 : 1;
    unsigned value = 0;
    bool good;
    switch (op->kind) {
    case 0:
        good = *at < end && (uint8_t) * *at == op->arg;
        *at += good;
        return good;
    case 'Y':
        return take_year(at, end, fixed, &m->year);
    case 'y':
        good = take_number(at, end, 2, 2, &value);
        m->year = value < 69 ? 2000 + value : 1900 + value;
        return good;
    case 'm':
        return take_number(at, end, least, 2, &m->month);
    case 'b':
    case 'B':
        good = take_name(at, end, months, 12, op->kind == 'b', &value);
        m->month = good ? value + 1 : 0;
        return good;
    case 'e':
        *at += *at < end && **at == ' ';
        return take_number(at, end, 1, 2, &m->day);
    case 'd':
        return take_number(at, end, least, 2, &m->day);
    case 'j':
        return take_number(at, end, fixed ? 3 : 1, 3, &m->day_of_year);
    case 'a':
    case 'A':
        good = take_name(at, end, weekdays, 7, op->kind == 'a', &value);
        m->weekday = (int)value;
        return good;
    case 'H':
    case 'I':
        return take_number(at, end, least, 2, &m->hour) &&
               (op->kind == 'H' || (m->hour >= 1 && m->hour <= 12));
    case 'p':
        return take_name(at, end, halves, 2, false, &m->half);
    case 'M':
        return take_number(at, end, least, 2, &m->minute);
    case 'S':
        return take_number(at, end, least, 2, &m->second);
    case 'f':
        return take_fraction(at, end, m);
    case 's':
        return take_epoch(at, end, &m->epoch);
    case 'z':
        return take_zone(at, end, &m->zone);
    default:
        return take_zone_name(at, end, op->kind == '!');
    }
}

static bool read_moment(const struct lt_time_pattern *pattern, const char *text, size_t len,
                        struct moment *m)
{
    const char *at = text, *end = text + len;
    *m = (struct moment){.weekday = -1};
    for (size_t i = 0; i < pattern->n; i++) {
        if (!take_op(pattern, i, &at, end, m)) {
            return false;
        }
    }
    return at == end;
}

bool lt_time_pattern_fits(const struct lt_time_pattern *pattern, const char *text, size_t len,
                          int *ret_digits)
{
    struct moment m;
    bool fits = read_moment(pattern, text, len, &m);
    *ret_digits = fits ? m.digits : 0;
    return fits;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* The day that the parts name; they must agree where they say it twice. */
static int day_of(const struct lt_time_pattern *pattern, const struct moment *m, int64_t *ret_days,
                  const char **ret_why)
{
    bool by_month = m->month || m->day || !has_op(pattern, "j");
    int64_t days, of_year = lt_days_of_date(m->year, 1, 1) + (int64_t)m->day_of_year - 1;
    if (by_month && (m->month < 1 || m->month > 12 || m->day < 1 ||
                     m->day > days_in_month(m->year, m->month))) {
        return lt_refuse(ret_why, why_calendar);
    }
    days = by_month ? lt_days_of_date(m->year, m->month, m->day) : of_year;
    if (has_op(pattern, "j") && (days != of_year || m->day_of_year < 1 ||
                                 m->day_of_year > (is_leap(m->year) ? 366u : 365u))) {
        return lt_refuse(ret_why, why_calendar);
    }
    int64_t weekday = ((days + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    if (m->weekday >= 0 && m->weekday != weekday) {
        return lt_refuse(ret_why, "the name of the weekday is not that of the day");
    }
    *ret_days = days;
    return LEAT_OK;
}

/* Seconds since midnight. */
static int seconds_of(const struct lt_time_pattern *pattern, const struct moment *m,
                      int64_t *ret_seconds, const char **ret_why)
{
    unsigned hour = has_op(pattern, "I") ? m->hour % 12 + 12 * m->half : m->hour;
    if (m->second == 60 && m->minute < 60 && hour < 24) {
        return lt_refuse(ret_why, "a leap second has no place in the type");
    }
    if (hour > 23 || m->minute > 59 || m->second > 59) {
        return lt_refuse(ret_why, "not a time of day");
    }
    *ret_seconds = ((int64_t)hour * 60 + m->minute) * 60 + m->second;
    return LEAT_OK;
}

static int ticks_of(const struct lt_time_pattern *pattern, const struct moment *m, bool date,
                    enum lt_unit unit, int64_t *ret_ticks, const char **ret_why)
{
    int64_t days = 0, seconds = 0, per_tick = NANOS / lt_unit_ticks(unit);
    int status = LEAT_OK;
    if (has_op(pattern, "s")) {
        seconds = m->epoch;
    } else {
        status = date ? day_of(pattern, m, &days, ret_why) : LEAT_OK;
        status = status ? status : seconds_of(pattern, m, &seconds, ret_why);
    }
    if (status) {
        return status;
    }
    if (m->nanos % per_tick) {
        return lt_refuse(ret_why, "more fraction digits than the unit of its type");
    }
    /* -1.25 seconds since 1970 are a second and a quarter before it. */
    int64_t nanos = has_op(pattern, "s") && m->epoch < 0 ? -m->nanos : m->nanos;
    lt_int128 total = ((lt_int128)days * DAY_SECONDS + seconds - m->zone) * lt_unit_ticks(unit) +
                      nanos / per_tick;
    if (total > INT64_MAX || total < INT64_MIN) {
        return lt_refuse(ret_why, "out of range for a timestamp of its unit");
    }
    *ret_ticks = (int64_t)total;
    return LEAT_OK;
}

int lt_time_pattern_parse(const struct lt_time_pattern *pattern, struct lt_builder *builder,
                          const char *text, size_t len, const char **ret_why)
{
    const struct lt_type *type = &builder->type;
    struct moment m;
    int64_t value = 0;
    int status;
    if (!read_moment(pattern, text, len, &m)) {
        return lt_refuse(ret_why, why_form);
    }
    switch (type->id) {
    case LT_DATE32:
    case LT_DATE64:
        status = day_of(pattern, &m, &value, ret_why);
        if (!status && (value < INT32_MIN || value > INT32_MAX)) {
            return lt_refuse(ret_why, "out of range for a date");
        }
        value *= type->id == LT_DATE64 ? INT64_C(86400000) : 1;
        break;
    case LT_TIMESTAMP:
        if (!(pattern->has & LT_PATTERN_ZONE) != !*type->zone && !has_op(pattern, "s")) {
            return lt_refuse(ret_why, *type->zone ? "no time zone" : "has a time zone");
        }
        status = ticks_of(pattern, &m, true, type->unit, &value, ret_why);
        break;
    default:
        status = ticks_of(pattern, &m, false, type->unit, &value, ret_why);
        break;
    }
    if (status) {
        return status;
    }
    return type->id == LT_DATE32 || type->id == LT_TIME32 ? lt_builder_i32(builder, (int32_t)value)
                                                          : lt_builder_i64(builder, value);
}

/* --- writing -------------------------------------------------------------------------------- */

static int put_number(struct lt_buf *out, unsigned value, int width, uint8_t arg)
{
    return lt_buf_printf(out, "%0*u", arg == '-' ? 1 : width, value);
}

static int put_year(const struct lt_time_pattern *pattern, size_t i, int64_t year,
                    struct lt_buf *out, const char **ret_why)
{
    if (pattern->ops[i].kind == 'y') {
        if (year < 1969 || year > 2068) {
            return lt_refuse(ret_why, "a year that %y has no place for");
        }
        return put_number(out, (unsigned)(year % 100), 2, 0);
    }
    if (year >= 0 && year <= 9999) {
        return put_number(out, (unsigned)year, 4, 0);
    }
    if (digits_follow(pattern, i)) {
        return lt_refuse(ret_why, "a year of more than four digits has no place in the pattern");
    }
    return lt_buf_printf(out, "%c%04lld", year < 0 ? '-' : '+',
                         (long long)(year < 0 ? -year : year));
}

/* The fraction, with as many digits as the directive or the unit has. */
static int put_fraction(const struct lt_pattern_op *op, const struct moment *m, int unit_digits,
                        struct lt_buf *out, const char **ret_why)
{
    int width = op->arg ? op->arg : unit_digits ? unit_digits : 1;
    char digits[16];
    snprintf(digits, sizeof digits, "%09lld", (long long)m->nanos);
    for (int i = width; i < 9; i++) {
        if (digits[i] != '0') {
            return lt_refuse(ret_why, "more fraction digits than the pattern has a place for");
        }
    }
    return lt_buf_append(out, digits, (size_t)width);
}

static int put_op(const struct lt_time_pattern *pattern, size_t i, const struct moment *m,
                  int unit_digits, struct lt_buf *out, const char **ret_why)
{
    const struct lt_pattern_op *op = &pattern->ops[i];
    switch (op->kind) {
    case 0:
    case '!':
        return lt_buf_byte(out, op->arg);
    case 'Y':
    case 'y':
        return put_year(pattern, i, m->year, out, ret_why);
    case 'm':
        return put_number(out, m->month, 2, op->arg);
    case 'b':
        return lt_buf_append(out, months[m->month - 1], 3);
    case 'B':
        return lt_buf_puts(out, months[m->month - 1]);
    case 'd':
        return put_number(out, m->day, 2, op->arg);
    case 'e':
        return lt_buf_printf(out, "%2u", m->day);
    case 'j':
        return put_number(out, m->day_of_year, 3, op->arg);
    case 'a':
        return lt_buf_append(out, weekdays[m->weekday], 3);
    case 'A':
        return lt_buf_puts(out, weekdays[m->weekday]);
    case 'H':
        return put_number(out, m->hour, 2, op->arg);
    case 'I':
        return put_number(out, m->hour % 12 ? m->hour % 12 : 12, 2, op->arg);
    case 'p':
        return lt_buf_puts(out, halves[m->hour >= 12]);
    case 'M':
        return put_number(out, m->minute, 2, op->arg);
    case 'S':
        return put_number(out, m->second, 2, op->arg);
    case 'f':
        return put_fraction(op, m, unit_digits, out, ret_why);
    case 's':
        return lt_buf_printf(out, "%lld", (long long)m->epoch);
    case 'z':
        return lt_buf_puts(out, op->arg == ':' ? "+00:00" : "+0000");
    default:
        return lt_buf_puts(out, "UTC");
    }
}

/* Takes `ticks` of a unit apart. */
static void moment_of(int64_t ticks, enum lt_unit unit, struct moment *m)
{
    int64_t per_second = lt_unit_ticks(unit), seconds = ticks / per_second;
    int64_t rest = ticks % per_second;
    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    int64_t days = seconds / DAY_SECONDS, of_day = seconds % DAY_SECONDS;
    if (of_day < 0) {
        of_day += DAY_SECONDS;
        days--;
    }
    *m = (struct moment){.epoch = seconds, .nanos = rest * (NANOS / per_second)};
    lt_date_of_days(days, &m->year, &m->month, &m->day);
    m->day_of_year = (unsigned)(days - lt_days_of_date(m->year, 1, 1) + 1);
    m->weekday = (int)(((days + 4) % 7 + 7) % 7);
    m->hour = (unsigned)(of_day / 3600);
    m->minute = (unsigned)(of_day / 60 % 60);
    m->second = (unsigned)(of_day % 60);
}

/* Whether the pattern writes all that there is. */
static const char *why_lost(const struct lt_time_pattern *pattern, const struct moment *m)
{
    bool epoch = has_op(pattern, "s");
    if (m->nanos && !has_op(pattern, "f")) {
        return "more fraction digits than the pattern has a place for";
    }
    if (m->nanos && epoch && m->epoch < 0) {
        return "a fraction of a second before 1970 has no place in the pattern";
    }
    if (!epoch && ((m->second && !has_op(pattern, "S")) || (m->minute && !has_op(pattern, "M")) ||
                   (m->hour && !has_op(pattern, "HI")))) {
        return "a time of day that has no place in the pattern";
    }
    return NULL;
}

int lt_time_pattern_format(const struct lt_time_pattern *pattern, const struct lt_view *view,
                           int64_t row, struct lt_buf *out, const char **ret_why)
{
    static const int unit_digits[] = {0, 3, 6, 9};
    const struct lt_type *type = &view->type;
    bool narrow = type->id == LT_DATE32 || type->id == LT_TIME32;
    bool date = type->id == LT_DATE32 || type->id == LT_DATE64;
    int64_t value = narrow ? lt_view_i32(view, row) : lt_view_i64(view, row);
    enum lt_unit unit = date ? (narrow ? LT_SECOND : LT_MILLI) : type->unit;
    struct moment m;
    moment_of(type->id == LT_DATE32 ? value * DAY_SECONDS : value, unit, &m);
    if (type->id == LT_TIMESTAMP && !has_op(pattern, "s") &&
        !(pattern->has & LT_PATTERN_ZONE) != !*type->zone) {
        return lt_refuse(ret_why, *type->zone ? "a time zone that has no place in the pattern"
                                              : "a timestamp without zone, which the pattern has");
    }
    const char *lost = why_lost(pattern, &m);
    if (lost) {
        return lt_refuse(ret_why, lost);
    }
    size_t before = out->len;
    for (size_t i = 0; i < pattern->n; i++) {
        int status = put_op(pattern, i, &m, unit_digits[unit], out, ret_why);
        if (status) {
            out->len = before;
            return status;
        }
    }
    return LEAT_OK;
}
