/* leat config vault ...: its key, and copies of it for other machines. */
#include "cli/cli.h"
#include "cli/prompt.h"

#include "core/util.h"
#include "leat/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A secret of the variable, or asked for: a new one twice. */
static int take_secret(const char *variable, const char *prompt, bool fresh, char **ret_text,
                       struct leat_error *err)
{
    const char *value = getenv(variable);
    if (value && *value) {
        *ret_text = strdup(value);
        return *ret_text ? LEAT_OK : leat_fail(err, LEAT_NO_MEMORY, "out of memory");
    }
    int rc =
        fresh ? cli_ask_new_secret(prompt, ret_text, err) : cli_ask_secret(prompt, ret_text, err);
    if (rc == LEAT_UNSUPPORTED) {
        leat_error_remedy(err, "set %s", variable);
    }
    return rc;
}

int cmd_vault_rekey(struct cli *cli)
{
    static const char *const names[] = {"passphrase", "file", "machine"};
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    const char *wanted = cli_value(cli, "key");
    char *passphrase = NULL;
    struct leat_key key = {.size = sizeof key};
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        key.kind = strcmp(names[i], wanted) ? key.kind : (enum leat_key_kind)i;
    }
    int rc = leat_used_vault(&vault, &err);
    if (!rc && key.kind == LEAT_KEY_PASSPHRASE) {
        rc = take_secret("LEAT_NEW_PASSPHRASE", "New passphrase of the vault", true, &passphrase,
                         &err);
        key.passphrase = passphrase;
    }
    rc = rc ? rc : leat_vault_rekey(vault, &key, &err);
    cli_secret_free(passphrase);
    if (!rc && !cli->quiet) {
        printf("the vault is locked by %s now\n",
               key.kind == LEAT_KEY_PASSPHRASE ? "the new passphrase"
               : key.kind == LEAT_KEY_FILE     ? "the key file"
                                               : "the key of this machine");
    }
    return cli_end(cli, rc, &err);
}

int cmd_vault_export(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    char *passphrase = NULL;
    int rc = leat_used_vault(&vault, &err);
    rc = rc ? rc
            : take_secret("LEAT_EXPORT_PASSPHRASE", "Passphrase of the copy", true, &passphrase,
                          &err);
    rc = rc ? rc : leat_vault_export(vault, cli->args[0], passphrase, &err);
    cli_secret_free(passphrase);
    return cli_end(cli, rc, &err);
}

int cmd_vault_import(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_vault *vault = NULL;
    char *passphrase = NULL;
    int64_t items = 0;
    int rc = leat_used_vault(&vault, &err);
    rc = rc ? rc
            : take_secret("LEAT_EXPORT_PASSPHRASE", "Passphrase of the copy", false, &passphrase,
                          &err);
    rc = rc ? rc
            : leat_vault_import(vault, cli->args[0], passphrase, cli_on(cli, "replace"), &items,
                                &err);
    cli_secret_free(passphrase);
    if (!rc && !cli->quiet) {
        printf("%" PRId64 " item%s\n", items, items == 1 ? "" : "s");
    }
    return cli_end(cli, rc, &err);
}
