/* Libraries that are loaded when first used, so that the program starts without them and runs where
 * they are missing. What a library is used for says its functions in a table:
 *
 *   #define SNAPPY_MAP(X) X(snappy_compress) X(snappy_uncompress)
 *   static struct { SNAPPY_MAP(LT_LIBRARY_MEMBER) } snappy;
 *   static const char *const names[] = {SNAPPY_MAP(LT_LIBRARY_SYMBOL)};
 *   static struct lt_library library = LT_LIBRARY("libsnappy", "1", "libsnappy1v5", names, snappy);
 *   ... pthread_once(&once, load) ... lt_library_load(&library) */
#ifndef LT_LIBRARY_H
#define LT_LIBRARY_H

#include "leat/error.h"

#include <stddef.h>

#define LT_LIBRARY_MEMBER(name) __typeof__(&(name)) name;
#define LT_LIBRARY_SYMBOL(name) #name,

struct lt_library {
    const char *names[2]; /* tried in this order */
    const char *package;  /* of Debian, for the remedy */
    const char *const *symbols;
    void *table; /* holds nothing but function pointers, in the order of `symbols` */
    size_t n_symbols;
    char fault[256]; /* "" once all is there */
};

#ifdef __APPLE__
#define LT_LIBRARY_NAMES(stem, version) stem "." version ".dylib", stem ".dylib"
#else
#define LT_LIBRARY_NAMES(stem, version) stem ".so." version, stem ".so"
#endif

#define LT_LIBRARY(stem, version, package, symbols, table)                                         \
    {                                                                                              \
        {LT_LIBRARY_NAMES(stem, version)}, package, symbols, &(table),                             \
            sizeof(table) / sizeof(void *), ""                                                     \
    }

/* Fills the table, or `fault`. Once in a process, under a pthread_once_t of the caller's. */
void lt_library_load(struct lt_library *library);
/* LEAT_OK once it is loaded; else LEAT_UNSUPPORTED with its name and package. */
int lt_library_check(const struct lt_library *library, const char *name, struct leat_error *err);

#endif
