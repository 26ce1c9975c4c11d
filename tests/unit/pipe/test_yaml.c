/* Documents as trees: places, anchors and merges, bounds, and what is refused. */
#include "pipe/yaml.h"

#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct lt_yaml *parse(const char *text)
{
    struct lt_yaml *yaml = NULL;
    struct leat_error err = {0};
    int rc = lt_yaml_parse("a.yaml", text, strlen(text), &yaml, NULL, &err);
    if (rc) {
        print_error("%s: %s\n", err.place, err.message);
    }
    assert_int_equal(rc, LEAT_OK);
    return yaml;
}

static void refused_len(const char *text, size_t len, const char *place, const char *words)
{
    struct lt_yaml *yaml = NULL;
    struct lt_yaml_place fault = {0};
    struct leat_error err = {0};
    char at[64];
    assert_int_equal(lt_yaml_parse("a.yaml", text, len, &yaml, &fault, &err), LEAT_INVALID);
    assert_null(yaml);
    snprintf(at, sizeof at, "%lld:%lld", (long long)fault.line, (long long)fault.column);
    assert_string_equal(at, place);
    assert_string_equal(err.place + strlen("a.yaml:"), place);
    if (!strstr(err.message, words)) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
}

static void refused(const char *text, const char *place, const char *words)
{
    refused_len(text, strlen(text), place, words);
}

static void yaml_nodes_know_kind_place_and_quotes(void **state)
{
    (void)state;
    struct lt_yaml *yaml = parse("name: nightly\n"
                                 "steps:\n"
                                 "  - from: 'a: b'   # a comment\n"
                                 "    text: |\n"
                                 "      two\n"
                                 "      lines\n"
                                 "  - {to: [x, \"1\", 1], nothing: }\n"
                                 "\xc3\xa9: end\n");
    const struct lt_yaml_node *root = lt_yaml_root(yaml);
    assert_int_equal(root->kind, LT_YAML_MAP);
    assert_int_equal(root->n, 3);
    assert_string_equal(root->file, "a.yaml");
    const struct lt_yaml_node *steps = lt_yaml_get(root, "steps");
    assert_int_equal(steps->kind, LT_YAML_LIST);
    assert_int_equal(steps->n, 2);
    const struct lt_yaml_node *from = lt_yaml_get(steps->items[0], "from");
    assert_string_equal(from->text, "a: b");
    assert_true(from->quoted);
    assert_int_equal(from->line, 3);
    assert_int_equal(from->column, 11);
    assert_string_equal(lt_yaml_get(steps->items[0], "text")->text, "two\nlines\n");
    const struct lt_yaml_node *to = lt_yaml_get(steps->items[1], "to");
    assert_int_equal(to->n, 3);
    assert_true(to->items[1]->quoted);
    assert_false(to->items[2]->quoted);
    assert_int_equal(to->items[2]->column, 19);
    assert_true(lt_yaml_is_null(lt_yaml_get(steps->items[1], "nothing")));
    assert_string_equal(root->keys[2]->text, "\xc3\xa9");
    assert_int_equal(root->items[2]->column, 4);
    assert_null(lt_yaml_get(root, "nobody"));
    assert_null(lt_yaml_get(steps, "name"));
    lt_yaml_free(yaml);
}

static void yaml_plain_words_are_what_they_are_asked_for(void **state)
{
    (void)state;
    struct lt_yaml *yaml = parse("[yes, 'yes', 12, '12', -3, ~, null, 'null', No, 1.5, !!str 7]");
    const struct lt_yaml_node *root = lt_yaml_root(yaml);
    bool flag = false;
    int64_t number = 0;
    assert_true(lt_yaml_bool(root->items[0], &flag) && flag);
    assert_false(lt_yaml_bool(root->items[1], &flag));
    assert_true(lt_yaml_int(root->items[2], &number) && number == 12);
    assert_false(lt_yaml_int(root->items[3], &number));
    assert_true(lt_yaml_int(root->items[4], &number) && number == -3);
    assert_true(lt_yaml_is_null(root->items[5]));
    assert_true(lt_yaml_is_null(root->items[6]));
    assert_null(lt_yaml_text(root->items[6]));
    assert_string_equal(lt_yaml_text(root->items[7]), "null");
    assert_true(lt_yaml_bool(root->items[8], &flag) && !flag);
    assert_false(lt_yaml_int(root->items[9], &number));
    assert_true(root->items[10]->quoted);
    assert_false(lt_yaml_int(root, &number));
    lt_yaml_free(yaml);
}

static void yaml_merge_keys_fill_in_what_a_map_does_not_say(void **state)
{
    (void)state;
    struct lt_yaml *yaml = parse("base: &base {mode: append, key: id}\n"
                                 "more: &more {key: no, where: x > 1}\n"
                                 "one:\n  <<: *base\n  mode: replace\n"
                                 "two:\n  <<: [*base, *more]\n"
                                 "three: {'<<': 1}\n");
    const struct lt_yaml_node *root = lt_yaml_root(yaml);
    const struct lt_yaml_node *one = lt_yaml_get(root, "one"), *two = lt_yaml_get(root, "two");
    assert_int_equal(one->n, 2);
    assert_string_equal(lt_yaml_get(one, "mode")->text, "replace");
    assert_string_equal(lt_yaml_get(one, "key")->text, "id");
    assert_int_equal(lt_yaml_get(one, "key")->line, 1);
    assert_int_equal(two->n, 3);
    assert_string_equal(lt_yaml_get(two, "key")->text, "id");
    assert_string_equal(lt_yaml_get(two, "where")->text, "x > 1");
    assert_string_equal(lt_yaml_get(lt_yaml_get(root, "three"), "<<")->text, "1");
    lt_yaml_free(yaml);
}

static void yaml_reads_json_with_its_escapes(void **state)
{
    (void)state;
    struct lt_yaml *yaml =
        parse("{\n\t\"a\\/b\": \"\\u00e9 \\ud83d\\uDE00 \\\\ud83d \\n\",\n\t\"n\":[1,true,null]}");
    const struct lt_yaml_node *root = lt_yaml_root(yaml);
    assert_string_equal(lt_yaml_get(root, "a/b")->text, "\xc3\xa9 \xf0\x9f\x98\x80 \\ud83d \n");
    const struct lt_yaml_node *list = lt_yaml_get(root, "n");
    bool flag = false;
    assert_true(lt_yaml_bool(list->items[1], &flag) && flag);
    assert_true(lt_yaml_is_null(list->items[2]));
    assert_int_equal(list->line, 3);
    lt_yaml_free(yaml);
}

static void yaml_json_strings_keep_what_yaml_takes_for_ends_of_lines(void **state)
{
    (void)state;
    static const char text[] = "a \xe2\x80\xa8 b \xe2\x80\xa9 \\ \" c \xc2\x85 d\x7f\xe2\x80\xa7";
    struct lt_yaml *yaml = parse(
        "{\"a \xe2\x80\xa8 b\": 1, \"t\": \"a \xe2\x80\xa8 b \xe2\x80\xa9 \\\\ \\\" c \xc2\x85 "
        "d\x7f\xe2\x80\xa7\",\n \"n\": [1]}");
    const struct lt_yaml_node *root = lt_yaml_root(yaml);
    assert_string_equal(root->keys[0]->text, "a \xe2\x80\xa8 b");
    assert_string_equal(lt_yaml_get(root, "t")->text, text);
    assert_int_equal(lt_yaml_get(root, "n")->line, 2);
    assert_int_equal(lt_yaml_get(root, "n")->column, 7);
    lt_yaml_free(yaml);
    /* Of YAML in the same brackets the escapes are not made up. */
    yaml = parse("{a: 'x\"', b: 'c\xef\xbf\xbd\xe2\x80\xa8 \"d'}");
    assert_null(strchr(lt_yaml_get(lt_yaml_root(yaml), "b")->text, '\\'));
    lt_yaml_free(yaml);
}

static void yaml_an_empty_document_is_null(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n# only words\n", "---\n", "null", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct lt_yaml *yaml = parse(texts[i]);
        assert_true(lt_yaml_is_null(lt_yaml_root(yaml)));
        lt_yaml_free(yaml);
    }
}

static void yaml_refuses_with_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *words;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n", "3:1", "a second time; the first is in line 1"},
        {"{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", "1:24", "second time"},
        {"a: b: c\n", "1:5", "mapping values are not allowed"},
        {"a: [1, 2\nb: 3\n", "2:2", "did not find expected"},
        {"a:\n\t- 1\n", "2:1", "cannot start any token"},
        {"? [a]\n: b\n", "1:3", "a key is text"},
        {"a: *b\n", "1:4", "no anchor before it"},
        {"a: &a [1, *a]\n", "1:11", "itself in"},
        {"a: &a {b: *a}\n", "1:11", "itself in"},
        {"x: {<<: 5}\n", "1:9", "a merge key (<<) takes a map"},
        {"a: 1\n--- \nb: 2\n", "2:1", "a second document"},
        {"a: !ruby/object 5\n", "1:4", "tag !ruby/object is not known"},
        {"a: !!python/name:os.system ''\n", "1:4", "is not known"},
        {"a: \"x\\0y\"\n", "1:4", "NUL"},
        {"a: b\n\xc3\xa9\xff: c\n", "2:2", "not UTF-8"},
        {"a: \xed\xa0\x80\n", "1:4", "not UTF-8"},
        {"\xfe\xff\0a", "1:1", "not UTF-8"},
        {"a: \x01\n", "1:1", "control characters"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refused(rows[i].text, rows[i].place, rows[i].words);
    }
    refused_len("a: b\nc: \0", 9, "2:4", "NUL");
}

static void yaml_depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * LT_YAML_DEPTH_MAX + 4];
    memset(text, '[', LT_YAML_DEPTH_MAX);
    memset(text + LT_YAML_DEPTH_MAX, ']', LT_YAML_DEPTH_MAX);
    text[(size_t)2 * LT_YAML_DEPTH_MAX] = 0;
    lt_yaml_free(parse(text));
    memset(text, '[', LT_YAML_DEPTH_MAX + 1);
    text[LT_YAML_DEPTH_MAX + 1] = 0;
    refused(text, "1:65", "more than 64 deep");
}

/* Nine aliases a level: 9^12 nodes if they were written out. */
static void yaml_aliases_that_blow_up_are_refused(void **state)
{
    (void)state;
    struct lt_buf text = LT_BUF_INIT;
    assert_int_equal(lt_buf_puts(&text, "a0: &a0 x\n"), LEAT_OK);
    for (int i = 1; i <= 12; i++) {
        assert_int_equal(lt_buf_printf(&text, "a%d: &a%d [", i, i), LEAT_OK);
        for (int k = 0; k < 9; k++) {
            assert_int_equal(lt_buf_printf(&text, "*a%d,", i - 1), LEAT_OK);
        }
        assert_int_equal(lt_buf_puts(&text, "]\n"), LEAT_OK);
    }
    struct lt_yaml *yaml = NULL;
    struct leat_error err = {0};
    assert_int_equal(lt_yaml_parse("a.yaml", lt_buf_text(&text), text.len, &yaml, NULL, &err),
                     LEAT_INVALID);
    assert_non_null(strstr(err.message, "aliases stand for too much"));
    lt_buf_done(&text);
}

static void yaml_files_are_read_and_a_missing_one_is_told(void **state)
{
    (void)state;
    char path[] = "/tmp/leat-yaml-XXXXXX";
    int fd = mkstemp(path);
    struct lt_yaml *yaml = NULL;
    struct leat_error err = {0};
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    close(fd);
    assert_int_equal(lt_yaml_read(path, &yaml, NULL, &err), LEAT_OK);
    assert_string_equal(lt_yaml_root(yaml)->file, path);
    lt_yaml_free(yaml);
    unlink(path);
    assert_int_equal(lt_yaml_read(path, &yaml, NULL, &err), LEAT_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_nodes_know_kind_place_and_quotes),
        cmocka_unit_test(yaml_plain_words_are_what_they_are_asked_for),
        cmocka_unit_test(yaml_merge_keys_fill_in_what_a_map_does_not_say),
        cmocka_unit_test(yaml_reads_json_with_its_escapes),
        cmocka_unit_test(yaml_json_strings_keep_what_yaml_takes_for_ends_of_lines),
        cmocka_unit_test(yaml_an_empty_document_is_null),
        cmocka_unit_test(yaml_refuses_with_line_and_column),
        cmocka_unit_test(yaml_depth_is_bounded),
        cmocka_unit_test(yaml_aliases_that_blow_up_are_refused),
        cmocka_unit_test(yaml_files_are_read_and_a_missing_one_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
