#include "formats/parquet/pages.h"

#include "core/codec.h"
#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

#define HEADER_FIRST 1024 /* bytes looked at for a page header, at first */

/* How a codec of Parquet is called in block_codec.h. */
static const struct {
    enum lt_block_codec block;
    bool known;
} codecs[] = {
    [LT_PQ_CODEC_UNCOMPRESSED] = {LT_BLOCK_NONE, true},
    [LT_PQ_CODEC_SNAPPY] = {LT_BLOCK_SNAPPY, true},
    [LT_PQ_CODEC_GZIP] = {LT_BLOCK_GZIP, true},
    [LT_PQ_CODEC_BROTLI] = {LT_BLOCK_BROTLI, true},
    [LT_PQ_CODEC_LZ4] = {LT_BLOCK_LZ4_HADOOP, true},
    [LT_PQ_CODEC_ZSTD] = {LT_BLOCK_ZSTD, true},
    [LT_PQ_CODEC_LZ4_RAW] = {LT_BLOCK_LZ4, true},
};

int lt_pq_level_width(int max)
{
    int width = 0;
    for (; max > 0; max >>= 1) {
        width++;
    }
    return width;
}

int lt_pq_pages_start(struct lt_pq_pages *pages, const struct lt_pq_chunk *chunk,
                      struct leat_error *err)
{
    int64_t start = chunk->data_page_offset;
    int64_t dictionary = chunk->dictionary_page_offset; /* 0 and absent: it may still be there */
    if (dictionary > 0 && dictionary < start) {
        start = dictionary;
    }
    pages->codec = (enum lt_pq_codec)chunk->codec;
    pages->place.at = start;
    pages->place.page = 0;
    pages->place.slots_left = chunk->num_values;
    if (chunk->num_values < 0) {
        return lt_fail(err, LT_E_CORRUPT, "a column chunk of fewer than no values");
    }
    if (!chunk->num_values) {
        pages->end = start;
        return LEAT_OK;
    }
    if (start < 4 || start > pages->data_end || chunk->compressed_size < 0 ||
        chunk->compressed_size > pages->data_end - start) {
        return lt_fail(err, LT_E_CORRUPT, "a column chunk lies outside the file");
    }
    pages->end =
        start + LT_MIN(chunk->compressed_size + LT_PQ_CHUNK_SLACK, pages->data_end - start);
    if (chunk->codec < 0 || chunk->codec >= (int)LT_ARRAY_LEN(codecs) ||
        !codecs[chunk->codec].known) {
        int status = lt_fail(err, LT_E_UNSUPPORTED, "pages compressed by %s (%d) are not read",
                             lt_pq_codec_name(chunk->codec), chunk->codec);
        leat_error_remedy(err, "write the file with zstd or snappy, or leave the column out with "
                               "--columns");
        return status;
    }
    return lt_block_check(codecs[chunk->codec].block, err);
}

void lt_pq_pages_trim_window(struct lt_pq_pages *pages)
{
    if (pages->window.cap > 2 * pages->read_ahead) {
        lt_buf_done(&pages->window);
    }
}

void lt_pq_pages_trim(struct lt_pq_pages *pages)
{
    lt_pq_pages_trim_window(pages);
    if (pages->raw.cap > pages->read_ahead) {
        lt_buf_done(&pages->raw);
    }
}

void lt_pq_pages_done(struct lt_pq_pages *pages)
{
    lt_buf_done(&pages->window);
    lt_buf_done(&pages->raw);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Bytes [at, at + len) of the file, which lie before pages->end. */
static int look(struct lt_pq_pages *pages, int64_t at, size_t len, const uint8_t **ret_data,
                struct leat_error *err)
{
    struct lt_buf *window = &pages->window;
    int64_t window_end = pages->window_at + (int64_t)window->len;
    if (at < pages->window_at || at > window_end) {
        lt_buf_clear(window);
        pages->window_at = at;
    } else if ((int64_t)len > window_end - at) {
        lt_buf_drop(window, (size_t)(at - pages->window_at));
        pages->window_at = at;
    }
    size_t from = (size_t)(at - pages->window_at);
    if (len > window->len - from) {
        size_t want = LT_MAX(len, pages->read_ahead);
        want = LT_MIN(want, (size_t)(pages->end - at));
        size_t more = want - window->len;
        if (lt_buf_reserve(window, more)) {
            return lt_fail_oom(err);
        }
        int status = pages->source->ops->read_at(pages->source, at + (int64_t)window->len,
                                                 window->data + window->len, more, err);
        if (status) {
            return status;
        }
        window->len += more;
    }
    *ret_data = window->data + from;
    return LEAT_OK;
}

/* The header at pages->place.at, and past it. */
static int read_header(struct lt_pq_pages *pages, struct lt_pq_page *ret_page,
                       struct leat_error *err)
{
    int64_t left = LT_MIN(pages->end - pages->place.at, LT_PQ_HEADER_MAX);
    size_t size = (size_t)LT_MIN(left, HEADER_FIRST);
    for (;;) {
        const uint8_t *data = NULL;
        size_t used = 0;
        bool is_short = false;
        int status = look(pages, pages->place.at, size, &data, err);
        if (status) {
            return status;
        }
        status = lt_pq_page_read(data, size, ret_page, &used, &is_short, err);
        if (!status) {
            pages->place.at += (int64_t)used;
            return LEAT_OK;
        }
        if (!is_short || (int64_t)size == left) {
            return status;
        }
        size = (size_t)LT_MIN(left, (int64_t)size * 8);
    }
}

/* Checks a page's stored bytes against its checksum. */
static int check_crc(const struct lt_pq_pages *pages, const struct lt_pq_page *page,
                     const uint8_t *data, struct leat_error *err)
{
    if (!pages->verify || !page->has_crc ||
        lt_crc32(0, data, (size_t)page->compressed_size) == page->crc) {
        return LEAT_OK;
    }
    int status = lt_fail(err, LT_E_CORRUPT, "a page's bytes do not have its checksum");
    leat_error_remedy(err, "fetch or write the file again; --verify-checksums no reads it "
                           "nevertheless");
    return status;
}

/* Decompresses bytes of a page to exactly raw_len, or takes them as they are. */
static int unpack(struct lt_pq_pages *pages, bool packed, const uint8_t *data, size_t len,
                  size_t raw_len, const uint8_t **ret_data, size_t *ret_len, struct leat_error *err)
{
    *ret_data = data;
    *ret_len = len;
    if (!packed || pages->codec == LT_PQ_CODEC_UNCOMPRESSED) {
        return LEAT_OK;
    }
    *ret_len = raw_len;
    if (!raw_len) { /* nothing, which some writers do not even compress */
        return LEAT_OK;
    }
    if (raw_len > LT_PQ_RAW_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a page of more than %lld bytes", (long long)LT_PQ_RAW_MAX);
    }
    int status = lt_block_unpack_buf(pages->context, codecs[pages->codec].block, data, len,
                                     &pages->raw, raw_len, err);
    *ret_data = pages->raw.data;
    return status;
}

/* --- levels ------------------------------------------------------------------------------------ */

/* Cuts the levels off the front of a v1 page's body. */
static int cut_levels(struct lt_pq_body *body, int max, int encoding, const uint8_t **ret_levels,
                      size_t *ret_len, struct leat_error *err)
{
    uint64_t len = 0;
    if (!max) {
        return LEAT_OK;
    }
    if (encoding == LT_PQ_ENC_BIT_PACKED) {
        len = ((uint64_t)body->head.num_values * (uint64_t)lt_pq_level_width(max) + 7) / 8;
    } else if (encoding != LT_PQ_ENC_RLE) {
        return lt_fail(err, LT_E_UNSUPPORTED, "levels encoded as %s (%d) are not read",
                       lt_pq_encoding_name(encoding), encoding);
    } else if (body->values_len >= 4) {
        const uint8_t *b = body->values;
        len = (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24;
        body->values += 4;
        body->values_len -= 4;
    } else {
        len = UINT64_MAX;
    }
    if (len > body->values_len) {
        return lt_fail(err, LT_E_CORRUPT, "the levels of a page are longer than the page");
    }
    *ret_levels = body->values;
    *ret_len = (size_t)len;
    body->values += len;
    body->values_len -= (size_t)len;
    return LEAT_OK;
}

static int open_v1(struct lt_pq_pages *pages, int rep_max, int def_max, const uint8_t *data,
                   struct lt_pq_body *body, struct leat_error *err)
{
    const struct lt_pq_page *page = &body->head;
    int status = unpack(pages, true, data, (size_t)page->compressed_size,
                        (size_t)page->uncompressed_size, &body->values, &body->values_len, err);
    if (!status && page->type == LT_PQ_PAGE_DATA) {
        status = cut_levels(body, rep_max, page->rep_encoding, &body->rep, &body->rep_len, err);
        status =
            status ? status
                   : cut_levels(body, def_max, page->def_encoding, &body->def, &body->def_len, err);
    }
    return status;
}

/* Levels come first and are never compressed. */
static int open_v2(struct lt_pq_pages *pages, int rep_max, int def_max, const uint8_t *data,
                   struct lt_pq_body *body, struct leat_error *err)
{
    const struct lt_pq_page *page = &body->head;
    int64_t levels = (int64_t)page->rep_len + page->def_len;
    if (levels > page->compressed_size || levels > page->uncompressed_size) {
        return lt_fail(err, LT_E_CORRUPT, "the levels of a page are longer than the page");
    }
    if (page->num_nulls > page->num_values || (!def_max && page->num_nulls)) {
        return lt_fail(err, LT_E_CORRUPT, "a page has more nulls than it can have");
    }
    body->rep = rep_max ? data : NULL;
    body->rep_len = (size_t)page->rep_len;
    body->def = def_max ? data + page->rep_len : NULL;
    body->def_len = (size_t)page->def_len;
    return unpack(
        pages, page->is_compressed, data + levels, (size_t)(page->compressed_size - levels),
        (size_t)(page->uncompressed_size - levels), &body->values, &body->values_len, err);
}

int lt_pq_pages_next(struct lt_pq_pages *pages, int rep_max, int def_max,
                     struct lt_pq_body *ret_body, bool *ret_end, struct leat_error *err)
{
    struct lt_pq_body body = {.rep = NULL};
    const uint8_t *data = NULL;
    int status = LEAT_OK;
    *ret_end = false;
    do {
        if (!pages->place.slots_left) {
            *ret_end = true;
            return LEAT_OK;
        }
        pages->place.page++;
        if (pages->place.at >= pages->end) {
            return lt_fail(err, LT_E_CORRUPT, "its pages end %lld values early",
                           (long long)pages->place.slots_left);
        }
        status = read_header(pages, &body.head, err);
        if (!status && body.head.compressed_size > pages->end - pages->place.at) {
            status = lt_fail(err, LT_E_CORRUPT, "a page goes on behind its column chunk");
        }
        if (status) {
            return status;
        }
        data = NULL;
        status = look(pages, pages->place.at, (size_t)body.head.compressed_size, &data, err);
        pages->place.at += body.head.compressed_size;
    } while (!status && body.head.type != LT_PQ_PAGE_DATA && body.head.type != LT_PQ_PAGE_V2 &&
             body.head.type != LT_PQ_PAGE_DICTIONARY);
    status = status ? status : check_crc(pages, &body.head, data, err);
    if (!status && body.head.type != LT_PQ_PAGE_DICTIONARY) {
        if (body.head.num_values > pages->place.slots_left) {
            return lt_fail(err, LT_E_CORRUPT, "its pages hold more values than it says");
        }
        pages->place.slots_left -= body.head.num_values;
    }
    if (!status) {
        status = (body.head.type == LT_PQ_PAGE_V2 ? open_v2 : open_v1)(pages, rep_max, def_max,
                                                                       data, &body, err);
    }
    if (!status) {
        *ret_body = body;
    }
    return status;
}
