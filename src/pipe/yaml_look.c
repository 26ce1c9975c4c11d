/* Reading documents from files, and looking at their nodes. */
#include "pipe/yaml.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/banned.h"

/* Everything of a file, and a byte more than is allowed where it is larger. */
static int read_all(FILE *in, const char *path, struct lt_buf *out, struct leat_error *err)
{
    size_t n = 1;
    while (n && out->len <= LT_YAML_BYTES_MAX) {
        if (lt_buf_reserve(out, 64 << 10)) {
            return lt_fail_oom(err);
        }
        errno = 0;
        n = fread(out->data + out->len, 1, 64 << 10, in);
        out->len += n;
        out->data[out->len] = 0;
    }
    return ferror(in) ? lt_fail_errno(err, errno, "cannot read %s", path) : LEAT_OK;
}

static const char *name_of(const char *path)
{
    return !strcmp(path, "-") ? "<stdin>" : path;
}

int lt_yaml_load(const char *path, struct lt_buf *out, struct leat_error *err)
{
    bool standard = !strcmp(path, "-");
    FILE *in = standard ? stdin : fopen(path, "rbe");
    int rc = in ? read_all(in, name_of(path), out, err)
                : lt_fail_errno(err, errno, "cannot open %s", path);
    if (in && !standard) {
        fclose(in);
    }
    return rc;
}

int lt_yaml_read(const char *path, struct lt_yaml **ret_yaml, struct lt_yaml_place *ret_fault,
                 struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    if (ret_fault) {
        *ret_fault = (struct lt_yaml_place){0, 0};
    }
    int rc = lt_yaml_load(path, &text, err);
    rc = rc ? rc
            : lt_yaml_parse(name_of(path), lt_buf_text(&text), text.len, ret_yaml, ret_fault, err);
    lt_buf_done(&text);
    return rc;
}

/* --- looking -------------------------------------------------------------------------------- */

const struct lt_yaml_node *lt_yaml_get(const struct lt_yaml_node *node, const char *key)
{
    for (size_t i = 0; node && node->kind == LT_YAML_MAP && i < node->n; i++) {
        if (!strcmp(node->keys[i]->text, key)) {
            return node->items[i];
        }
    }
    return NULL;
}

static bool is_plain(const struct lt_yaml_node *node)
{
    return node && node->kind == LT_YAML_SCALAR && !node->quoted;
}

bool lt_yaml_is_null(const struct lt_yaml_node *node)
{
    return !node || (is_plain(node) &&
                     (!*node->text || !strcmp(node->text, "~") || !strcasecmp(node->text, "null")));
}

const char *lt_yaml_text(const struct lt_yaml_node *node)
{
    return !node || node->kind != LT_YAML_SCALAR || lt_yaml_is_null(node) ? NULL : node->text;
}

bool lt_yaml_bool(const struct lt_yaml_node *node, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; is_plain(node) && i < LT_ARRAY_LEN(words); i++) {
        if (!strcasecmp(node->text, words[i])) {
            *ret_value = i & 1;
            return true;
        }
    }
    return false;
}

bool lt_yaml_int(const struct lt_yaml_node *node, int64_t *ret_value)
{
    return is_plain(node) && !lt_parse_int(node->text, ret_value);
}
