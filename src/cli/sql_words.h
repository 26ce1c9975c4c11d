/* What a SQL text is, as far as its first words tell. */
#ifndef LT_SQL_WORDS_H
#define LT_SQL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* True for a query that may stand where a table may: SELECT, VALUES, TABLE, and WITH before one of
 * them. Comments and parentheses in front are passed over. */
bool sql_is_query(const char *sql);
/* True when there is nothing but blanks, comments and semicolons. */
bool sql_is_empty(const char *sql);
/* Bytes of the first statement, up to its semicolon. */
size_t sql_first_len(const char *sql);

#endif
