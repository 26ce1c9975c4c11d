/* A plan as a document of one step. What is secret in it becomes a variable, told in front. */
#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"
#include "pipe/document.h"
#include "pipe/emit.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_MAX 80

struct part {
    enum leat_plan_part part;
    const char *name, *value; /* of a place: its text, without what is secret */
};

struct writer {
    struct leat *leat; /* a session of its own: a plan does not give its away */
    struct lt_arena arena;
    struct part *parts;
    size_t n, n_destinations;
    struct lt_buf notes; /* what to set, a line each */
};

/* --- secrets -------------------------------------------------------------------------------- */

/* The text with what is secret as ***; NULL: nothing is. */
static const char *masked(struct writer *w, const char *text)
{
    struct lt_buf out = LT_BUF_INIT;
    const char *copy = NULL;
    if (lt_redact(&out, text)) {
        w->arena.failed = true;
    } else if (strcmp(lt_buf_text(&out), text)) {
        copy = lt_arena_strdup(&w->arena, lt_buf_text(&out));
    }
    lt_buf_done(&out);
    return copy;
}

static void note(struct writer *w, const char *variable, const char *what)
{
    if (lt_buf_printf(&w->notes, "%sset %s to %s", w->notes.len ? "\n" : "", variable, what)) {
        w->arena.failed = true;
    }
}

/* LEAT_SOURCE_URL, LEAT_DESTINATION_URL, LEAT_DESTINATION_URL_2. */
static const char *place_variable(struct writer *w, enum leat_plan_part part)
{
    if (part == LEAT_PART_SOURCE) {
        return "LEAT_SOURCE_URL";
    }
    return w->n_destinations == 1
               ? "LEAT_DESTINATION_URL"
               : lt_arena_format(&w->arena, "LEAT_DESTINATION_URL_%zu", w->n_destinations);
}

/* The # before the stream of a URL that holds a password: behind its last @. */
static const char *stream_of(const char *url)
{
    const char *at = strrchr(url, '@'), *slash = strstr(url, "://");
    const char *hash = strrchr(at ? at : slash ? slash : url, '#');
    return hash ? hash : url + strlen(url);
}

static const char *escaped(struct writer *w, const char *text)
{
    struct lt_buf out = LT_BUF_INIT;
    const char *copy =
        lt_emit_escaped(&out, text) ? NULL : lt_arena_strdup(&w->arena, lt_buf_text(&out));
    lt_buf_done(&out);
    w->arena.failed = w->arena.failed || !copy;
    return copy ? copy : "";
}

/* A location as the document says it. */
static const char *place_text(struct writer *w, enum leat_plan_part part, const char *said)
{
    const char *hidden = masked(w, said);
    if (!hidden) {
        return escaped(w, said);
    }
    const char *variable = place_variable(w, part), *stream = stream_of(said);
    const char *url = lt_arena_strndup(&w->arena, said, (size_t)(stream - said));
    const char *shown = url ? masked(w, url) : NULL;
    note(w, variable ? variable : "", shown ? shown : hidden);
    const char *rest = escaped(w, stream);
    const char *text = lt_arena_format(&w->arena, "${%s}%s", variable ? variable : "", rest);
    return text ? text : "";
}

static const char *option_text(struct writer *w, const char *name, const char *value, bool secret)
{
    char variable[VARIABLE_MAX] = "LEAT_";
    size_t at = strlen(variable);
    if (!secret && !masked(w, value)) {
        return escaped(w, value);
    }
    for (const char *p = name; *p && at + 1 < sizeof variable; p++) {
        variable[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    }
    variable[at] = 0;
    note(w, variable, "the value of the option");
    const char *text = lt_arena_format(&w->arena, "${%s}", variable);
    return text ? text : "";
}

/* --- the plan ------------------------------------------------------------------------------- */

static int take_part(void *arg, enum leat_plan_part part, const char *name, const char *value)
{
    struct writer *w = arg;
    struct part *parts = lt_arena_more(&w->arena, w->parts, w->n, sizeof *parts);
    if (!parts) {
        return LEAT_NO_MEMORY;
    }
    w->parts = parts;
    w->n_destinations += part == LEAT_PART_DESTINATION;
    parts[w->n].part = part;
    parts[w->n].name = name ? lt_arena_strdup(&w->arena, name) : NULL;
    /* Of options the tables say which are secret. */
    parts[w->n].value = name ? lt_arena_strdup(&w->arena, value) : place_text(w, part, value);
    w->n++;
    return w->arena.failed ? LEAT_NO_MEMORY : LEAT_OK;
}

static const struct leat_option *find(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

/* The row of an option; NULL: of a connector that only the embedder's own session knows. */
static const struct leat_option *row_of(const struct writer *w, const char *name)
{
    const struct leat_option *row = find(leat_plan_options(), name);
    const struct leat_connector *connector;
    for (size_t i = 0; !row && (connector = leat_connector_at(w->leat, i)); i++) {
        row = find(connector->options, name);
    }
    return row;
}

static bool is_last(const struct writer *w, size_t i)
{
    for (size_t k = i + 1; k < w->n; k++) {
        if (w->parts[k].name && !strcmp(w->parts[k].name, w->parts[i].name)) {
            return false;
        }
    }
    return true;
}

static bool is_first(const struct writer *w, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (w->parts[k].name && !strcmp(w->parts[k].name, w->parts[i].name)) {
            return false;
        }
    }
    return true;
}

static void put_list(struct writer *w, struct lt_emit *emit, size_t first)
{
    const char *name = w->parts[first].name;
    lt_emit_key(emit, name);
    if (is_last(w, first)) {
        lt_emit_text(emit, option_text(w, name, w->parts[first].value, false));
        return;
    }
    lt_emit_list(emit);
    for (size_t i = first; i < w->n; i++) {
        if (w->parts[i].name && !strcmp(w->parts[i].name, name)) {
            lt_emit_text(emit, option_text(w, name, w->parts[i].value, false));
        }
    }
    lt_emit_end(emit);
}

static void put_option(struct writer *w, struct lt_emit *emit, size_t i)
{
    const char *name = w->parts[i].name, *value = w->parts[i].value;
    const struct leat_option *row = row_of(w, name);
    if (row && row->kind == LEAT_OPTION_LIST) {
        if (is_first(w, i)) {
            put_list(w, emit, i);
        }
        return;
    }
    if (!is_last(w, i)) {
        return; /* the last one counts */
    }
    lt_emit_key(emit, name);
    bool word = row && lt_is_word(row, value);
    if (word) {
        lt_emit_word(emit, value);
    } else {
        lt_emit_text(emit, option_text(w, name, value, row && row->kind == LEAT_OPTION_SECRET));
    }
}

static const char *mode_of(enum leat_action action)
{
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        if (m->action == action && m->is_key) {
            return m->word;
        }
    }
    return lt_modes[0].word;
}

static void put_places(struct writer *w, struct lt_emit *emit, enum leat_action action)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->parts[i].part == LEAT_PART_SOURCE) {
            lt_emit_pair(emit, mode_of(action), w->parts[i].value);
        }
    }
    if (!w->n_destinations) {
        return;
    }
    lt_emit_key(emit, "to");
    if (w->n_destinations > 1) {
        lt_emit_list(emit);
    }
    for (size_t i = 0; i < w->n; i++) {
        if (w->parts[i].part == LEAT_PART_DESTINATION) {
            lt_emit_text(emit, w->parts[i].value);
        }
    }
    if (w->n_destinations > 1) {
        lt_emit_end(emit);
    }
}

/* The notes stand in front: as comments of YAML; JSON has none, and says them as its description. */
static int put_notes(struct writer *w, const struct lt_buf *body, bool json, struct lt_buf *out)
{
    int rc = LEAT_OK;
    struct lt_emit emit = {.out = out, .json = json};
    if (w->notes.len && json) {
        assert(body->len);
        lt_emit_map(&emit);
        lt_emit_pair(&emit, "description", lt_buf_text(&w->notes));
        rc = emit.failed ? emit.failed : lt_buf_puts(out, ",");
        /* The two maps become one. */
        return rc ? rc : lt_buf_append(out, body->data + 1, body->len - 1);
    }
    for (const char *line = lt_buf_text(&w->notes); !rc && *line;) {
        size_t len = strcspn(line, "\n");
        rc = lt_buf_printf(out, "# %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    return rc ? rc : lt_buf_puts(out, lt_buf_text(body));
}

static void put_statement(struct writer *w, struct lt_emit *emit, const char *sql)
{
    bool secret = masked(w, sql) != NULL;
    lt_emit_pair(emit, "sql", secret ? "${LEAT_SQL}" : escaped(w, sql));
    if (secret) {
        note(w, "LEAT_SQL", "the statement");
    }
    for (size_t i = 0; i < w->n; i++) {
        if (w->parts[i].part == LEAT_PART_SOURCE) {
            lt_emit_pair(emit, "in", w->parts[i].value);
        }
    }
}

/* `sql` NULL: what the plan does. */
static int write_pipe(const struct leat_plan *plan, const char *sql, enum leat_pipe_form form,
                      char **ret_text, struct leat_error *err)
{
    struct writer w = {.n = 0};
    struct lt_buf body = LT_BUF_INIT, out = LT_BUF_INIT;
    struct lt_emit emit = {.out = &body, .json = form == LEAT_PIPE_JSON};
    int rc = leat_new(&w.leat, err);
    rc = rc ? rc : leat_plan_each(plan, take_part, &w);
    if (!rc) {
        lt_emit_map(&emit);
        if (sql) {
            put_statement(&w, &emit, sql);
        } else {
            put_places(&w, &emit, leat_plan_action_of(plan));
        }
        for (size_t i = 0; !sql && i < w.n; i++) {
            if (w.parts[i].part == LEAT_PART_OPTION) {
                put_option(&w, &emit, i);
            }
        }
        lt_emit_end(&emit);
        rc = put_notes(&w, &body, emit.json, &out);
    }
    rc = rc || emit.failed || w.arena.failed ? lt_fail_oom(err) : LEAT_OK;
    emit.out = &out;
    rc = lt_emit_take(&emit, rc, ret_text, err);
    leat_free(w.leat);
    lt_arena_done(&w.arena);
    lt_buf_done(&w.notes);
    lt_buf_done(&body);
    return rc;
}

int leat_plan_as_pipe(const struct leat_plan *plan, enum leat_pipe_form form, char **ret_text,
                      struct leat_error *err)
{
    return write_pipe(plan, NULL, form, ret_text, err);
}

int leat_statement_as_pipe(const struct leat_plan *plan, const char *sql, enum leat_pipe_form form,
                           char **ret_text, struct leat_error *err)
{
    return write_pipe(plan, sql, form, ret_text, err);
}
