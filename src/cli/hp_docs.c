/* docs/halfpipe-steps.md: the types of steps, from the table that checks them. */
#include "cli/hp.h"

#include "pipe/halfpipe/halfpipe.h"

void hp_docs(FILE *out)
{
    static const char *const kinds[] = {
        [LT_HP_TEXT] = "text", [LT_HP_NUMBER] = "number",         [LT_HP_BOOL] = "bool",
        [LT_HP_STEP] = "step", [LT_HP_CONNECTION] = "connection", [LT_HP_GROUP] = "group",
        [LT_HP_LIST] = "a,b",  [LT_HP_PAIRS] = "a:b,c:d"};
    fputs("<!-- Made by tools/gen-docs; do not edit. -->\n# Steps of Halfpipe's documents\n\n"
          "[halfpipe.md](halfpipe.md) says how they work together. A step is an earlier one of the "
          "same group; every value may be written as text.\n",
          out);
    for (const struct lt_halfpipe_type *t = lt_halfpipe_types; t->name; t++) {
        fprintf(out, "\n## %s\n%s%s%s.\n", t->name, t->missing ? "Needs a connector for " : "",
                t->missing ? t->missing : t->does, t->missing ? ", and is refused" : "");
        if (!t->keys->name) {
            continue;
        }
        fputs("\n| key | kind | default | |\n|---|---|---|---|\n", out);
        for (const struct lt_halfpipe_key *k = t->keys; k->name; k++) {
            const char *quote = k->fallback ? "`" : "";
            fprintf(out, "| `%s` | %s | %s%s%s | %s |\n", k->name, kinds[k->kind], quote,
                    k->required   ? "required"
                    : k->fallback ? k->fallback
                                  : "",
                    quote, k->help);
        }
    }
}
