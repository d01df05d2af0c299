/* SPDX-License-Identifier: MIT
 *
 * rejoin.h - a kept pool comes below a parent again, and leaves it.
 *
 * A program that makes a pool for each request makes it below one for all of
 * them.  What life.c does in many holds of the locks, since it may have to get
 * memory or to wait in between, is done here in few: the pool is complete and
 * nobody knows it, and in its end it is quiet.
 *
 * What it cannot do: serve the first child of a pool, or a pool that never was
 * below another, cleanups, or children.
 */
#ifndef MP_REJOIN_H
#define MP_REJOIN_H

#include "pool/tree.h"

/* What is held while a pool comes or leaves: the parent's lock, and that of
 * recalls where there are quotas above. */
struct rejoin {
    struct memory_pool *parent; /* NULL: none, and nothing is held */
    struct quota *top;          /* whose recall lock is held; NULL: none is */
    bool taken;                 /* as lock_enter() said */
};

/* True: the pool may come below that parent, and both locks are held until
 * rejoin_come().  limited: the parent's quota or one above has a capacity; false
 * is returned if that is wrong.  No lock held. */
MP_INNER bool rejoin_begin(struct rejoin *rejoin,
                           const struct memory_pool *mp,
                           struct memory_pool *parent, bool limited);

/* The quota of a pool that counts, with credit for its cache.  The pool still
 * says that it is kept.  Without any credit the cache is not enabled, as it is in
 * a new pool, and the pool is not quiet.  No lock held but those two. */
MP_INNER void rejoin_limit(const struct rejoin *rejoin,
                           struct memory_pool *mp, size_t capacity);

/* All else of the pool is done, and it says so: it becomes the parent's newest
 * child, and the locks are left. */
MP_INNER void rejoin_come(const struct rejoin *rejoin,
                          struct memory_pool *mp);

/* A quiet pool, which is not open any more, leaves its parent.  That gets its
 * numbers, and the quotas above what it was charged for.  False: it is to be
 * ended in the usual way, and nothing is done.  No lock held. */
MP_INNER bool rejoin_leave(struct memory_pool *mp);

#endif /* MP_REJOIN_H */
