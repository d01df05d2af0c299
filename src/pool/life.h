/* SPDX-License-Identifier: MIT
 *
 * life.h - a pool is made, reset and destroyed.
 *
 * What it cannot do: end the pools below, or run cleanups.  end.c does, before
 * it calls life_reset() or life_destroy().
 */
#ifndef MP_LIFE_H
#define MP_LIFE_H

#include "pool/pool.h"

/* A pool with these options, which are checked and completed; options.c names
 * the mode by threads.  NULL: there is no memory.  No lock held. */
MP_INNER struct memory_pool *life_create(const mp_options_t *options,
                                         enum kind_why why);

/* No other call may be under way for the pool, which is a leaf.  heir: its
 * parent, which is about to be destroyed, too, and goes on to be charged for
 * what the pool held; NULL: that is uncharged. */
MP_INNER void life_destroy(struct memory_pool *mp, struct memory_pool *heir);

MP_INNER void life_reset(struct memory_pool *mp);

#endif /* MP_LIFE_H */
