#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/util.h"
#include "engine/parts.h"
#include "engine/resume.h"
#include "io/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART(partition, number) ((uint32_t)(partition) << LT_PART_BITS | (number))

/* --- parts that an earlier run sealed ------------------------------------------------------- */

static int take(struct lt_parts *parts, const uint32_t *numbers, size_t n)
{
    struct leat_receipt receipts[8] = {{0}};
    for (size_t i = 0; i < n; i++) {
        receipts[i].id.part = numbers[i];
        receipts[i].rows_inserted = 10 + (int64_t)i;
    }
    return lt_parts_take(parts, receipts, n, NULL);
}

static void ordered_parts_go_on_within_the_last_partition(void **state)
{
    (void)state;
    const uint32_t numbers[] = {PART(0, 0), PART(0, 1), PART(2, 0)};
    struct lt_parts parts = {.ordered = true};
    assert_int_equal(take(&parts, numbers, 3), LEAT_OK);
    assert_int_equal(parts.first, 2);
    assert_int_equal(parts.rows_earlier, 33);
    assert_int_equal(parts.rows_unread, 21);
    lt_parts_done(&parts);
}

static void parts_without_order_go_on_behind_the_last_partition(void **state)
{
    (void)state;
    const uint32_t numbers[] = {PART(0, 0), PART(1, 0)};
    struct lt_parts parts = {.ordered = false};
    assert_int_equal(take(&parts, numbers, 2), LEAT_OK);
    assert_int_equal(parts.first, 2);
    assert_int_equal(parts.rows_unread, 21);
    lt_parts_done(&parts);
}

static void parts_that_are_to_be_verified_are_read_from_the_first(void **state)
{
    (void)state;
    const uint32_t numbers[] = {PART(0, 0), PART(1, 0)};
    struct lt_parts parts = {.reads_all = true};
    assert_int_equal(take(&parts, numbers, 2), LEAT_OK);
    assert_int_equal(parts.first, 0);
    assert_int_equal(parts.rows_unread, 0);
    lt_parts_done(&parts);
}

static void parts_with_gaps_are_refused(void **state)
{
    (void)state;
    static const uint32_t wrong[][2] = {{PART(0, 1), PART(0, 2)},
                                        {PART(0, 0), PART(0, 2)},
                                        {PART(0, 0), PART(1, 1)},
                                        {PART(1, 0), PART(0, 0)},
                                        {PART(0, 0), PART(0, 0)}};
    for (size_t i = 0; i < LT_ARRAY_LEN(wrong); i++) {
        struct lt_parts parts = {.ordered = true};
        assert_int_equal(take(&parts, wrong[i], 2), LEAT_BAD_DATA);
        lt_parts_done(&parts);
    }
}

/* --- texts ---------------------------------------------------------------------------------- */

static void difference_of_two_texts_names_the_first_that_counts(void **state)
{
    (void)state;
    static const char here[] = "{\"leat\":\"1\",\"source\":\"a\",\"options\":\"x\"}";
    assert_non_null(
        strstr(lt_resume_difference(here, "{\"leat\":\"1\",\"source\":\"b\",\"options\":\"x\"}"),
               "source has changed"));
    assert_non_null(
        strstr(lt_resume_difference(here, "{\"leat\":\"1\",\"source\":\"a\",\"options\":\"y\"}"),
               "other options"));
    assert_non_null(
        strstr(lt_resume_difference(here, "{\"leat\":\"0\",\"source\":\"b\",\"options\":\"y\"}"),
               "another version"));
    assert_non_null(strstr(lt_resume_difference(here, "no JSON"), "cannot be told"));
}

/* --- files ---------------------------------------------------------------------------------- */

static char *identity(const char *path, bool may_lack)
{
    struct lt_buf text = LT_BUF_INIT;
    char *taken = lt_file_identity(path, may_lack, &text, NULL) ? NULL : lt_buf_take(&text);
    lt_buf_done(&text);
    return taken;
}

static void write_at(const char *path, off_t at, const char *bytes)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), (ssize_t)strlen(bytes));
    close(fd);
}

static void identity_of_a_file_changes_with_its_bytes_even_at_the_same_time(void **state)
{
    (void)state;
    char path[] = "/tmp/leat-identity-XXXXXX";
    close(mkstemp(path));
    assert_int_equal(truncate(path, 3 << 20), 0);
    struct stat st;
    static const off_t places[] = {0, 1000, (3 << 20) - 3};
    for (size_t i = 0; i < LT_ARRAY_LEN(places); i++) {
        assert_int_equal(stat(path, &st), 0);
        char *before = identity(path, false), *again = identity(path, false);
        assert_string_equal(before, again);
        write_at(path, places[i], "xy");
        assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){st.st_atim, st.st_mtim}, 0),
                         0);
        char *after = identity(path, false);
        assert_string_not_equal(before, after);
        free(before);
        free(again);
        free(after);
    }
    unlink(path);
}

static void identity_of_what_may_lack_is_the_same_for_nothing_and_for_no_bytes(void **state)
{
    (void)state;
    char path[] = "/tmp/leat-identity-XXXXXX";
    close(mkstemp(path));
    char *empty = identity(path, true);
    unlink(path);
    char *gone = identity(path, true);
    assert_string_equal(empty, gone);
    assert_null(identity(path, false));
    assert_null(identity("/tmp", false));
    free(empty);
    free(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordered_parts_go_on_within_the_last_partition),
        cmocka_unit_test(parts_without_order_go_on_behind_the_last_partition),
        cmocka_unit_test(parts_that_are_to_be_verified_are_read_from_the_first),
        cmocka_unit_test(parts_with_gaps_are_refused),
        cmocka_unit_test(difference_of_two_texts_names_the_first_that_counts),
        cmocka_unit_test(identity_of_a_file_changes_with_its_bytes_even_at_the_same_time),
        cmocka_unit_test(identity_of_what_may_lack_is_the_same_for_nothing_and_for_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
