/* Cron expressions: next times against another program's, clocks that change, and what is refused. */
#include "pipe/cron.h"

#include "core/util.h"
#include "pipe/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *expression, *zone;
    int64_t now, next;
} table[] = {
#include "cron_table.h"
};

static int64_t next_of(const char *expression, const char *zone, int64_t now)
{
    struct lt_cron cron;
    struct leat_error err = {0};
    assert_int_equal(lt_cron_parse(expression, &cron, &err), LEAT_OK);
    if (*zone) {
        assert_int_equal(lt_cron_zone(&cron, zone, &err), LEAT_OK);
    }
    return lt_cron_next(&cron, now);
}

static void cron_next_times_are_those_of_croniter(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(table); i++) {
        int64_t next = next_of(table[i].expression, table[i].zone, table[i].now);
        if (next != table[i].next) {
            fail_msg("%s %s after %lld: %lld, not %lld", table[i].expression, table[i].zone,
                     (long long)table[i].now, (long long)next, (long long)table[i].next);
        }
    }
}

/* 2027-03-28 02:00 to 03:00 is not there in Berlin, 2026-10-25 02:00 to 03:00 is there twice. */
static void cron_skipped_times_come_late_and_doubled_ones_once(void **state)
{
    (void)state;
    int64_t spring = lt_day_of(2027, 3, 28) * 86400, autumn = lt_day_of(2026, 10, 25) * 86400;
    assert_int_equal(next_of("30 2 * * *", "Europe/Berlin", spring - 3600), spring + 3600);
    assert_int_equal(next_of("30 2 * * *", "Europe/Berlin", spring + 3600), spring + 86400 + 1800);
    assert_int_equal(next_of("30 2 * * *", "Europe/Berlin", autumn - 3600), autumn + 1800);
    assert_int_equal(next_of("30 2 * * *", "Europe/Berlin", autumn + 1800),
                     autumn + 86400 + 3600 + 1800);
}

static void cron_times_that_never_come_are_none(void **state)
{
    (void)state;
    assert_int_equal(next_of("0 0 30 2 *", "", 0), -1);
    assert_int_equal(next_of("0 0 31 4,6 *", "Asia/Kolkata", 1800000000), -1);
}

static void cron_nicknames_stand_for_expressions(void **state)
{
    (void)state;
    assert_int_equal(next_of("@hourly", "", 1), 3600);
    assert_int_equal(next_of("@daily", "", 1), 86400);
    assert_int_equal(next_of("@weekly", "", 1), 3 * 86400);
}

static void cron_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "the minute (field 1 of 5)"},
        {"60 * * * *", "the minute"},
        {"* 24 * * *", "the hour (field 2"},
        {"* * 0 * *", "the day of the month"},
        {"* * * 13 *", "the month (field 4"},
        {"* * * foo *", "the month"},
        {"* * * * 8", "the day of the week"},
        {"* * * *", "the day of the week (field 5 of 5)"},
        {"* * * * * *", "more than five"},
        {"5-1 * * * *", "the minute"},
        {"*/0 * * * *", "the minute"},
        {"1,, * * * *", "the minute"},
        {"1;2 * * * *", "the minute"},
        {"99999999999 * * * *", "the minute"},
        {"@reboot", "the minute"},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct lt_cron cron;
        struct leat_error err = {0};
        assert_int_equal(lt_cron_parse(rows[i].text, &cron, &err), LEAT_INVALID);
        if (!strstr(err.message, rows[i].words)) {
            fail_msg("\"%s\": %s", rows[i].text, err.message);
        }
    }
}

static void cron_zones_are_names_of_the_systems_database_only(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Atlantis", "../../etc/passwd", "/etc/localtime",
                                        "Europe",          "zone.tab",         ""};
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        struct lt_zone zone;
        assert_int_not_equal(lt_zone_read(names[i], &zone, NULL), LEAT_OK);
    }
}

static void cron_dates_and_days_belong_together(void **state)
{
    (void)state;
    int64_t year;
    int month, day;
    assert_int_equal(lt_day_of(1970, 1, 1), 0);
    assert_int_equal(lt_day_of(2000, 3, 1), 11017);
    for (int64_t d = -800000; d < 800000; d += 97) {
        lt_date_of(d, &year, &month, &day);
        assert_int_equal(lt_day_of(year, month, day), d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cron_next_times_are_those_of_croniter),
        cmocka_unit_test(cron_skipped_times_come_late_and_doubled_ones_once),
        cmocka_unit_test(cron_times_that_never_come_are_none),
        cmocka_unit_test(cron_nicknames_stand_for_expressions),
        cmocka_unit_test(cron_refuses_what_it_does_not_know),
        cmocka_unit_test(cron_zones_are_names_of_the_systems_database_only),
        cmocka_unit_test(cron_dates_and_days_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
