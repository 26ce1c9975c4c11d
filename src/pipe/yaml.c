/* See yaml.h. Events of libyaml's parser are put together here, for its own composer keeps no
 * columns of merged keys, and bounds nothing. */
#include "pipe/yaml_tree.h"

#include "core/codes.h"
#include "core/library.h"
#include "core/util.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/banned.h"

#define LIBYAML_MAP(X)                                                                             \
    X(yaml_parser_initialize)                                                                      \
    X(yaml_parser_delete)                                                                          \
    X(yaml_parser_set_input_string)                                                                \
    X(yaml_parser_set_encoding)                                                                    \
    X(yaml_parser_parse)                                                                           \
    X(yaml_event_delete)

static struct {
    LIBYAML_MAP(LT_LIBRARY_MEMBER)
} libyaml;
static const char *const libyaml_names[] = {LIBYAML_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library library =
    LT_LIBRARY("libyaml-0", "2", "libyaml-0-2", libyaml_names, libyaml);
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void load_library(void)
{
    lt_library_load(&library);
}

/* --- events --------------------------------------------------------------------------------- */

static struct lt_yaml_place place_of(const yaml_mark_t *mark)
{
    return (struct lt_yaml_place){(int64_t)mark->line + 1, (int64_t)mark->column + 1};
}

/* Tags that say what a plain node is anyway. */
static int check_tag(struct lt_yaml_reader *r, const yaml_event_t *event, const yaml_char_t *tag,
                     bool *ret_text)
{
    static const char *const known[] = {"str", "int", "float", "bool", "null", "map", "seq"};
    static const char prefix[] = "tag:yaml.org,2002:";
    *ret_text = false;
    if (!tag || !strcmp((const char *)tag, "!")) {
        *ret_text = tag != NULL;
        return LEAT_OK;
    }
    const char *name = (const char *)tag;
    if (!strncmp(name, prefix, sizeof prefix - 1)) {
        for (size_t i = 0; i < LT_ARRAY_LEN(known); i++) {
            if (!strcmp(name + sizeof prefix - 1, known[i])) {
                *ret_text = i == 0;
                return LEAT_OK;
            }
        }
    }
    return lt_yaml_fault_at(r, place_of(&event->start_mark), "the tag %.100s is not known here",
                            name);
}

static int on_scalar(struct lt_yaml_reader *r, const yaml_event_t *event)
{
    const yaml_char_t *value = event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool text = false;
    int rc = check_tag(r, event, event->data.scalar.tag, &text);
    struct lt_yaml_node *node =
        rc ? NULL : lt_yaml_node_new(r, LT_YAML_SCALAR, place_of(&event->start_mark));
    if (!node) {
        return rc ? rc : LEAT_NO_MEMORY;
    }
    if (memchr(value, 0, len)) {
        return lt_yaml_fault_in(r, node, "a text holds the character NUL");
    }
    node->text = lt_strndup((const char *)value, len);
    if (!node->text) {
        return lt_fail_oom(r->err);
    }
    node->len = len;
    node->weight += len;
    node->quoted = text || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    rc = lt_yaml_anchor_set(r, (const char *)event->data.scalar.anchor, node);
    return rc ? rc : lt_yaml_put(r, node);
}

static int on_start(struct lt_yaml_reader *r, const yaml_event_t *event, enum lt_yaml_kind kind,
                    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    bool text;
    int rc = check_tag(r, event, tag, &text);
    if (!rc && r->depth == LT_YAML_DEPTH_MAX) {
        rc = lt_yaml_fault_at(r, place_of(&event->start_mark),
                              "lists and maps lie more than %d deep in each other",
                              LT_YAML_DEPTH_MAX);
    }
    struct lt_yaml_node *node = rc ? NULL : lt_yaml_node_new(r, kind, place_of(&event->start_mark));
    if (!node) {
        return rc ? rc : LEAT_NO_MEMORY;
    }
    r->stack[r->depth++] = (struct lt_yaml_frame){.node = node, .anchored = anchor != NULL};
    return lt_yaml_anchor_set(r, (const char *)anchor, node);
}

static int on_end(struct lt_yaml_reader *r)
{
    struct lt_yaml_frame *f = &r->stack[r->depth - 1];
    struct lt_yaml_node *node = f->node;
    int rc = node->kind == LT_YAML_MAP ? lt_yaml_map_finish(r, f) : LEAT_OK;
    if (!rc) {
        r->depth--;
        if (f->anchored) {
            lt_yaml_anchors_close(r, node);
        }
        rc = lt_yaml_put(r, node);
    }
    return rc;
}

static int on_alias(struct lt_yaml_reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct lt_yaml_anchor *anchor = lt_yaml_anchor_find(r, name);
    if (anchor && !anchor->open) {
        return lt_yaml_put(r, anchor->node);
    }
    return lt_yaml_fault_at(r, place_of(&event->start_mark),
                            anchor ? "the alias *%.100s stands for what it is itself in"
                                   : "the alias *%.100s has no anchor before it",
                            name);
}

static int on_event(struct lt_yaml_reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, event, LT_YAML_LIST, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, event, LT_YAML_MAP, event->data.mapping_start.anchor,
                        event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r);
    case YAML_ALIAS_EVENT:
        return on_alias(r, event);
    case YAML_DOCUMENT_START_EVENT:
        return r->yaml->root ? lt_yaml_fault_at(r, place_of(&event->start_mark),
                                                "a second document begins here; one is read")
                             : LEAT_OK;
    default:
        return LEAT_OK;
    }
}

/* --- parsing -------------------------------------------------------------------------------- */

/* Where a byte of the text stands. */
static int fault_at_byte(struct lt_yaml_reader *r, const char *text, size_t at, const char *message)
{
    struct lt_yaml_place place = {1, 1};
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            place.line++;
            place.column = 1;
        } else {
            place.column += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
    }
    return lt_yaml_fault_at(r, place, "%s", message);
}

static int check_text(struct lt_yaml_reader *r, const char *text, size_t len)
{
    if (len > LT_YAML_BYTES_MAX) {
        return lt_fail(r->err, LT_E_INVALID, "a document has at most %zu MiB",
                       LT_YAML_BYTES_MAX >> 20);
    }
    size_t valid = lt_utf8_valid_prefix(text, len);
    const char *nul = memchr(text, 0, valid);
    if (nul) {
        return fault_at_byte(r, text, (size_t)(nul - text), "the text holds the character NUL");
    }
    return valid < len ? fault_at_byte(r, text, valid, "the text is not UTF-8") : LEAT_OK;
}

static int parser_fault(struct lt_yaml_reader *r, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return lt_fail_oom(r->err);
    }
    /* A fault of bytes has no mark, but they were checked before: only characters such as U+0001
     * are left. */
    bool marked = parser->error != YAML_READER_ERROR;
    const yaml_mark_t *mark = marked ? &parser->problem_mark : &parser->mark;
    return lt_yaml_fault_at(r, place_of(mark), "%s%s%s",
                            parser->problem ? parser->problem : "cannot be read",
                            parser->context ? " " : "", parser->context ? parser->context : "");
}

static int read_events(struct lt_yaml_reader *r, yaml_parser_t *parser)
{
    int rc = LEAT_OK;
    for (bool done = false; !rc && !done;) {
        yaml_event_t event;
        if (!libyaml.yaml_parser_parse(parser, &event)) {
            return parser_fault(r, parser);
        }
        rc = on_event(r, &event);
        done = event.type == YAML_STREAM_END_EVENT;
        libyaml.yaml_event_delete(&event);
    }
    return rc;
}

static int parse(struct lt_yaml_reader *r, const char *text, size_t len)
{
    yaml_parser_t parser;
    int rc = check_text(r, text, len);
    struct lt_buf joined = LT_BUF_INIT;
    if (!rc && (lt_yaml_of_json(text, len, &joined) || !libyaml.yaml_parser_initialize(&parser))) {
        rc = lt_fail_oom(r->err);
    }
    if (!rc) {
        bool other = joined.data != NULL;
        libyaml.yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        libyaml.yaml_parser_set_input_string(&parser, other ? joined.data : (const void *)text,
                                             other ? joined.len : len);
        rc = read_events(r, &parser);
        libyaml.yaml_parser_delete(&parser);
    }
    if (!rc && !r->yaml->root) {
        r->yaml->root = lt_yaml_node_new(r, LT_YAML_SCALAR, (struct lt_yaml_place){1, 1});
        rc = r->yaml->root ? LEAT_OK : LEAT_NO_MEMORY;
        if (!rc && !(r->yaml->root->text = lt_strdup(""))) {
            rc = lt_fail_oom(r->err);
        }
    }
    lt_buf_done(&joined);
    return rc;
}

int lt_yaml_parse(const char *file, const char *text, size_t len, struct lt_yaml **ret_yaml,
                  struct lt_yaml_place *ret_fault, struct leat_error *err)
{
    pthread_once(&library_once, load_library);
    int rc = lt_library_check(&library, "YAML", err);
    if (rc) {
        return rc;
    }
    struct lt_yaml_reader *r = calloc(1, sizeof *r);
    struct lt_yaml *yaml = r ? calloc(1, sizeof *yaml) : NULL;
    if (!yaml || !(yaml->file = lt_strdup(file))) {
        free(yaml);
        free(r);
        return lt_fail_oom(err);
    }
    r->yaml = yaml;
    r->err = err;
    rc = parse(r, text, len);
    for (size_t i = 0; i < r->depth; i++) {
        free(r->stack[i].merges);
    }
    for (size_t i = 0; i < r->n_anchors; i++) {
        free(r->anchors[i].name);
    }
    free(r->anchors);
    if (ret_fault) {
        *ret_fault = r->fault;
    }
    free(r);
    if (rc) {
        lt_yaml_free(yaml);
        return rc;
    }
    *ret_yaml = yaml;
    return LEAT_OK;
}
