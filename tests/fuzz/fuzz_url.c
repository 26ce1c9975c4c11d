/* Parses any text as a URL, and checks that a password found in it does not survive redaction. */
#include "core/url.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    while ((text = strstr(text, word)) != NULL) {
        n++;
        text++;
    }
    return n;
}

/* A password that also stands elsewhere in the URL ("joe:joe@") may well be seen there, and the
 * asterisks of the mask can complete one made of asterisks. */
static void check_password(const char *text, const char *redacted, const char *password)
{
    if (strlen(password) > 3 && !strchr(password, '*') && count(text, password) <= 1 &&
        strstr(redacted, password)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = lt_strndup((const char *)data, size);
    struct lt_buf redacted = LT_BUF_INIT;
    struct lt_url url = {0};
    if (!text) {
        return 0;
    }
    if (lt_redact(&redacted, text) == LEAT_OK && lt_url_parse(text, &url, NULL) == LEAT_OK &&
        url.password) {
        check_password(text, lt_buf_text(&redacted), url.password);
    }
    lt_url_done(&url);
    lt_buf_done(&redacted);
    lt_redact_fixed(text, strlen(text) + 1);
    free(text);
    return 0;
}
