/* SPDX-License-Identifier: MIT
 *
 * malloc.c - peers: the process's malloc, whichever library is linked.
 *
 * MALLOC_NAME is the peer's name and MALLOC_FILE a part of the name of the
 * file that malloc must come from: a program that measured the C library
 * under another's name would be worse than none.  Compiled with
 * -fno-builtin, so that no pair is optimised away.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_NAME MALLOC_NAME
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 0
#define PEER_SIZED 0
#define PEER_THREADS 1
#define PEER_POOL 0
#define PEER_CAPACITY 0
#define PEER_GROWS 1

typedef struct {
    int checked;
} peer_t;

static peer_t malloc_peer;

static __attribute__((noinline, cold)) void malloc_check(void)
{
    Dl_info info;

    if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) == 0 ||
        strstr(info.dli_fname, MALLOC_FILE) == NULL) {
        fprintf(stderr, MALLOC_NAME ": malloc is not " MALLOC_FILE "'s\n");
        exit(1);
    }
    malloc_peer.checked = 1;
}

static inline peer_t *peer_create(size_t room)
{
    (void)room;
    if (!malloc_peer.checked) {
        malloc_check();
    }
    return &malloc_peer;
}

static inline void peer_destroy(peer_t *peer)
{
    (void)peer;
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    (void)peer;
    return malloc(size);
}

static inline void *peer_calloc(peer_t *peer, size_t size)
{
    (void)peer;
    return calloc(1, size);
}

static inline void *peer_resize(peer_t *peer, void *p, size_t old, size_t size)
{
    (void)peer;
    (void)old;
    return realloc(p, size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)peer;
    (void)size;
    free(p);
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
