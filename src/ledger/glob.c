#include "ledger/glob.h"

#include "core/codes.h"
#include "core/util.h"
#include "ledger/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PARTS_MAX 1024
#define DEPTH_MAX 512 /* folders within folders: each is a listing in memory */

enum part_kind { PART_LITERAL, PART_WILDCARD, PART_RECURSIVE };

struct part {
    enum part_kind kind;
    char *text;
};

struct lt_glob {
    struct part *parts;
    size_t n;
};

/* --- matching one name ------------------------------------------------------------------------ */

/* The bracket expression behind '[': whether it ends, and where its ']' is. */
static const char *bracket_end(const char *at)
{
    at += *at == '!';
    at += *at == ']';
    return strchr(at, ']');
}

/* A character against what stands between brackets. *ret_bad: a range that runs backwards. */
static bool in_bracket(const char *at, const char *end, uint32_t point, bool *ret_bad)
{
    bool negated = *at == '!', in = false;
    at += negated;
    while (at < end) {
        uint32_t low = lt_code_point(&at), high = low;
        if (*at == '-' && at + 1 < end) {
            at++;
            high = lt_code_point(&at);
        }
        *ret_bad |= high < low;
        in |= point >= low && point <= high;
    }
    return in != negated;
}

/* One element of the pattern that is no '*' against one character; moves *pattern on. */
static bool match_one(const char **pattern, uint32_t point)
{
    const char *end = **pattern == '[' ? bracket_end(*pattern + 1) : NULL;
    bool bad = false;
    if (end) {
        bool in = in_bracket(*pattern + 1, end, point, &bad);
        *pattern = end + 1;
        return in;
    }
    if (**pattern == '?') {
        *pattern += 1;
        return true;
    }
    return lt_code_point(pattern) == point;
}

/* Steps back to the last '*' alone: with what it took so far and one more character. */
static bool match_name(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;
    while (*name) {
        const char *next = pattern, *rest = name;
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern && match_one(&next, lt_code_point(&rest))) {
            pattern = next;
            name = rest;
        } else if (star) {
            lt_code_point(&retry);
            pattern = star;
            name = retry;
        } else {
            return false;
        }
    }
    pattern += strspn(pattern, "*");
    return !*pattern;
}

/* --- the pattern ------------------------------------------------------------------------------ */

static int check_brackets(const char *text, struct leat_error *err)
{
    while ((text = strchr(text, '['))) {
        const char *end = bracket_end(++text);
        bool bad = false;
        if (end) {
            in_bracket(text, end, 0, &bad);
            text = end + 1;
        }
        if (bad) {
            return lt_fail(err, LT_E_INVALID, "bad character range in the pattern");
        }
    }
    return LEAT_OK;
}

static int add_part(struct lt_glob *glob, const char *text, size_t len, struct leat_error *err)
{
    struct part *part = &glob->parts[glob->n];
    part->text = lt_strndup(text, len);
    if (!part->text) {
        return lt_fail_oom(err);
    }
    glob->n++;
    part->kind = PART_LITERAL;
    if (!strcmp(part->text, "**")) {
        part->kind = PART_RECURSIVE;
    } else if (strstr(part->text, "**")) {
        return lt_fail(err, LT_E_INVALID,
                       "Invalid pattern: '**' can only be an entire path component");
    } else if (strpbrk(part->text, "*?[")) {
        part->kind = PART_WILDCARD;
        return check_brackets(part->text, err);
    }
    return LEAT_OK;
}

int lt_glob_new(const char *pattern, struct lt_glob **ret_glob, struct leat_error *err)
{
    if (!*pattern) {
        return lt_fail(err, LT_E_INVALID, "Unacceptable pattern: ''");
    }
    if (*pattern == '/') {
        return lt_fail(err, LT_E_INVALID, "Non-relative patterns are unsupported");
    }
    size_t parts_max = 1;
    for (const char *p = pattern; *p; p++) {
        parts_max += *p == '/';
    }
    struct lt_glob *glob = calloc(1, sizeof *glob);
    int rc = !glob                   ? lt_fail_oom(err)
             : parts_max > PARTS_MAX ? lt_fail(err, LT_E_LIMIT, "the pattern has too many parts")
                                     : LEAT_OK;
    if (!rc && !(glob->parts = calloc(parts_max, sizeof *glob->parts))) {
        rc = lt_fail_oom(err);
    }
    /* Empty parts and "." are dropped, as pathlib drops them. */
    for (const char *p = pattern; !rc && *p;) {
        size_t len = strcspn(p, "/");
        if (len && !(len == 1 && *p == '.')) {
            rc = add_part(glob, p, len, err);
        }
        p += len + (p[len] == '/');
    }
    if (!rc && !glob->n) {
        rc = lt_fail(err, LT_E_INVALID, "the pattern \".\" names no file");
    }
    if (rc) {
        lt_glob_free(glob);
        return rc;
    }
    *ret_glob = glob;
    return LEAT_OK;
}

void lt_glob_free(struct lt_glob *glob)
{
    if (!glob) {
        return;
    }
    for (size_t i = 0; i < glob->n; i++) {
        free(glob->parts[i].text);
    }
    free(glob->parts);
    free(glob);
}

/* --- listing folders -------------------------------------------------------------------------- */

struct entry {
    unsigned char type; /* DT_... */
    size_t name;        /* offset into names */
};

struct listing {
    struct lt_buf names, entries;
    size_t n;
};

static void listing_done(struct listing *listing)
{
    lt_buf_done(&listing->names);
    lt_buf_done(&listing->entries);
    listing->n = 0;
}

static const struct entry *entry_at(const struct listing *listing, size_t i)
{
    return (const struct entry *)(const void *)listing->entries.data + i;
}

static const char *name_of(const struct listing *listing, const struct entry *entry)
{
    return (const char *)listing->names.data + entry->name;
}

static int by_name(const void *a, const void *b, void *arg)
{
    return strcmp(name_of(arg, a), name_of(arg, b));
}

/* All names of a folder, sorted; none where it may not be read or is no folder. */
static int list(const char *path, struct listing *listing, struct leat_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) {
        return errno == ENOMEM || errno == EMFILE || errno == ENFILE
                   ? lt_fail_errno(err, errno, "cannot read the folder %s", path)
                   : LEAT_OK;
    }
    int failed = LEAT_OK;
    struct dirent *found;
    while (!failed && (found = readdir(dir))) {
        if (!strcmp(found->d_name, ".") || !strcmp(found->d_name, "..")) {
            continue;
        }
        struct entry entry = {found->d_type, listing->names.len};
        failed = lt_buf_append(&listing->names, found->d_name, strlen(found->d_name) + 1) ||
                 lt_buf_append(&listing->entries, &entry, sizeof entry);
        listing->n++;
    }
    closedir(dir);
    if (failed) {
        return lt_fail_oom(err);
    }
    if (listing->n) {
        qsort_r(listing->entries.data, listing->n, sizeof(struct entry), by_name, listing);
    }
    return LEAT_OK;
}

/* --- walking ---------------------------------------------------------------------------------- */

/* The walk, its path grown and cut as it goes down and up. */
struct walk {
    const struct lt_glob *glob;
    struct lt_buf path;
    lt_glob_fn *each;
    void *arg;
    int depth;
};

static bool is_mode(const struct walk *walk, mode_t mode)
{
    struct stat st;
    return !stat(lt_buf_text(&walk->path), &st) && (st.st_mode & S_IFMT) == mode;
}

/* Whether the entry at the walk's path, of this type in its folder, is a folder. Links are
 * followed. */
static bool is_folder(const struct walk *walk, unsigned char type)
{
    return type == DT_DIR || ((type == DT_LNK || type == DT_UNKNOWN) && is_mode(walk, S_IFDIR));
}

static int go_down(struct walk *walk, const char *name, size_t *ret_len, struct leat_error *err)
{
    *ret_len = walk->path.len;
    const char *path = lt_buf_text(&walk->path);
    bool slash = walk->path.len && path[walk->path.len - 1] != '/';
    return (slash && lt_buf_byte(&walk->path, '/')) || lt_buf_puts(&walk->path, name)
               ? lt_fail_oom(err)
               : LEAT_OK;
}

static void go_up(struct walk *walk, size_t len)
{
    walk->path.len = len;
    walk->path.data[len] = 0;
}

static int select_from(struct walk *walk, size_t part, unsigned char type, struct leat_error *err);

static int select_literal(struct walk *walk, size_t part, struct leat_error *err)
{
    size_t len;
    int rc = go_down(walk, walk->glob->parts[part].text, &len, err);
    if (!rc && (part + 1 == walk->glob->n || is_mode(walk, S_IFDIR))) {
        rc = select_from(walk, part + 1, DT_UNKNOWN, err);
    }
    go_up(walk, len);
    return rc;
}

/* Those of a listing that match. */
static int select_listed(struct walk *walk, size_t part, const struct listing *listing,
                         struct leat_error *err)
{
    bool last = part + 1 == walk->glob->n;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < listing->n; i++) {
        const struct entry *entry = entry_at(listing, i);
        const char *name = name_of(listing, entry);
        size_t len;
        if (!match_name(walk->glob->parts[part].text, name)) {
            continue;
        }
        rc = go_down(walk, name, &len, err);
        if (!rc && (last || is_folder(walk, entry->type))) {
            rc = select_from(walk, part + 1, entry->type, err);
        }
        go_up(walk, len);
    }
    return rc;
}

static int select_wildcard(struct walk *walk, size_t part, struct leat_error *err)
{
    struct listing listing = {0};
    int rc = list(lt_buf_text(&walk->path), &listing, err);
    rc = rc ? rc : select_listed(walk, part, &listing, err);
    listing_done(&listing);
    return rc;
}

/* This folder, then all below it; the listing serves the next part as well where that wants one. */
static int select_recursive(struct walk *walk, size_t part, struct leat_error *err)
{
    struct listing listing = {0};
    if (++walk->depth > DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "more than %d folders within each other", DEPTH_MAX);
    }
    bool wildcard = part + 1 < walk->glob->n && walk->glob->parts[part + 1].kind == PART_WILDCARD;
    int rc = list(lt_buf_text(&walk->path), &listing, err);
    if (!rc) {
        rc = wildcard ? select_listed(walk, part + 1, &listing, err)
                      : select_from(walk, part + 1, DT_DIR, err);
    }
    for (size_t i = 0; !rc && i < listing.n; i++) {
        const struct entry *entry = entry_at(&listing, i);
        struct stat st;
        size_t len;
        if (entry->type != DT_DIR && entry->type != DT_UNKNOWN) {
            continue;
        }
        rc = go_down(walk, name_of(&listing, entry), &len, err);
        if (!rc && (entry->type == DT_DIR ||
                    (!lstat(lt_buf_text(&walk->path), &st) && S_ISDIR(st.st_mode)))) {
            rc = select_recursive(walk, part, err);
        }
        go_up(walk, len);
    }
    listing_done(&listing);
    walk->depth--;
    return rc;
}

/* The rest of the pattern, from `part` on, at the walk's path; `type` is what its folder says. */
static int select_from(struct walk *walk, size_t part, unsigned char type, struct leat_error *err)
{
    if (part == walk->glob->n) {
        bool file =
            type == DT_REG || ((type == DT_LNK || type == DT_UNKNOWN) && is_mode(walk, S_IFREG));
        return file ? walk->each(walk->arg, lt_buf_text(&walk->path), err) : LEAT_OK;
    }
    switch (walk->glob->parts[part].kind) {
    case PART_LITERAL:
        return select_literal(walk, part, err);
    case PART_WILDCARD:
        return select_wildcard(walk, part, err);
    default:
        return select_recursive(walk, part, err);
    }
}

int lt_glob_files(const struct lt_glob *glob, const char *base, lt_glob_fn *each, void *arg,
                  struct leat_error *err)
{
    struct walk walk = {.glob = glob, .each = each, .arg = arg};
    int rc = lt_buf_puts(&walk.path, base) ? lt_fail_oom(err) : LEAT_OK;
    rc = rc ? rc : select_from(&walk, 0, DT_DIR, err);
    lt_buf_done(&walk.path);
    return rc;
}
