/* What Halfpipe's commands do, said in leat's words. */
#include "cli/hp_run.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "pipe/halfpipe/halfpipe.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- again and again ------------------------------------------------------------------------ */

static int out_of_range(struct hp *hp, const char *flag)
{
    struct leat_error err = {0};
    leat_fail_as(&err, LEAT_INVALID, "usage", "--%s is a whole number, 0 or more", flag);
    cli_print_error(hp->cli, &err, NULL);
    return EXIT_FAILED;
}

/* From start to start, until one fails or a signal comes; SIGTERM lets the one at work end. */
static int repeat(struct hp *hp, int (*once)(struct hp *hp))
{
    int64_t seconds = 0;
    int status;
    if (lt_parse_int(hp_flag(hp, "repeat"), &seconds) || seconds < 0) {
        return out_of_range(hp, "repeat");
    }
    seconds = *hp_flag(hp, "output") ? 0 : seconds;
    if (seconds) {
        cli_drain_on_term(true);
    }
    do {
        int64_t until = lt_now_us() + seconds * 1000000;
        status = once(hp);
        while (!status && seconds && !cli_signal && lt_now_us() < until) {
            lt_sleep_ms(20, NULL);
        }
    } while (!status && seconds && !cli_signal);
    return hp_status(status);
}

static void say_places(struct hp *hp)
{
    hp_say(hp, "--");
    for (int i = 0; i < hp->n_args; i++) {
        hp_say(hp, hp->args[i]);
    }
}

/* --- copies --------------------------------------------------------------------------------- */

/* A snapshot empties the target and loads it, unless -a. */
static int snap_once(struct hp *hp)
{
    char *folder = NULL;
    if (hp_is_folder(hp->args[1], &folder)) {
        int status = folder ? hp_copy_files(hp, folder) : EXIT_FAILED;
        free(folder);
        return status;
    }
    hp_begin(hp);
    if (hp_on(hp, "append")) {
        hp_say(hp, "--append");
    } else {
        hp_say(hp, "--replace");
        hp_say(hp, "--allow-empty");
    }
    if (*hp_flag(hp, "csv-header")) {
        hp_say(hp, "--columns");
        hp_say(hp, hp_flag(hp, "csv-header"));
    }
    say_places(hp);
    return hp_run_leat(hp);
}

int hp_cp_snap(struct hp *hp)
{
    return repeat(hp, snap_once);
}

/* 20261121T130000 in the form that leat takes; anything else as it is. */
static void say_start(struct hp *hp, const char *text)
{
    char iso[32];
    bool compact = strlen(text) == 15 && text[8] == 'T';
    for (int i = 0; compact && i < 15; i++) {
        compact = i == 8 || isdigit((unsigned char)text[i]);
    }
    if (compact) {
        snprintf(iso, sizeof iso, "%.4s-%.2s-%.2s %.2s:%.2s:%.2s", text, text + 4, text + 6,
                 text + 9, text + 11, text + 13);
    }
    hp_say(hp, "--start");
    hp_say(hp, compact ? iso : text);
}

struct driver {
    const char *name;
    bool number;
};

static int look_at_driver(void *arg, const struct leat_stream_info *info,
                          const struct ArrowSchema *schema)
{
    struct driver *driver = arg;
    (void)info;
    for (int64_t c = 0; c < schema->n_children; c++) {
        if (!strcmp(schema->children[c]->name, driver->name)) {
            driver->number = cli_is_number(schema->children[c]);
        }
    }
    return 0;
}

/* Both flags may be given, as a script that knows no types does: the driver's own counts. What cannot
 * be looked at is told by the copy. */
static bool driver_is_number(struct hp *hp)
{
    struct driver driver = {.name = hp_flag(hp, "delta-driver")};
    struct leat_plan *plan = NULL;
    if (!leat_plan_new(hp->cli->leat, &plan, NULL) && !leat_plan_source(plan, hp->args[0], NULL)) {
        leat_describe(plan, look_at_driver, &driver, NULL);
    }
    leat_plan_free(plan);
    return driver.number;
}

static void say_first(struct hp *hp)
{
    bool date = hp_given(hp, "start-date"), number = hp_given(hp, "start-sequence");
    if (date || number) {
        number = driver_is_number(hp);
    }
    if (hp_given(hp, number ? "start-sequence" : "start-date")) {
        say_start(hp, hp_flag(hp, number ? "start-sequence" : "start-date"));
    }
}

/* The data is the state: the greatest driver of the target says where to go on. */
static int delta_once(struct hp *hp)
{
    hp_begin(hp);
    hp_say(hp, "--watermark");
    hp_say(hp, "target");
    say_first(hp);
    say_places(hp);
    return hp_run_leat(hp);
}

int hp_refuse(struct hp *hp, const char *message, const char *remedy)
{
    struct leat_error err = {0};
    leat_fail_as(&err, LEAT_UNSUPPORTED, "unsupported", "%s", message);
    leat_error_remedy(&err, "%s", remedy);
    cli_print_error(hp->cli, &err, NULL);
    return EXIT_FAILED;
}

int hp_cp_delta(struct hp *hp)
{
    char *folder = NULL;
    if (hp_is_folder(hp->args[1], &folder)) {
        free(folder);
        return hp_refuse(
            hp, "hp cp delta into a folder needs S3's file names, which this leat has not",
            "`leat cp delta SRC FOLDER/ --format csv -d COLUMN` keeps its own manifest");
    }
    return repeat(hp, delta_once);
}

int hp_cp_meta(struct hp *hp)
{
    hp_begin(hp);
    say_places(hp);
    return hp_status(hp_run_leat(hp));
}

static int sync_once(struct hp *hp)
{
    hp_begin(hp);
    hp_say(hp, "--allow-empty");
    if (hp_given(hp, "commit-batch-size")) {
        hp_say(hp, "--commit-batch-size");
        hp_say(hp, hp_flag(hp, "commit-batch-size"));
    }
    say_places(hp);
    return hp_run_leat(hp);
}

int hp_sync_batch(struct hp *hp)
{
    return repeat(hp, sync_once);
}

/* --- diff ----------------------------------------------------------------------------------- */

struct differing {
    bool all;
    int64_t left; /* -1: any number */
    int64_t found;
    struct lt_buf line;
    bool failed;
};

/* Every value is a string, but nulls. */
static void put_value(struct differing *differing, const struct leat_difference *d, int64_t column)
{
    char *text = NULL;
    const struct ArrowArray *record = d->source ? d->source : d->destination;
    const struct ArrowSchema *field = d->schema->children[column];
    struct lt_buf *out = &differing->line;
    if (leat_value_json(field, record->children[column], 0, &text, NULL)) {
        differing->failed = true;
        return;
    }
    int rc = lt_buf_puts(out, out->len ? ", " : "{");
    rc = rc ? rc : lt_json_quote(out, field->name, strlen(field->name));
    rc = rc ? rc : lt_buf_puts(out, ": ");
    if (!rc) {
        rc = *text == '"' || !strcmp(text, "null") ? lt_buf_puts(out, text)
                                                   : lt_json_quote(out, text, strlen(text));
    }
    differing->failed = differing->failed || rc;
    leat_text_free(text);
}

static int on_difference(void *arg, const struct leat_difference *d)
{
    static const char *const kinds[] = {
        [LEAT_NEW] = "NEW", [LEAT_CHANGED] = "CHANGED", [LEAT_DELETED] = "DELETED"};
    struct differing *differing = arg;
    lt_buf_clear(&differing->line);
    for (int64_t c = 0; c < (differing->all ? d->schema->n_children : d->n_keys); c++) {
        put_value(differing, d, c);
    }
    if (lt_buf_printf(&differing->line, ", \"#diffStatus\": \"%s\"}\n", kinds[d->kind])) {
        differing->failed = true;
    }
    fputs(lt_buf_text(&differing->line), stdout);
    differing->found++;
    differing->left -= differing->left > 0;
    return differing->failed || !differing->left || ferror(stdout);
}

static int run_diff(struct cli *inner, struct differing *differing)
{
    struct leat_error err = {0};
    const struct leat_observer observer = {
        .size = sizeof observer, .arg = differing, .difference = on_difference};
    int status = cli_take_places(inner);
    int rc = status ? 0 : leat_run(inner->plan, &observer, NULL, &err);
    if (!rc && differing->failed) {
        rc = leat_fail(&err, LEAT_NO_MEMORY, "out of memory");
    } else if (!rc && differing->found && !differing->left) {
        rc = leat_fail(&err, LEAT_BAD_DATA, "record diff count exceeded");
    }
    if (rc) {
        cli_print_error(inner, &err, NULL);
    }
    return status || rc ? EXIT_FAILED : differing->found ? EXIT_DIFFERENT : 0;
}

int hp_diff(struct hp *hp)
{
    struct cli inner;
    struct differing differing = {.all = hp_on(hp, "output-all-fields")};
    if (lt_parse_int(hp_flag(hp, "abort-after"), &differing.left) || differing.left < 0) {
        return out_of_range(hp, "abort-after");
    }
    differing.left = differing.left ? differing.left : -1;
    hp_begin(hp);
    say_places(hp);
    if (*hp_flag(hp, "output") && (differing.all || differing.left > 0)) {
        return hp_refuse(hp, "a pipe has no place for --output-all-fields and --abort-after",
                         "leave them out");
    }
    if (*hp_flag(hp, "output")) {
        return hp_status(hp_run_leat(hp));
    }
    int status = hp_inner_begin(hp, &inner);
    status = status ? status : run_diff(&inner, &differing);
    hp_inner_end(hp, &inner);
    lt_buf_done(&differing.line);
    return hp_status(status);
}

/* --- query ---------------------------------------------------------------------------------- */

int hp_query(struct hp *hp)
{
    if (hp_on(hp, "dry-run")) {
        for (int i = 1; i < hp->n_args; i++) {
            printf("%s%s", i > 1 ? " " : "", hp->args[i]);
        }
        putchar('\n');
        return 0;
    }
    hp_begin(hp);
    hp_say(hp, "--format=csv");
    if (!hp_on(hp, "print-header")) {
        hp_say(hp, "--no-header");
    }
    say_places(hp);
    return hp_status(hp_run_leat(hp));
}

/* --- pipes ---------------------------------------------------------------------------------- */

static void print_fault(void *arg, const struct leat_pipe_fault *fault)
{
    struct hp *hp = arg;
    struct leat_error err = {0};
    lt_fail(&err, LT_E_PIPE, "%s", fault->message);
    leat_error_place(&err, "%s:%lld:%lld", fault->file, (long long)fault->line,
                     (long long)fault->column);
    leat_error_remedy(&err, "%s", fault->remedy ? fault->remedy : "");
    cli_print_error(hp->cli, &err, NULL);
}

struct faults {
    struct hp *hp;
    bool told;
};

static void on_fault(void *arg, const struct leat_pipe_fault *fault)
{
    struct faults *faults = arg;
    faults->told = true;
    print_fault(faults->hp, fault);
}

static int run_pipe(struct hp *hp, struct lt_halfpipe *pipe, struct leat_error *err)
{
    int64_t stats = 0, every = lt_halfpipe_every(pipe);
    int rc = LEAT_OK;
    if (lt_parse_int(hp_flag(hp, "stats"), &stats) || stats < 0) {
        return leat_fail_as(err, LEAT_INVALID, "usage", "--stats is a whole number, 0 or more");
    }
    lt_halfpipe_stats(pipe, stats);
    if (every >= 0) {
        cli_drain_on_term(true);
    }
    do {
        int64_t until = lt_now_us() + every * 1000000;
        rc = lt_halfpipe_run(pipe, NULL, err);
        while (!rc && every > 0 && !cli_signal && lt_now_us() < until) {
            lt_sleep_ms(20, NULL);
        }
    } while (!rc && every >= 0 && !cli_signal);
    return rc;
}

static int set_level(struct hp *hp, struct leat_error *err)
{
    enum leat_log_level level;
    int rc = leat_log_level_parse(hp_flag(hp, "log-level"), &level, err);
    if (!rc) {
        leat_set_log(cli_log, hp->cli, level);
    }
    return rc;
}

int hp_pipe(struct hp *hp)
{
    struct leat_error err = {0};
    struct lt_yaml *yaml = NULL;
    struct lt_halfpipe *pipe = NULL;
    struct faults faults = {.hp = hp};
    int rc = set_level(hp, &err);
    rc = rc ? rc : lt_yaml_read(hp_flag(hp, "file"), &yaml, NULL, &err);
    if (!rc && !lt_halfpipe_is(lt_yaml_root(yaml))) {
        rc = leat_fail(&err, LEAT_INVALID,
                       "%s has no transformGroups: it is no document of Halfpipe",
                       hp_flag(hp, "file"));
        leat_error_remedy(&err, "`leat pipe run` runs documents of leat's own");
    }
    rc = rc ? rc
            : lt_halfpipe_open(hp->cli->leat, lt_yaml_root(yaml), NULL, 0, on_fault, &faults, &pipe,
                               &err);
    rc = rc ? rc : run_pipe(hp, pipe, &err);
    bool gone = rc && err.sys_errno == EPIPE;
    if (rc && !gone && !faults.told && !cli_signal) {
        cli_print_error(hp->cli, &err, NULL);
    }
    lt_halfpipe_free(pipe);
    lt_yaml_free(yaml);
    return hp_status(gone ? EXIT_PIPE : rc ? EXIT_FAILED : 0);
}

/* --- others --------------------------------------------------------------------------------- */

int hp_version(struct hp *hp)
{
    (void)hp;
    printf("leat %s, called as hp\n", leat_version());
    return 0;
}

int hp_user(struct hp *hp)
{
    (void)hp;
    fputs("hp: nothing is licensed; `leat user login` unlocks the stored connections\n", stderr);
    return 0;
}

int hp_later(struct hp *hp)
{
    char message[160];
    snprintf(message, sizeof message, "hp %s needs %s, which this leat has not", hp->command->words,
             hp->command->leat);
    return hp_refuse(hp, message, "");
}
