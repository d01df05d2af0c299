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

#include "cache.h"

/* The pool has it on its list of caches, handle or thread's. */
struct mp_handle {
    struct cache cache;      /* first: the pool's list has only this */
    struct mp_inline_thread mark; /* its user's, see cache.h; only inside is used */
    struct memory_pool *mp;  /* fixed */
    uint64_t number;         /* fixed; owner of its marks */
};

/* No lock held; NULL: no memory. */
struct mp_handle *handle_attach(struct memory_pool *mp);

/* No lock held; the handle is gone. */
void handle_detach(struct mp_handle *handle);

/* The memory of the handle that a cache is in. */
void handle_free(struct cache *cache);

/* Inside, when not NULL: the handle's pool; to be left with
 * mp_inline_leave(&handle->mark). */
static inline struct memory_pool *handle_enter(struct mp_handle *handle)
{
    struct memory_pool *mp = handle->mp;

    sync_put(&handle->mark.inside, mp);
    sync_order();
    /* Acquire pairs with the release in cache_resume(). */
    if (MP_LIKELY(sync_get_acquire(&handle->cache.fast.pool) == mp)) {
        return mp;
    }
    mp_inline_leave(&handle->mark);
    return NULL;
}

#endif /* MP_HANDLE_H */
