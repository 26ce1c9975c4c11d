/* Halfpipe's `config`: what is kept is kept in leat's vault. */
#include "cli/connections.h"
#include "cli/hp_run.h"

#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"

#include <string.h>

static void say_flag(struct hp *hp, const char *name)
{
    if (hp_on(hp, name)) {
        hp_say(hp, "--force");
    }
}

int hp_connection_add(struct hp *hp)
{
    if (!strcmp(hp->args[0], "s3")) {
        return hp_refuse(
            hp, "a connection of type s3 needs a connector for S3, which this leat has not", "");
    }
    if (!*hp_flag(hp, "dsn")) {
        return hp_refuse(hp, "required flag(s) \"dsn\" not set", "");
    }
    hp_begin(hp);
    say_flag(hp, "force");
    hp_say(hp, "--");
    hp_say(hp, hp_flag(hp, "connection-name"));
    hp_say(hp, hp_flag(hp, "dsn"));
    return hp_status(hp_run_leat(hp));
}

int hp_connection_remove(struct hp *hp)
{
    hp_begin(hp);
    hp_say(hp, "--");
    hp_say(hp, hp_flag(hp, "connection-name"));
    return hp_status(hp_run_leat(hp));
}

int hp_default_add(struct hp *hp)
{
    hp_begin(hp);
    say_flag(hp, "force");
    hp_say(hp, "--");
    hp_say(hp, hp_flag(hp, "key"));
    hp_say(hp, hp_flag(hp, "value"));
    return hp_status(hp_run_leat(hp));
}

int hp_default_remove(struct hp *hp)
{
    hp_begin(hp);
    hp_say(hp, "--");
    hp_say(hp, hp_flag(hp, "key"));
    return hp_status(hp_run_leat(hp));
}

static int print_connection(void *arg, const struct leat_connection *connection)
{
    struct lt_buf url = LT_BUF_INIT;
    int rc = cli_redacted(connection->url, &url, arg);
    if (!rc) {
        printf("%s:\n  type = %.*s\n  dsn = %s\n", connection->name,
               (int)strcspn(connection->url, ":+"), connection->url, lt_buf_text(&url));
    }
    lt_buf_done(&url);
    return rc;
}

int hp_connections_list(struct hp *hp)
{
    struct leat_error err = {0};
    int rc = leat_connections(print_connection, &err, &err);
    return hp_status(cli_end(hp->cli, rc, &err));
}

static int print_default(void *arg, const char *name, const char *value)
{
    struct hp *hp = arg;
    struct lt_buf text = LT_BUF_INIT;
    int rc = lt_redact(&text, value);
    if (!rc) {
        printf("%s=%s\n", name, cli_default_is_secret(hp->cli, name) ? "***" : lt_buf_text(&text));
    }
    lt_buf_done(&text);
    return rc;
}

int hp_defaults_list(struct hp *hp)
{
    struct leat_error err = {0};
    struct leat_vault *vault;
    int rc = leat_used_vault(&vault, &err);
    rc = rc ? rc : leat_vault_each(vault, LEAT_ITEM_DEFAULT, print_default, hp, &err);
    return hp_status(cli_end(hp->cli, rc, &err));
}
