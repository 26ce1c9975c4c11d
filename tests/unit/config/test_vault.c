/* The file of a vault as bytes, and references. */
#include "config/vault_format.h"
#include "config/vault_items.h"

#include "core/codes.h"
#include "core/util.h"
#include "leat/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEY "0123456789abcdef0123456789abcdef"
#define BODY "{\"items\":[{\"kind\":\"connection\",\"name\":\"pg\",\"value\":\"x:y\"}]}"

static void seal(struct lt_vault_header *header, struct lt_vault_secret *secret,
                 struct lt_buf *file)
{
    assert_int_equal(lt_vault_header_new(LEAT_KEY_MACHINE, header, NULL), LEAT_OK);
    assert_int_equal(lt_vault_derive(header, KEY, strlen(KEY), secret, NULL), LEAT_OK);
    assert_int_equal(lt_vault_seal(header, secret, BODY, strlen(BODY), file, NULL), LEAT_OK);
}

static void what_was_sealed_opens_with_the_same_key_alone(void **state)
{
    (void)state;
    struct lt_buf file = LT_BUF_INIT, body = LT_BUF_INIT;
    struct lt_vault_header header;
    struct lt_vault_secret secret, other;
    struct leat_error err = {0};
    seal(&header, &secret, &file);
    assert_int_equal(lt_vault_header_read(file.data, file.len, &header, NULL), LEAT_OK);
    assert_int_equal(lt_vault_unseal(&header, &secret, file.data, &body, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&body), BODY);
    assert_int_equal(lt_vault_derive(&header, "another", 7, &other, NULL), LEAT_OK);
    assert_int_equal(lt_vault_unseal(&header, &other, file.data, &body, &err), LEAT_DENIED);
    assert_string_equal(err.code, "wrong-passphrase");
    lt_buf_done(&file);
    lt_buf_done(&body);
}

/* Every bit of it, and every length. */
static void a_vault_that_was_changed_or_cut_is_told_as_damaged(void **state)
{
    (void)state;
    struct lt_buf file = LT_BUF_INIT, body = LT_BUF_INIT;
    struct lt_vault_header header;
    struct lt_vault_secret secret;
    seal(&header, &secret, &file);
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        struct leat_error err = {0};
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int rc = lt_vault_header_read(file.data, file.len, &header, &err);
        rc = rc ? rc : lt_vault_unseal(&header, &secret, file.data, &body, &err);
        assert_int_not_equal(rc, LEAT_OK);
        assert_string_equal(err.code, bit / 8 == 8 ? "unsupported" : "vault-damaged");
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < file.len; len++) {
        struct leat_error err = {0};
        assert_int_not_equal(lt_vault_header_read(file.data, len, &header, &err), LEAT_OK);
        assert_string_equal(err.code, "vault-damaged");
    }
    assert_int_equal(body.len, 0);
    lt_buf_done(&file);
    lt_buf_done(&body);
}

static void every_write_has_a_nonce_of_its_own(void **state)
{
    (void)state;
    struct lt_buf a = LT_BUF_INIT, b = LT_BUF_INIT;
    struct lt_vault_header header;
    struct lt_vault_secret secret;
    seal(&header, &secret, &a);
    assert_int_equal(lt_vault_seal(&header, &secret, BODY, strlen(BODY), &b, NULL), LEAT_OK);
    assert_memory_equal(a.data, b.data, 48);
    assert_memory_not_equal(a.data + 48, b.data + 48, 12);
    assert_memory_not_equal(a.data + 72, b.data + 72, strlen(BODY));
    lt_buf_done(&a);
    lt_buf_done(&b);
}

static void items_come_back_whatever_they_hold(void **state)
{
    (void)state;
    struct lt_items items = {0}, back = {0};
    struct lt_buf text = LT_BUF_INIT;
    static const char *const values[] = {"", "\"\\\x01\n", "\xc3\xa4\xe2\x82\xac", "a://b:c@d"};
    for (size_t i = 0; i < LT_ARRAY_LEN(values); i++) {
        char name[8];
        snprintf(name, sizeof name, "n%zu", 9 - i);
        assert_int_equal(lt_items_put(&items, LEAT_ITEM_CONNECTION, name, values[i], false, NULL),
                         LEAT_OK);
        assert_int_equal(lt_items_put(&items, LEAT_ITEM_DEFAULT, name, values[i], false, NULL),
                         LEAT_OK);
    }
    assert_int_equal(lt_items_put(&items, LEAT_ITEM_DEFAULT, "n9", "new", false, NULL),
                     LEAT_CONFLICT);
    assert_int_equal(lt_items_put(&items, LEAT_ITEM_DEFAULT, "x", "\xff", false, NULL),
                     LEAT_INVALID);
    assert_int_equal(lt_items_write(&items, &text, NULL), LEAT_OK);
    assert_int_equal(lt_items_read(lt_buf_text(&text), text.len, &back, NULL), LEAT_OK);
    assert_int_equal(back.n, items.n);
    for (size_t i = 0; i < back.n; i++) {
        assert_string_equal(back.items[i].name, items.items[i].name);
        assert_string_equal(back.items[i].value, items.items[i].value);
    }
    assert_true(lt_items_remove(&back, LEAT_ITEM_DEFAULT, "n9"));
    assert_false(lt_items_remove(&back, LEAT_ITEM_DEFAULT, "n9"));
    assert_null(lt_items_find(&back, LEAT_ITEM_DEFAULT, "n9"));
    lt_items_done(&items);
    lt_items_done(&back);
    lt_buf_done(&text);
}

static void references_are_replaced_encoded_as_their_place_needs(void **state)
{
    (void)state;
    static const struct {
        const char *url, *want;
    } rows[] = {
        {"a://u:p@h/d", "a://u:p@h/d"},
        {"a://u:${env:LT_T}@h/d", "a://u:p%40%2F%3A%23%20%25%C3%A4@h/d"},
        {"a://u@h/${env:LT_T}?x=${env:LT_T}", "a://u@h/p%40/%3A%23%20%25%C3%A4?x="
                                              "p%40%2F%3A%23%20%25%C3%A4"},
        {"${env:LT_URL}", "a://u:p@h/d"},
        {"a:$${env:X}$1", "a:${env:X}$1"},
        {"a://u:${cmd:printf '%s' '}x'; echo \"{}\"}@h", "a://u:%7Dx%7B%7D@h"},
        {"a://u:${cmd:printf 'x\\n\\n'}@h", "a://u:x%0A@h"},
        {"a://u:${cmd:echo ${LT_PLAIN:+y}}@h", "a://u:y@h"},
    };
    setenv("LT_T", "p@/:# %\xc3\xa4", 1);
    setenv("LT_URL", "a://u:p@h/d", 1);
    setenv("LT_PLAIN", "x", 1); /* no reference names it: commands are given it */
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        char *url = NULL;
        assert_int_equal(leat_resolve_references(rows[i].url, &url, NULL), LEAT_OK);
        assert_string_equal(url, rows[i].want);
        free(url);
    }
}

static void a_reference_without_a_value_says_which_and_no_more(void **state)
{
    (void)state;
    static const char *const rows[] = {"a://${env:LT_NONE}",
                                       "a://${file:/nonexistent}",
                                       "a://${cmd:echo SECRET; exit 1}",
                                       "a://${cmd:yes SECRET}",
                                       "a://${what:ever}",
                                       "a://${env:LT_NONE",
                                       "a://${file:/}",
                                       "a://${cmd:printf 'SECRET\\000'}"};
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct leat_error err = {0};
        char *url = NULL, line[4096];
        int rc = leat_resolve_references(rows[i], &url, &err);
        assert_true(rc == LEAT_NOT_FOUND || rc == LEAT_INVALID);
        assert_null(url);
        lt_error_format(&err, line, sizeof line);
        assert_null(strstr(line, "SECRET"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_with_the_same_key_alone),
        cmocka_unit_test(a_vault_that_was_changed_or_cut_is_told_as_damaged),
        cmocka_unit_test(every_write_has_a_nonce_of_its_own),
        cmocka_unit_test(items_come_back_whatever_they_hold),
        cmocka_unit_test(references_are_replaced_encoded_as_their_place_needs),
        cmocka_unit_test(a_reference_without_a_value_says_which_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
