/* Running a command to its end (declared in process.h). */
#include "core/process.h"

#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/banned.h"

#define READ_BYTES 4096
#define STEP_MS 20
#define GRACE_MS 200

struct running {
    const struct lt_child *child;
    struct lt_buf *output;
    pid_t pid;
    int in, out; /* our ends; -1: closed */
    size_t input_at;
    int64_t ends_us;
};

/* Ends of pipes that only the child's copies of may outlive us. */
static int open_pipe(int ends[2], struct leat_error *err)
{
    return pipe2(ends, O_CLOEXEC) ? lt_fail_errno(err, errno, "no pipe can be made") : LEAT_OK;
}

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* Signals as a fresh program expects them, a group of its own so that all of it can be ended. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, standard;
    sigemptyset(&none);
    sigemptyset(&standard);
    static const int numbers[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    for (size_t i = 0; i < LT_ARRAY_LEN(numbers); i++) {
        sigaddset(&standard, numbers[i]);
    }
    int fault = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
    fault = fault ? fault : posix_spawnattr_setpgroup(attributes, 0);
    fault = fault ? fault : posix_spawnattr_setsigmask(attributes, &none);
    return fault ? fault : posix_spawnattr_setsigdefault(attributes, &standard);
}

static int set_files(posix_spawn_file_actions_t *actions, const struct lt_child *child, int in,
                     int out)
{
    int fault =
        in >= 0 ? posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO)
                : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    fault = fault ? fault
                  : posix_spawn_file_actions_adddup2(actions, out >= 0 ? out : STDERR_FILENO,
                                                     STDOUT_FILENO);
    if (!fault && child->mute) {
        fault = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    return fault;
}

static int spawn(const struct lt_child *child, int in, int out, pid_t *ret_pid,
                 struct leat_error *err)
{
    char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)child->command, NULL};
    char **env = lt_process_environment(child->keep, child->add);
    if (!env) {
        return lt_fail_oom(err);
    }
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int fault = posix_spawnattr_init(&attributes);
    if (!fault) {
        fault = posix_spawn_file_actions_init(&actions);
        if (!fault) {
            fault = set_attributes(&attributes);
            fault = fault ? fault : set_files(&actions, child, in, out);
            fault =
                fault ? fault : posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, argv, env);
            posix_spawn_file_actions_destroy(&actions);
        }
        posix_spawnattr_destroy(&attributes);
    }
    free(env);
    return fault ? lt_fail_errno(err, fault, "the command cannot be started") : LEAT_OK;
}

static int start(struct running *run, struct leat_error *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int rc = run->child->input ? open_pipe(in, err) : LEAT_OK;
    rc = rc || !run->output ? rc : open_pipe(out, err);
    rc = rc ? rc : spawn(run->child, in[0], out[1], &run->pid, err);
    close_end(&in[0]);
    close_end(&out[1]);
    if (rc) {
        close_end(&in[1]);
        close_end(&out[0]);
        return rc;
    }
    if (in[1] >= 0) {
        fcntl(in[1], F_SETFL, O_NONBLOCK);
    }
    run->in = in[1];
    run->out = out[0];
    return LEAT_OK;
}

/* Gives it what fits now. A reader that has gone needs no more (SIGPIPE is blocked meanwhile). */
static void feed(struct running *run)
{
    size_t left = run->child->input_len - run->input_at;
    ssize_t n = left ? write(run->in, run->child->input + run->input_at, left) : 0;
    if (n > 0) {
        run->input_at += (size_t)n;
    }
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || run->input_at == run->child->input_len) {
        close_end(&run->in);
    }
}

static int take(struct running *run, struct leat_error *err)
{
    if (lt_buf_reserve(run->output, READ_BYTES)) {
        return lt_fail_oom(err);
    }
    ssize_t n = read(run->out, run->output->data + run->output->len, READ_BYTES);
    if (n < 0 && errno != EINTR) {
        return lt_fail_errno(err, errno, "what the command prints cannot be read");
    }
    if (!n) {
        close_end(&run->out);
    }
    run->output->len += n > 0 ? (size_t)n : 0;
    run->output->data[run->output->len] = 0;
    return run->output->len > run->child->output_max
               ? lt_fail(err, LT_E_LIMIT, "the command printed more than %zu bytes",
                         run->child->output_max)
               : LEAT_OK;
}

static int check_time(const struct running *run, struct leat_error *err)
{
    if (run->child->cancel && __atomic_load_n(run->child->cancel, __ATOMIC_ACQUIRE)) {
        return lt_fail(err, LT_E_CANCELLED, "the command was stopped");
    }
    return run->ends_us && lt_now_us() > run->ends_us
               ? lt_fail(err, LT_E_UNAVAILABLE, "the command ran longer than %lld s",
                         (long long)(run->child->timeout_ms / 1000))
               : LEAT_OK;
}

/* Until it has ended: its pipes may stay open in what it left in the background. */
static int attend(struct running *run, int *ret_wait, struct leat_error *err)
{
    int rc = LEAT_OK;
    bool ended = false;
    while (!rc && (!ended || run->out >= 0)) {
        struct pollfd fds[] = {{.fd = run->in, .events = POLLOUT},
                               {.fd = run->out, .events = POLLIN}};
        int n = poll(fds, LT_ARRAY_LEN(fds), run->out < 0 ? 1 : STEP_MS);
        if (n > 0 && fds[0].revents) {
            feed(run);
        }
        if (n > 0 && fds[1].revents) {
            rc = take(run, err);
        } else if (ended) {
            break;
        }
        pid_t done = ended ? 0 : waitpid(run->pid, ret_wait, WNOHANG);
        if (done == run->pid) {
            run->pid = -1;
            ended = true;
        } else if (done < 0 && errno != EINTR) { /* a program that ignores SIGCHLD has no status */
            return lt_fail(err, LT_E_UNAVAILABLE, "how the command ended cannot be told");
        }
        rc = rc ? rc : check_time(run, err);
    }
    return rc;
}

/* Asks all of the group to end, then ends it. */
static void stop(struct running *run)
{
    kill(-run->pid, SIGTERM);
    for (int64_t waited = 0; waited < GRACE_MS; waited += STEP_MS) {
        if (waitpid(run->pid, NULL, WNOHANG) == run->pid) {
            kill(-run->pid, SIGKILL);
            return;
        }
        lt_sleep_ms(STEP_MS, NULL);
    }
    kill(-run->pid, SIGKILL);
    waitpid(run->pid, NULL, 0);
}

int lt_child_run(const struct lt_child *child, struct lt_buf *output, int *ret_status,
                 struct leat_error *err)
{
    struct running run = {.child = child, .output = output, .pid = -1, .in = -1, .out = -1};
    sigset_t pipe_signal, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    run.ends_us = child->timeout_ms > 0 ? lt_now_us() + child->timeout_ms * 1000 : 0;
    int rc = start(&run, err), waited = 0;
    if (rc) {
        return rc;
    }
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    rc = attend(&run, &waited, err);
    if (rc && run.pid > 0) {
        stop(&run);
    }
    /* What feed() raised is gone before the signal is let through again. */
    while (sigtimedwait(&pipe_signal, NULL, &(struct timespec){0}) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close_end(&run.in);
    close_end(&run.out);
    if (!rc) {
        *ret_status = WIFSIGNALED(waited) ? 128 + WTERMSIG(waited) : WEXITSTATUS(waited);
    }
    return rc;
}
