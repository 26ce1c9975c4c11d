/* Reads any bytes as a vault's file; and, sealed rightly, as what is in one. */
#include "config/vault_format.h"
#include "config/vault_items.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_vault_header header;
    struct lt_buf body = LT_BUF_INIT;
    struct lt_items items = {0}, again = {0};
    if (lt_vault_header_read(data, size, &header, NULL) == LEAT_OK) {
        struct lt_vault_secret secret = {{0}, {0}};
        memcpy(secret.check, header.check, sizeof secret.check);
        if (((uint64_t)128 * header.cost.r << header.cost.log2_n) > LT_SCRYPT_MEMORY_MAX ||
            header.body_len > size || lt_vault_unseal(&header, &secret, data, &body, NULL) == 0) {
            abort(); /* costs out of bounds, a length that lies, a forged seal */
        }
    }
    lt_buf_clear(&body);
    if (lt_items_read((const char *)data, size, &items, NULL) == LEAT_OK &&
        (lt_items_write(&items, &body, NULL) ||
         lt_items_read((const char *)body.data, body.len, &again, NULL) || again.n != items.n)) {
        abort();
    }
    lt_items_done(&items);
    lt_items_done(&again);
    lt_buf_done(&body);
    return 0;
}
