/* What can be seen of this process from outside, and the children it starts: no secret may be in
 * arguments, in the environment that others can read, or in a core dump. */
#ifndef LT_PROCESS_H
#define LT_PROCESS_H

#include "core/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* First thing in main(). Returns the arguments as they were given, in memory of their own, and
 * overwrites what is secret in those and in the environment that the system shows to others
 * (/proc/PID/cmdline, /proc/PID/environ); getenv() still gives the values. No core is dumped from
 * now on, unless LEAT_CORE=1. `argv` itself where there is no memory. Never freed. */
char **lt_process_hide(int argc, char **argv);

/* The same later on, for one variable that turned out to be secret; no child gets it any more. From
 * any thread, before its value is read. */
void lt_process_conceal(const char *name);

/* Whether a variable is one that no child gets: LEAT_CONN_*, LEAT_PASSPHRASE, LEAT_KEY*,
 * PGPASSWORD, and any whose value is a URL, or a connection string, with a password. */
bool lt_process_is_secret(const char *name, const char *value);

/* The environment of a child: this one's without secrets, and without those of the names in `keep`
 * (ends with NULL; NULL: none) being taken for secrets; then `add`, lines NAME=VALUE (likewise).
 * What LEAT_CHILD_ENV names, parted by commas, is kept as well. One malloc'ed block; free() it. */
char **lt_process_environment(const char *const *keep, const char *const *add);

/* A command for /bin/sh, in a process group of its own. */
struct lt_child {
    const char *command;
    const char *const *keep; /* see lt_process_environment() */
    const char *const *add;
    const char *input; /* for its standard input; NULL: none, /dev/null */
    size_t input_len;
    int64_t timeout_ms;         /* then its group is killed: LEAT_UNAVAILABLE. <= 0: no limit */
    size_t output_max;          /* more of it is [limit], and its group is killed */
    bool mute;                  /* what it writes to standard error is dropped, else it is ours */
    const volatile int *cancel; /* its group is killed once this is non-zero; NULL: never */
};

/* Runs it to its end. Appends its standard output to `output` (NULL: it is written to our standard
 * error), and gives its exit status, or 128 and the number of the signal that ended it. Fails
 * only when it could not be started, ran too long, said too much, or was cancelled; messages show
 * neither the command nor what it printed. From any thread. */
int lt_child_run(const struct lt_child *child, struct lt_buf *output, int *ret_status,
                 struct leat_error *err);

#endif
