/* Local files and the standard streams as sources and sinks.
 *
 * "-" is standard input or standard output. Regular files can be read at any offset; pipes,
 * terminals and devices only from front to back, and reads and writes on them wait in rounds of
 * LT_FILE_POLL_MS, between which `cancelled` is asked.
 *
 * Errors carry the path in their place: [not-found], [denied], [no-space] and so on by errno; a
 * directory is refused; a regular file that shrinks while it is read, or is written anew without
 * getting longer, is [source-cut]. Of one that got longer a warning is logged at its end.
 *
 * A file that must appear whole or not at all is written under a temporary name beside it:
 *   lt_sink_file(temp, &(struct lt_file_options){.exclusive = true, .durable = true}, &sink, err);
 *   ... lt_sink_write, lt_sink_finish, lt_sink_close ...
 *   lt_file_replace(temp, path, err); */
#ifndef LT_FILE_H
#define LT_FILE_H

#include "core/bytes.h"

#define LT_FILE_POLL_MS 200
#define LT_FILE_BUFFER ((size_t)1 << 20)

/* Zero-initialise; NULL stands for all zero. */
struct lt_file_options {
    /* Non-zero once the run is to stop; NULL: never. From the thread that reads or writes. */
    int (*cancelled)(void *arg);
    void *cancelled_arg;
    bool exclusive; /* sinks: the file must not exist; else an existing one is truncated */
    bool durable;   /* sinks: finish() returns only once the bytes are on the disk */
    size_t buffer;  /* sinks: bytes gathered before they are written; 0: LT_FILE_BUFFER */
};

/* Opens a path, or "-" for standard input, which closing the source leaves open. Small reads are
 * served from a buffer of LT_FILE_BUFFER bytes. */
int lt_source_file(const char *path, const struct lt_file_options *options,
                   struct lt_source **ret_source, struct leat_error *err);

/* Reads `inner` (taken over, also on failure) to its end into a temporary file without a name, in
 * $TMPDIR or /tmp, which the source then reads at any offset; it keeps inner's name. For formats
 * that begin at the end of a file, when they come through a pipe or a codec. */
int lt_source_spool(struct lt_source *inner, const struct lt_file_options *options,
                    struct lt_source **ret_source, struct leat_error *err);

/* Creates a file, or takes "-" for standard output, which stays open. Writes are gathered in a
 * buffer of LT_FILE_BUFFER bytes; finish() writes what is left. Closing without finish() drops
 * it, and leaves the file as far as it was written: whoever created it removes it.
 * No SIGPIPE is raised. */
int lt_sink_file(const char *path, const struct lt_file_options *options, struct lt_sink **ret_sink,
                 struct leat_error *err);

/* Puts `temp` in the place of `path` in one step, and returns once the directory says so on disk
 * too. A file replaced hands its permission bits on. On failure `path` is as it was, unless the
 * place says "directory": then the new file is there, and only its durability is in doubt. */
int lt_file_replace(const char *temp, const char *path, struct leat_error *err);

/* Returns once the directory that `path` lies in says on the disk what it holds. */
int lt_file_sync_parent(const char *path, struct leat_error *err);

#endif
