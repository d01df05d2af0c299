/* SPDX-License-Identifier: MIT
 *
 * pool.h - a pool's life, and its objects counted to the byte.
 *
 * A pool is one piece of memory: this structure, the first block's granules,
 * their map and their slack bytes.  More blocks come only when alignment or
 * fragmentation has used up the first, and go when they are empty.
 *
 * Arguments are checked by api.c: pools here are never NULL.
 */
#ifndef MP_POOL_H
#define MP_POOL_H

#include "heap.h"
#include "lock.h"
#include "memory_pool.h"
#include "private.h"

struct memory_pool {
    struct lock lock;     /* owns all that follows but where it says else */
    size_t room;          /* bytes of the capacity that nobody holds */
    size_t capacity;      /* bytes held at most, as callers ask; fixed */
    size_t max_object;    /* bytes; fixed */
    struct heap heap;
    struct memory_pool *next; /* all pools; pool.c's list lock owns the links */
    struct memory_pool *previous;
    struct block first;
};

/* A pool of capacity bytes for objects up to capacity bytes.  NULL: errno is
 * the error and *step names what failed. */
struct memory_pool *pool_create(size_t capacity, const char **step);

/* No other call may be under way for the pool. */
void pool_destroy(struct memory_pool *mp);

/* pool_allocate() and pool_free() where there are several threads... */
void *pool_allocate_locked(struct memory_pool *mp, size_t size);
bool pool_free_locked(struct memory_pool *mp, const void *ptr);

/* ... and where more has to be done than to move the top.  The lock is held,
 * where taken says so, and left here. */
void *pool_allocate_slowly(struct memory_pool *mp, size_t size, bool taken);
bool pool_free_slowly(struct memory_pool *mp, const void *ptr, bool taken);

void pool_reset(struct memory_pool *mp);

bool pool_has(struct memory_pool *mp, const void *ptr);

/* Cuts a short object from the top where that is all there is to do; else
 * NULL, which says nothing about why.  The lock is held or needless. */
static inline void *pool_cut(struct memory_pool *mp, size_t size)
{
    size_t granules = block_granules(size);
    size_t i;

    /* As unsigned numbers: also where size is 0. */
    if (size - 1 >= mp->room || granules > BLOCK_SHORT ||
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
    mp->room += length * BLOCK_GRANULE - mp->heap.slack[i];
    return true;
}

/* NULL: errno is EINVAL for a size that the pool never takes, ENOBUFS where
 * the capacity is used, ENOMEM; and the pool is as it was. */
static inline void *pool_allocate(struct memory_pool *mp, size_t size)
{
    if (!lock_needless()) {
        return pool_allocate_locked(mp, size);
    }
    void *object = pool_cut(mp, size);
    return object != NULL ? object : pool_allocate_slowly(mp, size, false);
}

/* False, and nothing changed: ptr is not the start of a live object. */
static inline bool pool_free(struct memory_pool *mp, const void *ptr)
{
    if (!lock_needless()) {
        return pool_free_locked(mp, ptr);
    }
    return pool_uncut(mp, ptr) || pool_free_slowly(mp, ptr, false);
}

#endif /* MP_POOL_H */
