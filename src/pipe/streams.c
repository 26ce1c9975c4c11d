/* The streams of a step: which of its source's its patterns match, and what they say of each. */
#include "core/codes.h"
#include "core/util.h"
#include "pipe/pipe.h"

#include <stdlib.h>
#include <string.h>

/* --- the streams there are ------------------------------------------------------------------ */

struct listing {
    struct lt_arena *arena;
    struct lt_stream_found *items;
    size_t n;
};

static int take_stream(void *arg, const struct leat_stream_info *info)
{
    struct listing *listing = arg;
    struct lt_stream_found *items =
        lt_arena_more(listing->arena, listing->items, listing->n, sizeof *items);
    const char *ns = info->name.ns ? info->name.ns : "";
    if (!items) {
        return LEAT_NO_MEMORY;
    }
    listing->items = items;
    struct lt_stream_found *f = &items[listing->n];
    f->ns = lt_arena_strdup(listing->arena, ns);
    f->view = info->kind == LEAT_VIEW;
    f->name = lt_arena_strdup(listing->arena, info->name.name);
    f->full = *ns ? lt_arena_format(listing->arena, "%s.%s", ns, info->name.name) : f->name;
    listing->n += f->ns && f->name && f->full;
    return listing->arena->failed ? LEAT_NO_MEMORY : LEAT_OK;
}

static int list_place(struct leat_pipe *pipe, const struct lt_step *step, const char *place,
                      struct listing *listing, struct leat_error *err)
{
    struct leat_plan *plan = NULL;
    int rc = lt_place_plan(pipe, place, step->from.node, &plan, err);
    rc = rc ? rc : leat_list(plan, take_stream, listing, err);
    leat_plan_free(plan);
    return rc;
}

static int by_full(const void *a, const void *b)
{
    return strcmp(((const struct lt_stream_found *)a)->full,
                  ((const struct lt_stream_found *)b)->full);
}

/* Where a rule's streams are to be looked for: all of a namespace. */
static const char *place_of(struct leat_pipe *pipe, const struct lt_step *step,
                            const struct lt_rule *rule, struct lt_arena *arena)
{
    const char *pattern = rule->pattern.text, *dot = NULL;
    bool quoted = false;
    for (const char *p = pattern; *p; p++) {
        quoted ^= *p == '"';
        dot = *p == '.' && !quoted ? p : dot;
    }
    if (!dot) {
        return step->from.text;
    }
    char *ns = lt_arena_strndup(arena, pattern, (size_t)(dot + 1 - pattern));
    if (ns && lt_wildcard_has(ns)) {
        return lt_place_stream(&pipe->doc, arena, step->from.text, pattern);
    }
    return ns ? lt_place_stream(&pipe->doc, arena, step->from.text, ns) : NULL;
}

static int list_streams(struct leat_pipe *pipe, const struct lt_step *step, struct listing *listing,
                        struct leat_error *err)
{
    const char **places = lt_arena_alloc(listing->arena, step->n_rules * sizeof *places);
    size_t n = 0;
    int rc = places ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < step->n_rules; i++) {
        const struct lt_rule *rule = &step->rules[i];
        if (rule->skip || rule->query) {
            continue;
        }
        const char *place = place_of(pipe, step, rule, listing->arena);
        bool seen = false;
        for (size_t k = 0; place && !seen && k < n; k++) {
            seen = !strcmp(places[k], place);
        }
        if (!place) {
            rc = lt_fail_oom(err);
        } else if (!seen) {
            places[n++] = place;
            rc = list_place(pipe, step, place, listing, err);
            /* Nothing there is told for each pattern. */
            rc = rc == LEAT_NOT_FOUND && rule->wild ? LEAT_OK : rc;
        }
    }
    if (listing->n) {
        qsort(listing->items, listing->n, sizeof *listing->items, by_full);
    }
    size_t kept = 0;
    for (size_t i = 0; i < listing->n; i++) {
        if (!kept || strcmp(listing->items[kept - 1].full, listing->items[i].full)) {
            listing->items[kept++] = listing->items[i];
        }
    }
    listing->n = kept;
    return rc;
}

/* --- what is said of them ------------------------------------------------------------------- */

/* A name as one writes it: without the quotes around its parts. */
static bool is_named(const char *pattern, const struct lt_stream_found *f, bool wild)
{
    char plain[1024];
    size_t n = 0;
    for (const char *p = pattern; *p && n + 1 < sizeof plain; p++) {
        if (*p != '"' || (p[1] == '"' && *++p)) {
            plain[n++] = *p;
        }
    }
    plain[n] = 0;
    return wild ? lt_wildcard_match(pattern, f->name) || lt_wildcard_match(pattern, f->full)
                : !strcmp(plain, f->name) || !strcmp(plain, f->full);
}

/* Fixed characters of a pattern; a name counts more than any pattern. */
static size_t weight_of(const struct lt_rule *rule)
{
    size_t n = 0;
    for (const char *p = rule->pattern.text; *p; p++) {
        n += !strchr("*%?", *p);
    }
    return rule->wild ? n : SIZE_MAX;
}

/* The rules of the step from the one that counts least; those of equal weight as they stand. */
static const struct lt_rule **ordered_rules(const struct lt_step *step, struct lt_arena *arena)
{
    const struct lt_rule **rules = lt_arena_alloc(arena, step->n_rules * sizeof *rules);
    for (size_t i = 0; rules && i < step->n_rules; i++) {
        size_t at = i, weight = weight_of(&step->rules[i]);
        for (; at > 0 && weight_of(rules[at - 1]) > weight; at--) {
            rules[at] = rules[at - 1];
        }
        rules[at] = &step->rules[i];
    }
    return rules;
}

static void add_rule(struct lt_arena *arena, const struct lt_rule *rule, struct lt_member *member)
{
    member->rule = rule;
    member->mode = rule->mode ? rule->mode : member->mode;
    member->to = rule->to.text ? rule->to.text : member->to;
    lt_choices_over(arena, &member->choices, &rule->choices);
}

static int not_there(const struct lt_step *step, const struct lt_rule *rule, struct leat_error *err)
{
    lt_fail(err, LT_E_NOT_FOUND, "%s has no stream \"%.100s\"", step->from.text,
            rule->pattern.text);
    return lt_at_node(LEAT_NOT_FOUND, rule->pattern.node, err);
}

/* Patterns that match nothing are kept for a warning; a name must be there. */
static int check_matches(const struct lt_step *step, const struct listing *listing,
                         struct lt_members *ret, struct leat_error *err)
{
    for (size_t i = 0; i < step->n_rules; i++) {
        const struct lt_rule *rule = &step->rules[i];
        bool there = rule->query || rule->skip;
        for (size_t k = 0; !there && k < listing->n; k++) {
            there = is_named(rule->pattern.text, &listing->items[k], rule->wild);
        }
        if (!there && !rule->wild) {
            return not_there(step, rule, err);
        }
        struct lt_text *items = there ? NULL
                                      : lt_arena_more(ret->arena, ret->unmatched.items,
                                                      ret->unmatched.n, sizeof *items);
        if (items) {
            ret->unmatched.items = items;
            items[ret->unmatched.n++] = rule->pattern;
        }
    }
    return LEAT_OK;
}

/* `views: skip`, of the stream, the step or the defaults: a view that only a pattern matches. */
static bool leaves_view(const struct leat_pipe *pipe, const struct lt_step *step,
                        const struct lt_member *member)
{
    const struct lt_choices *const places[] = {&pipe->set, &member->choices, &step->choices,
                                               &pipe->doc.defaults};
    const char *said = NULL;
    for (size_t i = 0; !said && i < LT_ARRAY_LEN(places); i++) {
        said = lt_choices_find(places[i], "views");
    }
    return member->found->view && member->rule->wild && said && !strcmp(said, "skip");
}

static int find_members(const struct leat_pipe *pipe, const struct lt_step *step,
                        const struct listing *listing, struct lt_members *ret,
                        struct leat_error *err)
{
    struct lt_arena *arena = ret->arena;
    const struct lt_rule **rules = ordered_rules(step, arena);
    struct lt_member *members =
        lt_arena_alloc(arena, (listing->n + step->n_rules) * sizeof *members);
    size_t n = 0;
    if (!rules || !members) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < listing->n; i++) {
        struct lt_member *m = &members[n];
        *m = (struct lt_member){.found = &listing->items[i], .mode = step->mode};
        for (size_t k = 0; k < step->n_rules; k++) {
            if (!rules[k]->query && is_named(rules[k]->pattern.text, m->found, rules[k]->wild)) {
                add_rule(arena, rules[k], m);
            }
        }
        n += m->rule && !m->rule->skip && !leaves_view(pipe, step, m);
    }
    for (size_t k = 0; k < step->n_rules; k++) {
        if (rules[k]->query && !rules[k]->skip) {
            members[n] = (struct lt_member){.mode = step->mode};
            add_rule(arena, rules[k], &members[n++]);
        }
    }
    ret->items = members;
    ret->n = n;
    return LEAT_OK;
}

int lt_step_members(struct leat_pipe *pipe, const struct lt_step *step, struct lt_members *ret,
                    struct leat_error *err)
{
    struct listing listing = {.arena = ret->arena};
    int rc = list_streams(pipe, step, &listing, err);
    rc = rc ? rc : check_matches(step, &listing, ret, err);
    rc = rc ? rc : find_members(pipe, step, &listing, ret, err);
    if (!rc && !ret->n) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "%s holds no stream that matches", step->from.text);
        lt_at_node(rc, step->node, err);
    }
    return rc;
}
