/* Writing JSON straight into a buffer. */
#ifndef LT_JSON_H
#define LT_JSON_H

#include "core/buf.h"

#include <stdbool.h>

/* A comma-and-nesting writer. Zero-initialise, set out. Errors stick: check `failed` once at the
 * end (LEAT_OK or LEAT_NO_MEMORY). Nesting at most LT_JSON_DEPTH_MAX. */
#define LT_JSON_DEPTH_MAX 64

struct lt_json {
    struct lt_buf *out;
    int failed;
    int depth;
    uint64_t comma; /* bit d: level d already holds an element */
    bool after_key;
};

void lt_json_object(struct lt_json *json);
void lt_json_object_end(struct lt_json *json);
void lt_json_array(struct lt_json *json);
void lt_json_array_end(struct lt_json *json);
void lt_json_key(struct lt_json *json, const char *key);
void lt_json_text(struct lt_json *json, const char *text); /* NULL writes null */
void lt_json_text_n(struct lt_json *json, const char *text, size_t len);
void lt_json_int(struct lt_json *json, int64_t value);
void lt_json_double(struct lt_json *json, double value); /* NaN and infinities as strings */
void lt_json_bool(struct lt_json *json, bool value);
void lt_json_null(struct lt_json *json);
void lt_json_raw(struct lt_json *json, const char *text, size_t len); /* already JSON */

/* Appends one JSON string literal with its quotes; input must be UTF-8. */
int lt_json_quote(struct lt_buf *out, const char *text, size_t len);

#endif
