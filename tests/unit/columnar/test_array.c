/* Whole arrays: sharing, slicing, projecting, filtering against a naive model, and checks. */
#include "columnar_test.h"

#include <pthread.h>

/* A batch of every type a builder builds, with a view and a dictionary column put behind. */
static void make_batch(int64_t rows, uint64_t *seed, struct ArrowSchema *ret_schema,
                       struct ArrowArray *ret_array)
{
    struct ArrowSchema field;
    struct ArrowArray built;
    test_batch(TEST_TYPES, rows, seed, ret_schema, &built);
    int64_t n = built.n_children;
    assert_int_equal(lt_array_init(ret_array, 1, n + (rows == 6 ? 2 : 0), NULL), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        lt_array_move(built.children[i], ret_array->children[i]);
    }
    ret_array->length = rows;
    if (rows == 6) {
        test_views(&field, ret_array->children[n]);
        assert_int_equal(lt_schema_add(ret_schema, &field, NULL), LEAT_OK);
        test_dictionary(&field, ret_array->children[n + 1]);
        assert_int_equal(lt_schema_add(ret_schema, &field, NULL), LEAT_OK);
    }
    lt_array_done(&built);
}

/* --- sharing --- */

struct job {
    struct ArrowArray holder;
    const struct ArrowSchema *schema;
    const char *want;
    bool same;
};

static void *use_and_release(void *arg)
{
    struct job *job = arg;
    struct ArrowArray again;
    job->same = true;
    for (int i = 0; i < 50; i++) {
        if (lt_array_hold(&job->holder, &again, NULL)) {
            job->same = false;
            break;
        }
        lt_array_done(&job->holder);
        lt_array_move(&again, &job->holder);
    }
    struct lt_view view;
    if (lt_view_init(&view, job->schema, &job->holder, NULL)) {
        job->same = false;
    }
    lt_view_done(&view);
    lt_array_done(&job->holder);
    return NULL;
}

static void holders_are_released_on_any_thread_in_any_order(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    uint64_t seed = 21;
    make_batch(6, &seed, &schema, &array);
    char *want = test_rows(&schema, &array);
    assert_int_equal(lt_array_share(&array, NULL), LEAT_OK);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.schema = &schema, .want = want};
        assert_int_equal(lt_array_hold(&array, &jobs[i].holder, NULL), LEAT_OK);
    }
    lt_array_done(&array);
    assert_null(array.release);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_and_release, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(jobs[i].same);
        assert_null(jobs[i].holder.release);
    }
    free(want);
    lt_schema_done(&schema);
}

static void child_moved_out_of_a_holder_outlives_everything_else(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct ArrowArray array, other, child, grandchild;
    uint64_t seed = 22;
    make_batch(6, &seed, &schema, &array);
    char *want = test_rows(schema.children[8], array.children[8]);
    assert_int_equal(lt_array_share(&array, NULL), LEAT_OK);
    assert_int_equal(lt_array_share(&array, NULL), LEAT_OK);
    assert_int_equal(lt_array_hold(&array, &other, NULL), LEAT_OK);
    lt_array_move(other.children[8], &child);
    lt_array_done(&other);
    lt_array_done(&array);
    char *rows = test_rows(schema.children[8], &child);
    assert_string_equal(rows, want);
    lt_array_move(child.children[0], &grandchild);
    lt_array_done(&child);
    assert_true(grandchild.length >= 0);
    lt_array_done(&grandchild);
    free(rows);
    free(want);
    lt_schema_done(&schema);
}

static void array_that_was_not_shared_cannot_be_held(void **state)
{
    (void)state;
    struct ArrowArray array, other = {0};
    assert_int_equal(lt_array_init(&array, 1, 0, NULL), LEAT_OK);
    assert_int_equal(lt_array_hold(&array, &other, NULL), LEAT_INTERNAL);
    lt_array_done(&array);
    assert_int_equal(lt_array_hold(&array, &other, NULL), LEAT_INTERNAL);
    assert_null(other.release);
}

/* --- slicing, projecting --- */

/* Lines [first, first + rows) of a text; free it. */
static char *lines(const char *text, int64_t first, int64_t rows)
{
    for (; first; first--) {
        text = strchr(text, '\n') + 1;
    }
    const char *end = text;
    for (; rows; rows--) {
        end = strchr(end, '\n') + 1;
    }
    return lt_strndup(text, (size_t)(end - text));
}

static void slice_is_those_rows_and_so_is_each_column_alone(void **state)
{
    (void)state;
    uint64_t seed = 23;
    for (int64_t first = 0; first <= 6; first++) {
        for (int64_t rows = 0; rows <= 6 - first; rows++) {
            struct ArrowSchema schema;
            struct ArrowArray array;
            make_batch(6, &seed, &schema, &array);
            char *column_rows[32];
            for (int64_t i = 0; i < array.n_children; i++) {
                column_rows[i] = test_rows(schema.children[i], array.children[i]);
            }
            char *whole = test_rows(&schema, &array);
            char *want = lines(whole, first, rows);
            assert_int_equal(lt_array_slice(&array, first, 7 - first, NULL), LEAT_INTERNAL);
            assert_int_equal(lt_array_slice(&array, -1, 1, NULL), LEAT_INTERNAL);
            assert_int_equal(lt_array_slice(&array, first, rows, NULL), LEAT_OK);
            assert_int_equal(lt_array_check(&schema, &array, false, NULL), LEAT_OK);
            char *got = test_rows(&schema, &array);
            assert_string_equal(got, want);
            for (int64_t i = 0; i < array.n_children; i++) {
                char *column_want = lines(column_rows[i], first, rows);
                char *column_got = test_rows(schema.children[i], array.children[i]);
                assert_string_equal(column_got, column_want);
                free(column_want);
                free(column_got);
                free(column_rows[i]);
            }
            free(whole);
            free(want);
            free(got);
            lt_array_done(&array);
            lt_schema_done(&schema);
        }
    }
}

/* --- filtering --- */

static void filter_keeps_just_what_a_naive_model_keeps(void **state)
{
    (void)state;
    uint64_t seed = 25;
    print_message("# seed %d\n", (int)seed);
    for (int round = 0; round < 60; round++) {
        struct ArrowSchema schema;
        struct ArrowArray array, out;
        uint8_t drop[16] = {0};
        make_batch(round % 3 ? test_random(&seed) % 100 : 6, &seed, &schema, &array);
        int64_t cut = test_random(&seed) % (array.length + 1);
        if (round & 1) {
            assert_int_equal(lt_array_slice(&array, cut, array.length - cut, NULL), LEAT_OK);
        } else {
            array.offset = cut;
            array.length -= cut;
        }
        uint32_t mode = test_random(&seed) % 4;
        struct lt_buf want = LT_BUF_INIT;
        char *all = test_rows(&schema, &array);
        const char *line = all;
        for (int64_t row = 0; row < array.length; row++) {
            const char *end = strchr(line, '\n') + 1;
            bool dropped = mode == 1 || (mode > 1 && test_random(&seed) % (mode == 2 ? 2 : 9) == 0);
            if (dropped) {
                drop[row >> 3] |= (uint8_t)(1u << (row & 7));
            } else {
                lt_buf_append(&want, line, (size_t)(end - line));
            }
            line = end;
        }
        assert_int_equal(lt_array_filter(&schema, &array, mode ? drop : NULL, &out, NULL), LEAT_OK);
        lt_array_done(&array);
        assert_int_equal(lt_array_check(&schema, &out, false, NULL), LEAT_OK);
        char *got = test_rows(&schema, &out);
        assert_string_equal(got, lt_buf_text(&want));
        assert_true(lt_array_bytes(&schema, &out) >= 0);
        free(got);
        free(all);
        lt_buf_done(&want);
        lt_array_done(&out);
        lt_schema_done(&schema);
    }
}

static void bytes_count_only_the_rows_of_the_slice(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct ArrowArray array;
    uint64_t seed = 26;
    make_batch(6, &seed, &schema, &array);
    int64_t whole = lt_array_bytes(&schema, &array);
    assert_true(whole > 6 * (1 + 2 + 8 + 5 + 16));
    assert_int_equal(lt_array_slice(&array, 3, 0, NULL), LEAT_OK);
    assert_int_equal(lt_array_bytes(&schema, &array), 0);
    lt_array_done(&array);
    lt_schema_done(&schema);
    struct lt_builder builder;
    assert_int_equal(lt_type_parse("utf8", &schema, NULL), LEAT_OK);
    assert_int_equal(lt_builder_init(&builder, &schema, NULL), LEAT_OK);
    lt_builder_bytes_value(&builder, "12345", 5);
    lt_builder_bytes_value(&builder, "123", 3);
    assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
    assert_int_equal(lt_array_bytes(&schema, &array), 2 * 4 + 8);
    array.offset = 1;
    array.length = 1;
    assert_int_equal(lt_array_bytes(&schema, &array), 4 + 3);
    lt_builder_done(&builder);
    lt_array_done(&array);
    lt_schema_done(&schema);
}

/* --- checking --- */

#define CHECKED                                                                                    \
    "struct<a: int32, b: utf8, c: list<int8>, d: fixed_list<int8, 2>, e: struct<x: bool>, "        \
    "f: large_utf8>"
enum { A, B, C, D, E, F, VIEWS, DICTIONARY };

/* Four good rows, each value "a\xc3\xa9" or two elements. */
static void make_checked(struct ArrowSchema *ret_schema, struct ArrowArray *ret_array)
{
    struct lt_batch_builder batch;
    struct ArrowSchema field;
    struct ArrowArray built;
    assert_int_equal(lt_type_parse(CHECKED, ret_schema, NULL), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&batch, ret_schema, NULL), LEAT_OK);
    struct lt_builder *columns = batch.columns;
    for (int row = 0; row < 6; row++) {
        row == 1 ? lt_builder_null(&columns[A]) : lt_builder_i32(&columns[A], row);
        lt_builder_bytes_value(&columns[B], "a\xc3\xa9", 3);
        lt_builder_bytes_value(&columns[F], "a\xc3\xa9", 3);
        for (int k = 0; k < 2; k++) {
            lt_builder_integer(&columns[C].children[0], k);
            lt_builder_integer(&columns[D].children[0], k);
        }
        lt_builder_bool(&columns[E].children[0], true);
        for (int i = C; i <= E; i++) {
            lt_builder_nested(&columns[i]);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&batch, 6, &built, NULL), LEAT_OK);
    lt_batch_builder_done(&batch);
    assert_int_equal(lt_array_init(ret_array, 1, 8, NULL), LEAT_OK);
    ret_array->length = 6;
    for (int i = A; i <= F; i++) {
        lt_array_move(built.children[i], ret_array->children[i]);
    }
    lt_array_done(&built);
    test_views(&field, ret_array->children[VIEWS]);
    assert_int_equal(lt_schema_add(ret_schema, &field, NULL), LEAT_OK);
    test_dictionary(&field, ret_array->children[DICTIONARY]);
    assert_int_equal(lt_schema_add(ret_schema, &field, NULL), LEAT_OK);
}

/* Writes an int32 into a buffer of a column. */
static void poke(struct ArrowArray *column, int buffer, int at, int32_t value)
{
    memcpy((char *)column->buffers[buffer] + at * 4, &value, sizeof value);
}

static void drop_buffer(struct ArrowArray *column, int buffer)
{
    free((void *)column->buffers[buffer]);
    column->buffers[buffer] = NULL;
}

/* A line a breakage. */
/* clang-format off */
/* Breaks the array in way `n`; false past the last. *ret_place: what the error must name. */
static bool break_it(int n, struct ArrowArray *array, const char **ret_place)
{
    struct ArrowArray **c = array->children;
    static const char *const places[] = {
        "", "", "", "", "", "column \"a\"", "column \"a\"", "column \"a\"", "column \"a\"",
        "column \"a\"", "column \"b\": row 3", "column \"b\"", "column \"b\"",
        "column \"b\"", "column \"b\"", "column \"b\": row 2", "column \"c\"", "column \"c\"",
        "column \"c\": elements \"item\"", "column \"d\": elements", "column \"e\": column \"x\"",
        "column \"e\"", "column \"f\"", "column \"f\": row 1", "column \"views\": row 2",
        "column \"views\": row 5", "column \"views\"", "column \"views\": row 1",
        "column \"dictionary\": row 2", "column \"dictionary\"", "column \"dictionary\": dictionary",
        "column \"views\": row 2", "column \"a\"", "column \"c\"", "column \"views\": row 2"};
    if ((size_t)n >= sizeof places / sizeof *places) {
        return false;
    }
    *ret_place = places[n];
    switch (n) {
    case 0: array->length = -1; break;
    case 1: array->offset = -1; break;
    case 2: array->n_children--; break;
    case 3: array->n_buffers = 0; break;
    case 4: array->null_count = 7; break;
    case 5: c[A]->length = 5; break;
    case 6: drop_buffer(c[A], 1); break;
    case 7: drop_buffer(c[A], 0); break;
    case 8: c[A]->null_count = 2; break;
    case 9: c[A]->offset = INT64_MAX; break;
    case 10: poke(c[B], 1, 3, 5); break;
    case 11: poke(c[B], 1, 0, -1); break;
    case 12: poke(c[B], 1, 6, -9); break;
    case 13: drop_buffer(c[B], 1); break;
    case 14: drop_buffer(c[B], 2); break;
    case 15: ((char *)c[B]->buffers[2])[4] = (char)0xff; break;
    case 16: poke(c[C], 1, 6, 13); break;
    case 17: c[C]->children[0]->length = 11; break;
    case 18: c[C]->children[0]->release(c[C]->children[0]); break;
    case 19: c[D]->children[0]->length = 11; break;
    case 20: c[E]->children[0]->length = 5; break;
    case 21: c[E]->n_children = 0; break;
    case 22: ((int64_t *)c[F]->buffers[1])[6] = -1; break;
    case 23: ((int64_t *)c[F]->buffers[1])[1] = 2; break;
    case 24: poke(c[VIEWS], 1, 6, 2); break;
    case 25: poke(c[VIEWS], 1, 19, 5); break;
    case 26: drop_buffer(c[VIEWS], 3); break;
    case 27: poke(c[VIEWS], 1, 0, -1); break;
    case 28: ((uint8_t *)c[DICTIONARY]->buffers[1])[2] = 3; break;
    case 29: lt_array_done(c[DICTIONARY]->dictionary); break;
    case 30: poke(c[DICTIONARY]->dictionary, 1, 1, 1 << 20); break;
    case 31: poke(c[VIEWS], 1, 5, 0); break;
    case 32: c[A]->n_buffers = 3; break;
    case 33: c[C]->offset = 1; break;
    case 34: poke(c[VIEWS], 1, 4, 33); break;
    default: break;
    }
    return true;
}
/* clang-format on */

static void check_catches_each_kind_of_malformed_array(void **state)
{
    (void)state;
    const char *place;
    bool more = true;
    for (int n = 0; more; n++) {
        struct ArrowSchema schema;
        struct ArrowArray array;
        struct leat_error err = {0};
        make_checked(&schema, &array);
        if (lt_array_check(&schema, &array, true, &err)) {
            fail_msg("unbroken: %s: %s", err.place, err.message);
        }
        more = break_it(n, &array, &place);
        if (more && lt_array_check(&schema, &array, true, &err) != LEAT_BAD_DATA) {
            fail_msg("breakage %d was not caught", n);
        }
        if (more && strncmp(err.place, place, strlen(place))) {
            fail_msg("breakage %d is at \"%s\", not \"%s\" (%s)", n, place, err.place, err.message);
        }
        lt_array_done(&array);
        assert_int_equal(lt_array_check(&schema, &array, true, NULL), LEAT_BAD_DATA);
        lt_schema_done(&schema);
    }
}

static void
bytes_under_a_null_need_not_be_text_but_values_split_mid_character_are_caught(void **state)
{
    (void)state;
    struct ArrowSchema field;
    struct ArrowArray array;
    struct lt_builder builder;
    struct leat_error err = {0};
    assert_int_equal(lt_type_parse("utf8", &field, NULL), LEAT_OK);
    assert_int_equal(lt_builder_init(&builder, &field, NULL), LEAT_OK);
    lt_builder_bytes_value(&builder, "\xff", 1);
    lt_builder_bytes_value(&builder, "ok", 2);
    assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
    assert_int_equal(lt_array_check(&field, &array, false, NULL), LEAT_OK);
    assert_int_equal(lt_array_check(&field, &array, true, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "invalid-utf8");
    array.buffers[0] = test_copy("\x02", 1);
    array.null_count = 1;
    assert_int_equal(lt_array_check(&field, &array, true, NULL), LEAT_OK);
    lt_array_done(&array);
    lt_builder_bytes_value(&builder, "\xc3", 1);
    lt_builder_bytes_value(&builder, "\xa9", 1);
    assert_int_equal(lt_builder_finish(&builder, &array, NULL), LEAT_OK);
    assert_int_equal(lt_array_check(&field, &array, true, NULL), LEAT_BAD_DATA);
    lt_array_done(&array);
    lt_builder_done(&builder);
    lt_schema_done(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holders_are_released_on_any_thread_in_any_order),
        cmocka_unit_test(child_moved_out_of_a_holder_outlives_everything_else),
        cmocka_unit_test(array_that_was_not_shared_cannot_be_held),
        cmocka_unit_test(slice_is_those_rows_and_so_is_each_column_alone),
        cmocka_unit_test(filter_keeps_just_what_a_naive_model_keeps),
        cmocka_unit_test(bytes_count_only_the_rows_of_the_slice),
        cmocka_unit_test(check_catches_each_kind_of_malformed_array),
        cmocka_unit_test(
            bytes_under_a_null_need_not_be_text_but_values_split_mid_character_are_caught),
    };
    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
