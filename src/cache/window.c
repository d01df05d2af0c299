/* SPDX-License-Identifier: MIT
 *
 * window.c - how a cache finds the map of an address outside of the range or in
 * a mark.
 *
 * What it cannot do: know whether the blocks that it shows are there.  Its
 * callers close the windows in time.
 *
 * Invariants, while the cache's user is not inside:
 *
 *     no two windows that are open have a granule in common
 *     an open window that is freeable shows granules of an empty block, or of
 *     one of the heap that the cache's user allocates from, with its map
 *     list[count] and those behind it are closed
 */
#include "cache/window.h"

_Static_assert(WINDOW_MOST <= 256, "a byte does not tell the windows apart");

static inline bool window_has(const struct window *window, const void *ptr)
{
    return block_granule_at((const unsigned char *)window->base, ptr) <
           window->granules;
}

/* The table then leads there directly. */
const struct window *window_search(struct windows *windows, const void *ptr)
{
    const struct window *end = windows->list + windows->count;

    for (const struct window *w = windows->list; w < end; w++) {
        if (window_has(w, ptr)) {
            windows->pages[(uintptr_t)ptr >> WINDOW_PAGE &
                           (WINDOW_PAGES - 1)] =
                (unsigned char)(w - windows->list);
            return w;
        }
    }
    return NULL;
}

/* They have a granule in common: it is the same block, or one of them was lent
 * and is gone, and the other is what became of its memory. */
static inline bool window_meets(const struct window *window,
                                const struct block *block)
{
    uintptr_t base = (uintptr_t)block->base;

    return window->granules > 0 &&
           (base - window->base < window->granules * SIZES_GRANULE ||
            window->base - base < (uintptr_t)block->granules * SIZES_GRANULE);
}

static inline void window_shut(struct window *window)
{
    window->granules = window->freeable = 0;
}

/* A block that was shown before may have become longer.  A block that was lent
 * to a mark goes back into its chunk without a word to the caches. */
void window_open(struct windows *windows, const struct block *block)
{
    ASSERT(windows != NULL && block->granules > 0);
    unsigned place = WINDOW_MOST;

    for (unsigned i = 0; i < windows->count; i++) {
        if (window_meets(&windows->list[i], block)) {
            window_shut(&windows->list[i]);
            place = i;
        }
    }
    if (place == WINDOW_MOST && windows->count < WINDOW_MOST) {
        place = windows->count++;
    } else if (place == WINDOW_MOST) {
        place = windows->next;
        windows->next = (place + 1) % WINDOW_MOST;
    }
    windows->list[place] = (struct window){
        .bias = (uintptr_t)block->map - (uintptr_t)block->base / SIZES_GRANULE,
        .base = (uintptr_t)block->base,
        .granules = block->granules,
        .freeable = block->lent ? 0 : block->granules,
    };
}

bool window_shows(const struct windows *windows, const struct block *block)
{
    for (unsigned i = 0; i < windows->count; i++) {
        if (window_meets(&windows->list[i], block)) {
            return true;
        }
    }
    return false;
}

void window_close(struct windows *windows, const struct block *block)
{
    for (unsigned i = 0; i < windows->count; i++) {
        if (window_meets(&windows->list[i], block)) {
            window_shut(&windows->list[i]);
        }
    }
}

/* The table may lead to any of them, and finds each closed. */
void window_close_all(struct windows *windows)
{
    for (unsigned i = 0; i < windows->count; i++) {
        window_shut(&windows->list[i]);
    }
    windows->count = windows->next = 0;
}
