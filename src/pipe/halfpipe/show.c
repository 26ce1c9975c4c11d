/* A document of Halfpipe as it is understood, written as a document again: variables replaced, what
 * its steps were given, secrets masked. */
#include "core/url.h"
#include "pipe/emit.h"
#include "pipe/halfpipe/internal.h"

#include <stdio.h>
#include <stdlib.h>

static void put_text(struct lt_emit *emit, const char *text)
{
    struct lt_buf masked = LT_BUF_INIT;
    if (lt_redact(&masked, text)) {
        emit->failed = LEAT_NO_MEMORY;
    }
    lt_emit_text(emit, lt_buf_text(&masked));
    lt_buf_done(&masked);
}

static void put_pair(struct lt_emit *emit, const char *key, const char *text)
{
    lt_emit_key(emit, key);
    put_text(emit, text);
}

static void put_number(struct lt_emit *emit, const char *key, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    lt_emit_key(emit, key);
    lt_emit_word(emit, text);
}

static void put_repeat(struct lt_emit *emit, int64_t sleep_s)
{
    lt_emit_pair(emit, "type", "repeating");
    lt_emit_key(emit, "repeatMetadata");
    lt_emit_map(emit);
    put_number(emit, "sleepSeconds", sleep_s);
    lt_emit_end(emit);
}

/* A part of the document as it stands: what a step's own steps hold is of many kinds. */
static void put_node(struct lt_emit *emit, const struct lt_yaml_node *node)
{
    bool truth;
    int64_t number;
    if (emit->depth + 1 >= LT_EMIT_DEPTH_MAX) {
        emit->failed = LEAT_UNSUPPORTED;
        lt_emit_word(emit, "null");
    } else if (node->kind == LT_YAML_MAP || node->kind == LT_YAML_LIST) {
        (node->kind == LT_YAML_MAP ? lt_emit_map : lt_emit_list)(emit);
        for (size_t i = 0; i < node->n; i++) {
            if (node->kind == LT_YAML_MAP) {
                lt_emit_key(emit, node->keys[i]->text);
            }
            put_node(emit, node->items[i]);
        }
        lt_emit_end(emit);
    } else if (lt_yaml_is_null(node)) {
        lt_emit_word(emit, "null");
    } else if (lt_yaml_bool(node, &truth)) {
        lt_emit_word(emit, truth ? "true" : "false");
    } else if (lt_yaml_int(node, &number)) {
        lt_emit_word(emit, node->text);
    } else {
        put_text(emit, node->text);
    }
}

/* A connection's address, or the name under which it is stored. */
static void put_connection(struct lt_emit *emit, const struct hp_connection *connection)
{
    lt_emit_key(emit, connection->name);
    lt_emit_map(emit);
    put_pair(emit, "type", connection->type);
    if (connection->url) {
        lt_emit_key(emit, "data");
        lt_emit_map(emit);
        put_pair(emit, "dsn", connection->url);
        lt_emit_end(emit);
    } else {
        put_pair(emit, "logicalName", connection->logical ? connection->logical : connection->name);
    }
    lt_emit_end(emit);
}

static void put_step(struct lt_emit *emit, const struct hp_def *def)
{
    const struct lt_yaml_node *parts = lt_yaml_get(def->node, "steps");
    lt_emit_key(emit, def->name);
    lt_emit_map(emit);
    lt_emit_pair(emit, "type", def->type->name);
    lt_emit_key(emit, "data");
    lt_emit_map(emit);
    for (size_t i = 0; def->type->keys[i].name; i++) {
        if (def->where[i]) {
            put_pair(emit, def->type->keys[i].name, def->values[i]);
        }
    }
    lt_emit_end(emit);
    if (parts && def->n_parts) {
        lt_emit_key(emit, "steps");
        put_node(emit, parts);
    }
    lt_emit_end(emit);
}

static void put_group(struct lt_emit *emit, const struct hp_group *group)
{
    lt_emit_key(emit, group->name);
    lt_emit_map(emit);
    if (group->kind == HP_REPEATING) {
        put_repeat(emit, group->sleep_s);
    } else {
        lt_emit_pair(emit, "type", group->kind == HP_BACKGROUND ? "background" : "sequential");
    }
    lt_emit_key(emit, "sequence");
    lt_emit_list(emit);
    for (size_t i = 0; i < group->n; i++) {
        lt_emit_text(emit, group->defs[i].name);
    }
    lt_emit_end(emit);
    lt_emit_key(emit, "steps");
    lt_emit_map(emit);
    for (size_t i = 0; i < group->n; i++) {
        put_step(emit, &group->defs[i]);
    }
    lt_emit_end(emit);
    lt_emit_end(emit);
}

int lt_halfpipe_show(const struct lt_halfpipe *pipe, bool json, char **ret_text,
                     struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    struct lt_emit emit = {.out = &out, .json = json};
    lt_emit_map(&emit);
    if (*pipe->description) {
        put_pair(&emit, "description", pipe->description);
    }
    lt_emit_key(&emit, "connections");
    lt_emit_map(&emit);
    for (size_t i = 0; i < pipe->n_connections; i++) {
        put_connection(&emit, &pipe->connections[i]);
    }
    lt_emit_end(&emit);
    if (pipe->repeating) {
        put_repeat(&emit, pipe->sleep_s);
    } else {
        lt_emit_pair(&emit, "type", "once");
    }
    lt_emit_key(&emit, "sequence");
    lt_emit_list(&emit);
    for (size_t i = 0; i < pipe->n_sequence; i++) {
        lt_emit_text(&emit, pipe->groups[pipe->sequence[i]].name);
    }
    lt_emit_end(&emit);
    lt_emit_key(&emit, "transformGroups");
    lt_emit_map(&emit);
    for (size_t i = 0; i < pipe->n_groups; i++) {
        put_group(&emit, &pipe->groups[i]);
    }
    lt_emit_end(&emit);
    lt_emit_end(&emit);
    int rc = LEAT_OK;
    if (emit.failed == LEAT_UNSUPPORTED) {
        rc = lt_fail(err, LT_E_LIMIT, "its steps are nested more than %d deep", LT_EMIT_DEPTH_MAX);
    }
    return lt_emit_take(&emit, rc, ret_text, err);
}
