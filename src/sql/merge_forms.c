/* The statements of each mode, as forms, in the order in which they run.
 *
 * Aliases: s the staging table, t the target, a what is to be done with a record ("act"), n the
 * first record of a key ("net"), v and e events of a history. What is to be done with a record:
 * i insert, u update, r update by making way first, d delete, = nothing, ! a conflict.
 *
 * Rows are deleted before others are updated, and those before others are inserted, so that values
 * of unique columns can go from one row to another. Where that is not enough (a swap, a chain), rows
 * whose new value another one still holds give theirs up first. */
#include "sql/merge_parts.h"

#define M (1u << LEAT_MERGE)
#define X (1u << LEAT_DELETE_INSERT)
#define C (1u << LEAT_CHANGES)
#define H (1u << LEAT_HISTORY)
#define NO_CODE LT_E_INTERNAL, NULL

#define ACTED "{staging} AS s JOIN {work act} AS a ON a.seq = {seq s}"
/* The window in which the events of a key follow each other. */
#define TIMELINE "(PARTITION BY {keys v} ORDER BY v._leat_at)"
#define EVENT_ROWS "{work line} AS a JOIN {staging} AS s ON {seq s} = a._leat_seq"
/* An event of the target's own whose row ends by a deletion that this load brings. */
#define ENDS_BY_DELETION "a._leat_next = 'g' AND a._leat_next_seq IS NOT NULL"
#define IS_LASTING(row) "({valid_to " row "} IS NULL OR {valid_to " row "} > {valid_from " row "})"
#define OF_LOAD "({keys t}) IN (SELECT {keys s} FROM {staging} AS s)"

#define SUPERSEDED                                                                                 \
    "DELETE FROM {staging} WHERE {seq} IN (SELECT x.seq FROM (SELECT {seq s} AS seq, lead(1) "     \
    "OVER (PARTITION BY {group s} ORDER BY {earliest s}) AS later FROM {staging} AS s) AS x "      \
    "WHERE x.later IS NOT NULL)"

const char lt_merge_superseded_form[] = SUPERSEDED;

const char *const lt_merge_goes_forms[] = {
    "EXISTS (SELECT 1 FROM " ACTED " WHERE {match old s} AND a.act = 'd')",
    "EXISTS (SELECT 1 FROM " ACTED " WHERE {match c s} AND a.act = 'd')",
    "NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {match old s})",
    "NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {match c s})",
};

/* clang-format off */
const struct lt_merge_form lt_merge_forms[] = {
    {M | X | C | H, LT_NEED_DEFER, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE, "{defer}"},
    {M | X | C | H, 0, LT_MERGE_FIND, LT_MERGE_REFUSE, -1,
     LT_E_NULL_KEY, "records have no value in a key column",
     "SELECT count(*) FROM {staging} AS s WHERE {null_key s}"},
    {H, LT_NEED_FROM_CURSOR, LT_MERGE_FIND, LT_MERGE_REFUSE, -1,
     LT_E_NULL_CURSOR, "records do not say from when they are valid",
     "SELECT count(*) FROM {staging} AS s WHERE {at s} IS NULL"},
    {C, 0, LT_MERGE_FIND, LT_MERGE_REFUSE, -1,
     LT_E_VALUE_RANGE, "records say neither i nor u nor d",
     "SELECT count(*) FROM {staging} AS s WHERE {op s} IS NULL OR {op s} NOT IN ('i', 'u', 'd')"},
    {M | X | C | H, LT_NEED_INDEX, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "CREATE INDEX {index} ({keys})"},

    {M | X | C | H, LT_NEED_ANALYZE, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "{analyze} {staging}"},

    /* Of several records of one key the last counts; of changes the first one is remembered. */
    {C, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "{make net}SELECT x.seq, x.first_op FROM (SELECT {seq s} AS seq, first_value({op s}) OVER w AS "
     "first_op, lead(1) OVER w AS later FROM {staging} AS s WINDOW w AS (PARTITION BY {keys s} "
     "ORDER BY {earliest s})) AS x WHERE x.later IS NULL"},
    {M | C | H, 0, LT_MERGE_FIND, LT_MERGE_RUN, LT_MERGE_SUPERSEDED, NO_CODE, SUPERSEDED},
    {X, LT_NEED_UNIQUE, LT_MERGE_FIND, LT_MERGE_RUN, LT_MERGE_SUPERSEDED, NO_CODE, SUPERSEDED},
    {M | C, LT_NEED_NOT_UNIQUE, LT_MERGE_FIND, LT_MERGE_REFUSE, -1,
     LT_E_DUPLICATE_KEY, "keys of the load have several rows in the table",
     "SELECT count(*) FROM (SELECT 1 AS one FROM {target} AS t WHERE " OF_LOAD
     " GROUP BY {keys t} HAVING count(*) > 1) AS x"},
    {H, LT_NEED_NOT_UNIQUE, LT_MERGE_FIND, LT_MERGE_REFUSE, -1,
     LT_E_DUPLICATE_KEY, "keys of the load have several rows valid from the same time",
     "SELECT count(*) FROM (SELECT 1 AS one FROM {target} AS t WHERE " OF_LOAD
     " GROUP BY {keys t}, {valid_from t} HAVING count(*) > 1) AS x"},

    /* --- merges and changes: what is to be done ------------------------------------------------ */
    {M, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "{make act}SELECT {seq s} AS seq, CASE WHEN {gone s} THEN CASE WHEN {alive t} THEN 'd' ELSE '=' "
     "END WHEN {absent t} THEN 'i' {when_moved t s}WHEN {differ t s} THEN 'u' ELSE '=' END AS act "
     "FROM {staging} AS s LEFT JOIN {target} AS t ON {match t s}"},
    {C, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "{make act}SELECT {seq s} AS seq, CASE WHEN n.first_op = 'i' AND {alive t} OR "
     "n.first_op = 'u' AND {absent t} OR n.first_op = 'd' AND NOT ({alive t}) THEN '!' WHEN {op s} = "
     "'d' THEN CASE WHEN {alive t} THEN 'd' ELSE '=' END WHEN {absent t} THEN 'i' "
     "{when_moved t s}WHEN {differ t s} THEN 'u' ELSE '=' END AS act FROM {staging} AS s JOIN "
     "{work net} AS n ON n.seq = {seq s} LEFT JOIN {target} AS t ON {match t s}"},
    {M | C, LT_NEED_ANALYZE, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE, "{analyze} {work act}"},
    {C, 0, LT_MERGE_FIND, LT_MERGE_REFUSE, -1,
     LT_E_CONFLICT, "changes do not fit the table: it lacks a row that is to be updated or deleted, "
     "or has one that is to be inserted",
     "SELECT count(*) FROM {work act} WHERE act = '!'"},
    {M | C, 0, LT_MERGE_FIND, LT_MERGE_TAKE, -1, NO_CODE,
     "SELECT sum(CASE WHEN act = 'i' THEN 1 ELSE 0 END), sum(CASE WHEN act = 'u' THEN 1 ELSE 0 END), "
     "sum(CASE WHEN act = 'r' THEN 1 ELSE 0 END), sum(CASE WHEN act = 'd' THEN 1 ELSE 0 END), "
     "sum(CASE WHEN act = '=' THEN 1 ELSE 0 END), 0 FROM {work act}"},

    /* --- merges and changes: doing it ---------------------------------------------------------- */
    {M | C, LT_NEED_REMOVES | LT_NEED_HARD, LT_MERGE_DELETE, LT_MERGE_EXACT, LT_MERGE_DELETED, NO_CODE,
     "DELETE FROM {target} WHERE ({keys}) IN (SELECT {keys s} FROM " ACTED " WHERE a.act = 'd')"},
    {M | C, LT_NEED_REMOVES | LT_NEED_SOFT, LT_MERGE_DELETE, LT_MERGE_EXACT, LT_MERGE_DELETED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {bury s} FROM " ACTED " WHERE {match t s} AND a.act = 'd'"},
    {M | X, LT_NEED_ALONE, LT_MERGE_WRITE, LT_MERGE_RUN, LT_MERGE_DELETED, NO_CODE,
     "DELETE FROM {target} AS t WHERE NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {match t s})"},
    {M | C, LT_NEED_MOVES | LT_NEED_KEPT, LT_MERGE_WRITE, LT_MERGE_RUN, -1, NO_CODE,
     "{make old}SELECT {seq s} AS _leat_seq{kept t} FROM " ACTED " JOIN {target} AS t ON {match t s} "
     "WHERE a.act = 'r'"},
    {M | C, LT_NEED_MOVES, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_MOVED, NO_CODE,
     "DELETE FROM {target} WHERE ({keys}) IN (SELECT {keys s} FROM " ACTED " WHERE a.act = 'r')"},
    {M | C, LT_NEED_NULLS, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_MOVED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {nulls} FROM " ACTED " WHERE {match t s} AND a.act = 'r'"},
    {M | C, LT_NEED_SET, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_UPDATED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {set s} FROM " ACTED " WHERE {match t s} AND a.act = 'u'"},
    {M | C, LT_NEED_NULLS, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_MOVED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {set s} FROM " ACTED " WHERE {match t s} AND a.act = 'r'"},
    {M | C, LT_NEED_MOVES | LT_NEED_KEPT, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_MOVED, NO_CODE,
     "INSERT {abort}INTO {target} ({brought}{kept}) {overriding}SELECT {brought s}{kept o} FROM " ACTED
     " JOIN {work old} AS o ON o._leat_seq = {seq s} WHERE a.act = 'r'"},
    {M | C, LT_NEED_MOVES | LT_NEED_NOT_KEPT, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_MOVED, NO_CODE,
     "INSERT {abort}INTO {target} ({columns}) {overriding}SELECT {columns s} FROM " ACTED
     " WHERE a.act = 'r'"},
    {M | C, 0, LT_MERGE_WRITE, LT_MERGE_EXACT, LT_MERGE_INSERTED, NO_CODE,
     "INSERT {abort}INTO {target} ({columns}) {overriding}SELECT {columns s} FROM " ACTED
     " WHERE a.act = 'i'"},
    {M | C, LT_NEED_MOVES | LT_NEED_KEPT, LT_MERGE_WRITE, LT_MERGE_RUN, -1, NO_CODE,
     "DROP TABLE {work old}"},
    {C, 0, LT_MERGE_WRITE, LT_MERGE_RUN, -1, NO_CODE, "DROP TABLE {work net}"},
    {M | C, 0, LT_MERGE_WRITE, LT_MERGE_RUN, -1, NO_CODE, "DROP TABLE {work act}"},

    /* --- delete and insert --------------------------------------------------------------------- */
    {X, LT_NEED_DELETED, LT_MERGE_FIND, LT_MERGE_TAKE, -1, NO_CODE,
     "SELECT 0, 0, 0, count(*), 0, 0 FROM {target} AS t WHERE ({keys t}) IN (SELECT {keys s} FROM "
     "{staging} AS s GROUP BY {keys s} HAVING min(CASE WHEN {gone s} THEN 1 ELSE 0 END) = 1)"},
    {X, LT_NEED_DELETED, LT_MERGE_DELETE, LT_MERGE_EXACT, LT_MERGE_DELETED, NO_CODE,
     "DELETE FROM {target} WHERE ({keys}) IN (SELECT {keys s} FROM {staging} AS s GROUP BY {keys s} "
     "HAVING min(CASE WHEN {gone s} THEN 1 ELSE 0 END) = 1)"},
    {X, 0, LT_MERGE_DELETE, LT_MERGE_RUN, LT_MERGE_DELETED, NO_CODE,
     "DELETE FROM {target} WHERE ({keys}) IN (SELECT {keys s} FROM {staging} AS s)"},
    {X, 0, LT_MERGE_WRITE, LT_MERGE_RUN, LT_MERGE_INSERTED, NO_CODE,
     "INSERT {abort}INTO {target} ({columns}) {overriding}SELECT {columns s} FROM {staging} AS s WHERE NOT "
     "({gone s})"},

    /* --- history: the events of every key the load brings ---------------------------------------
     * r: a row begins, g: it is gone. With a number they are the load's. `hit`: the target has a row
     * from that time already. Rows that were valid for no time at all are no events. */
    {H, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "{make event}SELECT {keys s}, {at s} AS _leat_at, CASE WHEN {gone s} THEN 'g' ELSE 'r' END AS "
     "_leat_kind, {seq s} AS _leat_seq, CASE WHEN {absent t} THEN 0 ELSE 1 END AS _leat_hit FROM "
     "{staging} AS s LEFT JOIN {target} AS t ON {match t s} AND {valid_from t} = {at s} "
     "UNION ALL SELECT {keys t}, {valid_from t}, 'r', NULL, 1 FROM {target} AS t WHERE " OF_LOAD
     " AND " IS_LASTING("t") " AND NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {match s t} AND "
     "{at s} = {valid_from t}) "
     "UNION ALL SELECT {keys t}, {valid_to t}, 'g', NULL, 1 FROM {target} AS t WHERE " OF_LOAD
     " AND {valid_to t} > {valid_from t} AND NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE "
     "{match s t} AND {at s} = {valid_to t}) AND NOT EXISTS (SELECT 1 FROM {target} AS o WHERE "
     "{match o t} AND {valid_from o} = {valid_to t} AND " IS_LASTING("o") ")"},
    /* What says nothing new: a record like the one before it, a deletion where nothing is. */
    {H, 0, LT_MERGE_FIND, LT_MERGE_RUN, LT_MERGE_UNCHANGED, NO_CODE,
     "DELETE FROM {work event} WHERE _leat_seq IN (SELECT e._leat_seq FROM (SELECT {keys v}, "
     "v._leat_kind, v._leat_seq, v._leat_hit, lag(v._leat_kind) OVER w AS was_kind, lag(v._leat_at) "
     "OVER w AS was_at, lag(v._leat_seq) OVER w AS was_seq FROM {work event} AS v WINDOW w AS "
     TIMELINE ") AS e JOIN {staging} AS s ON {seq s} = e._leat_seq LEFT JOIN {staging} AS p ON "
     "{seq p} = e.was_seq LEFT JOIN {target} AS t ON {match t e} AND {valid_from t} = e.was_at WHERE "
     "e._leat_hit = 0 AND (e._leat_kind = 'g' AND coalesce(e.was_kind, 'g') = 'g' OR e._leat_kind = "
     "'r' AND e.was_kind = 'r' AND CASE WHEN e.was_seq IS NULL THEN NOT {differ t s} ELSE NOT "
     "{differ p s} END))"},
    {H, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE,
     "{make line}SELECT {keys v}, v._leat_at, v._leat_kind, v._leat_seq, v._leat_hit, "
     "lead(v._leat_at) OVER w AS _leat_until, lead(v._leat_kind) OVER w AS _leat_next, "
     "lead(v._leat_seq) OVER w AS _leat_next_seq FROM {work event} AS v WINDOW w AS " TIMELINE},
    {H, LT_NEED_ANALYZE, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE, "{analyze} {work line}"},
    {H, LT_NEED_REMOVES, LT_MERGE_FIND, LT_MERGE_TAKE, -1, NO_CODE,
     "SELECT 0, 0, 0, count(*), 0, 0 FROM {work line} AS a JOIN {target} AS t ON {match t a} AND "
     "{valid_from t} = a._leat_at WHERE a._leat_kind = 'r' AND a._leat_seq IS NULL AND {valid_to t} "
     "{differs} a._leat_until AND " ENDS_BY_DELETION " OR a._leat_kind = 'g' AND a._leat_seq IS NOT "
     "NULL AND a._leat_hit = 1 AND {valid_to t} {differs} a._leat_at"},
    {H, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE, "DROP TABLE {work event}"},
    {H, 0, LT_MERGE_FIND, LT_MERGE_TAKE, -1, NO_CODE,
     "SELECT 0, 0, 0, 0, count(*), 0 FROM " EVENT_ROWS " JOIN {target} AS t ON {match t a} AND "
     "{valid_from t} = a._leat_at WHERE a._leat_hit = 1 AND (a._leat_kind = 'r' AND NOT "
     "({differ t s} OR {valid_to t} {differs} a._leat_until) OR a._leat_kind = 'g' AND NOT "
     "({valid_to t} {differs} a._leat_at))"},

    /* --- history: doing it --------------------------------------------------------------------- */
    {H, LT_NEED_REMOVES, LT_MERGE_DELETE, LT_MERGE_EXACT, LT_MERGE_DELETED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {valid_to} = CASE WHEN a._leat_kind = 'g' THEN a._leat_at ELSE "
     "a._leat_until END, {current} = (1 = 0) FROM {work line} AS a WHERE {match t a} AND "
     "{valid_from t} = a._leat_at AND (a._leat_kind = 'r' AND a._leat_seq IS NULL AND {valid_to t} "
     "{differs} a._leat_until AND " ENDS_BY_DELETION " OR a._leat_kind = 'g' AND a._leat_seq IS NOT "
     "NULL AND a._leat_hit = 1 AND {valid_to t} {differs} a._leat_at)"},
    {H, 0, LT_MERGE_WRITE, LT_MERGE_RUN, LT_MERGE_UPDATED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {valid_to} = a._leat_until, {current} = (a._leat_until IS NULL) FROM "
     "{work line} AS a WHERE {match t a} AND {valid_from t} = a._leat_at AND a._leat_kind = 'r' AND "
     "a._leat_seq IS NULL AND {valid_to t} {differs} a._leat_until"},
    {H, LT_NEED_SET, LT_MERGE_WRITE, LT_MERGE_RUN, LT_MERGE_UPDATED, NO_CODE,
     "UPDATE {abort}{target} AS t SET {set s}, {valid_to} = a._leat_until, {current} = (a._leat_until IS "
     "NULL) FROM " EVENT_ROWS " WHERE {match t a} AND {valid_from t} = a._leat_at AND a._leat_kind = "
     "'r' AND a._leat_hit = 1 AND ({differ t s} OR {valid_to t} {differs} a._leat_until)"},
    {H, 0, LT_MERGE_WRITE, LT_MERGE_RUN, LT_MERGE_INSERTED, NO_CODE,
     "INSERT {abort}INTO {target} ({columns}, {valid_from}, {valid_to}, {current}) {overriding}SELECT "
     "{columns s}, a._leat_at, a._leat_until, (a._leat_until IS NULL) FROM " EVENT_ROWS
     " WHERE a._leat_kind = 'r' AND a._leat_hit = 0"},
    {H, 0, LT_MERGE_WRITE, LT_MERGE_RUN, -1, NO_CODE, "DROP TABLE {work line}"},

    {M | X | C | H, LT_NEED_DEFER, LT_MERGE_WRITE, LT_MERGE_RUN, -1, NO_CODE, "{check}"},
    {0, 0, LT_MERGE_FIND, LT_MERGE_RUN, -1, NO_CODE, NULL},
};
/* clang-format on */
