/* --on-loss in whole runs between toys: what is counted, what is begun afresh, and what is not. */
#include "core/thread.h"
#include "toy_plan.h"

#include <unistd.h>

static int set_up(void **state)
{
    set_up_plan(state);
    assert_int_equal(leat_plan_source(plan, "toysrc:x#one", &err), LEAT_OK);
    assert_int_equal(leat_plan_destination(plan, "toydst:a", &err), LEAT_OK);
    return 0;
}

static void run_is(int status)
{
    assert_status(leat_run(plan, NULL, &report, &err), status);
}

static void by_default_a_value_that_does_not_fit_is_a_bad_record(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    run_is(LEAT_BAD_DATA);
    assert_string_equal(err.code, "value-range");
    assert_non_null(strstr(err.remedy, "--cast id=utf8"));
    assert_non_null(strstr(err.remedy, "--on-loss"));
    assert_int_equal(result(0)->n_losses, 0);
}

static void losses_of_reader_cast_and_part_are_added_up_by_column(void **state)
{
    (void)state;
    src.losses_per_batch = 2;
    dst[0].losses_first = 3;
    option("on-loss", "null");
    option("cast", "name=int8"); /* the names are 1 to 1000 */
    run_is(LEAT_OK);
    assert_int_equal(result(0)->values_lost, 20 + 3 + 873);
    assert_int_equal(result(0)->n_losses, 2);
    assert_string_equal(result(0)->losses[0].column, "id");
    assert_int_equal(result(0)->losses[0].values, 23);
    assert_string_equal(result(0)->losses[0].reason, "it cannot be held");
    assert_string_equal(result(0)->losses[1].column, "name");
    assert_int_equal(result(0)->losses[1].values, 873);
    assert_false(result(0)->losses[1].as_text);
    assert_int_equal(result(0)->rows_written, 1000);
    assert_int_equal(result(0)->rows_rejected, 0);
}

static void losses_of_an_attempt_that_came_to_nothing_do_not_count(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    src.fail_batch = 5;
    src.fail_status = LEAT_UNAVAILABLE;
    src.fail_times = 1;
    option("on-loss", "null");
    run_is(LEAT_OK);
    assert_int_equal(result(0)->attempts, 2);
    assert_int_equal(result(0)->values_lost, 10);
}

static void columns_are_told_by_their_new_names(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    option("on-loss", "null");
    option("rename", "id=number");
    run_is(LEAT_OK);
    assert_int_equal(result(0)->n_losses, 1);
    assert_string_equal(result(0)->losses[0].column, "number");
}

static void destinations_count_for_themselves(void **state)
{
    (void)state;
    assert_int_equal(leat_plan_destination(plan, "toydst:b", &err), LEAT_OK);
    src.losses_per_batch = 1;
    dst[1].losses_first = 4;
    option("on-loss", "null");
    run_is(LEAT_OK);
    assert_int_equal(result(0)->values_lost, 10);
    assert_int_equal(result(1)->values_lost, 14);
}

static void a_column_that_takes_no_null_makes_it_an_error_again(void **state)
{
    (void)state;
    dst[0].not_null = true;
    src.losses_per_batch = 1;
    option("on-loss", "null");
    run_is(LEAT_BAD_DATA);
    assert_string_equal(err.code, "value-range");
    assert_non_null(strstr(err.message, "takes no null"));
    assert_int_equal(dst[0].rows, 0);
}

static void a_lost_column_is_carried_as_text_from_the_beginning(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    option("on-loss", "text");
    option("retries", "0");
    run_is(LEAT_OK);
    assert_true(dst[0].id_is_text);
    assert_int_equal(dst[0].rows, 1000);
    assert_int_equal(dst[0].aborts, 1);
    assert_int_equal(result(0)->attempts, 1); /* it is no retry */
    assert_int_equal(result(0)->values_lost, 0);
    assert_int_equal(result(0)->n_losses, 1);
    assert_true(result(0)->losses[0].as_text);
    assert_string_equal(result(0)->losses[0].column, "id");
}

static void a_misfit_of_the_part_is_carried_as_text_too(void **state)
{
    (void)state;
    dst[0].losses_first = 1;
    option("on-loss", "text");
    run_is(LEAT_OK);
    assert_int_equal(dst[0].begins, 2);
    assert_true(dst[0].id_is_text);
    assert_true(result(0)->losses[0].as_text);
}

static void a_column_that_does_not_fit_as_text_either_ends_the_run(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    src.stubborn = true;
    option("on-loss", "text");
    run_is(LEAT_BAD_DATA);
    assert_string_equal(err.code, "value-range");
    assert_int_equal(dst[0].begins, 2);
    assert_int_equal(dst[0].rows, 0);
}

static void records_set_aside_give_way_to_text(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    option("on-loss", "text");
    option("on-error", "skip");
    option("rejects", "none");
    run_is(LEAT_OK);
    assert_int_equal(result(0)->rows_rejected, 0);
    assert_int_equal(dst[0].rows, 1000);
}

static void what_cannot_be_taken_back_is_not_begun_afresh(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    dst[0].atomicity = LEAT_ATOMIC_NONE;
    option("on-loss", "text");
    run_is(LEAT_BAD_DATA);
    assert_int_equal(dst[0].begins, 1);
    assert_non_null(strstr(err.remedy, "--cast"));
}

static void a_type_the_destination_refuses_is_text_from_the_start(void **state)
{
    (void)state;
    dst[0].refuses_integers = true;
    option("on-loss", "text");
    run_is(LEAT_OK);
    assert_int_equal(dst[0].begins, 1);
    assert_int_equal(dst[0].rows, 1000);
    assert_true(result(0)->losses[0].as_text);
}

static void a_description_carries_it_as_text_too(void **state)
{
    char *text = NULL;
    (void)state;
    dst[0].refuses_integers = true;
    option("on-loss", "text");
    int rc = leat_plan_describe(plan, &text, &err);
    assert_int_equal(rc, LEAT_OK);
    assert_non_null(strstr(text, "utf8 -> utf8"));
    assert_null(strstr(text, "int64"));
    assert_int_equal(dst[0].begins, 0);
    leat_text_free(text);
}

static void a_refused_type_stays_refused_otherwise(void **state)
{
    (void)state;
    dst[0].refuses_integers = true;
    option("on-loss", "null");
    run_is(LEAT_UNSUPPORTED);
    assert_string_equal(err.code, "unsupported-type");
    assert_non_null(strstr(err.remedy, "--cast id=utf8"));
    assert_int_equal(dst[0].begins, 0);
}

static void the_report_lists_what_was_lost(void **state)
{
    (void)state;
    src.losses_per_batch = 1;
    option("on-loss", "null");
    run_is(LEAT_OK);
    const char *json = leat_report_json(report);
    assert_non_null(strstr(json, "\"values_lost\":10"));
    assert_non_null(strstr(json, "\"losses\":[{\"column\":\"id\",\"values\":10,\"as_text\":false,"
                                 "\"reason\":\"it cannot be held\"}]"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(by_default_a_value_that_does_not_fit_is_a_bad_record),
        CASE(losses_of_reader_cast_and_part_are_added_up_by_column),
        CASE(losses_of_an_attempt_that_came_to_nothing_do_not_count),
        CASE(columns_are_told_by_their_new_names),
        CASE(destinations_count_for_themselves),
        CASE(a_column_that_takes_no_null_makes_it_an_error_again),
        CASE(a_lost_column_is_carried_as_text_from_the_beginning),
        CASE(a_misfit_of_the_part_is_carried_as_text_too),
        CASE(a_column_that_does_not_fit_as_text_either_ends_the_run),
        CASE(records_set_aside_give_way_to_text),
        CASE(what_cannot_be_taken_back_is_not_begun_afresh),
        CASE(a_type_the_destination_refuses_is_text_from_the_start),
        CASE(a_description_carries_it_as_text_too),
        CASE(a_refused_type_stays_refused_otherwise),
        CASE(the_report_lists_what_was_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
