/* SPDX-License-Identifier: MIT
 *
 * inspect.h - looking at a pool without changing it.
 */
#ifndef MP_INSPECT_H
#define MP_INSPECT_H

#include "pool/pool.h"

mp_where_t inspect_locate(struct memory_pool *mp, const void *ptr);

memory_pool_t *inspect_owner(const void *ptr);

/* True when every invariant of the pool holds. */
bool inspect_check(struct memory_pool *mp);

#endif /* MP_INSPECT_H */
