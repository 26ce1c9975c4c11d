/* Time zones of the system's database (/usr/share/zoneinfo), which libc knows one at a time only. */
#ifndef LT_PIPE_ZONE_H
#define LT_PIPE_ZONE_H

#include "leat/error.h"

#include <stddef.h>
#include <stdint.h>

/* When clocks change by a rule: the n-th weekday of a month, a day of the year. */
struct lt_zone_rule {
    char kind; /* 'M', 'J' (1-365, without 29 February), 'D' (0-365) */
    int month, week, day;
    int64_t second; /* of the local day */
};

struct lt_zone {
    int64_t *moments; /* offsets[i] from moments[i] on */
    int32_t *offsets; /* seconds east of UTC */
    size_t n;
    int32_t first;                    /* before the first moment */
    int32_t standard, summer;         /* after the last one, */
    struct lt_zone_rule begins, ends; /* by these; kind 0: standard always */
    int has_rule;
};

/* [not-found]: there is no such zone; [corrupt-file]. */
int lt_zone_read(const char *name, struct lt_zone *ret_zone, struct leat_error *err);
void lt_zone_done(struct lt_zone *zone);
/* Seconds east of UTC at a moment. */
int32_t lt_zone_offset(const struct lt_zone *zone, int64_t moment);

/* Days since 1970 of a date, and back. */
int64_t lt_day_of(int64_t year, int month, int day);
void lt_date_of(int64_t day, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
