/* SPDX-License-Identifier: MIT
 *
 * totals.h - what a pool did, as numbers that outlive it in its parent.
 *
 * What it cannot do: tell more than TREE_NAMES names of children apart.
 */
#ifndef MP_TOTALS_H
#define MP_TOTALS_H

#include "pool/tree.h"

/* Live objects in all heaps, and tracked ones; the lock is held, and the pool
 * is paused. */
MP_INNER size_t totals_count_live(struct memory_pool *mp);

/* Adds numbers to others; the lock that owns these is held. */
MP_INNER void totals_add(struct tree_totals *to,
                         const struct tree_totals *add);

/* Adds what a pool did to what its parent keeps of pools by that name, and
 * hands on what the pool keeps of others.  The pool has no children any more,
 * and no other thread uses it.  No lock held. */
MP_INNER void totals_hand_over(struct memory_pool *mp);

/* The sum over all names; the pool's lock is held. */
MP_INNER struct tree_totals totals_of_gone(const struct memory_pool *mp);

/* What one name's children did. */
struct totals_row {
    char name[POOL_NAME];
    bool named; /* else those without a name, or other: of further names */
    bool other;
    struct tree_totals totals;
};
#define TOTALS_ROWS (TREE_NAMES + 2)

/* Copies a row for each name; returns how many.  No lock held. */
MP_INNER size_t totals_list(struct memory_pool *mp,
                            struct totals_row rows[TOTALS_ROWS]);

#endif /* MP_TOTALS_H */
