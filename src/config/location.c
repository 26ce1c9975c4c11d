#include "config/location.h"

#include "config/connections.h"

#include "core/codec.h"
#include "core/codes.h"
#include "core/crypt.h"
#include "core/url.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

void lt_location_done(struct lt_location *location)
{
    free(location->text);
    free(location->said);
    free(location->connector);
    free(location->url);
    free(location->stream);
    memset(location, 0, sizeof *location);
}

/* Blanks out what stands between ${ and }: a reference (leat_resolve_references()) may hold
 * anything, and none of it is the URL's. */
static void hide_references(char *text)
{
    for (char *p = text; (p = strstr(p, "${")) != NULL;) {
        for (p += 2; *p && *p != '}'; p++) {
            *p = 'x';
        }
    }
}

/* The # before the stream part: the last one, but never one inside user:password@, where a raw
 * password may hold # and @. An @ behind a / that no # comes before is a stream's. */
static const char *last_hash(const char *rest)
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

static int find_hash(const char *rest, const char **ret_hash)
{
    if (!strstr(rest, "${")) {
        *ret_hash = last_hash(rest);
        return LEAT_OK;
    }
    char *hidden = lt_strdup(rest);
    if (!hidden) {
        return LEAT_NO_MEMORY;
    }
    hide_references(hidden);
    const char *hash = last_hash(hidden);
    *ret_hash = hash ? rest + (hash - hidden) : NULL;
    free(hidden);
    return LEAT_OK;
}

/* Of a URL whose references are not resolved yet. */
static int check_slashes(const char *url, struct leat_error *err)
{
    char *hidden = lt_strdup(url);
    if (!hidden) {
        return lt_fail_oom(err);
    }
    hide_references(hidden);
    int rc = lt_url_check_slashes(hidden, err);
    lt_crypt_free_text(hidden);
    return rc;
}

/* Fills *location from a URL. */
static int parse_url(const char *url, size_t scheme_len, const struct lt_location_names *names,
                     struct lt_location *location, struct leat_error *err)
{
    const char *scheme = url;
    size_t len = scheme_len;
    if (len == 4 && !strncasecmp(scheme, "jdbc", 4) && lt_scheme_length(url + 5)) {
        url += 5;
        scheme = url;
        len = lt_scheme_length(url);
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
    int rc = check_slashes(url, err);
    if (rc) {
        return rc;
    }
    const char *hash;
    if (find_hash(url + len + 1, &hash)) {
        return lt_fail_oom(err);
    }
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

/* A text that may be NAME, NAME.stream or NAME#stream. */
struct named {
    char name[LT_CONNECTION_NAME_MAX];
    const char *rest; /* behind the mark */
    struct leat_connection connection;
    bool found, plain;
};

static bool could_be_named(const char *text, struct named *named)
{
    size_t len = strcspn(text, ".#");
    if (len == 0 || len >= sizeof named->name || strcspn(text, "/:@?") < len) {
        return false;
    }
    memcpy(named->name, text, len);
    named->name[len] = 0;
    named->rest = text[len] ? text + len + 1 : text + len;
    return true;
}

/* A URL, or a reference to a whole one, which is resolved here only to see what it is of. */
static int parse_url_text(const char *text, const struct lt_location_names *names,
                          struct lt_location *location, struct leat_error *err)
{
    bool reference = !strncmp(text, "${", 2);
    char *resolved = NULL;
    int rc = reference ? leat_resolve_references(text, &resolved, err) : LEAT_OK;
    const char *url = resolved ? resolved : text;
    size_t len = rc ? 0 : lt_scheme_length(url);
    if (!rc) {
        rc = len ? parse_url(url, len, names, location, err)
                 : lt_fail(err, LT_E_INVALID, "it is not a URL");
    }
    rc = rc ? rc : take_table_param(location, err);
    if (!rc && reference && !location->stream) {
        /* Asked again at each opening, for it may have been rotated. */
        lt_crypt_free_text(location->url);
        location->url = lt_strdup(text);
        rc = location->url ? LEAT_OK : lt_fail_oom(err);
    }
    lt_crypt_free_text(resolved);
    return rc;
}

static int parse_connection(const struct named *named, const struct lt_location_names *names,
                            struct lt_location *location, struct leat_error *err)
{
    int rc = parse_url_text(named->connection.url, names, location, err);
    if (!rc && *named->rest) {
        /* The connection's own stream gives way; a namespace stays where none is said. */
        char *own = location->stream;
        bool stays = own && !own[lt_name_last_part(own)] && !lt_name_last_part(named->rest);
        location->stream = lt_format("%s%s", stays ? own : "", named->rest);
        free(own);
        rc = location->stream ? LEAT_OK : lt_fail_oom(err);
    }
    if (rc) {
        leat_error_place(err, "%s", named->connection.origin);
    }
    return rc;
}

/* A variable that merely is called so and holds a URL of something else, such as a web page, is no
 * connection. */
static int find_variable(const struct lt_location_names *names, struct named *named,
                         struct lt_location *location, struct leat_error *err)
{
    struct leat_error why = {0};
    named->found = lt_connection_variable(named->name, &named->connection, &named->plain);
    int rc = named->found ? parse_connection(named, names, location, &why) : LEAT_OK;
    if (rc && named->plain && !strcmp(why.code, lt_codes[LT_E_UNKNOWN_SCHEME].code)) {
        free(location->connector);
        location->connector = NULL;
        named->found = false;
        return LEAT_OK;
    }
    if (rc && err) {
        *err = why;
    }
    return rc;
}

/* Looks the name up. What can be read as a path does not need the vault: then nobody is asked for
 * its key, and one that is locked or damaged says nothing. */
static int find_named(const struct lt_location_names *names, bool is_path, struct named *named,
                      struct lt_location *location, struct leat_error *err)
{
    int rc = find_variable(names, named, location, err);
    if (rc || named->found) {
        return rc;
    }
    rc = lt_connection_stored(named->name, !is_path, &named->connection, &named->found,
                              is_path ? NULL : err);
    if (rc && is_path && rc != LEAT_NO_MEMORY) {
        return LEAT_OK;
    }
    if (rc) {
        leat_error_place(err, "%s", named->name);
    }
    return rc || !named->found ? rc : parse_connection(named, names, location, err);
}

static int ambiguous(const char *text, const struct named *named, struct leat_error *err)
{
    lt_fail(err, LT_E_INVALID, "\"%s\" can be read in two ways", text);
    leat_error_remedy(err,
                      "say \"%s#%s\" for the connection %s (%s), or \"./%s\" for the local path",
                      named->name, named->rest, named->name, named->connection.origin, text);
    return LEAT_INVALID;
}

static int is_nothing(const char *text, struct leat_error *err)
{
    struct leat_error known = {.status = LEAT_OK};
    char name[LT_CONNECTION_NAME_MAX];
    snprintf(name, sizeof name, "%.*s", (int)LT_MIN(strcspn(text, ".#"), sizeof name - 1), text);
    lt_connection_not_found(name, &known);
    lt_fail(err, LT_E_NOT_FOUND,
            "\"%s\" is no URL, no known connection and no file that exists, and its ending names "
            "no format",
            text);
    if (!strncmp(known.remedy, "did you mean", 12)) {
        leat_error_remedy(err, "%s", known.remedy);
    } else {
        leat_error_remedy(err,
                          "write ./%s for a path, with --format or a / at its end; or `leat config "
                          "connections add` makes a connection, LEAT_CONN_<NAME> names one",
                          text);
    }
    return LEAT_NOT_FOUND;
}

static int parse_name(const char *text, const struct lt_location_names *names,
                      struct lt_location *location, struct leat_error *err)
{
    struct named named = {.found = false};
    struct lt_location path = {0}, of_name = {0};
    int path_rc = LEAT_OK;
    bool is_path = parse_path(text, names, &path, &path_rc);
    int rc = path_rc ? lt_fail_oom(err) : LEAT_OK;
    if (!rc && could_be_named(text, &named)) {
        rc = find_named(names, is_path, &named, &of_name, err);
    }
    /* NAME#stream is the connection; NAME.x#stream, where NAME.x is a file, the file. */
    bool of_file = is_path && text[strlen(named.name)] == '.' && strchr(text, '#');
    named.found = named.found && !of_file;
    if (!rc && named.found && is_path && text[strlen(named.name)] != '#') {
        rc = ambiguous(text, &named, err);
    } else if (!rc && !named.found && !is_path) {
        rc = is_nothing(text, err);
    }
    if (!rc) {
        struct lt_location *chosen = named.found ? &of_name : &path;
        chosen->text = location->text;
        chosen->said = location->said;
        *location = *chosen;
        memset(chosen, 0, sizeof *chosen);
    }
    lt_location_done(&path);
    lt_location_done(&of_name);
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
    size_t scheme = lt_scheme_length(text);
    if (!*text) {
        rc = lt_fail(err, LT_E_USAGE, "the %s is empty", destination ? "destination" : "source");
    } else if (!strcmp(text, "-")) {
        location.connector = lt_strdup("file");
        location.url = lt_strdup("file:-");
    } else if ((scheme && access(text, F_OK) != 0) || !strncmp(text, "${", 2)) {
        rc = parse_url_text(text, names, &location, err);
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
