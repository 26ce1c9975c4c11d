/* Any bytes as a document of Halfpipe. What must hold: nothing crashes; a document with faults tells
 * at least one, with its place; one without can be described. */
#include "pipe/halfpipe/halfpipe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void on_fault(void *arg, const struct leat_pipe_fault *fault)
{
    size_t *n = arg;
    CHECK(fault->line >= 1 && fault->column >= 1 && *fault->message);
    ++*n;
}

static void open_document(struct leat *leat, const struct lt_yaml_node *root)
{
    const struct leat_param var = {"v", "value"};
    struct lt_halfpipe *pipe = NULL;
    struct leat_error err = {0};
    char *text = NULL;
    size_t faults = 0;
    int rc = lt_halfpipe_open(leat, root, &var, 1, on_fault, &faults, &pipe, &err);
    CHECK(rc ? faults && *err.message && *err.place : !faults);
    if (!rc) {
        CHECK(!lt_halfpipe_describe(pipe, &text, &err));
        leat_text_free(text);
    }
    lt_halfpipe_free(pipe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct leat *leat;
    struct lt_yaml *yaml = NULL;
    if (!leat && leat_new(&leat, NULL)) {
        return 0;
    }
    if (!lt_yaml_parse("fuzz", (const char *)data, size, &yaml, NULL, NULL)) {
        open_document(leat, lt_yaml_root(yaml));
        lt_yaml_free(yaml);
    }
    return 0;
}
