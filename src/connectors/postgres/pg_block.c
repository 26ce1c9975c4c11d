/* Blocks of wire bytes, used again and again. */
#include "connectors/postgres/pg.h"

#include <stdlib.h>

struct pg_blocks {
    pthread_mutex_t lock; /* guards all below */
    struct pg_block *spare;
    int n_spare;
    int holders; /* the reader, and every block that is out */
};

static void block_free(struct pg_block *block)
{
    if (block) {
        lt_buf_done(&block->bytes);
        free(block);
    }
}

int pg_blocks_new(struct pg_blocks **ret_blocks, struct leat_error *err)
{
    struct pg_blocks *blocks = calloc(1, sizeof *blocks);
    if (!blocks) {
        return lt_fail_oom(err);
    }
    pthread_mutex_init(&blocks->lock, NULL);
    blocks->holders = 1;
    *ret_blocks = blocks;
    return LEAT_OK;
}

void pg_blocks_put(struct pg_blocks *blocks)
{
    if (!blocks) {
        return;
    }
    pthread_mutex_lock(&blocks->lock);
    bool last = --blocks->holders == 0;
    pthread_mutex_unlock(&blocks->lock);
    if (!last) {
        return;
    }
    while (blocks->spare) {
        struct pg_block *block = blocks->spare;
        blocks->spare = block->next;
        block_free(block);
    }
    pthread_mutex_destroy(&blocks->lock);
    free(blocks);
}

int pg_blocks_take(struct pg_blocks *blocks, struct pg_block **ret_block, struct leat_error *err)
{
    pthread_mutex_lock(&blocks->lock);
    struct pg_block *block = blocks->spare;
    if (block) {
        blocks->spare = block->next;
        blocks->n_spare--;
        blocks->holders++;
    }
    pthread_mutex_unlock(&blocks->lock);
    if (!block) {
        block = calloc(1, sizeof *block);
        /* Room for the tuple that fills it up, as long as it is a small one. */
        if (!block || lt_buf_reserve(&block->bytes, PG_BLOCK_BYTES + (16 << 10))) {
            block_free(block);
            return lt_fail_oom(err);
        }
        block->blocks = blocks;
        pthread_mutex_lock(&blocks->lock);
        blocks->holders++;
        pthread_mutex_unlock(&blocks->lock);
    }
    *ret_block = block;
    return LEAT_OK;
}

void pg_block_release(void *arg)
{
    struct pg_block *block = arg;
    if (!block) {
        return;
    }
    struct pg_blocks *blocks = block->blocks;
    /* One that a giant tuple made large is not kept. */
    bool keep = block->bytes.cap <= 2 * PG_BLOCK_BYTES;
    lt_buf_clear(&block->bytes);
    pthread_mutex_lock(&blocks->lock);
    keep = keep && blocks->n_spare < PG_BLOCKS_SPARE;
    if (keep) {
        block->next = blocks->spare;
        blocks->spare = block;
        blocks->n_spare++;
    }
    pthread_mutex_unlock(&blocks->lock);
    if (!keep) {
        block_free(block);
    }
    pg_blocks_put(blocks);
}
