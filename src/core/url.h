/* URLs of connections: scheme://user:password@host:port/path?key=value#fragment, and
 * scheme:path for local files. Percent-decoding happens once, after splitting. */
#ifndef LT_URL_H
#define LT_URL_H

#include "core/buf.h"

#include <stdbool.h>

struct lt_url_param {
    char *key;
    char *value;
};

struct lt_url {
    char *scheme;   /* lower case; a "jdbc:" prefix and a "+driver" suffix are dropped */
    char *user;     /* decoded; NULL when absent, "" when empty */
    char *password; /* as user */
    char *host;     /* without brackets; NULL when absent; may be a list "a,b" */
    char *port;     /* digits, or a list; NULL when absent */
    char *path;     /* decoded, with its leading slash if there was one; "" when absent */
    char *fragment; /* decoded; NULL when absent */
    struct lt_url_param *params;
    size_t n_params;
    int has_authority; /* "//" was there */
};

/* LEAT_INVALID names the part that is wrong and never repeats the password. Free with
 * lt_url_done(), which takes a zeroed or failed one calmly. */
int lt_url_parse(const char *text, struct lt_url *ret_url, struct leat_error *err);
/* LEAT_INVALID: a URL of a database server that lacks its "//" and is no mere name of a database, as
 * in postgres:joe:password@host/db. lt_url_parse() refuses it too. */
int lt_url_check_slashes(const char *text, struct leat_error *err);
void lt_url_done(struct lt_url *url);

/* Appends bytes percent-encoded, all but ASCII's letters, digits, -._~ and those of `keep`: so they
 * stand for themselves in any part of a URL where those have no meaning. */
int lt_url_encode(struct lt_buf *out, const void *data, size_t len, const char *keep);

/* The first parameter of that name (case-insensitive), or NULL. */
const char *lt_url_param(const struct lt_url *url, const char *key);

/* The one redaction: appends `text` with the password of every URL in it, and the value of every
 * parameter or keyword whose name says secret (password, passwd, pwd, secret, token, key,
 * credential, sslpassword ...; `key=value` and `key='value'` forms alike), replaced by ***.
 * All that is logged, printed or stored passes through it. */
int lt_redact(struct lt_buf *out, const char *text);

/* Does a name say that its value is a secret, if misspelt? It may be percent-encoded, as in a URL. */
bool lt_is_secret_name(const char *name, size_t len);

/* lt_redact in place on a caller's fixed buffer (as in struct leat_error). */
void lt_redact_fixed(char *text, size_t size);

#endif
