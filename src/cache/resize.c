/* SPDX-License-Identifier: MIT
 *
 * resize.c - an object gets another size by its user's cache alone.
 *
 *     object |           cut        end
 *     [ old  |  growth  | run ...    ]      the run begins later
 *
 * Only objects of up to RESIZE_COPY granules are copied here, since that is
 * cheap.  For a longer object the slow path first tries to resize it in place.
 *
 * What it cannot do: resize what a mark's heap holds.  Its blocks have another
 * owner's name, so that the first test below fails.
 */
#include "cache/resize.h"

/* Granules of the longest object that is copied without first trying to resize
 * it in place. */
#define RESIZE_COPY 2048u

/* Bytes up to which copying granules costs less than a call. */
#define RESIZE_FEW ((size_t)64)

/* Granules of the live object whose byte of the map is there; 0: there is
 * none. */
static uint32_t resize_length(const unsigned char *at)
{
    /* Acquire as in mp_inline_give(). */
    return at != NULL && block_starts_live(sync_get_acquire(at))
               ? block_length_at(at)
               : 0;
}

/* Grows an object into the run behind it; false: it ends elsewhere, or the run
 * is too short. */
static bool resize_into_run(unsigned char *at, struct mp_inline_cache *cache,
                            void *ptr, uint32_t old, uint32_t granules)
{
    size_t more = (granules - old) * SIZES_GRANULE;

    if ((unsigned char *)ptr + old * SIZES_GRANULE != cache->cut ||
        (size_t)(cache->end - cache->cut) < more) {
        return false;
    }
    /* The map bytes of the run and of the object both belong to the caller.
     * The length is written before the byte that says to read it. */
    cache->cut += more;
    if (granules <= SIZES_SHORT) {
        sync_put_release(at, (unsigned char)(BLOCK_LIVE + granules - 1));
    } else {
        block_put_length(at + 1, granules);
        sync_put_release(at, BLOCK_LONG_LIVE);
    }
    return true;
}

/* Shortens a short object that ends where the run begins: the rest serves
 * objects of any length there.  False: it ends elsewhere.  Behind the first
 * byte its map is 0, as that of a run has to be. */
static bool resize_back_into_run(unsigned char *at,
                                 struct mp_inline_cache *cache, void *ptr,
                                 uint32_t old, size_t granules)
{
    if (granules >= old || old > SIZES_SHORT ||
        (unsigned char *)ptr + old * SIZES_GRANULE != cache->cut) {
        return false;
    }
    sync_put_release(at, (unsigned char)(BLOCK_LIVE + granules - 1));
    cache->cut -= (old - granules) * SIZES_GRANULE;
    return true;
}

/* The chunk of an object can stay as it is: a long one may be a little longer
 * than it need be. */
static inline bool resize_fits(size_t old, size_t granules)
{
    return granules == old || (old > SIZES_SHORT && granules < old &&
                               old - granules <= old / 8);
}

static void resize_copy(void *to, const void *from, size_t bytes)
{
    if (bytes > RESIZE_FEW) {
        memcpy(to, from, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += SIZES_GRANULE) {
        memcpy((unsigned char *)to + i, (const unsigned char *)from + i,
               SIZES_GRANULE);
    }
}

/* A short object moves to any short or middle length; a long one that shrinks
 * stays, so that the heap gets its end. */
static inline bool resize_may_move(size_t old, size_t granules)
{
    return granules <= RESIZE_COPY && old <= RESIZE_COPY &&
           (old <= SIZES_SHORT || granules >= old);
}

void *resize_inside(const struct mp_inline_thread *state,
                    struct mp_inline_cache *fast,
                    const struct memory_pool *mp, void *ptr, size_t size,
                    void **left)
{
    size_t granules = (size - 1) / SIZES_GRANULE + 1;
    unsigned char *at = window_reach(state, NULL, mp, ptr);
    uint32_t old = resize_length(at);

    *left = NULL;
    /* A size of 0 has too many granules, too. */
    if (old == 0 || granules > SIZES_MIDDLE) {
        return NULL;
    }
    if (resize_fits(old, granules) ||
        resize_back_into_run(at, fast, ptr, old, granules)) {
        return ptr;
    }
    if (granules > old &&
        resize_into_run(at, fast, ptr, old, (uint32_t)granules)) {
        return ptr;
    }
    if (!resize_may_move(old, granules)) {
        return NULL;
    }
    void *object = granules <= SIZES_SHORT
                       ? mp_inline_take(state, fast, size)
                       : cache_take_middle(state, fast, granules);
    if (object == NULL) {
        return NULL;
    }
    resize_copy(object, ptr,
                (old < granules ? old : granules) * SIZES_GRANULE);
    if (!mp_inline_give(state, fast, mp, ptr) &&
        !cache_give_refused(state, fast, mp, ptr)) {
        *left = ptr;
    }
    return object;
}

/* The cache takes one more chunk of that length without the slow path. */
static bool resize_can_give(const struct cache *cache, uint32_t length)
{
    return length <= SIZES_SHORT
               ? cache->fast.lists[length - 1].room > 0
               : cache->middle != NULL && cache->fast.credit <= CREDIT_MOST &&
                     sizes_middle_below(length) > 0 &&
                     length <=
                         cache->middle->limit - cache->middle->granules;
}

void *resize_counted(const struct mp_inline_thread *state,
                     struct cache *cache, const struct memory_pool *mp,
                     void *ptr, size_t size)
{
    size_t granules = (size - 1) / SIZES_GRANULE + 1;
    unsigned char *at = window_reach(state, cache->windows, mp, ptr);
    uint32_t length = resize_length(at);

    /* While a mark is open, what the credit loses is the mark's. */
    if (length == 0 || granules > SIZES_MIDDLE ||
        cache_has_mark(cache, cache->set)) {
        return NULL;
    }
    size_t old = length * SIZES_GRANULE - block_get_slack_at(at, length);
    size_t more = size - old; /* as unsigned numbers */
    bool grows = size > old;
    if (grows && more > cache->fast.credit) {
        return NULL;
    }
    /* The slack of a short chunk has one nibble, and is no more than a granule.
     * A long chunk that becomes much too long is cut by the heap. */
    bool fits = resize_fits(length, granules);
    if (!fits && granules > length &&
        resize_into_run(at, &cache->fast, ptr, length, (uint32_t)granules)) {
        length = (uint32_t)granules;
        fits = true;
    } else if (!fits && granules < length) {
        /* The slack may have stood where the run begins then. */
        size_t slack = block_get_slack_at(at, length);
        block_clear_slack_at(at, length);
        fits = resize_back_into_run(at, &cache->fast, ptr, length, granules);
        if (fits) {
            length = (uint32_t)granules;
        } else {
            block_put_slack_at(at, length, slack);
        }
    }
    if (fits) {
        if (!grows && cache->set->zero) {
            memset((unsigned char *)ptr + size, 0, old - size);
        }
        block_put_slack_at(at, length, length * SIZES_GRANULE - size);
        if (grows) {
            mp_inline_charge(&cache->fast, more);
        } else {
            cache->fast.credit -= more;
        }
        return ptr;
    }
    if (!resize_may_move(length, granules) ||
        !resize_can_give(cache, length)) {
        return NULL;
    }
    size_t least = cache->fast.least;
    void *object = credit_take(state, cache, size);
    if (object == NULL) {
        return NULL;
    }
    resize_copy(object, ptr, (length < granules ? length : granules) *
                                 SIZES_GRANULE);
    if (!grows && cache->set->zero) {
        /* The last granule was copied whole.  Its end is not the object's, and
         * would not be zeroed with it. */
        memset((unsigned char *)object + size, 0, -size % SIZES_GRANULE);
    }
    bool given = credit_give(state, cache, mp, ptr);
    ASSERT(given);
    (void)given;
    /* Both were there for a moment, but the program held one. */
    cache->fast.least = cache->fast.credit < least ? cache->fast.credit : least;
    return object;
}
