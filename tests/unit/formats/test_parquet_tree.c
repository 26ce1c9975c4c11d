/* Schema trees: the Arrow types of Parquet's, and the older forms of lists and maps. */
#include "core/codes.h"
#include "formats/parquet/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An element: type -1 is a group of n members. */
static struct lt_pq_element make(const char *name, int repetition, int type, int n, int converted)
{
    return (struct lt_pq_element){.type = type,
                                  .repetition = repetition,
                                  .name = {(const uint8_t *)name, strlen(name)},
                                  .n_children = n,
                                  .converted = converted,
                                  .field_id = -1};
}

#define GROUP(name, repetition, n, converted) make(name, repetition, -1, n, converted)
#define LEAF(name, repetition, type) make(name, repetition, type, 0, LT_PQ_CONV_NONE)
#define REQ LT_PQ_REQUIRED
#define OPT LT_PQ_OPTIONAL
#define REP LT_PQ_REPEATED
#define NONE LT_PQ_CONV_NONE
#define LIST LT_PQ_CONV_LIST
#define MAP LT_PQ_CONV_MAP

/* The canonical names of all columns, or "[code] place" of the failure. */
static void expect_tree(struct lt_pq_element *elements, size_t n, const char *want)
{
    struct lt_pq_footer footer = {.elements = elements, .n_elements = n};
    struct lt_pq_tree tree = {.columns = NULL};
    struct ArrowSchema schema = {.release = NULL};
    struct leat_error err = {.status = LEAT_OK};
    struct lt_buf text = LT_BUF_INIT;
    if (lt_pq_tree_read(&footer, &tree, &schema, &err)) {
        assert_int_equal(lt_buf_printf(&text, "[%s] %s", err.code, err.place), LEAT_OK);
    } else {
        for (int64_t i = 0; i < schema.n_children; i++) {
            assert_int_equal(lt_buf_puts(&text, i ? ", " : ""), LEAT_OK);
            assert_int_equal(lt_type_print(schema.children[i], &text), LEAT_OK);
            assert_int_equal(lt_buf_puts(&text, schema.children[i]->flags ? "?" : ""), LEAT_OK);
        }
    }
    assert_string_equal(lt_buf_text(&text), want);
    lt_schema_done(&schema);
    lt_pq_tree_done(&tree);
    lt_buf_done(&text);
}

#define EXPECT(want, ...)                                                                          \
    do {                                                                                           \
        struct lt_pq_element elements[] = {__VA_ARGS__};                                           \
        expect_tree(elements, sizeof elements / sizeof elements[0], want);                         \
    } while (0)
#define ROOT(n) GROUP("schema", REQ, n, NONE)

static void tree_reads_lists_of_three_levels(void **state)
{
    (void)state;
    EXPECT("list<int32>?", ROOT(1), GROUP("a", OPT, 1, LIST), GROUP("list", REP, 1, NONE),
           LEAF("element", OPT, LT_PQ_INT32));
    EXPECT("list<list<int32>>", ROOT(1), GROUP("a", REQ, 1, LIST), GROUP("list", REP, 1, NONE),
           GROUP("element", OPT, 1, LIST), GROUP("list", REP, 1, NONE),
           LEAF("element", REQ, LT_PQ_INT32));
}

/* "LogicalTypes.md", backward compatibility: a repeated field is itself the element when it is no
 * group, has several fields, one that is repeated, or one of two names. */
static void tree_reads_lists_of_two_levels(void **state)
{
    (void)state;
    EXPECT("list<int32>?", ROOT(1), GROUP("a", OPT, 1, LIST), LEAF("element", REP, LT_PQ_INT32));
    EXPECT("list<struct<x: int32, y: int64>>?", ROOT(1), GROUP("a", OPT, 1, LIST),
           GROUP("element", REP, 2, NONE), LEAF("x", REQ, LT_PQ_INT32),
           LEAF("y", REQ, LT_PQ_INT64));
    EXPECT("list<struct<x: int32>>?", ROOT(1), GROUP("a", OPT, 1, LIST),
           GROUP("array", REP, 1, NONE), LEAF("x", REQ, LT_PQ_INT32));
    EXPECT("list<struct<x: int32>>?", ROOT(1), GROUP("a", OPT, 1, LIST),
           GROUP("a_tuple", REP, 1, NONE), LEAF("x", REQ, LT_PQ_INT32));
    EXPECT("list<int32>?", ROOT(1), GROUP("a", OPT, 1, LIST), GROUP("b_tuple", REP, 1, NONE),
           LEAF("x", REQ, LT_PQ_INT32));
    EXPECT("list<list<int32>>?", ROOT(1), GROUP("a", OPT, 1, LIST), GROUP("array", REP, 1, LIST),
           LEAF("array", REP, LT_PQ_INT32));
    EXPECT("list<struct<x: list<int32>>>?", ROOT(1), GROUP("a", OPT, 1, LIST),
           GROUP("list", REP, 1, NONE), LEAF("x", REP, LT_PQ_INT32));
}

static void tree_reads_a_repeated_field_without_annotation_as_a_list(void **state)
{
    (void)state;
    EXPECT("list<int32>", ROOT(1), LEAF("a", REP, LT_PQ_INT32));
    EXPECT("list<struct<x: int32>>", ROOT(1), GROUP("a", REP, 1, NONE),
           LEAF("x", OPT, LT_PQ_INT32));
}

static void tree_reads_maps_and_sets(void **state)
{
    (void)state;
    EXPECT("map<binary, int32>?", ROOT(1), GROUP("a", OPT, 1, MAP),
           GROUP("key_value", REP, 2, LT_PQ_CONV_MAP_KEY_VALUE), LEAF("key", REQ, LT_PQ_BYTE_ARRAY),
           LEAF("value", OPT, LT_PQ_INT32));
    EXPECT("map<binary, int32>?", ROOT(1), GROUP("a", OPT, 1, LT_PQ_CONV_MAP_KEY_VALUE),
           GROUP("map", REP, 2, NONE), LEAF("key", OPT, LT_PQ_BYTE_ARRAY),
           LEAF("value", OPT, LT_PQ_INT32));
    EXPECT("list<binary>?", ROOT(1), GROUP("a", OPT, 1, MAP), GROUP("key_value", REP, 1, NONE),
           LEAF("key", REQ, LT_PQ_BYTE_ARRAY));
}

static void tree_gives_levels_to_its_leaves(void **state)
{
    (void)state;
    struct lt_pq_element elements[] = {
        ROOT(1),
        GROUP("a", OPT, 1, LIST),
        GROUP("list", REP, 1, NONE),
        GROUP("element", OPT, 2, NONE),
        LEAF("x", REQ, LT_PQ_INT32),
        LEAF("y", REP, LT_PQ_INT32),
    };
    struct lt_pq_footer footer = {.elements = elements, .n_elements = 6};
    struct lt_pq_tree tree;
    struct ArrowSchema schema;
    assert_int_equal(lt_pq_tree_read(&footer, &tree, &schema, NULL), LEAT_OK);
    const struct lt_pq_node *list = &tree.columns[0], *element = list->children;
    const struct lt_pq_node *x = &element->children[0], *y = element->children[1].children;
    assert_int_equal(tree.n_leaves, 2);
    assert_int_equal(list->def_present, 1);
    assert_int_equal(list->def_element, 2);
    assert_int_equal(list->rep_element, 1);
    assert_int_equal(element->def_present, 3);
    assert_true(element->nullable);
    assert_int_equal(x->def_max, 3);
    assert_int_equal(x->rep_max, 1);
    assert_int_equal(y->def_max, 4);
    assert_int_equal(y->rep_max, 2);
    assert_int_equal(y->leaf, 1);
    assert_ptr_equal(y->parent->parent, element);
    lt_schema_done(&schema);
    lt_pq_tree_done(&tree);
}

static void expect_leaf(struct lt_pq_element element, const char *want)
{
    struct lt_pq_element elements[] = {ROOT(1), element};
    expect_tree(elements, 2, want);
}

static void tree_reads_older_annotations(void **state)
{
    (void)state;
    expect_leaf(make("a", REQ, LT_PQ_BYTE_ARRAY, 0, LT_PQ_CONV_UTF8), "utf8");
    expect_leaf(make("a", REQ, LT_PQ_BYTE_ARRAY, 0, LT_PQ_CONV_JSON), "json");
    expect_leaf(make("a", REQ, LT_PQ_BYTE_ARRAY, 0, LT_PQ_CONV_ENUM), "text(parquet:enum)");
    expect_leaf(make("a", REQ, LT_PQ_BYTE_ARRAY, 0, LT_PQ_CONV_BSON), "binary(parquet:bson)");
    expect_leaf(make("a", REQ, LT_PQ_INT32, 0, LT_PQ_CONV_UINT_8), "uint8");
    expect_leaf(make("a", REQ, LT_PQ_INT64, 0, LT_PQ_CONV_UINT_64), "uint64");
    expect_leaf(make("a", REQ, LT_PQ_INT32, 0, LT_PQ_CONV_DATE), "date");
    expect_leaf(make("a", REQ, LT_PQ_INT32, 0, LT_PQ_CONV_TIME_MILLIS), "time(ms)");
    expect_leaf(make("a", REQ, LT_PQ_INT64, 0, LT_PQ_CONV_TIMESTAMP_MICROS), "timestamptz");
    /* An annotation that does not go with its physical type says nothing. */
    expect_leaf(make("a", REQ, LT_PQ_INT64, 0, LT_PQ_CONV_DATE), "int64");
    expect_leaf(make("a", REQ, LT_PQ_DOUBLE, 0, LT_PQ_CONV_UTF8), "float64");
}

static struct lt_pq_element decimal(int type, int type_length, int precision, int scale)
{
    struct lt_pq_element element = make("a", OPT, type, 0, LT_PQ_CONV_DECIMAL);
    element.type_length = type_length;
    element.precision = precision;
    element.scale = scale;
    return element;
}

static void tree_reads_decimals_of_any_storage(void **state)
{
    (void)state;
    expect_leaf(decimal(LT_PQ_INT32, 0, 9, 2), "decimal(9,2)?");
    expect_leaf(decimal(LT_PQ_FLBA, 16, 38, 10), "decimal(38,10)?");
    expect_leaf(decimal(LT_PQ_BYTE_ARRAY, 0, 76, 0), "decimal(76,0)?");
    expect_leaf(decimal(LT_PQ_BYTE_ARRAY, 0, 80, 2), "binary(parquet:decimal(80,2))?");
    expect_leaf(decimal(LT_PQ_INT32, 0, 2, 3), "[corrupt-file] column \"a\"");
    expect_leaf(decimal(LT_PQ_INT32, 0, 0, 0), "[corrupt-file] column \"a\"");
}

static struct lt_pq_element logical(int type, int type_length, int logical)
{
    struct lt_pq_element element = make("a", REQ, type, 0, LT_PQ_CONV_NONE);
    element.type_length = type_length;
    element.logical = logical;
    return element;
}

static void tree_reads_logical_types(void **state)
{
    (void)state;
    struct lt_pq_element at = logical(LT_PQ_INT64, 0, LT_PQ_LOGICAL_TIMESTAMP);
    at.unit = LT_PQ_NANOS;
    expect_leaf(at, "timestamp(ns)");
    at.utc = true;
    expect_leaf(at, "timestamptz(ns)");
    at.unit = 0; /* a unit of a later version */
    expect_leaf(at, "int64");
    expect_leaf(logical(LT_PQ_FLBA, 16, LT_PQ_LOGICAL_UUID), "uuid");
    expect_leaf(logical(LT_PQ_FLBA, 2, LT_PQ_LOGICAL_FLOAT16), "float16");
    expect_leaf(logical(LT_PQ_INT32, 0, LT_PQ_LOGICAL_UNKNOWN), "null");
    expect_leaf(logical(LT_PQ_BYTE_ARRAY, 0, LT_PQ_LOGICAL_GEOMETRY), "binary(parquet:geometry)");
    expect_leaf(logical(LT_PQ_BYTE_ARRAY, 0, LT_PQ_LOGICAL_OTHER), "binary");
    struct lt_pq_element interval = make("a", REQ, LT_PQ_FLBA, 0, LT_PQ_CONV_INTERVAL);
    interval.type_length = 12;
    expect_leaf(interval, "interval");
}

static void tree_refuses_what_does_not_hold_together(void **state)
{
    (void)state;
    EXPECT("[corrupt-file] ", ROOT(2), LEAF("a", REQ, LT_PQ_INT32));
    EXPECT("[corrupt-file] ", ROOT(1), LEAF("a", REQ, LT_PQ_INT32), LEAF("b", REQ, LT_PQ_INT32));
    EXPECT("[corrupt-file] ", ROOT(1), LEAF("a", 3, LT_PQ_INT32));
    EXPECT("[corrupt-file] ", ROOT(1), LEAF("a\xff", REQ, LT_PQ_INT32));
    EXPECT("[unsupported] column \"a\"", ROOT(1), LEAF("a", REQ, 8));
    EXPECT("[unsupported] column \"a\"", ROOT(1), GROUP("a", REQ, 0, NONE));
    EXPECT("[corrupt-file] column \"a\"", ROOT(1), LEAF("a", REQ, LT_PQ_FLBA));
    EXPECT("[duplicate-column] ", ROOT(2), LEAF("a", REQ, LT_PQ_INT32),
           LEAF("a", REQ, LT_PQ_INT32));
    struct lt_pq_element deep[200];
    deep[0] = ROOT(1);
    for (int i = 1; i < 200; i++) {
        deep[i] = GROUP("g", REQ, 1, NONE);
    }
    expect_tree(deep, 200, "[limit] ");
}

static void tree_of_no_columns_is_empty(void **state)
{
    (void)state;
    EXPECT("", ROOT(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_reads_lists_of_three_levels),
        cmocka_unit_test(tree_reads_lists_of_two_levels),
        cmocka_unit_test(tree_reads_a_repeated_field_without_annotation_as_a_list),
        cmocka_unit_test(tree_reads_maps_and_sets),
        cmocka_unit_test(tree_gives_levels_to_its_leaves),
        cmocka_unit_test(tree_reads_older_annotations),
        cmocka_unit_test(tree_reads_decimals_of_any_storage),
        cmocka_unit_test(tree_reads_logical_types),
        cmocka_unit_test(tree_refuses_what_does_not_hold_together),
        cmocka_unit_test(tree_of_no_columns_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
