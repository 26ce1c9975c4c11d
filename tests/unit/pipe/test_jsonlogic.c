/* JsonLogic as its own documentation and tests have it (jsonlogic.com), over a record. */
#include "pipe/halfpipe/jsonlogic.h"

#include "columnar/type.h"
#include "core/json.h"
#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ArrowSchema schema;
static struct ArrowArray batch;
static struct lt_view record;

/* One record: {s: "new", n: 7, e: "", nul: null, "a.b": 3, yes: true, no: false, x: 1.5, z: 0}. */
static int make_record(void **state)
{
    struct lt_builder builder;
    (void)state;
    if (lt_type_parse("struct<s: utf8, n: int64, e: utf8, nul: utf8, \"a.b\": int64, yes: bool, "
                      "no: bool, x: float64, z: int64>",
                      &schema, NULL) ||
        lt_builder_init(&builder, &schema, NULL)) {
        return -1;
    }
    struct lt_builder *c = builder.children;
    int rc = lt_builder_bytes_value(&c[0], "new", 3) | lt_builder_integer(&c[1], 7) |
             lt_builder_bytes_value(&c[2], "", 0) | lt_builder_null(&c[3]) |
             lt_builder_integer(&c[4], 3) | lt_builder_bool(&c[5], true) |
             lt_builder_bool(&c[6], false) | lt_builder_f64(&c[7], 1.5) |
             lt_builder_integer(&c[8], 0) | lt_builder_nested(&builder);
    rc = rc ? rc : lt_builder_finish(&builder, &batch, NULL);
    rc = rc ? rc : lt_view_init(&record, &schema, &batch, NULL);
    lt_builder_done(&builder);
    return rc;
}

static int free_record(void **state)
{
    (void)state;
    lt_view_done(&record);
    lt_array_done(&batch);
    lt_schema_done(&schema);
    return 0;
}

static int keep(void *arg, int64_t row, enum hp_logic_kind kind, const char *text, size_t len)
{
    (void)row;
    return kind == HP_LOGIC_TEXT ? lt_json_quote(arg, text, len) : lt_buf_append(arg, text, len);
}

struct rule {
    const char *rule, *wanted; /* as JSON */
};

static void check(const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct hp_logic *logic = NULL;
        struct lt_buf out = LT_BUF_INIT;
        struct leat_error err = {0};
        if (hp_logic_new(rules[i].rule, &logic, &err) ||
            hp_logic_run(logic, &record, keep, &out, &err)) {
            fail_msg("%s: %s", rules[i].rule, err.message);
        }
        if (strcmp(lt_buf_text(&out), rules[i].wanted) != 0) {
            fail_msg("%s: %s, not %s", rules[i].rule, lt_buf_text(&out), rules[i].wanted);
        }
        lt_buf_done(&out);
        hp_logic_free(logic);
    }
}

#define CHECK(rules) check(rules, LT_ARRAY_LEN(rules))

static void empty_lists_and_texts_are_false_and_the_text_of_zero_is_true(void **state)
{
    static const struct rule rules[] = {{"{\"!!\": [[]]}", "false"},
                                        {"{\"!!\": [[0]]}", "true"},
                                        {"{\"!!\": [\"\"]}", "false"},
                                        {"{\"!!\": [\"0\"]}", "true"},
                                        {"{\"!!\": [\"false\"]}", "true"},
                                        {"{\"!!\": [0]}", "false"},
                                        {"{\"!!\": [-1]}", "true"},
                                        {"{\"!!\": [null]}", "false"},
                                        {"{\"!\": [[]]}", "true"},
                                        {"{\"!\": true}", "false"},
                                        {"{\"!!\": {\"var\": \"e\"}}", "false"},
                                        {"{\"!!\": {\"var\": \"nul\"}}", "false"},
                                        {"{\"!!\": {\"var\": \"z\"}}", "false"},
                                        {"{\"!!\": {\"var\": \"yes\"}}", "true"}};
    (void)state;
    CHECK(rules);
}

static void and_or_and_if_give_the_value_that_decides(void **state)
{
    static const struct rule rules[] = {{"{\"and\": [1, 3]}", "3"},
                                        {"{\"and\": [\"a\", 0, 3]}", "0"},
                                        {"{\"and\": [[], 3]}", "[]"},
                                        {"{\"or\": [0, \"\", []]}", "[]"},
                                        {"{\"or\": [0, \"0\", 1]}", "\"0\""},
                                        {"{\"if\": []}", "null"},
                                        {"{\"if\": [\"only\"]}", "\"only\""},
                                        {"{\"if\": [false, \"a\"]}", "null"},
                                        {"{\"if\": [[], \"a\", \"b\"]}", "\"b\""},
                                        {"{\"if\": [false, 1, false, 2, true, 3, 4]}", "3"},
                                        {"{\"?:\": [{\"var\": \"no\"}, 1, 2]}", "2"}};
    (void)state;
    CHECK(rules);
}

static void var_takes_a_default_where_there_is_no_value(void **state)
{
    static const struct rule rules[] = {
        {"{\"var\": \"s\"}", "\"new\""},
        {"{\"var\": [\"n\"]}", "7"},
        {"{\"var\": [\"gone\", 26]}", "26"},
        {"{\"var\": \"gone\"}", "null"},
        {"{\"var\": [\"nul\", \"d\"]}", "\"d\""},
        {"{\"var\": [\"e\", \"d\"]}", "\"\""}, /* empty is a value */
        {"{\"var\": [\"z\", 9]}", "0"},
        {"{\"var\": \"a.b\"}", "3"}, /* a column may be called so */
        {"{\"var\": [\"a.c\", \"none\"]}", "\"none\""},
        {"{\"var\": {\"if\": [true, \"x\", \"n\"]}}", "1.5"}};
    (void)state;
    CHECK(rules);
}

static void missing_names_what_has_no_value(void **state)
{
    static const struct rule rules[] = {
        {"{\"missing\": []}", "[]"},
        {"{\"missing\": \"gone\"}", "[\"gone\"]"},
        {"{\"missing\": [\"s\", \"gone\", \"nul\", \"e\", \"z\", \"no\"]}",
         "[\"gone\",\"nul\",\"e\"]"}, /* zero and false are there */
        {"{\"missing\": [[\"s\", \"gone\"]]}", "[\"gone\"]"},
        {"{\"missing\": {\"merge\": [\"gone\", [\"n\", \"far\"]]}}", "[\"gone\",\"far\"]"},
        {"{\"if\": [{\"missing\": [\"s\"]}, \"ask\", \"go\"]}", "\"go\""},
        {"{\"missing_some\": [1, [\"s\", \"gone\"]]}", "[]"},
        {"{\"missing_some\": [2, [\"s\", \"gone\", \"far\"]]}", "[\"gone\",\"far\"]"},
        {"{\"missing_some\": [0, [\"gone\"]]}", "[]"}};
    (void)state;
    CHECK(rules);
}

static void all_some_and_none_of_nothing_are_false_false_and_true(void **state)
{
    static const struct rule rules[] = {
        {"{\"all\": [[], {\">\": [{\"var\": \"\"}, 0]}]}", "false"},
        {"{\"some\": [[], true]}", "false"},
        {"{\"none\": [[], true]}", "true"},
        {"{\"none\": [{\"var\": \"gone\"}, true]}", "true"},
        {"{\"all\": [[1, 2], {\">\": [{\"var\": \"\"}, 0]}]}", "true"},
        {"{\"all\": [[1, -2], {\">\": [{\"var\": \"\"}, 0]}]}", "false"},
        {"{\"some\": [[-1, 2], {\">\": [{\"var\": \"\"}, 0]}]}", "true"},
        {"{\"none\": [[-1, -2], {\">\": [{\"var\": \"\"}, 0]}]}", "true"}};
    (void)state;
    CHECK(rules);
}

static void lists_are_mapped_filtered_merged_and_reduced(void **state)
{
    static const struct rule rules[] = {
        {"{\"map\": [[1, 2], {\"*\": [{\"var\": \"\"}, 2]}]}", "[2,4]"},
        {"{\"map\": [null, 1]}", "[]"},
        {"{\"filter\": [[1, 2, 3], {\"%\": [{\"var\": \"\"}, 2]}]}", "[1,3]"},
        {"{\"reduce\": [[1, 2, 3], {\"+\": [{\"var\": \"current\"}, {\"var\": \"accumulator\"}]}, "
         "0]}",
         "6"},
        {"{\"reduce\": [[], {\"var\": \"current\"}, \"start\"]}", "\"start\""},
        {"{\"reduce\": [null, {\"var\": \"current\"}, 4]}", "4"},
        {"{\"merge\": [1, [2, [3]], []]}", "[1,2,[3]]"},
        {"{\"map\": [[[1, 2], [3, 4]], {\"var\": 1}]}", "[2,4]"},
        {"{\"in\": [2, [1, 2]]}", "true"},
        {"{\"in\": [\"2\", [1, 2]]}", "false"},
        {"{\"in\": [\"ew\", {\"var\": \"s\"}]}", "true"}};
    (void)state;
    CHECK(rules);
}

static void values_of_two_types_compare_as_in_javascript(void **state)
{
    static const struct rule rules[] = {
        {"{\"==\": [1, \"1\"]}", "true"},    {"{\"===\": [1, \"1\"]}", "false"},
        {"{\"==\": [0, false]}", "true"},    {"{\"==\": [0, \"\"]}", "true"},
        {"{\"==\": [null, 0]}", "false"},    {"{\"==\": [null, false]}", "false"},
        {"{\"==\": [null, null]}", "true"},  {"{\"===\": [null, null]}", "true"},
        {"{\"!=\": [1, \"2\"]}", "true"},    {"{\"!==\": [1, \"1\"]}", "true"},
        {"{\"==\": [true, \"1\"]}", "true"}, {"{\"==\": [true, \"true\"]}", "false"},
        {"{\"<\": [\"10\", 9]}", "false"},   {"{\"<\": [\"10\", \"9\"]}", "true"},
        {"{\"<\": [null, 1]}", "true"},      {"{\">=\": [null, 0]}", "true"},
        {"{\">\": [\"a\", 1]}", "false"},    {"{\"<\": [\"a\", 1]}", "false"},
        {"{\"<\": [1, 2, 3]}", "true"},      {"{\"<\": [1, 4, 3]}", "false"},
        {"{\"<=\": [1, 1, 3]}", "true"},     {"{\"==\": [\"inf\", 1]}", "false"},
        {"{\">\": [\"inf\", 5]}", "false"},  {"{\">\": [\"Infinity\", 5]}", "true"},
        {"{\"<\": [\"nan\", 5]}", "false"},  {"{\"==\": [\" 7 \", {\"var\": \"n\"}]}", "true"}};
    (void)state;
    CHECK(rules);
}

static void numbers_and_texts_are_made_of_each_other(void **state)
{
    static const struct rule rules[] = {
        {"{\"+\": [\"3.5\", 1]}", "4.5"},
        {"{\"+\": \"3\"}", "3"},
        {"{\"-\": [2]}", "-2"},
        {"{\"-\": [5, 2]}", "3"},
        {"{\"/\": [1, 0]}", "null"},
        {"{\"%\": [-7, 3]}", "-1"},
        {"{\"max\": [1, \"30\", 4]}", "30"},
        {"{\"min\": []}", "null"},
        {"{\"cat\": [\"a\", 1, null, true, 1.5]}", "\"a1true1.5\""},
        {"{\"cat\": [[1, [2, 3]]]}", "\"1,2,3\""},
        {"{\"substr\": [\"jsonlogic\", 4]}", "\"logic\""},
        {"{\"substr\": [\"jsonlogic\", -5]}", "\"logic\""},
        {"{\"substr\": [\"jsonlogic\", 1, 3]}", "\"son\""},
        {"{\"substr\": [\"jsonlogic\", 4, -2]}", "\"log\""},
        {"{\"substr\": [\"\\u00e4\\u00f6\\u00fc\", 1, 1]}", "\"\xc3\xb6\""},
        {"{\"substr\": [\"abc\", 5]}", "\"\""}};
    (void)state;
    CHECK(rules);
}

static void rules_that_are_none_are_refused(void **state)
{
    static const char *const rules[] = {"{\"no_such\": [1]}", "{\"if\": [{\"hm\": 1}]}",
                                        "{\"==\": [1, 2], \"!=\": [1]}", "{", "{\"+\": [1, ]"};
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(rules); i++) {
        struct hp_logic *logic = NULL;
        struct leat_error err = {0};
        assert_int_equal(hp_logic_new(rules[i], &logic, &err), LEAT_INVALID);
        assert_null(logic);
        assert_true(err.message[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_lists_and_texts_are_false_and_the_text_of_zero_is_true),
        cmocka_unit_test(and_or_and_if_give_the_value_that_decides),
        cmocka_unit_test(var_takes_a_default_where_there_is_no_value),
        cmocka_unit_test(missing_names_what_has_no_value),
        cmocka_unit_test(all_some_and_none_of_nothing_are_false_false_and_true),
        cmocka_unit_test(lists_are_mapped_filtered_merged_and_reduced),
        cmocka_unit_test(values_of_two_types_compare_as_in_javascript),
        cmocka_unit_test(numbers_and_texts_are_made_of_each_other),
        cmocka_unit_test(rules_that_are_none_are_refused),
    };
    return cmocka_run_group_tests_name("jsonlogic", tests, make_record, free_record);
}
