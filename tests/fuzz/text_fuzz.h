/* What the fuzzers of the text formats share: a source of short reads, and values as text. */
#ifndef LT_TEXT_FUZZ_H
#define LT_TEXT_FUZZ_H

#include "../short_source.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "formats/format.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void print_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                               struct lt_buf *out)
{
    struct lt_view view;
    CHECK(!lt_view_init(&view, schema, batch, NULL));
    for (int64_t row = 0; row < view.length; row++) {
        for (int64_t i = 0; i < view.n_children; i++) {
            bool null = lt_view_is_null(&view.children[i], row);
            CHECK(!lt_buf_puts(out, null ? "\x01" : "\x02"));
            CHECK(null || !lt_text_format(&view.children[i], row, out));
        }
        CHECK(!lt_buf_byte(out, '\n'));
    }
    lt_view_done(&view);
}

static inline void print_schema(const struct ArrowSchema *schema, struct lt_buf *out)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        CHECK(!lt_buf_puts(out, schema->children[i]->name) && !lt_buf_byte(out, ' '));
        CHECK(!lt_type_print(schema->children[i], out) && !lt_buf_byte(out, '\n'));
    }
}

static inline void expect_same(const struct lt_buf *a, const struct lt_buf *b)
{
    CHECK(a->len == b->len);
    CHECK(!a->len || !memcmp(a->data, b->data, a->len));
}

#endif
