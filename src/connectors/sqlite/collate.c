/* Orders that SQLite does not know: numbers and times kept as text. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include "core/banned.h"

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t len = LT_MIN(a_len, b_len);
    int order = len ? memcmp(a, b, len) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* A Z is no part of the time: 13:14:15Z is before 13:14:15.5Z. */
static int compare_times(void *arg, int a_len, const void *a, int b_len, const void *b)
{
    const uint8_t *x = a, *y = b;
    (void)arg;
    a_len -= a_len > 0 && x[a_len - 1] == 'Z';
    b_len -= b_len > 0 && y[b_len - 1] == 'Z';
    return compare_bytes(x, (size_t)a_len, y, (size_t)b_len);
}

/* A decimal number's digits without zeros in front and at the end of the fraction. */
struct digits {
    int sign; /* -1, 0, 1 */
    const uint8_t *whole, *fraction;
    size_t n_whole, n_fraction;
};

static struct digits digits_of(const uint8_t *text, size_t len)
{
    struct digits d = {.sign = 1};
    const uint8_t *end = text + len;
    if (len && (*text == '-' || *text == '+')) {
        d.sign = *text++ == '-' ? -1 : 1;
    }
    while (text < end && *text == '0') {
        text++;
    }
    d.whole = text;
    while (text < end && *text >= '0' && *text <= '9') {
        text++;
    }
    d.n_whole = (size_t)(text - d.whole);
    d.fraction = text + (text < end && *text == '.');
    d.n_fraction = (size_t)(end - d.fraction);
    while (d.n_fraction && d.fraction[d.n_fraction - 1] == '0') {
        d.n_fraction--;
    }
    d.sign = d.n_whole || d.n_fraction ? d.sign : 0;
    return d;
}

/* NaN is above all, as PostgreSQL has it; the infinities are what they say. */
static int rank_of(const uint8_t *text, size_t len)
{
    if (len && (text[0] == 'N' || text[0] == 'n')) {
        return 2;
    }
    bool negative = len && text[0] == '-';
    bool infinite = len > negative && (text[negative] | 0x20) == 'i';
    return infinite ? (negative ? -1 : 1) : 0;
}

static int compare_numbers(void *arg, int a_len, const void *a, int b_len, const void *b)
{
    int x_rank = rank_of(a, (size_t)a_len), y_rank = rank_of(b, (size_t)b_len);
    struct digits x = digits_of(a, (size_t)a_len), y = digits_of(b, (size_t)b_len);
    (void)arg;
    if (x_rank || y_rank || x.sign != y.sign) {
        int left = x_rank * 2 + (x_rank ? 0 : x.sign), right = y_rank * 2 + (y_rank ? 0 : y.sign);
        return (left > right) - (left < right);
    }
    int order = (x.n_whole > y.n_whole) - (x.n_whole < y.n_whole);
    order = order ? order : compare_bytes(x.whole, x.n_whole, y.whole, y.n_whole);
    order = order ? order : compare_bytes(x.fraction, x.n_fraction, y.fraction, y.n_fraction);
    return x.sign < 0 ? -order : order;
}

int lt_sq_collations(struct sq_conn *conn, struct leat_error *err)
{
    static const struct {
        const char *name;
        int (*compare)(void *arg, int a_len, const void *a, int b_len, const void *b);
    } collations[] = {{SQ_COLLATE_TIME, compare_times}, {SQ_COLLATE_NUMBER, compare_numbers}};
    for (size_t i = 0; i < LT_ARRAY_LEN(collations); i++) {
        int rc = conn->api->sqlite3_create_collation_v2(conn->db, collations[i].name, SQLITE_UTF8,
                                                        NULL, collations[i].compare, NULL);
        if (rc) {
            return lt_sq_fail(conn, rc, err, "cannot add the order of %s", collations[i].name);
        }
    }
    return LEAT_OK;
}
