/* The dialect tables at work, with PostgreSQL's as the example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "sql/postgres.h"

/* The DDL type of a field of `canonical` type that says it comes from `source`. */
static void expect_type(const char *canonical, const char *source, const char *want)
{
    struct ArrowSchema field;
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(lt_type_parse(canonical, &field, NULL), LEAT_OK);
    assert_int_equal(lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, source, NULL), LEAT_OK);
    assert_int_equal(lt_dialect_type(&lt_dialect_postgres, &field, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), want);
    lt_buf_done(&out);
    lt_schema_done(&field);
}

static void own_source_type_wins_while_it_describes_the_storage(void **state)
{
    (void)state;
    expect_type("utf8", "postgres:character varying(20)", "character varying(20)");
    expect_type("timestamp", "postgres:timestamp(3) without time zone",
                "timestamp(3) without time zone");
    expect_type("list<decimal(10,2)>", "postgres:numeric(10,2)[]", "numeric(10,2)[]");
    expect_type("utf8", "postgres:\"My Type\".\"x\"\"y\"", "\"My Type\".\"x\"\"y\"");
    expect_type("int64", "postgres:integer", "bigint");
    expect_type("decimal(12,2)", "postgres:numeric(10,2)", "numeric(12,2)");
    expect_type("utf8", "sqlite:TEXT", "text");
}

static void source_type_that_is_more_than_a_type_never_reaches_the_statement(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "postgres:inet); drop table t; --",
        "postgres:inet default f()",
        "postgres:inet references secrets",
        "postgres:inet, x int",
        "postgres:\"open",
        "postgres:inet check (true)",
        "postgres:(1)",
        "postgres:",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        expect_type("utf8", hostile[i], "text");
    }
}

static void identifiers_and_literals_double_their_quotes(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(lt_dialect_quote_name(&lt_dialect_postgres, "a\"b", "c.d", &out), LEAT_OK);
    assert_int_equal(lt_dialect_literal(&lt_dialect_postgres, "it's", &out), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "\"a\"\"b\".\"c.d\"'it''s'");
    lt_buf_done(&out);
}

static void long_generated_name_is_cut_at_a_character_and_ends_in_its_hash(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    char name[101];
    for (size_t i = 0; i < 100; i += 2) {
        memcpy(name + i, "\xc3\xbc", 2);
    }
    name[100] = 0;
    assert_int_equal(lt_dialect_generated_name(&lt_dialect_postgres, "x", name, &out), LEAT_OK);
    assert_int_equal(out.len, 62); /* 63 would halve a character */
    assert_int_equal(out.data[53], '_');
    lt_buf_done(&out);
}

static void mismatch_lists_every_fault_at_once(void **state)
{
    (void)state;
    struct ArrowSchema in, table, matched;
    struct ArrowSchema *required;
    struct leat_error err = {0};
    assert_int_equal(lt_schema_init_struct(&in, 0, NULL), LEAT_OK);
    assert_int_equal(lt_schema_init_struct(&table, 0, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&in, "l", "a", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&in, "l", "b", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&table, "l", "c", 0, &required, NULL), LEAT_OK);
    assert_int_equal(lt_schema_set_meta(required, LT_META_REQUIRED, "1", NULL), LEAT_OK);
    assert_int_equal(lt_dialect_match(&in, &table, &matched, &err), LEAT_INVALID);
    assert_string_equal(err.code, "column-mismatch");
    assert_non_null(strstr(err.message, "\"a\""));
    assert_non_null(strstr(err.message, "\"b\""));
    assert_non_null(strstr(err.message, "\"c\""));
    lt_schema_done(&in);
    lt_schema_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_source_type_wins_while_it_describes_the_storage),
        cmocka_unit_test(source_type_that_is_more_than_a_type_never_reaches_the_statement),
        cmocka_unit_test(identifiers_and_literals_double_their_quotes),
        cmocka_unit_test(long_generated_name_is_cut_at_a_character_and_ends_in_its_hash),
        cmocka_unit_test(mismatch_lists_every_fault_at_once),
    };
    return cmocka_run_group_tests_name("dialect", tests, NULL, NULL);
}
