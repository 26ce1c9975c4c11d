/* The dialect tables at work, with PostgreSQL's as the example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "sql/postgres.h"
#include "sql/sqlite.h"

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

static void text_that_stands_for_an_interval_makes_an_interval_column(void **state)
{
    (void)state;
    expect_type("utf8", "arrow:interval", "interval");
    expect_type("list<text(arrow:interval)>", "postgres:interval(2)[]", "interval(2)[]");
    expect_type("list<text(arrow:interval)>", "postgres:text[]", "interval[]");
    expect_type("list<utf8>", "postgres:interval(2)[]", "text[]");
    expect_type("utf8", "arrow:no such type", "text");
}

static void list_of_texts_that_stand_for_intervals_is_named_a_list_of_intervals(void **state)
{
    struct ArrowSchema field = {0};
    struct lt_buf out = LT_BUF_INIT;
    (void)state;
    assert_int_equal(lt_type_parse("list<text(arrow:interval)>", &field, NULL), LEAT_OK);
    assert_int_equal(lt_dialect_type(&lt_dialect_sqlite, &field, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "\"list<interval> TEXT\"");
    lt_buf_done(&out);
    field.release(&field);
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

/* A type goes out as `want` and comes back as it was. */
static void expect_canonical(const char *canonical, const char *want)
{
    struct ArrowSchema field, back = {.release = NULL};
    struct lt_buf out = LT_BUF_INIT, name = LT_BUF_INIT;
    assert_int_equal(lt_type_parse(canonical, &field, NULL), LEAT_OK);
    assert_int_equal(lt_dialect_type(&lt_dialect_sqlite, &field, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), want);
    assert_int_equal(lt_dialect_parse(&lt_dialect_sqlite, lt_buf_text(&out), &back, NULL), LEAT_OK);
    assert_int_equal(lt_type_print(&back, &name), LEAT_OK);
    assert_string_equal(lt_buf_text(&name), canonical);
    lt_schema_done(&field);
    lt_schema_done(&back);
    lt_buf_done(&out);
    lt_buf_done(&name);
}

static void type_that_no_row_brings_back_is_declared_by_its_canonical_name(void **state)
{
    (void)state;
    expect_canonical("int32", "INT32_INTEGER");
    expect_canonical("decimal(12,2)", "DECIMAL_TEXT(12,2)");
    expect_canonical("time(ns)", "\"time(ns) TEXT\"");
    expect_canonical("list<list<int64>>", "\"list<list<int64>> TEXT\"");
    expect_canonical("binary(3)", "\"binary(3) BLOB\"");
    expect_canonical("struct<\"a b\": int32>", "\"struct<\"\"a b\"\": int32> TEXT\"");
    /* "int" would make SQLite take the texts for numbers. */
    expect_canonical("text(postgres:hint)", "\"text(postgres:hi\\nt) TEXT\"");
    expect_canonical("text(x:a\\INT)", "\"text(x:a\\\\I\\NT) TEXT\"");
}

static void words_that_only_look_like_a_canonical_name_are_none(void **state)
{
    (void)state;
    static const char *const others[] = {
        "TEXT",       " TEXT",      "bigint TEXT",        "INT64 TEXT",
        "list< TEXT", "int64 text", "decimal(99,1) TEXT", "\"",
        "\\ TEXT"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct ArrowSchema field;
        assert_false(lt_dialect_canonical(&lt_dialect_sqlite, others[i], &field));
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
        cmocka_unit_test(text_that_stands_for_an_interval_makes_an_interval_column),
        cmocka_unit_test(list_of_texts_that_stand_for_intervals_is_named_a_list_of_intervals),
        cmocka_unit_test(source_type_that_is_more_than_a_type_never_reaches_the_statement),
        cmocka_unit_test(type_that_no_row_brings_back_is_declared_by_its_canonical_name),
        cmocka_unit_test(words_that_only_look_like_a_canonical_name_are_none),
        cmocka_unit_test(identifiers_and_literals_double_their_quotes),
        cmocka_unit_test(long_generated_name_is_cut_at_a_character_and_ends_in_its_hash),
        cmocka_unit_test(mismatch_lists_every_fault_at_once),
    };
    return cmocka_run_group_tests_name("dialect", tests, NULL, NULL);
}
