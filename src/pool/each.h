/* SPDX-License-Identifier: MIT
 *
 * each.h - every pool of the process in turn, each kept from its end meanwhile.
 *
 * What it cannot do: protect a pool from what the visiting thread itself does
 * with it, which may even destroy it.
 */
#ifndef MP_EACH_H
#define MP_EACH_H

#include "pool/pool.h"

/* Calls visit for every pool, until it returns another number than 0, which
 * *answer becomes.  RESULT_BUSY: the calling thread is in such a call already;
 * RESULT_NO_MEMORY.  No lock held, also while visit runs. */
MP_INNER enum result each_pool(int (*visit)(memory_pool_t *mp, void *arg),
                               void *arg, int *answer);

/* The pool is complete: it may be visited from now on.  Release pairs with the
 * acquire in each.c: a visitor finds all of the pool's members written. */
static inline void each_open(struct memory_pool *mp)
{
    sync_put_release(&mp->place.open, true);
}

/* each_close() where the pool may be about to be visited.  No lock held. */
MP_INNER void each_close_slow(struct memory_pool *mp);

/* The pool is about to end, and is visited no more: waits until another thread
 * that visits it is done.  No lock held.
 *
 * The pool is closed before it is asked whether it is listed, and a visitor
 * lists a pool before it asks whether that is open, see each_collect().  So one
 * of the two sees the other, and it is the visitor that pays for the order.
 * Where the system never has such a fence, both sides are sequentially
 * consistent.  A tracked pool is slow anyway, and the checkers that it may be
 * tracked for understand a lock. */
static inline void each_close(struct memory_pool *mp)
{
    unsigned listed;

    sync_put(&mp->place.builder, &thread_state);
    if (mp->track != NULL) {
        listed = 1;
    } else if (MP_INLINE_LIGHT) {
        /* Release: who finds the pool closed in the child of a fork finds out
         * by whom. */
        sync_put_release(&mp->place.open, false);
        sync_fence_light();
        /* Acquire pairs with the release in each.c: what a visitor did with the
         * pool is done. */
        listed = sync_get_acquire(&mp->place.listed);
    } else {
        sync_put_seq(&mp->place.open, false);
        listed = sync_get_seq(&mp->place.listed);
    }
    if (listed != 0) {
        each_close_slow(mp);
    }
}

/* A thread ends; it may have been left in a visit.  No lock held. */
MP_INNER void each_thread_ends(const struct thread *thread);

/* All locks of threads are held, in the child of fork(): another thread's
 * visits are no more. */
MP_INNER void each_forked(void);

#endif /* MP_EACH_H */
