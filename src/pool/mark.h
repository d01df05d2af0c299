/* SPDX-License-Identifier: MIT
 *
 * mark.h - marks: what a thread allocates since one goes at once.
 *
 * An open mark has a heap of its own.  What its owner, a thread or a handle,
 * allocates in the pool comes out of the newest mark's heap, and nobody
 * else's ever does; so rewinding drops whole blocks, however many objects are
 * in them, and takes nothing from anybody.  Objects in it are freed one by
 * one as any others, from any thread, but under the pool's lock: no cache
 * takes their chunks, which its thread would then hand out again.  Allocating
 * is as fast as ever in a pool with caches, whose runs then come from the
 * mark's heap.
 *
 * A mark's own memory is its structure and its first block in one piece, as a
 * pool's is.
 *
 * What it cannot do: come for free.  Each open mark in which anything was
 * allocated holds a block, 2 KiB or more.
 */
#ifndef MP_MARK_H
#define MP_MARK_H

#include "pool/pool.h"

struct mp_handle;

/* The pool's lock owns all of it; fixed: while the mark is open. */
struct mark {
    struct mark *next;  /* of the pool, or of the spare ones */
    uint64_t owner;      /* fixed; number of a thread or a handle; one whose
                          * owner is no more stays until the next reset */
    uint64_t number;     /* fixed; mp_mark_t's */
    struct cache *cache; /* fixed; the owner's, in a pool with caches; only
                          * the owner looks, since it goes with a thread */
    size_t bytes;        /* of its own memory, for good */
    struct heap heap;
    struct block first;
};

/* The newest open mark of the calling thread, or of the handle if that is not
 * NULL; NULL: it has none.  The lock is held. */
struct mark *mark_search(const struct memory_pool *mp,
                           const struct mp_handle *handle);

static inline struct mark *mark_current(const struct memory_pool *mp,
                                          const struct mp_handle *handle)
{
    return mp->marks == NULL ? NULL : mark_search(mp, handle);
}

/* No lock held.  0: errno is ENOMEM. */
uint64_t mark_mark(struct memory_pool *mp, struct mp_handle *handle);

/* No lock held.  False: there is no such mark. */
bool mark_rewind(struct memory_pool *mp, struct mp_handle *handle,
                  uint64_t number);

/* The lock is held: drops every mark, for a reset or the end; blocks go to
 * the spare ones. */
void mark_drop_all(struct memory_pool *mp);

/* No lock held, nobody uses the pool: frees what the spare marks are in. */
void mark_release_all(struct memory_pool *mp);

#endif /* MP_MARK_H */
