/* Decodes any bytes as COPY binary of a fixed schema, in messages cut at lengths that the bytes
 * give, and encodes again what was accepted. */
#include "columnar/array.h"
#include "columnar/schema.h"
#include "connectors/postgres/pg_codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *type;
    enum pg_wire wire;
    uint32_t oid;
} columns[] = {
    {"int32", PG_WIRE_INT4, 23},
    {"utf8", PG_WIRE_TEXT, 25},
    {"numeric", PG_WIRE_NUMERIC, 1700},
    {"decimal(20,4)", PG_WIRE_NUMERIC, 1700},
    {"decimal(60,7)", PG_WIRE_NUMERIC, 1700},
    {"list<int32>", PG_WIRE_INT4, 23},
    {"timestamp", PG_WIRE_TIMESTAMP, 1114},
    {"interval", PG_WIRE_INTERVAL, 1186},
    {"json", PG_WIRE_JSONB, 3802},
    {"list<decimal(10,2)>", PG_WIRE_NUMERIC, 1700},
    {"date", PG_WIRE_DATE, 1082},
    {"list<utf8>", PG_WIRE_TEXT, 25},
    {"utf8", PG_WIRE_CHAR, 18},
    {"decimal(19,2)", PG_WIRE_MONEY, 790},
};
#define N (sizeof columns / sizeof *columns)

static void encode_again(const struct ArrowSchema *schema, const enum pg_wire *wires,
                         const uint32_t *oids, const struct ArrowArray *batch)
{
    struct pg_encoder encoder;
    struct lt_buf out = LT_BUF_INIT;
    if (lt_array_check(schema, batch, false, NULL)) {
        abort();
    }
    if (!pg_encoder_init(&encoder, schema, wires, oids, NULL, NULL)) {
        int status = pg_encoder_batch(&encoder, batch, NULL);
        for (int64_t row = 0; row < batch->length && !status; row++) {
            bool refused;
            status = pg_encode(&encoder, row, &out, &refused, NULL);
        }
        pg_encoder_done(&encoder);
    }
    lt_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ArrowSchema schema = {.release = NULL};
    struct pg_decoder decoder = {0};
    struct ArrowArray batch = {.release = NULL};
    enum pg_wire wires[N];
    uint32_t oids[N];
    int status = lt_schema_init_struct(&schema, 0, NULL);
    for (size_t i = 0; i < N && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        char name[4] = {'c', (char)('a' + i), 0, 0};
        wires[i] = columns[i].wire;
        oids[i] = columns[i].oid;
        status = lt_type_parse(columns[i].type, &field, NULL) ||
                 lt_schema_set_name(&field, name, NULL) || lt_schema_add(&schema, &field, NULL);
        lt_schema_done(&field);
    }
    if (status || pg_decoder_init(&decoder, &schema, wires, oids, true, NULL)) {
        goto out;
    }
    decoder.header_read = size > 0 && data[0] & 1;
    for (size_t at = 1; at + 2 <= size && !status;) {
        enum pg_decoded what;
        size_t len = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        len = len < size - at ? len : size - at;
        status = pg_decode(&decoder, data + at, len, &what, NULL);
        at += len;
    }
    if (!status && !pg_decoder_finish(&decoder, &batch, NULL)) {
        encode_again(&schema, wires, oids, &batch);
    }
out:
    lt_array_done(&batch);
    pg_decoder_done(&decoder);
    lt_schema_done(&schema);
    return 0;
}
