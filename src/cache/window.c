/* SPDX-License-Identifier: MIT
 *
 * window.c - how a cache finds the map of an address outside of the range.
 *
 * What it cannot do: know whether the blocks that it shows are there.  Its
 * callers close the windows in time.
 *
 * Invariants, while the cache's user is not inside:
 *
 *     no two windows that are open have the same base
 *     an open window shows granules of a block of the cache's pool, with the
 *     map of that block; or of the newest mark of the cache's user
 */
#include "cache/window.h"

#include <string.h>

_Static_assert(WINDOW_MOST <= 256, "a byte does not tell the windows apart");

static inline bool window_has(const struct window *window, const void *ptr)
{
    return block_granule_at((const unsigned char *)window->base, ptr) <
           window->granules;
}

/* The table then leads there directly. */
const struct window *window_search(struct windows *windows, const void *ptr)
{
    for (unsigned i = 0; i < WINDOW_MOST; i++) {
        if (window_has(&windows->list[i], ptr)) {
            windows->pages[(uintptr_t)ptr >> WINDOW_PAGE &
                           (WINDOW_PAGES - 1)] = (unsigned char)i;
            return &windows->list[i];
        }
    }
    return NULL;
}

/* The one with that base, or the one to be used next. */
static unsigned window_place(const struct windows *windows, uintptr_t base)
{
    for (unsigned i = 0; i < WINDOW_MOST; i++) {
        if (windows->list[i].granules > 0 && windows->list[i].base == base) {
            return i;
        }
    }
    return WINDOW_MOST;
}

/* A block that was shown before may have become longer. */
void window_open(struct windows *windows, const struct block *block)
{
    ASSERT(windows != NULL && block->granules > 0);
    unsigned place = window_place(windows, (uintptr_t)block->base);

    if (place == WINDOW_MOST) {
        place = windows->next;
        windows->next = (place + 1) % WINDOW_MOST;
    }
    windows->list[place] = (struct window){
        .bias = (uintptr_t)block->map - (uintptr_t)block->base / SIZES_GRANULE,
        .base = (uintptr_t)block->base,
        .granules = block->granules,
    };
}

bool window_shows(const struct windows *windows, const struct block *block)
{
    return window_place(windows, (uintptr_t)block->base) < WINDOW_MOST;
}

void window_close(struct windows *windows, const struct block *block)
{
    unsigned place = window_place(windows, (uintptr_t)block->base);

    if (place < WINDOW_MOST) {
        windows->list[place].granules = 0;
    }
}

/* The table may lead to any of them, and finds each closed. */
void window_close_all(struct windows *windows)
{
    memset(windows->list, 0, sizeof windows->list);
    windows->next = 0;
}
