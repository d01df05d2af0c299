/* SPDX-License-Identifier: MIT
 *
 * slice.c - peer: GLib slices, which need the size at each free.
 *
 * From 2.76 on GLib hands slices to malloc; then this measures that.
 */
#include <glib.h>

#define PEER_NAME "slice"
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_RESETS 0
#define PEER_SIZED 1
#define PEER_THREADS 1
#define PEER_POOL 0
#define PEER_CAPACITY 0

typedef struct {
    int unused;
} peer_t;

static inline peer_t *peer_create(size_t room)
{
    static peer_t peer;

    (void)room;
    return &peer;
}

static inline void peer_destroy(peer_t *peer)
{
    (void)peer;
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    (void)peer;
    return g_slice_alloc(size);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    (void)peer;
    g_slice_free1(size, p);
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
