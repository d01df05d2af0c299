/* SPDX-License-Identifier: MIT
 *
 * cache_set.c - all caches of a pool: begun, counted, forgotten, swept.
 *
 * A set is not often asked about as a whole.  A reset forgets all that its
 * caches have.  A pool that finds no memory first sweeps them all, a portion at
 * a time.
 *
 * What it cannot do: reach a cache whose user is inside.  The set is paused
 * first, by pause.c.
 */
#include "cache/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Granules that are looked at to say what caches hold: in a larger pool some of
 * them stand for all, so that nobody waits longer for it. */
#define CACHE_LOOK ((size_t)1 << 18)

/* What a portion of a sweep costs, see heap_sweep(): 64 MiB to look through, or
 * some 2,000 chunks apart from each other.  It takes about a millisecond. */
#ifndef CACHE_SWEEP /* a model has its own */
#define CACHE_SWEEP ((size_t)4 << 20)
#endif

/* Chunks that go back to the heap one by one: more take longer than a portion
 * of a sweep. */
#ifndef CACHE_FEW /* a model has its own */
#define CACHE_FEW 2000
#endif

void cache_set_start(struct cache_set *set, struct memory_pool *pool,
                     struct lock *lock, struct heap *heap, bool retired)
{
    ASSERT(pool != NULL && lock != NULL && heap != NULL);
    memset(set, 0, sizeof *set);
    set->pool = pool;
    set->lock = lock;
    set->heap = heap;
    set->retired = retired;
    bool works = sync_fence_works(); /* asked in any case: locks count on it */
    set->fenced = !retired && (!MP_INLINE_LIGHT || !works);
    set->first_thread = CACHE_NO_THREAD;
    set->depot.outside = cache_set_is_outside(set) ? heap : NULL;
}

void cache_set_count(struct cache_set *set, bool counts, bool zero,
                     size_t max_object)
{
    ASSERT(set->owed == 0 && cache_set_is_paused(set));
    set->counts = counts;
    set->zero = zero;
    set->longest =
        (uint16_t)(max_object < CACHE_LONGEST ? max_object : CACHE_LONGEST);
    set->suspended = counts;
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        ASSERT(c->fast.credit == 0);
        cache_disable(c);
        cache_learn(c, set);
        cache_enable(c, set);
    }
}

void cache_open_depot(struct cache_set *set)
{
    ASSERT(lock_none_is_held());
    void **lists = depot_get_lists(&set->depot);

    if (lists != NULL) {
        bool taken = lock_enter(set->lock);
        lists = depot_open(&set->depot, lists);
        lock_leave(set->lock, taken);
        volatile int error = errno; /* as in depot_get_lists() */
        free(lists);
        errno = error;
    }
}

void cache_set_renew(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    /* One cache at most, that of the thread which keeps the pool. */
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_renew(c);
    }
    set->frees_of_gone = set->counted_frees = 0;
    set->counted = 0;
    set->sweeping = false;
}

void cache_forget(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_empty(c);
    }
    /* Its chunks are in blocks that the reset drops or empties. */
    depot_forget(&set->depot);
    set->sweeping = false; /* a sweep would find nothing */
}

/* A count reads the map, which takes long in a large heap.  But no more can
 * have come into the lists of short chunks than was freed.  So a heap that
 * grows by long objects alone is not counted over and over. */
bool cache_holds(struct cache_set *set, size_t least)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    uint64_t frees = cache_set_frees(set);
    size_t middle = 0;

    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        /* What it has while its user has a mark open is the mark's. */
        middle += c->middle == NULL || cache_has_mark(c, set)
                      ? 0
                      : c->middle->granules;
    }
    if (middle + set->counted + (frees - set->counted_frees) * SIZES_SHORT <
        least) {
        return false;
    }
    set->counted = heap_count_cached(set->heap, CACHE_LOOK);
    set->counted_frees = frees;
    return middle + set->counted >= least;
}

/* The lists are only forgotten: the map still says where their chunks are, and
 * the heap goes by that.  The runs are given back, since nothing stands in
 * their map.  The caller's own caches are disabled, too. */
void cache_sweep_begin(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    ASSERT(!set->sweeping);
    size_t before = set->heap->taken;

    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_disable(c);
        if (cache_has_mark(c, set)) {
            continue; /* what it has is the mark's */
        }
        cache_return_run(c);
        cache_forget_lists(c, false);
    }
    depot_forget(&set->depot);
    set->counted = 0;
    set->counted_frees = cache_set_frees(set);
    set->sweep = heap_sweep_start();
    set->sweep.freed = before - set->heap->taken;
    set->sweeping = true;
    set->sweeps++;
}

bool cache_sweep(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && set->sweeping);
    ASSERT(cache_set_is_sound(set));
    set->sweeping = heap_sweep(set->heap, &set->sweep, CACHE_SWEEP);
    return set->sweeping;
}

/* No more can have come into lists and depot than was freed, and a batch for
 * each list.  A sweep looks at all of the heap, however few these are. */
bool cache_flush_few(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    uint64_t frees = cache_set_frees(set);

    if (set->counted + (frees - set->counted_frees) > CACHE_FEW) {
        return false;
    }
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_disable(c);
        if (!cache_has_mark(c, set)) {
            cache_flush(c, set);
        }
    }
    depot_drain(&set->depot, set->heap);
    set->counted = 0;
    set->counted_frees = frees;
    return true;
}

/* No more than a mark's lists take, however large its heap is. */
void cache_flush_marks(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        if (cache_has_mark(c, set)) {
            cache_flush(c, set);
        }
    }
}

void cache_sweep_marks(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        if (cache_has_mark(c, set)) {
            cache_return_run(c);
            cache_forget_lists(c, true);
            struct heap_sweep place = heap_sweep_start();
            while (heap_sweep(c->heap, &place, CACHE_SWEEP)) {
                continue;
            }
        }
    }
}

size_t cache_set_length(const struct cache_set *set)
{
    size_t length = 0;

    ASSERT(lock_is_held(set->lock));
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        length++;
    }
    return length;
}

bool cache_set_has_freed(const struct cache_set *set)
{
    bool freed = set->depot.lists != NULL;

    ASSERT(lock_is_held(set->lock));
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        freed = freed || cache_has_freed(c, set);
    }
    return freed;
}

uint64_t cache_set_frees(const struct cache_set *set)
{
    uint64_t frees = set->frees_of_gone;

    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        frees += cache_frees(c);
    }
    return frees;
}
