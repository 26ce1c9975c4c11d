#include "cli/records.h"

#include <string.h>
#include <time.h>

int64_t record_number(const struct lt_json_value *record, const char *key)
{
    return lt_json_integer(lt_json_get(record, key), 0);
}

const char *record_text(const struct lt_json_value *record, const char *key)
{
    return lt_json_string(lt_json_get(record, key), "");
}

const char *record_moment(int64_t unix_us, char *when, size_t size)
{
    struct tm fields;
    time_t seconds = (time_t)(unix_us / 1000000);
    strftime(when, size, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &fields));
    return when;
}

void record_cells(struct table *table, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        table_cell(table, cells[i], strlen(cells[i]));
    }
}
