/* Opening pipes, and what is asked of them. */
#include "pipe/pipe.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- opening -------------------------------------------------------------------------------- */

static int keep_vars(struct lt_document *doc, const struct leat_param *vars, size_t n,
                     struct leat_error *err)
{
    struct leat_param *copies = lt_arena_alloc(&doc->arena, n * sizeof *copies);
    for (size_t i = 0; copies && i < n; i++) {
        copies[i].name = lt_arena_strdup(&doc->arena, vars[i].name);
        copies[i].value = lt_arena_strdup(&doc->arena, vars[i].value);
    }
    doc->given = copies;
    doc->n_given = n;
    return doc->arena.failed ? lt_fail_oom(err) : LEAT_OK;
}

/* A fault of the text itself, which has no tree. */
static void tell_text_fault(const char *file, const struct lt_yaml_place *place,
                            const struct leat_error *err, leat_fault_fn *fault, void *arg)
{
    const struct leat_pipe_fault told = {.size = sizeof told,
                                         .file = file,
                                         .line = place->line,
                                         .column = place->column,
                                         .message = err->message,
                                         .remedy = err->remedy};
    if (fault && place->line) {
        fault(arg, &told);
    }
}

static int open_at(struct leat *leat, const char *path, const struct leat_param *vars,
                   size_t n_vars, const struct lt_document *outer, leat_fault_fn *fault, void *arg,
                   struct leat_pipe **ret_pipe, struct leat_error *err);

/* Whether the file is the document, or one of those that run it. */
static bool runs_itself(const struct lt_document *doc, const char *path)
{
    struct stat inner, outer;
    bool is = false;
    if (!stat(path, &inner)) {
        for (; doc && !is; doc = doc->outer) {
            is = !stat(doc->path, &outer) && inner.st_dev == outer.st_dev &&
                 inner.st_ino == outer.st_ino;
        }
    }
    return is;
}

/* What a nested document is at fault with is told under its own name. */
static int open_nested(struct leat_pipe *pipe, struct lt_step *step, struct lt_doc_faults *faults,
                       leat_fault_fn *fault, void *arg, struct leat_error *err)
{
    struct lt_document *doc = &pipe->doc;
    struct leat_error own = {0};
    size_t n = step->n_vars + doc->n_given;
    if (runs_itself(doc, step->pipe.text)) {
        lt_doc_fault(faults, step->pipe.node, "", "%.200s runs itself", step->pipe.text);
        return LEAT_OK;
    }
    struct leat_param *vars = lt_arena_alloc(&doc->arena, n * sizeof *vars);
    if (!vars) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        vars[i] = i < step->n_vars ? step->vars[i] : doc->given[i - step->n_vars];
    }
    int rc =
        doc->depth + 1 < LT_PIPE_NESTING_MAX
            ? open_at(pipe->leat, step->pipe.text, vars, n, doc, fault, arg, &step->nested, &own)
            : lt_fail(&own, LT_E_PIPE, "documents run each other more than %d deep",
                      LT_PIPE_NESTING_MAX);
    if (rc == LEAT_NO_MEMORY) {
        return lt_fail_oom(err);
    }
    if (rc) {
        lt_doc_fault(faults, step->pipe.node, own.remedy, "%s%s%s", own.place,
                     *own.place ? ": " : "", own.message);
    }
    return LEAT_OK;
}

static int read_document(struct leat_pipe *pipe, leat_fault_fn *fault, void *arg,
                         struct leat_error *err)
{
    struct lt_doc_faults faults = {.arena = &pipe->doc.arena};
    int rc = lt_document_read(&pipe->doc, &faults, err);
    for (size_t i = 0; !rc && i < pipe->doc.n_steps; i++) {
        struct lt_step *step = &pipe->doc.steps[i];
        bool nested = step->kind == LT_STEP_PIPE && step->pipe.text && *step->pipe.text;
        rc = lt_step_check(pipe, step, &faults, err);
        rc = rc || !nested ? rc : open_nested(pipe, step, &faults, fault, arg, err);
    }
    pipe->last = pipe->doc.n_steps;
    return rc ? rc : lt_doc_faults_tell(&faults, fault, arg, err);
}

static int open_halfpipe(struct leat_pipe *pipe, leat_fault_fn *fault, void *arg,
                         struct leat_error *err)
{
    struct lt_document *doc = &pipe->doc;
    doc->name = lt_document_stem(doc, doc->path);
    return doc->name ? lt_halfpipe_open(pipe->leat, lt_yaml_root(doc->yaml), doc->given,
                                        doc->n_given, fault, arg, &pipe->halfpipe, err)
                     : lt_fail_oom(err);
}

static int open_at(struct leat *leat, const char *path, const struct leat_param *vars,
                   size_t n_vars, const struct lt_document *outer, leat_fault_fn *fault, void *arg,
                   struct leat_pipe **ret_pipe, struct leat_error *err)
{
    struct leat_error own = {0};
    struct lt_yaml_place place = {0};
    struct leat_pipe *pipe = calloc(1, sizeof *pipe);
    if (!pipe) {
        return lt_fail_oom(err);
    }
    pipe->leat = pipe->doc.leat = leat;
    pipe->doc.depth = outer ? outer->depth + 1 : 0;
    pipe->doc.outer = outer;
    pipe->doc.path = lt_arena_strdup(&pipe->doc.arena, path);
    int rc = pipe->doc.path ? keep_vars(&pipe->doc, vars, n_vars, &own) : lt_fail_oom(&own);
    rc = rc ? rc : lt_yaml_read(path, &pipe->doc.yaml, &place, &own);
    if (rc) {
        tell_text_fault(path, &place, &own, fault, arg);
    }
    if (!rc && lt_halfpipe_is(lt_yaml_root(pipe->doc.yaml))) {
        rc = open_halfpipe(pipe, fault, arg, &own);
    } else {
        rc = rc ? rc : read_document(pipe, fault, arg, &own);
    }
    if (rc) {
        if (err) {
            *err = own;
        }
        leat_pipe_free(pipe);
        return rc;
    }
    *ret_pipe = pipe;
    return LEAT_OK;
}

int leat_pipe_open(struct leat *leat, const char *path, const struct leat_param *vars,
                   size_t n_vars, leat_fault_fn *fault, void *arg, struct leat_pipe **ret_pipe,
                   struct leat_error *err)
{
    return open_at(leat, path, vars, n_vars, NULL, fault, arg, ret_pipe, err);
}

void leat_pipe_free(struct leat_pipe *pipe)
{
    if (pipe) {
        lt_halfpipe_free(pipe->halfpipe);
        lt_document_done(&pipe->doc);
        free(pipe);
    }
}

/* --- settings ------------------------------------------------------------------------------- */

int leat_pipe_set(struct leat_pipe *pipe, const char *name, const char *value,
                  struct leat_error *err)
{
    struct lt_document *doc = &pipe->doc;
    const struct leat_option *option = lt_document_option(doc, name, NULL);
    if (pipe->halfpipe) {
        return lt_halfpipe_set(pipe->halfpipe, name, value, err);
    }
    if (!option) {
        lt_fail(err, LT_E_UNKNOWN_OPTION, "there is no option %.100s", name);
        return LEAT_INVALID;
    }
    int rc = leat_option_check(option, value, err);
    const char *copy = rc ? NULL : lt_arena_strdup(&doc->arena, value ? value : "true");
    if (rc || !copy) {
        return rc ? rc : lt_fail_oom(err);
    }
    lt_choices_add(&doc->arena, &pipe->set, option->name, copy, NULL);
    if (!strcmp(name, "keep-going")) {
        pipe->keep_going = strchr("tTyY1", copy[0]) || !strcasecmp(copy, "on");
    }
    for (size_t i = 0; !rc && i < doc->n_steps; i++) {
        rc = doc->steps[i].nested ? leat_pipe_set(doc->steps[i].nested, name, value, err) : rc;
    }
    return rc ? rc : doc->arena.failed ? lt_fail_oom(err) : LEAT_OK;
}

int leat_pipe_default(struct leat_pipe *pipe, const char *name, const char *value,
                      struct leat_error *err)
{
    struct lt_document *doc = &pipe->doc;
    const struct leat_option *option = lt_document_option(doc, name, NULL);
    if (pipe->halfpipe || !option || lt_choices_find(&doc->defaults, name)) {
        return LEAT_OK; /* Halfpipe's documents say everything; `also` is of a command line */
    }
    const char *copy = lt_arena_strdup(&doc->arena, value);
    if (!copy) {
        return lt_fail_oom(err);
    }
    lt_choices_add(&doc->arena, &doc->defaults, option->name, copy, NULL);
    int rc = doc->arena.failed ? lt_fail_oom(err) : LEAT_OK;
    for (size_t i = 0; !rc && i < doc->n_steps; i++) {
        rc = doc->steps[i].nested ? leat_pipe_default(doc->steps[i].nested, name, value, err) : rc;
    }
    return rc;
}

int leat_pipe_select(struct leat_pipe *pipe, const char *step, bool from_here,
                     struct leat_error *err)
{
    struct lt_document *doc = &pipe->doc;
    const char **names = lt_arena_alloc(&doc->arena, (doc->n_steps + 1) * sizeof *names);
    for (size_t i = 0; names && i < doc->n_steps; i++) {
        names[i] = doc->steps[doc->order[i]].name;
        if (!strcmp(names[i], step)) {
            pipe->first = i;
            pipe->last = from_here ? doc->n_steps : i + 1;
            return LEAT_OK;
        }
    }
    if (!names) {
        return lt_fail_oom(err);
    }
    const char *close = lt_closest(step, names);
    lt_fail(err, LT_E_NOT_FOUND, "%s has no step \"%.100s\"", doc->path, step);
    if (close) {
        leat_error_remedy(err, "did you mean \"%s\"?", close);
    }
    return LEAT_NOT_FOUND;
}

const char *leat_pipe_name(const struct leat_pipe *pipe)
{
    return pipe->doc.name;
}

int64_t leat_pipe_next(const struct leat_pipe *pipe, int64_t now, bool first)
{
    const struct lt_document *doc = &pipe->doc;
    if (pipe->halfpipe) {
        int64_t every = lt_halfpipe_every(pipe->halfpipe);
        return every < 0 || !first ? every : 0;
    }
    if (doc->cron) {
        int64_t at = lt_cron_next(doc->cron, now);
        return at < 0 ? -1 : at - now;
    }
    return !doc->every_ms ? -1 : first ? 0 : doc->every_ms / 1000;
}

/* --- describing ----------------------------------------------------------------------------- */

static int describe_plans(struct leat_pipe *pipe, const struct lt_step *step, struct lt_buf *out,
                          struct leat_error *err)
{
    struct lt_step_plans plans;
    int rc = lt_step_plans(pipe, step, &plans, err);
    for (size_t i = 0; !rc && i < plans.n; i++) {
        char *text = NULL;
        rc = leat_plan_describe(plans.items[i].plan, &text, err);
        rc = rc ? rc : lt_buf_puts(out, text) ? lt_fail_oom(err) : LEAT_OK;
        leat_text_free(text);
    }
    if (!rc) {
        lt_step_plans_done(&plans);
    }
    return rc;
}

static int describe_step(struct leat_pipe *pipe, const struct lt_step *step, struct lt_buf *out,
                         struct leat_error *err)
{
    char *text = NULL;
    int rc = lt_buf_printf(out, "%s-- step %s\n", out->len ? "\n" : "", step->name);
    if (rc) {
        return lt_fail_oom(err);
    }
    if (step->kind == LT_STEP_PLAN) {
        rc = describe_plans(pipe, step, out, err);
    } else if (step->kind == LT_STEP_SQL) {
        size_t len = strlen(step->sql.text);
        bool ended = len && step->sql.text[len - 1] == '\n';
        rc = lt_buf_printf(out, "in %s:\n%s%s", step->in.text, step->sql.text, ended ? "" : "\n")
                 ? lt_fail_oom(err)
                 : LEAT_OK;
    } else {
        rc = leat_pipe_describe(step->nested, &text, err);
        rc = rc ? rc : lt_buf_puts(out, text) ? lt_fail_oom(err) : LEAT_OK;
        leat_text_free(text);
    }
    if (rc) {
        leat_error_place(err, "step \"%s\"", step->name);
    }
    return rc;
}

int leat_pipe_describe(struct leat_pipe *pipe, char **ret_text, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    int rc = LEAT_OK;
    if (pipe->halfpipe) {
        return lt_halfpipe_describe(pipe->halfpipe, ret_text, err);
    }
    for (size_t i = pipe->first; !rc && i < pipe->last; i++) {
        rc = describe_step(pipe, &pipe->doc.steps[pipe->doc.order[i]], &out, err);
    }
    char *text = rc ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    if (rc || !text) {
        return rc ? rc : lt_fail_oom(err);
    }
    *ret_text = text;
    return LEAT_OK;
}
