/* What `leat config` asks on a terminal: one connection, or a guided start. */
#include "cli/args.h"
#include "cli/connections.h"
#include "cli/prompt.h"

#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 3
#define LOGIN_SECONDS (24 * 3600)

/* --- one connection ------------------------------------------------------------------------- */

enum part { PART_USER, PART_PASSWORD, PART_HOST, PART_PORT, PART_DATABASE, PART_PATH, PARTS_N };

/* What is asked for, by connector; of those without a row the whole URL is. */
static const struct {
    const char *connector;
    const struct question {
        enum part part;
        const char *prompt, *fallback; /* NULL: it must be said */
    } questions[6];
    size_t n;
} forms[] = {
    {"postgres",
     {{PART_HOST, "Host", "localhost"},
      {PART_PORT, "Port", "5432"},
      {PART_DATABASE, "Database", NULL},
      {PART_USER, "User", NULL},
      {PART_PASSWORD, "Password (empty: none, or libpq's own files)", ""}},
     5},
    {"sqlite", {{PART_PATH, "File of the database", NULL}}, 1},
    {"file", {{PART_PATH, "Directory or file", NULL}}, 1},
};

struct answers {
    char *parts[PARTS_N];
};

static void answers_done(struct answers *answers)
{
    for (size_t i = 0; i < PARTS_N; i++) {
        cli_secret_free(answers->parts[i]);
    }
}

/* A path means the same from anywhere. */
static int put_path(struct lt_buf *url, const char *path)
{
    char here[4096];
    bool relative = path[0] != '/' && getcwd(here, sizeof here);
    struct lt_buf text = LT_BUF_INIT;
    int rc = lt_buf_printf(&text, "%s%s%s", relative ? here : "", relative ? "/" : "", path);
    for (const char *p = lt_buf_text(&text); !rc && *p; p++) {
        rc = strchr("%#?", *p) ? lt_url_encode(url, p, 1, "") : lt_buf_byte(url, (uint8_t)*p);
    }
    lt_buf_done(&text);
    return rc;
}

static int encode(struct lt_buf *url, const char *before, const char *text)
{
    return lt_buf_puts(url, before) || lt_url_encode(url, text, strlen(text), "");
}

static int put_url(struct lt_buf *url, const char *connector, const struct answers *answers)
{
    char *const *parts = answers->parts;
    if (parts[PART_PATH]) {
        return lt_buf_printf(url, "%s:", connector) || put_path(url, parts[PART_PATH]);
    }
    int rc = lt_buf_printf(url, "%s://", connector) || encode(url, "", parts[PART_USER]);
    if (!rc && *parts[PART_PASSWORD]) {
        rc = encode(url, ":", parts[PART_PASSWORD]);
    }
    /* An address of IPv6 has colons of its own. */
    bool brackets = strchr(parts[PART_HOST], ':');
    return rc ||
           lt_buf_printf(url, "@%s%s%s:%s", brackets ? "[" : "", parts[PART_HOST],
                         brackets ? "]" : "", parts[PART_PORT]) ||
           encode(url, "/", parts[PART_DATABASE]);
}

static int ask_parts(size_t form, struct answers *answers, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < forms[form].n; i++) {
        const struct question *q = &forms[form].questions[i];
        rc = q->part == PART_PASSWORD
                 ? cli_ask_secret(q->prompt, &answers->parts[q->part], err)
                 : cli_ask(q->prompt, q->fallback, &answers->parts[q->part], err);
    }
    return rc;
}

/* The URL, by parts where its connector has a form. */
static int ask_url(struct cli *cli, const char **ret_url, struct leat_error *err)
{
    static const char other[] = "other (a URL)";
    const char *choices[LT_ARRAY_LEN(forms) + 2] = {NULL};
    size_t n = LT_ARRAY_LEN(forms), chosen;
    for (size_t i = 0; i < n; i++) {
        choices[i] = forms[i].connector;
    }
    choices[n] = other;
    struct answers answers = {.parts = {NULL}};
    struct lt_buf url = LT_BUF_INIT;
    int rc = cli_ask_choice("Connector", choices, 0, &chosen, err);
    if (!rc && chosen == n) {
        rc = cli_ask_secret("URL (not shown)", &answers.parts[0], err);
        rc = rc || !lt_buf_puts(&url, answers.parts[0]) ? rc : lt_fail_oom(err);
    } else if (!rc) {
        rc = ask_parts(chosen, &answers, err);
        rc = rc || !put_url(&url, forms[chosen].connector, &answers) ? rc : lt_fail_oom(err);
    }
    if (!rc) {
        *ret_url = cli_join(cli, (const char *[]){lt_buf_text(&url), NULL});
        rc = *ret_url ? LEAT_OK : lt_fail_oom(err);
    }
    if (url.data) {
        explicit_bzero(url.data, url.len);
    }
    lt_buf_done(&url);
    answers_done(&answers);
    return rc;
}

static int ask_name(struct cli *cli, const char **ret_name, struct leat_error *err)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        char *name = NULL;
        int rc = cli_ask("Name of the connection", NULL, &name, err);
        if (rc) {
            return rc;
        }
        *ret_name = cli_join(cli, (const char *[]){name, NULL});
        cli_secret_free(name);
        if (!*ret_name) {
            return lt_fail_oom(err);
        }
        rc = cli_check_connection_name(*ret_name, err);
        if (!rc || i + 1 == TRIES_MAX) {
            return rc;
        }
        cli_print_error(cli, err, NULL);
    }
    return LEAT_INVALID;
}

int cli_ask_connection(struct cli *cli, struct wanted_connection *wanted, struct leat_error *err)
{
    int rc = wanted->name ? cli_check_connection_name(wanted->name, err) : LEAT_OK;
    if (!rc && !cli_can_ask()) {
        lt_fail(err, LT_E_USAGE, "a connection needs a name and a URL");
        leat_error_remedy(err, "`leat help config connections add` explains it");
        return LEAT_INVALID;
    }
    rc = rc || wanted->name ? rc : ask_name(cli, &wanted->name, err);
    return rc || wanted->url ? rc : ask_url(cli, &wanted->url, err);
}

/* --- the guided start ----------------------------------------------------------------------- */

static void say(const char *text)
{
    fputs(text, stderr);
}

/* How a vault that is not there yet is to be locked. */
static int ask_lock(struct leat_vault **ret_vault, struct leat_error *err)
{
    static const char *const choices[] = {"machine key", "passphrase", "key file", NULL};
    static const enum leat_key_kind kinds[] = {LEAT_KEY_MACHINE, LEAT_KEY_PASSPHRASE,
                                               LEAT_KEY_FILE};
    struct leat_key key = {.size = sizeof key};
    char *secret = NULL, *file = NULL;
    size_t chosen;
    say("Connections are kept in a vault, one encrypted file. It can be locked by\n"
        "  a machine key: a file beside it, for this user on this machine. Nothing to type;\n"
        "  a passphrase: typed once a day (leat user login), or set as LEAT_PASSPHRASE;\n"
        "  a key file: of your own, such as on a stick, or mounted into a container.\n");
    int rc = cli_ask_choice("Lock it by", choices, 0, &chosen, err);
    if (!rc) {
        key.kind = kinds[chosen];
    }
    if (!rc && key.kind == LEAT_KEY_PASSPHRASE) {
        rc = cli_ask_new_secret("Passphrase", &secret, err);
    } else if (!rc && key.kind == LEAT_KEY_FILE) {
        rc = cli_ask("Key file (made if it is not there)", NULL, &file, err);
    }
    key.passphrase = secret;
    key.file = file;
    rc = rc ? rc : leat_vault_open(NULL, &key, cli_ask_for_vault, NULL, ret_vault, err);
    cli_secret_free(secret);
    cli_secret_free(file);
    return rc;
}

/* Adds one and tests it; *ret_kept its name, NULL when it was given up. */
static int add_one(struct cli *cli, const char **ret_kept, struct leat_error *err)
{
    struct wanted_connection wanted = {.name = NULL};
    struct leat_vault *vault;
    bool keep = true;
    *ret_kept = NULL;
    int rc = cli_ask_connection(cli, &wanted, err);
    rc = rc ? rc : cli_put_connection(cli, &wanted, false, err);
    if (rc) {
        return rc;
    }
    if (cli_test_connections(cli, &wanted.name, 1)) {
        rc = cli_ask_yes("It does not work now. Keep it all the same", false, &keep, err);
    }
    if (!rc && !keep) {
        rc = leat_used_vault(&vault, err);
        rc = rc ? rc : leat_vault_remove(vault, LEAT_ITEM_CONNECTION, wanted.name, err);
        return rc;
    }
    *ret_kept = wanted.name;
    return rc;
}

/* Connections, until no more are wanted. *ret_last: the last that was kept. */
static int add_some(struct cli *cli, const char **ret_last, struct leat_error *err)
{
    bool more = true;
    int rc = cli_ask_yes("Add a connection", true, &more, err);
    while (!rc && more) {
        const char *kept;
        rc = add_one(cli, &kept, err);
        *ret_last = kept ? kept : *ret_last;
        if (rc == LEAT_INVALID || rc == LEAT_CONFLICT) {
            cli_print_error(cli, err, NULL); /* what was said was no good: once more */
            rc = LEAT_OK;
        }
        rc = rc ? rc : cli_ask_yes("Add another one", false, &more, err);
    }
    return rc;
}

static int offer_login(struct leat_vault *vault, struct leat_error *err)
{
    struct leat_vault_status status = {.size = sizeof status};
    bool login = false;
    int rc = leat_vault_status(vault, &status, err);
    if (rc || !status.exists || status.kind != LEAT_KEY_PASSPHRASE || status.session) {
        return rc;
    }
    rc = cli_ask_yes("Stay logged in for a day", true, &login, err);
    return rc || !login ? rc : leat_vault_login(vault, LOGIN_SECONDS, err);
}

static int guide(struct cli *cli, struct leat_vault **ret_own, struct leat_error *err)
{
    struct leat_vault *vault = NULL;
    struct leat_vault_status status = {.size = sizeof status};
    const char *last = NULL;
    if (!cli_can_ask()) {
        lt_fail(err, LT_E_USAGE, "`leat config init` asks, and there is no terminal");
        leat_error_remedy(err, "`leat config connections add NAME URL` does not ask");
        return LEAT_INVALID;
    }
    int rc = leat_used_vault(&vault, err);
    rc = rc ? rc : leat_vault_status(vault, &status, err);
    if (!rc && status.exists) {
        fprintf(stderr, "There is a vault already: %s\n", status.path);
    } else if (!rc) {
        rc = ask_lock(ret_own, err);
        if (!rc) {
            vault = *ret_own;
            leat_use_vault(vault);
        }
    }
    rc = rc ? rc : add_some(cli, &last, err);
    rc = rc ? rc : offer_login(vault, err);
    if (!rc) {
        fprintf(stderr,
                "\nWhat to do next:\n  leat streams %s\n  leat cp %s.TABLE table.csv\n"
                "  leat config connections list\n",
                last ? last : "NAME", last ? last : "NAME");
    }
    return rc;
}

int cmd_config_init(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *own = NULL;
    int rc = guide(cli, &own, &err);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    }
    leat_use_vault(NULL);
    leat_vault_close(own);
    return cli_exit_status(rc, NULL);
}
