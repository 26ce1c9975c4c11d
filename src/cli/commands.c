/* The commands, as data: what each is called, takes and says of itself. */
#include "cli/cli.h"

#define OPTION_JSON                                                                                \
    {                                                                                              \
        "json", LEAT_OPTION_BOOL, "false", NULL, "One JSON object a line"                          \
    }
#define OPTIONS_END                                                                                \
    {                                                                                              \
        NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL                                                   \
    }

static const struct leat_option runs_options[] = {
    OPTION_JSON,
    {"limit", LEAT_OPTION_INT, "20", "N", "How many, at most"},
    OPTIONS_END,
};

static const struct leat_option state_options[] = {
    {"tables", LEAT_OPTION_CHOICE, "leat", "leat|dpo",
     "Which tables a revision is of: runs, or executions"},
    OPTIONS_END,
};

#define OPTION_AS_PIPE                                                                             \
    {                                                                                              \
        "as-pipe", LEAT_OPTION_CHOICE, NULL, "yaml|json",                                          \
            "Print the document that does this when `leat pipe run` runs it, and do nothing"       \
    }

static const struct leat_option copy_options[] = {OPTION_AS_PIPE, OPTIONS_END};

static const struct leat_option repeat_options[] = {
    OPTION_AS_PIPE,
    {"repeat", LEAT_OPTION_DURATION, NULL, "SECONDS",
     "Again and again, from start to start so far apart; SIGTERM ends it after the run at work"},
    OPTIONS_END,
};

static const struct leat_option diff_options[] = {
    OPTION_AS_PIPE,
    {"all-columns", LEAT_OPTION_BOOL, "false", NULL,
     "Show every column of a record that differs, not only those that do"},
    {"stop-after", LEAT_OPTION_INT, NULL, "N", "Stop after N differences"},
    {"summary", LEAT_OPTION_BOOL, "false", NULL,
     "Count the differences of each stream, and of each column, instead of showing them"},
    {"as", LEAT_OPTION_CHOICE, NULL, "table|json",
     "How differences are shown: a table where standard output is a terminal, else JSON lines"},
    OPTIONS_END,
};

static const struct leat_option snapshot_options[] = {
    {"for", LEAT_OPTION_DURATION, NULL, "TIME", "How long; until it is stopped when not given"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

static const struct leat_option query_options[] = {
    OPTION_AS_PIPE,
    {"format", LEAT_OPTION_TEXT, NULL, "FORMAT",
     "How rows are shown: table, or a format that leat writes (csv, json, jsonl, arrow, arrows, "
     "parquet); a table where standard output is a terminal, else csv"},
    {"file", LEAT_OPTION_TEXT, NULL, "FILE",
     "Read the statement from this file, or from standard input for -"},
    {"header", LEAT_OPTION_BOOL, NULL, NULL, "Begin csv with the names of the columns, as it does"},
    {"no-header", LEAT_OPTION_BOOL, "false", NULL, "Leave the names of the columns out"},
    OPTIONS_END,
};

static const struct leat_option json_options[] = {OPTION_JSON, OPTIONS_END};

static const struct leat_option describe_options[] = {
    OPTION_JSON,
    {"as", LEAT_OPTION_TEXT, NULL, "SYSTEM",
     "Print the statement that makes the table in this database, or how this format of files "
     "writes its columns"},
    OPTIONS_END,
};

#define OPTION_PIPELINE(fallback, help)                                                            \
    {                                                                                              \
        "pipeline", LEAT_OPTION_TEXT, fallback, "NAME", help                                       \
    }

static const struct leat_option init_options[] = {
    OPTION_JSON,
    OPTION_PIPELINE("", "The pipeline it is an execution of; one store may hold many"),
    {"id", LEAT_OPTION_TEXT, NULL, "GUID", "The id to use, such as a scheduler's own"},
    OPTIONS_END,
};

static const struct leat_option last_options[] = {
    OPTION_JSON,
    OPTION_PIPELINE("", "Of which pipeline"),
    OPTIONS_END,
};

static const struct leat_option list_options[] = {
    OPTION_JSON,
    OPTION_PIPELINE(NULL, "Those of one pipeline; of all when not given"),
    {"limit", LEAT_OPTION_INT, "20", "N", "How many, at most"},
    OPTIONS_END,
};

static const struct leat_option fail_options[] = {
    OPTION_JSON,
    {"reason", LEAT_OPTION_TEXT, NULL, "TEXT", "Why; kept with it"},
    OPTIONS_END,
};

static const struct leat_option step_fail_options[] = {
    OPTION_JSON,
    {"reason", LEAT_OPTION_TEXT, NULL, "TEXT", "Why; kept with it"},
    {"rows", LEAT_OPTION_INT, NULL, "N", "How many rows stay although the step failed"},
    OPTIONS_END,
};

static const struct leat_option step_options[] = {
    OPTION_JSON,
    {"duplicates", LEAT_OPTION_CHOICE, "refuse", "refuse|last",
     "Of two files with one name: stop and name both, or let the later one count"},
    {"reopen", LEAT_OPTION_BOOL, "false", NULL, "Go on with an execution that is completed"},
    {"trust-mtime", LEAT_OPTION_BOOL, "false", NULL,
     "Do not read files whose size, times and inode are as they were when this was last said"},
    OPTIONS_END,
};

static const struct leat_option rows_options[] = {
    OPTION_JSON,
    {"rows", LEAT_OPTION_INT, NULL, "N", "How many rows the step processed"},
    OPTIONS_END,
};

static const struct leat_option compare_options[] = {
    OPTION_JSON,
    {"changes", LEAT_OPTION_TEXT, "added,modified", "added,modified,removed",
     "Which changes to print"},
    {"separator", LEAT_OPTION_CHOICE, "newline", "newline|space|comma|nul", "Ends each name"},
    OPTIONS_END,
};

#define OPTION_VAR                                                                                 \
    {                                                                                              \
        "var", LEAT_OPTION_LIST, NULL, "NAME=VALUE",                                               \
            "A value for ${NAME}; may be given several times"                                      \
    }

static const struct leat_option pipe_run_options[] = {
    OPTION_VAR,
    {"set", LEAT_OPTION_LIST, NULL, "NAME=VALUE",
     "An option of the steps that take it, over what the document says; may be given several "
     "times"},
    {"step", LEAT_OPTION_TEXT, NULL, "NAME", "Run only this step, whatever it needs"},
    {"from-step", LEAT_OPTION_TEXT, NULL, "NAME", "Run this step and those behind it"},
    {"keep-going", LEAT_OPTION_BOOL, "false", NULL,
     "After a failure run what does not need what failed; of many streams go on with the others"},
    {"repeat", LEAT_OPTION_DURATION, NULL, "SECONDS",
     "Again and again, from start to start so far apart; SIGTERM ends it after the run at work"},
    {"watch", LEAT_OPTION_BOOL, "false", NULL,
     "Again and again, as the document's `every` or `cron` says"},
    OPTIONS_END,
};

static const struct leat_option pipe_check_options[] = {
    OPTION_VAR,
    {"connect", LEAT_OPTION_BOOL, "false", NULL,
     "Open sources and destinations too, and look at the plan of each step"},
    OPTIONS_END,
};

static const struct leat_option pipe_show_options[] = {
    OPTION_VAR,
    {"json", LEAT_OPTION_BOOL, "false", NULL, "As JSON instead of YAML"},
    OPTIONS_END,
};

#define OPTION_CONNECTION_NAME                                                                     \
    {                                                                                              \
        "connection-name", LEAT_OPTION_TEXT, NULL, "NAME", "Another way to say NAME"               \
    }

static const struct leat_option connection_add_options[] = {
    OPTION_CONNECTION_NAME,
    {"dsn", LEAT_OPTION_SECRET, NULL, "DSN",
     "Another way to say URL, of the TYPE that stands first"},
    {"force", LEAT_OPTION_BOOL, "false", NULL, "Replace one of that name"},
    OPTIONS_END,
};

static const struct leat_option connection_remove_options[] = {OPTION_CONNECTION_NAME, OPTIONS_END};

static const struct leat_option connection_test_options[] = {
    OPTION_JSON,
    {"connect-timeout", LEAT_OPTION_DURATION, "15s", "TIME", "How long to wait for each"},
    OPTIONS_END,
};

static const struct leat_option import_halfpipe_options[] = {
    {"force", LEAT_OPTION_BOOL, "false", NULL, "Replace what is there under the same name"},
    OPTIONS_END,
};

static const struct leat_option default_add_options[] = {
    {"option", LEAT_OPTION_TEXT, NULL, "OPTION", "Another way to say OPTION"},
    {"value", LEAT_OPTION_TEXT, NULL, "VALUE", "Another way to say VALUE"},
    {"force", LEAT_OPTION_BOOL, "false", NULL, "Replace a value that is stored"},
    OPTIONS_END,
};

static const struct leat_option default_remove_options[] = {
    {"option", LEAT_OPTION_TEXT, NULL, "OPTION", "Another way to say OPTION"},
    OPTIONS_END,
};

static const struct leat_option login_options[] = {
    {"duration", LEAT_OPTION_DURATION, "1d", "TIME", "For how long: 30m, 8h, 1d"},
    OPTIONS_END,
};

static const struct leat_option rekey_options[] = {
    {"key", LEAT_OPTION_CHOICE, "passphrase", "passphrase|file|machine",
     "What locks it from now on; file: the one LEAT_KEY_FILE names, made if it is not there"},
    OPTIONS_END,
};

static const struct leat_option import_options[] = {
    {"replace", LEAT_OPTION_BOOL, "false", NULL,
     "Over what is there under the same name with another value"},
    OPTIONS_END,
};

const struct command cli_commands[] = {
    {"cp", "SRC DST", "Copy whole streams from one place to another",
     "SRC and DST are URLs (postgres://u@h/db#public.orders, sqlite:shop.db#orders), format:- or - "
     "for standard input or output, the name of a connection (leat help config connections), or "
     "of a variable that holds a URL, with or without .stream, or a local path, whose ending says "
     "what it is "
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
     "leat cp orders.csv shop.db --on-error skip --rejects bad.jsonl\n"
     "    records that do not fit are set aside with place and reason\n",
     TAKES_PLAN, 2, 2, cmd_cp, repeat_options, LEAT_ACTION_COPY},
    {"cp delta", "SRC DST", "Copy what changed since the last time",
     "Reads the records whose cursor (-d: a time of change, a number that is counted up) is above "
     "the watermark of the last run, and merges them by their key (-p) into the destination. The "
     "watermark stands with the rows in the destination and is committed with them: there is no "
     "other state, and a killed run can simply be run again.\n\n"
     "The first run takes everything. The watermark only goes as far as the source can say that "
     "nothing will still turn up below, so a record that was stamped before and committed after "
     "is not lost; --lookback reads some more again. Deletes are not seen, unless "
     "--deleted-column tells of them.\n\n"
     "Several streams (a namespace, a wildcard) are each taken by themselves. Directories of files "
     "need no cursor: their new files are read.",
     "leat cp delta \"$DATABASE_URL#public.orders\" shop.db -d updated_at\n"
     "    by the primary key of orders\n"
     "leat cp delta shop.db#events \"$DATABASE_URL#\" -d id --strategy append -i 60\n"
     "    insert-only, every minute\n"
     "leat cp delta \"$DATABASE_URL#orders\" orders/ --format parquet -d updated_at,id\n"
     "    new files for what is new\n"
     "leat cp delta pg.orders shop.db -d updated_at --window 2026-11-01..2026-11-08\n"
     "    these days once more; the watermark stays\n",
     TAKES_PLAN, 2, 2, cmd_cp, repeat_options, LEAT_ACTION_DELTA},
    {"cp meta", "SRC DST", "Make or alter tables, and move no record",
     "Prints the CREATE TABLE of every stream that DST lacks, and the ALTERs that a table there "
     "needs to take the source's records: new columns, types that are wider. What cannot be done "
     "without a loss is refused with every column at fault. -e runs the statements; to run them "
     "again does nothing.",
     "leat cp meta shop.db \"$DATABASE_URL#shop.\"\n"
     "    the DDL of a whole database, on standard output\n"
     "leat cp meta \"$DATABASE_URL#public.orders\" shop.db -e\n"
     "    makes the table, or brings it up to date\n",
     TAKES_PLAN, 2, 2, cmd_meta, copy_options, LEAT_ACTION_META},
    {"sync batch", "SRC DST", "Make the destination equal to the source, writing only what differs",
     "Reads both in the order of their key, as leat diff does, and then inserts, updates and "
     "deletes "
     "the rows that differ, in one transaction unless --commit-batch-size cuts them up. A "
     "destination that is equal is not touched; one "
     "that is not there is made; a file or a directory is written anew when anything differs.\n\n"
     "The key is the primary key, or what -p names: unique together and never null. Columns that "
     "the destination lacks are added (--schema). --max-delete and an empty source stop before "
     "anything is changed; --soft-delete keeps what is gone, marked.",
     "leat sync batch \"$DATABASE_URL#public.orders\" shop.db#orders\n"
     "    by the primary key\n"
     "leat sync batch \"$A#public.\" \"$B#public.\" --max-delete 10%\n"
     "    every table, but none that would lose more than a tenth of its rows\n"
     "leat sync batch orders.csv \"$DATABASE_URL\" -p id --commit-batch-size 100000\n"
     "    in steps: cut short, the next run goes on from what is there\n",
     TAKES_PLAN, 2, 2, cmd_cp, repeat_options, LEAT_ACTION_SYNC},
    {"diff", "SRC DST", "Tell which records of two streams differ",
     "Reads both in the order of their key and tells every record that is not the same, as one "
     "JSON "
     "line on standard output: its key, #diffStatus (NEW: only at SRC, DELETED: only at DST, "
     "CHANGED), #stream, and the columns that differ with both values. Nothing is changed.\n\n"
     "Values are compared by what they mean, in a type that both sides can be cast to: 1.10 is "
     "1.1, "
     "times count to the coarser of the two resolutions. The key is the primary key, or what -p "
     "names: unique together and never null. Columns belong together by name.\n\n"
     "Ends with status 0 when all is equal and 3 when something differs.",
     "leat diff \"$DATABASE_URL#public.orders\" shop.db#orders\n"
     "    by the primary key\n"
     "leat diff orders.csv orders.parquet -p id --summary\n"
     "    only how many differ, and in which columns\n"
     "leat diff \"$A#public.\" \"$B#public.\" --sample 1% --exclude 'tmp_*'\n"
     "    every table, one key in a hundred\n",
     TAKES_PLAN, 2, 2, cmd_diff, diff_options, LEAT_ACTION_DIFF},
    {"verify", "SRC DST", "Prove that two streams are equal, or find what is not",
     "Reads both, in any order, and compares the number of records and a checksum of every column. "
     "Where they differ and there is a key (the primary key, or what -p names) the records that do "
     "are told one by one, as leat diff tells them. Nothing is changed.\n\n"
     "Ends with status 0 when all is equal and 3 when something differs.",
     "leat verify \"$DATABASE_URL#public.orders\" orders.parquet\n"
     "    what a copy wrote is what the table holds\n"
     "leat verify \"$A#public.\" \"$B#public.\" --keep-going\n"
     "    every table\n",
     TAKES_PLAN, 2, 2, cmd_diff, diff_options, LEAT_ACTION_VERIFY},
    {"query", "CONN SQL...", "Run a statement and show its rows",
     "The words behind CONN are the statement; - reads it from standard input. Rows of a query go "
     "to standard output: as a table on a terminal, else as csv or whatever --format says. Of any "
     "other statement the number of rows it changed is told. Ctrl-C stops it on the server too.\n\n"
     "In a table a null is NULL (a text that says so is in quotes), control characters are shown "
     "as \\n or \\x1b, and text that is too wide ends in an ellipsis; where the columns do not fit "
     "beside each other, each row is a list of names and values.",
     "leat query \"$DATABASE_URL\" \"SELECT * FROM orders WHERE total > 100\" --limit 20\n"
     "    a table on a terminal\n"
     "leat query shop.db \"SELECT * FROM orders\" --format parquet > orders.parquet\n"
     "    with all its types\n"
     "leat query shop.db --file report.sql | sort\n"
     "    csv\n",
     TAKES_PLAN | TAKES_READS, 1, -1, cmd_query, query_options, LEAT_ACTION_COPY},
    {"snapshot hold", "CONN", "Hold one moment of a source, for runs that come one after the other",
     "Takes a snapshot, prints its token, and keeps it until it is stopped or the time of --for is "
     "over. Meanwhile `leat cp --snapshot TOKEN` reads what the source held at that moment, from "
     "this "
     "machine or another: several copies see the same, and with --resume a load that was killed "
     "goes "
     "on although the table is written. The server keeps old rows as long as this runs.",
     "leat snapshot hold \"$DATABASE_URL\" --for 6h\n    prints a token such as "
     "00000003-0000001B-1\n"
     "leat cp \"$DATABASE_URL#orders\" shop.db --snapshot 00000003-0000001B-1 --resume\n"
     "    as often as it takes\n",
     TAKES_PLAN | TAKES_READS, 1, 1, cmd_snapshot_hold, snapshot_options, LEAT_ACTION_COPY},
    {"streams", "CONN [PATTERN]", "List the streams a place holds, with estimates",
     "PATTERN is a name, or one with * or % for any run of characters and ? for one; with a dot "
     "before it also of the namespace: 'sales.*', '*.orders'. Rows and bytes are what the place "
     "says without counting, and empty where it does not know.\n\n"
     "Where standard output is no terminal: one stream a line with its name, rows and bytes, "
     "parted by tabs.",
     "leat streams \"$DATABASE_URL\"\n    the tables and views of its default schema\n"
     "leat streams \"$DATABASE_URL\" '*.ord*'\n    of every schema\n"
     "leat streams shop.db --json\n    the tables of a SQLite database, for a program\n",
     TAKES_PLAN | TAKES_READS, 1, 2, cmd_streams, json_options, LEAT_ACTION_COPY},
    {"describe", "CONN.STREAM [PATTERN]",
     "Show a stream's columns, keys and indexes, and what others make of them",
     "Columns with their types in leat and at their source, nulls, keys, identities, defaults and "
     "comments; indexes, foreign keys and checks; "
     "then the type that each column would have in a new table of each database, and how each "
     "format of files writes it. Several streams (a namespace, a wildcard) are shown one after the "
     "other.",
     "leat describe \"$DATABASE_URL#public.orders\"\n    a table\n"
     "leat describe orders.parquet --as postgres\n    the CREATE TABLE that would hold a file\n"
     "leat describe shop.db 'o*' --json\n    several, one JSON object a line\n",
     TAKES_PLAN | TAKES_READS, 1, 2, cmd_describe, describe_options, LEAT_ACTION_COPY},
    {"runs", "[ID]", "List the runs that were recorded, or show one",
     "The newest first. Every copy is recorded when it ends, well or not, in the store that "
     "--state "
     "names. With the id of a run, or its beginning: its streams and their errors.",
     "leat runs --limit 5\n    the last five\n"
     "leat runs 019a --json\n    runs by the beginning of their ids, with their whole reports\n",
     0, 0, 1, cmd_runs, runs_options, LEAT_ACTION_COPY},
    {"config connections add", "[NAME [URL]]", "Keep a connection under a name",
     "The URL is kept in the vault, encrypted, and NAME stands for it wherever a source or "
     "destination is named: NAME, or NAME.stream. What is not given is asked for on a terminal, "
     "the "
     "password unseen. - as URL reads it from standard input. A password may be a reference, "
     "${env:NAME}, ${file:PATH} or ${cmd:COMMAND}, which is looked up at each use.\n\n"
     "TYPE -c NAME -d DSN is another form, where TYPE is the name of a connector.",
     "leat config connections add pg postgres://joe@db.example.com/shop\n"
     "    a password is then libpq's business, or none\n"
     "leat config connections add\n    asks\n"
     "echo \"$DATABASE_URL\" | leat config connections add pg -\n"
     "    so that the URL stands in no list of commands\n",
     0, 0, 2, cmd_connections_add, connection_add_options, LEAT_ACTION_COPY},
    {"config connections list", "", "List the connections that have names",
     "Those of the vault and of variables LEAT_CONN_<NAME>, and where each comes from. Secrets are "
     "not shown.",
     "leat config connections list --json\n", 0, 0, 0, cmd_connections_list, json_options,
     LEAT_ACTION_COPY},
    {"config connections show", "NAME", "Show a connection",
     "NAME is looked up as in any location, so it may also be a variable that holds a URL. Secrets "
     "are not shown.",
     "leat config connections show DATABASE_URL\n", 0, 1, 1, cmd_connections_show, json_options,
     LEAT_ACTION_COPY},
    {"config connections test", "[NAME...]", "Log in by connections, and tell what may be done",
     "Of each connection, or of all: the system and its version, how long the login and one "
     "question to it took, and what the account may do: read what there is, create streams, write, "
     "replicate (be told of changes). Ends with status 1 when one fails.",
     "leat config connections test\n    all\n", 0, 0, -1, cmd_connections_test,
     connection_test_options, LEAT_ACTION_COPY},
    {"config connections remove", "NAME...", "Forget connections", "",
     "leat config connections remove pg\n", 0, 0, -1, cmd_connections_remove,
     connection_remove_options, LEAT_ACTION_COPY},
    {"config defaults add", "OPTION VALUE", "Keep a default value of an option",
     "It counts in every command that has the option, where neither a flag nor a variable says "
     "otherwise.",
     "leat config defaults add parallel 4\n", 0, 0, 2, cmd_defaults_add, default_add_options,
     LEAT_ACTION_COPY},
    {"config defaults list", "", "List the default values that are kept", "", "", 0, 0, 0,
     cmd_defaults_list, json_options, LEAT_ACTION_COPY},
    {"config defaults remove", "OPTION...", "Forget default values", "",
     "leat config defaults remove parallel\n", 0, 0, -1, cmd_defaults_remove,
     default_remove_options, LEAT_ACTION_COPY},
    {"config vault rekey", "", "Lock the vault with another key",
     "The vault holds connections and defaults, encrypted. It is locked by a passphrase, by a key "
     "file, or by a random key in a file of this machine beside it, which is how it begins where "
     "nothing else is said. What sessions hold ends.\n\n"
     "The new passphrase is asked for, twice, or taken from LEAT_NEW_PASSPHRASE.",
     "leat config vault rekey\n    asks for a passphrase, and locks it by that\n"
     "LEAT_KEY_FILE=/run/keys/leat leat config vault rekey --key file\n    for a service\n",
     0, 0, 0, cmd_vault_rekey, rekey_options, LEAT_ACTION_COPY},
    {"config vault export", "FILE", "Write the whole vault, encrypted, for another machine",
     "FILE is locked by a passphrase of its own, which is asked for or taken from "
     "LEAT_EXPORT_PASSPHRASE. A file that is there is left alone.",
     "leat config vault export leat.vault\n    asks for a passphrase, twice\n", 0, 1, 1,
     cmd_vault_export, NULL, LEAT_ACTION_COPY},
    {"config vault import", "FILE", "Add what an exported vault holds",
     "All of it or, where one item is there with another value and --replace was not said, "
     "nothing. The passphrase is asked for or taken from LEAT_EXPORT_PASSPHRASE.",
     "leat config vault import leat.vault\n    asks for the passphrase of the file\n", 0, 1, 1,
     cmd_vault_import, import_options, LEAT_ACTION_COPY},
    {"config init", "", "Make a vault and first connections, by questions",
     "Asks how the vault is to be locked, where there is none yet, then for connections; each is "
     "tested before the next. Needs a terminal.",
     "leat config init\n", 0, 0, 0, cmd_config_init, NULL, LEAT_ACTION_COPY},
    {"config import halfpipe", "[DIR]", "Take over the connections and defaults of Halfpipe",
     "Reads its encrypted files, connections.yaml and config.yaml in DIR (~/.halfpipe), and says "
     "of "
     "each item what became of it. Connections to systems that leat has no connector for are kept "
     "and marked. Ends with status 1 when something was left out. With --dry-run nothing is kept.",
     "leat config import halfpipe --dry-run\n    what there is\n", 0, 0, 1, cmd_config_import,
     import_halfpipe_options, LEAT_ACTION_COPY},
    {"config explain", "[COMMAND...]", "Print the value of every option, and where it comes from",
     "COMMAND is any command line without `leat`, or nothing. A value comes from a flag, a "
     "variable "
     "of the environment or of an env file, a default that was stored, or is built in; the first "
     "of "
     "these counts. Names of connections in the command are shown with what they stand for. "
     "Nothing "
     "is run.",
     "leat config explain\nleat config explain cp pg.orders orders.parquet --parallel 2\n",
     TAKES_RAW, 0, -1, cmd_config_explain, NULL, LEAT_ACTION_COPY},
    {"state show", "SRC DST", "Print how far deltas have come",
     "One stream a line: its name and the watermark that its destination keeps, as JSON, parted by "
     "a tab.",
     "leat state show \"$DATABASE_URL#public.\" shop.db\n    of every table\n", TAKES_PLAN, 2, 2,
     cmd_state_show, NULL, LEAT_ACTION_DELTA},
    {"state set", "SRC DST VALUE", "Set the watermark of deltas by hand",
     "VALUE is of the cursor that -d names: the next delta reads what is above it. Of a compound "
     "cursor it is a JSON array.",
     "leat state set \"$DATABASE_URL#public.orders\" shop.db 2026-11-01 -d updated_at\n"
     "    for a table that was filled by other means up to there\n",
     TAKES_PLAN, 3, 3, cmd_state_set, NULL, LEAT_ACTION_DELTA},
    {"state reset", "SRC DST", "Forget the watermark of deltas",
     "The next delta starts from the beginning.",
     "leat state reset \"$DATABASE_URL#public.orders\" shop.db\n    as if there had been none\n",
     TAKES_PLAN, 2, 2, cmd_state_reset, NULL, LEAT_ACTION_DELTA},
    {"state upgrade", "[REVISION]", "Move the store's tables to a newer revision",
     "Without a revision everything is brought up to date: the tables of runs (leat) and those of "
     "executions (dpo). A revision is an id or its beginning, head, or +1. One transaction under a "
     "lock: a move that fails leaves the tables as they were.",
     "leat state upgrade --state \"$STATE_URL\"\n    all tables, up to date\n", 0, 0, 1,
     cmd_state_upgrade, state_options, LEAT_ACTION_COPY},
    {"state downgrade", "REVISION", "Move the store's tables back to an older revision",
     "A revision is an id or its beginning, base, or -1. What the older tables have no place for "
     "is lost.",
     "leat state downgrade -1\n    one step back\n", 0, 1, 1, cmd_state_downgrade, state_options,
     LEAT_ACTION_COPY},
    {"state current", "", "Print the revisions the store's tables are at", "", "", 0, 0, 0,
     cmd_state_current, NULL, LEAT_ACTION_COPY},
    {"state history", "", "List the revisions of the store's tables", "", "", 0, 0, 0,
     cmd_state_history, NULL, LEAT_ACTION_COPY},
    {"execution init", "", "Begin an execution of a pipeline; prints its id",
     "An execution is one run of a pipeline. Its steps are begun with `leat step init`, and it "
     "ends "
     "with complete or fail.",
     "leat execution init --pipeline nightly\n    prints the id of a new one\n", 0, 0, 0,
     cmd_execution_init, init_options, LEAT_ACTION_COPY},
    {"execution last-successful", "", "Print the execution that was completed last",
     "NO_LAST_SUCCESSFUL_EXECUTION when there is none.", "", 0, 0, 0, cmd_execution_last,
     last_options, LEAT_ACTION_COPY},
    {"execution completed-at", "EXECUTION", "Print when an execution was completed",
     "ISO 8601; an empty line when it was not.", "", 0, 1, 1, cmd_execution_completed_at,
     json_options, LEAT_ACTION_COPY},
    {"execution complete", "EXECUTION", "Complete an execution", "", "", 0, 1, 1,
     cmd_execution_complete, json_options, LEAT_ACTION_COPY},
    {"execution fail", "EXECUTION", "Mark an execution as failed", "",
     "leat execution fail \"$ID\" --reason 'the source was empty'\n", 0, 1, 1, cmd_execution_fail,
     fail_options, LEAT_ACTION_COPY},
    {"execution list", "", "List executions, the newest first", "",
     "leat execution list --pipeline nightly --json\n", 0, 0, 0, cmd_execution_list, list_options,
     LEAT_ACTION_COPY},
    {"execution show", "EXECUTION", "Show an execution and its steps", "", "", 0, 1, 1,
     cmd_execution_show, json_options, LEAT_ACTION_COPY},
    {"step init", "EXECUTION NAME BASE PATTERN...",
     "Begin a step and store the checksums of its models; prints its id",
     "Models are the files below BASE that the patterns name: *, ? and [abc] within one part of a "
     "path, ** for any number of folders. A model's name is its file's without the last extension, "
     "its checksum the SHA-256 of its bytes.",
     "leat step init \"$ID\" load models '**/*.sql'\n", 0, 4, -1, cmd_step_init, step_options,
     LEAT_ACTION_COPY},
    {"step compare", "STEP [PREVIOUS]", "Print the models that changed since an earlier execution",
     "PREVIOUS is an execution; the last success of the same pipeline when not given. Without an "
     "earlier step of that name every model was added.",
     "leat step compare \"$STEP\" --changes removed\n    models that are gone\n", 0, 1, 2,
     cmd_step_compare, compare_options, LEAT_ACTION_COPY},
    {"step complete", "STEP", "Complete a step", "", "leat step complete \"$STEP\" --rows 1204\n",
     0, 1, 1, cmd_step_complete, rows_options, LEAT_ACTION_COPY},
    {"step fail", "STEP", "Mark a step as failed", "", "", 0, 1, 1, cmd_step_fail,
     step_fail_options, LEAT_ACTION_COPY},
    {"step list", "EXECUTION", "List the steps of an execution", "", "", 0, 1, 1, cmd_step_list,
     json_options, LEAT_ACTION_COPY},
    {"dpo", "[-l [LEVEL]] CONNECTION COMMAND [ARGUMENTS]",
     "Remember executions, with the command line of dpo",
     "The commands, arguments, output and exit status of the data pipeline orchestrator, on its "
     "database: an execution begun by one of the two programs can be completed by the other. "
     "CONNECTION is a SQLAlchemy connection string. Called by the name dpo (a link to it), leat is "
     "this command. `leat dpo --help` lists the commands.",
     "leat dpo postgresql+psycopg2://u:p@h/db init-execution\n    prints the id of a new one\n",
     TAKES_RAW, 0, -1, cmd_dpo, NULL, LEAT_ACTION_COPY},
    {"hp", "COMMAND [ARGUMENTS]", "Copy, compare and run pipes, with the command line of Halfpipe",
     "Halfpipe's commands, flags, HP_... variables and exit status. Called by the name hp (a link "
     "to it), leat is this command. `leat hp --help` lists the commands.",
     "leat hp cp snap pg.public.orders wh.orders\n    empties the table and loads it\n"
     "leat hp pipe -f nightly.yaml\n    runs a document of Halfpipe\n",
     TAKES_RAW, 0, -1, cmd_hp, NULL, LEAT_ACTION_COPY},
    {"dpo-migrate", "CONNECTION ACTION [REVISION]", "Move dpo's tables to another revision",
     "ACTION is upgrade or downgrade with a revision (an id or its beginning, head, base, +1, -1), "
     "current or history. It needs no extension and no superuser: a role that may create in the "
     "database will do. One transaction under a lock; an unknown revision ends with status 255.",
     "leat dpo-migrate postgresql://u:p@h/db upgrade head\n    makes the tables\n", 0, 2, 3,
     cmd_dpo_migrate, NULL, LEAT_ACTION_COPY},
    {"user login", "", "Need no passphrase for a while",
     "Keeps the key of the vault in the kernel's keyring of the user, or where there is none in a "
     "file of $XDG_RUNTIME_DIR, with an expiry. Other sessions of the same user, those of cron "
     "too, can use it.",
     "leat user login -d 8h\n    asks for the passphrase of the vault\n", 0, 0, 0, cmd_user_login,
     login_options, LEAT_ACTION_COPY},
    {"user logout", "", "Forget the key of the vault", "", "leat user logout\n    at once\n", 0, 0,
     0, cmd_user_logout, NULL, LEAT_ACTION_COPY},
    {"user status", "", "Where the vault is, what locks it, and for how long it is open", "",
     "leat user status --json\n    for a script\n", 0, 0, 0, cmd_user_status, json_options,
     LEAT_ACTION_COPY},
    {"pipe run", "FILE", "Run a document that says what to do",
     "FILE is YAML or JSON (docs/pipes.md; - is standard input): copies, deltas, syncs, diffs and "
     "statements as steps, with connections, variables, streams by pattern, hooks and times. The "
     "whole document is checked before anything runs. Steps run one after another; after a failure "
     "only those that say `if: always` or `failed`, unless --keep-going.\n\n"
     "Each run is an execution of the pipeline of the document's name: `leat execution list`.",
     "leat pipe run nightly.yaml --var day=2026-11-21\n"
     "    with a value for ${day}\n"
     "leat pipe run nightly.yaml --dry-run\n"
     "    the plan of each step, types and DDL included\n"
     "leat pipe run nightly.yaml --watch\n"
     "    as its `cron` or `every` says, until SIGTERM\n",
     TAKES_DEFAULTS, 1, 1, cmd_pipe_run, pipe_run_options, LEAT_ACTION_COPY},
    {"pipe check", "FILE", "Tell every fault of a document",
     "Each with file, line and column, and what would be right. Opens nothing, unless --connect.",
     "leat pipe check nightly.yaml\n", TAKES_DEFAULTS, 1, 1, cmd_pipe_check, pipe_check_options,
     LEAT_ACTION_COPY},
    {"pipe show", "FILE", "Print a document with everything resolved",
     "Variables and connections replaced, patterns as the streams they match now; secrets masked.",
     "leat pipe show nightly.yaml --json\n", TAKES_DEFAULTS, 1, 1, cmd_pipe_show, pipe_show_options,
     LEAT_ACTION_COPY},
    {"pipe schema", "", "Print the JSON Schema of documents", "For editors; docs/pipe.schema.json.",
     "leat pipe schema > pipe.schema.json\n", 0, 0, 0, cmd_pipe_schema, NULL, LEAT_ACTION_COPY},
    {"connectors", "[NAME]", "List the connectors, or the options of one",
     "With a name: the options it takes, in its URL (?name=value) or as flags.",
     "leat connectors postgres\n    what can be set on a PostgreSQL connection\n", 0, 0, 1,
     cmd_connectors, json_options, LEAT_ACTION_COPY},
    {"version", "", "Print the version", "", "", 0, 0, 0, cmd_version, NULL, LEAT_ACTION_COPY},
    {"complete", "[--] WORD...", "Print what may follow the words of a command line",
     "For completion scripts. The last word is the one that is completed, and may be empty. One "
     "candidate a line, with what it means behind a tab; the line :files where names of files will "
     "do as well. Behind the name of a connection and a dot come its streams, if it answers within "
     "two seconds without a question.",
     "leat complete -- cp --for\n    options of cp that begin so\n", TAKES_RAW, 0, -1, cli_complete,
     NULL, LEAT_ACTION_COPY},
    {"completion", "SHELL", "Print a completion script for bash, zsh or fish",
     "Commands, options, their choices, connections and files are completed. Source it, or put it "
     "where the shell looks for completions.",
     "source <(leat completion bash)\n    in ~/.bashrc\n"
     "source <(leat completion zsh)\n    in ~/.zshrc\n"
     "leat completion fish > ~/.config/fish/completions/leat.fish\n    once\n",
     0, 1, 1, cli_completion, NULL, LEAT_ACTION_COPY},
    {"docs", "KIND [NAME]", "Print generated documentation",
     "KIND is man (with the name of a command, or leat), commands, errors, connectors, types or "
     "halfpipe-steps. "
     "The project's own man pages and docs/ are made with it.",
     "leat docs man cp > leat-cp.1\n    one manual page\n", 0, 1, 4, cli_docs, NULL,
     LEAT_ACTION_COPY},
    {"help", "[COMMAND|errors]", "Explain a command, or all error codes", "",
     "leat help cp\nleat help errors\n", 0, 0, 3, cli_help_command, NULL, LEAT_ACTION_COPY},
    {0},
};

const struct command_family cli_families[] = {
    {"config", "Connections, default values, and the vault that keeps them"},
    {"config connections", "Connections that have names"},
    {"config defaults", "Default values of options"},
    {"config vault", "The key of the vault, and copies for other machines"},
    {"execution", "Executions of pipelines"},
    {"pipe", "Documents that say what to run"},
    {"snapshot", "Moments of a source that several runs read"},
    {"state", "The store of runs and executions"},
    {"step", "Steps of executions, and what changed since the last one"},
    {"user", "Sessions in which the vault needs no passphrase"},
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
