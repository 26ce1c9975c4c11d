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

/* The schema of the suite's streams, and the rows of one part of one version. Abort on failure:
 * the suite's own data cannot fail. */
void conf_schema(struct ArrowSchema *ret_schema);
void conf_batch(int stream, int version, int part, struct ArrowArray *ret_batch);

/* --- loads: conf_load.c ---------------------------------------------------------------------- */

struct job {
    int version; /* 0: no rows at all */
    enum leat_write_mode mode;
    uint32_t flags;
    const char *source_id; /* NULL: the suite's */
    const char *fault;     /* LEAT_FAULT for it; the URL is then wrapped */
    bool fault_in_child;   /* ... for the attached process, not the one that began */
    const char *trace;     /* prefix of the two trace files */
    bool retry;            /* parts are tried again, before and after their seal */
    bool commit_twice;
    bool wrong_count;        /* the guard expects other counts than come */
    int64_t lock_timeout_ms; /* 0: 2 s */
    char load_id[33];        /* set by job_run() */
    int processes, parts;    /* set by job_run(): how many it really used */
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

#endif
