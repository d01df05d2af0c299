/* SPDX-License-Identifier: MIT
 *
 * handle.h - a cache that belongs to no thread.
 *
 * A handle is used as a thread's cache is, and paused as one, by a state of
 * its own; so its user need not be looked up, and may be another thread each
 * time.  In a pool without caches it only stands for the owner of marks.
 *
 * What it cannot do: be used by two threads at once.
 */
#ifndef MP_HANDLE_H
#define MP_HANDLE_H

#include "cache/attach.h"

/* The pool has its cache on its set.  The first two members are a struct
 * mp_inline_handle. */
struct mp_handle {
    struct mp_inline_thread state; /* its user's; only inside is used, and what
                                    * is the same in all threads */
    struct cache cache;
    struct memory_pool *pool; /* fixed */
    struct user user;         /* fixed */
};

/* No lock held; NULL: no memory. */
MP_INNER struct mp_handle *handle_attach(struct cache_set *set);

/* Takes the handle off the pool, whose lock is held; and frees it, with no
 * lock held. */
MP_INNER void handle_detach(struct mp_handle *handle);
MP_INNER void handle_free(struct mp_handle *handle);

/* The part that compiled-in code knows. */
static inline struct mp_inline_handle *handle_fast(struct mp_handle *handle)
{
    return (struct mp_inline_handle *)(void *)handle;
}

#endif /* MP_HANDLE_H */
