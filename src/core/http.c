#include "core/http.h"

#include "core/codes.h"
#include "core/library.h"
#include "core/util.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "core/banned.h"

#define LIBCURL_MAP(X)                                                                             \
    X(curl_global_init)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)

static struct {
    LIBCURL_MAP(LT_LIBRARY_MEMBER)
} libcurl;
static const char *const libcurl_names[] = {LIBCURL_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library library = LT_LIBRARY("libcurl", "4", "libcurl4", libcurl_names, libcurl);
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void load_library(void)
{
    lt_library_load(&library);
    if (!library.fault[0] && libcurl.curl_global_init(CURL_GLOBAL_DEFAULT)) {
        snprintf(library.fault, sizeof library.fault, "it cannot be initialised");
    }
}

#define FIRST_PAUSE_MS 500
#define HOST_MAX 128

struct transfer {
    const struct lt_http_request *request;
    struct lt_buf *answer;
    bool stopped;
};

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *transfer = arg;
    size_t len = size * n, kept = transfer->answer ? transfer->answer->len : 0;
    size_t room = transfer->request->answer_max - LT_MIN(kept, transfer->request->answer_max);
    if (transfer->answer && lt_buf_append(transfer->answer, data, LT_MIN(len, room))) {
        return 0;
    }
    return len;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct transfer *transfer = arg;
    const struct lt_http_request *request = transfer->request;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    transfer->stopped = request->cancelled && request->cancelled(request->arg);
    return transfer->stopped;
}

/* "https://hooks.example.org" of a URL: all of it that may be shown. */
static const char *host_of(const char *url, char text[HOST_MAX])
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    const char *end = start + strcspn(start, "/?#"),
               *at = memrchr(start, '@', (size_t)(end - start));
    at = at ? at + 1 : start;
    snprintf(text, HOST_MAX, "%.*s", (int)LT_MIN((size_t)(end - at), HOST_MAX - 1), at);
    return text;
}

static int set_up(CURL *curl, struct transfer *transfer, struct curl_slist *headers)
{
    const struct lt_http_request *request = transfer->request;
    const char *authorities = getenv("SSL_CERT_FILE");
    int bad = 0;
#define SET(option, value) bad |= libcurl.curl_easy_setopt(curl, option, value) != CURLE_OK
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)LT_MIN(request->timeout_ms, (int64_t)3600 * 1000));
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_USERAGENT, "leat/" LEAT_VERSION);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, transfer);
    if (request->body) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        SET(CURLOPT_POSTFIELDS, request->body);
    }
    if (authorities && *authorities) {
        SET(CURLOPT_CAINFO, authorities);
    }
#undef SET
    return bad;
}

static int judge_code(CURLcode code, const struct transfer *transfer, const char *host,
                      struct leat_error *err)
{
    const char *words = libcurl.curl_easy_strerror(code);
    switch ((int)code) {
    case CURLE_OK:
        return LEAT_OK;
    case CURLE_ABORTED_BY_CALLBACK:
        return transfer->stopped ? lt_fail(err, LT_E_CANCELLED, "the request was cancelled")
                                 : lt_fail(err, LT_E_UNAVAILABLE, "%s: %s", host, words);
    case CURLE_OUT_OF_MEMORY:
    case CURLE_WRITE_ERROR:
        return lt_fail_oom(err);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return lt_fail(err, LT_E_INVALID, "it is no URL of http or https");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        lt_fail(err, LT_E_DENIED, "the certificate of %s is not trusted", host);
        leat_error_remedy(err, "SSL_CERT_FILE names a file of authorities to trust");
        return LEAT_DENIED;
    default:
        return lt_fail(err, LT_E_UNAVAILABLE, "%s cannot be reached: %s", host, words);
    }
}

static int judge_status(long status, const char *host, struct leat_error *err)
{
    if (status >= 200 && status < 300) {
        return LEAT_OK;
    }
    bool passing = status == 408 || status == 429 || status >= 500;
    enum lt_code code = passing                          ? LT_E_UNAVAILABLE
                        : status == 401 || status == 403 ? LT_E_DENIED
                        : status == 404 || status == 410 ? LT_E_NOT_FOUND
                                                         : LT_E_INVALID;
    return lt_fail(err, code, "%s answered with status %ld", host, status);
}

static int send_once(struct transfer *transfer, struct curl_slist *headers, struct leat_error *err)
{
    char host[HOST_MAX];
    long status = 0;
    CURL *curl = libcurl.curl_easy_init();
    if (!curl || set_up(curl, transfer, headers)) {
        libcurl.curl_easy_cleanup(curl);
        return curl ? lt_fail(err, LT_E_MODULE, "the HTTP library is too old") : lt_fail_oom(err);
    }
    host_of(transfer->request->url, host);
    int rc = judge_code(libcurl.curl_easy_perform(curl), transfer, host, err);
    if (!rc) {
        libcurl.curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        rc = judge_status(status, host, err);
    }
    libcurl.curl_easy_cleanup(curl);
    return rc;
}

static int make_headers(const struct lt_http_request *request, struct curl_slist **ret_list,
                        struct leat_error *err)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        struct curl_slist *longer = libcurl.curl_slist_append(list, request->headers[i]);
        if (!longer || strpbrk(request->headers[i], "\r\n")) {
            libcurl.curl_slist_free_all(longer ? longer : list);
            return longer ? lt_fail(err, LT_E_INVALID, "a header holds the end of a line")
                          : lt_fail_oom(err);
        }
        list = longer;
    }
    *ret_list = list;
    return LEAT_OK;
}

/* Between two attempts; true: it was cancelled meanwhile. */
static bool pause_for(const struct lt_http_request *request, int64_t ms)
{
    for (; ms > 0; ms -= 100) {
        if (request->cancelled && request->cancelled(request->arg)) {
            return true;
        }
        lt_sleep_ms(LT_MIN(ms, 100), NULL);
    }
    return false;
}

int lt_http_send(const struct lt_http_request *request, struct lt_buf *answer,
                 struct leat_error *err)
{
    struct curl_slist *headers = NULL;
    size_t before = answer ? answer->len : 0;
    pthread_once(&library_once, load_library);
    int rc = lt_library_check(&library, "HTTP", err);
    rc = rc ? rc : make_headers(request, &headers, err);
    if (rc) {
        return rc;
    }
    int64_t pause = FIRST_PAUSE_MS;
    for (int i = 0; i < request->attempts; i++, pause *= 2) {
        struct transfer transfer = {.request = request, .answer = answer};
        if (i && pause_for(request, pause)) {
            rc = lt_fail(err, LT_E_CANCELLED, "the request was cancelled");
            break;
        }
        if (answer) {
            answer->len = before;
        }
        rc = send_once(&transfer, headers, err);
        if (rc != LEAT_UNAVAILABLE) {
            break;
        }
    }
    libcurl.curl_slist_free_all(headers);
    return rc;
}
