/* What the hardware and the servers allow: the least programs that move the same rows, to measure
 * leat against.
 *
 *   limit read URL QUERY            COPY (QUERY) TO STDOUT (FORMAT binary), to nowhere
 *   limit forward URL FROM TO       the bytes of COPY TO straight into COPY FROM, one thread
 *   limit load URL QUERY TO         the bytes of QUERY into memory first; prints the seconds that
 *                                   COPY FROM alone then takes, of wall and of CPU
 *   limit sqlite URL QUERY FILE     text rows into prepared INSERTs in one transaction
 *   limit scan FILE TABLE           every column of every row of an SQLite table, to nowhere
 *
 * cc -O2 limit.c -lpq -lsqlite3 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *what, const char *why)
{
    fprintf(stderr, "limit: %s: %s\n", what, why);
    exit(1);
}

static PGconn *connect_to(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK) {
        die("connect", PQerrorMessage(conn));
    }
    return conn;
}

static void start(PGconn *conn, const char *before, const char *what, const char *after,
                  ExecStatusType expected)
{
    char sql[4096];
    snprintf(sql, sizeof sql, "%s%s%s", before, what, after);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != expected) {
        die(sql, PQerrorMessage(conn));
    }
    PQclear(result);
}

static void start_out(PGconn *conn, const char *query)
{
    start(conn, "COPY (", query, ") TO STDOUT (FORMAT binary)", PGRES_COPY_OUT);
}

static void start_in(PGconn *conn, const char *table)
{
    start(conn, "COPY ", table, " FROM STDIN (FORMAT binary)", PGRES_COPY_IN);
}

/* After the data: the count the server gives. */
static void end(PGconn *conn)
{
    PGresult *result = PQgetResult(conn);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        die("copy", PQerrorMessage(conn));
    }
    printf("%s\n", PQcmdTuples(result));
    PQclear(result);
}

static void read_all(const char *url, const char *query)
{
    PGconn *conn = connect_to(url);
    char *row;
    start_out(conn, query);
    while (PQgetCopyData(conn, &row, 0) > 0) {
        PQfreemem(row);
    }
    end(conn);
    PQfinish(conn);
}

static void put(PGconn *conn, const char *data, int len)
{
    if (PQputCopyData(conn, data, len) != 1) {
        die("copy in", PQerrorMessage(conn));
    }
}

static void forward(const char *url, const char *from, const char *to)
{
    PGconn *source = connect_to(url), *dest = connect_to(url);
    char query[512], *row;
    int len;
    snprintf(query, sizeof query, "SELECT * FROM %s", from);
    start_out(source, query);
    start_in(dest, to);
    while ((len = PQgetCopyData(source, &row, 0)) > 0) {
        put(dest, row, len);
        PQfreemem(row);
    }
    PQputCopyEnd(dest, NULL);
    end(dest);
    PQfinish(source);
    PQfinish(dest);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void load(const char *url, const char *query, const char *to)
{
    PGconn *conn = connect_to(url);
    size_t len = 0, cap = (size_t)1 << 20;
    char *data = malloc(cap), *row;
    int n;
    start_out(conn, query);
    while ((n = PQgetCopyData(conn, &row, 0)) > 0) {
        while (data && cap - len < (size_t)n) {
            data = realloc(data, cap *= 2);
        }
        if (!data) {
            die("memory", "no more");
        }
        memcpy(data + len, row, (size_t)n);
        len += (size_t)n;
        PQfreemem(row);
    }
    PQclear(PQgetResult(conn));
    PQclear(PQgetResult(conn));
    double began = now();
    clock_t cpu = clock();
    start_in(conn, to);
    for (size_t at = 0; at < len; at += (size_t)n) {
        n = len - at < (256 << 10) ? (int)(len - at) : 256 << 10;
        put(conn, data + at, n);
    }
    PQputCopyEnd(conn, NULL);
    PGresult *result = PQgetResult(conn);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        die("copy in", PQerrorMessage(conn));
    }
    printf("%.4f %.4f\n", now() - began, (double)(clock() - cpu) / CLOCKS_PER_SEC);
    PQfinish(conn);
    free(data);
}

static void check(sqlite3 *db, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        die("sqlite", sqlite3_errmsg(db));
    }
}

/* Splits a row of COPY text (which holds no escapes in these data) and binds its fields. */
static void insert(sqlite3 *db, sqlite3_stmt *stmt, char *row)
{
    int i = 0;
    for (char *field = row; field; i++) {
        char *tab = strchr(field, '\t');
        size_t len = tab ? (size_t)(tab - field) : strcspn(field, "\n");
        check(db, len == 2 && !memcmp(field, "\\N", 2)
                      ? sqlite3_bind_null(stmt, i + 1)
                      : sqlite3_bind_text(stmt, i + 1, field, (int)len, SQLITE_STATIC));
        field = tab ? tab + 1 : NULL;
    }
    check(db, sqlite3_step(stmt));
    check(db, sqlite3_reset(stmt));
}

static void to_sqlite(const char *url, const char *query, const char *file)
{
    PGconn *conn = connect_to(url);
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char sql[4096] = "INSERT INTO t VALUES (?", *row;
    check(NULL, sqlite3_open(file, &db));
    check(db, sqlite3_prepare_v2(db, "SELECT * FROM t", -1, &stmt, NULL));
    for (int i = 1; i < sqlite3_column_count(stmt); i++) {
        strcat(sql, ",?");
    }
    sqlite3_finalize(stmt);
    check(db, sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; BEGIN", NULL, NULL,
                           NULL));
    check(db, sqlite3_prepare_v2(db, strcat(sql, ")"), -1, &stmt, NULL));
    start(conn, "COPY (", query, ") TO STDOUT", PGRES_COPY_OUT);
    while (PQgetCopyData(conn, &row, 0) > 0) {
        insert(db, stmt, row);
        PQfreemem(row);
    }
    end(conn);
    check(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    PQfinish(conn);
}

/* Asks for each value the way a reader has to: its type, then the value as that type. */
static int64_t look_at(sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return sqlite3_column_int64(stmt, column);
    case SQLITE_FLOAT:
        return sqlite3_column_double(stmt, column) > 0;
    case SQLITE_TEXT:
        return sqlite3_column_text(stmt, column)[0] + sqlite3_column_bytes(stmt, column);
    case SQLITE_BLOB:
        return sqlite3_column_bytes(stmt, column);
    default:
        return 0;
    }
}

static void scan(const char *file, const char *table)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char sql[512];
    uint64_t sum = 0;
    int rc;
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table);
    check(NULL, sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL));
    check(db, sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
    int columns = sqlite3_column_count(stmt);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            sum += (uint64_t)look_at(stmt, i);
        }
    }
    check(db, rc);
    printf("%llu\n", (unsigned long long)sum);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 3 ? argv[1] : "";
    if (!strcmp(verb, "read") && argc == 4) {
        read_all(argv[2], argv[3]);
    } else if (!strcmp(verb, "forward") && argc == 5) {
        forward(argv[2], argv[3], argv[4]);
    } else if (!strcmp(verb, "load") && argc == 5) {
        load(argv[2], argv[3], argv[4]);
    } else if (!strcmp(verb, "sqlite") && argc == 5) {
        to_sqlite(argv[2], argv[3], argv[4]);
    } else if (!strcmp(verb, "scan") && argc == 4) {
        scan(argv[2], argv[3]);
    } else {
        fputs("usage: limit read|forward|load|sqlite URL ... | scan FILE TABLE\n", stderr);
        return 2;
    }
    return 0;
}
