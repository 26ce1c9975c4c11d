/* Whole runs between toys. Every test ends with the same question: was everything opened also
 * closed, every load ended once, and does the report say what happened? */
#include "core/json_read.h"
#include "core/thread.h"
#include "toy_plan.h"

#include <unistd.h>

#define SUM(n) ((int64_t)(n) * ((n) + 1) / 2)

static void snapshot(enum toy_snapshot mode)
{
    src.snapshot = mode;
    toy_source_ops.snapshot_take = mode == SNAPSHOT_NONE ? NULL : toy_take;
    toy_source_ops.snapshot_join = mode == SNAPSHOT_NONE || mode == SNAPSHOT_OWN ? NULL : toy_join;
}

static int run_with(const struct leat_observer *observer)
{
    return leat_run(plan, observer, &report, &err);
}

/* One source stream to n destinations. */
static void ends(const char *source, int n)
{
    static const char *const urls[] = {"toydst:a", "toydst:b", "toydst:c"};
    assert_int_equal(leat_plan_source(plan, source, &err), LEAT_OK);
    for (int d = 0; d < n; d++) {
        assert_int_equal(leat_plan_destination(plan, urls[d], &err), LEAT_OK);
    }
}

/* --- going well ----------------------------------------------------------------------------- */

static void run_copies_every_row_of_a_stream_once(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 1000);
    assert_int_equal(dst[0].id_sum, SUM(1000));
    assert_int_equal(leat_report_count(report), 1);
    assert_int_equal(result(0)->rows_read, 1000);
    assert_int_equal(result(0)->rows_written, 1000);
    assert_int_equal(result(0)->rows_rejected, 0);
    assert_int_equal(result(0)->attempts, 1);
    assert_true(result(0)->committed);
    assert_string_equal(result(0)->state, "new rows");
    assert_string_equal(result(0)->proof, "counts equal");
    assert_int_equal(dst[0].releases, 1);
    assert_int_equal(src.describes, 0); /* nobody watches */
}

static void run_copies_many_streams_on_several_workers(void **state)
{
    (void)state;
    src.n_streams = 8;
    ends("toysrc:x", 1);
    option("parallel", "3");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 8000);
    assert_int_equal(dst[0].streams, 8);
    assert_int_equal(leat_report_count(report), 8);
    assert_string_equal(result(0)->source, "one"); /* the largest first */
}

static void run_writes_one_read_to_several_destinations(void **state)
{
    (void)state;
    ends("toysrc:x#one", 3);
    dst[1].slow_ms = 3;
    dst[2].turned = true;
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(src.starts, 1);
    for (int d = 0; d < 3; d++) {
        assert_int_equal(dst[d].rows, 1000);
        assert_int_equal(dst[d].id_sum, SUM(1000));
        assert_true(result((size_t)d)->committed);
    }
}

static void run_matches_the_destinations_columns_by_name_not_by_place(void **state)
{
    (void)state;
    dst[0].turned = dst[0].name_is_int = true;
    ends("toysrc:x#one", 1);
    option("verify", NULL);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].id_sum, SUM(1000));
    assert_string_equal(result(0)->proof, "counts and checksums equal");
}

static void run_stops_before_the_commit_when_what_was_written_reads_back_differently(void **state)
{
    (void)state;
    dst[0].corrupt = true;
    ends("toysrc:x#one", 1);
    option("verify", NULL);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_string_equal(err.code, "verify-mismatch");
    assert_int_equal(dst[0].commit_calls, 0);
    assert_string_equal(result(0)->state, "unchanged");
}

static void run_counts_the_rows_where_they_arrived(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    option("count", NULL);
    assert_status(run_with(NULL), LEAT_OK);
    assert_string_equal(result(0)->proof, "counts equal, counted at the destination");
}

static void run_stops_before_the_commit_when_rows_are_not_there(void **state)
{
    (void)state;
    dst[0].short_back = true;
    ends("toysrc:x#one", 1);
    option("count", NULL);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_string_equal(err.code, "count-mismatch");
    assert_int_equal(dst[0].commit_calls, 0);
    assert_string_equal(result(0)->state, "unchanged");
}

static void run_stops_at_the_limit_inside_a_batch(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    option("limit", "250");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(src.limit_seen, 250);
    assert_int_equal(dst[0].rows, 250);
    assert_int_equal(dst[0].id_sum, SUM(250));
}

static void run_with_limit_zero_commits_no_rows(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    option("limit", "0");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 0);
    assert_int_equal(dst[0].commit_calls, 1);
}

static void run_copies_a_stream_without_columns(void **state)
{
    (void)state;
    src.no_columns = true;
    ends("toysrc:x#one", 2);
    option("limit", "950");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 950);
    assert_int_equal(dst[1].rows, 950);
}

static void run_takes_batches_larger_than_the_whole_memory_share(void **state)
{
    (void)state;
    src.rows = 60000;
    src.batch_rows = 30000;
    dst[1].slow_ms = 20;
    ends("toysrc:x#one", 2);
    option("memory", "8MiB");
    option("parallel", "256");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 60000);
    assert_int_equal(dst[1].id_sum, SUM(60000));
}

static void run_with_atomic_commits_all_streams_in_one_load(void **state)
{
    (void)state;
    src.n_streams = 4;
    ends("toysrc:x", 2);
    option("atomic", NULL);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].commit_calls, 1);
    assert_int_equal(dst[0].streams, 4);
    assert_int_equal(dst[1].rows, 4000);
    assert_int_equal(leat_report_count(report), 8);
}

static void run_with_atomic_commits_nothing_when_the_last_stream_fails(void **state)
{
    (void)state;
    src.n_streams = 3;
    src.fail_stream = "three";
    src.fail_batch = 2;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 1;
    ends("toysrc:x", 1);
    option("atomic", NULL);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_int_equal(dst[0].rows, 0);
    assert_int_equal(dst[0].aborts, 1);
    assert_int_equal(result(0)->rows_written, 0);
    assert_false(result(0)->committed);
}

static void run_with_atomic_refuses_a_destination_that_commits_stream_by_stream(void **state)
{
    (void)state;
    src.n_streams = 2;
    dst[0].atomicity = LEAT_ATOMIC_STREAM;
    ends("toysrc:x", 1);
    option("atomic", NULL);
    assert_status(run_with(NULL), LEAT_UNSUPPORTED);
    assert_int_equal(dst[0].begins, 0);
}

static void run_completes_after_the_last_stream_when_asked(void **state)
{
    (void)state;
    src.n_streams = 2;
    ends("toysrc:x", 1);
    option("with", "foreign-keys");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].completes, 1);
}

/* --- failing -------------------------------------------------------------------------------- */

static void run_keeps_the_first_fault_of_a_reader_and_aborts(void **state)
{
    (void)state;
    src.fail_batch = 3;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 9;
    ends("toysrc:x#one", 2);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_string_equal(err.message, "the toy source fails");
    assert_string_equal(err.place, "one");
    assert_int_equal(src.starts, 1);
    assert_int_equal(dst[0].aborts, 1);
    assert_int_equal(dst[1].aborts, 1);
    assert_int_equal(result(0)->rows_read, 200);
    assert_true(result(0)->touched);
    assert_string_equal(result(1)->state, "unchanged");
}

static void run_keeps_a_writers_fault_though_the_reader_is_cancelled_by_it(void **state)
{
    (void)state;
    src.rows = 50000;
    src.slow_ms = 5;
    dst[1].fail_batch = 2;
    dst[1].fail_status = LEAT_NO_SPACE;
    dst[1].fail_times = 1;
    ends("toysrc:x#one", 2);
    assert_status(run_with(NULL), LEAT_NO_SPACE);
    assert_string_equal(err.message, "the toy destination fails");
    assert_int_equal(dst[0].commit_calls, 0);
    assert_true(src.cancels >= 1);
}

static void run_tries_a_passing_fault_again_with_everything_from_the_start(void **state)
{
    (void)state;
    src.fail_batch = 4;
    src.fail_status = LEAT_UNAVAILABLE;
    src.fail_times = 2;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(result(0)->attempts, 3);
    assert_int_equal(result(0)->rows_read, 1000);
    assert_int_equal(dst[0].id_sum, SUM(1000));
    assert_int_equal(dst[0].aborts, 2);
    assert_int_equal(src.opens, 3); /* a failed read wants a fresh endpoint */
}

static void run_tries_no_other_status_again(void **state)
{
    static const int statuses[] = {LEAT_INVALID,  LEAT_NOT_FOUND,   LEAT_DENIED,
                                   LEAT_BAD_DATA, LEAT_UNSUPPORTED, LEAT_CONFLICT,
                                   LEAT_NO_SPACE, LEAT_NO_MEMORY,   LEAT_INTERNAL};
    for (size_t i = 0; i < LT_ARRAY_LEN(statuses); i++) {
        tear_down(state);
        set_up_plan(state);
        dst[0].fail_batch = 1;
        dst[0].fail_times = 9;
        dst[0].fail_status = statuses[i];
        ends("toysrc:x#one", 1);
        assert_status(run_with(NULL), statuses[i]);
        assert_int_equal(dst[0].begins, 1);
    }
}

static void run_gives_up_after_the_retries_that_were_allowed(void **state)
{
    (void)state;
    dst[0].busy_times = 99;
    ends("toysrc:x#one", 1);
    option("retries", "1");
    assert_status(run_with(NULL), LEAT_UNAVAILABLE);
    assert_string_equal(err.code, "destination-busy");
    assert_int_equal(result(0)->attempts, 2);
    assert_int_equal(dst[0].plans, 2);
    assert_int_equal(dst[0].opens, 2); /* none is opened for an attempt that never comes */
    assert_false(result(0)->touched);
}

static void run_waits_for_a_busy_destination_without_opening_the_source_again(void **state)
{
    (void)state;
    dst[0].busy_times = 2;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 1000);
    assert_int_equal(src.opens, 1);
}

static void run_refuses_to_commit_when_the_receipt_counts_other_rows(void **state)
{
    (void)state;
    dst[0].seal_lie = -1;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_string_equal(err.code, "count-mismatch");
    assert_int_equal(dst[0].commit_calls, 0);
    assert_string_equal(result(0)->proof, "");
}

static void run_takes_no_batch_that_is_not_what_the_source_says(void **state)
{
    (void)state;
    src.lies = true;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_INTERNAL);
    assert_int_equal(dst[0].rows, 0);
}

static void run_says_incomplete_of_a_destination_that_takes_nothing_back(void **state)
{
    (void)state;
    dst[0].atomicity = LEAT_ATOMIC_NONE;
    src.fail_batch = 3;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 1;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_int_equal(strncmp(result(0)->state, "incomplete", 10), 0);
}

static void run_stops_after_a_failed_stream_and_reports_the_rest_as_not_attempted(void **state)
{
    (void)state;
    src.n_streams = 4;
    src.fail_stream = "two";
    src.fail_batch = 1;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 1;
    ends("toysrc:x", 1);
    option("parallel", "1");
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_true(result(0)->committed);
    assert_int_equal(result(1)->error->status, LEAT_BAD_DATA);
    for (size_t i = 2; i < 4; i++) {
        assert_int_equal(result(i)->attempts, 0);
        assert_int_equal(result(i)->error->status, LEAT_CANCELLED);
        assert_non_null(strstr(result(i)->error->message, "not attempted"));
    }
    assert_int_equal(dst[0].streams, 1);
}

static void run_with_keep_going_copies_the_others_and_still_fails(void **state)
{
    (void)state;
    src.n_streams = 4;
    src.fail_stream = "two";
    src.fail_batch = 1;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 1;
    ends("toysrc:x", 1);
    option("parallel", "1");
    option("keep-going", NULL);
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_int_equal(dst[0].streams, 3);
    assert_int_equal(dst[0].rows, 3000);
    assert_false(result(1)->committed);
    assert_true(result(3)->committed);
}

/* --- commits in doubt ----------------------------------------------------------------------- */

static void run_asks_after_a_lost_reply_and_takes_committed_for_an_answer(void **state)
{
    (void)state;
    dst[0].commits[0] = LEAT_OUTCOME_UNKNOWN;
    dst[0].commit_hidden = true;
    dst[0].outcomes[0] = LEAT_LOAD_IN_FLIGHT;
    dst[0].outcomes[1] = LEAT_LOAD_COMMITTED;
    ends("toysrc:x#one", 1);
    option("toy-mark", "x");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].outcome_calls, 2);
    assert_int_equal(dst[0].rows, 1000);
    assert_int_equal(dst[0].commit_calls, 1);
    assert_true(result(0)->committed);
}

static void run_tries_again_only_once_the_destination_says_absent(void **state)
{
    (void)state;
    dst[0].commits[0] = LEAT_OUTCOME_UNKNOWN;
    dst[0].outcomes[0] = LEAT_LOAD_ABSENT;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].outcome_calls, 1);
    assert_int_equal(dst[0].commit_calls, 2);
    assert_int_equal(dst[0].rows, 1000);
    assert_int_equal(result(0)->attempts, 2);
}

static void run_never_tries_again_when_the_outcome_stays_unknown(void **state)
{
    (void)state;
    dst[0].commits[0] = LEAT_OUTCOME_UNKNOWN;
    dst[0].outcome_status = LEAT_DENIED;
    ends("toysrc:x#one", 2);
    assert_status(run_with(NULL), LEAT_OUTCOME_UNKNOWN);
    assert_int_equal(dst[0].commit_calls, 1);
    assert_int_equal(dst[1].commit_calls, 0);
    assert_int_equal(dst[1].aborts, 1);
    assert_int_equal(strncmp(result(0)->state, "in doubt", 8), 0);
    assert_string_equal(result(1)->state, "unchanged");
    assert_int_equal(result(1)->error->status, LEAT_CANCELLED);
}

static void run_does_not_hide_a_commit_in_doubt_behind_a_cancel(void **state)
{
    (void)state;
    dst[0].commits[0] = LEAT_OUTCOME_UNKNOWN;
    dst[0].outcomes[0] = LEAT_LOAD_IN_FLIGHT;
    dst[0].cancel_at_commit = true;
    dst[0].leat = leat;
    ends("toysrc:x#one", 1);
    int64_t started_us = lt_now_us();
    assert_status(run_with(NULL), LEAT_OUTCOME_UNKNOWN);
    assert_true(lt_now_us() - started_us < 1000000);
    assert_int_equal(strncmp(result(0)->state, "in doubt", 8), 0);
}

static void run_that_is_cancelled_after_its_last_commit_went_well(void **state)
{
    (void)state;
    dst[0].cancel_at_commit = true;
    dst[0].leat = leat;
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_true(result(0)->committed);
}

static void run_tries_nothing_again_once_one_destination_has_committed(void **state)
{
    (void)state;
    dst[1].commits[0] = LEAT_UNAVAILABLE;
    ends("toysrc:x#one", 2);
    assert_status(run_with(NULL), LEAT_UNAVAILABLE);
    assert_int_equal(dst[0].rows, 1000);
    assert_int_equal(dst[1].rows, 0);
    assert_int_equal(dst[1].aborts, 1);
    assert_true(result(0)->committed);
    assert_int_equal(result(0)->error->status, LEAT_OK);
    assert_false(result(1)->committed);
}

/* --- cancel --------------------------------------------------------------------------------- */

static void *cancel_soon(void *arg)
{
    lt_sleep_ms(100, NULL);
    leat_cancel(arg);
    return NULL;
}

static void assert_cancelled_within_a_second(void)
{
    pthread_t thread;
    assert_int_equal(lt_thread_start(&thread, cancel_soon, leat, &err), LEAT_OK);
    int64_t started_us = lt_now_us();
    int rc = run_with(NULL);
    int64_t took_us = lt_now_us() - started_us;
    pthread_join(thread, NULL);
    assert_status(rc, LEAT_CANCELLED);
    assert_true(took_us < 1100000);
    assert_int_equal(dst[0].rows, 0);
}

static void run_cancelled_while_a_read_hangs_returns_within_a_second(void **state)
{
    (void)state;
    src.hangs = true;
    ends("toysrc:x#one", 2);
    assert_cancelled_within_a_second();
    assert_int_equal(result(0)->error->status, LEAT_CANCELLED);
}

static void run_cancelled_while_a_write_is_slow_returns_within_a_second(void **state)
{
    (void)state;
    dst[0].slow_ms = 60000;
    ends("toysrc:x#one", 1);
    assert_cancelled_within_a_second();
}

static void run_cancelled_between_two_attempts_returns_within_a_second(void **state)
{
    (void)state;
    dst[0].busy_times = 99;
    ends("toysrc:x#one", 1);
    option("retries", "1000");
    assert_cancelled_within_a_second();
}

static void run_of_a_cancelled_session_begins_nothing_until_uncancelled(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    leat_cancel(leat);
    assert_status(run_with(NULL), LEAT_CANCELLED);
    assert_int_equal(dst[0].begins, 0);
    leat_report_free(report);
    leat_uncancel(leat);
    assert_status(run_with(NULL), LEAT_OK);
}

/* --- snapshots ------------------------------------------------------------------------------ */

static void run_reads_many_streams_from_one_shared_snapshot(void **state)
{
    (void)state;
    src.n_streams = 6;
    snapshot(SNAPSHOT_SHARED);
    ends("toysrc:x", 1);
    option("parallel", "2");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(src.takes, 1);
    assert_int_equal(src.joins, 2);
}

static void run_joins_the_snapshot_again_after_a_cut(void **state)
{
    (void)state;
    src.n_streams = 3;
    snapshot(SNAPSHOT_SHARED);
    src.fail_stream = "one";
    src.fail_batch = 2;
    src.fail_status = LEAT_UNAVAILABLE;
    src.fail_times = 1;
    ends("toysrc:x", 1);
    option("parallel", "1");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(src.takes, 1);
    assert_int_equal(src.joins, 2);
    assert_int_equal(dst[0].rows, 3000);
}

static void run_reads_with_one_worker_when_the_snapshot_cannot_be_shared(void **state)
{
    (void)state;
    src.n_streams = 4;
    snapshot(SNAPSHOT_OWN);
    ends("toysrc:x", 1);
    option("parallel", "4");
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(src.takes, 1);
    assert_int_equal(src.opens, 1);
}

static void run_takes_no_snapshot_for_one_stream_and_goes_on_without_one(void **state)
{
    (void)state;
    snapshot(SNAPSHOT_SHARED);
    ends("toysrc:x#one", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(src.takes, 0);
    tear_down(state);
    set_up_plan(state);
    src.n_streams = 2;
    snapshot(SNAPSHOT_UNSUPPORTED);
    ends("toysrc:x", 1);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 2000);
    snapshot(SNAPSHOT_NONE);
}

/* --- rejects -------------------------------------------------------------------------------- */

static char rejects_path[64];

static char *read_rejects(void)
{
    static char text[1 << 16];
    FILE *file = fopen(rejects_path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    unlink(rejects_path);
    return text;
}

static void skip_rejects(void)
{
    snprintf(rejects_path, sizeof rejects_path, "/tmp/leat-test-rejects-%d", (int)getpid());
    option("on-error", "skip");
    option("rejects", rejects_path);
}

static void run_sets_misfits_of_the_cast_aside_with_their_values(void **state)
{
    (void)state;
    src.bad_names = true;
    ends("toysrc:x#one", 1);
    option("cast", "name=int64");
    skip_rejects();
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(leat_report_rejected(report), 100);
    assert_int_equal(dst[0].rows, 900);
    assert_int_equal(result(0)->rows_read, 1000);
    assert_int_equal(result(0)->rows_rejected, 100);
    const char *text = read_rejects();
    struct lt_json_doc *doc = NULL;
    assert_int_equal(lt_json_doc_parse(text, strcspn(text, "\n"), &doc, &err), LEAT_OK);
    const struct lt_json_value *root = lt_json_root(doc);
    assert_string_equal(lt_json_string(lt_json_get(root, "stream"), ""), "one");
    assert_string_equal(lt_json_string(lt_json_get(root, "place"), ""), "one: row 10");
    assert_string_equal(lt_json_string(lt_json_get(root, "record"), ""),
                        "{\"id\":10,\"name\":\"x\"}");
    lt_json_doc_free(doc);
}

static void run_counts_rejects_of_reader_cast_and_part_together(void **state)
{
    (void)state;
    src.bad_names = true;
    src.rejects_per_batch = 1;
    dst[0].rejects_first = 3;
    dst[0].name_is_int = true;
    ends("toysrc:x#one", 1);
    skip_rejects();
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(leat_report_rejected(report), 10 + 100 + 3);
    assert_int_equal(result(0)->rows_read, 1010);
    assert_int_equal(result(0)->rows_written, 1000 - 100 - 3);
    assert_int_equal(result(0)->rows_rejected, 113);
    assert_non_null(strstr(read_rejects(), "\"record\":null")); /* it was no UTF-8 */
}

static void run_counts_the_rejects_of_the_last_attempt_only(void **state)
{
    (void)state;
    src.rejects_per_batch = 2;
    src.fail_batch = 5;
    src.fail_status = LEAT_UNAVAILABLE;
    src.fail_times = 1;
    ends("toysrc:x#one", 1);
    option("max-errors", "20");
    skip_rejects();
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(leat_report_rejected(report), 20);
    assert_int_equal(result(0)->rows_rejected, 20);
    assert_non_null(strstr(read_rejects(), "\"attempt\":2"));
}

static void run_stops_after_too_many_rejects(void **state)
{
    (void)state;
    src.rejects_per_batch = 1;
    ends("toysrc:x#one", 1);
    option("max-errors", "4");
    skip_rejects();
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_string_equal(err.code, "too-many-rejects");
    assert_int_equal(dst[0].commit_calls, 0);
    read_rejects();
}

static void a_misfit_stops_the_run_with_its_row_when_nothing_was_said_of_rejects(void **state)
{
    (void)state;
    src.bad_names = true;
    ends("toysrc:x#one", 1);
    option("cast", "name=int64");
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    assert_non_null(strstr(err.place, "one"));
    assert_non_null(strstr(err.place, "row 10"));
}

static void describe_creates_no_rejects_file_and_touches_nothing(void **state)
{
    (void)state;
    char *text = NULL;
    ends("toysrc:x#one", 1);
    skip_rejects();
    assert_status(leat_plan_describe(plan, &text, &err), LEAT_OK);
    assert_non_null(strstr(text, "kept in memory"));
    leat_text_free(text);
    assert_int_equal(access(rejects_path, F_OK), -1);
    assert_int_equal(dst[0].begins, 0);
}

/* --- what is refused ------------------------------------------------------------------------ */

static void assert_refused(const char *words)
{
    assert_status(run_with(NULL), LEAT_INVALID);
    if (!strstr(err.message, words)) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
    for (int d = 0; d < TOY_DESTS_MAX; d++) {
        assert_int_equal(dst[d].begins, 0);
    }
}

static void run_refuses_two_streams_that_fall_onto_one_name(void **state)
{
    (void)state;
    src.n_streams = 2;
    src.ns[0] = "a";
    src.ns[1] = "b";
    src.names[1] = "one";
    ends("toysrc:x", 1);
    assert_refused("would both become");
}

static void run_names_streams_by_template_without_taking_their_dots_apart(void **state)
{
    (void)state;
    src.n_streams = 2;
    src.ns[0] = "a";
    src.ns[1] = "b";
    src.names[0] = src.names[1] = "x.\"y";
    src.rows = 10;
    assert_status(leat_plan_source(plan, "toysrc:x", &err), LEAT_OK);
    assert_status(leat_plan_destination(plan, "toydst:a#{namespace}_{stream}", &err), LEAT_OK);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].streams, 2);
}

static void run_refuses_two_destinations_that_are_one_place(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    assert_status(leat_plan_destination(plan, "toydst:a#one", &err), LEAT_OK);
    assert_refused("the same place");
}

static void run_takes_two_streams_of_one_destination_for_two_places(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    assert_status(leat_plan_destination(plan, "toydst:a#other", &err), LEAT_OK);
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].rows, 2000);
}

static void run_refuses_several_streams_for_a_destination_of_one(void **state)
{
    (void)state;
    src.n_streams = 2;
    dst[0].flags = 0;
    ends("toysrc:x", 1);
    assert_refused("takes one stream");
}

static void run_refuses_where_and_query_that_the_source_cannot_do(void **state)
{
    (void)state;
    ends("toysrc:x#one", 1);
    option("where", "1 = 1");
    assert_status(run_with(NULL), LEAT_UNSUPPORTED);
    struct ArrowArrayStream stream;
    tear_down(state);
    set_up_plan(state);
    assert_status(leat_plan_source(plan, "toysrc:x#one", &err), LEAT_OK);
    option("where", "1 = 1");
    assert_status(leat_read(plan, &stream, &err), LEAT_UNSUPPORTED);
}

static void run_with_keep_going_refuses_what_cannot_be_written(void **state)
{
    (void)state;
    assert_status(leat_plan_source(plan, "toysrc:x#one", &err), LEAT_OK);
    assert_status(leat_plan_destination(plan, "toysrc:y", &err), LEAT_OK);
    assert_status(run_with(NULL), LEAT_UNSUPPORTED);
    assert_int_equal(src.starts, 0);
}

/* --- reports and progress ------------------------------------------------------------------- */

static void report_json_parses_and_counts_exactly(void **state)
{
    (void)state;
    src.n_streams = 2;
    src.fail_stream = "two";
    src.fail_batch = 1;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 1;
    ends("toysrc:x", 1);
    option("parallel", "1");
    assert_status(run_with(NULL), LEAT_BAD_DATA);
    const char *text = leat_report_json(report);
    struct lt_json_doc *doc = NULL;
    assert_int_equal(lt_json_doc_parse(text, strlen(text), &doc, &err), LEAT_OK);
    const struct lt_json_value *root = lt_json_root(doc);
    const struct lt_json_value *streams = lt_json_get(root, "streams");
    const struct lt_json_value *one = lt_json_at(streams, 0), *two = lt_json_at(streams, 1);
    assert_int_equal(lt_json_count(streams), 2);
    assert_int_equal(lt_json_integer(lt_json_get(one, "rows_written"), -1), 1000);
    assert_string_equal(lt_json_string(lt_json_get(one, "state"), ""), "new rows");
    assert_int_equal(lt_json_integer(lt_json_get(two, "rows_written"), -1), 0);
    assert_string_equal(lt_json_string(lt_json_get(lt_json_get(two, "error"), "status"), ""),
                        "bad-data");
    assert_string_equal(lt_json_string(lt_json_get(lt_json_get(root, "error"), "code"), ""),
                        "bad-data");
    assert_int_equal(text[strlen(text) - 1], '\n');
    lt_json_doc_free(doc);
}

struct watching {
    int calls, done;
    int64_t rows, bytes, streams, elapsed;
    int64_t total;
    bool backwards;
};

static void see_progress(void *arg, const struct leat_progress *p)
{
    struct watching *w = arg;
    w->backwards = w->backwards || p->rows < w->rows || p->bytes < w->bytes ||
                   p->streams_done < w->streams || p->elapsed_us < w->elapsed;
    w->rows = p->rows;
    w->bytes = p->bytes;
    w->streams = p->streams_done;
    w->elapsed = p->elapsed_us;
    w->total = p->rows_total;
    w->calls++;
}

static void see_done(void *arg, const struct leat_stream_result *r)
{
    struct watching *w = arg;
    w->done += r->committed;
}

static void progress_never_goes_back_and_ends_with_everything(void **state)
{
    (void)state;
    struct watching seen = {0};
    const struct leat_observer observer = {.size = sizeof observer,
                                           .arg = &seen,
                                           .interval_ms = 5,
                                           .progress = see_progress,
                                           .stream_done = see_done};
    src.n_streams = 4;
    src.slow_ms = 2;
    ends("toysrc:x", 1);
    option("limit", "600");
    assert_status(run_with(&observer), LEAT_OK);
    assert_false(seen.backwards);
    assert_true(seen.calls >= 3);
    assert_int_equal(seen.rows, 2400);
    assert_int_equal(seen.total, 2400);
    assert_int_equal(seen.streams, 4);
    assert_int_equal(seen.done, 4);
}

static void a_short_run_does_not_wait_for_the_progress_interval(void **state)
{
    (void)state;
    struct watching seen = {0};
    const struct leat_observer observer = {.size = sizeof observer,
                                           .arg = &seen,
                                           .interval_ms = 5000,
                                           .progress = see_progress,
                                           .stream_done = see_done};
    ends("toysrc:x#one", 1);
    int64_t started_us = lt_now_us();
    assert_status(run_with(&observer), LEAT_OK);
    assert_true(lt_now_us() - started_us < 900000);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.total, 1000); /* described, for somebody watches */
    assert_int_equal(src.describes, 1);
}

/* --- streams of programs -------------------------------------------------------------------- */

static void read_gives_the_source_as_an_arrow_stream_with_the_wishes_applied(void **state)
{
    (void)state;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t rows = 0;
    assert_status(leat_plan_source(plan, "toysrc:x#one", &err), LEAT_OK);
    option("columns", "name");
    option("rename", "name=label");
    option("limit", "150");
    assert_status(leat_read(plan, &stream, &err), LEAT_OK);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 1);
    assert_string_equal(schema.children[0]->name, "label");
    for (;;) {
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        if (!batch.release) {
            break;
        }
        rows += batch.length;
        batch.release(&batch);
    }
    assert_int_equal(rows, 150);
    schema.release(&schema);
    stream.release(&stream);
    assert_null(stream.release);
}

static void read_tells_the_fault_through_last_error(void **state)
{
    (void)state;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    src.fail_batch = 1;
    src.fail_status = LEAT_BAD_DATA;
    src.fail_times = 1;
    assert_status(leat_plan_source(plan, "toysrc:x#one", &err), LEAT_OK);
    assert_status(leat_read(plan, &stream, &err), LEAT_OK);
    assert_int_not_equal(stream.get_next(&stream, &batch), 0);
    assert_non_null(strstr(stream.get_last_error(&stream), "the toy source fails"));
    stream.release(&stream);
}

static void a_programs_stream_is_written_to_two_destinations_once(void **state)
{
    (void)state;
    struct leat_plan *reading;
    struct ArrowArrayStream stream;
    char *text = NULL;
    assert_status(leat_plan_new(leat, &reading, &err), LEAT_OK);
    assert_status(leat_plan_source(reading, "toysrc:x#one", &err), LEAT_OK);
    assert_status(leat_read(reading, &stream, &err), LEAT_OK);
    assert_status(leat_plan_source_stream(plan, &stream, "mine", &err), LEAT_OK);
    assert_null(stream.release);
    assert_status(leat_plan_destination(plan, "toydst:a", &err), LEAT_OK);
    assert_status(leat_plan_destination(plan, "toydst:b", &err), LEAT_OK);
    assert_status(leat_plan_describe(plan, &text, &err), LEAT_OK); /* reads nothing of it */
    leat_text_free(text);
    dst[0].busy_times = 1; /* so it can be tried again */
    assert_status(run_with(NULL), LEAT_OK);
    assert_int_equal(dst[0].id_sum, SUM(1000));
    assert_int_equal(dst[1].id_sum, SUM(1000));
    assert_string_equal(result(0)->source, "mine");
    leat_report_free(report);
    assert_status(run_with(NULL), LEAT_INVALID);
    leat_plan_free(reading);
}

static int count_stream(void *arg, const struct leat_stream_info *info)
{
    *(int64_t *)arg += info->rows_estimate;
    return LEAT_OK;
}

static void list_looks_at_a_stream_named_in_full(void **state)
{
    (void)state;
    int64_t rows = 0;
    assert_status(leat_plan_source(plan, "toysrc:x#one", &err), LEAT_OK);
    assert_status(leat_list(plan, count_stream, &rows, &err), LEAT_OK);
    assert_int_equal(rows, 1000);
    assert_status(leat_plan_source(plan, "toysrc:x#none", &err), LEAT_OK);
    assert_status(leat_list(plan, count_stream, &rows, &err), LEAT_NOT_FOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up_plan, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(run_copies_every_row_of_a_stream_once),
        CASE(run_copies_many_streams_on_several_workers),
        CASE(run_writes_one_read_to_several_destinations),
        CASE(run_matches_the_destinations_columns_by_name_not_by_place),
        CASE(run_stops_before_the_commit_when_what_was_written_reads_back_differently),
        CASE(run_counts_the_rows_where_they_arrived),
        CASE(run_stops_before_the_commit_when_rows_are_not_there),
        CASE(run_stops_at_the_limit_inside_a_batch),
        CASE(run_with_limit_zero_commits_no_rows),
        CASE(run_copies_a_stream_without_columns),
        CASE(run_takes_batches_larger_than_the_whole_memory_share),
        CASE(run_with_atomic_commits_all_streams_in_one_load),
        CASE(run_with_atomic_commits_nothing_when_the_last_stream_fails),
        CASE(run_with_atomic_refuses_a_destination_that_commits_stream_by_stream),
        CASE(run_completes_after_the_last_stream_when_asked),
        CASE(run_keeps_the_first_fault_of_a_reader_and_aborts),
        CASE(run_keeps_a_writers_fault_though_the_reader_is_cancelled_by_it),
        CASE(run_tries_a_passing_fault_again_with_everything_from_the_start),
        CASE(run_tries_no_other_status_again),
        CASE(run_gives_up_after_the_retries_that_were_allowed),
        CASE(run_waits_for_a_busy_destination_without_opening_the_source_again),
        CASE(run_refuses_to_commit_when_the_receipt_counts_other_rows),
        CASE(run_takes_no_batch_that_is_not_what_the_source_says),
        CASE(run_says_incomplete_of_a_destination_that_takes_nothing_back),
        CASE(run_stops_after_a_failed_stream_and_reports_the_rest_as_not_attempted),
        CASE(run_with_keep_going_copies_the_others_and_still_fails),
        CASE(run_asks_after_a_lost_reply_and_takes_committed_for_an_answer),
        CASE(run_tries_again_only_once_the_destination_says_absent),
        CASE(run_never_tries_again_when_the_outcome_stays_unknown),
        CASE(run_does_not_hide_a_commit_in_doubt_behind_a_cancel),
        CASE(run_that_is_cancelled_after_its_last_commit_went_well),
        CASE(run_tries_nothing_again_once_one_destination_has_committed),
        CASE(run_cancelled_while_a_read_hangs_returns_within_a_second),
        CASE(run_cancelled_while_a_write_is_slow_returns_within_a_second),
        CASE(run_cancelled_between_two_attempts_returns_within_a_second),
        CASE(run_of_a_cancelled_session_begins_nothing_until_uncancelled),
        CASE(run_reads_many_streams_from_one_shared_snapshot),
        CASE(run_joins_the_snapshot_again_after_a_cut),
        CASE(run_reads_with_one_worker_when_the_snapshot_cannot_be_shared),
        CASE(run_takes_no_snapshot_for_one_stream_and_goes_on_without_one),
        CASE(run_sets_misfits_of_the_cast_aside_with_their_values),
        CASE(run_counts_rejects_of_reader_cast_and_part_together),
        CASE(run_counts_the_rejects_of_the_last_attempt_only),
        CASE(run_stops_after_too_many_rejects),
        CASE(a_misfit_stops_the_run_with_its_row_when_nothing_was_said_of_rejects),
        CASE(describe_creates_no_rejects_file_and_touches_nothing),
        CASE(run_refuses_two_streams_that_fall_onto_one_name),
        CASE(run_names_streams_by_template_without_taking_their_dots_apart),
        CASE(run_refuses_two_destinations_that_are_one_place),
        CASE(run_takes_two_streams_of_one_destination_for_two_places),
        CASE(run_refuses_several_streams_for_a_destination_of_one),
        CASE(run_refuses_where_and_query_that_the_source_cannot_do),
        CASE(run_with_keep_going_refuses_what_cannot_be_written),
        CASE(report_json_parses_and_counts_exactly),
        CASE(progress_never_goes_back_and_ends_with_everything),
        CASE(a_short_run_does_not_wait_for_the_progress_interval),
        CASE(read_gives_the_source_as_an_arrow_stream_with_the_wishes_applied),
        CASE(read_tells_the_fault_through_last_error),
        CASE(a_programs_stream_is_written_to_two_destinations_once),
        CASE(list_looks_at_a_stream_named_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
