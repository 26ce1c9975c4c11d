/* The plans of a step: one where it names no streams; else those of the source that its patterns
 * match, together where the same is said of them. */
#include "core/codes.h"
#include "core/util.h"
#include "pipe/pipe.h"

#include <stdlib.h>
#include <string.h>

int lt_at_node(int rc, const struct lt_yaml_node *node, struct leat_error *err)
{
    if (rc && node && err) {
        leat_error_place(err, "%s:%d:%d", node->file, (int)node->line, (int)node->column);
    }
    return rc;
}

/* --- one plan ------------------------------------------------------------------------------- */

/* What one plan is made of. */
struct wish {
    const struct lt_step *step;
    const struct lt_mode *mode;
    const char *from;           /* not yet resolved */
    const char *const *to;      /* likewise */
    struct lt_choices choices;  /* over the step's */
    const char *const *include; /* names of streams, n_include of them */
    size_t n_include;
    const struct lt_yaml_node *node;
};

/* A mode that stands for an option takes the place of what contradicts it. */
static void take_mode(struct lt_arena *arena, const struct lt_mode *mode,
                      struct lt_choices *choices)
{
    static const char *const rivals[] = {"replace", "append", NULL};
    struct lt_choices kept = {NULL, 0};
    for (size_t i = 0; mode->option && i < choices->n; i++) {
        const struct lt_choice *c = &choices->items[i];
        if (strcmp(c->name, rivals[0]) && strcmp(c->name, rivals[1])) {
            lt_choices_add(arena, &kept, c->name, c->value, c->node);
        }
    }
    *choices = mode->option ? kept : *choices;
}

static int apply(struct leat_pipe *pipe, struct lt_arena *arena, const struct wish *wish,
                 struct leat_plan *plan, struct leat_error *err)
{
    const struct lt_mode *mode = wish->mode;
    struct lt_choices said = {NULL, 0}, defaults = {NULL, 0};
    lt_choices_over(arena, &said, &wish->step->choices);
    lt_choices_over(arena, &said, &wish->choices);
    take_mode(arena, mode, &said);
    if (mode->option) {
        lt_choices_add(arena, &said, mode->option, "true", wish->node);
    }
    lt_choices_over(arena, &said, &pipe->set);
    lt_choices_over(arena, &defaults, &pipe->doc.defaults);
    take_mode(arena, mode, &defaults);
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < defaults.n; i++) {
        const struct lt_choice *c = &defaults.items[i];
        bool over = lt_choices_find(&said, c->name) != NULL;
        rc = over ? LEAT_OK : leat_plan_set_default(plan, c->name, c->value, err);
        lt_at_node(rc, c->node, err);
    }
    for (size_t i = 0; !rc && i < said.n; i++) {
        const struct lt_choice *c = &said.items[i];
        bool of_plan = false;
        lt_document_option(&pipe->doc, c->name, &of_plan);
        bool passed_over = of_plan && !leat_action_takes(mode->action, c->name);
        rc = passed_over ? LEAT_OK : leat_plan_set(plan, c->name, c->value, err);
        lt_at_node(rc, c->node, err);
    }
    for (size_t i = 0; !rc && i < wish->n_include; i++) {
        rc = leat_plan_set(plan, "include", wish->include[i], err);
    }
    return rc ? rc : arena->failed ? lt_fail_oom(err) : LEAT_OK;
}

static int resolved(struct leat_pipe *pipe, struct lt_arena *arena, const char *text,
                    const char **ret_text, struct leat_error *err)
{
    *ret_text = text ? lt_place_resolve(&pipe->doc, arena, text) : NULL;
    return *ret_text ? LEAT_OK : lt_fail_oom(err);
}

static int make_plan(struct leat_pipe *pipe, struct lt_arena *arena, const struct wish *wish,
                     struct leat_plan **ret_plan, struct leat_error *err)
{
    const struct lt_step *step = wish->step;
    struct leat_plan *plan = NULL;
    const char *text = NULL;
    int rc = leat_plan_new(pipe->leat, &plan, err);
    rc = rc ? rc : leat_plan_action(plan, wish->mode->action, err);
    rc = rc ? rc : resolved(pipe, arena, wish->from, &text, err);
    rc = rc ? rc : lt_at_node(leat_plan_source(plan, text, err), step->from.node, err);
    for (size_t i = 0; !rc && i < step->to.n; i++) {
        rc = resolved(pipe, arena, wish->to ? wish->to[i] : step->to.items[i].text, &text, err);
        rc = rc ? rc
                : lt_at_node(leat_plan_destination(plan, text, err), step->to.items[i].node, err);
    }
    rc = rc ? rc : apply(pipe, arena, wish, plan, err);
    if (rc) {
        leat_plan_free(plan);
        return rc;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

int lt_place_plan(struct leat_pipe *pipe, const char *text, const struct lt_yaml_node *node,
                  struct leat_plan **ret_plan, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    struct lt_arena arena = {NULL, false};
    const char *location = NULL;
    int rc = leat_plan_new(pipe->leat, &plan, err);
    rc = rc ? rc : resolved(pipe, &arena, text, &location, err);
    rc = rc ? rc : lt_at_node(leat_plan_source(plan, location, err), node, err);
    const struct lt_choices *all[] = {&pipe->doc.defaults, &pipe->set};
    for (size_t k = 0; k < LT_ARRAY_LEN(all); k++) {
        for (size_t i = 0; !rc && i < all[k]->n; i++) {
            const struct lt_choice *c = &all[k]->items[i];
            rc = leat_plan_set_default(plan, c->name, c->value, err);
        }
    }
    lt_arena_done(&arena);
    if (rc) {
        leat_plan_free(plan);
        return rc;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

static int add_plan(struct leat_pipe *pipe, struct lt_step_plans *plans, const struct wish *wish,
                    struct leat_error *err)
{
    struct lt_step_plan *items =
        lt_arena_more(&plans->arena, plans->items, plans->n, sizeof *items);
    if (!items) {
        return lt_fail_oom(err);
    }
    plans->items = items;
    struct leat_plan *plan = NULL;
    int rc = make_plan(pipe, &plans->arena, wish, &plan, err);
    if (!rc) {
        items[plans->n++] = (struct lt_step_plan){plan, wish->mode, wish->node};
    }
    return rc;
}

/* --- together ------------------------------------------------------------------------------- */

/* A name in which nothing is special; NULL without memory. */
static const char *quoted(struct lt_arena *arena, const char *name)
{
    char *text = lt_arena_alloc(arena, 2 * strlen(name) + 3);
    size_t n = 0;
    if (!text) {
        return NULL;
    }
    text[n++] = '"';
    for (; *name; name++) {
        text[n++] = *name;
        if (*name == '"') {
            text[n++] = '"';
        }
    }
    text[n] = '"';
    return text;
}

static bool is_plain(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-") ==
           strlen(name);
}

static bool is_together(const struct lt_member *a, const struct lt_member *b)
{
    bool template = !a->to || strstr(a->to, "{stream}");
    return a->found && b->found && template && is_plain(a->found->name) &&
           is_plain(b->found->name) && a->mode == b->mode && !strcmp(a->found->ns, b->found->ns) &&
           !a->to == !b->to && (!a->to || !strcmp(a->to, b->to)) &&
           lt_choices_equal(&a->choices, &b->choices);
}

/* Where a member is: by itself, or with others in its namespace. */
static const char *from_of(struct leat_pipe *pipe, const struct lt_step *step,
                           const struct lt_member *m, bool alone, struct lt_arena *arena)
{
    const struct lt_stream_found *f = m->found;
    if (!f) {
        const char *place = lt_place_stream(&pipe->doc, arena, step->from.text, "");
        char *hash = place ? strrchr(place, '#') : NULL;
        return hash ? lt_arena_strndup(arena, place, (size_t)(hash - place)) : NULL;
    }
    if (!alone && !*f->ns) {
        return step->from.text;
    }
    const char *ns = is_plain(f->ns) ? f->ns : quoted(arena, f->ns);
    const char *name = alone ? (is_plain(f->name) ? f->name : quoted(arena, f->name)) : "";
    const char *full =
        ns && name ? lt_arena_format(arena, "%s%s%s", ns, *f->ns ? "." : "", name) : NULL;
    return full ? lt_place_stream(&pipe->doc, arena, step->from.text, full) : NULL;
}

static int plan_members(struct leat_pipe *pipe, const struct lt_step *step,
                        struct lt_member *members, size_t n, struct lt_step_plans *plans,
                        struct leat_error *err)
{
    struct lt_arena *arena = &plans->arena;
    const char **names = lt_arena_alloc(arena, n * sizeof *names);
    const char **to = lt_arena_alloc(arena, step->to.n * sizeof *to);
    if (!names || !to) {
        return lt_fail_oom(err);
    }
    size_t n_names = 0;
    for (size_t i = 0; i < n; i++) {
        if (!members[i].done && is_together(&members[0], &members[i])) {
            names[n_names++] = members[i].found->full;
            members[i].done = true;
        }
    }
    members[0].done = true;
    const char *name = members[0].to            ? members[0].to
                       : members[0].rule->query ? members[0].rule->pattern.text
                                                : NULL;
    for (size_t d = 0; d < step->to.n; d++) {
        to[d] = name ? lt_place_stream(&pipe->doc, arena, step->to.items[d].text, name)
                     : step->to.items[d].text;
    }
    const struct wish wish = {
        .step = step,
        .mode = members[0].mode,
        .from = from_of(pipe, step, &members[0], n_names < 2, arena),
        .to = to,
        .choices = members[0].choices,
        .include = names,
        .n_include = n_names > 1 ? n_names : 0,
        .node = members[0].rule->pattern.node,
    };
    return arena->failed ? lt_fail_oom(err) : add_plan(pipe, plans, &wish, err);
}

static int plan_streams(struct leat_pipe *pipe, const struct lt_step *step,
                        struct lt_step_plans *plans, struct leat_error *err)
{
    struct lt_members members = {.arena = &plans->arena};
    int rc = lt_step_members(pipe, step, &members, err);
    plans->unmatched = members.unmatched;
    for (size_t i = 0; !rc && i < members.n; i++) {
        rc = members.items[i].done
                 ? LEAT_OK
                 : plan_members(pipe, step, members.items + i, members.n - i, plans, err);
    }
    return rc;
}

/* A single name need not be looked for. */
static int plan_one_stream(struct leat_pipe *pipe, const struct lt_step *step,
                           struct lt_step_plans *plans, struct leat_error *err)
{
    struct lt_arena *arena = &plans->arena;
    const struct lt_rule *rule = &step->rules[0];
    const char **to = lt_arena_alloc(arena, step->to.n * sizeof *to);
    for (size_t d = 0; to && d < step->to.n; d++) {
        const char *place = step->to.items[d].text;
        to[d] = rule->to.text ? lt_place_stream(&pipe->doc, arena, place, rule->to.text) : place;
    }
    const struct wish wish = {
        .step = step,
        .mode = rule->mode ? rule->mode : step->mode,
        .from = lt_place_stream(&pipe->doc, arena, step->from.text, rule->pattern.text),
        .to = to,
        .choices = rule->choices,
        .node = rule->pattern.node,
    };
    return arena->failed ? lt_fail_oom(err) : add_plan(pipe, plans, &wish, err);
}

static int make_plans(struct leat_pipe *pipe, const struct lt_step *step,
                      struct lt_step_plans *plans, struct leat_error *err)
{
    const struct lt_rule *only = step->n_rules == 1 ? &step->rules[0] : NULL;
    if (!step->has_streams) {
        const struct wish wish = {
            .step = step, .mode = step->mode, .from = step->from.text, .node = step->node};
        return add_plan(pipe, plans, &wish, err);
    }
    return only && !only->wild && !only->query && !only->skip
               ? plan_one_stream(pipe, step, plans, err)
               : plan_streams(pipe, step, plans, err);
}

int lt_step_plans(struct leat_pipe *pipe, const struct lt_step *step,
                  struct lt_step_plans *ret_plans, struct leat_error *err)
{
    *ret_plans = (struct lt_step_plans){.n = 0};
    int rc = make_plans(pipe, step, ret_plans, err);
    if (rc) {
        lt_step_plans_done(ret_plans);
    }
    return rc;
}

void lt_step_plans_done(struct lt_step_plans *plans)
{
    for (size_t i = 0; i < plans->n; i++) {
        leat_plan_free(plans->items[i].plan);
    }
    lt_arena_done(&plans->arena);
    *plans = (struct lt_step_plans){.n = 0};
}

/* --- checking ------------------------------------------------------------------------------- */

static bool is_fatal(int rc)
{
    return rc == LEAT_NO_MEMORY || rc == LEAT_INTERNAL;
}

/* A location that cannot be read as one. */
static int check_place(struct leat_pipe *pipe, const struct lt_text *text, bool destination,
                       struct lt_doc_faults *faults, struct leat_error *err)
{
    struct leat_error own = {0};
    struct leat_plan *plan = NULL;
    const char *location = NULL;
    if (!text->text || !*text->text) {
        return LEAT_OK;
    }
    int rc = leat_plan_new(pipe->leat, &plan, &own);
    rc = rc ? rc : resolved(pipe, faults->arena, text->text, &location, &own);
    rc = rc            ? rc
         : destination ? leat_plan_destination(plan, location, &own)
                       : leat_plan_source(plan, location, &own);
    leat_plan_free(plan);
    if (rc && !is_fatal(rc)) {
        lt_doc_fault_error(faults, text->node, &own);
    }
    return is_fatal(rc) ? lt_fail_oom(err) : LEAT_OK;
}

/* With streams the place must leave room for their names. */
static void check_from(struct leat_pipe *pipe, const struct lt_step *step,
                       struct lt_doc_faults *faults)
{
    const char *rest = lt_place_rest(&pipe->doc, faults->arena, step->from.text);
    if (step->has_streams && rest && *rest && rest[strlen(rest) - 1] != '.') {
        lt_doc_fault(faults, step->from.node,
                     "name a connection, a URL without #, or a namespace with a dot behind it",
                     "the source names a stream, and so does `streams`");
    }
}

int lt_step_check(struct leat_pipe *pipe, const struct lt_step *step, struct lt_doc_faults *faults,
                  struct leat_error *err)
{
    int rc = check_place(pipe, &step->from, false, faults, err);
    for (size_t i = 0; !rc && i < step->to.n; i++) {
        rc = check_place(pipe, &step->to.items[i], true, faults, err);
    }
    rc = rc ? rc : check_place(pipe, &step->in, false, faults, err);
    if (step->from.text && *step->from.text) {
        check_from(pipe, step, faults);
    }
    return rc;
}
