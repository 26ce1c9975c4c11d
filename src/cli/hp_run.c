/* leat's command line, made of Halfpipe's and run. */
#include "cli/hp_run.h"

#include "core/buf.h"

#include <stdlib.h>
#include <string.h>

void hp_say(struct hp *hp, const char *word)
{
    char **bigger = realloc(hp->leat, ((size_t)hp->n_leat + 2) * sizeof *bigger);
    char *copy = bigger ? lt_strdup(word) : NULL;
    hp->leat = bigger ? bigger : hp->leat;
    if (!copy) {
        hp->no_memory = true;
        return;
    }
    bigger[hp->n_leat++] = copy;
    bigger[hp->n_leat] = NULL;
}

static void say_option(struct hp *hp, const char *name, const char *value)
{
    struct lt_buf text = LT_BUF_INIT;
    int rc = lt_buf_printf(&text, value ? "--%s=%s" : "--%s", name, value);
    hp->no_memory = hp->no_memory || rc;
    if (!rc) {
        hp_say(hp, lt_buf_text(&text));
    }
    lt_buf_done(&text);
}

void hp_begin(struct hp *hp)
{
    const struct hp_flag *flags = hp->command->flags;
    char words[COMMAND_NAME_MAX];
    hp_forget(hp);
    hp_say(hp, "leat");
    snprintf(words, sizeof words, "%s", hp->command->leat);
    for (char *rest = words, *word; (word = strsep(&rest, " "));) {
        hp_say(hp, word);
    }
    for (int i = 0; flags[i].name; i++) {
        const char *value = hp_flag(hp, flags[i].name);
        if (flags[i].how == HP_PASS && *value) {
            say_option(hp, flags[i].to, value);
        } else if (flags[i].how == HP_TRUE && hp_on(hp, flags[i].name)) {
            say_option(hp, flags[i].to, NULL);
        }
    }
    const char *output = hp_flag(hp, "output");
    if (*output) {
        const char *repeat = hp_flag(hp, "repeat"); /* the document's `every` */
        say_option(hp, "as-pipe", output);
        if (strspn(repeat, "0") != strlen(repeat)) {
            say_option(hp, "repeat", repeat);
        }
    }
}

void hp_forget(struct hp *hp)
{
    for (int i = 0; i < hp->n_leat; i++) {
        free(hp->leat[i]);
    }
    free(hp->leat);
    hp->leat = NULL;
    hp->n_leat = 0;
}

/* A program of its own within this one: nothing of the outer command line counts. */
int hp_inner_begin(struct hp *hp, struct cli *inner)
{
    struct leat_error err = {0};
    size_t room = (size_t)hp->n_leat + 4;
    memset(inner, 0, sizeof *inner);
    inner->leat = hp->cli->leat;
    inner->terminal = hp->cli->terminal;
    inner->color = hp->cli->color;
    inner->color_out = hp->cli->color_out;
    inner->progress = "auto";
    inner->args = calloc(room, sizeof *inner->args);
    inner->also = calloc(room, sizeof *inner->also);
    int rc = inner->args && inner->also && !hp->no_memory
                 ? leat_plan_new(inner->leat, &inner->plan, &err)
                 : leat_fail(&err, LEAT_NO_MEMORY, "out of memory");
    if (rc) {
        cli_print_error(hp->cli, &err, NULL);
        return EXIT_FAILED;
    }
    return cli_parse(inner, hp->n_leat, hp->leat);
}

void hp_inner_end(struct hp *hp, struct cli *inner)
{
    leat_plan_free(inner->plan);
    cli_parse_done(inner);
    free(inner->args);
    free(inner->also);
    leat_set_log(cli_log, hp->cli, LEAT_LOG_WARN);
}

int hp_run_leat(struct hp *hp)
{
    struct cli inner;
    int status = hp_inner_begin(hp, &inner);
    if (!status) {
        status = inner.command->run(&inner);
    }
    hp_inner_end(hp, &inner);
    return status;
}

int hp_status(int status)
{
    return !status || status == EXIT_PIPE || cli_signal ? 0 : EXIT_FAILED;
}
