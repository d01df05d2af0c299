/* SPDX-License-Identifier: MIT
 *
 * recall.h - credit that a pool's quota lends to caches, and takes back.
 *
 * A cache that is out of credit borrows some of what the quota has free.  So
 * the quota may refuse a charge while caches have credit that nobody uses.
 * Before a pool says "full", the credit of all pools that the refusing quota
 * limits is recalled: each pool is paused for a moment, and its caches give all
 * their credit back.  From then on the quota is tight and lends nothing.  The
 * pools work under their locks, where each charge is exact.  So a program that
 * stays near its limit pauses its pools only once.  Once an eighth of the
 * capacity is free again, the caches are enabled again.
 *
 * What it cannot do: recall what a thread holds that is stopped within the few
 * instructions of a fast path.  It waits for that thread.
 */
#ifndef MP_RECALL_H
#define MP_RECALL_H

#include "pool/pool.h"

/* A new pool whose quota is in a tree of quotas: from now on credit of its
 * caches may be recalled by other pools.  No lock held. */
MP_INNER void recall_enlist(struct memory_pool *mp);

/* The same for a pool with a limited quota that was alone so far, as a pool
 * below is about to be made.  Nothing is done a second time.  The pool is
 * pinned, or the caller holds LOCK_MOVES.  No other lock held. */
MP_INNER void recall_share(struct memory_pool *mp);

/* The pool is about to go, and nobody uses it any more: its caches' credit
 * goes back, and no other pool looks for any here.  Where it is in a tree of
 * quotas, what it is charged for goes back, too, and it leaves the tree.  heir:
 * see life_destroy().  The pool is pinned, or in no tree of pools. */
MP_INNER void recall_delist(struct memory_pool *mp, struct memory_pool *heir);

/* The same for a quiet pool, whose only cache that is: returns the most bytes
 * that were ever in use in the pool.  The recall lock is held, if the pool is
 * in a tree of quotas. */
MP_INNER size_t recall_end(struct memory_pool *mp, struct cache *cache);

/* In the child of fork(), where the thread that makes or ends the pool is gone:
 * the pool is charged to no other.  All locks are held but those of quotas. */
MP_INNER void recall_forked(struct memory_pool *mp);

/* Lends the caller's cache credit for an object of size bytes; false: it lent
 * none, and the object has to be charged to the quota.  Suspended caches are
 * enabled again if there is credit again.  The lock is held. */
MP_INNER bool recall_lend(struct memory_pool *mp, struct cache *cache,
                          size_t size);

/* Lends it some before anybody asks for an object.  Nothing is lent where a
 * quota that would be charged has somebody to be told of use near its limit:
 * this call would not tell.  The lock is held, or the pool is a new one and its
 * caches are not suspended. */
MP_INNER bool recall_lend_first(struct memory_pool *mp, struct cache *cache);

/* recall_settle() gives to the quota what the set owes it.  recall_collect()
 * first collects the credit of all caches; the pool is paused.  The lock is
 * held. */
MP_INNER void recall_settle(struct memory_pool *mp);
MP_INNER void recall_collect(struct memory_pool *mp);

/* recall_find_own() returns the user's own cache, or NULL if none is enabled;
 * no lock is held.  The next function gives its credit back, with the lock
 * held, before an object is charged to the quota: else the quota's high-water
 * mark would rise as if both were held. */
MP_INNER struct cache *recall_find_own(struct memory_pool *mp,
                                       const struct user *user);
MP_INNER void recall_own(struct memory_pool *mp, struct cache *cache);

/* After the quota refused a charge of that many bytes: takes back what is lent
 * below the quota that refuses.  True: charge again; false: it is full.  The
 * lock, held on entry and on return, may be left meanwhile: then *taken
 * changes, and all that the caller found out may be wrong. */
MP_INNER bool recall_for(struct memory_pool *mp, size_t bytes, bool *taken);

/* Takes back what is lent below that quota, which is this pool's or one above.
 * The pool is pinned, and no lock is held. */
MP_INNER void recall_pinned(struct memory_pool *mp, struct quota *refuser);

/* Takes back what the pool's caches have, and keeps them from getting more
 * until the quota lends them some.  In a large pool a sweep is under way then.
 * The lock is held. */
MP_INNER void recall_suspend(struct memory_pool *mp);

/* The source has no block for a chunk of that many granules.  Takes back what
 * caches hold of the pool's memory, where that is outside of the range and may
 * be all there is; true: it did, and the heap may have such a chunk now.  For a
 * short chunk the caches are suspended until there is room again: so a program
 * that stays near its limit pauses its pool only once.  recall_relieve() looks
 * whether there is, and the quota may lend again then.  The lock is held; the
 * first may leave it meanwhile. */
MP_INNER bool recall_memory(struct memory_pool *mp, size_t granules,
                            bool *taken);
MP_INNER void recall_relieve(struct memory_pool *mp);

/* The pool's quota is in another tree than before, or in none: hands it to
 * the borrowers of that.  The lock is held, and the recall locks of both. */
MP_INNER void recall_relist(struct memory_pool *mp);

/* Changes the capacity of a pool that was made with one; 0: no limit.  Credit
 * is recalled first if that may make the difference.  RESULT_FULL: more bytes
 * are in use, and nothing is changed.  No lock held. */
MP_INNER enum result recall_set_capacity(struct memory_pool *mp,
                                         size_t capacity);

#endif /* MP_RECALL_H */
