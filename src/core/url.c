/* Taking URLs apart (RFC 3986, with the host lists of libpq and a little patience for passwords
 * that nobody percent-encoded). */
#include "core/url.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/banned.h"

#define URL_LEN_MAX 65536
#define URL_PARAMS_MAX 256
#define PORT_MAX 65535

/* A piece of the text, not yet decoded. */
struct span {
    const char *at;
    size_t len;
};

static const char *find(struct span span, char c)
{
    return span.len ? memchr(span.at, c, span.len) : NULL;
}

static struct span until(struct span span, const char *end)
{
    return end ? (struct span){span.at, (size_t)(end - span.at)} : span;
}

static struct span from(struct span span, const char *start)
{
    return (struct span){start, (size_t)(span.at + span.len - start)};
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A decoded copy. `part` names the piece in messages, which never repeat the piece itself. */
static int decode(struct span span, const char *part, char **ret_text, struct leat_error *err)
{
    char *text = malloc(span.len + 1);
    if (!text) {
        return lt_fail_oom(err);
    }
    size_t len = 0;
    for (size_t i = 0; i < span.len; i++) {
        char c = span.at[i];
        if (c == '%') {
            int high = i + 2 < span.len ? hex_digit(span.at[i + 1]) : -1;
            int low = i + 2 < span.len ? hex_digit(span.at[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                free(text);
                lt_fail(err, LT_E_INVALID, "the %s of the URL has a %% that encodes no byte", part);
                leat_error_remedy(err, "write %%25 for a per cent sign");
                return LEAT_INVALID;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        text[len++] = c;
    }
    text[len] = 0;
    *ret_text = text;
    return LEAT_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* Length of the scheme at the start of `span`, its ':' not counted; 0: there is none. */
static size_t scheme_len(struct span span)
{
    size_t len = 0;
    while (len < span.len && is_scheme_char(span.at[len])) {
        len++;
    }
    return len < span.len && span.at[len] == ':' && len > 0 && is_alpha(span.at[0]) ? len : 0;
}

static int parse_scheme(struct span *rest, struct lt_url *url, struct leat_error *err)
{
    size_t len = scheme_len(*rest);
    if (len == 4 && strncasecmp(rest->at, "jdbc", 4) == 0) {
        *rest = from(*rest, rest->at + 5);
        len = scheme_len(*rest);
    }
    if (!len) {
        lt_fail(err, LT_E_INVALID, "the URL does not begin with a scheme");
        leat_error_remedy(err, "write postgres://..., sqlite:FILE or csv:FILE, for example");
        return LEAT_INVALID;
    }
    struct span name = {rest->at, len};
    *rest = from(*rest, rest->at + len + 1);
    name = until(name, find(name, '+'));
    url->scheme = lt_strndup(name.at, name.len);
    if (!url->scheme) {
        return lt_fail_oom(err);
    }
    for (char *c = url->scheme; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    return LEAT_OK;
}

/* Where a port, or a list of hosts and ports, could go on after the first colon. */
static bool port_like(struct span span)
{
    size_t digits = 0;
    while (digits < span.len && is_digit(span.at[digits])) {
        digits++;
    }
    return digits == span.len || span.at[digits] == ',';
}

/* The authority ends at the first of "/?#" (RFC 3986 section 3.2). But in user:pass/word@host,
 * where it would end in something that is no port, a raw '/' in the password is what was meant:
 * then it goes on behind the last '@' in front of the query. Redaction takes at least as much. */
static struct span authority_of(struct span rest)
{
    struct span authority = rest;
    for (size_t i = 0; i < rest.len; i++) {
        if (strchr("/?#", rest.at[i])) {
            authority.len = i;
            break;
        }
    }
    const char *colon = find(authority, ':');
    if (find(authority, '@') || !colon || rest.at[0] == '[' ||
        port_like(from(authority, colon + 1))) {
        return authority;
    }
    struct span path = until(rest, find(rest, '?'));
    path = until(path, find(path, ' '));
    const char *at = path.len ? memrchr(path.at, '@', path.len) : NULL;
    if (!at) {
        return authority;
    }
    struct span host = from(rest, at);
    size_t len = 0;
    while (len < host.len && !strchr("/?#", host.at[len])) {
        len++;
    }
    return (struct span){rest.at, (size_t)(at - rest.at) + len};
}

static int bad_port(struct leat_error *err)
{
    lt_fail(err, LT_E_INVALID, "the port of the URL is not a number from 1 to %d", PORT_MAX);
    leat_error_remedy(err, "percent-encode / ? # @ and : in user and password");
    return LEAT_INVALID;
}

/* One host[:port] of a list. */
static int parse_host(struct span item, struct lt_buf *hosts, struct lt_buf *ports, bool *any_port,
                      struct leat_error *err)
{
    struct span host = item;
    struct span port = {item.at + item.len, 0};
    if (item.len && item.at[0] == '[') {
        const char *close = find(item, ']');
        if (!close || (close + 1 < item.at + item.len && close[1] != ':')) {
            return lt_fail(err, LT_E_INVALID,
                           "the host of the URL opens a bracket that does not close");
        }
        host = (struct span){item.at + 1, (size_t)(close - item.at - 1)};
        if (close + 1 < item.at + item.len) {
            port = from(item, close + 2);
        }
    } else {
        const char *colon = find(item, ':');
        if (colon) {
            host = until(item, colon);
            port = from(item, colon + 1);
        }
    }
    int64_t number = 1;
    char digits[8] = "";
    if (port.len >= sizeof(digits)) {
        return bad_port(err);
    }
    memcpy(digits, port.at, port.len);
    if (port.len && (lt_parse_int(digits, &number) || number < 1 || number > PORT_MAX)) {
        return bad_port(err);
    }
    *any_port = *any_port || port.len;
    char *text = NULL;
    int status = decode(host, "host", &text, err);
    if (status) {
        return status;
    }
    if (lt_buf_puts(hosts, text) || lt_buf_append(ports, port.at, port.len)) {
        status = lt_fail_oom(err);
    }
    free(text);
    return status;
}

static int parse_hosts(struct span list, struct lt_url *url, struct leat_error *err)
{
    if (!list.len) {
        return LEAT_OK;
    }
    struct lt_buf hosts = LT_BUF_INIT;
    struct lt_buf ports = LT_BUF_INIT;
    bool any_port = false;
    int status = LEAT_OK;
    for (;;) {
        const char *comma = find(list, ',');
        status = parse_host(until(list, comma), &hosts, &ports, &any_port, err);
        if (status || !comma) {
            break;
        }
        if (lt_buf_byte(&hosts, ',') || lt_buf_byte(&ports, ',')) {
            status = lt_fail_oom(err);
            break;
        }
        list = from(list, comma + 1);
    }
    if (!status && hosts.len) {
        url->host = lt_buf_take(&hosts);
        status = url->host ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && any_port) {
        url->port = lt_buf_take(&ports);
        status = url->port ? LEAT_OK : lt_fail_oom(err);
    }
    lt_buf_done(&hosts);
    lt_buf_done(&ports);
    return status;
}

static int parse_authority(struct span authority, struct lt_url *url, struct leat_error *err)
{
    for (size_t i = 0; i < authority.len; i++) {
        if (authority.at[i] == ' ') {
            lt_fail(err, LT_E_INVALID, "there is a space in the user, password or host of the URL");
            leat_error_remedy(err, "write %%20 for a space");
            return LEAT_INVALID;
        }
    }
    /* The last '@': one in front of it is part of a password that was not encoded. */
    const char *at = authority.len ? memrchr(authority.at, '@', authority.len) : NULL;
    if (!at) {
        return parse_hosts(authority, url, err);
    }
    struct span user = until(authority, at);
    const char *colon = find(user, ':');
    int status = LEAT_OK;
    if (colon) {
        status = decode(from(user, colon + 1), "password", &url->password, err);
        user = until(user, colon);
    }
    if (!status) {
        status = decode(user, "user", &url->user, err);
    }
    return status ? status : parse_hosts(from(authority, at + 1), url, err);
}

static int parse_params(struct span query, struct lt_url *url, struct leat_error *err)
{
    size_t n = 1;
    for (size_t i = 0; i < query.len; i++) {
        n += query.at[i] == '&';
    }
    if (n > URL_PARAMS_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the URL has more than %d parameters", URL_PARAMS_MAX);
    }
    url->params = calloc(n, sizeof(*url->params));
    if (!url->params) {
        return lt_fail_oom(err);
    }
    for (;;) {
        const char *end = find(query, '&');
        struct span pair = until(query, end);
        if (pair.len) {
            const char *equals = find(pair, '=');
            struct span value = equals ? from(pair, equals + 1) : (struct span){pair.at, 0};
            struct lt_url_param *param = &url->params[url->n_params++];
            int status = decode(until(pair, equals), "query", &param->key, err);
            if (!status) {
                status = decode(value, "query", &param->value, err);
            }
            if (status) {
                return status;
            }
        }
        if (!end) {
            return LEAT_OK;
        }
        query = from(query, end + 1);
    }
}

/* Without "//" all that follows the scheme is the path: of a server's URL that is the name of a
 * database, in which a user, password and host would be shown and sent. A plain name is one. */
static int check_slashes(const char *scheme, size_t len, struct span rest, struct leat_error *err)
{
    static const char *const servers[] = {"postgres", "postgresql"};
    bool server = false;
    for (size_t i = 0; i < LT_ARRAY_LEN(servers); i++) {
        server = server || (strlen(servers[i]) == len && !strncasecmp(servers[i], scheme, len));
    }
    if (!server || (rest.len >= 2 && memcmp(rest.at, "//", 2) == 0)) {
        return LEAT_OK;
    }
    struct span path = until(rest, find(rest, '?'));
    path = until(path, find(path, '#'));
    bool bare = path.len == 1 && path.at[0] == '/';
    if (bare || !(find(path, '/') || find(path, ':') || find(path, '@'))) {
        return LEAT_OK;
    }
    lt_fail(err, LT_E_INVALID, "the URL has no // behind %.*s:", (int)len, scheme);
    leat_error_remedy(err, "write %.*s://user@host/database", (int)len, scheme);
    return LEAT_INVALID;
}

int lt_url_check_slashes(const char *text, struct leat_error *err)
{
    struct span rest = {text, strnlen(text, URL_LEN_MAX)};
    size_t len = scheme_len(rest);
    if (len == 4 && strncasecmp(rest.at, "jdbc", 4) == 0) {
        rest = from(rest, rest.at + 5);
        len = scheme_len(rest);
    }
    struct span name = {rest.at, len};
    name = until(name, find(name, '+'));
    return len ? check_slashes(name.at, name.len, from(rest, rest.at + len + 1), err) : LEAT_OK;
}

static int parse(const char *text, struct lt_url *url, struct leat_error *err)
{
    struct span rest = {text, strnlen(text, URL_LEN_MAX + 1)};
    if (rest.len > URL_LEN_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the URL is longer than %d bytes", URL_LEN_MAX);
    }
    for (size_t i = 0; i < rest.len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            return lt_fail(err, LT_E_INVALID, "there is a control character in the URL");
        }
    }
    int status = parse_scheme(&rest, url, err);
    status = status ? status : check_slashes(url->scheme, strlen(url->scheme), rest, err);
    if (status) {
        return status;
    }
    if (rest.len >= 2 && memcmp(rest.at, "//", 2) == 0) {
        url->has_authority = 1;
        rest = from(rest, rest.at + 2);
        struct span authority = authority_of(rest);
        status = parse_authority(authority, url, err);
        if (status) {
            return status;
        }
        rest = from(rest, authority.at + authority.len);
    }
    const char *hash = find(rest, '#');
    if (hash) {
        status = decode(from(rest, hash + 1), "fragment", &url->fragment, err);
        rest = until(rest, hash);
    }
    const char *question = find(rest, '?');
    if (!status && question) {
        status = parse_params(from(rest, question + 1), url, err);
        rest = until(rest, question);
    }
    return status ? status : decode(rest, "path", &url->path, err);
}

int lt_url_parse(const char *text, struct lt_url *ret_url, struct leat_error *err)
{
    memset(ret_url, 0, sizeof(*ret_url));
    int status = parse(text, ret_url, err);
    if (status) {
        lt_url_done(ret_url);
    }
    return status;
}

static void free_secret(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void lt_url_done(struct lt_url *url)
{
    if (!url) {
        return;
    }
    free(url->scheme);
    free(url->user);
    free_secret(url->password);
    free(url->host);
    free(url->port);
    free(url->path);
    free(url->fragment);
    for (size_t i = 0; i < url->n_params; i++) {
        free(url->params[i].key);
        free_secret(url->params[i].value);
    }
    free(url->params);
    memset(url, 0, sizeof(*url));
}

int lt_url_encode(struct lt_buf *out, const void *data, size_t len, const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    const uint8_t *bytes = data;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < len; i++) {
        uint8_t c = bytes[i];
        const uint8_t code[] = {'%', (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15]};
        bool kept = c && (strchr(plain, c) || strchr(keep, c));
        rc = kept ? lt_buf_byte(out, c) : lt_buf_append(out, code, sizeof code);
    }
    return rc;
}

const char *lt_url_param(const struct lt_url *url, const char *key)
{
    for (size_t i = 0; i < url->n_params; i++) {
        if (strcasecmp(url->params[i].key, key) == 0) {
            return url->params[i].value;
        }
    }
    return NULL;
}
