/* The types of steps, with their keys. */
#include "pipe/halfpipe/types.h"

const char hp_type_bridge[] = "ChannelBridge";
const char hp_type_cartesian[] = "MergeStreamsCartesian";
const char hp_type_mapper[] = "FieldMapper";
const char hp_type_injection[] = "MetadataInjection";

#define READS                                                                                      \
    {                                                                                              \
        "readDataFromStep", LT_HP_STEP, true, NULL, "the step whose records come in"               \
    }
#define CONNECTION                                                                                 \
    {                                                                                              \
        "databaseConnectionName", LT_HP_CONNECTION, true, NULL, "a name of connections"            \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, LT_HP_TEXT, false, NULL, NULL                                                        \
    }
#define STAMP                                                                                      \
    {"fileNameSuffixAppendCreationStamp", LT_HP_BOOL, false, "false",                              \
     "put the time the writer began behind the prefix"},                                           \
    {                                                                                              \
        "fileNameSuffixDateTimeFormat", LT_HP_TEXT, false, "20060102T150405",                      \
            "that time's layout, as Go has it"                                                     \
    }

static const struct lt_halfpipe_key table_input[] = {
    CONNECTION, {"sqlText", LT_HP_TEXT, true, NULL, "the query"}, END};

static const struct lt_halfpipe_key table_input_args[] = {
    CONNECTION,
    {"sqlText", LT_HP_TEXT, true, NULL,
     "the query, with ?, $1, :1, :name or @p1 where the arguments go, in their order"},
    READS,
    {"readDataUsingFields", LT_HP_LIST, true, NULL, "fields that are the arguments"},
    END};

static const struct lt_halfpipe_key table_input_replacements[] = {
    CONNECTION,
    {"sqlText", LT_HP_TEXT, true, NULL, "the query"},
    {"replacements", LT_HP_PAIRS, true, NULL, "text:its replacement, in one pass"},
    {"readDataFromStep", LT_HP_STEP, false, NULL, "a step to end before"},
    END};

static const struct lt_halfpipe_key sql_exec[] = {
    READS,
    CONNECTION,
    {"sqlQueryFieldName", LT_HP_TEXT, true, NULL, "the field that holds a statement"},
    {"sqlRowsAffectedFieldName", LT_HP_TEXT, false, NULL, "a field for the rows it changed"},
    END};

static const struct lt_halfpipe_key merge_diff[] = {
    {"readNewDataFromStep", LT_HP_STEP, true, NULL, "how it is to be, ordered by the keys"},
    {"readOldDataFromStep", LT_HP_STEP, true, NULL, "how it is, ordered by the keys"},
    {"joinKeys", LT_HP_PAIRS, true, NULL, "old field:new field of the key"},
    {"compareKeys", LT_HP_PAIRS, false, NULL, "old field:new field of what is compared"},
    {"flagFieldName", LT_HP_TEXT, true, NULL, "the field for N, C, D or I"},
    {"outputIdenticalRows", LT_HP_BOOL, false, "false", "give those that are the same, too (I)"},
    END};

#define TABLE                                                                                      \
    {"outputSchemaName", LT_HP_TEXT, false, NULL, "the table's schema"},                           \
        {"outputTable", LT_HP_TEXT, true, NULL, "the table"},                                      \
        {"commitBatchSize", LT_HP_NUMBER, false, "10000", "records of one transaction"},           \
        {"keyCols", LT_HP_PAIRS, true, NULL, "field:column of the key"},                           \
    {                                                                                              \
        "otherCols", LT_HP_PAIRS, false, NULL, "field:column of the rest"                          \
    }

static const struct lt_halfpipe_key table_sync[] = {
    READS,
    CONNECTION,
    TABLE,
    {"flagFieldName", LT_HP_TEXT, true, NULL, "the field with N, C or D"},
    {"txtBatchNumRows", LT_HP_NUMBER, false, "1000", "accepted; leat chooses itself"},
    {"commitSequenceKeyName", LT_HP_TEXT, false, "#commitSequence",
     "a field for the number of the transaction, from 1"},
    END};

static const struct lt_halfpipe_key table_merge[] = {
    READS,
    CONNECTION,
    TABLE,
    {"execBatchSize", LT_HP_NUMBER, false, "1000", "accepted; leat chooses itself"},
    END};

static const struct lt_halfpipe_key csv_writer[] = {
    READS,
    {"outputDir", LT_HP_TEXT, false, NULL, "a folder, made when it is not there; a temporary one"},
    {"fileNamePrefix", LT_HP_TEXT, true, NULL, "how names begin"},
    STAMP,
    {"fileNameExtension", LT_HP_TEXT, false, "csv", "without its dot"},
    {"useGzip", LT_HP_BOOL, false, "false", "compress, and add .gz"},
    {"headerFieldsCSV", LT_HP_LIST, false, NULL, "fields in their order; all"},
    {"maxFileRows", LT_HP_NUMBER, false, "0", "begin a new file after so many; 0: never"},
    {"maxFileBytes", LT_HP_NUMBER, false, "0", "or past so many uncompressed bytes"},
    {"outputFieldName4FilePath", LT_HP_TEXT, false, "#CSVFileName", "the field with a file's path"},
    END};

static const struct lt_halfpipe_key manifest_writer[] = {
    READS,
    {"inputFieldName4FilePath", LT_HP_TEXT, false, "#CSVFileName", "the field with a file's path"},
    {"outputDir", LT_HP_TEXT, false, NULL, "a folder; a temporary one"},
    {"fileNamePrefix", LT_HP_TEXT, true, NULL, "how its name begins"},
    STAMP,
    {"fileNameExtension", LT_HP_TEXT, true, NULL, "without its dot, such as man"},
    {"outputFieldName4ManifestDir", LT_HP_TEXT, false, "#ManifestDir", "a field for its folder"},
    {"outputFieldName4ManifestName", LT_HP_TEXT, false, "#ManifestName", "for its name"},
    {"outputFieldName4ManifestFullPath", LT_HP_TEXT, false, "#ManifestFullPath", "for both"},
    END};

static const struct lt_halfpipe_key manifest_reader[] = {
    READS,
    {"inputFieldName4ManifestName", LT_HP_TEXT, true, NULL, "the field with a manifest's name"},
    {"bucketName", LT_HP_TEXT, true, NULL, "a folder, as a path or file:PATH"},
    {"bucketPrefix", LT_HP_TEXT, false, NULL, "a folder in it"},
    {"bucketRegion", LT_HP_TEXT, false, NULL, "accepted"},
    {"outputFieldName4DataFileName", LT_HP_TEXT, false, "#DataFileName", "a field for each file"},
    END};

static const struct lt_halfpipe_key date_ranges[] = {
    READS,
    {"inputFieldName4FromDate", LT_HP_TEXT, true, NULL, "the field with the beginning"},
    {"inputFieldName4ToDate", LT_HP_TEXT, false, NULL, "the field with the end"},
    {"toDate", LT_HP_TEXT, false, NULL, "or the end itself: now, or RFC 3339"},
    {"useUTC", LT_HP_BOOL, false, "false", "accepted: points in time are in UTC"},
    {"intervalSeconds", LT_HP_NUMBER, true, NULL, "length of a range"},
    {"outputFieldName4LowDate", LT_HP_TEXT, true, NULL, "a field for a range's beginning"},
    {"outputFieldName4HiDate", LT_HP_TEXT, true, NULL, "and for its end"},
    {"passInputFieldsToOutput", LT_HP_BOOL, false, "false", "give the input's fields as well"},
    END};

static const struct lt_halfpipe_key number_ranges[] = {
    READS,
    {"inputFieldName4LowNum", LT_HP_TEXT, true, NULL, "the field with the beginning"},
    {"inputFieldName4HighNum", LT_HP_TEXT, true, NULL, "the field with the end"},
    {"intervalSize", LT_HP_NUMBER, true, NULL, "length of a range"},
    {"outputLeftPaddedNumZeros", LT_HP_NUMBER, false, "0", "digits at least, as text; 0: numbers"},
    {"outputFieldName4LowNum", LT_HP_TEXT, true, NULL, "a field for a range's beginning"},
    {"outputFieldName4HighNum", LT_HP_TEXT, true, NULL, "and for its end"},
    {"passInputFieldsToOutput", LT_HP_BOOL, false, "false", "give the input's fields as well"},
    END};

static const struct lt_halfpipe_key generate[] = {
    {"fieldNamesValuesCSV", LT_HP_PAIRS, false, NULL, "field:value of every record"},
    {"sequenceFieldName", LT_HP_TEXT, false, NULL, "a field that counts from 1"},
    {"numRows", LT_HP_NUMBER, true, NULL, "how many"},
    {"sleepIntervalSeconds", LT_HP_NUMBER, false, "0", "wait before each"},
    END};

static const struct lt_halfpipe_key filter[] = {
    READS,
    {"filterType", LT_HP_TEXT, true, NULL, "GetMax, LastRow, JsonLogic or AbortAfter"},
    {"filterMetadata", LT_HP_TEXT, false, NULL, "the field, nothing, the rule, or a number"},
    END};

static const struct lt_halfpipe_key mapper[] = {READS, END};

static const struct lt_halfpipe_key combiner[] = {
    {"readDataFromStep1", LT_HP_STEP, true, NULL, "one step"},
    {"readDataFromStep2", LT_HP_STEP, true, NULL, "the other"},
    END};

static const struct lt_halfpipe_key cartesian[] = {
    {"allowFieldOverwrite", LT_HP_BOOL, false, "false",
     "of a field that several have, take the last one instead of refusing it"},
    END};

static const struct lt_halfpipe_key bridge[] = {
    {"readDataFromStep", LT_HP_STEP, true, NULL, "a step, of another group too"}, END};

static const struct lt_halfpipe_key std_out[] = {
    READS,
    {"outputFieldsCsv", LT_HP_LIST, false, NULL, "fields in their order; all, sorted"},
    {"abortAfterNumRecords", LT_HP_NUMBER, false, "0", "fail once so many were written; 0: never"},
    END};

static const struct lt_halfpipe_key injection[] = {
    READS,
    {"executeTransformName", LT_HP_GROUP, true, NULL, "the group to be run for each record"},
    {"replaceVariableWithFieldNameCSV", LT_HP_PAIRS, true, NULL, "${variable}:field, in one pass"},
    {"replaceDateTimeUsingFormat", LT_HP_TEXT, false, "2006-01-02T15:04:05Z07:00",
     "layout of dates and times, as Go has it"},
    END};

static const struct lt_halfpipe_key later[] = {END};

const struct lt_halfpipe_type lt_halfpipe_types[] = {
    {"TableInput", "run a query: a record for each row", NULL, table_input, &hp_ops_table_input},
    {"TableInputWithArgs", "the same with arguments, taken from the last record that comes in",
     NULL, table_input_args, &hp_ops_table_input_args},
    {"TableInputWithReplacements", "the same after replacing parts of its text", NULL,
     table_input_replacements, &hp_ops_table_input_replacements},
    {"SqlExec", "run the statement that each record holds", NULL, sql_exec, &hp_ops_sql_exec},
    {"MergeDiff", "compare two ordered inputs: new (N), changed (C), deleted (D), identical (I)",
     NULL, merge_diff, &hp_ops_merge_diff},
    {"TableSync", "apply N, C and D records to a table; passes them on", NULL, table_sync,
     &hp_ops_table_sync},
    {"TableMerge", "update or insert every record by its key", NULL, table_merge,
     &hp_ops_table_merge},
    {"CSVFileWriter", "write CSV files: a record for each that is finished", NULL, csv_writer,
     &hp_ops_csv_writer},
    {"ManifestWriter", "write a list of the files, once all are there", NULL, manifest_writer,
     &hp_ops_manifest_writer},
    {"ManifestReader", "read such a list: a record for each file", NULL, manifest_reader,
     &hp_ops_manifest_reader},
    {"DateRangeGenerator", "cut the first record's span of time into ranges", NULL, date_ranges,
     &hp_ops_date_ranges},
    {"NumberRangeGenerator", "cut the first record's span of numbers into ranges", NULL,
     number_ranges, &hp_ops_number_ranges},
    {"GenerateRows", "make records out of nothing", NULL, generate, &hp_ops_generate},
    {"FilterRows", "keep the greatest, the last, those a rule says, or stop after so many", NULL,
     filter, &hp_ops_filter},
    {hp_type_mapper, "change fields by its steps", NULL, mapper, &hp_ops_mapper},
    {"ChannelCombiner", "the records of two steps, in no order", NULL, combiner, &hp_ops_combiner},
    {hp_type_cartesian, "every record of one step with every record of the others", NULL, cartesian,
     &hp_ops_cartesian},
    {hp_type_bridge, "the records of a step of another group, each time it runs", NULL, bridge,
     &hp_ops_bridge},
    {"StdOutPassThrough", "a line of JSON for each record; passes them on", NULL, std_out,
     &hp_ops_stdout},
    {hp_type_injection, "run a group for each record, with its values put in", NULL, injection,
     &hp_ops_injection},
    {"SnowflakeLoader", "load files into a table", "Snowflake", later, NULL},
    {"SnowflakeMerge", "merge files into a table", "Snowflake", later, NULL},
    {"SnowflakeSync", "apply files of changes to a table", "Snowflake", later, NULL},
    {"CopyFilesToS3", "upload files", "S3", later, NULL},
    {"S3BucketList", "list files", "S3", later, NULL},
    {"OracleContinuousQueryNotificationToRdbms", "follow a table", "Oracle", later, NULL},
    {"OracleContinuousQueryNotificationToSnowflake", "follow a table", "Oracle", later, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
