/* leat config import halfpipe: connections and default values that Halfpipe kept. */
#include "cli/args.h"
#include "cli/connections.h"
#include "cli/halfpipe_files.h"
#include "cli/table.h"

#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"
#include "pipe/yaml.h"

#include <stdlib.h>
#include <string.h>

struct importing {
    struct cli *cli;
    struct leat_vault *vault;
    struct table table;
    int left_out; /* items */
    bool found;   /* any file */
};

static void tell(struct importing *import, const char *kind, const char *name, const char *result)
{
    const char *const cells[] = {kind, name, result};
    for (size_t i = 0; i < LT_ARRAY_LEN(cells); i++) {
        table_cell(&import->table, cells[i], strlen(cells[i]));
    }
}

static void tell_left_out(struct importing *import, const char *kind, const char *name,
                          const struct leat_error *why)
{
    char text[sizeof why->message + 64];
    snprintf(text, sizeof text, "left out: %s%s", why->message,
             strcmp(why->code, lt_codes[LT_E_EXISTS].code) ? "" : "; --force replaces it");
    tell(import, kind, name, text);
    import->left_out++;
}

/* `theirs` is the item's name in Halfpipe's file. An item at a time: what cannot be taken does not hold up the rest. Only trouble with the vault
 * does. */
static int put(struct importing *import, enum leat_item_kind kind, const char *theirs,
               const char *name, const char *value, const char *result, struct leat_error *err)
{
    const char *word = kind == LEAT_ITEM_CONNECTION ? "connection" : "default";
    struct leat_error why = {0};
    int rc = import->cli->dry_run ? LEAT_OK
                                  : leat_vault_put(import->vault, kind, name, value,
                                                   cli_on(import->cli, "force"), &why);
    if (rc && rc != LEAT_CONFLICT) {
        *err = why;
        return rc;
    }
    if (rc) {
        tell_left_out(import, word, theirs, &why);
    } else {
        tell(import, word, theirs, result);
    }
    return LEAT_OK;
}

/* --- connections ---------------------------------------------------------------------------- */

/* name is s3://BUCKET or BUCKET; prefix and region may be missing. */
static int s3_url(const struct lt_yaml_node *data, struct lt_buf *url)
{
    const char *bucket = lt_yaml_text(lt_yaml_get(data, "name"));
    const char *prefix = lt_yaml_text(lt_yaml_get(data, "prefix"));
    const char *region = lt_yaml_text(lt_yaml_get(data, "region"));
    bucket = bucket ? bucket : "";
    bucket += strncmp(bucket, "s3://", 5) ? 0 : 5;
    return lt_buf_printf(url, "s3://%.*s", (int)strcspn(bucket, "/"), bucket) ||
           (prefix && *prefix &&
            (lt_buf_puts(url, "/") || lt_url_encode(url, prefix, strlen(prefix), "/"))) ||
           (region && *region &&
            (lt_buf_puts(url, "?region=") || lt_url_encode(url, region, strlen(region), "")));
}

static int url_of(const char *type, const struct lt_yaml_node *data, struct lt_buf *url,
                  struct leat_error *err)
{
    const char *dsn = lt_yaml_text(lt_yaml_get(data, "dsn"));
    if (!strcmp(type, "s3")) {
        return s3_url(data, url) ? lt_fail_oom(err) : LEAT_OK;
    }
    return dsn ? halfpipe_url(type, dsn, url, err) : lt_fail(err, LT_E_INVALID, "it has no DSN");
}

static int import_connection(struct importing *import, const char *name,
                             const struct lt_yaml_node *node, struct leat_error *err)
{
    struct leat_error why = {0};
    struct lt_buf url = LT_BUF_INIT;
    char result[128] = "imported";
    char scheme[64];
    const char *type = lt_yaml_text(lt_yaml_get(node, "type"));
    const char *dsn = lt_yaml_text(lt_yaml_get(lt_yaml_get(node, "data"), "dsn"));
    if (dsn && strchr(dsn, ':') && !(type && *type)) {
        /* Its last versions forgot the type of SQL Server's. */
        snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(dsn, ":"), dsn);
        type = scheme;
    }
    int rc = type && *type ? cli_check_connection_name(name, &why)
                           : lt_fail(&why, LT_E_INVALID, "it has no type");
    rc = rc ? rc : url_of(type, lt_yaml_get(node, "data"), &url, &why);
    if (rc) {
        tell_left_out(import, "connection", name, &why);
        rc = rc == LEAT_NO_MEMORY ? lt_fail_oom(err) : LEAT_OK;
    } else {
        if (cli_check_url(import->cli, lt_buf_text(&url), NULL)) {
            snprintf(result, sizeof result, "imported; leat has no connector for %.40s yet", type);
        }
        rc = put(import, LEAT_ITEM_CONNECTION, name, name, lt_buf_text(&url), result, err);
    }
    if (url.data) {
        explicit_bzero(url.data, url.len);
    }
    lt_buf_done(&url);
    return rc;
}

/* --- defaults ------------------------------------------------------------------------------- */

static int import_default(struct importing *import, const char *name,
                          const struct lt_yaml_node *node, struct leat_error *err)
{
    struct leat_error why = {0};
    const char *value = lt_yaml_text(node), *ours = cli_option_meant(name);
    char result[96] = "imported";
    int rc = value ? cli_check_default(import->cli, ours, value, &why)
                   : lt_fail(&why, LT_E_INVALID, "it has no value");
    if (rc) {
        tell_left_out(import, "default", name, &why);
        return LEAT_OK;
    }
    if (strcmp(ours, name) != 0) {
        snprintf(result, sizeof result, "imported as %.64s", ours);
    }
    return put(import, LEAT_ITEM_DEFAULT, name, ours, value, result, err);
}

/* --- both files ----------------------------------------------------------------------------- */

typedef int item_fn(struct importing *import, const char *name, const struct lt_yaml_node *node,
                    struct leat_error *err);

static int import_file(struct importing *import, const char *directory, const char *name,
                       item_fn *each, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_yaml *yaml = NULL;
    bool found = false;
    const char *path = cli_join(import->cli, (const char *[]){directory, "/", name, NULL});
    int rc = path ? halfpipe_read(path, &text, &found, err) : lt_fail_oom(err);
    import->found = import->found || found;
    if (!rc && found) {
        rc = lt_yaml_parse(path, lt_buf_text(&text), text.len, &yaml, NULL, err);
    }
    const struct lt_yaml_node *root = yaml ? lt_yaml_root(yaml) : NULL;
    if (!rc && root && root->kind != LT_YAML_MAP && !lt_yaml_is_null(root)) {
        rc = lt_fail(err, LT_E_CORRUPT, "it is not as Halfpipe writes its files");
        leat_error_place(err, "%s", path);
    }
    for (size_t i = 0; !rc && root && root->kind == LT_YAML_MAP && i < root->n; i++) {
        rc = each(import, lt_yaml_text(root->keys[i]) ? lt_yaml_text(root->keys[i]) : "",
                  root->items[i], err);
    }
    lt_yaml_free(yaml);
    if (text.data) {
        explicit_bzero(text.data, text.len);
    }
    lt_buf_done(&text);
    return rc;
}

static int import_all(struct importing *import, struct leat_error *err)
{
    struct cli *cli = import->cli;
    const char *home = getenv("HOME");
    const char *directory =
        cli->n_args ? cli->args[0]
                    : cli_join(cli, (const char *[]){home ? home : "", "/.halfpipe", NULL});
    if (!directory) {
        return lt_fail_oom(err);
    }
    int rc = leat_used_vault(&import->vault, err);
    rc = rc ? rc : import_file(import, directory, "connections.yaml", import_connection, err);
    rc = rc ? rc : import_file(import, directory, "config.yaml", import_default, err);
    if (!rc && !import->found) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "there is neither connections.yaml nor config.yaml");
        leat_error_place(err, "%s", directory);
    }
    return rc;
}

int cmd_config_import(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"kind", false}, {"name", false}, {"result", false}};
    struct leat_error err = {0};
    struct importing import = {.cli = cli};
    int rc =
        table_init(&import.table, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns), &err);
    rc = rc ? rc : import_all(&import, &err);
    if (import.table.n_cells) {
        table_flush(&import.table);
    }
    table_done(&import.table);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    }
    return rc ? cli_exit_status(rc, NULL) : import.left_out ? EXIT_FAILED : 0;
}
