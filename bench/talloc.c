/* SPDX-License-Identifier: MIT
 *
 * talloc.c - peer: a talloc context, whose objects are its children.
 */
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include <talloc.h>

#define PEER_NAME "talloc"
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 0
#define PEER_POOL 1
#define PEER_CAPACITY 0

typedef struct {
    int unused;
} peer_t;

static inline peer_t *peer_create(size_t room)
{
    (void)room;
    return talloc_new(NULL);
}

static inline void peer_destroy(peer_t *peer)
{
    talloc_free(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return talloc_size(peer, size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)peer;
    (void)size;
    talloc_free(p);
}

static inline void peer_reset(peer_t *peer)
{
    talloc_free_children(peer);
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
