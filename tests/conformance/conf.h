/* What the conformance suite is made of: its data, its loads, its cases. */
#ifndef CONF_H
#define CONF_H

#include "leat/connector.h"

#include <stdbool.h>
#include <stddef.h>

#define CONF_STREAMS 2
#define CONF_PARTS 3
#define CONF_ROWS 40 /* a part of a version */

/* The connector under test and its quirks, from the command line. */
struct conf {
    const char *url;
    const char *ns;
    const char *names[CONF_STREAMS + 1]; /* the last one is where bytes are copied to */
    const char *probe;  /* shell command: prints what loads left behind; NULL: not asked */
    const char *reset;  /* shell command: the destination does not exist afterwards */
    const char *module; /* path of a loadable module to take the connector from; NULL: built in */
    bool one_file;      /* one load replaces a whole stream of one file: nothing can be appended */
    int parts;          /* parts asked for; 1 where only streams of one part can be read back */
    bool commit_twice;  /* commit() may be called again on the same load */
    enum leat_write_mode only; /* a mode with keys: its cases alone */
    struct leat_param params[8];
    size_t n_params;
};

extern struct conf conf;
extern const struct leat_host conf_host;

/* The connector of a URL's scheme: "fault", the toy, a module, or one built in. */
const struct leat_connector *conf_connector(const char *url);
int conf_open(const char *url, int64_t lock_timeout_ms, const struct leat_connector **ret_connector,
              struct leat_endpoint **ret_ep, struct leat_error *err);

/* --- data: conf_data.c ----------------------------------------------------------------------- */

/* Rows as sorted lines of text. */
struct content {
    char **lines;
    size_t n;
    bool absent; /* the stream does not exist */
};

void content_done(struct content *content);
/* What a stream holds when these versions, each of all parts, are all that is in it. */
void content_expect(struct content *content, int stream, const int *versions, int n_versions);
/* What it does hold, read through the source side; a wrong read ends in an error. */
int content_read(const char *url, const char *name, int stream, struct content *ret_content,
                 struct leat_error *err);
bool content_equal(const struct content *a, const struct content *b);

/* Reads a stream as these columns and no others. */
int content_read_as(const char *url, const char *name, const struct ArrowSchema *schema,
                    struct content *ret_content, struct leat_error *err);
/* Appends the rows of a batch, not sorted. */
int content_add(struct content *content, const struct ArrowSchema *schema,
                const struct ArrowArray *batch, struct leat_error *err);
void content_sort(struct content *content);

/* The schema of the suite's streams, and the rows of one part of one version. Abort on failure:
 * the suite's own data cannot fail. */
void conf_schema(struct ArrowSchema *ret_schema);
void conf_batch(int stream, int version, int part, struct ArrowArray *ret_batch);

/* --- loads: conf_load.c ---------------------------------------------------------------------- */

struct job {
    int version; /* 0: no rows at all */
    int round;   /* not 0: the rows of conf_keyed.c, for the modes with keys */
    enum leat_write_mode mode;
    uint32_t flags;
    const char *source_id; /* NULL: the suite's */
    const char *fault;     /* LEAT_FAULT for it; the URL is then wrapped */
    bool fault_in_child;   /* ... for the attached process, not the one that began */
    const char *trace;     /* prefix of the two trace files */
    bool retry;            /* parts are tried again, before and after their seal */
    bool commit_twice;
    bool wrong_count;       /* the guard expects other counts than come */
    bool no_deletes;        /* the guard allows none */
    const char *before;     /* what the state row of stream 0 must be; "": there must be none */
    const char *value;      /* what it becomes; NULL: the suite's */
    bool read_back;         /* before the commit, what was loaded is read */
    int64_t rows_read_back; /* set by job_run(), of stream 0 */
    struct leat_row_counts counts[CONF_STREAMS]; /* set by job_run() */
    int64_t lock_timeout_ms;                     /* 0: 2 s */
    char load_id[33];                            /* set by job_run() */
    int processes, parts;                        /* set by job_run(): how many it really used */
    const char *resume; /* of stream 0 alone; what was sealed by an earlier load is not written */
    int leave;          /* with it: after so many parts the load is left for another one */
    void (*while_open)(struct job *job); /* called before the commit, or before it is left */
    bool taken;                          /* set by job_run(): an earlier load was taken over, */
    int taken_parts;                     /* ... with so many parts */
    char found[64];                      /* ... or found; its text */
};

/* Runs one load of both streams, in two processes where the connector can be attached to. */
int job_run(struct job *job, struct leat_error *err);
/* The same in a process of its own; returns its wait status. *err is not carried over. */
int job_run_apart(struct job *job);
int job_outcome(const struct job *job, enum leat_outcome *ret_outcome, struct leat_error *err);
/* Copies a stream to another of the same system by wire-format bytes; LEAT_UNSUPPORTED where
 * there are none. */
int job_copy_bytes(const char *from, const char *to, enum leat_write_mode mode,
                   struct leat_error *err);
/* Both streams' write plans, for calls of plan() alone. The plan points into static memory. */
const struct leat_write_plan *job_plan(struct job *job, bool shared);

/* --- loads taken over: conf_resume.c --------------------------------------------------------- */

/* What cases are told with, and what clears the destination and looks at what is left there. */
struct conf_tell {
    bool (*ok)(bool good, const char *name, const char *why);
    void (*reset)(void);
    const char *(*leftovers)(void);
};

void resume_cases(const struct conf_tell *tell);

/* --- modes with keys: conf_keyed.c ----------------------------------------------------------- */

bool conf_is_keyed(enum leat_write_mode mode);
void keyed_schema(enum leat_write_mode mode, struct ArrowSchema *ret_schema);
/* Records of one part of one round. */
void keyed_batch(enum leat_write_mode mode, int stream, int round, int part,
                 struct ArrowArray *ret_batch);
int64_t keyed_rows(enum leat_write_mode mode, int round); /* of all parts of a stream */
extern const char *const keyed_key[1], *const keyed_cursor[1];
/* The streams hold what these rounds, the first `n`, come to; n -1: they do not exist. */
bool keyed_hold(enum leat_write_mode mode, int n, char *why, size_t size);
/* What the counts must be, by the rows before and after a load of this round. */
bool keyed_counts(const struct job *job, const struct content *before, const struct content *after,
                  const struct leat_row_counts *counts, char *why, size_t size);
int keyed_read(enum leat_write_mode mode, int stream, struct content *ret_content,
               struct leat_error *err);

#endif
