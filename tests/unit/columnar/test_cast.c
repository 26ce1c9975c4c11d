/* Casts: the kind of each pair, edge values, rejects, and that no value changes silently. */
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
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int seed(void **state)
{
    const char *given = getenv("LEAT_TEST_SEED");

    (void)state;
    random_state = given ? strtoull(given, NULL, 0) : 20240229;
    print_message("# seed %llu (LEAT_TEST_SEED)\n", (unsigned long long)random_state);
    return 0;
}

/* A schema of one column x of that type; a ! in front means not nullable. */
static void one_column(const char *type, struct ArrowSchema *ret_schema)
{
    struct leat_error err = {0};
    struct ArrowSchema field;
    bool required = type[0] == '!';

    assert_int_equal(lt_schema_init_struct(ret_schema, 0, &err), LEAT_OK);
    if (lt_type_parse(type + required, &field, &err)) {
        fail_msg("%s: %s", type, err.message);
    }
    assert_int_equal(lt_schema_set_name(&field, "x", &err), LEAT_OK);
    if (required) {
        field.flags &= ~ARROW_FLAG_NULLABLE;
    }
    assert_int_equal(lt_schema_add(ret_schema, &field, &err), LEAT_OK);
}

/* One row a text; NULL is null. */
static void batch_of(const struct ArrowSchema *schema, const char *const *texts, int64_t n,
                     struct ArrowArray *ret_batch)
{
    struct leat_error err = {0};
    struct lt_batch_builder builder;

    assert_int_equal(lt_batch_builder_init(&builder, schema, &err), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        const char *why = "";
        int status = texts[i] ? lt_text_parse(&builder.columns[0], texts[i], strlen(texts[i]), &why)
                              : lt_builder_null(&builder.columns[0]);
        if (status) {
            fail_msg("'%s': %s", texts[i], why);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&builder, n, ret_batch, &err), LEAT_OK);
    lt_batch_builder_done(&builder);
}

/* All rows of column 0 as text, "~" for null, joined by "|". */
static void column_text(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                        struct lt_buf *out)
{
    struct leat_error err = {0};
    struct lt_view view;

    if (lt_array_check(schema, batch, true, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    assert_int_equal(lt_view_init(&view, schema, batch, &err), LEAT_OK);
    lt_buf_clear(out);
    for (int64_t row = 0; row < view.length; row++) {
        if (row) {
            lt_buf_byte(out, '|');
        }
        if (lt_view_is_null(&view.children[0], row)) {
            lt_buf_byte(out, '~');
        } else {
            lt_text_format(&view.children[0], row, out);
        }
    }
    lt_view_done(&view);
}

/* Casts one value between a null and a second copy of it; gives "~|new|new", or the code of its
 * refusal in front of what is left. */
static const char *cast_text(const char *from_type, const char *to_type, const char *text)
{
    static struct lt_buf out;
    const char *texts[] = {NULL, text, text};
    struct leat_error err = {0};
    struct lt_cast_rejects rejects = {0};
    struct ArrowSchema from, to;
    struct ArrowArray batch, result = {0};
    struct lt_cast *cast = NULL;

    lt_buf_done(&out);
    one_column(from_type, &from);
    one_column(to_type, &to);
    batch_of(&from, texts, 3, &batch);
    if (lt_cast_new(&from, &to, NULL, &cast, &err)) {
        lt_buf_printf(&out, "[%s] %s: %s", err.code, err.place, err.message);
        lt_array_done(&batch);
    } else {
        assert_int_equal(lt_cast_run(cast, &batch, 1, &result, &rejects, &err), LEAT_OK);
        assert_null(batch.release);
        column_text(&to, &result, &out);
        if (rejects.rows) {
            assert_int_equal(rejects.first_column, 0);
            assert_string_equal(rejects.first.place, "column \"x\"");
            lt_buf_clear(&out);
            lt_buf_printf(&out, "[%s] %lld", rejects.first.code, (long long)rejects.rows);
        }
    }
    lt_buf_done(&rejects.drop);
    lt_array_done(&result);
    lt_cast_free(cast);
    lt_schema_done(&from);
    lt_schema_done(&to);
    return lt_buf_text(&out);
}

/* want NULL: the text itself; "[...": refused with that code, both copies marked. */
static const struct cast_case {
    const char *from, *to, *text, *want;
} cases[] = {
    {"int32", "int64", "-5", NULL},
    {"int64", "int32", "2147483647", NULL},
    {"int64", "int32", "2147483648", "[value-range] 2"},
    {"int64", "int32", "-2147483649", "[value-range] 2"},
    {"int64", "int8", "-128", NULL},
    {"int64", "uint8", "255", NULL},
    {"int64", "uint8", "-1", "[value-range] 2"},
    {"int64", "uint64", "-1", "[value-range] 2"},
    {"uint64", "int64", "9223372036854775807", NULL},
    {"uint64", "int64", "9223372036854775808", "[value-range] 2"},
    {"uint64", "uint32", "18446744073709551615", "[value-range] 2"},
    {"int8", "uint64", "127", NULL},
    {"int64", "float64", "9007199254740992", "9007199254740992"},
    {"int64", "float64", "9007199254740993", "[value-range] 2"},
    {"int64", "float64", "9223372036854775807", "[value-range] 2"},
    {"uint64", "float64", "18446744073709551615", "[value-range] 2"},
    {"uint64", "float64", "9223372036854775808", "9.223372036854776e+18"},
    {"int32", "float32", "16777217", "[value-range] 2"},
    {"int16", "float16", "2048", "2048"},
    {"int16", "float16", "2049", "[value-range] 2"},
    {"float64", "int32", "7", NULL},
    {"float64", "int32", "7.5", "[value-range] 2"},
    {"float64", "int32", "NaN", "[value-range] 2"},
    {"float64", "int32", "-0", "0"},
    {"float64", "int64", "9.223372036854775e18", "9223372036854774784"},
    {"float64", "int64", "9223372036854775808", "[value-range] 2"},
    {"float64", "int64", "-9223372036854775808", NULL},
    {"float64", "uint64", "18446744073709549568", NULL},
    {"float64", "uint64", "18446744073709551616", "[value-range] 2"},
    {"float64", "uint8", "-1", "[value-range] 2"},
    {"float64", "float32", "0.5", NULL},
    {"float64", "float32", "0.1", "[value-range] 2"},
    {"float64", "float32", "1e300", "[value-range] 2"},
    {"float64", "float32", "-Infinity", NULL},
    {"float64", "float32", "NaN", NULL},
    {"float32", "float64", "0.5", NULL},
    {"float64", "decimal(10,2)", "0.1", "0.10"},
    {"float64", "decimal(10,2)", "0.125", "[value-range] 2"},
    {"float64", "decimal(10,2)", "NaN", "[value-range] 2"},
    {"float64", "numeric", "Infinity", NULL},
    {"decimal(20,2)", "float64", "1.10", "1.1"},
    {"decimal(20,2)", "float64", "123456789012345678.01", "[value-range] 2"},
    {"decimal(20,2)", "float32", "0.10", "0.1"},
    {"decimal(10,2)", "decimal(12,4)", "-1.25", "-1.2500"},
    {"decimal(10,4)", "decimal(10,2)", "1.2500", "1.25"},
    {"decimal(10,4)", "decimal(10,2)", "1.2501", "[value-range] 2"},
    {"decimal(10,2)", "decimal(4,2)", "99.99", NULL},
    {"decimal(10,2)", "decimal(4,2)", "100.00", "[value-range] 2"},
    {"decimal(38,0)", "decimal(38,38)", "0", "0.00000000000000000000000000000000000000"},
    {"decimal(38,0)", "decimal(38,37)", "11", "[value-range] 2"},
    {"decimal(38,0)", "decimal(76,38)", "11", "11.00000000000000000000000000000000000000"},
    {"decimal(76,2)", "decimal(5,1)", "11.50", "11.5"},
    {"decimal(76,2)", "int32", "11.00", "11"},
    {"decimal(76,2)", "int32", "11.50", "[value-range] 2"},
    {"decimal(10,2)", "int32", "11.00", "11"},
    {"decimal(10,2)", "int32", "11.01", "[value-range] 2"},
    {"decimal(38,0)", "int64", "9223372036854775808", "[value-range] 2"},
    {"decimal(38,0)", "uint64", "18446744073709551615", NULL},
    {"uint64", "decimal(20,0)", "18446744073709551615", NULL},
    {"int32", "decimal(4,2)", "99", "99.00"},
    {"int32", "decimal(4,2)", "100", "[value-range] 2"},
    {"decimal(10,2)", "numeric", "1.50", NULL},
    {"numeric", "decimal(10,2)", "1.50", NULL},
    {"numeric", "decimal(10,2)", "NaN", "[value-range] 2"},
    {"numeric", "decimal(10,2)", "-Infinity", "[value-range] 2"},
    {"numeric", "int32", "5.00", "5"},
    {"numeric", "int32", "5.01", "[value-range] 2"},
    {"numeric", "float64", "0.1", NULL},
    {"numeric", "float64", "0.100000000000000000001", "[value-range] 2"},
    {"numeric", "float64", "NaN", NULL},
    {"numeric", "json", "NaN", "\"NaN\""},
    {"numeric", "utf8", "007", NULL},
    {"utf8", "numeric", "007", NULL},
    {"utf8", "numeric", "x", "[value-syntax] 2"},
    {"bool", "int8", "true", "1"},
    {"int64", "bool", "1", "true"},
    {"int64", "bool", "2", "[value-range] 2"},
    {"bool", "utf8", "false", NULL},
    {"utf8", "bool", "maybe", "[value-syntax] 2"},
    {"utf8", "int32", " 12", "12"},
    {"utf8", "int8", "128", "[value-range] 2"},
    {"utf8", "date", "2024-02-29", NULL},
    {"utf8", "date", "2023-02-29", "[value-syntax] 2"},
    {"utf8", "json", "{\"a\":1}", NULL},
    {"utf8", "json", "{a:1}", "[value-syntax] 2"},
    {"json", "utf8", "[1]", NULL},
    {"json", "int32", "5", NULL},
    {"json", "binary", "[1]", "\\x5b315d"},
    {"utf8", "large_utf8", "abc", NULL},
    {"large_utf8", "utf8", "abc", NULL},
    {"utf8", "binary", "abc", "\\x616263"},
    {"binary", "utf8", "\\x616263", "abc"},
    {"binary", "utf8", "\\xff", "[invalid-utf8] 2"},
    {"binary", "binary(2)", "\\x0102", NULL},
    {"binary", "binary(2)", "\\x010203", "[value-range] 2"},
    {"binary(2)", "binary", "\\x0102", NULL},
    {"binary", "uuid", "\\x0a1b2c3d4e5f60718293a4b5c6d7e8f9",
     "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
    {"binary", "uuid", "\\x0a", "[value-range] 2"},
    {"uuid", "binary", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
     "\\x0a1b2c3d4e5f60718293a4b5c6d7e8f9"},
    {"uuid", "utf8", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", NULL},
    {"utf8", "uuid", "nope", "[value-syntax] 2"},
    {"date", "timestamp", "2024-02-29", "2024-02-29 00:00:00"},
    {"date", "timestamp(ns)", "+10000-01-01", "[value-range] 2"},
    {"date", "date64", "1969-12-31", NULL},
    {"date64", "date", "1969-12-31", NULL},
    {"timestamp", "date", "1969-12-31 00:00:00", "1969-12-31"},
    {"timestamp", "date64", "1969-12-31 00:00:00", "1969-12-31"},
    {"timestamp", "date64", "1969-12-31 00:00:01", "[value-range] 2"},
    {"timestamp", "date", "1969-12-31 00:00:00.000001", "[value-range] 2"},
    {"timestamp", "timestamp(ns)", "2024-02-29 01:02:03.000004", NULL},
    {"timestamp", "timestamp(ns)", "+10000-01-01 00:00:00", "[value-range] 2"},
    {"timestamp", "timestamp(s)", "1969-12-31 23:59:59", NULL},
    {"timestamp", "timestamp(s)", "1969-12-31 23:59:59.500", "[value-range] 2"},
    {"timestamptz", "timestamptz(ms)", "2024-02-29 01:02:03.004Z", NULL},
    {"time", "time(s)", "23:59:59", NULL},
    {"time", "time(s)", "23:59:59.000001", "[value-range] 2"},
    {"time(s)", "time(ns)", "23:59:59", NULL},
    {"duration", "duration(s)", "PT1S", NULL},
    {"duration", "interval", "PT36H", NULL},
    {"interval_months", "interval", "P1Y2M", NULL},
    {"interval", "interval_months", "P1D", "[value-range] 2"},
    {"interval", "utf8", "P1D", NULL},
    {"timestamptz", "json", "2024-02-29 01:02:03Z", "\"2024-02-29 01:02:03Z\""},
    {"list<int32>", "list<int64>", "[1,null]", NULL},
    {"list<int64>", "large_list<int8>", "[1,127]", NULL},
    {"list<int64>", "list<int8>", "[1,128]", "[value-range] 2"},
    {"list<list<utf8>>", "list<list<int32>>", "[[\"1\"],[]]", "[[1],[]]"},
    {"fixed_list<int32, 2>", "list<int32>", "[1,2]", NULL},
    {"fixed_list<int32, 2>", "fixed_list<utf8, 2>", "[1,2]", "[\"1\",\"2\"]"},
    {"list<int32>", "json", "[1,2]", NULL},
    {"list<int32>", "utf8", "[1,2]", NULL},
    {"json", "list<int32>", "[1, 2]", "[1,2]"},
    {"json", "list<int32>", "[1, true]", "[value-syntax] 2"},
    {"utf8", "struct<a: int32>", "{\"a\":7}", NULL},
    {"struct<a: int32, b: utf8>", "struct<b: utf8, a: int64>", "{\"a\":1,\"b\":\"x\"}",
     "{\"b\":\"x\",\"a\":1}"},
    {"struct<a: int32>", "struct<a: int32, z: utf8>", "{\"a\":1}", "{\"a\":1,\"z\":null}"},
    {"map<utf8, int32>", "map<utf8, int64>", "{\"k\":1}", NULL},
    {"map<utf8, int64>", "map<int32, int64>", "{\"k\":1}", "[value-syntax] 2"},
    {"map<utf8, int32>", "json", "{\"k\":1}", NULL},
};

static void each_value_of_the_lattice_is_cast_or_refused_as_its_row_says(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(cases); i++) {
        const struct cast_case *c = &cases[i];
        const char *want = c->want ? c->want : c->text, *got;
        char expected[512];
        snprintf(expected, sizeof expected,
                 want[0] == '[' && strchr(want, ']')[1] == ' ' ? "%s" : "~|%s|%s", want, want);
        got = cast_text(c->from, c->to, c->text);
        if (strcmp(got, expected)) {
            print_error("%s to %s: '%s' gives '%s', not '%s'\n", c->from, c->to, c->text, got,
                        expected);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void pairs_have_the_kind_of_the_table(void **state)
{
    static const struct {
        const char *from, *to;
        enum lt_cast_kind kind;
    } pairs[] = {
        {"int32", "int32", LT_CAST_SAME},
        {"!int32", "int32", LT_CAST_SAME},
        {"int32", "!int32", LT_CAST_CHECKED},
        {"int32", "int64", LT_CAST_SAFE},
        {"uint32", "int64", LT_CAST_SAFE},
        {"uint32", "int32", LT_CAST_CHECKED},
        {"int64", "int32", LT_CAST_CHECKED},
        {"int32", "float64", LT_CAST_SAFE},
        {"int64", "float64", LT_CAST_CHECKED},
        {"float32", "float64", LT_CAST_SAFE},
        {"int64", "decimal(19,0)", LT_CAST_SAFE},
        {"int64", "decimal(19,1)", LT_CAST_CHECKED},
        {"decimal(10,2)", "decimal(12,2)", LT_CAST_SAME},
        {"decimal(10,2)", "decimal(12,3)", LT_CAST_SAFE},
        {"decimal(10,2)", "decimal(10,3)", LT_CAST_CHECKED},
        {"decimal(9,0)", "int32", LT_CAST_SAFE},
        {"decimal(10,0)", "int32", LT_CAST_CHECKED},
        {"utf8", "large_utf8", LT_CAST_SAFE},
        {"json", "utf8", LT_CAST_SAME},
        {"utf8", "json", LT_CAST_CHECKED},
        {"text(\"postgres:inet\")", "utf8", LT_CAST_SAME},
        {"utf8", "text(\"postgres:inet\")", LT_CAST_SAME},
        {"numeric", "utf8", LT_CAST_SAME},
        {"date", "timestamp(ms)", LT_CAST_SAFE},
        {"date", "timestamp", LT_CAST_CHECKED},
        {"timestamp", "timestamptz", LT_CAST_REFUSED},
        {"timestamptz", "timestamp", LT_CAST_REFUSED},
        {"date", "timestamptz", LT_CAST_REFUSED},
        {"timestamptz", "date", LT_CAST_REFUSED},
        {"time", "timestamp", LT_CAST_REFUSED},
        {"int32", "date", LT_CAST_REFUSED},
        {"bool", "float64", LT_CAST_REFUSED},
        {"binary", "int32", LT_CAST_REFUSED},
        {"list<int32>", "list<int32>", LT_CAST_SAME},
        {"list<int32>", "list<int64>", LT_CAST_SAFE},
        {"list<int32>", "list<date>", LT_CAST_REFUSED},
        {"list<int32>", "fixed_list<int32, 2>", LT_CAST_REFUSED},
        {"struct<a: int32>", "struct<b: int32>", LT_CAST_REFUSED},
        {"struct<a: int32, b: int32>", "struct<a: int32>", LT_CAST_REFUSED},
        {"struct<a: int32, b: int32>", "struct<b: int32, a: int32>", LT_CAST_SAFE},
        {"struct<a: int32>", "json", LT_CAST_SAFE},
        {"null", "int32", LT_CAST_SAFE},
        {"null", "!int32", LT_CAST_CHECKED},
        {"int32", "null", LT_CAST_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        struct ArrowSchema from, to;
        enum lt_cast_kind kind;
        one_column(pairs[i].from, &from);
        one_column(pairs[i].to, &to);
        kind = lt_cast_kind(from.children[0], to.children[0]);
        if (kind != pairs[i].kind) {
            fail_msg("%s to %s is %d, not %d", pairs[i].from, pairs[i].to, (int)kind,
                     (int)pairs[i].kind);
        }
        lt_schema_done(&from);
        lt_schema_done(&to);
    }
}

static void a_refused_pair_is_named_with_its_column(void **state)
{
    (void)state;
    assert_string_equal(cast_text("int32", "date", "1"),
                        "[cast] column \"x\": int32 cannot become date");
}

/* Numeric keeps its spelling, others write -0 or 1.00 their own way: the number is what counts. */
static bool same_value(const char *a, const char *b)
{
    lt_int128 x, y;
    const char *why;

    if (!strcmp(a, b)) {
        return true;
    }
    return !lt_decimal_parse(a, strlen(a), 38, 10, &x, &why) &&
           !lt_decimal_parse(b, strlen(b), 38, 10, &y, &why) && x == y;
}

/* Values that are not rejected must come back unchanged from the other type. Text is only gone
 * to: coming from it, a float takes the nearest, and a bool has many spellings. */
static void random_values_come_back_unchanged_or_are_rejected(void **state)
{
    static const char *const types[] = {
        "int8",    "int32",        "int64",          "uint16",        "uint64",  "float32",
        "float64", "decimal(9,3)", "decimal(38,10)", "decimal(50,5)", "numeric", "bool",
        "utf8",    "json"};
    int64_t kept = 0, lost = 0;

    (void)state;
    for (int i = 0; i < 6000; i++) {
        const char *a = types[random_bits() % (LT_ARRAY_LEN(types) - 2)];
        const char *b = types[random_bits() % LT_ARRAY_LEN(types)];
        long long whole = (long long)((int64_t)random_bits() >> random_bits() % 64);
        char text[64], first[256], second[256];
        const char *there, *back;
        int thousandths = (int)(random_bits() % 4 ? 0 : random_bits() % 1000);
        if (random_bits() % 2) {
            snprintf(text, sizeof text, "%lld", whole);
        } else {
            snprintf(text, sizeof text, "%lld.%03d%s", whole, thousandths,
                     random_bits() % 2 ? "e-3" : "");
        }
        /* The value as type a holds it, if it can. */
        there = cast_text("utf8", a, text);
        if (there[0] == '[') {
            continue;
        }
        snprintf(first, sizeof first, "%s", strrchr(there, '|') + 1);
        there = cast_text(a, b, first);
        if (there[0] == '[') {
            lost++;
            continue;
        }
        snprintf(second, sizeof second, "%s", strrchr(there, '|') + 1);
        back = cast_text(b, a, second);
        if (!strncmp(back, "[cast]", 6)) {
            continue; /* a one-way street */
        }
        kept++;
        if (back[0] == '[' || !same_value(strrchr(back, '|') + 1, first)) {
            fail_msg("%s %s became %s %s and came back as %s", a, first, b, second, back);
        }
    }
    assert_true(kept > 500);
    assert_true(lost > 100);
}

/* --- whole batches ------------------------------------------------------------------------- */

static void rejected_rows_are_marked_once_and_the_first_is_told(void **state)
{
    const char *texts[] = {"1", "900", NULL, "-900", "5", "7", "8", "9", "1000"};
    struct leat_error err = {0};
    struct lt_cast_rejects rejects = {0};
    struct ArrowSchema from, to;
    struct ArrowArray batch, result;
    struct lt_cast *cast;
    struct lt_buf text = LT_BUF_INIT;

    (void)state;
    one_column("int64", &from);
    one_column("int8", &to);
    assert_int_equal(lt_cast_new(&from, &to, NULL, &cast, &err), LEAT_OK);
    for (int round = 0; round < 2; round++) { /* reused from batch to batch */
        batch_of(&from, texts, 9, &batch);
        assert_int_equal(lt_cast_run(cast, &batch, 1, &result, &rejects, &err), LEAT_OK);
        assert_int_equal(rejects.rows, 3);
        assert_int_equal(rejects.first_row, 1);
        assert_int_equal(rejects.drop.len, 2);
        assert_int_equal(rejects.drop.data[0], 0x0a);
        assert_int_equal(rejects.drop.data[1], 0x01);
        assert_string_equal(rejects.first.code, "value-range");
        assert_string_equal(rejects.first.message, "int64 to int8: out of range");
        column_text(&to, &result, &text);
        assert_string_equal(lt_buf_text(&text), "1|~|~|~|5|7|8|9|~");
        lt_array_done(&result);
    }
    batch_of(&from, texts, 1, &batch);
    assert_int_equal(lt_cast_run(cast, &batch, 1, &result, &rejects, &err), LEAT_OK);
    assert_int_equal(rejects.rows, 0);
    assert_int_equal(rejects.drop.len, 0);
    lt_array_done(&result);
    batch_of(&from, texts, 9, &batch);
    assert_int_equal(lt_cast_run(cast, &batch, 101, &result, NULL, &err), LEAT_BAD_DATA);
    assert_null(batch.release);
    assert_string_equal(err.place, "row 102: column \"x\"");
    lt_buf_done(&rejects.drop);
    lt_buf_done(&text);
    lt_cast_free(cast);
    lt_schema_done(&from);
    lt_schema_done(&to);
}

static void a_null_for_a_required_column_is_rejected(void **state)
{
    static const char *const pairs[][2] = {{"int32", "!int32"},
                                           {"int32", "!int64"},
                                           {"null", "!int64"},
                                           {"utf8", "!utf8"},
                                           {"list<int8>", "!list<int16>"}};

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        const char *texts[] = {NULL};
        struct leat_error err = {0};
        struct ArrowSchema from, to;
        struct ArrowArray batch, result;
        struct lt_cast *cast;
        one_column(pairs[i][0], &from);
        one_column(pairs[i][1], &to);
        batch_of(&from, texts, 1, &batch);
        assert_int_equal(lt_cast_new(&from, &to, NULL, &cast, &err), LEAT_OK);
        assert_false(lt_cast_is_identity(cast));
        assert_int_equal(lt_cast_run(cast, &batch, 1, &result, NULL, &err), LEAT_BAD_DATA);
        assert_string_equal(err.code, "not-null");
        assert_string_equal(err.place, "row 1: column \"x\"");
        lt_cast_free(cast);
        lt_schema_done(&from);
        lt_schema_done(&to);
    }
}

static void same_columns_are_moved_with_their_buffers_even_when_used_twice(void **state)
{
    const char *texts[] = {"1", NULL, "3", "4"};
    const int64_t once[] = {0, 0, -1}, *map = once;
    struct leat_error err = {0};
    struct ArrowSchema from, to, field;
    struct ArrowArray batch, result;
    struct lt_cast *cast;
    struct lt_buf text = LT_BUF_INIT;
    const void *values;

    (void)state;
    one_column("int32", &from);
    one_column("int32", &to);
    assert_int_equal(lt_cast_new(&from, &to, NULL, &cast, &err), LEAT_OK);
    assert_true(lt_cast_is_identity(cast));
    batch_of(&from, texts, 4, &batch);
    assert_int_equal(lt_array_slice(&batch, 1, 2, &err), LEAT_OK);
    values = batch.children[0]->buffers[1];
    assert_int_equal(lt_cast_run(cast, &batch, 1, &result, NULL, &err), LEAT_OK);
    assert_ptr_equal(result.children[0]->buffers[1], values);
    column_text(&to, &result, &text);
    assert_string_equal(lt_buf_text(&text), "~|3");
    lt_array_done(&result);
    lt_cast_free(cast);

    assert_int_equal(lt_type_parse("int32", &field, &err), LEAT_OK);
    assert_int_equal(lt_schema_set_name(&field, "y", &err), LEAT_OK);
    assert_int_equal(lt_schema_add(&to, &field, &err), LEAT_OK);
    assert_int_equal(lt_type_parse("utf8", &field, &err), LEAT_OK);
    assert_int_equal(lt_schema_set_name(&field, "z", &err), LEAT_OK);
    assert_int_equal(lt_schema_add(&to, &field, &err), LEAT_OK);
    assert_int_equal(lt_cast_new(&from, &to, map, &cast, &err), LEAT_OK);
    assert_false(lt_cast_is_identity(cast));
    batch_of(&from, texts, 4, &batch);
    values = batch.children[0]->buffers[1];
    assert_int_equal(lt_cast_run(cast, &batch, 1, &result, NULL, &err), LEAT_OK);
    assert_ptr_equal(result.children[0]->buffers[1], values);
    assert_ptr_equal(result.children[1]->buffers[1], values);
    assert_int_equal(result.children[2]->null_count, 4);
    assert_int_equal(lt_array_check(&to, &result, true, &err), LEAT_OK);
    lt_array_done(&result);
    lt_cast_free(cast);
    lt_buf_done(&text);
    lt_schema_done(&from);
    lt_schema_done(&to);
}

static void sliced_batches_are_cast_from_their_first_row(void **state)
{
    static const char *const pairs[][2] = {
        {"int32", "int64"},         {"int32", "utf8"},
        {"int32", "decimal(10,0)"}, {"int32", "bool"},
        {"utf8", "list<int32>"},    {"list<int32>", "list<utf8>"},
        {"bool", "int8"},           {"struct<a: int8>", "struct<a: int16>"}};

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        const char *numbers[] = {"0", "1", "0", NULL, "1", "1", "0", "1", "0", "1", "1", "0"};
        const char *lists[] = {"[0]", "[1,2]", "[]", NULL,  "[1]", "[7]",
                               "[0]", "[1]",   "[]", "[1]", "[1]", "[0]"};
        const char *structs[12];
        bool list = strstr(pairs[i][0], "list") || strstr(pairs[i][1], "list");
        const char *const *texts = list ? lists : numbers;
        struct leat_error err = {0};
        struct ArrowSchema from, to;
        struct ArrowArray batch, result;
        struct lt_cast *cast;
        struct lt_buf whole = LT_BUF_INIT, part = LT_BUF_INIT;
        if (strstr(pairs[i][0], "struct")) {
            for (int k = 0; k < 12; k++) {
                structs[k] = !numbers[k] ? NULL : *numbers[k] == '1' ? "{\"a\":1}" : "{\"a\":0}";
            }
            texts = structs;
        }
        one_column(pairs[i][0], &from);
        one_column(pairs[i][1], &to);
        assert_int_equal(lt_cast_new(&from, &to, NULL, &cast, &err), LEAT_OK);
        batch_of(&from, texts, 12, &batch);
        assert_int_equal(lt_array_slice(&batch, 3, 9, &err), LEAT_OK);
        assert_int_equal(lt_cast_run(cast, &batch, 1, &result, NULL, &err), LEAT_OK);
        column_text(&to, &result, &part);
        lt_array_done(&result);
        batch_of(&from, texts + 3, 9, &batch);
        assert_int_equal(lt_cast_run(cast, &batch, 1, &result, NULL, &err), LEAT_OK);
        column_text(&to, &result, &whole);
        assert_string_equal(lt_buf_text(&part), lt_buf_text(&whole));
        assert_int_equal(lt_buf_text(&part)[0], '~');
        lt_array_done(&result);
        lt_buf_done(&whole);
        lt_buf_done(&part);
        lt_cast_free(cast);
        lt_schema_done(&from);
        lt_schema_done(&to);
    }
}

/* Indexes 2, null, 0 into {"10", "x", "30"}, as column x. */
static void dictionary_batch(struct ArrowSchema *ret_schema, struct ArrowArray *ret_batch)
{
    static const char *const words[] = {"10", "x", "30"};
    static const uint8_t indexes[] = {2, 1, 0}, valid = 5;
    struct leat_error err = {0};
    struct ArrowSchema field, values;
    struct ArrowArray *column;
    struct lt_builder builder;

    assert_int_equal(lt_schema_init_struct(ret_schema, 0, &err), LEAT_OK);
    assert_int_equal(lt_schema_init(&field, "C", "x", &err), LEAT_OK);
    field.flags |= ARROW_FLAG_NULLABLE;
    assert_int_equal(lt_schema_init(&values, "u", "", &err), LEAT_OK);
    assert_int_equal(lt_array_init(ret_batch, 1, 1, &err), LEAT_OK);
    ret_batch->length = 3;
    column = ret_batch->children[0];
    assert_int_equal(lt_array_init(column, 2, 0, &err), LEAT_OK);
    column->length = 3;
    column->null_count = 1;
    column->buffers[0] = memcpy(malloc(1), &valid, 1);
    column->buffers[1] = memcpy(malloc(3), indexes, 3);
    column->dictionary = calloc(1, sizeof *column->dictionary);
    assert_int_equal(lt_builder_init(&builder, &values, &err), LEAT_OK);
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        lt_builder_bytes_value(&builder, words[i], strlen(words[i]));
    }
    assert_int_equal(lt_builder_finish(&builder, column->dictionary, &err), LEAT_OK);
    lt_builder_done(&builder);
    assert_int_equal(lt_schema_set_dictionary(&field, &values, &err), LEAT_OK);
    assert_int_equal(lt_schema_add(ret_schema, &field, &err), LEAT_OK);
}

static void dictionaries_are_decoded_and_then_cast(void **state)
{
    static const char *const wants[][2] = {{"utf8", "30|~|10"}, {"int8", "30|~|10"}};

    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(wants); i++) {
        struct leat_error err = {0};
        struct ArrowSchema from, to;
        struct ArrowArray batch, result;
        struct lt_cast *cast;
        struct lt_buf text = LT_BUF_INIT;
        dictionary_batch(&from, &batch);
        one_column(wants[i][0], &to);
        assert_int_equal(lt_cast_new(&from, &to, NULL, &cast, &err), LEAT_OK);
        assert_int_equal(lt_cast_run(cast, &batch, 1, &result, NULL, &err), LEAT_OK);
        column_text(&to, &result, &text);
        assert_string_equal(lt_buf_text(&text), wants[i][1]);
        lt_array_done(&result);
        lt_buf_done(&text);
        lt_cast_free(cast);
        lt_schema_done(&from);
        lt_schema_done(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_of_the_lattice_is_cast_or_refused_as_its_row_says),
        cmocka_unit_test(pairs_have_the_kind_of_the_table),
        cmocka_unit_test(a_refused_pair_is_named_with_its_column),
        cmocka_unit_test(random_values_come_back_unchanged_or_are_rejected),
        cmocka_unit_test(rejected_rows_are_marked_once_and_the_first_is_told),
        cmocka_unit_test(a_null_for_a_required_column_is_rejected),
        cmocka_unit_test(same_columns_are_moved_with_their_buffers_even_when_used_twice),
        cmocka_unit_test(sliced_batches_are_cast_from_their_first_row),
        cmocka_unit_test(dictionaries_are_decoded_and_then_cast),
    };

    return cmocka_run_group_tests_name("cast", tests, seed, NULL);
}
