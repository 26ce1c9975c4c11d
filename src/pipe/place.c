/* Locations of a document: its own connections, and streams at a location. */
#include "core/buf.h"
#include "pipe/document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of "shop.public.orders" or "shop#x" the length of "shop"; 0: it cannot be a connection's name. */
static size_t name_length(const char *text)
{
    size_t len = strcspn(text, ".#");
    return strcspn(text, "/:@?") < len ? 0 : len;
}

static const char *own_connection(const struct lt_document *doc, const char *text, size_t len)
{
    for (size_t i = 0; len && i < doc->n_connections; i++) {
        if (strlen(doc->connection_names[i]) == len &&
            !strncmp(doc->connection_names[i], text, len)) {
            return doc->connections[i].text;
        }
    }
    return NULL;
}

static bool is_known(const char *text, size_t len)
{
    char variable[128] = "LEAT_CONN_";
    size_t at = strlen(variable);
    for (size_t i = 0; i < len && at + 1 < sizeof variable; i++) {
        unsigned char c = (unsigned char)text[i];
        variable[at++] = isalnum(c) ? (char)toupper(c) : '_';
    }
    variable[at] = 0;
    const char *url = len ? getenv(variable) : NULL;
    return url && *url;
}

/* The # before the stream of a URL or path: the last, and none of user:password@. */
static const char *find_hash(const char *text)
{
    const char *authority = strstr(text, "://");
    const char *slash = authority ? strchr(authority + 3, '/') : NULL;
    const char *at = authority ? strrchr(authority + 3, '@') : NULL;
    bool at_of_stream = slash && at && slash < at && strchr(text, '#') && strchr(text, '#') < at &&
                        strchr(text, '#') > slash;
    return strrchr(at && !at_of_stream ? at : text, '#');
}

/* Where the stream's part begins, and how long the place before it is, without # or dot; NULL: it
 * has none. */
static const char *rest_of(const struct lt_document *doc, const char *text, size_t *ret_base)
{
    size_t len = name_length(text);
    bool named = own_connection(doc, text, len) || (is_known(text, len) && access(text, F_OK));
    const char *hash = named ? NULL : find_hash(text);
    if (named && text[len]) {
        *ret_base = len;
        return text + len + 1;
    }
    *ret_base = hash ? (size_t)(hash - text) : strlen(text);
    return hash ? hash + 1 : NULL;
}

const char *lt_place_resolve(const struct lt_document *doc, struct lt_arena *to, const char *text)
{
    size_t len = name_length(text), base;
    const char *url = own_connection(doc, text, len);
    const char *rest = rest_of(doc, text, &base);
    if (!url) {
        return lt_arena_strdup(to, text);
    }
    if (!rest || !*rest) {
        return lt_arena_strdup(to, url);
    }
    /* A stream of the connection's own URL gives way. */
    size_t url_base = strlen(url);
    const char *hash = find_hash(url);
    url_base = hash ? (size_t)(hash - url) : url_base;
    return lt_arena_format(to, "%.*s#%s", (int)url_base, url, rest);
}

const char *lt_place_rest(const struct lt_document *doc, struct lt_arena *to, const char *text)
{
    size_t base;
    const char *rest = rest_of(doc, text, &base);
    return lt_arena_strdup(to, rest ? rest : "");
}

/* Where the last part of a dotted name begins; dots in quotes part nothing. */
static size_t last_part(const char *name)
{
    size_t start = 0;
    bool quoted = false;
    for (size_t i = 0; name[i]; i++) {
        quoted ^= name[i] == '"';
        start = name[i] == '.' && !quoted ? i + 1 : start;
    }
    return start;
}

const char *lt_place_stream(const struct lt_document *doc, struct lt_arena *to, const char *text,
                            const char *stream)
{
    size_t base;
    const char *rest = rest_of(doc, text, &base);
    size_t ns = rest && !last_part(stream) ? last_part(rest) : 0;
    return lt_arena_format(to, "%.*s#%.*s%s", (int)base, text, (int)ns, rest ? rest : "", stream);
}
