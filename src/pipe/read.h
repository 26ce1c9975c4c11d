/* What the readers of a document's parts share. */
#ifndef LT_PIPE_READ_H
#define LT_PIPE_READ_H

#include "pipe/document.h"

/* Whether the key is one of documents, at their top. */
bool lt_is_document_key(const char *key);

const struct lt_mode *lt_mode_find(const char *word);
/* The mode that a scalar names, or NULL after a fault. */
const struct lt_mode *lt_read_mode(struct lt_document *doc, struct lt_doc_faults *faults,
                                   const struct lt_yaml_node *node);
/* A text, or a list of them. */
void lt_read_texts(struct lt_document *doc, struct lt_doc_faults *faults,
                   const struct lt_yaml_node *node, const char *what, struct lt_texts *texts);
/* A text, or {file: PATH}, which is added to `files`. */
const char *lt_read_sql(struct lt_document *doc, struct lt_doc_faults *faults,
                        const struct lt_yaml_node *node, const char *what, struct lt_texts *files);
/* Reads an option's value; false: there is no such option. */
bool lt_read_option(struct lt_document *doc, struct lt_doc_faults *faults,
                    const struct lt_yaml_node *key, const struct lt_yaml_node *value,
                    struct lt_choices *choices, struct lt_texts *files);
/* A key that is neither of `own` (ends with NULL) nor an option. */
void lt_unknown_key(struct lt_document *doc, struct lt_doc_faults *faults,
                    const struct lt_yaml_node *key, const char *kind, const char *const *own);
/* A path that the document names, which is from its folder. */
const char *lt_document_path(struct lt_document *doc, const char *path);

#endif
