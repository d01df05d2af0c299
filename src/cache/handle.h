/* SPDX-License-Identifier: MIT
 *
 * handle.h - a cache that belongs to no thread.
 *
 * A handle is used as a thread's cache is, and paused as one, by a note of
 * its own; so its user need not be looked up, and may be another thread each
 * time.  In a pool without caches it only stands for the owner of marks.
 *
 * What it cannot do: be used by two threads at once.
 */
#ifndef MP_HANDLE_H
#define MP_HANDLE_H

#include "cache/cache.h"

/* The pool has its cache on its list of caches.  The first two members are a
 * struct mp_inline_handle. */
struct mp_handle {
    struct mp_inline_thread state; /* its user's; only inside is used, and what
                                   * is the same in all threads */
    struct cache cache;
    struct memory_pool *mp;  /* fixed */
    uint64_t number;         /* fixed; owner of its marks */
};

/* No lock held; NULL: no memory. */
struct mp_handle *handle_attach(struct memory_pool *mp);

/* No lock held; the handle is gone. */
void handle_detach(struct mp_handle *handle);

/* The memory of the handle that a cache is in. */
void handle_free(struct cache *cache);

/* The part that compiled-in code knows. */
static inline struct mp_inline_handle *handle_fast(struct mp_handle *handle)
{
    return (struct mp_inline_handle *)(void *)handle;
}

#endif /* MP_HANDLE_H */
