/* SPDX-License-Identifier: MIT
 *
 * mempool.c - peers: libmempool's own pools, through the shared library.
 *
 * MEMPOOL_BASE: a pool of init_memory_pool(), for the work that fits into
 * it.  MEMPOOL_HANDLE: a default pool, which each thread uses through a handle
 * of its own.  Without both: a pool of the kind that -k names, see
 * mempool_kind.h.  MEMPOOL_INLINE: the short way of the calls is compiled in;
 * else all is done by calls.  Every check is on in all of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MEMPOOL_COUNTED
#define MP_INLINE_COUNTED 1
#endif
#ifdef MEMPOOL_INLINE
#include <memory_pool_inline.h>
#else
#include <memory_pool.h>
#endif

#include "mempool_kind.h"

#ifdef MEMPOOL_BASE
#define PEER_NAME "mempool-base"
#define PEER_CAPACITY MAX_BLOCK_SIZE
#else
#define PEER_CAPACITY 0
#if defined(MEMPOOL_HANDLE) && defined(MEMPOOL_INLINE)
#define PEER_NAME "mempool-handle-inline"
#elif defined(MEMPOOL_HANDLE)
#define PEER_NAME "mempool-handle"
#elif defined(MEMPOOL_COUNTED)
#define PEER_NAME "mempool-counted-inline"
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
#define PEER_THREADS 1
#define PEER_POOL 1
#define PEER_BEGINS 1
#define PEER_GROWS 1
#define PEER_BYTES 1
#define PEER_KIND kind_choose

/* Of a program that has the way of pools that count compiled in.  gcc takes a
 * function around that for too long, but not the calls themselves. */
#ifdef MEMPOOL_COUNTED
#define MEMPOOL_SHORT __attribute__((__always_inline__))
#else
#define MEMPOOL_SHORT
#endif

static memory_pool_t *mempool_create(void)
{
#ifdef MEMPOOL_BASE
    return init_memory_pool();
#else
    return kind_create();
#endif
}

static size_t mempool_bytes(memory_pool_t *mp)
{
    mp_stats_t stats;

    return mp_stats(mp, &stats) == 0 ? stats.backing_bytes : 0;
}

#ifdef MEMPOOL_HANDLE
/* In memory of its own: a reset takes what is in the pool. */
typedef struct {
    memory_pool_t *mp;
    mp_handle_t *handle;
} peer_t;

static peer_t *mempool_attach(memory_pool_t *mp)
{
    peer_t *peer = malloc(sizeof *peer);

    if (peer == NULL || mp == NULL) {
        abort();
    }
    peer->mp = mp;
    peer->handle = mp_attach(mp);
    if (peer->handle == NULL) {
        abort();
    }
    return peer;
}

static inline peer_t *peer_create(size_t room)
{
    (void)room;
    return mempool_attach(mempool_create());
}

static inline void peer_destroy(peer_t *peer)
{
    destroy_memory_pool(peer->mp);
    free(peer);
}

/* What a thread uses that did not make the pool. */
static inline peer_t *peer_thread_begin(peer_t *peer)
{
    return mempool_attach(peer->mp);
}

static inline void peer_thread_end(peer_t *peer)
{
    mp_detach(peer->handle);
    free(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return mp_handle_allocate(peer->handle, size);
}

static inline void *peer_calloc(peer_t *peer, size_t size)
{
    return mp_handle_calloc(peer->handle, 1, size);
}

static inline void *peer_resize(peer_t *peer, void *p, size_t old, size_t size)
{
    (void)old;
    return mp_handle_realloc(peer->handle, p, size);
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

static inline size_t peer_bytes(peer_t *peer)
{
    return mempool_bytes(peer->mp);
}
#else
typedef memory_pool_t peer_t;

static inline peer_t *peer_create(size_t room)
{
    (void)room;
    return mempool_create();
}

static inline void peer_destroy(peer_t *peer)
{
    destroy_memory_pool(peer);
}

static inline peer_t *peer_thread_begin(peer_t *peer)
{
    if (kind_marks && MP_MARK_FAILED(mp_mark(peer))) {
        abort();
    }
    return peer;
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

static inline MEMPOOL_SHORT void *peer_allocate(peer_t *peer, size_t size)
{
    return mp_allocate(peer, size);
}

static inline void *peer_calloc(peer_t *peer, size_t size)
{
    return mp_calloc(peer, 1, size);
}

static inline void *peer_resize(peer_t *peer, void *p, size_t old, size_t size)
{
    (void)old;
    return mp_realloc(peer, p, size);
}

static inline MEMPOOL_SHORT void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)size;
    free_memory(peer, p);
}

static inline void peer_reset(peer_t *peer)
{
    free_all_memory(peer);
}

static inline size_t peer_bytes(peer_t *peer)
{
    return mempool_bytes(peer);
}
#endif

#include "work.h"
