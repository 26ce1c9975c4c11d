/* Names of a directory's files: flat or in directories of partitions. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "core/banned.h"

#define LOAD_ID_LEN 16 /* of the load's id in names: time and some chance */
#define PARTITIONS_MAX FC_HIVE_DEPTH_MAX

static const struct {
    const char *word, *name; /* what it is called, and its directories where no name was given */
    enum fc_unit unit;
} units[] = {{"hour", "hour", FC_HOUR},
             {"day", "dt", FC_DAY},
             {"month", "month", FC_MONTH},
             {"year", "year", FC_YEAR}};

/* --- --partition-by ------------------------------------------------------------------------ */

static int check_partition(const struct fc_stream *stream, const struct fc_partition *partition,
                           struct leat_error *err)
{
    const struct ArrowSchema *field = stream->schema.children[partition->column];
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    bool time = type.id == LT_DATE32 || type.id == LT_DATE64 || type.id == LT_TIMESTAMP;
    bool date = type.id == LT_DATE32 || type.id == LT_DATE64;
    if (!status && partition->unit && (!time || (date && partition->unit == FC_HOUR))) {
        status = lt_fail(err, LT_E_INVALID,
                         "only dates and timestamps have days and months, and "
                         "only timestamps hours");
    } else if (!status && !partition->unit && lt_type_is_nested(type.id)) {
        status = lt_fail(err, LT_E_INVALID, "a nested value cannot name a directory");
    }
    for (size_t i = 0; i < stream->n_partitions && !status; i++) {
        if (!strcmp(stream->partitions[i].name, partition->name)) {
            status = lt_fail(err, LT_E_INVALID, "two directories are to be named \"%s\"",
                             partition->name);
        }
    }
    int64_t other = partition->unit ? lt_schema_find(&stream->schema, partition->name) : -1;
    if (!status && other >= 0) {
        status = lt_fail(err, LT_E_INVALID, "the directories would be named like the column \"%s\"",
                         partition->name);
        leat_error_remedy(err, "--partition-by NAME=COLUMN:UNIT names them otherwise");
    }
    return status;
}

/* "[NAME=]COLUMN[:UNIT]", taken apart in place. */
static int add_partition(struct fc_stream *stream, char *text, struct leat_error *err)
{
    struct fc_partition partition = {.unit = FC_VALUE};
    char *equals = strchr(text, '='), *colon = strrchr(text, ':');
    const char *column = equals ? equals + 1 : text, *name = equals ? text : NULL;
    for (size_t i = 0; colon && i < LT_ARRAY_LEN(units); i++) {
        if (!strcasecmp(colon + 1, units[i].word)) {
            partition.unit = units[i].unit;
            name = name ? name : units[i].name;
            *colon = 0;
            break;
        }
    }
    if (equals) {
        *equals = 0;
    }
    int status = lt_fc_find_column(&stream->schema, column, &partition.column, err);
    partition.name = status ? NULL : lt_strdup(name ? name : column);
    if (!status && !partition.name) {
        status = lt_fail_oom(err);
    }
    status = status ? status : check_partition(stream, &partition, err);
    if (status) {
        free(partition.name);
        leat_error_place(err, "--partition-by %s", column);
        return status;
    }
    stream->partitions[stream->n_partitions++] = partition;
    return LEAT_OK;
}

static int add_partitions(struct fc_stream *stream, const char *list, struct leat_error *err)
{
    char *copy = lt_strdup(list), *save = NULL;
    stream->partitions = calloc(PARTITIONS_MAX, sizeof *stream->partitions);
    int status = copy && stream->partitions ? LEAT_OK : lt_fail_oom(err);
    for (char *word = status ? NULL : strtok_r(copy, ",", &save); word && !status;
         word = strtok_r(NULL, ",", &save)) {
        status =
            stream->n_partitions == PARTITIONS_MAX
                ? lt_fail(err, LT_E_LIMIT, "--partition-by takes up to %d columns", PARTITIONS_MAX)
                : add_partition(stream, word, err);
    }
    size_t dropped = 0;
    for (size_t i = 0; i < stream->n_partitions; i++) {
        dropped += !stream->partitions[i].unit;
    }
    if (!status && dropped && (int64_t)dropped == stream->schema.n_children) {
        status = lt_fail(err, LT_E_INVALID, "--partition-by leaves no column for the files");
    }
    free(copy);
    return status;
}

/* A path is no template: a file with such a name is hardly what is meant. */
static int refuse_template(const struct leat_endpoint *ep, struct leat_error *err)
{
    static const char *const words[] = {"{namespace}", "{stream}", "{date}", "{time}", "{run_id}"};
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (strstr(ep->path, words[i])) {
            int rc = lt_fail(err, LT_E_USAGE, "a path is no template: %s stays as it is", words[i]);
            leat_error_remedy(err, "name a directory (with a / behind it) and its files by "
                                   "--file-name, or its streams as in DIR/#{namespace}_{stream}");
            return rc;
        }
    }
    return LEAT_OK;
}

int lt_fc_layout(struct leat_endpoint *ep, const struct leat_write_plan *want,
                 struct fc_stream *stream, struct leat_error *err)
{
    const char *layout = lt_fc_param(ep, want->params, want->n_params, "layout");
    const char *by = lt_fc_param(ep, want->params, want->n_params, "partition-by");
    const char *name = lt_fc_param(ep, want->params, want->n_params, "file-name");
    bool flat = layout && !strcmp(layout, "flat");
    int refused = refuse_template(ep, err);
    if (refused) {
        return refused;
    }
    if (ep->kind != FC_DIRECTORY) {
        bool any = by || name || (layout && !flat);
        if (any) {
            lt_fail(err, LT_E_INVALID, "only a directory has a layout");
            leat_error_remedy(err, "end the path in /");
        }
        return any ? LEAT_INVALID : LEAT_OK;
    }
    if (by && flat) {
        return lt_fail(err, LT_E_INVALID, "--partition-by needs --layout hive");
    }
    if (name && (strchr(name, '/') || *name == '.' || *name == '_' || !strstr(name, "{load}"))) {
        int status =
            lt_fail(err, LT_E_INVALID, "--file-name is a name without /, that holds {load}");
        leat_error_remedy(err, "for example {stream}-{date}T{time}-{load}-{n}");
        return status;
    }
    stream->hive = by || (layout && !flat);
    if (name) {
        stream->name_template = lt_strdup(name);
        if (!stream->name_template) {
            return lt_fail_oom(err);
        }
    }
    return by ? add_partitions(stream, by, err) : LEAT_OK;
}

/* --- names --------------------------------------------------------------------------------- */

/* The time in the load's id: 48 bits of milliseconds come first. */
static void load_time(const char *load_id, struct tm *tm)
{
    char text[13];
    memcpy(text, load_id, 12);
    text[12] = 0;
    time_t seconds = (time_t)(strtoll(text, NULL, 16) / 1000);
    if (!gmtime_r(&seconds, tm)) {
        *tm = (struct tm){.tm_mday = 1};
    }
}

static int put_word(const struct leat_load *load, const struct fc_stream *stream, const char *word,
                    size_t len, size_t n, struct lt_buf *out)
{
    struct tm tm;
    char text[32];
    load_time(load->want->load_id, &tm);
    if (len == 6 && !memcmp(word, "stream", len)) {
        return lt_buf_puts(out, stream->lock_name);
    }
    if (len == 4 && !memcmp(word, "load", len)) {
        return lt_buf_puts(out, load->want->load_id);
    }
    if (len == 1 && *word == 'n') {
        return lt_buf_printf(out, "%06zu", n + 1);
    }
    bool date = len == 4 && !memcmp(word, "date", len);
    if (date || (len == 4 && !memcmp(word, "time", len))) {
        strftime(text, sizeof text, date ? "%Y%m%d" : "%H%M%S", &tm);
        return lt_buf_puts(out, text);
    }
    return lt_buf_printf(out, "{%.*s}", (int)len, word);
}

static int put_template(const struct leat_load *load, const struct fc_stream *stream, size_t n,
                        struct lt_buf *out)
{
    int failed = LEAT_OK;
    for (const char *at = stream->name_template; *at && !failed;) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (end) {
            failed = put_word(load, stream, at + 1, (size_t)(end - at - 1), n, out);
            at = end + 1;
        } else {
            failed = lt_buf_byte(out, (uint8_t)*at++);
        }
    }
    return failed;
}

char *lt_fc_final_name(const struct leat_load *load, const struct fc_stream *stream,
                       const char *within, size_t n, bool beside)
{
    struct lt_buf out = LT_BUF_INIT;
    int failed = stream->hive ? lt_buf_printf(&out, "%s/%s", stream->lock_name, within) : LEAT_OK;
    if (stream->name_template) {
        failed |= put_template(load, stream, n, &out);
        bool numbered = strstr(stream->name_template, "{n}");
        failed |= numbered || !n ? LEAT_OK : lt_buf_printf(&out, "-%06zu", n + 1);
    } else if (stream->hive) {
        failed |= lt_buf_printf(&out, "part-%.*s-%04zu", LOAD_ID_LEN, load->want->load_id, n);
    } else {
        failed |= lt_buf_puts(&out, stream->lock_name);
        failed |= beside ? lt_buf_printf(&out, "-%.*s", LOAD_ID_LEN, load->want->load_id) : LEAT_OK;
    }
    failed |= lt_buf_puts(&out, stream->ending);
    char *name = failed ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    return name;
}
