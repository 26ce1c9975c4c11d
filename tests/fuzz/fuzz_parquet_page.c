/* Values and levels of a Parquet page, and its compression: whatever the bytes, they are decoded or
 * refused. The first five bytes choose the physical type, the encoding (or a codec), how many
 * values are asked for at a time, and how many the page is said to have. */
#include "core/block_codec.h"
#include "formats/parquet/encoding.h"

#include <stdlib.h>

#define HEAD 5
#define TYPES 8
#define FLBA_WIDTH 7
#define STEP_MAX 256
/* Encodings behind the last one that is known: levels, legacy levels, codecs. */
#define ENCODINGS (LT_PQ_ENC_ALP + 1)
#define CHOICES (ENCODINGS + 2)
#define CODECS (LT_BLOCK_LZ4_HADOOP + 1)
/* A page of few bytes can hold any number of empty or repeated values. */
#define VALUES_MAX 65535
#define BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int get(struct lt_pq_decoder *decoder, enum lt_pq_type type, int64_t n)
{
    uint8_t out[STEP_MAX * 12];
    if (type == LT_PQ_BOOLEAN) {
        return lt_pq_decoder_bools(decoder, out, n, NULL);
    }
    if (type != LT_PQ_BYTE_ARRAY) {
        return lt_pq_decoder_fixed(decoder, out, n, NULL);
    }
    int32_t lengths[STEP_MAX];
    struct lt_buf bytes = LT_BUF_INIT;
    int64_t some = 0, total = 0, sum = 0;
    int status = lt_pq_decoder_measure(decoder, n, BYTES_MAX, &some, &total, NULL);
    if (!status && (some > n || (n && !some))) {
        abort();
    }
    if (!status && total <= BYTES_MAX) {
        status = lt_pq_decoder_bytes(decoder, &bytes, lengths, some, NULL);
        for (int64_t i = 0; i < some && !status; i++) {
            sum += lengths[i];
        }
        if (!status && ((int64_t)bytes.len != total || sum != total)) {
            abort();
        }
    }
    lt_buf_done(&bytes);
    return status;
}

static void values(const uint8_t *head, const uint8_t *page, size_t len)
{
    struct lt_pq_decoder *decoder = NULL;
    enum lt_pq_type type = (enum lt_pq_type)(head[0] % TYPES);
    int64_t n = head[3] | head[4] << 8, step = head[2] + 1;
    if (lt_pq_decoder_new(type, FLBA_WIDTH, &decoder, NULL)) {
        abort();
    }
    int status =
        lt_pq_decoder_page(decoder, (enum lt_pq_encoding)(head[1] % CHOICES), page, len, n, NULL);
    for (int64_t at = 0; at < n && !status; at += step) {
        status = get(decoder, type, n - at < step ? n - at : step);
    }
    lt_pq_decoder_free(decoder);
}

static void levels(const uint8_t *head, const uint8_t *page, size_t len)
{
    static uint32_t out[VALUES_MAX];
    struct lt_pq_hybrid hybrid;
    int width = head[0] % 33;
    int64_t n = head[3] | head[4] << 8, step = head[2] + 1;
    size_t used = 0;
    lt_pq_hybrid_init(&hybrid, width, page, len);
    for (int64_t at = 0; at < n; at += step) {
        int64_t k = n - at < step ? n - at : step;
        if (lt_pq_hybrid_get(&hybrid, out, k, NULL)) {
            break;
        }
        for (int64_t i = 0; i < k; i++) {
            if (width < 32 && out[i] >> width) {
                abort();
            }
        }
    }
    if (!lt_pq_bit_packed_get(width, page, len, out, n, &used, NULL) && used > len) {
        abort();
    }
}

static void blocks(const uint8_t *head, const uint8_t *page, size_t len)
{
    static struct lt_block_context *context;
    size_t raw_len = head[3] | (size_t)head[4] << 8;
    uint8_t *out = malloc(raw_len + !raw_len);
    if (!out || (!context && lt_block_context_new(&context, NULL))) {
        abort();
    }
    lt_block_unpack(context, (enum lt_block_codec)(head[0] % CODECS), page, len, out, raw_len,
                    NULL);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD) {
        return 0;
    }
    const uint8_t *page = data + HEAD;
    switch (data[1] % CHOICES) {
    case ENCODINGS:
        levels(data, page, size - HEAD);
        break;
    case ENCODINGS + 1:
        blocks(data, page, size - HEAD);
        break;
    default:
        values(data, page, size - HEAD);
    }
    return 0;
}
