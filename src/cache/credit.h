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
 * What it cannot do: be compiled into programs.  Compiled-in code counts
 * nothing, so such a cache is enabled by another member than that code reads.
 */
#ifndef MP_CREDIT_H
#define MP_CREDIT_H

#include "cache/cache.h"

/* Bytes of credit that a cache keeps at most as middle objects are freed, or
 * after a free that took the slow path. */
#define CREDIT_MOST ((size_t)64 << 10)

/* Takes bytes, which are there, off the credit. */
static inline void credit_use(struct cache *cache, size_t bytes)
{
    size_t credit = cache->credit - bytes;

    cache->credit = credit;
    /* A branch: where objects come and go, it is hardly ever less. */
    if (MP_UNLIKELY(credit < cache->least)) {
        cache->least = credit;
    }
}

/* Zeroes the granules of a short chunk, word by word: what compilers make of
 * memset() for so few takes several times as long, and of plain stores they
 * make a memset(). */
static inline void credit_zero(void *chunk, size_t granules)
{
    uintptr_t *word = chunk;

    /* A granule has two words, or four. */
    for (uintptr_t *end = word + granules * SIZES_GRANULE / sizeof *word;
         word != end; word += 2) {
        sync_put(&word[0], (uintptr_t)0);
        sync_put(&word[1], (uintptr_t)0);
    }
}

/* Outside of the range, what is the state of a user that takes the next short
 * object of that size: the window which shows that; false: none does. */
static inline bool credit_look(struct windows *windows,
                               const struct cache *cache, size_t size,
                               struct mp_inline_thread *state)
{
    size_t i = (size - 1) / SIZES_GRANULE;

    if (MP_UNLIKELY(i >= SIZES_SHORT)) {
        return false;
    }
    const void *next = cache->fast.lists[i].chunks;
    const struct window *window =
        window_find(windows, next != NULL ? next : cache->fast.cut);
    if (MP_UNLIKELY(window == NULL)) {
        return false;
    }
    state->bias = window->bias;
    state->base = window->base;
    state->granules = window->granules;
    return true;
}

/* Inside: a short object; NULL: list, run or credit does not suffice, or the
 * object is not short.  state is the user's, which callers have at hand;
 * windows: the cache's, NULL in the range. */
static inline MP_INLINED void *
credit_take_short(const struct mp_inline_thread *state,
                  struct windows *windows, struct cache *cache, size_t size)
{
    struct mp_inline_thread seen;

    if (MP_UNLIKELY(size > cache->credit)) {
        return NULL;
    }
    if (windows != NULL) {
        if (!credit_look(windows, cache, size, &seen)) {
            return NULL;
        }
        state = &seen;
    }
    unsigned char *object = mp_inline_take(state, &cache->fast, size);
    if (MP_LIKELY(object != NULL)) {
        unsigned char *at = middle_map(state, object);
        size_t slack = -size % SIZES_GRANULE;
        if (size > SIZES_GRANULE) {
            sync_put(at + 1, (unsigned char)(BLOCK_NIBBLE | slack));
        } else if (slack > 0) {
            sync_put_release(at, (unsigned char)(BLOCK_ONE | slack));
        }
        credit_use(cache, size);
    }
    return object;
}

/* Inside: the same for a short or a middle object. */
MP_INNER void *credit_take(const struct mp_inline_thread *state,
                           struct cache *cache, size_t size);

/* Inside: takes a short object of the pool's; false: it is none, or none that
 * the user knows, or the list is full, as each is while a mark is open.  zero:
 * the cache's. */
static inline MP_INLINED bool
credit_give_known(const struct mp_inline_thread *state,
                  struct windows *windows, struct cache *cache,
                  const struct memory_pool *mp, const void *ptr, bool zero)
{
    unsigned char *at = window_reach(state, windows, mp, ptr);

    if (MP_UNLIKELY(at == NULL)) {
        return false;
    }
    /* Acquire as in mp_inline_give(). */
    size_t code = sync_get_acquire(at);
    size_t slack;
    if (MP_LIKELY(code > BLOCK_LIVE)) {
        slack = sync_get(at + 1) & 0xfu;
    } else if (code == BLOCK_LIVE || code - (BLOCK_ONE + 1) < 0xf) {
        slack = code & 0xfu; /* of BLOCK_LIVE it is 0 */
        code = BLOCK_LIVE;
    } else {
        return false;
    }
    struct mp_inline_list *list = &cache->fast.lists[code - BLOCK_LIVE];
    size_t room = list->room;
    if (MP_UNLIKELY(room == 0)) {
        return false;
    }
    size_t granules = code - BLOCK_LIVE + 1;
    void **chunk = (void **)(uintptr_t)ptr;
    if (MP_UNLIKELY(zero)) {
        credit_zero(chunk, granules);
    }
    list->room = room - 1;
    *chunk = list->chunks;
    list->chunks = chunk;
    /* Its slack may stay behind that: nobody asks a cached chunk for it. */
    sync_put(at, (unsigned char)(code - BLOCK_LIVE + BLOCK_CACHED));
    cache->credit += granules * SIZES_GRANULE - slack;
    return true;
}

static inline MP_INLINED bool
credit_give_short(const struct mp_inline_thread *state,
                  struct windows *windows, struct cache *cache,
                  const struct memory_pool *mp, const void *ptr)
{
    return credit_give_known(state, windows, cache, mp, ptr, cache->zero);
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
    if (MP_UNLIKELY(sync_get_acquire(&cache->exact) != mp)) {
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

    if (sync_get(&cache->exact_fenced) != mp) {
        return NULL;
    }
    mp_inline_note(state, mp);
    return sync_get_seq(&cache->exact_fenced) == mp ? cache : NULL;
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
