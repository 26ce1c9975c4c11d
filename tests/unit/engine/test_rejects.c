#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/json_read.h"
#include "core/thread.h"
#include "engine/rejects.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define THREADS 3
#define ROUNDS 200

static char path[64];
static struct leat_error err;

static int tell(struct lt_stream_rejects *sink, const char *record, size_t len)
{
    const struct leat_reject reject = {.size = sizeof reject,
                                       .place = "f.csv:7",
                                       .code = "cast",
                                       .reason = "does not fit",
                                       .record = record,
                                       .record_len = len};
    return sink->sink.reject(sink->sink.arg, &reject, &err);
}

/* Lines of the file; each must be a JSON object of that stream. */
static int count_lines(const char *stream, char *ret_record, size_t size)
{
    char line[1024];
    int n = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        struct lt_json_doc *doc = NULL;
        assert_int_equal(lt_json_doc_parse(line, strlen(line), &doc, &err), LEAT_OK);
        const struct lt_json_value *root = lt_json_root(doc);
        assert_string_equal(lt_json_string(lt_json_get(root, "stream"), ""), stream);
        snprintf(ret_record, size, "%s", lt_json_string(lt_json_get(root, "record"), "(null)"));
        lt_json_doc_free(doc);
        n++;
    }
    fclose(file);
    unlink(path);
    return n;
}

static void a_record_is_written_as_it_was_or_as_null_when_json_cannot_hold_it(void **state)
{
    static const struct {
        const char *record;
        size_t len;
        const char *want;
    } rows[] = {{"a;\"b\"\n\x01", 7, "a;\"b\"\n\x01"}, {"\xff", 1, "(null)"}, {NULL, 0, "(null)"}};
    char record[64];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct lt_rejects *rejects = NULL;
        struct lt_stream_rejects sink;
        assert_int_equal(lt_rejects_open(path, 10, &rejects, &err), LEAT_OK);
        lt_rejects_stream(rejects, "a \"b\"", 1, &sink);
        assert_int_equal(tell(&sink, rows[i].record, rows[i].len), LEAT_OK);
        assert_int_equal(lt_rejects_close(rejects, &err), LEAT_OK);
        assert_int_equal(count_lines("a \"b\"", record, sizeof record), 1);
        assert_string_equal(record, rows[i].want);
    }
}

static void one_more_than_allowed_stops_and_says_where(void **state)
{
    (void)state;
    struct lt_rejects *rejects = NULL;
    struct lt_stream_rejects sink;
    assert_int_equal(lt_rejects_open("none", 2, &rejects, &err), LEAT_OK);
    lt_rejects_stream(rejects, "s", 1, &sink);
    assert_int_equal(tell(&sink, NULL, 0), LEAT_OK);
    assert_int_equal(tell(&sink, NULL, 0), LEAT_OK);
    assert_int_equal(tell(&sink, NULL, 0), LEAT_BAD_DATA);
    assert_string_equal(err.code, "too-many-rejects");
    assert_string_equal(err.place, "f.csv:7");
    lt_rejects_forget(rejects, 3);
    assert_int_equal(lt_rejects_count(rejects), 0);
    assert_int_equal(tell(&sink, NULL, 0), LEAT_OK);
    assert_int_equal(lt_rejects_close(rejects, &err), LEAT_OK);
}

static void a_file_that_cannot_be_written_is_an_error_at_once_or_at_the_end(void **state)
{
    (void)state;
    struct lt_rejects *rejects = NULL;
    struct lt_stream_rejects sink;
    assert_int_not_equal(lt_rejects_open("/nowhere/x", 2, &rejects, &err), LEAT_OK);
    assert_null(rejects);
    assert_int_equal(lt_rejects_open("/dev/full", 2, &rejects, &err), LEAT_OK);
    lt_rejects_stream(rejects, "s", 1, &sink);
    assert_int_equal(tell(&sink, NULL, 0), LEAT_OK); /* still in the buffer */
    assert_int_equal(lt_rejects_close(rejects, &err), LEAT_NO_SPACE);
    assert_int_equal(lt_rejects_close(NULL, &err), LEAT_OK);
    assert_int_equal(lt_rejects_count(NULL), 0);
    lt_rejects_forget(NULL, 1);
}

static void *tell_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        const struct leat_reject reject = {
            .size = sizeof reject, .place = "p", .code = "c", .reason = "r"};
        struct lt_stream_rejects *sink = arg;
        sink->sink.reject(sink->sink.arg, &reject, NULL);
    }
    return NULL;
}

static void many_threads_write_whole_lines_and_count_exactly(void **state)
{
    (void)state;
    struct lt_rejects *rejects = NULL;
    struct lt_stream_rejects sink;
    pthread_t threads[THREADS];
    char record[8];
    assert_int_equal(lt_rejects_open(path, 1000000, &rejects, &err), LEAT_OK);
    lt_rejects_stream(rejects, "s", 1, &sink);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(lt_thread_start(&threads[i], tell_many, &sink, &err), LEAT_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(lt_rejects_count(rejects), THREADS * ROUNDS);
    assert_int_equal(sink.count, THREADS * ROUNDS);
    assert_int_equal(lt_rejects_close(rejects, &err), LEAT_OK);
    assert_int_equal(count_lines("s", record, sizeof record), THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_written_as_it_was_or_as_null_when_json_cannot_hold_it),
        cmocka_unit_test(one_more_than_allowed_stops_and_says_where),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error_at_once_or_at_the_end),
        cmocka_unit_test(many_threads_write_whole_lines_and_count_exactly),
    };
    snprintf(path, sizeof path, "/tmp/leat-test-rejects-file-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
