/* Marks: which files a stream has, so that a later read takes only those that came since.
 *
 * Files of a manifest are only ever added to at its end, so their number and one hash over all of
 * them will do. Others are told by name, size and time, each of them: a name may come before
 * those that are known. */
#include "connectors/file/internal.h"

#include "core/hasher.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/banned.h"

#define MARK_VERSION 1

struct known {
    char *name;
    int64_t bytes, modified_ns;
};

struct mark {
    bool listed;
    struct known *files; /* sorted by name; not of listed ones */
    size_t n;
    char hash[17]; /* of listed ones */
};

static void mark_done(struct mark *mark)
{
    for (size_t i = 0; mark->files && i < mark->n; i++) {
        free(mark->files[i].name);
    }
    free(mark->files);
    *mark = (struct mark){.files = NULL};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

/* --- taking -------------------------------------------------------------------------------- */

/* The hash over the first n files of a manifest. */
static int hash_listed(const struct fc_stream_files *files, size_t n, char ret_hash[17],
                       struct leat_error *err)
{
    struct lt_hasher *hasher = lt_hasher_new();
    if (!hasher) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        const struct fc_place *file = &files->files[i];
        char facts[64];
        int len = snprintf(facts, sizeof facts, "/%" PRId64 "/%s\n", file->bytes, file->checksum);
        lt_hasher_add(hasher, file->within, strlen(file->within));
        lt_hasher_add(hasher, facts, (size_t)len);
    }
    snprintf(ret_hash, 17, "%016" PRIx64, lt_hasher_value(hasher));
    lt_hasher_free(hasher);
    return LEAT_OK;
}

static int take_file(const struct fc_place *file, struct known *known, struct leat_error *err)
{
    struct stat st;
    if (stat(file->path, &st) != 0) {
        return lt_fail_errno(err, errno, "cannot look at %s", file->path);
    }
    known->name = lt_strdup(file->within);
    known->bytes = st.st_size;
    known->modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return known->name ? LEAT_OK : lt_fail_oom(err);
}

static int take_mark(const struct fc_stream_files *files, struct mark *mark, struct leat_error *err)
{
    *mark = (struct mark){.listed = files->listed};
    if (files->listed) {
        mark->n = files->n;
        return hash_listed(files, files->n, mark->hash, err);
    }
    mark->files = calloc(files->n + 1, sizeof *mark->files);
    int status = mark->files ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < files->n && !status; i++) {
        status = take_file(&files->files[i], &mark->files[mark->n++], err);
    }
    if (!status && mark->n) {
        qsort(mark->files, mark->n, sizeof *mark->files, by_name);
    }
    return status;
}

/* --- as text ------------------------------------------------------------------------------- */

static int format_mark(const struct mark *mark, char **ret_text, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    lt_json_object(&json);
    lt_json_key(&json, "version");
    lt_json_int(&json, MARK_VERSION);
    lt_json_key(&json, "n");
    lt_json_int(&json, (int64_t)mark->n);
    lt_json_key(&json, mark->listed ? "hash" : "files");
    if (mark->listed) {
        lt_json_text(&json, mark->hash);
    } else {
        lt_json_array(&json);
        for (size_t i = 0; i < mark->n; i++) {
            lt_json_array(&json);
            lt_json_text(&json, mark->files[i].name);
            lt_json_int(&json, mark->files[i].bytes);
            lt_json_int(&json, mark->files[i].modified_ns);
            lt_json_array_end(&json);
        }
        lt_json_array_end(&json);
    }
    lt_json_object_end(&json);
    char *text = json.failed ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    if (!text) {
        return lt_fail_oom(err);
    }
    *ret_text = text;
    return LEAT_OK;
}

static int read_mark(const struct lt_json_value *root, struct mark *mark)
{
    const struct lt_json_value *files = lt_json_get(root, "files");
    const char *hash = lt_json_string(lt_json_get(root, "hash"), NULL);
    int64_t n = lt_json_integer(lt_json_get(root, "n"), -1);
    if (lt_json_integer(lt_json_get(root, "version"), 0) != MARK_VERSION || n < 0 ||
        (!hash && lt_json_count(files) != (size_t)n)) {
        return LEAT_INVALID;
    }
    mark->listed = hash != NULL;
    if (hash) {
        mark->n = (size_t)n;
        snprintf(mark->hash, sizeof mark->hash, "%s", hash);
        return LEAT_OK;
    }
    mark->files = calloc((size_t)n + 1, sizeof *mark->files);
    for (int64_t i = 0; mark->files && i < n; i++) {
        const struct lt_json_value *item = lt_json_at(files, (size_t)i);
        struct known *known = &mark->files[mark->n++];
        known->name = lt_strdup(lt_json_string(lt_json_at(item, 0), ""));
        known->bytes = lt_json_integer(lt_json_at(item, 1), -1);
        known->modified_ns = lt_json_integer(lt_json_at(item, 2), -1);
        if (!known->name) {
            return LEAT_NO_MEMORY;
        }
    }
    if (mark->files && mark->n) {
        qsort(mark->files, mark->n, sizeof *mark->files, by_name);
    }
    return mark->files ? LEAT_OK : LEAT_NO_MEMORY;
}

static int parse_mark(const char *text, struct mark *mark, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    *mark = (struct mark){.files = NULL};
    int status = lt_json_doc_parse(text, strlen(text), &doc, NULL);
    status = status ? status : read_mark(lt_json_root(doc), mark);
    lt_json_doc_free(doc);
    if (status == LEAT_NO_MEMORY) {
        return lt_fail_oom(err);
    }
    return status ? lt_fail(err, LT_E_INVALID, "not a mark of files that leat wrote") : LEAT_OK;
}

/* --- comparing ----------------------------------------------------------------------------- */

static const struct known *find(const struct mark *mark, const char *name)
{
    struct known key = {.name = (char *)(uintptr_t)name};
    return mark->n ? bsearch(&key, mark->files, mark->n, sizeof key, by_name) : NULL;
}

/* All that `old` knows must still be in `now`, as it was. */
static int check_known(const struct fc_stream_files *files, const struct mark *old,
                       const struct mark *now, struct leat_error *err)
{
    if (old->listed != now->listed) {
        return lt_fail(err, LT_E_SOURCE_CHANGED, "%s",
                       now->listed ? "a manifest has come to the files that are known"
                                   : "the manifest of the files that are known is gone");
    }
    if (old->listed) {
        char hash[17] = "";
        int status = old->n > files->n ? LEAT_OK : hash_listed(files, old->n, hash, err);
        return status || !strcmp(hash, old->hash)
                   ? status
                   : lt_fail(err, LT_E_SOURCE_CHANGED,
                             "the first %zu files of the manifest are not those read before",
                             old->n);
    }
    for (size_t i = 0; i < old->n; i++) {
        const struct known *was = &old->files[i], *is = find(now, was->name);
        if (!is || is->bytes != was->bytes || is->modified_ns != was->modified_ns) {
            int status = lt_fail(err, LT_E_SOURCE_CHANGED, "a file read before %s",
                                 is ? "was written since" : "is gone");
            leat_error_place(err, "%s", was->name);
            return status;
        }
    }
    return LEAT_OK;
}

/* Whether file `i` is one of those that the mark knows. */
static bool knows(const struct mark *mark, const struct fc_stream_files *files, size_t i)
{
    return mark->listed ? i < mark->n : find(mark, files->files[i].within) != NULL;
}

int lt_fc_mark(struct leat_endpoint *ep, const struct leat_read_plan *plan, const char *since,
               char **ret_mark, bool *ret_news, struct leat_error *err)
{
    struct fc_stream_files files = {.name = NULL};
    struct mark now = {.files = NULL}, old = {.files = NULL};
    char *text = NULL;
    if (ep->kind == FC_STANDARD) {
        return lt_fail(err, LT_E_UNSUPPORTED, "standard input comes once, and leaves no mark");
    }
    int status = lt_fc_find_stream(ep, plan->stream.name, &files, err);
    status = status ? status : take_mark(&files, &now, err);
    status = status || !since ? status : parse_mark(since, &old, err);
    status = status || !since ? status : check_known(&files, &old, &now, err);
    status = status ? status : format_mark(&now, &text, err);
    if (!status) {
        *ret_mark = text;
        if (ret_news) {
            *ret_news = now.n > old.n;
        }
    }
    mark_done(&now);
    mark_done(&old);
    lt_fc_stream_files_done(&files);
    return status;
}

static void place_done(struct fc_place *file)
{
    free(file->path);
    free(file->within);
    *file = (struct fc_place){.path = NULL};
}

static bool is_between(const struct fc_stream_files *files, size_t i, const struct mark *low,
                       const struct mark *high)
{
    return !(low && knows(low, files, i)) && (!high || knows(high, files, i));
}

static void keep_between(struct fc_stream_files *files, const struct mark *low,
                         const struct mark *high, bool *ret_none)
{
    size_t kept = 0, wanted = 0;
    for (size_t i = 0; i < files->n; i++) {
        wanted += is_between(files, i, low, high);
    }
    for (size_t i = 0; i < files->n; i++) {
        struct fc_place file = files->files[i];
        if (wanted ? is_between(files, i, low, high) : i + 1 == files->n) {
            files->files[i] = (struct fc_place){.path = NULL};
            files->files[kept++] = file;
        } else {
            place_done(&files->files[i]);
        }
    }
    files->n = kept;
    *ret_none = wanted == 0;
}

int lt_fc_mark_select(struct fc_stream_files *files, const char *since, const char *until,
                      bool *ret_none, struct leat_error *err)
{
    struct mark now = {.files = NULL}, low = {.files = NULL}, high = {.files = NULL};
    int status = take_mark(files, &now, err);
    status = status || !since ? status : parse_mark(since, &low, err);
    status = status || !since ? status : check_known(files, &low, &now, err);
    status = status || !until ? status : parse_mark(until, &high, err);
    status = status || !until ? status : check_known(files, &high, &now, err);
    if (!status) {
        keep_between(files, since ? &low : NULL, until ? &high : NULL, ret_none);
    }
    mark_done(&now);
    mark_done(&low);
    mark_done(&high);
    return status;
}
