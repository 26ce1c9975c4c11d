/* Block codecs: round trips, sizes that lie, damage, and the three things called LZ4. */
#include "core/block_codec.h"

#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum lt_block_codec both_ways[] = {LT_BLOCK_NONE,   LT_BLOCK_SNAPPY, LT_BLOCK_GZIP,
                                                LT_BLOCK_BROTLI, LT_BLOCK_ZSTD,   LT_BLOCK_LZ4};
static const size_t sizes[] = {0, 1, 2, 100, 4096, 65536, 300000};

static struct lt_block_context *context; /* one for all tests: contexts are reused */

static int setup(void **state)
{
    (void)state;
    return lt_block_context_new(&context, NULL);
}

static int teardown(void **state)
{
    (void)state;
    lt_block_context_free(context);
    lt_block_context_free(NULL);
    return 0;
}

/* Few letters, in runs now and then: packs, but not to nothing. From a fixed seed. */
static uint8_t *sample(size_t len)
{
    uint8_t *data = malloc(len + 1);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = i && (x >> 60) > 7 ? data[i - 1] : (uint8_t)('a' + (x >> 32) % 23);
    }
    return data;
}

/* In a block of its own size, so that the sanitizer sees a byte too many. */
static int unpack(enum lt_block_codec codec, const void *data, size_t len, const void *want,
                  size_t raw_len)
{
    struct leat_error err = {0};
    uint8_t *packed = malloc(len + !len);
    uint8_t *out = raw_len ? malloc(raw_len) : NULL;
    memcpy(packed, data, len);
    int status = lt_block_unpack(context, codec, packed, len, out, raw_len, &err);
    if (!status && want && raw_len) {
        assert_memory_equal(out, want, raw_len);
    }
    if (status) {
        assert_int_equal(status, err.status);
        assert_true(err.message[0]);
    }
    free(packed);
    free(out);
    return status;
}

static void pack(enum lt_block_codec codec, int level, const void *data, size_t len,
                 struct lt_buf *out)
{
    struct leat_error err = {0};
    assert_int_equal(lt_block_pack(context, codec, level, data, len, out, &err), LEAT_OK);
}

static void buffers_of_every_codec_come_back(void **state)
{
    (void)state;
    uint8_t *data = sample(300000);
    for (size_t c = 0; c < LT_ARRAY_LEN(both_ways); c++) {
        assert_int_equal(lt_block_check(both_ways[c], NULL), LEAT_OK);
        for (size_t s = 0; s < LT_ARRAY_LEN(sizes); s++) {
            struct lt_buf out = LT_BUF_INIT;
            assert_int_equal(lt_buf_puts(&out, "pre"), LEAT_OK);
            pack(both_ways[c], 0, data, sizes[s], &out);
            assert_memory_equal(out.data, "pre", 3);
            assert_int_equal(unpack(both_ways[c], out.data + 3, out.len - 3, data, sizes[s]),
                             LEAT_OK);
            if (both_ways[c] != LT_BLOCK_NONE && sizes[s] > 1000) {
                assert_true(out.len < sizes[s]);
            }
            lt_buf_done(&out);
        }
    }
    free(data);
}

static void a_size_that_is_off_by_one_is_refused(void **state)
{
    (void)state;
    uint8_t *data = sample(300000);
    for (size_t c = 0; c < LT_ARRAY_LEN(both_ways); c++) {
        for (size_t s = 1; s < LT_ARRAY_LEN(sizes); s++) {
            struct lt_buf out = LT_BUF_INIT;
            pack(both_ways[c], 0, data, sizes[s], &out);
            assert_int_equal(unpack(both_ways[c], out.data, out.len, NULL, sizes[s] + 1),
                             LEAT_BAD_DATA);
            assert_int_equal(unpack(both_ways[c], out.data, out.len, NULL, sizes[s] - 1),
                             LEAT_BAD_DATA);
            assert_int_equal(unpack(both_ways[c], out.data, out.len, NULL, 0), LEAT_BAD_DATA);
            lt_buf_done(&out);
        }
    }
    free(data);
}

static void data_that_is_cut_or_followed_by_more_is_refused(void **state)
{
    (void)state;
    uint8_t *data = sample(4096);
    for (size_t c = 1; c < LT_ARRAY_LEN(both_ways); c++) {
        struct lt_buf out = LT_BUF_INIT;
        pack(both_ways[c], 0, data, 4096, &out);
        for (size_t len = 0; len < out.len; len++) {
            assert_int_equal(unpack(both_ways[c], out.data, len, NULL, 4096), LEAT_BAD_DATA);
        }
        assert_int_equal(lt_buf_puts(&out, "more"), LEAT_OK);
        assert_int_equal(unpack(both_ways[c], out.data, out.len, NULL, 4096), LEAT_BAD_DATA);
        lt_buf_done(&out);
    }
    free(data);
}

static void flipped_bytes_never_write_beyond_the_buffer(void **state)
{
    (void)state;
    static const enum lt_block_codec readable[] = {LT_BLOCK_SNAPPY, LT_BLOCK_GZIP,
                                                   LT_BLOCK_BROTLI, LT_BLOCK_ZSTD,
                                                   LT_BLOCK_LZ4,    LT_BLOCK_LZ4_HADOOP};
    uint8_t *data = sample(2000);
    uint64_t x = 0x9e3779b97f4a7c15u;
    for (size_t c = 0; c < LT_ARRAY_LEN(readable); c++) {
        struct lt_buf out = LT_BUF_INIT;
        pack(readable[c] == LT_BLOCK_LZ4_HADOOP ? LT_BLOCK_LZ4 : readable[c], 0, data, 2000, &out);
        size_t refused = 0;
        for (size_t i = 0; i < out.len; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            uint8_t was = out.data[i];
            out.data[i] ^= (uint8_t)((x >> 56) | 1);
            refused += unpack(readable[c], out.data, out.len, NULL, 2000) != LEAT_OK;
            out.data[i] = was;
        }
        assert_true(refused > 0);
        lt_buf_done(&out);
    }
    free(data);
}

static void nothing_unpacks_to_nothing_only(void **state)
{
    (void)state;
    for (int codec = LT_BLOCK_NONE; codec <= LT_BLOCK_LZ4_HADOOP; codec++) {
        assert_int_equal(unpack((enum lt_block_codec)codec, "", 0, NULL, 0), LEAT_OK);
        assert_int_equal(unpack((enum lt_block_codec)codec, "", 0, NULL, 5), LEAT_BAD_DATA);
    }
}

/* Where the size is part of the data, or more than the data could hold. */
static void huge_sizes_are_refused_without_memory_for_them(void **state)
{
    (void)state;
    struct leat_error err = {0};
    uint8_t out[4];
    /* snappy: 4 GiB - 1, said by the data. */
    assert_int_equal(unpack(LT_BLOCK_SNAPPY, "\xff\xff\xff\xff\x0f\0a", 7, NULL, 4), LEAT_BAD_DATA);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, "\xff\xff\xff\xff\xff\xff\xff\xff\0", 9, NULL, 4),
                     LEAT_BAD_DATA);
    for (int codec = LT_BLOCK_SNAPPY; codec <= LT_BLOCK_LZ4_HADOOP; codec++) {
        assert_int_equal(lt_block_unpack(context, (enum lt_block_codec)codec, "abcd", 4, out,
                                         LT_BLOCK_BYTES_MAX + 1, &err),
                         LEAT_NO_MEMORY);
        assert_string_equal(err.code, "limit");
    }
    struct lt_buf packed = LT_BUF_INIT;
    assert_int_equal(
        lt_block_pack(context, LT_BLOCK_ZSTD, 0, out, LT_BLOCK_BYTES_MAX + 1, &packed, &err),
        LEAT_NO_MEMORY);
    assert_int_equal(packed.len, 0);
    lt_buf_done(&packed);
}

static void buffers_grow_as_the_data_shows(void **state)
{
    (void)state;
    const size_t raw_len = (size_t)40 << 20, lie = LT_BLOCK_BYTES_MAX;
    uint8_t *zeros = calloc(1, raw_len);
    for (int codec = LT_BLOCK_SNAPPY; codec <= LT_BLOCK_LZ4; codec++) {
        struct leat_error err = {0};
        struct lt_buf packed = LT_BUF_INIT, out = LT_BUF_INIT;
        pack((enum lt_block_codec)codec, 0, zeros, raw_len, &packed);
        for (int off = -1; off <= 1; off++) {
            int status = lt_block_unpack_buf(context, (enum lt_block_codec)codec, packed.data,
                                             packed.len, &out, raw_len + (size_t)off, &err);
            assert_int_equal(status, off ? LEAT_BAD_DATA : LEAT_OK);
            assert_int_equal(out.len, off ? 0 : raw_len);
            assert_true(off || !memcmp(out.data, zeros, raw_len));
        }
        lt_buf_done(&out);
        /* A size that is a lie fails without memory for it. */
        lt_buf_clear(&packed);
        pack((enum lt_block_codec)codec, 0, zeros, 100000, &packed);
        assert_int_equal(lt_block_unpack_buf(context, (enum lt_block_codec)codec, packed.data,
                                             packed.len, &out, lie, &err),
                         LEAT_BAD_DATA);
        assert_true(out.cap <= (size_t)64 << 20);
        lt_buf_done(&out);
        lt_buf_done(&packed);
    }
    free(zeros);
}

static void gzip_members_and_the_zlib_wrapper_are_read(void **state)
{
    (void)state;
    /* "abc" in zlib's wrapper (RFC 1950), stored. */
    static const uint8_t zlib_abc[] = {0x78, 0x01, 0x01, 3,    0,    0xfc, 0xff,
                                       'a',  'b',  'c',  0x02, 0x4d, 0x01, 0x27};
    assert_int_equal(unpack(LT_BLOCK_GZIP, zlib_abc, sizeof(zlib_abc), "abc", 3), LEAT_OK);
    struct lt_buf out = LT_BUF_INIT;
    pack(LT_BLOCK_GZIP, 0, "ab", 2, &out);
    pack(LT_BLOCK_GZIP, 9, "", 0, &out);
    pack(LT_BLOCK_GZIP, 1, "cde", 3, &out);
    pack(LT_BLOCK_GZIP, 0, "", 0, &out);
    assert_int_equal(unpack(LT_BLOCK_GZIP, out.data, out.len, "abcde", 5), LEAT_OK);
    assert_int_equal(unpack(LT_BLOCK_GZIP, out.data, out.len, NULL, 4), LEAT_BAD_DATA);
    assert_int_equal(unpack(LT_BLOCK_GZIP, out.data, out.len, NULL, 2), LEAT_BAD_DATA);
    lt_buf_done(&out);
    /* A checksum that is wrong. */
    uint8_t bad[sizeof(zlib_abc)];
    memcpy(bad, zlib_abc, sizeof(bad));
    bad[sizeof(bad) - 1] ^= 1;
    assert_int_equal(unpack(LT_BLOCK_GZIP, bad, sizeof(bad), NULL, 3), LEAT_BAD_DATA);
}

/* Bytes of one chunk of Hadoop's format: its size, and the lz4 block. */
static void put_chunk(struct lt_buf *out, const void *data, size_t len)
{
    struct lt_buf block = LT_BUF_INIT;
    pack(LT_BLOCK_LZ4, 0, data, len, &block);
    uint8_t size[4] = {0, 0, (uint8_t)(block.len >> 8), (uint8_t)block.len};
    assert_int_equal(lt_buf_append(out, size, 4), LEAT_OK);
    assert_int_equal(lt_buf_append(out, block.data, block.len), LEAT_OK);
    lt_buf_done(&block);
}

static void put_raw_size(struct lt_buf *out, size_t len)
{
    uint8_t size[4] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len};
    assert_int_equal(lt_buf_append(out, size, 4), LEAT_OK);
}

static void all_that_was_called_lz4_is_read(void **state)
{
    (void)state;
    uint8_t *data = sample(5000);
    struct lt_buf out = LT_BUF_INIT;
    /* Two blocks, the second of two chunks. */
    put_raw_size(&out, 1000);
    put_chunk(&out, data, 1000);
    put_raw_size(&out, 4000);
    put_chunk(&out, data + 1000, 3000);
    put_chunk(&out, data + 4000, 1000);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, out.data, out.len, data, 5000), LEAT_OK);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, out.data, out.len, NULL, 5001), LEAT_BAD_DATA);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, out.data, out.len, NULL, 4999), LEAT_BAD_DATA);
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, out.data, len, NULL, 5000), LEAT_BAD_DATA);
    }
    lt_buf_clear(&out);
    pack(LT_BLOCK_LZ4, 0, data, 5000, &out);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, out.data, out.len, data, 5000), LEAT_OK);
    lt_buf_done(&out);
    /* An lz4 frame of the stored block "abc" ("LZ4 Frame Format Description"): magic, descriptor
     * of version 1 with independent blocks of 64 KiB at most, a block, the end mark. */
    static const uint8_t frame[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 3, 0,
                                    0,    0x80, 'a',  'b',  'c',  0,    0,    0, 0};
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, frame, sizeof(frame), "abc", 3), LEAT_OK);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, frame, sizeof(frame) - 1, NULL, 3), LEAT_BAD_DATA);
    assert_int_equal(unpack(LT_BLOCK_LZ4_HADOOP, frame, sizeof(frame), "abc", 3), LEAT_OK);
    free(data);
}

static void levels_and_codecs_that_are_not_there_are_named(void **state)
{
    (void)state;
    struct leat_error err = {0};
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(lt_block_pack(context, LT_BLOCK_GZIP, 10, "a", 1, &out, &err), LEAT_INVALID);
    assert_non_null(strstr(err.message, "gzip has no level 10"));
    assert_non_null(strstr(err.remedy, "1 to 9"));
    assert_int_equal(lt_block_pack(context, LT_BLOCK_SNAPPY, 1, "a", 1, &out, &err), LEAT_INVALID);
    assert_int_equal(lt_block_pack(context, LT_BLOCK_BROTLI, -1, "a", 1, &out, &err), LEAT_INVALID);
    assert_int_equal(lt_block_pack(context, LT_BLOCK_LZ4_HADOOP, 0, "a", 1, &out, &err),
                     LEAT_UNSUPPORTED);
    assert_int_equal(out.len, 0);
    for (int level = 1; level <= 9; level++) {
        lt_buf_clear(&out);
        pack(LT_BLOCK_GZIP, level, "abcabcabc", 9, &out);
        assert_int_equal(unpack(LT_BLOCK_GZIP, out.data, out.len, "abcabcabc", 9), LEAT_OK);
    }
    lt_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_of_every_codec_come_back),
        cmocka_unit_test(a_size_that_is_off_by_one_is_refused),
        cmocka_unit_test(data_that_is_cut_or_followed_by_more_is_refused),
        cmocka_unit_test(flipped_bytes_never_write_beyond_the_buffer),
        cmocka_unit_test(nothing_unpacks_to_nothing_only),
        cmocka_unit_test(huge_sizes_are_refused_without_memory_for_them),
        cmocka_unit_test(buffers_grow_as_the_data_shows),
        cmocka_unit_test(gzip_members_and_the_zlib_wrapper_are_read),
        cmocka_unit_test(all_that_was_called_lz4_is_read),
        cmocka_unit_test(levels_and_codecs_that_are_not_there_are_named),
    };
    return cmocka_run_group_tests_name("block_codec", tests, setup, teardown);
}
