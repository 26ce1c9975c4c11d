/* Dates and times in forms of the user's own, both ways, exactly: "%d/%m/%Y", "%b %e, %Y %I:%M %p".
 *
 *   %Y year   %y its last two digits (69-99: 19.., 00-68: 20..)   %m month   %b %B its English name
 *   %d day    %e day, padded with a blank   %j day of the year    %a %A English name of the weekday
 *   %H hour   %I hour of 12, needs %p (AM, PM)   %M minute   %S second   %f its fraction
 *   %3f %6f %9f that many digits of it   %z +hhmm or Z   %:z +hh:mm   %Z UTC or GMT
 *   %s seconds since 1970   %F = %Y-%m-%d   %T = %H:%M:%S   %R = %H:%M   %D = %m/%d/%y   %% %
 * %-d (and -m, -H, -I, -M, -S, -j) writes no leading zero. Reading takes one digit or two where
 * what follows is no digit, English names without regard to case, and nothing that is not in the
 * pattern. A Z that ends a pattern with a time is the zone UTC.
 *
 * What a pattern has no place for (a fraction without %f, a year past 2068 with %y) is refused,
 * never dropped. */
#ifndef LT_TIME_PATTERN_H
#define LT_TIME_PATTERN_H

#include "columnar/builder.h"
#include "columnar/view.h"

#define LT_PATTERN_OPS_MAX 64

/* What a pattern tells of. */
#define LT_PATTERN_DATE 1u /* a whole date */
#define LT_PATTERN_TIME 2u /* a time of day, to the hour at least */
#define LT_PATTERN_ZONE 4u

struct lt_pattern_op {
    uint8_t kind; /* the directive's letter; 0: a byte as it is */
    uint8_t arg;  /* that byte; ':' or '-' of %:z and %-d; digits of %f, 0: as the unit has */
};

struct lt_time_pattern {
    struct lt_pattern_op ops[LT_PATTERN_OPS_MAX];
    size_t n;
    unsigned has; /* LT_PATTERN_ bits */
};

/* Compiles; `needs` and `may` are LT_PATTERN_ bits that it must, and can, tell of. LEAT_INVALID
 * says what is wrong with it. */
int lt_time_pattern_init(struct lt_time_pattern *pattern, const char *text, unsigned needs,
                         unsigned may, struct leat_error *err);

/* True when all of `text` reads by the pattern; *ret_digits: of the fraction of its second. */
bool lt_time_pattern_fits(const struct lt_time_pattern *pattern, const char *text, size_t len,
                          int *ret_digits);
/* As lt_text_parse(), for builders of dates, times and timestamps. */
int lt_time_pattern_parse(const struct lt_time_pattern *pattern, struct lt_builder *builder,
                          const char *text, size_t len, const char **ret_why);
/* Appends the text of one non-null date, time or timestamp. LEAT_BAD_DATA: the pattern has no
 * place for a part of it, and *ret_why says which. */
int lt_time_pattern_format(const struct lt_time_pattern *pattern, const struct lt_view *view,
                           int64_t row, struct lt_buf *out, const char **ret_why);

#endif
