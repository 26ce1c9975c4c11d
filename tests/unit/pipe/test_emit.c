/* What is written as a document is read back as it was: maps, lists, and any text. */
#include "pipe/emit.h"

#include "pipe/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void emit_writes_yaml_as_people_do(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct lt_emit emit = {.out = &out};
    lt_emit_comment(&emit, "a note");
    lt_emit_map(&emit);
    lt_emit_pair(&emit, "from", "postgres://u@h/db#public.orders");
    lt_emit_key(&emit, "to");
    lt_emit_list(&emit);
    lt_emit_text(&emit, "a.csv");
    lt_emit_map(&emit);
    lt_emit_pair(&emit, "x", "- y");
    lt_emit_key(&emit, "empty");
    lt_emit_map(&emit);
    lt_emit_end(&emit);
    lt_emit_end(&emit);
    lt_emit_end(&emit);
    lt_emit_pair(&emit, "sql", "select 1;\nselect 2\n");
    lt_emit_key(&emit, "replace");
    lt_emit_word(&emit, "true");
    lt_emit_end(&emit);
    assert_int_equal(emit.failed, 0);
    assert_string_equal(lt_buf_text(&out), "# a note\n"
                                           "from: postgres://u@h/db#public.orders\n"
                                           "to:\n"
                                           "  - a.csv\n"
                                           "  - x: \"- y\"\n"
                                           "    empty: {}\n"
                                           "sql: |\n"
                                           "  select 1;\n"
                                           "  select 2\n"
                                           "replace: true\n");
    lt_buf_done(&out);
}

/* A text at three places of a document, in both forms. */
static void expect_kept(const char *text)
{
    for (int json = 0; json < 2; json++) {
        struct lt_buf out = LT_BUF_INIT;
        struct lt_emit emit = {.out = &out, .json = json};
        struct lt_yaml *yaml = NULL;
        struct leat_error err = {0};
        lt_emit_map(&emit);
        lt_emit_pair(&emit, "value", text);
        lt_emit_key(&emit, "list");
        lt_emit_list(&emit);
        lt_emit_text(&emit, text);
        lt_emit_end(&emit);
        lt_emit_key(&emit, "map");
        lt_emit_map(&emit);
        lt_emit_pair(&emit, *text ? text : "k", "v");
        lt_emit_end(&emit);
        lt_emit_end(&emit);
        assert_int_equal(emit.failed, 0);
        if (lt_yaml_parse("x", lt_buf_text(&out), out.len, &yaml, NULL, &err)) {
            fail_msg("%s: %s\n%s", err.place, err.message, lt_buf_text(&out));
        }
        const struct lt_yaml_node *root = lt_yaml_root(yaml);
        assert_string_equal(lt_yaml_text(lt_yaml_get(root, "value")), text);
        assert_string_equal(lt_yaml_text(lt_yaml_get(root, "list")->items[0]), text);
        assert_string_equal(lt_yaml_get(root, "map")->keys[0]->text, *text ? text : "k");
        lt_yaml_free(yaml);
        lt_buf_done(&out);
    }
}

static void emit_texts_are_read_back_as_they_were(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "null",
        "~",
        "true",
        "No",
        "12",
        "1.10",
        "2026-11-21",
        "0x1f",
        "1e5",
        "10%",
        "a: b",
        "a:b",
        "a #b",
        "a#b",
        "#a",
        "- a",
        "-",
        "?",
        "{a}",
        "[a]",
        "${X}",
        "a, b",
        "'a'",
        "\"a\"",
        "\\",
        "a\nb",
        "a\nb\n",
        "a\n\n",
        "\na",
        " a\nb",
        "a\n  b\n",
        "a \nb",
        "a\tb",
        "*",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "|",
        ">",
        "a:",
        ": a",
        "<<",
        "---",
        "...",
        "\xc3\xa9",
        "\xf0\x9f\x98\x80",
        "\x01",
        "\x7f",
        "\xc2\x80\xc2\x9f",
        "a\xef\xbb\xbf",
        "\xef\xbf\xbe\nb",
        "a\r\nb",
        "a \xe2\x80\xa8 b",
        "a \xe2\x80\xa9 b\nc",
        "a \xc2\x85 b",
        "=",
        "_",
        "./x",
        ".",
        "$",
        "a\nb:\n- c",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_kept(texts[i]);
    }
}

static void emit_random_texts_are_read_back_as_they_were(void **state)
{
    (void)state;
    static const char letters[] = "a1 :#-?,[]{}&*!|>'\"%@`\n\t~=.$<\\_/+();^";
    srand(20261121);
    for (int i = 0; i < 20000; i++) {
        char text[12];
        int n = rand() % 11;
        for (int k = 0; k < n; k++) {
            text[k] = letters[(size_t)rand() % (sizeof letters - 1)];
        }
        text[n] = 0;
        expect_kept(text);
    }
}

static void emit_writes_ends_of_lines_as_escapes(void **state)
{
    (void)state;
    for (int json = 0; json < 2; json++) {
        struct lt_buf out = LT_BUF_INIT;
        struct lt_emit emit = {.out = &out, .json = json};
        lt_emit_list(&emit);
        lt_emit_text(&emit, "a \xe2\x80\xa8 b\xe2\x80\xa9\xc2\x85\xe2\x80\xa7");
        lt_emit_end(&emit);
        assert_int_equal(emit.failed, 0);
        assert_non_null(strstr(lt_buf_text(&out), "\"a \\u2028 b\\u2029\\u0085\xe2\x80\xa7\""));
        lt_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emit_writes_yaml_as_people_do),
        cmocka_unit_test(emit_texts_are_read_back_as_they_were),
        cmocka_unit_test(emit_writes_ends_of_lines_as_escapes),
        cmocka_unit_test(emit_random_texts_are_read_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
