/* Thrift's compact protocol and the structs of Parquet's metadata, from bytes written by hand. */
#include "formats/parquet/thrift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

static void thrift_reads_numbers_texts_and_truth_values(void **state)
{
    (void)state;
    /* 1: i32 -3; 2: true; 4: "hi"; 200: i64 300; stop */
    struct lt_thrift t;
    struct lt_thrift_field field;
    int16_t last = 0;
    lt_thrift_init(&t, BYTES(0x15, 5, 0x11, 0x28, 2, 'h', 'i', 0x06, 0x90, 3, 0xd8, 4, 0));
    assert_true(lt_thrift_next(&t, &last, &field));
    assert_int_equal(field.id, 1);
    assert_int_equal(lt_thrift_i32(&t, &field), -3);
    assert_true(lt_thrift_next(&t, &last, &field));
    assert_int_equal(field.id, 2);
    assert_true(lt_thrift_bool(&t, &field));
    assert_true(lt_thrift_next(&t, &last, &field));
    assert_int_equal(field.id, 4);
    struct lt_pq_bytes text = lt_thrift_bytes(&t, &field);
    assert_int_equal(text.len, 2);
    assert_memory_equal(text.data, "hi", 2);
    assert_true(lt_thrift_next(&t, &last, &field));
    assert_int_equal(field.id, 200);
    assert_int_equal(lt_thrift_i64(&t, &field), 300);
    assert_false(lt_thrift_next(&t, &last, &field));
    assert_null(t.fault);
}

/* Reads all fields of a struct by skipping them; *ret_t tells how it ended. */
static void skip_all(const uint8_t *data, size_t len, struct lt_thrift *ret_t)
{
    struct lt_thrift_field field;
    int16_t last = 0;
    lt_thrift_init(ret_t, data, len);
    while (lt_thrift_next(ret_t, &last, &field)) {
        lt_thrift_skip(ret_t, field.type);
    }
}

static void thrift_skips_fields_of_every_type(void **state)
{
    (void)state;
    struct lt_thrift t;
    skip_all(BYTES(0x11, 0x12, 0x13, 0xff,          /* true, false, i8 */
                   0x14, 0x80, 1, 0x15, 2, 0x16, 4, /* i16, i32, i64 */
                   0x17, 1, 2, 3, 4, 5, 6, 7, 8,    /* double */
                   0x18, 3, 'a', 'b', 'c',          /* binary */
                   0x19, 0x21, 1, 2,                /* list of two bools */
                   0x1a, 0x15, 6,                   /* set of an i32 */
                   0x1b, 2, 0x58, 2, 1, 'x', 4, 0,  /* map of i32 to binary */
                   0x1b, 0,                         /* an empty map */
                   0x1c, 0x19, 0x1c, 0x15, 2, 0, 0, /* a struct with a list of structs */
                   0),
             &t);
    assert_null(t.fault);
    assert_ptr_equal(t.data, t.end);
}

static void thrift_says_when_bytes_are_missing(void **state)
{
    (void)state;
    struct lt_thrift t;
    const uint8_t whole[] = {0x18, 3, 'a', 'b', 'c', 0x1c, 0x15, 2, 0, 0};
    for (size_t len = 0; len < sizeof whole; len++) {
        skip_all(whole, len, &t);
        assert_non_null(t.fault);
        assert_true(t.short_of);
    }
    skip_all(whole, sizeof whole, &t);
    assert_null(t.fault);
}

static void thrift_refuses_depth_and_numbers_without_end(void **state)
{
    (void)state;
    struct lt_thrift t;
    uint8_t deep[200];
    memset(deep, 0x1c, sizeof deep); /* structs within structs */
    skip_all(deep, sizeof deep, &t);
    assert_non_null(t.fault);
    assert_false(t.short_of);
    skip_all(BYTES(0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0), &t);
    assert_non_null(t.fault);
    assert_false(t.short_of);
}

static void thrift_refuses_a_list_longer_than_its_bytes(void **state)
{
    (void)state;
    struct lt_thrift t;
    struct lt_thrift_field field = {.id = 1, .type = LT_THRIFT_LIST};
    uint8_t type;
    lt_thrift_init(&t, BYTES(0xf5, 0xff, 0xff, 0xff, 0x7f, 1, 2));
    assert_int_equal(lt_thrift_list(&t, &field, &type), 0);
    assert_non_null(t.fault);
}

/* --- structs ---------------------------------------------------------------------------------- */

static const uint8_t page_v1[] = {
    0x15, 0,    0x15, 20,   0x15, 18,   0x15, 3, /* type, sizes, crc -2 */
    0x1c, 0x15, 10,   0x15, 0,    0x15, 6,    0x15, 6, 0, 0};

static void page_header_is_read_with_its_checksum(void **state)
{
    (void)state;
    struct lt_pq_page page;
    size_t used = 0;
    bool is_short = true;
    assert_int_equal(lt_pq_page_read(page_v1, sizeof page_v1, &page, &used, &is_short, NULL),
                     LEAT_OK);
    assert_int_equal(used, sizeof page_v1);
    assert_false(is_short);
    assert_int_equal(page.type, LT_PQ_PAGE_DATA);
    assert_int_equal(page.uncompressed_size, 10);
    assert_int_equal(page.compressed_size, 9);
    assert_true(page.has_crc);
    assert_int_equal(page.crc, 0xfffffffeu);
    assert_int_equal(page.num_values, 5);
    assert_int_equal(page.def_encoding, LT_PQ_ENC_RLE);
}

static void page_header_says_that_it_goes_on(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof page_v1; len++) {
        struct lt_pq_page page;
        size_t used = 0;
        bool is_short = false;
        assert_int_equal(lt_pq_page_read(page_v1, len, &page, &used, &is_short, NULL),
                         LEAT_BAD_DATA);
        assert_true(is_short);
    }
}

static void page_header_refuses_negative_sizes_and_missing_parts(void **state)
{
    (void)state;
    struct lt_pq_page page;
    size_t used = 0;
    bool is_short = true;
    const uint8_t negative[] = {0x15, 4, 0x15, 1, 0x15, 18, 0x4c, 0x15, 10, 0x15, 0, 0, 0};
    assert_int_equal(lt_pq_page_read(negative, sizeof negative, &page, &used, &is_short, NULL),
                     LEAT_BAD_DATA);
    assert_false(is_short);
    const uint8_t headless[] = {0x15, 0, 0x15, 20, 0x15, 18, 0};
    assert_int_equal(lt_pq_page_read(headless, sizeof headless, &page, &used, &is_short, NULL),
                     LEAT_BAD_DATA);
    assert_false(is_short);
}

static void footer_refuses_what_lacks_its_schema(void **state)
{
    (void)state;
    struct lt_pq_footer footer;
    struct leat_error err;
    const uint8_t bytes[] = {0x15, 2, 0x26, 0, 0x19, 0x0c, 0};
    assert_int_equal(lt_pq_footer_read(bytes, sizeof bytes, &footer, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "corrupt-file");
}

static void footer_keeps_unknown_annotations_and_passes_over_unknown_fields(void **state)
{
    (void)state;
    struct lt_pq_footer footer;
    const uint8_t bytes[] = {0x15, 2,                         /* version 1 */
                             0x19, 0x2c,                      /* two elements */
                             0x48, 1,    'r',  0x15, 2,    0, /* the root, of one member */
                             0x15, 2,    0x25, 0,    0x18, 1, 'c',
                             0x6c, 0x0c, 38,   0,    0,    0,  /* INT32 c, logical 19 */
                             0x16, 0,    0x19, 0x0c,           /* no rows, no row groups */
                             0x06, 0xfe, 0xff, 3,    7,    0}; /* field 32767 */
    assert_int_equal(lt_pq_footer_read(bytes, sizeof bytes, &footer, NULL), LEAT_OK);
    assert_int_equal(footer.n_elements, 2);
    assert_int_equal(footer.elements[1].type, LT_PQ_INT32);
    assert_int_equal(footer.elements[1].logical, LT_PQ_LOGICAL_OTHER);
    assert_int_equal(footer.n_groups, 0);
    lt_pq_footer_done(&footer);
}

static void column_index_refuses_bounds_of_other_pages(void **state)
{
    (void)state;
    struct lt_pq_column_index index;
    const uint8_t good[] = {0x19, 0x21, 2,    1,          /* null_pages: no, yes */
                            0x19, 0x28, 1,    'a',  0,    /* min: "a", "" */
                            0x19, 0x28, 1,    'b',  0,    /* max */
                            0x15, 2,    0x19, 0x26, 0, 4, /* ascending; null counts */
                            0};
    assert_int_equal(lt_pq_column_index_read(good, sizeof good, &index, NULL), LEAT_OK);
    assert_int_equal(index.n_pages, 2);
    assert_false(index.null_pages[0]);
    assert_true(index.null_pages[1]);
    assert_int_equal(index.null_counts[1], 2);
    lt_pq_column_index_done(&index);
    uint8_t bad[sizeof good];
    memcpy(bad, good, sizeof good);
    bad[1] = 0x11; /* one page only: the second byte is read as what follows */
    assert_int_equal(lt_pq_column_index_read(bad, sizeof bad, &index, NULL), LEAT_BAD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thrift_reads_numbers_texts_and_truth_values),
        cmocka_unit_test(thrift_skips_fields_of_every_type),
        cmocka_unit_test(thrift_says_when_bytes_are_missing),
        cmocka_unit_test(thrift_refuses_depth_and_numbers_without_end),
        cmocka_unit_test(thrift_refuses_a_list_longer_than_its_bytes),
        cmocka_unit_test(page_header_is_read_with_its_checksum),
        cmocka_unit_test(page_header_says_that_it_goes_on),
        cmocka_unit_test(page_header_refuses_negative_sizes_and_missing_parts),
        cmocka_unit_test(footer_refuses_what_lacks_its_schema),
        cmocka_unit_test(footer_keeps_unknown_annotations_and_passes_over_unknown_fields),
        cmocka_unit_test(column_index_refuses_bounds_of_other_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
