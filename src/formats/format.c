/* The one file that names every format, and what all of them share: finding one, and options. */
#include "formats/format.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern const struct lt_format lt_format_csv;
extern const struct lt_format lt_format_jsonl;
extern const struct lt_format lt_format_arrow;
extern const struct lt_format lt_format_arrow_stream;
extern const struct lt_format lt_format_parquet;

const struct lt_format *const lt_formats[] = {
    &lt_format_csv,          &lt_format_jsonl,   &lt_format_arrow,
    &lt_format_arrow_stream, &lt_format_parquet, NULL,
};

#define OPTIONS_MAX 64

bool lt_format_info(size_t i, struct leat_format *ret_format)
{
    for (size_t k = 0; lt_formats[k]; k++) {
        if (k == i) {
            const struct lt_format *format = lt_formats[k];
            const struct leat_format info = {.size = ret_format->size,
                                             .name = format->name,
                                             .summary = format->summary,
                                             .extensions = format->extensions,
                                             .read_options = format->read_options,
                                             .write_options = format->write_options,
                                             .types_in = format->types_in,
                                             .types_out = format->types_out,
                                             .binary = format->binary};
            memcpy(ret_format, &info, LT_MIN(ret_format->size, sizeof info));
            return true;
        }
    }
    return false;
}

const struct lt_format *lt_format_by_name(const char *name)
{
    for (size_t i = 0; lt_formats[i]; i++) {
        const struct lt_format *format = lt_formats[i];
        if (!strcasecmp(format->name, name) ||
            (format->alias && !strcasecmp(format->alias, name))) {
            return lt_formats[i];
        }
    }
    return NULL;
}

static bool has_extension(const struct lt_format *format, const char *extension, size_t len)
{
    for (size_t i = 0; format->extensions[i]; i++) {
        if (strlen(format->extensions[i]) == len &&
            !strncasecmp(format->extensions[i], extension, len)) {
            return true;
        }
    }
    return false;
}

const struct lt_format *lt_format_by_path(const char *path, size_t len)
{
    size_t dot = len;
    while (dot > 0 && path[dot - 1] != '.' && path[dot - 1] != '/') {
        dot--;
    }
    if (!dot || path[dot - 1] != '.') {
        return NULL;
    }
    for (size_t i = 0; lt_formats[i]; i++) {
        if (has_extension(lt_formats[i], path + dot, len - dot)) {
            return lt_formats[i];
        }
    }
    return NULL;
}

const struct lt_format *lt_format_sniff(const uint8_t *data, size_t len)
{
    /* Binary formats have magic numbers; text is what is left, so it is asked afterwards. */
    for (int binary = 1; binary >= 0; binary--) {
        for (size_t i = 0; lt_formats[i]; i++) {
            const struct lt_format *format = lt_formats[i];
            if (format->binary == !!binary && format->sniff && format->sniff(data, len)) {
                return format;
            }
        }
    }
    return NULL;
}

static const struct leat_option *find_option(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

const char *lt_format_option(const struct lt_format_options *options,
                             const struct leat_option *table, const char *name)
{
    const struct leat_option *option = find_option(table, name);
    if (!option) {
        return NULL;
    }
    /* The last one given counts, as on every command line. */
    for (size_t i = options ? options->n_params : 0; i > 0; i--) {
        if (!strcmp(options->params[i - 1].name, name)) {
            const char *value = options->params[i - 1].value;
            return value ? value : "";
        }
    }
    return option->fallback;
}

/* True when `value` is one of "a|b|c". */
static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    while (choices && *choices) {
        size_t n = strcspn(choices, "|");
        if (n == len && !strncasecmp(choices, value, n)) {
            return true;
        }
        choices += n + (choices[n] == '|');
    }
    return false;
}

static int check_value(const struct leat_option *option, const char *value, struct leat_error *err)
{
    int64_t number;
    int status = LEAT_OK;
    switch (option->kind) {
    case LEAT_OPTION_CHOICE:
        if (!is_choice(option->choices, value)) {
            return lt_fail(err, LT_E_INVALID, "--%s must be one of %s", option->name,
                           option->choices);
        }
        return LEAT_OK;
    case LEAT_OPTION_BOOL:
        if (value[0] && !is_choice("true|false|yes|no|1|0", value)) {
            return lt_fail(err, LT_E_INVALID, "--%s must be true or false", option->name);
        }
        return LEAT_OK;
    case LEAT_OPTION_INT:
        if (lt_parse_int(value, &number)) {
            return lt_fail(err, LT_E_INVALID, "--%s must be a whole number", option->name);
        }
        return LEAT_OK;
    case LEAT_OPTION_SIZE:
        status = lt_parse_size(value, &number, err);
        break;
    case LEAT_OPTION_DURATION:
        status = lt_parse_duration(value, &number, err);
        break;
    default:
        break;
    }
    if (status) {
        leat_error_place(err, "--%s", option->name);
    }
    return status;
}

static int unknown_option(const struct leat_option *table, const char *name,
                          const char *format_name, struct leat_error *err)
{
    const char *names[OPTIONS_MAX + 1];
    size_t n = 0;
    for (; table && table->name && n < OPTIONS_MAX; table++) {
        names[n++] = table->name;
    }
    names[n] = NULL;
    const char *closest = lt_closest(name, names);
    int status = lt_fail(err, LT_E_UNKNOWN_OPTION, "%s has no option --%s", format_name, name);
    if (closest) {
        leat_error_remedy(err, "did you mean --%s?", closest);
    }
    return status;
}

int lt_format_check_options(const struct lt_format_options *options,
                            const struct leat_option *table, const char *format_name,
                            struct leat_error *err)
{
    for (size_t i = 0; options && i < options->n_params; i++) {
        const struct leat_param *param = &options->params[i];
        const struct leat_option *option = find_option(table, param->name);
        if (!option) {
            return unknown_option(table, param->name, format_name, err);
        }
        int status = check_value(option, param->value ? param->value : "", err);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}
