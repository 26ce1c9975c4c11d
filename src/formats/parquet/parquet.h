/* Apache Parquet: format version 2.x as its specification (apache/parquet-format) stands.
 *
 * The folder, bottom up:
 *   thrift.h      the compact protocol, both ways
 *   meta.h        footer, page headers and indexes as structs, both ways
 *   encoding.h    values and levels <-> bytes: every encoding
 *   tree.h        the schema tree <-> Arrow schema
 *   pages.h       a column chunk's pages: read in pieces, checked, decompressed
 *   levels.h, values.h, leaf.h, nest.h   one leaf's levels and values -> Arrow's nested columns
 *   read.h        pages -> columns -> Arrow batches
 *   write.h       Arrow batches -> columns -> pages */
#ifndef LT_PARQUET_H
#define LT_PARQUET_H

#include "formats/format.h"

extern const struct lt_format lt_format_parquet;

extern const struct leat_type_in lt_pq_types_in[];
extern const struct leat_type_out lt_pq_types_out[];

#endif
