/* Values that their new type cannot hold: nulls, told and counted, where losses are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "columnar/builder.h"
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "columnar/text.h"

#include <stdio.h>

/* What a cast told. */
struct told {
    int64_t values[4], row[4]; /* by column */
    char code[4][32];
    int calls;
    int status; /* to be returned */
};

static int lost(void *arg, const struct lt_cast_loss *loss, struct leat_error *err)
{
    struct told *told = arg;
    assert_in_range(loss->column, 0, 3);
    told->values[loss->column] += loss->values;
    told->row[loss->column] = loss->row;
    memcpy(told->code[loss->column], loss->what.code, sizeof loss->what.code);
    assert_true(strstr(loss->what.place, "column \""));
    told->calls++;
    if (told->status) {
        *err = loss->what;
    }
    return told->status;
}

/* A schema of columns c0, c1 ...; a ! in front of a type means not nullable. */
static void schema_of(const char *const *types, struct ArrowSchema *ret_schema)
{
    struct leat_error err = {0};
    char name[] = "c0";
    assert_int_equal(lt_schema_init_struct(ret_schema, 0, &err), LEAT_OK);
    for (; *types; types++, name[1]++) {
        struct ArrowSchema field;
        bool required = **types == '!';
        assert_int_equal(lt_type_parse(*types + required, &field, &err), LEAT_OK);
        assert_int_equal(lt_schema_set_name(&field, name, &err), LEAT_OK);
        field.flags = required ? 0 : ARROW_FLAG_NULLABLE;
        assert_int_equal(lt_schema_add(ret_schema, &field, &err), LEAT_OK);
    }
}

/* Rows of texts, `columns` of them in each; NULL is null. */
static void batch_of(const struct ArrowSchema *schema, const char *const *texts, int64_t rows,
                     struct ArrowArray *ret_batch)
{
    struct leat_error err = {0};
    struct lt_batch_builder builder;
    assert_int_equal(lt_batch_builder_init(&builder, schema, &err), LEAT_OK);
    for (int64_t i = 0; i < rows * schema->n_children; i++) {
        struct lt_builder *column = &builder.columns[i % schema->n_children];
        const char *why = "";
        int status = texts[i] ? lt_text_parse(column, texts[i], strlen(texts[i]), &why)
                              : lt_builder_null(column);
        assert_int_equal(status, LEAT_OK);
    }
    assert_int_equal(lt_batch_builder_finish(&builder, rows, ret_batch, &err), LEAT_OK);
    lt_batch_builder_done(&builder);
}

/* Column 0 as text, "~" for null, joined by "|". */
static const char *first_column(const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
    static char text[256];
    struct leat_error err = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct lt_view view;
    assert_int_equal(lt_array_check(schema, batch, true, &err), LEAT_OK);
    assert_int_equal(lt_view_init(&view, schema, batch, &err), LEAT_OK);
    for (int64_t row = 0; row < view.length; row++) {
        lt_buf_puts(&out, row ? "|" : "");
        if (lt_view_is_null(&view.children[0], row)) {
            lt_buf_byte(&out, '~');
        } else {
            lt_text_format(&view.children[0], row, &out);
        }
    }
    snprintf(text, sizeof text, "%s", lt_buf_text(&out));
    lt_view_done(&view);
    lt_buf_done(&out);
    return text;
}

struct setting {
    struct ArrowSchema from, to;
    struct lt_cast *cast;
    struct told told;
    struct lt_cast_losses losses;
    struct leat_error err;
};

static void set_up(struct setting *s, const char *const *from, const char *const *to)
{
    *s = (struct setting){.losses = {&s->told, false, lost}};
    schema_of(from, &s->from);
    schema_of(to, &s->to);
    assert_int_equal(lt_cast_new(&s->from, &s->to, NULL, &s->cast, &s->err), LEAT_OK);
    lt_cast_on_loss(s->cast, &s->losses);
}

static void tear_down(struct setting *s)
{
    lt_cast_free(s->cast);
    lt_schema_done(&s->from);
    lt_schema_done(&s->to);
}

/* Runs a batch whose rows begin with row 101. */
static int run(struct setting *s, const char *const *texts, int64_t rows,
               struct lt_cast_rejects *rejects, const char **ret_text)
{
    struct ArrowArray batch, result = {0};
    batch_of(&s->from, texts, rows, &batch);
    int status = lt_cast_run(s->cast, &batch, 101, &result, rejects, &s->err);
    *ret_text = status ? "" : first_column(&s->to, &result);
    lt_array_done(&result);
    return status;
}

static void lost_values_become_nulls_and_are_counted_by_column(void **state)
{
    static const struct {
        const char *from, *to, *texts[4], *want, *code;
        int values, row;
    } rows[] = {
        {"int64", "int8", {"1", "900", NULL, "-900"}, "1|~|~|~", "value-range", 2, 102},
        {"float64", "int32", {"1.5", "2", "NaN", "1e300"}, "~|2|~|~", "value-range", 3, 101},
        {"float64",
         "float32",
         {"0.5", "0.1", "NaN", "-Infinity"},
         "0.5|~|NaN|-Infinity",
         "value-range",
         1,
         102},
        {"int64", "float64", {"9007199254740993", "1", "2", "3"}, "~|1|2|3", "value-range", 1, 101},
        {"decimal(6,3)",
         "decimal(5,2)",
         {"1.230", "1.234", "999.990", "0"},
         "1.23|~|999.99|0.00",
         "value-range",
         1,
         102},
        {"numeric",
         "decimal(5,2)",
         {"NaN", "1.2", "12345", NULL},
         "~|1.20|~|~",
         "value-range",
         2,
         101},
        {"int32", "bool", {"0", "1", "2", NULL}, "false|true|~|~", "value-range", 1, 103},
        {"timestamp",
         "date",
         {"2024-02-29 00:00:00", "2024-02-29 01:00:00", NULL, NULL},
         "2024-02-29|~|~|~",
         "value-range",
         1,
         102},
        {"timestamp(s)",
         "timestamp(ns)",
         {"2024-01-01 00:00:00", "9999-01-01 00:00:00", NULL, NULL},
         "2024-01-01 00:00:00|~|~|~",
         "value-range",
         1,
         102},
        {"binary", "utf8", {"\\x61", "\\xff", NULL, NULL}, "a|~|~|~", "invalid-utf8", 1, 102},
        {"utf8", "int8", {"5", "900", NULL, "6"}, "5|~|~|6", "value-range", 1, 102},
        {"list<int64>",
         "list<int8>",
         {"[1,2]", "[1,900]", NULL, "[]"},
         "[1,2]|~|~|[]",
         "value-range",
         1,
         102},
        {"struct<a: int64>",
         "struct<a: int8>",
         {"{\"a\":1}", "{\"a\":900}", NULL, NULL},
         "{\"a\":1}|~|~|~",
         "value-range",
         1,
         102},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *from[] = {rows[i].from, NULL}, *to[] = {rows[i].to, NULL}, *text;
        struct setting s;
        set_up(&s, from, to);
        assert_int_equal(run(&s, rows[i].texts, 4, NULL, &text), LEAT_OK);
        assert_string_equal(text, rows[i].want);
        assert_int_equal(s.told.calls, 1);
        assert_int_equal(s.told.values[0], rows[i].values);
        assert_int_equal(s.told.row[0], rows[i].row);
        assert_string_equal(s.told.code[0], rows[i].code);
        tear_down(&s);
    }
}

static void text_that_is_no_such_value_stays_a_misfit(void **state)
{
    static const char *const from[] = {"utf8", NULL}, *const to[] = {"int8", NULL};
    static const char *const texts[] = {"1", "abc", "900", "2024"};
    struct lt_cast_rejects rejects = {0};
    struct setting s;
    const char *text;
    (void)state;
    set_up(&s, from, to);
    assert_int_equal(run(&s, texts, 4, &rejects, &text), LEAT_OK);
    assert_string_equal(text, "1|~|~|~");
    assert_int_equal(rejects.rows, 1);
    assert_int_equal(rejects.first_row, 1);
    assert_string_equal(rejects.first.code, "value-syntax");
    assert_int_equal(s.told.values[0], 2);
    assert_int_equal(run(&s, texts, 4, NULL, &text), LEAT_BAD_DATA);
    assert_string_equal(s.err.code, "value-syntax");
    assert_string_equal(s.err.place, "row 102: column \"c0\"");
    lt_buf_done(&rejects.drop);
    tear_down(&s);
}

static void a_value_lost_in_a_row_that_is_dropped_anyway_is_not_counted(void **state)
{
    static const char *const from[] = {"int64", "utf8", NULL}, *const to[] = {"int8", "date", NULL};
    static const char *const texts[] = {"900", "x", "901", "2024-02-29"};
    struct lt_cast_rejects rejects = {0};
    struct setting s;
    const char *text;
    (void)state;
    set_up(&s, from, to);
    assert_int_equal(run(&s, texts, 2, &rejects, &text), LEAT_OK);
    assert_int_equal(rejects.rows, 1);
    assert_int_equal(s.told.values[0], 1);
    assert_int_equal(s.told.row[0], 102);
    lt_buf_done(&rejects.drop);
    tear_down(&s);
}

static void a_column_without_nulls_loses_nothing_unless_it_is_asked_for(void **state)
{
    static const char *const from[] = {"int64", NULL}, *const to[] = {"!int8", NULL};
    static const char *const texts[] = {"900"};
    struct setting s;
    const char *text;
    (void)state;
    set_up(&s, from, to);
    assert_int_equal(run(&s, texts, 1, NULL, &text), LEAT_BAD_DATA);
    assert_string_equal(s.err.code, "value-range");
    assert_int_equal(s.told.calls, 0);
    s.losses.not_null = true;
    s.told.status = LEAT_BAD_DATA;
    assert_int_equal(run(&s, texts, 1, NULL, &text), LEAT_BAD_DATA);
    assert_int_equal(s.told.calls, 1);
    tear_down(&s);
}

static void what_the_sink_refuses_fails_the_run_with_its_words(void **state)
{
    static const char *const from[] = {"int64", NULL}, *const to[] = {"int8", NULL};
    static const char *const texts[] = {"1", "900"};
    struct setting s;
    const char *text;
    (void)state;
    set_up(&s, from, to);
    s.told.status = LEAT_BAD_DATA;
    assert_int_equal(run(&s, texts, 2, NULL, &text), LEAT_BAD_DATA);
    assert_string_equal(s.err.message, "int64 to int8: out of range");
    lt_cast_on_loss(s.cast, NULL);
    assert_int_equal(run(&s, texts, 2, NULL, &text), LEAT_BAD_DATA);
    assert_string_equal(s.err.place, "row 102: column \"c0\"");
    assert_int_equal(s.told.calls, 1);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_values_become_nulls_and_are_counted_by_column),
        cmocka_unit_test(text_that_is_no_such_value_stays_a_misfit),
        cmocka_unit_test(a_value_lost_in_a_row_that_is_dropped_anyway_is_not_counted),
        cmocka_unit_test(a_column_without_nulls_loses_nothing_unless_it_is_asked_for),
        cmocka_unit_test(what_the_sink_refuses_fails_the_run_with_its_words),
    };
    return cmocka_run_group_tests_name("cast_loss", tests, NULL, NULL);
}
