/* SPDX-License-Identifier: MIT
 *
 * trim.h - a pool gives memory back that it does not use.
 *
 * What it cannot do: move objects, or give back a block that has one.
 */
#ifndef MP_TRIM_H
#define MP_TRIM_H

#include "pool/pool.h"

/* Gives empty blocks back until no more than keep bytes of them are left;
 * returns the bytes given. */
MP_INNER size_t trim_pool(struct memory_pool *mp, size_t keep);

#endif /* MP_TRIM_H */
