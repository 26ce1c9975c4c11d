/* Parses any text as an env file, and checks what the parser promises of names and lines, and that
 * every value, written again between single quotes, is read back as it was. */
#include "config/env.h"

#include "core/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int same(void *arg, const char *name, const char *value, int line, struct leat_error *err)
{
    (void)err;
    if (strcmp(name, "A") || strcmp(value, arg) || line != 1) {
        abort();
    }
    return LEAT_OK;
}

static int each(void *arg, const char *name, const char *value, int line, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int last, *before = arg;
    if (!*name || strpbrk(name, "= \n#") || line < *before) {
        abort();
    }
    *before = line;
    if (!strchr(value, '\'') && !lt_buf_printf(&text, "A='%s'", value) &&
        lt_env_parse(lt_buf_text(&text), text.len, same, (void *)(uintptr_t)value, &last, err)) {
        abort();
    }
    lt_buf_done(&text);
    return LEAT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leat_error err = {0};
    int line = 0, before = 1;
    if (lt_env_parse((const char *)data, size, each, &before, &line, &err) && line < 1) {
        abort();
    }
    return 0;
}
