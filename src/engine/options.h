/* The options of a plan: one table, and the values one plan has set. */
#ifndef LT_OPTIONS_H
#define LT_OPTIONS_H

#include "leat/leat.h"

extern const struct leat_option lt_plan_options[];

/* "cp delta": the command an action is known by. */
const char *lt_action_name(enum leat_action action);

/* Row of that name in a table that ends with a NULL name, or NULL. `table` may be NULL. */
const struct leat_option *lt_option_find(const struct leat_option *table, const char *name);

/* Checks one value against its row: [usage] says what would be right. */
int lt_option_check(const struct leat_option *option, const char *value, struct leat_error *err);

/* name/value pairs in the order they were set, both owned. */
struct lt_settings {
    struct leat_param *items;
    size_t n;
};

/* Sets a value; of a LIST option the elements add up, of others the last one counts. */
int lt_settings_set(struct lt_settings *settings, const struct leat_option *option,
                    const char *value, struct leat_error *err);
void lt_settings_done(struct lt_settings *settings);

/* The last value set, else the row's fallback, else NULL. */
const char *lt_settings_text(const struct lt_settings *settings, const char *name);
bool lt_settings_bool(const struct lt_settings *settings, const char *name);
/* INT, SIZE in bytes, DURATION in milliseconds; they were checked when set. */
int64_t lt_settings_number(const struct lt_settings *settings, const char *name);

/* All elements of a LIST option, in order; split at commas outside parentheses and quotes.
 * Quotes stay: names are read with lt_name_take(). NULL-terminated array, each string and the array malloc'ed: free with lt_list_free(). An empty
 * list is an array of one NULL. */
int lt_settings_list(const struct lt_settings *settings, const char *name, char ***ret_list,
                     size_t *ret_n, struct leat_error *err);
void lt_list_free(char **list);

/* Reads a column's name from *text, plain up to `end` or the end of the text, or in double quotes
 * (two of them inside stand for one), and moves *text behind it. malloc'ed; NULL with *text NULL
 * when it is empty or its quote does not end, else without memory. */
char *lt_name_take(const char **text, char end);

#endif
