/* SPDX-License-Identifier: MIT
 *
 * credit.c - the caches of a pool that counts its objects to the byte.
 *
 *     quota:   held by objects | credit | owed | free
 *                              |<- charged ->|
 *
 * An object is charged by taking its bytes off the credit.  So a pool's quota
 * is written once for many objects.  The quota does not know how much of the
 * credit was ever used, but its high-water mark depends on that.  So a cache
 * remembers the least that its credit ever was.  No object used these bytes,
 * and they do not count for the mark.
 *
 * While the user has a mark open, its objects are the mark's, and a rewind has
 * to know their bytes.  They are what the credit has lost since it was granted:
 * only frees of the newest mark's objects add to it then.
 *
 * What it cannot do: exchange credit with other caches.
 *
 * Invariants, for each cache of such a pool while its user is not inside:
 *
 *     least  <= credit
 *     credit + held by objects that it handed out or took == charged for it
 *     held of the newest mark's heap + granted - credit == bytes of the objects
 *                            that are live there
 */
#include "cache/credit.h"

void *credit_take(const struct mp_inline_thread *state, struct cache *cache,
                  size_t size)
{
    size_t granules = (size - 1) / SIZES_GRANULE + 1;

    if (granules - 1 < SIZES_SHORT) {
        return credit_take_short(state, cache->windows, cache, size);
    }
    /* Of a size of 0 there are too many granules. */
    if (!middle_fits(granules) || size > cache->fast.credit) {
        return NULL;
    }
    void *object = cache_take_middle(state, &cache->fast, granules);
    if (object != NULL) {
        unsigned char *at =
            cache->windows == NULL
                ? middle_map(state, object)
                : window_map(window_find_known(cache->windows, object),
                             object);
        uint32_t length = block_get_length(at + 1);
        block_put_slack_at(at, length, length * SIZES_GRANULE - size);
        mp_inline_charge(&cache->fast, size);
    }
    return object;
}

/* A short object of the newest mark's, where one is open; at: its byte of the
 * map. */
static inline bool credit_give_marked(struct cache *cache, unsigned char *at,
                                      const void *ptr)
{
    uint32_t length = block_length_at(at);
    size_t size = length * SIZES_GRANULE - block_get_slack_at(at, length);

    if (!cache_mark_takes(cache, length - 1)) {
        return false;
    }
    if (cache->fast.zero) {
        mp_inline_zero((void *)(uintptr_t)ptr, length * SIZES_GRANULE);
    }
    cache_push(&cache->fast, length - 1, at, ptr);
    cache->fast.credit += size;
    return true;
}

static inline bool credit_give_middle(struct cache *cache, unsigned char *at,
                                      const void *ptr)
{
    uint32_t length = block_get_length(at + 1);
    size_t size = length * SIZES_GRANULE - block_get_slack_at(at, length);

    if (cache->middle == NULL ||
        !middle_push(cache->middle, at, length, ptr)) {
        return false;
    }
    block_clear_slack_at(at, length);
    if (cache->fast.zero) {
        memset((unsigned char *)(uintptr_t)ptr + sizeof(void *), 0,
               size - sizeof(void *));
    }
    cache->fast.credit += size;
    return true;
}

bool credit_give_refused(const struct mp_inline_thread *state,
                         struct cache *cache, const struct memory_pool *mp,
                         const void *ptr)
{
    unsigned char *at = window_reach(state, cache->windows, mp, ptr);

    if (at == NULL || cache->fast.credit > CREDIT_MOST) {
        return false;
    }
    /* Acquire as in mp_inline_give(). */
    unsigned char code = sync_get_acquire(at);
    if (code == BLOCK_LONG_LIVE) {
        return credit_give_middle(cache, at, ptr);
    }
    return block_starts_live(code) && cache->windows != NULL &&
           credit_give_marked(cache, at, ptr);
}

void credit_grant(struct cache *cache, size_t bytes, size_t raised)
{
    ASSERT(cache->fast.credit == 0 && raised <= bytes);
    /* The child of a fork may find a kept pool's cache half lent to.  There, too,
     * least is no more than the credit. */
    cache->fast.credit = bytes;
    sync_fence_light();
    cache->fast.least = cache->granted = bytes;
    cache->raised = raised;
}
