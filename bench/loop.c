/* SPDX-License-Identifier: MIT
 *
 * loop.c - peer: the loop alone, what every other figure contains.
 *
 * An object is the next 16 bytes of a buffer that is used round and round;
 * nothing is kept, so there is nothing to measure the memory of.
 */
#include <stddef.h>
#include <stdlib.h>

#define PEER_NAME "loop"
#define PEER_LOOP 1
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 2
#define PEER_POOL 0
#define PEER_CAPACITY 0

#define LOOP_BYTES 65536

typedef struct {
    size_t at;
    char bytes[LOOP_BYTES];
} peer_t;

static peer_t loop_small;

static inline peer_t *peer_create(size_t room)
{
    return room <= 1024 ? &loop_small : calloc(1, sizeof(peer_t));
}

static inline void peer_destroy(peer_t *peer)
{
    if (peer != &loop_small) {
        free(peer);
    }
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    (void)size;
    peer->at = (peer->at + 16) % LOOP_BYTES;
    return peer->bytes + peer->at;
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)peer;
    (void)p;
    (void)size;
}

static inline void peer_reset(peer_t *peer)
{
    (void)peer;
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
