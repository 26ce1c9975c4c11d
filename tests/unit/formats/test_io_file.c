/* Local files and pipes as sources and sinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "io/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char path[128];
static char other[128];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/leat-test-XXXXXX");
    if (!mkdtemp(dir)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(dir);
}

static void put_file(const char *name, const void *data, size_t len)
{
    struct lt_sink *sink;
    assert_int_equal(lt_sink_file(name, NULL, &sink, NULL), LEAT_OK);
    assert_int_equal(lt_sink_write(sink, data, len, NULL), LEAT_OK);
    assert_int_equal(lt_sink_finish(sink, NULL), LEAT_OK);
    assert_int_equal(sink->position, (int64_t)len);
    lt_sink_close(sink);
}

static void file_gives_back_what_was_written_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 4095, LT_FILE_BUFFER - 1, 3, LT_FILE_BUFFER + 7, 2};
    struct lt_file_options options = {.exclusive = true, .durable = true};
    struct lt_sink *sink;
    struct lt_source *source;
    size_t total = 0, got = 0, len;
    uint8_t *data = malloc(4 * LT_FILE_BUFFER), *back = malloc(4 * LT_FILE_BUFFER);
    assert_true(data && back);
    for (size_t i = 0; i < 4 * LT_FILE_BUFFER; i++) {
        data[i] = (uint8_t)(i * 31 >> 3);
    }
    assert_int_equal(lt_sink_file(path, &options, &sink, NULL), LEAT_OK);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(lt_sink_write(sink, data + total, pieces[i], NULL), LEAT_OK);
        total += pieces[i];
    }
    assert_int_equal(lt_sink_finish(sink, NULL), LEAT_OK);
    lt_sink_close(sink);

    assert_int_equal(lt_source_file(path, NULL, &source, NULL), LEAT_OK);
    assert_int_equal(source->size, (int64_t)total);
    for (size_t i = 0;; i++) {
        assert_int_equal(lt_source_read(source, back + got, pieces[i % 6], &len, NULL), LEAT_OK);
        if (!len) {
            break;
        }
        got += len;
    }
    assert_int_equal(got, total);
    assert_int_equal(source->position, (int64_t)total);
    assert_memory_equal(back, data, total);
    assert_int_equal(source->ops->read_at(source, 5000, back, 100, NULL), LEAT_OK);
    assert_memory_equal(back, data + 5000, 100);
    assert_int_equal(source->ops->read_at(source, (int64_t)total - 1, back, 2, NULL),
                     LEAT_BAD_DATA);
    lt_source_close(source);
    free(data);
    free(back);
}

static void file_open_fails_by_what_is_wrong(void **state)
{
    (void)state;
    struct leat_error *err = leat_error_new();
    struct lt_source *source = NULL;
    struct lt_sink *sink = NULL;
    assert_non_null(err);
    assert_int_equal(lt_source_file(path, NULL, &source, err), LEAT_NOT_FOUND);
    assert_string_equal(err->place, path);
    assert_int_equal(lt_source_file(dir, NULL, &source, err), LEAT_INVALID);
    assert_string_equal(err->message, "is a directory");
    assert_int_equal(lt_sink_file(dir, NULL, &sink, err), LEAT_INVALID);
    assert_string_equal(err->message, "is a directory");
    put_file(path, "x", 1);
    assert_int_equal(lt_sink_file(path, &(struct lt_file_options){.exclusive = true}, &sink, err),
                     LEAT_INVALID);
    assert_null(source);
    assert_null(sink);
    leat_error_free(err);
}

static void file_full_disk_is_no_space(void **state)
{
    (void)state;
    struct leat_error *err = leat_error_new();
    struct lt_sink *sink;
    assert_non_null(err);
    if (!access("/dev/full", W_OK)) {
        assert_int_equal(lt_sink_file("/dev/full", NULL, &sink, err), LEAT_OK);
        assert_int_equal(lt_sink_write(sink, "x", 1, err), LEAT_OK);
        assert_int_equal(lt_sink_finish(sink, err), LEAT_NO_SPACE);
        assert_string_equal(err->code, "no-space");
        assert_string_equal(err->place, "/dev/full");
        lt_sink_close(sink);
    }
    leat_error_free(err);
}

static void file_pipe_whose_reader_left_is_an_error_without_a_signal(void **state)
{
    (void)state;
    struct leat_error *err = leat_error_new();
    struct lt_sink *sink;
    assert_non_null(err);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(lt_sink_file(path, NULL, &sink, err), LEAT_OK);
    close(reader);
    assert_int_equal(lt_sink_write(sink, "x", 1, err), LEAT_OK);
    assert_int_equal(lt_sink_finish(sink, err), LEAT_UNAVAILABLE);
    assert_non_null(strstr(err->message, "gone away"));
    lt_sink_close(sink);
    leat_error_free(err);
}

static int count_down(void *arg)
{
    return --*(int *)arg < 0;
}

static void file_read_of_a_silent_pipe_ends_when_cancelled(void **state)
{
    (void)state;
    int rounds = 2;
    struct lt_file_options options = {.cancelled = count_down, .cancelled_arg = &rounds};
    struct lt_source *source;
    uint8_t byte;
    size_t len;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(lt_source_file(path, &options, &source, NULL), LEAT_OK);
    assert_null(source->ops->read_at);
    assert_int_equal(source->size, -1);
    assert_int_equal(lt_source_read(source, &byte, 1, &len, NULL), LEAT_CANCELLED);
    lt_source_close(source);
}

static void file_that_shrinks_while_read_is_cut_not_ended(void **state)
{
    (void)state;
    struct leat_error *err = leat_error_new();
    struct lt_source *source;
    uint8_t data[100];
    size_t len;
    assert_non_null(err);
    put_file(path, "0123456789", 10);
    assert_int_equal(lt_source_file(path, NULL, &source, NULL), LEAT_OK);
    assert_int_equal(truncate(path, 4), 0);
    assert_int_equal(lt_source_read(source, data, sizeof data, &len, NULL), LEAT_OK);
    assert_int_equal(len, 4);
    assert_int_equal(lt_source_read(source, data, sizeof data, &len, err), LEAT_UNAVAILABLE);
    assert_string_equal(err->code, "source-cut");
    lt_source_close(source);
    leat_error_free(err);
}

static void file_replace_puts_the_new_one_in_place_with_the_old_permissions(void **state)
{
    (void)state;
    struct stat st;
    struct lt_source *source;
    char data[8];
    size_t len;
    put_file(path, "old", 3);
    assert_int_equal(chmod(path, 0640), 0);
    put_file(other, "new!", 4);
    assert_int_equal(lt_file_replace(other, path, NULL), LEAT_OK);
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(lt_source_file(path, NULL, &source, NULL), LEAT_OK);
    assert_int_equal(lt_source_read(source, data, sizeof data, &len, NULL), LEAT_OK);
    assert_int_equal(len, 4);
    assert_memory_equal(data, "new!", 4);
    lt_source_close(source);
    assert_int_equal(lt_file_replace(other, path, NULL), LEAT_NOT_FOUND);
}

/* What the failed write dropped is missing: the file must not be called whole after it. */
static void file_is_not_finished_after_a_write_that_failed(void **state)
{
    (void)state;
    struct lt_sink *sink;
    assert_int_equal(access("/dev/full", W_OK), 0);
    uint8_t *data = calloc(1, LT_FILE_BUFFER);
    assert_non_null(data);
    assert_int_equal(lt_sink_file("/dev/full", NULL, &sink, NULL), LEAT_OK);
    assert_int_equal(lt_sink_write(sink, data, 10, NULL), LEAT_OK);
    assert_int_not_equal(lt_sink_write(sink, data, LT_FILE_BUFFER, NULL), LEAT_OK);
    assert_int_not_equal(lt_sink_finish(sink, NULL), LEAT_OK);
    lt_sink_close(sink);
    free(data);
}

static struct lt_source *pipe_source(const void *data, size_t len)
{
    struct lt_source *source;
    put_file(other, data, len);
    assert_int_equal(lt_source_file(other, NULL, &source, NULL), LEAT_OK);
    return source;
}

static void spool_gives_the_rest_of_a_source_at_any_offset_and_leaves_no_name(void **state)
{
    (void)state;
    char data[16];
    size_t len;
    assert_int_equal(setenv("TMPDIR", dir, 1), 0);
    struct lt_source *source = pipe_source("0123456789", 10);
    assert_int_equal(lt_source_read(source, data, 3, &len, NULL), LEAT_OK);
    assert_int_equal(lt_source_spool(source, NULL, &source, NULL), LEAT_OK);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(source->size, 7);
    assert_string_equal(source->name, other);
    assert_int_equal(source->ops->read_at(source, 5, data, 2, NULL), LEAT_OK);
    assert_memory_equal(data, "89", 2);
    assert_int_equal(source->ops->read_at(source, 6, data, 2, NULL), LEAT_BAD_DATA);
    assert_int_equal(source->ops->read_at(source, -1, data, 1, NULL), LEAT_BAD_DATA);
    assert_int_equal(lt_source_read_full(source, data, sizeof data, &len, NULL), LEAT_OK);
    assert_int_equal(len, 7);
    assert_memory_equal(data, "3456789", 7);
    lt_source_close(source);
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

static void spool_where_nothing_can_be_made_says_tmpdir(void **state)
{
    (void)state;
    struct leat_error *err = leat_error_new();
    struct lt_source *source = pipe_source("x", 1);
    assert_int_equal(setenv("TMPDIR", "/proc/1", 1), 0);
    assert_int_not_equal(lt_source_spool(source, NULL, &source, err), LEAT_OK);
    assert_non_null(strstr(err->remedy, "TMPDIR"));
    assert_string_equal(err->place, other);
    assert_int_equal(unsetenv("TMPDIR"), 0);
    leat_error_free(err);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, drop_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(file_gives_back_what_was_written_in_pieces_of_any_size),
        FILE_TEST(file_open_fails_by_what_is_wrong),
        FILE_TEST(file_full_disk_is_no_space),
        cmocka_unit_test(file_is_not_finished_after_a_write_that_failed),
        FILE_TEST(file_pipe_whose_reader_left_is_an_error_without_a_signal),
        FILE_TEST(file_read_of_a_silent_pipe_ends_when_cancelled),
        FILE_TEST(file_that_shrinks_while_read_is_cut_not_ended),
        FILE_TEST(spool_gives_the_rest_of_a_source_at_any_offset_and_leaves_no_name),
        FILE_TEST(spool_where_nothing_can_be_made_says_tmpdir),
        FILE_TEST(file_replace_puts_the_new_one_in_place_with_the_old_permissions),
    };
    return cmocka_run_group_tests_name("io_file", tests, NULL, NULL);
}
