/* What `struct leat` holds, for the engine's own files. */
#ifndef LT_SESSION_H
#define LT_SESSION_H

#include "leat/leat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct leat {
    atomic_int cancelled;
    pthread_mutex_t mutex; /* guards added: workers look connectors up too. Recursive */
    const struct leat_connector **added; /* the embedder's and the loaded modules' */
    size_t n_added;
};

/* Whether a connector's struct has a member: one appended to the contract later is beyond the end
 * of an older module's. */
#define LT_CONNECTOR_HAS(connector, member)                                                        \
    ((connector)->size >= offsetof(struct leat_connector, member) + sizeof(connector)->member &&   \
     (connector)->member)

/* Finds a connector without failing loudly: built-in, added, or a loadable module. NULL: none. */
const struct leat_connector *lt_session_connector(struct leat *leat, const char *name);

/* Loads leat-NAME.so from LEAT_PLUGIN_PATH, the program's directory, or the library directory.
 * LEAT_NOT_FOUND when there is no such file. */
int lt_module_load(const char *name, const struct leat_connector **ret_connector,
                   struct leat_error *err);

#endif
