#include "db/pq.h"

#include "core/codes.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static struct lt_pq table;
static char why[256];
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(why, sizeof why, "%s", text ? text : "libpq.so.5 cannot be loaded");
        return;
    }
#define LT_PQ_LOAD(name)                                                                           \
    *(void **)&table.name = dlsym(library, #name);                                                 \
    if (!table.name) {                                                                             \
        snprintf(why, sizeof why, "libpq.so.5 is too old: it has no %s", #name);                   \
        return;                                                                                    \
    }
    LT_PQ_MAP(LT_PQ_LOAD)
#undef LT_PQ_LOAD
    loaded = true;
}

int lt_pq_load(const struct lt_pq **ret_pq, struct leat_error *err)
{
    pthread_once(&once, load);
    if (!loaded) {
        int status = lt_fail(err, LT_E_MODULE, "PostgreSQL's client library is missing: %s", why);
        leat_error_remedy(err, "install libpq5 (Debian, Ubuntu) or libpq (Fedora, Alpine)");
        return status;
    }
    *ret_pq = &table;
    return LEAT_OK;
}
