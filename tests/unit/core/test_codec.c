/* Codecs: names, whole buffers, streams, and everything that can be cut off. */
#include "core/codec.h"

#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum lt_codec codecs[] = {LT_CODEC_GZIP, LT_CODEC_ZSTD, LT_CODEC_LZ4};

/* Compresses badly: no run longer than a few bytes, from a fixed seed. */
static uint8_t *noise(size_t len)
{
    uint8_t *data = malloc(len + 1);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (uint8_t)((x >> 32) % 23 + 'a');
    }
    return data;
}

static void stream_in(enum lt_codec codec, const void *data, size_t len, size_t step,
                      struct lt_buf *out)
{
    struct leat_error err;
    struct lt_sink *sink = NULL;
    assert_int_equal(lt_sink_memory(out, &sink, &err), LEAT_OK);
    assert_int_equal(lt_sink_compress(sink, codec, 0, 2, &sink, &err), LEAT_OK);
    for (size_t at = 0; at < len; at += step) {
        size_t n = LT_MIN(step, len - at);
        assert_int_equal(lt_sink_write(sink, (const uint8_t *)data + at, n, &err), LEAT_OK);
    }
    assert_int_equal(sink->position, len);
    assert_int_equal(lt_sink_finish(sink, &err), LEAT_OK);
    assert_int_equal(lt_sink_write(sink, "x", 1, &err), LEAT_INTERNAL);
    lt_sink_close(sink);
}

/* Reads all of it in pieces of `step`; the status of the first failure, else LEAT_OK. */
static int stream_out(enum lt_codec codec, const void *data, size_t len, size_t step,
                      struct lt_buf *out, struct leat_error *err)
{
    struct lt_source *source = NULL;
    assert_int_equal(lt_source_memory(data, len, "file.x", &source, err), LEAT_OK);
    int status = lt_source_decompress(source, codec, &source, err);
    assert_int_equal(status, LEAT_OK);
    for (;;) {
        size_t got = 0;
        assert_int_equal(lt_buf_reserve(out, step), LEAT_OK);
        status = lt_source_read(source, out->data + out->len, step, &got, err);
        if (status || !got) {
            break;
        }
        assert_true(got <= step);
        out->len += got;
    }
    if (!status) {
        assert_int_equal(source->position, len);
        size_t got = 1;
        char byte;
        assert_int_equal(lt_source_read(source, &byte, 1, &got, err), LEAT_OK);
        assert_int_equal(got, 0);
    }
    lt_source_close(source);
    return status;
}

static void codecs_are_known_by_name_ending_and_magic(void **state)
{
    (void)state;
    struct leat_error err;
    enum lt_codec codec = LT_CODEC_NONE;
    assert_int_equal(lt_codec_parse("ZST", &codec, &err), LEAT_OK);
    assert_int_equal(codec, LT_CODEC_ZSTD);
    assert_int_equal(lt_codec_parse("brotli", &codec, &err), LEAT_INVALID);
    assert_non_null(strstr(err.remedy, "lz4"));
    size_t stem = 0;
    assert_int_equal(lt_codec_of_path("a/b.csv.GZ", &stem), LT_CODEC_GZIP);
    assert_int_equal(stem, 7);
    assert_int_equal(lt_codec_of_path("b.zstd", &stem), LT_CODEC_ZSTD);
    assert_int_equal(stem, 1);
    assert_int_equal(lt_codec_of_path("dir/.gz", &stem), LT_CODEC_NONE);
    assert_int_equal(lt_codec_of_path("gz", &stem), LT_CODEC_NONE);
    assert_int_equal(stem, 2);
    for (size_t i = 0; i < LT_ARRAY_LEN(codecs); i++) {
        struct lt_buf out = LT_BUF_INIT;
        stream_in(codecs[i], "x", 1, 1, &out);
        assert_int_equal(lt_codec_sniff(out.data, out.len), codecs[i]);
        assert_int_equal(lt_codec_sniff(out.data, 3), LT_CODEC_NONE);
        assert_int_equal(lt_codec_parse(lt_codec_name(codecs[i]), &codec, &err), LEAT_OK);
        assert_int_equal(codec, codecs[i]);
        lt_buf_done(&out);
    }
    assert_int_equal(lt_codec_sniff("a,b,c\n", 6), LT_CODEC_NONE);
}

static void whole_buffers_come_back_and_wrong_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65536, 300000};
    uint8_t *data = noise(300000);
    uint8_t *back = malloc(300001);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        for (size_t s = 0; s < LT_ARRAY_LEN(sizes); s++) {
            struct leat_error err;
            struct lt_buf out = LT_BUF_INIT;
            assert_int_equal(lt_buf_puts(&out, "pre"), LEAT_OK);
            assert_int_equal(lt_codec_compress(codecs[c], 0, data, sizes[s], &out, &err), LEAT_OK);
            assert_memory_equal(out.data, "pre", 3);
            const uint8_t *packed = out.data + 3;
            size_t len = out.len - 3;
            assert_int_equal(lt_codec_decompress(codecs[c], packed, len, back, sizes[s], &err),
                             LEAT_OK);
            assert_memory_equal(back, data, sizes[s]);
            assert_int_equal(lt_codec_decompress(codecs[c], packed, len, back, sizes[s] + 1, &err),
                             LEAT_BAD_DATA);
            assert_string_equal(err.code, "corrupt-file");
            if (sizes[s]) {
                assert_int_equal(
                    lt_codec_decompress(codecs[c], packed, len, back, sizes[s] - 1, &err),
                    LEAT_BAD_DATA);
            }
            assert_int_equal(lt_codec_decompress(codecs[c], packed, len - 1, back, sizes[s], &err),
                             LEAT_BAD_DATA);
            lt_buf_done(&out);
        }
        assert_int_equal(lt_codec_decompress(codecs[c], NULL, 0, NULL, 0, NULL), LEAT_BAD_DATA);
    }
    free(data);
    free(back);
}

static void no_codec_copies_and_levels_are_checked(void **state)
{
    (void)state;
    struct leat_error err;
    struct lt_buf out = LT_BUF_INIT;
    char back[4];
    assert_int_equal(lt_codec_compress(LT_CODEC_NONE, 0, "abc", 3, &out, &err), LEAT_OK);
    assert_int_equal(lt_codec_decompress(LT_CODEC_NONE, out.data, 3, back, 3, &err), LEAT_OK);
    assert_memory_equal(back, "abc", 3);
    assert_int_equal(lt_codec_decompress(LT_CODEC_NONE, out.data, 3, back, 4, &err), LEAT_BAD_DATA);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        assert_int_equal(lt_codec_compress(codecs[c], 99, "abc", 3, &out, &err), LEAT_INVALID);
        assert_int_equal(out.len, 3);
        assert_int_equal(lt_codec_compress(codecs[c], 9, "abc", 3, &out, &err), LEAT_OK);
        out.len = 3;
    }
    lt_buf_done(&out);
}

static void streams_come_back_whatever_the_size_of_the_pieces(void **state)
{
    (void)state;
    static const size_t steps[] = {1000, 65536, 1000000};
    const size_t len = 1500000;
    uint8_t *data = noise(len);
    memset(data + 200000, 'z', 900000);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        for (size_t s = 0; s < LT_ARRAY_LEN(steps); s++) {
            struct leat_error err;
            struct lt_buf packed = LT_BUF_INIT;
            struct lt_buf back = LT_BUF_INIT;
            stream_in(codecs[c], data, len, steps[s], &packed);
            assert_true(packed.len < len);
            assert_int_equal(
                stream_out(codecs[c], packed.data, packed.len, steps[2 - s] - 1, &back, &err),
                LEAT_OK);
            assert_int_equal(back.len, len);
            assert_memory_equal(back.data, data, len);
            lt_buf_done(&packed);
            lt_buf_done(&back);
        }
    }
    free(data);
}

static void an_empty_stream_is_a_frame_and_an_empty_file_is_not(void **state)
{
    (void)state;
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        struct leat_error err;
        struct lt_buf packed = LT_BUF_INIT;
        struct lt_buf back = LT_BUF_INIT;
        stream_in(codecs[c], "", 0, 1, &packed);
        assert_true(packed.len > 0);
        assert_int_equal(stream_out(codecs[c], packed.data, packed.len, 10, &back, &err), LEAT_OK);
        assert_int_equal(back.len, 0);
        assert_int_equal(stream_out(codecs[c], "", 0, 10, &back, &err), LEAT_BAD_DATA);
        lt_buf_done(&packed);
        lt_buf_done(&back);
    }
}

static void a_stream_cut_at_any_byte_is_corrupt_and_names_its_file(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 7, 4096};
    const size_t len = 600;
    uint8_t *data = noise(len);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        struct lt_buf packed = LT_BUF_INIT;
        stream_in(codecs[c], data, len, len, &packed);
        for (size_t cut = 0; cut < packed.len; cut++) {
            for (size_t s = 0; s < LT_ARRAY_LEN(steps); s++) {
                struct leat_error err;
                struct lt_buf back = LT_BUF_INIT;
                int status = stream_out(codecs[c], packed.data, cut, steps[s], &back, &err);
                assert_int_equal(status, LEAT_BAD_DATA);
                assert_string_equal(err.code, "corrupt-file");
                assert_string_equal(err.place, "file.x");
                assert_true(back.len <= len);
                lt_buf_done(&back);
            }
        }
        lt_buf_done(&packed);
    }
    free(data);
}

static void a_stream_with_any_byte_changed_never_passes_as_other_data(void **state)
{
    (void)state;
    const size_t len = 300;
    uint8_t *data = noise(len);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        struct lt_buf packed = LT_BUF_INIT;
        stream_in(codecs[c], data, len, len, &packed);
        for (size_t at = 0; at < packed.len; at++) {
            struct leat_error err;
            struct lt_buf back = LT_BUF_INIT;
            packed.data[at] ^= 0x10;
            int status = stream_out(codecs[c], packed.data, packed.len, 100, &back, &err);
            if (!status) {
                /* Header fields that say nothing about the data: time, system, flags. */
                assert_int_equal(back.len, len);
                assert_memory_equal(back.data, data, len);
            }
            packed.data[at] ^= 0x10;
            lt_buf_done(&back);
        }
        lt_buf_done(&packed);
    }
    free(data);
}

static void several_frames_in_a_row_are_one_stream(void **state)
{
    (void)state;
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        struct leat_error err;
        struct lt_buf packed = LT_BUF_INIT;
        stream_in(codecs[c], "one,", 4, 4, &packed);
        stream_in(codecs[c], "", 0, 1, &packed);
        size_t two = packed.len;
        stream_in(codecs[c], "three", 5, 5, &packed);
        for (size_t step = 1; step < 12; step++) {
            struct lt_buf back = LT_BUF_INIT;
            int status = stream_out(codecs[c], packed.data, packed.len, step, &back, &err);
            assert_int_equal(status, LEAT_OK);
            assert_int_equal(back.len, 9);
            assert_memory_equal(back.data, "one,three", 9);
            lt_buf_done(&back);
        }
        /* Cut inside the last frame, or with something else behind it. */
        struct lt_buf back = LT_BUF_INIT;
        assert_int_equal(stream_out(codecs[c], packed.data, two + 3, 9, &back, &err),
                         LEAT_BAD_DATA);
        assert_int_equal(lt_buf_puts(&packed, "garbage at the end"), LEAT_OK);
        assert_int_equal(stream_out(codecs[c], packed.data, packed.len, 9, &back, &err),
                         LEAT_BAD_DATA);
        lt_buf_done(&back);
        lt_buf_done(&packed);
    }
}

static int failing_write(struct lt_sink *sink, const void *data, size_t size,
                         struct leat_error *err)
{
    (void)sink, (void)data, (void)size;
    return leat_fail(err, LEAT_NO_SPACE, "full");
}

static int finish_never(struct lt_sink *sink, struct leat_error *err)
{
    (void)sink, (void)err;
    fail_msg("the inner sink was finished after a failure");
    return LEAT_OK;
}

/* Bytes that do not shrink, for the room that is made for what is written. */
static uint8_t *chaos(size_t len)
{
    uint8_t *data = malloc(len + 1);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (uint8_t)(x >> 32);
    }
    return data;
}

static void compress_on(enum lt_codec codec, int level, int threads, const uint8_t *data,
                        size_t len, size_t step, struct lt_buf *out)
{
    struct leat_error err;
    struct lt_sink *sink = NULL;
    assert_int_equal(lt_sink_memory(out, &sink, &err), LEAT_OK);
    assert_int_equal(lt_sink_compress(sink, codec, level, threads, &sink, &err), LEAT_OK);
    for (size_t at = 0; at < len; at += step) {
        assert_int_equal(lt_sink_write(sink, data + at, LT_MIN(step, len - at), &err), LEAT_OK);
    }
    assert_int_equal(lt_sink_finish(sink, &err), LEAT_OK);
    lt_sink_close(sink);
}

static void the_bytes_written_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 262143, 262144, 262145, 3000000};
    uint8_t *kinds[] = {noise(3000000), chaos(3000000)};
    for (size_t k = 0; k < LT_ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < LT_ARRAY_LEN(lens); i++) {
            for (int level = 0; level < 2; level++) {
                for (int zstd = 0; zstd < 2; zstd++) {
                    enum lt_codec codec = zstd ? LT_CODEC_ZSTD : LT_CODEC_GZIP;
                    struct lt_buf one = LT_BUF_INIT, many = LT_BUF_INIT, back = LT_BUF_INIT;
                    struct leat_error err;
                    compress_on(codec, level, 1, kinds[k], lens[i], 100000, &one);
                    compress_on(codec, level, 5, kinds[k], lens[i], 777777, &many);
                    assert_int_equal(one.len, many.len);
                    assert_memory_equal(one.data, many.data, one.len);
                    assert_int_equal(stream_out(codec, one.data, one.len, 65536, &back, &err),
                                     LEAT_OK);
                    assert_int_equal(back.len, lens[i]);
                    assert_memory_equal(back.data, kinds[k], lens[i]);
                    lt_buf_done(&one);
                    lt_buf_done(&many);
                    lt_buf_done(&back);
                }
            }
        }
        free(kinds[k]);
    }
}

static void files_without_threads_are_whole_too(void **state)
{
    (void)state;
    uint8_t *data = noise(1000000);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        struct lt_buf packed = LT_BUF_INIT, back = LT_BUF_INIT;
        struct leat_error err;
        compress_on(codecs[c], 0, 0, data, 1000000, 100000, &packed);
        assert_int_equal(stream_out(codecs[c], packed.data, packed.len, 65536, &back, &err),
                         LEAT_OK);
        assert_int_equal(back.len, 1000000);
        assert_memory_equal(back.data, data, 1000000);
        lt_buf_done(&packed);
        lt_buf_done(&back);
    }
    free(data);
}

static int closed;

static void count_close(struct lt_sink *sink)
{
    (void)sink;
    closed++;
}

static void a_failing_inner_sink_fails_the_stream_for_good(void **state)
{
    (void)state;
    static const struct lt_sink_ops ops = {failing_write, finish_never, count_close};
    uint8_t *data = noise(2000000);
    for (size_t c = 0; c < LT_ARRAY_LEN(codecs); c++) {
        struct lt_sink inner = {.ops = &ops, .name = "full.disk"};
        struct lt_sink *sink = NULL;
        struct leat_error err;
        closed = 0;
        assert_int_equal(lt_sink_compress(&inner, codecs[c], 0, 2, &sink, &err), LEAT_OK);
        /* Other threads may have taken some in before it shows. */
        int status = LEAT_OK;
        for (int i = 0; i < 32 && !status; i++) {
            status = lt_sink_write(sink, data, 2000000, &err);
        }
        assert_int_equal(status, LEAT_NO_SPACE);
        assert_int_not_equal(lt_sink_finish(sink, &err), LEAT_OK);
        lt_sink_close(sink);
        assert_int_equal(closed, 1);
        /* A wrapper that cannot be made takes the inner one all the same. */
        assert_int_equal(lt_sink_compress(&inner, codecs[c], 1000, 2, &sink, &err), LEAT_INVALID);
        assert_int_equal(closed, 2);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codecs_are_known_by_name_ending_and_magic),
        cmocka_unit_test(whole_buffers_come_back_and_wrong_sizes_are_refused),
        cmocka_unit_test(no_codec_copies_and_levels_are_checked),
        cmocka_unit_test(streams_come_back_whatever_the_size_of_the_pieces),
        cmocka_unit_test(an_empty_stream_is_a_frame_and_an_empty_file_is_not),
        cmocka_unit_test(a_stream_cut_at_any_byte_is_corrupt_and_names_its_file),
        cmocka_unit_test(a_stream_with_any_byte_changed_never_passes_as_other_data),
        cmocka_unit_test(several_frames_in_a_row_are_one_stream),
        cmocka_unit_test(the_bytes_written_are_the_same_for_any_number_of_threads),
        cmocka_unit_test(files_without_threads_are_whole_too),
        cmocka_unit_test(a_failing_inner_sink_fails_the_stream_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
