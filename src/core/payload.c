/* Letting go of what crosses the connector contract, for both sides of it. */
#include "leat/connector.h"

#include <stdlib.h>

#include "core/banned.h"

void leat_x_bounds_release(struct leat_bounds *bounds)
{
    for (size_t i = 0; bounds && i < LEAT_CURSOR_COLUMNS_MAX; i++) {
        free(bounds->low[i]);
        free(bounds->high[i]);
        bounds->low[i] = bounds->high[i] = NULL;
    }
    if (bounds) {
        free(bounds->settled);
        bounds->settled = NULL;
    }
}

void leat_x_payload_release(struct leat_payload *payload)
{
    if (!payload) {
        return;
    }
    if (payload->kind == LEAT_PAYLOAD_BATCH && payload->batch.release) {
        payload->batch.release(&payload->batch);
        payload->batch.release = NULL;
    } else if (payload->kind == LEAT_PAYLOAD_BYTES || payload->kind == LEAT_PAYLOAD_OBJECTS) {
        if (payload->bytes_release) {
            payload->bytes_release(payload->bytes_arg);
        }
        payload->bytes_release = NULL;
        payload->bytes = NULL;
        payload->bytes_len = 0;
    }
    payload->kind = LEAT_PAYLOAD_NONE;
}
