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

#include <pthread.h>

#include "heap.h"
#include "memory_pool.h"

struct memory_pool {
    pthread_mutex_t lock; /* owns all that follows but where it says else */
    struct heap heap;
    size_t live;          /* bytes that callers hold, as they asked for them */
    size_t capacity;      /* bound of live; fixed */
    size_t max_object;    /* bytes; fixed */
    struct memory_pool *next; /* all pools; pool.c's list lock owns the links */
    struct memory_pool *previous;
    struct block first;
};

enum pool_status {
    POOL_DONE,
    POOL_BAD_SIZE,
    POOL_FULL,
    POOL_NO_MEMORY,
    POOL_NOT_LIVE
};

/* A pool of capacity bytes for objects up to capacity bytes.  NULL: errno is
 * the error and *step names what failed. */
struct memory_pool *pool_create(size_t capacity, const char **step);

/* No other call may be under way for the pool. */
void pool_destroy(struct memory_pool *mp);

/* On any status but POOL_DONE the pool is as it was. */
enum pool_status pool_allocate(struct memory_pool *mp, size_t size,
                               void **object);
enum pool_status pool_free(struct memory_pool *mp, const void *ptr);

void pool_reset(struct memory_pool *mp);

bool pool_has(struct memory_pool *mp, const void *ptr);

#endif /* MP_POOL_H */
