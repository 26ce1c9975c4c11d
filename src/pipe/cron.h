/* When a pipe is to run: five fields as cron has them, in a time zone. */
#ifndef LT_PIPE_CRON_H
#define LT_PIPE_CRON_H

#include "leat/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Bits of minutes, hours, days of the month, months, days of the week (0: Sunday). */
struct lt_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field is *: then the other counts alone */
    char timezone[64];         /* of the system's zones; "" is UTC */
};

/* "minute hour day month weekday": numbers, names (jan, mon), lists, ranges, steps; or @hourly,
 * @daily, @weekly, @monthly, @yearly. Weekdays are 0-7, Sunday is both. As everywhere, a day is one
 * when either of the two fields of days says so, unless one of them is *. [invalid] says which
 * field is wrong. */
int lt_cron_parse(const char *text, struct lt_cron *ret_cron, struct leat_error *err);
/* The zone by its name in the system's database; [not-found]. */
int lt_cron_zone(struct lt_cron *cron, const char *name, struct leat_error *err);
/* The first moment after `now` (seconds since 1970); -1: there is none within eight years, or without
 * memory. A time that the clock skips comes when the skip ends, one that it says twice comes once. */
int64_t lt_cron_next(const struct lt_cron *cron, int64_t now);

#endif
