/* Questions on the controlling terminal (/dev/tty, so that standard input may be data). A secret is
 * read without echo; the terminal is as it was after every call, and after a signal that ends or
 * stops the program in between.
 *
 * Without a terminal every call is LEAT_UNSUPPORTED [no-terminal] and says so; the caller adds what
 * can be said instead. Ctrl-C and Ctrl-D are LEAT_CANCELLED. A line has at most CLI_LINE_MAX bytes. */
#ifndef LT_CLI_PROMPT_H
#define LT_CLI_PROMPT_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_LINE_MAX 4096

/* True when somebody can be asked. */
bool cli_can_ask(void);

/* A line without echo, "prompt: ". *ret_text is malloc'ed: cli_secret_free() it. */
int cli_ask_secret(const char *prompt, char **ret_text, struct leat_error *err);
/* Asks twice, until both are the same and not empty; three times at most. */
int cli_ask_new_secret(const char *prompt, char **ret_text, struct leat_error *err);
/* A line with echo, "prompt [fallback]: "; an empty one is the fallback, or asked again where that
 * is NULL. *ret_text is malloc'ed. */
int cli_ask(const char *prompt, const char *fallback, char **ret_text, struct leat_error *err);
/* One of `choices` (ends with NULL), by its name, the beginning of it or its number;
 * `fallback` indexes the one that an empty line is. */
int cli_ask_choice(const char *prompt, const char *const *choices, size_t fallback,
                   size_t *ret_choice, struct leat_error *err);
/* "prompt [Y/n]" or "[y/N]". */
int cli_ask_yes(const char *prompt, bool fallback, bool *ret_yes, struct leat_error *err);

/* Cleared, then freed; NULL is fine. */
void cli_secret_free(char *text);

/* The leat_ask_fn of the program, for leat_vault_open(); arg is not used. */
int cli_ask_for_vault(void *arg, const char *prompt, char **ret_text, struct leat_error *err);

#endif
