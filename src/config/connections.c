/* Names of connections: variables first, then the vault. */
#include "config/connections.h"

#include "config/vault.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/crypt.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* --- the vault ------------------------------------------------------------------------------ */

static struct leat_vault *said_vault, *default_vault;
static leat_ask_fn *asked;
static void *asked_arg;

void leat_use_vault(struct leat_vault *vault)
{
    said_vault = vault;
}

void leat_use_asking(leat_ask_fn *ask, void *arg)
{
    asked = ask;
    asked_arg = arg;
    if (default_vault) {
        default_vault->ask = ask;
        default_vault->ask_arg = arg;
    }
}

int leat_used_vault(struct leat_vault **ret_vault, struct leat_error *err)
{
    int rc = said_vault || default_vault
                 ? LEAT_OK
                 : leat_vault_open(NULL, NULL, asked, asked_arg, &default_vault, err);
    if (!rc) {
        *ret_vault = said_vault ? said_vault : default_vault;
    }
    return rc;
}

/* The vault with anything in it; NULL where there is none, or nothing says where it would be. */
static int vault_there(struct leat_vault **ret_vault, struct leat_error *err)
{
    struct leat_vault *vault = NULL;
    struct leat_error why = {.status = LEAT_OK};
    int rc = leat_used_vault(&vault, &why);
    *ret_vault = !rc && vault->exists ? vault : NULL;
    if (rc && rc != LEAT_NOT_FOUND && err) {
        *err = why;
    }
    return rc == LEAT_NOT_FOUND ? LEAT_OK : rc;
}

int lt_connection_stored(const char *name, bool ask, struct leat_connection *ret_connection,
                         bool *ret_found, struct leat_error *err)
{
    struct leat_vault *vault;
    const char *url = NULL;
    *ret_found = false;
    int rc = vault_there(&vault, err);
    if (rc || !vault) {
        return rc;
    }
    leat_ask_fn *asker = vault->ask;
    vault->ask = ask ? asker : NULL;
    struct leat_error why = {.status = LEAT_OK};
    rc = leat_vault_get(vault, LEAT_ITEM_CONNECTION, name, &url, &why);
    vault->ask = asker;
    if (rc == LEAT_NOT_FOUND && !strcmp(why.code, lt_codes[LT_E_NOT_FOUND].code)) {
        return LEAT_OK;
    }
    if (rc) {
        if (err) {
            *err = why;
        }
        return rc;
    }
    *ret_connection = (struct leat_connection){
        .size = sizeof *ret_connection, .name = name, .url = url, .origin = "vault"};
    *ret_found = true;
    return LEAT_OK;
}

/* --- all of them ---------------------------------------------------------------------------- */

struct entry {
    char *name, *url, *origin;
};

struct entries {
    struct entry *items;
    size_t n;
    struct leat_error *err;
};

static void entries_done(struct entries *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->items[i].name);
        lt_crypt_free_text(all->items[i].url);
        free(all->items[i].origin);
    }
    free(all->items);
}

static int add_entry(struct entries *all, const char *name, const struct leat_connection *found)
{
    struct entry *items = realloc(all->items, (all->n + 1) * sizeof *items);
    if (!items) {
        return lt_fail_oom(all->err);
    }
    all->items = items;
    struct entry *entry = &items[all->n++];
    *entry = (struct entry){lt_strdup(name), lt_strdup(found->url), lt_strdup(found->origin)};
    return entry->name && entry->url && entry->origin ? LEAT_OK : lt_fail_oom(all->err);
}

static int add_stored(void *arg, const char *name, const char *url)
{
    struct leat_connection found = {.name = name, .url = url, .origin = "vault"};
    lt_connection_variable(name, &found, NULL); /* it counts instead */
    return add_entry(arg, name, &found);
}

/* Whether an entry goes by this variable. */
static bool is_taken(const struct entries *all, const char *variable)
{
    char own[VARIABLE_MAX];
    for (size_t i = 0; i < all->n; i++) {
        if (variable_of(all->items[i].name, own) && !strcmp(own, variable)) {
            return true;
        }
    }
    return false;
}

static int add_variables(struct entries *all)
{
    size_t prefix = sizeof PREFIX - 1;
    int rc = LEAT_OK;
    for (char **line = environ; !rc && line && *line; line++) {
        char variable[VARIABLE_MAX], name[LT_CONNECTION_NAME_MAX];
        size_t len = strcspn(*line, "=");
        struct leat_connection found;
        if (strncmp(*line, PREFIX, prefix) || len <= prefix || len >= sizeof variable ||
            len - prefix >= sizeof name) {
            continue;
        }
        memcpy(variable, *line, len);
        variable[len] = 0;
        for (size_t i = prefix; i <= len; i++) {
            name[i - prefix] = (char)tolower((unsigned char)variable[i]);
        }
        if (!is_taken(all, variable) && lt_connection_variable(name, &found, NULL)) {
            rc = add_entry(all, name, &found);
        }
    }
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* *ret_vault_rc: why the vault's are missing. */
static int collect(struct entries *all, bool ask, int *ret_vault_rc, struct leat_error *err)
{
    struct leat_vault *vault = NULL;
    all->err = err;
    int rc = vault_there(&vault, err);
    if (!rc && vault) {
        leat_ask_fn *asker = vault->ask;
        vault->ask = ask ? asker : NULL;
        rc = leat_vault_each(vault, LEAT_ITEM_CONNECTION, add_stored, all, err);
        vault->ask = asker;
    }
    *ret_vault_rc = rc;
    rc = rc == LEAT_NO_MEMORY ? rc : add_variables(all);
    if (!rc && all->n) {
        qsort(all->items, all->n, sizeof *all->items, by_name);
    }
    return rc;
}

int leat_connections(leat_connection_fn *each, void *arg, struct leat_error *err)
{
    struct entries all = {.items = NULL};
    int vault_rc = LEAT_OK;
    int rc = collect(&all, true, &vault_rc, err);
    for (size_t i = 0; !rc && i < all.n; i++) {
        const struct leat_connection connection = {.size = sizeof connection,
                                                   .name = all.items[i].name,
                                                   .url = all.items[i].url,
                                                   .origin = all.items[i].origin};
        rc = each(arg, &connection);
    }
    entries_done(&all);
    return rc ? rc : vault_rc;
}

int lt_connection_not_found(const char *name, struct leat_error *err)
{
    struct entries all = {.items = NULL};
    int vault_rc;
    lt_fail(err, LT_E_NOT_FOUND, "there is no connection \"%s\"", name);
    int rc = collect(&all, false, &vault_rc, NULL);
    const char **names = rc ? NULL : calloc(all.n + 1, sizeof *names);
    for (size_t i = 0; names && i < all.n; i++) {
        names[i] = all.items[i].name;
    }
    const char *close = names ? lt_closest(name, names) : NULL;
    if (close) {
        leat_error_remedy(err, "did you mean %s?", close);
    } else {
        leat_error_remedy(err, "`leat config connections list` shows those there are");
    }
    free(names);
    entries_done(&all);
    return LEAT_NOT_FOUND;
}

int leat_connection_find(const char *name, struct leat_connection *ret_connection,
                         struct leat_error *err)
{
    static _Thread_local char name_text[LT_CONNECTION_NAME_MAX];
    struct leat_connection found;
    bool there = false;
    if (strlen(name) >= sizeof name_text) {
        return lt_connection_not_found(name, err);
    }
    memcpy(name_text, name, strlen(name) + 1);
    if (!lt_connection_variable(name_text, &found, NULL)) {
        int rc = lt_connection_stored(name_text, true, &found, &there, err);
        if (rc || !there) {
            return rc ? rc : lt_connection_not_found(name, err);
        }
    }
    *ret_connection = found;
    return LEAT_OK;
}
