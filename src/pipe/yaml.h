/* Documents as a tree of nodes that know where they stand: YAML, and JSON, which is read by the same.
 * The one seam to libyaml, which is loaded when first used.
 *
 * A document is bounded: LT_YAML_BYTES_MAX of text, LT_YAML_DEPTH_MAX levels, and, with every alias
 * counted as often as it is used, LT_YAML_WEIGHT_MAX of nodes and text; so a reader may walk the tree
 * as if nothing in it were shared. Refused, with line and column: text that is not UTF-8, NUL (also
 * as an escape), duplicate keys, keys that are lists or maps, a second document, unknown tags, an
 * alias of nothing or of what it is in. */
#ifndef LT_PIPE_YAML_H
#define LT_PIPE_YAML_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LT_YAML_BYTES_MAX ((size_t)16 << 20)
#define LT_YAML_DEPTH_MAX 64
/* Of nodes (64 each) and their text. */
#define LT_YAML_WEIGHT_MAX ((size_t)64 << 20)

enum lt_yaml_kind { LT_YAML_SCALAR, LT_YAML_LIST, LT_YAML_MAP };

/* Borrowed from its document. Anchors are shared: one node may be met several times. */
struct lt_yaml_node {
    enum lt_yaml_kind kind;
    int32_t line, column; /* from 1; the column in characters */
    const char *file;     /* as given to lt_yaml_parse() */
    size_t weight;        /* of it and everything in it */
    /* A scalar's text without quotes, NUL-terminated UTF-8. `quoted`: in quotes, as a block or with
     * the tag !!str, so that it is text whatever it looks like. */
    char *text;
    size_t len;
    bool quoted;
    /* A list's items; a map's values and, beside them, its keys, which are scalars. In the order of
     * the document; what a merge key (<<) brought in comes last. */
    size_t n;
    struct lt_yaml_node **keys, **items;
};

struct lt_yaml;

/* How many bytes there are at p, of valid UTF-8, of a character that YAML has only as an escape or
 * takes for the end of a line: DEL, the second block of controls, U+2028, U+2029, U+FEFF, U+FFFE and
 * U+FFFF; and its number. 0: none. */
size_t lt_yaml_special_at(const char *p, unsigned *ret_code);

struct lt_yaml_place {
    int64_t line, column; /* from 1 */
};

/* Parses a document; `file` is its name in messages. An empty one is a null scalar. [invalid] with
 * "file:line:column" as its place, which is also in *ret_fault (may be NULL; line 0: not of the
 * text, such as without memory). */
int lt_yaml_parse(const char *file, const char *text, size_t len, struct lt_yaml **ret_yaml,
                  struct lt_yaml_place *ret_fault, struct leat_error *err);
/* The same of a file, or of standard input: "-". */
int lt_yaml_read(const char *path, struct lt_yaml **ret_yaml, struct lt_yaml_place *ret_fault,
                 struct leat_error *err);
void lt_yaml_free(struct lt_yaml *yaml); /* NULL is fine */
/* Appends all of such a file's text; of one that is too large a byte more than LT_YAML_BYTES_MAX. */
struct lt_buf;
int lt_yaml_load(const char *path, struct lt_buf *out, struct leat_error *err);

const struct lt_yaml_node *lt_yaml_root(const struct lt_yaml *yaml);

/* The value of a key of a map, or NULL; NULL and other nodes have none. */
const struct lt_yaml_node *lt_yaml_get(const struct lt_yaml_node *node, const char *key);
/* A scalar without quotes that is empty, ~ or null. NULL is null too. */
bool lt_yaml_is_null(const struct lt_yaml_node *node);
/* A scalar's text; NULL for what is not a scalar, or null. */
const char *lt_yaml_text(const struct lt_yaml_node *node);
/* Whether it is a scalar without quotes that says true, yes, on, false, no or off. */
bool lt_yaml_bool(const struct lt_yaml_node *node, bool *ret_value);
/* Whether it is a scalar without quotes that is a whole number. */
bool lt_yaml_int(const struct lt_yaml_node *node, int64_t *ret_value);

#endif
