/* SPDX-License-Identifier: MIT
 *
 * leaks.h - what is still live when a pool is destroyed.
 *
 * What it cannot do: tell an object that is meant to go with its pool from one
 * that was forgotten.
 */
#ifndef MP_LEAKS_H
#define MP_LEAKS_H

#include "pool/pool.h"

/* Tells the pool's report function, if it has one.  No lock held. */
MP_INNER void leaks_report(struct memory_pool *mp);

#endif /* MP_LEAKS_H */
