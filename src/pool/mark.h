/* SPDX-License-Identifier: MIT
 *
 * mark.h - marks: what a user allocates since one goes at once.
 *
 * An open mark has a heap of its own.  What its owner, a thread or a handle,
 * allocates in the pool comes out of the newest mark's heap, and nobody
 * else's ever does.  So a rewind drops whole blocks, however many objects are
 * in them, and takes nothing from anybody.  Any thread may free such objects
 * one by one, but under the pool's lock: no cache takes their chunks, which
 * its thread would hand out again beyond the rewind.  Allocating is as fast as
 * without a mark in a pool with caches, whose runs then come from the mark's
 * heap.
 *
 * A mark's own memory is its structure and its first block in one piece, as a
 * pool's is.
 *
 * What it cannot do: cost nothing.  Each open mark holds a block of 2 KiB or
 * more, and one that is committed leaves it to the pool if an object is in it.
 */
#ifndef MP_MARK_H
#define MP_MARK_H

#include "pool/pool.h"

/* The pool's lock owns all of it; fixed: while the mark is open. */
struct mark {
    struct list_link link;  /* of the open ones */
    struct treap_node user; /* of the open ones, by owner and number */
    struct mark *next;      /* of the spare ones */
    uint64_t owner;      /* fixed; a user's number; a mark whose owner has
                          * ended stays until the next reset */
    uint64_t number;     /* mp_mark_t's; a commit may change it */
    struct cache *cache; /* the owner's, in a pool with caches; only
                          * the owner follows it, since it goes with a
                          * thread */
    size_t bytes;        /* fixed for good; of its own memory */
    struct heap *lender; /* fixed for good; the heap that its own memory is a
                          * chunk of; NULL: it is the source's */
    struct heap heap;
    struct block first;
};

/* The last open mark in the order of owners and then of numbers, up to this
 * owner and this number; NULL: all come later.  The lock is held. */
MP_INNER struct mark *mark_up_to(const struct memory_pool *mp,
                                 uint64_t owner, uint64_t most);

/* The user's newest open mark of those with a number up to most; NULL: it has
 * none.  The lock is held. */
MP_INNER struct mark *mark_search(const struct memory_pool *mp,
                                  uint64_t owner, uint64_t most);

static inline struct mark *mark_newest(const struct memory_pool *mp,
                                       const struct user *user)
{
    ASSERT(pool_is_entered(mp));
    return mp->marks.open.first == NULL
               ? NULL
               : mark_search(mp, user->number, UINT64_MAX);
}

/* The mark whose heap it is; NULL: it is the pool's own.  Marks have numbers
 * that are never used again; the own heap stands for 0. */
static inline const struct mark *mark_of(const struct memory_pool *mp,
                                         const struct heap *heap)
{
    return heap == &mp->heap ? NULL
                             : LIST_ENTRY(heap, const struct mark, heap);
}

/* No lock held.  RESULT_NO_MEMORY; else *number is the mark's. */
MP_INNER enum result mark_open(struct memory_pool *mp,
                               const struct user *user, uint64_t *number);

/* True: the user has that mark open.  No lock held. */
MP_INNER bool mark_is_open(struct memory_pool *mp, const struct user *user,
                           uint64_t number);

/* No lock held.  RESULT_NO_MARK: the user has no such mark open. */
MP_INNER enum result mark_rewind(struct memory_pool *mp,
                                 const struct user *user, uint64_t number);

/* The same, but its objects go to the next older mark of the user, or to the
 * pool, and the cleanups with them.  It costs a step for each block and each
 * free chunk of the smaller one of two heaps. */
MP_INNER enum result mark_commit(struct memory_pool *mp,
                                 const struct user *user, uint64_t number);

/* The lock is held: drops every mark, for a reset or the end; blocks go to
 * the stock. */
MP_INNER void mark_drop_all(struct memory_pool *mp);

/* Bytes of the spare structures.  The lock is held. */
MP_INNER size_t mark_spare_bytes(const struct memory_pool *mp);

/* The lock is held: takes spare structures off that do not fit into *keep
 * bytes, from which it takes those that do; returns the bytes of the former.
 * And gives what was taken off back, once the lock is left. */
MP_INNER size_t mark_take_spare(struct memory_pool *mp, size_t *keep,
                                struct mark **taken);
MP_INNER void mark_release(struct memory_pool *mp, struct mark *mark);

/* The heaps of the pool in turn: NULL begins, with the pool's own, whose mark
 * is NULL.  The lock is held. */
MP_INNER struct heap *mark_next_heap(struct memory_pool *mp,
                                     const struct heap *heap,
                                     const struct mark **mark);

/* Open marks are in the order in which they were made, and spare ones are as
 * many as counted. */
MP_INNER bool mark_is_sound(const struct memory_pool *mp);

#endif /* MP_MARK_H */
