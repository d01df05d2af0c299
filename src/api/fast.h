/* SPDX-License-Identifier: MIT
 *
 * fast.h - the short ways of allocating and freeing, for the calling thread.
 *
 * There are two.  A pool without caches, in a process with one thread, only
 * moves its top: fast_bumps() says so.  A pool with caches serves from the
 * cache that the thread used last, which memory_pool_inline.h has; here it is
 * one function for each direction, since five callers enter, take and leave.
 *
 * All is inline: a call from one exported function of a shared library to
 * another goes through a table that the dynamic linker fills, and costs as
 * much as the work.
 *
 * What it cannot do: say why it did not serve.  The slow path finds out.
 */
#ifndef MP_FAST_H
#define MP_FAST_H

#include "pool/pool.h"

/* The top may be moved without a lock: the pool counts, and so may bump, and
 * the process has one thread.  Marked likely for the order of the code: pools
 * with caches have a way without a call, which compiled-in code takes.  A
 * plain read: that member is fixed. */
static inline bool fast_bumps(const memory_pool_t *mp)
{
    return MP_LIKELY(mp != NULL && mp->blocks.counted && lock_needless());
}

/* Asks the cache that the thread used last for an object; *object is NULL
 * where that has none.  False: it is not enabled for the pool, which may be
 * NULL. */
static inline bool fast_take(memory_pool_t *mp, size_t size, void **object)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache = mp_inline_enter(state, mp);

    if (cache == NULL) {
        return false;
    }
    *object = mp_inline_take(state, cache, size);
    mp_inline_leave(state);
    return true;
}

/* Gives it an object; *given is false where that is not for it to take.
 * False: as above. */
static inline bool fast_give(memory_pool_t *mp, const void *ptr, bool *given)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache = mp_inline_enter(state, mp);

    if (cache == NULL) {
        return false;
    }
    *given = mp_inline_give(state, cache, mp, ptr);
    mp_inline_leave(state);
    return true;
}

/* An object by either of the short ways; NULL: neither serves.  mp is not
 * NULL. */
static inline void *fast_allocate(memory_pool_t *mp, size_t size)
{
    void *object = NULL;

    if (fast_bumps(mp)) {
        return pool_bump(mp, size);
    }
    return fast_take(mp, size, &object) ? object : NULL;
}

#endif /* MP_FAST_H */
