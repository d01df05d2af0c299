/* SPDX-License-Identifier: MIT
 *
 * sync.h - every atomic access of the library, with its order in its name.
 *
 * The C11 operations, applied to plain objects: most of what is shared here,
 * a byte of a map or a pointer in a table, is also cleared by memset() while
 * nobody else can reach it, which _Atomic members would not allow.
 *
 * There is no fence between processors here.  Where a fast path must be seen
 * by a rare one without paying for it, sync_barrier() makes the rare side
 * pay: it returns when every running thread of the process has passed a full
 * barrier.  sync_order() keeps the compiler from moving the fast side's
 * accesses across the place that such a barrier may fall into.
 */
#ifndef MP_SYNC_H
#define MP_SYNC_H

#include <stdbool.h>

#include "base/private.h"

#define sync_get(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define sync_get_acquire(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define sync_put(place, value) \
    __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define sync_put_release(place, value) \
    __atomic_store_n(place, value, __ATOMIC_RELEASE)
#define sync_swap_acquire(place, value) \
    __atomic_exchange_n(place, value, __ATOMIC_ACQUIRE)
#define sync_swap_release(place, value) \
    __atomic_exchange_n(place, value, __ATOMIC_RELEASE)
/* The value before. */
#define sync_add(place, value) \
    __atomic_fetch_add(place, value, __ATOMIC_RELAXED)
/* True: the place held *expected and now holds value, with acquire. */
#define sync_claim(place, expected, value)                       \
    __atomic_compare_exchange_n(place, expected, value, false,   \
                                __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define sync_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* False where the system has no such barrier: then no fast path may count on
 * it.  Called once before any use of sync_barrier(). */
bool sync_barrier_start(void);

/* Every thread of the process has passed a full barrier since the call. */
void sync_barrier(void);

#endif /* MP_SYNC_H */
