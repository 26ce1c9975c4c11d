/* leat streams and leat describe: what a place holds. */
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/table_extras.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_MAX 4096

static const char *const kinds[] = {
    [LEAT_TABLE] = "table", [LEAT_VIEW] = "view", [LEAT_QUERY] = "query", [LEAT_FILE] = "file"};

static int take_place(struct cli *cli, struct leat_error *err)
{
    int rc = leat_plan_source(cli->plan, cli->args[0], err);
    return rc || cli->n_args < 2 ? rc : leat_plan_select(cli->plan, cli->args[1], err);
}

/* "public.orders" */
static int full_name(const struct leat_stream_info *info, struct lt_buf *out)
{
    bool ns = info->name.ns && *info->name.ns;
    return lt_buf_printf(out, "%s%s%s", ns ? info->name.ns : "", ns ? "." : "", info->name.name);
}

static void put_text(struct table *table, const char *text)
{
    table_cell(table, text ? text : "", text ? strlen(text) : 0);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void json_pair(struct lt_json *json, const char *key, const char *text)
{
    lt_json_key(json, key);
    lt_json_text(json, text && *text ? text : NULL);
}

static void json_estimate(struct lt_json *json, const char *key, int64_t n)
{
    lt_json_key(json, key);
    if (n < 0) {
        lt_json_null(json);
    } else {
        lt_json_int(json, n);
    }
}

static void json_info(struct lt_json *json, const struct leat_stream_info *info)
{
    lt_json_object(json);
    json_pair(json, "namespace", info->name.ns);
    json_pair(json, "stream", info->name.name);
    json_pair(json, "kind", kinds[info->kind]);
    json_estimate(json, "rows", info->rows_estimate);
    json_estimate(json, "bytes", info->bytes_estimate);
}

static int end_json(struct lt_json *json, struct lt_buf *line)
{
    lt_json_object_end(json);
    int failed = json->failed;
    if (!failed) {
        puts(lt_buf_text(line));
    }
    lt_buf_done(line);
    return failed;
}

/* --- leat streams --------------------------------------------------------------------------- */

struct listing {
    bool json, table;
    struct table rows;
};

static int list_json(const struct leat_stream_info *info)
{
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    json_info(&json, info);
    return end_json(&json, &line);
}

static int list_line(const struct leat_stream_info *info)
{
    struct lt_buf name = LT_BUF_INIT;
    char rows[24] = "", bytes[24] = "";
    int rc = full_name(info, &name);
    if (info->rows_estimate >= 0) {
        snprintf(rows, sizeof rows, "%lld", (long long)info->rows_estimate);
    }
    if (info->bytes_estimate >= 0) {
        snprintf(bytes, sizeof bytes, "%lld", (long long)info->bytes_estimate);
    }
    printf("%s\t%s\t%s\n", lt_buf_text(&name), rows, bytes);
    lt_buf_done(&name);
    return rc;
}

static int list_row(struct table *table, const struct leat_stream_info *info)
{
    struct lt_buf name = LT_BUF_INIT;
    char rows[LT_HUMAN_MAX] = "", bytes[LT_HUMAN_MAX] = "";
    int rc = full_name(info, &name);
    if (info->rows_estimate >= 0) {
        lt_human_count(info->rows_estimate, rows);
    }
    if (info->bytes_estimate >= 0) {
        lt_human_bytes(info->bytes_estimate, bytes);
    }
    put_text(table, lt_buf_text(&name));
    put_text(table, kinds[info->kind]);
    put_text(table, rows);
    put_text(table, bytes);
    lt_buf_done(&name);
    return rc ? rc : table->failed;
}

static int list_stream(void *arg, const struct leat_stream_info *info)
{
    struct listing *listing = arg;
    return listing->json    ? list_json(info)
           : listing->table ? list_row(&listing->rows, info)
                            : list_line(info);
}

int cmd_streams(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"stream", false}, {"kind", false}, {"rows, about", true}, {"size", true}};
    struct leat_error err = {0};
    struct listing listing = {.json = cli_on(cli, "json"), .table = isatty(STDOUT_FILENO)};
    int rc =
        table_init(&listing.rows, stdout, cli->color_out, columns, LT_ARRAY_LEN(columns), &err);
    rc = rc ? rc : take_place(cli, &err);
    rc = rc ? rc : leat_list(cli->plan, list_stream, &listing, &err);
    if (!rc && listing.table && !listing.json) {
        table_flush(&listing.rows);
    }
    table_done(&listing.rows);
    if (rc == LEAT_NO_MEMORY) {
        lt_fail_oom(&err);
    }
    return cli_end(cli, rc, &err);
}

/* --- what others make of a column ----------------------------------------------------------- */

/* A system that tables can be made in, or a format of files. */
struct other {
    char name[32];
    const struct leat_type_out *types; /* of a format; NULL: ask for DDL */
    bool told;                         /* it writes as the one before it: arrows as arrow */
};

#define OTHERS_MAX 32

static size_t list_others(struct cli *cli, struct other others[OTHERS_MAX])
{
    const struct leat_connector *connector;
    struct leat_format format = {.size = sizeof format};
    size_t n = 0;
    for (size_t i = 0; n < OTHERS_MAX && (connector = leat_connector_at(cli->leat, i)); i++) {
        if (connector->types_out) {
            others[n] = (struct other){.types = NULL};
            snprintf(others[n++].name, sizeof others->name, "%s", connector->name);
        }
    }
    for (size_t i = 0; n < OTHERS_MAX && leat_format_at(cli->leat, i, &format); i++) {
        if (format.types_out) {
            others[n] = (struct other){.types = format.types_out,
                                       .told = n && others[n - 1].types == format.types_out};
            snprintf(others[n++].name, sizeof others->name, "%s", format.name);
        }
    }
    return n;
}

/* Whether a cell of a format's table ("int8 ... uint64", "float16, float32") names the type. */
static bool names_type(const char *cell, const char *type, size_t len)
{
    static const char all_integers[] = "int8 ... uint64";
    size_t at = !strncmp(type, "uint", 4);
    if (!strcmp(cell, all_integers)) {
        return !strncmp(type + at, "int", 3) && strcspn(type, "0123456789") == 3 + at;
    }
    for (; *cell; cell += strspn(cell, ", ")) {
        size_t word = strcspn(cell, ",(");
        if (word == len && !strncmp(cell, type, len)) {
            return true;
        }
        cell += strcspn(cell, ",");
    }
    return false;
}

/* How a format writes a type. */
static const char *written_as(const struct leat_type_out *row, const char *type)
{
    size_t len = strcspn(type, "(<");
    while (row->canonical && !names_type(row->canonical, type, len)) {
        row++;
    }
    return row->system;
}

/* malloc'ed; NULL where it has no such type. */
static char *made_as(struct cli *cli, const struct other *other, const struct ArrowSchema *schema,
                     int64_t column, const char *type)
{
    char *text = NULL;
    if (other->types) {
        return lt_strdup(written_as(other->types, type));
    }
    return leat_ddl(cli->leat, other->name, "", schema, column, &text, NULL) ? NULL : text;
}

/* --- leat describe -------------------------------------------------------------------------- */

struct describing {
    struct cli *cli;
    struct leat_error *err;
    struct other others[OTHERS_MAX];
    size_t n_others;
    const char *as;
    int64_t streams;
};

/* What a column's metadata say, for people. */
struct notes {
    char source_type[256], key[24], identity[24], generated[24], comment[NOTE_MAX];
    bool not_null;
};

static void read_notes(const struct ArrowSchema *field, struct notes *notes)
{
    *notes = (struct notes){.not_null = !(field->flags & ARROW_FLAG_NULLABLE)};
    const struct {
        const char *key;
        char *text;
        size_t size;
    } rows[] = {{"leat.source_type", notes->source_type, sizeof notes->source_type},
                {"leat.key", notes->key, sizeof notes->key},
                {"leat.identity", notes->identity, sizeof notes->identity},
                {"leat.generated", notes->generated, sizeof notes->generated},
                {"leat.comment", notes->comment, sizeof notes->comment}};
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        if (!leat_field_note(field, rows[i].key, rows[i].text, rows[i].size)) {
            *rows[i].text = 0;
        }
    }
}

static void describe_others_json(struct describing *d, struct lt_json *json,
                                 const struct ArrowSchema *schema, int64_t column, const char *type)
{
    lt_json_key(json, "as");
    lt_json_object(json);
    for (size_t i = 0; i < d->n_others; i++) {
        char *made = made_as(d->cli, &d->others[i], schema, column, type);
        json_pair(json, d->others[i].name, made);
        free(made);
    }
    lt_json_object_end(json);
}

static int describe_json(struct describing *d, const struct leat_stream_info *info,
                         const struct ArrowSchema *schema)
{
    struct lt_buf line = LT_BUF_INIT;
    struct lt_json json = {.out = &line};
    struct notes notes;
    json_info(&json, info);
    read_notes(schema, &notes);
    json_pair(&json, "comment", notes.comment);
    lt_json_key(&json, "columns");
    lt_json_array(&json);
    for (int64_t c = 0; c < schema->n_children; c++) {
        char *type = NULL;
        json.failed |= leat_type_print(schema->children[c], &type, NULL);
        read_notes(schema->children[c], &notes);
        lt_json_object(&json);
        lt_json_key(&json, "name");
        lt_json_text(&json, schema->children[c]->name);
        json_pair(&json, "type", type);
        json_pair(&json, "source_type", notes.source_type);
        lt_json_key(&json, "nullable");
        lt_json_bool(&json, !notes.not_null);
        json_estimate(&json, "key", *notes.key ? strtoll(notes.key, NULL, 10) : -1);
        json_pair(&json, "identity", notes.identity);
        lt_json_key(&json, "generated");
        lt_json_bool(&json, *notes.generated);
        extras_json_default(schema->children[c], &json);
        json_pair(&json, "comment", notes.comment);
        describe_others_json(d, &json, schema, c, type ? type : "");
        lt_json_object_end(&json);
        leat_text_free(type);
    }
    lt_json_array_end(&json);
    extras_json(schema, &json);
    return end_json(&json, &line) ? lt_fail_oom(d->err) : LEAT_OK;
}

static void print_title(const struct leat_stream_info *info, const struct ArrowSchema *schema)
{
    struct lt_buf name = LT_BUF_INIT;
    char number[LT_HUMAN_MAX];
    struct notes notes;
    full_name(info, &name);
    printf("%s: %s", lt_buf_text(&name), kinds[info->kind]);
    if (info->rows_estimate >= 0) {
        printf(", about %s rows", lt_human_count(info->rows_estimate, number));
    }
    if (info->bytes_estimate >= 0) {
        printf(", %s", lt_human_bytes(info->bytes_estimate, number));
    }
    read_notes(schema, &notes);
    printf("%s%s\n\n", *notes.comment ? "\n" : "", notes.comment);
    lt_buf_done(&name);
}

static int put_note(struct lt_buf *out, const char *text)
{
    return *text ? lt_buf_printf(out, "%s%s", out->len ? ", " : "", text) : LEAT_OK;
}

/* "identity (always)", "generated", "default 5", and the comment. */
static int describe_note(const struct ArrowSchema *field, const struct notes *notes,
                         struct lt_buf *out)
{
    struct lt_buf fallback = LT_BUF_INIT;
    int failed = LEAT_OK;
    if (*notes->identity) {
        failed |= lt_buf_printf(out, "identity (%s)", notes->identity);
    }
    failed |= put_note(out, *notes->generated ? "generated" : "");
    failed |= extras_put_default(field, &fallback);
    failed |= put_note(out, lt_buf_text(&fallback));
    failed |= put_note(out, notes->comment);
    lt_buf_done(&fallback);
    return failed;
}

static int print_columns(struct describing *d, const struct ArrowSchema *schema)
{
    static const struct table_column columns[] = {
        {"column", false}, {"type", false}, {"at the source", false},
        {"null", false},   {"key", true},   {"note", false}};
    struct table table;
    int rc = table_init(&table, stdout, d->cli->color_out, columns, LT_ARRAY_LEN(columns), d->err);
    for (int64_t c = 0; !rc && c < schema->n_children; c++) {
        const struct ArrowSchema *field = schema->children[c];
        char *type = NULL;
        struct notes notes;
        struct lt_buf note = LT_BUF_INIT;
        rc = leat_type_print(field, &type, d->err);
        read_notes(field, &notes);
        table.failed |= describe_note(field, &notes, &note);
        put_text(&table, field->name);
        put_text(&table, type);
        put_text(&table, notes.source_type);
        put_text(&table, notes.not_null ? "no" : "yes");
        put_text(&table, notes.key);
        put_text(&table, lt_buf_text(&note));
        lt_buf_done(&note);
        leat_text_free(type);
    }
    if (!rc) {
        table_flush(&table);
        rc = table.failed ? lt_fail_oom(d->err) : LEAT_OK;
    }
    table_done(&table);
    return rc;
}

/* A row a column, a column for each of `n` others. */
static int print_others(struct describing *d, const struct other *others, size_t n,
                        const struct ArrowSchema *schema)
{
    struct table_column columns[OTHERS_MAX + 1] = {{"column", false}};
    struct table table;
    size_t n_columns = 1;
    for (size_t i = 0; i < n; i++) {
        if (n == 1 || !others[i].told) {
            columns[n_columns++] = (struct table_column){.name = others[i].name};
        }
    }
    int rc = table_init(&table, stdout, d->cli->color_out, columns, n_columns, d->err);
    for (int64_t c = 0; !rc && c < schema->n_children; c++) {
        char *type = NULL;
        rc = leat_type_print(schema->children[c], &type, d->err);
        put_text(&table, schema->children[c]->name);
        for (size_t i = 0; i < n && !rc; i++) {
            if (n == 1 || !others[i].told) {
                char *made = made_as(d->cli, &others[i], schema, c, type);
                put_text(&table, made ? made : "(refused)");
                free(made);
            }
        }
        leat_text_free(type);
    }
    if (!rc) {
        table_flush(&table);
        rc = table.failed ? lt_fail_oom(d->err) : LEAT_OK;
    }
    table_done(&table);
    return rc;
}

static int print_as(struct describing *d, const struct leat_stream_info *info,
                    const struct ArrowSchema *schema)
{
    for (size_t i = 0; i < d->n_others; i++) {
        if (!strcmp(d->others[i].name, d->as) && d->others[i].types) {
            return print_others(d, &d->others[i], 1, schema);
        }
    }
    char *text = NULL;
    int rc = leat_ddl(d->cli->leat, d->as, info->name.name, schema, -1, &text, d->err);
    if (!rc) {
        printf("%s;\n", text);
    } else if (d->err) {
        leat_error_place(d->err, "%s", info->name.name);
    }
    leat_text_free(text);
    return rc;
}

static int describe_stream(void *arg, const struct leat_stream_info *info,
                           const struct ArrowSchema *schema)
{
    struct describing *d = arg;
    if (cli_on(d->cli, "json")) {
        return describe_json(d, info, schema);
    }
    if (d->as) {
        return print_as(d, info, schema);
    }
    if (d->streams++) {
        putchar('\n');
    }
    print_title(info, schema);
    int rc = print_columns(d, schema);
    rc = rc ? rc : extras_print(schema, d->cli->color_out, d->err);
    if (!rc) {
        printf("\nMade elsewhere, or written\n\n");
    }
    return rc ? rc : print_others(d, d->others, d->n_others, schema);
}

int cmd_describe(struct cli *cli)
{
    struct leat_error err = {0};
    struct describing d = {.cli = cli, .err = &err, .as = cli_value(cli, "as")};
    d.n_others = list_others(cli, d.others);
    int rc = take_place(cli, &err);
    rc = rc ? rc : leat_describe(cli->plan, describe_stream, &d, &err);
    return cli_end(cli, rc, &err);
}
