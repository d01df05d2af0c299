/* SPDX-License-Identifier: MIT
 *
 * recycle.c - destroyed pools, kept to be made again.
 *
 * What is kept is a pool in the range that is nothing special any more: it has
 * no name, no marks or memory for them, no tree, no other thread's cache, no
 * handle, and no more blocks than RECYCLE_BYTES besides its slot.  All of its
 * numbers are set back when it is given, so that taking one is short.
 *
 * What it cannot do: serve another thread than the one that made the pool, or
 * give memory back while the thread runs.  Slot, blocks and cache of
 * RECYCLE_MOST pools, some 70 KiB each, are what a thread keeps at most.
 */
#include "pool/recycle.h"

#include <stdlib.h>

#include "store/blocks.h"
#include "pool/tree.h"

/* Pools that a thread keeps, and bytes of spare blocks in each. */
#define RECYCLE_MOST 16u
#define RECYCLE_BYTES (RANGE_SLOT + RANGE_SPAN)

/* Says whether the pool's memory holds pointers that count. */
static void recycle_show(const struct memory_pool *mp, bool shown)
{
    (shown ? range_show : range_hide)(mp, mp->bytes);
    for (const struct block *b = mp->spare; b != NULL; b = b->next) {
        (shown ? range_show : range_hide)(b, b->bytes);
    }
}

struct memory_pool *recycle_take(struct thread *self,
                                 const mp_options_t *options)
{
    struct memory_pool *mp = self->recycled;

    if (mp == NULL || options->threads != MP_THREADS_CACHED ||
        options->name != NULL) {
        return NULL;
    }
    self->recycled = mp->recycled_next;
    self->recycled_count--;
    mp->max_object = options->max_object == 0 ? SIZE_MAX : options->max_object;
    mp->flags = options->flags;
    mp->report = options->report;
    mp->report_context = options->report_context;
    recycle_show(mp, true);
    sync_put(&mp->recycled, false);
    return mp;
}

/* Nothing is in the pool that would have to be given back elsewhere. */
static bool recycle_fits(const struct memory_pool *mp,
                         const struct thread *self)
{
    const struct cache *cache = mp->caches;

    return mp->kind == POOL_CACHED && mp->name == NULL &&
           mp->marks == NULL && mp->spare_marks == NULL && !mp->uncached &&
           mp->depot == NULL && mp->heap.index == mp->heap.few &&
           (cache == NULL ||
            (cache->next == NULL && cache->thread == self)) &&
           (mp->heap.size - mp->first.granules) * BLOCK_GRANULE +
                   mp->spare_bytes <= RECYCLE_BYTES;
}

bool recycle_give(struct memory_pool *mp)
{
    struct thread *self = thread_state.own;

    /* No lock for home: where it is the caller, no other thread changes it. */
    if (self == NULL || sync_get(&mp->home) != self ||
        self->recycled_count == RECYCLE_MOST) {
        return false;
    }
    /* The lock waits for a thread that is detaching its own just now. */
    bool taken = pool_enter_lock(mp);
    if (!recycle_fits(mp, self)) {
        lock_leave(&mp->lock, taken);
        return false;
    }
    struct block *block = heap_reset(&mp->heap);
    while (block != NULL) {
        struct block *next = block->next;
        blocks_keep(mp, block);
        block = next;
    }
    mp->resets = 0;
    mp->freed = 0;
    mp->peak = 0;
    mp->peak_objects = 0;
    memset(mp->refused, 0, sizeof mp->refused);
    mp->next_bytes = mp->spare == NULL ? RANGE_SLOT : RANGE_SPAN;
    if (mp->caches != NULL) {
        cache_renew(mp->caches);
        cache_take_first(mp->caches, mp);
    }
    recycle_show(mp, false);
    sync_put(&mp->recycled, true);
    mp->recycled_next = self->recycled;
    self->recycled = mp;
    self->recycled_count++;
    lock_leave(&mp->lock, taken);
    return true;
}

void recycle_drop(struct thread *self)
{
    self->recycled_count = RECYCLE_MOST; /* none is taken back */
    while (self->recycled != NULL) {
        struct memory_pool *mp = self->recycled;
        self->recycled = mp->recycled_next;
        recycle_show(mp, true);
        pool_destroy(mp);
    }
    self->recycled_count = 0;
}
