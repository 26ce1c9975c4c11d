/* Text on a terminal: how many columns it takes, and how it is shown without harm. */
#ifndef LT_DISPLAY_H
#define LT_DISPLAY_H

#include "core/buf.h"

/* Columns that a character takes: 0 for one that joins the character before it, 2 for East Asian
 * wide ones and emoji, else 1. Not for control characters. */
int lt_display_columns(uint32_t character);

/* Appends text as it may stand on a terminal: control characters, those that turn the direction of
 * writing, and bytes that are no UTF-8 are written as \n, \x1b, \u202e. Where it would take more
 * than `columns_max` columns it is cut and ends in an ellipsis. *ret_columns says how many it takes.
 * LEAT_OK or LEAT_NO_MEMORY. */
int lt_display_put(struct lt_buf *out, const char *text, size_t len, int columns_max,
                   int *ret_columns);

#endif
