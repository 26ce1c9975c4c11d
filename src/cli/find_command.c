/* Commands and families by the words that name them, and what was meant by words that name none. */
#include "cli/cli.h"

#include "core/util.h"

#include <string.h>

/* Other names of commands. `cp snap` is Halfpipe's. */
static const char *const aliases[][2] = {
    {"cp snap", "cp"},
    {"copy", "cp"},
    {"config connections rm", "config connections remove"},
    {"config connections del", "config connections remove"},
    {"config connections delete", "config connections remove"},
    {"config defaults rm", "config defaults remove"},
    {"config defaults del", "config defaults remove"},
    {"config defaults delete", "config defaults remove"},
};

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        name = strcmp(aliases[i][0], name) ? name : aliases[i][1];
    }
    for (const struct command *c = cli_commands; c->name; c++) {
        if (!strcmp(c->name, name)) {
            return c;
        }
    }
    return NULL;
}

/* The first n words as one name; false when it is too long, or a word holds a blank itself and so
 * is no word. */
static bool join_words(const char *const *words, int n, char name[COMMAND_NAME_MAX])
{
    size_t len = 0;
    name[0] = 0;
    for (int i = 0; i < n; i++) {
        int more = snprintf(name + len, COMMAND_NAME_MAX - len, "%s%s", i ? " " : "", words[i]);
        if (more < 0 || (size_t)more >= COMMAND_NAME_MAX - len || strchr(words[i], ' ')) {
            return false;
        }
        len += (size_t)more;
    }
    return true;
}

const struct command *cli_command(const char *const *words, int n, int *ret_used)
{
    char name[COMMAND_NAME_MAX];
    for (int used = LT_MIN(n, COMMAND_WORDS_MAX); used > 0; used--) {
        const struct command *command = join_words(words, used, name) ? command_named(name) : NULL;
        if (command) {
            *ret_used = used;
            return command;
        }
    }
    return NULL;
}

const struct command_family *cli_family(const char *const *words, int n, int *ret_used)
{
    char name[COMMAND_NAME_MAX];
    for (int used = LT_MIN(n, 2); used > 0; used--) {
        for (const struct command_family *f = cli_families; f->name; f++) {
            if (join_words(words, used, name) && !strcmp(f->name, name)) {
                *ret_used = used;
                return f;
            }
        }
    }
    return NULL;
}

bool cli_is_member(const struct command *command, const char *first, const char **ret_second)
{
    size_t len = strlen(first);
    if (strncmp(command->name, first, len) || command->name[len] != ' ') {
        return false;
    }
    *ret_second = command->name + len + 1;
    return true;
}

const char *cli_joined(const struct command *command, char joint, char text[COMMAND_NAME_MAX])
{
    snprintf(text, COMMAND_NAME_MAX, "%s", command->name);
    for (char *p = text; *p; p++) {
        *p = *p == ' ' ? joint : *p;
    }
    return text;
}

#define NAMES_MAX 160

/* Adds the first `words` words of a name, once. */
static void add_name(char names[NAMES_MAX][COMMAND_NAME_MAX], size_t *n, const char *name,
                     int words)
{
    size_t len = 0;
    for (int i = 0; i < words && name[len]; i++) {
        len += (len > 0) + strcspn(name + len + (len > 0), " ");
    }
    for (size_t i = 0; i < *n; i++) {
        if (strlen(names[i]) == len && !strncmp(names[i], name, len)) {
            return;
        }
    }
    if (*n + 1 < NAMES_MAX && len < COMMAND_NAME_MAX) {
        memcpy(names[*n], name, len);
        names[(*n)++][len] = 0;
    }
}

/* The closest of all names to one or two words, or within a family of all next words to one. */
static const char *closest(const struct command_family *family, const char *word, int words)
{
    static char texts[NAMES_MAX][COMMAND_NAME_MAX];
    const char *names[NAMES_MAX], *rest;
    size_t n = 0;
    for (const struct command *c = cli_commands; c->name; c++) {
        if (!family) {
            add_name(texts, &n, c->name, words);
        } else if (cli_is_member(c, family->name, &rest)) {
            add_name(texts, &n, rest, words);
        }
    }
    for (size_t i = 0; i <= n; i++) {
        names[i] = i < n ? texts[i] : NULL;
    }
    return lt_closest(word, names);
}

int cli_no_command(const char *const *words, int n, struct leat_error *err)
{
    int used = 0, some;
    const struct command_family *family = cli_family(words, n, &used);
    const char *first = family ? family->name : "", *blank = family ? " " : "";
    if (family && n <= used) {
        leat_fail_as(err, LEAT_INVALID, "usage", "leat %s needs another word", family->name);
        leat_error_remedy(err, "`leat help %s` lists them", family->name);
        return LEAT_INVALID;
    }
    /* A command, but not its sub-command, is told with both words. */
    bool two = !family && n > 1 && cli_command(words, 1, &some);
    char whole[COMMAND_NAME_MAX];
    snprintf(whole, sizeof whole, "%s%s%s", words[used], two ? " " : "", two ? words[1] : "");
    const char *close = closest(family, whole, two ? 2 : 1);
    leat_fail_as(err, LEAT_INVALID, "usage", "there is no command \"%s%s%s\"", first, blank, whole);
    if (close) {
        leat_error_remedy(err, "did you mean leat %s%s%s?", first, blank, close);
    } else {
        leat_error_remedy(err, "`leat help%s%s` lists them", blank, first);
    }
    return LEAT_INVALID;
}
