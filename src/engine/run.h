/* One run of a plan, as the engine's files share it.
 *
 *     run.c       starts workers, reports
 *     open.c      both sides opened at once, the streams listed, a look into a file
 *     prepare.c   what is made before the first stream, and after the last
 *     setup.c     options, shares of memory, cancel
 *     hold.c      a snapshot, held for other runs
 *     worker.c    threads that take one unit after another
 *     retry.c     waiting between two tries
 *     watch.c     progress, told from the caller's thread
 *     jobs.c      which streams, and where each goes
 *     names.c     what they are called there; without.c: those that are left out
 *     given.c     their types, where --schema-from says them
 *     losses.c    values that did not fit, counted; flow_losses.c: those of a flow
 *     side.c      opened endpoints, reachable for cancel
 *     unit.c      one load a destination: plan, begin, flows, checks, commit, retry (unit.h)
 *     flow.c      one stream's records from reader to parts: start, next, end
 *     flow_run.c  ... the queues and parts at work, on threads
 *     lanes.c     ... one reader, or several that share a stream out
 *     resume.c    loads that go on from what an earlier run sealed; parts.c: those parts
 *     report.c    results, as structs and as JSON
 *
 * Each worker thread owns a side for the source and one for every destination, and takes one
 * unit after another; so calls on an endpoint come from one thread. */
#ifndef LT_RUN_H
#define LT_RUN_H

#include "engine/losses.h"
#include "engine/plan.h"
#include "engine/rejects.h"
#include "engine/transform.h"

#include <pthread.h>

#define LT_NAME_MAX 1024 /* bytes of a namespace or a stream's name, with the NUL */

/* What of a stream a load takes, and how it is written. Borrowed by the job while it loads. */
struct lt_slice {
    const struct leat_cursor_range *range; /* NULL: all records */
    const char *since, *until;             /* marks of the source; NULL: all records */
    bool nothing;                          /* no record at all: the table is only made or altered */
    bool absent; /* it was decided for a table that is not there; one that is by now: [conflict] */
    enum leat_write_mode mode;
    uint32_t flags;
    /* Columns as the destination calls them. */
    const char *const *keys;
    size_t n_keys;
    const char *const *cursor;
    size_t n_cursor;
    const char *deleted;
    const struct leat_state_row *state;
    size_t n_state;
    const char *op;      /* LEAT_CHANGES: the column that says what is to be done */
    int64_t deletes_max; /* with it: as many rows may go; -1: any number */
    const struct leat_row_counts *counts; /* what must become of the rows; NULL: not checked */
};

/* One stream to be copied. Strings owned. */
struct lt_job {
    char *ns, *name; /* at the source; name "query" for a query */
    char *label;     /* "public.orders": for people */
    enum leat_stream_kind kind;
    int64_t rows_estimate, bytes_estimate;
    char **dest_ns, **dest_names; /* one for each destination */
    bool own_types;               /* of the system's users: prepare() is told of it */
    struct lt_typing typing;      /* changed only between two attempts at it */
    const struct lt_slice *slice; /* NULL: all of it, written as the options say */
};

struct lt_jobs {
    struct lt_job *items;
    size_t n;
};

/* A result being made; `pub` is what the report shows and points into the rest. */
struct lt_result {
    struct leat_stream_result pub;
    char *source, *destination, *route, *proof, *drift, *why_not_resumed, *resolution;
    char *watermark_before, *watermark_after;
    char *preview;                   /* what would be done with it, in words; NULL: it was a run */
    char *open_loads;                /* load_plan.open_loads of the last attempt */
    struct leat_column_loss *losses; /* names and reasons owned */
    size_t n_losses;
    char load_id[33];
    struct leat_error error;
    bool in_doubt;      /* nobody could say what became of its commit */
    bool lasting;       /* it was begun, and what was written of it cannot be taken back */
    const char *partly; /* some of its loads were committed, and stay: what holds, in words */
};

struct leat_report {
    char run_id[33];
    struct lt_result *results; /* jobs x destinations, job-major */
    size_t n;
    int64_t rejected;
    int64_t started_wall_us, elapsed_us;
    bool dry;                /* nothing was done */
    bool compares;           /* its counts are of differences, not of rows written */
    struct leat_error error; /* of the run as a whole; status LEAT_OK when it went well */
    struct lt_buf json;
};

/* An opened endpoint. */
struct lt_side {
    struct lt_run *run;
    const struct lt_location *location;
    const struct leat_connector *connector;
    struct leat_endpoint *ep;
    const struct leat_capabilities *caps;
    struct leat_host host;
    struct leat_param *params; /* the plan's extras that this connector's table has */
    size_t n_params;
    _Atomic bool stale;   /* to be opened again before it is used: it failed, or was cancelled */
    struct lt_side *next; /* list of open sides, guarded by run->sides_mutex */
};

struct lt_run {
    struct leat_plan *plan;
    struct leat *leat;
    char id[33];             /* of this run: in templates of names, and in its record */
    int64_t started_wall_us; /* likewise */
    const struct leat_observer *observer;
    struct lt_column_wishes wishes;
    struct lt_rejects *rejects; /* NULL: the first bad record stops */
    struct lt_jobs jobs;
    struct leat_report *report;
    enum leat_write_mode mode;
    uint32_t write_flags;
    uint32_t with; /* LT_WITH_*, engine/carry.h */
    enum leat_schema_policy schema_policy;
    bool atomic, verify, count, keep_going;
    bool resume; /* sealed parts of loads are kept, and gone on from */
    int64_t part_rows;
    enum lt_on_loss on_loss;
    int parallel; /* as --parallel says, or the cores: workers and lanes in all, and connections
                   * that come after them */
    int workers_n;
    int lanes_max;      /* readers of one stream at a time, and threads that write it */
    bool parallel_said; /* --parallel was given: so many it shall be */
    int64_t memory, batch_bytes_max, queue_bytes_max;
    int64_t batch_rows_max;     /* 0: as many as a batch may have */
    int64_t endpoint_bytes_max; /* of an endpoint's own buffers */
    /* One view of all streams. Shared: a side that does nothing else holds it, and every worker's
     * source joins it by the token. Not shared: the only worker's source took it. */
    struct lt_side *holder;
    char snapshot[256]; /* token; "": none */
    bool snapshot_own;
    bool snapshot_given; /* --snapshot: another process holds it */
    /* The reader of the only job, started while the destinations were opened; NULL: none. */
    struct leat_reader *_Atomic ahead;
    _Atomic bool opens_in_vain; /* the other side failed: no server is waited for any more */
    pthread_t canceller;        /* brings leat_cancel() to blocked calls */
    bool canceller_runs;

    pthread_mutex_t sides_mutex; /* guards sides and their `next` */
    struct lt_side *sides;

    pthread_mutex_t mutex; /* guards all below, with `changed` */
    pthread_cond_t changed;
    size_t unit_next, units_n, units_done, units_told;
    size_t related_n;    /* jobs in front whose tables refer to each other */
    size_t first_unit_n; /* jobs of the first unit; of all others one */
    bool ended;          /* the canceller is to end */
    bool stop;           /* a unit failed and --keep-going was not said */
    const char *current; /* label of a stream at work */
    bool *job_done;

    struct lt_buf shown; /* of a description: shared statements that stand in it, with their NULs */

    _Atomic bool input_spent; /* standard input was begun, which cannot be read twice */
    _Atomic int64_t rows, bytes;
};

/* side.c. Opens the endpoint of a location; registered for cancel until closed. */
int lt_side_open(struct lt_run *run, const struct lt_location *location, struct lt_side **ret_side,
                 struct leat_error *err);
void lt_side_close(struct lt_side *side);
/* extras.c. [unknown-option] for an option of connectors that none of the opened sides has a use
 * for, as a format it does not belong to. */
int lt_sides_check_extras(const struct lt_run *run, const struct lt_side *source,
                          struct lt_side *const *dests, struct leat_error *err);
/* Cancels every open side. */
void lt_sides_cancel(struct lt_run *run);
/* Opens a source or destination again where it is stale; a source sees the run's snapshot again. On
 * failure the old one stays, stale as it is. */
int lt_side_freshen(struct lt_side **side, bool source, struct leat_error *err);
/* Makes a source read the run's snapshot, if there is one to join. */
int lt_side_join(struct lt_side *side, struct leat_error *err);
static inline bool lt_side_can(const struct lt_side *side, uint32_t flag)
{
    return (side->caps->flags & flag) != 0;
}
/* The wire format whose bytes this source could hand on; NULL: none. */
const char *lt_side_bytes_format(const struct lt_side *source);
/* The destination takes that format. */
bool lt_sides_share_bytes(const struct lt_side *source, const struct lt_side *dest);
/* How a stream name as written reads at this side; name "" means a whole namespace. */
int lt_side_resolve(struct lt_side *side, const char *text, char *ret_ns, char *ret_name,
                    size_t size, struct leat_error *err);

/* jobs.c. Lists the source's streams (largest first) and names their places. */
int lt_jobs_list(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                 struct leat_error *err);
/* The same in three: the streams; whether both sides can do what is asked; the places. */
int lt_jobs_find(struct lt_run *run, struct lt_side *source, struct leat_error *err);
int lt_jobs_check(struct lt_run *run, const struct lt_side *source, struct lt_side *const *dests,
                  struct leat_error *err);
int lt_jobs_place(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                  struct leat_error *err);
/* names.c. What the streams are called at destination d: all by its one name, template or namespace. */
int lt_jobs_name(struct lt_run *run, struct lt_side *dest, size_t d, struct leat_error *err);
/* Whether a name as written has a place holder of templates. */
bool lt_name_is_template(const char *text);
/* without.c. Of several streams of a delta, those that lack a column of its cursor: left out, or
 * [unknown-column] names them all. */
int lt_jobs_leave_out(struct lt_run *run, struct lt_side *source, struct leat_error *err);
/* related.c. Puts jobs whose tables at a destination refer to each other in front, parents before
 * their children, and notes in run->related_n how many they are: where the action takes such
 * streams together, and the destination holds its keys meanwhile. */
int lt_jobs_relate(struct lt_run *run, struct lt_side *const *dests, struct leat_error *err);
/* source_id.c. What a job is read from, the same from run to run and without secrets; malloc'ed, NULL
 * without memory. */
char *lt_job_source_id(const struct lt_run *run, const struct lt_job *job);
/* given.c. Takes the types of --schema-from over, if it was said. */
int lt_jobs_give_types(struct lt_run *run, struct leat_error *err);
void lt_jobs_done(struct lt_jobs *jobs, size_t n_destinations);

/* unit.c. Copies jobs [first, first + n) in one load per destination, with retries; fills their
 * results. Stale sides are opened again first, and on the way. */
int lt_unit_run(struct lt_run *run, struct lt_side **source, struct lt_side **dests, size_t first,
                size_t n, struct leat_error *err);
/* Nothing is to be written: puts into the result how the stream's columns differ from the table's.
 * Only the strict policy fails where a load would; for the others it is a word more of the drift. */
int lt_unit_note_drift(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                       size_t job, struct leat_error *err);
/* The same up to the plan: appends its description. */
int lt_unit_describe(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                     size_t first, size_t n, struct lt_buf *out, struct leat_error *err);

/* meta.c. lt_unit_run() and lt_unit_describe() for one job of which no record is moved. */
int lt_meta_run(struct lt_run *run, struct lt_side **source, struct lt_side **dests, size_t job,
                struct leat_error *err);
int lt_meta_describe(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                     size_t job, struct lt_buf *out, struct leat_error *err);

/* prepare.c */
struct lt_worker;
/* Of several streams: makes the types that they need at the destinations, or says that it cannot be
 * done, before the first of them is copied. */
int lt_run_prepare(struct lt_run *run, struct lt_worker *worker, struct leat_error *err);
/* What can only be made after the last stream. */
int lt_run_complete(struct lt_run *run, struct lt_worker *worker, struct leat_error *err);
/* The statements by which that would be done, for cp meta to print. */
int lt_run_show_complete(struct lt_run *run, struct lt_worker *worker, struct lt_buf *out,
                         struct leat_error *err);

/* One thread's own sides. */
struct lt_worker {
    struct lt_run *run;
    pthread_t thread;
    bool started;
    struct lt_side *source;
    struct lt_side **dests;
    size_t expected_end; /* the source was told of the small jobs before this one */
};

/* worker.c. Half-opened workers are closed all the same. */
int lt_worker_init(struct lt_run *run, struct lt_worker *worker, struct leat_error *err);
int lt_worker_open_dests(struct lt_worker *worker, struct leat_error *err);
int lt_worker_open(struct lt_run *run, struct lt_worker *worker, struct leat_error *err);
void lt_worker_close(struct lt_worker *worker);
/* Opens the workers beyond the first, which is open already; returns how many there are. */
int lt_workers_open(struct lt_run *run, struct lt_worker *workers, int n);
/* Starts their threads; fails only when not one could be started. */
int lt_workers_start(struct lt_run *run, struct lt_worker *workers, int n, struct leat_error *err);

/* open.c. Opens the first worker's sides; with them the streams are listed and named. A server that
 * is just restarting is waited for, as it is later on. */
int lt_run_open(struct lt_run *run, struct lt_worker *first, struct leat_error *err);
/* The reader that was started meanwhile, once; NULL: there is none. */
struct leat_reader *lt_run_take_ahead(struct lt_run *run);
/* Ends it, before its source is closed. */
void lt_run_drop_ahead(struct lt_run *run, const struct lt_side *source);

/* retry.c. Says in the log that `what` is tried again because of *err, waits (*wait_ms and up to
 * half as much again, starting with LT_RETRY_FIRST_MS), and doubles *wait_ms up to the most.
 * LEAT_CANCELLED as soon as the run is. */
#define LT_RETRY_FIRST_MS 250
#define LT_RETRY_MAX_MS 30000
int lt_run_back_off(struct lt_run *run, const char *what, int64_t *wait_ms, struct leat_error *err);

/* watch.c. Until all workers have ended: tells the observer. told[jobs.n] starts out false. */
void lt_run_watch(struct lt_run *run, bool *told);

/* setup.c. What leat_run, leat_plan_describe and leat_read have in common. */
int lt_run_init(struct lt_run *run, struct leat_plan *plan, const struct leat_observer *observer,
                struct leat_error *err);
void lt_run_done(struct lt_run *run);
/* Shares the memory bound out over workers_n workers. */
void lt_run_share_memory(struct lt_run *run);
/* The same, and the threads, once it is known how many workers there are. */
void lt_run_share_out(struct lt_run *run, int workers);
/* Waits, with run->mutex held, until run->changed or for so long. */
void lt_run_wait(struct lt_run *run, int64_t wait_ms);
/* Creates the rejects file, if one is wished: only once it is clear that records will be read. */
int lt_run_open_rejects(struct lt_run *run, struct leat_error *err);
/* Fills a read plan for one job from the options; strings are borrowed from both. */
void lt_run_read_plan(struct lt_run *run, const struct lt_side *source, const struct lt_job *job,
                      struct leat_read_plan *ret_plan);

/* report.c */
/* Sets one of a result's owned texts, *ret_shown being what the report shows of it. */
int lt_result_set_text(char **text, const char **ret_shown, const char *value);
/* What was lost, and which columns were carried as text; over what was set before. */
int lt_result_set_losses(struct lt_result *result, const struct lt_lost *lost,
                         const struct lt_run *run, const struct lt_job *job);
/* Adds to what would be done with it. */
int lt_result_add_preview(struct lt_result *result, const char *words);
void lt_result_clear_losses(struct lt_result *result);
int lt_report_new(struct lt_run *run, struct lt_side *const *dests, struct leat_report **ret_report,
                  struct leat_error *err);
static inline struct lt_result *lt_run_result(struct lt_run *run, size_t job, size_t dest)
{
    return &run->report->results[job * run->plan->n_destinations + dest];
}

#endif
