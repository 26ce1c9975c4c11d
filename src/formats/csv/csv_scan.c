/* From bytes to field positions.
 *
 * Only four bytes matter: delimiter, quote, CR and LF. They are found 64 at a time as a bit mask,
 * and the state machine is driven by them alone; all other bytes are never looked at one by one.
 * The state survives the end of the text read so far, at any byte, so that blocks of every size
 * give the same records.
 *
 * Dialects of more than that (`any`) run the same loop with two more bytes, escape and comment, and
 * a state machine of their own in csv_scan_any.h, so that the common one stays as short as it is. */
#include "formats/csv/csv.h"

#include "core/util.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64

const char lt_csv_mixed_ends[] = "some lines end in CR alone and others in LF";

void lt_csv_scan_init(struct lt_csv_scan *scan)
{
    memset(scan, 0, sizeof *scan);
    scan->delimiter = ',';
    scan->quote = '"';
    scan->line = 1;
    scan->row_line = 1;
}

void lt_csv_scan_done(struct lt_csv_scan *scan)
{
    lt_buf_done(&scan->text);
    lt_buf_done(&scan->fields);
    lt_buf_done(&scan->rows);
}

#ifdef __SSE2__

/* Bit i is set where byte i of these 64 is one of the four. */
static inline uint64_t specials(const uint8_t *text, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    __m128i is_a = _mm_set1_epi8((char)a), is_b = _mm_set1_epi8((char)b);
    __m128i is_c = _mm_set1_epi8((char)c), is_d = _mm_set1_epi8((char)d);
    uint64_t mask = 0;
    for (int i = 0; i < BLOCK / 16; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i * 16));
        __m128i hits =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, is_a), _mm_cmpeq_epi8(bytes, is_b)),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, is_c), _mm_cmpeq_epi8(bytes, is_d)));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(hits) << (i * 16);
    }
    return mask;
}

#else

/* 0x80 in every byte of `word` that equals the one repeated in `pattern`. Exact: no carry leaves
 * a byte, unlike in the shorter form of this trick. */
static uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t x = word ^ pattern;
    return ~(((x & low) + low) | x | low);
}

/* Bit i is set where byte i of these 64 is one of the four. */
static inline uint64_t specials(const uint8_t *text, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t mask = 0;
    for (int i = 0; i < BLOCK / 8; i++) {
        const uint8_t *p = text + i * 8;
        /* Little-endian by construction: byte 0 gives bit 0 on every machine. */
        uint64_t word = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
                        (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
                        (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
        uint64_t hits = equal_bytes(word, ones * a) | equal_bytes(word, ones * b) |
                        equal_bytes(word, ones * c) | equal_bytes(word, ones * d);
        /* Gathers the eight top bits into one byte, in their order. */
        mask |= (((hits >> 7) * 0x0102040810204080u) >> 56) << (i * 8);
    }
    return mask;
}

#endif

static inline __attribute__((always_inline)) uint64_t
specials_of(const struct lt_csv_scan *scan, const uint8_t *text, const bool any)
{
    uint8_t quote = scan->quote ? scan->quote : scan->delimiter;
    if (!any) {
        return specials(text, scan->delimiter, quote, '\r', '\n');
    }
    const struct lt_csv_dialect *dialect = scan->dialect;
    bool cr = scan->record_end == LT_CSV_RECORD_AUTO || scan->record_end == LT_CSV_RECORD_CR;
    uint8_t escape = dialect->escape ? dialect->escape : quote;
    uint8_t comment = dialect->comment ? dialect->comment : quote;
    return specials(text, scan->delimiter, quote, escape, comment) |
           specials(text, cr ? '\r' : '\n', '\n', '\n', '\n');
}

/* The mask of up to 64 bytes from pos on. */
static inline __attribute__((always_inline)) uint64_t specials_at(const struct lt_csv_scan *scan,
                                                                  size_t n, const bool any)
{
    if (n == BLOCK) {
        return specials_of(scan, scan->text.data + scan->pos, any);
    }
    uint8_t tail[BLOCK] = {0};
    memcpy(tail, scan->text.data + scan->pos, n);
    return specials_of(scan, tail, any) & (((uint64_t)1 << n) - 1);
}

static enum lt_csv_found too_long(struct lt_csv_scan *scan, const char *reason)
{
    scan->bad_reason = reason;
    scan->bad.line = scan->row_line;
    return LT_CSV_TOO_LONG;
}

/* Ends the field at `end`, not included. Room was made by the caller. Fields past the expected
 * number are counted, not kept. Returns false when the field is past its limit. */
static inline bool end_field(struct lt_csv_scan *scan, size_t end)
{
    size_t len = end - scan->field_start;
    if (len > LT_CSV_FIELD_MAX) {
        return false;
    }
    if (!scan->columns || scan->n_fields < scan->columns) {
        struct lt_csv_field field = {(uint32_t)scan->field_start,
                                     (uint32_t)len | scan->field_flags};
        memcpy(scan->fields.data + scan->fields.len, &field, sizeof field);
        scan->fields.len += sizeof field;
    }
    scan->n_fields++;
    scan->field_flags = 0;
    scan->state = LT_CSV_UNQUOTED;
    return true;
}

static void start_record(struct lt_csv_scan *scan, size_t at)
{
    scan->row_start = at;
    scan->field_start = at;
    scan->row_line = scan->line;
    scan->n_fields = 0;
    scan->wrong = NULL;
}

/* Removes the fields kept of the record just ended. */
static void drop_fields(struct lt_csv_scan *scan)
{
    int64_t kept = scan->columns ? LT_MIN(scan->n_fields, scan->columns) : scan->n_fields;
    scan->fields.len -= (size_t)kept * sizeof(struct lt_csv_field);
}

/* Room for a field at every byte of a block, and one more at the end of the input: end_field()
 * relies on it. */
static int make_room(struct lt_csv_scan *scan)
{
    return lt_buf_reserve(&scan->fields, (BLOCK + 1) * sizeof(struct lt_csv_field));
}

/* Completes a short record. What it adds takes from the room of the block at work, so that is made
 * again. */
static int fill_up(struct lt_csv_scan *scan, size_t end)
{
    struct lt_csv_field absent = {(uint32_t)end, LT_CSV_ABSENT};
    if (scan->n_fields >= scan->columns) {
        return LEAT_OK;
    }
    for (; scan->n_fields < scan->columns; scan->n_fields++) {
        if (lt_buf_append(&scan->fields, &absent, sizeof absent)) {
            return LEAT_NO_MEMORY;
        }
    }
    return make_room(scan);
}

static bool is_empty_line(const struct lt_csv_scan *scan)
{
    if (scan->n_fields != 1 || scan->columns <= 1) {
        return false;
    }
    struct lt_csv_field field;
    memcpy(&field, scan->fields.data + scan->fields.len - sizeof field, sizeof field);
    return field.info == 0;
}

/* Takes in the record whose last field has just ended at `end`; the next begins at `next`.
 * LT_CSV_MORE: go on. */
static enum lt_csv_found end_record(struct lt_csv_scan *scan, size_t end, size_t next)
{
    enum lt_csv_found found = LT_CSV_MORE;
    struct lt_text_record row = {(uint32_t)scan->row_start, (uint32_t)end, scan->row_line};
    if (scan->n_fields > LT_CSV_COLUMNS_MAX && !scan->columns) {
        return too_long(scan, "more than 65,536 fields in one record");
    }
    if (is_empty_line(scan)) {
        drop_fields(scan);
    } else if (scan->wrong || (scan->columns && scan->n_fields != scan->columns &&
                               !(scan->n_fields < scan->columns ? scan->fill : scan->cut))) {
        drop_fields(scan);
        scan->bad = row;
        scan->bad_reason = scan->wrong;
        scan->bad_fields = scan->n_fields;
        found = LT_CSV_BAD_RECORD;
    } else if (fill_up(scan, end) || lt_buf_append(&scan->rows, &row, sizeof row)) {
        return LT_CSV_NO_MEMORY;
    }
    start_record(scan, next);
    return found;
}

static bool is_full(const struct lt_csv_scan *scan, int64_t rows_max, int64_t bytes_max)
{
    int64_t rows = lt_csv_scan_rows(scan);
    if (!rows) {
        return false;
    }
    int64_t text = (int64_t)scan->row_start - (int64_t)lt_csv_scan_row(scan, 0)->start;
    return rows >= rows_max || text + rows * scan->row_cost >= bytes_max;
}

/* Compares a line end with the first of the file. Returns true when it is a CR alone among LFs:
 * that one does not end the record, or one field would silently become two records. The record
 * is refused either way. */
static bool is_stray_cr(struct lt_csv_scan *scan, size_t at, uint8_t byte)
{
    bool last = at + 1 == scan->text.len;
    bool alone = byte == '\r' && !last && scan->text.data[at + 1] != '\n';
    enum lt_csv_line_ends ends = alone ? LT_CSV_ENDS_CR : LT_CSV_ENDS_LF;
    if (byte == '\r' && last) {
        return false; /* of which kind the input's last byte was cannot be told, nor matters */
    }
    if (!scan->line_ends) {
        scan->line_ends = ends;
    }
    if (scan->line_ends == ends) {
        return false;
    }
    scan->wrong = lt_csv_mixed_ends;
    return alone;
}

/* A CR or LF that ends a record, or the LF of a CRLF whose CR did. */
static enum lt_csv_found line_end(struct lt_csv_scan *scan, size_t at, size_t field_end,
                                  uint8_t byte)
{
    if (byte == '\n' && scan->after_cr && at == scan->row_start) {
        scan->after_cr = false;
        scan->row_start = at + 1;
        scan->field_start = at + 1;
        return LT_CSV_MORE;
    }
    if (is_stray_cr(scan, at, byte)) {
        scan->state = LT_CSV_UNQUOTED;
        return LT_CSV_MORE;
    }
    if (!end_field(scan, field_end)) {
        return too_long(scan, "a field of more than 256 MiB");
    }
    scan->line++;
    scan->after_cr = byte == '\r';
    return end_record(scan, at, at + 1);
}

static void count_line_in_quotes(struct lt_csv_scan *scan, size_t at, uint8_t byte)
{
    if (byte == '\r') {
        scan->line++;
        scan->cr_next = at + 1;
    } else if (byte == '\n' && scan->cr_next != at) {
        scan->line++;
    }
}

/* The byte after a quote inside quotes. */
static enum lt_csv_found after_quote(struct lt_csv_scan *scan, size_t at, uint8_t byte)
{
    size_t end = scan->quote_pos;
    if (at == end + 1) {
        if (byte == scan->quote && scan->quote) {
            scan->field_flags |= LT_CSV_ESCAPED;
            scan->state = LT_CSV_IN_QUOTES;
            return LT_CSV_MORE;
        }
        if (byte == scan->delimiter) {
            if (!end_field(scan, end)) {
                return too_long(scan, "a field of more than 256 MiB");
            }
            scan->field_start = at + 1;
            return LT_CSV_MORE;
        }
        return line_end(scan, at, end, byte);
    }
    /* Where the field was to end is anybody's guess: the record is refused, and read on to its
     * end as if unquoted. */
    scan->wrong = "text after a closing quote";
    scan->state = LT_CSV_UNQUOTED;
    if (byte == scan->delimiter) {
        if (!end_field(scan, at)) {
            return too_long(scan, "a field of more than 256 MiB");
        }
        scan->field_start = at + 1;
        return LT_CSV_MORE;
    }
    return byte == scan->quote ? LT_CSV_MORE : line_end(scan, at, at, byte);
}

/* One special byte. LT_CSV_MORE: go on. */
static inline enum lt_csv_found special(struct lt_csv_scan *scan, size_t at)
{
    uint8_t byte = scan->text.data[at];
    if (scan->state == LT_CSV_UNQUOTED) {
        if (byte == scan->delimiter) {
            if (!end_field(scan, at)) {
                return too_long(scan, "a field of more than 256 MiB");
            }
            scan->field_start = at + 1;
            return LT_CSV_MORE;
        }
        if (byte == '\n' || byte == '\r') {
            return line_end(scan, at, at, byte);
        }
        if (at == scan->field_start) {
            scan->state = LT_CSV_IN_QUOTES;
            scan->field_flags = LT_CSV_QUOTED;
            scan->field_start = at + 1;
            scan->quote_line = scan->line;
        }
        return LT_CSV_MORE;
    }
    if (scan->state == LT_CSV_IN_QUOTES) {
        if (byte == scan->quote) {
            scan->quote_pos = at;
            scan->state = LT_CSV_QUOTE_SEEN;
        } else {
            count_line_in_quotes(scan, at, byte);
        }
        return LT_CSV_MORE;
    }
    return after_quote(scan, at, byte);
}

/* All text was looked at and there will be no more. */
static enum lt_csv_found at_end(struct lt_csv_scan *scan)
{
    size_t end = scan->text.len;
    if (scan->state == LT_CSV_IN_QUOTES) {
        return LT_CSV_CUT;
    }
    if (scan->row_start == end) {
        return LT_CSV_END;
    }
    if (lt_buf_reserve(&scan->fields, sizeof(struct lt_csv_field))) {
        return LT_CSV_NO_MEMORY;
    }
    if (scan->state == LT_CSV_QUOTE_SEEN && scan->quote_pos + 1 != end) {
        scan->wrong = "text after a closing quote";
    }
    size_t field_end = scan->state == LT_CSV_QUOTE_SEEN ? scan->quote_pos : end;
    if (!end_field(scan, field_end)) {
        return too_long(scan, "a field of more than 256 MiB");
    }
    enum lt_csv_found found = end_record(scan, end, end);
    return found == LT_CSV_MORE ? LT_CSV_END : found;
}

/* Before more is read: what has no end yet may already be too much. */
static enum lt_csv_found want_more(struct lt_csv_scan *scan)
{
    if (scan->text.len - scan->field_start > LT_CSV_FIELD_MAX + 2) {
        return too_long(scan, "a field of more than 256 MiB");
    }
    if (scan->text.len - scan->row_start > LT_CSV_RECORD_MAX) {
        return too_long(scan, "a record of more than 1 GiB");
    }
    if (!scan->columns && scan->n_fields > LT_CSV_COLUMNS_MAX) {
        return too_long(scan, "more than 65,536 fields in one record");
    }
    return LT_CSV_MORE;
}

#include "formats/csv/csv_scan_any.h"

/* `any` is a constant where this is inlined. */
static inline __attribute__((always_inline)) enum lt_csv_found
run(struct lt_csv_scan *scan, int64_t rows_max, int64_t bytes_max, const bool any)
{
    size_t end = any ? end_of_sight(scan) : scan->text.len;
    if (end > scan->pos && !scan->whole && scan->text.data[end - 1] == '\r') {
        end--; /* what this CR is, the byte after it says */
    }
    while (scan->pos < end) {
        size_t n = LT_MIN(end - scan->pos, (size_t)BLOCK);
        if (make_room(scan)) {
            return LT_CSV_NO_MEMORY;
        }
        size_t base = scan->pos;
        uint64_t mask = specials_at(scan, n, any);
        while (mask) {
            size_t at = base + (size_t)__builtin_ctzll(mask);
            size_t record = scan->row_start;
            mask &= mask - 1;
            enum lt_csv_found found = any ? special_any(scan, at) : special(scan, at);
            if (found == LT_CSV_MORE &&
                (scan->row_start == record || !is_full(scan, rows_max, bytes_max))) {
                continue;
            }
            scan->pos = at + 1;
            return found == LT_CSV_MORE ? LT_CSV_FULL : found;
        }
        scan->pos = base + n;
    }
    return scan->whole ? any ? at_end_any(scan) : at_end(scan) : want_more(scan);
}

enum lt_csv_found lt_csv_scan_run(struct lt_csv_scan *scan, int64_t rows_max, int64_t bytes_max)
{
    if (is_full(scan, rows_max, bytes_max)) {
        return LT_CSV_FULL;
    }
    return scan->any ? run(scan, rows_max, bytes_max, true) : run(scan, rows_max, bytes_max, false);
}

static size_t complete_fields(const struct lt_csv_scan *scan)
{
    return (size_t)(lt_csv_scan_rows(scan) * scan->columns) * sizeof(struct lt_csv_field);
}

/* All positions are so much less: the text before the record being scanned is gone. */
static void shift_down(struct lt_csv_scan *scan, size_t shift)
{
    struct lt_csv_field *fields = (struct lt_csv_field *)(void *)scan->fields.data;
    for (size_t i = 0; i < scan->fields.len / sizeof *fields; i++) {
        fields[i].start -= (uint32_t)shift;
    }
    scan->row_start = 0;
    scan->pos -= shift;
    scan->field_start -= shift;
    scan->skip_to = scan->skip_to > shift ? scan->skip_to - shift : 0;
    scan->quote_pos = scan->quote_pos > shift ? scan->quote_pos - shift : 0;
    scan->cr_next = scan->cr_next > shift ? scan->cr_next - shift : 0;
}

void lt_csv_scan_compact(struct lt_csv_scan *scan)
{
    size_t shift = scan->row_start;
    lt_buf_drop(&scan->fields, complete_fields(scan));
    lt_buf_drop(&scan->text, shift);
    lt_buf_clear(&scan->rows);
    shift_down(scan, shift);
}

static void swap(struct lt_buf *a, struct lt_buf *b)
{
    struct lt_buf kept = *a;
    *a = *b;
    *b = kept;
}

int lt_csv_scan_hand_over(struct lt_csv_scan *scan, struct lt_csv_scan *to)
{
    size_t shift = scan->row_start, complete = complete_fields(scan);
    lt_buf_clear(&to->text);
    lt_buf_clear(&to->fields);
    lt_buf_clear(&to->rows);
    if (lt_buf_append(&to->text, scan->text.data + shift, scan->text.len - shift) ||
        lt_buf_append(&to->fields, scan->fields.data + complete, scan->fields.len - complete)) {
        return LEAT_NO_MEMORY;
    }
    swap(&scan->text, &to->text);
    swap(&scan->fields, &to->fields);
    swap(&scan->rows, &to->rows);
    shift_down(scan, shift);
    return LEAT_OK;
}
