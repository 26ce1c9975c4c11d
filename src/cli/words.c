/* What the program says: all of it on standard error, so that standard output is data. */
#include "cli/cli.h"
#include "cli/table.h"

#include "core/display.h"
#include "core/json.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};

void cli_clear_progress(struct cli *cli)
{
    if (cli->progress_shown) {
        fputs("\r\033[K", stderr);
        cli->progress_shown = false;
    }
}

static void put_json_line(struct lt_json *json, struct lt_buf *line)
{
    lt_json_object_end(json);
    if (!json->failed && !lt_buf_byte(line, '\n')) {
        fwrite(line->data, 1, line->len, stderr);
    }
    lt_buf_done(line);
}

static void start_json_line(struct lt_json *json, const char *level)
{
    struct timespec now;
    struct tm tm;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03ldZ", now.tv_nsec / 1000000);
    lt_json_object(json);
    lt_json_key(json, "time");
    lt_json_text(json, text);
    lt_json_key(json, "level");
    lt_json_text(json, level);
}

void cli_log(void *arg, enum leat_log_level level, const char *line)
{
    struct cli *cli = arg;
    cli_clear_progress(cli);
    if (!cli->json_logs) {
        fprintf(stderr, "leat: %s: %s\n", level_names[level], line);
        return;
    }
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    start_json_line(&json, level_names[level]);
    lt_json_key(&json, "message");
    lt_json_text(&json, line);
    put_json_line(&json, &text);
}

void cli_warn(struct cli *cli, const char *what, const struct leat_error *err)
{
    char line[sizeof err->place + sizeof err->message + sizeof err->remedy + 128];
    snprintf(line, sizeof line, "%s: %s%s%s%s%s", what, err->place, *err->place ? ": " : "",
             err->message, *err->remedy ? "; " : "", err->remedy);
    cli_log(cli, LEAT_LOG_WARN, line);
}

static void print_error_json(const struct leat_error *err, const char *state)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    const char *pairs[][2] = {{"code", err->code},
                              {"place", err->place},
                              {"message", err->message},
                              {"sqlstate", err->sqlstate},
                              {"destination", state ? state : ""},
                              {"remedy", err->remedy}};
    start_json_line(&json, "error");
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        if (*pairs[i][1]) {
            lt_json_key(&json, pairs[i][0]);
            lt_json_text(&json, pairs[i][1]);
        }
    }
    put_json_line(&json, &text);
}

void cli_print_error(struct cli *cli, const struct leat_error *err, const char *state)
{
    cli_clear_progress(cli);
    if (cli->json_logs) {
        print_error_json(err, state);
        return;
    }
    fprintf(stderr, "leat: %s[%s]%s %s%s%s%s%s%s%s\n", cli->color ? "\033[31m" : "", err->code,
            cli->color ? "\033[0m" : "", err->place, *err->place ? ": " : "", err->message,
            state ? "; destination " : "", state ? state : "", *err->remedy ? "; " : "",
            err->remedy);
}

static void print_progress_json(const struct leat_progress *p)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"rows", p->rows},
                   {"bytes", p->bytes},
                   {"rows_total", p->rows_total},
                   {"streams_done", p->streams_done},
                   {"streams_total", p->streams_total},
                   {"elapsed_us", p->elapsed_us}};
    start_json_line(&json, "progress");
    lt_json_key(&json, "stream");
    lt_json_text(&json, p->stream);
    for (size_t i = 0; i < LT_ARRAY_LEN(numbers); i++) {
        lt_json_key(&json, numbers[i].key);
        lt_json_int(&json, numbers[i].value);
    }
    put_json_line(&json, &text);
}

/* What matters most stands first, for a narrow terminal shows no more. */
static void put_progress(const struct leat_progress *p, struct lt_buf *line)
{
    char rows[LT_HUMAN_MAX], bytes[LT_HUMAN_MAX], rate[LT_HUMAN_MAX], left[LT_HUMAN_MAX];
    double seconds = (double)p->elapsed_us / 1e6;
    double speed = seconds > 0 ? (double)p->rows / seconds : 0;
    lt_buf_printf(line, "%s: %s rows, %s, %s rows/s", p->stream ? p->stream : "leat",
                  lt_human_count(p->rows, rows), lt_human_bytes(p->bytes, bytes),
                  lt_human_count((int64_t)speed, rate));
    if (p->rows_total > 0 && p->rows <= p->rows_total) {
        lt_buf_printf(line, ", %d%%", (int)(100 * p->rows / p->rows_total));
        if (speed > 0) {
            double rest = (double)(p->rows_total - p->rows) / speed;
            lt_buf_printf(line, ", %s left", lt_human_time((int64_t)(rest * 1e6), left));
        }
    }
    if (p->streams_total > 1) {
        lt_buf_printf(line, " (%lld of %lld streams)", (long long)p->streams_done,
                      (long long)p->streams_total);
    }
}

void cli_print_progress(void *arg, const struct leat_progress *p)
{
    struct cli *cli = arg;
    if (!strcmp(cli->progress, "json")) {
        print_progress_json(p);
        return;
    }
    struct lt_buf line = LT_BUF_INIT, shown = LT_BUF_INIT;
    int columns = cli_terminal_columns(STDERR_FILENO), used;
    put_progress(p, &line);
    /* A line that filled the terminal would go on in the next, and could not be taken back. */
    if (!lt_display_put(&shown, lt_buf_text(&line), line.len, LT_MAX(columns - 1, 1), &used)) {
        fprintf(stderr, "\r\033[K%s", lt_buf_text(&shown));
    }
    lt_buf_done(&line);
    lt_buf_done(&shown);
    fflush(stderr);
    cli->progress_shown = true;
}

void cli_print_result_json(const struct leat_stream_result *r)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"inserted", r->counts.inserted},    {"updated", r->counts.updated},
                  {"deleted", r->counts.deleted},      {"unchanged", r->counts.unchanged},
                  {"rows_compared", r->rows_compared}, {"rows_skipped", r->rows_skipped},
                  {"rows_resumed", r->rows_resumed}};
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    start_json_line(&json, "result");
    lt_json_key(&json, "source");
    lt_json_text(&json, r->source);
    lt_json_key(&json, "destination");
    lt_json_text(&json, r->destination);
    lt_json_key(&json, "rows");
    lt_json_int(&json, r->rows_written);
    lt_json_key(&json, "bytes");
    lt_json_int(&json, r->bytes);
    lt_json_key(&json, "elapsed_us");
    lt_json_int(&json, r->elapsed_us);
    lt_json_key(&json, "values_lost");
    lt_json_int(&json, r->values_lost);
    lt_json_key(&json, "proof");
    lt_json_text(&json, r->proof);
    lt_json_key(&json, "route");
    lt_json_text(&json, r->route);
    for (size_t i = 0; i < LT_ARRAY_LEN(counts); i++) {
        lt_json_key(&json, counts[i].key);
        lt_json_int(&json, counts[i].value);
    }
    put_json_line(&json, &text);
}

/* What became of the streams of a run. */
struct sums {
    int64_t streams, rows, bytes, failed, untouched;
};

static struct sums sum_up(const struct leat_report *report)
{
    struct sums sums = {.streams = (int64_t)leat_report_count(report)};
    for (int64_t i = 0; i < sums.streams; i++) {
        const struct leat_stream_result *r = leat_report_result(report, (size_t)i);
        bool failed = r->error->status != LEAT_OK;
        sums.rows += r->rows_written;
        sums.bytes += r->bytes;
        sums.failed += failed && r->attempts;
        sums.untouched += failed && !r->attempts;
    }
    return sums;
}

void cli_print_summary(struct cli *cli, const struct leat_report *report, int64_t elapsed_us)
{
    const struct sums sums = sum_up(report);
    if (sums.streams < 2 || cli->quiet) {
        return;
    }
    if (cli->json_logs) {
        const struct {
            const char *key;
            int64_t value;
        } numbers[] = {{"streams", sums.streams}, {"rows", sums.rows},
                       {"bytes", sums.bytes},     {"elapsed_us", elapsed_us},
                       {"failed", sums.failed},   {"not_attempted", sums.untouched}};
        struct lt_buf text = LT_BUF_INIT;
        struct lt_json json = {.out = &text};
        start_json_line(&json, "summary");
        for (size_t i = 0; i < LT_ARRAY_LEN(numbers); i++) {
            lt_json_key(&json, numbers[i].key);
            lt_json_int(&json, numbers[i].value);
        }
        put_json_line(&json, &text);
        return;
    }
    char streams[LT_HUMAN_MAX], rows[LT_HUMAN_MAX], bytes[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    fprintf(stderr, "%s streams: %s row%s, %s, %s", lt_human_count(sums.streams, streams),
            lt_human_count(sums.rows, rows), sums.rows == 1 ? "" : "s",
            lt_human_bytes(sums.bytes, bytes), lt_human_time(elapsed_us, took));
    if (sums.failed) {
        fprintf(stderr, ", %s failed", lt_human_count(sums.failed, streams));
    }
    if (sums.untouched) {
        fprintf(stderr, ", %s not attempted", lt_human_count(sums.untouched, streams));
    }
    fputc('\n', stderr);
}

static void print_losses(const struct leat_stream_result *r)
{
    char values[LT_HUMAN_MAX];
    for (size_t i = 0; i < r->n_losses; i++) {
        const struct leat_column_loss *loss = &r->losses[i];
        if (loss->as_text) {
            fprintf(stderr, ", column \"%s\" as text", loss->column);
        } else {
            fprintf(stderr, ", %s value%s lost (made null) in column \"%s\"",
                    lt_human_count(loss->values, values), loss->values == 1 ? "" : "s",
                    loss->column);
        }
    }
}

/* What became of the destination's rows, where that is more than records written. */
static void print_counts(const struct leat_stream_result *r)
{
    const struct {
        int64_t n;
        const char *word;
    } counts[] = {{r->counts.inserted, "inserted"},
                  {r->counts.updated, "updated"},
                  {r->counts.deleted, "deleted"},
                  {r->counts.unchanged, "unchanged"},
                  {r->counts.superseded, "superseded"}};
    char number[LT_HUMAN_MAX];
    bool more = r->counts.inserted != r->rows_written;
    for (size_t i = 0; i < LT_ARRAY_LEN(counts); i++) {
        if (more && counts[i].n > 0) {
            fprintf(stderr, ", %s %s", lt_human_count(counts[i].n, number), counts[i].word);
        }
    }
}

/* A stream for which there was nothing to be done. */
static void print_no_load(const struct leat_stream_result *r)
{
    char took[LT_HUMAN_MAX];
    fprintf(stderr, "%s: %s%s%s, %s%s%s\n", r->source, r->route,
            *r->watermark_after ? " since " : "", r->watermark_after,
            lt_human_time(r->elapsed_us, took), *r->resolution ? "; compared " : "", r->resolution);
}

void cli_print_result(void *arg, const struct leat_stream_result *r)
{
    struct cli *cli = arg;
    cli_clear_progress(cli);
    if (!r->committed && r->error->sys_errno == EPIPE) {
        return; /* whoever read the output has had enough, which is no news */
    }
    if (!r->committed) {
        cli_print_error(cli, r->error, r->state);
        return;
    }
    if (cli->quiet) {
        return;
    }
    if (cli->json_logs) {
        cli_print_result_json(r);
        return;
    }
    if (!r->load_id[0]) {
        print_no_load(r);
        return;
    }
    char rows[LT_HUMAN_MAX], bytes[LT_HUMAN_MAX], took[LT_HUMAN_MAX], rejected[LT_HUMAN_MAX];
    fprintf(stderr, "%s: %s row%s, %s, %s, %s%s%s", r->source,
            lt_human_count(r->rows_written, rows), r->rows_written == 1 ? "" : "s",
            lt_human_bytes(r->bytes, bytes), lt_human_time(r->elapsed_us, took), r->proof,
            *r->proof ? ", " : "", r->route);
    if (r->rows_rejected) {
        fprintf(stderr, ", %s rejected", lt_human_count(r->rows_rejected, rejected));
    }
    if (r->rows_resumed) {
        fprintf(stderr, ", %s of them by an earlier run",
                lt_human_count(r->rows_resumed, rejected));
    }
    print_counts(r);
    print_losses(r);
    if (*r->drift) {
        fprintf(stderr, "; %s", r->drift);
    }
    if (*r->resolution) {
        fprintf(stderr, "; compared %s", r->resolution);
    }
    if (*r->watermark_after) {
        fprintf(stderr, "; up to %s", r->watermark_after);
    }
    fputc('\n', stderr);
}
