/* The statements of a merge, run in SQLite: what becomes of target rows, and what is counted. */
#include "db/sqlite.h"
#include "sql/merge.h"
#include "sql/postgres.h"
#include "sql/sqlite.h"

#include "core/codes.h"
#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct lt_sqlite *api;
static sqlite3 *db;

static int open_db(void **state)
{
    (void)state;
    assert_int_equal(lt_sqlite_load(&api, NULL), 0);
    return api->sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
}

static int close_db(void **state)
{
    (void)state;
    return api->sqlite3_close_v2(db);
}

static int host_run(void *arg, const char *sql, int64_t *ret_rows, struct leat_error *err)
{
    (void)arg;
    int before = api->sqlite3_total_changes(db);
    if (api->sqlite3_exec(db, sql, NULL, NULL, NULL)) {
        return lt_fail(err, LT_E_SERVER, "%s: %s", api->sqlite3_errmsg(db), sql);
    }
    *ret_rows = api->sqlite3_total_changes(db) - before;
    return LEAT_OK;
}

static int host_row(void *arg, const char *sql, int64_t *ret_values, size_t n,
                    struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    (void)arg;
    if (api->sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) ||
        api->sqlite3_step(stmt) != SQLITE_ROW) {
        api->sqlite3_finalize(stmt);
        return lt_fail(err, LT_E_SERVER, "%s: %s", api->sqlite3_errmsg(db), sql);
    }
    for (size_t i = 0; i < n; i++) {
        ret_values[i] = api->sqlite3_column_int64(stmt, (int)i);
    }
    api->sqlite3_finalize(stmt);
    return LEAT_OK;
}

static const struct lt_merge_host host = {NULL, host_run, host_row};

static void run(const char *sql)
{
    if (api->sqlite3_exec(db, sql, NULL, NULL, NULL)) {
        fail_msg("%s: %s", sql, api->sqlite3_errmsg(db));
    }
}

/* All rows of a query, columns joined by | and rows by a blank. Static. */
static const char *rows(const char *sql)
{
    static char text[65536];
    sqlite3_stmt *stmt = NULL;
    size_t used = 0;
    if (api->sqlite3_prepare_v2(db, sql, -1, &stmt, NULL)) {
        fail_msg("%s: %s", sql, api->sqlite3_errmsg(db));
    }
    *text = 0;
    while (api->sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < api->sqlite3_column_count(stmt); i++) {
            const char *value = (const char *)api->sqlite3_column_text(stmt, i);
            int len = snprintf(text + used, sizeof text - used, "%s%s", i ? "|" : (used ? " " : ""),
                               value ? value : "-");
            used += (size_t)len;
            assert_true(used < sizeof text);
        }
    }
    api->sqlite3_finalize(stmt);
    return text;
}

static const char *const key[] = {"id"};
static const char *const cursor[] = {"at"};
static const struct lt_merge_column plain_columns[] = {
    {"id", false, false}, {"at", false, false}, {"v", false, false}};

/* A merge of columns id, at, v from s into t. */
static struct lt_merge simple(enum leat_write_mode mode)
{
    return (struct lt_merge){
        .dialect = &lt_dialect_sqlite,
        .target = "\"t\"",
        .staging = "\"s\"",
        .mode = mode,
        .columns = plain_columns,
        .n_columns = LT_ARRAY_LEN(plain_columns),
        .keys = key,
        .n_keys = 1,
        .cursor = cursor,
        .n_cursor = 1,
        .seq = "rowid",
        .now = "99",
        .unique_key = true,
        .index = "\"s_keys\" ON \"s\"",
    };
}

static int merge_all(const struct lt_merge *merge, struct leat_row_counts *ret_counts,
                     struct leat_error *err)
{
    struct lt_merge_plan *plan = NULL;
    int status = lt_merge_new(merge, &plan, err);
    run("BEGIN");
    for (int phase = LT_MERGE_FIND; phase <= LT_MERGE_WRITE && !status; phase++) {
        status = lt_merge_run(plan, (enum lt_merge_phase)phase, &host, err);
    }
    run(status ? "ROLLBACK" : "COMMIT");
    if (!status) {
        *ret_counts = *lt_merge_counts(plan);
    }
    lt_merge_free(plan);
    return status;
}

static void assert_counts(const struct leat_row_counts *counts, const char *expected)
{
    char text[128];
    snprintf(text, sizeof text, "i%d u%d d%d =%d s%d", (int)counts->inserted, (int)counts->updated,
             (int)counts->deleted, (int)counts->unchanged, (int)counts->superseded);
    assert_string_equal(text, expected);
}

static void merged(const struct lt_merge *merge, const char *expected)
{
    struct leat_error err = {.status = LEAT_OK};
    struct leat_row_counts counts;
    if (merge_all(merge, &counts, &err)) {
        fail_msg("[%s] %s", err.code, err.message);
    }
    assert_counts(&counts, expected);
    /* Nothing of its own stays. */
    assert_string_equal(rows("SELECT count(*) FROM temp.sqlite_schema"), "0");
}

static void refused(const struct lt_merge *merge, const char *code)
{
    struct leat_error err = {.status = LEAT_OK};
    struct leat_row_counts counts;
    assert_int_not_equal(merge_all(merge, &counts, &err), 0);
    assert_string_equal(err.code, code);
}

static void tables(const char *target, const char *staging)
{
    struct lt_buf sql = LT_BUF_INIT;
    assert_int_equal(lt_buf_printf(&sql, "CREATE TABLE t (id INTEGER PRIMARY KEY, at, v);"
                                         "CREATE TABLE s (id, at, v);"),
                     0);
    assert_int_equal(*target ? lt_buf_printf(&sql, "INSERT INTO t VALUES %s;", target) : 0, 0);
    assert_int_equal(*staging ? lt_buf_printf(&sql, "INSERT INTO s VALUES %s;", staging) : 0, 0);
    run(lt_buf_text(&sql));
    lt_buf_done(&sql);
}

static const char all[] = "SELECT * FROM t ORDER BY 1, 2, 3";

/* --- merge --------------------------------------------------------------------------------- */

static void merge_updates_what_differs_and_inserts_the_rest(void **state)
{
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    tables("(1,1,'a'),(2,1,NULL),(3,1,'c'),(4,1,'d')",
           "(1,1,'a'),(2,1,NULL),(3,2,NULL),(4,2,'D'),(5,1,'e')");
    merged(&merge, "i1 u2 d0 =2 s0");
    assert_string_equal(rows(all), "1|1|a 2|1|- 3|2|- 4|2|D 5|1|e");
}

static void merge_takes_the_latest_record_of_a_key(void **state)
{
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    tables("(1,1,'a')",
           "(1,3,'late'),(1,2,'x'),(2,7,'first'),(2,7,'last'),(3,NULL,'n'),(3,0,'some')");
    merged(&merge, "i2 u1 d0 =0 s3");
    assert_string_equal(rows(all), "1|3|late 2|7|last 3|0|some");
    run("DELETE FROM t; DELETE FROM s; INSERT INTO s VALUES (1,9,'x'),(1,1,'came last')");
    merge.n_cursor = 0;
    run("DROP INDEX s_keys");
    merged(&merge, "i1 u0 d0 =0 s1");
    assert_string_equal(rows(all), "1|1|came last");
}

static void merge_deletes_where_a_record_says_so(void **state)
{
    static const struct lt_merge_column columns[] = {{"id", false, false}, {"gone", false, false}};
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    merge.columns = columns;
    merge.n_columns = 2;
    merge.n_cursor = 0;
    merge.deleted = "gone";
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, gone); CREATE TABLE s (id, gone);"
        "INSERT INTO t VALUES (1,0),(2,0),(3,0);"
        "INSERT INTO s VALUES (1,1),(2,0),(2,1),(3,1),(3,0),(4,1),(5,NULL)");
    merged(&merge, "i1 u0 d2 =2 s2");
    assert_string_equal(rows("SELECT * FROM t"), "3|0 5|-");
}

static void merge_soft_deletes_and_brings_back(void **state)
{
    static const struct lt_merge_column columns[] = {{"id", false, false}, {"gone", false, false}};
    static const char *const kept[] = {"_leat_deleted"};
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    merge.columns = columns;
    merge.n_columns = 2;
    merge.n_cursor = 0;
    merge.deleted = "gone";
    merge.flags = LEAT_WRITE_SOFT_DELETE;
    merge.kept = kept;
    merge.n_kept = 1;
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, gone, _leat_deleted); CREATE TABLE s (id, gone);"
        "INSERT INTO t VALUES (1,0,NULL),(2,0,NULL),(3,1,50),(4,1,50);"
        "INSERT INTO s VALUES (1,1),(2,0),(3,0),(4,1)");
    merged(&merge, "i0 u1 d1 =2 s0");
    assert_string_equal(rows("SELECT * FROM t"), "1|1|99 2|0|- 3|0|- 4|1|50");
}

static void merge_keeps_columns_that_the_load_lacks(void **state)
{
    struct lt_merge merge = simple(LEAT_MERGE);
    static const char *const kept[] = {"mine"};
    (void)state;
    merge.kept = kept;
    merge.n_kept = 1;
    tables("(1,1,'a'),(2,1,'b')", "(1,2,'A'),(3,1,'c')");
    run("ALTER TABLE t ADD COLUMN mine DEFAULT 'new'; UPDATE t SET mine = 'kept'");
    merged(&merge, "i1 u1 d0 =0 s0");
    assert_string_equal(rows(all), "1|2|A|kept 2|1|b|kept 3|1|c|new");
}

/* v is unique beside the key. */
static struct lt_merge with_unique(bool referenced)
{
    static const char *const columns[] = {"v"};
    static const struct lt_merge_unique uniques[] = {{columns, 1, true, "v"}};
    static const char *const kept[] = {"mine"};
    struct lt_merge merge = simple(LEAT_MERGE);
    merge.uniques = uniques;
    merge.n_uniques = 1;
    merge.kept = kept;
    merge.n_kept = 1;
    merge.referenced = referenced;
    return merge;
}

static void unique_values_go_from_row_to_row(bool referenced)
{
    struct lt_merge merge = with_unique(referenced);
    tables(
        "(1,1,'a'),(2,1,'b'),(3,1,'c'),(4,1,'d'),(5,1,'e'),(6,1,NULL),(7,1,NULL)",
        /* 1 and 2 swap; 3 takes what 4 gives up, 4 something new; 8 takes 5's, 5 gets 6's none */
        "(1,2,'b'),(2,2,'a'),(3,2,'d'),(4,2,'x'),(5,2,NULL),(8,2,'e'),(6,1,NULL)");
    run("CREATE UNIQUE INDEX u ON t (v); ALTER TABLE t ADD COLUMN mine; UPDATE t SET mine = id");
    merged(&merge, "i1 u5 d0 =1 s0");
    assert_string_equal(rows(all),
                        "1|2|b|1 2|2|a|2 3|2|d|3 4|2|x|4 5|2|-|5 6|1|-|6 7|1|-|7 8|2|e|-");
}

static void swapped_unique_values_arrive(void **state)
{
    (void)state;
    unique_values_go_from_row_to_row(false);
}

static void swapped_unique_values_arrive_in_rows_others_point_to(void **state)
{
    (void)state;
    unique_values_go_from_row_to_row(true);
}

static void a_unique_value_that_stays_taken_is_an_error(void **state)
{
    struct lt_merge merge = with_unique(false);
    (void)state;
    tables("(1,1,'a'),(2,1,'b')", "(1,2,'b')");
    run("CREATE UNIQUE INDEX u ON t (v); ALTER TABLE t ADD COLUMN mine");
    refused(&merge, "server");
    assert_string_equal(rows(all), "1|1|a|- 2|1|b|-");
}

static void merge_refuses_null_keys_and_doubled_rows(void **state)
{
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    run("CREATE TABLE t (id, at, v); CREATE TABLE s (id, at, v); INSERT INTO s VALUES (NULL,1,1)");
    refused(&merge, "null-key");
    run("DELETE FROM s; INSERT INTO s VALUES (1,1,'x'); INSERT INTO t VALUES "
        "(1,1,1),(1,2,2),(2,1,1)");
    merge.unique_key = false;
    refused(&merge, "duplicate-key");
    run("DELETE FROM s; INSERT INTO s VALUES (2,1,'x')");
    merged(&merge, "i0 u1 d0 =0 s0");
}

static void merge_of_key_columns_alone_inserts_only(void **state)
{
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    merge.n_columns = 1;
    merge.n_cursor = 0;
    run("CREATE TABLE t (id PRIMARY KEY); CREATE TABLE s (id); INSERT INTO t VALUES (1);"
        "INSERT INTO s VALUES (1),(2),(2)");
    merged(&merge, "i1 u0 d0 =1 s1");
    assert_string_equal(rows("SELECT * FROM t"), "1 2");
}

static void a_trigger_that_interferes_is_noticed(void **state)
{
    struct lt_merge merge = simple(LEAT_MERGE);
    (void)state;
    tables("(1,1,'a')", "(1,2,'b'),(2,1,'c')");
    run("CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT raise(IGNORE); END");
    refused(&merge, "count-mismatch");
    assert_string_equal(rows(all), "1|1|a");
}

/* --- delete and insert --------------------------------------------------------------------- */

static void delete_insert_replaces_all_rows_of_a_key(void **state)
{
    struct lt_merge merge = simple(LEAT_DELETE_INSERT);
    (void)state;
    merge.unique_key = false;
    merge.n_cursor = 0;
    run("CREATE TABLE t (id, at, v); CREATE TABLE s (id, at, v);"
        "INSERT INTO t VALUES (1,1,'a'),(1,2,'b'),(2,1,'c');"
        "INSERT INTO s VALUES (1,7,'x'),(3,1,'y'),(3,2,'z')");
    merged(&merge, "i3 u0 d2 =0 s0");
    assert_string_equal(rows(all), "1|7|x 2|1|c 3|1|y 3|2|z");
}

static void delete_insert_takes_the_latest_where_keys_are_unique(void **state)
{
    struct lt_merge merge = simple(LEAT_DELETE_INSERT);
    (void)state;
    tables("(1,1,'a'),(2,1,'b')", "(1,3,'late'),(1,2,'x')");
    merged(&merge, "i1 u0 d1 =0 s1");
    assert_string_equal(rows(all), "1|3|late 2|1|b");
}

/* --- changes ------------------------------------------------------------------------------- */

static struct lt_merge changes(const char *target, const char *staging)
{
    struct lt_merge merge = simple(LEAT_CHANGES);
    char sql[512];
    merge.n_cursor = 0;
    merge.op = "_leat_op";
    tables(target, "");
    snprintf(sql, sizeof sql, "ALTER TABLE s ADD COLUMN _leat_op; INSERT INTO s VALUES %s",
             staging);
    run(sql);
    return merge;
}

static void changes_are_carried_out(void **state)
{
    (void)state;
    struct lt_merge merge = changes("(1,1,'a'),(2,1,'b'),(3,1,'c')",
                                    "(1,2,'A','u'),(2,NULL,NULL,'d'),(4,1,'d','i'),(3,1,'c','u')");
    merged(&merge, "i1 u1 d1 =1 s0");
    assert_string_equal(rows(all), "1|2|A 3|1|c 4|1|d");
}

static void several_changes_of_a_row_come_to_their_sum(void **state)
{
    (void)state;
    struct lt_merge merge = changes("(1,1,'a'),(2,1,'b')", "(1,0,'','d'),(1,5,'new','i'),"
                                                           "(3,1,'x','i'),(3,2,'y','u'),"
                                                           "(4,1,'x','i'),(4,2,'y','d'),"
                                                           "(2,2,'c','u'),(2,2,'c','d')");
    merged(&merge, "i1 u1 d1 =1 s4");
    assert_string_equal(rows(all), "1|5|new 3|2|y");
}

static void changes_that_do_not_fit_are_a_conflict(void **state)
{
    static const char *const wrong[] = {"(1,2,'A','i')", "(2,2,'A','u')", "(2,2,'A','d')",
                                        "(1,2,'A','i'),(1,2,'A','d')"};
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(wrong); i++) {
        struct lt_merge merge = changes("(1,1,'a')", wrong[i]);
        refused(&merge, "conflict");
        assert_string_equal(rows(all), "1|1|a");
        run("DROP TABLE t; DROP TABLE s");
    }
    struct lt_merge merge = changes("(1,1,'a')", "(1,2,'A','x')");
    refused(&merge, "value-range");
}

static void changes_of_softly_deleted_rows(void **state)
{
    static const char *const kept[] = {"_leat_deleted"};
    (void)state;
    struct lt_merge merge = changes("(1,1,'a'),(2,1,'b'),(3,1,'c'),(4,1,'d')",
                                    "(1,1,'a','u'),(2,1,'b','i'),(3,NULL,NULL,'d'),(4,2,'D','u')");
    merge.flags = LEAT_WRITE_SOFT_DELETE;
    merge.kept = kept;
    merge.n_kept = 1;
    run("ALTER TABLE t ADD COLUMN _leat_deleted; UPDATE t SET _leat_deleted = 50 WHERE id <= 2");
    merged(&merge, "i0 u3 d1 =0 s0");
    assert_string_equal(rows(all), "1|1|a|- 2|1|b|- 3|1|c|99 4|2|D|-");
    run("DROP INDEX s_keys; DELETE FROM s; INSERT INTO s VALUES (3,1,'c','d')");
    refused(&merge, "conflict");
}

/* --- history ------------------------------------------------------------------------------- */

static struct lt_merge history(const char *staging)
{
    static const struct lt_merge_column columns[] = {
        {"id", false, false}, {"at", false, false}, {"v", false, false}, {"gone", false, false}};
    struct lt_merge merge = simple(LEAT_HISTORY);
    char sql[1024];
    merge.columns = columns;
    merge.n_columns = 4;
    merge.from_cursor = true;
    merge.deleted = "gone";
    snprintf(sql, sizeof sql,
             "CREATE TABLE IF NOT EXISTS t (id, at, v, gone, _leat_valid_from, _leat_valid_to, "
             "_leat_current, PRIMARY KEY (id, _leat_valid_from)); DROP TABLE IF EXISTS s; CREATE "
             "TABLE s (id, at, v, gone); INSERT INTO s VALUES %s",
             staging);
    run(sql);
    return merge;
}

static const char line[] =
    "SELECT id, v, _leat_valid_from, _leat_valid_to, _leat_current FROM t ORDER BY 1, 3";

static void history_closes_and_succeeds(void **state)
{
    (void)state;
    struct lt_merge merge = history("(1,10,'a',0),(2,10,'b',0)");
    merged(&merge, "i2 u0 d0 =0 s0");
    assert_string_equal(rows(line), "1|a|10|-|1 2|b|10|-|1");
    merge = history("(1,20,'A',0),(1,30,'AA',0),(2,10,'b',0)");
    merged(&merge, "i2 u1 d0 =1 s0");
    assert_string_equal(rows(line), "1|a|10|20|0 1|A|20|30|0 1|AA|30|-|1 2|b|10|-|1");
}

static void history_takes_late_records_where_they_belong(void **state)
{
    (void)state;
    struct lt_merge merge = history("(1,10,'a',0),(1,30,'c',0)");
    merged(&merge, "i2 u0 d0 =0 s0");
    merge = history("(1,20,'b',0),(1,5,'before',0)");
    merged(&merge, "i2 u1 d0 =0 s0");
    assert_string_equal(rows(line), "1|before|5|10|0 1|a|10|20|0 1|b|20|30|0 1|c|30|-|1");
}

static void history_closes_deleted_rows(void **state)
{
    (void)state;
    struct lt_merge merge = history("(1,10,'a',0)");
    merged(&merge, "i1 u0 d0 =0 s0");
    merge = history("(1,20,NULL,1),(2,20,NULL,1)");
    merged(&merge, "i0 u0 d1 =1 s0");
    assert_string_equal(rows(line), "1|a|10|20|0");
    merge = history("(1,40,'back',0),(1,15,'late',0)");
    merged(&merge, "i2 u1 d0 =0 s0");
    assert_string_equal(rows(line), "1|a|10|15|0 1|late|15|20|0 1|back|40|-|1");
}

static void history_corrects_a_record_of_the_same_time(void **state)
{
    (void)state;
    struct lt_merge merge = history("(1,10,'a',0),(1,20,'b',0)");
    merged(&merge, "i2 u0 d0 =0 s0");
    merge = history("(1,20,'x',0),(1,20,'B',0)");
    merged(&merge, "i0 u1 d0 =0 s1");
    assert_string_equal(rows(line), "1|a|10|20|0 1|B|20|-|1");
}

/* What a history is to be after any loads: of each key and time the last record that came, in the
 * order of time, runs of equal ones told once unless they were told before what is between. */
#define KEYS 3
#define TIMES 8
struct told {
    bool any, gone;
    int v;
};

/* A deletion of what is not there leaves no trace: a row that comes later, and is older, does not
 * end by it. */
static void forget_empty_deletions(struct told told[KEYS][TIMES])
{
    for (int k = 0; k < KEYS; k++) {
        bool there = false;
        for (int at = 0; at < TIMES; at++) {
            if (told[k][at].any && told[k][at].gone && !there) {
                told[k][at].any = false;
            }
            there = told[k][at].any ? !told[k][at].gone : there;
        }
    }
}

static void expect_states(const struct told told[KEYS][TIMES])
{
    for (int k = 0; k < KEYS; k++) {
        struct told now = {.gone = true};
        for (int at = 0; at < TIMES; at++) {
            char sql[256], expected[16] = "";
            now = told[k][at].any ? told[k][at] : now;
            if (!now.gone) {
                snprintf(expected, sizeof expected, "%d", now.v);
            }
            snprintf(sql, sizeof sql,
                     "SELECT v FROM t WHERE id = %d AND _leat_valid_from <= %d AND (_leat_valid_to "
                     "IS NULL OR _leat_valid_to > %d)",
                     k, at, at);
            assert_string_equal(rows(sql), expected);
        }
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM t WHERE id = %d AND _leat_current", k);
        assert_string_equal(rows(sql), now.gone ? "0" : "1");
    }
}

static void history_is_exact_whatever_comes_in_whatever_order(void **state)
{
    unsigned seed = 20261121;
    (void)state;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 60; round++) {
        struct told told[KEYS][TIMES] = {0};
        run("DROP TABLE IF EXISTS t");
        for (int load = 0; load < 6; load++) {
            char staging[512];
            size_t used = 0;
            int n = 1 + (int)(rand_r(&seed) % 6);
            for (int i = 0; i < n; i++) {
                int k = (int)(rand_r(&seed) % KEYS), at = (int)(rand_r(&seed) % TIMES);
                struct told record = {true, rand_r(&seed) % 4 == 0, (int)(rand_r(&seed) % 2)};
                used += (size_t)snprintf(staging + used, sizeof staging - used, "%s(%d,%d,%d,%d)",
                                         i ? "," : "", k, at, record.v, record.gone);
                told[k][at] = record;
            }
            struct lt_merge merge = history(staging);
            struct leat_error err = {.status = LEAT_OK};
            struct leat_row_counts counts;
            if (merge_all(&merge, &counts, &err)) {
                fail_msg("[%s] %s", err.code, err.message);
            }
            forget_empty_deletions(told);
            expect_states((const struct told(*)[TIMES])told);
            assert_string_equal(
                rows(
                    "SELECT count(*) FROM t AS a JOIN t AS b ON a.id = b.id AND a._leat_valid_from "
                    "< b._leat_valid_from AND coalesce(a._leat_valid_to, 1000) > "
                    "b._leat_valid_from AND coalesce(b._leat_valid_to, 1000) > b._leat_valid_from"),
                "0");
        }
    }
}

/* --- merges against a model ---------------------------------------------------------------- */

#define IDS 12
struct model {
    bool there[IDS];
    int v[IDS];
};

/* v is unique, and a random load gives rows each other's values. */
static void merge_equals_a_model_with_unique_values_permuted(void **state)
{
    unsigned seed = 4711;
    (void)state;
    print_message("# seed %u\n", seed);
    tables("", "");
    run("CREATE UNIQUE INDEX u ON t (v); ALTER TABLE t ADD COLUMN mine");
    struct model model = {0};
    for (int round = 0; round < 200; round++) {
        struct lt_merge merge = with_unique(round % 2);
        int values[IDS];
        merge.n_cursor = 0;
        merge.index = NULL;
        run("DELETE FROM s");
        for (int i = 0; i < IDS; i++) { /* a permutation that all rows would have */
            int j = (int)(rand_r(&seed) % (unsigned)(i + 1));
            values[i] = values[j];
            values[j] = i;
        }
        for (int i = 0; i < IDS; i++) {
            char sql[128];
            if (!model.there[i] && rand_r(&seed) % 2) {
                continue;
            }
            snprintf(sql, sizeof sql, "INSERT INTO s VALUES (%d, 0, %d)", i, values[i]);
            run(sql);
            model.there[i] = true;
            model.v[i] = values[i];
        }
        struct leat_error err = {.status = LEAT_OK};
        struct leat_row_counts counts;
        if (merge_all(&merge, &counts, &err)) {
            fail_msg("round %d: [%s] %s", round, err.code, err.message);
        }
        char expected[512] = "";
        size_t used = 0;
        for (int i = 0; i < IDS; i++) {
            if (model.there[i]) {
                used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%d|%d",
                                         used ? " " : "", i, model.v[i]);
            }
        }
        assert_string_equal(rows("SELECT id, v FROM t ORDER BY 1"), expected);
        if (round % 10 == 9) {
            run("DELETE FROM t WHERE id % 3 = 0");
            for (int i = 0; i < IDS; i += 3) {
                model.there[i] = false;
            }
        }
    }
}

/* --- PostgreSQL's words -------------------------------------------------------------------- */

static void postgres_says_it_its_way(void **state)
{
    static const struct lt_merge_column columns[] = {
        {"id", false, false}, {"no", true, false}, {"doc", false, true}};
    struct lt_merge merge = simple(LEAT_MERGE);
    struct lt_merge_plan *plan = NULL;
    struct lt_buf whole = LT_BUF_INIT;
    const char *sql;
    (void)state;
    merge.dialect = &lt_dialect_postgres;
    merge.columns = columns;
    merge.index = NULL;
    merge.seq = "\"_leat_seq\"";
    assert_int_equal(lt_merge_new(&merge, &plan, NULL), 0);
    for (size_t i = 0; (sql = lt_merge_sql(plan, i, NULL)); i++) {
        assert_int_equal(lt_buf_printf(&whole, "%s;\n", sql), 0);
    }
    const char *text = lt_buf_text(&whole);
    assert_non_null(strstr(text, "SET CONSTRAINTS ALL DEFERRED;\n"));
    assert_non_null(strstr(text, "t.\"doc\"::pg_catalog.text COLLATE \"C\" IS DISTINCT FROM "
                                 "s.\"doc\"::pg_catalog.text COLLATE \"C\""));
    assert_non_null(strstr(text, "SET \"doc\" = s.\"doc\" FROM")); /* an identity is never set */
    assert_non_null(strstr(text, "OVERRIDING SYSTEM VALUE SELECT s.\"id\", s.\"no\", s.\"doc\""));
    assert_null(strchr(text, '{'));
    lt_buf_done(&whole);
    lt_merge_free(plan);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)
    const struct CMUnitTest tests[] = {
        CASE(merge_updates_what_differs_and_inserts_the_rest),
        CASE(merge_takes_the_latest_record_of_a_key),
        CASE(merge_deletes_where_a_record_says_so),
        CASE(merge_soft_deletes_and_brings_back),
        CASE(merge_keeps_columns_that_the_load_lacks),
        CASE(swapped_unique_values_arrive),
        CASE(swapped_unique_values_arrive_in_rows_others_point_to),
        CASE(a_unique_value_that_stays_taken_is_an_error),
        CASE(merge_refuses_null_keys_and_doubled_rows),
        CASE(merge_of_key_columns_alone_inserts_only),
        CASE(a_trigger_that_interferes_is_noticed),
        CASE(delete_insert_replaces_all_rows_of_a_key),
        CASE(delete_insert_takes_the_latest_where_keys_are_unique),
        CASE(changes_are_carried_out),
        CASE(several_changes_of_a_row_come_to_their_sum),
        CASE(changes_that_do_not_fit_are_a_conflict),
        CASE(changes_of_softly_deleted_rows),
        CASE(history_closes_and_succeeds),
        CASE(history_takes_late_records_where_they_belong),
        CASE(history_closes_deleted_rows),
        CASE(history_corrects_a_record_of_the_same_time),
        CASE(history_is_exact_whatever_comes_in_whatever_order),
        CASE(merge_equals_a_model_with_unique_values_permuted),
        CASE(postgres_says_it_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
