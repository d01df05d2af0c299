/* SPDX-License-Identifier: MIT
 *
 * bump.c - peer: an inline bump pointer without a lock, the limit.
 *
 * No free of one object, no growth, no check but the end of the buffer; each
 * thread has its own.  A small pool's buffer is the caller's, as such pools
 * are used.
 */
#include <stddef.h>
#include <stdlib.h>

#define PEER_NAME "bump"
#define PEER_FREES 0
#define PEER_ANY_ORDER 0
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 2
#define PEER_POOL 1
#define PEER_CAPACITY 0

#define BUMP_OWN 1024

typedef struct {
    char *next;
    char *end;
    char *base;
} peer_t;

static _Alignas(16) char bump_buffer[BUMP_OWN];

/* The small one is there once: pools for it do not overlap in the work. */
static peer_t bump_small;

static inline peer_t *peer_create(size_t room)
{
    peer_t *peer = &bump_small;

    if (room <= BUMP_OWN) {
        peer->base = bump_buffer;
    } else {
        peer = malloc(sizeof *peer);
        peer->base = malloc(room);
    }
    peer->next = peer->base;
    peer->end = peer->base + room;
    return peer;
}

static inline void peer_destroy(peer_t *peer)
{
    if (peer != &bump_small) {
        free(peer->base);
        free(peer);
    }
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    char *p = peer->next;

    size = (size + 15) & ~(size_t)15;
    if (size > (size_t)(peer->end - p)) {
        return NULL;
    }
    peer->next = p + size;
    return p;
}

static inline void peer_reset(peer_t *peer)
{
    peer->next = peer->base;
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
