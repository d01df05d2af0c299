/* SPDX-License-Identifier: MIT
 *
 * middle.h - a cache's free chunks of middle lengths: 1 KiB to 64 KiB.
 *
 * Short chunks have a list for each length, and compiled-in code knows it.
 * Middle chunks have a list for each class of lengths, behind a call.  A free
 * chunk goes into the longest class that is no longer than itself.  A request
 * takes from the shortest class that is long enough, or from one of the few
 * classes above, so that at most an eighth of a chunk is wasted.
 *
 * The chunks of one cache hold no more granules than its limit, which grows
 * with the pool's heap.  Beyond it half of them go back to the heap, one class
 * after the other, in turn.  Where a request comes that one of those would have
 * served, the limit was too low for what the thread does, and its least value
 * doubles: at most to 1 MiB.
 *
 * What it cannot do: exchange chunks with other caches.  A middle chunk that
 * another thread frees comes back by way of the heap.
 */
#ifndef MP_MIDDLE_H
#define MP_MIDDLE_H

#include "cache/thread.h"
#include "cache/window.h"
#include "store/heap.h"

#define MIDDLE_WORDS ((SIZES_MIDDLE_CLASSES + 63) / 64 + 1)

/* The owner of the cache owns it. */
struct middle {
    void *lists[SIZES_MIDDLE_CLASSES]; /* linked by their first word */
    uint64_t bits[MIDDLE_WORDS]; /* classes that have a chunk; the last word
                                  * is 0, so that any two neighbours exist */
    size_t granules; /* of all chunks */
    size_t limit;    /* of those; 0: takes none */
    size_t frees;    /* done so far */
    bool damaged;    /* a list was found written over since this was cleared */
    unsigned turn;   /* class that goes back to the heap next */
    unsigned doubled; /* times that the limit's least value was */
    uint64_t spilled[MIDDLE_WORDS]; /* classes of which chunks went back for
                                     * want of room since it last was */
};

/* True: a request or a chunk of that many granules is for these lists. */
static inline bool middle_fits(size_t granules)
{
    return granules - (SIZES_SHORT + 1) < SIZES_MIDDLE - SIZES_SHORT;
}

/* Where the map has the byte of an address in the range. */
static inline unsigned char *middle_map(const struct mp_inline_thread *state,
                                        const void *ptr)
{
    return (unsigned char *)(state->bias + (uintptr_t)ptr / SIZES_GRANULE);
}

/* An address in the range is the start of a live long chunk. */
static inline bool middle_is_live(const struct mp_inline_thread *state,
                                  const void *ptr)
{
    return sync_get(middle_map(state, ptr)) == BLOCK_LONG_LIVE;
}

/* The user is inside.  The first takes an object of that many granules; NULL:
 * there is none.  The second frees a live object of the pool into the lists;
 * false: it is not of a middle length, or the lists are full.  windows: NULL in
 * the range. */
MP_INNER void *middle_take(const struct mp_inline_thread *state,
                           struct windows *windows, struct middle *middle,
                           size_t granules);
MP_INNER bool middle_give(const struct mp_inline_thread *state,
                          struct windows *windows, struct middle *middle,
                          const struct memory_pool *mp, const void *ptr);

/* The second for a long object of that length, whose byte of the map is at. */
static inline MP_INLINED bool middle_push(struct middle *middle,
                                          unsigned char *at, uint32_t length,
                                          const void *ptr)
{
    ASSERT(sync_get(at) == BLOCK_LONG_LIVE);
    if (!middle_fits(length) || length > middle->limit - middle->granules) {
        return false;
    }
    unsigned class = sizes_middle_below(length);
    if (class == 0) {
        return false; /* no request looks there */
    }
    void **chunk = (void **)(uintptr_t)ptr;
    *chunk = middle->lists[class];
    middle->lists[class] = chunk;
    middle->bits[class / 64] |= (uint64_t)1 << class % 64;
    middle->granules += sizes_middle_length(class);
    middle->frees++;
    sync_put(at, BLOCK_LONG_CACHED);
    return true;
}

/* The others with the pool's lock held, for a cache whose user is the caller
 * or that is paused. */

/* Sets the limit by the heap's size, and makes room for a chunk of that many
 * granules; false: it is too long for the limit. */
MP_INNER bool middle_make_room(struct middle *middle, struct heap *heap,
                               size_t granules);

/* The heap serves a request of so many granules, since the lists did not. */
MP_INNER void middle_miss(struct middle *middle, size_t granules);

/* Gives chunks back to the heap until no more than so many granules are left.
 */
MP_INNER void middle_flush(struct middle *middle, struct heap *heap,
                           size_t left);

/* As they were made, but for what was found damaged; they are empty. */
MP_INNER void middle_renew(struct middle *middle);

/* Forgets all chunks. */
MP_INNER void middle_forget(struct middle *middle);

/* The chunks of each list, as cache_each_chain() does. */
MP_INNER bool middle_each(const struct middle *middle,
                          bool (*visit)(const void *chain, void *arg),
                          void *arg);

/* Bits and lists agree.  Follows no chain. */
MP_INNER bool middle_is_sound(const struct middle *middle);

#endif /* MP_MIDDLE_H */
