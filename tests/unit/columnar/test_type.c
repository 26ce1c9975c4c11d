/* Types: formats, names, and back. */
#include "columnar_test.h"

static const char *const names[] = {
    "null",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "decimal32(9,2)",
    "decimal64(18,0)",
    "decimal(12,2)",
    "decimal(38,-3)",
    "decimal(76,10)",
    "decimal256(20,2)",
    "numeric",
    "utf8",
    "large_utf8",
    "utf8_view",
    "binary",
    "large_binary",
    "binary_view",
    "binary(16)",
    "json",
    "uuid",
    "date",
    "date64",
    "time",
    "time(s)",
    "time(ms)",
    "time(ns)",
    "timestamp",
    "timestamp(s)",
    "timestamp(ms)",
    "timestamp(ns)",
    "timestamptz",
    "timestamptz(s)",
    "timestamptz(ms)",
    "timestamptz(ns)",
    "duration",
    "duration(s)",
    "duration(ms)",
    "duration(ns)",
    "interval",
    "interval_months",
    "interval_day_time",
    "list<int64>",
    "large_list<utf8>",
    "fixed_list<list<bool>, 3>",
    "struct<>",
    "struct<a: int8, \"b \"\"c\": list<uuid>, \"\": json>",
    "map<utf8, decimal(5,1)>",
    "list<struct<x: map<int32, list<date>>>>",
    "text(postgres:inet)",
    "text(postgres:numeric(10,2))",
    "text(\"odd )( one\")",
    "binary(postgres:geometry)",
    "binary(\"12\")",
};

static void name_of_every_type_reads_back_to_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ArrowSchema field;
        struct leat_error err = {0};
        struct lt_buf out = LT_BUF_INIT;
        if (lt_type_parse(names[i], &field, &err)) {
            fail_msg("%s: %s", names[i], err.message);
        }
        assert_string_equal(field.name, "");
        assert_int_equal(field.flags, ARROW_FLAG_NULLABLE);
        assert_int_equal(lt_type_print(&field, &out), LEAT_OK);
        assert_string_equal(lt_buf_text(&out), names[i]);
        lt_buf_done(&out);
        field.release(&field);
        assert_null(field.release);
    }
}

static void alias_stands_for_its_type(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"INT", "int32"},
        {"integer", "int32"},
        {"bigint", "int64"},
        {"smallint", "int16"},
        {"float", "float64"},
        {"double", "float64"},
        {"real", "float32"},
        {"Text", "utf8"},
        {"string", "utf8"},
        {"varchar", "utf8"},
        {"bytes", "binary"},
        {"boolean", "bool"},
        {"decimal", "numeric"},
        {"datetime", "timestamp"},
        {"decimal(10)", "decimal(10,0)"},
        {" numeric ( 10 , 2 ) ", "decimal(10,2)"},
        {"timestamp(us)", "timestamp"},
        {"list< int >", "list<int32>"},
        {"text( mysql:set('a') )", "text(mysql:set('a'))"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct ArrowSchema field;
        struct leat_error err = {0};
        struct lt_buf out = LT_BUF_INIT;
        if (lt_type_parse(pairs[i][0], &field, &err)) {
            fail_msg("%s: %s", pairs[i][0], err.message);
        }
        assert_int_equal(lt_type_print(&field, &out), LEAT_OK);
        assert_string_equal(lt_buf_text(&out), pairs[i][1]);
        lt_buf_done(&out);
        field.release(&field);
    }
}

static void text_that_is_no_type_is_refused_and_nothing_leaks(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "integr",
        "list",
        "list<",
        "list<int",
        "list<int>>",
        "map<int>",
        "map<int,>",
        "struct<a>",
        "struct<a:>",
        "struct<a: int",
        "struct<\"a: int>",
        "decimal(",
        "decimal()",
        "decimal(0,0)",
        "decimal(77,0)",
        "decimal(10,99)",
        "decimal32(10,0)",
        "decimal512(3,1)",
        "binary(-1)",
        "binary()",
        "text()",
        "text(x",
        "time(ps)",
        "date(s)",
        "int(4)",
        "fixed_list<int>",
        "fixed_list<int, -1>",
        "fixed_list<int, 99999999999>",
        "int32 int32",
        "decimal(99999999999,1)",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "utf8<int>",
        "list(int)",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ArrowSchema field = {0};
        struct leat_error err = {0};
        if (lt_type_parse(wrong[i], &field, &err) != LEAT_INVALID) {
            fail_msg("\"%s\" was taken", wrong[i]);
        }
        assert_true(err.message[0] != 0);
        assert_null(field.release);
    }
}

static void misspelt_type_gets_the_closest_name_and_its_place(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct leat_error err = {0};
    assert_int_equal(lt_type_parse("list<timestmp>", &field, &err), LEAT_INVALID);
    assert_non_null(strstr(err.message, "character 6"));
    assert_non_null(strstr(err.remedy, "timestamp"));
}

static void deep_nesting_is_refused_before_the_stack_ends(void **state)
{
    (void)state;
    struct lt_buf text = LT_BUF_INIT;
    struct ArrowSchema field;
    struct leat_error err = {0};
    for (int i = 0; i < 100000; i++) {
        lt_buf_puts(&text, "list<");
    }
    assert_int_equal(lt_type_parse(lt_buf_text(&text), &field, &err), LEAT_INVALID);
    assert_non_null(strstr(err.message, "deeper"));
    lt_buf_done(&text);
}

static void assert_format(const char *format, int status)
{
    struct ArrowSchema field = {.format = format};
    struct lt_type type;
    struct leat_error err = {0};
    int got = lt_type_of(&field, &type, &err);
    if (got != status) {
        fail_msg("format \"%s\": %d, not %d", format, got, status);
    }
}

static void unions_run_ends_and_list_views_are_refused_by_name(void **state)
{
    (void)state;
    struct ArrowSchema field = {.format = "+ud:0,1"};
    struct lt_type type;
    struct leat_error err = {0};
    assert_int_equal(lt_type_of(&field, &type, &err), LEAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "unions"));
    assert_format("+us:0", LEAT_UNSUPPORTED);
    assert_format("+r", LEAT_UNSUPPORTED);
    assert_format("+vl", LEAT_UNSUPPORTED);
    assert_format("+vL", LEAT_UNSUPPORTED);
}

static void malformed_format_is_bad_data(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",       "q",       "ii",        "d",          "d:",   "d:5",     "d:5,", "d:0,0",
        "d:39,0", "d:5,2,7", "d:10,0,32", "d:5,2,128x", "w:",   "w:-1",    "w:1x", "w:99999999999",
        "+w:",    "+l",      "+L",        "+m",         "+w:2", "ts",      "tsx:", "tsu",
        "ttx",    "tdd",     "tD",        "+x",         "vx",   "d:5,-99",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_format(wrong[i], LEAT_BAD_DATA);
    }
    assert_int_equal(lt_type_of(&(struct ArrowSchema){0}, &(struct lt_type){0}, NULL),
                     LEAT_BAD_DATA);
}

static void zone_unit_and_width_are_read_from_the_format(void **state)
{
    (void)state;
    struct lt_type type;
    struct ArrowSchema field = {.format = "tsn:Europe/Berlin", .flags = ARROW_FLAG_NULLABLE};
    assert_int_equal(lt_type_of(&field, &type, NULL), LEAT_OK);
    assert_int_equal(type.id, LT_TIMESTAMP);
    assert_int_equal(type.unit, LT_NANO);
    assert_int_equal(type.width, 8);
    assert_true(type.nullable);
    assert_string_equal(type.zone, "Europe/Berlin");
    field = (struct ArrowSchema){.format = "d:20,-3,256"};
    assert_int_equal(lt_type_of(&field, &type, NULL), LEAT_OK);
    assert_int_equal(type.id, LT_DECIMAL256);
    assert_int_equal(type.precision, 20);
    assert_int_equal(type.scale, -3);
    assert_int_equal(type.width, 32);
    assert_false(type.nullable);
    field = (struct ArrowSchema){.format = "tts"};
    assert_int_equal(lt_type_of(&field, &type, NULL), LEAT_OK);
    assert_int_equal(type.width, 4);
}

static void meaning_counts_only_over_fitting_storage(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct lt_type type;
    struct leat_error err = {0};
    assert_int_equal(lt_schema_init(&field, "i", "", &err), LEAT_OK);
    lt_schema_set_meta(&field, LT_META_EXTENSION, "arrow.json", &err);
    lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, "postgres:int4", &err);
    assert_int_equal(lt_type_of(&field, &type, &err), LEAT_OK);
    assert_int_equal(type.logical, LT_PLAIN);
    lt_schema_set_format(&field, "U", &err);
    assert_int_equal(lt_type_of(&field, &type, &err), LEAT_OK);
    assert_int_equal(type.logical, LT_JSON);
    lt_schema_set_meta(&field, LT_META_EXTENSION, NULL, &err);
    assert_int_equal(lt_type_of(&field, &type, &err), LEAT_OK);
    assert_int_equal(type.logical, LT_FOREIGN);
    lt_schema_set_meta(&field, LT_META_EXTENSION, "arrow.uuid", &err);
    lt_schema_set_format(&field, "w:15", &err);
    assert_int_equal(lt_type_of(&field, &type, &err), LEAT_OK);
    assert_int_equal(type.logical, LT_PLAIN);
    lt_schema_done(&field);
}

static void dictionary_has_the_name_of_its_values(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_type type;
    struct lt_buf out = LT_BUF_INIT;
    test_dictionary(&field, &array);
    assert_int_equal(lt_type_of(&field, &type, NULL), LEAT_OK);
    assert_int_equal(type.id, LT_DICTIONARY);
    assert_int_equal(type.width, 1);
    assert_int_equal(lt_type_print(&field, &out), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "utf8");
    assert_int_equal(lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, "pg:mood", NULL), LEAT_OK);
    lt_buf_clear(&out);
    assert_int_equal(lt_type_print(&field, &out), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "text(pg:mood)");
    lt_schema_set_format(&field, "g", NULL);
    assert_int_equal(lt_type_of(&field, &type, NULL), LEAT_BAD_DATA);
    lt_buf_done(&out);
    lt_schema_done(&field);
    lt_array_done(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_of_every_type_reads_back_to_itself),
        cmocka_unit_test(alias_stands_for_its_type),
        cmocka_unit_test(text_that_is_no_type_is_refused_and_nothing_leaks),
        cmocka_unit_test(misspelt_type_gets_the_closest_name_and_its_place),
        cmocka_unit_test(deep_nesting_is_refused_before_the_stack_ends),
        cmocka_unit_test(unions_run_ends_and_list_views_are_refused_by_name),
        cmocka_unit_test(malformed_format_is_bad_data),
        cmocka_unit_test(zone_unit_and_width_are_read_from_the_format),
        cmocka_unit_test(meaning_counts_only_over_fitting_storage),
        cmocka_unit_test(dictionary_has_the_name_of_its_values),
    };
    return cmocka_run_group_tests_name("type", tests, NULL, NULL);
}
