/* Text as the original orchestrator reads it: ids, names in capitals, code points of file names. */
#ifndef LT_LEDGER_TEXT_H
#define LT_LEDGER_TEXT_H

#include "core/buf.h"
#include "leat/execution.h"

#include <stdint.h>

/* A GUID in any of the forms PostgreSQL's type uuid reads (upper case, braces, hyphens after any
 * four digits or none) in the form it prints. [invalid] in its words. */
int lt_guid_parse(const char *text, char ret_guid[LEAT_GUID_MAX], struct leat_error *err);

/* A random one, version 4, out of 16 random bytes. */
void lt_guid_print(const uint8_t bytes[16], char ret_guid[LEAT_GUID_MAX]);
/* `n` random bytes. */
int lt_random(void *data, size_t n, struct leat_error *err);

/* The text in capitals by Unicode's full mapping (ß becomes SS), in any locale. UTF-8 only. */
int lt_upper(const char *text, struct lt_buf *out, struct leat_error *err);

/* The next code point of *text, which moves on. A byte that is no UTF-8 is one by itself, U+DC00
 * and the byte, as Python's file names have it. */
uint32_t lt_code_point(const char **text);
/* How many there are. */
size_t lt_code_points(const char *text);

#endif
