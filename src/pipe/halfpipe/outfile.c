#include "pipe/halfpipe/outfile.h"

#include "core/codec.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- names ---------------------------------------------------------------------------------- */

static int make_folders(char *path, struct leat_error *err)
{
    for (char *p = path + 1;; p++) {
        char c = *p;
        if (c && c != '/') {
            continue;
        }
        *p = 0;
        int code = mkdir(path, 0777) && errno != EEXIST ? errno : 0;
        *p = c;
        if (code) {
            return lt_fail_errno(err, code, "cannot make the folder %s", path);
        }
        if (!c) {
            return LEAT_OK;
        }
    }
}

static int make_dir(struct hp_names *names, const char *dir, const char *temporary,
                    struct leat_error *err)
{
    const char *base = getenv("TMPDIR");
    names->dir =
        *dir ? lt_strdup(dir) : lt_format("%s/%s-XXXXXX", base && *base ? base : "/tmp", temporary);
    if (!names->dir) {
        return lt_fail_oom(err);
    }
    if (*dir) {
        return make_folders(names->dir, err);
    }
    return mkdtemp(names->dir) ? LEAT_OK
                               : lt_fail_errno(err, errno, "cannot make a temporary folder");
}

#define STAMPS_TRIED_MAX 60

static int make_stem(struct hp_names *names, const struct hp_def *def, int64_t now,
                     struct leat_error *err)
{
    struct lt_buf stem = LT_BUF_INIT;
    int rc = lt_buf_puts(&stem, hp_value(def, "fileNamePrefix"));
    if (!rc && hp_is_on(def, "fileNameSuffixAppendCreationStamp")) {
        rc = lt_buf_byte(&stem, '-');
        rc = rc ? rc
                : hp_go_time(hp_value(def, "fileNameSuffixDateTimeFormat"), now / 1000000,
                             now % 1000000 * 1000, true, &stem);
    }
    free(names->stem);
    names->stem = rc ? NULL : lt_buf_take(&stem);
    lt_buf_done(&stem);
    if (!names->stem) {
        return lt_fail_oom(err);
    }
    return strchr(names->stem, '/')
               ? lt_fail(err, LT_E_INVALID,
                         "fileNameSuffixDateTimeFormat: a name of a file has no /")
               : LEAT_OK;
}

static char *name_of(const struct hp_names *names, int64_t n)
{
    return lt_format("%s/%s_%06lld%s%s%s", names->dir, names->stem, (long long)n,
                     *names->extension ? "." : "", names->extension, names->gzip ? ".gz" : "");
}

/* Two that begin within one second would have the same names: the later one takes the next second that
 * is free. A stamp that does not tell seconds stays, and its files are written over. */
static int find_free_stem(struct hp_names *names, const struct hp_def *def, int64_t now,
                          struct leat_error *err)
{
    int rc = LEAT_OK;
    bool taken = hp_is_on(def, "fileNameSuffixAppendCreationStamp");
    for (int i = 1; !rc && taken && i <= STAMPS_TRIED_MAX; i++) {
        char *first = name_of(names, 1);
        taken = first && !access(first, F_OK);
        rc = !first  ? lt_fail_oom(err)
             : taken ? make_stem(names, def, now + i * 1000000LL, err)
                     : 0;
        free(first);
    }
    return rc;
}

int hp_names_init(struct hp_names *names, const struct hp_def *def, bool gzip,
                  const char *temporary, struct leat_error *err)
{
    const char *prefix = hp_value(def, "fileNamePrefix");
    const char *extension = hp_value(def, "fileNameExtension");
    int64_t now = lt_wall_us();
    *names = (struct hp_names){.gzip = gzip};
    if (strchr(prefix, '/') || strchr(extension, '/')) {
        return lt_fail(err, LT_E_INVALID, "names of files have no /: outputDir is for folders");
    }
    names->extension = lt_strdup(extension + (*extension == '.'));
    int rc = names->extension ? make_stem(names, def, now, err) : lt_fail_oom(err);
    rc = rc ? rc : make_dir(names, hp_value(def, "outputDir"), temporary, err);
    return rc ? rc : find_free_stem(names, def, now, err);
}

void hp_names_done(struct hp_names *names)
{
    free(names->dir);
    free(names->stem);
    free(names->extension);
    *names = (struct hp_names){.dir = NULL};
}

/* --- bytes to a file ------------------------------------------------------------------------ */

struct fd_sink {
    struct lt_sink base;
    int fd;
    char *name;
};

static int fd_write(struct lt_sink *sink, const void *data, size_t size, struct leat_error *err)
{
    struct fd_sink *self = (struct fd_sink *)sink;
    for (const char *p = data; size;) {
        ssize_t n = write(self->fd, p, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return lt_fail_errno(err, errno, "cannot write %s", self->name);
        }
        p += n;
        size -= (size_t)n;
        sink->position += n;
    }
    return LEAT_OK;
}

static int fd_finish(struct lt_sink *sink, struct leat_error *err)
{
    struct fd_sink *self = (struct fd_sink *)sink;
    return fsync(self->fd) && errno != EINVAL
               ? lt_fail_errno(err, errno, "cannot write %s", self->name)
               : LEAT_OK;
}

static void fd_close(struct lt_sink *sink)
{
    struct fd_sink *self = (struct fd_sink *)sink;
    close(self->fd);
    free(self->name);
    free(self);
}

static int open_sink(const char *path, struct lt_sink **ret_sink, struct leat_error *err)
{
    static const struct lt_sink_ops ops = {fd_write, fd_finish, fd_close};
    struct fd_sink *self = calloc(1, sizeof *self);
    char *name = lt_strdup(path);
    if (!self || !name) {
        free(self);
        free(name);
        return lt_fail_oom(err);
    }
    self->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (self->fd < 0) {
        int rc = lt_fail_errno(err, errno, "cannot make the file %s", path);
        free(self);
        free(name);
        return rc;
    }
    self->name = name;
    self->base = (struct lt_sink){.ops = &ops, .name = name};
    *ret_sink = &self->base;
    return LEAT_OK;
}

/* --- a file --------------------------------------------------------------------------------- */

int hp_outfile_open(struct hp_outfile *file, struct hp_names *names, struct leat_error *err)
{
    struct lt_sink *raw = NULL;
    *file = (struct hp_outfile){.sink = NULL};
    file->path = name_of(names, names->n + 1);
    file->part = file->path ? lt_format("%s.part", file->path) : NULL;
    int rc = file->part ? open_sink(file->part, &raw, err) : lt_fail_oom(err);
    if (!rc && names->gzip) {
        rc = lt_sink_compress(raw, LT_CODEC_GZIP, 0, 2, &file->sink, err);
        if (rc) {
            unlink(file->part);
        }
    } else if (!rc) {
        file->sink = raw;
    }
    names->n += !rc;
    return rc;
}

int hp_outfile_finish(struct hp_outfile *file, char **ret_path, struct leat_error *err)
{
    int rc = lt_sink_finish(file->sink, err);
    if (!rc && rename(file->part, file->path)) {
        rc = lt_fail_errno(err, errno, "cannot give %s its name", file->path);
    }
    if (rc) {
        return rc;
    }
    lt_sink_close(file->sink);
    free(file->part);
    *ret_path = file->path;
    *file = (struct hp_outfile){.sink = NULL};
    return LEAT_OK;
}

void hp_outfile_done(struct hp_outfile *file)
{
    if (file->sink) {
        lt_sink_close(file->sink);
        unlink(file->part);
    }
    free(file->path);
    free(file->part);
    *file = (struct hp_outfile){.sink = NULL};
}

/* --- small things --------------------------------------------------------------------------- */

int hp_text_batch(char *const *texts, size_t n, struct ArrowArray *ret_batch,
                  struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    struct lt_batch_builder builder = {0};
    int rc = lt_schema_init_struct(&schema, 0, err);
    rc = rc ? rc : lt_schema_add_field(&schema, "u", "", ARROW_FLAG_NULLABLE, NULL, err);
    rc = rc ? rc : lt_batch_builder_init(&builder, &schema, err);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = lt_builder_bytes_value(&builder.columns[0], texts[i], strlen(texts[i]))
                 ? lt_fail_oom(err)
                 : LEAT_OK;
    }
    rc = rc ? rc : lt_batch_builder_finish(&builder, (int64_t)n, ret_batch, err);
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
    return rc;
}

static bool needs_quotes(const char *text, size_t len)
{
    if (!len || text[0] == ' ') {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r') {
            return true;
        }
    }
    return len == 2 && !memcmp(text, "\\.", 2); /* the end of data, to some readers */
}

int hp_csv_field(struct lt_buf *out, const char *text, size_t len, bool plain)
{
    if (plain || !needs_quotes(text, len)) {
        return lt_buf_append(out, text, len);
    }
    int rc = lt_buf_byte(out, '"');
    for (size_t i = 0; !rc && i < len; i++) {
        rc = text[i] == '"' ? lt_buf_byte(out, '"') : LEAT_OK;
        rc = rc ? rc : lt_buf_byte(out, (uint8_t)text[i]);
    }
    return rc ? rc : lt_buf_byte(out, '"');
}
