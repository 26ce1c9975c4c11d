/* Ordered reads, ranges and bounds of cursors: values compare as what they are, however they are
 * stored. */
#include "sqlite_test.h"

static const struct {
    const char *type;   /* as it is declared */
    const char *stored; /* what is put in: SQL, in the order of the type */
    const char *read;   /* what comes out, in order */
} cases[] = {
    {"INTEGER", "-5, 2, 10, 9007199254740993", "-5\n2\n10\n9007199254740993"},
    {"REAL", "-1e300, -0.5, 3, 1e10", "-1e+300\n-0.5\n3\n10000000000"},
    {"BOOLEAN", "0, 1", "false\ntrue"},
    {"TEXT COLLATE NOCASE", "' ', 'A', 'B', 'a', 'é'", " \nA\nB\na\né"},
    {"VARCHAR(9) COLLATE RTRIM", "'a', 'a ', 'b'", "a\na \nb"},
    {"DECIMAL_TEXT(10,2)", "'-10.50', '-9.99', '0.00', '9.90', '10.10'",
     "-10.50\n-9.99\n0.00\n9.90\n10.10"},
    {"DECIMAL(10,2)", "-10.5, '-9.25', 0, 9, '10.1'", "-10.50\n-9.25\n0.00\n9.00\n10.10"},
    {"NUMERIC_TEXT",
     "'-Infinity', '-10.5', '-9', '0.10', '9', '10', '123456789012345678901', "
     "'Infinity', 'NaN'",
     "-Infinity\n-10.5\n-9\n0.10\n9\n10\n123456789012345678901\nInfinity\nNaN"},
    {"UNSIGNED64_TEXT", "'9', '10', '18446744073709551615'", "9\n10\n18446744073709551615"},
    {"TIMESTAMP", "'2024-02-29', '2024-02-29T00:00:01', '2024-02-29 00:00:01.5', 1709164802",
     "2024-02-29 00:00:00\n2024-02-29 00:00:01\n2024-02-29 00:00:01.500\n2024-02-29 00:00:02"},
    {"TIMESTAMPTZ",
     "'2024-02-29 01:00:00+01:00', '2024-02-29 00:00:00.25Z', '2024-02-29T00:00:01Z'",
     "2024-02-29 00:00:00Z\n2024-02-29 00:00:00.250Z\n2024-02-29 00:00:01Z"},
    {"DATE", "'1969-12-31', '2024-02-29 00:00:00', '2024-03-01'",
     "1969-12-31\n2024-02-29\n2024-03-01"},
    {"UUID",
     "'00000000-0000-0000-0000-000000000001', x'0a000000000000000000000000000000', "
     "'FF000000-0000-0000-0000-000000000000'",
     "00000000-0000-0000-0000-000000000001\n0a000000-0000-0000-0000-000000000000\n"
     "ff000000-0000-0000-0000-000000000000"},
    {"BLOB", "x'', x'00', x'00ff', x'7f', x'80'", "\\x\n\\x00\n\\x00ff\n\\x7f\n\\x80"},
    {"", "10, 'a', 9", "10\n9\na"}, /* numbers and texts are text, and 10 comes before 9 */
};

#define CASES (sizeof cases / sizeof cases[0])

/* A table with the values of a case put in backwards, and a null. */
static void make_table(struct fixture *f, size_t i)
{
    struct lt_buf sql = LT_BUF_INIT;
    assert_int_equal(lt_buf_printf(&sql,
                                   "DROP TABLE IF EXISTS t; CREATE TABLE t (k %s, pos INTEGER); "
                                   "INSERT INTO t VALUES (NULL, 0);",
                                   cases[i].type),
                     0);
    char *values = lt_strdup(cases[i].stored), *save = NULL, *words[16];
    size_t n = 0;
    for (char *word = strtok_r(values, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        words[n++] = word;
    }
    while (n > 0) {
        n--;
        lt_buf_printf(&sql, "INSERT INTO t VALUES (%s, %d);", words[n], (int)n + 1);
    }
    run_sql(f, lt_buf_text(&sql));
    free(values);
    lt_buf_done(&sql);
}

static void use_unix_numbers(struct fixture *f)
{
    snprintf(f->url, sizeof f->url, "sqlite:%s?date-numbers=unix", f->path);
}

static const char *const by_k[] = {"k"};

static void ordered_reads_follow_the_canonical_type_with_nulls_last(void **state)
{
    struct fixture *f = *state;
    use_unix_numbers(f);
    for (size_t i = 0; i < CASES; i++) {
        char expected[512];
        struct leat_read_plan plan = plan_of("t");
        plan.columns = plan.order = by_k;
        plan.n_columns = plan.n_order = 1;
        make_table(f, i);
        snprintf(expected, sizeof expected, "%s\nNULL", cases[i].read);
        assert_read(f, &plan, NULL, expected);
    }
}

/* The last line of `text`, and what comes before it. */
static void split_last(const char *text, char *before, char *last, size_t size)
{
    const char *at = strrchr(text, '\n');
    snprintf(before, size, "%.*s", (int)(at - text), text);
    snprintf(last, size, "%s", at + 1);
}

static void ranges_take_canonical_bounds_for_every_form_of_storage(void **state)
{
    struct fixture *f = *state;
    use_unix_numbers(f);
    for (size_t i = 0; i < CASES; i++) {
        char before[512], last[512];
        split_last(cases[i].read, before, last, sizeof before);
        const char *bound[] = {last};
        struct leat_cursor_range range = {
            .size = sizeof range, .columns = by_k, .n_columns = 1, .high = bound};
        struct leat_read_plan plan = plan_of("t");
        plan.columns = plan.order = by_k;
        plan.n_columns = plan.n_order = 1;
        plan.cursor = &range;
        make_table(f, i);
        assert_read(f, &plan, NULL, before);
        range.high = NULL;
        range.low = bound;
        range.low_inclusive = true;
        assert_read(f, &plan, NULL, last);
        range.with_nulls = true;
        strncat(last, "\nNULL", sizeof last - strlen(last) - 1);
        char only[512];
        split_last(cases[i].read, before, only, sizeof only);
        bound[0] = only;
        assert_read(f, &plan, NULL, last);
    }
}

static void bounds_are_canonical_and_count_nulls(void **state)
{
    struct fixture *f = *state;
    use_unix_numbers(f);
    for (size_t i = 0; i < CASES; i++) {
        char before[512], last[512], first[512];
        struct leat_bounds bounds = {.size = sizeof bounds};
        struct leat_read_plan plan = plan_of("t");
        struct leat_error err = {.status = LEAT_OK};
        split_last(cases[i].read, before, last, sizeof before);
        snprintf(first, sizeof first, "%.*s", (int)strcspn(cases[i].read, "\n"), cases[i].read);
        make_table(f, i);
        struct leat_endpoint *ep = open_ep(f);
        if (CONNECTOR->source->bounds(ep, &plan, by_k, 1, 0, &bounds, &err)) {
            fail_msg("%s: %s", cases[i].type, err.message);
        }
        assert_string_equal(bounds.low[0], first);
        assert_string_equal(bounds.high[0], last);
        assert_int_equal(bounds.nulls, 1);
        leat_x_bounds_release(&bounds);
        CONNECTOR->close(ep);
    }
}

static void compound_cursors_compare_as_rows(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[] = {"at", "id"};
    const char *low[] = {"2024-01-01 00:00:00", "9"};
    run_sql(f, "CREATE TABLE t (at DATETIME, id INTEGER); INSERT INTO t VALUES "
               "('2024-01-01T00:00:00', 9), ('2024-01-01', 10), ('2024-01-01 00:00:00.5', 1), "
               "('2023-12-31', 99), (NULL, 5)");
    struct leat_cursor_range range = {
        .size = sizeof range, .columns = columns, .n_columns = 2, .low = low};
    struct leat_read_plan plan = plan_of("t");
    plan.order = columns;
    plan.n_order = 2;
    plan.cursor = &range;
    assert_read(f, &plan, NULL, "2024-01-01 00:00:00|10\n2024-01-01 00:00:00.500|1");
    struct leat_bounds bounds = {.size = sizeof bounds};
    struct leat_endpoint *ep = open_ep(f);
    plan = plan_of("t");
    assert_int_equal(CONNECTOR->source->bounds(ep, &plan, columns, 2, 0, &bounds, NULL), LEAT_OK);
    assert_string_equal(bounds.low[0], "2023-12-31 00:00:00");
    assert_string_equal(bounds.low[1], "99");
    assert_string_equal(bounds.high[0], "2024-01-01 00:00:00.500");
    assert_string_equal(bounds.high[1], "1");
    leat_x_bounds_release(&bounds);
    CONNECTOR->close(ep);
}

static void values_that_cannot_be_read_stop_an_ordered_read(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    struct leat_read_plan plan = plan_of("t");
    plan.order = by_k;
    plan.n_order = 1;
    run_sql(f, "CREATE TABLE t (k DATE); INSERT INTO t VALUES ('2024-01-01'), ('soon')");
    read_fails(f, &plan, &err);
    assert_non_null(strstr(err.message, "not a date"));
    run_sql(f, "DROP TABLE t; CREATE TABLE t (k \"list<int64> TEXT\")");
    assert_int_equal(read_fails(f, &plan, &err), LEAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no order"));
}

static void plain_keys_are_read_through_their_index(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *stmt = NULL;
    run_sql(f, "CREATE TABLE t (k TEXT PRIMARY KEY, n INTEGER)");
    sqlite3 *db = open_db(f);
    /* What the connector orders by must stay what an index is made of. */
    assert_int_equal(api()->sqlite3_prepare_v2(db,
                                               "EXPLAIN QUERY PLAN SELECT k FROM t ORDER BY \"k\" "
                                               "COLLATE BINARY ASC NULLS LAST",
                                               -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(api()->sqlite3_step(stmt), SQLITE_ROW);
    assert_non_null(strstr((const char *)api()->sqlite3_column_text(stmt, 3), "INDEX"));
    api()->sqlite3_finalize(stmt);
    api()->sqlite3_close_v2(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(ordered_reads_follow_the_canonical_type_with_nulls_last),
        T(ranges_take_canonical_bounds_for_every_form_of_storage),
        T(bounds_are_canonical_and_count_nulls),
        T(compound_cursors_compare_as_rows),
        T(values_that_cannot_be_read_stop_an_ordered_read),
        T(plain_keys_are_read_through_their_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
