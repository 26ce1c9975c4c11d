#include "cli/dpo_args.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct dpo_option help_option = {
    {"-h", "--help", NULL}, NULL, "show this help message and exit"};

/* The i-th option, -h first; NULL past the end. */
static const struct dpo_option *option_at(const struct dpo_args *args, int i)
{
    if (i == 0) {
        return &help_option;
    }
    return args->options && args->options[i - 1].names[0] ? &args->options[i - 1] : NULL;
}

/* Digits, with a point perhaps: such an argument is a number, not an option. */
static bool is_negative_number(const char *text)
{
    const char *at = text + 1 + strspn(text + 1, "0123456789");
    if (!*at) {
        return at > text + 1;
    }
    size_t decimals = *at == '.' ? strspn(at + 1, "0123456789") : 0;
    return decimals && !at[1 + decimals];
}

struct found {
    int index;         /* of the option; -1: there is none of that name */
    const char *value; /* written together with it */
    int matches;
};

static void take(struct found *found, int index, const char *value)
{
    found->matches += found->index != index;
    found->index = index;
    found->value = value;
}

/* By its whole name, with or without "=value". */
static bool find_exact(const struct dpo_args *args, const char *text, size_t len, const char *value,
                       struct found *found)
{
    const struct dpo_option *option;
    for (int i = 0; (option = option_at(args, i)); i++) {
        for (const char *const *name = option->names; *name; name++) {
            if (strlen(*name) == len && !strncmp(*name, text, len)) {
                take(found, i, value);
                return true;
            }
        }
    }
    return false;
}

/* By the beginning of a name, or a letter with its value behind it. */
static void find_prefix(const struct dpo_args *args, const char *text, struct found *found)
{
    const struct dpo_option *option;
    bool is_long = text[1] == '-';
    size_t len = is_long ? strcspn(text, "=") : strlen(text);
    for (int i = 0; (option = option_at(args, i)); i++) {
        for (const char *const *name = option->names; *name; name++) {
            if (!is_long && strlen(*name) == 2 && !strncmp(*name, text, 2)) {
                take(found, i, text + 2);
            } else if (!strncmp(*name, text, len)) {
                take(found, i, is_long && text[len] ? text + len + 1 : NULL);
            }
        }
    }
}

/* Whether an argument is an option, and which. */
static bool is_option(const struct dpo_args *args, const char *text, struct found *found)
{
    *found = (struct found){.index = -1};
    if (text[0] != '-' || !text[1]) {
        return false;
    }
    const char *equals = strchr(text, '=');
    if (find_exact(args, text, strlen(text), NULL, found) ||
        (equals && find_exact(args, text, (size_t)(equals - text), equals + 1, found))) {
        return true;
    }
    find_prefix(args, text, found);
    if (found->matches) {
        return true;
    }
    return !is_negative_number(text) && !strchr(text, ' ');
}

static bool wrong(struct dpo_args *args, const char *what, const char *text)
{
    snprintf(args->message, sizeof args->message, "%s%.100s", what, text);
    return false;
}

/* One option, and its value where that is an argument of its own: *at moves on past it. */
static bool take_option(struct dpo_args *args, int argc, const char *const *argv, int *at,
                        const struct found *found)
{
    struct found next;
    const char *text = argv[*at];
    if (found->matches > 1) {
        return wrong(args, "ambiguous option: ", text);
    }
    if (found->index < 0) {
        return wrong(args, "unrecognized arguments: ", text);
    }
    if (found->index == 0) {
        args->help = !found->value;
        return found->value
                   ? wrong(args, "argument -h/--help: ignored explicit argument ", found->value)
                   : true;
    }
    int row = found->index - 1;
    args->given[row] = true;
    args->values[row] = found->value;
    if (!found->value && *at + 1 < argc && strcmp(argv[*at + 1], "--") != 0 &&
        !is_option(args, argv[*at + 1], &next)) {
        args->values[row] = argv[++*at];
    }
    return true;
}

bool dpo_args_read(struct dpo_args *args, int argc, const char *const *argv)
{
    bool options = true, good = true;
    int at = 0;
    for (; good && !args->help && at < argc; at++) {
        struct found found;
        if (options && !strcmp(argv[at], "--")) {
            options = false;
        } else if (options && is_option(args, argv[at], &found)) {
            good = take_option(args, argc, argv, &at, &found);
        } else {
            args->positionals[args->n_positionals++] = argv[at];
            if (args->stop_at_command && args->n_positionals > args->n_first) {
                at++;
                break;
            }
        }
    }
    args->rest = at;
    return good;
}
