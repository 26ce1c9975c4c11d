/* Every error code users can see, in one table: code, status, default remedy, explanation.
 * docs/errors.md and `leat help errors` are generated from it. Codes are stable: scripts
 * match on them. Keep the rows sorted by code. */
#ifndef LT_CODES_H
#define LT_CODES_H

#include "leat/error.h"

#define LT_CODE_MAP(X)                                                                             \
    X(CANCELLED, "cancelled", LEAT_CANCELLED, "run the same command again",                        \
      "The run was asked to stop (a signal, or the embedding program) and left nothing behind.")   \
    X(CAST, "cast", LEAT_INVALID, "choose another type with --cast column=type",                   \
      "One type cannot be turned into another at all, whatever the values.")                       \
    X(COLUMN_MISMATCH, "column-mismatch", LEAT_INVALID,                                            \
      "--columns, --rename or --cast bring the source in line; --recreate replaces the "           \
      "definition",                                                                                \
      "Columns of the source and of the existing destination table do not fit. Every one is "      \
      "listed, and no record was read.")                                                           \
    X(COMPLETED, "completed", LEAT_CONFLICT, "begin another execution, or --reopen this one",      \
      "A step was to be added to an execution that is completed.")                                 \
    X(CONFLICT, "conflict", LEAT_CONFLICT, "run again; nothing else should write there meanwhile", \
      "The destination, or its record of the last load, changed under the run. Nothing was "       \
      "committed.")                                                                                \
    X(CORRUPT, "corrupt-file", LEAT_BAD_DATA, "fetch or write the file again",                     \
      "A file or stream breaks the rules of its own format.")                                      \
    X(COUNT_MISMATCH, "count-mismatch", LEAT_BAD_DATA, "run it again",                             \
      "The destination does not hold as many records as were read. The load was not committed.")   \
    X(DENIED, "denied", LEAT_DENIED, "check user, password and privileges",                        \
      "The system refused the login, or a privilege is missing.")                                  \
    X(DESTINATION_BUSY, "destination-busy", LEAT_UNAVAILABLE,                                      \
      "wait for the other run to end, or raise --lock-timeout",                                    \
      "Another run, or another session's lock, holds the destination.")                            \
    X(DESTINATION_HOLDS_ROWS, "destination-holds-rows", LEAT_CONFLICT,                             \
      "say --replace or --append",                                                                 \
      "The destination holds rows that leat did not write from this source, and nothing said "     \
      "what should become of them.")                                                               \
    X(DISORDER, "disorder", LEAT_BAD_DATA, "please report this with the types of the key columns", \
      "A system gave records in another order than it was asked for, so they cannot be compared.") \
    X(DUPLICATE_COLUMN, "duplicate-column", LEAT_INVALID, "rename one with --rename old=new",      \
      "Two columns of one stream have the same name.")                                             \
    X(DUPLICATE_KEY, "duplicate-key", LEAT_BAD_DATA,                                               \
      "name columns that are unique together with -p",                                             \
      "Two records have the same key, so they cannot be told apart.")                              \
    X(DUPLICATE_MODEL, "duplicate-model", LEAT_CONFLICT,                                           \
      "rename one file, or --duplicates last lets the later one count",                            \
      "Two files of one step have the same name, their extensions apart.")                         \
    X(EMPTY_SOURCE, "empty-source", LEAT_CONFLICT, "--allow-empty if that is meant",               \
      "The source gave no rows and the destination holds some: replacing was refused.")            \
    X(EXISTS, "exists", LEAT_CONFLICT, "--replace if that is meant",                               \
      "Something of that name is there, and was left as it is.")                                   \
    X(HOOK, "hook", LEAT_INVALID, "what it printed is above",                                      \
      "A command that a pipe runs before or after a step ended with another status than 0.")       \
    X(ID_TAKEN, "id-taken", LEAT_CONFLICT, "leave the id out, or choose another",                  \
      "An execution was to be begun under an id that is in use.")                                  \
    X(INTERNAL, "internal", LEAT_INTERNAL, "please report this with the command that shows it",    \
      "A bug in leat.")                                                                            \
    X(INVALID, "invalid", LEAT_INVALID, "", "The request or the configuration is wrong.")          \
    X(INVALID_UTF8, "invalid-utf8", LEAT_BAD_DATA,                                                 \
      "convert the source to UTF-8, or read the column as binary",                                 \
      "Text that is not valid UTF-8.")                                                             \
    X(IO, "io", LEAT_UNAVAILABLE, "", "Reading or writing failed in the operating system.")        \
    X(LEASE_HELD, "lease-held", LEAT_CONFLICT, "wait for its holder to end",                       \
      "Another process, here or on another machine, is doing the same thing and must be alone.")   \
    X(LEASE_LOST, "lease-lost", LEAT_CONFLICT, "run again",                                        \
      "The store could not be told in time that this process is alive, so that another may have "  \
      "taken its place.")                                                                          \
    X(LIMIT, "limit", LEAT_NO_MEMORY, "raise --memory, or make the values smaller",                \
      "A named limit of leat was reached.")                                                        \
    X(MODULE, "module-missing", LEAT_UNSUPPORTED, "install the library it names",                  \
      "A connector or client library is not installed, or cannot be loaded.")                      \
    X(NO_MEMORY, "no-memory", LEAT_NO_MEMORY, "lower --memory or --parallel",                      \
      "The operating system gave no more memory.")                                                 \
    X(NO_SPACE, "no-space", LEAT_NO_SPACE, "free some space and run again",                        \
      "The disk, quota or tablespace of the destination is full.")                                 \
    X(NO_TERMINAL, "no-terminal", LEAT_UNSUPPORTED, "",                                            \
      "There is a question, and no terminal to ask it on.")                                        \
    X(NOT_FOUND, "not-found", LEAT_NOT_FOUND, "",                                                  \
      "A namespace, stream, column or file that does "                                             \
      "not exist.")                                                                                \
    X(NOT_NULL, "not-null", LEAT_BAD_DATA, "--on-error skip --rejects FILE sets such rows aside",  \
      "A null for a column that the destination declares NOT NULL.")                               \
    X(NULL_CURSOR, "null-cursor", LEAT_BAD_DATA,                                                   \
      "--null-cursor skip leaves such records out, include takes them every time",                 \
      "A record without a value in its cursor column: whether it is new cannot be told.")          \
    X(NULL_KEY, "null-key", LEAT_BAD_DATA, "name columns that are never null with -p",             \
      "A record with a null in its key.")                                                          \
    X(OPEN_TRANSACTION, "open-transaction", LEAT_BAD_DATA, "add COMMIT",                           \
      "Statements began a transaction and did not end it: it was rolled back.")                    \
    X(OUTCOME_UNKNOWN, "outcome-unknown", LEAT_OUTCOME_UNKNOWN,                                    \
      "run the same command again: it asks first what became of this load",                        \
      "A connection was lost, or a disk failed, while the load was being committed, and the "      \
      "destination could not be asked.")                                                           \
    X(PIPE, "pipe", LEAT_INVALID, "`leat pipe check FILE` lists every fault of it",                \
      "A document that says what to run is wrong; file, line and column are named.")               \
    X(REFERENCE, "reference", LEAT_NOT_FOUND, "",                                                  \
      "A ${env:...}, ${file:...} or ${cmd:...} in a connection gave no value.")                    \
    X(SERVER, "server", LEAT_BAD_DATA, "",                                                         \
      "The database server refused a statement or a row; "                                         \
      "its own words and SQLSTATE are in the message.")                                            \
    X(SOURCE_CHANGED, "source-changed", LEAT_CONFLICT,                                             \
      "`leat state reset` makes the next run start from the beginning",                            \
      "What an earlier run has read of the source is there no more, or is not the same.")          \
    X(SOURCE_CUT, "source-cut", LEAT_UNAVAILABLE, "run again",                                     \
      "The source ended before its end: a connection lost, a file truncated; or a file was "       \
      "written to, or a table truncated, while it was read. A short read is never taken for the "  \
      "end of the data.")                                                                          \
    X(STATE_SCHEMA, "state-schema", LEAT_INVALID, "`leat state upgrade` brings it up to date",     \
      "The tables of leat's own records are missing, older or newer than this version of leat "    \
      "needs.")                                                                                    \
    X(TOO_MANY_DELETES, "too-many-deletes", LEAT_CONFLICT, "raise --max-delete if that is meant",  \
      "More rows would be deleted than --max-delete allows. Nothing was changed.")                 \
    X(TOO_MANY_REJECTS, "too-many-rejects", LEAT_BAD_DATA,                                         \
      "mend the source, or raise --max-errors",                                                    \
      "More records were rejected than --max-errors allows.")                                      \
    X(UNAVAILABLE, "unavailable", LEAT_UNAVAILABLE, "run again later",                             \
      "A passing fault: network, restart, throttle.")                                              \
    X(UNKNOWN_COLUMN, "unknown-column", LEAT_NOT_FOUND, "",                                        \
      "A column named on the command line is not in the stream.")                                  \
    X(UNKNOWN_OPTION, "unknown-option", LEAT_INVALID, "see --help",                                \
      "An option, command or parameter that does not exist.")                                      \
    X(UNKNOWN_SCHEME, "unknown-scheme", LEAT_INVALID, "`leat connectors` lists what there is",     \
      "No connector or format goes by that name.")                                                 \
    X(UNSUPPORTED, "unsupported", LEAT_UNSUPPORTED, "",                                            \
      "This connector or format cannot do what was asked.")                                        \
    X(UNSUPPORTED_TYPE, "unsupported-type", LEAT_UNSUPPORTED,                                      \
      "--cast column=utf8 or --on-loss text carry it as text; --columns leaves it out",            \
      "The destination has no place for a type of the source.")                                    \
    X(USAGE, "usage", LEAT_INVALID, "see --help", "The command line is wrong.")                    \
    X(VALUE_RANGE, "value-range", LEAT_BAD_DATA,                                                   \
      "--cast column=utf8 or --on-loss text keep it as text; --on-loss null leaves it out",        \
      "A value does not fit the type it is to have.")                                              \
    X(VALUE_SYNTAX, "value-syntax", LEAT_BAD_DATA,                                                 \
      "--cast column=utf8, or --on-error skip --rejects FILE",                                     \
      "A text cannot be read as the type of its column.")                                          \
    X(VAULT_DAMAGED, "vault-damaged", LEAT_BAD_DATA,                                               \
      "put back a copy of the file, or move it away and begin anew",                               \
      "The vault, or a key of it, is not as leat wrote it: cut short, changed, or not a vault.")   \
    X(VAULT_LOCKED, "vault-locked", LEAT_DENIED, "`leat user login`, or set LEAT_PASSPHRASE",      \
      "Nothing that was at hand unlocks the vault, and nobody could be asked.")                    \
    X(VAULT_PERMISSIONS, "vault-permissions", LEAT_DENIED, "",                                     \
      "Others may read or change the vault, its key, or the directory they lie in.")               \
    X(VERIFY_MISMATCH, "verify-mismatch", LEAT_BAD_DATA, "run again; if it stays, please report",  \
      "The checksums of what was read and of what the destination holds differ. The load was "     \
      "not committed.")                                                                            \
    X(WRONG_PASSPHRASE, "wrong-passphrase", LEAT_DENIED, "try again",                              \
      "The passphrase, or the key file, is not the one that the vault is locked by.")

enum lt_code {
#define LT_CODE_ENUM(name, code, status, remedy, text) LT_E_##name,
    LT_CODE_MAP(LT_CODE_ENUM)
#undef LT_CODE_ENUM
        LT_CODES_N
};

struct lt_code_row {
    const char *code;
    enum leat_status status;
    const char *remedy;
    const char *text;
};

extern const struct lt_code_row lt_codes[LT_CODES_N];

/* Fills *err with the code's status, its default remedy, and the message; returns the status.
 * The caller adds leat_error_place(), and leat_error_remedy() where it knows a better one. */
int lt_fail(struct leat_error *err, enum lt_code code, const char *fmt, ...) LEAT_PRINTF(3, 4);

/* The same after a failed system call: appends strerror(sys_errno), and lets the errno choose
 * the code where it says more (ENOSPC, EACCES, ENOENT, ENOMEM, EISDIR ...). */
int lt_fail_errno(struct leat_error *err, int sys_errno, const char *fmt, ...) LEAT_PRINTF(3, 4);

/* What LT_E_OPEN_TRANSACTION says, of every system. */
#define LT_OPEN_TRANSACTION "a transaction is still open, so nothing of it was kept"

/* LT_E_NO_MEMORY with a fixed message. */
int lt_fail_oom(struct leat_error *err);

/* Writes one line: [code] place: message; remedy. Returns its length, as snprintf. */
int lt_error_format(const struct leat_error *err, char *text, size_t size);

#endif
