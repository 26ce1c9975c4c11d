/* What the commands of `leat config` share. */
#ifndef LT_CLI_CONNECTIONS_H
#define LT_CLI_CONNECTIONS_H

#include "cli/cli.h"

#include "core/buf.h"

/* So that LEAT_CONN_<NAME> can stand for any. */
#define CONNECTION_NAME_MAX 63

/* A connection to be kept. */
struct wanted_connection {
    const char *name, *url;
};

int cli_check_connection_name(const char *name, struct leat_error *err);
/* Whether it is a URL of a connector there is. */
int cli_check_url(struct cli *cli, const char *url, struct leat_error *err);
/* The scheme of a URL, without jdbc: and +driver. */
void cli_connector_of(const char *url, char *name, size_t size);
/* The URL without its secrets; what is no URL is not shown at all. */
int cli_redacted(const char *url, struct lt_buf *text, struct leat_error *err);
/* Whether there is an option of that name, in any table, that takes the value. */
int cli_check_default(struct cli *cli, const char *name, const char *value, struct leat_error *err);
/* Whether an option of that name, in any table, holds a secret. */
bool cli_default_is_secret(struct cli *cli, const char *name);
/* Asks for what is missing of the two. */
int cli_ask_connection(struct cli *cli, struct wanted_connection *wanted, struct leat_error *err);
/* Checks it, keeps it in the vault, and says so. */
int cli_put_connection(struct cli *cli, const struct wanted_connection *wanted, bool replace,
                       struct leat_error *err);
/* Logs in by each of the names, and prints what it finds. Exit status. */
int cli_test_connections(struct cli *cli, const char *const *names, int n);

#endif
