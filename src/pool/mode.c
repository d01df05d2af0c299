/* SPDX-License-Identifier: MIT
 *
 * mode.c - how a pool serves its calls: the modes, and their slow paths.
 *
 * A mode without caches goes to the heap at once.  A pool outside of the range
 * does so, too, as long as the process has one thread and the short way without
 * caches suffices: many such pools live for a few objects.  Else a short object
 * comes from the user's own, which is filled first, and a short or middle one
 * goes back there.  What the cache does not serve is the heap's, see alloc.c.
 *
 *     mode->allocate -> cache, filled from depot and heap
 *                    -> alloc_from_heap()
 *
 * A program may have written over the link between two free chunks.  The list
 * that it was in leads nowhere then.  Here that is found, mended and reported.
 *
 * What it cannot do: serve a tracked pool.  track.c has that mode.
 */
#include "pool/mode.h"

#include "cache/credit.h"
#include "cache/pause.h"
#include "pool/alloc.h"
#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/report.h"
#include "pool/sweep.h"

/* Bytes of empty blocks that a pool keeps.  One of the range costs a system
 * call as it goes and page faults as it comes, so a pool there keeps more.  A
 * backing may be expected to keep memory of its own. */
#define MODE_STOCK_RANGED ((size_t)16 << 20)
#ifndef MODE_STOCK_OTHER /* a model has its own */
#define MODE_STOCK_OTHER ((size_t)64 << 10)
#endif

/* The mode without caches. */
static enum result mode_locked(struct memory_pool *mp,
                               const struct user *user, size_t size,
                               void **object)
{
    ASSERT(!mp->mode->caches);
    return alloc_from_heap(mp, user, size, pool_enter(mp), object);
}

static enum result mode_locked_free(struct memory_pool *mp,
                                    const struct user *user, const void *ptr)
{
    (void)user;
    ASSERT(!mp->mode->caches);
    return alloc_into_heap(mp, ptr, pool_enter(mp));
}

/* A short object from a list or the run; NULL: neither has one.  A call, since
 * it would take registers that its caller had to save. */
static MP_SLOW void *mode_take(struct memory_pool *mp, struct cache *cache,
                       size_t size)
{
    ASSERT(pool_is_entered(mp));
    return mp->caches.counts ? credit_take(cache->state, cache, size)
                             : mp_inline_take(cache->state, &cache->fast,
                                              size);
}

/* True: the cache may be used, and has credit for the object where that is
 * needed.  The lock is held. */
static bool mode_can_take(struct memory_pool *mp, struct cache *cache,
                          size_t size)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp));
    return !set->retired && !set->scarce && !set->sweeping &&
           (!set->counts || (!set->suspended && size <= cache->fast.credit) ||
            recall_lend(mp, cache, size));
}

/* A program wrote over a link of free chunks, and the list that it was in leads
 * nowhere.  The map knows which chunks are free: all of them go back to the
 * heap.  Reported when the lock is left, which it may be meanwhile. */
static void mode_mend(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    pause_begin(&mp->caches);
    cache_sweep_marks(&mp->caches);
    pause_end(&mp->caches);
    sweep_pool(mp, taken);
    mp->caches.damaged = true;
}

/* What mode_mend() noted, once; the lock is held. */
static bool mode_was_damaged(struct memory_pool *mp)
{
    bool damaged = mp->caches.damaged;

    ASSERT(pool_is_entered(mp));
    mp->caches.damaged = false;
    return damaged;
}

/* A short object from the user's cache, which is filled first.  *object NULL
 * and RESULT_OK: the heap has to serve, since the caches were retired
 * meanwhile or there is no credit.  The lock is held, but may be left
 * meanwhile. */
static enum result mode_from_cache(struct memory_pool *mp,
                                   const struct user *user,
                                   struct cache *cache, size_t size,
                                   bool *taken, void **object)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache->set == &mp->caches);
    size_t granules = sizes_granules(size);
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    bool gathered = false;
    enum result result = RESULT_OK;

    *object = NULL;
    recall_relieve(mp);
    /* No need to be inside: only the lock's holder pauses caches. */
    while (result == RESULT_OK && mode_can_take(mp, cache, size) &&
           (*object = mode_take(mp, cache, size)) == NULL) {
        if (cache_is_damaged(cache, &mp->caches, granules)) {
            mode_mend(mp, taken);
            continue; /* the lock was left: another sweep may be under way */
        }
        if (cache->fast.lists[granules - 1].chunks != NULL ||
            (!cache_has_mark(cache, &mp->caches) &&
             alloc_gather_early(mp, taken)) ||
            cache_fill(cache, &mp->caches, granules)) {
            continue;
        }
        bool enough = !gathered && alloc_gather(mp, user, taken);
        gathered = true;
        if (!enough) {
            result = alloc_grow(mp, user, granules, taken);
        }
    }
    if (*object != NULL && !mp->mode->counts) {
        alloc_note_peak(mp);
    }
    return result;
}

/* A pool outside of the range whose users have no caches yet, in a process with
 * one thread, where the short way needs none. */
static inline bool mode_bumps(const struct memory_pool *mp)
{
    return !mp->blocks.ranged && lock_needless() && mp->bump_most > 0 &&
           mp->heap.bits == 0;
}

/* The user's cache, found or made, and the short way without caches is over;
 * NULL: there is none. */
static inline struct cache *mode_attach(struct memory_pool *mp,
                                        const struct user *user)
{
    struct cache *cache = attach_cache(&mp->caches, user);

    if (cache != NULL && !mp->blocks.ranged) {
        bool taken = pool_enter(mp);
        if (mp->bump_most > 0) {
            pool_set_bump(mp);
        }
        lock_leave(&mp->lock, taken);
    }
    return cache;
}

/* The heap serves what the cache's middle lists could not. */
static void mode_note_miss(struct cache *cache, size_t size)
{
    size_t granules = sizes_granules(size);

    if (cache != NULL && cache->middle != NULL && middle_fits(granules)) {
        middle_miss(cache->middle, granules);
    }
}

/* The modes with caches. */
static enum result mode_cached(struct memory_pool *mp,
                               const struct user *user, size_t size,
                               void **object)
{
    struct cache *cache = NULL;
    enum result result = RESULT_OK;

    ASSERT(lock_none_is_held());
    ASSERT(mp->mode->caches);
    if (mode_bumps(mp)) {
        return alloc_from_heap(mp, user, size, pool_enter(mp), object);
    }
    /* A thread that reads false too early asks again under the lock. */
    if (size <= SIZES_MIDDLE * SIZES_GRANULE &&
        !sync_get(&mp->caches.retired)) {
        cache = mode_attach(mp, user);
    } else {
        cache = recall_find_own(mp, user); /* for its credit alone */
    }
    bool taken = pool_enter(mp);
    *object = NULL;
    (void)sweep_adopt(mp, &taken);
    if (cache != NULL && cache->middle != NULL && cache->middle->damaged) {
        cache->middle->damaged = false;
        mode_mend(mp, &taken);
    }
    if (cache != NULL && size <= SIZES_SHORT * SIZES_GRANULE &&
        !mp->caches.retired) {
        result = mode_from_cache(mp, user, cache, size, &taken, object);
    }
    bool damaged = mode_was_damaged(mp);
    if (result == RESULT_OK && *object == NULL) {
        if (cache != NULL && mp->caches.suspended && !mp->caches.retired &&
            !mp->caches.scarce) {
            /* A loan brings suspended caches back, for what is freed, too. */
            (void)recall_lend(mp, cache, size);
        }
        recall_own(mp, cache);
        mode_note_miss(cache, size);
        result = alloc_from_heap(mp, user, size, taken, object);
    } else {
        pool_leave(mp, taken);
    }
    if (damaged) {
        report_words(mp, MP_EVENT_DAMAGE,
                     "a freed object was written to: its list was given up",
                     NULL);
    }
    return result;
}

/* The user's lists may take that chunk: it lies in the heap that the user
 * allocates from.  What was a mark's stays out of lists, see mark_merge(). */
static bool mode_is_listed(const struct memory_pool *mp,
                           const struct cache *cache, struct heap_chunk chunk)
{
    ASSERT(pool_is_entered(mp));
    if (chunk.block == NULL || chunk.block->heap != cache->heap) {
        return false;
    }
    return cache_has_mark(cache, &mp->caches)
               ? cache->windows != NULL && !chunk.block->lent
               : !chunk.block->apart;
}

/* Frees an object into the user's list, from which the excess goes to the
 * depot or the heap first; false: it is none of the chunks that lists take. */
static bool mode_into_cache(struct memory_pool *mp, struct cache *cache,
                            const void *ptr)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache->set == &mp->caches && !mp->caches.retired);
    struct heap_chunk chunk = pool_find_live(mp, ptr);

    if (!mode_is_listed(mp, cache, chunk)) {
        return false;
    }
    size_t granules = block_length(chunk.block, chunk.granule);
    if (cache->windows != NULL) {
        window_open(cache->windows, chunk.block);
    }
    if (cache->fast.credit > CREDIT_MOST) {
        cache_collect(cache, &mp->caches);
        recall_settle(mp);
    }
    if (granules > SIZES_SHORT) {
        return cache_make_room(cache, &mp->caches, granules) &&
               (mp->caches.counts
                    ? credit_give(cache->state, cache, mp, ptr)
                    : cache_give_middle(cache->state, &cache->fast, mp, ptr));
    }
    /* The list has taken all frees that it was granted, which is the usual
     * reason to be here. */
    if (cache_has_mark(cache, &mp->caches)) {
        cache_make_mark_room(cache, &mp->caches, granules);
    } else if (cache->fast.lists[granules - 1].room == 0) {
        cache_flush_excess(cache, &mp->caches, granules);
    }
    return mp->caches.counts
               ? credit_give(cache->state, cache, mp, ptr)
               : mp_inline_give(cache->state, &cache->fast, mp, ptr) ||
                     cache_give_refused(cache->state, &cache->fast, mp, ptr);
}

/* Before the lock is taken, the user's cache for what a free may put there;
 * NULL: it has none.  middle: the object is of a middle length. */
static inline struct cache *mode_prepare(struct memory_pool *mp,
                                         const struct user *user,
                                         const void *ptr, bool middle)
{
    ASSERT(lock_none_is_held());
    struct cache *cache = mode_attach(mp, user);

    if (cache == NULL) {
        return NULL;
    }
    if (mp->blocks.ranged) {
        cache_reach(cache);
        middle = middle_is_live(cache->state, ptr);
        if (cache->kept_windows == NULL && range_is_named(ptr, mp, true)) {
            (void)cache_open_windows(cache, &mp->caches); /* for a mark */
        }
    }
    /* Here and not where they are needed: no lock is held yet.  Without memory
     * for them the chunk goes to the heap. */
    if (cache->middle == NULL && middle) {
        (void)cache_open_middle(cache, &mp->caches);
    }
    cache_open_depot(&mp->caches);
    return cache;
}

/* Outside of the range only the heap knows what is at an address.  Returns the
 * granules of an object there that the user's cache may take; 0: there is none,
 * or no cache takes any now.  The lock is held. */
static size_t mode_outside_length(struct memory_pool *mp,
                                  const struct user *user, const void *ptr)
{
    ASSERT(pool_is_entered(mp) && !mp->blocks.ranged);
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    const struct mark *mark = mark_newest(mp, user);

    if (!cache_set_is_open(&mp->caches) || chunk.block == NULL ||
        (mark == NULL ? chunk.block->apart
                      : chunk.block->heap != &mark->heap)) {
        return 0;
    }
    size_t granules = block_length(chunk.block, chunk.granule);
    bool stays = lock_needless() && mp->bump_most > 0 &&
                 granules <= SIZES_SHORT;
    /* In a buffer objects are not cut to the lengths of the lists' classes. */
    size_t most = pool_is_in_buffer(mp) ? SIZES_SHORT : SIZES_MIDDLE;
    return stays || granules > most ? 0 : granules;
}

/* A free comes here for lists that are full, for long objects and those of
 * other marks than the user's newest, and for foreign addresses.  The fast path
 * has served the rest. */
static enum result mode_cached_free(struct memory_pool *mp,
                                    const struct user *user, const void *ptr)
{
    struct cache *cache = NULL;
    bool taken;

    ASSERT(lock_none_is_held());
    ASSERT(mp->mode->caches);
    /* A foreign address is no reason to make the thread a cache. */
    if (!mp->blocks.ranged) {
        taken = pool_enter(mp);
        size_t granules = mode_outside_length(mp, user, ptr);
        if (granules == 0) {
            return alloc_into_heap(mp, ptr, taken);
        }
        lock_leave(&mp->lock, taken);
        cache = mode_prepare(mp, user, ptr, granules > SIZES_SHORT);
    } else if (!sync_get(&mp->caches.retired) && range_owner(ptr) == mp) {
        cache = mode_prepare(mp, user, ptr, false);
    }
    taken = pool_enter(mp);
    if (cache != NULL && cache_set_is_open(&mp->caches) &&
        mode_into_cache(mp, cache, ptr)) {
        pool_leave(mp, taken);
        return RESULT_OK;
    }
    return alloc_into_heap(mp, ptr, taken);
}

static const struct pool_mode mode_tables[] = {
    [MODE_CACHED] = {.caches = true,
                     .counts = false,
                     .stock_limit = MODE_STOCK_RANGED,
                     .allocate = mode_cached,
                     .free = mode_cached_free},
    [MODE_COUNTED] = {.caches = true,
                      .counts = true,
                      .stock_limit = MODE_STOCK_RANGED,
                      .allocate = mode_cached,
                      .free = mode_cached_free},
    [MODE_OUTSIDE] = {.caches = true,
                      .counts = true,
                      .stock_limit = MODE_STOCK_OTHER,
                      .allocate = mode_cached,
                      .free = mode_cached_free},
    [MODE_LOCKED] = {.caches = false,
                     .counts = true,
                     .stock_limit = MODE_STOCK_OTHER,
                     .allocate = mode_locked,
                     .free = mode_locked_free},
};

/* Pools share the tables, which never change, so a mode is read without a
 * lock. */
const struct pool_mode *mode_of(enum mode_kind kind)
{
    ASSERT((size_t)kind < sizeof mode_tables / sizeof *mode_tables);
    return &mode_tables[kind];
}
