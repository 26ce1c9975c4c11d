#include "engine/losses.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

enum lt_on_loss lt_on_loss_of(const char *text)
{
    return !strcmp(text, "null")   ? LT_LOSS_NULL
           : !strcmp(text, "text") ? LT_LOSS_TEXT
                                   : LT_LOSS_ERROR;
}

/* --- counts --------------------------------------------------------------------------------- */

int lt_lost_add(struct lt_lost *lost, const char *column, int64_t values, const char *reason)
{
    for (size_t i = 0; i < lost->n; i++) {
        if (!strcmp(lost->columns[i].name, column)) {
            lost->columns[i].values += values;
            return LEAT_OK;
        }
    }
    struct lt_lost_column *columns = realloc(lost->columns, (lost->n + 1) * sizeof *lost->columns);
    lost->columns = columns ? columns : lost->columns;
    char *name = lt_strdup(column), *why = lt_strdup(reason ? reason : "");
    if (!columns || !name || !why) {
        free(name);
        free(why);
        return LEAT_NO_MEMORY;
    }
    columns[lost->n++] = (struct lt_lost_column){name, values, why};
    return LEAT_OK;
}

void lt_lost_done(struct lt_lost *lost)
{
    for (size_t i = 0; i < lost->n; i++) {
        free(lost->columns[i].name);
        free(lost->columns[i].reason);
    }
    free(lost->columns);
    *lost = (struct lt_lost){.columns = NULL};
}

/* --- one leg -------------------------------------------------------------------------------- */

/* A value that does not fit, from whichever side. */
struct loss {
    const char *place, *code, *reason, *column; /* column NULL: unknown */
    int64_t values;
};

static int fail(const struct lt_losses *losses, const struct loss *loss, const char *more,
                struct leat_error *err)
{
    const char *code = loss->code && *loss->code ? loss->code : lt_codes[LT_E_VALUE_RANGE].code;
    leat_fail_as(err, LEAT_BAD_DATA, code, "%s%s", loss->reason ? loss->reason : "it does not fit",
                 more);
    leat_error_place(err, "%s", loss->place && *loss->place ? loss->place : losses->stream);
    return LEAT_BAD_DATA;
}

/* Keeps the first column that did not fit, for the attempt after this one. */
static int remember(struct lt_losses *losses, const struct loss *loss, struct leat_error *err)
{
    int rc = fail(losses, loss, "", err);
    if (loss->column && !losses->misfit) {
        losses->misfit = lt_strdup(loss->column);
        fail(losses, loss, "", &losses->why);
    }
    return rc;
}

static int lose(struct lt_losses *losses, const struct loss *loss, struct leat_error *err)
{
    int rc;
    pthread_mutex_lock(&losses->mutex);
    if (losses->policy == LT_LOSS_TEXT) {
        rc = remember(losses, loss, err);
    } else if (loss->column && losses->takes_null &&
               !losses->takes_null(losses->takes_null_arg, loss->column)) {
        rc = losses->nulls_refused_later
                 ? LEAT_OK
                 : fail(losses, loss, ", and the column takes no null", err);
    } else {
        rc = lt_lost_add(&losses->lost, loss->column ? loss->column : "?", loss->values,
                         loss->reason);
        rc = rc ? lt_fail_oom(err) : LEAT_OK;
    }
    pthread_mutex_unlock(&losses->mutex);
    return rc;
}

static int told_by_sink(void *arg, const struct leat_reject *what, struct leat_error *err)
{
    const struct loss loss = {what->place, what->code, what->reason, what->column, 1};
    return lose(arg, &loss, err);
}

static int told_by_cast(void *arg, const struct lt_cast_loss *told, struct leat_error *err)
{
    struct lt_losses *losses = arg;
    char place[sizeof told->what.place + 128];
    char *column = lt_error_column(&told->what);
    snprintf(place, sizeof place, "%.80s: row %lld: %s", losses->stream, (long long)told->row,
             told->what.place);
    const struct loss loss = {place, told->what.code, told->what.message, column, told->values};
    int rc = lose(losses, &loss, err);
    free(column);
    return rc;
}

void lt_losses_init(struct lt_losses *losses, enum lt_on_loss policy, const char *stream)
{
    *losses = (struct lt_losses){.policy = policy, .stream = stream};
    pthread_mutex_init(&losses->mutex, NULL);
    losses->sink = (struct leat_loss_sink){sizeof losses->sink, losses, told_by_sink};
    losses->casting = (struct lt_cast_losses){losses, policy == LT_LOSS_TEXT, told_by_cast};
}

void lt_losses_done(struct lt_losses *losses)
{
    if (losses->stream) {
        pthread_mutex_destroy(&losses->mutex);
    }
    lt_lost_done(&losses->lost);
    free(losses->misfit);
    memset(losses, 0, sizeof *losses);
}

const struct leat_loss_sink *lt_losses_sink(const struct lt_losses *losses)
{
    return losses->policy == LT_LOSS_ERROR ? NULL : &losses->sink;
}

const struct lt_cast_losses *lt_losses_casting(const struct lt_losses *losses)
{
    return losses->policy == LT_LOSS_ERROR ? NULL : &losses->casting;
}

/* --- words ---------------------------------------------------------------------------------- */

char *lt_error_column(const struct leat_error *err)
{
    static const char mark[] = "column \"";
    const char *at = NULL;
    for (const char *p = strstr(err->place, mark); p; p = strstr(p + 1, mark)) {
        at = p + sizeof mark - 1;
    }
    const char *end = at ? strrchr(at, '"') : NULL;
    return end ? lt_strndup(at, (size_t)(end - at)) : NULL;
}

void lt_loss_remedy(struct leat_error *err, const struct lt_column_wishes *wishes)
{
    static const enum lt_code codes[] = {LT_E_VALUE_RANGE, LT_E_UNSUPPORTED_TYPE};
    if (!err) {
        return;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(codes); i++) {
        const struct lt_code_row *row = &lt_codes[codes[i]];
        if (strcmp(err->code, row->code) || (err->remedy[0] && strcmp(err->remedy, row->remedy))) {
            continue;
        }
        char *named = lt_error_column(err);
        const char *name = named ? lt_wishes_old_name(wishes, named) : NULL;
        bool quoted = name && strpbrk(name, "=,\" ");
        if (!name) {
            leat_error_remedy(err, "%s", row->remedy);
        } else if (codes[i] == LT_E_VALUE_RANGE) {
            leat_error_remedy(err,
                              "--cast %s%s%s=utf8 or --on-loss text keep it as text, --on-loss "
                              "null leaves it out, --on-error skip --rejects FILE the record",
                              quoted ? "'\"" : "", name, quoted ? "\"'" : "");
        } else {
            leat_error_remedy(err, "--cast %s%s%s=utf8 or --on-loss text carry it as text",
                              quoted ? "'\"" : "", name, quoted ? "\"'" : "");
        }
        free(named);
    }
}

void lt_loss_compared_remedy(struct leat_error *err, bool written)
{
    static const enum lt_code codes[] = {LT_E_VALUE_RANGE, LT_E_UNSUPPORTED_TYPE};
    for (size_t i = 0; i < LT_ARRAY_LEN(codes); i++) {
        if (!strcmp(err->code, lt_codes[codes[i]].code)) {
            char *name = lt_error_column(err);
            leat_error_remedy(err,
                              written ? "--columns leaves column \"%s\" out; or give both sides' "
                                        "the same type"
                                      : "--cast '%s=utf8' compares the column as text",
                              name ? name : "COLUMN");
            free(name);
        }
    }
}
