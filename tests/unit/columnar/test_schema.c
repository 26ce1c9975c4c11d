/* Schemas: metadata, copies, comparing, checking. */
#include "columnar_test.h"

static int collect(void *arg, const char *key, size_t key_len, const char *value, size_t value_len)
{
    return lt_buf_printf(arg, "%.*s=%.*s;", (int)key_len, key, (int)value_len, value);
}

static void assert_meta(const struct ArrowSchema *schema, const char *want)
{
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(lt_schema_meta_each(schema, collect, &out), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), want);
    lt_buf_done(&out);
}

static void metadata_is_set_replaced_in_place_and_removed(void **state)
{
    (void)state;
    struct ArrowSchema field;
    char text[4];
    size_t len;
    assert_int_equal(lt_schema_init(&field, "u", NULL, NULL), LEAT_OK);
    assert_string_equal(field.name, "");
    assert_null(lt_schema_meta(&field, "a", &len));
    assert_meta(&field, "");
    lt_schema_set_meta(&field, "a", "1", NULL);
    lt_schema_set_meta(&field, "b", "", NULL);
    lt_schema_set_meta(&field, "c", "three", NULL);
    assert_meta(&field, "a=1;b=;c=three;");
    lt_schema_set_meta(&field, "a", "longer", NULL);
    assert_meta(&field, "a=longer;b=;c=three;");
    assert_true(lt_schema_meta_is(&field, "c", "three"));
    assert_false(lt_schema_meta_is(&field, "c", "thre"));
    assert_true(lt_schema_meta_is(&field, "b", ""));
    assert_false(lt_schema_meta_is(&field, "d", ""));
    assert_true(lt_schema_meta_text(&field, "c", text, sizeof text));
    assert_string_equal(text, "thr");
    assert_false(lt_schema_meta_text(&field, "x", text, sizeof text));
    lt_schema_set_meta(&field, "b", NULL, NULL);
    lt_schema_set_meta(&field, "never there", NULL, NULL);
    assert_meta(&field, "a=longer;c=three;");
    lt_schema_set_meta(&field, "a", NULL, NULL);
    lt_schema_set_meta(&field, "c", NULL, NULL);
    assert_null(field.metadata);
    lt_schema_done(&field);
    lt_schema_done(&field);
    lt_schema_done(NULL);
}

static void struct_of_n_begins_with_null_columns_to_be_replaced(void **state)
{
    (void)state;
    struct ArrowSchema schema, field, *added;
    assert_int_equal(lt_schema_init_struct(&schema, 2, NULL), LEAT_OK);
    assert_string_equal(schema.children[1]->format, "n");
    assert_int_equal(schema.children[1]->flags, ARROW_FLAG_NULLABLE);
    lt_schema_set_name(schema.children[0], "id", NULL);
    lt_schema_set_format(schema.children[0], "l", NULL);
    assert_int_equal(lt_schema_init(&field, "g", "x", NULL), LEAT_OK);
    assert_int_equal(lt_schema_add(&schema, &field, NULL), LEAT_OK);
    assert_null(field.release);
    assert_int_equal(lt_schema_add_field(&schema, "u", "name", 0, &added, NULL), LEAT_OK);
    assert_int_equal(added->flags, 0);
    assert_int_equal(lt_schema_find(&schema, "id"), 0);
    assert_int_equal(lt_schema_find(&schema, "name"), 3);
    assert_int_equal(lt_schema_find(&schema, "Name"), -1);
    assert_int_equal(lt_schema_check(&schema, NULL), LEAT_OK);
    lt_schema_move(&schema, &field);
    assert_null(schema.release);
    lt_schema_done(&field);
}

static void copy_has_all_of_a_nested_schema_and_lives_alone(void **state)
{
    (void)state;
    struct ArrowSchema schema, copy, values, *mood;
    struct lt_buf a = LT_BUF_INIT, b = LT_BUF_INIT;
    assert_int_equal(lt_type_parse(TEST_TYPES, &schema, NULL), LEAT_OK);
    lt_schema_set_meta(schema.children[8]->children[0], LT_META_COMMENT, "deep", NULL);
    lt_schema_add_field(&schema, "c", "mood", 0, &mood, NULL);
    lt_schema_init(&values, "u", "", NULL);
    lt_schema_set_dictionary(mood, &values, NULL);
    assert_int_equal(lt_schema_copy(&schema, &copy, NULL), LEAT_OK);
    assert_true(lt_schema_same(&schema, &copy, true));
    lt_type_print(&schema, &a);
    lt_schema_done(&schema);
    lt_type_print(&copy, &b);
    assert_string_equal(lt_buf_text(&a), lt_buf_text(&b));
    assert_true(lt_schema_meta_is(copy.children[8]->children[0], LT_META_COMMENT, "deep"));
    assert_non_null(copy.children[copy.n_children - 1]->dictionary);
    lt_schema_done(&copy);
    lt_buf_done(&a);
    lt_buf_done(&b);
}

static bool same(const char *a, const char *b, bool names)
{
    struct ArrowSchema a_field, b_field;
    assert_int_equal(lt_type_parse(a, &a_field, NULL), LEAT_OK);
    assert_int_equal(lt_type_parse(b, &b_field, NULL), LEAT_OK);
    bool result = lt_schema_same(&a_field, &b_field, names);
    lt_schema_done(&a_field);
    lt_schema_done(&b_field);
    return result;
}

static void same_compares_types_and_on_demand_names(void **state)
{
    (void)state;
    assert_true(same("struct<a: int, b: json>", "struct<a: int32, b: json>", true));
    assert_false(same("struct<a: int>", "struct<b: int>", true));
    assert_true(same("struct<a: int>", "struct<b: int>", false));
    assert_false(same("struct<a: struct<x: int>>", "struct<b: struct<y: int>>", false));
    assert_false(same("struct<a: int>", "struct<a: int, b: int>", true));
    assert_false(same("struct<a: json>", "struct<a: utf8>", true));
    assert_false(same("struct<a: numeric>", "struct<a: utf8>", true));
    assert_false(same("text(pg:inet)", "text(pg:cidr)", true));
    assert_false(same("decimal(5,2)", "decimal(5,3)", true));
    assert_false(same("timestamp", "timestamptz", true));
    assert_false(same("timestamp", "timestamp(ms)", true));
    assert_false(same("fixed_list<int, 2>", "fixed_list<int, 3>", true));
    assert_false(same("binary(2)", "binary(3)", true));
}

static void check_refuses_two_columns_of_one_name(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct leat_error err = {0};
    assert_int_equal(lt_type_parse("struct<b: int, a: int, b: utf8>", &schema, &err), LEAT_OK);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_INVALID);
    assert_string_equal(err.code, "duplicate-column");
    lt_schema_set_name(schema.children[2], "c", &err);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_OK);
    lt_schema_done(&schema);
}

static void check_names_the_column_of_a_bad_name_format_or_metadata(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct leat_error err = {0};
    int32_t bad_meta[3] = {1, -5, 0};
    assert_int_equal(lt_type_parse("struct<a: int, b: list<int>>", &schema, &err), LEAT_OK);
    struct ArrowSchema *item = schema.children[1]->children[0];
    lt_schema_set_name(item, "\xff", &err);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "invalid-utf8");
    assert_non_null(strstr(err.place, "column \"b\""));
    lt_schema_set_name(item, "item", &err);
    lt_schema_set_format(item, "+ud:1", &err);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_UNSUPPORTED);
    lt_schema_set_format(item, "?", &err);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_BAD_DATA);
    lt_schema_set_format(item, "i", &err);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_OK);
    item->metadata = test_copy(bad_meta, sizeof bad_meta);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_BAD_DATA);
    assert_int_equal(lt_schema_check(item, &err), LEAT_BAD_DATA);
    lt_schema_done(item);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_BAD_DATA);
    lt_schema_done(&schema);
    assert_int_equal(lt_schema_check(&schema, &err), LEAT_BAD_DATA);
}

static void check_and_copy_refuse_depth_past_the_limit(void **state)
{
    (void)state;
    struct ArrowSchema inner, outer, copy;
    struct leat_error err = {0};
    assert_int_equal(lt_schema_init(&inner, "i", "x", &err), LEAT_OK);
    for (int i = 0; i < LT_TYPE_DEPTH_MAX + 1; i++) {
        lt_schema_init(&outer, "+s", "x", &err);
        lt_schema_add(&outer, &inner, &err);
        lt_schema_move(&outer, &inner);
        int want = i < LT_TYPE_DEPTH_MAX ? LEAT_OK : LEAT_NO_MEMORY;
        assert_int_equal(lt_schema_check(&inner, &err), want);
        assert_int_equal(lt_schema_copy(&inner, &copy, &err), want);
        if (!want) {
            lt_schema_done(&copy);
        }
    }
    assert_string_equal(err.code, "limit");
    lt_schema_done(&inner);
    assert_int_equal(lt_schema_init_struct(&outer, LT_TYPE_FIELDS_MAX + 1, &err), LEAT_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_is_set_replaced_in_place_and_removed),
        cmocka_unit_test(struct_of_n_begins_with_null_columns_to_be_replaced),
        cmocka_unit_test(copy_has_all_of_a_nested_schema_and_lives_alone),
        cmocka_unit_test(same_compares_types_and_on_demand_names),
        cmocka_unit_test(check_refuses_two_columns_of_one_name),
        cmocka_unit_test(check_names_the_column_of_a_bad_name_format_or_metadata),
        cmocka_unit_test(check_and_copy_refuse_depth_past_the_limit),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
