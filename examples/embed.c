/* A program that embeds leat: copies SRC to DST, then reads DST back as an Arrow stream and counts
 * its rows. Built against the installed library:
 *
 *     cc embed.c -o embed $(pkg-config --cflags --libs leat)
 *     ./embed orders.csv sqlite:shop.db#orders */
#include <inttypes.h>
#include <leat/leat.h>
#include <stdio.h>

static int copy(struct leat *leat, const char *from, const char *to, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    struct leat_report *report = NULL;
    int status = leat_plan_new(leat, &plan, err);
    if (!status) {
        status = leat_plan_source(plan, from, err);
    }
    if (!status) {
        status = leat_plan_destination(plan, to, err);
    }
    if (!status) {
        status = leat_plan_set(plan, "replace", "true", err);
    }
    if (!status) {
        status = leat_run(plan, NULL, &report, err);
    }
    for (size_t i = 0; !status && i < leat_report_count(report); i++) {
        const struct leat_stream_result *result = leat_report_result(report, i);
        printf("%s: %" PRId64 " rows, %s\n", result->source, result->rows_written, result->proof);
    }
    leat_report_free(report);
    leat_plan_free(plan);
    return status;
}

static int count(struct leat *leat, const char *location, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    struct ArrowArrayStream stream = {0};
    struct ArrowArray batch = {0};
    int64_t rows = 0;
    int status = leat_plan_new(leat, &plan, err);
    if (!status) {
        status = leat_plan_source(plan, location, err);
    }
    if (!status) {
        status = leat_read(plan, &stream, err);
    }
    while (!status) {
        if (stream.get_next(&stream, &batch)) {
            const char *why = stream.get_last_error(&stream);
            status = leat_fail(err, LEAT_BAD_DATA, "%s", why ? why : "the read failed");
            break;
        }
        if (!batch.release) {
            break;
        }
        rows += batch.length;
        batch.release(&batch);
    }
    if (!status) {
        printf("read back: %" PRId64 " rows\n", rows);
    }
    if (stream.release) {
        stream.release(&stream);
    }
    leat_plan_free(plan);
    return status;
}

int main(int argc, char **argv)
{
    struct leat *leat = NULL;
    struct leat_error *err = leat_error_new();
    if (argc != 3 || !err) {
        fprintf(stderr, "usage: embed SRC DST\n");
        leat_error_free(err);
        return 2;
    }
    int status = leat_new(&leat, err);
    if (!status) {
        status = copy(leat, argv[1], argv[2], err);
    }
    if (!status) {
        status = count(leat, argv[2], err);
    }
    if (status) {
        fprintf(stderr, "embed: [%s] %s: %s\n", err->code, err->place, err->message);
    }
    leat_free(leat);
    leat_error_free(err);
    return status ? 1 : 0;
}
