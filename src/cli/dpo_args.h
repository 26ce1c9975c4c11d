/* Arguments as Python's argparse takes them: the faces of other programs keep their command lines.
 *
 * Long options may be shortened to a unique beginning; --name value, --name=value, -xvalue and
 * -x value are the same; options and positional arguments may come in any order; what begins with
 * '-' is an option unless it is a negative number or holds a blank. */
#ifndef LT_DPO_ARGS_H
#define LT_DPO_ARGS_H

#include <stdbool.h>

#define DPO_POSITIONALS_MAX 4096

struct dpo_option {
    const char *names[3]; /* "-r", "--rows-processed"; ends with NULL */
    const char *value;    /* its name in the usage; NULL: the option takes none */
    const char *help;
};

struct dpo_args {
    const struct dpo_option *options; /* ends with a NULL name */
    bool stop_at_command; /* the first positional behind `n_first` ones takes all that follows */
    int n_first;
    /* What was found: */
    const char **positionals; /* room for all arguments */
    int n_positionals;
    bool given[8];         /* by row of options */
    const char *values[8]; /* NULL: given without one */
    int rest;              /* index of the first argument that was not looked at */
    char message[256];     /* what is wrong; "" when all is well */
    bool help;             /* -h, --help: nothing after it was looked at */
};

/* Reads argv[0..argc). False: see message. */
bool dpo_args_read(struct dpo_args *args, int argc, const char *const *argv);

#endif
