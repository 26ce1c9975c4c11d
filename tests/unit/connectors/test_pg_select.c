/* The COPY that reads: what the server is sent, and what people are told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "connectors/postgres/pg.h"

#include <stdlib.h>

#define COLUMNS 4

struct fixture {
    struct pg_table table;
    struct pg_column columns[COLUMNS];
};

static void open_fixture(struct fixture *f)
{
    static const char *const types[COLUMNS] = {"int32", "text(postgres:inet)", "list<utf8>",
                                               "date"};
    static const enum pg_wire wires[COLUMNS] = {PG_WIRE_INT4, PG_WIRE_TEXT_CAST, PG_WIRE_TEXT_CAST,
                                                PG_WIRE_DATE};
    *f = (struct fixture){.table.ns = "public", .table.name = "or\"ders"};
    assert_int_equal(lt_schema_init_struct(&f->table.schema, 0, NULL), LEAT_OK);
    for (int i = 0; i < COLUMNS; i++) {
        struct ArrowSchema field;
        char name[2] = {(char)('a' + i), 0};
        assert_int_equal(lt_type_parse(types[i], &field, NULL), LEAT_OK);
        assert_int_equal(lt_schema_set_name(&field, name, NULL), LEAT_OK);
        assert_int_equal(lt_schema_add(&f->table.schema, &field, NULL), LEAT_OK);
        f->columns[i] = (struct pg_column){.wire = wires[i], .list = i == 2};
    }
    f->table.columns = f->columns;
    f->table.n_columns = COLUMNS;
}

static void expect_copy(struct fixture *f, const struct leat_read_plan *plan, bool bytes,
                        const char *want_sql, const char *want_shape)
{
    char *sql = NULL, *shape = NULL;
    struct leat_error err = {0};
    assert_int_equal(pg_build_copy(plan, &f->table, &f->table, bytes, &sql, &shape, &err), LEAT_OK);
    assert_string_equal(sql, want_sql);
    assert_string_equal(shape, want_shape);
    free(sql);
    free(shape);
}

static void types_without_codec_are_cast_and_bytes_are_not(void **state)
{
    (void)state;
    struct fixture f;
    const struct leat_read_plan plan = {.size = sizeof plan, .limit = -1};
    open_fixture(&f);
    expect_copy(
        &f, &plan, false,
        "COPY (SELECT q.\"a\", q.\"b\"::pg_catalog.text, q.\"c\"::pg_catalog.text[], q.\"d\" "
        "FROM \"public\".\"or\"\"ders\" AS q) TO STDOUT (FORMAT binary)",
        "COPY (SELECT 4 columns, 2 as text, FROM public.or\"ders) TO STDOUT (FORMAT binary)");
    expect_copy(
        &f, &plan, true,
        "COPY (SELECT q.\"a\", q.\"b\", q.\"c\", q.\"d\" FROM \"public\".\"or\"\"ders\" AS q) "
        "TO STDOUT (FORMAT binary)",
        "COPY (SELECT 4 columns FROM public.or\"ders) TO STDOUT (FORMAT binary)");
    lt_schema_done(&f.table.schema);
}

static void what_the_user_wrote_is_in_the_statement_and_not_in_its_shape(void **state)
{
    (void)state;
    struct fixture f;
    const char *order[] = {"a", "b"};
    struct leat_read_plan plan = {
        .size = sizeof plan, .limit = 7, .predicate = "d = 'secret'", .order = order, .n_order = 2};
    open_fixture(&f);
    expect_copy(
        &f, &plan, false,
        "COPY (SELECT q.\"a\", q.\"b\"::pg_catalog.text, q.\"c\"::pg_catalog.text[], q.\"d\" "
        "FROM \"public\".\"or\"\"ders\" AS q WHERE (d = 'secret'\n) ORDER BY q.\"a\", "
        "q.\"b\"::pg_catalog.text COLLATE pg_catalog.\"C\" LIMIT 7) TO STDOUT (FORMAT binary)",
        "COPY (SELECT 4 columns, 2 as text, FROM public.or\"ders WHERE (...) ORDER BY a, b "
        "LIMIT 7) TO STDOUT (FORMAT binary)");
    plan = (struct leat_read_plan){.size = sizeof plan, .limit = -1, .query = "SELECT 'secret'; "};
    expect_copy(&f, &plan, true,
                "COPY (SELECT q.\"a\", q.\"b\", q.\"c\", q.\"d\" FROM (SELECT 'secret'\n) AS q) TO "
                "STDOUT (FORMAT binary)",
                "COPY (SELECT 4 columns FROM (query)) TO STDOUT (FORMAT binary)");
    lt_schema_done(&f.table.schema);
}

static void column_wanted_as_text_is_cast_and_text_is_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    struct ArrowSchema types, field;
    const char *const names[] = {"b", "d"};
    open_fixture(&f);
    assert_int_equal(lt_schema_init_struct(&types, 0, NULL), LEAT_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lt_type_parse("utf8", &field, NULL), LEAT_OK);
        assert_int_equal(lt_schema_set_name(&field, names[i], NULL), LEAT_OK);
        assert_int_equal(lt_schema_add(&types, &field, NULL), LEAT_OK);
    }
    assert_int_equal(lt_schema_set_meta(f.table.schema.children[3], LT_META_KEY, "1", NULL),
                     LEAT_OK);
    assert_int_equal(pg_take_types(&f.table, &types, NULL), LEAT_OK);
    assert_int_equal(f.columns[3].wire, PG_WIRE_TEXT_CAST);
    assert_string_equal(f.table.schema.children[3]->format, "u");
    assert_true(lt_schema_meta_is(f.table.schema.children[3], LT_META_KEY, "1"));
    assert_true(
        lt_schema_meta_is(f.table.schema.children[1], LT_META_SOURCE_TYPE, "postgres:inet"));
    lt_schema_done(&types);
    lt_schema_done(&f.table.schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_without_codec_are_cast_and_bytes_are_not),
        cmocka_unit_test(what_the_user_wrote_is_in_the_statement_and_not_in_its_shape),
        cmocka_unit_test(column_wanted_as_text_is_cast_and_text_is_left_alone),
    };
    return cmocka_run_group_tests_name("pg_select", tests, NULL, NULL);
}
