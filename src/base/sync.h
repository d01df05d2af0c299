/* SPDX-License-Identifier: MIT
 *
 * sync.h - every atomic access of the library, with its order in its name.
 *
 * The C11 operations, applied to plain objects: most of what is shared here,
 * a byte of a map or a pointer in a table, is also cleared by memset() while
 * nobody else can reach it, which _Atomic members would not allow.
 *
 * There is no fence between processors here.  Where a fast path must be seen
 * by a rare one without paying for it, sync_fence_heavy() makes the rare side
 * pay: it returns when every running thread of the process has passed a full
 * fence.  sync_fence_light() keeps the compiler from moving the fast side's
 * accesses across the place that such a barrier may fall into.  Where the
 * system has no such fence, both sides use sequentially consistent accesses,
 * whose names end in _seq: all threads see those in one order.
 */
#ifndef MP_SYNC_H
#define MP_SYNC_H

#include <stdbool.h>

#include "base/compiler.h"

#define sync_get(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define sync_get_acquire(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define sync_put(place, value) \
    __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define sync_put_release(place, value) \
    __atomic_store_n(place, value, __ATOMIC_RELEASE)
#define sync_get_seq(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
#define sync_put_seq(place, value) \
    __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
#define sync_swap_acquire(place, value) \
    __atomic_exchange_n(place, value, __ATOMIC_ACQUIRE)
/* Both orders: the thread that comes second sees what the first did before. */
#define sync_swap(place, value) \
    __atomic_exchange_n(place, value, __ATOMIC_ACQ_REL)
/* The value before. */
#define sync_add(place, value) \
    __atomic_fetch_add(place, value, __ATOMIC_RELAXED)
/* True: the place held *expected and now holds value, with acquire. */
#define sync_claim(place, expected, value)                       \
    __atomic_compare_exchange_n(place, expected, value, false,   \
                                __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)

/* An asymmetric fence: the light side only keeps the compiler from moving
 * accesses across it, and the heavy side pays for both.  Pairs: the light one
 * in mp_inline_enter(), the heavy one in pause_begin(). */
#define sync_fence_light() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* False where the system has no such fence, or has begun to refuse it: then no
 * fast path should count on it.  Asks the system the first time.  Keeps
 * errno. */
MP_INNER bool sync_fence_works(void);

/* What sync_fence_works() found last, without asking the system.  A light side
 * may count on the heavy fence only where this is true.  A heavy side that reads
 * false may still meet light ones that have read true. */
MP_INNER bool sync_fence_on; /* atomic */
static inline bool sync_fence_is_on(void)
{
    return sync_get(&sync_fence_on);
}

/* Asks the system again, in the child of fork().  Keeps errno. */
MP_INNER void sync_fence_renew(void);

/* Every thread of the process has passed a full fence since the call, and
 * sync_fence_works() was called before.  Where the system refuses by now, the
 * call takes 10 ms, and sync_fence_works() is false from then on.  Keeps
 * errno. */
MP_INNER void sync_fence_heavy(void);

#endif /* MP_SYNC_H */
