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
 * to know their bytes.  They are what the credit has lost since it was
 * granted, since no free adds to it then.
 *
 * What it cannot do: exchange credit with other caches.
 *
 * Invariants, for each cache of such a pool while its user is not inside:
 *
 *     least  <= credit
 *     credit + held by objects that it handed out or took == charged for it
 *     credit <= granted, while the user has a mark open
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
    if (!middle_fits(granules) || size > cache->credit) {
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
        credit_use(cache, size);
    }
    return object;
}

bool credit_give(const struct mp_inline_thread *state, struct cache *cache,
                 const struct memory_pool *mp, const void *ptr)
{
    if (credit_give_short(state, cache->windows, cache, mp, ptr)) {
        return true;
    }
    /* What is taken here is the pool's, and a long object: so its length and
     * its slack may be read first. */
    unsigned char *at = window_reach(state, cache->windows, mp, ptr);
    if (at == NULL || cache->credit > CREDIT_MOST ||
        sync_get_acquire(at) != BLOCK_LONG_LIVE) {
        return false;
    }
    uint32_t length = block_get_length(at + 1);
    size_t size =
        length * SIZES_GRANULE - block_get_slack_at(at, length);
    if (!cache_give_middle(state, &cache->fast, mp, ptr)) {
        return false;
    }
    block_clear_slack_at(at, length);
    if (cache->set->zero) {
        memset((unsigned char *)(uintptr_t)ptr + sizeof(void *), 0,
               size - sizeof(void *));
    }
    cache->credit += size;
    return true;
}

void credit_grant(struct cache *cache, size_t bytes, size_t raised)
{
    ASSERT(cache->credit == 0 && raised <= bytes);
    cache->credit = cache->least = cache->granted = bytes;
    cache->raised = raised;
}
