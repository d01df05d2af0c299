/* SPDX-License-Identifier: MIT
 *
 * mempool.c - peers: libmempool's own pools, through the shared library.
 *
 * MEMPOOL_BASE: a pool of init_memory_pool(), for the work that fits into
 * it.  MEMPOOL_HANDLE: a pool of mp_create() through a handle, for what one
 * thread does.  MEMPOOL_INLINE: a pool of mp_create(), with the short way of
 * its calls compiled in.  Without any: mp_create() with the defaults, through
 * calls alone.  Every check is on in all of them.
 */
#include <stddef.h>
#include <stdlib.h>

#ifdef MEMPOOL_INLINE
#include <memory_pool_inline.h>
#else
#include <memory_pool.h>
#endif

#ifdef MEMPOOL_BASE
#define PEER_NAME "mempool-base"
#define PEER_CAPACITY MAX_BLOCK_SIZE
#else
#define PEER_CAPACITY 0
#if defined(MEMPOOL_HANDLE)
#define PEER_THREADS 0
#endif
#if defined(MEMPOOL_HANDLE) && defined(MEMPOOL_INLINE)
#define PEER_NAME "mempool-handle-inline"
#elif defined(MEMPOOL_HANDLE)
#define PEER_NAME "mempool-handle"
#elif defined(MEMPOOL_INLINE)
#define PEER_NAME "mempool-inline"
#else
#define PEER_NAME "mempool"
#endif
#endif
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 1
#define PEER_SIZED 0
#ifndef PEER_THREADS
#define PEER_THREADS 1
#endif
#define PEER_POOL 1

#ifdef MEMPOOL_HANDLE
/* In memory of its own: a reset takes what is in the pool. */
typedef struct {
    memory_pool_t *mp;
    mp_handle_t *handle;
} peer_t;

static inline peer_t *peer_create(size_t room)
{
    peer_t *peer = malloc(sizeof *peer);

    (void)room;
    if (peer != NULL) {
        peer->mp = mp_create(NULL);
        peer->handle = mp_attach(peer->mp);
    }
    if (peer != NULL && peer->handle == NULL) {
        abort();
    }
    return peer;
}

static inline void peer_destroy(peer_t *peer)
{
    destroy_memory_pool(peer->mp);
    free(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return mp_handle_allocate(peer->handle, size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)size;
    mp_handle_free(peer->handle, p);
}

static inline void peer_reset(peer_t *peer)
{
    free_all_memory(peer->mp);
}
#else
typedef memory_pool_t peer_t;

static inline peer_t *peer_create(size_t room)
{
    (void)room;
#ifdef MEMPOOL_BASE
    return init_memory_pool();
#else
    return mp_create(NULL);
#endif
}

static inline void peer_destroy(peer_t *peer)
{
    destroy_memory_pool(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return mp_allocate(peer, size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)size;
    free_memory(peer, p);
}

static inline void peer_reset(peer_t *peer)
{
    free_all_memory(peer);
}
#endif

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
