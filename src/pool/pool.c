/* SPDX-License-Identifier: MIT
 *
 * pool.c - a pool's lock left, and what is at an address.
 *
 * Everything else in pool/ stands above this file, so it calls none of it.  It
 * reads the list of open marks, which mark.c writes.
 *
 * Invariant, between any two holds of the lock:
 *
 *     bump_most == min(max_object / granule, SIZES_SHORT)
 *                  where the mode counts, the quota is the pool's own, no
 *                  mark is open, the pool is not tracked and has no near-limit
 *                  function, else 0
 *
 * What it cannot do: find an object without the lock.  The heaps' indexes
 * change under it.
 */
#include "pool/pool.h"

#include "pool/mark.h"

_Static_assert(sizeof(struct memory_pool) <= RANGE_SLOT * 7 / 8,
               "no room for objects in a pool's slot");

void pool_set_bump(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    size_t most = sync_get(&mp->settings.max_object) / SIZES_GRANULE;

    /* pool_bump() charges no quota above, notes the size in slack bytes, and
     * cuts from the pool's own heap. */
    if (!mp->blocks.counted || !quota_is_own(&mp->quota) ||
        mp->marks.open.first != NULL || mp->track != NULL ||
        mp->near.fn != NULL) {
        most = 0;
    }
    mp->bump_most = most < SIZES_SHORT ? most : SIZES_SHORT;
}

/* An object that is larger than the capacity can never be had. */
void pool_set_most(struct memory_pool *mp, const mp_options_t *options)
{
    size_t most = options->max_object;

    mp->settings.max_is_capacity = most == 0 && options->capacity != 0;
    if (most == 0) {
        most = options->capacity;
    }
    sync_put(&mp->settings.max_object, most == 0 ? SIZE_MAX : most);
}

struct heap_chunk pool_find(const struct memory_pool *mp, const void *ptr)
{
    ASSERT(pool_is_entered(mp));
    /* Marks first: a mark's block may lie in a chunk of the pool's heap. */
    struct heap_chunk chunk = heap_find_shared(mp->marks.blocks, ptr);

    if (chunk.block != NULL) {
        ASSERT(chunk.block->heap != &mp->heap);
        return chunk;
    }
    chunk = heap_find(&mp->heap, ptr);
    ASSERT(chunk.block == NULL || chunk.block->heap == &mp->heap);
    return chunk;
}

struct heap_chunk pool_find_live(const struct memory_pool *mp, const void *ptr)
{
    struct heap_chunk chunk = pool_find(mp, ptr);

    /* A granule between an object's first and its last has 0 in the map. */
    if (chunk.block != NULL &&
        !block_starts_live(sync_get(&chunk.block->map[chunk.granule]))) {
        chunk.block = NULL;
    }
    return chunk;
}

/* Where no slack was noted the size is the whole chunk: the holder may use what
 * it did not ask for. */
size_t pool_size_of(struct heap_chunk chunk)
{
    ASSERT(chunk.block != NULL);
    ASSERT(chunk.granule < chunk.block->granules);
    size_t bytes = block_length(chunk.block, chunk.granule) * SIZES_GRANULE;

    size_t slack = block_get_slack(chunk.block, chunk.granule);
    ASSERT(slack < bytes);
    return bytes - slack;
}

void pool_count_refusal(struct memory_pool *mp, enum pool_refusal reason)
{
    ASSERT(reason <= POOL_REFUSED_MEMORY);
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);

    mp->counters.refused[reason]++;
    lock_leave(&mp->lock, taken);
}

void pool_set_failure(struct memory_pool *mp, struct pool_failure failure)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);

    mp->failure = failure;
    lock_leave(&mp->lock, taken);
}

void pool_set_near(struct memory_pool *mp, size_t bytes,
                   struct pool_near near)
{
    ASSERT(lock_none_is_held() && mp->quota.limits);
    bool taken = pool_enter(mp);

    mp->near = near;
    quota_set_near(&mp->quota, near.fn == NULL ? SIZE_MAX : bytes);
    /* Bumps charge without a look at what is near. */
    pool_set_bump(mp);
    lock_leave(&mp->lock, taken);
}

/* A function may use the pools, and change what is due: so each quota is asked
 * for itself, and nothing is kept over a call.  The pools above are there as
 * long as this one. */
void pool_call_near(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    sync_put(&mp->quota.due, false);
    for (struct quota *quota = &mp->quota; quota != NULL;
         quota = quota->above) {
        struct memory_pool *at = LIST_ENTRY(quota, struct memory_pool, quota);
        size_t used = 0;
        bool taken = pool_enter(at);
        bool due = quota_take_due(quota, &used);
        struct pool_near near = at->near;
        lock_leave(&at->lock, taken);
        if (due && near.fn != NULL) {
            near.fn(at, used, near.context);
        }
    }
}

/* Both members in one hold of the lock: a function never gets the context of
 * another. */
struct pool_failure pool_failure(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct pool_failure failure = mp->failure;

    lock_leave(&mp->lock, taken);
    return failure;
}

void pool_set_reporter(struct memory_pool *mp, struct pool_reporter reporter)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);

    mp->reporter = reporter;
    lock_leave(&mp->lock, taken);
}

struct pool_reporter pool_reporter(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct pool_reporter reporter = mp->reporter;

    lock_leave(&mp->lock, taken);
    return reporter;
}
