/* Reading a document: what is told of its faults. */
#ifndef LT_PIPE_HALFPIPE_DOCUMENT_H
#define LT_PIPE_HALFPIPE_DOCUMENT_H

#include "pipe/halfpipe/types.h"

struct hp_document {
    struct lt_halfpipe *pipe;
    leat_fault_fn *fault;
    void *arg;
    size_t faults;
    struct leat_error first; /* status LEAT_OK: there was none */
    bool no_memory;
};

/* One fault, at a node; `remedy` may be NULL. */
void hp_fault(struct hp_document *doc, const struct lt_yaml_node *node, enum lt_code code,
              const char *remedy, const char *fmt, ...) LEAT_PRINTF(5, 6);
/* The closest of n names as "did you mean x?", else `other`; in the caller's buffer. */
#define HP_REMEDY_MAX 160
const char *hp_did_you_mean(const char *word, const char *const *names, const char *other,
                            char text[HP_REMEDY_MAX]);
/* The text with the document's variables put in, malloc'ed; NULL without memory. */
char *hp_text(struct hp_document *doc, const char *text);

/* steps.c: the steps of a group, in the order of its sequence. */
void hp_read_steps(struct hp_document *doc, struct hp_group *group);
/* What the steps of all groups say of other steps and groups. */
void hp_link_steps(struct hp_document *doc);
void hp_def_done(struct hp_def *def);

#endif
