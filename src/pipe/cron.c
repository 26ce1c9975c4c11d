#include "pipe/cron.h"

#include "core/codes.h"
#include "core/util.h"
#include "pipe/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY 86400
#define YEARS_AHEAD 8

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct field {
    const char *name;
    int low, high;
    const char *const *words; /* NULL: none */
    int n_words, first_word;
};
static const struct field fields[] = {
    {"minute", 0, 59, NULL, 0, 0},
    {"hour", 0, 23, NULL, 0, 0},
    {"day of the month", 1, 31, NULL, 0, 0},
    {"month", 1, 12, months, 12, 1},
    {"day of the week", 0, 7, weekdays, 7, 0},
};

static const char *const nicknames[][2] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* --- reading -------------------------------------------------------------------------------- */

static bool take_value(const struct field *field, const char **p, int *ret_value)
{
    for (int i = 0; i < field->n_words; i++) {
        if (!strncasecmp(*p, field->words[i], 3) && !isalnum((unsigned char)(*p)[3])) {
            *ret_value = i + field->first_word;
            *p += 3;
            return true;
        }
    }
    int value = 0, digits = 0;
    while (isdigit((unsigned char)**p) && digits < 4) {
        value = value * 10 + (*(*p)++ - '0');
        digits++;
    }
    *ret_value = value;
    return digits && value >= field->low && value <= field->high;
}

/* One element of a list: *, a, a-b, each with /step. */
static bool take_element(const struct field *field, const char **p, uint64_t *bits)
{
    int from = field->low, to = field->high, step = 1;
    bool all = **p == '*';
    if (all) {
        (*p)++;
    } else if (!take_value(field, p, &from)) {
        return false;
    }
    to = all ? to : from;
    if (!all && **p == '-') {
        (*p)++;
        if (!take_value(field, p, &to)) {
            return false;
        }
        /* fri-sun: Sunday is 7 there. */
        to = to == 0 && from > 0 && field->words == weekdays ? 7 : to;
    } else if (!all && **p == '/') {
        to = field->high;
    }
    if (**p == '/') {
        const struct field steps = {"step", 1, 999, NULL, 0, 0};
        (*p)++;
        if (!take_value(&steps, p, &step)) {
            return false;
        }
    }
    for (int i = from; i <= to; i += step) {
        *bits |= (uint64_t)1 << i;
    }
    return from <= to;
}

static bool take_field(const struct field *field, const char **p, uint64_t *bits)
{
    bool good = take_element(field, p, bits);
    while (good && **p == ',') {
        (*p)++;
        good = take_element(field, p, bits);
    }
    return good && (!**p || isspace((unsigned char)**p));
}

int lt_cron_parse(const char *text, struct lt_cron *ret_cron, struct leat_error *err)
{
    uint64_t bits[LT_ARRAY_LEN(fields)] = {0};
    bool any[LT_ARRAY_LEN(fields)];
    const char *p = text;
    for (size_t i = 0; i < LT_ARRAY_LEN(nicknames); i++) {
        p = strcmp(nicknames[i][0], text) ? p : nicknames[i][1];
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(fields); i++) {
        p += strspn(p, " \t");
        any[i] = *p == '*';
        if (!take_field(&fields[i], &p, &bits[i])) {
            int rc = lt_fail(err, LT_E_INVALID, "cron: the %s (field %zu of 5) is wrong",
                             fields[i].name, i + 1);
            leat_error_remedy(err, "minute hour day month weekday, such as \"0 3 * * mon-fri\"");
            return rc;
        }
    }
    if (p[strspn(p, " \t")]) {
        int rc = lt_fail(err, LT_E_INVALID, "cron: there are more than five fields");
        leat_error_remedy(err, "minute hour day month weekday, such as \"0 3 * * mon-fri\"");
        return rc;
    }
    *ret_cron = (struct lt_cron){.minutes = bits[0],
                                 .hours = (uint32_t)bits[1],
                                 .days = (uint32_t)bits[2],
                                 .months = (uint32_t)bits[3],
                                 .weekdays = (uint32_t)(bits[4] | bits[4] >> 7),
                                 .any_day = any[2],
                                 .any_weekday = any[4]};
    return LEAT_OK;
}

int lt_cron_zone(struct lt_cron *cron, const char *name, struct leat_error *err)
{
    struct lt_zone zone;
    int rc = LEAT_OK;
    if (strcmp(name, "UTC")) {
        rc = lt_zone_read(name, &zone, err);
        if (!rc) {
            lt_zone_done(&zone);
        }
    }
    if (!rc) {
        snprintf(cron->timezone, sizeof cron->timezone, "%s", strcmp(name, "UTC") ? name : "");
    }
    return rc;
}

/* --- the next moment ------------------------------------------------------------------------ */

static bool is_day(const struct lt_cron *cron, int64_t day)
{
    int64_t year;
    int month, of_month, weekday = (int)(((day + 4) % 7 + 7) % 7);
    lt_date_of(day, &year, &month, &of_month);
    bool by_month = cron->days >> of_month & 1, by_week = cron->weekdays >> weekday & 1;
    bool both = cron->any_day || cron->any_weekday;
    return (cron->months >> month & 1) && (both ? by_month && by_week : by_month || by_week);
}

/* The moment that the local clock calls so: the first of two, and where it skips the time, when the
 * skip ends. */
static int64_t moment_of(const struct lt_zone *zone, int64_t local)
{
    /* Offsets a day before and after: whichever holds there, it is one of these. */
    int64_t before = local - lt_zone_offset(zone, local - DAY);
    int64_t after = local - lt_zone_offset(zone, local + DAY);
    int64_t early = LT_MIN(before, after), late = LT_MAX(before, after);
    if (early + lt_zone_offset(zone, early) == local) {
        return early;
    }
    if (late + lt_zone_offset(zone, late) == local) {
        return late;
    }
    /* Skipped: the clock changes between the two. */
    while (late - early > 1) {
        int64_t middle = early + (late - early) / 2;
        *(middle + lt_zone_offset(zone, middle) > local ? &late : &early) = middle;
    }
    return late;
}

static int64_t next_in(const struct lt_cron *cron, const struct lt_zone *zone, int64_t now)
{
    int64_t local = now + lt_zone_offset(zone, now);
    /* A clock that is put back says times of today again. */
    int64_t today = (local / DAY - (local % DAY < 0)) - 1;
    for (int64_t day = today; day < today + (int64_t)YEARS_AHEAD * 366; day++) {
        if (!is_day(cron, day)) {
            continue;
        }
        for (int minute = 0; minute < 24 * 60; minute++) {
            if (!(cron->hours >> minute / 60 & 1) || !(cron->minutes >> minute % 60 & 1)) {
                continue;
            }
            int64_t moment = moment_of(zone, day * DAY + minute * 60);
            if (moment > now) {
                return moment;
            }
        }
    }
    return -1;
}

int64_t lt_cron_next(const struct lt_cron *cron, int64_t now)
{
    struct lt_zone zone = {.n = 0};
    if (*cron->timezone && lt_zone_read(cron->timezone, &zone, NULL)) {
        return -1;
    }
    int64_t next = next_in(cron, &zone, now);
    lt_zone_done(&zone);
    return next;
}
