/* Defaults and indexes as metadata: what is read from an expression, and what is written of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "columnar/type.h"
#include "core/buf.h"
#include "core/util.h"
#include "sql/extras.h"
#include "sql/postgres.h"
#include "sql/sqlite.h"

#include <stdio.h>
#include <string.h>

static void count_left(void *arg, const char *what, const char *why)
{
    assert_true(*what && *why);
    ++*(int *)arg;
}

/* The default of a column of this type at a dialect, from the source's expression; "" for none. */
static void check(const struct lt_dialect *dialect, const char *type, const char *expression,
                  const char *wanted)
{
    struct ArrowSchema schema = {.release = NULL}, field = {.release = NULL};
    struct lt_buf out = LT_BUF_INIT;
    int left = 0;
    assert_int_equal(lt_schema_init_struct(&schema, 0, NULL), 0);
    assert_int_equal(lt_type_parse(type, &field, NULL), 0);
    assert_int_equal(lt_schema_set_name(&field, "c", NULL), 0);
    assert_int_equal(lt_default_set(&field, expression, "postgres:15", NULL), 0);
    assert_int_equal(lt_schema_add(&schema, &field, NULL), 0);
    const char *server = dialect == &lt_dialect_postgres ? "postgres:15" : NULL;
    assert_int_equal(lt_defaults_fit(dialect, &schema, server, count_left, &left, NULL), 0);
    assert_int_equal(lt_default_put(dialect, schema.children[0], &out), 0);
    if (strcmp(lt_buf_text(&out), wanted) != 0) {
        print_message("%s DEFAULT %s for %s: \"%s\"\n", type, expression, dialect->name,
                      lt_buf_text(&out));
    }
    assert_string_equal(lt_buf_text(&out), wanted);
    lt_buf_done(&out);
    lt_schema_done(&field);
    lt_schema_done(&schema);
}

static void defaults_are_said_in_the_words_of_each_dialect(void **state)
{
    (void)state;
    static const struct {
        const char *type, *expression, *postgres, *sqlite;
    } cases[] = {
        {"int32", "5", " DEFAULT 5", " DEFAULT 5"},
        {"int32", "'-7'::integer", " DEFAULT -7", " DEFAULT -7"},
        {"int64", "(-7)::bigint", " DEFAULT -7", " DEFAULT -7"},
        {"float64", "1.5e3", " DEFAULT 1.5e3", " DEFAULT 1.5e3"},
        {"decimal(10,2)", "1.50", " DEFAULT '1.50'", " DEFAULT '1.50'"},
        {"utf8", "'it''s'::text", " DEFAULT 'it''s'", " DEFAULT 'it''s'"},
        {"utf8", "('x')", " DEFAULT 'x'", " DEFAULT 'x'"},
        {"utf8", "E'a\\\\b'::text", " DEFAULT 'a\\b'", " DEFAULT 'a\\b'"},
        {"utf8", "'a'::character varying(10)", " DEFAULT 'a'", " DEFAULT 'a'"},
        {"utf8", "''::text", " DEFAULT ''", " DEFAULT ''"},
        {"utf8", "NULL::character varying", "", ""},
        {"utf8", "CURRENT_TIMESTAMP", "", ""}, /* its text would be another one */
        {"utf8", "upper('a'::text)", " DEFAULT (upper('a'::text))", ""},
        {"utf8", "'a'::text || 'b'::text", " DEFAULT ('a'::text || 'b'::text)", ""},
        {"bool", "true", " DEFAULT true", " DEFAULT 1"},
        {"bool", "0", " DEFAULT false", " DEFAULT 0"},
        {"int32", "TRUE", " DEFAULT 1", " DEFAULT 1"},
        {"int32", "'abc'", "", ""},
        {"date", "'2020-01-01'::date", " DEFAULT '2020-01-01'", " DEFAULT '2020-01-01'"},
        {"date", "'infinity'::date", "", ""},
        {"date", "CURRENT_DATE", " DEFAULT CURRENT_DATE", " DEFAULT CURRENT_DATE"},
        {"timestamp", "now()", " DEFAULT now()", " DEFAULT CURRENT_TIMESTAMP"},
        {"timestamptz", "(now())", " DEFAULT now()",
         " DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"},
        {"timestamptz", "'2020-01-01 00:00:00+00'::timestamp with time zone",
         " DEFAULT '2020-01-01 00:00:00+00'", ""},
        {"uuid", "gen_random_uuid()", " DEFAULT gen_random_uuid()", ""},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(cases); i++) {
        check(&lt_dialect_postgres, cases[i].type, cases[i].expression, cases[i].postgres);
        check(&lt_dialect_sqlite, cases[i].type, cases[i].expression, cases[i].sqlite);
    }
}

static void texts_that_are_no_expression_harm_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "(",  ")",  "'",   "E'",   "E'a\\",
                                        "''''", "(-", "(5", "5::", "::",   "(((((",
                                        "'a':", "-",  "1e", "()",  "'a'b", "e'\\x41'"};
    for (size_t i = 0; i < LT_ARRAY_LEN(texts); i++) {
        struct ArrowSchema field = {.release = NULL};
        assert_int_equal(lt_type_parse("utf8", &field, NULL), 0);
        assert_int_equal(lt_default_set(&field, texts[i], NULL, NULL), 0);
        lt_schema_done(&field);
    }
}

/* What metadata of a file may say must not reach a statement but as names. */
static void indexes_take_no_text_of_others(void **state)
{
    (void)state;
    static const char list[] =
        "[{\"name\":\"a\",\"columns\":[{\"expr\":\"evil()\"}],\"server\":\"postgres:15\"},"
        "{\"name\":\"b\",\"method\":\"btree; DROP TABLE x\",\"columns\":[{\"name\":\"c\"}]},"
        "{\"name\":\"d\",\"columns\":[{\"name\":\"c\",\"collation\":\"C\\\"; DROP\"}]},"
        "{\"name\":\"e\",\"columns\":[{\"name\":\"c\",\"opclass\":\"x\"}],\"server\":\"postgres:"
        "15\"},"
        "{\"name\":\"f\",\"columns\":[{\"name\":\"none\"}]},"
        "{\"name\":\"g\",\"columns\":[]},{\"name\":\"h\"},7,"
        "{\"name\":\"i\",\"columns\":[{\"name\":\"c\"}],\"where\":\"evil()\",\"server\":\"postgres:"
        "15\"},"
        "{\"name\":\"j\",\"unique\":true,\"columns\":[{\"name\":\"c\",\"desc\":true,\"nulls\":"
        "\"last\"}]}]";
    struct ArrowSchema schema = {.release = NULL}, field = {.release = NULL};
    struct lt_indexes indexes = {.n = 0};
    int left = 0;
    assert_int_equal(lt_schema_init_struct(&schema, 0, NULL), 0);
    assert_int_equal(lt_type_parse("utf8", &field, NULL), 0);
    assert_int_equal(lt_schema_set_name(&field, "c", NULL), 0);
    assert_int_equal(lt_schema_add(&schema, &field, NULL), 0);
    assert_int_equal(lt_schema_set_meta(&schema, LT_META_INDEXES, list, NULL), 0);
    assert_int_equal(lt_schema_set_meta(&schema, LT_META_CHECKS,
                                        "[{\"name\":\"k\",\"expr\":\"evil()\","
                                        "\"server\":\"postgres:15\"}]",
                                        NULL),
                     0);
    assert_int_equal(
        lt_indexes_read(&lt_dialect_postgres, &schema, NULL, count_left, &left, &indexes, NULL), 0);
    assert_int_equal(indexes.n, 1);
    assert_string_equal(indexes.items[0].name, "j");
    assert_string_equal(indexes.items[0].body, " USING btree (\"c\" DESC NULLS LAST)");
    assert_int_equal(left, 10);
    lt_indexes_done(&indexes);
    lt_schema_done(&field);
    lt_schema_done(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_said_in_the_words_of_each_dialect),
        cmocka_unit_test(texts_that_are_no_expression_harm_nobody),
        cmocka_unit_test(indexes_take_no_text_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
