/* SPDX-License-Identifier: MIT
 *
 * damage.h - reports of what a program wrote where it has no object.
 *
 * What it cannot do: name the code that wrote it.
 */
#ifndef MP_DAMAGE_H
#define MP_DAMAGE_H

#include "pool/pool.h"
#include "pool/record.h"

/* Tells the pool's report function, or standard error where it has none, that
 * a check found something wrong at an address.  The record is out of the table,
 * and no lock is held. */
MP_INNER void damage_report(struct memory_pool *mp,
                            const struct record *record,
                            enum fence_damage damage, const void *at);

#endif /* MP_DAMAGE_H */
