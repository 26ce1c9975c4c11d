/* How far the deltas of one source have come in one destination stream: a row of its state, whose
 * key is bound to the source, so that several sources of one stream are kept apart. */
#ifndef LT_WATERMARK_H
#define LT_WATERMARK_H

#include "engine/cursor.h"
#include "engine/run.h"

struct lt_watermark {
    char *key;                /* in the stream's state */
    char *value;              /* as it stands there; NULL: none */
    struct lt_cursor_row row; /* all records up to it are there; not set: none */
    char *mark;               /* of a source without cursors; NULL: none */
};

/* The key of a job's watermark: its source, and the condition its records are chosen by.
 * malloc'ed, NULL without memory. */
char *lt_watermark_key(const struct lt_run *run, const struct lt_job *job);
/* Reads the one of that key. [usage] when it was kept for another cursor. `cursor` NULL: a mark is expected.
 * LEAT_UNSUPPORTED where the destination keeps no state. */
int lt_watermark_read(struct lt_side *dest, const struct leat_stream_name *stream, const char *key,
                      const struct lt_cursor *cursor, struct lt_watermark *ret_watermark,
                      struct leat_error *err);
void lt_watermark_done(struct lt_watermark *watermark);
/* What is to stand there for a row, or a mark; malloc'ed. */
int lt_watermark_print(const struct lt_cursor *cursor, const struct lt_cursor_row *row,
                       char **ret_value, struct leat_error *err);
int lt_watermark_print_mark(const char *mark, char **ret_value, struct leat_error *err);

#endif
