/* SPDX-License-Identifier: MIT
 *
 * middle.c - a cache's free chunks of middle lengths: 1 KiB to 64 KiB.
 *
 *     bits      ...0 1 0 0 1 1...
 *                    |     | |
 *     lists          v     v v
 *                  chunk   ...         map: BLOCK_LONG_CACHED, its length
 *                    | first word
 *                    v
 *                  chunk -> NULL
 *
 * The length stays in the map while the chunk lies here.  So taking and giving
 * change one byte of the map each, and a chunk that was cut to a length between
 * two classes is not longer or shorter when it comes back.
 *
 * What it cannot do: serve a request from a much longer class.  The heap cuts
 * such a chunk; here all of it would be lent.
 *
 * Invariants, while the cache's user is not inside:
 *
 *     bit c of bits       == lists[c] has a chunk
 *     granules            == sum of the classes' lengths of all chunks, and of
 *                            those in lists that were damaged
 *     granules            <= limit, or limit == 0 and there is no chunk
 */
#include "cache/middle.h"

#include "store/range.h"

/* Classes above the one asked for that serve, too: an eighth of the length. */
#define MIDDLE_ABOVE 4u

/* The limit is such a part of the heap, between the other two; the lower of
 * them may have been doubled. */
#define MIDDLE_PART 32
#define MIDDLE_LEAST ((size_t)(128 << 10) / SIZES_GRANULE)
#define MIDDLE_MOST ((size_t)(1 << 20) / SIZES_GRANULE)

/* The lowest class from the given one on whose bit is set, if it is no more
 * than MIDDLE_ABOVE higher; SIZES_MIDDLE_CLASSES: none. */
static inline unsigned middle_search(const uint64_t *words, unsigned class)
{
    unsigned shift = class % 64;
    const uint64_t *word = &words[class / 64];
    /* Shifted in two steps, since one of 64 has no meaning. */
    uint64_t bits = word[0] >> shift | word[1] << (63 - shift) << 1;

    bits &= ((uint64_t)2 << MIDDLE_ABOVE) - 1;
    return bits == 0 ? SIZES_MIDDLE_CLASSES
                     : class + (unsigned)__builtin_ctzll(bits);
}

/* Takes the first chunk off a list that has one, where the map has that byte
 * for it; NULL: it was damaged, and has none any more. */
static inline void *middle_pop(struct middle *middle, unsigned class,
                               unsigned char code)
{
    void **chunk = middle->lists[class];

    ASSERT(chunk != NULL);
    /* A program may have written over the link that led here.  Then the list
     * ends, and a sweep finds what was in it. */
    if (MP_UNLIKELY(code != BLOCK_LONG_CACHED)) {
        middle->lists[class] = NULL;
        middle->bits[class / 64] &= ~((uint64_t)1 << class % 64);
        middle->damaged = true;
        return NULL;
    }
    middle->lists[class] = *chunk;
    if (*chunk == NULL) {
        middle->bits[class / 64] &= ~((uint64_t)1 << class % 64);
    }
    return chunk;
}

/* Where the map has the byte of an address in the range or a window; NULL: it
 * is in none, or lies between granules. */
static inline unsigned char *
middle_reach(const struct mp_inline_thread *state, struct windows *windows,
             const void *ptr)
{
    if (windows != NULL) {
        const struct window *window = window_find(windows, ptr, true);
        return window == NULL ? NULL : window_map(window, ptr);
    }
    return block_granule_at((const unsigned char *)state->base, ptr) <
                   state->granules
               ? middle_map(state, ptr)
               : NULL;
}

void *middle_take(const struct mp_inline_thread *state,
                  struct windows *windows, struct middle *middle,
                  size_t granules)
{
    ASSERT(middle_fits(granules));
    unsigned class = sizes_middle_above((uint32_t)granules);

    /* Most programs ask for the same lengths again. */
    if (MP_UNLIKELY(middle->lists[class] == NULL)) {
        class = middle_search(middle->bits, class);
        if (class == SIZES_MIDDLE_CLASSES) {
            return NULL;
        }
    }
    /* A link that a program wrote over may lead anywhere. */
    unsigned char *at = middle_reach(state, windows, middle->lists[class]);
    if (MP_UNLIKELY(at == NULL) && windows != NULL) {
        return NULL; /* the user may not know the block any more */
    }
    void *object = middle_pop(middle, class, at == NULL ? BLOCK_NONE
                                                        : sync_get(at));
    if (MP_UNLIKELY(object == NULL)) {
        return NULL;
    }
    middle->granules -= sizes_middle_length(class);
    /* Release as in mp_inline_take(). */
    sync_put_release(at, BLOCK_LONG_LIVE);
    return object;
}

bool middle_give(const struct mp_inline_thread *state,
                 struct windows *windows, struct middle *middle,
                 const struct memory_pool *mp, const void *ptr)
{
    unsigned char *at = window_reach(state, windows, mp, ptr);

    /* Acquire pairs with the release above. */
    return at != NULL && sync_get_acquire(at) == BLOCK_LONG_LIVE &&
           middle_push(middle, at, block_get_length(at + 1), ptr);
}

/* Class after class, and each time on from where it stopped: so no class goes
 * without chunks because it is a low one.  classes: gets the bits of those that
 * gave; or NULL. */
static void middle_give_back(struct middle *middle, struct heap *heap,
                             size_t left, uint64_t *classes)
{
    ASSERT(middle_is_sound(middle));
    unsigned empty = 0;
    while (middle->granules > left) {
        unsigned class = middle->turn;
        if (middle->lists[class] == NULL) {
            middle->turn = (class + 1) % SIZES_MIDDLE_CLASSES;
            if (++empty == SIZES_MIDDLE_CLASSES) {
                middle->granules = 0; /* the rest was in damaged lists */
            }
            continue;
        }
        empty = 0;
        void *object =
            middle_pop(middle, class, heap_code(heap, middle->lists[class]));
        if (object == NULL) {
            continue;
        }
        struct heap_chunk chunk = heap_find(heap, object);
        ASSERT(chunk.block != NULL);
        middle->granules -= sizes_middle_length(class);
        if (classes != NULL) {
            classes[class / 64] |= (uint64_t)1 << class % 64;
        }
        heap_give(heap, chunk);
    }
}

bool middle_make_room(struct middle *middle, struct heap *heap,
                      size_t granules)
{
    size_t limit = heap->size / MIDDLE_PART;
    size_t least = MIDDLE_LEAST << middle->doubled;

    limit = limit < least ? least : limit;
    limit = limit > MIDDLE_MOST ? MIDDLE_MOST : limit;
    if (middle->granules > limit) {
        middle_give_back(middle, heap, limit, middle->spilled);
    }
    middle->limit = limit;
    if (granules > limit / 2) {
        return false;
    }
    if (granules > limit - middle->granules) {
        middle_give_back(middle, heap, limit / 2, middle->spilled);
    }
    return true;
}

void middle_miss(struct middle *middle, size_t granules)
{
    ASSERT(middle_fits(granules));
    unsigned class = sizes_middle_above((uint32_t)granules);

    if (MIDDLE_LEAST << middle->doubled < MIDDLE_MOST &&
        middle_search(middle->spilled, class) != SIZES_MIDDLE_CLASSES) {
        middle->doubled++;
        memset(middle->spilled, 0, sizeof middle->spilled);
    }
}

void middle_flush(struct middle *middle, struct heap *heap, size_t left)
{
    middle_give_back(middle, heap, left, NULL);
}

void middle_forget(struct middle *middle)
{
    if (middle->granules > 0) {
        memset(middle->lists, 0, sizeof middle->lists);
        memset(middle->bits, 0, sizeof middle->bits);
        middle->granules = 0;
    }
}

void middle_renew(struct middle *middle)
{
    ASSERT(middle->granules == 0);
    middle->frees = 0;
    middle->limit = 0;
    middle->doubled = 0;
    memset(middle->spilled, 0, sizeof middle->spilled);
}

bool middle_each(const struct middle *middle,
                 bool (*visit)(const void *chain, void *arg), void *arg)
{
    for (unsigned class = 0; class < SIZES_MIDDLE_CLASSES; class++) {
        if (middle->lists[class] != NULL &&
            !visit(middle->lists[class], arg)) {
            return false;
        }
    }
    return true;
}

bool middle_is_sound(const struct middle *middle)
{
    for (unsigned class = 0; class < SIZES_MIDDLE_CLASSES; class++) {
        bool bit = (middle->bits[class / 64] >> class % 64 & 1) != 0;
        if (bit != (middle->lists[class] != NULL)) {
            return false;
        }
    }
    return middle->granules <= middle->limit &&
           middle->bits[MIDDLE_WORDS - 1] == 0;
}
