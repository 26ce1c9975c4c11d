/* The dictionaries a reader has been sent: by id, with what was appended to them. */
#ifndef LT_IPC_DICTIONARY_H
#define LT_IPC_DICTIONARY_H

#include "formats/arrow/batch.h"

/* Bytes one decoded dictionary, or one row, may take. */
#ifndef LT_IPC_VALUE_MAX
#define LT_IPC_VALUE_MAX ((int64_t)1 << 32)
#endif

struct lt_ipc_dictionary;

struct lt_ipc_dictionaries {
    struct lt_ipc_dictionary *items;
    size_t n;
};

/* Makes room for every dictionary of a layout, which must outlive the set. */
int lt_ipc_dictionaries_init(struct lt_ipc_dictionaries *set, const struct lt_ipc_field *root,
                             struct leat_error *err);
void lt_ipc_dictionaries_done(struct lt_ipc_dictionaries *set);

/* Takes one dictionary batch. `replace`: a second one of the same id stands instead of the
 * first; else that is an error. */
int lt_ipc_dictionaries_read(struct lt_ipc_dictionaries *set, const struct lt_ipc_message *message,
                             struct lt_ipc_body *body, bool replace, struct leat_error *err);

/* Gives every dictionary-encoded node at or below `node` its dictionary, as far as it was sent.
 * Good until the next batch is read. */
int lt_ipc_dictionaries_resolve(struct lt_ipc_dictionaries *set, const struct lt_ipc_field *field,
                                struct lt_ipc_node *node, struct leat_error *err);

#endif
