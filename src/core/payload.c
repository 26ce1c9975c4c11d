/* Letting go of a payload, for both sides of the connector contract. */
#include "leat/connector.h"

#include "core/banned.h"

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
