/* Any bytes as a pipe's document. What must hold: nothing crashes; it is opened, or has a fault with a
 * place; what was opened can be asked for its name and its time. Nothing is run. */
#include "leat/pipe.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void on_fault(void *arg, const struct leat_pipe_fault *fault)
{
    CHECK(fault->line >= 1 && fault->column >= 1 && *fault->message && fault->remedy);
    ++*(int *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct leat *leat;
    static char path[] = "/tmp/leat-fuzz-pipe-XXXXXX";
    static int fd = -1;
    struct leat_pipe *pipe = NULL;
    struct leat_error err = {0};
    int faults = 0;
    if (fd < 0) {
        CHECK(!leat_new(&leat, NULL));
        fd = mkstemp(path);
        CHECK(fd >= 0);
    }
    CHECK(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
    int rc = leat_pipe_open(leat, path, NULL, 0, on_fault, &faults, &pipe, &err);
    if (rc) {
        CHECK(!pipe && *err.message && (faults || rc != LEAT_INVALID));
        return 0;
    }
    CHECK(leat_pipe_name(pipe) && leat_pipe_next(pipe, 1800000000, false) >= -1);
    CHECK(!leat_pipe_set(pipe, "parallel", "2", NULL));
    leat_pipe_free(pipe);
    return 0;
}
