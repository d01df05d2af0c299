/* SPDX-License-Identifier: MIT
 *
 * recycle.h - destroyed pools, kept to be made again.
 *
 * A program that makes a pool for each request makes the same small pool over
 * and over.  So a thread keeps some of those that it destroyed: empty, with
 * the thread's cache still attached, on the list of pools where they were.
 * To make a pool is then to take one and to note what the options say.
 */
#ifndef MP_RECYCLE_H
#define MP_RECYCLE_H

#include "pool/pool.h"

/* A pool with these options, complete, but no parent yet, among those that the
 * calling thread keeps; NULL: there is none.  No lock held. */
struct memory_pool *recycle_take(struct thread *self,
                                 const mp_options_t *options);

/* Keeps a pool that is to go, where nobody but the calling thread has used it
 * and it is small; false: it is to be destroyed.  No lock held. */
bool recycle_give(struct memory_pool *mp);

/* Destroys all that the calling thread keeps, as it ends.  No lock held. */
void recycle_drop(struct thread *self);

#endif /* MP_RECYCLE_H */
