/* Reading whole files: those of tests/data/parquet, as they are, in part, and damaged. */
#include "columnar/array.h"
#include "columnar/text.h"
#include "core/buf.h"
#include "formats/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

extern const struct lt_format lt_format_parquet;

struct file {
    uint8_t *data;
    size_t len;
};

static struct file load(const char *name)
{
    char path[1024];
    struct file file = {.data = NULL};
    snprintf(path, sizeof path, "%s/parquet/%s.parquet", TEST_DATA, name);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    file.data = malloc(1 << 16);
    assert_non_null(file.data);
    file.len = fread(file.data, 1, 1 << 16, stream);
    assert_true(file.len > 0 && file.len < 1 << 16);
    fclose(stream);
    return file;
}

/* What came of reading: rows as JSON, each on a line. */
struct result {
    struct leat_error err;
    struct lt_buf rows;
    int status, batches;
    int64_t longest, n;
};

static void add_rows(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                     struct result *result)
{
    struct lt_view view;
    assert_int_equal(lt_array_check(schema, batch, true, &result->err), LEAT_OK);
    assert_int_equal(lt_view_init(&view, schema, batch, NULL), LEAT_OK);
    for (int64_t row = 0; row < batch->length; row++) {
        assert_int_equal(lt_text_format_json(&view, row, &result->rows), LEAT_OK);
        assert_int_equal(lt_buf_byte(&result->rows, '\n'), LEAT_OK);
    }
    lt_view_done(&view);
    result->batches++;
    result->n += batch->length;
    result->longest = batch->length > result->longest ? batch->length : result->longest;
}

static struct result read_bytes(const uint8_t *data, size_t len,
                                const struct lt_format_options *options)
{
    const struct lt_format *format = &lt_format_parquet;
    struct result result = {.status = LEAT_OK};
    struct lt_source *source = NULL;
    struct lt_format_reader *reader = NULL;
    struct ArrowSchema schema = {.release = NULL};
    struct ArrowArray batch = {.release = NULL};
    assert_int_equal(lt_source_memory(data, len, "x.parquet", &source, NULL), LEAT_OK);
    result.status = format->read_open(source, options, &reader, &result.err);
    if (!result.status) {
        assert_int_equal(format->read_schema(reader, &schema, NULL), LEAT_OK);
        do {
            result.status = format->read_next(reader, &batch, &result.err);
            if (!result.status && batch.release) {
                add_rows(&schema, &batch, &result);
                batch.release(&batch);
                continue;
            }
            break;
        } while (true);
        if (result.status) { /* the same failure comes again */
            struct leat_error again = {.status = LEAT_OK};
            assert_int_equal(format->read_next(reader, &batch, &again), result.status);
            assert_string_equal(again.message, result.err.message);
        }
        format->read_close(reader);
        lt_schema_done(&schema);
    }
    lt_source_close(source);
    return result;
}

static struct result read_file(const char *name, const struct lt_format_options *options)
{
    struct file file = load(name);
    struct result result = read_bytes(file.data, file.len, options);
    free(file.data);
    return result;
}

static void result_done(struct result *result)
{
    lt_buf_done(&result->rows);
}

static void expect_rows(const char *name, const struct lt_format_options *options, const char *want)
{
    struct result result = read_file(name, options);
    assert_int_equal(result.status, LEAT_OK);
    assert_string_equal(lt_buf_text(&result.rows), want);
    result_done(&result);
}

/* --- what files hold ---------------------------------------------------------------------------- */

static void parquet_reader_reads_nested_columns(void **state)
{
    (void)state;
    expect_rows("nested", NULL,
                "{\"l\":[1,null,3],\"s\":{\"a\":1,\"b\":\"x\"},\"m\":{\"k\":1,\"l\":null},"
                "\"p\":[{\"x\":1,\"tags\":[\"a\",\"b\"]},null]}\n"
                "{\"l\":[],\"s\":null,\"m\":null,\"p\":null}\n"
                "{\"l\":null,\"s\":{\"a\":null,\"b\":null},\"m\":{},"
                "\"p\":[{\"x\":2,\"tags\":null}]}\n"
                "{\"l\":[4],\"s\":{\"a\":2,\"b\":\"y\"},\"m\":{\"m\":3},"
                "\"p\":[{\"x\":3,\"tags\":[]},{\"x\":4,\"tags\":[null]}]}\n");
}

static void parquet_reader_gives_back_what_arrow_knew(void **state)
{
    (void)state;
    static const char *const types[] = {"int8",
                                        "uint16",
                                        "uint64",
                                        "float16",
                                        "decimal(38,10)",
                                        "decimal(70,5)",
                                        "time(ms)",
                                        "timestamptz",
                                        "duration",
                                        "uuid",
                                        "large_utf8",
                                        "utf8",
                                        "fixed_list<int32, 2>",
                                        "null",
                                        "struct<a: fixed_list<int32, 2>>"};
    struct file file = load("types");
    struct lt_source *source = NULL;
    struct lt_format_reader *reader = NULL;
    struct ArrowSchema schema;
    assert_int_equal(lt_source_memory(file.data, file.len, "x", &source, NULL), LEAT_OK);
    assert_int_equal(lt_format_parquet.read_open(source, NULL, &reader, NULL), LEAT_OK);
    assert_int_equal(lt_format_parquet.read_schema(reader, &schema, NULL), LEAT_OK);
    assert_int_equal(schema.n_children, 15);
    for (int i = 0; i < 15; i++) {
        struct lt_buf name = LT_BUF_INIT;
        assert_int_equal(lt_type_print(schema.children[i], &name), LEAT_OK);
        assert_string_equal(lt_buf_text(&name), types[i]);
        lt_buf_done(&name);
    }
    assert_string_equal(schema.children[7]->format, "tsu:Europe/Paris");
    lt_schema_done(&schema);
    lt_format_parquet.read_close(reader);
    lt_source_close(source);
    free(file.data);
    expect_rows("types", NULL,
                "{\"i8\":-128,\"u16\":0,\"u64\":0,\"f2\":0.5,\"d38\":-1.9999999999,"
                "\"d76\":-7.00000,\"t\":\"00:00:00.001\",\"z\":\"1970-01-01 00:00:00Z\","
                "\"dur\":\"PT0S\",\"u\":\"00000000-0000-0000-0000-000000000001\",\"big\":\"a\","
                "\"delta\":\"apple\",\"pair\":[1,2],\"none\":null,\"fixed\":{\"a\":[1,2]}}\n"
                "{\"i8\":127,\"u16\":65535,\"u64\":18446744073709551615,\"f2\":-2,"
                "\"d38\":10.0000000000,\"d76\":1000000000000000000000000000000000000000000000000"
                "000000000000.00000,\"t\":\"23:59:59.999\",\"z\":\"1970-01-02 00:00:00Z\","
                "\"dur\":\"PT24H\",\"u\":\"00000000-0000-0000-0000-000000000002\",\"big\":\"\","
                "\"delta\":\"apricot\",\"pair\":null,\"none\":null,\"fixed\":null}\n"
                "{\"i8\":null,\"u16\":null,\"u64\":null,\"f2\":null,\"d38\":null,\"d76\":null,"
                "\"t\":null,\"z\":null,\"dur\":null,\"u\":null,\"big\":null,\"delta\":null,"
                "\"pair\":[3,null],\"none\":null,\"fixed\":{\"a\":[3,null]}}\n");
}

/* --- parts --------------------------------------------------------------------------------------- */

static void parquet_reader_reads_only_the_columns_asked_for_in_their_order(void **state)
{
    (void)state;
    const char *columns[] = {"flag", "id"};
    struct leat_param params[] = {{"row-groups", "2"}};
    struct lt_format_options options = {
        .params = params, .n_params = 1, .columns = columns, .n_columns = 2};
    expect_rows(
        "flat", &options,
        "{\"flag\":true,\"id\":30}\n{\"flag\":false,\"id\":31}\n{\"flag\":false,\"id\":32}\n"
        "{\"flag\":true,\"id\":33}\n{\"flag\":false,\"id\":34}\n{\"flag\":false,\"id\":35}\n"
        "{\"flag\":true,\"id\":36}\n{\"flag\":false,\"id\":37}\n{\"flag\":false,\"id\":38}\n"
        "{\"flag\":true,\"id\":39}\n");
}

static void parquet_reader_counts_rows_when_no_column_is_asked_for(void **state)
{
    (void)state;
    const char *columns[] = {NULL};
    struct lt_format_options options = {.columns = columns, .batch_rows_max = 16};
    struct result result = read_file("flat", &options);
    assert_int_equal(result.status, LEAT_OK);
    assert_int_equal(result.n, 40);
    assert_int_equal(result.batches, 3);
    result_done(&result);
}

static void parquet_reader_names_the_closest_of_missing_columns(void **state)
{
    (void)state;
    const char *columns[] = {"id", "prize"};
    struct lt_format_options options = {.columns = columns, .n_columns = 2};
    struct result result = read_file("flat", &options);
    assert_int_equal(result.status, LEAT_NOT_FOUND);
    assert_string_equal(result.err.code, "unknown-column");
    assert_non_null(strstr(result.err.remedy, "\"price\""));
}

static void expect_groups(const char *text, int status, int64_t rows)
{
    struct leat_param params[] = {{"row-groups", text}};
    struct lt_format_options options = {.params = params, .n_params = 1};
    struct result result = read_file("flat", &options);
    assert_int_equal(result.status, status);
    assert_int_equal(result.n, rows);
    result_done(&result);
}

static void parquet_reader_picks_row_groups(void **state)
{
    (void)state;
    expect_groups("", LEAT_OK, 40);
    expect_groups("0", LEAT_OK, 15);
    expect_groups("0,2", LEAT_OK, 25);
    expect_groups("1-2", LEAT_OK, 25);
    expect_groups("0-2", LEAT_OK, 40);
    expect_groups("3", LEAT_INVALID, 0);
    expect_groups("1,1", LEAT_INVALID, 0);
    expect_groups("2-1", LEAT_INVALID, 0);
    expect_groups("0,", LEAT_INVALID, 0);
    expect_groups("0-", LEAT_INVALID, 0);
    expect_groups("x", LEAT_INVALID, 0);
    expect_groups("99999999999999999999", LEAT_INVALID, 0);
}

/* Batches of other sizes hold the same rows: over row groups, pages and what is left over. */
static void parquet_reader_gives_the_same_rows_in_batches_of_any_size(void **state)
{
    (void)state;
    static const char *const names[] = {"flat", "nested", "types"};
    for (int i = 0; i < 3; i++) {
        struct result whole = read_file(names[i], NULL);
        assert_int_equal(whole.status, LEAT_OK);
        for (int64_t rows = 1; rows < 20; rows++) {
            for (int64_t bytes = 1; bytes < 5000; bytes = bytes * 3 + 1) {
                /* Every other time there is no memory for pages: they are read again. */
                struct lt_format_options options = {
                    .batch_rows_max = rows, .batch_bytes_max = bytes, .memory = rows % 2};
                struct result part = read_file(names[i], &options);
                assert_int_equal(part.status, LEAT_OK);
                assert_true(part.longest <= rows);
                assert_string_equal(lt_buf_text(&part.rows), lt_buf_text(&whole.rows));
                result_done(&part);
            }
        }
        result_done(&whole);
    }
}

static void parquet_reader_keeps_batches_to_their_bytes(void **state)
{
    (void)state;
    struct lt_format_options options = {.batch_bytes_max = 200};
    struct result result = read_file("flat", &options);
    assert_int_equal(result.status, LEAT_OK);
    assert_true(result.batches >= 6);
    result_done(&result);
}

static void parquet_reader_explains_a_file(void **state)
{
    (void)state;
    struct file file = load("flat");
    struct lt_source *source = NULL;
    struct lt_format_reader *reader = NULL;
    struct lt_buf text = LT_BUF_INIT;
    assert_int_equal(lt_source_memory(file.data, file.len, "x", &source, NULL), LEAT_OK);
    assert_int_equal(lt_format_parquet.read_open(source, NULL, &reader, NULL), LEAT_OK);
    assert_int_equal(lt_format_parquet.read_explain(reader, &text), LEAT_OK);
    const char want[] = "parquet, 3 row groups, 40 rows, snappy, written by parquet-cpp-arrow ";
    assert_memory_equal(lt_buf_text(&text), want, sizeof want - 1);
    lt_buf_done(&text);
    lt_format_parquet.read_close(reader);
    lt_source_close(source);
    free(file.data);
}

/* --- damage -------------------------------------------------------------------------------------- */

static void expect_failure(const uint8_t *data, size_t len, const char *code, const char *words)
{
    struct result result = read_bytes(data, len, NULL);
    assert_int_not_equal(result.status, LEAT_OK);
    assert_string_equal(result.err.code, code);
    assert_non_null(strstr(result.err.message, words));
    assert_non_null(strstr(result.err.place, "x.parquet"));
    result_done(&result);
}

static void parquet_reader_refuses_every_truncation(void **state)
{
    (void)state;
    static const char *const names[] = {"flat", "nested", "types"};
    for (int i = 0; i < 3; i++) {
        struct file file = load(names[i]);
        for (size_t len = 0; len < file.len; len++) {
            /* A copy of its own, so that a sanitizer sees what is read behind it. */
            uint8_t *cut = malloc(len ? len : 1);
            assert_non_null(cut);
            memcpy(cut, file.data, len);
            struct result result = read_bytes(cut, len, NULL);
            assert_int_equal(result.status, LEAT_BAD_DATA);
            result_done(&result);
            free(cut);
        }
        free(file.data);
    }
}

/* Each byte wrong in three ways: what is read is whole (read_bytes() checks batches), or refused
 * with a code and a place. */
static void parquet_reader_survives_every_changed_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"flat", "nested", "types"};
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    struct leat_param params[] = {{"verify-checksums", "no"}};
    struct lt_format_options options = {.params = params, .n_params = 1, .batch_rows_max = 7};
    int64_t refused = 0;
    for (int i = 0; i < 3; i++) {
        struct file file = load(names[i]);
        for (size_t at = 0; at < file.len; at++) {
            for (int m = 0; m < 3; m++) {
                file.data[at] ^= masks[m];
                struct result result = read_bytes(file.data, file.len, &options);
                if (result.status) {
                    assert_true(result.err.code[0] && result.err.place[0]);
                    refused++;
                }
                result_done(&result);
                file.data[at] ^= masks[m];
            }
        }
        free(file.data);
    }
    assert_true(refused > 1000);
}

static void parquet_reader_checks_pages_against_their_checksums(void **state)
{
    (void)state;
    struct file file = load("flat");
    struct leat_param params[] = {{"verify-checksums", "no"}};
    struct lt_format_options options = {.params = params, .n_params = 1};
    uint8_t *text = NULL;
    for (size_t at = 0; at + 4 < file.len && !text; at++) {
        text = memcmp(file.data + at, "n1\xc3\xa9", 4) ? NULL : file.data + at;
    }
    assert_non_null(text);
    text[0] = 'N';
    expect_failure(file.data, file.len, "corrupt-file", "checksum");
    struct result result = read_bytes(file.data, file.len, NULL);
    assert_string_equal(result.err.place, "x.parquet: column \"name\", row group 2, page 1");
    result_done(&result);
    result = read_bytes(file.data, file.len, &options);
    assert_int_equal(result.status, LEAT_OK);
    assert_non_null(strstr(lt_buf_text(&result.rows), "\"N1\xc3\xa9\""));
    result_done(&result);
    text[2] = 'x'; /* and then no UTF-8 any more */
    result = read_bytes(file.data, file.len, &options);
    assert_int_equal(result.status, LEAT_BAD_DATA);
    assert_string_equal(result.err.code, "invalid-utf8");
    result_done(&result);
    free(file.data);
}

static void parquet_reader_refuses_what_is_encrypted_or_no_parquet(void **state)
{
    (void)state;
    struct file file = load("flat");
    memcpy(file.data + file.len - 4, "PARE", 4);
    expect_failure(file.data, file.len, "unsupported", "encrypted");
    memcpy(file.data + file.len - 4, "PAR2", 4);
    expect_failure(file.data, file.len, "corrupt-file", "no Parquet");
    memcpy(file.data + file.len - 8, "\xff\xff\xff\x7fPAR1", 8);
    expect_failure(file.data, file.len, "corrupt-file", "footer");
    expect_failure(file.data, 0, "corrupt-file", "too few");
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parquet_reader_reads_nested_columns),
        cmocka_unit_test(parquet_reader_gives_back_what_arrow_knew),
        cmocka_unit_test(parquet_reader_reads_only_the_columns_asked_for_in_their_order),
        cmocka_unit_test(parquet_reader_counts_rows_when_no_column_is_asked_for),
        cmocka_unit_test(parquet_reader_names_the_closest_of_missing_columns),
        cmocka_unit_test(parquet_reader_picks_row_groups),
        cmocka_unit_test(parquet_reader_gives_the_same_rows_in_batches_of_any_size),
        cmocka_unit_test(parquet_reader_keeps_batches_to_their_bytes),
        cmocka_unit_test(parquet_reader_explains_a_file),
        cmocka_unit_test(parquet_reader_refuses_every_truncation),
        cmocka_unit_test(parquet_reader_survives_every_changed_byte),
        cmocka_unit_test(parquet_reader_checks_pages_against_their_checksums),
        cmocka_unit_test(parquet_reader_refuses_what_is_encrypted_or_no_parquet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
