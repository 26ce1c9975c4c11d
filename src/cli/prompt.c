#include "cli/prompt.h"

#include "core/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#define TRIES_MAX 3

/* Signals that would leave the terminal without echo. */
static const int guarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM};
#define N_GUARDED (sizeof guarded / sizeof guarded[0])

static volatile sig_atomic_t caught[N_GUARDED];

static void on_signal(int number)
{
    for (size_t i = 0; i < N_GUARDED; i++) {
        if (guarded[i] == number) {
            caught[i] = 1;
        }
    }
}

void cli_secret_free(char *text)
{
    lt_crypt_free_text(text);
}

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

bool cli_can_ask(void)
{
    int fd = open_terminal();
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void say(int fd, const char *text)
{
    while (*text) {
        ssize_t n = write(fd, text, strlen(text));
        if (n < 0 && errno != EINTR) {
            return;
        }
        text += n > 0 ? n : 0;
    }
}

/* Waits for a key. Signals are blocked but in here, so that none comes between looking and waiting.
 * False when one came. */
static bool wait_key(int fd, const sigset_t *waiting)
{
    struct pollfd key = {.fd = fd, .events = POLLIN};
    return ppoll(&key, 1, NULL, waiting) > 0;
}

/* Up to the end of the line. LEAT_CANCELLED at the end of the input, or by a signal. */
static int read_line(int fd, const sigset_t *waiting, char line[CLI_LINE_MAX + 1],
                     struct leat_error *err)
{
    size_t len = 0;
    int rc = -1;
    while (rc < 0) {
        char c;
        if (!wait_key(fd, waiting) || read(fd, &c, 1) <= 0) {
            rc = leat_fail(err, LEAT_CANCELLED, "no answer was given");
        } else if (c == '\n') {
            line[len] = 0;
            rc = LEAT_OK;
        } else if (len == CLI_LINE_MAX) {
            rc = leat_fail(err, LEAT_INVALID, "an answer has at most %d bytes", CLI_LINE_MAX);
        } else {
            line[len++] = c;
        }
    }
    return rc;
}

/* Signals are caught while the terminal is without echo, and raised again once it is as it was. The
 * echo ends before the question is put: an answer that comes at once is neither seen nor lost. */
static int read_hidden(int fd, const char *prompt, const sigset_t *waiting,
                       char line[CLI_LINE_MAX + 1], struct leat_error *err)
{
    struct termios before, hidden;
    struct sigaction action = {.sa_handler = on_signal}, old[N_GUARDED];
    memset((void *)(uintptr_t)caught, 0, sizeof caught);
    if (tcgetattr(fd, &before)) {
        return leat_fail_as(err, LEAT_UNSUPPORTED, "no-terminal",
                            "the terminal has no echo to stop");
    }
    for (size_t i = 0; i < N_GUARDED; i++) {
        sigaction(guarded[i], &action, &old[i]);
    }
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    tcsetattr(fd, TCSAFLUSH, &hidden);
    say(fd, prompt);
    say(fd, ": ");
    int rc = read_line(fd, waiting, line, err);
    tcsetattr(fd, TCSADRAIN, &before);
    say(fd, "\n");
    for (size_t i = 0; i < N_GUARDED; i++) {
        sigaction(guarded[i], &old[i], NULL);
    }
    for (size_t i = 0; i < N_GUARDED; i++) {
        if (caught[i]) {
            raise(guarded[i]);
        }
    }
    return rc;
}

/* after: what stands behind the prompt; NULL: the answer is a secret. */
static int ask_line(const char *prompt, const char *after, char **ret_text, struct leat_error *err)
{
    char line[CLI_LINE_MAX + 1];
    int fd = open_terminal();
    if (fd < 0) {
        return leat_fail_as(err, LEAT_UNSUPPORTED, "no-terminal",
                            "there is no terminal to ask on: %s", prompt);
    }
    sigset_t held, before;
    sigemptyset(&held);
    for (size_t i = 0; i < N_GUARDED; i++) {
        sigaddset(&held, guarded[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &before);
    int rc;
    if (after) {
        say(fd, prompt);
        say(fd, after);
        rc = read_line(fd, &before, line, err);
    } else {
        rc = read_hidden(fd, prompt, &before, line, err);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (!rc && !(*ret_text = strdup(line))) {
        rc = leat_fail(err, LEAT_NO_MEMORY, "out of memory");
    }
    lt_crypt_clear(line, sizeof line);
    close(fd);
    return rc;
}

int cli_ask_secret(const char *prompt, char **ret_text, struct leat_error *err)
{
    return ask_line(prompt, NULL, ret_text, err);
}

int cli_ask_new_secret(const char *prompt, char **ret_text, struct leat_error *err)
{
    const char *said = "";
    for (int i = 0; i < TRIES_MAX; i++) {
        char *first = NULL, *again = NULL, text[CLI_LINE_MAX];
        snprintf(text, sizeof text, "%s%s", said, prompt);
        int rc = cli_ask_secret(text, &first, err);
        bool empty = !rc && !*first;
        rc = rc || empty ? rc : cli_ask_secret("The same once more", &again, err);
        bool same = !rc && !empty && !strcmp(first, again);
        cli_secret_free(again);
        if (same) {
            *ret_text = first;
            return LEAT_OK;
        }
        cli_secret_free(first);
        if (rc) {
            return rc;
        }
        said = empty ? "It must not be empty. " : "They are not the same. ";
    }
    return leat_fail(err, LEAT_INVALID, "the two answers were never the same");
}

int cli_ask(const char *prompt, const char *fallback, char **ret_text, struct leat_error *err)
{
    char after[CLI_LINE_MAX];
    snprintf(after, sizeof after, fallback && *fallback ? " [%s]: " : ": ", fallback);
    for (;;) {
        char *text = NULL;
        int rc = ask_line(prompt, after, &text, err);
        if (rc || *text) {
            *ret_text = rc ? *ret_text : text;
            return rc;
        }
        free(text);
        if (fallback) {
            *ret_text = strdup(fallback);
            return *ret_text ? LEAT_OK : leat_fail(err, LEAT_NO_MEMORY, "out of memory");
        }
    }
}

/* Its number, its name, or the beginning of just one name; -1: none. */
static long chosen(const char *const *choices, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10), found = -1;
    size_t len = strlen(text);
    for (long i = 0; choices[i]; i++) {
        if ((!*end && number == i + 1) || !strcasecmp(choices[i], text)) {
            return i;
        }
        if (!strncasecmp(choices[i], text, len)) {
            if (found >= 0) {
                return -1;
            }
            found = i;
        }
    }
    return found;
}

int cli_ask_choice(const char *prompt, const char *const *choices, size_t fallback,
                   size_t *ret_choice, struct leat_error *err)
{
    char text[CLI_LINE_MAX];
    int len = snprintf(text, sizeof text, "%s\n", prompt);
    for (size_t i = 0; choices[i] && len >= 0 && (size_t)len < sizeof text; i++) {
        len += snprintf(text + len, sizeof text - (size_t)len, "  %zu %s\n", i + 1, choices[i]);
    }
    if (len >= 0 && (size_t)len < sizeof text) {
        snprintf(text + len, sizeof text - (size_t)len, "Number or name");
    }
    for (;;) {
        char *answer = NULL;
        int rc = cli_ask(text, choices[fallback], &answer, err);
        long choice = rc ? -1 : chosen(choices, answer);
        free(answer);
        if (rc || choice >= 0) {
            *ret_choice = rc ? *ret_choice : (size_t)choice;
            return rc;
        }
    }
}

int cli_ask_yes(const char *prompt, bool fallback, bool *ret_yes, struct leat_error *err)
{
    for (;;) {
        char *answer = NULL;
        int rc = ask_line(prompt, fallback ? " [Y/n] " : " [y/N] ", &answer, err);
        char c = rc ? 0 : answer[0];
        free(answer);
        if (rc) {
            return rc;
        }
        if (!c || strchr("yYnN", c)) {
            *ret_yes = c ? c == 'y' || c == 'Y' : fallback;
            return LEAT_OK;
        }
        fputs("y or n, please\n", stderr);
    }
}

int cli_ask_for_vault(void *arg, const char *prompt, char **ret_text, struct leat_error *err)
{
    (void)arg;
    return cli_ask_secret(prompt, ret_text, err);
}
