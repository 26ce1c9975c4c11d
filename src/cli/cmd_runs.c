/* leat runs: what ran, out of the store. */
#include "cli/cli.h"
#include "cli/records.h"

#include "core/codes.h"
#include "core/json_read.h"
#include "core/util.h"
#include "leat/state.h"

#include <string.h>

struct printer {
    bool json, details;
    struct table table; /* of a list */
};

/* A row of the list. */
static void put_row(struct table *table, const struct lt_json_value *run)
{
    char when[32], streams[LT_HUMAN_MAX], rows[LT_HUMAN_MAX], bytes[LT_HUMAN_MAX],
        elapsed[LT_HUMAN_MAX];
    const char *const cells[] = {
        record_text(run, "run"),
        record_moment(record_number(run, "started_unix_us"), when, sizeof when),
        record_text(run, "command"),
        record_text(run, "status"),
        lt_human_count(record_number(run, "streams"), streams),
        lt_human_count(record_number(run, "rows_written"), rows),
        lt_human_bytes(record_number(run, "bytes"), bytes),
        lt_human_time(record_number(run, "elapsed_us"), elapsed),
        record_text(run, "error_code")};
    record_cells(table, cells, LT_ARRAY_LEN(cells));
}

static void print_line(const struct lt_json_value *run)
{
    char when[32], rows[LT_HUMAN_MAX], bytes[LT_HUMAN_MAX], elapsed[LT_HUMAN_MAX];
    printf("%s  %s  %-10s %-9s %3lld streams %15s rows %9s %9s  %s\n", record_text(run, "run"),
           record_moment(record_number(run, "started_unix_us"), when, sizeof when),
           record_text(run, "command"), record_text(run, "status"),
           (long long)record_number(run, "streams"),
           lt_human_count(record_number(run, "rows_written"), rows),
           lt_human_bytes(record_number(run, "bytes"), bytes),
           lt_human_time(record_number(run, "elapsed_us"), elapsed),
           record_text(run, "error_code"));
}

static void print_error(const struct lt_json_value *of)
{
    const struct lt_json_value *error = lt_json_get(of, "error");
    if (*record_text(error, "code")) {
        printf("    [%s] %s%s%s\n", record_text(error, "code"), record_text(error, "place"),
               *record_text(error, "place") ? ": " : "", record_text(error, "message"));
    }
}

static void print_streams(const struct lt_json_value *report)
{
    char rows[LT_HUMAN_MAX], bytes[LT_HUMAN_MAX], elapsed[LT_HUMAN_MAX];
    const struct lt_json_value *streams = lt_json_get(report, "streams");
    for (size_t i = 0; i < lt_json_count(streams); i++) {
        const struct lt_json_value *stream = lt_json_at(streams, i);
        printf("  %s -> %s: %s rows, %s, %s, %s\n", record_text(stream, "source"),
               record_text(stream, "destination"),
               lt_human_count(record_number(stream, "rows_written"), rows),
               lt_human_bytes(record_number(stream, "bytes"), bytes),
               lt_human_time(record_number(stream, "elapsed_us"), elapsed),
               record_text(stream, "state"));
        if (*record_text(stream, "route")) {
            printf("    %s\n", record_text(stream, "route"));
        }
        print_error(stream);
    }
}

static int print_run(void *arg, const char *json)
{
    struct printer *printer = arg;
    if (printer->json) {
        puts(json);
        return LEAT_OK;
    }
    struct lt_json_doc *doc = NULL;
    struct leat_error err = {0};
    int rc = lt_json_doc_parse(json, strlen(json), &doc, &err);
    if (!rc && !printer->details) {
        put_row(&printer->table, lt_json_root(doc));
    } else if (!rc) {
        print_line(lt_json_root(doc));
        print_streams(lt_json_get(lt_json_root(doc), "report"));
    }
    lt_json_doc_free(doc);
    return rc;
}

int cmd_runs(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"run", false},    {"started", false}, {"command", false},
        {"status", false}, {"streams", true},  {"rows", true},
        {"bytes", true},   {"took", true},     {"error", false}};
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    struct printer printer = {.json = cli_on(cli, "json"), .details = cli->n_args > 0};
    int64_t limit = 0;
    int rc = cli_open_state(cli, 0, &state, &err);
    if (!rc && lt_parse_int(cli_value(cli, "limit"), &limit)) {
        rc = leat_fail_as(&err, LEAT_INVALID, "usage", "--limit takes a whole number");
    }
    rc = rc ? rc
            : table_init(&printer.table, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns),
                         &err);
    rc = rc ? rc
            : leat_state_runs(state, cli->n_args ? cli->args[0] : NULL, limit, print_run, &printer,
                              &err);
    if (!rc && printer.table.n_cells) {
        table_flush(&printer.table);
    }
    rc = rc || !printer.table.failed ? rc : lt_fail_oom(&err);
    table_done(&printer.table);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    }
    leat_state_close(state);
    return cli_exit_status(rc, NULL);
}
