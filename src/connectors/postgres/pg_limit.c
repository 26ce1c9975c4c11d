/* What the modifiers of a column's type allow, so that nothing is rounded or cut on arrival. */
#include "connectors/postgres/pg_encode_parts.h"

#include "core/util.h"

#define HEADER_BYTES 4 /* a varlena's, which the modifiers of varchar and numeric count in */
#define NAME_BYTES_MAX 63

enum type_oid {
    OID_NAME = 19,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_NUMERIC = 1700
};

/* Bits of an interval's fields in its modifier (PostgreSQL's INTERVAL_MASK). */
#define FIELD_MONTH (1 << 1)
#define FIELD_YEAR (1 << 2)
#define FIELD_DAY (1 << 3)
#define FIELD_HOUR (1 << 10)
#define FIELD_MINUTE (1 << 11)
#define FIELD_SECOND (1 << 12)
#define FIELDS_ALL 0x7fff

/* Microseconds of one unit of the last of `digits` fraction digits; 0 for all six. */
static int64_t fraction_multiple(int32_t digits)
{
    int64_t multiple = 1;
    for (int32_t i = digits; i < 6; i++) {
        multiple *= 10;
    }
    return digits >= 0 && digits < 6 ? multiple : 0;
}

static void interval_limit(int32_t modifier, struct pg_limit *limit)
{
    int32_t fields = modifier >> 16 & FIELDS_ALL;
    limit->multiple = fraction_multiple(modifier & 0xffff);
    if (fields == FIELDS_ALL) {
        return;
    }
    limit->months = fields == FIELD_YEAR ? 12 : 0;
    limit->no_days = fields == FIELD_YEAR || !(fields & ~(FIELD_MONTH | FIELD_YEAR));
    limit->no_time = limit->no_days || fields == FIELD_DAY;
    if (fields & FIELD_HOUR && !(fields & (FIELD_MINUTE | FIELD_SECOND))) {
        limit->multiple = INT64_C(3600000000);
    } else if (fields & FIELD_MINUTE && !(fields & FIELD_SECOND)) {
        limit->multiple = INT64_C(60000000);
    }
}

void pg_limit_of(uint32_t type_oid, int32_t modifier, int server_version,
                 struct pg_limit *ret_limit)
{
    struct pg_limit limit = {0};
    switch (type_oid) {
    case OID_NAME:
        limit.bytes_max = NAME_BYTES_MAX;
        break;
    case OID_BPCHAR:
    case OID_VARCHAR:
        limit.chars_max = modifier > HEADER_BYTES ? modifier - HEADER_BYTES : 0;
        limit.padded = type_oid == OID_BPCHAR && limit.chars_max;
        break;
    case OID_NUMERIC:
        limit.finite = server_version < 140000 || modifier >= HEADER_BYTES;
        if (modifier >= HEADER_BYTES) {
            limit.precision = (modifier - HEADER_BYTES) >> 16 & 0xffff;
            limit.scale = (((modifier - HEADER_BYTES) & 0x7ff) ^ 1024) - 1024;
        }
        break;
    case OID_TIME:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        limit.multiple = fraction_multiple(modifier);
        break;
    case OID_TIMETZ:
        limit.fraction = modifier >= 0 && modifier < 6;
        limit.fraction_max = modifier;
        break;
    case OID_INTERVAL:
        if (modifier >= 0) {
            interval_limit(modifier, &limit);
        }
        break;
    default:
        break;
    }
    limit.any = limit.bytes_max || limit.chars_max || limit.finite || limit.multiple ||
                limit.fraction || limit.months || limit.no_days || limit.no_time;
    *ret_limit = limit;
}

static enum value_result text_within(const struct pg_limit *limit, const uint8_t *data, size_t len)
{
    if (limit->bytes_max) {
        return len > (size_t)limit->bytes_max ? VALUE_LONG : VALUE_OK;
    }
    while (limit->padded && len && data[len - 1] == ' ') {
        len--;
    }
    if (!limit->chars_max || len <= (size_t)limit->chars_max) {
        return VALUE_OK;
    }
    size_t chars = 0;
    for (size_t i = 0; i < len; i++) {
        chars += (data[i] & 0xc0) != 0x80;
    }
    return chars > (size_t)limit->chars_max ? VALUE_LONG : VALUE_OK;
}

/* 13:14:15.123+02: the digits after the point, without zeros at their end. */
static enum value_result fraction_within(const struct pg_limit *limit, const uint8_t *data,
                                         size_t len)
{
    const uint8_t *point = len ? memchr(data, '.', len) : NULL;
    int32_t digits = 0, n = 0;
    for (const uint8_t *at = point ? point + 1 : data + len; at < data + len; at++) {
        if (*at < '0' || *at > '9') {
            break;
        }
        n++;
        digits = *at != '0' ? n : digits;
    }
    return digits > limit->fraction_max ? VALUE_ROUNDS : VALUE_OK;
}

static enum value_result interval_within(const struct pg_limit *limit, const uint8_t *value)
{
    int32_t months, days;
    int64_t ns;
    memcpy(&months, value, 4);
    memcpy(&days, value + 4, 4);
    memcpy(&ns, value + 8, 8);
    bool whole = (!limit->months || months % limit->months == 0) && (!limit->no_days || !days) &&
                 (!limit->no_time || !ns) && (!limit->multiple || ns / 1000 % limit->multiple == 0);
    return whole ? VALUE_OK : VALUE_ROUNDS;
}

enum value_result pg_limit_check(const struct pg_limit *limit, enum pg_wire wire,
                                 const struct lt_view *view, int64_t row)
{
    size_t len;
    const uint8_t *data;
    switch (wire) {
    case PG_WIRE_TEXT:
        data = lt_view_bytes(view, row, &len);
        return text_within(limit, data, len);
    case PG_WIRE_TEXT_CAST:
        data = lt_view_bytes(view, row, &len);
        return limit->fraction ? fraction_within(limit, data, len) : VALUE_OK;
    case PG_WIRE_NUMERIC:
        if (view->type.id != LT_UTF8) {
            return VALUE_OK; /* of the column's own precision and scale: the cast has seen to it */
        }
        data = lt_view_bytes(view, row, &len);
        return pg_numeric_within((const char *)data, len, limit);
    case PG_WIRE_TIME:
    case PG_WIRE_TIMESTAMP:
        return limit->multiple && lt_view_i64(view, row) % limit->multiple ? VALUE_ROUNDS
                                                                           : VALUE_OK;
    case PG_WIRE_INTERVAL:
        return interval_within(limit, view->data + row * 16);
    default:
        return VALUE_OK;
    }
}
