#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/location.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool know_scheme(void *arg, const char *scheme)
{
    static const char *const known[] = {"postgres", "postgresql", "sqlite",
                                        "file",     "csv",        "fault+sqlite"};
    (void)arg;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(known[i], scheme)) {
            return true;
        }
    }
    return false;
}

static const char *know_extension(void *arg, const char *extension)
{
    (void)arg;
    return !strcmp(extension, "csv") ? "file" : !strcmp(extension, "db") ? "sqlite" : NULL;
}

static const struct lt_location_names names = {NULL, know_scheme, know_extension};
static struct leat_error err;

static char directory[] = "/tmp/leat-test-location-XXXXXX";

static int tear_down(void **state)
{
    (void)state;
    return chdir("/") || rmdir(directory);
}

static int set_up(void **state)
{
    (void)state;
    setenv("LEAT_CONN_PG", "postgres://u:se#c@ret@h/db?sslmode=require", 1);
    setenv("LEAT_CONN_MY_PG", "postgresql://h/db?table=a.b", 1);
    setenv("LEAT_CONN_BAD", "no url", 1);
    return !mkdtemp(directory) || chdir(directory);
}

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void every_form_is_read_as_the_documentation_says(void **state)
{
    static const struct {
        const char *text, *connector, *url, *stream;
    } rows[] = {
        {"postgres://u@h/db#public.orders", "postgres", "postgres://u@h/db", "public.orders"},
        {"postgres://h/db", "postgres", "postgres://h/db", NULL},
        {"postgres://h/db#", "postgres", "postgres://h/db", NULL},
        {"POSTGRES://h/db", "postgres", "POSTGRES://h/db", NULL},
        {"postgres://u:p#w@h/db#t", "postgres", "postgres://u:p#w@h/db", "t"},
        {"postgres://u:p#w@h/db", "postgres", "postgres://u:p#w@h/db", NULL},
        {"postgres://u:p@w@h/db#t", "postgres", "postgres://u:p@w@h/db", "t"},
        {"postgres://h/db#a@b", "postgres", "postgres://h/db", "a@b"},
        {"postgres://u@h/db#a@b", "postgres", "postgres://u@h/db", "a@b"},
        {"postgres://h/db?table=a.b", "postgres", "postgres://h/db", "a.b"},
        {"postgres://h/db?x=1&table=a%2Eb&y=2", "postgres", "postgres://h/db?x=1&y=2", "a.b"},
        {"postgres://h/db?x=1&table=t", "postgres", "postgres://h/db?x=1", "t"},
        {"postgres://h/db?table=a#b", "postgres", "postgres://h/db", "b"},
        {"jdbc:postgresql://h/db#t", "postgresql", "postgresql://h/db", "t"},
        {"JDBC:sqlite:x.db", "sqlite", "sqlite:x.db", NULL},
        {"postgresql+psycopg2://h/db#t", "postgresql", "postgresql+psycopg2://h/db", "t"},
        {"fault+sqlite:x.db", "fault+sqlite", "fault+sqlite:x.db", NULL},
        {"sqlite:shop.db#orders", "sqlite", "sqlite:shop.db", "orders"},
        {"-", "file", "file:-", NULL},
        {"csv:-", "csv", "csv:-", NULL},
        {"pg", "postgres", "postgres://u:se#c@ret@h/db?sslmode=require", NULL},
        {"pg.public.orders", "postgres", "postgres://u:se#c@ret@h/db?sslmode=require",
         "public.orders"},
        {"pg#public.db", "postgres", "postgres://u:se#c@ret@h/db?sslmode=require", "public.db"},
        {"my-pg", "postgresql", "postgresql://h/db", "a.b"},
        {"my-pg.c", "postgresql", "postgresql://h/db", "c"},
        {"orders.csv", "file", "file:orders.csv", NULL},
        {"pg.db#t", "sqlite", "sqlite:pg.db", "t"},
        {"orders.CSV.gz", "file", "file:orders.CSV.gz", NULL},
        {"new.db#t", "sqlite", "sqlite:new.db", "t"},
        {"a#b.csv", "file", "file:a%23b.csv", NULL},
        {"x/100%?.csv", "file", "file:x/100%25%3F.csv", NULL},
        {"./pg", "file", "file:./pg", NULL},
        {"lake/", "file", "file:lake/", NULL},
        {"there", "file", "file:there", NULL},
        {"sqlite:there", "file", "file:sqlite:there", NULL},
    };
    (void)state;
    touch("there");
    touch("sqlite:there");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lt_location at = {0};
        int rc = lt_location_parse(rows[i].text, &names, false, &at, &err);
        if (rc || strcmp(at.connector, rows[i].connector) || strcmp(at.url, rows[i].url) ||
            strcmp(at.stream ? at.stream : "(none)", rows[i].stream ? rows[i].stream : "(none)")) {
            fail_msg("%s: %d %s, %s, %s, %s", rows[i].text, rc, rc ? err.message : "", at.connector,
                     at.url, at.stream);
        }
        lt_location_done(&at);
    }
    unlink("there");
    unlink("sqlite:there");
}

static void what_is_nothing_is_refused_with_its_code(void **state)
{
    static const char *const rows[][2] = {{"", "usage"},
                                          {"nothing", "not-found"},
                                          {"nothing.txt", "not-found"},
                                          {"mysql://h/db", "unknown-scheme"},
                                          {"bad", "invalid"},
                                          {"bad.t", "invalid"},
                                          {"x#y", "not-found"},
                                          {"#y", "not-found"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lt_location at = {0};
        assert_int_not_equal(lt_location_parse(rows[i][0], &names, true, &at, &err), LEAT_OK);
        assert_string_equal(err.code, rows[i][1]);
        assert_null(at.text);
    }
}

static void a_name_that_is_connection_and_path_is_refused_with_both_readings(void **state)
{
    static const char *const texts[] = {"pg", "pg.csv"};
    (void)state;
    touch("pg");
    for (size_t i = 0; i < 2; i++) {
        struct lt_location at = {0};
        char path[32];
        snprintf(path, sizeof path, "./%s", texts[i]);
        assert_int_equal(lt_location_parse(texts[i], &names, false, &at, &err), LEAT_INVALID);
        assert_non_null(strstr(err.remedy, "LEAT_CONN_"));
        assert_non_null(strstr(err.remedy, i ? "pg#csv" : "pg#"));
        assert_non_null(strstr(err.remedy, path));
    }
    unlink("pg");
}

static void a_password_stays_out_of_the_text_and_of_errors(void **state)
{
    (void)state;
    struct lt_location at = {0};
    assert_int_equal(lt_location_parse("postgres://u:secret@h/db#t", &names, false, &at, &err),
                     LEAT_OK);
    assert_null(strstr(at.text, "secret"));
    assert_non_null(strstr(at.url, "secret"));
    lt_location_done(&at);
    assert_int_not_equal(lt_location_parse("nosql://u:secret@h/db#t", &names, false, &at, &err),
                         LEAT_OK);
    assert_null(strstr(err.message, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read_as_the_documentation_says),
        cmocka_unit_test(what_is_nothing_is_refused_with_its_code),
        cmocka_unit_test(a_name_that_is_connection_and_path_is_refused_with_both_readings),
        cmocka_unit_test(a_password_stays_out_of_the_text_and_of_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
