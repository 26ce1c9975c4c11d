/* cp snap into a folder: CSV files with their manifest, by a document of Halfpipe's own kind. */
#include "cli/hp.h"

#include "core/json.h"
#include "core/util.h"
#include "leat/config.h"
#include "pipe/halfpipe/halfpipe.h"

#include <stdlib.h>
#include <string.h>

/* The path of a URL of files; NULL: it is none. */
static const char *path_of(const char *url)
{
    const char *path = strncmp(url, "file:", 5) ? NULL : url + 5;
    return path && !strncmp(path, "//", 2) ? path + 2 : path;
}

bool hp_is_folder(const char *target, char **ret_folder)
{
    char name[128];
    struct leat_connection connection = {.size = sizeof connection};
    size_t len = strcspn(target, ".");
    *ret_folder = NULL;
    if (path_of(target) && *path_of(target)) {
        *ret_folder = lt_strdup(path_of(target));
        return true;
    }
    if (strchr(target, '/') && !strstr(target, "://")) {
        *ret_folder = lt_strdup(target);
        return true;
    }
    if (len >= sizeof name) {
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)len, target);
    const char *path =
        leat_connection_find(name, &connection, NULL) ? NULL : path_of(connection.url);
    *ret_folder = path ? lt_strdup(path) : NULL;
    return path;
}

/* --- the document --------------------------------------------------------------------------- */

static void put(struct lt_json *json, const char *key, const char *value)
{
    lt_json_key(json, key);
    lt_json_text(json, value);
}

static void begin_step(struct lt_json *json, const char *name, const char *type)
{
    lt_json_key(json, name);
    lt_json_object(json);
    put(json, "type", type);
    lt_json_key(json, "data");
    lt_json_object(json);
}

static void end_step(struct lt_json *json)
{
    lt_json_object_end(json);
    lt_json_object_end(json);
}

static void put_steps(struct lt_json *json, const struct hp *hp, const char *object,
                      const char *prefix, const char *folder)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "select * from %s", object);
    lt_json_key(json, "steps");
    lt_json_object(json);
    begin_step(json, "read", "TableInput");
    put(json, "databaseConnectionName", "source");
    put(json, "sqlText", sql);
    end_step(json);
    begin_step(json, "write", "CSVFileWriter");
    put(json, "readDataFromStep", "read");
    put(json, "outputDir", folder);
    put(json, "fileNamePrefix", prefix);
    put(json, "fileNameSuffixAppendCreationStamp", "true");
    put(json, "fileNameExtension", "csv");
    put(json, "useGzip", "true");
    put(json, "headerFieldsCSV", hp_flag(hp, "csv-header"));
    put(json, "maxFileRows", hp_flag(hp, "csv-rows"));
    put(json, "maxFileBytes", hp_flag(hp, "csv-bytes"));
    end_step(json);
    begin_step(json, "manifest", "ManifestWriter");
    put(json, "readDataFromStep", "write");
    put(json, "outputDir", folder);
    put(json, "fileNamePrefix", prefix);
    put(json, "fileNameSuffixAppendCreationStamp", "true");
    put(json, "fileNameExtension", "man");
    end_step(json);
    lt_json_object_end(json);
}

static void put_group(struct lt_json *json, const struct hp *hp, const char *object,
                      const char *prefix, const char *folder)
{
    lt_json_key(json, "sequence");
    lt_json_array(json);
    lt_json_text(json, "copy");
    lt_json_array_end(json);
    lt_json_key(json, "transformGroups");
    lt_json_object(json);
    lt_json_key(json, "copy");
    lt_json_object(json);
    put(json, "type", "sequential");
    lt_json_key(json, "sequence");
    lt_json_array(json);
    lt_json_text(json, "read");
    lt_json_text(json, "write");
    lt_json_text(json, "manifest");
    lt_json_array_end(json);
    put_steps(json, hp, object, prefix, folder);
    lt_json_object_end(json);
    lt_json_object_end(json);
}

/* The type of connection that a URL is of. */
static void type_of(const char *url, char type[32])
{
    size_t len = strcspn(url, ":+");
    bool postgres = !strncmp(url, "postgresql", len) && len == 10;
    snprintf(type, 32, "%.*s", (int)LT_MIN(len, 31), postgres ? "postgres" : url);
}

static int make_document(const struct hp *hp, const struct leat_connection *source,
                         const char *object, const char *prefix, const char *folder, bool url,
                         struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    char type[32];
    type_of(source->url, type);
    lt_json_object(&json);
    lt_json_key(&json, "schemaVersion");
    lt_json_int(&json, 3);
    put(&json, "description", "snapshot into files");
    lt_json_key(&json, "connections");
    lt_json_object(&json);
    lt_json_key(&json, "source");
    lt_json_object(&json);
    put(&json, "type", type);
    put(&json, "logicalName", source->name);
    if (url) {
        lt_json_key(&json, "data");
        lt_json_object(&json);
        put(&json, "dsn", source->url);
        lt_json_object_end(&json);
    }
    lt_json_object_end(&json);
    lt_json_object_end(&json);
    put(&json, "type", "once");
    put_group(&json, hp, object, prefix, folder);
    lt_json_object_end(&json);
    return json.failed;
}

static int run_document(struct hp *hp, const struct lt_buf *text, struct leat_error *err)
{
    struct lt_yaml *yaml = NULL;
    struct lt_halfpipe *pipe = NULL;
    int rc = lt_yaml_parse("snapshot", lt_buf_text(text), text->len, &yaml, NULL, err);
    rc = rc ? rc
            : lt_halfpipe_open(hp->cli->leat, lt_yaml_root(yaml), NULL, 0, NULL, NULL, &pipe, err);
    rc = rc ? rc : lt_halfpipe_run(pipe, NULL, err);
    lt_halfpipe_free(pipe);
    lt_yaml_free(yaml);
    return rc;
}

int hp_copy_files(struct hp *hp, const char *folder)
{
    struct leat_error err = {0};
    struct leat_connection source = {.size = sizeof source};
    struct lt_buf text = LT_BUF_INIT;
    char name[128];
    const char *prefix = hp_flag(hp, "csv-prefix");
    size_t len = strcspn(hp->args[0], ".");
    const char *object = hp->args[0][len] ? hp->args[0] + len + 1 : "";
    snprintf(name, sizeof name, "%.*s", (int)LT_MIN(len, sizeof name - 1), hp->args[0]);
    prefix = *prefix ? prefix : object;
    int rc = *object ? leat_connection_find(name, &source, &err)
                     : leat_fail_as(&err, LEAT_INVALID, "usage",
                                    "requires source and target <connection>.[<schema>.]<object>");
    bool prints = *hp_flag(hp, "output");
    bool with_url = !prints || hp_on(hp, "include-connections");
    if (!rc && make_document(hp, &source, object, prefix, folder, with_url, &text)) {
        rc = leat_fail(&err, LEAT_NO_MEMORY, "out of memory");
    }
    if (!rc && prints) {
        printf("%s\n", lt_buf_text(&text));
    } else if (!rc) {
        rc = run_document(hp, &text, &err);
    }
    if (rc) {
        cli_print_error(hp->cli, &err, NULL);
    }
    if (text.data) {
        explicit_bzero(text.data, text.len);
    }
    lt_buf_done(&text);
    return rc ? EXIT_FAILED : 0;
}
