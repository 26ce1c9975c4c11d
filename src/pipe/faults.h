/* Faults of a document: all of them are found before one is told, in the order in which they stand. */
#ifndef LT_PIPE_FAULTS_H
#define LT_PIPE_FAULTS_H

#include "core/arena.h"
#include "leat/pipe.h"
#include "pipe/yaml.h"

/* More are not told. */
#define LT_FAULTS_MAX 500

struct lt_doc_fault {
    const struct lt_yaml_node *node;
    const char *message, *remedy;
};

struct lt_doc_faults {
    struct lt_arena *arena; /* of the messages */
    struct lt_doc_fault *items;
    size_t n;
};

/* `remedy` may be "". One place has one fault: the first. */
void lt_doc_fault(struct lt_doc_faults *faults, const struct lt_yaml_node *node, const char *remedy,
                  const char *fmt, ...) LEAT_PRINTF(4, 5);
/* The same of an error, whose message and remedy speak of options with dashes. */
void lt_doc_fault_error(struct lt_doc_faults *faults, const struct lt_yaml_node *node,
                        const struct leat_error *err);
/* "there is no KIND "NAME"", with the closest of `names` (ends with NULL). */
void lt_doc_fault_unknown(struct lt_doc_faults *faults, const struct lt_yaml_node *node,
                          const char *kind, const char *name, const char *const *names);

/* Tells each() (may be NULL) of every fault, in the order of the text. LEAT_OK without one; else
 * the first is *err: [pipe] with file:line:column as its place. */
int lt_doc_faults_tell(struct lt_doc_faults *faults, leat_fault_fn *each, void *arg,
                       struct leat_error *err);

#endif
