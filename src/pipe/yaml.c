/* See yaml.h. Events of libyaml's parser are put together here, for its own composer keeps no
 * columns of merged keys, and bounds nothing. */
#include "pipe/yaml.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/library.h"
#include "core/util.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
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

#define NODE_WEIGHT 64
/* Each alias looks through them. */
#define ANCHORS_MAX 1000

struct anchor {
    char *name;
    struct lt_yaml_node *node;
    bool open; /* its node is still being read */
};

struct lt_yaml {
    char *file;
    struct lt_yaml_node *root;
    struct lt_yaml_node **nodes; /* each once, to be freed */
    size_t n_nodes, nodes_cap;
};

/* A list or map that is being read. */
struct frame {
    struct lt_yaml_node *node;
    struct lt_yaml_node *key; /* of a map: read, and its value is not */
    struct lt_yaml_node **merges;
    size_t n_merges, items_cap;
    bool anchored;
};

struct reader {
    struct lt_yaml *yaml;
    struct frame stack[LT_YAML_DEPTH_MAX];
    size_t depth;
    struct anchor *anchors;
    size_t n_anchors, anchors_cap;
    struct lt_yaml_place fault;
    struct leat_error *err;
};

/* --- faults --------------------------------------------------------------------------------- */

static int fault_at(struct reader *r, int64_t line, int64_t column, const char *fmt, ...)
    LEAT_PRINTF(4, 5);

static int fault_at(struct reader *r, int64_t line, int64_t column, const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    r->fault = (struct lt_yaml_place){line, column};
    lt_fail(r->err, LT_E_INVALID, "%s", message);
    leat_error_place(r->err, "%s:%lld:%lld", r->yaml->file, (long long)line, (long long)column);
    return LEAT_INVALID;
}

static int fault_in(struct reader *r, const struct lt_yaml_node *node, const char *message)
{
    return fault_at(r, node->line, node->column, "%s", message);
}

/* --- nodes ---------------------------------------------------------------------------------- */

/* An array of pointers that has room for one more; NULL without memory, and then it is as it was. */
static void *grown(void *array, size_t n, size_t *cap, size_t item_size)
{
    if (n < *cap) {
        return array;
    }
    size_t more = *cap ? *cap * 2 : 8;
    void *bigger = realloc(array, more * item_size);
    if (bigger) {
        *cap = more;
    }
    return bigger;
}

static struct lt_yaml_node *new_node(struct reader *r, enum lt_yaml_kind kind,
                                     const yaml_mark_t *mark)
{
    struct lt_yaml *yaml = r->yaml;
    struct lt_yaml_node **nodes =
        grown(yaml->nodes, yaml->n_nodes, &yaml->nodes_cap, sizeof *nodes);
    struct lt_yaml_node *node = nodes ? calloc(1, sizeof *node) : NULL;
    yaml->nodes = nodes ? nodes : yaml->nodes;
    if (!node) {
        lt_fail_oom(r->err);
        return NULL;
    }
    nodes[yaml->n_nodes++] = node;
    node->kind = kind;
    node->line = (int32_t)mark->line + 1;
    node->column = (int32_t)mark->column + 1;
    node->file = yaml->file;
    node->weight = NODE_WEIGHT;
    return node;
}

void lt_yaml_free(struct lt_yaml *yaml)
{
    if (!yaml) {
        return;
    }
    for (size_t i = 0; i < yaml->n_nodes; i++) {
        free(yaml->nodes[i]->text);
        free(yaml->nodes[i]->keys);
        free(yaml->nodes[i]->items);
        free(yaml->nodes[i]);
    }
    free(yaml->nodes);
    free(yaml->file);
    free(yaml);
}

static int add_to_map(struct reader *r, struct frame *f, struct lt_yaml_node *node);

/* Adds a whole node to the list or map at work, or makes it the root. */
static int put(struct reader *r, struct lt_yaml_node *node)
{
    if (!r->depth) {
        r->yaml->root = node;
        return LEAT_OK;
    }
    struct frame *f = &r->stack[r->depth - 1];
    struct lt_yaml_node *to = f->node;
    to->weight += node->weight;
    if (to->weight > LT_YAML_WEIGHT_MAX) {
        return fault_in(r, node, "the document is too large: its aliases stand for too much");
    }
    if (to->kind == LT_YAML_MAP) {
        return add_to_map(r, f, node);
    }
    struct lt_yaml_node **items = grown(to->items, to->n, &f->items_cap, sizeof *items);
    if (!items) {
        return lt_fail_oom(r->err);
    }
    to->items = items;
    to->items[to->n++] = node;
    return LEAT_OK;
}

/* --- maps ----------------------------------------------------------------------------------- */

static bool is_merge_key(const struct lt_yaml_node *key)
{
    return !key->quoted && !strcmp(key->text, "<<");
}

/* Puts `from` into those whose members the map at work takes over. */
static int add_merge(struct reader *r, struct frame *f, struct lt_yaml_node *from)
{
    if (from->kind != LT_YAML_MAP) {
        return fault_in(r, from, "a merge key (<<) takes a map, or a list of maps");
    }
    struct lt_yaml_node **merges = realloc(f->merges, (f->n_merges + 1) * sizeof *merges);
    if (!merges) {
        return lt_fail_oom(r->err);
    }
    f->merges = merges;
    f->merges[f->n_merges++] = from;
    return LEAT_OK;
}

static int put_pair(struct reader *r, struct lt_yaml_node *map, size_t *cap,
                    struct lt_yaml_node *key, struct lt_yaml_node *value)
{
    size_t cap_before = *cap;
    struct lt_yaml_node **items = grown(map->items, map->n, cap, sizeof *items);
    map->items = items ? items : map->items;
    /* Both arrays have the same room. */
    struct lt_yaml_node **keys =
        items && *cap != cap_before ? realloc(map->keys, *cap * sizeof *keys) : map->keys;
    if (!items || !keys) {
        return lt_fail_oom(r->err);
    }
    map->keys = keys;
    map->keys[map->n] = key;
    map->items[map->n++] = value;
    return LEAT_OK;
}

static int add_to_map(struct reader *r, struct frame *f, struct lt_yaml_node *node)
{
    struct lt_yaml_node *key = f->key;
    if (!key) {
        if (node->kind != LT_YAML_SCALAR) {
            return fault_in(r, node, "a key is text, not a list or a map");
        }
        f->key = node;
        return LEAT_OK;
    }
    f->key = NULL;
    if (!is_merge_key(key)) {
        return put_pair(r, f->node, &f->items_cap, key, node);
    }
    if (node->kind != LT_YAML_LIST) {
        return add_merge(r, f, node);
    }
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < node->n; i++) {
        rc = add_merge(r, f, node->items[i]);
    }
    return rc;
}

/* A pair of a map, or of one that is merged into it. */
struct pair {
    struct lt_yaml_node *key, *value;
    size_t order; /* of the document, own ones first */
};

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->key->text, y->key->text);
    return order ? order : x->order < y->order ? -1 : x->order > y->order;
}

static int by_order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Of pairs of one key keeps the first; two of the map's own are a fault. Sorted by key. */
static int without_doubles(struct reader *r, struct pair *pairs, size_t *n, size_t n_own)
{
    struct pair doubled = {NULL, NULL, SIZE_MAX}, first = doubled;
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        bool same = kept && !strcmp(pairs[kept - 1].key->text, pairs[i].key->text);
        if (!same) {
            pairs[kept++] = pairs[i];
        } else if (pairs[i].order < n_own && pairs[i].order < doubled.order) {
            doubled = pairs[i];
            first = pairs[kept - 1];
        }
    }
    *n = kept;
    if (!doubled.key) {
        return LEAT_OK;
    }
    int rc = fault_at(r, doubled.key->line, doubled.key->column,
                      "the key \"%.100s\" stands here a second time; the first is in line %d",
                      doubled.key->text, (int)first.key->line);
    leat_error_remedy(r->err, "leave one of them out");
    return rc;
}

/* Refuses duplicate keys and takes over what merge keys name. */
static int finish_map(struct reader *r, struct frame *f)
{
    struct lt_yaml_node *map = f->node;
    size_t n = map->n, n_own = map->n, at = 0, cap = f->items_cap;
    for (size_t m = 0; m < f->n_merges; m++) {
        n += f->merges[m]->n;
    }
    struct pair *pairs = calloc(n + 1, sizeof *pairs);
    if (!pairs) {
        return lt_fail_oom(r->err);
    }
    for (; at < n_own; at++) {
        pairs[at] = (struct pair){map->keys[at], map->items[at], at};
    }
    for (size_t m = 0; m < f->n_merges; m++) {
        const struct lt_yaml_node *from = f->merges[m];
        for (size_t i = 0; i < from->n; i++, at++) {
            pairs[at] = (struct pair){from->keys[i], from->items[i], at};
        }
    }
    qsort(pairs, n, sizeof *pairs, by_key);
    int rc = without_doubles(r, pairs, &n, n_own);
    if (!rc) {
        qsort(pairs, n, sizeof *pairs, by_order);
    }
    map->n = rc ? map->n : 0;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = put_pair(r, map, &cap, pairs[i].key, pairs[i].value);
    }
    free(pairs);
    free(f->merges);
    f->merges = NULL;
    return rc;
}

/* --- anchors -------------------------------------------------------------------------------- */

static struct anchor *find_anchor(struct reader *r, const char *name)
{
    for (size_t i = r->n_anchors; i-- > 0;) {
        if (!strcmp(r->anchors[i].name, name)) {
            return &r->anchors[i];
        }
    }
    return NULL;
}

static int set_anchor(struct reader *r, const yaml_char_t *name, struct lt_yaml_node *node)
{
    if (!name) {
        return LEAT_OK;
    }
    struct anchor *anchor = find_anchor(r, (const char *)name);
    if (!anchor && r->n_anchors == ANCHORS_MAX) {
        return fault_in(r, node, "the document has too many anchors");
    }
    if (!anchor) {
        struct anchor *anchors = grown(r->anchors, r->n_anchors, &r->anchors_cap, sizeof *anchors);
        char *copy = anchors ? lt_strdup((const char *)name) : NULL;
        r->anchors = anchors ? anchors : r->anchors;
        if (!copy) {
            return lt_fail_oom(r->err);
        }
        anchor = &anchors[r->n_anchors++];
        anchor->name = copy;
    }
    anchor->node = node;
    anchor->open = node->kind != LT_YAML_SCALAR;
    return LEAT_OK;
}

static void close_anchors(struct reader *r, const struct lt_yaml_node *node)
{
    for (size_t i = 0; i < r->n_anchors; i++) {
        r->anchors[i].open &= r->anchors[i].node != node;
    }
}

/* --- events --------------------------------------------------------------------------------- */

/* Tags that say what a plain node is anyway. */
static int check_tag(struct reader *r, const yaml_event_t *event, const yaml_char_t *tag,
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
    return fault_at(r, (int64_t)event->start_mark.line + 1, (int64_t)event->start_mark.column + 1,
                    "the tag %.100s is not known here", name);
}

static int on_scalar(struct reader *r, const yaml_event_t *event)
{
    const yaml_char_t *value = event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool text = false;
    int rc = check_tag(r, event, event->data.scalar.tag, &text);
    struct lt_yaml_node *node = rc ? NULL : new_node(r, LT_YAML_SCALAR, &event->start_mark);
    if (!node) {
        return rc ? rc : LEAT_NO_MEMORY;
    }
    if (memchr(value, 0, len)) {
        return fault_in(r, node, "a text holds the character NUL");
    }
    node->text = lt_strndup((const char *)value, len);
    if (!node->text) {
        return lt_fail_oom(r->err);
    }
    node->len = len;
    node->weight += len;
    node->quoted = text || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    rc = set_anchor(r, event->data.scalar.anchor, node);
    return rc ? rc : put(r, node);
}

static int on_start(struct reader *r, const yaml_event_t *event, enum lt_yaml_kind kind,
                    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    bool text;
    int rc = check_tag(r, event, tag, &text);
    if (!rc && r->depth == LT_YAML_DEPTH_MAX) {
        rc = fault_at(r, (int64_t)event->start_mark.line + 1, (int64_t)event->start_mark.column + 1,
                      "lists and maps lie more than %d deep in each other", LT_YAML_DEPTH_MAX);
    }
    struct lt_yaml_node *node = rc ? NULL : new_node(r, kind, &event->start_mark);
    if (!node) {
        return rc ? rc : LEAT_NO_MEMORY;
    }
    r->stack[r->depth++] = (struct frame){.node = node, .anchored = anchor != NULL};
    return set_anchor(r, anchor, node);
}

static int on_end(struct reader *r)
{
    struct frame *f = &r->stack[r->depth - 1];
    struct lt_yaml_node *node = f->node;
    int rc = node->kind == LT_YAML_MAP ? finish_map(r, f) : LEAT_OK;
    if (!rc) {
        r->depth--;
        if (f->anchored) {
            close_anchors(r, node);
        }
        rc = put(r, node);
    }
    return rc;
}

static int on_alias(struct reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = find_anchor(r, name);
    if (anchor && !anchor->open) {
        return put(r, anchor->node);
    }
    return fault_at(r, (int64_t)event->start_mark.line + 1, (int64_t)event->start_mark.column + 1,
                    anchor ? "the alias *%.100s stands for what it is itself in"
                           : "the alias *%.100s has no anchor before it",
                    name);
}

static int on_event(struct reader *r, const yaml_event_t *event)
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
        return r->yaml->root ? fault_at(r, (int64_t)event->start_mark.line + 1,
                                        (int64_t)event->start_mark.column + 1,
                                        "a second document begins here; one is read")
                             : LEAT_OK;
    default:
        return LEAT_OK;
    }
}

/* --- parsing -------------------------------------------------------------------------------- */

/* Where a byte of the text stands. */
static int fault_at_byte(struct reader *r, const char *text, size_t at, const char *message)
{
    int64_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else {
            column += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
    }
    return fault_at(r, line, column, "%s", message);
}

static int check_text(struct reader *r, const char *text, size_t len)
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

/* The number of an escape \uXXXX; -1: there is none. */
static int32_t escape_at(const char *text, size_t len)
{
    int32_t value = 0;
    if (len < 6 || text[0] != '\\' || text[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        int c = tolower((unsigned char)text[i]);
        if (!isxdigit(c)) {
            return -1;
        }
        value = value << 4 | (isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static bool is_json(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", text[i])) {
        i++;
    }
    return i < len && (text[i] == '{' || text[i] == '[');
}

size_t lt_yaml_special_at(const char *p, unsigned *ret_code)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t len = u[0] == 0x7f                                                     ? 1
                 : u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f                   ? 2
                 : u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9) ? 3
                 : u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf                   ? 3
                 : u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xbe                   ? 3
                                                                                  : 0;
    *ret_code = len == 0   ? 0
                : len == 1 ? 0x7f
                : len == 2 ? u[1]
                           : (unsigned)((u[0] & 0x0f) << 12 | (u[1] & 0x3f) << 6 | (u[2] & 0x3f));
    return len;
}

/* What stands at a backslash of JSON. JSON writes a character beyond U+FFFF as two escapes, which
 * YAML does not know: \uD83D\uDE00 is to it \U0001F600. Returns how much was taken. */
static size_t take_escape(const char *text, size_t len, struct lt_buf *out, int *rc)
{
    int32_t high = escape_at(text, len);
    int32_t low = high >= 0xd800 && high < 0xdc00 ? escape_at(text + 6, len - 6) : -1;
    if (low >= 0xdc00 && low < 0xe000) {
        *rc = lt_buf_printf(out, "\\U%08X",
                            0x10000 + (unsigned)((high & 0x3ff) << 10 | (low & 0x3ff)));
        return 12;
    }
    *rc = lt_buf_append(out, text, LT_MIN(len, 2));
    return LT_MIN(len, 2);
}

/* Such a character as it stands in a JSON string, as an escape: the short ones of YAML for those it
 * would fold as ends of lines, so that columns behind them stay close. */
static int put_special(struct lt_buf *out, unsigned code)
{
    const char *brief = code == 0x85     ? "\\N"
                        : code == 0x2028 ? "\\L"
                        : code == 0x2029 ? "\\P"
                                         : NULL;
    return brief ? lt_buf_puts(out, brief) : lt_buf_printf(out, "\\u%04x", code);
}

/* JSON as YAML reads the same from it. A backslash can stand nowhere but in a string; with a single
 * quote or a # outside of one it is YAML, of which the strings are not known here. */
static int json_to_yaml(struct reader *r, const char *text, size_t len, struct lt_buf *out)
{
    static const char stops[] = {'\\', '"', '\'', '#', 0x7f, '\xc2', '\xe2', '\xef'};
    bool inside = false, strings = true;
    int rc = LEAT_OK;
    if (!is_json(text, len)) {
        return LEAT_OK;
    }
    for (size_t i = 0; !rc && i < len;) {
        size_t run = i;
        while (run < len && !memchr(stops, text[run], sizeof stops)) {
            run++;
        }
        rc = lt_buf_append(out, text + i, run - i);
        i = run;
        if (rc || i == len) {
            break;
        }
        unsigned code;
        size_t special = strings && inside ? lt_yaml_special_at(text + i, &code) : 0;
        if (special) {
            rc = put_special(out, code);
            i += special;
        } else if (text[i] == '\\') {
            i += take_escape(text + i, len - i, out, &rc);
        } else {
            inside = inside != (text[i] == '"');
            strings = strings && (inside || (text[i] != '\'' && text[i] != '#'));
            rc = lt_buf_byte(out, (uint8_t)text[i++]);
        }
    }
    return rc ? lt_fail_oom(r->err) : LEAT_OK;
}

static int parser_fault(struct reader *r, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return lt_fail_oom(r->err);
    }
    /* A fault of bytes has no mark, but they were checked before: only characters such as U+0001
     * are left. */
    bool marked = parser->error != YAML_READER_ERROR;
    const yaml_mark_t *mark = marked ? &parser->problem_mark : &parser->mark;
    return fault_at(r, (int64_t)mark->line + 1, (int64_t)mark->column + 1, "%s%s%s",
                    parser->problem ? parser->problem : "cannot be read",
                    parser->context ? " " : "", parser->context ? parser->context : "");
}

static int read_events(struct reader *r, yaml_parser_t *parser)
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

static int parse(struct reader *r, const char *text, size_t len)
{
    yaml_parser_t parser;
    int rc = check_text(r, text, len);
    struct lt_buf joined = LT_BUF_INIT;
    rc = rc ? rc : json_to_yaml(r, text, len, &joined);
    if (!rc && !libyaml.yaml_parser_initialize(&parser)) {
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
        const yaml_mark_t start = {0, 0, 0};
        r->yaml->root = new_node(r, LT_YAML_SCALAR, &start);
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
    struct reader *r = calloc(1, sizeof *r);
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

const struct lt_yaml_node *lt_yaml_root(const struct lt_yaml *yaml)
{
    return yaml->root;
}
