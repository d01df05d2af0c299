/* SPDX-License-Identifier: MIT
 *
 * apr.c - peer: an APR pool, no lock and no free of one object.
 *
 * Pools are children of no other, each with APR's common allocator, as
 * programs make them; apr_pool_clear() is the reset.
 */
#include <apr_general.h>
#include <apr_pools.h>

#define PEER_NAME "apr"
#define PEER_FREES 0
#define PEER_ANY_ORDER 0
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 0
#define PEER_POOL 1
#define PEER_CAPACITY 0

typedef apr_pool_t peer_t;

static inline peer_t *peer_create(size_t room)
{
    static int ready;
    apr_pool_t *pool = NULL;

    (void)room;
    if (!ready && apr_initialize() != APR_SUCCESS) {
        return NULL;
    }
    ready = 1;
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? pool : NULL;
}

static inline void peer_destroy(peer_t *peer)
{
    apr_pool_destroy(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return apr_palloc(peer, size);
}

static inline void peer_reset(peer_t *peer)
{
    apr_pool_clear(peer);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)peer;
    (void)p;
    (void)size;
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
