/* What a merge that is found would do to others, or cannot do: refused before it is done. */
#include "connectors/postgres/pg_load.h"

#include <stdio.h>
#include <stdlib.h>

/* --- rows of other tables ------------------------------------------------------------------ */

/* The columns that foreign keys point to which pass a change on, each key's one after the other. */
static const char passing_sql[] =
    "SELECT k.conrelid::pg_catalog.regclass::text || ' (' || k.conname || ')', a.attname FROM "
    "pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND "
    "a.attnum = ANY (k.confkey) WHERE k.contype = 'f' AND k.confrelid = $1::oid AND k.confupdtype "
    "IN ('c', 'n', 'd') ORDER BY k.oid, a.attnum";

static int list_passing(struct pg_conn *conn, const struct lt_merge *merge, PGresult *columns,
                        struct lt_buf *ret_list)
{
    int failed = LEAT_OK;
    const char *last = "";
    for (int row = 0; row < pg_rows(conn, columns); row++) {
        const char *name = pg_cell(conn, columns, row, 0);
        if (strcmp(name, last) != 0 && lt_merge_nulls(merge, pg_cell(conn, columns, row, 1))) {
            failed |= lt_buf_printf(ret_list, "%s%s", *last ? ", " : "", name);
            last = name;
        }
    }
    return failed;
}

int pg_merge_refuse_nulls(struct pg_conn *conn, const struct pg_target *target,
                          const struct lt_merge *merge, struct leat_error *err)
{
    char oid[16];
    const char *params[] = {oid};
    PGresult *columns = NULL;
    struct lt_buf list = LT_BUF_INIT;
    if (!merge->referenced || !lt_merge_moved(target->merging)) {
        return LEAT_OK;
    }
    snprintf(oid, sizeof oid, "%u", target->oid);
    int status = pg_query(conn, passing_sql, 1, params, &columns, err);
    if (!status && list_passing(conn, merge, columns, &list)) {
        status = lt_fail_oom(err);
    }
    if (!status && list.len) {
        status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                         "unique values of %s.%s go from row to row, and giving them up would "
                         "change rows of other tables through their foreign keys: %s",
                         target->ns, target->name, lt_buf_text(&list));
        leat_error_remedy(err, "make those keys ON UPDATE NO ACTION DEFERRABLE, or change these "
                               "rows at the destination yourself");
    }
    pg_clear(conn, columns);
    lt_buf_done(&list);
    return status;
}

/* --- keys that are alike ------------------------------------------------------------------- */

#define BY_BYTES "::pg_catalog.text COLLATE pg_catalog.\"C\""

/* Columns whose equality takes different texts for the same: by a collation, which before version
 * 12 all are deterministic, or by the type of the extension citext. */
static const char folding_sql[] =
    "SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = "
    "a.atttypid LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype LEFT JOIN "
    "pg_catalog.pg_collation c ON c.oid = a.attcollation WHERE a.attrelid = $1::oid AND a.attnum > "
    "0 AND NOT a.attisdropped AND (coalesce(b.typname, t.typname) = 'citext' OR "
    "pg_catalog.to_jsonb(c) ->> 'collisdeterministic' = 'false')";

/* Unique indexes of all rows and of these columns alone, in which each has its own collation. */
static const char own_index_sql[] =
    "SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid AND "
    "i.indisunique AND i.indislive AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) n JOIN "
    "pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n] WHERE NOT "
    "a.attname = ANY ($2::pg_catalog.name[]) OR i.indcollation[n] <> a.attcollation)";

int pg_merge_key_order(struct pg_conn *conn, struct pg_target *target, uint32_t oid,
                       struct leat_error *err)
{
    char number[16];
    const char *params[] = {number};
    PGresult *folding = NULL;
    struct pg_merge *merge = target->merge;
    free(merge->key_order);
    merge->key_order = calloc(merge->n_keys + 1, sizeof *merge->key_order);
    snprintf(number, sizeof number, "%u", oid);
    int status =
        merge->key_order ? pg_query(conn, folding_sql, 1, params, &folding, err) : lt_fail_oom(err);
    for (int row = 0; !status && row < pg_rows(conn, folding); row++) {
        for (size_t k = 0; k < merge->n_keys; k++) {
            if (!strcmp(merge->keys[k], pg_cell(conn, folding, row, 0))) {
                merge->key_order[k] = BY_BYTES;
            }
        }
    }
    pg_clear(conn, folding);
    return status;
}

static bool folds(const struct pg_merge *merge)
{
    bool any = false;
    for (size_t k = 0; k < merge->n_keys; k++) {
        any = any || merge->key_order[k];
    }
    return any;
}

/* Whether there is an index whose notion of equality the keys must stand. */
static int has_own_index(struct pg_conn *conn, const struct pg_merge *merge, uint32_t oid,
                         bool *ret_has, struct leat_error *err)
{
    struct lt_buf names = LT_BUF_INIT;
    char number[16], text[24] = "0";
    int failed = lt_buf_puts(&names, "{");
    for (size_t k = 0; k < merge->n_keys; k++) {
        failed |= lt_buf_puts(&names, k ? ",\"" : "\"");
        for (const char *at = merge->keys[k]; *at; at++) {
            failed |= *at == '"' || *at == '\\' ? lt_buf_byte(&names, '\\') : LEAT_OK;
            failed |= lt_buf_byte(&names, *at);
        }
        failed |= lt_buf_puts(&names, "\"");
    }
    failed |= lt_buf_puts(&names, "}");
    snprintf(number, sizeof number, "%u", oid);
    const char *params[] = {number, failed ? "" : lt_buf_text(&names)};
    int status = failed ? lt_fail_oom(err)
                        : pg_value(conn, own_index_sql, 2, params, text, sizeof text, err);
    *ret_has = !status && strcmp(text, "0") != 0;
    lt_buf_done(&names);
    return status;
}

/* The keys' pairs of an alias each, as they are or by their bytes. */
static int put_pairs(const struct pg_merge *merge, const char *a, const char *b, bool bytes,
                     struct lt_buf *sql)
{
    int failed = LEAT_OK;
    for (size_t k = 0; k < merge->n_keys; k++) {
        const char *order = bytes && merge->key_order[k] ? merge->key_order[k] : "";
        failed |= lt_buf_printf(sql, "%s%s.", k ? " AND " : "(", a);
        failed |= pg_ident(sql, merge->keys[k]) | lt_buf_printf(sql, "%s = %s.", order, b);
        failed |= pg_ident(sql, merge->keys[k]) | lt_buf_puts(sql, order);
    }
    return failed | lt_buf_byte(sql, ')');
}

/* " AND" the record leaves a row. */
static int put_stays(const struct pg_merge *merge, const char *alias, struct lt_buf *sql)
{
    int failed = LEAT_OK;
    if (merge->op) {
        failed |= lt_buf_printf(sql, " AND %s.", alias) | pg_ident(sql, merge->op);
        failed |= lt_buf_puts(sql, " <> 'd'");
    }
    if (merge->deleted) {
        failed |= lt_buf_printf(sql, " AND %s.", alias) | pg_ident(sql, merge->deleted);
        failed |= lt_buf_puts(sql, " IS NOT TRUE");
    }
    return failed;
}

/* Records beside others, and beside rows that no record speaks of. */
static int put_alike(const struct pg_target *target, const char *staging, bool rows,
                     struct lt_buf *sql)
{
    const struct pg_merge *merge = target->merge;
    int failed = lt_buf_printf(sql, "SELECT pg_catalog.count(*) FROM %s AS s JOIN %s AS t ON ",
                               staging, rows ? target->quoted : staging);
    failed |= put_pairs(merge, "t", "s", false, sql) | lt_buf_puts(sql, " WHERE NOT ");
    failed |= put_pairs(merge, "t", "s", true, sql) | put_stays(merge, "s", sql);
    if (rows) {
        failed |= lt_buf_printf(sql, " AND NOT EXISTS (SELECT 1 FROM %s AS o WHERE ", staging);
        failed |= put_pairs(merge, "o", "t", true, sql) | lt_buf_byte(sql, ')');
    } else {
        failed |= put_stays(merge, "t", sql);
    }
    return failed;
}

int pg_merge_refuse_alike(struct pg_conn *conn, const struct pg_target *target, const char *staging,
                          uint32_t oid, struct leat_error *err)
{
    bool has = false;
    char text[24] = "0";
    int status = LEAT_OK;
    if (folds(target->merge) && !oid) {
        has = true;
    } else if (folds(target->merge)) {
        status = has_own_index(conn, target->merge, oid, &has, err);
    }
    for (int rows = 0; rows < 2 && has && !status && !strcmp(text, "0"); rows++) {
        struct lt_buf sql = LT_BUF_INIT;
        status = put_alike(target, staging, rows, &sql)
                     ? lt_fail_oom(err)
                     : pg_value(conn, lt_buf_text(&sql), 0, NULL, text, sizeof text, err);
        lt_buf_done(&sql);
    }
    if (!status && strcmp(text, "0") != 0) {
        status = lt_fail(err, LT_E_DUPLICATE_KEY,
                         "keys of %s.%s differ in nothing that its unique index tells apart",
                         target->ns, target->name);
        leat_error_remedy(err, "a key column of a deterministic collation keeps them apart");
    }
    return status;
}
