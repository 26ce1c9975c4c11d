/* leat execution ... and leat step ...: what a pipeline did, and what changed since. */
#include "cli/cli.h"
#include "cli/records.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"
#include "leat/execution.h"

#include <string.h>

struct printer {
    struct cli *cli;
    bool json;
    char separator; /* of names */
    bool list;      /* rows of `table`, else a line each */
    struct table table;
};

typedef int action_fn(struct cli *cli, struct leat_state *state, struct leat_error *err);

/* Opens the store, does it, closes it, and tells what went wrong. */
static int with_store(struct cli *cli, action_fn *action)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    int rc = cli_open_state(cli, 0, &state, &err);
    rc = rc ? rc : action(cli, state, &err);
    leat_state_close(state);
    return cli_end(cli, rc, &err);
}

/* An id or a moment: alone, or as the one member of an object. "" is null. */
static void print_value(struct cli *cli, const char *key, const char *value)
{
    if (!cli_on(cli, "json")) {
        puts(value);
    } else if (*value) {
        printf("{\"%s\":\"%s\"}\n", key, value); /* hex digits, date and time: nothing to escape */
    } else {
        printf("{\"%s\":null}\n", key);
    }
}

/* --- executions ----------------------------------------------------------------------------- */

static int execution_init(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    char id[LEAT_GUID_MAX];
    int rc = leat_execution_init(state, cli_value(cli, "id"), cli_value(cli, "pipeline"), id, err);
    if (!rc) {
        print_value(cli, "execution", id);
    }
    return rc;
}

static int execution_last(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    char id[LEAT_GUID_MAX];
    int rc = leat_execution_last(state, cli_value(cli, "pipeline"), id, err);
    bool none = !rc && !strcmp(id, LEAT_NO_EXECUTION);
    if (!rc) {
        print_value(cli, "execution", none && cli_on(cli, "json") ? "" : id);
    }
    return rc;
}

static int execution_completed_at(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    char moment[LEAT_MOMENT_MAX];
    int rc = leat_execution_completed_at(state, cli->args[0], moment, err);
    if (!rc) {
        print_value(cli, "completed_on", moment);
    }
    return rc;
}

static const struct table_column step_columns[] = {
    {"step", false}, {"status", false}, {"name", false}, {"models", true},
    {"rows", true},  {"took", true},    {"error", false}};

static void put_step(struct table *table, const struct lt_json_value *step)
{
    char models[LT_HUMAN_MAX], rows[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    int64_t processed = lt_json_integer(lt_json_get(step, "rows_processed"), INT64_MIN);
    const char *const cells[] = {
        record_text(step, "step"),
        record_text(step, "status"),
        record_text(step, "name"),
        lt_human_count(record_number(step, "models"), models),
        processed == INT64_MIN ? "-" : lt_human_count(processed, rows),
        lt_human_time(record_number(step, "execution_time_ms") * 1000, took),
        record_text(step, "error")};
    record_cells(table, cells, LT_ARRAY_LEN(cells));
}

static const struct table_column execution_columns[] = {
    {"execution", false}, {"started", false}, {"status", false}, {"pipeline", false},
    {"steps", true},      {"took", true},     {"error", false}};

static void put_execution(struct table *table, const struct lt_json_value *execution)
{
    char when[32], steps[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    const char *const cells[] = {
        record_text(execution, "execution"),
        record_moment(record_number(execution, "started_unix_us"), when, sizeof when),
        record_text(execution, "status"),
        record_text(execution, "pipeline"),
        lt_human_count(record_number(execution, "steps"), steps),
        lt_human_time(record_number(execution, "execution_time_ms") * 1000, took),
        record_text(execution, "error")};
    record_cells(table, cells, LT_ARRAY_LEN(cells));
}

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static void print_step_line(const struct lt_json_value *step)
{
    char models[LT_HUMAN_MAX], rows[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    const struct lt_json_value *processed = lt_json_get(step, "rows_processed");
    printf("%s  %-12s %-20s %12s model%s %15s row%s %9s  %s\n", record_text(step, "step"),
           record_text(step, "status"), record_text(step, "name"),
           lt_human_count(record_number(step, "models"), models),
           plural(record_number(step, "models")),
           lt_json_integer(processed, INT64_MIN) == INT64_MIN
               ? "-"
               : lt_human_count(record_number(step, "rows_processed"), rows),
           plural(lt_json_integer(processed, 0)),
           lt_human_time(record_number(step, "execution_time_ms") * 1000, took),
           record_text(step, "error"));
}

static void print_execution_line(const struct lt_json_value *execution)
{
    char when[32], took[LT_HUMAN_MAX];
    printf("%s  %s  %-12s %-20s %3lld step%s %9s  %s\n", record_text(execution, "execution"),
           record_moment(record_number(execution, "started_unix_us"), when, sizeof when),
           record_text(execution, "status"), record_text(execution, "pipeline"),
           (long long)record_number(execution, "steps"), plural(record_number(execution, "steps")),
           lt_human_time(record_number(execution, "execution_time_ms") * 1000, took),
           record_text(execution, "error"));
}

/* An execution, with its steps where there are some, or a step. */
static int print_document(void *arg, const char *json)
{
    struct printer *printer = arg;
    struct lt_json_doc *doc = NULL;
    if (printer->json) {
        puts(json);
        return LEAT_OK;
    }
    int rc = lt_json_doc_parse(json, strlen(json), &doc, NULL);
    const struct lt_json_value *root = rc ? NULL : lt_json_root(doc);
    const struct lt_json_value *steps = lt_json_get(root, "step_list");
    if (!rc && printer->list) {
        (lt_json_get(root, "step") ? put_step : put_execution)(&printer->table, root);
    } else if (!rc && lt_json_get(root, "step")) {
        print_step_line(root);
    } else if (!rc) {
        print_execution_line(root);
    }
    for (size_t i = 0; i < lt_json_count(steps); i++) {
        fputs("  ", stdout);
        print_step_line(lt_json_at(steps, i));
    }
    lt_json_doc_free(doc);
    return rc;
}

typedef int show_fn(struct leat_state *state, const char *id, leat_document_fn *each, void *arg,
                    struct leat_error *err);

/* With --json, what the execution or step is after the change. */
static int show_changed(struct cli *cli, struct leat_state *state, show_fn *show, int rc,
                        struct leat_error *err)
{
    struct printer printer = {.cli = cli, .json = true};
    return rc || !cli_on(cli, "json") ? rc
                                      : show(state, cli->args[0], print_document, &printer, err);
}

static int execution_complete(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    int rc = leat_execution_complete(state, cli->args[0], NULL, err);
    return show_changed(cli, state, leat_execution_show, rc, err);
}

static int execution_fail(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    int rc = leat_execution_fail(state, cli->args[0], cli_value(cli, "reason"), err);
    return show_changed(cli, state, leat_execution_show, rc, err);
}

/* The end of a list: what was put into the table is shown. */
static int show_list(struct printer *printer, int rc, struct leat_error *err)
{
    if (!rc && printer->table.n_cells) {
        table_flush(&printer->table);
    }
    rc = rc || !printer->table.failed ? rc : lt_fail_oom(err);
    table_done(&printer->table);
    return rc;
}

static int execution_list(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    struct printer printer = {.cli = cli, .json = cli_on(cli, "json"), .list = true};
    int64_t limit = 0;
    if (lt_parse_int(cli_value(cli, "limit"), &limit)) {
        return leat_fail_as(err, LEAT_INVALID, "usage", "--limit takes a whole number");
    }
    int rc = table_init(&printer.table, stdout, cli->color_out, execution_columns,
                        LT_ARRAY_LEN(execution_columns), err);
    rc = rc ? rc
            : leat_execution_list(state, cli_value(cli, "pipeline"), limit, print_document,
                                  &printer, err);
    return show_list(&printer, rc, err);
}

static int execution_show(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    struct printer printer = {.cli = cli, .json = cli_on(cli, "json")};
    return leat_execution_show(state, cli->args[0], print_document, &printer, err);
}

/* --- steps ---------------------------------------------------------------------------------- */

static void print_hashed(void *arg, size_t done, size_t total)
{
    struct cli *cli = arg;
    char counts[2][LT_HUMAN_MAX];
    if (!strcmp(cli->progress, "json")) {
        fprintf(stderr, "{\"models_hashed\":%zu,\"models_total\":%zu}\n", done, total);
    } else {
        fprintf(stderr, "\r%s of %s models hashed%s", lt_human_count((int64_t)done, counts[0]),
                lt_human_count((int64_t)total, counts[1]), done == total ? "\n" : "");
    }
}

static int step_init(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    char id[LEAT_GUID_MAX];
    bool line = cli->terminal && !cli->quiet && !strcmp(cli->progress, "auto");
    struct leat_step step = {.size = sizeof step,
                             .execution_id = cli->args[0],
                             .name = cli->args[1],
                             .base_path = cli->args[2],
                             .patterns = cli->args + 3,
                             .n_patterns = (size_t)cli->n_args - 3,
                             .hashed = line || !strcmp(cli->progress, "json") ? print_hashed : NULL,
                             .arg = cli};
    step.flags |= strcmp(cli_value(cli, "duplicates"), "last") ? 0 : LEAT_STEP_LATER_WINS;
    step.flags |= cli_on(cli, "reopen") ? LEAT_STEP_REOPEN : 0;
    step.flags |= cli_on(cli, "trust-mtime") ? LEAT_STEP_TRUST_MTIME : 0;
    int rc = leat_step_init(state, &step, id, NULL, err);
    if (!rc) {
        print_value(cli, "step", id);
    }
    return rc;
}

/* --rows, if it was given. */
static int parse_rows(struct cli *cli, bool *ret_given, int64_t *ret_rows, struct leat_error *err)
{
    const char *given = cli_value(cli, "rows");
    int64_t rows = 0;
    if (given && (lt_parse_int(given, &rows) || rows < 0)) {
        return leat_fail_as(err, LEAT_INVALID, "usage", "--rows takes a whole number, 0 or more");
    }
    *ret_given = given;
    *ret_rows = rows;
    return LEAT_OK;
}

static int step_complete(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    bool given;
    int64_t rows;
    int rc = parse_rows(cli, &given, &rows, err);
    rc = rc ? rc : leat_step_complete(state, cli->args[0], given ? &rows : NULL, NULL, err);
    return show_changed(cli, state, leat_step_show, rc, err);
}

static int step_fail(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    bool given;
    int64_t rows;
    int rc = parse_rows(cli, &given, &rows, err);
    rc = rc ? rc
            : leat_step_fail(state, cli->args[0], cli_value(cli, "reason"), given ? &rows : NULL,
                             err);
    return show_changed(cli, state, leat_step_show, rc, err);
}

static int step_list(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    struct printer printer = {.cli = cli, .json = cli_on(cli, "json"), .list = true};
    int rc = table_init(&printer.table, stdout, cli->color_out, step_columns,
                        LT_ARRAY_LEN(step_columns), err);
    rc = rc ? rc : leat_step_list(state, cli->args[0], print_document, &printer, err);
    return show_list(&printer, rc, err);
}

static const struct {
    const char *name;
    unsigned change;
} change_names[] = {
    {"added", LEAT_MODEL_ADDED},
    {"modified", LEAT_MODEL_MODIFIED},
    {"removed", LEAT_MODEL_REMOVED},
};

static const struct {
    const char *name;
    char separator;
} separators[] = {
    {"newline", '\n'},
    {"space", ' '},
    {"comma", ','},
    {"nul", 0},
};

static int print_model(void *arg, const char *name, unsigned change)
{
    struct printer *printer = arg;
    if (!printer->json) {
        fputs(name, stdout);
        putchar(printer->separator);
        return LEAT_OK;
    }
    struct lt_buf quoted = LT_BUF_INIT;
    int rc = lt_json_quote(&quoted, name, strlen(name));
    for (size_t i = 0; !rc && i < LT_ARRAY_LEN(change_names); i++) {
        if (change_names[i].change == change) {
            printf("{\"model\":%s,\"change\":\"%s\"}\n", lt_buf_text(&quoted),
                   change_names[i].name);
        }
    }
    lt_buf_done(&quoted);
    return rc;
}

static int parse_changes(const char *list, unsigned *ret_changes, struct leat_error *err)
{
    unsigned changes = 0;
    while (*list) {
        size_t len = strcspn(list, ","), i = 0;
        while (i < LT_ARRAY_LEN(change_names) &&
               (strlen(change_names[i].name) != len || strncmp(change_names[i].name, list, len))) {
            i++;
        }
        if (i == LT_ARRAY_LEN(change_names)) {
            return leat_fail_as(err, LEAT_INVALID, "usage",
                                "--changes is a list of added, modified and removed");
        }
        changes |= change_names[i].change;
        list += len + (list[len] == ',');
    }
    *ret_changes = changes;
    return LEAT_OK;
}

static int step_compare(struct cli *cli, struct leat_state *state, struct leat_error *err)
{
    struct printer printer = {.cli = cli, .json = cli_on(cli, "json")};
    unsigned changes = 0;
    int rc = parse_changes(cli_value(cli, "changes"), &changes, err);
    for (size_t i = 0; i < LT_ARRAY_LEN(separators); i++) {
        if (!strcmp(separators[i].name, cli_value(cli, "separator"))) {
            printer.separator = separators[i].separator;
        }
    }
    return rc ? rc
              : leat_step_compare(state, cli->args[0], cli->n_args > 1 ? cli->args[1] : NULL, false,
                                  changes, print_model, &printer, err);
}

/* --- commands ------------------------------------------------------------------------------- */

#define COMMAND(action)                                                                            \
    int cmd_##action(struct cli *cli)                                                              \
    {                                                                                              \
        return with_store(cli, action);                                                            \
    }

COMMAND(execution_init)
COMMAND(execution_last)
COMMAND(execution_completed_at)
COMMAND(execution_complete)
COMMAND(execution_fail)
COMMAND(execution_list)
COMMAND(execution_show)
COMMAND(step_init)
COMMAND(step_compare)
COMMAND(step_complete)
COMMAND(step_fail)
COMMAND(step_list)
