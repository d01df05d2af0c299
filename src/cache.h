/* SPDX-License-Identifier: MIT
 *
 * cache.h - a thread's own chunks of a pool: the path without locks.
 *
 * A cache has a run of granules to cut new objects from, and for each length
 * a list of free chunks.  While its thread has a mark open the run is of that
 * mark's blocks and the lists are empty; see scope.h.  Only its thread touches it, so neither needs a lock
 * or an atomic read-modify-write.  The thread that made a pool has its cache
 * inside the pool and finds it with one compare; any other gets one when it
 * first uses the pool, and finds it through its struct thread.
 *
 * Now and then another thread must have all caches of a pool at rest: for a
 * reset, for mp_check(), across fork().  So a thread notes, in its own
 * thread_mark, which pool it is inside before it looks whether the cache is
 * still offered to it, and clears the note when it is done.  cache_pause()
 * withdraws the offers, has sync_barrier() make sure that every thread has
 * seen that or its note can be seen, and waits for the notes to go: a few
 * instructions of time.  See cache.c.
 */
#ifndef MP_CACHE_H
#define MP_CACHE_H

#include "block.h"
#include "range.h"
#include "thread.h"

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
 * by the holder of the pool's lock while it is paused.  The lists come first:
 * theirs are the addresses that are computed. */
struct cache {
    void *lists[BLOCK_SHORT]; /* by granules - 1; linked by the first word */
    uint16_t rooms[BLOCK_SHORT]; /* frees until the list is looked at;
                                       * a count for each, since one for all
                                       * would make every call wait for the
                                       * one before; 0 while a mark is open */
    unsigned char *cut; /* next new object */
    unsigned char *end; /* of the run */
    size_t run;         /* granules of the next run */

    struct memory_pool *pool;  /* atomic; NULL while paused or dead */
    struct thread_mark *mark;  /* fixed while attached: of the thread or the
                                * handle that uses it; unused in the pool */
    struct scope *scope;       /* the innermost open mark; NULL: none */
    size_t spent;              /* frees, less those that rooms tells of */
    struct memory_pool *owner; /* attachments; NULL: the pool is gone */
    struct cache *next;        /* of the pool; its lock and attachments */
    struct cache *attached;    /* of the thread; attachments */
    bool handle;               /* fixed; part of a struct mp_handle */
};

/* The map byte of a granule in the range. */
static inline unsigned char *cache_code(const void *object)
{
    return (unsigned char *)(range_bias + ((uintptr_t)object >> 4));
}

/* Inside: an object, or NULL where neither list nor run has one.
 * 1 <= size <= BLOCK_SHORT granules. */
static inline void *cache_take(struct cache *cache, size_t size)
{
    size_t granules = block_granules(size);
    void **list = &cache->lists[granules - 1];
    unsigned char *object = *list;
    unsigned char code = (unsigned char)(BLOCK_LIVE - 1 + granules);

    /* Release, for a thread that frees the object by a pointer from before a
     * reset: what was read from the chunk was read before it may be written. */
    if (object != NULL) {
        *list = *(void **)(void *)object;
        sync_put_release(cache_code(object), code);
        return object;
    }
    object = cache->cut;
    if ((size_t)(cache->end - object) < granules * BLOCK_GRANULE) {
        return NULL;
    }
    cache->cut = object + granules * BLOCK_GRANULE;
    sync_put_release(cache_code(object), code);
    return object;
}

/* Inside: takes a short live object of the pool; false where ptr is none, a
 * mark's, or the list is to be looked at. */
static inline bool cache_give(struct cache *cache, struct memory_pool *mp,
                              const void *ptr)
{
    unsigned char *base = range_base;
    uintptr_t i = block_granule_at(base, ptr);

    /* Foreign, NULL and between granules in one compare. */
    if (i >= RANGE_GRANULES ||
        sync_get(&range_owners(base)[i / (RANGE_SLOT / BLOCK_GRANULE)]) !=
            mp) {
        return false;
    }
    unsigned char *code = &range_map(base)[i];
    /* Granules less one; more than that where the code is another. */
    unsigned length = (unsigned)sync_get_acquire(code) - BLOCK_LIVE;
    void **link = (void **)(uintptr_t)ptr;

    if (length > BLOCK_LENGTH_BITS || cache->rooms[length] == 0) {
        return false;
    }
    cache->rooms[length]--;
    *link = cache->lists[length];
    cache->lists[length] = link;
    sync_put(code, (unsigned char)(BLOCK_CACHED + length));
    return true;
}

static inline void cache_leave(struct thread_mark *mark)
{
    /* Release: who waits for the note to go sees all that was done. */
    sync_put_release(&mark->inside, (struct memory_pool *)NULL);
}

void cache_start(struct cache *cache, struct memory_pool *mp,
                 struct thread_mark *mark);

/* Puts a cache on its pool's list; the lock is held. */
void cache_join(struct cache *cache, struct memory_pool *mp);

/* The calling thread's cache of a pool, made if there is none; NULL: none is
 * to be had.  Not inside, no lock held. */
struct cache *cache_own(struct memory_pool *mp);

/* All of these with the pool's lock held.  Blocks that become empty stay
 * with the pool. */

/* Puts all that the cache has back into the heaps; the run alone. */
void cache_flush(struct cache *cache, struct memory_pool *mp);
void cache_return_run(struct cache *cache, struct memory_pool *mp);

/* A list has used up its frees: moves what is more than a load of it to the
 * depot, for any thread. */
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

/* Makes all of the pool's first block the maker's run: a small pool then
 * never comes here again.  The heap is empty. */
void cache_take_first(struct memory_pool *mp);

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
