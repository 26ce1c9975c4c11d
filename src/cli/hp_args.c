/* Flags as Halfpipe's parser has them: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -n=VALUE, letters
 * of switches together; before, between and behind the arguments. */
#include "cli/hp.h"

#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_on(const char *value)
{
    static const char *const off[] = {"", "0", "f", "false", "no", "off"};
    for (size_t i = 0; i < LT_ARRAY_LEN(off); i++) {
        if (!strcasecmp(value, off[i])) {
            return false;
        }
    }
    return true;
}

static int find(const struct hp *hp, const char *name)
{
    const struct hp_flag *flags = hp->command->flags;
    for (int i = 0; flags[i].name; i++) {
        if (!strcmp(flags[i].name, name)) {
            return i;
        }
    }
    return -1;
}

const char *hp_flag(const struct hp *hp, const char *name)
{
    int i = find(hp, name);
    const char *value = i < 0 ? NULL : hp->values[i];
    value = value || i < 0 ? value : hp->command->flags[i].fallback;
    return value ? value : "";
}

bool hp_given(const struct hp *hp, const char *name)
{
    int i = find(hp, name);
    return i >= 0 && hp->values[i];
}

bool hp_on(const struct hp *hp, const char *name)
{
    return is_on(hp_flag(hp, name));
}

static bool wrong(struct hp *hp, const char *what, const char *text, const char *rest)
{
    snprintf(hp->message, sizeof hp->message, "%s%.80s%s", what, text, rest);
    return false;
}

static bool set(struct hp *hp, int i, const char *value)
{
    hp->values[i] = value;
    return true;
}

static bool read_long(struct hp *hp, int argc, const char *const *argv, int *at)
{
    char name[64];
    const char *text = argv[*at] + 2;
    size_t len = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)LT_MIN(len, sizeof name - 1), text);
    if (!strcmp(name, "help") || !strcmp(name, "print-stack")) {
        hp->help = hp->help || *name == 'h';
        return true;
    }
    int i = find(hp, name);
    if (i < 0) {
        return wrong(hp, "unknown flag: --", name, "");
    }
    if (text[len] == '=') {
        return set(hp, i, text + len + 1);
    }
    if (hp->command->flags[i].is_bool) {
        return set(hp, i, "true");
    }
    return *at + 1 < argc ? set(hp, i, argv[++*at])
                          : wrong(hp, "flag needs an argument: --", name, "");
}

static int find_letter(const struct hp *hp, char letter)
{
    const struct hp_flag *flags = hp->command->flags;
    for (int i = 0; flags[i].name; i++) {
        if (flags[i].letter == letter) {
            return i;
        }
    }
    return -1;
}

static bool read_letters(struct hp *hp, int argc, const char *const *argv, int *at)
{
    for (const char *p = argv[*at] + 1; *p; p++) {
        const char letter[2] = {*p, 0};
        int i = find_letter(hp, *p);
        if (i < 0 && *p == 'h') {
            hp->help = true;
            continue;
        }
        if (i < 0) {
            return wrong(hp, "unknown shorthand flag: '", letter, "'");
        }
        bool equals = p[1] == '=';
        if (!hp->command->flags[i].is_bool || equals) {
            if (p[1]) {
                return set(hp, i, p + 1 + equals);
            }
            return *at + 1 < argc ? set(hp, i, argv[++*at])
                                  : wrong(hp, "flag needs an argument: -", letter, "");
        }
        set(hp, i, "true");
    }
    return true;
}

static bool check(struct hp *hp)
{
    const struct hp_flag *flags = hp->command->flags;
    for (int i = 0; flags[i].name; i++) {
        const char *value = hp->values[i];
        if (flags[i].required && !value) {
            return wrong(hp, "required flag(s) \"", flags[i].name, "\" not set");
        }
        bool needs =
            flags[i].how == HP_LATER && value && *value && (!flags[i].is_bool || is_on(value));
        if (needs) {
            snprintf(hp->message, sizeof hp->message,
                     "--%s needs a connector for %s, which this leat has not", flags[i].name,
                     flags[i].to);
            return false;
        }
    }
    if (hp->n_args < hp->command->args_min ||
        (hp->command->args_max >= 0 && hp->n_args > hp->command->args_max)) {
        return wrong(hp, "requires ", *hp->command->args ? hp->command->args : "no arguments", "");
    }
    return true;
}

bool hp_args_read(struct hp *hp, int argc, const char *const *argv)
{
    bool flags = true, good = true;
    for (int at = 0; good && at < argc; at++) {
        const char *arg = argv[at];
        if (flags && !strcmp(arg, "--")) {
            flags = false;
        } else if (flags && !strncmp(arg, "--", 2)) {
            good = read_long(hp, argc, argv, &at);
        } else if (flags && arg[0] == '-' && arg[1]) {
            good = read_letters(hp, argc, argv, &at);
        } else {
            hp->args[hp->n_args++] = arg;
        }
    }
    return good && (hp->help || check(hp));
}

bool hp_variables_read(struct hp *hp)
{
    const struct hp_flag *flags = hp->command->flags;
    for (int i = 0; flags[i].name; i++) {
        char variable[64] = "HP_";
        size_t at = strlen(variable);
        for (const char *p = flags[i].name; *p && at + 1 < sizeof variable; p++) {
            variable[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        }
        variable[at] = 0;
        const char *value = getenv(variable);
        hp->values[i] = value && *value ? value : NULL;
    }
    return check(hp);
}
