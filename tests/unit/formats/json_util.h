/* What the JSON tests share, beside text_util.h: reading with everything that may be said of it. */
#ifndef LT_TEST_JSON_UTIL_H
#define LT_TEST_JSON_UTIL_H

#define TEST_FORMAT "jsonl"
#define TEST_FILE "orders.jsonl"
#include "text_util.h"

/* Keeps "orders.jsonl:3 [code] reason: record\n" in the dump. */
static inline int keep_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct dump *dump = arg;
    (void)err;
    return lt_buf_printf(&dump->rejects, "%s [%s] %s: %.*s\n", reject->place, reject->code,
                         reject->reason, (int)reject->record_len, reject->record);
}

/* How a text is to be read; all may be left out. */
struct how {
    const char *const *pairs;
    size_t step;       /* bytes a read; 0: all */
    bool rejects;      /* set bad records aside */
    int64_t rows_max;  /* of a batch */
    int64_t bytes_max; /* of a batch */
    const struct ArrowSchema *schema;
    bool schema_whole;
};

static inline void read_bytes(const void *text, size_t len, struct how how, struct dump *dump)
{
    struct leat_reject_sink sink = {sizeof sink, dump, keep_reject};
    struct lt_format_options options = {.schema = how.schema,
                                        .schema_whole = how.schema_whole,
                                        .batch_rows_max = how.rows_max,
                                        .batch_bytes_max = how.bytes_max,
                                        .rejects = how.rejects ? &sink : NULL};
    read_text_len(text, len, how.step, &options, how.pairs, dump);
}

#endif
