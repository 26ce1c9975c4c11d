/* Views: offsets, windows, bits that begin in the middle of a byte, dictionaries. */
#include "columnar_test.h"

static void assert_rows(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        const char *want)
{
    char *rows = test_rows(schema, array);
    assert_string_equal(rows, want);
    free(rows);
}

/* From row `from` on, the text of `rows`. */
static const char *skip_rows(const char *rows, int64_t from)
{
    for (; from; from--) {
        rows = strchr(rows, '\n') + 1;
    }
    return rows;
}

static void view_applies_the_offset_of_every_column(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct ArrowArray array;
    uint64_t seed = 11;
    print_message("# seed %d\n", (int)seed);
    test_batch(TEST_TYPES, 40, &seed, &schema, &array);
    for (int64_t i = 0; i < array.n_children; i++) {
        struct ArrowArray *column = array.children[i];
        char *whole = test_rows(schema.children[i], column);
        for (int64_t offset = 0; offset <= 40; offset++) {
            struct ArrowArray part = *column;
            part.offset = offset;
            part.length = 40 - offset;
            part.null_count = -1;
            assert_rows(schema.children[i], &part, skip_rows(whole, offset));
        }
        free(whole);
    }
    lt_array_done(&array);
    lt_schema_done(&schema);
}

static void children_of_a_sliced_struct_are_seen_through_its_window(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct lt_view view;
    uint64_t seed = 12;
    print_message("# seed %d\n", (int)seed);
    test_batch(TEST_TYPES, 30, &seed, &schema, &array);
    char *whole = test_rows(&schema, &array);
    array.offset = 13;
    array.length = 17;
    assert_rows(&schema, &array, skip_rows(whole, 13));
    assert_int_equal(lt_view_init(&view, &schema, &array, NULL), LEAT_OK);
    for (int64_t i = 0; i < view.n_children; i++) {
        int64_t nulls = 0;
        for (int64_t row = 0; row < view.children[i].length; row++) {
            nulls += lt_view_is_null(&view.children[i], row);
        }
        assert_int_equal(view.children[i].length, 17);
        assert_int_equal(view.children[i].null_count, nulls);
    }
    /* A child with an offset of its own as well. */
    for (int64_t i = 0; i < array.n_children; i++) {
        array.children[i]->offset = 3;
        array.children[i]->length = 27;
        array.children[i]->null_count = -1;
    }
    array.offset = 10;
    assert_rows(&schema, &array, skip_rows(whole, 13));
    lt_view_done(&view);
    free(whole);
    lt_array_done(&array);
    lt_schema_done(&schema);
}

static void bools_at_odd_offsets_are_the_right_bits(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_view view;
    const uint8_t bits[3] = {0xca, 0x35, 0x0f};
    assert_int_equal(lt_schema_init(&field, "b", "", NULL), LEAT_OK);
    assert_int_equal(lt_array_init(&array, 2, 0, NULL), LEAT_OK);
    array.buffers[1] = test_copy(bits, sizeof bits);
    for (int64_t offset = 0; offset < 24; offset++) {
        array.offset = offset;
        array.length = 24 - offset;
        assert_int_equal(lt_view_init(&view, &field, &array, NULL), LEAT_OK);
        for (int64_t row = 0; row < view.length; row++) {
            int64_t bit = offset + row;
            assert_int_equal(lt_view_bool(&view, row), bits[bit / 8] >> bit % 8 & 1);
        }
        lt_view_done(&view);
    }
    lt_array_done(&array);
    lt_schema_done(&field);
}

static void dictionary_view_gives_indexes_and_values(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_view view;
    test_dictionary(&field, &array);
    assert_int_equal(lt_view_init(&view, &field, &array, NULL), LEAT_OK);
    assert_int_equal(view.type.id, LT_UINT8);
    assert_int_equal(view.null_count, 1);
    assert_int_equal(lt_view_u8(&view, 0), 2);
    assert_int_equal(view.dictionary->length, 3);
    lt_view_done(&view);
    assert_rows(&field, &array, "\n726564\n~\n677265656e\n677265656e\n\n");
    lt_array_done(&array);
    lt_schema_done(&field);
}

static void string_views_are_read_inline_and_from_their_buffers(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_view view;
    size_t len;
    test_views(&field, &array);
    assert_int_equal(lt_view_init(&view, &field, &array, NULL), LEAT_OK);
    assert_memory_equal(lt_view_bytes(&view, 0, &len), "short", 5);
    assert_int_equal(len, 5);
    assert_memory_equal(lt_view_bytes(&view, 1, &len), "a long value in the first buffer", 32);
    assert_int_equal(len, 32);
    assert_true(lt_view_is_null(&view, 2));
    lt_view_bytes(&view, 3, &len);
    assert_int_equal(len, 0);
    assert_memory_equal(lt_view_bytes(&view, 4, &len), "a long one in the second", 24);
    assert_int_equal(len, 24);
    lt_view_done(&view);
    lt_array_done(&array);
    lt_schema_done(&field);
}

static void set_views_the_next_batch_without_new_children(void **state)
{
    (void)state;
    struct ArrowSchema schema, again;
    struct ArrowArray first, second;
    struct lt_view view;
    uint64_t seed = 13;
    test_batch("struct<a: list<int32>, b: bool>", 20, &seed, &schema, &first);
    test_batch("struct<a: list<int32>, b: bool>", 31, &seed, &again, &second);
    assert_int_equal(lt_view_init(&view, &schema, &first, NULL), LEAT_OK);
    struct lt_view *children = view.children;
    assert_int_equal(lt_view_set(&view, &second, NULL), LEAT_OK);
    assert_ptr_equal(view.children, children);
    assert_int_equal(view.children[1].length, 31);
    lt_array_done(&first);
    assert_int_equal(lt_view_set(&view, &first, NULL), LEAT_BAD_DATA);
    lt_view_done(&view);
    lt_view_done(&view);
    lt_array_done(&second);
    lt_schema_done(&schema);
    lt_schema_done(&again);
}

static void array_of_no_rows_may_have_no_buffers(void **state)
{
    (void)state;
    static const char *const types[] = {"utf8", "large_binary", "list<int32>",      "int64",
                                        "bool", "utf8_view",    "map<int32, int32>"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct ArrowSchema field;
        struct ArrowArray array;
        struct lt_builder builder;
        assert_int_equal(lt_type_parse(types[i], &field, NULL), LEAT_OK);
        if (lt_builder_init(&builder, &field, NULL)) {
            assert_int_equal(lt_array_init(&array, 3, 0, NULL), LEAT_OK);
        } else {
            assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
        }
        for (int64_t b = 0; b < array.n_buffers; b++) {
            free((void *)array.buffers[b]);
            array.buffers[b] = NULL;
        }
        assert_int_equal(lt_array_check(&field, &array, true, NULL), LEAT_OK);
        assert_rows(&field, &array, "");
        lt_builder_done(&builder);
        lt_array_done(&array);
        lt_schema_done(&field);
    }
}

static void integers_of_every_width_read_as_int64(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_builder builder;
    struct lt_view view;
    static const struct {
        const char *type;
        int64_t value;
        bool big;
    } cases[] = {{"int8", -1, false},           {"int16", -2, false},  {"int32", -3, false},
                 {"int64", -4, false},          {"uint8", 255, false}, {"uint16", 65535, false},
                 {"uint32", UINT32_MAX, false}, {"uint64", -1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool big = !cases[i].big;
        assert_int_equal(lt_type_parse(cases[i].type, &field, NULL), LEAT_OK);
        assert_int_equal(lt_builder_init(&builder, &field, NULL), LEAT_OK);
        lt_builder_fixed(&builder, &cases[i].value, (size_t)builder.type.width);
        assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
        assert_int_equal(lt_view_init(&view, &field, &array, NULL), LEAT_OK);
        assert_int_equal(lt_view_integer(&view, 0, &big), cases[i].value);
        assert_int_equal(big, cases[i].big);
        lt_view_done(&view);
        lt_builder_done(&builder);
        lt_array_done(&array);
        lt_schema_done(&field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_applies_the_offset_of_every_column),
        cmocka_unit_test(children_of_a_sliced_struct_are_seen_through_its_window),
        cmocka_unit_test(bools_at_odd_offsets_are_the_right_bits),
        cmocka_unit_test(dictionary_view_gives_indexes_and_values),
        cmocka_unit_test(string_views_are_read_inline_and_from_their_buffers),
        cmocka_unit_test(set_views_the_next_batch_without_new_children),
        cmocka_unit_test(array_of_no_rows_may_have_no_buffers),
        cmocka_unit_test(integers_of_every_width_read_as_int64),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
