/* SPDX-License-Identifier: MIT
 *
 * cache.h - a user's own chunks of a pool: the path without locks.
 *
 * A cache has a run of granules to cut new objects from, and for each length
 * a list of free chunks.  While its user has a mark open, run and lists are of
 * the newest mark's heap, and nothing else is in them.  Only its user touches
 * it, so neither needs a lock or an atomic read-modify-write.
 *
 * The caches of a pool are a set.  A set knows the heap and the depot behind
 * them and the lock that owns both, and nothing else of the pool.  pause.c
 * pauses a set; attach.c ties threads, caches and sets.
 *
 * What it cannot do: serve a pool whose objects are counted to the byte, as
 * each pool outside of the range does, other than together with credit.h.
 */
#ifndef MP_CACHE_H
#define MP_CACHE_H

#include "cache/cache_check.h"
#include "cache/cache_type.h"

/* An empty set; retired: for a pool that has no caches. */
MP_INNER void cache_set_start(struct cache_set *set, struct memory_pool *pool,
                              struct lock *lock, struct heap *heap,
                              bool retired);

/* Says what the objects of a set need that has none, with the lock held or a
 * new one; see the members.  Caches with credit begin suspended: one that is
 * enabled without having been lent any would take freed objects of a quota
 * that is tight.  The caches are the caller's.  max_object: bytes; one that
 * goes with the capacity does not count, since no credit has more. */
MP_INNER void cache_set_count(struct cache_set *set, bool counts, bool zero,
                              size_t max_object);

/* Memory for a cache, or for what a cache is part of: all zero, and in lines
 * that share no byte with others, since those may be another thread's; NULL:
 * none is left. */
MP_INNER void *cache_allocate(size_t bytes);

/* A new cache, or a spare one, enabled for no pool; its user's state learns
 * where the range's tables are.  No lock. */
MP_INNER void cache_start(struct cache *cache, struct cache_set *set,
                          struct mp_inline_thread *state);

/* The cache gets what is said for the set, which it is not enabled for. */
MP_INNER void cache_learn(struct cache *cache, const struct cache_set *set);

/* Gives the caller's own cache lists for middle chunks, where it has none;
 * false: there is no memory for them.  No lock is held; keeps errno. */
MP_INNER bool cache_open_middle(struct cache *cache, struct cache_set *set);

/* The same for its windows, where the set is outside of the range; and for
 * those that it has in the range while its user has a mark open. */
MP_INNER bool cache_open_windows(struct cache *cache, struct cache_set *set);

/* The depot gets its lists, where it was found to want them.  No lock; keeps
 * errno. */
MP_INNER void cache_open_depot(struct cache_set *set);

/* Frees what a cache or handle is a part of; no lock of the library's. */
MP_INNER void cache_free(struct cache *cache);

/* Inside, by the part that compiled-in code knows: what middle.h says. */
static inline void *cache_take_middle(const struct mp_inline_thread *state,
                                      struct mp_inline_cache *fast,
                                      size_t granules)
{
    struct cache *cache = (struct cache *)(void *)fast;

    return cache->middle == NULL
               ? NULL
               : middle_take(state, cache->windows, cache->middle, granules);
}

static inline bool cache_give_middle(const struct mp_inline_thread *state,
                                     struct mp_inline_cache *fast,
                                     const struct memory_pool *mp,
                                     const void *ptr)
{
    struct cache *cache = (struct cache *)(void *)fast;

    return cache->middle != NULL &&
           middle_give(state, cache->windows, cache->middle, mp, ptr);
}

/* While a mark is open, lists have no room by which compiled-in code would free
 * into them: it cannot tell the mark's objects from the pool's.  True: the one
 * at i takes one more chunk of the mark's all the same, and it is counted. */
static inline bool cache_mark_takes(struct cache *cache, size_t i)
{
    size_t room = cache->mark_room;

    if (room <= i) {
        return false;
    }
    cache->mark_room = room - (i + 1);
    cache->lists_used |= (uint64_t)1 << i;
    cache->frees_granted++;
    return true;
}

/* Inside: a live chunk of i + 1 granules goes into its list. */
static inline void cache_push(struct mp_inline_cache *fast, size_t i,
                              unsigned char *at, const void *ptr)
{
    void **chunk = (void **)(uintptr_t)ptr;

    *chunk = fast->lists[i].chunks;
    fast->lists[i].chunks = chunk;
    sync_put(at, (unsigned char)(BLOCK_CACHED + i));
}

/* Inside, in a pool that does not count, while the user has a mark open: takes
 * a short object of the newest mark's; false: it is none, or the lists are
 * full.  search: as in window_find(). */
static inline MP_INLINED bool cache_give_marked(struct cache *cache,
                                                const void *ptr, bool search)
{
    if (cache->windows == NULL) {
        return false;
    }
    unsigned char *at =
        window_reach_by(NULL, cache->windows, NULL, ptr, search);
    /* Acquire as in mp_inline_give(). */
    size_t code = at == NULL ? BLOCK_NONE : sync_get_acquire(at);
    if (MP_UNLIKELY(code < BLOCK_LIVE) ||
        MP_UNLIKELY(!cache_mark_takes(cache, code - BLOCK_LIVE))) {
        return false;
    }
    cache_push(&cache->fast, code - BLOCK_LIVE, at, ptr);
    return true;
}

/* Inside, in a pool that does not count: takes what mp_inline_give() refused,
 * an object of a middle length or one of the newest mark; false: it is neither,
 * or the lists are full. */
static inline bool cache_give_refused(const struct mp_inline_thread *state,
                                      struct mp_inline_cache *fast,
                                      const struct memory_pool *mp,
                                      const void *ptr)
{
    return cache_give_marked((struct cache *)(void *)fast, ptr, true) ||
           cache_give_middle(state, fast, mp, ptr);
}

/* All of these with the pool's lock held, for a cache whose user is the caller
 * or that is paused. */

/* Its user's state learns how far the range reaches by now; the user calls. */
MP_INNER void cache_reach(struct cache *cache);

/* Outside of the range: the user learns of the pool's block that has an
 * address, if there is one. */
MP_INNER void cache_see(struct cache *cache, const struct cache_set *set,
                        const void *ptr);

/* Forgets what it had and what was freed into it, for a pool made again; and
 * all caches of a set, with those that are gone. */
MP_INNER void cache_renew(struct cache *cache);
MP_INNER void cache_set_renew(struct cache_set *set);

/* Forgets what it had, but not how much was freed into it. */
MP_INNER void cache_empty(struct cache *cache);

/* Empties the lists without a look at their chunks, also those of middle ones.
 * Frees go into them again, as far as they are used at all; mark: the user has
 * one open. */
MP_INNER void cache_forget_lists(struct cache *cache, bool mark);

/* Moves the cache's credit to what its set owes the quota; see credit.h.  The
 * lock need not be held for the only cache of a pool that nobody else uses. */
MP_INNER void cache_collect(struct cache *cache, struct cache_set *set);

/* Puts all that the cache has back into the heaps; the run alone. */
MP_INNER void cache_flush(struct cache *cache, struct cache_set *set);
MP_INNER void cache_return_run(struct cache *cache);

/* A list has no frees left, or is freed into for the first time: grants it
 * some, and moves what is more than a batch of it to the depot. */
MP_INNER void cache_flush_excess(struct cache *cache, struct cache_set *set,
                                 size_t granules);

/* The lists of middle chunks get room for one of that many granules; false:
 * there are none, or they take no such chunk. */
MP_INNER bool cache_make_room(struct cache *cache, struct cache_set *set,
                              size_t granules);

/* The user opens a mark: from now on run and lists are of its heap, and what
 * they had is where it belongs.  The user closes its newest mark: heap is that
 * of the one below, or the pool's own; run and lists are gone with the mark's
 * blocks.  The set is not retired. */
MP_INNER void cache_open_mark(struct cache *cache, struct cache_set *set,
                              struct heap *heap);
MP_INNER void cache_close_mark(struct cache *cache, struct cache_set *set,
                               struct heap *heap);

/* The lists have to take a chunk of so many granules of the newest mark's: if
 * there is no room left, what is more than half a batch of each goes back to
 * the mark's heap. */
MP_INNER void cache_make_mark_room(struct cache *cache, struct cache_set *set,
                                   size_t granules);

/* Puts all that the lists have into the heap of the newest mark; true: they had
 * something. */
MP_INNER bool cache_gather_mark(struct cache *cache, struct cache_set *set);

/* The cache knows where the map of an address is, or may learn it: where it
 * needs windows, it has memory for them.  The user asks, maybe without the
 * lock: so not the member that a pause may write. */
static inline bool cache_can_see(const struct cache *cache,
                                 const struct cache_set *set)
{
    return cache->kept_windows != NULL || !cache_set_is_outside(set);
}

/* Gets a run or a list for objects of that length; false: neither depot nor
 * heap has any. */
MP_INNER bool cache_fill(struct cache *cache, struct cache_set *set,
                         size_t granules);

/* Makes the start of the heap's current block, or all of the pool's first one,
 * the cache's run: a small pool then needs the slow path no more.  The heap is
 * empty. */
MP_INNER void cache_take_first(struct cache *cache, struct cache_set *set);

/* Drops all objects, where the run was got by that and nothing else was got or
 * given back since: run is its start.  The calling thread's cache, and the only
 * one of the set.  The lock is held, or nobody else uses the pool. */
MP_INNER void cache_begin_again(struct cache *cache, struct cache_set *set,
                                unsigned char *run);

/* The same for a pool made again: forgets what was freed, and all credit. */
MP_INNER void cache_begin_new(struct cache *cache, struct cache_set *set,
                              unsigned char *run);

/* The list of that length leads to what is no free chunk of that length, so
 * that the fast path takes nothing from it: a program wrote over a link.  Makes
 * the user's copy of the extent new, and outside of the range the user learns
 * of the chunk's block. */
MP_INNER bool cache_is_damaged(struct cache *cache,
                               const struct cache_set *set, size_t granules);

/* Puts all that caches and depot have of the pool's own heap into it.  The
 * first, while paused, makes the caches forget it, and in place of pause_end()
 * keeps them from being enabled.  The second does a portion of the rest; false:
 * it was the last.  Between two portions the lock may be left. */
MP_INNER void cache_sweep_begin(struct cache_set *set);
MP_INNER bool cache_sweep(struct cache_set *set);

/* The same for each mark's heap, at once; the second also finds what is in
 * lists that were written over.  Paused. */
MP_INNER void cache_flush_marks(struct cache_set *set);
MP_INNER void cache_sweep_marks(struct cache_set *set);

/* Caches and depot may hold chunks of about as many granules as least; paused.
 * They are counted only where enough was freed since the last count. */
MP_INNER bool cache_holds(struct cache_set *set, size_t least);

/* True: something was freed into a cache of the set, and it may be there. */
MP_INNER bool cache_set_has_freed(const struct cache_set *set);

/* Gives what caches and depot have of the pool's own heap to that, one by one;
 * false: that may be so much that a sweep is better.  Paused. */
MP_INNER bool cache_flush_few(struct cache_set *set);

/* How many caches the set has; the lock is held. */
MP_INNER size_t cache_set_length(const struct cache_set *set);

/* Forgets all chunks of all caches, for a reset; paused. */
MP_INNER void cache_forget(struct cache_set *set);

/* Objects freed in the cache so far; and in all caches of the set, those that
 * are gone included; paused. */
MP_INNER size_t cache_frees(const struct cache *cache);
MP_INNER uint64_t cache_set_frees(const struct cache_set *set);

/* Relaxed, where the heavy fence gives the order; else in the one order with
 * what the user does in mp_inline_begin_fenced() and credit_inside_fenced().
 * Only the caller writes these members: so it may look first. */
static inline void cache_disable(struct cache *cache)
{
    sync_put(&cache->fast.pool, MP_INLINE_NO_POOL);
    sync_put(&cache->fast.exact, MP_INLINE_NO_POOL);
    if (sync_get(&cache->fast.fenced) != MP_INLINE_NO_POOL) {
        sync_put_seq(&cache->fast.fenced, MP_INLINE_NO_POOL);
    }
    if (sync_get(&cache->fast.exact_fenced) != MP_INLINE_NO_POOL) {
        sync_put_seq(&cache->fast.exact_fenced, MP_INLINE_NO_POOL);
    }
}

/* False: no cache of the set may be enabled, and none may be filled or freed
 * into, also with the lock held. */
static inline bool cache_set_is_open(const struct cache_set *set)
{
    return !sync_get(&set->retired) && !set->suspended && !set->sweeping;
}

/* Unless the set is closed.  Release pairs with the acquire in
 * mp_inline_enter() and credit_enter(): the user finds what was done before. */
static inline void cache_enable(struct cache *cache,
                                const struct cache_set *set)
{
    if (!cache_set_is_open(set)) {
        return;
    }
    if (set->counts) {
        sync_put_release(set->fenced ? &cache->fast.exact_fenced
                                     : &cache->fast.exact,
                         set->pool);
    } else {
        sync_put_release(set->fenced ? &cache->fast.fenced : &cache->fast.pool,
                         set->pool);
    }
}

/* The calling thread's own: enabled for that set's pool.  Acquire pairs with
 * the release above. */
static inline bool cache_serves(const struct cache *cache,
                                const struct cache_set *set)
{
    return set->counts
               ? sync_get_acquire(&cache->fast.exact) == set->pool ||
                     sync_get_acquire(&cache->fast.exact_fenced) == set->pool
               : sync_get_acquire(&cache->fast.pool) == set->pool ||
                     sync_get_acquire(&cache->fast.fenced) == set->pool;
}

#endif /* MP_CACHE_H */
