/* One HTTP request at a time: the one seam to libcurl, which is loaded when first used. */
#ifndef LT_HTTP_H
#define LT_HTTP_H

#include "core/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct lt_http_request {
    const char *method;         /* "POST" */
    const char *url;            /* http:// or https://; redirections are not followed */
    const char *const *headers; /* "Name: value", ends with NULL; NULL: none */
    const char *body;           /* NULL: none */
    size_t body_len;
    int64_t timeout_ms; /* of each attempt, from beginning to end; > 0 */
    int attempts;       /* after passing faults (no connection, 408, 429, 5xx) it is tried again */
    size_t answer_max;  /* more than so much of the answer's body is not kept */
    /* Asked ten times a second; true ends it. NULL: never. */
    bool (*cancelled)(void *arg);
    void *arg;
};

/* Sends it. LEAT_OK for an answer of 2xx; its body is appended to `answer` (may be NULL). Certificates
 * are verified, by the system's authorities or those of SSL_CERT_FILE. LEAT_UNAVAILABLE after the last
 * attempt; [denied] for 401, 403 and a certificate that is not trusted; [not-found] for 404 and 410;
 * else [invalid]. Messages name the host, and nothing else of URL, headers and body, which may be
 * secret. From any thread. */
int lt_http_send(const struct lt_http_request *request, struct lt_buf *answer,
                 struct leat_error *err);

#endif
