/* A leat command within Halfpipe's. */
#ifndef LT_CLI_HP_RUN_H
#define LT_CLI_HP_RUN_H

#include "cli/hp.h"

/* Reads hp->leat as the program's command line; 0 or an exit status. To be ended in any case. */
int hp_inner_begin(struct hp *hp, struct cli *inner);
void hp_inner_end(struct hp *hp, struct cli *inner);
void hp_forget(struct hp *hp);
/* hp_actions.c. Tells that it is not supported; the exit status. */
int hp_refuse(struct hp *hp, const char *message, const char *remedy);

#endif
