/* Reading JSON documents: the one seam to jansson. For small documents leat itself wrote
 * (manifests, foreign keys, reports), not for data. */
#ifndef LT_JSON_READ_H
#define LT_JSON_READ_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value inside a document; borrowed from it. NULL stands for "absent" everywhere: every call
 * takes it and answers with absent again, so that a path can be walked without checks. */
struct lt_json_value;
struct lt_json_doc;

/* [corrupt-file] with line and column. Duplicate keys are refused. */
int lt_json_doc_parse(const char *text, size_t len, struct lt_json_doc **ret_doc,
                      struct leat_error *err);
void lt_json_doc_free(struct lt_json_doc *doc);
const struct lt_json_value *lt_json_root(const struct lt_json_doc *doc);

/* Member of an object; element of an array. */
const struct lt_json_value *lt_json_get(const struct lt_json_value *value, const char *key);
const struct lt_json_value *lt_json_at(const struct lt_json_value *value, size_t i);
/* Elements of an array; 0 for anything else. */
size_t lt_json_count(const struct lt_json_value *value);
/* The text of a string, or `fallback`. NUL-terminated UTF-8. */
const char *lt_json_string(const struct lt_json_value *value, const char *fallback);
int64_t lt_json_integer(const struct lt_json_value *value, int64_t fallback);
bool lt_json_boolean(const struct lt_json_value *value, bool fallback);

#endif
