/* base64 (RFC 4648, section 4), with padding. */
#include "formats/json/json.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int lt_jsonl_base64_append(struct lt_buf *out, const uint8_t *data, size_t len)
{
    if (len > LT_BUF_MAX / 2 || lt_buf_reserve(out, (len + 2) / 3 * 4)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data + out->len;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i;
        unsigned bits = (unsigned)data[i] << 16 | (n > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                        (n > 2 ? data[i + 2] : 0u);
        *to++ = (uint8_t)letters[bits >> 18];
        *to++ = (uint8_t)letters[bits >> 12 & 63];
        *to++ = (uint8_t)(n > 1 ? letters[bits >> 6 & 63] : '=');
        *to++ = (uint8_t)(n > 2 ? letters[bits & 63] : '=');
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    return LEAT_OK;
}

/* 64: not one of the letters. */
static unsigned value_of(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 26u;
    }
    if (byte >= '0' && byte <= '9') {
        return byte - '0' + 52u;
    }
    return byte == '+' ? 62 : byte == '/' ? 63 : 64;
}

/* Three bytes of four letters, of which the last `pad` are padding; false for other bytes, and
 * for bits that no byte has a place for. */
static bool decode4(const uint8_t *text, unsigned pad, uint8_t to[3])
{
    unsigned bits = 0, bad = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = i < 4 - pad ? value_of(text[i]) : text[i] == '=' ? 0 : 64;
        bad |= value & 64;
        bits = bits << 6 | (value & 63);
    }
    to[0] = (uint8_t)(bits >> 16);
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)bits;
    return !bad && !(pad > 0 && to[2]) && !(pad > 1 && to[1]);
}

int lt_jsonl_base64_parse(struct lt_builder *builder, const char *text, size_t len,
                          const char **ret_why)
{
    const uint8_t *at = (const uint8_t *)text;
    struct lt_buf *data = &builder->data;
    size_t before = data->len;
    unsigned pad = len >= 4 && text[len - 1] == '=' ? 1 + (text[len - 2] == '=') : 0;
    size_t n_bytes = len / 4 * 3 - pad;
    bool fixed = builder->type.id == LT_FIXED_BINARY;
    if (len % 4) {
        return lt_refuse(ret_why, "not base64 with its padding");
    }
    if (fixed && n_bytes != (size_t)builder->type.width) {
        return lt_refuse(ret_why, "not as many bytes as its type has");
    }
    if (lt_buf_reserve(data, n_bytes + 3)) {
        return LEAT_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i += 4) {
        if (!decode4(at + i, i + 4 == len ? pad : 0, data->data + before + i / 4 * 3)) {
            data->data[before] = 0;
            return lt_refuse(ret_why, "not base64 with its padding");
        }
    }
    data->len = before + n_bytes;
    data->data[data->len] = 0;
    int status = fixed ? lt_builder_valid(builder) : lt_builder_end_value(builder);
    if (status) {
        data->len = before;
    }
    return status;
}
