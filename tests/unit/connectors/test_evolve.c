/* What a schema policy makes of columns, and the ALTERs it takes. */
#include "columnar/schema.h"
#include "core/codes.h"
#include "core/util.h"
#include "sql/evolve.h"
#include "sql/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A field of this canonical type. */
static void field_of(const char *name, const char *type, struct ArrowSchema *ret_field)
{
    assert_int_equal(lt_type_parse(type, ret_field, NULL), 0);
    assert_int_equal(lt_schema_set_name(ret_field, name, NULL), 0);
}

/* A table with the columns a int32, d decimal(6,2), t utf8 and must, which may not be null. */
static void make_table(struct ArrowSchema *ret_table)
{
    static const char *const columns[][2] = {
        {"a", "int32"}, {"d", "decimal(6,2)"}, {"t", "utf8"}, {"must", "int32"}};
    assert_int_equal(lt_schema_init_struct(ret_table, 0, NULL), 0);
    for (size_t i = 0; i < LT_ARRAY_LEN(columns); i++) {
        struct ArrowSchema field;
        field_of(columns[i][0], columns[i][1], &field);
        assert_int_equal(lt_schema_add(ret_table, &field, NULL), 0);
    }
    assert_int_equal(lt_schema_set_meta(ret_table->children[3], LT_META_REQUIRED, "1", NULL), 0);
}

/* What differs between the table and one field of a canonical type. */
static void drift_of(enum leat_schema_policy policy, const char *name, const char *type,
                     const struct ArrowSchema *table, enum lt_column_change *ret_change,
                     struct ArrowSchema *ret_wanted, struct lt_drift *ret_drift)
{
    struct ArrowSchema field;
    *ret_drift = (struct lt_drift){
        .dialect = &lt_dialect_postgres, .policy = policy, .quoted = "t", .table = table};
    field_of(name, type, &field);
    field.flags = 0;
    assert_int_equal(lt_drift_column(ret_drift, &field, ret_change, ret_wanted, NULL), 0);
    lt_schema_done(&field);
}

static void policies_decide_column_by_column(void **state)
{
    static const struct {
        enum leat_schema_policy policy;
        const char *name, *type;
        enum lt_column_change change;
        const char *becomes; /* NULL: nothing */
        bool stops, said;
    } cases[] = {
        {LEAT_SCHEMA_CHECK, "new", "int32", LT_COLUMN_AS_IS, NULL, true, false},
        {LEAT_SCHEMA_STRICT, "new", "int32", LT_COLUMN_AS_IS, NULL, true, false},
        {LEAT_SCHEMA_IGNORE, "new", "int32", LT_COLUMN_LEFT_OUT, NULL, false, true},
        {LEAT_SCHEMA_EVOLVE, "new", "int32", LT_COLUMN_NEW, "int32", false, false},
        {LEAT_SCHEMA_EVOLVE, "a", "int16", LT_COLUMN_AS_IS, NULL, false, false},
        {LEAT_SCHEMA_STRICT, "a", "int16", LT_COLUMN_AS_IS, NULL, false, false},
        {LEAT_SCHEMA_EVOLVE, "a", "int64", LT_COLUMN_WIDER, "int64", false, false},
        {LEAT_SCHEMA_STRICT, "a", "int64", LT_COLUMN_AS_IS, NULL, true, false},
        {LEAT_SCHEMA_CHECK, "a", "int64", LT_COLUMN_AS_IS, NULL, false, true},
        {LEAT_SCHEMA_IGNORE, "a", "int64", LT_COLUMN_AS_IS, NULL, false, true},
        {LEAT_SCHEMA_EVOLVE, "a", "decimal(6,2)", LT_COLUMN_WIDER, "decimal(12,2)", false, false},
        {LEAT_SCHEMA_EVOLVE, "a", "float64", LT_COLUMN_AS_IS, NULL, true, false},
        {LEAT_SCHEMA_EVOLVE, "a", "utf8", LT_COLUMN_AS_IS, NULL, true, false},
        {LEAT_SCHEMA_CHECK, "a", "utf8", LT_COLUMN_AS_IS, NULL, false, true},
        {LEAT_SCHEMA_EVOLVE, "d", "decimal(8,2)", LT_COLUMN_WIDER, "decimal(8,2)", false, false},
        {LEAT_SCHEMA_EVOLVE, "d", "decimal(6,3)", LT_COLUMN_WIDER, "decimal(7,3)", false, false},
        {LEAT_SCHEMA_EVOLVE, "t", "int32", LT_COLUMN_AS_IS, NULL, false, false},
    };
    struct ArrowSchema table;
    (void)state;
    make_table(&table);
    for (size_t i = 0; i < LT_ARRAY_LEN(cases); i++) {
        struct ArrowSchema wanted = {.release = NULL};
        struct lt_buf name = LT_BUF_INIT;
        struct lt_drift drift;
        enum lt_column_change change;
        drift_of(cases[i].policy, cases[i].name, cases[i].type, &table, &change, &wanted, &drift);
        assert_int_equal(change, cases[i].change);
        assert_int_equal(wanted.release != NULL, cases[i].becomes != NULL);
        assert_int_equal(drift.faults.len > 0, cases[i].stops);
        assert_int_equal(drift.needed.len > 0, cases[i].stops);
        assert_int_equal(drift.words.len > 0, cases[i].said);
        if (cases[i].becomes) {
            assert_int_equal(lt_type_print(&wanted, &name), 0);
            assert_string_equal(lt_buf_text(&name), cases[i].becomes);
            assert_string_equal(wanted.name, cases[i].name);
            /* Rows that are there have no value. */
            assert_true(change != LT_COLUMN_NEW || wanted.flags & ARROW_FLAG_NULLABLE);
        }
        lt_buf_done(&name);
        lt_drift_done(&drift);
        lt_schema_done(&wanted);
    }
    lt_schema_done(&table);
}

static void statements_name_table_column_and_type(void **state)
{
    struct lt_buf sql = LT_BUF_INIT;
    (void)state;
    assert_int_equal(
        lt_evolve_sql(&lt_dialect_postgres, "\"s\".\"t\"", "a\"b", LT_COLUMN_NEW, "bigint", &sql),
        0);
    assert_int_equal(
        lt_evolve_sql(&lt_dialect_postgres, "\"s\".\"t\"", "c", LT_COLUMN_WIDER, "text", &sql), 0);
    assert_string_equal(lt_buf_text(&sql), "ALTER TABLE \"s\".\"t\" ADD COLUMN \"a\"\"b\" bigint; "
                                           "ALTER TABLE \"s\".\"t\" ALTER COLUMN \"c\" TYPE text");
    lt_buf_done(&sql);
}

static void the_remedy_is_what_it_would_take(void **state)
{
    static const char *const columns[][2] = {{"a", "date"}, {"new", "utf8"}, {"t", "utf8"}};
    struct leat_error *err = leat_error_new();
    struct ArrowSchema table, incoming;
    (void)state;
    make_table(&table);
    assert_int_equal(lt_schema_init_struct(&incoming, 0, NULL), 0);
    for (size_t i = 0; i < LT_ARRAY_LEN(columns); i++) {
        struct ArrowSchema field;
        field_of(columns[i][0], columns[i][1], &field);
        assert_int_equal(lt_schema_add(&incoming, &field, NULL), 0);
    }
    struct lt_drift drift = {.dialect = &lt_dialect_postgres,
                             .policy = LEAT_SCHEMA_CHECK,
                             .quoted = "t",
                             .table = &table};
    for (int64_t i = 0; i < incoming.n_children; i++) {
        struct ArrowSchema wanted = {.release = NULL};
        enum lt_column_change change;
        assert_int_equal(lt_drift_column(&drift, incoming.children[i], &change, &wanted, err), 0);
    }
    assert_int_equal(lt_drift_end(&drift, &incoming, err), LEAT_INVALID);
    assert_string_equal(err->remedy,
                        "ALTER TABLE t ALTER COLUMN \"a\" TYPE date USING \"a\"::text::date; ALTER "
                        "TABLE t ADD COLUMN \"new\" text; ALTER TABLE t ALTER COLUMN \"must\" DROP "
                        "NOT NULL");
    lt_drift_done(&drift);
    lt_schema_done(&table);
    lt_schema_done(&incoming);
    leat_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_decide_column_by_column),
        cmocka_unit_test(statements_name_table_column_and_type),
        cmocka_unit_test(the_remedy_is_what_it_would_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
