/* The CSV format: its row in the table of formats. */
#include "formats/csv/csv.h"

#include "core/util.h"

/* Text that is neither JSON nor binary: CSV cannot be told from other text for certain, so this
 * format is asked last. */
static bool sniff(const uint8_t *data, size_t len)
{
    if (len >= 4 &&
        ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff))) {
        return true; /* the byte order mark of UTF-16 */
    }
    size_t valid = lt_utf8_valid_prefix(data, len);
    /* The last character may be cut. */
    if (!len || len - valid > 3 || memchr(data, 0, len)) {
        return false;
    }
    size_t i = len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (i < len && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n')) {
        i++;
    }
    return i < len && data[i] != '{' && data[i] != '[';
}

static const char *refuses(const struct ArrowSchema *field)
{
    struct lt_type type;
    return lt_type_of(field, &type, NULL) ? "a type leat has no text form for" : NULL;
}

static const char *const extensions[] = {"csv", "tsv", NULL};

const struct lt_format lt_format_csv = {
    .name = "csv",
    .summary = "Delimited text of any dialect, types inferred when read",
    .extensions = extensions,
    .read_options = lt_csv_read_options,
    .write_options = lt_csv_write_options,
    .binary = false,
    .sniff = sniff,
    .read_open = lt_csv_read_open,
    .read_schema = lt_text_read_schema,
    .read_next = lt_csv_read_next,
    .read_close = lt_csv_read_close,
    .read_retype = lt_csv_read_retype,
    .read_explain = lt_csv_read_explain,
    .refuses = refuses,
    .write_open = lt_csv_write_open,
    .write_batch = lt_csv_write_batch,
    .write_finish = lt_csv_write_finish,
    .write_close = lt_csv_write_close,
    .types_in = lt_csv_types_in,
    .types_out = lt_csv_types_out,
};
