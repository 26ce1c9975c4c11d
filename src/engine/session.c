#include "engine/session.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "registry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *leat_version(void)
{
    return LEAT_VERSION;
}

int leat_new(struct leat **ret_leat, struct leat_error *err)
{
    struct leat *leat = calloc(1, sizeof *leat);
    if (!leat) {
        return lt_fail_oom(err);
    }
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&leat->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    *ret_leat = leat;
    return LEAT_OK;
}

void leat_free(struct leat *leat)
{
    if (leat) {
        pthread_mutex_destroy(&leat->mutex);
        free(leat->added);
        free(leat);
    }
}

void leat_cancel(struct leat *leat)
{
    atomic_store(&leat->cancelled, 1);
}

void leat_uncancel(struct leat *leat)
{
    atomic_store(&leat->cancelled, 0);
}

bool leat_is_cancelled(const struct leat *leat)
{
    return atomic_load(&leat->cancelled) != 0;
}

static leat_log_fn *log_sink;

static void forward_log(void *arg, enum lt_log_level level, const char *line)
{
    log_sink(arg, (enum leat_log_level)level, line);
}

void leat_set_log(leat_log_fn *log, void *arg, enum leat_log_level level)
{
    lt_log_set(NULL, NULL, LT_LOG_ERROR); /* nobody is inside the old one when it changes */
    log_sink = log;
    lt_log_set(log ? forward_log : NULL, arg, (enum lt_log_level)level);
}

int leat_log_level_parse(const char *name, enum leat_log_level *ret_level, struct leat_error *err)
{
    enum lt_log_level level;
    int rc = lt_log_level_parse(name, &level, err);
    if (!rc) {
        *ret_level = (enum leat_log_level)level;
    }
    return rc;
}

int leat_add_connector(struct leat *leat, const struct leat_connector *connector,
                       struct leat_error *err)
{
    if (connector->abi != LEAT_CONNECTOR_ABI) {
        return lt_fail(err, LT_E_MODULE, "connector %s speaks version %u of the contract, not %d",
                       connector->name, connector->abi, LEAT_CONNECTOR_ABI);
    }
    pthread_mutex_lock(&leat->mutex);
    const struct leat_connector **added = realloc(leat->added, (leat->n_added + 1) * sizeof *added);
    if (added) {
        added[leat->n_added++] = connector;
        leat->added = added;
    }
    pthread_mutex_unlock(&leat->mutex);
    return added ? LEAT_OK : lt_fail_oom(err);
}

const struct leat_connector *leat_connector_at(struct leat *leat, size_t i)
{
    pthread_mutex_lock(&leat->mutex);
    size_t n_added = leat->n_added;
    const struct leat_connector *connector = i < n_added ? leat->added[i] : NULL;
    pthread_mutex_unlock(&leat->mutex);
    for (size_t k = 0; !connector && lt_connectors[k]; k++) {
        if (k == i - n_added) {
            connector = lt_connectors[k];
        }
    }
    return connector;
}

static bool answers_to(const struct leat_connector *connector, const char *name)
{
    if (!strcmp(connector->name, name)) {
        return true;
    }
    for (size_t i = 0; connector->aliases && connector->aliases[i]; i++) {
        if (!strcmp(connector->aliases[i], name)) {
            return true;
        }
    }
    return false;
}

static bool is_plain_word(const char *name)
{
    size_t len = 0;
    for (; name[len]; len++) {
        if (!isalnum((unsigned char)name[len]) && name[len] != '_' && name[len] != '-') {
            return false;
        }
    }
    return len > 0 && len <= 32;
}

static const struct leat_connector *find_or_load(struct leat *leat, const char *name)
{
    const struct leat_connector *connector;
    for (size_t i = 0; (connector = leat_connector_at(leat, i)); i++) {
        if (answers_to(connector, name)) {
            return connector;
        }
    }
    /* "fault+postgres": the part before the + is a module that wraps the rest. */
    size_t len = strcspn(name, "+");
    char word[64];
    if (len >= sizeof word) {
        return NULL;
    }
    memcpy(word, name, len);
    word[len] = 0;
    if (name[len] == '+' && is_plain_word(word)) {
        return find_or_load(leat, word);
    }
    struct leat_error err = {0};
    if (!is_plain_word(word)) {
        return NULL;
    }
    int rc = lt_module_load(word, &connector, &err);
    if (!rc) {
        rc = leat_add_connector(leat, connector, &err);
    }
    if (rc) {
        if (rc != LEAT_NOT_FOUND) {
            lt_log(LT_LOG_WARN, "module leat-%s.so: %s", word, err.message);
        }
        return NULL;
    }
    return connector;
}

const struct leat_connector *lt_session_connector(struct leat *leat, const char *name)
{
    pthread_mutex_lock(&leat->mutex); /* or two threads would load one module twice */
    const struct leat_connector *connector = find_or_load(leat, name);
    pthread_mutex_unlock(&leat->mutex);
    return connector;
}

const struct leat_connector *leat_connector_by_name(struct leat *leat, const char *name,
                                                    struct leat_error *err)
{
    const struct leat_connector *connector = lt_session_connector(leat, name);
    if (connector) {
        return connector;
    }
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; n + 1 < LT_ARRAY_LEN(names) && (connector = leat_connector_at(leat, i));
         i++) {
        names[n++] = connector->name;
        for (size_t k = 0;
             connector->aliases && connector->aliases[k] && n + 1 < LT_ARRAY_LEN(names); k++) {
            names[n++] = connector->aliases[k];
        }
    }
    names[n] = NULL;
    const char *close = lt_closest(name, names);
    lt_fail(err, LT_E_UNKNOWN_SCHEME, "no connector or format is called \"%s\"", name);
    if (close) {
        leat_error_remedy(err, "did you mean %s? `leat connectors` lists what there is", close);
    }
    return NULL;
}

const struct leat_code_info *leat_code_at(size_t i)
{
    static struct leat_code_info info[LT_CODES_N];
    if (i >= LT_CODES_N) {
        return NULL;
    }
    info[i] = (struct leat_code_info){lt_codes[i].code, lt_codes[i].status, lt_codes[i].remedy,
                                      lt_codes[i].text};
    return &info[i];
}
