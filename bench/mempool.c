/* SPDX-License-Identifier: MIT
 *
 * mempool.c - peers: libmempool's own pools, through the shared library.
 *
 * MEMPOOL_BASE: a pool of init_memory_pool(), for the work that fits into
 * it.  Without it: mp_create() with the defaults, every check on.
 */
#include <stddef.h>

#include <memory_pool.h>

#ifdef MEMPOOL_BASE
#define PEER_NAME "mempool-base"
#define PEER_CAPACITY MAX_BLOCK_SIZE
#else
#define PEER_NAME "mempool"
#define PEER_CAPACITY 0
#endif
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 1
#define PEER_POOL 1

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

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
