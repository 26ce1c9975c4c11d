/* Sorting past memory, and batches in a temporary file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/view.h"
#include "engine/sort.h"
#include "engine/spill.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH 512

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* A payload column, and the key: 8 bytes, big-endian, of `key`. */
static void make_schema(struct ArrowSchema *schema)
{
    struct leat_error err = {0};
    assert_int_equal(lt_schema_init_struct(schema, 0, &err), LEAT_OK);
    assert_int_equal(lt_schema_add_field(schema, "u", "text", ARROW_FLAG_NULLABLE, NULL, &err),
                     LEAT_OK);
    assert_int_equal(lt_schema_add_field(schema, "w:8", "key", 0, NULL, &err), LEAT_OK);
}

static void make_batch(const struct ArrowSchema *schema, const uint64_t *keys, int64_t n,
                       struct ArrowArray *ret_batch)
{
    struct leat_error err = {0};
    struct lt_batch_builder builder;
    assert_int_equal(lt_batch_builder_init(&builder, schema, &err), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        char text[64];
        uint64_t key = __builtin_bswap64(keys[i]);
        int len = snprintf(text, sizeof text, "%llu of many", (unsigned long long)keys[i]);
        assert_int_equal(keys[i] % 7
                             ? lt_builder_bytes_value(&builder.columns[0], text, (size_t)len)
                             : lt_builder_null(&builder.columns[0]),
                         LEAT_OK);
        assert_int_equal(lt_builder_fixed(&builder.columns[1], &key, 8), LEAT_OK);
    }
    assert_int_equal(lt_batch_builder_finish(&builder, n, ret_batch, &err), LEAT_OK);
    lt_batch_builder_done(&builder);
}

/* Checks one batch against the keys that are to come; returns its rows. */
static int64_t check_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                           const uint64_t *want)
{
    struct leat_error err = {0};
    struct lt_view view;
    assert_int_equal(lt_array_check(schema, batch, true, &err), LEAT_OK);
    assert_int_equal(lt_view_init(&view, schema, batch, &err), LEAT_OK);
    for (int64_t row = 0; row < view.length; row++) {
        char text[64];
        size_t len;
        uint64_t key = __builtin_bswap64(lt_view_u64(&view.children[1], row));
        assert_int_equal(key, want[row]);
        assert_int_equal(lt_view_is_null(&view.children[0], row), key % 7 == 0);
        if (key % 7) {
            const uint8_t *found = lt_view_bytes(&view.children[0], row, &len);
            snprintf(text, sizeof text, "%llu of many", (unsigned long long)key);
            assert_int_equal(len, strlen(text));
            assert_memory_equal(found, text, len);
        }
    }
    int64_t rows = view.length;
    lt_view_done(&view);
    return rows;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort_and_check(int64_t rows, int64_t memory_max, bool ordered)
{
    struct leat_error err = {0};
    struct ArrowSchema schema;
    struct lt_sort *sort;
    uint64_t seed = (uint64_t)rows, *keys = calloc((size_t)rows + 1, sizeof *keys);
    assert_non_null(keys);
    make_schema(&schema);
    for (int64_t i = 0; i < rows; i++) {
        keys[i] = ordered ? (uint64_t)i : (uint64_t)next_random(&seed) << 20 | (uint64_t)i;
    }
    assert_int_equal(lt_sort_new(&schema, memory_max, &sort, &err), LEAT_OK);
    for (int64_t i = 0; i < rows; i += BATCH) {
        struct ArrowArray batch;
        make_batch(&schema, keys + i, rows - i < BATCH ? rows - i : BATCH, &batch);
        assert_int_equal(lt_sort_add(sort, &batch, &err), LEAT_OK);
    }
    qsort(keys, (size_t)rows, sizeof *keys, by_key);
    int64_t at = 0;
    for (;;) {
        struct ArrowArray batch;
        assert_int_equal(lt_sort_next(sort, &batch, &err), LEAT_OK);
        if (!batch.release) {
            break;
        }
        assert_true(at < rows);
        at += check_batch(&schema, &batch, keys + at);
        lt_array_done(&batch);
    }
    assert_int_equal(at, rows);
    lt_sort_free(sort);
    lt_schema_done(&schema);
    free(keys);
}

static void records_come_in_the_order_of_their_keys(void **state)
{
    (void)state;
    sort_and_check(0, 1 << 20, false);
    sort_and_check(1, 1 << 20, false);
    sort_and_check(5000, 16 << 20, false);
    sort_and_check(5000, 16 << 20, true);
}

static void runs_are_merged_in_as_many_passes_as_memory_asks_for(void **state)
{
    (void)state;
    sort_and_check(40000, 256 << 10, false); /* a few runs */
    sort_and_check(60000, 64 << 10, false);  /* more runs than are merged at a time */
    sort_and_check(20000, 64 << 10, true);
}

static void a_sort_may_be_given_up_at_any_time(void **state)
{
    struct leat_error err = {0};
    struct ArrowSchema schema;
    (void)state;
    make_schema(&schema);
    for (int batches = 0; batches < 40; batches += 13) {
        struct lt_sort *sort;
        struct ArrowArray batch;
        uint64_t keys[BATCH];
        assert_int_equal(lt_sort_new(&schema, 64 << 10, &sort, &err), LEAT_OK);
        for (int i = 0; i < batches; i++) {
            for (int k = 0; k < BATCH; k++) {
                keys[k] = (uint64_t)(k * 40 + i);
            }
            make_batch(&schema, keys, BATCH, &batch);
            assert_int_equal(lt_sort_add(sort, &batch, &err), LEAT_OK);
        }
        assert_int_equal(lt_sort_next(sort, &batch, &err), LEAT_OK);
        lt_array_done(&batch);
        lt_sort_free(sort);
    }
    lt_sort_free(NULL);
    lt_schema_done(&schema);
}

static void spilled_batches_come_back_as_they_were(void **state)
{
    struct leat_error err = {0};
    struct ArrowSchema schema;
    struct lt_spill *spill;
    uint64_t keys[3][BATCH];
    (void)state;
    make_schema(&schema);
    assert_int_equal(lt_spill_new(&schema, 40000, &spill, &err), LEAT_OK);
    for (int i = 0; i < 3; i++) { /* the first stays in memory */
        struct ArrowArray batch;
        for (int k = 0; k < BATCH; k++) {
            keys[i][k] = (uint64_t)(i * 1000 + k);
        }
        make_batch(&schema, keys[i], i == 2 ? 0 : BATCH, &batch);
        assert_int_equal(lt_spill_add(spill, &batch, &err), LEAT_OK);
        lt_array_done(&batch);
    }
    assert_int_equal(lt_spill_count(spill), 3);
    for (int again = 0; again < 2; again++) {
        for (int i = 2; i >= 0; i--) {
            struct ArrowArray batch;
            assert_int_equal(lt_spill_get(spill, (size_t)i, &batch, &err), LEAT_OK);
            assert_int_equal(check_batch(&schema, &batch, keys[i]), i == 2 ? 0 : BATCH);
            lt_array_done(&batch);
        }
    }
    lt_spill_clear(spill);
    assert_int_equal(lt_spill_count(spill), 0);
    lt_spill_free(spill);
    lt_schema_done(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_the_order_of_their_keys),
        cmocka_unit_test(runs_are_merged_in_as_many_passes_as_memory_asks_for),
        cmocka_unit_test(a_sort_may_be_given_up_at_any_time),
        cmocka_unit_test(spilled_batches_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
