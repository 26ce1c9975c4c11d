/* What tests of whole runs between toys begin and end with: a plan over the toys' connectors, and
 * the question whether everything opened was also closed and every load ended once. */
#ifndef LT_TEST_TOY_PLAN_H
#define LT_TEST_TOY_PLAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "toy_run.h"

static struct leat *leat;
static struct leat_plan *plan;
static struct leat_report *report;
static struct leat_error err;

/* A plan without ends. */
static int set_up_plan(void **state)
{
    (void)state;
    toy_reset();
    memset(&err, 0, sizeof err);
    report = NULL;
    assert_int_equal(leat_new(&leat, &err), LEAT_OK);
    assert_int_equal(leat_add_connector(leat, &toy_source_connector, &err), LEAT_OK);
    assert_int_equal(leat_add_connector(leat, &toy_dest_connector, &err), LEAT_OK);
    assert_int_equal(leat_plan_new(leat, &plan, &err), LEAT_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    leat_report_free(report);
    leat_plan_free(plan);
    leat_free(leat);
    assert_int_equal(src.opens, src.closes);
    assert_int_equal(src.starts, src.finishes);
    for (int d = 0; d < TOY_DESTS_MAX; d++) {
        assert_int_equal(dst[d].opens, dst[d].closes);
        assert_int_equal(dst[d].plans, dst[d].plan_releases);
        assert_int_equal(dst[d].begins, dst[d].aborts + dst[d].releases);
    }
    return 0;
}

static void option(const char *name, const char *value)
{
    if (leat_plan_set(plan, name, value, &err)) {
        fail_msg("%s: %s", name, err.message);
    }
}

static void assert_status(int rc, int status)
{
    if (rc != status) {
        fail_msg("status %d, not %d: [%s] %s: %s", rc, status, err.code, err.place, err.message);
    }
}

static const struct leat_stream_result *result(size_t i)
{
    const struct leat_stream_result *r = leat_report_result(report, i);
    assert_non_null(r);
    return r;
}

#endif
