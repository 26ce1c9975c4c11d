/* Ids, capitals and connection strings as the original orchestrator reads them; SHA-256. */
#include "core/sha256.h"
#include "core/util.h"
#include "ledger/text.h"
#include "state/alchemy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void sha256_has_the_values_of_fips_180(void **unused)
{
    static const char *const rows[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    struct lt_sha256 *sha = NULL;
    (void)unused;
    assert_int_equal(lt_sha256_new(&sha, NULL), LEAT_OK);
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        char hex[LT_SHA256_HEX_MAX];
        for (const char *p = rows[i][0]; *p; p++) {
            assert_int_equal(lt_sha256_add(sha, p, 1, NULL), LEAT_OK);
        }
        assert_int_equal(lt_sha256_hex(sha, hex, NULL), LEAT_OK);
        assert_string_equal(hex, rows[i][1]);
    }
    lt_sha256_free(sha);
}

static void code_points_of_bytes_that_are_no_utf8_are_one_each(void **unused)
{
    const char *text = "a\xc3\xa9\xff\xe2\x82";
    static const uint32_t points[] = {'a', 0xe9, 0xdcff, 0xdce2, 0xdc82};
    (void)unused;
    assert_int_equal(lt_code_points(text), 5);
    for (size_t i = 0; i < LT_ARRAY_LEN(points); i++) {
        assert_int_equal(lt_code_point(&text), points[i]);
    }
    assert_string_equal(text, "");
}

static void capitals_follow_the_full_mapping(void **unused)
{
    static const char *const rows[][2] = {
        {"load", "LOAD"},     {"straße", "STRASSE"}, {"été", "ÉTÉ"},
        {"ﬃ", "FFI"},         {"ŉ", "ʼN"},           {"ᾳ", "ΑΙ"},
        {"привет", "ПРИВЕТ"}, {"漢字", "漢字"},      {"already", "ALREADY"},
    };
    (void)unused;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct lt_buf out = LT_BUF_INIT;
        assert_int_equal(lt_upper(rows[i][0], &out, NULL), LEAT_OK);
        assert_string_equal(lt_buf_text(&out), rows[i][1]);
        lt_buf_done(&out);
    }
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(lt_upper("\xff", &out, NULL), LEAT_BAD_DATA);
    lt_buf_done(&out);
}

static void connection_strings_are_taken_apart_as_sqlalchemy_does(void **unused)
{
    static const struct {
        const char *text, *user, *password, *host, *port, *database;
    } rows[] = {
        {"postgresql://u:p@h:5432/d", "u", "p", "h", "5432", "d"},
        {"postgresql+psycopg2://u:p%40s@h/d", "u", "p@s", "h", NULL, "d"},
        {"postgres://u:p@s/w:x@h/d", "u", "p@s/w:x", "h", NULL, "d"},
        {"postgresql://u@h/d%20e", "u", NULL, "h", NULL, "d%20e"},
        {"postgresql:///d", NULL, NULL, NULL, NULL, "d"},
        {"postgresql://", NULL, NULL, NULL, NULL, NULL},
        {"postgresql://u:@[::1]:1/d?x=1", "u", "", "::1", "1", "d"},
        {"sqlite:///rel/x.db", NULL, NULL, NULL, NULL, "rel/x.db"},
        {"sqlite:////abs/x.db", NULL, NULL, NULL, NULL, "/abs/x.db"},
    };
    (void)unused;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct lt_alchemy url;
        assert_int_equal(lt_alchemy_parse(rows[i].text, &url, NULL), LEAT_OK);
        const char *const pairs[][2] = {{url.user, rows[i].user},
                                        {url.password, rows[i].password},
                                        {url.host, rows[i].host},
                                        {url.port, rows[i].port},
                                        {url.database, rows[i].database}};
        for (size_t k = 0; k < LT_ARRAY_LEN(pairs); k++) {
            assert_int_equal(!pairs[k][0], !pairs[k][1]);
            if (pairs[k][0]) {
                assert_string_equal(pairs[k][0], pairs[k][1]);
            }
        }
        lt_alchemy_done(&url);
    }
}

static void parameters_are_decoded_and_those_without_a_value_dropped(void **unused)
{
    struct lt_alchemy url;
    (void)unused;
    assert_int_equal(lt_alchemy_parse("postgresql://h/d?host=%2Ftmp&a=b+c&empty=&none", &url, NULL),
                     LEAT_OK);
    assert_int_equal(url.n_params, 2);
    assert_string_equal(url.values[0], "/tmp");
    assert_string_equal(url.values[1], "b c");
    lt_alchemy_done(&url);
    struct leat_error err = {0};
    assert_int_equal(lt_alchemy_parse("mysql://u:secret@h/d", &url, &err), LEAT_INVALID);
    assert_null(strstr(err.message, "secret"));
    assert_int_equal(lt_alchemy_parse("u:secret@h/d", &url, &err), LEAT_INVALID);
    assert_null(strstr(err.message, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_has_the_values_of_fips_180),
        cmocka_unit_test(code_points_of_bytes_that_are_no_utf8_are_one_each),
        cmocka_unit_test(capitals_follow_the_full_mapping),
        cmocka_unit_test(connection_strings_are_taken_apart_as_sqlalchemy_does),
        cmocka_unit_test(parameters_are_decoded_and_those_without_a_value_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
