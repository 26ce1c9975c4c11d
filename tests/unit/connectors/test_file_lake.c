/* Directories as destinations and sources of deltas: layouts, columns that change, marks, state. */
#include "file_test.h"

static const char *lake(const struct fixture *f)
{
    return in_dir(f, "lake/");
}

/* A load with a policy, parameters and state; NULLs for none. */
struct more {
    enum leat_schema_policy policy;
    struct leat_param params[2];
    size_t n_params;
    struct leat_state_row state;
};

static int load_more(struct fixture *f, const char *schema, enum leat_write_mode mode,
                     const char *id, const char *rows, const struct more *more,
                     struct leat_error *err)
{
    struct leat_endpoint *ep = open_path(f, lake(f));
    struct one_load l;
    bool already = false;
    load_init(&l, "orders", schema, mode, 0, id);
    l.stream.schema_policy = more->policy;
    l.want.params = more->params;
    l.want.n_params = more->n_params;
    int status = load_begin(&l, ep, err);
    status = status ? status : load_write(&l, rows, NULL, err);
    struct leat_commit what = {.size = sizeof what,
                               .receipts = &l.receipt,
                               .n_receipts = 1,
                               .state = &more->state,
                               .n_state = more->state.key ? 1 : 0,
                               .guards = {.size = sizeof what.guards, .rows_deleted_max = -1}};
    status = status ? status : CONNECTOR->load->commit(l.load, &what, &already, err);
    if (status) {
        CONNECTOR->load->abort(l.load);
    } else {
        CONNECTOR->load->release(l.load);
    }
    load_done(&l);
    CONNECTOR->close(ep);
    return status;
}

static void assert_more(struct fixture *f, const char *schema, enum leat_write_mode mode,
                        const char *id, const char *rows, const struct more *more)
{
    struct leat_error err = {.status = LEAT_OK};
    if (load_more(f, schema, mode, id, rows, more, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
}

/* Types and rows of a read, with some of the columns and between two marks. */
static int read_some(struct fixture *f, const char *path, struct leat_read_plan plan, char *text,
                     size_t size, struct leat_error *err)
{
    struct leat_endpoint *ep = open_path(f, path);
    struct leat_reader *reader = NULL;
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    int status = CONNECTOR->source->start(ep, &plan, &reader, err);
    status = status ? status : drain(reader, &types, &rows, err);
    snprintf(text, size, "%s\n%s", lt_buf_text(&types), lt_buf_text(&rows));
    CONNECTOR->source->finish(reader);
    lt_buf_done(&types);
    lt_buf_done(&rows);
    CONNECTOR->close(ep);
    return status;
}

static void assert_read(struct fixture *f, const char *path, struct leat_read_plan plan,
                        const char *expected)
{
    char text[2048];
    struct leat_error err = {.status = LEAT_OK};
    if (read_some(f, path, plan, text, sizeof text, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    assert_string_equal(text, expected);
}

/* --- layouts ------------------------------------------------------------------------------- */

static const struct more by_country_and_day = {
    .params = {{"format", "parquet"}, {"partition-by", "country,at:day"}}, .n_params = 2};

#define HIVE_SCHEMA "id:int64 country:utf8 at:timestamp"
#define HIVE_ROWS                                                                                  \
    "1|DE|2026-11-20 10:00:00\n2|NULL|2026-11-20 23:59:59\n3|a/b=%|1969-12-31 23:00:00\n"          \
    "4|DE|2026-11-20 11:00:00\n5|__HIVE_DEFAULT_PARTITION__|NULL"

static void hive_layout_gives_the_columns_back_as_they_were(void **state)
{
    struct fixture *f = *state;
    assert_more(f, HIVE_SCHEMA, LEAT_REPLACE, LOAD_A, HIVE_ROWS, &by_country_and_day);
    assert_true(there(
        in_dir(f, "lake/orders/country=DE/dt=2026-11-20/part-0123456789abcdef-0000.parquet")));
    assert_true(there(in_dir(f, "lake/orders/country=__HIVE_DEFAULT_PARTITION__/dt=2026-11-20")));
    assert_true(there(in_dir(f, "lake/orders/country=a%2Fb%3D%25/dt=1969-12-31")));
    assert_true(there(in_dir(f, "lake/orders/country=%5F_HIVE_DEFAULT_PARTITION__")));
    assert_names(lake(f), "_leat_manifest.json orders");
    assert_read(f, lake(f), plan_of("orders"),
                "id:int64 country:utf8 at:timestamp\n"
                "1|DE|2026-11-20 10:00:00\n4|DE|2026-11-20 11:00:00\n2|NULL|2026-11-20 23:59:59\n"
                "3|a/b=%|1969-12-31 23:00:00\n5|__HIVE_DEFAULT_PARTITION__|NULL");
    const char *const columns[] = {"country", "id"};
    struct leat_read_plan plan = plan_of("orders");
    plan.columns = columns;
    plan.n_columns = 1;
    assert_read(f, lake(f), plan, "country:utf8\nDE\nDE\nNULL\na/b=%\n__HIVE_DEFAULT_PARTITION__");
    /* Replacing takes the old directories away. */
    assert_more(f, HIVE_SCHEMA, LEAT_REPLACE, LOAD_B, "9|FR|2026-11-21 00:00:00",
                &by_country_and_day);
    assert_names(in_dir(f, "lake/orders"), "country=FR");
}

static void hive_directories_of_others_are_one_stream_with_inferred_partitions(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(in_dir(f, "raw"), 0777), 0);
    assert_int_equal(mkdir(in_dir(f, "raw/t"), 0777), 0);
    assert_int_equal(mkdir(in_dir(f, "raw/t/dt=2026-11-21"), 0777), 0);
    assert_int_equal(mkdir(in_dir(f, "raw/t/dt=2026-11-22"), 0777), 0);
    put(in_dir(f, "raw/t/dt=2026-11-21/x.csv"), "a\n1\n2\n");
    put(in_dir(f, "raw/t/dt=2026-11-22/y.csv"), "b,a\nx,3\n");
    const char *expected = "a:int64 b:utf8 dt:date\n1|NULL|2026-11-21\n2|NULL|2026-11-21\n"
                           "3|x|2026-11-22";
    assert_read(f, in_dir(f, "raw/"), plan_of("t"), expected);
    assert_read(f, in_dir(f, "raw/t/"), plan_of("t"), expected);
}

static void layouts_that_cannot_be_are_refused_in_words(void **state)
{
    static const struct {
        struct leat_param params[2];
        const char *words;
    } cases[] = {
        {{{"partition-by", "nope"}, {"layout", "hive"}}, "no column \"nope\""},
        {{{"partition-by", "a:day"}, {"layout", "hive"}}, "only dates and timestamps"},
        {{{"partition-by", "a"}, {"layout", "flat"}}, "needs --layout hive"},
        {{{"partition-by", "a"}, {"layout", "hive"}}, "leaves no column"},
        {{{"file-name", "x"}, {"layout", "flat"}}, "holds {load}"},
        {{{"file-name", "../{load}"}, {"layout", "flat"}}, "without /"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct more more = {.params = {cases[i].params[0], cases[i].params[1]}, .n_params = 2};
        struct leat_error err = {.status = LEAT_OK};
        assert_int_not_equal(load_more(f, "a:int64", LEAT_REPLACE, LOAD_A, "1", &more, &err),
                             LEAT_OK);
        if (!strstr(err.message, cases[i].words)) {
            fail_msg("%s does not say %s", err.message, cases[i].words);
        }
    }
    assert_names(f->dir, "");
}

static void file_names_follow_their_template(void **state)
{
    struct fixture *f = *state;
    struct more more = {.params = {{"file-name", "{stream}-{date}T{time}-{load}_{n}"}},
                        .n_params = 1};
    const char *id = "019a0000000000000000000000000001";
    assert_more(f, "a:int64", LEAT_APPEND, id, "1", &more);
    assert_names(lake(f), "_leat_manifest.json "
                          "orders-20251020T050311-019a0000000000000000000000000001_000001.csv");
    assert_path(f, lake(f), "orders", "1");
}

static void hive_load_killed_between_its_renames_is_finished_by_the_next_reader(void **state)
{
    struct fixture *f = *state;
    struct more more = {.params = {{"partition-by", "b"}}, .n_params = 1};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        f->kill_step = "file:manifest:before";
        load_more(f, "a:int64 b:int64", LEAT_REPLACE, LOAD_A, "1|1\n2|2\n3|1", &more, NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_path(f, lake(f), "orders", "1|1\n3|1\n2|2");
    assert_names(in_dir(f, "lake/orders"), "b=1 b=2");
}

static void more_partitions_than_may_be_open_lose_no_record(void **state)
{
    struct fixture *f = *state;
    struct lt_buf rows = LT_BUF_INIT;
    struct more more = {.params = {{"partition-by", "b"}}, .n_params = 1};
    for (int i = 0; i < 1200; i++) {
        lt_buf_printf(&rows, "%s%d|%d", i ? "\n" : "", i, i % 300);
    }
    assert_more(f, "a:int64 b:int32", LEAT_REPLACE, LOAD_A, lt_buf_text(&rows), &more);
    char *got = malloc(1 << 16);
    struct leat_error err = {.status = LEAT_OK};
    assert_int_equal(read_some(f, lake(f), plan_of("orders"), got, 1 << 16, &err), LEAT_OK);
    int64_t sum = 0, n = -1; /* the first line has the types */
    for (char *at = got; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL, n++) {
        int64_t a = strtoll(at, NULL, 10), b = strtoll(at + strcspn(at, "|") + 1, NULL, 10);
        assert_true(n < 0 || a % 300 == b);
        sum += n < 0 ? 0 : a;
    }
    assert_int_equal(n, 1200);
    assert_int_equal(sum, 1200 * 1199 / 2);
    free(got);
    lt_buf_done(&rows);
}

/* --- columns that change ------------------------------------------------------------------- */

static void strict_append_of_other_columns_is_refused_before_a_record_is_read(void **state)
{
    struct fixture *f = *state;
    struct more strict = {.policy = LEAT_SCHEMA_STRICT}, ignore = {.policy = LEAT_SCHEMA_IGNORE};
    struct leat_error err = {.status = LEAT_OK};
    assert_more(f, "a:int64!", LEAT_APPEND, LOAD_A, "1", &strict);
    assert_int_equal(load_more(f, "b:utf8", LEAT_APPEND, LOAD_B, "x", &strict, &err), LEAT_INVALID);
    assert_string_equal(err.code, "column-mismatch");
    assert_non_null(strstr(err.message, "\"a\" may not be null"));
    assert_non_null(strstr(err.message, "\"b\" is not among"));
    assert_more(f, "a:int64", LEAT_APPEND, LOAD_B, "2", &ignore);
    assert_path(f, lake(f), "orders", "1\n2");
}

static void evolving_parts_add_columns_and_widen_types_for_every_reader(void **state)
{
    struct fixture *f = *state;
    struct more evolve = {
        .policy = LEAT_SCHEMA_EVOLVE, .params = {{"format", "parquet"}}, .n_params = 1};
    struct leat_error err = {.status = LEAT_OK};
    assert_more(f, "a:int32! b:utf8", LEAT_APPEND, LOAD_A, "1|x", &evolve);
    assert_more(f, "c:date a:int64!", LEAT_APPEND, LOAD_B, "2026-11-21|3000000000", &evolve);
    assert_more(f, "a:int32!", LEAT_APPEND, "00000000000000000000000000000003", "5", &evolve);
    assert_read(f, lake(f), plan_of("orders"),
                "a:int64! b:utf8 c:date\n1|x|NULL\n3000000000|NULL|2026-11-21\n5|NULL|NULL");
    const char *const columns[] = {"c"};
    struct leat_read_plan plan = plan_of("orders");
    plan.columns = columns;
    plan.n_columns = 1;
    assert_read(f, lake(f), plan, "c:date\nNULL\n2026-11-21\nNULL");
    assert_int_equal(
        load_more(f, "a:utf8", LEAT_APPEND, "00000000000000000000000000000004", "x", &evolve, &err),
        LEAT_INVALID);
    assert_string_equal(err.code, "column-mismatch");
    assert_non_null(strstr(err.message, "\"a\" utf8 does not fit into int64"));
}

static void merging_into_files_is_refused_with_a_remedy(void **state)
{
    struct fixture *f = *state;
    struct more none = {.policy = LEAT_SCHEMA_STRICT};
    struct leat_error err = {.status = LEAT_OK};
    assert_int_equal(load_more(f, "a:int64#", LEAT_MERGE, LOAD_A, "1", &none, &err),
                     LEAT_UNSUPPORTED);
    assert_non_null(strstr(err.remedy, "append"));
}

/* --- state --------------------------------------------------------------------------------- */

static int take_pair(void *arg, const char *key, const char *value)
{
    char *text = arg;
    snprintf(text + strlen(text), 64, "%s=%s ", key, value);
    return 0;
}

static void assert_state(struct fixture *f, const char *expected)
{
    char text[256] = "";
    struct leat_endpoint *ep = open_path(f, lake(f));
    struct leat_stream_name name = {.name = "orders"};
    assert_int_equal(CONNECTOR->load->state(ep, &name, take_pair, text, NULL), LEAT_OK);
    assert_string_equal(text, expected);
    CONNECTOR->close(ep);
}

static void state_is_compared_set_and_kept_by_appends_alone(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    struct leat_stream_name name = {.name = "orders"};
    struct more first = {.state = {.key = "watermark", .value = "1", .check = true}};
    struct more next = {.state = {.key = "watermark", .value = "2", .before = "1", .check = true}};
    struct more none = {.policy = LEAT_SCHEMA_STRICT};
    assert_state(f, "");
    assert_more(f, "a:int64", LEAT_APPEND, LOAD_A, "1", &first);
    assert_state(f, "watermark=1 ");
    assert_more(f, "a:int64", LEAT_APPEND, LOAD_B, "2", &next);
    assert_state(f, "watermark=2 ");
    /* Another run has been here: nothing is written. */
    assert_int_equal(
        load_more(f, "a:int64", LEAT_APPEND, "00000000000000000000000000000003", "3", &next, &err),
        LEAT_CONFLICT);
    assert_string_equal(err.code, "conflict");
    assert_path(f, lake(f), "orders", "1\n2");
    assert_more(f, "a:int64", LEAT_APPEND, "00000000000000000000000000000004", "4", &none);
    assert_state(f, "watermark=2 ");
    struct leat_endpoint *ep = open_path(f, lake(f));
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "watermark", "0", &err), LEAT_OK);
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "x", "y", &err), LEAT_OK);
    assert_state(f, "watermark=0 x=y ");
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "watermark", NULL, &err), LEAT_OK);
    assert_state(f, "x=y ");
    CONNECTOR->close(ep);
    assert_more(f, "a:int64", LEAT_REPLACE, "00000000000000000000000000000005", "5", &none);
    assert_state(f, "");
}

/* --- marks --------------------------------------------------------------------------------- */

static char *mark_of(struct fixture *f, const char *path, const char *stream, const char *since,
                     bool *ret_news, struct leat_error *err)
{
    struct leat_endpoint *ep = open_path(f, path);
    struct leat_read_plan plan = plan_of(stream);
    char *mark = NULL;
    CONNECTOR->source->mark(ep, &plan, since, &mark, ret_news, err);
    CONNECTOR->close(ep);
    return mark;
}

static void assert_between(struct fixture *f, const char *path, const char *stream,
                           const char *since, const char *until, const char *expected)
{
    struct leat_read_plan plan = plan_of(stream);
    plan.since = since;
    plan.until = until;
    assert_read(f, path, plan, expected);
}

static void marks_of_a_manifest_tell_the_files_that_came_since(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    struct more none = {.policy = LEAT_SCHEMA_STRICT};
    bool news = false;
    assert_more(f, "a:int64", LEAT_APPEND, LOAD_A, "1", &none);
    char *first = mark_of(f, lake(f), "orders", NULL, &news, NULL);
    assert_true(news);
    char *same = mark_of(f, lake(f), "orders", first, &news, NULL);
    assert_false(news);
    assert_string_equal(same, first);
    assert_between(f, lake(f), "orders", first, same, "a:int64\n");
    assert_more(f, "a:int64", LEAT_APPEND, LOAD_B, "2", &none);
    char *second = mark_of(f, lake(f), "orders", first, &news, NULL);
    assert_true(news);
    assert_more(f, "a:int64", LEAT_APPEND, "00000000000000000000000000000003", "3", &none);
    assert_between(f, lake(f), "orders", first, second, "a:int64\n2");
    assert_between(f, lake(f), "orders", NULL, second, "a:int64\n1\n2");
    assert_between(f, lake(f), "orders", second, NULL, "a:int64\n3");
    assert_more(f, "a:int64", LEAT_REPLACE, "00000000000000000000000000000004", "9", &none);
    assert_null(mark_of(f, lake(f), "orders", second, &news, &err));
    assert_string_equal(err.code, "source-changed");
    free(first);
    free(same);
    free(second);
}

static void marks_of_plain_files_know_them_by_name_size_and_time(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    bool news = false;
    const char *path = "in/*.csv?as-stream=all";
    assert_int_equal(mkdir(in_dir(f, "in"), 0777), 0);
    put(in_dir(f, "in/b.csv"), "a\n2\n");
    put(in_dir(f, "in/c.csv"), "a\n3\n");
    char *first = mark_of(f, in_dir(f, path), "all", NULL, &news, NULL);
    assert_true(news);
    put(in_dir(f, "in/a.csv"), "a,b\n1,x\n");
    char *second = mark_of(f, in_dir(f, path), "all", first, &news, NULL);
    assert_true(news);
    assert_between(f, in_dir(f, path), "all", first, second, "a:int64 b:utf8\n1|x");
    assert_between(f, in_dir(f, path), "all", NULL, NULL, "a:int64 b:utf8\n1|x\n2|NULL\n3|NULL");
    put(in_dir(f, "in/b.csv"), "a\n22\n");
    assert_null(mark_of(f, in_dir(f, path), "all", second, &news, &err));
    assert_string_equal(err.code, "source-changed");
    assert_string_equal(err.place, "b.csv");
    assert_int_equal(unlink(in_dir(f, "in/b.csv")), 0);
    assert_null(mark_of(f, in_dir(f, path), "all", second, &news, &err));
    assert_non_null(strstr(err.message, "is gone"));
    assert_null(mark_of(f, in_dir(f, path), "all", "{}", &news, &err));
    assert_string_equal(err.code, "invalid");
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(hive_layout_gives_the_columns_back_as_they_were),
        T(hive_directories_of_others_are_one_stream_with_inferred_partitions),
        T(layouts_that_cannot_be_are_refused_in_words),
        T(file_names_follow_their_template),
        T(hive_load_killed_between_its_renames_is_finished_by_the_next_reader),
        T(more_partitions_than_may_be_open_lose_no_record),
        T(strict_append_of_other_columns_is_refused_before_a_record_is_read),
        T(evolving_parts_add_columns_and_widen_types_for_every_reader),
        T(merging_into_files_is_refused_with_a_remedy),
        T(state_is_compared_set_and_kept_by_appends_alone),
        T(marks_of_a_manifest_tell_the_files_that_came_since),
        T(marks_of_plain_files_know_them_by_name_size_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
