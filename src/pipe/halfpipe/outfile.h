/* Files that steps write: under their names once they are whole. */
#ifndef LT_PIPE_HALFPIPE_OUTFILE_H
#define LT_PIPE_HALFPIPE_OUTFILE_H

#include "pipe/halfpipe/internal.h"

#include "core/bytes.h"

/* How files of a step are called: <dir>/<prefix>[-<stamp>]_<000001>.<extension>[.gz] */
struct hp_names {
    char *dir, *stem, *extension;
    bool gzip;
    int64_t n; /* files so far */
};
/* From the keys of the step's data; makes the folder, of the name's kind where it is temporary. */
int hp_names_init(struct hp_names *names, const struct hp_def *def, bool gzip,
                  const char *temporary, struct leat_error *err);
void hp_names_done(struct hp_names *names);

struct hp_outfile {
    struct lt_sink *sink;
    char *path, *part; /* its name, and the one it has until it is whole */
};
int hp_outfile_open(struct hp_outfile *file, struct hp_names *names, struct leat_error *err);
/* Writes the end and gives the file its name; *ret_path is malloc'ed. */
int hp_outfile_finish(struct hp_outfile *file, char **ret_path, struct leat_error *err);
/* Without a finish() the file goes. */
void hp_outfile_done(struct hp_outfile *file);

/* A batch of these texts in one column, utf8. */
int hp_text_batch(char *const *texts, size_t n, struct ArrowArray *ret_batch,
                  struct leat_error *err);
/* Appends a CSV field. `plain`: it cannot hold what needs quotes. */
int hp_csv_field(struct lt_buf *out, const char *text, size_t len, bool plain);

#endif
