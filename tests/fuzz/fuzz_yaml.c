/* Any bytes as a document. What must hold: nothing crashes; what was read can be walked as a tree
 * within the bound; every place lies in the text; a fault has a place. */
#include "pipe/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static size_t walk(const struct lt_yaml_node *node, size_t lines, int depth)
{
    size_t weight = 64 + node->len;
    CHECK(depth <= LT_YAML_DEPTH_MAX && node->line >= 1 && (size_t)node->line <= lines);
    CHECK(node->column >= 1);
    CHECK(node->kind == LT_YAML_SCALAR ? node->text && strlen(node->text) == node->len
                                       : !node->text);
    for (size_t i = 0; i < node->n; i++) {
        weight += walk(node->items[i], lines, depth + 1);
        if (node->kind == LT_YAML_MAP) {
            CHECK(lt_yaml_get(node, node->keys[i]->text) == node->items[i]);
        }
    }
    return weight;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_yaml *yaml = NULL;
    struct lt_yaml_place fault = {0};
    struct leat_error err = {0};
    size_t lines = 2;
    for (size_t i = 0; i < size; i++) {
        /* U+0085, U+2028 and U+2029 end lines too. */
        lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 ||
                 data[i] == 0xa9;
    }
    int rc = lt_yaml_parse("fuzz", (const char *)data, size, &yaml, &fault, &err);
    if (rc) {
        CHECK(rc == LEAT_INVALID && *err.message && *err.place && fault.line >= 1);
        CHECK((size_t)fault.line <= lines && fault.column >= 1);
    } else {
        walk(lt_yaml_root(yaml), lines, 0);
        lt_yaml_free(yaml);
    }
    return 0;
}
