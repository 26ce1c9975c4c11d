/* What libpq is told when it connects: pairs of its keywords and values, out of a URL and options.
 *
 *     struct lt_pq_params params = {0};
 *     lt_pq_params_url(pq, &params, "postgres://u@h/db?application_name=x", err);
 *     lt_pq_params_finish(pq, &params, err);
 *     PGconn *pg = lt_pq_connect_start(pq, &params);
 *     lt_pq_params_done(&params); */
#ifndef LT_PQ_PARAMS_H
#define LT_PQ_PARAMS_H

#include "db/pq.h"

#include <stddef.h>

struct lt_pq_params {
    char **keywords, **values; /* the last pair is NULL */
    size_t n;
};

/* Adds one pair as it is; both are copied. */
int lt_pq_params_add(struct lt_pq_params *params, const char *keyword, const char *value,
                     struct leat_error *err);
/* The same for a name users wrote: any keyword of this libpq, '-' read as '_'. [unknown-option]
 * with the closest one. */
int lt_pq_params_option(const struct lt_pq *pq, struct lt_pq_params *params, const char *name,
                        const char *value, struct leat_error *err);
/* Adds what a URL says: user, password, host, port, database and parameters. */
int lt_pq_params_url(const struct lt_pq *pq, struct lt_pq_params *params, const char *url,
                     struct leat_error *err);
/* Adds leat's own defaults: TLS for anything but this machine unless an sslmode was given
 * anywhere, the application's name, UTF-8. */
int lt_pq_params_finish(const struct lt_pq *pq, struct lt_pq_params *params,
                        struct leat_error *err);
/* Values are wiped: one may be a password. */
void lt_pq_params_done(struct lt_pq_params *params);

/* PQconnectStartParams; NULL without memory. */
PGconn *lt_pq_connect_start(const struct lt_pq *pq, const struct lt_pq_params *params);

/* The effective value of a keyword, after URL, service, environment and defaults; "" for none. */
void lt_pq_effective(const struct lt_pq *pq, PGconn *pg, const char *keyword, char *text,
                     size_t size);

#endif
