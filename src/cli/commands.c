#include "cli/cli.h"

const struct command cli_commands[] = {
    {"cp", "SRC DST", "Copy whole streams from one place to another",
     "SRC and DST are URLs (postgres://u@h/db#public.orders, sqlite:shop.db#orders), format:- or - "
     "for standard input or output, the name of a connection (a variable LEAT_CONN_<NAME> that "
     "holds a URL) with or without .stream, or a local path, whose ending says what it is "
     "(.csv, .arrow, .sqlite; .gz, .zst and .lz4 behind it compress).\n\n"
     "What is at DST is replaced only when it is absent, empty, a single file, or was last written "
     "by leat from this same source; else --replace or --append must be said. Readers see the old "
     "content or the new one, never a mix, and a killed copy can simply be run again.\n\n"
     "A whole namespace, a wildcard, a database without #stream, or a directory as SRC copies many "
     "streams in one command. Each stream ends with one line on standard error that says rows, "
     "bytes, time, what was proved, and the route taken.",
     "leat cp \"$DATABASE_URL#public.orders\" orders.arrow\n"
     "    one table into a file\n"
     "leat cp orders.csv.gz sqlite:shop.db\n"
     "    makes the table \"orders\"; types are inferred, --dry-run shows them\n"
     "leat cp shop.db \"$DATABASE_URL#shop.\" --with foreign-keys\n"
     "    every table of a SQLite database into a PostgreSQL schema\n"
     "leat cp \"$DATABASE_URL#public.\" backup/ --format arrow --exclude 'tmp_*'\n"
     "    a schema into a directory, as of one moment\n"
     "leat cp \"$DATABASE_URL#public.orders\" arrows:- | python load.py\n"
     "    data on standard output, words on standard error\n"
     "leat cp orders.csv db.sqlite#orders --cast zip=utf8 --on-error skip --rejects bad.jsonl\n"
     "    records that do not fit are set aside with place and reason\n",
     TAKES_PLAN, 2, 2, cmd_cp},
    {"streams", "LOCATION", "List the streams a location holds, with estimates",
     "One stream a line on standard output: name, estimated rows, estimated bytes, parted by tabs; "
     "an estimate that is not known is empty.",
     "leat streams \"$DATABASE_URL\"\n    the tables and views of its default schema\n"
     "leat streams shop.db\n    the tables of a SQLite database\n",
     TAKES_PLAN, 1, 1, cmd_streams},
    {"connectors", "[NAME]", "List the connectors, or the options of one",
     "With a name: the options it takes, in its URL (?name=value) or as flags.",
     "leat connectors postgres\n    what can be set on a PostgreSQL connection\n", 0, 0, 1,
     cmd_connectors},
    {"version", "", "Print the version", "", "", 0, 0, 0, cmd_version},
    {"completion", "SHELL", "Print a completion script for bash, zsh or fish",
     "Source it, or put it where the shell looks for completions.",
     "source <(leat completion bash)\n    in ~/.bashrc\n", 0, 1, 1, cli_completion},
    {"docs", "KIND [NAME]", "Print generated documentation",
     "KIND is man (with the name of a command, or leat), commands, errors, connectors or types. "
     "The project's own man pages and docs/ are made with it.",
     "leat docs man cp > leat-cp.1\n    one manual page\n", 0, 1, 2, cli_docs},
    {"help", "[COMMAND|errors]", "Explain a command, or all error codes", "",
     "leat help cp\nleat help errors\n", 0, 0, 1, cli_help_command},
    {0},
};

const char *const cli_exit_codes[][2] = {
    {"0", "done"},
    {"1", "failed"},
    {"2", "usage or configuration is wrong, or it was refused before anything was touched"},
    {"3", "differences were found"},
    {"4", "finished, with rejected records"},
    {"75", "a passing fault (network, lock, restart) that outlived the retries"},
    {"130", "stopped by SIGINT"},
    {"141", "whoever read standard output went away; told by nothing else"},
    {"143", "stopped by SIGTERM"},
    {0},
};
