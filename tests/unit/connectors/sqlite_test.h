/* What the tests of the SQLite connector share: SQL on connections of their own, reads as text. */
#ifndef SQLITE_TEST_H
#define SQLITE_TEST_H

#include "connectors/sqlite/sqlite.h"

#include "core/util.h"
#include "db/sqlite.h"

#define CONNECTOR (&lt_connector_sqlite)
#define TEST_FILE "a b.db"
#include "connector_test.h"

static inline const struct lt_sqlite *api(void)
{
    const struct lt_sqlite *table = NULL;
    assert_int_equal(lt_sqlite_load(&table, NULL), LEAT_OK);
    return table;
}

static inline sqlite3 *open_db(struct fixture *f)
{
    sqlite3 *db = NULL;
    assert_int_equal(
        api()->sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
        SQLITE_OK);
    return db;
}

static inline void run(sqlite3 *db, const char *sql)
{
    if (api()->sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, api()->sqlite3_errmsg(db));
    }
}

static inline void run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db = open_db(f);
    run(db, sql);
    api()->sqlite3_close_v2(db);
}

/* All rows of a query: values joined by |, rows by newline, each value as SQLite quotes it. */
static inline void assert_rows(struct fixture *f, const char *sql, const char *expected)
{
    sqlite3 *db = open_db(f);
    sqlite3_stmt *stmt = NULL;
    struct lt_buf out = LT_BUF_INIT;
    if (api()->sqlite3_prepare_v2(db, sql, -1, &stmt, NULL)) {
        fail_msg("%s: %s", sql, api()->sqlite3_errmsg(db));
    }
    while (api()->sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < api()->sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)api()->sqlite3_column_text(stmt, i);
            lt_buf_printf(&out, "%s%s", i ? "|" : out.len ? "\n" : "", text ? text : "NULL");
        }
    }
    api()->sqlite3_finalize(stmt);
    api()->sqlite3_close_v2(db);
    assert_string_equal(lt_buf_text(&out), expected);
    lt_buf_done(&out);
}

static inline void assert_read(struct fixture *f, const struct leat_read_plan *plan,
                               const char *types, const char *rows)
{
    struct leat_endpoint *ep = open_ep(f);
    struct leat_reader *reader = NULL;
    struct leat_error err = {.status = LEAT_OK};
    struct lt_buf got_types = LT_BUF_INIT, got_rows = LT_BUF_INIT;
    if (CONNECTOR->source->start(ep, plan, &reader, &err) ||
        drain(reader, &got_types, &got_rows, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    if (types) {
        assert_string_equal(lt_buf_text(&got_types), types);
    }
    assert_string_equal(lt_buf_text(&got_rows), rows);
    CONNECTOR->source->finish(reader);
    lt_buf_done(&got_types);
    lt_buf_done(&got_rows);
    CONNECTOR->close(ep);
}

static inline void assert_stream(struct fixture *f, const char *stream, const char *types,
                                 const char *rows)
{
    struct leat_read_plan plan = plan_of(stream);
    assert_read(f, &plan, types, rows);
}

/* The status of a read that must fail, at start or on the way. */
static inline int read_fails(struct fixture *f, const struct leat_read_plan *plan,
                             struct leat_error *err)
{
    struct leat_endpoint *ep = open_ep(f);
    struct leat_reader *reader = NULL;
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    int status = CONNECTOR->source->start(ep, plan, &reader, err);
    status = status ? status : drain(reader, &types, &rows, err);
    assert_int_not_equal(status, LEAT_OK);
    assert_int_equal(err->status, status);
    CONNECTOR->source->finish(reader);
    lt_buf_done(&types);
    lt_buf_done(&rows);
    CONNECTOR->close(ep);
    return status;
}

#endif
