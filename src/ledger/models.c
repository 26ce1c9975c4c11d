#include "ledger/models.h"

#include "core/codes.h"
#include "core/pool.h"
#include "core/util.h"
#include "ledger/glob.h"
#include "ledger/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)128 << 10)
#define CHUNK_FILES 64   /* claimed by a thread at a time */
#define ROUND_CHUNKS 128 /* between two calls of hashed() */
/* A file changed this long ago cannot be changed again without its time showing it, whatever the
 * resolution of the file system's clock. */
#define STEADY_NS ((int64_t)2000000000)

/* --- names ---------------------------------------------------------------------------------- */

/* The name of a file without its last extension, as pathlib's `stem` has it. */
static void name_of(const char *path, uint32_t *ret_start, uint32_t *ret_len)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    const char *dot = strrchr(file, '.');
    *ret_start = (uint32_t)(file - path);
    *ret_len = (uint32_t)(dot && dot > file && dot[1] ? (size_t)(dot - file) : strlen(file));
}

static const char *name_at(const struct lt_models *models, const struct lt_model *model)
{
    return lt_model_path(models, model) + model->name;
}

static int check_name(const char *path, uint32_t start, uint32_t len, struct leat_error *err)
{
    const char *name = path + start;
    if (lt_utf8_valid_prefix(name, len) != len) {
        return lt_fail(err, LT_E_INVALID_UTF8, "the name of a model is not valid UTF-8");
    }
    char *copy = len > LT_MODEL_NAME_MAX ? lt_strndup(name, len) : NULL;
    bool longer = copy && lt_code_points(copy) > LT_MODEL_NAME_MAX;
    free(copy);
    return longer ? lt_fail(err, LT_E_LIMIT, "the name of a model has more than %d characters",
                            LT_MODEL_NAME_MAX)
                  : LEAT_OK;
}

/* --- what was found ------------------------------------------------------------------------- */

static uint32_t *slot_of(struct lt_models *models, const char *name, size_t len)
{
    size_t mask = models->n_slots - 1, i = lt_hash(name, len) & mask;
    while (models->slots[i]) {
        const struct lt_model *model = &models->items[models->slots[i] - 1];
        if (model->name_len == len && !memcmp(name_at(models, model), name, len)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return &models->slots[i];
}

/* Twice the room, in items and slots. */
static int grow(struct lt_models *models, struct leat_error *err)
{
    size_t cap = models->cap ? models->cap * 2 : 256;
    if (models->n >= LT_MODELS_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a step has at most %d models", LT_MODELS_MAX);
    }
    struct lt_model *items = realloc(models->items, cap * sizeof *items);
    if (!items) {
        return lt_fail_oom(err);
    }
    models->items = items;
    uint32_t *slots = calloc(cap * 2, sizeof *slots);
    if (!slots) {
        return lt_fail_oom(err);
    }
    free(models->slots);
    models->slots = slots;
    models->n_slots = cap * 2;
    models->cap = cap;
    for (size_t i = 0; i < models->n; i++) {
        *slot_of(models, name_at(models, &items[i]), items[i].name_len) = (uint32_t)i + 1;
    }
    return LEAT_OK;
}

struct finder {
    struct lt_models *models;
    bool later_wins;
    /* Paths this pattern has given, where it may give one twice; each counts but once. */
    bool may_repeat;
    struct lt_models *seen;
};

static int keep_path(struct lt_models *models, const char *path, size_t *ret_offset,
                     struct leat_error *err)
{
    *ret_offset = models->texts.len;
    return lt_buf_append(&models->texts, path, strlen(path) + 1) ? lt_fail_oom(err) : LEAT_OK;
}

static int add(struct lt_models *models, const char *path, uint32_t start, uint32_t len,
               struct leat_error *err)
{
    struct lt_model model = {.name = start, .name_len = len};
    int rc = models->n == models->cap ? grow(models, err) : LEAT_OK;
    rc = rc ? rc : keep_path(models, path, &model.path, err);
    if (!rc) {
        *slot_of(models, path + start, len) = (uint32_t)models->n + 1;
        models->items[models->n++] = model;
    }
    return rc;
}

/* The model of that name found before, or NULL. */
static struct lt_model *find(struct lt_models *models, const char *name, size_t len)
{
    uint32_t slot = models->n_slots ? *slot_of(models, name, len) : 0;
    return slot ? &models->items[slot - 1] : NULL;
}

/* True when this pattern has given the path before: the whole of it is the name in a set. */
static int seen_before(struct finder *finder, const char *path, bool *ret_seen,
                       struct leat_error *err)
{
    uint32_t len = (uint32_t)strlen(path);
    *ret_seen = finder->may_repeat && find(finder->seen, path, len);
    return finder->may_repeat && !*ret_seen ? add(finder->seen, path, 0, len, err) : LEAT_OK;
}

static int take_file(void *arg, const char *path, struct leat_error *err)
{
    struct finder *finder = arg;
    uint32_t start, len;
    bool seen = false;
    name_of(path, &start, &len);
    int rc = check_name(path, start, len, err);
    rc = rc ? rc : seen_before(finder, path, &seen, err);
    if (rc || seen) {
        return rc;
    }
    struct lt_model *same = find(finder->models, path + start, len);
    if (!same) {
        return add(finder->models, path, start, len, err);
    }
    if (!strcmp(lt_model_path(finder->models, same), path)) {
        return LEAT_OK;
    }
    if (!finder->later_wins) {
        return lt_fail(err, LT_E_DUPLICATE_MODEL, "%s and %s are both the model \"%.*s\"",
                       lt_model_path(finder->models, same), path, (int)len, path + start);
    }
    same->name = start;
    return keep_path(finder->models, path, &same->path, err);
}

static int by_name(const void *a, const void *b, void *arg)
{
    const struct lt_model *x = a, *y = b;
    size_t len = LT_MIN(x->name_len, y->name_len);
    int order = memcmp(name_at(arg, x), name_at(arg, y), len);
    return order ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

/* A path can come twice with several "**", or with "..". */
static bool may_repeat(const char *pattern)
{
    const char *first = strstr(pattern, "**");
    return first && (strstr(first + 2, "**") || strstr(pattern, ".."));
}

static int find_pattern(struct finder *finder, const char *base, const char *pattern,
                        struct leat_error *err)
{
    struct lt_glob *glob = NULL;
    struct lt_models seen = {0};
    finder->may_repeat = may_repeat(pattern);
    finder->seen = &seen;
    int rc = lt_glob_new(pattern, &glob, err);
    rc = rc ? rc : lt_glob_files(glob, *base ? base : ".", take_file, finder, err);
    if (rc) {
        leat_error_place(err, "pattern '%s'", pattern);
    }
    lt_glob_free(glob);
    lt_models_done(&seen);
    return rc;
}

int lt_models_find(struct lt_models *models, const char *base, const char *const *patterns,
                   size_t n_patterns, bool later_wins, struct leat_error *err)
{
    struct finder finder = {.models = models, .later_wins = later_wins};
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < n_patterns; i++) {
        rc = find_pattern(&finder, base, patterns[i], err);
    }
    if (!rc && models->n) {
        qsort_r(models->items, models->n, sizeof *models->items, by_name, models);
    }
    free(models->slots); /* no longer true */
    models->slots = NULL;
    models->n_slots = 0;
    return rc;
}

void lt_models_done(struct lt_models *models)
{
    lt_buf_done(&models->texts);
    free(models->items);
    free(models->slots);
    memset(models, 0, sizeof *models);
}

/* --- hashing -------------------------------------------------------------------------------- */

struct hashing {
    struct lt_models *models;
    size_t first, end; /* of this round */
    struct lt_sha256 *sha[LT_POOL_THREADS_MAX];
    uint8_t *buffer[LT_POOL_THREADS_MAX];
};

static void stamp_of(const struct stat *st, struct lt_stamp *stamp)
{
    stamp->size = st->st_size;
    stamp->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    stamp->device = st->st_dev;
    stamp->inode = st->st_ino;
}

int lt_stamp_read(const char *path, struct lt_stamp *ret_stamp, struct leat_error *err)
{
    struct stat st;
    if (stat(path, &st)) {
        return lt_fail_errno(err, errno, "cannot read %s", path);
    }
    stamp_of(&st, ret_stamp);
    return LEAT_OK;
}

static int hash_open_file(struct hashing *hashing, struct lt_model *model, int worker, int fd,
                          struct leat_error *err)
{
    struct lt_sha256 *sha = hashing->sha[worker];
    struct stat st;
    int64_t total = 0;
    if (fstat(fd, &st)) {
        return lt_fail_errno(err, errno, "cannot read");
    }
    stamp_of(&st, &model->stamp);
    model->is_steady = lt_wall_us() * 1000 - model->stamp.mtime_ns > STEADY_NS;
    for (;;) {
        ssize_t got = read(fd, hashing->buffer[worker], READ_BYTES);
        if (got < 0 && errno != EINTR) {
            return lt_fail_errno(err, errno, "cannot read");
        }
        int rc = got > 0 ? lt_sha256_add(sha, hashing->buffer[worker], (size_t)got, err) : LEAT_OK;
        total += LT_MAX(got, 0);
        if (rc || got == 0) {
            model->is_steady = model->is_steady && total == model->stamp.size;
            return rc ? rc : lt_sha256_hex(sha, model->checksum, err);
        }
    }
}

static int hash_file(struct hashing *hashing, struct lt_model *model, int worker,
                     struct leat_error *err)
{
    const char *path = lt_model_path(hashing->models, model);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int rc = fd < 0 ? lt_fail_errno(err, errno, "cannot open")
                    : hash_open_file(hashing, model, worker, fd, err);
    if (fd >= 0) {
        close(fd);
    }
    if (rc) {
        leat_error_place(err, "%s", path);
    }
    return rc;
}

static int hash_chunk(void *arg, size_t item, int worker, struct leat_error *err)
{
    struct hashing *hashing = arg;
    size_t i = hashing->first + item * CHUNK_FILES, end = LT_MIN(i + CHUNK_FILES, hashing->end);
    int rc = LEAT_OK;
    for (; !rc && i < end; i++) {
        struct lt_model *model = &hashing->models->items[i];
        rc = model->known ? LEAT_OK : hash_file(hashing, model, worker, err);
    }
    return rc;
}

static int hash_rounds(struct hashing *hashing, struct lt_pool *pool, leat_hashed_fn *hashed,
                       void *arg, struct leat_error *err)
{
    size_t n = hashing->models->n, round = (size_t)ROUND_CHUNKS * CHUNK_FILES;
    int rc = LEAT_OK;
    for (size_t first = 0; !rc && first < n; first = hashing->end) {
        hashing->first = first;
        hashing->end = LT_MIN(first + round, n);
        size_t chunks = (hashing->end - first + CHUNK_FILES - 1) / CHUNK_FILES;
        rc = lt_pool_run(pool, chunks, hash_chunk, hashing, err);
        if (!rc && hashed) {
            hashed(arg, hashing->end, n);
        }
    }
    return rc;
}

static int threads_for(size_t files)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int most = (int)LT_MIN(LT_MAX(processors, 1), LT_POOL_THREADS_MAX);
    return (int)LT_MIN((files + CHUNK_FILES - 1) / CHUNK_FILES, (size_t)most);
}

int lt_models_hash(struct lt_models *models, leat_hashed_fn *hashed, void *arg,
                   struct leat_error *err)
{
    struct hashing hashing = {.models = models};
    struct lt_pool *pool = NULL;
    if (!models->n) {
        return LEAT_OK;
    }
    int rc = lt_pool_new(threads_for(models->n), &pool, err);
    int threads = rc ? 0 : lt_pool_threads(pool);
    for (int i = 0; !rc && i < threads; i++) {
        rc = lt_sha256_new(&hashing.sha[i], err);
        hashing.buffer[i] = rc ? NULL : malloc(READ_BYTES);
        rc = rc || hashing.buffer[i] ? rc : lt_fail_oom(err);
    }
    rc = rc ? rc : hash_rounds(&hashing, pool, hashed, arg, err);
    for (int i = 0; i < threads; i++) {
        lt_sha256_free(hashing.sha[i]);
        free(hashing.buffer[i]);
    }
    lt_pool_free(pool);
    return rc;
}
