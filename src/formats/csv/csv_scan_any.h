/* The scanner's state machine for all dialects; included by csv_scan.c, whose pieces it shares, and
 * by nothing else.
 *
 * Beside the common one it knows an escape character that takes the meaning off the byte after it,
 * comment lines, delimiters of several bytes, blanks around quotes, an end mark, and line ends that
 * belong to the data. `skip_to` is what makes escapes and long delimiters simple: special bytes
 * before it were used up already. */

static bool is_delimiter_at(const struct lt_csv_scan *scan, size_t at)
{
    const struct lt_csv_dialect *dialect = scan->dialect;
    size_t len = dialect->delimiter_len;
    return scan->text.data[at] == scan->delimiter && scan->text.len - at >= len &&
           !memcmp(scan->text.data + at, dialect->delimiter_text, len);
}

/* Up to where bytes can be judged: a delimiter whose end was not read yet cannot. */
static size_t end_of_sight(const struct lt_csv_scan *scan)
{
    size_t held = scan->whole ? 0 : (size_t)scan->dialect->delimiter_len - 1;
    return LT_MAX(scan->text.len - LT_MIN(held, scan->text.len), scan->pos);
}

/* Nothing but blanks lies between, where they do not count. */
static bool is_trimmed(const struct lt_csv_scan *scan, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (!scan->dialect->trim || (scan->text.data[i] != ' ' && scan->text.data[i] != '\t')) {
            return false;
        }
    }
    return true;
}

/* Whether the byte ends a record; *ret_end is where its text ends. */
static bool is_record_end(const struct lt_csv_scan *scan, size_t at, size_t *ret_end)
{
    uint8_t byte = scan->text.data[at];
    *ret_end = at;
    switch (scan->record_end) {
    case LT_CSV_RECORD_CR:
        return byte == '\r';
    case LT_CSV_RECORD_LF:
        return byte == '\n';
    case LT_CSV_RECORD_CRLF:
        *ret_end = at - 1;
        return byte == '\n' && at > scan->field_start && scan->text.data[at - 1] == '\r' &&
               at > scan->skip_to;
    default:
        return byte == '\n' || byte == '\r';
    }
}

/* A record of the two characters \. alone: the data ends, as in files made by COPY. */
static bool is_end_mark(const struct lt_csv_scan *scan, size_t end)
{
    return scan->dialect->end_mark && end - scan->row_start == 2 &&
           !memcmp(scan->text.data + scan->row_start, "\\.", 2);
}

static enum lt_csv_found end_record_any(struct lt_csv_scan *scan, size_t at, size_t end,
                                        size_t field_end)
{
    if (!end_field(scan, field_end)) {
        return too_long(scan, "a field of more than 256 MiB");
    }
    if (scan->ended && !is_empty_line(scan)) {
        scan->wrong = "text after the end mark \\.";
    } else if (is_end_mark(scan, end)) {
        drop_fields(scan);
        scan->ended = true;
        start_record(scan, at);
        return LT_CSV_MORE;
    }
    return end_record(scan, end, at);
}

static enum lt_csv_found line_end_any(struct lt_csv_scan *scan, size_t at, size_t end,
                                      size_t field_end)
{
    uint8_t byte = scan->text.data[at];
    if (byte == '\n' && scan->after_cr && at == scan->row_start) {
        scan->after_cr = false;
        scan->row_start = at + 1;
        scan->field_start = at + 1;
        return LT_CSV_MORE;
    }
    if (scan->record_end == LT_CSV_RECORD_AUTO) {
        if (is_stray_cr(scan, at, byte)) {
            scan->state = LT_CSV_UNQUOTED;
            return LT_CSV_MORE;
        }
        scan->after_cr = byte == '\r';
    }
    scan->line++;
    return end_record_any(scan, at + 1, end, field_end);
}

static enum lt_csv_found end_comment(struct lt_csv_scan *scan, size_t at)
{
    uint8_t byte = scan->text.data[at];
    size_t end;
    if (!is_record_end(scan, at, &end)) {
        return LT_CSV_MORE;
    }
    if (scan->record_end == LT_CSV_RECORD_AUTO) {
        bool wrong = is_stray_cr(scan, at, byte);
        scan->wrong = NULL; /* a comment may hold what it likes */
        if (wrong) {
            return LT_CSV_MORE;
        }
        scan->after_cr = byte == '\r';
    }
    scan->line++;
    scan->state = LT_CSV_UNQUOTED;
    start_record(scan, at + 1);
    return LT_CSV_MORE;
}

static enum lt_csv_found end_field_any(struct lt_csv_scan *scan, size_t at, size_t field_end)
{
    if (!end_field(scan, field_end)) {
        return too_long(scan, "a field of more than 256 MiB");
    }
    scan->field_start = at + scan->dialect->delimiter_len;
    scan->skip_to = scan->field_start;
    return LT_CSV_MORE;
}

/* A byte outside quotes; the field's text ends at `field_end` if this ends the field. */
static enum lt_csv_found outside_quotes(struct lt_csv_scan *scan, size_t at, bool quoted)
{
    size_t end;
    if (is_delimiter_at(scan, at)) {
        return end_field_any(scan, at, quoted ? scan->quote_pos : at);
    }
    if (is_record_end(scan, at, &end)) {
        return line_end_any(scan, at, end, quoted ? scan->quote_pos : end);
    }
    return LT_CSV_MORE;
}

static enum lt_csv_found unquoted_any(struct lt_csv_scan *scan, size_t at)
{
    const struct lt_csv_dialect *dialect = scan->dialect;
    uint8_t byte = scan->text.data[at];
    if (byte == dialect->comment && byte && at == scan->row_start) {
        scan->state = LT_CSV_IN_COMMENT;
        return LT_CSV_MORE;
    }
    if (byte == scan->quote && byte && is_trimmed(scan, scan->field_start, at) &&
        !scan->field_flags) {
        scan->state = LT_CSV_IN_QUOTES;
        scan->field_flags = LT_CSV_QUOTED;
        scan->field_start = at + 1;
        scan->quote_line = scan->line;
        return LT_CSV_MORE;
    }
    enum lt_csv_found found = outside_quotes(scan, at, false);
    if (found == LT_CSV_MORE && byte == '\n' && scan->field_start <= at &&
        scan->record_end != LT_CSV_RECORD_AUTO) {
        scan->line++; /* a line end in the data */
    }
    return found;
}

static enum lt_csv_found after_quote_any(struct lt_csv_scan *scan, size_t at)
{
    uint8_t byte = scan->text.data[at];
    size_t end = scan->quote_pos + 1, text_end;
    if (at == end && byte == scan->quote) {
        scan->field_flags |= LT_CSV_ESCAPED;
        scan->state = LT_CSV_IN_QUOTES;
        return LT_CSV_MORE;
    }
    bool ends = is_delimiter_at(scan, at);
    if (!ends && is_record_end(scan, at, &text_end)) {
        ends = true;
    } else {
        text_end = at;
    }
    if (ends && is_trimmed(scan, end, text_end)) {
        return outside_quotes(scan, at, true);
    }
    if (is_trimmed(scan, end, at) && !ends && byte != scan->quote) {
        return LT_CSV_MORE; /* the first byte of a delimiter, perhaps; the next one tells */
    }
    scan->wrong = "text after a closing quote";
    scan->state = LT_CSV_UNQUOTED;
    return byte == scan->quote ? LT_CSV_MORE : outside_quotes(scan, at, false);
}

/* One special byte. LT_CSV_MORE: go on. */
static enum lt_csv_found special_any(struct lt_csv_scan *scan, size_t at)
{
    uint8_t byte = scan->text.data[at];
    if (at < scan->skip_to) {
        count_line_in_quotes(scan, at, byte); /* an escaped line end is one all the same */
        return LT_CSV_MORE;
    }
    if (scan->state == LT_CSV_IN_COMMENT) {
        return end_comment(scan, at);
    }
    if (byte == scan->dialect->escape && byte && scan->state != LT_CSV_QUOTE_SEEN &&
        (scan->state == LT_CSV_IN_QUOTES || !scan->dialect->escape_in_quotes)) {
        scan->field_flags |= LT_CSV_ESCAPED;
        scan->skip_to = at + 2;
        return LT_CSV_MORE;
    }
    if (scan->state == LT_CSV_UNQUOTED) {
        return unquoted_any(scan, at);
    }
    if (scan->state == LT_CSV_QUOTE_SEEN) {
        return after_quote_any(scan, at);
    }
    if (byte == scan->quote && byte) {
        scan->quote_pos = at;
        scan->state = LT_CSV_QUOTE_SEEN;
    } else {
        count_line_in_quotes(scan, at, byte);
    }
    return LT_CSV_MORE;
}

/* All text was looked at and there will be no more. */
static enum lt_csv_found at_end_any(struct lt_csv_scan *scan)
{
    size_t end = scan->text.len;
    bool quoted = scan->state == LT_CSV_QUOTE_SEEN;
    if (scan->state == LT_CSV_IN_QUOTES) {
        return LT_CSV_CUT;
    }
    if (scan->row_start == end || scan->state == LT_CSV_IN_COMMENT) {
        return LT_CSV_END;
    }
    if (lt_buf_reserve(&scan->fields, 2 * sizeof(struct lt_csv_field))) {
        return LT_CSV_NO_MEMORY;
    }
    if (quoted && !is_trimmed(scan, scan->quote_pos + 1, end)) {
        scan->wrong = "text after a closing quote";
    } else if (scan->skip_to > end) {
        scan->wrong = "an escape character at the end of the input";
    }
    enum lt_csv_found found = end_record_any(scan, end, end, quoted ? scan->quote_pos : end);
    return found == LT_CSV_MORE ? LT_CSV_END : found;
}
