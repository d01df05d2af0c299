/* SPDX-License-Identifier: MIT
 *
 * locked.c - peer: mutex, bump, truncate, the plain way to write such a pool.
 *
 * A POSIX mutex around a bump pointer; a free checks that the pointer lies in
 * the block and truncates there, so only reverse order keeps other objects.
 * With several threads that drops live objects: it is here for its speed.
 * Its functions are not inlined, as a library's are not.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PEER_NAME "locked"
#define PEER_FREES 1
#define PEER_ANY_ORDER 0
#define PEER_RESETS 1
#define PEER_SIZED 0
#define PEER_THREADS 1
#define PEER_POOL 1
#define PEER_CAPACITY 0

typedef struct {
    pthread_mutex_t lock;
    char *block;
    size_t size;
    size_t used;
} peer_t;

#define LOCKED_CALL __attribute__((noinline))

static LOCKED_CALL void peer_destroy(peer_t *peer)
{
    pthread_mutex_destroy(&peer->lock);
    free(peer->block);
    free(peer);
}

static LOCKED_CALL peer_t *peer_create(size_t room)
{
    peer_t *peer = malloc(sizeof *peer);

    if (peer == NULL) {
        perror("malloc");
        return NULL;
    }
    peer->block = malloc(room);
    peer->size = room;
    peer->used = 0;
    if (peer->block == NULL || pthread_mutex_init(&peer->lock, NULL) != 0) {
        perror("locked");
        free(peer->block);
        free(peer);
        return NULL;
    }
    return peer;
}

static LOCKED_CALL void *peer_allocate(peer_t *peer, size_t size)
{
    void *p = NULL;
    size_t room = (size + 15) & ~(size_t)15;

    if (peer == NULL || size == 0 || size > peer->size) {
        fprintf(stderr, "locked: bad argument\n");
        return NULL;
    }
    pthread_mutex_lock(&peer->lock);
    if (room > peer->size - peer->used) {
        /* Threads that truncate each other's objects can drive the top up
         * to the end; the benchmark goes on from the start. */
        peer->used = 0;
    }
    p = peer->block + peer->used;
    peer->used += room;
    pthread_mutex_unlock(&peer->lock);
    return p;
}

static LOCKED_CALL void peer_free(peer_t *peer, const void *p, size_t size)
{
    (void)size;
    if (peer == NULL || p == NULL) {
        fprintf(stderr, "locked: bad argument\n");
        return;
    }
    pthread_mutex_lock(&peer->lock);
    if ((uintptr_t)p < (uintptr_t)peer->block ||
        (uintptr_t)p >= (uintptr_t)peer->block + peer->size) {
        pthread_mutex_unlock(&peer->lock);
        fprintf(stderr, "locked: not in the pool\n");
        return;
    }
    peer->used = (size_t)((const char *)p - peer->block);
    pthread_mutex_unlock(&peer->lock);
}

static LOCKED_CALL void peer_reset(peer_t *peer)
{
    pthread_mutex_lock(&peer->lock);
    peer->used = 0;
    pthread_mutex_unlock(&peer->lock);
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"
