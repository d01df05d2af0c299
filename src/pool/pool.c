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
 *                  mark is open, no user has a cache, or had none yet when this
 *                  was set, the pool is not tracked and has no near-limit
 *                  function, else 0
 *
 * What it cannot do: find an object without the lock.  The heaps' indexes
 * change under it.
 */
#include "pool/pool.h"

#include "base/tool.h"
#include "cache/pause.h"
#include "pool/mark.h"

_Static_assert(sizeof(struct memory_pool) <= RANGE_SLOT * 7 / 8,
               "no room for objects in a pool's slot");

MP_INNER_OBJECT struct lock pool_moves = LOCK_INIT(LOCK_MOVES);
MP_INNER_OBJECT bool pool_move_waits;

void pool_tell_lock(void)
{
    lock_tell(&pool_moves);
}

/* A move takes some microseconds, and waits for threads that are pinned: they
 * do not wait here. */
void pool_await_move_slow(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    unsigned times = 0;

    while (mp->pins.moving) {
        lock_leave(&mp->lock, *taken);
        pause_yield(&times);
        *taken = pool_enter(mp);
    }
}

void pool_pin(struct memory_pool *mp, bool *taken)
{
    pool_await_move(mp, taken);
    mp->pins.count++;
    ASSERT(mp->pins.count > 0);
}

void pool_unpin(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && mp->pins.count > 0);
    mp->pins.count--;
}

void pool_set_bump(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    size_t most = sync_get(&mp->settings.max_object) / SIZES_GRANULE;

    /* pool_bump() charges no quota above, and cuts from the pool's own heap,
     * which caches must not share. */
    if (mp->blocks.ranged || !quota_is_own(&mp->quota) ||
        (mp->mode->caches && mp->caches.caches != NULL) ||
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
    tool_precede(&mp->failure);
    bool taken = pool_enter(mp);

    mp->failure = failure;
    lock_leave(&mp->lock, taken);
}

void pool_set_near(struct memory_pool *mp, size_t bytes,
                   struct pool_near near)
{
    ASSERT(lock_none_is_held() && mp->quota.limits);
    tool_precede(&mp->near);
    bool taken = pool_enter(mp);

    mp->near = near;
    quota_set_near(&mp->quota, near.fn == NULL ? SIZE_MAX : bytes);
    /* Bumps charge without a look at what is near. */
    pool_set_bump(mp);
    lock_leave(&mp->lock, taken);
}

/* The nearest pool, from this one up, that is due and wants to be told; NULL:
 * there is none. */
static struct memory_pool *pool_find_due(struct memory_pool *mp, size_t *used,
                                         struct pool_near *near)
{
    struct memory_pool *found = NULL;
    bool taken = pool_enter(mp);

    pool_pin(mp, &taken);
    lock_leave(&mp->lock, taken);
    for (struct quota *quota = &mp->quota; quota != NULL && found == NULL;
         quota = sync_get(&quota->above)) {
        struct memory_pool *at = LIST_ENTRY(quota, struct memory_pool, quota);
        bool at_taken = pool_enter(at);
        bool due = quota_take_due(quota, used);
        *near = at->near;
        lock_leave(&at->lock, at_taken);
        tool_follow(&at->near);
        found = due && near->fn != NULL ? at : NULL;
    }
    taken = pool_enter(mp);
    pool_unpin(mp);
    lock_leave(&mp->lock, taken);
    return found;
}

/* A function may use the pools, and change what is due and where the pool is.
 * So each search begins anew, and nothing is kept over a call.  It ends, since
 * a quota that was told is not due again before its use was lower. */
void pool_call_near(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct memory_pool *at;
    struct pool_near near;
    size_t used = 0;

    sync_put(&mp->quota.due, false);
    while ((at = pool_find_due(mp, &used, &near)) != NULL) {
        near.fn(at, used, near.context);
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
    tool_follow(&mp->failure);
    return failure;
}

void pool_set_reporter(struct memory_pool *mp, struct pool_reporter reporter)
{
    ASSERT(lock_none_is_held());
    tool_precede(&mp->reporter);
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
    tool_follow(&mp->reporter);
    return reporter;
}
