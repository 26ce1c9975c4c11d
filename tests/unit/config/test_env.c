#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/env.h"

#include "leat/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct leat_error err;
static char directory[] = "/tmp/leat-test-env-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return !mkdtemp(directory) || chdir(directory);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(".env");
    unlink("named.env");
    unlink("second.env");
    return chdir("/") || rmdir(directory);
}

/* "NAME@LINE=VALUE|" of every variable. */
static int collect(void *arg, const char *name, const char *value, int line, struct leat_error *e)
{
    char *text = arg;
    (void)e;
    snprintf(text + strlen(text), 1024 - strlen(text), "%s@%d=%s|", name, line, value);
    return LEAT_OK;
}

static void values_are_read_as_the_documentation_says(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", ""},
        {"A=1", "A@1=1|"},
        {"\n\n# comment\n  # another\nA=1\n", "A@5=1|"},
        {"A=", "A@1=|"},
        {"A=''\nB=\"\"", "A@1=|B@2=|"},
        {"export A=1", "A@1=1|"},
        {"export\tA=1", "A@1=1|"},
        {"export=1", "export@1=1|"},
        {"export =1", "export@1=1|"},
        {"exported=1", "exported@1=1|"},
        {"  A  =  two words  ", "A@1=two words|"},
        {"A=1 # comment", "A@1=1|"},
        {"A=# comment", "A@1=|"},
        {"U=postgres://u:p#w@h/db#public.t # the shop", "U@1=postgres://u:p#w@h/db#public.t|"},
        {"A='a # \"b\" \\n $C' # comment", "A@1=a # \"b\" \\n $C|"},
        {"A=\"a # 'b' \\\"c\\\" \\n \\t \\\\ \\$D \\x\"", "A@1=a # 'b' \"c\" \n \t \\ $D \\x|"},
        {"A=\"one\ntwo\"\nB=3", "A@1=one\ntwo|B@3=3|"},
        {"A='one\ntwo'\nB=3", "A@1=one\ntwo|B@3=3|"},
        {"A=$(rm -rf /)`id`$HOME", "A@1=$(rm -rf /)`id`$HOME|"},
        {"A=\"$(id) `id` $HOME\"", "A@1=$(id) `id` $HOME|"},
        {"A=a'b'c", "A@1=a'b'c|"},
        {"A=1\r\nB=\"2\"\r\n", "A@1=1|B@2=2|"},
        {"\xef\xbb\xbf"
         "A=1",
         "A@1=1|"},
        {"my.var-2=1", "my.var-2@1=1|"},
        {"_A=b=c", "_A@1=b=c|"},
        {"A=1\nA=2", "A@1=1|A@2=2|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024] = "";
        int line;
        int rc = lt_env_parse(rows[i].text, strlen(rows[i].text), collect, text, &line, &err);
        if (rc || strcmp(text, rows[i].expected)) {
            fail_msg("%s: %d %s, read as %s", rows[i].text, rc, rc ? err.message : "", text);
        }
    }
}

static void faults_name_the_line_and_never_the_value(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        int line;
    } rows[] = {
        {"A=1\nhunter2\n", 0, 2},
        {"A=1\n\nA hunter2", 0, 3},
        {"=hunter2", 0, 1},
        {"1A=hunter2", 0, 1},
        {"A=1\nB='hunter2\nC=3\n", 0, 2},
        {"A=1\nB=\"hunter2\\\"\n", 0, 2},
        {"A='hunter2'x", 0, 1},
        {"A=\"a\nb\"hunter2", 0, 2},
        {"-A=hunter2", 0, 1},
        {"export A hunter2", 0, 1},
        {"A=hunter2\0B=3", 13, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024] = "";
        size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);
        int line = 0;
        err = (struct leat_error){.status = LEAT_OK};
        int rc = lt_env_parse(rows[i].text, len, collect, text, &line, &err);
        if (rc != LEAT_INVALID || line != rows[i].line || strstr(err.message, "hunter2")) {
            fail_msg("row %zu: %d at line %d: %s", i, rc, line, err.message);
        }
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_environment_wins_and_the_later_file_before_the_earlier(void **state)
{
    (void)state;
    setenv("T_OUTSIDE", "environment's", 1);
    write_file("named.env", "T_OUTSIDE=file's\nT_BOTH=1\nT_ONE=one\n");
    write_file("second.env", "\nT_BOTH=2\nT_OUTSIDE=file's\n");
    assert_int_equal(leat_env_file("named.env", &err), LEAT_OK);
    assert_int_equal(leat_env_file("second.env", &err), LEAT_OK);
    assert_string_equal(getenv("T_OUTSIDE"), "environment's");
    assert_string_equal(leat_env_origin("T_OUTSIDE"), "environment");
    assert_string_equal(getenv("T_BOTH"), "2");
    assert_string_equal(leat_env_origin("T_BOTH"), "second.env:2");
    assert_string_equal(leat_env_get("T_ONE"), "one");
    assert_string_equal(leat_env_origin("T_ONE"), "named.env:3");
    assert_null(leat_env_get("T_NOWHERE"));
    assert_null(leat_env_origin("T_NOWHERE"));
    assert_int_equal(leat_env_file("absent.env", &err), LEAT_NOT_FOUND);
    assert_string_equal(err.place, "absent.env");
}

static void a_file_that_was_only_found_sets_nothing_that_decides_whom_to_trust(void **state)
{
    static const char *const never[] = {"LEAT_PLUGIN_PATH=/evil",
                                        "LEAT_KEY_FILE=/evil",
                                        "LEAT_VAULT=/evil",
                                        "LEAT_PASSPHRASE=x",
                                        "LEAT_ENV_FILE=/evil",
                                        "PGSERVICEFILE=/evil",
                                        "PGSERVICE=evil",
                                        "PGPASSFILE=/evil",
                                        "PGSYSCONFDIR=/evil",
                                        "PGSSLROOTCERT=/evil",
                                        "PGSSLKEY=engine:evil",
                                        "PGSSLMODE=disable",
                                        "PGSSLMODE=prefer",
                                        "LEAT_CONN_EVIL=postgres://u:${cmd:id}@h/db",
                                        "LEAT_CONN_EVIL=postgres://u:${file:/etc/passwd}@h/db"};
    (void)state;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(never[i], "="), never[i]);
        write_file(".env", never[i]);
        assert_int_equal(leat_env_file(NULL, &err), LEAT_OK);
        if (leat_env_get(name) || leat_env_origin(name)) {
            fail_msg("%s was taken", never[i]);
        }
    }
    write_file(".env",
               "LD_PRELOAD=/evil.so\nT_MINE=sqlite:x.db\nPGUSER=joe\nPGSSLMODE=verify-full\n"
               "LEAT_MAX_ERRORS=5\n");
    assert_int_equal(leat_env_file(NULL, &err), LEAT_OK);
    assert_null(getenv("LD_PRELOAD"));
    assert_null(getenv("T_MINE")); /* leat sees it, its children do not */
    assert_string_equal(leat_env_get("T_MINE"), "sqlite:x.db");
    assert_string_equal(leat_env_origin("T_MINE"), ".env:2");
    assert_string_equal(getenv("PGUSER"), "joe");
    assert_string_equal(getenv("PGSSLMODE"), "verify-full");
    assert_string_equal(getenv("LEAT_MAX_ERRORS"), "5");
    write_file("named.env", "LEAT_PLUGIN_PATH=/mine\n");
    assert_int_equal(leat_env_file("named.env", &err), LEAT_OK);
    assert_string_equal(getenv("LEAT_PLUGIN_PATH"), "/mine"); /* the user's own word */
}

static void a_found_file_that_others_can_write_is_left_alone(void **state)
{
    (void)state;
    write_file(".env", "T_OPEN=1\n");
    assert_int_equal(chmod(".env", 0666), 0);
    assert_int_equal(leat_env_file(NULL, &err), LEAT_OK);
    assert_null(leat_env_get("T_OPEN"));
    if (geteuid() == 0) {
        assert_int_equal(chmod(".env", 0644), 0);
        assert_int_equal(chown(".env", 12345, (gid_t)-1), 0);
        assert_int_equal(leat_env_file(NULL, &err), LEAT_OK);
        assert_null(leat_env_get("T_OPEN"));
        assert_int_equal(leat_env_file(".env", &err), LEAT_OK);
        assert_string_equal(leat_env_get("T_OPEN"), "1");
    }
    unlink(".env");
    assert_int_equal(leat_env_file(NULL, &err), LEAT_OK);
}

static void a_connection_is_found_in_the_order_of_the_documentation(void **state)
{
    struct leat_connection found;
    (void)state;
    write_file("named.env", "LEAT_CONN_C1=sqlite:file1\nc1=sqlite:file2\nc2=sqlite:file3\n");
    setenv("c1", "sqlite:env", 1);
    assert_int_equal(leat_env_file("named.env", &err), LEAT_OK);
    /* A variable of that name in the environment is before LEAT_CONN_ in a file. */
    assert_int_equal(leat_connection_find("c1", &found, &err), LEAT_OK);
    assert_string_equal(found.url, "sqlite:env");
    assert_string_equal(found.origin, "variable c1");
    setenv("c1", "no URL", 1);
    assert_int_equal(leat_connection_find("c1", &found, &err), LEAT_OK);
    assert_string_equal(found.url, "sqlite:file1");
    assert_string_equal(found.origin, "variable LEAT_CONN_C1 in named.env:1");
    setenv("LEAT_CONN_C2", "sqlite:env", 1);
    assert_int_equal(leat_connection_find("c2", &found, &err), LEAT_OK);
    assert_string_equal(found.url, "sqlite:env");
    unsetenv("LEAT_CONN_C2");
    assert_int_equal(leat_connection_find("c2", &found, &err), LEAT_OK);
    assert_string_equal(found.origin, "variable c2 in named.env:3");
    assert_string_equal(found.name, "c2");
    assert_int_equal(leat_connection_find("c3", &found, &err), LEAT_NOT_FOUND);
    assert_int_equal(leat_connection_find("", &found, &err), LEAT_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_the_documentation_says),
        cmocka_unit_test(faults_name_the_line_and_never_the_value),
        cmocka_unit_test(the_environment_wins_and_the_later_file_before_the_earlier),
        cmocka_unit_test(a_file_that_was_only_found_sets_nothing_that_decides_whom_to_trust),
        cmocka_unit_test(a_found_file_that_others_can_write_is_left_alone),
        cmocka_unit_test(a_connection_is_found_in_the_order_of_the_documentation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
