/* What the SQLite connector does for many rows at once: batches inserted by one statement, whole
 * tables read from within the scan. */
#include "sqlite_test.h"

static void load_puts_losses_and_left_out_rows_where_they_belong_in_each_batch(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct leat_reject_sink sink = {.size = sizeof sink, .arg = f, .reject = take_reject};
    struct one_load l;
    bool already;
    run_sql(f, "CREATE TABLE t (a INTEGER, x REAL, s TEXT, d DATE)");
    load_init(&l, "t", "a:int64 x:float64 s:utf8 d:date", LEAT_APPEND, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l,
                                "1|NaN|one|2024-01-01\n2|0.5|two|NULL\n3|NaN|three|2024-01-03\n"
                                "4|NaN|four|2024-01-04\n5|NULL|five|-0043-03-15\n6|NaN|six|NULL",
                                &sink, &err),
                     LEAT_OK);
    assert_int_equal(l.receipt.rows_inserted, 2);
    assert_int_equal(l.receipt.rows_rejected, 4);
    assert_int_equal(load_commit(&l, 2, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT rowid, a, x, s, d FROM t",
                "1|2|0.5|two|NULL\n2|5|NULL|five|-0043-03-15");
    assert_non_null(strstr(f->rejects, "t: row 1 column \"x\""));
    assert_non_null(strstr(f->rejects, "t: row 6 column \"x\""));
}

static void load_that_sqlite_refuses_names_the_row_and_leaves_none_of_its_batch(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (a INTEGER, s TEXT UNIQUE); INSERT INTO t VALUES (0, 'c')");
    assert_int_equal(
        load_fails(f, "t", "a:int64 s:utf8", LEAT_APPEND, 0, "1|a\n2|b\n3|c\n4|d", &err),
        LEAT_BAD_DATA);
    assert_non_null(strstr(err.message, "row 3"));
    assert_rows(f, "SELECT * FROM t", "0|c");
}

/* Texts lie one behind the other: the next one's digits are none of this one's. */
static void load_tells_numbers_apart_that_lie_side_by_side(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a STRING, d DECIMAL(38,10))");
    assert_load(f, "t", "a:utf8 d:decimal(38,10)", LEAT_APPEND, 0, LOAD_A,
                "0.5|1234567890123456.5\n7|0.0000000001\n1.25|4\nx|1234567890123456.5");
    assert_rows(f, "SELECT a, printf('%.10g', d) FROM t",
                "0.5|1.23456789e+15\n7|1e-10\n1.25|4\nx|1.23456789e+15");
}

static void load_fires_a_table_s_triggers_row_by_row(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a INTEGER); CREATE TABLE log (a INTEGER, rows INTEGER);"
               "CREATE TRIGGER g BEFORE INSERT ON t BEGIN INSERT INTO log SELECT NEW.a, count(*) "
               "FROM t; END");
    assert_load(f, "t", "a:int64", LEAT_APPEND, 0, LOAD_A, "5\n6\n7");
    assert_rows(f, "SELECT a, rows FROM log", "5|0\n6|1\n7|2");
}

static void load_overrules_a_table_s_conflict_clause(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (a INTEGER UNIQUE ON CONFLICT IGNORE)");
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    load_init(&l, "t", "a:int64", LEAT_APPEND, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_not_equal(load_write(&l, "1\n1\n2", NULL, &err), LEAT_OK);
    assert_non_null(strstr(err.message, "row 2: UNIQUE constraint failed: t.a"));
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
}

static void read_of_a_table_gives_each_row_once_whatever_indexes_it_has(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a INTEGER, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;"
               "CREATE INDEX i ON t (a); INSERT INTO t VALUES (2, 'x'), (1, 'y'), (1, 'x');"
               "CREATE TABLE u (a INTEGER, b TEXT); CREATE INDEX j ON u (b, a);"
               "INSERT INTO u SELECT * FROM t; CREATE VIEW v AS SELECT a FROM u UNION SELECT 1");
    assert_stream(f, "t", NULL, "1|x\n1|y\n2|x"); /* of the index, as any SELECT of them */
    assert_stream(f, "u", NULL, "1|x\n1|y\n2|x");
    assert_stream(f, "v", NULL, "1\n2");
}

static void read_of_more_columns_than_a_function_takes_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct lt_buf sql = LT_BUF_INIT, expected = LT_BUF_INIT;
    for (int n = 126; n <= 129; n++) {
        lt_buf_clear(&sql);
        lt_buf_clear(&expected);
        lt_buf_puts(&sql, "DROP TABLE IF EXISTS t; CREATE TABLE t (c0 INTEGER");
        for (int i = 1; i < n; i++) {
            lt_buf_printf(&sql, ", c%d INTEGER", i);
        }
        lt_buf_puts(&sql, "); INSERT INTO t VALUES (0");
        lt_buf_puts(&expected, "0");
        for (int i = 1; i < n; i++) {
            lt_buf_printf(&sql, ", %d", i);
            lt_buf_printf(&expected, "|%d", i);
        }
        lt_buf_puts(&sql, ")");
        run_sql(f, lt_buf_text(&sql));
        assert_stream(f, "t", NULL, lt_buf_text(&expected));
    }
    lt_buf_done(&sql);
    lt_buf_done(&expected);
}

static void read_gives_null_for_the_readers_own_function(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2)");
    struct leat_read_plan plan = plan_of("t");
    plan.query = "SELECT a, _leat_take(a) IS NULL AS n FROM t";
    assert_read(f, &plan, NULL, "1|1\n2|1");
}

static void read_takes_usual_and_other_forms_of_one_value_alike(void **state)
{
    struct fixture *f = *state;
    run_sql(f,
            "CREATE TABLE t (d DECIMAL(12,2), day DATE, at TIMESTAMP, u UUID);"
            "INSERT INTO t VALUES (CAST('1.50' AS BLOB), NULL, NULL, NULL);"
            "DELETE FROM t; INSERT INTO t VALUES "
            "(-12.5, '2024-02-28', '2024-02-28 01:02:03', '00112233-4455-6677-8899-aabbccddeeff'),"
            "('1e1', '2024-02-29', '2024-02-29T01:02:03.5', '00112233445566778899AABBCCDDEEFF'),"
            "(' 7', '+10000-01-01', '0000-01-01 00:00', NULL)");
    struct leat_reject_sink sink = {.size = sizeof sink, .arg = f, .reject = take_reject};
    struct leat_read_plan plan = plan_of("t");
    plan.rejects = &sink;
    assert_read(f, &plan, NULL,
                "-12.50|2024-02-28|2024-02-28 01:02:03|00112233-4455-6677-8899-aabbccddeeff\n"
                "10.00|2024-02-29|2024-02-29 01:02:03.500|00112233-4455-6677-8899-aabbccddeeff\n"
                "7.00|+10000-01-01|0000-01-01 00:00:00|NULL");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(load_puts_losses_and_left_out_rows_where_they_belong_in_each_batch),
        TEST(load_that_sqlite_refuses_names_the_row_and_leaves_none_of_its_batch),
        TEST(load_tells_numbers_apart_that_lie_side_by_side),
        TEST(load_fires_a_table_s_triggers_row_by_row),
        TEST(load_overrules_a_table_s_conflict_clause),
        TEST(read_of_a_table_gives_each_row_once_whatever_indexes_it_has),
        TEST(read_of_more_columns_than_a_function_takes_is_the_same),
        TEST(read_gives_null_for_the_readers_own_function),
        TEST(read_takes_usual_and_other_forms_of_one_value_alike),
    };
    return cmocka_run_group_tests_name("sqlite_bulk", tests, NULL, NULL);
}
