/* Regular expressions: the one seam to PCRE2, which is loaded when first used. Expressions are Perl's,
 * of which Go's are a part, over UTF-8; `$` is the end of the text alone. */
#ifndef LT_REGEXP_H
#define LT_REGEXP_H

#include "core/buf.h"

#include <stdbool.h>

struct lt_regexp;

/* [invalid] with the place in the pattern. */
int lt_regexp_new(const char *pattern, struct lt_regexp **ret_regexp, struct leat_error *err);
void lt_regexp_free(struct lt_regexp *regexp); /* NULL is fine */

/* Appends the text with every match replaced by the template, in which $1, $name, ${1} and ${name} are
 * groups as Go has them ("$1x" is the group "1x") and $$ is a dollar; a group that is not there is
 * empty. *ret_matched: whether anything matched; otherwise nothing is appended. [limit] where an
 * expression takes too long, LEAT_BAD_DATA [invalid-utf8]. */
int lt_regexp_replace(struct lt_regexp *regexp, const char *text, size_t len, const char *with,
                      struct lt_buf *out, bool *ret_matched, struct leat_error *err);

#endif
