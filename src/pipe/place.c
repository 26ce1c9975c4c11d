/* Locations of a document: its own connections, and streams at a location. */
#include "leat/config.h"
#include "pipe/document.h"

#include "core/util.h"

#include <string.h>
#include <unistd.h>

#define NAME_BYTES 128

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
    char name[NAME_BYTES];
    struct leat_connection connection = {.size = sizeof connection};
    if (!len || len >= sizeof name) {
        return false;
    }
    memcpy(name, text, len);
    name[len] = 0;
    return leat_connection_find(name, &connection, NULL) == LEAT_OK;
}

/* The # before the stream of a URL or path: the last, but none of user:password@. As locations are
 * read everywhere: an @ behind a / that no # comes before is a stream's. */
static const char *find_hash(const char *text)
{
    const char *authority = strstr(text, "://");
    const char *rest = authority ? authority + 3 : text, *slash = strchr(rest, '/');
    const char *at = authority ? strrchr(rest, '@') : NULL, *first = strchr(rest, '#');
    bool at_of_stream = slash && at && slash < at && (!first || slash < first);
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
    /* The connection's own stream gives way; a namespace stays where none is said. */
    const char *hash = find_hash(url), *own = hash ? hash + 1 : "";
    size_t url_base = hash ? (size_t)(hash - url) : strlen(url);
    bool stays = !own[lt_name_last_part(own)] && !lt_name_last_part(rest);
    return lt_arena_format(to, "%.*s#%s%s", (int)url_base, url, stays ? own : "", rest);
}

const char *lt_place_rest(const struct lt_document *doc, struct lt_arena *to, const char *text)
{
    size_t base;
    const char *rest = rest_of(doc, text, &base);
    return lt_arena_strdup(to, rest ? rest : "");
}

const char *lt_place_stream(const struct lt_document *doc, struct lt_arena *to, const char *text,
                            const char *stream)
{
    size_t base;
    const char *rest = rest_of(doc, text, &base);
    size_t ns = rest && !lt_name_last_part(stream) ? lt_name_last_part(rest) : 0;
    return lt_arena_format(to, "%.*s#%.*s%s", (int)base, text, (int)ns, rest ? rest : "", stream);
}
