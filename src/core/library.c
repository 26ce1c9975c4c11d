/* See library.h. */
#include "core/library.h"

#include "core/codes.h"
#include "core/util.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "core/banned.h"

void lt_library_load(struct lt_library *library)
{
    void *handle = NULL;
    for (size_t i = 0; !handle && i < LT_ARRAY_LEN(library->names); i++) {
        handle = dlopen(library->names[i], RTLD_NOW | RTLD_LOCAL);
        const char *why = handle ? NULL : dlerror();
        /* The first name is the one that packages install: what is told is why that failed. */
        if (!handle && i == 0) {
            snprintf(library->fault, sizeof(library->fault), "%s", why ? why : "not found");
        }
    }
    if (!handle) {
        return;
    }
    library->fault[0] = 0;
    for (size_t i = 0; i < library->n_symbols; i++) {
        void *symbol = dlsym(handle, library->symbols[i]);
        if (!symbol) {
            snprintf(library->fault, sizeof(library->fault), "it has no %s: it is too old",
                     library->symbols[i]);
            return;
        }
        memcpy((char *)library->table + i * sizeof(symbol), &symbol, sizeof(symbol));
    }
}

int lt_library_check(const struct lt_library *library, const char *name, struct leat_error *err)
{
    if (!library->fault[0]) {
        return LEAT_OK;
    }
    lt_fail(err, LT_E_MODULE, "cannot load the %s library: %s", name, library->fault);
    leat_error_remedy(err, "install the package %s", library->package);
    return LEAT_UNSUPPORTED;
}
