/* SPDX-License-Identifier: MIT
 *
 * quiet.c - a pool that only its maker's cache has used since it began.
 *
 * Why it is right: whoever changes more of a pool than a cache of its own
 * enters the pool's lock, and the lock notes that it was entered.  That holds
 * for another thread or a handle that gets a cache, for a mark, a cleanup, a
 * child, a setting, and for each request that the cache does not serve.
 *
 * A pool that needed more than its first block begins with a longer one that it
 * kept.  So the next life does not come to the lock for a block again.
 *
 * Invariant, while a pool is quiet:
 *
 *     granules out of the heap == the run of its only cache
 *     credit + bytes of live objects == granted, where the pool counts
 *
 * What it cannot do: be quiet again after its lock was entered, before the next
 * reset or end.
 */
#include "pool/quiet.h"

#include "pool/alloc.h"
#include "pool/recall.h"

/* A longer run than that of the first block would take from other caches what
 * they are to have. */
void quiet_begin(struct memory_pool *mp, bool lend)
{
    struct cache_set *set = &mp->caches;
    struct cache *cache = attach_first(set);
    ASSERT(pool_is_entered(mp) && mp->heap.taken == 0);

    mp->quiet_run = NULL;
    mp->quiet_new = false;
    /* Elsewhere the first block may be all of a buffer. */
    if (cache == NULL || !mp->blocks.ranged || sync_get(&set->retired)) {
        return;
    }
    bool alone = attach_is_own(set);
    if (alone) {
        alloc_begin(mp, cache->run);
    }
    cache_take_first(cache, set);
    if (!mp->mode->counts) {
        alloc_note_peak(mp);
    } else if (alone && lend) {
        alone = recall_lend_first(mp, cache);
    }
    if (alone) {
        mp->quiet_run = cache->fast.cut;
        lock_forget(&mp->lock);
    }
}

/* In sixteens, where the run has so much more: its map is 0 there. */
size_t quiet_count(const struct memory_pool *mp, const struct cache *cache)
{
    const unsigned char *run = mp->quiet_run;
    size_t granules = (size_t)(cache->fast.cut - run) / SIZES_GRANULE;
    size_t more = (granules + 15) / 16 * 16;

    ASSERT(cache_is_own(cache) && cache->fast.cut >= run);
    if (more <= (size_t)(cache->fast.end - run) / SIZES_GRANULE) {
        granules = more;
    }
    return block_count_live_at(middle_map(cache->state, run), granules);
}

/* The lock, since other threads may read the numbers, or reset the pool.  It is
 * not noted as entered, so that the pool stays quiet. */
bool quiet_reset(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    if (lock_was_entered(&mp->lock)) {
        return false;
    }
    bool taken = lock_enter_unseen(&mp->lock, !lock_needless());
    struct cache *cache = quiet_cache(mp);

    if (cache != NULL) {
        size_t live = quiet_count(mp, cache);
        mp->counters.freed += live;
        if (live > mp->counters.peak_objects) {
            mp->counters.peak_objects = live;
        }
        mp->counters.resets++;
        cache_begin_again(cache, &mp->caches, mp->quiet_run);
    }
    lock_leave(&mp->lock, taken);
    return cache != NULL;
}
