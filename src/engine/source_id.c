/* What a stream is read from, in a form that stays the same from run to run and holds no secret:
 * scheme, host, port, path, and the stream or the query's hash. */
#include "engine/run.h"

#include "core/url.h"
#include "core/util.h"

#include <limits.h>
#include <stdlib.h>

char *lt_job_source_id(const struct lt_run *run, const struct lt_job *job)
{
    const struct lt_location *source = &run->plan->source;
    const char *query = lt_settings_text(&run->plan->settings, "query");
    struct lt_url url;
    if (lt_url_parse(source->url, &url, NULL)) {
        return lt_strdup(source->text);
    }
    char resolved[PATH_MAX];
    const char *path = url.path ? url.path : "";
    if (!url.has_authority && realpath(path, resolved)) {
        path = resolved;
    }
    struct lt_buf id = LT_BUF_INIT;
    int rc = lt_buf_printf(&id, "%s:%s%s%s%s%s", url.scheme, url.has_authority ? "//" : "",
                           url.host ? url.host : "", url.port ? ":" : "", url.port ? url.port : "",
                           path);
    if (!rc && query) {
        rc =
            lt_buf_printf(&id, "?query=%016llx", (unsigned long long)lt_hash(query, strlen(query)));
    } else if (!rc) {
        rc = lt_buf_printf(&id, "#%s", job->label);
    }
    lt_url_done(&url);
    char *text = rc ? NULL : lt_buf_take(&id);
    lt_buf_done(&id);
    return text;
}
