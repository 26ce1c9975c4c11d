/* Loads libsqlite3 at its first use. */
#include "db/sqlite.h"

#include "core/codes.h"
#include "core/util.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#ifdef __APPLE__
static const char *const library_names[] = {"libsqlite3.dylib", "/usr/lib/libsqlite3.dylib"};
#else
static const char *const library_names[] = {"libsqlite3.so.0", "libsqlite3.so"};
#endif

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static struct lt_sqlite table;
static char load_fault[256]; /* "" once all is there */

static void load_library(void)
{
    static const char *const symbols[] = {
#define LT_SQLITE_SYMBOL(name) #name,
        LT_SQLITE_MAP(LT_SQLITE_SYMBOL)
#undef LT_SQLITE_SYMBOL
    };
    void *handle = NULL;
    for (size_t i = 0; !handle && i < LT_ARRAY_LEN(library_names); i++) {
        handle = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (!handle) {
        const char *why = dlerror();
        snprintf(load_fault, sizeof load_fault, "%s", why ? why : "not found");
        return;
    }
    /* The table holds nothing but function pointers, in the order of the map. */
    _Static_assert(sizeof table == LT_ARRAY_LEN(symbols) * sizeof(void *), "one pointer a symbol");
    for (size_t i = 0; i < LT_ARRAY_LEN(symbols); i++) {
        void *symbol = dlsym(handle, symbols[i]);
        if (!symbol) {
            snprintf(load_fault, sizeof load_fault, "it has no %s: it is too old", symbols[i]);
            return;
        }
        memcpy((char *)&table + i * sizeof symbol, &symbol, sizeof symbol);
    }
}

int lt_sqlite_load(const struct lt_sqlite **ret_sqlite, struct leat_error *err)
{
    pthread_once(&load_once, load_library);
    if (load_fault[0]) {
        lt_fail(err, LT_E_MODULE, "cannot load the SQLite library: %s", load_fault);
        leat_error_remedy(err, "install the package libsqlite3-0");
        return LEAT_UNSUPPORTED;
    }
    *ret_sqlite = &table;
    return LEAT_OK;
}
