/* SPDX-License-Identifier: MIT
 *
 * cache_type.h - what a cache is and a set of them, and what can be seen of it.
 *
 *     cache.c, cache_set.c -> cache_check.c -> this
 *
 * What it cannot do: change any of it.  cache.h does.
 */
#ifndef MP_CACHE_TYPE_H
#define MP_CACHE_TYPE_H

#include "cache/depot.h"
#include "cache/middle.h"
#include "cache/thread.h"
#include "store/range.h"

struct cache_set;

/* Its user owns it, while that is inside or the pool is not paused; the holder
 * of the pool's lock, while the pool is paused. */
struct cache {
    struct mp_inline_cache fast;    /* what compiled-in code knows, too */
    size_t longest; /* as the set's; fast.longest is that, too, or 0 outside
                     * of the range */
    size_t granted; /* what fast.credit was as it was granted */
    size_t raised;  /* bytes by which that raised the quota's mark */
    struct middle *middle;          /* only its user sets it, with the lock,
                                     * and it stays until the cache goes;
                                     * NULL: none was needed yet */
    struct windows *windows;        /* its user or in a pause, with the lock; of
                                     * a set outside of the range, or while its
                                     * user has a mark open; NULL: there was no
                                     * memory, or no need yet */
    struct windows *kept_windows;   /* as middle; the memory for those */
    size_t mark_room;               /* granules of the newest mark's that may
                                     * yet be freed into lists of short chunks;
                                     * 0 without a mark or without windows */
    size_t run;                     /* granules of the next run */
    struct mp_inline_thread *state; /* fixed while attached: of the thread or
                                     * the handle that uses it */
    struct heap *heap;              /* runs come from it: the pool's, or that
                                     * of the user's newest mark */
    /* A bit for each list that was ever freed into; no other has chunks.  No
     * stricter aligned than the rest: a struct mp_handle begins as struct
     * mp_inline_handle does, see handle.c. */
    uint64_t lists_used
        __attribute__((__packed__, __aligned__(sizeof(void *))));
    size_t frees_granted;  /* frees done, and all those that lists may yet
                            * take before the slow path */
    struct cache_set *set; /* attachments' lock; fixed while the set has the
                            * cache; NULL: it serves no pool */
    struct cache *next;    /* of the set; its lock */
    struct cache **from;            /* what points here, on the set's list */
    struct treap_node user;         /* in the set's tree of threads */
    struct thread *thread; /* fixed; NULL: a handle's */
    void *memory;          /* fixed; what malloc() gave for it */
    struct list_link link; /* of the thread: attached or spare; attachments'
                            * lock */
    struct treap_node sorted; /* in its set's tree of runs */
    unsigned number; /* its place in the set, counted from 1; both as
                      * cache_sort_runs() left them */
};

/* Bytes of the longest object that lists of short chunks have. */
#define CACHE_LONGEST (SIZES_SHORT * SIZES_GRANULE)

/* Nobody's: neither a thread nor what an unregistered one has, NULL. */
#define CACHE_NO_THREAD ((struct thread *)(uintptr_t)1)

/* A part of each pool.  Its lock owns all that is not fixed. */
struct cache_set {
    struct memory_pool *pool;  /* fixed; the name that caches are enabled for */
    unsigned char counts;      /* fixed; caches have credit.  No bool: a short
                                * way reads it, before anybody looks whether the
                                * structure was written over */
    bool zero;                 /* fixed; what is freed is zeroed */
    bool suspended;            /* no cache is enabled until the quota has room
                                * again */
    bool scarce;               /* the pool's source refused a block, so the
                                * caches are suspended; recall.c writes it */
    bool damaged;              /* a list was found written over, and nobody was
                                * told yet */
    bool sweeping;             /* a sweep is under way, see cache_sweep(): no
                                * cache is enabled, and none has anything of
                                * the heap */
    bool fenced;               /* users of its caches pay for the order in
                                * a pause: those are enabled by fast.fenced,
                                * and not by fast.pool */
    bool retired;              /* atomic; no cache is enabled any more, or ever
                                * was: written under the lock, once */
    size_t owed;               /* bytes to be given back to the quota */
    size_t unused;             /* so many of them raised its mark in vain */
    struct lock *lock;         /* fixed; the pool's */
    struct heap *heap;         /* fixed; the pool's own */
    struct cache *caches;      /* every user's, linked by next */
    struct treap_node *threads; /* those of threads, by cache->thread */
    struct thread *first_thread; /* atomic; the thread whose cache was the
                                  * first; CACHE_NO_THREAD: there was none, or
                                  * it is gone */
    struct cache *first_cache; /* that cache; only that thread reads it without
                                * the lock */
    struct depot depot;
    uint64_t frees_of_gone;    /* done in caches that were detached */
    uint64_t counted_frees;    /* all frees up to the last count or sweep */
    size_t counted;            /* granules that it found in the lists of short
                                * chunks; 0: it was a sweep */
    struct treap_node *runs;   /* see cache_sort_runs() */
    struct heap_sweep sweep;   /* where the last one stands */
    unsigned sweeps;           /* so many were begun */
    uint16_t longest;          /* fixed; bytes of the longest object that is
                                * taken from its caches' lists or runs, where
                                * they have credit; CACHE_LONGEST at most */
};

/* The set's pool lies outside of the range. */
static inline bool cache_set_is_outside(const struct cache_set *set)
{
    return !set->heap->stock->ranged;
}

static inline bool cache_has_mark(const struct cache *cache,
                                  const struct cache_set *set)
{
    return cache->heap != set->heap;
}

/* Something of the pool's own heap may have been freed into the cache.  The lock
 * is held. */
static inline bool cache_has_freed(const struct cache *cache,
                                   const struct cache_set *set)
{
    /* While a mark is open its user writes that member without the lock, and
     * what the cache has is the mark's. */
    return cache->middle != NULL ||
           (!cache_has_mark(cache, set) && cache->lists_used != 0);
}

/* A cache of the calling thread, which is here and so not inside.  One that it
 * uses through a handle has another state. */
static inline bool cache_is_own(const struct cache *cache)
{
    return cache->state == &thread_state;
}

/* A cache is enabled where its user's fast path looks.  Relaxed: what follows
 * a disabling is ordered by a fence, see pause.c. */
static inline bool cache_is_enabled(const struct cache *cache)
{
    return sync_get(&cache->fast.pool) != MP_INLINE_NO_POOL ||
           sync_get(&cache->fast.fenced) != MP_INLINE_NO_POOL ||
           sync_get(&cache->fast.exact) != MP_INLINE_NO_POOL ||
           sync_get(&cache->fast.exact_fenced) != MP_INLINE_NO_POOL;
}

/* For assertions: no cache of the set but those of the calling thread is
 * enabled; see pause.h. */
static inline bool cache_set_is_paused(const struct cache_set *set)
{
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        if (!cache_is_own(c) && cache_is_enabled(c)) {
            return false;
        }
    }
    return true;
}

#endif /* MP_CACHE_TYPE_H */
