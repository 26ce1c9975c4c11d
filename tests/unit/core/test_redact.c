/* Redaction: what hides, what stays, and that no buffer is over-run. */
#include "core/url.h"

#include "core/log.h"
#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *want;
} rows[] = {
    {"", ""},
    {"nothing to hide: a=b, c='d'", "nothing to hide: a=b, c='d'"},
    /* URLs */
    {"postgres://joe:pw@db:5432/shop", "postgres://joe:***@db:5432/shop"},
    {"cannot reach x://a:b@c, nor y://d:e@f/g", "cannot reach x://a:***@c, nor y://d:***@f/g"},
    {"x://joe@db/shop", "x://joe@db/shop"},
    {"x://joe:@db", "x://joe:@db"},
    {"x://db:5432/shop?a=joe@example.org", "x://db:5432/shop?a=joe@example.org"},
    {"x://a:1,b:2/shop", "x://a:1,b:2/shop"},
    {"x://[::1]:5432/shop", "x://[::1]:5432/shop"},
    {"x://u:p@[::1]:5432/shop", "x://u:***@[::1]:5432/shop"},
    {"s3://bucket/2024-01-01T00:00/a@b.csv", "s3://bucket/2024-01-01T00:00/a@b.csv"},
    {"x://u:p%40%3A%2F@h/d", "x://u:***@h/d"},
    {"x://u:p@ss:w0rd@h/d", "x://u:***@h/d"},
    {"x://u:p/w@h/d", "x://u:***@h/d"},
    {"x://u:p@s/w@h/d", "x://u:***@h/d"},
    {"x://u:12/34@h/d", "x://u:***@h/d"},
    {"x://u:p?w@h/d", "x://u:***@h/d"},
    {"x://u:p#w@h/d", "x://u:***@h/d"},
    {"x://u:p?a=b@h/d", "x://u:***@h/d"},
    {"x://u:p q@h/d", "x://u:***@h/d"},
    {"x://u:p\"q@h/d", "x://u:***@h/d"},
    {"x://a:b://c@d", "x://a:***@d"},
    {"x://a://c@d", "x://a:***@d"},
    {"jdbc:postgresql://u:p@h/d", "jdbc:postgresql://u:***@h/d"},
    /* Cut off before its '@'. */
    {"x://u:secr", "x://u:***"},
    {"host x://h:5432", "host x://h:5432"},
    /* Parameters */
    {"x://h/d?password=pw&a=1", "x://h/d?password=***&a=1"},
    {"x://h/d?a=1&sslpassword=pw", "x://h/d?a=1&sslpassword=***"},
    {"x://u:p@h/d?PassWord=p@w&token=t", "x://u:***@h/d?PassWord=***&token=***"},
    {"x://h/d?p%61ssword=pw", "x://h/d?p%61ssword=***"},
    {"x://h/d?password=", "x://h/d?password="},
    {"https://h/b?sig=abc%3D&se=2024", "https://h/b?sig=***&se=2024"},
    {"https://h/b?X-Amz-Signature=ab&X-Amz-Date=1", "https://h/b?X-Amz-Signature=***&X-Amz-Date=1"},
    /* Keywords */
    {"host=h password=pw user=u", "host=h password=*** user=u"},
    {"password = pw user=u", "password = *** user=u"},
    {"password='p w' user=u", "password='***' user=u"},
    {"password='it''s \\' x' user=u", "password='***' user=u"},
    {"password = 'open end user=u", "password = '***"},
    {"password=p\\ w user=u", "password=*** user=u"},
    {"password=a&b user=u", "password=*** user=u"},
    {"Server=h;Pwd=a;Database=d", "Server=h;Pwd=***;Database=d"},
    {"Server=h;PWD={a;b}}c};Database=d", "Server=h;PWD={***};Database=d"},
    {"--api-key=abc --key abc", "--api-key=*** --key abc"},
    {"aws_secret_access_key=abc/d+e", "aws_secret_access_key=***"},
    {"{\"password\": \"a\\\"b\", \"user\": \"u\"}", "{\"password\": \"***\", \"user\": \"u\"}"},
    {"ALTER ROLE u PASSWORD 'it''s' LOGIN", "ALTER ROLE u PASSWORD '***' LOGIN"},
    {"create user u identified by 'it''s' x", "create user u identified by '***' x"},
    {"ALTER USER u IDENTIFIED BY \"Pw1\";", "ALTER USER u IDENTIFIED BY \"***\";"},
    {"rows identified by 'id' and by 'x'", "rows identified by '***' and by 'x'"},
    {"Authorization: Bearer abc.def\nHost: h", "Authorization: ***\nHost: h"},
    {"sent Bearer eyJhbGciOiJIUzI1NiJ9.e30 twice", "sent Bearer *** twice"},
    {"the bearer token expired", "the bearer token expired"},
    {"--primary-key=id --merge-key=id,day", "--primary-key=id --merge-key=id,day"},
    {"password authentication failed for user \"u\"",
     "password authentication failed for user \"u\""},
    {"PGPASSWORD=pw leat cp", "PGPASSWORD=*** leat cp"},
    {"x://token=abc:p@h", "x://token=***"},
    /* Without the slashes of an authority */
    {"postgres:/joe:pw@127.0.0.1:1/db#t", "postgres:/joe:***@127.0.0.1:1/db#t"},
    {"postgres:joe:pw@host/db", "postgres:joe:***@host/db"},
    {"at jdbc:postgresql:joe:p@w/x@h/d.", "at jdbc:postgresql:joe:***@h/d."},
    {"POSTGRES+psycopg2:joe:p#w@h/d", "POSTGRES+psycopg2:joe:***@h/d"},
    {"postgress:joe:pw@h", "postgress:joe:***@h"},
    {"mysql:/joe:pw@h/d?password=pw", "mysql:/joe:***@h/d?password=***"},
    {"no database \"postgres:joe:pw@h/d\"", "no database \"postgres:joe:***@h/d\""},
    {"postgres:joe:secr", "postgres:joe:***"},
    {"postgres:joe@h/db", "postgres:joe@h/db"},
    {"postgres:h:5432", "postgres:h:5432"},
    {"postgres:?host=h&user=joe", "postgres:?host=h&user=joe"},
    {"text(postgres:inet)", "text(postgres:inet)"},
    {"at postgres:commit:before of 1", "at postgres:commit:before of 1"},
    {"postgres: no table: a@b", "postgres: no table: a@b"},
    {"sqlite:dir@x/file.db", "sqlite:dir@x/file.db"},
    {"sqlite:a:b@x/file.db", "sqlite:a:b@x/file.db"},
    {"at 12:30:05 C:\\x:y@z mailto:joe@example.org",
     "at 12:30:05 C:\\x:y@z mailto:joe@example.org"},
    /* Misspelt names */
    {"x://h/d?user=joe&passwrd=pw", "x://h/d?user=joe&passwrd=***"},
    {"x://h/d?pasword=pw&a=1", "x://h/d?pasword=***&a=1"},
    {"x://h/d?sslpasswrod=pw&pswd=pw", "x://h/d?sslpasswrod=***&pswd=***"},
    {"x://h/d?client_secrt=pw&access-tokn=pw", "x://h/d?client_secrt=***&access-tokn=***"},
    {"apikye=pw \"acces_kye\": \"pw\"", "apikye=*** \"acces_kye\": \"***\""},
    {"time taken=3 passed=4 broken=5", "time taken=3 passed=4 broken=5"},
    {"section=1 selected=2 passfile=f sslcert=c", "section=1 selected=2 passfile=f sslcert=c"},
    {"assword is what the pasword was", "assword is what the pasword was"},
};

static void secrets_are_hidden_and_the_rest_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        struct lt_buf out = LT_BUF_INIT;
        assert_int_equal(lt_buf_puts(&out, "> "), LEAT_OK);
        assert_int_equal(lt_redact(&out, rows[i].text), LEAT_OK);
        if (strcmp(lt_buf_text(&out) + 2, rows[i].want) != 0) {
            fail_msg("\"%s\" became \"%s\"", rows[i].text, lt_buf_text(&out) + 2);
        }
        /* What is hidden once stays as it is. */
        struct lt_buf again = LT_BUF_INIT;
        assert_int_equal(lt_redact(&again, rows[i].want), LEAT_OK);
        assert_string_equal(lt_buf_text(&again), rows[i].want);
        lt_buf_done(&again);
        lt_buf_done(&out);
    }
}

static void fixed_buffers_of_every_size_are_never_over_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].text);
        for (size_t size = 1; size <= len + 1; size++) {
            /* Exactly `size` bytes of heap: one more would be seen by the address sanitizer. */
            char *text = malloc(size);
            memcpy(text, rows[i].text, size - 1);
            text[size - 1] = 0;
            lt_redact_fixed(text, size);
            assert_true(strnlen(text, size) < size);
            free(text);
        }
    }
    lt_redact_fixed(NULL, 0);
}

static void fixed_buffers_keep_what_fits_even_when_it_grows(void **state)
{
    (void)state;
    char text[] = "token=a token=b \xe2\x82\xac";
    lt_redact_fixed(text, sizeof(text));
    assert_string_equal(text, "token=*** token=***");
    char open[4] = {'a', 'b', 'c', 'd'};
    lt_redact_fixed(open, sizeof(open));
    assert_string_equal(open, "abc");
}

static void long_texts_are_redacted_too(void **state)
{
    (void)state;
    const size_t size = 20000;
    char *text = malloc(size);
    memset(text, 'x', size);
    static const char secret[] = " password=hunter2 ";
    memcpy(text + 15000, secret, sizeof(secret) - 1);
    text[size - 1] = 0;
    lt_redact_fixed(text, size);
    assert_null(strstr(text, "hunter2"));
    assert_int_equal(strlen(text), size - 1 - 4);
    free(text);
}

static char logged[256];

static void remember(void *arg, enum lt_log_level level, const char *line)
{
    *(enum lt_log_level *)arg = level;
    snprintf(logged, sizeof(logged), "%s", line);
}

static void log_lines_are_redacted_single_and_only_of_the_levels_asked_for(void **state)
{
    (void)state;
    enum lt_log_level level = LT_LOG_TRACE;
    assert_false(lt_log_on(LT_LOG_ERROR));
    lt_log_set(remember, &level, LT_LOG_INFO);
    lt_log(LT_LOG_WARN, "to %s\nend", "x://u:hunter2@h");
    assert_string_equal(logged, "to x://u:***@h end");
    assert_int_equal(level, LT_LOG_WARN);
    lt_log(LT_LOG_DEBUG, "not shown");
    assert_string_equal(logged, "to x://u:***@h end");
    assert_true(lt_log_on(LT_LOG_INFO));
    assert_false(lt_log_on(LT_LOG_DEBUG));
    lt_log_set(NULL, NULL, LT_LOG_TRACE);
    assert_false(lt_log_on(LT_LOG_ERROR));
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    for (int i = LT_LOG_ERROR; i <= LT_LOG_TRACE; i++) {
        assert_int_equal(lt_log_level_parse(names[i], &level, NULL), LEAT_OK);
        assert_int_equal(level, i);
    }
    assert_int_equal(lt_log_level_parse("loud", &level, NULL), LEAT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_hidden_and_the_rest_stays),
        cmocka_unit_test(fixed_buffers_of_every_size_are_never_over_run),
        cmocka_unit_test(fixed_buffers_keep_what_fits_even_when_it_grows),
        cmocka_unit_test(long_texts_are_redacted_too),
        cmocka_unit_test(log_lines_are_redacted_single_and_only_of_the_levels_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
