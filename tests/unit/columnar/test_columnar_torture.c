/* Every allocation fails once, in turn, while a nested batch is built, copied, filtered, shared,
 * checked and projected: each call says so calmly, and nothing leaks or is freed twice. */
#include "columnar_test.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* Counts down to the allocation that fails; negative: none does. With `on`, all from there fail:
 * a buffer that tries again with less must give up then. */
static long countdown = -1;
static bool all_after;
static bool failed;

static bool fails(void)
{
    if (countdown < 0) {
        return false;
    }
    if (countdown == 0) {
        failed = true;
        countdown = all_after ? 0 : -1;
        return true;
    }
    countdown--;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* After a failed append the rows before it are still whole. */
static int build(const struct ArrowSchema *schema, struct ArrowArray *ret_array)
{
    struct lt_batch_builder batch;
    uint64_t seed = 5;
    int64_t row = 0;
    int status = lt_batch_builder_init(&batch, schema, NULL);
    if (status) {
        return status;
    }
    status = lt_batch_builder_reserve(&batch, 4);
    for (; !status && row < 20; row++) {
        for (int64_t i = 0; !status && i < batch.n_columns; i++) {
            status = test_append(&batch.columns[i], &seed);
        }
        if (status) {
            struct ArrowArray whole;
            long left = countdown;
            countdown = -1;
            assert_int_equal(lt_batch_builder_truncate(&batch, row), LEAT_OK);
            assert_int_equal(lt_batch_builder_finish(&batch, row, &whole, NULL), LEAT_OK);
            assert_int_equal(lt_array_check(schema, &whole, true, NULL), LEAT_OK);
            lt_array_done(&whole);
            countdown = left;
        }
    }
    if (!status) {
        status = lt_batch_builder_finish(&batch, row, ret_array, NULL);
    }
    lt_batch_builder_done(&batch);
    return status;
}

static int use(const struct ArrowSchema *schema, struct ArrowArray *array)
{
    const uint8_t drop[3] = {0x5a, 0xf0, 0x01};
    struct ArrowArray kept = {0}, held = {0};
    int status = lt_array_filter(schema, array, drop, &kept, NULL);
    if (!status) {
        status = lt_array_check(schema, &kept, true, NULL);
    }
    if (!status) {
        status = lt_array_share(&kept, NULL);
    }
    if (!status) {
        status = lt_array_hold(&kept, &held, NULL);
    }
    lt_array_done(&kept);
    lt_array_done(&held);
    return status;
}

static int use_others(void)
{
    struct ArrowSchema field, copy;
    struct ArrowArray array, kept;
    for (int which = 0; which < 2; which++) {
        long left = countdown;
        countdown = -1;
        (which ? test_dictionary : test_views)(&field, &array);
        countdown = left;
        int status = lt_schema_copy(&field, &copy, NULL);
        if (!status) {
            lt_schema_done(&copy);
            status = lt_array_filter(&field, &array, NULL, &kept, NULL);
        }
        if (!status) {
            status = lt_array_share(&kept, NULL);
            lt_array_done(&kept);
        }
        lt_array_done(&array);
        lt_schema_done(&field);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

static int whole_life(void)
{
    struct ArrowSchema schema, copy = {0};
    struct ArrowArray array;
    struct lt_buf name = LT_BUF_INIT;
    int status = lt_type_parse(TEST_TYPES, &schema, NULL);
    if (status) {
        return status;
    }
    status = lt_schema_check(&schema, NULL);
    if (!status) {
        status = lt_schema_copy(&schema, &copy, NULL);
    }
    if (!status) {
        status = lt_type_print(&copy, &name);
    }
    if (!status) {
        status = build(&copy, &array);
        if (!status) {
            status = use(&copy, &array);
            lt_array_done(&array);
        }
    }
    lt_buf_done(&name);
    lt_schema_done(&copy);
    lt_schema_done(&schema);
    return status ? status : use_others();
}

static void torture(bool all)
{
    long n = 0;
    do {
        countdown = n++;
        all_after = all;
        failed = false;
        int status = whole_life();
        countdown = -1;
        /* A buffer may have tried again with less, and gone on. */
        if (failed ? status != LEAT_NO_MEMORY && (all || status) : status) {
            fail_msg("allocation %ld: status %d", n - 1, status);
        }
    } while (failed);
    assert_true(n > 300);
}

static void every_allocation_that_fails_once_is_reported_and_cleaned_up(void **state)
{
    (void)state;
    torture(false);
}

static void memory_that_ends_for_good_is_reported_and_cleaned_up(void **state)
{
    (void)state;
    torture(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_that_fails_once_is_reported_and_cleaned_up),
        cmocka_unit_test(memory_that_ends_for_good_is_reported_and_cleaned_up),
    };
    return cmocka_run_group_tests_name("columnar_torture", tests, NULL, NULL);
}
