/* SPDX-License-Identifier: MIT
 *
 * objects.h - every live object of a pool, in the order of addresses.
 *
 * What it cannot do: say what was live at one single moment, unless no other
 * thread changes the pool.
 */
#ifndef MP_OBJECTS_H
#define MP_OBJECTS_H

#include "pool/pool.h"

/* Calls visit for each, with no lock held, until it returns something else
 * than 0, which is returned; else 0. */
MP_INNER int objects_visit(struct memory_pool *mp,
                           int (*visit)(void *object, size_t size, void *arg),
                           void *arg);

#endif /* MP_OBJECTS_H */
