/* Loadable connectors: leat-NAME.so, each exporting leat_module(). */
#include "core/buf.h"
#include "core/codes.h"
#include "engine/session.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef LEAT_LIBDIR
#define LEAT_LIBDIR "/usr/local/lib"
#endif

/* Tries one directory; LEAT_NOT_FOUND when it holds no such module. The library stays loaded: its
 * connector's tables live in it. */
static int load_from(const char *directory, size_t len, const char *name,
                     const struct leat_connector **ret_connector, struct leat_error *err)
{
    char *path = lt_format("%.*s/leat-%s.so", (int)len, directory, name);
    int rc = LEAT_NOT_FOUND;
    if (!path) {
        return lt_fail_oom(err);
    }
    if (len && access(path, R_OK) == 0) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        leat_module_fn *module = NULL;
        if (library) {
            *(void **)&module = dlsym(library, LEAT_MODULE_SYMBOL);
        }
        if (module) {
            const struct leat_connector *connector = module();
            rc = connector ? LEAT_OK : lt_fail(err, LT_E_MODULE, "it gives no connector");
            *ret_connector = connector ? connector : *ret_connector;
        } else {
            const char *why = dlerror();
            rc = lt_fail(err, LT_E_MODULE, "%s", why ? why : "it cannot be loaded");
        }
    }
    free(path);
    return rc;
}

int lt_module_load(const char *name, const struct leat_connector **ret_connector,
                   struct leat_error *err)
{
    int rc = LEAT_NOT_FOUND;
    for (const char *p = getenv("LEAT_PLUGIN_PATH"); p && *p && rc == LEAT_NOT_FOUND;) {
        size_t len = strcspn(p, ":");
        rc = load_from(p, len, name, ret_connector, err);
        p += len + (p[len] == ':');
    }
    char program[4096];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program);
    while (len > 0 && program[len - 1] != '/') {
        len--;
    }
    if (rc == LEAT_NOT_FOUND && len > 1 && len < (ssize_t)sizeof program) {
        rc = load_from(program, (size_t)len - 1, name, ret_connector, err);
    }
    if (rc == LEAT_NOT_FOUND) {
        static const char directory[] = LEAT_LIBDIR "/leat";
        rc = load_from(directory, sizeof directory - 1, name, ret_connector, err);
    }
    return rc;
}
