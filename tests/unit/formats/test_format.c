#include "csv_util.h"

static void format_is_found_by_its_name(void **state)
{
    (void)state;
    assert_string_equal(lt_format_by_name("csv")->name, "csv");
    assert_string_equal(lt_format_by_name("ARROW")->name, "arrow");
    assert_string_equal(lt_format_by_name("arrows")->name, "arrows");
    assert_null(lt_format_by_name("xls"));
}

static const char *name_by_path(const char *path)
{
    const struct lt_format *format = lt_format_by_path(path, strlen(path));
    return format ? format->name : NULL;
}

static void format_is_found_by_the_ending_of_a_path(void **state)
{
    (void)state;
    assert_string_equal(name_by_path("orders.csv"), "csv");
    assert_string_equal(name_by_path("/tmp/a.b/ORDERS.TSV"), "csv");
    assert_string_equal(name_by_path("x.arrows"), "arrows");
    assert_null(name_by_path("csv"));
    assert_null(name_by_path("a.csv/orders"));
    assert_null(name_by_path("orders."));
    assert_null(name_by_path(""));
    assert_string_equal(lt_format_by_path("orders.csv.gz", 10)->name, "csv");
}

static void every_format_has_a_name_of_its_own_and_a_reader_and_writer(void **state)
{
    (void)state;
    for (size_t i = 0; lt_formats[i]; i++) {
        const struct lt_format *format = lt_formats[i];
        assert_ptr_equal(lt_format_by_name(format->name), format);
        assert_non_null(format->read_open);
        assert_non_null(format->write_open);
        assert_non_null(format->extensions[0]);
        assert_ptr_equal(lt_format_by_path(format->extensions[0], 0), NULL);
        assert_true(!format->alias || lt_format_by_name(format->alias) == format);
    }
}

static const struct lt_format *sniff_text(const char *text)
{
    return lt_format_sniff((const uint8_t *)text, strlen(text));
}

static void sniffing_tells_json_from_csv(void **state)
{
    (void)state;
    assert_string_equal(sniff_text("a,b\n1,2\n")->name, "csv");
    assert_string_equal(sniff_text("a,\xc3")->name, "csv");
    assert_string_equal(sniff_text(" {\"a\": 1}\n")->name, "jsonl");
    assert_string_equal(sniff_text("\xef\xbb\xbf[ {\"a\": 1}]")->name, "jsonl");
    assert_string_equal(sniff_text("[1,\"x\"]\n")->name, "jsonl");
    assert_null(sniff_text("{a b}"));
    assert_null(sniff_text("[section]\n"));
    assert_null(sniff_text(""));
    assert_null(sniff_text("\xff\xff\xff\xff\xff"));
    assert_null(lt_format_sniff((const uint8_t *)"a\0b", 3));
}

static const struct leat_option table[] = {
    {"level", LEAT_OPTION_INT, "3", "N", ""},
    {"mode", LEAT_OPTION_CHOICE, NULL, "fast|small", ""},
    {"header", LEAT_OPTION_BOOL, "true", NULL, ""},
    {"block", LEAT_OPTION_SIZE, "1MiB", "SIZE", ""},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

static int check_one(const char *name, const char *value, struct leat_error *err)
{
    struct leat_param param = {name, value};
    struct lt_format_options options = {.params = &param, .n_params = 1};
    return lt_format_check_options(&options, table, "test", err);
}

static void option_is_what_was_given_last_or_the_default(void **state)
{
    struct leat_param params[] = {{"level", "5"}, {"level", "6"}};
    struct lt_format_options options = {.params = params, .n_params = 2};
    (void)state;
    assert_string_equal(lt_format_option(&options, table, "level"), "6");
    assert_string_equal(lt_format_option(&options, table, "header"), "true");
    assert_null(lt_format_option(&options, table, "mode"));
    assert_null(lt_format_option(&options, table, "nothing"));
    assert_string_equal(lt_format_option(NULL, table, "level"), "3");
}

static void options_are_checked_against_the_table(void **state)
{
    struct leat_error err = {0};
    (void)state;
    assert_int_equal(check_one("level", "12", NULL), LEAT_OK);
    assert_int_equal(check_one("level", "x", &err), LEAT_INVALID);
    assert_int_equal(check_one("mode", "Small", NULL), LEAT_OK);
    assert_int_equal(check_one("mode", "smal", &err), LEAT_INVALID);
    assert_int_equal(check_one("mode", "", &err), LEAT_INVALID);
    assert_int_equal(check_one("header", NULL, NULL), LEAT_OK);
    assert_int_equal(check_one("header", "maybe", &err), LEAT_INVALID);
    assert_int_equal(check_one("block", "4MiB", NULL), LEAT_OK);
    assert_int_equal(check_one("block", "much", &err), LEAT_INVALID);
    assert_int_equal(check_one("levle", "1", &err), LEAT_INVALID);
    assert_string_equal(err.code, "unknown-option");
    assert_string_equal(err.remedy, "did you mean --level?");
    assert_int_equal(lt_format_check_options(NULL, NULL, "test", NULL), LEAT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_is_found_by_its_name),
        cmocka_unit_test(format_is_found_by_the_ending_of_a_path),
        cmocka_unit_test(every_format_has_a_name_of_its_own_and_a_reader_and_writer),
        cmocka_unit_test(sniffing_tells_json_from_csv),
        cmocka_unit_test(option_is_what_was_given_last_or_the_default),
        cmocka_unit_test(options_are_checked_against_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
