/* Types by their canonical names and a storage word, in systems that take any name as a type. */
#include "sql/dialect_parts.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

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

/* Makes what stands for another type below the field that type. */
static int mean_types(struct ArrowSchema *field, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < field->n_children && !status; i++) {
        struct ArrowSchema *child = field->children[i], meant;
        if (lt_dialect_stands_for(child, &meant)) {
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

int lt_dialect_put_canonical(const struct lt_dialect *dialect, const struct ArrowSchema *field,
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
