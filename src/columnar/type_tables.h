/* The tables behind the names of canonical types. Each ends with an empty row.
 *
 * Formats are those of "The Arrow C data interface", section "Data type description". */
#ifndef LT_COLUMNAR_TYPE_TABLES_H
#define LT_COLUMNAR_TYPE_TABLES_H

#include "columnar/type.h"

#include <ctype.h>

/* The greatest scale of a decimal, either way. */
#define LT_DECIMAL_SCALE_MAX 76

/* Types without parameters, and those whose only parameter is a time unit. */
struct lt_simple_type {
    const char *name;
    const char *format;
    enum lt_type_id id;
    enum lt_unit unit;
    bool zoned;
};

/* Types of meaning: a storage format and one piece of metadata. */
struct lt_logical_type {
    const char *name;
    enum lt_logical logical;
    const char *format;
    const char *key, *value;
};

struct lt_decimal_type {
    enum lt_type_id id;
    int32_t bits, precision_max;
    const char *name; /* NULL: chosen by precision */
};

extern const struct lt_simple_type lt_simple_types[];
extern const struct lt_logical_type lt_logical_types[];
extern const struct lt_decimal_type lt_decimal_types[];

/* Reads a decimal number and steps over it; false when there is none or it is past int32. */
bool lt_type_number(const char **at, int32_t *ret_value);

/* What may stand in a name without quotes. */
static inline bool lt_type_word_byte(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

#endif
