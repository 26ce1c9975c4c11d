/* Executions, steps and models: what a pipeline did, and which of its files changed since it last
 * succeeded. An execution is one run of a pipeline, a step one of its stages, a model a file of a
 * step, known by its name and the SHA-256 of its bytes. docs/executions.md describes them.
 *
 * They lie in a state store (leat/state.h), whose rules on threads, errors and documents hold here.
 * Ids are GUIDs: any text PostgreSQL reads as one on the way in, lower case with hyphens on the way
 * out. [not-found] for one that is not there, [invalid] for a text that is none. */
#ifndef LEAT_EXECUTION_H
#define LEAT_EXECUTION_H

#include "leat/state.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LEAT_GUID_MAX 37
#define LEAT_MOMENT_MAX 64
/* Stands for "there was none", where the id of an execution is asked for. */
#define LEAT_NO_EXECUTION "NO_LAST_SUCCESSFUL_EXECUTION"

/* --- executions ----------------------------------------------------------------------------- */

/* Any pipeline's executions, also those that were begun without the name of one. */
#define LEAT_ANY_PIPELINE NULL

/* Begins an execution. `id` NULL: a random one. `pipeline` "" is the one without a name. With
 * LEAT_ANY_PIPELINE nothing but the execution itself is written, as the original program does.
 * LEAT_CONFLICT [id-taken] when the id is in use. */
LEAT_EXPORT int leat_execution_init(struct leat_state *state, const char *id, const char *pipeline,
                                    char ret_id[LEAT_GUID_MAX], struct leat_error *err);
/* The completed execution that was updated last; LEAT_NO_EXECUTION when there is none. */
LEAT_EXPORT int leat_execution_last(struct leat_state *state, const char *pipeline,
                                    char ret_id[LEAT_GUID_MAX], struct leat_error *err);
/* When it was completed, as ISO 8601 in the database session's time zone: "" when it was not, and
 * the database's time now for LEAT_NO_EXECUTION. */
LEAT_EXPORT int leat_execution_completed_at(struct leat_state *state, const char *id,
                                            char ret_moment[LEAT_MOMENT_MAX],
                                            struct leat_error *err);

/* What completing found. */
struct leat_completed {
    size_t size;
    char name[512]; /* of a step, "" for an execution */
    char started_on[LEAT_MOMENT_MAX],
        completed_on[LEAT_MOMENT_MAX]; /* "2020-02-03 04:05:06+00:00" */
    int64_t elapsed_ms;
    int64_t models; /* of a step */
    bool has_rows;  /* of a step: they were said */
    int64_t rows;
};

/* May be done again: the times are set anew. `ret` may be NULL. */
LEAT_EXPORT int leat_execution_complete(struct leat_state *state, const char *id,
                                        struct leat_completed *ret, struct leat_error *err);
/* Marks it as failed, with a reason (may be NULL). */
LEAT_EXPORT int leat_execution_fail(struct leat_state *state, const char *id, const char *reason,
                                    struct leat_error *err);
/* Executions, the newest first. */
LEAT_EXPORT int leat_execution_list(struct leat_state *state, const char *pipeline, int64_t limit,
                                    leat_document_fn *each, void *arg, struct leat_error *err);
/* One execution, with its steps. */
LEAT_EXPORT int leat_execution_show(struct leat_state *state, const char *id,
                                    leat_document_fn *each, void *arg, struct leat_error *err);

/* --- steps ---------------------------------------------------------------------------------- */

/* Of two files with one model name the later one counts; else LEAT_CONFLICT [duplicate-model] names both. */
#define LEAT_STEP_LATER_WINS 1u
/* A completed execution goes on; else LEAT_CONFLICT [completed]. */
#define LEAT_STEP_REOPEN 2u
/* Files whose size, times and inode are as they were are not read again. */
#define LEAT_STEP_TRUST_MTIME 4u

typedef void leat_hashed_fn(void *arg, size_t done, size_t total);

struct leat_step {
    size_t size;
    const char *execution_id;
    const char *name;            /* any text; stored in capitals */
    const char *base_path;       /* a folder */
    const char *const *patterns; /* as Python's pathlib matches them */
    size_t n_patterns;
    unsigned flags;
    leat_hashed_fn *hashed; /* now and then, from the calling thread; may be NULL */
    void *arg;
};

/* Finds and hashes the models first, then writes step and models in one transaction: a failure
 * leaves nothing behind. *ret_reopened (may be NULL) says whether the execution was completed. */
LEAT_EXPORT int leat_step_init(struct leat_state *state, const struct leat_step *step,
                               char ret_id[LEAT_GUID_MAX], bool *ret_reopened,
                               struct leat_error *err);
/* `rows` NULL: not said. */
LEAT_EXPORT int leat_step_complete(struct leat_state *state, const char *id, const int64_t *rows,
                                   struct leat_completed *ret, struct leat_error *err);
/* `rows` (NULL: not said): those that stay although it failed. */
LEAT_EXPORT int leat_step_fail(struct leat_state *state, const char *id, const char *reason,
                               const int64_t *rows, struct leat_error *err);
/* One step. */
LEAT_EXPORT int leat_step_show(struct leat_state *state, const char *id, leat_document_fn *each,
                               void *arg, struct leat_error *err);
LEAT_EXPORT int leat_step_list(struct leat_state *state, const char *execution_id,
                               leat_document_fn *each, void *arg, struct leat_error *err);

#define LEAT_MODEL_ADDED 1u
#define LEAT_MODEL_MODIFIED 2u
#define LEAT_MODEL_REMOVED 4u
typedef int leat_model_fn(void *arg, const char *name, unsigned change);

/* Calls each() for every model that differs, by name, in the order of code points.
 *
 * The step is compared with the latest step of the same name in `previous`: an execution's id,
 * LEAT_NO_EXECUTION (every model was added), or NULL for the last success of its own pipeline. A
 * previous execution without such a step counts as none, or with `strict` is [not-found]. */
LEAT_EXPORT int leat_step_compare(struct leat_state *state, const char *id, const char *previous,
                                  bool strict, unsigned changes, leat_model_fn *each, void *arg,
                                  struct leat_error *err);

#ifdef __cplusplus
}
#endif
#endif
