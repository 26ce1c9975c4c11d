#include "ledger/trust.h"

#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Files are known by their whole path: that of the folder as the system spells it, and what the
 * pattern found below. All those of a folder are one range of the key. */
static int real_base(const char *base, char ret_low[PATH_MAX + 2], char ret_high[PATH_MAX + 2],
                     struct leat_error *err)
{
    char path[PATH_MAX];
    if (!realpath(*base ? base : ".", path)) {
        return lt_fail_errno(err, errno, "cannot resolve %s", base);
    }
    bool root = !strcmp(path, "/");
    snprintf(ret_low, PATH_MAX + 2, "%s/", root ? "" : path);
    snprintf(ret_high, PATH_MAX + 2, "%s0", root ? "" : path); /* '0' follows '/' */
    return LEAT_OK;
}

/* What stands behind the folder in a model's path. */
static const char *below(const struct lt_models *models, const struct lt_model *model, size_t base)
{
    const char *path = lt_model_path(models, model) + base;
    return path + (*path == '/');
}

/* --- looking up ----------------------------------------------------------------------------- */

struct known {
    struct lt_db_rows rows;
    size_t prefix; /* of the folder in their paths */
};

enum { C_PATH, C_SIZE, C_MTIME, C_DEVICE, C_INODE, C_CHECKSUM };

/* Rows are in the order of their paths. */
static bool find(const struct known *known, const char *path, size_t *ret_row)
{
    size_t low = 0, high = known->rows.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(lt_db_cell(&known->rows, middle, C_PATH) + known->prefix, path);
        if (!order) {
            *ret_row = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static bool is_as_it_was(const struct lt_db_rows *rows, size_t row, const struct lt_stamp *stamp)
{
    return lt_db_number(rows, row, C_SIZE, -1) == stamp->size &&
           lt_db_number(rows, row, C_MTIME, -1) == stamp->mtime_ns &&
           lt_db_number(rows, row, C_DEVICE, -1) == (int64_t)stamp->device &&
           lt_db_number(rows, row, C_INODE, -1) == (int64_t)stamp->inode;
}

int lt_trust_known(struct leat_state *state, struct lt_models *models, const char *base,
                   struct leat_error *err)
{
    char low[PATH_MAX + 2], high[PATH_MAX + 2];
    const char *params[] = {low, high};
    struct known known = {0};
    int rc = real_base(base, low, high, err);
    rc = rc ? rc
            : lt_db_query(state->db,
                          "SELECT path, size, mtime_ns, device, inode, checksum"
                          " FROM {leat}model_file WHERE path{c} >= $1 AND path{c} < $2"
                          " ORDER BY path{c}",
                          2, params, &known.rows, err);
    known.prefix = strlen(low);
    for (size_t i = 0; !rc && known.rows.n && i < models->n; i++) {
        struct lt_model *model = &models->items[i];
        size_t row;
        if (find(&known, below(models, model, strlen(base)), &row) &&
            !lt_stamp_read(lt_model_path(models, model), &model->stamp, NULL) &&
            is_as_it_was(&known.rows, row, &model->stamp)) {
            snprintf(model->checksum, sizeof model->checksum, "%s",
                     lt_db_cell(&known.rows, row, C_CHECKSUM));
            model->known = model->is_steady = true;
        }
    }
    lt_db_rows_done(&known.rows);
    return rc;
}

/* --- remembering ---------------------------------------------------------------------------- */

struct file_rows {
    const struct lt_models *models;
    const char *low;
    size_t base, at;
    char *path;
    char texts[4][LT_DB_NUMBER_MAX];
};

static bool next_file(void *arg, const char **cells)
{
    struct file_rows *rows = arg;
    while (rows->at < rows->models->n && !rows->models->items[rows->at].is_steady) {
        rows->at++;
    }
    if (rows->at == rows->models->n) {
        return false;
    }
    const struct lt_model *model = &rows->models->items[rows->at++];
    free(rows->path);
    rows->path = lt_format("%s%s", rows->low, below(rows->models, model, rows->base));
    cells[0] = rows->path; /* NULL without memory is refused by the table */
    cells[1] = lt_db_number_text(model->stamp.size, rows->texts[0]);
    cells[2] = lt_db_number_text(model->stamp.mtime_ns, rows->texts[1]);
    cells[3] = lt_db_number_text((int64_t)model->stamp.device, rows->texts[2]);
    cells[4] = lt_db_number_text((int64_t)model->stamp.inode, rows->texts[3]);
    cells[5] = model->checksum;
    return true;
}

int lt_trust_remember(struct leat_state *state, const struct lt_models *models, const char *base,
                      struct leat_error *err)
{
    char low[PATH_MAX + 2], high[PATH_MAX + 2];
    const char *params[] = {low, high};
    int rc = real_base(base, low, high, err);
    struct file_rows rows = {.models = models, .low = low, .base = strlen(base)};
    rc = rc ? rc
            : lt_db_run(state->db,
                        "DELETE FROM {leat}model_file WHERE path{c} >= $1 AND path{c} < $2", 2,
                        params, NULL, err);
    rc = rc ? rc
            : lt_db_insert(state->db, "{leat}model_file",
                           "path, size, mtime_ns, device, inode, checksum", 6, next_file, &rows,
                           err);
    free(rows.path);
    return rc;
}
