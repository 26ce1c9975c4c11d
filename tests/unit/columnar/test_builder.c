/* Builders: every type, nulls everywhere, truncation. */
#include "columnar_test.h"

static void start(struct lt_builder *builder, struct ArrowSchema *field, const char *type)
{
    struct leat_error err = {0};
    if (lt_type_parse(type, field, &err) || lt_builder_init(builder, field, &err)) {
        fail_msg("%s: %s", type, err.message);
    }
}

/* Finishes, checks, and compares the rows with `want`. */
static void finish(struct lt_builder *builder, struct ArrowSchema *field, const char *want)
{
    struct ArrowArray array;
    struct leat_error err = {0};
    if (lt_builder_finish(builder, &array, &err) || lt_array_check(field, &array, true, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    char *rows = test_rows(field, &array);
    assert_string_equal(rows, want);
    free(rows);
    lt_array_done(&array);
    assert_int_equal(builder->length, 0);
}

static void builder_of_every_type_keeps_nulls_first_last_and_none(void **state)
{
    (void)state;
    static const char *const types[][3] = {
        {"int8", "0a", "00"},
        {"uint16", "0a00", ""},
        {"int32", "0a000000", ""},
        {"int64", "0a00000000000000", ""},
        {"date", "0a000000", ""},
        {"bool", "t", ""},
        {"utf8", "6162", ""},
        {"large_utf8", "6162", ""},
        {"binary", "6162", ""},
        {"list<int8>", "[0a,]", ""},
        {"large_list<int8>", "[0a,]", ""},
        {"struct<x: int8>", "{0a,}", ""},
        {"fixed_list<int8, 1>", "[0a,]", ""},
        {"map<int8, int8>", "[{0a,0a,},]", ""},
        {"time(s)", "0a000000", ""},
    };
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (int nulls = 0; nulls < 4; nulls++) {
            struct lt_builder builder, *b = &builder;
            struct ArrowSchema field;
            struct lt_buf want = LT_BUF_INIT;
            start(&builder, &field, types[t][0]);
            /* 19 rows cross two bytes of bits; a null first, last, both or nowhere. */
            for (int row = 0; row < 19; row++) {
                if ((row == 0 && nulls & 1) || (row == 18 && nulls & 2)) {
                    assert_int_equal(lt_builder_null(b), LEAT_OK);
                    lt_buf_puts(&want, "~\n");
                    continue;
                }
                lt_buf_printf(&want, "%s\n", types[t][1]);
                if (b->type.id == LT_BOOL) {
                    lt_builder_bool(b, true);
                } else if (lt_type_is_varlen(b->type.id)) {
                    lt_builder_bytes_value(b, "ab", 2);
                } else if (b->type.id == LT_MAP) {
                    lt_builder_integer(&b->children[0].children[0], 10);
                    lt_builder_integer(&b->children[0].children[1], 10);
                    lt_builder_nested(&b->children[0]);
                    lt_builder_nested(b);
                } else if (lt_type_is_nested(b->type.id)) {
                    lt_builder_integer(&b->children[0], 10);
                    lt_builder_nested(b);
                } else {
                    assert_int_equal(lt_builder_integer(b, 10), LEAT_OK);
                }
            }
            assert_int_equal(b->null_count, (nulls & 1) + (nulls >> 1));
            finish(b, &field, lt_buf_text(&want));
            lt_buf_done(&want);
            lt_builder_done(b);
            lt_schema_done(&field);
        }
    }
}

static void arrays_without_nulls_have_no_bitmap_and_without_rows_one_offset(void **state)
{
    (void)state;
    struct lt_builder builder;
    struct ArrowSchema field;
    struct ArrowArray array;
    start(&builder, &field, "utf8");
    assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
    assert_null(array.buffers[0]);
    assert_non_null(array.buffers[1]);
    assert_int_equal(*(const int32_t *)array.buffers[1], 0);
    assert_non_null(array.buffers[2]);
    lt_array_done(&array);
    lt_builder_done(&builder);
    lt_schema_done(&field);
    start(&builder, &field, "large_list<int32>");
    assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
    assert_int_equal(*(const int64_t *)array.buffers[1], 0);
    assert_non_null(array.children[0]->buffers[1]);
    lt_array_done(&array);
    lt_builder_done(&builder);
    lt_schema_done(&field);
}

static void integer_that_does_not_fit_is_refused_and_not_appended(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int64_t least, most;
    } ranges[] = {
        {"int8", -128, 127},
        {"int16", -32768, 32767},
        {"int32", INT32_MIN, INT32_MAX},
        {"uint8", 0, 255},
        {"uint16", 0, 65535},
        {"uint32", 0, UINT32_MAX},
        {"int64", INT64_MIN, INT64_MAX},
        {"uint64", 0, INT64_MAX},
        {"date", INT32_MIN, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct lt_builder builder;
        struct ArrowSchema field;
        start(&builder, &field, ranges[i].type);
        assert_int_equal(lt_builder_integer(&builder, ranges[i].least), LEAT_OK);
        assert_int_equal(lt_builder_integer(&builder, ranges[i].most), LEAT_OK);
        if (ranges[i].least > INT64_MIN) {
            assert_int_equal(lt_builder_integer(&builder, ranges[i].least - 1), LEAT_BAD_DATA);
        }
        if (ranges[i].most < INT64_MAX) {
            assert_int_equal(lt_builder_integer(&builder, ranges[i].most + 1), LEAT_BAD_DATA);
        }
        assert_int_equal(builder.length, 2);
        lt_builder_done(&builder);
        lt_schema_done(&field);
    }
}

static void reserve_makes_fixed_width_appends_allocation_free(void **state)
{
    (void)state;
    struct lt_builder builder;
    struct ArrowSchema field;
    start(&builder, &field, "int64");
    lt_builder_i64(&builder, 1);
    assert_int_equal(lt_builder_reserve(&builder, 1000), LEAT_OK);
    const uint8_t *data = builder.data.data, *bits = builder.validity.data;
    lt_builder_null(&builder);
    for (int i = 0; i < 999; i++) {
        lt_builder_i64(&builder, i);
    }
    assert_ptr_equal(builder.data.data, data);
    assert_ptr_equal(builder.validity.data, bits);
    assert_int_equal(lt_builder_reserve(&builder, INT64_MAX), LEAT_NO_MEMORY);
    assert_int_equal(lt_builder_reserve(&builder, -1), LEAT_NO_MEMORY);
    lt_builder_done(&builder);
    lt_schema_done(&field);
}

static void truncate_undoes_a_half_appended_nested_row(void **state)
{
    (void)state;
    struct lt_builder builder;
    struct ArrowSchema field;
    start(&builder, &field, "list<struct<x: int8, y: utf8>>");
    struct lt_builder *entry = &builder.children[0];
    lt_builder_integer(&entry->children[0], 1);
    lt_builder_bytes_value(&entry->children[1], "a", 1);
    lt_builder_nested(entry);
    lt_builder_nested(&builder);
    lt_builder_null(&builder);
    /* A whole element, then one of which only x and half of y came. */
    lt_builder_null(entry);
    lt_builder_integer(&entry->children[0], 3);
    lt_buf_append(&entry->children[1].data, "lost", 4);
    assert_int_equal(lt_builder_finish(&builder, &(struct ArrowArray){0}, NULL), LEAT_INTERNAL);
    assert_int_equal(lt_builder_truncate(&builder, 2), LEAT_OK);
    assert_int_equal(entry->null_count, 0);
    lt_builder_integer(&entry->children[0], 4);
    lt_builder_bytes_value(&entry->children[1], "d", 1);
    lt_builder_nested(entry);
    lt_builder_nested(&builder);
    finish(&builder, &field, "[{01,61,},]\n~\n[{04,64,},]\n");
    assert_int_equal(lt_builder_truncate(&builder, 1), LEAT_INTERNAL);
    lt_builder_done(&builder);
    lt_schema_done(&field);
}

/* Random rows, cut at every length, then regrown with the same rows: as if never cut. */
static void truncate_leaves_every_type_as_if_never_appended(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct lt_batch_builder batch;
    uint64_t seed = 7;
    print_message("# seed %d\n", (int)seed);
    assert_int_equal(lt_type_parse(TEST_TYPES, &schema, NULL), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&batch, &schema, NULL), LEAT_OK);
    for (int64_t keep = 0; keep <= 20; keep++) {
        char *rows[2];
        for (int cut = 0; cut < 2; cut++) {
            uint64_t kept = 100 + (uint64_t)keep, lost = 3;
            struct ArrowArray array;
            for (int64_t row = 0; row < keep; row++) {
                for (int64_t i = 0; i < batch.n_columns; i++) {
                    test_append(&batch.columns[i], &kept);
                }
            }
            for (int64_t row = 0; cut && row < 11; row++) {
                for (int64_t i = 0; i < batch.n_columns - row % 2; i++) {
                    test_append(&batch.columns[i], &lost);
                }
            }
            assert_int_equal(lt_batch_builder_truncate(&batch, keep), LEAT_OK);
            for (int64_t row = 0; row < 9; row++) {
                for (int64_t i = 0; i < batch.n_columns; i++) {
                    test_append(&batch.columns[i], &kept);
                }
            }
            assert_int_equal(batch.columns[0].length, keep + 9);
            assert_int_equal(lt_batch_builder_finish(&batch, keep, &array, NULL), LEAT_INTERNAL);
            assert_int_equal(lt_batch_builder_finish(&batch, keep + 9, &array, NULL), LEAT_OK);
            assert_int_equal(lt_array_check(&schema, &array, false, NULL), LEAT_OK);
            rows[cut] = test_rows(&schema, &array);
            lt_array_done(&array);
        }
        assert_string_equal(rows[0], rows[1]);
        free(rows[0]);
        free(rows[1]);
    }
    lt_batch_builder_done(&batch);
    lt_schema_done(&schema);
}

static void stream_of_no_columns_keeps_its_rows(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct lt_batch_builder batch;
    assert_int_equal(lt_schema_init_struct(&schema, 0, NULL), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&batch, &schema, NULL), LEAT_OK);
    assert_int_equal(lt_batch_builder_finish(&batch, 5, &array, NULL), LEAT_OK);
    assert_int_equal(array.length, 5);
    lt_array_done(&array);
    lt_batch_builder_done(&batch);
    lt_schema_done(&schema);
}

static void views_and_dictionaries_are_not_built(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_builder builder;
    test_dictionary(&field, &array);
    assert_int_equal(lt_builder_init(&builder, &field, NULL), LEAT_UNSUPPORTED);
    lt_schema_done(&field);
    lt_array_done(&array);
    assert_int_equal(lt_type_parse("list<utf8_view>", &field, NULL), LEAT_OK);
    assert_int_equal(lt_builder_init(&builder, &field, NULL), LEAT_UNSUPPORTED);
    lt_builder_done(&builder);
    lt_schema_done(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builder_of_every_type_keeps_nulls_first_last_and_none),
        cmocka_unit_test(arrays_without_nulls_have_no_bitmap_and_without_rows_one_offset),
        cmocka_unit_test(integer_that_does_not_fit_is_refused_and_not_appended),
        cmocka_unit_test(reserve_makes_fixed_width_appends_allocation_free),
        cmocka_unit_test(truncate_undoes_a_half_appended_nested_row),
        cmocka_unit_test(truncate_leaves_every_type_as_if_never_appended),
        cmocka_unit_test(stream_of_no_columns_keeps_its_rows),
        cmocka_unit_test(views_and_dictionaries_are_not_built),
    };
    return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
