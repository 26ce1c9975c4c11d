/* Leases: one holder at a time, and a dead one is noticed. */
#include "leat/state.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 60000
#define SHORT_MS 300
#define OPENINGS 60
#define LOG_BYTES_MAX (512 << 10)

static char path[64];

static int make_path(void **unused)
{
    (void)unused;
    snprintf(path, sizeof path, "/tmp/leat-lease-XXXXXX");
    return mkdtemp(path) ? strlen(strcat(path, "/state.db")) == 0 : -1;
}

static int remove_path(void **unused)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        char file[96];
        snprintf(file, sizeof file, "%s%s", path, endings[i]);
        unlink(file);
    }
    *strrchr(path, '/') = 0;
    return rmdir(path);
}

static struct leat_state *open_store(void)
{
    struct leat_state *state = NULL;
    assert_int_equal(leat_state_open(path, 0, &state, NULL), LEAT_OK);
    return state;
}

static void a_second_holder_is_told_of_the_first(void **unused)
{
    struct leat_state *state = open_store();
    struct leat_lease *lease = NULL, *other = NULL;
    struct leat_error err = {0};
    (void)unused;
    assert_int_equal(leat_lease_take(state, "nightly", LONG_MS, &lease, &err), LEAT_OK);
    assert_int_equal(leat_lease_take(state, "nightly", LONG_MS, &other, &err), LEAT_CONFLICT);
    assert_string_equal(err.code, "lease-held");
    char pid[32];
    snprintf(pid, sizeof pid, "process %d on ", (int)getpid());
    assert_non_null(strstr(err.message, pid));
    assert_int_equal(leat_lease_take(state, "weekly", LONG_MS, &other, &err), LEAT_OK);
    leat_lease_release(other);
    assert_int_equal(leat_lease_check(lease, &err), LEAT_OK);
    leat_lease_release(lease);
    leat_state_close(state);
}

/* SQLite's own checkpoints never let it start over when each process opens the file alone. */
static void a_store_opened_again_and_again_keeps_a_short_log(void **unused)
{
    char log[96];
    struct stat st;
    (void)unused;
    snprintf(log, sizeof log, "%s-wal", path);
    for (int i = 0; i < OPENINGS; i++) {
        struct leat_state *state = open_store();
        struct leat_lease *lease = NULL;
        for (int n = 0; n < 4; n++) {
            assert_int_equal(leat_lease_take(state, "log", LONG_MS, &lease, NULL), LEAT_OK);
            leat_lease_release(lease);
        }
        leat_state_close(state);
        assert_int_equal(stat(log, &st), 0);
        assert_true(st.st_size < LOG_BYTES_MAX);
    }
}

static void a_lease_given_up_is_free_at_once_and_its_fence_grows(void **unused)
{
    struct leat_state *state = open_store();
    int64_t fence = 0;
    (void)unused;
    for (int i = 0; i < 3; i++) {
        struct leat_lease *lease = NULL;
        assert_int_equal(leat_lease_take(state, "fence", LONG_MS, &lease, NULL), LEAT_OK);
        assert_true(leat_lease_fence(lease) > fence);
        fence = leat_lease_fence(lease);
        leat_lease_release(lease);
    }
    leat_state_close(state);
}

static void a_living_holder_keeps_it_past_its_time_and_a_killed_one_loses_it(void **unused)
{
    struct leat_lease *lease = NULL;
    int ready[2];
    char byte = 0;
    (void)unused;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (!child) {
        struct leat_state *own = open_store();
        if (leat_lease_take(own, "killed", SHORT_MS, &lease, NULL) || write(ready[1], "x", 1) < 0) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct leat_state *state = open_store();
    for (int i = 0; i < 6; i++) {
        usleep(SHORT_MS * 1000 / 3);
        assert_int_equal(leat_lease_take(state, "killed", SHORT_MS, &lease, NULL), LEAT_CONFLICT);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    int rc = LEAT_CONFLICT;
    for (int i = 0; i < 100 && rc; i++) {
        usleep(50000);
        rc = leat_lease_take(state, "killed", SHORT_MS, &lease, NULL);
    }
    assert_int_equal(rc, LEAT_OK);
    assert_true(leat_lease_fence(lease) == 2);
    leat_lease_release(lease);
    leat_state_close(state);
    close(ready[0]);
    close(ready[1]);
}

static void a_lease_that_was_taken_away_says_so(void **unused)
{
    struct leat_state *state = open_store();
    struct leat_lease *lease = NULL;
    struct leat_error err = {0};
    (void)unused;
    assert_int_equal(leat_lease_take(state, "", LONG_MS, &lease, &err), LEAT_INVALID);
    assert_int_equal(leat_lease_take(state, "x", 0, &lease, &err), LEAT_INVALID);
    assert_int_equal(leat_lease_take(state, "x", 90, &lease, &err), LEAT_OK);
    /* The tables go: nothing can be renewed any more. */
    assert_int_equal(leat_state_downgrade(state, LEAT_TABLES_LEAT, "base", NULL, NULL, &err), 0);
    int rc = LEAT_OK;
    for (int i = 0; i < 100 && !rc; i++) {
        usleep(20000);
        rc = leat_lease_check(lease, &err);
    }
    assert_int_equal(rc, LEAT_CONFLICT);
    assert_string_equal(err.code, "lease-lost");
    leat_lease_release(lease);
    assert_int_equal(leat_state_upgrade(state, LEAT_TABLES_LEAT, "head", NULL, NULL, NULL), 0);
    leat_state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_holder_is_told_of_the_first),
        cmocka_unit_test(a_lease_given_up_is_free_at_once_and_its_fence_grows),
        cmocka_unit_test(a_living_holder_keeps_it_past_its_time_and_a_killed_one_loses_it),
        cmocka_unit_test(a_lease_that_was_taken_away_says_so),
        cmocka_unit_test(a_store_opened_again_and_again_keeps_a_short_log),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
