/* SPDX-License-Identifier: MIT
 *
 * pool.h - a pool's life, and its objects counted to the byte.
 *
 * A pool is one piece of memory: this structure and its first block.  More
 * blocks come as they are needed and go when they are empty.
 *
 * There are two kinds.  One with thread caches lives in the range, has a
 * thread's frees and allocations done in its cache, and comes to the lock
 * only to exchange chunks with the heap.  The other does everything under
 * its lock, or without one if it is for one thread only; it takes its blocks
 * from any backing and can count to the byte.
 *
 * Arguments are checked by api.c: pools here are never NULL.
 */
#ifndef MP_POOL_H
#define MP_POOL_H

#include "cache/cache.h"
#include "store/heap.h"
#include "base/lock.h"
#include "memory_pool.h"
#include "base/private.h"

enum pool_kind {
    POOL_LOCKED, /* a lock for each call, but in a process with one thread */
    POOL_SINGLE,  /* the program says that no two threads use it at once */
    POOL_CACHED
};

/* Why an allocation was refused. */
enum { POOL_REFUSED_SIZE, POOL_REFUSED_FULL, POOL_REFUSED_MEMORY };

/* Bytes of a name, with its end; what is longer is cut off. */
#define POOL_NAME 64

struct mp_handle;

/* The lock owns all that follows but where it says else; fixed: not changed
 * between creation and destruction, but for recycle_take(). */
struct memory_pool {
    size_t room;          /* bytes that may be held before there is a new
                           * high-water mark, which is looked after where
                           * there is time for it */
    size_t capacity;      /* bytes held at most, as callers ask; fixed */
    struct lock lock;
    enum pool_kind kind;  /* fixed */
    size_t short_most;    /* granules, BLOCK_SHORT at most, that may be cut
                           * off without a look at max_object; 0 while a mark
                           * is open, and for a bounded pool and one with
                           * caches */
    size_t max_object;    /* bytes; fixed */
    struct heap heap;     /* its first members are used by every call */

    struct cache *caches; /* every thread's and handle's */
    struct mp_inline_thread *resident; /* atomic; the thread whose cache was the
                                   * first; NULL: it has none now */
    struct cache *resident_cache; /* that; only that thread may look into it */
    void **depot;         /* chains of chunks by granules - 1; or NULL */

    unsigned flags;       /* MP_*; fixed */
    bool uncached;        /* atomic; no cache is offered, for good */
    bool bounded;         /* fixed; some pool above it has a capacity, which
                           * counts what this one holds */
    struct block *spare;  /* empty blocks kept for use, linked by next */
    size_t spare_bytes;
    size_t promised;      /* bytes out of room for chunks still to come */
    size_t reserve;       /* bytes of the capacity beyond that mark */
    struct mark *marks; /* open marks, every thread's and handle's, the
                           * newest first; see mark.h */
    struct mark *spare_marks; /* kept for use */
    unsigned spare_mark_count;
    unsigned carved;      /* chunks of the heap that marks have */
    struct tree *tree;    /* fixed once set: the parent, children and
                           * cleanups; NULL: it has none of them; see tree.h */
    uint64_t resets; /* so far; the numbers of mp_stats() up to refused */
    uint64_t freed;       /* objects, but for frees done in caches */
    size_t peak;          /* granules out of the heaps at once; of a pool with
                           * caches */
    size_t peak_objects;
    uint64_t refused[3];  /* by POOL_REFUSED_* */
    size_t next_bytes;    /* of the next block */
    size_t bytes;         /* of the pool itself; fixed */
    mp_backing_t backing; /* fixed; of a pool in the range: for when that
                           * is full */
    mp_report_fn *report; /* fixed; NULL: silent */
    void *report_context; /* fixed */
    const char *name;     /* fixed; NULL: none */

    struct thread *home;  /* atomic; on whose list it is; that list's lock */
    struct memory_pool *made_next; /* so these */
    struct memory_pool *made_previous;
    struct memory_pool *recycled_next; /* only home */
    bool recycled;        /* atomic; it was destroyed, and waits to be made
                           * again; only home writes it */
    struct block first;
};

static inline size_t pool_hash(const struct memory_pool *mp)
{
    return ((uintptr_t)mp / RANGE_SLOT) % THREAD_CACHES;
}

/* The calling thread's cache, if that was the pool's first; else NULL. */
static inline struct cache *cache_resident(const struct memory_pool *mp)
{
    return sync_get(&mp->resident) == &thread_state ? mp->resident_cache : NULL;
}

/* A pool with these options, which options.c has checked and completed.
 * NULL: there is no memory. */
struct memory_pool *pool_create(const mp_options_t *options);

/* No other call may be under way for the pool. */
void pool_destroy(struct memory_pool *mp);

/* An object, or its free, where more has to be done than to use the caller's
 * own cache or to move the top; for every kind, with no lock held, by the
 * handle or, if that is NULL, the thread.  NULL: errno
 * is EINVAL for a size that the pool never takes, ENOBUFS where the capacity is
 * used, ENOMEM.  False: ptr is no live object's start. */
void *pool_allocate_at_last(struct memory_pool *mp, struct mp_handle *handle,
                            size_t size);
bool pool_free_at_last(struct memory_pool *mp, struct mp_handle *handle,
                       const void *ptr);

/* A chunk under the lock, which may be left meanwhile; 0 or an error. */
int pool_take_chunk(struct memory_pool *mp, const struct mp_handle *handle,
                    size_t size, size_t granules, bool *taken,
                    struct heap_chunk *chunk);

/* Gives a live chunk back to its heap; its size must be what the pool counts.
 * The lock is held; pool_leave() leaves it and gives back what is too much. */
void pool_drop_chunk(struct memory_pool *mp, struct heap_chunk chunk,
                     size_t size);
void pool_leave(struct memory_pool *mp, bool taken);

/* Bytes of the capacity that nobody holds; takes some of them, which must be
 * there, and gives some back.  The lock is held. */
static inline size_t pool_room(const struct memory_pool *mp)
{
    return mp->room + mp->reserve;
}
void pool_hold(struct memory_pool *mp, size_t bytes);

/* Says whether pool_cut() may serve; the lock is held. */
void pool_set_short(struct memory_pool *mp);

/* The error number for a size beyond the room that is left. */
int pool_full(const struct memory_pool *mp);

/* Bytes of a live chunk that its holder may use; as asked, where the block
 * says so. */
size_t pool_size_of(struct heap_chunk chunk);

void pool_reset(struct memory_pool *mp);

/* Gives empty blocks back until no more than keep bytes of them are left;
 * returns the bytes given. */
size_t pool_trim(struct memory_pool *mp, size_t keep);

/* The granule of some heap of the pool, and the live chunk, at an address;
 * none, where there is none.  Lock held. */
struct heap_chunk pool_find(const struct memory_pool *mp, const void *ptr);
struct heap_chunk pool_find_live(struct memory_pool *mp, const void *ptr);

static inline bool pool_locks(const struct memory_pool *mp)
{
    return !lock_needless() && mp->kind != POOL_SINGLE;
}

static inline bool pool_enter_lock(struct memory_pool *mp)
{
    if (!pool_locks(mp)) {
        return false;
    }
    lock_take(&mp->lock);
    return true;
}

/* Without caches: cuts a short object from the top where that is all there is
 * to do; NULL says nothing about why, pool_allocate_at_last() will.  The lock
 * is held or needless. */
static inline void *pool_cut(struct memory_pool *mp, size_t size)
{
    size_t granules = block_granules(size);
    size_t i;

    /* As unsigned numbers: also where size is 0. */
    if (size - 1 >= mp->room || granules - 1 >= mp->short_most ||
        !heap_take_top(&mp->heap, granules, &i)) {
        return NULL;
    }
    mp->heap.slack[i] = (unsigned char)(-size % BLOCK_GRANULE);
    mp->room -= size;
    return mp->heap.base + i * BLOCK_GRANULE;
}

/* Takes the top down over a short object; false: there is more to it.  The
 * lock is held or needless. */
static inline bool pool_uncut(struct memory_pool *mp, const void *ptr)
{
    size_t i;
    size_t length = heap_give_top(&mp->heap, ptr, &i);

    if (length == 0) {
        return false;
    }
    mp->freed++;
    mp->room += length * BLOCK_GRANULE - mp->heap.slack[i];
    return true;
}

#endif /* MP_POOL_H */
