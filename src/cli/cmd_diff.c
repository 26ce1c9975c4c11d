/* leat diff and leat verify: what differs, a line each, or counted. */
#include "cli/cli.h"
#include "cli/table.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {
    [LEAT_NEW] = "NEW", [LEAT_CHANGED] = "CHANGED", [LEAT_DELETED] = "DELETED"};

/* How many records of the stream at work differ in a column. */
struct tally {
    char *column;
    int64_t records;
};

struct printing {
    struct cli *cli;
    bool table, all, summary;
    int64_t left;      /* to be printed; -1: all */
    struct table rows; /* of the stream at work */
    bool different;    /* in columns that one side lacks, too */
    bool schema;       /* columns are compared, and no records */
    int failed;        /* LEAT_NO_MEMORY, or 0 */
    struct tally *tallies;
    size_t n_tallies;
    struct lt_buf line;
};

static const char *const column_kinds[] = {[LEAT_COLUMN_ADDED] = "ADDED",
                                           [LEAT_COLUMN_DROPPED] = "DROPPED",
                                           [LEAT_COLUMN_CHANGED] = "CHANGED"};

/* --- values --------------------------------------------------------------------------------- */

static char *value_of(struct printing *printing, const struct leat_difference *d,
                      const struct ArrowArray *record, int64_t column)
{
    char *text = NULL;
    const struct ArrowSchema *field = d->schema->children[column];
    if (leat_value_json(field, record->children[column], 0, &text, NULL)) {
        printing->failed = LEAT_NO_MEMORY;
    }
    return text;
}

static void put_value(struct printing *printing, struct lt_json *json,
                      const struct leat_difference *d, const struct ArrowArray *record,
                      int64_t column)
{
    char *text = value_of(printing, d, record, column);
    if (text) {
        lt_json_raw(json, text, strlen(text));
    }
    leat_text_free(text);
}

static bool is_wanted(const struct printing *printing, const struct leat_difference *d,
                      int64_t column)
{
    return printing->all || (d->kind == LEAT_CHANGED && d->differs[column]);
}

/* --- a record as JSON ----------------------------------------------------------------------- */

/* A column: one value, or both where they differ. */
static void put_column(struct printing *printing, struct lt_json *json,
                       const struct leat_difference *d, int64_t column)
{
    lt_json_key(json, d->schema->children[column]->name);
    if (d->kind != LEAT_CHANGED || !d->differs[column]) {
        put_value(printing, json, d, d->source ? d->source : d->destination, column);
        return;
    }
    lt_json_object(json);
    lt_json_key(json, "source");
    put_value(printing, json, d, d->source, column);
    lt_json_key(json, "destination");
    put_value(printing, json, d, d->destination, column);
    lt_json_object_end(json);
}

static void print_json(struct printing *printing, const struct leat_difference *d)
{
    struct lt_json json = {.out = &printing->line};
    lt_buf_clear(&printing->line);
    lt_json_object(&json);
    for (int64_t c = 0; c < d->n_keys; c++) {
        put_column(printing, &json, d, c);
    }
    lt_json_key(&json, "#diffStatus");
    lt_json_text(&json, kinds[d->kind]);
    lt_json_key(&json, "#stream");
    lt_json_text(&json, d->stream);
    for (int64_t c = d->n_keys; c < d->schema->n_children; c++) {
        if (is_wanted(printing, d, c)) {
            put_column(printing, &json, d, c);
        }
    }
    lt_json_object_end(&json);
    printing->failed = printing->failed ? printing->failed : json.failed;
    fprintf(stdout, "%s\n", lt_buf_text(&printing->line));
}

/* --- a record for people -------------------------------------------------------------------- */

/* All of its key: `3`, or `3, "a"`. */
static void set_key(struct printing *printing, const struct leat_difference *d)
{
    const struct ArrowArray *one = d->source ? d->source : d->destination;
    lt_buf_clear(&printing->line);
    for (int64_t c = 0; c < d->n_keys; c++) {
        char *text = value_of(printing, d, one, c);
        if (text && lt_buf_printf(&printing->line, "%s%s", c ? ", " : "", text)) {
            printing->failed = LEAT_NO_MEMORY;
        }
        leat_text_free(text);
    }
}

static void put(struct printing *printing, const char *text)
{
    table_cell(&printing->rows, text ? text : "", text ? strlen(text) : 0);
}

static void print_table(struct printing *printing, const struct leat_difference *d)
{
    bool any = false;
    set_key(printing, d);
    for (int64_t c = d->n_keys; c <= d->schema->n_children; c++) {
        bool last = c == d->schema->n_children;
        if (last ? !any : is_wanted(printing, d, c)) {
            char *a = !last && d->source ? value_of(printing, d, d->source, c) : NULL;
            char *b = !last && d->destination ? value_of(printing, d, d->destination, c) : NULL;
            put(printing, kinds[d->kind]);
            put(printing, lt_buf_text(&printing->line));
            put(printing, last ? "" : d->schema->children[c]->name);
            put(printing, a);
            put(printing, b);
            leat_text_free(a);
            leat_text_free(b);
            any = true;
        }
    }
    printing->failed = printing->failed ? printing->failed : printing->rows.failed;
}

static int start_table(struct printing *printing, struct leat_error *err)
{
    static const struct table_column columns[] = {
        {"", false}, {"key", false}, {"column", false}, {"source", false}, {"destination", false}};
    static const struct table_column schema[] = {{"", false},
                                                 {"stream", false},
                                                 {"column", false},
                                                 {"source", false},
                                                 {"destination", false}};
    return table_init(&printing->rows, stdout, printing->cli->color_out,
                      printing->schema ? schema : columns, LT_ARRAY_LEN(columns), err);
}

/* --- columns that differ -------------------------------------------------------------------- */

static void put_column_side(struct lt_json *json, const char *side,
                            const struct leat_schema_column *column)
{
    lt_json_key(json, side);
    if (!column) {
        lt_json_null(json);
        return;
    }
    lt_json_object(json);
    lt_json_key(json, "type");
    lt_json_text(json, column->type);
    lt_json_key(json, "nullable");
    lt_json_bool(json, column->nullable);
    lt_json_key(json, "key");
    if (column->key) {
        lt_json_int(json, column->key);
    } else {
        lt_json_null(json);
    }
    lt_json_object_end(json);
}

static void print_schema_json(struct printing *printing, const struct leat_schema_difference *d)
{
    struct lt_json json = {.out = &printing->line};
    lt_buf_clear(&printing->line);
    lt_json_object(&json);
    lt_json_key(&json, "column");
    lt_json_text(&json, d->column);
    lt_json_key(&json, "#diffStatus");
    lt_json_text(&json, column_kinds[d->kind]);
    lt_json_key(&json, "#stream");
    lt_json_text(&json, d->stream);
    put_column_side(&json, "source", d->source);
    put_column_side(&json, "destination", d->destination);
    lt_json_object_end(&json);
    printing->failed = printing->failed ? printing->failed : json.failed;
    fprintf(stdout, "%s\n", lt_buf_text(&printing->line));
}

/* "integer not null, key 1". */
static void put_column_words(struct printing *printing, const struct leat_schema_column *column)
{
    lt_buf_clear(&printing->line);
    if (column && (lt_buf_printf(&printing->line, "%s%s", column->type,
                                 column->nullable ? "" : " not null") ||
                   (column->key && lt_buf_printf(&printing->line, ", key %d", column->key)))) {
        printing->failed = LEAT_NO_MEMORY;
    }
    put(printing, lt_buf_text(&printing->line));
}

static void print_schema_table(struct printing *printing, const struct leat_schema_difference *d)
{
    put(printing, column_kinds[d->kind]);
    put(printing, d->stream);
    put(printing, d->column);
    put_column_words(printing, d->source);
    put_column_words(printing, d->destination);
    printing->failed = printing->failed ? printing->failed : printing->rows.failed;
}

static int on_schema_difference(void *arg, const struct leat_schema_difference *difference)
{
    struct printing *printing = arg;
    cli_clear_progress(printing->cli);
    if (!printing->summary && printing->table) {
        print_schema_table(printing, difference);
    } else if (!printing->summary) {
        print_schema_json(printing, difference);
    }
    printing->left -= printing->left > 0;
    return printing->failed || !printing->left || ferror(stdout);
}

/* --- counts --------------------------------------------------------------------------------- */

static void count_columns(struct printing *printing, const struct leat_difference *d)
{
    size_t n = (size_t)d->schema->n_children;
    if (!printing->n_tallies) {
        printing->tallies = calloc(n + 1, sizeof *printing->tallies);
        printing->n_tallies = printing->tallies ? n : 0;
        for (size_t c = 0; c < printing->n_tallies; c++) {
            printing->tallies[c].column = lt_strdup(d->schema->children[c]->name);
        }
    }
    if (printing->n_tallies != n) {
        printing->failed = LEAT_NO_MEMORY;
        return;
    }
    for (size_t c = 0; d->kind == LEAT_CHANGED && c < n; c++) {
        printing->tallies[c].records += d->differs[c];
    }
}

static void forget_columns(struct printing *printing)
{
    for (size_t c = 0; c < printing->n_tallies; c++) {
        free(printing->tallies[c].column);
    }
    free(printing->tallies);
    printing->tallies = NULL;
    printing->n_tallies = 0;
}

static void print_summary_table(struct printing *printing, const struct leat_stream_result *r)
{
    printf(printing->schema ? "%s: %lld columns added, %lld changed, %lld dropped, %lld equal\n"
                            : "%s: %lld new, %lld changed, %lld deleted, %lld equal\n",
           r->source, (long long)r->counts.inserted, (long long)r->counts.updated,
           (long long)r->counts.deleted, (long long)r->counts.unchanged);
    for (size_t c = 0; c < printing->n_tallies; c++) {
        if (printing->tallies[c].records) {
            printf("  %-30s %lld\n", printing->tallies[c].column,
                   (long long)printing->tallies[c].records);
        }
    }
}

/* How many records differ in each column. */
static void put_tallies(const struct printing *printing, struct lt_json *json)
{
    lt_json_key(json, "columns");
    lt_json_object(json);
    for (size_t c = 0; c < printing->n_tallies; c++) {
        if (printing->tallies[c].records) {
            lt_json_key(json, printing->tallies[c].column);
            lt_json_int(json, printing->tallies[c].records);
        }
    }
    lt_json_object_end(json);
}

static void print_summary_json(struct printing *printing, const struct leat_stream_result *r)
{
    struct lt_json json = {.out = &printing->line};
    const struct {
        const char *key;
        int64_t value;
    } rows[] = {{printing->schema ? "added" : "new", r->counts.inserted},
                {"changed", r->counts.updated},
                {printing->schema ? "dropped" : "deleted", r->counts.deleted},
                {"equal", r->counts.unchanged}};
    lt_buf_clear(&printing->line);
    lt_json_object(&json);
    lt_json_key(&json, "stream");
    lt_json_text(&json, r->source);
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        lt_json_key(&json, rows[i].key);
        lt_json_int(&json, rows[i].value);
    }
    if (!printing->schema) {
        put_tallies(printing, &json);
    }
    lt_json_object_end(&json);
    printing->failed = printing->failed ? printing->failed : json.failed;
    fprintf(stdout, "%s\n", lt_buf_text(&printing->line));
}

/* --- the run -------------------------------------------------------------------------------- */

static int on_difference(void *arg, const struct leat_difference *difference)
{
    struct printing *printing = arg;
    cli_clear_progress(printing->cli);
    if (printing->summary) {
        count_columns(printing, difference);
    } else if (printing->table) {
        print_table(printing, difference);
    } else {
        print_json(printing, difference);
    }
    printing->left -= printing->left > 0;
    return printing->failed || !printing->left || ferror(stdout);
}

static void say_resolution(const struct leat_stream_result *r)
{
    fprintf(stderr, "%s%s\n", *r->resolution ? "; compared " : "", r->resolution);
}

/* Both were summed up, and are the same: no pair had to be looked at. */
static void say_equal(const struct leat_stream_result *r)
{
    char rows[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    fprintf(stderr, "%s: equal: %s row%s, %s, %s, %s%s%s", r->source,
            lt_human_count(r->rows_read, rows), r->rows_read == 1 ? "" : "s", r->proof,
            lt_human_time(r->elapsed_us, took), r->route, *r->drift ? "; columns " : "", r->drift);
    say_resolution(r);
}

static void say_columns(const struct leat_stream_result *r)
{
    const struct leat_row_counts *counts = &r->counts;
    fprintf(stderr, "%s: %s, %lld columns added, %lld changed, %lld dropped, %lld equal%s%s\n",
            r->source, r->proof, (long long)counts->inserted, (long long)counts->updated,
            (long long)counts->deleted, (long long)counts->unchanged, *r->drift ? "; " : "",
            r->drift);
}

static void say(const struct leat_stream_result *r)
{
    char compared[LT_HUMAN_MAX], skipped[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    const struct leat_row_counts *counts = &r->counts;
    bool differs = counts->inserted || counts->updated || counts->deleted;
    if (!differs && !r->rows_compared && !r->rows_skipped && !strncmp(r->proof, "counts and", 10)) {
        say_equal(r);
        return;
    }
    fprintf(stderr, "%s: %s, %lld new, %lld changed, %lld deleted; %s compared", r->source,
            r->proof, (long long)counts->inserted, (long long)counts->updated,
            (long long)counts->deleted, lt_human_count(r->rows_compared, compared));
    if (r->rows_skipped) {
        fprintf(stderr, ", %s skipped by hash", lt_human_count(r->rows_skipped, skipped));
    }
    fprintf(stderr, ", %s, %s%s%s", lt_human_time(r->elapsed_us, took), r->route,
            *r->drift ? "; columns " : "", r->drift);
    say_resolution(r);
}

int cli_print_difference(struct cli *cli, const struct leat_difference *difference)
{
    struct printing printing = {.cli = cli};
    cli_clear_progress(cli);
    print_json(&printing, difference);
    lt_buf_done(&printing.line);
    return printing.failed || ferror(stdout);
}

void cli_print_compared(struct cli *cli, const struct leat_stream_result *r)
{
    fflush(stdout); /* both may be one pipe: no record is parted by what is told of it */
    if (cli->json_logs) {
        cli_print_result_json(r);
    } else if (!cli->quiet) {
        say(r);
    }
}

static void on_stream_done(void *arg, const struct leat_stream_result *r)
{
    struct printing *printing = arg;
    cli_clear_progress(printing->cli);
    if (printing->rows.n_cells) {
        table_flush(&printing->rows);
    }
    if (r->error->status) {
        fflush(stdout);
        cli_print_error(printing->cli, r->error, NULL);
        return;
    }
    printing->different = printing->different || !strcmp(r->proof, "different");
    if (printing->summary && printing->table) {
        print_summary_table(printing, r);
    } else if (printing->summary) {
        print_summary_json(printing, r);
    }
    forget_columns(printing);
    if (printing->schema && !printing->cli->json_logs) {
        if (!printing->cli->quiet) {
            say_columns(r);
        }
        return;
    }
    cli_print_compared(printing->cli, r);
}

static void on_progress(void *arg, const struct leat_progress *progress)
{
    struct printing *printing = arg;
    fflush(stdout);
    cli_print_progress(printing->cli, progress);
}

/* Of several streams: how many are equal, and how many are not. */
static void say_all(const struct printing *printing, const struct leat_report *report)
{
    size_t n = leat_report_count(report), equal = 0, different = 0;
    for (size_t i = 0; i < n; i++) {
        const char *proof = leat_report_result(report, i)->proof;
        different += !strcmp(proof, "different");
        equal += *proof && strcmp(proof, "different") != 0;
    }
    if (n < 2 || printing->cli->quiet || printing->cli->json_logs) {
        return;
    }
    fprintf(stderr, "%zu streams: %zu equal, %zu different", n, equal, different);
    if (equal + different < n) {
        fprintf(stderr, ", %zu not compared", n - equal - different);
    }
    fputc('\n', stderr);
}

/* Fails for a stream whose line told so already. */
static bool was_told(const struct leat_report *report)
{
    for (size_t i = 0; i < leat_report_count(report); i++) {
        if (leat_report_result(report, i)->error->status) {
            return true;
        }
    }
    return false;
}

static int run(struct printing *printing)
{
    struct cli *cli = printing->cli;
    struct leat_error err = {0};
    struct leat_report *report = NULL;
    bool line = cli->terminal && !cli->quiet && !cli->json_logs && !strcmp(cli->progress, "auto");
    const struct leat_observer observer = {
        .size = sizeof observer,
        .arg = printing,
        .progress = line || !strcmp(cli->progress, "json") ? on_progress : NULL,
        .stream_done = on_stream_done,
        .difference = on_difference,
        .schema_difference = on_schema_difference};
    int rc = leat_run(cli->plan, &observer, &report, &err);
    cli_clear_progress(cli);
    if (printing->rows.n_cells) {
        table_flush(&printing->rows);
    }
    if (!rc && printing->failed) {
        rc = lt_fail_oom(&err);
    }
    if (rc && !was_told(report)) {
        cli_print_error(cli, &err, NULL);
    }
    say_all(printing, report);
    cli_record(cli, report);
    int status = rc ? cli_exit_status(rc, report) : printing->different ? EXIT_DIFFERENT : 0;
    if (cli->report && report) {
        int writing = cli_write_report(cli, report);
        status = status ? status : writing;
    }
    leat_report_free(report);
    return status;
}

int cmd_diff(struct cli *cli)
{
    struct leat_error err = {0};
    const char *as = cli_value(cli, "as"), *stop = cli_value(cli, "stop-after");
    struct printing printing = {.cli = cli,
                                .table = as ? !strcmp(as, "table") : isatty(STDOUT_FILENO),
                                .all = cli_on(cli, "all-columns"),
                                .summary = cli_on(cli, "summary"),
                                .left = -1};
    if (stop && (lt_parse_int(stop, &printing.left) || printing.left < 1)) {
        leat_fail_as(&err, LEAT_INVALID, "usage", "--stop-after is a number, 1 or more");
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    if (cli->report && !strcmp(cli->report, "-") && !cli->dry_run) {
        leat_fail_as(&err, LEAT_INVALID, "usage",
                     "standard output holds the differences, not the report");
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    int status = cli_take_places(cli);
    if (!status && cli_prints_pipe(cli, &status)) {
        return status;
    }
    printing.schema = leat_plan_is_set(cli->plan, "schema-only");
    if (!status && !cli->dry_run && start_table(&printing, &err)) {
        cli_print_error(cli, &err, NULL);
        status = EXIT_FAILED;
    }
    if (!status) {
        status = cli->dry_run ? cli_describe(cli, NULL) : run(&printing);
    }
    table_done(&printing.rows);
    forget_columns(&printing);
    lt_buf_done(&printing.line);
    return status;
}
