/* SPDX-License-Identifier: MIT
 *
 * bulk.c - exported functions that allocate or free many objects in one call.
 *
 * A call enters the thread's cache once for many objects, or takes the lock
 * once where the pool has no caches.  What that does not serve goes by the slow
 * path, one object at a time.  So each object has the checks, and each refusal
 * the report, that a call for it alone would have.
 *
 * A user that is inside holds up a pause, and one that has the lock holds up
 * other threads.  So both are left after some objects, and entered anew.
 *
 * What it cannot do: give all objects or none.  To give back what it has would
 * be as much work again, and would count as frees.
 */
#include "api/fast.h"
#include "api/misuse.h"
#include "api/slow.h"

/* Objects served at most before others get their turn. */
#define BULK_PORTION 64

/* Of a thread's state what does not change while it is inside.  A copy stays in
 * registers; the state itself would be read anew for each object, since stores
 * into the map might change it. */
static inline struct mp_inline_thread
bulk_copy(const struct mp_inline_thread *state)
{
    struct mp_inline_thread copy = {.bias = state->bias,
                                    .base = state->base,
                                    .granules = state->granules,
                                    .owners = state->owners};

    return copy;
}

/* Inside; returns how many objects the cache had, n at most.  size is none that
 * the pool refuses, unless it is a short one. */
static inline size_t bulk_take_plain(const struct mp_inline_thread *state,
                                     struct mp_inline_cache *cache,
                                     size_t size, void **objects, size_t n)
{
    struct mp_inline_thread copy = bulk_copy(state);
    size_t granules = (size - 1) / SIZES_GRANULE + 1;
    void *object;
    size_t k = 0;

    while (k < n && (object = mp_inline_take(&copy, cache, size)) != NULL) {
        objects[k++] = object;
    }
    /* Of a size of 0 there are too many granules. */
    if (middle_fits(granules)) {
        while (k < n && (object = cache_take_middle(state, cache,
                                                    granules)) != NULL) {
            objects[k++] = object;
        }
    }
    return k;
}

/* The same from a cache that counts; the pool takes objects of that size. */
static inline size_t bulk_take_counted(const struct mp_inline_thread *state,
                                       struct cache *cache, size_t size,
                                       void **objects, size_t n)
{
    struct mp_inline_thread copy = bulk_copy(state);
    void *object;
    size_t k = 0;

    if (size > SIZES_SHORT * SIZES_GRANULE) {
        while (k < n && (object = credit_take(state, cache, size)) != NULL) {
            objects[k++] = object;
        }
        return k;
    }
    if (cache->windows == NULL) {
        while (k < n && (object = credit_take_short(&copy, NULL, cache,
                                                    size)) != NULL) {
            objects[k++] = object;
        }
        return k;
    }
    while (k < n && (object = credit_take_short(&copy, cache->windows, cache,
                                                size)) != NULL) {
        objects[k++] = object;
    }
    return k;
}

/* From the cache that the thread used last, if that is the pool's. */
static size_t bulk_take_cached(memory_pool_t *mp, size_t size, void **objects,
                               size_t n)
{
    struct mp_inline_thread *state = &thread_state;
    bool fits = size <= sync_get(&mp->settings.max_object);
    size_t k = 0;

    if (!fits) {
        return 0;
    }
    if (mp->caches.counts) {
        struct cache *counted = credit_enter(state, mp);
        if (counted != NULL) {
            k = bulk_take_counted(state, counted, size, objects, n);
            mp_inline_leave(state);
        }
    } else {
        struct mp_inline_cache *cache = mp_inline_enter(state, mp);
        if (cache != NULL) {
            k = bulk_take_plain(state, cache, size, objects, n);
            mp_inline_leave(state);
        }
    }
    return k;
}

/* Users of the pool have caches, or are about to get some. */
static inline bool bulk_has_caches(const memory_pool_t *mp)
{
    return mp->mode->caches && !(fast_bumps(mp) && mp->bump_most > 0);
}

/* By the short ways, some objects at most; 0: none serves now. */
static size_t bulk_take(memory_pool_t *mp, size_t size, void **objects,
                        size_t n)
{
    size_t most = n < BULK_PORTION ? n : BULK_PORTION;
    size_t k = 0;

    if (bulk_has_caches(mp)) {
        k = bulk_take_cached(mp, size, objects, most);
        /* The thread may have used another pool's cache last. */
        if (k == 0 && attach_find(&mp->caches) != NULL) {
            k = bulk_take_cached(mp, size, objects, most);
        }
        return k;
    }
    bool taken = pool_enter(mp);
    for (; k < most; k++) {
        void *object = pool_bump(mp, size);
        if (object == NULL) {
            break;
        }
        objects[k] = object;
    }
    lock_leave(&mp->lock, taken);
    return k;
}

/* True: there is a pool, and an array of pointers.  Else errno is EINVAL. */
static bool bulk_can(memory_pool_t *mp, void *const *objects)
{
    ASSERT(lock_none_is_held());
    if (!misuse_may_use(mp)) {
        return false;
    }
    if (objects == NULL) {
        misuse_argument(mp, MP_EVENT_NO_POINTER, NULL);
        return false;
    }
    return true;
}

size_t mp_allocate_many(memory_pool_t *mp, size_t size, size_t n,
                        void **objects)
{
    MP_FRAME();
    size_t k = 0;

    if (n == 0 || !bulk_can(mp, objects)) {
        return 0;
    }
    while (k < n) {
        size_t taken = bulk_take(mp, size, objects + k, n - k);
        if (taken == 0) {
            void *object = slow_allocate(mp, thread_user(), size,
                                         "mp_allocate_many: malloc");
            if (object == NULL) {
                break;
            }
            objects[k] = object;
            taken = 1;
        }
        k += taken;
    }
    ASSERT(k <= n && lock_none_is_held());
    return k;
}

/* The functions below free the last objects of an array first: so those that
 * were cut one after the other go back to the top they came from, and a list
 * gives them out in the same order again.  Each returns how many are left. */

/* Inside a cache that does not count, until least are left. */
static inline size_t bulk_give_plain(const struct mp_inline_thread *state,
                                     struct mp_inline_cache *cache,
                                     const memory_pool_t *mp,
                                     void *const *objects, size_t n,
                                     size_t least)
{
    struct mp_inline_thread copy = bulk_copy(state);

    while (n > least &&
           (objects[n - 1] == NULL ||
            MP_LIKELY(mp_inline_give(&copy, cache, mp, objects[n - 1])) ||
            cache_give_refused(state, cache, mp, objects[n - 1]))) {
        n--;
    }
    return n;
}

static inline size_t bulk_give_counted(const struct mp_inline_thread *state,
                                       struct cache *cache,
                                       const memory_pool_t *mp,
                                       void *const *objects, size_t n,
                                       size_t least)
{
    struct mp_inline_thread copy = bulk_copy(state);

    while (cache->windows == NULL && n > least &&
           (objects[n - 1] == NULL ||
            MP_LIKELY(credit_give_short(&copy, NULL, cache, mp,
                                        objects[n - 1])) ||
            credit_give_refused(state, cache, mp, objects[n - 1]))) {
        n--;
    }
    while (cache->windows != NULL && n > least &&
           (objects[n - 1] == NULL ||
            MP_LIKELY(credit_give_short(&copy, cache->windows, cache, mp,
                                        objects[n - 1])) ||
            credit_give_refused(state, cache, mp, objects[n - 1]))) {
        n--;
    }
    return n;
}

/* Into the cache that the thread used last, if that is the pool's. */
static size_t bulk_give_cached(memory_pool_t *mp, void *const *objects,
                               size_t n, size_t least)
{
    struct mp_inline_thread *state = &thread_state;

    if (mp->caches.counts) {
        struct cache *counted = credit_enter(state, mp);
        if (counted != NULL) {
            n = bulk_give_counted(state, counted, mp, objects, n, least);
            mp_inline_leave(state);
        }
    } else {
        struct mp_inline_cache *cache = mp_inline_enter(state, mp);
        if (cache != NULL) {
            n = bulk_give_plain(state, cache, mp, objects, n, least);
            mp_inline_leave(state);
        }
    }
    return n;
}

/* By the short ways, some objects at most; n: none serves now. */
static size_t bulk_give(memory_pool_t *mp, void *const *objects, size_t n)
{
    size_t least = n < BULK_PORTION ? 0 : n - BULK_PORTION;
    size_t left = n;

    if (bulk_has_caches(mp)) {
        left = bulk_give_cached(mp, objects, n, least);
        if (left == n && attach_find(&mp->caches) != NULL) {
            left = bulk_give_cached(mp, objects, n, least);
        }
        return left;
    }
    bool taken = pool_enter(mp);
    while (left > least && (objects[left - 1] == NULL ||
                            pool_unbump(mp, objects[left - 1]))) {
        left--;
    }
    lock_leave(&mp->lock, taken);
    return left;
}

void mp_free_many(memory_pool_t *mp, void *const *objects, size_t n)
{
    MP_FRAME();

    if (n == 0 || !bulk_can(mp, objects)) {
        return;
    }
    while (n > 0) {
        size_t left = bulk_give(mp, objects, n);
        if (left == n) {
            /* Not NULL, which every short way passes over, unless the pool's
             * cache is not enabled now. */
            left--;
            if (objects[left] != NULL) {
                slow_free(mp, thread_user(), objects[left]);
            }
        }
        n = left;
    }
    ASSERT(lock_none_is_held());
}
