/* Records of the store, as JSON objects, shown as rows of a table. */
#ifndef LT_CLI_RECORDS_H
#define LT_CLI_RECORDS_H

#include "cli/table.h"

#include "core/json_read.h"

#include <stdint.h>

/* A member of the object: 0 or "" where it has none such. The text is the document's. */
int64_t record_number(const struct lt_json_value *record, const char *key);
const char *record_text(const struct lt_json_value *record, const char *key);
/* A moment in UTC, to the second, into `when`; returns it. */
const char *record_moment(int64_t unix_us, char *when, size_t size);
/* The next row of the table. */
void record_cells(struct table *table, const char *const *cells, size_t n);

#endif
