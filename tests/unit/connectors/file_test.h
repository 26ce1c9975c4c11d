/* What the tests of the file connector share: files as bytes, reads and loads by path. */
#ifndef FILE_TEST_H
#define FILE_TEST_H

#include "connectors/file/file.h"

#include <dirent.h>

#define CONNECTOR (&lt_connector_file)
#define TEST_FILE "orders.csv"
#include "connector_test.h"

static inline const char *in_dir(const struct fixture *f, const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", f->dir, name);
    return path[turn];
}

static inline void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static inline void assert_file(const char *path, const char *expected)
{
    char text[4096] = "";
    FILE *file = fopen(path, "r");
    if (!file) {
        fail_msg("there is no %s", path);
        return;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = 0;
    fclose(file);
    assert_string_equal(text, expected);
}

static inline bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

static inline int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names in a directory, sorted, hidden ones too. */
static inline void assert_names(const char *dir, const char *expected)
{
    char *names[64], text[1024] = "";
    size_t n = 0, used = 0;
    DIR *handle = opendir(dir);
    assert_non_null(handle);
    for (struct dirent *entry; (entry = readdir(handle)) && n < 64;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            names[n++] = lt_strdup(entry->d_name);
        }
    }
    closedir(handle);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", names[i]);
        free(names[i]);
    }
    assert_string_equal(text, expected);
}

static inline struct leat_endpoint *open_path(struct fixture *f, const char *path)
{
    char url[320];
    snprintf(url, sizeof url, "file:%s", path);
    return open_url(f, url);
}

static inline int read_path(struct fixture *f, const char *path, const char *stream, char *rows,
                            size_t size, struct leat_error *err)
{
    struct leat_endpoint *ep = open_path(f, path);
    struct leat_read_plan plan = plan_of(stream);
    struct leat_reader *reader = NULL;
    struct lt_buf types = LT_BUF_INIT, text = LT_BUF_INIT;
    int status = CONNECTOR->source->start(ep, &plan, &reader, err);
    status = status ? status : drain(reader, &types, &text, err);
    snprintf(rows, size, "%s", lt_buf_text(&text));
    CONNECTOR->source->finish(reader);
    lt_buf_done(&types);
    lt_buf_done(&text);
    CONNECTOR->close(ep);
    return status;
}

static inline void assert_path(struct fixture *f, const char *path, const char *stream,
                               const char *rows)
{
    char got[2048];
    struct leat_error err = {.status = LEAT_OK};
    if (read_path(f, path, stream, got, sizeof got, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    assert_string_equal(got, rows);
}

/* A whole load by status: begin, one part, commit, or abort. */
static inline int load_to(struct fixture *f, const char *path, const char *stream,
                          const char *schema, enum leat_write_mode mode, uint32_t flags,
                          const char *id, const char *rows, struct leat_error *err)
{
    struct leat_endpoint *ep = open_path(f, path);
    struct one_load l;
    bool already = false;
    load_init(&l, stream, schema, mode, flags, id);
    int status = load_begin(&l, ep, err);
    status = status ? status : load_write(&l, rows, NULL, err);
    status = status ? status : load_commit(&l, -1, &already, err);
    if (status && status != LEAT_OUTCOME_UNKNOWN) {
        CONNECTOR->load->abort(l.load);
    } else {
        CONNECTOR->load->release(l.load);
    }
    load_done(&l);
    CONNECTOR->close(ep);
    return status;
}

static inline void assert_loaded(struct fixture *f, const char *path, const char *stream,
                                 const char *schema, enum leat_write_mode mode, const char *id,
                                 const char *rows)
{
    struct leat_error err = {.status = LEAT_OK};
    if (load_to(f, path, stream, schema, mode, 0, id, rows, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
}

#endif
