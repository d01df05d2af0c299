/* SPDX-License-Identifier: MIT
 *
 * obstack.c - peer: GNU obstacks, one thread, freed in reverse order.
 *
 * obstack_free() of an object drops everything after it too; of the first
 * one it is the reset.
 */
#include <obstack.h>
#include <stdlib.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

#define PEER_NAME "obstack"
#define PEER_FREES 1
#define PEER_ANY_ORDER 0
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 0
#define PEER_POOL 1
#define PEER_CAPACITY 0

typedef struct {
    struct obstack obstack;
    void *first;
} peer_t;

static inline peer_t *peer_create(size_t room)
{
    peer_t *peer = malloc(sizeof *peer);

    (void)room;
    if (peer != NULL) {
        obstack_init(&peer->obstack);
        peer->first = obstack_alloc(&peer->obstack, 0);
    }
    return peer;
}

static inline void peer_destroy(peer_t *peer)
{
    obstack_free(&peer->obstack, NULL);
    free(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return obstack_alloc(&peer->obstack, (int)size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)size;
    obstack_free(&peer->obstack, p);
}

static inline void peer_reset(peer_t *peer)
{
    obstack_free(&peer->obstack, peer->first);
    peer->first = obstack_alloc(&peer->obstack, 0);
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
