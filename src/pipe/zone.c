/* See zone.h. TZif of RFC 8536, version 2 and later. */
#include "pipe/zone.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define HEADER_BYTES 44
#define DAY 86400

/* --- the calendar --------------------------------------------------------------------------- */

int64_t lt_day_of(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void lt_date_of(int64_t day, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t part = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * part + 2) / 5 + 1);
    *ret_month = (int)(part < 10 ? part + 3 : part - 9);
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* --- the rule for what the file does not list ------------------------------------------------ */

/* "<+03>-3", "CET-1CEST,M3.5.0,M10.5.0/3": RFC 8536, 3.3. */
static bool skip_name(const char **p)
{
    const char *start = *p;
    if (**p == '<') {
        const char *end = strchr(*p, '>');
        *p = end ? end + 1 : *p;
        return end != NULL;
    }
    while (isalpha((unsigned char)**p)) {
        (*p)++;
    }
    return *p - start >= 3;
}

/* [+-]hh[:mm[:ss]], hours up to 167. */
static bool take_time(const char **p, int64_t *ret_seconds)
{
    int sign = **p == '-' ? -1 : 1;
    int64_t parts[3] = {0, 0, 0};
    *p += **p == '-' || **p == '+';
    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)**p)) {
            return false;
        }
        for (int n = 0; n < 3 && isdigit((unsigned char)**p); n++) {
            parts[i] = parts[i] * 10 + (*(*p)++ - '0');
        }
        if (**p != ':') {
            break;
        }
        (*p)++;
    }
    *ret_seconds = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return parts[0] <= 167 && parts[1] < 60 && parts[2] < 60;
}

static bool take_number(const char **p, int low, int high, int *ret_value)
{
    int value = 0, n = 0;
    for (; n < 3 && isdigit((unsigned char)**p); n++) {
        value = value * 10 + (*(*p)++ - '0');
    }
    *ret_value = value;
    return n && value >= low && value <= high;
}

static bool take_rule(const char **p, struct lt_zone_rule *rule)
{
    bool good = *(*p)++ == ',';
    if (good && **p == 'M') {
        rule->kind = *(*p)++;
        good = take_number(p, 1, 12, &rule->month) && *(*p)++ == '.' &&
               take_number(p, 1, 5, &rule->week) && *(*p)++ == '.' &&
               take_number(p, 0, 6, &rule->day);
    } else if (good && **p == 'J') {
        rule->kind = *(*p)++;
        good = take_number(p, 1, 365, &rule->day);
    } else if (good) {
        rule->kind = 'D';
        good = take_number(p, 0, 365, &rule->day);
    }
    rule->second = 2 * 3600;
    if (good && **p == '/') {
        (*p)++;
        good = take_time(p, &rule->second);
    }
    return good;
}

static bool parse_rules(const char *text, struct lt_zone *zone)
{
    const char *p = text;
    int64_t west = 0, summer_west;
    if (!*text) {
        return true;
    }
    if (!skip_name(&p) || !take_time(&p, &west)) {
        return false;
    }
    zone->standard = (int32_t)-west;
    zone->has_rule = 1;
    if (!*p) {
        return true;
    }
    summer_west = west - 3600;
    if (!skip_name(&p) || (*p != ',' && !take_time(&p, &summer_west))) {
        return false;
    }
    zone->summer = (int32_t)-summer_west;
    return take_rule(&p, &zone->begins) && take_rule(&p, &zone->ends) && !*p;
}

/* The moment, by the local clock, when the rule comes in a year. */
static int64_t rule_moment(const struct lt_zone_rule *rule, int64_t year)
{
    int64_t first = lt_day_of(year, rule->kind == 'M' ? rule->month : 1, 1), day = first;
    if (rule->kind == 'J') {
        day += rule->day - 1 + (is_leap(year) && rule->day >= 60);
    } else if (rule->kind == 'D') {
        day += rule->day;
    } else {
        int64_t next =
            rule->month == 12 ? lt_day_of(year + 1, 1, 1) : lt_day_of(year, rule->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        day += (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
        day -= day >= next ? 7 : 0;
    }
    return day * DAY + rule->second;
}

static int32_t offset_by_rule(const struct lt_zone *zone, int64_t moment)
{
    if (!zone->begins.kind) {
        return zone->standard;
    }
    int64_t local = moment + zone->standard, year;
    int month, day;
    lt_date_of(local / DAY - (local % DAY < 0), &year, &month, &day);
    int64_t begins = rule_moment(&zone->begins, year) - zone->standard;
    int64_t ends = rule_moment(&zone->ends, year) - zone->summer;
    bool summer =
        begins < ends ? moment >= begins && moment < ends : moment >= begins || moment < ends;
    return summer ? zone->summer : zone->standard;
}

int32_t lt_zone_offset(const struct lt_zone *zone, int64_t moment)
{
    if (!zone->n || moment < zone->moments[0]) {
        return zone->n ? zone->first : zone->has_rule ? offset_by_rule(zone, moment) : zone->first;
    }
    if (zone->has_rule && moment >= zone->moments[zone->n - 1]) {
        return offset_by_rule(zone, moment);
    }
    size_t low = 0, high = zone->n;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(zone->moments[middle] <= moment ? &low : &high) = middle;
    }
    return zone->offsets[low];
}

/* --- the file ------------------------------------------------------------------------------- */

static int64_t big_endian(const uint8_t *p, int bytes)
{
    uint64_t value = bytes == 4 && (p[0] & 0x80) ? UINT64_MAX : 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | p[i];
    }
    return (int64_t)value;
}

/* The counts of a header: isut, isstd, leap, time, type, char. */
struct counts {
    uint64_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const struct lt_buf *file, size_t at, struct counts *ret_counts)
{
    if (file->len < at + HEADER_BYTES || memcmp(file->data + at, "TZif", 4)) {
        return false;
    }
    uint64_t *counts[] = {&ret_counts->isut, &ret_counts->isstd, &ret_counts->leap,
                          &ret_counts->time, &ret_counts->type,  &ret_counts->chars};
    for (int i = 0; i < 6; i++) {
        *counts[i] = (uint64_t)big_endian(file->data + at + 20 + (size_t)i * 4, 4);
        if (*counts[i] > FILE_MAX_BYTES) {
            return false;
        }
    }
    return true;
}

static uint64_t body_bytes(const struct counts *c, uint64_t time_bytes)
{
    return c->time * time_bytes + c->time + c->type * 6 + c->chars + c->leap * (time_bytes + 4) +
           c->isstd + c->isut;
}

static bool read_body(const uint8_t *p, const struct counts *c, struct lt_zone *zone)
{
    const uint8_t *indexes = p + c->time * 8, *types = indexes + c->time;
    zone->moments = calloc(c->time + 1, sizeof *zone->moments);
    zone->offsets = calloc(c->time + 1, sizeof *zone->offsets);
    if (!zone->moments || !zone->offsets || !c->type) {
        return false;
    }
    zone->first = (int32_t)big_endian(types, 4);
    for (size_t i = 0; i < c->time; i++) {
        if (indexes[i] >= c->type) {
            return false;
        }
        zone->moments[i] = big_endian(p + i * 8, 8);
        zone->offsets[i] = (int32_t)big_endian(types + (size_t)indexes[i] * 6, 4);
        if ((i && zone->moments[i] <= zone->moments[i - 1]) || zone->offsets[i] <= -2 * DAY ||
            zone->offsets[i] >= 2 * DAY) {
            return false;
        }
    }
    zone->n = c->time;
    return true;
}

static bool parse_file(const struct lt_buf *file, struct lt_zone *zone)
{
    struct counts old, c;
    char rules[256];
    if (!read_header(file, 0, &old) || file->data[4] < '2') {
        return false;
    }
    size_t at = HEADER_BYTES + body_bytes(&old, 4);
    if (at > file->len || !read_header(file, at, &c)) {
        return false;
    }
    at += HEADER_BYTES;
    if (body_bytes(&c, 8) > file->len - at || !read_body(file->data + at, &c, zone)) {
        return false;
    }
    at += body_bytes(&c, 8);
    const uint8_t *end = at < file->len && file->data[at] == '\n'
                             ? memchr(file->data + at + 1, '\n', file->len - at - 1)
                             : NULL;
    size_t len = end ? (size_t)(end - file->data) - at - 1 : sizeof rules;
    if (len >= sizeof rules) {
        return false;
    }
    memcpy(rules, file->data + at + 1, len);
    rules[len] = 0;
    return parse_rules(rules, zone);
}

/* Nothing of a name leads out of the folder. */
static bool is_name(const char *name)
{
    return *name && *name != '/' && !strstr(name, "..") && strlen(name) < 128 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") ==
               strlen(name);
}

static int read_file(const char *name, struct lt_buf *out, struct leat_error *err)
{
    char path[256];
    const char *folder = getenv("TZDIR");
    snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : "/usr/share/zoneinfo", name);
    FILE *in = is_name(name) ? fopen(path, "rbe") : NULL;
    if (!in) {
        lt_fail(err, LT_E_NOT_FOUND, "there is no time zone \"%.100s\"", name);
        leat_error_remedy(err, "such as Europe/Berlin, of the package tzdata");
        return LEAT_NOT_FOUND;
    }
    int rc = lt_buf_reserve(out, FILE_MAX_BYTES) ? lt_fail_oom(err) : LEAT_OK;
    if (!rc) {
        out->len = fread(out->data, 1, FILE_MAX_BYTES, in);
    }
    fclose(in);
    return rc;
}

int lt_zone_read(const char *name, struct lt_zone *ret_zone, struct leat_error *err)
{
    struct lt_buf file = LT_BUF_INIT;
    struct lt_zone zone = {.n = 0};
    int rc = read_file(name, &file, err);
    if (!rc && !parse_file(&file, &zone)) {
        rc = lt_fail(err, LT_E_CORRUPT, "the system's file of the time zone %s cannot be read",
                     name);
    }
    lt_buf_done(&file);
    if (rc) {
        lt_zone_done(&zone);
        return rc;
    }
    *ret_zone = zone;
    return LEAT_OK;
}

void lt_zone_done(struct lt_zone *zone)
{
    free(zone->moments);
    free(zone->offsets);
    *zone = (struct lt_zone){.n = 0};
}
