#include "db/pq_params.h"

#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"
#include "db/pq_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

PGconn *lt_pq_connect_start(const struct lt_pq *pq, const struct lt_pq_params *params)
{
    return pq->PQconnectStartParams((const char *const *)params->keywords,
                                    (const char *const *)params->values, 0);
}

void lt_pq_effective(const struct lt_pq *pq, PGconn *pg, const char *keyword, char *text,
                     size_t size)
{
    *text = 0;
    PQconninfoOption *options = pq->PQconninfo(pg);
    for (PQconninfoOption *o = options; o && o->keyword; o++) {
        if (!strcmp(o->keyword, keyword) && o->val) {
            snprintf(text, size, "%s", o->val);
        }
    }
    pq->PQconninfoFree(options);
}

int lt_pq_params_add(struct lt_pq_params *params, const char *keyword, const char *value,
                     struct leat_error *err)
{
    size_t n = params->n;
    char **keywords = realloc(params->keywords, (n + 2) * sizeof *keywords);
    if (keywords) {
        params->keywords = keywords;
        keywords[n] = keywords[n + 1] = NULL;
    }
    char **values = realloc(params->values, (n + 2) * sizeof *values);
    if (values) {
        params->values = values;
        values[n] = values[n + 1] = NULL;
    }
    if (!keywords || !values) {
        return lt_fail_oom(err);
    }
    params->n++;
    keywords[n] = lt_strdup(keyword);
    values[n] = lt_strdup(value);
    return keywords[n] && values[n] ? LEAT_OK : lt_fail_oom(err);
}

void lt_pq_params_done(struct lt_pq_params *params)
{
    for (size_t i = 0; i < params->n; i++) {
        free(params->keywords[i]);
        if (params->values[i]) {
            /* May be a password: not left in freed memory. */
            explicit_bzero(params->values[i], strlen(params->values[i]));
        }
        free(params->values[i]);
    }
    free(params->keywords);
    free(params->values);
    params->keywords = params->values = NULL;
    params->n = 0;
}

int lt_pq_params_option(const struct lt_pq *pq, struct lt_pq_params *params, const char *key,
                        const char *value, struct leat_error *err)
{
    const char *names[128];
    size_t n = 0;
    int status = LEAT_OK;
    char keyword[64];
    snprintf(keyword, sizeof keyword, "%s", key);
    for (char *at = keyword; *at; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    PQconninfoOption *options = pq->PQconninfoParse("", NULL);
    for (PQconninfoOption *o = options; o && o->keyword && n + 1 < LT_ARRAY_LEN(names); o++) {
        if (!strcmp(o->keyword, keyword)) {
            status = lt_pq_params_add(params, keyword, value, err);
            goto out;
        }
        names[n++] = o->keyword;
    }
    names[n] = NULL;
    bool known;
    status = lt_pq_words_take(params, key, value, &known, err);
    if (status || known) {
        goto out;
    }
    status = lt_fail(err, LT_E_UNKNOWN_OPTION, "there is no connection parameter \"%s\"", key);
    const char *closest = lt_closest(keyword, names);
    if (closest) {
        leat_error_remedy(err, "did you mean \"%s\"?", closest);
    }
out:
    pq->PQconninfoFree(options);
    return status;
}

static bool is_local_host(const char *host, size_t len)
{
    return !len || host[0] == '/' || host[0] == '@' ||
           (len == 9 && !strncasecmp(host, "localhost", 9)) ||
           (len >= 4 && !strncmp(host, "127.", 4) && strspn(host, "0123456789.") >= len) ||
           (len == 3 && !strncmp(host, "::1", 3));
}

static bool all_local(const char *hosts)
{
    for (;;) {
        size_t len = strcspn(hosts, ",");
        if (!is_local_host(hosts, len)) {
            return false;
        }
        if (!hosts[len]) {
            return true;
        }
        hosts += len + 1;
    }
}

static bool has_keyword(const struct lt_pq_params *params, const char *keyword)
{
    for (size_t i = 0; i < params->n; i++) {
        if (!strcmp(params->keywords[i], keyword)) {
            return true;
        }
    }
    return false;
}

/* An sslmode given anywhere wins; else anything but this machine must be encrypted. libpq is asked
 * for what URL, service file and environment come to: with one keyword it refuses, it reads them
 * all and connects nowhere. */
static int choose_sslmode(const struct lt_pq *pq, struct lt_pq_params *params,
                          struct leat_error *err)
{
    if (has_keyword(params, "sslmode") || getenv("PGSSLMODE")) {
        return LEAT_OK;
    }
    int status = lt_pq_params_add(params, "target_session_attrs", "?", err);
    if (status) {
        return status;
    }
    PGconn *probe = lt_pq_connect_start(pq, params);
    char host[512] = "", address[512] = "", mode[32] = "";
    if (probe) {
        lt_pq_effective(pq, probe, "host", host, sizeof host);
        lt_pq_effective(pq, probe, "hostaddr", address, sizeof address);
        lt_pq_effective(pq, probe, "sslmode", mode, sizeof mode);
        pq->PQfinish(probe);
    }
    params->n--;
    free(params->keywords[params->n]);
    free(params->values[params->n]);
    params->keywords[params->n] = params->values[params->n] = NULL;
    if (all_local(*address ? address : host) || (*mode && strcmp(mode, "prefer"))) {
        return LEAT_OK;
    }
    return lt_pq_params_add(params, "sslmode", "require", err);
}

int lt_pq_params_url(const struct lt_pq *pq, struct lt_pq_params *params, const char *text,
                     struct leat_error *err)
{
    struct lt_url url = {0};
    int status = lt_url_parse(text, &url, err);
    if (status) {
        return status;
    }
    const struct {
        const char *keyword, *value;
    } parts[] = {{"user", url.user},
                 {"password", url.password},
                 {"host", url.host},
                 {"port", url.port},
                 {"dbname", *url.path == '/' ? url.path + 1 : url.path}};
    for (size_t i = 0; i < LT_ARRAY_LEN(parts) && !status; i++) {
        if (parts[i].value && *parts[i].value) {
            status = lt_pq_params_add(params, parts[i].keyword, parts[i].value, err);
        }
    }
    for (size_t i = 0; i < url.n_params && !status; i++) {
        status = lt_pq_params_option(pq, params, url.params[i].key, url.params[i].value, err);
    }
    lt_url_done(&url);
    return status;
}

int lt_pq_params_finish(const struct lt_pq *pq, struct lt_pq_params *params, struct leat_error *err)
{
    int status = choose_sslmode(pq, params, err);
    status = status ? status : lt_pq_params_add(params, "fallback_application_name", "leat", err);
    return status ? status : lt_pq_params_add(params, "client_encoding", "UTF8", err);
}
