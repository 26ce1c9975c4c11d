/* leat query: one statement, its rows as a table for people or in a format for programs. */
#include "cli/args.h"
#include "cli/sql_words.h"
#include "cli/table.h"

#include "leat/pipe.h"

#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SQL_BYTES_MAX ((size_t)64 << 20)
#define TABLE_FORMAT "table"
#define TYPE_NAME_MAX 64

/* --- the statement -------------------------------------------------------------------------- */

/* All of a file, or of standard input. */
static int read_sql(FILE *file, const char *name, struct lt_buf *sql, struct leat_error *err)
{
    char piece[8192];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) {
        if (sql->len + n > SQL_BYTES_MAX) {
            return lt_fail(err, LT_E_USAGE, "a statement is at most %zu MiB long",
                           SQL_BYTES_MAX >> 20);
        }
        if (lt_buf_append(sql, piece, n)) {
            return lt_fail_oom(err);
        }
    }
    return ferror(file) ? lt_fail_errno(err, errno, "cannot read the statement from %s", name)
                        : LEAT_OK;
}

static int read_file(const char *name, struct lt_buf *sql, struct leat_error *err)
{
    if (!strcmp(name, "-")) {
        return read_sql(stdin, "standard input", sql, err);
    }
    FILE *file = fopen(name, "re");
    int rc = file ? read_sql(file, name, sql, err)
                  : lt_fail_errno(err, errno, "cannot read the statement from %s", name);
    if (file) {
        fclose(file);
    }
    return rc;
}

static int check_sql(const struct lt_buf *sql, struct leat_error *err)
{
    const char *nul = sql->len ? memchr(sql->data, 0, sql->len) : NULL;
    size_t valid = lt_utf8_valid_prefix(lt_buf_text(sql), sql->len);
    if (nul) {
        return lt_fail(err, LT_E_USAGE, "the statement has a NUL byte at %zu",
                       (size_t)(nul - lt_buf_text(sql)));
    }
    if (valid < sql->len) {
        return lt_fail(err, LT_E_USAGE, "the statement is no UTF-8 text at byte %zu", valid);
    }
    if (sql_is_empty(lt_buf_text(sql))) {
        int rc = lt_fail(err, LT_E_USAGE, "there is no statement");
        leat_error_remedy(err, "give it behind the connection, as -, or with --file");
        return rc;
    }
    return LEAT_OK;
}

/* The words behind the connection, or what a file says. */
static int take_sql(const struct cli *cli, struct lt_buf *sql, struct leat_error *err)
{
    const char *file = cli_value(cli, "file");
    int rc = LEAT_OK;
    if (file && cli->n_args > 1) {
        return lt_fail(err, LT_E_USAGE, "the statement is either an argument or in --file");
    }
    if (file || (cli->n_args == 2 && !strcmp(cli->args[1], "-"))) {
        rc = read_file(file ? file : "-", sql, err);
    }
    for (int i = 1; !file && i < cli->n_args && !rc && strcmp(cli->args[1], "-"); i++) {
        rc =
            lt_buf_printf(sql, "%s%s", i > 1 ? " " : "", cli->args[i]) ? lt_fail_oom(err) : LEAT_OK;
    }
    return rc ? rc : check_sql(sql, err);
}

/* --- rows as a table ------------------------------------------------------------------------ */

struct showing {
    struct cli *cli;
    struct table table;
    bool started;
    struct lt_buf value;
    struct leat_error *err;
};

bool cli_is_number(const struct ArrowSchema *field)
{
    static const char *const names[] = {"int", "uint", "float", "decimal", "numeric"};
    char *name = NULL;
    bool is = false;
    if (!leat_type_print(field, &name, NULL)) {
        for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
            is =
                is || (!strncmp(name, names[i], strlen(names[i])) && strcmp(name, "interval") != 0);
        }
    }
    leat_text_free(name);
    return is;
}

static int start_table(struct showing *showing, const struct ArrowSchema *schema)
{
    size_t n = (size_t)schema->n_children;
    struct table_column *columns = calloc(n + 1, sizeof *columns);
    int rc = columns ? LEAT_OK : lt_fail_oom(showing->err);
    for (size_t i = 0; !rc && i < n; i++) {
        columns[i] = (struct table_column){.name = schema->children[i]->name,
                                           .right = cli_is_number(schema->children[i])};
    }
    rc =
        rc ? rc
           : table_init(&showing->table, stdout, showing->cli->color_out, columns, n, showing->err);
    showing->table.no_header = cli_on(showing->cli, "no-header");
    showing->started = !rc;
    free(columns);
    return rc;
}

/* A value that is no text of itself: bytes, as \x and hexadecimal digits, or JSON with such. */
static void show_other(struct table *table, const struct ArrowSchema *field,
                       const struct ArrowArray *column, int64_t row)
{
    char *text = NULL;
    if (leat_value_json(field, column, row, &text, NULL)) {
        table->failed = LEAT_NO_MEMORY;
        return;
    }
    size_t len = strlen(text);
    size_t cut = !strncmp(text, "\"\\\\x", 4) ? 2 : 0; /* the quote and a backslash */
    table_cell(table, text + cut, len - cut - (cut > 0));
    leat_text_free(text);
}

static void show_value(struct table *table, const struct ArrowSchema *field,
                       const struct ArrowArray *column, int64_t row)
{
    int64_t at = column->offset + row;
    const uint8_t *valid = column->buffers[0];
    if (valid && !(valid[at / 8] >> at % 8 & 1)) {
        table_cell(table, NULL, 0);
    } else if (!strcmp(field->format, "u")) {
        const int32_t *offsets = column->buffers[1];
        const char *data = column->buffers[2];
        table_cell(table, data ? data + offsets[at] : "", (size_t)(offsets[at + 1] - offsets[at]));
    } else {
        show_other(table, field, column, row);
    }
}

static int show_rows(void *arg, const struct ArrowSchema *schema, const struct ArrowSchema *texts,
                     const struct ArrowArray *rows)
{
    struct showing *showing = arg;
    (void)schema;
    if (!showing->started) {
        return start_table(showing, schema);
    }
    for (int64_t r = 0; r < rows->length && !ferror(stdout); r++) {
        for (int64_t c = 0; c < rows->n_children; c++) {
            show_value(&showing->table, texts->children[c], rows->children[c], r);
        }
    }
    if (ferror(stdout)) {
        return lt_fail_errno(showing->err, EPIPE, "standard output");
    }
    return showing->table.failed ? lt_fail_oom(showing->err) : LEAT_OK;
}

static void say_rows(const struct cli *cli, int64_t rows, const char *what, int64_t started_us)
{
    char count[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    if (!cli->quiet && rows < 0) {
        fprintf(stderr, "done, %s\n", lt_human_time(lt_now_us() - started_us, took));
    } else if (!cli->quiet) {
        fprintf(stderr, "%s row%s%s, %s\n", lt_human_count(rows, count), rows == 1 ? "" : "s", what,
                lt_human_time(lt_now_us() - started_us, took));
    }
}

static int run_as_table(struct cli *cli, struct leat_error *err)
{
    int64_t started_us = lt_now_us();
    struct showing showing = {.cli = cli, .err = err};
    int rc = leat_read_text(cli->plan, show_rows, &showing, err);
    if (showing.started) {
        table_flush(&showing.table);
    }
    if (!rc) {
        say_rows(cli, showing.table.rows, "", started_us);
    }
    table_done(&showing.table);
    return rc;
}

/* --- rows in a format ----------------------------------------------------------------------- */

static int set_header(struct cli *cli, struct leat_error *err)
{
    const char *header = cli_value(cli, "header");
    if (cli_on(cli, "no-header")) {
        return leat_plan_set(cli->plan, "header", "no", err);
    }
    return header ? leat_plan_set(cli->plan, "header", cli_on(cli, "header") ? "yes" : "no", err)
                  : LEAT_OK;
}

static int run_as_format(struct cli *cli, const char *format, struct leat_error *err)
{
    struct lt_buf to = LT_BUF_INIT;
    int rc = lt_buf_printf(&to, "%s:-", format) ? lt_fail_oom(err) : LEAT_OK;
    rc = rc ? rc : leat_plan_destination(cli->plan, lt_buf_text(&to), err);
    rc = rc ? rc : leat_plan_set(cli->plan, "no-state", NULL, err);
    rc = rc ? rc : set_header(cli, err);
    rc = rc ? rc : leat_run(cli->plan, NULL, NULL, err);
    lt_buf_done(&to);
    return rc;
}

/* The option of connectors that names the formats there are. */
static const struct leat_option *formats_option(struct cli *cli)
{
    const struct leat_connector *connector;
    for (size_t i = 0; (connector = leat_connector_at(cli->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name; o++) {
            if (!strcmp(o->name, "format") && o->choices) {
                return o;
            }
        }
    }
    return NULL;
}

static int check_format(struct cli *cli, const char *name, struct leat_error *err)
{
    const struct leat_option *option = formats_option(cli);
    if (!strcmp(name, TABLE_FORMAT) || (option && !leat_option_check(option, name, NULL))) {
        return LEAT_OK;
    }
    return lt_fail(err, LT_E_USAGE, "--format is one of " TABLE_FORMAT "|%s",
                   option ? option->choices : "");
}

/* --- the command ---------------------------------------------------------------------------- */

/* Options are for the place, or for what its rows become: each of the two plans takes its own. */
static int copy_option(void *arg, enum leat_plan_part part, const char *name, const char *value)
{
    if (part == LEAT_PART_OPTION) {
        leat_plan_set_default(arg, name, value, NULL); /* it was checked when it was said */
    }
    return 0;
}

/* The rows of a statement: a source as any other. */
static int show_stream(struct cli *cli, struct ArrowArrayStream *rows, const char *format,
                       struct leat_error *err)
{
    struct leat_plan *own = cli->plan, *plan = NULL;
    int rc = leat_plan_new(cli->leat, &plan, err);
    rc = rc ? rc : leat_plan_source_stream(plan, rows, "query", err);
    if (!rc) {
        leat_plan_each(own, copy_option, plan);
        cli->plan = plan;
        rc =
            strcmp(format, TABLE_FORMAT) ? run_as_format(cli, format, err) : run_as_table(cli, err);
        cli->plan = own;
    }
    leat_plan_free(plan);
    return rc;
}

/* Anything but a plain query: run once, as it stands; it may give rows. */
static int run_statement(struct cli *cli, const char *sql, const char *format,
                         struct leat_error *err)
{
    int64_t started_us = lt_now_us(), changed = -1;
    struct ArrowArrayStream rows = {.release = NULL};
    struct leat_plan *plan = NULL;
    int rc = leat_plan_new(cli->leat, &plan, err);
    rc = rc ? rc : leat_plan_source(plan, cli->args[0], err);
    if (!rc) {
        leat_plan_each(cli->plan, copy_option, plan);
        rc = leat_statement(plan, sql, &rows, &changed, err);
    }
    if (!rc && !rows.release) {
        say_rows(cli, changed, " changed", started_us);
    } else if (!rc) {
        rc = show_stream(cli, &rows, format, err);
    }
    if (rows.release) {
        rows.release(&rows);
    }
    leat_plan_free(plan);
    return rc;
}

/* A single query is read as a stream, without the semicolon behind it. */
static bool is_one_query(struct lt_buf *sql)
{
    size_t len = sql_first_len(lt_buf_text(sql));
    if (!sql_is_query(lt_buf_text(sql)) || !sql_is_empty(lt_buf_text(sql) + len)) {
        return false;
    }
    sql->len = len;
    sql->data[len] = 0;
    return true;
}

static int run_query(struct cli *cli, struct lt_buf *sql, struct leat_error *err)
{
    const char *format = cli_value(cli, "format");
    format = format ? format : isatty(STDOUT_FILENO) ? TABLE_FORMAT : "csv";
    int rc = check_format(cli, format, err);
    rc = rc ? rc : leat_plan_source(cli->plan, cli->args[0], err);
    if (!rc && !is_one_query(sql)) {
        return run_statement(cli, lt_buf_text(sql), format, err);
    }
    rc = rc ? rc : leat_plan_set(cli->plan, "query", lt_buf_text(sql), err);
    if (!rc) {
        rc =
            strcmp(format, TABLE_FORMAT) ? run_as_format(cli, format, err) : run_as_table(cli, err);
    }
    return rc;
}

/* What was said for the connection or for rows has no place in the step of a statement. */
static int refuse_options(const struct cli *cli, struct leat_error *err)
{
    for (size_t i = 0; i < cli->n_given; i++) {
        const struct leat_option *tables[] = {cli->command->options, cli_options};
        const char *name = cli->given[i].name;
        bool known = false;
        for (size_t t = 0; t < LT_ARRAY_LEN(tables); t++) {
            for (const struct leat_option *o = tables[t]; o->name; o++) {
                known = known || !strcmp(o->name, name);
            }
        }
        if (!known) {
            return lt_fail(err, LT_E_USAGE, "--as-pipe of a statement has no place for --%s", name);
        }
    }
    return LEAT_OK;
}

/* --as-pipe: a query's rows go where a pipe's can, to standard output in a format. */
static int print_pipe(struct cli *cli, struct lt_buf *sql, const char *form, struct leat_error *err)
{
    enum leat_pipe_form as = !strcmp(form, "json") ? LEAT_PIPE_JSON : LEAT_PIPE_YAML;
    const char *format = cli_value(cli, "format");
    struct lt_buf to = LT_BUF_INIT;
    char *text = NULL;
    format = format ? format : "csv";
    int rc = check_format(cli, format, err);
    if (!rc && !strcmp(format, TABLE_FORMAT)) {
        rc = lt_fail(err, LT_E_USAGE, "a pipe shows no table: --as-pipe takes another --format");
    }
    rc = rc ? rc : leat_plan_source(cli->plan, cli->args[0], err);
    if (!rc && !is_one_query(sql)) {
        rc = refuse_options(cli, err);
        rc = rc ? rc : leat_statement_as_pipe(cli->plan, lt_buf_text(sql), as, &text, err);
    } else if (!rc) {
        rc = lt_buf_printf(&to, "%s:-", format) ? lt_fail_oom(err) : LEAT_OK;
        rc = rc ? rc : leat_plan_destination(cli->plan, lt_buf_text(&to), err);
        rc = rc ? rc : leat_plan_set(cli->plan, "query", lt_buf_text(sql), err);
        rc = rc ? rc : leat_plan_set(cli->plan, "no-state", NULL, err);
        rc = rc ? rc : set_header(cli, err);
        rc = rc ? rc : leat_plan_as_pipe(cli->plan, as, &text, err);
    }
    if (!rc) {
        fputs(text, stdout);
    }
    leat_text_free(text);
    lt_buf_done(&to);
    return rc;
}

int cmd_query(struct cli *cli)
{
    const char *form = cli_value(cli, "as-pipe");
    struct leat_error err = {0};
    struct lt_buf sql = LT_BUF_INIT;
    int rc = take_sql(cli, &sql, &err);
    if (!rc && form) {
        rc = print_pipe(cli, &sql, form, &err);
    } else if (!rc && cli->dry_run) {
        struct lt_buf shown = LT_BUF_INIT;
        rc = lt_redact(&shown, lt_buf_text(&sql)) ? lt_fail_oom(&err) : LEAT_OK;
        puts(lt_buf_text(&shown));
        lt_buf_done(&shown);
    } else if (!rc) {
        rc = run_query(cli, &sql, &err);
    }
    lt_buf_done(&sql);
    if (rc && err.sys_errno == EPIPE) {
        return EXIT_PIPE;
    }
    return cli_end(cli, rc, &err);
}
