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

/* The same where a sweep was begun: does the rest of it. */
MP_INNER void sweep_go_on(struct memory_pool *mp, bool *taken);

/* Does the rest of a sweep, if one is under way, without leaving the lock; the
 * pool is paused. */
MP_INNER void sweep_end(struct memory_pool *mp);

#endif /* MP_SWEEP_H */
