/* The contract's proof: one script that every connector passes.
 *
 *   conformance URL [quirk=value ...]
 *
 *   a=NAME b=NAME c=NAME  the streams to write (c: where bytes are copied to)
 *   ns=NAME               their namespace
 *   probe=COMMAND         prints whatever loads left behind; must print nothing
 *   reset=COMMAND         afterwards the destination does not exist
 *   module=PATH           the connector comes from this loadable module
 *   param.NAME=VALUE      an option of format or writing, as on leat's command line
 *   append=no             a load cannot add to what is there
 *   parts=N               ask for so many parts a stream, not 3
 *   twice=yes             commit() may be called again on the same load
 *   only=MODE             of the cases only those of this mode with keys ("merge")
 *
 * Writes TAP: a case a line, and as comments a table of the points at which it was killed. */
#include "conf.h"
#include "toy.h"

#include "core/codes.h"
#include "core/util.h"
#include "registry.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 512
#define STEP_MAX 128
#define MEMORY_BYTES (32 << 20)

struct conf conf = {.names = {"conf_a", "conf_b", "conf_c"}, .parts = CONF_PARTS};

static const struct leat_connector *module_connector;
static int cases, failures;

/* --- the host ------------------------------------------------------------------------------ */

static void host_log(void *arg, enum leat_log_level level, const char *line)
{
    (void)arg, (void)level;
    if (getenv("CONFORMANCE_VERBOSE")) {
        fprintf(stderr, "# %s\n", line);
    }
}

static int64_t host_memory(void *arg)
{
    (void)arg;
    return MEMORY_BYTES;
}

static bool goes_by(const struct leat_connector *connector, const char *name)
{
    bool found = !strcmp(connector->name, name);
    for (const char *const *alias = connector->aliases; alias && *alias; alias++) {
        found = found || !strcmp(*alias, name);
    }
    return found;
}

static const struct leat_connector *host_connector(void *arg, const char *name)
{
    (void)arg;
    if (module_connector && goes_by(module_connector, name)) {
        return module_connector;
    }
    if (!strncmp(name, "fault", 5)) {
        return &fault_connector;
    }
    if (goes_by(&toydir_connector, name)) {
        return &toydir_connector;
    }
    for (const struct leat_connector *const *at = lt_connectors; *at; at++) {
        if (goes_by(*at, name)) {
            return *at;
        }
    }
    return NULL;
}

const struct leat_host conf_host = {
    .size = sizeof conf_host, .log = host_log, .memory = host_memory, .connector = host_connector};

const struct leat_connector *conf_connector(const char *url)
{
    char scheme[64];
    snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(url, ":+"), url);
    return host_connector(NULL, scheme);
}

int conf_open(const char *url, int64_t lock_timeout_ms, const struct leat_connector **ret_connector,
              struct leat_endpoint **ret_ep, struct leat_error *err)
{
    const struct leat_connector *connector = conf_connector(url);
    struct leat_config config = {
        .size = sizeof config, .url = url, .host = &conf_host, .lock_timeout_ms = lock_timeout_ms};
    if (!connector) {
        return lt_fail(err, LT_E_UNKNOWN_SCHEME, "no such connector");
    }
    *ret_connector = connector;
    return connector->open(&config, ret_ep, err);
}

/* --- TAP ----------------------------------------------------------------------------------- */

static bool ok(bool good, const char *name, const char *why)
{
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", ++cases, name);
    if (!good && why && *why) {
        printf("# %s\n", why);
    }
    fflush(stdout);
    return good;
}

static const char *said(const struct leat_error *err)
{
    static char text[2048];
    lt_error_format(err, text, sizeof text);
    return text;
}

static bool done(int status, struct leat_error *err, const char *name)
{
    return ok(!status, name, status ? said(err) : "");
}

static void reset(void)
{
    if (conf.reset && system(conf.reset)) {
        printf("Bail out! the reset command failed\n");
        exit(1);
    }
}

/* What loads left behind, as the quirks' own command sees it; "" when nothing. */
static const char *leftovers(void)
{
    static char text[512];
    FILE *pipe = conf.probe ? popen(conf.probe, "r") : NULL;
    size_t len = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;
    text[len] = 0;
    if (pipe && pclose(pipe)) {
        snprintf(text, sizeof text, "the probe command failed");
    }
    for (char *at = text; *at; at++) {
        *at = *at == '\n' ? ' ' : *at;
    }
    return text;
}

/* --- contents ------------------------------------------------------------------------------ */

/* What both streams hold is these versions; n 0 means empty, n -1 that they do not exist. */
static bool holds(const char *name, int stream, const int *versions, int n, char *why, size_t size)
{
    struct content expected = {0}, found = {0};
    struct leat_error *err = leat_error_new();
    bool good = false;
    if (n < 0) {
        expected.absent = true;
    } else {
        content_expect(&expected, stream, versions, n);
    }
    if (content_read(conf.url, name, stream, &found, err)) {
        snprintf(why, size, "%s: %.1900s", name, said(err));
    } else {
        good = content_equal(&expected, &found);
        if (!good) {
            snprintf(why, size, "%s: %zu rows expected%s, %zu found%s", name, expected.n,
                     expected.absent ? " (absent)" : "", found.n, found.absent ? " (absent)" : "");
        }
    }
    content_done(&expected);
    content_done(&found);
    leat_error_free(err);
    return good;
}

static bool both_hold(const int *versions, int n, char *why, size_t size)
{
    bool good = true;
    for (int i = 0; good && i < CONF_STREAMS; i++) {
        good = holds(conf.names[i], i, versions, n, why, size);
    }
    return good;
}

static void expect(const char *name, const int *versions, int n)
{
    char why[2048] = "";
    bool good = both_hold(versions, n, why, sizeof why);
    ok(good, name, why);
}

#define VERSIONS(...)                                                                              \
    ((const int[]){__VA_ARGS__}), (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static int load(int version, enum leat_write_mode mode, struct leat_error *err)
{
    struct job job = {.version = version, .mode = mode, .flags = LEAT_WRITE_FORCE};
    return job_run(&job, err);
}

/* Version 1 where there was nothing, or nothing at all. */
static bool base(bool existing, struct leat_error *err)
{
    reset();
    return !existing || !load(1, LEAT_REPLACE, err);
}

static int base_rounds(enum leat_write_mode mode, int n, struct leat_error *err);

/* What is there before a load of this mode is disturbed, and that load. */
static bool prepare(enum leat_write_mode mode, bool existing, struct job *ret_job,
                    struct leat_error *err)
{
    *ret_job = (struct job){.version = 2, .mode = mode, .flags = LEAT_WRITE_FORCE};
    if (!conf_is_keyed(mode)) {
        return base(existing, err);
    }
    *ret_job = (struct job){.mode = mode, .round = existing ? 2 : 1};
    return !base_rounds(mode, existing ? 1 : 0, err);
}

/* --- cases --------------------------------------------------------------------------------- */

static void case_loads(struct leat_error *err)
{
    struct job job = {.version = 1, .mode = LEAT_REPLACE};
    const char *left;
    reset();
    expect("streams are absent before the first load", NULL, -1);
    done(job_run(&job, err), err, "replace makes streams that do not exist");
    printf("# %d parts a stream, %d processes\n", job.parts, job.processes);
    expect("what was written is read back exactly", VERSIONS(1));
    enum leat_outcome outcome = LEAT_LOAD_ABSENT;
    int status = job_outcome(&job, &outcome, err);
    ok(!status && outcome == LEAT_LOAD_COMMITTED, "the outcome of a done load is committed",
       said(err));
    job = (struct job){.version = 2, .mode = LEAT_REPLACE};
    done(job_run(&job, err), err, "replace of leat's own rows needs no force");
    expect("replace leaves only the new rows", VERSIONS(2));
    job = (struct job){.version = 3, .mode = LEAT_REPLACE, .retry = true};
    done(job_run(&job, err), err, "a part may be tried again, before and after its seal");
    expect("a part tried again counts once", VERSIONS(3));
    if (!conf.one_file) {
        done(load(4, LEAT_APPEND, err), err, "append to streams that exist");
        expect("append keeps the old rows and adds the new ones", VERSIONS(3, 4));
        reset();
        done(load(5, LEAT_APPEND, err), err, "append makes streams that do not exist");
        expect("append to nothing holds the new rows", VERSIONS(5));
    }
    if (conf.commit_twice) {
        job = (struct job){.version = 6, .mode = LEAT_REPLACE, .commit_twice = true};
        done(job_run(&job, err), err, "a second commit says that the first one did it");
    }
    left = leftovers();
    ok(!*left, "loads leave nothing behind", left);
}

static int plan_only(struct job *job, struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct leat_load_plan plan = {.size = sizeof plan};
    int status = conf_open(conf.url, 200, &connector, &ep, err);
    status = status ? status : connector->load->plan(ep, job_plan(job, false), &plan, err);
    if (!status) {
        connector->load->plan_release(&plan);
    }
    if (ep) {
        connector->close(ep);
    }
    return status;
}

static void case_guards(struct leat_error *err)
{
    struct job strange = {.version = 2, .mode = LEAT_REPLACE, .source_id = "somebody else"};
    struct job empty = {.version = 0, .mode = LEAT_REPLACE, .flags = LEAT_WRITE_FORCE};
    struct job wrong = {
        .version = 2, .mode = LEAT_REPLACE, .flags = LEAT_WRITE_FORCE, .wrong_count = true};
    base(true, err);
    int status = plan_only(&strange, err);
    ok(status == LEAT_CONFLICT && !strcmp(err->code, "destination-holds-rows"),
       "rows that came from another source are not replaced unasked", said(err));
    status = job_run(&wrong, err);
    ok(status == LEAT_BAD_DATA, "a count that does not match stops the commit", said(err));
    expect("... and changes nothing", VERSIONS(1));
    status = job_run(&empty, err);
    ok(status == LEAT_CONFLICT, "no rows do not replace some rows unasked", said(err));
    expect("... and change nothing", VERSIONS(1));
    const char *left = leftovers();
    ok(!*left, "a stopped commit leaves nothing behind", left);
}

/* Begins a load and keeps it open while another one tries. */
static void case_fence(struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct leat_load_plan plan = {.size = sizeof plan};
    struct leat_load *held = NULL;
    struct job first = {.version = 2, .mode = LEAT_REPLACE, .flags = LEAT_WRITE_FORCE};
    struct job second = first;
    base(true, err);
    second.lock_timeout_ms = 200;
    int status = conf_open(conf.url, 200, &connector, &ep, err);
    status = status ? status : connector->load->plan(ep, job_plan(&first, false), &plan, err);
    status = status ? status : connector->load->begin(ep, &plan, &held, err);
    if (!done(status, err, "a load takes the fence")) {
        return;
    }
    status = job_run(&second, err);
    ok(status == LEAT_UNAVAILABLE && !strcmp(err->code, "destination-busy"),
       "a second load of the same streams is told that they are busy", said(err));
    connector->load->abort(held);
    connector->load->plan_release(&plan);
    connector->close(ep);
    expect("an aborted load changes nothing", VERSIONS(1));
    enum leat_outcome outcome = LEAT_LOAD_COMMITTED;
    status = job_outcome(&first, &outcome, err);
    ok(!status && outcome == LEAT_LOAD_ABSENT, "the outcome of an aborted load is absent",
       status ? said(err) : "");
    done(load(3, LEAT_REPLACE, err), err, "the next load finds the fence free");
    expect("... and does its work", VERSIONS(3));
}

static void case_bytes(struct leat_error *err)
{
    char why[2048] = "";
    base(true, err);
    leat_error_clear(err);
    int status = job_copy_bytes(conf.names[0], conf.names[2], LEAT_REPLACE, err);
    if (status == LEAT_UNSUPPORTED && !strcmp(err->code, "")) {
        printf("# no wire format of its own: bytes are not asked for\n");
        return;
    }
    done(status, err, "bytes are handed over as they are");
    ok(holds(conf.names[2], 0, VERSIONS(1), why, sizeof why), "... and say the same", why);
    done(load(2, LEAT_REPLACE, err), err, "another version to copy");
    done(job_copy_bytes(conf.names[0], conf.names[2], LEAT_APPEND, err), err, "bytes are appended");
    ok(holds(conf.names[2], 0, VERSIONS(1, 2), why, sizeof why), "... to what was there", why);
}

static int count_stream(void *arg, const struct leat_stream_info *info)
{
    for (int i = 0; i < CONF_STREAMS; i++) {
        *(int *)arg += !strcmp(info->name.name, conf.names[i]);
    }
    return 0;
}

static void case_catalogue(struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct ArrowSchema schema = {0};
    struct leat_stream_info info = {.size = sizeof info};
    struct leat_stream_name nowhere = {conf.ns, "no_such_stream"};
    int found = 0;
    base(true, err);
    if (conf_open(conf.url, 200, &connector, &ep, err) || !connector->catalog) {
        return;
    }
    int status = connector->catalog->discover(ep, conf.ns, "conf_*", count_stream, &found, err);
    ok(!status && found == CONF_STREAMS, "discover lists both streams", said(err));
    status = connector->catalog->describe(ep, &nowhere, &schema, &info, err);
    ok(status == LEAT_NOT_FOUND, "describe of what is not there says so", said(err));
    connector->close(ep);
}

/* --- modes with keys ----------------------------------------------------------------------- */

static const char *const mode_names[] = {[LEAT_MERGE] = "merge",
                                         [LEAT_DELETE_INSERT] = "delete+insert",
                                         [LEAT_CHANGES] = "changes",
                                         [LEAT_HISTORY] = "history"};

/* Modes with keys that the connector says it knows, as bits. */
static uint32_t keyed_modes(void)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    uint32_t modes = 0;
    if (!conf_open(conf.url, 200, &connector, &ep, NULL)) {
        modes = connector->capabilities(ep)->modes;
        connector->close(ep);
    }
    return modes;
}

static void expect_rounds(enum leat_write_mode mode, int n, const char *name)
{
    char why[2048] = "";
    bool good = keyed_hold(mode, n, why, sizeof why);
    ok(good, name, why);
}

/* The rows of the rounds up to `n`, made anew. */
static int base_rounds(enum leat_write_mode mode, int n, struct leat_error *err)
{
    int status = LEAT_OK;
    reset();
    for (int round = 1; round <= n && !status; round++) {
        struct job job = {.mode = mode, .round = round};
        status = job_run(&job, err);
    }
    return status;
}

/* A round, and whether what it counted is what is seen. */
static void counted_round(enum leat_write_mode mode, int round, bool read_back,
                          struct leat_error *err)
{
    struct job job = {.mode = mode, .round = round, .read_back = read_back};
    struct content before[CONF_STREAMS] = {0}, after[CONF_STREAMS] = {0};
    char name[128], why[2048] = "";
    int status = LEAT_OK;
    bool good = true;
    for (int i = 0; i < CONF_STREAMS && !status; i++) {
        status = keyed_read(mode, i, &before[i], err);
    }
    status = status ? status : job_run(&job, err);
    snprintf(name, sizeof name, "%s: round %d is loaded", mode_names[mode], round);
    done(status, err, name);
    for (int i = 0; i < CONF_STREAMS && !status && good; i++) {
        status = keyed_read(mode, i, &after[i], err);
        good = keyed_counts(&job, &before[i], &after[i], &job.counts[i], why, sizeof why);
    }
    snprintf(name, sizeof name, "%s: ... and its counts are what is seen", mode_names[mode]);
    ok(!status && good, name, why);
    snprintf(name, sizeof name, "%s: ... and the table holds what it should", mode_names[mode]);
    expect_rounds(mode, round, name);
    for (int i = 0; i < CONF_STREAMS; i++) {
        content_done(&before[i]);
        content_done(&after[i]);
    }
}

static void case_keyed(enum leat_write_mode mode, struct leat_error *err)
{
    char name[128];
    reset();
    for (int round = 1; round <= 3; round++) {
        counted_round(mode, round, round == 3, err);
    }
    struct job again = {.mode = mode, .round = 3};
    int status = job_run(&again, err);
    if (mode == LEAT_CHANGES) {
        snprintf(name, sizeof name, "changes: what was done already is a conflict");
        ok(status == LEAT_CONFLICT && !strcmp(err->code, "conflict"), name, said(err));
    } else {
        snprintf(name, sizeof name, "%s: the same round again is absorbed", mode_names[mode]);
        done(status, err, name);
    }
    expect_rounds(mode, 3, "... and changes nothing");
    const char *left = leftovers();
    ok(!*left, "loads by key leave nothing behind", left);
}

static void case_keyed_guards(enum leat_write_mode mode, struct leat_error *err)
{
    struct job job = {.mode = mode, .round = 2, .no_deletes = true};
    char name[128];
    base_rounds(mode, 1, err);
    int status = job_run(&job, err);
    snprintf(name, sizeof name, "%s: more deletes than allowed stop the commit", mode_names[mode]);
    ok(status == LEAT_CONFLICT && !strcmp(err->code, "too-many-deletes"), name, said(err));
    expect_rounds(mode, 1, "... and change nothing");
    job = (struct job){.mode = mode, .round = 2, .retry = true};
    done(job_run(&job, err), err, "a part may be tried again, before and after its seal");
    expect_rounds(mode, 2, "... and counts once");
}

/* The suite's state row of stream 0, "" for none, "?" when it cannot be told. */
static int take_state(void *arg, const char *key, const char *value)
{
    if (!strcmp(key, "conformance")) {
        snprintf(arg, 64, "%s", value);
    }
    return LEAT_OK;
}

static const char *state_is(void)
{
    static char text[64];
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct leat_stream_name name = {conf.ns, conf.names[0]};
    *text = 0;
    if (conf_open(conf.url, 200, &connector, &ep, NULL) ||
        connector->load->state(ep, &name, take_state, text, NULL)) {
        snprintf(text, sizeof text, "?");
    }
    if (ep) {
        connector->close(ep);
    }
    return text;
}

static int set_state(const char *value, struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct leat_stream_name name = {conf.ns, conf.names[0]};
    int status = conf_open(conf.url, 200, &connector, &ep, err);
    status = status ? status : connector->load->state_set(ep, &name, "conformance", value, err);
    if (ep) {
        connector->close(ep);
    }
    return status;
}

static void case_state(enum leat_write_mode mode, struct leat_error *err)
{
    struct job job = {.mode = mode, .round = 1};
    if (!conf_connector(conf.url)->load->state) {
        printf("# it keeps no state of streams\n");
        return;
    }
    base_rounds(mode, 0, err);
    ok(!strcmp(state_is(), ""), "a stream that is not there has no state", state_is());
    job = (struct job){.mode = mode, .round = 1, .before = "", .value = "one"};
    done(job_run(&job, err), err, "a load finds no state where there is to be none");
    ok(!strcmp(state_is(), "one"), "... and leaves its own", state_is());
    job = (struct job){.mode = mode, .round = 2, .before = "other", .value = "two"};
    int status = job_run(&job, err);
    ok(status == LEAT_CONFLICT && !strcmp(err->code, "conflict"),
       "state that another run moved on is a conflict", said(err));
    expect_rounds(mode, 1, "... and nothing is changed");
    ok(!strcmp(state_is(), "one"), "... the state neither", state_is());
    job = (struct job){.mode = mode, .round = 2, .before = "one", .value = "two"};
    done(job_run(&job, err), err, "state that is as it was lets the load through");
    ok(!strcmp(state_is(), "two"), "... and moves on with the rows", state_is());
    done(set_state("by hand", err), err, "state is set by hand");
    ok(!strcmp(state_is(), "by hand"), "... and read", state_is());
    done(set_state(NULL, err), err, "state is removed");
    ok(!strcmp(state_is(), ""), "... and gone", state_is());
    reset();
    ok(set_state("1", err) == LEAT_NOT_FOUND, "a stream that is not there is given no state",
       said(err));
}

/* --- faults -------------------------------------------------------------------------------- */

struct point {
    char step[STEP_MAX];
    int count;
    bool child;
};

static int add_points(const char *prefix, bool child, struct point *points, int n)
{
    char path[512], line[STEP_MAX];
    snprintf(path, sizeof path, "%s.%s", prefix, child ? "child" : "main");
    FILE *trace = fopen(path, "r");
    int first = n;
    while (trace && n < STEPS_MAX && fgets(line, sizeof line, trace)) {
        line[strcspn(line, "\n")] = 0;
        int count = 1, last = -1;
        for (int i = first; i < n; i++) {
            if (!strcmp(points[i].step, line)) {
                count = points[i].count + 1;
                last = i;
            }
        }
        /* Of a step reached many times, the first and the last. */
        if (count > 2 && last >= 0) {
            points[last].count = count;
            continue;
        }
        snprintf(points[n].step, sizeof points[n].step, "%s", line);
        points[n].count = count;
        points[n++].child = child;
    }
    if (trace) {
        fclose(trace);
    }
    unlink(path);
    return n;
}

/* Until its parts are sealed one mode with keys goes about as the others do: merges alone are
 * disturbed there too. */
static bool is_told(enum leat_write_mode mode, const char *step)
{
    return !conf_is_keyed(mode) || mode == LEAT_MERGE || strstr(step, "seal") ||
           strstr(step, "commit");
}

/* The steps of a load that nothing disturbs. */
static int record_steps(enum leat_write_mode mode, bool existing, struct point *points)
{
    struct leat_error *err = leat_error_new();
    char prefix[128];
    struct job job;
    snprintf(prefix, sizeof prefix, "/tmp/leat-conformance-%d", (int)getpid());
    int n = 0;
    bool ready = prepare(mode, existing, &job, err);
    job.trace = prefix;
    if (ready && !job_run(&job, err)) {
        n = add_points(prefix, false, points, n);
        n = add_points(prefix, true, points, n);
    }
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (is_told(mode, points[i].step)) {
            points[kept++] = points[i];
        }
    }
    leat_error_free(err);
    return kept;
}

static const char *const outcome_names[] = {"absent", "committed", "in flight"};

/* After a fault: the outcome is known, the streams are old or new by it and never a mix, the next
 * run does its work, and nothing is left behind. */
static bool recovers(struct job *job, bool existing, char *row, size_t size)
{
    static const int old_rows[] = {1}, new_rows[] = {2}, all_rows[] = {1, 2};
    static const int old_next[] = {1, 3}, all_next[] = {1, 2, 3}, next_rows[] = {3};
    struct leat_error *err = leat_error_new();
    enum leat_outcome outcome = LEAT_LOAD_IN_FLIGHT;
    char why[2048] = "";
    bool append = job->mode == LEAT_APPEND && existing, good = false;
    if (job_outcome(job, &outcome, err) || outcome == LEAT_LOAD_IN_FLIGHT) {
        snprintf(row, size, "outcome not known: %s", said(err));
        goto out;
    }
    bool is_new = outcome == LEAT_LOAD_COMMITTED;
    const int *expected = !is_new ? old_rows : append ? all_rows : new_rows;
    int n = !is_new && !existing ? -1 : is_new && append ? 2 : 1;
    good = both_hold(expected, n, why, sizeof why);
    if (!good && !is_new && !existing) {
        good = both_hold(NULL, 0, why, sizeof why); /* made, and empty, is as good as not there */
    }
    const char *content = !good ? why : is_new ? "new" : "old";
    int next = load(3, job->mode, err);
    expected = !append ? next_rows : is_new ? all_next : old_next;
    n = !append ? 1 : is_new ? 3 : 2;
    if (job->mode == LEAT_APPEND && !existing && is_new) {
        static const int two[] = {2, 3};
        expected = two;
        n = 2;
    }
    bool again = !next && both_hold(expected, n, why, sizeof why);
    const char *left = leftovers();
    snprintf(row, size, "outcome %s, content %s, next run %s, left behind: %s",
             outcome_names[outcome], content,
             again  ? "done"
             : next ? said(err)
                    : why,
             *left ? left : "nothing");
    good = good && again && !*left;
out:
    leat_error_free(err);
    return good;
}

/* The same for a round of a mode with keys; what was not done is done by the next run. */
static bool recovers_keyed(struct job *job, bool existing, char *row, size_t size)
{
    struct leat_error *err = leat_error_new();
    enum leat_outcome outcome = LEAT_LOAD_IN_FLIGHT;
    char why[2048] = "";
    if (job_outcome(job, &outcome, err) || outcome == LEAT_LOAD_IN_FLIGHT) {
        snprintf(row, size, "outcome not known: %s", said(err));
        leat_error_free(err);
        return false;
    }
    bool is_new = outcome == LEAT_LOAD_COMMITTED;
    int n = is_new ? job->round : existing ? job->round - 1 : -1;
    bool good = keyed_hold(job->mode, n, why, sizeof why) ||
                (n < 0 && keyed_hold(job->mode, 0, why, sizeof why));
    const char *content = !good ? why : is_new ? "new" : "old";
    struct job after = {.mode = job->mode, .round = is_new ? job->round + 1 : job->round};
    int next = good ? job_run(&after, err) : LEAT_OK;
    bool again = good && !next && keyed_hold(job->mode, after.round, why, sizeof why);
    const char *left = leftovers();
    snprintf(row, size, "outcome %s, content %s, next run %s, left behind: %s",
             outcome_names[outcome], content,
             again  ? "done"
             : next ? said(err)
                    : why,
             *left ? left : "nothing");
    leat_error_free(err);
    return good && again && !*left;
}

static bool recovers_from(struct job *job, bool existing, char *row, size_t size)
{
    return job->round ? recovers_keyed(job, existing, row, size)
                      : recovers(job, existing, row, size);
}

static void kill_points(const char *title, enum leat_write_mode mode, bool existing)
{
    static struct point points[STEPS_MAX];
    struct leat_error *err = leat_error_new();
    char name[256], fault[STEP_MAX + 32], row[4096];
    int n = record_steps(mode, existing, points);
    snprintf(name, sizeof name, "%s: the steps of a load are known", title);
    ok(n > 0, name, "nothing was traced");
    for (int i = 0; i < n; i++) {
        struct job job;
        snprintf(fault, sizeof fault, "%s:%d:kill", points[i].step, points[i].count);
        bool ready = prepare(mode, existing, &job, err);
        job.fault = fault;
        job.fault_in_child = points[i].child;
        int ended = job_run_apart(&job);
        bool struck = points[i].child ? WIFEXITED(ended) && WEXITSTATUS(ended)
                                      : WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL;
        snprintf(row, sizeof row, "the fault did not strike");
        bool good = ready && struck && recovers_from(&job, existing, row, sizeof row);
        snprintf(name, sizeof name, "%s killed%s at %s #%d", title,
                 points[i].child ? " (attached process)" : "", points[i].step, points[i].count);
        ok(good, name, "");
        printf("# kill | %-8s | %-5s | %-32s | %d | %s\n", title,
               points[i].child ? "child" : "main", points[i].step, points[i].count, row);
    }
    leat_error_free(err);
}

/* Every step also fails without a kill: the load is aborted, or its outcome is asked for. */
static void error_points(const char *title, enum leat_write_mode mode)
{
    static struct point points[STEPS_MAX];
    struct leat_error *err = leat_error_new();
    char name[256], fault[STEP_MAX + 32], row[4096];
    int n = record_steps(mode, true, points);
    for (int i = 0; i < n; i++) {
        struct job job;
        if (!strncmp(points[i].step, "release", 7) || !strncmp(points[i].step, "abort", 5)) {
            continue; /* these cannot report a failure */
        }
        snprintf(fault, sizeof fault, "%s:%d:error", points[i].step, points[i].count);
        bool ready = prepare(mode, true, &job, err);
        job.fault = fault;
        job.fault_in_child = points[i].child;
        int status = job_run(&job, err);
        snprintf(row, sizeof row, "the fault did not strike");
        bool good = ready && status && recovers_from(&job, true, row, sizeof row);
        snprintf(name, sizeof name, "%s failing at %s #%d", title, points[i].step, points[i].count);
        ok(good, name, row);
    }
    leat_error_free(err);
}

static void case_lost_reply(struct leat_error *err)
{
    enum leat_write_mode mode = conf.one_file ? LEAT_REPLACE : LEAT_APPEND;
    struct job job = {
        .version = 2, .mode = mode, .flags = LEAT_WRITE_FORCE, .fault = "commit:after:lose-reply"};
    enum leat_outcome outcome = LEAT_LOAD_ABSENT;
    base(true, err);
    int status = job_run(&job, err);
    ok(status == LEAT_OUTCOME_UNKNOWN, "a commit whose reply is lost says that it is not known",
       said(err));
    status = job_outcome(&job, &outcome, err);
    ok(!status && outcome == LEAT_LOAD_COMMITTED, "... the outcome, asked for, is committed",
       said(err));
    if (conf.one_file) {
        expect("... and the rows are there once", VERSIONS(2));
    } else {
        expect("... and the appended rows are there once", VERSIONS(1, 2));
    }
}

/* Lost replies and kills of a mode with keys. */
static void all_of_mode(enum leat_write_mode mode, struct leat_error *err)
{
    char title[64];
    struct job job = {.mode = mode, .round = 2, .fault = "commit:after:lose-reply"};
    enum leat_outcome outcome = LEAT_LOAD_ABSENT;
    case_keyed(mode, err);
    case_keyed_guards(mode, err);
    if (mode == LEAT_MERGE) {
        case_state(mode, err);
    }
    base_rounds(mode, 1, err);
    int status = job_run(&job, err);
    int asked = job_outcome(&job, &outcome, err);
    snprintf(title, sizeof title, "%s: a lost reply to the commit is found out", mode_names[mode]);
    ok(status == LEAT_OUTCOME_UNKNOWN && !asked && outcome == LEAT_LOAD_COMMITTED, title,
       said(err));
    expect_rounds(mode, 2, "... and the rows are there");
    kill_points(mode_names[mode], mode, true);
    if (mode == LEAT_MERGE || mode == LEAT_HISTORY) {
        snprintf(title, sizeof title, "%s, made", mode_names[mode]);
        kill_points(title, mode, false);
    }
    if (mode == LEAT_MERGE) {
        error_points(mode_names[mode], mode);
    }
}

static void without_keys(struct leat_error *err)
{
    case_loads(err);
    case_guards(err);
    case_fence(err);
    case_bytes(err);
    case_catalogue(err);
    case_lost_reply(err);
    kill_points("replace", LEAT_REPLACE, true);
    kill_points("make", LEAT_REPLACE, false);
    error_points("replace", LEAT_REPLACE);
    if (!conf.one_file) {
        kill_points("append", LEAT_APPEND, true);
    }
    resume_cases(&(struct conf_tell){ok, reset, leftovers});
}

/* --- the command line ---------------------------------------------------------------------- */

static bool load_module(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    leat_module_fn *entry = NULL;
    void *symbol = library ? dlsym(library, LEAT_MODULE_SYMBOL) : NULL;
    memcpy(&entry, &symbol, sizeof entry);
    module_connector = entry ? entry() : NULL;
    return module_connector && module_connector->abi == LEAT_CONNECTOR_ABI;
}

static bool quirk(char *text)
{
    char *value = strchr(text, '=');
    if (!value) {
        return false;
    }
    *value++ = 0;
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"a", &conf.names[0]},   {"b", &conf.names[1]},  {"c", &conf.names[2]},
                 {"ns", &conf.ns},        {"probe", &conf.probe}, {"reset", &conf.reset},
                 {"module", &conf.module}};
    for (size_t i = 0; i < LT_ARRAY_LEN(texts); i++) {
        if (!strcmp(texts[i].name, text)) {
            *texts[i].to = value;
            return true;
        }
    }
    if (!strncmp(text, "param.", 6) && conf.n_params < LT_ARRAY_LEN(conf.params)) {
        conf.params[conf.n_params++] = (struct leat_param){text + 6, value};
        return true;
    }
    if (!strcmp(text, "append")) {
        conf.one_file = !strcmp(value, "no");
        return true;
    }
    if (!strcmp(text, "parts") && *value >= '1' && *value <= '0' + CONF_PARTS && !value[1]) {
        conf.parts = *value - '0';
        return true;
    }
    for (int mode = LEAT_MERGE; !strcmp(text, "only") && mode <= LEAT_HISTORY; mode++) {
        if (!strcmp(value, mode_names[mode])) {
            conf.only = (enum leat_write_mode)mode;
            return true;
        }
    }
    if (!strcmp(text, "twice")) {
        conf.commit_twice = !strcmp(value, "yes");
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct leat_error *err = leat_error_new();
    if (argc < 2 || !err) {
        fprintf(stderr, "usage: conformance URL [quirk=value ...]\n");
        return 2;
    }
    conf.url = argv[1];
    for (int i = 2; i < argc; i++) {
        if (!quirk(argv[i])) {
            fprintf(stderr, "conformance: no such quirk: %s\n", argv[i]);
            return 2;
        }
    }
    if (conf.module && !load_module(conf.module)) {
        printf("Bail out! cannot load the module: %s\n", dlerror());
        return 1;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!conf_is_keyed(conf.only)) {
        without_keys(err);
    }
    uint32_t modes = keyed_modes();
    for (int mode = LEAT_MERGE; mode <= LEAT_HISTORY; mode++) {
        if (modes & 1u << mode && (!conf_is_keyed(conf.only) || (int)conf.only == mode)) {
            all_of_mode((enum leat_write_mode)mode, err);
        }
    }
    leat_error_free(err);
    printf("1..%d\n", cases);
    return failures ? 1 : 0;
}
