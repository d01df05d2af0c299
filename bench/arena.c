/* SPDX-License-Identifier: MIT
 *
 * arena.c - peer: a jemalloc arena as a pool, with a cache per thread.
 *
 * The nearest that jemalloc has to a pool: an arena of its own, an explicit
 * cache per thread, reset by arena.<i>.reset after the cache is flushed.
 * Caches belong to one pool at a time, so a thread here uses one pool.
 */
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <stdlib.h>

#define PEER_NAME "arena"
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 1
#define PEER_POOL 1
#define PEER_CAPACITY 0

typedef struct {
    unsigned arena;
} peer_t;

static __thread unsigned arena_cache;
static __thread int arena_flags;
static __thread peer_t *arena_owner;

static void arena_call(const char *name, unsigned *out, unsigned *in)
{
    size_t size = sizeof *out;

    if (mallctl(name, out, out != NULL ? &size : NULL, in,
                in != NULL ? sizeof *in : 0) != 0) {
        fprintf(stderr, "arena: %s failed\n", name);
        exit(1);
    }
}

static __attribute__((noinline)) void arena_enter(peer_t *peer)
{
    arena_call("tcache.create", &arena_cache, NULL);
    arena_flags = (int)(MALLOCX_ARENA(peer->arena) |
                        MALLOCX_TCACHE(arena_cache));
    arena_owner = peer;
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
    if (arena_owner != NULL) {
        arena_call("tcache.destroy", NULL, &arena_cache);
        arena_owner = NULL;
    }
}

static void arena_whole(peer_t *peer, const char *what)
{
    char name[64];

    snprintf(name, sizeof name, "arena.%u.%s", peer->arena, what);
    arena_call(name, NULL, NULL);
}

static inline peer_t *peer_create(size_t room)
{
    peer_t *peer = malloc(sizeof *peer);

    (void)room;
    if (peer != NULL) {
        arena_call("arenas.create", &peer->arena, NULL);
    }
    return peer;
}

static inline void peer_destroy(peer_t *peer)
{
    peer_thread_end(peer);
    arena_whole(peer, "destroy");
    free(peer);
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    if (arena_owner != peer) {
        arena_enter(peer);
    }
    return mallocx(size, arena_flags);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)size;
    if (arena_owner != peer) {
        arena_enter(peer);
    }
    dallocx(p, arena_flags);
}

static inline void peer_reset(peer_t *peer)
{
    arena_call("tcache.flush", NULL, &arena_cache);
    arena_whole(peer, "reset");
}

#include "work.h"
