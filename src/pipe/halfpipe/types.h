/* What the types of steps do: one row each in types.c. */
#ifndef LT_PIPE_HALFPIPE_TYPES_H
#define LT_PIPE_HALFPIPE_TYPES_H

#include "pipe/halfpipe/internal.h"

extern const struct lt_halfpipe_ops hp_ops_table_input;
extern const struct lt_halfpipe_ops hp_ops_table_input_args;
extern const struct lt_halfpipe_ops hp_ops_table_input_replacements;
extern const struct lt_halfpipe_ops hp_ops_sql_exec;
extern const struct lt_halfpipe_ops hp_ops_merge_diff;
extern const struct lt_halfpipe_ops hp_ops_table_sync;
extern const struct lt_halfpipe_ops hp_ops_table_merge;
extern const struct lt_halfpipe_ops hp_ops_csv_writer;
extern const struct lt_halfpipe_ops hp_ops_manifest_writer;
extern const struct lt_halfpipe_ops hp_ops_manifest_reader;
extern const struct lt_halfpipe_ops hp_ops_date_ranges;
extern const struct lt_halfpipe_ops hp_ops_number_ranges;
extern const struct lt_halfpipe_ops hp_ops_generate;
extern const struct lt_halfpipe_ops hp_ops_filter;
extern const struct lt_halfpipe_ops hp_ops_mapper;
extern const struct lt_halfpipe_ops hp_ops_combiner;
extern const struct lt_halfpipe_ops hp_ops_cartesian;
extern const struct lt_halfpipe_ops hp_ops_bridge;
extern const struct lt_halfpipe_ops hp_ops_stdout;
extern const struct lt_halfpipe_ops hp_ops_injection;

/* Types whose place in the graph is their own. */
extern const char hp_type_bridge[], hp_type_cartesian[], hp_type_mapper[], hp_type_injection[];

#endif
