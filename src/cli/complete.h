/* What completes a value. */
#ifndef LT_COMPLETE_H
#define LT_COMPLETE_H

#include "cli/cli.h"

/* One line a candidate, with what it means behind a tab; this line where names of files will do. */
#define FILES_LINE ":files"

/* The beginning of a value, and what stands before it in the same word ("--format=", or "") and is
 * to stand there again. */
struct value_begun {
    const char *before;
    size_t before_len;
    const char *begun;
};

/* Prints the values that the option may have: its choices, also of a list's last element; true and
 * false; formats, systems and places there are; or that any file will do. */
void complete_value(struct cli *cli, const struct leat_option *option,
                    const struct value_begun *at);
/* The same of an option of other programs that means one of leat's by its value (aliases.c). */
void complete_alias(const struct command *command, const char *name, size_t len,
                    const struct value_begun *at);

#endif
