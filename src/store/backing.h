/* SPDX-License-Identifier: MIT
 *
 * backing.h - where the memory of pools comes from.
 */
#ifndef MP_BACKING_H
#define MP_BACKING_H

#include "memory_pool.h"
#include "base/private.h"

/* Bytes that a caller's buffer can still give, if the backing is one; else
 * 0.  A pool takes all of them at once. */
size_t backing_buffer_room(const mp_backing_t *backing);

#endif /* MP_BACKING_H */
