/* How the writers of text formats turn a column's values into text; settled once a column. */
#ifndef LT_TEXT_FORM_H
#define LT_TEXT_FORM_H

#include "columnar/type.h"

enum lt_text_form {
    LT_FORM_OTHER, /* whatever lt_text_format() makes of it, or lt_text_format_json() */
    LT_FORM_TEXT,  /* bytes as they are, quoted as the format wants it */
    LT_FORM_BOOL,
    LT_FORM_INTEGER, /* any but uint64 */
    LT_FORM_UINT64,
    LT_FORM_FLOAT64,
    LT_FORM_DATE,
    LT_FORM_TIMESTAMP, /* microseconds */
    LT_FORM_JSON,      /* JSON Lines: json, and nested types that hold some: checked, on one line */
    LT_FORM_BINARY,    /* JSON Lines: base64 */
    LT_FORM_UUID,      /* CSV */
    LT_FORM_DECIMAL,   /* CSV: of 128 bits, shortly written while 64 hold it */
    LT_FORM_QUOTED,    /* JSON Lines: in quotes unless it has them */
};

/* The form of a type in any text format: one of those up to LT_FORM_TIMESTAMP. Of a dictionary, it is
 * the form of its indices. */
enum lt_text_form lt_text_form_of(const struct lt_type *type);

#endif
