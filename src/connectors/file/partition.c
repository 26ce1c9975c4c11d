/* Writing records into directories of partitions: which partition a record belongs to, found a
 * column at a time, and a file for each partition that is open.
 *
 * Bounded memory: files opened early may gather large row groups, later ones smaller ones, and
 * when too many are open the one left alone longest is ended: its partition gets another file when
 * it comes again. */
#include "connectors/file/internal.h"

#include "columnar/text.h"
#include "columnar/view.h"
#include "core/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

#define PLACES_MAX (1 << 20)
#define NAME_BYTES_MAX 255 /* of a directory's name, on all usual file systems */
#define DAY_SECONDS 86400

/* --- texts and their numbers --------------------------------------------------------------- */

/* Numbers texts from 0 in the order they come: an open hash table. */
struct numbering {
    struct lt_buf bytes;  /* of all texts */
    struct lt_buf starts; /* size_t: where each begins; one more than there are */
    uint32_t *slots;      /* number + 1; 0: free */
    size_t n, n_slots;
};

static const uint8_t *text_of(const struct numbering *all, size_t i, size_t *ret_len)
{
    const size_t *starts = (const size_t *)(const void *)all->starts.data;
    *ret_len = starts[i + 1] - starts[i];
    return all->bytes.data ? all->bytes.data + starts[i] : NULL;
}

static int grow(struct numbering *all)
{
    size_t n_slots = all->n_slots ? all->n_slots * 2 : 64;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) {
        return LEAT_NO_MEMORY;
    }
    for (size_t i = 0; i < all->n; i++) {
        size_t len;
        const uint8_t *text = text_of(all, i, &len);
        size_t at = lt_hash(text, len) & (n_slots - 1);
        while (slots[at]) {
            at = (at + 1) & (n_slots - 1);
        }
        slots[at] = (uint32_t)i + 1;
    }
    free(all->slots);
    all->slots = slots;
    all->n_slots = n_slots;
    return LEAT_OK;
}

static int number_of(struct numbering *all, const void *text, size_t len, uint32_t *ret_number)
{
    size_t end = all->bytes.len;
    if ((!all->n_slots || all->n * 2 >= all->n_slots) && grow(all)) {
        return LEAT_NO_MEMORY;
    }
    if (!all->starts.len && lt_buf_append(&all->starts, &end, sizeof end)) {
        return LEAT_NO_MEMORY;
    }
    size_t at = lt_hash(text, len) & (all->n_slots - 1);
    for (; all->slots[at]; at = (at + 1) & (all->n_slots - 1)) {
        size_t known_len;
        const uint8_t *known = text_of(all, all->slots[at] - 1, &known_len);
        if (known_len == len && (!len || !memcmp(known, text, len))) {
            *ret_number = all->slots[at] - 1;
            return LEAT_OK;
        }
    }
    end += len;
    if (all->n >= PLACES_MAX || lt_buf_append(&all->bytes, text, len) ||
        lt_buf_append(&all->starts, &end, sizeof end)) {
        return LEAT_NO_MEMORY;
    }
    all->slots[at] = (uint32_t)++all->n;
    *ret_number = (uint32_t)all->n - 1;
    return LEAT_OK;
}

static void numbering_done(struct numbering *all)
{
    lt_buf_done(&all->bytes);
    lt_buf_done(&all->starts);
    free(all->slots);
}

/* --- partitions ---------------------------------------------------------------------------- */

struct place {
    char *within;       /* "country=DE/dt=2026-11-21/" */
    struct fc_out *out; /* open; NULL: not begun, or ended */
    int64_t used;       /* when it was written to last */
};

struct fc_parts {
    struct leat_load *load;
    struct fc_stream *stream;
    const struct fc_shared *shared;
    struct ArrowSchema schema; /* of the files */
    int64_t *kept;             /* the columns that the files have */
    struct numbering *values;  /* a partition column each: the texts of its directories */
    struct numbering keys;     /* tuples of those numbers */
    struct place *places;      /* one for each key */
    size_t n_places, n_open, open_max;
    int64_t memory;
    struct lt_buf codes;  /* uint32_t: a row's value in each partition column */
    struct lt_buf owners; /* uint32_t: a row's place */
    struct fc_outputs *outputs;
    int64_t clock;
    uint32_t next; /* number of the next file */
};

static bool is_dropped(const struct fc_stream *stream, int64_t column)
{
    for (size_t i = 0; i < stream->n_partitions; i++) {
        if (stream->partitions[i].column == column && !stream->partitions[i].unit) {
            return true;
        }
    }
    return false;
}

static int make_schema(struct fc_parts *parts, struct leat_error *err)
{
    const struct ArrowSchema *all = &parts->stream->schema;
    parts->kept = calloc((size_t)all->n_children + 1, sizeof *parts->kept);
    int status = parts->kept ? lt_schema_init_struct(&parts->schema, 0, err) : lt_fail_oom(err);
    for (int64_t i = 0; i < all->n_children && !status; i++) {
        if (!is_dropped(parts->stream, i)) {
            parts->kept[parts->schema.n_children] = i;
            status = lt_schema_add_copy(&parts->schema, all->children[i], 0, err);
        }
    }
    return status;
}

int lt_fc_parts_new(struct leat_load *load, struct fc_stream *stream,
                    const struct fc_shared *shared, struct fc_outputs *outputs,
                    struct fc_parts **ret_parts, struct leat_error *err)
{
    struct fc_parts *parts = calloc(1, sizeof *parts);
    if (!parts) {
        return lt_fail_oom(err);
    }
    parts->load = load;
    parts->stream = stream;
    parts->shared = shared;
    parts->outputs = outputs;
    parts->memory = load->ep->host->memory(load->ep->host->arg);
    parts->open_max = FC_PARTS_OPEN_MAX;
    parts->values = calloc(stream->n_partitions, sizeof *parts->values);
    int status = parts->values ? make_schema(parts, err) : lt_fail_oom(err);
    if (status) {
        lt_fc_parts_free(parts);
        return status;
    }
    *ret_parts = parts;
    return LEAT_OK;
}

void lt_fc_parts_free(struct fc_parts *parts)
{
    if (!parts) {
        return;
    }
    for (size_t i = 0; i < parts->n_places; i++) {
        lt_fc_out_close(parts->places[i].out);
        free(parts->places[i].within);
    }
    for (size_t i = 0; parts->values && i < parts->stream->n_partitions; i++) {
        numbering_done(&parts->values[i]);
    }
    numbering_done(&parts->keys);
    lt_buf_done(&parts->codes);
    lt_buf_done(&parts->owners);
    lt_schema_done(&parts->schema);
    free(parts->values);
    free(parts->places);
    free(parts->kept);
    free(parts);
}

/* --- which partition ----------------------------------------------------------------------- */

/* Hours or days since 1970, rounded down. */
static int64_t bucket(const struct lt_view *view, int64_t row, int64_t ticks)
{
    int64_t value = view->type.width == 4 ? lt_view_i32(view, row) : lt_view_i64(view, row);
    return value / ticks - (value % ticks < 0);
}

static int64_t ticks_of(const struct lt_type *type, bool hours)
{
    static const int64_t second[] = {1, 1000, 1000000, 1000000000};
    if (type->id == LT_DATE32) {
        return 1;
    }
    return (hours ? 3600 : DAY_SECONDS) *
           (type->id == LT_DATE64 ? second[LT_MILLI] : second[type->unit]);
}

static int put_bucket(int64_t value, enum fc_unit unit, struct lt_buf *out)
{
    int64_t days = unit == FC_HOUR ? value / 24 - (value % 24 < 0) : value, year;
    unsigned month, day;
    lt_date_of_days(days, &year, &month, &day);
    int failed = lt_buf_printf(out, "%04" PRId64, year);
    failed |= unit <= FC_MONTH ? lt_buf_printf(out, "-%02u", month) : LEAT_OK;
    failed |= unit <= FC_DAY ? lt_buf_printf(out, "-%02u", day) : LEAT_OK;
    failed |= unit == FC_HOUR ? lt_buf_printf(out, "-%02d", (int)(value - days * 24)) : LEAT_OK;
    return failed;
}

/* Times: most neighbours fall into one bucket, and only the first of them is looked up. */
static int code_times(struct fc_parts *parts, size_t p, const struct lt_view *view)
{
    const struct fc_partition *partition = &parts->stream->partitions[p];
    int64_t ticks = ticks_of(&view->type, partition->unit == FC_HOUR), last = 0;
    uint32_t *codes = (uint32_t *)(void *)parts->codes.data + p, number = 0;
    size_t step = parts->stream->n_partitions;
    struct lt_buf text = LT_BUF_INIT;
    bool any = false;
    int failed = LEAT_OK;
    for (int64_t row = 0; row < view->length && !failed; row++) {
        if (lt_view_is_null(view, row)) {
            codes[(size_t)row * step] = FC_NULL_CODE;
            continue;
        }
        int64_t value = bucket(view, row, ticks);
        if (!any || value != last) {
            lt_buf_clear(&text);
            failed = put_bucket(value, partition->unit, &text);
            failed = failed ? failed : number_of(&parts->values[p], text.data, text.len, &number);
            any = true;
            last = value;
        }
        codes[(size_t)row * step] = number;
    }
    lt_buf_done(&text);
    return failed;
}

static int code_values(struct fc_parts *parts, size_t p, const struct lt_view *view)
{
    uint32_t *codes = (uint32_t *)(void *)parts->codes.data + p;
    size_t step = parts->stream->n_partitions;
    bool text_type = view->type.id == LT_UTF8 || view->type.id == LT_LARGE_UTF8;
    struct lt_buf text = LT_BUF_INIT;
    int failed = LEAT_OK;
    for (int64_t row = 0; row < view->length && !failed; row++) {
        uint32_t *code = &codes[(size_t)row * step];
        *code = FC_NULL_CODE;
        if (lt_view_is_null(view, row)) {
            continue;
        }
        size_t len = 0;
        const uint8_t *bytes = text_type ? lt_view_bytes(view, row, &len) : NULL;
        if (!text_type) {
            lt_buf_clear(&text);
            failed = lt_text_format(view, row, &text);
            bytes = text.data;
            len = text.len;
        }
        failed = failed ? failed : number_of(&parts->values[p], bytes, len, code);
    }
    lt_buf_done(&text);
    return failed;
}

static int name_place(struct fc_parts *parts, const uint32_t *codes, struct place *place,
                      struct leat_error *err)
{
    struct lt_buf within = LT_BUF_INIT;
    int status = LEAT_OK;
    for (size_t p = 0; p < parts->stream->n_partitions && !status; p++) {
        const char *value = NULL;
        size_t len = 0, start = within.len;
        if (codes[p] != FC_NULL_CODE) {
            value = (const char *)text_of(&parts->values[p], codes[p], &len);
            value = value ? value : "";
        }
        if (value && memchr(value, 0, len)) {
            status = lt_fail(err, LT_E_VALUE_RANGE, "U+0000 cannot be part of a directory's name");
        } else if (lt_fc_hive_put(parts->stream->partitions[p].name, value, len, &within)) {
            status = lt_fail_oom(err);
        } else if (within.len - start > NAME_BYTES_MAX) {
            status = lt_fail(err, LT_E_VALUE_RANGE, "too long for a directory's name");
        }
        if (status) {
            leat_error_place(err, "column \"%s\"", parts->stream->partitions[p].name);
        }
    }
    place->within = status ? NULL : lt_strdup(lt_buf_text(&within));
    lt_buf_done(&within);
    return status || place->within ? status : lt_fail_oom(err);
}

static int find_owner(struct fc_parts *parts, const uint32_t *codes, uint32_t *ret_place,
                      struct leat_error *err)
{
    size_t len = parts->stream->n_partitions * sizeof *codes;
    if (parts->keys.n >= PLACES_MAX) {
        return lt_fail(err, LT_E_LIMIT, "more than %d partitions in one load", PLACES_MAX);
    }
    if (number_of(&parts->keys, codes, len, ret_place)) {
        return lt_fail_oom(err);
    }
    if (*ret_place < parts->n_places) {
        return LEAT_OK;
    }
    struct place *grown = realloc(parts->places, (parts->n_places + 1) * sizeof *grown);
    if (!grown) {
        return lt_fail_oom(err);
    }
    parts->places = grown;
    grown[parts->n_places] = (struct place){.within = NULL};
    return name_place(parts, codes, &grown[parts->n_places++], err);
}

static int find_owners(struct fc_parts *parts, const struct lt_view *batch, struct leat_error *err)
{
    size_t n = parts->stream->n_partitions, rows = (size_t)batch->length;
    lt_buf_clear(&parts->codes);
    lt_buf_clear(&parts->owners);
    int status = lt_buf_reserve(&parts->codes, rows * n * sizeof(uint32_t)) ||
                         lt_buf_reserve(&parts->owners, rows * sizeof(uint32_t))
                     ? lt_fail_oom(err)
                     : LEAT_OK;
    for (size_t p = 0; p < n && !status; p++) {
        const struct lt_view *view = &batch->children[parts->stream->partitions[p].column];
        if (parts->values[p].n >= PLACES_MAX) {
            return lt_fail(err, LT_E_LIMIT, "more than %d partitions in one load", PLACES_MAX);
        }
        status = (parts->stream->partitions[p].unit ? code_times(parts, p, view)
                                                    : code_values(parts, p, view))
                     ? lt_fail_oom(err)
                     : LEAT_OK;
    }
    const uint32_t *codes = (const uint32_t *)(const void *)parts->codes.data;
    uint32_t *owners = (uint32_t *)(void *)parts->owners.data;
    for (size_t row = 0; row < rows && !status; row++) {
        if (row && !memcmp(codes + row * n, codes + (row - 1) * n, n * sizeof *codes)) {
            owners[row] = owners[row - 1];
        } else {
            status = find_owner(parts, codes + row * n, &owners[row], err);
        }
    }
    return status;
}

/* --- files --------------------------------------------------------------------------------- */

static int end_place(struct fc_parts *parts, struct place *place, struct leat_error *err)
{
    int status = lt_fc_out_finish(place->out, err);
    status = status ? status : lt_fc_outputs_add(parts->outputs, place->out, place->within, err);
    if (!status) {
        lt_fc_out_close(place->out);
        place->out = NULL;
        parts->n_open--;
    }
    return status;
}

static int end_oldest(struct fc_parts *parts, struct leat_error *err)
{
    struct place *oldest = NULL;
    for (size_t i = 0; i < parts->n_places; i++) {
        struct place *place = &parts->places[i];
        if (place->out && (!oldest || place->used < oldest->used)) {
            oldest = place;
        }
    }
    return oldest ? end_place(parts, oldest, err) : LEAT_OK;
}

/* What an open file may keep in memory: half of it goes to the first four, a quarter to the next
 * sixteen, and so on. */
static int64_t share_of(const struct fc_parts *parts)
{
    int64_t share = parts->n_open < 4    ? parts->memory / 8
                    : parts->n_open < 20 ? parts->memory / 64
                                         : parts->memory / 1024;
    return LT_MAX(share, FC_PART_BYTES_MIN);
}

static int open_place(struct fc_parts *parts, struct place *place, struct leat_error *err)
{
    const struct lt_format *format = parts->stream->format;
    struct leat_param params[FC_PARAMS_MAX];
    char group[24], page[24];
    int status = parts->n_open >= parts->open_max ? end_oldest(parts, err) : LEAT_OK;
    int64_t share = share_of(parts);
    snprintf(group, sizeof group, "%" PRId64, share);
    snprintf(page, sizeof page, "%" PRId64,
             LT_MAX(share / (2 * LT_MAX(parts->schema.n_children, 1)), 4096));
    const struct leat_param sizes[] = {{"row-group-size", group}, {"page-size", page}};
    struct lt_format_options options = {
        .params = params,
        .n_params = lt_fc_stream_params(parts->load, parts->stream, format->write_options, params),
        .rejects = parts->shared->rejects,
        .losses = parts->shared->losses};
    for (size_t i = 0; i < LT_ARRAY_LEN(sizes); i++) {
        bool known = lt_fc_table_has(format->write_options, sizes[i].name);
        for (size_t k = 0; k < options.n_params; k++) {
            known = known && strcmp(params[k].name, sizes[i].name) != 0;
        }
        if (known && options.n_params < FC_PARAMS_MAX) {
            params[options.n_params++] = sizes[i];
        }
    }
    status = status ? status
                    : lt_format_check_options(&options, format->write_options, format->name, err);
    char *temp = status ? NULL : lt_fc_temp_path(parts->load, &parts->shared->id, parts->next++);
    if (!status && !temp) {
        return lt_fail_oom(err);
    }
    size_t buffer = (size_t)LT_MIN(share / 4, (int64_t)LT_FILE_BUFFER);
    status = status ? status
                    : lt_fc_out_open(parts->load, parts->stream, parts->shared, temp, buffer,
                                     &place->out, err);
    parts->n_open += !status;
    return status ? status : lt_fc_out_begin(place->out, &parts->schema, &options, err);
}

/* The columns of the files alone, borrowed from `batch`. */
static void keep_columns(const struct fc_parts *parts, const struct ArrowArray *batch,
                         struct ArrowArray **children, struct ArrowArray *ret_array)
{
    for (int64_t i = 0; i < parts->schema.n_children; i++) {
        children[i] = batch->children[parts->kept[i]];
    }
    *ret_array = *batch;
    ret_array->children = children;
    ret_array->n_children = parts->schema.n_children;
}

static int write_rows(struct fc_parts *parts, struct place *place, const struct ArrowArray *batch,
                      const int64_t *rows, int64_t n, struct leat_error *err)
{
    struct ArrowArray taken = {.release = NULL};
    int status = place->out ? LEAT_OK : open_place(parts, place, err);
    place->used = ++parts->clock;
    if (status || n == batch->length) {
        return status ? status : lt_fc_out_write(place->out, batch, err);
    }
    status = lt_array_take(&parts->schema, batch, rows, n, &taken, err);
    status = status ? status : lt_fc_out_write(place->out, &taken, err);
    lt_array_done(&taken);
    return status;
}

/* Rows in the order of their places; `ends` has where each place's rows end. */
static void sort_rows(const uint32_t *owners, int64_t n, size_t n_places, int64_t *rows,
                      int64_t *ends)
{
    for (int64_t row = 0; row < n; row++) {
        ends[owners[row] + 1]++;
    }
    for (size_t i = 0; i < n_places; i++) {
        ends[i + 1] += ends[i];
    }
    for (int64_t row = 0; row < n; row++) {
        rows[ends[owners[row]]++] = row;
    }
}

static int write_sorted(struct fc_parts *parts, const struct ArrowArray *batch,
                        struct leat_error *err)
{
    const uint32_t *owners = (const uint32_t *)(const void *)parts->owners.data;
    int64_t *rows = calloc((size_t)batch->length + 1, sizeof *rows);
    int64_t *ends = calloc(parts->n_places + 2, sizeof *ends);
    struct ArrowArray **children = calloc((size_t)parts->schema.n_children + 1, sizeof *children);
    int status = rows && ends && children ? LEAT_OK : lt_fail_oom(err);
    if (!status) {
        struct ArrowArray kept;
        keep_columns(parts, batch, children, &kept);
        sort_rows(owners, batch->length, parts->n_places, rows, ends);
        for (size_t i = 0; i < parts->n_places && !status; i++) {
            int64_t first = i ? ends[i - 1] : 0;
            if (ends[i] > first) {
                status =
                    write_rows(parts, &parts->places[i], &kept, rows + first, ends[i] - first, err);
            }
        }
    }
    free(rows);
    free(ends);
    free((void *)children);
    return status;
}

int lt_fc_parts_write(struct fc_parts *parts, const struct ArrowArray *batch,
                      struct leat_error *err)
{
    struct lt_view view;
    if (batch->length == 0) {
        return LEAT_OK;
    }
    int status = lt_view_init(&view, &parts->stream->schema, batch, err);
    status = status ? status : find_owners(parts, &view, err);
    lt_view_done(&view);
    return status ? status : write_sorted(parts, batch, err);
}

int lt_fc_parts_finish(struct fc_parts *parts, struct leat_error *err)
{
    int status = LEAT_OK;
    if (!parts->outputs->n && !parts->n_places) {
        /* No records: one file all the same, which says what columns there would be. */
        struct place none = {.within = (char *)(uintptr_t) ""};
        status = open_place(parts, &none, err);
        status = status ? status : end_place(parts, &none, err);
        lt_fc_out_close(none.out);
    }
    for (size_t i = 0; i < parts->n_places && !status; i++) {
        if (parts->places[i].out) {
            status = end_place(parts, &parts->places[i], err);
        }
    }
    return status;
}
