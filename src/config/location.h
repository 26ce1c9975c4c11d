/* Locations as users write them: what a source or destination text means. */
#ifndef LT_LOCATION_H
#define LT_LOCATION_H

#include "core/buf.h"

#include <stdbool.h>

/* A location taken apart, before any connector is asked. All strings owned. */
struct lt_location {
    char *text;      /* as given, redacted: for messages */
    char *said;      /* as given, secrets inside; NULL: it was not given as text */
    char *connector; /* name or alias of the connector: "postgres", "csv" */
    char *url;       /* for leat_config.url, without the stream part; secrets inside */
    char *stream;    /* "public.orders" as written, or NULL */
};

/* What the parser must know of connectors. */
struct lt_location_names {
    void *arg;
    /* True when a URL scheme is known (or could be loaded). */
    bool (*scheme)(void *arg, const char *scheme);
    /* The connector for a local path of this ending (codec endings already cut), or NULL. */
    const char *(*extension)(void *arg, const char *extension);
};

/* In the order of the documentation: URL, "format:-" or "-", a known connection (with or without
 * .stream), a local path. A text that is both a connection and a path is LEAT_INVALID and shows
 * both readings. [unknown-scheme], [not-found] where it is nothing. */
int lt_location_parse(const char *text, const struct lt_location_names *names, bool destination,
                      struct lt_location *ret_location, struct leat_error *err);
void lt_location_done(struct lt_location *location);

#endif
