/* SPDX-License-Identifier: MIT
 *
 * rejoin.c - a kept pool comes below a parent again, and leaves it.
 *
 * All of it is one hold of the parent's lock.  A move would first have to freeze
 * the parent, so no quota above changes meanwhile.  Where there are such, all is
 * one hold of the recall lock, too: a pool is listed as a borrower as long as it
 * has credit, and nobody recalls credit that is being lent.  The recall lock
 * comes before the parent's in the order of locks.  So it is only tried, and the
 * parent is pinned where another thread has it.
 *
 *     come:  quota, credit | not kept any more, borrower, link
 *     leave: borrower, credit, quota, numbers, link
 *
 * A pool that comes takes no lock of its own.  As long as it is kept nobody looks
 * at it but a fork, which pauses its cache, and leaves it to its thread's list.
 * So that cache is suspended under a lock that a fork takes, too: the parent's,
 * or the pool's own where there is no parent.
 *
 * What it cannot do: end a pool that is not quiet.  The struct tree of a quiet
 * one has nothing but a parent: all else comes under the pool's lock.
 */
#include "pool/rejoin.h"

#include "pool/quiet.h"
#include "pool/recall.h"
#include "pool/totals.h"

/* The parent's lock is held, and no move is under way: the recall lock of the
 * tree of quotas is, too, from now on. */
static void rejoin_enter_recall(struct quota *top, struct memory_pool *parent,
                                bool taken)
{
    ASSERT(pool_is_entered(parent) && !parent->pins.moving);
    if (MP_LIKELY(lock_try(&top->recall, taken))) {
        return;
    }
    pool_pin(parent, &taken);
    lock_leave(&parent->lock, taken);
    (void)lock_enter_if(&top->recall, taken);
    (void)lock_enter_if(&parent->lock, taken);
    pool_unpin(parent);
}

static void rejoin_leave_locks(const struct rejoin *rejoin)
{
    lock_leave(&rejoin->parent->lock, rejoin->taken);
    if (rejoin->top != NULL) {
        lock_leave(&rejoin->top->recall, rejoin->taken);
    }
}

MP_SLOW bool rejoin_begin(struct rejoin *rejoin, const struct memory_pool *mp,
                          struct memory_pool *parent, bool limited)
{
    ASSERT(lock_none_is_held() && mp != parent && mp->tree == NULL);
    if (mp->spare_tree == NULL) {
        return false;
    }
    rejoin->parent = parent;
    rejoin->taken = pool_enter(parent);
    pool_await_move(parent, &rejoin->taken);
    rejoin->top = quota_top(&parent->quota);
    if (parent->tree == NULL ||
        quota_is_limited(&parent->quota) != limited ||
        limited != (rejoin->top != NULL)) {
        lock_leave(&parent->lock, rejoin->taken);
        return false;
    }
    if (rejoin->top != NULL) {
        rejoin_enter_recall(rejoin->top, parent, rejoin->taken);
    }
    return true;
}

/* Else the end of a fork's pause, which goes by the same member, could enable
 * the cache. */
static void rejoin_suspend(const struct rejoin *rejoin,
                           struct memory_pool *mp, struct cache *cache)
{
    bool alone = rejoin->parent == NULL;
    bool taken = alone && pool_enter(mp);

    cache_disable(cache);
    mp->caches.suspended = true;
    mp->quiet_run = NULL;
    if (alone) {
        lock_leave(&mp->lock, taken);
    }
}

MP_SLOW void rejoin_limit(const struct rejoin *rejoin,
                          struct memory_pool *mp, size_t capacity)
{
    ASSERT(mp->mode->counts && sync_get(&mp->place.kept));
    struct cache *cache = attach_first(&mp->caches);

    quota_restart(&mp->quota, capacity,
                  rejoin->parent == NULL ? NULL : &rejoin->parent->quota);
    if (!recall_lend_first(mp, cache)) {
        rejoin_suspend(rejoin, mp, cache);
    }
}

MP_SLOW void rejoin_come(const struct rejoin *rejoin, struct memory_pool *mp)
{
    ASSERT(!sync_get(&mp->place.kept));
    struct memory_pool *parent = rejoin->parent;

    if (rejoin->top != NULL) {
        list_push(&rejoin->top->borrowers, &mp->quota.borrower);
    }
    tree_come(mp, parent);
    rejoin_leave_locks(rejoin);
    tree_reopen(parent);
}

/* What the pool did, for its parent; the parent's lock is held. */
static void rejoin_hand_over(struct memory_pool *mp, struct cache *cache,
                             size_t peak)
{
    const struct tree_totals own = {
        .pools = 1,
        .allocations = mp->counters.freed + cache_frees(cache) +
                       quiet_count(mp, cache),
        .peak_bytes = peak,
    };

    totals_add(&mp->tree->parent->tree->gone_unnamed, &own);
}

MP_SLOW bool rejoin_leave(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct rejoin rejoin = {.parent = mp->tree->parent};
    size_t peak = mp->counters.peak * SIZES_GRANULE;

    if (quiet_cache_of_new(mp) == NULL || rejoin.parent == NULL ||
        !tree_may_go(mp)) {
        return false;
    }
    rejoin.taken = pool_enter(rejoin.parent);
    pool_await_move(rejoin.parent, &rejoin.taken);
    rejoin.top = quota_top(&mp->quota);
    if (rejoin.top != NULL) {
        rejoin_enter_recall(rejoin.top, rejoin.parent, rejoin.taken);
    }
    /* Whoever recalls credit has that lock, which keeps the pool quiet. */
    struct cache *cache = quiet_cache_of_new(mp);
    if (cache != NULL) {
        if (mp->mode->counts) {
            peak = recall_end(mp, cache);
        }
        rejoin_hand_over(mp, cache, peak);
        tree_go(mp);
    }
    rejoin_leave_locks(&rejoin);
    return cache != NULL;
}
