/* Which types widen to which. */
#include "columnar/type.h"
#include "columnar/widen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct ArrowSchema field_of(const char *type)
{
    struct ArrowSchema field = {.release = NULL};
    assert_int_equal(lt_type_parse(type, &field, NULL), LEAT_OK);
    return field;
}

/* The common type of two, "-" for none; the same whichever comes first. */
static void assert_common(const char *a, const char *b, const char *expected)
{
    struct ArrowSchema x = field_of(a), y = field_of(b);
    for (int turn = 0; turn < 2; turn++) {
        struct ArrowSchema wide = {.release = NULL};
        struct lt_buf text = LT_BUF_INIT;
        int status = lt_widen(turn ? &y : &x, turn ? &x : &y, &wide, NULL);
        if (status) {
            assert_int_equal(status, LEAT_UNSUPPORTED);
            assert_int_equal(lt_buf_puts(&text, "-"), LEAT_OK);
        } else {
            assert_true(lt_widens(&x, &wide) && lt_widens(&y, &wide));
            assert_int_equal(lt_type_print(&wide, &text), LEAT_OK);
        }
        assert_string_equal(lt_buf_text(&text), expected);
        lt_buf_done(&text);
        lt_schema_done(&wide);
    }
    lt_schema_done(&x);
    lt_schema_done(&y);
}

static void numbers_widen_to_the_narrowest_type_that_holds_both(void **state)
{
    (void)state;
    assert_common("int32", "int64", "int64");
    assert_common("int8", "uint8", "int16");
    assert_common("int64", "uint64", "decimal(20,0)");
    assert_common("int32", "decimal(4,2)", "decimal(12,2)");
    assert_common("decimal(10,2)", "decimal(9,4)", "decimal(12,4)");
    assert_common("decimal(10,2)", "numeric", "numeric");
    assert_common("float32", "float64", "float64");
}

static void what_a_value_is_never_changes_by_widening(void **state)
{
    (void)state;
    assert_common("int32", "float64", "-");
    assert_common("int32", "utf8", "-");
    assert_common("date", "timestamp", "-");
    assert_common("timestamp", "timestamptz", "-");
    assert_common("json", "utf8", "-");
    assert_common("binary", "utf8", "-");
    assert_common("bool", "int8", "-");
}

static void units_get_finer_and_nulls_take_any_type(void **state)
{
    (void)state;
    assert_common("null", "date", "date");
    assert_common("list<int64>", "list<int64>", "list<int64>");
    struct ArrowSchema seconds = field_of("time"), nanos = field_of("time(ns)");
    assert_true(lt_widens(&seconds, &nanos));
    assert_false(lt_widens(&nanos, &seconds));
    lt_schema_done(&seconds);
    lt_schema_done(&nanos);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_widen_to_the_narrowest_type_that_holds_both),
        cmocka_unit_test(what_a_value_is_never_changes_by_widening),
        cmocka_unit_test(units_get_finer_and_nulls_take_any_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
