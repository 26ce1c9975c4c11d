/* A file's bytes: its codec and format, by what was said, by name and by first bytes. */
#include "connectors/file/internal.h"

#include "core/ahead.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

#define AHEAD_MIN ((int64_t)1 << 20) /* bytes of a compressed file that is worth a thread */

/* --- looking ahead ------------------------------------------------------------------------- */

struct peek_source {
    struct lt_source base;
    struct lt_source *inner;
    size_t len, at; /* of the bytes looked at */
    uint8_t data[FC_PEEK];
};

static void follow(struct peek_source *peek)
{
    peek->base.position = peek->inner->position - (int64_t)(peek->len - peek->at);
}

static int peek_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                     struct leat_error *err)
{
    struct peek_source *peek = (struct peek_source *)source;
    if (peek->at < peek->len) {
        *ret_len = LT_MIN(size, peek->len - peek->at);
        memcpy(data, peek->data + peek->at, *ret_len);
        peek->at += *ret_len;
        follow(peek);
        return LEAT_OK;
    }
    int status = lt_source_read(peek->inner, data, size, ret_len, err);
    peek->base.position = peek->inner->position;
    return status;
}

static int peek_read_at(struct lt_source *source, int64_t offset, void *data, size_t size,
                        struct leat_error *err)
{
    struct peek_source *peek = (struct peek_source *)source;
    return peek->inner->ops->read_at(peek->inner, offset, data, size, err);
}

static void peek_close(struct lt_source *source)
{
    struct peek_source *peek = (struct peek_source *)source;
    lt_source_close(peek->inner);
    free(peek);
}

static const struct lt_source_ops peek_ops = {.read = peek_read, .close = peek_close};
static const struct lt_source_ops peek_seek_ops = {
    .read = peek_read, .read_at = peek_read_at, .close = peek_close};

int lt_fc_peek(struct lt_source *inner, struct lt_source **ret_source, const uint8_t **ret_data,
               size_t *ret_len, struct leat_error *err)
{
    struct peek_source *peek = calloc(1, sizeof *peek);
    int status = peek ? lt_source_read_full(inner, peek->data, sizeof peek->data, &peek->len, err)
                      : lt_fail_oom(err);
    if (status) {
        free(peek);
        lt_source_close(inner);
        return status;
    }
    peek->base.ops = inner->ops->read_at ? &peek_seek_ops : &peek_ops;
    peek->base.name = inner->name; /* lives as long as inner */
    peek->base.size = inner->size;
    peek->inner = inner;
    *ret_source = &peek->base;
    *ret_data = peek->data;
    *ret_len = peek->len;
    return LEAT_OK;
}

/* --- bytes --------------------------------------------------------------------------------- */

/* The format that was said, or that the name tells; NULL: the first bytes have to. A flag of the
 * command reaches both its sides, and a name that tells a format is the better witness of what is
 * read. */
static const struct lt_format *said_format(const struct leat_endpoint *ep,
                                           const struct fc_read *read)
{
    size_t stem = strlen(read->path);
    lt_codec_of_path(read->path, &stem);
    const struct lt_format *named = lt_format_by_path(read->path, stem);
    const struct lt_format *said = ep->format && ep->format_is_flag && named ? named : ep->format;
    said = said ? said : named;
    return read->format ? read->format : said;
}

/* The codec: by its magic bytes, as the URL says, else by name. A flag of the command is meant for
 * what is written, whose format may know codecs that no file as a whole is compressed with; and
 * Arrow's own option is not the file's. */
static int choose_codec(struct leat_endpoint *ep, const struct fc_read *read, const uint8_t *data,
                        size_t len, enum lt_codec *ret_codec, struct leat_error *err)
{
    size_t stem = strlen(read->path);
    const struct lt_format *format = said_format(ep, read);
    if (read->codec_known) {
        *ret_codec = read->codec;
        return LEAT_OK;
    }
    enum lt_codec sniffed = len >= 4 ? lt_codec_sniff(data, len) : LT_CODEC_NONE;
    enum lt_codec named = lt_codec_of_path(read->path, &stem);
    *ret_codec = sniffed ? sniffed : named;
    if (ep->compression && !sniffed && (!format || !format->binary)) {
        return lt_codec_parse(ep->compression, ret_codec, err);
    }
    return LEAT_OK;
}

static int unknown_format(const struct fc_read *read, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_INVALID, "neither its name nor its first bytes tell the format");
    leat_error_place(err, "%s", read->path);
    leat_error_remedy(err, "say --format with one of %s", lt_fc_options[0].choices);
    return status;
}

/* The file's bytes, looked at, with the codec undone. */
static int open_plain(struct leat_endpoint *ep, const struct fc_read *read, struct fc_bytes *bytes,
                      const uint8_t **ret_data, size_t *ret_len, struct leat_error *err)
{
    struct lt_file_options options = lt_fc_file_options(ep);
    struct lt_source *source = NULL;
    int status = ep->program ? lt_fc_program_source(&ep->bytes, &source, err)
                             : lt_source_file(read->path, &options, &source, err);
    status = status ? status : lt_fc_peek(source, &source, ret_data, ret_len, err);
    if (status) {
        return status;
    }
    status = choose_codec(ep, read, *ret_data, *ret_len, &bytes->codec, err);
    if (status) {
        lt_source_close(source);
        return status;
    }
    if (bytes->codec != LT_CODEC_NONE) {
        status = lt_source_decompress(source, bytes->codec, &source, err);
        if (!status && read->threads > 1 && source->size >= AHEAD_MIN) {
            status = lt_source_ahead(source, &source, err);
        }
        status = status ? status : lt_fc_peek(source, &source, ret_data, ret_len, err);
    }
    bytes->source = status ? NULL : source;
    return status;
}

int lt_fc_open_bytes(struct leat_endpoint *ep, const struct fc_read *read,
                     struct fc_bytes *ret_bytes, struct leat_error *err)
{
    struct fc_bytes bytes = {.source = NULL};
    const uint8_t *data = NULL;
    size_t len = 0;
    int status = open_plain(ep, read, &bytes, &data, &len, err);
    if (status) {
        return status;
    }
    bytes.format = said_format(ep, read);
    bytes.format = bytes.format ? bytes.format : lt_format_sniff(data, len);
    if (!bytes.format) {
        lt_source_close(bytes.source);
        return unknown_format(read, err);
    }
    bytes.spooled = bytes.format->seeks && (!bytes.source->ops->read_at || bytes.source->size < 0);
    if (bytes.spooled) {
        struct lt_file_options options = lt_fc_file_options(ep);
        status = lt_source_spool(bytes.source, &options, &bytes.source, err);
    }
    if (!status) {
        *ret_bytes = bytes;
    }
    return status;
}
