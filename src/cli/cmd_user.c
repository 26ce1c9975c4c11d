/* leat user ...: sessions, in which the vault needs no passphrase. */
#include "cli/cli.h"

#include "core/json.h"
#include "core/util.h"
#include "leat/config.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_texts[] = {
    [LEAT_KEY_PASSPHRASE] = "a passphrase",
    [LEAT_KEY_FILE] = "a key file",
    [LEAT_KEY_MACHINE] = "the key of this machine",
};
static const char *const kind_names[] = {
    [LEAT_KEY_PASSPHRASE] = "passphrase",
    [LEAT_KEY_FILE] = "file",
    [LEAT_KEY_MACHINE] = "machine",
};

int cmd_user_login(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    struct leat_vault_status status = {.size = sizeof status};
    char left[LT_HUMAN_MAX];
    int64_t ms = 0;
    int rc = lt_parse_duration(cli_value(cli, "duration"), &ms, &err);
    rc = rc ? rc : leat_used_vault(&vault, &err);
    rc = rc ? rc : leat_vault_login(vault, ms / 1000, &err);
    rc = rc ? rc : leat_vault_status(vault, &status, &err);
    if (!rc && !cli->quiet) {
        printf("logged in for %s (%s)\n", lt_human_time(ms * 1000, left),
               status.session ? status.session : "it is over already");
    }
    return cli_end(cli, rc, &err);
}

int cmd_user_logout(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    int rc = leat_used_vault(&vault, &err);
    rc = rc ? rc : leat_vault_logout(vault, &err);
    return cli_end(cli, rc, &err);
}

static void print_json(const struct leat_vault_status *status)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    lt_json_object(&json);
    lt_json_key(&json, "vault");
    lt_json_text(&json, status->path);
    lt_json_key(&json, "exists");
    lt_json_bool(&json, status->exists);
    lt_json_key(&json, "key");
    lt_json_text(&json, status->exists ? kind_names[status->kind] : NULL);
    lt_json_key(&json, "key_path");
    lt_json_text(&json, status->key_path);
    lt_json_key(&json, "session");
    lt_json_text(&json, status->session);
    lt_json_key(&json, "session_seconds");
    lt_json_int(&json, status->session_seconds);
    lt_json_object_end(&json);
    printf("%s\n", lt_buf_text(&text));
    lt_buf_done(&text);
}

static void print_text(const struct leat_vault_status *status)
{
    char left[LT_HUMAN_MAX];
    printf("vault    %s%s\n", status->path, status->exists ? "" : " (not there yet)");
    if (status->exists) {
        printf("key      %s%s%s\n", kind_texts[status->kind], status->key_path ? ": " : "",
               status->key_path ? status->key_path : "");
    }
    if (status->exists && status->kind == LEAT_KEY_MACHINE) {
        printf("         whoever can read that file as this user can read the vault;\n"
               "         `leat config vault rekey --key passphrase` locks it by what you know\n");
    }
    if (status->session) {
        printf("session  %s, %s left\n", status->session,
               lt_human_time(status->session_seconds * 1000000, left));
    } else {
        printf("session  none\n");
    }
}

int cmd_user_status(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    struct leat_vault_status status = {.size = sizeof status};
    int rc = leat_used_vault(&vault, &err);
    rc = rc ? rc : leat_vault_status(vault, &status, &err);
    if (!rc && cli_on(cli, "json")) {
        print_json(&status);
    } else if (!rc) {
        print_text(&status);
    }
    return cli_end(cli, rc, &err);
}
