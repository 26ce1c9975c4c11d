/* Names of connections: variables first, then the vault. */
#include "config/connections.h"

#include "core/buf.h"
#include "core/codes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "LEAT_CONN_"
#define VARIABLE_MAX (sizeof PREFIX + LT_CONNECTION_NAME_MAX)

size_t lt_scheme_length(const char *text)
{
    size_t len = 0;
    if (!isalpha((unsigned char)text[0])) {
        return 0;
    }
    while (isalnum((unsigned char)text[len]) || (text[len] && strchr("+.-_", text[len]))) {
        len++;
    }
    return text[len] == ':' && len > 1 ? len : 0;
}

/* LEAT_CONN_<NAME>; false when the name is too long to be one. */
static bool variable_of(const char *name, char variable[VARIABLE_MAX])
{
    size_t at = sizeof PREFIX - 1;
    memcpy(variable, PREFIX, at);
    for (; *name; name++) {
        if (at + 1 >= VARIABLE_MAX) {
            return false;
        }
        variable[at++] = isalnum((unsigned char)*name) ? (char)toupper((unsigned char)*name) : '_';
    }
    variable[at] = 0;
    return true;
}

static bool in_environment(const char *origin)
{
    return !strcmp(origin, "environment");
}

bool lt_connection_variable(const char *name, struct leat_connection *ret_connection,
                            bool *ret_plain)
{
    static _Thread_local char origin_text[4096 + 128];
    char own[VARIABLE_MAX];
    if (!variable_of(name, own)) {
        return false;
    }
    const char *const variables[] = {own, name};
    /* Both of the environment count before both of an env file. */
    for (int pass = 0; pass < 4; pass++) {
        bool plain = pass & 1, from_file = pass & 2;
        const char *variable = variables[plain], *url = leat_env_get(variable);
        const char *origin = url ? leat_env_origin(variable) : NULL;
        if (!url || !*url || !origin || in_environment(origin) == from_file ||
            (plain && !lt_scheme_length(url))) {
            continue;
        }
        snprintf(origin_text, sizeof origin_text, "variable %s%s%s", variable,
                 from_file ? " in " : "", from_file ? origin : "");
        *ret_connection = (struct leat_connection){
            .size = sizeof *ret_connection, .name = name, .url = url, .origin = origin_text};
        if (ret_plain) {
            *ret_plain = plain;
        }
        return true;
    }
    return false;
}

int leat_connection_find(const char *name, struct leat_connection *ret_connection,
                         struct leat_error *err)
{
    static _Thread_local char name_text[LT_CONNECTION_NAME_MAX];
    struct leat_connection found;
    if (strlen(name) < sizeof name_text && lt_connection_variable(name, &found, NULL)) {
        memcpy(name_text, name, strlen(name) + 1);
        found.name = name_text;
        *ret_connection = found;
        return LEAT_OK;
    }
    return lt_fail(err, LT_E_NOT_FOUND, "there is no connection \"%s\"", name);
}
