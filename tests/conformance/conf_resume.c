/* Loads that are taken over: killed at each step and gone on with, left, held, swept. */
#include "conf.h"

#include "core/codes.h"
#include "core/util.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 200
#define STEP_MAX 96
#define TEXT "as the suite does it"

static const struct conf_tell *tell;

static struct job a_job(const char *text)
{
    return (struct job){
        .version = 2, .mode = LEAT_REPLACE, .flags = LEAT_WRITE_FORCE, .resume = text};
}

/* Stream 0 is this version and nothing else, and nothing is left of any load. */
static bool is_done(int version, char *why, size_t size)
{
    struct content expected = {0}, found = {0};
    struct leat_error *err = leat_error_new();
    content_expect(&expected, 0, &version, 1);
    bool good = !content_read(conf.url, conf.names[0], 0, &found, err);
    if (!good) {
        snprintf(why, size, "[%s] %s", err->code, err->message);
    } else if (!(good = content_equal(&expected, &found))) {
        snprintf(why, size, "%zu rows expected, %zu found", expected.n, found.n);
    }
    const char *left = good ? tell->leftovers() : "";
    if (*left) {
        snprintf(why, size, "left behind: %s", left);
    }
    content_done(&expected);
    content_done(&found);
    leat_error_free(err);
    return good && !*left;
}

static bool base(bool existing)
{
    struct job job = {.version = 1, .mode = LEAT_REPLACE};
    struct leat_error *err = leat_error_new();
    tell->reset();
    bool good = !existing || !job_run(&job, err);
    leat_error_free(err);
    return good;
}

/* Does connector, plan and all keep parts? */
static bool can_resume(void)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct leat_load_plan plan = {.size = sizeof plan};
    struct job job = a_job(TEXT);
    bool can = false;
    if (!conf_open(conf.url, 200, &connector, &ep, NULL) && connector->load->resumed &&
        !connector->load->plan(ep, job_plan(&job, false), &plan, NULL)) {
        can = plan.resumable;
        connector->load->plan_release(&plan);
    }
    if (ep) {
        connector->close(ep);
    }
    return can;
}

/* --- kills --------------------------------------------------------------------------------- */

static int count_before(char (*steps)[STEP_MAX], int n, const char *name)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        count += !strcmp(steps[i], name);
    }
    return count;
}

/* The steps of a load that nothing disturbs, in order. */
static int record(bool existing, char (*steps)[STEP_MAX])
{
    char prefix[64], path[80];
    struct job job = a_job(TEXT);
    struct leat_error *err = leat_error_new();
    snprintf(prefix, sizeof prefix, "/tmp/leat-conformance-resume-%d", (int)getpid());
    snprintf(path, sizeof path, "%s.main", prefix);
    job.trace = prefix;
    int n = 0;
    FILE *trace = base(existing) && !job_run(&job, err) ? fopen(path, "r") : NULL;
    while (trace && n < STEPS_MAX && fgets(steps[n], STEP_MAX, trace)) {
        steps[n][strcspn(steps[n], "\n")] = 0;
        n++;
    }
    if (trace) {
        fclose(trace);
    }
    unlink(path);
    leat_error_free(err);
    return n;
}

/* Killed at step i: whoever comes next finds what was sealed by then, unless it was committed. */
static bool goes_on(char (*steps)[STEP_MAX], int i, bool existing, char *why, size_t size)
{
    char fault[STEP_MAX + 32];
    struct job killed = a_job(TEXT), next = a_job(TEXT);
    struct leat_error *err = leat_error_new();
    enum leat_outcome outcome = LEAT_LOAD_IN_FLIGHT;
    snprintf(fault, sizeof fault, "%s:%d:kill", steps[i], count_before(steps, i + 1, steps[i]));
    killed.fault = fault;
    int ended = base(existing) ? job_run_apart(&killed) : 0;
    bool good = WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL;
    if (!good) {
        snprintf(why, size, "the fault did not strike");
    } else if (job_run(&next, err)) {
        /* The server still was at the commit of the one that was killed. */
        good = err->status == LEAT_CONFLICT && !job_outcome(&killed, &outcome, err) &&
               outcome == LEAT_LOAD_COMMITTED && is_done(2, why, size);
        if (!good) {
            snprintf(why, size, "[%s] %s", err->code, err->message);
        }
    } else {
        int least = count_before(steps, i + 1, "part_seal:after");
        int most = count_before(steps, i + 1, "part_seal:before");
        bool taken = next.taken && next.taken_parts >= least && next.taken_parts <= most;
        good = is_done(2, why, size);
        if (good && !taken && most) {
            /* Only a load that was committed is no more to be found. */
            good = !next.taken && !job_outcome(&killed, &outcome, err) &&
                   outcome == LEAT_LOAD_COMMITTED;
            snprintf(why, size, "%d parts were found, of %d to %d", next.taken_parts, least, most);
        }
    }
    leat_error_free(err);
    return good;
}

static void kill_at_each(bool existing)
{
    static char steps[STEPS_MAX][STEP_MAX];
    char name[200], why[600];
    int n = record(existing, steps);
    tell->ok(n > 0, "the steps of a load that may be taken over are known", "");
    for (int i = 0; i < n; i++) {
        *why = 0;
        bool good = goes_on(steps, i, existing, why, sizeof why);
        snprintf(name, sizeof name, "resume, %s: killed at %s #%d", existing ? "replace" : "make",
                 steps[i], count_before(steps, i + 1, steps[i]));
        tell->ok(good, name, why);
    }
}

/* --- the rest ------------------------------------------------------------------------------ */

static bool leave(const char *text, int parts)
{
    struct job job = a_job(text);
    struct leat_error *err = leat_error_new();
    job.leave = parts;
    bool good = base(true) && !job_run(&job, err);
    leat_error_free(err);
    return good;
}

static void case_others(struct leat_error *err)
{
    char why[600] = "";
    struct job same = a_job(TEXT), other = a_job("in another way"), plain = a_job(NULL);
    bool left = leave(TEXT, 2);
    int status = job_run(&same, err);
    tell->ok(left && !status && same.taken && same.taken_parts == 2 && !strcmp(same.found, TEXT) &&
                 is_done(2, why, sizeof why),
             "a load that was left is taken over with its parts", status ? err->message : why);
    left = leave(TEXT, 2);
    status = job_run(&other, err);
    tell->ok(left && !status && !other.taken && !strcmp(other.found, TEXT) &&
                 is_done(2, why, sizeof why),
             "one of another text is swept, and told", status ? err->message : why);
    left = leave(TEXT, 2);
    status = job_run(&plain, err);
    tell->ok(left && !status && is_done(2, why, sizeof why), "a load as ever sweeps it",
             status ? err->message : why);
    left = leave(TEXT, 2);
    same = a_job(TEXT);
    same.flags |= LEAT_WRITE_TRUNCATE;
    status = job_run(&same, err);
    tell->ok(left && !status && !same.taken && is_done(2, why, sizeof why),
             "a load that the destination would take otherwise is not taken over",
             status ? err->message : why);
}

static void case_abort(struct leat_error *err)
{
    char why[600] = "";
    struct job failing = a_job(TEXT), next = a_job(TEXT);
    failing.fault = "part_write:after:3:error";
    bool failed = base(true) && job_run(&failing, err);
    int status = job_run(&next, err);
    tell->ok(failed && !status && !next.taken && is_done(2, why, sizeof why),
             "a load that was aborted cannot be taken over", status ? err->message : why);
}

static int busy_status;
static char busy_code[32];

/* Another one of the same text, while the first is open. */
static void try_meanwhile(struct job *job)
{
    struct job second = a_job(job->resume);
    struct leat_error *err = leat_error_new();
    second.lock_timeout_ms = 200;
    busy_status = job_run(&second, err);
    snprintf(busy_code, sizeof busy_code, "%s", err->code);
    job_plan(job, false); /* the plan is in static memory */
    leat_error_free(err);
}

static void case_held(struct leat_error *err)
{
    char why[600] = "";
    struct job first = a_job(TEXT);
    bool left = leave(TEXT, 1);
    first.while_open = try_meanwhile;
    int status = job_run(&first, err);
    tell->ok(left && busy_status == LEAT_UNAVAILABLE && !strcmp(busy_code, "destination-busy"),
             "a load whose process lives is not taken over", busy_code);
    tell->ok(!status && first.taken && is_done(2, why, sizeof why), "... and does its work",
             status ? err->message : why);
}

/* Exit status: 10 and the parts that were taken over; 9 and less: it failed, with 8 because another
 * had finished the load. */
static pid_t start_one(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct job job = a_job(TEXT);
        job.lock_timeout_ms = 20000;
        int status = job_run(&job, NULL);
        _exit(status == LEAT_CONFLICT ? 8 : status ? 9 : 10 + job.taken_parts);
    }
    return child;
}

static void case_two_at_once(void)
{
    char why[600] = "";
    bool good = true;
    for (int round = 0; round < 5 && good; round++) {
        int ended[2];
        bool left = leave(TEXT, 2);
        pid_t children[2] = {start_one(), start_one()};
        for (int i = 0; i < 2; i++) {
            waitpid(children[i], &ended[i], 0);
            ended[i] = WIFEXITED(ended[i]) ? WEXITSTATUS(ended[i]) : 9;
        }
        /* One that came when all was over found nothing open, and is a load of its own. */
        int other = LT_MIN(ended[0], ended[1]);
        good = left && (other == 8 || other == 10) && LT_MAX(ended[0], ended[1]) == 12;
        snprintf(why, sizeof why, "they ended with %d and %d", ended[0], ended[1]);
        good = good && is_done(2, why, sizeof why);
    }
    tell->ok(good, "of two at once one takes the load over", why);
}

void resume_cases(const struct conf_tell *how)
{
    tell = how;
    if (!can_resume()) {
        printf("# loads cannot be taken over\n");
        return;
    }
    struct leat_error *err = leat_error_new();
    case_others(err);
    case_abort(err);
    case_held(err);
    case_two_at_once();
    kill_at_each(true);
    kill_at_each(false);
    leat_error_free(err);
}
