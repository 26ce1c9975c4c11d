/* Loads libsqlite3 at its first use. */
#include "db/sqlite.h"

#include "core/library.h"

#include <pthread.h>

static struct lt_sqlite table;

#define LT_SQLITE_SYMBOL(name) #name,
static const char *const symbols[] = {LT_SQLITE_MAP(LT_SQLITE_SYMBOL)};
#undef LT_SQLITE_SYMBOL
_Static_assert(sizeof table == sizeof symbols, "one pointer a symbol");

static struct lt_library library = LT_LIBRARY("libsqlite3", "0", "libsqlite3-0", symbols, table);

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    lt_library_load(&library);
}

int lt_sqlite_load(const struct lt_sqlite **ret_sqlite, struct leat_error *err)
{
    pthread_once(&once, load);
    int status = lt_library_check(&library, "SQLite", err);
    if (!status) {
        *ret_sqlite = &table;
    }
    return status;
}
