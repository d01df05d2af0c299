/* SPDX-License-Identifier: MIT
 *
 * quiet.h - a pool that only its maker's cache has used since it began.
 *
 * A pool begins as it is made again, or reset.  Its heap is then one run, which
 * the cache of the calling thread has, and what is free behind it.  As long as
 * nobody enters the pool's lock, all objects are cut from that run, and nothing
 * of the pool changes but this cache.  So its objects are dropped by clearing
 * the map of what was cut.  The heap, the stock and the numbers stay as they
 * are.
 *
 * What it cannot do: be quiet for a thread whose cache was not the pool's
 * first, or for a handle.
 */
#ifndef MP_QUIET_H
#define MP_QUIET_H

#include "pool/pool.h"

/* The heap and all caches of the pool are empty, and its lock is held: from now
 * on it is quiet, if the calling thread's cache is its only one.  Otherwise
 * that cache gets a run, if it was the first.  lend: in a pool that counts the
 * cache gets credit, too, or the pool is not quiet. */
MP_INNER void quiet_begin(struct memory_pool *mp, bool lend);

/* The pool is quiet by now, or not; and all of it is as in a new one. */
static inline void quiet_note_new(struct memory_pool *mp)
{
    mp->quiet_new = true;
}

/* The calling thread's cache, while the pool is quiet; NULL: it is not.  The
 * pool's lock is held, or the caller is the only one who uses the pool. */
static inline struct cache *quiet_cache(const struct memory_pool *mp)
{
    return mp->quiet_run != NULL && !lock_was_entered(&mp->lock)
               ? attach_first(&mp->caches)
               : NULL;
}

/* The same where the pool was never reset when it was not quiet: then it has no
 * functions and numbers but those of a new pool. */
static inline struct cache *quiet_cache_of_new(const struct memory_pool *mp)
{
    return mp->quiet_new ? quiet_cache(mp) : NULL;
}

/* How many objects are live in a quiet pool; quiet_cache() returned that cache,
 * and nobody has changed more than the cache since. */
MP_INNER size_t quiet_count(const struct memory_pool *mp,
                            const struct cache *cache);

/* Drops all objects of a quiet pool, and counts that as a reset; false: it is
 * not quiet, and nothing is done.  No lock held. */
MP_INNER bool quiet_reset(struct memory_pool *mp);

#endif /* MP_QUIET_H */
