/* Taking URLs apart. */
#include "core/url.h"

#include "core/codes.h"
#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *text;
    const char *scheme, *user, *password, *host, *port, *path, *fragment;
};

static const struct row rows[] = {
    {"postgres://joe:pw@db.example.org:5432/shop", "postgres", "joe", "pw", "db.example.org",
     "5432", "/shop", NULL},
    {"POSTGRESQL+psycopg2://db/x", "postgresql", NULL, NULL, "db", NULL, "/x", NULL},
    {"jdbc:postgresql://db:1/x", "postgresql", NULL, NULL, "db", "1", "/x", NULL},
    {"jdbc:x", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    {"postgres://", "postgres", NULL, NULL, NULL, NULL, "", NULL},
    {"postgres:///shop", "postgres", NULL, NULL, NULL, NULL, "/shop", NULL},
    {"postgres://joe@/shop", "postgres", "joe", NULL, NULL, NULL, "/shop", NULL},
    {"postgres://:@db", "postgres", "", "", "db", NULL, "", NULL},
    {"postgres://db:/x", "postgres", NULL, NULL, "db", NULL, "/x", NULL},
    {"postgres://:77/x", "postgres", NULL, NULL, NULL, "77", "/x", NULL},
    {"postgres://a:1,b:2/x", "postgres", NULL, NULL, "a,b", "1,2", "/x", NULL},
    {"postgres://a,b:2,[::1]/x", "postgres", NULL, NULL, "a,b,::1", ",2,", "/x", NULL},
    {"postgres://u:p@[2001:db8::1]:5432", "postgres", "u", "p", "2001:db8::1", "5432", "", NULL},
    {"postgres://%2Ftmp%2fsockets/x", "postgres", NULL, NULL, "/tmp/sockets", NULL, "/x", NULL},
    {"postgres://u%40x:p%3A%2F%25@h/a%20b", "postgres", "u@x", "p:/%", "h", NULL, "/a b", NULL},
    {"postgres://u:p@ss:word@h/x", "postgres", "u", "p@ss:word", "h", NULL, "/x", NULL},
    {"postgres://u:p/w@h:5/x", "postgres", "u", "p/w", "h", "5", "/x", NULL},
    {"postgres://u:p#w@h/x", "postgres", "u", "p#w", "h", NULL, "/x", NULL},
    {"https://h/u@v:w", "https", NULL, NULL, "h", NULL, "/u@v:w", NULL},
    {"https://h:80/u@v:w", "https", NULL, NULL, "h", "80", "/u@v:w", NULL},
    {"postgres:", "postgres", NULL, NULL, NULL, NULL, "", NULL},
    {"postgres:/", "postgres", NULL, NULL, NULL, NULL, "/", NULL},
    {"postgres:?host=a:b@c/d", "postgres", NULL, NULL, NULL, NULL, "", NULL},
    {"jdbc:postgresql:shop#a@b/c", "postgresql", NULL, NULL, NULL, NULL, "shop", "a@b/c"},
    {"sqlite:dir@x/a:b.db", "sqlite", NULL, NULL, NULL, NULL, "dir@x/a:b.db", NULL},
    {"csv:orders.csv", "csv", NULL, NULL, NULL, NULL, "orders.csv", NULL},
    {"csv:/data/my orders.csv#public.orders", "csv", NULL, NULL, NULL, NULL, "/data/my orders.csv",
     "public.orders"},
    {"sqlite:a%23b.db?mode=ro#t%20t", "sqlite", NULL, NULL, NULL, NULL, "a#b.db", "t t"},
    {"file:", "file", NULL, NULL, NULL, NULL, "", NULL},
    {"x:#", "x", NULL, NULL, NULL, NULL, "", ""},
};

static void check(const char *what, const char *got, const char *want, const char *text)
{
    if (!got != !want || (got && strcmp(got, want) != 0)) {
        fail_msg("%s: %s is \"%s\", not \"%s\"", text, what, got ? got : "(none)",
                 want ? want : "(none)");
    }
}

static void urls_come_apart_and_are_decoded_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct lt_url url;
        struct leat_error err;
        int status = lt_url_parse(row->text, &url, &err);
        if (!row->scheme) {
            assert_int_equal(status, LEAT_INVALID);
            continue;
        }
        if (status) {
            fail_msg("%s: %s", row->text, err.message);
        }
        check("scheme", url.scheme, row->scheme, row->text);
        check("user", url.user, row->user, row->text);
        check("password", url.password, row->password, row->text);
        check("host", url.host, row->host, row->text);
        check("port", url.port, row->port, row->text);
        check("path", url.path, row->path, row->text);
        check("fragment", url.fragment, row->fragment, row->text);
        assert_int_equal(url.has_authority, strstr(row->text, "://") != NULL);
        lt_url_done(&url);
    }
}

static void parameters_are_found_by_name_in_any_case(void **state)
{
    (void)state;
    struct lt_url url;
    assert_int_equal(lt_url_parse("x://h/p?a=1&&B%20b=%26%3d&empty=&flag&a=2&c=x=y", &url, NULL),
                     LEAT_OK);
    assert_int_equal(url.n_params, 6);
    assert_string_equal(lt_url_param(&url, "A"), "1");
    assert_string_equal(lt_url_param(&url, "b B"), "&=");
    assert_string_equal(lt_url_param(&url, "empty"), "");
    assert_string_equal(lt_url_param(&url, "flag"), "");
    assert_string_equal(lt_url_param(&url, "c"), "x=y");
    assert_null(lt_url_param(&url, "none"));
    lt_url_done(&url);
    assert_int_equal(lt_url_parse("x:p?", &url, NULL), LEAT_OK);
    assert_int_equal(url.n_params, 0);
    lt_url_done(&url);
}

static void wrong_urls_are_refused_without_repeating_the_password(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "orders.csv",
        "://u:hunter2@h",
        "1x://u:hunter2@h",
        "postgres://u:hunter2@h:notaport/x",
        "postgres://u:hunter2@h:0/x",
        "postgres://u:hunter2@h:65536/x",
        "postgres://u:hunter2@h:123456789012/x",
        "postgres://u:hunter2@h:1:2/x",
        "postgres://u:hunter2@[::1/x",
        "postgres://u:hunter2@[::1]x/x",
        "postgres://u:hunter2%@h/x",
        "postgres://u:hunter2%4@h/x",
        "postgres://u:hunter2%zz@h/x",
        "postgres://u:hunter2%00@h/x",
        "postgres://u:hunter2 x@h/x",
        "postgres://u:hunter2\n@h/x",
        "postgres://u:hunter2@h/%",
        "postgres://u:hunter2@h/x?a=%4",
        "postgres://u:hunter2@h/x#%",
        "postgres://u:hunter2",
        "postgres:/u:hunter2@127.0.0.1:1/db#t",
        "postgres:u:hunter2@host/db",
        "postgres:u:hunter2#x@host/db",
        "POSTGRESQL+psycopg2:u@host",
        "jdbc:postgresql:/host/db",
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(wrong); i++) {
        struct lt_url url;
        struct leat_error err;
        char text[2048];
        if (lt_url_parse(wrong[i], &url, &err) != LEAT_INVALID) {
            fail_msg("\"%s\" was taken", wrong[i]);
        }
        lt_error_format(&err, text, sizeof(text));
        assert_null(strstr(text, "hunter2"));
        lt_url_done(&url);
    }
}

static void a_server_s_url_without_slashes_is_told_what_to_write(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(lt_url_check_slashes("jdbc:postgres+x:/u:hunter2@h", &err), LEAT_INVALID);
    assert_string_equal(err.code, "invalid");
    assert_string_equal(err.message, "the URL has no // behind postgres:");
    assert_string_equal(err.remedy, "write postgres://user@host/database");
    static const char *const fine[] = {"postgres:",  "postgres:?host=/tmp", "postgres:///db",
                                       "sqlite:a@b", "postgres:shop",       "orders"};
    for (size_t i = 0; i < LT_ARRAY_LEN(fine); i++) {
        assert_int_equal(lt_url_check_slashes(fine[i], NULL), LEAT_OK);
    }
}

static void urls_have_limits(void **state)
{
    (void)state;
    struct lt_url url;
    struct lt_buf text = LT_BUF_INIT;
    assert_int_equal(lt_buf_puts(&text, "x:p?a"), LEAT_OK);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(lt_buf_puts(&text, "&a"), LEAT_OK);
    }
    assert_int_equal(lt_url_parse(lt_buf_text(&text), &url, NULL), LEAT_NO_MEMORY);
    lt_buf_clear(&text);
    assert_int_equal(lt_buf_printf(&text, "x:%070000d", 1), LEAT_OK);
    assert_int_equal(lt_url_parse(lt_buf_text(&text), &url, NULL), LEAT_NO_MEMORY);
    lt_buf_done(&text);
}

static void any_bytes_encoded_come_back_from_every_part(void **state)
{
    (void)state;
    char all[256];
    struct lt_buf code = LT_BUF_INIT;
    struct lt_buf text = LT_BUF_INIT;
    struct lt_url url;
    for (int c = 1; c < 256; c++) {
        all[c - 1] = (char)c;
        assert_int_equal(lt_buf_printf(&code, "%%%02X", (unsigned)c), LEAT_OK);
    }
    all[255] = 0;
    const char *c = lt_buf_text(&code);
    assert_int_equal(lt_buf_printf(&text, "x://%s:%s@%s/%s?%s=%s#%s", c, c, c, c, c, c, c),
                     LEAT_OK);
    assert_int_equal(lt_url_parse(lt_buf_text(&text), &url, NULL), LEAT_OK);
    assert_string_equal(url.user, all);
    assert_string_equal(url.password, all);
    assert_string_equal(url.host, all);
    assert_string_equal(url.path + 1, all);
    assert_string_equal(lt_url_param(&url, all), all);
    assert_string_equal(url.fragment, all);
    lt_url_done(&url);
    lt_buf_done(&code);
    lt_buf_done(&text);
}

static void what_is_encoded_stands_for_itself_but_for_what_is_kept(void **state)
{
    (void)state;
    char all[256];
    struct lt_buf text = LT_BUF_INIT;
    struct lt_url url;
    for (int c = 1; c < 256; c++) {
        all[c - 1] = (char)c;
    }
    assert_int_equal(lt_buf_puts(&text, "x://"), LEAT_OK);
    assert_int_equal(lt_url_encode(&text, all, 255, ""), LEAT_OK);
    assert_int_equal(lt_buf_puts(&text, "@h/"), LEAT_OK);
    assert_int_equal(lt_url_encode(&text, "a b/c#", 6, "/"), LEAT_OK);
    assert_non_null(strstr(lt_buf_text(&text), "@h/a%20b/c%23"));
    assert_int_equal(lt_url_parse(lt_buf_text(&text), &url, NULL), LEAT_OK);
    assert_string_equal(url.user, all);
    assert_string_equal(url.path, "/a b/c#");
    lt_url_done(&url);
    lt_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_come_apart_and_are_decoded_once),
        cmocka_unit_test(parameters_are_found_by_name_in_any_case),
        cmocka_unit_test(wrong_urls_are_refused_without_repeating_the_password),
        cmocka_unit_test(a_server_s_url_without_slashes_is_told_what_to_write),
        cmocka_unit_test(urls_have_limits),
        cmocka_unit_test(any_bytes_encoded_come_back_from_every_part),
        cmocka_unit_test(what_is_encoded_stands_for_itself_but_for_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
