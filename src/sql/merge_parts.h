/* Between merge.c, which runs statements, merge_text.c, which writes them, and merge_forms.c, which
 * holds their forms. */
#ifndef LT_MERGE_PARTS_H
#define LT_MERGE_PARTS_H

#include "core/buf.h"
#include "core/codes.h"
#include "sql/merge.h"

enum lt_merge_kind {
    LT_MERGE_RUN,   /* rows changed are added to counts[count] */
    LT_MERGE_EXACT, /* rows changed must be counts[count] */
    LT_MERGE_TAKE,  /* a query of LT_MERGE_COUNTS values, added to the counts */
    LT_MERGE_REFUSE /* a query of one number; more than 0 fails with `code` and `message` */
};

/* What a form needs of a merge to be one of its statements. */
#define LT_NEED_UNIQUE 1u
#define LT_NEED_NOT_UNIQUE 2u
#define LT_NEED_FROM_CURSOR 4u
#define LT_NEED_REMOVES 8u /* records may say that a row goes */
#define LT_NEED_SOFT 16u
#define LT_NEED_HARD 32u
#define LT_NEED_SET 64u     /* there is something to update */
#define LT_NEED_MOVES 128u  /* rows may have to make way for each other: by delete and insert */
#define LT_NEED_NULLS 256u  /* ... by nulls */
#define LT_NEED_KEPT 512u   /* a row that is inserted again takes columns from the old one */
#define LT_NEED_DEFER 1024u /* constraints can wait */
#define LT_NEED_ANALYZE 2048u
#define LT_NEED_INDEX 4096u
#define LT_NEED_NOT_KEPT 16384u
#define LT_NEED_DELETED 8192u /* a column says that the row goes */
#define LT_NEED_ALONE 32768u  /* rows of keys that do not come go as well */

struct lt_merge_form {
    unsigned modes; /* bits 1 << enum leat_write_mode */
    uint32_t needs;
    enum lt_merge_phase phase;
    enum lt_merge_kind kind;
    int count; /* enum lt_merge_count; -1: rows are not counted */
    enum lt_code code;
    const char *message;
    const char *sql; /* with {parts}, see merge_text.c */
};

extern const char lt_merge_superseded_form[];
/* Whether a row "old", or "c", is one of those marked to go; the same of those that do not come. */
extern const char *const lt_merge_goes_forms[4];
extern const struct lt_merge_form lt_merge_forms[]; /* ends with a NULL sql */

uint32_t lt_merge_has(const struct lt_merge *merge);
/* Appends the statement of a form. */
int lt_merge_expand(const struct lt_merge *merge, const char *form, struct lt_buf *out);

#endif
