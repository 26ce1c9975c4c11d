/* FieldMapper: fields made of others, one after the other. */
#include "pipe/halfpipe/jsonlogic.h"
#include "pipe/halfpipe/types.h"

#include "core/regexp.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define KEYS_MAX 5

struct map;

struct map_kind {
    const char *type;
    const char *keys[KEYS_MAX + 1]; /* all but propagateInput must be there */
    int (*open)(struct map *map, struct leat_error *err);
    int (*run)(struct map *map, const struct ArrowArray *batch, struct ArrowArray *ret_column,
               struct leat_error *err);
};

/* One of the step's parts. */
struct map {
    const struct map_kind *kind;
    const struct hp_step *step;
    char *values[KEYS_MAX];
    struct ArrowSchema in; /* before it */
    const char *name;      /* of the field it makes */
    char format[16];
    int64_t at; /* of that field, in what comes out */
    int64_t fields[2];
    struct lt_view views[2], record;
    struct hp_texts texts[2];
    struct lt_regexp *regexp;
    bool propagates;
    char constant[64];
    struct hp_logic *logic;
};

struct mapper {
    struct map *maps;
    size_t n;
};

/* --- what they share ------------------------------------------------------------------------ */

static int find_field(struct map *map, int which, const char *name, struct leat_error *err)
{
    map->fields[which] = lt_schema_find(&map->in, name);
    return map->fields[which] < 0 ? lt_schema_unknown_column(&map->in, name, err) : LEAT_OK;
}

static int fill(struct map *map, int n, const struct ArrowArray *batch, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (int i = 0; !rc && i < n; i++) {
        const struct ArrowArray *column = batch->children[map->fields[i]];
        rc = lt_view_next(&map->views[i], map->in.children[map->fields[i]], column, err);
        rc = rc ? rc : hp_texts_fill(&map->texts[i], &map->views[i], err);
    }
    return rc;
}

/* A column of texts, being made. */
static int texts_begin(struct lt_builder *builder, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int rc = lt_schema_init(&field, "u", "", err);
    rc = rc ? rc : lt_builder_init(builder, &field, err);
    lt_schema_done(&field);
    return rc;
}

/* --- AddConstants --------------------------------------------------------------------------- */

enum { C_NAME, C_TYPE, C_VALUE };

static int open_constant(struct map *map, struct leat_error *err)
{
    const char *type = map->values[C_TYPE], *value = map->values[C_VALUE];
    int64_t number, seconds, nanos;
    map->name = map->values[C_NAME];
    if (!strcmp(type, "string")) {
        snprintf(map->format, sizeof map->format, "u");
        return LEAT_OK;
    }
    if (!strcmp(type, "integer")) {
        snprintf(map->format, sizeof map->format, "l");
        snprintf(map->constant, sizeof map->constant, "%s", value);
        return lt_parse_int(value, &number)
                   ? lt_fail(err, LT_E_INVALID, "fieldValue is no whole number")
                   : LEAT_OK;
    }
    if (strcmp(type, "date") != 0) {
        return lt_fail(err, LT_E_INVALID, "fieldType is string, integer or date");
    }
    snprintf(map->format, sizeof map->format, "tsu:UTC");
    if (!hp_rfc3339(value, &seconds, &nanos)) {
        return lt_fail(err, LT_E_INVALID,
                       "fieldValue is no time such as 2026-11-21T02:01:01+01:00");
    }
    struct lt_buf text = LT_BUF_INIT;
    int rc = hp_go_time("2006-01-02T15:04:05.000000Z", seconds, nanos, false, &text);
    snprintf(map->constant, sizeof map->constant, "%s", lt_buf_text(&text));
    lt_buf_done(&text);
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

static int run_constant(struct map *map, const struct ArrowArray *batch,
                        struct ArrowArray *ret_column, struct leat_error *err)
{
    const char *text = *map->format == 'u' ? map->values[C_VALUE] : map->constant;
    return hp_constant_column(map->format, text, batch->length, ret_column, err);
}

/* --- RegexpReplace -------------------------------------------------------------------------- */

enum { R_FIELD, R_MATCH, R_REPLACE, R_RESULT, R_PROPAGATE };

static int open_regexp(struct map *map, struct leat_error *err)
{
    map->name = map->values[R_RESULT];
    map->propagates = !strcasecmp(map->values[R_PROPAGATE], "true");
    int rc = lt_regexp_new(map->values[R_MATCH], &map->regexp, err);
    return rc || !map->step ? rc : find_field(map, 0, map->values[R_FIELD], err);
}

static int run_regexp(struct map *map, const struct ArrowArray *batch,
                      struct ArrowArray *ret_column, struct leat_error *err)
{
    struct lt_builder builder = {0};
    struct lt_buf text = LT_BUF_INIT;
    int rc = fill(map, 1, batch, err);
    rc = rc ? rc : texts_begin(&builder, err);
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        size_t len;
        bool matched = false;
        const char *value = hp_text_at(&map->texts[0], row, &len);
        int put = LEAT_OK;
        lt_buf_clear(&text);
        if (lt_view_is_null(&map->views[0], row)) {
            put = lt_builder_null(&builder);
        } else {
            rc = lt_regexp_replace(map->regexp, value, len, map->values[R_REPLACE], &text, &matched,
                                   err);
            bool own = !matched && map->propagates;
            put = own ? lt_builder_bytes_value(&builder, value, len)
                      : lt_builder_bytes_value(&builder, lt_buf_text(&text), text.len);
        }
        rc = rc || !put ? rc : lt_fail_oom(err);
    }
    rc = rc ? rc : lt_builder_finish(&builder, ret_column, err);
    lt_builder_done(&builder);
    lt_buf_done(&text);
    return rc;
}

/* --- ConcatenateFieldsAB -------------------------------------------------------------------- */

enum { AB_A, AB_B, AB_RESULT };

static int open_concatenate(struct map *map, struct leat_error *err)
{
    map->name = map->values[AB_RESULT];
    int rc = map->step ? find_field(map, 0, map->values[AB_A], err) : LEAT_OK;
    return rc || !map->step ? rc : find_field(map, 1, map->values[AB_B], err);
}

static int run_concatenate(struct map *map, const struct ArrowArray *batch,
                           struct ArrowArray *ret_column, struct leat_error *err)
{
    struct lt_builder builder = {0};
    int rc = fill(map, 2, batch, err);
    rc = rc ? rc : texts_begin(&builder, err);
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        size_t a_len, b_len;
        const char *a = hp_text_at(&map->texts[0], row, &a_len);
        const char *b = hp_text_at(&map->texts[1], row, &b_len);
        if (lt_buf_append(&builder.data, a, a_len) || lt_builder_bytes_value(&builder, b, b_len)) {
            rc = lt_fail_oom(err);
        }
    }
    rc = rc ? rc : lt_builder_finish(&builder, ret_column, err);
    lt_builder_done(&builder);
    return rc;
}

/* --- JsonLogic ------------------------------------------------------------------------------ */

enum { L_RULE, L_RESULT };

static int open_logic(struct map *map, struct leat_error *err)
{
    map->name = map->values[L_RESULT];
    return hp_logic_new(map->values[L_RULE], &map->logic, err);
}

static int put_result(void *arg, int64_t row, enum hp_logic_kind kind, const char *text, size_t len)
{
    struct lt_builder *builder = arg;
    (void)row;
    return kind == HP_LOGIC_NULL ? lt_builder_null(builder)
                                 : lt_builder_bytes_value(builder, text, len);
}

static int run_logic(struct map *map, const struct ArrowArray *batch, struct ArrowArray *ret_column,
                     struct leat_error *err)
{
    struct lt_builder builder = {0};
    int rc = lt_view_next(&map->record, &map->in, batch, err);
    rc = rc ? rc : texts_begin(&builder, err);
    rc = rc ? rc : hp_logic_run(map->logic, &map->record, put_result, &builder, err);
    rc = rc ? rc : lt_builder_finish(&builder, ret_column, err);
    lt_builder_done(&builder);
    return rc;
}

/* --- parts ---------------------------------------------------------------------------------- */

static const struct map_kind kinds[] = {
    {"AddConstants", {"fieldName", "fieldType", "fieldValue"}, open_constant, run_constant},
    {"RegexpReplace",
     {"fieldName", "regexpMatch", "regexpReplace", "resultField", "propagateInput"},
     open_regexp,
     run_regexp},
    {"ConcatenateFieldsAB",
     {"fieldNameA", "fieldNameB", "resultField"},
     open_concatenate,
     run_concatenate},
    {"JsonLogic", {"rule", "resultField"}, open_logic, run_logic},
};

char *hp_part_value(const struct hp_step *step, const struct hp_part *part, const char *key)
{
    const char *text = lt_yaml_text(lt_yaml_get(part->data, key));
    if (!text || !step) {
        return lt_strdup(text ? text : "");
    }
    const struct lt_halfpipe *pipe = step->flow->run->pipe;
    size_t n = step->flow->n_swaps + pipe->n_vars;
    struct hp_swap *swaps = calloc(n + 1, sizeof *swaps);
    for (size_t i = 0; swaps && i < n; i++) {
        size_t v = i - step->flow->n_swaps;
        swaps[i] = i < step->flow->n_swaps
                       ? step->flow->swaps[i]
                       : (struct hp_swap){pipe->vars[v].name, pipe->vars[v].value};
    }
    char *swapped = swaps ? hp_swapped(text, swaps, n) : NULL;
    free(swaps);
    return swapped;
}

static void map_done(struct map *map)
{
    for (int i = 0; i < KEYS_MAX; i++) {
        free(map->values[i]);
    }
    for (int i = 0; i < 2; i++) {
        lt_view_done(&map->views[i]);
        hp_texts_done(&map->texts[i]);
    }
    lt_view_done(&map->record);
    lt_schema_done(&map->in);
    lt_regexp_free(map->regexp);
    hp_logic_free(map->logic);
}

static int map_init(struct map *map, const struct hp_step *step, const struct hp_part *part,
                    struct leat_error *err)
{
    map->step = step;
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        map->kind = strcmp(kinds[i].type, part->type) ? map->kind : &kinds[i];
    }
    if (!map->kind) {
        int rc = lt_fail(err, LT_E_INVALID, "FieldMapper has no step of type \"%s\"", part->type);
        leat_error_remedy(err, "AddConstants, RegexpReplace, ConcatenateFieldsAB or JsonLogic");
        return rc;
    }
    for (int i = 0; map->kind->keys[i]; i++) {
        const char *key = map->kind->keys[i];
        if (!lt_yaml_get(part->data, key) && strcmp(key, "propagateInput") != 0) {
            return lt_fail(err, LT_E_INVALID, "%s needs %s", part->type, key);
        }
        map->values[i] = hp_part_value(step, part, key);
        if (!map->values[i]) {
            return lt_fail_oom(err);
        }
    }
    snprintf(map->format, sizeof map->format, "u");
    return LEAT_OK;
}

int hp_mapper_check(const struct hp_part *part, struct leat_error *err)
{
    struct map map = {.kind = NULL};
    int rc = map_init(&map, NULL, part, err);
    bool open = false;
    for (int i = 0; !rc && i < KEYS_MAX; i++) {
        open = open || (map.values[i] && strstr(map.values[i], "${"));
    }
    rc = rc || open ? rc : map.kind->open(&map, err);
    map_done(&map);
    return rc;
}

/* --- the step ------------------------------------------------------------------------------- */

static int open_mapper(struct hp_step *step, struct leat_error *err)
{
    struct mapper *mapper = calloc(1, sizeof *mapper);
    step->state = mapper;
    if (!mapper) {
        return lt_fail_oom(err);
    }
    mapper->maps = calloc(step->def->n_parts + 1, sizeof *mapper->maps);
    int rc = mapper->maps ? lt_schema_copy(&step->inputs[0]->schema, &step->schema, err)
                          : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < step->def->n_parts; i++) {
        struct map *map = &mapper->maps[mapper->n++];
        rc = map_init(map, step, &step->def->parts[i], err);
        rc = rc ? rc : lt_schema_copy(&step->schema, &map->in, err);
        rc = rc ? rc : map->kind->open(map, err);
        rc = rc ? rc : hp_schema_put(&step->schema, map->format, map->name, &map->at, err);
    }
    return rc;
}

static int next_mapper(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct mapper *mapper = step->state;
    struct ArrowArray batch, column = {.release = NULL}, made = {.release = NULL};
    int rc = hp_pull(step->inputs[0], &batch, err);
    for (size_t i = 0; !rc && batch.release && i < mapper->n; i++) {
        struct map *map = &mapper->maps[i];
        rc = map->kind->run(map, &batch, &column, err);
        rc = rc ? rc : hp_batch_put(&batch, map->at, &column, &made, err);
        if (!rc) {
            lt_array_move(&made, &batch);
        }
    }
    if (rc) {
        lt_array_done(&batch);
        return rc;
    }
    lt_array_move(&batch, ret_batch);
    return LEAT_OK;
}

static void close_mapper(struct hp_step *step)
{
    struct mapper *mapper = step->state;
    if (mapper) {
        for (size_t i = 0; i < mapper->n; i++) {
            map_done(&mapper->maps[i]);
        }
        free(mapper->maps);
    }
    free(mapper);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_mapper = {open_mapper, next_mapper, close_mapper};
