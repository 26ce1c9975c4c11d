/* The Parquet format: what it is called and how it is told. */
#include "formats/parquet/parquet.h"

#include "formats/parquet/meta.h"
#include "formats/parquet/read.h"
#include "formats/parquet/write.h"

#include <string.h>

#include "core/banned.h"

static const char *const extensions[] = {"parquet", "parq", "pq", NULL};

static bool sniff(const uint8_t *data, size_t len)
{
    return len >= 4 && (!memcmp(data, LT_PQ_MAGIC, 4) || !memcmp(data, LT_PQ_MAGIC_ENCRYPTED, 4));
}

const struct lt_format lt_format_parquet = {.name = "parquet",
                                            .summary = "Apache Parquet",
                                            .extensions = extensions,
                                            .read_options = lt_pq_read_options,
                                            .write_options = lt_pq_write_options,
                                            .binary = true,
                                            .seeks = true,
                                            .projects = true,
                                            .sniff = sniff,
                                            .read_open = lt_pq_read_open,
                                            .read_schema = lt_pq_read_schema,
                                            .read_next = lt_pq_read_next,
                                            .read_explain = lt_pq_read_explain,
                                            .read_close = lt_pq_read_close,
                                            .refuses = lt_pq_refuses,
                                            .write_open = lt_pq_write_open,
                                            .write_batch = lt_pq_write_batch,
                                            .write_finish = lt_pq_write_finish,
                                            .write_close = lt_pq_write_close,
                                            .types_in = lt_pq_types_in,
                                            .types_out = lt_pq_types_out};
