/* What of a document is read so far, between yaml.c, which takes libyaml's events, and yaml_tree.c,
 * which makes a tree of them. */
#ifndef LT_PIPE_YAML_TREE_H
#define LT_PIPE_YAML_TREE_H

#include "pipe/yaml.h"

#include "core/buf.h"

struct lt_yaml_anchor {
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
struct lt_yaml_frame {
    struct lt_yaml_node *node;
    struct lt_yaml_node *key; /* of a map: read, and its value is not */
    struct lt_yaml_node **merges;
    size_t n_merges, items_cap;
    bool anchored;
};

struct lt_yaml_reader {
    struct lt_yaml *yaml;
    struct lt_yaml_frame stack[LT_YAML_DEPTH_MAX];
    size_t depth;
    struct lt_yaml_anchor *anchors;
    size_t n_anchors, anchors_cap;
    struct lt_yaml_place fault;
    struct leat_error *err;
};

/* Says [invalid] at a place of the document, or where a node stands; returns LEAT_INVALID. */
int lt_yaml_fault_at(struct lt_yaml_reader *r, struct lt_yaml_place place, const char *fmt, ...)
    LEAT_PRINTF(3, 4);
int lt_yaml_fault_in(struct lt_yaml_reader *r, const struct lt_yaml_node *node,
                     const char *message);

/* A node of the document, which frees it; NULL without memory, which is told. */
struct lt_yaml_node *lt_yaml_node_new(struct lt_yaml_reader *r, enum lt_yaml_kind kind,
                                      struct lt_yaml_place place);
/* Adds a whole node to the list or map at work, or makes it the root. */
int lt_yaml_put(struct lt_yaml_reader *r, struct lt_yaml_node *node);
/* Refuses duplicate keys and takes over what merge keys name. */
int lt_yaml_map_finish(struct lt_yaml_reader *r, struct lt_yaml_frame *f);

struct lt_yaml_anchor *lt_yaml_anchor_find(struct lt_yaml_reader *r, const char *name);
/* From here on the name (NULL: none) stands for the node. */
int lt_yaml_anchor_set(struct lt_yaml_reader *r, const char *name, struct lt_yaml_node *node);
/* The node was read: aliases may stand for it. */
void lt_yaml_anchors_close(struct lt_yaml_reader *r, const struct lt_yaml_node *node);

/* yaml_json.c. Appends JSON as YAML; nothing where the text is none. LEAT_NO_MEMORY. */
int lt_yaml_of_json(const char *text, size_t len, struct lt_buf *out);

#endif
