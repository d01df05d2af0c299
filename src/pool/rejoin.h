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

/* True: the pool may come below that parent, which is pinned from now on.
 * limited: the parent's quota or one above has a capacity; false is returned if
 * that is wrong.  No lock held. */
MP_INNER bool rejoin_begin(const struct memory_pool *mp,
                           struct memory_pool *parent, bool limited);

/* The quota of a kept pool that counts, with credit for its cache; parent:
 * NULL, or pinned.  Without any credit the cache is not enabled, as it is in a
 * new pool, and the pool is not quiet.  No lock held. */
MP_INNER void rejoin_limit(struct memory_pool *mp, size_t capacity,
                           struct memory_pool *parent);

/* All else of the pool is done: it is the parent's newest child, and the parent
 * is pinned no more.  No lock held. */
MP_INNER void rejoin_end(struct memory_pool *mp, struct memory_pool *parent);

/* A quiet pool, which is not open any more, leaves its parent.  That gets its
 * numbers, and the quotas above what it was charged for.  False: it is to be
 * ended in the usual way, and nothing is done.  No lock held. */
MP_INNER bool rejoin_leave(struct memory_pool *mp);

#endif /* MP_REJOIN_H */
