/* SPDX-License-Identifier: MIT
 *
 * quota.h - the bytes that a pool may hold, and what it holds.
 *
 * A quota counts the bytes of objects as callers ask for them, in a pool that
 * counts at all.  One equation holds between any two calls:
 *
 *     capacity == held + charged_below + free_to_peak + beyond_peak
 *
 * where held are the bytes of the pool's own objects and charged_below those
 * of pools below it.  held is what the equation leaves, and is not stored.
 * The capacity may be changed.  Whether a quota has one may not: it decides
 * whether quotas below charge this one, and a pool that was made without one
 * may not have counted its objects.  A capacity may be no limit.
 * beyond_peak only falls, when the other two reach a new high-water mark.
 * So the shortest way, quota_bump(), takes from free_to_peak alone, and the mark
 * is moved where there is time for it.
 *
 * A charge comes before memory is touched.  It goes to the quota and to each
 * one above that has a capacity, all or nothing: a tree of such quotas has
 * one lock, so that nobody sees half of a charge, and a charge that fails is
 * never seen.  The caller undoes a charge for which there was no memory.
 *
 * What it cannot do: count what alignment, fragmentation and maps cost.
 *
 * The lock of the quota's pool is held in every call, unless a comment says
 * otherwise.
 * These functions take the tree's lock themselves.
 */
#ifndef MP_QUOTA_H
#define MP_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/result.h"
#include "base/sync.h"

/* For quota_start(): it has no capacity, and none below charges it.  And the
 * capacity that is no limit, which both kinds may have. */
#define QUOTA_NONE 0
#define QUOTA_UNLIMITED SIZE_MAX

/* Whether caches may be lent credit that a quota is charged for. */
enum quota_state {
    QUOTA_ROOMY,
    QUOTA_TIGHTENING, /* no more is lent, and what is lent is being recalled */
    QUOTA_TIGHT       /* nothing is lent: a refusal is final */
};

/* Whether a quota is to be told that its use has come near the limit. */
enum quota_near {
    QUOTA_NEAR_ARMED, /* use is below, or nobody looked since it was set */
    QUOTA_NEAR_DUE,   /* use is not below, and nobody was told yet */
    QUOTA_NEAR_TOLD   /* and somebody was */
};

/* The tree's lock owns the numbers, or, while tree is NULL, the lock of the
 * quota's pool: pools below charge this quota without its pool's lock. */
struct quota {
    size_t free_to_peak;  /* bytes that are free below the high-water mark */
    size_t beyond_peak;   /* bytes of the capacity that were never held */
    size_t charged_below; /* bytes that pools below hold */
    size_t raised;        /* bytes by which the last charge raised the mark */
    size_t lent_raised;   /* and the last quota_lend() of this very quota; the
                           * pool's lock */
    enum quota_state state;
    enum quota_near near;
    size_t near_bytes;    /* use from which somebody is told; SIZE_MAX: none */
    bool due;             /* atomic; a charge of this quota made it or one above
                           * due */
    bool limits;          /* fixed; it was made with a capacity */
    size_t past_peak;     /* most that was held before capacity became less
                           * than that; 0: it never did */
    size_t capacity;      /* atomic; QUOTA_UNLIMITED: no limit */
    struct quota *above;  /* atomic; the nearest quota above that has a
                           * capacity; NULL: none.  Who writes it holds the
                           * pool's lock, the recall lock and the tree's, so
                           * that either of them keeps it as it is */
    struct lock *tree;    /* that of the topmost quota with a capacity; NULL: no
                           * other pool charges this quota, and it charges no
                           * other; the pool's lock; who changes one that is not
                           * NULL holds the recall lock, too */
    struct list_link borrower; /* among the topmost one's borrowers */
    struct list borrowers; /* of the topmost quota: those of pools that may
                            * have credit; the recall lock */
    struct lock recall;   /* of the topmost quota; a rank below pools' locks:
                           * held while credit of several pools is recalled */
    struct lock lock;     /* the tree's, where this is the topmost quota; held
                           * across a fork in any case */
};

/* Empty; capacity: QUOTA_NONE, or bytes; above: the quota of the parent, NULL
 * without one.  The quota of a parent without capacity hands on what is above
 * itself.  The parent's quota was shared before.  No lock. */
MP_INNER void quota_start(struct quota *quota, size_t capacity,
                          struct quota *above);

/* The same for a quota that was started before and has nobody below.  Its
 * locks stay as they are, since a fork may hold them at this moment. */
MP_INNER void quota_restart(struct quota *quota, size_t capacity,
                            struct quota *above);

/* The locks of a quota that was just started are not told. */
static inline void quota_start_untold(struct quota *quota)
{
    lock_start_untold(&quota->recall);
    lock_start_untold(&quota->lock);
}

/* A pool below is about to be made, which will charge this quota: from now on
 * the tree's lock owns it, and quota_is_own() may be false.  Returns false
 * where neither this quota nor one above has a capacity, so that nothing is
 * charged. */
MP_INNER bool quota_share(struct quota *quota);

/* Charges this quota and those above, or none of them and returns false. */
MP_INNER bool quota_charge(struct quota *quota, size_t bytes);

/* Gives back what was charged, as the object goes. */
MP_INNER void quota_uncharge(struct quota *quota, size_t bytes);

/* The quota's pool is about to go, and so are all below it.  What they are
 * charged for is uncharged above; or, where the pool goes together with its
 * parent, whose quota is the heir, the heir stays charged for it until it ends
 * itself.  So the end of a deep tree does not go all the way up for each pool.
 * Afterwards the quota holds nothing, and is in no tree: the quotas above may
 * go before its pool's memory does. */
MP_INNER void quota_end(struct quota *quota, struct quota *heir);

/* The same without heir for a quota that nobody below charges.  Of what a loan
 * charged, so many bytes were never used by objects: marks fall back by them as
 * in quota_settle().  Returns this quota's mark. */
MP_INNER size_t quota_end_quiet(struct quota *quota, size_t unused);

/* Gives back what the caller's last charge took, for which there was no
 * memory: the high-water mark falls back, too.  Where other pools of the tree
 * were charged meanwhile, it may stay higher than without the failed charge,
 * never lower. */
MP_INNER void quota_undo(struct quota *quota, size_t bytes);

/* Lends credit: charges this quota and those above for least to most bytes, no
 * more than a part of what each has free, and returns how many; 0: there is no
 * such room, or one of them is not roomy.  A tight one becomes roomy again
 * once an eighth of its capacity is free. */
MP_INNER size_t quota_lend(struct quota *quota, size_t least, size_t most,
                           size_t part);

/* The same, but nothing where somebody is to be told of use near the limit of
 * one of them. */
MP_INNER size_t quota_lend_first(struct quota *quota, size_t most,
                                 size_t part);

/* Takes credit back.  Its loan raised this quota's high-water mark, by unused
 * bytes more than objects ever held.  So the mark falls back by that many.  The
 * marks of the quotas above do so, too, if that is known to be right. */
MP_INNER void quota_settle(struct quota *quota, size_t bytes, size_t unused);

/* Changes the capacity of a quota that has one.  QUOTA_LESS_HELD: more bytes
 * are charged than that, and nothing is done.  QUOTA_LESS_PEAK: more were
 * charged once, and some may be credit, so that nothing is done before all
 * credit below is recalled: the quota is not tight. */
enum quota_change { QUOTA_CHANGED, QUOTA_LESS_HELD, QUOTA_LESS_PEAK };
MP_INNER enum quota_change quota_set_capacity(struct quota *quota,
                                              size_t capacity);

/* Sets from how many bytes of use on somebody is told; SIZE_MAX: nobody.
 * quota_take_due() returns true once each time that use has come so far, and
 * then *used is what it is now.  The bytes count what caches were lent. */
MP_INNER void quota_set_near(struct quota *quota, size_t bytes);
MP_INNER bool quota_take_due(struct quota *quota, size_t *used);

/* Relaxed: a thread that charged finds what it wrote itself, and others are
 * told as well by that thread. */
static inline bool quota_is_due(const struct quota *quota)
{
    return sync_get(&quota->due);
}

/* What pools that move have to charge above: the bytes of this quota, if the
 * one above that it charges is that, else 0.  Its caches have no credit. */
MP_INNER size_t quota_moved(const struct quota *quota,
                            const struct quota *above);

/* The quota that pools below one with this quota charge; NULL: none. */
static inline struct quota *quota_charged_by_below(struct quota *quota)
{
    return quota->limits ? quota : sync_get(&quota->above);
}

/* Moves bytes that are charged to the quotas from one up to those from another
 * one up; either may be NULL.  What is in both stays charged.  NULL: done, and
 * *due says that use has come near a limit by that.  Else a new one that has
 * no room, with its state: nothing is done.  The caller holds LOCK_MOVES, and
 * no tree's lock. */
MP_INNER struct quota *quota_transfer(struct quota *from, struct quota *to,
                                      size_t bytes, enum quota_state *state,
                                      bool *due);

/* A quota of a pool that is moved: what was above by that name is another one
 * from now on, and the tree is that one's.  parent: the pool has children.  The
 * quotas above were dealt with before. */
MP_INNER void quota_relink(struct quota *quota, struct quota *from,
                           struct quota *to, bool parent);

/* The nearest quota that refuses a charge, and the state that it has at the
 * same moment; NULL: none refuses any more. */
MP_INNER struct quota *quota_refuser(struct quota *quota, size_t bytes,
                                     enum quota_state *state);

MP_INNER enum quota_state quota_state(const struct quota *quota);
MP_INNER void quota_set_state(struct quota *quota, enum quota_state state);

/* The topmost quota of a tree; NULL: this quota has none.  And the one that is
 * the topmost as soon as quota_share() says that there is a tree: that needs
 * no lock, but the quota's pool stays where it is. */
MP_INNER struct quota *quota_top(const struct quota *quota);
MP_INNER struct quota *quota_top_shared(struct quota *quota);

/* True: it charges the other, or is that. */
MP_INNER bool quota_is_below(const struct quota *quota,
                             const struct quota *above);

/* Bytes of the pool's own objects, and the most that were ever held with what
 * was charged from below. */
MP_INNER size_t quota_held(const struct quota *quota);
MP_INNER size_t quota_peak(const struct quota *quota);

/* The capacity, and in *room what is free of it; QUOTA_UNLIMITED: none. */
MP_INNER size_t quota_capacity(const struct quota *quota, size_t *room);

/* True: this quota or one above has a capacity.  No lock: relaxed, since a pool
 * that is moved at the same time may have been elsewhere as well. */
static inline bool quota_is_limited(const struct quota *quota)
{
    return quota->limits || sync_get(&quota->above) != NULL;
}

/* A request which no capacity could hold is refused as "full", and not for lack
 * of memory, where there is a limit.  No lock: relaxed, since a capacity that
 * changes at the same time may have been the old one as well. */
static inline enum result quota_refusal(const struct quota *quota)
{
    return sync_get(&quota->capacity) != QUOTA_UNLIMITED ||
                   sync_get(&quota->above) != NULL
               ? RESULT_FULL
               : RESULT_NO_MEMORY;
}

/* True: the lock of the quota's pool owns it, so that quota_bump() and
 * quota_unbump() may serve. */
static inline bool quota_is_own(const struct quota *quota)
{
    return quota->tree == NULL;
}

/* The short way of a charge, and back: below the high-water mark of a quota
 * that is its pool's own. */
static inline bool quota_can_bump(const struct quota *quota, size_t bytes)
{
    return bytes <= quota->free_to_peak;
}

static inline void quota_bump(struct quota *quota, size_t bytes)
{
    quota->free_to_peak -= bytes;
}

/* The same where the mark may have to be raised: nobody is told of use near the
 * limit.  Apart from the first, since it is longer, and a pool that is full of
 * short-lived objects seldom needs it. */
static inline bool quota_can_climb(const struct quota *quota, size_t bytes)
{
    return bytes <= quota->free_to_peak + quota->beyond_peak;
}

static inline void quota_climb(struct quota *quota, size_t bytes)
{
    ASSERT(quota_can_climb(quota, bytes));
    if (bytes > quota->free_to_peak) {
        quota->beyond_peak -= bytes - quota->free_to_peak;
        quota->free_to_peak = bytes;
    }
    quota->free_to_peak -= bytes;
}

static inline void quota_unbump(struct quota *quota, size_t bytes)
{
    quota->free_to_peak += bytes;
}

/* The equation holds, and held are the bytes of the pool's live objects: for
 * mp_check(). */
MP_INNER bool quota_is_sound(const struct quota *quota, size_t held);

#endif /* MP_QUOTA_H */
