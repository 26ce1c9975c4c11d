#include "config/location.h"

#include "core/codec.h"
#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define CONNECTION_NAME_MAX 64

const char *lt_connection_url(const char *name)
{
    char variable[sizeof "LEAT_CONN_" + CONNECTION_NAME_MAX] = "LEAT_CONN_";
    size_t at = strlen(variable);
    for (const char *p = name; *p; p++) {
        if (at + 1 >= sizeof variable) {
            return NULL;
        }
        variable[at++] = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
    }
    variable[at] = 0;
    const char *url = getenv(variable);
    return url && *url ? url : NULL;
}

void lt_location_done(struct lt_location *location)
{
    free(location->text);
    free(location->said);
    free(location->connector);
    free(location->url);
    free(location->stream);
    memset(location, 0, sizeof *location);
}

/* Length of a URL scheme at the beginning of `text` (letters, digits, + . -), without its colon;
 * 0 when there is none. One letter is no scheme. */
static size_t scheme_length(const char *text)
{
    size_t len = 0;
    if (!isalpha((unsigned char)text[0])) {
        return 0;
    }
    while (isalnum((unsigned char)text[len]) || text[len] == '+' || text[len] == '.' ||
           text[len] == '-' || text[len] == '_') {
        len++;
    }
    return text[len] == ':' && len > 1 ? len : 0;
}

/* The # before the stream part: the last one, but never one inside user:password@, where a raw
 * password may hold # and @. An @ behind a / that no # comes before is a stream's. */
static const char *find_hash(const char *rest)
{
    const char *start = rest;
    if (!strncmp(rest, "//", 2)) {
        const char *slash = strchr(rest + 2, '/'), *at = strrchr(rest + 2, '@');
        const char *first = strchr(rest + 2, '#');
        bool at_of_stream = slash && at && slash < at && (!first || slash < first);
        start = at && !at_of_stream ? at : rest;
    }
    return strrchr(start, '#');
}

/* Fills *location from a URL. */
static int parse_url(const char *url, size_t scheme_len, const struct lt_location_names *names,
                     struct lt_location *location, struct leat_error *err)
{
    const char *scheme = url;
    size_t len = scheme_len;
    if (len == 4 && !strncasecmp(scheme, "jdbc", 4) && scheme_length(url + 5)) {
        url += 5;
        scheme = url;
        len = scheme_length(url);
    }
    location->connector = lt_strndup(scheme, len);
    if (!location->connector) {
        return lt_fail_oom(err);
    }
    for (char *p = location->connector; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    if (!names->scheme(names->arg, location->connector)) {
        char *plus = strchr(location->connector, '+');
        if (plus) {
            *plus = 0;
        }
        if (!plus || !names->scheme(names->arg, location->connector)) {
            return lt_fail(err, LT_E_UNKNOWN_SCHEME, "no connector or format is called \"%s\"",
                           location->connector);
        }
    }
    const char *hash = find_hash(url + len + 1);
    location->url = hash ? lt_strndup(url, (size_t)(hash - url)) : lt_strdup(url);
    if (!location->url) {
        return lt_fail_oom(err);
    }
    if (hash && hash[1]) {
        location->stream = lt_strdup(hash + 1);
        return location->stream ? LEAT_OK : lt_fail_oom(err);
    }
    return LEAT_OK;
}

/* A ?table= parameter means the same as the part after #. */
static int take_table_param(struct lt_location *location, struct leat_error *err)
{
    char *start = strchr(location->url, '?');
    while (start) {
        char *key = start + 1;
        char *end = key + strcspn(key, "&");
        if (!strncmp(key, "table=", 6)) {
            struct lt_url decoded;
            char *text = lt_format("x:?%.*s", (int)(end - key), key);
            int rc = text ? lt_url_parse(text, &decoded, err) : lt_fail_oom(err);
            free(text);
            if (rc) {
                return rc;
            }
            const char *value = lt_url_param(&decoded, "table");
            if (!location->stream && value && *value) {
                location->stream = lt_strdup(value);
            }
            lt_url_done(&decoded);
            if (*end) {
                memmove(key, end + 1, strlen(end + 1) + 1);
            } else {
                *start = 0;
            }
            return LEAT_OK;
        }
        start = *end ? end : NULL;
    }
    return LEAT_OK;
}

/* The connector for a path by its ending; "file" for anything else. */
static const char *path_connector(const char *path, const struct lt_location_names *names)
{
    size_t stem = strlen(path);
    lt_codec_of_path(path, &stem);
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = NULL;
    for (const char *p = base; p < path + stem; p++) {
        if (*p == '.') {
            dot = p;
        }
    }
    char ending[16];
    if (!dot || dot == base || (size_t)(path + stem - dot - 1) >= sizeof ending) {
        return NULL;
    }
    memcpy(ending, dot + 1, (size_t)(path + stem - dot - 1));
    ending[path + stem - dot - 1] = 0;
    for (char *p = ending; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    return names->extension(names->arg, ending);
}

/* A URL for a path: what a URL would take for its own is encoded. NULL without memory. */
static char *path_url(const char *scheme, const char *path)
{
    struct lt_buf url = LT_BUF_INIT;
    int rc = lt_buf_printf(&url, "%s:", scheme);
    for (; !rc && *path; path++) {
        rc = strchr("%#?", *path) ? lt_buf_printf(&url, "%%%02X", (unsigned char)*path)
                                  : lt_buf_byte(&url, (uint8_t)*path);
    }
    char *text = rc ? NULL : lt_buf_take(&url);
    lt_buf_done(&url);
    return text;
}

/* A local path: it holds a /, has a known ending, or exists; with an optional #stream. */
static bool parse_path_to(const char *text, size_t len, const struct lt_location_names *names,
                          struct lt_location *location, int *ret_rc)
{
    char *path = lt_strndup(text, len);
    if (!path) {
        *ret_rc = LEAT_NO_MEMORY;
        return false;
    }
    const char *connector = path_connector(path, names);
    bool is_path = *path && (connector || strchr(path, '/') || access(path, F_OK) == 0);
    if (is_path) {
        bool stream = text[len] == '#' && text[len + 1];
        location->connector = lt_strdup(connector ? connector : "file");
        location->url = path_url(connector ? connector : "file", path);
        location->stream = stream ? lt_strdup(text + len + 1) : NULL;
        if (!location->connector || !location->url || (stream && !location->stream)) {
            *ret_rc = LEAT_NO_MEMORY;
        }
    }
    free(path);
    return is_path;
}

/* First with what is behind the last # as the stream, then as a path with a # in its name. */
static bool parse_path(const char *text, const struct lt_location_names *names,
                       struct lt_location *location, int *ret_rc)
{
    const char *hash = access(text, F_OK) == 0 ? NULL : strrchr(text, '#');
    return (hash && parse_path_to(text, (size_t)(hash - text), names, location, ret_rc)) ||
           parse_path_to(text, strlen(text), names, location, ret_rc);
}

/* NAME, NAME.stream or NAME#stream where LEAT_CONN_NAME is set; *ret_rest points behind the mark. */
static const char *find_connection(const char *text, const char **ret_rest)
{
    size_t len = strcspn(text, ".#");
    char name[CONNECTION_NAME_MAX];
    if (len == 0 || len >= sizeof name || strcspn(text, "/:@?") < len) {
        return NULL;
    }
    memcpy(name, text, len);
    name[len] = 0;
    *ret_rest = text[len] ? text + len + 1 : text + len;
    return lt_connection_url(name);
}

static int parse_connection(const char *text, const char *url, const char *rest,
                            const struct lt_location_names *names, struct lt_location *location,
                            struct leat_error *err)
{
    size_t len = scheme_length(url);
    if (!len) {
        return lt_fail(err, LT_E_INVALID, "the connection \"%s\" is not a URL", text);
    }
    int rc = parse_url(url, len, names, location, err);
    rc = rc ? rc : take_table_param(location, err);
    if (rc) {
        return rc;
    }
    if (*rest) {
        free(location->stream);
        location->stream = lt_strdup(rest);
        return location->stream ? LEAT_OK : lt_fail_oom(err);
    }
    return LEAT_OK;
}

static int parse_name(const char *text, const struct lt_location_names *names,
                      struct lt_location *location, struct leat_error *err)
{
    const char *rest = NULL;
    const char *url = find_connection(text, &rest);
    struct lt_location path = {0};
    int rc = LEAT_OK;
    bool is_path = parse_path(text, names, &path, &rc);
    if (rc) {
        rc = lt_fail_oom(err);
    } else if (url && is_path && !strchr(text, '#')) {
        int len = (int)strcspn(text, ".");
        rc = lt_fail(err, LT_E_INVALID, "\"%s\" can be read in two ways", text);
        leat_error_remedy(err,
                          "say \"%.*s#%s\" for the connection %.*s (LEAT_CONN_), or \"./%s\" "
                          "for the local path",
                          len, text, rest, len, text, text);
    } else if (url) {
        rc = parse_connection(text, url, rest, names, location, err);
    } else if (is_path) {
        path.text = location->text;
        path.said = location->said;
        *location = path;
        memset(&path, 0, sizeof path);
    } else {
        rc =
            lt_fail(err, LT_E_NOT_FOUND,
                    "\"%s\" is no URL, no known connection and no file that exists, and its ending "
                    "names no format",
                    text);
        leat_error_remedy(err,
                          "write ./%s for a path, with --format or a / at its end; or set "
                          "LEAT_CONN_<NAME> to a URL for a connection, or use scheme:...",
                          text);
    }
    lt_location_done(&path);
    return rc;
}

int lt_location_parse(const char *text, const struct lt_location_names *names, bool destination,
                      struct lt_location *ret_location, struct leat_error *err)
{
    struct lt_location location = {0};
    struct lt_buf redacted = LT_BUF_INIT;
    int rc = lt_redact(&redacted, text);
    location.text = rc ? NULL : lt_buf_take(&redacted);
    location.said = lt_strdup(text);
    if (!location.text || !location.said) {
        rc = lt_fail_oom(err);
        goto out;
    }
    size_t scheme = scheme_length(text);
    if (!*text) {
        rc = lt_fail(err, LT_E_USAGE, "the %s is empty", destination ? "destination" : "source");
    } else if (!strcmp(text, "-")) {
        location.connector = lt_strdup("file");
        location.url = lt_strdup("file:-");
    } else if (scheme && access(text, F_OK) != 0) {
        rc = parse_url(text, scheme, names, &location, err);
        if (!rc) {
            rc = take_table_param(&location, err);
        }
    } else {
        rc = parse_name(text, names, &location, err);
    }
    if (!rc && (!location.text || !location.connector || !location.url)) {
        rc = lt_fail_oom(err);
    }
out:
    lt_buf_done(&redacted);
    if (rc) {
        lt_location_done(&location);
        return rc;
    }
    *ret_location = location;
    return LEAT_OK;
}
