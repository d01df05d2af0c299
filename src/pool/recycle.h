/* SPDX-License-Identifier: MIT
 *
 * recycle.h - destroyed pools, kept to be made again.
 *
 * A program that makes a pool for each request makes the same small pool over
 * and over.  So a thread keeps some of those that it destroyed: empty, with
 * the thread's cache still attached, on the list of pools where they were.
 * To make a pool is then to take one and to note what the options say.
 *
 * What it cannot do: keep a pool with a name, with caches of other users, or
 * with more memory than a few blocks.
 */
#ifndef MP_RECYCLE_H
#define MP_RECYCLE_H

#include "pool/pool.h"

/* A pool with these options, complete, but no parent yet, among those that the
 * calling thread keeps; NULL: there is none.  No lock held. */
MP_INNER struct memory_pool *recycle_pop(struct thread *self,
                                         const mp_options_t *options);

/* A pool with no other options than a capacity, a report function, its context
 * and a parent, made and open; NULL: the calling thread keeps none of its kind,
 * or there is more to do.  No lock held. */
MP_INNER struct memory_pool *recycle_make(const mp_options_t *options);

/* Ends a pool, and keeps it, where that is quickly done: it is quiet, and so
 * has no child and no cleanup.  false: it is to be ended in the usual way,
 * though nobody visits it any more, and it may have left its parent.  No lock
 * held. */
MP_INNER bool recycle_drop(struct memory_pool *mp);

/* Keeps a pool that is to go, if only the calling thread has used it and it is
 * small; false: it is to be destroyed.  No lock held. */
MP_INNER bool recycle_push(struct memory_pool *mp);

/* Takes one that is to be destroyed, as its thread ends; NULL: none is left.
 * From the first call on the thread keeps no more.  No lock held. */
MP_INNER struct memory_pool *recycle_take_last(struct thread *self);

/* In the child of fork(), where the thread is gone, with all locks held: what
 * it keeps is what says so. */
MP_INNER void recycle_forked(struct thread *thread);

#endif /* MP_RECYCLE_H */
