/* SPDX-License-Identifier: MIT
 *
 * cache.h - a thread's own chunks of a pool: the path without locks.
 *
 * A cache has a run of granules to cut new objects from, and for each length
 * a list of free chunks.  While its thread has a mark open the run is of that
 * mark's blocks and the lists are empty; see mark.h.  Only its thread
 * touches it, so neither needs a lock or an atomic read-modify-write.
 *
 * A thread has a cache in each pool that it uses, and a word of thread-local
 * storage that leads to the one it used last.  One compare then says that
 * this is the pool's, that the pool is not NULL, and that nobody wants it at
 * rest.  Where another pool was used last, the pool itself remembers whose
 * thread's cache was its first, and each thread has a small table of others.
 *
 * Caches belong to threads: when a pool goes, its caches serve their threads
 * for other pools.  So what a thread's word leads to is always a cache.
 *
 * Now and then another thread must have all caches of a pool at rest: for a
 * reset, for mp_check(), across fork().  So a thread notes, in its own
 * thread_state, which pool it is inside before it looks whether the cache is
 * still offered to it, and clears the note when it is done.  cache_pause()
 * withdraws the offers, has sync_barrier() make sure that every thread has
 * seen that or its note can be seen, and waits for the notes to go: a few
 * instructions of time.  See cache.c.
 */
#ifndef MP_CACHE_H
#define MP_CACHE_H

#include "store/block.h"
#include "store/range.h"
#include "cache/thread.h"

/* Chunks of one length that travel together: 8 KiB, at most so many.  A list
 * gets some such loads before it is looked at; so each free is counted, and
 * taking costs nothing. */
#define CACHE_LOAD_MOST 120u

static inline unsigned cache_load(size_t granules)
{
    size_t load = 512 / granules;

    return load > CACHE_LOAD_MOST ? CACHE_LOAD_MOST : (unsigned)load;
}

/* Bytes that processors exchange at once. */
#define CACHE_LINE 64

/* Owned by its thread, while the thread is inside or the pool not paused;
 * by the holder of the pool's lock while it is paused. */
struct cache {
    struct mp_inline_cache fast; /* what compiled-in code knows, too */
    size_t run;         /* granules of the next run */
    struct mp_inline_thread *state; /* fixed while attached: of the thread or the
                                * handle that uses it */
    struct mark *mark;       /* the innermost open mark; NULL: none */
    /* A bit for each list that ever had room; no other has chunks either.  No
     * stricter aligned than the rest: a struct mp_handle begins as struct
     * mp_inline_handle does. */
    uint64_t granted __attribute__((__packed__, __aligned__(sizeof(void *))));
    size_t spent;              /* frees, and all the room that there is */
    struct memory_pool *owner; /* attachments; NULL: the pool is gone */
    struct cache *next;        /* of the pool; its lock and attachments */
    struct thread *thread;     /* fixed; NULL: part of a struct mp_handle */
    struct cache *newer;       /* of the thread, when it has a pool, else */
    struct cache *older;       /* only this, of its spare ones; attachments */
};

/* What a thread that has used no pool yet finds: offered for none. */
extern const struct mp_inline_cache cache_none
    __attribute__((__visibility__("hidden")));

/* Says which cache the calling thread used last; NULL: none. */
static inline void cache_use(struct cache *cache)
{
    thread_state.cache = cache != NULL ? &cache->fast
                                      : (struct mp_inline_cache *)&cache_none;
}

void cache_start(struct cache *cache, struct memory_pool *mp,
                 struct mp_inline_thread *state);

/* Forgets what it had and what was freed into it. */
void cache_renew(struct cache *cache);

/* Puts a cache on its pool's list; the lock is held. */
void cache_join(struct cache *cache, struct memory_pool *mp);

/* The calling thread's cache of a pool, from now on the one that it used last;
 * NULL: it has none at hand, or the pool is paused.  Not inside. */
struct cache *cache_find(struct memory_pool *mp);

/* The same, found or made by all means; NULL: none is to be had.  No lock
 * held. */
struct cache *cache_own(struct memory_pool *mp);

/* All of these with the pool's lock held.  Blocks that become empty stay
 * with the pool. */

/* Puts all that the cache has back into the heaps; the run alone. */
void cache_flush(struct cache *cache, struct memory_pool *mp);
void cache_return_run(struct cache *cache, struct memory_pool *mp);

/* A list has used up its frees, or is freed into for the first time: gives it
 * room, and moves what is more than a load of it to the depot, for any
 * thread. */
void cache_unload(struct cache *cache, struct memory_pool *mp,
                  size_t granules);

/* A mark is opened: nothing comes out of the lists or the run, and no free
 * goes into the lists; and the last is closed.  The cache's own thread or
 * handle. */
void cache_close(struct cache *cache, struct memory_pool *mp);
void cache_open(struct cache *cache);

/* Objects freed in the cache so far; at rest. */
size_t cache_frees(const struct cache *cache);

/* Empties the depot into the heap. */
void cache_drain(struct memory_pool *mp);

/* Gets a run or a list for objects of that length; false: neither depot nor
 * heap has any. */
bool cache_fill(struct cache *cache, struct memory_pool *mp, size_t granules);

/* No other thread is inside or gets inside until resumed. */
void cache_pause(struct memory_pool *mp);
void cache_resume(struct memory_pool *mp);

/* cache_pause() in two steps, so that one barrier may serve many pools: true
 * when the second is needed, after a barrier. */
bool cache_withdraw(struct memory_pool *mp);
void cache_await_all(struct memory_pool *mp);

/* In the child of fork(): a thread that was looking at a handle's cache, and
 * found it withdrawn, will not clear the note any more. */
void cache_forked(struct memory_pool *mp);

/* Makes all of the pool's first block the cache's run: a small pool then
 * never comes here again.  The heap is empty. */
void cache_take_first(struct cache *cache, struct memory_pool *mp);

/* Forgets all chunks, for a reset; paused. */
void cache_forget(struct memory_pool *mp);

/* No lock held: the pool goes; no thread's cache of it is used again. */
void cache_detach_all(struct memory_pool *mp);

/* Takes a cache off its pool, which is alive; its lock is held. */
void cache_detach(struct cache *cache, struct memory_pool *mp);

/* The thread ends: what its caches hold goes back to the pools.  held: the
 * caller has all locks, after fork(). */
void cache_thread_ends(struct thread *thread, bool held);

#endif /* MP_CACHE_H */
