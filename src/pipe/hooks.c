/* What is done before and after a pipe or a step: statements, commands, requests. */
#include "core/codes.h"
#include "core/http.h"
#include "core/json.h"
#include "core/process.h"
#include "core/thread.h"
#include "core/util.h"
#include "pipe/pipe.h"

#include <stdlib.h>
#include <string.h>

#define WEBHOOK_ATTEMPTS 3

struct hook_run {
    struct leat_pipe *pipe;
    const struct lt_hook *hook;
    const struct lt_hook_facts *facts;
    struct lt_arena arena;
};

static int at_hook(int rc, const struct lt_hook *hook, struct leat_error *err)
{
    if (rc && err) {
        leat_error_place(err, "%s:%d:%d", hook->node->file, (int)hook->node->line,
                         (int)hook->node->column);
    }
    return rc;
}

/* --- facts ---------------------------------------------------------------------------------- */

/* "[cast] orders: ..." of a failure; "" without one. In the arena. */
static const char *error_text(struct hook_run *run)
{
    const struct leat_error *err = run->facts->error;
    if (!err || !err->status) {
        return "";
    }
    const char *text = lt_arena_format(&run->arena, "[%s] %s%s%s", err->code, err->place,
                                       *err->place ? ": " : "", err->message);
    return text ? text : "";
}

struct fact {
    const char *name, *variable, *text;
};
#define FACTS_N 6

static void gather(struct hook_run *run, struct fact facts[FACTS_N])
{
    const struct lt_hook_facts *f = run->facts;
    const char *rows = lt_arena_format(&run->arena, "%lld", (long long)f->rows);
    const struct fact all[FACTS_N] = {
        {"pipe", "LEAT_PIPE", f->pipe},
        {"step", "LEAT_STEP", f->step},
        {"status", "LEAT_STATUS", f->status},
        {"rows", "LEAT_ROWS", rows ? rows : ""},
        {"error", "LEAT_ERROR", error_text(run)},
        {"execution", "LEAT_EXECUTION", f->execution ? f->execution : ""},
    };
    memcpy(facts, all, sizeof all);
}

/* The text with {pipe} and its like replaced. */
static int fill_in(const char *text, const struct fact facts[FACTS_N], struct lt_buf *out)
{
    int rc = LEAT_OK;
    while (!rc && *text) {
        const struct fact *found = NULL;
        size_t len = 0;
        for (size_t i = 0; *text == '{' && !found && i < FACTS_N; i++) {
            len = strlen(facts[i].name);
            found =
                !strncmp(text + 1, facts[i].name, len) && text[1 + len] == '}' ? &facts[i] : NULL;
        }
        rc = found ? lt_buf_puts(out, found->text) : lt_buf_byte(out, (uint8_t)*text);
        text += found ? len + 2 : 1;
    }
    return rc;
}

/* --- statements ----------------------------------------------------------------------------- */

static int run_sql(struct hook_run *run, struct leat_error *err)
{
    const struct lt_hook *hook = run->hook;
    struct leat_plan *plan = NULL;
    int rc = lt_place_plan(run->pipe, hook->in.text, hook->in.node, &plan, err);
    rc = rc ? rc : at_hook(leat_execute(plan, hook->what.text, NULL, err), hook, err);
    leat_plan_free(plan);
    return rc;
}

/* --- commands ------------------------------------------------------------------------------- */

/* Hands the session's cancelling on to where a number is looked at. */
struct watch {
    const struct leat *leat;
    volatile int cancelled, over;
};

static void *watch(void *arg)
{
    struct watch *w = arg;
    while (!w->over) {
        w->cancelled = leat_is_cancelled(w->leat);
        lt_sleep_ms(100, &w->over);
    }
    return NULL;
}

static int run_command(struct hook_run *run, struct leat_error *err)
{
    const struct lt_hook *hook = run->hook;
    struct fact facts[FACTS_N];
    const char *add[FACTS_N + 1] = {NULL};
    struct watch w = {.leat = run->pipe->leat};
    pthread_t thread;
    int status = 0;
    gather(run, facts);
    for (size_t i = 0; i < FACTS_N; i++) {
        add[i] = lt_arena_format(&run->arena, "%s=%s", facts[i].variable, facts[i].text);
    }
    const struct lt_child child = {.command = hook->what.text,
                                   .add = add,
                                   .timeout_ms = hook->timeout_ms,
                                   .cancel = &w.cancelled};
    int rc = run->arena.failed ? lt_fail_oom(err) : lt_thread_start(&thread, watch, &w, err);
    bool watched = !rc;
    rc = rc ? rc : lt_child_run(&child, NULL, &status, err);
    w.over = 1;
    if (watched) {
        pthread_join(thread, NULL);
    }
    if (!rc && status) {
        rc = lt_fail(err, LT_E_HOOK, "the command of a hook ended with status %d", status);
    }
    return at_hook(rc, hook, err);
}

/* --- requests ------------------------------------------------------------------------------- */

/* The value of a node as JSON: texts with facts and variables, plain words as what they are. */
static void put_node(struct hook_run *run, const struct fact facts[FACTS_N], struct lt_json *json,
                     const struct lt_yaml_node *node)
{
    struct lt_doc_faults faults = {.arena = &run->arena};
    int64_t number;
    bool flag;
    if (node->kind != LT_YAML_SCALAR) {
        bool map = node->kind == LT_YAML_MAP;
        map ? lt_json_object(json) : lt_json_array(json);
        for (size_t i = 0; i < node->n; i++) {
            if (map) {
                lt_json_key(json, node->keys[i]->text);
            }
            put_node(run, facts, json, node->items[i]);
        }
        map ? lt_json_object_end(json) : lt_json_array_end(json);
    } else if (lt_yaml_is_null(node)) {
        lt_json_null(json);
    } else if (lt_yaml_int(node, &number)) {
        lt_json_int(json, number);
    } else if (lt_yaml_bool(node, &flag)) {
        lt_json_bool(json, flag);
    } else {
        struct lt_buf text = LT_BUF_INIT;
        const char *said = lt_document_expand(&run->pipe->doc, &faults, node, node->text);
        json->failed = json->failed ? json->failed : fill_in(said, facts, &text);
        lt_json_text(json, lt_buf_text(&text));
        lt_buf_done(&text);
    }
}

static void put_facts(struct hook_run *run, const struct fact facts[FACTS_N], struct lt_json *json)
{
    lt_json_object(json);
    for (size_t i = 0; i < FACTS_N; i++) {
        lt_json_key(json, facts[i].name);
        if (!strcmp(facts[i].name, "rows")) {
            lt_json_int(json, run->facts->rows);
        } else {
            lt_json_text(json, facts[i].text);
        }
    }
    lt_json_object_end(json);
}

static int make_body(struct hook_run *run, const struct fact facts[FACTS_N], struct lt_buf *out)
{
    const struct lt_yaml_node *body = run->hook->body;
    struct lt_doc_faults faults = {.arena = &run->arena};
    struct lt_json json = {.out = out};
    if (!body) {
        put_facts(run, facts, &json);
    } else if (body->kind == LT_YAML_SCALAR) {
        return fill_in(lt_document_expand(&run->pipe->doc, &faults, body, body->text), facts, out);
    } else {
        put_node(run, facts, &json, body);
    }
    return json.failed;
}

static bool has_header(const struct lt_yaml_node *headers, const char *name)
{
    for (size_t i = 0; headers && i < headers->n; i++) {
        if (!strcasecmp(headers->keys[i]->text, name)) {
            return true;
        }
    }
    return false;
}

/* "Name: value" of each, ended by NULL; NULL without memory. */
static const char **make_headers(struct hook_run *run, const struct fact facts[FACTS_N])
{
    const struct lt_yaml_node *node = run->hook->headers, *body = run->hook->body;
    struct lt_doc_faults faults = {.arena = &run->arena};
    size_t n = node ? node->n : 0, at = 0;
    const char **headers = lt_arena_alloc(&run->arena, (n + 2) * sizeof *headers);
    for (size_t i = 0; headers && i < n; i++) {
        const char *said = lt_yaml_text(node->items[i]);
        struct lt_buf text = LT_BUF_INIT;
        said = said ? lt_document_expand(&run->pipe->doc, &faults, node->items[i], said) : "";
        if (fill_in(said, facts, &text)) {
            run->arena.failed = true;
        }
        headers[at++] =
            lt_arena_format(&run->arena, "%s: %s", node->keys[i]->text, lt_buf_text(&text));
        lt_buf_done(&text);
    }
    if (headers && !has_header(node, "content-type")) {
        headers[at] = body && body->kind == LT_YAML_SCALAR
                          ? "Content-Type: text/plain; charset=utf-8"
                          : "Content-Type: application/json";
    }
    return headers;
}

static bool is_cancelled(void *arg)
{
    return leat_is_cancelled(arg);
}

static int run_webhook(struct hook_run *run, struct leat_error *err)
{
    const struct lt_hook *hook = run->hook;
    struct fact facts[FACTS_N];
    struct lt_buf body = LT_BUF_INIT;
    gather(run, facts);
    const char **headers = make_headers(run, facts);
    int rc = make_body(run, facts, &body);
    if (rc || !headers || run->arena.failed) {
        lt_buf_done(&body);
        return lt_fail_oom(err);
    }
    bool bodyless = !strcmp(hook->method, "GET") && !hook->body;
    const struct lt_http_request request = {.method = hook->method,
                                            .url = hook->what.text,
                                            .headers = headers,
                                            .body = bodyless ? NULL : lt_buf_text(&body),
                                            .body_len = body.len,
                                            .timeout_ms = hook->timeout_ms,
                                            .attempts = WEBHOOK_ATTEMPTS,
                                            .cancelled = is_cancelled,
                                            .arg = run->pipe->leat};
    rc = at_hook(lt_http_send(&request, NULL, err), hook, err);
    lt_buf_done(&body);
    return rc;
}

/* --- all ------------------------------------------------------------------------------------ */

int lt_hooks_run(struct leat_pipe *pipe, const struct lt_hooks *hooks, enum lt_hook_time when,
                 const struct lt_hook_facts *facts, struct leat_error *err)
{
    static int (*const kinds[])(struct hook_run *, struct leat_error *) = {
        [LT_HOOK_SQL] = run_sql, [LT_HOOK_COMMAND] = run_command, [LT_HOOK_WEBHOOK] = run_webhook};
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < hooks->n[when]; i++) {
        struct hook_run run = {.pipe = pipe, .hook = &hooks->items[when][i], .facts = facts};
        rc = kinds[run.hook->kind](&run, err);
        lt_arena_done(&run.arena);
    }
    return rc;
}
