#include "db/pq_fail.h"

#include "core/url.h"
#include "core/util.h"

#include <stdio.h>
#include <string.h>

/* Which code an SQLSTATE means: the longest matching row counts. */
static const struct {
    const char *prefix;
    enum lt_code code;
} state_codes[] = {
    {"08", LT_E_UNAVAILABLE},
    {"22", LT_E_VALUE_RANGE},
    {"22P02", LT_E_VALUE_SYNTAX},
    {"2200M", LT_E_VALUE_SYNTAX},
    {"2200N", LT_E_VALUE_SYNTAX},
    {"22021", LT_E_INVALID_UTF8},
    {"22P05", LT_E_INVALID_UTF8},
    {"22P03", LT_E_CORRUPT},
    {"22P04", LT_E_CORRUPT},
    {"23", LT_E_SERVER},
    {"23502", LT_E_NOT_NULL},
    {"25006", LT_E_DENIED},
    {"28", LT_E_DENIED},
    {"2BP01", LT_E_INVALID},
    {"3D000", LT_E_NOT_FOUND},
    {"3F000", LT_E_NOT_FOUND},
    {"40001", LT_E_DESTINATION_BUSY},
    {"40P01", LT_E_DESTINATION_BUSY},
    {"42", LT_E_INVALID},
    {"42501", LT_E_DENIED},
    {"42703", LT_E_UNKNOWN_COLUMN},
    {"42704", LT_E_UNSUPPORTED_TYPE},
    {"42P01", LT_E_NOT_FOUND},
    {"42P07", LT_E_DESTINATION_BUSY},
    {"53", LT_E_UNAVAILABLE},
    {"53100", LT_E_NO_SPACE},
    {"54011", LT_E_UNSUPPORTED},
    {"55P03", LT_E_DESTINATION_BUSY},
    {"57", LT_E_UNAVAILABLE},
    {"0A", LT_E_UNSUPPORTED},
    {"55006", LT_E_DESTINATION_BUSY},
};

enum lt_code lt_pq_code(const char *state)
{
    enum lt_code code = LT_E_SERVER;
    size_t best = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(state_codes); i++) {
        size_t len = strlen(state_codes[i].prefix);
        if (len > best && !strncmp(state, state_codes[i].prefix, len)) {
            best = len;
            code = state_codes[i].code;
        }
    }
    return code;
}

void lt_pq_words(const char *words, bool has_value, char *text, size_t size)
{
    snprintf(text, size, "%s", words && *words ? words : "no message");
    size_t len = strlen(text);
    len = lt_utf8_valid_prefix(text, len);
    text[len] = 0;
    char *value = has_value ? strstr(text, ": \"") : NULL;
    if (value) {
        *value = 0;
    }
    for (char *at = text; *at; at++) {
        if (*at == '\n' || *at == '\r' || *at == '\t') {
            *at = ' ';
        }
    }
    for (len = strlen(text); len && (text[len - 1] == ' ' || text[len - 1] == '.'); len--) {
        text[len - 1] = 0;
    }
    lt_redact_fixed(text, size);
}

int lt_pq_fail_connect(const struct lt_pq *pq, PGconn *pg, struct leat_error *err)
{
    const char *raw = pq->PQerrorMessage(pg);
    static const char *const denied[] = {"password authentication failed",
                                         "no password supplied",
                                         "pg_hba.conf",
                                         "permission denied",
                                         "role \"",
                                         "authentication",
                                         "is not permitted to log in"};
    char words[700];
    lt_pq_words(raw, false, words, sizeof words);
    if (strstr(raw, "too many c")) { /* "connections for role "x"", "clients already" */
        return lt_fail(err, LT_E_UNAVAILABLE, "%s", words);
    }
    if (strstr(raw, "database \"") && strstr(raw, "does not exist")) {
        return lt_fail(err, LT_E_NOT_FOUND, "%s", words);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(denied); i++) {
        if (strstr(raw, denied[i])) {
            return lt_fail(err, LT_E_DENIED, "%s", words);
        }
    }
    if (pq->PQconnectionNeedsPassword(pg)) {
        return lt_fail(err, LT_E_DENIED, "%s", words);
    }
    if (strstr(raw, "server does not support SSL")) {
        int status = lt_fail(err, LT_E_INVALID, "%s", words);
        leat_error_remedy(err, "add ?sslmode=disable to the URL if the network can be trusted");
        return status;
    }
    return lt_fail(err, LT_E_UNAVAILABLE, "%s", words);
}
