/* SPDX-License-Identifier: MIT
 *
 * supply.c - the blocks of a pool: made, kept, given back.
 *
 * A block is laid out in one of two ways: in the range, where its map stands
 * in the range's, or anywhere else, with its map and slack bytes behind its
 * granules.  Empty blocks are kept for use up to a bound.  Memory is got and
 * given back only while the pool's lock is left, since that may call the
 * program's own functions.
 *
 * What it cannot do: give back a block that holds a single live object.
 */
#include "store/blocks.h"

#include <errno.h>

/* Bytes in front of a block's granules in the range. */
#define BLOCKS_RANGE_HEAD ((size_t)64)

_Static_assert(sizeof(struct block) <= BLOCKS_RANGE_HEAD, "head too short");

size_t blocks_layout(size_t head, size_t granules)
{
    return head + BLOCK_GRANULE - 1 + granules * (BLOCK_GRANULE + 2) + 2;
}

size_t blocks_fit(size_t head, size_t bytes)
{
    size_t fixed = blocks_layout(head, 0);

    return bytes < fixed ? 0 : (bytes - fixed) / (BLOCK_GRANULE + 2);
}

void blocks_lay_block(struct block *block, unsigned char *memory,
                      size_t granules)
{
    size_t shift = (size_t)(-(uintptr_t)memory % BLOCK_GRANULE);

    block->base = memory + shift;
    block->map = block->base + granules * BLOCK_GRANULE + 1;
    block->slack = block->map + granules + 1;
    block->granules = (uint32_t)granules;
    memset(block->map - 1, 0, granules + 2);
}

void blocks_lay_range_block(struct block *block, unsigned char *memory,
                            unsigned char *end)
{
    block->base = memory + (size_t)(-(uintptr_t)memory % BLOCK_GRANULE);
    block->map = range_map(range_base) +
                 (size_t)(block->base - range_base) / BLOCK_GRANULE;
    block->slack = NULL;
    block->granules = (uint32_t)((size_t)(end - block->base) / BLOCK_GRANULE);
}

void blocks_keep(struct memory_pool *mp, struct block *block)
{
    if (block != NULL && !blocks_give_carved(mp, block)) {
        block->next = mp->spare;
        mp->spare = block;
        mp->spare_bytes += block->bytes;
    }
}

void *blocks_carve(struct memory_pool *mp, size_t bytes)
{
    uint32_t granules = (uint32_t)block_granules(bytes);

    /* What lies in the range has the range's map, and can have no other. */
    if (range_has(mp)) {
        return NULL;
    }
    /* Only long chunks can be told from objects. */
    granules = granules > BLOCK_SHORT ? granules : BLOCK_SHORT + 1;
    struct heap_chunk chunk = heap_take(&mp->heap, granules);
    if (chunk.block == NULL) {
        return NULL;
    }
    sync_put(&chunk.block->map[chunk.granule], BLOCK_LONG_HELD);
    mp->carved++;
    return block_address(chunk.block, chunk.granule);
}

bool blocks_give_carved(struct memory_pool *mp, void *start)
{
    if (mp->carved == 0) {
        return false;
    }
    struct heap_chunk chunk = heap_find(&mp->heap, start);
    if (chunk.block == NULL) {
        return false;
    }
    mp->carved--;
    blocks_keep(mp, heap_give(&mp->heap, chunk));
    return true;
}

/* A block for a mark's heap, out of the main heap's. */
static struct block *blocks_carve_block(struct memory_pool *mp,
                                        size_t granules)
{
    size_t fit = blocks_fit(sizeof(struct block), BLOCKS_BLOCK_LEAST);

    granules = granules > fit ? granules : fit;
    size_t bytes = blocks_layout(sizeof(struct block), granules);
    if (block_granules(bytes) > BLOCKS_GRANULES_MOST) {
        return NULL;
    }
    struct block *block = blocks_carve(mp, bytes);
    if (block != NULL) {
        block->bytes = bytes;
        blocks_lay_block(block, (unsigned char *)(block + 1), granules);
    }
    return block;
}

struct block *blocks_surplus(struct memory_pool *mp, size_t keep)
{
    struct block *surplus = NULL;

    while (mp->spare_bytes > keep) {
        struct block *block = mp->spare;
        mp->spare = block->next;
        mp->spare_bytes -= block->bytes;
        block->next = surplus;
        surplus = block;
    }
    return surplus;
}

size_t blocks_spare_limit(const struct memory_pool *mp)
{
    return mp->kind == POOL_CACHED ? BLOCKS_SPARE_CACHED : BLOCKS_SPARE_LOCKED;
}

void blocks_release(struct memory_pool *mp, struct block *block)
{
    int error = errno; /* whatever the backing does to it */

    while (block != NULL) {
        struct block *next = block->next;
        if (range_has(block)) {
            if (block->bytes == RANGE_SLOT) {
                range_give_slot(block);
            } else {
                range_give(block, block->bytes / RANGE_SPAN);
            }
        } else {
            mp->backing.release(mp->backing.context, block, block->bytes);
        }
        block = next;
    }
    errno = error;
}

/* A spare block of at least that many granules; NULL: none. */
static struct block *blocks_take_spare(struct memory_pool *mp, size_t granules)
{
    for (struct block **link = &mp->spare; *link != NULL;
         link = &(*link)->next) {
        struct block *block = *link;
        if (block->granules >= granules) {
            *link = block->next;
            mp->spare_bytes -= block->bytes;
            return block;
        }
    }
    return NULL;
}

/* A block in the range of at least that many granules: a slot where that
 * does, so that a small pool never takes a whole span; NULL: no room. */
static struct block *blocks_acquire_range(struct memory_pool *mp,
                                        size_t granules, size_t bytes)
{
    size_t need = BLOCKS_RANGE_HEAD + granules * BLOCK_GRANULE;
    bool slot = need <= RANGE_SLOT && bytes <= RANGE_SLOT;
    size_t spans =
        ((need > bytes ? need : bytes) + RANGE_SPAN - 1) / RANGE_SPAN;
    struct block *block = slot ? range_take_slot() : range_take(spans);

    if (block != NULL) {
        unsigned char *span = (unsigned char *)block;
        block->bytes = slot ? RANGE_SLOT : spans * RANGE_SPAN;
        range_own(block, block->bytes, mp);
        blocks_lay_range_block(block, span + BLOCKS_RANGE_HEAD,
                             span + block->bytes);
    }
    return block;
}

/* The same from the pool's backing. */
static struct block *blocks_acquire_backing(struct memory_pool *mp,
                                          size_t granules, size_t bytes)
{
    size_t fit = blocks_fit(sizeof(struct block), bytes);

    granules = granules > fit ? granules : fit;
    bytes = blocks_layout(sizeof(struct block), granules);
    struct block *block =
        mp->backing.acquire(mp->backing.context, bytes, BLOCK_GRANULE);
    if (block != NULL) {
        block->bytes = bytes;
        blocks_lay_block(block, (unsigned char *)(block + 1), granules);
    }
    return block;
}

void blocks_give_up_caches(struct memory_pool *mp)
{
    if (mp->uncached) {
        return;
    }
    cache_pause(mp);
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        sync_put(&c->fast.pool, MP_INLINE_NO_POOL);
        cache_flush(c, mp);
    }
    cache_drain(mp);
    sync_put(&mp->uncached, true);
}

int blocks_grow(struct memory_pool *mp, const struct mp_handle *handle,
                size_t granules, bool *taken, struct heap_chunk *chunk)
{
    bool whole = granules > BLOCKS_WHOLE;
    struct block *block = whole ? NULL : blocks_take_spare(mp, granules);

    if (block == NULL) {
        size_t bytes = whole ? 0 : mp->next_bytes;
        if (!whole && mp->next_bytes < BLOCKS_BLOCK_MOST) {
            mp->next_bytes = mp->next_bytes == RANGE_SLOT && range_has(mp)
                                 ? RANGE_SPAN
                                 : mp->next_bytes * 2;
        }
        int error = errno; /* a backing may change it and still serve, or
                            * the pool itself may */
        lock_leave(&mp->lock, *taken);
        if (range_has(mp)) {
            block = blocks_acquire_range(mp, granules, bytes);
        }
        if (block == NULL) {
            block = blocks_acquire_backing(mp, granules, bytes);
        }
        errno = error;
        *taken = pool_enter_lock(mp);
    }
    /* Now, since marks may have come and gone while the lock was left. */
    struct mark *mark = mark_current(mp, handle);
    struct heap *heap = mark == NULL ? &mp->heap : &mark->heap;
    if (block == NULL && mark != NULL) {
        block = blocks_carve_block(mp, granules);
        whole = false;
    }
    if (block == NULL) {
        return ENOMEM;
    }
    if (!whole && !range_has(block)) {
        blocks_give_up_caches(mp);
    }
    if (range_has(block)) {
        range_rename(block, block->bytes, mp, mark != NULL);
    }
    if (!(whole ? heap_add_whole : heap_add)(heap, block)) {
        blocks_keep(mp, block);
        return ENOMEM;
    }
    if (whole) {
        chunk->block = block;
        chunk->granule = 0;
    }
    return 0;
}
