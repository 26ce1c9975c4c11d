#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "columnar/schema.h"
#include "engine/transform.h"

#include <stdlib.h>
#include <string.h>

static struct lt_settings settings;
static struct ArrowSchema source;
static struct leat_error err;

static int set_up(void **state)
{
    struct ArrowSchema *field;
    (void)state;
    leat_error_clear(&err);
    lt_schema_init_struct(&source, 0, NULL);
    lt_schema_add_field(&source, "l", "id", 0, &field, NULL);
    lt_schema_set_meta(field, LT_META_KEY, "1", NULL);
    lt_schema_set_meta(field, LT_META_SOURCE_TYPE, "toy:id", NULL);
    lt_schema_add_field(&source, "u", "a,b", ARROW_FLAG_NULLABLE, NULL, NULL);
    lt_schema_add_field(&source, "u", "total", ARROW_FLAG_NULLABLE, NULL, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lt_schema_done(&source);
    lt_settings_done(&settings);
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(lt_settings_set(&settings, lt_option_find(lt_plan_options, name), value, &err),
                     LEAT_OK);
}

/* The transform's columns as "name:format ...", or the error's code. */
static const char *columns(struct ArrowSchema *ret_schema)
{
    static char text[512];
    struct lt_column_wishes wishes;
    struct ArrowSchema schema = {0};
    struct lt_cast *cast = NULL;
    int rc = lt_column_wishes_init(&wishes, &settings, &err);
    rc = rc ? rc : lt_transform_new(&wishes, NULL, &source, &schema, &cast, &err);
    text[0] = 0;
    if (rc) {
        strcpy(text, err.code);
    }
    for (int64_t i = 0; !rc && i < schema.n_children; i++) {
        strcat(text, i ? " " : "");
        strcat(text, schema.children[i]->name);
        strcat(text, ":");
        strcat(text, schema.children[i]->format);
    }
    lt_cast_free(cast);
    lt_column_wishes_done(&wishes);
    if (ret_schema) {
        *ret_schema = schema;
    } else {
        lt_schema_done(&schema);
    }
    return text;
}

static void without_wishes_all_columns_stay(void **state)
{
    (void)state;
    assert_string_equal(columns(NULL), "id:l a,b:u total:u");
}

static void columns_choose_and_order_with_quotes_around_commas(void **state)
{
    (void)state;
    set("columns", "total,\"a,b\"");
    assert_string_equal(columns(NULL), "total:u a,b:u");
}

static void rename_and_cast_go_by_the_sources_names(void **state)
{
    (void)state;
    set("rename", "id=total,total=id,\"a,b\"=\"x=y\"");
    set("cast", "total=decimal(12,2)");
    assert_string_equal(columns(NULL), "total:l x=y:u id:d:12,2");
}

static void a_cast_keeps_key_and_nullability_but_not_the_source_type(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    set("cast", "id=int32");
    assert_string_equal(columns(&schema), "id:i a,b:u total:u");
    assert_true(lt_schema_meta_is(schema.children[0], LT_META_KEY, "1"));
    assert_null(lt_schema_meta(schema.children[0], LT_META_SOURCE_TYPE, &(size_t){0}));
    assert_int_equal(schema.children[0]->flags & ARROW_FLAG_NULLABLE, 0);
    lt_schema_done(&schema);
}

static void all_unknown_columns_are_named_with_the_closest(void **state)
{
    (void)state;
    set("columns", "totl,id,nope");
    assert_string_equal(columns(NULL), "unknown-column");
    assert_non_null(strstr(err.message, "\"totl\" (did you mean \"total\"?)"));
    assert_non_null(strstr(err.message, "\"nope\""));
}

static void wishes_that_contradict_each_other_are_refused(void **state)
{
    static const char *const rows[][3] = {{"rename", "id=total", "duplicate-column"},
                                          {"columns", "id,id", "duplicate-column"},
                                          {"rename", "id", "usage"},
                                          {"rename", "id=", "usage"},
                                          {"rename", "=x", "usage"},
                                          {"rename", "id=a,id=b", "usage"},
                                          {"cast", "id", "usage"},
                                          {"cast", "id=", "usage"},
                                          {"cast", "id=int32,id=int64", "usage"},
                                          {"cast", "id=nonsense", "invalid"},
                                          {"cast", "id=list<int64>", "cast"},
                                          {"columns", "\"id", "usage"},
                                          {"columns", "id,,total", "usage"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lt_settings_done(&settings);
        set(rows[i][0], rows[i][1]);
        const char *got = columns(NULL);
        if (strcmp(got, rows[i][2])) {
            fail_msg("--%s %s gave %s", rows[i][0], rows[i][1], got);
        }
    }
    lt_settings_done(&settings);
    set("columns", "id");
    set("cast", "total=int64");
    assert_string_equal(columns(NULL), "usage");
    assert_non_null(strstr(err.message, "leaves out"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_wishes_all_columns_stay),
        CASE(columns_choose_and_order_with_quotes_around_commas),
        CASE(rename_and_cast_go_by_the_sources_names),
        CASE(a_cast_keeps_key_and_nullability_but_not_the_source_type),
        CASE(all_unknown_columns_are_named_with_the_closest),
        CASE(wishes_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
