/* SPDX-License-Identifier: MIT
 *
 * sweep.h - what the caches of a pool hold becomes free, in portions.
 *
 * In one pause the caches forget all their chunks.  Then the heap's maps are
 * read for them, see store/heap_sweep.c, and the lock is left between two
 * portions.  The caches stay closed meanwhile: each call goes to the heap under
 * the lock.
 *
 * Any thread may go on with a sweep that another one began.  A thread that has
 * to see its end does portions itself, so it does not wait for the other.
 *
 * What it cannot do: say when the end of it comes, beside threads that keep the
 * lock from the caller.
 */
#ifndef MP_SWEEP_H
#define MP_SWEEP_H

#include "pool/pool.h"

/* Sweeps: returns when all that caches and depot held at the time of the call
 * is in the heap.  The lock, held on entry and on return, may be left
 * meanwhile.  Keeps errno. */
MP_INNER void sweep_pool(struct memory_pool *mp, bool *taken);

/* The same where a sweep may have been begun: does the rest of it. */
MP_INNER void sweep_go_on(struct memory_pool *mp, bool *taken);

/* A portion of the sweep that is under way; false: it was the last. */
MP_INNER bool sweep_portion(struct memory_pool *mp);

/* Goes on with a sweep that no thread goes on with.  True: there was one. */
MP_INNER bool sweep_adopt_left(struct memory_pool *mp, bool *taken);

static inline bool sweep_adopt(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    return MP_UNLIKELY(mp->caches.sweeping) && sweep_adopt_left(mp, taken);
}

#endif /* MP_SWEEP_H */
