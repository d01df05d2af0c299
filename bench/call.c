/* SPDX-License-Identifier: MIT
 *
 * call.c - yardstick: two calls of functions in a shared library that do
 * nothing, bench/call_library.c.  No library that is called can be faster.
 *
 * An object is a place in a buffer, of objects of its size; nothing is kept.
 */
#include <stddef.h>
#include <stdlib.h>

#include "call_library.h"

#define PEER_NAME "call"
#define PEER_LOOP 1
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 2
#define PEER_POOL 0
#define PEER_CAPACITY 0

typedef struct {
    char bytes[1048576];
} peer_t;

static peer_t call_small;

static inline peer_t *peer_create(size_t room)
{
    return room <= 1024 ? &call_small : calloc(1, sizeof(peer_t));
}

static inline void peer_destroy(peer_t *peer)
{
    if (peer != &call_small) {
        free(peer);
    }
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return call_allocate(peer, size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)size;
    call_free(peer, p);
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
