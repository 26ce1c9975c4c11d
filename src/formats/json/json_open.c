/* Opening a JSON Lines reader: options, byte order mark, header, and columns from a sample. The
 * sample's records are kept and are the first to be delivered. */
#include "formats/json/json_reader.h"

#include "columnar/schema.h"
#include "core/util.h"

#include <stdlib.h>
#include <strings.h>

#define SAMPLE_BATCHES 4 /* batches that a sample of given size may fill */

/* --- options ---------------------------------------------------------------------------------- */

static bool is_given(const struct lt_format_options *options, const char *name)
{
    for (size_t i = 0; options && i < options->n_params; i++) {
        if (!strcmp(options->params[i].name, name)) {
            return true;
        }
    }
    return false;
}

static int take_limits(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                       struct leat_error *err)
{
    const struct leat_option *table = lt_jsonl_read_options;
    int status = lt_text_take_limits(&reader->base, options, table, err);
    if (status) {
        return status;
    }
    reader->sample_bytes = LT_JSONL_SAMPLE_BYTES;
    if (is_given(options, "sample-rows")) {
        reader->sample_bytes =
            LT_MAX(reader->sample_bytes, SAMPLE_BATCHES * reader->base.batch_bytes_max);
        reader->sample_bytes = LT_MIN(reader->sample_bytes, LT_TEXT_BATCH_MAX);
    }
    int64_t *record_max = &reader->scan.record_max;
    status = lt_parse_size(lt_format_option(options, table, "record-max"), record_max, err);
    if (!status && (*record_max < 1 || *record_max > LT_JSONL_RECORD_MAX)) {
        status = lt_fail(err, LT_E_INVALID, "--record-max must be below 1 GiB");
    }
    return status;
}

static int take_options(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                        struct leat_error *err)
{
    const struct leat_option *table = lt_jsonl_read_options;
    struct lt_jsonl_scan *scan = &reader->scan;
    int status = lt_format_check_options(options, table, "jsonl", err);
    status = status ? status : take_limits(reader, options, err);
    if (status) {
        return status;
    }
    reader->infer.strings = lt_jsonl_option_on(options, table, "infer-strings");
    reader->infer.nested = lt_jsonl_option_is(options, table, "nested", "struct");
    reader->base64 = lt_jsonl_option_is(options, table, "binary", "base64");
    reader->own_null = lt_jsonl_option_is(options, table, "json-null", "value");
    reader->header_given = lt_jsonl_option_is(options, table, "header", "yes");
    reader->header_auto = lt_jsonl_option_is(options, table, "header", "auto");
    scan->layout = lt_jsonl_option_is(options, table, "json-input", "lines")   ? LT_JSONL_RECORDS
                   : lt_jsonl_option_is(options, table, "json-input", "array") ? LT_JSONL_ARRAY
                                                                               : LT_JSONL_AUTO;
    scan->doubled =
        lt_jsonl_option_is(options, table, "duplicate-keys", "first")  ? LT_JSONL_DOUBLED_FIRST
        : lt_jsonl_option_is(options, table, "duplicate-keys", "last") ? LT_JSONL_DOUBLED_LAST
                                                                       : LT_JSONL_DOUBLED_ERROR;
    scan->ignore = lt_jsonl_option_is(options, table, "unknown-keys", "ignore");
    scan->complete = lt_jsonl_option_is(options, table, "missing", "error");
    scan->resume = reader->base.rejects != NULL;
    return LEAT_OK;
}

/* --- the beginning ---------------------------------------------------------------------------- */

/* Reads enough to recognise a byte order mark, however short the source's own reads are. */
static int read_beginning(struct lt_jsonl_reader *reader, struct leat_error *err)
{
    struct lt_buf *text = &reader->scan.text;
    while (!reader->scan.whole && text->len < 4) {
        int status = lt_jsonl_read_block(reader, err);
        if (status) {
            return status;
        }
    }
    const uint8_t *at = text->data;
    if (text->len >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff))) {
        int status = lt_fail(err, LT_E_INVALID_UTF8, "the file is UTF-16, not UTF-8");
        leat_error_remedy(err, "turn it into UTF-8 first: iconv -f UTF-16 -t UTF-8");
        leat_error_place(err, "%s", reader->base.source->name);
        return status;
    }
    if (text->len >= 3 && !memcmp(at, "\xef\xbb\xbf", 3)) {
        lt_buf_drop(text, 3);
    }
    return LEAT_OK;
}

/* --- a header of arrays ----------------------------------------------------------------------- */

/* Sets *ret_name to the string's text, malloc'ed, or to NULL when it can be no name. */
static int name_of(struct lt_jsonl_reader *reader, const struct lt_jsonl_cell *cell,
                   char **ret_name)
{
    const uint8_t *text = reader->scan.text.data + cell->start + 1;
    size_t len = cell->info & LT_JSONL_LEN;
    const char *why;
    *ret_name = NULL;
    if (text[-1] != '"') {
        return LEAT_OK;
    }
    int status = lt_jsonl_unescape(text, len - 2, &reader->scratch, &why);
    if (status || memchr(lt_buf_text(&reader->scratch), 0, reader->scratch.len)) {
        return status == LEAT_NO_MEMORY ? status : LEAT_OK;
    }
    *ret_name = lt_strndup(lt_buf_text(&reader->scratch), reader->scratch.len);
    return *ret_name ? LEAT_OK : LEAT_NO_MEMORY;
}

/* Reads the names of the first row; *ret_good false when they are no header. */
static int read_names(struct lt_jsonl_reader *reader, char **names, uint32_t n, bool *ret_good,
                      struct leat_error *err)
{
    struct lt_jsonl_keys seen = {.items = NULL};
    int status = LEAT_OK;
    *ret_good = true;
    for (uint32_t i = 0; i < n && !status && *ret_good; i++) {
        if (name_of(reader, lt_jsonl_scan_cell(&reader->scan, i), &names[i])) {
            status = lt_fail_oom(err);
        } else if (!names[i]) {
            *ret_good = false;
            lt_fail(err, LT_E_CORRUPT, "value %u of the header is not the name of a column", i + 1);
        } else if (lt_jsonl_keys_find(&seen, names[i], strlen(names[i])) != LT_JSONL_NONE) {
            *ret_good = false;
            lt_fail(err, LT_E_DUPLICATE_COLUMN, "the header has the name \"%.*s\" twice",
                    lt_text_shown(names[i], strlen(names[i])), names[i]);
        } else if (lt_jsonl_keys_add(&seen, names[i], strlen(names[i])) == LT_JSONL_NONE) {
            status = lt_fail_oom(err);
        }
    }
    lt_jsonl_keys_done(&seen);
    return status;
}

/* Names the columns by the first row, and drops it. */
static int take_names(struct lt_jsonl_reader *reader, char **names, uint32_t n)
{
    struct lt_jsonl_keys *keys = &reader->scan.keys;
    lt_jsonl_keys_truncate(keys, 0);
    for (uint32_t i = 0; i < n; i++) {
        if (lt_jsonl_keys_add(keys, names[i], strlen(names[i])) == LT_JSONL_NONE) {
            return LEAT_NO_MEMORY;
        }
    }
    lt_jsonl_scan_compact(&reader->scan);
    reader->scan.closed = true;
    return LEAT_OK;
}

static int read_header(struct lt_jsonl_reader *reader, struct leat_error *err)
{
    bool good = false;
    int status = lt_jsonl_fill(reader, 1, INT64_MAX, err);
    if (status || !lt_jsonl_scan_rows(&reader->scan) || !reader->scan.arrays) {
        return status;
    }
    const struct lt_jsonl_row *row = lt_jsonl_scan_row(&reader->scan, 0);
    char **names = calloc((size_t)row->n + 1, sizeof *names);
    if (!names) {
        return lt_fail_oom(err);
    }
    uint32_t n = row->n;
    struct leat_error why;
    leat_error_clear(&why);
    status = read_names(reader, names, n, &good, &why);
    if (!status && good) {
        status = take_names(reader, names, n) ? lt_fail_oom(&why) : LEAT_OK;
    } else if (!status && reader->header_given) {
        status = why.status;
        lt_text_place_line(&reader->base, row->record.line, why.place, sizeof why.place);
        leat_error_remedy(&why, "read it with --header no");
    }
    if (status && err) {
        *err = why;
    }
    for (uint32_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
    return status;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_reader(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                       struct leat_error *err)
{
    int status = take_options(reader, options, err);
    status = status ? status : read_beginning(reader, err);
    if (!status && (reader->header_given || reader->header_auto)) {
        status = read_header(reader, err);
    }
    if (!status) {
        status =
            lt_jsonl_fill(reader, LT_MAX(reader->base.sample_rows, 1), reader->sample_bytes, err);
    }
    if (!status && !lt_jsonl_scan_rows(&reader->scan)) {
        status = lt_text_fault(&reader->base, err);
    }
    status = status ? status : lt_jsonl_make_columns(reader, options, err);
    reader->scan.closed = true;
    return status ? status : lt_text_make_builder(&reader->base, err);
}

int lt_jsonl_read_open(struct lt_source *source, const struct lt_format_options *options,
                       struct lt_format_reader **ret_reader, struct leat_error *err)
{
    struct lt_jsonl_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->base = (struct lt_text_reader){.ops = &lt_jsonl_text_ops,
                                           .source = source,
                                           .text = &reader->scan.text,
                                           .rows = &reader->scan.rows,
                                           .row_size = sizeof(struct lt_jsonl_row),
                                           .row_cost = &reader->scan.row_cost};
    reader->block = LT_JSONL_FIRST_BLOCK;
    lt_jsonl_scan_init(&reader->scan);
    int status = open_reader(reader, options, err);
    if (status) {
        lt_jsonl_read_close((struct lt_format_reader *)reader);
        return status;
    }
    *ret_reader = (struct lt_format_reader *)reader;
    return LEAT_OK;
}

int lt_jsonl_read_retype(struct lt_format_reader *format_reader, const struct ArrowSchema *types,
                         struct leat_error *err)
{
    struct lt_jsonl_reader *reader = (struct lt_jsonl_reader *)format_reader;
    int status = LEAT_OK;
    for (int64_t i = 0; i < reader->base.schema.n_children && !status; i++) {
        bool set = false;
        if (!reader->columns[i].given) {
            status = lt_text_retype(&reader->base, i, types, &set, err);
        }
        reader->columns[i].told = reader->columns[i].told || set;
    }
    return status ? status : lt_text_make_builder(&reader->base, err);
}

const char *lt_jsonl_no_append(struct lt_format_reader *format_reader,
                               const struct lt_format_options *writing)
{
    const struct lt_jsonl_scan *scan = &((struct lt_jsonl_reader *)format_reader)->scan;
    if (scan->state == LT_JSONL_BEGIN) {
        return NULL;
    }
    if (scan->state != LT_JSONL_BETWEEN) {
        return "nothing can stand behind the array around all records";
    }
    if (scan->arrays) {
        return "the records of the file are arrays, and objects are what is written";
    }
    return lt_jsonl_option_is(writing, lt_jsonl_write_options, "json-layout", "array")
               ? "an array of records cannot stand behind other records"
               : NULL;
}

void lt_jsonl_read_close(struct lt_format_reader *format_reader)
{
    struct lt_jsonl_reader *reader = (struct lt_jsonl_reader *)format_reader;
    if (!reader) {
        return;
    }
    lt_jsonl_scan_done(&reader->scan);
    lt_text_reader_done(&reader->base);
    lt_buf_done(&reader->slots);
    lt_buf_done(&reader->scratch);
    free(reader->columns);
    free(reader);
}
