/* SPDX-License-Identifier: MIT
 *
 * rejoin.c - a kept pool comes below a parent again, and leaves it.
 *
 * The parent is pinned meanwhile, so that no move changes the quotas above.
 * Where there are such, all that concerns them is one hold of the recall lock:
 * a pool is listed as a borrower as long as it has credit, and nobody recalls
 * credit that is being lent.
 *
 *     come:  pin | recall: quota, credit, borrower | link, unpin
 *     leave: pin | recall: borrower, credit, quota | numbers, unlink, unpin
 *
 * What it cannot do: end a pool that is not quiet.  The struct tree of a quiet
 * one has nothing but a parent: all else comes under the pool's lock.
 */
#include "pool/rejoin.h"

#include "pool/quiet.h"
#include "pool/recall.h"
#include "pool/totals.h"

MP_SLOW bool rejoin_begin(const struct memory_pool *mp,
                          struct memory_pool *parent, bool limited)
{
    ASSERT(lock_none_is_held() && mp != parent && mp->tree == NULL);
    if (mp->spare_tree == NULL) {
        return false;
    }
    bool taken = pool_enter(parent);
    pool_await_move(parent, &taken);
    bool fits = parent->tree != NULL &&
                quota_is_limited(&parent->quota) == limited &&
                limited == (quota_top(&parent->quota) != NULL);

    if (fits) {
        pool_pin(parent, &taken);
    }
    lock_leave(&parent->lock, taken);
    return fits;
}

MP_SLOW void rejoin_limit(struct memory_pool *mp, size_t capacity,
                          struct memory_pool *parent)
{
    ASSERT(lock_none_is_held() && mp->mode->counts);
    struct cache *cache = attach_first(&mp->caches);
    struct quota *top = parent == NULL ? NULL : quota_top(&parent->quota);
    bool taken = top != NULL && lock_enter(&top->recall);
    /* A report may ask whose an address is, and fork() may come: they meet all
     * of this or nothing.  The pool stays quiet, since none of it is new to
     * its cache's user. */
    bool held = lock_enter_unseen(&mp->lock, !lock_needless());

    quota_restart(&mp->quota, capacity,
                  parent == NULL ? NULL : &parent->quota);
    if (!recall_lend_first(mp, cache)) {
        cache_disable(cache);
        mp->caches.suspended = true;
        mp->quiet_run = NULL;
    }
    if (top != NULL) {
        list_push(&top->borrowers, &mp->quota.borrower);
    }
    lock_leave(&mp->lock, held);
    if (top != NULL) {
        lock_leave(&top->recall, taken);
    }
}

MP_SLOW void rejoin_end(struct memory_pool *mp, struct memory_pool *parent)
{
    ASSERT(lock_none_is_held() && parent->pins.count > 0);
    bool taken = pool_enter(parent);

    tree_come(mp, parent);
    pool_unpin(parent);
    lock_leave(&parent->lock, taken);
    tree_reopen(parent);
}

/* What a quota above was charged for goes back, in one hold of the recall lock,
 * which keeps the pool quiet; false: it is so no more. */
static bool rejoin_uncharge(struct memory_pool *mp, size_t *peak)
{
    struct quota *top = quota_top(&mp->quota);
    bool taken = top != NULL && lock_enter(&top->recall);
    struct cache *cache = quiet_cache_of_new(mp);

    if (cache != NULL) {
        *peak = recall_end(mp, cache);
    }
    if (top != NULL) {
        lock_leave(&top->recall, taken);
    }
    return cache != NULL;
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
    struct memory_pool *parent = mp->tree->parent;
    struct cache *cache = quiet_cache_of_new(mp);
    size_t peak = mp->counters.peak * SIZES_GRANULE;

    if (cache == NULL || parent == NULL || !tree_may_go(mp)) {
        return false;
    }
    bool taken = pool_enter(parent);
    pool_await_move(parent, &taken);
    bool quiet = true;
    if (mp->mode->counts) {
        pool_pin(parent, &taken);
        lock_leave(&parent->lock, taken);
        quiet = rejoin_uncharge(mp, &peak);
        taken = pool_enter(parent);
        pool_unpin(parent);
    }
    if (quiet) {
        rejoin_hand_over(mp, cache, peak);
        tree_go(mp);
    }
    lock_leave(&parent->lock, taken);
    return quiet;
}
