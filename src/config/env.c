/* Env files and where variables come from.
 *
 * A .env that merely lies in the working directory may have come with somebody else's files. So it
 * can name places, secrets of its own and options, but runs nothing, and what decides whom leat
 * trusts stays out of its reach: no library, key, vault or service file, no weaker TLS; and what is
 * no variable of leat or libpq is seen by leat alone, never by a library or a program it starts. A
 * file that was named (--env-file) is the user's word and sets anything. */
#include "config/env.h"

#include "leat/config.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOUND_FILE ".env"

/* A variable that an env file gave. */
struct variable {
    char *name;
    char *value; /* NULL: it stands in the process's environment */
    char *origin;
};

static struct variable *variables;
static size_t n_variables;

struct reading {
    const char *path;
    bool found; /* not named by the user */
};

/* What a .env that was found must not set, though it is leat's or libpq's. */
static const char *const kept_out[] = {
    "LEAT_PLUGIN_PATH",       "LEAT_KEY_FILE",  "LEAT_VAULT",   "LEAT_PASSPHRASE",
    "LEAT_ENV_FILE",          "LEAT_CHILD_ENV", "LEAT_KEYRING", "LEAT_NEW_PASSPHRASE",
    "LEAT_EXPORT_PASSPHRASE", "LEAT_CORE"};

/* Those of libpq that say where and as whom, and neither whom to trust nor what file to read. */
static const char *const of_libpq[] = {
    "PGHOST",     "PGHOSTADDR",  "PGPORT",    "PGDATABASE",        "PGUSER",
    "PGPASSWORD", "PGOPTIONS",   "PGAPPNAME", "PGCONNECT_TIMEOUT", "PGTARGETSESSIONATTRS",
    "PGTZ",       "PGDATESTYLE", "PGSSLMODE"};
static const char *const strict_sslmodes[] = {"require", "verify-ca", "verify-full"};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

enum reach { REACH_NOBODY, REACH_LEAT, REACH_PROCESS };

/* How far a variable of a .env that was found may go. */
static enum reach reach_of(const char *name, const char *value)
{
    if (strstr(value, "${cmd:") || strstr(value, "${file:")) {
        return REACH_NOBODY;
    }
    if (!strncmp(name, "LEAT_", 5)) {
        return is_one_of(name, kept_out, LT_ARRAY_LEN(kept_out)) ? REACH_NOBODY : REACH_PROCESS;
    }
    if (strncmp(name, "PG", 2)) {
        return REACH_LEAT;
    }
    bool weak = !strcmp(name, "PGSSLMODE") &&
                !is_one_of(value, strict_sslmodes, LT_ARRAY_LEN(strict_sslmodes));
    return !weak && is_one_of(name, of_libpq, LT_ARRAY_LEN(of_libpq)) ? REACH_PROCESS
                                                                      : REACH_NOBODY;
}

static struct variable *variable_named(const char *name)
{
    for (size_t i = 0; i < n_variables; i++) {
        if (!strcmp(variables[i].name, name)) {
            return &variables[i];
        }
    }
    return NULL;
}

/* The row of a variable, made when it is not there. NULL without memory. */
static struct variable *variable_row(const char *name)
{
    struct variable *row = variable_named(name);
    if (row) {
        return row;
    }
    struct variable *rows = realloc(variables, (n_variables + 1) * sizeof *rows);
    char *copy = lt_strdup(name);
    variables = rows ? rows : variables;
    if (!rows || !copy) {
        free(copy);
        return NULL;
    }
    rows[n_variables] = (struct variable){.name = copy};
    return &rows[n_variables++];
}

static int keep(const struct reading *reading, const char *name, const char *value, int line,
                enum reach reach, struct leat_error *err)
{
    struct variable *row = variable_row(name);
    char *origin = lt_format("%s:%d", reading->path, line);
    char *copy = reach == REACH_LEAT ? lt_strdup(value) : NULL;
    if (!row || !origin || (reach == REACH_LEAT && !copy) ||
        (reach == REACH_PROCESS && setenv(name, value, 1))) {
        free(origin);
        free(copy);
        return lt_fail_oom(err);
    }
    free(row->origin);
    free(row->value);
    row->origin = origin;
    row->value = copy;
    return LEAT_OK;
}

static int take_variable(void *arg, const char *name, const char *value, int line,
                         struct leat_error *err)
{
    const struct reading *reading = arg;
    if (n_variables >= LT_ENV_VARIABLES_MAX) {
        return lt_fail(err, LT_E_LIMIT, "env files set more than %u variables",
                       LT_ENV_VARIABLES_MAX);
    }
    if (getenv(name) && !variable_named(name)) {
        return LEAT_OK;
    }
    enum reach reach = reading->found ? reach_of(name, value) : REACH_PROCESS;
    if (reach == REACH_NOBODY) {
        lt_log(LT_LOG_WARN,
               "%s:%d: %s is not taken from a file that was only found; set it in the environment, "
               "or say --env-file %s",
               reading->path, line, name, reading->path);
        return LEAT_OK;
    }
    return keep(reading, name, value, line, reach, err);
}

static int read_text(int fd, struct lt_buf *text, struct leat_error *err)
{
    char bytes[4096];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return lt_fail_errno(err, errno, "it cannot be read");
        }
        if (text->len + (size_t)got > LT_ENV_FILE_BYTES_MAX) {
            return lt_fail(err, LT_E_LIMIT, "it is larger than %u bytes", LT_ENV_FILE_BYTES_MAX);
        }
        if (lt_buf_append(text, bytes, (size_t)got)) {
            return lt_fail_oom(err);
        }
    }
    explicit_bzero(bytes, sizeof bytes);
    return LEAT_OK;
}

/* Whether a .env that was found is the user's own. Others could write it in a shared directory. */
static bool is_own(int fd)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        return false;
    }
    const char *why = st.st_uid != geteuid() && st.st_uid != 0 ? "it belongs to another user"
                      : st.st_mode & S_IWOTH                   ? "everybody may write it"
                                                               : NULL;
    if (why) {
        lt_log(LT_LOG_WARN,
               FOUND_FILE " is not read: %s; say --env-file " FOUND_FILE " if it is meant", why);
    }
    return !why;
}

int leat_env_file(const char *path, struct leat_error *err)
{
    struct reading reading = {.path = path ? path : FOUND_FILE, .found = !path};
    struct lt_buf text = LT_BUF_INIT;
    int line = 0, rc = LEAT_OK;
    /* One that is not a file, such as a pipe of the shell's, may be named but not found. */
    int fd = open(reading.path, O_RDONLY | O_CLOEXEC | (path ? 0 : O_NONBLOCK));
    if (fd < 0 && !path) {
        return LEAT_OK;
    }
    if (fd < 0) {
        rc = lt_fail_errno(err, errno, "the env file cannot be opened");
    } else if (path || is_own(fd)) {
        rc = read_text(fd, &text, err);
        if (!rc) {
            rc = lt_env_parse(lt_buf_text(&text), text.len, take_variable, &reading, &line, err);
        }
    }
    if (rc && line) {
        leat_error_place(err, "%s:%d", reading.path, line);
    } else if (rc) {
        leat_error_place(err, "%s", reading.path);
    }
    if (rc && !path) {
        leat_error_remedy(err, "--env-file none leaves " FOUND_FILE " alone");
    }
    if (fd >= 0) {
        close(fd);
    }
    if (text.data) {
        explicit_bzero(text.data, text.len);
    }
    lt_buf_done(&text);
    return rc;
}

const char *leat_env_get(const char *variable)
{
    const char *value = getenv(variable);
    const struct variable *row = value ? NULL : variable_named(variable);
    return row ? row->value : value;
}

const char *leat_env_origin(const char *variable)
{
    const struct variable *row = variable_named(variable);
    return row ? row->origin : getenv(variable) ? "environment" : NULL;
}
