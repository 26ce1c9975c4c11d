/* Reading ahead on a thread of its own: a file's bytes are read and decompressed while its format
 * takes those before them apart. */
#ifndef LT_AHEAD_H
#define LT_AHEAD_H

#include "core/bytes.h"

/* Wraps a source, taking it over (also on failure). The thread starts once the first LT_AHEAD_START
 * bytes were read, for of many files only the beginning is wanted; it holds at most LT_AHEAD_BYTES.
 * A failure is told where the bytes before it end. Only for sources whose reads do not wait for
 * somebody else, as a pipe's do: closing waits for the read at work. */
#define LT_AHEAD_START ((int64_t)1 << 20)
#define LT_AHEAD_BYTES ((size_t)768 << 10)
int lt_source_ahead(struct lt_source *inner, struct lt_source **ret_source, struct leat_error *err);

#endif
