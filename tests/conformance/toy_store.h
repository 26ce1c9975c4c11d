/* What a toy directory is made of, below the contract:
 *
 *   ROOT/STREAM/manifest           which part files are the stream, and its schema
 *   ROOT/STREAM/LOAD-N.bin         part files
 *   ROOT/.leat/lock                the fence: flock'ed while a load is open
 *   ROOT/.leat/load-LOAD/          the staging of one load
 *   ROOT/.leat/commit-LOAD         the commit mark: from its rename on, the load has happened and
 *                                  whoever takes the fence next finishes it
 *   ROOT/.leat/done-LOAD           the record of a finished load
 */
#ifndef TOY_STORE_H
#define TOY_STORE_H

#include "core/buf.h"
#include "leat/connector.h"

#define TOY_FRAME_MAGIC 0x31594f54u

/* Every payload lies in its part file behind one of these. */
struct toy_frame {
    uint32_t magic;
    uint32_t rows;
    uint64_t len;
};

struct leat_endpoint {
    const struct leat_host *host;
    char *root;
    int64_t lock_timeout_ms;
    volatile int cancelled;
};

struct toy_part_file {
    char *name;
    int64_t rows;
};

struct toy_manifest {
    char *load_id;
    char *source_id;
    struct lt_buf schema; /* toy_schema_write */
    struct toy_part_file *parts;
    size_t n_parts;
    int64_t rows;
};

int toy_step(struct leat_endpoint *ep, const char *name, struct leat_error *err);

/* malloc'ed ROOT/.leat/PREFIXid. */
char *toy_path(const struct leat_endpoint *ep, const char *prefix, const char *id);

/* Takes the fence; LEAT_UNAVAILABLE ([destination-busy]) after the endpoint's lock timeout. */
int toy_lock(struct leat_endpoint *ep, int64_t timeout_ms, int *ret_fd, struct leat_error *err);

int toy_read_file(const char *path, struct lt_buf *out, struct leat_error *err);
/* Writes by way of PATH.new and a rename, so that the file is there whole or not at all. */
int toy_write_file(const char *path, const void *data, size_t len, struct leat_error *err);
void toy_remove_tree(const char *path);

/* LEAT_NOT_FOUND when the stream does not exist. Free with toy_manifest_done(). */
int toy_manifest_read(const struct leat_endpoint *ep, const char *stream,
                      struct toy_manifest *ret_manifest, struct leat_error *err);
int toy_manifest_add(struct toy_manifest *manifest, const char *name, int64_t rows,
                     struct leat_error *err);
int toy_manifest_write(const struct toy_manifest *manifest, const char *path,
                       struct leat_error *err);
void toy_manifest_done(struct toy_manifest *manifest);

/* Finishes a load whose commit mark is there. Every step may be repeated. Needs the fence. */
int toy_install(struct leat_endpoint *ep, const char *id, struct leat_error *err);
/* Finishes every marked load; needs the fence. */
int toy_roll_forward(struct leat_endpoint *ep, struct leat_error *err);
/* Removes the staging of loads that have no commit mark, except `keep`; needs the fence. */
int toy_sweep(struct leat_endpoint *ep, const char *keep, int64_t *ret_removed,
              struct leat_error *err);

#endif
