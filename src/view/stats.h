/* SPDX-License-Identifier: MIT
 *
 * stats.h - what a pool did and holds, in numbers.
 *
 * What it cannot do: say how many objects there were at most, other than at
 * the moments when they were counted.
 */
#ifndef MP_STATS_H
#define MP_STATS_H

#include "pool/pool.h"

/* Fills all of *stats; no lock held. */
MP_INNER void stats_gather(struct memory_pool *mp, mp_stats_t *stats);

/* The same for a pool that is kept where it is by thread_hold(). */
MP_INNER void stats_gather_listed(struct memory_pool *mp, mp_stats_t *stats);

#endif /* MP_STATS_H */
