/* SPDX-License-Identifier: MIT
 *
 * window.h - how a cache finds the map of an address outside of the range or in
 * a mark.
 *
 * In the range one table leads from any address to its map and its owner.  A
 * block of a program's backing, or a buffer, may lie anywhere, and has a map of
 * its own.  So each cache of such a pool remembers some blocks of the pool.  A
 * window is what it has to know of one: where the granules are, and where
 * their map is.  All addresses of a window are the pool's.  A table of pages
 * says which window an address was found in last.
 *
 * While a user has a mark open, its cache takes back what lies in the newest
 * mark's heap, and nothing else.  The range's table does not tell marks apart.
 * So then a cache in the range has windows, too, which show blocks of that
 * heap alone.
 *
 *     address -> pages[some bits of it] -> window -> byte of the map
 *                       | another one
 *                       +-> all windows, one by one
 *
 * A cache learns of a block under the pool's lock, as it meets the first
 * address of the block.  Before a block's memory goes, or the block comes to
 * another heap, the windows that show it are closed; pause.c does it.
 *
 * What it cannot do: remember more than WINDOW_MOST blocks.  With more of them
 * in use, calls come to the slow path more often.  Nor take back what lies in a
 * block that was lent to a mark: that goes without a word to the caches.
 */
#ifndef MP_WINDOW_H
#define MP_WINDOW_H

#include "cache/thread.h"
#include "store/block.h"

/* 64 blocks are 64 MiB or more where a pool is large. */
#define WINDOW_MOST 64u

/* Bits of an address within a page: 4 KiB, which is no more than a few small
 * blocks have. */
#define WINDOW_PAGE 12
#define WINDOW_PAGES 2048u

struct window {
    uintptr_t bias;     /* the map byte of an address is at this plus a
                         * sixteenth of the address */
    uintptr_t base;     /* of granule 0 */
    uintptr_t granules; /* 0: the window is closed */
    uintptr_t freeable; /* the same; 0: objects there are not freed by it */
};

/* The cache's user reads it while it is inside.  list and next are written with
 * the pool's lock held, by the user or while that is paused; so others may read
 * them under that lock.  pages is the user's, inside, and need not be right. */
struct windows {
    struct window list[WINDOW_MOST];
    unsigned count;                      /* as many as were ever opened since
                                          * all were closed */
    unsigned next;                       /* to be used next, if that is all */
    unsigned char pages[WINDOW_PAGES];   /* which of list */
};

/* The window that an address lies in, sought among all; NULL: in none.  The
 * table then leads there. */
MP_INNER const struct window *window_search(struct windows *windows,
                                            const void *ptr);

/* The window that was found last for an address in the page. */
static inline const struct window *
window_of_page(const struct windows *windows, const void *ptr)
{
    size_t page = (uintptr_t)ptr >> WINDOW_PAGE & (WINDOW_PAGES - 1);
    const struct window *window = &windows->list[windows->pages[page]];

    /* Without this, gcc works its place out twice. */
    __asm__("" : "+r"(window));
    return window;
}

/* The window of an address; NULL: it is in none, as one between granules is.
 * search: not only where the table leads, which would be a call. */
static inline MP_INLINED const struct window *
window_find(struct windows *windows, const void *ptr, bool search)
{
    const struct window *window = window_of_page(windows, ptr);

    if (MP_LIKELY(block_granule_at((const unsigned char *)window->base, ptr) <
                  window->granules)) {
        return window;
    }
    return search ? window_search(windows, ptr) : NULL;
}

/* The same for an object that is to be freed. */
static inline MP_INLINED const struct window *
window_find_freed(struct windows *windows, const void *ptr, bool search)
{
    const struct window *window = window_of_page(windows, ptr);

    if (MP_LIKELY(block_granule_at((const unsigned char *)window->base, ptr) <
                  window->freeable)) {
        return window;
    }
    window = search ? window_search(windows, ptr) : NULL;
    return window == NULL || window->freeable == 0 ? NULL : window;
}

/* The same as the first for an address that was found last in its page. */
static inline const struct window *
window_find_known(const struct windows *windows, const void *ptr)
{
    ASSERT(block_granule_at(
               (const unsigned char *)window_of_page(windows, ptr)->base, ptr) <
           window_of_page(windows, ptr)->granules);
    return window_of_page(windows, ptr);
}

/* Where the map has the byte of an address in the window. */
static inline unsigned char *window_map(const struct window *window,
                                        const void *ptr)
{
    return (unsigned char *)(window->bias + (uintptr_t)ptr / SIZES_GRANULE);
}

/* Where the map has the byte of an object of the pool's that is to be freed, by
 * a user that is inside; NULL: the address is another's, or none that the user
 * knows.  windows: NULL in the range, while no mark is open; search: as
 * above. */
static inline MP_INLINED unsigned char *
window_reach_by(const struct mp_inline_thread *state, struct windows *windows,
                const struct memory_pool *mp, const void *ptr, bool search)
{
    if (windows != NULL) {
        const struct window *window =
            window_find_freed(windows, ptr, search);
        if (MP_UNLIKELY(window == NULL)) {
            return NULL;
        }
        unsigned char *at = window_map(window, ptr);
        if (at == NULL) {
            __builtin_unreachable();
        }
        return at;
    }
    return mp_inline_reach(state, mp, ptr);
}

static inline unsigned char *
window_reach(const struct mp_inline_thread *state, struct windows *windows,
             const struct memory_pool *mp, const void *ptr)
{
    return window_reach_by(state, windows, mp, ptr, true);
}

/* Opens a window on a block, in place of the one that was opened first if there
 * are too many.  With the pool's lock held, by the cache's user. */
MP_INNER void window_open(struct windows *windows, const struct block *block);

/* The pool's lock is held: a window shows the block, or some of its memory;
 * closes those, and closes all; the last two by the user or while it is
 * paused. */
MP_INNER bool window_shows(const struct windows *windows,
                           const struct block *block);
MP_INNER void window_close(struct windows *windows,
                           const struct block *block);
MP_INNER void window_close_all(struct windows *windows);

#endif /* MP_WINDOW_H */
