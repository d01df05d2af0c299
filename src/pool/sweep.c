/* SPDX-License-Identifier: MIT
 *
 * sweep.c - what the caches of a pool hold becomes free, in portions.
 *
 *     open --pause, forget--> sweeping --last portion, or reset--> open
 *
 * While a pool is swept its caches are disabled, so that no portion needs a
 * pause.  What is free in the heap is used all the time, and what is freed goes
 * there at once.  A chunk that was cached and is not swept yet is nobody's: no
 * call takes it for an object, and no neighbour is joined with it.
 *
 * A reset frees all, and so ends a sweep.  A pool that is full does the rest of
 * a sweep that is under way before it says so.
 *
 * What it cannot do: sweep the heap of a mark.  What its user's cache has of it
 * goes back at once, see cache_flush_marks().
 */
#include "pool/sweep.h"

#include "cache/pause.h"

bool sweep_portion(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && mp->caches.sweeping);
    if (cache_sweep(&mp->caches)) {
        return true;
    }
    pause_end(&mp->caches);
    return false;
}

/* Another sweep may have been begun in between.  What the caller wants was done
 * by the end of the first. */
void sweep_go_on(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    struct cache_set *set = &mp->caches;
    unsigned number = set->sweeps;

    mp->sweepers++;
    while (set->sweeping && set->sweeps == number) {
        if (sweep_portion(mp)) {
            lock_leave_turn(&mp->lock, *taken);
            *taken = pool_enter(mp);
        }
    }
    mp->sweepers--;
}

/* Who recalls credit in a tree of pools sweeps all of those pools. */
bool sweep_adopt_left(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp) && mp->caches.sweeping);
    const struct quota *top = quota_top(&mp->quota);

    if (mp->sweepers > 0 ||
        (top != NULL &&
         sync_get(&LIST_ENTRY(top, const struct memory_pool, quota)->recalls) >
             0)) {
        return false;
    }
    sweep_go_on(mp, taken);
    return true;
}

void sweep_pool(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp) && mp->mode->caches);
    struct cache_set *set = &mp->caches;

    if (!set->sweeping) {
        pause_begin(set);
        cache_sweep_begin(set);
    }
    sweep_go_on(mp, taken);
}
