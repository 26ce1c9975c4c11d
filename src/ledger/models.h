/* The models of a step: files found by patterns, each by its name and the SHA-256 of its bytes. */
#ifndef LT_LEDGER_MODELS_H
#define LT_LEDGER_MODELS_H

#include "core/buf.h"
#include "core/sha256.h"
#include "leat/execution.h"

#define LT_MODELS_MAX 10000000
#define LT_MODEL_NAME_MAX 250 /* characters, as the table has it */

/* What a file was like when it was hashed. */
struct lt_stamp {
    int64_t size, mtime_ns;
    uint64_t device, inode;
};

struct lt_model {
    size_t path;   /* offset into texts */
    uint32_t name; /* of the name within the path: where it begins, and how long it is */
    uint32_t name_len;
    char checksum[LT_SHA256_HEX_MAX];
    bool known;     /* the checksum was taken from an earlier run */
    bool is_steady; /* the stamp says for sure when the file is changed again */
    struct lt_stamp stamp;
};

struct lt_models {
    struct lt_buf texts;
    struct lt_model *items; /* sorted by name once they are found */
    size_t n, cap;
    /* Open addressing by hash of the name: index + 1, 0 for none. */
    uint32_t *slots;
    size_t n_slots;
};

/* Zero-initialise. Finds the files; models are then sorted by name. [duplicate-model] unless
 * `later_wins`. */
int lt_models_find(struct lt_models *models, const char *base, const char *const *patterns,
                   size_t n_patterns, bool later_wins, struct leat_error *err);
/* Hashes all that are not known, several at a time. */
int lt_models_hash(struct lt_models *models, leat_hashed_fn *hashed, void *arg,
                   struct leat_error *err);
void lt_models_done(struct lt_models *models);

static inline const char *lt_model_path(const struct lt_models *models,
                                        const struct lt_model *model)
{
    return (const char *)models->texts.data + model->path;
}

/* size, mtime and so on of a file as it is now. */
int lt_stamp_read(const char *path, struct lt_stamp *ret_stamp, struct leat_error *err);

#endif
