/* The SQLite connector through the contract alone. SQL for set-up and judgement goes through the
 * library's own API, on connections of the test. */
#include "sqlite_test.h"

static enum leat_outcome outcome_of(struct fixture *f, const char *id)
{
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    enum leat_outcome outcome = LEAT_LOAD_IN_FLIGHT;
    struct leat_error err;
    load_init(&l, "t", "a:int64", LEAT_APPEND, 0, id);
    if (CONNECTOR->load->outcome(ep, &l.want, &outcome, &err)) {
        fail_msg("outcome: %s", err.message);
    }
    lt_schema_done(&l.schema);
    CONNECTOR->close(ep);
    return outcome;
}

/* --- reading ------------------------------------------------------------------------------- */

static void read_maps_declared_types_to_canonical_ones(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, n BIGINT NOT NULL, r DOUBLE PRECISION, "
               "s VARCHAR(20), d DECIMAL(10,2), b BOOLEAN, day DATE, at DATETIME, j JSON, u UUID, "
               "x BLOB, m NUMERIC);"
               "INSERT INTO t VALUES (1, 9223372036854775807, 0.5, 'é', 1.1, 1, '2024-02-29', "
               "'2024-02-29 13:14:15.5', '{\"a\": 1}', '00112233-4455-6677-8899-aabbccddeeff', "
               "x'00ff', 12345678901234567890),"
               "(2, -1, 3, '', 7, 0, '2024-02-29 00:00:00', '2024-02-29', '[]', "
               "x'00112233445566778899aabbccddeeff', x'', 1.5),"
               "(3, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
    assert_stream(
        f, "t",
        "id:int64! n:int64! r:float64 s:text(sqlite:VARCHAR(20)) d:decimal(10,2) b:bool day:date "
        "at:timestamp j:json u:uuid x:binary m:numeric",
        "1|9223372036854775807|0.5|é|1.10|true|2024-02-29|2024-02-29 13:14:15.500|"
        "{\"a\": 1}|00112233-4455-6677-8899-aabbccddeeff|\\x00ff|1.2345678901234567e+19\n"
        "2|-1|3||7.00|false|2024-02-29|2024-02-29 00:00:00|[]|"
        "00112233-4455-6677-8899-aabbccddeeff|\\x|1.5\n"
        "3|0|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL");
}

static void read_types_undeclared_columns_by_their_values(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (i, r, big, s, mixed, x, none);"
               "INSERT INTO t VALUES (1, 1, 9007199254740993, 'a', 1, x'01', NULL), "
               "(2, 0.5, 0.5, 'b', 'b', x'02', NULL), (3, 2, 1, 'c', 0.25, NULL, NULL)");
    assert_stream(f, "t", "i:int64 r:float64 big:numeric s:utf8 mixed:utf8 x:binary none:utf8",
                  "1|1|9007199254740993|a|1|\\x01|NULL\n2|0.5|0.5|b|b|\\x02|NULL\n"
                  "3|2|1|c|0.25|NULL|NULL");
}

static void read_refuses_an_undeclared_column_of_blobs_and_texts_by_name(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (good, bad); INSERT INTO t VALUES (1, 'a'), (2, x'01')");
    struct leat_read_plan plan = plan_of("t");
    assert_int_equal(read_fails(f, &plan, &err), LEAT_UNSUPPORTED);
    assert_non_null(strstr(err.place, "column \"bad\""));
    const char *columns[] = {"good"};
    plan.columns = columns;
    plan.n_columns = 1;
    assert_read(f, &plan, "good:int64", "1\n2");
}

static void read_stops_at_text_in_an_integer_column_and_says_where(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
               "INSERT INTO t VALUES (1, 1), (2, 'secret'), (3, 3)");
    struct leat_read_plan plan = plan_of("t");
    assert_int_equal(read_fails(f, &plan, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "value-syntax");
    assert_string_equal(err.place, "t: row 2 column \"n\"");
    assert_non_null(strstr(err.remedy, "--cast n=utf8"));
    assert_null(strstr(err.message, "secret"));
}

static void read_hands_misfits_to_the_reject_sink_and_goes_on(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a TEXT, n INTEGER, d DECIMAL(4,2));"
               "INSERT INTO t VALUES ('x', 1, 1.25), ('y', 'bad', 1), ('z', 3, 100), "
               "('w', 4, 0.005), ('v', 5, 2)");
    struct leat_reject_sink sink = {.size = sizeof sink, .arg = f, .reject = take_reject};
    struct leat_read_plan plan = plan_of("t");
    plan.rejects = &sink;
    assert_read(f, &plan, NULL, "x|1|1.25\nv|5|2.00");
    assert_int_equal(f->rejected, 3);
    assert_string_equal(f->rejects,
                        "t: row 2 column \"n\" [value-syntax] {\"a\":\"y\",\"n\":\"bad\",\"d\":1}\n"
                        "t: row 3 column \"d\" [value-syntax] {\"a\":\"z\",\"n\":3,\"d\":100}\n"
                        "t: row 4 column \"d\" [value-syntax] {\"a\":\"w\",\"n\":4,\"d\":0.005}\n");
}

static void explain_tells_the_types_that_values_gave(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    struct leat_reader *reader = NULL;
    char words[64] = "?";
    run_sql(f, "CREATE TABLE t (a, n INTEGER, m MONEY); INSERT INTO t VALUES ('x', 1, 1.5)");
    struct leat_endpoint *ep = open_ep(f);
    struct leat_read_plan plan = plan_of("t");
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_OK);
    assert_int_equal(CONNECTOR->source->explain(reader, words, sizeof words, &err), LEAT_OK);
    assert_string_equal(words, "types by value: a utf8, m float64");
    CONNECTOR->source->finish(reader);
    plan = (struct leat_read_plan){.size = sizeof plan, .query = "SELECT n, n + 1 AS k FROM t"};
    plan.limit = -1;
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_OK);
    assert_int_equal(CONNECTOR->source->explain(reader, words, sizeof words, &err), LEAT_OK);
    assert_string_equal(words, "types by value: k int64");
    CONNECTOR->source->finish(reader);
    CONNECTOR->close(ep);
}

static void read_makes_misfits_null_where_losses_are_taken(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a TEXT, n INTEGER, d DECIMAL(4,2), \"not\" INTEGER);"
               "INSERT INTO t VALUES ('x', 1, 1.25, 1), (x'00', 'bad', 1, 2), ('z', 3, 100, 3);"
               "CREATE TABLE u AS SELECT * FROM t; UPDATE t SET \"not\" = 0");
    struct leat_loss_sink losses = {.size = sizeof losses, .arg = f, .lost = take_loss};
    struct leat_reject_sink rejects = {.size = sizeof rejects, .arg = f, .reject = take_reject};
    struct leat_read_plan plan = plan_of("t");
    plan.losses = &losses;
    plan.rejects = &rejects; /* a value that can be lost rejects no row */
    assert_read(f, &plan, NULL, "x|1|1.25|0\nNULL|NULL|1.00|0\nz|3|NULL|0");
    assert_string_equal(f->rejects, "t: row 2 column \"a\" [value-range] a\n"
                                    "t: row 2 column \"n\" [value-range] n\n"
                                    "t: row 3 column \"d\" [value-range] d\n");
}

static void read_stops_where_a_loss_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    struct leat_reader *reader = NULL;
    run_sql(f, "CREATE TABLE t (a INTEGER, \"not\" INTEGER); INSERT INTO t VALUES ('x', 'y')");
    struct leat_loss_sink losses = {.size = sizeof losses, .arg = f, .lost = take_loss};
    struct leat_endpoint *ep = open_ep(f);
    struct leat_read_plan plan = plan_of("t");
    plan.losses = &losses;
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_OK);
    assert_int_equal(drain(reader, &types, &rows, &err), LEAT_BAD_DATA);
    assert_string_equal(err.message, "the test says no");
    assert_int_equal(f->rejected, 2);
    CONNECTOR->source->finish(reader);
    CONNECTOR->close(ep);
    lt_buf_done(&types);
    lt_buf_done(&rows);
}

static void read_takes_the_type_that_the_user_gave(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (n INTEGER, x); INSERT INTO t VALUES (1, 5), ('two', 'a')");
    struct ArrowSchema types = schema_of("n:utf8");
    struct leat_read_plan plan = plan_of("t");
    plan.types = &types;
    assert_read(f, &plan, "n:utf8 x:utf8", "1|5\ntwo|a");
    lt_schema_done(&types);
}

static void read_gives_columns_predicate_order_and_limit_as_planned(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a TEXT COLLATE NOCASE, \"q\"\"x\" INT);"
               "INSERT INTO t VALUES ('b', 1), ('C', 2), ('a', 3), ('d', 4)");
    const char *columns[] = {"q\"x", "a"}, *order[] = {"a"};
    struct leat_read_plan plan = plan_of("t");
    plan.columns = columns;
    plan.n_columns = 2;
    plan.order = order;
    plan.n_order = 1;
    plan.predicate = "\"q\"\"x\" < 4 -- all but one";
    plan.limit = 3;
    assert_read(f, &plan, "q\"x:int64 a:utf8", "2|C\n3|a\n1|b");
}

static void read_keeps_to_the_cursor_range(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (n INTEGER, at TIMESTAMP);"
               "INSERT INTO t VALUES (1, '2024-01-01 00:00:00'), (2, '2024-01-02T00:00:00'), "
               "(10, '2024-01-03 00:00:00')");
    const char *columns[] = {"n"}, *low[] = {"1"}, *high[] = {"9"};
    struct leat_cursor_range range = {.size = sizeof range,
                                      .columns = columns,
                                      .n_columns = 1,
                                      .low = low,
                                      .high = high,
                                      .high_inclusive = true};
    struct leat_read_plan plan = plan_of("t");
    plan.cursor = &range;
    assert_read(f, &plan, NULL, "2|2024-01-02 00:00:00");
    columns[0] = "at";
    low[0] = "2024-01-02 00:00:00";
    range.high = NULL;
    range.low_inclusive = true;
    assert_read(f, &plan, NULL, "2|2024-01-02 00:00:00\n10|2024-01-03 00:00:00");
}

static void read_of_a_query_types_expressions_by_value(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a INTEGER, d DATE); INSERT INTO t VALUES (1, '2024-01-01'), (2, "
               "NULL)");
    struct leat_read_plan plan = plan_of(NULL);
    plan.query = "SELECT a, a * 1.5 AS x, d FROM t ORDER BY a DESC -- done";
    assert_read(f, &plan, "a:int64 x:float64 d:date", "2|3|NULL\n1|1.5|2024-01-01");
    struct leat_error err = {.status = LEAT_OK};
    plan.query = "DELETE FROM t RETURNING a";
    assert_int_equal(read_fails(f, &plan, &err), LEAT_INVALID);
    assert_rows(f, "SELECT count(*) FROM t", "2");
}

static void read_splits_batches_by_rows_and_by_bytes(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
               "LIMIT 1000) SELECT i, printf('%0100d', i) AS pad FROM n");
    struct leat_endpoint *ep = open_ep(f);
    struct leat_read_plan plan = plan_of("t");
    struct leat_reader *reader = NULL;
    int64_t rows = 0;
    plan.batch_rows_max = 300;
    plan.batch_bytes_max = 20000;
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, NULL), LEAT_OK);
    for (;;) {
        struct leat_payload payload = {.size = sizeof payload};
        assert_int_equal(CONNECTOR->source->next(reader, &payload, NULL), LEAT_OK);
        if (payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        assert_int_equal(payload.row_first, rows + 1);
        assert_true(payload.rows <= 200);
        rows += payload.rows;
        leat_x_payload_release(&payload);
    }
    assert_int_equal(rows, 1000);
    CONNECTOR->source->finish(reader);
    CONNECTOR->close(ep);
}

static void read_of_a_missing_file_is_not_found_and_makes_none(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    struct leat_read_plan plan = plan_of("t");
    struct stat st;
    assert_int_equal(read_fails(f, &plan, &err), LEAT_NOT_FOUND);
    assert_non_null(strstr(err.message, f->path));
    assert_int_equal(stat(f->path, &st), -1);
}

static void read_of_a_missing_table_or_column_names_the_closest(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE orders (total INT)");
    struct leat_read_plan plan = plan_of("order");
    assert_int_equal(read_fails(f, &plan, &err), LEAT_NOT_FOUND);
    assert_non_null(strstr(err.remedy, "\"orders\""));
    const char *columns[] = {"totol"};
    plan = plan_of("orders");
    plan.columns = columns;
    plan.n_columns = 1;
    assert_int_equal(read_fails(f, &plan, &err), LEAT_NOT_FOUND);
    assert_non_null(strstr(err.remedy, "\"total\""));
}

static void read_of_a_file_that_is_no_database_is_corrupt(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    FILE *file = fopen(f->path, "w");
    for (int i = 0; i < 1000; i++) {
        fputs("not a database\n", file);
    }
    fclose(file);
    struct leat_read_plan plan = plan_of("t");
    assert_int_equal(read_fails(f, &plan, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "corrupt-file");
}

static void snapshot_readers_all_see_the_moment_it_was_taken(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    char token[64] = "x";
    run_sql(f, "PRAGMA journal_mode = WAL; CREATE TABLE a (n INT); CREATE TABLE b (n INT);"
               "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)");
    struct leat_endpoint *ep = open_ep(f);
    assert_int_equal(CONNECTOR->source->snapshot_take(ep, token, sizeof token, &err), LEAT_OK);
    run_sql(f, "INSERT INTO a VALUES (2); INSERT INTO b VALUES (2)");
    const char *names[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        struct leat_read_plan plan = plan_of(names[i]);
        struct leat_reader *reader = NULL;
        struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
        assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_OK);
        assert_int_equal(drain(reader, &types, &rows, &err), LEAT_OK);
        assert_string_equal(lt_buf_text(&rows), "1");
        CONNECTOR->source->finish(reader);
        lt_buf_done(&types);
        lt_buf_done(&rows);
    }
    CONNECTOR->source->snapshot_release(ep);
    CONNECTOR->close(ep);
    assert_stream(f, "a", NULL, "1\n2");
}

static void cancel_stops_a_long_query(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (n INT)");
    struct leat_endpoint *ep = open_ep(f);
    struct leat_read_plan plan = plan_of(NULL);
    struct leat_reader *reader = NULL;
    CONNECTOR->cancel(ep);
    plan.query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                 "SELECT count(*) FROM n";
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_CANCELLED);
    CONNECTOR->close(ep);
}

static int count_stream(void *arg, const struct leat_stream_info *info)
{
    lt_buf_printf(arg, "%s:%d:%lld ", info->name.name, info->kind, (long long)info->rows_estimate);
    return 0;
}

static void discover_lists_tables_and_views_by_name_and_none_of_leats(void **state)
{
    struct fixture *f = *state;
    struct lt_buf names = LT_BUF_INIT;
    run_sql(f, "CREATE TABLE b (x INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO b VALUES (7);"
               "CREATE TABLE a (k TEXT PRIMARY KEY) WITHOUT ROWID; CREATE VIEW v AS SELECT 1;"
               "CREATE TABLE _leat_state (x); CREATE TABLE other (x)");
    struct leat_endpoint *ep = open_ep(f);
    assert_int_equal(CONNECTOR->catalog->discover(ep, NULL, NULL, count_stream, &names, NULL),
                     LEAT_OK);
    assert_string_equal(lt_buf_text(&names), "a:0:-1 b:0:7 other:0:0 v:1:-1 ");
    lt_buf_clear(&names);
    assert_int_equal(CONNECTOR->catalog->discover(ep, NULL, "o*", count_stream, &names, NULL),
                     LEAT_OK);
    assert_string_equal(lt_buf_text(&names), "other:0:0 ");
    lt_buf_done(&names);
    CONNECTOR->close(ep);
}

static void describe_tells_keys_generated_columns_and_foreign_keys(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE p (a INT, b INT, PRIMARY KEY (a, b));"
               "CREATE TABLE t (k TEXT, l TEXT, g INT GENERATED ALWAYS AS (1), x INT, y INT, "
               "PRIMARY KEY (l, k), FOREIGN KEY (x, y) REFERENCES p ON DELETE CASCADE)");
    struct leat_endpoint *ep = open_ep(f);
    struct leat_stream_name name = {.name = "T"};
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema schema = {.release = NULL};
    size_t len = 0;
    assert_int_equal(CONNECTOR->catalog->describe(ep, &name, &schema, &info, NULL), LEAT_OK);
    assert_true(lt_schema_meta_is(schema.children[0], LT_META_KEY, "2"));
    assert_true(lt_schema_meta_is(schema.children[1], LT_META_KEY, "1"));
    assert_non_null(lt_schema_meta(schema.children[2], LT_META_GENERATED, &len));
    assert_true(lt_schema_meta_is(
        &schema, "leat.foreign_keys",
        "[{\"name\":\"\",\"columns\":[\"x\",\"y\"],\"ref_ns\":\"\",\"ref_table\":\"p\","
        "\"ref_columns\":[\"a\",\"b\"],\"on_delete\":\"CASCADE\",\"on_update\":\"NO ACTION\"}]"));
    lt_schema_done(&schema);
    CONNECTOR->close(ep);
}

static void url_forms_name_the_file_and_unknown_parameters_are_refused(void **state)
{
    struct fixture *f = *state;
    char url[200];
    struct leat_endpoint *ep;
    struct leat_check check = {.size = sizeof check};
    run_sql(f, "CREATE TABLE t (n INT)");
    snprintf(url, sizeof url, "sqlite:///%s?mode=ro", f->path);
    ep = open_url(f, url);
    assert_int_equal(CONNECTOR->check(ep, &check, NULL), LEAT_OK);
    assert_true(check.can_read);
    assert_false(check.can_write);
    CONNECTOR->close(ep);
    struct leat_config config = {
        .size = sizeof config, .url = "sqlite:x.db?cache=shared", .host = &f->host};
    assert_int_equal(CONNECTOR->open(&config, &ep, NULL), LEAT_INVALID);
    config.url = "sqlite://host/x.db";
    assert_int_equal(CONNECTOR->open(&config, &ep, NULL), LEAT_INVALID);
}

/* --- writing ------------------------------------------------------------------------------- */

#define ALL_TYPES                                                                                  \
    "id:int64# i8:int8 u64:uint64 f:float64 f4:float32 b:bool d:decimal(38,10) n:numeric s:utf8 "  \
    "x:binary j:json u:uuid day:date t:time at:timestamp ns:timestamp(ns) tz:timestamptz "         \
    "l:list<int64>"
#define ALL_ROWS                                                                                   \
    "1|-128|9223372036854775807|0.1|0.1|true|1234567890123456789012345678.1000000000|"             \
    "1.10000000000000000000000001|a'b\"|\\x00ff|{\"a\":1.10}|"                                     \
    "00112233-4455-6677-8899-aabbccddeeff|2024-02-29|13:14:15.123456|2024-02-29 13:14:15.5|"       \
    "2024-02-29 13:14:15.123456789|2024-02-29 13:14:15.5Z|[1,null,3]\n"                            \
    "2|NULL|NULL|Infinity|NULL|false|0.0000000001|NaN||\\x|1|NULL|NULL|NULL|NULL|NULL|NULL|[]"

static void load_makes_a_table_that_reads_back_exactly(void **state)
{
    struct fixture *f = *state;
    assert_load(f, "all", ALL_TYPES, LEAT_REPLACE, 0, LOAD_A, ALL_ROWS);
    assert_stream(f, "all",
                  "id:int64! i8:int8 u64:uint64 f:float64 f4:float32 b:bool d:decimal(38,10) "
                  "n:numeric s:utf8 x:binary j:json u:uuid day:date t:time at:timestamp "
                  "ns:timestamp(ns) tz:timestamptz l:list<int64>",
                  "1|-128|9223372036854775807|0.1|0.1|true|"
                  "1234567890123456789012345678.1000000000|1.10000000000000000000000001|a'b\"|"
                  "\\x00ff|{\"a\":1.10}|00112233-4455-6677-8899-aabbccddeeff|2024-02-29|"
                  "13:14:15.123456|2024-02-29 13:14:15.500|2024-02-29 13:14:15.123456789|"
                  "2024-02-29 13:14:15.500Z|[1,null,3]\n"
                  "2|NULL|NULL|Infinity|NULL|false|0.0000000001|NaN||\\x|1|NULL|NULL|NULL|NULL|"
                  "NULL|NULL|[]");
    assert_rows(f, "SELECT typeof(d), typeof(n), typeof(j), typeof(s) FROM \"all\" WHERE id = 2",
                "text|text|text|text");
}

static void load_reads_back_before_the_commit_in_the_types_written(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct leat_reader *reader = NULL;
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    struct one_load l;
    load_init(&l, "all", ALL_TYPES, LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, ALL_ROWS, NULL, &err), LEAT_OK);
    assert_int_equal(CONNECTOR->load->read_back(l.load, 0, &reader, &err), LEAT_OK);
    if (drain(reader, &types, &rows, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    CONNECTOR->source->finish(reader);
    assert_non_null(strstr(lt_buf_text(&types), "i8:int8 u64:uint64 f:float64 f4:float32"));
    assert_non_null(strstr(lt_buf_text(&types), "l:list<int64>"));
    assert_non_null(strstr(lt_buf_text(&rows), "|0.1|0.1|true|"));
    assert_non_null(strstr(lt_buf_text(&rows), "[1,null,3]"));
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    lt_buf_done(&types);
    lt_buf_done(&rows);
    CONNECTOR->close(ep);
}

static void append_reads_back_only_the_new_rows(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('old')");
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct leat_reader *reader = NULL;
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    struct one_load l;
    bool already;
    load_init(&l, "t", "a:utf8", LEAT_APPEND, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "new", NULL, &err), LEAT_OK);
    assert_int_equal(CONNECTOR->load->read_back(l.load, 0, &reader, &err), LEAT_OK);
    assert_int_equal(drain(reader, &types, &rows, &err), LEAT_OK);
    assert_string_equal(lt_buf_text(&rows), "new");
    CONNECTOR->source->finish(reader);
    assert_int_equal(load_commit(&l, 1, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    lt_buf_done(&types);
    lt_buf_done(&rows);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT a FROM t", "old\nnew");
}

static void replace_keeps_an_existing_tables_definition_and_view(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (a INT CHECK (a < 10), extra TEXT DEFAULT 'd'); CREATE VIEW v AS "
               "SELECT a FROM t; INSERT INTO t (a) VALUES (9)");
    assert_load(f, "t", "a:int32", LEAT_REPLACE, LEAT_WRITE_FORCE, LOAD_A, "1\n2");
    assert_rows(f, "SELECT a, extra FROM t", "1|d\n2|d");
    assert_rows(f, "SELECT a FROM v", "1\n2");
    struct leat_error err = {.status = LEAT_OK};
    assert_int_equal(load_fails(f, "t", "a:int32", LEAT_REPLACE, LEAT_WRITE_FORCE, "1\n11", &err),
                     LEAT_BAD_DATA);
    assert_rows(f, "SELECT a FROM t", "1\n2");
}

static void replace_of_rows_leat_did_not_write_needs_to_be_said(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)");
    assert_int_equal(load_fails(f, "t", "a:int64", LEAT_REPLACE, 0, "5", &err), LEAT_CONFLICT);
    assert_string_equal(err.code, "destination-holds-rows");
    assert_non_null(strstr(err.message, "2 rows"));
    assert_load(f, "t", "a:int64", LEAT_REPLACE, LEAT_WRITE_FORCE, LOAD_A, "5");
    /* Now it is ours: the same source may replace it unasked. */
    assert_load(f, "t", "a:int64", LEAT_REPLACE, 0, LOAD_B, "6");
    assert_rows(f, "SELECT a FROM t", "6");
    assert_rows(f, "SELECT stream, source_id, load_id, rows, state FROM _leat_state",
                "t|test:source|" LOAD_B "|1|{}");
}

static void recreate_replaces_the_definition_too(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (old INT)");
    assert_load(f, "t", "a:utf8! b:int64", LEAT_REPLACE, LEAT_WRITE_RECREATE, LOAD_A, "x|1");
    assert_rows(f, "SELECT sql FROM sqlite_master WHERE name = 't'",
                "CREATE TABLE \"t\" (\"a\" TEXT NOT NULL, \"b\" INTEGER)");
}

static void load_into_a_table_of_other_columns_lists_every_fault(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (a INT, need TEXT NOT NULL)");
    assert_int_equal(load_fails(f, "t", "a:int64 b:int64 c:utf8", LEAT_APPEND, 0, "1|2|x", &err),
                     LEAT_INVALID);
    assert_string_equal(err.code, "column-mismatch");
    assert_non_null(strstr(err.message, "\"b\""));
    assert_non_null(strstr(err.message, "\"c\""));
    assert_non_null(strstr(err.message, "\"need\""));
}

static void load_refuses_values_that_sqlite_would_change(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *table, *schema, *bad, *good;
    } cases[] = {
        {"CREATE TABLE t (a REAL)", "a:float64", "NaN", "-Infinity"},
        {"CREATE TABLE t (a)", "a:uint64", "18446744073709551615", "5"},
        {"CREATE TABLE t (a DECIMAL(38,10))", "a:decimal(38,10)", "1234567890123456789.1",
         "1234567890.12"},
        {"CREATE TABLE t (a NUMERIC)", "a:numeric", "1.00000000000000000001", "1.5000"},
        {"CREATE TABLE t (a JSON)", "a:json", "1.10", "{\"a\":1.10}"},
        {"CREATE TABLE t (a STRING)", "a:utf8", "007", "7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leat_error err = {.status = LEAT_OK};
        unlink(f->path);
        run_sql(f, cases[i].table);
        int status = load_fails(f, "t", cases[i].schema, LEAT_APPEND, 0, cases[i].bad, &err);
        if (status != LEAT_BAD_DATA) {
            fail_msg("%s took %s: %s", cases[i].table, cases[i].bad, err.message);
        }
        assert_rows(f, "SELECT count(*) FROM t", "0");
        assert_load(f, "t", cases[i].schema, LEAT_APPEND, 0, LOAD_A, cases[i].good);
        assert_rows(f, "SELECT count(*) FROM t", "1");
    }
}

static void load_hands_values_it_cannot_hold_to_the_reject_sink(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct leat_reject_sink sink = {.size = sizeof sink, .arg = f, .reject = take_reject};
    struct one_load l;
    bool already;
    load_init(&l, "t", "a:int64 x:float64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "1|0.5\n2|NaN\n3|1", &sink, &err), LEAT_OK);
    assert_int_equal(l.receipt.rows_inserted, 2);
    assert_int_equal(l.receipt.rows_rejected, 1);
    assert_int_equal(load_commit(&l, 2, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT a, x FROM t", "1|0.5\n3|1.0");
    assert_string_equal(f->rejects,
                        "t: row 2 column \"x\" [value-range] {\"a\":2,\"x\":\"NaN\"}\n");
}

static void load_makes_values_it_cannot_hold_null_where_losses_are_taken(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct leat_loss_sink losses = {.size = sizeof losses, .arg = f, .lost = take_loss};
    struct leat_reject_sink rejects = {.size = sizeof rejects, .arg = f, .reject = take_reject};
    struct one_load l;
    bool already;
    load_init(&l, "t", "a:int64 x:float64 y:float32 z:utf8", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(
        load_write_losing(&l, "1|0.5|1|p\n2|NaN|NaN|q\n3|1|2|r", &rejects, &losses, &err), LEAT_OK);
    assert_int_equal(l.receipt.rows_inserted, 3);
    assert_int_equal(l.receipt.rows_rejected, 0);
    assert_int_equal(load_commit(&l, 3, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT a, x, y, z FROM t", "1|0.5|1.0|p\n2|NULL|NULL|q\n3|1.0|2.0|r");
    assert_string_equal(f->rejects, "t: row 2 column \"x\" [value-range] x\n"
                                    "t: row 2 column \"y\" [value-range] y\n");
}

static void commit_refuses_a_count_that_is_not_the_expected_one(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    bool already;
    load_init(&l, "t", "a:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "1\n2", NULL, &err), LEAT_OK);
    assert_int_equal(load_commit(&l, 3, &already, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "count-mismatch");
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
}

static void commit_notices_rows_that_a_trigger_dropped(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (a INT); CREATE TRIGGER g AFTER INSERT ON t WHEN new.a = 2 BEGIN "
               "DELETE FROM t WHERE a = 2; END");
    assert_int_equal(load_fails(f, "t", "a:int64", LEAT_APPEND, 0, "1\n2\n3", &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "count-mismatch");
    assert_rows(f, "SELECT count(*) FROM t", "0");
}

static void commit_refuses_to_replace_rows_by_none(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    run_sql(f, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)");
    assert_int_equal(load_fails(f, "t", "a:int64", LEAT_REPLACE, LEAT_WRITE_FORCE, "", &err),
                     LEAT_CONFLICT);
    assert_string_equal(err.code, "empty-source");
    assert_rows(f, "SELECT a FROM t", "1");
    assert_load(f, "t", "a:int64", LEAT_REPLACE, LEAT_WRITE_FORCE | LEAT_WRITE_ALLOW_EMPTY, LOAD_A,
                "");
    assert_rows(f, "SELECT count(*) FROM t", "0");
}

static void abort_leaves_no_file_that_was_not_there_before(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    struct stat st;
    load_init(&l, "t", "a:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, NULL), LEAT_OK);
    assert_int_equal(load_write(&l, "1", NULL, NULL), LEAT_OK);
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_int_equal(stat(f->path, &st), -1);
}

static void begin_is_busy_while_another_writer_holds_the_database(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    sqlite3 *db = open_db(f);
    run(db, "CREATE TABLE t (a INT); BEGIN IMMEDIATE");
    assert_int_equal(load_fails(f, "t", "a:int64", LEAT_APPEND, 0, "1", &err), LEAT_UNAVAILABLE);
    assert_string_equal(err.code, "destination-busy");
    assert_int_equal(outcome_of(f, LOAD_B), LEAT_LOAD_IN_FLIGHT);
    run(db, "ROLLBACK");
    assert_int_equal(outcome_of(f, LOAD_B), LEAT_LOAD_ABSENT);
    api()->sqlite3_close_v2(db);
}

static void commit_is_busy_while_a_reader_stays_in_rollback_journal_mode(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    sqlite3 *db = open_db(f);
    run(db, "CREATE TABLE t (a INT); BEGIN; SELECT * FROM t");
    assert_int_equal(load_fails(f, "t", "a:int64", LEAT_APPEND, 0, "1", &err), LEAT_UNAVAILABLE);
    assert_string_equal(err.code, "destination-busy");
    assert_non_null(strstr(f->logged, "readers wait"));
    api()->sqlite3_close_v2(db);
    assert_rows(f, "SELECT count(*) FROM t", "0");
}

static void part_that_is_closed_unsealed_leaves_no_rows(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    struct leat_part *part = NULL;
    struct leat_part_plan plan = {.size = sizeof plan, .payload = LEAT_PAYLOAD_BATCH};
    bool already;
    load_init(&l, "t", "a:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    struct leat_payload payload = batch_of(&l.plan.streams[0].schema, "1\n2\n3");
    assert_int_equal(CONNECTOR->load->part_open(l.load, &plan, &part, &err), LEAT_OK);
    assert_int_equal(CONNECTOR->load->part_write(part, &payload, &err), LEAT_OK);
    leat_x_payload_release(&payload);
    CONNECTOR->load->part_close(part);
    assert_int_equal(load_write(&l, "4", NULL, &err), LEAT_OK);
    /* A third attempt finds the sealed one and its receipt. */
    assert_int_equal(load_write(&l, "5\n6", NULL, &err), LEAT_OK);
    assert_int_equal(l.receipt.rows_inserted, 1);
    assert_int_equal(load_commit(&l, 1, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT a FROM t", "4");
}

static void commit_whose_reply_is_lost_is_found_committed_and_not_done_twice(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    bool already = false;
    f->fail_step = "sqlite:commit:sent";
    load_init(&l, "t", "a:int64", LEAT_APPEND, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "1", NULL, &err), LEAT_OK);
    assert_int_equal(load_commit(&l, 1, &already, &err), LEAT_OUTCOME_UNKNOWN);
    CONNECTOR->load->abort(l.load);
    f->fail_step = NULL;
    assert_int_equal(outcome_of(f, LOAD_A), LEAT_LOAD_COMMITTED);
    CONNECTOR->load->plan_release(&l.plan);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "1", NULL, &err), LEAT_OK);
    assert_int_equal(load_commit(&l, 1, &already, &err), LEAT_OK);
    assert_true(already);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT a FROM t", "1");
}

/* Runs a load of one row in a process that ends at `step`. */
static void kill_at(struct fixture *f, const char *step)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct leat_endpoint *ep = open_ep(f);
        struct one_load l;
        bool already;
        f->kill_step = step;
        load_init(&l, "t", "a:int64", LEAT_APPEND, 0, LOAD_A);
        if (!load_begin(&l, ep, NULL) && !load_write(&l, "1", NULL, NULL)) {
            load_commit(&l, 1, &already, NULL);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void killed_load_is_absent_before_its_commit_and_committed_after(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep;
    int64_t removed = -1;
    run_sql(f, "CREATE TABLE t (a INT); INSERT INTO t VALUES (0)");
    kill_at(f, "sqlite:commit:before");
    ep = open_ep(f);
    assert_int_equal(CONNECTOR->load->sweep(ep, NULL, 0, &removed, NULL), LEAT_OK);
    assert_int_equal(removed, 0);
    CONNECTOR->close(ep);
    assert_int_equal(outcome_of(f, LOAD_A), LEAT_LOAD_ABSENT);
    assert_rows(f, "SELECT a FROM t", "0");
    kill_at(f, "sqlite:commit:sent");
    assert_int_equal(outcome_of(f, LOAD_A), LEAT_LOAD_COMMITTED);
    assert_rows(f, "SELECT a FROM t", "0\n1");
}

static void load_carries_foreign_keys_into_a_new_table(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    bool already;
    load_init(&l, "t", "id:int64# p:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(
        lt_schema_set_meta(&l.schema, "leat.foreign_keys",
                           "[{\"name\":\"fk\",\"columns\":[\"p\"],\"ref_ns\":\"public\","
                           "\"ref_table\":\"par\\\"ent\",\"ref_columns\":[\"id\"],"
                           "\"on_delete\":\"CASCADE\",\"on_update\":\"x); DROP TABLE t\"},"
                           "{\"columns\":[\"absent\"],\"ref_table\":\"q\"}]",
                           NULL),
        LEAT_OK);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_commit(&l, 0, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT sql FROM sqlite_master WHERE name = 't'",
                "CREATE TABLE \"t\" (\"id\" INTEGER NOT NULL, \"p\" INTEGER, PRIMARY KEY (\"id\"), "
                "FOREIGN KEY (\"p\") REFERENCES \"par\"\"ent\" (\"id\") ON DELETE CASCADE)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(read_maps_declared_types_to_canonical_ones),
        TEST(read_types_undeclared_columns_by_their_values),
        TEST(read_refuses_an_undeclared_column_of_blobs_and_texts_by_name),
        TEST(read_stops_at_text_in_an_integer_column_and_says_where),
        TEST(read_hands_misfits_to_the_reject_sink_and_goes_on),
        TEST(explain_tells_the_types_that_values_gave),
        TEST(read_makes_misfits_null_where_losses_are_taken),
        TEST(read_stops_where_a_loss_is_not_taken),
        TEST(read_takes_the_type_that_the_user_gave),
        TEST(read_gives_columns_predicate_order_and_limit_as_planned),
        TEST(read_keeps_to_the_cursor_range),
        TEST(read_of_a_query_types_expressions_by_value),
        TEST(read_splits_batches_by_rows_and_by_bytes),
        TEST(read_of_a_missing_file_is_not_found_and_makes_none),
        TEST(read_of_a_missing_table_or_column_names_the_closest),
        TEST(read_of_a_file_that_is_no_database_is_corrupt),
        TEST(snapshot_readers_all_see_the_moment_it_was_taken),
        TEST(cancel_stops_a_long_query),
        TEST(discover_lists_tables_and_views_by_name_and_none_of_leats),
        TEST(describe_tells_keys_generated_columns_and_foreign_keys),
        TEST(url_forms_name_the_file_and_unknown_parameters_are_refused),
        TEST(load_makes_a_table_that_reads_back_exactly),
        TEST(load_reads_back_before_the_commit_in_the_types_written),
        TEST(append_reads_back_only_the_new_rows),
        TEST(replace_keeps_an_existing_tables_definition_and_view),
        TEST(replace_of_rows_leat_did_not_write_needs_to_be_said),
        TEST(recreate_replaces_the_definition_too),
        TEST(load_into_a_table_of_other_columns_lists_every_fault),
        TEST(load_refuses_values_that_sqlite_would_change),
        TEST(load_hands_values_it_cannot_hold_to_the_reject_sink),
        TEST(load_makes_values_it_cannot_hold_null_where_losses_are_taken),
        TEST(commit_refuses_a_count_that_is_not_the_expected_one),
        TEST(commit_notices_rows_that_a_trigger_dropped),
        TEST(commit_refuses_to_replace_rows_by_none),
        TEST(abort_leaves_no_file_that_was_not_there_before),
        TEST(begin_is_busy_while_another_writer_holds_the_database),
        TEST(commit_is_busy_while_a_reader_stays_in_rollback_journal_mode),
        TEST(part_that_is_closed_unsealed_leaves_no_rows),
        TEST(commit_whose_reply_is_lost_is_found_committed_and_not_done_twice),
        TEST(killed_load_is_absent_before_its_commit_and_committed_after),
        TEST(load_carries_foreign_keys_into_a_new_table),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
