/* SPDX-License-Identifier: MIT
 *
 * credit.h - the caches of a pool that counts its objects to the byte.
 *
 * Such a pool has a quota, or zeroes what is freed.  Its caches work as others
 * do, but each has credit: bytes that were charged to the quota beforehand,
 * and that its user may hand out without a lock.  An object takes its bytes
 * off the credit, and a freed one puts them there.  The map says how many
 * bytes of a chunk were not asked for, so that an object gives back what it
 * took.
 *
 * The pool lends credit, and takes it back before it says "full"; see
 * pool/recall.h.
 *
 * memory_pool_inline.h has what is done with short objects.  It is compiled into
 * programs that ask for it alone.  So such a cache is enabled by another member
 * than other compiled-in code reads.
 *
 * What it cannot do: know objects of a block that no window shows.
 */
#ifndef MP_CREDIT_H
#define MP_CREDIT_H

#include "cache/cache.h"

/* Bytes of credit that a cache keeps at most as middle objects are freed, or
 * after a free that took the slow path. */
#define CREDIT_MOST ((size_t)64 << 10)

/* Inside, outside of the range: a short object; NULL: list, run or credit does
 * not suffice, the object is not short, or no window shows what would be taken,
 * of those that window_find() looks at.  As mp_inline_take_counted() otherwise.
 */
static inline MP_INLINED void *credit_take_shown(struct windows *windows,
                                                 struct cache *cache,
                                                 size_t size, bool search)
{
    struct mp_inline_cache *fast = &cache->fast;
    size_t i = (size - 1) / SIZES_GRANULE;

    if (!mp_inline_allows(fast, cache->longest, size)) {
        return NULL;
    }
    struct mp_inline_list *list = &fast->lists[i];
    unsigned char *object = list->chunks;
    const struct window *window =
        window_find(windows, object != NULL ? object : fast->cut, search);
    if (MP_UNLIKELY(window == NULL)) {
        return NULL;
    }
    unsigned char *at;
    if (object != NULL) {
        at = window_map(window, object);
        if (MP_UNLIKELY(sync_get(at) - BLOCK_CACHED != (int)i)) {
            return NULL;
        }
        list->chunks = *(void **)(void *)object;
    } else {
        object = fast->cut;
        if (MP_UNLIKELY((size_t)(fast->end - object) / SIZES_GRANULE <= i)) {
            return NULL;
        }
        at = window_map(window, object);
        fast->cut = object + (i + 1) * SIZES_GRANULE;
    }
    if (object == NULL) {
        __builtin_unreachable();
    }
    /* Release as in mp_inline_take_short(). */
    sync_put_release(at, (unsigned char)(BLOCK_LIVE + i));
    mp_inline_count(fast, at, size);
    return object;
}

/* Inside: a short object; NULL: there is none.  state is the user's, which
 * callers have at hand; windows: the cache's, NULL in the range. */
static inline MP_INLINED void *
credit_take_short(const struct mp_inline_thread *state,
                  struct windows *windows, struct cache *cache, size_t size)
{
    return windows == NULL
               ? mp_inline_take_counted(state, &cache->fast, size)
               : credit_take_shown(windows, cache, size, true);
}

/* Inside: the same for a short or a middle object. */
MP_INNER void *credit_take(const struct mp_inline_thread *state,
                           struct cache *cache, size_t size);

/* Inside: takes a short object of the pool's; false: it is none, or none that
 * the user knows, or the list is full, as each is while a mark is open. */
static inline MP_INLINED bool
credit_give_short(const struct mp_inline_thread *state,
                  struct windows *windows, struct cache *cache,
                  const struct memory_pool *mp, const void *ptr)
{
    unsigned char *at = window_reach(state, windows, mp, ptr);

    return MP_LIKELY(at != NULL) &&
           mp_inline_put_counted(&cache->fast, at, ptr, cache->fast.zero);
}

/* Inside: takes what credit_give_short() refused, a middle object or one of the
 * newest mark; and takes either. */
MP_INNER bool credit_give_refused(const struct mp_inline_thread *state,
                                  struct cache *cache,
                                  const struct memory_pool *mp,
                                  const void *ptr);

static inline bool credit_give(const struct mp_inline_thread *state,
                               struct cache *cache,
                               const struct memory_pool *mp, const void *ptr)
{
    return credit_give_short(state, cache->windows, cache, mp, ptr) ||
           credit_give_refused(state, cache, mp, ptr);
}

/* The others with the pool's lock held, for a cache whose user is the caller
 * or that is paused. */

/* Adds bytes, which were charged, to the cache's credit, of which there is
 * none.  The charge raised the quota's mark by raised bytes. */
MP_INNER void credit_grant(struct cache *cache, size_t bytes, size_t raised);

/* Noted as inside: the calling thread's cache of the pool, if that counts and
 * the thread used it last; NULL: it is not, or the user pays for the order.  mp
 * may be NULL. */
static inline struct cache *
credit_inside_light(const struct mp_inline_thread *state,
                    const struct memory_pool *mp)
{
    struct cache *cache = (struct cache *)(void *)state->cache;

    /* Acquire as in mp_inline_enter(). */
    if (MP_UNLIKELY(sync_get_acquire(&cache->fast.exact) != mp)) {
        return NULL;
    }
    if (cache == NULL) {
        __builtin_unreachable();
    }
    return cache;
}

/* The same where the user pays, who is noted once more in the one order with
 * the second look. */
static inline struct cache *credit_inside_fenced(struct mp_inline_thread *state,
                                                 const struct memory_pool *mp)
{
    struct cache *cache = (struct cache *)(void *)state->cache;

    if (sync_get(&cache->fast.exact_fenced) != mp) {
        return NULL;
    }
    mp_inline_note(state, mp);
    return sync_get_seq(&cache->fast.exact_fenced) == mp ? cache : NULL;
}

/* The same for either. */
static inline struct cache *credit_inside(struct mp_inline_thread *state,
                                          const struct memory_pool *mp)
{
    struct cache *cache = credit_inside_light(state, mp);

    return MP_LIKELY(cache != NULL) ? cache : credit_inside_fenced(state, mp);
}

/* The same, and notes it; to be left with mp_inline_leave(), unless NULL. */
static inline struct cache *credit_enter(struct mp_inline_thread *state,
                                         const struct memory_pool *mp)
{
    (void)mp_inline_begin(state, mp);
    struct cache *cache = credit_inside(state, mp);
    if (MP_UNLIKELY(cache == NULL)) {
        mp_inline_leave(state);
    }
    return cache;
}

#endif /* MP_CREDIT_H */
