/* Loads by key into SQLite: merges, changes, histories; what the table's own rules make of them. */
#include "sqlite_test.h"

static const char *const key_id[] = {"id"};
static const char *const cursor_at[] = {"at"};

/* A load by key, whole; `ret_counts` may be NULL. `set` changes the stream before it begins. */
struct keyed {
    enum leat_write_mode mode;
    uint32_t flags;
    enum leat_schema_policy policy;
    const char *schema, *rows, *op, *deleted;
    const char *const *keys; /* NULL: id */
    size_t n_keys;
    bool with_cursor;
    int64_t deleted_max; /* + 1; 0: no limit */
    const struct leat_row_counts *counts_expected;
    struct leat_state_row state;
};

static int load_keyed(struct fixture *f, const struct keyed *k, struct leat_row_counts *ret_counts,
                      struct leat_error *err)
{
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    struct leat_row_counts counts = {.size = sizeof counts};
    char id[33];
    bool already = false;
    lt_new_id(id);
    load_init(&l, "t", k->schema, k->mode, k->flags, id);
    l.stream.keys = k->keys ? k->keys : key_id;
    l.stream.n_keys = k->keys ? k->n_keys : 1;
    l.stream.schema_policy = k->policy;
    l.stream.op = k->op;
    l.stream.deleted = k->deleted;
    l.stream.cursor = k->with_cursor ? cursor_at : NULL;
    l.stream.n_cursor = k->with_cursor ? 1 : 0;
    int status = load_begin(&l, ep, err);
    status = status ? status : load_write(&l, k->rows, NULL, err);
    struct leat_commit what = {.size = sizeof what,
                               .receipts = &l.receipt,
                               .n_receipts = 1,
                               .state = &k->state,
                               .n_state = k->state.key ? 1 : 0,
                               .guards = {.size = sizeof what.guards,
                                          .rows_deleted_max = k->deleted_max - 1,
                                          .counts_expected = k->counts_expected},
                               .ret_counts = &counts};
    status = status ? status : CONNECTOR->load->commit(l.load, &what, &already, err);
    if (status) {
        CONNECTOR->load->abort(l.load);
    } else {
        CONNECTOR->load->release(l.load);
        *ret_counts = counts;
    }
    load_done(&l);
    CONNECTOR->close(ep);
    return status;
}

static void assert_keyed(struct fixture *f, const struct keyed *k, const char *counts)
{
    struct leat_row_counts got = {.size = 0};
    struct leat_error err = {.status = LEAT_OK};
    char text[128];
    if (load_keyed(f, k, &got, &err)) {
        fail_msg("[%s] %s: %s", err.code, err.place, err.message);
    }
    snprintf(text, sizeof text, "i%d u%d d%d =%d s%d", (int)got.inserted, (int)got.updated,
             (int)got.deleted, (int)got.unchanged, (int)got.superseded);
    assert_string_equal(text, counts);
}

/* The load fails with this code, and nothing of it stays. */
static void assert_refused(struct fixture *f, const struct keyed *k, const char *code,
                           struct leat_error *err)
{
    struct leat_row_counts got;
    *err = (struct leat_error){.status = LEAT_OK};
    assert_int_not_equal(load_keyed(f, k, &got, err), LEAT_OK);
    if (strcmp(err->code, code) != 0) {
        fail_msg("[%s] %s, not [%s]", err->code, err->message, code);
    }
}

static void merge_makes_the_table_with_its_key_and_goes_on_by_it(void **state)
{
    struct fixture *f = *state;
    struct keyed k = {
        .mode = LEAT_MERGE, .schema = "id:int64 at:timestamptz v:utf8", .with_cursor = true};
    k.rows = "1|2026-11-21 00:00:00Z|a\n2|2026-11-21 00:00:00Z|b\n"
             "1|2026-11-21 00:00:00.500Z|late\n1|2026-11-20 00:00:00Z|early";
    assert_keyed(f, &k, "i2 u0 d0 =0 s2");
    assert_rows(f, "SELECT id, v FROM t ORDER BY 1", "1|late\n2|b");
    assert_rows(f, "SELECT name FROM pragma_table_info('t') WHERE pk", "id");
    k.rows = "2|2026-11-21 00:00:00Z|b\n3|2026-11-22 00:00:00Z|c\n1|2026-11-22 00:00:00Z|A";
    assert_keyed(f, &k, "i1 u1 d0 =1 s0");
    assert_rows(f, "SELECT id, v FROM t ORDER BY 1", "1|A\n2|b\n3|c");
    assert_rows(f, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%stage%'", "0");
}

static void keys_that_differ_only_for_us_are_never_merged(void **state)
{
    struct fixture *f = *state;
    struct leat_error err;
    struct keyed k = {.mode = LEAT_MERGE, .schema = "id:utf8 v:int64", .rows = "abc|2"};
    run_sql(f, "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, v INTEGER);"
               "INSERT INTO t VALUES ('ABC', 1), ('x', 1)");
    assert_refused(f, &k, "duplicate-key", &err);
    assert_non_null(strstr(err.message, "NOCASE"));
    k.rows = "y|1\nY|2";
    assert_refused(f, &k, "duplicate-key", &err);
    k.rows = "ABC|2\nnew|3";
    assert_keyed(f, &k, "i1 u1 d0 =0 s0");
    assert_rows(f, "SELECT id, v FROM t ORDER BY 1", "ABC|2\nnew|3\nx|1");
}

static void values_of_other_case_are_updates_where_they_are_no_key(void **state)
{
    struct fixture *f = *state;
    struct keyed k = {.mode = LEAT_MERGE, .schema = "id:int64 v:utf8", .rows = "1|A\n2|b "};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE);"
               "INSERT INTO t VALUES (1, 'a'), (2, 'b ')");
    assert_keyed(f, &k, "i0 u1 d0 =1 s0");
    assert_rows(f, "SELECT v FROM t WHERE id = 1", "A");
}

static void values_of_unique_columns_can_change_places(void **state)
{
    struct fixture *f = *state;
    struct keyed k = {
        .mode = LEAT_MERGE, .schema = "id:int64 u:utf8", .rows = "1|b\n2|c\n3|a\n4|d"};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, kept TEXT DEFAULT 'k');"
               "INSERT INTO t VALUES (1, 'a', 'one'), (2, 'b', 'two'), (3, 'c', 'three')");
    assert_keyed(f, &k, "i1 u3 d0 =0 s0");
    assert_rows(f, "SELECT * FROM t ORDER BY 1", "1|b|one\n2|c|two\n3|a|three\n4|d|k");
}

static void tables_without_rowids_and_generated_columns_are_merged(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"a", "b"};
    struct keyed k = {.mode = LEAT_MERGE,
                      .schema = "a:utf8 b:int64 v:int64",
                      .rows = "x|1|10\nx|2|20",
                      .keys = keys,
                      .n_keys = 2};
    run_sql(f, "CREATE TABLE t (a TEXT, b INTEGER, v INTEGER, d AS (v * 2) STORED, "
               "PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO t (a, b, v) VALUES ('x', 1, 1)");
    assert_keyed(f, &k, "i1 u1 d0 =0 s0");
    assert_rows(f, "SELECT a, b, v, d FROM t", "x|1|10|20\nx|2|20|40");
}

static void keys_take_the_columns_affinity(void **state)
{
    struct fixture *f = *state;
    struct keyed k = {.mode = LEAT_MERGE, .schema = "id:int64 v:utf8", .rows = "1|new\n10|ten"};
    run_sql(f, "CREATE TABLE t (id VARCHAR(9) PRIMARY KEY, v TEXT); INSERT INTO t VALUES "
               "('1', 'old'), ('01', 'other')");
    struct leat_row_counts counts;
    struct leat_error err = {.status = LEAT_OK};
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    /* The engine casts to what the plan wants: text. */
    load_init(&l, "t", k.schema, LEAT_MERGE, 0, LOAD_A);
    l.stream.keys = key_id;
    l.stream.n_keys = 1;
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_string_equal(l.plan.streams[0].schema.children[0]->format, "u");
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    k.schema = "id:utf8 v:utf8";
    assert_int_equal(load_keyed(f, &k, &counts, &err), LEAT_OK);
    assert_rows(f, "SELECT id, v FROM t ORDER BY id", "01|other\n1|new\n10|ten");
}

static void null_and_doubled_keys_are_refused(void **state)
{
    struct fixture *f = *state;
    struct leat_error err;
    struct keyed k = {.mode = LEAT_MERGE, .schema = "id:int64 v:utf8", .rows = "NULL|a"};
    run_sql(f, "CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, 'a'), (1, 'b')");
    assert_refused(f, &k, "null-key", &err);
    k.rows = "1|c";
    assert_refused(f, &k, "duplicate-key", &err);
    assert_rows(f, "SELECT * FROM t", "1|a\n1|b");
    k.mode = LEAT_DELETE_INSERT;
    k.rows = "1|c\n1|d\n2|e";
    assert_keyed(f, &k, "i3 u0 d2 =0 s0");
    assert_rows(f, "SELECT * FROM t", "1|c\n1|d\n2|e");
}

static void changes_must_fit_and_stay_within_their_guard(void **state)
{
    struct fixture *f = *state;
    struct leat_error err;
    struct keyed k = {
        .mode = LEAT_CHANGES, .schema = "id:int64 v:utf8 op:utf8", .op = "op", .deleted_max = 2};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
               "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    k.rows = "9|x|u";
    assert_refused(f, &k, "conflict", &err);
    k.rows = "1|x|i";
    assert_refused(f, &k, "conflict", &err);
    k.rows = "1|NULL|d\n2|NULL|d";
    assert_refused(f, &k, "too-many-deletes", &err);
    const struct leat_row_counts two = {.size = sizeof two, .inserted = 1, .updated = 1};
    k.rows = "1|a|u\n4|d|i"; /* the first says nothing new */
    k.counts_expected = &two;
    assert_refused(f, &k, "count-mismatch", &err);
    k.counts_expected = NULL;
    k.rows = "1|x|?";
    assert_refused(f, &k, "value-range", &err);
    assert_rows(f, "SELECT count(*) FROM t", "3");
    k.rows = "1|NULL|d\n2|B|u\n4|d|i";
    assert_keyed(f, &k, "i1 u1 d1 =0 s0");
    assert_rows(f, "SELECT * FROM t ORDER BY 1", "2|B\n3|c\n4|d");
}

static void soft_deletes_keep_the_row_and_its_return_clears_the_mark(void **state)
{
    struct fixture *f = *state;
    struct keyed k = {.mode = LEAT_MERGE,
                      .flags = LEAT_WRITE_SOFT_DELETE,
                      .schema = "id:int64 gone:bool",
                      .deleted = "gone",
                      .rows = "1|true"};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, gone BOOLEAN); INSERT INTO t VALUES "
               "(1, 0), (2, 0)");
    assert_keyed(f, &k, "i0 u0 d1 =0 s0");
    assert_rows(f, "SELECT id, _leat_deleted IS NOT NULL FROM t ORDER BY 1", "1|1\n2|0");
    k.rows = "1|false";
    assert_keyed(f, &k, "i0 u1 d0 =0 s0");
    assert_rows(f, "SELECT count(_leat_deleted) FROM t", "0");
}

static void histories_close_rows_in_the_order_of_time(void **state)
{
    struct fixture *f = *state;
    struct keyed k = {
        .mode = LEAT_HISTORY, .schema = "id:int64 at:timestamptz v:utf8", .with_cursor = true};
    /* As texts, ...01Z comes after ...01.5Z. */
    k.rows = "1|2026-11-21 00:00:01.500Z|b\n1|2026-11-21 00:00:01Z|a";
    assert_keyed(f, &k, "i2 u0 d0 =0 s0");
    k.rows = "1|2026-11-21 00:00:02Z|c\n1|2026-11-21 00:00:01.500Z|b";
    assert_keyed(f, &k, "i1 u1 d0 =0 s0"); /* b is closed, which is an update */
    assert_rows(f, "SELECT v, _leat_valid_from, _leat_valid_to, _leat_current FROM t ORDER BY v",
                "a|2026-11-21 00:00:01.000000Z|2026-11-21 00:00:01.500000Z|0\n"
                "b|2026-11-21 00:00:01.500000Z|2026-11-21 00:00:02.000000Z|0\n"
                "c|2026-11-21 00:00:02.000000Z|NULL|1");
    struct leat_error err;
    run_sql(f, "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMPTZ, v TEXT)");
    assert_refused(f, &k, "column-mismatch", &err);
}

static void evolving_adds_columns_and_ignoring_leaves_them_out(void **state)
{
    struct fixture *f = *state;
    struct leat_error err;
    struct keyed k = {.mode = LEAT_MERGE, .schema = "id:int64 n:decimal(9,2)", .rows = "1|1.50"};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    assert_refused(f, &k, "column-mismatch", &err);
    k.policy = LEAT_SCHEMA_IGNORE;
    k.schema = "id:int64 n:decimal(9,2)";
    struct leat_endpoint *ep = open_ep(f);
    struct one_load l;
    load_init(&l, "t", k.schema, LEAT_MERGE, 0, LOAD_A);
    l.stream.keys = key_id;
    l.stream.n_keys = 1;
    l.stream.schema_policy = LEAT_SCHEMA_IGNORE;
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(l.plan.streams[0].schema.n_children, 1);
    assert_string_equal(l.plan.streams[0].drift, "\"n\" is left out");
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    k.policy = LEAT_SCHEMA_EVOLVE;
    assert_keyed(f, &k, "i1 u0 d0 =0 s0");
    assert_stream(f, "t", "id:int64! n:decimal(9,2)", "1|1.50");
}

static int take_pair(void *arg, const char *key, const char *value)
{
    snprintf((char *)arg + strlen(arg), 64, "%s=%s ", key, value);
    return 0;
}

static void assert_state(struct fixture *f, const char *expected)
{
    char text[256] = "";
    struct leat_endpoint *ep = open_ep(f);
    struct leat_stream_name name = {.name = "t"};
    assert_int_equal(CONNECTOR->load->state(ep, &name, take_pair, text, NULL), LEAT_OK);
    assert_string_equal(text, expected);
    CONNECTOR->close(ep);
}

static void state_is_bound_to_the_table_and_compared(void **state)
{
    struct fixture *f = *state;
    struct leat_error err;
    struct leat_stream_name name = {.name = "t"};
    struct keyed k = {.mode = LEAT_MERGE,
                      .schema = "id:int64",
                      .rows = "1",
                      .state = {.key = "watermark", .value = "1", .check = true}};
    assert_state(f, "");
    assert_keyed(f, &k, "i1 u0 d0 =0 s0");
    assert_state(f, "watermark=1 ");
    assert_refused(f, &k, "conflict", &err);
    k.state.before = "1";
    k.state.value = "2";
    k.policy = LEAT_SCHEMA_EVOLVE;
    k.schema = "id:int64 more:utf8";
    k.rows = "2|x";
    assert_keyed(f, &k, "i1 u0 d0 =0 s0"); /* its own ALTER does not part state and table */
    run_sql(f, "CREATE TABLE other (x)");
    assert_state(f, "watermark=2 ");
    struct leat_endpoint *ep = open_ep(f);
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "watermark", "7", &err), LEAT_OK);
    assert_state(f, "watermark=7 ");
    run_sql(f, "CREATE TABLE copy AS SELECT sql FROM sqlite_schema WHERE name = 't'; DROP TABLE t;"
               "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    assert_state(f, "");
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "watermark", "8", &err), LEAT_OK);
    assert_state(f, "watermark=8 ");
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "watermark", NULL, &err), LEAT_OK);
    assert_state(f, "");
    name.name = "nobody";
    assert_int_equal(CONNECTOR->load->state_set(ep, &name, "watermark", "8", &err), LEAT_NOT_FOUND);
    CONNECTOR->close(ep);
}

/* In rollback-journal mode a writer of the file would keep readers out. */
static void the_file_can_be_read_until_the_commit(void **state)
{
    struct fixture *f = *state;
    struct lt_buf rows = LT_BUF_INIT;
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a')");
    for (int i = 0; i < 20000; i++) {
        lt_buf_printf(&rows, "%s%d|%0200d", i ? "\n" : "", i, i);
    }
    struct leat_endpoint *ep = open_ep(f);
    struct leat_error err;
    struct one_load l;
    bool already = false;
    load_init(&l, "t", "id:int64 v:utf8", LEAT_MERGE, 0, LOAD_A);
    l.stream.keys = key_id;
    l.stream.n_keys = 1;
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, lt_buf_text(&rows), NULL, &err), LEAT_OK);
    assert_stream(f, "t", NULL, "1|a");
    assert_int_equal(load_commit(&l, 20000, &already, &err), LEAT_OK);
    CONNECTOR->load->release(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_rows(f, "SELECT count(*) FROM t", "20000");
    lt_buf_done(&rows);
}

static void triggers_that_interfere_are_noticed(void **state)
{
    struct fixture *f = *state;
    struct leat_error err;
    struct keyed k = {.mode = LEAT_MERGE, .schema = "id:int64 v:utf8", .rows = "1|b\n2|c"};
    run_sql(f, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a');"
               "CREATE TRIGGER g AFTER UPDATE ON t BEGIN INSERT INTO t VALUES (99, 'x'); END");
    assert_refused(f, &k, "count-mismatch", &err);
    assert_rows(f, "SELECT * FROM t", "1|a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(merge_makes_the_table_with_its_key_and_goes_on_by_it),
        T(keys_that_differ_only_for_us_are_never_merged),
        T(values_of_other_case_are_updates_where_they_are_no_key),
        T(values_of_unique_columns_can_change_places),
        T(tables_without_rowids_and_generated_columns_are_merged),
        T(keys_take_the_columns_affinity),
        T(null_and_doubled_keys_are_refused),
        T(changes_must_fit_and_stay_within_their_guard),
        T(soft_deletes_keep_the_row_and_its_return_clears_the_mark),
        T(histories_close_rows_in_the_order_of_time),
        T(evolving_adds_columns_and_ignoring_leaves_them_out),
        T(state_is_bound_to_the_table_and_compared),
        T(the_file_can_be_read_until_the_commit),
        T(triggers_that_interfere_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
