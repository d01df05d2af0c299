/* SPDX-License-Identifier: MIT
 *
 * check.h - does everything in a pool agree?
 *
 * What it cannot do: see what a program wrote into a live object.
 */
#ifndef MP_CHECK_H
#define MP_CHECK_H

#include "pool/pool.h"

/* True when every invariant of the pool holds.  No lock held. */
MP_INNER bool check_pool(struct memory_pool *mp);

#endif /* MP_CHECK_H */
