/* Arguments, environment and core dumps: what others can see of this process. */
#include "core/process.h"

#include "core/url.h"
#include "core/util.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/banned.h"

#define KEPT_NAMES "LEAT_CHILD_ENV"
#define CONCEALED_MAX 256

/* --- what is secret --------------------------------------------------------------------------- */

/* A URL with a password, or a connection string with one. */
static bool holds_secret(const char *text)
{
    struct lt_buf redacted = LT_BUF_INIT;
    bool secret = lt_redact(&redacted, text) || strcmp(lt_buf_text(&redacted), text) != 0;
    lt_buf_done(&redacted);
    return secret;
}

/* user/password@place, as Oracle's programs take it: too common in other texts for lt_redact(). */
static bool is_login(const char *text)
{
    const char *slash = strchr(text, '/'), *at = slash ? strchr(slash, '@') : NULL;
    return slash && slash != text && at && at > slash + 1 && !strstr(text, "://");
}

/* Variables that are secret whatever they hold. `prefix`: and all whose names begin so. */
static const struct {
    const char *name;
    bool prefix;
} secret_variables[] = {
    {"LEAT_CONN_", true},
    {"LEAT_KEY_", true},
    {"LEAT_PASSPHRASE", true},
    {"LEAT_NEW_PASSPHRASE", false},
    {"LEAT_EXPORT_PASSPHRASE", false},
    {"PGPASSWORD", false},
    {"HP_AUTH_KEY", true},
};

bool lt_process_is_secret(const char *name, const char *value)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(secret_variables); i++) {
        const char *known = secret_variables[i].name;
        if (secret_variables[i].prefix ? !strncmp(name, known, strlen(known))
                                       : !strcmp(name, known)) {
            return true;
        }
    }
    return holds_secret(value);
}

/* What was concealed later on, by name. Guarded by `mutex`, as is the exchange of lines. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char *concealed[CONCEALED_MAX];
static size_t n_concealed;
/* Where the system put the environment. */
static const char *block_begin, *block_end;

static bool is_concealed(const char *name, size_t len)
{
    bool found = false;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < n_concealed && !found; i++) {
        found = strlen(concealed[i]) == len && !memcmp(concealed[i], name, len);
    }
    pthread_mutex_unlock(&mutex);
    return found;
}

/* --- hiding ----------------------------------------------------------------------------------- */

/* Appends an argument as others may see it, with its NUL. `after` is the one before it, or "". */
static int show_arg(struct lt_buf *shown, const char *after, const char *arg, bool whole)
{
    bool value = !strncmp(after, "--", 2) && !strchr(after, '=') &&
                 lt_is_secret_name(after + 2, strlen(after + 2));
    const char *equals = !strncmp(arg, "--", 2) ? strchr(arg, '=') : NULL;
    int rc;
    if (whole || value || is_login(arg)) {
        rc = lt_buf_puts(shown, "***");
    } else if (equals && lt_is_secret_name(arg + 2, (size_t)(equals - arg) - 2)) {
        rc = lt_buf_append(shown, arg, (size_t)(equals - arg) + 1);
        rc = rc ? rc : lt_buf_puts(shown, "***");
    } else {
        rc = lt_redact(shown, arg);
    }
    return rc ? rc : lt_buf_byte(shown, 0);
}

/* `user login KEY`: what follows these words is a secret that no name tells of. */
static bool is_key_of_login(char *const *argv, int i)
{
    return i >= 3 && !strcmp(argv[i - 1], "login") && !strcmp(argv[i - 2], "user") &&
           argv[i][0] != '-';
}

/* The arguments lie one behind the other, as the system gave them: that whole stretch is written
 * anew, shorter or cut, and the rest is filled with NULs. */
static void hide_arguments(int argc, char **original, char *const *argv)
{
    size_t size = 0;
    for (int i = 0; i < argc; i++) {
        if (original[i] != original[0] + size) {
            return;
        }
        size += strlen(original[i]) + 1;
    }
    struct lt_buf shown = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (int i = 0; !rc && i < argc; i++) {
        rc = show_arg(&shown, i ? argv[i - 1] : "", argv[i], is_key_of_login(argv, i));
    }
    /* Without memory all but the name of the program is gone. */
    size_t from = rc ? strlen(argv[0]) : 0, len = rc ? 0 : LT_MIN(shown.len, size - 1);
    if (size && from < size) {
        memset(original[0] + from, 0, size - from);
        if (len) {
            memcpy(original[0], shown.data, len);
        }
    }
    if (shown.data) {
        explicit_bzero(shown.data, shown.cap);
    }
    lt_buf_done(&shown);
}

/* Only the value of a line that the system made: others may point into the block, and a line that
 * setenv() made is seen by nobody. */
static void hide_line(char **line)
{
    char *value = strchr(*line, '=');
    char *copy = *line >= block_begin && *line < block_end && value ? lt_strdup(*line) : NULL;
    if (copy) {
        char *seen = value + 1;
        __atomic_store_n(line, copy, __ATOMIC_RELEASE);
        memset(seen, '*', strlen(seen));
    }
}

static void hide_environment(void)
{
    block_begin = environ && *environ ? *environ : NULL;
    for (char **line = environ; line && *line; line++) {
        block_begin = LT_MIN(block_begin, *line);
        block_end = LT_MAX(block_end, *line + strlen(*line) + 1);
    }
    for (char **line = environ; line && *line; line++) {
        char *equals = strchr(*line, '=');
        char *name = equals ? lt_strndup(*line, (size_t)(equals - *line)) : NULL;
        if (name && equals[1] &&
            (lt_is_secret_name(name, strlen(name)) || lt_process_is_secret(name, equals + 1))) {
            hide_line(line);
        }
        free(name);
    }
}

void lt_process_conceal(const char *name)
{
    size_t len = strlen(name);
    if (is_concealed(name, len)) {
        return;
    }
    pthread_mutex_lock(&mutex);
    for (char **line = environ; line && *line; line++) {
        if (!strncmp(*line, name, len) && (*line)[len] == '=') {
            hide_line(line);
        }
    }
    if (n_concealed < CONCEALED_MAX && (concealed[n_concealed] = lt_strdup(name))) {
        n_concealed++;
    }
    pthread_mutex_unlock(&mutex);
}

static void forbid_core_dumps(void)
{
    const char *wanted = getenv("LEAT_CORE");
    /* A limit of 1 also keeps the kernel from handing the memory to a program that collects dumps,
     * which a limit of 0 does not (core(5)). Being undumpable would close /dev/fd to `<(...)`. */
    const struct rlimit limit = {1, 1};
    if (!wanted || strcmp(wanted, "1") != 0) {
        setrlimit(RLIMIT_CORE, &limit);
    }
}

char **lt_process_hide(int argc, char **argv)
{
    forbid_core_dumps();
    hide_environment();
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    for (int i = 0; copy && i < argc; i++) {
        if (!(copy[i] = lt_strdup(argv[i]))) {
            while (i-- > 0) {
                free(copy[i]);
            }
            free(copy);
            copy = NULL;
        }
    }
    if (!copy) {
        return argv;
    }
    static char **kept; /* for good: main()'s own pointer may be gone before the process is */
    kept = copy;
    if (argc) {
        hide_arguments(argc, argv, copy);
    }
    return kept;
}

/* --- the environment of children -------------------------------------------------------------- */

/* Whether the list, parted by commas, has this name. */
static bool is_listed(const char *list, const char *name, size_t len)
{
    while (list && *list) {
        size_t n = strcspn(list, ",");
        if (n == len && !memcmp(list, name, len)) {
            return true;
        }
        list += n + (list[n] == ',');
    }
    return false;
}

static bool is_kept(const char *line, const char *const *keep)
{
    const char *equals = strchr(line, '=');
    size_t len = equals ? (size_t)(equals - line) : strlen(line);
    for (; keep && *keep; keep++) {
        if (strlen(*keep) == len && !memcmp(*keep, line, len)) {
            return true;
        }
    }
    if (is_listed(getenv(KEPT_NAMES), line, len)) {
        return true;
    }
    char *name = equals ? lt_strndup(line, len) : NULL;
    bool passes = name && !is_concealed(name, len) && !lt_process_is_secret(name, equals + 1);
    free(name);
    return passes;
}

char **lt_process_environment(const char *const *keep, const char *const *add)
{
    size_t n = 0, bytes = 0, at = 0;
    for (char **line = environ; line && *line; line++, n++) {
        bytes += strlen(*line) + 1;
    }
    for (const char *const *line = add; line && *line; line++, n++) {
        bytes += strlen(*line) + 1;
    }
    char **block = malloc((n + 1) * sizeof *block + bytes);
    if (!block) {
        return NULL;
    }
    char *text = (char *)(block + n + 1);
    for (char **line = environ; line && *line; line++) {
        if (is_kept(*line, keep)) {
            block[at++] = memcpy(text, *line, strlen(*line) + 1);
            text += strlen(*line) + 1;
        }
    }
    for (const char *const *line = add; line && *line; line++) {
        block[at++] = memcpy(text, *line, strlen(*line) + 1);
        text += strlen(*line) + 1;
    }
    block[at] = NULL;
    return block;
}
