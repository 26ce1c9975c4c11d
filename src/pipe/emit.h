/* Documents written: YAML as people write it, or JSON, both indented. */
#ifndef LT_PIPE_EMIT_H
#define LT_PIPE_EMIT_H

#include "core/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define LT_EMIT_DEPTH_MAX 32

/* Zero-initialise but for `out` and `json`. Errors stick: look at `failed` once at the end. */
struct lt_emit {
    struct lt_buf *out;
    bool json;
    int failed, depth;
    bool after_key;
    struct {
        bool map, any, after_key, in_list;
        int indent;
    } levels[LT_EMIT_DEPTH_MAX];
};

void lt_emit_map(struct lt_emit *emit);
void lt_emit_list(struct lt_emit *emit);
void lt_emit_end(struct lt_emit *emit); /* of the map or list begun last */
void lt_emit_key(struct lt_emit *emit, const char *key);
void lt_emit_text(struct lt_emit *emit, const char *text);
/* A number, true, false: as it stands, without quotes. */
void lt_emit_word(struct lt_emit *emit, const char *word);
/* Key and text. */
void lt_emit_pair(struct lt_emit *emit, const char *key, const char *text);
/* A line "# text" of YAML, at the top only; nothing in JSON. */
void lt_emit_comment(struct lt_emit *emit, const char *text);

/* What was written, malloc'ed; the buffer is empty then. rc: what went wrong before, which is returned. */
int lt_emit_take(struct lt_emit *emit, int rc, char **ret_text, struct leat_error *err);
/* Appends a text of a document in which ${ is no variable, unless a connection reads it later. */
int lt_emit_escaped(struct lt_buf *out, const char *text);

#endif
