/* The options of CSV, reading and writing. What is spelled alike means the same in both. */
#include "formats/csv/csv.h"

#define DIALECTS "rfc4180|postgres|postgres-text|excel|mysql|snowflake|redshift|bigquery"

#define HELP_DIALECT "The conventions of a program, for all options below that are not given"
#define HELP_QUOTE "The character around fields that hold delimiters or line ends; none: no such"
#define HELP_ESCAPE                                                                                \
    "A character that takes the meaning off the next one, such as \\; none: a quote inside "       \
    "quotes "                                                                                      \
    "is doubled"
#define HELP_CODES                                                                                 \
    "Letters that stand for control characters behind the escape character: those of "             \
    "PostgreSQL's "                                                                                \
    "COPY (\\n \\t \\101 \\x41 ...) or of MySQL (\\n \\t \\0 \\Z ...)"
#define HELP_QUOTED_NULL "Whether a quoted null marker is null as well"
#define HELP_DECIMAL "The decimal mark of numbers: a character, or comma"
#define HELP_THOUSANDS                                                                             \
    "The mark between groups of three digits: a character, or comma, point, space; none: no such"
#define HELP_DATE "The form of dates: %d/%m/%Y and the like. By default 2024-02-29"
#define HELP_TIME "The form of times of day: %I:%M %p and the like. By default 13:14:15.5"
#define HELP_TIMESTAMP                                                                             \
    "The form of timestamps: %d.%m.%Y %H:%M:%S.%f %z and the like. By default 2024-02-29 "         \
    "13:14:15.5"
#define HELP_WORDS(word) "Words for " word "; by default true and false. Both are needed"
#define HELP_BINARY "How bytes are written: \\x and hex digits, only the digits, or base64"

const struct leat_option lt_csv_read_options[] = {
    {"dialect", LEAT_OPTION_CHOICE, NULL, DIALECTS, HELP_DIALECT},
    {"encoding", LEAT_OPTION_TEXT, "auto", "NAME",
     "The encoding, as iconv names it: latin1, windows-1252, shift_jis ... auto: UTF-8, or UTF-16 "
     "where a byte order mark or zero bytes tell"},
    {"delimiter", LEAT_OPTION_TEXT, NULL, "TEXT",
     "One to 8 bytes: a character, \\t, \\x01, ||, or tab, comma, semicolon, pipe, space. Without "
     "it the first lines decide among , ; tab and |, and a name ending in .tsv means tab"},
    {"quote", LEAT_OPTION_TEXT, NULL, "CHAR",
     HELP_QUOTE ". Without it the double quote, or the single one where only that encloses fields"},
    {"escape", LEAT_OPTION_TEXT, "none", "CHAR", HELP_ESCAPE},
    {"escape-codes", LEAT_OPTION_CHOICE, "none", "none|postgres|mysql", HELP_CODES},
    {"comment", LEAT_OPTION_TEXT, "none", "CHAR",
     "Lines that begin with this character are skipped"},
    {"skip-lines", LEAT_OPTION_INT, "0", "N", "Lines before the header that are skipped"},
    {"header", LEAT_OPTION_CHOICE, "yes", "auto|yes|no",
     "Whether the first record names the columns. auto: when none of its fields is empty, doubled, "
     "or reads as a number, date, time or boolean. Without a header they are column1, column2 ..."},
    {"null", LEAT_OPTION_TEXT, "", "TEXT,...",
     "The unquoted fields that mean null. By default the empty one; with others, the empty field "
     "is the empty text"},
    {"null-quoted", LEAT_OPTION_BOOL, "false", NULL, HELP_QUOTED_NULL},
    {"trim", LEAT_OPTION_BOOL, "false", NULL,
     "Take blanks and tabs off both ends of unquoted fields, and from around quotes"},
    {"decimal", LEAT_OPTION_TEXT, ".", "CHAR", HELP_DECIMAL},
    {"thousands", LEAT_OPTION_TEXT, "none", "CHAR", HELP_THOUSANDS},
    {"date-format", LEAT_OPTION_TEXT, NULL, "PATTERN", HELP_DATE},
    {"time-format", LEAT_OPTION_TEXT, NULL, "PATTERN", HELP_TIME},
    {"timestamp-format", LEAT_OPTION_TEXT, NULL, "PATTERN", HELP_TIMESTAMP},
    {"true", LEAT_OPTION_TEXT, NULL, "WORD,...", HELP_WORDS("true")},
    {"false", LEAT_OPTION_TEXT, NULL, "WORD,...", HELP_WORDS("false")},
    {"binary", LEAT_OPTION_CHOICE, "hex", "hex|plain-hex|base64", HELP_BINARY},
    {"sample-rows", LEAT_OPTION_INT, "20480", "N",
     "Records looked at to infer column types, of the first 4 MiB at most; 0: all is text"},
    {"types", LEAT_OPTION_LIST, NULL, "COLUMN=TYPE,...",
     "Types of columns, instead of inferred ones"},
    {"ragged", LEAT_OPTION_CHOICE, "error", "error|fill|drop-extra|fit",
     "Records with too few or too many fields are errors; fill: missing fields are null; "
     "drop-extra: fields too many are left out; fit: both"},
    {"record-end", LEAT_OPTION_CHOICE, "auto", "auto|lf|crlf|cr",
     "What ends a record. auto: LF and CRLF, or CR alone; else other line ends belong to the data"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

const struct leat_option lt_csv_write_options[] = {
    {"dialect", LEAT_OPTION_CHOICE, NULL, DIALECTS, HELP_DIALECT},
    {"encoding", LEAT_OPTION_TEXT, "utf-8", "NAME",
     "The encoding, as iconv names it: latin1, windows-1252, utf-16le ... Characters that it lacks "
     "are errors"},
    {"bom", LEAT_OPTION_BOOL, "false", NULL, "Begin with a byte order mark"},
    {"delimiter", LEAT_OPTION_TEXT, NULL, "TEXT",
     "One to 8 bytes: a character, \\t, \\x01, ||, or tab, comma, semicolon, pipe, space. Without "
     "it a comma, or tab for a name ending in .tsv"},
    {"quote", LEAT_OPTION_TEXT, "\"", "CHAR", HELP_QUOTE},
    {"quoting", LEAT_OPTION_CHOICE, "needed", "needed|text|all",
     "Which fields are quoted: those that need it, all text, or all that are not null"},
    {"escape", LEAT_OPTION_TEXT, "none", "CHAR", HELP_ESCAPE},
    {"escape-codes", LEAT_OPTION_CHOICE, "none", "none|postgres|mysql", HELP_CODES},
    {"comment", LEAT_OPTION_TEXT, "none", "CHAR",
     "The character that would make a line a comment: records do not begin with it"},
    {"header", LEAT_OPTION_BOOL, "true", NULL, "Begin with a record of the column names"},
    {"null", LEAT_OPTION_TEXT, "", "TEXT,...",
     "What is written for null, unquoted (the first, of several). Text that equals it is quoted"},
    {"null-quoted", LEAT_OPTION_BOOL, "false", NULL, HELP_QUOTED_NULL},
    {"decimal", LEAT_OPTION_TEXT, ".", "CHAR", HELP_DECIMAL},
    {"thousands", LEAT_OPTION_TEXT, "none", "CHAR", HELP_THOUSANDS},
    {"date-format", LEAT_OPTION_TEXT, NULL, "PATTERN", HELP_DATE},
    {"time-format", LEAT_OPTION_TEXT, NULL, "PATTERN", HELP_TIME},
    {"timestamp-format", LEAT_OPTION_TEXT, NULL, "PATTERN", HELP_TIMESTAMP},
    {"true", LEAT_OPTION_TEXT, NULL, "WORD,...", HELP_WORDS("true")},
    {"false", LEAT_OPTION_TEXT, NULL, "WORD,...", HELP_WORDS("false")},
    {"binary", LEAT_OPTION_CHOICE, "hex", "hex|plain-hex|base64", HELP_BINARY},
    {"line-ending", LEAT_OPTION_CHOICE, "lf", "lf|crlf|cr", "What ends each record"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};
