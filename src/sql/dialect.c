/* What all SQL systems share: quoting, types both ways through the dialect's tables, CREATE TABLE,
 * and matching what comes with what a table has. */
#include "sql/dialect.h"

#include "sql/extras.h"

#include "columnar/cast.h"
#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TYPE_TEXT_MAX LT_DIALECT_TYPE_MAX
#define KEYS_MAX 64

/* --- quoting ------------------------------------------------------------------------------- */

static int append_doubled(char quote, const char *text, struct lt_buf *out)
{
    int failed = lt_buf_byte(out, (uint8_t)quote);
    for (const char *at = text; *at; at++) {
        failed |= lt_buf_byte(out, (uint8_t)*at);
        if (*at == quote) {
            failed |= lt_buf_byte(out, (uint8_t)quote);
        }
    }
    failed |= lt_buf_byte(out, (uint8_t)quote);
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}

int lt_dialect_quote(const struct lt_dialect *dialect, const char *identifier, struct lt_buf *out)
{
    return append_doubled(dialect->quote, identifier, out);
}

int lt_dialect_quote_name(const struct lt_dialect *dialect, const char *ns, const char *name,
                          struct lt_buf *out)
{
    if (ns && *ns && (lt_dialect_quote(dialect, ns, out) || lt_buf_byte(out, '.'))) {
        return LEAT_NO_MEMORY;
    }
    return lt_dialect_quote(dialect, name, out);
}

int lt_dialect_literal(const struct lt_dialect *dialect, const char *text, struct lt_buf *out)
{
    (void)dialect; /* every dialect so far reads '' alike */
    return append_doubled('\'', text, out);
}

int lt_dialect_generated_name(const struct lt_dialect *dialect, const char *prefix,
                              const char *name, struct lt_buf *out)
{
    struct lt_buf whole = LT_BUF_INIT;
    int failed = lt_buf_puts(&whole, prefix) || lt_buf_puts(&whole, name);
    size_t max = dialect->identifier_bytes_max;
    if (!failed && max > 9 && whole.len > max) {
        size_t keep = lt_utf8_valid_prefix(whole.data, max - 9);
        failed =
            lt_buf_append(out, whole.data, keep) ||
            lt_buf_printf(out, "_%08x", (unsigned)(lt_hash(whole.data, whole.len) & 0xffffffffu));
    } else if (!failed) {
        failed = lt_buf_append(out, lt_buf_text(&whole), whole.len);
    }
    lt_buf_done(&whole);
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}

/* --- system type to canonical -------------------------------------------------------------- */

static const struct leat_type_in *type_in(const struct lt_dialect *dialect, const char *system)
{
    for (const struct leat_type_in *row = dialect->in; row->system; row++) {
        if (!strcmp(row->system, system)) {
            return row;
        }
    }
    return NULL;
}

/* The row of a canonical type; the table's end when there is none. */
static const struct leat_type_out *find_out(const struct lt_dialect *dialect, const char *name)
{
    const struct leat_type_out *row = dialect->out;
    while (row->canonical && strcmp(row->canonical, name)) {
        row++;
    }
    return row;
}

/* The row's canonical name with its arguments put in; the bare one when they are absent or a
 * decimal could not hold them. */
static int expand_canonical(const struct leat_type_in *row, int arg1, int arg2, struct lt_buf *out)
{
    const char *form = row->canonical;
    bool bare = strchr(form, '$') && arg1 < 0;
    if (strstr(form, "decimal(")) {
        int scale = LT_MAX(arg2, 0);
        bare = bare || arg1 < 1 || arg1 > 76 || scale > arg1;
    }
    if (bare && row->bare) {
        return lt_buf_puts(out, row->bare);
    }
    for (const char *at = form; *at; at++) {
        int failed = 0;
        if (at[0] == '$' && (at[1] == '1' || at[1] == '2')) {
            failed = lt_buf_printf(out, "%d", LT_MAX(at[1] == '1' ? arg1 : arg2, 0));
            at++;
        } else {
            failed = lt_buf_byte(out, (uint8_t)*at);
        }
        if (failed) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static int table_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                      struct lt_buf *out, struct leat_error *err);

/* True for the type that utf8 or binary itself becomes here: its name says nothing more, and with
 * it in the metadata plain text would look like a type Arrow has no word for. */
static bool is_plain_text(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                          const char *system_full)
{
    struct lt_buf made = LT_BUF_INIT;
    bool plain = (!strcmp(field->format, "u") || !strcmp(field->format, "z")) && !field->metadata &&
                 !table_type(dialect, field, &made, NULL) &&
                 !strcasecmp(lt_buf_text(&made), system_full);
    lt_buf_done(&made);
    return plain;
}

int lt_dialect_field(const struct lt_dialect *dialect, const char *system, const char *system_full,
                     int arg1, int arg2, struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    struct lt_buf text = LT_BUF_INIT;
    const struct leat_type_in *row = type_in(dialect, system);
    int status = row ? expand_canonical(row, arg1, arg2, &text) : lt_buf_puts(&text, "utf8");
    if (status) {
        status = lt_fail_oom(err);
        goto out;
    }
    status = lt_type_parse(lt_buf_text(&text), &field, err);
    if (status) {
        goto out;
    }
    lt_buf_clear(&text);
    if (is_plain_text(dialect, &field, system_full)) {
        lt_schema_move(&field, ret_field);
        goto out;
    }
    if (lt_buf_printf(&text, "%s:%s", dialect->name, system_full)) {
        status = lt_fail_oom(err);
        goto out;
    }
    status = lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, lt_buf_text(&text), err);
    if (!status) {
        lt_schema_move(&field, ret_field);
    }
out:
    lt_schema_done(&field);
    lt_buf_done(&text);
    return status;
}

bool lt_dialect_split(const char *text, struct lt_type_words *words)
{
    size_t len = strlen(text), used = 0;
    *words = (struct lt_type_words){.args = {-1, -1}};
    if (len + 2 > sizeof words->name) {
        return false;
    }
    while (len >= 2 && !strncmp(text + len - 2, "[]", 2)) {
        words->list = true;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '(') {
            for (int n = 0; i < len && text[i] != ')'; n++) {
                long value = strtol(text + i + 1, NULL, 10);
                if (n < 2 && value >= 0 && value <= INT32_MAX) {
                    words->args[n] = (int)value;
                } else if (n == 1) {
                    words->args[0] = -1; /* numeric(5,-2) is no decimal: as without arguments */
                }
                for (i++; i < len && text[i] != ',' && text[i] != ')'; i++) {
                }
            }
        } else {
            words->name[used++] = (char)tolower((unsigned char)text[i]);
        }
    }
    while (used && words->name[used - 1] == ' ') {
        used--;
    }
    words->name[used] = 0;
    return used > 0;
}

int lt_dialect_foreign_list(const struct lt_dialect *dialect, const char *system_full,
                            struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    char *source = lt_format("%s:%s", dialect->name, system_full);
    size_t len = source ? strlen(source) : 0;
    int status = source ? lt_type_parse("list<utf8>", &field, err) : lt_fail_oom(err);
    status = status ? status : lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, source, err);
    if (!status && len > 2 && !strcmp(source + len - 2, "[]")) {
        source[len - 2] = 0;
        status = lt_schema_set_meta(field.children[0], LT_META_SOURCE_TYPE, source, err);
    }
    if (!status) {
        lt_schema_move(&field, ret_field);
    }
    lt_schema_done(&field);
    free(source);
    return status;
}

/* True where the dialect has arrays of what its elements are. */
static bool has_arrays(const struct lt_dialect *dialect)
{
    const struct leat_type_out *row = find_out(dialect, "list");
    return row->system && strstr(row->system, "$1[]");
}

/* --- types by their canonical names -------------------------------------------------------- */

/* Every "int" in a text's type becomes i\nt: a system that looks for the word in type names would
 * take the texts for numbers. A backslash is doubled. */
static int put_escaped(const char *name, struct lt_buf *out)
{
    int failed = 0;
    for (const char *at = name; *at; at++) {
        failed |= lt_buf_byte(out, (uint8_t)*at);
        if (*at == '\\' || !strncasecmp(at, "int", 3)) {
            failed |= lt_buf_byte(out, '\\');
        }
    }
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}

/* The name without its quotes, escapes and storage word; NULL when it has no such word at its
 * end. malloc'ed. */
static char *canonical_part(const struct lt_dialect *dialect, const char *text)
{
    size_t len = strlen(text), used = 0;
    bool quoted = len >= 2 && text[0] == dialect->quote && text[len - 1] == dialect->quote;
    char *name = lt_strndup(text + quoted, len - 2 * (size_t)quoted);
    size_t end = 0;
    for (size_t i = 0; name && dialect->storage_words[i] && !end; i++) {
        size_t word = strlen(dialect->storage_words[i]), whole = strlen(name);
        if (whole > word + 1 && name[whole - word - 1] == ' ' &&
            !strcmp(name + whole - word, dialect->storage_words[i])) {
            end = whole - word - 1;
        }
    }
    for (size_t i = 0; i < end; i++) {
        i += name[i] == '\\' && i + 1 < end;
        name[used++] = name[i];
        i += quoted && name[i] == dialect->quote && name[i + 1] == dialect->quote;
    }
    if (name && !end) {
        free(name);
        return NULL;
    }
    if (name) {
        name[used] = 0;
    }
    return name;
}

bool lt_dialect_canonical(const struct lt_dialect *dialect, const char *text,
                          struct ArrowSchema *ret_field)
{
    struct ArrowSchema field = {.release = NULL};
    struct lt_buf printed = LT_BUF_INIT;
    char *name = dialect->storage_words ? canonical_part(dialect, text) : NULL;
    bool is = name && !lt_type_parse(name, &field, NULL) && !lt_type_print(&field, &printed) &&
              !strcmp(lt_buf_text(&printed), name);
    if (is) {
        lt_schema_move(&field, ret_field);
    }
    lt_schema_done(&field);
    lt_buf_done(&printed);
    free(name);
    return is;
}

int lt_dialect_parse(const struct lt_dialect *dialect, const char *text,
                     struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct lt_type_words words;
    if (lt_dialect_canonical(dialect, text, ret_field)) {
        return LEAT_OK;
    }
    if (!lt_dialect_split(text, &words)) {
        return lt_dialect_field(dialect, "", text, -1, -1, ret_field, err);
    }
    const char *system = words.name;
    for (const struct lt_type_alias *row = dialect->aliases; row && row->alias; row++) {
        if (!strcmp(row->alias, words.name)) {
            system = row->system;
            break;
        }
    }
    char element[TYPE_TEXT_MAX + 1];
    if (words.list) {
        element[0] = '_';
        memcpy(element + 1, system, strlen(system) + 1);
        system = element;
    }
    if (words.list && has_arrays(dialect) && !type_in(dialect, system)) {
        return lt_dialect_foreign_list(dialect, text, ret_field, err);
    }
    return lt_dialect_field(dialect, system, text, words.args[0], words.args[1], ret_field, err);
}

/* --- canonical to system type -------------------------------------------------------------- */

/* Words that may follow the first one in an unquoted type name. Anything else after a blank
 * could be a column constraint. */
static bool is_type_word(const char *word, size_t len)
{
    static const char *const words[] = {"precision", "varying", "with",  "without", "time",
                                        "zone",      "year",    "month", "day",     "hour",
                                        "minute",    "second",  "to",    "unsigned"};
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (strlen(words[i]) == len && !strncmp(words[i], word, len)) {
            return true;
        }
    }
    return false;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Past one quoted identifier, or NULL when it does not end. */
static const char *skip_quoted(const char *at, char quote)
{
    for (at++; *at; at++) {
        if (*at == quote) {
            if (at[1] != quote) {
                return at + 1;
            }
            at++;
        }
    }
    return NULL;
}

/* Past "(10, Point)", or NULL: only words, numbers, signs and commas, at least one of them. */
static const char *skip_arguments(const char *at)
{
    const char *first = ++at;
    while (*at && (is_word_char(*at) || strchr(" ,-", *at))) {
        at++;
    }
    return *at == ')' && at > first ? at + 1 : NULL;
}

/* True when the text is a type's name and nothing more. */
bool lt_dialect_plain_type(const struct lt_dialect *dialect, const char *text)
{
    bool first = true;
    for (const char *at = text; at && *at;) {
        if (*at == dialect->quote) {
            at = skip_quoted(at, dialect->quote);
            first = false;
        } else if (is_word_char(*at)) {
            const char *end = at;
            while (is_word_char(*end)) {
                end++;
            }
            if (!first && at[-1] != '.' && !is_type_word(at, (size_t)(end - at))) {
                return false;
            }
            first = false;
            at = end;
        } else if (*at == '(' && !first) {
            at = skip_arguments(at);
            if (at && *at && *at != ' ' && *at != '[') {
                return false;
            }
        } else if (!strncmp(at, "[]", 2) && !first) {
            at += 2;
        } else if ((*at == ' ' || *at == '.') && !first) {
            at++;
        } else {
            return false;
        }
        if (!at) {
            return false;
        }
    }
    return !first;
}

/* The storage class that the out table is keyed by. */
static const char *class_of(const struct lt_type *type)
{
    switch (type->logical) {
    case LT_JSON:
        return "json";
    case LT_UUID:
        return "uuid";
    case LT_NUMERIC:
        return "numeric";
    default:
        break;
    }
    static const char *const names[] = {
#define CLASS_NAME(name, text, width) [LT_##name] = text,
        LT_TYPE_MAP(CLASS_NAME)
#undef CLASS_NAME
    };
    switch (type->id) {
    case LT_DECIMAL32:
    case LT_DECIMAL64:
        return "decimal";
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return "utf8";
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
        return "binary";
    case LT_DATE64:
        return "date";
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
        return "interval";
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return "list";
    case LT_TIMESTAMP:
        return type->zone && *type->zone ? "timestamptz" : "timestamp";
    default:
        return names[type->id];
    }
}

/* The type that text in a file stands for where the file has none such: "arrow:interval", as Parquet
 * files say. False: the field is what it is. */
static bool stands_for(const struct ArrowSchema *field, struct ArrowSchema *ret_type)
{
    static const char prefix[] = "arrow:";
    char source[TYPE_TEXT_MAX];
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && type.logical == LT_FOREIGN &&
           lt_type_is_text(type.id) &&
           lt_schema_meta_text(field, LT_META_SOURCE_TYPE, source, sizeof source) &&
           !strncmp(source, prefix, sizeof prefix - 1) &&
           !lt_type_parse(source + sizeof prefix - 1, ret_type, NULL);
}

/* True when values of `field` go as they are where a system type reads as `other`, or by the cast of
 * the text that stands for them. */
static bool same_storage(const struct ArrowSchema *field, const struct ArrowSchema *other)
{
    struct lt_type a, b;
    struct ArrowSchema meant;
    if (stands_for(field, &meant)) {
        bool same = same_storage(&meant, other);
        lt_schema_done(&meant);
        return same;
    }
    if (lt_type_of(field, &a, NULL) || lt_type_of(other, &b, NULL) ||
        strcmp(class_of(&a), class_of(&b))) {
        return false;
    }
    if (!strcmp(class_of(&a), "decimal")) {
        return a.precision == b.precision && a.scale == b.scale;
    }
    if (!strcmp(class_of(&a), "list")) {
        return field->n_children == 1 && other->n_children == 1 &&
               same_storage(field->children[0], other->children[0]);
    }
    return true;
}

/* The text after "<dialect>:" of a field's metadata, when it can be trusted. */
static bool own_text(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                     const char *key, char text[TYPE_TEXT_MAX])
{
    size_t len, prefix = strlen(dialect->name);
    const char *value = lt_schema_meta(field, key, &len);
    if (!value || len <= prefix + 1 || len - prefix > TYPE_TEXT_MAX ||
        memcmp(value, dialect->name, prefix) != 0 || value[prefix] != ':') {
        return false;
    }
    memcpy(text, value + prefix + 1, len - prefix - 1);
    text[len - prefix - 1] = 0;
    return strlen(text) == len - prefix - 1 && lt_dialect_plain_type(dialect, text);
}

bool lt_dialect_own_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                         char text[LT_DIALECT_TYPE_MAX], bool *ret_same)
{
    if (!own_text(dialect, field, LT_META_SOURCE_TYPE, text)) {
        return false;
    }
    struct ArrowSchema other = {.release = NULL};
    *ret_same = !lt_dialect_parse(dialect, text, &other, NULL) && same_storage(field, &other);
    lt_schema_done(&other);
    return true;
}

bool lt_dialect_own_domain(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                           char text[LT_DIALECT_TYPE_MAX])
{
    return own_text(dialect, field, LT_META_DOMAIN, text);
}

static int refuse_type(const struct ArrowSchema *field, const char *note, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    if (lt_type_print(field, &name)) {
        lt_buf_clear(&name);
    }
    int status =
        lt_fail(err, LT_E_UNSUPPORTED_TYPE, "no type here can hold %s%s%s",
                name.len ? lt_buf_text(&name) : "this type", note ? ": " : "", note ? note : "");
    if (field->name && *field->name) {
        leat_error_place(err, "column \"%s\"", field->name);
    }
    lt_buf_done(&name);
    return status;
}

static bool is_list_of_lists(const struct ArrowSchema *field, const char *name)
{
    struct lt_type item;
    return !strcmp(name, "list") && field->n_children == 1 &&
           !lt_type_of(field->children[0], &item, NULL) && !strcmp(class_of(&item), "list");
}

/* The type by the dialect's own table. */
static int table_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                      struct lt_buf *out, struct leat_error *err)
{
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    if (status) {
        return status;
    }
    const char *name = class_of(&type);
    const struct leat_type_out *row = find_out(dialect, name);
    if (row->system && strstr(row->system, "$1") && is_list_of_lists(field, name)) {
        row = find_out(dialect, "struct"); /* an array's elements are not of one length */
    }
    if (!row->canonical || !row->system) {
        return refuse_type(field, row->canonical ? row->note : NULL, err);
    }
    for (const char *at = row->system; *at; at++) {
        int failed = 0;
        if (at[0] != '$') {
            failed = lt_buf_byte(out, (uint8_t)*at);
        } else if (*++at == '1' && !strcmp(name, "list") && field->n_children == 1) {
            status = lt_dialect_type(dialect, field->children[0], out, err);
            if (status) {
                return status;
            }
        } else {
            failed = lt_buf_printf(out, "%d", *at == '1' ? type.precision : type.scale);
        }
        if (failed) {
            return lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

/* Whether `made` reads back as the type it was made for. Text and bytes of other layouts in memory
 * (large_utf8, binary_view) are the same to every system. */
static bool is_exact(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                     const char *made)
{
    struct ArrowSchema back = {.release = NULL};
    struct lt_buf printed = LT_BUF_INIT, wanted = LT_BUF_INIT;
    struct lt_type type;
    bool exact = !lt_dialect_parse(dialect, made, &back, NULL) && !lt_type_print(&back, &printed) &&
                 !lt_type_of(field, &type, NULL);
    if (exact && type.logical == LT_PLAIN && type.id != LT_FIXED_BINARY &&
        (!strcmp(class_of(&type), "utf8") || !strcmp(class_of(&type), "binary"))) {
        exact = !lt_buf_puts(&wanted, class_of(&type));
    } else {
        exact = exact && !lt_type_print(field, &wanted);
    }
    exact = exact && !strcmp(lt_buf_text(&printed), lt_buf_text(&wanted));
    lt_schema_done(&back);
    lt_buf_done(&printed);
    lt_buf_done(&wanted);
    return exact;
}

/* Makes what stands for another type below the field that type. */
static int mean_types(struct ArrowSchema *field, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < field->n_children && !status; i++) {
        struct ArrowSchema *child = field->children[i], meant;
        if (stands_for(child, &meant)) {
            status = lt_schema_set_name(&meant, child->name, err);
            meant.flags = child->flags;
            lt_schema_done(child);
            lt_schema_move(&meant, child);
        } else {
            status = mean_types(child, err);
        }
    }
    return status;
}

/* The canonical name of a field, of a type that it has no other word for. */
static int print_meant(const struct ArrowSchema *field, struct lt_buf *out, struct leat_error *err)
{
    struct ArrowSchema meant = {.release = NULL};
    int status = lt_schema_copy(field, &meant, err);
    status = status ? status : mean_types(&meant, err);
    if (!status && lt_type_print(&meant, out)) {
        status = lt_fail_oom(err);
    }
    lt_schema_done(&meant);
    return status;
}

/* The quoted canonical name and storage word, in place of what the table says. */
static int put_canonical(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                         const char *made, struct lt_buf *out, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT, whole = LT_BUF_INIT;
    struct lt_type type;
    const char *word = NULL;
    for (size_t i = 0; dialect->storage_words[i] && !word; i++) {
        word = strstr(made, dialect->storage_words[i]);
        word = word ? dialect->storage_words[i] : NULL;
    }
    word = word ? word : dialect->storage_words[0];
    int status = lt_type_of(field, &type, err);
    status = status ? status : print_meant(field, &name, err);
    int failed = status;
    bool text = !failed && type.logical == LT_FOREIGN && lt_type_is_text(type.id);
    failed = failed ? failed
             : text ? put_escaped(lt_buf_text(&name), &whole)
                    : lt_buf_puts(&whole, lt_buf_text(&name));
    failed = failed || lt_buf_printf(&whole, " %s", word);
    failed = failed || lt_dialect_quote(dialect, lt_buf_text(&whole), out);
    lt_buf_done(&name);
    lt_buf_done(&whole);
    return status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
}

int lt_dialect_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                    struct lt_buf *out, struct leat_error *err)
{
    char own[TYPE_TEXT_MAX];
    struct lt_buf made = LT_BUF_INIT;
    struct lt_type type;
    bool same;
    if (lt_dialect_own_type(dialect, field, own, &same) && same) {
        return lt_buf_puts(out, own) ? lt_fail_oom(err) : LEAT_OK;
    }
    struct ArrowSchema meant;
    if (stands_for(field, &meant)) {
        int made_status = lt_dialect_type(dialect, &meant, out, err);
        lt_schema_done(&meant);
        return made_status;
    }
    int status = lt_type_of(field, &type, err);
    if (!status && type.id == LT_DICTIONARY && field->dictionary) {
        return lt_dialect_type(dialect, field->dictionary, out, err);
    }
    status = status ? status : table_type(dialect, field, &made, err);
    if (!status && dialect->storage_words && !is_exact(dialect, field, lt_buf_text(&made))) {
        status = put_canonical(dialect, field, lt_buf_text(&made), out, err);
    } else if (!status && lt_buf_append(out, lt_buf_text(&made), made.len)) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&made);
    return status;
}

/* --- CREATE TABLE -------------------------------------------------------------------------- */

/* Columns of the primary key in key order. */
static int64_t key_columns(const struct ArrowSchema *schema, int64_t columns[KEYS_MAX])
{
    int64_t n = 0;
    for (int64_t place = 1; place <= KEYS_MAX; place++) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)place);
        int64_t found = -1;
        for (int64_t i = 0; i < schema->n_children && found < 0; i++) {
            if (lt_schema_meta_is(schema->children[i], LT_META_KEY, text)) {
                found = i;
            }
        }
        if (found < 0) {
            break;
        }
        columns[n++] = found;
    }
    return n;
}

static const char *identity_clause(const struct lt_dialect *dialect,
                                   const struct ArrowSchema *field)
{
    struct lt_type type;
    if (!dialect->has_identity || lt_type_of(field, &type, NULL) ||
        (type.id != LT_INT16 && type.id != LT_INT32 && type.id != LT_INT64)) {
        return "";
    }
    if (lt_schema_meta_is(field, LT_META_IDENTITY, "always")) {
        return " GENERATED ALWAYS AS IDENTITY";
    }
    if (lt_schema_meta_is(field, LT_META_IDENTITY, "default")) {
        return " GENERATED BY DEFAULT AS IDENTITY";
    }
    return "";
}

int lt_dialect_create_table(const struct lt_dialect *dialect, const char *quoted_name,
                            const struct ArrowSchema *schema, const char *const *types,
                            struct lt_buf *out, struct leat_error *err)
{
    int64_t keys[KEYS_MAX];
    int64_t n_keys = key_columns(schema, keys);
    int failed = lt_buf_printf(out, "CREATE TABLE %s (", quoted_name);
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        bool key = false;
        for (int64_t k = 0; k < n_keys; k++) {
            key = key || keys[k] == i;
        }
        failed |= lt_buf_puts(out, i ? ", " : "");
        failed |= lt_dialect_quote(dialect, field->name ? field->name : "", out);
        failed |= lt_buf_byte(out, ' ');
        failed |= types ? lt_buf_puts(out, types[i]) : LEAT_OK;
        int status = types ? LEAT_OK : lt_dialect_type(dialect, field, out, err);
        if (status) {
            return status;
        }
        failed |= lt_buf_puts(out, key || !(field->flags & ARROW_FLAG_NULLABLE) ? " NOT NULL" : "");
        failed |= lt_buf_puts(out, identity_clause(dialect, field));
        failed |= *identity_clause(dialect, field) ? LEAT_OK : lt_default_put(dialect, field, out);
    }
    for (int64_t k = 0; k < n_keys; k++) {
        failed |= lt_buf_puts(out, k ? ", " : ", PRIMARY KEY (");
        failed |= lt_dialect_quote(dialect, schema->children[keys[k]]->name, out);
    }
    failed |= lt_buf_puts(out, n_keys ? "))" : ")");
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

/* --- matching ------------------------------------------------------------------------------ */

static int add_fault(struct lt_buf *faults, const char *fmt, ...) LEAT_PRINTF(2, 3);

static int add_fault(struct lt_buf *faults, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int failed = faults->len ? lt_buf_puts(faults, "; ") : LEAT_OK;
    failed |= lt_buf_vprintf(faults, fmt, args);
    va_end(args);
    return failed;
}

static int refused_pair(const struct ArrowSchema *from, const struct ArrowSchema *to,
                        struct lt_buf *faults, struct leat_error *err)
{
    struct lt_buf a = LT_BUF_INIT, b = LT_BUF_INIT;
    int failed = lt_type_print(from, &a);
    failed |= lt_type_print(to, &b);
    failed |= add_fault(faults, "column \"%s\" is %s in the source and %s in the table",
                        from->name ? from->name : "", lt_buf_text(&a), lt_buf_text(&b));
    lt_buf_done(&a);
    lt_buf_done(&b);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

static int match_columns(const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                         struct ArrowSchema *result, struct lt_buf *faults, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *from = incoming->children[i];
        int64_t found = lt_schema_find(table, from->name ? from->name : "");
        if (found < 0) {
            status =
                add_fault(faults, "the table has no column \"%s\"", from->name ? from->name : "")
                    ? lt_fail_oom(err)
                    : LEAT_OK;
            continue;
        }
        const struct ArrowSchema *to = table->children[found];
        if (lt_cast_kind(from, to) == LT_CAST_REFUSED) {
            status = refused_pair(from, to, faults, err);
        }
        struct ArrowSchema copy = {.release = NULL};
        status = status ? status : lt_schema_copy(to, &copy, err);
        status = status ? status : lt_schema_add(result, &copy, err);
        lt_schema_done(&copy);
    }
    for (int64_t i = 0; i < table->n_children && !status; i++) {
        const struct ArrowSchema *field = table->children[i];
        if (lt_schema_meta_is(field, LT_META_REQUIRED, "1") &&
            lt_schema_find(incoming, field->name) < 0 &&
            add_fault(faults, "the table demands column \"%s\", which the source lacks",
                      field->name)) {
            status = lt_fail_oom(err);
        }
    }
    return status;
}

int lt_dialect_match(const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                     struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema result = {.release = NULL};
    struct lt_buf faults = LT_BUF_INIT;
    int status = lt_schema_init_struct(&result, 0, err);
    status = status ? status : match_columns(incoming, table, &result, &faults, err);
    if (!status && faults.len) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH, "%s", lt_buf_text(&faults));
    }
    if (!status) {
        lt_schema_move(&result, ret_schema);
    }
    lt_schema_done(&result);
    lt_buf_done(&faults);
    return status;
}
