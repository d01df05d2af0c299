/* SPDX-License-Identifier: MIT
 *
 * fast.h - the short ways of allocating and freeing, for the calling thread or
 * a handle.
 *
 * There are two.  A pool of which nobody has a cache, in a process with one
 * thread, only moves its top: fast_bumps() says so.  A pool with caches serves
 * from the cache that the thread used last: a short object as
 * memory_pool_inline.h has it, a middle one by a call.  A pool outside of the
 * range may do either, so it is asked for both, one after the other.
 *
 * All is inline: a call from one exported function of a shared library to
 * another goes through a table that the dynamic linker fills, and costs as
 * much as the work.
 *
 * What it cannot do: say why it did not serve.  The slow path finds out.
 */
#ifndef MP_FAST_H
#define MP_FAST_H

#include "cache/credit.h"
#include "cache/handle.h"
#include "cache/resize.h"
#include "pool/pool.h"

/* The pool lies outside of the range, and so counts.  Marked likely for the
 * order of the code: pools in the range have a way without a call, which
 * compiled-in code takes.  A plain read: that member is fixed. */
static inline bool fast_is_outside(const memory_pool_t *mp)
{
    return MP_LIKELY(mp != NULL && mp->bumps == POOL_BUMPS);
}

/* The top may be moved without a lock: the pool may bump, if it says so, and
 * the process has one thread. */
static inline bool fast_bumps(const memory_pool_t *mp)
{
    return fast_is_outside(mp) && MP_LIKELY(lock_needless());
}

/* Inside the cache that the thread used last, which has no short chunk for
 * the object: a middle one; NULL: it has none, or the pool takes no object of
 * that size.  Leaves. */
static inline void *fast_take_middle(memory_pool_t *mp, size_t size)
{
    struct mp_inline_thread *state = &thread_state;
    void *object = NULL;

    /* A size of 0 has too many granules, too. */
    if (middle_fits((size - 1) / SIZES_GRANULE + 1) &&
        size <= sync_get(&mp->settings.max_object)) {
        object = cache_take_middle(state, state->cache,
                                   (size - 1) / SIZES_GRANULE + 1);
    }
    mp_inline_leave(state);
    return object;
}

/* The same for an object that mp_inline_give() refused. */
static inline bool fast_give_refused(const memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    bool given = cache_give_refused(state, state->cache, mp, ptr);

    mp_inline_leave(state);
    return given;
}

/* An object from the cache that the thread used last; NULL: it has none, or is
 * not enabled for the pool, which may be NULL. */
static inline void *fast_take(memory_pool_t *mp, size_t size)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache = mp_inline_enter(state, mp);

    if (cache == NULL) {
        return NULL;
    }
    void *object = mp_inline_take(state, cache, size);
    if (MP_UNLIKELY(object == NULL)) {
        return fast_take_middle(mp, size);
    }
    mp_inline_leave(state);
    return object;
}

/* Gives it an object; false: it takes no such object, or is not enabled. */
static inline bool fast_give(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache = mp_inline_enter(state, mp);

    if (cache == NULL) {
        return false;
    }
    if (MP_UNLIKELY(!mp_inline_give(state, cache, mp, ptr))) {
        return fast_give_refused(mp, ptr);
    }
    mp_inline_leave(state);
    return true;
}

/* The same from a cache that counts. */
static inline void *fast_take_counted(memory_pool_t *mp, size_t size)
{
    struct cache *cache = credit_enter(&thread_state, mp);
    void *object = NULL;

    if (cache != NULL) {
        if (MP_LIKELY(size <= sync_get(&mp->settings.max_object))) {
            object = credit_take(&thread_state, cache, size);
        }
        mp_inline_leave(&thread_state);
    }
    return object;
}

static inline bool fast_give_counted(memory_pool_t *mp, const void *ptr)
{
    struct cache *cache = credit_enter(&thread_state, mp);
    bool given = false;

    if (cache != NULL) {
        given = credit_give(&thread_state, cache, mp, ptr);
        mp_inline_leave(&thread_state);
    }
    return given;
}

/* An object by either of the short ways; NULL: neither serves.  mp is not
 * NULL. */
static inline void *fast_allocate(memory_pool_t *mp, size_t size)
{
    if (fast_is_outside(mp)) {
        void *object = lock_needless() ? pool_bump(mp, size) : NULL;
        return object != NULL ? object : fast_take_counted(mp, size);
    }
    return mp->caches.counts ? fast_take_counted(mp, size)
                             : fast_take(mp, size);
}

/* Frees an object by either of the short ways; false: neither serves.  mp is
 * not NULL. */
static inline bool fast_free(memory_pool_t *mp, const void *ptr)
{
    if (fast_is_outside(mp)) {
        return (lock_needless() && pool_unbump(mp, ptr)) ||
               fast_give_counted(mp, ptr);
    }
    return mp->caches.counts ? fast_give_counted(mp, ptr) : fast_give(mp, ptr);
}

/* An object of the pool with another size; NULL: the slow path has to serve.
 * *left as resize_inside() says. */
static inline void *fast_resize(memory_pool_t *mp, void *ptr, size_t size,
                                void **left)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache;
    void *object = NULL;

    *left = NULL;
    if (size > sync_get(&mp->settings.max_object)) {
        return NULL;
    }
    cache = mp_inline_enter(state, mp);
    if (cache != NULL) {
        object = resize_inside(state, cache, mp, ptr, size, left);
        mp_inline_leave(state);
        return object;
    }
    struct cache *counted = credit_enter(state, mp);
    if (counted != NULL) {
        object = resize_counted(state, counted, mp, ptr, size);
        mp_inline_leave(state);
    }
    return object;
}

/* Inside its cache, where the handle's pool counts, to be left with
 * mp_inline_leave(); false, and not inside: it does not, or the cache is not
 * enabled. */
static inline bool fast_enter_counted(mp_handle_t *handle)
{
    (void)mp_inline_begin(&handle->state, MP_INLINE_NO_POOL);
    /* Acquire as in credit_enter(). */
    if (MP_LIKELY(sync_get_acquire(&handle->cache.fast.exact) !=
                  MP_INLINE_NO_POOL)) {
        return true;
    }
    if (sync_get(&handle->cache.fast.exact_fenced) != MP_INLINE_NO_POOL) {
        mp_inline_note(&handle->state, MP_INLINE_NO_POOL);
        if (sync_get_seq(&handle->cache.fast.exact_fenced) !=
            MP_INLINE_NO_POOL) {
            return true;
        }
    }
    mp_inline_leave(&handle->state);
    return false;
}

static inline void *fast_take_handle_counted(mp_handle_t *handle, size_t size)
{
    void *object = NULL;

    if (handle != NULL &&
        size <= sync_get(&handle->pool->settings.max_object) &&
        fast_enter_counted(handle)) {
        object = credit_take(&handle->state, &handle->cache, size);
        mp_inline_leave(&handle->state);
    }
    return object;
}

/* Inside: a middle object of the handle's own. */
static inline void *fast_take_handle_middle(mp_handle_t *handle, size_t size)
{
    size_t granules = (size - 1) / SIZES_GRANULE + 1;

    return middle_fits(granules) &&
                   size <= sync_get(&handle->pool->settings.max_object)
               ? cache_take_middle(&handle->state, &handle->cache.fast,
                                   granules)
               : NULL;
}

/* An object from a handle's cache; NULL: that does not serve, or there is no
 * handle.  In a pool without caches a handle's is enabled for none. */
static inline void *fast_take_handle(mp_handle_t *handle, size_t size)
{
    struct mp_inline_handle *own = handle_fast(handle);

    if (MP_LIKELY(own != NULL) && mp_inline_enter_handle(own) != NULL) {
        void *object = mp_inline_take(&own->thread, &own->cache, size);
        if (MP_UNLIKELY(object == NULL)) {
            object = fast_take_handle_middle(handle, size);
        }
        /* A pause waits for this, so it comes before anything else. */
        mp_inline_leave(&own->thread);
        if (MP_LIKELY(object != NULL)) {
            return object;
        }
    }
    return fast_take_handle_counted(handle, size);
}

#endif /* MP_FAST_H */
